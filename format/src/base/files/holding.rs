//! Folders that one process holds, and files that say so.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use super::pins;
use crate::base::time::{Clock as _, SystemClock};

/// How often a folder is tried for before somebody is said to have it: a lock that was let go lives on for a moment in a child that a
/// thread is just starting.
const HOLD_TRIES: u32 = 25;

/// Between two tries.
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

/// The system says that somebody has a file open in a way that does not go together with how it was asked for.
const ERROR_SHARING_VIOLATION: i32 = 32;

/// Makes a file say this, and keeps it open for writing: as long as the handle lives, [`is_kept_written`] answers that it is so. For systems that have
/// files opened with or without leave for others to write, which is Windows.
///
/// # Errors
/// When it cannot be opened or written.
pub fn keep_written(path: &Path, text: &[u8]) -> io::Result<File> {
    let place = pins::place_to_change(path)?;
    match place.folder.create_new(&place.name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        made => drop(made),
    }
    let mut tries = 0;
    let mut file = loop {
        match place.folder.open_to_keep(&place.name) {
            // Somebody is just asking, which takes some microseconds.
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) && tries < HOLD_TRIES => {
                tries += 1;
                SystemClock.sleep_until(SystemClock.now().plus(HOLD_BETWEEN));
            }
            opened => break opened?,
        }
    };
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text)?;
    file.sync_all()?;
    Ok(file)
}

/// Whether somebody keeps a file with [`keep_written`]. Nothing is taken from whoever wants to.
pub fn is_kept_written(path: &Path) -> bool {
    let opened = pins::place(path).and_then(|place| place.folder.open_unless_kept(&place.name));
    opened.is_err_and(|error| error.raw_os_error() == Some(ERROR_SHARING_VIOLATION))
}
