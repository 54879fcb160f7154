//! A sealed session as the player sees it: [`Timeline`] over the table, [`Pictures`] over the video.
//!
//! Rows are read on demand, a row group at a time; the last two groups that were needed stay in memory. A second thread reads
//! the table once and keeps, per row group, how many rows of each lane it holds and what was held at its beginning, so that any
//! instant costs one group; until it has come by, answers say that they are incomplete.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use watchcap_replay::{
    Button, Click, Density, Direction, Fact, Facts, Filter, Found, FrameInfo, HeldKey, InputState, Lane, Mask, Overlay,
    Picture, Pictures, Row, Rows, Section, Span, SpanKind, Spans, Summary, Timeline, Tone,
};

use super::frames::{FrameError, FrameReader};
use super::layout;
use super::reader::{EventsReader, ReadError, SessionReader};
use super::row::{OwnedRow, event_type, key};
use crate::hid;

/// Buckets of the density over the whole session: finer than any terminal is wide (9 lanes x 4 bytes x 4096 = 147 kB).
const BUCKETS: usize = 4096;
/// Row groups that stay in memory: the one under the cursor and its neighbour, 131,072 rows of about 250 bytes each.
const GROUPS_KEPT: usize = 2;
/// Presses that are drawn over a picture.
const CLICKS: usize = 16;

/// Why a session cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// Its table or metadata cannot be read.
    #[error(transparent)]
    Session(#[from] ReadError),
    /// Its video cannot be read.
    #[error(transparent)]
    Frames(#[from] FrameError),
}

impl TimelineError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Session(error) => error.hint(),
            Self::Frames(error) => error.hint(),
        }
    }
}

/// The lane of a row.
fn lane(kind: &str) -> Lane {
    match kind {
        event_type::KEY_DOWN | event_type::KEY_UP => Lane::Key,
        event_type::MOUSE_MOVE => Lane::Motion,
        event_type::MOUSE_CLICK => Lane::Click,
        event_type::WHEEL => Lane::Wheel,
        event_type::FOCUS => Lane::Focus,
        event_type::FRAME => Lane::Frame,
        event_type::GAP => Lane::Gap,
        event_type::MARK => Lane::Mark,
        _ => Lane::System,
    }
}

/// A key's name: its W3C code, else its native number.
fn key_name(row: &OwnedRow) -> HeldKey {
    if row.metadata.get(key::REDACTED).is_some() {
        return HeldKey::Redacted;
    }
    let code = row.metadata.get(key::CODE).map(str::to_owned);
    let usage = row.key_code.and_then(|code| u16::try_from(code).ok()).map(crate::event::HidUsage);
    let known = code.or_else(|| usage.and_then(hid::code_of_usage).map(str::to_owned));
    HeldKey::Code(known.unwrap_or_else(|| match row.metadata.get(key::NATIVE) {
        Some(native) => format!("native {native}"),
        None => "unknown".into(),
    }))
}

fn button(name: &str) -> Option<Button> {
    Some(match name {
        "left" => Button::Left,
        "right" => Button::Right,
        "middle" => Button::Middle,
        "x1" => Button::X1,
        "x2" => Button::X2,
        _ => return None,
    })
}

/// What is held and active, row by row.
#[derive(Clone, Default)]
struct Replayed {
    state: InputState,
    /// Until when a gap or a redacted span lasts, and what it says.
    spans: Vec<(i64, String)>,
    paused: bool,
}

impl Replayed {
    fn apply(&mut self, row: &OwnedRow) {
        let state = &mut self.state;
        match row.event_type.as_str() {
            event_type::KEY_DOWN => {
                let name = key_name(row);
                if !state.keys.contains(&name) {
                    state.keys.push(name);
                }
            }
            event_type::KEY_UP => {
                let name = key_name(row);
                if let Some(at) = state.keys.iter().position(|held| *held == name) {
                    state.keys.remove(at);
                }
            }
            event_type::MOUSE_CLICK => {
                if let Some(which) = row.mouse_button.as_deref().and_then(button) {
                    state.buttons.retain(|held| *held != which);
                    if row.pressed == Some(true) {
                        state.buttons.push(which);
                    }
                }
            }
            event_type::FOCUS => row.metadata.get(key::TITLE).unwrap_or_default().clone_into(&mut state.window),
            event_type::PAUSE => self.paused = true,
            event_type::RESUME => self.paused = false,
            event_type::GAP | event_type::REDACT => {
                let until = row.metadata.get(key::UNTIL_NS).and_then(|t| t.parse().ok()).unwrap_or(row.t_ns);
                self.spans.push((until, format!("{}: {}", row.event_type, describe(row))));
            }
            _ => {}
        }
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            state.pointer = Some((x, y));
        }
    }

    fn at(mut self, t_ns: i64) -> InputState {
        self.state.notes = self.spans.into_iter().filter(|(until, _)| *until >= t_ns).map(|(_, text)| text).collect();
        if self.paused {
            self.state.notes.push("paused".into());
        }
        self.state
    }
}

