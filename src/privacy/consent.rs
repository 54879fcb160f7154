//! Consent, per stream: what was agreed to, how and when. Without it a stream is not opened.
//!
//! A pure decision over what the caller gathered (flags, configuration, an answer at a prompt); it opens nothing and asks nobody.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::event::Stream;
use crate::time::UtcNs;

/// Version of the text that a person agrees to ([`TEXT`]); goes into the metadata.
pub const TEXT_VERSION: u32 = 1;
/// What a person agrees to, in plain words.
pub const TEXT: &str = "watchcap records the pictures of the chosen screen and every key, button, wheel and mouse movement, \
also passwords that you type, into a folder on this machine that only you can read. Nothing is sent anywhere. \
It stops when you press Ctrl-C.";

/// How consent was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// `--consent` or its environment variable.
    Flag,
    /// The configuration file.
    Configuration,
    /// An answer at a prompt.
    Prompt,
    /// Nobody is recorded: the built-in synthetic desktop.
    Synthetic,
}

impl Method {
    /// The name in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Configuration => "configuration",
            Self::Prompt => "prompt",
            Self::Synthetic => "synthetic",
        }
    }
}

/// Consent as it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consent {
    /// Streams agreed to.
    pub streams: BTreeSet<Stream>,
    /// How.
    pub method: Method,
    /// When.
    pub at: UtcNs,
}

/// Why there is no consent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConsentError {
    /// A stream has no such name.
    #[error("consent names an unknown stream '{name}'")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Nobody agreed.
    #[error("no consent to record the screen")]
    Missing,
}

impl ConsentError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some("streams are screen and input".into()),
            Self::Missing => Some("agree with --consent screen,input (or consent in the configuration file)".into()),
        }
    }
}

impl Consent {
    /// Decides over what was given: a flag stands over the configuration. Recording needs at least the screen.
    ///
    /// # Errors
    /// [`ConsentError`] when a name is unknown or the screen is not among the streams.
    pub fn decide(flag: &[String], configuration: &[String], at: UtcNs) -> Result<Self, ConsentError> {
        let (names, method) =
            if flag.is_empty() { (configuration, Method::Configuration) } else { (flag, Method::Flag) };
        let mut streams = BTreeSet::new();
        for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            let stream = match name {
                "screen" => Stream::Screen,
                "input" => Stream::Input,
                "audio" => Stream::Audio,
                _ => return Err(ConsentError::Unknown { name: name.chars().take(40).collect() }),
            };
            streams.insert(stream);
        }
        let consent = Self { streams, method, at };
        if consent.covers(Stream::Screen) { Ok(consent) } else { Err(ConsentError::Missing) }
    }

    /// Consent to screen and input, given otherwise.
    pub fn to_screen_and_input(method: Method, at: UtcNs) -> Self {
        Self { streams: [Stream::Screen, Stream::Input].into(), method, at }
    }

    /// Whether a stream was agreed to.
    pub fn covers(&self, stream: Stream) -> bool {
        self.streams.contains(&stream)
    }

    /// The first record of the log.
    pub fn to_fact(&self) -> Value {
        json!({
            "record_screen": self.covers(Stream::Screen),
            "record_input": self.covers(Stream::Input),
            "record_audio": self.covers(Stream::Audio),
            "method": self.method.name(),
            "given_at": self.at.to_rfc3339(),
            "text_version": TEXT_VERSION,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn a_flag_stands_over_the_configuration() {
        let consent = Consent::decide(&names("screen"), &names("screen,input"), UtcNs(0)).expect("consent");
        assert!(consent.covers(Stream::Screen) && !consent.covers(Stream::Input));
        assert_eq!(consent.method, Method::Flag);
        let consent = Consent::decide(&[], &names("screen,input"), UtcNs(0)).expect("consent");
        assert!(consent.covers(Stream::Input));
        assert_eq!(consent.to_fact()["record_audio"], false);
    }

    #[test]
    fn without_the_screen_there_is_no_consent() {
        assert_eq!(Consent::decide(&[], &[], UtcNs(0)), Err(ConsentError::Missing));
        assert_eq!(Consent::decide(&names("input"), &names("screen"), UtcNs(0)), Err(ConsentError::Missing));
        let unknown = Consent::decide(&names("screen,keys"), &[], UtcNs(0));
        assert_eq!(unknown, Err(ConsentError::Unknown { name: "keys".into() }));
    }
}
