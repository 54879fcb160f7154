//! The facts about what records, with what, and where: written once at the start of a recording.
//!
//! Everything may be missing: see [`lenient`]. Settings of a source that have no place of their own in the metadata go there as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::lenient;
use crate::base::time::MonoNs;

/// What is recorded, by the word of a person.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct SessionFact {
    /// When the recording was begun, RFC 3339, UTC.
    #[serde(deserialize_with = "lenient::value")]
    pub captured_at: Option<String>,
    /// Version of the program.
    #[serde(deserialize_with = "lenient::value")]
    pub watchcap: Option<String>,
    /// The game.
    #[serde(deserialize_with = "lenient::value")]
    pub game: Option<String>,
    /// Its patch.
    #[serde(deserialize_with = "lenient::value")]
    pub patch: Option<String>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Which part of a longer recording this is.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct SeriesFact {
    /// UUID of the first part.
    #[serde(deserialize_with = "lenient::value")]
    pub part_of: Option<String>,
    /// Which part, from 1.
    #[serde(deserialize_with = "lenient::value")]
    pub index: Option<u64>,
    /// UUID of the part before.
    #[serde(deserialize_with = "lenient::value")]
    pub previous: Option<String>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a study says of the recording, by the word of a person.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct StudyFact {
    /// What the person is to do.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The name by which the study calls the person.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// Tags, value by key.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Key of the fact `env` and of the metadata's `env`: the last result of `sync-test` on this machine, when the recording began.
pub const SYNC_TEST: &str = "sync_test";

/// The machine.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct EnvFact {
    /// System and version.
    #[serde(deserialize_with = "lenient::value")]
    pub os: Option<String>,
    /// Kernel.
    #[serde(deserialize_with = "lenient::value")]
    pub kernel: Option<String>,
    /// Architecture.
    #[serde(deserialize_with = "lenient::value")]
    pub arch: Option<String>,
    /// Model of the processor.
    #[serde(deserialize_with = "lenient::value")]
    pub cpu: Option<String>,
    /// Cores that the program may use.
    #[serde(deserialize_with = "lenient::value")]
    pub cpu_cores: Option<u32>,
    /// Memory, bytes.
    #[serde(deserialize_with = "lenient::value")]
    pub memory_bytes: Option<u64>,
    /// Desktop environment.
    #[serde(deserialize_with = "lenient::value")]
    pub desktop: Option<String>,
    /// Graphics card and driver.
    #[serde(deserialize_with = "lenient::value")]
    pub gpu: Option<String>,
    /// Version of the game, by the word of a person.
    #[serde(deserialize_with = "lenient::value")]
    pub client_version: Option<String>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The source of the pictures.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct ScreenFact {
    /// Its name.
    #[serde(deserialize_with = "lenient::value")]
    pub backend: Option<String>,
    /// What is recorded.
    #[serde(deserialize_with = "lenient::value")]
    pub target: Option<String>,
    /// The window, where one is recorded.
    #[serde(deserialize_with = "lenient::value")]
    pub window_id: Option<String>,
    /// Refresh rate of the screen.
    #[serde(deserialize_with = "lenient::value")]
    pub refresh_hz: Option<f64>,
    /// Left edge of the surface at the start, desktop pixels.
    #[serde(deserialize_with = "lenient::value")]
    pub x: Option<i32>,
    /// Top edge.
    #[serde(deserialize_with = "lenient::value")]
    pub y: Option<i32>,
    /// Width.
    #[serde(deserialize_with = "lenient::value")]
    pub width: Option<u32>,
    /// Height.
    #[serde(deserialize_with = "lenient::value")]
    pub height: Option<u32>,
    /// Device pixels per logical pixel.
    #[serde(deserialize_with = "lenient::value")]
    pub scale: Option<f64>,
    /// Kind and version of the display server.
    #[serde(deserialize_with = "lenient::value")]
    pub display_server: Option<String>,
    /// Everything else that the source says of itself.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// A source of inputs.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct InputFact {
    /// Its name.
    #[serde(deserialize_with = "lenient::value")]
    pub backend: Option<String>,
    /// Layouts of the keyboard at the start.
    #[serde(deserialize_with = "lenient::value")]
    pub keyboard_layout: Option<String>,
    /// Which of them was in force.
    #[serde(deserialize_with = "lenient::value")]
    pub keyboard_group: Option<i64>,
    /// Everything else that the source says of itself: what it reports, and its devices.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// The sources of sound.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct SoundFact {
    /// The name of the first one.
    #[serde(deserialize_with = "lenient::value")]
    pub backend: Option<String>,
    /// Everything else that it says of itself; under `microphone`, that of a second one.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// That the times of a track's first packets were a guess, and by how much they were off.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub struct SoundMovedFact {
    /// The first sample of the first packet whose time was none; `None` while that is not known.
    #[serde(deserialize_with = "lenient::value")]
    pub before: Option<u64>,
    /// How much later those before it were heard than they say, nanoseconds.
    #[serde(deserialize_with = "lenient::value")]
    pub by_ns: Option<i64>,
}

impl SoundMovedFact {
    /// Returns the time of a packet whose first sample is this one.
    pub fn time_of(self, first_sample: u64, t: MonoNs) -> MonoNs {
        match (self.before, self.by_ns) {
            (Some(before), Some(by_ns)) if first_sample < before => MonoNs(t.0.saturating_add(by_ns)),
            _ => t,
        }
    }

    /// Returns whether the times are a guess still.
    pub fn is_guess(self) -> bool {
        self.before.is_none() || self.by_ns.is_none()
    }
}

/// When PNG pictures are taken.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct StillsFact {
    /// Seconds between two bursts; `None` without a timer.
    #[serde(deserialize_with = "lenient::value")]
    pub every_s: Option<f64>,
    /// Frames that a burst takes.
    #[serde(deserialize_with = "lenient::value")]
    pub frames: Option<u32>,
    /// Inputs on which one is taken: `key`, `click`.
    #[serde(deserialize_with = "lenient::value")]
    pub on: Option<Vec<String>>,
}

/// How many PNG pictures there were so far.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct StillCountsFact {
    /// Those that were wanted. Those that were written lie in the log.
    #[serde(deserialize_with = "lenient::value")]
    pub wanted: Option<u64>,
}

