//! Reading a sealed session: its metadata and its rows, a batch at a time.
//!
//! Invariant: hostile files give errors. Sizes are checked before the decoder sees them ([`crate::session::table::guard`]), and
//! since the decoder itself may still panic on bytes that nobody wrote, every call into it is under [`panics::caught`]: a
//! panic becomes an error and the reader is at its end. Does not check hashes: `verify` does. Never writes.

use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use watchcap_migrations::session::{CURRENT, v1_0, v1_2};

use super::batch::Batch;
use super::positioned::PositionedFile;
use super::row::OwnedRow;
use super::schema::{self, Column, Version};
use crate::base::arrow::array::RecordBatch;
use crate::base::files::open_regular;
use crate::base::panics;
use crate::session::layout;
use crate::session::metadata::{Metadata, MetadataError, printable};
use crate::session::table::guard::{self, Growth};

/// Rows decoded at once: 4,096 rows of about 200 bytes stay in the cache of a core.
const BATCH_ROWS: usize = 4096;

/// Why a session cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no table.
    #[error("{} is not a table of events: {why}", path.display())]
    NotATable {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A column is not what the format says.
    #[error("{} column {index}: expected {expected}, found {found}", path.display())]
    Schema {
        /// Which file.
        path: PathBuf,
        /// Which column, from 0.
        index: usize,
        /// Name and type by the format.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Rows cannot be decoded.
    #[error("{} row group {group}: {why}", path.display())]
    Rows {
        /// Which file.
        path: PathBuf,
        /// Which row group, from 0.
        group: usize,
        /// What is wrong.
        why: String,
    },
}

impl ReadError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Metadata(error) => error.hint(),
            Self::Io { .. } => None,
            Self::NotATable { .. } | Self::Schema { .. } | Self::Rows { .. } => {
                Some("run `watchcap verify` to see which files of the session are damaged".into())
            }
        }
    }
}

/// A sealed session, open for reading.
#[derive(Debug)]
pub struct SessionReader {
    dir: PathBuf,
    metadata: Metadata,
    events: EventsReader,
}

impl SessionReader {
    /// Opens the session in `dir`: reads the metadata and the table's footer, no rows.
    ///
    /// # Errors
    /// When one of them is missing or not of the format.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let metadata = Metadata::read(&layout::metadata_path(dir))?;
        let events = EventsReader::open(&layout::events_path(dir))?;
        Ok(Self { dir: dir.to_owned(), metadata, events })
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is in `metadata.json`.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The table of events.
    pub fn events(&self) -> &EventsReader {
        &self.events
    }
}

/// A row group, from the footer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupInfo {
    /// Index of its first row in the table.
    pub first_row: u64,
    /// Rows.
    pub rows: u64,
    /// Smallest and largest `t_ns`; `None` when the file does not say.
    pub span_ns: Option<(i64, i64)>,
}

/// An `events.parquet`, open for reading. Holds the footer and no rows; many [`Rows`] can be read from it at once.
#[derive(Debug)]
pub struct EventsReader {
    path: PathBuf,
    file: PositionedFile,
    metadata: ArrowReaderMetadata,
    version: Version,
    groups: Vec<GroupInfo>,
}

