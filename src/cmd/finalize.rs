//! `watchcap finalize`.

use std::path::Path;

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::cli::FinalizeArgs;
use crate::finalize;

pub(super) fn run(args: &FinalizeArgs) -> Result<Outcome, Failure> {
    seal(&args.session, args.keep_log, args.json)
}

/// Seals a log and says what became of it.
pub(super) fn seal(session: &Path, keep_log: bool, as_json: bool) -> Result<Outcome, Failure> {
    let bar = text::bar("finalize");
    let done = finalize::finalize(session, keep_log, &mut |step| {
        bar.set_length(step.of.max(step.done));
        bar.set_position(step.done);
        bar.set_message(step.what);
    })
    .map_err(|error| Failure::new(&error, error.hint()))?;
    bar.finish_and_clear();
    let rows: u64 = done.metadata.counts.values().sum();
    let folder = done.session.display();
    if as_json {
        text::json(&json!({
            "event": "sealed", "session": folder.to_string(), "rows": rows, "frames": done.metadata.frames,
            "dropped_frames": done.metadata.dropped_frames, "recovered": done.metadata.recovered, "lossy": done.lossy,
        }));
    } else {
        text::out(&folder.to_string());
    }
    text::say(&format!("sealed {folder}: {rows} rows, {} frames", done.metadata.frames));
    if done.metadata.recovered {
        text::say("the recording did not end in good order; what could be read was recovered");
    }
    for loss in &done.metadata.lost {
        let count = loss.count.map_or_else(|| "an unknown number".into(), |count| count.to_string());
        text::say(&text::printable(&format!("lost in {}: {count} ({})", loss.stream, loss.reason)));
    }
    Ok(if done.lossy { Outcome::Lossy } else { Outcome::Clean })
}
