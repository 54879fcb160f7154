//! Pictures and inputs of macOS: ScreenCaptureKit, and a tap that listens to events. Compiled and checked, never run on hardware.
//!
//! `ffi` has the calls of the system, behind functions that are safe; `screen` and `input` are the sources. All that is decided is pure, and is tested
//! on every system: host time, points and pixels, keys and modifiers, a tap that is turned off, what a delivery means, what is left out and covered,
//! and which application needs a right.

#[cfg(target_os = "macos")]
pub(crate) mod access;
#[cfg(target_os = "macos")]
pub(crate) mod backend;
#[cfg(target_os = "macos")]
mod ffi;
mod follow;
mod frames;
mod front;
mod host_time;
#[cfg(target_os = "macos")]
mod input;
mod keys;
mod modifiers;
mod places;
mod points;
mod retries;
mod rights;
mod roster;
#[cfg(target_os = "macos")]
mod screen;
#[cfg(target_os = "macos")]
mod subject;
mod window;
