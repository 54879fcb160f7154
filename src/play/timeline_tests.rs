//! Answers about a recording in blocks against answers from all of its rows, while it is read and when it grows.

use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use watchcap_replay::{HeldKey, Lanes};

use super::*;
use crate::base::time::{Clock as _, SystemClock};
use crate::play::reel::FrameTimes;
use crate::session::table::row::{RowMetadata, key};

/// Rows in memory, in blocks of a hundred; only the first `shown` of them are there.
struct Memory {
    rows: Vec<OwnedRow>,
    shown: AtomicUsize,
    version: RwLock<u64>,
    frames: FrameTimes,
    /// Blocks that were read whole, and in part.
    reads: [AtomicUsize; 2],
}

const BLOCK: usize = 100;

impl Memory {
    fn new(count: usize, shown: usize) -> Arc<Self> {
        let mut rows: Vec<OwnedRow> = Vec::new();
        for n in 0..count {
            let mut row = OwnedRow { t_ns: 1_000_000 * (n as i64 / 3), frame_ref: None, ..OwnedRow::default() };
            let mut metadata = RowMetadata::default();
            row.event_type = match n % 50 {
                7 => event_type::KEY_DOWN,
                // Held over the next block's beginning, most of the time.
                46 => event_type::KEY_UP,
                9 => event_type::MOUSE_CLICK,
                20 => event_type::FOCUS,
                30 if n % 1000 == 30 => {
                    metadata.push_int(key::UNTIL_NS, row.t_ns + 20_000_000);
                    metadata.push_str(key::STREAM, "screen");
                    event_type::GAP
                }
                _ => event_type::MOUSE_MOVE,
            }
            .into();
            if n % 50 == 7 || n % 50 == 46 {
                // One in three stays held for long.
                metadata.push_str(key::CODE, ["KeyA", "KeyB", "KeyC"][n / 50 % 3]);
                if n % 50 == 46 && n / 50 % 3 == 2 && n % 700 > 100 {
                    row.event_type = event_type::MOUSE_MOVE.into();
                }
            }
            if n % 50 == 9 {
                row.mouse_button = Some("left".into());
                row.pressed = Some(n % 100 == 9);
            }
            metadata.push_str(key::TITLE, &format!("window {}", n / 50));
            row.mouse_x = Some(n as f32);
            row.mouse_y = Some(0.5);
            row.metadata = metadata;
            rows.push(row);
        }
        let (version, frames, reads) = (RwLock::new(0), FrameTimes::default(), Default::default());
        Arc::new(Self { rows, shown: AtomicUsize::new(shown), version, frames, reads })
    }

    fn shown(&self) -> &[OwnedRow] {
        &self.rows[..self.shown.load(Ordering::Relaxed)]
    }

    fn grow(&self, to: usize) {
        self.shown.store(to, Ordering::Relaxed);
        *self.version.write().expect("a version") += 1;
    }

    fn whole(&self) -> bool {
        self.shown().len() == self.rows.len()
    }
}

impl Reel for Memory {
    fn version(&self) -> u64 {
        *self.version.read().expect("a version")
    }

    fn advance(&self) -> bool {
        !self.whole()
    }

    fn blocks(&self) -> usize {
        self.shown().len().div_ceil(BLOCK)
    }

    fn closed(&self) -> usize {
        if self.whole() { self.blocks() } else { self.shown().len() / BLOCK }
    }

    fn revision(&self, block: usize) -> u64 {
        if block < self.closed() { 0 } else { self.version() }
    }

    fn span_of(&self, block: usize) -> Option<(i64, i64)> {
        let rows = self.shown().chunks(BLOCK).nth(block)?;
        Some((rows.first()?.t_ns, rows.last()?.t_ns))
    }

    fn block_at(&self, t_ns: i64) -> usize {
        (0..self.blocks()).rfind(|block| self.span_of(*block).is_some_and(|(first, _)| first <= t_ns)).unwrap_or(0)
    }

    fn each(&self, block: usize, take: &mut dyn FnMut(&OwnedRow)) -> Result<(), String> {
        self.reads[0].fetch_add(1, Ordering::Relaxed);
        self.shown().chunks(BLOCK).nth(block).into_iter().flatten().for_each(take);
        Ok(())
    }

