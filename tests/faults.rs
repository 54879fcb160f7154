//! Recording while the disk fills, files reach their limit, or the process is stopped: real file systems, real limits, real signals.
//!
//! What must hold each time: the recording ends by itself with its reason, seals by itself where there is room, loses nothing that
//! was acknowledged, and counts the rest.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Running, run, watchcap};

/// A file system of its own size, unmounted when dropped.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    /// None, with a reason on the output, where this process may not mount.
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "watchcap-test"]).arg(dir.path());
        let (code, _, err) = run(&mut mount);
        if code == 0 {
            return Some(Self(dir));
        }
        println!("SKIPPED: a tmpfs cannot be mounted here (it takes root): {}", err.trim());
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all that is free, as another program might.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.path().join("other")).expect("a file");
        let error = std::io::copy(&mut std::io::repeat(7), &mut file).expect_err("an endless disk");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let (code, _, err) = run(Command::new("umount").arg("-l").arg(self.path()));
        assert_eq!(code, 0, "{err}");
    }
}

fn recorder(dir: &Path, extra: &[&str]) -> Command {
    recorder_at("30", "500", dir, extra)
}

fn recorder_at(fps: &str, kbps: &str, dir: &Path, extra: &[&str]) -> Command {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--fps", fps, "--bitrate-kbps", kbps]);
    command.args(["--session", "s", "--json", "--out"]).arg(dir).args(extra);
    command
}

/// The lines of a recorder's output, by their `event`.
fn event(out: &str, name: &str) -> Value {
    let lines = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut found = lines.filter(|line| line["event"] == name);
    found.next().unwrap_or_else(|| panic!("no event '{name}' in:\n{out}"))
}

