//! A log for the player: its chunks, its rows and its pictures, while it grows and after a crash.

pub(crate) mod chunks;
pub(crate) mod pictures;
pub(crate) mod reel;
pub(crate) mod rows;
