//! The straight line of time over the device's number of a sample, fitted robustly to the stamps of blocks over the last minute.
//!
//! A device's clock is steady, its stamps are not: single ones are late by what the machine was busy with. So the line is the truth, and a
//! stamp only a hint. Pure: reads no clock.

use std::collections::VecDeque;

use crate::base::time::MonoNs;

/// Stamps of this long are gathered into one point, their median.
const BUCKET_NS: i64 = 250_000_000;
/// Points that the line is fitted to: the last 60 s.
const POINTS: usize = 240;
/// A stamp that is farther from the line is not taken into it.
pub(super) const STRAY_NS: f64 = 10e6;
/// Stamps that stay farther from the line than this say that samples are missing, or came twice.
pub(super) const STEP_NS: f64 = 20e6;
/// How long they have to stay.
const STEP_FOR_NS: i64 = 500_000_000;
/// How long stamps may stay off the line by less than a step, until the line follows them.
const FOLLOW_FOR_NS: i64 = 2_000_000_000;
/// Most stamps in a bucket, and off the line: blocks have 5 ms or more.
const MOST: usize = 1024;
/// Clocks of devices are off by about this much, parts per million: with few stamps the line is not steeper without need.
const USUAL_PPM: f64 = 200.0;
/// Stamps are never better than this, nanoseconds.
const BEST_NS: f64 = 20_000.0;

/// What a stamp says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Seen {
    /// It is on the line, or nothing follows from it.
    Usual,
    /// Since this sample of the device, time is off by so much: that of samples which are missing where it is positive, and came twice where it
    /// is negative. The line begins anew.
    Step {
        /// The first sample that was off.
        from: u64,
        /// By how much, nanoseconds.
        by_ns: f64,
    },
}

/// The line.
pub(super) struct Line {
    /// Nominal time between two samples, nanoseconds.
    nominal: f64,
    /// Where numbers and times begin, so that both are small.
    origin: Option<(u64, MonoNs)>,
    /// Points: sample since the origin, and time beyond the nominal line, nanoseconds.
    points: VecDeque<(f64, f64)>,
    /// The point that is being gathered: stamps as those of points.
    bucket: Vec<(f64, f64)>,
    /// Stamps that were off the line, one behind the other.
    off: Vec<(u64, f64)>,
    /// Offset at sample 0 and slope beyond the nominal one, once there is a line.
    fit: Option<(f64, f64)>,
    /// The slope beyond the nominal one, as far as it is known: that of the device's clock, whatever becomes of its numbers.
    slope: f64,
}

impl Line {
    /// Returns a line that knows the rate and no stamp.
    pub(super) fn new(rate: u32) -> Self {
        Self {
            nominal: 1e9 / f64::from(rate.max(1)),
            origin: None,
            points: VecDeque::new(),
            bucket: Vec::new(),
            off: Vec::new(),
            fit: None,
            slope: 0.0,
        }
    }

    /// Forgets every stamp, and not the slope: the device begins anew.
    pub(super) fn restart(&mut self) {
        self.origin = None;
        self.points.clear();
        self.bucket.clear();
        self.off.clear();
        self.fit = None;
    }

    /// Returns the time of a sample; `None` before the first stamp.
    pub(super) fn at(&self, sample: u64) -> Option<MonoNs> {
        let (first, t0) = self.origin?;
        let (offset, slope) = self.fit?;
        let x = sample.wrapping_sub(first) as i64 as f64;
        // Whole and broken parts apart: times of months stay exact to a nanosecond.
        let beyond = x * (self.nominal + slope) + offset;
        Some(MonoNs(t0.0.saturating_add(beyond.round() as i64)))
    }

    /// Returns the time from one sample to the next, nanoseconds.
    pub(super) fn per_sample(&self) -> f64 {
        self.nominal + self.slope
    }

