//! What a session is of, by the word of people: task, subtasks, outcome, game, participant, tags, and the marks that were set while it was
//! recorded. What was said after sealing stands over what was said when recording began.
//!
//! It stands in every manifest, and formats that have a place for a task or a mark take it from here. What nobody said is null.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::session::annotations::{Annotations, Outcome, Subtask, by_time};
use crate::session::metadata::Metadata;

/// Stands for the task where a format must have one and nobody said any.
pub const UNSPECIFIED: &str = "unspecified";
/// Most marks that a manifest lists: 4,000 of 200 bytes.
const MAX_MARKS: usize = 4096;
/// Most bytes of texts of marks that are kept: further marks are there without their text.
const MAX_TEXT: usize = 1 << 20;

/// What a session is of.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// What the person was to do.
    pub task: Option<String>,
    /// The game.
    pub game: Option<String>,
    /// Its version.
    pub patch: Option<String>,
    /// The name by which a study calls the person.
    pub participant: Option<String>,
    /// Tags, value by key.
    pub tags: BTreeMap<String, String>,
    /// How the task went.
    pub outcome: Option<Outcome>,
    /// What else there is to say of that.
    pub note: Option<String>,
    /// Parts of the task with their times, in the order of these.
    pub subtasks: Vec<Subtask>,
    /// Marks that were set while it was recorded, of what is exported.
    pub marks: Vec<Mark>,
    /// How many further marks there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub marks_left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference in")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A mark.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// When, nanoseconds of the session's clock.
    pub t_ns: i64,
    /// What it says; empty when it says nothing, null when there was no room for it.
    pub text: Option<String>,
}

impl About {
    /// What the metadata and the annotations say; no marks.
    pub(super) fn of(metadata: &Metadata, annotations: &Annotations) -> Self {
        let mut tags = metadata.tags.clone();
        annotations.apply_tags(&mut tags);
        let (outcome, note) = annotations.outcome().unzip();
        Self {
            task: annotations.task().map(str::to_owned).or_else(|| metadata.task.clone()),
            outcome,
            note: note.flatten().map(str::to_owned),
            subtasks: by_time(annotations.subtasks()),
            game: metadata.game.clone().filter(|game| !game.is_empty()),
            patch: metadata.patch.clone(),
            participant: metadata.participant.clone(),
            tags,
            ..Self::default()
        }
    }

    /// The task for formats that must have one: where nobody said any, the game.
    pub fn instruction(&self) -> &str {
        self.task.as_deref().or(self.game.as_deref()).unwrap_or(UNSPECIFIED)
    }

    /// The same with the marks for which `is_told`.
    #[must_use]
    pub(super) fn with_marks(self, marks: &Marks, is_told: impl Fn(i64) -> bool) -> Self {
        let all = marks.all().iter().filter(|mark| is_told(mark.t_ns));
        let marks_left_out = all.clone().count().saturating_sub(MAX_MARKS) as u64;
        Self { marks: all.take(MAX_MARKS).cloned().collect(), marks_left_out, ..self }
    }
}

/// The marks of a session, in the order of their times.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    marks: Vec<Mark>,
    text_bytes: usize,
}

impl Marks {
    /// Adds the next one.
    pub(super) fn push(&mut self, t_ns: i64, text: &str) {
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        let text = (self.text_bytes <= MAX_TEXT).then(|| text.to_owned());
        self.marks.push(Mark { t_ns, text });
    }

    /// All of them.
    pub fn all(&self) -> &[Mark] {
        &self.marks
    }

    /// Those in `start..end`.
    pub fn between(&self, start: i64, end: i64) -> &[Mark] {
        let from = self.marks.partition_point(|mark| mark.t_ns < start);
        let until = self.marks.partition_point(|mark| mark.t_ns < end);
        self.marks.get(from..until).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_by_their_time_and_texts_have_a_bound() {
        let mut marks = Marks::default();
        for t in [10, 20, 20, 30] {
            marks.push(t, "m");
        }
        let count = |start, end| marks.between(start, end).len();
        assert_eq!(
            [(0, 10), (10, 11), (10, 20), (20, 21), (0, 31), (31, 9), (9, 0)].map(|(a, b)| count(a, b)),
            [0, 1, 1, 2, 4, 0, 0]
        );
        marks.push(40, &"x".repeat(MAX_TEXT));
        assert_eq!((marks.all().len(), &marks.all()[4].text), (5, &None));
    }

    #[test]
    fn the_instruction_is_the_task_else_the_game() {
        let mut about = About::default();
        assert_eq!(about.instruction(), UNSPECIFIED);
        about.game = Some("chess".into());
        assert_eq!(about.instruction(), "chess");
        about.task = Some("castle".into());
        assert_eq!(about.instruction(), "castle");
    }
}
