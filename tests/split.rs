//! Recordings in parts: nothing is lost at a seam, every part is a session, and what a kill leaves is sealed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Display, Running, example, python, run, watchcap};

fn parts(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> =
        std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

fn verified(dir: &Path) {
    for part in parts(dir) {
        let (code, _, err) = run(watchcap().arg("verify").arg(&part));
        assert_eq!(code, 0, "{}: {err}", part.display());
        assert!(!part.join("log").exists(), "the log of {} is left", part.display());
    }
}

fn metadata(session: &Path) -> Value {
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn parts_follow_each_other_and_each_is_a_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--audio", "synthetic"]);
    command.args(["--consent", "screen,input,audio", "--task", "walk", "--json"]);
    command.args(["--split", "2s", "--duration", "7s", "--session", "s", "--out"]).arg(dir.path());
    let (code, out, err) = run(&mut command);
    assert!(code == 0 || code == 3, "{code}: {err}");
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((of("recording"), of("part"), of("sealed"), of("recorded")), (1, 3, 4, 1), "{out}");
    let names: Vec<_> = parts(dir.path()).iter().map(|path| path.file_name().expect("a name").to_owned()).collect();
    assert_eq!(names, ["s-part0001", "s-part0002", "s-part0003", "s-part0004"]);
    verified(dir.path());
    println!("{}", python("split_check.py", &[dir.path(), Path::new("30")]));
    // The sound goes on: what a part has begins where that of the part before ends, to a packet.
    let sounds: Vec<Value> =
        parts(dir.path()).iter().map(|part| metadata(part)["streams"]["audio"]["settings"].clone()).collect();
    for pair in sounds.windows(2) {
        let at = |sound: &Value, key: &str| sound[key].as_f64().unwrap_or(f64::NAN);
        let end = at(&pair[0], "t0_ns") + at(&pair[0], "samples") / at(&pair[0], "rate_hz") * 1e9;
        let hole = (at(&pair[1], "t0_ns") - end) / 1e6;
        assert!((-80.0..5.0).contains(&hole), "{hole} ms between two parts: {sounds:?}");
    }
    let (_, out, _) = run(watchcap().arg("info").arg(dir.path().join("s-part0002")));
    assert!(out.contains("part 2 of"), "{out}");
}

#[test]
fn a_part_ends_when_it_is_large_enough() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "640x480", "--bitrate-kbps", "6000", "--split", "1MB"]);
    command.args(["--duration", "6s", "--session", "s", "--no-finalize", "--out"]).arg(dir.path());
    let (code, _, err) = run(&mut command);
    assert!(code == 0 || code == 3, "{code}: {err}");
    let all = parts(dir.path());
    assert!(all.len() >= 2, "{all:?}: {err}");
    let (code, _, err) = run(watchcap().arg("finalize").arg(dir.path()));
    assert!(code == 0 || code == 3, "{code}: {err}");
    verified(dir.path());
    println!("{}", python("split_check.py", &[dir.path(), Path::new("30")]));
}

/// Starts the client that paints barcodes over the whole screen, and waits until it has painted.
fn barcode(display: &Display, log: &Path) -> Running {
    let mut command = example("barcode_client");
    command.args([
        "--display",
        &display.name,
        "--override",
        "true",
        "--rate",
        "50",
        "--width",
        "1280",
        "--height",
        "720",
        "--log",
    ]);
    let client = Running(command.arg(log).spawn().expect("the barcode client"));
    let begun = Instant::now();
    while std::fs::metadata(log).map_or(0, |meta| meta.len()) < 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the barcode client painted nothing");
        std::thread::sleep(Duration::from_millis(25));
    }
    client
}

fn record(display: &Display, dir: &Path) -> Running {
    let mut command = watchcap();
    command
        .args(["record", "--consent", "screen,input", "--session", "s", "--split", "2s", "--json", "--out"])
        .arg(dir);
    command.env("DISPLAY", &display.name).stdout(Stdio::null()).stderr(Stdio::null());
    let recorder = Running(command.spawn().expect("the program"));
    let begun = Instant::now();
    while !dir.join("s-part0001/log/frames.mp4").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the recorder did not begin");
        std::thread::sleep(Duration::from_millis(25));
    }
    std::thread::sleep(Duration::from_millis(500));
    recorder
}

#[test]
fn each_injected_input_is_in_exactly_one_part_and_each_frame_shows_its_time() {
    let logs = tempfile::tempdir().expect("a folder");
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(1280, 720);
    let (paints, truth) = (logs.path().join("paints.jsonl"), logs.path().join("truth.jsonl"));
    let client = barcode(&display, &paints);
    let recorder = record(&display, dir.path());
    let mut script = example("xtest_script");
    script.args(["--display", &display.name, "--seed", "21", "--seconds", "9", "--log"]).arg(&truth);
    let (code, _, err) = run(&mut script);
    assert_eq!(code, 0, "{err}");
    std::thread::sleep(Duration::from_millis(500));
    let (code, _) = recorder.stop("INT", Duration::from_secs(20));
    assert!(code == 0 || code == 3, "the recorder ended with {code}");
    let (_, _) = client.stop("TERM", Duration::from_secs(5));
    assert!(parts(dir.path()).len() >= 4, "{:?}", parts(dir.path()));
    verified(dir.path());
    let out = python("split_check.py", &[dir.path(), Path::new("30"), &truth, &paints]);
    println!("{out}");
    assert!(out.contains("lost 0 twice 0"), "{out}");
    // Joined, each of them is there once, and no key was released by a seam.
    let whole = logs.path().join("whole");
    let (code, _, err) = run(watchcap().arg("join").arg(dir.path()).arg("--out").arg(&whole));
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(watchcap().arg("verify").arg(&whole));
    assert_eq!(code, 0, "{err}");
    println!("{}", python("join_check.py", &[dir.path(), &whole]));
}

