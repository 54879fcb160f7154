//! `watchcap-input-helper`, the program itself, with a recorder that the test plays: what it lends, when it takes that back, and what it refuses.
//!
//! It is started as root without pkexec, in the way that only a build for tests has, with devices and a logind of the test's own. What it does with
//! real devices (`EVIOCREVOKE`) no file of FUSE's can show: the devices here take themselves back when they are told to.
#![cfg(all(target_os = "linux", feature = "evdev"))]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use watchcap_input_helper::line::{self, Brought, Packet};
use watchcap_input_helper::wire::{Heard, Why, Word, hello};

use crate::support::device::{Device, may_mount};
use crate::support::logind::Logind;

const PATIENCE: Duration = Duration::from_secs(20);

/// The program.
pub(crate) fn helper() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_watchcap")).with_file_name("watchcap-input-helper");
    assert!(path.is_file(), "{} is missing: run the whole `cargo test`", path.display());
    path
}

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// A running helper, and the recorder's end of its socket.
struct Lender {
    process: Child,
    socket: Option<OwnedFd>,
    heard: Heard,
    lent: BTreeMap<u32, OwnedFd>,
}

impl Lender {
    fn command(devices: &Path, logind: &Logind, uid: u32) -> Command {
        let mut command = Command::new(helper());
        command.arg("--test").arg(devices).arg(logind.socket()).arg(uid.to_string());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn of(mut command: Command) -> Self {
        let (socket, theirs) = line::pair().expect("a pair");
        let process = command.stdin(Stdio::from(theirs)).spawn().expect("the helper");
        drop(command);
        Self { process, socket: Some(socket), heard: Heard::default(), lent: BTreeMap::new() }
    }

    fn start(devices: &Path, logind: &Logind) -> Self {
        let lender = Self::of(Self::command(devices, logind, 0));
        lender.says(hello());
        lender
    }

    fn says(&self, packet: [u8; 8]) {
        let socket = self.socket.as_ref().expect("open");
        line::send(socket.as_fd(), &packet, None).expect("it is there");
    }

    fn packet(&self) -> Option<Packet> {
        let began = Instant::now();
        loop {
            match line::receive(self.socket.as_ref().expect("open").as_fd()) {
                Brought::Packet(packet) => return Some(packet),
                Brought::HungUp => return None,
                Brought::Nothing => assert!(began.elapsed() < PATIENCE, "it says nothing"),
            }
            pause(2);
        }
    }

    /// Takes all that it says until a word; how long that took.
    fn until(&mut self, wanted: Word) -> Duration {
        let began = Instant::now();
        loop {
            let packet = self.packet().unwrap_or_else(|| panic!("it hung up: {}", said(&mut self.process)));
            let word = self.heard.take(packet.bytes(), packet.descriptors.len()).expect("what it may say");
            if let Word::Device(number) = word {
                self.lent.extend(packet.descriptors.into_iter().map(|fd| (number, fd)));
            }
            if word == wanted {
                return began.elapsed();
            }
        }
    }

    fn numbers(&self) -> Vec<u32> {
        self.lent.keys().copied().collect()
    }

    /// Whether all that it ever lent is taken back, soon.
    fn has_all_back(&self) -> bool {
        let began = Instant::now();
        while !self.lent.values().all(is_back) && began.elapsed() < Duration::from_secs(2) {
            pause(5);
        }
        self.lent.values().all(is_back)
    }

    /// Waits for its end; its exit code, and what it said.
    fn end(&mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        while self.process.try_wait().expect("its state").is_none() {
            assert!(began.elapsed() < PATIENCE, "it does not end");
            pause(5);
        }
        (self.process.wait().expect("its end").code(), said(&mut self.process))
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn said(process: &mut Child) -> String {
    drop(process.kill());
    let mut said = String::new();
    process.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    said
}

fn is_back(fd: &OwnedFd) -> bool {
    matches!(rustix::io::read(fd, &mut [0; 24]), Err(Errno::NODEV))
}

/// Reads the kinds and codes of what a device told.
fn told(fd: &OwnedFd) -> Vec<(u16, u16, i32)> {
    let mut bytes = [0; 24 * 64];
    let count = rustix::io::read(fd, &mut bytes).unwrap_or(0);
    let short = |event: &[u8], at: usize| u16::from_le_bytes([event[at], event[at + 1]]);
    let value = |event: &[u8]| i32::from_le_bytes(event[20..24].try_into().expect("four bytes"));
    bytes[..count].chunks(24).map(|event| (short(event, 16), short(event, 18), value(event))).collect()
}

fn keyboard(folder: &Path, number: u32) -> Device {
    Device::plug(&folder.join(format!("event{number}")), &serde_json::json!({ "name": "K", "keys": [30, 31] }))
}

#[test]
fn it_lends_inputs_while_the_session_is_open_and_takes_them_back_when_it_is_not() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let plug = |name: &str, about: serde_json::Value| Device::plug(&folder.path().join(name), &about);
    let mut first = keyboard(folder.path(), 0);
    let mouse = plug("event1", serde_json::json!({ "name": "M", "keys": [0x110], "rel": [0, 1] }));
    let pad = plug("event2", serde_json::json!({ "name": "P", "keys": [0x130], "abs": [0, 1] }));
    let lid = plug("event3", serde_json::json!({ "name": "Accelerometer", "abs": [0, 1, 2] }));
    let other = plug("js0", serde_json::json!({ "name": "K", "keys": [30] }));
    let mut lender = Lender::start(folder.path(), &logind);
    lender.until(Word::Greeting);
    lender.until(Word::Open);
    assert_eq!(lender.numbers(), [0, 1, 2], "a keyboard, a mouse and a gamepad, and nothing else");
    first.does("ev 1 30 1");
    assert_eq!(told(&lender.lent[&0]), [(1, 30, 1), (0, 0, 0)]);
    // One that comes is lent, and one that goes frees its number.
    let mut second = keyboard(folder.path(), 9);
    lender.until(Word::Device(9));
    second.does("unplug");
    let second = keyboard(folder.path(), 9);
    lender.until(Word::Device(9));
    for (why, close) in [(Why::Locked, Logind::lock as fn(&Logind, bool)), (Why::Inactive, Logind::leave)] {
        close(&logind, true);
        let took = lender.until(Word::Closed(why));
        assert!(lender.has_all_back(), "{why:?}");
        println!("{why:?}: told after {took:?}");
        // What is typed now reaches nobody, also not one that is plugged in now.
        first.does("ev 1 31 1 1 31 0");
        let third = keyboard(folder.path(), 5);
        pause(1300);
        assert!(matches!(line::receive(lender.socket.as_ref().expect("open").as_fd()), Brought::Nothing));
        lender.lent.clear();
        close(&logind, false);
        let took = lender.until(Word::Open);
        assert!(took > Duration::from_millis(900), "it opened after {took:?}");
        assert_eq!(lender.numbers(), [0, 1, 2, 5, 9], "{why:?}");
        assert!(lender.lent.values().all(|fd| told(fd).is_empty()), "what was typed at the lock is not told");
        first.does("ev 1 31 1 1 31 0");
        assert_eq!(told(&lender.lent[&0]).len(), 3);
        drop(third);
        // It is gone, and its number free, before the next one comes.
        pause(200);
        lender.lent.remove(&5);
    }
    // The recorder hangs up, and keeps what it has: that is taken back all the same.
    lender.socket = None;
    let (code, said) = lender.end();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(lender.has_all_back());
    drop((first, mouse, pad, lid, other, second));
}

#[test]
fn a_session_that_nobody_tells_of_any_more_is_closed() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let device = keyboard(folder.path(), 0);
    // A program that a desktop has started is in no session of its own.
    logind.apart(true);
    let mut lender = Lender::start(folder.path(), &logind);
    lender.until(Word::Open);
    logind.hang(true);
    let took = lender.until(Word::Closed(Why::Unknown));
    assert!(lender.has_all_back() && took < Duration::from_millis(2500), "a bus that hangs: {took:?}");
    logind.hang(false);
    lender.until(Word::Open);
    lender.lent.retain(|_, fd| !is_back(fd));
    assert_eq!(lender.numbers(), [0]);
    drop(logind);
    lender.until(Word::Closed(Why::Unknown));
    assert!(lender.has_all_back(), "a bus that is gone");
    drop(device);
}

/// What a process inherits from who starts it: all of these could end it while devices are lent.
#[test]
fn whatever_ends_it_takes_the_devices_back_first() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let device = keyboard(folder.path(), 0);
    for signal in
        ["TERM", "INT", "HUP", "QUIT", "ALRM", "XCPU", "XFSZ", "PROF", "VTALRM", "IO", "USR1", "TSTP", "TTIN", "TTOU"]
    {
        let mut lender = Lender::start(folder.path(), &logind);
        lender.until(Word::Open);
        let id = lender.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill").success());
        assert!(lender.has_all_back(), "SIG{signal}");
        assert_eq!(lender.end(), (Some(0), String::new()), "SIG{signal}");
    }
    // A second of CPU time, after which the kernel would end it.
    let mut command = Command::new("prlimit");
    command.args(["--cpu=1:3600", "--fsize=0:1000000", "--"]).arg(helper());
    command.args(Lender::command(folder.path(), &logind, 0).get_args());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut lender = Lender::of(command);
    lender.says(hello());
    // Where root may not lift it (a container), it does not stand with it.
    let greeted = lender.packet().is_some();
    if greeted {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", lender.process.id())).expect("limits");
        let cpu = limits.lines().find(|line| line.starts_with("Max cpu time")).expect("a line");
        assert!(cpu.contains("unlimited"), "{cpu}");
    } else {
        assert!(lender.end().1.contains("a limit"), "it says why");
    }
    drop(device);
}

