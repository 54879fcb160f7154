//! The input sources against a real X server (Xvfb): what is injected arrives, in order, once, on time.
#![cfg(all(target_os = "linux", feature = "x11"))]
#![expect(clippy::print_stdout, reason = "what was measured is part of what these tests say")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;
use watchcap::base::event::{Axis, Button, Source};
use watchcap::base::hid;
use watchcap::base::time::{Clock, SystemClock};
use watchcap::capture::{
    CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSink, InputSource, RawInput, StampedInput,
    StopFlag,
};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT, PropMode,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// No wait in these tests is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Room for every event of a test.
const QUEUE: usize = 1 << 16;

pub(crate) fn pause(ms: u64) {
    SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(ms)));
}

/// A program that ends with the test.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start it"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already; either way it can be waited for.
        drop(self.0.kill());
        self.0.wait().expect("a child can be waited for");
    }
}

/// A server of its own for a test.
pub(crate) struct Server {
    program: Program,
    pub(crate) display: String,
}

impl Server {
    fn start(number: u16) -> Self {
        let display = format!(":{number}");
        assert!(x11rb::connect(Some(&display)).is_err(), "{display} is in use");
        let mut command = Command::new("Xvfb");
        command.args([&display, "-screen", "0", "1280x720x24", "-nolisten", "tcp", "-ac", "-noreset"]);
        let server = Self { program: Program::start(&mut command), display };
        let until = SystemClock.now().plus(PATIENCE);
        while x11rb::connect(Some(&server.display)).is_err() {
            assert!(SystemClock.now() < until, "Xvfb did not start");
            pause(20);
        }
        server
    }

    /// A server of some kind on a free display; `on`: the display that it shows itself on.
    pub(crate) fn free(kind: &str, args: &[&str], on: Option<&str>) -> Self {
        let mut command = Command::new(kind);
        // It must not begin anew when a test's first client has gone.
        command
            .args(["-displayfd", "1", "-noreset"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        match on {
            Some(display) => command.env("DISPLAY", display),
            None => command.env_remove("DISPLAY"),
        };
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{kind} (scripts/setup.sh test): {error}"));
        let mut said = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut said).expect("it says its number");
        let server = Self { program: Program(child), display: format!(":{}", said.trim()) };
        let until = SystemClock.now().plus(PATIENCE);
        while x11rb::connect(Some(&server.display)).is_err() {
            assert!(SystemClock.now() < until, "{kind} did not start");
            pause(20);
        }
        server
    }

    pub(crate) fn connect(&self) -> (RustConnection, u32) {
        let (conn, screen) = x11rb::connect(Some(&self.display)).expect("connect");
        let root = conn.setup().roots[screen].root;
        (conn, root)
    }

    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Program {
        Program::start(Command::new(program).args(args).env("DISPLAY", &self.display))
    }
}

/// An input source that runs in its thread.
pub(crate) struct Running {
    pub(crate) description: InputDescription,
    pub(crate) initial: InitialState,
    out: Receiver<StampedInput>,
    stop: StopFlag,
    /// How it ended, and the processor time its thread took.
    thread: JoinHandle<(Result<(), CaptureError>, Duration)>,
}

type Open = Box<dyn FnOnce() -> Result<Box<dyn InputSource>, CaptureError> + Send>;

impl Running {
    pub(crate) fn xi2(server: &Server) -> Self {
        let display = server.display.clone();
        Self::start(Box::new(move || {
            watchcap::capture::x11::input::open(Some(&display), Arc::default(), Arc::new(SystemClock))
        }))
    }

