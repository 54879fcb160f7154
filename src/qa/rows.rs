//! The pass over the rows: what they say by themselves, and what the pictures are held against.
//!
//! Memory follows the frames (16 bytes each) and the seconds, never the rows.

use std::collections::BTreeMap;

use super::{Found, Limits, QaError, Stage};
use crate::session::reader::SessionReader;
use crate::session::row::{OwnedRow, event_type, key};

/// Rows between two reports of progress: about 10 ms of work.
const PROGRESS_ROWS: u64 = 16_384;
/// Stretches without input that are kept to be held against the pictures: one a second for a day.
const MAX_STRETCHES: usize = 86_400;
/// A position this far outside is on the edge: the last pixel of a surface of 1000, and what conversion to 32 bits makes of it.
const EDGE: f32 = 0.001;

/// A frame, by its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FrameSeen {
    pub(super) t_ns: i64,
    pub(super) duplicate: bool,
}

/// What the rows said.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) rows: u64,
    pub(super) span_ns: Option<(i64, i64)>,
    pub(super) frames: Vec<FrameSeen>,
    /// Frames that are missing, by the gap rows.
    pub(super) dropped: u64,
    pub(super) drops: Found,
    pub(super) longest_gap_ns: i64,
    pub(super) gaps: Found,
    pub(super) lost_inputs: u64,
    pub(super) losses: Found,
    pub(super) longest_held_ns: i64,
    pub(super) stuck: Found,
    pub(super) unbalanced: Found,
    pub(super) positions: u64,
    pub(super) outside: u64,
    pub(super) strays: Found,
    /// Times without any input, longer than the limit, pauses left out.
    pub(super) quiet: Vec<(i64, i64)>,
    /// Presses of keys and buttons and turns of wheels, by second from the first row.
    presses: BTreeMap<i64, u32>,
    /// Spans in which recording was paused.
    pub(super) pauses: Vec<(i64, i64)>,
}

impl Seen {
    /// Presses between two instants, to the second.
    pub(super) fn presses(&self, from_ns: i64, until_ns: i64) -> u64 {
        let start = self.span_ns.map_or(0, |span| span.0);
        let second = |t_ns: i64| (t_ns - start).div_euclid(1_000_000_000);
        self.presses.range(second(from_ns)..=second(until_ns)).map(|(_, count)| u64::from(*count)).sum()
    }

    /// Whether recording was paused at any time between two instants.
    pub(super) fn paused(&self, from_ns: i64, until_ns: i64) -> bool {
        self.pauses.iter().any(|(from, until)| *from < until_ns && *until > from_ns)
    }

    /// Frames per second without pauses.
    pub(super) fn fps(&self) -> Option<f64> {
        let (first, last) = (self.frames.first()?.t_ns, self.frames.last()?.t_ns);
        let inside = |(from, until): &(i64, i64)| (*until.min(&last) - *from.max(&first)).max(0);
        let paused: i64 = self.pauses.iter().map(inside).sum();
        let running = last - first - paused;
        (self.frames.len() > 1 && running > 0).then(|| (self.frames.len() - 1) as f64 / (running as f64 / 1e9))
    }
}