/// The kernel's answer may be an interruption, a refusal, or wait for what others ask of the device.
#[test]
fn a_device_that_cannot_be_taken_back_at_once_is_tried_again_and_holds_up_no_other() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let plug = |number: u32, about: &str, value: serde_json::Value| {
        let about = serde_json::json!({ "name": "K", "keys": [30, 31], about: value });
        Device::plug(&folder.path().join(format!("event{number}")), &about)
    };
    // The first one is that by which is tried whether the kernel takes devices back.
    let first = keyboard(folder.path(), 0);
    let stuck = plug(1, "stuck", true.into());
    let refusing = plug(2, "refuses", 7.into());
    let last = keyboard(folder.path(), 3);
    let mut lender = Lender::start(folder.path(), &logind);
    // Dropped before the helper, which waits for its answer.
    let mut stuck = stuck;
    lender.until(Word::Open);
    assert_eq!(lender.numbers(), [0, 1, 2, 3]);
    logind.lock(true);
    lender.until(Word::Closed(Why::Locked));
    let held = lender.lent.remove(&1).expect("it was lent");
    assert!(lender.has_all_back(), "all the others");
    assert!(!is_back(&held));
    // Nothing is lent as long as one is out, and a signal does not end it before that one is back.
    logind.lock(false);
    let id = lender.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    pause(1500);
    assert!(matches!(line::receive(lender.socket.as_ref().expect("open").as_fd()), Brought::Nothing));
    assert!(lender.process.try_wait().expect("its state").is_none());
    stuck.does("free");
    lender.lent.insert(1, held);
    assert!(lender.has_all_back());
    assert_eq!(lender.end(), (Some(0), String::new()));
    drop((first, refusing, last));
}

