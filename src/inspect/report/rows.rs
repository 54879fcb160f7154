//! The pass over the rows of a session that fills a page.

use super::gathered::{
    Gathered, HEAT, MAX_EVENTS, MAX_POSITIONS, MAX_SPANS, MarkOf, Names, Presses, Second, SpanOf, Zero, place,
};
use crate::media::mp4::index::MAX_SAMPLES;
use crate::session::held::{Change, Held};
use crate::session::table::read::{ReadError, SessionReader};
use crate::session::table::row::{OwnedRow, event_type, key};

/// Shortest time between two positions that are kept, 0.1 ms: a screen shows no more than 60 a second.
const POSITION_EVERY: i32 = 160;
/// A pointer that does not move counts for this long at its place, ms: whoever went away is not there for an hour.
const LONGEST_STAY_MS: f32 = 2000.0;
/// Seconds whose counts are kept apart: 31 days.
const MAX_SECONDS: usize = 31 * 86_400;

/// A press that is not released yet.
#[derive(Clone, Copy)]
struct Press {
    t: i32,
    name: i32,
    at: (u16, u16),
    is_button: bool,
}

/// The pass, which is handed each row in its order by whoever reads them.
pub(super) struct Pass {
    out: Gathered,
    down: Held<Press>,
    last_frame: Option<i64>,
    last_place: Option<(i32, f32, f32)>,
    paused_since: Option<i32>,
    /// How many frames waited how long for the next, by 50 microseconds up to two seconds.
    histogram: Vec<u64>,
}

/// Width of a step of the histogram of times between frames, nanoseconds.
const STEP_NS: i64 = 50_000;
/// Steps of that histogram: what takes longer than two seconds is in the last.
const STEPS: usize = 40_000;

/// When the first picture was taken: time 0 of the video, and so of the page. Read before the pass: what comes before it has a time too.
///
/// # Errors
/// When the table cannot be read.
pub(super) fn zero(session: &SessionReader) -> Result<Zero, ReadError> {
    Ok(Zero(first_frame(session)?.unwrap_or(session.metadata().clock.t0_ns)))
}

fn first_frame(session: &SessionReader) -> Result<Option<i64>, ReadError> {
    let mut row = OwnedRow::default();
    let mut rows = session.events().rows();
    while rows.next_into(&mut row)? {
        if row.event_type == event_type::FRAME {
            return Ok(Some(row.t_ns));
        }
    }
    Ok(None)
}

impl Pass {
    /// Nothing yet.
    pub(super) fn new(zero: Zero) -> Self {
        let out = Gathered {
            zero,
            span: (0, 0),
            rows: 0,
            frames: Vec::new(),
            pointer_t: Vec::new(),
            pointer_x: Vec::new(),
            pointer_y: Vec::new(),
            keys: Presses::default(),
            buttons: Presses::default(),
            wheel_t: Vec::new(),
            wheel_delta: Vec::new(),
            wheel_sideways: Vec::new(),
            focus_t: Vec::new(),
            focus_app: Vec::new(),
            focus_title: Vec::new(),
            spans: Vec::new(),
            marks: Vec::new(),
            seconds: Vec::new(),
            heat: vec![0.0; HEAT.0 * HEAT.1],
            names: Names::default(),
            left_out: 0,
            intervals: None,
        };
        Self {
            out,
            down: Held::default(),
            last_frame: None,
            last_place: None,
            paused_since: None,
            histogram: vec![0; STEPS],
        }
    }

    /// Takes a row.
    pub(super) fn take(&mut self, row: &OwnedRow) {
        let t = self.out.zero.time(row.t_ns);
        if self.out.rows == 0 {
            self.out.span.0 = t;
        }
        self.out.rows += 1;
        self.out.span.1 = self.out.span.1.max(t);
        if event_type::is_input(&row.event_type) {
            self.input(row, t);
        }
        match row.event_type.as_str() {
            event_type::FRAME => self.frame(row, t),
            event_type::FOCUS => self.focus(row, t),
            event_type::MARK => {
                let text = row.metadata.get(key::TEXT).unwrap_or_default().to_owned();
                keep(&mut self.out.marks, MarkOf { at: t, text }, &mut self.out.left_out);
            }
            event_type::GAP | event_type::REDACT => {
                let kind = if row.event_type == event_type::GAP { "gap" } else { "redact" };
                let words = [key::STREAM, key::WHAT, key::REASON, key::LOST].map(|name| row.metadata.get(name));
                let [stream, what, reason, lost] = words;
                let lost = lost.map(|lost| format!("{lost} lost"));
                let words: Vec<&str> = [stream, what, reason, lost.as_deref()].into_iter().flatten().collect();
                let until = self.out.zero.time(row.until_ns().max(row.t_ns));
                self.span(SpanOf { from: t, until, kind, what: words.join(", ") });
            }
            event_type::PAUSE => drop(self.paused_since.get_or_insert(t)),
            event_type::RESUME => {
                if let Some(from) = self.paused_since.take() {
                    self.span(SpanOf { from, until: t, kind: "pause", what: "recording was paused".into() });
                }
            }
            _ => {}
        }
    }

