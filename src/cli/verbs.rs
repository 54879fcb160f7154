//! The command line: its verbs, and the options of those that have no file of their own.

use super::annotate::AnnotateArgs;
use super::config::ConfigArgs;
use super::examples;
use super::install::{CompletionsArgs, ManArgs};
use super::record::RecordArgs;
use super::replay::ReplayArgs;
use super::report::ReportArgs;
use super::sync_test::SyncTestArgs;
use super::values::{parse_duration, parse_mcap_for, parse_percent, parse_size};
use crate::derive::import::keys::KeyTable;
use crate::derive::import::options;
use crate::derive::import::options::{Positions, TimeUnit};
use crate::export::{FORMATS, Keys, McapFor};
use clap::builder::{FalseyValueParser, PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Heading of the options that every verb takes.
const GLOBAL: &str = "Global options";

/// Records a screen and every input on one clock, crash-safe, straight into training data.
#[derive(Parser, Debug)]
#[command(name = "watchcap", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Say more on standard error (-v, -vv, -vvv); captured content is never printed.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    pub verbose: u8,
    /// Print errors, warnings and questions only; results on standard output stay.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub quiet: bool,
    /// Append all that is said to this file too, with times, also what --quiet leaves out.
    #[arg(long, global = true, value_name = "FILE", env = "WATCHCAP_LOG_FILE", help_heading = GLOBAL)]
    pub log_file: Option<PathBuf>,
    /// Configuration file [default: ~/.config/watchcap/config.toml].
    #[arg(long, global = true, value_name = "FILE", env = "WATCHCAP_CONFIG", help_heading = GLOBAL)]
    pub config: Option<PathBuf>,
    /// Write, replace and delete also in folders that belong to somebody else, or that others can write to: whoever can may
    /// exchange what is in them.
    #[arg(long, global = true, env = "WATCHCAP_ALLOW_SHARED_FOLDER", value_parser = FalseyValueParser::new())]
    #[arg(help_heading = GLOBAL)]
    pub allow_shared_folder: bool,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Record the screen and the inputs into a crash-safe log, and seal it.
    #[command(after_help = examples::of("record"))]
    Record(Box<RecordArgs>),
    /// Pause a running recording: neither pixels nor inputs are taken.
    #[command(after_help = examples::of("pause"))]
    Pause(WhichArgs),
    /// Go on with a recording that is paused.
    #[command(after_help = examples::of("resume"))]
    Resume(WhichArgs),
    /// Set a mark in a running recording.
    #[command(after_help = examples::of("mark"))]
    Mark(MarkArgs),
    /// End a running recording, which then seals what it recorded.
    #[command(after_help = examples::of("stop"))]
    Stop(StopArgs),
    /// List the recordings that are running.
    #[command(after_help = examples::of("status"))]
    Status(StatusArgs),
    /// Make a new session of a sealed one in which a span is masked or its keys are withheld.
    #[command(after_help = examples::of("redact"))]
    Redact(RedactArgs),
    /// Make a sealed session of a log.
    #[command(after_help = examples::of("finalize"))]
    Finalize(FinalizeArgs),
    /// Say what can be recovered of a damaged log, or recover it.
    #[command(after_help = examples::of("recover"))]
    Recover(RecoverArgs),
    /// Check that a session is whole, unchanged and consistent.
    #[command(after_help = examples::of("verify"))]
    Verify(VerifyArgs),
    /// Make the seal of a session anew that lost it, when its files are whole; the metadata say so.
    #[command(after_help = examples::of("reseal"))]
    Reseal(ResealArgs),
    /// Sign the seal of a session with an SSH key, so that others can tell who made it.
    #[command(after_help = examples::of("sign"))]
    Sign(SignArgs),
    /// Make one session of the parts of a recording that was split.
    #[command(after_help = examples::of("join"))]
    Join(JoinArgs),
    /// Play a session or a log in the terminal, also one that is being recorded.
    #[command(after_help = examples::of("replay"), visible_alias = "play")]
    Replay(ReplayArgs),
    /// Make a page that a browser opens: the video with what was done, lanes, plots and checks; or an overview of many sessions.
    #[command(after_help = examples::of("report"))]
    Report(ReportArgs),
    /// Make of sealed sessions what a trainer reads: tables, manifests, clips.
    #[command(after_help = examples::of("export"))]
    Export(ExportArgs),
    /// Summarise a session or a log, or list those in the folders below.
    #[command(after_help = examples::of("info"), visible_alias = "ls")]
    Info(InfoArgs),
    /// Say what a sealed session is of: task, subtasks, outcome, tags; or show what was said.
    #[command(after_help = examples::of("annotate"))]
    Annotate(AnnotateArgs),
    /// Bring sealed sessions to the current format.
    #[command(after_help = examples::of("migrate"))]
    Migrate(MigrateArgs),
    /// Write or update a table of all sessions below a folder.
    #[command(after_help = examples::of("catalog"))]
    Catalog(CatalogArgs),
    /// Remove a recording: its session and log, copies of it, and exports, after saying what that is.
    #[command(after_help = examples::of("delete"))]
    Delete(DeleteArgs),
    /// List the monitors and windows that can be recorded.
    #[command(after_help = examples::of("targets"))]
    Targets(TargetsArgs),
    /// Check what this machine can record, and say what is missing.
    #[command(after_help = examples::of("doctor"))]
    Doctor(DoctorArgs),
    /// Measure on this desktop how well inputs and pictures agree: a window flashes and takes keys, and is recorded.
    #[command(after_help = examples::of("sync-test"))]
    SyncTest(SyncTestArgs),
    /// Show and edit the consent that stands for every recording; take back that to one that runs.
    #[command(after_help = examples::of("consent"))]
    Consent(ConsentArgs),
    /// Write, show and check the configuration: files, variables, and what each value is from.
    #[command(after_help = examples::of("config"))]
    Config(ConfigArgs),
    /// List, show and check profiles: what is masked and withheld in a game.
    #[command(after_help = examples::of("profile"))]
    Profile(ProfileArgs),
    /// Print what completes verbs and options in a shell.
    #[command(hide = true, after_help = examples::of("completions"))]
    Completions(CompletionsArgs),
    /// Write the manual pages of all verbs.
    #[command(hide = true, after_help = examples::of("man"))]
    Man(ManArgs),
    /// Record the built-in synthetic desktop, finalize, verify, and open the replay.
    #[command(after_help = examples::of("demo"))]
    Demo(DemoArgs),
}

