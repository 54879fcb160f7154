//! Whose the controlling terminal is: what a program in the background of it must know before it touches it.
//!
//! Reads what Linux says of this process. Where it says nothing, the terminal counts as this program's.

use watchcap_replay::Hold;

/// Whose the terminal is at this moment.
pub(super) fn hold() -> Hold {
    std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| of(&stat)).unwrap_or(Hold::Ours)
}

/// The same, of the text of `/proc/PID/stat`: `pid (name) state ppid pgrp session tty_nr tpgid …`. The name may contain anything.
fn of(stat: &str) -> Option<Hold> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let mut number = |skip: usize| fields.nth(skip)?.parse::<i64>().ok();
    let (group, terminal, foreground) = (number(2)?, number(1)?, number(0)?);
    Some(match (terminal, foreground) {
        (0, _) => Hold::Gone,
        (_, foreground) if foreground == group => Hold::Ours,
        // No program has it.
        (_, ..=0) => Hold::Ours,
        _ => Hold::Others,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_the_process_is_read() {
        assert_eq!(of("7 (a b) c) S 1 70 70 34816 70 4194304 1"), Some(Hold::Ours));
        assert_eq!(of("7 (watchcap) R 1 70 69 34816 69 4194304 1"), Some(Hold::Others));
        assert_eq!(of("7 (watchcap) R 1 70 70 0 -1 4194304 1"), Some(Hold::Gone));
        assert_eq!((of(""), of("7 (x) S 1")), (None, None));
    }
}
