//! Rows of another recorder in the order of time, and what is to be known of all of them before the first is written.
//!
//! Keeps the invariant that memory follows the disorder and not the file: a row waits only as long as an older one may still
//! come, which a first pass found out for each batch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ImportError;
use super::table::{Batches, ForeignTable};
use crate::migrate::Step;
use crate::session::row::{OwnedRow, event_type, key};
use crate::session::sample_index::MAX_SAMPLES;

/// Most rows that wait at once: 2^18 of about 400 bytes are 105 MB.
const MAX_WAITING: usize = 1 << 18;

/// What the first pass found.
#[derive(Default, Debug)]
pub(super) struct Survey {
    /// Rows.
    pub(super) rows: u64,
    /// First and last time.
    pub(super) span_ns: Option<(i64, i64)>,
    /// Times of the frame rows, in order.
    pub(super) frames: Vec<i64>,
    /// The largest `frame_ref` of any row, and in which row it stands.
    pub(super) last_ref: Option<(i64, u64)>,
    /// The session that the rows say they are of.
    pub(super) session_id: Option<String>,
    /// Rows that stand behind a later one.
    pub(super) reordered: u64,
    /// Some row flags an auto-repeat, or says that there was none.
    pub(super) flags_repeats: bool,
    /// Some row has raw motion.
    pub(super) has_motion: bool,
    /// Clicks, and those of them that say whether the button went down.
    pub(super) clicks: (u64, u64),
    /// Rows that a person's input made.
    pub(super) inputs: u64,
    /// `gap` rows.
    pub(super) gaps: u64,
    /// Some row says where it was observed.
    pub(super) has_source: bool,
    /// For each batch, the smallest time in it and behind it.
    least_from: Vec<i64>,
}

/// Reads all rows once.
pub(super) fn survey(table: &ForeignTable, progress: &mut dyn FnMut(Step)) -> Result<Survey, ImportError> {
    let mut found = Survey::default();
    let mut frames: Vec<(i64, Option<i64>, u64)> = Vec::new();
    let mut latest = i64::MIN;
    let mut batches = table.batches();
    while let Some(batch) = batches.next()? {
        let mut least = i64::MAX;
        for at in 0..batch.len() {
            let number = batch.first + at as u64;
            let t_ns = batch.t_ns(at);
            least = least.min(t_ns);
            found.reordered += u64::from(t_ns < latest);
            latest = latest.max(t_ns);
            found.session(table, batch.session_id(at), number)?;
            let row = batch.row(at)?;
            found.look_at(&row, number);
            if row.event_type == event_type::FRAME {
                if frames.len() == MAX_SAMPLES {
                    return Err(ImportError::TooManyFrames);
                }
                frames.push((t_ns, row.frame_ref, number));
            }
            found.span_ns = Some(found.span_ns.map_or((t_ns, t_ns), |(a, b)| (a.min(t_ns), b.max(t_ns))));
        }
        found.rows += batch.len() as u64;
        found.least_from.push(least);
        progress(Step { what: "survey", done: found.rows, of: table.len() });
    }
    for index in (1..found.least_from.len()).rev() {
        found.least_from[index - 1] = found.least_from[index - 1].min(found.least_from[index]);
    }
    frames.sort_by_key(|(t_ns, _, number)| (*t_ns, *number));
    for (frame, (t_ns, said, row)) in frames.into_iter().enumerate() {
        if said.is_some_and(|said| said != frame as i64) {
            return Err(ImportError::FrameNumber { row, found: said.unwrap_or(-1), expected: frame as u64 });
        }
        found.frames.push(t_ns);
    }
    Ok(found)
}

