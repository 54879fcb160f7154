//! Where the sockets are: one for each recording, named by its process, in a folder that only its owner can enter.
//!
//! Invariant: a folder is used only when it is a real directory (no link) of this user with nothing for others; it is made so where it
//! can be. So nobody else can put a socket there, and nobody else can reach one.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::base::shown::shell;
use crate::control::error::{ControlError, FOLDER_VARIABLE};

/// Longest path of a socket, bytes: `sun_path` has 108 on Linux and 104 on macOS, a zero at its end included.
const MAX_PATH: usize = 103;
/// Longest name of a socket: `4294967295.sock`.
const MAX_NAME: usize = 15;
/// Most entries of a folder that are looked at: far more recordings than a machine runs.
const MAX_ENTRIES: usize = 1024;

/// This user.
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Folders in which a socket may be, the preferred one first. With `FOLDER_VARIABLE` only that one.
pub(in crate::control) fn folders() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty()) {
        return vec![PathBuf::from(named)];
    }
    let mut all = Vec::new();
    let mut add = |path: PathBuf| {
        if path.is_absolute() && !all.contains(&path) {
            all.push(path);
        }
    };
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR") {
        add(Path::new(&runtime).join("watchcap"));
    }
    // Also where another terminal of this user, without that variable, would look or would have put it.
    add(PathBuf::from(format!("/run/user/{}/watchcap", user())));
    add(PathBuf::from(format!("/tmp/watchcap-{}", user())));
    // Where somebody else took that name, there is one below a folder of one's own. Not the first choice: it may be on a network disk, or
    // its path be too long for a socket.
    if let Some(folders) = directories::BaseDirs::new() {
        add(folders.cache_dir().join("watchcap").join("control"));
    }
    all
}

/// Whether a folder is this user's alone.
pub(super) fn is_private(folder: &Path) -> io::Result<bool> {
    let meta = std::fs::symlink_metadata(folder)?;
    Ok(meta.is_dir() && meta.uid() == user() && meta.mode() & 0o777 == crate::base::files::DIR_MODE)
}

/// Why a folder that was named is not used.
fn refused(folder: PathBuf) -> ControlError {
    if std::fs::symlink_metadata(&folder).is_ok_and(|meta| meta.uid() == user()) {
        ControlError::NotPrivate { close: format!("chmod 700 {}", shell(&folder)), path: folder }
    } else {
        ControlError::Foreign { path: folder }
    }
}

/// A private folder for a new socket, made if need be.
///
/// # Errors
/// [`ControlError::NoFolder`] when none of them can be had.
pub(super) fn make_folder() -> Result<PathBuf, ControlError> {
    let mut refused = Vec::new();
    for folder in folders() {
        if folder.as_os_str().as_bytes().len() + 1 + MAX_NAME > MAX_PATH {
            refused.push(format!("{} is too long a path", folder.display()));
            continue;
        }
        match make(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match is_private(&folder) {
                Ok(true) => return Ok(folder),
                Ok(false) => refused.push(format!("{} is not yours alone", folder.display())),
                Err(error) => refused.push(format!("{}: {error}", folder.display())),
            },
            Err(error) => refused.push(format!("{}: {error}", folder.display())),
        }
    }
    Err(ControlError::NoFolder { detail: refused.join("; ") })
}

/// Makes a folder. Those above it are made only in the person's own, which may be new; `/run/user` is the system's.
fn make(folder: &Path) -> io::Result<()> {
    let own = directories::BaseDirs::new().is_some_and(|folders| folder.starts_with(folders.cache_dir()));
    if let Some(above) = folder.parent().filter(|_| own) {
        crate::base::files::create_private_dirs(above, &mut Vec::new())?;
    }
    crate::base::files::create_private_dir(folder)
}

/// The socket of a process.
pub(super) fn socket(folder: &Path, pid: u32) -> PathBuf {
    folder.join(format!("{pid}.sock"))
}

/// Every socket in the folders of this user, by number of process. Some may be left by recorders that were killed.
///
/// # Errors
/// [`ControlError::Foreign`] when the folder that was named is somebody else's, [`ControlError::NotPrivate`] when others may enter it.
pub(in crate::control) fn sockets() -> Result<Vec<PathBuf>, ControlError> {
    let named = std::env::var_os(FOLDER_VARIABLE).is_some_and(|value| !value.is_empty());
    let mut found = Vec::new();
    for folder in folders() {
        match is_private(&folder) {
            Ok(true) => {}
            Ok(false) if named => return Err(refused(folder)),
            _ => continue,
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.take(MAX_ENTRIES).flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.strip_suffix(".sock")?.parse::<u32>().ok());
            if let Some(pid) = pid {
                found.push((pid, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn only_a_real_folder_of_ours_alone_is_private() {
        let dir = tempfile::tempdir().expect("a folder");
        let (own, link) = (dir.path().join("own"), dir.path().join("link"));
        crate::base::files::create_private_dir(&own).expect("a folder");
        symlink(&own, &link).expect("a link");
        assert!(is_private(&own).expect("a folder"));
        assert!(!is_private(&link).expect("a link"), "a link was followed");
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o710)).expect("a mode");
        assert!(!is_private(&own).expect("a folder"), "others may enter it");
        // It is ours, and that must not be said otherwise.
        for path in [own, link] {
            assert!(matches!(refused(path), ControlError::NotPrivate { .. }));
        }
    }

    #[test]
    fn the_longest_name_fits_beside_the_usual_folders() {
        let longest = socket(Path::new("/run/user/4294967295/watchcap"), u32::MAX);
        assert!(longest.as_os_str().as_bytes().len() <= MAX_PATH);
        assert_eq!(longest.file_name().expect("a name").len(), MAX_NAME);
    }
}
