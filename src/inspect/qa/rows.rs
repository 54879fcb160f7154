//! The pass over the rows: what they say by themselves, and what the pictures are held against.
//!
//! Memory follows the frames (16 bytes each) and the seconds, never the rows.

use std::collections::BTreeMap;

use super::error::QaError;
use super::finding::{Found, Limits};
use crate::base::pad::MAX_PADS;
use crate::base::progress::Step;
use crate::media::mp4::index::MAX_SAMPLES;
use crate::session::held::{Change, Held};
use crate::session::table::read::SessionReader;
use crate::session::table::row::{OwnedRow, event_type, key};

/// Rows between two reports of progress: about 10 ms of work.
const PROGRESS_ROWS: u64 = 16_384;
/// Stretches without input that are kept to be held against the pictures: one a second for a day.
const MAX_STRETCHES: usize = 86_400;
/// Seconds whose presses are kept apart: a month. What is pressed later counts for the last.
const MAX_SECONDS: usize = 31 * 86_400;
/// Pauses that are kept apart; more are one with the last. A person makes some in an hour.
const MAX_PAUSES: usize = 1 << 18;
/// A position this far outside is on the edge: the last pixel of a surface of 1000, and what conversion to 32 bits makes of it.
const EDGE: f32 = 0.001;

/// A frame, by its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameSeen {
    pub(crate) t_ns: i64,
    pub(crate) duplicate: bool,
}

/// What the rows said.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) rows: u64,
    pub(crate) span_ns: Option<(i64, i64)>,
    pub(crate) frames: Vec<FrameSeen>,
    /// Frames that are missing, by the gap rows.
    pub(crate) dropped: u64,
    pub(crate) drops: Found,
    /// Samples of sound that are missing.
    pub(crate) lost_sound: u64,
    pub(crate) holes: Found,
    pub(crate) longest_gap_ns: i64,
    pub(crate) gaps: Found,
    pub(crate) lost_inputs: u64,
    pub(crate) losses: Found,
    pub(crate) longest_held_ns: i64,
    pub(crate) stuck: Found,
    pub(crate) unbalanced: Found,
    /// Gamepads that were there.
    pub(crate) pads: u64,
    pub(crate) silent_pads: Found,
    pub(crate) positions: u64,
    pub(crate) outside: u64,
    pub(crate) strays: Found,
    /// Times without any input, longer than the limit, pauses left out.
    pub(crate) quiet: Vec<(i64, i64)>,
    /// Presses of keys and buttons and turns of wheels, by second from the first row.
    presses: BTreeMap<i64, u32>,
    /// Spans in which recording was paused.
    pub(crate) pauses: Vec<(i64, i64)>,
}

impl Seen {
    /// Presses between two instants, to the second.
    pub(crate) fn presses(&self, from_ns: i64, until_ns: i64) -> u64 {
        let start = self.span_ns.map_or(0, |span| span.0);
        let second = |t_ns: i64| t_ns.saturating_sub(start).div_euclid(1_000_000_000);
        self.presses.range(second(from_ns)..=second(until_ns)).map(|(_, count)| u64::from(*count)).sum()
    }

    /// Whether recording was paused at any time between two instants.
    pub(crate) fn paused(&self, from_ns: i64, until_ns: i64) -> bool {
        // They follow one another.
        let first = self.pauses.partition_point(|(_, until)| *until <= from_ns);
        self.pauses.get(first).is_some_and(|(from, _)| *from < until_ns)
    }

    /// Frames per second without pauses.
    pub(crate) fn fps(&self) -> Option<f64> {
        let (first, last) = (self.frames.first()?.t_ns, self.frames.last()?.t_ns);
        let inside = |(from, until): &(i64, i64)| until.min(&last).saturating_sub(*from.max(&first)).max(0);
        let paused = self.pauses.iter().map(inside).fold(0, i64::saturating_add);
        let running = last.saturating_sub(first).saturating_sub(paused);
        (self.frames.len() > 1 && running > 0).then(|| (self.frames.len() - 1) as f64 / (running as f64 / 1e9))
    }
}

