//! What is known of a whole recording without having its rows: how many events there are when, what is the matter with which
//! spans, and what was held at the beginning of each block. Found by a thread of its own, block by block, and read meanwhile.
//!
//! Where a block's kinds can be read without the rest, all blocks are counted first: the lanes are then whole long before the
//! held keys are. Memory follows the number of blocks and spans, never that of rows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use watchcap_replay::{HeldKey, InputState, Lane, Mask, Span, SpanKind};

use super::pads;
use super::reel::Reel;
use super::words::{button, describe, key_name, lane, span};
use crate::base::time::{Clock as _, SystemClock};
use crate::session::table::row::{OwnedRow, event_type, key};

/// Buckets of time at the most: 0.44 s each over 8 h; 65,536 x 40 bytes are 2.6 MB.
const BUCKETS: usize = 65_536;
/// The first width of a bucket, as a power of two of nanoseconds: about a millisecond.
const FIRST_SHIFT: u32 = 20;
/// Between two looks at a recording that grows.
const POLL: Duration = Duration::from_millis(60);
/// Keys, buttons and spans that are held at once at the most: more is not from hands.
const MAX_HELD: usize = 256;
/// Covered areas that are drawn at once at the most: the recorder makes one of more than 64.
const MAX_MASKS: usize = 128;
/// The longest text that a state keeps of a key, a span or an area, bytes: there is a state for every block.
const MAX_WORD_BYTES: usize = 128;
/// Spans of the whole recording that are kept apart, 24 bytes each; beyond, those of a kind that follow one another are one.
const MAX_SPANS: usize = 1 << 18;

/// A text that is not longer than a state keeps.
fn short(mut text: String) -> String {
    if text.len() > MAX_WORD_BYTES {
        text.truncate(text.floor_char_boundary(MAX_WORD_BYTES));
        text.push('…');
    }
    text
}

/// The name of a row's key, not longer than a state keeps.
fn short_name(row: &OwnedRow) -> HeldKey {
    match key_name(row) {
        HeldKey::Code(name) => HeldKey::Code(short(name)),
        HeldKey::Redacted => HeldKey::Redacted,
    }
}

/// What is held and active, row by row.
#[derive(Clone, Default)]
pub(crate) struct Replayed {
    pub(crate) state: InputState,
    /// Until when a gap or a redacted span lasts, and what it says.
    spans: Vec<(i64, Arc<str>)>,
    /// Areas that are covered, until when.
    masks: Vec<Mask>,
    paused_since: Option<i64>,
}

impl Replayed {
    /// Takes the next row.
    pub(crate) fn apply(&mut self, row: &OwnedRow) {
        let state = &mut self.state;
        match row.event_type.as_str() {
            // A repeat without a code is that of a key that is held by its code, or of one of those without.
            event_type::KEY_DOWN if row.repeat == Some(true) && row.metadata.get(key::REDACTED).is_some() => {}
            event_type::KEY_DOWN => {
                let name = short_name(row);
                if !state.keys.contains(&name) && state.keys.len() < MAX_HELD {
                    state.keys.push(name);
                }
            }
            event_type::KEY_UP => {
                let name = short_name(row);
                if let Some(at) = state.keys.iter().position(|held| *held == name) {
                    state.keys.remove(at);
                }
            }
            event_type::MOUSE_CLICK => {
                // Where it is not told whether it went down or up, nothing more is known than before.
                if let (Some(which), Some(down)) = (row.mouse_button.as_deref().and_then(button), row.pressed) {
                    state.buttons.retain(|held| *held != which);
                    if down {
                        state.buttons.push(which);
                    }
                }
            }
            event_type::GAMEPAD_BUTTON
            | event_type::GAMEPAD_AXIS
            | event_type::GAMEPAD_CONNECT
            | event_type::GAMEPAD_DISCONNECT => pads::apply(&mut state.pads, row),
            event_type::FOCUS => row.metadata.get(key::TITLE).unwrap_or_default().clone_into(&mut state.window),
            event_type::PAUSE => {
                // Released before it in a session; a log says it by the pause alone.
                state.keys.clear();
                state.buttons.clear();
                pads::rest(&mut state.pads);
                self.paused_since = self.paused_since.or(Some(row.t_ns));
            }
            event_type::RESUME => self.paused_since = None,
            event_type::GAP | event_type::REDACT => {
                let until = row.until_ns();
                if self.spans.len() >= MAX_HELD {
                    self.spans.retain(|(until, _)| *until >= row.t_ns);
                    self.masks.retain(|mask| mask.until_ns >= row.t_ns);
                }
                if self.spans.len() < MAX_HELD {
                    self.spans.push((until, short(format!("{}: {}", row.event_type, describe(row))).into()));
                }
                if self.masks.len() < MAX_MASKS {
                    self.masks.extend(covered(row, until));
                }
            }
            _ => {}
        }
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            state.pointer = Some((x, y));
        }
    }

    /// Since when the recording is paused.
    pub(crate) fn paused_since(&self) -> Option<i64> {
        self.paused_since
    }

    /// Forgets spans that ended before an instant.
    pub(crate) fn forget_before(&mut self, t_ns: i64) {
        self.spans.retain(|(until, _)| *until >= t_ns);
        self.masks.retain(|mask| mask.until_ns >= t_ns);
    }

    /// What is held and what is the matter at an instant, when every row up to it was taken.
    pub(crate) fn at(&self, t_ns: i64) -> InputState {
        let mut state = self.state.clone();
        state.notes = self.spans.iter().filter(|(until, _)| *until >= t_ns).map(|(_, text)| text.to_string()).collect();
        state.paused = self.paused_since.is_some();
        if state.paused {
            state.notes.push("paused".into());
        }
        state
    }

    /// What is covered at an instant, in pixels of the picture, when every row up to it was taken.
    pub(crate) fn masks_at(&self, t_ns: i64) -> impl Iterator<Item = &Mask> {
        self.masks.iter().filter(move |mask| mask.until_ns >= t_ns)
    }
}

