//! Makes one session of the parts of a recording that was split: as if it had not been.

pub mod error;
mod metadata;
mod rows;
pub mod run;
mod sign;
mod sound;
mod video;
