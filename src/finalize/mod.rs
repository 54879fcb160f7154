//! From a log to a sealed session: a function of the log.
//!
//! The steps, in the order that makes each of them interruptible and repeatable:
//!
//! 1. take the lock; open the log; decide where the video ends (the last frame whose bytes are all there);
//! 2. merge the records into rows, write `events.parquet` beside its place;
//! 3. finish the video in place: cut behind the last frame, patch the last box, append the index;
//! 4. publish the table, the video and the metadata under their names;
//! 5. write `integrity.sha256`: from now on the session is sealed;
//! 6. delete the log, unless it is to be kept.
//!
//! Killed anywhere, it is run again and gives the same bytes: nothing of the wall clock, the host or the order of threads is in
//! its output, and nothing of the log is changed before step 6 other than what step 3 would write there again.

pub mod describe;
pub mod merge;
pub mod moov;
pub mod rows;
pub mod tables;

use std::path::{Path, PathBuf};

use crate::log::lock::LogLock;
use crate::log::reader::LogReader;
use crate::log::video::{BOX_HEADER, FIRST_BOX, HashCheckpoint, VideoError};
use crate::log::{LogError, LogPaths, reserve, video_finish};
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::seal::{self, FileHash, IntegrityEntry, SealError};
use crate::time::MonoNs;

use self::describe::Story;
use self::merge::Merge;
use self::moov::{MoovError, VideoTrack};
use self::rows::RowMaker;
use self::tables::{TableError, TableWriter};

/// How far finalizing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// What is being done.
    pub what: &'static str,
    /// Done, in units of the step.
    pub done: u64,
    /// Of how many.
    pub of: u64,
}

