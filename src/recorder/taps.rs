//! The seam of those who look at pictures while they are recorded: previews, single pictures in full quality, a test's eye.
//!
//! A tap gets masked pictures and nothing else, in the encoder's thread, and never makes it wait.

use crate::encode::masked::Masked;
use crate::media::picture::FrameStamp;

/// What a tap did with a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// It took it.
    Taken,
    /// It wanted it and had no room: that is counted.
    Skipped,
    /// It did not want it.
    Passed,
}

/// Looks at pictures.
pub trait Tap: Send {
    /// Offers a picture that was not there before, with the stamp of its frame. Returns at once; one that needs time keeps a clone, which
    /// copies no samples, and works elsewhere. How many it keeps is bounded by itself: each costs a buffer.
    fn offer(&mut self, picture: &Masked, stamp: FrameStamp) -> Offer;
}
