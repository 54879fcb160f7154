//! What is in a folder: a session or a log, in which state, and what to do next; and the sessions in the folders below one.
//!
//! Never writes, and reads of a log no more than its framing and its facts; of a session its metadata and the table's footer.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::base::shown;
use crate::base::time::UtcNs;
use crate::log::lock::LogLock;
use crate::log::reader::{Database, LogReader};
use crate::log::setup::Setup;
use crate::log::{LogError, LogPaths};
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::seal;
use crate::session::table::read::EventsReader;

/// How deep folders are looked for below the one that was given.
const MAX_DEPTH: usize = 3;
/// Most sessions that are listed.
const MAX_FOUND: usize = 10_000;

/// The state of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being recorded.
    Recording,
    /// Its log is being sealed.
    Finalizing,
    /// Its log was closed in good order and waits for being sealed.
    Closed,
    /// Its log was not closed: the recorder was killed.
    Crashed,
    /// It is sealed.
    Sealed,
    /// Its log has holes or lacks a part, or its session cannot be read.
    Damaged,
    /// A folder that this account may not look into.
    Unreadable,
}

impl State {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Finalizing => "finalizing",
            Self::Closed => "closed",
            Self::Crashed => "crashed",
            Self::Sealed => "sealed",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A recording that was found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Found {
    /// Its folder.
    pub path: PathBuf,
    /// Its state.
    pub state: State,
    /// Who uses it and since when; null when nobody does.
    pub holder: Option<String>,
    /// UUID of the recording; null when it cannot be told.
    pub session_id: Option<String>,
    /// When it began, RFC 3339, UTC; null when it cannot be told.
    pub captured_at: Option<String>,
    /// From the first to the last thing in it, nanoseconds; null when it cannot be told.
    pub duration_ns: Option<i64>,
    /// Frames; of a log, as many as the last reference says. Null when it cannot be told.
    pub frames: Option<u64>,
    /// Bytes of all its files.
    pub size_bytes: u64,
    /// Bytes of a log beside a sealed session; null when there is none.
    pub log_bytes: Option<u64>,
    /// The command to run next; empty while somebody uses it.
    pub next: String,
}

/// Whether the folder itself is a session or holds a log.
pub fn is_recording(dir: &Path) -> bool {
    layout::state_of(dir) != layout::DirState::Nothing || layout::metadata_path(dir).is_file()
}

/// How many bytes the files of a recording have.
pub fn size_of(dir: &Path) -> u64 {
    size_below(dir, 0)
}

fn size_below(dir: &Path, depth: usize) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && depth < 2 * MAX_DEPTH => size_below(&entry.path(), depth + 1),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// Whether the video of a log has fewer bytes than a sync vouches for, or is not there.
fn video_is_short(dir: &Path, reader: &LogReader) -> bool {
    let places = [reader.paths().video.clone(), layout::frames_path(dir)];
    let len = places.iter().find_map(|path| std::fs::symlink_metadata(path).ok()).map_or(0, |found| found.len());
    len < reader.video_synced()
}

/// State of the log in `dir`, whose reader was opened; `holder` is who has its lock.
pub fn state_of_log(dir: &Path, reader: &LogReader, holder: Option<&str>) -> State {
    match holder {
        Some(holder) if holder.contains("finalize") => State::Finalizing,
        Some(_) => State::Recording,
        None if reader.database != Database::Present || !reader.holes.is_empty() || video_is_short(dir, reader) => {
            State::Damaged
        }
        None if reader.facts.end.is_some() => State::Closed,
        None => State::Crashed,
    }
}

/// The command to run next for a log in this state.
pub fn next_for_log(dir: &Path, state: State) -> String {
    match state {
        State::Recording | State::Finalizing | State::Unreadable => String::new(),
        State::Damaged => format!("watchcap recover --dry-run {}", shown::shell(dir)),
        _ => format!("watchcap finalize {}", shown::shell(dir)),
    }
}

fn log(dir: &Path) -> Result<Found, LogError> {
    let paths = LogPaths::of(dir);
    let holder = LogLock::holder(&paths.lock);
    let reader = LogReader::open(&paths)?;
    let state = state_of_log(dir, &reader, holder.as_deref());
    let setup = Setup::read(&reader.facts.setup);
    let first = reader.chunks().iter().map(|chunk| chunk.min_t.0).min();
    let last = reader.chunks().iter().map(|chunk| chunk.max_t.0).max();
    let anchor = reader.facts.anchors.first().map(|anchor| UtcNs(anchor.utc.0).to_rfc3339());
    let last_frame = (0..reader.chunks().len()).rev().find_map(|index| reader.frames(index).pop());
    Ok(Found {
        path: dir.to_path_buf(),
        state,
        holder,
        session_id: setup.session_id,
        captured_at: anchor.or(setup.session.captured_at),
        duration_ns: first.zip(last).map(|(first, last)| i64::saturating_sub(last, first)),
        frames: (!reader.chunks().is_empty())
            .then(|| last_frame.map_or(0, |frame| frame.frame_ref.0.saturating_add(1))),
        size_bytes: size_of(dir),
        log_bytes: None,
        next: next_for_log(dir, state),
    })
}

fn session(dir: &Path) -> Found {
    let metadata = Metadata::read(&layout::metadata_path(dir)).ok();
    let whole = metadata.is_some()
        && seal::read_integrity(dir).is_ok()
        && EventsReader::open(&layout::events_path(dir)).is_ok()
        && metadata.as_ref().is_some_and(|metadata| metadata.frames == 0 || layout::frames_path(dir).is_file());
    let log_bytes = layout::log_dir(dir).is_dir().then(|| size_of(&layout::log_dir(dir)));
    Found {
        path: dir.to_path_buf(),
        state: if whole { State::Sealed } else { State::Damaged },
        holder: None,
        session_id: metadata.as_ref().map(|metadata| metadata.session_id.clone()),
        captured_at: metadata.as_ref().map(|metadata| metadata.captured_at.clone()).filter(|at| !at.is_empty()),
        duration_ns: metadata.as_ref().map(|metadata| metadata.duration_ns),
        frames: metadata.as_ref().map(|metadata| metadata.frames),
        size_bytes: size_of(dir),
        log_bytes,
        next: match (whole, log_bytes) {
            (false, Some(_)) => format!("watchcap finalize --again {}", shown::shell(dir)),
            _ => format!("watchcap verify {}", shown::shell(dir)),
        },
    }
}

/// What is in the folder of a recording.
///
/// # Errors
/// [`LogError`] when it is a log that cannot be read.
pub fn look(dir: &Path) -> Result<Found, LogError> {
    if layout::state_of(dir) == layout::DirState::Log { log(dir) } else { Ok(session(dir)) }
}

/// The recordings in the folders below `dir`, by path. One that cannot be read at all is damaged.
pub fn below(dir: &Path) -> Vec<Found> {
    let mut out = Vec::new();
    walk(dir, 1, &mut out);
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

fn walk(dir: &Path, depth: usize, out: &mut Vec<Found>) {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() == std::io::ErrorKind::PermissionDenied {
                out.push(unknown(dir, State::Unreadable));
            }
            return;
        }
    };
    for entry in entries.flatten() {
        // Links are not followed: nothing is listed twice, and no circle is walked.
        if out.len() >= MAX_FOUND || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if !is_recording(&path) {
            if depth < MAX_DEPTH {
                walk(&path, depth + 1, out);
            }
            continue;
        }
        out.push(look(&path).unwrap_or_else(|_unreadable| unknown(&path, State::Damaged)));
    }
}

/// A recording of which nothing can be told.
fn unknown(path: &Path, state: State) -> Found {
    Found {
        state,
        holder: None,
        session_id: None,
        captured_at: None,
        duration_ns: None,
        frames: None,
        size_bytes: size_of(path),
        log_bytes: None,
        next: next_for_log(path, state),
        path: path.to_path_buf(),
    }
}
