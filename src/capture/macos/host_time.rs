//! From host time, in which Core Media and Quartz stamp, to the nanoseconds of the recording's clock (`base/clock/macos.rs`).
//!
//! Pure. Invariant: what comes out is never later than the arrival. The documentation calls the time of a Quartz event "roughly, nanoseconds", and on
//! processors of Apple's own some are in steps of the counter: of the two readings the one that can be is taken, and the arrival when neither can.

use crate::base::time::MonoNs;

/// A stamp that is older than this when it arrives is no time of ours.
const OLDEST_NS: i64 = 5_000_000_000;

/// How many nanoseconds a step of the host's counter is (`mach_timebase_info`): 1/1 on Intel, 125/3 on Apple's processors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Timebase {
    pub(super) numer: u32,
    pub(super) denom: u32,
}

impl Timebase {
    /// Steps in nanoseconds, without a product that overflows.
    pub(super) fn nanoseconds(self, steps: u64) -> i64 {
        let ns = u128::from(steps) * u128::from(self.numer) / u128::from(self.denom.max(1));
        i64::try_from(ns).unwrap_or(i64::MAX)
    }

    /// The time of a stamp that arrived at `arrival`: as steps of the counter, or as nanoseconds.
    pub(super) fn stamp(self, stamp: u64, arrival: MonoNs) -> MonoNs {
        let can_be = |ns: &i64| (0..=OLDEST_NS).contains(&arrival.0.saturating_sub(*ns));
        let readings = [self.nanoseconds(stamp), i64::try_from(stamp).unwrap_or(i64::MAX)];
        readings.into_iter().find(can_be).map_or(arrival, MonoNs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEL: Timebase = Timebase { numer: 1, denom: 1 };
    const APPLE: Timebase = Timebase { numer: 125, denom: 3 };
    /// Three days after the start.
    const NOW: MonoNs = MonoNs(3 * 86_400 * 1_000_000_000);

    #[test]
    fn steps_are_nanoseconds_by_the_timebase() {
        assert_eq!(INTEL.nanoseconds(1_234_567), 1_234_567);
        assert_eq!(APPLE.nanoseconds(24_000_000), 1_000_000_000, "the counter has 24 MHz");
        assert_eq!(APPLE.nanoseconds(1), 41);
        assert_eq!(APPLE.nanoseconds(u64::MAX), i64::MAX);
        // A year of it, to the step.
        assert_eq!(APPLE.nanoseconds(24_000_000 * 86_400 * 365 + 3), 365 * 86_400 * 1_000_000_000 + 125);
        assert_eq!(Timebase { numer: 1, denom: 0 }.nanoseconds(5), 5);
    }

    #[test]
    fn a_stamp_is_read_in_the_unit_in_which_it_can_be() {
        let earlier = NOW.0 - 2_000_000;
        let steps = u64::try_from(earlier).expect("positive") / 125 * 3;
        assert_eq!(APPLE.stamp(steps, NOW).0, APPLE.nanoseconds(steps));
        assert!((APPLE.stamp(steps, NOW).0 - earlier).abs() < 125);
        assert_eq!(APPLE.stamp(earlier as u64, NOW).0, earlier, "nanoseconds already");
        assert_eq!(INTEL.stamp(earlier as u64, NOW).0, earlier);
    }

    #[test]
    fn what_cannot_be_is_the_arrival() {
        for stamp in [0, 5, NOW.0 as u64 + 1, u64::MAX, (NOW.0 - OLDEST_NS - 1) as u64] {
            assert_eq!(APPLE.stamp(stamp, NOW), NOW, "{stamp}");
        }
        assert_eq!(INTEL.stamp(NOW.0 as u64, NOW), NOW);
    }
}
