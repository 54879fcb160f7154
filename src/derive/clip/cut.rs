//! Which frames and rows a span is, exactly, and the one way through them.
//!
//! A span begins with the keyframe at or before the frame that is to be seen at its first instant, since pictures are copied; where
//! there is no frame yet, or none at all, at the instant itself. It holds every row from that instant to its last one. Rows before it
//! are read too, for what is held when it begins: a key may have gone down an hour ago.

use std::ops::Range;
use std::path::Path;

use super::edge;
use crate::base::event::Stream;
use crate::base::progress::Step;
use crate::derive::clip::run::{ClipError, Progress, span_name};
use crate::derive::import::consent;
use crate::media::frames::FrameReader;
use crate::session::layout;
use crate::session::refusal::Refusal;
use crate::session::sealed::SealedSession;
use crate::session::span::{Moment, Span};
use crate::session::state::State;
use crate::session::table::read::{EventsReader, ReadError, SessionReader};
use crate::session::table::row::{OwnedRow, event_type};

/// Rows between two reports of progress: about 10 ms of work.
const PROGRESS_ROWS: u64 = 16_384;
/// The time of a frame by the video's index is that of its row to half a microsecond.
const INDEX_ERROR_NS: i64 = 1_000;

/// A sealed session that parts are taken out of.
pub struct Source {
    pub(crate) session: SealedSession,
    /// `None`: it has no frames.
    pub(crate) video: Option<FrameReader>,
    /// `t_ns` of its first and of its last row.
    pub span_ns: (i64, i64),
    /// `t_ns` of frame 0.
    t0_ns: i64,
}

/// A part of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// First and last instant as they were asked for, inside the session.
    pub asked_ns: (i64, i64),
    /// Where it begins: the time of its first frame, or the first instant.
    pub start_ns: i64,
    /// Its last instant.
    pub until_ns: i64,
    /// Its frames; none where there are none. The last one or two may lie behind the end by less than a microsecond.
    pub frames: Range<usize>,
    /// Its first frame is at its very begin.
    pub begins_with_frame: bool,
}

