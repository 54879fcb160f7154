//! `watchcap delete`: says what it will remove, asks, and removes it.

use std::io::{BufRead as _, IsTerminal as _};

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use crate::base::shown::shell;
use crate::cli::DeleteArgs;
use crate::delete::{self, DeleteError, Plan, Removed};
use crate::privacy::consent;

/// How often it is asked: who says neither yes nor no so often does not agree.
const MOST_ANSWERS: u32 = 10;

impl From<DeleteError> for Failure {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::InUse { .. } => Self::new(&error, Some(error.hint())),
            _ => Self::wrong(&error, Some(error.hint())),
        }
    }
}

pub(super) fn run(args: &DeleteArgs) -> Result<Outcome, Failure> {
    let plan = delete::plan(&args.session, args.below.as_deref(), args.only)?;
    // What is asked about is told also with `--quiet`.
    tell(&plan, if args.yes { text::say } else { text::ask });
    if args.dry_run {
        if args.json {
            text::json(&as_json(&plan, None));
        }
        text::say("nothing was removed");
        return Ok(Outcome::Clean);
    }
    if !args.yes && !is_agreed(args)? {
        text::say("nothing was removed");
        return Ok(Outcome::Clean);
    }
    let removed = delete::run(&plan);
    if args.json {
        text::json(&as_json(&plan, Some(&removed)));
    }
    text::say(&format!("removed {}, {}", text::counted(removed.files, "file"), text::size(removed.bytes)));
    for (path, why) in &removed.left {
        text::warn(&format!("left: {}: {why}", path.display()));
    }
    Ok(if removed.left.is_empty() { Outcome::Clean } else { Outcome::Lossy })
}

/// Says what will be removed, and what stays.
fn tell(plan: &Plan, say: fn(&str)) {
    say("this removes:");
    for one in &plan.sessions {
        say(&format!("  {} ({}, {})", one.path.display(), one.what, text::size(one.bytes)));
    }
    for one in &plan.exports {
        let files = text::counted(one.manifest.files.len() as u64, "file");
        say(&format!("  {} ({}, {files})", one.path.display(), one.manifest.what()));
    }
    for path in &plan.stays {
        say(&format!("stays, though it is of the same recording: {}", path.display()));
    }
    if plan.exports.iter().any(|one| one.manifest.format == "lerobot") {
        say(
            "note: tables of a LeRobot dataset that are about all of its sessions stay; export it anew without this one",
        );
    }
    if plan.nameless {
        say("note: it does not say which recording it is, so copies and exports of it are not looked for");
    }
    if plan.truncated {
        say("note: there is more in the folder than is looked through; name a folder with --below");
    }
}

fn is_agreed(args: &DeleteArgs) -> Result<bool, Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        let hint = format!("say so with: watchcap delete --yes {}", shell(&args.session));
        return Err(Failure::usage("nobody is there to be asked, and nothing was removed", hint));
    }
    for _ in 0..MOST_ANSWERS {
        text::ask("Remove all of this? It cannot be undone. [y/N]");
        let mut answer = String::new();
        match std::io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => return Ok(false),
            Ok(_) => {}
        }
        if let Some(agreed) = consent::answer(&answer) {
            return Ok(agreed);
        }
        text::ask("please answer y (yes) or n (no)");
    }
    Ok(false)
}

fn as_json(plan: &Plan, removed: Option<&Removed>) -> serde_json::Value {
    let sessions: Vec<_> = plan.sessions.iter().map(|one| one.path.display().to_string()).collect();
    let exports: Vec<_> = plan.exports.iter().map(|one| one.path.display().to_string()).collect();
    let stays: Vec<_> = plan.stays.iter().map(|path| path.display().to_string()).collect();
    let left = removed.map(|removed| {
        let left = removed.left.iter().map(|(path, why)| json!({"path": path.display().to_string(), "why": why}));
        left.collect::<Vec<_>>()
    });
    json!({
        "sessions": sessions, "exports": exports, "stays": stays, "removed_files": removed.map(|removed| removed.files),
        "removed_bytes": removed.map(|removed| removed.bytes), "left": left,
    })
}
