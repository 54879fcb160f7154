//! A folder that stays small while it is recorded into: the oldest go, and what is protected stays.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use watchcap::session::edition;

use crate::support::{run, synthetic, watchcap};

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
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
    // One before it begins, and one when it is sealed.
    assert_eq!(deleted(&out), [dir.path().join("b"), dir.path().join("c")], "{out}");
    assert!(err.contains("--keep-last 2"), "{err}");
    assert_eq!(names(dir.path()), ["a", "d", "no-session", "open"]);
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
