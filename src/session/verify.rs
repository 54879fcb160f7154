//! Is this session what it says it is? Every file, every row, every frame, and what each says of the others.
//!
//! Invariant: never writes, never follows a link, and goes on after a fault, so that one run names the first bad thing of
//! every kind. Decides nothing about decoding: the video is behind [`VideoCheck`]. Messages name files, rows and frames
//! and never quote what is in them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::layout::{self, DirState};
use super::metadata::{Metadata, printable};
use super::reader::EventsReader;
use super::review::Review;
use super::row::{OwnedRow, event_type, key};
use super::sample_index::pts_us;
use super::schema::{self, Version};
use super::seal::{self, FileHash};

/// Rows between two reports of progress: about 10 ms of work.
const PROGRESS_ROWS: u64 = 16_384;

/// The most different event types that are counted: 13 are known; more than this is a table made to fill memory.
const MAX_EVENT_TYPES: usize = 1024;

/// A video as `verify` needs it: an index that is in memory, and a decoder.
pub trait VideoCheck {
    /// Packets in the track, which are frames.
    fn len(&self) -> u64;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Pixels per row, as the track says.
    fn width(&self) -> u32;
    /// Rows, as the track says.
    fn height(&self) -> u32;
    /// Presentation time of a frame, microseconds from the first; `None` when there is no such frame.
    fn pts_us(&self, frame: u64) -> Option<i64>;
    /// Whether a frame is marked as one that decoding can begin with.
    fn is_keyframe(&self, frame: u64) -> bool;
    /// Bytes of its packet.
    fn size_bytes(&self, frame: u64) -> u64;
    /// Decodes a frame and throws the picture away. Called with 0, 1, 2, … in order.
    ///
    /// # Errors
    /// What is wrong with it, fit to be printed.
    fn decode(&mut self, frame: u64) -> Result<(), String>;
}

/// Opens the video of a session.
pub type OpenVideo<'a> = &'a mut dyn FnMut(&Path) -> Result<Box<dyn VideoCheck>, String>;

/// What to check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerifyOptions {
    /// Read every file and compare its SHA-256.
    pub hash_files: bool,
    /// Decode every frame.
    pub decode_frames: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { hash_files: true, decode_frames: true }
    }
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Done so far: bytes, rows or frames.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Hashing files; bytes.
    Files,
    /// Reading rows.
    Rows,
    /// Decoding frames.
    Frames,
}

/// Kinds of faults, in the order in which they are looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// There is no seal.
    NotSealed,
    /// The seal cannot be read.
    Seal,
    /// Something that is no regular file, or has a name that no session uses.
    ForeignFile,
    /// A sealed file is not there.
    MissingFile,
    /// A file is there that was not sealed.
    ExtraFile,
    /// A file holds the bytes of another one.
    SwappedFile,
    /// A file's bytes are not those that were sealed.
    ChangedFile,
    /// `metadata.json` cannot be read.
    Metadata,
    /// `events.parquet` cannot be opened, or has other columns than the format.
    Table,
    /// The table's own metadata say something else than `metadata.json`.
    TableMetadata,
    /// Rows cannot be decoded.
    Rows,
    /// A row is older than the one before it.
    Order,
    /// A row's hash is not that of its values.
    RowHash,
    /// A row is of another session.
    SessionId,
    /// Frame rows are not 0, 1, 2, ….
    FrameSequence,
    /// A row refers to another frame than the last one at or before it.
    FrameRef,
    /// `frames.mp4` cannot be opened.
    Video,
    /// Video and table have another number of frames.
    FrameCount,
    /// A frame's time in the video is not that of its row.
    FrameTime,
    /// A frame is a keyframe in one of video and table only.
    Keyframe,
    /// A packet has another size than its row says.
    FrameBytes,
    /// The video has another size than the metadata say.
    Resolution,
    /// The metadata count something else than what is there.
    Counts,
    /// A frame cannot be decoded.
    Decode,
    /// `review.jsonl` cannot be read, or holds lines that are none of this session. It is not part of what was sealed.
    Review,
}

