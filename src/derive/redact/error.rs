//! Why a session cannot be redacted, and what to do then.

use std::path::PathBuf;

use crate::base::io_error::IoError;
use crate::media::frames::FrameError;
use crate::media::mp4::writer::WriterError;
use crate::media::png::PngError;
use crate::session::draft::NotWhole;
use crate::session::metadata::MetadataError;
use crate::session::refusal::Refusal;
use crate::session::seal::SealError;
use crate::session::span::SpanError;
use crate::session::table::read::ReadError;
use crate::session::table::write::TableError;

/// Why a session cannot be redacted.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// The session is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The new session is not whole.
    #[error(transparent)]
    NotWhole(#[from] NotWhole),
    /// Nothing was asked for.
    #[error("nothing is to be redacted")]
    Nothing,
    /// Which keys are held cannot be followed.
    #[error("more than {} keys are held at once: no keyboard made these rows", crate::session::held::MAX_HELD)]
    TooManyKeys,
    /// The span is none.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// The session cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Its video cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Pictures cannot be encoded.
    #[error(transparent)]
    Encode(#[from] crate::encode::EncodeError),
    /// The metadata do not say how the video was encoded.
    #[error("the metadata do not say how the video was encoded: {what}")]
    Encoder {
        /// What is missing.
        what: &'static str,
    },
    /// There is no sound that could be silenced.
    #[error("{} has no sound", path.display())]
    NoSound {
        /// The session.
        path: std::path::PathBuf,
    },
    /// Sound cannot be silenced.
    #[error("{file} cannot be silenced: {why}")]
    Sound {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// The new video cannot be written.
    #[error(transparent)]
    Write(#[from] WriterError),
    /// The new table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The new session cannot be sealed or published.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A PNG picture cannot be painted over.
    #[error("{} cannot be painted over: {source}", path.display())]
    Png {
        /// The picture.
        path: PathBuf,
        /// What is wrong with it.
        source: PngError,
    },
    /// A file or folder cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl RedactError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(error) => error.hint(),
            Self::Nothing => Some(
                "say what: --mask X,Y,W,H for pixels, --keys for what was typed, --titles, --mute for the sound".into(),
            ),
            Self::Span(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Frame(error) => error.hint(),
            Self::Encode(error) => error.hint(),
            Self::Write(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::NoSound { .. } => Some("leave --mute out".into()),
            Self::Sound { .. } => {
                Some("leave --mute out, and delete the sound with the session when it must not be kept".into())
            }
            Self::NotWhole(_) | Self::TooManyKeys | Self::Encoder { .. } | Self::Png { .. } | Self::Io(_) => None,
        }
    }

    /// The person asked for something that cannot be meant.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Nothing | Self::NoSound { .. } | Self::Span(_))
    }
}
