//! Absolute deadlines for frames.
//!
//! Owns the cadence of a recording: deadline `k` is `start + ⌊k · 1e9 / fps⌋`, computed anew from `k` each time, so a
//! period that is no whole number of nanoseconds (60 fps) never drifts. Being late costs frames, never time: deadlines
//! that have passed are counted and skipped, so a stall is followed by one tick and never by a burst. It reads no clock
//! but the one it is handed, and takes no picture.

use crate::base::time::{Clock, MonoNs};

/// Nanoseconds in a second.
const SECOND_NS: i128 = 1_000_000_000;

/// A moment at which a picture is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tick {
    /// When it was due; at most one period before the moment at which [`Pacer::next`] returned.
    pub deadline: MonoNs,
    /// Deadlines between the last tick and this one that were skipped because they had passed.
    pub missed: u64,
}

/// Hands out deadlines at a fixed rate.
#[derive(Clone, Debug)]
pub struct Pacer {
    start: MonoNs,
    fps: u32,
    next: u64,
}

impl Pacer {
    /// A pacer whose first deadline is `start`. A rate of zero is taken as one frame per second.
    pub fn new(start: MonoNs, fps: u32) -> Self {
        Self { start, fps: fps.max(1), next: 0 }
    }

    /// Begins anew at `start` (after a pause): deadlines up to there are not missed, there were none.
    pub fn restart(&mut self, start: MonoNs) {
        self.start = start;
        self.next = 0;
    }

    /// Waits for the next deadline, or returns at once when it has passed. When later ones have passed as well, the
    /// last of them is returned and the others are counted as missed.
    pub fn next(&mut self, clock: &dyn Clock) -> Tick {
        clock.sleep_until(self.deadline(self.next));
        // Read again after the wait: being scheduled away while asleep makes late as well.
        let due = self.last_passed(clock.now()).max(self.next);
        let missed = due - self.next;
        self.next = due + 1;
        Tick { deadline: self.deadline(due), missed }
    }

    /// The first deadline from `t` on that was not handed out yet.
    pub fn deadline_from(&self, t: MonoNs) -> MonoNs {
        let before = if t <= self.start { 0 } else { self.last_passed(MonoNs(t.0 - 1)) + 1 };
        self.deadline(before.max(self.next))
    }

    /// How many deadlines that were not handed out yet lie before `end`.
    pub fn left_before(&self, end: MonoNs) -> u64 {
        if end <= self.start { 0 } else { (self.last_passed(MonoNs(end.0 - 1)) + 1).saturating_sub(self.next) }
    }

    /// Deadline number `index` (0-based).
    fn deadline(&self, index: u64) -> MonoNs {
        let since = i128::from(index) * SECOND_NS / i128::from(self.fps);
        MonoNs(i64::try_from(i128::from(self.start.0) + since).unwrap_or(i64::MAX))
    }

