//! Where messages go: standard error by `-v`, `--quiet` and `WATCHCAP_LOG`, and the file of `--log-file`.
//!
//! What libraries say through the `log` crate is not heard: sled prints the values that it stores, which are keystrokes.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use super::failure::Failure;
use super::held;
use super::text;
use super::text::SAID;
use crate::base::files;
use crate::cli::Cli;

/// Starts both, before anything else is done.
///
/// # Errors
/// Wrong use, when the log file cannot be written to.
pub(super) fn start(cli: &Cli) -> Result<(), Failure> {
    if cli.quiet {
        text::be_quiet();
    }
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let asked = std::env::var("WATCHCAP_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = asked.map(EnvFilter::try_new).transpose().unwrap_or_else(|error| {
        drop(writeln!(std::io::stderr(), "WATCHCAP_LOG is not used: {error}"));
        None
    });
    let filter = filter.unwrap_or_else(|| EnvFilter::new(format!("watchcap={level}")));
    let off = format!("{SAID}=off").parse().map_err(|error| Failure::new(&error, None))?;
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let on_screen = tracing_subscriber::fmt::layer().with_writer(|| held::Stderr).with_ansi(colours).with_target(false);
    let in_file = match &cli.log_file {
        Some(path) => {
            let level = if cli.verbose > 1 { level } else { "info" };
            let file = open(path)?;
            let layer =
                tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_ansi(false).with_target(false);
            Some(layer.with_filter(EnvFilter::new(format!("watchcap={level},{SAID}=info"))))
        }
        None => None,
    };
    let subscriber = Registry::default().with(on_screen.with_filter(filter.add_directive(off))).with(in_file);
    // Not `init`, which would listen to `log` as well. It fails only when there is a subscriber already, and there is none.
    drop(tracing::subscriber::set_global_default(subscriber));
    tracing::info!(target: SAID, "watchcap {} (process {})", env!("CARGO_PKG_VERSION"), std::process::id());
    Ok(())
}

fn open(path: &Path) -> Result<std::fs::File, Failure> {
    files::open_to_append(path).map_err(|error| {
        let said = format!("cannot write the log file {}: {error}", path.display());
        Failure::usage(said, "name a file in a folder of your own with --log-file")
    })
}

/// Prints why a verb failed, and puts it into the log file.
pub(super) fn failed(failure: &Failure) {
    let said = failure.text();
    // Nobody is left to tell when standard error is closed.
    held::write(held::To::Err, said.as_bytes());
    for line in said.lines() {
        tracing::error!(target: SAID, "{line}");
    }
}
