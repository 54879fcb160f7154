//! A recording of another program in the same published layout becomes a sealed session beside it.
//!
//! Keeps the invariants that the recording is only read, that nothing is invented (what is missing is named in the metadata, what
//! was not measured is null), and that nothing is published that does not verify, every frame decoded. The steps:
//!
//! 1. hash the files, so that the session says of which bytes it was made; check them against a seal, when there is one;
//! 2. go through all rows once ([`order::survey`]): are they of one session, are the frames numbered as they lie in the video;
//! 3. in a folder beside it: the video with the times of the rows ([`video`]), the rows in the order of time, the metadata
//!    ([`describe`]), the seal;
//! 4. verify, and publish.

pub mod describe;
mod order;
mod table;
mod video;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Holds, Step};
use crate::finalize::moov::MoovError;
use crate::finalize::tables::{TableError, TableSummary, TableWriter};
use crate::log::video::VideoError;
use crate::session::foreign_index::ForeignError;
use crate::session::metadata::{Extra, Import, Metadata};
use crate::session::reader::ReadError;
use crate::session::row::{event_type, key};
use crate::session::sample_index::MAX_SAMPLES;
use crate::session::seal::{self, SealError};
use crate::session::{derive, layout, schema};

use self::describe::{Counted, Facts};
use self::order::{FrameCursor, Ordered, Survey};
use self::table::ForeignTable;
use self::video::{Made, Source};

/// End of the name under which a session is made.
pub const WORK_SUFFIX: &str = ".importing.tmp";
/// End of the session's name.
pub const ENDING: &str = "_imported";
/// Largest metadata that are read.
const MAX_METADATA_BYTES: u64 = 16 << 20;
/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

/// What became of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
    /// The session.
    pub session: PathBuf,
    /// It was there already, made of the same bytes; or nothing was written, as asked.
    pub made: bool,
    /// Rows.
    pub rows: u64,
    /// Frames.
    pub frames: u64,
    /// Guarantees that the recording does not give; none are told when nothing was written.
    pub missing: Vec<String>,
    /// Files and columns that are not in the session.
    pub left_out: Vec<String>,
}

