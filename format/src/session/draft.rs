//! A session in the making: a folder beside its place, sealed, read back, and only then given its name.
//!
//! The stages are types: [`Draft`] → [`SealedDraft`] → [`CheckedDraft`]. Only what was read back can be published, and dropping any of
//! them removes what was made. What an interrupted try leaves is found by the next one ([`super::work`]). Nothing of the session that a
//! draft is made of is written.

use std::path::{Path, PathBuf};

use super::edition;
use super::layout;
use super::link::{self, Link};
use super::metadata::Metadata;
use super::seal::{self, IntegrityEntry, SealError};
use super::work::{Purpose, Work};
use crate::base::io_error::IoError;
use crate::base::progress::Step;

/// What was made does not read back as it was meant to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the new session does not verify and is not published: {what}")]
pub struct NotWhole {
    /// The first fault.
    pub what: String,
}

/// A session in the making.
#[derive(Debug)]
pub struct Draft {
    work: Work,
    known: Vec<IntegrityEntry>,
}

impl Draft {
    /// Makes the folder `path`; what an interrupted try for the same purpose left there is removed.
    ///
    /// # Errors
    /// When something else is there, or the folder cannot be made.
    pub fn begin(path: &Path, purpose: Purpose<'_>) -> Result<Self, SealError> {
        Ok(Self { work: Work::begin(path, purpose)?, known: Vec::new() })
    }

    /// Returns the folder, for the files that are made in it.
    pub fn dir(&self) -> &Path {
        self.work.path()
    }

    /// Brings a sealed file of another session by link; its hash is that of the other seal.
    ///
    /// # Errors
    /// When it can neither be linked nor copied.
    pub fn bring(&mut self, session: &Path, entry: IntegrityEntry) -> Result<Link, IoError> {
        let how = link::bring(&session.join(&entry.name), &self.dir().join(&entry.name))?;
        self.known.push(entry);
        Ok(how)
    }

    /// Brings a sealed file of another session by link, under another name.
    ///
    /// # Errors
    /// As [`Self::bring`].
    pub fn bring_as(&mut self, session: &Path, entry: &IntegrityEntry, name: String) -> Result<Link, IoError> {
        let how = link::bring(&session.join(&entry.name), &self.dir().join(&name))?;
        self.known.push(IntegrityEntry { name, hash: entry.hash });
        Ok(how)
    }

    /// Takes the hash of a file that was made in the folder, so that it need not be read to be sealed.
    pub fn know(&mut self, entry: IntegrityEntry) {
        self.known.push(entry);
    }

    /// Brings everything to the disk, writes the metadata and then the seal.
    ///
    /// # Errors
    /// When a file cannot be synced, written or hashed.
    pub fn seal(self, metadata: &Metadata) -> Result<SealedDraft, SealError> {
        seal_folder(self.work.path(), metadata, &self.known)?;
        Ok(SealedDraft { work: self.work })
    }
}

/// A session in the making that is sealed, and not read back yet.
#[derive(Debug)]
pub struct SealedDraft {
    work: Work,
}

impl SealedDraft {
    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        self.work.path()
    }

    /// Reads it back: every file is hashed; `decode` asks for every frame, too.
    ///
    /// # Errors
    /// [`NotWhole`] with the first fault.
    pub fn check(self, decode: bool, progress: &mut dyn FnMut(Step)) -> Result<CheckedDraft, NotWhole> {
        match edition::fault(self.dir(), decode, &mut |at| progress(Step { what: "check", ..at })) {
            None => Ok(CheckedDraft { work: self.work }),
            Some(what) => Err(NotWhole { what }),
        }
    }
}

/// A session that was read back, and has no name yet.
#[derive(Debug)]
pub struct CheckedDraft {
    work: Work,
}

impl CheckedDraft {
    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        self.work.path()
    }

    /// Gives it a name, which must be free.
    ///
    /// # Errors
    /// When the name is taken, or the system refuses; the folder is then gone.
    pub fn publish(self, target: &Path) -> Result<(), SealError> {
        self.work.publish(target)
    }

    /// Gives it the first free name beside `session` that ends like this, and returns it.
    ///
    /// # Errors
    /// As [`Self::publish`], and when no name is free.
    pub fn publish_beside(self, session: &Path, ending: &str) -> Result<PathBuf, SealError> {
        let target = edition::free_name(session, ending)?;
        self.publish(&target)?;
        Ok(target)
    }

    /// Puts it in the place of `session`, which is deleted then.
    ///
    /// # Errors
    /// When somebody exchanged one of the two, or the system refuses. What is left then is found by the next try.
    pub fn replace(self, session: &Path) -> Result<(), SealError> {
        self.work.replace(session)
    }
}

/// Brings what was made in a folder to the disk, writes the metadata and then the seal. `known` are hashes that need no reading.
///
/// # Errors
/// When a file cannot be synced, written or hashed.
pub fn seal_folder(dir: &Path, metadata: &Metadata, known: &[IntegrityEntry]) -> Result<(), SealError> {
    for name in [layout::FRAMES_FILE, layout::AUDIO_FILE, layout::MICROPHONE_FILE, layout::EVENTS_FILE] {
        let path = dir.join(name);
        if path.is_file() {
            // Under its name already, in a folder that is not published yet: only the bytes have to reach the disk.
            crate::base::files::sync_file(&path).map_err(IoError::at("sync", &path))?;
        }
    }
    let path = layout::metadata_path(dir);
    let json = metadata.to_json().map_err(|error| IoError::at("write", &path)(error.into()))?;
    seal::publish_bytes(&path, json.as_bytes())?;
    seal::seal(dir, known, &mut |_| {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::metadata::samples::bare;
    use crate::session::table::write::TableWriter;

    const PURPOSE: Purpose<'static> = Purpose { verb: "test", of: "0", files: &[], replaces: false };

    fn sealed(path: &Path) -> SealedDraft {
        let draft = Draft::begin(path, PURPOSE).expect("a folder");
        let table = TableWriter::create(&layout::events_path(draft.dir()), "s", &[]).expect("a table");
        table.finish().expect("a table");
        let mut metadata = bare("s");
        (metadata.resolution, metadata.clicks) = (None, Some(0));
        draft.seal(&metadata).expect("a seal")
    }

    #[test]
    fn what_is_dropped_at_any_stage_is_gone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s.work.tmp");
        drop(Draft::begin(&path, PURPOSE).expect("a folder"));
        assert!(!path.exists());
        drop(sealed(&path));
        assert!(!path.exists());
        drop(sealed(&path).check(true, &mut |_| {}).expect("it is whole"));
        assert!(!path.exists());
        let target = sealed(&path).check(true, &mut |_| {}).expect("it is whole");
        let target = target.publish_beside(&dir.path().join("s"), "_made").expect("a free name");
        assert_eq!(target, dir.path().join("s_made"));
        assert!(target.is_dir() && !path.exists());
    }

    #[test]
    fn what_does_not_read_back_is_not_published_and_gone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s.work.tmp");
        let draft = sealed(&path);
        std::fs::write(layout::events_path(&path), b"other bytes").expect("a file");
        let error = draft.check(false, &mut |_| {}).expect_err("it was changed");
        assert!(error.to_string().starts_with("the new session does not verify and is not published: "), "{error}");
        assert!(!path.exists());
    }
}
