//! Redacts a sealed session afterwards: makes a new session in which a span of time is masked or its keys are withheld.
//!
//! Keeps the invariants that nothing moves in time, and that what is not redacted is the same: groups of pictures without a
//! redacted frame are copied byte for byte, rows that say nothing of the span keep every value and so their hash. The old
//! session is only read. The steps:
//!
//! 1. verify the old session: a seal must not be put on what was damaged;
//! 2. in a folder beside it, under a name that is no session: video, table, metadata ([`video`], [`rows`]), seal;
//! 3. verify the new one, every frame decoded;
//! 4. give it its name, or put it in the place of the old one and delete that.
//!
//! Interrupted anywhere before 4, the old session is as it was. Deleting does not wipe a disk: what was on it may be found there
//! with other tools until it is written over.

mod rows;
pub mod span;
mod video;

use std::path::{Path, PathBuf};

use crate::finalize::moov::{self, MoovError, VideoTrack};
use crate::finalize::tables::TableError;
use crate::log::video::VideoError;
use crate::log::video_finish;
use crate::progress::Step;
use crate::session::frames::{FrameError, FrameReader};
use crate::session::metadata::{Lineage, MaskInfo, MetadataError};
use crate::session::reader::{ReadError, SessionReader};
use crate::session::schema::FORMAT_VERSION;
use crate::session::seal::{self, SealError};
use crate::session::{derive, layout, row::event_type};
use crate::shown::shell;

use self::span::{Mask, Moment, Span, SpanError};

/// End of the name under which a new session is made.
const WORK_SUFFIX: &str = ".redacting.tmp";

/// What to redact.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Begin of the span.
    pub from: Moment,
    /// Its end.
    pub to: Moment,
    /// Areas of the picture that are painted over.
    pub masks: Vec<Mask>,
    /// Withhold which keys were pressed.
    pub keys: bool,
    /// Withhold the titles of windows.
    pub titles: bool,
    /// Why, for the `redact` rows: a word in `snake_case`.
    pub reason: String,
    /// Put the new session in the place of the old one, and delete that.
    pub replace: bool,
}

/// What became of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Redacted {
    /// The new session's folder.
    pub session: PathBuf,
    /// The span on the session's clock, nanoseconds.
    pub span_ns: (i64, i64),
    /// Frames that were painted over.
    pub frames_masked: u64,
    /// Frames that were encoded anew: those of every group of pictures with a masked one.
    pub frames_encoded: u64,
    /// Key rows whose code was withheld.
    pub keys: u64,
    /// Focus rows whose title was withheld.
    pub titles: u64,
    /// Files of the old session that are not in the new one, since they cannot be redacted.
    pub left_out: Vec<String>,
}

/// Why a session cannot be redacted.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
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
    /// The old session is not what was sealed.
    #[error("{path} is not what was sealed: {what}", path = path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// The first fault.
        what: String,
    },
    /// The new session is not whole.
    #[error("the new session does not verify and is not published: {what}")]
    NotWhole {
        /// The first fault.
        what: String,
    },
    /// Nothing was asked for.
    #[error("nothing is to be redacted")]
    Nothing,
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
    /// The new video cannot be written.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// Its index cannot be made.
    #[error("cannot make the index of the video: {0}")]
    Moov(#[from] MoovError),
    /// The new table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The new session cannot be sealed or published.
    #[error(transparent)]
    Seal(#[from] SealError),
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

impl RedactError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFolder { .. } => Some(layout::FOLDER_HINT.into()),
            Self::NotSealed { path, log } => Some(layout::not_sealed_hint(path, *log)),
            Self::Damaged { path, .. } => Some(format!("see all of it with: watchcap verify {}", shell(path))),
            Self::Nothing => Some("say what: --mask X,Y,W,H for pixels, --keys for what was typed, --titles".into()),
            Self::Span(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Frame(error) => error.hint(),
            Self::Encode(error) => error.hint(),
            Self::Video(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Seal(error) => error.hint(),
            Self::Io { path, source, .. }
                if source.kind() == std::io::ErrorKind::AlreadyExists
                    && path.to_string_lossy().ends_with(WORK_SUFFIX) =>
            {
                Some("an earlier try was interrupted, or another is running: delete that folder if none is".into())
            }
            Self::NotWhole { .. } | Self::Encoder { .. } | Self::Moov(_) | Self::Io { .. } => None,
        }
    }

    /// The person asked for something that cannot be meant.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Nothing | Self::Span(_))
    }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> RedactError + use<'a> {
    move |source| RedactError::Io { action, path: path.to_path_buf(), source }
}

