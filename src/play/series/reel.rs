//! The rows of all parts as one reel: their blocks one after the other, frames numbered through, and what a seam states left out.
//!
//! Invariant: opening costs what the indexes of the parts cost. What is a repeat at a seam is looked for when a block beside it is read first.

use std::sync::{Arc, OnceLock};

use watchcap_replay::{Fact, Level, Levels, Mask, Section, Summary, Tone};

use crate::play::reel::{FrameTimes, Reel};
use crate::play::sealed::SealedReel;
use crate::session::seam::{self, Repeats};
use crate::session::state::{Bounds, State};
use crate::session::table::row::OwnedRow;

/// A part of the reel.
struct Part {
    reel: Arc<SealedReel>,
    /// Its first block, and its first frame, among those of all parts.
    first_block: usize,
    first_frame: u64,
}

/// The rows that are left out at a seam: their `seq`, and their places in the block.
#[derive(Default)]
struct Seam {
    /// In the last block of the part before.
    before: Vec<(i64, usize)>,
    /// In the first block of the part behind.
    behind: Vec<(i64, usize)>,
}

/// All parts.
pub(super) struct SeriesReel {
    parts: Vec<Part>,
    blocks: usize,
    frames: FrameTimes,
    /// Between each part and the next.
    seams: Vec<OnceLock<Seam>>,
}

impl SeriesReel {
    /// Of parts in their order; there is one at least.
    pub(super) fn new(reels: Vec<Arc<SealedReel>>) -> Self {
        let (frames, mut blocks, mut parts) = (FrameTimes::default(), 0, Vec::with_capacity(reels.len()));
        let seams = reels.iter().skip(1).map(|_| OnceLock::new()).collect();
        for reel in reels {
            let (first_block, first_frame) = (blocks, frames.len() as u64);
            blocks += reel.blocks();
            frames.append(reel.frames());
            parts.push(Part { reel, first_block, first_frame });
        }
        Self { parts, blocks, frames, seams }
    }

    /// The frames of each part.
    pub(super) fn frames_of_parts(&self) -> impl Iterator<Item = std::ops::Range<u64>> {
        let ends = self.parts.iter().skip(1).map(|part| part.first_frame).chain([self.frames.len() as u64]);
        self.parts.iter().map(|part| part.first_frame).zip(ends).map(|(first, end)| first..end)
    }

    /// First and last instant of each part.
    pub(super) fn spans_of_parts(&self) -> impl Iterator<Item = (i64, i64)> {
        self.parts.iter().map(|part| part.reel.span())
    }

    /// Which part an instant is in, counted from 0.
    pub(super) fn part_at(&self, t_ns: i64) -> usize {
        self.parts.partition_point(|part| part.reel.span().0 <= t_ns).saturating_sub(1)
    }

    /// The part that a block is of, by its place, and which of its blocks it is.
    fn place(&self, block: usize) -> Option<(usize, usize)> {
        // Of parts without a block the last begins where the next one does.
        let at = self.parts.partition_point(|part| part.first_block <= block).checked_sub(1)?;
        let local = block - self.parts[at].first_block;
        (local < self.parts[at].reel.blocks()).then_some((at, local))
    }

    /// The rows of a block that are left out.
    fn left_out(&self, part: usize, local: usize) -> Vec<(i64, usize)> {
        let mut left_out = Vec::new();
        if local == 0 && part > 0 {
            left_out.extend_from_slice(&self.seam(part - 1).behind);
        }
        if local + 1 == self.parts[part].reel.blocks() && part + 1 < self.parts.len() {
            left_out.extend_from_slice(&self.seam(part).before);
        }
        left_out
    }

    fn seam(&self, at: usize) -> &Seam {
        let look = || {
            look(&self.parts[at].reel, &self.parts[at + 1].reel).unwrap_or_else(|why| {
                tracing::debug!(why, "a seam cannot be read: what it states is shown");
                Seam::default()
            })
        };
        self.seams
            .get(at)
            .map_or(const { &Seam { before: Vec::new(), behind: Vec::new() } }, |seam| seam.get_or_init(look))
    }
}

