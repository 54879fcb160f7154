//! Statistics of a LeRobot dataset, per episode and over all, as `lerobot.datasets.compute_stats` has them: least, greatest, mean, standard
//! deviation and quantiles of each dimension of each feature.
//!
//! Invariants: those of an episode are exact, since every value is counted; what is over all is what one pass over all values would give, up
//! to rounding, but for the quantiles, which LeRobot defines as the mean of the episodes' by their counts. A value that nobody knows
//! (NaN) counts nowhere; a dimension of which no value is known has no statistics (NaN, null in JSON).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The quantiles and their names.
const QUANTILES: [(&str, f64); 5] = [("q01", 0.01), ("q10", 0.10), ("q50", 0.50), ("q90", 0.90), ("q99", 0.99)];
/// Every statistic but `count`.
pub(super) const NAMES: [&str; 9] = ["min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99"];
/// Values of a picture's channel.
const LEVELS: usize = 256;
/// Pictures of an episode up to which all are counted, as LeRobot samples them ...
const FEW_PICTURES: usize = 100;
/// ... and how many at most.
const MANY_PICTURES: usize = 10_000;
/// A picture with no side so long is counted pixel by pixel; of another one, rows and columns are left out ...
const SMALL_SIDE: u32 = 300;
/// ... until the longer side is about so long.
const SAMPLED_SIDE: u32 = 150;

/// A number with the order of `total_cmp`.
#[derive(Clone, Copy, Debug)]
struct Ordered(f64);

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered {}

/// What has been seen of one feature in one episode. An episode has at most as many values as steps, so that this is bounded.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Stats {
    /// How often each value was seen, by dimension.
    seen: Vec<BTreeMap<Ordered, u64>>,
    samples: u64,
}

impl Stats {
    pub(super) fn new(width: usize) -> Self {
        Self { seen: vec![BTreeMap::new(); width], samples: 0 }
    }

    /// Adds a sample of one value per dimension; NaN is a value that nobody knows.
    pub(super) fn push(&mut self, sample: impl IntoIterator<Item = f64>) {
        self.samples += 1;
        for (seen, value) in self.seen.iter_mut().zip(sample) {
            if !value.is_nan() {
                // -0 and 0 are one value.
                *seen.entry(Ordered(value + 0.0)).or_insert(0) += 1;
            }
        }
    }

    /// As LeRobot has them: lists of one number per dimension, and the count of samples.
    pub(super) fn to_json(&self) -> Value {
        let told = self.seen.iter().map(|seen| told(seen.iter().map(|(value, count)| (value.0, *count))));
        to_json(&told.collect::<Vec<_>>(), self.samples)
    }
}

/// What has been seen of the pictures of an episode, by channel.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct PictureStats {
    seen: [[u64; LEVELS]; 3],
    pictures: u64,
}

impl PictureStats {
    pub(super) const fn new() -> Self {
        Self { seen: [[0; LEVELS]; 3], pictures: 0 }
    }

    /// Adds a picture, RGB, of this width: every pixel of a small one, every *n*th of every *n*th row of a larger one.
    pub(super) fn push(&mut self, rgb: &[u8], (width, height): (u32, u32)) {
        let every = picture_stride((width, height)) as usize;
        self.pictures += 1;
        for row in rgb.chunks_exact(width as usize * 3).step_by(every) {
            for pixel in row.chunks_exact(3).step_by(every) {
                self.seen.iter_mut().zip(pixel).for_each(|(seen, level)| seen[usize::from(*level)] += 1);
            }
        }
    }

    /// As LeRobot has them: one number from 0 to 1 per channel, and how many pictures there were.
    pub(super) fn to_json(&self) -> Value {
        let levels = |seen: &[u64; LEVELS]| {
            let levels = seen.iter().enumerate().filter(|(_, count)| **count > 0);
            told(levels.map(|(level, count)| (level as f64 / 255.0, *count)).collect::<Vec<_>>().into_iter())
        };
        to_json(&self.seen.each_ref().map(levels), self.pictures)
    }
}

/// Of how many pixels one is counted, in either direction.
const fn picture_stride((width, height): (u32, u32)) -> u32 {
    let longer = if width > height { width } else { height };
    if longer < SMALL_SIDE { 1 } else { longer / SAMPLED_SIDE }
}

