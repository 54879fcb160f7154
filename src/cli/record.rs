//! What `watchcap record` takes.

use std::iter;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};

use super::values::{
    Burst, parse_burst, parse_bytes, parse_duration, parse_percent, parse_size, parse_split, parse_tag, parse_wait,
};
use crate::capture::backend::{Backend, LOCK};
use crate::capture::{Facet, FacetSet, registry};
use crate::encode::kind::Codec;
use crate::encode::registry::{AUTO, ENCODERS};
use crate::encode::sound::SOUND_ENCODERS;
use crate::recorder::SplitAt;

/// Returns what `--allow-missing` may name: the input as a whole, each facet of it, masks of windows, and the sound.
pub(crate) fn may_miss() -> impl Iterator<Item = &'static str> {
    ["input"].into_iter().chain(FacetSet::PROMISED.iter().map(Facet::name)).chain(["masks", LOCK, "audio"])
}

/// Where pictures and inputs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceArg {
    /// This machine's screen and inputs.
    Desktop,
    /// The built-in moving picture with scripted input; needs no display.
    Synthetic,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Whether gamepads are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GamepadsArg {
    /// Where some are there and may be read when recording begins.
    Auto,
    /// Those that come later too, also where none is there yet; of the synthetic source, a scripted one.
    On,
    /// None.
    Off,
}

/// Time against picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QualityArg {
    /// Least CPU.
    Fast,
    /// In between.
    Balanced,
    /// Sharpest at the same rate.
    Sharp,
}

/// Codec of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CodecArg {
    /// H.264: every reader has it.
    H264,
    /// H.265: smaller at the same quality; by ffmpeg.
    H265,
    /// AV1: smaller still, and read by browsers; by ffmpeg.
    Av1,
}

/// Resolution of the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChromaArg {
    /// Half the sides of the picture: every reader has it.
    #[value(name = "420")]
    Half,
    /// That of the picture: coloured text stays sharp. By x264 and ffmpeg:libx264; neither browsers nor OpenH264 read it.
    #[value(name = "444")]
    Full,
}

impl From<CodecArg> for Codec {
    fn from(codec: CodecArg) -> Self {
        match codec {
            CodecArg::H264 => Self::H264,
            CodecArg::H265 => Self::H265,
            CodecArg::Av1 => Self::Av1,
        }
    }
}

/// What is done with an unchanged screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnchangedArg {
    /// Store a frame, flagged as a duplicate: the cadence stays even.
    Repeat,
    /// Store none; how many is counted.
    Skip,
}

/// Inputs on which a PNG picture is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PngOnArg {
    /// Presses of mouse buttons.
    Click,
    /// Presses of keys.
    Key,
}

/// Whether a sign on the screen says that it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignArg {
    /// For a participant, or with a consent text of your own.
    Auto,
    /// Where it is in no picture, when there is room; nothing is recorded without it.
    On,
    /// None.
    Off,
    /// In the upper left corner of a monitor.
    TopLeft,
    /// In the upper right one.
    TopRight,
    /// In the lower left one.
    BottomLeft,
    /// In the lower right one.
    BottomRight,
}

impl SignArg {
    /// The one of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        <Self as ValueEnum>::from_str(name, false).ok()
    }
}

/// Which keys are recorded with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeysArg {
    /// All.
    All,
    /// Those that write no text, and the game keys of profile and configuration; the others without a code.
    NoText,
    /// No key is recorded at all.
    None,
}

/// Reads the name of a backend as one of these, or `auto`.
fn backend_values(of: impl Iterator<Item = &'static dyn Backend>) -> PossibleValuesParser {
    let auto = PossibleValue::new(registry::AUTO).help("The native one where there is one");
    PossibleValuesParser::new(iter::once(auto).chain(of.map(|b| PossibleValue::new(b.name()).help(b.about()))))
}

fn encoders() -> PossibleValuesParser {
    let auto = PossibleValue::new(AUTO).help("the first of these that works here");
    let kinds = ENCODERS.iter().map(|kind| PossibleValue::new(kind.name()).help(kind.about()));
    PossibleValuesParser::new([auto].into_iter().chain(kinds))
}