/// Why a recording cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no folder.
    #[error("{} is no folder", path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// It is no folder with a table of events.
    #[error("{} holds no events.parquet", path.display())]
    NoTable {
        /// Which.
        path: PathBuf,
    },
    /// It is a session of this program.
    #[error("{} was recorded by watchcap", path.display())]
    Own {
        /// Which.
        path: PathBuf,
        /// What it holds, a seal or none.
        holds: Holds,
    },
    /// Another process is at it.
    #[error("{} is being imported by another process", path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// Something has the name of the unfinished session.
    #[error("{} is in the way, and it is not what an interrupted import of this folder leaves", path.display())]
    InTheWay {
        /// What.
        path: PathBuf,
    },
    /// A file is not what its seal says.
    #[error("{} is not what its integrity.sha256 says", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// The table lacks a column without which there is no session.
    #[error("{} has no column {column}", path.display())]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A column holds something else than its name says.
    #[error("{} column {column}: expected {expected}, found {found}", path.display())]
    Column {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it should hold.
        expected: &'static str,
        /// Its type.
        found: String,
    },
    /// The table cannot be one.
    #[error("{} cannot be imported: {why}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Rows cannot be decoded.
    #[error("{} row group {group}: {why}", path.display())]
    Rows {
        /// The table.
        path: PathBuf,
        /// Which, from 0.
        group: usize,
        /// What is wrong.
        why: String,
    },
    /// A row has no time.
    #[error("{} row {row} has no t_ns", path.display())]
    NoTime {
        /// The table.
        path: PathBuf,
        /// Which, from 0.
        row: u64,
    },
    /// A row cannot be understood.
    #[error("{} row {row}: {what}", path.display())]
    Row {
        /// The table.
        path: PathBuf,
        /// Which, from 0.
        row: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Rows are of more than one session.
    #[error("{} row {row} is of another session than those before it", path.display())]
    Sessions {
        /// The table.
        path: PathBuf,
        /// Which, from 0.
        row: u64,
    },
    /// Table and metadata are of different sessions.
    #[error("events.parquet and metadata.json of {} are of different sessions", path.display())]
    OtherSession {
        /// The folder.
        path: PathBuf,
    },
    /// Rows are too far from the order of time.
    #[error("more than {rows} rows stand behind rows that are later than they")]
    Disorder {
        /// The bound.
        rows: usize,
    },
    /// More frames than a video can have.
    #[error("more than {MAX_SAMPLES} frames")]
    TooManyFrames,
    /// Frame rows are not 0, 1, 2, … in the order of time.
    #[error("row {row} is that of frame {expected} by its time, and its frame_ref is {found}")]
    FrameNumber {
        /// The row, from 0.
        row: u64,
        /// Its `frame_ref`.
        found: i64,
        /// Its place among the frame rows.
        expected: u64,
    },
    /// A row refers to a frame that is not there.
    #[error("row {row} refers to frame {frame}, and there are {frames}")]
    FrameBeyond {
        /// The row, from 0.
        row: u64,
        /// The frame.
        frame: i64,
        /// How many there are.
        frames: u64,
    },
    /// There is a video, and no row says when its frames were taken.
    #[error("the video has {frames} frames, and no row of the type frame says when they were taken")]
    NoFrameRows {
        /// How many.
        frames: u64,
    },
    /// Rows and video have another number of frames.
    #[error("the video has {video} frames, the table has rows of {table}")]
    FrameCount {
        /// In the video.
        video: u64,
        /// In the table.
        table: u64,
    },
    /// Two frames have the same time, to the microsecond, or lie hours apart.
    #[error("the video cannot have the times of the table: {0}")]
    FrameTimes(#[from] MoovError),
    /// The video cannot be imported.
    #[error("{} cannot be imported: {source}", path.display())]
    Video {
        /// The video.
        path: PathBuf,
        /// Why.
        source: ForeignError,
    },
    /// The bytes of a frame cannot be used.
    #[error("{} frame {frame}: {why}", path.display())]
    Stream {
        /// The video.
        path: PathBuf,
        /// Which, from 0.
        frame: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The metadata are no JSON object.
    #[error("{} is no JSON object", path.display())]
    Metadata {
        /// Which file.
        path: PathBuf,
    },
    /// The session does not verify.
    #[error("the session does not verify and is not published: {what}")]
    NotWhole {
        /// The first fault.
        what: String,
    },
    /// The table cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The session's table cannot be written.
    #[error(transparent)]
    Write(#[from] TableError),
    /// Its video cannot be written.
    #[error(transparent)]
    WriteVideo(#[from] VideoError),
    /// It cannot be sealed or published.
    #[error(transparent)]
    Seal(#[from] SealError),
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

impl ImportError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        const ENCODE: &str =
            "ffmpeg -i frames.mp4 -fps_mode passthrough -c:v libx264 -pix_fmt yuv420p -bf 0 -g 30 new.mp4";
        Some(match self {
            Self::NoFolder { .. } | Self::NoTable { .. } => "give the folder of one recording, with events.parquet and frames.mp4 in it".into(),
            Self::Own { path, holds } => holds.hint(path),
            Self::Busy { .. } => "wait until it is done".into(),
            Self::InTheWay { .. } => "move it away".into(),
            Self::Damaged { .. } => "take the recording from a copy; remove integrity.sha256 when it is known to be outdated".into(),
            Self::NoColumn { column: "t_ns", .. } => {
                "without the time of each event there is no session; rename the column when it has another name".into()
            }
            Self::NoColumn { .. } | Self::Column { .. } => {
                "FORMAT.md has the columns; rewrite the table with pyarrow, for example: table.set_column(…), pq.write_table(table, …)".into()
            }
            Self::NoTime { .. } | Self::Row { .. } | Self::Table { .. } => "leave such rows out, or put them right, with pyarrow".into(),
            Self::Rows { .. } => "rewrite the table with pyarrow: pq.write_table(pq.read_table(…), …, compression=\"zstd\")".into(),
            Self::Sessions { .. } => "make a folder for each session".into(),
            Self::OtherSession { .. } => "put the files together that belong together".into(),
            Self::Disorder { .. } => "sort the table by t_ns first".into(),
            Self::TooManyFrames => "cut the recording into parts".into(),
            Self::FrameNumber { .. } => "number the frame rows as the frames lie in the video, from 0".into(),
            Self::FrameBeyond { .. } => "put frame_ref right, or leave the column out: it is made from the times then".into(),
            Self::NoFrameRows { .. } => "add a row of the type frame for each frame, with its t_ns; or take the video away".into(),
            Self::FrameCount { video, table } if video > table => {
                format!("cut the video when its last frames are the ones too many: ffmpeg -i frames.mp4 -c copy -frames:v {table} new.mp4")
            }
            Self::FrameCount { .. } => "leave the rows out whose frames are not in the video".into(),
            Self::FrameTimes(_) => "each frame needs a t_ns of its own, a microsecond apart or more, and at most 70 minutes".into(),
            Self::Video { source: ForeignError::Fragmented, .. } => {
                "make a plain file of it: ffmpeg -i frames.mp4 -c copy -movflags +faststart new.mp4".into()
            }
            Self::Video { source: ForeignError::Codec { .. } | ForeignError::Reordered { .. } | ForeignError::Sets, .. } => {
                format!("encode it again: {ENCODE}")
            }
            Self::Stream { .. } | Self::NotWhole { .. } => format!("when ffmpeg plays it, encode it again: {ENCODE}"),
            Self::Metadata { .. } => "put it right, or take it away".into(),
            Self::Write(TableError::Create { .. } | TableError::Write { .. }) | Self::WriteVideo(_) | Self::Io { .. } => {
                "free some disk space or make the folder writable, then run it again".into()
            }
            Self::Read(error) => return error.hint(),
            Self::Seal(error) => return error.hint(),
            Self::Video { .. } | Self::Write(_) => return None,
        })
    }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> ImportError + use<'a> {
    move |source| ImportError::Io { action, path: path.to_path_buf(), source }
}

/// Imports the recording in `folder`. With `dry_run` everything is looked at but the pictures, and nothing is written.
///
/// # Errors
/// [`ImportError`]; nothing is left then.
pub fn import(folder: &Path, dry_run: bool, progress: &mut dyn FnMut(Step)) -> Result<Imported, ImportError> {
    if !folder.is_dir() {
        return Err(ImportError::NoFolder { path: folder.to_path_buf() });
    }
    if !layout::events_path(folder).is_file() {
        return Err(ImportError::NoTable { path: folder.to_path_buf() });
    }
    let folder = folder.canonicalize().map_err(io_error("find", folder))?;
    let held = crate::files::hold_dir(&folder).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => ImportError::Busy { path: folder.clone() },
        _ => io_error("open", &folder)(source),
    })?;
    let table = ForeignTable::open(&layout::events_path(&folder))?;
    if table.says(schema::FORMAT_VERSION_KEY) {
        return Err(ImportError::Own { holds: Holds::of(&folder), path: folder });
    }
    let listing = seal::list_files(&folder)?;
    let (files, has_integrity) = identify(&folder, progress)?;
    let work = derive::beside(&folder, WORK_SUFFIX);
    let left = find_left(&work, &files)?;
    if let Some(session) = made_before(&folder, &files) {
        let metadata = Metadata::read(&layout::metadata_path(&session)).map_err(ReadError::from)?;
        let rows = metadata.counts.values().sum();
        let (missing, left_out) = metadata.import.map(|import| (import.missing, import.left_out)).unwrap_or_default();
        return Ok(Imported { session, made: false, rows, frames: metadata.frames, missing, left_out });
    }
    let said = read_metadata(&folder)?;
    let survey = order::survey(&table, progress)?;
    let video = check(&folder, &survey)?;
    let (session_id, id_was_made) = session_id(&folder, &survey, said.as_ref(), &files)?;
    let mut left_out = table.left_out.clone();
    let known = [layout::FRAMES_FILE, layout::EVENTS_FILE, layout::METADATA_FILE];
    left_out.extend(listing.files.into_iter().filter(|name| !known.contains(&name.as_str())));
    let mut done = Imported {
        session: derive::free_name(&folder, ENDING)?,
        made: false,
        rows: survey.rows,
        frames: survey.frames.len() as u64,
        missing: Vec::new(),
        left_out: left_out.clone(),
    };
    if dry_run {
        return Ok(done);
    }
    if left {
        std::fs::remove_dir_all(&work).map_err(io_error("remove what an interrupted try left in", &work))?;
    }
    crate::files::create_private_dir(&work).map_err(io_error("create", &work))?;
    let import = Import {
        by: format!("watchcap migrate --import {}", env!("CARGO_PKG_VERSION")),
        absent_columns: table.absent.clone(),
        kept_columns: table.kept.iter().map(|(name, _)| name.clone()).collect(),
        left_out,
        files,
        reordered_rows: survey.reordered,
        ..Import::default()
    };
    let source = Recording {
        folder: &folder,
        table: &table,
        survey: &survey,
        video,
        said,
        session_id,
        id_was_made,
        has_integrity,
    };
    let made = make(source, import, &work, progress).and_then(|missing| {
        let whole = derive::fault(&work, true, &mut |at| progress(Step { what: "check", done: at.done, of: at.total }));
        whole.map_or(Ok(missing), |what| Err(ImportError::NotWhole { what }))
    });
    match made {
        Ok(missing) => done.missing = missing,
        Err(error) => {
            if let Err(left) = std::fs::remove_dir_all(&work) {
                tracing::warn!(%left, "the unfinished session could not be removed");
            }
            return Err(error);
        }
    }
    seal::publish_dir(&work, &done.session)?;
    drop(held);
    Ok(Imported { made: true, ..done })
}

/// The recording's files by their hashes, and whether it has a seal, which they agree with.
fn identify(folder: &Path, progress: &mut dyn FnMut(Step)) -> Result<(BTreeMap<String, String>, bool), ImportError> {
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |found| found.len());
    let names = [layout::EVENTS_FILE, layout::FRAMES_FILE, layout::METADATA_FILE];
    let of = names.into_iter().map(size).sum();
    let (mut files, mut done) = (BTreeMap::new(), 0);
    for name in names {
        let path = folder.join(name);
        if path.is_file() {
            let hash = seal::hash_file(&path, &mut |bytes| {
                done += bytes;
                progress(Step { what: "hash", done, of });
            })?;
            files.insert(name.to_owned(), hash.to_string());
        }
    }
    let has_integrity = layout::integrity_path(folder).is_file();
    if has_integrity {
        for entry in seal::read_integrity(folder)? {
            let path = folder.join(&entry.name);
            let found = match files.get(&entry.name) {
                Some(found) => found.clone(),
                None => seal::hash_file(&path, &mut |_| {})?.to_string(),
            };
            if found != entry.hash.to_string() {
                return Err(ImportError::Damaged { path });
            }
        }
    }
    Ok((files, has_integrity))
}

/// What a session says of the files that it was imported from.
fn imported_from(session: &Path) -> Option<BTreeMap<String, String>> {
    if layout::state_of(session) != layout::DirState::Sealed {
        return None;
    }
    Some(Metadata::read(&layout::metadata_path(session)).ok()?.import?.files)
}

/// Whether an interrupted import of these files left something.
fn find_left(work: &Path, files: &BTreeMap<String, String>) -> Result<bool, ImportError> {
    let Ok(found) = work.symlink_metadata() else { return Ok(false) };
    let unsealed = layout::state_of(work) == layout::DirState::Nothing;
    if !found.is_dir() || !(unsealed || imported_from(work).as_ref() == Some(files)) {
        return Err(ImportError::InTheWay { path: work.to_path_buf() });
    }
    Ok(true)
}

/// The session that an earlier run made of the same bytes.
fn made_before(folder: &Path, files: &BTreeMap<String, String>) -> Option<PathBuf> {
    let session = derive::beside(folder, ENDING);
    (imported_from(&session).as_ref() == Some(files)).then_some(session)
}

/// The recording's own metadata; none when it has none.
fn read_metadata(folder: &Path) -> Result<Option<Extra>, ImportError> {
    let path = layout::metadata_path(folder);
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = crate::files::read_at_most(&path, MAX_METADATA_BYTES).map_err(io_error("read", &path))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_not_an_object| ImportError::Metadata { path })
}