/// Finds what the rows of two parts say twice. What was before the last block of the first is not known here: what it says may be shown again.
fn look(before: &SealedReel, behind: &SealedReel) -> Result<Seam, String> {
    let (Some(last_block), Some((begin_ns, _))) = (before.blocks().checked_sub(1), behind.span_of(0)) else {
        return Ok(Seam::default());
    };
    let mut state = State::new(Bounds { spans: 0, bytes: 0 });
    let (mut last, mut places, mut at) = (Vec::<OwnedRow>::new(), Vec::new(), 0);
    before.each(last_block, &mut |row| {
        if last.first().is_some_and(|last| last.t_ns != row.t_ns) {
            last.drain(..).for_each(|row| state.apply(&row));
            places.clear();
        }
        last.push(row.clone());
        places.push((row.seq, at));
        at += 1;
    })?;
    let (mut first, mut first_places, mut at) = (Vec::new(), Vec::new(), 0);
    behind.each(0, &mut |row| {
        if row.t_ns <= begin_ns {
            first.push(row.clone());
            first_places.push((row.seq, at));
        }
        at += 1;
    })?;
    let from = seam::releases_from(&last);
    last[..from].iter().for_each(|row| state.apply(row));
    let Repeats { before, behind } = seam::repeats(&state, &last[from..], &first);
    let left_out = |places: &[(i64, usize)], repeats: Vec<bool>| {
        places.iter().zip(repeats).filter(|(_, repeat)| *repeat).map(|(place, _)| *place).collect()
    };
    Ok(Seam { before: left_out(&places[from..], before), behind: left_out(&first_places, behind) })
}

impl Reel for SeriesReel {
    fn levels(&self, from_ns: i64, until_ns: i64, parts: usize) -> Option<Levels> {
        if self.parts.iter().all(|part| part.reel.levels(from_ns, until_ns, 0).is_none()) {
            return None;
        }
        let length = i128::from(until_ns) - i128::from(from_ns) + 1;
        let at = |cell: usize| {
            let ns = i128::from(from_ns) + length * cell as i128 / parts.max(1) as i128;
            i64::try_from(ns).unwrap_or(i64::MAX)
        };
        let mut levels = Levels { parts: vec![Level::Unknown; parts], complete: true };
        let mut cell = 0;
        while cell < parts {
            // The cells that begin in one part are asked of it together.
            let part = self.part_at(at(cell));
            let end = (cell..parts).find(|cell| self.part_at(at(*cell)) != part).unwrap_or(parts);
            let found = self.parts[part].reel.levels(at(cell), at(end).saturating_sub(1), end - cell);
            if let Some(found) = found {
                levels.parts[cell..end].copy_from_slice(&found.parts);
                if !found.complete {
                    // The next part is read when this one was: each reading is a decoder of its own.
                    levels.complete = false;
                    break;
                }
            }
            cell = end;
        }
        Some(levels)
    }

    fn blocks(&self) -> usize {
        self.blocks
    }

    fn revision(&self, _block: usize) -> u64 {
        0
    }

    fn span_of(&self, block: usize) -> Option<(i64, i64)> {
        let (part, local) = self.place(block)?;
        self.parts[part].reel.span_of(local)
    }

    fn block_at(&self, t_ns: i64) -> usize {
        let part = &self.parts[self.part_at(t_ns)];
        (part.first_block + part.reel.block_at(t_ns)).min(self.blocks.saturating_sub(1))
    }

    fn each(&self, block: usize, take: &mut dyn FnMut(&OwnedRow)) -> Result<(), String> {
        self.each_of(block, &|_| true, take)
    }

