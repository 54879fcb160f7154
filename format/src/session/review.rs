//! `review.jsonl`: what people said of a session, one JSON line each, beside the sealed files and never among them.
//!
//! Invariants: a line is appended with one write and is on the disk when [`Book::append`] returns; nothing that is there is ever
//! changed; each line says which session, and which edition of it, was judged, so that a verdict on something else is *stale* and
//! counts for nothing. Reading tolerates a line that was cut off while it was written, and counts everything else that is wrong.
//! Knows neither the table nor the video. Notes are content: nothing here prints them, [`Remark`]'s `Debug` included.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::layout;
use super::metadata::{Metadata, MetadataError};
use super::seal::{self, SealError};
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

/// The largest file that is read: 40,000 remarks of 400 bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The longest note, bytes: ten times what the player lets a person type.
pub const MAX_NOTE: usize = 4096;

/// Most lines that are read: 16 MiB of lines of 130 bytes. Bounds what a file of empty lines takes.
const MAX_LINES: usize = 1 << 17;

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
    /// The file cannot be worked with.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is larger than any that is written, or no regular file.
    #[error("{} is no review: {why}", path.display())]
    NotAReview {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
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
            Self::NotAReview { .. } => Some("move it out of the session's folder".into()),
            Self::Metadata(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Io { .. } | Self::NoteTooLong { .. } => None,
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

/// SHA-256 of a session's `integrity.sha256`, which stands for all of the session; `None` when it is not sealed.
///
/// # Errors
/// When it is there and cannot be read.
pub fn edition_of(dir: &Path) -> Result<Option<String>, SealError> {
    let path = layout::integrity_path(dir);
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some(seal::hash_file(&path, &mut |_| {})?.to_string()))
}

/// Everything that was said of a session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Review {
    /// What was said, in the order in which it was.
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
        let io = |action, source| ReviewError::Io { action, path: path.clone(), source };
        let found = match path.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io("look at", error)),
        };
        if !found.is_file() {
            return Err(ReviewError::NotAReview { path, why: "it is no regular file" });
        }
        if found.len() > MAX_BYTES {
            return Err(ReviewError::NotAReview { path, why: "it is larger than 16 MiB" });
        }
        let mut bytes = Vec::new();
        let file = crate::base::files::open_regular(&path).map_err(|error| io("open", error))?;
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| io("read", error))?;
        Ok(Self::parse(&bytes, session_id, edition_of(dir)?.as_deref()))
    }

    /// Reads the lines of a file; `edition` is the one that is here.
    pub fn parse(bytes: &[u8], session_id: Option<&str>, edition: Option<&str>) -> Self {
        let mut review = Self::default();
        let mut rest = bytes;
        let mut number = 0;
        while !rest.is_empty() {
            if number == MAX_LINES {
                review.faults.push((number + 1, "there are more lines than are read"));
                break;
            }
            let (line, ended) = match rest.iter().position(|byte| *byte == b'\n') {
                Some(at) => {
                    let line = &rest[..at];
                    rest = &rest[at + 1..];
                    (line, true)
                }
                None => (std::mem::take(&mut rest), false),
            };
            number += 1;
            match parse_line(line, session_id, edition) {
                Ok(Some(remark)) => review.remarks.push(remark),
                Ok(None) => review.later += 1,
                Err(Fault::Torn) => review.torn.push(number),
                Err(Fault::Wrong(_)) if !ended => review.torn.push(number),
                Err(Fault::Wrong(why)) => review.faults.push((number, why)),
            }
        }
        review
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

/// Why a line is no remark.
enum Fault {
    /// It ends too early.
    Torn,
    /// It is something else.
    Wrong(&'static str),
}

/// A line; `None` when a later release wrote it.
fn parse_line(line: &[u8], session_id: Option<&str>, edition: Option<&str>) -> Result<Option<Remark>, Fault> {
    #[derive(Deserialize)]
    struct VersionOnly {
        v: u64,
    }
    if std::str::from_utf8(line).is_err_and(|error| error.error_len().is_none()) {
        return Err(Fault::Torn);
    }
    let fault = |error: serde_json::Error| match error.classify() {
        serde_json::error::Category::Eof => Fault::Torn,
        serde_json::error::Category::Data => Fault::Wrong("a key is missing, or has a value of the wrong type"),
        _ => Fault::Wrong("it is no JSON object"),
    };
    let VersionOnly { v } = serde_json::from_slice(line).map_err(fault)?;
    if v > VERSION {
        return Ok(None);
    }
    let line: Line = serde_json::from_slice(line).map_err(fault)?;
    if session_id.is_some_and(|id| id != line.session_id) {
        return Err(Fault::Wrong("it is of another session"));
    }
    let span_ns = match (line.from_ns, line.until_ns) {
        (None, None) => None,
        (Some(from), Some(until)) if from <= until => Some((from, until)),
        _ => return Err(Fault::Wrong("its span is none")),
    };
    let verdict = match &line.verdict {
        None => None,
        Some(word) => Some(verdict_of(word).ok_or(Fault::Wrong("its verdict is none"))?),
    };
    let stale = line.integrity_sha256.as_deref() != edition;
    Ok(Some(Remark { span_ns, verdict, note: line.note, at: line.at, by: line.by, stale }))
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
        let line = Line {
            v: VERSION,
            session_id: self.session_id.clone(),
            integrity_sha256: self.edition.clone(),
            verdict: verdict.map(|verdict| verdict.word().to_owned()),
            from_ns: span_ns.map(|span| span.0),
            until_ns: span_ns.map(|span| span.1),
            note: note.to_owned(),
            at: self.clock.anchor().utc.to_rfc3339(),
            by: self.by.clone(),
        };
        let path = layout::review_path(&self.dir);
        let io = |action| {
            let path = path.clone();
            move |source| ReviewError::Io { action, path, source }
        };
        let mut bytes = serde_json::to_vec(&line).map_err(|error| io("write")(error.into()))?;
        bytes.push(b'\n');
        let new = crate::base::files::is_free(&path);
        let mut file = crate::base::files::open_to_append(&path).map_err(io("open"))?;
        crate::base::files::restrict(&file).map_err(io("make private"))?;
        if !ends_with_newline(&mut file).map_err(io("read"))? {
            // What was cut off must not take this line along.
            bytes.insert(0, b'\n');
        }
        // One write, so that two reviewers never mix their lines.
        let written = file.write(&bytes).map_err(io("write"))?;
        if written < bytes.len() {
            return Err(io("write all of a line to")(io::ErrorKind::WriteZero.into()));
        }
        file.sync_all().map_err(io("sync"))?;
        if new {
            crate::base::files::sync_dir(&self.dir).map_err(io("sync the name of"))?;
        }
        Ok(())
    }
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