    fn start(open: Open) -> Self {
        let (queue, out) = crossbeam_channel::bounded(QUEUE);
        let (opened, opening) = crossbeam_channel::bounded(1);
        let stop = StopFlag::new();
        let ask = stop.clone();
        let thread = std::thread::spawn(move || {
            let source = open().expect("open the source");
            opened.send((source.describe(), source.initial())).expect("the test waits");
            let sink = InputSink::new(queue);
            let from = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            let end = source.run(&sink, &ask);
            let to = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            // A full queue would show as a loss among what arrived.
            sink.report_rest(SystemClock.now());
            let ns = (to.tv_sec - from.tv_sec) * 1_000_000_000 + to.tv_nsec - from.tv_nsec;
            (end, Duration::from_nanos(ns as u64))
        });
        let (description, initial) = opening.recv_timeout(PATIENCE).expect("it opens");
        Self { description, initial, out, stop, thread }
    }

    /// The next input; fails when none comes.
    fn next(&self) -> StampedInput {
        self.out.recv_timeout(PATIENCE).expect("an input")
    }

    /// The next focus whose title is this.
    fn focus(&self, wanted: &str) -> (String, String, Option<u32>) {
        let until = SystemClock.now().plus(PATIENCE);
        let mut seen = Vec::new();
        while SystemClock.now() < until {
            let Ok(next) = self.out.recv_timeout(Duration::from_millis(100)) else { continue };
            if let RawInput::Focus { window_id, title, app, pid } = next.input {
                if title.0 == wanted {
                    return (window_id, app, pid);
                }
                seen.push(title.0);
            }
        }
        panic!("no focus on {wanted:?}, but on {seen:?}");
    }

    /// Asks it to end, which it must do in 100 ms (and some, on a busy machine).
    pub(crate) fn end(self) -> (Vec<StampedInput>, Duration) {
        let asked = SystemClock.now();
        self.stop.set();
        let (end, cpu) = self.thread.join().expect("the source does not panic");
        let took = SystemClock.now().since(asked);
        end.expect("a clean end");
        assert!(took < Duration::from_millis(300), "it took {took:?} to stop");
        (self.out.try_iter().collect(), cpu)
    }
}

fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program's path");
    let path = test.parent().and_then(Path::parent).expect("target/debug").join("examples").join(name);
    assert!(path.exists(), "{} is not built: cargo build --examples", path.display());
    path
}

fn scratch(name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(name);
    (dir, path)
}