impl Survey {
    fn session(&mut self, table: &ForeignTable, id: Option<&str>, row: u64) -> Result<(), ImportError> {
        match (&self.session_id, id) {
            (Some(known), Some(id)) if known != id => Err(ImportError::Sessions { path: table.path().to_owned(), row }),
            (None, Some(id)) => {
                self.session_id = Some(id.to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn look_at(&mut self, row: &OwnedRow, number: u64) {
        if let Some(frame) = row.frame_ref
            && self.last_ref.is_none_or(|(last, _)| frame > last)
        {
            self.last_ref = Some((frame, number));
        }
        self.flags_repeats |= row.repeat.is_some();
        self.has_motion |= row.mouse_dx.is_some() || row.mouse_dy.is_some();
        self.has_source |= row.source.is_some();
        self.inputs += u64::from(event_type::is_input(&row.event_type));
        self.gaps += u64::from(row.event_type == event_type::GAP);
        if row.event_type == event_type::MOUSE_CLICK {
            self.clicks.0 += 1;
            self.clicks.1 += u64::from(row.pressed.is_some());
        }
    }
}

/// A row that waits; ordered by time, and then by its place in the file.
struct Waiting(i64, u64, OwnedRow);

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// The rows of a table in the order of time.
pub(super) struct Ordered<'a> {
    survey: &'a Survey,
    batches: Batches<'a>,
    /// Batches read so far.
    read: usize,
    waiting: BinaryHeap<Reverse<Waiting>>,
}

impl<'a> Ordered<'a> {
    pub(super) fn new(table: &'a ForeignTable, survey: &'a Survey) -> Self {
        Self { survey, batches: table.batches(), read: 0, waiting: BinaryHeap::new() }
    }

    /// The next row; none at the end. What the recorder leaves out for "no" is said where it says "yes" elsewhere.
    pub(super) fn next(&mut self) -> Result<Option<OwnedRow>, ImportError> {
        loop {
            let older_may_come = self.survey.least_from.get(self.read).copied();
            if let Some(Reverse(first)) = self.waiting.peek()
                && older_may_come.is_none_or(|least| first.0 <= least)
                && let Some(Reverse(Waiting(_, _, mut row))) = self.waiting.pop()
            {
                if row.event_type == event_type::KEY_DOWN && self.survey.flags_repeats {
                    row.repeat = row.repeat.or(Some(false));
                }
                return Ok(Some(row));
            }
            let Some(batch) = self.batches.next()? else { return Ok(None) };
            self.read += 1;
            for at in 0..batch.len() {
                let row = batch.row(at)?;
                self.waiting.push(Reverse(Waiting(row.t_ns, batch.first + at as u64, row)));
            }
            if self.waiting.len() > MAX_WAITING {
                return Err(ImportError::Disorder { rows: MAX_WAITING });
            }
        }
    }
}

/// Follows the frames as rows go by, and tells for each row the last one at or before it.
pub(super) struct FrameCursor<'a> {
    frames: &'a [i64],
    next: usize,
    /// Rows whose frame was another one.
    pub(super) changed: u64,
}

impl<'a> FrameCursor<'a> {
    pub(super) fn new(frames: &'a [i64]) -> Self {
        Self { frames, next: 0, changed: 0 }
    }

    /// Sets the frame of a row that is not one; rows come in the order of time.
    pub(super) fn place(&mut self, row: &mut OwnedRow) {
        while self.frames.get(self.next).is_some_and(|t_ns| *t_ns <= row.t_ns) {
            self.next += 1;
        }
        let frame = self.next.checked_sub(1).map(|frame| frame as i64);
        // What has no frame of its own and is no input need not name one.
        if row.frame_ref.is_none() && !event_type::is_input(&row.event_type) {
            return;
        }
        self.changed += u64::from(row.frame_ref.is_some() && row.frame_ref != frame);
        row.frame_ref = frame;
    }
}

/// Whether a frame row says that nothing had changed.
pub(super) fn is_duplicate(row: &OwnedRow) -> bool {
    row.metadata.get(key::DUP) == Some("1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gets_the_last_frame_at_or_before_it() {
        let mut cursor = FrameCursor::new(&[10, 20, 30]);
        let mut at = |t_ns: i64, kind: &str, frame_ref: Option<i64>| {
            let mut row = OwnedRow { t_ns, event_type: kind.into(), frame_ref, ..OwnedRow::default() };
            cursor.place(&mut row);
            row.frame_ref
        };
        assert_eq!(at(5, "key_down", None), None);
        assert_eq!(at(10, "key_up", Some(0)), Some(0));
        assert_eq!(at(19, "mark", None), None);
        assert_eq!(at(25, "mark", Some(0)), Some(1));
        assert_eq!(at(99, "wheel", None), Some(2));
        assert_eq!(cursor.changed, 1);
    }
}