/// What happened, in a few words.
fn describe(row: &OwnedRow) -> String {
    let get = |key: &str| row.metadata.get(key).unwrap_or_default();
    let place = || match (row.mouse_x, row.mouse_y) {
        (Some(x), Some(y)) => format!("{:.1} % {:.1} %", x * 100.0, y * 100.0),
        _ => String::new(),
    };
    match row.event_type.as_str() {
        event_type::KEY_DOWN | event_type::KEY_UP => {
            let mut text = match key_name(row) {
                HeldKey::Code(code) => code,
                HeldKey::Redacted => "redacted".into(),
            };
            text.push_str(if row.event_type == event_type::KEY_DOWN { " down" } else { " up" });
            for (flag, word) in
                [(row.repeat == Some(true), " repeat"), (row.metadata.get(key::HELD).is_some(), " held")]
            {
                if flag {
                    text.push_str(word);
                }
            }
            text
        }
        event_type::MOUSE_MOVE => match (row.mouse_dx, row.mouse_dy) {
            (Some(dx), Some(dy)) => format!("{} by {dx}, {dy}", place()),
            _ => place(),
        },
        event_type::MOUSE_CLICK => {
            let what = if row.pressed == Some(true) { "pressed" } else { "released" };
            format!("{} {what} at {}", row.mouse_button.as_deref().unwrap_or("a button"), place())
        }
        event_type::WHEEL => {
            let delta = row.delta.unwrap_or(0.0);
            let which = match (get(key::AXIS) == "horizontal", delta < 0.0) {
                (false, false) => "up",
                (false, true) => "down",
                (true, false) => "right",
                (true, true) => "left",
            };
            format!("{which} {}", delta.abs())
        }
        event_type::FOCUS => format!("{}: {}", get(key::APP), get(key::TITLE)),
        event_type::FRAME => {
            let kind = match (row.is_keyframe == Some(true), get(key::DUP) == "1") {
                (true, _) => "keyframe ",
                (false, true) => "duplicate ",
                (false, false) => "",
            };
            format!("{} {kind}{} bytes", row.frame_ref.unwrap_or(0), get(key::BYTES))
        }
        event_type::MARK => get(key::TEXT).to_owned(),
        event_type::GAP => format!("{} {} lost {}", get(key::STREAM), get(key::REASON), get(key::LOST)),
        event_type::WINDOW => format!("{}x{} at {},{}", get(key::WIDTH), get(key::HEIGHT), get(key::X), get(key::Y)),
        event_type::REDACT => format!("{} {}", get(key::WHAT), get(key::REASON)),
        _ => String::new(),
    }
}

/// A row as a filter sees it.
struct RowFacts<'a> {
    row: &'a OwnedRow,
    /// The title of the window that is active at it, where known.
    window: Option<&'a str>,
}

impl Facts for RowFacts<'_> {
    fn lane(&self) -> Lane {
        lane(&self.row.event_type)
    }

    fn kind(&self) -> &str {
        &self.row.event_type
    }

    fn key(&self) -> Option<Cow<'_, str>> {
        match (self.lane(), key_name(self.row)) {
            (Lane::Key, HeldKey::Code(code)) => Some(Cow::Owned(code)),
            _ => None,
        }
    }

    fn window(&self) -> Option<Cow<'_, str>> {
        self.window.map(Cow::Borrowed)
    }

    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(describe(self.row))
    }
}

