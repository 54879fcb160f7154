//! A log for the player: one that a crash left, one that waits for being sealed, and one that is being recorded right now.
//!
//! Invariants: nothing is written and no lock is waited for (G7). Frames have the numbers that `finalize` gives them, since the
//! same code numbers them ([`RowMaker`]), and rows are made by it, too. Memory follows the chunks, 56 bytes each, and the frames,
//! never the rows: those are read again when they are asked for. A recording is followed by a scan of what the database's file has
//! grown by; sled also writes into segments that it freed, so when nothing new comes although the file changes, all of it is scanned.

use std::convert::Infallible;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime};

use watchcap_replay::{Fact, Mask, Section, Summary, Tone};

use super::chunks::Chunks;
use crate::base::event::{Event, Frame, Gap, Stream};
use crate::base::file_at::read_exact_at;
use crate::base::shown::shell;
use crate::base::time::{Clock as _, MonoNs, SystemClock};
use crate::finalize::FinalizeError;
use crate::finalize::describe::{Outcome, Story, VideoState};
use crate::finalize::missing::FoundFrame;
use crate::finalize::rows::RowMaker;
use crate::finalize::source::LogSource;
use crate::log::chunk::{self, FLAG_FACTS, FLAG_FRAMES};
use crate::log::lock::LogLock;
use crate::log::reader::{Hole, LogReader};
use crate::log::salvage::{self, Place};
use crate::log::setup::TRACKS_KEY;
use crate::log::sources::{SOURCES_KEY, SourceNames};
use crate::log::store::DATABASE_FILE;
use crate::log::{Body, LogError, LogPaths, Record, codec};
use crate::media::mp4::index::Sample;
use crate::media::track::CodecConfig;
use crate::play::log::rows;
use crate::play::log::rows::{event_record, frame_record, is_frame};
use crate::play::reel::{FrameTimes, Reel};
use crate::play::sealed;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::table::row::OwnedRow;
use crate::session::table::write::TableSummary;

/// Between two looks at a log that grows.
const LOOK: Duration = Duration::from_millis(50);
/// How long the first records of a recording that has just begun are waited for.
const BEGIN: Duration = Duration::from_secs(3);
/// Between two questions for who holds the lock.
const ASK: Duration = Duration::from_millis(500);
/// sled's segments: it writes one from its beginning to its end.
const SEGMENT: u64 = 512 << 10;
/// Looks without anything new, although the file has changed, before all of it is scanned.
const PATIENCE: u32 = 5;
/// A whole scan waits at least this many times as long as the last one took.
const SCAN_SHARE: u32 = 20;

/// What is going on with the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Recording,
    Finalizing,
    Closed,
    Crashed,
    Sealed,
    Gone,
}

impl State {
    fn words(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Finalizing => "being sealed",
            Self::Closed => "closed, not sealed",
            Self::Crashed => "crashed, not sealed",
            Self::Sealed => "sealed",
            Self::Gone => "log deleted",
        }
    }
}

/// What was read so far.
struct Read {
    chunks: Chunks,
    holes: Vec<Hole>,
    found: Vec<FoundFrame>,
    /// Numbers the frames; its samples are the video's index.
    frames: RowMaker,
    metadata: Metadata,
    config: Option<CodecConfig>,
    surface: (u32, u32),
    /// Which source each number in the log stands for.
    names: SourceNames,
    /// The end was written.
    ended: bool,
    state: State,
}

/// How the log is followed.
struct Following {
    looked: MonoNs,
    asked: MonoNs,
    /// Length and time of change of the database's file at the last look.
    seen: Option<(u64, SystemTime)>,
    /// Where the last chunk lies: the scan begins at its segment.
    tail: u64,
    idle: u32,
    scanned: MonoNs,
    scan_took: Duration,
    /// Chunks that came before those that stand before them.
    early: Vec<Place>,
    early_since: Option<MonoNs>,
}

