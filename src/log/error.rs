//! Why a log cannot be written or read.

use std::path::PathBuf;

use crate::base::io_error::IoError;

/// The first failure of a writer, kept to be repeated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirstFailure {
    /// What failed and why.
    pub text: String,
    /// The kind of the system's error, where there was one.
    pub kind: Option<std::io::ErrorKind>,
}

impl From<&LogError> for FirstFailure {
    fn from(error: &LogError) -> Self {
        match error {
            LogError::Poisoned { first } => first.clone(),
            other => Self { text: other.to_string(), kind: other.io_kind() },
        }
    }
}

/// Why a log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file or folder cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The database failed.
    #[error("cannot {action} the database {path}: {detail}", path = path.display())]
    Database {
        /// What was tried.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// What it said.
        detail: String,
        /// The kind of the system's error, where there was one.
        kind: Option<std::io::ErrorKind>,
    },
    /// The video file failed.
    #[error(transparent)]
    Video(#[from] crate::media::mp4::append::VideoError),
    /// A chunk could not be made or read.
    #[error("cannot {action} chunk at record {seq}: {detail}")]
    Chunk {
        /// What was tried.
        action: &'static str,
        /// First record of the chunk.
        seq: u64,
        /// Why not.
        detail: String,
    },
    /// An earlier write failed; nothing is written after it (G6).
    #[error("the log is closed after a failed write: {}", first.text)]
    Poisoned {
        /// The first error.
        first: FirstFailure,
    },
    /// The tracks of a recording cannot be these.
    #[error("a log cannot have these tracks: {detail}")]
    Tracks {
        /// What is wrong with them.
        detail: String,
    },
    /// Somebody else uses the log.
    #[error("{path} is in use: {holder}", path = path.display())]
    Locked {
        /// The session's folder.
        path: PathBuf,
        /// Who holds it, since when.
        holder: String,
    },
    /// There is no log.
    #[error("{path} holds no log", path = path.display())]
    NoLog {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The log was written by a newer release.
    #[error("the log has schema {found}; this release reads up to {newest}")]
    TooNew {
        /// Schema found.
        found: u16,
        /// Newest readable.
        newest: u16,
    },
}

impl LogError {
    /// The kind of the system's error behind this one.
    fn io_kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Self::Io(error) => Some(error.kind()),
            Self::Database { kind, .. } => *kind,
            Self::Video(error) => error.io_kind(),
            Self::Poisoned { first } => first.kind,
            _ => None,
        }
    }

    /// The word with which a recording ends that this error ended.
    pub fn end_reason(&self) -> &'static str {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self.io_kind() {
            Some(StorageFull | QuotaExceeded) => "disk_full",
            Some(FileTooLarge) => "file_too_large",
            _ => "io_error",
        }
    }

    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io(IoError { action: "look at" | "open" | "read" | "lock", source, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some("only the account that recorded it can read it".into())
            }
            Self::Io(IoError { source, .. }) if crate::base::files::is_locked_elsewhere(source) => {
                Some("wait until the process is done that uses it: Windows lets nobody else read it meanwhile".into())
            }
            Self::Io(IoError { action: "look at" | "open", source, .. }) if source.kind() == std::io::ErrorKind::InvalidInput => {
                Some("put the file itself in its place; links and other things are not followed".into())
            }
            Self::Io(IoError { action: "look at" | "read", .. }) => Some(
                "nothing was changed; when the disk is failing, copy the whole folder to another one (ddrescue reads what can be read) and \
                 finalize the copy"
                    .into(),
            ),
            Self::Io(IoError { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("the folder must be writable; choose another with --out".into())
            }
            Self::Io(IoError { source, .. }) if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
                Some("copy the folder to a disk that can be written".into())
            }
            _ if self.end_reason() == "disk_full" => {
                Some("free some space; everything acknowledged before is kept".into())
            }
            _ if self.end_reason() == "file_too_large" => {
                Some("raise the limit on the size of files (ulimit -f), or use another file system (FAT takes 4 GiB at the most)".into())
            }
            Self::Locked { .. } => Some("wait until it is done, or stop that process".into()),
            Self::NoLog { .. } => {
                Some("give the folder that `watchcap record` printed (session_YYYYMMDD_HHMMSS)".into())
            }
            Self::Video(error) => error.hint(),
            Self::TooNew { .. } => Some("use the watchcap that recorded it, or a newer one".into()),
            _ => None,
        }
    }
}
