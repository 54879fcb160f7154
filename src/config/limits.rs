//! What numbers may be, for flags and files alike.

use std::ops::RangeInclusive;

/// Frames per second.
pub const FPS: RangeInclusive<u32> = 1..=240;
/// Kilobits per second.
pub const BITRATE_KBPS: RangeInclusive<u32> = 100..=200_000;
/// Seconds between keyframes.
pub const GOP: RangeInclusive<f64> = 0.01..=60.0;
/// Percent of the frames.
pub const MAX_DROPPED: RangeInclusive<f64> = 0.0..=100.0;
/// Seconds: a day at the most, since nobody looks after a recording that waits for longer.
pub const WAIT_TARGET: RangeInclusive<f64> = 0.0..=86_400.0;
