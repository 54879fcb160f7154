//! What a recording is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::control::Control;
use super::part::Split;
use super::stills::StillOptions;
use super::taps::Tap;
use crate::base::hotkeys::Hotkeys;
use crate::base::id::SessionId;
use crate::encode::settings::Quality;
use crate::encode::sound::SOUND_ENCODERS;
use crate::encode::sound::{DEFAULT_SOUND_KBPS, SoundEncoderKind};
use crate::media::picture::Sampling;
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

/// How sound is encoded, where it is recorded.
#[derive(Clone, Copy)]
pub struct SoundOptions {
    /// By which encoder.
    pub encoder: &'static dyn SoundEncoderKind,
    /// Kilobits per second, for encoders that lose something.
    pub bitrate_kbps: u32,
}

impl Default for SoundOptions {
    fn default() -> Self {
        Self { encoder: SOUND_ENCODERS[0], bitrate_kbps: DEFAULT_SOUND_KBPS }
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
    /// Kilobits per second; `None` chooses by size and rate ([`crate::encode::settings::default_bitrate_kbps`]).
    pub bitrate_kbps: Option<u32>,
    /// Longest time between two IDRs, nanoseconds.
    pub gop_ns: i64,
    /// Time against picture.
    pub quality: Quality,
    /// What the planes of the pictures are.
    pub sampling: Sampling,
    /// How sound is encoded.
    pub sound: SoundOptions,
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
    /// When PNG pictures are taken.
    pub stills: StillOptions,
    /// Those who look at the pictures.
    pub taps: Vec<Box<dyn Tap>>,
    /// How it is split into parts, where it is: then `session_dir` is the begin of their names.
    pub split: Option<Split>,
    /// By which it is paused, resumed and marked.
    pub control: Control,
}