    fn each_of(
        &self,
        block: usize,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&OwnedRow),
    ) -> Result<(), String> {
        self.reads[1].fetch_add(1, Ordering::Relaxed);
        let rows = self.shown().chunks(BLOCK).nth(block).into_iter().flatten();
        rows.filter(|row| wanted(&row.event_type)).for_each(take);
        Ok(())
    }

    fn each_kind(&self, block: usize, take: &mut dyn FnMut(i64, &str)) -> Option<Result<(), String>> {
        self.whole().then(|| self.each(block, &mut |row| take(row.t_ns, &row.event_type)))
    }

    fn span(&self) -> (i64, i64) {
        (0, self.shown().last().map_or(0, |row| row.t_ns))
    }

    fn summary(&self) -> Summary {
        Summary::default()
    }

    fn frames(&self) -> &FrameTimes {
        &self.frames
    }

    fn size(&self) -> (u32, u32) {
        (0, 0)
    }

    fn masks(&self) -> Vec<Mask> {
        Vec::new()
    }
}

fn state_by_hand(rows: &[OwnedRow], t_ns: i64) -> InputState {
    let mut state = Replayed::default();
    rows.iter().take_while(|row| row.t_ns <= t_ns).for_each(|row| state.apply(row));
    state.at(t_ns)
}

fn settled(timeline: &ReelTimeline, blocks: usize) {
    let began = SystemClock.now();
    while timeline.overview.look(|known| known.states.len() <= blocks) {
        assert!(SystemClock.now().since(began) < Duration::from_secs(20), "the rows are not read");
        SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(5)));
    }
}

fn check(timeline: &ReelTimeline, rows: &[OwnedRow]) {
    let end = rows.last().expect("rows").t_ns;
    for t_ns in (0..=end).step_by(3_700_001).chain([end, end + 5]) {
        let state = timeline.state_at(t_ns).expect("a state");
        let expected = state_by_hand(rows, t_ns);
        assert!(state == expected, "at {t_ns}: {:?} instead of {:?}", state.notes, expected.notes);
    }
    let all = timeline.density(0, end, 7).expect("counts");
    let total: u32 = all.counts.iter().flatten().sum();
    assert_eq!((total as usize, all.complete), (rows.len(), true));
    // A part of few blocks is counted event by event.
    let (from, until) = (end / 2, end / 2 + 40_000_000);
    let part = timeline.density(from, until, 10).expect("counts");
    for (n, counts) in part.counts.iter().enumerate() {
        let bucket = from + n as i64 * 4_000_000..from + (n as i64 + 1) * 4_000_000 + i64::from(n == 9);
        let expected = rows.iter().filter(|row| bucket.contains(&row.t_ns)).count();
        assert_eq!(counts.iter().sum::<u32>() as usize, expected, "bucket {n}");
    }
    let gaps = rows.iter().filter(|row| row.event_type == event_type::GAP).count();
    assert_eq!(timeline.spans(0, end, 1000).expect("spans").spans.len(), gaps);
}

#[test]
fn answers_are_those_of_all_rows() {
    let memory = Memory::new(5030, 5030);
    let timeline = ReelTimeline::new(Arc::clone(&memory) as Arc<dyn Reel>);
    settled(&timeline, memory.blocks());
    check(&timeline, memory.shown());
    let held = |block: usize| {
        let (begin, _) = memory.span_of(block).expect("a block");
        timeline.state_at(begin).expect("a state").keys.contains(&HeldKey::Code("KeyC".into()))
    };
    assert!((1..memory.blocks()).any(held), "no key is held over blocks: the test does not test that");
}

#[test]
fn searches_find_what_all_rows_have_whatever_is_known_yet() {
    let memory = Memory::new(5030, 5030);
    for wait in [false, true] {
        let timeline = ReelTimeline::new(Arc::clone(&memory) as Arc<dyn Reel>);
        if wait {
            settled(&timeline, memory.blocks());
        }
        let filters = [Filter::lanes(Lanes::only(Lane::Gap)), Filter::parse("key:KeyC"), Filter::parse("type:wheel")];
        for filter in filters {
            for direction in [Direction::Forward, Direction::Back] {
                for begin in [0, 333_000_000, 999_000_000, 1_677_000_000] {
                    let mut from = begin;
                    let found = loop {
                        match timeline.nearest(from, direction, &filter).expect("a search") {
                            Found::UpTo(t_ns) => {
                                assert!(if direction == Direction::Forward { t_ns > from } else { t_ns < from });
                                from = t_ns;
                            }
                            Found::At(t_ns) => break Some(t_ns),
                            Found::Nothing => break None,
                        }
                    };
                    let mut times = matching(memory.shown(), None, &filter).map(|(_, row)| row.t_ns);
                    let expected = match direction {
                        Direction::Forward => times.find(|t| *t > begin),
                        Direction::Back => times.filter(|t| *t < begin).last(),
                    };
                    assert_eq!(found, expected, "{filter:?} {direction:?} from {begin}");
                }
            }
        }
    }
}

