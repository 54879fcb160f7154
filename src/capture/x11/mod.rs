//! The native X11 backend: MIT-SHM pictures, XDamage, XFixes cursor, XComposite windows, XInput2 raw input, focus.
//!
//! Everything that names an X11 type is in this folder. Each source opens a connection of its own, in its own thread.

pub(crate) mod backend;
mod connect;
mod cursor;
mod failure;
pub(crate) mod flash;
pub mod focus;
pub mod input;
pub mod kind;
mod pixels;
mod popups;
mod program;
mod recording_sign;
pub mod screen;
mod seeker;
mod server;
mod shm;
pub mod targets;
mod window;
mod windows;

pub use self::connect::connect;
