//! The table of another recorder: its columns by name, whatever their order, width and compression, as rows of this format.
//!
//! Keeps the invariants that a value is taken over or refused and never bent (a number that is none of its column's type is an
//! error), and that hostile files give errors: pages are looked at before the decoder sees them, as for tables of this format.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float32Array, Int32Array, Int64Array, MapArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::Value;
use watchcap_migrations::session::{v1_0, v1_0__to__v1_1};

use super::ImportError;
use crate::session::parquet_guard;
use crate::session::positioned::PositionedFile;
use crate::session::reader::{guarded, open_footer};
use crate::session::row::{OwnedRow, event_type};
use crate::session::schema::{self, column};

/// Rows decoded at once.
pub(super) const BATCH_ROWS: usize = 4096;
/// Most columns of a table; 1.1.0 has 20.
const MAX_COLUMNS: usize = 256;

/// Keys whose values are `1` or `0` here, and elsewhere may be `true` or `false`.
const FLAGS: [&str; 7] = ["dup", "held", "hi_res", "keyframe", "pressed", "redacted", "repeat"];

/// An open table.
pub(super) struct ForeignTable {
    path: PathBuf,
    file: PositionedFile,
    metadata: ArrowReaderMetadata,
    /// Columns of this format, as their place in the file.
    known: Known,
    /// Columns that this format does not have and whose values can be told as text.
    pub(super) kept: Vec<(String, usize)>,
    /// Those whose values cannot.
    pub(super) left_out: Vec<String>,
    /// Columns of 1.0.0 that it does not have.
    pub(super) absent: Vec<String>,
}

/// Where the columns are.
struct Known {
    t_ns: usize,
    event_type: usize,
    key_code: Option<usize>,
    mouse_x: Option<usize>,
    mouse_y: Option<usize>,
    mouse_button: Option<usize>,
    delta: Option<usize>,
    frame_ref: Option<usize>,
    window_id: Option<usize>,
    session_id: Option<usize>,
    metadata: Option<usize>,
    pressed: Option<usize>,
    mouse_dx: Option<usize>,
    mouse_dy: Option<usize>,
    repeat: Option<usize>,
    source: Option<usize>,
}

impl ForeignTable {
    /// Opens a table and looks at its columns.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let (file, metadata) = open_footer(path)?;
        let fields = metadata.schema().fields().clone();
        if fields.len() > MAX_COLUMNS {
            let why = format!("{} columns, more than {MAX_COLUMNS}", fields.len());
            return Err(ImportError::Table { path: path.to_owned(), why });
        }
        let place = |name: &str| fields.iter().position(|field| field.name() == name);
        let needed =
            |name: &'static str| place(name).ok_or(ImportError::NoColumn { path: path.to_owned(), column: name });
        let known = Known {
            t_ns: needed(column::T_NS)?,
            event_type: needed(column::EVENT_TYPE)?,
            key_code: place(column::KEY_CODE),
            mouse_x: place(column::MOUSE_X),
            mouse_y: place(column::MOUSE_Y),
            mouse_button: place(column::MOUSE_BUTTON),
            delta: place(column::DELTA),
            frame_ref: place(column::FRAME_REF),
            window_id: place(column::WINDOW_ID),
            session_id: place(column::SESSION_ID),
            metadata: place(column::METADATA),
            pressed: place(column::PRESSED),
            mouse_dx: place(column::MOUSE_DX),
            mouse_dy: place(column::MOUSE_DY),
            repeat: place(column::REPEAT),
            source: place(column::SOURCE),
        };
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for (index, field) in fields.iter().enumerate() {
            let name = field.name();
            if schema::COLUMNS.iter().any(|column| column.name == name) {
                continue;
            }
            if is_scalar(field.data_type()) {
                kept.push((name.clone(), index));
            } else {
                left_out.push(name.clone());
            }
        }
        let absent = v1_0::COLUMNS.iter().map(|column| column.name).filter(|name| place(name).is_none());
        let absent = absent.map(str::to_owned).collect();
        Ok(Self { path: path.to_owned(), file, metadata, known, kept, left_out, absent })
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A value of the key-value metadata is there.
    pub(super) fn says(&self, key: &str) -> bool {
        let entries = self.metadata.metadata().file_metadata().key_value_metadata();
        entries.is_some_and(|entries| entries.iter().any(|entry| entry.key == key))
    }

    /// How many rows the footer says there are.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Its rows, batch by batch, in the order of the file.
    pub(super) fn batches(&self) -> Batches<'_> {
        Batches { table: self, group: 0, open: None, first: 0 }
    }

    fn open_group(&self, group: usize) -> Result<ParquetRecordBatchReader, String> {
        let info = self.metadata.metadata().row_group(group);
        guarded(|| {
            let batch_rows = parquet_guard::check_row_group(&self.file, info, info.num_columns(), None, BATCH_ROWS)
                .map_err(parquet::errors::ParquetError::General)?;
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(batch_rows)
                .build()
        })
    }
}