impl EventsReader {
    /// Opens a table: reads its footer and checks its columns.
    ///
    /// # Errors
    /// When it cannot be read, is no table, or has other columns than the format. Columns behind those of the format are
    /// of later versions and are ignored.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let not_a_table = |why: &str| ReadError::NotATable { path: path.to_owned(), why: printable(why) };
        let (file, metadata) = open_footer(path)?;
        let version = version_of(&metadata);
        check_schema(path, version.columns(), &metadata)?;
        let mut first_row = 0;
        let mut groups = Vec::new();
        for group in metadata.metadata().row_groups() {
            let rows = u64::try_from(group.num_rows()).map_err(|_negative| not_a_table("a negative number of rows"))?;
            groups.push(GroupInfo { first_row, rows, span_ns: span_of(group) });
            first_row = u64::checked_add(first_row, rows).ok_or_else(|| not_a_table("too many rows"))?;
        }
        Ok(Self { path: path.to_owned(), file, metadata, version, groups })
    }

    /// The row groups, in order.
    pub fn groups(&self) -> &[GroupInfo] {
        &self.groups
    }

    /// How many rows the footer says there are.
    pub fn len(&self) -> u64 {
        self.groups.last().map_or(0, |group| group.first_row.saturating_add(group.rows))
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns of the table, those of later versions included.
    pub fn column_count(&self) -> usize {
        self.metadata.schema().fields().len()
    }

    /// The version whose columns are read; what later versions added is ignored.
    pub fn version(&self) -> Version {
        self.version
    }

    /// A value of the key-value metadata.
    pub fn key_value(&self, key: &str) -> Option<&str> {
        key_value(&self.metadata, key)
    }

    /// All key-value metadata that have a value.
    pub fn key_values(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.metadata.metadata().file_metadata().key_value_metadata().into_iter().flatten();
        entries.filter_map(|entry| Some((entry.key.as_str(), entry.value.as_deref()?)))
    }

    /// All rows, in order.
    pub fn rows(&self) -> Rows<'_> {
        self.rows_of_group(0)
    }

    /// The rows from the beginning of a row group on.
    pub fn rows_of_group(&self, group: usize) -> Rows<'_> {
        let seq = self.groups.get(group).map_or(0, |group| group.first_row as i64);
        Rows { table: self, next_group: group, batches: None, batch: None, skip_to: None, check: false, seq }
    }

    /// The rows at or after `t_ns`. Row groups that end before it are not read.
    pub fn rows_from(&self, t_ns: i64) -> Rows<'_> {
        let group = self.groups.partition_point(|group| group.span_ns.is_some_and(|(_, last)| last < t_ns));
        Rows { skip_to: Some(t_ns), ..self.rows_of_group(group) }
    }

    fn open_group(&self, group: usize) -> Result<ParquetRecordBatchReader, String> {
        let info = self.metadata.metadata().row_group(group);
        let roots = ProjectionMask::roots(self.metadata.parquet_schema(), 0..self.columns().len());
        guarded(|| {
            let batch_rows = guard::check_row_group(&self.file, info, 0..self.leaves(), None, BATCH_ROWS, Growth::OURS)
                .map_err(parquet::errors::ParquetError::General)?;
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(roots)
                .with_batch_size(batch_rows)
                .build()
        })
    }
}

impl EventsReader {
    /// The open file.
    pub(crate) fn file(&self) -> &PositionedFile {
        &self.file
    }

    /// The footer.
    pub(crate) fn footer(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// The columns that are read.
    pub(crate) fn columns(&self) -> &'static [Column] {
        self.version.columns()
    }

    /// Leaf columns that are read: each column has one, the map has two.
    pub(crate) fn leaves(&self) -> usize {
        self.columns().len() + 1
    }

    /// An error in a row group.
    pub(crate) fn rows_error(&self, group: usize, why: String) -> ReadError {
        ReadError::Rows { path: self.path.clone(), group, why }
    }
}

/// Hands over the batches of some leaf columns of a table that is none of events, each row group after its pages were looked at.
///
/// # Errors
/// When they cannot be read; what `take` answers.
pub fn each_batch(
    file: &PositionedFile,
    footer: &ArrowReaderMetadata,
    leaves: std::ops::Range<usize>,
    take: &mut dyn FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), String> {
    for group in 0..footer.metadata().num_row_groups() {
        let mut batches = guarded(|| {
            let info = footer.metadata().row_group(group);
            let (leaves, growth) = (leaves.clone(), Growth::FOREIGN);
            let batch_rows = guard::check_row_group(file, info, leaves.clone(), None, BATCH_ROWS, growth)
                .map_err(parquet::errors::ParquetError::General)?;
            ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), footer.clone())
                .with_row_groups(vec![group])
                .with_projection(ProjectionMask::leaves(footer.parquet_schema(), leaves))
                .with_batch_size(batch_rows)
                .build()
        })?;
        while let Some(batch) = guarded(|| batches.next().transpose())? {
            take(&batch)?;
        }
    }
    Ok(())
}

/// Opens a parquet file and reads its footer, whatever columns it has.
///
/// # Errors
/// When it cannot be read, or is no such file.
pub fn open_footer(path: &Path) -> Result<(PositionedFile, ArrowReaderMetadata), ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let not_a_table = |why: &str| ReadError::NotATable { path: path.to_owned(), why: printable(why) };
    let file = open_regular(path).and_then(PositionedFile::new).map_err(io)?;
    let size = file.size();
    if size < 12 {
        return Err(not_a_table("it is too short"));
    }
    let mut tail = [0; 8];
    file.read_exact_at(&mut tail, size - 8).map_err(io)?;
    let [a, b, c, d, magic @ ..] = tail;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if &magic != b"PAR1" {
        return Err(not_a_table("it does not end like a parquet file"));
    }
    if footer > guard::MAX_FOOTER_BYTES || footer + 12 > size {
        return Err(not_a_table("its footer is larger than it can be"));
    }
    let mut thrift = vec![0; footer as usize];
    file.read_exact_at(&mut thrift, size - 8 - footer).map_err(io)?;
    guard::check_footer(&thrift).map_err(|why| not_a_table(&why))?;
    drop(thrift);
    // The embedded Arrow schema is not needed, and is one more thing to parse.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guarded(|| ArrowReaderMetadata::load(&file, options)).map_err(|why| not_a_table(&why))?;
    guard::check_shares(metadata.metadata().row_groups(), size).map_err(|why| not_a_table(&why))?;
    Ok((file, metadata))
}