/// The pictures of an episode that are counted: their numbers, rising, evenly spread.
pub(super) fn sampled(length: usize) -> Vec<usize> {
    let last = length.saturating_sub(1) as f64;
    let count = ((length as f64).powf(0.75) as usize).min(MANY_PICTURES).max(FEW_PICTURES.min(length));
    let step = if count > 1 { last / (count - 1) as f64 } else { 0.0 };
    (0..count).map(|n| (n as f64 * step).round_ties_even() as usize).collect()
}

/// The statistics of one dimension, in the order of [`NAMES`]; `seen` rises.
fn told(seen: impl Iterator<Item = (f64, u64)> + Clone) -> [f64; NAMES.len()] {
    let count = seen.clone().map(|(_, count)| count).sum::<u64>() as f64;
    if count <= 0.0 {
        return [f64::NAN; NAMES.len()];
    }
    let mean = seen.clone().map(|(value, times)| value * times as f64).sum::<f64>() / count;
    let variance = seen.clone().map(|(value, times)| (value - mean).powi(2) * times as f64).sum::<f64>() / count;
    // The least value that this part of all values does not exceed: what LeRobot's histogram is near to.
    let quantile = |part: f64| {
        let mut below = 0.0;
        let reached = seen.clone().find(|(_, times)| {
            below += *times as f64;
            below >= part * count
        });
        reached.map_or(f64::NAN, |(value, _)| value)
    };
    let [q01, q10, q50, q90, q99] = QUANTILES.map(|(_, part)| quantile(part));
    let (least, greatest) = (seen.clone().next(), seen.last());
    let value = |seen: Option<(f64, u64)>| seen.map_or(f64::NAN, |(value, _)| value);
    [value(least), value(greatest), mean, variance.sqrt(), q01, q10, q50, q90, q99]
}

fn to_json(dimensions: &[[f64; NAMES.len()]], count: u64) -> Value {
    let mut all = Map::new();
    for (at, name) in NAMES.into_iter().enumerate() {
        all.insert(name.into(), dimensions.iter().map(|told| told[at]).collect());
    }
    all.insert("count".into(), json!([count]));
    Value::Object(all)
}

/// The numbers of one statistic; NaN where nothing is known.
pub(super) fn numbers(stats: &Value, name: &str) -> Vec<f64> {
    stats[name].as_array().into_iter().flatten().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

/// How many samples there are.
pub(super) fn count(stats: &Value) -> u64 {
    stats["count"][0].as_u64().unwrap_or_default()
}

/// The statistics of all episodes of one feature.
pub(super) fn over_all<'a>(episodes: impl Iterator<Item = &'a Value>) -> Value {
    let mut all: Vec<All> = Vec::new();
    let mut total = 0;
    for stats in episodes {
        let weight = count(stats);
        total += weight;
        let columns = NAMES.map(|name| numbers(stats, name));
        let width = columns[0].len();
        all.resize_with(width.max(all.len()), All::default);
        for (at, all) in all.iter_mut().enumerate().take(width) {
            let told = columns.each_ref().map(|column| column.get(at).copied().unwrap_or(f64::NAN));
            all.add(told, weight as f64);
        }
    }
    to_json(&all.iter().map(All::told).collect::<Vec<_>>(), total)
}

/// One dimension over all episodes.
struct All {
    least: f64,
    greatest: f64,
    weight: f64,
    sum: f64,
    squares: f64,
    quantiles: [f64; QUANTILES.len()],
}

impl Default for All {
    fn default() -> Self {
        let (least, greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { least, greatest, weight: 0.0, sum: 0.0, squares: 0.0, quantiles: [0.0; QUANTILES.len()] }
    }
}

impl All {
    fn add(&mut self, [least, greatest, mean, std, quantiles @ ..]: [f64; NAMES.len()], weight: f64) {
        if mean.is_nan() {
            return;
        }
        (self.least, self.greatest) = (self.least.min(least), self.greatest.max(greatest));
        self.weight += weight;
        self.sum += mean * weight;
        self.squares += (std * std + mean * mean) * weight;
        self.quantiles.iter_mut().zip(quantiles).for_each(|(sum, quantile)| *sum += quantile * weight);
    }

