//! Consent to a recording: what was given, or what a person at the terminal answers.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use super::super::{Failure, text};
use crate::capture::Target;
use crate::cli::{RecordArgs, SourceArg};
use crate::config::RecordConfig;
use crate::event::Stream;
use crate::privacy::consent::{self, Asked, Consent, ConsentError, Method};
use crate::time::Clock;

/// Finds the consent, and asks for it where nobody gave any and somebody is there.
pub(super) fn consent(
    args: &RecordArgs,
    config: &RecordConfig,
    clock: &dyn Clock,
    (out, target): (&Path, &Target),
) -> Result<Consent, Failure> {
    let at = clock.anchor().utc;
    let decided = if args.source == SourceArg::Synthetic && args.consent.is_empty() {
        Consent::to(consent::RECORDABLE.into(), Method::Synthetic, at)
    } else {
        Consent::decide(&args.consent, &config.consent, at)
    };
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let decided = match decided {
        // What was said, if only in part, is an answer already.
        Err(ConsentError::Missing) if is_terminal && args.consent.is_empty() && config.consent.is_empty() => {
            text::say(&text::printable(&consent::text(&Asked {
                what: &called(target),
                streams: &consent::RECORDABLE,
                place: &place(out, args.session.as_deref()),
                duration: args.duration,
            })));
            let mut streams = std::collections::BTreeSet::new();
            for stream in consent::RECORDABLE {
                text::say(consent::question(stream));
                let mut answer = String::new();
                let read = std::io::stdin().lock().read_line(&mut answer);
                if read.is_err() || !consent::is_yes(&answer) {
                    if stream == Stream::Screen {
                        break;
                    }
                } else {
                    streams.insert(stream);
                }
            }
            Consent::to(streams, Method::Prompt, clock.anchor().utc)
        }
        other => other,
    };
    let decided = decided.map_err(|error| Failure::wrong(&error, error.hint()))?;
    for stream in &decided.unavailable {
        text::say(&format!(
            "the {} cannot be recorded by this release: the consent to it is without effect",
            stream.name()
        ));
    }
    Ok(decided)
}

/// The target for people, before anything is opened.
fn called(target: &Target) -> String {
    match target {
        Target::Primary => "the primary monitor".into(),
        Target::Monitor(name) => format!("the monitor {name}"),
        Target::WindowId(id) => format!("the window {id}"),
        Target::WindowTitle(part) => format!("the window with '{part}' in its title"),
        Target::WindowApp(app) => format!("a window of {app}"),
        Target::Region { x, y, width, height } => format!("{width}x{height} pixels of the desktop from {x},{y}"),
    }
}

/// The session's folder for people: whole, where the system tells. One without a name gets it when recording begins.
fn place(out: &Path, name: Option<&str>) -> String {
    let out = std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf());
    match name {
        Some(name) => format!("to {}, a new folder", out.join(name).display()),
        None => format!("into a new folder in {}", out.display()),
    }
}
