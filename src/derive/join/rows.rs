//! The rows of a series, one part after the other, as the table of a recording that was not split has them.
//!
//! Keeps the invariants that every row is there once and keeps its `t_ns`, and that what is left out at a seam is what `session/seam.rs` calls a
//! repeat. Counted anew are `frame_ref`, `pts` and `seq`. Memory is bounded: held are the rows of one instant, what is down, and the times of
//! the frames.

use super::error::JoinError;
use crate::base::event::Stream;
use crate::base::progress::Step;
use crate::media::mp4::index::pts_us;
use crate::privacy::consent::WITHDRAWN;
use crate::session::measured::Measured;
use crate::session::seam::{self, Repeats};
use crate::session::series::Part;
use crate::session::state::{Bounds, State};
use crate::session::table::read::SessionReader;
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::write::{TableSummary, TableWriter};

/// Most rows of one instant: what is held and what comes at the very time of a seam are some hundred.
const MAX_INSTANT: usize = 1 << 16;
/// Rows between two reports of progress: about 10 ms of work.
const PROGRESS_ROWS: u64 = 16_384;

/// The new table in the making.
pub(super) struct Rows<'a> {
    writer: TableWriter,
    session_id: &'a str,
    /// What lasts before the rows that are held back. Gaps and redactions do not matter at a seam and are not followed.
    state: State,
    /// The rows of the last instant so far: what is in them may be said again behind a seam.
    last: Vec<OwnedRow>,
    /// The active window of the last row.
    window_id: String,
    /// Frames of the parts before.
    frames: i64,
    /// `t_ns` of frame 0.
    t0_ns: Option<i64>,
    done: u64,
    of: u64,
    pub(super) measured: Measured,
}

impl<'a> Rows<'a> {
    /// Begins a table; `of` is how many rows the parts have.
    pub(super) fn new(writer: TableWriter, session_id: &'a str, of: u64) -> Self {
        Self {
            writer,
            session_id,
            state: State::new(Bounds { spans: 0, bytes: 0 }),
            last: Vec::new(),
            window_id: String::new(),
            frames: 0,
            t0_ns: None,
            done: 0,
            of,
            measured: Measured::default(),
        }
    }

    /// Takes the rows of the next part; answers with the `t_ns` of its frames.
    pub(super) fn take(
        &mut self,
        part: &Part,
        reader: &SessionReader,
        progress: &mut dyn FnMut(Step) -> bool,
    ) -> Result<Vec<i64>, JoinError> {
        let begin_ns = part.metadata.clock.t0_ns;
        let mismatch = |what| JoinError::Mismatch { path: part.dir.clone(), what };
        // The rows of its first instant, which say again what lasts; of the first part nothing is said again.
        let mut first = (self.done > 0).then(Vec::new);
        let (mut times, mut has_focus, mut row) = (Vec::new(), false, OwnedRow::default());
        let mut rows = reader.events().rows();
        while rows.next_into(&mut row)? {
            let mut row = row.clone();
            if row.event_type == event_type::FRAME {
                if row.frame_ref != i64::try_from(times.len()).ok() {
                    return Err(mismatch("its frames are not numbered from 0"));
                }
                times.push(row.t_ns);
            }
            row.frame_ref = match row.frame_ref {
                Some(frame) => Some(frame.saturating_add(self.frames)),
                // In front of the first frame of its part.
                None => self.frames.checked_sub(1).filter(|frame| *frame >= 0),
            };
            self.window(&mut row, &mut has_focus);
            self.done += 1;
            if self.done.is_multiple_of(PROGRESS_ROWS) && !progress(Step { what: "rows", done: self.done, of: self.of })
            {
                return Err(JoinError::Cancelled);
            }
            if let Some(first) = &mut first
                && row.t_ns <= begin_ns
            {
                if first.len() >= MAX_INSTANT {
                    return Err(mismatch("more rows are of its first instant than a recording has"));
                }
                first.push(row);
                continue;
            }
            if let Some(first) = first.take() {
                self.cross(part, first)?;
            }
            self.push(row)?;
        }
        if let Some(first) = first.take() {
            self.cross(part, first)?;
        }
        if times.len() as u64 != part.metadata.frames {
            return Err(mismatch("its table has other frames than its metadata say"));
        }
        self.frames = self.frames.saturating_add(times.len() as i64);
        if self.state.is_overfull() {
            return Err(mismatch("more keys are held than a recording has"));
        }
        Ok(times)
    }

