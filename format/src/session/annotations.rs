//! `annotations.jsonl`: what people say that a session is of, after it was sealed: task, subtasks with their times, outcome, tags.
//!
//! Invariants: those of [`super::lines`]; of what was said about one thing the last word counts, and all words stay in the file; what was
//! said of another edition counts for nothing. A text that is read is one line within the bounds of [`super::labels`], or its line is a
//! fault. Texts are content: nothing here prints them, the `Debug` of these types included.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::labels::{self, LabelError, MAX_SUBTASKS};
use super::layout;
use super::lines::{self, Fault, Lines, LinesError};
use super::metadata::Metadata;
use super::seal::SealError;
use crate::base::time::Clock;

/// The shape of a line that this release writes.
pub const VERSION: u64 = 1;
/// The longest note, bytes.
pub const MAX_NOTE: usize = labels::MAX_TASK;
/// The keys of a line, in the order in which they are written.
pub const KEYS: [&str; 11] = [
    "v",
    "session_id",
    "integrity_sha256",
    "task",
    "outcome",
    "note",
    "tags",
    "clear_subtasks",
    "subtasks",
    "at",
    "by",
];

/// How the task went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was not.
    Failure,
    /// Nobody can tell.
    Unclear,
}

impl Outcome {
    /// Each, in the order of the help text.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Unclear];

    /// Returns its word in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Unclear => "unclear",
        }
    }
}

/// A part of the task, and when it was worked on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtask {
    /// Its first instant, nanoseconds of the session's clock.
    pub from_ns: i64,
    /// Its last instant.
    pub until_ns: i64,
    /// What it was.
    pub text: String,
}

impl fmt::Debug for Subtask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subtask")
            .field("from_ns", &self.from_ns)
            .field("until_ns", &self.until_ns)
            .finish_non_exhaustive()
    }
}

impl Subtask {
    /// Whether it is worked on at an instant.
    pub fn holds(&self, t_ns: i64) -> bool {
        (self.from_ns..=self.until_ns).contains(&t_ns)
    }
}

/// What is said at once: nothing of what is `None` or empty.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// What the person was to do.
    pub task: Option<String>,
    /// How it went.
    pub outcome: Option<Outcome>,
    /// What else there is to say of the outcome.
    pub note: Option<String>,
    /// Tags; one without a value is taken away.
    pub tags: BTreeMap<String, Option<String>>,
    /// Subtasks of earlier lines do not count any more.
    pub clear_subtasks: bool,
    /// Subtasks; one with the times of an earlier one takes its place.
    pub subtasks: Vec<Subtask>,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("outcome", &self.outcome).field("subtasks", &self.subtasks).finish_non_exhaustive()
    }
}

impl Said {
    /// Refuses what is no label, and a span that ends before it begins.
    ///
    /// # Errors
    /// [`LabelError`] for the first of these.
    pub fn check(&self) -> Result<(), LabelError> {
        self.task.as_deref().map_or(Ok(()), labels::check_task)?;
        self.note.as_deref().map_or(Ok(()), labels::check_note)?;
        if self.tags.len() > labels::MAX_TAGS {
            return Err(LabelError::TooManyTags { found: self.tags.len() });
        }
        for (key, value) in &self.tags {
            labels::check_tag(key, value.as_deref().unwrap_or("-"))?;
        }
        self.subtasks.iter().try_for_each(|subtask| labels::check_subtask(&subtask.text))
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A line as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Line {
    v: u64,
    session_id: String,
    integrity_sha256: Option<String>,
    #[serde(flatten)]
    said: Said,
    at: String,
    by: Option<String>,
}

/// What somebody said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// All of it.
    pub said: Said,
    /// When, RFC 3339, UTC.
    pub at: String,
    /// Who, where that is known.
    pub by: Option<String>,
    /// It was said of another edition of the session than the one that is here.
    pub stale: bool,
}

/// Why annotations cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AnnotationError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// A text is refused.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The session's seal cannot be read.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl AnnotationError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lines(error) => error.hint(),
            Self::Label(error) => Some(error.hint()),
            Self::Seal(error) => error.hint(),
        }
    }
}

/// Everything that was said of a session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Annotations {
    /// The lines of the file.
    pub lines: Lines<Annotation>,
}

impl Annotations {
    /// Reads what was said of the session in `dir`, whose id is `session_id`; nothing when there is no `annotations.jsonl`. With `None` lines
    /// of any session count.
    ///
    /// # Errors
    /// When the file or the seal are there and cannot be read.
    pub fn read(dir: &Path, session_id: Option<&str>) -> Result<Self, AnnotationError> {
        let path = layout::annotations_path(dir);
        if crate::base::files::is_free(&path) {
            return Ok(Self::default());
        }
        let bytes = lines::read(&path, "file of annotations")?;
        Ok(Self::parse(&bytes, session_id, lines::edition_of(dir)?.as_deref()))
    }

    /// Reads the lines of a file; `edition` is the one that is here.
    pub fn parse(bytes: &[u8], session_id: Option<&str>, edition: Option<&str>) -> Self {
        let mut subtasks = 0;
        let mut one = |line: &[u8]| {
            let annotation = parse_line(line, session_id, edition)?;
            subtasks += annotation.as_ref().map_or(0, |annotation| annotation.said.subtasks.len());
            if subtasks > MAX_SUBTASKS {
                Err(Fault::Wrong("there are more subtasks than are read"))
            } else {
                Ok(annotation)
            }
        };
        Self { lines: Lines::parse(bytes, &mut one) }
    }