/// What is said of a press that is not followed any more.
const TOO_MANY: &str = "pressed while more is down than there can be";

/// A press: when, at which frame, and of what.
struct Press {
    t_ns: i64,
    frame: Option<u64>,
    label: String,
    kind: PressKind,
}

/// How a press is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PressKind {
    Key,
    /// An axis of a gamepad that is far from its middle.
    Tilt,
    /// One that is near: many sticks rest there.
    Drift,
}

impl PressKind {
    fn of(row: &OwnedRow) -> Self {
        match row.value {
            _ if row.event_type != event_type::GAMEPAD_AXIS => Self::Key,
            Some(value) if value.abs() < NEAR => Self::Drift,
            _ => Self::Tilt,
        }
    }
}

/// A stick is near its middle, and a trigger near its rest, below this.
const NEAR: f32 = 0.25;

/// The state of the pass.
struct Pass<'a> {
    seen: Seen,
    limits: &'a Limits,
    down: Held<Press>,
    /// Gamepads that were there: since when, and whether anything was heard of them.
    pads: BTreeMap<i32, (i64, bool)>,
    frame: Option<u64>,
    last_input_ns: Option<i64>,
    paused_since: Option<i64>,
    /// A gap or a pause since the last frame explains why there is none.
    explained: bool,
    skips: bool,
}

fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

/// Reads all rows of a session. `also` sees each of them too: who else needs all rows need not read them again.
pub(crate) fn read(
    session: &SessionReader,
    limits: &Limits,
    also: &mut dyn FnMut(&OwnedRow),
    progress: &mut dyn FnMut(Step),
) -> Result<Seen, QaError> {
    let events = session.events();
    let mut pass = Pass {
        seen: Seen::default(),
        limits,
        down: Held::default(),
        pads: BTreeMap::new(),
        frame: None,
        last_input_ns: None,
        paused_since: None,
        explained: false,
        skips: session.metadata().unchanged_skipped.is_some(),
    };
    let mut row = OwnedRow::default();
    let mut rows = events.rows();
    while rows.next_into(&mut row)? {
        pass.take(&row);
        also(&row);
        if pass.seen.rows.is_multiple_of(PROGRESS_ROWS) {
            progress(Step { what: "rows", done: pass.seen.rows, of: events.len() });
        }
    }
    Ok(pass.finish())
}