/// The first fault of a kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    /// The file it is in.
    pub file: String,
    /// The row, from 0.
    pub row: Option<u64>,
    /// The frame, from 0.
    pub frame: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// How many of this kind there are.
    pub count: u64,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Whether there is a seal.
    pub sealed: bool,
    /// Files whose SHA-256 was compared.
    pub files_hashed: u64,
    /// Rows read.
    pub rows: u64,
    /// Frames in the video.
    pub frames: u64,
    /// Frames decoded.
    pub frames_decoded: u64,
    /// The first fault of each kind, in the order of [`Kind`].
    pub problems: Vec<Problem>,
    /// What is no fault, but worth knowing: rights of files, a log that is still there.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, kind: Kind, file: &str, row: Option<u64>, frame: Option<u64>, what: impl FnOnce() -> String) {
        if let Some(problem) = self.problems.iter_mut().find(|problem| problem.kind == kind) {
            problem.count += 1;
        } else {
            let (file, what) = (printable(file), what());
            self.problems.push(Problem { kind, file, row, frame, what, count: 1 });
        }
    }
}

/// Checks the session in `dir`.
pub fn verify(
    dir: &Path,
    options: VerifyOptions,
    open_video: OpenVideo<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Report {
    let mut report = Report { sealed: layout::state_of(dir) == DirState::Sealed, ..Report::default() };
    if !report.sealed {
        report.add(Kind::NotSealed, layout::INTEGRITY_FILE, None, None, || "the session has no seal".to_owned());
    }
    check_files(dir, options, &mut report, progress);
    // What is no regular file in its own place is not opened: no link is followed, no FIFO waited for.
    let is_plain = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let not_there = || "it is not there as a regular file".to_owned();
    let metadata_path = layout::metadata_path(dir);
    let read = if is_plain(&metadata_path) {
        Metadata::read(&metadata_path).map_err(|error| error.to_string())
    } else {
        Err(not_there())
    };
    let metadata = read.map_err(|why| report.add(Kind::Metadata, layout::METADATA_FILE, None, None, || why)).ok();
    // A session of input alone has no video; whether one is missed, the metadata say.
    let frames_path = layout::frames_path(dir);
    let is_there = std::fs::symlink_metadata(&frames_path).is_ok();
    let expects_video = metadata.as_ref().is_none_or(|metadata| metadata.frames > 0) || is_there;
    let mut video = None;
    if expects_video {
        match if is_plain(&frames_path) { open_video(&frames_path) } else { Err(not_there()) } {
            Ok(opened) => video = Some(opened),
            Err(why) => report.add(Kind::Video, layout::FRAMES_FILE, None, None, || why),
        }
    }
    let events_path = layout::events_path(dir);
    let opened = if is_plain(&events_path) {
        EventsReader::open(&events_path).map_err(|error| error.to_string())
    } else {
        Err(not_there())
    };
    match opened {
        Ok(table) => check_table(&table, metadata.as_ref(), video.as_deref(), &mut report, progress),
        Err(why) => report.add(Kind::Table, layout::EVENTS_FILE, None, None, || why),
    }
    if let Some(video) = &mut video {
        check_video(video.as_mut(), metadata.as_ref(), options, &mut report, progress);
    }
    check_review(dir, metadata.as_ref(), &mut report);
    report.problems.sort_by_key(|problem| problem.kind);
    report
}

fn check_files(dir: &Path, options: VerifyOptions, report: &mut Report, progress: &mut dyn FnMut(Progress)) {
    if layout::log_dir(dir).is_dir() {
        report.notes.push("the log is still there; it is not part of the sealed session".to_owned());
    }
    let listing = match seal::list_files(dir) {
        Ok(listing) => listing,
        Err(error) => return report.add(Kind::Seal, layout::INTEGRITY_FILE, None, None, || error.to_string()),
    };
    for path in &listing.foreign {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        report.add(Kind::ForeignFile, &name, None, None, || "it is no regular file with a plain name".to_owned());
    }
    for name in &listing.empty {
        report.add(Kind::ExtraFile, name, None, None, || "it is a folder with nothing in it".to_owned());
    }
    let mut private = listing.files.clone();
    private.extend(layout::review_path(dir).is_file().then(|| layout::REVIEW_FILE.to_owned()));
    note_rights(dir, &private, report);
    note_hard_links(dir, &listing.files, report);
    if !report.sealed {
        return;
    }
    let entries = match seal::read_integrity(dir) {
        Ok(entries) => entries,
        Err(error) => return report.add(Kind::Seal, layout::INTEGRITY_FILE, None, None, || error.to_string()),
    };
    for name in &listing.files {
        if entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).is_err() {
            report.add(Kind::ExtraFile, name, None, None, || "it is not in the seal".to_owned());
        }
    }
    let size = |name: &str| std::fs::symlink_metadata(dir.join(name)).map_or(0, |metadata| metadata.len());
    let total = if options.hash_files { entries.iter().map(|entry| size(&entry.name)).sum() } else { 0 };
    let mut done = 0;
    let mut hashes: Vec<(&str, FileHash)> = Vec::new();
    for entry in &entries {
        // What is in the listing is a regular file that is reached through no link.
        if listing.files.binary_search(&entry.name).is_err() {
            report.add(Kind::MissingFile, &entry.name, None, None, || "it is in the seal and not there".to_owned());
        } else if options.hash_files {
            let hashed = seal::hash_file(&dir.join(&entry.name), &mut |bytes| {
                done += bytes;
                progress(Progress { stage: Stage::Files, done, total });
            });
            report.files_hashed += 1;
            match hashed {
                Ok(hash) if hash == entry.hash => {}
                Ok(hash) => hashes.push((&entry.name, hash)),
                Err(error) => report.add(Kind::ChangedFile, &entry.name, None, None, || error.to_string()),
            }
        }
    }
    let sealed: BTreeMap<[u8; 32], &str> = entries.iter().map(|entry| (entry.hash.0, entry.name.as_str())).collect();
    for (name, hash) in hashes {
        match sealed.get(&hash.0) {
            Some(other) => {
                report.add(Kind::SwappedFile, name, None, None, || format!("it holds the bytes of {other}"));
            }
            None => report.add(Kind::ChangedFile, name, None, None, || "its SHA-256 is not the sealed one".to_owned()),
        }
    }
}

