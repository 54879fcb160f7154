//! A seal that was lost: made anew only for files that are whole, and never in silence.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{copy_tree, run, synthetic, watchcap};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// A session, and the SHA-256 of its seal.
fn session(dir: &Path) -> (PathBuf, String) {
    let session = synthetic(dir, "s", &[]);
    let (code, out, err) = run(watchcap().args(["verify", "--json", "--no-decode"]).arg(&session));
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    (session, report["integrity_sha256"].as_str().expect("a hash").to_owned())
}

/// A copy without its seal.
fn without_seal(of: &Path, name: &str) -> PathBuf {
    let copy = of.with_file_name(name);
    copy_tree(of, &copy);
    std::fs::remove_file(copy.join("integrity.sha256")).expect("a seal");
    copy
}

fn reseal(session: &Path, more: &[&str]) -> (i32, String, String) {
    run(watchcap().arg("reseal").arg(session).args(more))
}

fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

#[test]
fn a_lost_seal_is_made_anew_and_the_metadata_say_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, seal) = session(dir.path());
    let lost = without_seal(&whole, "lost");
    let (code, _, err) = run(watchcap().arg("verify").arg(&lost));
    assert!(code == 1 && err.contains("watchcap reseal "), "{err}");
    let (code, out, err) = reseal(&lost, &["--json"]);
    assert_eq!(code, 0, "{err}");
    let done: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&done["lost_integrity_sha256"], &done["restored"]), (&seal.as_str().into(), &false.into()));
    assert!(err.contains("not proved: ") && err.contains(&seal), "{err}");
    // The step names the lost seal and the time; nothing else of the metadata is changed.
    let (mut now, before) = (metadata(&lost), metadata(&whole));
    let step = now["lineage"].as_array_mut().expect("steps").pop().expect("a step");
    assert_eq!((&step["integrity_sha256"], &step["reason"]), (&seal.as_str().into(), &"resealed".into()));
    assert!(step["at"].as_str().is_some_and(|at| at.starts_with("20") && at.ends_with('Z')), "{step}");
    assert!(now["lineage"].as_array().is_some_and(Vec::is_empty));
    now.as_object_mut().expect("an object").remove("lineage");
    assert_eq!(now, before);
    let (code, _, err) = run(watchcap().arg("verify").arg(&lost));
    assert!(code == 0 && err.contains("is whole"), "{err}");
    let (_, info, _) = run(watchcap().arg("info").arg(&lost));
    assert!(info.contains("watchcap reseal") && info.contains(&seal[..12]), "{info}");
    let (code, _, err) = reseal(&lost, &[]);
    assert!(code == 1 && err.contains("has its seal"), "{err}");
}

#[test]
fn the_very_seal_is_written_again_for_whoever_has_its_hash() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, seal) = session(dir.path());
    let lost = without_seal(&whole, "lost");
    let (code, _, err) = reseal(&lost, &["--expect", &"0".repeat(64)]);
    assert!(code == 1 && err.contains(&seal) && !lost.join("integrity.sha256").exists(), "{err}");
    let (code, _, err) = reseal(&lost, &["--expect", "12"]);
    assert!(code == 2 && err.contains("no SHA-256"), "{err}");
    // A file that was sealed with the others is known by the hash, and by nothing else.
    let (code, out, err) = reseal(&lost, &["--expect", &seal, "--json"]);
    let done: Value = serde_json::from_str(&out).expect("JSON");
    assert!(code == 0 && done["restored"] == true && err.contains("to the byte"), "{err}");
    for file in ["integrity.sha256", "metadata.json", "events.parquet", "frames.mp4"] {
        let read = |session: &Path| std::fs::read(session.join(file)).expect("a file");
        assert!(read(&lost) == read(&whole), "{file} was changed");
    }
}