/// Runs the script to its end; what it says it injected.
fn inject(server: &Server, args: &[&str]) -> Vec<serde_json::Value> {
    let (_dir, log) = scratch("truth.jsonl");
    let status = Command::new(example("xtest_script"))
        .args(["--display", &server.display, "--log"])
        .arg(&log)
        .args(args)
        .status()
        .expect("run xtest_script");
    assert!(status.success());
    let text = std::fs::read_to_string(&log).expect("its log");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// What a line of the script must look like when it arrives; empty when nothing must arrive.
fn expected(line: &serde_json::Value) -> String {
    let code = line["code"].as_u64();
    let down = line["down"].as_bool().unwrap_or(false);
    match (line["kind"].as_str().expect("a kind"), code) {
        ("key", Some(code)) => format!("key {code} {down} repeat=false"),
        ("button", Some(code @ 4..=7)) if down => format!("wheel {code}"),
        ("button", Some(4..=7)) => String::new(),
        ("button", Some(code)) => format!("button {code} {down}"),
        ("rel", _) => "motion".into(),
        ("abs", _) => format!("motion to {} {}", line["x"], line["y"]),
        other => panic!("{other:?}"),
    }
}

fn arrived(input: &RawInput) -> String {
    match input {
        RawInput::Key { usage, native, down, repeat } => {
            assert_eq!(usage.map(|u| u.0), hid::usage_of_x11(*native).map(|u| u.0));
            format!("key {native} {down} repeat={repeat}")
        }
        RawInput::Button { button, pressed, .. } => {
            let code = match button {
                Button::Left => 1,
                Button::Middle => 2,
                Button::Right => 3,
                Button::X1 => 8,
                Button::X2 => 9,
            };
            format!("button {code} {pressed}")
        }
        RawInput::Wheel { axis, delta, hi_res, .. } => {
            assert!(!hi_res);
            match (axis, *delta > 0.0) {
                (Axis::Vertical, true) => "wheel 4",
                (Axis::Vertical, false) => "wheel 5",
                (Axis::Horizontal, false) => "wheel 6",
                (Axis::Horizontal, true) => "wheel 7",
            }
            .into()
        }
        RawInput::Motion { .. } => "motion".into(),
        RawInput::Focus { .. } => "focus".into(),
        RawInput::Lost { reason, .. } => format!("lost {reason}"),
        RawInput::Pad { pad, .. } => format!("pad {pad}"),
        RawInput::PadLost { reason, .. } => format!("lost of a pad {reason}"),
        RawInput::Layout(_) => "layout".into(),
        RawInput::Proved { .. } => "proved".into(),
        RawInput::Unproved { .. } => "unproved".into(),
        RawInput::Skipped { reason, count, .. } => format!("skipped {count} {reason}"),
        RawInput::Secret { reason } => format!("secret {}", reason.is_some()),
    }
}

/// Compares what arrived with the script, one by one; stamp errors in microseconds, sorted.
#[must_use]
fn compare(truth: &[serde_json::Value], got: &[StampedInput]) -> Vec<f64> {
    let truth: Vec<_> = truth.iter().map(|line| (line, expected(line))).filter(|(_, text)| !text.is_empty()).collect();
    let got: Vec<_> = got.iter().filter(|i| !matches!(i.input, RawInput::Focus { .. })).collect();
    let mut errors = Vec::new();
    for (n, ((line, wanted), got)) in truth.iter().zip(&got).enumerate() {
        let kind = wanted.split(" to ").next().unwrap_or_default();
        assert_eq!(arrived(&got.input), kind, "event {n}");
        let (before, after) = (line["before"].as_i64().expect("ns"), line["after"].as_i64().expect("ns"));
        assert!(got.t.0 >= before, "event {n} is stamped {} ns before it was sent", before - got.t.0);
        errors.push((got.t.0 - before.midpoint(after)) as f64 / 1e3);
    }
    assert_eq!(got.len(), truth.len(), "injected and arrived");
    assert!(got.is_sorted_by_key(|input| input.t), "stamps go back");
    errors.sort_by(f64::total_cmp);
    errors
}

fn at(errors: &[f64], quantile: f64) -> f64 {
    errors[((errors.len() - 1) as f64 * quantile) as usize]
}

fn report(what: &str, errors: &[f64]) {
    println!(
        "{what}: {} events, stamp error p50 {:.0} us, p99 {:.0} us, max {:.0} us",
        errors.len(),
        at(errors, 0.5),
        at(errors, 0.99),
        at(errors, 1.0)
    );
}

#[test]
fn everything_injected_arrives_in_order_and_once() {
    let server = Server::start(50);
    for seed in ["1", "2"] {
        let source = Running::xi2(&server);
        assert!(source.description.backend == "xi2" && source.description.facets == FacetSet::PROMISED);
        assert!(source.description.devices.iter().any(|d| d.contains("XTEST")), "{:?}", source.description.devices);
        assert!(source.description.keyboard_layout.is_some());
        let truth = inject(&server, &["--seconds", "4", "--seed", seed, "--sync", "true"]);
        pause(100);
        let (got, _) = source.end();
        assert!(matches!(got[0].input, RawInput::Focus { .. }), "the active window is told first");
        let errors = compare(&truth, &got);
        assert!(errors.len() > 500, "only {} events", errors.len());
        report(&format!("seed {seed}"), &errors);
        // The script knows between which two moments the server took each event; the stamp may be past the second by
        // what the server's milliseconds cut off (2 ms where its clock is a coarse one), however busy the machine is.
        let worst = truth
            .iter()
            .filter(|line| !expected(line).is_empty())
            .zip(got.iter().filter(|i| !matches!(i.input, RawInput::Focus { .. })))
            .map(|(line, input)| input.t.0 - line["after"].as_i64().expect("ns"))
            .max()
            .expect("events");
        println!("latest stamp: {} us after the server was done with it", worst / 1_000);
        assert!(worst < 2_100_000, "a stamp is {worst} ns late");

        // Where the pointer is known, it is where the script put it; relative steps are told where they are proved.
        let moves = truth.iter().filter(|line| line["kind"] == "rel" || line["kind"] == "abs");
        let got = got.iter().filter_map(|i| match i.input {
            RawInput::Motion { position, motion, .. } => Some((position, motion)),
            _ => None,
        });
        let (mut placed, mut stepped, mut absolute, mut relative) = (0, 0, 0, 0);
        for (line, (position, motion)) in moves.zip(got) {
            if line["kind"] == "abs" {
                absolute += 1;
                assert!(motion.is_none(), "a place was taken for a step");
                if let Some((x, y)) = position {
                    placed += 1;
                    let wanted = (line["x"].as_f64().expect("x"), line["y"].as_f64().expect("y"));
                    assert!((x - wanted.0).abs() < 1.5 && (y - wanted.1).abs() < 1.5, "at {x},{y}, not at {wanted:?}");
                }
            } else {
                relative += 1;
                if let Some((dx, dy)) = motion {
                    stepped += 1;
                    let wanted = (line["dx"].as_f64().expect("dx"), line["dy"].as_f64().expect("dy"));
                    assert!((dx - wanted.0).abs() < 1e-6 && (dy - wanted.1).abs() < 1e-6, "{dx},{dy} not {wanted:?}");
                }
            }
        }
        println!("placed {placed} of {absolute}, steps told {stepped} of {relative}");
        assert!(placed * 10 >= absolute * 9 && stepped * 10 >= relative * 9, "too much is unknown");
    }
}

#[test]
fn a_mouse_at_1000_hz_costs_little() {
    let server = Server::start(51);
    let source = Running::xi2(&server);
    let from = SystemClock.now();
    let truth = inject(&server, &["--seconds", "5", "--only", "relative"]);
    let wall = SystemClock.now().since(from);
    pause(100);
    let (got, cpu) = source.end();
    let errors = compare(&truth, &got);
    report("1000 Hz", &errors);
    let share = cpu.as_secs_f64() / wall.as_secs_f64() * 100.0;
    println!("{:.0} events a second, {share:.2} % of a core", errors.len() as f64 / wall.as_secs_f64());
    // The promise is 3 % with an optimised build; this is the unoptimised one, on whatever machine runs the tests.
    assert!(share < 20.0, "{share:.1} % of a core");
}

#[test]
fn focus_follows_the_window_manager() {
    let server = Server::start(52);
    let source = Running::xi2(&server);
    let _manager = server.run("openbox", &["--sm-disable"]);
    // A window that is there before its manager is not given the focus: wait until openbox rules.
    let (conn, root) = server.connect();
    let ruled = conn.intern_atom(false, b"_NET_CURRENT_DESKTOP").expect("send").reply().expect("reply").atom;
    let until = SystemClock.now().plus(PATIENCE);
    while conn.get_property(false, root, ruled, 0_u32, 0, 1).expect("send").reply().expect("reply").type_ == 0 {
        assert!(SystemClock.now() < until, "openbox did not start");
        pause(20);
    }
    let _one = server.run("xterm", &["-T", "first", "-e", "sleep", "60"]);
    let (id, app, pid) = source.focus("first");
    assert_eq!(app, "XTerm");
    assert!(pid.is_some(), "xterm tells its process");
    let two = server.run("xterm", &["-T", "second", "-e", "sleep", "60"]);
    let (second, ..) = source.focus("second");
    assert!(second != id && second.starts_with("0x"));
    drop(two);
    assert_eq!(source.focus("first").0, id, "back when the second is gone");

    let window = u32::from_str_radix(id.trim_start_matches("0x"), 16).expect("a hexadecimal number");
    let name = conn.intern_atom(false, b"_NET_WM_NAME").expect("send").reply().expect("reply").atom;
    let utf8 = conn.intern_atom(false, b"UTF8_STRING").expect("send").reply().expect("reply").atom;
    let long = "ä".repeat(400);
    conn.change_property8(PropMode::REPLACE, window, name, utf8, long.as_bytes()).expect("send").check().expect("set");
    assert_eq!(source.focus(&"ä".repeat(128)).0, id, "a new title is told, cut");

    // A key pressed after a change of title comes after it; the order is the server's.
    conn.change_property8(PropMode::REPLACE, window, name, utf8, b"last").expect("send");
    fake(&conn, root, KEY_PRESS_EVENT, 38, (0, 0));
    fake(&conn, root, KEY_RELEASE_EVENT, 38, (0, 0));
    source.focus("last");
    assert_eq!(arrived(&source.next().input), "key 38 true repeat=false");
    assert_eq!(arrived(&source.next().input), "key 38 false repeat=false");
    source.end().0.clear();
}

#[test]
fn focus_without_a_window_manager_is_the_window_that_gets_the_keys() {
    let server = Server::start(53);
    let source = Running::xi2(&server);
    let RawInput::Focus { window_id, .. } = source.next().input else { panic!("the active window comes first") };
    assert_eq!(window_id, "", "there is none");
    let (conn, root) = server.connect();
    fake(&conn, root, MOTION_NOTIFY_EVENT, 0, (30, 30));
    let _one = server.run("xterm", &["-T", "first", "-geometry", "20x5+0+0", "-e", "sleep", "60"]);
    let (first, app, _) = source.focus("first");
    assert_eq!(app, "XTerm");
    let _two = server.run("xterm", &["-T", "second", "-geometry", "20x5+600+400", "-e", "sleep", "60"]);
    pause(1_000);
    fake(&conn, root, MOTION_NOTIFY_EVENT, 0, (650, 430));
    let (second, ..) = source.focus("second");
    // An explicit focus is believed, wherever the pointer is.
    let window = u32::from_str_radix(first.trim_start_matches("0x"), 16).expect("a hexadecimal number");
    conn.set_input_focus(InputFocus::NONE, window, x11rb::CURRENT_TIME).expect("send").check().expect("set");
    assert_eq!(source.focus("first").0, first);
    // And back, when the pointer decides again.
    conn.set_input_focus(InputFocus::NONE, u32::from(InputFocus::POINTER_ROOT), x11rb::CURRENT_TIME)
        .expect("send")
        .check()
        .expect("set");
    assert_eq!(source.focus("second").0, second);
    source.end().0.clear();
}

fn fake(conn: &RustConnection, root: u32, kind: u8, detail: u8, to: (i16, i16)) {
    let root = if kind == MOTION_NOTIFY_EVENT { root } else { x11rb::NONE };
    conn.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, root, to.0, to.1, 0).expect("send").check().expect("fake");
}

