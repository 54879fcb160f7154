//! How late the compositor tells of a frame, and so of which time it can be said that everything was told.
//!
//! A still screen sends nothing, so how late the next frame would be is only known from those that came. Invariant: what is vouched for is
//! earlier than now by more than the latest of the last [`KEPT`] frames was. A frame that comes later than that is counted ([`Behind`]).

use std::collections::VecDeque;

use crate::base::time::MonoNs;
use crate::capture::look::Behind;

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
    /// By how much the last frame came too late, until that is told.
    broken: Option<i64>,
}

impl Lag {
    /// Takes in a frame of this time: how long after that it was still not told of, nanoseconds. `vouched`: up to when it had been said that there was
    /// none.
    pub(in crate::capture) fn saw(&mut self, late_ns: i64, t: MonoNs, vouched: Option<MonoNs>) {
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(late_ns.max(0));
        let over = vouched.map(|vouched| vouched.0.saturating_sub(t.0)).filter(|over| *over > 0);
        if let Some(over) = over {
            tracing::debug!(target: "capture", late_ns, over, "a frame came later than was allowed for");
        }
        self.broken = self.broken.max(over);
    }

    /// Tells by how much repeats are behind, and what came later than that since this was asked last.
    pub(in crate::capture) fn told(&mut self) -> Behind {
        Behind { allowed_ns: self.allowed_ns(), late_ns: self.broken.take() }
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
        let t = MonoNs(7);
        assert_eq!(lag.allowed_ns(), FIRST_NS);
        lag.saw(-3_000_000, t, None);
        assert_eq!(lag.allowed_ns(), LEAST_NS, "it came before it was looked for");
        lag.saw(30_000_000, t, Some(MonoNs(9)));
        assert_eq!(lag.told(), Behind { allowed_ns: 32_000_000, late_ns: Some(2) });
        lag.saw(i64::MAX, t, Some(t));
        assert_eq!(lag.told(), Behind { allowed_ns: MOST_NS, late_ns: None }, "up to then and no further");
        (0..KEPT).for_each(|_| lag.saw(8_000_000, t, None));
        assert_eq!((lag.allowed_ns(), lag.recent.len()), (10_000_000, KEPT));
    }
}
