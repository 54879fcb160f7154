//! The columns of `catalog.parquet`, and a row of it between memory and file.
//!
//! Keeps the invariants that the file is a function of the rows, and that a file whose columns are not these is not read at all.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::base::arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use crate::base::arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::session::table::read::{each_batch, open_footer};

/// Version of the catalog; another one is not read, and all sessions are read again.
pub const CATALOG_VERSION: &str = "1.4.0";
/// Its key in the file's key-value metadata.
pub const CATALOG_VERSION_KEY: &str = "watchcap.catalog_version";
/// Largest catalog that is read: a row has about 300 bytes, so a million sessions have 300 MB.
pub(crate) const MAX_BYTES: u64 = 512 << 20;
/// Most rows that are read of one.
pub(crate) const MAX_SESSIONS: usize = 1 << 21;
/// The zone of every time.
const UTC: &str = "UTC";

/// Type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// 64-bit integer.
    Int,
    /// 64-bit float.
    Float,
    /// True or false.
    Bool,
    /// Microseconds since 1970, UTC.
    Time,
}

impl Kind {
    /// Its name in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Int => "int64",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Time => "timestamp[us, UTC]",
        }
    }

    fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        }
    }
}

macro_rules! columns {
    ($($id:ident $name:literal $kind:ident,)*) => {
        /// A column.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[expect(missing_docs, reason = "docs/CATALOG.md describes each, and a test compares")]
        pub enum Col { $($id,)* }

        /// Name and type of every column, in order.
        pub const COLUMNS: &[(&str, Kind)] = &[$(($name, Kind::$kind),)*];
    };
}

columns! {
    Path "path" Text,
    State "state" Text,
    Problem "problem" Text,
    SessionId "session_id" Text,
    FormatVersion "format_version" Text,
    Watchcap "watchcap" Text,
    CapturedAt "captured_at" Time,
    DurationNs "duration_ns" Int,
    Hours "hours" Float,
    EndReason "end_reason" Text,
    Recovered "recovered" Bool,
    Lossy "lossy" Bool,
    Series "series" Text,
    Part "part" Int,
    Game "game" Text,
    Patch "patch" Text,
    Task "task" Text,
    Participant "participant" Text,
    Tags "tags" Text,
    Outcome "outcome" Text,
    Subtasks "subtasks" Int,
    AnnotationsSha256 "annotations_sha256" Text,
    Target "target" Text,
    Width "width" Int,
    Height "height" Int,
    Codec "codec" Text,
    CodecString "codec_string" Text,
    InputDevice "input_device" Text,
    CaptureFps "capture_fps" Float,
    BitrateKbps "bitrate_kbps" Float,
    Frames "frames" Int,
    DuplicateFrames "duplicate_frames" Int,
    DroppedFrames "dropped_frames" Int,
    Rows "rows" Int,
    Clicks "clicks" Int,
    KeyDown "key_down" Int,
    KeyUp "key_up" Int,
    MouseMove "mouse_move" Int,
    MouseClick "mouse_click" Int,
    Wheel "wheel" Int,
    GamepadButton "gamepad_button" Int,
    GamepadAxis "gamepad_axis" Int,
    Focus "focus" Int,
    Mark "mark" Int,
    Gap "gap" Int,
    Pause "pause" Int,
    Redact "redact" Int,
    ScreenSource "screen_source" Text,
    InputSource "input_source" Text,
    AudioSource "audio_source" Text,
    AudioKinds "audio_kinds" Text,
    AudioCodec "audio_codec" Text,
    AudioSeconds "audio_seconds" Float,
    AudioGaps "audio_gaps" Int,
    ConsentScreen "consent_screen" Bool,
    ConsentInput "consent_input" Bool,
    ConsentAudio "consent_audio" Bool,
    ConsentScope "consent_scope" Text,
    ConsentWithdrawn "consent_withdrawn" Bool,
    ChatRedacted "chat_redacted" Bool,
    NotificationsMasked "notifications_masked" Bool,
    PrivacyKeys "privacy_keys" Text,
    RedactedKeys "redacted_keys" Int,
    MadeBy "made_by" Text,
    MadeFrom "made_from" Text,
    JoinedFrom "joined_from" Text,
    Verdict "verdict" Text,
    VerdictAt "verdict_at" Time,
    Check "check" Text,
    CheckedAt "checked_at" Time,
    CheckFault "check_fault" Text,
    SizeBytes "size_bytes" Int,
    VideoBytes "video_bytes" Int,
    EventsBytes "events_bytes" Int,
    AudioBytes "audio_bytes" Int,
    VideoPath "video_path" Text,
    EventsPath "events_path" Text,
    MetadataPath "metadata_path" Text,
    IntegritySha256 "integrity_sha256" Text,
    VideoSha256 "video_sha256" Text,
    EventsSha256 "events_sha256" Text,
    MetadataSha256 "metadata_sha256" Text,
}

