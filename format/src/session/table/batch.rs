//! A decoded batch of the table as rows of the present format: those of earlier versions are lifted.
//!
//! Owns the order of the columns, which of them a projection may leave out, and the comparison of hashes where it is asked for. Knows no
//! file and no parquet.

use crate::base::arrow::array::{
    Array, AsArray as _, BooleanArray, Float32Array, Int32Array, Int64Array, MapArray, RecordBatch, StringArray,
};
use crate::base::arrow::datatypes::{Float32Type, Int32Type, Int64Type};
use watchcap_migrations::session::{v1_0, v1_0__to__v1_1, v1_1, v1_1__to__v1_2, v1_2};

use super::row::{OwnedRow, Row, RowMetadata};
use super::schema::Version;
use crate::session::table::hash;
use crate::session::table::hash::{HASH_LEN, HashText};

/// Bytes of rows that are hashed at once, beside those of one row: about 600 rows, which stay in the cache of a core.
const HASH_INPUT_BYTES: usize = 128 << 10;

/// A decoded batch and how far it has been read. Columns that a projection left out are empty in its rows.
pub(crate) struct Batch {
    at: usize,
    /// Index of its first row in the table.
    first: i64,
    check: bool,
    /// Rows are of 1.1.0 or earlier: entries of the map that mean nothing are left out.
    old: bool,
    /// Of a table with the columns of 1.1.0 that is checked: what the hash of each row should be.
    hashes: Vec<HashText>,
    scratch: Vec<u8>,
    t_ns: Int64Array,
    event_type: StringArray,
    key_code: Int32Array,
    mouse_x: Float32Array,
    mouse_y: Float32Array,
    mouse_button: StringArray,
    delta: Float32Array,
    frame_ref: Int64Array,
    window_id: Option<StringArray>,
    session_id: Option<StringArray>,
    hash: Option<StringArray>,
    metadata: MapArray,
    keys: StringArray,
    values: StringArray,
    /// None in a table of 1.0.0, whose rows are lifted one by one.
    typed: Option<Typed>,
    /// None in a table of 1.2.0 or earlier.
    pads: Option<Pads>,
}

/// The columns that 1.1.0 added.
struct Typed {
    seq: Option<Int64Array>,
    pressed: BooleanArray,
    mouse_dx: Float32Array,
    mouse_dy: Float32Array,
    pts: Option<Int64Array>,
    is_keyframe: BooleanArray,
    repeat: BooleanArray,
    source: Option<StringArray>,
}

/// The columns that 1.3.0 added.
struct Pads {
    pad: Int32Array,
    control: StringArray,
    value: Float32Array,
}

/// Columns that a projection may leave out: nobody shows them.
pub(crate) const OMISSIBLE: [usize; 6] = [8, 9, 10, 12, 16, 19];

impl Batch {
    /// Takes a batch of a table of this version: all its columns, or all but those of [`OMISSIBLE`].
    pub(crate) fn new(batch: &RecordBatch, version: Version, first: i64, check: bool) -> Result<Self, String> {
        let columns = version.columns();
        let whole = batch.num_columns() == columns.len();
        // Where a column of the table stands in the batch.
        let at = |index: usize| {
            let before = if whole { 0 } else { OMISSIBLE.iter().filter(|omitted| **omitted < index).count() };
            batch.columns().get(index - before)
        };
        let int64 = |index: usize| at(index)?.as_primitive_opt::<Int64Type>().cloned();
        let int32 = |index: usize| at(index)?.as_primitive_opt::<Int32Type>().cloned();
        let float32 = |index: usize| at(index)?.as_primitive_opt::<Float32Type>().cloned();
        let string = |index: usize| at(index)?.as_string_opt::<i32>().cloned();
        let boolean = |index: usize| at(index)?.as_boolean_opt().cloned();
        let omissible = |index: usize| if whole { string(index).map(Some) } else { Some(None) };
        let omissible_int = |index: usize| if whole { int64(index).map(Some) } else { Some(None) };
        let typed = || {
            Some(Typed {
                seq: omissible_int(12)?,
                pressed: boolean(13)?,
                mouse_dx: float32(14)?,
                mouse_dy: float32(15)?,
                pts: omissible_int(16)?,
                is_keyframe: boolean(17)?,
                repeat: boolean(18)?,
                source: omissible(19)?,
            })
        };
        let pads = || Some(Pads { pad: int32(20)?, control: string(21)?, value: float32(22)? });
        let build = || {
            let metadata = at(11)?.as_map_opt()?.clone();
            Some(Self {
                at: 0,
                first,
                check,
                old: version <= v1_1::VERSION,
                hashes: Vec::new(),
                scratch: Vec::new(),
                t_ns: int64(0)?,
                event_type: string(1)?,
                key_code: int32(2)?,
                mouse_x: float32(3)?,
                mouse_y: float32(4)?,
                mouse_button: string(5)?,
                delta: float32(6)?,
                frame_ref: int64(7)?,
                window_id: omissible(8)?,
                session_id: omissible(9)?,
                hash: omissible(10)?,
                keys: metadata.keys().as_string_opt::<i32>()?.clone(),
                values: metadata.values().as_string_opt::<i32>()?.clone(),
                metadata,
                typed: if columns.len() == v1_0::COLUMNS.len() { None } else { Some(typed()?) },
                pads: if columns.len() <= v1_2::COLUMNS.len() { None } else { Some(pads()?) },
            })
        };
        let omitted = OMISSIBLE.iter().filter(|omitted| **omitted < columns.len()).count();
        if !whole && batch.num_columns() + omitted != columns.len() {
            return Err("columns are missing".to_owned());
        }
        let mut batch = build().ok_or("a column of another type")?;
        if batch.values.null_count() > 0 {
            return Err("a metadata key without a value".to_owned());
        }
        if check {
            batch.hash_rows();
        }
        Ok(batch)
    }

