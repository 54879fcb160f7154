//! What finalizing a log would give, without doing it: `watchcap recover --dry-run`.
//!
//! The same log is read in the same way, row by row; only nothing is written. Works on a log that is being recorded, too.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::describe::Story;
use super::error::FinalizeError;
use super::keep::keeps_log;
use super::source::LogSource;
use crate::base::progress::Step;
use crate::log::reader::{Hole, LogReader};
use crate::session::loss::{MaxDropped, is_lossy};
use crate::session::metadata::{Loss, Metadata};
use crate::session::table::write::TableSummary;

/// Holes that are listed one by one; of more there is the number only.
pub const MAX_HOLES: usize = 1000;

/// A place where records are missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct HoleReport {
    /// The first missing record.
    pub first_record: u64,
    /// How many.
    pub records: u64,
    /// Last time before it, nanoseconds.
    pub from_ns: i64,
    /// First time behind it, nanoseconds.
    pub until_ns: i64,
}

/// What finalizing a log would give.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// UUID of the recording; digits that are not known are 0.
    pub session_id: String,
    /// The log was closed by who wrote it.
    pub closed: bool,
    /// Why the recording ended; null when the log does not say.
    pub end_reason: Option<String>,
    /// What became of the database: `present`, `empty`, `missing`.
    pub database: String,
    /// Bytes of its file.
    pub database_bytes: u64,
    /// Whole chunks.
    pub chunks: u64,
    /// Of these, how many only the copies of the facts have.
    pub copied_chunks: u64,
    /// Places that begin like a chunk and are none, or that nobody understands.
    pub damaged_chunks: u64,
    /// Records in the chunks.
    pub records: u64,
    /// Records that are missing between them.
    pub missing_records: u64,
    /// In how many places.
    pub holes: u64,
    /// The first [`MAX_HOLES`] of these.
    pub hole_list: Vec<HoleReport>,
    /// Records that would be left out: behind a hole in the last 100 ms of a log that was not closed.
    pub cut_records: u64,
    /// What became of the video: `present`, `missing`, `damaged`, `undecodable`.
    pub video: String,
    /// Bytes of it that finalizing would keep, without the index.
    pub video_bytes: u64,
    /// Rows that the table would have.
    pub rows: u64,
    /// Rows of each event type.
    pub counts: BTreeMap<String, u64>,
    /// Presses of buttons among them; null when that is not known.
    pub clicks: Option<u64>,
    /// Frames that the video would have.
    pub frames: u64,
    /// Of these, how many were found by their SEI.
    pub found_frames: u64,
    /// Frames that could not be kept.
    pub torn_frames: u64,
    /// From the first to the last thing in the log, nanoseconds.
    pub duration_ns: i64,
    /// What is missing, as the metadata would say it.
    pub lost: Vec<Loss>,
    /// The metadata would say that something had to be recovered.
    pub recovered: bool,
    /// Finalizing would end with exit code 3, unless told another share of dropped frames.
    pub lossy: bool,
    /// Finalizing would keep the log, since what is missing from the session was in it.
    pub keeps_log: bool,
}

fn holes(reader: &LogReader) -> Vec<HoleReport> {
    let report = |hole: &Hole| HoleReport {
        first_record: hole.first,
        records: hole.count,
        from_ns: hole.from.0,
        until_ns: hole.until.0,
    };
    reader.holes.iter().take(MAX_HOLES).map(report).collect()
}

/// Reads the log in `session` and says what finalizing would give.
///
/// # Errors
/// [`FinalizeError`] when there is no log, nothing in it, or it cannot be read.
pub fn report(session: &Path, progress: &mut dyn FnMut(Step)) -> Result<Report, FinalizeError> {
    let mut source = LogSource::open(session)?;
    let mut summary = TableSummary::default();
    let mut counts: Vec<(String, u64)> = Vec::new();
    let (maker, outcome) = source.rows(
        &mut |row| {
            summary.rows += 1;
            summary.span_ns = Some((summary.span_ns.map_or(row.t_ns, |(first, _)| first), row.t_ns));
            match counts.iter_mut().find(|(name, _)| name == row.event_type) {
                Some((_, count)) => *count += 1,
                None => counts.push((row.event_type.to_owned(), 1)),
            }
            summary.clicks.add(row.event_type, row.pressed, |key| row.metadata.get(key));
            Ok(())
        },
        progress,
    )?;
    summary.counts = counts.into_iter().collect();
    let metadata = source.story.metadata(&source.reader, &outcome, &maker, &summary);
    let LogSource { reader, story, .. } = &source;
    let Story { session_id, .. } = story;
    let (lossy, keeps_log) = (is_lossy(&metadata, MaxDropped::default()), keeps_log(&metadata));
    let Metadata { end_reason, frames, duration_ns, lost, recovered, .. } = metadata;
    Ok(Report {
        session_id: session_id.clone(),
        closed: reader.facts.end.is_some(),
        end_reason,
        database: reader.database.name().to_owned(),
        database_bytes: reader.database_bytes,
        chunks: reader.chunks().len() as u64,
        copied_chunks: reader.from_copies,
        damaged_chunks: reader.damaged + outcome.unreadable,
        records: reader.chunks().iter().map(|chunk| u64::from(chunk.count)).sum(),
        missing_records: reader.holes.iter().map(|hole| hole.count).sum(),
        holes: reader.holes.len() as u64,
        hole_list: holes(reader),
        cut_records: reader.cut,
        video: outcome.video.name().to_owned(),
        video_bytes: if frames > 0 { source.data_end(&maker) } else { 0 },
        rows: summary.rows,
        counts: summary.counts,
        clicks: summary.clicks.count(),
        frames,
        found_frames: maker.facts.found_frames,
        torn_frames: maker.facts.torn_frames,
        duration_ns,
        lost,
        recovered,
        lossy,
        keeps_log,
    })
}
