//! A folder in which a session is made, beside where it will be, and what an interrupted try leaves of it.
//!
//! Keeps the invariants that nothing has the session's name before it is whole, and that only what was made here is deleted: what an
//! interrupted try left is known by the mark in it, which says of which session and for what it was made, is this user's, and holds nothing
//! but what a session does. A folder that only has the name stays.
//!
//! The mark stays until the folder has its name, under a name that no seal covers. When the new session takes the place of the old one,
//! the mark in the new one is what says that the old one, beside it by then, is to be deleted.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::layout;
use super::seal::{self, SealError};
use crate::base::files;
use crate::base::files::{Kind, Pin};
use crate::base::io_error::IoError;
use crate::session::edition;

/// The largest mark that is read, bytes.
const MAX_MARK_BYTES: u64 = 4096;
/// End of the name of the old session between two renames, where names cannot be exchanged in one step (see [`files::exchange`]).
const ASIDE_SUFFIX: &str = ".old.tmp";
/// Ends of the names of a file while it is written.
const TEMP_SUFFIXES: [&str; 3] = ["", layout::TEMP_SUFFIX, ".own.tmp"];
/// The files that each session may have, and the mark.
const FILES: [&str; 10] = [
    layout::FRAMES_FILE,
    layout::EVENTS_FILE,
    layout::AUDIO_FILE,
    layout::MICROPHONE_FILE,
    layout::METADATA_FILE,
    layout::INTEGRITY_FILE,
    layout::REVIEW_FILE,
    layout::ANNOTATIONS_FILE,
    layout::SIGNATURE_FILE,
    layout::MARK_FILE,
];

/// What a folder was begun for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Mark {
    watchcap: String,
    verb: String,
    /// What it is made of: the identity of a session, or the hash of what is taken in.
    of: String,
    /// Whether it takes the place of what it is made of.
    replaces: bool,
}

/// What is made of what.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The verb.
    pub verb: &'a str,
    /// What it is made of: the identity of a session, or the hash of what is taken in.
    pub of: &'a str,
    /// Files that come with it, beside those that each session has.
    pub files: &'a [String],
    /// Whether it takes the place of what it is made of.
    pub replaces: bool,
}

/// A folder that was begun; gone with everything in it unless it is published.
#[derive(Debug)]
pub struct Work {
    pub(crate) path: PathBuf,
    published: bool,
    _pins: [Pin; 2],
    /// Taken, so that no other process takes it for left.
    _held: Option<std::fs::File>,
}

impl Work {
    /// Makes the folder `path`; what an interrupted try left there is removed.
    ///
    /// # Errors
    /// [`SealError::InTheWay`] when something else is there; when the folder cannot be made.
    pub fn begin(path: &Path, purpose: Purpose<'_>) -> Result<Self, SealError> {
        let around = path.parent().unwrap_or(Path::new(""));
        let around = files::pin(around).map_err(IoError::at("work in", around))?;
        if is_left(path, purpose)? {
            drop(hold(path)?);
            remove(path)?;
        }
        let pin = files::make_pinned_dir(path).map_err(IoError::at("create", path))?;
        let held = hold(path)?;
        let work = Self { path: path.to_path_buf(), published: false, _pins: [pin, around], _held: held };
        let mark = Mark {
            watchcap: env!("CARGO_PKG_VERSION").into(),
            verb: purpose.verb.into(),
            of: purpose.of.into(),
            replaces: purpose.replaces,
        };
        let bytes = serde_json::to_vec(&mark).map_err(|error| IoError::at("write", path)(error.into()))?;
        files::write_new(&path.join(layout::MARK_FILE), &bytes).map_err(IoError::at("write", path))?;
        Ok(work)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, which must be free.
    ///
    /// # Errors
    /// When the name is taken, when somebody exchanged the folder, or the system refuses; the folder is then gone.
    pub fn publish(mut self, target: &Path) -> Result<(), SealError> {
        seal::publish_dir(&self.path, target)?;
        self.published = true;
        unmark(target)
    }

    /// Puts it in the place of `session`, which is deleted then.
    ///
    /// # Errors
    /// When somebody exchanged one of the two, or the system refuses. What is left then is found by the next try.
    pub fn replace(mut self, session: &Path) -> Result<(), SealError> {
        seal::swap_dirs(&self.path, session)?;
        self.published = true;
        remove(&self.path)?;
        unmark(session)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = files::remove_tree(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "an unfinished session could not be removed");
        }
    }
}