/// Opens the video, and checks that table and video are of the same frames.
fn check(folder: &Path, survey: &Survey) -> Result<Option<Source>, ImportError> {
    let frames = survey.frames.len() as u64;
    if let Some((frame, row)) = survey.last_ref
        && frame >= frames as i64
        && frames > 0
    {
        return Err(ImportError::FrameBeyond { row, frame, frames });
    }
    let path = layout::frames_path(folder);
    if !path.is_file() {
        return if frames == 0 { Ok(None) } else { Err(ImportError::FrameCount { video: 0, table: frames }) };
    }
    let source = Source::open(&path)?;
    let video = source.len() as u64;
    if frames == 0 && video > 0 {
        return Err(ImportError::NoFrameRows { frames: video });
    }
    if video != frames {
        return Err(ImportError::FrameCount { video, table: frames });
    }
    Ok((video > 0).then_some(source))
}

/// Which session it is: what table and metadata say; when they do not, an id made of the files' hashes.
fn session_id(
    folder: &Path,
    survey: &Survey,
    said: Option<&Extra>,
    files: &BTreeMap<String, String>,
) -> Result<(String, bool), ImportError> {
    let in_metadata = said.and_then(|said| said.get("session_id")?.as_str()).filter(|id| !id.is_empty());
    match (survey.session_id.as_deref(), in_metadata) {
        (Some(table), Some(metadata)) if table != metadata => {
            Err(ImportError::OtherSession { path: folder.to_path_buf() })
        }
        (Some(id), _) | (None, Some(id)) => Ok((id.to_owned(), false)),
        (None, None) => {
            let mut hash = Sha256::new();
            for (name, sum) in files {
                hash.update(format!("{sum}  {name}\n"));
            }
            let digest: [u8; 32] = hash.finalize().into();
            let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
            Ok((uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string(), true))
        }
    }
}

