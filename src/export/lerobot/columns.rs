//! What a row of a LeRobotDataset is, and how rows are written.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeListArray, Float32Array, Float32Builder, Int64Builder, RecordBatch,
};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::stats::Stats;
use crate::event::Button;
use crate::export::inputs::Action;
use crate::hid;

/// Keys in an action: every HID usage below this.
pub(super) const KEYS: usize = 256;
/// Length of an action: keys, buttons, motion right and down, wheel right and up.
pub(super) const ACTION: usize = KEYS + Button::ALL.len() + 4;
/// Length of a state: the pointer's place and whether it is known.
pub(super) const STATE: usize = 3;
/// The features that are numbers, with their length, in the order of the columns.
pub(super) const FEATURES: [(&str, &str, usize); 10] = [
    ("observation.state", "float32", STATE),
    ("action", "float32", ACTION),
    ("src_frame_ref", "int64", 1),
    ("src_t_ns", "int64", 1),
    ("input_gap", "bool", 1),
    ("timestamp", "float32", 1),
    ("frame_index", "int64", 1),
    ("episode_index", "int64", 1),
    ("index", "int64", 1),
    ("task_index", "int64", 1),
];

/// Rows handed to the encoder at once: 1024 of about 1.1 kB.
const BATCH_ROWS: usize = 1024;

/// A row.
pub(super) struct Row {
    pub(super) state: [f32; STATE],
    pub(super) action: [f32; ACTION],
    /// `src_frame_ref`, `src_t_ns`, `frame_index`, `episode_index`, `index`, `task_index`.
    pub(super) numbers: [i64; 6],
    pub(super) timestamp: f32,
    pub(super) input_gap: bool,
}

impl Row {
    pub(super) fn count(&self, stats: &mut [Stats]) {
        let [frame_ref, t_ns, frame, episode, index, task] = self.numbers.map(|number| number as f64);
        let gap = f64::from(u8::from(self.input_gap));
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let one = |value| vec![value];
        let all = [
            wide(&self.state),
            wide(&self.action),
            one(frame_ref),
            one(t_ns),
            one(gap),
            one(f64::from(self.timestamp)),
            one(frame),
            one(episode),
            one(index),
            one(task),
        ];
        stats.iter_mut().zip(all).for_each(|(stats, values)| stats.push(values));
    }
}

pub(super) fn new_stats() -> Vec<Stats> {
    FEATURES.iter().map(|(_, _, width)| Stats::new(*width)).collect()
}

/// What was known when the step began: where the pointer was, as far as the step before says.
pub(super) fn state(pointer: Option<(f32, f32)>) -> [f32; STATE] {
    pointer.map_or([0.0, 0.0, 0.0], |(x, y)| [x, y, 1.0])
}

/// An action as numbers. A key or button that was down at any time of the step is 1.
pub(super) fn vector(action: &Action) -> [f32; ACTION] {
    let mut vector = [0.0; ACTION];
    for usage in action.keys.iter().chain(action.keys_pressed.iter()) {
        vector[usize::from(usage)] = 1.0;
    }
    for bit in 0..Button::ALL.len() {
        let down = (action.buttons | action.buttons_pressed) & (1 << bit) != 0;
        vector[KEYS + bit] = f32::from(u8::from(down));
    }
    let rest = KEYS + Button::ALL.len();
    let values = [action.dx.unwrap_or(0.0), action.dy.unwrap_or(0.0), action.wheel_x, action.wheel_y];
    vector[rest..].iter_mut().zip(values).for_each(|(to, value)| *to = value as f32);
    vector
}

/// Names of the dimensions of an action.
pub(super) fn action_names() -> Vec<String> {
    let key = |usage: usize| {
        let known = hid::KEYS.iter().find(|key| usize::from(key.usage.0) == usage);
        known.map_or_else(|| format!("hid_{usage}"), |key| key.code.to_owned())
    };
    let buttons = Button::ALL.iter().map(|button| format!("button_{}", button.name()));
    let rest = ["mouse_dx", "mouse_dy", "wheel_x", "wheel_y"].map(str::to_owned);
    (0..KEYS).map(key).chain(buttons).chain(rest).collect()
}

pub(super) fn list_of(width: usize) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("element", DataType::Float32, true)), width as i32)
}

pub(super) fn data_schema() -> Arc<Schema> {
    let kind = |kind: &str, width: usize| match kind {
        "float32" if width > 1 => list_of(width),
        "float32" => DataType::Float32,
        "bool" => DataType::Boolean,
        _ => DataType::Int64,
    };
    let fields: Vec<Field> =
        FEATURES.iter().map(|(name, dtype, width)| Field::new(*name, kind(dtype, *width), true)).collect();
    Arc::new(Schema::new(fields))
}

pub(super) fn properties() -> Result<ArrowWriterOptions, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(format!("watchcap version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    Ok(ArrowWriterOptions::new().with_properties(properties))
}

pub(super) struct Data<W: std::io::Write + Send> {
    file: ArrowWriter<W>,
    lists: [Float32Builder; 2],
    numbers: [Int64Builder; 6],
    timestamps: Float32Builder,
    gaps: BooleanBuilder,
    rows: usize,
}

impl<W: std::io::Write + Send> Data<W> {
    pub(super) fn new(to: W) -> Result<Self, ParquetError> {
        Ok(Self {
            file: ArrowWriter::try_new_with_options(to, data_schema(), properties()?)?,
            lists: Default::default(),
            numbers: Default::default(),
            timestamps: Float32Builder::new(),
            gaps: BooleanBuilder::new(),
            rows: 0,
        })
    }

    pub(super) fn push(&mut self, row: &Row) -> Result<(), ParquetError> {
        self.lists[0].append_slice(&row.state);
        self.lists[1].append_slice(&row.action);
        self.numbers.iter_mut().zip(row.numbers).for_each(|(to, number)| to.append_value(number));
        self.timestamps.append_value(row.timestamp);
        self.gaps.append_value(row.input_gap);
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let list = |builder: &mut Float32Builder, width: usize| -> Result<ArrayRef, ParquetError> {
            let values: Float32Array = builder.finish();
            let element = Arc::new(Field::new("element", DataType::Float32, true));
            Ok(Arc::new(FixedSizeListArray::try_new(element, width as i32, Arc::new(values), None)?))
        };
        let [states, actions] = &mut self.lists;
        let (states, actions) = (list(states, STATE)?, list(actions, ACTION)?);
        let [frame_ref, t_ns, frame, episode, index, task] =
            self.numbers.each_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let (gaps, timestamps) = (Arc::new(self.gaps.finish()), Arc::new(self.timestamps.finish()));
        let columns = vec![states, actions, frame_ref, t_ns, gaps, timestamps, frame, episode, index, task];
        self.file.write(&RecordBatch::try_new(data_schema(), columns)?)
    }

    pub(super) fn finish(mut self) -> Result<(), ParquetError> {
        self.flush()?;
        let mut to = self.file.into_inner()?;
        to.flush().map_err(ParquetError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_have_names_of_their_own() {
        let names = action_names();
        let all: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!((names.len(), all.len()), (ACTION, ACTION));
        assert_eq!(
            (names[0x1a].as_str(), names[256].as_str(), names[ACTION - 1].as_str()),
            ("KeyW", "button_left", "wheel_y")
        );
    }
}
