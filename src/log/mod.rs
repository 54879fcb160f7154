//! The log: open, append-only, crash-safe.

pub mod video;
pub mod video_finish;
pub mod video_scan;
