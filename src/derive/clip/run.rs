//! Takes a part out of a sealed session: a frame as a picture, a span as a clip to look at, a span as a session of its own.
//!
//! Keeps the invariants that the source is only read, that no picture is encoded anew (a span begins with the keyframe at or before
//! its first instant), that no time moves, and that what is made appears under its name when it is whole, never over something that
//! is there. Parts:
//!
//! - [`mod@super::cut`]: which frames and rows, exactly, and the way through them;
//! - [`super::edge`]: what is held, active and covered at the begin;
//! - [`super::video`]: the frames, copied, with times from 0;
//! - [`super::srt`]: the inputs as subtitles;
//! - [`mod@super::still`], [`mod@super::excerpt`] (picture and excerpt for people), [`mod@super::session`] (a session).

use std::path::{Path, PathBuf};

use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::media::frames::FrameError;
use crate::media::mp4::index::IndexError;
use crate::media::mp4::writer::WriterError;
use crate::session::draft::NotWhole;
use crate::session::layout;
use crate::session::metadata::MetadataError;
use crate::session::refusal::Refusal;
use crate::session::seal::SealError;
use crate::session::span::SpanError;
use crate::session::table::read::ReadError;
use crate::session::table::write::TableError;

/// Most names that are tried for something new.
const MAX_NAMES: u32 = 1000;

/// Progress callback; the answer is whether to go on.
pub type Progress<'a> = &'a mut dyn FnMut(Step) -> bool;

/// Why a part cannot be taken out.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The session is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
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
    #[error(transparent)]
    NotWhole(#[from] NotWhole),
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
    /// Its sound cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Sound {
        /// The file.
        path: PathBuf,
        /// Why.
        source: IndexError,
    },
    /// The new video or sound cannot be written.
    #[error(transparent)]
    Write(#[from] WriterError),
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
    /// A file or folder cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl ClipError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(error) => error.hint(),
            Self::Empty => Some("widen it with --from and --to".into()),
            Self::Inside { .. } => Some("name a folder outside of it".into()),
            Self::Outside | Self::Backwards => Some("times are those that the player shows".into()),
            Self::Mismatch { .. } | Self::NotWhole(_) => Some("see what is wrong with: watchcap verify".into()),
            Self::Span(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Frame(error) => error.hint(),
            Self::Sound { source, .. } => source.hint(),
            Self::Write(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Cancelled | Self::Png { .. } | Self::Io(_) => None,
        }
    }

    /// The person asked for something that cannot be meant.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_usage(),
            Self::Backwards | Self::Outside | Self::Empty | Self::Inside { .. } | Self::Span(_) => true,
            _ => false,
        }
    }
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
pub(crate) fn free_name(dir: &Path, stem: &str, ending: &str) -> Result<PathBuf, ClipError> {
    outside(dir)?;
    for n in 1..=MAX_NAMES {
        let path = dir.join(if n == 1 { format!("{stem}{ending}") } else { format!("{stem}_{n}{ending}") });
        if crate::base::files::is_free(&path) {
            return Ok(path);
        }
    }
    let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    Err(IoError::at("find a free name in", dir)(source).into())
}

/// Returns the folder in which `target` is made.
pub(crate) fn work_path(target: &Path) -> PathBuf {
    layout::temp_path(target)
}

/// Returns a span of the session as `12s500-15s000`, seconds and milliseconds from its first row, for names. Without a dot: loaders take
/// what stands before the first one for the name of a recording.
pub(crate) fn span_name(start_ns: i64, from_ns: i64, until_ns: i64) -> String {
    let part = |t_ns: i64| {
        let ms = t_ns.saturating_sub(start_ns).max(0).saturating_add(500_000) / 1_000_000;
        format!("{}s{:03}", ms / 1000, ms % 1000)
    };
    format!("{}-{}", part(from_ns), part(until_ns))
}
