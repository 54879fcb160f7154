//! Brings a file of the old session into the new one without writing its bytes again, where the file system can.
//!
//! A clone shares its blocks until one of the two is changed; a hard link is the same file under two names. Only where neither
//! can be had (another file system, or one that knows neither), the bytes are copied.

use std::path::Path;

use crate::base::io_error::IoError;

/// How a file came into a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// A clone: the same blocks on the disk, another file (`FICLONE`).
    Cloned,
    /// The same file under a second name.
    Linked,
    /// Its bytes, a second time.
    Copied,
}

impl Link {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloned => "cloned",
            Self::Linked => "linked",
            Self::Copied => "copied",
        }
    }
}

/// Makes `to` hold what `from` holds; folders above it are made.
///
/// # Errors
/// When the file can neither be cloned nor linked nor copied.
pub fn bring(from: &Path, to: &Path) -> Result<Link, IoError> {
    if let Some(parent) = to.parent()
        && !parent.is_dir()
    {
        crate::base::files::create_private_dir(parent).map_err(IoError::at("create", parent))?;
    }
    if cloned(from, to)? {
        return Ok(Link::Cloned);
    }
    if crate::base::files::link(from, to).is_ok() {
        return Ok(Link::Linked);
    }
    copy(from, to)?;
    Ok(Link::Copied)
}

/// Copies the bytes, and brings them to the disk.
fn copy(from: &Path, to: &Path) -> Result<(), IoError> {
    let mut old = crate::base::files::open_regular(from).map_err(IoError::at("open", from))?;
    let mut new = crate::base::files::create_private_file(to).map_err(IoError::at("create", to))?;
    std::io::copy(&mut old, &mut new).map_err(IoError::at("copy", from))?;
    new.sync_all().map_err(IoError::at("sync", to))
}

fn cloned(from: &Path, to: &Path) -> Result<bool, IoError> {
    let old = crate::base::files::open_regular(from).map_err(IoError::at("open", from))?;
    let new = crate::base::files::create_private_file(to).map_err(IoError::at("create", to))?;
    if crate::base::files::blocks::share(&old, &new) {
        new.sync_all().map_err(IoError::at("sync", to))?;
        return Ok(true);
    }
    drop(new);
    crate::base::files::remove_file(to).map_err(IoError::at("remove", to))?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_brought_with_its_bytes_and_into_folders_that_are_not_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let from = dir.path().join("from");
        std::fs::write(&from, "bytes").expect("a file");
        let to = dir.path().join("debug").join("to");
        let how = bring(&from, &to).expect("a file");
        assert_eq!(std::fs::read(&to).expect("a file"), b"bytes");
        // On one file system bytes are never written twice.
        assert_ne!(how, Link::Copied);
        let copied = dir.path().join("copied");
        copy(&from, &copied).expect("a file");
        std::fs::write(&copied, "other").expect("a file");
        assert_eq!(std::fs::read(&from).expect("a file"), b"bytes");
    }
}
