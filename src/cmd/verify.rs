//! `watchcap verify`.

use std::path::Path;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::sessions::Named;
use super::text;
use super::ui::Bar;
use crate::base::shown;
use crate::cli::VerifyArgs;
use crate::inspect::strays;
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::session::edition;
use crate::session::layout::{self, INTEGRITY_FILE};
use crate::session::seal::FileHash;
use crate::session::signature;
use crate::session::verify::video::open_video;
use crate::session::verify::{Kind, Problem, Report, VerifyOptions, verify};

pub(super) fn run(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let named = Named::gather(&args.sessions, None)?;
    named.tell_unreadable();
    let expected = args.expect.as_deref().map(sha256).transpose()?;
    if let [dir] = named.sessions.as_slice() {
        let checked = Checked::of(dir, args, "", expected)?;
        if checked.report.ok() {
            text::say(&format!("{} is whole: {}", dir.display(), checked.counted()));
            checked.tell_not_checked();
        }
        if let Some(by) = checked.judge(args, expected)? {
            text::say(&text::printable(&format!("signed by {by}")));
        }
        return Ok(Outcome::Clean);
    }
    if expected.is_some() {
        let hint = "name one session, or compare those of a catalog with its column integrity_sha256";
        return Err(Failure::usage("--expect is of one session", hint));
    }
    each(&named, args)
}

/// Checks many: a line each, the number of those that are not whole, and the exit code of the worst.
fn each(named: &Named, args: &VerifyArgs) -> Result<Outcome, Failure> {
    let (mut bad, mut code) = (0, 0);
    for dir in &named.sessions {
        let judged = Checked::of(dir, args, &format!("{}: ", dir.display()), None).and_then(|checked| {
            let signer = checked.judge(args, None)?.map_or_else(String::new, |by| format!(", signed by {by}"));
            checked.tell_not_checked();
            Ok(format!("{}{signer}", checked.counted()))
        });
        let line = match judged {
            Ok(what) => format!("ok  {}: {what}", dir.display()),
            Err(failure) => {
                bad += 1;
                code = failure.code.max(code);
                format!("no  {}", short(&failure, dir))
            }
        };
        if !args.json {
            text::out(&text::cell(&line));
        }
    }
    let of = text::counted(named.sessions.len() as u64, "session");
    if bad == 0 {
        text::say(&format!("{of}, all whole"));
        return Ok(if named.unreadable.is_empty() { Outcome::Clean } else { Outcome::Lossy });
    }
    let are = if bad == 1 { "is" } else { "are" };
    let hint = "`watchcap verify` of one says all that is wrong with it";
    Err(Failure { code, ..Failure::new(&format!("{bad} of {of} {are} not whole"), Some(hint.into())) })
}

/// What is wrong with one of many, in a line.
fn short(failure: &Failure, dir: &Path) -> String {
    let mut lines = failure.message.lines();
    let first = lines.next().unwrap_or_default();
    // Faults stand in lines of their own: the first of them.
    lines.next().map_or_else(|| first.to_owned(), |fault| format!("{}: {}", dir.display(), fault.trim()))
}

/// A session that was checked.
struct Checked<'a> {
    dir: &'a Path,
    report: Report,
    edition: Option<FileHash>,
}

impl<'a> Checked<'a> {
    /// Checks it, prints the report as JSON if that was asked for, and says its notes, behind `of`.
    fn of(dir: &'a Path, args: &VerifyArgs, of: &str, expected: Option<FileHash>) -> Result<Self, Failure> {
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
                // Whoever reads only this is told of another session, too.
                let is_expected = expected.map(|expected| edition == Some(expected));
                map.insert("ok".into(), json!(report.ok() && is_expected != Some(false)));
                if let Some(is_expected) = is_expected {
                    map.insert("is_expected".into(), json!(is_expected));
                }
                map.insert("session".into(), json!(dir.display().to_string()));
                map.insert("integrity_sha256".into(), json!(edition.map(|hash| hash.to_string())));
            }
            text::json(&value);
        }
        for note in &report.notes {
            text::say(&text::printable(&format!("note: {of}{note}")));
        }
        Ok(Self { dir, report, edition })
    }

    fn counted(&self) -> String {
        let report = &self.report;
        format!(
            "{}, {}, {}, {} decoded",
            text::counted(report.files_hashed, "file"),
            text::counted(report.rows, "row"),
            text::counted(report.frames, "frame"),
            report.frames_decoded
        ) + &self.counted_sound()
            + &self.counted_png()
    }

    fn counted_png(&self) -> String {
        match self.report.png_pictures {
            0 => String::new(),
            pictures => format!(", {pictures} as PNG, {} decoded", self.report.png_decoded),
        }
    }

    fn counted_sound(&self) -> String {
        match self.report.sound_packets {
            0 => String::new(),
            packets => {
                format!(", {} of sound, {} decoded", text::counted(packets, "packet"), self.report.sound_decoded)
            }
        }
    }

    fn tell_not_checked(&self) {
        if let Some(why) = &self.report.not_checked {
            let left = self.report.frames.saturating_sub(self.report.frames_decoded);
            text::warn(&text::printable(&format!("{} not checked here: {why}", text::counted(left, "picture"))));
            text::warn(&format!("hint: {}", crate::media::decode::hint()));
        }
        self.tell_sound_not_checked();
    }

    fn tell_sound_not_checked(&self) {
        if let Some(why) = &self.report.sound_not_checked {
            text::warn(&text::printable(&format!("the sound is not checked here: {why}")));
            text::warn(&format!("hint: {}", crate::media::decode::hint()));
        }
    }

    /// Fails unless it is whole, the one that was expected, and signed as was asked. Returns who signed it.
    fn judge(&self, args: &VerifyArgs, expected: Option<FileHash>) -> Result<Option<String>, Failure> {
        if !self.report.ok() {
            return Err(failure(&self.report, self.dir));
        }
        if let Some(expected) = expected {
            expect(self.dir, self.edition, expected)?;
        }
        let Some(signers) = &args.signed_by else { return Ok(None) };
        let by = signature::check(self.dir, signers).map_err(|error| Failure::new(&error, error.hint()))?;
        Ok(Some(by))
    }
}

/// Reads a SHA-256 that was given.
pub(super) fn sha256(text: &str) -> Result<FileHash, Failure> {
    FileHash::parse(&text.to_ascii_lowercase()).ok_or_else(|| {
        Failure::usage(format!("'{text}' is no SHA-256"), format!("64 hexadecimal digits: sha256sum {INTEGRITY_FILE}"))
    })
}

/// Compares which edition of a session it is with the one that was expected.
fn expect(dir: &Path, edition: Option<FileHash>, hash: FileHash) -> Result<(), Failure> {
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
        // What is not of the session, by who makes such files.
        let foreign = matches!(problem.kind, Kind::ExtraFile | Kind::ForeignFile);
        let maker = if foreign { strays::maker(&problem.file) } else { None };
        let maker = maker.map_or_else(String::new, |maker| format!(", {maker}"));
        message = format!("{message}\n  {place}: {}{maker}{more}", problem.what);
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
            format!(
                "its seal is gone, and so is its log: restore {INTEGRITY_FILE} from a copy, or make it anew with: watchcap reseal {}",
                shown::shell(dir)
            )
        }
        None => layout::FOLDER_HINT.into(),
    }
}
