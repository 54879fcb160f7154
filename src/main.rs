//! The program: parse, run the verb, print the error with its hint, choose the exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use watchcap::cli::Cli;
use watchcap::cmd::{self, Outcome};

/// Messages go to standard error; `WATCHCAP_LOG` takes a filter, `-v` raises the level. What libraries say through the `log` crate is
/// not heard: sled prints the values that it stores, which are keystrokes.
fn start_tracing(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let asked = std::env::var("WATCHCAP_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = asked.map(EnvFilter::try_new).transpose().unwrap_or_else(|error| {
        drop(writeln!(std::io::stderr(), "WATCHCAP_LOG is not used: {error}"));
        None
    });
    let filter = filter.unwrap_or_else(|| EnvFilter::new(format!("watchcap={level}")));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
        .with_target(false)
        .finish();
    // Not `init`, which would listen to `log` as well. It fails only when there is a subscriber already, and there is none.
    drop(tracing::subscriber::set_global_default(subscriber));
}

fn main() -> ExitCode {
    watchcap::base::panics::quiet();
    watchcap::base::files::private_umask();
    let cli = Cli::parse();
    start_tracing(cli.verbose);
    watchcap::base::files::no_core_dumps();
    match cmd::run(cli) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Lossy) => ExitCode::from(3),
        Err(failure) => {
            // Nobody is left to tell when standard error is closed.
            drop(std::io::stderr().write_all(failure.text().as_bytes()));
            ExitCode::from(failure.code)
        }
    }
}
