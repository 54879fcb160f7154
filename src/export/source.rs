//! A session that is to be exported: opened through the lift, its seal compared, its frames and spans gathered in one pass.
//!
//! Keeps the invariant that a format sees only sessions that are sealed and, unless that was waived, unchanged. Never writes.

use std::path::Path;

use super::about::{About, Marks};
use super::error::ExportError;
use super::kind::FormatKind;
use super::options::Options;
use super::spans::Spans;
use super::unseen::{Blind, Gathering};
use crate::base::event::Stream;
use crate::base::progress::{Progress, Step};
use crate::derive::import::consent;
use crate::media::mp4::index::pts_us;
use crate::session::annotations::{Annotations, Subtask};
use crate::session::layout;
use crate::session::refusal::Refusal;
use crate::session::review::{Review, Verdict};
use crate::session::seal::{self, FileHash};
use crate::session::sealed::SealedSession;
use crate::session::sound;
use crate::session::table::read::{ReadError, SessionReader};
use crate::session::table::row::{OwnedRow, event_type, key};

/// Rows between two reports of progress.
pub(super) const PROGRESS_ROWS: u64 = 16_384;

/// A frame of the session: 24 bytes, so that 8 hours at 60 fps are 41 MB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameInfo {
    /// When it was taken, nanoseconds of the session's clock.
    pub t_ns: i64,
    /// Its place in the video, microseconds.
    pub pts_us: i64,
    /// Decoding can begin with it.
    pub keyframe: bool,
    /// It shows what the frame before shows.
    pub dup: bool,
}

/// A session, open for export.
#[derive(Debug)]
pub struct Source {
    session: SealedSession,
    /// What reviewers said, and the hash of the file that says so; only when it was asked for.
    review: Option<(Review, FileHash)>,
    /// From the first row to the end of the recording, which may come long after the last row: a screen that stands still, and no input.
    pub span_ns: (i64, i64),
    /// Its frames, by their number.
    pub frames: Vec<FrameInfo>,
    /// Where something was redacted.
    pub redacted: Spans,
    /// Where recording was paused.
    pub pauses: Spans,
    /// Where input is missing.
    pub input_gaps: Spans,
    /// What of the input nobody saw.
    pub blind: Blind,
    /// Where pictures are missing, from the first that is to the next that is not.
    pub screen_gaps: Spans,
    /// What it is of, by the word of people; without marks.
    pub about: About,
    /// The marks that were set.
    pub marks: Marks,
    /// Subtasks in the order in which they were said.
    subtasks: Vec<Subtask>,
}

impl Source {
    /// Opens a sealed session; nothing is gathered yet.
    pub(super) fn open(dir: &Path) -> Result<Self, ExportError> {
        let session = SealedSession::open(dir)?;
        let metadata = session.reader().metadata();
        let annotations = Annotations::read(dir, Some(&metadata.session_id))?;
        Ok(Self {
            about: About::of(metadata, &annotations),
            subtasks: annotations.subtasks(),
            session,
            review: None,
            span_ns: (0, 0),
            frames: Vec::new(),
            redacted: Spans::default(),
            pauses: Spans::default(),
            input_gaps: Spans::default(),
            blind: Blind::default(),
            screen_gaps: Spans::default(),
            marks: Marks::default(),
        })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.session.dir()
    }

    /// Its metadata and rows, lifted to the newest version.
    pub fn reader(&self) -> &SessionReader {
        self.session.reader()
    }

    /// SHA-256 of its `integrity.sha256`: says which session it is, to the byte.
    pub fn integrity(&self) -> FileHash {
        self.session.identity()
    }

    /// Reads what reviewers said; false when nothing of the session is accepted.
    pub(super) fn read_review(&mut self) -> Result<bool, ExportError> {
        let path = layout::review_path(self.dir());
        let review = Review::read_as(self.dir(), Some(&self.reader().metadata().session_id))?;
        let accepted = review.is_accepted()
            || review.spans().any(|remark| remark.verdict == Some(Verdict::Accept) && !remark.stale);
        if accepted {
            self.review = Some((review, seal::hash_file(&path, &mut |_| {})?));
        }
        Ok(accepted)
    }

