//! A folder by its path, on systems without calls that work below a handle.
//!
//! On Windows the folder is kept open without leave for others to rename or delete it, so its path stays what it is as long as this
//! lives.

#![expect(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the calls are those of systems on which they can fail and need the folder"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::files::look::{Kind, Look};
#[cfg(windows)]
use crate::base::files::windows::restrict_path as restrict;

/// An open folder.
#[derive(Debug)]
pub(in crate::base::files) struct Folder {
    path: PathBuf,
    /// What keeps its name.
    #[cfg(windows)]
    _handle: Option<File>,
}

/// What a folder is opened with on Windows, by the names of its documentation.
#[cfg(windows)]
mod flags {
    pub(in crate::base::files) const FILE_SHARE_READ: u32 = 1;
    pub(in crate::base::files) const FILE_SHARE_WRITE: u32 = 2;
    pub(in crate::base::files) const FILE_SHARE_DELETE: u32 = 4;
    pub(in crate::base::files) const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    pub(in crate::base::files) const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
}

impl Folder {
    /// Opens a folder by its path.
    pub(in crate::base::files) fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        if !std::fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            path: path.to_path_buf(),
            #[cfg(windows)]
            _handle: None,
        })
    }

    /// Opens a folder by its path and keeps its name as long as this lives.
    pub(in crate::base::files) fn hold(self) -> io::Result<Self> {
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt as _;
            let handle = File::options()
                .read(true)
                .share_mode(flags::FILE_SHARE_READ | flags::FILE_SHARE_WRITE)
                .custom_flags(flags::FILE_FLAG_BACKUP_SEMANTICS)
                .open(&self.path)?;
            Ok(Self { path: self.path, _handle: Some(handle) })
        }
        #[cfg(not(windows))]
        Ok(self)
    }

    /// Opens a folder in this one; a link is refused.
    pub(in crate::base::files) fn below(&self, name: &OsStr) -> io::Result<Self> {
        let path = self.path.join(name);
        if !std::fs::symlink_metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Self::open(&path)
    }

    /// As [`Self::below`].
    pub(in crate::base::files) fn below_on_same_mount(&self, name: &OsStr) -> io::Result<Self> {
        self.below(name)
    }

    /// What it is itself.
    pub(in crate::base::files) fn look_at_self(&self) -> io::Result<Look> {
        Ok(Look::of(&std::fs::metadata(&self.path)?))
    }

    /// What has a name in it.
    pub(in crate::base::files) fn look(&self, name: &OsStr) -> io::Result<Look> {
        Ok(Look::of(&std::fs::symlink_metadata(self.path.join(name))?))
    }

    fn open_with(&self, name: &OsStr, options: &mut std::fs::OpenOptions) -> io::Result<File> {
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt as _;
            options.custom_flags(flags::FILE_FLAG_OPEN_REPARSE_POINT);
        }
        options.open(self.path.join(name))
    }

    /// Opens a file that is there for reading.
    pub(in crate::base::files) fn open_to_read(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, File::options().read(true))
    }

    /// Opens a file that is there for reading and writing.
    pub(in crate::base::files) fn open_to_write(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, File::options().read(true).write(true))
    }

    /// Opens a file that is there for reading, and for writing to its end.
    pub(in crate::base::files) fn open_to_append(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, File::options().read(true).append(true))
    }

    /// Opens a file that is there for reading and writing, without leave for others to write to it.
    pub(in crate::base::files) fn open_to_keep(&self, name: &OsStr) -> io::Result<File> {
        self.open_alone(name, File::options().read(true).write(true))
    }

    /// Opens a file that is there for reading, unless somebody has it open for writing.
    pub(in crate::base::files) fn open_unless_kept(&self, name: &OsStr) -> io::Result<File> {
        self.open_alone(name, File::options().read(true))
    }

    fn open_alone(&self, name: &OsStr, options: &mut std::fs::OpenOptions) -> io::Result<File> {
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt as _;
            options.share_mode(flags::FILE_SHARE_READ | flags::FILE_SHARE_DELETE);
        }
        self.open_with(name, options)
    }

    /// Makes a file of this user alone, open for reading and writing; nothing may have its name.
    pub(in crate::base::files) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        #[cfg(windows)]
        return crate::base::files::windows::create_new(&self.path.join(name));
        #[cfg(not(windows))]
        self.open_with(name, File::options().read(true).write(true).create_new(true))
    }

    /// Makes a folder of this user alone, and opens it; nothing may have its name.
    pub(in crate::base::files) fn make_dir(&self, name: &OsStr) -> io::Result<Self> {
        #[cfg(windows)]
        crate::base::files::windows::make_dir(&self.path.join(name))?;
        #[cfg(not(windows))]
        std::fs::create_dir(self.path.join(name))?;
        self.below(name)
    }

    /// Removes what has a name and is no folder.
    pub(in crate::base::files) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    /// Removes a folder in which nothing is.
    pub(in crate::base::files) fn remove_dir(&self, name: &OsStr) -> io::Result<()> {
        std::fs::remove_dir(self.path.join(name))
    }

    /// Gives what has a name another, here or elsewhere; a file that has that one is replaced.
    pub(in crate::base::files) fn rename(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        std::fs::rename(self.path.join(name), to.path.join(to_name))
    }

    /// There is no such step.
    pub(in crate::base::files) fn exchange(&self, _: &OsStr, _: &Self, _: &OsStr) -> io::Result<bool> {
        Ok(false)
    }

    /// Gives a file a second name; nothing may have it.
    pub(in crate::base::files) fn link(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        std::fs::hard_link(self.path.join(name), to.path.join(to_name))
    }

    /// The names in it, each with what it stands for.
    pub(in crate::base::files) fn list(&self) -> io::Result<Vec<(OsString, Kind)>> {
        let entries = std::fs::read_dir(&self.path)?;
        entries.map(|entry| entry.and_then(|e| Ok((e.file_name(), Look::of(&e.metadata()?).kind)))).collect()
    }

    /// Takes all rights to a file in it from everybody but this user.
    pub(in crate::base::files) fn restrict_file(&self, name: &OsStr) -> io::Result<()> {
        restrict(&self.path.join(name))
    }

    /// Takes all rights to itself from everybody but this user.
    pub(in crate::base::files) fn restrict(&self) -> io::Result<()> {
        restrict(&self.path)
    }

    /// Its path.
    pub(in crate::base::files) fn reach(&self) -> Option<PathBuf> {
        Some(self.path.clone())
    }
}

/// There are no modes.
#[cfg(not(windows))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}
