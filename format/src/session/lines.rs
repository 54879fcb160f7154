//! Files of lines beside a session's seal: what people say of a session afterwards (`review.jsonl`, `annotations.jsonl`).
//!
//! Invariants: a line is appended with one write and is on the disk when [`append`] returns; nothing that is there is ever changed; each
//! line says which session, and which edition of it, it is about, so that one on something else is *stale*. Reading tolerates a line that
//! was cut off while it was written, and counts everything else that is wrong. Does not know what a line says.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::layout;
use super::seal::{self, SealError};

/// The largest file that is read, and written: 40,000 lines of 400 bytes.
pub const MAX_BYTES: u64 = 16 << 20;

/// Most lines that are read: 16 MiB of lines of 130 bytes. Bounds what a file of empty lines takes.
const MAX_LINES: usize = 1 << 17;

/// Why a file of lines cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
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
    #[error("{} is no {what}: {why}", path.display())]
    NotOne {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The next line would make it larger than any that is read.
    #[error("{} has no room for another line", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
}

impl LinesError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotOne { .. } => Some("move it out of the session's folder".into()),
            Self::Full { .. } => Some("keep it, and move it out of the session's folder to begin a new one".into()),
            Self::Io { .. } => None,
        }
    }
}

/// What the lines of a file say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines<T> {
    /// What was said, in the order in which it was.
    pub said: Vec<T>,
    /// Lines that were cut off while they were written, from 1: a crash or a full disk. What they said is lost.
    pub torn: Vec<usize>,
    /// Lines that are none of this file, from 1, and what is wrong with them.
    pub faults: Vec<(usize, &'static str)>,
    /// Lines of a later release, which were passed over.
    pub later: u64,
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self { said: Vec::new(), torn: Vec::new(), faults: Vec::new(), later: 0 }
    }
}

/// Why a line says nothing.
pub(super) enum Fault {
    /// It ends too early.
    Torn,
    /// It is something else.
    Wrong(&'static str),
}

impl<T> Lines<T> {
    /// Reads the lines of a file; `one` answers with what a line says, and with `None` when a later release wrote it.
    pub(super) fn parse(bytes: &[u8], mut one: impl FnMut(&[u8]) -> Result<Option<T>, Fault>) -> Self {
        let mut lines = Self::default();
        let mut rest = bytes;
        let mut number = 0;
        while !rest.is_empty() {
            if number == MAX_LINES {
                lines.faults.push((number + 1, "there are more lines than are read"));
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
            match one(line) {
                Ok(Some(said)) => lines.said.push(said),
                Ok(None) => lines.later += 1,
                Err(Fault::Torn) => lines.torn.push(number),
                Err(Fault::Wrong(_)) if !ended => lines.torn.push(number),
                Err(Fault::Wrong(why)) => lines.faults.push((number, why)),
            }
        }
        lines
    }

    /// Whether nothing at all is there.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty() && self.unread() == 0
    }

    /// How many lines say nothing that can be read.
    pub fn unread(&self) -> u64 {
        self.torn.len() as u64 + self.faults.len() as u64 + self.later
    }
}

/// Reads a line as JSON; `None` when a later release than one that writes `version` wrote it.
pub(super) fn decode<L: DeserializeOwned>(line: &[u8], version: u64) -> Result<Option<L>, Fault> {
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
    if v > version { Ok(None) } else { serde_json::from_slice(line).map(Some).map_err(fault) }
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

/// Reads all of a file that should be a `what`; nothing when it is not there. No link is followed.
pub(super) fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, LinesError> {
    let io = |action, source| LinesError::Io { action, path: path.to_owned(), source };
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io("look at", error)),
    };
    let wrong = |why| LinesError::NotOne { path: path.to_owned(), what, why };
    if !found.is_file() {
        return Err(wrong("it is no regular file"));
    }
    if found.len() > MAX_BYTES {
        return Err(wrong("it is larger than 16 MiB"));
    }
    let mut bytes = Vec::new();
    let file = crate::base::files::open_regular(path).map_err(|error| io("open", error))?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| io("read", error))?;
    Ok(bytes)
}

/// Appends a line to a file in `dir`, which is made when it is not there. The line is on the disk when this returns.
pub(super) fn append(dir: &Path, path: &Path, line: &impl Serialize) -> Result<(), LinesError> {
    let io = |action| move |source| LinesError::Io { action, path: path.to_owned(), source };
    let mut bytes = serde_json::to_vec(line).map_err(|error| io("write")(error.into()))?;
    bytes.push(b'\n');
    let new = crate::base::files::is_free(path);
    let mut file = crate::base::files::open_to_append(path).map_err(io("open"))?;
    crate::base::files::restrict(&file).map_err(io("make private"))?;
    if !ends_with_newline(&mut file).map_err(io("read"))? {
        // What was cut off must not take this line along.
        bytes.insert(0, b'\n');
    }
    let there = file.metadata().map_err(io("look at"))?.len();
    if there.saturating_add(bytes.len() as u64) > MAX_BYTES {
        return Err(LinesError::Full { path: path.to_owned() });
    }
    // One write, so that two who write never mix their lines.
    let written = file.write(&bytes).map_err(io("write"))?;
    if written < bytes.len() {
        return Err(io("write all of a line to")(io::ErrorKind::WriteZero.into()));
    }
    file.sync_all().map_err(io("sync"))?;
    if new {
        crate::base::files::sync_dir(dir).map_err(io("sync the name of"))?;
    }
    Ok(())
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