fn check_review(dir: &Path, metadata: Option<&Metadata>, report: &mut Report) {
    const FILE: &str = layout::REVIEW_FILE;
    let review = match Review::read_as(dir, metadata.map(|metadata| metadata.session_id.as_str())) {
        Ok(review) => review,
        Err(error) => return report.add(Kind::Review, FILE, None, None, || error.to_string()),
    };
    for (line, why) in &review.faults {
        report.add(Kind::Review, FILE, None, None, || format!("line {line}: {why}"));
    }
    for line in &review.torn {
        report.notes.push(format!("{FILE} line {line} was cut off while it was written; what it said is lost"));
    }
    if review.later > 0 {
        report.notes.push(format!("{FILE}: {} lines of a later release were passed over", review.later));
    }
    if let Some(verdict) = review.verdict().filter(|verdict| verdict.stale)
        && let Some(word) = verdict.verdict
    {
        report.notes.push(format!(
            "the verdict `{}` in {FILE} is stale: it was given on another edition of this session",
            word.word()
        ));
    }
}

#[cfg(unix)]
fn note_rights(dir: &Path, files: &[String], report: &mut Report) {
    use std::os::unix::fs::PermissionsExt as _;
    let open = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    let mut others = files.iter().filter(|name| open(&dir.join(name)));
    if open(dir) {
        report.notes.push("the directory is open to other users of this machine".to_owned());
    } else if let Some(name) = others.next() {
        let more = others.count();
        report.notes.push(format!("{name} and {more} more files are open to other users of this machine"));
    }
}

#[cfg(not(unix))]
fn note_rights(_: &Path, _: &[String], _: &mut Report) {}

/// A hard link is no fault, since backups are made of them; but who has the other name can change the file behind the seal's back.
#[cfg(unix)]
fn note_hard_links(dir: &Path, files: &[String], report: &mut Report) {
    use std::os::unix::fs::MetadataExt as _;
    let linked = |name: &&String| std::fs::symlink_metadata(dir.join(name)).is_ok_and(|found| found.nlink() > 1);
    let mut linked = files.iter().filter(linked);
    if let Some(name) = linked.next() {
        let more = match linked.count() {
            0 => String::new(),
            more => format!(" and {more} more files"),
        };
        report
            .notes
            .push(format!("{name}{more} have another name somewhere (hard link): it can be changed through that one"));
    }
}

#[cfg(not(unix))]
fn note_hard_links(_: &Path, _: &[String], _: &mut Report) {}

/// What is known of the rows so far.
#[derive(Default)]
struct RowState {
    t_ns: Option<i64>,
    /// Frame rows so far.
    frames: u64,
    duplicates: u64,
    /// `t_ns` of frame 0.
    t0_ns: i64,
    counts: BTreeMap<String, u64>,
    /// The first input row of this `t_ns`, and its frame. It is judged when the time moves on, since a frame of the very
    /// same time may stand behind it and is then the last one at or before it.
    waiting: Option<(u64, Option<i64>)>,
}

