//! From a log to a sealed session: a function of the log.
//!
//! The steps, in the order that makes each of them interruptible and repeatable:
//!
//! 1. take the lock; open the log; find the frames whose references are missing;
//! 2. merge the records into rows, write `events.parquet` beside its place;
//! 3. finish the video in place: cut behind the last frame, patch the last box, append the index;
//! 4. publish the table, the video and the metadata under their names;
//! 5. write `integrity.sha256`: from now on the session is sealed;
//! 6. read back what was sealed;
//! 7. delete the log, unless it is to be kept.
//!
//! What cannot be read just now (a disk that fails, a folder of somebody else) is not taken for missing: nothing is sealed without it. A log
//! of which parts are gone is kept beside the session that was made of the rest.
//!
//! Killed anywhere, it is run again and gives the same bytes: nothing of the wall clock, the host or the order of threads is in
//! its output, and nothing of the log is changed before step 7 other than what step 3 would write there again.

pub mod check;
mod columns;
pub mod describe;
mod lanes;
pub mod merge;
pub mod missing;
pub mod moov;
pub mod report;
pub mod rows;
pub mod source;
pub mod survey;
pub mod tables;
pub mod video;

use std::path::{Path, PathBuf};

use crate::log::lock::LogLock;
use crate::log::reader::{Database, LogReader};
use crate::log::video::{HashCheckpoint, VideoError};
use crate::log::{LogError, LogPaths, reserve, video_finish};
use crate::progress::Step;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::seal::{self, FileHash, IntegrityEntry, SealError};
use crate::shown;

use self::check::CheckError;
use self::describe::VideoState;
use self::moov::{MoovError, VideoTrack};
use self::rows::RowMaker;
use self::source::LogSource;
use self::tables::{TableError, TableWriter, Written};

/// What became of a log.
#[derive(Clone, PartialEq, Debug)]
pub struct Finalized {
    /// The sealed session's folder.
    pub session: PathBuf,
    /// Its metadata.
    pub metadata: Metadata,
    /// Data was lost or recovered: exit code 3.
    pub lossy: bool,
    /// The log is still there: it was to be kept, or holds what the session could not take.
    pub log_kept: bool,
}

