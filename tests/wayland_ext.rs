//! Recordings of a compositor that copies windows too (ext-image-copy-capture): sway of Debian testing. `make test-desktops` has it; elsewhere these
//! say that they did not run.
#![cfg(all(target_os = "linux", feature = "wayland"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use watchcap::capture::synthetic::Barcode;
use watchcap::media::frames::FrameReader;
use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;

use crate::support::sway::Sway;
use crate::support::{Running, example, run, watchcap};
use crate::wayland_copy::shown_in_time;

/// No wait is longer.
const PATIENCE: Duration = Duration::from_secs(20);
const SIZE: (u32, u32) = (800, 480);

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        pause(20);
    }
}

/// A client, which fills the screen unless it has a name.
fn client(sway: &Sway, log: &Path, more: &[&str]) -> Running {
    let mut client = example("wayland_client");
    client.arg("--log").arg(log).args(more).stderr(Stdio::null());
    let client = Running(sway.admit(&mut client).spawn().expect("a client"));
    wait_for("the client does not paint", || std::fs::read_to_string(log).is_ok_and(|text| text.contains('\n')));
    client
}

fn record(out: &Path, name: &str, more: &[&str]) -> Command {
    let mut command = watchcap();
    command.args(["record", "--consent", "screen", "--max-dropped", "100", "--session", name, "--out"]);
    command.arg(out).args(more);
    command
}

/// Starts a recording without an end, and waits until it has had pictures.
fn running(sway: &Sway, out: &Path, name: &str, more: &[&str]) -> (Running, PathBuf) {
    let mut command = record(out, name, &["--duration", "120s", "--fps", "30"]);
    let said = sway.file(&format!("{name}.said"));
    let stderr = std::fs::File::create(&said).expect("a file");
    let command = sway.admit(command.args(more)).stdout(Stdio::null()).stderr(stderr);
    let recording = Running(command.spawn().expect("it runs"));
    let session = out.join(name);
    let began = Instant::now();
    while !session.join("log").is_dir() {
        let said = || std::fs::read_to_string(&said).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "it does not begin: {}", said());
        pause(20);
    }
    pause(1000);
    (recording, session)
}

fn verified(session: &Path) -> Vec<OwnedRow> {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
    let reader = SessionReader::open(session).expect("a session");
    reader.events().rows().collect::<Result<Vec<_>, _>>().expect("rows")
}

fn metadata(session: &Path) -> Metadata {
    SessionReader::open(session).expect("a session").metadata().clone()
}

fn frames(rows: &[OwnedRow]) -> Vec<&OwnedRow> {
    rows.iter().filter(|row| row.event_type == "frame").collect()
}

/// The number that each picture shows whose upper left corner is the window's, where it shows one.
fn numbers(session: &Path, width: usize) -> Vec<Option<u32>> {
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("a video");
    let count = video.len();
    let number = |at| {
        let picture = video.decode(at).expect("a picture");
        let luma = picture.planes().0;
        Barcode { cell: 16 }.read(|x, y| luma[(y - 16) * width + x - 16])
    };
    (0..count).map(number).collect()
}

/// How old new pictures were when they were taken, milliseconds: in the middle, and the 99th of a hundred.
fn ages(rows: &[OwnedRow]) -> (f64, f64, usize) {
    let news = frames(rows).into_iter().filter(|row| row.metadata.get("dup").is_none());
    let mut us: Vec<f64> = news.filter_map(|row| row.metadata.get("capture_us")?.parse().ok()).collect();
    us.sort_by(f64::total_cmp);
    (us[us.len() / 2] / 1000.0, us[us.len() * 99 / 100] / 1000.0, us.len())
}

#[test]
fn pictures_of_a_monitor_and_of_a_window_are_never_newer_than_their_time() {
    let Some(sway) = Sway::start_newer((640, 480)) else { return };
    let out = tempfile::tempdir().expect("a folder");
    for (target, of) in [("monitor", &["--allow-missing", "masks"][..]), ("window", &["--app", "barcode_client"])] {
        for (rate, fps) in [("1", "60"), ("7", "60"), ("60", "30"), ("60", "60")] {
            let name = format!("{target}-{rate}-{fps}");
            let log = sway.file(&format!("{name}.jsonl"));
            let client = client(&sway, &log, &["--rate", rate]);
            let mut command = record(out.path(), &name, &["--duration", "4s", "--fps", fps]);
            let (code, _, err) = run(sway.admit(command.args(of)));
            assert!(code == 0 || code == 3, "{code}\n{err}");
            drop(client);
            let session = out.path().join(&name);
            let rows = verified(&session);
            let most = if fps == "60" { 120 } else { 60 };
            shown_in_time(&session, &log, &name, (most, if rate == "1" || rate == "7" { 100 } else { 0 }));
            let (middle, late, new) = ages(&rows);
            println!("{name}: {} frames, {new} new ones, {middle} ms old (p99 {late})", frames(&rows).len());
            let told = format!("{:?}", metadata(&session));
            assert!(told.contains("wayland-copy-ext"), "{told}");
        }
    }
}

