//! What an interrupted migration leaves, told from what somebody else put there, and who is migrating a session now.
//!
//! An unfinished new session, or after the exchange of the two the old one, has the name with [`WORK_SUFFIX`]. It is
//! removed only when a mark of ours says that it is one of the two ([`work`]).

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::MigrateError;
use crate::base::io_error::IoError;
use crate::session::edition;
use crate::session::work::{self, Purpose};

/// End of the name under which a new session is made.
pub const WORK_SUFFIX: &str = ".migrating.tmp";
/// What marks a folder that this module began.
pub(crate) const VERB: &str = "migrate";

/// Takes a session for this process alone, as far as migrating goes, until the handle is dropped.
pub(crate) fn hold(session: &Path) -> Result<Option<File>, MigrateError> {
    crate::base::files::hold_dir(session).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => MigrateError::Busy { path: session.to_path_buf() },
        _ => IoError::at("open", session)(source).into(),
    })
}

/// Gives the old session its name back, when it was set aside and nothing has its name.
pub(crate) fn restore(session: &Path) -> Result<(), MigrateError> {
    work::restore(session, &edition::beside(session, WORK_SUFFIX), VERB)?;
    Ok(())
}

/// What an interrupted try left beside `session`.
pub(crate) fn find(session: &Path, path: &Path, purpose: Purpose<'_>) -> Result<Option<Left>, MigrateError> {
    let left = match work::replaced(session, path, purpose.verb) {
        Some(old) => Left { path: old, is_old: true },
        None if work::is_left(path, purpose)? => Left { path: path.to_path_buf(), is_old: false },
        None => return Ok(None),
    };
    // Whoever deletes the old session after an exchange holds it under this name.
    drop(hold(&left.path)?);
    Ok(Some(left))
}

/// What lies there: a new session that was not finished, or the old one, whose place was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Left {
    pub(crate) path: PathBuf,
    is_old: bool,
}

impl Left {
    /// Removes it.
    pub(crate) fn remove(&self, session: &Path) -> Result<(), MigrateError> {
        if self.is_old {
            work::finish_replacing(session, &self.path)?;
        } else {
            work::remove(&self.path)?;
        }
        Ok(())
    }
}
