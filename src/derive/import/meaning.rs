//! Whether the numbers of a recording can be what this format takes them for: fractions of the picture, HID usages, steps of a wheel,
//! nanoseconds.
//!
//! Keeps the invariant that a meaning is not guessed: numbers that cannot be what they should be are refused with the option that says what
//! they are, and where nothing can be told from the numbers, `import.missing` says so. Looks at every row once, in a few numbers.

use super::error::ImportError;
use super::keys::{self, KeyTable};
use super::options::{Positions, TimeUnit};
use super::table::ForeignTable;
use crate::base::event::HidUsage;
use crate::base::hid;
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::schema::column;

/// How far outside of the picture a pointer is still taken for a fraction, in pictures: honest ones are, when a window is recorded and the pointer
/// is beside it. Pixels are beyond this as soon as the pointer leaves the first three of them.
const OUTSIDE: f32 = 1.0;

/// The most steps of a wheel at once: notches come one by one or a few at a time, and the units of Windows (120 a step) and pixels of
/// browsers (100 and 53 a step) are beyond.
const MAX_STEPS: f32 = 20.0;

/// How many times as long as its rows a video may last, and the other way round. Video times that were made up (frames of a second a minute
/// apart in a time-lapse) are within this, and units that are mistaken for each other differ by 1,000.
const MAX_TIME_RATIO: i64 = 300;

/// A number in a row.
#[derive(Clone, Copy, Debug)]
struct At {
    row: u64,
    column: &'static str,
    value: f32,
}

/// What the rows have shown.
#[derive(Default, Debug)]
pub(crate) struct Evidence {
    /// The first position further than [`OUTSIDE`] from the picture.
    far: Option<At>,
    /// The first position outside of the picture.
    outside: Option<At>,
    /// The first position that is not 0.
    not_nought: Option<At>,
    /// Some position is no whole number.
    has_fraction: bool,
    /// The first motion of a wheel above [`MAX_STEPS`].
    turned: Option<At>,
    /// Rows with a code.
    pub(crate) codes: u64,
    /// The first row whose code is no HID usage.
    no_usage: Option<u64>,
    /// Rows whose code is that of the key that they name.
    agreeing: u64,
    /// The first row whose code is another one's than that of the key that it names.
    contradicting: Option<u64>,
    /// A key has a code of the recorder and none here.
    without_usage: bool,
}

impl Evidence {
    /// Looks at a row.
    pub(crate) fn look_at(&mut self, row: &OwnedRow, number: u64) {
        for (name, value) in [(column::MOUSE_X, row.mouse_x), (column::MOUSE_Y, row.mouse_y)] {
            let Some(value) = value else { continue };
            let at = At { row: number, column: name, value };
            self.has_fraction |= value.fract() != 0.0;
            if value != 0.0 {
                self.not_nought.get_or_insert(at);
            }
            if !(0.0..=1.0).contains(&value) {
                self.outside.get_or_insert(at);
            }
            if !(-OUTSIDE..=1.0 + OUTSIDE).contains(&value) {
                self.far.get_or_insert(at);
            }
        }
        if let Some(value) = row.delta.filter(|delta| delta.abs() > MAX_STEPS) {
            self.turned.get_or_insert(At { row: number, column: column::DELTA, value });
        }
        let is_key = [event_type::KEY_DOWN, event_type::KEY_UP].contains(&row.event_type.as_str());
        if let Some(code) = row.key_code {
            self.codes += 1;
            if !keys::is_usage(code) {
                self.no_usage.get_or_insert(number);
            }
            // Other recorders have other things under this name.
            let named = row.metadata.get(key::CODE).filter(|name| hid::KEYS.iter().any(|key| key.code == *name));
            if let Some(named) = named {
                let own = u16::try_from(code).ok().and_then(|usage| hid::code_of_usage(HidUsage(usage)));
                if own == Some(named) {
                    self.agreeing += 1;
                } else {
                    self.contradicting.get_or_insert(number);
                }
            }
        } else if is_key && row.metadata.get(key::REDACTED).is_none() {
            self.without_usage |= row.metadata.get(key::NATIVE).is_some();
        }
    }

