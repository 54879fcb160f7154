//! Why a session cannot be exported, and what can be done about it.

use std::path::PathBuf;

use super::Opt;
use crate::encode::EncodeError;
use crate::event::Stream;
use crate::finalize::moov::MoovError;
use crate::log::video::VideoError;
use crate::redact::span::SpanError;
use crate::session::frames::FrameError;
use crate::session::layout;
use crate::session::reader::ReadError;
use crate::session::review::ReviewError;
use crate::session::seal::SealError;
use crate::shown::shell;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The format has no such option.
    #[error("{format} does not take {}", opt.flag())]
    Option {
        /// The format.
        format: &'static str,
        /// What was asked for.
        opt: Opt,
        /// What can be asked for.
        takes: &'static [Opt],
    },
    /// Two sessions would have the same files.
    #[error("two of the sessions are named {name}, and so would be what is made of them")]
    SameName {
        /// Their name.
        name: String,
    },
    /// Two editions of one recording would have the same files.
    #[error("{} and {} are of the same recording, and names of {format} are made of its id", one.display(), other.display())]
    SameId {
        /// The format.
        format: &'static str,
        /// The one that was named first.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// The folder holds what was made of another edition of the recording.
    #[error("{} is of the same recording as {name}, of which {} holds {format} already: names are made of its id", path.display(), dir.display())]
    Edition {
        /// The format.
        format: &'static str,
        /// The session.
        path: PathBuf,
        /// Name of the other one's folder.
        name: String,
        /// The folder of the export.
        dir: PathBuf,
    },
    /// Something that no earlier export of the session in this format made has the name of a file.
    #[error("{} is there, and {}", path.display(), made_by(by.as_deref()))]
    Taken {
        /// What.
        path: PathBuf,
        /// The export that made it: its format and session.
        by: Option<String>,
    },
    /// One file cannot hold several sessions.
    #[error("{path} is one file, and {sessions} sessions are to be exported", path = path.display())]
    OneFile {
        /// The file.
        path: PathBuf,
        /// How many sessions.
        sessions: usize,
    },
    /// What is exported would lie inside a session, which is sealed.
    #[error("{path} lies inside a session", path = path.display())]
    Inside {
        /// Where it would be.
        path: PathBuf,
    },
    /// It is no folder.
    #[error("{path} is no folder", path = path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// It is no sealed session.
    #[error("{path} is no sealed session", path = path.display())]
    NotSealed {
        /// Which.
        path: PathBuf,
        /// It is a log.
        log: bool,
    },
    /// The session is not what was sealed.
    #[error("{path} is not what was sealed: {what}", path = path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// The first fault.
        what: String,
    },
    /// Consent does not cover it.
    #[error("{format} needs consent to the {stream}, which {path} does not have", stream = stream.name(), path = path.display())]
    Consent {
        /// The format.
        format: &'static str,
        /// Which stream.
        stream: Stream,
        /// The session.
        path: PathBuf,
        /// The session says no (true), or nothing.
        refused: bool,
    },
    /// There is no frame, or none is left.
    #[error("{path} has no frame that could be exported", path = path.display())]
    NoFrames {
        /// The session.
        path: PathBuf,
    },
    /// Pictures cannot have this size.
    #[error("pictures of {}x{} cannot be made {}x{}", picture.0, picture.1, asked.0, asked.1)]
    Size {
        /// The size that was asked for.
        asked: (u32, u32),
        /// The size that they have.
        picture: (u32, u32),
    },
    /// The video has another number of frames than the table.
    #[error("{path} has {found} frames, and its table {expected}", path = path.display())]
    Frames {
        /// The video.
        path: PathBuf,
        /// Frames in it.
        found: usize,
        /// Frames in the table.
        expected: usize,
    },
    /// What reviewers said cannot be read.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// Pictures cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A video cannot be written.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// Its index cannot be made.
    #[error("cannot make the index of a video: {0}")]
    Moov(#[from] MoovError),
    /// The part that was asked for is none.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// The session cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its video cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A seal cannot be read, or a file not be published.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A table cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Table {
        /// Which.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// Sessions that must have the same size do not.
    #[error("the pictures of {name} are {found_w}x{found_h}, and those of the session before are {w}x{h}", found_w = found.0, found_h = found.1, w = expected.0, h = expected.1)]
    Shapes {
        /// The session.
        name: String,
        /// Its width and height, pixels.
        found: (u32, u32),
        /// Those of the first session.
        expected: (u32, u32),
    },
    /// An MCAP file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Mcap {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ::mcap::McapError,
    },
    /// Something cannot be said in JSON.
    #[error("cannot write {path}: {source}", path = path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A file or folder cannot be worked with.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn made_by(by: Option<&str>) -> String {
    by.map_or_else(
        || "no manifest of an export names it".to_owned(),
        |by| format!("it was made by another export, as {by}"),
    )
}

