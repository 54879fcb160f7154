//! Recording devices that `watchcap-input-helper` lends, from the question to the end of either of the two.
//!
//! A script stands in for pkexec: it answers for the person, and starts the helper with the devices and the logind of the test.
#![cfg(all(target_os = "linux", feature = "evdev", feature = "wayland"))]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use watchcap::base::hid;
use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;

use crate::input_helper::helper;
use crate::support::device::{Device, may_mount, recording};
use crate::support::logind::Logind;
use crate::support::sway::Sway;
use crate::support::{Running, run, watchcap};

const PATIENCE: Duration = Duration::from_secs(20);

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// A machine on which nobody may read a keyboard, and a helper that may.
struct Machine {
    sway: Sway,
    logind: Logind,
    /// The folder that the recorder sees, the one that the helper sees, and that of recordings.
    denied: tempfile::TempDir,
    devices: tempfile::TempDir,
    out: tempfile::TempDir,
    pkexec: PathBuf,
    _closed: Device,
}

impl Machine {
    fn start() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        let (denied, devices, out) = (folder(), folder(), folder());
        let closed = serde_json::json!({ "name": "Closed", "keys": [30], "denied": true });
        let closed = Device::plug(&denied.path().join("event0"), &closed);
        let logind = Logind::start();
        let pkexec = out.path().join("pkexec");
        let machine =
            Self { sway: Sway::start((640, 480), false), logind, denied, devices, out, pkexec, _closed: closed };
        let (bus, pid) = (machine.logind.socket(), machine.pid_file());
        machine.answers(&format!(
            "test \"$1\" = /usr/libexec/watchcap-input-helper && test $# = 1 || exit 99\necho $$ >{}\nexec {} --test {} {} 0",
            pid.display(),
            helper().display(),
            machine.devices.path().display(),
            bus.display()
        ));
        machine
    }

    fn pid_file(&self) -> PathBuf {
        self.out.path().join("pid")
    }

    /// What stands in for pkexec.
    fn answers(&self, script: &str) {
        std::fs::write(&self.pkexec, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&self.pkexec, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn keyboard(&self) -> Device {
        let about = serde_json::json!({ "name": "Lent", "keys": [30, 31, 32, 33, 34] });
        Device::plug(&self.devices.path().join("event3"), &about)
    }

    fn admit<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        // No bus: the recorder asks nobody else whether the session is locked.
        command.env("WATCHCAP_PKEXEC", &self.pkexec).env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        self.sway.admit(command)
    }

    /// A recording that has begun.
    fn records(&self) -> Running {
        self.records_with(|_| {})
    }

    fn records_with(&self, change: impl Fn(&mut Command)) -> Running {
        let mut command = recording(self.denied.path(), self.out.path(), "10");
        command.args(["--allow-missing", "masks,redaction,focus,position"]).stdout(Stdio::null());
        change(self.admit(&mut command));
        let running = Running(command.spawn().expect("it runs"));
        let began = Instant::now();
        while !self.out.path().join("s/log").is_dir() {
            assert!(began.elapsed() < PATIENCE, "it does not begin");
            pause(20);
        }
        pause(500);
        running
    }

    fn helpers_pid(&self) -> u32 {
        std::fs::read_to_string(self.pid_file()).expect("it was started").trim().parse().expect("a number")
    }

    fn rows(&self) -> Vec<OwnedRow> {
        let session = self.out.path().join("s");
        let (verified, _, err) = run(watchcap().arg("verify").arg(&session));
        assert_eq!(verified, 0, "{err}");
        let reader = SessionReader::open(&session).expect("a session");
        reader.events().rows().collect::<Result<_, _>>().expect("rows")
    }
}

fn is_there(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    // One that has ended and was not fetched is no process any more.
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

fn ends(pid: u32) {
    let began = Instant::now();
    while is_there(pid) {
        assert!(began.elapsed() < Duration::from_secs(5), "process {pid} is left");
        pause(10);
    }
}

fn code(name: &str) -> Option<i32> {
    hid::usage_of_code(name).map(|usage| i32::from(usage.0))
}

fn keys(rows: &[OwnedRow]) -> Vec<(&str, Option<i32>, i64)> {
    let keys = rows.iter().filter(|row| row.event_type.starts_with("key_"));
    keys.map(|row| (row.event_type.as_str(), row.key_code, row.t_ns)).collect()
}

fn gaps<'a>(rows: &'a [OwnedRow], reason: &str) -> Vec<&'a OwnedRow> {
    rows.iter().filter(|row| row.metadata.get("reason") == Some(reason)).collect()
}