    /// What is worked on at a moment: the subtask that was said last of those around it.
    pub fn subtask_at(&self, t_ns: i64) -> Option<&str> {
        self.subtasks.iter().rev().find(|subtask| subtask.holds(t_ns)).map(|subtask| subtask.text.as_str())
    }

    /// SHA-256 of the file by whose verdicts steps are chosen; `None` when they are not.
    pub(super) fn review_hash(&self) -> Option<FileHash> {
        self.review.as_ref().map(|(_, hash)| *hash)
    }

    /// Whether reviewers accepted what is at this moment; always when nobody asked for that.
    pub fn is_accepted(&self, t_ns: i64) -> bool {
        self.review.as_ref().is_none_or(|(review, _)| review.verdict_at(t_ns) == Some(Verdict::Accept))
    }

    /// Whether reviewers accepted the session as a whole; always when nobody asked for that.
    pub fn is_accepted_whole(&self) -> bool {
        self.review.as_ref().is_none_or(|(review, _)| review.is_accepted())
    }

    /// Refuses what the session's consent does not cover. Metadata that do not say are no consent; consent that was taken back is none any
    /// more, unless the person who exports says that it may be (`include_withdrawn`).
    pub(super) fn check_consent(&self, format: &dyn FormatKind, options: &Options) -> Result<(), ExportError> {
        let needs = self.needed(format, options);
        self.session.check_consent(needs.iter().copied(), Some(format.name()), consent::hint)?;
        if !options.include_withdrawn {
            self.session.check_withdrawn(&needs)?;
        }
        Ok(())
    }

    /// The streams whose consent an export needs: those of the format, and that of the sound when it is taken along and there is any.
    pub(super) fn needed(&self, format: &dyn FormatKind, options: &Options) -> Vec<Stream> {
        let sound = (options.sound && sound::is_there(self.reader().metadata())).then_some(Stream::Audio);
        format.needs().iter().copied().chain(sound).collect()
    }

    /// Compares every sealed file with its hash.
    pub(super) fn verify(&self, progress: Progress<'_>) -> Result<(), ExportError> {
        let damaged = |what: String| Refusal::Damaged { path: self.dir().to_path_buf(), what }.into();
        let sealed = seal::read_integrity(self.dir())?;
        let size = |name: &str| self.dir().join(name).metadata().map_or(0, |metadata| metadata.len());
        let of: u64 = sealed.iter().map(|entry| size(&entry.name)).sum();
        let mut done = 0;
        for entry in &sealed {
            let path = self.dir().join(&entry.name);
            if !path.is_file() {
                return Err(damaged(format!("{} is missing", entry.name)));
            }
            let found = seal::hash_file(&path, &mut |bytes| {
                done += bytes;
                progress(Step { what: "verify", done, of });
            })?;
            if found != entry.hash {
                return Err(damaged(format!("{} was changed", entry.name)));
            }
        }
        let video = (self.reader().metadata().frames > 0).then_some(layout::FRAMES_FILE);
        for name in [layout::EVENTS_FILE, layout::METADATA_FILE].into_iter().chain(video) {
            if !sealed.iter().any(|entry| entry.name == name) {
                return Err(damaged(format!("{name} is not sealed")));
            }
        }
        Ok(())
    }

