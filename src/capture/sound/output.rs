//! The seam of sound that is played: [`SoundOutput`], which says when what it is given will be heard.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::time::{Clock, MonoNs};
use crate::capture::error::CaptureError;

/// What is to be played.
#[derive(Clone)]
pub struct OutputPlan {
    /// Samples per second and channel.
    pub rate: u32,
    /// Channels, one or two.
    pub channels: u16,
    /// The socket of the sound server; that of this session where there is none.
    pub server: Option<PathBuf>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Makes samples: it is told when the first of them will be heard, and how many (per channel) are wanted, channel by channel in turns.
pub type Fill<'a> = dyn FnMut(MonoNs, usize, &mut Vec<i16>) + 'a;

/// A place where sound is heard.
pub trait SoundOutput: Send {
    /// Takes samples when it wants some; waits for that for a moment, 50 ms at the most.
    ///
    /// # Errors
    /// When it is gone.
    fn step(&mut self, fill: &mut Fill<'_>) -> Result<(), CaptureError>;
}
