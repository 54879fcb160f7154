//! `actions` as a vector: the keys and what of the mouse was chosen, each a column of numbers, in the place of the sets and counts.
//!
//! Keeps the invariant that a number is there only where it is known; what is not is null, and `known` says that all of them are.

use std::io::Write;
use std::sync::Arc;

use crate::base::arrow::array::{ArrayRef, BooleanBuilder, Float32Builder, Int32Builder, Int64Builder, RecordBatch};
use crate::base::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;

use super::inputs::Action;
use super::source::Source;
use super::space::Space;
use super::steps::Step;
use super::table::properties;
use super::words::{self, Words};

/// Rows handed to the encoder at once: 8,192 of at most 1.2 kB.
const BATCH_ROWS: usize = 8192;
/// Columns before the numbers.
const TIMES: [&str; 6] = ["step", "frame_ref", "t_ns", "until_ns", "frame_t_ns", "pts"];
/// Columns behind the numbers, and their types.
const FLAGS: [&str; 6] = ["is_keyframe", "dup", "known", "other_input", "input_gap", "paused"];

/// Returns name, type and nullability of every column, in order.
pub fn columns(space: &Space) -> SchemaRef {
    let times = TIMES.iter().map(|name| Field::new(*name, DataType::Int64, *name == "until_ns"));
    let numbers = space.names().into_iter().map(|name| Field::new(name, DataType::Float32, true));
    let events = std::iter::once(Field::new("events", DataType::Int32, false));
    let flags = FLAGS.iter().map(|name| Field::new(*name, DataType::Boolean, false));
    let all = times.chain(numbers).chain(events).chain(flags).chain(words::columns());
    Arc::new(Schema::new(all.collect::<Vec<_>>()))
}

/// Writes steps as a table of numbers.
pub(super) struct Writer<W: Write + Send> {
    file: ArrowWriter<W>,
    schema: SchemaRef,
    space: Space,
    rows: usize,
    times: [Int64Builder; TIMES.len()],
    numbers: Vec<Float32Builder>,
    events: Int32Builder,
    flags: [BooleanBuilder; FLAGS.len()],
    words: Words,
}

impl<W: Write + Send> Writer<W> {
    /// Begins a table; `about` goes into its key-value metadata.
    pub(super) fn new(to: W, about: String, space: Space) -> Result<Self, ParquetError> {
        let schema = columns(&space);
        let options = ArrowWriterOptions::new().with_properties(properties(about)?);
        Ok(Self {
            file: ArrowWriter::try_new_with_options(to, Arc::clone(&schema), options)?,
            schema,
            numbers: space.names().iter().map(|_| Float32Builder::new()).collect(),
            space,
            rows: 0,
            times: Default::default(),
            events: Int32Builder::new(),
            flags: Default::default(),
            words: Words::default(),
        })
    }

    /// Adds a step.
    pub(super) fn push(
        &mut self,
        source: &Source,
        index: usize,
        step: &Step,
        action: &Action,
    ) -> Result<(), ParquetError> {
        let frame = source.frames[step.frame];
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
        let values = self.space.values(action);
        let is_known = values.iter().all(Option::is_some);
        self.numbers.iter_mut().zip(values).for_each(|(to, value)| to.append_option(value));
        self.events.append_value(i32::try_from(action.events).unwrap_or(i32::MAX));
        let misses = self.space.misses(action);
        let flags = [frame.keyframe, frame.dup, is_known, misses, action.input_gap, action.paused];
        self.flags.iter_mut().zip(flags).for_each(|(to, value)| to.append_value(value));
        self.words.push(source, step);
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        self.rows = 0;
        let times = self.times.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let numbers = self.numbers.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let events = std::iter::once(Arc::new(self.events.finish()) as ArrayRef);
        let flags = self.flags.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let arrays = times.chain(numbers).chain(events).chain(flags).chain(self.words.finish()).collect();
        self.file.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }

    /// Ends the table.
    pub(super) fn finish(mut self) -> Result<(), ParquetError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.file.into_inner()?.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::options::Options;

    #[test]
    fn no_two_columns_have_one_name() {
        let keys = (0..=255).map(|usage| format!("hid_{usage}")).collect::<Vec<_>>().join(",");
        let options =
            Options { keys: Some(keys.parse().expect("keys")), mouse: true, pointer: true, ..Options::default() };
        let schema = columns(&Space::chosen(&options).expect("a choice"));
        let names: std::collections::BTreeSet<_> = schema.fields().iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), schema.fields().len());
    }
}
