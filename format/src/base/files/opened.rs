//! A folder that was opened once, and names inside it, for what removes by names that others wrote down: what is looked at or removed is
//! what the opened folder holds, wherever a name outside of it leads by then. No link is followed, and only what belongs to the current
//! user counts.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;

use super::folder::Folder;
use super::look::Kind;

/// What a name in a folder stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// A regular file of the current user, with its size.
    File(u64),
    /// A folder of the current user.
    Folder,
    /// Anything else: a link, a device, what belongs to somebody else.
    Other,
}

/// An open folder.
#[derive(Debug)]
pub struct Opened(Folder);

impl Opened {
    /// Opens a folder by whatever name the person gave it. It may be of another user: names in it are judged by themselves.
    ///
    /// # Errors
    /// When it is no folder, or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Folder::open(path).map(Self)
    }

    /// Opens a folder of the current user inside this one, on the same file system; a link is none.
    ///
    /// # Errors
    /// When it is no such folder.
    pub fn inside(&self, name: &OsStr) -> io::Result<Self> {
        let folder = self.0.below_on_same_mount(name)?;
        if folder.look_at_self()?.is_own {
            Ok(Self(folder))
        } else {
            Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it belongs to another user, or others can write to it",
            ))
        }
    }

    /// The names in it, sorted.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names: Vec<OsString> = self.0.list()?.into_iter().map(|(name, _)| name).collect();
        names.sort();
        Ok(names)
    }

    /// What a name stands for.
    ///
    /// # Errors
    /// When nothing has it.
    pub fn kind(&self, name: &OsStr) -> io::Result<Named> {
        let found = self.0.look(name)?;
        Ok(match found.kind {
            Kind::File if found.is_own => Named::File(found.len),
            Kind::Folder if found.is_own => Named::Folder,
            _ => Named::Other,
        })
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// When it is a link, or cannot be opened.
    pub fn open_file(&self, name: &OsStr) -> io::Result<File> {
        self.0.open_to_read(name)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        self.0.remove_file(name)
    }

    /// Removes a folder in which nothing is.
    ///
    /// # Errors
    /// When it is none, or cannot be removed.
    pub fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        self.0.remove_dir(name)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_are_neither_opened_nor_files() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("real")).expect("a folder");
        std::fs::write(dir.path().join("file"), "four").expect("a file");
        std::os::unix::fs::symlink(dir.path().join("real"), dir.path().join("link")).expect("a link");
        let folder = Opened::open(dir.path()).expect("a folder");
        let kind = |name: &str| folder.kind(OsStr::new(name)).expect("a name");
        assert_eq!((kind("real"), kind("file"), kind("link")), (Named::Folder, Named::File(4), Named::Other));
        assert!(folder.inside(OsStr::new("real")).is_ok() && folder.inside(OsStr::new("link")).is_err());
        assert!(folder.open_file(OsStr::new("link")).is_err());
        assert_eq!(folder.names().expect("names"), ["file", "link", "real"]);
    }
}
