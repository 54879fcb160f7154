//! Statistics of a LeRobot dataset: least, greatest, mean and standard deviation of each dimension of each feature, per episode and over all.
//!
//! Invariant: what is over all is what one pass over all values would give, up to rounding: episodes are weighted by their counts.

use serde_json::{Map, Value, json};

/// What has been seen of one feature in one episode.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Stats {
    least: Vec<f64>,
    greatest: Vec<f64>,
    sum: Vec<f64>,
    squares: Vec<f64>,
    /// Values of each dimension.
    values: u64,
    /// Samples, which is what `count` says: for a picture it is one, whatever its pixels.
    samples: u64,
}

impl Stats {
    pub(super) fn new(width: usize) -> Self {
        Self {
            least: vec![f64::INFINITY; width],
            greatest: vec![f64::NEG_INFINITY; width],
            sum: vec![0.0; width],
            squares: vec![0.0; width],
            values: 0,
            samples: 0,
        }
    }

    /// Adds a sample of one value per dimension.
    pub(super) fn push(&mut self, sample: impl IntoIterator<Item = f64>) {
        self.values += 1;
        self.samples += 1;
        for (at, value) in sample.into_iter().enumerate().take(self.sum.len()) {
            self.least[at] = self.least[at].min(value);
            self.greatest[at] = self.greatest[at].max(value);
            self.sum[at] += value;
            self.squares[at] += value * value;
        }
    }

    /// Adds a picture: its pixels' channels, 0 to 1, three dimensions.
    pub(super) fn push_picture(&mut self, rgb: &[u8]) {
        for pixel in rgb.chunks_exact(3) {
            self.push(pixel.iter().map(|value| f64::from(*value) / 255.0));
        }
        self.samples = self.samples + 1 - (rgb.len() / 3) as u64;
    }

    /// As LeRobot has them: lists of one number per dimension, and the count of samples.
    pub(super) fn to_json(&self) -> Value {
        let count = self.values.max(1) as f64;
        let mean: Vec<f64> = self.sum.iter().map(|sum| sum / count).collect();
        let spread = |(squares, mean): (&f64, &f64)| (squares / count - mean * mean).max(0.0).sqrt();
        let std: Vec<f64> = self.squares.iter().zip(&mean).map(spread).collect();
        json!({ "min": self.least, "max": self.greatest, "mean": mean, "std": std, "count": [self.samples] })
    }
}

/// The numbers of one statistic.
pub(super) fn numbers(stats: &Value, name: &str) -> Vec<f64> {
    stats[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// The statistics of all episodes of one feature.
pub(super) fn over_all<'a>(episodes: impl Iterator<Item = &'a Value>) -> Value {
    let mut all: Option<[Vec<f64>; 4]> = None;
    let mut total = 0.0;
    for stats in episodes {
        let count = numbers(stats, "count").first().copied().unwrap_or_default();
        let [least, greatest, mean, std] = ["min", "max", "mean", "std"].map(|name| numbers(stats, name));
        let weighted: Vec<f64> = mean.iter().map(|mean| mean * count).collect();
        let squares: Vec<f64> = std.iter().zip(&mean).map(|(std, mean)| (std * std + mean * mean) * count).collect();
        total += count;
        match &mut all {
            None => all = Some([least, greatest, weighted, squares]),
            Some(all) => {
                let each = |to: &mut Vec<f64>, from: Vec<f64>, join: fn(f64, f64) -> f64| {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = join(*to, from));
                };
                each(&mut all[0], least, f64::min);
                each(&mut all[1], greatest, f64::max);
                each(&mut all[2], weighted, |a, b| a + b);
                each(&mut all[3], squares, |a, b| a + b);
            }
        }
    }
    let Some([least, greatest, sums, squares]) = all else { return Value::Object(Map::new()) };
    let total_or_one = if total > 0.0 { total } else { 1.0 };
    let mean: Vec<f64> = sums.iter().map(|sum| sum / total_or_one).collect();
    let spread = |(squares, mean): (&f64, &f64)| (squares / total_or_one - mean * mean).max(0.0).sqrt();
    let std: Vec<f64> = squares.iter().zip(&mean).map(spread).collect();
    json!({ "min": least, "max": greatest, "mean": mean, "std": std, "count": [total as u64] })
}

/// The same with each number in two lists of its own, which is the shape of a picture's channels: `[[[red]], [[green]], [[blue]]]`.
pub(super) fn as_channels(stats: &Value) -> Value {
    let mut shaped = Map::new();
    for name in ["min", "max", "mean", "std"] {
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
        assert_eq!(numbers(&whole, "count"), [5.0]);
    }

    #[test]
    fn a_picture_is_one_sample_of_three_channels() {
        let mut stats = Stats::new(3);
        stats.push_picture(&[0, 255, 51, 255, 255, 51]);
        stats.push_picture(&[0, 0, 51, 0, 0, 51]);
        let told = stats.to_json();
        assert_eq!((numbers(&told, "mean"), numbers(&told, "count")), (vec![0.25, 0.5, 0.2], vec![2.0]));
        assert_eq!(as_channels(&told)["max"], json!([[[1.0]], [[1.0]], [[0.2]]]));
    }
}
