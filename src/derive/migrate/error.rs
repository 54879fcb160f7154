//! Why a session cannot be migrated, and what to do then.

use std::path::PathBuf;

use super::holds::Holds;
use crate::base::io_error::IoError;
use crate::session::draft::NotWhole;
use crate::session::layout;
use crate::session::metadata::MetadataError;
use crate::session::refusal::Refusal;
use crate::session::seal::SealError;
use crate::session::table::read::ReadError;
use crate::session::table::schema::{FORMAT_VERSION, Version};
use crate::session::table::write::TableError;

/// Why a session cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The session is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is no sealed session.
    #[error("{} is no sealed session", path.display())]
    NotSealed {
        /// Which.
        path: PathBuf,
        /// What it holds instead.
        holds: Holds,
    },
    /// Another process is migrating it.
    #[error("{} is being migrated by another process", path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// It is of a later version than the one asked for, and of one that this release knows.
    #[error("{} is of format {found}: sessions are migrated forward only", path.display())]
    Backward {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: Version,
    },
    /// It is of a later version than this release knows.
    #[error("{} is of format {found}, this release writes {FORMAT_VERSION} and would lose what is new in it", path.display())]
    TooNew {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: Version,
        /// The release that recorded it, which reads all of it.
        by: Option<String>,
    },
    /// The new session is not whole.
    #[error(transparent)]
    NotWhole(#[from] NotWhole),
    /// A row of the new session says something else than that of the old one.
    #[error("row {row} of the new session is not that of the old one; it is not published")]
    NotSame {
        /// Which, from 0.
        row: u64,
    },
    /// The session still has its log, which would go with it.
    #[error("{} still holds its log, which would be deleted with it", path.display())]
    HasLog {
        /// Which.
        path: PathBuf,
    },
    /// The session cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The new table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The new session cannot be sealed or published.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file or folder cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl MigrateError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        const SPACE: &str = "free some disk space or make the folder writable, then run `watchcap migrate` again";
        match self {
            Self::Refused(error) => error.hint(),
            Self::NotSealed { path, holds } => Some(holds.hint(path)),
            Self::Busy { .. } => Some("wait until it is done".into()),
            Self::Backward { .. } => Some(format!("ask for --to {FORMAT_VERSION}, or keep the session as it is")),
            Self::TooNew { by: Some(by), .. } => Some(format!(
                "watchcap {by}, which recorded it, reads all of it; this release plays and exports what it knows of it"
            )),
            Self::TooNew { by: None, .. } => {
                Some("use the release of watchcap that recorded it, or a later one".into())
            }
            Self::HasLog { path } => Some(format!(
                "migrate it without --in-place, or remove {} when you do not need it",
                layout::log_dir(path).display()
            )),
            Self::Read(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Table(TableError::Create { .. } | TableError::Write { .. }) | Self::Seal(SealError::Io(_)) => {
                Some(SPACE.into())
            }
            Self::Seal(error) => error.hint(),
            Self::Table(_) | Self::NotWhole(_) | Self::NotSame { .. } | Self::Io(_) => None,
        }
    }
}
