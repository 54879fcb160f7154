//! Panics: what they print, and how those of libraries are caught.
//!
//! Invariant: a panic prints nothing that was captured. Its message may quote a text that it stumbled over, so a message that was put
//! together at run time is shown only to a person who asks for it (`RUST_BACKTRACE`), and then without anything that steers a terminal.
//! One that was caught prints nothing at all: it becomes an error of the caller.

use std::cell::Cell;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use crate::base::shown;

thread_local! {
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Makes panics print one line of ours. Called once, by the program; tests keep the usual message.
pub fn quiet() {
    std::panic::set_hook(Box::new(|info| {
        if !is_caught() {
            // Nobody is left to tell when standard error is closed.
            drop(std::io::stderr().write_all(report(info, std::env::var_os("RUST_BACKTRACE").is_some()).as_bytes()));
        }
    }));
}

fn report(info: &PanicHookInfo<'_>, whole: bool) -> String {
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let fixed = info.payload().downcast_ref::<&'static str>().copied();
    let made = info.payload().downcast_ref::<String>().map(String::as_str).filter(|_| whole);
    let what = match fixed.or(made) {
        Some(what) => format!(": {}", shown::line(what)),
        None => " (RUST_BACKTRACE=1 shows what it says, which may quote what was recorded)".to_owned(),
    };
    format!(
        "error: a fault in watchcap{place}{what}\nhint: please report it; a recording that was cut off is kept, see `watchcap info`\n"
    )
}

/// Whether a panic in this thread would be caught by [`caught`].
pub fn is_caught() -> bool {
    CAUGHT.get()
}

/// Calls a library that may panic on bytes that nobody wrote; `None` when it did.
pub fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    let before = CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    CAUGHT.set(before);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caught_panic_is_none_and_the_next_one_is_heard() {
        assert_eq!(caught(|| 7), Some(7));
        assert_eq!(caught(|| -> i32 { panic!("caught") }), None);
        assert!(!CAUGHT.get());
        caught(|| assert!(CAUGHT.get())).expect("no panic");
    }
}
