//! Inputs of the kernel's devices, on a real compositor: what a device does becomes rows with the kernel's own stamps.
//!
//! The devices are files of FUSE's that answer as evdev does (`tests/python/fake_evdev.py`): opening, waiting and unplugging are the
//! real kernel's. They take root.
#![cfg(all(target_os = "linux", feature = "evdev", feature = "wayland"))]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use watchcap::base::hid;
use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;

use crate::support::device::{Device, may_mount, moved, recording};
use crate::support::logind::Logind;
use crate::support::sway::Sway;
use crate::support::{Display, Running, example, run, watchcap};

const PATIENCE: Duration = Duration::from_secs(20);
/// An application whose windows are excluded.
const VAULT: &str = "org.keepassxc.KeePassXC";

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Waits until the recording `s` in a folder has begun.
fn begins(out: &Path) {
    let began = Instant::now();
    while !out.join("s/log").is_dir() {
        assert!(began.elapsed() < PATIENCE, "it does not begin");
        pause(20);
    }
}

#[test]
fn what_devices_do_becomes_rows_with_their_own_stamps() {
    if !may_mount() {
        return;
    }
    let sway = Sway::start((640, 480), false);
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let keyboard = serde_json::json!({ "name": "Test Keyboard", "keys": [30, 31, 32], "held": [31] });
    let mouse = serde_json::json!({ "name": "Test Mouse", "keys": [0x110, 0x113], "rel": [0, 1, 8, 11] });
    let mut keyboard = Device::plug(&folder.path().join("event0"), &keyboard);
    let mut mouse = Device::plug(&folder.path().join("event1"), &mouse);
    let mut command = recording(folder.path(), out.path(), "10");
    command.args(["--allow-missing", "masks,redaction,focus,position,lock"]);
    command.stdout(Stdio::null());
    let running = Running(sway.admit(&mut command).spawn().expect("it runs"));
    begins(out.path());
    pause(500);
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(("key_down", keyboard.does("ev 4 4 458756 1 30 1")));
        told.push(("mouse_move", mouse.does("ev 2 0 7 2 1 -3")));
        told.push(("wheel", mouse.does("ev 2 8 1 2 11 60")));
        told.push(("mouse_click", mouse.does("ev 1 0x113 1")));
        told.push(("mouse_click", mouse.does("ev 1 0x113 0")));
        told.push(("key_up", keyboard.does("ev 1 30 0")));
        pause(30);
    }
    // The queue runs over while a key goes down: nobody told of it, and it is held all the same.
    let overflow = keyboard.does("drop 1 32 1");
    pause(100);
    // A second keyboard comes, holds the same key, and goes with it.
    let second = serde_json::json!({ "name": "Second", "keys": [30, 32] });
    let mut second = Device::plug(&folder.path().join("event2"), &second);
    pause(500);
    told.push(("key_down", second.does("ev 1 30 1")));
    pause(50);
    second.does("unplug");
    pause(300);
    let (code, _) = running.stop("INT", PATIENCE);
    // Events were lost, and that is told.
    assert_eq!(code, 3);

    let session = out.path().join("s");
    let (verified, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(verified, 0, "{err}");
    let metadata: Metadata =
        serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("metadata");
    let input = &metadata.streams["input"];
    assert_eq!(input.source.as_deref(), Some("evdev"));
    for (facet, has) in [
        ("keys", true),
        ("buttons", true),
        ("wheel", true),
        ("relative_motion", true),
        ("position", false),
        ("focus", true),
    ] {
        assert_eq!(input.settings[facet].as_bool(), Some(has), "{facet}");
    }
    let reader = SessionReader::open(&session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<OwnedRow>, _>>().expect("rows");
    let of_device = |row: &&OwnedRow| row.source.as_deref() == Some("evdev");
    for (kind, ns) in &told {
        let found = rows.iter().filter(of_device).filter(|row| row.event_type == *kind && row.t_ns == *ns).count();
        assert_eq!(found, 1, "{kind} at {ns}");
    }
    let key = |code: &str| hid::usage_of_code(code).map(|usage| i32::from(usage.0));
    let (a, s, d) = (key("KeyA"), key("KeyS"), key("KeyD"));
    let keys = |code| {
        rows.iter()
            .filter(move |row| row.key_code == code)
            .map(|row| (row.event_type.clone(), row.t_ns))
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(s).first().map(|(kind, _)| kind.as_str()), Some("key_down"), "what was held at the start");
    let held = keys(d);
    assert!(
        held.first().is_some_and(|(kind, t)| kind == "key_down" && *t >= overflow),
        "what was held after the overflow: {held:?}"
    );
    assert_eq!(
        keys(a).last().map(|(kind, _)| kind.as_str()),
        Some("key_up"),
        "what an unplugged device held is released"
    );
    let moves: Vec<_> = rows.iter().filter(of_device).filter(|row| row.event_type == "mouse_move").collect();
    assert!(moves.iter().all(|row| (row.mouse_dx, row.mouse_dy, row.mouse_x) == (Some(7.0), Some(-3.0), None)));
    assert_eq!(moves.len(), 5);
    let wheels: Vec<_> = rows.iter().filter(|row| row.event_type == "wheel").map(|row| row.delta).collect();
    assert_eq!(wheels, [Some(0.5); 5], "in high resolution, once");
    let gap = |reason: &str| rows.iter().filter(|row| row.metadata.get("reason") == Some(reason)).count();
    assert_eq!((gap("device_overflow"), gap("device_gone")), (1, 1));
    drop((keyboard, mouse, second));
}

/// A dialog may stand between opening the devices and the begin, and what is typed into it is of no recording.
#[test]
fn what_comes_between_opening_and_the_begin_is_left_out_and_what_is_held_then_is_told() {
    if !may_mount() {
        return;
    }
    let sway = Sway::start((640, 480), false);
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let overflow = serde_json::json!([0, 3, 0]);
    let keyboard = serde_json::json!({ "name": "K", "keys": [30, 31, 32, 33], "held": [31], "late": [
        [1, 30, 1], [1, 30, 0], [1, 32, 1], [1, 31, 0], overflow
    ]});
    // More than the kernel keeps, so that its queue runs over.
    let mut late = vec![overflow.clone()];
    late.extend(std::iter::repeat_n(serde_json::json!([2, 0, 5, 2, 1, 5]), 200));
    let mouse = serde_json::json!({ "name": "M", "keys": [0x110], "rel": [0, 1], "late": late });
    let pad = serde_json::json!({
        "name": "P", "keys": [0x130, 0x131], "abs": { "0": [-100, 100, 0], "1": [-100, 100, 0] }, "held": [0x131],
        "late": [[1, 0x130, 1, 3, 0, 70], [1, 0x131, 0, 3, 0, 50], overflow]
    });
    let mut keyboard = Device::plug(&folder.path().join("event0"), &keyboard);
    let mouse = Device::plug(&folder.path().join("event1"), &mouse);
    let pad = Device::plug(&folder.path().join("event2"), &pad);
    let mut command = recording(folder.path(), out.path(), "10");
    command.args(["--allow-missing", "masks,redaction,focus,position,lock"]).stdout(Stdio::null());
    let running = Running(sway.admit(&mut command).spawn().expect("it runs"));
    begins(out.path());
    pause(700);
    let first = keyboard.does("ev 1 33 1");
    keyboard.does("ev 1 33 0 1 32 0");
    pause(300);
    let (code, _) = running.stop("INT", PATIENCE);
    assert_eq!(code, 0, "what is left out is no loss");
    let session = out.path().join("s");
    let (verified, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(verified, 0, "{err}");
    let reader = SessionReader::open(&session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<OwnedRow>, _>>().expect("rows");
    let code = |name: &str| hid::usage_of_code(name).map(|usage| i32::from(usage.0));
    let keys: Vec<_> = rows.iter().filter(|row| row.event_type.starts_with("key_")).collect();
    let said: Vec<_> = keys.iter().map(|row| (row.event_type.as_str(), row.key_code)).collect();
    let (down, up) = ("key_down", "key_up");
    let (s, d, f) = (code("KeyS"), code("KeyD"), code("KeyF"));
    assert_eq!(said, [(down, s), (up, s), (down, d), (down, f), (up, f), (up, d)]);
    assert!(keys[1].t_ns == keys[2].t_ns && keys[2].t_ns < first && keys[3].t_ns == first);
    assert!(rows.iter().all(|row| row.event_type != "mouse_move" && row.event_type != "gap"));
    let pads: Vec<_> = rows.iter().filter(|row| row.event_type.starts_with("gamepad_")).collect();
    let said: Vec<_> = pads.iter().map(|row| (row.event_type.as_str(), row.control.as_deref(), row.value)).collect();
    let button = |name, value| ("gamepad_button", Some(name), Some(value));
    let axis = |value| ("gamepad_axis", Some("left_x"), Some(value));
    // When it was opened, at the begin, and let go of at the end.
    let expected = [
        ("gamepad_connect", None, None),
        button("east", 1.0),
        axis(0.5),
        button("east", 0.0),
        button("south", 1.0),
        button("south", 0.0),
        axis(0.0),
    ];
    assert_eq!(said, expected);
    drop((keyboard, mouse, pad));
}

/// The kernel keeps 64 events of a mouse; the device here keeps all of them, so that what is lost is lost in the recorder.
#[test]
fn a_mouse_that_moves_a_thousand_times_a_second_is_recorded_without_a_loss() {
    const COUNT: usize = 5000;
    if !may_mount() {
        return;
    }
    let sway = Sway::start((640, 480), false);
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mouse = serde_json::json!({ "name": "Fast Mouse", "keys": [0x110], "rel": [0, 1] });
    let mut mouse = Device::plug(&folder.path().join("event0"), &mouse);
    let mut command = recording(folder.path(), out.path(), "10");
    command.args(["--allow-missing", "masks,position,lock"]).stdout(Stdio::null());
    let running = Running(sway.admit(&mut command).spawn().expect("it runs"));
    begins(out.path());
    pause(500);
    let times = mouse.moves(COUNT, 1000, &[0, 1]);
    pause(300);
    let (code, _) = running.stop("INT", PATIENCE);
    assert_eq!(code, 0);
    let reader = SessionReader::open(&out.path().join("s")).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<OwnedRow>, _>>().expect("rows");
    let rows = rows.iter().filter(|row| row.event_type == "mouse_move");
    let rows: Vec<_> = rows.map(|row| (row.t_ns, row.mouse_dx, row.mouse_dy)).collect();
    let truth = times.iter().enumerate().map(|(n, t)| (*t, Some(moved(n, 0)), Some(moved(n, 1))));
    let truth: Vec<_> = truth.filter(|(_, dx, dy)| (*dx, *dy) != (Some(0.0), Some(0.0))).collect();
    let seconds = (times[COUNT - 1] - times[0]) as f64 / 1e9;
    println!("{COUNT} reports in {seconds:.2} s, {} of {} motions in the table", rows.len(), truth.len());
    assert!(rows == truth, "rows are not what the mouse did");
    drop(mouse);
}

/// A window of an application, which gets the focus.
fn window(sway: &Sway, app_id: &str, title: &str) -> Running {
    let mut client = example("wayland_client");
    client.args(["--rate", "5", "--app-id", app_id, "--title", title]).stdout(Stdio::null());
    let client = Running(sway.admit(&mut client).spawn().expect("it runs"));
    sway.waits_for_focus(app_id);
    client
}

/// Nothing but the compositor knows where keys of a device go.
#[test]
fn what_is_typed_into_an_excluded_window_is_hidden_and_the_active_window_is_told() {
    hides_what_is_typed_into_an_excluded_window(|_| {});
}

/// As labwc, river, Wayfire, Hyprland and niri tell it, which have no socket of sway's.
#[test]
fn a_list_of_windows_tells_it_as_well() {
    hides_what_is_typed_into_an_excluded_window(|command| {
        command.env_remove("SWAYSOCK");
    });
}

fn hides_what_is_typed_into_an_excluded_window(change: impl Fn(&mut std::process::Command)) {
    if !may_mount() {
        return;
    }
    let sway = Sway::start((640, 480), false);
    let notes = window(&sway, "notes", "Notes of today");
    sway.does("layout tabbed");
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let about = serde_json::json!({ "name": "K", "keys": [30, 31, 32] });
    let mut device = Device::plug(&folder.path().join("event0"), &about);
    let mut command = recording(folder.path(), out.path(), "10");
    // Neither redaction nor focus: sway tells.
    command.args(["--allow-missing", "masks,position,lock"]);
    command.stdout(Stdio::null());
    let command = sway.admit(&mut command);
    change(command);
    let running = Running(command.spawn().expect("it runs"));
    begins(out.path());
    pause(500);
    let mut press = |code: u16| {
        let down = device.does(&format!("ev 1 {code} 1"));
        pause(5);
        device.does(&format!("ev 1 {code} 0"));
        pause(5);
        down
    };
    let mut open = vec![press(30), press(30)];
    pause(300);
    let vault = window(&sway, VAULT, "Passwords");
    // Without a pause: the compositor has just told.
    let mut hidden: Vec<i64> = (0..3).map(|_| press(31)).collect();
    pause(400);
    for _ in 0..3 {
        sway.does("[app_id=notes] focus");
        pause(300);
        open.push(press(32));
        pause(300);
        sway.does(&format!("[app_id={VAULT}] focus"));
        hidden.push(press(31));
        pause(300);
        hidden.push(press(31));
    }
    drop(vault);
    sway.waits_for_focus("notes");
    pause(300);
    open.push(press(32));
    // The last key: nothing comes after it that could vouch for it but the compositor.
    open.push(press(30));
    let (code, _) = running.stop("INT", PATIENCE);
    assert_eq!(code, 0);
    let session = out.path().join("s");
    let (verified, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(verified, 0, "{err}");
    let metadata: Metadata =
        serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("metadata");
    let settings = &metadata.streams["input"].settings;
    for (facet, has) in [("focus", true), ("tells_secrets", true), ("position", false)] {
        assert_eq!(settings[facet].as_bool(), Some(has), "{facet}");
    }
    let reader = SessionReader::open(&session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<OwnedRow>, _>>().expect("rows");
    let of_device = |row: &&OwnedRow| row.source.as_deref() == Some("evdev") && row.event_type == "key_down";
    let keys = |has_code: bool| {
        let rows = rows.iter().filter(of_device).filter(|row| row.key_code.is_some() == has_code);
        rows.map(|row| row.t_ns).collect::<Vec<_>>()
    };
    assert_eq!((keys(true), keys(false)), (open, hidden));
    let secret = hid::usage_of_code("KeyS").map(|usage| i32::from(usage.0));
    assert!(rows.iter().all(|row| row.key_code != secret), "a hidden key has its code somewhere");
    let titles: Vec<_> =
        rows.iter().filter(|row| row.event_type == "focus").map(|row| row.metadata.get("title")).collect();
    let (seen, unseen) = (Some("Notes of today"), Some(""));
    assert_eq!(titles, [seen, unseen, seen, unseen, seen, unseen, seen, unseen, seen]);
    drop((notes, device));
}

#[test]
fn without_devices_or_a_word_of_locks_inputs_are_refused_with_a_way_out() {
    let sway = Sway::start((640, 480), false);
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let command = |more: &[&str]| {
        let mut command = watchcap();
        command.args(["record", "--consent", "screen,input", "--duration", "1s", "--session", "s", "--out"]);
        command.arg(out.path());
        command.args(more).env("WATCHCAP_EVDEV_DIR", folder.path());
        // No bus, as in a container.
        command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        command
    };
    let record = |more: &[&str]| run(sway.admit(&mut command(more)));
    let (code, _, err) = record(&["--allow-missing", "masks,redaction,focus,position"]);
    assert!(code == 1 && err.contains("evdev cannot provide input"), "{code}\n{err}");
    assert!(err.contains("--allow-missing input"), "{err}");
    if may_mount() {
        let device = Device::plug(&folder.path().join("event0"), &serde_json::json!({ "name": "K", "keys": [30] }));
        let (code, _, err) = record(&["--allow-missing", "masks,redaction,focus,position"]);
        assert!(
            code == 1 && err.contains("evdev cannot provide lock") && err.contains("--allow-missing lock"),
            "{code}\n{err}"
        );
        let (code, _, err) = record(&["--allow-missing", "masks,lock"]);
        assert!(code == 1 && err.contains("position") && !err.contains("redaction"), "{code}\n{err}");
        // Without a desktop that tells which window is active.
        let display = Display::start(320, 200);
        let mut command = command(&["--input-backend", "evdev", "--allow-missing", "lock"]);
        let (code, _, err) = run(command.env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY"));
        assert!(code == 1 && err.contains("--allow-missing redaction"), "{code}\n{err}");
        drop(device);
    }
    assert_eq!(std::fs::read_dir(out.path()).expect("a folder").count(), 0, "something is left behind");
}

#[test]
fn nothing_that_is_typed_at_a_lock_screen_is_recorded() {
    if !may_mount() {
        return;
    }
    let (sway, logind) = (Sway::start((640, 480), false), Logind::start());
    let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let about = serde_json::json!({ "name": "K", "keys": [30, 31, 32] });
    let mut device = Device::plug(&folder.path().join("event0"), &about);
    let mut command = recording(folder.path(), out.path(), "10");
    command.args(["--allow-missing", "masks,redaction,focus,position"]);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", &logind.address).stdout(Stdio::null());
    let running = Running(sway.admit(&mut command).spawn().expect("it runs"));
    begins(out.path());
    pause(500);
    let lock = |is: bool| logind.lock(is);
    let mut press = |code: u16| {
        let down = device.does(&format!("ev 1 {code} 1"));
        pause(20);
        device.does(&format!("ev 1 {code} 0"));
        pause(20);
        down
    };
    let before = press(30);
    lock(true);
    pause(1000);
    for _ in 0..5 {
        press(31);
    }
    lock(false);
    // Too early still.
    pause(200);
    press(31);
    pause(2500);
    let after = press(32);
    pause(300);
    // And locked to the end.
    lock(true);
    pause(500);
    let last = press(31);
    pause(100);
    let (code, _) = running.stop("INT", PATIENCE);
    assert_eq!(code, 0, "a lock is no fault");
    let session = out.path().join("s");
    let reader = SessionReader::open(&session).expect("a session");
    let rows = reader.events().rows().collect::<Result<Vec<OwnedRow>, _>>().expect("rows");
    let keys: Vec<_> =
        rows.iter().filter(|row| row.event_type == "key_down").map(|row| (row.key_code, row.t_ns)).collect();
    let code = |name: &str| hid::usage_of_code(name).map(|usage| i32::from(usage.0));
    assert_eq!(keys, [(code("KeyA"), before), (code("KeyD"), after)]);
    let gaps: Vec<_> = rows.iter().filter(|row| row.metadata.get("reason") == Some("session_locked")).collect();
    let [gap, to_end] = gaps[..] else { panic!("{} gaps", gaps.len()) };
    let until =
        |gap: &OwnedRow| -> i64 { gap.metadata.get("until_ns").and_then(|until| until.parse().ok()).expect("an end") };
    assert!(before < gap.t_ns && gap.t_ns < until(gap) && until(gap) < after);
    assert!(after < to_end.t_ns && to_end.t_ns < last && last < until(to_end), "a lock that lasts to the end");
}
