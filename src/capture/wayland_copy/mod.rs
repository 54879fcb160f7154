//! Pictures of Wayland compositors that have a copy protocol: wlr-screencopy, which sway, labwc, Wayfire, river, Hyprland and niri have.
//!
//! A frame is asked for and comes once something has changed, with the time at which it was presented; it lies in memory that was shared with
//! the compositor, and is read from there as a file. Monitors and parts of them; no windows, whose places this protocol does not tell: so
//! nothing can be covered, and [`masks_windows`](crate::capture::ScreenDescription::masks_windows) is false.
//!
//! Everything that names a type of Wayland is in this folder.

pub(crate) mod backend;
mod buffer;
mod connection;
mod find;
mod output;
mod recording_sign;
mod screen;
mod shot;
mod sign_place;
mod sign_state;
mod state;
mod targets;
