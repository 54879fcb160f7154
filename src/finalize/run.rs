//! The steps from a log to a sealed session, in their order.

use std::path::{Path, PathBuf};

use crate::base::files::Pin;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::log::lock::LogLock;
use crate::log::reader::LogReader;
use crate::log::{LogError, LogPaths, reserve};
use crate::media::mp4::writer::{self};
use crate::media::track::TrackId;
use crate::session::layout;
use crate::session::loss::{self, MaxDropped};
use crate::session::metadata::Metadata;
use crate::session::refusal::Refusal;
use crate::session::seal::{self, FileHash, IntegrityEntry};

use super::error::FinalizeError;
use super::keep::keeps_log;
use super::rows::RowMaker;
use super::source::LogSource;
use super::tracks::FinishedTrack;
use super::{check, describe, discard, stills, tracks};
use crate::media::mp4::moov::VideoTrack;
use crate::session::table::write::{TableWriter, Written};

/// What finalizing had to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// The session was made and sealed.
    Sealed,
    /// It was sealed before; at the most the rest of its log was deleted.
    Already,
}

/// What became of a log.
#[derive(Debug)]
pub struct Finalized {
    /// Whether there was anything to do.
    pub done: Done,
    /// The sealed session's folder.
    pub session: PathBuf,
    /// Its metadata.
    pub metadata: Metadata,
    /// The log is still there: it was to be kept, or holds what the session could not take.
    pub log_kept: bool,
    /// Why some of a log that is not needed any more could not be deleted.
    pub log_left: Option<std::io::Error>,
}

impl Finalized {
    /// Whether the session is lossy when so many frames may be dropped: exit code 3.
    pub fn is_lossy(&self, max_dropped: MaxDropped) -> bool {
        loss::is_lossy(&self.metadata, max_dropped)
    }
}

fn is_sealed(session: &Path) -> Result<bool, LogError> {
    let path = layout::integrity_path(session);
    Ok(crate::base::files::is_there(&path).map_err(IoError::at("look at", &path))?)
}

/// Takes the lock of a log; `None` when there is no log, and the session is sealed.
fn take_lock(session: &Path, paths: &LogPaths) -> Result<Option<LogLock>, FinalizeError> {
    let nothing_left = || {
        let path = session.to_path_buf();
        if is_sealed(session)? { Ok(None) } else { Err(LogError::NoLog { path }.into()) }
    };
    if !paths.is_there()? {
        return nothing_left();
    }
    match LogLock::take(&paths.lock, "finalize") {
        Ok(lock) => Ok(Some(lock)),
        // Another run was about to delete the log.
        Err(_) if !paths.is_there()? => nothing_left(),
        Err(error) => Err(error.into()),
    }
}

/// The metadata of a session that is sealed.
fn read_metadata(session: &Path) -> Result<Metadata, FinalizeError> {
    Metadata::read(&layout::metadata_path(session)).map_err(FinalizeError::Metadata)
}

/// Pins the session's folder and those of its log, so that whatever becomes of their names it is this log that is sealed and deleted.
fn pin(session: &Path, paths: &LogPaths) -> Result<(Pin, Vec<Pin>), LogError> {
    let pin = |dir: &Path| crate::base::files::pin(dir).map_err(IoError::at("work in", dir));
    let folder = pin(session)?;
    let mut pins = Vec::new();
    for dir in [&paths.dir, &paths.events] {
        if crate::base::files::look(dir).is_ok_and(|found| found.is_dir()) {
            pins.push(pin(dir)?);
        }
    }
    Ok((folder, pins))
}

/// Makes a session that is sealed already anew of its log, which was kept, and keeps the log.
///
/// # Errors
/// [`FinalizeError`]; as long as the log cannot be read the seal stays.
pub fn again(session: &Path, progress: &mut dyn FnMut(Step)) -> Result<Finalized, FinalizeError> {
    let paths = LogPaths::of(session);
    let _pins = pin(session, &paths)?;
    let Some(lock) = take_lock(session, &paths)? else {
        return Err(FinalizeError::NoLogLeft { path: session.to_path_buf() });
    };
    if !is_sealed(session)? {
        return Err(FinalizeError::NotSealed { path: session.to_path_buf() });
    }
    if LogReader::open(&paths)?.chunks().is_empty() {
        return Err(FinalizeError::Nothing { path: session.to_path_buf() });
    }
    let seal = layout::integrity_path(session);
    crate::base::files::remove_file(&seal).map_err(IoError::at("remove", &seal))?;
    seal::sync_dir(session)?;
    drop(lock);
    finalize(session, true, progress)
}

