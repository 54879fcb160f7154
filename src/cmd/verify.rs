//! `watchcap verify`.

use std::path::Path;

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::cli::VerifyArgs;
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::session::layout;
use crate::session::verify::{Kind, Problem, Report, Stage, VerifyOptions, verify};
use crate::session::video_check::open_video;
use crate::shown;

pub(super) fn run(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    super::folder::check(dir)?;
    let bar = text::bar("verify");
    let options = VerifyOptions { decode_frames: !args.no_decode, ..VerifyOptions::default() };
    let report = verify(dir, options, &mut |path| open_video(path), &mut |progress| {
        bar.set_message(match progress.stage {
            Stage::Files => "files",
            Stage::Rows => "rows",
            Stage::Frames => "frames",
        });
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    if args.json {
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("ok".into(), json!(report.ok()));
            map.insert("session".into(), json!(dir.display().to_string()));
        }
        text::json(&value);
    }
    for note in &report.notes {
        text::say(&text::printable(&format!("note: {note}")));
    }
    if report.ok() {
        text::say(&format!(
            "{} is whole: {} files, {} rows, {} frames, {} decoded",
            dir.display(),
            report.files_hashed,
            report.rows,
            report.frames,
            report.frames_decoded
        ));
        return Ok(Outcome::Clean);
    }
    Err(failure(&report, dir))
}

/// One line per kind of fault, the first found first.
fn failure(report: &Report, dir: &Path) -> Failure {
    if !report.sealed && !layout::metadata_path(dir).is_file() {
        let what = if layout::log_dir(dir).is_dir() { "is not sealed" } else { "holds no session" };
        return Failure::new(&format!("{} {what}", dir.display()), Some(hint(report, dir)));
    }
    let mut message = format!("{} is not what was sealed", dir.display());
    for problem in &report.problems {
        let mut place = problem.file.clone();
        for (name, number) in [("row", problem.row), ("frame", problem.frame)] {
            if let Some(number) = number {
                place = format!("{place}, {name} {number}");
            }
        }
        let more = if problem.count > 1 { format!(" (and {} more)", problem.count - 1) } else { String::new() };
        message = format!("{message}\n  {place}: {}{more}", problem.what);
    }
    Failure::new(&message, Some(hint(report, dir)))
}

fn hint(report: &Report, dir: &Path) -> String {
    let has_log = layout::log_dir(dir).is_dir();
    if report.sealed {
        let foreign = |problem: &Problem| matches!(problem.kind, Kind::ExtraFile | Kind::ForeignFile);
        if report.problems.iter().all(foreign) {
            return "move what does not belong there out of the folder; the rest is intact".into();
        }
        if has_log {
            return format!(
                "its log is still there; make it anew of that with: watchcap finalize --again {}",
                shown::shell(dir)
            );
        }
        return "restore the named files from a copy; what verify does not name is intact".into();
    }
    match LogLock::holder(&LogPaths::of(dir).lock) {
        Some(holder) => format!("it is in use, wait until it is sealed: {holder}"),
        None if has_log => format!("seal it first with: watchcap finalize {}", shown::shell(dir)),
        None if layout::metadata_path(dir).is_file() => {
            format!("its seal is gone, and so is its log: restore {} from a copy", layout::INTEGRITY_FILE)
        }
        None => layout::FOLDER_HINT.into(),
    }
}
