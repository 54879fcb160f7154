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
use super::edge::{Edge, until_ns, without};
use super::{ClipError, Progress, Work, io_error, video};
use crate::event::{Gap, Stream};
use crate::finalize::describe::Losses;
use crate::finalize::tables::TableWriter;
use crate::id::SessionId;
use crate::session::metadata::{AnchorInfo, Lineage, Metadata, SurfaceInfo, fit_drift_ppm};
use crate::session::review;
use crate::session::row::{OwnedRow, event_type, key};
use crate::session::sample_index::pts_us;
use crate::session::schema::FORMAT_VERSION;
use crate::session::verify::{VerifyOptions, verify};
use crate::session::video_check::open_video;
use crate::session::{layout, seal};
use crate::time::{MonoNs, UtcNs};

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
    super::outside(out)?;
    if out.symlink_metadata().is_ok() {
        return Err(io_error("create", out)(std::io::ErrorKind::AlreadyExists.into()));
    }
    let work = Work::begin(out)?;
    let session_id = id_of(&source, &cut)?;
    let table_path = layout::events_path(&work.path);
    let mut table = Table {
        writer: TableWriter::create(&table_path, &session_id, &[])?,
        session_id: session_id.clone(),
        cut: cut.clone(),
        first_frame_ns: None,
        window_id: String::new(),
        counted: Counted::default(),
    };
    let mut metadata = source.reader.metadata().clone();
    let mut is_empty = true;
    let (end, times) = source.walk(&cut, progress, &mut |piece| match piece {
        Piece::Begin(edge) => {
            begin(&mut metadata, edge, &cut);
            edge.begin(cut.start_ns).into_iter().try_for_each(|row| table.state(row))
        }
        Piece::Row(row) => {
            is_empty = false;
            table.push(row.clone())
        }
    })?;
    if is_empty {
        return Err(ClipError::Empty);
    }
    for row in end.end(cut.until_ns, &table.window_id.clone()) {
        table.state(row)?;
    }
    let Table { writer, counted, .. } = table;
    let summary = writer.finish()?;
    let file = std::fs::File::options().write(true).open(&table_path).map_err(io_error("open", &table_path))?;
    file.sync_all().map_err(io_error("sync", &table_path))?;

    let mut copied = None;
    if let Some(video) = source.video.as_mut().filter(|_| !times.is_empty()) {
        let frames = cut.frames.start..cut.frames.start + times.len();
        copied = Some(video::copy(video, frames, &times, &layout::frames_path(&work.path), progress)?);
    }
    let rows = summary.rows;
    let frames = times.len() as u64;
    metadata.session_id.clone_from(&session_id);
    metadata.counts = summary.counts;
    counted.tell(&mut metadata, frames, copied);
    metadata.lineage.push(Lineage {
        integrity_sha256: edition(&source)?,
        by: format!("watchcap export clip {}", env!("CARGO_PKG_VERSION")),
        format: Some(source.reader.metadata().format_version.clone()),
        what: Vec::new(),
        reason: END_REASON.to_owned(),
        from_ns: Some(cut.start_ns),
        until_ns: Some(cut.until_ns),
        masks: Vec::new(),
    });
    let json = metadata.to_json().map_err(ClipError::Json)?;
    seal::publish_bytes(&layout::metadata_path(&work.path), json.as_bytes())?;
    seal::seal(&work.path, &[], &mut |_| {})?;
    check(&work.path, progress)?;
    work.publish(out)?;
    Ok(Clipped { session_id, cut, frames, rows })
}

/// The id of the session of a part: of the time at which it begins, and of what it is. The same part of the same session has the same, so
/// that a part is a function of session and span.
///
/// # Errors
/// When the seal cannot be read.
pub fn id_of(source: &Source, cut: &Cut) -> Result<String, ClipError> {
    let mut hash = Sha256::new();
    hash.update(edition(source)?.as_bytes());
    for ns in [cut.start_ns, cut.until_ns] {
        hash.update(ns.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let begin = captured_at(source.reader.metadata(), cut.start_ns).parse::<jiff::Timestamp>();
    let ms = begin.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok()).unwrap_or(0);
    let random = digest.first_chunk().unwrap_or(&[0; 10]);
    Ok(SessionId(uuid::Builder::from_unix_timestamp_millis(ms, random).into_uuid()).to_string())
}

fn edition(source: &Source) -> Result<String, ClipError> {
    review::edition_of(&source.dir)?.ok_or_else(|| ClipError::NotSealed { path: source.dir.clone(), log: false })
}

/// The first fault of what was made.
fn check(work: &Path, progress: Progress<'_>) -> Result<(), ClipError> {
    let mut wanted = true;
    let report = verify(work, VerifyOptions::default(), &mut |path| open_video(path), &mut |at| {
        wanted &= progress(at.done, at.total);
    });
    if !wanted {
        return Err(ClipError::Cancelled);
    }
    match report.problems.first() {
        None => Ok(()),
        Some(problem) => Err(ClipError::NotWhole { what: format!("{}: {}", problem.file, problem.what) }),
    }
}

/// The metadata of what begins at `edge`: everything that the begin decides.
fn begin(metadata: &mut Metadata, edge: &Edge, cut: &Cut) {
    FORMAT_VERSION.clone_into(&mut metadata.format_version);
    metadata.captured_at = captured_at(metadata, cut.start_ns);
    metadata.clock.t0_ns = cut.start_ns;
    metadata.clock.anchors = anchors(&metadata.clock.anchors, cut);
    metadata.clock_drift_ppm = fit_drift_ppm(&metadata.clock.anchors);
    metadata.duration_ns = cut.until_ns - cut.start_ns;
    metadata.end_reason = Some(END_REASON.to_owned());
    if let Some(surface) = edge.window.as_ref().and_then(surface) {
        metadata.surface = Some(surface);
    }
    metadata.initial_state.keys = Some(edge.key_codes());
    metadata.initial_state.buttons = Some(edge.button_names());
    metadata.initial_state.pointer = edge.pointer;
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
        scale: get(key::SCALE)?.parse().ok()?,
    })
}

