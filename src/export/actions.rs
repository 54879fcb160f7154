//! `actions`: Parquet, one row per step (a frame, or a point of the grid), with what was done from then on.
//!
//! The bytes are a function of the session and the options: columns, encodings and the order of the key-value metadata are fixed.
//! docs/EXPORTS.md defines every column; a test compares its table with [`columns`].

use std::io::BufWriter;
use std::sync::Arc;

use crate::base::arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeListArray, Float32Builder, Int32Builder, Int64Builder, RecordBatch, UInt8Array,
    UInt8Builder,
};
use crate::base::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;

use super::dense;
use super::error::ExportError;
use super::format::{Format, Piece};
use super::inputs::{self, Action, KeySet};
use super::kind::FormatKind;
use super::opt::Opt;
use super::out::Out;
use super::source::Source;
use super::space::Space;
use super::steps::{self, Step};
use super::table::properties;
use super::words::{self, Words};
use crate::base::event::Stream;
use crate::base::progress::Progress;

/// Rows handed to the encoder at once: 8,192 of about 180 bytes.
const BATCH_ROWS: usize = 8192;
/// Bytes of a set of keys.
const KEY_BYTES: i32 = 32;

/// The format.
pub struct Actions;

/// Name, type and nullability of every column, in order.
pub fn columns() -> SchemaRef {
    let set = || DataType::FixedSizeList(Arc::new(Field::new("element", DataType::UInt8, false)), KEY_BYTES);
    let column = |name: &str, kind, nullable| Field::new(name, kind, nullable);
    let columns = vec![
        column("step", DataType::Int64, false),
        column("frame_ref", DataType::Int64, false),
        column("t_ns", DataType::Int64, false),
        column("until_ns", DataType::Int64, true),
        column("frame_t_ns", DataType::Int64, false),
        column("pts", DataType::Int64, false),
        column("is_keyframe", DataType::Boolean, false),
        column("dup", DataType::Boolean, false),
        column("keys", set(), false),
        column("keys_pressed", set(), false),
        column("keys_released", set(), false),
        column("key_presses", DataType::Int32, false),
        column("key_releases", DataType::Int32, false),
        column("key_repeats", DataType::Int32, false),
        column("keys_unknown", DataType::Int32, false),
        column("buttons", DataType::UInt8, false),
        column("buttons_pressed", DataType::UInt8, false),
        column("buttons_released", DataType::UInt8, false),
        column("button_presses", DataType::Int32, false),
        column("button_releases", DataType::Int32, false),
        column("buttons_unknown", DataType::Int32, false),
        column("mouse_dx", DataType::Float32, true),
        column("mouse_dy", DataType::Float32, true),
        column("mouse_x", DataType::Float32, true),
        column("mouse_y", DataType::Float32, true),
        column("wheel_x", DataType::Float32, true),
        column("wheel_y", DataType::Float32, true),
        column("events", DataType::Int32, false),
        column("input_gap", DataType::Boolean, false),
        column("paused", DataType::Boolean, false),
    ];
    Arc::new(Schema::new(columns.into_iter().chain(words::columns()).collect::<Vec<_>>()))
}

impl FormatKind for Actions {
    fn name(&self) -> &'static str {
        "actions"
    }

    fn about(&self) -> &'static str {
        "Parquet, one row per frame: keys, buttons, motion and wheel from then on"
    }

    fn version(&self) -> u32 {
        3
    }

    fn makes(&self, file: &str, stem: &str, _: &str) -> bool {
        super::out::is_beside(file, stem, |rest| rest == "actions.parquet")
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::Fps, Opt::Span, Opt::ExcludeRedacted, Opt::OnlyAccepted, Opt::Space]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }

    fn suffix(&self) -> Option<&'static str> {
        Some("actions.parquet")
    }
}

impl Format for Actions {
    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let steps = steps::steps(piece.source, piece.options)?;
        let (file, path) = out.create(&out.name("actions.parquet"))?;
        let about = piece.manifest.to_line().map_err(|source| ExportError::Json { path: path.clone(), source })?;
        let table = |source| ExportError::Table { path: path.clone(), source };
        let to = BufWriter::with_capacity(1 << 20, file);
        if let Some(space) = Space::chosen(piece.options) {
            let mut writer = dense::Writer::new(to, about, space).map_err(table)?;
            inputs::for_each(piece.source, &steps, progress, &mut |index, step, action| {
                writer.push(piece.source, index, step, &action).map_err(table)
            })?;
            return writer.finish().map_err(table);
        }
        let mut writer = Writer::new(to, about).map_err(table)?;
        inputs::for_each(piece.source, &steps, progress, &mut |index, step, action| {
            writer.push(piece.source, index, step, &action).map_err(table)
        })?;
        writer.finish().map_err(table)?;
        Ok(())
    }
}

