//! What `watchcap replay` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::parse_limit;

/// `watchcap replay`
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// The folder of a session or a log; a folder of several is a queue to review.
    pub session: PathBuf,
    /// Play this part of a recording that was split alone, and not as one with the sealed parts beside it.
    #[arg(long, conflicts_with = "check")]
    pub alone: bool,
    /// How pictures are drawn.
    #[arg(long, value_enum, default_value = "auto")]
    pub pictures: PicturesArg,
    /// The colours. NO_COLOR in the environment turns them off.
    #[arg(long, value_enum, default_value = "dark", env = "WATCHCAP_THEME")]
    pub theme: ThemeArg,
    /// Folder in which the export key (o) puts pictures and excerpts.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub export_dir: PathBuf,
    /// Your name beside the marks and verdicts you give [default: that of your account].
    #[arg(long, value_name = "NAME", env = "WATCHCAP_REVIEWER")]
    pub reviewer: Option<String>,
    /// Open no player: look for what makes a session unfit for use, and say where. Exits with 1 when a limit is passed.
    #[arg(long)]
    pub check: bool,
    /// With --check: print the report as JSON on standard output.
    #[arg(long, requires = "check")]
    pub json: bool,
    /// What --check finds to be too much.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Limits of `watchcap replay --check`; what is not given is [`crate::inspect::qa::run::Limits::default`].
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Limits of --check")]
pub struct LimitArgs {
    /// Share of the frames that should be there and are not [default: 0.01].
    #[arg(long, value_name = "SHARE", value_parser = parse_limit, requires = "check")]
    pub max_dropped: Option<f64>,
    /// Longest time without data [default: 1].
    #[arg(long, value_name = "SECONDS", value_parser = parse_limit, requires = "check")]
    pub max_gap: Option<f64>,
    /// Inputs that were lost [default: 0].
    #[arg(long, value_name = "N", value_parser = parse_limit, requires = "check")]
    pub max_lost_inputs: Option<f64>,
    /// Longest time for which a key or button is down, or a stick stands still away from its middle [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = parse_limit, requires = "check")]
    pub max_held: Option<f64>,
    /// Presses without a release, and releases without a press [default: 0].
    #[arg(long, value_name = "N", value_parser = parse_limit, requires = "check")]
    pub max_unbalanced: Option<f64>,
    /// Share of the gamepads of which nothing was heard [default: 1, never too much].
    #[arg(long, value_name = "SHARE", value_parser = parse_limit, requires = "check")]
    pub max_silent_gamepads: Option<f64>,
    /// Share of the positions outside of the picture [default: 0.05].
    #[arg(long, value_name = "SHARE", value_parser = parse_limit, requires = "check")]
    pub max_outside: Option<f64>,
    /// Longest time without input while the picture moves [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = parse_limit, requires = "check")]
    pub max_idle: Option<f64>,
    /// Share of the frames that show what the one before shows [default: 1, never too much].
    #[arg(long, value_name = "SHARE", value_parser = parse_limit, requires = "check")]
    pub max_duplicates: Option<f64>,
    /// Longest time of black pictures [default: 2].
    #[arg(long, value_name = "SECONDS", value_parser = parse_limit, requires = "check")]
    pub max_black: Option<f64>,
    /// Longest time of an unchanged picture while keys and buttons are pressed [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = parse_limit, requires = "check")]
    pub max_frozen: Option<f64>,
    /// Share of the sound that is missing [default: 0.01].
    #[arg(long, value_name = "SHARE", value_parser = parse_limit, requires = "check")]
    pub max_sound_missing: Option<f64>,
    /// Share of a file of sound that is silent, below -60 dB [default: 0.999].
    #[arg(long, value_name = "SHARE", value_parser = parse_limit, requires = "check")]
    pub max_sound_silent: Option<f64>,
    /// Share of the samples of a file of sound that are cut off at full scale [default: 0.001].
    #[arg(long, value_name = "SHARE", value_parser = parse_limit, requires = "check")]
    pub max_sound_clipped: Option<f64>,
    /// Groups of pictures to look at, evenly spread; two frames of each are decoded; 0: none [default: 3600].
    #[arg(long, value_name = "N", requires = "check")]
    pub samples: Option<usize>,
}

/// The player's colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThemeArg {
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
    /// Pure colours on black.
    Contrast,
}

/// How the player draws pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PicturesArg {
    /// The best that the terminal can.
    Auto,
    /// Half-blocks: any terminal.
    Blocks,
}
