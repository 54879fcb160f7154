//! `watchcap redact`.

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::cli::RedactArgs;
use crate::redact::span::{Mask, Moment, SpanError};
use crate::redact::{RedactError, Wanted, redact};

/// Longest reason, bytes.
const MAX_REASON: usize = 64;

impl From<RedactError> for Failure {
    fn from(error: RedactError) -> Self {
        if error.is_usage() {
            return Self::wrong(&error, error.hint());
        }
        Self::new(&error, error.hint())
    }
}

fn wanted(args: &RedactArgs) -> Result<Wanted, Failure> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if args.reason.is_empty() || args.reason.len() > MAX_REASON || !args.reason.chars().all(word) {
        return Err(Failure::usage("the reason is no word in snake_case", "for example --reason password_typed"));
    }
    let moment = |text: &str| Moment::parse(text).map_err(RedactError::Span);
    let masks = args.mask.iter().map(|text| Mask::parse(text)).collect::<Result<_, SpanError>>();
    Ok(Wanted {
        from: moment(&args.from)?,
        to: moment(&args.to)?,
        masks: masks.map_err(RedactError::Span)?,
        keys: args.keys,
        titles: args.titles || args.keys,
        reason: args.reason.clone(),
        replace: args.replace,
    })
}

pub(super) fn run(args: &RedactArgs) -> Result<Outcome, Failure> {
    let wanted = wanted(args)?;
    let bar = text::bar("redact");
    let done = redact(&args.session, &wanted, &mut |step| {
        bar.set_message(step.what);
        bar.set_length(step.of);
        bar.set_position(step.done);
    });
    bar.finish_and_clear();
    let done = done?;
    let session = done.session.display().to_string();
    if args.json {
        let value = json!({
            "session": session, "from_ns": done.span_ns.0, "until_ns": done.span_ns.1,
            "frames_masked": done.frames_masked, "frames_encoded": done.frames_encoded, "keys_redacted": done.keys,
            "titles_redacted": done.titles, "left_out": done.left_out, "replaced": wanted.replace,
        });
        text::json(&value);
    } else {
        text::out(&text::printable(&session));
    }
    for name in &done.left_out {
        text::say(&text::printable(&format!("note: {name} cannot be redacted and is not in the new session")));
    }
    text::say(&text::printable(&format!(
        "redacted {session}: {} frames masked ({} encoded anew), {} key rows and {} titles withheld",
        done.frames_masked, done.frames_encoded, done.keys, done.titles
    )));
    if !wanted.replace {
        text::say("the old session is as it was; delete it yourself when the new one is what you want");
    }
    Ok(Outcome::Clean)
}
