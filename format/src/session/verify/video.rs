//! The video of a session as `verify` looks at it.

use std::path::Path;

use crate::media::frames::{FrameError, FrameReader};
use crate::session::verify::{NoPicture, VideoCheck};

/// Opens a session's video for [`crate::session::verify::verify`].
///
/// # Errors
/// What is wrong with the file, fit to be printed.
pub fn open_video(path: &Path) -> Result<Box<dyn VideoCheck>, String> {
    let reader = FrameReader::open(path).map_err(|error| error.to_string())?;
    Ok(Box::new(Video(reader)))
}

struct Video(FrameReader);

impl Video {
    fn sample(&self, frame: u64) -> Option<&crate::media::mp4::index::Sample> {
        self.0.index().samples.get(usize::try_from(frame).ok()?)
    }
}

impl VideoCheck for Video {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn width(&self) -> u32 {
        self.0.index().coded.0
    }

    fn height(&self) -> u32 {
        self.0.index().coded.1
    }

    fn pts_us(&self, frame: u64) -> Option<i64> {
        self.sample(frame).map(|sample| sample.pts_us)
    }

    fn is_keyframe(&self, frame: u64) -> bool {
        self.sample(frame).is_some_and(|sample| sample.keyframe)
    }

    fn size_bytes(&self, frame: u64) -> u64 {
        self.sample(frame).map_or(0, |sample| u64::from(sample.size))
    }

    fn decode(&mut self, frame: u64) -> Result<(), NoPicture> {
        let index = usize::try_from(frame).unwrap_or(usize::MAX);
        self.0.decode(index).map(drop).map_err(|error| match error {
            FrameError::Absent { .. } | FrameError::Decoder { .. } => NoPicture::NotChecked(error.to_string()),
            error => NoPicture::Damaged(error.to_string()),
        })
    }
}
