//! What packages are made with: `watchcap completions` and `watchcap man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `watchcap completions`
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `watchcap man`
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Folder to write to, made when it is not there; pages of the same names are replaced.
    pub dir: PathBuf,
}
