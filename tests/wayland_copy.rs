//! Recordings of a real Wayland compositor (sway), with a client that says what it shows and when.
#![cfg(all(target_os = "linux", feature = "wayland"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use watchcap::capture::synthetic::Barcode;
use watchcap::media::frames::FrameReader;
use watchcap::media::picture::Planar;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;

use crate::support::sway::Sway;
use crate::support::{Running, example, run, watchcap};

/// No wait is longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn client(sway: &Sway, log: &Path, rate: u32) -> Running {
    painting(sway, log, &rate.to_string(), 4)
}

/// A client, once it has painted so often.
fn painting(sway: &Sway, log: &Path, rate: &str, times: usize) -> Running {
    let mut client = example("wayland_client");
    client.args(["--rate", rate, "--log"]).arg(log).stderr(Stdio::null());
    let client = Running(sway.admit(&mut client).spawn().expect("a client"));
    wait_for(|| std::fs::read_to_string(log).is_ok_and(|text| text.lines().count() >= times));
    client
}

fn wait_for(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn record(out: &Path, more: &[&str]) -> Command {
    let mut command = watchcap();
    command.args(["record", "--consent", "screen", "--allow-missing", "masks", "--session", "s", "--out"]);
    command.arg(out).args(more);
    command
}

/// The rows of a session and its pictures.
fn opened(session: &Path) -> (Vec<OwnedRow>, FrameReader) {
    let reader = SessionReader::open(session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<_>, _>>().expect("rows");
    (rows, FrameReader::open(&session.join("frames.mp4")).expect("a video"))
}

fn verified(session: &Path) {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
}

/// The number that a picture shows, where its upper left corner is that of the window.
fn number(picture: &Planar, width: usize) -> Option<u32> {
    let luma = picture.planes().0;
    Barcode { cell: 16 }.read(|x, y| luma[(y - 16) * width + x - 16])
}

/// When each number was committed.
fn commits(log: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(log).expect("a log");
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter(|line| line["kind"] == "paint").map(|line| line["before"].as_i64().expect("a time")).collect()
}

/// No picture of a session is newer than its time, by what the client committed. At least so many pictures have a number, and so many are repeats; where
/// a number of them is asked for, few are older than they say.
pub(crate) fn shown_in_time(session: &Path, log: &Path, name: &str, (pictures, least): (usize, usize)) {
    let commits = commits(log);
    let (rows, mut video) = opened(session);
    let frames: Vec<_> = rows.iter().filter(|row| row.event_type == "frame").collect();
    let (mut known, mut repeats, mut stale) = (0, 0, Vec::new());
    for (at, row) in frames.iter().enumerate() {
        let picture = video.decode(at).expect("a picture");
        let Some(shown) = number(&picture, 640) else { continue };
        let committed = commits[shown as usize];
        assert!(committed <= row.t_ns, "{name}: frame {at} shows {shown}, of {} ns later", committed - row.t_ns);
        if row.metadata.get("dup").is_some() {
            repeats += 1;
            let capture_us: i64 = row.metadata.get("capture_us").and_then(|us| us.parse().ok()).expect("how old");
            // The next number was committed by then, and not shown: by how much more than was said.
            if let Some(next) = commits.get(shown as usize + 1) {
                stale.push(row.t_ns - next - capture_us * 1000);
            }
        }
        known += 1;
    }
    assert!(known > pictures, "{name}: {known} of {} frames", frames.len());
    assert!(repeats > least || least == 0, "{name}: {repeats} repeats");
    // What a compositor on a busy machine presents late is none of the recorder's: most are as fresh as they say. Of a window that changes with each
    // picture there are only such.
    let over = stale.iter().filter(|ns| **ns > 0).count();
    assert!(
        least == 0 || over * 20 <= stale.len().max(20),
        "{name}: {over} of {} repeats are older than they say",
        stale.len()
    );
    stale.sort_unstable();
    let worst = stale.last().map_or(0.0, |ns| *ns as f64 / 1e6);
    println!("{name}: {known} frames, {repeats} repeats, {over} older than they say, the oldest by {worst:.1} ms");
}

#[test]
fn no_picture_is_older_than_it_says_or_newer_than_its_time() {
    let sway = Sway::start((640, 480), false);
    for (name, rate, fps) in [("slow", 7, "60"), ("fast", 60, "30")] {
        let out = tempfile::tempdir().expect("a folder");
        let log = sway.file(name);
        let client = client(&sway, &log, rate);
        let (code, _, err) = run(sway.admit(&mut record(out.path(), &["--duration", "3s", "--fps", fps])));
        assert!(code == 0 || code == 3, "{code}\n{err}");
        assert!(!err.contains("warning: WAYLAND_DISPLAY"), "{err}");
        drop(client);
        let session = out.path().join("s");
        verified(&session);
        shown_in_time(&session, &log, name, (60, if name == "fast" { 0 } else { 60 }));
    }
}

#[test]
fn what_the_screen_showed_in_a_pause_is_in_no_picture() {
    let sway = Sway::start((640, 480), false);
    let log = sway.file("paints");
    let client = painting(&sway, &log, "0.01", 1);
    std::thread::sleep(Duration::from_millis(500));
    let out = tempfile::tempdir().expect("a folder");
    let session = out.path().join("s");
    let mut command = record(out.path(), &["--duration", "60s", "--fps", "30"]);
    let recording =
        Running(sway.admit(&mut command).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs"));
    wait_for(|| session.join("log").is_dir());
    std::thread::sleep(Duration::from_secs(1));
    let does = |verb: &str| assert_eq!(run(sway.admit(watchcap().arg(verb).arg(&session))).0, 0, "{verb}");
    does("pause");
    std::thread::sleep(Duration::from_millis(300));
    // The client is out of sight, and long back when recording goes on.
    sway.does("workspace 2");
    std::thread::sleep(Duration::from_millis(500));
    sway.does("workspace 1");
    std::thread::sleep(Duration::from_secs(2));
    does("resume");
    std::thread::sleep(Duration::from_secs(1));
    let (code, _) = recording.stop("INT", PATIENCE);
    drop(client);
    assert!(code == 0 || code == 3, "{code}");
    verified(&session);
    let (rows, mut video) = opened(&session);
    let resumed = rows.iter().find(|row| row.event_type == "resume").expect("a row").t_ns;
    let after = rows.iter().filter(|row| row.event_type == "frame" && row.t_ns > resumed).count();
    assert!(after > 10 && video.len() > after, "{after} of {} frames", video.len());
    for at in 0..video.len() {
        let picture = video.decode(at).expect("a picture");
        // The bar of the client; an empty screen has none, and would be read as the number 0.
        let bar = picture.planes().0[300 * 640 + 16];
        assert!(bar > 130, "picture {at} of {}, {after} of them after the pause: {bar}", video.len());
    }
}

#[test]
fn a_monitor_that_changes_its_size_is_fitted_in() {
    let sway = Sway::start((640, 480), false);
    let out = tempfile::tempdir().expect("a folder");
    let log = sway.file("paints");
    let client = client(&sway, &log, 30);
    let mut command = record(out.path(), &["--duration", "60s", "--fps", "30"]);
    let recording =
        Running(sway.admit(&mut command).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs"));
    wait_for(|| out.path().join("s/log").is_dir());
    std::thread::sleep(Duration::from_millis(800));
    sway.does("output HEADLESS-1 resolution 800x480");
    std::thread::sleep(Duration::from_secs(1));
    let (code, _) = recording.stop("INT", PATIENCE);
    drop(client);
    assert!(code == 0 || code == 3, "{code}");
    let session = out.path().join("s");
    verified(&session);
    let (rows, video) = opened(&session);
    let frames = rows.iter().filter(|row| row.event_type == "frame").count();
    assert!(frames > 10 && frames == video.len(), "{frames} frames");
    assert!(rows.iter().any(|row| row.event_type == "window"), "the new size is not told");
}

#[test]
fn a_part_of_a_monitor_is_taken_and_what_cannot_be_is_refused_with_a_way_out() {
    let sway = Sway::start((640, 480), false);
    let out = tempfile::tempdir().expect("a folder");
    let log = sway.file("paints");
    let client = client(&sway, &log, 30);
    let part = ["--duration", "1s", "--region", "0,0,640,32", "--cursor", "off"];
    let (code, _, err) = run(sway.admit(&mut record(out.path(), &part)));
    assert!(code == 0 || code == 3, "{code}\n{err}");
    let (_, mut video) = opened(&out.path().join("s"));
    let shown = (0..video.len()).filter_map(|at| number(&video.decode(at).expect("a picture"), 640)).count();
    assert!(shown > 10, "{shown} of {} frames", video.len());
    let refused: PathBuf = out.path().join("refused");
    for (more, says) in [
        (&["--region", "600,0,64,64"][..], "hint: 40x64"),
        (&["--app", "barcode_client"], "copies monitors only"),
        (&["--monitor", "DP-9"], "hint: `watchcap targets`"),
    ] {
        let (code, _, err) = run(sway.admit(&mut record(&refused, more)));
        assert!(code != 0 && err.contains(says), "{more:?}: {code}\n{err}");
        assert!(!refused.exists(), "{more:?} left something");
    }
    // Nothing hides what must not be seen here, so without a word of the person nothing is recorded.
    let mut command = watchcap();
    command.args(["record", "--consent", "screen", "--duration", "1s", "--out"]).arg(&refused);
    let (code, _, err) = run(sway.admit(&mut command));
    assert!(code != 0 && err.contains("--allow-missing masks"), "{code}\n{err}");
    let (_, report, _) = run(sway.admit(watchcap().arg("doctor")));
    assert!(report.contains("ok  screen (wayland-copy)") && report.contains("a Wayland compositor"), "{report}");
    let (code, list, err) = run(sway.admit(watchcap().arg("targets")));
    assert!(code == 0 && list.contains("HEADLESS-1") && list.contains("640x480"), "{list}{err}");
    drop(client);
}

#[test]
fn a_compositor_that_dies_ends_the_recording_and_what_was_recorded_seals() {
    let mut sway = Sway::start((640, 480), false);
    let out = tempfile::tempdir().expect("a folder");
    let mut command = record(out.path(), &["--duration", "60s"]);
    let recording =
        Running(sway.admit(&mut command).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs"));
    wait_for(|| out.path().join("s/log").is_dir());
    std::thread::sleep(Duration::from_secs(1));
    drop(sway.compositor.take());
    assert_eq!(recording.wait(), 3);
    let session = out.path().join("s");
    verified(&session);
    let (rows, video) = opened(&session);
    assert!(video.len() > 10, "{} frames", video.len());
    assert!(rows.iter().any(|row| row.metadata.get("reason") == Some("display_gone")));
}

/// How many pixels of a picture are those of the sign's circle.
fn red(video: &mut FrameReader, at: usize) -> usize {
    let picture = video.rgb(at).expect("a picture");
    picture.data.chunks_exact(3).filter(|p| p[0] > 150 && p[1] < 90 && p[2] < 90).count()
}

/// What another recording sees: the red pixels of its last picture.
fn seen(sway: &Sway, more: &[&str]) -> usize {
    let out = tempfile::tempdir().expect("a folder");
    let mut command = record(out.path(), &["--duration", "700ms", "--fps", "10"]);
    let (code, _, err) = run(sway.admit(command.args(more)));
    assert!(code == 0 || code == 3, "{code}\n{err}");
    let (_, mut video) = opened(&out.path().join("s"));
    let last = video.len() - 1;
    red(&mut video, last)
}

fn sign_of(session: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    let metadata: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    metadata["privacy"]["recording_sign"].clone()
}

/// Records with the sign until this is done, and checks that it is in no picture.
fn with_sign(sway: &Sway, more: &[&str], meanwhile: impl FnOnce(&Path)) -> (tempfile::TempDir, Vec<OwnedRow>) {
    let out = tempfile::tempdir().expect("a folder");
    let mut command = record(out.path(), &["--duration", "60s", "--fps", "30"]);
    command.args(more).stderr(Stdio::null()).stdout(Stdio::null());
    let recording = Running(sway.admit(&mut command).spawn().expect("it runs"));
    wait_for(|| out.path().join("s/log").is_dir());
    std::thread::sleep(Duration::from_millis(300));
    meanwhile(&out.path().join("s"));
    let (code, _) = recording.stop("INT", PATIENCE);
    assert!(code == 0 || code == 3, "{code}");
    let session = out.path().join("s");
    verified(&session);
    let (rows, mut video) = opened(&session);
    assert!(video.len() > 10, "{} frames", video.len());
    for at in 0..video.len() {
        assert_eq!(red(&mut video, at), 0, "the sign is in picture {at} of {}", video.len());
    }
    (out, rows)
}

/// Where the sign's masks are: left, top, width, height.
fn masks(rows: &[OwnedRow]) -> Vec<[u32; 4]> {
    let masks = rows.iter().filter(|row| row.metadata.get("reason") == Some("recording_sign"));
    let place = |row: &OwnedRow| {
        ["x", "y", "width", "height"].map(|key| row.metadata.get(key).and_then(|at| at.parse().ok()).expect("a number"))
    };
    masks.map(place).collect()
}

#[test]
fn the_sign_is_on_the_monitor_and_in_no_picture_of_it_whatever_size_that_has() {
    let sway = Sway::start((640, 480), false);
    let log = sway.file("paints");
    let client = client(&sway, &log, 30);
    assert_eq!(seen(&sway, &[]), 0);
    let (out, rows) = with_sign(&sway, &["--sign", "on"], |session| {
        assert!((90..=130).contains(&seen(&sway, &[])));
        let does = |verb: &str| assert_eq!(run(sway.admit(watchcap().arg(verb).arg(session))).0, 0, "{verb}");
        does("pause");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(seen(&sway, &[]), 0, "it says that it is paused");
        does("resume");
        for _ in 0..3 {
            // It follows into the corner of a larger monitor, and of a smaller one.
            sway.does("output HEADLESS-1 resolution 800x600");
            std::thread::sleep(Duration::from_millis(800));
            assert!(seen(&sway, &["--region", "640,480,160,120"]) > 90);
            sway.does("output HEADLESS-1 resolution 640x480");
            std::thread::sleep(Duration::from_millis(800));
            assert!(seen(&sway, &["--region", "480,360,160,120"]) > 90);
        }
        // Into that of the same pixels at another scale, and back. While it is moved no picture is taken: it is where nobody was told of then.
        for (scale, least) in [("2", 300), ("1", 90)] {
            does("pause");
            sway.does(&format!("output HEADLESS-1 scale {scale}"));
            std::thread::sleep(Duration::from_millis(800));
            does("resume");
            std::thread::sleep(Duration::from_millis(300));
            assert!(seen(&sway, &[]) > least, "at {scale}");
        }
    });
    let told = sign_of(&out.path().join("s"));
    assert_eq!((&told["shown"], &told["by"]), (&true.into(), &"wayland-layer-shell".into()));
    assert_eq!((&told["monitor"], &told["corner"]), (&"HEADLESS-1".into(), &"bottom-right".into()));
    assert_eq!((&told["in_picture"], &told["away"]), (&true.into(), &serde_json::Value::Array(Vec::new())));
    let masks = masks(&rows);
    assert!(masks.contains(&[540, 448, 92, 24]) && masks.contains(&[440, 416, 184, 48]), "{masks:?}");
    drop(client);
    assert_eq!(seen(&sway, &[]), 0, "it stays behind");
}

#[test]
fn the_sign_is_on_another_monitor_where_there_is_one_and_true_at_any_scale() {
    let sway = Sway::start((640, 480), false);
    sway.does("output HEADLESS-1 scale 1.5");
    let (out, rows) = with_sign(&sway, &["--sign", "top-left"], |_| assert!(seen(&sway, &[]) > 200));
    assert_eq!(sign_of(&out.path().join("s"))["corner"], "top-left");
    // At 1.5 it is 138x36 pixels, 12 from the edges; two more on each side, and what the compositor rounds 640/1.5 to.
    assert_eq!(masks(&rows)[0], [10, 10, 144, 40]);
    // A part of a monitor at a scale of 1: beside it.
    sway.does("output HEADLESS-1 scale 1");
    let part = ["--sign", "on", "--region", "0,240,640,240"];
    let (out, rows) = with_sign(&sway, &part, |_| assert!((90..=130).contains(&seen(&sway, &["--monitor", "1"]))));
    let told = sign_of(&out.path().join("s"));
    assert_eq!((&told["in_picture"], &told["corner"]), (&false.into(), &"top-right".into()));
    assert!(rows.iter().all(|row| row.event_type != "redact"));
    let over = ["--sign", "bottom-right", "--region", "320,240,320,240"];
    let (_, rows) = with_sign(&sway, &over, |_| std::thread::sleep(Duration::from_millis(600)));
    assert_eq!(masks(&rows)[0], [220, 208, 92, 24]);
    sway.does("create_output");
    sway.does("output HEADLESS-2 resolution 640x480 position 640 0");
    let (out, rows) = with_sign(&sway, &["--sign", "on", "--monitor", "HEADLESS-1"], |_| {
        assert_eq!(seen(&sway, &["--monitor", "HEADLESS-1"]), 0);
        assert!((90..=130).contains(&seen(&sway, &["--monitor", "HEADLESS-2"])));
    });
    let told = sign_of(&out.path().join("s"));
    assert_eq!((&told["in_picture"], &told["monitor"]), (&false.into(), &"HEADLESS-2".into()));
    assert!(rows.iter().all(|row| row.event_type != "redact"));
}
