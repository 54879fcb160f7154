//! Folders, links and files that are exchanged under a verb that writes, at each of its steps: what is exchanged for them is not touched, what was
//! begun with is not lost, and what comes out is whole.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use watchcap::base::progress::Step;
use watchcap::derive::migrate::run::{self as migrate, migrate};
use watchcap::derive::redact::run::{self as redact, redact};
use watchcap::session::layout;
use watchcap::session::span::{Mask, Moment};
use watchcap::session::table::schema::Version;

use super::golden;
use crate::support::{copy_tree, files, run, watchcap};

type Verb = fn(&Path, &mut dyn FnMut(Step)) -> Result<(), String>;

const VERBS: [(&str, Verb); 4] = [
    ("redact --replace", |session, progress| redacted(session, true, progress)),
    ("redact", |session, progress| redacted(session, false, progress)),
    ("migrate --in-place", |session, progress| migrated(session, true, progress)),
    ("migrate", |session, progress| migrated(session, false, progress)),
];

fn redacted(session: &Path, replace: bool, progress: &mut dyn FnMut(Step)) -> Result<(), String> {
    let wanted = redact::Wanted {
        span: Some((Moment::SinceStart(0), Moment::SinceStart(500_000_000))),
        mute: false,
        masks: vec![Mask::Pixels([0, 0, 20, 20])],
        keys: true,
        titles: true,
        reason: "requested".into(),
        replace,
    };
    redact(session, &wanted, progress).map(drop).map_err(|error| error.to_string())
}

fn migrated(session: &Path, in_place: bool, progress: &mut dyn FnMut(Step)) -> Result<(), String> {
    let to = Version::parse(watchcap::session::table::schema::FORMAT_VERSION).expect("a version");
    let wanted = migrate::Wanted { to, in_place, dry_run: false };
    migrate(session, wanted, progress).map(drop).map_err(|error| error.to_string())
}

/// What another process does, given the session, another one, and a folder of files that are precious.
type Swap = fn(&Path, &Path, &Path);

const SWAPS: [(&str, Swap); 8] = [
    ("another folder", |session, other, _| {
        fs::rename(session, session.with_extension("moved")).expect("a rename");
        fs::rename(other, session).expect("a rename");
    }),
    ("a link to another folder", |session, other, _| {
        fs::rename(session, session.with_extension("moved")).expect("a rename");
        symlink(other, session).expect("a link");
    }),
    ("no folder", |session, _, _| fs::rename(session, session.with_extension("moved")).expect("a rename")),
    ("links to files elsewhere", |session, _, precious| {
        for name in [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE] {
            fs::rename(session.join(name), session.with_extension(name)).expect("a rename");
            symlink(precious.join(name), session.join(name)).expect("a link");
        }
    }),
    ("second names of files elsewhere", |session, _, precious| {
        for name in [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE] {
            fs::rename(session.join(name), session.with_extension(name)).expect("a rename");
            fs::hard_link(precious.join(name), session.join(name)).expect("a second name");
        }
    }),
    ("another working folder", |session, other, _| of_work(session, |work| fs::rename(other, work).expect("a rename"))),
    ("a link for the working folder", |session, other, _| {
        of_work(session, |work| symlink(other, work).expect("a link"));
    }),
    ("links in the working folder", |session, _, precious| {
        for work in works(session) {
            for entry in fs::read_dir(&work).expect("a folder") {
                let path = entry.expect("an entry").path();
                fs::rename(&path, session.with_extension("moved_file")).expect("a rename");
                symlink(precious.join(layout::METADATA_FILE), &path).expect("a link");
            }
        }
    }),
];

/// Folders in which a verb is at work beside a session.
fn works(session: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(session.parent().expect("a folder")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.to_string_lossy().ends_with(".tmp") && path.is_dir()).collect()
}

fn of_work(session: &Path, put: impl FnOnce(&Path)) {
    if let Some(work) = works(session).first() {
        fs::rename(work, session.with_extension("moved_work")).expect("a rename");
        put(work);
    }
}

fn is_whole(session: &Path) -> bool {
    run(watchcap().args(["verify", "--no-decode"]).arg(session)).0 == 0
}

fn tried(name: &str, verb: Verb, step: &'static str, at_end: bool, what: &str, swap: Swap) {
    let dir = tempfile::tempdir().expect("a folder");
    let session = golden(dir.path());
    let (other, precious) = (dir.path().join("other"), dir.path().join("precious"));
    copy_tree(&session, &other);
    copy_tree(&session, &precious);
    fs::write(other.join("review.jsonl"), "mine\n").expect("a file");
    let (of_other, of_precious, of_session) = (files(&other), files(&precious), files(&session));
    let mut done = false;
    let outcome = verb(&session, &mut |now| {
        if now.what == step && (!at_end || now.done >= now.of) && !std::mem::replace(&mut done, true) {
            swap(&session, &other, &precious);
        }
    });
    assert!(done, "{name} has no step {step}");
    let said = format!("{name}, {what} at {step} (end: {at_end}): {outcome:?}");
    assert!(files(&precious) == of_precious, "{said}: a file elsewhere was changed");
    // The other session is where it was put, with all that it had.
    let holds_other = |path: &Path| path.is_dir() && files(path) == of_other;
    let put = [&other, &session].into_iter().chain(&works(&session)).any(|path| holds_other(path));
    assert!(put, "{said}: the other session was changed");
    // What was begun with is there, as it was or made anew and whole.
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path != other && path != precious && !path.is_symlink() {
            let is_old = files(&path) == of_session;
            if is_old || is_whole(&path) {
                found.insert(path);
            }
        }
    }
    let in_pieces = what.contains("files elsewhere");
    assert!(!found.is_empty() || in_pieces, "{said}: the session is gone");
    if in_pieces {
        let moved = |name: &&str| !session.with_extension(name).is_file();
        let gone = [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE].iter().find(|name| moved(name));
        assert_eq!(gone, None, "{said}: what was moved away is gone");
    }
    if outcome.is_ok() {
        let new = [session.clone(), session.with_file_name("session_redacted")];
        let is_whole = new.iter().any(|path| path.is_dir() && !path.is_symlink() && is_whole(path));
        assert!(is_whole || name == "migrate", "{said}: what was made is not whole");
    }
}

#[test]
fn nothing_that_is_put_in_the_way_is_changed_and_nothing_is_lost() {
    for (name, verb) in VERBS {
        let dir = tempfile::tempdir().expect("a folder");
        let session = golden(dir.path());
        let mut steps = Vec::new();
        let outcome = verb(&session, &mut |step| {
            if !steps.contains(&step.what) {
                steps.push(step.what);
            }
        });
        assert!(outcome.is_ok() && steps.len() >= 2, "{name}: {outcome:?}, {steps:?}");
        for step in steps {
            for (what, swap) in SWAPS {
                for at_end in [false, true] {
                    tried(name, verb, step, at_end, what, swap);
                }
            }
        }
    }
}
