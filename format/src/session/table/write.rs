//! From rows to `events.parquet`: one pass, bounded memory, the same bytes for the same rows.
//!
//! Invariant: the file is a function of the rows and the key-value metadata handed in: no time, no host, no race. Two
//! lanes encode disjoint columns, each in row order, and the row group is put together in column order, so how the
//! threads interleave cannot be seen. The file is hashed while it is written: its hash is that of what it should hold, and
//! `check.rs` reads back whether it does. Does not sync or rename the file; `session/seal.rs` does.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use sha2::{Digest as _, Sha256};

use super::columns::{Batch, MAX_ROW_BYTES};
use super::lanes::{Lane, PENDING_GROUPS, Work, lane_of};
use crate::session::clicks::Clicks;
use crate::session::seal::FileHash;
use crate::session::table::row::Row;
use crate::session::table::schema;
use crate::session::table::schema::{COLUMNS, column};
use crate::session::table::values::{MAX_ENTRIES_PER_ROW, MAX_TEXT_BYTES};

/// Rows of a row group: at 1,000 events a second about two minutes, at 60 frames and no input about half an hour.
pub const ROW_GROUP_ROWS: usize = 131_072;

/// A row group of unpacked rows ends when they have more than this in their canonical form, beyond the last batch.
const HEAVY_GROUP_BYTES: usize = 48 << 20;

/// Values that the encoder takes at once, between two looks at a page's size: pages end at 1 MiB, so that one of the longest texts has 4 MiB more,
/// of the 6 MiB that readers take.
const WRITE_BATCH: usize = 512;

/// Level of ZSTD for columns; 3 is its own default.
const ZSTD_LEVEL: i32 = 3;
/// Level for the hash column, which is random: all that can be won is four bits of eight, and level 1 wins them.
const ZSTD_LEVEL_HASH: i32 = 1;

/// Says who wrote the file, in the form that readers parse. The format's version and not the program's, so that the same
/// log gives the same bytes whichever release finalizes it.
const CREATED_BY: &str = "watchcap version 1.3.0";

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TableSummary {
    /// Rows.
    pub rows: u64,
    /// Rows of each event type, in alphabetical order.
    pub counts: std::collections::BTreeMap<String, u64>,
    /// Presses of buttons among them.
    pub clicks: Clicks,
    /// Smallest and largest `t_ns`, `None` when there are no rows.
    pub span_ns: Option<(i64, i64)>,
    /// The bytes of the file.
    pub written: Written,
}

/// What the bytes of a file are, by those who wrote them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// How many.
    pub size_bytes: u64,
    /// Their CRC32C: it finds every error that is not longer than 32 bits, and costs next to nothing to compare.
    pub crc32c: u32,
    /// Their SHA-256.
    pub sha256: FileHash,
}

impl Default for Written {
    fn default() -> Self {
        Hashing::new(()).written()
    }
}

/// Hashes what passes through to another writer.
struct Hashing<W> {
    inner: W,
    size_bytes: u64,
    crc32c: u32,
    sha256: Sha256,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, size_bytes: 0, crc32c: 0, sha256: Sha256::new() }
    }

    fn written(&self) -> Written {
        let sha256 = FileHash(self.sha256.clone().finalize().into());
        Written { size_bytes: self.size_bytes, crc32c: self.crc32c, sha256 }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        let bytes = bytes.get(..taken).unwrap_or(bytes);
        self.size_bytes += bytes.len() as u64;
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
        self.sha256.update(bytes);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Why the table cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be created.
    #[error("cannot create {}: {source}", path.display())]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// A row is older than the one before it.
    #[error("row {row} is at {t_ns} ns, before the row before it at {before_ns} ns")]
    Order {
        /// Index of the row.
        row: u64,
        /// Its time.
        t_ns: i64,
        /// Time of the row before.
        before_ns: i64,
    },
    /// A row is of another session.
    #[error("row {row} belongs to another session than the table")]
    Session {
        /// Index of the row.
        row: u64,
    },
    /// A row is too big.
    #[error("row {row} has {size_bytes} bytes, more than {MAX_ROW_BYTES}")]
    TooBig {
        /// Index of the row.
        row: u64,
        /// Its size.
        size_bytes: usize,
    },
    /// A row has a longer text than readers take.
    #[error("row {row} has a text of {size_bytes} bytes, more than {MAX_TEXT_BYTES}")]
    LongText {
        /// Index of the row.
        row: u64,
        /// Its size.
        size_bytes: usize,
    },
    /// A row has more entries of metadata than readers take.
    #[error("row {row} has {entries} entries of metadata, more than {MAX_ENTRIES_PER_ROW}")]
    ManyEntries {
        /// Index of the row.
        row: u64,
        /// How many.
        entries: usize,
    },
    /// A thread that encodes columns is gone.
    #[error("the thread that encodes {} is gone", path.display())]
    LaneGone {
        /// The file.
        path: PathBuf,
    },
}

