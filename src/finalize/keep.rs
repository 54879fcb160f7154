//! Whether a log outlives its session.

use super::describe::VideoState;
use super::tracks;
use crate::log::reader::Database;
use crate::session::metadata::Metadata;

/// Whether the log is kept although the session is sealed: parts of it are damaged or not where they were, which somebody may still mend
/// or find. What a kill or a power cut takes off the end is no such damage.
pub fn keeps_log(metadata: &Metadata) -> bool {
    tracks::is_damaged(metadata)
        || metadata.recovery.as_ref().is_some_and(|recovery| {
            let video_is_missed = match recovery.video.as_str() {
                video if video == VideoState::Present.name() => false,
                video if video == VideoState::Missing.name() => recovery.torn_frames > 0,
                _ => true,
            };
            recovery.database != Database::Present.name() || recovery.holes > 0 || video_is_missed
        })
}
