//! What the numbers of a device that calls itself relative mean: steps, or places.
//!
//! Nothing in a raw event tells. XTEST posts both in the same axes, and VNC servers, Xephyr and xrdp post places in axes that they
//! declare relative. Where the pointer was before and after an event tells, mostly: steps lead from the one to the other, a place is
//! the other. What confines the pointer (the edge of the desktop, a grab, a barrier) stops it on its way to where the numbers
//! lead, and is no contradiction. Invariant: a motion is claimed of an event when the device is one of the kernel's, whose relative
//! axes are what they say, or when it was proved of this event, or last of this source.

use std::collections::BTreeMap;

use super::path::{Meaning, Point};

/// Sources that are remembered: as many as a server has devices.
const MAX_SOURCES: usize = 256;
/// The server tells whole pixels and keeps fractions of them: what it tells is off by less than one at either end.
const ROUNDING: f64 = 1.0;
/// A source that was proved to post steps posts places when it looks like it this often in a row: once may be chance.
const CHANGES_MIND: u8 = 8;

/// Who stands behind a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Kind {
    /// A device of the kernel, through evdev or libinput.
    #[default]
    Kernel,
    /// The server's own: a VNC or nested server posts through it what somebody does elsewhere.
    Virtual,
    /// The XTEST extension: any client posts through it, and each as it likes.
    Injected,
}

/// How well the pointer's way agrees with where the numbers would lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fit {
    Exact,
    /// It was stopped on the way.
    Partial,
    No,
}

/// How far a step or a place explains the pointer's way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fits {
    steps: Fit,
    places: Fit,
}

fn fit(before: Point, after: Point, target: Point, size: (f64, f64)) -> Fit {
    let axis = |before: f64, after: f64, target: f64, size: f64| {
        let target = target.clamp(0.0, (size - 1.0).max(0.0));
        if (after - target).abs() < ROUNDING {
            return Fit::Exact;
        }
        let (low, high) = (before.min(target) - ROUNDING, before.max(target) + ROUNDING);
        if (low..=high).contains(&after) { Fit::Partial } else { Fit::No }
    };
    match (axis(before.0, after.0, target.0, size.0), axis(before.1, after.1, target.1, size.1)) {
        (Fit::Exact, Fit::Exact) => Fit::Exact,
        (Fit::No, _) | (_, Fit::No) => Fit::No,
        _ => Fit::Partial,
    }
}

impl Fits {
    /// Compares the pointer's way with the numbers of an event on a desktop of `size`.
    pub(super) fn of(before: Point, after: Point, numbers: (Option<f64>, Option<f64>), size: (f64, f64)) -> Self {
        let step = (before.0 + numbers.0.unwrap_or(0.0), before.1 + numbers.1.unwrap_or(0.0));
        let place = (numbers.0.unwrap_or(before.0), numbers.1.unwrap_or(before.1));
        Self { steps: fit(before, after, step, size), places: fit(before, after, place, size) }
    }

    /// How well anything explains it, more is better. Steps that were stopped are more likely than a place that was not reached.
    pub(super) fn rank(self) -> u8 {
        match (self.steps, self.places) {
            (Fit::Exact, _) | (_, Fit::Exact) => 3,
            (Fit::Partial, _) => 2,
            (_, Fit::Partial) => 1,
            (Fit::No, Fit::No) => 0,
        }
    }

    /// What it proves.
    fn proof(self) -> Meaning {
        match (self.steps, self.places) {
            (Fit::Exact, Fit::Partial | Fit::No) | (Fit::Partial, Fit::No) => Meaning::Relative,
            (Fit::Partial | Fit::No, Fit::Exact) => Meaning::Absolute,
            _ => Meaning::Unknown,
        }
    }
}

/// What was proved of one source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Proved {
    meaning: Meaning,
    /// How often in a row it looked like the contrary.
    doubts: u8,
}

/// What was proved, by source.
#[derive(Default)]
pub(super) struct Proofs {
    proved: BTreeMap<u16, Proved>,
}

impl Proofs {
    /// The meaning of an event's numbers. `fits` is `None` where the pointer's way is not known.
    pub(super) fn judge(&mut self, source: u16, kind: Kind, fits: Option<Fits>) -> Meaning {
        let proof = fits.map_or(Meaning::Unknown, Fits::proof);
        let steps_possible = fits.is_none_or(|fits| fits.steps != Fit::No);
        self.take(source, kind, proof, steps_possible)
    }

    /// The same for a batch of events of which only the end is known.
    pub(super) fn judge_batch(&mut self, source: u16, kind: Kind, proof: Meaning) -> Meaning {
        self.take(source, kind, proof, proof != Meaning::Absolute)
    }

    /// Forgets all of it, since other devices may have these numbers now.
    pub(super) fn forget(&mut self) {
        self.proved.clear();
    }