/// Takes a folder that is worked in for this process.
fn hold(path: &Path) -> Result<Option<std::fs::File>, SealError> {
    files::hold_dir(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => SealError::Busy { path: path.to_path_buf() },
        _ => IoError::at("open", path)(source).into(),
    })
}

fn unmark(session: &Path) -> Result<(), SealError> {
    let path = session.join(layout::MARK_FILE);
    files::remove_file(&path).map(drop).map_err(IoError::at("remove", &path))?;
    Ok(())
}

/// Removes what an interrupted try left; last goes what it is known by.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove(path: &Path) -> Result<(), SealError> {
    let last = if files::is_free(&path.join(layout::MARK_FILE)) { layout::INTEGRITY_FILE } else { layout::MARK_FILE };
    Ok(files::remove_tree_last(path, Some(last)).map_err(IoError::at("remove", path))?)
}

/// The mark in a folder, when it is this user's.
fn mark_in(dir: &Path) -> Option<Mark> {
    let path = dir.join(layout::MARK_FILE);
    let found = files::look(&path).ok()?;
    if !found.is_file() || !found.is_own || found.links > 1 {
        return None;
    }
    serde_json::from_slice(&files::read_at_most(&path, MAX_MARK_BYTES).ok()?).ok()
}

/// Whether an interrupted try for the same left what has this name; false when nothing has it.
///
/// # Errors
/// [`SealError::InTheWay`] when something has it that was not made here; when it cannot be looked at.
pub fn is_left(path: &Path, purpose: Purpose<'_>) -> Result<bool, SealError> {
    let found = match files::look(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(IoError::at("look at", path)(error).into()),
    };
    let is_for_this = |mark: &Mark| mark.verb == purpose.verb && mark.of == purpose.of;
    let is_ours = found.is_dir()
        && found.is_own
        && mark_in(path).as_ref().is_some_and(is_for_this)
        && holds_only(path, "", purpose.files);
    let is_barely_begun = found.is_dir() && found.is_own && holds_nothing(path);
    if is_ours || is_barely_begun { Ok(true) } else { Err(SealError::InTheWay { path: path.to_path_buf() }) }
}

/// Whether a folder is as it is when a try was killed before its mark was written: empty, or with a mark of no bytes. Nothing is lost with it.
fn holds_nothing(dir: &Path) -> bool {
    let is_empty_mark = |name: &std::ffi::OsStr| {
        name == layout::MARK_FILE
            && files::look(&dir.join(name))
                .is_ok_and(|found| found.is_file() && found.is_own && found.links <= 1 && found.len == 0)
    };
    files::list(dir).is_ok_and(|names| names.iter().all(|(name, _)| is_empty_mark(name)))
}

/// The old session that `session` took the place of, when deleting it was interrupted: the mark in `session` says so, and that its seal is
/// the one that it was made of.
pub fn replaced(session: &Path, work: &Path, verb: &str) -> Option<PathBuf> {
    let mark = mark_in(session).filter(|mark| mark.verb == verb && mark.replaces)?;
    [work.to_path_buf(), edition::beside(session, ASIDE_SUFFIX)].into_iter().find(|path| {
        files::look(path).is_ok_and(|found| found.is_dir() && found.is_own)
            && edition::identity(path).is_ok_and(|identity| identity.to_string() == mark.of)
            && files::is_free(&layout::log_dir(path))
    })
}

/// Ends what a try left when it was interrupted: the old session that lies beside its successor is deleted, and the mark goes.
///
/// # Errors
/// When something cannot be removed.
pub fn finish_replacing(session: &Path, path: &Path) -> Result<(), SealError> {
    remove(path)?;
    unmark(session)
}

/// Gives the old session its name back, when it was set aside by a try of `verb` and nothing has its name.
///
/// # Errors
/// When it cannot be renamed.
pub fn restore(session: &Path, work: &Path, verb: &str) -> Result<bool, SealError> {
    let aside = edition::beside(session, ASIDE_SUFFIX);
    if !files::is_free(session) || !files::look(&aside).is_ok_and(|found| found.is_dir() && found.is_own) {
        return Ok(false);
    }
    let mark = mark_in(work).filter(|mark| mark.verb == verb);
    if !mark.is_some_and(|mark| edition::identity(&aside).is_ok_and(|identity| identity.to_string() == mark.of)) {
        return Ok(false);
    }
    seal::publish_dir(&aside, session).map(|()| true)
}