    fn span(&mut self, span: SpanOf) {
        keep(&mut self.out.spans, span, &mut self.out.left_out);
    }

    /// The counts of the second in which something happened; those before the first picture count for the first second.
    fn second(&mut self, t: i32) -> &mut Second {
        let at = usize::try_from(t / 10_000).unwrap_or(0).min(MAX_SECONDS - 1);
        if self.out.seconds.len() <= at {
            self.out.seconds.resize(at + 1, Second::default());
        }
        &mut self.out.seconds[at]
    }

    fn frame(&mut self, row: &OwnedRow, t: i32) {
        if self.out.frames.len() >= MAX_SAMPLES {
            return;
        }
        self.out.frames.push(t);
        let micros = |name| row.metadata.get(name).and_then(|text| text.parse::<u64>().ok());
        let (capture, encode) = (micros(key::CAPTURE_US), micros(key::ENCODE_US));
        let is_new = row.metadata.get(key::DUP).is_none();
        let waited = self.last_frame.replace(row.t_ns).map(|last| row.t_ns.saturating_sub(last).max(0));
        if let Some(waited) = waited {
            let step = usize::try_from(waited / STEP_NS).unwrap_or(usize::MAX).min(STEPS - 1);
            self.histogram[step] += 1;
        }
        let tenths = |micros: u64| u16::try_from(micros / 100).unwrap_or(u16::MAX);
        let second = self.second(t);
        count(&mut second.frames);
        if is_new {
            count(&mut second.fresh);
        }
        if let Some(waited) = waited {
            second.interval = second.interval.max(tenths(waited.unsigned_abs() / 1000));
        }
        second.capture = second.capture.max(capture.map_or(0, tenths));
        second.encode = second.encode.max(encode.map_or(0, tenths));
    }

    fn focus(&mut self, row: &OwnedRow, t: i32) {
        if self.out.focus_t.len() >= MAX_EVENTS {
            self.out.left_out += 1;
            return;
        }
        let app = row.metadata.get(key::APP).unwrap_or_default();
        let title = row.metadata.get(key::TITLE).unwrap_or_default();
        let (app, title) = (self.out.names.number(app), self.out.names.number(title));
        self.out.focus_t.push(t);
        self.out.focus_app.push(app);
        self.out.focus_title.push(title);
    }

