//! The log: open, append-only, crash-safe.

pub mod video;
