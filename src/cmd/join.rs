//! `watchcap join`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::base::shown;
use crate::cli::JoinArgs;
use crate::derive::join::run::{Done, join};
use crate::inspect::catalog::find;
use crate::inspect::survey::is_recording;
use crate::session::layout::{self, DirState};
use crate::session::metadata::Metadata;
use crate::session::series;

pub(super) fn run(args: &JoinArgs) -> Result<Outcome, Failure> {
    let parts = parts(&args.parts)?;
    super::folder::check_own(args.out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    let bar = Bar::new("join");
    let done = join(&parts, &args.out, &mut |step| {
        bar.step(step);
        true
    });
    bar.end();
    let done = done?;
    let out = args.out.display().to_string();
    if args.json {
        text::json(&json!({
            "session": out, "session_id": done.session_id, "first_part": done.parts.0, "last_part": done.parts.1,
            "whole": done.is_whole, "rows": done.rows, "frames": done.frames, "sound_packets": done.sound_packets,
            "duration_ns": done.duration_ns,
        }));
    } else {
        text::out(&text::printable(&out));
    }
    for line in said(&parts, &out, &done) {
        text::say(&text::printable(&line));
    }
    Ok(Outcome::Clean)
}

/// What was done, and what is not in it.
fn said(parts: &[PathBuf], out: &str, done: &Done) -> Vec<String> {
    let mut lines = Vec::new();
    let (first, last) = done.parts;
    if !done.is_whole {
        lines.push(format!("note: parts {first} to {last} are not all of the recording"));
    }
    let has_words =
        |part: &&PathBuf| [layout::REVIEW_FILE, layout::ANNOTATIONS_FILE].iter().any(|file| part.join(file).is_file());
    if let Some(part) = parts.iter().find(has_words) {
        let part = part.display();
        lines.push(format!(
            "note: what was said of the parts after sealing stays with them ({part}): reviews, annotations"
        ));
    }
    let count = text::counted(last.saturating_sub(first) + 1, "part");
    let (rows, frames) = (text::counted(done.rows, "row"), text::counted(done.frames, "frame"));
    let length = shown::clock(Duration::from_nanos(u64::try_from(done.duration_ns).unwrap_or(0)));
    let sound = if done.sound_packets.is_some() { ", its sound" } else { "" };
    lines.push(format!("joined {count} to {out}: {length}, {rows}, {frames}{sound}"));
    lines.push("the parts are as they were; delete them yourself when the session is what you want".into());
    lines
}

/// The folders of the parts: those that were named, and those below a folder of many.
fn parts(args: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut parts: Vec<PathBuf> = Vec::new();
    let mut add = |path: PathBuf| {
        if !parts.contains(&path) {
            parts.push(path);
        }
    };
    for arg in args {
        super::folder::check(arg)?;
        if is_recording(arg) {
            add(arg.clone());
            continue;
        }
        let found = find::below(arg);
        if let Some(path) = found.unreadable.first() {
            let message = format!("{} could not be looked into, and a part may be in it", path.display());
            return Err(Failure::new(&message, Some("name the folders of the parts".into())));
        }
        let inside = found.paths.iter().map(|path| arg.join(path));
        let (of_series, others): (Vec<_>, Vec<_>) = inside.partition(|path| may_be_part(path));
        if !others.is_empty() && !of_series.is_empty() {
            let others = text::counted(others.len() as u64, "recording");
            text::say(&text::printable(&format!(
                "note: {others} in {} that are no parts are passed over",
                arg.display()
            )));
        }
        of_series.into_iter().for_each(&mut add);
    }
    Ok(parts)
}

/// Whether what is found in a folder of many may be a part: of a log nobody knows before it is sealed.
fn may_be_part(dir: &Path) -> bool {
    let known = Metadata::read(&layout::metadata_path(dir)).ok();
    match known {
        Some(known) => series::of(&known).is_some() && !series::is_clip(&known),
        None => layout::state_of(dir) == DirState::Log,
    }
}