/// The area that a row says was covered, in pixels.
fn covered(row: &OwnedRow, until_ns: i64) -> Option<Mask> {
    let number = |name: &str| row.metadata.get(name)?.parse::<f32>().ok();
    let (x, y) = (number(key::X)?, number(key::Y)?);
    let (width, height) = (number(key::WIDTH)?, number(key::HEIGHT)?);
    let reason = short(row.metadata.get(key::REASON).unwrap_or_default().to_owned());
    Some(Mask { x, y, width, height, from_ns: row.t_ns, until_ns, reason })
}

/// Events of each lane.
pub(crate) type Lanes = [u32; Lane::ALL.len()];

/// Counts over time. The width of a bucket doubles when the recording grows beyond them.
pub(crate) struct Buckets {
    origin: i64,
    shift: u32,
    counts: Vec<Lanes>,
    duplicates: Vec<u32>,
}

impl Buckets {
    fn new(origin: i64) -> Self {
        Self { origin, shift: FIRST_SHIFT, counts: Vec::new(), duplicates: Vec::new() }
    }

    /// The bucket of an instant.
    fn place(&self, t_ns: i64) -> usize {
        let since = t_ns.checked_sub(self.origin).map_or(u64::MAX >> 1, |since| since.max(0) as u64);
        usize::try_from(since >> self.shift).unwrap_or(usize::MAX)
    }

    fn make_room(&mut self, t_ns: i64) -> usize {
        while self.place(t_ns) >= BUCKETS {
            self.shift += 1;
            let add = |a: &u32, b: Option<&u32>| a.saturating_add(b.copied().unwrap_or(0));
            self.duplicates = self.duplicates.chunks(2).map(|pair| add(&pair[0], pair.get(1))).collect();
            let lanes = |pair: &[Lanes]| {
                let mut sum = pair[0];
                for (sum, more) in sum.iter_mut().zip(pair.get(1).into_iter().flatten()) {
                    *sum = sum.saturating_add(*more);
                }
                sum
            };
            self.counts = self.counts.chunks(2).map(lanes).collect();
        }
        self.place(t_ns)
    }

    fn count(&mut self, t_ns: i64, lane: Lane) {
        let place = self.make_room(t_ns);
        if self.counts.len() <= place {
            self.counts.resize(place + 1, Lanes::default());
        }
        let count = &mut self.counts[place][lane.index()];
        *count = count.saturating_add(1);
    }

    fn count_duplicate(&mut self, t_ns: i64) {
        let place = self.make_room(t_ns);
        if self.duplicates.len() <= place {
            self.duplicates.resize(place + 1, 0);
        }
        self.duplicates[place] = self.duplicates[place].saturating_add(1);
    }

