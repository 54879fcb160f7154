//! The records of a log in the order of the table: by time, then by arrival.
//!
//! Records arrive almost in order of time (a frame is appended after its encoding, an input at once). Every chunk's header
//! carries the span of its times, so it is known exactly how far the order is final: memory holds only what is really out of
//! order, however long the recording is. Where records are missing stands what is known of them: the frames that were found
//! by their SEI, and a gap for the rest.

use super::missing::FoundFrame;
use crate::base::event::{Event, Gap, Source, Stream};
use crate::base::time::MonoNs;
use crate::log::ending::Ending;
use crate::log::reader::LogReader;
use crate::log::{Body, LogError, Record};
use crate::privacy::consent::WITHDRAWN;

/// Most records that wait for others to come before them. What a recorder writes is out of order by what its queues hold, 65,536 inputs;
/// beyond this the rows are not in the order of time, and what is made of them is refused when it is read back.
const MAX_WAITING: usize = 1 << 18;

/// What is taken up in one step.
#[derive(Clone, Copy)]
enum Piece {
    /// A chunk, by its index.
    Chunk(usize),
    /// A hole, by its index, and its frames.
    Hole(usize, Frames),
    /// What was found behind the last record.
    Tail(Frames),
}

/// A range of the frames that were found.
#[derive(Clone, Copy)]
struct Frames {
    from: usize,
    until: usize,
}

/// Merges the chunks of a log.
pub struct Merge<'a> {
    reader: &'a LogReader,
    found: &'a [FoundFrame],
    pieces: Vec<Piece>,
    next: usize,
    unreadable: u64,
    /// What the recorder left beside a log that it could not close; taken at the end.
    ending: Option<Ending>,
    /// `bound[i]`: smallest time in piece `i` and all behind it.
    bound: Vec<MonoNs>,
    /// Read and not final yet.
    waiting: Vec<(u64, Record)>,
    /// The smallest time among them.
    earliest: MonoNs,
}

impl<'a> Merge<'a> {
    /// A merge from the beginning; `found` are the frames that were found by their SEI, in order; `closed` are the streams whose consent
    /// was taken back, and when, which is a gap from there to the end.
    pub fn new(reader: &'a LogReader, found: &'a [FoundFrame], closed: &[(Stream, MonoNs)]) -> Self {
        let chunks = reader.chunks();
        let mut pieces = Vec::with_capacity(chunks.len() + reader.holes.len() + 1);
        let (mut hole, mut from) = (0, 0);
        for (index, chunk) in chunks.iter().enumerate() {
            while reader.holes.get(hole).is_some_and(|hole| hole.first < chunk.first) {
                let until = from + found[from..].partition_point(|found| found.hole.is_some_and(|of| of <= hole));
                pieces.push(Piece::Hole(hole, Frames { from, until }));
                (hole, from) = (hole + 1, until);
            }
            pieces.push(Piece::Chunk(index));
        }
        let ending = reader.facts.ending.clone().filter(|_| reader.facts.end.is_none());
        if from < found.len() || ending.is_some() {
            pieces.push(Piece::Tail(Frames { from, until: found.len() }));
        }
        let mut bound = vec![MonoNs(i64::MAX); pieces.len() + 1];
        for (index, piece) in pieces.iter().enumerate().rev() {
            let of_frames =
                |frames: &Frames| found[frames.from..frames.until].first().map_or(MonoNs(i64::MAX), |found| found.t);
            let min = match piece {
                Piece::Chunk(chunk) => chunks[*chunk].min_t,
                Piece::Hole(hole, frames) => reader.holes[*hole].from.min(of_frames(frames)),
                // The gaps of the recorder's account begin at the last time of any record, which no row before is behind.
                Piece::Tail(frames) => of_frames(frames),
            };
            bound[index] = bound[index + 1].min(min);
        }
        let end = reader.facts.end.as_ref().map(|(_, t)| *t);
        let last = end.max(chunks.iter().map(|chunk| chunk.max_t).max()).max(found.last().map(|found| found.t));
        let waiting = closed.iter().map(|(stream, t)| {
            let until = last.map_or(*t, |last| last.max(*t));
            let gap = Gap { stream: *stream, reason: WITHDRAWN.to_owned(), lost: Some(0), until };
            // Behind everything of the same time.
            (u64::MAX, Record { t: *t, source: Source::Recorder, body: Body::Event(Event::Gap(gap)) })
        });
        let waiting: Vec<_> = waiting.collect();
        let earliest = waiting.iter().map(|(_, record)| record.t).min().unwrap_or(MonoNs(i64::MAX));
        Self { reader, found, pieces, next: 0, unreadable: 0, ending, bound, waiting, earliest }
    }

    fn lost(&mut self, seq: u64, lost: Option<u64>, from: MonoNs, until: MonoNs) {
        let gap = Gap { stream: Stream::Log, reason: "records_lost".to_owned(), lost, until };
        self.waiting.push((seq, Record { t: from, source: Source::Recorder, body: Body::Event(Event::Gap(gap)) }));
    }