/// The rows that match a filter, with their places; `window` is the active one before the first.
fn matching<'a>(
    rows: &'a [OwnedRow],
    mut window: Option<&'a str>,
    filter: &'a Filter,
) -> impl Iterator<Item = (usize, &'a OwnedRow)> {
    rows.iter().enumerate().filter(move |(_, row)| {
        if row.event_type == event_type::FOCUS {
            window = row.metadata.get(key::TITLE);
        }
        filter.matches(&RowFacts { row, window })
    })
}

/// What is the matter since or at a row, until when.
fn span(row: &OwnedRow) -> Option<(SpanKind, i64)> {
    let until = || row.metadata.get(key::UNTIL_NS).and_then(|t| t.parse().ok()).unwrap_or(row.t_ns).max(row.t_ns);
    match row.event_type.as_str() {
        event_type::GAP if row.metadata.get(key::STREAM) == Some("screen") => Some((SpanKind::Dropped, until())),
        event_type::GAP => Some((SpanKind::Gap, until())),
        event_type::REDACT => Some((SpanKind::Redacted, until())),
        _ => None,
    }
}

/// What the second thread has found so far.
#[derive(Default)]
struct Index {
    /// Per row group read: rows of each lane, and what was held at its beginning.
    groups: Vec<([u32; Lane::ALL.len()], Replayed)>,
    buckets: Vec<[u32; Lane::ALL.len()]>,
    /// Frames that repeat the one before.
    duplicates: Vec<u64>,
    /// In order of their first instant.
    spans: Vec<Span>,
    complete: bool,
}

struct Shared {
    index: Mutex<Index>,
    stop: AtomicBool,
}

/// A sealed session, for the player.
pub struct SessionTimeline {
    reader: SessionReader,
    state: String,
    frames: Vec<(i64, bool)>,
    size: (u32, u32),
    span: (i64, i64),
    kept: RefCell<Vec<(usize, Arc<Vec<OwnedRow>>)>>,
    cursor: RefCell<Option<(usize, usize, Replayed)>>,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Pictures of a sealed session.
pub struct SessionPictures(FrameReader);

impl Pictures for SessionPictures {
    fn picture(&mut self, frame: u64, within: (u32, u32)) -> Result<Picture, String> {
        let index = usize::try_from(frame).unwrap_or(usize::MAX);
        let size = super::picture::fit(self.0.surface(), within);
        let rgb = self.0.rgb_scaled(index, size).map_err(|error| error.to_string())?;
        Ok(Picture { width: rgb.width, height: rgb.height, rgb: rgb.data })
    }