    /// Refuses what cannot be what it is taken for.
    pub(crate) fn judge(&self, table: &ForeignTable) -> Result<(), ImportError> {
        self.judge_positions(table)?;
        if let Some(at) = self.turned.filter(|_| table.told.wheel.is_none()) {
            let what = format!("{} is too much for steps of a wheel", at.value);
            let (units, steps) = (table.command(&[("wheel", "120")]), table.command(&[("wheel", "1")]));
            let hint = format!("say how many of its units are a step: {units}; when they are steps: {steps}");
            return Err(table.value_error(at.row, at.column, what, hint));
        }
        if let Some(row) = self.contradicting {
            let what = "its code is not that of the key that its metadata name".to_owned();
            let command = table.command(&[("keys", "evdev")]);
            let hint = format!("say which table the codes are of, hid, keysym, vk, evdev or x11: {command}");
            return Err(table.value_error(row, column::KEY_CODE, what, hint));
        }
        Ok(())
    }

    fn judge_positions(&self, table: &ForeignTable) -> Result<(), ImportError> {
        let refused = |at: At, what: String, hint: String| Err(table.value_error(at.row, at.column, what, hint));
        match table.told.positions {
            Some(Positions::Fraction | Positions::Pixels(Some(_))) => Ok(()),
            // Nothing but the size of the picture was there to go by.
            Some(Positions::Pixels(None)) => {
                let (Some(at), Some(area)) = (self.outside, table.pixels) else { return Ok(()) };
                let (width, height) = area.size;
                let what = format!("it lies outside of the {width}x{height} pixels of the picture");
                let command = table.command(&[("positions", "pixels=1920x1080")]);
                refused(
                    at,
                    what,
                    format!("name the size of the screen that they are pixels of, for example: {command}"),
                )
            }
            None => {
                // Whole numbers that are not all nought: a pointer is rarely at the very corners and nowhere else.
                let whole = self.not_nought.filter(|_| !self.has_fraction);
                let Some(at) = self.far.or(whole) else { return Ok(()) };
                let what =
                    format!("{} is no fraction of the picture, where 0 is its one edge and 1 the other", at.value);
                let pixels = table.command(&[("positions", "pixels")]);
                let fraction = table.command(&[("positions", "fraction")]);
                refused(at, what, format!("when positions are pixels: {pixels}; when they are fractions: {fraction}"))
            }
        }
    }

    /// Whether the codes of keys are kept as the recorder's own, since one of them cannot be what they are taken for.
    pub(crate) fn codes_in_doubt(&self, told: Option<KeyTable>) -> bool {
        told.is_none() && self.no_usage.is_some()
    }

    /// Whether keys have codes of the recorder that no key here has.
    pub(crate) fn has_keys_without_usage(&self, told: Option<KeyTable>) -> bool {
        self.codes_in_doubt(told) || (told.is_some() && self.without_usage)
    }

    /// Whether something shows that codes are HID usages, or there are none.
    pub(crate) fn codes_are_known(&self, told: Option<KeyTable>) -> bool {
        told.is_some() || self.codes == 0 || self.agreeing > 0 || self.codes_in_doubt(told)
    }
}

/// Refuses times that are thousands of times longer or shorter than the video: `t_ns` counts something else then. `rows_ns` is the time from the
/// first frame row to the last, `video_us` that of the video.
pub(crate) fn judge_times(table: &ForeignTable, rows_ns: i64, video_us: i64) -> Result<(), ImportError> {
    if table.told.times.is_some() || rows_ns <= 0 || video_us <= 0 {
        return Ok(());
    }
    let video_ns = video_us.saturating_mul(1000);
    let is_near = rows_ns / MAX_TIME_RATIO <= video_ns && video_ns / MAX_TIME_RATIO <= rows_ns;
    if is_near {
        return Ok(());
    }
    let seconds = |ns: i64| ns as f64 / 1e9;
    let what = format!("its frames take {} s by the rows and {} s in the video", seconds(rows_ns), seconds(video_ns));
    // The unit that comes nearest.
    let off = |unit: &TimeUnit| ((rows_ns as f64 * unit.ns() as f64).ln() - (video_ns as f64).ln()).abs();
    let nearest = TimeUnit::ALL.into_iter().min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(TimeUnit::Ns);
    let as_they_are = table.command(&[("times", TimeUnit::Ns.name())]);
    let hint = if nearest == TimeUnit::Ns {
        format!(
            "t_ns counts nanoseconds; put it right with pyarrow. When it is right and the video is not: {as_they_are}"
        )
    } else {
        let other = table.command(&[("times", nearest.name())]);
        format!(
            "when t_ns counts {}: {other}; when it counts nanoseconds, and the video is wrong: {as_they_are}",
            nearest.name()
        )
    };
    Err(table.value_error(0, column::T_NS, what, hint))
}
