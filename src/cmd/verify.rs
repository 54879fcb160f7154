//! `watchcap verify`.

use std::path::Path;

use serde_json::json;

use super::ui::Bar;
use super::{Failure, Outcome, text};
use crate::base::shown;
use crate::cli::VerifyArgs;
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::session::edition;
use crate::session::layout::{self, INTEGRITY_FILE};
use crate::session::seal::FileHash;
use crate::session::signature;
use crate::session::verify::video::open_video;
use crate::session::verify::{Kind, Problem, Report, VerifyOptions, verify};

pub(super) fn run(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    super::folder::check(dir)?;
    super::folder::tell(dir);
    let bar = Bar::new("verify");
    let options = VerifyOptions { decode_frames: !args.no_decode, ..VerifyOptions::default() };
    let report = verify(dir, options, &mut |path| open_video(path), &mut |step| bar.step(step));
    bar.end();
    let edition = edition::identity(dir).ok();
    if args.json {
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("ok".into(), json!(report.ok()));
            map.insert("session".into(), json!(dir.display().to_string()));
            map.insert("integrity_sha256".into(), json!(edition.map(|hash| hash.to_string())));
        }
        text::json(&value);
    }
    for note in &report.notes {
        text::say(&text::printable(&format!("note: {note}")));
    }
    if report.ok() {
        text::say(&format!(
            "{} is whole: {}, {}, {}, {} decoded",
            dir.display(),
            text::counted(report.files_hashed, "file"),
            text::counted(report.rows, "row"),
            text::counted(report.frames, "frame"),
            report.frames_decoded
        ));
        if let Some(why) = &report.not_checked {
            let left = report.frames.saturating_sub(report.frames_decoded);
            text::warn(&text::printable(&format!("{} not checked here: {why}", text::counted(left, "picture"))));
            text::warn(&format!("hint: {}", crate::media::decode::hint()));
        }
        if let Some(wanted) = &args.expect {
            expect(dir, edition, wanted)?;
        }
        if let Some(signers) = &args.signed_by {
            let by = signature::check(dir, signers).map_err(|error| Failure::new(&error, error.hint()))?;
            text::say(&text::printable(&format!("signed by {by}")));
        }
        return Ok(Outcome::Clean);
    }
    Err(failure(&report, dir))
}

/// Compares which edition of a session it is with the one that was expected.
fn expect(dir: &Path, edition: Option<FileHash>, wanted: &str) -> Result<(), Failure> {
    let hash = FileHash::parse(&wanted.to_ascii_lowercase()).ok_or_else(|| {
        Failure::usage(
            format!("'{wanted}' is no SHA-256"),
            format!("64 hexadecimal digits: sha256sum {INTEGRITY_FILE}"),
        )
    })?;
    if edition == Some(hash) {
        return Ok(());
    }
    let found = edition.map_or_else(|| "nothing".to_owned(), |hash| hash.to_string());
    let message = format!("{} is whole, and not the one that was expected: its seal is {found}", dir.display());
    Err(Failure::new(&message, Some("it was made anew since (redact, migrate, or by somebody else)".into())))
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
            format!("its seal is gone, and so is its log: restore {INTEGRITY_FILE} from a copy")
        }
        None => layout::FOLDER_HINT.into(),
    }
}