    fn group(&mut self, frame: u64) -> Range<u64> {
        let index = usize::try_from(frame).unwrap_or(usize::MAX);
        let first = self.0.keyframe_before(index).map_or(frame, |first| first as u64);
        let mut end = frame.saturating_add(1);
        while self.0.is_keyframe(usize::try_from(end).unwrap_or(usize::MAX)) == Some(false) {
            end += 1;
        }
        first..end
    }
}

/// Opens a sealed session for the player.
///
/// # Errors
/// [`TimelineError`] when one of its files is missing or not what it should be.
pub fn open(dir: &Path) -> Result<(SessionTimeline, SessionPictures), TimelineError> {
    let reader = SessionReader::open(dir)?;
    let video = FrameReader::open(&layout::frames_path(dir))?;
    let groups = reader.events().groups();
    let first = groups.iter().filter_map(|g| g.span_ns).map(|(first, _)| first).min();
    let last = groups.iter().filter_map(|g| g.span_ns).map(|(_, last)| last).max();
    let start = first.unwrap_or(reader.metadata().clock.t0_ns);
    let span = (start, last.unwrap_or(start).max(start));
    let t0 = first_frame(&reader)?.unwrap_or(start);
    let samples = &video.index().samples;
    let frames = samples.iter().map(|s| (t0.saturating_add(s.pts_us.saturating_mul(1000)), s.keyframe)).collect();
    let size = video.surface();
    let shared = Arc::new(Shared { index: Mutex::default(), stop: AtomicBool::new(false) });
    let thread = std::thread::Builder::new()
        .name("index".into())
        .spawn({
            let (shared, path) = (Arc::clone(&shared), layout::events_path(dir));
            move || read_all(&path, span, &shared)
        })
        .ok();
    let sealed = layout::integrity_path(dir).is_file();
    let state = match (sealed, reader.metadata().recovered) {
        (false, _) => "not sealed",
        (true, true) => "sealed, recovered",
        (true, false) => "sealed",
    };
    let timeline = SessionTimeline {
        reader,
        state: state.into(),
        frames,
        size,
        span,
        kept: RefCell::default(),
        cursor: RefCell::default(),
        shared,
        thread,
    };
    Ok((timeline, SessionPictures(video)))
}

/// The time of frame 0, from its row; every other frame's follows from the video's index to half a microsecond.
fn first_frame(reader: &SessionReader) -> Result<Option<i64>, ReadError> {
    let mut row = OwnedRow::default();
    let mut rows = reader.events().rows();
    while rows.next_into(&mut row)? {
        if row.event_type == event_type::FRAME {
            return Ok(Some(row.t_ns));
        }
    }
    Ok(None)
}

fn read_all(path: &Path, span: (i64, i64), shared: &Shared) {
    let Ok(events) = EventsReader::open(path) else { return };
    let mut state = Replayed::default();
    let mut paused = None;
    let mut buckets = vec![[0u32; Lane::ALL.len()]; BUCKETS];
    let width = (span.1 - span.0).max(1) as f64;
    let mut row = OwnedRow::default();
    for (number, group) in events.groups().iter().enumerate() {
        let at_start = state.clone();
        let mut lanes = [0u32; Lane::ALL.len()];
        let mut duplicates = Vec::new();
        let mut spans = Vec::new();
        let mut rows = events.rows_of_group(number);
        for _ in 0..group.rows {
            if shared.stop.load(Ordering::Relaxed) || !rows.next_into(&mut row).unwrap_or(false) {
                return;
            }
            let lane = lane(&row.event_type).index();
            lanes[lane] += 1;
            let place = ((row.t_ns - span.0) as f64 / width * BUCKETS as f64) as usize;
            buckets[place.min(BUCKETS - 1)][lane] += 1;
            if row.metadata.get(key::DUP).is_some() {
                duplicates.extend(row.frame_ref.and_then(|n| u64::try_from(n).ok()));
            }
            spans.extend(self::span(&row).map(|(kind, until_ns)| Span { kind, from_ns: row.t_ns, until_ns }));
            match (row.event_type.as_str(), paused) {
                (event_type::PAUSE, None) => paused = Some(row.t_ns),
                (event_type::RESUME, Some(from_ns)) => {
                    spans.push(Span { kind: SpanKind::Paused, from_ns, until_ns: row.t_ns });
                    paused = None;
                }
                _ => {}
            }
            state.apply(&row);
        }
        if let Some(from_ns) = paused.filter(|_| number + 1 == events.groups().len()) {
            spans.push(Span { kind: SpanKind::Paused, from_ns, until_ns: span.1 });
        }
        state.spans.retain(|(until, _)| *until >= row.t_ns);
        let mut index = shared.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.groups.push((lanes, at_start));
        index.duplicates.extend(duplicates);
        index.spans.extend(spans);
        index.spans.sort_by_key(|span| span.from_ns);
        index.buckets.clone_from(&buckets);
    }
    shared.index.lock().unwrap_or_else(PoisonError::into_inner).complete = true;
}

impl Drop for SessionTimeline {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that reads the table panicked");
        }
    }
}

impl SessionTimeline {
    fn index<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.shared.index.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The row group in which an instant lies: the last that begins at or before it.
    fn group_at(&self, t_ns: i64) -> usize {
        let groups = self.reader.events().groups();
        groups.partition_point(|g| g.span_ns.is_none_or(|(first, _)| first <= t_ns)).saturating_sub(1)
    }

    /// The rows of a group.
    fn group(&self, number: usize) -> Result<Arc<Vec<OwnedRow>>, String> {
        let mut kept = self.kept.borrow_mut();
        if let Some(at) = kept.iter().position(|(n, _)| *n == number) {
            let found = kept.remove(at);
            let rows = Arc::clone(&found.1);
            kept.push(found);
            return Ok(rows);
        }
        let events = self.reader.events();
        let count = events.groups().get(number).map_or(0, |g| g.rows);
        let mut rows = events.rows_of_group(number);
        let mut out = Vec::new();
        for _ in 0..count {
            let mut row = OwnedRow::default();
            if !rows.next_into(&mut row).map_err(|error| error.to_string())? {
                break;
            }
            out.push(row);
        }
        let out = Arc::new(out);
        if kept.len() >= GROUPS_KEPT {
            kept.remove(0);
        }
        kept.push((number, Arc::clone(&out)));
        Ok(out)
    }

