//! Takes a part out of a sealed session: a frame as a picture, a span as an excerpt to look at, a span as a clip, which is a session of its own.

pub mod cut;
pub(crate) mod edge;
pub mod excerpt;
pub mod exports;
pub mod run;
pub mod session;
pub(crate) mod sound;
pub mod srt;
pub mod still;
pub(crate) mod stills;
pub(crate) mod video;
