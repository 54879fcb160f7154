//! A batch of rows as Arrow columns under construction, and the bytes that their hashes are made of.
//!
//! Invariant: what is built depends on the rows alone. Most cells of most rows are null, so those that follow one another in a column are
//! counted and added at once; a session's id and the numbers of the rows are the same for all and made at the end. Knows no file.

use std::sync::Arc;

use crate::base::arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Int32Builder, Int64Array, Int64Builder, MapBuilder, MapFieldNames,
    PrimitiveBuilder, StringArray, StringBuilder,
};
use crate::base::arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use crate::base::arrow::datatypes::ArrowPrimitiveType;
use crate::base::arrow::error::ArrowError;

use crate::session::table::hash;
use crate::session::table::hash::HASH_LEN;
use crate::session::table::row::Row;
use crate::session::table::schema::column;

/// Rows that are handed to the lanes at once: 16,384 rows of about 350 bytes (columns and hash input) are 6 MB; eight batches make a row
/// group. Where pages end follows from it, so another number here is other bytes for the same log.
pub(crate) const BATCH_ROWS: usize = 16_384;

/// A batch is also cut when its text grows beyond this, so that memory follows the rows and not their contents.
pub(crate) const BATCH_BYTES: usize = 16 << 20;

/// The largest row: the log keeps records of 4 KiB, so 1 MiB is never met by accident.
pub(crate) const MAX_ROW_BYTES: usize = 1 << 20;

/// A batch whose rows have more than this on the average, in their canonical form, is stored unpacked. Readers refuse a row group that decodes
/// to many times its bytes ([`Growth`](crate::session::table::guard::Growth)); rows with less have a hash that keeps them below that. The rows
/// of a recording have 150 to 300.
const LIGHT_ROW_BYTES: usize = 512;

/// A builder of a column whose cells may be null.
trait Builder {
    type Value;
    fn value(&mut self, value: Self::Value);
    fn nulls(&mut self, count: usize);
    fn array(&mut self) -> ArrayRef;
}

impl<T: ArrowPrimitiveType> Builder for PrimitiveBuilder<T> {
    type Value = T::Native;

    fn value(&mut self, value: T::Native) {
        self.append_value(value);
    }

    fn nulls(&mut self, count: usize) {
        self.append_nulls(count);
    }

    fn array(&mut self) -> ArrayRef {
        Arc::new(self.finish())
    }
}

impl Builder for BooleanBuilder {
    type Value = bool;

    fn value(&mut self, value: bool) {
        self.append_value(value);
    }

    fn nulls(&mut self, count: usize) {
        self.append_nulls(count);
    }

    fn array(&mut self) -> ArrayRef {
        Arc::new(self.finish())
    }
}

/// A column of which many cells are null: those in a row are counted, and added before the next value.
struct Sparse<B> {
    builder: B,
    nulls: usize,
}

impl<B: Builder> Sparse<B> {
    fn new(builder: B) -> Self {
        Self { builder, nulls: 0 }
    }

    fn push(&mut self, value: Option<B::Value>) {
        match value {
            Some(value) => {
                self.add_nulls();
                self.builder.value(value);
            }
            None => self.nulls += 1,
        }
    }

    fn add_nulls(&mut self) {
        if self.nulls > 0 {
            self.builder.nulls(std::mem::take(&mut self.nulls));
        }
    }

    fn finish(&mut self) -> ArrayRef {
        self.add_nulls();
        self.builder.array()
    }
}

/// Columns under construction.
pub(crate) struct Batch {
    rows: usize,
    t_ns: Int64Builder,
    event_type: StringBuilder,
    key_code: Sparse<Int32Builder>,
    mouse_x: Sparse<Float32Builder>,
    mouse_y: Sparse<Float32Builder>,
    mouse_button: StringBuilder,
    delta: Sparse<Float32Builder>,
    frame_ref: Sparse<Int64Builder>,
    window_id: StringBuilder,
    metadata: MapBuilder<StringBuilder, StringBuilder>,
    pressed: Sparse<BooleanBuilder>,
    mouse_dx: Sparse<Float32Builder>,
    mouse_dy: Sparse<Float32Builder>,
    pts: Sparse<Int64Builder>,
    is_keyframe: Sparse<BooleanBuilder>,
    repeat: Sparse<BooleanBuilder>,
    source: StringBuilder,
    pad: Sparse<Int32Builder>,
    control: StringBuilder,
    value: Sparse<Float32Builder>,
    /// Index of the first row in the table.
    first: i64,
    hash_input: HashInput,
}

/// What the hashes of a batch are made of.
#[derive(Default)]
pub(crate) struct HashInput {
    /// The canonical bytes of every row, each padded for SHA-256.
    bytes: Vec<u8>,
    /// How many of these bytes belong to each row.
    lengths: Vec<u32>,
}

impl HashInput {
    /// The hash column.
    pub(crate) fn column(&self) -> Result<ArrayRef, ArrowError> {
        let mut text = vec![[0; HASH_LEN]; self.lengths.len()];
        hash::hash_all_padded(&self.bytes, &self.lengths, &mut text);
        strings(self.lengths.len(), HASH_LEN, text.into_flattened())
    }
}

/// A column of texts of the same length, one behind the other.
fn strings(rows: usize, length: usize, text: Vec<u8>) -> Result<ArrayRef, ArrowError> {
    let offsets: ScalarBuffer<i32> = (0..=rows).map(|row| (row * length) as i32).collect();
    Ok(Arc::new(StringArray::try_new(OffsetBuffer::new(offsets), Buffer::from_vec(text), None)?))
}

