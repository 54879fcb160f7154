//! Takes a part out of a sealed session: a frame as a picture, a span as a clip to look at, a span as a session of its own.
//!
//! Keeps the invariants that the source is only read, that no picture is encoded anew (a span begins with the keyframe at or before
//! its first instant), that no time moves, and that what is made appears under its name when it is whole, never over something that
//! is there. Parts:
//!
//! - [`mod@cut`]: which frames and rows, exactly, and the way through them;
//! - [`edge`]: what is held, active and covered at the begin;
//! - [`video`]: the frames, copied, with times from 0;
//! - [`srt`]: the inputs as subtitles;
//! - [`mod@still`], [`mod@look`] (picture and clip for people), [`mod@session`] (a session).

pub mod cut;
mod edge;
pub mod exports;
pub mod look;
pub mod session;
pub mod srt;
pub mod still;
mod video;

use std::path::{Path, PathBuf};

use crate::event::Stream;
use crate::finalize::moov::MoovError;
use crate::finalize::tables::TableError;
use crate::log::video::VideoError;
use crate::redact::span::SpanError;
use crate::session::frames::FrameError;
use crate::session::layout;
use crate::session::metadata::MetadataError;
use crate::session::reader::ReadError;
use crate::session::seal::SealError;

/// Most names that are tried for something new.
const MAX_NAMES: u32 = 1000;

/// How far it is; the answer is whether to go on.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// Why a part cannot be taken out.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// It is no folder.
    #[error("{} is no folder", path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// It is no sealed session.
    #[error("{} is no sealed session", path.display())]
    NotSealed {
        /// Which.
        path: PathBuf,
        /// It is a log.
        log: bool,
    },
    /// The session holds a stream that its consent does not cover.
    #[error("{} holds the {}, and consent to it is not there", path.display(), stream.name())]
    Consent {
        /// The session.
        path: PathBuf,
        /// Which stream.
        stream: Stream,
        /// The session says no (true), or nothing.
        refused: bool,
    },
    /// What is made would lie in a session.
    #[error("{} lies in a session, whose seal a file there would break", path.display())]
    Inside {
        /// Where.
        path: PathBuf,
    },
    /// The span ends before it begins.
    #[error("the span ends before it begins")]
    Backwards,
    /// Nothing of the session lies in the span.
    #[error("the span lies outside of the session")]
    Outside,
    /// There is no frame and no row in the span.
    #[error("there is nothing in the span: neither a frame nor an event")]
    Empty,
    /// The span is none.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// Whoever asked does not want it any more.
    #[error("cancelled")]
    Cancelled,
    /// What was made is not whole.
    #[error("what was made does not verify and is not published: {what}")]
    NotWhole {
        /// The first fault.
        what: String,
    },
    /// Frames of the table and of the video do not fit.
    #[error("table and video do not fit together: {what}")]
    Mismatch {
        /// What does not fit.
        what: &'static str,
    },
    /// The session cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Its video cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The new video cannot be written.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// Its index cannot be made.
    #[error("cannot make the index of the video: {0}")]
    Moov(#[from] MoovError),
    /// The new table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// It cannot be sealed or published.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The picture cannot be written as PNG.
    #[error("cannot write {} as PNG: {why}", path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// What the library said.
        why: String,
    },
    /// The metadata cannot be written as JSON.
    #[error("cannot write the metadata: {0}")]
    Json(serde_json::Error),
    /// A file or folder cannot be worked with.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ClipError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFolder { .. } => Some(layout::FOLDER_HINT.into()),
            Self::NotSealed { path, log } => Some(layout::not_sealed_hint(path, *log)),
            Self::Consent { refused: true, .. } => Some("the person agreed to other streams only".into()),
            Self::Consent { .. } => Some("its metadata do not say what was agreed to, and that is no consent".into()),
            Self::Empty => Some("widen it with --from and --to".into()),
            Self::Inside { .. } => Some("name a folder outside of it".into()),
            Self::Outside | Self::Backwards => Some("times are those that the player shows".into()),
            Self::Mismatch { .. } | Self::NotWhole { .. } => Some("see what is wrong with: watchcap verify".into()),
            Self::Span(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Frame(error) => error.hint(),
            Self::Video(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Cancelled | Self::Moov(_) | Self::Png { .. } | Self::Json(_) | Self::Io { .. } => None,
        }
    }

    /// The person asked for something that cannot be meant.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Backwards | Self::Outside | Self::Empty | Self::Inside { .. } | Self::Consent { .. } | Self::Span(_)
        )
    }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> ClipError + use<'a> {
    move |source| ClipError::Io { action, path: path.to_path_buf(), source }
}

/// Refuses a place inside of a session.
///
/// # Errors
/// [`ClipError::Inside`].
pub fn outside(path: &Path) -> Result<(), ClipError> {
    match layout::enclosing(path) {
        Some(_) => Err(ClipError::Inside { path: path.to_path_buf() }),
        None => Ok(()),
    }
}

/// `stem`, or with a number behind it when that is taken, and then the ending.
fn free_name(dir: &Path, stem: &str, ending: &str) -> Result<PathBuf, ClipError> {
    outside(dir)?;
    for n in 1..=MAX_NAMES {
        let path = dir.join(if n == 1 { format!("{stem}{ending}") } else { format!("{stem}_{n}{ending}") });
        if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Ok(path);
        }
    }
    let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    Err(ClipError::Io { action: "find a free name in", path: dir.to_path_buf(), source })
}

/// A folder in which something is made, next to where it will be; gone with everything in it unless it is published.
struct Work {
    path: PathBuf,
    published: bool,
}

impl Work {
    /// Makes the folder that becomes `target`.
    fn begin(target: &Path) -> Result<Self, ClipError> {
        let mut name = target.file_name().unwrap_or_default().to_os_string();
        name.push(layout::TEMP_SUFFIX);
        let path = target.with_file_name(name);
        crate::files::create_private_dir(&path).map_err(io_error("create", &path))?;
        Ok(Self { path, published: false })
    }

    /// Gives it its name, which must be free.
    fn publish(mut self, target: &Path) -> Result<(), ClipError> {
        crate::session::seal::publish_dir(&self.path, target)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, "an unfinished export could not be removed");
        }
    }
}

/// A span of the session as `12.500-15.000`, seconds from its first row, for names.
fn span_name(start_ns: i64, from_ns: i64, until_ns: i64) -> String {
    let seconds = |t_ns: i64| t_ns.saturating_sub(start_ns).max(0) as f64 / 1e9;
    format!("{:.3}-{:.3}", seconds(from_ns), seconds(until_ns))
}
