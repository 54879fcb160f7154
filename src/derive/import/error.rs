//! Why a recording cannot be imported, and what can be done about it.
//!
//! Keeps the invariant that commands in hints run as they stand: paths are quoted for a shell, and ffmpeg keeps the old video beside the new one.

use std::path::{Path, PathBuf};

use crate::base::io_error::IoError;
use crate::base::shown::{renamed_then, shell};
use crate::derive::migrate::holds::Holds;
use crate::media::mp4::append::VideoError;
use crate::media::mp4::foreign::ForeignError;
use crate::media::mp4::index::MAX_SAMPLES;
use crate::media::mp4::moov::MoovError;
use crate::media::mp4::writer::WriterError;
use crate::session::seal::SealError;
use crate::session::table::read::ReadError;
use crate::session::table::write::TableError;

/// How ffmpeg encodes what can be imported.
const ENCODE: &str = "-fps_mode passthrough -c:v libx264 -pix_fmt yuv420p -bf 0 -g 30";

/// The command that makes the video anew, from a copy under another name that stays.
fn again(video: &Path, how: &str) -> String {
    let old = video.with_extension("original.mp4");
    renamed_then(video, &old, &format!("ffmpeg -i {} {how} {}", shell(&old), shell(video)))
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ")
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
    /// A value is none of its column's, or cannot be what the column means.
    #[error("{} row {row} column {column}: {what}", path.display())]
    Value {
        /// The table.
        path: PathBuf,
        /// Which row, from 0.
        row: u64,
        /// The column.
        column: String,
        /// What is wrong.
        what: String,
        /// What can be done about it.
        hint: String,
    },
    /// Positions are pixels, and nothing says how many there are.
    #[error("positions are pixels, and {what}")]
    Pixels {
        /// What is not known.
        what: String,
        /// What can be done about it.
        hint: String,
    },
    /// Frame rows are of several streams, and nothing says which are those of the video.
    #[error("frame rows are of several streams, by {key}: {}", quoted(values))]
    WhichFrames {
        /// The column or key that tells them apart.
        key: &'static str,
        /// Its values.
        values: Vec<String>,
        /// The command that names the first of them.
        command: String,
    },
    /// No frame row is of the stream that was told.
    #[error("no frame row is of that {key}; they are of {}", quoted(values))]
    NoSuchFrames {
        /// The column or key.
        key: String,
        /// Its values.
        values: Vec<String>,
    },
    /// The recording says that there was no consent.
    #[error("{} says that there was no consent to the {stream}", path.display())]
    NoConsent {
        /// Its metadata.
        path: PathBuf,
        /// The stream.
        stream: &'static str,
    },
    /// There are frame rows and no video.
    #[error("{} holds no frames.mp4, and its table rows of {frames} frames", path.display())]
    NoVideo {
        /// The folder.
        path: PathBuf,
        /// How many.
        frames: u64,
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
        /// The video.
        path: PathBuf,
        /// In the video.
        video: u64,
        /// In the table.
        table: u64,
    },
    /// Two frames have the same time, to the microsecond, or lie hours apart.
    #[error("the video cannot have the times of the table: {0}")]
    FrameTimes(MoovError),
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
        /// The recording's video.
        path: PathBuf,
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
    #[error(transparent)]
    Io(#[from] IoError),
}

impl From<WriterError> for ImportError {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::File(error) => Self::WriteVideo(error),
            // Everything else in the index was checked: its times are the table's.
            WriterError::Index { source, .. } => Self::FrameTimes(source),
        }
    }
}

