//! How a verb ends: well, with a loss, or not at all and why.

use super::text;
use crate::base::shown;
use crate::config::ConfigError;

/// How a verb ended well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing to say.
    Clean,
    /// Finished, but data was lost or recovered.
    Lossy,
}

impl Outcome {
    /// The worse of the two.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::Lossy { self } else { other }
    }
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

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string(), error.hint())
    }
}

/// Longest message of an error, bytes: what a file or an argument says is quoted, and may be a megabyte.
const MAX_MESSAGE: usize = 8 << 10;

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