    fn told(&self) -> [f64; NAMES.len()] {
        if self.weight <= 0.0 {
            return [f64::NAN; NAMES.len()];
        }
        let mean = self.sum / self.weight;
        let std = (self.squares / self.weight - mean * mean).max(0.0).sqrt();
        let [q01, q10, q50, q90, q99] = self.quantiles.map(|sum| sum / self.weight);
        [self.least, self.greatest, mean, std, q01, q10, q50, q90, q99]
    }
}

/// The same with each number in two lists of its own, which is the shape of a picture's channels: `[[[red]], [[green]], [[blue]]]`.
pub(super) fn as_channels(stats: &Value) -> Value {
    let mut shaped = Map::new();
    for name in NAMES {
        shaped.insert(name.into(), numbers(stats, name).into_iter().map(|value| json!([[value]])).collect());
    }
    shaped.insert("count".into(), stats["count"].clone());
    Value::Object(shaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[[f64; 2]]) -> Stats {
        let mut stats = Stats::new(2);
        for value in values {
            stats.push(*value);
        }
        stats
    }

    #[test]
    fn two_episodes_are_one_pass() {
        let values = [[1.0, -2.0], [3.0, 0.5], [2.0, 8.0], [0.0, 1.0], [7.0, 7.0]];
        let (left, right, whole) = (of(&values[..2]).to_json(), of(&values[2..]).to_json(), of(&values).to_json());
        let all = over_all([&left, &right].into_iter());
        for name in ["min", "max", "mean", "std", "count"] {
            for (a, b) in numbers(&all, name).iter().zip(numbers(&whole, name)) {
                assert!((a - b).abs() < 1e-12, "{name}: {a} {b}");
            }
        }
        assert_eq!(numbers(&whole, "mean"), [2.6, 2.9]);
        assert_eq!(count(&whole), 5);
        assert_eq!((numbers(&left, "q99"), numbers(&right, "q99")), (vec![3.0, 0.5], vec![7.0, 8.0]));
        let expected = [(2.0 * 3.0 + 3.0 * 7.0) / 5.0, (2.0 * 0.5 + 3.0 * 8.0) / 5.0];
        assert_eq!(numbers(&all, "q99"), expected);
    }

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let mut stats = Stats::new(1);
        (0..1000).for_each(|n| stats.push([f64::from(n)]));
        let told = stats.to_json();
        let quantiles: Vec<f64> = QUANTILES.iter().flat_map(|(name, _)| numbers(&told, name)).collect();
        assert_eq!(quantiles, [9.0, 99.0, 499.0, 899.0, 989.0]);
    }

    #[test]
    fn what_nobody_knows_counts_nowhere() {
        let some = of(&[[1.0, f64::NAN], [f64::NAN, f64::NAN], [3.0, f64::NAN]]).to_json();
        assert_eq!((numbers(&some, "mean")[0], numbers(&some, "min")[0], count(&some)), (2.0, 1.0, 3));
        assert!(numbers(&some, "q50")[1].is_nan() && some["mean"][1].is_null());
        let all = over_all([&some, &of(&[[1.0, 5.0]]).to_json()].into_iter());
        assert_eq!(numbers(&all, "max"), [3.0, 5.0]);
    }

    #[test]
    fn a_picture_is_one_sample_of_three_channels() {
        let mut stats = PictureStats::new();
        stats.push(&[0, 255, 51, 255, 255, 51], (2, 1));
        stats.push(&[0, 0, 51, 0, 0, 51], (2, 1));
        let told = stats.to_json();
        assert_eq!((numbers(&told, "mean"), count(&told)), (vec![0.25, 0.5, 0.2], 2));
        assert_eq!(as_channels(&told)["max"], json!([[[1.0]], [[1.0]], [[0.2]]]));
        assert_eq!([(299, 10), (300, 200), (1920, 1080), (600, 900)].map(picture_stride), [1, 2, 12, 6]);
    }

    #[test]
    fn pictures_are_sampled_as_lerobot_samples_them() {
        // estimate_num_samples of lerobot 0.6.1.
        let counts = [1, 99, 100, 500, 1000, 2000, 5000, 27_000].map(|length| sampled(length).len());
        assert_eq!(counts, [1, 99, 100, 105, 177, 299, 594, 2106]);
        let some = sampled(1000);
        assert!(some[0] == 0 && some[176] == 999 && some.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(sampled(0), [0_usize; 0]);
    }
}
