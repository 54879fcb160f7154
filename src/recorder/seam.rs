//! Where one part of a recording ends and the next begins: agreed between the screen's thread and the sequence.
//!
//! The screen's thread plans the seam for a deadline of frames that is [`AHEAD_NS`] away, so that the sequence knows of it before any input
//! of that time comes. The time of the seam is that of the first picture from then on; the sequence waits with inputs for that picture, at
//! most [`WAIT_NS`], after which the planned time itself is it. Whoever fixes it first has fixed it for both.
//!
//! Invariant: every picture, input and order belongs to the part that its own time says. Nothing here waits.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use crate::base::time::MonoNs;

/// How long before its time a seam is planned: several turns of the sequence, which looks at least every 50 ms while nothing comes, and at
/// each input otherwise.
pub(super) const AHEAD_NS: i64 = 100_000_000;
/// How long inputs wait for the picture that fixes the seam: they must be on their way to the disk within 10 ms.
pub(super) const WAIT_NS: i64 = 5_000_000;

/// No time is planned, or fixed.
const NONE: i64 = i64::MAX;

/// The seam that comes next.
pub(super) struct Seam {
    wanted: AtomicBool,
    planned: AtomicI64,
    fixed: AtomicI64,
    /// The screen's thread hands on pictures of the next part only.
    crossed: AtomicBool,
    /// Frames that were skipped as unchanged before the seam, of all parts.
    skipped: AtomicU64,
    /// Tracks of sound whose times are a guess so far: which part a packet is of cannot be told.
    guesses: AtomicUsize,
}

impl Default for Seam {
    fn default() -> Self {
        Self {
            wanted: AtomicBool::new(false),
            planned: AtomicI64::new(NONE),
            fixed: AtomicI64::new(NONE),
            crossed: AtomicBool::new(true),
            skipped: AtomicU64::new(0),
            guesses: AtomicUsize::new(0),
        }
    }
}

impl Seam {
    /// A seam is wanted: the log of the next part is at hand. The one before it is over.
    pub(super) fn want(&self) {
        self.planned.store(NONE, Ordering::SeqCst);
        self.fixed.store(NONE, Ordering::SeqCst);
        self.crossed.store(false, Ordering::SeqCst);
        self.wanted.store(true, Ordering::SeqCst);
    }

    /// The times of a track of sound are a guess from now on, or no longer: no seam is planned meanwhile.
    pub(super) fn guesses(&self, begins: bool) {
        // The sequence alone says so. One that never began does not end.
        let guesses = self.guesses.load(Ordering::SeqCst);
        self.guesses.store(if begins { guesses + 1 } else { guesses.saturating_sub(1) }, Ordering::SeqCst);
    }

    /// The screen's thread plans it, if one is wanted: `at` is a deadline of frames.
    pub(super) fn plan(&self, at: impl FnOnce() -> MonoNs) {
        if self.wanted.load(Ordering::SeqCst) && self.guesses.load(Ordering::SeqCst) == 0 {
            self.planned.store(at().0, Ordering::SeqCst);
            self.wanted.store(false, Ordering::SeqCst);
        }
    }

    /// Returns the earliest time of the seam, while it is not crossed or only one of the two threads has crossed it.
    pub(super) fn planned(&self) -> Option<MonoNs> {
        Some(self.planned.load(Ordering::SeqCst)).filter(|at| *at != NONE).map(MonoNs)
    }

    /// Returns the time of the seam once it is fixed.
    pub(super) fn fixed(&self) -> Option<MonoNs> {
        Some(self.fixed.load(Ordering::SeqCst)).filter(|at| *at != NONE).map(MonoNs)
    }

    /// Fixes the time of the seam, unless it is fixed; returns it.
    pub(super) fn fix(&self, at: MonoNs) -> MonoNs {
        match self.fixed.compare_exchange(NONE, at.0, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => at,
            Err(fixed) => MonoNs(fixed),
        }
    }

    /// The screen's thread has something of this time: the time of the seam, once, when that is of the next part.
    pub(super) fn cross(&self, t: MonoNs, skipped: u64) -> Option<MonoNs> {
        if self.crossed.load(Ordering::SeqCst) || self.planned().is_none_or(|planned| t < planned) {
            return None;
        }
        let at = self.fix(t);
        self.skipped.store(skipped, Ordering::SeqCst);
        self.crossed.store(true, Ordering::SeqCst);
        Some(at)
    }

    /// Returns how many frames had been skipped as unchanged when the last seam was crossed.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_picture_from_the_planned_time_on_fixes_it_once() {
        let seam = Seam::default();
        seam.plan(|| MonoNs(1));
        assert_eq!((seam.planned(), seam.cross(MonoNs(9), 0)), (None, None), "none was wanted");
        seam.want();
        assert_eq!(seam.cross(MonoNs(50), 0), None, "it is not planned");
        seam.plan(|| MonoNs(100));
        seam.plan(|| MonoNs(200));
        assert_eq!(seam.planned(), Some(MonoNs(100)));
        assert_eq!((seam.cross(MonoNs(99), 3), seam.fixed()), (None, None));
        assert_eq!((seam.cross(MonoNs(102), 4), seam.fixed()), (Some(MonoNs(102)), Some(MonoNs(102))));
        assert_eq!((seam.cross(MonoNs(135), 5), seam.skipped()), (None, 4));
        seam.want();
        for begins in [true, true, false] {
            seam.guesses(begins);
        }
        seam.plan(|| MonoNs(250));
        assert_eq!(seam.planned(), None, "the times of a track are a guess");
        seam.guesses(false);
        seam.guesses(false);
        seam.plan(|| MonoNs(300));
        assert_eq!(seam.fix(MonoNs(300)), MonoNs(300), "the sequence has waited long enough");
        assert_eq!(seam.cross(MonoNs(307), 9), Some(MonoNs(300)));
    }
}
