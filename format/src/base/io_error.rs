//! The error of a call of the system on a path: what was tried, with what, and why it failed.
//!
//! Rooms take it into their own errors with `#[from]`, so that `.map_err(IoError::at("open", path))?` is all that a call needs.

use std::io;
use std::path::{Path, PathBuf};

/// A file or folder that cannot be worked with.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct IoError {
    /// The verb that was tried, as it stands behind "cannot".
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

impl IoError {
    /// Returns what makes the error of `action` on `path` out of the system's.
    pub fn at<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self { action, path: path.to_path_buf(), source }
    }

    /// Returns the kind of the system's error.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_tried_with_what_and_why() {
        let path = PathBuf::from("/nowhere");
        let error = IoError::at("open", &path)(io::ErrorKind::NotFound.into());
        assert_eq!(error.to_string(), "cannot open /nowhere: entity not found");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