/// What is imported.
struct Recording<'a> {
    folder: &'a Path,
    table: &'a ForeignTable,
    survey: &'a Survey,
    video: Option<Source>,
    said: Option<Extra>,
    session_id: String,
    id_was_made: bool,
    has_integrity: bool,
}

/// Makes the session in `work`; answers with the guarantees that are missing.
fn make(
    from: Recording<'_>,
    mut import: Import,
    work: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<String>, ImportError> {
    let frames = &from.survey.frames;
    let video = match &from.video {
        Some(source) => {
            let path = layout::frames_path(from.folder);
            Some(video::remux(&path, source, &layout::frames_path(work), frames, progress)?)
        }
        None => None,
    };
    import.pts_off_us = video.as_ref().map(|video| video.pts_off_us);
    let mut counted = Counted::default();
    let (table, changed) = write_rows(&from, video.as_ref(), work, &mut counted, progress)?;
    import.changed_frame_refs = changed;
    let metadata = describe::describe(Facts {
        survey: from.survey,
        table: &table,
        video: video.as_ref(),
        session_id: from.session_id,
        id_was_made: from.id_was_made,
        has_integrity: from.has_integrity,
        said: from.said,
        absent_columns: &from.table.absent,
        rows: counted,
        import,
    });
    derive::finish(work, &metadata, &[])?;
    Ok(metadata.import.map(|import| import.missing).unwrap_or_default())
}

fn write_rows(
    from: &Recording<'_>,
    video: Option<&Made>,
    work: &Path,
    counted: &mut Counted,
    progress: &mut dyn FnMut(Step),
) -> Result<(TableSummary, u64), ImportError> {
    let mut writer = TableWriter::create(&layout::events_path(work), &from.session_id, &[])?;
    let mut cursor = FrameCursor::new(&from.survey.frames);
    let mut rows = Ordered::new(from.table, from.survey);
    let (mut done, mut frame) = (0, 0);
    while let Some(mut row) = rows.next()? {
        row.session_id.clone_from(&from.session_id);
        if row.event_type == event_type::FRAME {
            row.frame_ref = Some(frame as i64);
            if let Some(sample) = video.and_then(|video| video.samples.get(frame)) {
                row.pts = Some(sample.pts_us);
                row.is_keyframe = Some(sample.keyframe);
                row.metadata.push_int(key::BYTES, i64::from(sample.size));
            }
            frame += 1;
        } else {
            cursor.place(&mut row);
        }
        counted.row(&row);
        writer.push(&row.as_row())?;
        done += 1;
        if done % PROGRESS_ROWS == 0 {
            progress(Step { what: "rows", done, of: from.survey.rows });
        }
    }
    Ok((writer.finish()?, cursor.changed))
}