/// Whether the values of a column can be told as text.
fn is_scalar(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_scalar(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => true,
        kind => kind.is_numeric() || kind.is_temporal(),
    }
}

/// The batches of a table; see [`ForeignTable::batches`].
pub(super) struct Batches<'a> {
    table: &'a ForeignTable,
    group: usize,
    open: Option<ParquetRecordBatchReader>,
    /// Index of the next batch's first row.
    first: u64,
}

impl<'a> Batches<'a> {
    /// The next batch; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Batch<'a>>, ImportError> {
        let failed = |group, why| ImportError::Rows { path: self.table.path.clone(), group, why };
        loop {
            if let Some(open) = &mut self.open {
                match guarded(|| open.next().transpose()).map_err(|why| failed(self.group - 1, why))? {
                    Some(batch) if batch.num_rows() == 0 => continue,
                    Some(batch) => {
                        let first = self.first;
                        self.first += batch.num_rows() as u64;
                        return Batch::new(self.table, &batch, first).map(Some);
                    }
                    None => self.open = None,
                }
            }
            if self.group >= self.table.metadata.metadata().num_row_groups() {
                return Ok(None);
            }
            self.open = Some(self.table.open_group(self.group).map_err(|why| failed(self.group, why))?);
            self.group += 1;
        }
    }
}

/// What a row's own words are in.
enum Words {
    /// A map.
    Map(Box<(MapArray, StringArray, StringArray)>),
    /// The text of a JSON object.
    Json(StringArray),
    /// A struct, its fields as text.
    Struct(StructArray, Vec<(String, StringArray)>),
    /// There are none.
    None,
}

/// A batch with its columns in the types of this format.
pub(super) struct Batch<'a> {
    table: &'a ForeignTable,
    /// Index of its first row in the file.
    pub(super) first: u64,
    t_ns: Int64Array,
    event_type: StringArray,
    key_code: Option<Int32Array>,
    mouse_x: Option<Float32Array>,
    mouse_y: Option<Float32Array>,
    mouse_button: Option<StringArray>,
    delta: Option<Float32Array>,
    frame_ref: Option<Int64Array>,
    window_id: Option<StringArray>,
    session_id: Option<StringArray>,
    words: Words,
    pressed: Option<BooleanArray>,
    mouse_dx: Option<Float32Array>,
    mouse_dy: Option<Float32Array>,
    repeat: Option<BooleanArray>,
    source: Option<StringArray>,
    kept: Vec<(&'a str, StringArray)>,
}

