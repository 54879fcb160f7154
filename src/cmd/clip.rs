//! `watchcap export clip`: sessions of a span of other ones.

use std::path::Path;

use serde_json::json;

use super::{Failure, Outcome, export, text};
use crate::cli::ExportArgs;
use crate::clip::cut::{Source, check_sealed};
use crate::clip::{ClipError, outside, session};
use crate::export::{Opt, Options};
use crate::session::layout::{self, DirState};
use crate::session::metadata::Metadata;
use crate::session::verify::{VerifyOptions, verify};
use crate::session::video_check::open_video;
use crate::shown::shell;

/// The options that it takes; others are refused, as by the other formats.
const TAKES: &[Opt] = &[Opt::Span];

impl From<ClipError> for Failure {
    fn from(error: ClipError) -> Self {
        if error.is_usage() {
            return Self::wrong(&error, error.hint());
        }
        Self::new(&error, error.hint())
    }
}

pub(super) fn run(args: &ExportArgs) -> Result<Outcome, Failure> {
    let options = export::options(args)?;
    options.check("clip", TAKES)?;
    if options.from.is_none() && options.to.is_none() {
        return Err(Failure::usage("clip needs a span", "for example --from 12.5 --to 1:20, or --from f370"));
    }
    args.sessions.iter().try_for_each(|dir| check_sealed(dir))?;
    outside(&args.out)?;
    let is_new = !args.out.is_dir();
    if is_new {
        let failed = |error| Failure::new(&format!("cannot create {}: {error}", args.out.display()), None);
        crate::files::create_private_dir(&args.out).map_err(failed)?;
    }
    let made = args.sessions.iter().try_for_each(|dir| one(dir, args, &options));
    if made.is_err() && is_new {
        // It stays when something is in it.
        drop(std::fs::remove_dir(&args.out));
    }
    made.map(|()| Outcome::Clean)
}

/// Compares a session with its seal.
fn check(dir: &Path, bar: &indicatif::ProgressBar) -> Result<(), Failure> {
    let options = VerifyOptions { decode_frames: false, ..VerifyOptions::default() };
    let report = verify(dir, options, &mut |path| open_video(path), &mut |at| {
        bar.set_length(at.total);
        bar.set_position(at.done);
    });
    let Some(problem) = report.problems.first() else { return Ok(()) };
    let what = format!("{} is not what was sealed: {}: {}", dir.display(), problem.file, problem.what);
    Err(Failure::new(&what, Some(format!("see all of it with: watchcap verify {}", shell(dir)))))
}

fn one(dir: &Path, args: &ExportArgs, options: &Options) -> Result<(), Failure> {
    let bar = text::bar("clip");
    if !options.no_verify {
        check(dir, &bar)?;
    }
    let source = Source::open(dir)?;
    source.check_consent()?;
    let (from_ns, until_ns) = source.instants(options.from, options.to)?;
    let cut = source.cut(from_ns, until_ns)?;
    let out = args.out.join(source.part_name(&cut));
    let there = Metadata::read(&layout::metadata_path(&out)).ok();
    let id = session::id_of(&source, &cut)?;
    if layout::state_of(&out) == DirState::Sealed && there.is_some_and(|metadata| metadata.session_id == id) {
        bar.finish_and_clear();
        if args.json {
            let value = json!({"session": out.display().to_string(), "format": "clip", "session_id": id, "kept": true});
            text::out(&value.to_string());
        } else {
            text::out(&text::printable(&out.display().to_string()));
        }
        text::say(&text::printable(&format!("{} is there already", out.display())));
        return Ok(());
    }
    let made = session::session(dir, from_ns, until_ns, &out, &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
        true
    });
    bar.finish_and_clear();
    let made = made?;
    if args.json {
        let value = json!({
            "session": out.display().to_string(), "source": dir.display().to_string(), "format": "clip",
            "session_id": made.session_id, "from_ns": made.cut.start_ns, "until_ns": made.cut.until_ns,
            "frames": made.frames, "rows": made.rows, "kept": false,
        });
        text::out(&value.to_string());
    } else {
        text::out(&text::printable(&out.display().to_string()));
    }
    let earlier = (made.cut.asked_ns.0 - made.cut.start_ns).max(0) as f64 / 1e9;
    text::say(&text::printable(&format!(
        "sealed {}: {} rows, {} frames; it begins {earlier:.3} s earlier, with a keyframe",
        out.display(),
        made.rows,
        made.frames
    )));
    Ok(())
}