/// A value.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Cell {
    /// None.
    #[default]
    Null,
    /// Text.
    Text(String),
    /// A whole number, or a time in microseconds since 1970.
    Int(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Bool(bool),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Null, Self::Int)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row: a session or a log.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    cells: Vec<Cell>,
}

impl Default for Entry {
    fn default() -> Self {
        Self { cells: vec![Cell::Null; COLUMNS.len()] }
    }
}

impl Entry {
    /// Puts a value into a column.
    pub fn set(&mut self, column: Col, value: impl Into<Cell>) {
        self.cells[column as usize] = value.into();
    }

    /// Takes over what another row has in a column.
    pub fn copy(&mut self, column: Col, from: &Self) {
        self.cells[column as usize] = from.cells[column as usize].clone();
    }

    /// The text in a column.
    pub fn text(&self, column: Col) -> Option<&str> {
        match &self.cells[column as usize] {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number in a column.
    pub fn int(&self, column: Col) -> Option<i64> {
        match self.cells[column as usize] {
            Cell::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The number in a column.
    pub fn float(&self, column: Col) -> Option<f64> {
        match self.cells[column as usize] {
            Cell::Float(number) => Some(number),
            _ => None,
        }
    }
}

/// Every row has these.
fn nullable(name: &str) -> bool {
    !["path", "state"].contains(&name)
}

fn schema() -> SchemaRef {
    let fields = COLUMNS.iter().map(|(name, kind)| Field::new(*name, kind.arrow(), nullable(name)));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn column(entries: &[Entry], index: usize, kind: Kind) -> ArrayRef {
    let cells = entries.iter().map(|entry| &entry.cells[index]);
    let int = |cell: &Cell| if let Cell::Int(number) = cell { Some(*number) } else { None };
    let float = |cell: &Cell| if let Cell::Float(number) = cell { Some(*number) } else { None };
    let flag = |cell: &Cell| if let Cell::Bool(flag) = cell { Some(*flag) } else { None };
    match kind {
        Kind::Text => {
            let texts = cells.map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None });
            Arc::new(texts.collect::<StringArray>())
        }
        Kind::Int => Arc::new(cells.map(int).collect::<Int64Array>()),
        Kind::Float => Arc::new(cells.map(float).collect::<Float64Array>()),
        Kind::Bool => Arc::new(cells.map(flag).collect::<BooleanArray>()),
        Kind::Time => Arc::new(cells.map(int).collect::<TimestampMicrosecondArray>().with_timezone(UTC)),
    }
}

/// Writes a catalog to `file`.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(file: File, entries: &[Entry]) -> Result<(), ParquetError> {
    let schema = schema();
    let version = KeyValue::new(CATALOG_VERSION_KEY.to_owned(), CATALOG_VERSION.to_owned());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("watchcap catalog version {CATALOG_VERSION}"))
        .set_key_value_metadata(Some(vec![version]))
        .build();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?;
    for part in entries.chunks(1 << 14) {
        let columns = COLUMNS.iter().enumerate().map(|(index, (_, kind))| column(part, index, *kind)).collect();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
    }
    writer.close()?;
    Ok(())
}

/// Whether a file says that it is a catalog, of whatever version.
pub(crate) fn is_catalog(path: &Path) -> bool {
    let says = |entries: &Vec<KeyValue>| entries.iter().any(|entry| entry.key == CATALOG_VERSION_KEY);
    let footer = open_footer(path).ok().map(|(_, footer)| footer);
    footer.is_some_and(|footer| footer.metadata().file_metadata().key_value_metadata().is_some_and(says))
}

/// Reads a catalog; none when there is none, or it is not one of this version.
pub(crate) fn read(path: &Path) -> Option<Vec<Entry>> {
    let (file, footer) = open_footer(path).ok()?;
    if file.size() > MAX_BYTES {
        return None;
    }
    let said = footer.metadata().file_metadata().key_value_metadata()?;
    let version = said.iter().find(|entry| entry.key == CATALOG_VERSION_KEY)?.value.as_deref()?;
    if version != CATALOG_VERSION || footer.schema().fields() != schema().fields() {
        return None;
    }
    let mut entries = Vec::new();
    let read = each_batch(&file, &footer, 0..COLUMNS.len(), &mut |batch| {
        if entries.len() + batch.num_rows() > MAX_SESSIONS {
            return Err(format!("more than {MAX_SESSIONS} sessions"));
        }
        for row in 0..batch.num_rows() {
            entries.push(entry_of(batch, row).ok_or("a column of another type")?);
        }
        Ok(())
    });
    read.inspect_err(|why| tracing::debug!(why, "the catalog is not read")).ok()?;
    Some(entries)
}

/// A row of a catalog.
fn entry_of(batch: &RecordBatch, row: usize) -> Option<Entry> {
    let mut entry = Entry::default();
    for (index, (_, kind)) in COLUMNS.iter().enumerate() {
        let array = batch.column(index);
        if array.is_null(row) {
            continue;
        }
        entry.cells[index] = match kind {
            Kind::Text => array.as_string_opt::<i32>()?.value(row).into(),
            Kind::Int => array.as_primitive_opt::<Int64Type>()?.value(row).into(),
            Kind::Float => array.as_primitive_opt::<Float64Type>()?.value(row).into(),
            Kind::Bool => array.as_boolean_opt()?.value(row).into(),
            Kind::Time => array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row).into(),
        };
    }
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_same_rows_are_the_same_bytes() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut one = Entry::default();
        one.set(Col::Path, "a/b");
        one.set(Col::State, "sealed");
        one.set(Col::CapturedAt, 1_790_000_000_000_001_i64);
        one.set(Col::Hours, 1.5);
        one.set(Col::Recovered, false);
        one.set(Col::Frames, 7_u64);
        one.set(Col::Game, None::<String>);
        let mut two = Entry::default();
        two.set(Col::Path, "ü");
        two.set(Col::State, "damaged");
        let entries = vec![one, two];
        let paths = [dir.path().join("1"), dir.path().join("2")];
        for path in &paths {
            write(File::create(path).expect("a file"), &entries).expect("a catalog");
        }
        assert_eq!(read(&paths[0]), Some(entries));
        assert!(is_catalog(&paths[0]));
        assert!(std::fs::read(&paths[0]).expect("bytes") == std::fs::read(&paths[1]).expect("bytes"));
        assert_eq!(COLUMNS[Col::MetadataSha256 as usize].0, "metadata_sha256");
        assert_eq!(Col::MetadataSha256 as usize + 1, COLUMNS.len());
    }

    #[test]
    fn what_is_no_catalog_is_not_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("c");
        assert_eq!(read(&path), None);
        std::fs::write(&path, "PAR1 or not PAR1").expect("a file");
        assert_eq!((read(&path), is_catalog(&path)), (None, false));
        write(File::create(&path).expect("a file"), &[Entry::default()]).expect_err("a row without a path");
        assert_eq!(read(&path), None);
    }
}
