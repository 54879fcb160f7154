//! `watchcap delete`, and exports of sessions whose consent was taken back.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Running, run, synthetic, watchcap};

fn ok(args: &[&str]) -> String {
    let (code, _, err) = run(watchcap().args(args));
    assert_eq!(code, 0, "{args:?}: {err}");
    err
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn delete(session: &Path, more: &[&str]) -> (i32, String) {
    let (code, _, err) = run(watchcap().arg("delete").arg(session).args(more));
    (code, err)
}

/// A session, two that were made of it, one of its own, and exports of two of them.
fn kept() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    synthetic(dir.path(), "other", &[]);
    std::fs::create_dir(dir.path().join("deep")).expect("a folder");
    ok(&["redact", text(&session), "--from", "0.5", "--to", "1", "--keys"]);
    ok(&[
        "export",
        "clip",
        text(&session),
        "--from",
        "0.5",
        "--to",
        "1",
        "--out",
        text(&dir.path().join("deep/clips")),
    ]);
    for name in ["s", "other"] {
        let (from, to) = (dir.path().join(name), dir.path().join("out"));
        ok(&["export", "actions", text(&from), "--out", text(&to)]);
    }
    std::fs::write(session.join("review.jsonl"), "").expect("a file");
    (dir, session)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_recording_goes_with_its_copies_and_exports_and_nothing_else_does() {
    let (dir, session) = kept();
    let (code, said) = delete(&session, &["--dry-run"]);
    assert_eq!(code, 0, "{said}");
    for told in ["s (the session", "s_redacted (made of it", "deep/clips", "actions of s"] {
        assert!(said.contains(told), "it does not say {told}: {said}");
    }
    assert!(!said.contains("other"), "{said}");
    let (code, said) = delete(&session, &[]);
    assert!(code == 2 && said.contains("--yes"), "nobody was there to be asked: {code}: {said}");
    assert!(session.is_dir(), "it was removed without having been agreed to");
    let (code, said) = delete(&session, &["--yes"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(names(dir.path()), ["deep", "other", "out"]);
    assert_eq!(names(&dir.path().join("deep/clips")), Vec::<String>::new());
    assert!(names(&dir.path().join("out")).iter().all(|name| name.starts_with("other.")));
    ok(&["verify", text(&dir.path().join("other"))]);
    let (code, said) = delete(&session, &["--yes"]);
    assert!(code == 2 && said.contains("no session"), "{code}: {said}");
}

#[test]
fn who_deletes_an_edition_keeps_the_recording_that_it_was_made_of() {
    let (dir, session) = kept();
    let redacted = dir.path().join("s_redacted");
    let (code, said) = delete(&redacted, &["--yes"]);
    assert!(code == 0 && said.contains("stays, though it is of the same recording"), "{said}");
    assert!(!redacted.exists() && session.is_dir() && dir.path().join("out").is_dir());
    ok(&["verify", text(&session)]);
    let (code, said) = delete(&session, &["--yes", "--only"]);
    assert_eq!(code, 0, "{said}");
    assert!(!session.exists() && !names(&dir.path().join("deep/clips")).is_empty());
}

#[test]
fn what_is_not_known_stays_and_is_told() {
    let (dir, session) = kept();
    std::fs::write(session.join("notes.txt"), "mine").expect("a file");
    std::fs::write(dir.path().join("out/precious"), "mine").expect("a file");
    std::fs::write(dir.path().join("precious"), "mine").expect("a file");
    // A manifest that lists what its export never made: a file beside it, one outside, one behind a link.
    let manifest = dir.path().join("out/s.actions.export.json");
    let mut forged: Value = serde_json::from_str(&std::fs::read_to_string(&manifest).expect("a file")).expect("JSON");
    let listed = forged["files"].as_array_mut().expect("a list");
    let first = listed[0].clone();
    for name in ["precious", "../precious", "link/frames.mp4"] {
        let mut more = first.clone();
        more["name"] = name.into();
        more["size_bytes"] = 4.into();
        listed.push(more);
    }
    std::fs::write(&manifest, forged.to_string()).expect("a file");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path().join("other"), dir.path().join("out/link")).expect("a link");
        let link = dir.path().join("to_s");
        std::os::unix::fs::symlink(&session, &link).expect("a link");
        let (code, said) = delete(&link, &["--yes"]);
        assert!(code == 2 && said.contains("is a link"), "{code}: {said}");
        // A part of the session that leads elsewhere.
        std::fs::remove_file(session.join("frames.mp4")).expect("a file");
        std::os::unix::fs::symlink(dir.path().join("other/frames.mp4"), session.join("frames.mp4")).expect("a link");
    }
    let (code, said) = delete(&session, &["--yes"]);
    assert_eq!(code, 3, "{said}");
    for told in
        ["notes.txt: nothing of a recording", "out/precious: it is not what", "leads out of the export", "frames.mp4"]
    {
        assert!(said.contains(told), "it does not say {told}: {said}");
    }
    assert_eq!(names(&session), ["frames.mp4", "notes.txt"]);
    for kept in ["out/precious", "precious", "other/frames.mp4"] {
        assert!(dir.path().join(kept).is_file(), "{kept} is gone");
    }
    ok(&["verify", text(&dir.path().join("other"))]);
}

#[test]
fn a_log_goes_and_one_in_use_does_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--no-finalize"]);
    let (code, said) = delete(&session, &["--yes"]);
    assert!(code == 0 && !session.exists(), "{code}: {said}");
    let recorder = recording(dir.path());
    let (code, said) = delete(&dir.path().join("s"), &["--yes"]);
    assert!(code == 1 && said.contains("in use") && said.contains("watchcap record"), "{code}: {said}");
    assert_eq!(recorder.stop("INT", Duration::from_secs(20)).0, 0);
}

/// A synthetic recording that goes on until it is told.
fn recording(dir: &Path) -> Running {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--session", "s", "--out"]).arg(dir);
    let recorder = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program"));
    for _ in 0..400 {
        let (_, told, _) = run(watchcap().args(["info", "--json"]).arg(dir.join("s")));
        let info: Value = serde_json::from_str(&told).unwrap_or(Value::Null);
        if info["frames"].as_u64().is_some_and(|frames| frames > 5) {
            return recorder;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("nothing was recorded");
}

#[test]
fn what_was_taken_back_is_not_exported_unless_that_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = recording(dir.path());
    recorder.stop("USR2", Duration::from_secs(20));
    let (session, out) = (dir.path().join("s"), dir.path().join("out"));
    let export = |format: &str, more: &[&str]| {
        let (code, _, said) = run(watchcap().args(["export", format]).arg(&session).arg("--out").arg(&out).args(more));
        (code, said)
    };
    for (format, more) in [("actions", &[][..]), ("mcap", &[]), ("clip", &["--from", "0"])] {
        let (code, said) = export(format, more);
        assert_eq!(code, 2, "{format}: {said}");
        assert!(said.contains("taken back at 20") && said.contains("--include-withdrawn"), "{format}: {said}");
    }
    assert!(!out.exists(), "something was made");
    let (code, said) = export("actions", &["--include-withdrawn"]);
    assert_eq!(code, 0, "{said}");
    let manifest = std::fs::read_to_string(out.join("s.actions.export.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["options"]["include_withdrawn"], true);
    assert!(manifest["consent"]["withdrawn"]["input"]["at"].is_string(), "{}", manifest["consent"]);
    let (code, said) = export("clip", &["--from", "0", "--include-withdrawn"]);
    assert_eq!(code, 0, "{said}");
}
