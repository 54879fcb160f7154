//! When PNG pictures are taken, as a person asks for it.

use std::time::Duration;

/// When PNG pictures are taken beside those that a mark asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StillOptions {
    /// A burst begins with the recording and again after each of these; `None`: there is no timer.
    pub every: Option<Duration>,
    /// Frames that a burst takes, 1 or more: those of the timer and of marks.
    pub frames: u32,
    /// One picture on each press of a key that is recorded.
    pub on_key: bool,
    /// One picture on each press of a mouse button that is recorded.
    pub on_click: bool,
}

impl Default for StillOptions {
    fn default() -> Self {
        Self { every: None, frames: 1, on_key: false, on_click: false }
    }
}
