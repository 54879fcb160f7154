//! What comes of a session of the system's: whether anything came yet, whether it fits what is asked for, and when the session is made anew.
//!
//! Pure. Invariant: while something came that could not be used, nothing is said of what is shown: it is another picture than the one before,
//! whatever comes or does not come behind it.

use std::time::Duration;

use crate::base::time::MonoNs;

/// How long a session may have nothing that fits before it is made anew.
const STALLED: Duration = Duration::from_secs(1);
/// How long its first picture is waited for before the desktop itself is copied, where it may be silent.
const QUIET: Duration = Duration::from_millis(250);

/// What a look at the session found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Came {
    Picture,
    Nothing,
    /// It is of another size or place than what is asked for.
    Unfit,
}

/// What follows from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Then {
    /// There is a picture.
    Picture,
    /// The picture before stands.
    Same,
    /// It is not known what is shown.
    Unknown,
    /// The session is made anew, for this reason.
    Anew(&'static str),
}

/// Follows a session.
pub(super) struct Flow {
    opened: MonoNs,
    has_come: bool,
    unfit: Option<MonoNs>,
}

impl Flow {
    /// The session begins.
    pub(super) fn begun(now: MonoNs) -> Self {
        Self { opened: now, has_come: false, unfit: None }
    }

    /// Nothing has come of it, for so long that nothing may come until something changes on the screen.
    pub(super) fn is_quiet(&self, now: MonoNs) -> bool {
        !self.has_come && self.unfit.is_none() && now.since(self.opened) >= QUIET
    }

    /// Takes in what a look at `now` found. `is_away`: there is no picture before.
    pub(super) fn took(&mut self, came: Came, is_away: bool, now: MonoNs) -> Then {
        match came {
            Came::Picture => {
                (self.has_come, self.unfit) = (true, None);
                return Then::Picture;
            }
            Came::Unfit => {
                self.unfit.get_or_insert(now);
            }
            Came::Nothing => {}
        }
        match self.unfit {
            Some(since) if now.since(since) >= STALLED => Then::Anew("what comes has another size"),
            None if is_away && now.since(self.opened) >= STALLED => Then::Anew("no picture comes"),
            None if !is_away => Then::Same,
            _ => Then::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn nothing_behind_what_does_not_fit_vouches_for_no_picture() {
        let mut flow = Flow::begun(ms(0));
        assert_eq!(flow.took(Came::Picture, true, ms(10)), Then::Picture);
        assert_eq!(flow.took(Came::Nothing, false, ms(5_000)), Then::Same);
        assert_eq!(flow.took(Came::Unfit, false, ms(5_010)), Then::Unknown);
        assert_eq!(flow.took(Came::Nothing, false, ms(5_020)), Then::Unknown, "another picture was seen");
        assert!(matches!(flow.took(Came::Nothing, false, ms(6_010)), Then::Anew(_)), "and none comes that fits");
        assert_eq!(flow.took(Came::Picture, false, ms(6_020)), Then::Picture);
        assert_eq!(flow.took(Came::Nothing, false, ms(6_030)), Then::Same);
    }

    #[test]
    fn a_session_behind_an_absence_has_a_second_for_its_first_picture() {
        let mut flow = Flow::begun(ms(0));
        assert_eq!(flow.took(Came::Nothing, true, ms(999)), Then::Unknown);
        assert!(matches!(flow.took(Came::Nothing, true, ms(1_000)), Then::Anew(_)));
    }

    #[test]
    fn a_session_is_quiet_until_its_first_picture() {
        let mut flow = Flow::begun(ms(100));
        assert!(!flow.is_quiet(ms(349)) && flow.is_quiet(ms(350)));
        flow.took(Came::Unfit, true, ms(360));
        assert!(!flow.is_quiet(ms(370)), "it is not silent");
        flow.took(Came::Picture, true, ms(380));
        assert!(!flow.is_quiet(ms(9_000)));
    }
}
