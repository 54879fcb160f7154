//! A study's own text of consent: shown at the prompt before what the program says, and named in the metadata by its version and hash.
//!
//! Invariant: a text that was accepted can be shown as it is: lines of characters that no terminal obeys. Opens no file and asks nobody.

use sha2::{Digest as _, Sha256};

use crate::base::shown::steers;
use crate::privacy::fact::StudyTextFact;

/// Longest text, bytes: six pages.
pub const MAX_TEXT: usize = 16 << 10;
/// Longest version, bytes.
pub const MAX_VERSION: usize = 64;
/// Longest contact, bytes.
pub const MAX_CONTACT: usize = 256;

/// A text, its version, and who answers questions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StudyText {
    text: String,
    version: String,
    contact: Option<String>,
}

/// Why a text is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StudyTextError {
    /// There is a text and no version, or the other way round.
    #[error("the text of consent has no {missing}")]
    Missing {
        /// What is not there.
        missing: &'static str,
    },
    /// There is nothing in it.
    #[error("the {what} of consent is empty")]
    Empty {
        /// Which part.
        what: &'static str,
    },
    /// A part is longer than its bound.
    #[error("the {what} of consent has {found} bytes, more than {most}")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The bound.
        most: usize,
    },
    /// A character cannot be shown.
    #[error("the {what} of consent holds a character that cannot be shown (U+{found:04X}, in line {line})")]
    Steers {
        /// Which part.
        what: &'static str,
        /// The character.
        found: u32,
        /// Its line, from 1.
        line: usize,
    },
}

impl StudyTextError {
    /// What the person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { missing: "version" } => {
                "add `version = \"1\"` under [consent], and another one when the text changes".into()
            }
            Self::Missing { .. } => "add `text` or `text_file` under [consent], or leave the version out".into(),
            Self::Empty { .. } => "leave it out when there is nothing to say".into(),
            Self::TooLong { most, .. } => format!("at most {most} bytes; say there where the whole text is"),
            Self::Steers { .. } => "plain text: line feeds, no tabs, no other control characters".into(),
        }
    }
}

fn check(what: &'static str, text: &str, most: usize, may_break: bool) -> Result<(), StudyTextError> {
    if text.trim().is_empty() {
        return Err(StudyTextError::Empty { what });
    }
    if text.len() > most {
        return Err(StudyTextError::TooLong { what, found: text.len(), most });
    }
    let bad = text.char_indices().find(|(_, c)| steers(*c) && !(may_break && *c == '\n'));
    bad.map_or(Ok(()), |(at, c)| {
        let line = 1 + text[..at].matches('\n').count();
        Err(StudyTextError::Steers { what, found: c.into(), line })
    })
}

impl StudyText {
    /// Takes what a configuration says; `None` when it says nothing.
    ///
    /// # Errors
    /// [`StudyTextError`] when a part is missing, or cannot be shown.
    pub fn new(
        text: Option<String>,
        version: Option<String>,
        contact: Option<String>,
    ) -> Result<Option<Self>, StudyTextError> {
        let (text, version) = match (text, version) {
            (None, None) if contact.is_none() => return Ok(None),
            (None, _) => return Err(StudyTextError::Missing { missing: "text" }),
            (Some(_), None) => return Err(StudyTextError::Missing { missing: "version" }),
            (Some(text), Some(version)) => (text, version),
        };
        check("text", &text, MAX_TEXT, true)?;
        check("version", &version, MAX_VERSION, false)?;
        contact.as_deref().map_or(Ok(()), |contact| check("contact", contact, MAX_CONTACT, false))?;
        Ok(Some(Self { text, version, contact }))
    }

    /// Returns SHA-256 of the text, lowercase hex: that of the file when it stands in one.
    pub fn sha256(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.text.as_bytes()).into();
        digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or_default());
            hex.extend(digits);
            hex
        })
    }

    /// Returns the lines to show: the text, its version, and who answers questions.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let asks = self.contact.as_ref().map(|contact| format!("Questions: {contact}"));
        let version = format!("(version {} of this text)", self.version);
        self.text.trim_end().lines().map(str::to_owned).chain(asks).chain([version])
    }

    /// Returns what the log says of it.
    pub fn to_fact(&self) -> StudyTextFact {
        StudyTextFact { version: self.version.clone(), sha256: self.sha256(), contact: self.contact.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str, version: &str, contact: &str) -> Result<Option<StudyText>, StudyTextError> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        StudyText::new(some(text), some(version), some(contact))
    }

    #[test]
    fn a_text_has_a_version_and_can_be_shown() {
        assert_eq!(new("", "", ""), Ok(None));
        let text = new("We look at how people write.\n\n- für drei Jahre\n", "2026-11", "kim@example.org")
            .expect("a text")
            .expect("one");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[1..],
            ["", "- für drei Jahre", "Questions: kim@example.org", "(version 2026-11 of this text)"]
        );
        assert_eq!(new("x", "", ""), Err(StudyTextError::Missing { missing: "version" }));
        assert_eq!(new("", "1", ""), Err(StudyTextError::Missing { missing: "text" }));
        assert_eq!(new("", "", "kim"), Err(StudyTextError::Missing { missing: "text" }));
        assert_eq!(new("a\nb\u{1b}[2J", "1", ""), Err(StudyTextError::Steers { what: "text", found: 0x1b, line: 2 }));
        assert!(new("a", "1\n2", "").is_err() && new("a", "1", "k\u{202e}im").is_err() && new(" \n", "1", "").is_err());
        assert!(new(&"x".repeat(MAX_TEXT + 1), "1", "").is_err());
    }

    #[test]
    fn the_hash_is_that_of_the_text() {
        let text = new("abc", "1", "").expect("a text").expect("one");
        assert_eq!(text.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
