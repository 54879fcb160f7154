//! The video file, appended to.
