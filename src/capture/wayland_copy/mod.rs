//! Pictures of Wayland compositors that have a copy protocol: ext-image-copy-capture (sway from 1.11, labwc, Hyprland, COSMIC), which copies monitors and
//! windows, else wlr-screencopy, which copies monitors.
//!
//! A frame is asked for and comes once something has changed, with the time at which it was presented; it lies in memory that was shared with
//! the compositor, and is read from there as a file. How a frame is asked for is [`copier`]'s; all else is the same for both. Neither tells where windows are:
//! so of a monitor none can be covered, and [`masks_windows`](crate::capture::ScreenDescription::masks_windows) is true of a window alone, in whose pictures
//! no other can be.
//!
//! Everything that names a type of Wayland is in this folder.

pub(crate) mod backend;
mod buffer;
mod connection;
mod copier;
mod detour;
mod find;
mod managers;
mod offer;
mod output;
mod own;
mod pointer;
mod proof;
mod recording_sign;
mod rest;
mod screen;
mod shot;
mod sign_place;
mod sign_state;
mod stamp;
mod state;
mod state_ext;
mod targets;
mod toplevel;
