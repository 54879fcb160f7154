//! `watchcap annotate`: says what a sealed session is of, and shows what was said.

use std::path::Path;

use super::failure::{Failure, Outcome as Ended};
use super::text;
use crate::base::person;
use crate::base::time::SystemClock;
use crate::cli::AnnotateArgs;
use crate::session::annotations::{AnnotationError, Annotations, Outcome, Said, Subtask, by_time};
use crate::session::labels;
use crate::session::metadata::Metadata;
use crate::session::sealed::SealedSession;
use crate::session::span::{Moment, Span, SpanError};
use crate::session::table::read::{ReadError, SessionReader};
use crate::session::table::row::{OwnedRow, event_type};

fn failed(error: &AnnotationError) -> Failure {
    match error {
        AnnotationError::Label(_) => Failure::wrong(error, error.hint()),
        _ => Failure::new(error, error.hint()),
    }
}

fn span_failed(error: &SpanError) -> Failure {
    Failure::wrong(error, error.hint())
}

fn read_failed(error: &ReadError) -> Failure {
    Failure::new(error, error.hint())
}

pub(super) fn run(args: &AnnotateArgs) -> Result<Ended, Failure> {
    let dir = &args.session;
    super::folder::check(dir)?;
    super::folder::tell(dir);
    let session = SealedSession::open(dir).map_err(|error| Failure::new(&error, error.hint()))?;
    let metadata = session.metadata();
    let said = said(args, session.reader())?;
    if said != Said::default() {
        super::folder::check_own(dir)?;
        let by = args
            .by
            .clone()
            .or_else(|| person::user_name(|name| std::env::var(name).ok()))
            .or_else(person::account_name);
        let by = by.map(|name| text::cell(&name));
        Annotations::append(dir, &metadata.session_id, said, by, &SystemClock).map_err(|error| failed(&error))?;
    }
    let annotations = Annotations::read(dir, Some(&metadata.session_id)).map_err(|error| failed(&error))?;
    if args.json {
        text::json(&annotations.to_json(metadata));
    } else {
        let start = first_ns(session.reader());
        let lines = lines(metadata, &annotations, start);
        if lines.is_empty() {
            text::say("nothing was said of this session yet: see `watchcap annotate --help`");
        } else {
            text::pairs(&lines);
        }
    }
    Ok(Ended::Clean)
}

/// What the arguments say.
fn said(args: &AnnotateArgs, reader: &SessionReader) -> Result<Said, Failure> {
    let mut tags: std::collections::BTreeMap<_, _> =
        args.tag.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    for key in &args.untag {
        if tags.insert(key.clone(), None).is_some() {
            return Err(Failure::usage(format!("the tag '{key}' is set and taken away at once"), "say one of both"));
        }
    }
    Ok(Said {
        task: args.task.clone(),
        outcome: Outcome::ALL.into_iter().find(|outcome| args.outcome.as_deref() == Some(outcome.word())),
        note: args.note.clone(),
        tags,
        clear_subtasks: args.clear_subtasks,
        subtasks: subtasks(&args.subtask, reader)?,
    })
}

/// A part of the task, with its times on the session's clock.
fn subtasks(given: &[String], reader: &SessionReader) -> Result<Vec<Subtask>, Failure> {
    let mut spans = Vec::new();
    for one in given {
        let parts = one.split_once('=').and_then(|(span, text)| Some((span.split_once("..")?, text)));
        let Some(((from, until), text)) = parts else {
            return Err(Failure::usage(
                "a subtask is no FROM..UNTIL=TEXT",
                "write it like --subtask '0..12.5=open the menu'",
            ));
        };
        labels::check_subtask(text).map_err(|error| Failure::wrong(&error, Some(error.hint())))?;
        let moment = |text: &str| Moment::parse(text.trim()).map_err(|error| span_failed(&error));
        spans.push((moment(from)?, moment(until)?, text.to_owned()));
    }
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let names_frames =
        spans.iter().any(|(from, until, _)| matches!((from, until), (Moment::Frame(_), _) | (_, Moment::Frame(_))));
    let frames = if names_frames { frames(reader).map_err(|error| read_failed(&error))? } else { Vec::new() };
    let session = (first_ns(reader), last_ns(reader));
    let placed = spans.into_iter().map(|(from, until, text)| {
        let span = Span::of(from, until, session, &frames)?;
        Ok(Subtask { from_ns: span.from, until_ns: span.until, text })
    });
    placed.collect::<Result<_, SpanError>>().map_err(|error| span_failed(&error))
}

/// The time of the first row, from which people count.
fn first_ns(reader: &SessionReader) -> i64 {
    let first = reader.events().groups().first().and_then(|group| group.span_ns);
    first.map_or(reader.metadata().clock.t0_ns, |(first, _)| first)
}

/// When the recording ended.
fn last_ns(reader: &SessionReader) -> i64 {
    let metadata = reader.metadata();
    let said = metadata.clock.t0_ns.saturating_add(metadata.duration_ns.max(0));
    let last = reader.events().groups().last().and_then(|group| group.span_ns);
    last.map_or(said, |(_, last)| last.max(said))
}

/// The times of the frames.
fn frames(reader: &SessionReader) -> Result<Vec<i64>, ReadError> {
    let mut rows = reader.events().rows();
    let (mut row, mut frames) = (OwnedRow::default(), Vec::new());
    while rows.next_into(&mut row)? {
        if row.event_type == event_type::FRAME {
            frames.push(row.t_ns);
        }
    }
    Ok(frames)
}

/// What holds of a session, as lines of text with times since `start_ns`: what was said after sealing stands over what was said before.
pub(super) fn lines(metadata: &Metadata, annotations: &Annotations, start_ns: i64) -> Vec<(&'static str, String)> {
    let time = |t_ns: i64| format!("{:.3} s", t_ns.saturating_sub(start_ns) as f64 / 1e9);
    let mut tags = metadata.tags.clone();
    annotations.apply_tags(&mut tags);
    let task = annotations.task().or(metadata.task.as_deref()).unwrap_or_default().to_owned();
    let outcome = annotations.outcome().map_or_else(String::new, |(outcome, note)| match note {
        Some(note) => format!("{}: {note}", outcome.word()),
        None => outcome.word().to_owned(),
    });
    let mut lines = vec![
        ("task", task),
        ("participant", metadata.participant.clone().unwrap_or_default()),
        ("tags", tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")),
        ("outcome", outcome),
    ];
    let subtasks = by_time(annotations.subtasks());
    lines.extend(
        subtasks
            .iter()
            .map(|part| ("subtask", format!("{} to {}: {}", time(part.from_ns), time(part.until_ns), part.text))),
    );
    let unread = annotations.lines.unread();
    let stale = annotations.lines.said.iter().filter(|annotation| annotation.stale).count() as u64;
    if stale > 0 {
        lines.push(("stale", format!("{} of another edition of this session", text::counted(stale, "annotation"))));
    }
    if unread > 0 {
        lines.push(("annotations", format!("{} cannot be read, see watchcap verify", text::counted(unread, "line"))));
    }
    lines.retain(|(_, value)| !value.is_empty());
    lines
}

/// What was said of the session in `dir`; nothing that cannot be read.
pub(super) fn of(dir: &Path, metadata: &Metadata) -> Result<Annotations, Failure> {
    Annotations::read(dir, Some(&metadata.session_id)).map_err(|error| failed(&error))
}