    /// Whether a group may hold a row that a filter matches; unknown counts as yes.
    fn may_hold(&self, group: usize, filter: &Filter) -> bool {
        self.index(|index| {
            index.groups.get(group).is_none_or(|(counts, _)| {
                Lane::ALL.into_iter().any(|lane| filter.may_match(lane) && counts[lane.index()] > 0)
            })
        })
    }

    /// The window that is active at the beginning of a group, where known.
    fn window_before(&self, group: usize) -> Option<String> {
        self.index(|index| index.groups.get(group).map(|(_, state)| state.state.window.clone()))
    }
}

fn shown(row: &OwnedRow) -> Row {
    Row {
        t_ns: row.t_ns,
        lane: lane(&row.event_type),
        kind: row.event_type.clone(),
        text: describe(row),
        frame_ref: row.frame_ref.and_then(|n| u64::try_from(n).ok()),
    }
}

impl Timeline for SessionTimeline {
    fn refresh(&self) -> u64 {
        0
    }

    fn summary(&self) -> Summary {
        let metadata = self.reader.metadata();
        let dir = self.reader.dir();
        let anchor = metadata.clock.anchors.first();
        let optional = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        let consent = &metadata.consent;
        let agreed =
            [("screen", consent.record_screen), ("input", consent.record_input), ("audio", consent.record_audio)];
        let agreed: Vec<_> = agreed.iter().filter(|(_, yes)| *yes == Some(true)).map(|(name, _)| *name).collect();
        let fact = |section, name: &str, value: String| Fact { section, name: name.into(), value, tone: Tone::Plain };
        let facts = vec![
            fact(Section::Recording, "captured", metadata.captured_at.clone()),
            fact(Section::Recording, "game", optional(&metadata.game)),
            fact(Section::Recording, "target", optional(&metadata.target)),
            fact(Section::Recording, "ended by", optional(&metadata.end_reason)),
            fact(Section::Recording, "dropped", metadata.dropped_frames.map_or("not known".into(), |n| n.to_string())),
            fact(Section::Recording, "duplicates", metadata.duplicate_frames.to_string()),
            fact(Section::Recording, "input", optional(&metadata.input_device)),
            fact(Section::Recording, "codec", optional(&metadata.codec)),
            fact(Section::Consent, "agreed", format!("{} ({})", agreed.join(", "), consent.how)),
        ];
        Summary {
            title: dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            path: dir.display().to_string(),
            state: self.state.clone(),
            live: false,
            start_ns: self.span.0,
            end_ns: self.span.1,
            start_utc_ns: anchor.map(|a| a.realtime_ns + (self.span.0 - a.monotonic_ns)),
            width: self.size.0,
            height: self.size.1,
            frames: self.frames.len() as u64,
            drift_ppm: metadata.clock_drift_ppm,
            facts,
        }
    }

    fn frame_at(&self, t_ns: i64) -> Option<u64> {
        self.frames.partition_point(|(t, _)| *t <= t_ns).checked_sub(1).map(|n| n as u64)
    }

    fn frame(&self, index: u64) -> Option<FrameInfo> {
        let (t_ns, keyframe) = *self.frames.get(usize::try_from(index).ok()?)?;
        let duplicate = self.index(|known| known.duplicates.binary_search(&index).is_ok());
        Some(FrameInfo { t_ns, keyframe, duplicate })
    }

