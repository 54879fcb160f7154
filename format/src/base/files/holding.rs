//! Folders that one process holds.

#[cfg(unix)]
use crate::base::time::{Clock as _, SystemClock};
use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(unix)]
use super::pins;

/// How often a folder is tried for before somebody is said to have it: a lock that was let go lives on for a moment in a child that a
/// thread is just starting.
#[cfg(unix)]
const HOLD_TRIES: u32 = 25;

/// Between two tries.
#[cfg(unix)]
const HOLD_BETWEEN: std::time::Duration = std::time::Duration::from_millis(4);

/// Whether an error says that another process has locked what was to be read: locks keep readers out on Windows, and nowhere else.
pub fn is_locked_elsewhere(error: &io::Error) -> bool {
    const ERROR_LOCK_VIOLATION: i32 = 33;
    super::reading::LOCKS_KEEP_READERS_OUT && error.raw_os_error() == Some(ERROR_LOCK_VIOLATION)
}

/// Takes a folder for this process alone, against others that ask the same, until the handle is dropped. `None` where folders
/// cannot be locked. The lock goes along when the folder is renamed.
///
/// # Errors
/// `WouldBlock` when somebody has it; what the system says when the folder cannot be opened.
pub fn hold_dir(path: &Path) -> io::Result<Option<File>> {
    #[cfg(unix)]
    {
        let folder = pins::folder(path)?.0.reopen()?;
        for _ in 0..HOLD_TRIES {
            match folder.try_lock() {
                Ok(()) => return Ok(Some(folder)),
                // A file system without locks.
                Err(std::fs::TryLockError::Error(_)) => return Ok(None),
                Err(std::fs::TryLockError::WouldBlock) => {
                    SystemClock.sleep_until(SystemClock.now().plus(HOLD_BETWEEN));
                }
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(None)
    }
}

/// Whether somebody has a folder that is taken with [`hold_dir`].
pub fn is_held(path: &Path) -> bool {
    #[cfg(unix)]
    {
        let folder = pins::folder(path).and_then(|(folder, _)| folder.reopen());
        matches!(folder.map(|folder| folder.try_lock_shared()), Ok(Err(std::fs::TryLockError::WouldBlock)))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}
