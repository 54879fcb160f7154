//! `review.jsonl`: what people said of a session, one JSON line each, beside the sealed files and never among them.
//!
//! Invariants: a line is appended with one write and is on the disk when [`Book::append`] returns; nothing that is there is ever
//! changed; each line says which session, and which edition of it, was judged, so that a verdict on something else is *stale* and
//! counts for nothing. Reading tolerates a line that was cut off while it was written, and counts everything else that is wrong.
//! Knows neither the table nor the video. Notes are content: nothing here prints them, [`Remark`]'s `Debug` included.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::layout;
pub use super::lines::edition_of;
use super::lines::{self, Fault, Lines, LinesError};
use super::metadata::{Metadata, MetadataError};
use super::seal::SealError;
use crate::base::time::Clock;

/// A reviewer's judgement of a recording or of a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Fit for use.
    Accept,
    /// Not to be used.
    Reject,
    /// Somebody else should look.
    Look,
}

impl Verdict {
    /// Its word in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Look => "look",
        }
    }
}

/// The shape of a line that this release writes.
pub const VERSION: u64 = 1;

/// The word that stands for a verdict in a line that takes one back: the latest of the same person on the same span.
pub const UNDO: &str = "undo";

/// The longest note, bytes: ten times what the player lets a person type.
pub const MAX_NOTE: usize = 4096;

/// What somebody said: a mark (no verdict), a verdict on a span, or one on the whole session.
#[derive(Clone, PartialEq, Eq)]
pub struct Remark {
    /// First and last instant that it is about, nanoseconds of the session's clock; `None`: the whole session.
    pub span_ns: Option<(i64, i64)>,
    /// The verdict; `None` for a mark.
    pub verdict: Option<Verdict>,
    /// What else there is to say; may be empty.
    pub note: String,
    /// When it was said, RFC 3339, UTC.
    pub at: String,
    /// Who said it, where that is known.
    pub by: Option<String>,
    /// It was said of another edition of the session than the one that is here: of its log, or before it was made anew.
    pub stale: bool,
}

impl fmt::Debug for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remark")
            .field("span_ns", &self.span_ns)
            .field("verdict", &self.verdict)
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}

/// Why a review cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// The note is too long.
    #[error("the note has {found} bytes, more than {MAX_NOTE}")]
    NoteTooLong {
        /// Its length.
        found: usize,
    },
    /// The session's metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The session's seal cannot be read.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl ReviewError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lines(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::NoteTooLong { .. } => None,
        }
    }
}

/// A line as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Line {
    v: u64,
    session_id: String,
    integrity_sha256: Option<String>,
    verdict: Option<String>,
    from_ns: Option<i64>,
    until_ns: Option<i64>,
    note: String,
    at: String,
    by: Option<String>,
}

/// The keys of a line, in the order in which they are written.
pub const KEYS: [&str; 9] =
    ["v", "session_id", "integrity_sha256", "verdict", "from_ns", "until_ns", "note", "at", "by"];

fn verdict_of(word: &str) -> Option<Verdict> {
    [Verdict::Accept, Verdict::Reject, Verdict::Look].into_iter().find(|verdict| verdict.word() == word)
}

/// Everything that was said of a session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Review {
    /// What was said, in the order in which it was. A verdict that was taken back is not among it, and neither is the line that did so.
    pub remarks: Vec<Remark>,
    /// Lines that were cut off while they were written, from 1: a crash or a full disk. What they said is lost.
    pub torn: Vec<usize>,
    /// Lines that are none of this file, from 1, and what is wrong with them.
    pub faults: Vec<(usize, &'static str)>,
    /// Lines of a later release, which were passed over.
    pub later: u64,
}

impl Review {
    /// Reads what was said of the session in `dir`; nothing when there is no `review.jsonl`.
    ///
    /// # Errors
    /// When it, the seal or the metadata are there and cannot be read.
    pub fn read(dir: &Path) -> Result<Self, ReviewError> {
        if layout::review_path(dir).symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        let metadata = layout::metadata_path(dir);
        let id = if metadata.is_file() { Some(Metadata::read(&metadata)?.session_id) } else { None };
        Self::read_as(dir, id.as_deref())
    }