#[test]
fn a_window_alone_is_recorded_whatever_lies_over_it_and_wherever_it_is() {
    let Some(sway) = Sway::start_newer(SIZE) else { return };
    let out = tempfile::tempdir().expect("a folder");
    let (log, other) = (sway.file("paints"), sway.file("other"));
    let named = ["--app-id", "game", "--title", "A game", "--rate", "30"];
    let client_of = client(&sway, &log, &named);
    sway.waits_for_focus("game");
    // What can be recorded is listed, and the refusal of the monitor says so first.
    let (code, list, err) = run(sway.admit(watchcap().args(["targets", "--json"])));
    assert_eq!(code, 0, "{err}");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let listed = list.as_array().expect("a list").iter().find(|target| target["kind"] == "window").expect("a window");
    assert_eq!((listed["app"].as_str(), listed["title"].as_str()), (Some("game"), Some("A game")), "{listed}");
    assert!(listed["width"].is_null() && listed["x"].is_null(), "{listed}");
    let id = listed["id"].as_str().expect("an identifier");
    let (code, _, err) = run(sway.admit(&mut record(out.path(), "refused", &["--duration", "1s"])));
    assert!(code != 0 && err.contains("hint: record one window alone (--app"), "{code}\n{err}");
    let (code, _, err) = run(sway.admit(&mut record(out.path(), "none", &["--app", "nothing", "--duration", "1s"])));
    assert!(code != 0 && err.contains("`watchcap targets`"), "{code}\n{err}");
    // The window, while others lie over it and while it is not on the screen.
    let (recording, session) = running(&sway, out.path(), "s", &["--window", id]);
    let painted = || std::fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    let before = painted();
    // Its number is 0 all the time.
    for what in ["floating enable", "resize set 640 200", "move absolute position 0 0"] {
        sway.does(&format!("for_window [app_id=vault] {what}"));
    }
    let over = client(&sway, &other, &["--app-id", "vault", "--title", "Bitwarden", "--count", "presses"]);
    sway.waits_for_focus("vault");
    pause(1000);
    let covered = painted();
    sway.does("workspace 2");
    pause(1000);
    let hidden = painted();
    sway.does("workspace 1");
    pause(300);
    let (code, _) = recording.stop("INT", PATIENCE);
    assert!(code == 0 || code == 3, "{code}");
    drop((over, client_of));
    let rows = verified(&session);
    let numbers = numbers(&session, 800);
    let shown: Vec<u32> = numbers.iter().copied().flatten().collect();
    assert!(shown.len() * 10 >= numbers.len() * 9, "{} of {} pictures show the window", shown.len(), numbers.len());
    assert!(shown.is_sorted() && !shown.contains(&0), "another window's number: {shown:?}");
    let of = |from: usize, to: usize| shown.iter().filter(|number| (from..to).contains(&(**number as usize))).count();
    let (over, away) = (of(before, covered), of(covered, hidden));
    println!(
        "{} pictures, {over} of {} paints under another window, {away} of {} on another workspace",
        frames(&rows).len(),
        covered - before,
        hidden - covered
    );
    assert!(over > 20 && away > 20, "{over} under another window, {away} on another workspace");
    let told = serde_json::to_value(metadata(&session)).expect("JSON");
    assert_eq!(told["window_id"], id, "{told}");
}

#[test]
fn a_window_that_is_resized_is_fitted_in_and_one_that_is_closed_is_waited_for() {
    let Some(sway) = Sway::start_newer(SIZE) else { return };
    let out = tempfile::tempdir().expect("a folder");
    let log = sway.file("paints");
    let named = ["--app-id", "game", "--rate", "30"];
    let first = client(&sway, &log, &named);
    sway.waits_for_focus("game");
    let (recording, session) = running(&sway, out.path(), "s", &["--app", "game", "--wait-target", "20s"]);
    sway.does("[app_id=game] floating enable, resize set 500 300");
    pause(1000);
    sway.does("[app_id=game] floating disable");
    pause(700);
    drop(first);
    pause(700);
    let second = client(&sway, &sway.file("again"), &named);
    pause(1500);
    let (code, _) = recording.stop("INT", PATIENCE);
    assert!(code == 0 || code == 3, "{code}");
    let rows = verified(&session);
    let sizes: Vec<_> = rows.iter().filter(|row| row.event_type == "window").collect();
    println!("window rows: {}", sizes.len());
    assert!(sizes.len() >= 2, "{sizes:?}");
    let gap = rows.iter().find(|row| row.metadata.get("reason") == Some("window_gone")).expect("a gap");
    let behind = frames(&rows).into_iter().filter(|row| row.t_ns > gap.t_ns).count();
    assert!(behind > 20, "{behind} frames behind the gap");
    // The last pictures are those of the second one, which counts from the beginning again.
    let numbers = numbers(&session, 800);
    let last = numbers.iter().rev().copied().flatten().next().expect("a number");
    assert!(last < 120, "{last}");
    // One that was named by its identifier has no other that takes its place.
    let (_, list, _) = run(sway.admit(watchcap().args(["targets", "--json"])));
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let id = list.as_array().expect("a list").iter().find(|target| target["kind"] == "window").expect("a window")["id"]
        .as_str()
        .expect("an identifier")
        .to_owned();
    let (recording, session) = running(&sway, out.path(), "t", &["--window", &id]);
    drop(second);
    assert_eq!(recording.wait(), 0);
    let rows = verified(&session);
    let told = serde_json::to_string(&metadata(&session)).expect("JSON");
    assert!(told.contains("window_closed"), "{told}");
    assert!(frames(&rows).len() > 20);
}

