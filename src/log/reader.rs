//! Reads a log: its chunks in order, what is missing between them, and the facts of the recording.
//!
//! Always by a scan of the database's bytes ([`super::salvage`]), never through the database: what is read is what is there, a log
//! that is being written can be read as well, and reading changes nothing (G7). Every chunk is checked; one that cannot be
//! understood is left out, counted, and becomes a hole. What the database does not have any more, and the copies of the facts
//! ([`super::facts`]) do, is read from there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::chunk::{self, FLAG_FACTS, FLAG_FRAMES, FLAG_PACKETS};
use super::ending::Ending;
use super::salvage::{self, ChunkFile, Place, Scan};
use super::sources::{SOURCES_KEY, SourceNames};
use super::store::DATABASE_FILE;
use super::{Body, LogError, LogPaths, Record, codec};
use crate::base::event::{Event, Frame};
use crate::base::io_error::IoError;
use crate::base::time::{Anchor, MonoNs};
use crate::media::track::{MAX_TRACKS, PacketRef, TrackId};

/// Facts about the recording: everything in the log that is not an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Facts by key, JSON; the last one of each key.
    pub setup: BTreeMap<String, String>,
    /// Readings of the clocks, in order.
    pub anchors: Vec<Anchor>,
    /// The last state of the hash over each track's file, and over how many bytes it is.
    pub digests: BTreeMap<TrackId, (u64, Vec<u8>)>,
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

/// In the last part of a log that was not closed, which no sync vouches for, a hole ends the log: a power cut may have kept a later page of
/// the database and not an earlier one, and what is promised is a loss at the end and no hole in the middle. A sync is due every 40 ms and
/// takes some itself: after 100 everything was on the disk, and a hole is damage, with whole records behind it.
pub const TAIL_NS: i64 = 100_000_000;

/// Most facts by different keys that are kept: the recorder writes some twenty, each at most a chunk.
const MAX_SETUP: usize = 1024;

/// Most readings of the clocks that are kept, one each ten seconds: 3.8 days. Their list is the longest of the metadata, whose readers
/// have a bound as well.
const MAX_ANCHORS: usize = 1 << 15;

/// What became of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Its chunks are there.
    Present,
    /// Its file is there, and no chunk is in it.
    Empty,
    /// Its file is not there.
    Missing,
}

impl Database {
    /// The word for it in metadata and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Empty => "empty",
            Self::Missing => "missing",
        }
    }
}

/// A log open for reading.
pub struct LogReader {
    /// The database, and the file of copies.
    files: [Option<RefCell<ChunkFile>>; 2],
    chunks: Vec<Place>,
    video_synced: u64,
    /// Last 8 bytes of the session's UUID, as chunks say it; `None` when there is no chunk.
    pub session: Option<u64>,
    /// What became of the database.
    pub database: Database,
    /// Bytes of the database's file.
    pub database_bytes: u64,
    /// Chunks that only the file of copies has.
    pub from_copies: u64,
    /// What the recording says of itself.
    pub facts: Facts,
    /// What is missing.
    pub holes: Vec<Hole>,
    /// Chunks that were there and damaged.
    pub damaged: u64,
    /// Records that are there and left out: they stand behind a hole in the last [`TAIL_NS`] of a log that was not closed.
    pub cut: u64,
    names: SourceNames,
    paths: LogPaths,
}

impl LogReader {
    /// Opens a log, also one that is being written, and also one of which nothing is left but the video.
    ///
    /// # Errors
    /// [`LogError::NoLog`] when there is none; [`LogError::TooNew`] when a newer release wrote it; [`LogError`] when it cannot be
    /// read.
    pub fn open(paths: &LogPaths) -> Result<Self, LogError> {
        if !paths.is_there()? {
            return Err(LogError::NoLog { path: paths.dir.clone() });
        }
        let (events, path) = (paths.events.join(DATABASE_FILE), &paths.facts);
        // The copies first: a chunk goes into the database before, so that of a log that is being written none is missed.
        let copies = scan_if_there(path)?;
        let found = scan_if_there(&events)?;
        let database = match &found {
            Some((found, _)) if found.chunks.is_empty() => Database::Empty,
            Some(_) => Database::Present,
            None => Database::Missing,
        };
        let (found, file) = found.map_or_else(|| (Scan::default(), None), |(found, file)| (found, Some(file)));
        let mut reader = Self {
            chunks: found.chunks,
            video_synced: found.video_synced,
            session: found.session,
            database,
            database_bytes: found.file_bytes,
            from_copies: 0,
            facts: Facts::default(),
            holes: Vec::new(),
            damaged: found.damaged,
            cut: 0,
            names: SourceNames::default(),
            paths: paths.clone(),
            files: [file.map(RefCell::new), None],
        };
        if let Some((copies, file)) = copies {
            reader.take_copies(copies);
            reader.files[1] = Some(RefCell::new(file));
        }
        reader.drop_overlapping();
        reader.read_facts()?;
        reader.find_holes();
        if reader.cut_tail() {
            reader.read_facts()?;
        }
        Ok(reader)
    }

