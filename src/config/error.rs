//! Why the configuration cannot be used.

use std::path::PathBuf;

use crate::base::shown;

/// Longest message about a file, bytes; one that quotes a longer line is said without that line.
const MAX_MESSAGE: usize = 1000;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path} is no configuration: {detail}", path = path.display())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What is wrong, with its line.
        detail: String,
    },
    /// The system's file consents for people.
    #[error("{path} has consent, which each person gives for their own", path = path.display())]
    ForOthers {
        /// Which.
        path: PathBuf,
    },
}

impl ConfigError {
    /// What the person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::Other => {
                "make it your own (chown, chmod go-w), or name another with --config"
            }
            Self::Io { .. } => "mend the file, or name another with --config",
            Self::Invalid { .. } => "`watchcap config check` says all that is wrong with it; --config names another",
            Self::ForOthers { .. } => "take `consent` out of it; `watchcap consent grant` is for a person's own file",
        }
    }
}

/// What a parser says of a text, with the line; the line itself is quoted when it is short.
pub(super) fn quoted_at_most(text: &str, error: &toml::de::Error) -> String {
    let whole = error.to_string();
    if whole.len() <= MAX_MESSAGE {
        return whole;
    }
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    format!("line {line}: {}", shown::short(error.message(), MAX_MESSAGE))
}
