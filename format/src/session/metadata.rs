//! `metadata.json`: what was captured, how, by whom agreed, and what was lost.
//!
//! Invariant: a function of the log. No time of finalizing, no host name, no random order; a value that nobody measured
//! is `null` and never a default that looks measured. Keys that this release does not know are kept when a file is read
//! and written again. Units are in the names (`_ns`, `_us`, `_hz`, `_kbps`, `_ppm`, `_bytes`).
//!
//! Every key is documented where it is declared, unit and source; FORMAT.md holds the same list, and a test compares them.

mod drift;
mod reading;
#[doc(hidden)]
pub mod samples;
#[cfg(test)]
mod schema_tests;

pub use drift::{MIN_DRIFT_ANCHORS, MIN_DRIFT_SPAN_NS, fit_drift_ppm};
pub use reading::MetadataError;
pub use reading::printable;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use watchcap_migrations::session::v1_1__to__v1_2;

use crate::base::event::Stream;
use crate::base::histogram::Histogram;

/// Keys that this release does not know, kept as they were read.
pub type Extra = Map<String, Value>;

/// The whole file. The order of the fields is the order of the keys.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Metadata {
    /// Semver of the session format. Source: the program that finalized.
    #[cfg_attr(test, schemars(extend("pattern" = r"^1\.3\.[0-9]+$")))]
    pub format_version: String,
    /// UUID of the recording, the same in every file of it. Source: made when recording began.
    #[cfg_attr(test, schemars(extend("pattern" = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")))]
    pub session_id: String,
    /// Version of the program that recorded; empty (null in the file) when the log does not say any more. Source: first record of the log.
    #[serde(with = "null_when_empty")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub watchcap: String,
    /// Wall clock at `clock.t0_ns`, RFC 3339, UTC; empty (null in the file) when the log does not say any more. Source: the first anchor.
    #[serde(with = "null_when_empty")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub captured_at: String,
    /// From the first to the last thing in the log, pauses included, nanoseconds. Source: `t_ns` of the log.
    pub duration_ns: i64,
    /// Why recording ended, a word in `snake_case`; null when the log was not closed by who wrote it.
    pub end_reason: Option<String>,
    /// Whether finalizing had to repair, skip or do without an end. False means: every record was read back.
    pub recovered: bool,
    /// What was found in a log that was not whole, and what became of it; null when `recovered` is false.
    #[serde(default)]
    pub recovery: Option<Recovery>,
    /// What is missing, summed up over the `gap` rows and over what recovery left behind; empty when nothing is.
    pub lost: Vec<Loss>,

    /// Which part of a longer recording it is; not there when it is all of it. Source: the recorder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
    /// The game's name. Source: the person or the profile.
    pub game: Option<String>,
    /// The game's version. Source: the person or the profile.
    pub patch: Option<String>,
    /// What the person was to do, one line; not there when nobody said. Source: the person. What was said after sealing stands in
    /// `annotations.jsonl` beside the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The name by which a study calls the person; not there when nobody said. Source: the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// Tags, value by key; not there when there are none. Source: the person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What was asked for: `monitor DP-1`, `window 0x…`, `region`. Source: the screen source.
    pub target: Option<String>,
    /// Size of the pictures in `frames.mp4`, pixels, `[width, height]`; the same from start to end. Source: the video's parameter sets.
    #[cfg_attr(test, schemars(with = "Option<[u32; 2]>"))]
    pub resolution: Option<Resolution>,
    /// Where the surface lay on the desktop at the start. Source: the screen source.
    pub surface: Option<SurfaceInfo>,
    /// Refresh rate of the monitor, hertz. Source: the system.
    pub refresh_hz: Option<f64>,
    /// Mean rate of stored frames, (frames − 1) / (last − first) without pauses; null below two frames. Source: measured.
    pub capture_fps: Option<f64>,
    /// Codec of the video: `h264`, `h265`, `av1`; null without a video. Source: the encoder.
    #[cfg_attr(test, schemars(extend("enum" = ["h264", "h265", "av1", null])))]
    pub codec: Option<String>,
    /// RFC 6381 string of the video, `avc1.…`; null without a video. Source: the encoder.
    #[serde(default)]
    pub codec_string: Option<String>,
    /// Mean rate of the video's access units over the time from first to last frame, 1,000 bits per second. Source: measured.
    pub bitrate_kbps: Option<f64>,
    /// Kinds of devices whose input was recorded, joined by `+` in this order: `keyboard`, `mouse`, `gamepad`; null when no input was
    /// recorded. Source: the input source; its backend is `streams.input.source`.
    #[cfg_attr(test, schemars(extend("pattern" = r"^(keyboard(\+mouse)?(\+gamepad)?|mouse(\+gamepad)?|gamepad)$")))]
    pub input_device: Option<String>,
    /// Layout of the keyboard when recording began (`us`, `de(nodeadkeys)`). Source: the system.
    pub keyboard_layout: Option<String>,
    /// Identifier of the recorded window when the target is a window. Source: the screen source.
    pub window_id: Option<String>,

    /// Frames in `frames.mp4`. Source: counted.
    pub frames: u64,
    /// Of these, how many show an unchanged screen (`dup=1`). Source: counted.
    pub duplicate_frames: u64,
    /// Frames that should have been taken or stored and were not; null when another recorder did not say. Source: counted from the
    /// log's gaps.
    pub dropped_frames: Option<u64>,
    /// Frames not stored since nothing had changed (`--unchanged skip`); null when they are stored. Source: counted.
    pub unchanged_skipped: Option<u64>,
    /// Rows of each event type in `events.parquet`. Source: counted.
    pub counts: BTreeMap<String, u64>,
    /// Presses of mouse buttons: of a press and its release, which are two rows, one. Null when a row does not say which it is. Source:
    /// counted.
    #[serde(default)]
    pub clicks: Option<u64>,

    /// How evenly and how fast it was recorded; not there in sessions of releases that did not measure it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,

    /// Slope of the wall clock against the monotonic clock, parts per million: [`fit_drift_ppm`] of `clock.anchors`.
    pub clock_drift_ppm: Option<f64>,
    /// The clocks.
    pub clock: ClockInfo,
    /// Each stream, what it came from and what became of it, by name (`screen`, `input`, `audio`).
    pub streams: BTreeMap<String, StreamInfo>,
    /// What made the video; null without one. Source: the encoder.
    pub encoder: Option<EncoderInfo>,
    /// What was held and where the pointer was when recording began. Source: the first records of the log.
    pub initial_state: InitialState,

    /// What the person agreed to. Source: the first record of the log.
    pub consent: Consent,
    /// What was kept out of the recording. Source: what was in force, from the log.
    pub privacy: Privacy,
    /// How this session was made of another one, the latest step last; not there when it was made of its log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<Lineage>,
    /// What is to be known of a recording of another program that was imported; not there otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<Import>,
    /// The machine.
    pub env: Env,

    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A text that is empty when it is not known, and null in the file then.
