//! Why a folder is not used as a sealed session: one vocabulary for every verb that reads sessions.

use std::path::{Path, PathBuf};

use super::layout::{self, DirState};
use super::metadata::withdrawn_hint;
use super::seal::SealError;
use super::table::read::ReadError;
use crate::base::event::Stream;
use crate::base::shown::shell;

/// Why a session is not used.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no folder.
    #[error("{} is no folder", path.display())]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// It is no sealed session.
    #[error("{} is no sealed session", path.display())]
    NotSealed {
        /// The folder.
        path: PathBuf,
        /// It is a log.
        log: bool,
    },
    /// It is not what was sealed.
    #[error("{} is not what was sealed: {what}", path.display())]
    Damaged {
        /// The session.
        path: PathBuf,
        /// The first fault.
        what: String,
    },
    /// Consent does not cover a stream.
    #[error("{}", lacks_consent(path, *stream, *needed_by))]
    Consent {
        /// The session.
        path: PathBuf,
        /// The stream.
        stream: Stream,
        /// What needs the stream; `None`: the session holds it.
        needed_by: Option<&'static str>,
        /// The session says no (true), or nothing.
        refused: bool,
        /// How consent can be stated of a session that was imported.
        state: Option<String>,
    },
    /// Consent to a stream was taken back.
    #[error("consent to the {} of {} was taken back{}", stream.name(), path.display(), at.as_deref().map_or_else(String::new, |at| format!(" at {at}")))]
    Withdrawn {
        /// The session.
        path: PathBuf,
        /// The stream.
        stream: Stream,
        /// When, as the session says it.
        at: Option<String>,
    },
    /// Its seal cannot be read.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn lacks_consent(path: &Path, stream: Stream, needed_by: Option<&str>) -> String {
    let (path, stream) = (path.display(), stream.name());
    match needed_by {
        Some(who) => format!("{who} needs consent to the {stream}, which {path} does not have"),
        None => format!("{path} holds the {stream}, and consent to it is not there"),
    }
}

impl Refusal {
    /// Returns what the person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoFolder { .. } => layout::FOLDER_HINT.into(),
            Self::NotSealed { path, log } => layout::not_sealed_hint(path, *log),
            Self::Damaged { path, .. } => format!("see all of it with: watchcap verify {}", shell(path)),
            Self::Consent { refused: true, needed_by: Some(_), stream, .. } => {
                format!("the person agreed to other streams only; export a format without the {}", stream.name())
            }
            Self::Consent { refused: true, .. } => "the person agreed to other streams only".into(),
            Self::Consent { state: Some(state), .. } => state.clone(),
            Self::Consent { .. } => "its metadata do not say what was agreed to, and that is no consent".into(),
            Self::Withdrawn { path, .. } => withdrawn_hint(path),
            Self::Seal(error) => return error.hint(),
            Self::Read(error) => return error.hint(),
        })
    }

    /// Returns whether the person asked for something that they have no consent for.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Consent { .. } | Self::Withdrawn { .. })
    }

    /// Refuses what is no folder.
    ///
    /// # Errors
    /// [`Refusal::NoFolder`].
    pub fn unless_folder(dir: &Path) -> Result<(), Self> {
        if dir.is_dir() { Ok(()) } else { Err(Self::NoFolder { path: dir.to_path_buf() }) }
    }

    /// Refuses what is no sealed session, by the names in it; nothing is opened.
    ///
    /// # Errors
    /// [`Refusal::NoFolder`], [`Refusal::NotSealed`].
    pub fn unless_sealed(dir: &Path) -> Result<(), Self> {
        Self::unless_folder(dir)?;
        match layout::state_of(dir) {
            DirState::Sealed => Ok(()),
            state => Err(Self::NotSealed { path: dir.to_path_buf(), log: state == DirState::Log }),
        }
    }
}
