//! Reads a log: its chunks in order, what is missing between them, and the facts of the recording.
//!
//! Always by a scan of the database's bytes ([`super::salvage`]), never through the database: what is read is what is there, a log
//! that is being written can be read as well, and reading changes nothing (G7). Every chunk is checked; one that cannot be
//! understood is left out, counted, and becomes a hole.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::chunk::{self, FLAG_FACTS, FLAG_FRAMES};
use super::ending::Ending;
use super::salvage::{self, ChunkFile, Place};
use super::store::DATABASE_FILE;
use super::{Body, LogError, LogPaths, Record, codec};
use crate::event::{Event, Frame};
use crate::time::{Anchor, MonoNs};

/// Facts about the recording: everything in the log that is not an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Facts by key, JSON; the last one of each key.
    pub setup: BTreeMap<String, String>,
    /// Readings of the clocks, in order.
    pub anchors: Vec<Anchor>,
    /// The last state of the hash over the video.
    pub digest: Option<(u64, Vec<u8>)>,
    /// Why and when the recording ended; `None` when it was cut off.
    pub end: Option<(String, MonoNs)>,
    /// Why and when it ended when its log could not be closed.
    pub ending: Option<Ending>,
}

/// Records that were written and are not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first missing record.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Time of the last record before it.
    pub from: MonoNs,
    /// Time of the first record after it.
    pub until: MonoNs,
}

/// A log open for reading.
pub struct LogReader {
    file: RefCell<ChunkFile>,
    chunks: Vec<Place>,
    video_synced: u64,
    /// What the recording says of itself.
    pub facts: Facts,
    /// What is missing.
    pub holes: Vec<Hole>,
    /// Chunks that were there and damaged.
    pub damaged: u64,
    paths: LogPaths,
}

impl LogReader {
    /// Opens a log, also one that is being written.
    ///
    /// # Errors
    /// [`LogError::NoLog`] when there is none; [`LogError::TooNew`] when a newer release wrote it; [`LogError`] when it cannot be
    /// read.
    pub fn open(paths: &LogPaths) -> Result<Self, LogError> {
        let path = paths.events.join(DATABASE_FILE);
        if !path.is_file() {
            return Err(LogError::NoLog { path: paths.dir.clone() });
        }
        let found = salvage::scan(&path)?;
        let mut reader = Self {
            file: RefCell::new(ChunkFile::open(&path)?),
            chunks: found.chunks,
            video_synced: found.video_synced,
            facts: Facts::default(),
            holes: Vec::new(),
            damaged: found.damaged,
            paths: paths.clone(),
        };
        reader.read_facts()?;
        reader.find_holes();
        Ok(reader)
    }

    /// Reads the chunks that hold facts; those that cannot be understood are left out of the log.
    fn read_facts(&mut self) -> Result<(), LogError> {
        let mut bad = Vec::new();
        let mut facts = Facts { ending: Ending::read(&self.paths.ending), ..Facts::default() };
        for (index, place) in self.chunks.iter().enumerate().filter(|(_, place)| place.flags & FLAG_FACTS != 0) {
            match self.read(place) {
                Ok(records) => facts.take(records),
                Err(error @ (LogError::TooNew { .. } | LogError::Io { .. })) => return Err(error),
                Err(_) => bad.push(index),
            }
        }
        for index in bad.into_iter().rev() {
            self.chunks.remove(index);
            self.damaged += 1;
        }
        self.facts = facts;
        Ok(())
    }

