//! What people say that a session is of: its task, who takes part in it, and tags.
//!
//! Invariant: a label that was accepted is one line of text, not empty, no longer than its bound, and holds no character that a terminal
//! obeys or that hides others. So it can be shown, put into a table and handed to a trainer as it is. Pure functions.

use std::collections::BTreeMap;

use crate::base::shown::steers;

/// Longest text of a task or of a part of it, bytes: three times the longest instruction of the data sets for computer use.
pub const MAX_TASK: usize = 1024;
/// Longest name of a participant, bytes: a UUID with words before it.
pub const MAX_PARTICIPANT: usize = 64;
/// Longest key of a tag, bytes.
pub const MAX_TAG_KEY: usize = 64;
/// Longest value of a tag, bytes.
pub const MAX_TAG_VALUE: usize = 256;
/// Most subtasks that are said of a session: more than one a second for an hour.
pub const MAX_SUBTASKS: usize = 4096;
/// Most tags of a session.
pub const MAX_TAGS: usize = 32;

/// Why a label is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LabelError {
    /// There is nothing in it.
    #[error("the {what} is empty")]
    Empty {
        /// Which label.
        what: &'static str,
    },
    /// It is longer than its bound.
    #[error("the {what} has {found} bytes, more than {most}")]
    TooLong {
        /// Which label.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The bound.
        most: usize,
    },
    /// It holds a line feed, another control, or an invisible character.
    #[error("the {what} holds a character that cannot be shown (U+{found:04X})")]
    Steers {
        /// Which label.
        what: &'static str,
        /// The first such character.
        found: u32,
    },
    /// A tag is no key with a value.
    #[error("a tag is no KEY=VALUE")]
    NotATag,
    /// The key of a tag has characters that keys do not have.
    #[error("the key of a tag has other characters than letters, digits, '.', '_' and '-'")]
    TagKey,
    /// More subtasks were said of a session than are kept.
    #[error("{found} subtasks were said of the session, more than {}", MAX_SUBTASKS)]
    TooManySubtasks {
        /// How many.
        found: usize,
    },
    /// There are more tags than are kept.
    #[error("there are {found} tags, more than {MAX_TAGS}")]
    TooManyTags {
        /// How many.
        found: usize,
    },
}

impl LabelError {
    /// What the person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty { .. } => "leave it out when there is nothing to say".into(),
            Self::TooLong { most, .. } => format!("at most {most} bytes; an umlaut takes two, an emoji four"),
            Self::Steers { .. } => "write it in one line, without tabs and other control characters".into(),
            Self::NotATag => "write it like condition=baseline".into(),
            Self::TagKey => "write it like condition=baseline; spaces and other characters may be in the value".into(),
            Self::TooManySubtasks { .. } => "all words stay in the file: take longer parts".into(),
            Self::TooManyTags { .. } => "put what belongs together into one tag".into(),
        }
    }
}

fn line(what: &'static str, text: &str, most: usize) -> Result<(), LabelError> {
    if text.trim().is_empty() {
        return Err(LabelError::Empty { what });
    }
    if text.len() > most {
        return Err(LabelError::TooLong { what, found: text.len(), most });
    }
    text.chars().find(|c| steers(*c)).map_or(Ok(()), |c| Err(LabelError::Steers { what, found: c.into() }))
}

/// Checks the text of a task.
///
/// # Errors
/// [`LabelError`] when it is empty, too long or not one line.
pub fn check_task(text: &str) -> Result<(), LabelError> {
    line("task", text, MAX_TASK)
}

/// Checks the text of a part of a task.
///
/// # Errors
/// As [`check_task`].
pub fn check_subtask(text: &str) -> Result<(), LabelError> {
    line("subtask", text, MAX_TASK)
}

/// Checks a note on how a task went.
///
/// # Errors
/// As [`check_task`].
pub fn check_note(text: &str) -> Result<(), LabelError> {
    line("note", text, MAX_TASK)
}

/// Checks the name by which a study calls a participant.
///
/// # Errors
/// As [`check_task`].
pub fn check_participant(text: &str) -> Result<(), LabelError> {
    line("participant", text, MAX_PARTICIPANT)
}

/// Checks a key and its value.
///
/// # Errors
/// [`LabelError`] for the first of both that is refused.
pub fn check_tag(key: &str, value: &str) -> Result<(), LabelError> {
    line("key of a tag", key, MAX_TAG_KEY)?;
    if !key.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return Err(LabelError::TagKey);
    }
    line("value of a tag", value, MAX_TAG_VALUE)
}

/// Reads `KEY=VALUE`; the value may hold further signs of equality.
///
/// # Errors
/// [`LabelError`] when it is no tag.
pub fn parse_tag(text: &str) -> Result<(String, String), LabelError> {
    let (key, value) = text.split_once('=').ok_or(LabelError::NotATag)?;
    check_tag(key, value)?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Checks all tags of a session.
///
/// # Errors
/// [`LabelError`] for the first that is refused, or when there are too many.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), LabelError> {
    if tags.len() > MAX_TAGS {
        return Err(LabelError::TooManyTags { found: tags.len() });
    }
    tags.iter().try_for_each(|(key, value)| check_tag(key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line_that_can_be_shown() {
        let most = "ä".repeat(MAX_TASK / 2);
        for good in ["Write \"hello\" to Kim, and send it", "Öffne das Menü", "打开菜单", most.as_str()] {
            assert_eq!(check_task(good), Ok(()), "{good}");
        }
        assert_eq!(check_task(" \u{3000}"), Err(LabelError::Empty { what: "task" }));
        let long = format!("{most}a");
        assert_eq!(check_task(&long), Err(LabelError::TooLong { what: "task", found: 1025, most: 1024 }));
        for bad in ["two\nlines", "a\ttab", "\u{1b}[2J", "\u{202e}gnp", "zero\u{200b}width", "nul\0"] {
            assert!(matches!(check_task(bad), Err(LabelError::Steers { .. })), "{bad:?}");
        }
        assert_eq!(check_participant("P-017"), Ok(()));
        assert!(check_participant(&"p".repeat(65)).is_err() && check_subtask("").is_err());
    }

    #[test]
    fn tags_are_keys_with_values() {
        assert_eq!(parse_tag("condition=a=b c"), Ok(("condition".into(), "a=b c".into())));
        let bad = ["", "a", "=a", "a=", "a b=c", "ä=c", "a=\n", &format!("{}=c", "k".repeat(65))].map(parse_tag);
        assert!(bad.iter().all(Result::is_err), "{bad:?}");
        let many: BTreeMap<_, _> = (0..=MAX_TAGS).map(|n| (format!("k{n}"), "v".to_owned())).collect();
        assert_eq!(check_tags(&many), Err(LabelError::TooManyTags { found: 33 }));
        assert_eq!(check_tags(&many.into_iter().skip(1).collect()), Ok(()));
    }
}