mod null_when_empty {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
        (!text.is_empty()).then_some(text).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        Option::<String>::deserialize(from).map(Option::unwrap_or_default)
    }
}

/// What a recovery found, and what it did.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Recovery {
    /// The log was closed by who wrote it.
    pub closed: bool,
    /// What became of the database of events: `present`, `empty` (no chunk in it is whole), `missing`.
    pub database: String,
    /// Places in it that begin like a chunk and are none, or that nobody understands.
    pub damaged_chunks: u64,
    /// Chunks that were read from the copies of the facts, since the database has them no more.
    pub copied_chunks: u64,
    /// In how many places records are missing.
    pub holes: u64,
    /// Records that are missing there, the references to frames that were found included.
    pub missing_records: u64,
    /// Records that are there and were left out: behind a hole in the last 100 ms of a log that was not closed.
    pub cut_records: u64,
    /// What became of the video: `present`, `missing`, `damaged` (bytes that a sync vouches for are gone or changed), `undecodable` (nobody says
    /// how it is to be decoded).
    pub video: String,
    /// Frames in the video whose references are missing: found by their SEI.
    pub found_frames: u64,
    /// Frames that are known of and could not be kept, since bytes of theirs or of a frame that they build on are gone.
    pub torn_frames: u64,
    /// The session's id is not known as a whole; digits that are not known are 0.
    pub partial_id: bool,
    /// What kept the recorder from closing the log (`disk_full`, `file_too_large`, `io_error`); null when the log does not say.
    pub failure: Option<String>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Which part of a longer recording a session is. The parts are sessions of their own; each begins where the one before ends.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Series {
    /// `session_id` of the first part, the same in all parts.
    pub part_of: String,
    /// Which part, from 1.
    pub index: u64,
    /// `session_id` of the part before; null in the first one. The last part is the one whose `end_reason` is not `split`.
    pub previous: Option<String>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Data that is missing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Loss {
    /// In which stream: `screen`, `input`, `audio`, `log`, `clock`.
    pub stream: String,
    /// Why, a word in `snake_case`.
    pub reason: String,
    /// In how many separate gaps.
    pub gaps: u64,
    /// How many items (frames, input events, records); null when it cannot be known.
    pub count: Option<u64>,
    /// Begin of the first gap, nanoseconds of the monotonic clock; null when unknown.
    pub from_ns: Option<i64>,
    /// End of the last gap, nanoseconds of the monotonic clock; null when unknown.
    pub until_ns: Option<i64>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Size of a picture, pixels; `[width, height]` in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "[u32; 2]", into = "[u32; 2]")]
