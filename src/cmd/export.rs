//! `watchcap export`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Failure, Outcome, clip, text};
use crate::cli::ExportArgs;
use crate::export::{self, ExportError, Made, Options};
use crate::redact::span::Moment;

/// More files of a session than this are not listed: its manifest names them.
const LISTED_FILES: usize = 4;

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        if error.is_usage() {
            return Self::wrong(&error, error.hint());
        }
        Self::new(&error, error.hint())
    }
}

pub(super) fn options(args: &ExportArgs) -> Result<Options, ExportError> {
    let moment = |text: &Option<String>| text.as_deref().map(Moment::parse).transpose();
    Ok(Options {
        fps: args.fps,
        from: moment(&args.from)?,
        to: moment(&args.to)?,
        exclude_redacted: args.exclude_redacted,
        only_accepted: args.only_accepted,
        resize: args.resize,
        clip_seconds: args.clip_seconds,
        shard_mb: args.shard_mb,
        val_percent: args.val_percent,
        no_verify: args.no_verify,
    })
}

fn paths(made: &Made) -> Vec<PathBuf> {
    let dir = made.path.parent().unwrap_or(Path::new(""));
    if made.manifest.files.len() > LISTED_FILES {
        return vec![made.path.clone()];
    }
    made.manifest.files.iter().map(|file| dir.join(&file.name)).collect()
}

fn as_json(made: &Made) -> Value {
    let files: Vec<Value> =
        made.manifest.files.iter().map(|file| json!({"name": file.name, "size_bytes": file.size_bytes})).collect();
    json!({
        "session": made.manifest.source.name, "format": made.manifest.format, "manifest": made.path.display().to_string(),
        "files": files, "kept": made.kept,
    })
}

pub(super) fn run(args: &ExportArgs) -> Result<Outcome, Failure> {
    if args.format == "clip" {
        return clip::run(args);
    }
    let Some(format) = export::format_named(&args.format) else {
        return Err(Failure::usage(format!("there is no format '{}'", args.format), "see watchcap export --help"));
    };
    let options = options(args)?;
    let bar = text::bar("export");
    let done = export::run(format, &args.sessions, &args.out, &options, &mut |step| {
        bar.set_message(step.what);
        bar.set_length(step.of);
        bar.set_position(step.done);
    });
    bar.finish_and_clear();
    let done = done?;
    for name in &done.passed_over {
        text::say(&text::printable(&format!("note: {name} was accepted by no reviewer and is passed over")));
    }
    let (made, about_all) = (done.made, done.about_all);
    for one in &made {
        if args.json {
            text::json(&as_json(one));
        } else {
            for path in paths(one) {
                text::out(&text::printable(&path.display().to_string()));
            }
        }
    }
    if !args.json {
        for path in &about_all {
            text::out(&text::printable(&path.display().to_string()));
        }
    }
    let of_all = about_all.iter().map(|path| path.metadata().map_or(0, |found| found.len()));
    let sizes = made.iter().flat_map(|made| &made.manifest.files).map(|file| file.size_bytes).chain(of_all);
    let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
    let kept = made.iter().filter(|made| made.kept).count();
    let kept = if kept > 0 { format!("; {kept} of them there already") } else { String::new() };
    text::say(&format!(
        "exported {} sessions as {}: {count} files, {}{kept}",
        made.len(),
        format.name(),
        text::size(bytes)
    ));
    Ok(Outcome::Clean)
}
