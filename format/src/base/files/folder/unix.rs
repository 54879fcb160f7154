//! A folder by its handle, on Unix: everything in it is named by one name, and nothing is followed.
//!
//! A name is one part of a path. What it stands for is decided below the handle, whatever becomes of the names above it meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fstat, openat, statat};

use crate::base::files::look::{Kind, Look};
use crate::base::files::modes::{DIR_MODE, FILE_MODE};

/// An open folder.
#[derive(Debug)]
pub(in crate::base::files) struct Folder {
    handle: OwnedFd,
}

/// How folders on the way are opened: on Linux only to go through them, which needs no right to list them.
#[cfg(target_os = "linux")]
const THROUGH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const THROUGH: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// How files are opened: nothing is followed and nothing is waited for.
const CAREFUL: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

impl Folder {
    /// Opens a folder by its path, through links on the way and at its end.
    pub(in crate::base::files) fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(Self { handle: openat(CWD, path, THROUGH, Mode::empty())? })
    }

    /// A handle keeps its folder whatever becomes of the names.
    #[expect(clippy::unnecessary_wraps, reason = "where folders are kept by their paths this can fail")]
    pub(in crate::base::files) fn hold(self) -> io::Result<Self> {
        Ok(self)
    }

    /// Opens a folder in this one; a link is refused.
    pub(in crate::base::files) fn below(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self { handle: openat(&self.handle, name, THROUGH | OFlags::NOFOLLOW, Mode::empty())? })
    }

    /// As [`Self::below`], and something else that is mounted there is refused, too.
    pub(in crate::base::files) fn below_on_same_mount(&self, name: &OsStr) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{ResolveFlags, openat2};
            let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
            match openat2(&self.handle, name, THROUGH | OFlags::NOFOLLOW, Mode::empty(), resolve) {
                Ok(handle) => return Ok(Self { handle }),
                // Kernels before 5.6, and filters of system calls that do not know it.
                Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let folder = self.below(name)?;
        if fstat(&folder.handle)?.st_dev == fstat(&self.handle)?.st_dev {
            Ok(folder)
        } else {
            Err(io::ErrorKind::CrossesDevices.into())
        }
    }

    /// The same folder, opened so that it can be listed, synced and locked.
    pub(in crate::base::files) fn reopen(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.handle, ".", flags, Mode::empty())?))
    }

    /// What it is itself.
    pub(in crate::base::files) fn stat(&self) -> io::Result<rustix::fs::Stat> {
        Ok(fstat(&self.handle)?)
    }

    /// What it is itself.
    pub(in crate::base::files) fn look_at_self(&self) -> io::Result<Look> {
        Ok(Look::of_stat(&self.stat()?))
    }

    /// What has a name in it.
    pub(in crate::base::files) fn look(&self, name: &OsStr) -> io::Result<Look> {
        Ok(Look::of_stat(&statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// Opens a file that is there for reading.
    pub(in crate::base::files) fn open_to_read(&self, name: &OsStr) -> io::Result<File> {
        Ok(File::from(openat(&self.handle, name, OFlags::RDONLY | CAREFUL, Mode::empty())?))
    }

    /// Opens a file that is there for reading and writing.
    pub(in crate::base::files) fn open_to_write(&self, name: &OsStr) -> io::Result<File> {
        Ok(File::from(openat(&self.handle, name, OFlags::RDWR | CAREFUL, Mode::empty())?))
    }

    /// As [`Self::open_to_write`]: files are open to whoever has the right.
    pub(in crate::base::files) fn open_to_keep(&self, name: &OsStr) -> io::Result<File> {
        self.open_to_write(name)
    }

    /// As [`Self::open_to_read`].
    pub(in crate::base::files) fn open_unless_kept(&self, name: &OsStr) -> io::Result<File> {
        self.open_to_read(name)
    }

    /// Opens a file that is there for reading, and for writing to its end.
    pub(in crate::base::files) fn open_to_append(&self, name: &OsStr) -> io::Result<File> {
        Ok(File::from(openat(&self.handle, name, OFlags::RDWR | OFlags::APPEND | CAREFUL, Mode::empty())?))
    }

    /// Makes a file, open for reading and writing, with the private mode whatever the umask is; nothing may have its name.
    pub(in crate::base::files) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        use std::os::unix::fs::PermissionsExt as _;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | CAREFUL;
        let file = File::from(openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?);
        file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
        Ok(file)
    }

    /// Makes a folder with the private mode whatever the umask is, and opens it; nothing may have its name.
    pub(in crate::base::files) fn make_dir(&self, name: &OsStr) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        rustix::fs::mkdirat(&self.handle, name, Mode::RWXU)?;
        let folder = self.below(name)?;
        let open = folder.reopen()?;
        if !folder.list()?.is_empty() {
            return Err(io::Error::other("somebody put another folder in the place of the one that was just made"));
        }
        open.set_permissions(std::fs::Permissions::from_mode(DIR_MODE))?;
        Ok(folder)
    }

    /// Removes what has a name and is no folder.
    pub(in crate::base::files) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Removes a folder in which nothing is.
    pub(in crate::base::files) fn remove_dir(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// Gives what has a name another, here or elsewhere; what has that one is replaced.
    pub(in crate::base::files) fn rename(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, name, &to.handle, to_name)?)
    }

    /// Exchanges two names in one step; false where the system has none.
    pub(in crate::base::files) fn exchange(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            match renameat_with(&self.handle, name, &to.handle, to_name, RenameFlags::EXCHANGE) {
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => Ok(false),
                Err(errno) => Err(errno.into()),
                Ok(()) => Ok(true),
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        {
            let _ = (name, to, to_name);
            Ok(false)
        }
    }

    /// Gives a file a second name; nothing may have it.
    pub(in crate::base::files) fn link(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.handle, name, &to.handle, to_name, AtFlags::empty())?)
    }

    /// The names in it, each with what it stands for.
    pub(in crate::base::files) fn list(&self) -> io::Result<Vec<(OsString, Kind)>> {
        use std::os::unix::ffi::OsStrExt as _;
        let mut out = Vec::new();
        for entry in Dir::read_from(self.reopen()?)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                rustix::fs::FileType::RegularFile => Kind::File,
                rustix::fs::FileType::Directory => Kind::Folder,
                rustix::fs::FileType::Symlink => Kind::Link,
                // Some file systems do not say it in a listing.
                rustix::fs::FileType::Unknown => self.look(name)?.kind,
                _ => Kind::Other,
            };
            out.push((name.to_os_string(), kind));
        }
        Ok(out)
    }

    /// Gives a file in it the private mode; nothing is followed.
    pub(in crate::base::files) fn restrict_file(&self, name: &OsStr) -> io::Result<()> {
        crate::base::files::modes::restrict(&self.open_to_read(name)?)
    }

    /// Gives itself the private mode.
    pub(in crate::base::files) fn restrict(&self) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        self.reopen()?.set_permissions(std::fs::Permissions::from_mode(DIR_MODE))
    }

    /// A path that leads to the open folder itself, where the system has such: for libraries that take nothing else.
    pub(in crate::base::files) fn reach(&self) -> Option<PathBuf> {
        let path = PathBuf::from(format!("/proc/self/fd/{}", self.handle.as_raw_fd()));
        let same = std::fs::metadata(&path).ok().map(|meta| Look::of(&meta).identity)?;
        (same.is_some() && same == self.look_at_self().ok()?.identity).then_some(path)
    }
}
