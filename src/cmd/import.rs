//! `watchcap migrate --import`.

use std::path::Path;

use serde_json::json;

use super::{Failure, Outcome, migrate, text};
use crate::cli::MigrateArgs;
use crate::migrate::import::{ImportError, import};

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::new(&error, error.hint())
    }
}

pub(super) fn run(args: &MigrateArgs) -> Result<Outcome, Failure> {
    migrate::each(&args.sessions, "imported", |folder| one(folder, args.dry_run, args.json))
}

fn one(folder: &Path, dry_run: bool, as_json: bool) -> Result<(), Failure> {
    let bar = text::bar("import");
    let done = import(folder, dry_run, &mut |step| {
        bar.set_message(step.what);
        bar.set_length(step.of);
        bar.set_position(step.done);
    });
    bar.finish_and_clear();
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
            "missing": done.missing, "left_out": done.left_out,
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
    Ok(())
}
