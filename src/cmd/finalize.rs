//! `watchcap finalize`.

use std::path::Path;

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::cli::FinalizeArgs;
use crate::finalize;
use crate::progress::Step;
use crate::session::layout;
use crate::shown;

pub(super) fn run(args: &FinalizeArgs) -> Result<Outcome, Failure> {
    super::folder::check(&args.session)?;
    let how = if args.again { How::Again } else { How::Once { keep_log: args.keep_log } };
    seal(&args.session, how, args.json)
}

/// How a log is sealed.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// For the first time.
    Once {
        /// The log stays in any case.
        keep_log: bool,
    },
    /// It is sealed already, and is to be made anew.
    Again,
}

/// Seals a log and says what became of it.
pub(super) fn seal(session: &Path, how: How, as_json: bool) -> Result<Outcome, Failure> {
    let bar = text::bar("finalize");
    let mut progress = |step: Step| {
        bar.set_length(step.of.max(step.done));
        bar.set_position(step.done);
        bar.set_message(step.what);
    };
    let done = match how {
        How::Once { keep_log } => finalize::finalize(session, keep_log, &mut progress),
        How::Again => finalize::again(session, &mut progress),
    }
    .map_err(|error| Failure::new(&error, error.hint()))?;
    bar.finish_and_clear();
    let rows: u64 = done.metadata.counts.values().sum();
    let folder = done.session.display();
    if as_json {
        text::json(&json!({
            "event": "sealed", "session": folder.to_string(), "rows": rows, "frames": done.metadata.frames,
            "dropped_frames": done.metadata.dropped_frames, "recovered": done.metadata.recovered, "lossy": done.lossy,
            "log_kept": done.log_kept,
        }));
    } else {
        text::out(&folder.to_string());
    }
    text::say(&format!("sealed {folder}: {rows} rows, {} frames", done.metadata.frames));
    if let Some(recovery) = &done.metadata.recovery {
        text::say(if recovery.closed {
            "its log was damaged; what could be read was recovered"
        } else {
            "the recording did not end in good order; what could be read was recovered"
        });
        if recovery.video != "present" {
            text::say(&format!("the video of the log is {}", recovery.video));
        }
    }
    for loss in &done.metadata.lost {
        let count = loss.count.map_or_else(|| "an unknown number".into(), |count| count.to_string());
        text::say(&text::printable(&format!("lost in {}: {count} ({})", loss.stream, loss.reason)));
    }
    if finalize::keeps_log(&done.metadata) {
        let log = layout::log_dir(session);
        text::say(&format!(
            "the log was kept, since parts of it are gone: delete {} when you need it no more; once it is mended, make the session anew with: \
             watchcap finalize --again {}",
            shown::shell(&log),
            shown::shell(session)
        ));
    }
    Ok(if done.lossy { Outcome::Lossy } else { Outcome::Clean })
}
