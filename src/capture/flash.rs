//! A window that changes its colour when a key is injected: what `sync-test` records to compare with what it did.

use crate::base::time::MonoNs;
use crate::capture::CaptureError;

/// One key, and the change of colour that it made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flash {
    /// Before the key was injected, and when the display had answered a question behind it: it went down between both.
    pub injected: (MonoNs, MonoNs),
    /// Before the colour was asked for, and when the display had answered a question behind it: it changed between both.
    pub painted: (MonoNs, MonoNs),
    /// The window is white now; black before.
    pub is_white: bool,
}

/// An open window.
pub trait FlashWindow {
    /// Where it is on the desktop, pixels: left, top, width, height.
    fn area(&self) -> (i32, i32, u32, u32);

    /// The USB HID usage of the key that is injected.
    fn key(&self) -> u16;

    /// Injects the key, waits until the window has it, changes the colour, and lets the key go. `None` when another window has the
    /// keyboard: then nothing is injected.
    ///
    /// # Errors
    /// When the display is gone, or the key does not arrive.
    fn flash(&mut self) -> Result<Option<Flash>, CaptureError>;
}
