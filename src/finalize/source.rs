//! Everything that finalizing takes from a log, opened and understood: its records, its facts, its video, and the frames that are found
//! without their references.
//!
//! What `finalize` writes and what `recover --dry-run` reports come from here, so that they cannot differ. Reads only.

use std::path::Path;

use super::describe::{Outcome, Story, VideoState};
use super::error::FinalizeError;
use super::merge::Merge;
use super::missing::{self, Found};
use super::rows::RowMaker;
use super::video::LogVideo;
use crate::base::event::Frame;
use crate::base::progress::Step;
use crate::base::time::MonoNs;
use crate::log::LogPaths;
use crate::log::reader::LogReader;
use crate::session::table::row::Row;

/// A log, open for finalizing.
pub struct LogSource {
    /// Its records.
    pub reader: LogReader,
    /// Its facts.
    pub story: Story,
    /// Its video, where there is one.
    pub video: Option<LogVideo>,
    /// Frames whose references are missing.
    pub found: Found,
}

impl LogSource {
    /// Opens the log of a session's folder.
    ///
    /// # Errors
    /// [`FinalizeError::Nothing`] when there is no record and no frame in it; [`FinalizeError`] when a part of it cannot be read.
    pub fn open(session: &Path) -> Result<Self, FinalizeError> {
        let reader = LogReader::open(&LogPaths::of(session))?;
        let story = Story::read(&reader);
        let video = LogVideo::open(session, &reader)?;
        let found = match &video {
            Some(video) => missing::find(&reader, video, &story)?,
            None => Found::default(),
        };
        if reader.chunks().is_empty() && found.frames.is_empty() {
            return Err(FinalizeError::Nothing { path: session.to_path_buf() });
        }
        Ok(Self { reader, story, video, found })
    }

    /// Makes the rows, in order; `progress` is told how many pieces of the log were read.
    ///
    /// # Errors
    /// When the log cannot be read, and whatever `sink` answers.
    pub fn rows(
        &mut self,
        sink: &mut impl FnMut(&Row<'_>) -> Result<(), FinalizeError>,
        progress: &mut dyn FnMut(Step),
    ) -> Result<(RowMaker, Outcome), FinalizeError> {
        let Self { reader, story, video, found } = self;
        let numbers: Vec<u64> = found.frames.iter().map(|found| found.frame.frame_ref.0).collect();
        let decodable = story.config.is_some();
        let mut any = false;
        let mut holds = |video: &mut Option<LogVideo>, frame: &Frame| {
            any = true;
            let Some(video) = video.as_mut().filter(|_| decodable) else { return false };
            if numbers.binary_search(&frame.frame_ref.0).is_ok() { video.holds_found() } else { video.holds(frame) }
        };
        let mut maker = RowMaker::new(story.session_id.clone(), numbers.clone());
        let mut merge = Merge::new(reader, &found.frames, &story.closed());
        while let Some(batch) = merge.next_batch()? {
            maker.batch(&batch, &mut |frame| holds(video, frame), sink)?;
            if let Some(error) = video.as_mut().and_then(LogVideo::failure) {
                return Err(error);
            }
            let (done, of) = merge.progress();
            progress(Step { what: "rows", done: done as u64, of: of as u64 });
        }
        let end = reader.facts.end.as_ref().map(|(_, t)| *t);
        let last = reader.chunks().iter().map(|chunk| chunk.max_t).max();
        let end = end.or(last).or(found.frames.last().map(|found| found.t)).unwrap_or(MonoNs(0));
        maker.finish(end, sink)?;
        let video = match video {
            None => VideoState::Missing,
            Some(_) if any && !decodable => VideoState::Undecodable,
            Some(video) if video.is_damaged() => VideoState::Damaged,
            Some(_) => VideoState::Present,
        };
        Ok((maker, Outcome { unreadable: merge.unreadable(), video }))
    }

    /// Where the data of the finished video ends: behind its last frame, and behind every frame that was found, so that
    /// finalizing again finds it again.
    pub fn data_end(&self, rows: &RowMaker) -> u64 {
        rows.samples.last().map_or(0, |last| last.offset + u64::from(last.size)).max(self.found.end)
    }
}