#[test]
fn what_is_held_at_the_start_is_known_and_repeats_are_no_presses() {
    let server = Server::start(54);
    let (conn, root) = server.connect();
    fake(&conn, root, MOTION_NOTIFY_EVENT, 0, (200, 100));
    fake(&conn, root, KEY_PRESS_EVENT, 38, (0, 0));
    fake(&conn, root, BUTTON_PRESS_EVENT, 9, (0, 0));
    fake(&conn, root, BUTTON_PRESS_EVENT, 3, (0, 0));
    let source = Running::xi2(&server);
    let keys: Vec<_> = source.initial.keys.iter().map(|(usage, native)| (usage.map(|u| u.0), *native)).collect();
    assert_eq!(keys, [(Some(0x04), 38)]);
    assert_eq!(source.initial.buttons, [Button::Right, Button::X2]);
    assert_eq!(source.initial.pointer, Some((200.0, 100.0)));
    // Long enough for the server to repeat the held key many times over; then an injector that presses again itself.
    pause(1_200);
    fake(&conn, root, KEY_PRESS_EVENT, 38, (0, 0));
    fake(&conn, root, KEY_RELEASE_EVENT, 38, (0, 0));
    fake(&conn, root, KEY_PRESS_EVENT, 38, (0, 0));
    fake(&conn, root, KEY_RELEASE_EVENT, 38, (0, 0));
    fake(&conn, root, BUTTON_RELEASE_EVENT, 9, (0, 0));
    fake(&conn, root, BUTTON_RELEASE_EVENT, 3, (0, 0));
    pause(200);
    let got: Vec<String> = source.end().0.iter().map(|i| arrived(&i.input)).filter(|text| text != "focus").collect();
    println!("{got:?}");
    let presses = got.iter().filter(|text| *text == "key 38 true repeat=false").count();
    assert_eq!(presses, 1, "only the second hold began while it was recorded");
    let releases = got.iter().filter(|text| *text == "key 38 false repeat=false").count();
    assert_eq!(releases, 2);
    assert_eq!(got[got.len() - 2..], ["button 9 false", "button 3 false"]);
}