/// A log for the player.
pub(crate) struct LogReel {
    dir: PathBuf,
    paths: LogPaths,
    /// The database and the file of copies: open, so that they can be read when finalizing has deleted them.
    files: [Option<File>; 2],
    /// Where the video was, and the file, open for the same reason.
    pub(crate) video: PathBuf,
    video_file: OnceLock<File>,
    read: RwLock<Read>,
    following: Mutex<Following>,
    times: FrameTimes,
    version: AtomicU64,
}

/// Opens a log that is being recorded, once something is in it that says how to decode its video.
fn begun(paths: &LogPaths) -> Result<LogReader, LogError> {
    let began = SystemClock.now();
    loop {
        let reader = LogReader::open(paths)?;
        let now = SystemClock.now();
        if [TRACKS_KEY, "parameter_sets"].iter().any(|key| reader.facts.setup.contains_key(*key))
            || now.since(began) > BEGIN
        {
            return Ok(reader);
        }
        SystemClock.sleep_until(now.plus(LOOK));
    }
}

/// The metadata as far as a log has it: what is counted is not in it.
fn stand_in(story: &Story, reader: &LogReader) -> Metadata {
    let outcome = Outcome { unreadable: 0, video: VideoState::Present };
    let rows = RowMaker::new(story.session_id.clone(), Vec::new());
    story.metadata(reader, &outcome, &rows, &TableSummary::default())
}

