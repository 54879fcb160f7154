//! Where sound is missing, on its way to the rows: holes that follow each other closely are one, and long ones are told in pieces.

use crate::base::time::MonoNs;

/// Holes that are closer to each other than this are told as one: a row a second at the most, whatever a device does.
const APART_NS: i64 = 1_000_000_000;
/// A longer hole is told in pieces, so that sealing need not hold everything that was recorded beside it.
const LONGEST_NS: i64 = 10_000_000_000;

/// Sound that is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hole {
    /// From when.
    pub(super) since: MonoNs,
    /// Until when.
    pub(super) until: MonoNs,
    /// How many samples (per channel) are missing in it.
    pub(super) lost: u64,
    /// Why, a word in `snake_case`.
    pub(super) reason: &'static str,
}

/// Gathers holes.
#[derive(Default)]
pub(super) struct Holes {
    open: Option<Hole>,
}

impl Holes {
    /// Takes a hole; returns the one before it, when that is another.
    pub(super) fn add(&mut self, hole: Hole) -> Option<Hole> {
        if let Some(open) = &mut self.open
            && open.reason == hole.reason
            && hole.since.0.saturating_sub(open.until.0) < APART_NS
            && hole.until.0.saturating_sub(open.since.0) <= LONGEST_NS
        {
            open.until = open.until.max(hole.until);
            open.lost = open.lost.saturating_add(hole.lost);
            return None;
        }
        self.open.replace(hole)
    }

    /// Returns the hole that is over, as sound is known up to `t`.
    pub(super) fn over(&mut self, t: MonoNs) -> Option<Hole> {
        self.open.take_if(|open| t.0.saturating_sub(open.until.0) >= APART_NS)
    }

    /// Returns the hole that is left: nothing follows.
    pub(super) fn rest(&mut self) -> Option<Hole> {
        self.open.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(since_ms: i64, until_ms: i64) -> Hole {
        let at = |ms: i64| MonoNs(ms * 1_000_000);
        Hole { since: at(since_ms), until: at(until_ms), lost: 10, reason: "sound_lost" }
    }

    #[test]
    fn holes_that_are_close_are_one_and_long_ones_are_several() {
        let mut holes = Holes::default();
        assert_eq!(holes.add(hole(0, 10)), None);
        assert_eq!(holes.add(hole(500, 510)), None);
        assert_eq!(holes.over(MonoNs(1_400_000_000)), None);
        assert_eq!(holes.add(hole(2000, 2010)), Some(Hole { lost: 20, ..hole(0, 510) }));
        assert_eq!(holes.over(MonoNs(3_010_000_000)), Some(hole(2000, 2010)));
        for second in 0..25 {
            let told = holes.add(hole(second * 1000, second * 1000 + 1000));
            assert!(told.is_none_or(|told| told.until.0 - told.since.0 == LONGEST_NS && told.lost == 100), "{second}");
        }
        assert_eq!(holes.rest().map(|rest| rest.lost), Some(50));
        assert_eq!(holes.rest(), None);
    }
}
