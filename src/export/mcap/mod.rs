//! `mcap`: two files in the container format MCAP. One is for OWA's tools, which know their own messages only; the other has every row
//! of the table and the video, for Foxglove and whoever reads MCAP. The video that the first refers to is beside it, unchanged.
//!
//! Keeps the invariant that both have the same times: nanoseconds since 1970 of the first clock anchor, and nothing that the wall clock did
//! later.

mod file;
mod format;
pub mod foxglove;
pub mod owa;

pub use self::format::Mcap;
