//! What the reviewing queue shows of a recording without playing it: its state, its verdict, its length, its task, and what
//! `replay --check` measures.
//!
//! Never writes, and keeps nothing.

use std::path::Path;

use watchcap_replay::{Entry, Faults, Part, Tone};

use crate::inspect::qa::run::{Limits, check as measure};
use crate::inspect::survey::{self, State};
use crate::play::reviews::shown;
use crate::session::annotations::Annotations;
use crate::session::layout::{self, DirState};
use crate::session::metadata::{Metadata, printable};
use crate::session::review::Review;

/// Looks at the recording in a folder.
pub fn look(dir: &Path) -> Entry {
    let mut problems = Vec::new();
    let metadata = Metadata::read(&layout::metadata_path(dir)).ok();
    let id = metadata.as_ref().map(|metadata| metadata.session_id.as_str());
    let (state, duration_ns) = match survey::look(dir) {
        Ok(found) => (found.state, found.duration_ns),
        Err(error) => {
            problems.push(error.to_string());
            (State::Damaged, None)
        }
    };
    let tone = match state {
        State::Sealed => Tone::Plain,
        State::Recording | State::Finalizing => Tone::Good,
        State::Closed | State::Crashed => Tone::Warn,
        State::Damaged | State::Unreadable => Tone::Bad,
    };
    let review = Review::read_as(dir, id).unwrap_or_else(|error| {
        problems.push(error.to_string());
        Review::default()
    });
    let verdict = review.verdict();
    let said = Annotations::read(dir, id).unwrap_or_default();
    let task = said.task().or(metadata.as_ref().and_then(|metadata| metadata.task.as_deref())).unwrap_or_default();
    Entry {
        state: state.name().to_owned(),
        tone,
        verdict: verdict.and_then(|remark| remark.verdict).map(shown),
        stale: verdict.is_some_and(|remark| remark.stale),
        length_ns: duration_ns.and_then(|ns| u64::try_from(ns).ok()),
        part: metadata.as_ref().and_then(part),
        task: printable(task),
        problem: problems.join("; "),
    }
}

/// Which part of a recording that was split a session is.
fn part(metadata: &Metadata) -> Option<Part> {
    let series = metadata.series.as_ref()?;
    Some(Part { of: printable(&series.part_of), index: series.index })
}

/// Checks whether the recording in a folder is fit for use, by the limits that `replay --check` has when none are given.
pub fn check(dir: &Path) -> Faults {
    if layout::state_of(dir) != DirState::Sealed {
        return Faults::Unsealed;
    }
    match measure(dir, &Limits::default(), &mut |_| {}) {
        Ok(report) => Faults::Found {
            over: report
                .checks
                .iter()
                .filter(|check| !check.ok)
                .map(|check| (check.name.into(), check.count))
                .collect(),
            places: report.checks.iter().map(|check| check.count).fold(0, u64::saturating_add),
        },
        Err(error) => Faults::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::session::metadata::samples::bare;

    #[test]
    fn a_part_of_a_series_is_known_by_its_metadata() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = bare("01890a5d-ac96-774b-bcce-b302099a8057").to_json().expect("json");
        let mut metadata: Value = serde_json::from_str(&text).expect("json");
        for (series, part) in [
            (json!({ "part_of": "01890a5d", "index": 2, "previous": null }), Some(("01890a5d".to_owned(), 2))),
            (Value::Null, None),
        ] {
            metadata["series"] = series;
            std::fs::write(layout::metadata_path(dir.path()), metadata.to_string()).expect("metadata");
            let found = look(dir.path());
            assert_eq!(found.part.map(|part| (part.of, part.index)), part);
        }
    }
}
