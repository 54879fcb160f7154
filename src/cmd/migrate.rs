//! `watchcap migrate`.

use std::path::Path;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::ui::Bar;
use super::{many, text};
use crate::cli::MigrateArgs;
use crate::derive::migrate::run::{Migrated, State, Wanted, migrate};
use crate::session::link::Link;
use crate::session::table::schema::{FORMAT_VERSION, Version};

fn version(text: &str) -> Result<Version, Failure> {
    Version::parse(text).filter(|version| version.is_known()).ok_or_else(|| {
        let hint = format!("this release knows the formats 1.0.0 to {FORMAT_VERSION}");
        Failure::usage(format!("no format '{text}' to migrate to"), hint)
    })
}

pub(super) fn run(args: &MigrateArgs) -> Result<Outcome, Failure> {
    if args.import {
        return super::import::run(args);
    }
    let wanted = Wanted { to: version(&args.to)?, in_place: args.in_place, dry_run: args.dry_run };
    many::each(&args.sessions, "migrated", |session| one(session, wanted, args.json))
}

fn one(session: &Path, wanted: Wanted, as_json: bool) -> Result<(), Failure> {
    super::folder::check_own(session)?;
    let bar = Bar::new("migrate");
    let done = migrate(session, wanted, &mut |step| bar.step(step));
    bar.end();
    let done = done?;
    let (old, new) = (session.display().to_string(), done.session.display().to_string());
    if as_json {
        let value = json!({
            "session": old, "state": done.state.name(), "from": done.from.to_string(), "to": wanted.to.to_string(),
            "result": new, "in_place": wanted.in_place, "rows": done.rows, "frames": done.frames,
            "video": done.video.map(Link::name), "removed": done.left.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        });
        text::out(&value.to_string());
    } else if done.state != State::Planned {
        text::out(&text::printable(&new));
    }
    for line in said(&old, &new, &done, wanted) {
        text::say(&text::printable(&line));
    }
    Ok(())
}

/// What was done, for people.
fn said(old: &str, new: &str, done: &Migrated, wanted: Wanted) -> Vec<String> {
    let mut lines = Vec::new();
    for left in &done.left {
        let verb = if wanted.dry_run { "would remove" } else { "removed" };
        lines.push(format!("{verb} what an interrupted migration left: {}", left.display()));
    }
    let (from, to) = (done.from, wanted.to);
    let (rows, frames) = (text::counted(done.rows, "row"), text::counted(done.frames, "frame"));
    lines.push(match done.state {
        State::Current => format!("{old} is of format {from} already"),
        State::Beside => format!("{old} was migrated before: {new}"),
        State::Planned if wanted.in_place => {
            format!("would migrate {old} from {from} to {to}, in its place: {rows}, {frames}")
        }
        State::Planned => format!("would migrate {old} from {from} to {to} as {new}: {rows}, {frames}"),
        State::Migrated => {
            format!("migrated {old} from {from} to {to}: {rows}, {frames}{}", video(done.video))
        }
    });
    if done.state == State::Migrated && !wanted.in_place {
        lines.push("the old session is as it was; delete it yourself when the new one is what you want".into());
    }
    lines
}

fn video(how: Option<Link>) -> &'static str {
    match how {
        Some(Link::Cloned) => ", the video shares its blocks with the old one",
        Some(Link::Linked) => ", the video is the same file",
        Some(Link::Copied) => ", the video was copied: this file system can neither clone nor link it",
        None => "",
    }
}
