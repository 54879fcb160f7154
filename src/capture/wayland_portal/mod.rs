//! Pictures of Wayland desktops through their portal: GNOME, KDE Plasma, and every desktop of which a sandbox is let see nothing else.
//!
//! The desktop asks the person what is recorded ([`session`]), and hands out a connection to PipeWire. What is sent there is read by a program of
//! its own ([`child`]), which links libpipewire: this one starts where that is not installed, and goes on when it ends the process that it is in.
//! The person's answer to the desktop is no consent of ours: that was asked for before.
//!
//! A monitor, whichever the person chooses; no window, and nothing is masked. Where the desktop tells of the pointer beside the pictures, its
//! places are inputs.

mod answer;
pub(crate) mod backend;
mod child;
mod cursor;
mod portal;
mod request;
mod screen;
mod session;
mod token;
