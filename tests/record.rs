//! A real desktop, real input, ground truth from outside: what was recorded is what happened.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Display, Running, example, python, run, watchcap};

fn metadata(session: &Path) -> Value {
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

/// Starts the client that paints barcodes over the whole screen, and waits until it has painted.
fn barcode(display: &Display, size: (u32, u32), log: &Path) -> Running {
    let mut command = example("barcode_client");
    command.args(["--display", &display.name, "--override", "true", "--rate", "50"]);
    command.args(["--width", &size.0.to_string(), "--height", &size.1.to_string(), "--log"]).arg(log);
    let client = Running(command.spawn().expect("the barcode client"));
    for _ in 0..200 {
        if std::fs::metadata(log).is_ok_and(|meta| meta.len() > 200) {
            return client;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("the barcode client painted nothing");
}

fn record(display: &Display, dir: &Path, extra: &[&str]) -> Running {
    let mut command = watchcap();
    command.args(["record", "--consent", "screen,input", "--session", "s", "--json", "--out"]).arg(dir).args(extra);
    command.env("DISPLAY", &display.name).stdout(Stdio::null()).stderr(Stdio::null());
    let recorder = Running(command.spawn().expect("the program"));
    for _ in 0..400 {
        let ready = watchcap().args(["info", "--json"]).arg(dir.join("s")).output().expect("the program");
        let text = String::from_utf8_lossy(&ready.stdout).into_owned();
        let info: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if info["frames"].as_u64().is_some_and(|frames| frames > 3) {
            return recorder;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("the recorder stored no frame");
}

fn aligned(fps: &str, seed: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(1280, 720);
    let (paints, truth) = (dir.path().join("paints.jsonl"), dir.path().join("truth.jsonl"));
    let client = barcode(&display, (1280, 720), &paints);
    let recorder = record(&display, dir.path(), &["--fps", fps, "--bitrate-kbps", "6000"]);
    let mut script = example("xtest_script");
    script.args(["--display", &display.name, "--seed", seed, "--seconds", "6", "--log"]).arg(&truth);
    let (code, _, err) = run(&mut script);
    assert_eq!(code, 0, "{err}");
    std::thread::sleep(Duration::from_millis(500));
    let (code, _) = recorder.stop("INT", Duration::from_secs(10));
    assert!(code == 0 || code == 3, "the recorder ended with {code}");
    let (_, _) = client.stop("TERM", Duration::from_secs(5));
    let session = dir.path().join("s");
    let out = python("alignment.py", &[&session, &truth, &paints]);
    println!("{fps} fps:\n{out}");
    assert!(out.contains("lost 0 twice 0"), "{out}");
    assert!(!python("acceptance.py", &[&session]).is_empty());
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn what_is_recorded_is_what_happened_at_30_fps() {
    aligned("30", "11");
}

#[test]
fn what_is_recorded_is_what_happened_at_60_fps() {
    aligned("60", "12");
}

#[test]
fn portable_backends_record_and_say_what_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(640, 360);
    let client = barcode(&display, (640, 360), &dir.path().join("paints.jsonl"));
    let recorder =
        record(&display, dir.path(), &["--screen-backend", "xcap", "--input-backend", "poll", "--fps", "10"]);
    let mut script = example("xtest_script");
    script.args(["--display", &display.name, "--seconds", "3", "--only", "holds"]);
    assert_eq!(run(&mut script).0, 0);
    let (code, _) = recorder.stop("INT", Duration::from_secs(10));
    assert!(code == 0 || code == 3, "the recorder ended with {code}");
    drop(client);
    let session = dir.path().join("s");
    let metadata = metadata(&session);
    assert_eq!(metadata["streams"]["screen"]["source"], "xcap");
    assert_eq!(metadata["streams"]["input"]["source"], "poll");
    assert_eq!(metadata["streams"]["input"]["settings"]["wheel"], false);
    assert!(metadata["streams"]["input"]["settings"]["poll_us"].as_u64().is_some_and(|period| period > 0));
    assert!(metadata["counts"]["key_down"].as_u64().is_some_and(|n| n >= 1), "{metadata}");
    assert!(metadata["frames"].as_u64().is_some_and(|n| n >= 10), "{metadata}");
    let out = python("sources.py", &[&session]);
    assert_eq!(out.trim(), "poll");
}

#[test]
fn the_server_going_away_ends_and_seals() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut display = Display::start(640, 360);
    let client = barcode(&display, (640, 360), &dir.path().join("paints.jsonl"));
    let recorder = record(&display, dir.path(), &[]);
    display.kill();
    let began = std::time::Instant::now();
    let code = recorder.wait();
    assert!(began.elapsed() < Duration::from_secs(3), "it took {:?}", began.elapsed());
    assert_eq!(code, 3, "the end of the display is not a clean end");
    drop(client);
    assert_eq!(metadata(&dir.path().join("s"))["end_reason"], "display_gone");
}

#[test]
fn targets_are_listed() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(800, 600);
    let client = barcode(&display, (640, 360), &dir.path().join("paints.jsonl"));
    let (code, out, err) = run(watchcap().args(["targets", "--json"]).env("DISPLAY", &display.name));
    assert_eq!(code, 0, "{err}");
    let list: Value = serde_json::from_str(&out).expect("JSON");
    let monitor = &list[0];
    assert_eq!(
        (&monitor["kind"], &monitor["width"], &monitor["height"]),
        (&"monitor".into(), &800.into(), &600.into())
    );
    drop(client);
}
