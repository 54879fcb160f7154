//! Why a session cannot be checked, and what to do then.

use std::path::PathBuf;

use crate::base::shown::shell;
use crate::media::frames::FrameError;
use crate::session::refusal::Refusal;
use crate::session::table::read::ReadError;

/// Why a session cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum QaError {
    /// The session is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is a log that somebody is at.
    #[error("{} is no sealed session yet: {holder}", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
        /// Who, since when.
        holder: String,
    },
    /// It holds neither a session nor a log.
    #[error("{} is no sealed session, and no log", path.display())]
    Nothing {
        /// Which.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its video cannot be read.
    #[error(transparent)]
    Frames(#[from] FrameError),
}

impl QaError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(error) => error.hint(),
            Self::InUse { .. } => Some("check it when that has ended, and it is sealed".into()),
            Self::Nothing { path } => {
                Some(format!("list the sessions in the folders below with: watchcap info {}", shell(path)))
            }
            Self::Read(error) => error.hint(),
            Self::Frames(error) => error.hint(),
        }
    }
}