    /// Events and duplicate frames between two instants, the second included when it is the `last`; of one bucket at the least.
    pub(crate) fn sum(&self, from_ns: i64, until_ns: i64, last: bool) -> (Lanes, u32) {
        if until_ns < self.origin {
            return Default::default();
        }
        let begin = self.place(from_ns);
        let end = self.place(until_ns).saturating_add(usize::from(last)).max(begin.saturating_add(1));
        let mut sum = Lanes::default();
        for bucket in self.counts.iter().take(end).skip(begin) {
            for (sum, count) in sum.iter_mut().zip(bucket) {
                *sum = sum.saturating_add(*count);
            }
        }
        let duplicates = self.duplicates.iter().take(end).skip(begin);
        (sum, duplicates.fold(0, |sum: u32, count| sum.saturating_add(*count)))
    }
}

/// What was found so far.
pub(crate) struct Known {
    /// Events of each block.
    pub(crate) lanes: Vec<Lanes>,
    /// What was held at the beginning of each block, and behind the last one.
    pub(crate) states: Vec<Arc<Replayed>>,
    /// Counts over time.
    pub(crate) buckets: Buckets,
    /// In order of their first instant.
    pub(crate) spans: Vec<Span>,
    /// Every closed block was read.
    pub(crate) complete: bool,
    duplicates: Vec<u64>,
}

impl Known {
    /// Whether a frame repeats the one before it.
    pub(crate) fn is_duplicate(&self, frame: u64) -> bool {
        let word = usize::try_from(frame / 64).ok().and_then(|word| self.duplicates.get(word));
        word.is_some_and(|word| word >> (frame % 64) & 1 == 1)
    }
}

/// The thread and what it found. Dropping it ends the thread.
pub(crate) struct Overview {
    known: Arc<Mutex<Known>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Overview {
    /// Begins to read a recording.
    pub(crate) fn start(reel: Arc<dyn Reel>) -> Self {
        let known = Known {
            lanes: Vec::new(),
            states: vec![Arc::default()],
            buckets: Buckets::new(reel.span().0),
            spans: Vec::new(),
            complete: false,
            duplicates: Vec::new(),
        };
        let known = Arc::new(Mutex::new(known));
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work { reel, known: Arc::clone(&known), stop: Arc::clone(&stop) };
        let thread = std::thread::Builder::new().name("overview".into()).spawn(move || work.run());
        let thread = thread.inspect_err(|error| tracing::error!(%error, "no thread to count events with")).ok();
        Self { known, stop, thread }
    }

    /// Looks at what was found.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Overview {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that counts events panicked");
        }
    }
}

/// What the thread works with.
struct Work {
    reel: Arc<dyn Reel>,
    known: Arc<Mutex<Known>>,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn run(&self) {
        loop {
            let more = self.reel.advance();
            self.read();
            if self.stop.load(Ordering::Relaxed) || !more {
                return;
            }
            SystemClock.sleep_until(SystemClock.now().plus(POLL));
        }
    }

    /// What stands for a block that cannot be read: a gap.
    fn gap(&self, block: usize, problem: &str) -> Option<Span> {
        tracing::warn!(block, problem, "a block of events cannot be read");
        self.reel.span_of(block).map(|(from_ns, until_ns)| Span { kind: SpanKind::Gap, from_ns, until_ns })
    }

    /// Reads what is closed and was not read yet.
    fn read(&self) {
        let (mut counted, mut read) = (0, 0);
        self.change(|known| (counted, read) = (known.lanes.len(), known.states.len() - 1));
        while counted < self.reel.closed() {
            let mut events: Vec<(i64, Lane)> = Vec::new();
            match self.reel.each_kind(counted, &mut |t_ns, kind| events.push((t_ns, lane(kind)))) {
                // Its rows are read later: what is the matter is said then.
                Some(result) => drop(result),
                None => break,
            }
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            self.change(|known| count(known, &events));
            counted += 1;
        }
        while read < self.reel.closed() {
            let mut state = Arc::default();
            self.change(|known| state = known.states.last().map(Arc::clone).unwrap_or_default());
            let mut block = BlockFacts { state: Replayed::clone(&state), ..BlockFacts::default() };
            if let Err(problem) = self.reel.each(read, &mut |row| block.take(row)) {
                block.spans.extend(self.gap(read, &problem));
            }
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            block.state.forget_before(block.last_ns);
            self.change(|known| {
                if counted <= read {
                    count(known, &block.events);
                }
                block.add_to(known);
            });
            read += 1;
            counted = counted.max(read);
            // A recording that grows grows also while the beginning of it is read for the first time.
            self.reel.advance();
        }
        self.change(|known| known.complete = true);
    }
}

fn count(known: &mut Known, events: &[(i64, Lane)]) {
    let mut lanes = Lanes::default();
    for (t_ns, lane) in events {
        lanes[lane.index()] += 1;
        known.buckets.count(*t_ns, *lane);
    }
    known.lanes.push(lanes);
}

