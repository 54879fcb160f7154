//! `watchcap export`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::failure::{Failure, Outcome};
use super::sessions::Named;
use super::ui::Bar;
use super::{clip, many, text};
use crate::cli::ExportArgs;
use crate::export::lerobot::LEFT_OUT;
use crate::export::{self, Done, Failed, Joined, Made, Plan, Together};

/// More files of a session than this are not listed: its manifest names them.
const LISTED_FILES: usize = 4;
/// More copies of exported sessions than this are counted and not named.
const NAMED_COPIES: usize = 3;

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
    super::folder::check_own(&args.out)?;
    let mut named = Named::gather(&args.sessions, args.catalog.as_deref())?;
    named.sessions.iter().for_each(|dir| super::folder::tell(dir));
    named.tell_unreadable();
    if args.format == "clip" {
        let together = together(args, &mut named)?;
        return clip::run(args, &named).map(|outcome| all_joined(outcome, &together));
    }
    let Some(format) = export::format_named(&args.format) else {
        return Err(Failure::usage(format!("there is no format '{}'", args.format), "see watchcap export --help"));
    };
    let options = many::options(args)?;
    options.check(format.name(), format.takes())?;
    let together = together(args, &mut named)?;
    let plan = Plan::new(format, &named.sessions, &args.out, &options)?;
    let is_one = named.sessions.len() == 1;
    let tell = |failed: &Failed| {
        // Of one session it is the last line.
        if !is_one {
            many::tell_failure(&failed.session, format.name(), &Failure::of(&failed.error), args.json);
        }
    };
    plan.failed().iter().for_each(tell);
    let bar = Bar::new("export");
    let done = plan.run(&mut |step| bar.step(step), &mut |failed| bar.suspend(|| tell(failed)));
    bar.end();
    let mut done = done?;
    if is_one && let Some(failed) = done.failed.pop() {
        return Err(failed.error.into());
    }
    print(&done, args.json);
    notes(&done);
    say_counts(&done, format.name());
    let failures: Vec<_> = done.failed.iter().map(|failed| Failure::of(&failed.error)).collect();
    many::outcome(done.made.len() + done.passed_over.len(), &failures, named.unreadable.len())
        .map(|outcome| all_joined(outcome, &together))
}

/// Puts one session in the place of the parts of each recording that was split, where that was asked for. It is there as long as what is
/// returned.
fn together(args: &ExportArgs, named: &mut Named) -> Result<Together, Failure> {
    if !args.join_parts {
        return Ok(Together::default());
    }
    let bar = Bar::new("join");
    let together = Together::join(&named.sessions, &args.out, &mut |step| bar.step(step));
    bar.end();
    let mut together = together?;
    if together.sessions.is_empty()
        && let Some((_, error)) = together.failed.pop()
    {
        return Err(error.into());
    }
    for (part, error) in &together.failed {
        many::tell_failure(part, &args.format, &Failure::of(error), args.json);
    }
    for Joined { name, parts: (first, last), is_whole, has_words } in &together.joined {
        if !is_whole {
            text::say(&text::printable(&format!(
                "note: parts {first} to {last} of {name} are not all of the recording"
            )));
        }
        if *has_words {
            text::say(&text::printable(&format!(
                "note: what was said of the parts of {name} after sealing is not taken along: reviews, annotations"
            )));
        }
    }
    named.sessions.clone_from(&together.sessions);
    Ok(together)
}

/// How it ended, with the recordings whose parts could not be joined.
fn all_joined(outcome: Outcome, together: &Together) -> Outcome {
    if together.failed.is_empty() { outcome } else { outcome.or(Outcome::Lossy) }
}

/// Prints what was made to standard output.
fn print(done: &Done, as_lines_of_json: bool) {
    for one in &done.made {
        if as_lines_of_json {
            text::json(&as_json(one));
        } else {
            for path in paths(one) {
                text::out(&text::printable(&path.display().to_string()));
            }
        }
    }
    if !as_lines_of_json {
        for path in &done.about_all {
            text::out(&text::printable(&path.display().to_string()));
        }
    }
}

/// Says what people should know of it.
fn notes(done: &Done) {
    for name in &done.passed_over {
        text::say(&text::printable(&format!("note: {name} was accepted by no reviewer and is passed over")));
    }
    for made in &done.made {
        let left_out = made.manifest.told[LEFT_OUT].as_u64().unwrap_or_default();
        if left_out > 0 {
            let steps = text::counted(left_out, "step");
            let (name, are) = (&made.manifest.source.name, if left_out == 1 { "is" } else { "are" });
            text::say(&text::printable(&format!(
                "note: {steps} of {name} {are} left out, since not everything is known that was done in them; --keep-unknown keeps them"
            )));
        }
        for note in &made.notes {
            text::say(&text::printable(&format!("note: {}: {note}", made.manifest.source.name)));
        }
    }
    let copies = copies(&done.made);
    if !copies.is_empty() {
        let named: Vec<_> = copies.iter().take(NAMED_COPIES).map(|(copy, of)| format!("{copy} of {of}")).collect();
        let more = if copies.len() > NAMED_COPIES { ", …" } else { "" };
        text::say(&text::printable(&format!(
            "note: {} made of others that are exported too ({}{more}): what they share is in the data twice",
            if copies.len() == 1 { "1 session was".to_owned() } else { format!("{} sessions were", copies.len()) },
            named.join(", "),
        )));
    }
}

/// Names of sessions that were made of others which are exported as well, and of those.
fn copies(made: &[Made]) -> Vec<(&str, &str)> {
    let by_seal: BTreeMap<&str, &str> =
        made.iter().map(|made| (&*made.manifest.source.integrity_sha256, &*made.manifest.source.name)).collect();
    let of = |made: &Made| made.manifest.lineage.iter().find_map(|step| by_seal.get(&*step.integrity_sha256).copied());
    made.iter().filter_map(|made| Some((&*made.manifest.source.name, of(made)?))).collect()
}

/// Says how many there are, of what size.
fn say_counts(done: &Done, format: &str) {
    let of_all = done.about_all.iter().map(|path| path.metadata().map_or(0, |found| found.len()));
    let sizes = done.made.iter().flat_map(|made| &made.manifest.files).map(|file| file.size_bytes).chain(of_all);
    let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
    let mut line = format!(
        "exported {} as {format}: {}, {}",
        text::counted(done.made.len() as u64, "session"),
        text::counted(count, "file"),
        text::size(bytes)
    );
    let kept = done.made.iter().filter(|made| made.kept).count();
    for (count, what) in [
        (kept, "of them there already"),
        (done.passed_over.len(), "passed over"),
        (done.failed.len(), "failed"),
        (done.untried, "not tried"),
    ] {
        if count > 0 {
            line = format!("{line}; {count} {what}");
        }
    }
    text::say(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_some_bad_ones_are_three_and_only_bad_ones_are_an_error() {
        let failure = |code: u8| Failure { message: "no".into(), hint: None, code };
        assert_eq!(many::outcome(2, &[], 0), Ok(Outcome::Clean));
        assert_eq!(many::outcome(0, &[], 0), Ok(Outcome::Clean));
        assert_eq!(many::outcome(2, &[failure(2)], 0), Ok(Outcome::Lossy));
        assert_eq!(many::outcome(2, &[], 1), Ok(Outcome::Lossy));
        let code = |good, failures: &[Failure]| many::outcome(good, failures, 0).expect_err("a failure").code;
        assert_eq!([code(0, &[failure(1), failure(2)]), code(0, &[failure(2), failure(2)])], [1, 2]);
    }
}
