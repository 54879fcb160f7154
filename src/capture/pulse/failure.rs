//! Why the server does not answer as it should, and what that means for a recording.

use std::io;

use pulseaudio::protocol::{ProtocolError, PulseError};

use crate::capture::CaptureError;

/// The name of the backend.
pub(super) const NAME: &str = "pulse";

/// Why a connection cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The server closed it, or is gone.
    #[error("the sound server is gone")]
    Closed,
    /// The system failed.
    #[error("{0}")]
    Io(io::Error),
    /// The server refused what was asked.
    #[error("the sound server refused: {0}")]
    Refused(PulseError),
    /// The server says what no server says.
    #[error("the sound server is not understood: {0}")]
    Odd(String),
    /// The server is on another machine.
    #[error("the sound server is on another machine ({0}), whose clock cannot be compared")]
    Elsewhere(String),
    /// The server does not answer.
    #[error("the sound server does not answer")]
    Silent,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        match error.kind() {
            BrokenPipe | ConnectionReset | UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Io(error) => error.into(),
            ProtocolError::ServerError(refused) => Self::Refused(refused),
            other => Self::Odd(other.to_string()),
        }
    }
}

impl Failure {
    /// Returns whether the server does not know a thing by this name.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused(PulseError::NoEntity))
    }

    /// Returns it as what keeps sound from being recorded at all.
    pub(super) fn unavailable(&self) -> CaptureError {
        CaptureError::Unavailable { backend: NAME, what: "audio".into(), detail: self.to_string() }
    }
}
