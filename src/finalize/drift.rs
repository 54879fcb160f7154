//! How much faster a device of sound was than the clock of the recording: the slope of its samples over their times.

use crate::base::time::MonoNs;
use crate::session::metadata::MIN_DRIFT_SPAN_NS;

/// Sums for a straight line through the times of packets, taken one after the other.
#[derive(Default)]
pub(super) struct Drift {
    origin: Option<(u64, MonoNs)>,
    count: f64,
    /// Means of sample and time, and their moments around them.
    mean: (f64, f64),
    moments: (f64, f64),
    /// The last time, since the first one.
    span_ns: i64,
}

impl Drift {
    /// Takes a packet: the number of its first sample, and its time.
    pub(super) fn take(&mut self, sample: u64, t: MonoNs) {
        let (first, t0) = *self.origin.get_or_insert((sample, t));
        self.span_ns = t.0.saturating_sub(t0.0);
        let (x, y) = (sample.saturating_sub(first) as f64, self.span_ns as f64);
        self.count += 1.0;
        let off = x - self.mean.0;
        self.mean.0 += off / self.count;
        self.mean.1 += (y - self.mean.1) / self.count;
        self.moments.0 += off * (x - self.mean.0);
        self.moments.1 += off * (y - self.mean.1);
    }

    /// Returns by how much the device was faster, parts per million, rounded to 0.1; `None` where it was too short to be measured.
    pub(super) fn ppm(&self, rate: u32) -> Option<f64> {
        if self.span_ns < MIN_DRIFT_SPAN_NS {
            return None;
        }
        let per_sample = self.moments.1 / self.moments.0;
        let ppm = (1e9 / (per_sample * f64::from(rate)) - 1.0) * 1e6;
        ppm.is_finite().then(|| (ppm * 10.0).round() / 10.0 + 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drift_of_a_device_is_what_it_was_and_null_of_a_short_recording() {
        for ppm in [-80.0, 0.0, 123.4] {
            let mut drift = Drift::default();
            for n in 0..3_000_u64 {
                let t = 7e12 + n as f64 * 960.0 * 1e9 / (48_000.0 * (1.0 + ppm * 1e-6));
                if n == 400 {
                    assert_eq!(drift.ppm(48_000), None);
                }
                drift.take(n * 960, MonoNs(t.round() as i64));
            }
            let found = drift.ppm(48_000).expect("a minute");
            assert!((found - ppm).abs() <= 0.1, "{found} instead of {ppm}");
        }
        assert_eq!(Drift::default().ppm(48_000), None);
    }
}
