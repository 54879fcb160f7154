//! How late the compositor tells of a frame, and so of which time it can be said that everything was told.
//!
//! A still screen sends nothing, so how late the next frame would be is only known from those that came. Invariant: what is vouched for is
//! earlier than now by more than the latest of the last [`KEPT`] frames was.

use std::collections::VecDeque;

/// Frames whose lateness is remembered: some seconds of them.
const KEPT: usize = 256;
/// The least and the most that is allowed for, nanoseconds.
const LEAST_NS: i64 = 5_000_000;
const MOST_NS: i64 = 250_000_000;
/// What is allowed for before anything was measured: a frame at 60 Hz, and some.
const FIRST_NS: i64 = 20_000_000;
/// What is allowed for beyond the latest.
const SLACK_NS: i64 = 2_000_000;

/// The lateness of the last frames.
#[derive(Default)]
pub(in crate::capture) struct Lag {
    recent: VecDeque<i64>,
    broken: u64,
}

impl Lag {
    /// Takes in a frame: how long after its own time it was still not told of, nanoseconds. `vouched`: a time after its own had been vouched
    /// for.
    pub(in crate::capture) fn saw(&mut self, late_ns: i64, vouched: bool) {
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(late_ns.max(0));
        self.broken += u64::from(vouched);
        if vouched {
            tracing::debug!(target: "capture", late_ns, broken = self.broken, "a frame came later than was allowed for");
        }
    }

    /// Returns by how much earlier than now everything has been told, nanoseconds.
    pub(in crate::capture) fn allowed_ns(&self) -> i64 {
        let latest = self.recent.iter().max().map_or(FIRST_NS, |latest| latest.saturating_add(SLACK_NS));
        latest.clamp(LEAST_NS, MOST_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_allows_for_the_latest_of_the_last_frames_within_bounds() {
        let mut lag = Lag::default();
        assert_eq!(lag.allowed_ns(), FIRST_NS);
        lag.saw(-3_000_000, false);
        assert_eq!(lag.allowed_ns(), LEAST_NS, "it came before it was looked for");
        lag.saw(30_000_000, true);
        assert_eq!(lag.allowed_ns(), 32_000_000);
        lag.saw(i64::MAX, false);
        assert_eq!(lag.allowed_ns(), MOST_NS);
        (0..KEPT).for_each(|_| lag.saw(8_000_000, false));
        assert_eq!((lag.allowed_ns(), lag.recent.len(), lag.broken), (10_000_000, KEPT, 1));
    }
}