    /// Takes a stamp: the sample with this number was heard at `t`.
    pub(super) fn take(&mut self, sample: u64, t: MonoNs) -> Seen {
        let (first, t0) = *self.origin.get_or_insert((sample, t));
        let x = sample.wrapping_sub(first) as i64 as f64;
        let y = t.0.saturating_sub(t0.0) as f64 - x * self.nominal;
        let Some((offset, slope)) = self.fit.filter(|_| !self.points.is_empty()) else {
            // The first of them may be the one that is off: the middle of all.
            self.gather(x, y);
            self.fit();
            return Seen::Usual;
        };
        let off_by = y - (offset + slope * x);
        if off_by.abs() <= STRAY_NS {
            self.off.clear();
            self.gather(x, y);
            return Seen::Usual;
        }
        // Stamps on both sides are noise and no step.
        if self.off.first().is_some_and(|(_, other)| other.signum() != off_by.signum()) || self.off.len() >= MOST {
            self.off.clear();
        }
        self.off.push((sample, off_by));
        let Some(&(from, _)) = self.off.first() else { return Seen::Usual };
        let for_ns = sample.wrapping_sub(from) as f64 * self.nominal;
        let by_ns = median(self.off.iter().map(|(_, off)| *off).collect());
        if by_ns.abs() > STEP_NS && for_ns >= STEP_FOR_NS as f64 {
            self.begin_at(sample, x, offset + slope * x + by_ns, t0);
            return Seen::Step { from, by_ns };
        }
        if for_ns >= FOLLOW_FOR_NS as f64 {
            self.begin_at(sample, x, offset + slope * x + by_ns, t0);
        }
        Seen::Usual
    }

    /// Begins anew at a sample that lies `y` beyond the nominal line, with the slope that was known.
    fn begin_at(&mut self, sample: u64, x: f64, y: f64, t0: MonoNs) {
        self.restart();
        self.origin = Some((sample, MonoNs(t0.0.saturating_add((x * self.nominal + y).round() as i64))));
        self.fit = Some((0.0, self.slope));
        self.bucket.push((0.0, 0.0));
    }

    /// Takes a stamp that is on the line.
    fn gather(&mut self, x: f64, y: f64) {
        self.bucket.push((x, y));
        let full = self.bucket.first().is_some_and(|(from, _)| (x - from) * self.nominal >= BUCKET_NS as f64);
        if !full && self.bucket.len() < MOST {
            return;
        }
        let bucket = std::mem::take(&mut self.bucket);
        let middle = bucket.iter().map(|(x, _)| *x).sum::<f64>() / bucket.len() as f64;
        self.points.push_back((middle, median(bucket.into_iter().map(|(_, y)| y).collect())));
        if self.points.len() > POINTS {
            self.points.pop_front();
        }
        self.fit();
    }

    /// Fits the line: least squares over the points, twice, the second time without those that are far from the first line. A slope is
    /// believed as far as the points prove it.
    fn fit(&mut self) {
        let waiting = || self.bucket.iter().copied();
        let points: Vec<(f64, f64)> =
            if self.points.len() < 2 { waiting().collect() } else { self.points.iter().copied().collect() };
        if points.is_empty() {
            return;
        }
        if self.points.len() < 2 {
            let offset = median(points.iter().map(|(x, y)| y - self.slope * x).collect());
            self.fit = Some((offset, self.slope));
            return;
        }
        let first = self.regress(&points);
        let off = |(x, y): &(f64, f64), (offset, slope): (f64, f64)| (y - offset - slope * x).abs();
        let limit = 3.0 * median(points.iter().map(|point| off(point, first)).collect()).max(BEST_NS);
        let near: Vec<_> = points.iter().copied().filter(|point| off(point, first) <= limit).collect();
        let (offset, slope) = if near.len() * 2 > points.len() { self.regress(&near) } else { first };
        (self.fit, self.slope) = (Some((offset, slope)), slope);
    }

    /// Offset and slope by least squares; the slope with the usual drift of clocks as what is known beforehand.
    fn regress(&self, points: &[(f64, f64)]) -> (f64, f64) {
        let count = points.len() as f64;
        let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (top, bottom) = points.iter().fold((0.0, 0.0), |(top, bottom), (x, y)| {
            (top + (x - mean_x) * (y - mean_y), bottom + (x - mean_x) * (x - mean_x))
        });
        let plain = if bottom > 0.0 { top / bottom } else { 0.0 };
        let spread =
            points.iter().map(|(x, y)| (y - mean_y - plain * (x - mean_x)).powi(2)).sum::<f64>() / count.max(3.0);
        let usual = USUAL_PPM * 1e-6 * self.nominal;
        let doubt = spread.max(BEST_NS * BEST_NS) / (usual * usual);
        let slope = top / (bottom + doubt);
        (mean_y - slope * mean_x, slope)
    }
}