/// Which running recording is meant.
#[derive(Args, Debug)]
pub struct WhichArgs {
    /// The session's folder; not needed while one recording is running.
    pub session: Option<PathBuf>,
    /// The recording of this process.
    #[arg(long, value_name = "PID", conflicts_with = "session")]
    pub pid: Option<u32>,
    /// Print how the recording goes as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap mark`
#[derive(Args, Debug)]
pub struct MarkArgs {
    /// Text of the mark, at most 768 bytes; - reads all of standard input, so that the text is not in the process list.
    pub text: Option<String>,
    /// Take PNG pictures of the frames that follow: as many as --png-burst says, or one.
    #[arg(long)]
    pub png: bool,
    /// Which recording.
    #[command(flatten)]
    pub which: WhichArgs,
}

/// `watchcap stop`
#[derive(Args, Debug)]
pub struct StopArgs {
    /// Which recording.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Every recording of yours that is running.
    #[arg(long, conflicts_with_all = ["session", "pid"])]
    pub all: bool,
}

/// `watchcap status`
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Which recording; all when none is named.
    #[command(flatten)]
    pub which: WhichArgs,
}

/// `watchcap redact`
#[derive(Args, Debug)]
pub struct RedactArgs {
    /// The session's folder.
    pub session: PathBuf,
    /// Begin of the span: seconds from the start, h:mm:ss.mmm, or a frame as f123.
    #[arg(long, value_name = "TIME", required_unless_present = "all", requires = "to")]
    pub from: Option<String>,
    /// Its end, the same ways; a frame counts until the next one is shown.
    #[arg(long, value_name = "TIME", required_unless_present = "all", requires = "from")]
    pub to: Option<String>,
    /// The span is the whole session.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub all: bool,
    /// Paint this area black, in pixels of the video or as fractions of it; may be given more than once. It grows to the borders of the coding:
    /// by 16 to 31 pixels on each side, and until the next keyframe.
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT")]
    pub mask: Vec<String>,
    /// Withhold which keys went down in the span, until they are released, and titles of windows; and what other programs put into
    /// the rows of that time, since it may tell them.
    #[arg(long)]
    pub keys: bool,
    /// Withhold the titles of windows that became active in the span.
    #[arg(long)]
    pub titles: bool,
    /// Make the sound of the span silent, and 20 ms on both sides; of AAC up to 43 ms more fade out and in.
    #[arg(long)]
    pub mute: bool,
    /// Why, for the rows that say so: a word in snake_case.
    #[arg(long, value_name = "WORD", default_value = "requested")]
    pub reason: String,
    /// Put the new session in the place of the old one, and delete that once the new one is verified: with it go what
    /// reviewers said of it (review.jsonl), which may quote what is redacted, and other files that are not made anew.
    #[arg(long)]
    pub replace: bool,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap finalize`
#[derive(Args, Debug)]
pub struct FinalizeArgs {
    /// The session's folder; or a folder of sessions, in which every log is sealed that nobody uses.
    pub session: PathBuf,
    /// Keep the log beside the sealed session.
    #[arg(long)]
    pub keep_log: bool,
    /// Make a sealed session anew of its log, which was kept and is kept again: when the session was damaged, or the log was mended.
    #[arg(long)]
    pub again: bool,
    /// How many of the frames, in percent, may be dropped before the exit code is 3 [default: 1].
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    pub max_dropped: Option<f64>,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap recover`
#[derive(Args, Debug)]
pub struct RecoverArgs {
    /// The session's folder.
    pub session: PathBuf,
    /// Only say what finalizing would give; not a byte is written. Exits with 3 when something is lost or recovered.
    #[arg(long)]
    pub dry_run: bool,
    /// Keep the log beside the sealed session.
    #[arg(long)]
    pub keep_log: bool,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap verify`
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The sessions' folders, or folders with sessions below them; - reads a list from standard input, a path on each line.
    #[arg(required = true, value_name = "SESSION")]
    pub sessions: Vec<PathBuf>,
    /// Do not decode the frames.
    #[arg(long)]
    pub no_decode: bool,
    /// Fail unless the SHA-256 of integrity.sha256 is this one, which stands for every byte of the session.
    #[arg(long, value_name = "SHA256")]
    pub expect: Option<String>,
    /// Fail unless the session is signed (`watchcap sign`) by this SSH public key, or by one of this list of allowed signers.
    #[arg(long, value_name = "FILE")]
    pub signed_by: Option<PathBuf>,
    /// Print the report as JSON on standard output; of several sessions a line each.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap reseal`
#[derive(Args, Debug)]
pub struct ResealArgs {
    /// The session's folder.
    pub session: PathBuf,
    /// SHA-256 of the lost integrity.sha256 (from a catalog, an export's manifest, a report of verify): write that very seal again, and
    /// refuse when the files are not its files.
    #[arg(long, value_name = "SHA256")]
    pub expect: Option<String>,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap sign`
#[derive(Args, Debug)]
pub struct SignArgs {
    /// The session's folder.
    pub session: PathBuf,
    /// Your SSH key: the private one, or the public one of a key that is in your agent.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap join`
#[derive(Args, Debug)]
pub struct JoinArgs {
    /// The folders of the parts, in any order, or a folder that they are in; what is no part there is passed over.
    #[arg(required = true, value_name = "PART")]
    pub parts: Vec<PathBuf>,
    /// Folder of the session that is made; it must not be there.
    #[arg(short, long, value_name = "SESSION")]
    pub out: PathBuf,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap export`
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// What to make; docs/EXPORTS.md says what is in it.
    #[arg(value_name = "FORMAT", value_parser = formats())]
    pub format: String,
    /// The sessions' folders, or folders with sessions below them; - reads a list from standard input, a path on each line.
    #[arg(value_name = "SESSION", required_unless_present = "catalog")]
    pub sessions: Vec<PathBuf>,
    /// Export the sessions that a catalog names, or rows of one that were chosen from it: any Parquet file with the column `path`, in the
    /// folder that the paths are relative to.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// Folder to write to, made when it is not there; for one session and a format of one file also the file. Nothing is
    /// replaced but what an earlier export of the same session in the same format with the same options left.
    #[arg(short, long, value_name = "DIR|FILE")]
    pub out: PathBuf,
    /// Steps per second on a constant-rate grid, each with the last frame at or before it [default: every frame].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub fps: Option<u32>,
    /// Begin: seconds from the start, h:mm:ss.mmm, or a frame as f123.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// End, the same ways.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Leave out what was redacted: each frame and its inputs of which a part was.
    #[arg(long)]
    pub exclude_redacted: bool,
    /// Take the parts of a recording that was split as one session: they are joined beside --out for as long as it takes.
    #[arg(long, conflicts_with = "only_accepted")]
    pub join_parts: bool,
    /// Only what a reviewer accepted (in the player, `v`); sessions without any of it are passed over.
    #[arg(long)]
    pub only_accepted: bool,
    /// Make pictures this small, in a video with the same frames at the same times.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    pub resize: Option<(u32, u32)>,
    /// Shortest length of a clip, which ends before the next keyframe [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub clip_seconds: Option<u32>,
    /// Largest size of a shard, millions of bytes [default: 512].
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..=8000))]
    pub shard_mb: Option<u32>,
    /// How many sessions of a hundred are for validation, by the hash of their id [default: 10].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub val_percent: Option<u8>,
    /// Keys that have a number of their own in an action as a vector, by W3C code: KeyW,KeyA,Space.
    #[arg(long, value_name = "KEYS", value_parser = str::parse::<Keys>)]
    pub keys: Option<Keys>,
    /// Put buttons, motion and wheel into an action as a vector.
    #[arg(long)]
    pub mouse: bool,
    /// Put buttons, the pointer's place and wheel into an action as a vector.
    #[arg(long)]
    pub pointer: bool,
    /// Put the buttons, triggers and sticks of the first gamepad into an action as a vector.
    #[arg(long)]
    pub gamepad: bool,
    /// Keep steps of which not everything is known: what is not is NaN. Else they are left out.
    #[arg(long)]
    pub keep_unknown: bool,
    /// Make only the MCAP file for OWA's tools, or only the one for Foxglove, which holds the video [default: both].
    #[arg(long, value_name = "owa|foxglove", value_parser = parse_mcap_for)]
    pub mcap_for: Option<McapFor>,
    /// Take the sound along, where the format has a place for it; else it is left out, which is said. Needs consent to the sound.
    #[arg(long)]
    pub sound: bool,
    /// Do not compare the sessions with their seals first.
    #[arg(long)]
    pub no_verify: bool,
    /// Replace what an earlier export made with other options, or of another session of the same name.
    #[arg(long)]
    pub replace: bool,
    /// Export also what was recorded before the consent to it was taken back; the manifest says so. Without it such sessions are refused.
    #[arg(long)]
    pub include_withdrawn: bool,
    /// Print what was made as JSON lines on standard output.
    #[arg(long)]
    pub json: bool,
}

fn formats() -> PossibleValuesParser {
    let of_trainers = FORMATS.iter().map(|format| PossibleValue::new(format.name()).help(format.about()));
    let clip = PossibleValue::new("clip").help("a session of its own of the span between --from and --to");
    PossibleValuesParser::new(of_trainers.chain([clip]))
}

/// `watchcap info`
#[derive(Args, Debug)]
pub struct InfoArgs {
    /// The session's folder, or one with sessions below it.
    #[arg(default_value = ".")]
    pub session: PathBuf,
    /// Print as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap migrate`
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// The sessions' folders. Each becomes a new session beside it, NAME_1_3_0; those of the format already are skipped.
    #[arg(required = true, value_name = "SESSION")]
    pub sessions: Vec<PathBuf>,
    /// Format of the new sessions.
    #[arg(long, value_name = "VERSION", default_value = "1.3.0")]
    pub to: String,
    /// Put each new session in the place of the old one and delete that, once the new one was read back.
    #[arg(long)]
    pub in_place: bool,
    /// The folders are recordings of other programs in the same layout: make a sealed session of each beside it,
    /// NAME_imported, which names what is missing.
    #[arg(long, conflicts_with_all = ["to", "in_place"])]
    pub import: bool,
    /// With --import: what positions of the pointer are: fraction (of the picture), pixels (of the picture), or pixels of an
    /// area, as pixels=WIDTHxHEIGHT or pixels=WIDTHxHEIGHT+X+Y.
    #[arg(long, value_name = "WHAT", requires = "import", value_parser = Positions::parse)]
    pub positions: Option<Positions>,
    /// With --import: which table key codes are of: hid, keysym (X11), vk (Windows), evdev (Linux) or x11 (keycodes).
    #[arg(long, value_name = "TABLE", requires = "import", value_parser = KeyTable::parse)]
    pub keys: Option<KeyTable>,
    /// With --import: what t_ns counts: ns, us, ms or s.
    #[arg(long, value_name = "UNIT", requires = "import", value_parser = TimeUnit::parse)]
    pub times: Option<TimeUnit>,
    /// With --import: how many units of delta are a step of the wheel, for example 120.
    #[arg(long, value_name = "UNITS", requires = "import", value_parser = options::parse_wheel)]
    pub wheel: Option<f64>,
    /// With --import: names of buttons in the recording, and what they are: 1=left,2=middle,3=right.
    #[arg(long, value_name = "NAME=BUTTON", requires = "import", value_delimiter = ',', value_parser = options::parse_button)]
    pub buttons: Vec<(String, String)>,
    /// With --import: which frame rows are those of frames.mp4, where there are others: stream=screen.
    #[arg(long, value_name = "KEY=VALUE", requires = "import", value_parser = options::parse_frames)]
    pub frames: Option<(String, String)>,
    /// With --import: state consent that the recording does not record, to screen, input, audio. Who stated it and when stands
    /// in the session.
    #[arg(long, value_name = "STREAM", requires = "import", value_delimiter = ',')]
    pub consent: Vec<String>,
    /// Only say what would be done; write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print a line of JSON for each session on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap catalog`
#[derive(Args, Debug)]
pub struct CatalogArgs {
    /// The folder with sessions below it, at any depth. catalog.parquet is written into it, over nothing but a catalog;
    /// sessions that it knows are not read again.
    pub dir: PathBuf,
    /// Verify every session: hash its files, read its rows and its video's index. The result is in the catalog.
    #[arg(long)]
    pub check: bool,
    /// With the check, decode every frame.
    #[arg(long)]
    pub decode: bool,
    /// Sessions that are looked at, at once [default: cores, at most 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub threads: Option<u8>,
    /// Print a summary as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap delete`
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// The session's folder. With it go its log, what reviewers said, sessions that were made of it (redacted, migrated, clips) and the
    /// files of exports whose manifests name it, as far as they lie below the folder that it is in.
    pub session: PathBuf,
    /// Look for copies and exports below this folder [default: the one that the session is in].
    #[arg(long, value_name = "DIR", conflicts_with = "only")]
    pub below: Option<PathBuf>,
    /// Remove this folder alone: neither copies nor exports.
    #[arg(long)]
    pub only: bool,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask. Needed where nobody is at a terminal.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap targets`
#[derive(Args, Debug)]
pub struct TargetsArgs {
    /// Print as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap doctor`
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Size of the pictures by which encoders are measured [default: that of the screen, 1920x1080 without one].
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = super::values::parse_size)]
    pub size: Option<(u32, u32)>,
    /// Frames per second that a recording would ask of them [default: 30].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub fps: Option<u32>,
    /// First have the system ask for the rights that recording needs, where it gives such rights (macOS). Nothing else opens its dialogs.
    #[arg(long)]
    pub ask: bool,
    /// Print as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap consent`
#[derive(Args, Debug)]
pub struct ConsentArgs {
    /// What to do [default: show].
    #[command(subcommand)]
    pub verb: Option<ConsentVerb>,
}

/// What to do with consent.
#[derive(Subcommand, Debug)]
pub enum ConsentVerb {
    /// Print what you agreed to for every recording.
    Show {
        /// Print as JSON on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Agree to streams for every recording: screen, input.
    Grant {
        /// The streams, with commas.
        #[arg(required = true, value_delimiter = ',')]
        streams: Vec<String>,
    },
    /// Take the consent to a running recording back: for these streams, or for all, which ends it.
    Withdraw {
        /// The streams, with commas: screen, input, audio [default: all]. Without the screen the recording ends.
        #[arg(long, value_name = "STREAMS", value_delimiter = ',')]
        stream: Vec<String>,
        /// Which recording.
        #[command(flatten)]
        which: WhichArgs,
    },
    /// Take standing consent back, for recordings to come: for these streams, or for all.
    Revoke {
        /// The streams, with commas [default: all].
        #[arg(value_delimiter = ',')]
        streams: Vec<String>,
    },
}

/// `watchcap profile`
#[derive(Args, Debug)]
pub struct ProfileArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ProfileVerb,
}

/// What to do with profiles.
#[derive(Subcommand, Debug)]
pub enum ProfileVerb {
    /// List the profiles that are built in, and your own.
    List {
        /// Print as JSON on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Print a profile, or with --size where its masks are in a picture of that size.
    Show {
        /// Its name.
        name: String,
        /// Size of the picture.
        #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
        size: Option<(u32, u32)>,
        /// The game's HUD scale, 0 to 100.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
        hud_scale: Option<u8>,
    },
    /// Check a profile of your own.
    Check {
        /// The file.
        file: PathBuf,
    },
}

/// `watchcap demo`
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Folder in which the session's folder is made.
    #[arg(short, long, value_name = "DIR", default_value = "demo-recordings")]
    pub out: PathBuf,
    /// How long to record.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, default_value = "5s")]
    pub duration: Duration,
    /// Do not open the replay.
    #[arg(long)]
    pub no_replay: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn limits_are_what_the_help_says() {
        let given = |more: &[&str]| Cli::try_parse_from([&["watchcap", "replay", "s"], more].concat()).is_ok();
        assert!(given(&["--check", "--json", "--max-gap", "2"]) && !given(&["--max-gap", "2"]) && !given(&["--json"]));
        // What the help says is what holds.
        let said = Cli::command().find_subcommand_mut("replay").map(|verb| verb.render_long_help().to_string());
        let said = said.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let crate::inspect::qa::run::Limits {
            dropped,
            gap_s,
            lost_inputs,
            held_s,
            unbalanced,
            silent_pads,
            outside,
            idle_s,
            duplicates,
            black_s,
            frozen_s,
            sound_missing,
            sound_silent,
            sound_clipped,
            samples,
        } = crate::inspect::qa::run::Limits::default();
        for (what, limit) in [
            ("are not", dropped),
            ("without data", gap_s),
            ("were lost", lost_inputs),
            ("away from its middle", held_s),
            ("without a press", unbalanced),
            ("was heard", silent_pads),
            ("of the picture", outside),
            ("picture moves", idle_s),
            ("before shows", duplicates),
            ("black pictures", black_s),
            ("are pressed", frozen_s),
            ("that is missing", sound_missing),
            ("below -60 dB", sound_silent),
            ("at full scale", sound_clipped),
            ("0: none", samples as f64),
        ] {
            assert!(said.contains(&format!("{what} [default: {limit}")), "{what} [default: {limit}] is not in {said}");
        }
    }
}