impl<'a> Batch<'a> {
    fn new(table: &'a ForeignTable, batch: &RecordBatch, first: u64) -> Result<Self, ImportError> {
        let known = &table.known;
        let refused = |index: usize, expected: &'static str| {
            let field = table.metadata.schema().field(index);
            let (column, found) = (field.name().clone(), field.data_type().to_string());
            ImportError::Column { path: table.path.clone(), column, expected, found }
        };
        let array = |index: usize| batch.column(index);
        let int64 = |index: usize| integers(array(index)).ok_or_else(|| refused(index, "whole numbers"));
        let int32 = |index: usize| {
            let numbers = int64(index)?;
            let numbers = cast(&(Arc::new(numbers) as ArrayRef), &DataType::Int32);
            let numbers = numbers.and_then(|numbers| numbers.as_primitive_opt::<Int32Type>().cloned());
            numbers.ok_or_else(|| refused(index, "whole numbers of 32 bits"))
        };
        let float = |index: usize| {
            let numbers = Some(array(index)).filter(|array| array.data_type().is_numeric());
            let numbers = numbers.and_then(|array| cast(array, &DataType::Float32));
            let numbers = numbers.and_then(|array| array.as_primitive_opt::<Float32Type>().cloned());
            numbers.ok_or_else(|| refused(index, "numbers"))
        };
        let text = |index: usize| texts(array(index)).ok_or_else(|| refused(index, "text"));
        let flag =
            |index: usize| array(index).as_boolean_opt().cloned().ok_or_else(|| refused(index, "true and false"));
        let words = match known.metadata {
            Some(index) => words(array(index)).ok_or_else(|| refused(index, "a map of text, or text"))?,
            None => Words::None,
        };
        let t_ns = times(array(known.t_ns)).ok_or_else(|| refused(known.t_ns, "nanoseconds as whole numbers"))?;
        if t_ns.null_count() > 0 {
            let row = (0..t_ns.len()).find(|row| t_ns.is_null(*row)).unwrap_or(0) as u64;
            return Err(ImportError::NoTime { path: table.path.clone(), row: first + row });
        }
        let kept =
            table.kept.iter().filter_map(|(name, index)| Some((name.as_str(), as_text(array(*index))?))).collect();
        Ok(Self {
            table,
            first,
            t_ns,
            event_type: text(known.event_type)?,
            key_code: known.key_code.map(int32).transpose()?,
            mouse_x: known.mouse_x.map(float).transpose()?,
            mouse_y: known.mouse_y.map(float).transpose()?,
            mouse_button: known.mouse_button.map(text).transpose()?,
            delta: known.delta.map(float).transpose()?,
            frame_ref: known.frame_ref.map(int64).transpose()?,
            window_id: known.window_id.map(text).transpose()?,
            session_id: known.session_id.map(text).transpose()?,
            words,
            pressed: known.pressed.map(flag).transpose()?,
            mouse_dx: known.mouse_dx.map(float).transpose()?,
            mouse_dy: known.mouse_dy.map(float).transpose()?,
            repeat: known.repeat.map(flag).transpose()?,
            source: known.source.map(text).transpose()?,
            kept,
        })
    }

    /// Rows in it.
    pub(super) fn len(&self) -> usize {
        self.t_ns.len()
    }

    /// Time of a row.
    pub(super) fn t_ns(&self, at: usize) -> i64 {
        self.t_ns.value(at)
    }

    /// The session that a row says it is of.
    pub(super) fn session_id(&self, at: usize) -> Option<&str> {
        string(self.session_id.as_ref(), at).filter(|id| !id.is_empty())
    }

    /// A row, lifted to this format; `frame_ref` as it stands in the file, the hash empty.
    pub(super) fn row(&self, at: usize) -> Result<OwnedRow, ImportError> {
        let number = self.first + at as u64;
        let fault = |what| ImportError::Row { path: self.table.path.clone(), row: number, what };
        let event_type = string(Some(&self.event_type), at).filter(|kind| !kind.is_empty());
        let event_type = event_type.ok_or_else(|| fault("it has no event_type"))?;
        let mut entries = self.entries(at).ok_or_else(|| fault("its metadata are no JSON object"))?;
        for (name, values) in &self.kept {
            if values.is_valid(at) && entries.iter().all(|(key, _)| key != name) {
                entries.push(((*name).to_owned(), values.value(at).to_owned()));
            }
        }
        entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        let old = v1_0::Row {
            t_ns: self.t_ns(at),
            event_type,
            key_code: self.key_code.as_ref().filter(|a| a.is_valid(at)).map(|a| a.value(at)),
            mouse_x: float_at(self.mouse_x.as_ref(), at),
            mouse_y: float_at(self.mouse_y.as_ref(), at),
            mouse_button: string(self.mouse_button.as_ref(), at).filter(|name| !name.is_empty()),
            delta: float_at(self.delta.as_ref(), at),
            frame_ref: self.frame_ref.as_ref().filter(|a| a.is_valid(at)).map(|a| a.value(at)),
            window_id: string(self.window_id.as_ref(), at).unwrap_or_default(),
            session_id: "",
            metadata: entries.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        };
        let said_repeat = entries.iter().any(|(key, _)| key == "repeat");
        let new = v1_0__to__v1_1::step(old, 0);
        let flag = |column: Option<&BooleanArray>| column.filter(|a| a.is_valid(at)).map(|a| a.value(at));
        let mut row = OwnedRow {
            t_ns: new.base.t_ns,
            event_type: event_type.to_owned(),
            key_code: new.base.key_code,
            mouse_x: new.base.mouse_x,
            mouse_y: new.base.mouse_y,
            mouse_button: new.base.mouse_button.map(str::to_owned),
            delta: new.base.delta,
            frame_ref: new.base.frame_ref,
            window_id: new.base.window_id.to_owned(),
            pressed: flag(self.pressed.as_ref()).or(new.pressed),
            mouse_dx: float_at(self.mouse_dx.as_ref(), at).or(new.mouse_dx),
            mouse_dy: float_at(self.mouse_dy.as_ref(), at).or(new.mouse_dy),
            // What the step fills in holds only where the recorder flags repeats at all: see `survey`.
            repeat: flag(self.repeat.as_ref()).or(new.repeat.filter(|_| said_repeat)),
            source: string(self.source.as_ref(), at).or(new.source).map(str::to_owned),
            ..OwnedRow::default()
        };
        for (key, value) in new.base.metadata {
            row.metadata.push_str(key, value);
        }
        // Of the video, and told by it.
        row.is_keyframe = None;
        if row.event_type == event_type::KEY_UP {
            row.repeat = None;
        }
        Ok(row)
    }

    /// The words of a row; `None` when they cannot be read.
    fn entries(&self, at: usize) -> Option<Vec<(String, String)>> {
        let mut out = Vec::new();
        match &self.words {
            Words::None => {}
            Words::Map(parts) => {
                let (map, keys, values) = &**parts;
                if map.is_valid(at) {
                    let offsets = map.value_offsets();
                    for entry in offsets[at] as usize..offsets[at + 1] as usize {
                        if values.is_valid(entry) {
                            out.push((keys.value(entry).to_owned(), values.value(entry).to_owned()));
                        }
                    }
                }
            }
            Words::Struct(outer, fields) => {
                if outer.is_valid(at) {
                    let there = fields.iter().filter(|(_, values)| values.is_valid(at));
                    out.extend(there.map(|(name, values)| (name.clone(), values.value(at).to_owned())));
                }
            }
            Words::Json(texts) => {
                if texts.is_valid(at) && !texts.value(at).trim().is_empty() {
                    let Value::Object(object) = serde_json::from_str(texts.value(at)).ok()? else { return None };
                    out.extend(object.into_iter().filter_map(|(key, value)| Some((key, word(value)?))));
                }
            }
        }
        for (key, value) in &mut out {
            if FLAGS.contains(&key.as_str()) {
                let flag = ["false", "true"].iter().position(|word| value.eq_ignore_ascii_case(word));
                if let Some(flag) = flag {
                    *value = flag.to_string();
                }
            }
        }
        Some(out)
    }
}

