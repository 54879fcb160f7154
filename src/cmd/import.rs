//! `watchcap migrate --import`.

use std::path::Path;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::ui::Bar;
use super::{many, text};
use crate::base::person;
use crate::base::time::{Clock as _, SystemClock};
use crate::cli::MigrateArgs;
use crate::derive::import::options::{Options, StatedConsent};
use crate::derive::import::run::import;
use crate::privacy;
use crate::session::metadata::printable;

pub(super) fn run(args: &MigrateArgs) -> Result<Outcome, Failure> {
    let told = Options {
        dry_run: args.dry_run,
        positions: args.positions,
        keys: args.keys,
        times: args.times,
        wheel: args.wheel,
        buttons: args.buttons.clone(),
        frames: args.frames.clone(),
        consent: stated(&args.consent)?,
    };
    many::each(&args.sessions, "imported", |folder| one(folder, &told, args.json))
}

/// Consent that is stated, by whom and when.
fn stated(names: &[String]) -> Result<Option<StatedConsent>, Failure> {
    let streams = privacy::consent::parse(names)
        .map_err(|error| Failure::usage(error.to_string(), "streams are screen, input and audio"))?;
    let by = person::user_name(|name| std::env::var(name).ok()).map(|name| printable(&name));
    Ok((!streams.is_empty()).then(|| StatedConsent { streams, by, at: SystemClock.anchor().utc }))
}

fn one(folder: &Path, told: &Options, as_json: bool) -> Result<(), Failure> {
    super::folder::check_own(folder.parent().unwrap_or(Path::new("")))?;
    let bar = Bar::new("import");
    let done = import(folder, told, &mut |step| bar.step(step));
    bar.end();
    let done = done?;
    let (from, session) = (folder.display().to_string(), done.session.display().to_string());
    let there = !done.made && done.session.is_dir();
    let state = match (done.made, there) {
        (true, _) => "imported",
        (false, true) => "already_imported",
        (false, false) => "planned",
    };
    if as_json {
        let value = json!({
            "folder": from, "state": state, "result": session, "rows": done.rows, "frames": done.frames,
            "missing": done.missing, "left_out": done.left_out, "unknown_types": done.unknown_types,
        });
        text::out(&value.to_string());
    } else if state != "planned" {
        text::out(&text::printable(&session));
    }
    let (rows, frames) = (done.rows, done.frames);
    text::say(&text::printable(&match state {
        "imported" => format!("imported {from}: {rows} rows, {frames} frames"),
        "planned" => format!("would import {from} as {session}: {rows} rows, {frames} frames"),
        _ => format!("{from} was imported before: {session}"),
    }));
    if done.made {
        text::say(&format!("missing, and named in the metadata: {}", done.missing.join(", ")));
    }
    for name in &done.left_out {
        text::say(&text::printable(&format!("note: {name} is not in the session")));
    }
    for (kind, rows) in &done.unknown_types {
        let what = format!(
            "note: {rows} rows are of the type {kind}, which this format does not have: exports pass over them"
        );
        text::say(&text::printable(&what));
    }
    Ok(())
}