#[test]
fn lent_devices_are_recorded_and_nothing_that_is_typed_at_a_lock_screen() {
    if !may_mount() {
        return;
    }
    let machine = Machine::start();
    let mut device = machine.keyboard();
    let running = machine.records();
    let mut does = |what: &str| {
        let t = device.does(what);
        pause(20);
        t
    };
    let before = does("ev 4 4 458756 1 30 1");
    does("ev 1 30 0");
    // Held when it is locked, and let go of behind it.
    let held = does("ev 1 33 1");
    // And held all through it.
    let through = does("ev 1 34 1");
    machine.logind.lock(true);
    pause(1000);
    for _ in 0..5 {
        does("ev 1 31 1");
        does("ev 1 31 0");
    }
    does("ev 1 33 0");
    machine.logind.lock(false);
    // Too early still.
    pause(200);
    does("ev 1 31 1");
    does("ev 1 31 0");
    pause(2000);
    let after = does("ev 1 32 1");
    does("ev 1 32 0");
    // One that is plugged in is lent too.
    let mouse = serde_json::json!({ "name": "M", "keys": [0x110], "rel": [0, 1] });
    let mut mouse = Device::plug(&machine.devices.path().join("event4"), &mouse);
    pause(500);
    let moved = mouse.does("ev 2 0 7");
    pause(200);
    let helper = machine.helpers_pid();
    assert!(is_there(helper));
    let (ended, _) = running.stop("INT", PATIENCE);
    assert_eq!(ended, 0, "a lock is no fault");
    ends(helper);
    let rows = machine.rows();
    let (down, up) = ("key_down", "key_up");
    let told = keys(&rows);
    let pressed: Vec<_> = told.iter().filter(|(kind, _, _)| *kind == down).map(|(_, code, t)| (*code, *t)).collect();
    let [gap] = gaps(&rows, "session_locked")[..] else { panic!("not one gap of the lock") };
    let until: i64 = gap.metadata.get("until_ns").and_then(|until| until.parse().ok()).expect("an end");
    assert!(through < gap.t_ns && gap.t_ns < until && until < after);
    let (f, g) = (code("KeyF"), code("KeyG"));
    let expected = [(code("KeyA"), before), (f, held), (g, through), (g, until), (code("KeyD"), after)];
    assert_eq!(pressed, expected, "what is held behind the lock is told");
    let let_go = told.iter().find(|(kind, key, _)| *kind == up && *key == f).expect("it is let go of");
    assert!(let_go.2 > held && let_go.2 <= gap.t_ns, "what was held at the lock goes up with it");
    assert!(gaps(&rows, "device_gone").is_empty(), "what is taken back is not unplugged");
    assert!(rows.iter().any(|row| row.event_type == "mouse_move" && row.t_ns == moved));
    let metadata = std::fs::read(machine.out.path().join("s/metadata.json")).expect("metadata");
    let metadata: Metadata = serde_json::from_slice(&metadata).expect("metadata");
    assert_eq!(metadata.streams["input"].source.as_deref(), Some("evdev"));
    drop((device, mouse));
}

#[test]
fn when_the_helper_is_killed_the_recording_ends_and_says_so() {
    if !may_mount() {
        return;
    }
    let machine = Machine::start();
    let mut device = machine.keyboard();
    let running = machine.records();
    let pressed = device.does("ev 1 30 1");
    pause(300);
    let helper = machine.helpers_pid().to_string();
    assert!(Command::new("kill").args(["-KILL", &helper]).status().expect("kill").success());
    // Nobody would take it back any more, so it is not read any more.
    pause(100);
    device.does("ev 1 31 1");
    assert_eq!(running.wait(), 3, "inputs are missing");
    let rows = machine.rows();
    let told = keys(&rows);
    let [(_, first, at), (kind, last, _)] = told[..] else { panic!("{told:?}") };
    assert_eq!((first, at, kind, last), (code("KeyA"), pressed, "key_up", code("KeyA")), "what was held is let go of");
    assert_eq!(gaps(&rows, "input_helper_gone").len(), 1);
    assert_eq!(gaps(&rows, "source_gone").len(), 1);
    drop(device);
}

/// When the recording ends, or its helper, while the session is locked: nothing was heard up to then, and that is said.
#[test]
fn a_lock_that_lasts_to_the_end_is_a_gap_to_the_end() {
    if !may_mount() {
        return;
    }
    for is_killed in [false, true] {
        let machine = Machine::start();
        let mut device = machine.keyboard();
        let running = machine.records();
        let pressed = device.does("ev 1 30 1");
        device.does("ev 1 30 0");
        pause(300);
        machine.logind.lock(true);
        pause(700);
        let typed = device.does("ev 1 31 1");
        pause(300);
        let code = if is_killed {
            let helper = machine.helpers_pid().to_string();
            assert!(Command::new("kill").args(["-KILL", &helper]).status().expect("kill").success());
            running.wait()
        } else {
            running.stop("INT", PATIENCE).0
        };
        assert_eq!(code, if is_killed { 3 } else { 0 });
        let rows = machine.rows();
        assert_eq!(keys(&rows).len(), 2, "what is typed at the lock is not told");
        let [gap] = gaps(&rows, "session_locked")[..] else { panic!("not one gap of the lock") };
        let until: i64 = gap.metadata.get("until_ns").and_then(|until| until.parse().ok()).expect("an end");
        assert!(pressed < gap.t_ns && gap.t_ns < typed && typed < until, "{pressed} {} {typed} {until}", gap.t_ns);
        assert_eq!(gaps(&rows, "input_helper_gone").len(), usize::from(is_killed));
        assert!(gaps(&rows, "device_gone").is_empty());
        drop(device);
    }
}

