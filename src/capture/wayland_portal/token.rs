//! The portal's word that the person chose before: with it the desktop does not ask again. It lies beside the configuration, and only its owner can
//! read it.
//!
//! It is no consent of ours, and says nothing of what is recorded: who has it, and is this user, is let see the screen without a dialog.

use std::path::{Path, PathBuf};

use crate::base::files;
use crate::config;

/// Its name.
const FILE: &str = "portal-token";
/// The longest that is kept, bytes: portals make a UUID.
const MAX_BYTES: u64 = 4096;

/// Where it is; `None` where there is no home.
fn path() -> Option<PathBuf> {
    config::beside(FILE)
}

/// Returns the one that was kept; `None` when there is none that can be relied on.
pub(super) fn kept() -> Option<String> {
    let path = path()?;
    match files::read_own_text(&path, MAX_BYTES) {
        Ok(text) => Some(text.trim().to_owned()).filter(|token| is_token(token)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the desktop's permission is not used: it will ask");
            None
        }
    }
}

/// Keeps one in the place of the one before, which is used up.
pub(super) fn keep(token: &str) {
    let Some(path) = path().filter(|_| is_token(token)) else { return };
    if let Err(error) = write(&path, token) {
        tracing::warn!(path = %path.display(), %error, "the desktop's permission is not kept: it will ask again");
    }
}

fn write(path: &Path, token: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        files::create_private_dirs(folder, &mut Vec::new())?;
    }
    files::write_new(path, token.as_bytes())
}

/// Printable, and not too long: what a portal makes, and not what a file may hold.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() as u64 <= MAX_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_takes_the_place_of_the_one_before() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("new").join(FILE);
        for token in ["first", "second"] {
            write(&path, token).expect("it is kept");
            let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
            assert_eq!((mode & 0o777, std::fs::read_to_string(&path).expect("text").as_str()), (0o600, token));
        }
    }

    #[test]
    fn what_no_portal_makes_is_not_used() {
        assert!(is_token("7a0f6d0c-3c1e-4b8e-9e0e-2a1f6b1c9d11"));
        for text in ["", "two words", "line\nline", "ü", &"x".repeat(4097)] {
            assert!(!is_token(text), "{text:?}");
        }
    }
}