    fn find_holes(&mut self) {
        let mut expected = 0;
        // The latest time so far, not that of the chunk before: a frame is appended after later inputs.
        let mut latest = self.chunks.first().map_or(MonoNs(0), |place| place.min_t);
        for place in &self.chunks {
            if place.first > expected {
                let count = place.first - expected;
                self.holes.push(Hole { first: expected, count, from: latest, until: place.min_t.max(latest) });
            }
            expected = expected.max(place.end());
            latest = latest.max(place.max_t);
        }
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> &[Place] {
        &self.chunks
    }

    /// Where the log's files are.
    pub fn paths(&self) -> &LogPaths {
        &self.paths
    }

    /// The records of the chunk at `index` in [`Self::chunks`].
    ///
    /// # Errors
    /// [`LogError::Chunk`] when it cannot be understood, or is not there any more.
    pub fn records(&self, index: usize) -> Result<Vec<Record>, LogError> {
        self.read(&self.chunks[index])
    }

    fn read(&self, place: &Place) -> Result<Vec<Record>, LogError> {
        let mut file = self.file.borrow_mut();
        let gone = |detail: String| LogError::Chunk { action: "read", seq: place.first, detail };
        let (header, body) = chunk::split(file.bytes(place)?).map_err(|error| gone(error.to_string()))?;
        if header.first.0 != place.first {
            return Err(gone("another chunk stands there now".into()));
        }
        codec::records(header.schema, body).map_err(|error| codec_error(&error, header.first.0))
    }

    /// Every record with its number, in order of appending.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u64, Record), LogError>> + '_ {
        (0..self.chunks.len()).flat_map(move |index| {
            let first = self.chunks[index].first;
            let (records, error) = match self.records(index) {
                Ok(records) => (records, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            records.into_iter().enumerate().map(move |(n, record)| Ok((first + n as u64, record))).chain(error)
        })
    }

    /// References to frames that no sync vouches for, in order: those that a recovery must check against the video's bytes.
    /// `video_len` is the video's length: a sync that vouches for more than there is was not honoured.
    ///
    /// # Errors
    /// [`LogError`] when a chunk cannot be read.
    pub fn unsynced_frames(&self, video_len: u64) -> Result<Vec<Frame>, LogError> {
        let synced = self.video_synced.min(video_len);
        let mut out = Vec::new();
        for index in (0..self.chunks.len()).rev() {
            if self.chunks[index].flags & FLAG_FRAMES == 0 {
                continue;
            }
            let Ok(records) = self.records(index) else { continue };
            let mut frames: Vec<_> = records
                .into_iter()
                .filter_map(|record| match record.body {
                    Body::Event(Event::Frame(frame)) => Some(frame),
                    _ => None,
                })
                .collect();
            let before = frames.len();
            frames.retain(|frame| frame.offset.saturating_add(u64::from(frame.size_bytes)) > synced);
            let crossed = frames.len() < before;
            frames.reverse();
            out.extend(frames);
            if crossed {
                break;
            }
        }
        out.reverse();
        Ok(out)
    }
}

fn codec_error(error: &codec::CodecError, seq: u64) -> LogError {
    use watchcap_migrations::log::ShapeError;
    match error {
        codec::CodecError::Shape(ShapeError::TooNew { found, newest }) => {
            LogError::TooNew { found: *found, newest: *newest }
        }
        other => LogError::Chunk { action: "read", seq, detail: other.to_string() },
    }
}

impl Facts {
    /// Takes up the facts among some records.
    fn take(&mut self, records: Vec<Record>) {
        for record in records {
            match record.body {
                Body::Setup { key, json } => {
                    self.setup.insert(key, json);
                }
                Body::Anchor(anchor) => self.anchors.push(anchor),
                Body::Digest { offset, state } => self.digest = Some((offset, state)),
                Body::End { reason } => self.end = Some((reason, record.t)),
                Body::Event(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Gap, Source, Stream};
    use crate::id::Seq;
    use crate::log::chunk::{Header, join};
    use crate::log::codec::ChunkBuilder;

    /// A chunk with one event at each of these times.
    fn made(first: u64, times: &[i64]) -> Vec<u8> {
        let mut builder = ChunkBuilder::default();
        for t in times {
            let gap = Gap { stream: Stream::Input, reason: "test".into(), lost: None, until: MonoNs(*t) };
            let body = Body::Event(Event::Gap(gap));
            builder.push(&Record { t: MonoNs(*t), source: Source::Recorder, body });
        }
        let (wire, flags, min_t, max_t) = builder.take().expect("records");
        let body = watchcap_migrations::log::write(&wire).expect("an archive");
        let header = Header {
            schema: watchcap_migrations::log::CURRENT,
            flags,
            session: 1,
            first: Seq(first),
            count: times.len() as u32,
            min_t,
            max_t,
            video_synced: 0,
        };
        join(&header, &body)
    }

    fn reader(bytes: &[u8]) -> (tempfile::TempDir, LogReader) {
        let dir = tempfile::tempdir().expect("a folder");
        let paths = LogPaths::of(dir.path());
        std::fs::create_dir_all(&paths.events).expect("folders");
        std::fs::write(paths.events.join(DATABASE_FILE), bytes).expect("a file");
        let reader = LogReader::open(&paths).expect("a log");
        (dir, reader)
    }

    #[test]
    fn a_hole_begins_at_the_latest_time_before_it() {
        // An input at 120, then a frame at 100 (appended late), then a chunk that is lost, then one at 200.
        let bytes = [made(0, &[120]), made(1, &[100]), made(3, &[200])].concat();
        let (_dir, reader) = reader(&bytes);
        let hole = Hole { first: 2, count: 1, from: MonoNs(120), until: MonoNs(200) };
        assert_eq!(reader.holes, [hole]);
    }

    #[test]
    fn chunks_are_read_in_order_whatever_their_place() {
        let bytes = [made(4, &[50]), made(0, &[10, 20]), made(2, &[30, 40])].concat();
        let (_dir, reader) = reader(&bytes);
        let seen: Vec<_> = reader
            .iter()
            .map(|entry| entry.map(|(seq, record)| (seq, record.t.0)))
            .collect::<Result<_, _>>()
            .expect("records");
        assert_eq!(seen, [(0, 10), (1, 20), (2, 30), (3, 40), (4, 50)]);
        assert!(reader.holes.is_empty() && reader.damaged == 0);
    }
}
