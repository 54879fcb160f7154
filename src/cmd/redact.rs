//! `watchcap redact`.

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::cli::RedactArgs;
use crate::derive::redact::run::{RedactError, Wanted, redact};
use crate::session::span::{Mask, Moment, SpanError};

/// Longest reason, bytes.
const MAX_REASON: usize = 64;

fn wanted(args: &RedactArgs) -> Result<Wanted, Failure> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if args.reason.is_empty() || args.reason.len() > MAX_REASON || !args.reason.chars().all(word) {
        return Err(Failure::usage("the reason is no word in snake_case", "for example --reason password_typed"));
    }
    let moment = |text: &str| Moment::parse(text).map_err(RedactError::Span);
    let masks = args.mask.iter().map(|text| Mask::parse(text)).collect::<Result<_, SpanError>>();
    let span = match (&args.from, &args.to) {
        (Some(from), Some(to)) => Some((moment(from)?, moment(to)?)),
        _ => None,
    };
    Ok(Wanted {
        span,
        masks: masks.map_err(RedactError::Span)?,
        keys: args.keys,
        titles: args.titles || args.keys,
        mute: args.mute,
        reason: args.reason.clone(),
        replace: args.replace,
    })
}

pub(super) fn run(args: &RedactArgs) -> Result<Outcome, Failure> {
    let wanted = wanted(args)?;
    super::folder::check_own(&args.session)?;
    let bar = Bar::new("redact");
    let done = redact(&args.session, &wanted, &mut |step| bar.step(step));
    bar.end();
    let done = done?;
    let session = done.session.display().to_string();
    if args.json {
        let value = json!({
            "session": session, "from_ns": done.span_ns.0, "until_ns": done.span_ns.1,
            "frames_masked": done.frames_masked, "frames_encoded": done.frames_encoded, "keys_redacted": done.keys,
            "titles_redacted": done.titles, "foreign_values": done.foreign, "left_out": done.left_out, "replaced": wanted.replace,
            "masks": done.masks, "pixels_until_ns": done.pixels_until_ns, "sound_kept": done.sound_kept,
            "sound_packets_silenced": done.sound_packets_silenced,
            "png_masked": done.pictures_masked,
        });
        text::json(&value);
    } else {
        text::out(&text::printable(&session));
    }
    for name in &done.left_out {
        text::say(&text::printable(&format!("note: {name} cannot be redacted and is not in the new session")));
    }
    if done.sound_kept {
        text::say(
            "note: the sound is in the new session as it was recorded, and keys can be heard: --mute makes that of the span silent",
        );
    }
    if done.foreign > 0 {
        text::say(&format!(
            "note: {} that another program put into rows may tell what is withheld, and is left out",
            text::counted(done.foreign, "value")
        ));
    }
    if let Some(until) = done.pixels_until_ns {
        let areas: Vec<_> = done.masks.iter().map(|m| format!("{},{},{},{}", m.x, m.y, m.width, m.height)).collect();
        let more = (until - done.span_ns.1) as f64 / 1e9;
        text::say(&format!(
            "note: the blocks of the coding decide what can be black: it is {}, until {more:.3} s behind the span, when the next group of pictures begins",
            areas.join(" and ")
        ));
    }
    text::say(&text::printable(&format!(
        "redacted {session}: {} masked ({} encoded anew), {} and {} withheld{}",
        text::counted(done.frames_masked, "frame"),
        done.frames_encoded,
        text::counted(done.keys, "key row"),
        text::counted(done.titles, "title"),
        if wanted.mute {
            format!(", {} silenced", text::counted(done.sound_packets_silenced, "sound packet"))
        } else {
            String::new()
        }
    )));
    if !wanted.replace {
        text::say("the old session is as it was; delete it yourself when the new one is what you want");
    }
    Ok(Outcome::Clean)
}