/// A timer that was set before it was started goes on behind `execve`, and would interrupt whatever waits.
#[test]
fn a_timer_that_it_was_started_with_keeps_no_device() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let devices: Vec<_> = (0..8).map(|number| keyboard(folder.path(), number)).collect();
    let script = "import os, signal, sys\n\
        signal.setitimer(signal.ITIMER_REAL, 2, 0.00005)\n\
        os.setpgid(0, 0)\n\
        os.execv(sys.argv[1], sys.argv[1:])\n";
    let plain = Lender::command(folder.path(), &logind, 0);
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(helper()).args(plain.get_args()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut lender = Lender::of(command);
    lender.says(hello());
    lender.until(Word::Open);
    // It led a group of the test's session, and has one of its own all the same.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", lender.process.id())).expect("its numbers");
    let rest: Vec<_> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    assert_eq!((rest[3], rest[4]), (lender.process.id().to_string().as_str(), "0"), "its session, and no terminal");
    assert_eq!(lender.end(), (Some(0), String::new()));
    assert!(lender.lent.len() == 8 && lender.has_all_back());
    drop(devices);
}

#[test]
fn what_it_inherits_does_not_slow_it() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let device = keyboard(folder.path(), 0);
    // An hour by which it may sleep longer than it asked for (PR_SET_TIMERSLACK), one processor, and a low priority.
    let script = "import ctypes, os, sys\n\
        ctypes.CDLL(None).prctl(29, ctypes.c_ulong(3600 * 10**9), 0, 0, 0)\n\
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.nice(15)\n\
        os.execv(sys.argv[1], sys.argv[1:])\n";
    let plain = Lender::command(folder.path(), &logind, 0);
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(helper()).args(plain.get_args()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut lender = Lender::of(command);
    lender.says(hello());
    lender.until(Word::Open);
    let field = |place: &Path, name: &str| {
        let status = std::fs::read_to_string(place.join("status")).expect("its status");
        status.lines().find_map(|line| line.strip_prefix(name)).expect("a line").trim().to_owned()
    };
    let own = field(Path::new("/proc/self"), "Cpus_allowed:");
    for thread in std::fs::read_dir(format!("/proc/{}/task", lender.process.id())).expect("threads") {
        let thread = thread.expect("a thread");
        let id = thread.file_name().into_string().expect("a number");
        let slack = std::fs::read_to_string(format!("/proc/{id}/timerslack_ns")).expect("its slack");
        assert_eq!(slack.trim(), "50000");
        assert_eq!(field(&thread.path(), "Cpus_allowed:"), own);
        let stat = std::fs::read_to_string(thread.path().join("stat")).expect("its numbers");
        let nice = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(16)).expect("a niceness");
        assert_eq!(nice, "0");
    }
    logind.lock(true);
    let took = lender.until(Word::Closed(Why::Locked));
    assert!(took < Duration::from_secs(2), "a lock is noticed after {took:?}");
    drop(device);
}

