//! The columns of `events.parquet` as Arrow sees them. Names, types and nullability of every version stand in
//! `watchcap_migrations::session`, frozen; writer, reader and FORMAT.md follow those tables.

use std::sync::Arc;

use crate::base::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use watchcap_migrations::session::v1_3;
pub use watchcap_migrations::session::{Column, ColumnType, Version};

/// Version of the session format that this program writes, semver.
pub const FORMAT_VERSION: &str = "1.3.0";
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
    /// Index of the row.
    pub const SEQ: &str = "seq";
    /// Down or up.
    pub const PRESSED: &str = "pressed";
    /// Relative motion, across.
    pub const MOUSE_DX: &str = "mouse_dx";
    /// Relative motion, down.
    pub const MOUSE_DY: &str = "mouse_dy";
    /// Presentation time.
    pub const PTS: &str = "pts";
    /// Decoding can begin here.
    pub const IS_KEYFRAME: &str = "is_keyframe";
    /// Auto-repeat.
    pub const REPEAT: &str = "repeat";
    /// Observer.
    pub const SOURCE: &str = "source";
    /// Gamepad.
    pub const PAD: &str = "pad";
    /// Control of a gamepad.
    pub const CONTROL: &str = "control";
    /// Where a control of a gamepad is.
    pub const VALUE: &str = "value";
    /// Name of the map's entries.
    pub const MAP_ENTRY: &str = "key_value";
    /// Name of the map's keys.
    pub const MAP_KEY: &str = "key";
    /// Name of the map's values.
    pub const MAP_VALUE: &str = "value";
}

/// How FORMAT.md writes a type.
pub fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int64 => "int64",
        ColumnType::Int32 => "int32",
        ColumnType::Float32 => "float32",
        ColumnType::Bool => "bool",
        ColumnType::String => "string",
        ColumnType::Map => "map<string,string>",
    }
}

/// The Arrow type.
pub fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::String => DataType::Utf8,
        ColumnType::Map => DataType::Map(map_entries_field(), false),
    }
}

/// The field of the map's entries. Values are nullable in the schema, as in Arrow's own `map<string,string>`, and never
/// null in a file.
pub fn map_entries_field() -> Arc<Field> {
    Arc::new(Field::new(column::MAP_ENTRY, DataType::Struct(map_key_value_fields()), false))
}

/// The fields of one entry of the map.
pub fn map_key_value_fields() -> crate::base::arrow::datatypes::Fields {
    vec![Field::new(column::MAP_KEY, DataType::Utf8, false), Field::new(column::MAP_VALUE, DataType::Utf8, true)].into()
}

/// Every column that this release writes, in order.
pub const COLUMNS: [Column; 23] = v1_3::COLUMNS;

/// The Arrow schema that this release writes.
pub fn arrow_schema() -> SchemaRef {
    arrow_schema_of(&COLUMNS)
}

/// The Arrow schema of some version's columns.
pub fn arrow_schema_of(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> =
        columns.iter().map(|column| Field::new(column.name, arrow_type(column.kind), column.nullable)).collect();
    Arc::new(Schema::new(fields))
}