/// The encoder of the pictures.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct EncoderFact {
    /// Its name and version.
    #[serde(deserialize_with = "lenient::value")]
    pub name: Option<String>,
    /// RFC 6381 codec string.
    #[serde(deserialize_with = "lenient::value")]
    pub codec_string: Option<String>,
    /// Every setting that shapes the bits: texts by name.
    #[serde(deserialize_with = "lenient::value")]
    pub settings: Option<Map<String, Value>>,
    /// Coded width, pixels.
    #[serde(deserialize_with = "lenient::value")]
    pub width: Option<u32>,
    /// Coded height, pixels.
    #[serde(deserialize_with = "lenient::value")]
    pub height: Option<u32>,
    /// Frames per second that were asked for.
    #[serde(deserialize_with = "lenient::value")]
    pub fps: Option<u32>,
    /// Bit rate that was asked for.
    #[serde(deserialize_with = "lenient::value")]
    pub bitrate_kbps: Option<u32>,
    /// Longest time between two IDRs that was asked for.
    #[serde(deserialize_with = "lenient::value")]
    pub gop_ns: Option<i64>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How fast it was recorded, as far as no record tells: with each reading of the clocks, of all that was before it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct TimingFact {
    /// How long half of the chunks waited for their commit at the most, microseconds.
    #[serde(deserialize_with = "lenient::value")]
    pub commit_p50_us: Option<u64>,
    /// The same of 99 in 100.
    #[serde(deserialize_with = "lenient::value")]
    pub commit_p99_us: Option<u64>,
    /// Longest time without an input up to a movement of the pointer.
    #[serde(deserialize_with = "lenient::value")]
    pub input_silence_us: Option<u64>,
    /// By how much repeats were behind last, where the source is told of pictures.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub behind_last_ns: Option<i64>,
    /// The most that it was.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub behind_greatest_ns: Option<i64>,
    /// Pictures that came later than that.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub late_pictures: Option<u64>,
    /// By how much at the most.
    #[serde(deserialize_with = "lenient::value", skip_serializing_if = "Option::is_none")]
    pub late_by_ns: Option<i64>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A key that was held when recording began.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct HeldKeyFact {
    /// HID usage.
    #[serde(deserialize_with = "lenient::value")]
    pub key_code: Option<i32>,
    /// Its name.
    #[serde(deserialize_with = "lenient::value")]
    pub code: Option<String>,
    /// The system's code.
    #[serde(deserialize_with = "lenient::value")]
    pub native: Option<u32>,
}

/// What was held when recording began.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct InitialStateFact {
    /// Keys whose codes may be known.
    #[serde(deserialize_with = "lenient::list")]
    pub keys: Option<Vec<HeldKeyFact>>,
    /// Buttons.
    #[serde(deserialize_with = "lenient::list")]
    pub buttons: Option<Vec<String>>,
    /// The pointer, 0 to 1 inside the surface.
    #[serde(deserialize_with = "lenient::value")]
    pub mouse_x: Option<f64>,
    /// The pointer, 0 to 1 inside the surface.
    #[serde(deserialize_with = "lenient::value")]
    pub mouse_y: Option<f64>,
    /// Keys that this release does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