/// What tells keys and buttons apart: kind, code, native code or name.
type Name = (&'static str, Option<i32>, String);

/// The state of the pass.
struct Pass<'a> {
    seen: Seen,
    limits: &'a Limits,
    /// What is down, since when, and the frame then.
    down: BTreeMap<Name, (i64, Option<u64>, String)>,
    /// Keys that are down and whose code was withheld, oldest first.
    redacted: Vec<(i64, Option<u64>)>,
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

/// Reads all rows of a session.
pub(super) fn read(
    session: &SessionReader,
    limits: &Limits,
    progress: &mut dyn FnMut(Stage, u64, u64),
) -> Result<Seen, QaError> {
    let events = session.events();
    let mut pass = Pass {
        seen: Seen::default(),
        limits,
        down: BTreeMap::new(),
        redacted: Vec::new(),
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
        if pass.seen.rows.is_multiple_of(PROGRESS_ROWS) {
            progress(Stage::Rows, pass.seen.rows, events.len());
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
            event_type::FRAME => self.frame(row),
            event_type::GAP => self.gap(row),
            event_type::PAUSE => {
                self.quiet_until(row.t_ns);
                self.paused_since.get_or_insert(row.t_ns);
            }
            event_type::RESUME => {
                if let Some(since) = self.paused_since.take() {
                    self.seen.pauses.push((since, row.t_ns));
                }
                self.last_input_ns = Some(row.t_ns);
                self.explained = true;
            }
            _ => {}
        }
    }

    /// Ends a stretch without input.
    fn quiet_until(&mut self, t_ns: i64) {
        if let Some(last) = self.last_input_ns
            && seconds(t_ns - last) > self.limits.idle_s.min(1.0)
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
        let pressed = match row.event_type.as_str() {
            event_type::KEY_DOWN => row.repeat != Some(true),
            event_type::MOUSE_CLICK => row.pressed == Some(true),
            event_type::WHEEL => true,
            _ => false,
        };
        if pressed && row.metadata.get(key::HELD).is_none() {
            *self.seen.presses.entry((row.t_ns - first_ns) / 1_000_000_000).or_default() += 1;
        }
        match row.event_type.as_str() {
            event_type::KEY_DOWN | event_type::KEY_UP if row.metadata.get(key::REDACTED).is_some() => {
                if pressed {
                    self.redacted.push((row.t_ns, self.frame));
                } else if row.event_type == event_type::KEY_UP {
                    if self.redacted.is_empty() {
                        self.alone(row, "a redacted key", "released and not pressed before");
                    } else {
                        let (since, frame) = self.redacted.remove(0);
                        self.held(since, row.t_ns, frame, "a redacted key");
                    }
                }
            }
            event_type::KEY_DOWN | event_type::KEY_UP => {
                let native = row.metadata.get(key::NATIVE).unwrap_or_default().to_owned();
                let label = row.key_label();
                // A repeat of a key that is down is no press; one of a key that is not is.
                let name = ("key", row.key_code, native);
                let repeats = row.repeat == Some(true) && self.down.contains_key(&name);
                if !repeats {
                    self.change(row, name, label, row.event_type == event_type::KEY_DOWN);
                }
            }
            event_type::MOUSE_CLICK => {
                // Whether it went down or up some recorders do not tell: nothing follows from that.
                let Some(down) = row.pressed else { return };
                let button = row.mouse_button.clone().unwrap_or_default();
                let label = format!("{button} button");
                self.change(row, ("button", None, button), label, down);
            }
            _ => {}
        }
    }

    /// A key or a button went down or up.
    fn change(&mut self, row: &OwnedRow, name: Name, label: String, down: bool) {
        if down {
            if self.down.contains_key(&name) {
                self.alone(row, &label, "pressed twice without a release");
            }
            self.down.insert(name, (row.t_ns, self.frame, label));
        } else {
            match self.down.remove(&name) {
                Some((since, frame, label)) => self.held(since, row.t_ns, frame, &label),
                None => self.alone(row, &label, "released and not pressed before"),
            }
        }
    }

    fn alone(&mut self, row: &OwnedRow, label: &str, what: &str) {
        self.seen.unbalanced.add((row.t_ns, row.t_ns), self.frame, || format!("{label}: {what}"));
    }

    fn held(&mut self, since_ns: i64, until_ns: i64, frame: Option<u64>, label: &str) {
        let held = until_ns - since_ns;
        self.seen.longest_held_ns = self.seen.longest_held_ns.max(held);
        if seconds(held) > self.limits.held_s {
            let what = || format!("{label} is down for {:.1} s", seconds(held));
            self.seen.stuck.add((since_ns, until_ns), frame, what);
        }
    }

    fn frame(&mut self, row: &OwnedRow) {
        let duplicate = row.metadata.get(key::DUP).is_some();
        if let Some(last) = self.seen.frames.last() {
            let waited = row.t_ns - last.t_ns;
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
        self.seen.frames.push(FrameSeen { t_ns: row.t_ns, duplicate });
    }

    fn gap(&mut self, row: &OwnedRow) {
        let get = |key: &str| row.metadata.get(key);
        let until_ns = get(key::UNTIL_NS).and_then(|text| text.parse().ok()).unwrap_or(row.t_ns).max(row.t_ns);
        let lost: Option<u64> = get(key::LOST).and_then(|text| text.parse().ok());
        let stream = get(key::STREAM).unwrap_or_default();
        let reason = get(key::REASON).unwrap_or_default();
        let span = (row.t_ns, until_ns);
        let lasts = until_ns - row.t_ns;
        let what = || {
            let lost = lost.map_or_else(|| "an unknown number".to_owned(), |lost| lost.to_string());
            format!("{stream}: {reason}, {lost} lost, {:.3} s", seconds(lasts))
        };
        match stream {
            "screen" => {
                self.explained = true;
                self.seen.dropped += lost.unwrap_or(0);
                self.seen.drops.add(span, self.frame, what);
            }
            "input" => {
                // At least one, when nobody knows how many.
                self.seen.lost_inputs += lost.unwrap_or(1);
                self.seen.losses.add(span, self.frame, what);
            }
            "log" => {
                self.explained = true;
                self.seen.lost_inputs += lost.unwrap_or(1);
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
        for (_, (since, frame, label)) in std::mem::take(&mut self.down) {
            self.held(since, last, frame, &label);
            self.seen.unbalanced.add((since, last), frame, || format!("{label}: pressed and never released"));
        }
        for (since, frame) in std::mem::take(&mut self.redacted) {
            self.held(since, last, frame, "a redacted key");
            let what = || "a redacted key: pressed and never released".to_owned();
            self.seen.unbalanced.add((since, last), frame, what);
        }
        if let Some(since) = self.paused_since.take() {
            self.seen.pauses.push((since, last));
        }
        for found in [&mut self.seen.stuck, &mut self.seen.unbalanced, &mut self.seen.gaps] {
            found.kept.sort_by_key(|finding| finding.from_ns);
        }
        self.seen
    }
}