    fn take(&mut self, source: u16, kind: Kind, proof: Meaning, steps_possible: bool) -> Meaning {
        if kind == Kind::Kernel {
            return Meaning::Relative;
        }
        if self.proved.len() >= MAX_SOURCES && !self.proved.contains_key(&source) {
            return proof;
        }
        let known = self.proved.get(&source).copied();
        let (meaning, remembered) = match (kind, known.map(|known| known.meaning), proof) {
            (_, known, Meaning::Unknown) => return known.unwrap_or(Meaning::Unknown),
            // Somebody else may inject now.
            (Kind::Injected, _, proof) | (_, None, proof) => (proof, Proved { meaning: proof, doubts: 0 }),
            // Proved once to post places, it has no steps.
            (_, Some(Meaning::Absolute), _) => return Meaning::Absolute,
            (_, Some(_), Meaning::Absolute) if !steps_possible => {
                let doubts = known.map_or(0, |known| known.doubts) + 1;
                let meaning = if doubts >= CHANGES_MIND { Meaning::Absolute } else { Meaning::Relative };
                (Meaning::Absolute, Proved { meaning, doubts })
            }
            (_, Some(_), _) => (Meaning::Relative, Proved { meaning: Meaning::Relative, doubts: 0 }),
        };
        self.proved.insert(source, remembered);
        meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (f64, f64) = (640.0, 480.0);

    fn fits(before: Point, after: Point, numbers: Point) -> Fits {
        Fits::of(before, after, (Some(numbers.0), Some(numbers.1)), SIZE)
    }

    #[test]
    fn a_confined_pointer_takes_steps() {
        let mut proofs = Proofs::default();
        let mut judge = |before, after, numbers| proofs.judge(4, Kind::Injected, Some(fits(before, after, numbers)));
        // Nothing is proved yet, and the pointer stood still between two walls.
        assert_eq!(judge((100.0, 100.0), (100.0, 100.0), (7.0, 3.0)), Meaning::Unknown);
        assert_eq!(judge((100.0, 100.0), (107.0, 103.0), (7.0, 3.0)), Meaning::Relative);
        // At the edge of a window of 50 pixels, sideways, and in its corner.
        assert_eq!(judge((130.0, 103.0), (149.0, 106.0), (30.0, 3.0)), Meaning::Relative);
        assert_eq!(
            judge((149.0, 149.0), (149.0, 149.0), (30.0, 3.0)),
            Meaning::Relative,
            "what was proved last stands"
        );
        // The same client, or another one, posts a place, and then steps again.
        assert_eq!(judge((149.0, 149.0), (17.0, 33.0), (17.0, 33.0)), Meaning::Absolute);
        assert_eq!(judge((17.0, 33.0), (100.0, 100.0), (1.0, 1.0)), Meaning::Absolute, "warped meanwhile");
        assert_eq!(judge((17.0, 33.0), (18.0, 34.0), (1.0, 1.0)), Meaning::Relative);
        // A window somewhere else confines the pointer with the next step.
        assert_eq!(judge((320.0, 240.0), (149.0, 149.0), (30.0, 3.0)), Meaning::Relative);
    }

    #[test]
    fn a_source_that_posts_places_has_no_steps() {
        let mut proofs = Proofs::default();
        let mut judge = |before, after, numbers| proofs.judge(9, Kind::Virtual, Some(fits(before, after, numbers)));
        assert_eq!(judge((0.0, 0.0), (300.0, 200.0), (300.0, 200.0)), Meaning::Unknown, "both lead there");
        assert_eq!(judge((300.0, 200.0), (302.0, 201.0), (302.0, 201.0)), Meaning::Absolute);
        // In the far corner steps of that many lead there too.
        assert_eq!(judge((630.0, 470.0), (639.0, 479.0), (639.0, 479.0)), Meaning::Absolute);
        assert_eq!(judge((0.0, 0.0), (3.0, 4.0), (3.0, 4.0)), Meaning::Absolute);
        assert_eq!(judge((3.0, 4.0), (6.0, 8.0), (3.0, 4.0)), Meaning::Absolute);
    }

    #[test]
    fn steps_of_a_virtual_mouse_are_not_lost_by_one_coincidence() {
        let mut proofs = Proofs::default();
        let mut judge = |before, after, numbers| proofs.judge(9, Kind::Virtual, Some(fits(before, after, numbers)));
        assert_eq!(judge((100.0, 50.0), (103.0, 54.0), (3.0, 4.0)), Meaning::Relative);
        assert_eq!(judge((100.0, 50.0), (3.0, 4.0), (3.0, 4.0)), Meaning::Absolute, "as it looks");
        assert_eq!(judge((3.0, 4.0), (3.0, 4.0), (3.0, 4.0)), Meaning::Relative, "a wall would do that");
        for _ in 0..CHANGES_MIND {
            assert_eq!(judge((100.0, 50.0), (3.0, 4.0), (3.0, 4.0)), Meaning::Absolute);
        }
        assert_eq!(judge((100.0, 50.0), (103.0, 54.0), (3.0, 4.0)), Meaning::Absolute, "it changed its mind for good");
    }

    #[test]
    fn a_real_mouse_has_steps_whatever_the_pointer_does() {
        let mut proofs = Proofs::default();
        for (before, after) in [((0.0, 0.0), (3.0, 4.0)), ((9.0, 9.0), (400.0, 1.0)), ((5.0, 5.0), (5.0, 5.0))] {
            assert_eq!(proofs.judge(2, Kind::Kernel, Some(fits(before, after, (3.0, 4.0)))), Meaning::Relative);
        }
        assert_eq!(proofs.judge(2, Kind::Kernel, None), Meaning::Relative);
        assert_eq!(proofs.judge(7, Kind::Virtual, None), Meaning::Unknown);
    }
}