    /// Reads all rows once and keeps what formats ask for.
    pub(super) fn survey(mut self, progress: Progress<'_>) -> Result<Self, ExportError> {
        let mut rows = self.reader().events().rows();
        let (of, mut done) = (self.reader().events().len(), 0_u64);
        let mut gathered = Gathered::default();
        let mut row = OwnedRow::default();
        while rows.next_into(&mut row)? {
            if !gathered.take(&row) {
                return Err(ExportError::Read(ReadError::NotATable {
                    path: layout::events_path(self.dir()),
                    why: format!("row {done} is frame {:?}, not the next one", row.frame_ref),
                }));
            }
            done += 1;
            if done.is_multiple_of(PROGRESS_ROWS) {
                progress(Step { what: "survey", done, of });
            }
        }
        if let Some(from) = gathered.paused {
            gathered.pauses.push((from, i64::MAX));
        }
        self.span_ns = (gathered.first.unwrap_or(0), gathered.last.max(self.said_end_ns()));
        self.frames = gathered.frames;
        self.redacted = Spans::new(gathered.redacted);
        self.pauses = Spans::new(gathered.pauses);
        self.input_gaps = Spans::new(gathered.input_gaps);
        self.blind = gathered.blind.end(self.reader().metadata());
        self.screen_gaps = Spans::new(gathered.screen_gaps);
        self.marks = gathered.marks;
        Ok(self)
    }

    /// When the recording ended, as the metadata say it: `clock.t0_ns` and `duration_ns` later.
    fn said_end_ns(&self) -> i64 {
        let metadata = self.reader().metadata();
        metadata.clock.t0_ns.saturating_add(metadata.duration_ns.max(0))
    }
}

#[derive(Default)]
struct Gathered {
    first: Option<i64>,
    last: i64,
    frames: Vec<FrameInfo>,
    redacted: Vec<(i64, i64)>,
    pauses: Vec<(i64, i64)>,
    paused: Option<i64>,
    input_gaps: Vec<(i64, i64)>,
    screen_gaps: Vec<(i64, i64)>,
    marks: Marks,
    blind: Gathering,
}

impl Gathered {
    /// False when it is a frame other than the next one.
    fn take(&mut self, row: &OwnedRow) -> bool {
        self.first.get_or_insert(row.t_ns);
        self.last = row.t_ns;
        let until = || row.until_ns();
        match row.event_type.as_str() {
            event_type::FRAME => {
                if row.frame_ref != Some(self.frames.len() as i64) {
                    return false;
                }
                let t0 = self.frames.first().map_or(row.t_ns, |first| first.t_ns);
                self.frames.push(FrameInfo {
                    t_ns: row.t_ns,
                    pts_us: row.pts.unwrap_or_else(|| pts_us(row.t_ns, t0)),
                    keyframe: row.is_keyframe == Some(true),
                    dup: row.metadata.get(key::DUP) == Some("1"),
                });
            }
            event_type::REDACT => {
                // Silence withholds nothing of a step.
                if row.metadata.get(key::WHAT) != Some("sound") {
                    self.redacted.push((row.t_ns, until()));
                }
                self.blind.take(row, until());
            }
            event_type::MARK => self.marks.push(row.t_ns, row.metadata.get(key::TEXT).unwrap_or_default()),
            event_type::PAUSE => {
                self.paused.get_or_insert(row.t_ns);
            }
            event_type::RESUME => self.pauses.extend(self.paused.take().map(|from| (from, row.t_ns))),
            event_type::GAP => {
                let stream = row.metadata.get(key::STREAM);
                if stream == Some(Stream::Input.name()) || stream == Some(Stream::Log.name()) {
                    self.input_gaps.push((row.t_ns, until()));
                }
                if stream == Some(Stream::Screen.name()) {
                    self.screen_gaps.push((row.t_ns, until()));
                }
            }
            _ => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_joined_and_asked_by_either_end() {
        let spans = Spans::new(vec![(50, 60), (10, 20), (15, 30), (30, 31), (70, 65)]);
        assert_eq!(spans.0, [(10, 31), (50, 60), (70, 70)]);
        let touches: Vec<_> =
            [(0, 10), (0, 11), (31, 32), (32, 50), (32, 51), (60, 61), (61, 70), (70, 71), (71, i64::MAX)]
                .into_iter()
                .map(|(start, end)| spans.touch(start, end))
                .collect();
        assert_eq!(touches, [false, true, true, false, true, true, false, true, false]);
        let held: Vec<_> = [9, 10, 31, 32, 70].into_iter().filter(|t| spans.hold(*t)).collect();
        assert_eq!(held, [10, 31, 70]);
    }
}