impl ImportError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoFolder { .. } | Self::NoTable { .. } => "give the folder of one recording, with events.parquet and frames.mp4 in it".into(),
            Self::Own { path, holds } => holds.hint(path),
            Self::Busy { .. } => "wait until it is done".into(),
            Self::Damaged { .. } => "take the recording from a copy; remove integrity.sha256 when it is known to be outdated".into(),
            Self::NoColumn { column: "t_ns", .. } => {
                "without the time of each event there is no session; rename the column when it has another name".into()
            }
            Self::NoColumn { .. } | Self::Column { .. } => {
                "FORMAT.md has the columns; rewrite the table with pyarrow, for example: table.set_column(…), pq.write_table(table, …)".into()
            }
            Self::NoTime { .. } | Self::Row { .. } | Self::Table { .. } => "leave such rows out, or put them right, with pyarrow".into(),
            Self::Rows { .. } => "rewrite the table with pyarrow: pq.write_table(pq.read_table(…), …, compression=\"zstd\")".into(),
            Self::Value { hint, .. } | Self::Pixels { hint, .. } => hint.clone(),
            Self::WhichFrames { command, .. } => format!("say which are those of frames.mp4, for example: {command}"),
            Self::NoSuchFrames { .. } => "name one of these with --frames".into(),
            Self::NoConsent { .. } => "leave it out of --consent; what somebody did not agree to is not imported as agreed".into(),
            Self::NoVideo { path, .. } => {
                let video = shell(&path.join("frames.mp4"));
                format!("put the video there under this name: ffmpeg -i VIDEO -c copy {video}; or leave the frame rows out")
            }
            Self::Sessions { .. } => "make a folder for each session".into(),
            Self::OtherSession { .. } => "put the files together that belong together".into(),
            Self::Disorder { .. } => "sort the table by t_ns first".into(),
            Self::TooManyFrames => "cut the recording into parts".into(),
            Self::FrameNumber { .. } => "number the frame rows as the frames lie in the video, from 0".into(),
            Self::FrameBeyond { .. } => "put frame_ref right, or leave the column out: it is made from the times then".into(),
            Self::NoFrameRows { .. } => "add a row of the type frame for each frame, with its t_ns; or take the video away".into(),
            Self::FrameCount { path, video, table } if video > table => {
                let again = again(path, &format!("-c copy -frames:v {table}"));
                format!("cut the video when its last frames are the ones too many: {again}")
            }
            Self::FrameCount { .. } => "leave the rows out whose frames are not in the video".into(),
            Self::FrameTimes(_) => "each frame needs a t_ns of its own, a microsecond apart or more, and at most 70 minutes".into(),
            Self::Video { path, source: ForeignError::Fragmented | ForeignError::Container { .. } } => {
                format!("make a plain MP4 file of it: {}", again(path, "-c copy -movflags +faststart"))
            }
            Self::Video { path, source: ForeignError::Unsupported { too_large: true, .. } } => {
                format!("encode it again, smaller: {}", again(path, &format!("-vf scale=-2:1080 {ENCODE}")))
            }
            Self::Video { path, source: ForeignError::Unsupported { odd: true, .. } } => {
                // A row or column is repeated.
                let pad = "-vf 'pad=ceil(iw/2)*2:ceil(ih/2)*2'";
                format!("encode it again: {}", again(path, &format!("{pad} {ENCODE}")))
            }
            Self::Video {
                path,
                source:
                    ForeignError::Codec { .. }
                    | ForeignError::Reordered { .. }
                    | ForeignError::Sets
                    | ForeignError::Unsupported { .. },
            } => format!("encode it again: {}", again(path, ENCODE)),
            Self::Stream { path, .. } | Self::NotWhole { path, .. } | Self::Video { path, .. } => {
                format!("when ffmpeg plays it, encode it again: {}", again(path, ENCODE))
            }
            Self::Metadata { .. } => "put it right, or take it away".into(),
            Self::Write(TableError::Create { .. } | TableError::Write { .. }) | Self::WriteVideo(_) | Self::Io(_) => {
                "free some disk space or make the folder writable, then run it again".into()
            }
            Self::Read(error) => return error.hint(),
            Self::Seal(error) => return error.hint(),
            Self::Write(_) => return None,
        })
    }
}
