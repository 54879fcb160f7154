//! A recording as the player sees it: [`Timeline`] over a [`Reel`].
//!
//! Rows are read on demand, a block at a time; the blocks that were needed last stay in memory, bounded by their rows. What is
//! asked of the whole recording is answered from the [`super::overview`], which a thread of its own makes; until it has come
//! by, answers say that they are incomplete. Never more than a few blocks are read for an answer.

use std::cell::RefCell;
use std::sync::Arc;

use watchcap_replay::{
    Click, Density, Direction, Filter, Found, FrameInfo, InputState, Lane, Lanes, Levels, Mask, Overlay, Rows, Span,
    SpanKind, Spans, Summary, Timeline,
};

use super::overview::{BlockFacts, Known, Overview, Replayed};
use super::reel::Reel;
use super::words::{button, lane, matching, shown};
use crate::session::table::row::{OwnedRow, event_type};

/// Rows that stay in memory: four blocks of a sealed table. A row of about 350 bytes makes 28 MB of them.
const ROWS_KEPT: usize = 80_000;
/// What a kept block counts beside its rows, in rows: bounds how many blocks are kept of which next to nothing is.
const KEPT_COST: usize = 64;
/// Memory of one block, bytes: 20,000 rows of 2.4 KB. Four of them stay below 256 MiB, whatever texts a stranger has put into them.
const MAX_BLOCK_BYTES: usize = 48 << 20;
/// Blocks that are read for the rows around the playhead, on each side, when they are not in memory.
const NEIGHBOURS: usize = 2;
/// Blocks on each side of the playhead that are looked at for the rows around it, if they need not be read.
const FARTHEST: usize = 32;
/// Where a part of the recording lies in so few blocks, its events are counted one by one.
const EXACT_BLOCKS: usize = 3;
/// Presses that are drawn over a picture.
const CLICKS: usize = 16;

/// A block that was read.
struct Kept {
    block: usize,
    revision: u64,
    /// The lanes whose rows it has.
    lanes: Lanes,
    rows: Arc<Vec<OwnedRow>>,
}

/// How far the rows of a block were replayed: going on in it begins there.
struct Cursor {
    block: usize,
    revision: u64,
    rows: usize,
    state: Replayed,
}

/// A recording, for the player.
pub struct ReelTimeline {
    reel: Arc<dyn Reel>,
    kept: RefCell<Vec<Kept>>,
    cursor: RefCell<Option<Cursor>>,
    overview: Overview,
}

impl ReelTimeline {
    /// Begins to read a recording.
    pub fn new(reel: Arc<dyn Reel>) -> Self {
        let overview = Overview::start(Arc::clone(&reel));
        Self { reel, kept: RefCell::default(), cursor: RefCell::default(), overview }
    }

    /// The rows of a block.
    fn block(&self, block: usize) -> Result<Arc<Vec<OwnedRow>>, String> {
        self.read(block, Lanes::ALL)
    }

    /// The rows of a block in the lanes that a filter asks of: where these are few, reading them costs a part of what the whole block
    /// costs.
    fn candidates(&self, block: usize, filter: &Filter) -> Result<Arc<Vec<OwnedRow>>, String> {
        self.read(block, filter.asks_of())
    }

    /// The candidates of a block on the way from the playhead's: none of one that cannot hold any, and `None` when it would have to be
    /// read after [`NEIGHBOURS`] others (counted in `reads`) were.
    fn near(
        &self,
        block: usize,
        playheads: usize,
        filter: &Filter,
        reads: &mut usize,
    ) -> Result<Option<Arc<Vec<OwnedRow>>>, String> {
        if block != playheads {
            if !self.may_hold(block, filter) {
                return Ok(Some(Arc::default()));
            }
            if !self.is_kept(block, filter.asks_of()) {
                if *reads == NEIGHBOURS {
                    return Ok(None);
                }
                *reads += 1;
            }
        }
        self.candidates(block, filter).map(Some)
    }

    /// Whether reading some lanes of a block finds them in memory.
    fn is_kept(&self, block: usize, lanes: Lanes) -> bool {
        let revision = self.reel.revision(block);
        let kept = self.kept.borrow();
        let has = |kept: &Kept| kept.lanes == lanes || kept.lanes == Lanes::ALL;
        kept.iter().any(|kept| kept.block == block && kept.revision == revision && has(kept))
    }