impl LogReel {
    /// Opens the log of a session's folder.
    ///
    /// # Errors
    /// When there is none, when it cannot be read, and when it was left without anything in it.
    pub(crate) fn open(dir: &Path) -> Result<Self, FinalizeError> {
        let paths = LogPaths::of(dir);
        let holder = LogLock::holder(&paths.lock);
        let recording = holder.as_deref().is_some_and(|holder| !holder.contains("finalize"));
        let (reader, story, found, mut video) = if recording {
            let reader = begun(&paths)?;
            let story = Story::read(&reader);
            (reader, story, Vec::new(), None)
        } else {
            let LogSource { reader, story, video, found } = LogSource::open(dir)?;
            (reader, story, found.frames, video)
        };
        let file = |path: PathBuf| crate::base::files::open_regular(&path).ok();
        let files = [file(paths.events.join(DATABASE_FILE)), file(paths.facts.clone())];
        let ended = reader.facts.end.is_some();
        let state = match (&holder, ended) {
            (Some(_), _) if recording => State::Recording,
            (Some(_), _) => State::Finalizing,
            (None, true) => State::Closed,
            (None, false) => State::Crashed,
        };
        let places = [paths.video.clone(), layout::frames_path(dir)];
        let video_path = places.into_iter().find(|path| path.is_file()).unwrap_or_else(|| paths.video.clone());
        let numbers: Vec<u64> = found.iter().map(|found| found.frame.frame_ref.0).collect();
        let mut frames = RowMaker::new(story.session_id.clone(), numbers.clone());
        let chunks = Chunks::new(reader.chunks());

        // Every frame in order, as finalize sees them.
        let mut all: Vec<(u64, Record)> = Vec::new();
        for (index, place) in reader.chunks().iter().enumerate().filter(|(_, place)| place.flags & FLAG_FRAMES != 0) {
            let Ok(records) = reader.records(index) else { continue };
            all.extend((place.first..).zip(records).filter(|(_, record)| is_frame(record)));
        }
        all.extend(found.iter().map(|found| (0, frame_record(found))));
        all.sort_by_key(|(seq, record)| (record.t, *seq));
        let decodable = story.config.is_some();
        let video_file = file(video_path.clone()).map(OnceLock::from).unwrap_or_default();
        let length = video_file.get().and_then(|file| file.metadata().ok()).map_or(0, |meta| meta.len());
        let mut holds = |frame: &Frame| {
            let by_sei = numbers.binary_search(&frame.frame_ref.0).is_ok();
            decodable
                && match &mut video {
                    Some(video) if by_sei => video.holds_found(),
                    Some(video) => video.holds(frame),
                    None => recording && frame.offset.saturating_add(u64::from(frame.size_bytes)) <= length,
                }
        };
        let Ok(()) = frames.batch(&all, &mut holds, &mut |_| Ok::<(), Infallible>(()));
        let times = FrameTimes::new(frames.facts.t0.unwrap_or_default().0, &frames.samples);
        let tail = reader.chunks().iter().rfind(|place| !place.copy).map_or(0, |place| place.offset);
        let now = SystemClock.now();
        let following = Following {
            looked: now,
            asked: now,
            seen: None,
            tail,
            idle: 0,
            scanned: now,
            scan_took: Duration::ZERO,
            early: Vec::new(),
            early_since: None,
        };
        let read = Read {
            chunks,
            holes: reader.holes.clone(),
            found,
            frames,
            metadata: stand_in(&story, &reader),
            config: story.config.clone(),
            surface: story.surface,
            names: reader.names().clone(),
            ended,
            state,
        };
        Ok(Self {
            dir: dir.to_owned(),
            paths,
            files,
            video: video_path,
            video_file,
            read: RwLock::new(read),
            following: Mutex::new(following),
            times,
            version: AtomicU64::new(1),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Read> {
        self.read.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Read)) {
        change(&mut self.read.write().unwrap_or_else(PoisonError::into_inner));
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// It was sealed in the meantime: the session is what is to be played.
    pub(crate) fn is_sealed(&self) -> bool {
        self.read().state == State::Sealed
    }

    /// The samples from `from` on, and what is needed to decode them.
    pub(crate) fn samples(&self, from: usize) -> (Vec<Sample>, Option<CodecConfig>, (u32, u32)) {
        let read = self.read();
        let samples = read.frames.samples.get(from..).unwrap_or_default().to_vec();
        (samples, read.config.clone(), read.surface)
    }

    /// The file of the video.
    ///
    /// # Errors
    /// When it was not there when the log was opened, and is not there now.
    pub(crate) fn video_file(&self) -> std::io::Result<&File> {
        if let Some(file) = self.video_file.get() {
            return Ok(file);
        }
        let file = crate::base::files::open_regular(&self.video)?;
        Ok(self.video_file.get_or_init(|| file))
    }

    /// Bytes of the video.
    fn video_length(&self) -> u64 {
        self.video_file().and_then(File::metadata).map_or(0, |meta| meta.len())
    }

    /// The records of a chunk.
    fn records(&self, place: &Place) -> Result<Vec<Record>, LogError> {
        let gone = |detail: String| LogError::Chunk { action: "read", seq: place.first, detail };
        let file = self.files[usize::from(place.copy)].as_ref().ok_or_else(|| gone("its file is not there".into()))?;
        let mut bytes = vec![0; usize::from(place.len)];
        read_exact_at(file, &mut bytes, place.offset).map_err(|error| gone(error.to_string()))?;
        let (header, body) = chunk::split(&bytes).map_err(|error| gone(error.to_string()))?;
        if header.first.0 != place.first {
            return Err(gone("another chunk stands there now".into()));
        }
        codec::records(header.schema, body, &self.read().names).map_err(|error| gone(error.to_string()))
    }

    /// Looks for the chunks anew: sled has moved them.
    fn find_again(&self) {
        let Ok(scan) = salvage::scan(&self.paths.events.join(DATABASE_FILE)) else { return };
        self.change(|read| {
            let mut places: Vec<Place> = read.chunks.places().to_vec();
            for place in &mut places {
                if let Ok(at) = scan.chunks.binary_search_by_key(&place.first, |found| found.first) {
                    *place = scan.chunks[at];
                }
            }
            read.chunks = Chunks::new(&places);
        });
    }

    /// Takes chunks that were found, as far as they follow those that are known.
    fn take(&self, following: &mut Following, found: Vec<Place>) -> bool {
        let mut end = self.read().chunks.end();
        following.early.extend(found);
        following.early.retain(|place| place.first >= end);
        following.early.sort_by_key(|place| place.first);
        following.early.dedup_by_key(|place| place.first);
        let now = SystemClock.now();
        let mut new = Vec::new();
        // One that is missing may be on its way; when it does not come there is a hole.
        let patient = following.early_since.is_none_or(|since| now.since(since) < Duration::from_secs(1));
        for place in &following.early {
            if place.first > end && patient {
                break;
            }
            new.push(*place);
            end = place.end();
        }
        following.early.drain(..new.len());
        following.early_since = if following.early.is_empty() { None } else { following.early_since.or(Some(now)) };
        if new.is_empty() {
            return false;
        }
        following.tail = new.last().map_or(following.tail, |place| place.offset);
        let facts: Vec<(Place, Vec<Record>)> = new
            .iter()
            .filter(|place| place.flags & (FLAG_FRAMES | FLAG_FACTS) != 0)
            .filter_map(|place| Some((*place, self.records(place).ok()?)))
            .collect();
        let length = self.video_length();
        self.change(|read| {
            let before = read.frames.samples.len();
            for (place, records) in facts {
                for record in &records {
                    match &record.body {
                        Body::End { reason } => {
                            read.ended = true;
                            read.metadata.end_reason = Some(reason.clone());
                        }
                        Body::Setup { key, json } if key == SOURCES_KEY => {
                            read.names = SourceNames::from_json(json).unwrap_or_default();
                        }
                        Body::Event(Event::Frame(_)) => {
                            let decodable = read.config.is_some();
                            let mut holds = |frame: &Frame| {
                                decodable && frame.offset.saturating_add(u64::from(frame.size_bytes)) <= length
                            };
                            let Ok(()) = read
                                .frames
                                .batch(&[(place.first, record.clone())], &mut holds, &mut |_| Ok::<(), Infallible>(()));
                        }
                        _ => {}
                    }
                }
            }
            for place in &new {
                let expected = read.chunks.end();
                if place.first > expected {
                    let from = MonoNs(read.chunks.span().map_or(place.min_t.0, |(_, last)| last));
                    let until = place.min_t.max(from);
                    read.holes.push(Hole { first: expected, count: place.first - expected, from, until });
                }
                read.chunks.push(*place);
            }
            self.times.extend(read.frames.facts.t0.unwrap_or_default().0, &read.frames.samples[before..]);
        });
        true
    }

    /// Scans what the database's file has grown by.
    fn follow(&self, following: &mut Following, now: MonoNs) {
        let path = self.paths.events.join(DATABASE_FILE);
        let Ok(meta) = std::fs::metadata(&path) else { return };
        let seen = meta.modified().ok().map(|time| (meta.len(), time));
        if seen == following.seen && following.early.is_empty() {
            return;
        }
        following.seen = seen;
        let begin = following.tail / SEGMENT * SEGMENT;
        if let Ok(scan) = salvage::scan_from(&path, begin)
            && self.take(following, scan.chunks)
        {
            following.idle = 0;
            return;
        }
        following.idle += 1;
        if following.idle < PATIENCE || now.since(following.scanned) < following.scan_took * SCAN_SHARE {
            return;
        }
        if let Ok(scan) = salvage::scan(&path) {
            self.take(following, scan.chunks);
        }
        following.scanned = SystemClock.now();
        following.scan_took = following.scanned.since(now);
        following.idle = 0;
    }

    /// Looks at what becomes of the log: who holds it, whether it is sealed.
    fn ask(&self, following: &mut Following, now: MonoNs) {
        if now.since(following.asked) < ASK {
            return;
        }
        following.asked = now;
        let holder = LogLock::holder(&self.paths.lock);
        let ended = self.read().ended;
        let state = match holder.as_deref() {
            // The log is deleted last: only then nobody works on the session any more.
            _ if !self.paths.dir.is_dir() && layout::integrity_path(&self.dir).is_file() => State::Sealed,
            _ if !self.paths.dir.is_dir() => State::Gone,
            Some(holder) if holder.contains("finalize") => State::Finalizing,
            Some(_) => State::Recording,
            None if layout::integrity_path(&self.dir).is_file() => State::Sealed,
            None if ended => State::Closed,
            None => State::Crashed,
        };
        if state != self.read().state {
            self.change(|read| read.state = state);
        }
    }

    /// The rows of a block, when its chunks can be read.
    fn rows_of(&self, block: usize) -> Result<Vec<OwnedRow>, LogError> {
        let read = self.read();
        let Some((from, until)) = read.chunks.block(block) else { return Ok(Vec::new()) };
        let places = read.chunks.of(from, until).to_vec();
        let inside = |t: MonoNs| (from..until).contains(&t.0);
        let mut records: Vec<(u64, Record)> = Vec::new();
        for hole in read.holes.iter().filter(|hole| inside(hole.from)) {
            let gap =
                Gap { stream: Stream::Log, reason: "records_lost".into(), lost: Some(hole.count), until: hole.until };
            records.push((hole.first, event_record(hole.from, Event::Gap(gap))));
        }
        records.extend(read.found.iter().filter(|found| inside(found.t)).map(|found| (u64::MAX, frame_record(found))));
        drop(read);
        for place in &places {
            let of_chunk = match self.records(place) {
                Ok(of_chunk) => of_chunk,
                Err(error) if place.copy => {
                    tracing::debug!(%error, "a copy cannot be read");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let events = (place.first..).zip(of_chunk);
            records.extend(events.filter(|(_, record)| inside(record.t) && matches!(record.body, Body::Event(_))));
        }
        records.sort_by_key(|(seq, record)| (record.t, *seq));
        let read = self.read();
        Ok(rows::rows(&records, &read.metadata.session_id, &read.frames, &read.found, &self.times))
    }
}

impl Reel for LogReel {
    fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    fn advance(&self) -> bool {
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemClock.now();
        if now.since(following.looked) >= LOOK {
            following.looked = now;
            let ended = self.read().ended;
            if !ended {
                self.follow(&mut following, now);
            }
            self.ask(&mut following, now);
        }
        !matches!(self.read().state, State::Sealed | State::Gone)
    }

    fn blocks(&self) -> usize {
        self.read().chunks.blocks()
    }

    fn closed(&self) -> usize {
        let read = self.read();
        let open = usize::from(read.state == State::Recording);
        read.chunks.blocks().saturating_sub(open)
    }

    fn revision(&self, block: usize) -> u64 {
        if block < self.closed() { 0 } else { self.version() }
    }

    fn span_of(&self, block: usize) -> Option<(i64, i64)> {
        self.read().chunks.span_of(block)
    }

    fn block_at(&self, t_ns: i64) -> usize {
        self.read().chunks.block_at(t_ns)
    }

    fn each(&self, block: usize, take: &mut dyn FnMut(&OwnedRow)) -> Result<(), String> {
        let rows = self.rows_of(block).or_else(|_moved| {
            self.find_again();
            self.rows_of(block)
        });
        for row in rows.map_err(|error| error.to_string())? {
            take(&row);
        }
        Ok(())
    }

    fn each_kind(&self, _block: usize, _take: &mut dyn FnMut(i64, &str)) -> Option<Result<(), String>> {
        None
    }

    fn span(&self) -> (i64, i64) {
        let read = self.read();
        read.chunks.span().unwrap_or((read.metadata.clock.t0_ns, read.metadata.clock.t0_ns))
    }

    fn frames(&self) -> &FrameTimes {
        &self.times
    }

    fn size(&self) -> (u32, u32) {
        let read = self.read();
        if read.frames.samples.is_empty() { (0, 0) } else { read.surface }
    }

    fn masks(&self) -> Vec<Mask> {
        let span = self.span();
        sealed::masks(&self.read().metadata, self.read().surface, span)
    }

    fn summary(&self) -> Summary {
        let (span, size) = (self.span(), self.size());
        let read = self.read();
        let mut summary = sealed::summary(&self.dir, &read.metadata, size, span);
        summary.frames = read.frames.samples.len() as u64;
        summary.state = read.state.words().into();
        summary.live = read.state == State::Recording;
        // What is only counted at the end is not known yet.
        summary.facts.retain(|fact| !matches!(fact.name.as_str(), "dropped" | "duplicates"));
        let lost: u64 = read.holes.iter().map(|hole| hole.count).sum();
        let mut fact = |name: &str, value: String, tone| {
            summary.facts.push(Fact { section: Section::Integrity, name: name.into(), value, tone });
        };
        if lost > 0 {
            fact("records lost", lost.to_string(), Tone::Bad);
        }
        if read.state == State::Crashed {
            fact("next", format!("watchcap finalize {}", shell(&self.dir)), Tone::Warn);
        }
        summary
    }
}
