//! Takes a part out of a sealed session: a frame as a picture, a span as a clip to look at, a span as a session of its own.

pub mod cut;
pub(crate) mod edge;
pub mod exports;
pub mod look;
pub mod run;
pub mod session;
pub(crate) mod sound;
pub mod srt;
pub mod still;
pub(crate) mod stills;
pub(crate) mod video;
