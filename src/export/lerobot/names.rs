//! Names and limits of a LeRobot data set that several of its files go by.

/// Longest episode, seconds.
pub(super) const EPISODE_SECONDS: usize = 15 * 60;
/// Files of a chunk, as LeRobot has it. Names sort up to 1,000 chunks, which are a million sessions.
pub(super) const CHUNK_FILES: usize = 1000;
/// The key of the video.
pub(super) const VIDEO: &str = "observation.images.screen";
