//! The seam of the queue: which recordings there are, what is known of each, and how one is opened.

use crate::terminal::Recording;
use crate::timeline::{Tone, Verdict};

/// What checking a recording came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Faults {
    /// It was not checked yet.
    #[default]
    Unknown,
    /// There is nothing to check: it is not sealed.
    Unsealed,
    /// It was checked.
    Found {
        /// The checks that are over a limit, each with its number of places.
        over: Vec<(String, u64)>,
        /// How many places there are in all, also of checks that are within their limits.
        places: u64,
    },
    /// It could not be checked, and why.
    Failed(String),
}

/// Which part of a recording that was split.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The series: the same in all parts.
    pub of: String,
    /// Which part, from 1.
    pub index: u64,
}

/// What is known of a recording without opening it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its state in a word: `sealed`, `recording`, `crashed`, `damaged`.
    pub state: String,
    /// How its state is meant.
    pub tone: Tone,
    /// The latest verdict on all of it.
    pub verdict: Option<Verdict>,
    /// The verdict was given on another edition, and counts for nothing.
    pub stale: bool,
    /// How long it is, nanoseconds, where that is known.
    pub length_ns: Option<u64>,
    /// Which part of a series it is; `None` when it is all of its recording.
    pub part: Option<Part>,
    /// What was to be done in it; may be empty.
    pub task: String,
    /// What is the matter with it, in a sentence; empty when nothing is.
    pub problem: String,
}

impl Entry {
    /// Nobody has judged it as it is.
    pub(crate) fn is_open(&self) -> bool {
        self.verdict.is_none() || self.stale
    }

    /// Another recording goes on where this one ends.
    pub(crate) fn goes_on_in(&self, next: &Self) -> bool {
        let parts = self.part.as_ref().zip(next.part.as_ref());
        parts.is_some_and(|(this, next)| this.of == next.of && this.index.checked_add(1) == Some(next.index))
    }
}

/// The recordings of a queue, by their places in it. Called from several threads at once.
///
/// Errors are sentences for a person; the queue shows them and goes on.
pub trait Library: Send + Sync {
    /// What it is called: the folder, as the person wrote it.
    fn title(&self) -> String;

    /// The names of the recordings, in the order of the queue. They stay the same.
    fn names(&self) -> Vec<String>;

    /// Looks at a recording as it is now: milliseconds.
    fn look(&self, index: usize) -> Entry;

    /// Checks whether a recording is fit for use: minutes for one of hours.
    fn check(&self, index: usize) -> Faults;

    /// Opens a recording.
    ///
    /// # Errors
    /// It cannot be played, and why.
    fn open(&self, index: usize) -> Result<Recording, String>;
}
