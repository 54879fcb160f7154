//! Gamepads beside the inputs of X11: each change of a pad is a row with the kernel's own stamp, whatever happens to the pad and to the recording.
//!
//! The pads are files of FUSE's that answer as evdev does (`tests/python/fake_evdev.py`); they take root. What they did is known to the test, and the rows
//! are compared with that one to one.
#![cfg(all(target_os = "linux", feature = "evdev", feature = "x11"))]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;

use crate::control::verb;
use crate::support::device::{Device, may_mount, recording, swept};
use crate::support::{Display, Running, python, run, watchcap};

const PATIENCE: Duration = Duration::from_secs(20);
const SIGNED: (i64, i64) = (-32_768, 32_767);
/// Reports of the fast pad: five seconds of them.
const COUNT: usize = 5000;
/// Codes of the kernel.
const SOUTH: u16 = 0x130;
const ABS_X: u16 = 0;
const ABS_Y: u16 = 1;
const ABS_RZ: u16 = 5;

/// What rows say, and what they should: time, type, pad, control, value.
type Change = (i64, String, i32, Option<String>, f32);

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn pad(name: &str) -> serde_json::Value {
    let buttons: Vec<u16> = (0x130..0x13f).chain([0x2c0]).collect();
    let [least, greatest] = [SIGNED.0, SIGNED.1];
    let stick = [least, greatest, 0];
    let (trigger, hat) = ([0, 1023, 0], [-1, 1, 0]);
    serde_json::json!({
        "name": name, "keys": buttons, "id": [0x054c, 0x0ce6],
        "abs": { "0": stick, "1": stick, "3": stick, "4": stick, "2": trigger, "5": trigger, "16": hat, "17": hat },
    })
}

/// A recording that runs.
struct Recording {
    display: Display,
    running: Running,
    out: tempfile::TempDir,
}

impl Recording {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let (display, out) = (Display::start(320, 200), tempfile::tempdir().expect("a folder"));
        let mut command = recording(folder, out.path(), "10");
        command.args(["--allow-missing", "masks,redaction,focus,position,lock"]).args(more);
        command.env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY");
        command.env("WATCHCAP_CONTROL_DIR", out.path().join("control"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let running = Running(command.spawn().expect("it runs"));
        let (log, began) = (out.path().join("s/log"), Instant::now());
        while !log.is_dir() {
            assert!(began.elapsed() < PATIENCE, "it does not begin");
            pause(20);
        }
        pause(700);
        Self { display, running, out }
    }

    /// Ends it; the exit code, and the session.
    fn stop(self) -> (i32, Session) {
        let Self { display, running, out } = self;
        let (code, _) = running.stop("INT", PATIENCE);
        drop(display);
        (code, Session::of(out))
    }
}

struct Session {
    dir: PathBuf,
    rows: Vec<OwnedRow>,
    metadata: Metadata,
    _out: tempfile::TempDir,
}

impl Session {
    fn of(out: tempfile::TempDir) -> Self {
        let dir = out.path().join("s");
        let (verified, _, err) = run(watchcap().arg("verify").arg(&dir));
        assert_eq!(verified, 0, "{err}");
        let reader = SessionReader::open(&dir).expect("a session");
        let rows = reader.events().rows().checked().collect::<Result<Vec<_>, _>>().expect("rows");
        let metadata = reader.metadata().clone();
        Self { dir, rows, metadata, _out: out }
    }

    /// What the rows of pads say that the device made.
    fn changes(&self) -> Vec<Change> {
        let of_device = |row: &&OwnedRow| row.source.as_deref() == Some("evdev");
        self.pads().filter(of_device).filter_map(change).collect()
    }

    fn pads(&self) -> impl Iterator<Item = &OwnedRow> {
        self.rows.iter().filter(|row| row.event_type.starts_with("gamepad_"))
    }

    /// How much was left out for a reason.
    fn lost(&self, reason: &str) -> usize {
        let of = |gap: &OwnedRow| gap.metadata.get("lost").and_then(|lost| lost.parse::<usize>().ok());
        self.gaps(reason).into_iter().map(|gap| of(gap).expect("a count")).sum()
    }

