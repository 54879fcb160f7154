//! Reads a log: its chunks in order, what is missing between them, and the facts of the recording.
//!
//! Two ways: [`LogReader::open`] through the database, for `finalize` (which holds the lock); [`LogReader::peek`] by a scan of
//! the raw bytes, for a log that is being written or that sled refuses. Both check every chunk. Neither changes what the log
//! says (G7).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use super::chunk::{self, FLAG_FACTS, FLAG_FRAMES, Header};
use super::salvage::{self, Place};
use super::store::{DATABASE_FILE, Store};
use super::{Body, LogError, LogPaths, Record, codec, io_error};
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

enum Backing {
    Database(Store),
    Bytes { path: PathBuf, places: Vec<Place> },
}

/// A log open for reading.
pub struct LogReader {
    backing: Backing,
    /// Header of every whole chunk, in order.
    headers: Vec<Header>,
    /// What the recording says of itself.
    pub facts: Facts,
    /// What is missing.
    pub holes: Vec<Hole>,
    /// Chunks that were there and damaged.
    pub damaged: u64,
    /// Why the database could not be used and its bytes were scanned, when that was so.
    pub salvaged: Option<String>,
    paths: LogPaths,
}

impl LogReader {
    /// Opens the log through its database; where sled refuses, through a scan of its bytes.
    ///
    /// # Errors
    /// [`LogError::NoLog`] when there is none; [`LogError`] when it cannot be read at all.
    pub fn open(paths: &LogPaths) -> Result<Self, LogError> {
        let file = paths.events.join(DATABASE_FILE);
        if !file.is_file() {
            return Err(LogError::NoLog { path: paths.dir.clone() });
        }
        let opened = Store::open(&paths.events).and_then(|store| {
            let mut headers = Vec::new();
            let mut damaged = 0;
            let mut facts = Facts::default();
            for entry in store.chunks() {
                let (key, bytes) = entry?;
                match chunk::split(&bytes) {
                    Ok((header, body)) if header.first == key => {
                        facts.take(&header, body)?;
                        headers.push(header);
                    }
                    Ok(_) | Err(_) => damaged += 1,
                }
            }
            Ok((store, headers, damaged, facts))
        });
        match opened {
            Ok((store, headers, damaged, facts)) if damaged == 0 => {
                Ok(Self::new(Backing::Database(store), headers, facts, damaged, None, paths))
            }
            Ok((store, _, damaged, _)) => {
                drop(store);
                Self::scan(paths, Some(format!("{damaged} chunks in the database are damaged")))
            }
            Err(error @ LogError::Database { .. }) => Self::scan(paths, Some(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Opens the log by a scan of its bytes, without the database and without a lock.
    ///
    /// # Errors
    /// [`LogError::NoLog`] when there is none; [`LogError`] when it cannot be read.
    pub fn peek(paths: &LogPaths) -> Result<Self, LogError> {
        if !paths.events.join(DATABASE_FILE).is_file() {
            return Err(LogError::NoLog { path: paths.dir.clone() });
        }
        Self::scan(paths, None)
    }

    fn scan(paths: &LogPaths, salvaged: Option<String>) -> Result<Self, LogError> {
        let path = paths.events.join(DATABASE_FILE);
        let found = salvage::scan(&path)?;
        let mut file = File::open(&path).map_err(io_error("open", &path))?;
        let mut facts = Facts::default();
        let (mut headers, mut places) = (Vec::new(), Vec::new());
        for place in found.chunks.into_values() {
            if place.header.flags & FLAG_FACTS != 0 {
                let bytes = salvage::read(&mut file, &path, &place)?;
                if let Ok((header, body)) = chunk::split(&bytes) {
                    facts.take(&header, body)?;
                }
            }
            headers.push(place.header);
            places.push(place);
        }
        Ok(Self::new(Backing::Bytes { path, places }, headers, facts, found.damaged, salvaged, paths))
    }

    fn new(
        backing: Backing,
        headers: Vec<Header>,
        facts: Facts,
        damaged: u64,
        salvaged: Option<String>,
        paths: &LogPaths,
    ) -> Self {
        let mut holes = Vec::new();
        let mut expected = 0;
        let mut last = headers.first().map_or(MonoNs(0), |h| h.min_t);
        for header in &headers {
            if header.first.0 > expected {
                let count = header.first.0 - expected;
                holes.push(Hole { first: expected, count, from: last, until: header.min_t.max(last) });
            }
            expected = header.end();
            last = header.max_t;
        }
        Self { backing, headers, facts, holes, damaged, salvaged, paths: paths.clone() }
    }

    /// Headers of the chunks, in order.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Where the log's files are.
    pub fn paths(&self) -> &LogPaths {
        &self.paths
    }

    /// The records of the chunk at `index` in [`Self::headers`].
    ///
    /// # Errors
    /// [`LogError`] when it cannot be read any more.
    pub fn records(&self, index: usize) -> Result<Vec<Record>, LogError> {
        let header = self.headers[index];
        let gone = |detail: String| LogError::Chunk { action: "read", seq: header.first.0, detail };
        let decode = |bytes: &[u8]| {
            let (header, body) = chunk::split(bytes).map_err(|e| gone(e.to_string()))?;
            codec::records(header.schema, body).map_err(|e| codec_error(&e, header.first.0))
        };
        match &self.backing {
            Backing::Database(store) => {
                decode(&store.get(header.first)?.ok_or_else(|| gone("it is not there any more".into()))?)
            }
            Backing::Bytes { path, places } => {
                let mut file = File::open(path).map_err(io_error("open", path))?;
                decode(&salvage::read(&mut file, path, &places[index])?)
            }
        }
    }

    /// Every record with its number, in order of appending.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u64, Record), LogError>> + '_ {
        (0..self.headers.len()).flat_map(move |index| {
            let first = self.headers[index].first.0;
            let (records, error) = match self.records(index) {
                Ok(records) => (records, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            records.into_iter().enumerate().map(move |(n, record)| Ok((first + n as u64, record))).chain(error)
        })
    }

    /// References to frames that no sync vouches for, in order: those that a recovery must check against the video's bytes.
    ///
    /// # Errors
    /// [`LogError`] when a chunk cannot be read.
    pub fn unsynced_frames(&self) -> Result<Vec<(Frame, MonoNs)>, LogError> {
        let synced = self.headers.last().map_or(0, |h| h.video_synced);
        let mut out = Vec::new();
        for index in (0..self.headers.len()).rev() {
            if self.headers[index].flags & FLAG_FRAMES == 0 {
                continue;
            }
            let mut frames: Vec<_> = self
                .records(index)?
                .into_iter()
                .filter_map(|record| match record.body {
                    Body::Event(Event::Frame(frame)) => Some((frame, record.t)),
                    _ => None,
                })
                .collect();
            let before = frames.len();
            frames.retain(|(frame, _)| frame.offset + u64::from(frame.size_bytes) > synced);
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
    /// Takes up the facts of a chunk.
    fn take(&mut self, header: &Header, body: &[u8]) -> Result<(), LogError> {
        if header.flags & FLAG_FACTS == 0 {
            return Ok(());
        }
        for record in codec::records(header.schema, body).map_err(|e| codec_error(&e, header.first.0))? {
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
        Ok(())
    }
}
