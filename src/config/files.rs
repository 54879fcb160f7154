//! Where the configuration's files are: the system's, the person's, and the one that was named.
//!
//! The system's are `watchcap/config.toml` in each folder of `XDG_CONFIG_DIRS` (`/etc/xdg`). What others than the person or root can write to is
//! not used.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::ConfigError;
use crate::base::files;

/// Largest configuration file, bytes: far above any that a person writes.
pub const MAX_BYTES: u64 = 1 << 20;
/// The file in a folder of configurations.
const FILE: &str = "config.toml";
/// Folders of the system's configurations, where the environment names none.
const SYSTEM: &str = "/etc/xdg";

/// Whose a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// The machine's.
    System,
    /// The person's.
    Person,
}

/// The platform's place of the configuration file; `None` where there is no home.
pub fn config_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "watchcap").map(|dirs| dirs.config_dir().join(FILE))
}

/// The configuration file that was named on the command line or in the environment, for all of this process.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// Takes note of the configuration file that was named; a second one is not heard.
pub fn name_file(path: &Path) {
    NAMED.get_or_init(|| path.to_path_buf());
}

/// The folder of the person's own profiles.
pub fn profile_dir() -> Option<PathBuf> {
    beside("profiles")
}

/// A file or folder of this name beside the configuration file, the platform's or the one that was named.
pub fn beside(name: &str) -> Option<PathBuf> {
    let file = NAMED.get().cloned().or_else(config_file)?;
    Some(file.with_file_name(name))
}

/// The system's files, whether they are there or not, the one that stands over the others last.
pub fn system_files() -> Vec<PathBuf> {
    of_folders(std::env::var_os("XDG_CONFIG_DIRS"))
}

fn of_folders(named: Option<std::ffi::OsString>) -> Vec<PathBuf> {
    let named = named.filter(|folders| !folders.is_empty()).unwrap_or_else(|| SYSTEM.into());
    let absolute = std::env::split_paths(&named).filter(|folder| folder.is_absolute());
    let mut found: Vec<PathBuf> = absolute.map(|folder| folder.join("watchcap").join(FILE)).collect();
    found.reverse();
    found
}

/// Every file that counts, whether it is there or not, the one that stands over the others last.
pub fn in_order(named: Option<&Path>) -> Vec<(Owner, PathBuf)> {
    let own = named.map(Path::to_path_buf).or_else(config_file);
    let system = system_files().into_iter().map(|path| (Owner::System, path));
    system.chain(own.map(|path| (Owner::Person, path))).collect()
}

/// Reads a file; `None` when it is not there.
///
/// # Errors
/// [`ConfigError::Io`] when it is there and cannot be used.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match files::read_own_text(path, MAX_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Io { path: path.to_path_buf(), source }),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_of_the_system_stands_over_the_others() {
        let of = |folders: &str| of_folders(Some(folders.into()));
        assert_eq!(of("/a:b:/c"), [Path::new("/c/watchcap/config.toml"), Path::new("/a/watchcap/config.toml")]);
        assert_eq!(of(""), [Path::new("/etc/xdg/watchcap/config.toml")]);
        assert_eq!(of_folders(None), of(""));
    }
}