/// Writes steps and their actions as a table; also used by formats that carry actions beside their pictures.
pub struct Writer<W: std::io::Write + Send> {
    file: ArrowWriter<W>,
    batch: Batch,
}

impl<W: std::io::Write + Send> Writer<W> {
    /// Begins a table; `about` goes into its key-value metadata.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(to: W, about: String) -> Result<Self, ParquetError> {
        let options = ArrowWriterOptions::new().with_properties(properties(about)?);
        Ok(Self { file: ArrowWriter::try_new_with_options(to, columns(), options)?, batch: Batch::default() })
    }

    /// Adds a step.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, source: &Source, index: usize, step: &Step, action: &Action) -> Result<(), ParquetError> {
        self.batch.push(source, index, step, action);
        if self.batch.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let batch = self.batch.finish()?;
        self.file.write(&batch)
    }

    /// Ends the table, and hands back what it was written to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<W, ParquetError> {
        if self.batch.rows > 0 {
            self.flush()?;
        }
        let mut to = self.file.into_inner()?;
        to.flush()?;
        Ok(to)
    }
}

#[derive(Default)]
struct Batch {
    rows: usize,
    times: [Int64Builder; 6],
    flags: [BooleanBuilder; 4],
    sets: [UInt8Builder; 3],
    buttons: [UInt8Builder; 3],
    counts: [Int32Builder; 8],
    floats: [Float32Builder; 6],
    words: Words,
}

impl Batch {
    fn push(&mut self, source: &Source, index: usize, step: &Step, action: &Action) {
        let frame = source.frames[step.frame];
        let count = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let until = (step.end_ns != i64::MAX).then_some(step.end_ns);
        let times = [
            Some(index as i64),
            Some(step.frame as i64),
            Some(step.start_ns),
            until,
            Some(frame.t_ns),
            Some(frame.pts_us),
        ];
        self.times.iter_mut().zip(times).for_each(|(to, value)| to.append_option(value));
        let flags = [frame.keyframe, frame.dup, action.input_gap, action.paused];
        self.flags.iter_mut().zip(flags).for_each(|(to, value)| to.append_value(value));
        let sets = [action.keys, action.keys_pressed, action.keys_released];
        self.sets.iter_mut().zip(sets).for_each(|(to, KeySet(bytes))| to.append_slice(&bytes));
        let buttons = [action.buttons, action.buttons_pressed, action.buttons_released];
        self.buttons.iter_mut().zip(buttons).for_each(|(to, value)| to.append_value(value));
        let counts = [
            action.key_presses,
            action.key_releases,
            action.key_repeats,
            action.keys_unknown,
            action.button_presses,
            action.button_releases,
            action.buttons_unknown,
            action.events,
        ];
        self.counts.iter_mut().zip(counts).for_each(|(to, value)| to.append_value(count(value)));
        let float = |value: f64| value as f32;
        let floats = [
            action.dx.map(float),
            action.dy.map(float),
            action.x,
            action.y,
            action.wheel_x.map(float),
            action.wheel_y.map(float),
        ];
        self.floats.iter_mut().zip(floats).for_each(|(to, value)| to.append_option(value));
        self.words.push(source, step);
        self.rows += 1;
    }

    /// The rows so far, in the order of [`columns`].
    fn finish(&mut self) -> Result<RecordBatch, ParquetError> {
        self.rows = 0;
        let schema = columns();
        let set = |builder: &mut UInt8Builder| -> Result<ArrayRef, ParquetError> {
            let values: UInt8Array = builder.finish();
            let element = Arc::new(Field::new("element", DataType::UInt8, false));
            Ok(Arc::new(FixedSizeListArray::try_new(element, KEY_BYTES, Arc::new(values), None)?))
        };
        let [keyframe, dup, input_gap, paused] = self.flags.each_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let [presses, releases, repeats, unknown, clicks, unclicks, unknown_clicks, events] =
            self.counts.each_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        arrays.extend(self.times.each_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        arrays.extend([keyframe, dup]);
        for builder in &mut self.sets {
            arrays.push(set(builder)?);
        }
        arrays.extend([presses, releases, repeats, unknown]);
        arrays.extend(self.buttons.each_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        arrays.extend([clicks, unclicks, unknown_clicks]);
        arrays.extend(self.floats.each_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        arrays.extend([events, input_gap, paused]);
        arrays.extend(self.words.finish());
        Ok(RecordBatch::try_new(schema, arrays)?)
    }
}
