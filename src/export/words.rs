//! The columns of a table of steps that hold words of people: marks, task and subtask.

use std::sync::Arc;

use super::source::Source;
use super::steps::Step;
use crate::base::arrow::array::{ArrayRef, Int32Builder, StringBuilder};
use crate::base::arrow::datatypes::{DataType, Field};

/// Returns name, type and nullability of the columns, in order; they stand behind all others.
pub fn columns() -> [Field; 3] {
    [
        Field::new("marks", DataType::Int32, false),
        Field::new("task", DataType::Utf8, true),
        Field::new("subtask", DataType::Utf8, true),
    ]
}

/// The columns while rows are added.
#[derive(Default)]
pub(super) struct Words {
    marks: Int32Builder,
    task: StringBuilder,
    subtask: StringBuilder,
}

impl Words {
    /// Adds a step.
    pub(super) fn push(&mut self, source: &Source, step: &Step) {
        let marks = source.marks.between(step.start_ns, step.end_ns).len();
        self.marks.append_value(i32::try_from(marks).unwrap_or(i32::MAX));
        self.task.append_option(source.about.task.as_deref());
        self.subtask.append_option(source.subtask_at(step.start_ns));
    }

    /// The columns so far; they begin anew.
    pub(super) fn finish(&mut self) -> [ArrayRef; 3] {
        [Arc::new(self.marks.finish()), Arc::new(self.task.finish()), Arc::new(self.subtask.finish())]
    }
}