    /// Says which window was active before a part says so itself.
    fn window(&mut self, row: &mut OwnedRow, has_focus: &mut bool) {
        let said = |name| row.metadata.get(name);
        let is_withdrawal = row.event_type == event_type::GAP
            && said(key::REASON) == Some(WITHDRAWN)
            && said(key::STREAM) == Some(Stream::Input.name());
        *has_focus |= row.event_type == event_type::FOCUS || is_withdrawal;
        if !*has_focus && row.window_id.is_empty() {
            row.window_id.clone_from(&self.window_id);
        }
        self.window_id.clone_from(&row.window_id);
    }

    /// Goes over a seam: `first` are the rows of the first instant of the next part.
    fn cross(&mut self, part: &Part, mut first: Vec<OwnedRow>) -> Result<(), JoinError> {
        let begin_ns = part.metadata.clock.t0_ns;
        let mut last = std::mem::take(&mut self.last);
        if last.first().is_some_and(|row| row.t_ns > begin_ns) {
            let what = "it begins before the part before it ends";
            return Err(JoinError::Mismatch { path: part.dir.clone(), what });
        }
        for row in &mut first {
            // What a withdrawal of consent left out is told in each part from when on it was: it goes on here.
            if row.t_ns < begin_ns {
                let is_span = matches!(row.event_type.as_str(), event_type::GAP | event_type::REDACT);
                if !is_span {
                    let what = "it has rows from before its begin";
                    return Err(JoinError::Mismatch { path: part.dir.clone(), what });
                }
                let until_ns = row.until_ns().max(begin_ns);
                row.t_ns = begin_ns;
                row.metadata.push_int(key::UNTIL_NS, until_ns);
            }
        }
        // Rows of one time are of one frame: the last at or before it.
        let frame = first.iter().find(|row| row.event_type == event_type::FRAME).and_then(|row| row.frame_ref);
        if frame.is_some() {
            let at_seam = last.iter_mut().filter(|row| row.t_ns == begin_ns);
            for row in at_seam.chain(&mut first).filter(|row| row.event_type != event_type::FRAME) {
                row.frame_ref = frame;
            }
        }
        let from = seam::releases_from(&last);
        let releases = last.split_off(from);
        for row in last {
            self.emit(&row)?;
        }
        let Repeats { before, behind } = seam::repeats(&self.state, &releases, &first);
        let kept = |rows: Vec<OwnedRow>, repeats: Vec<bool>| {
            rows.into_iter().zip(repeats).filter(|(_, repeat)| !repeat).map(|(row, _)| row)
        };
        for row in kept(releases, before) {
            self.emit(&row)?;
        }
        kept(first, behind).try_for_each(|row| self.push(row))
    }

    /// Takes a row, and holds it back until a later one comes.
    fn push(&mut self, row: OwnedRow) -> Result<(), JoinError> {
        let is_later = self.last.first().is_some_and(|last| last.t_ns != row.t_ns);
        if is_later || self.last.len() >= MAX_INSTANT {
            self.flush()?;
        }
        self.last.push(row);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), JoinError> {
        let mut last = std::mem::take(&mut self.last);
        for row in &last {
            self.emit(row)?;
        }
        last.clear();
        self.last = last;
        Ok(())
    }

    /// Writes a row.
    fn emit(&mut self, row: &OwnedRow) -> Result<(), JoinError> {
        if !matches!(row.event_type.as_str(), event_type::GAP | event_type::REDACT | event_type::FRAME) {
            self.state.apply(row);
        }
        let mut row = crate::session::table::row::Row { session_id: self.session_id, ..row.as_row() };
        if row.event_type == event_type::FRAME {
            row.pts = Some(pts_us(row.t_ns, *self.t0_ns.get_or_insert(row.t_ns)));
        }
        self.measured.take(&row);
        Ok(self.writer.push(&row)?)
    }

    /// Ends the table.
    pub(super) fn finish(mut self) -> Result<(TableSummary, Measured), JoinError> {
        self.flush()?;
        Ok((self.writer.finish()?, self.measured))
    }
}