    /// The rows of a block in these lanes.
    fn read(&self, block: usize, lanes: Lanes) -> Result<Arc<Vec<OwnedRow>>, String> {
        let revision = self.reel.revision(block);
        let mut kept = self.kept.borrow_mut();
        kept.retain(|kept| kept.block != block || kept.revision == revision);
        if let Some(at) = kept.iter().position(|kept| kept.block == block && kept.lanes == lanes) {
            let found = kept.remove(at);
            let rows = Arc::clone(&found.rows);
            kept.push(found);
            return Ok(rows);
        }
        let mut rows = Vec::new();
        let mut bytes = 0;
        let mut take = |row: &OwnedRow| {
            bytes += row.bytes();
            if bytes <= MAX_BLOCK_BYTES {
                rows.push(row.clone());
            }
        };
        if lanes == Lanes::ALL {
            self.reel.each(block, &mut take)?;
        } else if let Some(whole) = kept.iter().find(|kept| kept.block == block && kept.lanes == Lanes::ALL) {
            // Once, and not for each answer: few of them are wanted.
            whole.rows.iter().filter(|row| lanes.contains(lane(&row.event_type))).for_each(&mut take);
        } else {
            self.reel.each_of(block, &|kind| lanes.contains(lane(kind)), &mut take)?;
        }
        if bytes > MAX_BLOCK_BYTES {
            return Err(format!("these rows take {bytes} bytes, more than {MAX_BLOCK_BYTES}"));
        }
        let rows = Arc::new(rows);
        kept.push(Kept { block, revision, lanes, rows: Arc::clone(&rows) });
        while kept.len() > 1 && kept.iter().map(|kept| kept.rows.len() + KEPT_COST).sum::<usize>() > ROWS_KEPT {
            kept.remove(0);
        }
        Ok(rows)
    }

    /// Whether a block may hold a row that a filter matches; unknown counts as yes.
    fn may_hold(&self, block: usize, filter: &Filter) -> bool {
        self.overview.look(|known| {
            known.lanes.get(block).is_none_or(|counts| {
                Lane::ALL.into_iter().any(|lane| filter.may_match(lane) && counts[lane.index()] > 0)
            })
        })
    }

    /// What is held at the beginning of a block, where known.
    fn state_before(&self, block: usize) -> Option<Arc<Replayed>> {
        self.overview.look(|known| known.states.get(block).map(Arc::clone))
    }

    /// The window that is active at the beginning of a block, where known.
    fn window_before(&self, block: usize) -> Option<String> {
        self.state_before(block).map(|state| state.state.window.clone())
    }

    /// Every row up to an instant replayed, and whether those before its block are known.
    fn replayed<T>(&self, t_ns: i64, look: impl FnOnce(&Replayed) -> T) -> Result<(T, bool), String> {
        let block = self.reel.block_at(t_ns);
        let before = self.state_before(block);
        let revision = self.reel.revision(block);
        let rows = self.block(block)?;
        let end = rows.partition_point(|row| row.t_ns <= t_ns);
        let whole = before.is_some();
        let mut cursor = self.cursor.borrow_mut();
        // Moving forward in the same block goes on from where the last answer was.
        let mut at = match cursor.take() {
            Some(at) if (at.block, at.revision) == (block, revision) && at.rows <= end && whole => at,
            _ => Cursor {
                block,
                revision,
                rows: 0,
                state: before.map(|known| Replayed::clone(&known)).unwrap_or_default(),
            },
        };
        for row in &rows[at.rows..end] {
            at.state.apply(row);
        }
        at.rows = end;
        at.state.forget_before(t_ns);
        let answer = look(&at.state);
        *cursor = whole.then_some(at);
        Ok((answer, whole))
    }

    /// What the block behind the last one that is known says, when there is only one.
    fn open_block(&self) -> Result<Option<BlockFacts>, String> {
        let (known, state) = self.overview.look(|known| (known.states.len() - 1, known.states.last().map(Arc::clone)));
        if known + 1 != self.reel.blocks() {
            return Ok(None);
        }
        let mut facts = BlockFacts::after(&state.unwrap_or_default());
        for row in self.block(known)?.iter() {
            facts.take(row);
        }
        Ok(Some(facts))
    }

    /// Counts events of the blocks that a part of the recording lies in, one by one.
    fn count_exactly(
        &self,
        place: &dyn Fn(i64) -> Option<usize>,
        blocks: std::ops::RangeInclusive<usize>,
        density: &mut Density,
    ) -> Result<(), String> {
        for block in blocks {
            let mut facts = BlockFacts::default();
            for row in self.block(block)?.iter() {
                facts.take(row);
            }
            add(&facts, place, density);
        }
        Ok(())
    }
}