/// The middle one of some numbers; 0 of none.
fn median(mut numbers: Vec<f64>) -> f64 {
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return 0.0;
    }
    *numbers.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const T0: i64 = 5_000_000_000_000;
    /// Samples of a block: 10 ms.
    const BLOCK: u64 = 480;

    /// The true time of a sample of a device whose clock is faster by so much.
    fn truth(sample: u64, ppm: f64) -> i64 {
        T0 + (sample as f64 * 1e9 / (f64::from(RATE) * (1.0 + ppm * 1e-6))).round() as i64
    }

    /// A number between -1 and 1 that looks like chance, the same each time.
    fn noise(n: u64) -> f64 {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 17);
        (mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / f64::from(1 << 23) - 1.0
    }

    #[test]
    fn the_drift_of_a_device_is_found_through_noise() {
        for ppm in [-150.0, 0.0, 40.0, 300.0] {
            let mut line = Line::new(RATE);
            for n in 0..6000 {
                let sample = n * BLOCK;
                let late = (noise(n) * 3e6) as i64 + if n % 50 == 7 { 8_000_000 } else { 0 };
                assert_eq!(line.take(sample, MonoNs(truth(sample, ppm) + late)), Seen::Usual);
                // From the first half second on, every sample is where it was heard.
                if n > 50 {
                    let off = line.at(sample).expect("a line").0 - truth(sample, ppm);
                    assert!(off.abs() < 3_000_000, "{ppm} ppm, block {n}: {off} ns off");
                }
            }
            let off = line.at(6000 * BLOCK).expect("a line").0 - truth(6000 * BLOCK, ppm);
            assert!(off.abs() < 1_000_000, "{ppm}: {off} ns off");
            let found = (1e9 / f64::from(RATE) / line.per_sample() - 1.0) * 1e6;
            assert!((found - ppm).abs() < 25.0, "{found} instead of {ppm}");
        }
    }

    #[test]
    fn one_stamp_that_is_far_off_changes_nothing() {
        let mut line = Line::new(RATE);
        let mut other = Line::new(RATE);
        for n in 0..1000 {
            let t = MonoNs(truth(n * BLOCK, 20.0));
            line.take(n * BLOCK, t);
            let late = if n % 100 == 50 { 140_000_000 } else { 0 };
            assert_eq!(other.take(n * BLOCK, MonoNs(t.0 + late)), Seen::Usual);
        }
        let (a, b) = (line.at(480_000).expect("a line"), other.at(480_000).expect("a line"));
        assert!((a.0 - b.0).abs() < 50_000, "{a:?} {b:?}");
    }

    #[test]
    fn a_step_that_stays_is_told_once_with_its_size_and_place() {
        for step_ms in [50, 3000, -40] {
            let mut line = Line::new(RATE);
            let mut steps = Vec::new();
            for n in 0..2000 {
                let moved = if n >= 1000 { step_ms * 1_000_000 } else { 0 };
                let t = MonoNs(truth(n * BLOCK, 0.0) + moved + (noise(n) * 2e6) as i64);
                match line.take(n * BLOCK, t) {
                    Seen::Usual => {}
                    Seen::Step { from, by_ns } => steps.push((n, from, by_ns)),
                }
            }
            let [(seen, from, by_ns)] = steps[..] else { panic!("{step_ms}: {steps:?}") };
            assert_eq!(from, 1000 * BLOCK);
            assert!((1040..=1060).contains(&seen), "block {seen}");
            assert!((by_ns / 1e6 - f64::from(step_ms as i32)).abs() < 2.0, "{by_ns}");
            let off = line.at(2000 * BLOCK).expect("a line").0 - truth(2000 * BLOCK, 0.0) - step_ms * 1_000_000;
            assert!(off.abs() < 2_000_000, "{off}");
        }
    }

    #[test]
    fn a_move_of_less_than_a_step_is_followed_without_a_word() {
        let mut line = Line::new(RATE);
        for n in 0..3000 {
            let moved = if n >= 1000 { 14_000_000 } else { 0 };
            assert_eq!(line.take(n * BLOCK, MonoNs(truth(n * BLOCK, 0.0) + moved)), Seen::Usual);
        }
        let off = line.at(3000 * BLOCK).expect("a line").0 - truth(3000 * BLOCK, 0.0) - 14_000_000;
        assert!(off.abs() < 1_000_000, "{off}");
    }
}
