//! The times of pictures that the system hands out with a stamp of its own.
//!
//! Windows.Graphics.Capture stamps with the time at which a picture is to be presented, which may lie in the future, and the duplication with
//! that at which it was. Both count from the start of the machine, as the clock of the recording does. Pure.
//!
//! Invariants: a picture is never stamped after it was here, and a stamp of another clock is not taken for one of this; what is vouched for is earlier
//! than now by more than any picture lately came late.

use crate::base::event::UNKNOWN_US;
use crate::base::time::MonoNs;
use crate::capture::Behind;
use crate::capture::presented::guard::{self, Stamped};
use crate::capture::presented::lag::Lag;

/// Nanoseconds of a counter's steps, without the product that would overflow after 15 minutes.
pub(super) fn counted(steps: i64, frequency: i64) -> i64 {
    if frequency <= 0 {
        return i64::MIN;
    }
    let (seconds, rest) = (steps / frequency, steps % frequency);
    let part = (i128::from(rest) * 1_000_000_000 / i128::from(frequency)) as i64;
    seconds.saturating_mul(1_000_000_000).saturating_add(part)
}

/// Nanoseconds of a span of WinRT, which counts 100 ns.
pub(super) fn spanned(ticks: i64) -> i64 {
    ticks.saturating_mul(100)
}

/// Follows them.
#[derive(Default)]
pub(super) struct Stamps {
    lag: Lag,
    last: Option<MonoNs>,
    /// The picture that stands.
    shown: Option<Stamped>,
    /// When it was looked last.
    looked: Option<MonoNs>,
    /// Up to when it was said that nothing came.
    vouched: Option<MonoNs>,
}

impl Stamps {
    /// A picture with this stamp was here at `arrival`: its time.
    pub(super) fn picture(&mut self, stamp: i64, arrival: MonoNs) -> MonoNs {
        let stamped = guard::time_of(stamp.min(arrival.0), arrival, None, self.last);
        let t = stamped.t.min(arrival);
        // At the look before it was not here yet.
        if let Some(looked) = self.looked {
            self.lag.saw(looked.0.saturating_sub(t.0), t, self.vouched);
        }
        (self.shown, self.last, self.looked) = (Some(stamped), Some(t), Some(arrival));
        t
    }

    /// Nothing had come when it was looked at `now`: up to when that holds for the picture before.
    pub(super) fn nothing(&mut self, now: MonoNs) -> MonoNs {
        self.looked = Some(now);
        let until = MonoNs(now.0.saturating_sub(self.lag.allowed_ns()));
        self.vouched = self.vouched.max(Some(until));
        self.last.map_or(until, |last| until.max(last))
    }

    /// Up to when it is known already that nothing came.
    pub(super) fn known(&self) -> MonoNs {
        self.vouched.max(self.last).unwrap_or(MonoNs(i64::MIN))
    }

    /// By how much the picture that stands can be older than a time, microseconds.
    pub(super) fn age_us(&self, at: MonoNs) -> u32 {
        self.shown.map_or(UNKNOWN_US, |shown| shown.age_us(at))
    }

    /// By how much repeats are behind, and what came later than that since this was asked last.
    pub(super) fn behind(&mut self) -> Behind {
        self.lag.told()
    }

    /// By how much less than now is vouched for, nanoseconds.
    #[cfg(test)]
    fn allowed_ns(&self) -> i64 {
        self.lag.allowed_ns()
    }

    /// What came until `now` is not of this recording: nothing before it is vouched for, nor taken.
    pub(super) fn restart(&mut self, now: MonoNs) {
        self.looked = None;
        self.last = self.last.max(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn counters_and_spans_are_nanoseconds() {
        assert_eq!(counted(365 * 86_400 * 10_000_000 + 7, 10_000_000), 365 * 86_400 * 1_000_000_000 + 700);
        assert_eq!(counted(3_579_546, 3_579_545), 1_000_000_279);
        assert_eq!((counted(7, 0), spanned(3), spanned(i64::MAX)), (i64::MIN, 300, i64::MAX));
    }

    #[test]
    fn a_picture_is_of_its_stamp_and_never_later_than_it_was_here() {
        let mut stamps = Stamps::default();
        assert_eq!(stamps.picture(ms(1_000).0, ms(1_004)), ms(1_000));
        // To be presented in the future: it is here already.
        assert_eq!(stamps.picture(ms(1_050).0, ms(1_040)), ms(1_040));
        // From another clock, or long ago: not before it was here.
        assert_eq!(stamps.picture(12, ms(3_000)), ms(3_000));
        assert_eq!(stamps.picture(i64::MIN, ms(3_100)), ms(3_100));
    }

    #[test]
    fn what_is_vouched_for_lies_behind_the_latest_that_came_late() {
        let mut stamps = Stamps::default();
        stamps.picture(ms(100).0, ms(101));
        assert_eq!(stamps.nothing(ms(200)), ms(180));
        // At 200 it was not told of what was shown at 170.
        stamps.picture(ms(170).0, ms(233));
        assert_eq!(stamps.nothing(ms(300)), ms(268));
        assert_eq!(stamps.allowed_ns(), 32_000_000);
        assert_eq!((stamps.age_us(ms(268)), Stamps::default().age_us(ms(1))), (98_000, UNKNOWN_US));
        assert_eq!(stamps.behind(), Behind { allowed_ns: 32_000_000, late_ns: Some(10_000_000) });
        assert_eq!(stamps.nothing(ms(180)), ms(170), "the picture itself is known");
        assert_eq!((stamps.known(), Stamps::default().known()), (ms(268), MonoNs(i64::MIN)));
    }

    #[test]
    fn behind_an_absence_nothing_is_held_against_the_first() {
        let mut stamps = Stamps::default();
        stamps.picture(ms(100).0, ms(101));
        stamps.nothing(ms(150));
        stamps.restart(ms(5_000));
        assert!(stamps.picture(ms(4_900).0, ms(5_010)) > ms(5_000), "it was not looked at before");
        assert_eq!(stamps.allowed_ns(), 20_000_000);
    }
}