#[test]
fn keycodes_of_another_numbering_are_not_guessed() {
    let server = Server::start(58);
    let status = Command::new("setxkbmap")
        .args(["-display", &server.display, "-keycodes", "xfree86", "-layout", "us"])
        .status()
        .expect("run setxkbmap");
    assert!(status.success());
    let (conn, root) = server.connect();
    let source = Running::xi2(&server);
    // 98 is the up arrow there, and Katakana with evdev; 38 is the A of both.
    for code in [98, 38] {
        fake(&conn, root, KEY_PRESS_EVENT, code, (0, 0));
        fake(&conn, root, KEY_RELEASE_EVENT, code, (0, 0));
    }
    pause(100);
    let usages: Vec<_> = source
        .end()
        .0
        .iter()
        .filter_map(|i| match i.input {
            RawInput::Key { usage, native, down: true, .. } => Some((native, usage.map(|u| u.0))),
            _ => None,
        })
        .collect();
    assert_eq!(usages, [(98, None), (38, Some(0x04))]);
}

#[test]
fn a_server_that_dies_ends_the_source() {
    let mut server = Server::start(55);
    let source = Running::xi2(&server);
    source.next();
    let killed = SystemClock.now();
    server.program.0.kill().expect("kill Xvfb");
    let (end, _) = source.thread.join().expect("the source does not panic");
    assert!(matches!(end, Err(CaptureError::Gone { what: "display", .. })), "{end:?}");
    assert!(SystemClock.now().since(killed) < Duration::from_secs(2));
    let none = watchcap::capture::x11::input::open(Some(&server.display), Arc::default(), Arc::new(SystemClock));
    assert!(matches!(none.err(), Some(CaptureError::NoDisplay { .. })));
}