fn check_table(
    table: &EventsReader,
    metadata: Option<&Metadata>,
    video: Option<&dyn VideoCheck>,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) {
    const FILE: &str = layout::EVENTS_FILE;
    let session_id = metadata.map(|metadata| metadata.session_id.as_str());
    let version = metadata.map_or(schema::FORMAT_VERSION, |metadata| metadata.format_version.as_str());
    let known = Version::parse(version).filter(|version| version.is_known());
    if let Some(known) = known
        && (table.version() != known || table.column_count() != known.columns().len())
    {
        let (found, wanted) = (table.column_count(), known.columns().len());
        report.add(Kind::Table, FILE, None, None, || format!("{found} columns instead of {wanted}"));
    }
    if known.is_none() {
        report.notes.push(format!(
            "format {} is newer than this release knows: row hashes were not compared",
            printable(version)
        ));
    }
    for (name, expected) in [(schema::FORMAT_VERSION_KEY, Some(version)), (schema::SESSION_ID_KEY, session_id)] {
        if expected.is_some() && table.key_value(name) != expected {
            report.add(Kind::TableMetadata, FILE, None, None, || format!("{name} is not that of metadata.json"));
        }
    }
    let mut state = RowState::default();
    let mut row = OwnedRow::default();
    let mut first_id: Option<String> = None;
    let mut rows = if known.is_some() { table.rows().checked() } else { table.rows() };
    loop {
        match rows.next_into(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let at = Some(report.rows);
                report.add(Kind::Rows, FILE, at, None, || error.to_string());
                return;
            }
        }
        let at = report.rows;
        report.rows += 1;
        if at.is_multiple_of(PROGRESS_ROWS) {
            progress(Progress { stage: Stage::Rows, done: at, total: table.len() });
        }
        if row.intact == Some(false) {
            report.add(Kind::RowHash, FILE, Some(at), None, || "its hash is not that of its values".to_owned());
        }
        if row.seq != at as i64 {
            report.add(Kind::Rows, FILE, Some(at), None, || "its seq is not its place in the table".to_owned());
        }
        let expected_id = session_id.unwrap_or_else(|| first_id.get_or_insert_with(|| row.session_id.clone()));
        if row.session_id != expected_id {
            report.add(Kind::SessionId, FILE, Some(at), None, || "it is of another session".to_owned());
        }
        check_row(at, &row, video, &mut state, report);
    }
    judge_waiting(&mut state, report);
    if report.rows != table.len() {
        let (found, said) = (report.rows, table.len());
        report.add(Kind::Rows, FILE, None, None, || format!("{found} rows where the footer says {said}"));
    }
    if let Some(video) = video
        && video.len() != state.frames
    {
        let packets = video.len();
        report.add(Kind::FrameCount, layout::FRAMES_FILE, None, None, || {
            format!("{packets} packets, {} frame rows", state.frames)
        });
    }
    if let Some(metadata) = metadata {
        let counted = [
            ("frames", metadata.frames, state.frames),
            ("duplicate_frames", metadata.duplicate_frames, state.duplicates),
        ];
        for (name, said, found) in counted {
            if said != found {
                report.add(Kind::Counts, layout::METADATA_FILE, None, None, || {
                    format!("{name}: {said} instead of {found}")
                });
            }
        }
        if metadata.counts != state.counts {
            report.add(Kind::Counts, layout::METADATA_FILE, None, None, || "counts: not those of the rows".to_owned());
        }
    }
}

fn check_row(at: u64, row: &OwnedRow, video: Option<&dyn VideoCheck>, state: &mut RowState, report: &mut Report) {
    const FILE: &str = layout::EVENTS_FILE;
    if state.t_ns.is_some_and(|before| row.t_ns < before) {
        report.add(Kind::Order, FILE, Some(at), None, || "it is older than the row before it".to_owned());
    }
    if state.t_ns != Some(row.t_ns) {
        judge_waiting(state, report);
        state.t_ns = Some(row.t_ns);
    }
    if let Some(count) = state.counts.get_mut(&row.event_type) {
        *count += 1;
    } else if state.counts.len() < MAX_EVENT_TYPES {
        state.counts.insert(row.event_type.clone(), 1);
    } else {
        report.add(Kind::Rows, FILE, Some(at), None, || format!("more than {MAX_EVENT_TYPES} event types"));
    }
    if row.event_type == event_type::FRAME {
        check_frame_row(at, row, video, state, report);
    } else if event_type::is_input(&row.event_type) || row.frame_ref.is_some() {
        match state.waiting {
            Some((_, frame_ref)) if frame_ref != row.frame_ref => {
                let what = || "rows of one time refer to different frames".to_owned();
                report.add(Kind::FrameRef, FILE, Some(at), None, what);
            }
            Some(_) => {}
            None => state.waiting = Some((at, row.frame_ref)),
        }
    }
}