    /// Makes the hashes that the rows should have, many at once: one by one takes several times as long.
    fn hash_rows(&mut self) {
        let Some(typed) = &self.typed else { return };
        let rows = self.t_ns.len();
        self.hashes = vec![[0; HASH_LEN]; rows];
        let (mut input, mut lengths, mut from) = (std::mem::take(&mut self.scratch), Vec::new(), 0);
        let mut metadata = RowMetadata::default();
        for at in 0..rows {
            metadata.clear();
            for entry in self.entries(at) {
                metadata.push_str(self.keys.value(entry), self.values.value(entry));
            }
            let row = Row {
                t_ns: self.t_ns.value(at),
                event_type: self.event_type.value(at),
                key_code: whole(&self.key_code, at),
                mouse_x: float(&self.mouse_x, at),
                mouse_y: float(&self.mouse_y, at),
                mouse_button: text(&self.mouse_button, at),
                delta: float(&self.delta, at),
                frame_ref: integer(&self.frame_ref, at),
                window_id: value(self.window_id.as_ref(), at),
                session_id: value(self.session_id.as_ref(), at),
                metadata: &metadata,
                pressed: flag(&typed.pressed, at),
                mouse_dx: float(&typed.mouse_dx, at),
                mouse_dy: float(&typed.mouse_dy, at),
                pts: typed.pts.as_ref().and_then(|pts| integer(pts, at)),
                is_keyframe: flag(&typed.is_keyframe, at),
                repeat: flag(&typed.repeat, at),
                source: typed.source.as_ref().and_then(|source| text(source, at)),
                pad: self.pads.as_ref().and_then(|pads| whole(&pads.pad, at)),
                control: self.pads.as_ref().and_then(|pads| text(&pads.control, at)),
                value: self.pads.as_ref().and_then(|pads| float(&pads.value, at)),
            };
            let seq = typed.seq.as_ref().map_or(self.first + at as i64, |seq| seq.value(at));
            let encode = if self.pads.is_some() { hash::encode_padded } else { hash::encode_padded_before_pads };
            lengths.push(encode(&row, seq, &mut input) as u32);
            if input.len() > HASH_INPUT_BYTES || at + 1 == rows {
                hash::hash_all_padded(&input, &lengths, &mut self.hashes[from..=at]);
                from = at + 1;
                input.clear();
                lengths.clear();
            }
        }
        self.scratch = input;
    }

    /// Passes over the rows before an instant.
    pub(crate) fn skip_before(&mut self, t_ns: i64) {
        while self.at < self.t_ns.len() && self.t_ns.value(self.at) < t_ns {
            self.at += 1;
        }
    }

