//! Whether a file system keeps the permission bits that files are given.

use std::io;
use std::path::Path;

#[cfg(unix)]
use super::modes::DIR_MODE;
#[cfg(unix)]
use super::pins;

/// Whether a folder is on a file system that keeps permission bits: on one that does not (FAT, exFAT, some network shares), others
/// can read what is meant to be private. On Windows: whether it keeps rights.
///
/// # Errors
/// When the folder cannot be looked at.
pub fn keeps_modes(dir: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let folder = pins::folder(dir)?.0.reopen()?;
        Ok(folder.metadata()?.permissions().mode() & 0o777 == DIR_MODE)
    }
    #[cfg(windows)]
    return super::windows::keeps_rights(dir);
    #[cfg(not(any(unix, windows)))]
    std::fs::metadata(dir).map(|_| true)
}