/// Judges the rows of the time that has now passed.
fn judge_waiting(state: &mut RowState, report: &mut Report) {
    let Some((at, frame_ref)) = state.waiting.take() else { return };
    let expected = state.frames.checked_sub(1);
    if frame_ref.map(u64::try_from) != expected.map(Ok) {
        report.add(Kind::FrameRef, layout::EVENTS_FILE, Some(at), expected, || {
            "its frame_ref is not the last frame at or before it".to_owned()
        });
    }
}

fn check_frame_row(at: u64, row: &OwnedRow, video: Option<&dyn VideoCheck>, state: &mut RowState, report: &mut Report) {
    const FILE: &str = layout::EVENTS_FILE;
    let frame = state.frames;
    state.frames += 1;
    if frame == 0 {
        state.t0_ns = row.t_ns;
    }
    if row.frame_ref.map(u64::try_from) != Some(Ok(frame)) {
        let what = || format!("its frame_ref is not {frame}");
        report.add(Kind::FrameSequence, FILE, Some(at), Some(frame), what);
    }
    state.duplicates += u64::from(row.metadata.get(key::DUP) == Some("1"));
    let pts = pts_us(row.t_ns, state.t0_ns);
    if row.pts != Some(pts) {
        let what = || format!("the row's pts is not {pts}, as its t_ns says");
        report.add(Kind::FrameTime, FILE, Some(at), Some(frame), what);
    }
    let Some(video) = video.filter(|video| frame < video.len()) else { return };
    let in_video = video.pts_us(frame);
    if in_video != Some(pts) {
        let what = || format!("the video shows it at {} us, its row says {pts} us", in_video.unwrap_or(-1));
        report.add(Kind::FrameTime, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
    if frame > 0 && in_video <= video.pts_us(frame - 1) {
        let what = || "it is not later than the frame before it".to_owned();
        report.add(Kind::FrameTime, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
    if Some(video.is_keyframe(frame)) != row.is_keyframe {
        let what = || "video and row do not agree that it is a keyframe".to_owned();
        report.add(Kind::Keyframe, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
    let size = video.size_bytes(frame);
    if row.metadata.get(key::BYTES).and_then(|text| text.parse().ok()) != Some(size) {
        let what = || format!("its packet has {size} bytes, its row says something else");
        report.add(Kind::FrameBytes, layout::FRAMES_FILE, Some(at), Some(frame), what);
    }
}

fn check_video(
    video: &mut dyn VideoCheck,
    metadata: Option<&Metadata>,
    options: VerifyOptions,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) {
    report.frames = video.len();
    if let Some(size) = metadata.and_then(|metadata| metadata.resolution)
        && (size.width, size.height) != (video.width(), video.height())
    {
        let (width, height) = (video.width(), video.height());
        report.add(Kind::Resolution, layout::FRAMES_FILE, None, None, || {
            format!("{width}x{height}, the metadata say {}x{}", size.width, size.height)
        });
    }
    if !options.decode_frames {
        return;
    }
    for frame in 0..video.len() {
        match video.decode(frame) {
            Ok(()) => report.frames_decoded += 1,
            Err(why) => report.add(Kind::Decode, layout::FRAMES_FILE, None, Some(frame), || why),
        }
        progress(Progress { stage: Stage::Frames, done: frame + 1, total: video.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presentation_times_round_half_up() {
        for (t_ns, pts) in [(0, 0), (499, 0), (500, 1), (1_499, 1), (16_666_667, 16_667), (-1, 0), (-501, -1)] {
            assert_eq!(pts_us(t_ns + 77, 77), pts, "{t_ns}");
        }
        assert_eq!(pts_us(i64::MAX, i64::MIN), 18_446_744_073_709_552);
    }

    #[test]
    fn the_first_of_a_kind_is_named_and_the_others_counted() {
        let mut report = Report::default();
        report.add(Kind::RowHash, "events.parquet", Some(7), None, || "first".into());
        report.add(Kind::RowHash, "events.parquet", Some(9), None, || "second".into());
        assert!(!report.ok());
        let text = serde_json::to_string(&report.problems).expect("json");
        assert_eq!(
            text,
            r#"[{"kind":"row_hash","file":"events.parquet","row":7,"frame":null,"what":"first","count":2}]"#
        );
    }
}