/// Adds what a block says to the counts of a part.
fn add(facts: &BlockFacts, place: &dyn Fn(i64) -> Option<usize>, density: &mut Density) {
    for (t_ns, lane) in &facts.events {
        if let Some(bucket) = place(*t_ns) {
            density.counts[bucket][lane.index()] += 1;
        }
    }
    for (t_ns, _) in &facts.duplicates {
        if let Some(bucket) = place(*t_ns) {
            density.duplicates[bucket] += 1;
        }
    }
}

/// Joins spans of one kind that lie near each other when there are more than can be shown.
fn join(all: Vec<Span>, from_ns: i64, until_ns: i64, at_most: usize) -> Vec<Span> {
    let many = all.len() > at_most;
    let near = if many { until_ns.saturating_sub(from_ns) / at_most.max(1) as i64 } else { 0 };
    let mut spans: Vec<Span> = Vec::new();
    for span in all {
        match spans.iter_mut().rev().find(|last| last.kind == span.kind) {
            Some(last) if many && span.from_ns.saturating_sub(last.until_ns) <= near => {
                last.until_ns = last.until_ns.max(span.until_ns);
            }
            _ => spans.push(span),
        }
    }
    spans
}

impl Timeline for ReelTimeline {
    fn refresh(&self) -> u64 {
        self.reel.version()
    }

    fn summary(&self) -> Summary {
        self.reel.summary()
    }

    fn part_at(&self, t_ns: i64) -> Option<(u64, u64)> {
        let parts = self.reel.parts() as u64;
        (parts > 1).then(|| (self.reel.part_at(t_ns) as u64 + 1, parts))
    }

    fn frame_at(&self, t_ns: i64) -> Option<u64> {
        self.reel.frames().at(t_ns).map(|frame| frame as u64)
    }

    fn frame(&self, index: u64) -> Option<FrameInfo> {
        let (t_ns, keyframe) = self.reel.frames().get(usize::try_from(index).ok()?)?;
        let duplicate = self.overview.look(|known| known.is_duplicate(index));
        Some(FrameInfo { t_ns, keyframe, duplicate })
    }

    fn rows(&self, t_ns: i64, before: usize, after: usize, filter: &Filter) -> Result<Rows, String> {
        let here = self.reel.block_at(t_ns);
        let total = self.reel.blocks();
        let mut out = Rows { rows: Vec::new(), from_ns: i64::MIN, until_ns: i64::MAX };
        if total == 0 {
            return Ok(out);
        }
        // Back from the instant, then forward, until there are enough rows or what is left would have to be read.
        let (mut earlier, mut reads) = (Vec::new(), 0);
        for number in (here.saturating_sub(FARTHEST)..=here).rev() {
            let Some(rows) = self.near(number, here, filter, &mut reads)? else { break };
            let end = rows.partition_point(|row| row.t_ns <= t_ns);
            let window = self.window_before(number);
            let wanted: Vec<_> = matching(&rows[..end], window.as_deref(), filter).map(|(_, row)| row).collect();
            earlier.extend(wanted.into_iter().rev().take(before + 1 - earlier.len()).map(shown));
            if earlier.len() > before {
                // The oldest shows from where on the answer is whole: its own instant may have more rows before it.
                out.from_ns = earlier.last().map_or(i64::MIN, |row| row.t_ns.saturating_add(1)).min(t_ns);
                break;
            }
            // Rows of one instant may lie in two blocks.
            let first = self.reel.span_of(number).map_or(i64::MIN, |(first, _)| first.saturating_add(1));
            out.from_ns = if number == 0 { i64::MIN } else { first.min(t_ns) };
        }
        earlier.reverse();
        let before = earlier.len();
        (out.rows, reads) = (earlier, 0);
        for number in here..=(here + FARTHEST).min(total - 1) {
            let Some(rows) = self.near(number, here, filter, &mut reads)? else { break };
            let begin = rows.partition_point(|row| row.t_ns <= t_ns);
            let window = self.window_before(number);
            let wanted = matching(&rows, window.as_deref(), filter).skip_while(|(at, _)| *at < begin);
            out.rows.extend(wanted.take(before + after + 1 - out.rows.len()).map(|(_, row)| shown(row)));
            if out.rows.len() > before + after {
                out.until_ns = out.rows.last().map_or(t_ns, |row| row.t_ns.saturating_sub(1)).max(t_ns);
                break;
            }
            let last = self.reel.span_of(number).map_or(i64::MAX, |(_, last)| last.saturating_sub(1));
            out.until_ns = if number + 1 == total { i64::MAX } else { last.max(t_ns) };
        }
        Ok(out)
    }