#[test]
fn the_rows_around_an_instant_are_those_of_all_rows_and_few_blocks_are_read_for_them() {
    let memory = Memory::new(9000, 9000);
    let end = memory.shown().last().expect("rows").t_ns;
    let filters = [
        Filter::lanes(Lanes::NOTABLE),
        Filter::lanes(Lanes::ALL),
        Filter::lanes(Lanes::only(Lane::Gap)),
        Filter::parse("key:KeyC window:\"window 1\""),
        Filter::parse("nowhere"),
    ];
    for wait in [false, true] {
        for filter in &filters {
            let timeline = ReelTimeline::new(Arc::clone(&memory) as Arc<dyn Reel>);
            if wait {
                settled(&timeline, memory.blocks());
            }
            for t_ns in (0..=end).step_by(97_300_001).chain([end, end + 5]) {
                let found = timeline.rows(t_ns, 12, 9, filter).expect("rows");
                assert!(found.from_ns <= t_ns && found.until_ns >= t_ns, "{filter:?} at {t_ns}");
                // Complete where it says so.
                let all = matching(memory.shown(), None, filter).map(|(_, row)| shown(row));
                let inside = |row: &watchcap_replay::Row| (found.from_ns..=found.until_ns).contains(&row.t_ns);
                let expected: Vec<_> = all.filter(inside).collect();
                let answered: Vec<_> = found.rows.iter().filter(|row| inside(row)).cloned().collect();
                // What window was active before is known when all was read.
                if wait || filter.is_plain() {
                    assert!(answered == expected, "{filter:?} at {t_ns}");
                }
            }
        }
    }
    // A jump, with all of it known: the block of the playhead, and a few neighbours in part.
    let timeline = ReelTimeline::new(Arc::clone(&memory) as Arc<dyn Reel>);
    settled(&timeline, memory.blocks());
    let reads = || memory.reads.each_ref().map(|count| count.load(Ordering::Relaxed));
    let before = reads();
    timeline.state_at(end / 2).expect("a state");
    let rows = timeline.rows(end / 2, 256, 256, &Filter::lanes(Lanes::NOTABLE)).expect("rows");
    let after = reads();
    assert_eq!((after[0] - before[0], after[1] - before[1]), (1, 2 * NEIGHBOURS));
    // Rows that come once in five blocks are found far away, since the blocks between hold none.
    let gaps = timeline.rows(end / 2, 2, 2, &Filter::lanes(Lanes::only(Lane::Gap))).expect("rows");
    assert!(gaps.rows.len() >= 4 && gaps.until_ns - gaps.from_ns > rows.until_ns - rows.from_ns, "{}", gaps.rows.len());
}

#[test]
fn a_recording_that_grows_is_followed() {
    let memory = Memory::new(4000, 250);
    let timeline = ReelTimeline::new(Arc::clone(&memory) as Arc<dyn Reel>);
    let mut before = timeline.refresh();
    for shown in [260, 1020, 1999, 3050] {
        memory.grow(shown);
        assert_ne!(timeline.refresh(), before);
        before = timeline.refresh();
        settled(&timeline, memory.closed());
        check(&timeline, memory.shown());
    }
    memory.grow(4000);
    settled(&timeline, memory.blocks());
    check(&timeline, memory.shown());
}

#[test]
fn memory_is_bounded_by_rows() {
    let memory = Memory::new(ROWS_KEPT + 30_000, ROWS_KEPT + 30_000);
    let timeline = ReelTimeline::new(Arc::clone(&memory) as Arc<dyn Reel>);
    for block in 0..memory.blocks() {
        timeline.block(block).expect("rows");
    }
    let kept: usize = timeline.kept.borrow().iter().map(|kept| kept.rows.len() + KEPT_COST).sum();
    assert!((ROWS_KEPT - BLOCK - KEPT_COST..=ROWS_KEPT).contains(&kept), "{kept} rows stay in memory");
    // Blocks of which next to nothing is kept are bounded by their number.
    for block in 0..memory.blocks() {
        timeline.candidates(block, &Filter::lanes(Lanes::only(Lane::Wheel))).expect("rows");
    }
    assert!(timeline.kept.borrow().len() <= ROWS_KEPT / KEPT_COST);
}