#[test]
fn it_has_no_rights_that_it_does_not_need() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let device = keyboard(folder.path(), 0);
    let mut lender = Lender::start(folder.path(), &logind);
    lender.until(Word::Open);
    let place = PathBuf::from(format!("/proc/{}", lender.process.id()));
    let threads = std::fs::read_dir(place.join("task")).expect("threads");
    let mut count = 0;
    for thread in threads {
        let status = std::fs::read_to_string(thread.expect("a thread").path().join("status")).expect("its status");
        for line in status.lines().filter(|line| line.starts_with("Cap") || line.starts_with("NoNewPrivs")) {
            let (name, value) = line.split_once(':').expect("a value");
            let wanted = if name == "NoNewPrivs" { "1" } else { "0000000000000000" };
            assert_eq!(value.trim(), wanted, "{name}");
        }
        count += 1;
    }
    assert!(count > 1, "the threads that it starts are like it");
    let root = std::fs::read_link(place.join("root")).expect("its root");
    assert_eq!(root, folder.path().canonicalize().expect("a folder"), "it sees the devices and nothing else");
    // Standard input, output and error, the bus, the devices, and what waiting takes.
    let open = std::fs::read_dir(place.join("fd")).expect("descriptors");
    let open: Vec<_> = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok()).collect();
    let is_known = |path: &PathBuf| {
        let path = path.to_string_lossy();
        let kinds = ["socket:", "pipe:", "anon_inode:", "/dev/null"];
        kinds.iter().any(|kind| path.starts_with(kind)) || path.contains("event0")
    };
    assert!(open.iter().all(is_known) && open.len() < 20, "{open:?}");
    drop(device);
}

