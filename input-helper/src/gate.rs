//! Whether devices are lent: only while the session of the person is in front and not locked, and for a while after that not again at once. Pure.

use watchcap_input_helper::wire::Why;

/// How long after an unlock nothing is lent, nanoseconds: the release of the last key of a password may come behind the word that the session is open.
pub(crate) const SETTLE_NS: i64 = 1_000_000_000;

/// What is known of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// In front, and not locked.
    Open,
    /// Not so, or not known.
    Closed(Why),
}

/// What changes by that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Nothing,
    /// All devices are taken back.
    Shut(Why),
    /// Devices are lent.
    Opened,
}

/// Decides it.
#[derive(Default)]
pub(crate) struct Gate {
    /// `None`: nothing was said yet.
    open: Option<bool>,
    /// Since when the session is open again.
    back: Option<i64>,
}

impl Gate {
    /// Whether devices are lent.
    pub(crate) fn is_open(&self) -> bool {
        self.open == Some(true)
    }

    /// Takes in what is known now.
    pub(crate) fn look(&mut self, state: State, now_ns: i64) -> Turn {
        match (state, self.open) {
            (State::Closed(_), Some(false)) => {
                self.back = None;
                Turn::Nothing
            }
            (State::Closed(why), _) => {
                (self.open, self.back) = (Some(false), None);
                Turn::Shut(why)
            }
            (State::Open, Some(true)) => Turn::Nothing,
            // The person has just been asked: nothing was locked.
            (State::Open, None) => {
                self.open = Some(true);
                Turn::Opened
            }
            (State::Open, Some(false)) => {
                if now_ns.saturating_sub(*self.back.get_or_insert(now_ns)) < SETTLE_NS {
                    return Turn::Nothing;
                }
                (self.open, self.back) = (Some(true), None);
                Turn::Opened
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shuts_at_once_and_opens_a_second_after_the_last_lock() {
        let (locked, inactive) = (State::Closed(Why::Locked), State::Closed(Why::Inactive));
        let mut gate = Gate::default();
        for (ms, state, turn) in [
            (0, State::Open, Turn::Opened),
            (10, State::Open, Turn::Nothing),
            (20, locked, Turn::Shut(Why::Locked)),
            (30, inactive, Turn::Nothing),
            (40, State::Open, Turn::Nothing),
            (900, locked, Turn::Nothing),
            (1_000, State::Open, Turn::Nothing),
            (1_999, State::Open, Turn::Nothing),
            (2_000, State::Open, Turn::Opened),
            (2_010, inactive, Turn::Shut(Why::Inactive)),
        ] {
            assert_eq!(gate.look(state, ms * 1_000_000), turn, "at {ms} ms");
            assert_eq!(gate.is_open(), ms < 20 || ms == 2_000, "at {ms} ms");
        }
        let mut gate = Gate::default();
        assert_eq!(gate.look(State::Closed(Why::Unknown), 0), Turn::Shut(Why::Unknown), "it is said at the start, too");
        assert_eq!(gate.look(State::Open, 1), Turn::Nothing, "a session that was locked at the start settles");
    }
}
