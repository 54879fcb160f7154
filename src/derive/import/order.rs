//! Rows of another recorder in the order of time, and what is to be known of all of them before the first is written.
//!
//! Keeps the invariant that memory follows the disorder and not the file: a row waits only as long as an older one may still
//! come, which a first pass found out for each batch.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::batches::Batches;
use super::error::ImportError;
use super::meaning::Evidence;
use super::options::FRAME_KEYS;
use super::table::ForeignTable;
use crate::base::progress::Step;
use crate::media::mp4::index::MAX_SAMPLES;
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::schema::column;

/// Most rows that wait at once: 2^18 of about 400 bytes are 105 MB.
const MAX_WAITING: usize = 1 << 18;

/// Most values of such a key: with more, it tells something else.
const MAX_FRAME_STREAMS: usize = 16;

/// Most event types of other programs that are told.
const MAX_UNKNOWN_TYPES: usize = 64;

/// What the first pass found.
#[derive(Default, Debug)]
pub(crate) struct Survey {
    /// Rows.
    pub(crate) rows: u64,
    /// First and last time.
    pub(crate) span_ns: Option<(i64, i64)>,
    /// Times of the frame rows, in order.
    pub(crate) frames: Vec<i64>,
    /// Frame rows of other streams than the video.
    pub(crate) other_frames: u64,
    /// How the frame rows of the video are told from others: a key and its value; `None` when all are of the video.
    ours: Option<(&'static str, String)>,
    /// The largest `frame_ref` of a row that is no frame, and in which row it stands.
    pub(crate) last_ref: Option<(i64, u64)>,
    /// The session that the rows say they are of.
    pub(crate) session_id: Option<String>,
    /// Rows that stand behind a later one.
    pub(crate) reordered: u64,
    /// Some row flags an auto-repeat, or says that there was none.
    pub(crate) flags_repeats: bool,
    /// Some row has raw motion.
    pub(crate) has_motion: bool,
    /// Clicks, and those of them that say whether the button went down.
    pub(crate) clicks: (u64, u64),
    /// Rows that a person's input made.
    pub(crate) inputs: u64,
    /// `gap` rows.
    pub(crate) gaps: u64,
    /// Event types that this format does not have, and how many rows are of each: the first [`MAX_UNKNOWN_TYPES`].
    pub(crate) unknown_types: BTreeMap<String, u64>,
    /// Some row says where it was observed.
    pub(crate) has_source: bool,
    /// What values can and cannot be.
    pub(crate) evidence: Evidence,
    /// Codes of keys stand in `native`, since they cannot be HID usages.
    pub(crate) codes_in_doubt: bool,
    /// For each batch, the smallest time in it and behind it.
    least_from: Vec<i64>,
}

/// A frame row, in 24 bytes: there may be [`MAX_SAMPLES`], 168 MB.
struct FrameRow {
    t_ns: i64,
    /// Its `frame_ref`; [`NO_NUMBER`] when it has none.
    said: i64,
    /// Its place in the file: 4,096 groups of 2^20 rows at the most.
    row: u32,
    /// Which value it has of each of [`FRAME_KEYS`].
    of: [u8; FRAME_KEYS.len()],
}

/// Stands for a frame row without a number.
const NO_NUMBER: i64 = i64::MIN;

const _: () = assert!(size_of::<FrameRow>() == 24);

/// The values that frame rows have of the [`FRAME_KEYS`]: the empty text for none.
#[derive(Default)]
struct FrameStreams([Vec<String>; FRAME_KEYS.len()]);

/// What a row says under one of the [`FRAME_KEYS`].
fn said_stream<'a>(row: &'a OwnedRow, name: &str) -> &'a str {
    let said = if name == column::SOURCE { row.source.as_deref() } else { row.metadata.get(name) };
    said.unwrap_or_default()
}

impl FrameStreams {
    /// Which values a row has; [`MAX_FRAME_STREAMS`] stands for all that come when a key has as many.
    fn places(&mut self, row: &OwnedRow) -> [u8; FRAME_KEYS.len()] {
        let mut places = [0; FRAME_KEYS.len()];
        for ((name, known), place) in FRAME_KEYS.iter().zip(&mut self.0).zip(&mut places) {
            let value = said_stream(row, name);
            *place = match known.iter().position(|known| known == value) {
                Some(at) => at as u8,
                None if known.len() < MAX_FRAME_STREAMS => {
                    known.push(value.to_owned());
                    known.len() as u8 - 1
                }
                None => MAX_FRAME_STREAMS as u8,
            };
        }
        places
    }

    /// Which frame rows are those of the video: all, unless a key tells several streams apart; then those that were told, else those that are as
    /// many as the frames in the video, else those of the screen.
    fn ours(
        &self,
        table: &ForeignTable,
        frames: &[FrameRow],
        in_video: Option<u64>,
    ) -> Result<Option<(usize, u8)>, ImportError> {
        if let Some((name, value)) = &table.told.frames {
            let key = FRAME_KEYS.iter().position(|key| key == name).unwrap_or(0);
            let at = self.0[key].iter().position(|known| known == value);
            return match at {
                Some(at) => Ok(Some((key, at as u8))),
                None => Err(ImportError::NoSuchFrames { key: name.clone(), values: self.0[key].clone() }),
            };
        }
        if in_video == Some(frames.len() as u64) {
            return Ok(None);
        }
        let tells = |values: &Vec<String>| (2..MAX_FRAME_STREAMS).contains(&values.len());
        let Some(key) = self.0.iter().position(tells) else { return Ok(None) };
        let count = |at: usize| frames.iter().filter(|frame| frame.of[key] == at as u8).count() as u64;
        let fitting: Vec<usize> = (0..self.0[key].len()).filter(|at| Some(count(*at)) == in_video).collect();
        let usual = ["screen", "", "video"].iter().find_map(|name| self.0[key].iter().position(|known| known == name));
        match (fitting.as_slice(), usual) {
            ([one], _) => Ok(Some((key, *one as u8))),
            (several, Some(usual)) if several.is_empty() || several.contains(&usual) => Ok(Some((key, usual as u8))),
            _ => Err(ImportError::WhichFrames {
                key: FRAME_KEYS[key],
                values: self.0[key].clone(),
                command: table.command(&[("frames", &format!("{}={}", FRAME_KEYS[key], self.0[key][0]))]),
            }),
        }
    }
}