pub struct Resolution {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl From<[u32; 2]> for Resolution {
    fn from([width, height]: [u32; 2]) -> Self {
        Self { width, height }
    }
}

impl From<Resolution> for [u32; 2] {
    fn from(Resolution { width, height }: Resolution) -> Self {
        [width, height]
    }
}

/// Returns the value of `codec` for an RFC 6381 string; none for codecs without a name here.
pub fn codec_name(codec_string: &str) -> Option<String> {
    v1_1__to__v1_2::codec(codec_string).map(str::to_owned)
}

/// Returns what is to be known of a video that not every reader has, by its RFC 6381 string; none of H.264 in 4:2:0, which all have.
pub fn readers_of(codec_string: &str) -> Option<&'static str> {
    let is = |kind: &str| codec_string.starts_with(kind);
    if is("avc1.f4") || is("avc1.F4") {
        return Some(
            "H.264 in 4:4:4: ffmpeg, mpv, PyAV and torchcodec read it, browsers and hardware decoders mostly do not",
        );
    }
    if is("hvc1.") || is("hev1.") {
        return Some(
            "H.265: ffmpeg, mpv, PyAV and torchcodec read it, browsers only where the system decodes it for them",
        );
    }
    if is("av01.") {
        return Some(
            "AV1: ffmpeg, mpv, PyAV, torchcodec and most browsers read it, OpenCV and older hardware often do not",
        );
    }
    None
}

/// Returns the value of `input_device` for the kinds of devices that were recorded, in the order of the format; none without one.
pub fn input_device(keyboard: bool, mouse: bool, gamepad: bool) -> Option<String> {
    let kinds: Vec<&str> = v1_1__to__v1_2::KINDS
        .into_iter()
        .zip([keyboard, mouse, gamepad])
        .filter(|(_, there)| *there)
        .map(|(kind, _)| kind)
        .collect();
    (!kinds.is_empty()).then(|| kinds.join("+"))
}

/// Whether a text is a value of `input_device`.
pub fn is_input_device(text: &str) -> bool {
    v1_1__to__v1_2::is_kinds(text)
}

/// The captured area on the desktop: what `mouse_x` and `mouse_y` are relative to until a `window` row says otherwise.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SurfaceInfo {
    /// Left edge, desktop pixels.
    pub x: i32,
    /// Top edge, desktop pixels.
    pub y: i32,
    /// Width, pixels. (The video's is the next even number.)
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// Device pixels per logical pixel; null where the system does not tell. Source: the screen source.
    #[serde(default)]
    pub scale: Option<f64>,
}

/// The clocks of the recording.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClockInfo {
    /// Which clock `t_ns` is of: `CLOCK_MONOTONIC`; empty (null in the file) when the log does not say any more.
    #[serde(with = "null_when_empty")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub id: String,
    /// That clock at the beginning of the recording, nanoseconds.
    pub t0_ns: i64,
    /// Readings of all clocks at one moment each, in order.
    pub anchors: Vec<AnchorInfo>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The clocks read at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AnchorInfo {
    /// The monotonic clock, nanoseconds.
    pub monotonic_ns: i64,
    /// The wall clock, nanoseconds since 1970-01-01 UTC.
    pub realtime_ns: i64,
    /// The clock that goes on while the machine sleeps, nanoseconds; null where the system has none.
    pub boottime_ns: Option<i64>,
}