    fn gaps(&self, reason: &str) -> Vec<&OwnedRow> {
        self.rows.iter().filter(|row| row.metadata.get("reason") == Some(reason)).collect()
    }
}

fn change(row: &OwnedRow) -> Option<Change> {
    Some((row.t_ns, row.event_type.clone(), row.pad?, row.control.clone(), row.value?))
}

fn axis(t: i64, pad: i32, control: &str, value: f32) -> Change {
    (t, "gamepad_axis".into(), pad, Some(control.into()), value)
}

fn button(t: i64, pad: i32, control: &str, down: bool) -> Change {
    (t, "gamepad_button".into(), pad, Some(control.into()), f32::from(u8::from(down)))
}

/// Where a stick of 16 bits is.
fn tilt(raw: i64) -> f32 {
    (raw as f64 / if raw < 0 { 32_768.0 } else { 32_767.0 }) as f32
}

#[test]
fn every_change_of_a_gamepad_beside_x11_becomes_one_row_with_its_stamp() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut about = pad("Test Pad");
    about["held"] = serde_json::json!([0x136]);
    about["abs"]["4"] = serde_json::json!([SIGNED.0, SIGNED.1, -32_768]);
    let mut device = Device::plug(&folder.path().join("event0"), &about);
    let keyboard = serde_json::json!({ "name": "Test Keyboard", "keys": [30] });
    let mut keyboard = Device::plug(&folder.path().join("event1"), &keyboard);
    let recording = Recording::start(folder.path(), &[]);
    let mut told = Vec::new();
    let mut does = |what: &str| device.does(what);
    for round in 0..10_i64 {
        let raw = 3000 * round - 15_000;
        let t = does(&format!("ev 3 {ABS_X} {raw} 3 {ABS_Y} {}", -raw - 1));
        told.extend([axis(t, 0, "left_x", tilt(raw)), axis(t, 0, "left_y", tilt(-raw - 1))]);
        let t = does(&format!("ev 1 {SOUTH} 1 3 {ABS_RZ} {}", 100 * round + 1));
        // Buttons of a report are told before its axes.
        told.extend([
            button(t, 0, "south", true),
            axis(t, 0, "right_trigger", ((100 * round + 1) as f64 / 1023.0) as f32),
        ]);
        let t = does(&format!("ev 1 {SOUTH} 0"));
        told.push(button(t, 0, "south", false));
        let t = does("ev 3 16 -1");
        told.push(button(t, 0, "dpad_left", true));
        let t = does("ev 3 16 1 3 17 -1");
        told.extend([
            button(t, 0, "dpad_left", false),
            button(t, 0, "dpad_right", true),
            button(t, 0, "dpad_up", true),
        ]);
        let t = does("ev 3 16 0 3 17 0");
        told.extend([button(t, 0, "dpad_right", false), button(t, 0, "dpad_up", false)]);
        // By place, not by letter; and one without a name.
        let t = does("ev 1 0x133 1 1 0x2c0 1");
        told.extend([button(t, 0, "north", true), (t, "gamepad_button".into(), 0, None, 1.0)]);
        let t = does("ev 1 0x133 0 1 0x2c0 0");
        told.extend([button(t, 0, "north", false), (t, "gamepad_button".into(), 0, None, 0.0)]);
        // What changes nothing is no row: the kernel does not even tell it.
        keyboard.does("ev 1 30 1");
        keyboard.does("ev 1 30 0");
        pause(7);
    }
    pause(100);
    let (code, session) = recording.stop();
    assert_eq!(code, 0);
    assert_eq!(session.changes(), told);
    let codes: Vec<_> =
        session.pads().filter(|row| row.control.is_none()).filter_map(|row| row.metadata.get("native")).collect();
    assert_eq!(codes, ["704"; 20]);
    // What was there and held at the start, and is let go of at the end.
    let stated: Vec<_> = session.pads().filter(|row| row.source.as_deref() == Some("recorder")).collect();
    let first = stated.first().expect("a pad");
    assert_eq!((first.event_type.as_str(), first.pad), ("gamepad_connect", Some(0)));
    let about = ["name", "vendor", "product", "mapping", "held"].map(|key| first.metadata.get(key));
    assert_eq!(about, [Some("Test Pad"), Some("054c"), Some("0ce6"), Some("standard"), Some("1")]);
    let held: Vec<_> = stated[1..]
        .iter()
        .filter_map(|row| change(row))
        .map(|(_, _, _, control, value)| (control.expect("a name"), value))
        .collect();
    let last = tilt(12_000);
    assert_eq!(held[..2], [("left_shoulder".into(), 1.0), ("right_y".into(), -1.0)], "at the start");
    let mut released = held[2..].to_vec();
    released.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<_> = released.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(
        names,
        ["left_shoulder", "left_x", "left_y", "right_trigger", "right_y"].map(|name| (name, 0.0)),
        "{last}"
    );
    assert!(
        !session.rows.iter().any(|row| row.event_type.starts_with("key_") && row.source.as_deref() == Some("evdev")),
        "a keyboard is X11's"
    );
    let input = &session.metadata.streams["input"];
    assert_eq!(
        (input.source.as_deref(), session.metadata.input_device.as_deref()),
        (Some("xi2+evdev"), Some("keyboard+mouse+gamepad"))
    );
    assert_eq!(input.settings["gamepads"].as_bool(), Some(true));
    assert!(!python("row_hash.py", &[&session.dir.join("events.parquet")]).is_empty());
    drop((device, keyboard));
}

