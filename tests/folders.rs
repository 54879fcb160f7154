//! Folders that others can change: refused where something is written, told where something is read, and harmless where they are allowed.
//!
//! What two users do to each other is in `tests/attacks`; here are the same kinds with one, at moments that a race seldom hits.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchcap::derive::migrate::run::{Wanted, migrate};
use watchcap::derive::redact::run;
use watchcap::derive::redact::run::redact;
use watchcap::finalize::{self, FinalizeError};
use watchcap::session::span::Moment;
use watchcap::session::table::schema::Version;

use crate::support::{copy_tree, files, run, synthetic, watchcap};

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Each verb that writes or deletes, at work in `dir`, which holds a session `s` and a log `l`.
fn verbs(dir: &Path) -> Vec<Vec<PathBuf>> {
    let at = |name: &str| dir.join(name);
    let words = |words: &[&str], path: PathBuf| words.iter().map(PathBuf::from).chain([path]).collect::<Vec<_>>();
    let mut export = words(&["export", "actions"], at("s"));
    export.extend(["--out".into(), at("e.parquet")]);
    let mut clip = words(&["export", "clip", "--from", "0", "--to", "0.5"], at("s"));
    clip.extend(["--out".into(), dir.to_path_buf()]);
    vec![
        words(&["record", "--source", "synthetic", "--duration", "1s", "--session", "n", "--out"], dir.to_path_buf()),
        words(&["finalize"], at("l")),
        words(&["recover"], at("l")),
        words(&["redact", "--from", "0", "--to", "0.5", "--keys"], at("s")),
        words(&["redact", "--replace", "--from", "0", "--to", "0.5", "--keys"], at("s")),
        words(&["migrate"], at("s")),
        words(&["migrate", "--in-place"], at("s")),
        words(&["catalog"], dir.to_path_buf()),
        export,
        clip,
    ]
}

fn refused(dir: &Path, why: &str) {
    let before = files(dir);
    for words in verbs(dir) {
        let (code, out, err) = run(watchcap().args(&words));
        assert_eq!(code, 1, "{words:?}: {out}{err}");
        assert!(
            err.contains(why) && err.contains("hint: ") && err.contains("--allow-shared-folder"),
            "{words:?}: {err}"
        );
    }
    assert!(files(dir) == before, "something was changed");
}

#[test]
fn what_others_can_change_is_refused_by_those_that_write_and_told_by_those_that_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    synthetic(dir.path(), "l", &["--no-finalize"]);
    mode(dir.path(), 0o777);
    refused(dir.path(), "everybody can write to it");
    for verb in ["verify", "info"] {
        let (code, _, err) = run(watchcap().arg(verb).arg(&session));
        assert!(code == 0 && err.contains("note: the folder") && err.contains("everybody can write"), "{verb}: {err}");
    }
    // The session's own folder counts, too; and the sticky bit does.
    mode(dir.path(), 0o1777);
    mode(&session, 0o777);
    let (code, _, err) = run(watchcap().args(["redact", "--from", "0", "--to", "1", "--keys"]).arg(&session));
    assert!(code == 1 && err.contains("everybody can write to it"), "{err}");
    mode(&session, 0o700);
    let (code, _, err) = run(watchcap().arg("catalog").arg(dir.path()));
    assert!(code == 0 && !err.contains("note: the folder"), "{err}");
    let (_, _, err) = run(watchcap().arg("verify").arg(&session));
    assert!(!err.contains("note: the folder"), "{err}");
    mode(dir.path(), 0o777);
    for words in verbs(dir.path()) {
        if words[0] == Path::new("recover") || words.iter().any(|word| word == Path::new("--replace")) {
            continue;
        }
        let (code, out, err) = run(watchcap().arg("--allow-shared-folder").args(&words));
        assert!(code == 0 || code == 3, "{words:?}: {out}{err}");
    }
}

