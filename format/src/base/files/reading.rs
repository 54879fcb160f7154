//! Looks at names and reads files that may be anything.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::contents::{read_open, text};
use super::look::{Kind, Look};
use super::{folder, holes, pins, trust};

/// What has a name, which is not followed.
///
/// # Errors
/// When nothing has it, or it cannot be looked at.
pub fn look(path: &Path) -> io::Result<Look> {
    if path.file_name().is_none() {
        return pins::folder(path)?.0.look_at_self();
    }
    let place = pins::place(path)?;
    place.folder.look(&place.name)
}

/// Whether what is locked cannot be read by others meanwhile: so it is on Windows.
pub const LOCKS_KEEP_READERS_OUT: bool = cfg!(windows);

/// The path that these bytes are, as a pipe or a list brings them: any bytes on Unix, UTF-8 elsewhere.
pub fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes));
    #[cfg(not(unix))]
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Whether nothing has a name.
pub fn is_free(path: &Path) -> bool {
    look(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether there is a regular file of this name. Only a name that is not there is missing: what cannot be looked at (a disk that fails, a
/// folder of somebody else) may well be there, and is an error; so is what has the name and is no regular file, or a link.
///
/// # Errors
/// As above.
pub fn is_there(path: &Path) -> io::Result<bool> {
    match look(path).map(|found| found.kind) {
        Ok(Kind::File) => Ok(true),
        Ok(Kind::Link) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link")),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The names in a folder, each with what it stands for, by their bytes.
///
/// # Errors
/// When it cannot be listed.
pub fn list(path: &Path) -> io::Result<Vec<(OsString, Kind)>> {
    let mut names = pins::folder(path)?.0.list()?;
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

/// Opens a regular file for reading; also through a link, unless it lies in a folder that a verb works in ([`super::pin`]). What is none (a
/// FIFO, a device, a socket, a folder) is an error, and nothing is waited for: opening a FIFO would wait until somebody writes to it.
///
/// # Errors
/// When it is not there, is no regular file, is all but empty ([`holes`]), or cannot be opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    let pinned = path.file_name().is_some().then(|| pins::place(path)).transpose()?.filter(|place| place.is_pinned);
    // Looked at first, since opening alone does something to some devices; and again when it is open, since a name can change its file.
    let file = if let Some(place) = pinned {
        if !place.folder.look(&place.name)?.is_file() {
            return Err(refused());
        }
        place.folder.open_to_read(&place.name)?
    } else {
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
        options.open(path)?
    };
    if !file.metadata()?.is_file() {
        return Err(refused());
    }
    holes::refuse(&file)?;
    Ok(file)
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// As [`open_regular`], and when it is larger.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_open(open_regular(path)?, most)
}

/// As [`read_at_most`], as text.
///
/// # Errors
/// As [`read_at_most`], and when it is not UTF-8.
pub fn read_text_at_most(path: &Path, most: u64) -> io::Result<String> {
    text(read_at_most(path, most)?)
}

/// As [`read_text_at_most`], of a file that says what this program is to do: one that somebody else owns or may write to is refused, unless
/// such are allowed ([`trust`]).
///
/// # Errors
/// As [`read_text_at_most`], and the doubt.
pub fn read_own_text(path: &Path, most: u64) -> io::Result<String> {
    let file = open_regular(path)?;
    trust::check_file(&file, path)?;
    text(read_open(file, most)?)
}

/// A path by which a library that takes nothing else gets to a folder, and what has to be kept as long as it uses that path: on Linux it
/// leads to the open folder itself. Elsewhere, and without /proc, it is the folder's own.
///
/// # Errors
/// When it is no folder, or a link.
pub fn reach(path: &Path) -> io::Result<(PathBuf, Reached)> {
    let (folder, _) = pins::folder(path)?;
    let way = folder.reach().unwrap_or_else(|| path.to_path_buf());
    Ok((way, Reached { _folder: folder }))
}

/// A folder that is open for a library.
#[derive(Debug)]
pub struct Reached {
    _folder: std::sync::Arc<folder::Folder>,
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
    fn a_fifo_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        assert_eq!(open_regular(&path).expect_err("a FIFO").kind(), io::ErrorKind::InvalidInput);
        assert_eq!(open_regular(Path::new("/dev/zero")).expect_err("a device").kind(), io::ErrorKind::InvalidInput);
    }
}
