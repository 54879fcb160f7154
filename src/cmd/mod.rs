//! The verbs: wiring only. Each turns its arguments into calls of the library and the result into text or JSON.
//!
//! Human text goes to standard error, results to standard output. Exit codes: 0 clean, 1 failure, 2 usage, 3 finished, but
//! data was lost or recovered.

mod catalog;
mod clip;
mod consent;
mod control;
mod demo;
mod doctor;
mod export;
mod finalize;
mod folder;
mod import;
mod info;
mod migrate;
mod privacy;
mod profile;
mod qa;
mod record;
mod recover;
mod redact;
mod replay;
mod targets;
mod text;
mod verify;

use crate::cli::{Cli, Verb};
use crate::config::{Config, ConfigError};
use crate::shown;

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
        Self { message: text::printable(&error.to_string()), hint, code: 1 }
    }

    /// What is printed: nothing in it steers a terminal, and only we begin a line with a word like `hint:`.
    pub fn text(&self) -> String {
        let indented = |text: &str| shown::text(text).replace("\n  ", "\n").replace('\n', "\n  ");
        let hint = self.hint.as_ref().map_or_else(String::new, |hint| format!("hint: {}\n", indented(hint)));
        format!("error: {}\n{hint}", indented(&self.message))
    }

    /// Wrong use (exit code 2).
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: text::printable(&message.into()), hint: Some(hint.into()), code: 2 }
    }

    /// Wrong use (exit code 2), by an error that may know what to do about it.
    pub fn wrong(error: &impl std::fmt::Display, hint: Option<String>) -> Self {
        Self { code: 2, ..Self::new(error, hint) }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string(), "mend the file, or name another with --config")
    }
}

/// Runs a verb.
///
/// # Errors
/// [`Failure`] with everything that is to be printed.
pub fn run(cli: Cli) -> Result<Outcome, Failure> {
    match cli.verb {
        Verb::Record(args) => record::run(&args, &Config::load(cli.config.as_deref())?),
        Verb::Finalize(args) => finalize::run(&args),
        Verb::Recover(args) => recover::run(&args),
        Verb::Verify(args) => verify::run(&args),
        Verb::Replay(args) => replay::run(&args),
        Verb::Export(args) => export::run(&args),
        Verb::Info(args) => info::run(&args),
        Verb::Targets(args) => targets::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Consent(args) => consent::run(&args, cli.config.as_deref()),
        Verb::Profile(args) => profile::run(&args),
        Verb::Demo(args) => demo::run(&args),
        Verb::Pause(which) => control::pause(&which),
        Verb::Resume(which) => control::resume(&which),
        Verb::Mark(args) => control::mark(&args),
        Verb::Stop(which) => control::stop(&which),
        Verb::Status(args) => control::status(&args),
        Verb::Redact(args) => redact::run(&args),
        Verb::Migrate(args) => migrate::run(&args),
        Verb::Catalog(args) => catalog::run(&args),
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
