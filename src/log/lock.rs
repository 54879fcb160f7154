//! One user of a log at a time, with a message that says who and since when.
//!
//! The lock is the system's (released when the process dies, however it dies); the text in the file only explains it. Where nobody can read what is
//! locked (Windows), the text is in a file beside it, which the holder keeps open for writing: whoever asks sees that, and takes nothing.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use super::LogError;
use super::paths::HOLDER_FILE;
use crate::base::files::LOCKS_KEEP_READERS_OUT;
use crate::base::io_error::IoError;
use crate::base::time::{Clock, SystemClock};

/// Longest explanation that is read back from a lock, bytes.
const MAX_TEXT: u64 = 512;
/// How often the lock is tried for before somebody is said to hold it. Who only asks ([`LogLock::holder`]) has it for some
/// microseconds, and must not make a user believe that the log is in use.
const TRIES: u32 = 25;
/// Between two tries.
const BETWEEN: Duration = Duration::from_millis(4);

/// A held lock; released when dropped.
#[derive(Debug)]
pub struct LogLock {
    file: File,
    /// The log's folder, held as well where folders can be: the file may be deleted by somebody who takes it for left behind.
    _folder: Option<File>,
    /// The file beside it that is written to as long as the lock is held.
    _beside: Option<File>,
}

/// Who holds a log whose lock was deleted.
const NAMELESS: &str = "another process, whose log/lock was deleted";

impl LogLock {
    /// Takes the lock for `verb` (`record`, `finalize`).
    ///
    /// # Errors
    /// [`LogError::Locked`] when somebody holds it.
    pub fn take(path: &Path, verb: &str) -> Result<Self, LogError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let locked = |holder| LogError::Locked { path: folder.parent().unwrap_or(folder).to_path_buf(), holder };
        let mut file = crate::base::files::open_own(path).map_err(IoError::at("open", path))?;
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < TRIES => {
                    tries += 1;
                    SystemClock.sleep_until(SystemClock.now().plus(BETWEEN));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(locked(explanation(of_holder(file, path))));
                }
                Err(TryLockError::Error(source)) => return Err(IoError::at("lock", path)(source).into()),
            }
        }
        let held = crate::base::files::hold_dir(folder).map_err(|source| match source.kind() {
            std::io::ErrorKind::WouldBlock => locked(NAMELESS.to_owned()),
            _ => IoError::at("lock", folder)(source).into(),
        })?;
        let since = SystemClock.anchor().utc.to_rfc3339();
        let text = format!("watchcap {verb}, process {}, since {since}", std::process::id());
        let beside = LOCKS_KEEP_READERS_OUT.then(|| path.with_file_name(HOLDER_FILE));
        let beside = beside.map(|beside| {
            crate::base::files::keep_written(&beside, text.as_bytes()).map_err(IoError::at("write", &beside))
        });
        // In this order, so that there is never nothing to be read.
        file.write_all(text.as_bytes()).map_err(IoError::at("write", path))?;
        file.set_len(text.len() as u64).map_err(IoError::at("write", path))?;
        Ok(Self { file, _folder: held, _beside: beside.transpose()? })
    }

    /// Whether somebody holds the lock, and what they say of themselves. Nothing is written.
    pub fn holder(path: &Path) -> Option<String> {
        if LOCKS_KEEP_READERS_OUT {
            let beside = path.with_file_name(HOLDER_FILE);
            let is_held = crate::base::files::is_kept_written(&beside);
            return is_held.then(|| explanation(crate::base::files::open_regular(&beside)));
        }
        if let Ok(file) = crate::base::files::open_regular(path)
            && matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
        {
            return Some(explanation(of_holder(file, path)));
        }
        crate::base::files::is_held(path.parent()?).then(|| NAMELESS.to_owned())
    }
}

/// The file in which the holder of a lock says who it is.
fn of_holder(lock: File, path: &Path) -> std::io::Result<File> {
    if LOCKS_KEEP_READERS_OUT { crate::base::files::open_regular(&path.with_file_name(HOLDER_FILE)) } else { Ok(lock) }
}

/// What the holder of a lock says of itself, fit to be printed.
fn explanation(said: std::io::Result<File>) -> String {
    let mut text = String::new();
    if said.and_then(|file| file.take(MAX_TEXT).read_to_string(&mut text)).is_err() || text.is_empty() {
        text = "another process".into();
    }
    text.chars().filter(|c| !crate::base::shown::steers(*c)).collect()
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
        #[cfg(unix)]
        {
            std::fs::remove_file(&path).expect("a file");
            let error = LogLock::take(&path, "finalize").expect_err("the log is in use although its lock is gone");
            assert!(error.to_string().contains(NAMELESS), "{error}");
            assert_eq!(LogLock::holder(&path).as_deref(), Some(NAMELESS));
        }
        drop(held);
        assert_eq!(LogLock::holder(&path), None);
        LogLock::take(&path, "finalize").map(drop).expect("a lock that was released");
    }

    #[test]
    fn who_only_asks_is_not_in_the_way() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        drop(LogLock::take(&path, "record").expect("a free lock"));
        let asking = std::sync::atomic::AtomicBool::new(true);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while asking.load(std::sync::atomic::Ordering::Relaxed) {
                        drop(LogLock::holder(&path));
                        SystemClock.sleep_until(SystemClock.now().plus(Duration::from_micros(300)));
                    }
                });
            }
            let refused: Vec<_> = (0..300).filter_map(|_| LogLock::take(&path, "finalize").err()).collect();
            asking.store(false, std::sync::atomic::Ordering::Relaxed);
            assert!(refused.is_empty(), "{} of 300 were refused: {}", refused.len(), refused[0]);
        });
    }
}