impl TableError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Create { .. } | Self::Write { .. } => {
                Some("free some disk space or make the directory writable, then run `watchcap finalize` again".into())
            }
            _ => None,
        }
    }
}

/// Writes `events.parquet`. Push rows in order, then [`finish`](Self::finish); dropped before that, the file is not a
/// table.
pub struct TableWriter {
    path: PathBuf,
    session_id: String,
    file: SerializedFileWriter<BufWriter<Hashing<File>>>,
    /// Makes the columns of row groups that are packed, and of those that are not.
    factories: [ArrowRowGroupWriterFactory; 2],
    lanes: Vec<Lane>,
    batch: Batch,
    rows_in_group: usize,
    /// Bytes of the rows that were sent for the row group, in their canonical form.
    bytes_in_group: usize,
    /// The row group is stored unpacked.
    is_heavy: bool,
    pending: usize,
    rows: u64,
    span_ns: Option<(i64, i64)>,
    counts: Vec<(String, u64)>,
    clicks: Clicks,
}

impl TableWriter {
    /// Begins a table at `path` (mode 0600; a file that is there is removed). The format version and the session's id
    /// go into the key-value metadata, and then `key_values`.
    ///
    /// # Errors
    /// When the file cannot be created or its beginning not written.
    pub fn create(path: &Path, session_id: &str, key_values: &[(String, String)]) -> Result<Self, TableError> {
        let file = crate::base::files::create_private_file(path)
            .map_err(|source| TableError::Create { path: path.to_owned(), source })?;
        let write = |source| TableError::Write { path: path.to_owned(), source };
        let schema = schema::arrow_schema();
        let options = |packed| {
            let properties = properties(&schema, session_id, key_values, packed);
            properties.map(|properties| ArrowWriterOptions::new().with_properties(properties)).map_err(write)
        };
        let (file, packed) = ArrowWriter::try_new_with_options(
            BufWriter::with_capacity(1 << 20, Hashing::new(file)),
            Arc::clone(&schema),
            options(true)?,
        )
        .and_then(ArrowWriter::into_serialized_writer)
        .map_err(write)?;
        // Only for its columns; its file is none.
        let (_, unpacked) = ArrowWriter::try_new_with_options(std::io::sink(), Arc::clone(&schema), options(false)?)
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(write)?;
        let lanes = [true, false]
            .into_iter()
            .map(|first| Lane::start(&schema, first))
            .collect::<Result<_, _>>()
            .map_err(|source| TableError::Create { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            session_id: session_id.to_owned(),
            file,
            factories: [packed, unpacked],
            lanes,
            batch: Batch::new(0),
            rows_in_group: 0,
            bytes_in_group: 0,
            is_heavy: false,
            pending: 0,
            rows: 0,
            span_ns: None,
            counts: Vec::new(),
            clicks: Clicks::default(),
        })
    }