    /// The same for a session whose id is known already; with `None` lines of any session count.
    ///
    /// # Errors
    /// When `review.jsonl` or the seal are there and cannot be read.
    pub fn read_as(dir: &Path, session_id: Option<&str>) -> Result<Self, ReviewError> {
        let path = layout::review_path(dir);
        if crate::base::files::is_free(&path) {
            return Ok(Self::default());
        }
        let bytes = lines::read(&path, "review")?;
        Ok(Self::parse(&bytes, session_id, edition_of(dir)?.as_deref()))
    }

    /// Reads the lines of a file; `edition` is the one that is here.
    pub fn parse(bytes: &[u8], session_id: Option<&str>, edition: Option<&str>) -> Self {
        let Lines { said, torn, faults, later } = Lines::parse(bytes, |line| parse_line(line, session_id, edition));
        let mut remarks: Vec<Remark> = Vec::with_capacity(said.len());
        for said in said {
            match said {
                Said::Remark(remark) => remarks.push(remark),
                Said::Undo(undo) => {
                    let taken = remarks.iter().rposition(|remark| {
                        remark.verdict.is_some()
                            && (remark.span_ns, &remark.by, remark.stale) == (undo.span_ns, &undo.by, undo.stale)
                    });
                    // One that takes nothing back says nothing.
                    taken.map(|at| remarks.remove(at));
                }
            }
        }
        Self { remarks, torn, faults, later }
    }

    /// Whether nothing at all is there.
    pub fn is_empty(&self) -> bool {
        self.remarks.is_empty() && self.torn.is_empty() && self.faults.is_empty() && self.later == 0
    }

    /// The latest verdict on the whole session, a stale one too.
    pub fn verdict(&self) -> Option<&Remark> {
        self.remarks.iter().rev().find(|remark| remark.verdict.is_some() && remark.span_ns.is_none())
    }

    /// Whether the latest verdict on the whole session is `accept`, and was given on what is here.
    pub fn is_accepted(&self) -> bool {
        self.verdict().is_some_and(|remark| remark.verdict == Some(Verdict::Accept) && !remark.stale)
    }

    /// The latest verdict that holds at an instant, on the whole session or on a span around it; stale ones do not count.
    pub fn verdict_at(&self, t_ns: i64) -> Option<Verdict> {
        let covers = |remark: &&Remark| {
            remark.span_ns.is_none_or(|(from, until)| (from..=until).contains(&t_ns))
                && remark.verdict.is_some()
                && !remark.stale
        };
        self.remarks.iter().rev().find(covers)?.verdict
    }

    /// Verdicts on a span, in the order in which they were given.
    pub fn spans(&self) -> impl Iterator<Item = &Remark> {
        self.remarks.iter().filter(|remark| remark.verdict.is_some() && remark.span_ns.is_some())
    }

    /// Marks, in the order in which they were set.
    pub fn marks(&self) -> impl Iterator<Item = &Remark> {
        self.remarks.iter().filter(|remark| remark.verdict.is_none())
    }

    /// All of it, for programs: `verdict` (the latest on the whole session, or null), `spans`, `marks`, and the lines that are
    /// `torn`, `damaged` or `later`.
    pub fn to_json(&self) -> Value {
        let one = |remark: &Remark| {
            json!({
                "verdict": remark.verdict.map(Verdict::word), "from_ns": remark.span_ns.map(|span| span.0),
                "until_ns": remark.span_ns.map(|span| span.1), "note": remark.note, "at": remark.at, "by": remark.by,
                "stale": remark.stale,
            })
        };
        json!({
            "accepted": self.is_accepted(), "verdict": self.verdict().map(one),
            "spans": self.spans().map(one).collect::<Vec<_>>(), "marks": self.marks().map(one).collect::<Vec<_>>(),
            "torn": self.torn.len(), "damaged": self.faults.len(), "later": self.later,
        })
    }
}

/// What a line says.
enum Said {
    Remark(Remark),
    /// It takes a verdict back, with that one's span and speaker.
    Undo(Remark),
}

