//! Where the parts of a log are.

use std::path::{Path, PathBuf};

use super::error::LogError;
use crate::base::io_error::IoError;
use crate::media::track;

/// The folder of the log inside a session's folder.
pub const LOG_DIR: &str = "log";
/// The database inside the log's folder.
pub const EVENTS_DIR: &str = "events";
/// The copies of the chunks that hold facts, inside the log's folder.
pub const FACTS_FILE: &str = "facts";
/// The video inside the log's folder.
pub const VIDEO_FILE: &str = track::PICTURES_FILE;
/// The lock inside the log's folder.
pub const LOCK_FILE: &str = "lock";
/// What says who holds the lock where nobody can read what is locked (Windows), inside the log's folder.
pub const HOLDER_FILE: &str = "lock.holder";
/// Room that is kept for sealing, inside the log's folder.
pub const RESERVE_FILE: &str = "reserve";
/// What became of a recording whose log could not be closed, inside the log's folder.
pub const ENDING_FILE: &str = "ending.json";

/// PNG pictures inside the log's folder, numbered as the log counts frames.
pub const DEBUG_DIR: &str = "debug";

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
    /// `log/debug/`
    pub debug: PathBuf,
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
            debug: dir.join(DEBUG_DIR),
            dir,
        }
    }

    /// The file of a track, inside the log's folder.
    pub fn track(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// Whether there is a log: a real folder. A link to one is not followed, since a log is written to and deleted in the end.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn is_there(&self) -> Result<bool, LogError> {
        match crate::base::files::look(&self.dir) {
            Ok(found) => Ok(found.is_dir()),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                Ok(false)
            }
            Err(error) => Err(IoError::at("look at", &self.dir)(error).into()),
        }
    }
}