    /// The number of the last deadline at or before `now`; 0 before the first.
    fn last_passed(&self, now: MonoNs) -> u64 {
        let elapsed = i128::from(now.0) - i128::from(self.start.0);
        if elapsed <= 0 {
            return 0;
        }
        // ⌊k·1e9/fps⌋ ≤ elapsed  ⇔  k·1e9 < (elapsed + 1)·fps: the largest such k.
        let index = ((elapsed + 1) * i128::from(self.fps) - 1) / SECOND_NS;
        u64::try_from(index).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::UtcNs;

    fn clock_at(ns: i64) -> ManualClock {
        ManualClock::new(MonoNs(ns), UtcNs(0))
    }
    use crate::base::time::ManualClock;

    #[test]
    fn the_next_deadline_from_a_time_on_is_told_before_it_comes() {
        let mut pacer = Pacer::new(MonoNs(100), 10);
        assert_eq!(pacer.deadline_from(MonoNs(0)), MonoNs(100));
        assert_eq!(pacer.next(&clock_at(100)).deadline, MonoNs(100));
        assert_eq!(pacer.deadline_from(MonoNs(0)), MonoNs(100_000_100));
        assert_eq!(pacer.deadline_from(MonoNs(300_000_100)), MonoNs(300_000_100));
        assert_eq!(pacer.deadline_from(MonoNs(300_000_101)), MonoNs(400_000_100));
    }

    #[test]
    fn deadlines_do_not_drift_over_a_day_of_60_fps() {
        let clock = clock_at(5);
        let mut pacer = Pacer::new(MonoNs(5), 60);
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(5), missed: 0 });
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(5 + 16_666_666), missed: 0 });
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(5 + 33_333_333), missed: 0 });
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(5 + 50_000_000), missed: 0 });
        for k in 4..60 * 3_600_u64 {
            let tick = pacer.next(&clock);
            assert_eq!(tick.missed, 0, "frame {k}");
        }
        let frames = 60 * 86_400;
        assert_eq!(pacer.deadline(frames), MonoNs(5 + 86_400_000_000_000));
    }

    #[test]
    fn every_deadline_is_its_own_last_passed_one() {
        for fps in [1, 24, 30, 59, 60, 144, 240, 999] {
            let pacer = Pacer::new(MonoNs(1_000), fps);
            for k in (0..5_000).chain(1_000_000..1_001_000) {
                let at = pacer.deadline(k);
                assert_eq!(pacer.last_passed(at), k, "at deadline {k} of {fps} fps");
                assert_eq!(pacer.left_before(at), k, "before deadline {k} of {fps} fps");
                if k > 0 {
                    assert_eq!(pacer.last_passed(MonoNs(at.0 - 1)), k - 1, "just before deadline {k} of {fps} fps");
                }
            }
        }
    }

    #[test]
    fn waits_for_a_deadline_that_is_to_come() {
        let clock = clock_at(0);
        let mut pacer = Pacer::new(MonoNs(70), 30);
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(70), missed: 0 });
        assert_eq!(clock.now(), MonoNs(70));
    }

    #[test]
    fn late_by_less_than_a_period_misses_nothing() {
        let clock = clock_at(0);
        let mut pacer = Pacer::new(MonoNs(0), 100);
        pacer.next(&clock);
        clock.advance_to(MonoNs(19_999_999));
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(10_000_000), missed: 0 });
        assert_eq!(clock.now(), MonoNs(19_999_999), "returned at once");
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(20_000_000), missed: 0 });
    }

    #[test]
    fn a_stall_is_counted_and_never_made_up_for_by_a_burst() {
        let clock = clock_at(0);
        let mut pacer = Pacer::new(MonoNs(0), 100);
        pacer.next(&clock);
        clock.advance_to(MonoNs(57_000_000));
        // Deadlines 10..=50 ms have passed: the last stands, four are missed.
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(50_000_000), missed: 4 });
        assert_eq!(clock.now(), MonoNs(57_000_000));
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(60_000_000), missed: 0 });
        assert_eq!(clock.now(), MonoNs(60_000_000));
    }

    /// A clock that oversleeps, as a busy machine does.
    struct Sluggish(ManualClock);

    impl Clock for Sluggish {
        fn now(&self) -> MonoNs {
            self.0.now()
        }
        fn anchor(&self) -> crate::base::time::Anchor {
            self.0.anchor()
        }
        fn sleep_until(&self, until: MonoNs) {
            self.0.advance_to(MonoNs(until.0 + 25_000_000));
        }
        fn name(&self) -> &'static str {
            "sluggish"
        }
    }

    #[test]
    fn oversleeping_counts_as_late() {
        let clock = Sluggish(clock_at(0));
        let mut pacer = Pacer::new(MonoNs(0), 100);
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(20_000_000), missed: 2 });
    }

    #[test]
    fn a_restart_misses_nothing() {
        let clock = clock_at(0);
        let mut pacer = Pacer::new(MonoNs(0), 100);
        pacer.next(&clock);
        clock.advance_to(MonoNs(3_000_000_000));
        pacer.restart(clock.now());
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(3_000_000_000), missed: 0 });
        assert_eq!(pacer.next(&clock), Tick { deadline: MonoNs(3_010_000_000), missed: 0 });
    }
}
