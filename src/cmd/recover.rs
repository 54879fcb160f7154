//! `watchcap recover`: what finalizing a damaged log would give, or does it.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::finalize::How;
use super::text;
use super::ui::Bar;
use crate::base::shown;
use crate::cli::RecoverArgs;
use crate::finalize::report::{self, Report};
use crate::inspect::survey;
use crate::inspect::survey::State;
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::log::reader::LogReader;
use crate::session::layout;
use crate::session::loss::MaxDropped;

pub(super) fn run(args: &RecoverArgs) -> Result<Outcome, Failure> {
    super::folder::check(&args.session)?;
    if args.dry_run {
        super::folder::tell(&args.session);
        dry_run(&args.session, args.json)
    } else {
        super::folder::check_own(&args.session)?;
        super::finalize::seal(&args.session, How::Once { keep_log: args.keep_log }, MaxDropped::default(), args.json)
    }
}

/// Says what finalizing would give; writes nothing.
fn dry_run(dir: &Path, as_json: bool) -> Result<Outcome, Failure> {
    if layout::integrity_path(dir).is_file() {
        let said = format!("{} is sealed already: there is nothing to recover", dir.display());
        if as_json {
            text::json(&json!({ "path": dir.display().to_string(), "state": State::Sealed }));
        }
        text::say(&said);
        return Ok(Outcome::Clean);
    }
    let paths = LogPaths::of(dir);
    let holder = LogLock::holder(&paths.lock);
    let reader = LogReader::open(&paths)?;
    let state = survey::state_of_log(dir, &reader, holder.as_deref());
    drop(reader);
    let bar = Bar::new("recover");
    let report = report::report(dir, &mut |step| bar.step(step))?;
    bar.end();
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
        ("chunks", format!("{chunks} with {}", text::counted(*records, "record"))),
        ("copies", some(*copied_chunks, format!("{} only in log/facts", text::counted(*copied_chunks, "chunk")))),
        ("damaged", some(*damaged_chunks, text::counted(*damaged_chunks, "chunk"))),
        ("holes", some(*holes, format!("{holes}, {} missing", text::counted(*missing_records, "record")))),
        ("video", format!("{}, {}", report.video, text::size(report.video_bytes))),
        ("duration", crate::base::shown::clock(Duration::from_nanos(u64::try_from(report.duration_ns).unwrap_or(0)))),
        ("rows", report.rows.to_string()),
        ("events", text::events(&report.counts, report.clicks)),
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
