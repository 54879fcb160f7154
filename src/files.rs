//! Files that hold keystrokes: made private from their first byte, and folders whose names are on the disk.
//!
//! The modes are set on the open file or folder, so they hold whatever the umask is. On systems without modes the folder's own
//! rights apply.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(unix)]
use crate::time::{Clock as _, SystemClock};

/// Mode of every folder of a session.
pub const DIR_MODE: u32 = 0o700;
/// Mode of every file of a session.
pub const FILE_MODE: u32 = 0o600;

/// How often a folder is tried for before somebody is said to have it: a lock that was let go lives on for a moment in a child that a
/// thread is just starting.
#[cfg(unix)]
const HOLD_TRIES: u32 = 25;
/// Between two tries.
#[cfg(unix)]
const HOLD_BETWEEN: std::time::Duration = std::time::Duration::from_millis(4);

/// Makes every file that this process creates from now on private, also those that a library makes on its own.
///
/// Called once, before other threads exist.
pub fn private_umask() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
}

/// Keeps pictures and keys in memory out of core dumps: the process leaves none, and no other process of the same person can read its
/// memory. On Linux a limit of zero does not hold for dumps that are piped to a program (systemd-coredump, apport), so the process is
/// marked as not dumpable as well; other systems have the limit only.
///
/// Called once, before anything is captured or decoded.
pub fn no_core_dumps() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a crash may leave a core dump");
    }
    #[cfg(unix)]
    {
        let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
            tracing::warn!(%error, "a crash may leave a core dump");
        }
    }
}

/// Makes a folder that only its owner can enter; it must not exist.
///
/// # Errors
/// When it exists, or cannot be created.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        std::fs::DirBuilder::new().mode(DIR_MODE).create(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(DIR_MODE))
    }
    #[cfg(not(unix))]
    std::fs::create_dir(path)
}

/// Makes a file that only its owner can read, open for reading and writing; one that is there is emptied and made private.
///
/// # Errors
/// When it cannot be created, opened or given its mode.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(FILE_MODE);
    }
    let file = options.open(path)?;
    restrict(&file)?;
    Ok(file)
}

/// Gives an open file the private mode, whatever the umask left of it.
///
/// # Errors
/// When the system refuses.
pub fn restrict(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Gives every file and folder below (and with) `dir` the private modes: for files that a library made.
///
/// # Errors
/// When a folder cannot be listed or a mode not be set.
pub fn restrict_tree(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(DIR_MODE))?;
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                restrict_tree(&entry.path())?;
            } else if kind.is_file() {
                std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(FILE_MODE))?;
            }
        }
    }
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

/// Takes a folder for this process alone, against others that ask the same, until the handle is dropped. `None` where folders
/// cannot be locked. The lock goes along when the folder is renamed.
///
/// # Errors
/// `WouldBlock` when somebody has it; what the system says when the folder cannot be opened.
pub fn hold_dir(path: &Path) -> io::Result<Option<File>> {
    #[cfg(unix)]
    {
        let folder = File::open(path)?;
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

/// Syncs a folder, so that the names in it are on the disk. Does nothing where folders cannot be synced.
///
/// # Errors
/// When the system reports that it failed.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return File::open(path)?.sync_all();
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(())
    }
}
