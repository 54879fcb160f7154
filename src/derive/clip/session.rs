//! A span of a session as a session of its own: sealed, with its own id, and a `lineage` that says what it was taken from.
//!
//! Keeps the invariants that every row keeps its `t_ns`, that frame *i* is the *i*-th of the part (`frame_ref`, PTS and times are
//! counted anew from its first), and that frames keep every byte. What lasts at the begin (the active window, redactions, gaps, a pause,
//! keys and buttons that are held) is stated there, and what is held at the end is released there, as the recorder does. The new
//! session is verified, every frame decoded, before it gets its name. A span in which there is nothing is none, and what a session's
//! consent does not cover is not made another session of.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::cut::{Cut, Piece, Source};
use super::edge;
use super::{sound, stills, video};
use crate::base::event::Stream;
use crate::base::id::SessionId;
use crate::base::io_error::IoError;
use crate::base::time::UtcNs;
use crate::derive::clip::run::{ClipError, Progress, work_path};
use crate::media::mp4::index::pts_us;
use crate::session::draft::Draft;
use crate::session::layout;
use crate::session::measured::{Measured, Pictures};
use crate::session::metadata::{AnchorInfo, Lineage, Loss, Metadata, SurfaceInfo, fit_drift_ppm};
use crate::session::sound::Part;
use crate::session::state::State;
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::schema::FORMAT_VERSION;
use crate::session::table::write::TableWriter;
use crate::session::work::Purpose;

