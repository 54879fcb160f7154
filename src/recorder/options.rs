//! What a recording is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::Control;
use crate::encode::Quality;
use crate::hotkeys::Hotkeys;
use crate::id::SessionId;
use crate::privacy::Plan;

/// What is done with an unchanged picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unchanged {
    /// A frame is stored, flagged `dup=1`: the cadence stays even.
    #[default]
    Repeat,
    /// No frame is stored; how many is counted.
    Skip,
}

impl Unchanged {
    /// As flags and metadata name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Skip => "skip",
        }
    }
}

/// What to record, and how.
pub struct RecordOptions {
    /// The session's folder: made by the recorder, after the sources have opened. Gets a numeric suffix when taken.
    pub session_dir: PathBuf,
    /// The name was chosen by the person: an existing folder is an error instead.
    pub exact_name: bool,
    /// The session's id.
    pub session_id: SessionId,
    /// Frames per second.
    pub fps: u32,
    /// Kilobits per second; `None` chooses by size and rate ([`default_bitrate_kbps`]).
    pub bitrate_kbps: Option<u32>,
    /// Longest time between two IDRs, nanoseconds.
    pub gop_ns: i64,
    /// Time against picture.
    pub quality: Quality,
    /// Stop by itself after this long.
    pub duration: Option<Duration>,
    /// What is done with an unchanged picture.
    pub unchanged: Unchanged,
    /// Size of the video file's boxes, bytes.
    pub box_bytes: u64,
    /// Streams that may be missing (`--allow-missing`).
    pub allow_missing: Vec<String>,
    /// What is kept out of the recording.
    pub privacy: Plan,
    /// Chords that pause, mark or stop it, as far as keys are recorded.
    pub hotkeys: Hotkeys,
    /// Facts for the log, in order; the consent comes first.
    pub facts: Vec<(String, Value)>,
    /// By which it is paused, resumed and marked.
    pub control: Control,
}

/// The bit rate when none was asked for: 0.075 bit per pixel and frame at 30 fps (4.7 Mbit/s at 1080p30), growing with the
/// square root of the rate since neighbouring frames differ less; at least 500 kbit/s.
pub fn default_bitrate_kbps(width: u32, height: u32, fps: u32) -> u32 {
    let pixels = f64::from(width) * f64::from(height);
    let rate = 30.0 * (f64::from(fps) / 30.0).sqrt();
    ((pixels * rate * 0.075 / 1000.0).round() as u32).clamp(500, 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rate_grows_with_size_and_slower_with_frames() {
        assert_eq!(default_bitrate_kbps(1920, 1080, 30), 4666);
        assert_eq!(default_bitrate_kbps(1920, 1080, 60), 6598);
        assert_eq!(default_bitrate_kbps(64, 64, 30), 500);
    }
}
