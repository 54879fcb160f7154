//! Redacts a sealed session afterwards: makes a new session in which a span of time is masked, its keys are withheld, or its sound is silent.
//!
//! Keeps the invariants that nothing moves in time, and that what is not redacted is the same: groups of pictures without a
//! redacted frame are copied byte for byte, rows that say nothing of the span keep every value and so their hash. The old
//! session is only read. The steps:
//!
//! 1. verify the old session: a seal must not be put on what was damaged;
//! 2. in a folder beside it, under a name that is no session: video, table, metadata ([`super::video`], [`super::rows`]), seal;
//! 3. verify the new one, every frame decoded;
//! 4. give it its name, or put it in the place of the old one and delete that.
//!
//! Interrupted anywhere before 4, the old session is as it was. Deleting does not wipe a disk: what was on it may be found there
//! with other tools until it is written over.

use std::path::{Path, PathBuf};

pub use super::error::RedactError;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::derive::redact::sound::{Silent, rewrite as rewrite_sound};
use crate::derive::redact::{border, rows, stills};
use crate::media::frames::FrameReader;
use crate::session::draft::{Draft, SealedDraft};
use crate::session::edition;
use crate::session::layout;
use crate::session::measured::Pictures;
use crate::session::metadata::{Lineage, MaskInfo, codec_name};
use crate::session::refusal::Refusal;
use crate::session::seal::{self, FileHash, IntegrityEntry};
use crate::session::sealed::SealedSession;
use crate::session::sound;
use crate::session::stills as session_stills;
use crate::session::table::row::event_type;
use crate::session::table::schema::FORMAT_VERSION;
use crate::session::work::{self, Purpose};

use crate::session::span::{Mask, Moment, Span};

/// End of the name under which a new session is made.
const WORK_SUFFIX: &str = ".redacting.tmp";

/// What to redact.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The span; `None` is the whole session.
    pub span: Option<(Moment, Moment)>,
    /// Areas of the picture that are painted over.
    pub masks: Vec<Mask>,
    /// Withhold which keys were pressed.
    pub keys: bool,
    /// Withhold the titles of windows.
    pub titles: bool,
    /// Make the sound silent.
    pub mute: bool,
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
    /// Areas that are black, pixels of the video: those asked for, grown to the borders of the coding.
    pub masks: Vec<MaskInfo>,
    /// Until when they are, on the session's clock: the end of the last masked frame's group of pictures. `None` when no picture was masked.
    pub pixels_until_ns: Option<i64>,
    /// Frames that were painted over.
    pub frames_masked: u64,
    /// Frames that were encoded anew: those of every group of pictures with a masked one.
    pub frames_encoded: u64,
    /// Key rows whose code was withheld.
    pub keys: u64,
    /// Focus rows whose title was withheld.
    pub titles: u64,
    /// Values that another program put into rows, and that may tell what is withheld: they are left out.
    pub foreign: u64,
    /// The sound was brought along as it was: nobody asked for silence.
    pub sound_kept: bool,
    /// Packets of sound that are silent, in part or wholly, and were not.
    pub sound_packets_silenced: u64,
    /// PNG pictures that were painted over.
    pub pictures_masked: u64,
    /// Files of the old session that are not in the new one, since they cannot be redacted.
    pub left_out: Vec<String>,
}

