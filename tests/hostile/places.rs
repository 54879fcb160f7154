//! Things in the place of files: FIFOs, devices, links and folders. No verb waits for them, and none writes through a link.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use watchcap::session::layout;

use super::golden;
use crate::support::{copy_tree, files, run, synthetic};

const LIMIT: Duration = Duration::from_secs(20);

/// The verbs that read a session.
const OF_SESSIONS: [&[&str]; 4] =
    [&["info"], &["verify"], &["replay"], &["redact", "--from", "0", "--to", "end", "--keys"]];
/// The verbs that read a log.
const OF_LOGS: [&[&str]; 3] = [&["info"], &["recover", "--dry-run"], &["finalize"]];

/// Runs verbs, whose exit code must come, without a panic.
fn every(verbs: &[&[&str]], session: &Path, what: &str) {
    for verb in verbs {
        let began = Instant::now();
        let mut command = Command::new("timeout");
        command
            .args(["20", env!("CARGO_BIN_EXE_watchcap")])
            .args(*verb)
            .arg(session)
            .env("XDG_CONFIG_HOME", "/nonexistent");
        command.stdin(std::process::Stdio::null());
        let (code, _, err) = run(&mut command);
        assert!((0..=3).contains(&code), "{what}: {verb:?} ended with {code}: {err}");
        assert!(!err.contains("a fault in watchcap") && !err.contains("panicked"), "{what}: {verb:?}: {err}");
        assert!(began.elapsed() < LIMIT, "{what}: {verb:?} took {:?}", began.elapsed());
    }
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

type Put = fn(&Path);

/// What is put in the place of a file.
const KINDS: [(&str, Put); 5] = [
    ("a FIFO", fifo),
    ("a device", |path| symlink("/dev/zero", path).expect("a link")),
    ("a link to itself", |path| symlink(path, path).expect("a link")),
    ("a folder", |path| fs::create_dir(path).expect("a folder")),
    ("an endless file", |path| {
        // Sparse: it takes no room.
        fs::File::create(path).and_then(|file| file.set_len(1 << 40)).expect("a file");
    }),
];

#[test]
fn nothing_in_the_place_of_a_sessions_file_is_waited_for() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE, layout::INTEGRITY_FILE] {
        for (kind, put) in KINDS {
            let session = golden(dir.path());
            fs::remove_file(session.join(name)).expect("removed");
            put(&session.join(name));
            every(&OF_SESSIONS, &session, &format!("{kind} as {name}"));
            fs::remove_dir_all(&session).expect("removed");
        }
    }
}

#[test]
fn nothing_in_the_place_of_a_logs_file_is_waited_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    for name in ["events/db", "facts", "frames.mp4", "lock", "ending.json", "reserve", "events"] {
        for (kind, put) in KINDS {
            let copy = dir.path().join("copy");
            copy_tree(&log, &copy);
            let path = copy.join("log").join(name);
            if path.is_dir() {
                fs::remove_dir_all(&path).expect("removed");
            } else if path.exists() {
                fs::remove_file(&path).expect("removed");
            }
            put(&path);
            every(&OF_LOGS, &copy, &format!("{kind} as log/{name}"));
            fs::remove_dir_all(&copy).expect("removed");
        }
    }
}

/// A folder from a stranger whose files are links to files of ours: sealing it must not write to them.
#[test]
fn sealing_writes_through_no_link() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let ours = dir.path().join("ours");
    for name in [
        "log/lock",
        "log/frames.mp4",
        "log/reserve",
        "events.parquet.tmp",
        "metadata.json.tmp",
        "metadata.json",
        "events.parquet",
        "frames.mp4",
        "integrity.sha256.tmp",
        "integrity.sha256",
    ] {
        for dangling in [false, true] {
            let copy = dir.path().join("copy");
            copy_tree(&log, &copy);
            let path = copy.join(name);
            let contents = fs::read(&path).unwrap_or_else(|_none| b"ours".to_vec());
            drop(fs::remove_file(&path));
            if !dangling {
                fs::write(&ours, &contents).expect("a file");
            }
            symlink(&ours, &path).expect("a link");
            every(&OF_LOGS, &copy, name);
            if dangling {
                assert!(!ours.exists(), "{name}: a file was made through the link");
            } else {
                assert!(fs::read(&ours).expect("our file") == contents, "{name}: our file was written to");
                fs::remove_file(&ours).expect("removed");
            }
            fs::remove_dir_all(&copy).expect("removed");
        }
    }
    // A whole log that is somewhere else.
    let (copy, elsewhere): (PathBuf, PathBuf) = (dir.path().join("copy"), dir.path().join("elsewhere"));
    copy_tree(&log, &elsewhere);
    fs::create_dir(&copy).expect("a folder");
    symlink(elsewhere.join("log"), copy.join("log")).expect("a link");
    let before = files(&elsewhere);
    every(&OF_LOGS, &copy, "log");
    assert!(files(&elsewhere) == before, "a log behind a link was changed");
}

#[test]
fn settings_that_are_no_files_are_errors() {
    let dir = tempfile::tempdir().expect("a folder");
    for (kind, put) in KINDS {
        let path = dir.path().join("settings.toml");
        put(&path);
        for verb in [
            &["profile", "check"][..],
            &["consent", "show", "--config"],
            &["record", "--source", "synthetic", "--config"],
        ] {
            let mut command = Command::new("timeout");
            command
                .args(["20", env!("CARGO_BIN_EXE_watchcap")])
                .args(verb)
                .arg(&path)
                .stdin(std::process::Stdio::null());
            let (code, _, err) = run(&mut command);
            // What is not there holds no consent.
            if (kind, verb[0], code) == ("a link to itself", "consent", 0) {
                continue;
            }
            assert!(matches!(code, 1 | 2) && err.contains("error: "), "{kind}: {verb:?} ended with {code}: {err}");
        }
        drop(fs::remove_dir(&path));
        drop(fs::remove_file(&path));
    }
}
