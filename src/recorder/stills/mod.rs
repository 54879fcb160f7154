//! PNG pictures of single frames, without a loss, beside the video: when they are taken ([`bursts`]), the buffers that bound how many wait
//! ([`buffers`]), and the thread that writes them ([`writer`]).
//!
//! Nothing here makes a frame wait: what finds no room is counted and not taken.

mod buffers;
mod bursts;
mod options;
mod writer;

pub(super) use buffers::Buffers;
pub(super) use bursts::Bursts;
pub use options::StillOptions;
pub(super) use writer::{Job, Writer};
