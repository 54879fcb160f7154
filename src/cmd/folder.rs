//! The folder that a verb was given: there, one that this account may look into, and one in which nobody else can exchange things.

use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
use std::path::Path;

use super::failure::Failure;
use super::text;
use crate::base::files::trust;
use crate::base::files::trust::Doubt;
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

/// What speaks against a folder, or the one around it: whoever can exchange names there decides what is found here.
fn doubt(dir: &Path) -> Option<(&Path, Doubt)> {
    let around = dir.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    [Some(dir), around].into_iter().flatten().find_map(|part| Some((part, trust::doubt(part)?)))
}

/// Refuses a folder that others can change, before anything is asked or done: for verbs that write to it, or delete in it.
pub(super) fn check_own(dir: &Path) -> Result<(), Failure> {
    match doubt(dir) {
        Some((part, doubt)) if !trust::is_allowed() => {
            Err(Failure::new(&format!("the folder {} is not used: {doubt}", part.display()), Some(doubt.hint())))
        }
        _ => Ok(()),
    }
}

/// Says that others can change a folder: for verbs that read it.
pub(super) fn tell(dir: &Path) {
    if let Some((part, doubt)) = doubt(dir) {
        text::say(&text::printable(&format!("note: the folder {}: {doubt}", part.display())));
    }
}