    fn give_back(&mut self, seq: u64, frames: Frames) {
        let frames = self.found[frames.from..frames.until].iter().map(|found| {
            let body = Body::Event(Event::Frame(found.frame.clone()));
            (seq, Record { t: found.t, source: Source::Recorder, body })
        });
        self.waiting.extend(frames);
    }

    /// Frames that were found behind the last record.
    fn found_behind(&self) -> u64 {
        self.found.iter().rev().take_while(|found| found.hole.is_none()).count() as u64
    }

    /// What a recording that could not close its log took and did not store, by its own count.
    fn lost_at_the_end(&mut self) {
        let Some(ending) = self.ending.take() else { return };
        let (_, from) = self.end();
        let until = MonoNs(ending.t_ns).max(from);
        for stream in Stream::ALL {
            // Frames that were found in the video are not lost.
            let found = if stream == Stream::Screen { self.found_behind() } else { 0 };
            let lost = ending.lost.get(stream.name()).copied().unwrap_or(0).saturating_sub(found);
            if lost == 0 {
                continue;
            }
            let gap = Gap { stream, reason: ending.failure.clone(), lost: Some(lost), until };
            let record = Record { t: from, source: Source::Recorder, body: Body::Event(Event::Gap(gap)) };
            self.waiting.push((u64::MAX, record));
        }
    }

    /// Chunks that were whole and could not be understood, so far.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// How much has been read, of how much.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.pieces.len())
    }

    fn take(&mut self, piece: Piece) -> Result<(), LogError> {
        match piece {
            Piece::Chunk(index) => {
                let chunk = self.reader.chunks()[index];
                let records = match self.reader.records(index) {
                    Ok(records) => records,
                    // One chunk that cannot be understood is a hole and not the end of the log.
                    Err(LogError::Chunk { .. }) => {
                        self.unreadable += 1;
                        self.lost(chunk.first, Some(u64::from(chunk.count)), chunk.max_t, chunk.max_t);
                        Vec::new()
                    }
                    Err(error) => return Err(error),
                };
                let numbered = records.into_iter().zip(chunk.first..).map(|(record, seq)| (seq, record));
                self.waiting.extend(numbered.filter(|(_, record)| matches!(record.body, Body::Event(_))));
            }
            Piece::Hole(index, frames) => {
                let hole = self.reader.holes[index];
                let lost = hole.count.saturating_sub((frames.until - frames.from) as u64);
                if lost > 0 {
                    self.lost(hole.first, Some(lost), hole.from, hole.until);
                }
                self.give_back(hole.first, frames);
            }
            Piece::Tail(frames) => {
                let (seq, from) = self.end();
                // What else was recorded beside these frames is not known, unless the recorder left its count.
                if let Some(last) = self.found[frames.from..frames.until].last()
                    && self.ending.is_none()
                {
                    let until = last.t;
                    self.lost(seq, None, from.min(until), until);
                }
                self.give_back(seq, frames);
                self.lost_at_the_end();
            }
        }
        Ok(())
    }

    /// The number behind the last record, and the last time of any; without records, the time of the first frame.
    fn end(&self) -> (u64, MonoNs) {
        let chunks = self.reader.chunks();
        let seq = chunks.last().map_or(0, crate::log::salvage::Place::end);
        let first = self.found.first().map_or(MonoNs(0), |found| found.t);
        (seq, chunks.iter().map(|chunk| chunk.max_t).max().unwrap_or(first))
    }

    /// The next records of the table, all of one time together; `None` at the end. Facts are left out.
    ///
    /// # Errors
    /// [`LogError`] when a chunk cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Vec<(u64, Record)>>, LogError> {
        loop {
            let Some(piece) = self.pieces.get(self.next).copied() else {
                let mut rest = std::mem::take(&mut self.waiting);
                rest.sort_by_key(|(seq, record)| (record.t, *seq));
                return Ok((!rest.is_empty()).then_some(rest));
            };
            let before = self.waiting.len();
            self.take(piece)?;
            self.next += 1;
            let bound = self.bound[self.next];
            let taken = self.waiting[before..].iter().map(|(_, record)| record.t).min();
            self.earliest = taken.map_or(self.earliest, |taken| self.earliest.min(taken));
            if self.earliest >= bound && self.waiting.len() <= MAX_WAITING {
                continue;
            }
            // Nearly sorted already, which this sort is made for.
            self.waiting.sort_by_key(|(seq, record)| (record.t, *seq));
            let ready = match self.waiting.partition_point(|(_, record)| record.t < bound) {
                _ if self.waiting.len() > MAX_WAITING => self.waiting.len(),
                ready => ready,
            };
            if ready > 0 {
                let rest = self.waiting.split_off(ready);
                self.earliest = rest.first().map_or(MonoNs(i64::MAX), |(_, record)| record.t);
                return Ok(Some(std::mem::replace(&mut self.waiting, rest)));
            }
        }
    }
}
