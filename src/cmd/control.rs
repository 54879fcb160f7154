//! `watchcap pause`, `resume`, `mark`, `stop`, `status`: one request to a recording that runs.

use std::time::Duration;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::{given, text};
use crate::base::event::{Content, Stream};
use crate::cli::{MarkArgs, StatusArgs, StopArgs, WhichArgs};
use crate::control::protocol::{Request, Snapshot};
use crate::control::{self, ControlError, Wanted};
use crate::log::codec::MAX_TEXT;
use crate::privacy::consent::{self, ConsentError};

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Several { .. } => {
                // The list stands in lines of its own; the paths in it are filtered like all that is printed.
                Self::wrong(&error, error.hint())
            }
            error => Self::new(&error, error.hint()),
        }
    }
}

fn wanted(which: &WhichArgs) -> Wanted<'_> {
    match (&which.session, which.pid) {
        (Some(session), _) => Wanted::Session(session),
        (None, Some(pid)) => Wanted::Pid(pid),
        (None, None) => Wanted::Only,
    }
}

fn to_json(s: &Snapshot) -> serde_json::Value {
    json!({
        "pid": s.pid, "session": s.session, "paused": s.paused, "elapsed_s": s.elapsed_ms as f64 / 1000.0,
        "frames": s.frames, "dropped_frames": s.dropped_frames, "events": s.events, "video_bytes": s.video_bytes,
        "withdrawn": s.withdrawn, "t_ns": s.t_ns,
    })
}

fn ask(which: &WhichArgs, request: &Request, said: impl Fn(&Snapshot) -> String) -> Result<Outcome, Failure> {
    let running = control::choose(wanted(which))?;
    let snapshot = control::ask(&running.socket, request)?;
    if which.json {
        text::json(&to_json(&snapshot));
    }
    text::say(&text::printable(&said(&snapshot)));
    Ok(Outcome::Clean)
}

fn at(s: &Snapshot) -> String {
    format!("{} at {}", s.session, crate::base::shown::clock(Duration::from_millis(s.elapsed_ms)))
}

pub(super) fn pause(which: &WhichArgs) -> Result<Outcome, Failure> {
    ask(which, &Request::Pause, |s| format!("paused {}\ngo on with: watchcap resume --pid {}", at(s), s.pid))
}

pub(super) fn resume(which: &WhichArgs) -> Result<Outcome, Failure> {
    ask(which, &Request::Resume, |s| match s.t_ns {
        Some(_) => format!("recording goes on into {}", at(s)),
        None => format!("{} was not paused", at(s)),
    })
}

pub(super) fn mark(args: &MarkArgs) -> Result<Outcome, Failure> {
    let text = given::content(args.text.as_deref().unwrap_or_default(), "the text of a mark", MAX_TEXT)?;
    let length = text.len();
    if length > MAX_TEXT {
        let hint = format!("this one has {length}");
        return Err(Failure::usage(format!("the text of a mark has at most {MAX_TEXT} bytes"), hint));
    }
    let text = Content(text);
    ask(&args.which, &Request::Mark { text, png: args.png }, |s| format!("marked {}", at(s)))
}

pub(super) fn stop(args: &StopArgs) -> Result<Outcome, Failure> {
    let said = |s: &Snapshot| format!("asked the recording into {} to stop", at(s));
    if !args.all {
        return ask(&args.which, &Request::Stop, said);
    }
    let (mut stopped, mut failed) = (Vec::new(), None);
    for running in control::running()? {
        match control::ask(&running.socket, &Request::Stop) {
            Ok(snapshot) => {
                text::say(&text::printable(&said(&snapshot)));
                stopped.push(to_json(&snapshot));
            }
            // The others are still asked.
            Err(error) => failed = Some(Failure::from(error)),
        }
    }
    if stopped.is_empty() && failed.is_none() {
        text::say("no recording is running");
    }
    if args.which.json {
        text::json(&serde_json::Value::from(stopped));
    }
    failed.map_or(Ok(Outcome::Clean), Err)
}

pub(super) fn withdraw(names: &[String], which: &WhichArgs) -> Result<Outcome, Failure> {
    let wrong = |error: ConsentError| Failure::wrong(&error, error.hint());
    let streams: Vec<Stream> = consent::parse(names).map_err(wrong)?.into_iter().collect();
    ask(which, &Request::Withdraw { streams }, |s| {
        if s.withdrawn.iter().any(|name| name == Stream::Screen.name()) {
            format!("{}: recording ends; what was recorded before is sealed there, and yours to delete", at(s))
        } else {
            format!("{}: the {} is not recorded any more; the screen is", at(s), s.withdrawn.join(" and "))
        }
    })
}

pub(super) fn status(args: &StatusArgs) -> Result<Outcome, Failure> {
    let which = &args.which;
    let all = match wanted(which) {
        Wanted::Only => control::running()?,
        one => vec![control::choose(one)?],
    };
    if which.json {
        let list: Vec<_> = all.iter().map(|running| to_json(&running.snapshot)).collect();
        text::json(&serde_json::Value::from(list));
        return Ok(Outcome::Clean);
    }
    if all.is_empty() {
        text::say("no recording is running");
    }
    let mut rows = Vec::new();
    for running in &all {
        let s = &running.snapshot;
        rows.push(vec![
            s.pid.to_string(),
            [if s.paused { "paused" } else { "recording" }]
                .into_iter()
                .map(str::to_owned)
                .chain(s.withdrawn.iter().map(|stream| format!("no {stream}")))
                .collect::<Vec<_>>()
                .join(", "),
            crate::base::shown::clock(Duration::from_millis(s.elapsed_ms)),
            text::counted(s.frames, "frame"),
            format!("{} dropped", s.dropped_frames),
            text::counted(s.events, "event"),
            text::size(s.video_bytes),
            text::cell(&s.session),
        ]);
    }
    for line in text::table(&rows) {
        text::out(&line);
    }
    Ok(Outcome::Clean)
}
