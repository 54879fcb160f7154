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
    let timing = &metadata(&session)["timing"];
    for key in ["frame_interval_ms", "grab_ms", "encode_ms", "commit_ms"] {
        let at = |name: &str| timing[key][name].as_f64().unwrap_or(f64::NAN);
        assert!(at("p50") > 0.0 && at("p50") <= at("p99") && at("p99") < 1000.0, "{key}: {timing}");
    }
    // The pointer was moved all along, and each move is an input.
    assert!(timing["input_silence_ms"].as_f64().is_some_and(|ms| ms < 500.0), "{timing}");
    let (_, out, _) = run(watchcap().arg("info").arg(&session));
    assert!(out.contains("(p50/p99)"), "{out}");
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
    let backends = ["--screen-backend", "xcap", "--input-backend", "poll"];
    // What must be kept out and cannot be is no matter of course.
    for (allowed, missing) in [("focus", "cannot tell where notifications"), ("masks", "does not report redaction")] {
        let mut command = watchcap();
        command.args(["record", "--consent", "screen,input", "--session", "no", "--allow-missing", allowed, "--out"]);
        let (code, _, err) = run(command.arg(dir.path()).args(backends).env("DISPLAY", &display.name));
        assert!(code == 1 && err.contains(missing) && err.contains("hint:"), "{code}: {err}");
        assert!(!dir.path().join("no").exists(), "a folder was made");
    }
    let mut args = backends.to_vec();
    args.extend(["--allow-missing", "masks,redaction", "--fps", "10"]);
    let recorder = record(&display, dir.path(), &args);
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

/// Changes the mode of the server's only screen.
fn xrandr(display: &Display, args: &[&str]) {
    let (code, out, err) = run(std::process::Command::new("xrandr").args(["-display", &display.name]).args(args));
    assert_eq!(code, 0, "xrandr {args:?}: {out}{err}");
}

#[test]
fn a_change_of_the_monitors_mode_is_a_row_and_the_picture_is_letterboxed() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(640, 360);
    let client = barcode(&display, (640, 360), &dir.path().join("paints.jsonl"));
    xrandr(&display, &["--newmode", "small", "20", "320", "340", "360", "400", "240", "245", "250", "260"]);
    xrandr(&display, &["--addmode", "screen", "small"]);
    let recorder = record(&display, dir.path(), &["--fps", "20", "--cursor", "off"]);
    xrandr(&display, &["--output", "screen", "--mode", "small"]);
    std::thread::sleep(Duration::from_millis(900));
    xrandr(&display, &["--output", "screen", "--mode", "640x360"]);
    std::thread::sleep(Duration::from_millis(900));
    let (code, _) = recorder.stop("INT", Duration::from_secs(10));
    assert!(code == 0 || code == 3, "the recorder ended with {code}");
    drop(client);
    let session = dir.path().join("s");
    assert_eq!(run(watchcap().arg("verify").arg(&session)).0, 0);
    let metadata = metadata(&session);
    assert_eq!(metadata["end_reason"], "sigint");
    assert_eq!(metadata["resolution"], serde_json::json!([640, 360]));
    let rows = python("window_rows.py", &[&session]);
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).expect("JSON")).collect();
    let sizes: Vec<_> = rows.iter().map(|row| (row["width"].clone(), row["height"].clone())).collect();
    let (small, large) = (("320".into(), "240".into()), ("640".into(), "360".into()));
    assert!(sizes.ends_with(&[small.clone(), large]), "{sizes:?}");
    let changed: i64 = rows[sizes.len() - 2]["t_ns"].as_i64().expect("a time");
    let back: i64 = rows[sizes.len() - 1]["t_ns"].as_i64().expect("a time");

    // 320 x 240 in 640 x 360: not enlarged, so 160 columns at each side and 60 lines above and below are black.
    let mut video = watchcap::media::frames::FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let events = watchcap::session::table::read::EventsReader::open(&session.join("events.parquet")).expect("a table");
    let mut times = Vec::new();
    let (mut row, mut reader) = (watchcap::session::table::row::OwnedRow::default(), events.rows());
    while reader.next_into(&mut row).expect("a row") {
        if row.event_type == "frame" {
            times.push(row.t_ns);
        }
    }
    assert_eq!(times.len(), video.len());
    let (mut boxed, mut full) = (0, 0);
    for (frame, t) in times.into_iter().enumerate() {
        let picture = video.rgb(frame).expect("a picture");
        let black = |x: usize, y: usize| picture.data[(y * 640 + x) * 3..][..3].iter().all(|level| *level < 16);
        let margins = [(20, 20), (620, 20), (20, 340), (620, 340), (20, 180), (620, 180)];
        if t > changed && t < back {
            assert!(margins.into_iter().all(|(x, y)| black(x, y)), "frame {frame} is not letterboxed");
            boxed += 1;
        } else if t < changed {
            assert!(!black(20, 340) && !black(620, 340), "frame {frame} is black at its edge");
            full += 1;
        }
    }
    assert!(boxed >= 5 && full >= 3, "{boxed} letterboxed, {full} full frames");
}

