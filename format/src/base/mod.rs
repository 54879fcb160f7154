//! Words, numbers and files that every room uses: times, events, HID usages, identifiers, names of files and the one way to change them.

pub mod arrow;
pub mod child;
mod clock;
pub mod event;
pub mod file_at;
pub mod files;
pub mod hid;
pub mod histogram;
pub mod hotkeys;
pub mod id;
pub mod io_error;
pub mod lenient;
pub mod pad;
pub mod panics;
pub mod person;
pub mod priority;
pub mod progress;
pub mod shown;
pub mod time;
pub mod vk;