/// Whether a folder holds only what is made when a session is, and `more`; `prefix` is where it lies in it.
fn holds_only(dir: &Path, prefix: &str, more: &[String]) -> bool {
    let is_known = |name: &str| {
        TEMP_SUFFIXES
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .any(|name| FILES.contains(&name) || more.iter().any(|file| file == name))
    };
    let Ok(names) = files::list(dir) else { return false };
    names.into_iter().all(|(name, kind)| {
        let Some(inside) = name.to_str().map(|name| format!("{prefix}{name}")) else { return false };
        match kind {
            Kind::File => is_known(&inside),
            Kind::Folder => {
                let below = format!("{inside}/");
                more.iter().any(|file| file.starts_with(&below)) && holds_only(&dir.join(&name), &below, more)
            }
            Kind::Link | Kind::Other => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose<'static> = Purpose { verb: "test", of: "0", files: &[], replaces: false };

    fn leave(path: &Path, purpose: Purpose<'_>) {
        let mut work = Work::begin(path, purpose).expect("a folder");
        files::write_new(&layout::events_path(path), b"half").expect("a file");
        // As when the process is killed.
        work.published = true;
    }

    #[test]
    fn only_what_was_begun_for_the_same_is_taken_for_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s.work.tmp");
        assert!(!is_left(&path, PURPOSE).expect("nothing"));
        std::fs::create_dir(&path).expect("a folder");
        std::fs::write(path.join("thesis.txt"), "years").expect("a file");
        is_left(&path, PURPOSE).expect_err("it only has the name");
        Work::begin(&path, PURPOSE).expect_err("it only has the name");
        assert!(path.join("thesis.txt").exists());
        std::fs::rename(&path, dir.path().join("away")).expect("a rename");

        // Killed before the mark was written, or while it was.
        std::fs::create_dir(&path).expect("a folder");
        assert!(is_left(&path, PURPOSE).expect("nothing is in it"));
        std::fs::write(path.join(layout::MARK_FILE), "").expect("a file");
        drop(Work::begin(&path, PURPOSE).expect("it is made anew"));
        assert!(!path.exists());

        leave(&path, PURPOSE);
        assert!(is_left(&path, PURPOSE).expect("it is ours"));
        is_left(&path, Purpose { of: "1", ..PURPOSE }).expect_err("it was made of something else");
        is_left(&path, Purpose { verb: "other", ..PURPOSE }).expect_err("it was made for something else");
        std::fs::write(path.join("thesis.txt"), "years").expect("a file");
        is_left(&path, PURPOSE).expect_err("somebody put something into it");
        let more = ["thesis.txt".to_owned()];
        assert!(is_left(&path, Purpose { files: &more, ..PURPOSE }).expect("it is one of the session's"));
        std::fs::remove_file(path.join("thesis.txt")).expect("a file");
        drop(Work::begin(&path, PURPOSE).expect("it is made anew"));
        assert!(!path.exists(), "it is gone when it is not published");
    }

    #[cfg(unix)]
    #[test]
    fn a_mark_that_others_could_have_made_counts_for_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let (path, mark) = (dir.path().join("s.work.tmp"), dir.path().join("mark"));
        leave(&path, PURPOSE);
        std::fs::hard_link(path.join(layout::MARK_FILE), &mark).expect("a second name");
        is_left(&path, PURPOSE).expect_err("it has a second name");
        std::fs::remove_file(&mark).expect("a file");
        std::fs::set_permissions(path.join(layout::MARK_FILE), std::fs::Permissions::from_mode(0o666)).expect("a mode");
        is_left(&path, PURPOSE).expect_err("everybody can write to it");
    }

    #[test]
    fn what_is_published_has_no_mark() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, target) = (dir.path().join("s.work.tmp"), dir.path().join("s"));
        Work::begin(&path, PURPOSE).expect("a folder").publish(&target).expect("a free name");
        assert!(target.is_dir() && !target.join(layout::MARK_FILE).exists() && !path.exists());
        Work::begin(&path, PURPOSE).expect("a folder").publish(&target).expect_err("the name is taken");
        assert!(!path.exists());
    }
}