/// Reads all rows once; `in_video` is how many frames the video has.
pub(crate) fn survey(
    table: &ForeignTable,
    in_video: Option<u64>,
    progress: &mut dyn FnMut(Step),
) -> Result<Survey, ImportError> {
    let mut found = Survey::default();
    let mut frames: Vec<FrameRow> = Vec::new();
    let mut streams = FrameStreams::default();
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
                frames.push(FrameRow {
                    t_ns,
                    said: row.frame_ref.unwrap_or(NO_NUMBER),
                    row: number as u32,
                    of: streams.places(&row),
                });
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
    found.evidence.judge(table)?;
    found.codes_in_doubt = found.evidence.codes_in_doubt(table.told.keys);
    if let Some((key, at)) = streams.ours(table, &frames, in_video)? {
        let all = frames.len();
        frames.retain(|frame| frame.of[key] == at);
        found.other_frames = (all - frames.len()) as u64;
        found.ours = Some((FRAME_KEYS[key], streams.0[key][usize::from(at)].clone()));
    }
    frames.sort_by_key(|frame| (frame.t_ns, frame.row));
    for (number, FrameRow { t_ns, said, row, .. }) in frames.into_iter().enumerate() {
        if said != NO_NUMBER && said != number as i64 {
            return Err(ImportError::FrameNumber { row: u64::from(row), found: said, expected: number as u64 });
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
        if let Some(frame) = row.frame_ref.filter(|_| row.event_type != event_type::FRAME)
            && self.last_ref.is_none_or(|(last, _)| frame > last)
        {
            self.last_ref = Some((frame, number));
        }
        self.flags_repeats |= row.repeat.is_some();
        self.has_motion |= row.mouse_dx.is_some() || row.mouse_dy.is_some();
        self.has_source |= row.source.is_some() && event_type::is_input(&row.event_type);
        self.inputs += u64::from(event_type::is_input(&row.event_type));
        self.gaps += u64::from(row.event_type == event_type::GAP);
        if !event_type::ALL.contains(&row.event_type.as_str()) {
            if let Some(rows) = self.unknown_types.get_mut(&row.event_type) {
                *rows += 1;
            } else if self.unknown_types.len() < MAX_UNKNOWN_TYPES {
                self.unknown_types.insert(row.event_type.clone(), 1);
            }
        }
        if row.event_type == event_type::MOUSE_CLICK {
            self.clicks.0 += 1;
            self.clicks.1 += u64::from(row.pressed.is_some());
        }
        self.evidence.look_at(row, number);
    }

    /// What only all rows together tell of a row.
    fn finish(&self, row: &mut OwnedRow) {
        if row.event_type == event_type::KEY_DOWN && self.flags_repeats {
            row.repeat = row.repeat.or(Some(false));
        }
        if let Some(code) = row.key_code.filter(|_| self.codes_in_doubt) {
            if row.metadata.get(key::NATIVE).is_none() {
                row.metadata.push_int(key::NATIVE, i64::from(code));
            }
            row.key_code = None;
        }
        if row.event_type == event_type::FRAME
            && self.ours.as_ref().is_some_and(|(name, value)| said_stream(row, name) != value)
        {
            event_type::OTHER_FRAME.clone_into(&mut row.event_type);
            if let Some(number) = row.frame_ref.take() {
                row.metadata.push_int(column::FRAME_REF, number);
            }
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
pub(crate) struct Ordered<'a> {
    survey: &'a Survey,
    batches: Batches<'a>,
    /// Batches read so far.
    read: usize,
    waiting: BinaryHeap<Reverse<Waiting>>,
}

impl<'a> Ordered<'a> {
    pub(crate) fn new(table: &'a ForeignTable, survey: &'a Survey) -> Self {
        Self { survey, batches: table.batches(), read: 0, waiting: BinaryHeap::new() }
    }

    /// The next row; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<OwnedRow>, ImportError> {
        loop {
            let older_may_come = self.survey.least_from.get(self.read).copied();
            if let Some(Reverse(first)) = self.waiting.peek()
                && older_may_come.is_none_or(|least| first.0 <= least)
                && let Some(Reverse(Waiting(_, _, mut row))) = self.waiting.pop()
            {
                self.survey.finish(&mut row);
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
pub(crate) struct FrameCursor<'a> {
    frames: &'a [i64],
    next: usize,
    /// Rows whose frame was another one.
    pub(crate) changed: u64,
}

impl<'a> FrameCursor<'a> {
    pub(crate) fn new(frames: &'a [i64]) -> Self {
        Self { frames, next: 0, changed: 0 }
    }

    /// Sets the frame of a row that is not one; rows come in the order of time.
    pub(crate) fn place(&mut self, row: &mut OwnedRow) {
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
