//! What is checked, and how the video is opened for it.

use std::path::Path;

/// A video as `verify` needs it: an index that is in memory, and a decoder.
pub trait VideoCheck {
    /// Packets in the track, which are frames.
    fn len(&self) -> u64;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Pixels per row, as the track says.
    fn width(&self) -> u32;
    /// Rows, as the track says.
    fn height(&self) -> u32;
    /// Presentation time of a frame, microseconds from the first; `None` when there is no such frame.
    fn pts_us(&self, frame: u64) -> Option<i64>;
    /// Whether a frame is marked as one that decoding can begin with.
    fn is_keyframe(&self, frame: u64) -> bool;
    /// Bytes of its packet.
    fn size_bytes(&self, frame: u64) -> u64;
    /// Decodes a frame and throws the picture away. Called with 0, 1, 2, … in order.
    ///
    /// # Errors
    /// [`NoPicture`].
    fn decode(&mut self, frame: u64) -> Result<(), NoPicture>;
}

/// Why a frame was not decoded, fit to be printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoPicture {
    /// It is damaged.
    Damaged(String),
    /// This machine cannot tell: it has no decoder, or the decoder itself failed.
    NotChecked(String),
}

/// Opens the video of a session.
pub type OpenVideo<'a> = &'a mut dyn FnMut(&Path) -> Result<Box<dyn VideoCheck>, String>;

/// What to check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerifyOptions {
    /// Read every file and compare its SHA-256.
    pub hash_files: bool,
    /// Decode every frame.
    pub decode_frames: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { hash_files: true, decode_frames: true }
    }
}