impl ExportError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Option { takes: [], .. } => Some("leave it out: the format takes no options".into()),
            Self::Option { takes, .. } => {
                let flags: Vec<_> = takes.iter().map(|opt| opt.flag()).collect();
                Some(format!("leave it out; it takes {}", flags.join(", ")))
            }
            Self::Shapes { .. } => Some("export them in one size, with --resize WIDTHxHEIGHT".into()),
            Self::SameName { .. } => Some("export them into different folders".into()),
            Self::SameId { one, other, .. } => {
                let (one, other) = (one.display(), other.display());
                Some(format!("export the one that is meant, or {one} and {other} into different folders"))
            }
            Self::Edition { .. } => Some("name another folder with --out, one for each edition".into()),
            Self::Taken { by: Some(_), .. } => {
                Some("name another folder with --out: each format, and each session of this name, needs its own".into())
            }
            Self::Taken { by: None, .. } => Some("move it away, or name another place with --out".into()),
            Self::OneFile { .. } => Some("name a folder with --out".into()),
            Self::Inside { .. } => Some("name a folder beside the session with --out".into()),
            Self::NoFolder { .. } => Some(layout::FOLDER_HINT.into()),
            Self::NotSealed { path, log } => Some(layout::not_sealed_hint(path, *log)),
            Self::Damaged { path, .. } => Some(format!("see all of it with: watchcap verify {}", shell(path))),
            Self::Consent { stream, refused: true, .. } => {
                Some(format!("the person agreed to other streams only; export a format without the {}", stream.name()))
            }
            Self::Consent { .. } => Some("its metadata do not say what was agreed to, and that is no consent".into()),
            Self::NoFrames { .. } => {
                Some("look at it with `watchcap info`; widen --from and --to if you gave them".into())
            }
            Self::Size { .. } => Some("even sides, 16 to those of the picture: pictures are not made larger".into()),
            Self::Frames { path, .. } => Some(format!("see what is wrong with: watchcap verify {}", shell(path))),
            Self::Review(error) => error.hint(),
            Self::Encode(error) => error.hint(),
            Self::Video(error) => error.hint(),
            Self::Span(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Frame(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some disk space and export again: what is whole is not made again".into())
            }
            Self::Table { .. } | Self::Mcap { .. } | Self::Moov(_) | Self::Json { .. } | Self::Io { .. } => None,
        }
    }

    /// The person asked for something that cannot be meant, or has no consent.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Option { .. }
                | Self::SameName { .. }
                | Self::SameId { .. }
                | Self::OneFile { .. }
                | Self::Inside { .. }
                | Self::Consent { .. }
                | Self::Size { .. }
                | Self::Span(_)
        )
    }
}

/// An error of the file system.
pub(super) fn io_error<'a>(
    action: &'static str,
    path: &'a std::path::Path,
) -> impl FnOnce(std::io::Error) -> ExportError + use<'a> {
    move |source| ExportError::Io { action, path: path.to_path_buf(), source }
}