    fn rows(&self, t_ns: i64, before: usize, after: usize, filter: &Filter) -> Result<Rows, String> {
        let here = self.group_at(t_ns);
        let total = self.reader.events().groups().len();
        let mut out = Rows { rows: Vec::new(), from_ns: i64::MIN, until_ns: i64::MAX };
        if total == 0 {
            return Ok(out);
        }
        // Back from the instant, then forward; one neighbouring group each way at the most.
        let mut earlier = Vec::new();
        for number in (here.saturating_sub(1)..=here).rev() {
            let rows = self.group(number)?;
            let end = rows.partition_point(|row| row.t_ns <= t_ns);
            let window = self.window_before(number);
            let wanted: Vec<_> = matching(&rows[..end], window.as_deref(), filter).map(|(_, row)| row).collect();
            earlier.extend(wanted.into_iter().rev().take(before + 1 - earlier.len().min(before)).map(shown));
            if earlier.len() > before || number == 0 {
                break;
            }
            out.from_ns = rows.first().map_or(i64::MIN, |row| row.t_ns.saturating_add(1));
        }
        if earlier.len() > before {
            // The oldest shows from where on the answer is whole: its own instant may have more rows before it.
            out.from_ns = earlier.last().map_or(i64::MIN, |row| row.t_ns.saturating_add(1)).min(t_ns);
        } else if here <= 1 {
            out.from_ns = i64::MIN;
        }
        earlier.reverse();
        out.rows = earlier;
        let mut later = 0;
        let last = (here + 1).min(total - 1);
        for number in here..=last {
            let rows = self.group(number)?;
            let begin = rows.partition_point(|row| row.t_ns <= t_ns);
            let window = self.window_before(number);
            for (_, row) in matching(&rows, window.as_deref(), filter).skip_while(|(at, _)| *at < begin) {
                if later > after {
                    break;
                }
                out.rows.push(shown(row));
                later += 1;
            }
            out.until_ns = rows.last().map_or(t_ns, |row| row.t_ns.saturating_sub(1)).max(t_ns);
            if later > after {
                break;
            }
        }
        if later > after {
            out.until_ns = out.rows.last().map_or(t_ns, |row| row.t_ns.saturating_sub(1)).max(t_ns);
        } else if last + 1 >= total {
            out.until_ns = i64::MAX;
        }
        Ok(out)
    }

    fn nearest(&self, t_ns: i64, direction: Direction, filter: &Filter) -> Result<Found, String> {
        let total = self.reader.events().groups().len();
        let here = self.group_at(t_ns);
        // One group is read, and another only where they share an instant; what cannot match is passed over without reading.
        let groups = self.reader.events().groups();
        let span = |number: usize| groups.get(number).and_then(|group| group.span_ns);
        match direction {
            Direction::Forward => {
                let further = |n: &usize| span(*n).is_none_or(|(_, last)| last > t_ns) && self.may_hold(*n, filter);
                let mut candidates = (here..total).filter(further).peekable();
                while let Some(number) = candidates.next() {
                    let rows = self.group(number)?;
                    let window = self.window_before(number);
                    if let Some((_, row)) = matching(&rows, window.as_deref(), filter).find(|(_, row)| row.t_ns > t_ns)
                    {
                        return Ok(Found::At(row.t_ns));
                    }
                    let next = candidates.peek().and_then(|n| span(*n)).map(|(first, _)| first.saturating_sub(1));
                    if let Some(up_to) = next.filter(|up_to| *up_to > t_ns) {
                        return Ok(Found::UpTo(up_to));
                    }
                }
            }
            Direction::Back => {
                let further = |n: &usize| span(*n).is_none_or(|(first, _)| first < t_ns) && self.may_hold(*n, filter);
                let mut candidates = (0..total.min(here + 1)).rev().filter(further).peekable();
                while let Some(number) = candidates.next() {
                    let rows = self.group(number)?;
                    let window = self.window_before(number);
                    let before = matching(&rows, window.as_deref(), filter).take_while(|(_, row)| row.t_ns < t_ns);
                    if let Some((_, row)) = before.last() {
                        return Ok(Found::At(row.t_ns));
                    }
                    let next = candidates.peek().and_then(|n| span(*n)).map(|(_, last)| last.saturating_add(1));
                    if let Some(up_to) = next.filter(|up_to| *up_to < t_ns) {
                        return Ok(Found::UpTo(up_to));
                    }
                }
            }
        }
        Ok(Found::Nothing)
    }

    fn state_at(&self, t_ns: i64) -> Result<InputState, String> {
        let group = self.group_at(t_ns);
        let known = self.index(|index| index.groups.get(group).map(|(_, state)| state.clone()));
        let rows = self.group(group)?;
        let end = rows.partition_point(|row| row.t_ns <= t_ns);
        let whole = group == 0 || known.is_some();
        let mut cursor = self.cursor.borrow_mut();
        // Moving forward in the same group goes on from where the last answer was.
        let (from, mut state) = match cursor.take() {
            Some((g, at, state)) if g == group && at <= end && whole => (at, state),
            _ => (0, known.unwrap_or_default()),
        };
        for row in &rows[from..end] {
            state.apply(row);
        }
        state.spans.retain(|(until, _)| *until >= t_ns);
        let mut answer = state.clone().at(t_ns);
        if whole {
            *cursor = Some((group, end, state));
        } else {
            answer.notes.push("still reading the session".into());
        }
        Ok(answer)
    }

