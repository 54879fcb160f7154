//! What a page holds of the rows of a session: each kind by columns, with limits, and how much was left out.

use serde::Serialize;

/// Positions of the pointer that are kept: 60 a second for nine hours, 16 MiB in the page. Beyond that the path ends.
pub(super) const MAX_POSITIONS: usize = 2_000_000;
/// Presses, clicks, turns and changes of focus that are kept, each: a page lists them one by one.
pub(super) const MAX_EVENTS: usize = 200_000;
/// Gaps, pauses, redactions and marks that are kept, each.
pub(super) const MAX_SPANS: usize = 20_000;
/// Different names (keys, buttons, applications, titles) that are kept; later ones are `…`.
pub(super) const MAX_NAMES: usize = 4096;
/// Columns and rows of the map of where the pointer was.
pub(super) const HEAT: (usize, usize) = (64, 36);
/// A position is fraction × `SCALE` + `SCALE`/2 of 65,536: from half a picture left of it to half a picture right of it.
const SCALE: f32 = 32_768.0;

/// Times in a page: 100 microseconds from the first picture, which is time 0 of the video. 59 hours fit in 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Zero(pub(super) i64);

impl Zero {
    /// The time of a page for one of the session's clock.
    pub(super) fn time(self, t_ns: i64) -> i32 {
        let units = t_ns.saturating_sub(self.0).div_euclid(100_000);
        i32::try_from(units).unwrap_or(if units < 0 { i32::MIN } else { i32::MAX })
    }
}

/// A fraction of the surface as 16 bits; what is further outside is at the edge of that range.
pub(super) fn place(fraction: f32) -> u16 {
    (fraction * SCALE + SCALE / 2.0).clamp(0.0, 65_535.0) as u16
}

/// Names, each once.
#[derive(Default)]
pub(super) struct Names {
    list: Vec<String>,
    by_name: std::collections::HashMap<String, i32>,
}

impl Names {
    /// The number of a name.
    pub(super) fn number(&mut self, name: &str) -> i32 {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let name = if self.list.len() >= MAX_NAMES { "…" } else { name };
        *self.by_name.entry(name.to_owned()).or_insert_with(|| {
            self.list.push(name.to_owned());
            (self.list.len() - 1) as i32
        })
    }

    /// All of them, by their numbers.
    pub(super) fn list(&self) -> &[String] {
        &self.list
    }
}

/// Something that is missing, was withheld, or was paused, from one time to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct SpanOf {
    pub(super) from: i32,
    pub(super) until: i32,
    /// `gap`, `pause` or `redact`.
    pub(super) kind: &'static str,
    /// Stream and reason.
    pub(super) what: String,
}

/// A mark.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct MarkOf {
    pub(super) at: i32,
    pub(super) text: String,
}

/// Something pressed and released: keys and buttons.
#[derive(Default)]
pub(super) struct Presses {
    pub(super) down: Vec<i32>,
    pub(super) up: Vec<i32>,
    pub(super) name: Vec<i32>,
    /// Where, for buttons whose place is known; 0 for the others.
    pub(super) x: Vec<u16>,
    pub(super) y: Vec<u16>,
}

/// Counts of one second.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Second {
    pub(super) keys: u16,
    pub(super) clicks: u16,
    pub(super) wheel: u16,
    pub(super) moves: u16,
    pub(super) frames: u16,
    /// Frames that show something new.
    pub(super) fresh: u16,
    /// Longest time between two frames of which the later is of this second, 0.1 ms.
    pub(super) interval: u16,
    /// Longest time to get a picture, and to encode one, 0.1 ms.
    pub(super) capture: u16,
    pub(super) encode: u16,
}

/// All of it.
pub(super) struct Gathered {
    pub(super) zero: Zero,
    /// First and last row, page time.
    pub(super) span: (i32, i32),
    pub(super) rows: u64,
    pub(super) frames: Vec<i32>,
    pub(super) pointer_t: Vec<i32>,
    pub(super) pointer_x: Vec<u16>,
    pub(super) pointer_y: Vec<u16>,
    pub(super) keys: Presses,
    pub(super) buttons: Presses,
    pub(super) wheel_t: Vec<i32>,
    pub(super) wheel_delta: Vec<f32>,
    pub(super) wheel_sideways: Vec<u16>,
    pub(super) focus_t: Vec<i32>,
    pub(super) focus_app: Vec<i32>,
    pub(super) focus_title: Vec<i32>,
    pub(super) spans: Vec<SpanOf>,
    pub(super) marks: Vec<MarkOf>,
    pub(super) seconds: Vec<Second>,
    /// Milliseconds that the pointer was in each field, row by row.
    pub(super) heat: Vec<f32>,
    pub(super) names: Names,
    /// How many of what were too many for a page.
    pub(super) left_out: u64,
    /// Times between frames, microseconds, in order of size: median and 99th percentile, and how many.
    pub(super) intervals: Option<(f64, f64, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_places_and_names_fit_into_their_numbers() {
        let zero = Zero(1_000_000_000);
        assert_eq!([zero.time(1_000_000_000), zero.time(1_000_150_000), zero.time(999_999_999)], [0, 1, -1]);
        assert_eq!((zero.time(i64::MAX), Zero(i64::MAX).time(i64::MIN)), (i32::MAX, i32::MIN));
        assert_eq!([0.0, 0.5, 1.0, -9.0, 9.0].map(place), [16_384, 32_768, 49_152, 0, 65_535]);
        let mut names = Names::default();
        assert_eq!([names.number("a"), names.number("b"), names.number("a")], [0, 1, 0]);
        for number in 0..2 * MAX_NAMES {
            names.number(&number.to_string());
        }
        assert_eq!((names.list().len(), names.number("x")), (MAX_NAMES + 1, MAX_NAMES as i32));
    }
}
