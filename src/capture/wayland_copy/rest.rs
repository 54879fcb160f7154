//! When it is certain where the pointer is: the compositor tells places at its refreshes and no time with them, so one is certain once it has stood for some
//! refreshes, up to the last question that the compositor has answered since.

use crate::base::time::MonoNs;

/// How long after a place was told the next one would have been, were the pointer still moving: three refreshes at 60 Hz.
const SETTLES_NS: i64 = 50_000_000;
/// How far questions are apart.
const APART_NS: i64 = 15_000_000;

/// A place of the pointer, pixels of the monitor.
type Place = (i32, i32);

/// The pointer on a monitor.
#[derive(Default)]
pub(super) struct Rest {
    /// Where it is and since when that is known; `None` while it is on no monitor that is looked at.
    place: Option<(Place, MonoNs)>,
    /// The last question, and when it was asked.
    given: u64,
    asked: Option<MonoNs>,
    is_open: bool,
    /// It was told that nothing is known.
    is_unknown: bool,
}

impl Rest {
    /// It was told to be there, or gone.
    pub(super) fn told(&mut self, place: Option<Place>, now: MonoNs) {
        self.place = place.map(|place| (place, now));
    }

    /// This question was answered last. Returns from when on something is certain, and what: where it is, or once that it is not known.
    pub(super) fn heard(&mut self, answered: u64, now: MonoNs) -> Option<(MonoNs, Option<Place>)> {
        let Some((place, since)) = self.place else {
            return (!std::mem::replace(&mut self.is_unknown, true)).then_some((now, None));
        };
        let asked = self.asked.filter(|_| self.is_open && answered == self.given)?;
        self.is_open = false;
        let rests = asked.0.saturating_sub(since.0) >= SETTLES_NS;
        self.is_unknown &= !rests;
        rests.then_some((asked, Some(place)))
    }

    /// The number of the next question, where one is to be asked now.
    pub(super) fn next(&mut self, now: MonoNs) -> Option<u64> {
        let is_early = self.asked.is_some_and(|asked| now.0.saturating_sub(asked.0) < APART_NS);
        if self.is_open || is_early || self.place.is_none() {
            return None;
        }
        (self.given, self.asked, self.is_open) = (self.given + 1, Some(now), true);
        Some(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn a_place_is_certain_once_it_has_stood_up_to_the_last_question_that_was_answered() {
        let mut rest = Rest::default();
        assert_eq!(rest.heard(0, ms(0)), Some((ms(0), None)), "nothing is known, which is told once");
        assert_eq!((rest.heard(0, ms(1)), rest.next(ms(1))), (None, None));
        rest.told(Some((3, 4)), ms(10));
        assert_eq!(rest.next(ms(10)), Some(1));
        assert_eq!(rest.next(ms(40)), None, "it is not answered");
        assert_eq!(rest.heard(1, ms(41)), None, "another place may come");
        assert_eq!(rest.next(ms(60)), Some(2));
        assert_eq!(rest.heard(1, ms(61)), None);
        assert_eq!(rest.heard(2, ms(90)), Some((ms(60), Some((3, 4)))), "of when it was asked");
        assert_eq!((rest.heard(2, ms(91)), rest.next(ms(74))), (None, None));
        assert_eq!(rest.next(ms(92)), Some(3));
        rest.told(Some((5, 5)), ms(93));
        assert_eq!(rest.heard(3, ms(94)), None, "it moves");
        rest.told(None, ms(95));
        assert_eq!(rest.heard(3, ms(96)), Some((ms(96), None)), "it has left");
        assert_eq!((rest.heard(3, ms(97)), rest.next(ms(200))), (None, None));
    }
}
