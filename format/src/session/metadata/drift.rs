//! How much faster the wall clock went than the monotonic clock.

use super::AnchorInfo;

/// The shortest span over which [`fit_drift_ppm`] measures: an anchor is read within about a microsecond (the narrowest
/// of three tries between two readings of the monotonic clock), and 1 µs in 10 s is 0.1 ppm, well below the 1 to 50 ppm
/// by which real clocks differ.
pub const MIN_DRIFT_SPAN_NS: i64 = 10_000_000_000;

/// A step of the wall clock of this and a thousandth of the time between two anchors is a jump: clocks are slewed by 500 ppm at
/// the most.
const JUMP_NS: i128 = 100_000_000;

/// The fewest anchors: through two every line fits, so that a bad reading could not be told from drift.
pub const MIN_DRIFT_ANCHORS: usize = 3;

/// How much faster the wall clock went than the monotonic clock, parts per million: the slope of the wall clock against
/// the monotonic clock over the anchors by least squares, minus one, rounded to 0.001. `None` when there are fewer than
/// [`MIN_DRIFT_ANCHORS`] or they span less than [`MIN_DRIFT_SPAN_NS`].
pub fn fit_drift_ppm(anchors: &[AnchorInfo]) -> Option<f64> {
    let first = anchors.first()?;
    let span = anchors.iter().map(|anchor| anchor.monotonic_ns.saturating_sub(first.monotonic_ns)).max()?;
    if anchors.len() < MIN_DRIFT_ANCHORS || span < MIN_DRIFT_SPAN_NS {
        return None;
    }
    // x: time since the first anchor; y: how far the wall clock has run ahead of it. Differences are made in integers:
    // an f64 holds nanoseconds since 1970 only to 256 ns.
    let passed = |from: &AnchorInfo, to: &AnchorInfo| {
        let x = i128::from(to.monotonic_ns) - i128::from(from.monotonic_ns);
        (x, i128::from(to.realtime_ns) - i128::from(from.realtime_ns) - x)
    };
    // What the wall clock jumped between two anchors (set by somebody, or the machine slept) is no drift: taken out.
    let mut jumped = vec![0; anchors.len()];
    for (index, pair) in anchors.windows(2).enumerate() {
        let (x, ahead) = passed(&pair[0], &pair[1]);
        let jump = if ahead.abs() >= JUMP_NS + x.abs() / 1000 { ahead } else { 0 };
        jumped[index + 1] = jumped[index] + jump;
    }
    let points = || {
        anchors.iter().zip(&jumped).map(|(anchor, jumped)| {
            let (x, y) = passed(first, anchor);
            (x as f64, (y - jumped) as f64)
        })
    };
    let count = anchors.len() as f64;
    let (mean_x, mean_y) = points().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / count, b + y / count));
    let (top, bottom) = points().fold((0.0, 0.0), |(top, bottom), (x, y)| {
        (top + (x - mean_x) * (y - mean_y), bottom + (x - mean_x) * (x - mean_x))
    });
    let ppm = top / bottom * 1e6;
    // Plus zero: what rounds to nothing has no sign.
    ppm.is_finite().then(|| (ppm * 1000.0).round() / 1000.0 + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_fitted_or_not_said() {
        let anchor = |second: i64, ahead_ns: i64| AnchorInfo {
            monotonic_ns: 5_000_000_000 + second * 1_000_000_000,
            realtime_ns: 1_700_000_000_000_000_000 + second * 1_000_000_000 + ahead_ns,
            boottime_ns: None,
        };
        let steady: Vec<_> = (0..=60).map(|s| anchor(s, s * 12_500)).collect();
        assert_eq!(fit_drift_ppm(&steady), Some(12.5));
        // A reading 1 µs off at either end moves the result by less than the 0.1 ppm it is good for.
        let mut noisy: Vec<_> = (0..=10).map(|s| anchor(s, -s * 3_000)).collect();
        noisy[0].realtime_ns += 1_000;
        noisy[10].realtime_ns -= 1_000;
        let ppm = fit_drift_ppm(&noisy).expect("a slope");
        assert!((ppm + 3.0).abs() < 0.1, "{ppm}");
        // Set forward by an hour, back by two, and asleep for a while: what is left is the drift.
        let mut jumpy = steady.clone();
        for (after, by) in [(10, 3_600_000_000_000), (30, -7_200_000_000_000), (50, 900_000_000)] {
            jumpy[after..].iter_mut().for_each(|anchor| anchor.realtime_ns += by);
        }
        let ppm = fit_drift_ppm(&jumpy).expect("a slope");
        assert!((ppm - 12.5).abs() < 1.0, "{ppm}");
        let slow: Vec<_> = (0..=600).map(|s| anchor(s, -s / 60)).collect();
        assert_eq!(fit_drift_ppm(&slow).map(f64::to_bits), Some(0.0_f64.to_bits()), "no negative zero");
        assert_eq!(fit_drift_ppm(&steady[..10]), None, "9 s are too short");
        assert_eq!(fit_drift_ppm(&[steady[0], steady[60]]), None, "two anchors are too few");
        assert_eq!(fit_drift_ppm(&[]), None);
        let hostile = AnchorInfo { monotonic_ns: i64::MAX, realtime_ns: i64::MIN, boottime_ns: None };
        let odd = AnchorInfo { monotonic_ns: i64::MIN, realtime_ns: i64::MAX, boottime_ns: None };
        assert!(fit_drift_ppm(&[odd, hostile, steady[0]]).is_some());
    }
}
