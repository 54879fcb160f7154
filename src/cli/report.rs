//! Options of `watchcap report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::inspect::report::run::Embed;

/// `watchcap report`
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// A sealed session, or a folder with sessions below it: then the page is an overview of these.
    pub session: PathBuf,
    /// The page [default: SESSION.report.html beside the session, report.html in a folder of sessions].
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Whether the video is put into the page; otherwise the page plays the session's own file, and stays where it can find that.
    #[arg(long, value_enum, default_value_t = EmbedArg::Auto)]
    pub embed: EmbedArg,
    /// Of a folder: make the page of every sealed session in it, too.
    #[arg(long)]
    pub each: bool,
    /// Print as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `--embed`
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum EmbedArg {
    /// Videos of up to 64 MiB.
    Auto,
    /// Videos of up to 300 MiB; larger ones are refused.
    Always,
    /// No video.
    Never,
}

impl From<EmbedArg> for Embed {
    fn from(arg: EmbedArg) -> Self {
        match arg {
            EmbedArg::Auto => Self::Auto,
            EmbedArg::Always => Self::Always,
            EmbedArg::Never => Self::Never,
        }
    }
}
