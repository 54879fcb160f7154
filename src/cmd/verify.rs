//! `watchcap verify`.

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::cli::VerifyArgs;
use crate::session::verify::{Report, Stage, VerifyOptions, verify};
use crate::session::video_check::open_video;

pub(super) fn run(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    if !dir.is_dir() {
        let hint = "give the folder that `watchcap record` printed (session_YYYYMMDD_HHMMSS)".to_owned();
        return Err(Failure::new(&format!("{} is no folder", dir.display()), Some(hint)));
    }
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
    Err(failure(&report, &dir.display().to_string()))
}

/// One line per kind of fault, the first found first.
fn failure(report: &Report, dir: &str) -> Failure {
    let mut message = format!("{dir} is not what was sealed");
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
    let hint = if report.sealed {
        "restore the named files from a copy; what verify does not name is intact"
    } else {
        "seal it first with: watchcap finalize"
    };
    Failure::new(&message, Some(hint.into()))
}
