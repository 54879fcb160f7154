//! What is said while the terminal shows something else: it waits, and is written when the terminal is given back.
//!
//! Invariant: while it is held, and once the terminal is given up, nobody who says something touches the terminal, and so nobody waits for it.
//! The log file of `--log-file` gets everything at once.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Texts that are held at the most; the oldest go first. A recording says a few in an hour, and with -vvv some hundred in a second.
const MAX_HELD: usize = 1000;

/// Where a text goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum To {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

#[derive(PartialEq, Eq, Debug)]
enum State {
    /// Everything is written at once.
    Open,
    /// It waits; so many did not fit.
    Held(VecDeque<(To, Vec<u8>)>, u64),
    /// The terminal takes nothing any more: nothing is written.
    GivenUp,
}

impl State {
    /// Takes a text, unless it is to be written at once.
    fn takes(&mut self, to: To, text: &[u8]) -> bool {
        match self {
            Self::Open => false,
            Self::Held(texts, lost) => {
                if texts.len() == MAX_HELD {
                    texts.pop_front();
                    *lost += 1;
                }
                texts.push_back((to, text.to_vec()));
                true
            }
            Self::GivenUp => true,
        }
    }
}

static STATE: Mutex<State> = Mutex::new(State::Open);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on texts wait.
pub(super) fn hold() {
    let mut state = state();
    if *state == State::Open {
        *state = State::Held(VecDeque::new(), 0);
    }
}

/// Writes what has waited; from now on texts are written at once.
pub(super) fn release() {
    let mut state = state();
    if let State::Held(texts, lost) = std::mem::replace(&mut *state, State::Open) {
        // Under the lock: what is said meanwhile comes after it.
        if lost > 0 {
            put(To::Err, format!("{lost} older messages are left out here\n").as_bytes());
        }
        for (to, text) in texts {
            put(to, &text);
        }
    }
}

/// The terminal takes nothing any more, and what has waited is dropped: whoever wrote to it would wait for ever.
pub(super) fn give_up() {
    *state() = State::GivenUp;
}

/// Whether texts do not reach the terminal now.
pub(super) fn is_closed() -> bool {
    *state() != State::Open
}

/// Writes a text, or holds it.
pub(super) fn write(to: To, text: &[u8]) {
    if !state().takes(to, text) {
        put(to, text);
    }
}

/// A closed pipe is not an error of ours.
fn put(to: To, text: &[u8]) {
    match to {
        To::Out => {
            let mut stdout = io::stdout().lock();
            drop(stdout.write_all(text).and_then(|()| stdout.flush()));
        }
        To::Err => drop(io::stderr().lock().write_all(text)),
    }
}

/// Standard error for those who write to a writer.
pub(super) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        write(To::Err, text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has the message of a panic wait too: whoever panics would write to the terminal, and wait for it.
pub(super) fn hold_panics() {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if is_closed() { write(To::Err, format!("{info}\n").as_bytes()) } else { before(info) }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_wait_and_the_oldest_go() {
        let mut state = State::Held(VecDeque::new(), 0);
        assert!((0..MAX_HELD + 3).all(|i| state.takes(To::Err, i.to_string().as_bytes())));
        assert!(State::GivenUp.takes(To::Out, b"x") && !State::Open.takes(To::Out, b"x"));
        let State::Held(texts, lost) = state else { panic!("it is held") };
        assert_eq!((texts.len(), lost, texts.front()), (MAX_HELD, 3, Some(&(To::Err, b"3".to_vec()))));
    }
}
