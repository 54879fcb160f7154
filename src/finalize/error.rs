//! Why a log cannot be made into a session, and what to do then.

use std::path::{Path, PathBuf};

use super::check::CheckError;
use crate::base::io_error::IoError;
use crate::base::shown;
use crate::log::LogError;
use crate::media::mp4::append::VideoError;
use crate::media::mp4::writer::WriterError;
use crate::session::refusal::Refusal;
use crate::session::seal::SealError;
use crate::session::table::write::TableError;

/// Why a log cannot be finalized.
#[derive(Debug, thiserror::Error)]
pub enum FinalizeError {
    /// There is no such folder.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is sealed, and there is no log of which it could be made anew.
    #[error("{path} is sealed and has no log of which it could be made anew", path = path.display())]
    NoLogLeft {
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
    /// The file of a track cannot be read.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// The file of a track cannot be finished.
    #[error(transparent)]
    Write(#[from] WriterError),
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
        source: Box<CheckError>,
    },
    /// It is not sealed, so that nothing can be made again.
    #[error("{path} is not sealed yet", path = path.display())]
    NotSealed {
        /// Which.
        path: PathBuf,
    },
    /// It was sealed, and got another name meanwhile.
    #[error("{path} was moved or exchanged by somebody while it was sealed", path = path.display())]
    Moved {
        /// Its name when it was begun with.
        path: PathBuf,
        /// Where it is now, as far as the system tells.
        now: Option<PathBuf>,
    },
}

impl From<IoError> for FinalizeError {
    fn from(error: IoError) -> Self {
        Self::Log(error.into())
    }
}

impl FinalizeError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(error) => error.hint(),
            Self::NoLogLeft { path } => Some(format!("check it with: watchcap verify {}", shown::shell(path))),
            Self::Log(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Video(error) => error.hint(),
            Self::Write(error) => error.hint(),
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
            Self::Moved { now, .. } => Some(moved_hint(now.as_deref(), "what was sealed")),
            Self::Json(_) => None,
        }
    }
}

/// What whoever lost a folder can do.
pub fn moved_hint(now: Option<&Path>, what: &str) -> String {
    match now {
        Some(now) => format!("{what} is whole, and is now in {}", shown::shell(now)),
        None => format!("{what} is whole, in the folder that was moved; ask whoever can write to the folder around it"),
    }
}
