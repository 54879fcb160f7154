//! What a row of a LeRobotDataset is, and how rows are written: a group of rows per episode, as LeRobot writes them.

use std::sync::Arc;

use crate::base::arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeListArray, Float32Array, Float32Builder, Int64Builder, RecordBatch,
};
use crate::base::arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::names::EPISODE_SECONDS;
use super::stats::Stats;
use crate::export::inputs::Action;
use crate::export::pads;

/// What a state begins with: the pointer's place and whether it is known.
const POINTER: [&str; 3] = ["mouse_x", "mouse_y", "mouse_known"];

/// How many numbers a state and an action have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    state: usize,
    action: usize,
}

impl Shape {
    /// Of an action with these dimensions.
    pub(super) fn of(action: &[String]) -> Self {
        Self { state: state_names(action).len(), action: action.len() }
    }
}

/// Names of the numbers of a state, for an action with these dimensions: the controls of the gamepad where that has some.
pub(super) fn state_names(action: &[String]) -> Vec<String> {
    let pads = pads::names().filter(|name| action.contains(name));
    POINTER.into_iter().map(str::to_owned).chain(pads).collect()
}
/// Rows handed to the encoder at once: 1024 of about 1.1 kB.
const BATCH_ROWS: usize = 1024;
/// Rows of a group: no episode has more.
const MAX_GROUP_ROWS: usize = EPISODE_SECONDS * 240;

/// How many features are numbers.
pub(super) const FEATURES: usize = 14;
/// How many of them are whole numbers.
const NUMBERS: usize = 8;

/// A feature that is numbers: its name, type and length.
pub(super) type Feature = (&'static str, &'static str, usize);

/// The features that are numbers, in the order of the columns; an action has `action` dimensions. No other name may begin with `action` or
/// `observation`: LeRobot takes every such feature for something to predict or to see.
pub(super) const fn features(Shape { state, action }: Shape) -> [Feature; FEATURES] {
    [
        ("observation.state", "float32", state),
        ("action", "float32", action),
        ("known_action", "bool", 1),
        ("other_input", "bool", 1),
        ("input_gap", "bool", 1),
        ("timestamp", "float32", 1),
        ("src_frame_ref", "int64", 1),
        ("src_t_ns", "int64", 1),
        ("frame_index", "int64", 1),
        ("episode_index", "int64", 1),
        ("index", "int64", 1),
        ("task_index", "int64", 1),
        ("subtask_index", "int64", 1),
        ("marks", "int64", 1),
    ]
}

/// A row.
pub(super) struct Row {
    pub(super) state: Vec<f32>,
    /// NaN where nobody knows.
    pub(super) action: Vec<f32>,
    /// `known_action`, `other_input`, `input_gap`.
    pub(super) flags: [bool; 3],
    pub(super) timestamp: f32,
    /// `src_frame_ref`, `src_t_ns`, `frame_index`, `episode_index`, `index`, `task_index`, `subtask_index`, `marks`.
    pub(super) numbers: [i64; NUMBERS],
}

impl Row {
    pub(super) fn count(&self, stats: &mut [Stats]) {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let flags = self.flags.map(|flag| vec![f64::from(u8::from(flag))]);
        let numbers = self.numbers.map(|number| vec![number as f64]);
        let first = [wide(&self.state), wide(&self.action)].into_iter().chain(flags);
        let all = first.chain([vec![f64::from(self.timestamp)]]).chain(numbers);
        stats.iter_mut().zip(all).for_each(|(stats, values)| stats.push(values));
    }
}

pub(super) fn new_stats(shape: Shape) -> Vec<Stats> {
    features(shape).iter().map(|(_, _, width)| Stats::new(*width)).collect()
}

/// What was known when the step began: where the pointer was, and the controls of the gamepad where it has numbers.
pub(super) fn state(action: &Action, has_gamepad: bool) -> Vec<f32> {
    let pointer = action.at_begin.map_or([0.0, 0.0, 0.0], |(x, y)| [x, y, 1.0]);
    pointer.into_iter().chain(action.pads.at_begin().into_iter().filter(|_| has_gamepad)).collect()
}

fn list_of(width: usize) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("element", DataType::Float32, true)), width as i32)
}

fn data_schema(shape: Shape) -> Arc<Schema> {
    let kind = |kind: &str, width: usize| match kind {
        // A feature of one number is that number.
        "float32" if width > 1 => list_of(width),
        "float32" => DataType::Float32,
        "bool" => DataType::Boolean,
        _ => DataType::Int64,
    };
    let fields = features(shape).map(|(name, dtype, width)| Field::new(name, kind(dtype, width), true));
    Arc::new(Schema::new(fields.to_vec()))
}

pub(super) fn properties() -> Result<ArrowWriterOptions, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(format!("watchcap version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(MAX_GROUP_ROWS))
        .build();
    Ok(ArrowWriterOptions::new().with_properties(properties))
}

pub(super) struct Data<W: std::io::Write + Send> {
    file: ArrowWriter<W>,
    shape: Shape,
    lists: [Float32Builder; 2],
    flags: [BooleanBuilder; 3],
    timestamps: Float32Builder,
    numbers: [Int64Builder; NUMBERS],
    rows: usize,
}

impl<W: std::io::Write + Send> Data<W> {
    pub(super) fn new(to: W, shape: Shape) -> Result<Self, ParquetError> {
        Ok(Self {
            file: ArrowWriter::try_new_with_options(to, data_schema(shape), properties()?)?,
            shape,
            lists: Default::default(),
            flags: Default::default(),
            timestamps: Float32Builder::new(),
            numbers: Default::default(),
            rows: 0,
        })
    }

    pub(super) fn push(&mut self, row: &Row) -> Result<(), ParquetError> {
        self.lists[0].append_slice(&row.state);
        self.lists[1].append_slice(&row.action);
        self.flags.iter_mut().zip(row.flags).for_each(|(to, flag)| to.append_value(flag));
        self.timestamps.append_value(row.timestamp);
        self.numbers.iter_mut().zip(row.numbers).for_each(|(to, number)| to.append_value(number));
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let list = |builder: &mut Float32Builder, width: usize| -> Result<ArrayRef, ParquetError> {
            let values: Float32Array = builder.finish();
            if width == 1 {
                return Ok(Arc::new(values));
            }
            let element = Arc::new(Field::new("element", DataType::Float32, true));
            Ok(Arc::new(FixedSizeListArray::try_new(element, width as i32, Arc::new(values), None)?))
        };
        let [states, actions] = &mut self.lists;
        let mut columns = vec![list(states, self.shape.state)?, list(actions, self.shape.action)?];
        columns.extend(self.flags.each_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
        columns.push(Arc::new(self.timestamps.finish()));
        columns.extend(self.numbers.each_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
        self.file.write(&RecordBatch::try_new(data_schema(self.shape), columns)?)
    }

    /// Ends the episode's group of rows.
    pub(super) fn end_episode(&mut self) -> Result<(), ParquetError> {
        self.write()?;
        self.file.flush()
    }

    pub(super) fn finish(mut self) -> Result<(), ParquetError> {
        self.write()?;
        let mut to = self.file.into_inner()?;
        to.flush().map_err(ParquetError::from)
    }
}
