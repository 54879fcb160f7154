//! The table of format 1.1.0, as it was released: frozen.

use super::{Column, ColumnType, Version, bytes, col, v1_0};

/// This version.
pub const VERSION: Version = Version { major: 1, minor: 1 };

/// Every column, in order: those of 1.0.0, and what was text in the map.
pub const COLUMNS: [Column; 20] = {
    let mut columns = [col("seq", ColumnType::Int64, false); 20];
    let mut at = 0;
    while at < v1_0::COLUMNS.len() {
        columns[at] = v1_0::COLUMNS[at];
        at += 1;
    }
    columns[13] = col("pressed", ColumnType::Bool, true);
    columns[14] = col("mouse_dx", ColumnType::Float32, true);
    columns[15] = col("mouse_dy", ColumnType::Float32, true);
    columns[16] = col("pts", ColumnType::Int64, true);
    columns[17] = col("is_keyframe", ColumnType::Bool, true);
    columns[18] = col("repeat", ColumnType::Bool, true);
    columns[19] = col("source", ColumnType::String, true);
    columns
};

/// A row, without its hash: what [`v1_0::Row`] has, whose map lost the keys of the new columns, and these.
#[derive(Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names are the columns', which FORMAT.md describes")]
pub struct Row<'a, M> {
    pub base: v1_0::Row<'a, M>,
    pub seq: i64,
    pub pressed: Option<bool>,
    pub mouse_dx: Option<f32>,
    pub mouse_dy: Option<f32>,
    pub pts: Option<i64>,
    pub is_keyframe: Option<bool>,
    pub repeat: Option<bool>,
    pub source: Option<&'a str>,
}

impl<'a, M: ExactSizeIterator<Item = (&'a str, &'a str)>> Row<'a, M> {
    /// Appends the bytes that the row's hash is made of: every column but `hash`, in the order of [`COLUMNS`].
    #[inline]
    pub fn encode(self, out: &mut Vec<u8>) {
        self.base.encode(out);
        bytes::fixed(out, self.seq.to_le_bytes());
        bytes::optional(out, self.pressed.map(bytes::flag));
        bytes::optional(out, self.mouse_dx.map(bytes::float));
        bytes::optional(out, self.mouse_dy.map(bytes::float));
        bytes::optional(out, self.pts.map(i64::to_le_bytes));
        bytes::optional(out, self.is_keyframe.map(bytes::flag));
        bytes::optional(out, self.repeat.map(bytes::flag));
        bytes::optional_text(out, self.source);
    }
}