fn sound_encoders() -> PossibleValuesParser {
    PossibleValuesParser::new(SOUND_ENCODERS.iter().map(|kind| PossibleValue::new(kind.name()).help(kind.about())))
}

// Headings of its help, in their order.
const TARGET: &str = "What is recorded";
const VIDEO: &str = "Video";
const PNG: &str = "PNG pictures";
const SOUND: &str = "Sound";
const BACKENDS: &str = "Backends";
const PRIVACY: &str = "What is kept out";
const CONTROL: &str = "While recording";
const METADATA: &str = "For the metadata";

/// `watchcap record`
#[derive(Args, Debug)]
pub struct RecordArgs {
    /// Folder in which the session's folder is made; made when it is not there [default: the current one].
    #[arg(short, long, value_name = "DIR", env = "WATCHCAP_OUT")]
    pub out: Option<PathBuf>,
    /// Name of the session's folder [default: session_YYYYMMDD_HHMMSS].
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Streams you consent to have recorded: screen, input, audio. Asked for on a terminal when not given.
    #[arg(long, value_name = "STREAMS", value_delimiter = ',', env = "WATCHCAP_CONSENT")]
    pub consent: Vec<String>,

    /// Where pictures and inputs come from.
    #[arg(long, value_enum, default_value = "desktop", help_heading = TARGET)]
    pub source: SourceArg,
    /// Record this monitor, by name or number.
    #[arg(long, value_name = "NAME", group = "target", help_heading = TARGET)]
    pub monitor: Option<String>,
    /// Record this window, by its identifier (see `watchcap targets`).
    #[arg(long, value_name = "ID", group = "target", help_heading = TARGET)]
    pub window: Option<String>,
    /// Record the first window with this in its title; without case, * for any characters; - reads it from standard input.
    #[arg(long, value_name = "TEXT", group = "target", help_heading = TARGET)]
    pub window_title: Option<String>,
    /// Record the first window of this application: its class or instance, whole, without case; * for any characters; -
    /// reads it from standard input.
    #[arg(long, value_name = "NAME", group = "target", help_heading = TARGET)]
    pub app: Option<String>,
    /// Record this part of the desktop, pixels; even sizes.
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT", group = "target", allow_hyphen_values = true, help_heading = TARGET)]
    pub region: Option<String>,
    /// How long to wait for a recorded window that was closed, to be made anew, or a monitor that was switched off, to come back,
    /// before the recording ends: 30, 30s, 5m; 0 for not at all [default: 30s].
    #[arg(long, value_name = "TIME", value_parser = parse_wait, help_heading = TARGET)]
    pub wait_target: Option<Duration>,
    /// Size of the synthetic picture [default: 1280x720].
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size, help_heading = TARGET)]
    pub size: Option<(u32, u32)>,

    /// Frames per second, 1 to 240 [default: 30].
    #[arg(long, value_name = "N", help_heading = VIDEO)]
    pub fps: Option<u32>,
    /// Video bit rate [default: by size and rate, 4666 at 1080p30].
    #[arg(long, value_name = "KBPS", help_heading = VIDEO)]
    pub bitrate_kbps: Option<u32>,
    /// Seconds between two keyframes at the most [default: 0.5].
    #[arg(long, value_name = "SECONDS", help_heading = VIDEO)]
    pub gop: Option<f64>,
    /// Encoding time against picture [default: fast].
    #[arg(long, value_enum, help_heading = VIDEO)]
    pub quality: Option<QualityArg>,
    /// What encodes the pictures [default: auto].
    #[arg(long, value_name = "NAME", value_parser = encoders(), help_heading = VIDEO)]
    pub encoder: Option<String>,
    /// Codec of the video [default: that of the encoder, H.264 where it is chosen by itself].
    #[arg(long, value_enum, help_heading = VIDEO)]
    pub codec: Option<CodecArg>,
    /// Resolution of the colours [default: 420].
    #[arg(long, value_enum, help_heading = VIDEO)]
    pub chroma: Option<ChromaArg>,
    /// Lose nothing: red, green and blue as they are on the screen, in H.264 High 4:4:4 Predictive. About six times the bits of a desktop, and
    /// many more of a game; by x264 and ffmpeg:libx264, and read as --chroma 444 is.
    #[arg(long, help_heading = VIDEO)]
    pub lossless: bool,
    /// What encodes where --encoder is missing or too slow; without it, record refuses to begin.
    #[arg(long, value_name = "NAME", value_parser = encoders(), help_heading = VIDEO)]
    pub encoder_fallback: Option<String>,
    /// Do not measure beforehand whether the encoder is fast enough.
    #[arg(long, help_heading = VIDEO)]
    pub no_encoder_check: bool,
    /// Take PNG pictures without a loss beside the video: every=TIME begins a burst with the recording and then again and again, of frames=N
    /// (1 to 1000) frames. frames=N alone is for marks: `watchcap mark --png`.
    #[arg(long, value_name = "every=TIME,frames=N", value_parser = parse_burst, help_heading = PNG)]
    pub png_burst: Option<Burst>,
    /// Take a PNG picture of the frame behind each press of a mouse button (click), or of a key (key), that is recorded.
    #[arg(long, value_name = "INPUTS", value_delimiter = ',', value_enum, help_heading = PNG)]
    pub png_on: Vec<PngOnArg>,
    /// Sound to record: mic, system (what is played), both (each in a file of its own), a device by its name (see `watchcap
    /// targets`), synthetic (the built-in clicks), off. It needs consent of its own: --consent screen,input,audio [default: off].
    #[arg(long, value_name = "SOURCE", help_heading = SOUND)]
    pub audio: Option<String>,
    /// Codec of the sound [default: the first of these].
    #[arg(long, value_name = "NAME", value_parser = sound_encoders(), help_heading = SOUND)]
    pub audio_codec: Option<String>,
    /// Stop by itself after this time: 90, 90s, 5m, 8h.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Draw the pointer into the pictures [default: on].
    #[arg(long, value_enum, help_heading = TARGET)]
    pub cursor: Option<OnOff>,
    /// What to do with an unchanged screen [default: repeat].
    #[arg(long, value_enum, help_heading = VIDEO)]
    pub unchanged: Option<UnchangedArg>,
    /// Backend for pictures.
    #[arg(long, value_name = "SCREEN_BACKEND", default_value = registry::AUTO, help_heading = BACKENDS)]
    #[arg(value_parser = backend_values(registry::screens()))]
    pub screen_backend: String,
    /// Backend for inputs.
    #[arg(long, value_name = "INPUT_BACKEND", default_value = registry::AUTO, help_heading = BACKENDS)]
    #[arg(value_parser = backend_values(registry::inputs()))]
    pub input_backend: String,
    /// How often the polling input backend looks, per second [default: 500].
    #[arg(long, value_name = "HZ", help_heading = BACKENDS)]
    pub poll_hz: Option<u32>,
    /// Record gamepads, beside the other inputs.
    #[arg(long, value_enum, default_value_t = GamepadsArg::Auto, value_name = "WHEN", help_heading = BACKENDS)]
    pub gamepads: GamepadsArg,
    /// What may be missing: input, keys, buttons, wheel, motion, position, focus; masks (of windows), redaction (of keys
    /// typed into excluded windows), lock (that the screen is locked), audio.
    #[arg(long, value_name = "STREAMS", value_delimiter = ',', hide_possible_values = true, help_heading = BACKENDS)]
    #[arg(value_parser = PossibleValuesParser::new(may_miss()))]
    pub allow_missing: Vec<String>,

    /// Black out this part of every picture: X,Y,WIDTH,HEIGHT in pixels of what is recorded, or in percent of it (0%,90%,25%,10%).
    #[arg(long, value_name = "AREA", allow_hyphen_values = true, help_heading = PRIVACY)]
    pub mask: Vec<String>,
    /// Mask the windows of this application (named as for --app), and withhold what is typed there.
    #[arg(long, value_name = "NAME", help_heading = PRIVACY)]
    pub exclude_app: Vec<String>,
    /// Likewise for windows with this in their title (as for --window-title). For both, - reads a list from standard input, a name on
    /// each line, so that the names are not in the process list.
    #[arg(long, value_name = "TEXT", help_heading = PRIVACY)]
    pub exclude_title: Vec<String>,
    /// Mask notification windows [default: on].
    #[arg(long, value_enum, help_heading = PRIVACY)]
    pub mask_notifications: Option<OnOff>,
    /// Which keys are recorded with their codes [default: all].
    #[arg(long, value_enum, help_heading = PRIVACY)]
    pub keys: Option<KeysArg>,
    /// What to mask and withhold in a game: a profile (see `watchcap profile list`), auto (by the windows), none [default: auto].
    #[arg(long, value_name = "NAME", help_heading = PRIVACY)]
    pub profile: Option<String>,
    /// The game's HUD scale, 0 to 100, where the profile asks for it [default: the largest areas].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100), help_heading = PRIVACY)]
    pub hud_scale: Option<u8>,

    /// A hotkey while recording, as ACTION=CHORD: pause=ctrl+alt+p, mark=F9; actions are pause (and go on), mark, png (a mark with a
    /// PNG picture), stop, withdraw. Its key is kept out of the recording. ACTION=none turns one of the configuration off.
    #[arg(long, value_name = "ACTION=CHORD", help_heading = CONTROL)]
    pub hotkey: Vec<String>,

    /// Show a small sign on the screen while it is recorded: above everything, in a corner, and nothing that can be clicked or typed into. It is
    /// in no picture: where it cannot be outside of them, its place is masked [default: auto].
    #[arg(long, value_enum, value_name = "WHERE", help_heading = CONTROL)]
    pub sign: Option<SignArg>,

    /// Show the recording on the whole terminal while it is made: the picture, rates, queues, losses, the disk, the last events without their
    /// content. Keys: p pauses and goes on, m sets a mark, q stops.
    #[arg(long, help_heading = CONTROL)]
    pub dashboard: bool,

    /// How many of the frames, in percent, may be dropped before the exit code is 3 [default: 1].
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    pub max_dropped: Option<f64>,

    /// Name of the game or task, for the metadata.
    #[arg(long, value_name = "NAME", help_heading = METADATA)]
    pub game: Option<String>,
    /// Its version, for the metadata.
    #[arg(long, value_name = "VERSION", help_heading = METADATA)]
    pub patch: Option<String>,
    /// Version of the game's client, for the metadata.
    #[arg(long, value_name = "VERSION", help_heading = METADATA)]
    pub client_version: Option<String>,

    /// What the person is to do, in one line, for the metadata and for trainers of instructed agents.
    #[arg(long, value_name = "TEXT", help_heading = METADATA)]
    pub task: Option<String>,
    /// The name by which a study calls the person: one that says nothing of who it is.
    #[arg(long, value_name = "ID", help_heading = METADATA)]
    pub participant: Option<String>,
    /// A tag, as KEY=VALUE; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_tag, help_heading = METADATA)]
    pub tag: Vec<(String, String)>,

    /// Split the recording into parts of this length or size: 10m, 1h, 4GB. Each is a session of its own, named NAME-part0001 and so on, and is
    /// sealed while the next one is recorded.
    #[arg(long, value_name = "TIME_OR_SIZE", value_parser = parse_split)]
    pub split: Option<SplitAt>,
    /// Keep the folder of --out below this size, before and while recording: the oldest sealed sessions in it are deleted. Never one that a reviewer
    /// accepted, that has annotations, that was made of another one, or that has a log. Recording ends when that is not enough.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub max_disk: Option<u64>,
    /// Keep this many sealed sessions that may go in the folder of --out; older ones are deleted, as by --max-disk.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_last: Option<u32>,
    /// Leave the log as it is; `watchcap finalize` seals it later.
    #[arg(long)]
    pub no_finalize: bool,
    /// Keep the log beside the sealed session.
    #[arg(long)]
    pub keep_log: bool,
    /// Print results as JSON lines on standard output.
    #[arg(long)]
    pub json: bool,
}
