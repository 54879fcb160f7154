//! Pictures and inputs of Windows: GDI and Raw Input. No hook, nothing injected, no other process opened.
//!
//! `ffi` has the calls of the system, behind functions that are safe; `screen` and `input` are the sources. All that is decided is pure, and is tested
//! on every system: keys, mice, what is held, the active window, monitors and windows, and what the privacy policy is told.

#[cfg(windows)]
pub(crate) mod backend;
#[cfg(windows)]
mod ffi;
mod front;
mod held;
#[cfg(windows)]
mod input;
mod keys;
mod mouse;
mod places;
mod roster;
#[cfg(windows)]
mod screen;
