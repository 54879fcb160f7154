//! A recording as the player sees it: a [`timeline`] over a [`reel`] of rows, frame times and pictures, of a [`sealed`] session or of a
//! [`log`] that may still grow.

mod levels;
pub mod log;
pub mod opened;
mod overview;
mod pads;
pub mod queue;
pub mod reel;
pub mod reviews;
pub mod sealed;
pub mod series;
pub mod timeline;
mod track;
pub mod voice;
pub mod words;