fn metadata(dir: &Path) -> Value {
    let text = std::fs::read_to_string(dir.join("s/metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

/// What every ending must leave behind: a session that verifies, and frames that are all accounted for.
fn whole(dir: &Path, out: &str) -> Value {
    let (code, _, err) = run(watchcap().arg("verify").arg(dir.join("s")));
    assert_eq!(code, 0, "{err}");
    let (recorded, metadata) = (event(out, "recorded"), metadata(dir));
    let number = |value: &Value| value.as_u64().expect("a number");
    let (stored, dropped) = (number(&metadata["frames"]), number(&metadata["dropped_frames"]));
    assert_eq!(stored + dropped, number(&recorded["frames_due"]), "{recorded}\n{}", metadata["lost"]);
    let told = (number(&recorded["frames"]), number(&recorded["dropped_frames"]));
    if metadata["recovered"] == false {
        assert_eq!((stored, dropped), told, "{recorded}");
    } else {
        // The frame that was being written counts as dropped when its reference could not be stored; where its picture was, sealing
        // finds it again.
        assert!(stored == told.0 || stored == told.0 + 1, "{stored} frames are there: {recorded}");
    }
    metadata
}

/// Waits until the recorder in `dir` has stored this many frames.
fn frames(dir: &Path, wanted: u64) {
    let began = Instant::now();
    loop {
        let (_, out, _) = run(watchcap().args(["info", "--json"]).arg(dir.join("s")));
        let info: Value = serde_json::from_str(&out).unwrap_or(Value::Null);
        if info["frames"].as_u64().is_some_and(|frames| frames >= wanted) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{wanted} frames never came: {info}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn spawned(command: &mut Command) -> Running {
    Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program"))
}

/// Waits for the end: exit code, standard output, standard error.
fn ended(mut recorder: Running) -> (i32, String, String) {
    use std::io::Read;
    let (mut out, mut err) = (String::new(), String::new());
    recorder.0.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
    recorder.0.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
    (recorder.wait(), out, err)
}

#[test]
fn a_disk_that_the_recording_fills_ends_it_with_room_to_seal() {
    let Some(disk) = Tmpfs::mount("4m") else { return };
    let (code, _, err) = run(&mut recorder_at("60", "4000", disk.path(), &["--duration", "120s"]));
    // Not enough to begin with for this rate: said, and nothing is left behind.
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("are needed to begin") && err.contains("hint: free some space"), "{err}");
    assert_eq!(std::fs::read_dir(disk.path()).expect("a folder").count(), 0, "something is left behind");
    let (code, out, err) = run(&mut recorder_at("60", "500", disk.path(), &["--duration", "120s"]));
    assert_eq!(code, 3, "{out}{err}");
    let metadata = whole(disk.path(), &out);
    assert_eq!(metadata["end_reason"], "disk_full");
    assert_eq!(metadata["recovered"], false, "the log was closed in good order");
    assert!(metadata["frames"].as_u64().is_some_and(|n| n > 60), "{metadata}");
}

#[test]
fn a_disk_that_another_program_fills_at_once_is_sealed_on_what_was_reserved() {
    let Some(disk) = Tmpfs::mount("16m") else { return };
    let running = spawned(&mut recorder(disk.path(), &[]));
    frames(disk.path(), 30);
    disk.fill();
    let (code, out, err) = ended(running);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("No space left on device") && err.contains("what was acknowledged before is kept"), "{err}");
    let metadata = whole(disk.path(), &out);
    assert_eq!((&metadata["end_reason"], &metadata["recovered"]), (&"disk_full".into(), &true.into()));
    assert_eq!(metadata["extra"], Value::Null);
    assert_eq!(metadata["recovery"]["failure"], "disk_full");
    assert!(metadata["frames"].as_u64().is_some_and(|n| n >= 30), "{metadata}");
    let sealed = event(&out, "sealed");
    assert_eq!((&sealed["frames"], &sealed["dropped_frames"]), (&metadata["frames"], &metadata["dropped_frames"]));
    assert!(!disk.path().join("s/log").exists(), "the log is still there");
}

#[test]
fn a_limit_on_files_ends_the_recording_in_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let inner = recorder_at("60", "500", dir.path(), &["--duration", "120s"]);
    let mut shell = Command::new("sh");
    // 2 MB, in units of 512 bytes.
    shell.args(["-c", "ulimit -f 4000; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    shell.env("XDG_CONFIG_HOME", "/nonexistent");
    let (code, out, err) = run(&mut shell);
    assert_eq!(code, 3, "{err}");
    let metadata = whole(dir.path(), &out);
    assert_eq!((&metadata["end_reason"], &metadata["recovered"]), (&"file_too_large".into(), &false.into()));
}

#[test]
fn a_write_that_fails_leaves_what_was_acknowledged_and_the_command_that_seals_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = spawned(&mut recorder(dir.path(), &[]));
    frames(dir.path(), 30);
    // From now on every write behind this place fails, also those of sealing.
    let pid = rustix::process::Pid::from_raw(running.0.id() as i32);
    let limit = rustix::process::Rlimit { current: Some(4096), maximum: None };
    rustix::process::prlimit(pid, rustix::process::Resource::Fsize, limit).expect("a limit");
    let (code, out, err) = ended(running);
    assert_eq!(code, 1, "{err}");
    assert_eq!(event(&out, "recorded")["end_reason"], "file_too_large");
    let command = format!("watchcap finalize {}", dir.path().join("s").display());
    assert!(err.contains(&command), "{err}");
    let (code, _, err) = run(watchcap().arg("finalize").arg(dir.path().join("s")));
    assert_eq!(code, 3, "{err}");
    let metadata = whole(dir.path(), &out);
    assert_eq!((&metadata["end_reason"], &metadata["recovered"]), (&"file_too_large".into(), &true.into()));
    assert!(metadata["frames"].as_u64().is_some_and(|n| n >= 30), "{metadata}");
}

#[test]
fn a_stopped_process_misses_frames_by_the_exact_count() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = spawned(&mut recorder(dir.path(), &["--duration", "5s"]));
    frames(dir.path(), 20);
    let pid = running.0.id().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().expect("kill").success());
    signal("-STOP");
    std::thread::sleep(Duration::from_millis(1500));
    signal("-CONT");
    let (code, out, err) = ended(running);
    assert_eq!(code, 3, "{err}");
    let metadata = whole(dir.path(), &out);
    assert_eq!(event(&out, "recorded")["frames_due"], 150, "5 s at 30 fps");
    let late = metadata["lost"].as_array().expect("a list").iter().find(|loss| loss["reason"] == "late").cloned();
    let count = late.as_ref().and_then(|loss| loss["count"].as_u64()).expect("frames that were late");
    assert!(count >= 43, "1.5 s at 30 fps are 44 or 45 frames, {count} were late");
    assert_eq!(metadata["lost"].as_array().map(Vec::len), Some(1), "{}", metadata["lost"]);
}

#[test]
fn every_signal_seals_within_two_seconds_and_a_second_one_changes_nothing() {
    for (signal, reason) in [("INT", "sigint"), ("TERM", "sigterm"), ("HUP", "sighup")] {
        let dir = tempfile::tempdir().expect("a folder");
        let running = spawned(&mut recorder(dir.path(), &[]));
        frames(dir.path(), 10);
        let pid = running.0.id().to_string();
        let again = std::thread::spawn(move || {
            for _ in 0..40 {
                std::thread::sleep(Duration::from_millis(15));
                drop(Command::new("kill").args(["-INT", &pid]).stderr(Stdio::null()).status());
            }
        });
        let (code, took) = running.stop(signal, Duration::from_secs(10));
        again.join().expect("a thread");
        println!("SIG{signal}: sealed {:.2} s after it", took.as_secs_f64());
        assert!(code == 0 || code == 3, "SIG{signal} ended it with {code}");
        assert!(took < Duration::from_secs(2), "SIG{signal} took {took:?}");
        let metadata = metadata(dir.path());
        assert!(metadata["end_reason"] == reason || metadata["end_reason"] == "sigint", "{}", metadata["end_reason"]);
        let (code, _, err) = run(watchcap().arg("verify").arg(dir.path().join("s")));
        assert_eq!(code, 0, "{err}");
    }
}

#[test]
fn folders_that_cannot_be_recorded_into_are_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    let fails = |out: &Path, what: &str| {
        let (code, _, err) = run(&mut recorder(out, &["--duration", "1s"]));
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(what) && err.contains("hint: "), "{err}");
    };
    fails(&file, "not a directory");
    fails(&file.join("below"), "a part of the path given with --out is no folder");
    if let Some(disk) = Tmpfs::mount("8m") {
        assert!(run(Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path())).0 == 0, "a read-only disk");
        fails(disk.path(), "choose a folder that can be written with --out");
    }
    // The session's folder is removed while it is recorded into.
    let running = spawned(&mut recorder(dir.path(), &[]));
    frames(dir.path(), 10);
    let folder: PathBuf = dir.path().join("s");
    std::fs::rename(&folder, dir.path().join("elsewhere")).expect("a move");
    let (code, out, err) = ended(running);
    assert_eq!((code, &event(&out, "recorded")["end_reason"]), (1, &"folder_gone".into()), "{err}");
    let (code, _, err) = run(watchcap().arg("finalize").arg(dir.path().join("elsewhere")));
    assert_eq!(code, 3, "{err}");
}

#[test]
fn a_second_recorder_in_the_same_folder_is_told_who_was_there_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = spawned(&mut recorder(dir.path(), &[]));
    frames(dir.path(), 5);
    let (code, _, err) = run(&mut recorder(dir.path(), &["--duration", "1s"]));
    assert_eq!(code, 1, "{err}");
    let pid = first.0.id().to_string();
    assert!(err.contains("watchcap record") && err.contains(&pid) && err.contains("since 2"), "{err}");
    let (code, _) = first.stop("INT", Duration::from_secs(10));
    assert!(code == 0 || code == 3, "the first recorder ended with {code}");
    let (code, _, err) = run(watchcap().arg("verify").arg(dir.path().join("s")));
    assert_eq!(code, 0, "{err}");
}