    fn overlay(&self, since_ns: i64, t_ns: i64) -> Result<Overlay, String> {
        let (width, height) = (self.size.0.max(1) as f32, self.size.1.max(1) as f32);
        let regions = &self.reader.metadata().privacy.pii_regions;
        let masks = regions.iter().map(|region| Mask {
            x: region.x as f32 / width,
            y: region.y as f32 / height,
            width: region.width as f32 / width,
            height: region.height as f32 / height,
            from_ns: self.span.0,
            until_ns: self.span.1,
            reason: region.source.clone(),
        });
        let mut clicks = Vec::new();
        for number in self.group_at(since_ns)..=self.group_at(t_ns) {
            let rows = self.group(number)?;
            let range = rows.partition_point(|row| row.t_ns <= since_ns)..rows.partition_point(|row| row.t_ns <= t_ns);
            let pressed = rows[range].iter().filter(|row| row.event_type == event_type::MOUSE_CLICK);
            for row in pressed.filter(|row| row.pressed == Some(true)) {
                let which = row.mouse_button.as_deref().and_then(button);
                if let (Some(button), Some(x), Some(y)) = (which, row.mouse_x, row.mouse_y) {
                    clicks.push(Click { t_ns: row.t_ns, button, x, y });
                }
            }
        }
        clicks.drain(..clicks.len().saturating_sub(CLICKS));
        Ok(Overlay { masks: masks.collect(), clicks })
    }

    fn density(&self, from_ns: i64, until_ns: i64, buckets: usize) -> Result<Density, String> {
        let buckets = buckets.max(1);
        let width = (self.span.1 - self.span.0).max(1) as f64;
        let part = (until_ns - from_ns).max(1) as f64 / buckets as f64;
        let place = |t: f64| ((t - self.span.0 as f64) / width * BUCKETS as f64).clamp(0.0, BUCKETS as f64);
        Ok(self.index(|index| {
            let counts = (0..buckets)
                .map(|n| {
                    let begin = place(from_ns as f64 + part * n as f64) as usize;
                    let end = (place(from_ns as f64 + part * (n + 1) as f64).ceil() as usize).max(begin + 1);
                    let mut sum = [0u32; Lane::ALL.len()];
                    for bucket in index.buckets.iter().take(end).skip(begin) {
                        for (sum, count) in sum.iter_mut().zip(bucket) {
                            *sum = sum.saturating_add(*count);
                        }
                    }
                    sum
                })
                .collect();
            // Frames are few enough to be counted one by one.
            let frame_place = |t: i64| (((t - from_ns) as f64 / part) as usize).min(buckets - 1);
            let mut duplicates = vec![0u32; buckets];
            let times = index.duplicates.iter().filter_map(|n| self.frames.get(usize::try_from(*n).ok()?));
            for (t_ns, _) in times.filter(|(t, _)| (from_ns..=until_ns).contains(t)) {
                duplicates[frame_place(*t_ns)] += 1;
            }
            Density { counts, duplicates, complete: index.complete }
        }))
    }

    fn spans(&self, from_ns: i64, until_ns: i64, at_most: usize) -> Result<Spans, String> {
        Ok(self.index(|index| {
            let mut spans: Vec<Span> = Vec::new();
            let touching = index.spans.iter().filter(|span| span.from_ns <= until_ns && span.until_ns >= from_ns);
            let many = touching.clone().count() > at_most;
            let near = if many { (until_ns - from_ns) / at_most.max(1) as i64 } else { 0 };
            for span in touching {
                match spans.iter_mut().rev().find(|last| last.kind == span.kind) {
                    Some(last) if many && span.from_ns.saturating_sub(last.until_ns) <= near => {
                        last.until_ns = last.until_ns.max(span.until_ns);
                    }
                    _ => spans.push(span.clone()),
                }
            }
            Spans { spans, complete: index.complete }
        }))
    }
}
