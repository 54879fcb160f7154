//! Format 1.3.0: the table of 1.2.0, and three columns of gamepads behind it.

use super::{Column, ColumnType, Version, bytes, col, v1_2};

/// This version.
pub const VERSION: Version = Version { major: 1, minor: 3 };

/// Every column, in order: those of 1.2.0, and what gamepads have.
pub const COLUMNS: [Column; 23] = {
    let mut columns = [col("pad", ColumnType::Int32, true); 23];
    let mut at = 0;
    while at < v1_2::COLUMNS.len() {
        columns[at] = v1_2::COLUMNS[at];
        at += 1;
    }
    columns[21] = col("control", ColumnType::String, true);
    columns[22] = col("value", ColumnType::Float32, true);
    columns
};

/// A row, without its hash: what [`v1_2::Row`] has, and these.
#[derive(Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names are the columns', which FORMAT.md describes")]
pub struct Row<'a, M> {
    pub base: v1_2::Row<'a, M>,
    pub pad: Option<i32>,
    pub control: Option<&'a str>,
    pub value: Option<f32>,
}

impl<'a, M: ExactSizeIterator<Item = (&'a str, &'a str)>> Row<'a, M> {
    /// Appends the bytes that the row's hash is made of: every column but `hash`, in the order of [`COLUMNS`].
    #[inline]
    pub fn encode(self, out: &mut Vec<u8>) {
        self.base.encode(out);
        bytes::optional(out, self.pad.map(i32::to_le_bytes));
        bytes::optional_text(out, self.control);
        bytes::optional(out, self.value.map(bytes::float));
    }
}