#[test]
fn a_thousand_reports_a_second_are_recorded_without_a_loss() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut device = Device::plug(&folder.path().join("event0"), &pad("Fast Pad"));
    let recording = Recording::start(folder.path(), &[]);
    let times = device.sweeps(COUNT, 1000, &[ABS_X, ABS_Y]);
    pause(200);
    let (code, session) = recording.stop();
    let truth: Vec<_> = times
        .iter()
        .enumerate()
        .flat_map(|(n, t)| {
            [(0, "left_x"), (1, "left_y")].map(|(place, name)| axis(*t, 0, name, tilt(swept(n, place, SIGNED))))
        })
        .collect();
    let rows = session.changes();
    let seconds = (times[COUNT - 1] - times[0]) as f64 / 1e9;
    println!("{COUNT} reports in {seconds:.2} s, {} of {} changes in the table", rows.len(), truth.len());
    let lost = session.lost("gamepad_rate");
    if lost == 0 {
        assert!(rows == truth, "rows are not what the pad did");
        assert_eq!(code, 0);
    } else {
        // A busy machine held the pad itself up, and then it did more than 100 things at once.
        println!("NOT 1000 Hz: the pad caught up, {lost} of its reports were left out");
        assert!(times.windows(102).any(|part| part[101] - part[0] < 90_000_000), "the pad was even");
        assert_eq!(rows.len() + 2 * lost, truth.len());
        assert!(rows.iter().all(|row| truth.contains(row)));
    }
    drop(device);
}

#[test]
fn what_comes_too_fast_is_counted_and_where_it_ends_is_told() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut device = Device::plug(&folder.path().join("event0"), &pad("Very Fast Pad"));
    let recording = Recording::start(folder.path(), &[]);
    let times = device.sweeps(4000, 4000, &[ABS_X]);
    pause(300);
    let (code, session) = recording.stop();
    let rows = session.changes();
    let gaps = session.gaps("gamepad_rate");
    let lost = session.lost("gamepad_rate");
    println!("{} rows, {lost} left out in {} gaps", rows.len(), gaps.len());
    assert_eq!(rows.len() + lost, times.len(), "every report is a row or counted");
    assert!(gaps.len() <= 3, "{} gaps", gaps.len());
    let seconds = (times[3999] - times[0]) as f64 / 1e9;
    // What was saved up, the last place, and the one that the begin of the second has of its own.
    assert!(rows.len() as f64 <= 1000.0 * seconds + 102.0, "{} in {seconds} s", rows.len());
    assert_eq!(rows.last(), Some(&axis(times[3999], 0, "left_x", tilt(swept(3999, 0, SIGNED)))));
    let expected = |(n, t): (usize, &i64)| axis(*t, 0, "left_x", tilt(swept(n, 0, SIGNED)));
    let truth: Vec<_> = times.iter().enumerate().map(expected).collect();
    assert!(rows.iter().all(|row| truth.contains(row)), "each row is one of the pad's own");
    assert_eq!(code, 3, "something was left out, and that is said");
    drop(device);
}