impl Batch {
    /// A batch whose first row has the index `first` in the table.
    pub(crate) fn new(first: i64) -> Self {
        const N: usize = BATCH_ROWS;
        let entry = column::MAP_ENTRY.to_owned();
        let names = MapFieldNames { entry, key: column::MAP_KEY.to_owned(), value: column::MAP_VALUE.to_owned() };
        Self {
            rows: 0,
            t_ns: Int64Builder::with_capacity(N),
            event_type: StringBuilder::with_capacity(N, N * 10),
            key_code: Sparse::new(Int32Builder::with_capacity(N)),
            mouse_x: Sparse::new(Float32Builder::with_capacity(N)),
            mouse_y: Sparse::new(Float32Builder::with_capacity(N)),
            mouse_button: StringBuilder::with_capacity(N, N / 8),
            delta: Sparse::new(Float32Builder::with_capacity(N)),
            frame_ref: Sparse::new(Int64Builder::with_capacity(N)),
            window_id: StringBuilder::with_capacity(N, N * 10),
            metadata: MapBuilder::with_capacity(
                Some(names),
                StringBuilder::with_capacity(N, N * 8),
                StringBuilder::with_capacity(N, N * 8),
                N,
            ),
            pressed: Sparse::new(BooleanBuilder::with_capacity(N)),
            mouse_dx: Sparse::new(Float32Builder::with_capacity(N)),
            mouse_dy: Sparse::new(Float32Builder::with_capacity(N)),
            pts: Sparse::new(Int64Builder::with_capacity(N)),
            is_keyframe: Sparse::new(BooleanBuilder::with_capacity(N)),
            repeat: Sparse::new(BooleanBuilder::with_capacity(N)),
            source: StringBuilder::with_capacity(N, N * 4),
            pad: Sparse::new(Int32Builder::with_capacity(N)),
            control: StringBuilder::with_capacity(N, N),
            value: Sparse::new(Float32Builder::with_capacity(N)),
            first,
            hash_input: HashInput { bytes: Vec::with_capacity(N * 192), lengths: Vec::with_capacity(N) },
        }
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it should be handed on before the next row.
    pub(crate) fn is_full(&self) -> bool {
        self.rows == BATCH_ROWS || self.hash_input.bytes.len() > BATCH_BYTES
    }

    /// Whether its text is too much to be packed.
    pub(super) fn is_heavy(&self) -> bool {
        self.hash_input.bytes.len() > self.rows * LIGHT_ROW_BYTES
    }

    /// Bytes of its rows in their canonical form.
    pub(super) fn bytes(&self) -> usize {
        self.hash_input.bytes.len()
    }

    /// Adds a row of the batch's session; how many bytes it has in its canonical form. One of more than [`MAX_ROW_BYTES`] is not added.
    pub(crate) fn push(&mut self, row: &Row<'_>) -> usize {
        let seq = self.first + self.rows as i64;
        let size = hash::encode_padded(row, seq, &mut self.hash_input.bytes);
        if size > MAX_ROW_BYTES {
            self.hash_input.bytes.truncate(self.hash_input.bytes.len() - size);
            return size;
        }
        self.hash_input.lengths.push(size as u32);
        self.rows += 1;
        self.t_ns.append_value(row.t_ns);
        self.event_type.append_value(row.event_type);
        self.key_code.push(row.key_code);
        self.mouse_x.push(row.mouse_x);
        self.mouse_y.push(row.mouse_y);
        self.mouse_button.append_option(row.mouse_button);
        self.delta.push(row.delta);
        self.frame_ref.push(row.frame_ref);
        self.window_id.append_value(row.window_id);
        let (keys, values) = self.metadata.entries();
        for (key, value) in row.metadata.iter() {
            keys.append_value(key);
            values.append_value(value);
        }
        let appended = self.metadata.append(true);
        debug_assert!(appended.is_ok(), "a key beside each value");
        self.pressed.push(row.pressed);
        self.mouse_dx.push(row.mouse_dx);
        self.mouse_dy.push(row.mouse_dy);
        self.pts.push(row.pts);
        self.is_keyframe.push(row.is_keyframe);
        self.repeat.push(row.repeat);
        self.source.append_option(row.source);
        self.pad.push(row.pad);
        self.control.append_option(row.control);
        self.value.push(row.value);
        size
    }

    /// The columns in order (a null array stands for the hashes, which a lane makes) and what to hash.
    pub(crate) fn finish(mut self, session_id: &str) -> Result<(Arc<Vec<ArrayRef>>, HashInput), ArrowError> {
        let rows = self.rows;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.t_ns.finish()),
            Arc::new(self.event_type.finish()),
            self.key_code.finish(),
            self.mouse_x.finish(),
            self.mouse_y.finish(),
            Arc::new(self.mouse_button.finish()),
            self.delta.finish(),
            self.frame_ref.finish(),
            Arc::new(self.window_id.finish()),
            strings(rows, session_id.len(), session_id.as_bytes().repeat(rows))?,
            Arc::new(StringArray::new_null(0)),
            Arc::new(self.metadata.finish()),
            Arc::new(Int64Array::from_iter_values(self.first..self.first + rows as i64)),
            self.pressed.finish(),
            self.mouse_dx.finish(),
            self.mouse_dy.finish(),
            self.pts.finish(),
            self.is_keyframe.finish(),
            self.repeat.finish(),
            Arc::new(self.source.finish()),
            self.pad.finish(),
            Arc::new(self.control.finish()),
            self.value.finish(),
        ];
        Ok((Arc::new(columns), self.hash_input))
    }
}
