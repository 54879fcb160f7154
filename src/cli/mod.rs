//! The command line's types, and nothing else: what each verb takes and how values are read.

mod record;
mod replay;
mod values;

pub use record::{InputBackendArg, KeysArg, OnOff, QualityArg, RecordArgs, ScreenBackendArg, SourceArg, UnchangedArg};
pub use replay::{LimitArgs, PicturesArg, ReplayArgs, ThemeArg};

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};

use self::values::{parse_duration, parse_size};
use crate::export::FORMATS;

/// Records a screen and every input on one clock, crash-safe, straight into training data.
#[derive(Parser, Debug)]
#[command(name = "watchcap", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Say more on standard error (-v, -vv, -vvv); captured content is never printed.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Configuration file [default: ~/.config/watchcap/config.toml].
    #[arg(long, global = true, value_name = "FILE", env = "WATCHCAP_CONFIG")]
    pub config: Option<PathBuf>,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Record the screen and the inputs into a crash-safe log, and seal it.
    Record(Box<RecordArgs>),
    /// Pause a running recording: neither pixels nor inputs are taken.
    Pause(WhichArgs),
    /// Go on with a recording that is paused.
    Resume(WhichArgs),
    /// Set a mark in a running recording.
    Mark(MarkArgs),
    /// End a running recording, which then seals what it recorded.
    Stop(WhichArgs),
    /// List the recordings that are running.
    Status(StatusArgs),
    /// Make a new session of a sealed one in which a span is masked or its keys are withheld.
    Redact(RedactArgs),
    /// Make a sealed session of a log.
    Finalize(FinalizeArgs),
    /// Say what can be recovered of a damaged log, or recover it.
    Recover(RecoverArgs),
    /// Check that a session is whole, unchanged and consistent.
    Verify(VerifyArgs),
    /// Play a session or a log in the terminal, also one that is being recorded.
    Replay(ReplayArgs),
    /// Make of sealed sessions what a trainer reads: tables, manifests, clips.
    Export(ExportArgs),
    /// Summarise a session or a log, or list those in the folders below.
    Info(InfoArgs),
    /// Bring sealed sessions to the current format.
    Migrate(MigrateArgs),
    /// Write or update a table of all sessions below a folder.
    Catalog(CatalogArgs),
    /// List the monitors and windows that can be recorded.
    Targets(TargetsArgs),
    /// Check what this machine can record, and say what is missing.
    Doctor(DoctorArgs),
    /// Show and edit the consent that stands for every recording; take back that to one that runs.
    Consent(ConsentArgs),
    /// List, show and check profiles: what is masked and withheld in a game.
    Profile(ProfileArgs),
    /// Record the built-in synthetic desktop, finalize, verify, and open the replay.
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
    /// Text of the mark, at most 768 bytes.
    pub text: Option<String>,
    /// Which recording.
    #[command(flatten)]
    pub which: WhichArgs,
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
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Its end, the same ways; a frame counts until the next one is shown.
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// Paint this area black, in pixels of the video or as fractions of it; may be given more than once.
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT")]
    pub mask: Vec<String>,
    /// Withhold which keys went down in the span, and titles of windows.
    #[arg(long)]
    pub keys: bool,
    /// Withhold the titles of windows that became active in the span.
    #[arg(long)]
    pub titles: bool,
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
    /// The session's folder.
    pub session: PathBuf,
    /// Keep the log beside the sealed session.
    #[arg(long)]
    pub keep_log: bool,
    /// Make a sealed session anew of its log, which was kept and is kept again: when the session was damaged, or the log was mended.
    #[arg(long)]
    pub again: bool,
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
    /// The session's folder.
    pub session: PathBuf,
    /// Do not decode the frames.
    #[arg(long)]
    pub no_decode: bool,
    /// Print the report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap export`
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// What to make; docs/EXPORTS.md says what is in it.
    #[arg(value_name = "FORMAT", value_parser = formats())]
    pub format: String,
    /// The sessions' folders.
    #[arg(value_name = "SESSION", required = true)]
    pub sessions: Vec<PathBuf>,
    /// Folder to write to, made when it is not there; for one session and a format of one file also the file. Nothing is
    /// replaced but what an earlier export of the same session in the same format left.
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
    /// Do not compare the sessions with their seals first.
    #[arg(long)]
    pub no_verify: bool,
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
    pub session: PathBuf,
    /// Print as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `watchcap migrate`
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// The sessions' folders. Each becomes a new session beside it, NAME_1.1.0; those of the format already are skipped.
    #[arg(required = true, value_name = "SESSION")]
    pub sessions: Vec<PathBuf>,
    /// Format of the new sessions.
    #[arg(long, value_name = "VERSION", default_value = "1.1.0")]
    pub to: String,
    /// Put each new session in the place of the old one and delete that, once the new one was read back.
    #[arg(long)]
    pub in_place: bool,
    /// The folders are recordings of other programs in the same layout: make a sealed session of each beside it,
    /// NAME_imported, which names what is missing.
    #[arg(long, conflicts_with_all = ["to", "in_place"])]
    pub import: bool,
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
        /// The streams, with commas: screen, input [default: all]. Without the screen the recording ends.
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
        let crate::qa::Limits {
            dropped,
            gap_s,
            lost_inputs,
            held_s,
            unbalanced,
            outside,
            idle_s,
            duplicates,
            black_s,
            frozen_s,
            samples,
        } = crate::qa::Limits::default();
        for (what, limit) in [
            ("are not", dropped),
            ("without data", gap_s),
            ("were lost", lost_inputs),
            ("button is down", held_s),
            ("without a press", unbalanced),
            ("of the picture", outside),
            ("picture moves", idle_s),
            ("before shows", duplicates),
            ("black pictures", black_s),
            ("are pressed", frozen_s),
            ("0: none", samples as f64),
        ] {
            assert!(said.contains(&format!("{what} [default: {limit}")), "{what} [default: {limit}] is not in {said}");
        }
    }
}
