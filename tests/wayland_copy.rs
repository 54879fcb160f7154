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

/// When the compositor had each number on the screen, by its own word; some it never had. A headless sway of Debian 12 tells no such times: then when the client
/// heard that it was drawn, which is not before.
fn shown(log: &Path) -> Vec<(u32, i64)> {
    let mut path = log.as_os_str().to_owned();
    path.push(".shown");
    let text = std::fs::read_to_string(path).expect("what was shown");
    let lines = || text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let number = |line: serde_json::Value| Some((u32::try_from(line["frame"].as_u64()?).ok()?, line["t"].as_i64()?));
    let of =
        |kind: &str| -> Vec<(u32, i64)> { lines().filter(|line| line["kind"] == kind).filter_map(number).collect() };
    // The first picture of all is told by some that tell no other.
    Some(of("shown")).filter(|shown| shown.len() > 2).unwrap_or_else(|| of("drawn"))
}

/// No picture of a session is newer than its time, by what the client committed, and no repeat is older than it says, by what the compositor showed.
/// At least so many pictures have a number, and so many are repeats.
pub(crate) fn shown_in_time(session: &Path, log: &Path, name: &str, (pictures, least): (usize, usize)) {
    let (commits, on_screen) = (commits(log), shown(log));
    let (rows, mut video) = opened(session);
    let frames: Vec<_> = rows.iter().filter(|row| row.event_type == "frame").collect();
    let (mut known, mut repeats, mut stale, mut said) = (0, 0, Vec::new(), Vec::new());
    for (at, row) in frames.iter().enumerate() {
        let picture = video.decode(at).expect("a picture");
        let Some(shown) = number(&picture, 640) else { continue };
        let committed = commits[shown as usize];
        assert!(committed <= row.t_ns, "{name}: frame {at} shows {shown}, of {} ns later", committed - row.t_ns);
        if row.metadata.get("dup").is_some() {
            repeats += 1;
            let capture_us: i64 = row.metadata.get("capture_us").and_then(|us| us.parse().ok()).expect("how old");
            said.push(capture_us);
            // A later number was on the screen by then, and is not in it: by how much longer than was said.
            let later = on_screen.iter().filter(|(number, _)| *number > shown).map(|(_, t)| *t).min();
            stale.extend(later.map(|later| row.t_ns - later - capture_us * 1000));
        }
        known += 1;
    }
    assert!(known > pictures, "{name}: {known} of {} frames", frames.len());
    assert!(repeats > least || least == 0, "{name}: {repeats} repeats");
    let over = stale.iter().filter(|ns| **ns > 0).count();
    stale.sort_unstable();
    said.sort_unstable();
    let worst = stale.last().map_or(0.0, |ns| *ns as f64 / 1e6);
    let half = said.get(said.len() / 2).map_or(0.0, |us| *us as f64 / 1000.0);
    println!(
        "{name}: {known} frames, {repeats} repeats (half say {half:.1} ms or less), {over} older than they say, the oldest by {worst:.1} ms"
    );
    assert!(over == 0, "{name}: {over} of {} repeats are older than they say, by up to {worst} ms", stale.len());
    assert!(!on_screen.is_empty(), "{name}: the compositor does not say what it showed");
}

#[test]
fn no_picture_is_older_than_it_says_or_newer_than_its_time() {
    let sway = Sway::start((640, 480), false);
    for (name, rate, fps) in [("still", 1, "60"), ("slow", 7, "60"), ("fast", 60, "30")] {
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
        let told: serde_json::Value =
            serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("a file")).expect("JSON");
        let behind = &told["timing"]["behind"];
        println!("{name}: behind {behind}");
        let ns = |key: &str| behind[key].as_i64().expect("a number");
        assert!((5_000_000..=250_000_000).contains(&ns("last_ns")) && ns("last_ns") <= ns("greatest_ns"), "{behind}");
        assert_eq!(ns("late_pictures") > 0, ns("late_by_ns") > 0, "{behind}");
        let (_, info, _) = run(watchcap().arg("info").arg(&session));
        assert!(info.contains("ms behind"), "{info}");
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
fn a_part_of_the_second_monitor_is_a_part_of_that() {
    // sway of Debian 12 says through wl_output that each is at 0,0.
    let sway = Sway::start((640, 480), false);
    sway.does("create_output");
    sway.does("output HEADLESS-2 resolution 640x480 position 640 0");
    sway.does("focus output HEADLESS-2");
    let log = sway.file("paints");
    let client = client(&sway, &log, 30);
    let (code, list, err) = run(sway.admit(watchcap().args(["targets", "--json"])));
    assert_eq!(code, 0, "{err}");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let second =
        list.as_array().expect("a list").iter().find(|target| target["id"] == "HEADLESS-2").expect("it is there");
    assert_eq!((&second["x"], &second["y"]), (&640.into(), &0.into()), "{second}");
    let out = tempfile::tempdir().expect("a folder");
    for (name, region, shows) in [("second", "640,0,640,32", true), ("first", "0,0,640,32", false)] {
        let session = out.path().join(name);
        let mut command = watchcap();
        command.args(["record", "--consent", "screen", "--allow-missing", "masks", "--session", name, "--out"]);
        command.arg(out.path()).args(["--duration", "1s", "--cursor", "off", "--region", region]);
        let (code, _, err) = run(sway.admit(&mut command));
        assert!(code == 0 || code == 3, "{code}\n{err}");
        let (_, mut video) = opened(&session);
        let lit = |picture: &Planar| picture.planes().0[..640].iter().any(|luma| *luma > 200);
        let shown = (0..video.len()).filter(|at| lit(&video.decode(*at).expect("a picture"))).count();
        assert_eq!(shown > 10, shows, "{name}: {shown} of {} pictures", video.len());
        assert_eq!(shown > 0, shows, "{name}: {shown} of {} pictures", video.len());
        let told: serde_json::Value =
            serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("a file")).expect("JSON");
        assert_eq!(told["surface"]["x"], if shows { 640 } else { 0 }, "{told}");
    }
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
