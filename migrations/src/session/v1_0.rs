//! The table of format 1.0.0, as it was released: frozen.

use super::{Column, ColumnType, Version, bytes, col};

/// This version.
pub const VERSION: Version = Version { major: 1, minor: 0 };

/// Every column, in order.
pub const COLUMNS: [Column; 12] = [
    col("t_ns", ColumnType::Int64, false),
    col("event_type", ColumnType::String, false),
    col("key_code", ColumnType::Int32, true),
    col("mouse_x", ColumnType::Float32, true),
    col("mouse_y", ColumnType::Float32, true),
    col("mouse_button", ColumnType::String, true),
    col("delta", ColumnType::Float32, true),
    col("frame_ref", ColumnType::Int64, true),
    col("window_id", ColumnType::String, false),
    col("session_id", ColumnType::String, false),
    col("hash", ColumnType::String, false),
    col("metadata", ColumnType::Map, false),
];

/// A row, without its hash. `M` goes through the entries of the map, sorted by the bytes of their keys.
#[derive(Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names are the columns', which FORMAT.md describes")]
pub struct Row<'a, M> {
    pub t_ns: i64,
    pub event_type: &'a str,
    pub key_code: Option<i32>,
    pub mouse_x: Option<f32>,
    pub mouse_y: Option<f32>,
    pub mouse_button: Option<&'a str>,
    pub delta: Option<f32>,
    pub frame_ref: Option<i64>,
    pub window_id: &'a str,
    pub session_id: &'a str,
    pub metadata: M,
}

impl<'a, M: ExactSizeIterator<Item = (&'a str, &'a str)>> Row<'a, M> {
    /// Appends the bytes that the row's hash is made of.
    #[inline]
    pub fn encode(self, out: &mut Vec<u8>) {
        bytes::fixed(out, self.t_ns.to_le_bytes());
        bytes::text(out, self.event_type);
        bytes::optional(out, self.key_code.map(i32::to_le_bytes));
        bytes::optional(out, self.mouse_x.map(bytes::float));
        bytes::optional(out, self.mouse_y.map(bytes::float));
        bytes::optional_text(out, self.mouse_button);
        bytes::optional(out, self.delta.map(bytes::float));
        bytes::optional(out, self.frame_ref.map(i64::to_le_bytes));
        bytes::text(out, self.window_id);
        bytes::text(out, self.session_id);
        bytes::map(out, self.metadata);
    }
}
