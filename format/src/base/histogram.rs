//! Percentiles of times in bounded memory.
//!
//! Invariant: what is answered is within 1 % of a time that was added, however many there were. Reads no clock.

/// Times up to this many microseconds are told apart exactly.
const EXACT: u32 = 128;
/// Buckets for each doubling above that: their middle is within 1/128 of what is in them.
const PER_DOUBLING: u32 = EXACT / 2;
/// Buckets for every `u32` of microseconds (71 minutes): 14 kB.
const BUCKETS: usize = (EXACT + (u32::BITS - EXACT.ilog2()) * PER_DOUBLING) as usize;

/// Counts times, microseconds, in buckets that grow with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Empty until the first time is added.
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Adds a time; one above 71 minutes counts as that.
    pub fn add(&mut self, us: u64) {
        if self.counts.is_empty() {
            self.counts = vec![0; BUCKETS];
        }
        let us = u32::try_from(us).unwrap_or(u32::MAX);
        if let Some(count) = self.counts.get_mut(bucket(us)) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
    }

    /// Returns the time, microseconds, that `percent` of all times do not exceed; `None` when there are none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (u128::from(self.total) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0_u128;
        let reaches = |count: &u64| {
            seen += u128::from(*count);
            seen >= rank
        };
        self.counts.iter().position(reaches).map(middle)
    }
}

fn bucket(us: u32) -> usize {
    if us < EXACT {
        return us as usize;
    }
    let doublings = us.ilog2() - PER_DOUBLING.ilog2();
    (doublings * PER_DOUBLING + (us >> doublings)) as usize
}

fn middle(bucket: usize) -> u64 {
    let (bucket, per_doubling) = (bucket as u64, u64::from(PER_DOUBLING));
    if bucket < u64::from(EXACT) {
        return bucket;
    }
    let doublings = bucket / per_doubling - 1;
    let first = (bucket - doublings * per_doubling) << doublings;
    first + (1 << doublings) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_percentile_is_within_one_percent(mut times in prop::collection::vec(any::<u32>(), 1..300), percent in 1_u64..=100) {
            let mut histogram = Histogram::default();
            for us in &times {
                histogram.add(u64::from(*us));
            }
            times.sort_unstable();
            let rank = (times.len() * percent as usize).div_ceil(100);
            let exact = f64::from(times[rank - 1]);
            let told = histogram.percentile(percent).expect("a time") as f64;
            prop_assert!((told - exact).abs() <= exact * 0.01, "{told} for {exact}");
        }
    }

    #[test]
    fn the_ends_have_their_buckets_and_none_has_no_percentile() {
        assert_eq!(Histogram::default().percentile(50), None);
        assert_eq!((bucket(0), bucket(127), bucket(128), bucket(u32::MAX)), (0, 127, 128, BUCKETS - 1));
        let mut histogram = Histogram::default();
        for us in 0..100 {
            histogram.add(us);
        }
        assert_eq!(
            (histogram.percentile(50), histogram.percentile(99), histogram.percentile(100)),
            (Some(49), Some(98), Some(99))
        );
        histogram.add(u64::MAX);
        assert!(histogram.percentile(100).is_some_and(|us| us > u64::from(u32::MAX / 100 * 99)));
    }
}