#[test]
fn it_hears_nothing_but_hello() {
    if !may_mount() {
        return;
    }
    let (logind, folder) = (Logind::start(), tempfile::tempdir().expect("a folder"));
    let device = keyboard(folder.path(), 0);
    let raw = |lender: &Lender, bytes: &[u8]| {
        let socket = lender.socket.as_ref().expect("open");
        rustix::net::send(socket, bytes, rustix::net::SendFlags::NOSIGNAL).map(drop)
    };
    // Before it has greeted.
    for bytes in [&b"WINP\x02\0\0\0"[..], b"WINP", b"GET / HTTP/1.1\r\n\r\n", &[0; 8], &vec![0xff; 65536]] {
        let mut lender = Lender::of(Lender::command(folder.path(), &logind, 0));
        raw(&lender, bytes).expect("room");
        assert!(lender.packet().is_none(), "it answers to {} bytes", bytes.len());
        let (code, said) = lender.end();
        assert!(code == Some(1) && said.lines().count() == 1, "{code:?} {said}");
    }
    // With descriptors, of which it takes none.
    let lender = Lender::of(Lender::command(folder.path(), &logind, 0));
    let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let socket = lender.socket.as_ref().expect("open");
    line::send(socket.as_fd(), &hello(), Some(far.as_fd())).expect("room");
    drop(far);
    assert!(lender.packet().is_none());
    near.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert_eq!((&near).read(&mut [0]).expect("closed"), 0, "it keeps what it was handed");
    // Afterwards anything is too much, be it hello once more; and a flood of it.
    for count in [1, 1000] {
        let mut lender = Lender::start(folder.path(), &logind);
        lender.until(Word::Open);
        for _ in 0..count {
            if raw(&lender, &hello()).is_err() {
                break;
            }
        }
        assert!(lender.has_all_back(), "{count} more");
        let (code, said) = lender.end();
        assert!(code == Some(1) && said.contains("more than hello"), "{code:?} {said}");
    }
    // One who says nothing at all is not waited for.
    let mut lender = Lender::of(Lender::command(folder.path(), &logind, 0));
    assert!(lender.packet().is_none());
    assert!(lender.end().1.contains("says nothing"));
    drop(device);
}