    /// Takes the next row; false at the end.
    pub(crate) fn next_into(&mut self, row: &mut OwnedRow) -> bool {
        let at = self.at;
        if at >= self.t_ns.len() {
            return false;
        }
        self.at += 1;
        set(&mut row.event_type, self.event_type.value(at));
        set_or_none(&mut row.mouse_button, text(&self.mouse_button, at));
        set(&mut row.window_id, value(self.window_id.as_ref(), at));
        set(&mut row.session_id, value(self.session_id.as_ref(), at));
        set(&mut row.hash, value(self.hash.as_ref(), at));
        row.t_ns = self.t_ns.value(at);
        row.key_code = whole(&self.key_code, at);
        row.mouse_x = float(&self.mouse_x, at);
        row.mouse_y = float(&self.mouse_y, at);
        row.delta = float(&self.delta, at);
        row.frame_ref = integer(&self.frame_ref, at);
        row.metadata.clear();
        let pads = self.pads.as_ref();
        row.pad = pads.and_then(|pads| whole(&pads.pad, at));
        set_or_none(&mut row.control, pads.and_then(|pads| text(&pads.control, at)));
        row.value = pads.and_then(|pads| float(&pads.value, at));
        let index = self.first + at as i64;
        if let Some(typed) = &self.typed {
            row.seq = typed.seq.as_ref().map_or(index, |seq| seq.value(at));
            row.pressed = flag(&typed.pressed, at);
            row.mouse_dx = float(&typed.mouse_dx, at);
            row.mouse_dy = float(&typed.mouse_dy, at);
            row.pts = typed.pts.as_ref().and_then(|pts| integer(pts, at));
            row.is_keyframe = flag(&typed.is_keyframe, at);
            row.repeat = flag(&typed.repeat, at);
            set_or_none(&mut row.source, typed.source.as_ref().and_then(|source| text(source, at)));
            for entry in self.entries(at) {
                let (key, value) = (self.keys.value(entry), self.values.value(entry));
                if !self.old || v1_1__to__v1_2::keeps(&row.event_type, key, value) {
                    row.metadata.push_str(key, value);
                }
            }
            row.intact = self.check.then(|| self.hashes.get(at).is_some_and(|hash| hash == row.hash.as_bytes()));
        } else {
            self.lift(at, index, row);
        }
        true
    }

    /// Which entries of the map belong to a row.
    fn entries(&self, at: usize) -> std::ops::Range<usize> {
        let offsets = self.metadata.value_offsets();
        offsets[at] as usize..offsets[at + 1] as usize
    }

    /// Lifts a row of 1.0.0.
    fn lift(&mut self, at: usize, index: i64, row: &mut OwnedRow) {
        let mut entries: Vec<_> =
            self.entries(at).map(|entry| (self.keys.value(entry), self.values.value(entry))).collect();
        entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        let old = v1_0::Row {
            t_ns: row.t_ns,
            event_type: self.event_type.value(at),
            key_code: row.key_code,
            mouse_x: row.mouse_x,
            mouse_y: row.mouse_y,
            mouse_button: text(&self.mouse_button, at),
            delta: row.delta,
            frame_ref: row.frame_ref,
            window_id: value(self.window_id.as_ref(), at),
            session_id: value(self.session_id.as_ref(), at),
            metadata: entries.iter().copied(),
        };
        row.intact = self.check.then(|| {
            self.scratch.clear();
            old.clone().encode(&mut self.scratch);
            hash::pad(&mut self.scratch, 0);
            hash::hash_padded(&self.scratch) == row.hash.as_bytes()
        });
        let new = v1_0__to__v1_1::step(old, index);
        row.seq = new.seq;
        row.pressed = new.pressed;
        row.mouse_dx = new.mouse_dx;
        row.mouse_dy = new.mouse_dy;
        row.pts = new.pts;
        row.is_keyframe = new.is_keyframe;
        row.repeat = new.repeat;
        set_or_none(&mut row.source, new.source);
        for (key, value) in new.base.metadata {
            if v1_1__to__v1_2::keeps(new.base.event_type, key, value) {
                row.metadata.push_str(key, value);
            }
        }
    }
}

fn set(to: &mut String, from: &str) {
    to.clear();
    to.push_str(from);
}

fn set_or_none(to: &mut Option<String>, from: Option<&str>) {
    match from {
        Some(from) => set(to.get_or_insert_default(), from),
        None => *to = None,
    }
}

fn value(array: Option<&StringArray>, at: usize) -> &str {
    array.map_or("", |array| array.value(at))
}

fn text(array: &StringArray, at: usize) -> Option<&str> {
    array.is_valid(at).then(|| array.value(at))
}

fn whole(array: &Int32Array, at: usize) -> Option<i32> {
    array.is_valid(at).then(|| array.value(at))
}

fn float(array: &Float32Array, at: usize) -> Option<f32> {
    array.is_valid(at).then(|| array.value(at))
}

fn integer(array: &Int64Array, at: usize) -> Option<i64> {
    array.is_valid(at).then(|| array.value(at))
}

fn flag(array: &BooleanArray, at: usize) -> Option<bool> {
    array.is_valid(at).then(|| array.value(at))
}
