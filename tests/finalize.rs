//! Finalizing is a function of the log: twice gives the same bytes, interrupted or not, and a killed recording gives a session.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Running, copy_tree, files, python, run, synthetic, watchcap};

fn finalize(dir: &Path) -> (i32, String, String) {
    run(watchcap().arg("finalize").arg(dir))
}

#[test]
fn twice_gives_the_same_bytes_also_when_interrupted() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "a", &["--no-finalize"]);
    let (second, third) = (dir.path().join("b"), dir.path().join("c"));
    copy_tree(&log, &second);
    copy_tree(&log, &third);
    assert_eq!(finalize(&log).0, 0);
    assert_eq!(finalize(&second).0, 0);
    let first = files(&log);
    assert_eq!(
        first.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["events.parquet", "frames.mp4", "integrity.sha256", "metadata.json"]
    );
    assert!(first == files(&second), "two runs over the same log differ");

    // Killed after the video was published and before the session was sealed: the log is there, the video is not in it.
    let whole = dir.path().join("d");
    copy_tree(&third, &whole);
    assert_eq!(run(watchcap().args(["finalize", "--keep-log"]).arg(&whole)).0, 0);
    std::fs::remove_file(whole.join("integrity.sha256")).expect("a seal");
    std::fs::remove_file(whole.join("metadata.json")).expect("metadata");
    assert!(!whole.join("log/frames.mp4").exists());
    assert_eq!(finalize(&whole).0, 0);
    assert!(first == files(&whole), "an interrupted run and its repetition differ from one run");
}

#[test]
fn a_killed_recording_finalizes_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--session", "k", "--out"]).arg(dir.path());
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
    std::thread::sleep(Duration::from_millis(2500));
    drop(Running(child));
    let session = dir.path().join("k");
    let (code, out, err) = finalize(&session);
    assert_eq!(code, 3, "{out}{err}");
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    let metadata: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(!metadata["recovered"].is_null(), "{text}");
    assert!(metadata["frames"].as_u64().is_some_and(|n| n > 20), "{text}");
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn python_readers_accept_the_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let out = python("acceptance.py", &[&session]);
    assert!(!out.is_empty(), "the acceptance program printed nothing");
    let out = python("row_hash.py", &[&session.join("events.parquet")]);
    assert!(!out.is_empty(), "the row hash program printed nothing");
}

#[test]
fn everything_is_private_whatever_the_umask_is() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, umask, keep) in [("open", "000", true), ("closed", "077", false), ("odd", "0277", false)] {
        let program = env!("CARGO_BIN_EXE_watchcap");
        let keep = if keep { "--keep-log" } else { "" };
        let script = format!(
            "umask {umask}; exec {program} record --source synthetic --size 96x64 --duration 500ms --out {} --session {name} {keep}",
            dir.path().display()
        );
        let (code, _, err) = run(std::process::Command::new("sh").args(["-c", &script]));
        assert_eq!(code, 0, "umask {umask}: {err}");
        let mut seen = 0;
        let mut folders = vec![dir.path().join(name)];
        while let Some(folder) = folders.pop() {
            assert_eq!(
                folder.metadata().expect("a folder").permissions().mode() & 0o777,
                0o700,
                "{}",
                folder.display()
            );
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    seen += 1;
                    let mode = path.metadata().expect("a file").permissions().mode() & 0o777;
                    assert_eq!(mode, 0o600, "{}", path.display());
                }
            }
        }
        assert!(seen >= 4, "only {seen} files");
    }
}

#[test]
fn a_log_in_a_folder_that_others_can_change_is_not_sealed() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "a", &["--no-finalize"]);
    let (open, deep) = (dir.path().join("open"), dir.path().join("wide/own/s"));
    copy_tree(&log, &open);
    copy_tree(&log, &deep);
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    mode(&open, 0o777);
    mode(&dir.path().join("wide"), 0o777);
    let (code, _, err) = run(watchcap().env_remove("WATCHCAP_ALLOW_SHARED_FOLDER").arg("finalize").arg(dir.path()));
    assert!(code == 1 && err.contains("everybody can write to it") && err.contains("2 of 3"), "{code}: {err}");
    let sealed = |path: &Path| path.join("integrity.sha256").exists();
    assert!(sealed(&log) && !sealed(&open) && !sealed(&deep), "{err}");
}