#[test]
fn it_refuses_whoever_it_is_not_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |change: &dyn Fn(&mut Command)| {
        let mut command = Command::new(helper());
        change(command.env_remove("PKEXEC_UID").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let output = command.output().expect("the helper");
        assert!(output.stdout.is_empty(), "it writes to standard output");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let refuses = |change: &dyn Fn(&mut Command), word: &str| {
        let (code, said) = run(change);
        assert!(code == Some(1) && said.contains(word), "{code:?} {said}");
    };
    refuses(&|_| {}, "started by watchcap through pkexec");
    refuses(
        &|command| {
            command.arg("--version");
        },
        "started by watchcap through pkexec",
    );
    refuses(
        &|command| {
            command.env("PKEXEC_UID", "root");
        },
        "is no user",
    );
    refuses(
        &|command| {
            command.env("PKEXEC_UID", "0").args(["--test", "/", "/", "0"]);
        },
        "takes no arguments",
    );
    if !rustix::process::geteuid().is_root() {
        return;
    }
    refuses(
        &|command| {
            command.env("PKEXEC_UID", "1000");
        },
        "no socket of watchcap's",
    );
    refuses(
        &|command| {
            command.env("PKEXEC_UID", "0").uid(65534).gid(65534);
        },
        "no root's rights",
    );
    let logind = Logind::start();
    // The socket is of root, and pkexec says that somebody else asked.
    let mut lender = Lender::of(Lender::command(folder.path(), &logind, 1000));
    assert!(lender.end().1.contains("user 1000 asked"));
    for (uid, seat, word) in [(1000, "seat0", "not of user 0"), (0, "", "not at seat0"), (0, "seat1", "not at seat0")] {
        let logind = Logind::start_for(uid, seat);
        let mut lender = Lender::start(folder.path(), &logind);
        let (code, said) = lender.end();
        assert!(code == Some(1) && said.contains(word), "{code:?} {said}");
    }
    let mut command = Command::new(helper());
    command.arg("--test").arg(folder.path()).args(["/nonexistent/bus", "0"]).stderr(Stdio::piped());
    assert!(Lender::of(command).end().1.contains("nobody tells whether the session is locked"));
}

/// What FUSE cannot show: a machine with uinput, as `scripts/desktops/kernel.sh` starts one.
#[test]
fn the_real_kernel_takes_a_device_back_from_every_descriptor_of_it_and_from_nobody_else() {
    use std::io::Write as _;
    let Ok(uinput) = std::fs::File::options().write(true).open("/dev/uinput") else {
        println!("NOT RUN: a real device of a test's own needs root and /dev/uinput (scripts/desktops/kernel.sh)");
        return;
    };
    let uinput = input_linux::UInputHandle::new(uinput);
    uinput.set_evbit(input_linux::EventKind::Key).expect("a kind");
    for key in [input_linux::Key::A, input_linux::Key::S] {
        uinput.set_keybit(key).expect("a key");
    }
    let id = input_linux::InputId { bustype: 3, vendor: 1, product: 1, version: 1 };
    uinput.create(&id, b"Keyboard of a test", 0, &[]).expect("a device");
    let node = uinput.evdev_path().expect("its node");
    let name = node.file_name().and_then(|name| name.to_str()).expect("a name");
    let number = watchcap_input_helper::follow::number(name).expect("a number");
    let types = |code: u16, value: i32| {
        for (kind, code, value) in [(1_u16, code, value), (0, 0, 0)] {
            let mut event = vec![0; 16];
            event.extend(kind.to_le_bytes());
            event.extend(code.to_le_bytes());
            event.extend(value.to_le_bytes());
            uinput.as_inner().write_all(&event).expect("an event");
        }
    };
    let logind = Logind::start();
    let mut lender = Lender::start(Path::new("/dev/input"), &logind);
    lender.until(Word::Open);
    let lent = lender.lent.remove(&number).expect("it is lent");
    let copy = lent.try_clone().expect("a descriptor");
    let other = OwnedFd::from(std::fs::File::open(&node).expect("root may"));
    let flags = rustix::fs::OFlags::NONBLOCK;
    rustix::fs::fcntl_setfl(&other, flags).expect("flags");
    types(30, 1);
    assert_eq!(told(&lent), [(1, 30, 1), (0, 0, 0)]);
    assert_eq!(told(&other), [(1, 30, 1), (0, 0, 0)]);
    types(30, 0);
    logind.lock(true);
    lender.until(Word::Closed(Why::Locked));
    pause(100);
    assert!(is_back(&lent) && is_back(&copy), "and what it had not read is gone");
    types(31, 1);
    types(31, 0);
    assert!(is_back(&lent) && is_back(&copy));
    assert_eq!(told(&other).len(), 6, "who opened it by himself hears it still");
    logind.lock(false);
    lender.until(Word::Open);
    let lent = lender.lent.remove(&number).expect("it is lent anew");
    assert!(told(&lent).is_empty() && is_back(&copy), "a new one, which knows nothing of what was typed");
    types(30, 1);
    assert_eq!(told(&lent).len(), 2);
    assert_eq!(told(&other).len(), 2);
    // Whoever has it may keep it for itself (EVIOCGRAB): that ends with it.
    input_linux::EvdevHandle::new(lent.as_fd()).grab(true).expect("it may");
    types(30, 0);
    assert!(told(&other).is_empty());
    lender.socket = None;
    assert_eq!(lender.end().0, Some(0));
    assert!(is_back(&lent));
    types(30, 1);
    assert_eq!(told(&other).len(), 2, "a grab does not outlive it");
    println!("{}: lent, taken back, lent anew, grabbed, taken back", node.display());
}
