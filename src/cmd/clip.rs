//! `watchcap export clip`: sessions of a span of other ones.

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::cli::ExportArgs;
use crate::clip::cut::Source;
use crate::clip::{ClipError, session};
use crate::redact::span::Moment;
use crate::session::layout::{self, DirState};
use crate::session::metadata::Metadata;
use crate::session::verify::{VerifyOptions, verify};
use crate::session::video_check::open_video;

impl From<ClipError> for Failure {
    fn from(error: ClipError) -> Self {
        if error.is_usage() {
            return Self::usage(error.to_string(), error.hint().unwrap_or_default());
        }
        Self::new(&error, error.hint())
    }
}

pub(super) fn run(args: &ExportArgs) -> Result<Outcome, Failure> {
    if args.fps.is_some() || args.exclude_redacted {
        return Err(Failure::usage("clip takes no --fps and no --exclude-redacted", "it takes --from and --to"));
    }
    if args.from.is_none() && args.to.is_none() {
        return Err(Failure::usage("clip needs a span", "for example --from 12.5 --to 1:20, or --from f370"));
    }
    let moment = |text: &Option<String>| text.as_deref().map(Moment::parse).transpose().map_err(ClipError::Span);
    let (from, to) = (moment(&args.from)?, moment(&args.to)?);
    if !args.out.is_dir() {
        let failed = |error| Failure::new(&format!("cannot create {}: {error}", args.out.display()), None);
        crate::files::create_private_dir(&args.out).map_err(failed)?;
    }
    for dir in &args.sessions {
        let bar = text::bar("clip");
        if !args.no_verify {
            let options = VerifyOptions { decode_frames: false, ..VerifyOptions::default() };
            let report = verify(dir, options, &mut |path| open_video(path), &mut |at| {
                bar.set_length(at.total);
                bar.set_position(at.done);
            });
            if let Some(problem) = report.problems.first() {
                let what = format!("{} is not what was sealed: {}: {}", dir.display(), problem.file, problem.what);
                let hint = format!("see all of it with: watchcap verify {}", dir.display());
                return Err(Failure::new(&what, Some(hint)));
            }
        }
        let source = Source::open(dir)?;
        let (from_ns, until_ns) = source.instants(from, to)?;
        let cut = source.cut(from_ns, until_ns)?;
        let out = args.out.join(source.part_name(&cut));
        let there = Metadata::read(&layout::metadata_path(&out)).ok();
        let id = session::id_of(&source, &cut)?;
        if layout::state_of(&out) == DirState::Sealed && there.is_some_and(|metadata| metadata.session_id == id) {
            bar.finish_and_clear();
            if args.json {
                let value =
                    json!({"session": out.display().to_string(), "format": "clip", "session_id": id, "kept": true});
                text::out(&value.to_string());
            } else {
                text::out(&text::printable(&out.display().to_string()));
            }
            text::say(&text::printable(&format!("{} is there already", out.display())));
            continue;
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
    }
    Ok(Outcome::Clean)
}