    /// Appends what is said of the session in `dir`. It is on the disk when this returns.
    ///
    /// # Errors
    /// When a text is refused, or the system fails: the line is then not there, or cut off, which readers tolerate.
    pub fn append(
        dir: &Path,
        session_id: &str,
        said: Said,
        by: Option<String>,
        clock: &dyn Clock,
    ) -> Result<(), AnnotationError> {
        said.check()?;
        let there = Self::read(dir, Some(session_id))?.lines.said;
        let found = there.iter().map(|annotation| annotation.said.subtasks.len()).sum::<usize>() + said.subtasks.len();
        if found > MAX_SUBTASKS {
            return Err(LabelError::TooManySubtasks { found }.into());
        }
        let line = Line {
            v: VERSION,
            session_id: session_id.to_owned(),
            integrity_sha256: lines::edition_of(dir)?,
            said,
            at: clock.anchor().utc.to_rfc3339(),
            by,
        };
        Ok(lines::append(dir, &layout::annotations_path(dir), &line)?)
    }

    fn current(&self) -> impl DoubleEndedIterator<Item = &Annotation> {
        self.lines.said.iter().filter(|annotation| !annotation.stale)
    }

    /// Returns the last word on the task.
    pub fn task(&self) -> Option<&str> {
        self.current().rev().find_map(|annotation| annotation.said.task.as_deref())
    }

    /// Returns the last word on the outcome, with its note.
    pub fn outcome(&self) -> Option<(Outcome, Option<&str>)> {
        self.current().rev().find_map(|annotation| Some((annotation.said.outcome?, annotation.said.note.as_deref())))
    }

    /// Changes tags by what was said of them.
    pub fn apply_tags(&self, tags: &mut BTreeMap<String, String>) {
        for (key, value) in self.current().flat_map(|annotation| &annotation.said.tags) {
            match value {
                Some(value) => drop(tags.insert(key.clone(), value.clone())),
                None => drop(tags.remove(key)),
            }
        }
    }

    /// Returns the subtasks that count, in the order in which they were said.
    pub fn subtasks(&self) -> Vec<Subtask> {
        // By their times: a place in the order, and the text.
        let mut kept: BTreeMap<(i64, i64), (usize, &str)> = BTreeMap::new();
        let mut number = 0;
        for annotation in self.current() {
            if annotation.said.clear_subtasks {
                kept.clear();
            }
            for subtask in &annotation.said.subtasks {
                number += 1;
                kept.insert((subtask.from_ns, subtask.until_ns), (number, &subtask.text));
            }
        }
        let mut subtasks: Vec<_> =
            kept.into_iter().map(|((from, until), (number, text))| (number, from, until, text)).collect();
        subtasks.sort_unstable();
        let made = |(_, from_ns, until_ns, text): (usize, i64, i64, &str)| Subtask {
            from_ns,
            until_ns,
            text: text.to_owned(),
        };
        subtasks.into_iter().map(made).collect()
    }

    /// Returns what holds now, together with what the recording says of itself, and the lines that cannot be read, for programs.
    pub fn to_json(&self, metadata: &Metadata) -> Value {
        let mut tags = metadata.tags.clone();
        self.apply_tags(&mut tags);
        let outcome = self.outcome();
        let history = |annotation: &Annotation| json!({ "said": annotation.said, "at": annotation.at, "by": annotation.by, "stale": annotation.stale });
        json!({
            "task": self.task().or(metadata.task.as_deref()), "participant": metadata.participant, "tags": tags,
            "outcome": outcome.map(|(outcome, _)| outcome), "note": outcome.and_then(|(_, note)| note),
            "subtasks": by_time(self.subtasks()), "history": self.lines.said.iter().map(history).collect::<Vec<_>>(),
            "torn": self.lines.torn.len(), "damaged": self.lines.faults.len(), "later": self.lines.later,
        })
    }
}

/// Returns subtasks in the order of their times, for people.
pub fn by_time(mut subtasks: Vec<Subtask>) -> Vec<Subtask> {
    subtasks.sort_by_key(|subtask| (subtask.from_ns, subtask.until_ns));
    subtasks
}

fn parse_line(line: &[u8], session_id: Option<&str>, edition: Option<&str>) -> Result<Option<Annotation>, Fault> {
    let Some(Line { session_id: id, integrity_sha256, said, at, by, .. }) = lines::decode::<Line>(line, VERSION)?
    else {
        return Ok(None);
    };
    if session_id.is_some_and(|expected| expected != id) {
        return Err(Fault::Wrong("it is of another session"));
    }
    if said.is_nothing() {
        return Err(Fault::Wrong("it says nothing"));
    }
    if said.subtasks.iter().any(|subtask| subtask.from_ns > subtask.until_ns) {
        return Err(Fault::Wrong("its span is none"));
    }
    said.check().map_err(|_refused| Fault::Wrong("a text in it is empty, too long, or not one line"))?;
    Ok(Some(Annotation { said, at, by, stale: integrity_sha256.as_deref() != edition }))
}

#[cfg(test)]
#[path = "annotations_tests.rs"]
mod tests;