    fn input(&mut self, row: &OwnedRow, t: i32) {
        let stated = row.metadata.get(key::HELD).is_some();
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            self.position(t, x, y);
        }
        match row.event_type.as_str() {
            event_type::MOUSE_MOVE | event_type::GAMEPAD_AXIS => count(&mut self.second(t).moves),
            event_type::KEY_DOWN if row.repeat != Some(true) && !stated => count(&mut self.second(t).keys),
            event_type::MOUSE_CLICK | event_type::GAMEPAD_BUTTON if row.pressed == Some(true) && !stated => {
                count(&mut self.second(t).clicks);
            }
            event_type::WHEEL => {
                count(&mut self.second(t).wheel);
                if self.out.wheel_t.len() >= MAX_EVENTS {
                    self.out.left_out += 1;
                } else {
                    let sideways = row.metadata.get(key::AXIS) == Some("horizontal");
                    self.out.wheel_t.push(t);
                    self.out.wheel_delta.push(row.delta.unwrap_or(f32::NAN));
                    self.out.wheel_sideways.push(u16::from(sideways));
                }
            }
            _ => {}
        }
        self.change(row, t);
    }

    fn position(&mut self, t: i32, x: f32, y: f32) {
        if let Some((since, x, y)) = self.last_place.replace((t, x, y)) {
            stay(&mut self.out.heat, (x, y), t.saturating_sub(since));
        }
        let last = self.out.pointer_t.last().copied();
        if last.is_some_and(|last| t.saturating_sub(last) < POSITION_EVERY) {
            // The newest of them: a click that follows is at its place.
            let at = self.out.pointer_t.len() - 1;
            (self.out.pointer_x[at], self.out.pointer_y[at]) = (place(x), place(y));
        } else if self.out.pointer_t.len() >= MAX_POSITIONS {
            self.out.left_out += 1;
        } else {
            self.out.pointer_t.push(t);
            self.out.pointer_x.push(place(x));
            self.out.pointer_y.push(place(y));
        }
    }

    /// What the row changes of what is down.
    fn change(&mut self, row: &OwnedRow, t: i32) {
        let is_button = matches!(row.event_type.as_str(), event_type::MOUSE_CLICK | event_type::GAMEPAD_BUTTON);
        let name = match row.event_type.as_str() {
            event_type::MOUSE_CLICK => row.mouse_button.clone().unwrap_or_default(),
            event_type::KEY_DOWN | event_type::KEY_UP => row.key_label(),
            event_type::GAMEPAD_BUTTON => row.pad_label(),
            _ => return,
        };
        let at = row.mouse_x.zip(row.mouse_y).map_or((0, 0), |(x, y)| (place(x), place(y)));
        let name = self.out.names.number(&name);
        let press = || Press { t, name, at, is_button };
        let ended = match self.down.apply(&row.as_row(), press) {
            Change::Again(before) | Change::Continued(before) => Some(std::mem::replace(before, press())),
            Change::Released(press) => Some(press),
            Change::Hidden(press) => Some(*press),
            Change::Nothing
            | Change::Pressed
            | Change::Repeated
            | Change::Moved(_)
            | Change::Unmatched
            | Change::TooMany => None,
        };
        if let Some(press) = ended {
            self.pressed(press, t);
        }
    }

    fn pressed(&mut self, press: Press, until: i32) {
        let presses = if press.is_button { &mut self.out.buttons } else { &mut self.out.keys };
        if presses.down.len() >= MAX_EVENTS {
            self.out.left_out += 1;
            return;
        }
        presses.down.push(press.t);
        presses.up.push(until);
        presses.name.push(press.name);
        presses.x.push(press.at.0);
        presses.y.push(press.at.1);
    }

    /// What all rows came to.
    pub(super) fn finish(mut self) -> Gathered {
        let end = self.out.span.1;
        if let Some(from) = self.paused_since.take() {
            self.span(SpanOf { from, until: end, kind: "pause", what: "recording was paused".into() });
        }
        if let Some((since, x, y)) = self.last_place.take() {
            stay(&mut self.out.heat, (x, y), end.saturating_sub(since));
        }
        let mut down = std::mem::take(&mut self.down);
        for press in down.take_all() {
            self.pressed(press, end);
        }
        self.out.spans.sort_by_key(|span| span.from);
        self.out.intervals = quantiles(&self.histogram);
        self.out
    }
}

fn count(counter: &mut u16) {
    *counter = counter.saturating_add(1);
}

fn keep<T>(list: &mut Vec<T>, item: T, left_out: &mut u64) {
    if list.len() < MAX_SPANS { list.push(item) } else { *left_out += 1 }
}

/// Counts the time that the pointer was at a place that is in the picture.
fn stay(heat: &mut [f32], (x, y): (f32, f32), tenths: i32) {
    let inside = |fraction: f32, fields: usize| {
        (0.0..=1.0).contains(&fraction).then(|| ((fraction * fields as f32) as usize).min(fields - 1))
    };
    if let (Some(column), Some(row)) = (inside(x, HEAT.0), inside(y, HEAT.1)) {
        heat[row * HEAT.0 + column] += (tenths.max(0) as f32 / 10.0).min(LONGEST_STAY_MS);
    }
}

/// Median and 99th percentile of a histogram, microseconds (the middle of the step), and how many there are.
fn quantiles(histogram: &[u64]) -> Option<(f64, f64, u64)> {
    let all: u64 = histogram.iter().sum();
    let at = |share: f64| {
        let wanted = (all as f64 * share).ceil() as u64;
        let mut seen = 0;
        let step = histogram.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        step.map(|step| (step as f64 + 0.5) * STEP_NS as f64 / 1000.0)
    };
    (all > 0).then(|| Some((at(0.5)?, at(0.99)?, all))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_are_counted_where_the_pointer_is_in_the_picture() {
        let mut heat = vec![0.0; HEAT.0 * HEAT.1];
        stay(&mut heat, (0.0, 0.0), 50);
        stay(&mut heat, (1.0, 1.0), 1_000_000);
        stay(&mut heat, (1.1, 0.5), 50);
        stay(&mut heat, (f32::NAN, 0.5), 50);
        assert_eq!((heat[0], heat[HEAT.0 * HEAT.1 - 1], heat.iter().sum::<f32>()), (5.0, 2000.0, 2005.0));
    }

    #[test]
    fn quantiles_are_those_of_the_steps() {
        let mut histogram = vec![0; STEPS];
        assert_eq!(quantiles(&histogram), None);
        (histogram[10], histogram[20]) = (98, 2);
        assert_eq!(quantiles(&histogram), Some((525.0, 1025.0, 100)));
    }
}