/// Calls the decoder; an error or a panic becomes its text.
///
/// # Errors
/// The text, fit to be printed.
pub fn guarded<T, E: std::fmt::Display>(call: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match panics::caught(call) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(printable(&error.to_string())),
        None => Err("the decoder gave up on it".to_owned()),
    }
}

fn span_of(group: &RowGroupMetaData) -> Option<(i64, i64)> {
    match group.columns().first()?.statistics()? {
        Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    }
}

fn key_value<'a>(metadata: &'a ArrowReaderMetadata, key: &str) -> Option<&'a str> {
    let entries = metadata.metadata().file_metadata().key_value_metadata()?;
    entries.iter().find(|entry| entry.key == key)?.value.as_deref()
}

/// Returns the version as which a table is read: the declared one, the latest known one in place of a later one, and for a table that
/// declares none a guess from the number of columns.
fn version_of(metadata: &ArrowReaderMetadata) -> Version {
    let said = key_value(metadata, schema::FORMAT_VERSION_KEY).and_then(Version::parse);
    let fields = metadata.schema().fields().len();
    let guessed = || match fields {
        fields if fields < v1_2::COLUMNS.len() => v1_0::VERSION,
        fields if fields < CURRENT.columns().len() => v1_2::VERSION,
        _ => CURRENT,
    };
    said.map_or_else(guessed, |said| said.min(CURRENT))
}

fn check_schema(path: &Path, columns: &[Column], metadata: &ArrowReaderMetadata) -> Result<(), ReadError> {
    let expected = schema::arrow_schema_of(columns);
    let found = metadata.schema();
    for (index, field) in expected.fields().iter().enumerate() {
        let describe = |field: &crate::base::arrow::datatypes::Field| {
            let null = if field.is_nullable() { "null" } else { "not null" };
            printable(&format!("{} {} {null}", field.name(), field.data_type()))
        };
        let other = found.fields().get(index);
        let same = other.is_some_and(|other| {
            other.name() == field.name()
                && other.data_type() == field.data_type()
                && other.is_nullable() == field.is_nullable()
        });
        if !same {
            let found = other.map_or_else(|| "nothing".to_owned(), |other| describe(other));
            return Err(ReadError::Schema { path: path.to_owned(), index, expected: describe(field), found });
        }
    }
    Ok(())
}

/// Rows of a table in order; see [`EventsReader::rows`]. At the first error it is at its end.
pub struct Rows<'a> {
    table: &'a EventsReader,
    next_group: usize,
    batches: Option<ParquetRecordBatchReader>,
    batch: Option<Batch>,
    skip_to: Option<i64>,
    check: bool,
    /// Index of the first row of the next batch.
    seq: i64,
}

impl Rows<'_> {
    /// The same rows, each with [`OwnedRow::intact`] told.
    #[must_use]
    pub fn checked(self) -> Self {
        Self { check: true, ..self }
    }

    /// Reads the next row into `row`, whose memory is used again. False at the end.
    ///
    /// # Errors
    /// When the rows cannot be decoded.
    pub fn next_into(&mut self, row: &mut OwnedRow) -> Result<bool, ReadError> {
        loop {
            if let Some(batch) = &mut self.batch {
                if let Some(from) = self.skip_to {
                    batch.skip_before(from);
                }
                if batch.next_into(row) {
                    self.skip_to = None;
                    return Ok(true);
                }
                self.batch = None;
            }
            match self.next_batch() {
                Ok(Some(batch)) => self.batch = Some(batch),
                Ok(None) => return Ok(false),
                Err(why) => {
                    let group = self.next_group.saturating_sub(1);
                    self.next_group = usize::MAX;
                    self.batches = None;
                    return Err(ReadError::Rows { path: self.table.path.clone(), group, why });
                }
            }
        }
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, String> {
        loop {
            if let Some(batches) = &mut self.batches {
                if let Some(batch) = guarded(|| batches.next().transpose())? {
                    let seq = self.seq;
                    self.seq += batch.num_rows() as i64;
                    return Batch::new(&batch, self.table.version, seq, self.check).map(Some);
                }
                self.batches = None;
            }
            if self.next_group >= self.table.groups.len() {
                return Ok(None);
            }
            let group = self.next_group;
            self.next_group += 1;
            self.batches = Some(self.table.open_group(group)?);
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<OwnedRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut row = OwnedRow::default();
        match self.next_into(&mut row) {
            Ok(true) => Some(Ok(row)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
