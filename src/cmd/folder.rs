//! The folder that a verb was given: there, and one that this account may look into.

use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
use std::path::Path;

use super::Failure;
use crate::session::layout::FOLDER_HINT;

/// Checks it before anything else is said of what is in it.
pub(super) fn check(dir: &Path) -> Result<(), Failure> {
    let Err(error) = std::fs::read_dir(dir) else { return Ok(()) };
    match error.kind() {
        NotFound | NotADirectory => {
            Err(Failure::new(&format!("{} is no folder", dir.display()), Some(FOLDER_HINT.into())))
        }
        kind => Err(Failure::new(
            &format!("cannot read {}: {error}", dir.display()),
            (kind == PermissionDenied).then(|| "only the account that recorded it can read it".into()),
        )),
    }
}
