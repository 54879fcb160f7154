//! Reads back what was sealed, before the log that it was made of is deleted.
//!
//! What it protects from: a table or an index that cannot be read (a fault of a writer, a disk that kept something else than it was
//! given), and files that do not belong together. It looks at every file's place and name, at the metadata, at the whole index, at the
//! table's footer and, in full (hash, order, reference, time in the video), at the rows of up to [`GROUPS`] row groups. It does not
//! hash files again: those hashes were made from the same bytes a moment ago. `verify` looks at everything. Writes nothing.

use std::path::Path;

use crate::session::layout;
use crate::session::metadata::{Metadata, MetadataError};
use crate::session::reader::{EventsReader, ReadError};
use crate::session::row::{OwnedRow, event_type, key};
use crate::session::sample_index::{self, IndexError, VideoIndex, pts_us};
use crate::session::schema;
use crate::session::seal::{self, SealError};

/// Row groups that are read in full, spread from the first to the last: half a million rows, 0.4 s on one core. All of a recording of
/// eight minutes at 1000 inputs a second.
pub const GROUPS: usize = 4;

/// What is wrong with a sealed session.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The metadata.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The table.
    #[error(transparent)]
    Table(#[from] ReadError),
    /// The video cannot be opened.
    #[error("cannot open the video: {0}")]
    Open(std::io::Error),
    /// The video's index.
    #[error("the video: {0}")]
    Video(#[from] IndexError),
    /// Two things say something different.
    #[error("{what}: {found} instead of {expected}")]
    Differs {
        /// What.
        what: &'static str,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// A row is not what it should be.
    #[error("row {row}: {what}")]
    Row {
        /// Its index.
        row: u64,
        /// What is wrong.
        what: &'static str,
    },
}

fn same<T: PartialEq + std::fmt::Debug>(what: &'static str, found: &T, expected: &T) -> Result<(), CheckError> {
    if found == expected {
        return Ok(());
    }
    Err(CheckError::Differs { what, found: format!("{found:?}"), expected: format!("{expected:?}") })
}

/// Reads back the session in `dir`.
///
/// # Errors
/// [`CheckError`]: the first thing that is wrong.
pub fn sealed(dir: &Path) -> Result<(), CheckError> {
    let listing = seal::list_files(dir)?;
    let names: Vec<String> = seal::read_integrity(dir)?.into_iter().map(|entry| entry.name).collect();
    same("sealed files", &names, &listing.files)?;
    let metadata = Metadata::read(&layout::metadata_path(dir))?;
    let frames = layout::frames_path(dir);
    let video = match crate::files::open_regular(&frames) {
        Ok(file) => Some(sample_index::read_index(&file)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && metadata.frames == 0 => None,
        Err(error) => return Err(CheckError::Open(error)),
    };
    let indexed = video.as_ref().map_or(0, |video| video.samples.len() as u64);
    same("frames of the index", &indexed, &metadata.frames)?;
    let table = EventsReader::open(&layout::events_path(dir))?;
    same("rows of the table", &table.len(), &metadata.counts.values().sum())?;
    let id = table.key_value(schema::SESSION_ID_KEY).unwrap_or_default().to_owned();
    same("session of the table", &id, &metadata.session_id)?;
    let groups = table.groups().len();
    if groups <= GROUPS {
        return check_groups(&table, 0..groups, &metadata, video.as_ref());
    }
    for part in 0..GROUPS {
        let group = part * (groups - 1) / (GROUPS - 1);
        check_groups(&table, group..group + 1, &metadata, video.as_ref())?;
    }
    Ok(())
}

/// Checks every row of some row groups that follow one another.
fn check_groups(
    table: &EventsReader,
    groups: std::ops::Range<usize>,
    metadata: &Metadata,
    video: Option<&VideoIndex>,
) -> Result<(), CheckError> {
    let Some(first) = table.groups().get(groups.start) else { return Ok(()) };
    let last = table.groups()[groups.end - 1];
    let rows = last.first_row + last.rows - first.first_row;
    let mut reader = table.rows_of_group(groups.start).checked();
    let mut row = OwnedRow::default();
    let mut before: Option<(i64, Option<i64>)> = None;
    let mut t0: Option<i64> = None;
    for at in first.first_row..first.first_row + rows {
        let fault = |what| Err(CheckError::Row { row: at, what });
        if !reader.next_into(&mut row)? {
            return fault("the table ends before it");
        }
        if row.intact != Some(true) {
            return fault("its hash is not that of its values");
        }
        if row.session_id != metadata.session_id {
            return fault("it is of another session");
        }
        if before.is_some_and(|(t_ns, frame)| row.t_ns < t_ns || row.frame_ref < frame) {
            return fault("it is older than the row before it");
        }
        before = Some((row.t_ns, row.frame_ref));
        if row.event_type != event_type::FRAME {
            continue;
        }
        let index = row.frame_ref.and_then(|frame| usize::try_from(frame).ok());
        let sample = index.zip(video).and_then(|(index, video)| video.samples.get(index));
        let Some(sample) = sample else { return fault("its frame is not in the video") };
        let t0 = *t0.get_or_insert(row.t_ns.saturating_sub(sample.pts_us.saturating_mul(1000)));
        // The time of frame 0 is known to half a microsecond only, when it is not in these groups.
        let off = pts_us(row.t_ns, t0).abs_diff(sample.pts_us);
        let bytes = row.metadata.get(key::BYTES).and_then(|text| text.parse::<u32>().ok());
        let same =
            row.pts == Some(sample.pts_us) && bytes == Some(sample.size) && row.is_keyframe == Some(sample.keyframe);
        if off > 1 || !same {
            return fault("the video says something else of its frame");
        }
    }
    Ok(())
}