    fn each_of(
        &self,
        block: usize,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&OwnedRow),
    ) -> Result<(), String> {
        let Some((at, local)) = self.place(block) else { return Ok(()) };
        let (part, left_out) = (&self.parts[at], self.left_out(at, local));
        let first = i64::try_from(part.first_frame).unwrap_or(i64::MAX);
        part.reel.each_of(local, wanted, &mut |row| {
            if left_out.iter().any(|(seq, _)| *seq == row.seq) {
                return;
            }
            if first == 0 {
                return take(row);
            }
            // In front of the first frame of its part: of the last one of the part before.
            let frame_ref = row.frame_ref.map_or(first - 1, |frame| frame.saturating_add(first));
            take(&OwnedRow { frame_ref: Some(frame_ref), ..row.clone() });
        })
    }

    fn each_kind(&self, block: usize, take: &mut dyn FnMut(i64, &str)) -> Option<Result<(), String>> {
        let Some((part, local)) = self.place(block) else { return Some(Ok(())) };
        let (left_out, mut at) = (self.left_out(part, local), 0);
        self.parts[part].reel.each_kind(local, &mut |t_ns, kind| {
            if !left_out.iter().any(|(_, place)| *place == at) {
                take(t_ns, kind);
            }
            at += 1;
        })
    }

    fn span(&self) -> (i64, i64) {
        let spans = self.spans_of_parts();
        spans.reduce(|all, part| (all.0.min(part.0), all.1.max(part.1))).unwrap_or((0, 0))
    }

    fn frames(&self) -> &FrameTimes {
        &self.frames
    }

    fn size(&self) -> (u32, u32) {
        self.parts.iter().map(|part| part.reel.size()).find(|size| *size != (0, 0)).unwrap_or((0, 0))
    }

    fn masks(&self) -> Vec<Mask> {
        // Each is there as long as its part.
        self.parts.iter().flat_map(|part| part.reel.masks()).collect()
    }

    fn parts(&self) -> usize {
        self.parts.len()
    }

    fn part_at(&self, t_ns: i64) -> usize {
        Self::part_at(self, t_ns)
    }

    fn summary(&self) -> Summary {
        let mut all = self.parts.iter().map(|part| part.reel.summary());
        let Some(mut summary) = all.next() else { return Summary::default() };
        let rest: Vec<Summary> = all.collect();
        let words = |summary: &Summary, name: &str| {
            summary.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.clone())
        };
        for fact in &mut summary.facts {
            let mut others = rest.iter().map(|part| words(part, &fact.name).unwrap_or_default());
            match fact.name.as_str() {
                "ended by" => fact.value = others.next_back().unwrap_or_default(),
                "dropped" | "duplicates" => {
                    let counts = others.chain([fact.value.clone()]).map(|text| text.parse::<u64>().ok());
                    let sum = counts.reduce(|sum, count| sum.zip(count).map(|(sum, count)| sum.saturating_add(count)));
                    fact.value = sum.flatten().map_or_else(|| "not known".to_owned(), |sum| sum.to_string());
                }
                _ => {}
            }
        }
        let last = rest.last().map_or_else(String::new, |last| last.title.clone());
        let value = format!("{} to {last}", summary.title);
        summary.facts.insert(0, Fact { section: Section::Recording, name: "parts".into(), value, tone: Tone::Plain });
        summary.title = format!("{} parts: {} to {last}", self.parts.len(), summary.title);
        summary.end_ns = self.span().1;
        summary.frames = self.frames.len() as u64;
        summary.pads |= rest.iter().any(|part| part.pads);
        (summary.width, summary.height) = self.size();
        if let Some(other) = rest.iter().find(|part| part.state != summary.state) {
            summary.state = format!("{}; a part {}", summary.state, other.state);
        }
        // Clocks of parts drift apart as those of the whole: each measured its own hour.
        summary.drift_ppm = summary.drift_ppm.filter(|_| rest.is_empty());
        summary
    }
}
