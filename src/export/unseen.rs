//! What of the input was seen by nobody, so that nothing in the table does not mean that nothing was done: withheld keys, a window that was not to
//! be attended to, a source that reports no wheels, no source at all.
//!
//! Gaps are told apart from these (`input_gap`): there what was to be recorded was lost.

use serde_json::Value;

use super::spans::Spans;
use crate::session::metadata::Metadata;
use crate::session::table::row::{OwnedRow, key};

/// Kinds of input of which nobody saw in a step whether they happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unseen {
    /// Keys, at least some.
    pub keys: bool,
    /// Buttons, motion and place.
    pub mouse: bool,
    /// Wheels.
    pub wheel: bool,
    /// Gamepads.
    pub pads: bool,
}

/// What a session says of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Blind {
    keys: Spans,
    input: Spans,
    always: Unseen,
}

/// Spans of `redact` rows, as they are gathered.
#[derive(Default)]
pub(super) struct Gathering {
    keys: Vec<(i64, i64)>,
    input: Vec<(i64, i64)>,
}

impl Gathering {
    /// Takes a `redact` row.
    pub(super) fn take(&mut self, row: &OwnedRow, until: i64) {
        match (row.metadata.get(key::WHAT), row.metadata.get(key::REASON)) {
            (Some("input"), _) => self.input.push((row.t_ns, until)),
            // Each key without its code stands in the table there; and the key of a hotkey is none that the program saw.
            (Some("keys"), Some("keys_no_text" | "hotkey")) => {}
            (Some("keys"), _) => self.keys.push((row.t_ns, until)),
            _ => {}
        }
    }

    /// All of it, with what the metadata say of the source.
    pub(super) fn end(self, metadata: &Metadata) -> Blind {
        Blind { keys: Spans::new(self.keys), input: Spans::new(self.input), always: always(metadata) }
    }
}

/// What the source of the input never reports. An imported session that says nothing of its source reports what it has.
fn always(metadata: &Metadata) -> Unseen {
    let Some(input) = metadata.streams.get("input") else { return Unseen::default() };
    let lacks = |name: &str| input.settings.get(name) == Some(&Value::Bool(false));
    let none = matches!(input.status.as_str(), "missing" | "off");
    // Sessions of before gamepads were recorded say nothing of them; an import has what it has.
    let hears_pads = input.settings.get("gamepads") == Some(&Value::Bool(true));
    let has_pads = metadata.counts.keys().any(|kind| kind.starts_with("gamepad_"));
    Unseen {
        keys: none || lacks("keys"),
        mouse: none || lacks("buttons"),
        wheel: none || lacks("wheel"),
        pads: none || (!hears_pads && !has_pads),
    }
}

/// Whether the source of a session's input never reports wheels.
pub fn never_wheels(metadata: &Metadata) -> bool {
    always(metadata).wheel
}

impl Blind {
    /// What was not seen between these times.
    pub fn between(&self, start_ns: i64, end_ns: i64) -> Unseen {
        let input = self.input.touch(start_ns, end_ns);
        Unseen {
            keys: self.always.keys || input || self.keys.touch(start_ns, end_ns),
            mouse: self.always.mouse || input,
            wheel: self.always.wheel || input,
            pads: self.always.pads || input,
        }
    }
}
