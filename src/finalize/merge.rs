//! The records of a log in the order of the table: by time, then by arrival.
//!
//! Records arrive almost in order of time (a frame is appended after its encoding, an input at once). Every chunk's header
//! carries the span of its times, so it is known exactly how far the order is final: memory holds only what is really out of
//! order, however long the recording is.

use crate::event::{Event, Gap, Source, Stream};
use crate::log::ending::Ending;
use crate::log::reader::LogReader;
use crate::log::{Body, LogError, Record};
use crate::time::MonoNs;

/// Merges the chunks of a log.
pub struct Merge<'a> {
    reader: &'a LogReader,
    next: usize,
    next_hole: usize,
    unreadable: u64,
    /// What the recorder left beside a log that it could not close; taken at the end.
    ending: Option<Ending>,
    /// `bound[i]`: smallest time in chunk `i` and all behind it.
    bound: Vec<MonoNs>,
    /// Read and not final yet, sorted.
    waiting: Vec<(u64, Record)>,
}

impl<'a> Merge<'a> {
    /// A merge from the beginning.
    pub fn new(reader: &'a LogReader) -> Self {
        let chunks = reader.chunks();
        let mut bound = vec![MonoNs(i64::MAX); chunks.len() + 1];
        for index in (0..chunks.len()).rev() {
            bound[index] = bound[index + 1].min(chunks[index].min_t);
        }
        let ending = reader.facts.ending.clone().filter(|_| reader.facts.end.is_none());
        Self { reader, next: 0, next_hole: 0, unreadable: 0, ending, bound, waiting: Vec::new() }
    }

    fn lost(&mut self, first: u64, count: u64, from: MonoNs, until: MonoNs) {
        let gap = Gap { stream: Stream::Log, reason: "records_lost".to_owned(), lost: Some(count), until };
        self.waiting.push((first, Record { t: from, source: Source::Recorder, body: Body::Event(Event::Gap(gap)) }));
    }

    /// What a recording that could not close its log took and did not store, by its own count.
    fn lost_at_the_end(&mut self) {
        let Some(ending) = self.ending.take() else { return };
        let from = self.reader.chunks().iter().map(|chunk| chunk.max_t).max().unwrap_or(MonoNs(ending.t_ns));
        let until = MonoNs(ending.t_ns).max(from);
        for stream in Stream::ALL {
            let Some(lost) = ending.lost.get(stream.name()).copied().filter(|lost| *lost > 0) else { continue };
            let gap = Gap { stream, reason: ending.failure.clone(), lost: Some(lost), until };
            let record = Record { t: from, source: Source::Recorder, body: Body::Event(Event::Gap(gap)) };
            self.waiting.push((u64::MAX, record));
        }
    }

    /// Chunks that were whole and could not be understood, so far.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// How many chunks have been read, of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.reader.chunks().len())
    }

    /// The next records of the table, all of one time together; `None` at the end. Facts are left out.
    ///
    /// # Errors
    /// [`LogError`] when a chunk cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Vec<(u64, Record)>>, LogError> {
        loop {
            if self.next >= self.reader.chunks().len() {
                self.lost_at_the_end();
                let rest = std::mem::take(&mut self.waiting);
                return Ok((!rest.is_empty()).then_some(rest));
            }
            let chunk = self.reader.chunks()[self.next];
            while let Some(hole) = self.reader.holes.get(self.next_hole).filter(|hole| hole.first < chunk.first) {
                self.next_hole += 1;
                self.lost(hole.first, hole.count, hole.from, hole.until);
            }
            let records = match self.reader.records(self.next) {
                Ok(records) => records,
                // One chunk that cannot be understood is a hole and not the end of the log.
                Err(LogError::Chunk { .. }) => {
                    self.unreadable += 1;
                    self.lost(chunk.first, u64::from(chunk.count), chunk.max_t, chunk.max_t);
                    Vec::new()
                }
                Err(error) => return Err(error),
            };
            self.next += 1;
            let numbered = records.into_iter().zip(chunk.first..).map(|(record, seq)| (seq, record));
            self.waiting.extend(numbered.filter(|(_, record)| matches!(record.body, Body::Event(_))));
            // Nearly sorted already, which this sort is made for.
            self.waiting.sort_by_key(|(seq, record)| (record.t, *seq));
            let bound = self.bound[self.next];
            let ready = self.waiting.partition_point(|(_, record)| record.t < bound);
            if ready > 0 {
                let rest = self.waiting.split_off(ready);
                return Ok(Some(std::mem::replace(&mut self.waiting, rest)));
            }
        }
    }
}
