//! The index of the video.