/// How evenly and how fast it was recorded. Milliseconds, to 1 %, where the name does not say otherwise; null: not measured.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timing {
    /// From a frame to the next one, where no pause lies between. Source: the rows.
    pub frame_interval_ms: Option<Percentiles>,
    /// From asking for a picture to having it, of frames that show a new one (`capture_us`). Source: the rows.
    pub grab_ms: Option<Percentiles>,
    /// Converting and encoding, of the same frames (`encode_us`). Source: the rows.
    pub encode_ms: Option<Percentiles>,
    /// From numbering the first record of a chunk to when the chunk outlives the process. Source: measured while recording, up to the last
    /// anchor.
    pub commit_ms: Option<Percentiles>,
    /// The longest time without any input up to a moment at which the screen saw that the pointer had moved; 0: each move had its input. Null:
    /// the pointer did not move, or the sources do not tell. Source: measured while recording, up to the last anchor.
    pub input_silence_ms: Option<f64>,
    /// By how much repeats are behind the screen, where a Wayland compositor tells of pictures. Null: another source, or
    /// nobody measured. Source: measured while recording, up to the last anchor.
    pub behind: Option<Behind>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// By how much repeats are behind, so that pictures on their way can come before them, and what came later than that.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Behind {
    /// By how much earlier than the look at the screen repeats were stamped last, nanoseconds.
    pub last_ns: i64,
    /// The most that it was, nanoseconds.
    pub greatest_ns: i64,
    /// Pictures that came later than that after their own time: behind a repeat they have a later time than their own.
    pub late_pictures: u64,
    /// By how much at the most, nanoseconds; 0 where none did.
    pub late_by_ns: i64,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What half and what 99 of 100 of some times do not exceed.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Percentiles {
    /// Of half.
    pub p50: f64,
    /// Of 99 in 100.
    pub p99: f64,
}

impl Percentiles {
    /// Returns those of times in microseconds, as milliseconds.
    pub fn of_us(p50: u64, p99: u64) -> Self {
        let ms = |us: u64| us as f64 / 1000.0;
        Self { p50: ms(p50), p99: ms(p99) }
    }

    /// Returns those of a histogram; `None` of an empty one.
    pub fn of(times: &Histogram) -> Option<Self> {
        Some(Self::of_us(times.percentile(50)?, times.percentile(99)?))
    }
}

