//! The records of a log in the order of the table: by time, then by arrival.
//!
//! Records arrive almost in order of time (a frame is appended after its encoding, an input at once). Every chunk's header
//! carries the span of its times, so it is known exactly how far the order is final: memory holds only what is really out of
//! order, however long the recording is.

use crate::event::{Event, Gap, Source, Stream};
use crate::log::reader::LogReader;
use crate::log::{Body, LogError, Record};
use crate::time::MonoNs;

/// Merges the chunks of a log.
pub struct Merge<'a> {
    reader: &'a LogReader,
    next: usize,
    /// `bound[i]`: smallest time in chunk `i` and all behind it.
    bound: Vec<MonoNs>,
    /// Read and not final yet, sorted.
    waiting: Vec<(u64, Record)>,
}

impl<'a> Merge<'a> {
    /// A merge from the beginning.
    pub fn new(reader: &'a LogReader) -> Self {
        let headers = reader.headers();
        let mut bound = vec![MonoNs(i64::MAX); headers.len() + 1];
        for index in (0..headers.len()).rev() {
            bound[index] = bound[index + 1].min(headers[index].min_t);
        }
        Self { reader, next: 0, bound, waiting: Vec::new() }
    }

    /// How many chunks have been read, of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.reader.headers().len())
    }

    /// The next records of the table, all of one time together; `None` at the end. Facts are left out.
    ///
    /// # Errors
    /// [`LogError`] when a chunk cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Vec<(u64, Record)>>, LogError> {
        loop {
            if self.next >= self.reader.headers().len() {
                let rest = std::mem::take(&mut self.waiting);
                return Ok((!rest.is_empty()).then_some(rest));
            }
            let header = self.reader.headers()[self.next];
            for hole in self.reader.holes.iter().filter(|h| h.first + h.count == header.first.0) {
                let reason = "records_lost".to_owned();
                let gap = Gap { stream: Stream::Log, reason, lost: Some(hole.count), until: hole.until };
                let body = Body::Event(Event::Gap(gap));
                self.waiting.push((hole.first, Record { t: hole.from, source: Source::Recorder, body }));
            }
            let records = self.reader.records(self.next)?;
            self.next += 1;
            let numbered = records.into_iter().zip(header.first.0..).map(|(record, seq)| (seq, record));
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
