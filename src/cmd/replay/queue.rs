//! The recordings below a folder, as the player's queue has them.

use std::path::{Path, PathBuf};

use watchcap_replay::{Entry, Faults, Library, Recording};

use super::Opener;
use crate::cmd::text;
use crate::inspect::catalog::find;
use crate::inspect::survey;
use crate::play::queue;

/// The recordings below a folder.
pub(super) struct Shelf {
    dir: PathBuf,
    /// Paths below the folder, sorted.
    names: Vec<String>,
    unreadable: Vec<PathBuf>,
    opener: Opener,
}

impl Shelf {
    /// What is below a folder; `None` when it is a recording itself, or there is none below it.
    pub(super) fn below(dir: &Path, opener: &Opener) -> Option<Self> {
        if !dir.is_dir() || survey::is_recording(dir) {
            return None;
        }
        let find::Found { paths, unreadable } = find::below(dir);
        (!paths.is_empty()).then(|| Self { dir: dir.to_owned(), names: paths, unreadable, opener: opener.clone() })
    }

    /// Says which folders could not be read.
    pub(super) fn tell_unreadable(&self) {
        for path in &self.unreadable {
            let what = format!("note: {} could not be looked into: what is in it is left out", path.display());
            text::warn(&text::printable(&what));
        }
    }

    fn path(&self, index: usize) -> PathBuf {
        self.names.get(index).map_or_else(|| self.dir.clone(), |name| self.dir.join(name))
    }
}

impl Library for Shelf {
    fn title(&self) -> String {
        self.dir.display().to_string()
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn look(&self, index: usize) -> Entry {
        queue::look(&self.path(index))
    }

    fn check(&self, index: usize) -> Faults {
        queue::check(&self.path(index))
    }

    fn open(&self, index: usize) -> Result<Recording, String> {
        let path = self.path(index);
        self.opener.open(&path).map_err(|error| error.to_string())
    }
}