/// What a session that was taken out of another one says of its end.
const END_REASON: &str = "clip";

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clipped {
    /// Its id.
    pub session_id: String,
    /// What it holds.
    pub cut: Cut,
    /// Frames in it.
    pub frames: u64,
    /// Rows in it.
    pub rows: u64,
    /// The sound in it, by file; none when the session has none.
    pub sound: Vec<(&'static str, Part)>,
    /// PNG pictures in it.
    pub pictures: u64,
}

/// Makes a session of the span between two instants of the one in `from`, both in it, in the folder `out`, which must not exist.
///
/// # Errors
/// When the span is none, something cannot be read or written, or `progress` says to stop; nothing is left then.
pub fn session(
    from: &Path,
    from_ns: i64,
    until_ns: i64,
    out: &Path,
    progress: Progress<'_>,
) -> Result<Clipped, ClipError> {
    let mut source = Source::open(from)?;
    source.check_consent()?;
    let cut = source.cut(from_ns, until_ns)?;
    crate::derive::clip::run::outside(out)?;
    if out.symlink_metadata().is_ok() {
        return Err(IoError::at("create", out)(std::io::ErrorKind::AlreadyExists.into()).into());
    }
    let session_id = id_of(&source, &cut);
    let purpose = Purpose { verb: "clip", of: &session_id, files: &[], replaces: false };
    let mut draft = Draft::begin(&work_path(out), purpose)?;
    let table_path = layout::events_path(draft.dir());
    let mut table = Table {
        writer: TableWriter::create(&table_path, &session_id, &[])?,
        session_id: session_id.clone(),
        cut: cut.clone(),
        first_frame_ns: None,
        window_id: String::new(),
        measured: Measured::default(),
    };
    let mut metadata = source.reader().metadata().clone();
    let mut is_empty = true;
    let (end, times) = source.walk(&cut, progress, &mut |piece| match piece {
        Piece::Begin(state) => {
            begin(&mut metadata, state, &cut);
            edge::begin(state, cut.start_ns).into_iter().try_for_each(|row| table.state(row))
        }
        Piece::Row(row) => {
            is_empty = false;
            table.push(row.clone())
        }
    })?;
    if is_empty {
        return Err(ClipError::Empty);
    }
    for row in edge::end(&end, cut.until_ns, &table.window_id.clone()) {
        table.state(row)?;
    }
    let Table { writer, measured, .. } = table;
    let summary = writer.finish()?;

    let mut pictures = Pictures::default();
    if let Some(video) = source.video.as_mut().filter(|_| !times.is_empty()) {
        let frames = cut.frames.start..cut.frames.start + times.len();
        pictures = video::copy(video, frames, &times, &layout::frames_path(draft.dir()), progress)?;
    }
    let sound = sound::copy(source.session.dir(), source.reader().metadata(), &cut, draft.dir())?;
    let of_whole = cut.frames.start..cut.frames.start + times.len();
    let pictures_kept = stills::bring(&mut draft, &source.session, &of_whole, &mut metadata)?;
    let rows = summary.rows;
    let frames = times.len() as u64;
    metadata.session_id.clone_from(&session_id);
    metadata.counts = summary.counts;
    metadata.clicks = summary.clicks.count();
    tell(&measured, &mut metadata, pictures);
    for (file, part) in &sound {
        part.tell(&mut metadata, file);
    }
    metadata.lineage.push(Lineage {
        integrity_sha256: source.session.identity().to_string(),
        by: format!("watchcap export clip {}", env!("CARGO_PKG_VERSION")),
        format: Some(source.reader().metadata().format_version.clone()),
        what: Vec::new(),
        reason: END_REASON.to_owned(),
        from_ns: Some(cut.start_ns),
        until_ns: Some(cut.until_ns),
        masks: Vec::new(),
        at: None,
    });
    let mut wanted = true;
    let checked = draft.seal(&metadata)?.check(true, &mut |at| wanted &= progress(at));
    if !wanted {
        return Err(ClipError::Cancelled);
    }
    checked?.publish(out)?;
    Ok(Clipped { session_id, cut, frames, rows, sound, pictures: pictures_kept })
}

/// The id of the session of a part: of the time at which it begins, and of what it is. The same part of the same session has the same, so
/// that a part is a function of session and span.
pub fn id_of(source: &Source, cut: &Cut) -> String {
    let mut hash = Sha256::new();
    hash.update(source.session.identity().to_string().as_bytes());
    for ns in [cut.start_ns, cut.until_ns] {
        hash.update(ns.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let begin = captured_at(source.reader().metadata(), cut.start_ns).parse::<jiff::Timestamp>();
    let ms = begin.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok()).unwrap_or(0);
    let random = digest.first_chunk().unwrap_or(&[0; 10]);
    SessionId(uuid::Builder::from_unix_timestamp_millis(ms, random).into_uuid()).to_string()
}

/// The metadata of what begins in this state: everything that the begin decides.
fn begin(metadata: &mut Metadata, state: &State, cut: &Cut) {
    FORMAT_VERSION.clone_into(&mut metadata.format_version);
    metadata.captured_at = captured_at(metadata, cut.start_ns);
    metadata.clock.t0_ns = cut.start_ns;
    metadata.clock.anchors = anchors(&metadata.clock.anchors, cut);
    metadata.clock_drift_ppm = fit_drift_ppm(&metadata.clock.anchors);
    metadata.duration_ns = cut.until_ns.saturating_sub(cut.start_ns);
    metadata.end_reason = Some(END_REASON.to_owned());
    if let Some(surface) = state.surface.as_deref().and_then(surface) {
        metadata.surface = Some(surface);
    }
    metadata.initial_state.keys = Some(state.keys().iter().filter_map(|press| press.key_code).collect());
    metadata.initial_state.buttons =
        Some(state.buttons().iter().filter_map(|press| press.mouse_button.clone()).collect());
    metadata.initial_state.pointer = state.pointer.map(|(x, y)| [f64::from(x), f64::from(y)]);
    if let Some(layout) = &state.layout {
        let said = |name| layout.metadata.get(name);
        metadata.initial_state.layout = said(key::LAYOUT).map(str::to_owned);
        metadata.initial_state.group = said(key::GROUP).and_then(|group| group.parse().ok());
    }
}

/// The wall clock at an instant: by the last reading before it, else by the first, else by what the old session says of its begin.
fn captured_at(metadata: &Metadata, t_ns: i64) -> String {
    let anchors = &metadata.clock.anchors;
    let before = anchors.iter().rev().find(|anchor| anchor.monotonic_ns <= t_ns).or(anchors.first());
    let known = match before {
        Some(anchor) => Some((anchor.realtime_ns, anchor.monotonic_ns)),
        None => metadata
            .captured_at
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|at| Some((i64::try_from(at.as_nanosecond()).ok()?, metadata.clock.t0_ns))),
    };
    let at = known.map(|(utc, mono)| UtcNs(utc.saturating_add(t_ns.saturating_sub(mono))));
    at.map(UtcNs::to_rfc3339).unwrap_or_default()
}

/// The readings of the clocks inside a part, and the last before and the first behind it.
fn anchors(all: &[AnchorInfo], cut: &Cut) -> Vec<AnchorInfo> {
    let first = all.iter().rposition(|anchor| anchor.monotonic_ns <= cut.start_ns).unwrap_or(0);
    let behind = all.iter().position(|anchor| anchor.monotonic_ns > cut.until_ns);
    all.get(first..behind.map_or(all.len(), |behind| behind + 1)).unwrap_or_default().to_vec()
}

/// Where the surface is, by a row about it.
fn surface(row: &OwnedRow) -> Option<SurfaceInfo> {
    let get = |key: &str| row.metadata.get(key);
    Some(SurfaceInfo {
        x: get(key::X)?.parse().ok()?,
        y: get(key::Y)?.parse().ok()?,
        width: get(key::WIDTH)?.parse().ok()?,
        height: get(key::HEIGHT)?.parse().ok()?,
        scale: get(key::SCALE).and_then(|scale| scale.parse().ok()),
    })
}

/// The new table, row by row.
struct Table {
    writer: TableWriter,
    session_id: String,
    cut: Cut,
    first_frame_ns: Option<i64>,
    window_id: String,
    measured: Measured,
}

impl Table {
    /// A row of the old table.
    fn push(&mut self, mut row: OwnedRow) -> Result<(), ClipError> {
        row.frame_ref = row.frame_ref.map(|frame| frame.saturating_sub(self.cut.frames.start as i64));
        if row.event_type == event_type::FRAME {
            let t0_ns = *self.first_frame_ns.get_or_insert(row.t_ns);
            row.pts = Some(pts_us(row.t_ns, t0_ns));
        }
        self.write(row)
    }

    /// A row that states what lasts at an edge: of the last frame, at the begin of the one that it begins with.
    fn state(&mut self, mut row: OwnedRow) -> Result<(), ClipError> {
        row.frame_ref = match self.measured.frames() {
            0 => self.cut.begins_with_frame.then_some(0),
            frames => Some(frames as i64 - 1),
        };
        self.write(row)
    }

    fn write(&mut self, mut row: OwnedRow) -> Result<(), ClipError> {
        self.session_id.clone_into(&mut row.session_id);
        if matches!(row.event_type.as_str(), event_type::GAP | event_type::REDACT) && row.until_ns() > self.cut.until_ns
        {
            if row.event_type == event_type::GAP {
                row.metadata = row.metadata.without(|name| name == key::LOST);
            }
            row.metadata.push_int(key::UNTIL_NS, self.cut.until_ns);
        }
        row.window_id.clone_into(&mut self.window_id);
        self.measured.take(&row.as_row());
        Ok(self.writer.push(&row.as_row())?)
    }
}

/// Says in the metadata what the rows and the video of the part add up to.
fn tell(measured: &Measured, metadata: &mut Metadata, pictures: Pictures) {
    // What no row tells of may lie in this part or not.
    let audio = std::mem::take(&mut metadata.lost).into_iter().filter(|loss| loss.stream == Stream::Audio.name());
    let of_sound = audio.map(|loss| Loss { count: loss.count.filter(|count| *count == 0), ..loss });
    measured.apply(metadata, pictures);
    metadata.lost.extend(of_sound.filter(|loss| loss.from_ns.is_none()));
    // How fast this part was committed, no row says.
    if let Some(timing) = &mut metadata.timing {
        (timing.commit_ms, timing.input_silence_ms, timing.behind) = (None, None, None);
    }
    // How many were skipped in this part, no row says.
    metadata.unchanged_skipped = metadata.unchanged_skipped.filter(|skipped| *skipped == 0);
    if metadata.frames == 0 {
        metadata.codec = None;
        metadata.codec_string = None;
    }
}
