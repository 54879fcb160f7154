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

/// How files of a session are opened for writing: never through a link, so that a folder from a stranger cannot have us write to a file
/// that lies elsewhere. A new file is private.
pub fn to_write() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.mode(FILE_MODE).custom_flags(flags.bits().cast_signed());
    }
    options
}

/// Makes a file that only its owner can read, open for reading and writing; one that is there is emptied and made private.
///
/// # Errors
/// When it cannot be created, opened or given its mode, or is a link.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let file = to_write().create(true).truncate(true).open(path)?;
    restrict(&file)?;
    Ok(file)
}

/// Opens a regular file for reading, also through a link. What is none (a FIFO, a device, a socket, a folder) is an error, and nothing is
/// waited for: opening a FIFO would wait until somebody writes to it.
///
/// # Errors
/// When it is not there, is no regular file, or cannot be opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    // Looked at first, since opening alone does something to some devices; and again when it is open, since a name can change its file.
    if !std::fs::metadata(path)?.is_file() {
        return Err(refused());
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused()) }
}

/// Whether there is a regular file of this name. Only a name that is not there is missing: what cannot be looked at (a disk that fails, a
/// folder of somebody else) may well be there, and is an error; so is what has the name and is no regular file, or a link.
///
/// # Errors
/// As above.
pub fn is_there(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(found) if found.is_symlink() => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link")),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// As [`open_regular`], and when it is larger.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    // One byte more tells that there is more, whatever its metadata say.
    open_regular(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// As [`read_at_most`], as text.
///
/// # Errors
/// As [`read_at_most`], and when it is not UTF-8.
pub fn read_text_at_most(path: &Path, most: u64) -> io::Result<String> {
    let not_text = |_bytes| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(read_at_most(path, most)?).map_err(not_text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_of_bounded_size_is_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        std::fs::write(&path, [7; 10]).expect("a file");
        assert_eq!(read_at_most(&path, 10).expect("its bytes"), [7; 10]);
        assert_eq!(read_at_most(&path, 9).expect_err("too large").kind(), io::ErrorKind::FileTooLarge);
        std::fs::write(&path, b"a\xff").expect("a file");
        assert_eq!(read_text_at_most(&path, 10).expect_err("no text").kind(), io::ErrorKind::InvalidData);
        assert_eq!(open_regular(dir.path()).expect_err("a folder").kind(), io::ErrorKind::InvalidInput);
        assert_eq!(open_regular(&dir.path().join("none")).expect_err("nothing").kind(), io::ErrorKind::NotFound);
        assert!(is_there(&path).expect("a file") && !is_there(&dir.path().join("none")).expect("nothing"));
        assert!(!is_there(&path.join("none")).expect("nothing"), "a file has no files");
        assert_eq!(is_there(dir.path()).expect_err("a folder").kind(), io::ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let dir = tempfile::tempdir().expect("a folder");
        let (theirs, link) = (dir.path().join("theirs"), dir.path().join("link"));
        std::fs::write(&theirs, "keep").expect("a file");
        std::os::unix::fs::symlink(&theirs, &link).expect("a link");
        create_private_file(&link).expect_err("it was followed");
        assert_eq!(std::fs::read(&theirs).expect("a file"), b"keep");
        std::os::unix::fs::symlink(dir.path().join("none"), dir.path().join("dangling")).expect("a link");
        create_private_file(&dir.path().join("dangling")).expect_err("it was followed");
        assert!(!dir.path().join("none").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        assert_eq!(open_regular(&path).expect_err("a FIFO").kind(), io::ErrorKind::InvalidInput);
        assert_eq!(open_regular(Path::new("/dev/zero")).expect_err("a device").kind(), io::ErrorKind::InvalidInput);
    }
}
