//! A verb over many sessions: what they are exported with, and what all of them came to.

use std::path::Path;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use crate::cli::ExportArgs;
use crate::export::{ExportError, Options};
use crate::session::span::Moment;

pub(super) fn options(args: &ExportArgs) -> Result<Options, ExportError> {
    let moment = |text: &Option<String>| text.as_deref().map(Moment::parse).transpose();
    Ok(Options {
        fps: args.fps,
        from: moment(&args.from)?,
        to: moment(&args.to)?,
        exclude_redacted: args.exclude_redacted,
        only_accepted: args.only_accepted,
        resize: args.resize,
        clip_seconds: args.clip_seconds,
        shard_mb: args.shard_mb,
        val_percent: args.val_percent,
        keys: args.keys.clone(),
        mouse: args.mouse,
        pointer: args.pointer,
        gamepad: args.gamepad,
        keep_unknown: args.keep_unknown,
        mcap_for: args.mcap_for,
        sound: args.sound,
        no_verify: args.no_verify,
        replace: args.replace,
        include_withdrawn: args.include_withdrawn,
    })
}

/// Says why a session was not exported.
pub(super) fn tell_failure(session: &Path, format: &str, failure: &Failure, as_json: bool) {
    text::warn(failure.text().trim_end());
    if as_json {
        text::json(&json!({
            "session": session.display().to_string(), "format": format, "error": failure.message, "hint": failure.hint,
        }));
    }
}

/// What several sessions came to: clean, some bad, or none good, with the words for the last line.
pub(super) fn outcome(good: usize, failures: &[Failure], unreadable: usize) -> Result<Outcome, Failure> {
    if failures.is_empty() && unreadable == 0 {
        return Ok(Outcome::Clean);
    }
    if good > 0 {
        return Ok(Outcome::Lossy);
    }
    let code = if !failures.is_empty() && failures.iter().all(|failure| failure.code == 2) { 2 } else { 1 };
    let message = format!("none of {} could be exported", text::counted(failures.len() as u64, "session"));
    Err(Failure { message, hint: Some("each is named above, with its reason".into()), code })
}

/// Does the same with every session, and goes on after one that fails. Of several, files are passed over with a note: `DIR/*` holds the
/// catalog, too.
pub(super) fn each(
    sessions: &[std::path::PathBuf],
    done: &str,
    mut one: impl FnMut(&Path) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let mut failed = 0;
    for session in sessions {
        if sessions.len() > 1 && session.is_file() {
            text::say(&text::printable(&format!("note: {} is a file and no session, passed over", session.display())));
            continue;
        }
        match one(session) {
            Ok(()) => {}
            Err(failure) if sessions.len() == 1 => return Err(failure),
            Err(failure) => {
                failed += 1;
                text::warn(&format!("error: {}", failure.message));
                if let Some(hint) = failure.hint {
                    text::warn(&format!("hint: {hint}"));
                }
            }
        }
    }
    if failed > 0 {
        let message = format!("{failed} of {} could not be {done}", sessions.len());
        return Err(Failure::new(&message, Some("the others were; see above for these".into())));
    }
    Ok(Outcome::Clean)
}
