//! The log: open, append-only, crash-safe. One recording's events, frame references and facts in a sled database, and its video
//! in a file beside it that is written once, in its final place.
//!
//! Guarantees, numbered so that tests and comments can name them:
//!
//! - **G1** A record that was appended is in the database within [`writer::COMMIT_NS`] (4 ms), so that with what waits in
//!   the sources a killed process loses at most 10 ms.
//! - **G2** A record in the database is on the disk within [`writer::SYNC_NS`] (40 ms) plus one `fdatasync`.
//! - **G3** A frame's bytes are in the file before its reference is in the database, and on the disk before the reference is
//!   synced: the header of each chunk says how much of the video was on the disk when the chunk was cut.
//! - **G4** Records come back in the order in which they were appended, with no hole that is not reported.
//! - **G5** Each chunk frames itself (magic, length, CRC32C), and logs are read by a scan of the database's bytes. Chunks that
//!   hold facts are kept a second time, outside of the database ([`facts`]).
//! - **G6** After the first failed write nothing more is written, and everything acknowledged before stays readable.
//! - **G7** Reading never changes what the log says: [`reader::LogReader`] only reads, also while the log is being written.
//! - **G8** Sealing has room: [`reserve`] keeps it while the recording grows, so that a disk filled by others can be sealed on.
//!
//! Does not know the session's formats; `finalize` makes a session of it.

pub mod chunk;
pub mod codec;
pub mod ending;
pub mod facts;
pub mod lock;
pub mod reader;
pub mod reserve;
pub mod salvage;
pub mod store;
pub mod video;
pub mod video_finish;
pub mod video_scan;
pub mod writer;

use std::path::{Path, PathBuf};

use crate::event::{Event, Source};
use crate::time::{Anchor, MonoNs};

/// The folder of the log inside a session's folder.
pub const LOG_DIR: &str = "log";
/// The database inside the log's folder.
pub const EVENTS_DIR: &str = "events";
/// The copies of the chunks that hold facts, inside the log's folder.
pub const FACTS_FILE: &str = "facts";
/// The video inside the log's folder.
pub const VIDEO_FILE: &str = "frames.mp4";
/// The lock inside the log's folder.
pub const LOCK_FILE: &str = "lock";
/// Room that is kept for sealing, inside the log's folder.
pub const RESERVE_FILE: &str = "reserve";
/// What became of a recording whose log could not be closed, inside the log's folder.
pub const ENDING_FILE: &str = "ending.json";

/// Paths of a log.
#[derive(Clone, Debug)]
pub struct LogPaths {
    /// `log/`
    pub dir: PathBuf,
    /// `log/events/`
    pub events: PathBuf,
    /// `log/facts`
    pub facts: PathBuf,
    /// `log/frames.mp4`
    pub video: PathBuf,
    /// `log/lock`
    pub lock: PathBuf,
    /// `log/reserve`
    pub reserve: PathBuf,
    /// `log/ending.json`
    pub ending: PathBuf,
}

impl LogPaths {
    /// The paths of the log in a session's folder.
    pub fn of(session: &Path) -> Self {
        let dir = session.join(LOG_DIR);
        Self {
            events: dir.join(EVENTS_DIR),
            facts: dir.join(FACTS_FILE),
            video: dir.join(VIDEO_FILE),
            lock: dir.join(LOCK_FILE),
            reserve: dir.join(RESERVE_FILE),
            ending: dir.join(ENDING_FILE),
            dir,
        }
    }

    /// Whether there is a log: a real folder. A link to one is not followed, since a log is written to and deleted in the end.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn is_there(&self) -> Result<bool, LogError> {
        match std::fs::symlink_metadata(&self.dir) {
            Ok(found) => Ok(found.is_dir()),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                Ok(false)
            }
            Err(error) => Err(io_error("look at", &self.dir)(error)),
        }
    }
}

/// A record: what is kept, in the order in which it was appended.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// When it happened.
    pub t: MonoNs,
    /// Who saw it.
    pub source: Source,
    /// What it is.
    pub body: Body,
}

/// The kinds of record.
#[derive(Clone, PartialEq, Debug)]
pub enum Body {
    /// A fact about the recording, as JSON; a later one with the same key replaces an earlier one.
    Setup {
        /// Its name.
        key: String,
        /// Its value.
        json: String,
    },
    /// Something that happened.
    Event(Event),
    /// A reading of the clocks.
    Anchor(Anchor),
    /// State of the hash over the closed part of the video.
    Digest {
        /// Bytes hashed.
        offset: u64,
        /// Serialised state.
        state: Vec<u8>,
    },
    /// The recording ended in good order. The last record.
    End {
        /// Why: `duration`, `signal`, `display_gone`, …
        reason: String,
    },
}

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
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
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
    Video(#[from] video::VideoError),
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
            Self::Io { source, .. } => Some(source.kind()),
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
            Self::Io { action: "look at" | "open" | "read" | "lock", source, .. }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some("only the account that recorded it can read it".into())
            }
            Self::Io { action: "look at" | "open", source, .. } if source.kind() == std::io::ErrorKind::InvalidInput => {
                Some("put the file itself in its place; links and other things are not followed".into())
            }
            Self::Io { action: "look at" | "read", .. } => Some(
                "nothing was changed; when the disk is failing, copy the whole folder to another one (ddrescue reads what can be read) and \
                 finalize the copy"
                    .into(),
            ),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("the folder must be writable; choose another with --out".into())
            }
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
                Some("copy the folder to a disk that can be written".into())
            }
            _ if self.end_reason() == "disk_full" => {
                Some("free some space; everything acknowledged before is kept".into())
            }
            _ if self.end_reason() == "file_too_large" => {
                Some("raise the limit on the size of files (ulimit -f), or use another file system".into())
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

/// Makes an [`LogError::Io`] of an I/O error.
pub(crate) fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> LogError + use<'a> {
    move |source| LogError::Io { action, path: path.to_path_buf(), source }
}
