//! Why a session cannot be exported, and what can be done about it.

use std::path::PathBuf;

use super::opt::Opt;
use crate::base::io_error::IoError;
use crate::base::shown::shell;
use crate::derive::join::error::JoinError;
use crate::encode::EncodeError;
use crate::media::frames::FrameError;
use crate::media::mp4::writer::WriterError;
use crate::session::annotations::AnnotationError;
use crate::session::refusal::Refusal;
use crate::session::review::ReviewError;
use crate::session::seal::SealError;
use crate::session::span::SpanError;
use crate::session::table::read::ReadError;

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
    /// An earlier export of the session was made in another way.
    #[error("{} is there: {format} of {name} with other options ({})", path.display(), other.join(", "))]
    OtherOptions {
        /// The manifest of the earlier export.
        path: PathBuf,
        /// The format.
        format: String,
        /// Name of the session's folder.
        name: String,
        /// Names of the options that were other ones.
        other: Vec<String>,
    },
    /// An earlier export is of another session that has the same name.
    #[error("{} is there: {format} of another session that is named {name}", path.display())]
    OtherSession {
        /// The manifest of the earlier export.
        path: PathBuf,
        /// The format.
        format: String,
        /// Name of both sessions' folders.
        name: String,
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
    /// The session is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The parts of a recording cannot be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// There is no frame, or none is left.
    #[error("{path} has no frame that could be exported", path = path.display())]
    NoFrames {
        /// The session.
        path: PathBuf,
    },
    /// It has more steps than a video has frames.
    #[error("{path} has more than {most} steps at {fps} per second", path = path.display())]
    TooLong {
        /// The session.
        path: PathBuf,
        /// Steps per second.
        fps: u32,
        /// How many are possible.
        most: usize,
    },
    /// What was done is not known, in any step or in one dimension.
    #[error("{path}: in none of its {steps} steps is {} known", never.as_deref().unwrap_or("all of the action"), path = path.display())]
    Unknown {
        /// The session.
        path: PathBuf,
        /// How many steps it has.
        steps: usize,
        /// The first dimension of an action that is never known.
        never: Option<String>,
    },
    /// It falls to too many pieces.
    #[error("{path} has {episodes} episodes, and {most} are possible", path = path.display())]
    Pieces {
        /// The session.
        path: PathBuf,
        /// How many there are.
        episodes: usize,
        /// How many are possible.
        most: usize,
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
    /// There is no step of which everything is known.
    #[error("{path}: in none of its {steps} steps is everything known that was done", path = path.display())]
    NothingKnown {
        /// The session.
        path: PathBuf,
        /// How many steps it has.
        steps: usize,
    },
    /// The bytes of a frame cannot be taken apart.
    #[error("frame {frame} of the video is damaged: its NAL units do not fit it")]
    Unit {
        /// Which.
        frame: usize,
    },
    /// What reviewers said cannot be read.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// What was said of the session after sealing cannot be read.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// Pictures cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A video cannot be written.
    #[error(transparent)]
    Write(#[from] WriterError),
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
    /// Sessions whose actions must have the same dimensions do not.
    #[error("the input of {name} was taken from a source that reports other things than that of the session before")]
    Dimensions {
        /// The session.
        name: String,
    },
    /// An MCAP file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Mcap {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ::mcap::McapError,
    },
    /// A file of sound cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Sound {
        /// Which.
        path: PathBuf,
        /// Why.
        source: crate::media::mp4::index::IndexError,
    },
    /// A packet of sound cannot be decoded, or has no head.
    #[error("packet {packet} of the sound is damaged")]
    SoundUnit {
        /// Which.
        packet: usize,
    },
    /// The metadata do not say when a file of sound begins.
    #[error("the metadata do not say when the sound of {path} begins", path = path.display())]
    SoundTime {
        /// Which.
        path: PathBuf,
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
    #[error(transparent)]
    Io(#[from] IoError),
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
            Self::Dimensions { .. } => {
                Some("one source reports wheels and the other does not: take keys alone, with --keys KeyW,KeyA, or export them apart".into())
            }
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
            Self::OtherOptions { .. } | Self::OtherSession { .. } => {
                Some("name another folder with --out, or add --replace, which removes what is there".into())
            }
            Self::OneFile { .. } => Some("name a folder with --out".into()),
            Self::Inside { .. } => Some("name a folder beside the session with --out".into()),
            Self::Refused(error) => error.hint(),
            Self::Join(error) => error.hint(),
            Self::NoFrames { .. } => {
                Some("look at it with `watchcap info`; widen --from and --to if you gave them".into())
            }
            Self::Unknown { .. } => Some(
                "take what is known into the action: --keys KeyW,KeyA for keys alone, --mouse for the mouse alone, --pointer for places instead of motion".into(),
            ),
            Self::Pieces { .. } => Some(
                "every step of which something is not known ends an episode: keep these with --keep-unknown, or take what is known into \
                 the action, with --keys or --pointer"
                    .into(),
            ),
            Self::TooLong { .. } => Some("export a part with --from and --to, or fewer steps with --fps".into()),
            Self::NothingKnown { .. } => {
                Some("keep them with --keep-unknown, or export actions: what is not known is null there".into())
            }
            Self::Size { .. } => Some("even sides, 16 to those of the picture: pictures are not made larger".into()),
            Self::Frames { path, .. } => Some(format!("see what is wrong with: watchcap verify {}", shell(path))),
            Self::Review(error) => error.hint(),
            Self::Annotations(error) => error.hint(),
            Self::Encode(error) => error.hint(),
            Self::Write(error) => error.hint(),
            Self::Span(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Frame(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some disk space and export again: what is whole is not made again".into())
            }
            Self::Sound { .. } | Self::SoundUnit { .. } | Self::SoundTime { .. } => Some("leave it out, without --sound".into()),
            Self::Unit { .. }
            | Self::Table { .. }
            | Self::Mcap { .. }
            | Self::Json { .. }
            | Self::Io(_) => None,
        }
    }

    /// Whether the place that is written to takes nothing more, so that no other session can be exported either.
    pub fn is_of_the_place(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem);
            }
            cause = error.source();
        }
        false
    }

    /// The person asked for something that cannot be meant, or has no consent.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Refused(refusal) => return refusal.is_usage(),
            Self::Join(error) => return error.is_usage(),
            _ => {}
        }
        matches!(
            self,
            Self::Option { .. }
                | Self::SameName { .. }
                | Self::SameId { .. }
                | Self::OneFile { .. }
                | Self::Inside { .. }
                | Self::Size { .. }
                | Self::Span(_)
        )
    }
}
