//! Whether input may be taken: only while the person's session is in front and not locked, and for a while after not again at once.
//!
//! The kernel's devices hear everything, the password at a lock screen included. Invariant: nothing is taken from the moment at which the
//! session is known to be locked or left, until [`SETTLE`] after it is known to be back. Pure.

use std::time::Duration;

use crate::base::time::MonoNs;

/// How long after an unlock nothing is taken: the last key of a password, and its release, may come behind the word that the session is open.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// What is known of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Session {
    /// In front, and not locked.
    Open,
    /// Locked, left for another one, or not known.
    Closed,
}

/// What changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    Nothing,
    /// Nothing is taken from now on.
    Shut,
    /// Input is taken again; since when it was not.
    Opened(MonoNs),
}

/// Decides whether input is taken.
pub(super) struct Gate {
    /// Since when it is shut.
    shut: Option<MonoNs>,
    /// Since when the session is open again.
    back: Option<MonoNs>,
    /// How long it has to be open again.
    settle: Duration,
    /// That it is shut was told with an end.
    is_told: bool,
}

impl Gate {
    /// Begins with what is known now. `settle`: [`SETTLE`], or nothing where whoever tells has waited already.
    pub(super) fn new(session: Session, now: MonoNs, settle: Duration) -> Self {
        Self { shut: (session == Session::Closed).then_some(now), back: None, settle, is_told: false }
    }

    /// Whether nothing is taken.
    pub(super) fn is_shut(&self) -> bool {
        self.shut.is_some()
    }

    /// Since when it is shut, once: where that is told before it opens again.
    pub(super) fn end(&mut self) -> Option<MonoNs> {
        self.shut.filter(|_| !std::mem::replace(&mut self.is_told, true))
    }

    /// Takes in what is known now, and where it shuts, the time up to which everything was taken.
    pub(super) fn look(&mut self, session: Session, now: MonoNs, taken: MonoNs) -> Turn {
        match (session, self.shut) {
            (Session::Closed, None) => {
                (self.shut, self.back, self.is_told) = (Some(taken.min(now)), None, false);
                Turn::Shut
            }
            (Session::Closed, Some(_)) => {
                self.back = None;
                Turn::Nothing
            }
            (Session::Open, None) => Turn::Nothing,
            (Session::Open, Some(since)) => {
                if now.since(*self.back.get_or_insert(now)) < self.settle {
                    return Turn::Nothing;
                }
                (self.shut, self.back) = (None, None);
                Turn::Opened(since)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shuts_at_once_and_opens_a_second_after_the_last_lock() {
        let at = |ms: i64| MonoNs(ms * 1_000_000);
        let mut gate = Gate::new(Session::Open, at(0), SETTLE);
        let steps = [
            (10, Session::Open, Turn::Nothing),
            (20, Session::Closed, Turn::Shut),
            (30, Session::Open, Turn::Nothing),
            (900, Session::Closed, Turn::Nothing),
            (1_000, Session::Open, Turn::Nothing),
            (1_999, Session::Open, Turn::Nothing),
            (2_000, Session::Open, Turn::Opened(at(15))),
        ];
        for (ms, session, turn) in steps {
            assert_eq!(gate.look(session, at(ms), at(ms - 5)), turn, "at {ms} ms");
            assert_eq!(gate.is_shut(), (20..2_000).contains(&ms), "at {ms} ms");
        }
        assert!(Gate::new(Session::Closed, at(0), SETTLE).is_shut(), "a recording that begins behind a lock");
        let mut told = Gate::new(Session::Closed, at(0), Duration::ZERO);
        assert_eq!(told.look(Session::Open, at(5), at(5)), Turn::Opened(at(0)), "the helper has waited");
        // A recording that ends while it is shut, and one whose helper ends before: once, from what was taken last.
        assert_eq!(told.end(), None);
        assert_eq!(told.look(Session::Closed, at(9), at(7)), Turn::Shut);
        assert_eq!((told.end(), told.end()), (Some(at(7)), None));
    }
}