    /// Adds a row. Its hash is made here.
    ///
    /// # Errors
    /// When the row is out of order, of another session or too big, or the file cannot be written.
    pub fn push(&mut self, row: &Row<'_>) -> Result<(), TableError> {
        let before_ns = self.span_ns.map_or(i64::MIN, |(_, last)| last);
        if row.t_ns < before_ns {
            return Err(TableError::Order { row: self.rows, t_ns: row.t_ns, before_ns });
        }
        if row.session_id != self.session_id {
            return Err(TableError::Session { row: self.rows });
        }
        self.check_texts(row)?;
        let size_bytes = self.batch.push(row);
        if size_bytes > MAX_ROW_BYTES {
            return Err(TableError::TooBig { row: self.rows, size_bytes });
        }
        self.span_ns = Some((self.span_ns.map_or(row.t_ns, |(first, _)| first), row.t_ns));
        self.rows += 1;
        self.rows_in_group += 1;
        match self.counts.iter_mut().find(|(name, _)| name == row.event_type) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((row.event_type.to_owned(), 1)),
        }
        self.clicks.add(row.event_type, row.pressed, |key| row.metadata.get(key));
        if self.rows_in_group == ROW_GROUP_ROWS {
            self.send(true)
        } else if self.batch.is_full() {
            self.send(false)
        } else {
            Ok(())
        }
    }

    /// Checks that readers take the texts of a row.
    fn check_texts(&self, row: &Row<'_>) -> Result<(), TableError> {
        let optional = [row.mouse_button, row.source, row.control].map(Option::unwrap_or_default);
        let cells = [row.event_type, row.window_id, row.session_id].into_iter().chain(optional);
        let entries = row.metadata.iter().flat_map(|(key, value)| [key, value]);
        if let Some(long) = cells.chain(entries).find(|text| text.len() > MAX_TEXT_BYTES) {
            return Err(TableError::LongText { row: self.rows, size_bytes: long.len() });
        }
        let entries = row.metadata.iter().count();
        if entries as u64 > MAX_ENTRIES_PER_ROW {
            return Err(TableError::ManyEntries { row: self.rows, entries });
        }
        Ok(())
    }

    /// Writes what is left and the footer. The file is complete, but not yet synced.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<TableSummary, TableError> {
        if self.rows_in_group > 0 {
            self.send(true)?;
        }
        while self.pending > 0 {
            self.collect()?;
        }
        let path = self.path.clone();
        let write = |source| TableError::Write { path: path.clone(), source };
        self.file.finish().map_err(write)?;
        // `finish` flushes the writer's own buffer, and this one the BufWriter; an error at drop would be lost.
        self.file.inner_mut().flush().map_err(|error| write(error.into()))?;
        let written = self.file.inner().get_ref().written();
        let counts = self.counts.drain(..).collect();
        Ok(TableSummary { rows: self.rows, counts, clicks: self.clicks, span_ns: self.span_ns, written })
    }

    /// Hands the batch to the lanes; with `ends_group`, the row group ends behind it. It ends before it when it was packed and the batch has too
    /// much text for that.
    fn send(&mut self, ends_group: bool) -> Result<(), TableError> {
        let batch = std::mem::replace(&mut self.batch, Batch::new(self.rows as i64));
        if batch.is_heavy() && !self.is_heavy && self.rows_in_group > batch.rows() {
            self.end_group()?;
            self.rows_in_group = batch.rows();
        }
        let begins_group = self.rows_in_group == batch.rows();
        if begins_group {
            self.is_heavy = batch.is_heavy();
            self.bytes_in_group = 0;
        }
        self.bytes_in_group += batch.bytes();
        let ends_group = ends_group || (self.is_heavy && self.bytes_in_group > HEAVY_GROUP_BYTES);
        let write = |source| TableError::Write { path: self.path.clone(), source };
        let writers = if begins_group {
            let factory = &self.factories[usize::from(self.is_heavy)];
            factory.create_column_writers(self.file.flushed_row_groups().len() + self.pending).map_err(write)?
        } else {
            Vec::new()
        };
        let (columns, hash_input) = batch.finish(&self.session_id).map_err(|error| write(error.into()))?;
        let mut by_lane: [Vec<(usize, ArrowColumnWriter)>; 2] = [Vec::new(), Vec::new()];
        for (leaf, writer) in writers.into_iter().enumerate() {
            by_lane[lane_of(leaf)].push((leaf, writer));
        }
        let mut hash = Some(hash_input);
        for (lane, writers) in self.lanes.iter().zip(by_lane) {
            let work = Work {
                columns: Arc::clone(&columns),
                hash: hash.take(),
                writers: begins_group.then_some(writers),
                ends_group,
            };
            if !lane.send(work) {
                return Err(self.lane_error());
            }
        }
        if ends_group {
            self.ended_group()?;
        }
        Ok(())
    }

    /// Ends the row group behind what was sent, without a batch.
    fn end_group(&mut self) -> Result<(), TableError> {
        for lane in &self.lanes {
            let work = Work { columns: Arc::default(), hash: None, writers: None, ends_group: true };
            if !lane.send(work) {
                return Err(self.lane_error());
            }
        }
        self.ended_group()
    }

    /// Counts a row group that the lanes are to finish.
    fn ended_group(&mut self) -> Result<(), TableError> {
        self.rows_in_group = 0;
        self.pending += 1;
        if self.pending == PENDING_GROUPS { self.collect() } else { Ok(()) }
    }

    /// Writes the oldest row group that is pending.
    fn collect(&mut self) -> Result<(), TableError> {
        let mut chunks = Vec::with_capacity(COLUMNS.len() + 1);
        for lane in &self.lanes {
            match lane.done.recv() {
                Ok(Ok(mut part)) => chunks.append(&mut part),
                Ok(Err(source)) => return Err(TableError::Write { path: self.path.clone(), source }),
                Err(_disconnected) => return Err(TableError::LaneGone { path: self.path.clone() }),
            }
        }
        self.pending -= 1;
        chunks.sort_by_key(|(leaf, _)| *leaf);
        let write = |source| TableError::Write { path: self.path.clone(), source };
        let mut group = self.file.next_row_group().map_err(write)?;
        for (_, chunk) in chunks {
            chunk.append_to_row_group(&mut group).map_err(write)?;
        }
        group.close().map_err(write)?;
        Ok(())
    }

    /// Why a lane takes no more work.
    fn lane_error(&self) -> TableError {
        for lane in &self.lanes {
            while let Ok(result) = lane.done.try_recv() {
                if let Err(source) = result {
                    return TableError::Write { path: self.path.clone(), source };
                }
            }
        }
        TableError::LaneGone { path: self.path.clone() }
    }
}