/// The first fault of a session; `None` when it is whole.
fn fault(session: &Path, decode: bool, what: &'static str, progress: &mut dyn FnMut(Step)) -> Option<String> {
    derive::fault(session, decode, &mut |at| progress(Step { what, done: at.done, of: at.total }))
}

/// Makes a redacted session of the one in `session`.
///
/// # Errors
/// [`RedactError`]; the old session is then as it was.
pub fn redact(session: &Path, wanted: &Wanted, progress: &mut dyn FnMut(Step)) -> Result<Redacted, RedactError> {
    if wanted.masks.is_empty() && !wanted.keys && !wanted.titles {
        return Err(RedactError::Nothing);
    }
    if !session.is_dir() {
        return Err(RedactError::NoFolder { path: session.to_path_buf() });
    }
    let state = layout::state_of(session);
    if state != layout::DirState::Sealed {
        return Err(RedactError::NotSealed { path: session.to_path_buf(), log: state == layout::DirState::Log });
    }
    let session = session.canonicalize().map_err(io_error("find", session))?;
    let old = SessionReader::open(&session)?;
    // What cannot be meant is said before the long work begins.
    let plan = Plan::of(&session, &old, wanted)?;
    if let Some(what) = fault(&session, false, "verify", progress) {
        return Err(RedactError::Damaged { path: session, what });
    }
    let work = derive::beside(&session, WORK_SUFFIX);
    crate::files::create_private_dir(&work).map_err(io_error("create", &work))?;
    let made = make(&session, &work, &old, plan, wanted, progress).and_then(|redacted| {
        fault(&work, true, "check", progress).map_or(Ok(redacted), |what| Err(RedactError::NotWhole { what }))
    });
    let redacted = match made {
        Ok(redacted) => redacted,
        Err(error) => {
            if let Err(left) = std::fs::remove_dir_all(&work) {
                tracing::warn!(%left, "the unfinished session could not be removed");
            }
            return Err(error);
        }
    };
    drop(old);
    if wanted.replace {
        seal::swap_dirs(&work, &session)?;
        std::fs::remove_dir_all(&work).map_err(io_error("delete the old session, now", &work))?;
        return Ok(Redacted { session, ..redacted });
    }
    let target = derive::free_name(&session, "_redacted")?;
    seal::publish_dir(&work, &target)?;
    Ok(Redacted { session: target, ..redacted })
}

/// What is to be done, in the session's own terms.
struct Plan {
    span: Span,
    /// The masks, pixels of the video.
    masks: Vec<MaskInfo>,
    /// The frames that are painted over.
    masked: std::ops::Range<usize>,
    video: Option<FrameReader>,
}

impl Plan {
    fn of(session: &Path, old: &SessionReader, wanted: &Wanted) -> Result<Self, RedactError> {
        let (mut first, mut last, mut frames) = (None, 0, Vec::new());
        for row in old.events().rows() {
            let row = row?;
            first.get_or_insert(row.t_ns);
            last = row.t_ns;
            if row.event_type == event_type::FRAME {
                frames.push(row.t_ns);
            }
        }
        let span = Span::of(wanted.from, wanted.to, (first.unwrap_or(0), last), &frames)?;
        let mut plan = Self { span, masks: Vec::new(), masked: 0..0, video: None };
        if old.metadata().frames > 0 {
            let video = FrameReader::open(&layout::frames_path(session))?;
            let size = video.surface();
            plan.masks = wanted.masks.iter().map(|mask| mask.place(size)).collect::<Result<_, _>>()?;
            if !plan.masks.is_empty() {
                plan.masked = span.shown(&frames);
            }
            plan.video = Some(video);
        }
        Ok(plan)
    }
}

