//! The pictures of all parts: of each frame from the part that has it. At most two videos are open, since the player looks a little ahead.

use std::ops::Range;
use std::path::PathBuf;

use watchcap_replay::{Picture, Pictures};

use crate::play::sealed::SealedPictures;

/// Videos that stay open.
const OPEN: usize = 2;

/// The pictures of all parts.
pub(super) struct SeriesPictures {
    parts: Vec<(PathBuf, Range<u64>)>,
    /// Those that are open, by the place of their part; the last was needed last.
    open: Vec<(usize, SealedPictures)>,
}

impl SeriesPictures {
    /// Of the folders of the parts, each with the frames that it has.
    pub(super) fn new(parts: Vec<(PathBuf, Range<u64>)>) -> Self {
        Self { parts, open: Vec::new() }
    }

    /// The video that has a frame, and the number of its first one among those of all parts.
    fn of(&mut self, frame: u64) -> Option<(&mut SealedPictures, Range<u64>)> {
        let at = self.parts.iter().position(|(_, frames)| frames.contains(&frame))?;
        let (dir, frames) = self.parts[at].clone();
        let place = self.open.iter().position(|(part, _)| *part == at);
        let opened = if let Some(place) = place {
            self.open.remove(place)
        } else {
            if self.open.len() >= OPEN {
                self.open.remove(0);
            }
            (at, SealedPictures::open(&dir))
        };
        self.open.push(opened);
        self.open.last_mut().map(|(_, pictures)| (pictures, frames))
    }
}

impl Pictures for SeriesPictures {
    fn picture(&mut self, frame: u64, within: (u32, u32)) -> Result<Picture, String> {
        let (pictures, frames) = self.of(frame).ok_or("there is no such frame")?;
        pictures.picture(frame - frames.start, within)
    }

    fn approach(&mut self, frame: u64, decodes: u64) -> Result<u64, String> {
        match self.of(frame) {
            Some((pictures, frames)) => pictures.approach(frame - frames.start, decodes),
            None => Ok(0),
        }
    }

    fn group(&mut self, frame: u64) -> Range<u64> {
        let Some((pictures, frames)) = self.of(frame) else { return frame..frame.saturating_add(1) };
        let group = pictures.group(frame - frames.start);
        group.start.saturating_add(frames.start)..group.end.saturating_add(frames.start).min(frames.end)
    }
}
