//! What is asked of an encoder with each picture.

use crate::media::picture::FrameStamp;

/// How a picture is to be encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask {
    /// Which frame it is, and its time.
    pub stamp: FrameStamp,
    /// It must be an IDR. Another picture may be one as well.
    pub idr: bool,
}