/// What [`Source::walk`] comes by.
pub(crate) enum Piece<'a> {
    /// The part begins: what is held, active and covered.
    Begin(&'a State),
    /// A row of it.
    Row(&'a OwnedRow),
}

/// First and last `t_ns` of a table; `None` when it has no rows or does not say.
pub(crate) fn span_of(events: &EventsReader) -> Option<(i64, i64)> {
    let spans = || events.groups().iter().filter_map(|group| group.span_ns);
    Some((spans().map(|(first, _)| first).min()?, spans().map(|(_, last)| last).max()?))
}

impl Source {
    /// Opens a sealed session.
    ///
    /// # Errors
    /// When it is no folder, not sealed, or cannot be read.
    pub fn open(dir: &Path) -> Result<Self, ClipError> {
        let session = SealedSession::open(dir)?;
        let video = match session.metadata().frames {
            0 => None,
            _ => Some(FrameReader::open(&layout::frames_path(dir))?),
        };
        let events = session.reader().events();
        let span_ns = span_of(events).ok_or(ClipError::Outside)?;
        let mut t0_ns = span_ns.0;
        if video.is_some() {
            t0_ns = frame_time(events, i64::MIN, 0)?.ok_or(ClipError::Mismatch { what: "no frame 0" })?;
        }
        Ok(Self { session, video, span_ns, t0_ns })
    }

    /// Refuses a session that holds what its consent does not cover. Metadata that do not say are no consent.
    ///
    /// # Errors
    /// [`Refusal::Consent`] with the first stream.
    pub fn check_consent(&self) -> Result<(), Refusal> {
        self.session.check_consent(self.session.holds(), None, consent::hint)
    }

    /// Refuses a session whose consent to one of these streams was taken back.
    ///
    /// # Errors
    /// [`Refusal::Withdrawn`] with the first stream.
    pub fn check_withdrawn(&self, streams: &[Stream]) -> Result<(), Refusal> {
        self.session.check_withdrawn(streams)
    }

    /// Its metadata and rows.
    pub(crate) fn reader(&self) -> &SessionReader {
        self.session.reader()
    }

    /// What a session's folder is called.
    pub(crate) fn name(&self) -> String {
        let dir = self.session.dir();
        let dir = dir.canonicalize().unwrap_or_else(|_unreadable| dir.to_path_buf());
        dir.file_name().map_or_else(|| "session".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// What a part is called: the session's name and the span that was asked for, in seconds from the first row.
    pub fn part_name(&self, what: &str, cut: &Cut) -> String {
        let span = span_name(self.span_ns.0, cut.asked_ns.0, cut.asked_ns.1);
        format!("{}_{what}_{span}", self.name())
    }

    /// The instants that a person means; without one, the session's own.
    ///
    /// # Errors
    /// When a frame does not exist, or nothing of the session lies between them.
    pub fn instants(&self, from: Option<Moment>, to: Option<Moment>) -> Result<(i64, i64), ClipError> {
        let times = self.video.iter().flat_map(|video| &video.index().samples);
        let times: Vec<i64> = times.map(|s| self.t0_ns.saturating_add(s.pts_us.saturating_mul(1000))).collect();
        let from = from.unwrap_or(Moment::SinceStart(0));
        // To the end; a begin behind that is outside, and not backwards.
        let length = self.span_ns.1.saturating_sub(self.span_ns.0);
        let to = to.unwrap_or(match from {
            Moment::SinceStart(ns) => Moment::SinceStart(length.max(ns)),
            Moment::Frame(_) => Moment::SinceStart(length),
        });
        let span = Span::of(from, to, self.span_ns, &times)?;
        Ok((span.from, span.until))
    }

    /// The part between two instants, both in it.
    ///
    /// # Errors
    /// When they are the wrong way round, or nothing of the session lies between them.
    pub fn cut(&self, from_ns: i64, until_ns: i64) -> Result<Cut, ClipError> {
        if until_ns < from_ns {
            return Err(ClipError::Backwards);
        }
        let (first, last) = self.span_ns;
        if from_ns > last || until_ns < first {
            return Err(ClipError::Outside);
        }
        let asked_ns = (from_ns.max(first), until_ns.min(last));
        let mut cut =
            Cut { asked_ns, start_ns: asked_ns.0, until_ns: asked_ns.1, frames: 0..0, begins_with_frame: false };
        let Some(video) = &self.video else { return Ok(cut) };
        let index_time =
            |frame: usize| self.t0_ns.saturating_add(video.pts_us(frame).unwrap_or(0).saturating_mul(1000));
        let shown_at = |t_ns: i64| video.frame_at(t_ns.saturating_sub(self.t0_ns).div_euclid(1000));
        let begin = match shown_at(asked_ns.0) {
            Some(shown) => {
                let keyframe = video.keyframe_before(shown).unwrap_or(0);
                let t_ns = frame_time(self.reader().events(), index_time(keyframe) - INDEX_ERROR_NS, keyframe)?;
                cut.start_ns = t_ns.ok_or(ClipError::Mismatch { what: "a frame of the video has no row" })?;
                cut.begins_with_frame = true;
                keyframe
            }
            // The first frame comes later.
            None => 0,
        };
        // Which frames lie before the end, the rows say to the nanosecond: see `walk`.
        let end = shown_at(cut.until_ns.saturating_add(INDEX_ERROR_NS)).map_or(begin, |last| last + 1);
        cut.frames = begin..end.max(begin);
        cut.until_ns = cut.until_ns.max(cut.start_ns);
        Ok(cut)
    }

    /// Goes through the rows of a part: what is held when it begins, then every row. Answers with what is held when it ends, and the
    /// `t_ns` of its frames.
    pub(crate) fn walk(
        &self,
        cut: &Cut,
        progress: Progress<'_>,
        each: &mut dyn FnMut(Piece<'_>) -> Result<(), ClipError>,
    ) -> Result<(State, Vec<i64>), ClipError> {
        let (mut state, mut begun, mut frames) = (edge::start(), false, Vec::new());
        let (mut row, mut done, of) = (OwnedRow::default(), 0u64, self.reader().events().len());
        let mut rows = self.reader().events().rows();
        while rows.next_into(&mut row)? {
            if row.t_ns > cut.until_ns {
                break;
            }
            if row.t_ns >= cut.start_ns {
                if !std::mem::replace(&mut begun, true) {
                    each(Piece::Begin(&state))?;
                }
                if row.event_type == event_type::FRAME {
                    let expected = cut.frames.start + frames.len();
                    if row.frame_ref != Some(expected as i64) || expected >= cut.frames.end {
                        return Err(ClipError::Mismatch { what: "frame rows are not those of the video" });
                    }
                    frames.push(row.t_ns);
                }
                each(Piece::Row(&row))?;
            }
            state.apply(&row);
            if state.is_overfull() {
                return Err(ClipError::Mismatch {
                    what: "more keys are held, or more gaps last at once, than a recording has",
                });
            }
            done += 1;
            if done.is_multiple_of(PROGRESS_ROWS) && !progress(Step { what: "rows", done, of }) {
                return Err(ClipError::Cancelled);
            }
        }
        if !begun {
            each(Piece::Begin(&state))?;
        }
        Ok((state, frames))
    }
}

/// The `t_ns` of a frame, from its row; `from_ns` is a time before it.
fn frame_time(events: &EventsReader, from_ns: i64, frame: usize) -> Result<Option<i64>, ReadError> {
    let mut row = OwnedRow::default();
    let mut rows = events.rows_from(from_ns);
    while rows.next_into(&mut row)? {
        if row.event_type == event_type::FRAME && row.frame_ref == Some(frame as i64) {
            return Ok(Some(row.t_ns));
        }
        if row.event_type == event_type::FRAME && row.frame_ref.is_some_and(|found| found > frame as i64) {
            break;
        }
    }
    Ok(None)
}
