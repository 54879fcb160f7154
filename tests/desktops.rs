//! The portal of real desktops: sway of Debian testing, whose portal needs no dialog, and GNOME, whose dialog is stood in for. `make test-desktops`
//! has what they need; elsewhere these say that they did not run.
#![cfg(all(target_os = "linux", feature = "wayland-portal"))]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use watchcap::base::time::{Clock, SystemClock};
use watchcap::capture::backend::ScreenPlan;
use watchcap::capture::registry;
use watchcap::capture::{Facet, InputSink, Outlets, RawInput, Target};
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;

use crate::support::desktop::{Desktop, Kind};
use crate::support::{Running, example, run, watchcap};
use crate::wayland_copy::shown_in_time;

/// No wait is longer.
const PATIENCE: Duration = Duration::from_secs(40);
const SIZE: (u32, u32) = (640, 480);

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

fn client(desktop: &Desktop, log: &Path, more: &[&str]) -> Running {
    let mut client = example("wayland_client");
    client.arg("--log").arg(log).args(more);
    let mut client = desktop.runs(&client);
    let client = Running(client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a client"));
    wait_for("the client does not paint", || std::fs::read_to_string(log).is_ok_and(|text| text.contains('\n')));
    client
}

fn record(desktop: &Desktop, name: &str, more: &[&str]) -> Command {
    let mut command = watchcap();
    command.args(["record", "--screen-backend", "wayland-portal", "--consent", "screen", "--allow-missing", "masks"]);
    command.args(["--session", name, "--out"]).arg(desktop.out()).args(more);
    desktop.runs(&command)
}

/// Starts a recording without an end, and waits until it has had pictures.
fn running(desktop: &Desktop, name: &str) -> (Running, PathBuf) {
    let mut command = record(desktop, name, &["--duration", "120s"]);
    let said = desktop.log(&format!("{name}.said"));
    let stderr = std::fs::File::create(&said).expect("a file");
    let recording = Running(command.stdout(Stdio::null()).stderr(stderr).spawn().expect("it runs"));
    let session = desktop.out().join(name);
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

fn gaps(rows: &[OwnedRow], reason: &str) -> usize {
    rows.iter().filter(|row| row.metadata.get("reason") == Some(reason)).count()
}

fn frames(rows: &[OwnedRow]) -> usize {
    rows.iter().filter(|row| row.event_type == "frame").count()
}

/// How old new pictures were when they were taken, milliseconds: in the middle, and the 99th of a hundred.
fn ages(rows: &[OwnedRow]) -> (f64, f64) {
    let news = rows.iter().filter(|row| row.event_type == "frame" && row.metadata.get("dup").is_none());
    let mut us: Vec<f64> = news.filter_map(|row| row.metadata.get("capture_us")?.parse().ok()).collect();
    us.sort_by(f64::total_cmp);
    (us[us.len() / 2] / 1000.0, us[us.len() * 99 / 100] / 1000.0)
}

#[test]
fn sway_s_portal_hands_out_pictures_that_are_never_newer_than_their_time() {
    let Some(desktop) = Desktop::start(Kind::Sway, SIZE) else { return };
    for (name, rate, fps) in [("slow", "7", "60"), ("fast", "60", "30"), ("faster", "60", "60")] {
        let log = desktop.log(&format!("{name}.jsonl"));
        let client = client(&desktop, &log, &["--rate", rate]);
        let (code, _, err) = run(&mut record(&desktop, name, &["--duration", "5s", "--fps", fps]));
        assert!(code == 0 || code == 3, "{code}\n{err}");
        drop(client);
        let session = desktop.out().join(name);
        let rows = verified(&session);
        shown_in_time(&session, &log, name, (100, if name == "slow" { 100 } else { 0 }));
        let (middle, late) = ages(&rows);
        println!("sway, {name}: {} frames, new ones {middle} ms old (p99 {late})", frames(&rows));
    }
    let token = desktop.file("home/.config/watchcap/portal-token");
    let mode = std::fs::metadata(&token).expect("a token").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_ends_on_sway_s_portal_ends_as_promised() {
    let Some(desktop) = Desktop::start(Kind::Sway, SIZE) else { return };
    let log = desktop.log("paints.jsonl");
    let _client = client(&desktop, &log, &["--rate", "30"]);
    // The program that takes the pictures.
    let (recording, session) = running(&desktop, "child");
    let parent = recording.0.id().to_string();
    let (code, _, err) = run(Command::new("pkill").args(["-9", "-P", &parent]));
    assert_eq!(code, 0, "it has no child: {err}");
    pause(2500);
    let (code, _) = recording.stop("INT", PATIENCE);
    assert!(code == 0 || code == 3, "{code}");
    let rows = verified(&session);
    let gap = rows.iter().find(|row| row.metadata.get("reason") == Some("cast_interrupted")).expect("a gap");
    let behind = rows.iter().filter(|row| row.event_type == "frame" && row.t_ns > gap.t_ns).count();
    assert!(behind > 30, "{behind} frames behind the gap");
    println!("sway, its child killed: {} frames, {behind} of them behind the gap", frames(&rows));
    // The recorder.
    let (recording, session) = running(&desktop, "killed");
    drop(recording);
    let (code, _, err) = run(&mut desktop.runs(watchcap().arg("finalize").arg(&session)));
    assert!(code == 3 && err.contains("what could be read was recovered"), "{code}\n{err}");
    let rows = verified(&session);
    assert!(frames(&rows) > 20, "{} frames", frames(&rows));
    println!("sway, the recorder killed: {} frames are sealed", frames(&rows));
    // PipeWire.
    let (recording, session) = running(&desktop, "pipewire");
    desktop.kills("pipewire");
    assert_eq!(recording.wait(), 3);
    let rows = verified(&session);
    assert_eq!(gaps(&rows, "source_gone"), 1);
    println!("sway, PipeWire killed: {} frames, and the end is told", frames(&rows));
}

#[test]
fn gnome_s_portal_hands_out_pictures_and_says_when_it_ends() {
    let Some(desktop) = Desktop::start(Kind::Gnome, SIZE) else { return };
    let log = desktop.log("paints.jsonl");
    let running_client = client(&desktop, &log, &["--rate", "10"]);
    desktop.asks("deny", "");
    let (code, _, err) = run(&mut record(&desktop, "denied", &["--duration", "1s"]));
    assert!(code == 1 && err.contains("dialog was cancelled"), "{code}\n{err}");
    assert!(!desktop.out().join("denied").exists());
    for (name, cursor) in [("drawn", "on"), ("hidden", "off")] {
        let (code, _, err) = run(&mut record(&desktop, name, &["--duration", "6s", "--fps", "30", "--cursor", cursor]));
        assert!(code == 0 || code == 3, "{code}\n{err}");
        let session = desktop.out().join(name);
        let rows = verified(&session);
        shown_in_time(&session, &log, name, (60, 0));
        let (middle, late) = ages(&rows);
        println!("GNOME, {name}: {} frames, new ones {middle} ms old (p99 {late})", frames(&rows));
    }
    let starts = std::fs::read_to_string(desktop.file("starts")).expect("dialogs");
    println!("GNOME, dialogs: {}", starts.replace('\n', "; "));
    assert!(starts.lines().last().is_some_and(|line| line.contains("remembered True")), "{starts}");
    let (recording, session) = running(&desktop, "closed");
    desktop.asks("close", "");
    assert_eq!(recording.wait(), 3);
    let rows = verified(&session);
    assert_eq!(gaps(&rows, "source_gone"), 1);
    drop(running_client);
}

#[test]
fn gnome_tells_where_the_pointer_is_beside_its_pictures() {
    let Some(desktop) = Desktop::start(Kind::Gnome, SIZE) else { return };
    let mut inner = Command::new(std::env::current_exe().expect("this program"));
    inner.args(["desktops::inner_pointer", "--exact", "--ignored", "--nocapture"]);
    inner.env("WATCHCAP_PIPEWIRE", Path::new(env!("CARGO_BIN_EXE_watchcap")).with_file_name("watchcap-pipewire"));
    let mut inner = desktop.runs(&inner);
    let told = desktop.log("told");
    inner
        .stdout(std::fs::File::create(&told).expect("a file"))
        .stderr(std::fs::File::create(desktop.log("said")).expect("a file"));
    let mut inner = Running(inner.spawn().expect("this program"));
    wait_for("it does not begin", || std::fs::read_to_string(&told).is_ok_and(|text| text.contains("begins")));
    let places: Vec<(i32, i32)> = (0..20).map(|step| (60 + step * 20, 100 + step * 10)).collect();
    for (x, y) in &places {
        desktop.asks("point", &format!("{x} {y}\n"));
        pause(150);
    }
    let code = inner.0.wait().expect("its end");
    let told = std::fs::read_to_string(&told).expect("what it said");
    let said = std::fs::read_to_string(desktop.log("said")).expect("what it said");
    assert!(code.success(), "{told}{said}");
    let seen: Vec<(i64, i32, i32)> = told
        .lines()
        .filter_map(|line| line.strip_prefix("at "))
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[0].parse().expect("a time"), words[1].parse().expect("x"), words[2].parse().expect("y"))
        })
        .collect();
    let hand = std::fs::read_to_string(desktop.file("hand")).expect("what was done");
    let mut found = 0;
    for line in hand.lines() {
        let words: Vec<i64> = line.split(' ').map(|word| word.parse().expect("a number")).collect();
        let of = seen.iter().find(|(_, x, y)| (i64::from(*x), i64::from(*y)) == (words[1], words[2]));
        let Some((t, ..)) = of else { continue };
        assert!(*t >= words[0], "{line} was told {} ns before it was done", words[0] - t);
        found += 1;
    }
    println!("GNOME: {found} of {} places of the pointer are told, of {} in all", places.len(), seen.len());
    assert!(found * 10 >= places.len() * 8, "{found} of {}:\n{told}", places.len());
    assert!(seen.is_sorted_by_key(|(t, ..)| *t));
}

#[test]
#[ignore = "run by the test above"]
fn inner_pointer() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let plan = ScreenPlan {
        target: Target::Primary,
        cursor: true,
        exclusions: Arc::default(),
        wait_target: Duration::ZERO,
        clock,
    };
    let backend = registry::choice(registry::screens(), "wayland-portal").expect("it is in this build");
    let open = registry::open_screen(backend, &plan, false).expect("a way");
    let (queue, told) = crossbeam_channel::unbounded();
    let mut source = open(Outlets::to(Arc::new(InputSink::new(queue)))).expect("a screen");
    let description = source.describe();
    assert!(description.cursor && description.hands_in.has(Facet::Position), "{description:?}");
    println!("begins");
    let (began, mut new) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(5) {
        new += usize::from(source.look(false).expect("a look").is_new());
        for input in told.try_iter() {
            let RawInput::Motion { position: Some((x, y)), motion: None, .. } = input.input else { panic!("no place") };
            println!("at {} {x} {y}", input.t.0);
        }
        pause(10);
    }
    // Its moves are pictures too, though nothing else changes. How it looks a GNOME without a monitor does not tell: it has none.
    println!("pictures {new}");
    assert!(new > 10, "{new} pictures");
}
