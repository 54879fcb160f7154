//! `watchcap report`.

use std::path::Path;

use serde_json::{Value, json};

use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::cli::ReportArgs;
use crate::inspect::report::overview::{OVERVIEW_FILE, overview};
use crate::inspect::report::run::{Made, Video, beside, report};
use crate::inspect::survey::is_recording;

pub(super) fn run(args: &ReportArgs) -> Result<Outcome, Failure> {
    super::folder::check(&args.session)?;
    super::folder::tell(&args.session);
    if is_recording(&args.session) {
        return one(args);
    }
    let out = args.out.clone().unwrap_or_else(|| args.session.join(OVERVIEW_FILE));
    check_folder(&out)?;
    let bar = Bar::new("report");
    let done = overview(&args.session, &out, args.each.then(|| args.embed.into()), &mut |step| bar.step(step));
    bar.end();
    let done = done?;
    for (session, error) in &done.failed {
        let failure = Failure::of(error);
        text::say(&text::printable(&format!("{}: {}", session.display(), failure.text().trim_end())));
    }
    for path in &done.unreadable {
        text::say(&text::printable(&format!("note: could not look into {}", path.display())));
    }
    if args.json {
        text::json(&json!({
            "page": done.path.display().to_string(), "sessions": done.sessions,
            "pages": done.pages.iter().map(as_json).collect::<Vec<_>>(),
            "failed": done.failed.iter().map(|(session, _)| session.display().to_string()).collect::<Vec<_>>(),
        }));
    } else {
        text::out(&text::printable(&done.path.display().to_string()));
    }
    text::say(&format!(
        "{} in the overview, {} made",
        text::counted(done.sessions, "session"),
        text::counted(done.pages.len() as u64, "page")
    ));
    let clean = done.failed.is_empty() && done.unreadable.is_empty();
    Ok(if clean { Outcome::Clean } else { Outcome::Lossy })
}

fn one(args: &ReportArgs) -> Result<Outcome, Failure> {
    let out = args.out.clone().unwrap_or_else(|| beside(&args.session));
    check_folder(&out)?;
    let bar = Bar::new("report");
    let made = report(&args.session, &out, args.embed.into(), &mut |step| bar.step(step));
    bar.end();
    let made = made?;
    if args.json {
        text::json(&as_json(&made));
    } else {
        text::out(&text::printable(&made.path.display().to_string()));
    }
    let size = text::size(made.bytes);
    text::say(&text::printable(&match &made.video {
        Video::Embedded => format!("{size}, with the video: one file that any browser opens"),
        Video::Beside(way) => format!("{size}; it plays {way}, seen from the page: keep both where they are"),
        Video::None => format!("{size}; the session has no video"),
    }));
    if let Some(readers) = made.readers {
        text::say(&format!("note: the page may show no pictures: the video is {readers}"));
    }
    text::say(
        "note: the page shows what was recorded, keys and titles included: give it to nobody who may not see the session",
    );
    if made.left_out > 0 {
        text::say(&format!("note: {} did not fit into the page", text::counted(made.left_out, "event")));
    }
    Ok(Outcome::Clean)
}

/// The folder of the page is one in which nobody else can change names.
fn check_folder(out: &Path) -> Result<(), Failure> {
    super::folder::check_own(out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn as_json(made: &Made) -> Value {
    let (embedded, plays) = match &made.video {
        Video::Embedded => (true, None),
        Video::Beside(way) => (false, Some(way)),
        Video::None => (false, None),
    };
    json!({
        "page": made.path.display().to_string(), "size_bytes": made.bytes, "video_embedded": embedded, "plays": plays,
        "left_out": made.left_out,
    })
}
