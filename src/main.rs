//! The program: parse, run the verb, choose the exit code.

use std::process::ExitCode;

use clap::Parser;
use watchcap::cli::Cli;
use watchcap::cmd;

fn main() -> ExitCode {
    watchcap::base::panics::quiet();
    watchcap::base::files::private_umask();
    let cli = Cli::parse();
    watchcap::base::files::no_core_dumps();
    ExitCode::from(cmd::main(cli))
}