/// Makes a sealed session of the log in `session`. `progress` is told of each step before it begins. A session that is sealed already
/// stays as it is; what is left of its log is deleted.
///
/// # Errors
/// [`FinalizeError`]; the log is still there and it can be tried again.
pub fn finalize(session: &Path, keep_log: bool, progress: &mut dyn FnMut(Step)) -> Result<Finalized, FinalizeError> {
    Refusal::unless_folder(session)?;
    let paths = LogPaths::of(session);
    let (folder, _log) = pin(session, &paths)?;
    let Some(lock) = take_lock(session, &paths)? else {
        let (session, metadata) = (session.to_path_buf(), read_metadata(session)?);
        return Ok(Finalized { done: Done::Already, session, metadata, log_kept: false, log_left: None });
    };
    // Looked at with the lock in hand: another run may have sealed it in between.
    let sealed = is_sealed(session)?;
    let (metadata, table) = if sealed {
        // Sealed, and the log is still there: it was to be kept, or its deletion was interrupted. There is nothing to make.
        (read_metadata(session)?, None)
    } else {
        let (metadata, table) = seal_log(session, progress)?;
        (metadata, Some(table))
    };
    progress(Step { what: "check", done: 0, of: 1 });
    if let Err(error) = check::sealed(session, table.as_ref()) {
        if sealed {
            return Err(FinalizeError::Rotten { path: session.to_path_buf(), source: Box::new(error) });
        }
        // Not sealed after all: the log is what counts, and the next run makes the session anew.
        if let Err(error) = crate::base::files::remove_file(&layout::integrity_path(session)) {
            tracing::error!(%error, "the seal cannot be taken back");
        }
        return Err(error.into());
    }
    progress(Step { what: "check", done: 1, of: 1 });
    let log_kept = keep_log || keeps_log(&metadata);
    let done = if sealed { Done::Already } else { Done::Sealed };
    let log_left = if log_kept { None } else { discard::delete_log(&paths, lock) };
    if !folder.is_in_place() {
        return Err(FinalizeError::Moved { path: session.to_path_buf(), now: folder.whereabouts() });
    }
    Ok(Finalized { done, session: session.to_path_buf(), metadata, log_kept, log_left })
}

/// Writes the table under its temporary name.
fn write_table(
    source: &mut LogSource,
    table: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<(RowMaker, describe::Outcome, crate::session::table::write::TableSummary), FinalizeError> {
    let mut writer = TableWriter::create(table, &source.story.session_id, &[])?;
    let (maker, outcome) = source.rows(&mut |row| Ok(writer.push(row)?), progress)?;
    Ok((maker, outcome, writer.finish()?))
}

/// Finishes the video in place; answers with its hash. Without a frame there is no video.
fn finish_video(
    source: &LogSource,
    maker: &RowMaker,
    progress: &mut dyn FnMut(Step),
) -> Result<Option<FileHash>, FinalizeError> {
    let (Some(video), Some(config)) = (&source.video, &source.story.config) else { return Ok(None) };
    if maker.samples.is_empty() {
        return Ok(None);
    }
    let story = &source.story;
    let track = VideoTrack {
        config,
        coded: story.coded,
        surface: story.surface,
        nominal_frame_us: 1_000_000 / story.fps.max(1),
        rate: None,
    };
    progress(Step { what: "video", done: 0, of: 2 });
    let finished = writer::finish_in_place(&video.path, video.layout, source.data_end(maker), &maker.samples, &track)?;
    progress(Step { what: "video", done: 1, of: 2 });
    let stood = source.reader.facts.digests.get(&TrackId::PICTURES);
    let hash = writer::sha256_from(&video.path, stood, &finished)?;
    progress(Step { what: "video", done: 2, of: 2 });
    Ok(Some(FileHash(hash)))
}

/// Makes the session and seals it; answers with its metadata and with what was written as its table.
fn seal_log(session: &Path, progress: &mut dyn FnMut(Step)) -> Result<(Metadata, Written), FinalizeError> {
    progress(Step { what: "log", done: 0, of: 1 });
    let mut source = LogSource::open(session)?;
    seal::check_names(session)?;
    // The room that was kept for what follows.
    reserve::release(&source.reader.paths().reserve)?;
    let table = layout::temp_path(&layout::events_path(session));
    let (maker, outcome, summary) = write_table(&mut source, &table, progress)?;
    let video_hash = finish_video(&source, &maker, progress)?;
    let further = tracks::finish(session, &source)?;
    let stills = stills::bring(session, &source, &maker)?;

    // The metadata, and everything under its name.
    let mut metadata = source.story.metadata(&source.reader, &outcome, &maker, &summary);
    for track in &further {
        track.describe(&mut metadata);
    }
    if further.is_empty() {
        tracks::note_missing(&mut metadata);
    }
    stills.describe(&source, &mut metadata);
    let mut publishing = |done| progress(Step { what: "publish", done, of: 4 });
    publishing(0);
    seal::publish(&table, &layout::events_path(session))?;
    publishing(1);
    let frames = layout::frames_path(session);
    match &source.video {
        Some(video) if video_hash.is_some() && video.path != frames => seal::publish(&video.path, &frames)?,
        // An earlier run had published it, and no frame of it is left: it belongs to the log, which is kept.
        Some(video) if video_hash.is_none() && video.path == frames => {
            seal::publish(&frames, &source.reader.paths().video)?;
        }
        _ => {}
    }
    further.iter().try_for_each(|track| track.publish(session))?;
    publishing(2);
    let json = metadata.to_json().map_err(FinalizeError::Json)?;
    seal::publish_bytes(&layout::metadata_path(session), json.as_bytes())?;
    publishing(3);
    let video = video_hash.map(|hash| IntegrityEntry { name: layout::FRAMES_FILE.into(), hash });
    let table = IntegrityEntry { name: layout::EVENTS_FILE.into(), hash: summary.written.sha256 };
    let known: Vec<IntegrityEntry> = video
        .into_iter()
        .chain(further.iter().map(FinishedTrack::entry))
        .chain(stills.entries())
        .chain([table])
        .collect();
    seal::seal(session, &known, &mut |_| {})?;
    publishing(4);
    Ok((metadata, summary.written))
}