#[test]
fn a_folder_of_somebody_else_is_refused_for_root_as_well() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT TESTED: folders of another user, since only root can give one away");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    synthetic(dir.path(), "l", &["--no-finalize"]);
    std::os::unix::fs::chown(dir.path(), Some(65_534), None).expect("an owner");
    mode(dir.path(), 0o1755);
    refused(dir.path(), "it belongs to a user that is not known here");
    std::os::unix::fs::chown(dir.path(), Some(0), None).expect("an owner");
    std::os::unix::fs::chown(&session, Some(65_534), None).expect("an owner");
    let (code, _, err) =
        run(watchcap().args(["redact", "--replace", "--from", "0", "--to", "1", "--keys"]).arg(&session));
    assert!(code == 1 && err.contains("it belongs to a user"), "{err}");
    // A catalog and a manifest of somebody else are not believed, and not replaced.
    std::os::unix::fs::chown(&session, Some(0), None).expect("an owner");
    let (out, catalog) = (dir.path().join("e"), dir.path().join("catalog.parquet"));
    let export = || run(watchcap().args(["export", "actions"]).arg(&session).arg("--out").arg(&out));
    assert_eq!((export().0, run(watchcap().arg("catalog").arg(dir.path())).0), (0, 0));
    for (path, name) in [(&out.join("s.actions.export.json"), "e"), (&catalog, "catalog.parquet")] {
        std::os::unix::fs::chown(path, Some(65_534), None).expect("an owner");
        let before = std::fs::read(path).expect("bytes");
        let (code, _, err) = if name == "e" { export() } else { run(watchcap().arg("catalog").arg(dir.path())) };
        assert!(code == 1 && err.contains("hint: "), "{name}: {code} {err}");
        assert!(std::fs::read(path).expect("bytes") == before, "{name} was replaced");
    }
}

#[test]
fn a_manifest_can_name_only_what_its_format_makes() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("e");
    let export = || run(watchcap().args(["export", "actions"]).arg(&session).arg("--out").arg(&out));
    assert_eq!(export().0, 0);
    std::fs::write(out.join("thesis.txt"), "years").expect("a file");
    std::fs::write(dir.path().join("outside.actions.parquet"), "years").expect("a file");
    std::os::unix::fs::symlink(dir.path(), out.join("way")).expect("a link");
    let path = out.join("s.actions.export.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("bytes")).expect("JSON");
    let names = ["thesis.txt", "way/outside.actions.parquet", "../s/metadata.json", "s.actions.parquet"];
    let entry = |name: &&str| serde_json::json!({ "name": name, "size_bytes": 1, "sha256": "0" });
    manifest["files"] = names.iter().map(entry).collect();
    std::fs::write(&path, manifest.to_string()).expect("a manifest");
    assert_eq!(export().0, 0);
    assert!(out.join("thesis.txt").exists() && dir.path().join("outside.actions.parquet").exists());
    assert_eq!(run(watchcap().arg("verify").arg(&session)).0, 0);
}

#[test]
fn no_file_of_a_log_or_a_session_is_written_through_a_second_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "l", &["--no-finalize"]);
    let keep = dir.path().join("keep");
    std::fs::create_dir(&keep).expect("a folder");
    // As if the files of the log were second names of files that lie elsewhere.
    for name in ["lock", "frames.mp4", "facts", "reserve", "events/db"] {
        let (inside, outside) = (log.join("log").join(name), keep.join(name.replace('/', "_")));
        if inside.exists() {
            std::fs::hard_link(&inside, outside).expect("a second name");
        }
    }
    for name in ["events.parquet.tmp", "metadata.json.tmp", "integrity.sha256.tmp"] {
        std::fs::write(keep.join(name), "precious").expect("a file");
        std::fs::hard_link(keep.join(name), log.join(name)).expect("a second name");
    }
    let before = files(&keep);
    let (code, _, err) = run(watchcap().arg("finalize").arg(&log));
    assert!(code == 0 || code == 3, "{err}");
    assert!(files(&keep) == before, "a file was written to through its second name");
    assert_eq!(run(watchcap().arg("verify").arg(&log)).0, 0);
    // A review, too.
    std::fs::hard_link(keep.join("metadata.json.tmp"), log.join("review.jsonl")).expect("a second name");
    let id =
        watchcap::session::table::read::SessionReader::open(&log).expect("a session").metadata().session_id.clone();
    let clock = Box::new(watchcap::base::time::SystemClock);
    let mut book = watchcap::session::review::Book::open(&log, &id, None, None, clock).expect("a book");
    book.append(Some((0, 1)), None, "a note").expect("a line");
    assert!(files(&keep) == before, "a review was written to a file elsewhere");
}

