//! What `watchcap annotate` takes.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::values::parse_tag;
use crate::session::annotations::Outcome;

/// `watchcap annotate`
#[derive(Args, Debug)]
pub struct AnnotateArgs {
    /// The session's folder. Without anything to say, what was said of it is printed.
    pub session: PathBuf,
    /// What the person was to do, in one line.
    #[arg(long, value_name = "TEXT")]
    pub task: Option<String>,
    /// A part of the task and when it was worked on, as FROM..UNTIL=TEXT: times are seconds from the start, h:mm:ss.mmm, or frames
    /// as f123. May be given more than once; one with the times of an earlier one takes its place.
    #[arg(long, value_name = "FROM..UNTIL=TEXT")]
    pub subtask: Vec<String>,
    /// Begin the list of subtasks anew: earlier ones stay in the file, and do not count.
    #[arg(long)]
    pub clear_subtasks: bool,
    /// How it went.
    #[arg(long, value_name = "OUTCOME")]
    #[arg(value_parser = PossibleValuesParser::new(Outcome::ALL.map(Outcome::word)))]
    pub outcome: Option<String>,
    /// What else there is to say of the outcome.
    #[arg(long, value_name = "TEXT", requires = "outcome")]
    pub note: Option<String>,
    /// A tag, as KEY=VALUE; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_tag)]
    pub tag: Vec<(String, String)>,
    /// Take a tag away, one of the recording too.
    #[arg(long, value_name = "KEY")]
    pub untag: Vec<String>,
    /// Your name beside what you say [default: that of your account].
    #[arg(long, value_name = "NAME", env = "WATCHCAP_REVIEWER")]
    pub by: Option<String>,
    /// Print what holds now, and everything that was said, as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}
