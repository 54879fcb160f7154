//! Appends to the log: groups records into chunks, commits them, and keeps the disk at most 50 ms behind.
//!
//! Owns guarantees G1, G2, G3 and G6 of [`super`]. One thread appends; a second one only syncs, so that a slow disk does not
//! stop the first. States are types: a [`LogWriter`] becomes a [`SealedLog`]; a writer that failed once only answers
//! [`LogError::Poisoned`], and can still be given up ([`LogWriter::give_up`]), which says beside the log why it ended.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use watchcap_migrations::log::v2::Synced;

use super::chunk::{self, FLAG_FACTS, Header};
use super::codec::ChunkBuilder;
use super::ending::Ending;
use super::facts::FactsFile;
use super::lock::LogLock;
use super::reserve::Recorded;
use super::setup;
use super::sources::SOURCES_KEY;
use super::store::Store;
use super::tracks::{TrackBytes, TrackFiles};
use super::{Body, FirstFailure, LogError, LogPaths, Record};
use crate::base::event::{Event, Gap, Source, Stream};
use crate::base::files::Pin;
use crate::base::histogram::Histogram;
use crate::base::id::{Seq, SessionId};
use crate::base::io_error::IoError;
use crate::base::time::{Clock, MonoNs, SystemClock};
use crate::media::track::{Packet, TrackId, TrackSpec};

/// A chunk is cut at the latest this long after its first record. Of the promised 10 ms an input may have waited up to 4.5 in its
/// source (which gathers motion), and the insert and the flush take 0.1–0.2 (measured): 4 leaves more than 1 in reserve.
pub const COMMIT_NS: i64 = 4_000_000;
/// Longest time between the starts of two syncs while there is something to sync: 40 ms leaves 10 ms of the promised 50 for the
/// `fdatasync` itself.
pub const SYNC_NS: i64 = 40_000_000;

/// What both threads of a writer share.
struct Shared {
    /// Records committed to the database (exclusive end).
    committed: AtomicU64,
    /// Records on the disk for certain (exclusive end).
    durable: AtomicU64,
    /// How far the file of each track is.
    tracks: Vec<TrackBytes>,
    /// Bytes of the copies of the facts written, and on the disk for certain.
    facts: [AtomicU64; 2],
    /// The first sync that failed.
    failed: Mutex<Option<FirstFailure>>,
    /// Held while files are synced, so that nobody syncs after a failure that he does not know of yet.
    syncing: Mutex<()>,
}

impl Shared {
    /// Bytes of a track's file that are on the disk for certain.
    fn durable_of(&self, id: TrackId) -> u64 {
        self.tracks.iter().find(|track| track.id == id).map_or(0, |track| track.durable.load(Ordering::SeqCst))
    }

    /// The same of every further track, as a chunk says it.
    fn synced(&self) -> Vec<Synced> {
        let further = self.tracks.iter().filter(|track| track.id != TrackId::PICTURES);
        further.map(|track| Synced { track: track.id.0, bytes: track.durable.load(Ordering::SeqCst) }).collect()
    }

    fn failure(&self) -> Option<FirstFailure> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Syncs, unless a sync failed before: the system may have dropped the pages, and a second one would lie.
    fn sync(&self, sync: impl FnOnce() -> Result<(), LogError>) -> Result<(), LogError> {
        let _one = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = self.failure() {
            return Err(LogError::Poisoned { first });
        }
        sync().inspect_err(|error| {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(FirstFailure::from(error));
        })
    }
}

/// Files that the syncing thread syncs, in this order: the tracks before the references that point into them.
struct SyncFiles {
    tracks: Vec<(File, PathBuf)>,
    database: (File, PathBuf),
    facts: (File, PathBuf),
}