/// Makes a redacted session of the one in `session`.
///
/// # Errors
/// [`RedactError`]; the old session is then as it was.
pub fn redact(session: &Path, wanted: &Wanted, progress: &mut dyn FnMut(Step)) -> Result<Redacted, RedactError> {
    if wanted.masks.is_empty() && !wanted.keys && !wanted.titles && !wanted.mute {
        return Err(RedactError::Nothing);
    }
    Refusal::unless_sealed(session)?;
    let session = session.canonicalize().map_err(IoError::at("find", session))?;
    let around = crate::base::files::pin(session.parent().unwrap_or(Path::new("")));
    let _around = around.map_err(IoError::at("work beside", &session))?;
    let pin =
        |dir: &Path| if wanted.replace { crate::base::files::pin(dir) } else { crate::base::files::pin_to_read(dir) };
    let _session = pin(&session).map_err(IoError::at("work in", &session))?;
    let old = SealedSession::open(&session)?;
    // What cannot be meant is said before the long work begins.
    if wanted.mute && !sound::is_there(old.metadata()) {
        return Err(RedactError::NoSound { path: session });
    }
    let plan = Plan::of(&old, wanted)?;
    old.verify(progress)?;
    let path = edition::beside(&session, WORK_SUFFIX);
    let identity = old.identity().to_string();
    let sound = if wanted.mute { Vec::new() } else { sealed_sound(&old)? };
    let purpose = Purpose { verb: "redact", of: &identity, files: &[], replaces: wanted.replace };
    if let Some(old) = work::replaced(&session, &path, purpose.verb) {
        work::finish_replacing(&session, &old)?;
    }
    let mut draft = Draft::begin(&path, purpose)?;
    let sound_kept = !sound.is_empty();
    for sound in sound {
        draft.bring(&session, sound)?;
    }
    let pictures_masked = stills::bring(&mut draft, &old, &plan.masked, &plan.masks)?;
    let (draft, redacted) = make(draft, &old, plan, wanted, progress)?;
    let made = draft.check(true, progress)?;
    drop(old);
    let session = if wanted.replace {
        made.replace(&session)?;
        session
    } else {
        made.publish_beside(&session, "_redacted")?
    };
    Ok(Redacted { session, sound_kept, pictures_masked, ..redacted })
}

/// The files of the sound of the session, which are brought along as they are.
fn sealed_sound(old: &SealedSession) -> Result<Vec<IntegrityEntry>, RedactError> {
    let files = sound::files(old.metadata());
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let entries = seal::read_integrity(old.dir())?;
    Ok(entries.into_iter().filter(|entry| files.contains(&entry.name.as_str())).collect())
}

/// What is to be done, in the session's own terms.
struct Plan {
    span: Span,
    /// Times of the first row and of the last one.
    begin_ns: i64,
    end_ns: i64,
    /// The masks, pixels of the video.
    masks: Vec<MaskInfo>,
    /// The frames that are painted over.
    masked: std::ops::Range<usize>,
    /// Until when the last of them is on the screen.
    pixels_until: Option<i64>,
    video: Option<FrameReader>,
}

impl Plan {
    fn of(old: &SealedSession, wanted: &Wanted) -> Result<Self, RedactError> {
        let (mut first, mut last, mut frames) = (None, 0, Vec::new());
        for row in old.reader().events().rows() {
            let row = row?;
            first.get_or_insert(row.t_ns);
            last = row.t_ns;
            if row.event_type == event_type::FRAME {
                frames.push(row.t_ns);
            }
        }
        let begin_ns = first.unwrap_or(0);
        let span = match wanted.span {
            Some((from, to)) => Span::of(from, to, (begin_ns, last), &frames)?,
            None => Span { from: begin_ns, until: last },
        };
        let mut plan =
            Self { span, begin_ns, end_ns: last, masks: Vec::new(), masked: 0..0, pixels_until: None, video: None };
        if old.metadata().frames > 0 {
            let video = FrameReader::open(&layout::frames_path(old.dir()))?;
            let size = video.surface();
            let placed = wanted.masks.iter().map(|mask| mask.place(size)).collect::<Result<Vec<_>, _>>()?;
            plan.masks = placed.iter().map(|mask| border::grown(mask, video.index().coded)).collect();
            if !plan.masks.is_empty() {
                plan.masked = border::to_the_end_of_the_group(&video, span.shown(&frames));
            }
            if !plan.masked.is_empty() {
                plan.pixels_until = Some(frames.get(plan.masked.end).map_or(last, |next| next - 1));
            }
            plan.video = Some(video);
        }
        Ok(plan)
    }
}

