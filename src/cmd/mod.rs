//! The verbs: wiring only. Each turns its arguments into calls of the library and the result into text or JSON.
//!
//! Human text goes to standard error, results to standard output. Exit codes: 0 clean, 1 failure, 2 usage, 3 finished, but
//! data was lost or recovered.

mod annotate;
mod catalog;
mod clip;
mod config;
mod consent;
mod control;
mod delete;
mod demo;
mod doctor;
mod export;
mod finalize;
mod folder;
mod games;
mod given;
mod import;
mod info;
mod install;
mod logging;
mod migrate;
mod privacy;
mod profile;
mod qa;
mod record;
mod recover;
mod redact;
mod replay;
mod report;
mod reseal;
mod sessions;
mod sign;
mod sync_test;
mod targets;
mod text;
mod ui;
mod verify;

use crate::base::shown;
use crate::cli::{Cli, Verb};
use crate::config::layers::Layers;
use crate::config::{ConfigError, name_file};

/// How a verb ended well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing to say.
    Clean,
    /// Finished, but data was lost or recovered.
    Lossy,
}

/// How a verb failed: what, why, what to do, and the exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed and why.
    pub message: String,
    /// What the person can do about it.
    pub hint: Option<String>,
    /// Exit code.
    pub code: u8,
}

impl Failure {
    /// A failure (exit code 1).
    pub fn new(error: &impl std::fmt::Display, hint: Option<String>) -> Self {
        Self { message: text::printable(&shown::short(&error.to_string(), MAX_MESSAGE)), hint, code: 1 }
    }

    /// What is printed: nothing in it steers a terminal, and only we begin a line with a word like `hint:`.
    pub fn text(&self) -> String {
        let indented = |text: &str| shown::text(text).replace("\n  ", "\n").replace('\n', "\n  ");
        let hint = self.hint.as_ref().map_or_else(String::new, |hint| format!("hint: {}\n", indented(hint)));
        format!("error: {}\n{hint}", indented(&self.message))
    }

    /// Wrong use (exit code 2).
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: text::printable(&shown::short(&message.into(), MAX_MESSAGE)), hint: Some(hint.into()), code: 2 }
    }

    /// Wrong use (exit code 2), by an error that may know what to do about it.
    pub fn wrong(error: &impl std::fmt::Display, hint: Option<String>) -> Self {
        Self { code: 2, ..Self::new(error, hint) }
    }
}

/// Longest message of an error, bytes: what a file or an argument says is quoted, and may be a megabyte.
const MAX_MESSAGE: usize = 8 << 10;

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string(), error.hint())
    }
}

/// Runs a verb, and says why it failed. Returns the exit code.
pub fn main(cli: Cli) -> u8 {
    match logging::start(&cli).and_then(|()| run(cli)) {
        Ok(Outcome::Clean) => 0,
        Ok(Outcome::Lossy) => 3,
        Err(failure) => {
            logging::failed(&failure);
            failure.code
        }
    }
}

/// Runs a verb.
fn run(cli: Cli) -> Result<Outcome, Failure> {
    if cli.allow_shared_folder {
        crate::base::files::trust::allow_shared_folders();
    }
    // A file that was named is to be used: when it cannot be, every verb says so, and not only those that take something from it.
    // `consent` and `config` may make it, and they and `doctor` say more about it.
    if cli.config.is_some() && !matches!(cli.verb, Verb::Consent(_) | Verb::Config(_) | Verb::Doctor(_)) {
        Layers::load(cli.config.as_deref())?;
    }
    if let Some(path) = &cli.config {
        name_file(path);
    }
    match cli.verb {
        Verb::Record(mut args) => {
            given::names(&mut args)?;
            record::run(&args, &Layers::load(cli.config.as_deref())?)
        }
        Verb::Finalize(args) => finalize::run(&args),
        Verb::Recover(args) => recover::run(&args),
        Verb::Verify(args) => verify::run(&args),
        Verb::Reseal(args) => reseal::run(&args),
        Verb::Sign(args) => sign::run(&args),
        Verb::Replay(args) => replay::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::SyncTest(args) => sync_test::run(&args, &Layers::load(cli.config.as_deref())?),
        Verb::Export(args) => export::run(&args),
        Verb::Info(args) => info::run(&args),
        Verb::Targets(args) => targets::run(&args),
        Verb::Doctor(args) => doctor::run(&args, cli.config.as_deref()),
        Verb::Consent(args) => consent::run(&args, cli.config.as_deref()),
        Verb::Config(args) => config::run(&args, cli.config.as_deref()),
        Verb::Profile(args) => profile::run(&args),
        Verb::Completions(args) => Ok(install::completions(&args)),
        Verb::Man(args) => install::man(&args),
        Verb::Demo(args) => demo::run(&args, cli.config.as_deref()),
        Verb::Pause(which) => control::pause(&which),
        Verb::Resume(which) => control::resume(&which),
        Verb::Mark(args) => control::mark(&args),
        Verb::Stop(args) => control::stop(&args),
        Verb::Status(args) => control::status(&args),
        Verb::Redact(args) => redact::run(&args),
        Verb::Annotate(args) => annotate::run(&args),
        Verb::Migrate(args) => migrate::run(&args),
        Verb::Catalog(args) => catalog::run(&args),
        Verb::Delete(args) => delete::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_hint_prints_none() {
        let error = "it cannot be meant";
        assert_eq!(Failure::wrong(&error, None).text(), "error: it cannot be meant\n");
        let hinted = Failure::wrong(&error, Some("say it otherwise".into()));
        assert_eq!((hinted.code, hinted.text().as_str()), (2, "error: it cannot be meant\nhint: say it otherwise\n"));
    }
}
