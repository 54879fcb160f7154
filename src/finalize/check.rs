//! Reads back what was sealed, before the log that it was made of is deleted.
//!
//! What it protects from: a table or an index that cannot be read (a fault of a writer, a disk that kept something else than it was
//! given), and files that do not belong together. It looks at every file's place and name, at the metadata, at the whole index, at the
//! table's footer and, in full (hash, order, reference, time in the video), at the rows of up to [`GROUPS`] row groups. Of a table that was
//! written in the same run every byte is read back through a handle of its own and compared with what was written, by size and CRC32C:
//! a byte that differs is found wherever it is. What is read comes from the system's cache as long as it has it, so this says that the
//! system has what it was given, and not that the disk does. `verify` looks at everything. Writes nothing.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use crate::media::mp4::index;
use crate::media::mp4::index::{IndexError, VideoIndex, pts_us};
use crate::session::layout;
use crate::session::metadata::{Metadata, MetadataError};
use crate::session::seal::{self, SealError};
use crate::session::table::read::{EventsReader, ReadError};
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::schema;
use crate::session::table::write::Written;

/// Row groups that are read in full, spread from the first to the last: half a million rows. All of a recording of eight minutes at
/// 1000 inputs a second.
pub const GROUPS: usize = 4;

/// Bytes read at once when the table is compared with what was written.
const READ_BYTES: usize = 1 << 20;

const OLDER: &str = "it is older than the row before it";

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
    /// The table cannot be read back.
    #[error("cannot read the table back: {0}")]
    Reread(std::io::Error),
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

/// Reads back the session in `dir`; `table` is what was written as its table, when it was in this run.
///
/// # Errors
/// [`CheckError`]: the first thing that is wrong.
pub fn sealed(dir: &Path, table: Option<&Written>) -> Result<(), CheckError> {
    let listing = seal::list_files(dir)?;
    let names: Vec<String> = seal::read_integrity(dir)?.into_iter().map(|entry| entry.name).collect();
    same("sealed files", &names, &listing.files)?;
    let metadata = Metadata::read(&layout::metadata_path(dir))?;
    let frames = layout::frames_path(dir);
    let video = match crate::base::files::open_regular(&frames) {
        Ok(file) => Some(index::read_index(&file)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && metadata.frames == 0 => None,
        Err(error) => return Err(CheckError::Open(error)),
    };
    let indexed = video.as_ref().map_or(0, |video| video.samples.len() as u64);
    same("frames of the index", &indexed, &metadata.frames)?;
    let path = layout::events_path(dir);
    if let Some(written) = table {
        same_bytes(&path, written)?;
    }
    let table = EventsReader::open(&path)?;
    same("rows of the table", &table.len(), &metadata.counts.values().sum())?;
    let id = table.key_value(schema::SESSION_ID_KEY).unwrap_or_default().to_owned();
    same("session of the table", &id, &metadata.session_id)?;
    let groups = table.groups().len();
    let parts: Vec<_> = if groups <= GROUPS {
        vec![0..groups / 2, groups / 2..groups]
    } else {
        (0..GROUPS).map(|part| part * (groups - 1) / (GROUPS - 1)).map(|group| group..group + 1).collect()
    };
    let check = |parts: &[Range<usize>]| -> Result<Vec<Edges>, CheckError> {
        let edges = parts.iter().map(|groups| check_groups(&table, groups.clone(), &metadata, video.as_ref()));
        edges.filter_map(Result::transpose).collect()
    };
    // On two threads: nothing else is left to do meanwhile.
    let (first, second) = parts.split_at(parts.len() / 2);
    let (first, second) = std::thread::scope(|scope| {
        let other = std::thread::Builder::new().name("check".into()).spawn_scoped(scope, || check(second));
        let first = check(first);
        let second = match other {
            Ok(other) => other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_no_thread) => check(second),
        };
        (first, second)
    });
    let edges: Vec<Edges> = first?.into_iter().chain(second?).collect();
    for pair in edges.windows(2) {
        if is_before(pair[1].first, pair[0].last) {
            return Err(CheckError::Row { row: pair[1].row, what: OLDER });
        }
    }
    Ok(())
}

/// Compares a file with what was written to it.
fn same_bytes(path: &Path, written: &Written) -> Result<(), CheckError> {
    let mut file = crate::base::files::open_regular(path).map_err(CheckError::Reread)?;
    let (mut buffer, mut size_bytes, mut sum) = (vec![0; READ_BYTES], 0, 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                size_bytes += read as u64;
                sum = crc32c::crc32c_append(sum, &buffer[..read]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CheckError::Reread(error)),
        }
    }
    same("bytes of the table", &size_bytes, &written.size_bytes)?;
    same("CRC32C of the table", &sum, &written.crc32c)
}

/// Time and frame of a row: neither ever becomes less.
type Moment = (i64, Option<i64>);

/// Whether a row is older than one that stands before it.
fn is_before(row: Moment, before: Moment) -> bool {
    row.0 < before.0 || row.1 < before.1
}

/// Where some row groups begin and end.
struct Edges {
    /// Index of the first row.
    row: u64,
    first: Moment,
    last: Moment,
}

/// Checks every row of some row groups that follow one another.
fn check_groups(
    table: &EventsReader,
    groups: Range<usize>,
    metadata: &Metadata,
    video: Option<&VideoIndex>,
) -> Result<Option<Edges>, CheckError> {
    let Some(first) = table.groups().get(groups.start).filter(|_| !groups.is_empty()) else { return Ok(None) };
    let last = table.groups()[groups.end - 1];
    let rows = last.first_row + last.rows - first.first_row;
    let mut reader = table.rows_of_group(groups.start).checked();
    let mut row = OwnedRow::default();
    let mut edges: Option<Edges> = None;
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
        let moment = (row.t_ns, row.frame_ref);
        let edges = edges.get_or_insert(Edges { row: at, first: moment, last: moment });
        if is_before(moment, edges.last) {
            return fault(OLDER);
        }
        edges.last = moment;
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
    Ok(edges)
}