/// A value of a JSON object as the text of a map; flags are `1` and `0`.
fn word(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(u8::from(flag).to_string()),
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn string(array: Option<&StringArray>, at: usize) -> Option<&str> {
    array.filter(|array| array.is_valid(at)).map(|array| array.value(at))
}

fn float_at(array: Option<&Float32Array>, at: usize) -> Option<f32> {
    array.filter(|array| array.is_valid(at)).map(|array| array.value(at)).filter(|value| value.is_finite())
}

/// A cast that refuses what does not fit.
fn cast(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() }).ok()
}

/// Whole numbers, also where a program kept them as floats to have a place for "none" (NaN).
fn integers(array: &ArrayRef) -> Option<Int64Array> {
    match array.data_type() {
        DataType::Null => cast(array, &DataType::Int64)?.as_primitive_opt::<Int64Type>().cloned(),
        kind if kind.is_integer() => cast(array, &DataType::Int64)?.as_primitive_opt::<Int64Type>().cloned(),
        kind if kind.is_floating() => {
            let floats = cast(array, &DataType::Float64)?;
            let floats = floats.as_primitive_opt::<Float64Type>()?;
            // Below 2^53 every whole number is one of these.
            let whole = |value: f64| value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
            let mut out = Vec::with_capacity(floats.len());
            for value in floats {
                out.push(match value.filter(|value| !value.is_nan()) {
                    None => None,
                    Some(value) if whole(value) => Some(value as i64),
                    Some(_) => return None,
                });
            }
            Some(out.into())
        }
        _ => None,
    }
}

/// Times in nanoseconds.
fn times(array: &ArrayRef) -> Option<Int64Array> {
    match array.data_type() {
        kind if kind.is_integer() => integers(array),
        DataType::Timestamp(_, zone) => {
            let nanoseconds = cast(array, &DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()))?;
            cast(&nanoseconds, &DataType::Int64)?.as_primitive_opt::<Int64Type>().cloned()
        }
        _ => None,
    }
}

/// Text that is text.
fn texts(array: &ArrayRef) -> Option<StringArray> {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let fits = match array.data_type() {
        DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        kind => is_text(kind),
    };
    if fits { as_text(array) } else { None }
}

/// Any values as text.
fn as_text(array: &ArrayRef) -> Option<StringArray> {
    cast(array, &DataType::Utf8)?.as_string_opt::<i32>().cloned()
}

fn words(array: &ArrayRef) -> Option<Words> {
    match array.data_type() {
        DataType::Map(..) => {
            let map = array.as_map_opt()?.clone();
            let (keys, values) = (as_text(map.keys())?, as_text(map.values())?);
            Some(Words::Map(Box::new((map, keys, values))))
        }
        DataType::Struct(fields) => {
            let outer = array.as_struct_opt()?.clone();
            let fields = fields
                .iter()
                .zip(outer.columns())
                .map(|(field, values)| Some((field.name().clone(), as_text(values)?)));
            let fields = fields.collect::<Option<_>>()?;
            Some(Words::Struct(outer, fields))
        }
        DataType::Null => Some(Words::None),
        _ => texts(array).map(Words::Json),
    }
}