/// The library of the polled source knows no display but the one of its process: these run in a process of their own.
fn in_process_of_display(test: &str, display: &str) -> bool {
    const CHILD: &str = "WATCHCAP_TEST_ON";
    if std::env::var(CHILD).is_ok_and(|on| on == display) {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("this program's path"))
        .args([&format!("capture_input::{test}"), "--exact", "--nocapture"])
        .env(CHILD, display)
        .env("DISPLAY", display)
        .output()
        .expect("run this program again");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    print!("{text}");
    false
}

fn poll(period_ms: u64) -> Running {
    Running::start(Box::new(move || {
        watchcap::capture::portable::input::open(Arc::new(SystemClock), Duration::from_millis(period_ms))
    }))
}

#[test]
fn the_polled_source_sees_slow_keys_and_buttons() {
    let server = if std::env::var_os("WATCHCAP_TEST_ON").is_none() { Some(Server::start(56)) } else { None };
    if !in_process_of_display("the_polled_source_sees_slow_keys_and_buttons", ":56") {
        assert!(server.is_some());
        return;
    }
    let (conn, screen) = x11rb::connect(None).expect("connect");
    let root = conn.setup().roots[screen].root;
    fake(&conn, root, KEY_PRESS_EVENT, 50, (0, 0));
    let source = poll(4);
    assert_eq!(source.description.poll_us, Some(4_000));
    assert!(
        FacetSet::of(&[Facet::Wheel, Facet::Focus, Facet::Motion])
            .iter()
            .all(|facet| !source.description.facets.has(facet))
    );
    assert_eq!(source.initial.keys.iter().map(|k| k.1).collect::<Vec<_>>(), [50]);
    let mut wanted = Vec::new();
    // Every key that the library knows, by X11 code: what is missing is what its table lacks.
    for key in hid::KEYS {
        let code = key.evdev + hid::X11_OFFSET;
        fake(&conn, root, KEY_PRESS_EVENT, code as u8, (0, 0));
        pause(15);
        fake(&conn, root, KEY_RELEASE_EVENT, code as u8, (0, 0));
        pause(15);
        wanted.push(format!("key {code} true repeat=false"));
        wanted.push(format!("key {code} false repeat=false"));
    }
    for button in [1_u8, 2, 3] {
        for (kind, down) in [(BUTTON_PRESS_EVENT, true), (BUTTON_RELEASE_EVENT, false)] {
            fake(&conn, root, kind, button, (0, 0));
            pause(15);
            wanted.push(format!("button {button} {down}"));
        }
    }
    fake(&conn, root, MOTION_NOTIFY_EVENT, 0, (321, 123));
    pause(50);
    let (got, cpu) = source.end();
    assert!(got.iter().all(|input| input.source == Source::Poll));
    assert!(got.is_sorted_by_key(|input| input.t));
    let last = &got.last().expect("a motion").input;
    assert!(*last == RawInput::Motion { position: Some((321.0, 123.0)), motion: None, warped: false });
    let got: Vec<String> = got.iter().map(|i| arrived(&i.input)).filter(|text| text != "motion").collect();
    let missing: Vec<&str> = wanted.iter().filter(|w| !got.contains(w)).map(String::as_str).collect();
    let found: Vec<&String> = wanted.iter().filter(|w| got.contains(w)).collect();
    println!("polled: {} of {} changes found, cpu {cpu:?}, missing {missing:?}", found.len(), wanted.len());
    // ShiftLeft was down from the start: its press is no change.
    assert!(got.iter().collect::<Vec<_>>() == found, "{got:?}");
    for seen in ["key 38 true repeat=false", "key 36 true repeat=false", "key 104 true repeat=false"] {
        assert!(got.iter().any(|g| g == seen), "{seen} was not seen");
    }
    for blind in ["key 107 true repeat=false", "key 94 true repeat=false"] {
        assert!(missing.contains(&blind), "the library has learned {blind}: say so in the documentation");
    }
    assert_eq!(got.iter().filter(|g| g.starts_with("button")).count(), 6);
}

#[test]
fn the_polled_source_survives_its_server() {
    let test = "the_polled_source_survives_its_server";
    if std::env::var_os("WATCHCAP_TEST_ON").is_none() {
        let server = Server::start(57);
        // Dies while the other process polls: that one waits for it.
        let killer = std::thread::spawn(move || {
            pause(1_500);
            drop(server);
        });
        assert!(!in_process_of_display(test, ":57"), "this is the parent");
        killer.join().expect("the server was killed");
        return;
    }
    let source = poll(5);
    let (end, _) = source.thread.join().expect("the source does not panic");
    assert!(matches!(end, Err(CaptureError::Gone { what: "display", .. })), "{end:?}");
}

#[test]
fn the_polled_source_says_when_there_is_no_display() {
    let test = "the_polled_source_says_when_there_is_no_display";
    if in_process_of_display(test, ":59") {
        let error = watchcap::capture::portable::input::open(Arc::new(SystemClock), Duration::from_millis(5)).err();
        assert!(matches!(error, Some(CaptureError::NoDisplay { .. })), "{error:?}");
    }
}