fn make(
    draft: Draft,
    old: &SealedSession,
    plan: Plan,
    wanted: &Wanted,
    progress: &mut dyn FnMut(Step),
) -> Result<(SealedDraft, Redacted), RedactError> {
    let work = draft.dir();
    let Plan { span, begin_ns, end_ns, masks, masked, pixels_until, video } = plan;
    let mut metadata = old.metadata().clone();
    // The table is written as this release does.
    let format = std::mem::replace(&mut metadata.format_version, FORMAT_VERSION.into());
    let mut redacted = Redacted {
        session: work.to_path_buf(),
        span_ns: (span.from, span.until),
        masks: masks.clone(),
        pixels_until_ns: pixels_until,
        frames_masked: masked.len() as u64,
        frames_encoded: 0,
        keys: 0,
        titles: 0,
        foreign: 0,
        sound_kept: false,
        sound_packets_silenced: 0,
        pictures_masked: 0,
        left_out: left_out(old)?,
    };

    // The video, and which packets have another size now.
    let mut sizes = None;
    if let Some(mut reader) = video {
        let path = layout::frames_path(work);
        let made = crate::derive::redact::video::rewrite(&mut reader, &path, &metadata, masked, &masks, progress)?;
        redacted.frames_encoded = made.encoded.iter().map(|range| range.len() as u64).sum();
        if let Some(encoder) = made.encoder {
            metadata.codec = codec_name(&encoder.codec_string);
            metadata.codec_string = Some(encoder.codec_string);
            if let Some(info) = &mut metadata.encoder {
                info.name = encoder.name;
            }
        }
        metadata.bitrate_kbps = Pictures::of(&made.samples).bitrate_kbps();
        sizes = Some((made.encoded, made.samples));
    }

    // The sound.
    if wanted.mute {
        let silent = Silent::of(span, (begin_ns, end_ns));
        for file in sound::files(old.metadata()) {
            let silenced = rewrite_sound(old.dir(), old.metadata(), file, silent, work, progress)?;
            redacted.sound_packets_silenced += silenced;
        }
    }

    // The table.
    let what = rows::What {
        span,
        begin_ns,
        pixels: pixels_until,
        keys: wanted.keys,
        titles: wanted.titles,
        sound: wanted.mute,
        reason: &wanted.reason,
    };
    let table = rows::rewrite(old.reader(), &layout::events_path(work), &what, sizes.as_ref(), progress)?;
    (redacted.keys, redacted.titles, redacted.foreign) = (table.keys, table.titles, table.foreign);

    // The metadata.
    metadata.privacy.redacted_spans = table.summary.counts.get(event_type::REDACT).copied().unwrap_or(0);
    metadata.privacy.redacted_keys = table.redacted_keys;
    metadata.counts = table.summary.counts;
    metadata.clicks = table.summary.clicks.count();
    if wanted.keys && table.withholds_begin {
        metadata.initial_state.keys = None;
    }
    metadata.lineage.push(lineage(old.identity(), format, &span, &what, masks));
    Ok((draft.seal(&metadata)?, redacted))
}

fn lineage(identity: FileHash, format: String, span: &Span, what: &rows::What<'_>, masks: Vec<MaskInfo>) -> Lineage {
    Lineage {
        integrity_sha256: identity.to_string(),
        by: format!("watchcap redact {}", env!("CARGO_PKG_VERSION")),
        format: Some(format),
        what: what.names().map(str::to_owned).collect(),
        reason: what.reason.to_owned(),
        from_ns: Some(span.from),
        until_ns: Some(span.until),
        masks,
        at: None,
    }
}

/// Files of the old session that are neither made anew nor brought along: pictures that its metadata do not tell of, review and annotations, what
/// others put there. They may show what is redacted; and what people said is of what was there before.
fn left_out(old: &SealedSession) -> Result<Vec<String>, RedactError> {
    let session = old.dir();
    let sound = sound::files(old.metadata());
    let made = [layout::FRAMES_FILE, layout::EVENTS_FILE, layout::METADATA_FILE];
    let made: Vec<&str> = made.into_iter().chain(sound).collect();
    let pictures = stills::frames(old.metadata());
    let is_brought =
        |name: &str| session_stills::frame_of(name).is_some_and(|frame| pictures.binary_search(&frame).is_ok());
    let listing = seal::list_files(session)?;
    let beside =
        [layout::REVIEW_FILE, layout::ANNOTATIONS_FILE].into_iter().filter(|name| session.join(name).is_file());
    let not_made = listing.files.into_iter().filter(|name| !made.contains(&name.as_str()) && !is_brought(name));
    Ok(not_made.chain(beside.map(str::to_owned)).collect())
}