#[test]
fn a_recorded_window_that_closes_ends_the_recording_and_seals_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(800, 480);
    let client = barcode(&display, (640, 360), &dir.path().join("paints.jsonl"));
    let recorder = record(&display, dir.path(), &["--wait-target", "0", "--window-title", "barcode"]);
    std::thread::sleep(Duration::from_millis(300));
    let (_, _) = client.stop("TERM", Duration::from_secs(5));
    let began = std::time::Instant::now();
    let code = recorder.wait();
    assert!(began.elapsed() < Duration::from_secs(3), "it took {:?}", began.elapsed());
    let session = dir.path().join("s");
    let metadata = metadata(&session);
    assert_eq!((&metadata["end_reason"], &metadata["recovered"]), (&"window_closed".into(), &false.into()));
    assert!(metadata["frames"].as_u64().is_some_and(|frames| frames > 5), "{metadata}");
    assert!(code == 0 || code == 3, "it ended with {code}: {}", metadata["lost"]);
    assert_eq!(run(watchcap().arg("verify").arg(&session)).0, 0);
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

#[test]
fn a_window_is_recorded_alone_and_its_resize_is_a_row() {
    use x11rb::connection::Connection;
    use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, WindowClass};

    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(640, 360);
    let (conn, screen) = x11rb::connect(Some(&display.name)).expect("a display");
    let root = conn.setup().roots[screen].root;
    let window = |x: i16, y: i16, width: u16, height: u16, colour: u32| {
        let id = conn.generate_id().expect("an id");
        let aux = CreateWindowAux::new().override_redirect(1).background_pixel(colour);
        conn.create_window(0, id, root, x, y, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &aux).expect("a window");
        conn.map_window(id).expect("a window");
        conn.flush().expect("a display");
        id
    };
    let ours = window(100, 50, 200, 100, 0x00c8_2800);
    let recorder = record(&display, dir.path(), &["--window", &format!("{ours:#x}"), "--fps", "20", "--cursor", "off"]);
    // Another window lies over it from now on: it must not be seen.
    let _over = window(90, 40, 150, 80, 0x0000_ff00);
    std::thread::sleep(Duration::from_millis(700));
    conn.configure_window(ours, &ConfigureWindowAux::new().x(120).width(100)).expect("a resize");
    conn.flush().expect("a display");
    std::thread::sleep(Duration::from_millis(700));
    let (code, _) = recorder.stop("INT", Duration::from_secs(10));
    assert!(code == 0 || code == 3, "the recorder ended with {code}");
    let session = dir.path().join("s");
    let metadata = metadata(&session);
    assert_eq!(metadata["resolution"], serde_json::json!([200, 100]));
    let rows = python("window_rows.py", &[&session]);
    let last: Value = serde_json::from_str(rows.lines().last().expect("a window row")).expect("JSON");
    assert_eq!((&last["width"], &last["height"], &last["x"]), (&"100".into(), &"100".into(), &"120".into()));

    let mut video = watchcap::media::frames::FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let close = |pixel: &[u8], colour: [u8; 3]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 12);
    for frame in 0..video.len() {
        let picture = video.rgb(frame).expect("a picture");
        let at = |x: usize, y: usize| &picture.data[(y * 200 + x) * 3..][..3];
        assert!(close(at(100, 50), [200, 40, 0]), "frame {frame} shows {:?} in the middle", at(100, 50));
        if frame + 3 > video.len() {
            assert!(close(at(10, 50), [0, 0, 0]) && close(at(190, 50), [0, 0, 0]), "frame {frame} is not letterboxed");
        }
    }
}
