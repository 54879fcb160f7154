//! The calls of macOS: the one folder of this room that has `unsafe`, behind functions that are safe to call.
//!
//! Invariants: nothing here posts an event, changes one, or asks a program anything; taps only listen. Memory of the system is read only while it is known to
//! live, and only here. No dialog is opened but by [`desk::ask_to_record`] and [`desk::ask_to_listen`], which `watchcap doctor --ask` calls.

pub(super) mod desk;
pub(super) mod output;
mod reading;
pub(super) mod stream;
pub(super) mod tap;
