//! What `watchcap config` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `watchcap config`
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ConfigVerb,
}

/// What to do with the configuration.
#[derive(Subcommand, Debug)]
pub enum ConfigVerb {
    /// Write a new file in which every key stands with its meaning, commented out; over nothing that is there.
    Init,
    /// Print what holds: every key with its value.
    Show {
        /// Say for each value where it is from: a line of a file, a variable, or the default.
        #[arg(long)]
        origin: bool,
        /// With the tables of this game, [games.NAME].
        #[arg(long, value_name = "NAME")]
        game: Option<String>,
        /// Print as JSON on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Say all that is wrong with files, with line and column.
    Check {
        /// The files [default: those that are in force].
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print as JSON on standard output.
        #[arg(long)]
        json: bool,
    },
}