/// Makes one span of two of a kind that follow one another, until there is room for as many again.
fn join_many(spans: &mut Vec<Span>) {
    if spans.len() <= MAX_SPANS {
        return;
    }
    let mut open: BTreeMap<SpanKind, Span> = BTreeMap::new();
    let mut joined = Vec::with_capacity(MAX_SPANS);
    for span in spans.drain(..) {
        match open.remove(&span.kind) {
            Some(before) => {
                joined.push(Span { until_ns: before.until_ns.max(span.until_ns), ..before });
            }
            None => drop(open.insert(span.kind, span)),
        }
    }
    joined.extend(open.into_values());
    joined.sort_by_key(|span| span.from_ns);
    *spans = joined;
}

/// What a block says.
#[derive(Default)]
pub(crate) struct BlockFacts {
    state: Replayed,
    pub(crate) events: Vec<(i64, Lane)>,
    /// Frames that repeat the one before, with their times.
    pub(crate) duplicates: Vec<(i64, u64)>,
    pub(crate) spans: Vec<Span>,
    last_ns: i64,
}

impl BlockFacts {
    /// What a block says that is not known yet, behind the last one that is.
    pub(crate) fn after(state: &Replayed) -> Self {
        Self { state: state.clone(), ..Self::default() }
    }

    /// Takes the next row.
    pub(crate) fn take(&mut self, row: &OwnedRow) {
        self.events.push((row.t_ns, lane(&row.event_type)));
        if row.metadata.get(key::DUP).is_some()
            && let Some(frame) = row.frame_ref.and_then(|frame| u64::try_from(frame).ok())
        {
            self.duplicates.push((row.t_ns, frame));
        }
        self.spans.extend(span(row).map(|(kind, until_ns)| Span { kind, from_ns: row.t_ns, until_ns }));
        if row.event_type == event_type::RESUME
            && let Some(from_ns) = self.state.paused_since
        {
            self.spans.push(Span { kind: SpanKind::Paused, from_ns, until_ns: row.t_ns });
        }
        self.state.apply(row);
        self.last_ns = row.t_ns;
    }

    /// Since when the recording is paused, at the end of the block.
    pub(crate) fn paused_since(&self) -> Option<i64> {
        self.state.paused_since
    }

    fn add_to(self, known: &mut Known) {
        for (t_ns, frame) in self.duplicates {
            known.buckets.count_duplicate(t_ns);
            // No more frames than the index of a video can have: a row may say anything.
            if let Some(word) =
                usize::try_from(frame / 64).ok().filter(|word| *word < crate::media::mp4::index::MAX_SAMPLES / 64)
            {
                if known.duplicates.len() <= word {
                    known.duplicates.resize(word + 1, 0);
                }
                known.duplicates[word] |= 1 << (frame % 64);
            }
        }
        if !self.spans.is_empty() {
            let later =
                known.spans.last().is_none_or(|last| self.spans.iter().all(|span| span.from_ns >= last.from_ns));
            let sorted = later && self.spans.is_sorted_by_key(|span| span.from_ns);
            known.spans.extend(self.spans);
            if !sorted {
                known.spans.sort_by_key(|span| span.from_ns);
            }
            join_many(&mut known.spans);
        }
        known.states.push(Arc::new(self.state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_widen_and_lose_nothing() {
        let mut buckets = Buckets::new(-5);
        let times: Vec<i64> = (0..2000).map(|n| n * n * 50_000_000 - 5).chain([i64::MAX, i64::MIN, -6]).collect();
        for t_ns in &times {
            buckets.count(*t_ns, Lane::Key);
            buckets.count_duplicate(*t_ns);
        }
        assert!(buckets.counts.len() <= BUCKETS && buckets.shift > FIRST_SHIFT);
        let (lanes, duplicates) = buckets.sum(i64::MIN, i64::MAX, true);
        assert_eq!((lanes[Lane::Key.index()], duplicates), (times.len() as u32, times.len() as u32));
    }

    #[test]
    fn parts_share_nothing_and_leave_nothing_out() {
        let mut buckets = Buckets::new(0);
        for n in 0..100_000 {
            buckets.count(n * 10_000_000, Lane::Motion);
        }
        let width = 1_000_000_000_000 / 40;
        let parts: u32 =
            (0..40).map(|n| buckets.sum(n * width, (n + 1) * width, n == 39).0[Lane::Motion.index()]).sum();
        assert_eq!(parts, 100_000);
    }
}
