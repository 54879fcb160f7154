//! An excerpt: a span for people to look at, in any video player. A folder with the pictures, the inputs as subtitles, and the rows; it is no
//! session, which a clip is ([`super::session`]).
//!
//! ```text
//! NAME_excerpt_12s500-15s000/
//!   excerpt.mp4      the frames, copied, from the keyframe at or before the first instant; time 0 is that keyframe
//!   excerpt.srt      the inputs, on the same time; players show it beside the video by its name
//!   events.parquet   the rows of that time, with the times and frame numbers of the session
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::cut::{Cut, Piece, Source};
use super::edge;
use super::session::id_of;
use super::srt::Subtitles;
use super::video;
use crate::base::io_error::IoError;
use crate::derive::clip::run::{ClipError, Progress, free_name, work_path};
use crate::session::layout;
use crate::session::table::write::TableWriter;
use crate::session::work::{Purpose, Work};

/// The video of an excerpt.
pub const EXCERPT_VIDEO: &str = "excerpt.mp4";
/// The subtitles of an excerpt; players find them by the name of the video.
pub const EXCERPT_SUBTITLES: &str = "excerpt.srt";

/// Keys of the table's key-value metadata, beside those of every table of events.
pub mod key_value {
    /// Frame of the session that is frame 0 of the excerpt; not there when it has none.
    pub const FIRST_FRAME: &str = "watchcap.excerpt.first_frame";
    /// `t_ns` of time 0 of the excerpt.
    pub const START_NS: &str = "watchcap.excerpt.start_ns";
    /// First instant that was asked for.
    pub const FROM_NS: &str = "watchcap.excerpt.from_ns";
    /// Last instant.
    pub const UNTIL_NS: &str = "watchcap.excerpt.until_ns";
}

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excerpt {
    /// Its folder.
    pub dir: PathBuf,
    /// What it holds.
    pub cut: Cut,
    /// Frames in it.
    pub frames: usize,
    /// Rows in it.
    pub rows: u64,
}

/// Makes an excerpt of the span between two instants, in a new folder inside `dir`.
///
/// # Errors
/// When the span is none, or something cannot be read or written, or `progress` says to stop; nothing is left then.
pub fn excerpt(
    source: &mut Source,
    from_ns: i64,
    until_ns: i64,
    dir: &Path,
    progress: Progress<'_>,
) -> Result<Excerpt, ClipError> {
    let cut = source.cut(from_ns, until_ns)?;
    let target = free_name(dir, &source.part_name("excerpt", &cut), "")?;
    let of = id_of(source, &cut);
    let files = [EXCERPT_VIDEO.to_owned(), EXCERPT_SUBTITLES.to_owned()];
    let purpose = Purpose { verb: "clip", of: &of, files: &files, replaces: false };
    let work = Work::begin(&work_path(&target), purpose)?;

    let mut key_values = vec![
        (key_value::START_NS.to_owned(), cut.start_ns.to_string()),
        (key_value::FROM_NS.to_owned(), cut.asked_ns.0.to_string()),
        (key_value::UNTIL_NS.to_owned(), cut.asked_ns.1.to_string()),
    ];
    if !cut.frames.is_empty() {
        key_values.push((key_value::FIRST_FRAME.to_owned(), cut.frames.start.to_string()));
    }
    let table_path = layout::events_path(work.path());
    let session_id = source.reader().metadata().session_id.clone();
    let mut table = TableWriter::create(&table_path, &session_id, &key_values)?;
    let mut subtitles = Subtitles::default();
    let (_, times) = source.walk(&cut, progress, &mut |piece| match piece {
        Piece::Begin(state) => {
            for row in &edge::begin(state, cut.start_ns) {
                subtitles.take(row);
            }
            Ok(())
        }
        Piece::Row(row) => {
            subtitles.take(row);
            Ok(table.push(&row.as_row())?)
        }
    })?;
    let rows = table.finish()?.rows;
    sync(&table_path)?;
    let text = subtitles.finish(cut.start_ns, cut.until_ns);
    write(&work.path().join(EXCERPT_SUBTITLES), text.as_bytes())?;
    if let Some(video) = source.video.as_mut().filter(|_| !times.is_empty()) {
        let frames = cut.frames.start..cut.frames.start + times.len();
        video::copy(video, frames, &times, &work.path().join(EXCERPT_VIDEO), progress)?;
    }
    work.publish(&target)?;
    Ok(Excerpt { dir: target, frames: times.len(), cut, rows })
}

fn sync(path: &Path) -> Result<(), ClipError> {
    Ok(crate::base::files::sync_file(path).map_err(IoError::at("sync", path))?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ClipError> {
    let mut file = crate::base::files::create_private_file(path).map_err(IoError::at("create", path))?;
    Ok(file.write_all(bytes).and_then(|()| file.sync_all()).map_err(IoError::at("write", path))?)
}
