//! `watchcap catalog`.

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use super::ui::Bar;
use crate::cli::CatalogArgs;
use crate::inspect::catalog::run;
use crate::inspect::catalog::run::{Summary, Wanted};

pub(super) fn run(args: &CatalogArgs) -> Result<Outcome, Failure> {
    super::folder::check_own(&args.dir)?;
    let threads = args.threads.map_or_else(run::default_threads, usize::from);
    let wanted = Wanted { check: args.check || args.decode, decode: args.decode, threads };
    let bar = Bar::new(if wanted.check { "check" } else { "catalog" });
    let done = run::update(&args.dir, wanted, &mut |step| bar.step(step));
    bar.end();
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
    let mut line = format!("{}, {:.1} hours", text::counted(done.sessions, "session"), done.hours);
    if done.logs > 0 {
        line = format!("{line}, {}", text::counted(done.logs, "log"));
    }
    for (count, what) in [(done.damaged, "damaged"), (done.removed, "gone since")] {
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