#[test]
fn what_a_kill_leaves_is_sealed_part_by_part() {
    // While a part is sealed, and between two seams.
    for after_ms in [4150_u64, 4300, 4600, 5300] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut command = watchcap();
        command.args([
            "record",
            "--source",
            "synthetic",
            "--size",
            "320x240",
            "--split",
            "2s",
            "--session",
            "s",
            "--out",
        ]);
        command.arg(dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut recorder = Running(command.spawn().expect("the program"));
        let begun = Instant::now();
        while !dir.path().join("s-part0001/log/frames.mp4").exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the recorder did not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(after_ms));
        recorder.0.kill().expect("SIGKILL");
        recorder.0.wait().expect("its end");
        // The process that seals a part outlives the recorder, and what it seals is passed over.
        let (mut code, mut out, mut err) = run(watchcap().arg("finalize").arg(dir.path()));
        while err.contains("is in use") {
            assert!(begun.elapsed() < Duration::from_secs(40), "a part is never sealed: {err}");
            std::thread::sleep(Duration::from_millis(50));
            (code, out, err) = run(watchcap().arg("finalize").arg(dir.path()));
        }
        assert!(code == 0 || code == 3, "{after_ms} ms: {code}: {out}{err}");
        // One that was prepared and not begun has nothing in it.
        let all: Vec<Value> = parts(dir.path()).iter().map(|part| metadata(part)).collect();
        assert!(all.len() >= 2, "{after_ms} ms: {all:?}");
        for (n, part) in all.iter().enumerate() {
            assert_eq!(part["series"]["index"], n as u64 + 1);
            let whole = part["end_reason"] == "split";
            assert_eq!(whole, part["recovered"] == false, "{after_ms} ms: {part}");
        }
        verified(dir.path());
        // A second time there is nothing left to do.
        let (code, _, err) = run(watchcap().arg("finalize").arg(dir.path()));
        assert!(code == 0, "{after_ms} ms: {code}: {err}");
    }
}

#[test]
fn a_part_that_lost_frames_decides_the_exit_code_of_the_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--split", "2s", "--duration", "9s"]);
    command.args(["--max-dropped", "12", "--session", "s", "--out"]).arg(dir.path());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let recorder = Running(command.spawn().expect("the program"));
    let begun = Instant::now();
    while !dir.path().join("s-part0001/log/frames.mp4").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the recorder did not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = recorder.0.id().to_string();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &pid]).status().expect("kill");
        assert!(sent.success(), "{name}");
    };
    std::thread::sleep(Duration::from_millis(700));
    signal("-STOP");
    std::thread::sleep(Duration::from_millis(500));
    signal("-CONT");
    let code = recorder.wait();
    let all: Vec<Value> = parts(dir.path()).iter().map(|part| metadata(part)).collect();
    let count = |part: &Value, key: &str| part[key].as_u64().expect("a number") as f64;
    let shares: Vec<f64> = all
        .iter()
        .map(|part| count(part, "dropped_frames") / (count(part, "dropped_frames") + count(part, "frames")))
        .collect();
    // Of the first part too many are missing, of the whole and of the last part not.
    assert!(shares[0] > 0.12, "{shares:?}");
    assert_eq!(code, 3, "{shares:?}");
}

#[test]
fn what_is_left_of_a_log_whose_deletion_was_interrupted_goes_and_a_kept_log_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = |name: &str| {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "--size", "160x96", "--duration", "1s", "--keep-log"]);
        let (code, _, err) = run(command.args(["--session", name, "--out"]).arg(dir.path()));
        assert!(code == 0 || code == 3, "{code}: {err}");
        dir.path().join(name)
    };
    let (kept, rest, strange) = (session("kept"), session("rest"), session("strange"));
    std::fs::remove_file(strange.join("log/facts")).expect("a log");
    std::fs::create_dir(strange.join("log/facts")).expect("what cannot be read as one");
    std::fs::remove_dir_all(rest.join("log/events")).expect("the half of its log");
    let (code, out, err) = run(watchcap().arg("finalize").arg(dir.path()));
    assert_eq!(code, 0, "{out}{err}");
    assert!(!rest.join("log").exists(), "{err}");
    assert!(kept.join("log/events").exists(), "a log that was kept is gone: {err}");
    assert!(err.contains("kept is sealed and its log is beside it"), "{err}");
    assert!(strange.join("log/events").exists(), "a log that cannot be read is gone: {err}");
    assert!(err.contains("strange is sealed and its log beside it cannot be read"), "{err}");
}
