//! A folder that stays small while it is recorded into: the oldest go, and what is protected stays.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use watchcap::session::edition;

use crate::support::{copy_tree, files, run, synthetic, watchcap};

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Says of a session that it was accepted, as the player does.
fn accept(session: &Path) {
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    let metadata: Value = serde_json::from_str(&text).expect("JSON");
    let seal = edition::identity(session).expect("a seal");
    let line = json!({
        "v": 1, "session_id": metadata["session_id"], "integrity_sha256": seal.to_string(), "verdict": "accept", "from_ns": null,
        "until_ns": null, "note": "", "at": "2026-11-25T10:00:00.000000000Z", "by": "me",
    });
    std::fs::write(session.join("review.jsonl"), format!("{line}\n")).expect("a review");
}

fn record(dir: &Path, name: &str, seconds: &str, extra: &[&str]) -> (i32, String, String) {
    let mut command = watchcap();
    command.args([
        "record",
        "--source",
        "synthetic",
        "--size",
        "320x240",
        "--duration",
        seconds,
        "--session",
        name,
        "--json",
    ]);
    run(command.arg("--out").arg(dir).args(extra))
}

fn deleted(out: &str) -> Vec<PathBuf> {
    let events = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let deleted = events.filter(|event| event["event"] == "deleted");
    deleted.map(|event| PathBuf::from(event["session"].as_str().expect("a path"))).collect()
}

#[test]
fn the_oldest_go_and_what_was_accepted_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["a", "b", "c"] {
        let _ = synthetic(dir.path(), name, &[]);
    }
    accept(&dir.path().join("a"));
    let log = synthetic(dir.path(), "open", &["--no-finalize"]);
    std::fs::create_dir(dir.path().join("no-session")).expect("a folder");
    let (code, out, err) = record(dir.path(), "d", "2s", &["--keep-last", "2"]);
    assert!(code == 0 || code == 3, "{code}: {err}");
    // Only when it is sealed there are three that may go.
    assert_eq!(deleted(&out), [dir.path().join("b")], "{out}");
    assert!(err.contains("--keep-last 2"), "{err}");
    assert_eq!(names(dir.path()), ["a", "c", "d", "no-session", "open"]);
    assert!(log.join("log").is_dir());
}

#[test]
fn a_folder_that_is_full_of_what_must_stay_is_said_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "a", &[]);
    accept(&session);
    let (code, _, err) = record(dir.path(), "b", "2s", &["--max-disk", "10KB"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("nothing in it may be removed") && err.contains("hint:"), "{err}");
    assert_eq!(names(dir.path()), ["a"]);
    std::fs::remove_file(session.join("review.jsonl")).expect("its removal");
    let (code, out, err) = record(dir.path(), "b", "2s", &["--max-disk", "30MB"]);
    assert!(code == 0 || code == 3, "{code}: {err}");
    assert!(deleted(&out).is_empty() && names(dir.path()) == ["a", "b"], "{out}");
}

#[test]
fn the_recording_that_asks_is_never_deleted() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["a", "b"] {
        accept(&synthetic(dir.path(), name, &[]));
    }
    let (code, out, err) = record(dir.path(), "new", "2s", &["--keep-last", "1"]);
    assert!(code == 0 || code == 3, "{code}: {err}");
    assert!(deleted(&out).is_empty(), "{out}");
    assert_eq!(names(dir.path()), ["a", "b", "new"]);
    // Nor when it alone is more than the folder may hold. It is too short to be ended for that.
    let small = tempfile::tempdir().expect("a folder");
    let (code, out, err) = record(small.path(), "new", "1s", &["--max-disk", "1KB"]);
    assert!(code == 0 || code == 3, "{code}: {err}");
    assert!(deleted(&out).is_empty(), "{out}");
    assert_eq!(names(small.path()), ["new"]);
}

#[test]
fn what_is_sorted_away_annotated_or_holds_other_files_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("best")).expect("a folder");
    let first = synthetic(dir.path(), "a", &[]);
    for name in ["best/s", "notes", "open", "annotated", "b"] {
        copy_tree(&first, &at(name));
        mode(&at(name), 0o700);
    }
    std::fs::write(at("notes").join("notes.txt"), "mine").expect("a file");
    std::fs::write(at("open").join("review.jsonl"), "").expect("a review");
    mode(&at("open").join("review.jsonl"), 0o664);
    std::fs::write(at("annotated").join("annotations.jsonl"), "").expect("annotations");
    let before = [files(&at("best/s")), files(&at("notes")), files(&at("open")), files(&at("annotated"))];
    let (code, out, err) = record(dir.path(), "new", "2s", &["--keep-last", "1"]);
    assert!(code == 0 || code == 3, "{code}: {err}");
    assert_eq!(deleted(&out), [at("a"), at("b")], "{out}");
    assert_eq!(names(dir.path()), ["annotated", "best", "new", "notes", "open"]);
    let after = [files(&at("best/s")), files(&at("notes")), files(&at("open")), files(&at("annotated"))];
    assert!(before == after, "something of what stays was changed");
}

#[test]
fn logs_that_are_kept_are_refused_since_nothing_could_go() {
    let dir = tempfile::tempdir().expect("a folder");
    for limit in [["--keep-last", "2"], ["--max-disk", "1GB"]] {
        let (code, _, err) = record(dir.path(), "a", "1s", &[limit[0], limit[1], "--keep-log"]);
        assert!(code == 2 && err.contains("hint: leave out --keep-log"), "{code}: {err}");
    }
    assert!(names(dir.path()).is_empty());
}

#[test]
fn parts_go_while_the_recording_runs_and_it_ends_when_none_may() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, out, err) = record(dir.path(), "s", "11s", &["--split", "2s", "--keep-last", "1"]);
    assert!(code == 0 || code == 3, "{code}: {err}");
    let gone = deleted(&out);
    assert!(gone.len() >= 2 && gone[0] == dir.path().join("s-part0001"), "{out}");
    assert_eq!(names(dir.path()).len(), 1, "{out}");
    for name in names(dir.path()) {
        let (code, _, err) = run(watchcap().arg("verify").arg(dir.path().join(name)));
        assert_eq!(code, 0, "{err}");
    }
    // The log alone is more than that, and may not go.
    let full = tempfile::tempdir().expect("a folder");
    let (code, out, err) = record(full.path(), "t", "20s", &["--max-disk", "500KB"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains(r#""end_reason":"max_disk""#) && err.contains("recording stops"), "{out}{err}");
    let (code, _, err) = run(watchcap().arg("verify").arg(full.path().join("t")));
    assert_eq!(code, 0, "{err}");
}