fn make(
    session: &Path,
    work: &Path,
    old: &SessionReader,
    plan: Plan,
    wanted: &Wanted,
    progress: &mut dyn FnMut(Step),
) -> Result<Redacted, RedactError> {
    let Plan { span, masks, masked, video } = plan;
    let mut metadata = old.metadata().clone();
    // The table is written as this release does.
    let format = std::mem::replace(&mut metadata.format_version, FORMAT_VERSION.into());
    let mut redacted = Redacted {
        session: work.to_path_buf(),
        span_ns: (span.from, span.until),
        frames_masked: masked.len() as u64,
        frames_encoded: 0,
        keys: 0,
        titles: 0,
        left_out: left_out(session)?,
    };

    // The video, and which packets have another size now.
    let mut sizes = None;
    if let Some(mut reader) = video {
        let path = layout::frames_path(work);
        let made = video::rewrite(&mut reader, &path, &metadata, masked, &masks, progress)?;
        redacted.frames_encoded = made.encoded.iter().map(|range| range.len() as u64).sum();
        let track = VideoTrack {
            sets: &made.sets,
            coded: reader.index().coded,
            surface: reader.index().surface,
            nominal_frame_us: made.nominal_frame_us,
        };
        let index = moov::build(&made.samples, &track)?;
        video_finish::finish(&path, made.layout, made.data_end, &index)?;
        if let Some(encoder) = made.encoder {
            metadata.codec = Some(encoder.codec_string);
            if let Some(info) = &mut metadata.encoder {
                info.name = encoder.name;
            }
        }
        let bytes: u64 = made.samples.iter().map(|sample| u64::from(sample.size)).sum();
        let seconds = made.samples.last().map_or(0.0, |sample| sample.pts_us as f64 / 1e6);
        metadata.bitrate_kbps =
            (seconds > 0.0).then(|| (bytes as f64 * 8.0 / 1000.0 / seconds * 1000.0).round() / 1000.0);
        sizes = Some((made.encoded, made.samples));
    }

    // The table.
    let what = rows::What {
        span,
        pixels: redacted.frames_masked > 0,
        keys: wanted.keys,
        titles: wanted.titles,
        reason: &wanted.reason,
    };
    let table = rows::rewrite(old, &layout::events_path(work), &what, sizes.as_ref(), progress)?;
    (redacted.keys, redacted.titles) = (table.keys, table.titles);

    // The metadata.
    metadata.privacy.redacted_spans = table.summary.counts.get(event_type::REDACT).copied().unwrap_or(0);
    metadata.privacy.redacted_keys = table.redacted_keys;
    metadata.counts = table.summary.counts;
    if wanted.keys && old.events().groups().first().is_some_and(|g| g.span_ns.is_none_or(|(t, _)| span.from <= t)) {
        // The span begins with the recording: what was held then is in it.
        metadata.initial_state.keys = None;
    }
    metadata.lineage.push(lineage(session, format, &span, &what, masks)?);
    derive::finish(work, &metadata, &[])?;
    Ok(redacted)
}

fn lineage(
    session: &Path,
    format: String,
    span: &Span,
    what: &rows::What<'_>,
    masks: Vec<MaskInfo>,
) -> Result<Lineage, RedactError> {
    Ok(Lineage {
        integrity_sha256: derive::identity(session)?.to_string(),
        by: format!("watchcap redact {}", env!("CARGO_PKG_VERSION")),
        format: Some(format),
        what: what.names().map(str::to_owned).collect(),
        reason: what.reason.to_owned(),
        from_ns: Some(span.from),
        until_ns: Some(span.until),
        masks,
    })
}

/// Files of the old session that are not made anew: sound, PNG pictures, the review, what others put there. They may show what is
/// redacted; and a review is of what was there before.
fn left_out(session: &Path) -> Result<Vec<String>, RedactError> {
    let made = [layout::FRAMES_FILE, layout::EVENTS_FILE, layout::METADATA_FILE];
    let listing = seal::list_files(session)?;
    let review = layout::review_path(session).is_file().then(|| layout::REVIEW_FILE.to_owned());
    Ok(listing.files.into_iter().filter(|name| !made.contains(&name.as_str())).chain(review).collect())
}