/// The new table, row by row.
struct Table {
    writer: TableWriter,
    session_id: String,
    cut: Cut,
    first_frame_ns: Option<i64>,
    window_id: String,
    counted: Counted,
}

impl Table {
    /// A row of the old table.
    fn push(&mut self, mut row: OwnedRow) -> Result<(), ClipError> {
        row.frame_ref = row.frame_ref.map(|frame| frame - self.cut.frames.start as i64);
        if row.event_type == event_type::FRAME {
            let t0_ns = *self.first_frame_ns.get_or_insert(row.t_ns);
            row.pts = Some(pts_us(row.t_ns, t0_ns));
        }
        self.write(row)
    }

    /// A row that states what lasts at an edge: of the last frame, at the begin of the one that it begins with.
    fn state(&mut self, mut row: OwnedRow) -> Result<(), ClipError> {
        row.frame_ref = match self.counted.frames {
            0 => self.cut.begins_with_frame.then_some(0),
            frames => Some(frames as i64 - 1),
        };
        self.write(row)
    }

    fn write(&mut self, mut row: OwnedRow) -> Result<(), ClipError> {
        self.session_id.clone_into(&mut row.session_id);
        if matches!(row.event_type.as_str(), event_type::GAP | event_type::REDACT) && until_ns(&row) > self.cut.until_ns
        {
            if row.event_type == event_type::GAP {
                row.metadata = without(&row.metadata, &[key::LOST]);
            }
            row.metadata.push_int(key::UNTIL_NS, self.cut.until_ns);
        }
        row.window_id.clone_into(&mut self.window_id);
        self.counted.take(&row);
        Ok(self.writer.push(&row.as_row())?)
    }
}

/// What the metadata count.
#[derive(Default)]
struct Counted {
    losses: Losses,
    dropped_frames: u64,
    duplicate_frames: u64,
    redacted_keys: u64,
    redacted_spans: u64,
    paused_since: Option<i64>,
    /// Time in pauses since the last frame, and between frames.
    paused_ns: (i64, i64),
    frames: u64,
}

impl Counted {
    fn take(&mut self, row: &OwnedRow) {
        let flag = |key: &str| u64::from(row.metadata.get(key).is_some());
        match row.event_type.as_str() {
            event_type::FRAME => {
                self.duplicate_frames += flag(key::DUP);
                if let Some(since) = &mut self.paused_since {
                    self.paused_ns.0 += row.t_ns - *since;
                    *since = row.t_ns;
                }
                let between = std::mem::take(&mut self.paused_ns.0);
                self.paused_ns.1 += if self.frames > 0 { between } else { 0 };
                self.frames += 1;
            }
            event_type::KEY_DOWN | event_type::KEY_UP => self.redacted_keys += flag(key::REDACTED),
            event_type::REDACT => self.redacted_spans += 1,
            event_type::PAUSE => _ = self.paused_since.get_or_insert(row.t_ns),
            event_type::RESUME => self.paused_ns.0 += self.paused_since.take().map_or(0, |since| row.t_ns - since),
            event_type::GAP => {
                let name = row.metadata.get(key::STREAM);
                // A stream that this release does not know stays in its row alone.
                let Some(stream) = Stream::ALL.into_iter().find(|stream| Some(stream.name()) == name) else { return };
                let lost = row.metadata.get(key::LOST).and_then(|lost| lost.parse().ok());
                if stream == Stream::Screen {
                    self.dropped_frames += lost.unwrap_or(0);
                }
                let reason = row.metadata.get(key::REASON).unwrap_or_default().to_owned();
                self.losses.add(&Gap { stream, reason, lost, until: MonoNs(until_ns(row)) }, MonoNs(row.t_ns));
            }
            _ => {}
        }
    }

    fn tell(&self, metadata: &mut Metadata, frames: u64, copied: Option<video::Copied>) {
        metadata.lost = self.losses.list();
        // Who did not say of the whole does not say of a part.
        metadata.dropped_frames = metadata.dropped_frames.map(|_whole| self.dropped_frames);
        metadata.duplicate_frames = self.duplicate_frames;
        metadata.frames = frames;
        metadata.privacy.redacted_keys = self.redacted_keys;
        metadata.privacy.redacted_spans = self.redacted_spans;
        // How many were skipped in this part, no row says.
        metadata.unchanged_skipped = metadata.unchanged_skipped.filter(|skipped| *skipped == 0);
        let last_us = copied.map_or(0, |copied| copied.last_us);
        let running_us = last_us - self.paused_ns.1 / 1000;
        metadata.capture_fps = (frames >= 2 && running_us > 0).then(|| (frames - 1) as f64 / (running_us as f64 / 1e6));
        metadata.bitrate_kbps = copied.filter(|copied| copied.last_us > 0).map(|copied| {
            let kbps = copied.bytes as f64 * 8.0 / 1000.0 / (copied.last_us as f64 / 1e6);
            (kbps * 1000.0).round() / 1000.0
        });
        if frames == 0 {
            metadata.codec = None;
        }
    }
}