/// Why a log cannot be finalized.
#[derive(Debug, thiserror::Error)]
pub enum FinalizeError {
    /// There is no such folder.
    #[error("{path} is no folder", path = path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// It is sealed already.
    #[error("{path} is sealed already", path = path.display())]
    Sealed {
        /// Which.
        path: PathBuf,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is no record and no frame in the log.
    #[error("the log in {path} holds nothing that was recorded", path = path.display())]
    Nothing {
        /// The session's folder.
        path: PathBuf,
    },
    /// The table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The video cannot be finished.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// The video's index cannot be made.
    #[error("cannot make the index of the video: {0}")]
    Moov(#[from] MoovError),
    /// A file cannot be put in its place.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The metadata of the sealed session cannot be read.
    #[error(transparent)]
    Metadata(crate::session::metadata::MetadataError),
    /// The metadata cannot be written as JSON.
    #[error("cannot write the metadata: {0}")]
    Json(serde_json::Error),
    /// What was sealed does not read back.
    #[error("the sealed session does not read back: {0}")]
    Check(#[from] CheckError),
    /// What was sealed earlier does not read back any more, and its log is still there.
    #[error("{path} was sealed earlier, and does not read back any more: {source}", path = path.display())]
    Rotten {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: CheckError,
    },
    /// It is not sealed, so that nothing can be made again.
    #[error("{path} is not sealed yet", path = path.display())]
    NotSealed {
        /// Which.
        path: PathBuf,
    },
    /// The log cannot be deleted after sealing.
    #[error("the session is sealed, but its log cannot be deleted: {source}")]
    Delete {
        /// What the system said.
        source: std::io::Error,
    },
}

impl FinalizeError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFolder { .. } => {
                Some(layout::FOLDER_HINT.into())
            }
            Self::Sealed { path } => {
                Some(format!("nothing is left to do; check it with: watchcap verify {}", shown::shell(path)))
            }
            Self::Log(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Video(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Nothing { .. } => Some(
                "a recording that was killed right when it began leaves that, and the folder can be deleted; if it went on for longer, its \
                 files are damaged: keep them when there may be a copy"
                    .into(),
            ),
            Self::Rotten { path, .. } => Some(format!(
                "its log is still there; make the session anew of it with: watchcap finalize --again {}",
                shown::shell(path)
            )),
            Self::NotSealed { path } => Some(format!("seal it with: watchcap finalize {}", shown::shell(path))),
            Self::Check(_) => Some(
                "the log was kept and the seal taken back; free some space or mend the disk, then run it again".into(),
            ),
            Self::Moov(_) | Self::Json(_) | Self::Delete { .. } => None,
        }
    }
}

/// Deletes the log of a sealed session. Interrupted, it is finished by the next run: the session is sealed, so what is left of
/// the log is not read again.
fn delete_log(paths: &LogPaths) -> Result<(), FinalizeError> {
    match std::fs::remove_dir_all(&paths.dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(FinalizeError::Delete { source }),
    }
}

/// Whether the log is kept although the session is sealed: parts of it are damaged or not where they were, which somebody may still mend
/// or find. What a kill or a power cut takes off the end is no such damage.
pub fn keeps_log(metadata: &Metadata) -> bool {
    metadata.recovery.as_ref().is_some_and(|recovery| {
        let video_is_missed = match recovery.video.as_str() {
            video if video == VideoState::Present.name() => false,
            video if video == VideoState::Missing.name() => recovery.torn_frames > 0,
            _ => true,
        };
        recovery.database != Database::Present.name() || recovery.holes > 0 || video_is_missed
    })
}

/// Whether something is missing that was recorded, or should have been.
pub fn is_lossy(metadata: &Metadata) -> bool {
    metadata.recovered || metadata.lost.iter().any(|loss| loss.count != Some(0))
}

fn is_sealed(session: &Path) -> Result<bool, LogError> {
    let path = layout::integrity_path(session);
    crate::files::is_there(&path).map_err(crate::log::io_error("look at", &path))
}

/// Takes the lock of a log that is there.
fn take_lock(session: &Path, paths: &LogPaths) -> Result<LogLock, FinalizeError> {
    let nothing_left = || {
        let path = session.to_path_buf();
        Err(if is_sealed(session)? { FinalizeError::Sealed { path } } else { LogError::NoLog { path }.into() })
    };
    if !paths.is_there()? {
        return nothing_left();
    }
    match LogLock::take(&paths.lock, "finalize") {
        Ok(lock) => Ok(lock),
        // Another run was about to delete the log.
        Err(_) if !paths.is_there()? => nothing_left(),
        Err(error) => Err(error.into()),
    }
}

/// Makes a session that is sealed already anew of its log, which was kept, and keeps the log.
///
/// # Errors
/// [`FinalizeError`]; as long as the log cannot be read the seal stays.
pub fn again(session: &Path, progress: &mut dyn FnMut(Step)) -> Result<Finalized, FinalizeError> {
    let paths = LogPaths::of(session);
    let lock = take_lock(session, &paths)?;
    if !is_sealed(session)? {
        return Err(FinalizeError::NotSealed { path: session.to_path_buf() });
    }
    if LogReader::open(&paths)?.chunks().is_empty() {
        return Err(FinalizeError::Nothing { path: session.to_path_buf() });
    }
    let seal = layout::integrity_path(session);
    std::fs::remove_file(&seal).map_err(crate::log::io_error("remove", &seal))?;
    seal::sync_dir(session)?;
    drop(lock);
    finalize(session, true, progress)
}

/// Makes a sealed session of the log in `session`. `progress` is told of each step before it begins.
///
/// # Errors
/// [`FinalizeError`]; the log is still there and it can be tried again.
pub fn finalize(session: &Path, keep_log: bool, progress: &mut dyn FnMut(Step)) -> Result<Finalized, FinalizeError> {
    if !session.is_dir() {
        return Err(FinalizeError::NoFolder { path: session.to_path_buf() });
    }
    let paths = LogPaths::of(session);
    let lock = take_lock(session, &paths)?;
    // Looked at with the lock in hand: another run may have sealed it in between.
    let sealed = is_sealed(session)?;
    let (metadata, table) = if sealed {
        // Sealed, and the log is still there: it was to be kept, or its deletion was interrupted. There is nothing to make.
        let metadata = Metadata::read(&layout::metadata_path(session)).map_err(FinalizeError::Metadata)?;
        (metadata, None)
    } else {
        let (metadata, table) = seal_log(session, progress)?;
        (metadata, Some(table))
    };
    progress(Step { what: "check", done: 0, of: 1 });
    if let Err(error) = check::sealed(session, table.as_ref()) {
        if sealed {
            return Err(FinalizeError::Rotten { path: session.to_path_buf(), source: error });
        }
        // Not sealed after all: the log is what counts, and the next run makes the session anew.
        if let Err(error) = std::fs::remove_file(layout::integrity_path(session)) {
            tracing::error!(%error, "the seal cannot be taken back");
        }
        return Err(error.into());
    }
    progress(Step { what: "check", done: 1, of: 1 });
    let log_kept = keep_log || keeps_log(&metadata);
    if sealed && log_kept {
        return Err(FinalizeError::Sealed { path: session.to_path_buf() });
    }
    if !log_kept {
        // With the lock in hand where files that are open can be deleted, so that nobody begins with half a log.
        #[cfg(windows)]
        drop(lock);
        delete_log(&paths)?;
        #[cfg(not(windows))]
        drop(lock);
    }
    Ok(Finalized { session: session.to_path_buf(), lossy: is_lossy(&metadata), metadata, log_kept })
}

/// Writes the table under its temporary name.
fn write_table(
    source: &mut LogSource,
    table: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<(RowMaker, describe::Outcome, tables::TableSummary), FinalizeError> {
    match std::fs::remove_file(table) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(crate::log::io_error("remove", table)(error).into());
        }
        _ => {}
    }
    let mut writer = TableWriter::create(table, &source.story.session_id, &[])?;
    let (maker, outcome) = source.rows(&mut |row| Ok(writer.push(row)?), &mut |done, of| {
        progress(Step { what: "rows", done, of });
    })?;
    Ok((maker, outcome, writer.finish()?))
}

/// Finishes the video in place; answers with its hash. Without a frame there is no video.
fn finish_video(
    source: &LogSource,
    maker: &RowMaker,
    progress: &mut dyn FnMut(Step),
) -> Result<Option<FileHash>, FinalizeError> {
    let (Some(video), Some(sets)) = (&source.video, &source.story.parameter_sets) else { return Ok(None) };
    if maker.samples.is_empty() {
        return Ok(None);
    }
    let story = &source.story;
    let track =
        VideoTrack { sets, coded: story.coded, surface: story.surface, nominal_frame_us: 1_000_000 / story.fps.max(1) };
    let index = moov::build(&maker.samples, &track)?;
    progress(Step { what: "video", done: 0, of: 2 });
    let finished = video_finish::finish(&video.path, video.layout, source.data_end(maker), &index)?;
    let checkpoint = source.reader.facts.digest.as_ref().and_then(|(offset, state)| {
        let state = state.as_slice().try_into().ok()?;
        (*offset <= finished.last_box_start).then_some(HashCheckpoint { offset: *offset, state })
    });
    progress(Step { what: "video", done: 1, of: 2 });
    let hash = video_finish::sha256_of_file_from(&video.path, checkpoint.as_ref(), &finished)?;
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

    // The metadata, and everything under its name.
    let metadata = source.story.metadata(&source.reader, &outcome, &maker, &summary);
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
    publishing(2);
    let json = metadata.to_json().map_err(FinalizeError::Json)?;
    seal::publish_bytes(&layout::metadata_path(session), json.as_bytes())?;
    publishing(3);
    let video = video_hash.map(|hash| IntegrityEntry { name: layout::FRAMES_FILE.into(), hash });
    let table = IntegrityEntry { name: layout::EVENTS_FILE.into(), hash: summary.written.sha256 };
    let known: Vec<IntegrityEntry> = video.into_iter().chain([table]).collect();
    seal::seal(session, &known, &mut |_| {})?;
    publishing(4);
    Ok((metadata, summary.written))
}
