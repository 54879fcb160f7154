//! Why parts cannot be joined.

use std::path::PathBuf;

use crate::base::io_error::IoError;
use crate::base::shown::shell;
use crate::media::frames::FrameError;
use crate::media::mp4::index::IndexError;
use crate::media::mp4::writer::WriterError;
use crate::session::draft::NotWhole;
use crate::session::refusal::Refusal;
use crate::session::seal::SealError;
use crate::session::series::SeriesError;
use crate::session::table::read::ReadError;
use crate::session::table::write::TableError;

/// Why parts cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// They are not one series.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// A part is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What is made would lie in a session.
    #[error("{} lies in a session, whose seal a file there would break", path.display())]
    Inside {
        /// Where.
        path: PathBuf,
    },
    /// A part is not what the first one is.
    #[error("{} has {what} than {}", path.display(), first.display())]
    Other {
        /// The part.
        path: PathBuf,
        /// The first part.
        first: PathBuf,
        /// What differs: `another codec`.
        what: &'static str,
    },
    /// Two parts have the same sound, and one of them does not have it any more.
    #[error("the sound where {} ends and {} begins is in both, and is not the same", before.display(), path.display())]
    Muted {
        /// The part before.
        before: PathBuf,
        /// The part.
        path: PathBuf,
    },
    /// A part does not fit what is before it, or itself.
    #[error("{} cannot be joined: {what}", path.display())]
    Mismatch {
        /// The part.
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
    },
    /// Whoever asked does not want it any more.
    #[error("cancelled")]
    Cancelled,
    /// What was made is not whole.
    #[error(transparent)]
    NotWhole(#[from] NotWhole),
    /// A part cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its video cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Its sound cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Sound {
        /// The file.
        path: PathBuf,
        /// Why.
        source: IndexError,
    },
    /// The new video or sound cannot be written.
    #[error(transparent)]
    Write(#[from] WriterError),
    /// The new table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// It cannot be sealed or published.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file or folder cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl JoinError {
    /// Returns what the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Series(error) => error.hint(),
            Self::Refused(error) => error.hint(),
            Self::Inside { .. } => Some("name a folder outside of it".into()),
            Self::Other { .. } => {
                Some("join the parts before it, and it and those behind it, each for themselves".into())
            }
            Self::Muted { before, path } => Some(format!(
                "one of them was made silent there: make it so in the other, too, with `watchcap redact --mute` of {} or {}",
                shell(before),
                shell(path)
            )),
            Self::Mismatch { path, .. } => Some(format!("see what is wrong with: watchcap verify {}", shell(path))),
            Self::NotWhole(_) => Some("see what is wrong with the parts with: watchcap verify".into()),
            Self::Read(error) => error.hint(),
            Self::Frame(error) => error.hint(),
            Self::Sound { source, .. } => source.hint(),
            Self::Write(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Cancelled | Self::Io(_) => None,
        }
    }

    /// Returns whether the person asked for something that cannot be meant.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Series(SeriesError::Refused(refusal)) | Self::Refused(refusal) => refusal.is_usage(),
            Self::Series(_) | Self::Inside { .. } => true,
            _ => false,
        }
    }
}