/// A line; `None` when a later release wrote it.
fn parse_line(line: &[u8], session_id: Option<&str>, edition: Option<&str>) -> Result<Option<Said>, Fault> {
    let Some(line) = lines::decode::<Line>(line, VERSION)? else { return Ok(None) };
    if session_id.is_some_and(|id| id != line.session_id) {
        return Err(Fault::Wrong("it is of another session"));
    }
    let span_ns = match (line.from_ns, line.until_ns) {
        (None, None) => None,
        (Some(from), Some(until)) if from <= until => Some((from, until)),
        _ => return Err(Fault::Wrong("its span is none")),
    };
    let undo = line.verdict.as_deref() == Some(UNDO);
    let verdict = match line.verdict.as_deref().filter(|_| !undo) {
        None => None,
        Some(word) => Some(verdict_of(word).ok_or(Fault::Wrong("its verdict is none"))?),
    };
    let stale = line.integrity_sha256.as_deref() != edition;
    let remark = Remark { span_ns, verdict, note: line.note, at: line.at, by: line.by, stale };
    Ok(Some(if undo { Said::Undo(remark) } else { Said::Remark(remark) }))
}

/// A review that is being written: what the player's marks and verdicts go into.
pub struct Book {
    dir: PathBuf,
    session_id: String,
    /// The edition that the person sees.
    edition: Option<String>,
    /// First and last instant of the session; a verdict on all of it is one on the session. `None` while that moves.
    span_ns: Option<(i64, i64)>,
    by: Option<String>,
    clock: Box<dyn Clock>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Book {
    /// First and last instant of the session, as it was opened with.
    pub const fn span_ns(&self) -> Option<(i64, i64)> {
        self.span_ns
    }

    /// Reads what was said of this session so far.
    ///
    /// # Errors
    /// When the file cannot be read, or is none of reviews.
    pub fn read(&self) -> Result<Review, ReviewError> {
        Review::read_as(&self.dir, Some(&self.session_id))
    }

    /// For the session (or the log) in `dir`, as it is now. `by` is who speaks. Nothing is created yet.
    ///
    /// # Errors
    /// When the seal is there and cannot be read.
    pub fn open(
        dir: &Path,
        session_id: &str,
        span_ns: Option<(i64, i64)>,
        by: Option<String>,
        clock: Box<dyn Clock>,
    ) -> Result<Self, ReviewError> {
        let edition = edition_of(dir)?;
        Ok(Self { dir: dir.to_owned(), session_id: session_id.to_owned(), edition, span_ns, by, clock })
    }

    /// Appends a remark. It is on the disk when this returns.
    ///
    /// # Errors
    /// When the note is too long, or the system fails: the line is then not there, or cut off, which readers tolerate.
    pub fn append(
        &mut self,
        span_ns: Option<(i64, i64)>,
        verdict: Option<Verdict>,
        note: &str,
    ) -> Result<(), ReviewError> {
        if note.len() > MAX_NOTE {
            return Err(ReviewError::NoteTooLong { found: note.len() });
        }
        self.write(span_ns, verdict.map(Verdict::word), note)
    }

    /// Takes back the latest verdict of the same person on the same span. What was said stays in the file, and counts no more.
    ///
    /// # Errors
    /// When the system fails.
    pub fn undo(&mut self, span_ns: Option<(i64, i64)>) -> Result<(), ReviewError> {
        self.write(span_ns, Some(UNDO), "")
    }

    fn write(&self, span_ns: Option<(i64, i64)>, verdict: Option<&str>, note: &str) -> Result<(), ReviewError> {
        let line = Line {
            v: VERSION,
            session_id: self.session_id.clone(),
            integrity_sha256: self.edition.clone(),
            verdict: verdict.map(str::to_owned),
            from_ns: span_ns.map(|span| span.0),
            until_ns: span_ns.map(|span| span.1),
            note: note.to_owned(),
            at: self.clock.anchor().utc.to_rfc3339(),
            by: self.by.clone(),
        };
        Ok(lines::append(&self.dir, &layout::review_path(&self.dir), &line)?)
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
