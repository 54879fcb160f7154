//! One user of a log at a time, with a message that says who and since when.
//!
//! The lock is the system's (released when the process dies, however it dies); the text in the file only explains it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use super::{LogError, io_error};
use crate::time::{Clock, SystemClock};

/// Longest explanation that is read back from a lock, bytes.
const MAX_TEXT: u64 = 512;

/// A held lock; released when dropped.
#[derive(Debug)]
pub struct LogLock {
    file: File,
}

impl LogLock {
    /// Takes the lock for `verb` (`record`, `finalize`).
    ///
    /// # Errors
    /// [`LogError::Locked`] when somebody holds it.
    pub fn take(path: &Path, verb: &str) -> Result<Self, LogError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(path).map_err(io_error("open", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                if (&mut file).take(MAX_TEXT).read_to_string(&mut holder).is_err() || holder.is_empty() {
                    holder = "another process".into();
                }
                let holder = holder.chars().filter(|c| !c.is_control()).collect();
                return Err(LogError::Locked { path: path.to_path_buf(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io_error("lock", path)(source)),
        }
        let since = SystemClock.anchor().utc.to_rfc3339();
        file.set_len(0).map_err(io_error("write", path))?;
        write!(file, "watchcap {verb}, process {}, since {since}", std::process::id())
            .map_err(io_error("write", path))?;
        Ok(Self { file })
    }

    /// Whether somebody holds the lock, and what they say of themselves.
    pub fn holder(path: &Path) -> Option<String> {
        let mut file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Ok(()) | Err(TryLockError::Error(_)) => None,
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                if (&mut file).take(MAX_TEXT).read_to_string(&mut text).is_err() || text.is_empty() {
                    text = "another process".into();
                }
                Some(text.chars().filter(|c| !c.is_control()).collect())
            }
        }
    }
}

impl Drop for LogLock {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the lock could not be released; the system does it at exit");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_user_is_told_who_holds_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let held = LogLock::take(&path, "record").expect("a free lock");
        let error = LogLock::take(&path, "finalize").expect_err("the lock is held");
        let text = error.to_string();
        assert!(text.contains("watchcap record") && text.contains(&std::process::id().to_string()), "{text}");
        assert!(LogLock::holder(&path).is_some_and(|h| h.contains("record")));
        drop(held);
        assert_eq!(LogLock::holder(&path), None);
        LogLock::take(&path, "finalize").map(drop).expect("a lock that was released");
    }
}
