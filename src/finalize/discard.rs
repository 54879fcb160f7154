//! Deletes the log of a session that is sealed and was read back.
//!
//! The session no longer needs the log, so what cannot be deleted is a note and no failure. On some file systems a file that is
//! open keeps its folder from going away (NFS renames it to `.nfsXXXX`, FUSE to `.fuse_hiddenXXXX`): the lock is let go first, as
//! much as can be is deleted, and the next `finalize` removes the rest.

use std::io;

use crate::log::LogPaths;
use crate::log::lock::LogLock;

/// Deletes as much of the log as can be. Interrupted, it is finished by the next run: the session is sealed, so what is left of the
/// log is not read again, and two processes that delete it at once do no harm.
///
/// Returns why something is left, if something is.
pub(super) fn delete_log(paths: &LogPaths, lock: LogLock) -> Option<io::Error> {
    // Where the lock is the last file, its open handle would keep the folder.
    drop(lock);
    crate::base::files::remove_what_can_be(&paths.dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_can_be_deleted_is_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let paths = LogPaths::of(dir.path());
        std::fs::create_dir_all(paths.events.join("blobs")).expect("folders");
        std::fs::write(paths.events.join("db"), "x").expect("a file");
        let elsewhere = tempfile::tempdir().expect("a folder");
        std::fs::write(elsewhere.path().join("kept"), "x").expect("a file");
        #[cfg(unix)]
        std::os::unix::fs::symlink(elsewhere.path(), paths.dir.join("link")).expect("a link");
        let lock = LogLock::take(&paths.lock, "finalize").expect("a free lock");
        assert!(delete_log(&paths, lock).is_none());
        assert!(!paths.dir.exists() && elsewhere.path().join("kept").is_file());
    }
}
