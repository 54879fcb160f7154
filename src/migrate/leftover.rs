//! What an interrupted migration leaves, told from what somebody else put there, and who is migrating a session now.
//!
//! An unfinished new session, or after the exchange of the two the old one, has the name with [`super::WORK_SUFFIX`]. It is
//! removed only when it cannot be anything else: not sealed, or sealed and made of this session, or the one that this session was
//! made of.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{BY, MigrateError, io_error};
use crate::session::metadata::Metadata;
use crate::session::{derive, layout, seal};

/// End of the name of the old session between two renames, where names cannot be exchanged in one step (see
/// [`seal::swap_dirs`]).
const ASIDE_SUFFIX: &str = ".old.tmp";

/// Takes a session for this process alone, as far as migrating goes, until the handle is dropped.
pub(super) fn hold(session: &Path) -> Result<Option<File>, MigrateError> {
    crate::files::hold_dir(session).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => MigrateError::Busy { path: session.to_path_buf() },
        _ => io_error("open", session)(source),
    })
}

/// Gives the old session its name back, when it was set aside and nothing has its name.
pub(super) fn restore(session: &Path) -> Result<(), MigrateError> {
    let aside = derive::beside(session, ASIDE_SUFFIX);
    if session.symlink_metadata().is_err() && layout::state_of(&aside) == layout::DirState::Sealed {
        seal::publish_dir(&aside, session)?;
    }
    Ok(())
}

/// Which session it was made of by a migration, and its own identity; `None` where it is not sealed or cannot be read.
fn origin(dir: &Path) -> Option<(String, Option<String>)> {
    let own = derive::identity(dir).ok()?.to_string();
    let metadata = Metadata::read(&layout::metadata_path(dir)).ok()?;
    let step = metadata.lineage.into_iter().next_back().filter(|step| step.by.starts_with(BY));
    Some((own, step.map(|step| step.integrity_sha256)))
}

/// What an interrupted try left beside `session`.
pub(super) fn find(session: &Path, work: &Path) -> Result<Vec<PathBuf>, MigrateError> {
    let mut left = Vec::new();
    for path in [work.to_path_buf(), derive::beside(session, ASIDE_SUFFIX)] {
        let Ok(found) = path.symlink_metadata() else { continue };
        if !found.is_dir() || !is_ours(session, &path) {
            return Err(MigrateError::InTheWay { path });
        }
        // Whoever deletes the old session after an exchange holds it under this name.
        drop(hold(&path)?);
        left.push(path);
    }
    Ok(left)
}

fn is_ours(session: &Path, left: &Path) -> bool {
    if layout::log_dir(left).exists() {
        return false;
    }
    if layout::state_of(left) != layout::DirState::Sealed {
        return true;
    }
    let (Some((own, of)), Some((left_own, left_of))) = (origin(session), origin(left)) else { return false };
    left_of.as_ref() == Some(&own) || of.as_ref() == Some(&left_own)
}

/// Removes what was found.
pub(super) fn remove(left: &Path) -> Result<(), MigrateError> {
    match std::fs::remove_dir_all(left) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error("remove what an interrupted try left in", left)(source))
        }
        _ => Ok(()),
    }
}
