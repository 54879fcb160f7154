//! The Windows program records a desktop of Wine: what is injected into the X server under it is in the table once and in order, and what the
//! X server shows is in the pictures.
//!
//! Runs where tests/wine.rs does. The windows are a small program's of our own (scripts/wine/window.c), in a desktop of Wine's that fills the X
//! server, since only there every window is Wine's. Input goes through XTEST: Wine's own `SendInput` would be fed back through the server. What is
//! compared is injected by keycode: `xdotool key Shift_R` presses the left Shift as well, since it presses the first key of each modifier that
//! its key sets. The X server is asked what it was told, so that what is there besides is Wine's or ours.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{ConnectionExt as _, EventMask, XIEventMask};
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::privacy::{Shown, frames, of_type, rows};
use crate::support::Display;
use crate::wine::{judged, on_z, program, root};

/// Longest that anything may take.
const LIMIT: Duration = Duration::from_mins(2);
/// The size of the X server and of Wine's desktop.
const SIZE: (u32, u32) = (640, 480);

/// A desktop of Wine on an X server of its own, with the programs that were started on it.
pub(crate) struct Desk {
    display: Display,
    /// Wine keeps desktops apart by their names.
    name: String,
    dir: tempfile::TempDir,
    children: Vec<Child>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Desk {
    pub(crate) fn start(name: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { display: Display::start(SIZE.0, SIZE.1), name: name.into(), dir, children: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a program of Windows on the desktop. What it prints is lost: explorer stands between.
    pub(crate) fn run(&mut self, args: &[&str]) {
        let said = |name: &str| File::create(self.path(name)).expect("a file");
        let mut command = Command::new(root().join("scripts/wine/run.sh"));
        command.arg("explorer").arg(format!("/desktop={},{}x{}", self.name, SIZE.0, SIZE.1)).args(args);
        command.env("DISPLAY", &self.display.name).env_remove("WATCHCAP_CONSENT").env_remove("WATCHCAP_OUT");
        command.stdin(Stdio::null()).stdout(said("explorer.out")).stderr(said("explorer.err"));
        self.children.push(command.spawn().expect("scripts/wine/run.sh"));
    }

    /// Opens a window, and waits until the X server shows its colour in its middle.
    pub(crate) fn window(
        &mut self,
        title: &str,
        (x, y, width, height): (u32, u32, u32, u32),
        colour: u32,
        more: &[&str],
    ) {
        let exe = window_program();
        let place = [x, y, width, height].map(|number| number.to_string());
        let colour_text = format!("{colour:06x}");
        let mut args = vec![exe.as_str(), title];
        args.extend(place.iter().map(String::as_str));
        args.push(&colour_text);
        args.extend(more);
        self.run(&args);
        let begun = Instant::now();
        while self.pixel(x + width / 2, y + height / 2) != colour {
            assert!(begun.elapsed() < LIMIT, "the window {title} does not come");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the X server shows, 0xRRGGBB for each pixel.
    fn shot(&self) -> Vec<u32> {
        let (conn, screen) = x11rb::connect(Some(&self.display.name)).expect("the X server");
        let root = conn.setup().roots[screen].root;
        let (width, height) = (SIZE.0 as u16, SIZE.1 as u16);
        let image = conn.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, width, height, u32::MAX).expect("a request");
        let data = image.reply().expect("a picture").data;
        data.chunks_exact(4).map(|p| u32::from_le_bytes([p[0], p[1], p[2], 0])).collect()
    }

    fn pixel(&self, x: u32, y: u32) -> u32 {
        self.shot()[(y * SIZE.0 + x) as usize]
    }

    /// Injects input.
    pub(crate) fn does(&self, what: &str) {
        let done = Command::new("xdotool").args(what.split(' ')).env("DISPLAY", &self.display.name).status();
        assert!(done.expect("xdotool is missing: run scripts/setup.sh test").success(), "xdotool {what}");
        std::thread::sleep(Duration::from_millis(150));
    }

    /// Starts recording, and waits until it runs.
    pub(crate) fn record(&mut self, exe: &Path, seconds: u32, extra: &[&str]) {
        let out = on_z(self.dir.path());
        let words = extra.iter().map(|word| format!(" \"{word}\"")).collect::<Vec<_>>().concat();
        let said = |name: &str| on_z(&self.path(name));
        // Wine has no UI Automation.
        let line = format!(
            "@\"{}\" record --out \"{out}\" --session session --json --fps 10 --consent screen,input --allow-missing redaction --duration {seconds}s{words} > \"{}\" 2> \"{}\"\r\n",
            on_z(exe),
            said("out"),
            said("err")
        );
        std::fs::write(self.path("record.bat"), line).expect("a file");
        let script = said("record.bat");
        self.run(&["cmd", "/c", &script]);
        let begun = Instant::now();
        while self.ready().is_none() {
            assert!(begun.elapsed() < LIMIT, "it does not record: {}{}", self.said("out"), self.said("err"));
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_millis(500));
    }

    /// The line with which a recording says that it runs.
    pub(crate) fn ready(&self) -> Option<Value> {
        let lines = self.said("out");
        lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|line| line["pid"].is_u64())
    }

    fn said(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    /// Waits for the end of the recording; the verified session and its rows.
    pub(crate) fn sealed(&self) -> (PathBuf, Value, Vec<Value>) {
        let session = self.path("session");
        let begun = Instant::now();
        while !session.join("integrity.sha256").is_file() {
            assert!(begun.elapsed() < LIMIT, "it is not sealed: {}{}", self.said("out"), self.said("err"));
            std::thread::sleep(Duration::from_millis(50));
        }
        let metadata = judged(&session);
        let rows = rows(&session);
        (session, metadata, rows)
    }
}

/// The program with the windows, compiled once.
fn window_program() -> String {
    static ONCE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let made = ONCE.get_or_init(|| {
        let exe = root().join("target/wine-window.exe");
        let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
        compiler.args(["-O1", "-Wall", "-o"]).arg(&exe).arg(root().join("scripts/wine/window.c"));
        assert!(compiler.args(["-lgdi32", "-luser32"]).status().expect("scripts/setup.sh wine").success());
        exe
    });
    on_z(made)
}

/// All that is told of the keys and buttons of the X server, whoever did it, and a hand that does it by XTEST.
struct Hand {
    conn: RustConnection,
    root: u32,
}

/// A press or a release of a key, by evdev's number, or of a button.
type Change = (&'static str, u32, bool);

impl Hand {
    fn on(desk: &Desk) -> Self {
        let (conn, screen) = x11rb::connect(Some(&desk.display.name)).expect("the X server");
        let root = conn.setup().roots[screen].root;
        conn.xinput_xi_query_version(2, 2).expect("a request").reply().expect("XInput2");
        let raw = XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_KEY_RELEASE
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_BUTTON_RELEASE;
        // 1: all master devices.
        let masks = [EventMask { deviceid: 1, mask: vec![raw] }];
        conn.xinput_xi_select_events(root, &masks).expect("a request").check().expect("raw events");
        Self { conn, root }
    }

    fn fake(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        let root = if kind == MOTION_NOTIFY_EVENT { self.root } else { x11rb::NONE };
        self.conn.xtest_fake_input(kind, detail, 0, root, x, y, 0).expect("XTEST").check().expect("XTEST");
        std::thread::sleep(Duration::from_millis(40));
    }

    /// Presses and releases a key.
    fn key(&self, evdev: u8) {
        for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            self.fake(kind, evdev + 8, (0, 0));
        }
    }

    fn click(&self, button: u8) {
        for kind in [BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT] {
            self.fake(kind, button, (0, 0));
        }
    }

    /// Moves the pointer by steps.
    fn step(&self, by: (i16, i16)) {
        self.fake(MOTION_NOTIFY_EVENT, 1, by);
    }

    /// Moves the pointer to a place.
    fn place(&self, at: (i16, i16)) {
        self.fake(MOTION_NOTIFY_EVENT, 0, at);
    }

    /// What the X server was told since the last call.
    fn told(&self) -> Vec<Change> {
        self.conn.get_input_focus().expect("a request").reply().expect("its answer");
        let mut all = Vec::new();
        while let Some(event) = self.conn.poll_for_event().expect("an event") {
            all.extend(match event {
                Event::XinputRawKeyPress(e) => Some(("key", e.detail - 8, true)),
                Event::XinputRawKeyRelease(e) => Some(("key", e.detail - 8, false)),
                Event::XinputRawButtonPress(e) => Some(("button", e.detail, true)),
                Event::XinputRawButtonRelease(e) => Some(("button", e.detail, false)),
                _ => None,
            });
        }
        all
    }
}

/// Keys by evdev's number and their code: letters, modifiers of both sides, those with the prefix E0, Pause, NumLock and PrintScreen.
const KEYS: [(u8, &str); 25] = [
    (30, "KeyA"),
    (44, "KeyZ"),
    (2, "Digit1"),
    (28, "Enter"),
    (57, "Space"),
    (42, "ShiftLeft"),
    (54, "ShiftRight"),
    (29, "ControlLeft"),
    (97, "ControlRight"),
    (63, "F5"),
    (105, "ArrowLeft"),
    (103, "ArrowUp"),
    (110, "Insert"),
    (111, "Delete"),
    (102, "Home"),
    (107, "End"),
    (104, "PageUp"),
    (96, "NumpadEnter"),
    (98, "NumpadDivide"),
    (55, "NumpadMultiply"),
    (99, "PrintScreen"),
    (119, "Pause"),
    (69, "NumLock"),
    (86, "IntlBackslash"),
    (70, "ScrollLock"),
];
/// The key that is pressed last, in another window.
const LAST: (u8, &str) = (48, "KeyB");

/// What Wine adds: its X11 driver compares the locks with those of the X server before each key (`update_lock_state`). In this X server no modifier is
/// Scroll Lock, so behind a press of that key the next one is preceded by another, which Wine injects itself to switch it off again.
const WINE_ADDS: [(&str, &str); 2] = [("key_down", "ScrollLock"), ("key_up", "ScrollLock")];

/// Buttons by their numbers in X11.
const BUTTONS: [(u8, &str); 5] = [(1, "left"), (2, "middle"), (3, "right"), (8, "x1"), (9, "x2")];

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("none")
}

#[test]
fn every_injected_input_is_in_the_table_once_and_in_order() {
    let Some(exe) = program() else { return };
    let mut desk = Desk::start("inputs");
    desk.window("first", (40, 40, 240, 200), 0x20_40_c0, &[]);
    desk.does("mousemove 100 100 click 1");
    desk.record(&exe, 30, &[]);
    let hand = Hand::on(&desk);
    for (evdev, _) in KEYS {
        hand.key(evdev);
    }
    for (number, _) in BUTTONS {
        hand.click(number);
    }
    for wheel in [4, 5, 5, 6, 7] {
        hand.click(wheel);
    }
    for step in 0..20 {
        hand.step((3 + step % 2, if step < 10 { 2 } else { -1 }));
    }
    hand.place((420, 300));
    desk.window("second", (340, 260, 200, 120), 0xc0_40_20, &[]);
    hand.place((400, 300));
    hand.click(1);
    std::thread::sleep(Duration::from_millis(300));
    hand.key(LAST.0);
    let (_, metadata, rows) = desk.sealed();
    let streams = &metadata["streams"];
    assert_eq!((&streams["screen"]["source"], &streams["input"]["source"]), (&"gdi".into(), &"rawinput".into()));
    // Wine has none of the ways that go before it, and it is told why.
    let settings = &streams["screen"]["settings"];
    let passed: Vec<&str> =
        settings["instead_of"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(passed.len() == 2 && passed[0].starts_with("wgc") && passed[1].starts_with("dxgi"), "{passed:?}");
    assert_eq!((&settings["frame_time"], &settings["remote_session"]), (&"arrival".into(), &false.into()));
    println!("passed over: {passed:?}");

    // The X server was told of nothing else.
    let both = |kind, number| [(kind, number, true), (kind, number, false)];
    let buttons = BUTTONS.iter().map(|(number, _)| *number).chain([4, 5, 5, 6, 7, 1]);
    let mut injected: Vec<Change> = KEYS.iter().flat_map(|(evdev, _)| both("key", (*evdev).into())).collect();
    injected.extend(buttons.flat_map(|number| both("button", number.into())));
    injected.extend(both("key", LAST.0.into()));
    assert_eq!(hand.told(), injected);

    let mut expected: Vec<(&str, &str)> = Vec::new();
    for (_, code) in KEYS {
        expected.extend([("key_down", code), ("key_up", code)]);
    }
    expected.extend(WINE_ADDS);
    expected.extend([("key_down", LAST.1), ("key_up", LAST.1)]);
    let keys: Vec<_> =
        of_type(&rows, &["key_down", "key_up"]).map(|row| (text(row, "event_type"), text(row, "code"))).collect();
    assert_eq!(keys, expected);
    assert!(of_type(&rows, &["key_down", "key_up"]).all(|row| row["source"] == "rawinput" && row["repeat"] != true));

    let mut expected: Vec<(&str, bool)> = Vec::new();
    for (_, name) in BUTTONS.into_iter().chain([(1, "left")]) {
        expected.extend([(name, true), (name, false)]);
    }
    let buttons: Vec<_> = of_type(&rows, &["mouse_click"])
        .map(|row| (text(row, "mouse_button"), row["pressed"].as_bool().expect("pressed")))
        .collect();
    assert_eq!(buttons, expected);

    let wheels: Vec<_> = of_type(&rows, &["wheel"]).map(|row| (row["axis"].as_str(), row["delta"].as_f64())).collect();
    let (up, down, across) = ((None, Some(1.0)), (None, Some(-1.0)), Some("horizontal"));
    assert_eq!(wheels, [up, down, down, (across, Some(-1.0)), (across, Some(1.0))]);

    // Events may merge, so sums are compared; what is moved to a place counts too.
    let moves: Vec<_> = of_type(&rows, &["mouse_move"]).collect();
    let sum = |key: &str| moves.iter().filter_map(|row| row[key].as_f64()).sum::<f64>();
    assert_eq!((sum("mouse_dx"), sum("mouse_dy")), (300.0, 200.0), "from 100,100 to 400,300");
    let last = moves.iter().rev().find(|row| row["mouse_x"].is_f64()).expect("a place");
    let at = |key: &str, length: u32| (last[key].as_f64().expect("a place") * f64::from(length)).round();
    assert_eq!((at("mouse_x", SIZE.0), at("mouse_y", SIZE.1)), (400.0, 300.0));

    let focus: Vec<_> = of_type(&rows, &["focus"]).map(|row| (text(row, "app"), text(row, "title"))).collect();
    assert_eq!(focus.first(), Some(&("wine-window", "first")), "{focus:?}");
    assert_eq!(focus.last(), Some(&("wine-window", "second")), "{focus:?}");
    assert!(of_type(&rows, &["gap"]).all(|row| row["stream"] != "input"), "inputs were lost");
    println!(
        "inputs: {} keys, {} buttons, {} wheels, {} motions",
        keys.len(),
        buttons.len(),
        wheels.len(),
        moves.len()
    );
}

#[test]
fn pictures_are_what_the_x_server_shows() {
    let Some(exe) = program() else { return };
    let mut desk = Desk::start("pictures");
    desk.window("red", (40, 40, 200, 160), 0xd0_20_20, &[]);
    desk.window("green", (300, 200, 180, 140), 0x20_b0_40, &[]);
    desk.does("mousemove 600 460");
    desk.record(&exe, 5, &[]);
    std::thread::sleep(Duration::from_secs(1));
    let shot = desk.shot();
    let (session, metadata, rows) = desk.sealed();
    assert_eq!(metadata["streams"]["screen"]["source"], "gdi");
    let shown = frames(&session, &rows);
    let last = shown.last().expect("a frame");
    let (mut off, mut worst) = (0, 0);
    for y in 0..SIZE.1 {
        for x in 0..SIZE.0 {
            let wanted = shot[(y * SIZE.0 + x) as usize].to_be_bytes();
            let apart = last.at(x as usize, y as usize).iter().zip(&wanted[1..]).map(|(a, b)| a.abs_diff(*b)).max();
            worst = worst.max(apart.unwrap_or(0));
            off += usize::from(apart > Some(40));
        }
    }
    // The codec halves the colours' resolution: edges differ, areas do not.
    assert!(off < 2000, "{off} pixels are of another colour, the worst by {worst}");
    let dups = of_type(&rows, &["frame"]).filter(|row| row["dup"] == "1").count();
    assert!(dups * 2 > shown.len(), "{dups} of {} frames say that nothing changed", shown.len());
    println!("pictures: {} frames, {dups} unchanged, {off} pixels at edges differ", shown.len());
}

#[test]
fn what_must_not_be_seen_is_black_while_it_moves_and_what_must_not_be_known_is_withheld() {
    let Some(exe) = program() else { return };
    let mut desk = Desk::start("secrets");
    desk.window("plain", (20, 300, 160, 120), 0x20_60_20, &[]);
    desk.does("mousemove 100 360 click 1");
    desk.record(&exe, 20, &[]);
    desk.does("key a");
    // Excluded by its title; the colour is what no frame may have.
    desk.window("My vault - Bitwarden", (60, 40, 120, 90), 0xff_00_ff, &["moves"]);
    desk.does("mousemove 400 400");
    std::thread::sleep(Duration::from_secs(2));
    desk.window("form", (400, 300, 160, 120), 0x60_60_60, &["password"]);
    desk.does("mousemove 480 400 click 1");
    desk.does("key s");
    desk.does("key t");
    desk.does("mousemove 100 360 click 1");
    std::thread::sleep(Duration::from_millis(300));
    desk.does("key b");
    let (session, _, rows) = desk.sealed();

    let shown = frames(&session, &rows);
    let seen: Vec<_> = shown.iter().map(Shown::secrets).filter(|count| *count > 0).collect();
    assert!(seen.is_empty(), "{} of {} frames show the vault: {seen:?}", seen.len(), shown.len());
    let masked: Vec<_> = of_type(&rows, &["redact"]).filter(|row| row["reason"] == "excluded_app").collect();
    assert!(masked.iter().any(|row| row["what"] == "pixels"), "{masked:?}");

    let downs: Vec<_> = of_type(&rows, &["key_down"]).map(|row| (text(row, "code"), row["redacted"] == "1")).collect();
    assert_eq!(downs, [("KeyA", false), ("none", true), ("none", true), ("KeyB", false)]);
    let keys: Vec<_> = of_type(&rows, &["redact"]).filter(|row| row["what"] == "keys").collect();
    assert!(keys.iter().any(|row| row["reason"] == "password_field"), "{keys:?}");
    assert!(
        of_type(&rows, &["key_down", "key_up"]).filter(|row| row["redacted"] == "1").all(|row| row["native"].is_null())
    );
    println!("secrets: {} frames, none shows the vault", shown.len());
}
