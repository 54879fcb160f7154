//! `watchcap recover`: what finalizing a damaged log would give, or does it.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::finalize::How;
use super::{Failure, Outcome, text};
use crate::cli::RecoverArgs;
use crate::finalize::FinalizeError;
use crate::finalize::report::{self, Report};
use crate::finalize::survey::{self, State};
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::log::reader::LogReader;
use crate::session::layout;
use crate::shown;

pub(super) fn run(args: &RecoverArgs) -> Result<Outcome, Failure> {
    super::folder::check(&args.session)?;
    if args.dry_run {
        dry_run(&args.session, args.json)
    } else {
        super::finalize::seal(&args.session, How::Once { keep_log: args.keep_log }, args.json)
    }
}

fn failed(error: &FinalizeError) -> Failure {
    Failure::new(error, error.hint())
}

/// Says what finalizing would give; writes nothing.
fn dry_run(dir: &Path, as_json: bool) -> Result<Outcome, Failure> {
    if layout::integrity_path(dir).is_file() {
        return Err(failed(&FinalizeError::Sealed { path: dir.to_path_buf() }));
    }
    let paths = LogPaths::of(dir);
    let holder = LogLock::holder(&paths.lock);
    let reader = LogReader::open(&paths).map_err(|error| Failure::new(&error, error.hint()))?;
    let state = survey::state_of_log(dir, &reader, holder.as_deref());
    drop(reader);
    let bar = text::bar("recover");
    let report = report::report(dir, &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    })
    .map_err(|error| failed(&error))?;
    bar.finish_and_clear();
    let next = match state {
        State::Recording | State::Finalizing => String::new(),
        _ => format!("watchcap finalize {}", shown::shell(dir)),
    };
    if as_json {
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("path".into(), json!(dir.display().to_string()));
            map.insert("state".into(), json!(state));
            map.insert("holder".into(), json!(holder));
            map.insert("next".into(), json!(next));
        }
        text::json(&value);
    } else {
        print(&report, state, holder, next);
    }
    let running = state == State::Recording;
    Ok(if report.lossy && !running { Outcome::Lossy } else { Outcome::Clean })
}

fn print(report: &Report, state: State, holder: Option<String>, next: String) {
    let Report { closed, records, chunks, copied_chunks, damaged_chunks, missing_records, holes, .. } = report;
    let some = |n: u64, text: String| if n > 0 { text } else { String::new() };
    let mut lines = vec![
        ("session", report.session_id.clone()),
        ("state", state.name().to_owned()),
        ("used by", holder.unwrap_or_default()),
        (
            "ended by",
            match &report.end_reason {
                Some(reason) => reason.clone(),
                None if *closed => String::new(),
                None if state == State::Recording => "nothing yet: it goes on".to_owned(),
                None => "nothing: it was cut off".to_owned(),
            },
        ),
        ("database", format!("{}, {}", report.database, text::size(report.database_bytes))),
        ("chunks", format!("{chunks} with {records} records")),
        ("copies", some(*copied_chunks, format!("{copied_chunks} chunks only in log/facts"))),
        ("damaged", some(*damaged_chunks, format!("{damaged_chunks} chunks"))),
        ("holes", some(*holes, format!("{holes}, {missing_records} records missing"))),
        ("video", format!("{}, {}", report.video, text::size(report.video_bytes))),
        ("duration", text::clock(Duration::from_nanos(u64::try_from(report.duration_ns).unwrap_or(0)))),
        ("rows", report.rows.to_string()),
        ("events", report.counts.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")),
        (
            "frames",
            format!("{}, {} found by their SEI, {} torn", report.frames, report.found_frames, report.torn_frames),
        ),
    ];
    for loss in &report.lost {
        let count = loss.count.map_or_else(|| "an unknown number".into(), |count| count.to_string());
        lines.push(("lost", format!("{} {count}: {}", loss.stream, loss.reason)));
    }
    if report.keeps_log {
        lines.push(("log", "finalizing keeps it, since parts of it are gone".into()));
    }
    lines.push(("next", next));
    text::pairs(&lines);
}