/// How the columns are stored; with `packed` texts that come again once, and everything compressed.
fn properties(
    schema: &SchemaRef,
    session_id: &str,
    key_values: &[(String, String)],
    packed: bool,
) -> Result<WriterProperties, ParquetError> {
    let mut metadata = vec![
        KeyValue::new(schema::FORMAT_VERSION_KEY.to_owned(), schema::FORMAT_VERSION.to_owned()),
        KeyValue::new(schema::SESSION_ID_KEY.to_owned(), session_id.to_owned()),
    ];
    metadata.extend(key_values.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_key_value_metadata(Some(metadata))
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_coerce_types(true)
        .set_write_batch_size(WRITE_BATCH)
        .set_compression(if packed {
            Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?)
        } else {
            Compression::UNCOMPRESSED
        })
        .set_dictionary_enabled(packed)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let path = |name: &str| ColumnPath::from(name);
    for name in [column::T_NS, column::FRAME_REF, column::SEQ, column::PTS] {
        builder = builder
            .set_column_dictionary_enabled(path(name), false)
            .set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED)
            .set_column_statistics_enabled(path(name), EnabledStatistics::Page);
    }
    for name in [column::MOUSE_X, column::MOUSE_Y, column::DELTA, column::MOUSE_DX, column::MOUSE_DY, column::VALUE] {
        builder = builder
            .set_column_dictionary_enabled(path(name), false)
            .set_column_encoding(path(name), Encoding::BYTE_STREAM_SPLIT);
    }
    if packed {
        let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL_HASH)?);
        builder = builder.set_column_compression(path(column::HASH), zstd);
    }
    builder = builder
        .set_column_dictionary_enabled(path(column::HASH), false)
        .set_column_encoding(path(column::HASH), Encoding::PLAIN)
        .set_column_statistics_enabled(path(column::HASH), EnabledStatistics::None);
    // Smallest and largest value of a map's keys help nobody and would show a title in the footer.
    let descriptor = ArrowSchemaConverter::new().with_coerce_types(true).convert(schema)?;
    for leaf in descriptor.columns() {
        if leaf.path().parts().first().is_some_and(|root| root == column::METADATA) {
            builder = builder.set_column_statistics_enabled(leaf.path().clone(), EnabledStatistics::None);
        }
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    use super::super::lanes::HASH_FIELD;
    use super::*;
    use crate::session::table::row::{RowMetadata, event_type, key};

    const SESSION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    static EMPTY: RowMetadata = RowMetadata::new();

    /// A row with nothing in it but what every row has.
    fn plain(t_ns: i64, event_type: &'static str) -> Row<'static> {
        Row { window_id: "0x1c00007", ..Row::new(t_ns, event_type, SESSION, &EMPTY) }
    }

    /// Realistic rows: the mouse at 1 kHz, a frame every 16 ms, a key every 200 ms.
    fn write_rows(path: &Path, rows: u64) -> Result<TableSummary, TableError> {
        let mut writer = TableWriter::create(path, SESSION, &[])?;
        let mut map = RowMetadata::default();
        let mut frame = -1;
        let mut bits = 1u64;
        for index in 0..rows {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (bits >> 40) as i64;
            map.clear();
            let t_ns = 1_000_000_000_000 + index as i64 * 1_000_000 + noise % 200_000;
            let mut row = plain(t_ns, event_type::MOUSE_MOVE);
            if index % 17 == 0 {
                frame += 1;
                row.event_type = event_type::FRAME;
                map.push_int(key::BYTES, 20_000 + noise % 30_000);
                map.push_int(key::CAPTURE_US, 300 + noise % 200);
                map.push_int(key::ENCODE_US, 8_000 + noise % 3_000);
                row.pts = Some(t_ns / 1000);
                row.is_keyframe = Some(frame % 30 == 0);
            } else if index % 200 == 5 {
                row.event_type = if index % 400 == 5 { event_type::KEY_DOWN } else { event_type::KEY_UP };
                row.key_code = Some(26);
                map.push_str(key::CODE, "KeyW");
                map.push_int(key::NATIVE, 25);
                row.pressed = Some(row.event_type == event_type::KEY_DOWN);
                row.source = Some("xi2");
            } else {
                row.mouse_x = Some((noise % 1920) as f32 / 1920.0);
                row.mouse_y = Some((noise / 1920 % 1080) as f32 / 1080.0);
                row.mouse_dx = Some((noise % 41 - 20) as f32);
                row.mouse_dy = Some((noise / 64 % 23 - 11) as f32);
                row.source = Some("xi2");
            }
            let row = Row { frame_ref: (frame >= 0).then_some(frame), metadata: &map, ..row };
            writer.push(&row)?;
        }
        writer.finish()
    }

    #[test]
    fn the_same_rows_are_the_same_bytes_in_full_row_groups() {
        let dir = tempfile::tempdir().expect("a directory");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        let rows = ROW_GROUP_ROWS as u64 + 20_000;
        let summary = write_rows(&one, rows).expect("a table");
        assert_eq!(write_rows(&two, rows).expect("a table"), summary);
        assert_eq!(summary.rows, rows);
        assert_eq!(summary.counts.values().sum::<u64>(), rows);
        assert_eq!(summary.counts.get(event_type::FRAME), Some(&rows.div_ceil(17)));
        let bytes = std::fs::read(&one).expect("a file");
        assert!(bytes == std::fs::read(&two).expect("a file"), "two runs differ");
        let written = Written {
            size_bytes: bytes.len() as u64,
            crc32c: crc32c::crc32c(&bytes),
            sha256: FileHash(Sha256::digest(&bytes).into()),
        };
        assert_eq!(summary.written, written, "what was hashed is what is there");
        let reader = SerializedFileReader::new(File::open(&one).expect("a file")).expect("a table");
        let groups: Vec<_> =
            reader.metadata().row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect();
        assert_eq!(groups, [ROW_GROUP_ROWS as i64, 20_000]);
        let group = reader.metadata().row_group(0);
        let encodings: Vec<Vec<_>> = group.columns().iter().map(|column| column.encodings().collect()).collect();
        for (leaf, wanted) in [
            (0, Encoding::DELTA_BINARY_PACKED),
            (1, Encoding::RLE_DICTIONARY),
            (3, Encoding::BYTE_STREAM_SPLIT),
            (7, Encoding::DELTA_BINARY_PACKED),
            (9, Encoding::RLE_DICTIONARY),
            (11, Encoding::RLE_DICTIONARY),
            (12, Encoding::RLE_DICTIONARY),
            (13, Encoding::DELTA_BINARY_PACKED),
            (15, Encoding::BYTE_STREAM_SPLIT),
            (20, Encoding::RLE_DICTIONARY),
        ] {
            assert!(encodings[leaf].contains(&wanted), "leaf {leaf}: {:?}", encodings[leaf]);
        }
        assert!(!encodings[HASH_FIELD].contains(&Encoding::RLE_DICTIONARY));
        assert!(group.column(0).statistics().is_some_and(|statistics| statistics.min_bytes_opt().is_some()));
        assert!(group.column(0).column_index_range().is_some() && group.column(0).offset_index_range().is_some());
        assert_eq!(group.sorting_columns().map(|columns| columns[0].column_idx), Some(0));
        let leaf = group.column(11).column_descr().path().string();
        assert_eq!(leaf, "metadata.key_value.key");
    }

    #[test]
    fn every_row_reads_back_with_its_hash() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("t");
        write_rows(&path, 5000).expect("a table");
        let table = crate::session::table::read::EventsReader::open(&path).expect("a table");
        let (mut rows, mut row, mut read) =
            (table.rows().checked(), crate::session::table::row::OwnedRow::default(), 0);
        while rows.next_into(&mut row).expect("a row") {
            assert_eq!((row.seq, row.intact, row.session_id.as_str()), (read, Some(true), SESSION));
            read += 1;
        }
        assert_eq!(read, 5000);
    }

    #[test]
    fn an_empty_table_is_a_table() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("t");
        let summary = write_rows(&path, 0).expect("a table");
        assert_eq!(summary, TableSummary { written: summary.written, ..TableSummary::default() });
        let reader = SerializedFileReader::new(File::open(&path).expect("a file")).expect("a table");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }

    #[test]
    fn rows_that_do_not_belong_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut writer = TableWriter::create(&dir.path().join("t"), SESSION, &[]).expect("a table");
        writer.push(&plain(5, event_type::PAUSE)).expect("a row");
        assert!(matches!(
            writer.push(&plain(4, event_type::PAUSE)),
            Err(TableError::Order { row: 1, t_ns: 4, before_ns: 5 })
        ));
        let foreign = Row { session_id: "another", ..plain(5, event_type::PAUSE) };
        assert!(matches!(writer.push(&foreign), Err(TableError::Session { row: 1 })));
        let mut map = RowMetadata::default();
        map.push_str(key::TITLE, &"x".repeat(MAX_ROW_BYTES));
        let big = Row { metadata: &map, ..plain(5, event_type::PAUSE) };
        assert!(matches!(writer.push(&big), Err(TableError::LongText { row: 1, .. })));
    }

    /// Rows with a title each: the same two by turns.
    fn titled(t_ns: i64, map: &mut RowMetadata, bytes: usize) -> Row<'_> {
        map.clear();
        map.push_str(key::TITLE, &if t_ns % 2 == 0 { "e" } else { "o" }.repeat(bytes));
        Row { window_id: "0x1c00007", ..Row::new(t_ns, event_type::FOCUS, SESSION, map) }
    }

    #[test]
    fn what_is_written_is_read_however_much_text_it_has() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("t");
        let mut writer = TableWriter::create(&path, SESSION, &[]).expect("a table");
        let mut map = RowMetadata::default();
        // Light, heavy beyond a row group of its own, light again, and as many bytes as are just light; the longest texts, and most entries.
        let parts = [(20_000, 20), (20_000, MAX_TEXT_BYTES / 2), (40_000, 20), (20_000, 300), (3000, MAX_TEXT_BYTES)];
        let mut t_ns = 0;
        for (rows, bytes) in parts {
            for _ in 0..rows {
                writer.push(&titled(t_ns, &mut map, bytes)).expect("a row");
                t_ns += 1;
            }
        }
        for _ in 0..20 {
            map.clear();
            (0..MAX_ENTRIES_PER_ROW).for_each(|entry| map.push_str(&format!("k{entry}"), &"v".repeat(MAX_TEXT_BYTES)));
            writer.push(&Row::new(t_ns, event_type::MARK, SESSION, &map)).expect("a row");
        }
        let summary = writer.finish().expect("a table");
        let table = crate::session::table::read::EventsReader::open(&path).expect("a table");
        let (mut rows, mut row, mut read) =
            (table.rows().checked(), crate::session::table::row::OwnedRow::default(), 0);
        while rows.next_into(&mut row).expect("a row") {
            assert_eq!(row.intact, Some(true));
            read += 1;
        }
        assert_eq!(read, summary.rows);
        assert!(table.groups().len() > 3, "{:?}", table.groups());
        let size = summary.written.size_bytes;
        assert!(
            (80 << 20..200 << 20).contains(&size),
            "{size} bytes: what is heavy is packed, or what is light is not"
        );
    }

    #[test]
    fn what_readers_would_refuse_is_not_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut writer = TableWriter::create(&dir.path().join("t"), SESSION, &[]).expect("a table");
        let mut map = RowMetadata::default();
        let long = writer.push(&titled(1, &mut map, MAX_TEXT_BYTES + 1));
        assert!(matches!(long, Err(TableError::LongText { row: 0, size_bytes: 8193 })));
        map.clear();
        (0..=MAX_ENTRIES_PER_ROW).for_each(|entry| map.push_str(&format!("k{entry}"), ""));
        let many = writer.push(&Row::new(1, event_type::MARK, SESSION, &map));
        assert!(matches!(many, Err(TableError::ManyEntries { row: 0, entries: 65 })));
    }

    #[test]
    #[ignore = "measures: CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo test --lib two_million -- --ignored --nocapture"]
    #[expect(clippy::disallowed_methods, reason = "times itself")]
    fn two_million_rows_in_the_promised_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("t");
        for _ in 0..3 {
            let start = std::time::Instant::now();
            write_rows(&path, 2_000_000).expect("a table");
            let taken = start.elapsed();
            let size = std::fs::metadata(&path).expect("a file").len();
            let start = std::time::Instant::now();
            let table = crate::session::table::read::EventsReader::open(&path).expect("a table");
            let (mut rows, mut row, mut read) = (table.rows(), crate::session::table::row::OwnedRow::default(), 0);
            while rows.next_into(&mut row).expect("a row") {
                read += 1;
            }
            assert_eq!(read, 2_000_000);
            println!("2,000,000 rows written in {taken:.2?}, {size} bytes; read in {:.2?}", start.elapsed());
        }
    }
}