#[test]
fn what_is_not_whole_is_not_sealed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, seal) = session(dir.path());
    let refused = |session: &Path, more: &[&str], what: &str| {
        let before = std::fs::read(session.join("metadata.json")).ok();
        let (code, _, err) = reseal(session, more);
        assert!(code == 1 && err.contains(what) && err.contains("hint: "), "{}: {err}", session.display());
        assert!(!session.join("integrity.sha256").exists(), "{} was sealed", session.display());
        assert_eq!(std::fs::read(session.join("metadata.json")).ok(), before, "metadata were changed");
    };
    let flip = |file: &Path, at: usize| {
        let mut bytes = std::fs::read(file).expect("a file");
        let at = if at == 0 { bytes.len() / 2 } else { at };
        bytes[at] ^= 0x40;
        std::fs::write(file, bytes).expect("a file");
    };
    let rows = without_seal(&whole, "rows");
    flip(&rows.join("events.parquet"), 0);
    refused(&rows, &[], "events.parquet");
    let video = without_seal(&whole, "video");
    std::fs::write(video.join("frames.mp4"), b"no video").expect("a file");
    refused(&video, &[], "frames.mp4");
    let counts = without_seal(&whole, "counts");
    let said = std::fs::read_to_string(counts.join("metadata.json")).expect("metadata");
    std::fs::write(counts.join("metadata.json"), said.replacen("\"frames\": ", "\"frames\": 1", 1)).expect("a file");
    refused(&counts, &[], "is not whole");
    let gone = without_seal(&whole, "gone");
    std::fs::remove_file(gone.join("frames.mp4")).expect("a file");
    refused(&gone, &[], "frames.mp4");
    let stray = without_seal(&whole, "stray");
    std::fs::write(stray.join("notes.txt"), b"x").expect("a file");
    refused(&stray, &[], "notes.txt");
    refused(&stray, &["--expect", &seal], "is not what was sealed as");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    refused(&log, &[], "still has its log");
    let empty = dir.path().join("empty");
    crate::support::private_dir(&empty);
    refused(&empty, &[], "is no sealed session");
}

#[test]
fn many_sessions_are_verified_a_line_each() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, _) = session(dir.path());
    let more = dir.path().join("more");
    crate::support::private_dir(&more);
    copy_tree(&whole, &more.join("a"));
    let all = |args: &[&str]| run(watchcap().args(["verify", "--no-decode"]).args(args));
    let (code, out, err) = all(&[text(&whole), text(&more)]);
    assert!(code == 0 && err.contains("2 sessions, all whole"), "{err}");
    assert_eq!(out.lines().filter(|line| line.starts_with("ok  ")).count(), 2, "{out}");
    // One that is named twice counts once, and a folder with one session in it is that session.
    let (code, _, err) = all(&[text(&more), text(&more.join("a"))]);
    assert!(code == 0 && err.contains("is whole"), "{err}");
    std::fs::write(more.join("a/.DS_Store"), b"x").expect("a file");
    copy_tree(&whole, &more.join("b"));
    std::fs::write(more.join("b/frames.mp4"), b"x").expect("a file");
    let (code, out, err) = all(&[text(&whole), text(&more)]);
    assert!(code == 1 && err.contains("2 of 3 sessions are not whole"), "{err}");
    assert!(out.lines().next().is_some_and(|line| line.starts_with("ok  ")), "{out}");
    assert!(out.contains(".DS_Store: it is not in the seal, made by macOS Finder") && out.contains("no  "), "{out}");
    let (code, out, _) = all(&["--json", text(&whole), text(&more)]);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((code, lines.len(), lines.iter().filter(|line| line["ok"] == true).count()), (1, 3, 1));
    let (code, _, err) = all(&["--expect", &"0".repeat(64), text(&whole), text(&more)]);
    assert!(code == 2 && err.contains("--expect is of one session"), "{err}");
    // What the stray is, `info` says too.
    let (_, out, _) = run(watchcap().arg("info").arg(more.join("a")));
    assert!(out.contains(".DS_Store") && out.contains("macOS Finder"), "{out}");
    let (_, out, _) = run(watchcap().args(["info", "--json"]).arg(more.join("a")));
    let value: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(value["strays"][0]["name"], ".DS_Store");
}
