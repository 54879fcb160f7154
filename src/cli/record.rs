//! What `watchcap record` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::{parse_duration, parse_size};

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

/// What is done with an unchanged screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnchangedArg {
    /// Store a frame, flagged as a duplicate: the cadence stays even.
    Repeat,
    /// Store none; how many is counted.
    Skip,
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

/// Backend for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScreenBackendArg {
    /// The native one where there is one.
    Auto,
    /// X11 with shared memory.
    X11,
    /// Portable, slower, without the pointer.
    Xcap,
}

/// Backend for inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputBackendArg {
    /// The native one where there is one.
    Auto,
    /// X11 with XInput2 raw events.
    Xi2,
    /// Portable, by polling: sees no wheel and may miss short taps.
    Poll,
}

/// `watchcap record`
#[derive(Args, Debug)]
pub struct RecordArgs {
    /// Folder in which the session's folder is made [default: the current one].
    #[arg(short, long, value_name = "DIR", env = "WATCHCAP_OUT")]
    pub out: Option<PathBuf>,
    /// Name of the session's folder [default: session_YYYYMMDD_HHMMSS].
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Streams you consent to have recorded: screen, input. Asked for on a terminal when not given.
    #[arg(long, value_name = "STREAMS", value_delimiter = ',', env = "WATCHCAP_CONSENT")]
    pub consent: Vec<String>,

    /// Where pictures and inputs come from.
    #[arg(long, value_enum, default_value = "desktop")]
    pub source: SourceArg,
    /// Record this monitor, by name or number.
    #[arg(long, value_name = "NAME", group = "target")]
    pub monitor: Option<String>,
    /// Record this window, by its identifier (see `watchcap targets`).
    #[arg(long, value_name = "ID", group = "target")]
    pub window: Option<String>,
    /// Record the first window whose title contains this.
    #[arg(long, value_name = "TEXT", group = "target")]
    pub window_title: Option<String>,
    /// Record the first window of this application (its class).
    #[arg(long, value_name = "NAME", group = "target")]
    pub app: Option<String>,
    /// Record this part of the desktop, pixels; even sizes.
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT", group = "target", allow_hyphen_values = true)]
    pub region: Option<String>,
    /// Size of the synthetic picture [default: 1280x720].
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    pub size: Option<(u32, u32)>,

    /// Frames per second, 1 to 240 [default: 30].
    #[arg(long, value_name = "N")]
    pub fps: Option<u32>,
    /// Video bit rate [default: by size and rate, 4666 at 1080p30].
    #[arg(long, value_name = "KBPS")]
    pub bitrate_kbps: Option<u32>,
    /// Seconds between two keyframes at the most [default: 0.5].
    #[arg(long, value_name = "SECONDS")]
    pub gop: Option<f64>,
    /// Encoding time against picture [default: fast].
    #[arg(long, value_enum)]
    pub quality: Option<QualityArg>,
    /// Stop by itself after this time: 90, 90s, 5m, 8h.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Draw the pointer into the pictures [default: on].
    #[arg(long, value_enum)]
    pub cursor: Option<OnOff>,
    /// What to do with an unchanged screen [default: repeat].
    #[arg(long, value_enum)]
    pub unchanged: Option<UnchangedArg>,
    /// Backend for pictures.
    #[arg(long, value_enum, default_value = "auto")]
    pub screen_backend: ScreenBackendArg,
    /// Backend for inputs.
    #[arg(long, value_enum, default_value = "auto")]
    pub input_backend: InputBackendArg,
    /// How often the polling input backend looks, per second [default: 500].
    #[arg(long, value_name = "HZ")]
    pub poll_hz: Option<u32>,
    /// What may be missing: input, keys, buttons, wheel, motion, position, focus; masks (of windows), redaction (of keys
    /// typed into excluded windows).
    #[arg(long, value_name = "STREAMS", value_delimiter = ',')]
    pub allow_missing: Vec<String>,

    /// Black out this part of every picture: X,Y,WIDTH,HEIGHT in pixels of what is recorded, or in percent of it (0%,90%,25%,10%).
    #[arg(long, value_name = "AREA", allow_hyphen_values = true)]
    pub mask: Vec<String>,
    /// Mask the windows of this application (its class; * at the end for any rest), and withhold what is typed there.
    #[arg(long, value_name = "NAME")]
    pub exclude_app: Vec<String>,
    /// Likewise for windows whose title contains this.
    #[arg(long, value_name = "TEXT")]
    pub exclude_title: Vec<String>,
    /// Mask notification windows [default: on].
    #[arg(long, value_enum)]
    pub mask_notifications: Option<OnOff>,
    /// Which keys are recorded with their codes [default: all].
    #[arg(long, value_enum)]
    pub keys: Option<KeysArg>,
    /// What to mask and withhold in a game: a profile (see `watchcap profile list`), auto (by the window), none [default: none].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The game's HUD scale, 0 to 100, where the profile asks for it [default: the largest areas].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub hud_scale: Option<u8>,

    /// A hotkey while recording, as ACTION=CHORD: pause=ctrl+alt+p, mark=F9; actions are pause (and go on), mark, stop, withdraw. Its key
    /// is kept out of the recording. ACTION=none turns one of the configuration off.
    #[arg(long, value_name = "ACTION=CHORD")]
    pub hotkey: Vec<String>,

    /// Name of the game or task, for the metadata.
    #[arg(long, value_name = "NAME")]
    pub game: Option<String>,
    /// Its version, for the metadata.
    #[arg(long, value_name = "VERSION")]
    pub patch: Option<String>,
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
