//! Why a recording could not start, or could not be closed, and what the person can do about it.

use std::path::PathBuf;

use super::queues::CLOSE_LIMIT;
use crate::base::event::Stream;
use crate::base::shown::shell;
use crate::capture::CaptureError;
use crate::encode::EncodeError;
use crate::log::LogError;
use crate::log::codec::MAX_FACT;
use crate::log::setup::Fact as _;
use crate::privacy::fact::PrivacyFact;
use crate::privacy::mask::OutsidePicture;

/// Why a recording could not start, or could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A source could not be opened.
    #[error("cannot record the {stream}: {source}", stream = stream.name())]
    Source {
        /// Which stream.
        stream: Stream,
        /// Why not.
        source: CaptureError,
    },
    /// Promised streams are missing.
    #[error("the {backend} input backend does not report {what}")]
    Missing {
        /// The backend.
        backend: String,
        /// What it lacks, with commas.
        what: String,
    },
    /// Windows that must not be seen cannot be masked.
    #[error("the {backend} screen backend cannot tell where notifications and excluded windows are")]
    NoMasks {
        /// The backend.
        backend: String,
        /// It can record a window alone, in whose pictures no other is.
        window_alone: bool,
    },
    /// The sign on the screen that was asked for cannot be shown.
    #[error("no sign can be shown on the screen: {source}")]
    NoSign {
        /// Why not.
        source: CaptureError,
    },
    /// A mask that was asked for is not in the picture.
    #[error(transparent)]
    MaskOutside(#[from] OutsidePicture),
    /// A statement about the recording is longer than the log has room for.
    #[error("what is to be said of the recording under `{key}` takes {bytes} bytes; {} is the most", MAX_FACT)]
    FactTooLong {
        /// Which.
        key: String,
        /// How long it is.
        bytes: usize,
    },
    /// The encoder could not be opened.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The log could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The disk has not enough room to begin.
    #[error(
        "only {} kB are free in {}; {} kB are needed to begin, so that the recording can be ended and sealed",
        free_bytes / 1000,
        path.display(),
        needed_bytes.div_ceil(1000)
    )]
    NoRoom {
        /// Where.
        path: PathBuf,
        /// Free, bytes.
        free_bytes: u64,
        /// Needed for the end of the recording and for sealing it, bytes.
        needed_bytes: u64,
    },
    /// The disk does not answer, so that the log cannot be closed; what was acknowledged before is in it.
    #[error("the disk has not answered for {} seconds: the log in {path} could not be closed", CLOSE_LIMIT.as_secs(), path = path.display())]
    Stuck {
        /// The folder of the session, or of the part that is recorded.
        path: PathBuf,
        /// What is to be sealed later: that folder, or the one above, when it is not the only part.
        to_seal: PathBuf,
    },
    /// Somebody records into the folder.
    #[error("{path} is being recorded into: {holder}", path = path.display())]
    InUse {
        /// Which.
        path: PathBuf,
        /// Who, since when.
        holder: String,
    },
    /// The session's folder could not be made.
    #[error("cannot create {path}: {source}", path = path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The end was asked for before recording began.
    #[error("stopped before anything was recorded")]
    Interrupted,
    /// The system refused a thread.
    #[error("cannot start a thread: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
}

impl RecordError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source { source, .. } => source.hint(),
            Self::Missing { what, .. } => Some(format!("go on without it with --allow-missing {what}")),
            Self::NoMasks { window_alone, .. } => {
                let alone = if *window_alone {
                    "record one window alone (--app, --window-title or --window), in whose pictures no other is; or "
                } else {
                    ""
                };
                Some(format!("{alone}record them unmasked with --allow-missing masks"))
            }
            Self::NoSign { .. } => Some("record without it with --sign off".into()),
            Self::MaskOutside(error) => Some(error.hint()),
            Self::FactTooLong { key, .. } if key == PrivacyFact::KEY => Some(
                "name fewer areas, applications and titles: a larger area, or `*` in a name, stands for many".into(),
            ),
            Self::FactTooLong { .. } => Some("use a shorter text".into()),
            Self::Encode(error) => error.hint(),
            Self::Log(error) => error.hint(),
            Self::Stuck { to_seal, .. } => {
                Some(format!("what was acknowledged is kept; seal it with: watchcap finalize {}", shell(to_seal)))
            }
            Self::NoRoom { .. } => Some("free some space, or choose another disk with --out".into()),
            Self::InUse { .. } => Some("choose another name with --session".into()),
            Self::Folder { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                    Some("a part of the path given with --out is no folder".into())
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    Some("choose a folder that can be written with --out".into())
                }
                std::io::ErrorKind::AlreadyExists => Some("choose another name with --session".into()),
                _ => None,
            },
            Self::Interrupted | Self::Thread { .. } => None,
        }
    }
}
