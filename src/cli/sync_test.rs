//! Options of `watchcap sync-test`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::parse_duration;

/// `watchcap sync-test`
#[derive(Args, Debug)]
pub struct SyncTestArgs {
    /// How long to measure.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub duration: Duration,
    /// Frames per second.
    #[arg(long)]
    pub fps: Option<u32>,
    /// Streams that you agree to have recorded: screen,input. Of the screen that is the test's own window, of the input all that you type meanwhile.
    #[arg(long, value_name = "STREAM", value_delimiter = ',')]
    pub consent: Vec<String>,
    /// Keep the session in this folder; without it the recording is deleted when it was measured.
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}