/// A helper that ends by a signal says so before it takes its devices back.
#[test]
fn a_helper_that_ends_by_itself_leaves_no_device_that_looks_unplugged() {
    if !may_mount() {
        return;
    }
    let machine = Machine::start();
    let mut device = machine.keyboard();
    let running = machine.records();
    device.does("ev 1 30 1");
    pause(300);
    let helper = machine.helpers_pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &helper]).status().expect("kill").success());
    assert_eq!(running.wait(), 3, "inputs are missing");
    let rows = machine.rows();
    assert_eq!(keys(&rows).len(), 2, "what was held is let go of");
    assert!(gaps(&rows, "device_gone").is_empty());
    assert_eq!(gaps(&rows, "input_helper_gone").len(), 1);
    drop(device);
}

#[test]
fn when_the_recorder_is_killed_no_helper_is_left() {
    if !may_mount() {
        return;
    }
    let machine = Machine::start();
    let device = machine.keyboard();
    let mut running = machine.records();
    let helper = machine.helpers_pid();
    assert!(is_there(helper));
    running.0.kill().expect("it runs");
    ends(helper);
    drop(device);
}

#[test]
fn a_person_who_does_not_agree_is_not_recorded() {
    if !may_mount() {
        return;
    }
    let machine = Machine::start();
    let record = || {
        let mut command = recording(machine.denied.path(), machine.out.path(), "10");
        run(machine.admit(command.args(["--allow-missing", "masks,redaction,focus,position"])))
    };
    for (script, word) in [
        ("exit 126", "was answered with no"),
        // What pkexec says: that polkit said no, and that there was nobody to ask.
        (
            "printf 'Error executing command as another user: Not authorized\n\nThis incident has been reported.\n' >&2; exit 127",
            "it asks whoever is in front",
        ),
        ("echo 'Error: No session for cookie' >&2; exit 127", "polkit does not allow it: Error: No session for cookie"),
        ("head -c 100 /dev/urandom >&0; exit 0", "lends no devices"),
        ("exec sleep 0.1 </dev/null", "lends no devices"),
    ] {
        machine.answers(script);
        let (code, _, err) = record();
        assert!(code == 1 && err.contains(word) && err.contains("--allow-missing input"), "{script}: {code}\n{err}");
        assert!(!machine.out.path().join("s").exists(), "something is left behind");
    }
    // Whoever may read a keyboard without the helper is recorded with that one, and a warning.
    machine.answers("exit 126");
    let own = serde_json::json!({ "name": "Own", "keys": [30, 31] });
    let mut own = Device::plug(&machine.denied.path().join("event1"), &own);
    let running = machine.records_with(|command| {
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &machine.logind.address);
    });
    own.does("ev 1 30 1");
    own.does("ev 1 30 0");
    pause(300);
    assert_eq!(running.stop("INT", PATIENCE).0, 0);
    assert_eq!(keys(&machine.rows()).len(), 2);
    drop(own);
    std::fs::remove_dir_all(machine.out.path().join("s")).expect("its session");
    // What may be read is said without a question.
    machine.answers("touch \"$0.asked\"; exit 126");
    let mut doctor = watchcap();
    doctor.env("WATCHCAP_EVDEV_DIR", machine.denied.path()).env("WATCHCAP_OUT", machine.out.path());
    let (_, out, err) = run(machine.admit(doctor.args(["doctor", "--json"])));
    let checks: Vec<serde_json::Value> =
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}\n{out}\n{err}"));
    let found = |name: &str| checks.iter().find(|check| check["check"] == name).expect("a check");
    let told = found("input (evdev)");
    assert!(told["ok"] == true && told["detail"].as_str().is_some_and(|told| told.contains("lends these")), "{told}");
    assert!(found("arriving")["detail"].as_str().is_some_and(|told| told.contains("would be asked")));
    assert!(!Path::new(&format!("{}.asked", machine.pkexec.display())).exists(), "doctor asks the person");
    // Without a helper it says how to get one.
    let mut doctor = watchcap();
    doctor.env("WATCHCAP_EVDEV_DIR", machine.denied.path()).env("WATCHCAP_OUT", machine.out.path());
    let (_, out, err) = run(machine.admit(doctor.args(["doctor", "--json"])).env_remove("WATCHCAP_PKEXEC"));
    if !Path::new("/usr/libexec/watchcap-input-helper").exists() {
        assert!(
            out.contains("sudo make install-input-helper") && out.contains("every program of yours"),
            "{out}\n{err}"
        );
    }
}