/// What became of a log.
#[derive(Clone, PartialEq, Debug)]
pub struct Finalized {
    /// The sealed session's folder.
    pub session: PathBuf,
    /// Its metadata.
    pub metadata: Metadata,
    /// Data was lost or recovered: exit code 3.
    pub lossy: bool,
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
    /// The log does not say what a session needs.
    #[error("the log in {path} does not say {what}", path = path.display())]
    Incomplete {
        /// The session's folder.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
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
                Some("give the folder that `watchcap record` printed (session_YYYYMMDD_HHMMSS)".into())
            }
            Self::Sealed { path } => {
                Some(format!("nothing is left to do; check it with: watchcap verify {}", path.display()))
            }
            Self::Log(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Video(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Incomplete { .. } => Some("the recording was killed before it began; there is nothing in it".into()),
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

/// The video: in the log before it was renamed, in the session after.
fn find_video(session: &Path, paths: &LogPaths) -> Option<PathBuf> {
    [paths.video.clone(), layout::frames_path(session)].into_iter().find(|path| path.is_file())
}

/// The number (as the log counts) of the first frame whose bytes are not all there.
fn torn_from(reader: &LogReader, video: &Path) -> Result<u64, LogError> {
    use std::io::{Read, Seek, SeekFrom};
    let action = "read";
    let mut file = std::fs::File::open(video).map_err(crate::log::io_error(action, video))?;
    let len = file.metadata().map_err(crate::log::io_error(action, video))?.len();
    let mut unsynced = reader.unsynced_frames(len)?;
    let mut bytes = Vec::new();
    unsynced.sort_by_key(|frame| frame.frame_ref);
    for frame in unsynced {
        if frame.offset.saturating_add(u64::from(frame.size_bytes)) > len {
            return Ok(frame.frame_ref.0);
        }
        bytes.clear();
        file.seek(SeekFrom::Start(frame.offset)).map_err(crate::log::io_error(action, video))?;
        let read = (&mut file).take(u64::from(frame.size_bytes)).read_to_end(&mut bytes);
        read.map_err(crate::log::io_error(action, video))?;
        if bytes.len() != frame.size_bytes as usize || crc32c::crc32c(&bytes) != frame.crc32c {
            return Ok(frame.frame_ref.0);
        }
    }
    Ok(u64::MAX)
}

/// Makes a sealed session of the log in `session`.
///
/// # Errors
/// [`FinalizeError`]; the log is still there and it can be tried again.
pub fn finalize(session: &Path, keep_log: bool, progress: &mut dyn FnMut(Step)) -> Result<Finalized, FinalizeError> {
    if !session.is_dir() {
        return Err(FinalizeError::NoFolder { path: session.to_path_buf() });
    }
    let paths = LogPaths::of(session);
    let sealed = layout::integrity_path(session).is_file();
    if !paths.dir.is_dir() {
        return Err(if sealed {
            FinalizeError::Sealed { path: session.to_path_buf() }
        } else {
            LogError::NoLog { path: session.to_path_buf() }.into()
        });
    }
    let lock = LogLock::take(&paths.lock, "finalize")?;
    if sealed {
        // Sealed, and the log is still there: it was to be kept, or its deletion was interrupted. There is nothing to make.
        if keep_log {
            return Err(FinalizeError::Sealed { path: session.to_path_buf() });
        }
        let metadata = Metadata::read(&layout::metadata_path(session)).map_err(FinalizeError::Metadata)?;
        drop(lock);
        delete_log(&paths)?;
        let lossy = metadata.recovered || !metadata.lost.is_empty();
        return Ok(Finalized { session: session.to_path_buf(), metadata, lossy });
    }
    let reader = LogReader::open(&paths)?;
    // The room that was kept for what follows.
    reserve::release(&paths.reserve)?;
    let finalized = seal_log(session, &reader, progress)?;
    drop(reader);
    drop(lock);
    if !keep_log {
        delete_log(&paths)?;
    }
    Ok(finalized)
}

fn seal_log(session: &Path, reader: &LogReader, progress: &mut dyn FnMut(Step)) -> Result<Finalized, FinalizeError> {
    let missing = |what| FinalizeError::Incomplete { path: session.to_path_buf(), what };
    let story = Story::read(reader).ok_or_else(|| missing("which session it is"))?;
    let video = find_video(session, reader.paths()).ok_or_else(|| missing("where its video is"))?;
    let torn_from = torn_from(reader, &video)?;

    // The table.
    let table = layout::temp_path(&layout::events_path(session));
    if table.exists() {
        std::fs::remove_file(&table).map_err(crate::log::io_error("remove", &table))?;
    }
    let mut writer = TableWriter::create(&table, &story.session_id, &[])?;
    let mut maker = RowMaker::new(story.session_id.clone(), torn_from);
    let mut merge = Merge::new(reader);
    while let Some(batch) = merge.next_batch()? {
        maker.batch(&batch, &mut |row| writer.push(row))?;
        let (done, of) = merge.progress();
        progress(Step { what: "rows", done: done as u64, of: of as u64 });
    }
    let end = reader.facts.end.as_ref().map(|(_, t)| *t);
    let last = reader.chunks().iter().map(|chunk| chunk.max_t).max().unwrap_or(MonoNs(0));
    let unreadable = merge.unreadable();
    maker.finish(end.unwrap_or(last), &mut |row| writer.push(row))?;
    let summary = writer.finish()?;

    // The video.
    let sets = story.parameter_sets.as_ref().ok_or_else(|| missing("how its video is to be decoded"))?;
    let box_layout = video_finish::detect_layout(&video)?;
    let data_end = maker.samples.last().map_or(FIRST_BOX + BOX_HEADER, |sample| sample.offset + u64::from(sample.size));
    let track =
        VideoTrack { sets, coded: story.coded, surface: story.surface, nominal_frame_us: 1_000_000 / story.fps.max(1) };
    let index = moov::build(&maker.samples, &track)?;
    let finished = video_finish::finish(&video, box_layout, data_end, &index)?;
    let checkpoint = reader.facts.digest.as_ref().and_then(|(offset, state)| {
        let state = state.as_slice().try_into().ok()?;
        (*offset <= finished.last_box_start).then_some(HashCheckpoint { offset: *offset, state })
    });
    progress(Step { what: "video", done: 0, of: 1 });
    let video_hash = video_finish::sha256_of_file_from(&video, checkpoint.as_ref(), &finished)?;
    progress(Step { what: "video", done: 1, of: 1 });

    // The metadata, and everything under its name.
    let metadata = story.metadata(reader, unreadable, &maker, &summary);
    seal::publish(&table, &layout::events_path(session))?;
    if video != layout::frames_path(session) {
        seal::publish(&video, &layout::frames_path(session))?;
    }
    seal::publish_bytes(&layout::metadata_path(session), metadata.to_json().map_err(FinalizeError::Json)?.as_bytes())?;
    let known = [IntegrityEntry { name: layout::FRAMES_FILE.into(), hash: FileHash(video_hash) }];
    seal::seal(session, &known, &mut |done| progress(Step { what: "hashes", done, of: 0 }))?;
    let lossy = story.lossy(reader, unreadable, &maker);
    Ok(Finalized { session: session.to_path_buf(), metadata, lossy })
}
