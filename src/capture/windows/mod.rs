//! Pictures and inputs of Windows: Windows.Graphics.Capture, Desktop Duplication and GDI; Raw Input. No hook, nothing injected, no other process opened.
//!
//! `ffi/` has the calls of the system, behind functions that are safe; `screen` and `input` are the sources. All that is decided is pure, and is tested
//! on every system: which way is taken, keys, mice, what is held, the active window, monitors and windows, pixels, times, and what the privacy policy is told.

#[cfg(windows)]
mod asker;
#[cfg(windows)]
pub(crate) mod backend;
mod choice;
#[cfg(windows)]
mod ffi;
mod field;
mod flow;
mod front;
mod held;
#[cfg(windows)]
mod input;
mod keys;
mod mouse;
#[cfg(windows)]
mod pad_source;
mod pads;
#[cfg(windows)]
mod pictures;
mod pixels;
mod places;
mod presence;
mod roster;
#[cfg(windows)]
mod screen;
#[cfg(windows)]
mod screen_session;
mod stamps;
mod tones;
mod unheard;
