//! Consent to a recording: what was given, or what a person at the terminal answers.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use super::super::failure::Failure;
use super::super::text;
use crate::base::event::Stream;
use crate::base::files::read_own_text;
use crate::base::hotkeys::{Action, Hotkeys};
use crate::base::time::Clock;
use crate::capture::Target;
use crate::cli::{RecordArgs, SourceArg};
use crate::config::{Config, ConsentConfig};
use crate::privacy::consent::{self, Asked, Consent, ConsentError, Method};
use crate::privacy::study::{MAX_TEXT, StudyText};

/// How often a question is asked: who says neither yes nor no so often does not agree.
const MOST_ANSWERS: u32 = 10;

/// Finds the consent, and asks for it where nobody gave any and somebody is there. `None`: the person was asked, and does not agree.
pub(super) fn consent(
    args: &RecordArgs,
    config: &Config,
    clock: &dyn Clock,
    (out, target, hotkeys): (&Path, &Target, &Hotkeys),
    sound: bool,
) -> Result<Option<Consent>, Failure> {
    // Also where nobody is asked: a text that cannot be shown is told of before it is needed.
    let study = study_text(&config.consent)?;
    let config = &config.record;
    let at = clock.anchor().utc;
    let streams: Vec<Stream> =
        consent::STREAMS.into_iter().filter(|stream| sound || *stream != Stream::Audio).collect();
    let decided = if args.source == SourceArg::Synthetic && args.consent.is_empty() {
        Consent::to(streams.iter().copied().collect(), Method::Synthetic, at)
    } else {
        Consent::decide(&args.consent, &config.consent, at)
    };
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let decided = match decided {
        // What was said, if only in part, is an answer already.
        Err(ConsentError::Missing) if is_terminal && args.consent.is_empty() && config.consent.is_empty() => {
            text::ask(&text::printable(&consent::text(&Asked {
                what: &called(target),
                streams: &streams,
                place: &place(out, args.session.as_deref()),
                duration: args.duration,
                pause: hotkeys.iter().find(|(action, _)| *action == Action::Pause).map(|(_, chord)| chord),
                study: study.as_ref(),
            })));
            if !agrees(Stream::Screen) {
                return Ok(None);
            }
            let agreed = streams.iter().copied().filter(|stream| *stream == Stream::Screen || agrees(*stream));
            Consent::to(agreed.collect(), Method::Prompt, clock.anchor().utc)
                .map(|consent| Consent { study_text: study.as_ref().map(StudyText::to_fact), ..consent })
        }
        other => other,
    };
    let decided = decided.map_err(|error| Failure::wrong(&error, error.hint()))?;
    if sound && !decided.covers(Stream::Audio) && decided.method != Method::Prompt {
        let given: Vec<_> = decided.streams.iter().map(|stream| stream.name()).collect();
        return Err(Failure::usage(
            "no consent to record the sound",
            format!("agree with --consent {},audio, or record without it: --audio off", given.join(",")),
        ));
    }
    if !sound && decided.covers(Stream::Audio) {
        text::warn("no sound is recorded: --audio says which; the consent to it is without effect");
        return Ok(Some(decided.without(Stream::Audio)));
    }
    Ok(Some(decided))
}

/// The study's own text, where the configuration has one.
pub(in crate::cmd) fn study_text(config: &ConsentConfig) -> Result<Option<StudyText>, Failure> {
    let text = match (&config.text, &config.text_file) {
        (Some(_), Some(_)) => {
            let said = "both `text` and `text_file` stand under [consent] in the configuration";
            return Err(Failure::usage(said, "leave one of them out"));
        }
        (None, Some(path)) => Some(read_own_text(path, MAX_TEXT as u64).map_err(|error| {
            let said = format!("cannot read the text of consent {}: {error}", path.display());
            Failure::usage(
                said,
                format!(
                    "`text_file` names a file of at most {MAX_TEXT} bytes of UTF-8, from the configuration's folder"
                ),
            )
        })?),
        (text, None) => text.clone(),
    };
    let text = StudyText::new(text, config.version.clone(), config.contact.clone());
    text.map_err(|error| Failure::usage(error.to_string(), error.hint()))
}

/// Asks for one stream until the answer is a yes or a no. The end of what is typed is a no.
fn agrees(stream: Stream) -> bool {
    for _ in 0..MOST_ANSWERS {
        text::ask(consent::question(stream));
        let mut answer = String::new();
        match std::io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
        match consent::answer(&answer) {
            Some(agrees) => return agrees,
            None => text::ask("please answer y (yes) or n (no)"),
        }
    }
    false
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
