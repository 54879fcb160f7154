//! Absolute deadlines for frames.
