//! Is this session what it says it is? Every file, every row, every frame, and what each says of the others.
//!
//! Invariant: never writes, never follows a link, and goes on after a fault, so that one run names the first bad thing of
//! every kind. Decides nothing about decoding: the video is behind [`VideoCheck`]. Messages name files, rows and frames
//! and never quote what is in them.

mod files;
mod options;
mod pads;
mod report;
mod rows;
mod sound;
mod stills;
pub mod video;

use std::path::Path;

use self::files::check_files;
pub use self::options::{NoPicture, OpenVideo, VerifyOptions, VideoCheck};
pub use self::report::{Kind, Problem, Report};
use self::rows::check_table;
use self::sound::check_sound;
use self::stills::check_stills;
use super::annotations::Annotations;
use super::layout::{self, DirState};
use super::lines::Lines;
use super::metadata::Metadata;
use super::review::Review;
use crate::base::progress::Step;
use crate::session::table::read::EventsReader;

/// Checks the session in `dir`.
pub fn verify(dir: &Path, options: VerifyOptions, open_video: OpenVideo<'_>, progress: &mut dyn FnMut(Step)) -> Report {
    let mut report = Report { sealed: layout::state_of(dir) == DirState::Sealed, ..Report::default() };
    if !report.sealed {
        report.add(Kind::NotSealed, layout::INTEGRITY_FILE, None, None, || "the session has no seal".to_owned());
    }
    check_files(dir, options, &mut report, progress);
    // What is no regular file in its own place is not opened: no link is followed, no FIFO waited for.
    let is_plain = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let not_there = || "it is not there as a regular file".to_owned();
    let metadata_path = layout::metadata_path(dir);
    let read = if is_plain(&metadata_path) {
        Metadata::read(&metadata_path).map_err(|error| error.to_string())
    } else {
        Err(not_there())
    };
    let metadata = read.map_err(|why| report.add(Kind::Metadata, layout::METADATA_FILE, None, None, || why)).ok();
    // A session of input alone has no video; whether one is missed, the metadata say.
    let frames_path = layout::frames_path(dir);
    let is_there = std::fs::symlink_metadata(&frames_path).is_ok();
    let expects_video = metadata.as_ref().is_none_or(|metadata| metadata.frames > 0) || is_there;
    let mut video = None;
    if expects_video {
        match if is_plain(&frames_path) { open_video(&frames_path) } else { Err(not_there()) } {
            Ok(opened) => video = Some(opened),
            Err(why) => report.add(Kind::Video, layout::FRAMES_FILE, None, None, || why),
        }
    }
    let events_path = layout::events_path(dir);
    let opened = if is_plain(&events_path) {
        EventsReader::open(&events_path).map_err(|error| error.to_string())
    } else {
        Err(not_there())
    };
    match opened {
        Ok(table) => check_table(&table, metadata.as_ref(), video.as_deref(), &mut report, progress),
        Err(why) => report.add(Kind::Table, layout::EVENTS_FILE, None, None, || why),
    }
    if let Some(video) = &mut video {
        check_video(video.as_mut(), metadata.as_ref(), options, &mut report, progress);
    }
    if let Some(metadata) = &metadata {
        check_sound(dir, metadata, options, &mut report, progress);
        check_stills(dir, metadata, options, &mut report, progress);
    }
    check_review(dir, metadata.as_ref(), &mut report);
    check_annotations(dir, metadata.as_ref(), &mut report);
    report.problems.sort_by_key(|problem| problem.kind);
    report
}

/// Reports the lines of a file beside the seal that say nothing.
fn check_lines(
    kind: Kind,
    file: &str,
    faults: &[(usize, &'static str)],
    torn: &[usize],
    later: u64,
    report: &mut Report,
) {
    for (line, why) in faults {
        report.add(kind, file, None, None, || format!("line {line}: {why}"));
    }
    for line in torn {
        report.notes.push(format!("{file} line {line} was cut off while it was written; what it said is lost"));
    }
    if later > 0 {
        report.notes.push(format!("{file}: {later} lines of a later release were passed over"));
    }
}

/// Lists what was said of the session after it was sealed.
fn check_annotations(dir: &Path, metadata: Option<&Metadata>, report: &mut Report) {
    const FILE: &str = layout::ANNOTATIONS_FILE;
    let annotations = match Annotations::read(dir, metadata.map(|metadata| metadata.session_id.as_str())) {
        Ok(annotations) => annotations,
        Err(error) => return report.add(Kind::Annotations, FILE, None, None, || error.to_string()),
    };
    let Lines { said, faults, torn, later } = &annotations.lines;
    check_lines(Kind::Annotations, FILE, faults, torn, *later, report);
    let stale = said.iter().filter(|annotation| annotation.stale).count() as u64;
    if !said.is_empty() {
        let old =
            if stale > 0 { format!(", {stale} of them of another edition of this session") } else { String::new() };
        let lines = crate::base::shown::counted(said.len() as u64, "line");
        report.notes.push(format!("{FILE} has {lines}{old}; it is not part of what was sealed"));
    }
}

fn check_review(dir: &Path, metadata: Option<&Metadata>, report: &mut Report) {
    const FILE: &str = layout::REVIEW_FILE;
    let review = match Review::read_as(dir, metadata.map(|metadata| metadata.session_id.as_str())) {
        Ok(review) => review,
        Err(error) => return report.add(Kind::Review, FILE, None, None, || error.to_string()),
    };
    check_lines(Kind::Review, FILE, &review.faults, &review.torn, review.later, report);
    if let Some(verdict) = review.verdict().filter(|verdict| verdict.stale)
        && let Some(word) = verdict.verdict
    {
        report.notes.push(format!(
            "the verdict `{}` in {FILE} is stale: it was given on another edition of this session",
            word.word()
        ));
    }
}

fn check_video(
    video: &mut dyn VideoCheck,
    metadata: Option<&Metadata>,
    options: VerifyOptions,
    report: &mut Report,
    progress: &mut dyn FnMut(Step),
) {
    report.frames = video.len();
    if let Some(size) = metadata.and_then(|metadata| metadata.resolution)
        && (size.width, size.height) != (video.width(), video.height())
    {
        let (width, height) = (video.width(), video.height());
        report.add(Kind::Resolution, layout::FRAMES_FILE, None, None, || {
            format!("{width}x{height}, the metadata say {}x{}", size.width, size.height)
        });
    }
    if !options.decode_frames {
        return;
    }
    for frame in 0..video.len() {
        match video.decode(frame) {
            Ok(()) => report.frames_decoded += 1,
            Err(NoPicture::Damaged(why)) => {
                report.add(Kind::Decode, layout::FRAMES_FILE, None, Some(frame), || why);
            }
            Err(NoPicture::NotChecked(why)) => {
                report.not_checked = Some(why);
                return;
            }
        }
        progress(Step { what: "frames", done: frame + 1, of: video.len() });
    }
}