/// Exchanges `session` with `other` in the middle of what a verb does.
fn exchanged(session: &Path, other: &Path) {
    std::fs::rename(session, session.with_extension("moved")).expect("a rename");
    std::fs::rename(other, session).expect("a rename");
}

#[test]
fn a_folder_that_is_exchanged_meanwhile_is_left_alone() {
    let to = Version::parse(watchcap::session::table::schema::FORMAT_VERSION).expect("a version");
    for (verb, at) in [("migrate", "check"), ("redact", "check"), ("finalize", "publish")] {
        let dir = tempfile::tempdir().expect("a folder");
        let (session, other) = (dir.path().join("s"), dir.path().join("other"));
        match verb {
            "migrate" => copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.0.0"), &session),
            "redact" => drop(synthetic(dir.path(), "s", &[])),
            _ => drop(synthetic(dir.path(), "s", &["--no-finalize"])),
        }
        if verb == "finalize" {
            synthetic(dir.path(), "other", &["--no-finalize"]);
        } else {
            copy_tree(&session, &other);
        }
        std::fs::write(other.join("review.jsonl"), "mine\n").expect("a file");
        let before = files(&other);
        let mut done = false;
        let mut swap = |step: watchcap::base::progress::Step| {
            if step.what == at && !std::mem::replace(&mut done, true) {
                exchanged(&session, &other);
            }
        };
        let failed = match verb {
            "migrate" => migrate(&session, Wanted { to, in_place: true, dry_run: false }, &mut swap).is_err(),
            "redact" => {
                let wanted = run::Wanted {
                    span: Some((Moment::SinceStart(0), Moment::SinceStart(500_000_000))),
                    mute: false,
                    masks: Vec::new(),
                    keys: true,
                    titles: false,
                    reason: "requested".into(),
                    replace: true,
                };
                redact(&session, &wanted, &mut swap).is_err()
            }
            _ => matches!(finalize::finalize(&session, false, &mut swap), Err(FinalizeError::Moved { .. })),
        };
        assert!(failed && done, "{verb} at {at}: it did not notice");
        assert!(files(&session) == before, "{verb} at {at}: the other one was changed");
        let moved = session.with_extension("moved");
        let sealed = moved.join("integrity.sha256").is_file();
        assert!(sealed, "{verb} at {at}: what was begun with is gone");
    }
}

#[test]
fn what_is_mounted_in_a_log_is_not_deleted() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT TESTED: bind mounts, since only root can make one");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "l", &["--no-finalize"]);
    let precious = dir.path().join("precious");
    std::fs::create_dir(&precious).expect("a folder");
    std::fs::write(precious.join("thesis.txt"), "years").expect("a file");
    std::fs::create_dir(log.join("log/more")).expect("a folder");
    let script = "mount --bind \"$1\" \"$2/log/more\" || exit 77; \"$3\" finalize \"$2\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "bash", "-c", script, "bash"]).arg(&precious).arg(&log).arg(watchcap().get_program());
    let (code, out, err) = run(&mut command);
    if code == 77 {
        println!("NOT TESTED: bind mounts, which are not possible here: {err}");
        return;
    }
    assert!(precious.join("thesis.txt").exists(), "{out}{err}");
    assert!(log.join("integrity.sha256").exists(), "{out}{err}");
}
