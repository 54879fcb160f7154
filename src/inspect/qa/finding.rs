//! What is looked for, how much of it may be, and what was found.

use serde::Serialize;

/// Findings of one check that are kept; the rest is counted.
pub const MAX_FINDINGS: usize = 1000;

/// What is too much. A figure above its limit is a failure.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// Share of the frames that should be there and are not.
    pub dropped: f64,
    /// Longest time without data, seconds.
    pub gap_s: f64,
    /// Inputs that were lost.
    pub lost_inputs: f64,
    /// Longest time for which a key or a button is down, seconds.
    pub held_s: f64,
    /// Presses without a release, and releases without a press.
    pub unbalanced: f64,
    /// Share of the gamepads of which nothing was heard.
    pub silent_pads: f64,
    /// Share of the positions that lie outside of the picture.
    pub outside: f64,
    /// Longest time without input while the picture moves, seconds.
    pub idle_s: f64,
    /// Share of the frames that show what the one before shows.
    pub duplicates: f64,
    /// Longest time for which the picture is black, seconds.
    pub black_s: f64,
    /// Longest time for which the picture stands still while keys and buttons are pressed, seconds.
    pub frozen_s: f64,
    /// Share of the sound that is missing.
    pub sound_missing: f64,
    /// Share of a file of sound that is silent.
    pub sound_silent: f64,
    /// Share of the samples of a file of sound that are cut off at the loudest that there is.
    pub sound_clipped: f64,
    /// Groups of pictures that are looked at, evenly spread; 0: no picture is.
    pub samples: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A frame in a hundred: what an imitation learner does not notice at 30 fps.
            dropped: 0.01,
            gap_s: 1.0,
            lost_inputs: 0.0,
            // Longer than any key is held in a game on purpose, but for the one that runs; a minute is a key that sticks.
            held_s: 60.0,
            unbalanced: 0.0,
            // A pad that lies on the table is no fault.
            silent_pads: 1.0,
            outside: 0.05,
            idle_s: 60.0,
            // A still desktop is made of duplicates, so they are measured and not judged.
            duplicates: 1.0,
            black_s: 2.0,
            frozen_s: 10.0,
            sound_missing: 0.01,
            // A quiet room is quiet for minutes; what is silent from begin to end was never recorded.
            sound_silent: 0.999,
            // 48 samples a second: what is heard as a crackle.
            sound_clipped: 0.001,
            // One each second of an hour, or each 8 s of 8 h: two decodes each, 7,200 in all.
            samples: 3600,
        }
    }
}

/// Where something was found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Finding {
    /// First instant, nanoseconds of the session's clock.
    pub from_ns: i64,
    /// Last instant; the first again for an instant.
    pub until_ns: i64,
    /// The frame that is shown at the first instant, where there is one.
    pub frame: Option<u64>,
    /// What.
    pub what: String,
}

/// A check and what it came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Check {
    /// Its name, a word in `snake_case`.
    pub name: &'static str,
    /// What the figure is.
    pub measures: &'static str,
    /// The figure; null when there is nothing to measure.
    pub value: Option<f64>,
    /// What it may be.
    pub limit: f64,
    /// It is not more than that.
    pub ok: bool,
    /// How many findings there are.
    pub count: u64,
    /// The first [`MAX_FINDINGS`] of them, in the order of time.
    pub findings: Vec<Finding>,
}

impl Check {
    /// A figure, its limit and where it comes from.
    pub(super) fn new(
        name: &'static str,
        measures: &'static str,
        value: Option<f64>,
        limit: f64,
        found: Found,
    ) -> Self {
        let ok = value.is_none_or(|value| value <= limit);
        Self { name, measures, value, limit, ok, count: found.count, findings: found.kept }
    }
}

/// Findings as they come in.
#[derive(Clone, Default, Debug)]
pub(crate) struct Found {
    /// How many there are, also of those that were not kept.
    pub(super) count: u64,
    pub(crate) kept: Vec<Finding>,
}

impl Found {
    pub(crate) fn add(&mut self, (from_ns, until_ns): (i64, i64), frame: Option<u64>, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(Finding { from_ns, until_ns, frame, what: what() });
        }
    }
}