#[test]
fn pads_that_come_go_and_lose_events_are_told_and_leave_nothing_held() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Device::plug(&folder.path().join("event0"), &pad("First"));
    let recording = Recording::start(folder.path(), &[]);
    let mut second = Device::plug(&folder.path().join("event1"), &pad("Second"));
    pause(500);
    let mut told = Vec::new();
    let t = first.does(&format!("ev 1 {SOUTH} 1 3 {ABS_X} 32767"));
    told.extend([button(t, 0, "south", true), axis(t, 0, "left_x", 1.0)]);
    let t = second.does(&format!("ev 1 {SOUTH} 1"));
    told.push(button(t, 1, "south", true));
    // The queue of the second runs over while it lets go, and tilts.
    let overflow = second.does(&format!("drop 1 {SOUTH} 0 1 0x131 1 3 {ABS_Y} -32768"));
    told.extend([
        button(overflow, 1, "south", false),
        button(overflow, 1, "east", true),
        axis(overflow, 1, "left_y", -1.0),
    ]);
    pause(100);
    first.does("unplug");
    pause(300);
    // It comes back, and is the first again.
    let mut again = Device::plug(&folder.path().join("event2"), &pad("First"));
    pause(500);
    let t = again.does(&format!("ev 1 {SOUTH} 1"));
    told.push(button(t, 0, "south", true));
    pause(100);
    let (code, session) = recording.stop();
    assert_eq!(code, 3, "an overflow lost what nobody can count");
    let changes = session.changes();
    let (released, rest): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| !told.contains(change));
    let mut expected = told.clone();
    expected.sort_by_key(|change| change.0);
    assert_eq!(rest, expected);
    let released: Vec<_> =
        released.into_iter().map(|(_, _, pad, control, value)| (pad, control.expect("a name"), value)).collect();
    assert_eq!(released, [(0, "south".into(), 0.0), (0, "left_x".into(), 0.0)], "what the pad held that was unplugged");
    let presence: Vec<_> = session
        .pads()
        .filter(|row| row.event_type.ends_with("connect"))
        .map(|row| (row.event_type.as_str(), row.pad, row.metadata.get("name"), row.metadata.get("held").is_some()))
        .collect();
    let (came, went) = ("gamepad_connect", "gamepad_disconnect");
    assert_eq!(
        presence,
        [
            (came, Some(0), Some("First"), true),
            (came, Some(1), Some("Second"), false),
            (went, Some(0), None, false),
            (came, Some(0), Some("First"), false)
        ]
    );
    assert_eq!((session.gaps("gamepad_overflow").len(), session.gaps("device_gone").len()), (1, 0));
    drop((first, second, again));
}

#[test]
fn a_killed_recording_has_what_the_pad_did_before() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut device = Device::plug(&folder.path().join("event0"), &pad("P"));
    let recording = Recording::start(folder.path(), &["--no-finalize"]);
    // Half of what is told whole: a pad that is held up on a busy machine catches up with many at once.
    let times = device.sweeps(800, 500, &[ABS_X]);
    let Recording { display, mut running, out } = recording;
    running.0.kill().expect("a kill");
    running.0.wait().expect("its end");
    let killed = watchcap_now();
    drop(display);
    let (code, _, err) = run(watchcap().arg("finalize").arg(out.path().join("s")));
    assert!(code == 0 || code == 3, "{err}");
    let session = Session::of(out);
    let rows = session.changes();
    let truth: Vec<_> =
        times.iter().enumerate().map(|(n, t)| axis(*t, 0, "left_x", tilt(swept(n, 0, SIGNED)))).collect();
    assert_eq!(rows, truth[..rows.len()]);
    let missing = truth.get(rows.len()).map_or(0, |(t, ..)| killed - t);
    println!("{} of {} changes, {:.1} ms of the end are missing", rows.len(), truth.len(), missing as f64 / 1e6);
    assert!(missing <= 60_000_000, "{missing} ns");
    let last = session.pads().last().and_then(change).expect("a row");
    assert_eq!((last.3.as_deref(), last.4), (Some("left_x"), 0.0), "nothing is left held");
    drop(device);
}

fn watchcap_now() -> i64 {
    use watchcap::base::time::Clock as _;
    watchcap::base::time::SystemClock.now().0
}