    /// Takes the chunks that the database does not have from the copies, unless they are of another recording.
    fn take_copies(&mut self, copies: Scan) {
        if self.session.is_some() && copies.session != self.session {
            return;
        }
        self.session = copies.session;
        self.video_synced = self.video_synced.max(copies.video_synced);
        let have = self.chunks.len();
        for place in copies.chunks {
            if self.chunks[..have].binary_search_by_key(&place.first, |known| known.first).is_err() {
                self.chunks.push(Place { copy: true, ..place });
                self.from_copies += 1;
            }
        }
        self.chunks.sort_by_key(|place| place.first);
    }

    /// Leaves out chunks that begin inside of the one before: no recorder writes a record twice, so one of the two is none of its.
    fn drop_overlapping(&mut self) {
        let (before, mut end) = (self.chunks.len(), 0);
        self.chunks.retain(|place| {
            let behind = place.first >= end;
            end = if behind { place.end() } else { end };
            behind
        });
        self.damaged += (before - self.chunks.len()) as u64;
    }

    /// Reads the chunks that hold facts; those that cannot be understood are left out of the log.
    fn read_facts(&mut self) -> Result<(), LogError> {
        let mut bad = Vec::new();
        let mut facts = Facts { ending: Ending::read(&self.paths.ending), ..Facts::default() };
        for (index, place) in self.chunks.iter().enumerate().filter(|(_, place)| place.flags & FLAG_FACTS != 0) {
            match self.read(place) {
                Ok(records) => facts.take(records),
                Err(error @ (LogError::TooNew { .. } | LogError::Io(_))) => return Err(error),
                Err(_) => bad.push(index),
            }
        }
        for index in bad.into_iter().rev() {
            self.chunks.remove(index);
            self.damaged += 1;
        }
        self.names = facts.source_names();
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

    /// Ends a log that was not closed at the first hole in its last part; true when there is one.
    fn cut_tail(&mut self) -> bool {
        if self.facts.end.is_some() {
            return false;
        }
        let latest = self.chunks.iter().map(|place| place.max_t.0).max().unwrap_or(0);
        let Some(at) =
            self.holes.iter().position(|hole| latest.saturating_sub(hole.from.0) <= TAIL_NS && hole.first > 0)
        else {
            return false;
        };
        let end = self.chunks.partition_point(|place| place.first < self.holes[at].first);
        self.cut = self.chunks.drain(end..).map(|place| u64::from(place.count)).sum();
        self.holes.truncate(at);
        true
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> &[Place] {
        &self.chunks
    }

    /// Bytes of the video that were on the disk for certain when the last chunk was cut.
    pub fn video_synced(&self) -> u64 {
        self.video_synced
    }

    /// How many bytes of each further track's file were on the disk for certain when the last chunk was cut.
    pub fn tracks_synced(&self) -> BTreeMap<TrackId, u64> {
        let said = self.chunks.iter().rev().find_map(|place| {
            let mut file = self.files[usize::from(place.copy)].as_ref()?.borrow_mut();
            let (header, body) = chunk::split(file.bytes(place).ok()?).ok()?;
            Some(codec::synced(header.schema, body))
        });
        said.unwrap_or_default().into_iter().collect()
    }

    /// Which source each number in the log stands for.
    pub fn names(&self) -> &SourceNames {
        &self.names
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
        let gone = |detail: String| LogError::Chunk { action: "read", seq: place.first, detail };
        let file = self.files[usize::from(place.copy)].as_ref().ok_or_else(|| gone("its file is not there".into()))?;
        let mut file = file.borrow_mut();
        let (header, body) = chunk::split(file.bytes(place)?).map_err(|error| gone(error.to_string()))?;
        if header.first.0 != place.first {
            return Err(gone("another chunk stands there now".into()));
        }
        let records =
            codec::records(header.schema, body, &self.names).map_err(|error| codec_error(&error, header.first.0))?;
        // What was said to be in it is believed where it is not read, so it must be true.
        let in_time = |record: &Record| (header.min_t..=header.max_t).contains(&record.t);
        if records.len() != header.count as usize || !records.iter().all(in_time) {
            return Err(gone("its records are not those of its header".to_owned()));
        }
        Ok(records)
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

    /// The references to frames in the chunk at `index`, in order; none when it cannot be understood.
    pub fn frames(&self, index: usize) -> Vec<Frame> {
        if self.chunks[index].flags & FLAG_FRAMES == 0 {
            return Vec::new();
        }
        let frame = |record: Record| match record.body {
            Body::Event(Event::Frame(frame)) => Some(frame),
            _ => None,
        };
        self.records(index).map(|records| records.into_iter().filter_map(frame).collect()).unwrap_or_default()
    }
}

impl LogReader {
    /// The references to packets of a further track with the times of their first samples, in order of appending; those in chunks
    /// that cannot be understood are left out.
    pub fn packets(&self, track: TrackId) -> impl Iterator<Item = (MonoNs, PacketRef)> + '_ {
        let with_packets = (0..self.chunks.len()).filter(|index| self.chunks[*index].flags & FLAG_PACKETS != 0);
        with_packets.flat_map(move |index| {
            let records = self.records(index).unwrap_or_default();
            records.into_iter().filter_map(move |record| match record.body {
                Body::Packet(packet) if packet.track == track => Some((record.t, packet)),
                _ => None,
            })
        })
    }
}

/// Scans a file for chunks and opens it; `None` when it is not there.
fn scan_if_there(path: &Path) -> Result<Option<(Scan, ChunkFile)>, LogError> {
    if !crate::base::files::is_there(path).map_err(IoError::at("look at", path))? {
        return Ok(None);
    }
    Ok(Some((salvage::scan(path)?, ChunkFile::open(path)?)))
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
    /// Which source each number in the log stands for.
    pub fn source_names(&self) -> SourceNames {
        self.setup.get(SOURCES_KEY).and_then(|json| SourceNames::from_json(json)).unwrap_or_default()
    }

    /// Takes up the facts among some records.
    fn take(&mut self, records: Vec<Record>) {
        for record in records {
            match record.body {
                Body::Setup { key, json } => {
                    if self.setup.len() < MAX_SETUP || self.setup.contains_key(&key) {
                        self.setup.insert(key, json);
                    }
                }
                Body::Anchor(anchor) => {
                    if self.anchors.len() < MAX_ANCHORS {
                        self.anchors.push(anchor);
                    }
                }
                Body::Digest { track, offset, state } => {
                    if self.digests.len() < MAX_TRACKS || self.digests.contains_key(&track) {
                        self.digests.insert(track, (offset, state));
                    }
                }
                Body::End { reason } => self.end = Some((reason, record.t)),
                Body::Event(_) | Body::Packet(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::event::{Gap, Source, Stream};
    use crate::base::id::Seq;
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
        // An input at 120, then a frame at 100 (appended late), then a chunk that is lost, then one at 0.2 s.
        let until = 200_000_000;
        let bytes = [made(0, &[120]), made(1, &[100]), made(3, &[until])].concat();
        let (_dir, reader) = reader(&bytes);
        let hole = Hole { first: 2, count: 1, from: MonoNs(120), until: MonoNs(until) };
        assert_eq!(reader.holes, [hole]);
    }

    #[test]
    fn a_hole_in_the_unsynced_tail_ends_the_log_and_an_earlier_one_does_not() {
        let ms = |t: i64| t * 1_000_000;
        let bytes = [made(0, &[ms(10)]), made(2, &[ms(200)]), made(3, &[ms(290)]), made(5, &[ms(300)])].concat();
        let (_dir, reader) = reader(&bytes);
        assert_eq!(reader.holes.iter().map(|hole| hole.first).collect::<Vec<_>>(), [1]);
        assert_eq!(reader.chunks().iter().map(|place| place.first).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(reader.cut, 1);
    }

    #[test]
    fn no_record_is_read_twice_although_chunks_overlap() {
        let bytes = [made(0, &[10, 20, 30]), made(2, &[30, 40]), made(3, &[40])].concat();
        let (_dir, reader) = reader(&bytes);
        let seen: Vec<_> = reader.iter().flatten().map(|(seq, _)| seq).collect();
        assert_eq!((seen, reader.damaged), (vec![0, 1, 2, 3], 1));
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
