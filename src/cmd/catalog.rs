//! `watchcap catalog`.

use serde_json::json;

use super::{Failure, Outcome, text};
use crate::catalog::{self, CatalogError, Summary, Wanted};
use crate::cli::CatalogArgs;

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::new(&error, error.hint())
    }
}

pub(super) fn run(args: &CatalogArgs) -> Result<Outcome, Failure> {
    let threads = args.threads.map_or_else(catalog::default_threads, usize::from);
    let wanted = Wanted { check: args.check || args.decode, decode: args.decode, threads };
    let bar = text::bar(if wanted.check { "check" } else { "catalog" });
    let done = catalog::update(&args.dir, wanted, &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let done = done?;
    if args.json {
        let value = json!({
            "catalog": done.catalog.display().to_string(), "sessions": done.sessions, "hours": done.hours,
            "logs": done.logs, "damaged": done.damaged, "read": done.read, "known": done.known, "removed": done.removed,
            "checked": wanted.check.then_some(done.checked), "faults": wanted.check.then_some(done.faults),
            "unreadable": done.unreadable.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        });
        text::out(&value.to_string());
    } else {
        text::out(&text::printable(&done.catalog.display().to_string()));
    }
    for line in said(&done, wanted) {
        text::say(&text::printable(&line));
    }
    let clean = done.damaged == 0 && done.faults == 0 && done.unreadable.is_empty();
    Ok(if clean { Outcome::Clean } else { Outcome::Lossy })
}

/// What was found, for people.
fn said(done: &Summary, wanted: Wanted) -> Vec<String> {
    let mut line = format!("{} sessions, {:.1} hours", done.sessions, done.hours);
    for (count, what) in [(done.logs, "logs"), (done.damaged, "damaged"), (done.removed, "gone since")] {
        if count > 0 {
            line = format!("{line}, {count} {what}");
        }
    }
    let mut lines = vec![format!("{line}; {} read, {} known", done.read, done.known)];
    if wanted.check {
        let whole = done.checked - done.faults;
        lines.push(format!("checked {}: {whole} whole, {} not what was sealed", done.checked, done.faults));
    }
    lines.extend(done.first_fault.iter().map(|fault| format!("first of these: {fault}")));
    lines.extend(done.unreadable.iter().map(|path| format!("could not look into {}", path.display())));
    lines
}