#[test]
fn a_pause_holds_nothing_and_behind_it_is_told_where_the_pad_is() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut device = Device::plug(&folder.path().join("event0"), &pad("P"));
    let recording = Recording::start(folder.path(), &[]);
    let dir = recording.out.path().to_owned();
    let order = |what: &str| {
        verb(&dir, &[what], 0);
        pause(300);
    };
    device.does(&format!("ev 1 {SOUTH} 1 3 {ABS_X} 32767"));
    pause(100);
    order("pause");
    device.does(&format!("ev 1 {SOUTH} 0 1 0x131 1 3 {ABS_X} -32768"));
    pause(100);
    let mut second = Device::plug(&folder.path().join("event1"), &pad("Second"));
    pause(500);
    second.does(&format!("ev 3 {ABS_RZ} 1023"));
    pause(100);
    order("resume");
    let t = device.does(&format!("ev 3 {ABS_X} 0"));
    pause(100);
    let (code, session) = recording.stop();
    assert_eq!(code, 0);
    let at = |kind: &str| session.rows.iter().position(|row| row.event_type == kind).expect("a row");
    let (paused, resumed) = (at("pause"), at("resume"));
    let said = |rows: &[OwnedRow]| -> Vec<(String, i32, String, bool)> {
        let of_pads = rows.iter().filter(|row| row.event_type.starts_with("gamepad_"));
        of_pads
            .map(|row| {
                let value = row.value.map_or_else(|| row.event_type.clone(), |value| value.to_string());
                let name = row.control.clone().or(row.metadata.get("name").map(str::to_owned)).unwrap_or_default();
                (name, row.pad.expect("a number"), value, row.metadata.get("held").is_some())
            })
            .collect()
    };
    let row = |name: &str, pad: i32, value: &str, held: bool| (name.to_owned(), pad, value.to_owned(), held);
    let before = [
        row("P", 0, "gamepad_connect", true),
        row("south", 0, "1", false),
        row("left_x", 0, "1", false),
        row("south", 0, "0", true),
        row("left_x", 0, "0", true),
    ];
    assert_eq!(said(&session.rows[..paused]), before);
    assert_eq!(said(&session.rows[paused..resumed]), []);
    let behind = [
        row("Second", 1, "gamepad_connect", true),
        row("east", 0, "1", true),
        row("left_x", 0, "-1", true),
        row("right_trigger", 1, "1", true),
        row("left_x", 0, "0", false),
        row("east", 0, "0", true),
        row("right_trigger", 1, "0", true),
    ];
    assert_eq!(said(&session.rows[resumed..]), behind);
    assert_eq!(session.changes().last().map(|change| change.0), Some(t));
    drop((device, second));
}

#[test]
fn without_a_word_of_locks_pads_are_not_recorded_and_that_is_said() {
    if !may_mount() {
        return;
    }
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let device = Device::plug(&folder.path().join("event0"), &pad("P"));
    let display = Display::start(320, 200);
    let record = |name: &str, more: &[&str]| {
        let mut command = watchcap();
        command.args([
            "record",
            "--consent",
            "screen,input",
            "--duration",
            "1s",
            "--max-dropped",
            "100",
            "--session",
            name,
            "--out",
        ]);
        command.arg(out.path()).args(["--allow-missing", "masks,redaction,focus,position"]).args(more);
        command.env("WATCHCAP_EVDEV_DIR", folder.path()).env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY");
        // No bus, as in a container.
        command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        run(&mut command)
    };
    let (code, _, err) = record("a", &[]);
    assert!(
        code == 0 && err.contains("gamepads are not recorded") && err.contains("--allow-missing lock"),
        "{code}\n{err}"
    );
    let (code, _, err) = record("b", &["--allow-missing", "lock"]);
    assert!(code == 0 && err.contains("gamepads are recorded: P"), "{code}\n{err}");
    let (code, _, err) = record("c", &["--gamepads", "off"]);
    assert!(code == 0 && !err.contains("gamepads"), "{code}\n{err}");
    let (code, _, err) = record("d", &["--gamepads", "on"]);
    assert!(code == 1 && err.contains("cannot provide lock"), "{code}\n{err}");
    let counts = |name: &str| {
        let reader = SessionReader::open(&out.path().join(name)).expect("a session");
        let metadata = reader.metadata();
        let has_pads = metadata.counts.keys().any(|kind| kind.starts_with("gamepad"));
        (has_pads, metadata.streams["input"].source.clone(), metadata.input_device.clone())
    };
    let plain = (false, Some("xi2".into()), Some("keyboard+mouse".into()));
    assert_eq!((counts("a"), counts("c")), (plain.clone(), plain));
    assert_eq!(counts("b"), (true, Some("xi2+evdev".into()), Some("keyboard+mouse+gamepad".into())));
    drop(device);
}
