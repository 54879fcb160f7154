//! What is recorded of a display.

use super::super::window::WindowTrack;

/// What pictures are taken of.
pub(super) enum Subject {
    /// A monitor, by its name.
    Monitor {
        /// The name.
        name: String,
        /// The server knows no monitors: the whole desktop stands in.
        stands_in: bool,
    },
    /// A part of the desktop.
    Region,
    /// A window.
    Window(WindowTrack),
}
