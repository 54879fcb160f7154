//! Brings files and names to the disk.

use std::fs::File;
use std::io;
use std::path::Path;

use super::pins;

/// Opens a regular file that is there so that it can be synced: for writing, since Windows refuses to sync what is open only for reading.
///
/// # Errors
/// When it is no regular file, or cannot be opened.
pub fn open_to_sync(path: &Path) -> io::Result<File> {
    let place = pins::place(path)?;
    if !place.folder.look(&place.name)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    place.folder.open_to_write(&place.name)
}

/// Brings the bytes of a file to the disk.
///
/// # Errors
/// When it is no regular file, or the system reports that it failed.
pub fn sync_file(path: &Path) -> io::Result<()> {
    open_to_sync(path)?.sync_all()
}

/// Syncs a folder, so that the names in it are on the disk. Does nothing where folders cannot be synced.
///
/// # Errors
/// When the system reports that it failed.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return pins::folder(path)?.0.reopen()?.sync_all();
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(())
    }
}
