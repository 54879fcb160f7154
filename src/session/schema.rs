//! The columns of `events.parquet` 1.0.0, once: names, types, nullability. Writer, reader and FORMAT.md follow this table.
//!
//! Added columns go to the end and bump the minor version; readers ignore columns that they do not know.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

/// Version of the session format that this program writes, semver.
pub const FORMAT_VERSION: &str = "1.0.0";
/// Key of the format version in the key-value metadata of `events.parquet`.
pub const FORMAT_VERSION_KEY: &str = "watchcap.format_version";
/// Key of the session's UUID in the key-value metadata of `events.parquet`.
pub const SESSION_ID_KEY: &str = "watchcap.session_id";

/// Names of the columns, once.
pub mod column {
    /// Time.
    pub const T_NS: &str = "t_ns";
    /// What happened.
    pub const EVENT_TYPE: &str = "event_type";
    /// Key.
    pub const KEY_CODE: &str = "key_code";
    /// Pointer, across.
    pub const MOUSE_X: &str = "mouse_x";
    /// Pointer, down.
    pub const MOUSE_Y: &str = "mouse_y";
    /// Button.
    pub const MOUSE_BUTTON: &str = "mouse_button";
    /// Wheel steps.
    pub const DELTA: &str = "delta";
    /// Frame.
    pub const FRAME_REF: &str = "frame_ref";
    /// Active window.
    pub const WINDOW_ID: &str = "window_id";
    /// Session.
    pub const SESSION_ID: &str = "session_id";
    /// Row hash.
    pub const HASH: &str = "hash";
    /// Everything else.
    pub const METADATA: &str = "metadata";
    /// Name of the map's entries.
    pub const MAP_ENTRY: &str = "key_value";
    /// Name of the map's keys.
    pub const MAP_KEY: &str = "key";
    /// Name of the map's values.
    pub const MAP_VALUE: &str = "value";
}

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// 64-bit signed integer.
    Int64,
    /// 32-bit signed integer.
    Int32,
    /// 32-bit IEEE float.
    Float32,
    /// UTF-8.
    String,
    /// Map of strings to strings.
    Map,
}

impl ColumnType {
    /// How FORMAT.md writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Float32 => "float32",
            Self::String => "string",
            Self::Map => "map<string,string>",
        }
    }

    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Int64 => DataType::Int64,
            Self::Int32 => DataType::Int32,
            Self::Float32 => DataType::Float32,
            Self::String => DataType::Utf8,
            Self::Map => DataType::Map(map_entries_field(), false),
        }
    }
}

/// The field of the map's entries. Values are nullable in the schema, as in Arrow's own `map<string,string>`, and never
/// null in a file.
pub fn map_entries_field() -> Arc<Field> {
    Arc::new(Field::new(column::MAP_ENTRY, DataType::Struct(map_key_value_fields()), false))
}

/// The fields of one entry of the map.
pub fn map_key_value_fields() -> arrow::datatypes::Fields {
    vec![Field::new(column::MAP_KEY, DataType::Utf8, false), Field::new(column::MAP_VALUE, DataType::Utf8, true)].into()
}

/// A column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Whether a row may have no value.
    pub nullable: bool,
}

const fn col(name: &'static str, kind: ColumnType, nullable: bool) -> Column {
    Column { name, kind, nullable }
}

/// Every column, in order.
pub const COLUMNS: [Column; 12] = [
    col(column::T_NS, ColumnType::Int64, false),
    col(column::EVENT_TYPE, ColumnType::String, false),
    col(column::KEY_CODE, ColumnType::Int32, true),
    col(column::MOUSE_X, ColumnType::Float32, true),
    col(column::MOUSE_Y, ColumnType::Float32, true),
    col(column::MOUSE_BUTTON, ColumnType::String, true),
    col(column::DELTA, ColumnType::Float32, true),
    col(column::FRAME_REF, ColumnType::Int64, true),
    col(column::WINDOW_ID, ColumnType::String, false),
    col(column::SESSION_ID, ColumnType::String, false),
    col(column::HASH, ColumnType::String, false),
    col(column::METADATA, ColumnType::Map, false),
];

/// The Arrow schema.
pub fn arrow_schema() -> SchemaRef {
    let fields: Vec<Field> =
        COLUMNS.iter().map(|column| Field::new(column.name, column.kind.arrow(), column.nullable)).collect();
    Arc::new(Schema::new(fields))
}