#[test]
fn a_window_whose_title_is_excluded_is_black_while_it_is() {
    let Some(sway) = Sway::start_newer(SIZE) else { return };
    let out = tempfile::tempdir().expect("a folder");
    let log = sway.file("paints");
    let client = client(&sway, &log, &["--app-id", "browser", "--title", "My vault | Bitwarden", "--rate", "30"]);
    let (code, _, err) =
        run(sway.admit(&mut record(out.path(), "s", &["--app", "browser", "--duration", "2s", "--fps", "30"])));
    assert!(code == 0 || code == 3, "{code}\n{err}");
    drop(client);
    let session = out.path().join("s");
    let rows = verified(&session);
    assert!(rows.iter().any(|row| row.event_type == "redact"), "it is not told");
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("a video");
    for at in 0..video.len() {
        let picture = video.decode(at).expect("a picture");
        let brightest = picture.planes().0.iter().max().copied();
        assert!(brightest.is_some_and(|luma| luma < 30), "picture {at}: {brightest:?}");
    }
    assert!(video.len() > 20, "{} pictures", video.len());
}

#[test]
fn a_recorder_or_a_compositor_that_dies_leaves_what_seals() {
    let Some(mut sway) = Sway::start_newer(SIZE) else { return };
    let out = tempfile::tempdir().expect("a folder");
    let log = sway.file("paints");
    let _client = client(&sway, &log, &["--app-id", "game", "--rate", "30"]);
    let (recording, session) = running(&sway, out.path(), "killed", &["--app", "game"]);
    drop(recording);
    let (code, _, err) = run(watchcap().arg("finalize").arg(&session));
    assert!(code == 3 && err.contains("what could be read was recovered"), "{code}\n{err}");
    let rows = verified(&session);
    println!("the recorder killed: {} frames are sealed", frames(&rows).len());
    assert!(frames(&rows).len() > 15);
    let (recording, session) = running(&sway, out.path(), "gone", &["--app", "game"]);
    drop(sway.compositor.take());
    assert_eq!(recording.wait(), 3);
    let rows = verified(&session);
    assert!(frames(&rows).len() > 15);
    assert!(rows.iter().any(|row| row.metadata.get("reason") == Some("display_gone")), "the end is not told");
}

#[test]
fn a_monitor_that_changes_its_size_is_fitted_in_and_one_that_is_unplugged_is_waited_for() {
    let Some(sway) = Sway::start_newer(SIZE) else { return };
    let out = tempfile::tempdir().expect("a folder");
    let client = client(&sway, &sway.file("paints"), &["--rate", "30"]);
    sway.does("create_output");
    let more = ["--monitor", "HEADLESS-1", "--allow-missing", "masks", "--wait-target", "20s"];
    let (recording, session) = running(&sway, out.path(), "s", &more);
    sway.does("output HEADLESS-1 resolution 1024x600");
    pause(1000);
    sway.does("output HEADLESS-1 resolution 800x480");
    pause(700);
    sway.does("output HEADLESS-1 disable");
    pause(700);
    sway.does("output HEADLESS-1 enable");
    pause(1500);
    let (code, _) = recording.stop("INT", PATIENCE);
    drop(client);
    assert!(code == 0 || code == 3, "{code}");
    let rows = verified(&session);
    assert!(rows.iter().filter(|row| row.event_type == "window").count() >= 2, "the new size is not told");
    let gap = rows.iter().find(|row| row.metadata.get("reason") == Some("monitor_gone")).expect("a gap");
    let behind = frames(&rows).into_iter().filter(|row| row.t_ns > gap.t_ns).count();
    println!("a monitor: {} frames, {behind} of them behind the gap", frames(&rows).len());
    assert!(behind > 20, "{behind} frames behind the gap");
}