    fn nearest(&self, t_ns: i64, direction: Direction, filter: &Filter) -> Result<Found, String> {
        let total = self.reel.blocks();
        let here = self.reel.block_at(t_ns);
        // One block is read, and another only where they share an instant; what cannot match is passed over without reading.
        let span = |number: usize| self.reel.span_of(number);
        match direction {
            Direction::Forward => {
                let further = |n: &usize| span(*n).is_none_or(|(_, last)| last > t_ns) && self.may_hold(*n, filter);
                let mut candidates = (here..total).filter(further).peekable();
                while let Some(number) = candidates.next() {
                    let rows = self.candidates(number, filter)?;
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
                    let rows = self.candidates(number, filter)?;
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
        if self.reel.blocks() == 0 {
            return Ok(InputState::default());
        }
        let (mut answer, whole) = self.replayed(t_ns, |state| state.at(t_ns))?;
        if !whole {
            answer.notes.push("still reading what was before".into());
        }
        Ok(answer)
    }

    fn overlay(&self, since_ns: i64, t_ns: i64) -> Result<Overlay, String> {
        let mut masks = self.reel.masks();
        if self.reel.blocks() == 0 {
            return Ok(Overlay { masks, clicks: Vec::new() });
        }
        let (width, height) = self.reel.size();
        let (width, height) = (width.max(1) as f32, height.max(1) as f32);
        let share = |mask: &Mask| Mask {
            x: mask.x / width,
            y: mask.y / height,
            width: mask.width / width,
            height: mask.height / height,
            ..mask.clone()
        };
        let (covered, _) = self.replayed(t_ns, |state| state.masks_at(t_ns).map(share).collect::<Vec<_>>())?;
        masks.extend(covered);
        let mut clicks = Vec::new();
        for number in self.reel.block_at(since_ns)..=self.reel.block_at(t_ns) {
            let rows = self.block(number)?;
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
        Ok(Overlay { masks, clicks })
    }

    fn density(&self, from_ns: i64, until_ns: i64, buckets: usize) -> Result<Density, String> {
        let buckets = buckets.max(1);
        let part = until_ns.saturating_sub(from_ns).max(1) as f64 / buckets as f64;
        let place = |t_ns: i64| {
            let inside = (from_ns..=until_ns).contains(&t_ns);
            inside.then(|| (((t_ns.saturating_sub(from_ns)) as f64 / part) as usize).min(buckets - 1))
        };
        let mut density =
            Density { counts: vec![Default::default(); buckets], duplicates: vec![0; buckets], complete: true };
        if self.reel.blocks() == 0 {
            return Ok(density);
        }
        let (mut first, last) = (self.reel.block_at(from_ns), self.reel.block_at(until_ns));
        // Rows of one instant may lie in two blocks.
        while first > 0 && self.reel.span_of(first - 1).is_some_and(|(_, until)| until >= from_ns) {
            first -= 1;
        }
        if last - first < EXACT_BLOCKS {
            self.count_exactly(&place, first..=last, &mut density)?;
            return Ok(density);
        }
        let begin = |n: usize| from_ns.saturating_add((part * n as f64) as i64);
        density.complete = self.overview.look(|known: &Known| {
            for n in 0..buckets {
                (density.counts[n], density.duplicates[n]) =
                    known.buckets.sum(begin(n), begin(n + 1), n + 1 == buckets);
            }
            known.complete
        });
        if let Some(facts) = self.open_block()? {
            add(&facts, &place, &mut density);
        }
        Ok(density)
    }

    fn levels(&self, from_ns: i64, until_ns: i64, parts: usize) -> Option<Levels> {
        self.reel.levels(from_ns, until_ns, parts)
    }

    fn spans(&self, from_ns: i64, until_ns: i64, at_most: usize) -> Result<Spans, String> {
        let touches = |span: &&Span| span.from_ns <= until_ns && span.until_ns >= from_ns;
        let (mut spans, complete, mut paused) = self.overview.look(|known| {
            let spans: Vec<Span> = known.spans.iter().filter(touches).cloned().collect();
            (spans, known.complete, known.states.last().and_then(|state| state.paused_since()))
        });
        if let Some(facts) = self.open_block()? {
            spans.extend(facts.spans.iter().filter(touches).cloned());
            paused = facts.paused_since();
        }
        if let Some(since) = paused.filter(|since| complete && *since <= until_ns) {
            spans.push(Span { kind: SpanKind::Paused, from_ns: since, until_ns: self.reel.span().1 });
        }
        Ok(Spans { spans: join(spans, from_ns, until_ns, at_most), complete })
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