/// A stream of the recording.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StreamInfo {
    /// `recorded`, `off` (not asked for), `missing` (asked for, not available, allowed to be), `failed` (gone on the way),
    /// `withdrawn` (recorded until consent was taken back).
    pub status: String,
    /// The backend: `x11-shm`, `xcap`, `xi2`, `poll`, `synthetic`; null when the stream was not opened.
    pub source: Option<String>,
    /// Why the status is what it is, where there is something to say.
    pub reason: Option<String>,
    /// Settings of the source, name and value (`period_ms`, `requested_fps`, `cursor`).
    pub settings: BTreeMap<String, Value>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What made the video.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EncoderInfo {
    /// Name and version.
    pub name: String,
    /// Every setting that shapes the bits, name and value.
    pub settings: BTreeMap<String, String>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What was held when recording began.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InitialState {
    /// Keys that were down, USB HID usage ids; null when the source could not tell.
    pub keys: Option<Vec<i32>>,
    /// Buttons that were down, by the names of `mouse_button`; null when the source could not tell.
    pub buttons: Option<Vec<String>>,
    /// Where the pointer was, relative to the surface, x and y; null when the source could not tell.
    pub pointer: Option<[f64; 2]>,
    /// The keyboard's layouts, as the system names them; null when the source could not tell.
    #[serde(default)]
    pub layout: Option<String>,
    /// Which of them was in force, from 0; null when the source could not tell.
    #[serde(default)]
    pub group: Option<i64>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What the person agreed to. All of it is null when the log does not say any more.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Consent {
    /// Pictures of the screen.
    pub record_screen: Option<bool>,
    /// Keys, buttons, wheels, motion, focus.
    pub record_input: Option<bool>,
    /// Sound.
    pub record_audio: Option<bool>,
    /// How it was given: `flag`, `configuration`, `prompt`, `synthetic` (nobody was recorded).
    #[serde(with = "null_when_empty")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub how: String,
    /// When, RFC 3339, UTC.
    #[serde(with = "null_when_empty")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub agreed_at: String,
    /// Version of the text that was shown and agreed to at the prompt; null when consent came in another way.
    #[serde(default)]
    pub text_version: Option<u32>,
    /// `this_recording`, or `every_recording` for a consent that stands in the configuration.
    #[serde(default)]
    pub scope: Option<String>,
    /// The study's own text that was shown at the prompt; not there when none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_text: Option<StudyText>,
    /// Streams whose consent was taken back while they were recorded, by name; not there when none was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withdrawn: BTreeMap<String, Withdrawal>,
    /// Consent that somebody stated when the recording of another program was imported; not there otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_at_import: Option<StatedAtImport>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A study's own text of consent.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StudyText {
    /// Its version, by the word of who wrote it.
    pub version: String,
    /// SHA-256 of its bytes, lowercase hex.
    pub sha256: String,
    /// Who answers questions; null when nobody was named.
    pub contact: Option<String>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Consent that was stated when a recording was imported.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatedAtImport {
    /// To which streams: `screen`, `input`, `audio`.
    pub streams: Vec<String>,
    /// The name on the machine of the person who stated it; null when it is not known.
    pub by: Option<String>,
    /// When it was stated, RFC 3339, UTC.
    pub at: String,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Consent that was taken back while recording.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Withdrawal {
    /// When, RFC 3339, UTC.
    pub at: Option<String>,
    /// How: `command` (`watchcap consent withdraw`), `signal` (SIGUSR2), `hotkey`.
    pub how: Option<String>,
    /// Nothing of the stream from here on was kept, nanoseconds of the monotonic clock.
    pub t_ns: Option<i64>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Consent {
    /// The first of some streams whose consent was taken back, with what is known of that.
    pub fn withdrawn_of(&self, streams: &[Stream]) -> Option<(Stream, &Withdrawal)> {
        streams.iter().find_map(|stream| Some((*stream, self.withdrawn.get(stream.name())?)))
    }
}

/// What whoever exports a session whose consent was taken back can do.
pub fn withdrawn_hint(session: &std::path::Path) -> String {
    let session = crate::base::shown::shell(session);
    format!(
        "remove it with `watchcap delete {session}`, or add --include-withdrawn where you may keep what was recorded before"
    )
}

/// What was kept out of the recording. `null`: the log does not say whether it was in force.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Privacy {
    /// Chat was masked and keys typed into it withheld, by a profile that was in force from start to end. False also where a profile came into
    /// force later: `profiles` says when.
    pub chat_redacted: Option<bool>,
    /// Notification windows were masked wherever they appeared.
    pub notifications_masked: Option<bool>,
    /// Areas masked in every picture.
    pub pii_regions: Vec<PiiRegion>,
    /// Applications whose windows were masked and whose input was redacted.
    pub excluded_apps: Vec<String>,
    /// Name of the profile in force from start to end; null: there was none.
    pub profile: Option<String>,
    /// How it was chosen: `named`, `auto` (by the windows, which were followed), `auto_at_start` (by the windows that were there when recording
    /// began), `none` (none was wanted); null: the log does not say.
    #[serde(default)]
    #[cfg_attr(test, schemars(extend("enum" = ["named", "auto", "auto_at_start", "none", null])))]
    pub profile_choice: Option<String>,
    /// Profiles in force, and from when on; not there when none was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileInForce>,
    /// Which keys were recorded with their codes: `all`, `no-text`, `none`; null when no input was.
    #[serde(default)]
    pub keys: Option<String>,
    /// Input was recorded only while the target window had the focus.
    pub input_only_with_focus: Option<bool>,
    /// Actions that had a hotkey (`pause`, `mark`, `stop`, `withdraw`), whose key is kept out; not there when none had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hotkeys: Vec<String>,
    /// The sign on the screen that said that it was recorded; not there where none was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_sign: Option<ScreenSign>,
    /// How many `redact` rows there are. Source: counted.
    pub redacted_spans: u64,
    /// How many key rows carry `redacted=1`. Source: counted.
    pub redacted_keys: u64,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A sign on the screen that said that it was recorded.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScreenSign {
    /// It was shown when recording began.
    pub shown: bool,
    /// By what: `x11`, `wayland-layer-shell`; null when it was not shown.
    pub by: Option<String>,
    /// The monitor that it was on when recording began; null when it was not shown.
    pub monitor: Option<String>,
    /// In which corner of it: `top-left`, `top-right`, `bottom-left`, `bottom-right`; null when it was not shown.
    pub corner: Option<String>,
    /// Its place was in what is recorded when recording began, and masked there (`redact` rows with the reason `recording_sign`); null when it was
    /// not shown.
    pub in_picture: Option<bool>,
    /// When it was not shown.
    pub away: Vec<SignAway>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A time in which the sign was not shown.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SignAway {
    /// From when on, nanoseconds of the monotonic clock.
    pub from_ns: i64,
    /// Until when; null: to the end.
    pub until_ns: Option<i64>,
    /// Why: `unavailable` (nothing here can show one), `gone` (its window or its monitor went), `refused` (the display refused it).
    pub reason: String,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A profile that was in force, to the end.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileInForce {
    /// Its name.
    pub name: String,
    /// From when on, nanoseconds of the monotonic clock: the first picture with a window of its game, or the begin of the recording.
    pub from_ns: Option<i64>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An area of the surface that was masked, pixels of the video.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PiiRegion {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Who asked for it: `flag`, `config`, `profile`.
    pub source: String,
    /// Why: `mask`, `chat`, or the profile's word.
    #[serde(default)]
    pub reason: String,
}

/// One step from an older session to this one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lineage {
    /// SHA-256 of the older session's `integrity.sha256`, lowercase hex: which session it was.
    pub integrity_sha256: String,
    /// Program, verb and version.
    pub by: String,
    /// `format_version` of the older session; null in steps of releases that did not say.
    #[serde(default)]
    pub format: Option<String>,
    /// What was withheld: `pixels`, `keys`, `titles`; empty when nothing was.
    pub what: Vec<String>,
    /// Why, a word in `snake_case`.
    pub reason: String,
    /// Begin of the span, nanoseconds of the session's clock; null when the step is of no span.
    pub from_ns: Option<i64>,
    /// End of the span; null likewise.
    pub until_ns: Option<i64>,
    /// Areas that were painted over in the span, pixels of the video.
    pub masks: Vec<MaskInfo>,
    /// When, RFC 3339, UTC, by the clock of the machine that did it; only in steps of `watchcap reseal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// An area that was painted over, pixels of the video.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MaskInfo {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// What is to be known of a recording that another program made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Import {
    /// Program, verb and version that imported it.
    pub by: String,
    /// `format_version` that the recording said of itself; null when it said none.
    pub format: Option<String>,
    /// Guarantees that it does not give, by the words in FORMAT.md.
    pub missing: Vec<String>,
    /// Columns of 1.0.0 that its table does not have.
    pub absent_columns: Vec<String>,
    /// Columns of its table that this format does not have; their values are keys of the rows' map.
    pub kept_columns: Vec<String>,
    /// Files, columns, and tracks and presentation of the video, that are not in the session.
    pub left_out: Vec<String>,
    /// SHA-256 of each file that was read, by name.
    pub files: BTreeMap<String, String>,
    /// Rows that stood behind a later one and were moved.
    pub reordered_rows: u64,
    /// Rows whose `frame_ref` was not the last frame at or before them, and is now.
    pub changed_frame_refs: u64,
    /// Frame rows of other streams than the video, now of the type `other_frame`.
    #[serde(default)]
    pub other_frames: u64,
    /// What the person said of it when it was imported, by the names of the options.
    #[serde(default)]
    pub told: BTreeMap<String, String>,
    /// How far a frame's time in its video was from that of its row, at the most, microseconds; null without a video.
    pub pts_off_us: Option<i64>,
    /// Keys of its metadata that have no place in this file, or say something that cannot be vouched for.
    pub metadata: Extra,
}

/// The machine. Source of each: the system, when recording began; null where it did not say.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Env {
    /// Name and version of the operating system.
    pub os: Option<String>,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// Version of the game's client, as the person or the profile gave it.
    pub client_version: Option<String>,
    /// The graphics card.
    pub gpu: Option<String>,
    /// The processor.
    pub cpu: Option<String>,
    /// Cores that the program may use.
    pub cpu_cores: Option<u32>,
    /// Memory of the machine, bytes.
    pub memory_bytes: Option<u64>,
    /// `X11`, with the kind of the server, its vendor and its version where they are known.
    pub display_server: Option<String>,
    /// Keys of later versions.
    #[serde(flatten)]
    pub extra: Extra,
}
