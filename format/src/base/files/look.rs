//! What a name stands for, without following it: its kind, its size, how many names it has, and which file it is.

use std::io;
use std::path::Path;

/// What has a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link to something else.
    Link,
    /// A FIFO, a device, a socket.
    Other,
}

/// Which file or folder it is, whatever its name is: the device and the number on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    device: u64,
    number: u64,
}

/// A name that was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub len: u64,
    /// Names that the file has; 1 where the system does not say.
    pub links: u64,
    /// Whether it belongs to the user of this process, and nobody else can write to it. True where files have no such owner.
    pub is_own: bool,
    /// Whether it belongs to that user or to root. True where files have no such owner.
    pub(super) is_by_us: bool,
    /// Which it is; none where the system does not say.
    pub identity: Option<Identity>,
}

impl Look {
    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// Of what the standard library says.
    pub(super) fn of(meta: &std::fs::Metadata) -> Self {
        let kind = match meta.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            // What a group may do is judged for folders, where umask 002 is usual; a file of ours has mode 0600.
            let me = rustix::process::geteuid().as_raw();
            let is_own = meta.uid() == me && meta.mode() & 0o022 == 0;
            let is_by_us = meta.uid() == me || meta.uid() == 0;
            let identity = Some(Identity { device: meta.dev(), number: meta.ino() });
            Self { kind, len: meta.len(), links: meta.nlink(), is_own, is_by_us, identity }
        }
        #[cfg(not(unix))]
        Self { kind, len: meta.len(), links: 1, is_own: true, is_by_us: true, identity: None }
    }

    #[cfg(unix)]
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "these types differ from one Unix to another")]
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        use rustix::fs::FileType;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        };
        let me = rustix::process::geteuid().as_raw();
        Self {
            kind,
            len: stat.st_size as u64,
            links: stat.st_nlink as u64,
            is_own: stat.st_uid == me && mode_of(stat) & 0o022 == 0,
            is_by_us: stat.st_uid == me || stat.st_uid == 0,
            identity: Some(Identity { device: stat.st_dev as u64, number: stat.st_ino as u64 }),
        }
    }
}

/// Whether other accounts have a right to what has a path, by its mode or its list of rights. False where there are none.
///
/// # Errors
/// When the system does not say.
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Ok(std::fs::symlink_metadata(path)?.mode() & 0o077 != 0)
    }
    #[cfg(windows)]
    {
        super::windows::is_open_to_others(path)
    }
    #[cfg(not(any(unix, windows)))]
    {
        std::fs::symlink_metadata(path).map(|_| false)
    }
}

/// The rights to a file or folder.
#[cfg(unix)]
#[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "this type differs from one Unix to another")]
pub(super) fn mode_of(stat: &rustix::fs::Stat) -> u32 {
    stat.st_mode as u32
}