impl SyncFiles {
    fn sync(&self, shared: &Shared) -> Result<(), LogError> {
        let written: Vec<u64> = shared.tracks.iter().map(|track| track.written.load(Ordering::SeqCst)).collect();
        let committed = shared.committed.load(Ordering::SeqCst);
        for (((file, path), bytes), written) in self.tracks.iter().zip(&shared.tracks).zip(written) {
            // What was synced to its end needs no second sync; an empty file does, since its first header is not counted.
            let durable = bytes.durable.load(Ordering::SeqCst);
            if written > durable || durable == 0 {
                file.sync_data().map_err(IoError::at("sync", path))?;
                bytes.durable.fetch_max(written, Ordering::SeqCst);
            }
        }
        let (file, path) = &self.database;
        file.sync_data().map_err(IoError::at("sync", path))?;
        shared.durable.fetch_max(committed, Ordering::SeqCst);
        let [written, durable] = &shared.facts;
        let written = written.load(Ordering::SeqCst);
        if written > durable.load(Ordering::SeqCst) {
            let (file, path) = &self.facts;
            file.sync_data().map_err(IoError::at("sync", path))?;
            durable.fetch_max(written, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// A log that is being written.
pub struct LogWriter {
    paths: LogPaths,
    session: u64,
    store: Store,
    facts: FactsFile,
    tracks: TrackFiles,
    /// The facts about the tracks and the sources are in the log.
    introduced: bool,
    pending: ChunkBuilder,
    pending_since: Option<MonoNs>,
    next: u64,
    chunk_bytes: u64,
    frames: u64,
    uncommitted: Uncommitted,
    /// From the first record of a chunk to its commit, microseconds.
    commits: Histogram,
    shared: Arc<Shared>,
    dirty: Option<Sender<()>>,
    /// Closed to end the thread that syncs.
    quit: Option<Sender<()>>,
    syncer: Option<JoinHandle<()>>,
    poisoned: Option<FirstFailure>,
    clock: Arc<dyn Clock>,
    _lock: LogLock,
    /// The folders of the log.
    _pins: [Pin; 2],
}

/// Records that were appended and are not in the database yet: what a failure loses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Uncommitted {
    /// Inputs.
    pub inputs: u64,
    /// Frames.
    pub frames: u64,
    /// Packets of further tracks.
    pub packets: u64,
    /// Frames and inputs that gaps among them count as lost.
    pub dropped: (u64, u64),
}

impl Uncommitted {
    fn add(&mut self, record: &Record) {
        match &record.body {
            Body::Event(Event::Frame(_)) => self.frames += 1,
            Body::Event(Event::Gap(gap)) => self.add_gap(gap),
            Body::Event(_) if record.source != Source::Recorder => self.inputs += 1,
            Body::Packet(_) => self.packets += 1,
            _ => {}
        }
    }

    fn add_packet(&mut self, packet: &Packet) {
        *(if packet.track == TrackId::PICTURES { &mut self.frames } else { &mut self.packets }) += 1;
    }

    /// Counts what a gap that is lost itself would have counted.
    pub fn add_gap(&mut self, gap: &Gap) {
        match gap.stream {
            Stream::Screen => self.dropped.0 += gap.lost.unwrap_or(0),
            Stream::Input => self.dropped.1 += gap.lost.unwrap_or(0),
            Stream::Audio | Stream::Log | Stream::Clock => {}
        }
    }
}

/// A log to which nothing is appended any more.
#[derive(Debug)]
pub struct SealedLog {
    /// The session's folder.
    pub session_dir: PathBuf,
    /// Records in it.
    pub records: u64,
}

/// A log that could not be closed: its writer can still be given up.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unsealed {
    /// Why not.
    pub error: LogError,
    /// Its writer, which failed.
    pub writer: Box<LogWriter>,
}

/// How far a writer is: for the status line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Records appended.
    pub records: u64,
    /// Records on the disk for certain.
    pub durable: u64,
    /// Bytes of the video.
    pub video_bytes: u64,
}

/// Syncs whenever there is something to sync, until `quit` is closed: closing a log must not wait for the next turn.
fn sync_loop(files: &SyncFiles, shared: &Shared, dirty: &Receiver<()>, quit: &Receiver<()>) {
    let clock = SystemClock;
    while dirty.recv().is_ok() {
        let start = clock.now();
        if shared.sync(|| files.sync(shared)).is_err() {
            return;
        }
        let rest = start.plus(Duration::from_nanos(SYNC_NS as u64)).since(clock.now());
        match quit.recv_timeout(rest) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl LogWriter {
    /// Begins a log with these tracks in the session's folder, which exists and holds none.
    ///
    /// # Errors
    /// [`LogError`] when a file cannot be created or is locked, or the tracks are no tracks of one recording.
    pub fn create(
        session_dir: &Path,
        session: SessionId,
        tracks: &[TrackSpec],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let paths = LogPaths::of(session_dir);
        let pins = [
            crate::base::files::make_pinned_dir(&paths.dir).map_err(IoError::at("create", &paths.dir))?,
            crate::base::files::make_pinned_dir(&paths.events).map_err(IoError::at("create", &paths.events))?,
        ];
        let lock = LogLock::take(&paths.lock, "record")?;
        let store = Store::open(&paths.events)?;
        crate::base::files::restrict_tree(&paths.events).map_err(IoError::at("restrict", &paths.events))?;
        let tracks = TrackFiles::create(&paths, tracks)?;
        let facts = FactsFile::create(&paths.facts)?;
        let files =
            SyncFiles { tracks: tracks.sync_handles()?, database: store.sync_handle()?, facts: facts.sync_handle()? };
        store.flush()?;
        files.database.0.sync_all().map_err(IoError::at("sync", &files.database.1))?;
        for dir in [paths.events.as_path(), &paths.dir, session_dir] {
            crate::base::files::sync_dir(dir).map_err(IoError::at("sync", dir))?;
        }
        if let Some(parent) = session_dir.parent().filter(|p| !p.as_os_str().is_empty()) {
            crate::base::files::sync_dir(parent).map_err(IoError::at("sync", parent))?;
        }
        let shared = Arc::new(Shared {
            committed: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            tracks: tracks.bytes(),
            facts: [const { AtomicU64::new(0) }; 2],
            failed: Mutex::new(None),
            syncing: Mutex::new(()),
        });
        let (dirty, wait) = crossbeam_channel::bounded(1);
        let (quit, ended) = crossbeam_channel::bounded(0);
        let syncer = std::thread::Builder::new()
            .name("log-sync".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || sync_loop(&files, &shared, &wait, &ended)
            })
            .map_err(IoError::at("start the thread that syncs", &paths.dir))?;
        let bytes = session.0.as_bytes();
        let mut tail = [0; 8];
        tail.copy_from_slice(&bytes[8..]);
        Ok(Self {
            paths,
            session: u64::from_be_bytes(tail),
            store,
            facts,
            tracks,
            introduced: false,
            pending: ChunkBuilder::default(),
            pending_since: None,
            next: 0,
            chunk_bytes: 0,
            frames: 0,
            uncommitted: Uncommitted::default(),
            commits: Histogram::default(),
            shared,
            dirty: Some(dirty),
            quit: Some(quit),
            syncer: Some(syncer),
            poisoned: None,
            clock,
            _lock: lock,
            _pins: pins,
        })
    }

    /// Runs a step; its first failure poisons the writer (G6).
    fn step<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, LogError>) -> Result<T, LogError> {
        self.check()?;
        step(self).inspect_err(|error| self.poisoned = Some(FirstFailure::from(error)))
    }

    /// Whether everything was written and synced so far: a failed sync is noticed here also while nothing is appended.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] with the first failure, from then on.
    pub fn check(&mut self) -> Result<(), LogError> {
        if self.poisoned.is_none() {
            self.poisoned = self.shared.failure();
        }
        match &self.poisoned {
            Some(first) => Err(LogError::Poisoned { first: first.clone() }),
            None => Ok(()),
        }
    }

    /// Appends a packet: first its bytes to the file of its track, then the reference to them (G3).
    ///
    /// # Errors
    /// [`LogError`] when it cannot be written; the writer is then poisoned.
    pub fn append_packet(&mut self, packet: &Packet) -> Result<Seq, LogError> {
        if let Err(error) = self.check() {
            self.uncommitted.add_packet(packet);
            return Err(error);
        }
        self.step(|this| {
            let placed = this.place(packet);
            if placed.is_err() {
                this.uncommitted.add_packet(packet);
            }
            this.push(&Record { t: packet.t, source: Source::Recorder, body: placed? })
        })
    }

    /// Writes the bytes of a packet; returns the reference to them.
    fn place(&mut self, packet: &Packet) -> Result<Body, LogError> {
        let placed = self.tracks.append(packet)?;
        if let Some(bytes) = self.shared.tracks.get(placed.at) {
            bytes.written.store(placed.len, Ordering::SeqCst);
        }
        // The hash's state over the closed boxes goes into the log whenever a box was closed.
        if let Some(closed) = placed.closed {
            let body = Body::Digest { track: packet.track, offset: closed.offset, state: closed.state.to_vec() };
            self.push(&Record { t: self.clock.now(), source: Source::Recorder, body })?;
        }
        Ok(placed.reference)
    }

    /// Appends a record; it is committed at the latest [`COMMIT_NS`] later, by the caller's next [`Self::commit_if_due`].
    ///
    /// # Errors
    /// [`LogError`] when a full chunk cannot be committed; the writer is then poisoned.
    pub fn append(&mut self, record: &Record) -> Result<Seq, LogError> {
        if let Err(error) = self.check() {
            self.uncommitted.add(record);
            return Err(error);
        }
        self.step(|this| this.push(record))
    }

    fn push(&mut self, record: &Record) -> Result<Seq, LogError> {
        // A source is named before the first record of it.
        let is_new = self.pending.learn(record.source);
        let named = if is_new { self.push_fact(record.t, SOURCES_KEY, self.pending.names().to_json()) } else { Ok(()) };
        let seq = self.push_one(record, named)?;
        // The first record is the consent; what the numbers in the log mean comes right behind it.
        if !std::mem::replace(&mut self.introduced, true) {
            self.push_fact(record.t, SOURCES_KEY, self.pending.names().to_json())?;
            self.push_fact(record.t, setup::TRACKS_KEY, setup::tracks_json(self.tracks.specs()))?;
        }
        Ok(seq)
    }

    fn push_fact(&mut self, t: MonoNs, key: &str, json: String) -> Result<(), LogError> {
        let body = Body::Setup { key: key.into(), json };
        self.push_one(&Record { t, source: Source::Recorder, body }, Ok(())).map(drop)
    }

    fn push_one(&mut self, record: &Record, before: Result<(), LogError>) -> Result<Seq, LogError> {
        let room = before.and_then(|()| if self.pending.fits(record) { Ok(()) } else { self.commit_now() });
        self.uncommitted.add(record);
        room?;
        if self.pending_since.is_none() {
            self.pending_since = Some(self.clock.now());
        }
        let seq = Seq(self.next + self.pending.count() as u64);
        self.pending.push(record);
        Ok(seq)
    }

    /// When the pending records must be committed; `None` when there are none.
    pub fn due(&self) -> Option<MonoNs> {
        self.pending_since.map(|since| MonoNs(since.0 + COMMIT_NS))
    }

    /// Commits the pending records if they are due.
    ///
    /// # Errors
    /// [`LogError`] when they cannot be committed; the writer is then poisoned.
    pub fn commit_if_due(&mut self) -> Result<(), LogError> {
        match self.due() {
            Some(due) if self.clock.now() >= due => self.step(Self::commit_now),
            _ => Ok(()),
        }
    }

    /// Commits the pending records now.
    ///
    /// # Errors
    /// [`LogError`] when they cannot be committed; the writer is then poisoned.
    pub fn commit(&mut self) -> Result<(), LogError> {
        self.step(Self::commit_now)
    }

    /// Commits the pending records, and brings the copies of the facts to the disk: before anything is recorded that needs them.
    ///
    /// # Errors
    /// [`LogError`] when that cannot be done; the writer is then poisoned.
    pub fn commit_facts(&mut self) -> Result<(), LogError> {
        self.step(|this| {
            this.commit_now()?;
            this.shared.sync(|| this.facts.sync())
        })
    }

    fn commit_now(&mut self) -> Result<(), LogError> {
        let since = self.pending_since.take();
        let Some((mut wire, flags, min_t, max_t)) = self.pending.take() else { return Ok(()) };
        // Before the chunk is written, so that it never vouches for more than is true.
        wire.synced = self.shared.synced();
        let first = Seq(self.next);
        let failed = |detail: String| LogError::Chunk { action: "write", seq: first.0, detail };
        let body = watchcap_migrations::log::write(&wire).map_err(|e| failed(e.to_string()))?;
        let header = Header {
            schema: watchcap_migrations::log::CURRENT,
            flags,
            session: self.session,
            first,
            count: wire.kinds.len() as u32,
            min_t,
            max_t,
            video_synced: self.shared.durable_of(TrackId::PICTURES),
        };
        let bytes = chunk::join(&header, &body);
        if bytes.len() > chunk::MAX_LEN {
            return Err(failed(format!("{} bytes are more than a chunk may have", bytes.len())));
        }
        self.store.insert(first, &bytes)?;
        self.store.flush()?;
        if let Some(since) = since {
            self.commits.add(self.clock.now().since(since).as_micros() as u64);
        }
        // In the log, whatever becomes of the copy: it must not be counted as lost when that cannot be written.
        self.next = header.end();
        self.chunk_bytes += bytes.len() as u64;
        self.frames += (wire.frames.len() + wire.packets.len()) as u64;
        self.uncommitted = Uncommitted::default();
        self.shared.committed.store(self.next, Ordering::SeqCst);
        if flags & FLAG_FACTS != 0 {
            self.facts.append(&bytes)?;
            self.shared.facts[0].store(self.facts.len(), Ordering::SeqCst);
        }
        if let Some(dirty) = &self.dirty {
            match dirty.try_send(()) {
                // Full: a sync is already asked for, and it will see this commit.
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
        Ok(())
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress {
            records: self.next + self.pending.count() as u64,
            durable: self.shared.durable.load(Ordering::SeqCst),
            video_bytes: self.tracks.len_of(TrackId::PICTURES),
        }
    }

    /// What was committed so far: it decides how much room sealing needs.
    pub fn recorded(&self) -> Recorded {
        Recorded { records: self.next, chunk_bytes: self.chunk_bytes, frames: self.frames }
    }

    /// Bytes of the log so far: its chunks and the files of its tracks.
    pub fn bytes(&self) -> u64 {
        self.chunk_bytes + self.tracks.len()
    }

    /// How long records waited until they outlived this process: of each chunk its first record, microseconds.
    pub fn commit_times(&self) -> &Histogram {
        &self.commits
    }

    /// What was appended and is not committed yet.
    pub fn uncommitted(&self) -> Uncommitted {
        self.uncommitted
    }

    /// Ends a writer that failed: what was acknowledged stays as it is, and why it ended is written beside it. When not even
    /// that can be written, the log can be sealed all the same, like that of a killed recorder.
    pub fn give_up(mut self, ending: &Ending) -> SealedLog {
        self.stop_syncer();
        self.store.give_up();
        if let Err(error) = ending.write(&self.paths.ending, &self.paths.reserve) {
            tracing::error!(%error, "why the recording ended cannot be written beside its log");
        }
        self.closed()
    }

    fn closed(&self) -> SealedLog {
        SealedLog {
            session_dir: self.paths.dir.parent().map(Path::to_path_buf).unwrap_or_default(),
            records: self.next,
        }
    }

    fn stop_syncer(&mut self) {
        self.dirty = None;
        self.quit = None;
        if let Some(thread) = self.syncer.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs the log panicked");
        }
    }

    /// Closes the log: the reason of the end is its last record, and all of it is on the disk when this returns.
    ///
    /// # Errors
    /// [`Unsealed`] when that cannot be done; what was acknowledged before stays readable.
    pub fn seal(mut self, t: MonoNs, reason: &str) -> Result<SealedLog, Unsealed> {
        // First the other thread ends, so that a sync of its that failed is seen below and not overwritten by one that succeeds.
        self.stop_syncer();
        let sealed = self.step(|this| {
            this.commit_now()?;
            for ((file, path), bytes) in this.tracks.sync_handles()?.iter().zip(&this.shared.tracks) {
                let written = bytes.written.load(Ordering::SeqCst);
                file.sync_all().map_err(IoError::at("sync", path))?;
                bytes.durable.fetch_max(written, Ordering::SeqCst);
            }
            let body = Body::End { reason: reason.to_owned() };
            this.push(&Record { t, source: Source::Recorder, body })?;
            this.commit_now()?;
            let (database, path) = this.store.sync_handle()?;
            database.sync_all().map_err(IoError::at("sync", &path))?;
            this.facts.sync()?;
            Ok(crate::base::files::restrict_tree(&this.paths.events)
                .map_err(IoError::at("restrict", &this.paths.events))?)
        });
        match sealed {
            Ok(()) => {
                self.store.close();
                Ok(self.closed())
            }
            Err(error) => Err(Unsealed { error, writer: Box::new(self) }),
        }
    }
}

impl std::fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogWriter").field("paths", &self.paths).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.stop_syncer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::avc::sets::ParameterSets;

    #[test]
    fn closing_does_not_wait_for_the_next_sync() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut took = Vec::new();
        for _ in 0..12 {
            let dir = tempfile::tempdir().expect("a folder");
            let session = dir.path().join("s");
            crate::base::files::create_private_dir(&session).expect("a folder");
            let tracks = [TrackSpec::pictures(ParameterSets::default(), (2, 2), (2, 2), 1 << 20)];
            let mut log = LogWriter::create(&session, SessionId::new(), &tracks, Arc::clone(&clock)).expect("a log");
            let t = clock.now();
            let body = Body::Setup { key: "k".into(), json: "1".into() };
            log.append(&Record { t, source: Source::Recorder, body }).expect("a record");
            log.commit().expect("a chunk");
            while log.progress().durable == 0 {
                std::thread::yield_now();
            }
            // The syncing thread waits now for its next turn.
            let begin = clock.now();
            log.seal(begin, "test").expect("a log that is closed");
            took.push(clock.now().since(begin));
        }
        let least = took.iter().min().copied().unwrap_or_default();
        assert!(least < Duration::from_nanos(SYNC_NS as u64 * 3 / 4), "{took:?}");
    }
}
