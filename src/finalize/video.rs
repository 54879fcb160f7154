//! The video of a log while it is finalized: where it is, how much of it is data, and whether a frame's bytes are all there.
//!
//! Keeps the invariant that an answer is the same whenever finalizing is begun anew, although finishing the video changes the
//! file: it depends on the log's records and on what lies before the end of the data. Reads only.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::FinalizeError;
use crate::base::event::Frame;
use crate::base::file_at::read_exact_at;
use crate::base::io_error::IoError;
use crate::log::reader::LogReader;
use crate::media::mp4::append::BoxLayout;
use crate::media::mp4::finish;
use crate::media::track::TrackId;
use crate::session::layout;

/// Frames in this many bytes before the end of what was synced are compared with their CRC32C, beside those that no sync vouches for:
/// about 0.1 s, and all of a recording of seven minutes at 5 Mbit/s. Reading every byte of a long one would cost what the video
/// weighs; there a flipped bit is found by `verify`, since the hash goes on from states that were written while recording.
const CHECKED_BYTES: u64 = 256 << 20;

/// Bytes read at a time.
const WINDOW: u64 = 1 << 20;

/// The video of a log.
pub struct LogVideo {
    /// In the log before it was renamed, in the session after.
    pub path: PathBuf,
    /// Where its boxes lie.
    pub layout: BoxLayout,
    /// Where its data ends: an index of an earlier try may stand behind it.
    pub len: u64,
    file: File,
    synced: u64,
    checked_from: u64,
    ended: bool,
    window: Vec<u8>,
    base: u64,
    /// Bytes that a sync vouches for are gone or changed.
    damaged: bool,
    failed: Option<std::io::Error>,
}

impl LogVideo {
    /// Opens the video of the log; `None` when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(session: &Path, reader: &LogReader) -> Result<Option<Self>, FinalizeError> {
        let places = [reader.paths().video.clone(), layout::frames_path(session)];
        let mut found = None;
        for path in places {
            if crate::base::files::is_there(&path).map_err(IoError::at("look at", &path))? {
                found = Some(path);
                break;
            }
        }
        let Some(path) = found else { return Ok(None) };
        let layout = finish::detect_layout(&path)?;
        let len = finish::data_len(&path, layout)?;
        let file = crate::base::files::open_regular(&path).map_err(IoError::at("open", &path))?;
        let synced = reader.video_synced();
        let hashed = reader.facts.digests.get(&TrackId::PICTURES).map_or(0, |(offset, _)| *offset);
        let checked_from = hashed.min(synced.saturating_sub(CHECKED_BYTES));
        let (window, ended, damaged) = (Vec::new(), false, false);
        Ok(Some(Self { path, layout, len, file, synced, checked_from, ended, window, base: 0, damaged, failed: None }))
    }

    /// Bytes that were on the disk for certain.
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Whether the bytes of this frame are there, as far as it is looked at. Asked for each frame in order: where no sync vouches
    /// for the bytes, the first frame whose bytes are not there ends the video.
    pub fn holds(&mut self, frame: &Frame) -> bool {
        let end = frame.offset.saturating_add(u64::from(frame.size_bytes));
        let whole =
            !self.ended && end <= self.len && (end <= self.checked_from || self.sum(frame) == Some(frame.crc32c));
        if end > self.synced {
            self.ended |= !whole;
        } else {
            self.damaged |= !whole;
        }
        whole
    }

    /// Whether bytes that were on the disk for certain are gone or changed, as far as frames were asked for.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// What kept bytes from being read. They may well be there: what was answered for their frames means nothing.
    pub fn failure(&mut self) -> Option<FinalizeError> {
        let source = self.failed.take()?;
        Some(IoError::at("read", &self.path)(source).into())
    }

    /// Whether a frame that was found by its SEI is still believed: not behind the end that [`Self::holds`] found.
    pub fn holds_found(&self) -> bool {
        !self.ended
    }

    /// CRC32C of a frame's bytes; `None` when they cannot be read ([`Self::failure`]).
    fn sum(&mut self, frame: &Frame) -> Option<u32> {
        let size = u64::from(frame.size_bytes);
        if frame.offset < self.base || frame.offset + size > self.base + self.window.len() as u64 {
            let wanted = WINDOW.max(size).min(self.len.saturating_sub(frame.offset));
            self.window.resize(wanted as usize, 0);
            self.base = frame.offset;
            if let Err(error) = read_exact_at(&self.file, &mut self.window, self.base) {
                self.failed.get_or_insert(error);
                self.window.clear();
                return None;
            }
        }
        let from = (frame.offset - self.base) as usize;
        self.window.get(from..from + size as usize).map(crc32c::crc32c)
    }
}