impl Pass<'_> {
    fn take(&mut self, row: &OwnedRow) {
        self.seen.rows += 1;
        let first = self.seen.span_ns.map_or(row.t_ns, |span| span.0);
        self.seen.span_ns = Some((first, row.t_ns));
        self.last_input_ns.get_or_insert(row.t_ns);
        if event_type::is_input(&row.event_type) {
            self.input(row, first);
        }
        match row.event_type.as_str() {
            event_type::GAMEPAD_CONNECT => {
                if let Some(pad) = row.pad.filter(|pad| (0..i32::from(MAX_PADS)).contains(pad)) {
                    self.pads.entry(pad).or_insert((row.t_ns, false));
                }
            }
            event_type::FRAME => self.frame(row),
            event_type::GAP => self.gap(row),
            event_type::PAUSE => {
                self.quiet_until(row.t_ns);
                self.paused_since.get_or_insert(row.t_ns);
            }
            event_type::RESUME => {
                if let Some(since) = self.paused_since.take() {
                    self.pause(since, row.t_ns);
                }
                self.last_input_ns = Some(row.t_ns);
                self.explained = true;
            }
            _ => {}
        }
    }

    /// Notes a pause.
    fn pause(&mut self, from_ns: i64, until_ns: i64) {
        let pauses = &mut self.seen.pauses;
        let is_full = pauses.len() >= MAX_PAUSES;
        match pauses.last_mut() {
            Some(last) if is_full => last.1 = until_ns,
            _ => pauses.push((from_ns, until_ns)),
        }
    }

    /// Ends a stretch without input.
    fn quiet_until(&mut self, t_ns: i64) {
        if let Some(last) = self.last_input_ns
            && seconds(t_ns.saturating_sub(last)) > self.limits.idle_s.min(1.0)
            && self.paused_since.is_none()
            && self.seen.quiet.len() < MAX_STRETCHES
        {
            self.seen.quiet.push((last, t_ns));
        }
    }

    fn input(&mut self, row: &OwnedRow, first_ns: i64) {
        self.quiet_until(row.t_ns);
        self.last_input_ns = Some(row.t_ns);
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            self.seen.positions += 1;
            let inside = |at: f32| (-EDGE..=1.0 + EDGE).contains(&at);
            if !inside(x) || !inside(y) {
                self.seen.outside += 1;
                let what = || format!("{} at {:.1} %, {:.1} %", row.event_type, x * 100.0, y * 100.0);
                self.seen.strays.add((row.t_ns, row.t_ns), self.frame, what);
            }
        }
        if row.metadata.get(key::HELD).is_none()
            && let Some((_, heard)) = row.pad.and_then(|pad| self.pads.get_mut(&pad))
        {
            *heard = true;
        }
        let pressed = match row.event_type.as_str() {
            event_type::KEY_DOWN => row.repeat != Some(true),
            event_type::MOUSE_CLICK | event_type::GAMEPAD_BUTTON => row.pressed == Some(true),
            event_type::WHEEL => true,
            _ => false,
        };
        if pressed && row.metadata.get(key::HELD).is_none() {
            let second = row.t_ns.saturating_sub(first_ns) / 1_000_000_000;
            let presses = &mut self.seen.presses;
            let is_full = presses.len() >= MAX_SECONDS && !presses.contains_key(&second);
            let last = presses.last_key_value().map(|(second, _)| *second).filter(|_| is_full);
            let count = presses.entry(last.unwrap_or(second)).or_default();
            *count = count.saturating_add(1);
        }
        self.change(row);
    }

    /// What the row changes of what is down.
    fn change(&mut self, row: &OwnedRow) {
        let label = || match row.event_type.as_str() {
            event_type::MOUSE_CLICK => format!("{} button", row.mouse_button.as_deref().unwrap_or_default()),
            event_type::GAMEPAD_BUTTON | event_type::GAMEPAD_AXIS => row.pad_label(),
            _ if row.metadata.get(key::REDACTED).is_some() => "a redacted key".to_owned(),
            _ => row.key_label(),
        };
        let frame = self.frame;
        let press = || Press { t_ns: row.t_ns, frame, label: label(), kind: PressKind::of(row) };
        match self.down.apply(&row.as_row(), press) {
            Change::Again(before) => {
                *before = press();
                self.alone(row, &label(), "pressed twice without a release");
            }
            Change::Continued(before) => *before = press(),
            Change::Moved(before) => {
                let before = std::mem::replace(before, press());
                self.held(&before, row.t_ns);
            }
            Change::Hidden(press) => {
                let press = Press { label: press.label.clone(), ..*press };
                self.held(&press, row.t_ns);
            }
            Change::Released(press) => self.held(&press, row.t_ns),
            Change::Unmatched => self.alone(row, &label(), "released and not pressed before"),
            Change::TooMany => self.alone(row, &label(), TOO_MANY),
            Change::Nothing | Change::Pressed | Change::Repeated => {}
        }
    }

    fn alone(&mut self, row: &OwnedRow, label: &str, what: &str) {
        self.seen.unbalanced.add((row.t_ns, row.t_ns), self.frame, || format!("{label}: {what}"));
    }

    fn held(&mut self, press: &Press, until_ns: i64) {
        let Press { t_ns, frame, label, kind } = press;
        let held = until_ns.saturating_sub(*t_ns);
        let how = match kind {
            PressKind::Key => "is down",
            PressKind::Tilt => "stands still away from its middle",
            PressKind::Drift => return,
        };
        self.seen.longest_held_ns = self.seen.longest_held_ns.max(held);
        if seconds(held) > self.limits.held_s {
            let what = || format!("{label} {how} for {:.1} s", seconds(held));
            self.seen.stuck.add((*t_ns, until_ns), *frame, what);
        }
    }

    fn frame(&mut self, row: &OwnedRow) {
        let duplicate = row.metadata.get(key::DUP).is_some();
        if let Some(last) = self.seen.frames.last() {
            let waited = row.t_ns.saturating_sub(last.t_ns);
            // Where unchanged pictures are not stored, no frame is no news.
            if !self.explained && !self.skips && seconds(waited) > self.limits.gap_s {
                self.seen.longest_gap_ns = self.seen.longest_gap_ns.max(waited);
                let what = || format!("no frame for {:.1} s, and no gap row that says why", seconds(waited));
                self.seen.gaps.add((last.t_ns, row.t_ns), self.frame, what);
            }
        }
        // In a long pause a frame is stored again.
        self.explained = self.paused_since.is_some();
        self.frame = row.frame_ref.and_then(|frame| u64::try_from(frame).ok());
        // No video has more: a table that says so belongs to none.
        if self.seen.frames.len() < MAX_SAMPLES {
            self.seen.frames.push(FrameSeen { t_ns: row.t_ns, duplicate });
        }
    }

    fn gap(&mut self, row: &OwnedRow) {
        let get = |key: &str| row.metadata.get(key);
        let until_ns = row.until_ns().max(row.t_ns);
        let lost: Option<u64> = get(key::LOST).and_then(|text| text.parse().ok());
        let stream = get(key::STREAM).unwrap_or_default();
        let reason = get(key::REASON).unwrap_or_default();
        let span = (row.t_ns, until_ns);
        let lasts = until_ns.saturating_sub(row.t_ns);
        let what = || {
            let lost = lost.map_or_else(|| "an unknown number".to_owned(), |lost| lost.to_string());
            format!("{stream}: {reason}, {lost} lost, {:.3} s", seconds(lasts))
        };
        match stream {
            "screen" => {
                self.explained = true;
                self.seen.dropped = self.seen.dropped.saturating_add(lost.unwrap_or(0));
                self.seen.drops.add(span, self.frame, what);
            }
            "input" => {
                // At least one, when nobody knows how many.
                self.seen.lost_inputs = self.seen.lost_inputs.saturating_add(lost.unwrap_or(1));
                self.seen.losses.add(span, self.frame, what);
            }
            "audio" => {
                self.seen.lost_sound = self.seen.lost_sound.saturating_add(lost.unwrap_or(0));
                self.seen.holes.add(span, self.frame, what);
            }
            "log" => {
                self.explained = true;
                self.seen.lost_inputs = self.seen.lost_inputs.saturating_add(lost.unwrap_or(1));
                self.seen.losses.add(span, self.frame, what);
            }
            _ => {}
        }
        // The clock loses no times: what slept or was set is in the metadata.
        if stream != "clock" {
            self.seen.longest_gap_ns = self.seen.longest_gap_ns.max(lasts);
            if seconds(lasts) > self.limits.gap_s {
                self.seen.gaps.add(span, self.frame, what);
            }
        }
    }

    fn finish(mut self) -> Seen {
        let Some((_, last)) = self.seen.span_ns else { return self.seen };
        self.quiet_until(last);
        for press in self.down.take_all() {
            self.held(&press, last);
            let Press { t_ns, frame, label, kind } = press;
            if kind == PressKind::Key {
                self.seen.unbalanced.add((t_ns, last), frame, || format!("{label}: pressed and never released"));
            }
        }
        self.seen.pads = self.pads.len() as u64;
        for (pad, (t_ns, _)) in self.pads.iter().filter(|(_, (_, heard))| !heard) {
            self.seen.silent_pads.add((*t_ns, last), None, || format!("pad {pad}: nothing was heard of it"));
        }
        if let Some(since) = self.paused_since.take() {
            self.pause(since, last);
        }
        for found in [&mut self.seen.stuck, &mut self.seen.unbalanced, &mut self.seen.gaps] {
            found.kept.sort_by_key(|finding| finding.from_ns);
        }
        self.seen
    }
}
