//! Clients of the display that change what is told faster than it can be told: the active window, titles, the layout, devices, windows that come
//! and go. What is not told is counted, the newest state is told in the end, and inputs do not suffer.
#![cfg(all(target_os = "linux", feature = "x11"))]

use std::time::{Duration, Instant};

use watchcap::capture::{RawInput, StampedInput};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateWindowAux, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, ModMask, PropMode,
    Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::capture_input::{Running, Server, pause};
use crate::privacy::{number, of_type, record, rows, stop};
use crate::support::{Display, run};

/// Windows that the focus goes around.
const WINDOWS: usize = 8;

fn server() -> Server {
    Server::free("Xvfb", &["-screen", "0", "640x480x24", "-nolisten", "tcp"], None)
}

/// A mapped window with a title.
fn open(conn: &RustConnection, root: Window, title: &str) -> Window {
    let window = conn.generate_id().expect("an id");
    let class = WindowClass::INPUT_OUTPUT;
    conn.create_window(COPY_DEPTH_FROM_PARENT, window, root, 0, 0, 50, 50, 0, class, 0, &CreateWindowAux::new())
        .expect("send");
    conn.change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLASS, AtomEnum::STRING, b"x\0App\0").expect("send");
    name(conn, window, title);
    conn.map_window(window).expect("send");
    window
}

fn name(conn: &RustConnection, window: Window, title: &str) {
    conn.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes())
        .expect("send");
}

fn focus(conn: &RustConnection, window: Window) {
    conn.set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME).expect("send");
}

/// Does something `count` times, `rate` times a second, and taps a key a hundred times a second beside it. Answers with the taps.
fn flood(conn: &RustConnection, count: u32, rate: u32, mut each: impl FnMut(u32)) -> usize {
    let (began, mut taps) = (Instant::now(), 0);
    for n in 0..count {
        each(n);
        if n % (rate / 100) == 0 {
            for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
                conn.xtest_fake_input(kind, 38, 0, x11rb::NONE, 0, 0, 0).expect("send");
            }
            taps += 1;
        }
        let early = (Duration::from_secs(1) * n / rate).saturating_sub(began.elapsed());
        if !early.is_zero() {
            conn.flush().expect("send");
            std::thread::sleep(early);
        }
    }
    conn.sync().expect("an answer");
    taps
}

/// Waits until nothing comes any more, and ends the source.
fn end(source: Running) -> Vec<StampedInput> {
    pause(600);
    source.end().0
}

fn skipped(inputs: &[StampedInput], wanted: &str) -> u64 {
    let counts = inputs.iter().filter_map(|input| match input.input {
        RawInput::Skipped { reason, count, .. } => (reason == wanted).then_some(count),
        _ => None,
    });
    counts.sum()
}

fn titles(inputs: &[StampedInput]) -> Vec<&str> {
    let titles = inputs.iter().filter_map(|input| match &input.input {
        RawInput::Focus { title, .. } => Some(title.0.as_str()),
        _ => None,
    });
    titles.collect()
}

/// Every tap is there, once, and none is late by more than the server's clock tells.
fn all_taps(inputs: &[StampedInput], taps: usize) {
    let of = |wanted: bool| {
        let keys = inputs.iter().filter(|input| matches!(input.input, RawInput::Key { down, .. } if down == wanted));
        keys.count()
    };
    assert_eq!((of(true), of(false)), (taps, taps), "keys are lost");
    assert!(!inputs.iter().any(|input| matches!(input.input, RawInput::Lost { .. })), "inputs are lost");
}

#[test]
fn every_focus_is_told_or_counted() {
    let server = server();
    let (conn, root) = server.connect();
    let windows: Vec<Window> = (0..WINDOWS).map(|n| open(&conn, root, &format!("w{n}"))).collect();
    focus(&conn, windows[0]);
    conn.sync().expect("an answer");
    let source = Running::xi2(&server);
    pause(300);
    let count = 10_500;
    let taps = flood(&conn, count, 3500, |n| focus(&conn, windows[(n as usize + 1) % WINDOWS]));
    let inputs = end(source);
    all_taps(&inputs, taps);
    let told = titles(&inputs);
    assert_eq!(told.last().copied(), Some(format!("w{}", count as usize % WINDOWS).as_str()), "the newest is not told");
    // The one at the start is told as well.
    let (told, lost) = (told.len() as u64 - 1, skipped(&inputs, "focus_flood"));
    println!("{count} changes of the focus: {told} told, {lost} counted");
    assert_eq!(told + lost, u64::from(count), "{told} told and {lost} counted");
    // Slow ones are all told.
    let source = Running::xi2(&server);
    pause(300);
    for window in &windows {
        focus(&conn, *window);
        conn.sync().expect("an answer");
        pause(50);
    }
    let inputs = end(source);
    assert_eq!(titles(&inputs)[1..], ["w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7"][..]);
    assert_eq!(skipped(&inputs, "focus_flood"), 0);
}

/// A window manager's word for it says less: which windows there were is not known, only how many.
#[test]
fn the_word_of_a_window_manager_is_counted() {
    let server = server();
    let (conn, root) = server.connect();
    let atom = |name: &str| conn.intern_atom(false, name.as_bytes()).expect("send").reply().expect("an atom").atom;
    let (check, active) = (atom("_NET_SUPPORTING_WM_CHECK"), atom("_NET_ACTIVE_WINDOW"));
    let windows: Vec<Window> = (0..WINDOWS).map(|n| open(&conn, root, &format!("w{n}"))).collect();
    let say = |window: Window, what: u32, value: Window| {
        conn.change_property32(PropMode::REPLACE, window, what, AtomEnum::WINDOW, &[value]).expect("send");
    };
    let manager = open(&conn, root, "");
    say(manager, check, manager);
    say(root, check, manager);
    say(root, active, windows[0]);
    conn.sync().expect("an answer");
    let source = Running::xi2(&server);
    pause(300);
    let count = 7000;
    let taps = flood(&conn, count, 3500, |n| say(root, active, windows[(n as usize + 1) % WINDOWS]));
    let inputs = end(source);
    all_taps(&inputs, taps);
    let told = titles(&inputs);
    assert_eq!(told.last().copied(), Some(format!("w{}", count as usize % WINDOWS).as_str()), "the newest is not told");
    let (told, lost) = (told.len() as u64 - 1, skipped(&inputs, "focus_flood"));
    println!("{count} words of a window manager: {told} told, {lost} counted");
    // A few may have been no change.
    assert!(u64::from(count).abs_diff(told + lost) <= u64::from(count) / 10, "{told} told and {lost} counted");
}

#[test]
fn titles_and_layouts_are_told_or_counted() {
    let server = server();
    assert!(run(std::process::Command::new("setxkbmap").args(["us,de"]).env("DISPLAY", &server.display)).0 == 0);
    let (conn, root) = server.connect();
    conn.xkb_use_extension(1, 0).expect("send").reply().expect("XKB");
    let window = open(&conn, root, "title");
    focus(&conn, window);
    conn.sync().expect("an answer");
    let source = Running::xi2(&server);
    pause(300);
    let count = 6000;
    let taps = flood(&conn, count, 3000, |n| {
        name(&conn, window, &format!("title {n}"));
        let (none, keyboard) = (ModMask::from(0_u16), u16::from(xkb::ID::USE_CORE_KBD));
        let group = xkb::Group::from(((n + 1) % 2) as u8);
        conn.xkb_latch_lock_state(keyboard, none, none, true, group, none, false, 0).expect("send");
    });
    let inputs = end(source);
    all_taps(&inputs, taps);
    let told = titles(&inputs);
    assert_eq!(told.last(), Some(&"title 5999"), "the newest is not told");
    let (told, lost) = (told.len() as u64 - 1, skipped(&inputs, "title_flood"));
    println!("{count} titles: {told} told, {lost} counted");
    assert!(u64::from(count).abs_diff(told + lost) <= u64::from(count) / 10, "{told} told and {lost} counted");
    let layouts = inputs.iter().filter_map(|input| match &input.input {
        RawInput::Layout(layout) => Some(layout.group),
        _ => None,
    });
    let layouts: Vec<_> = layouts.collect();
    let lost = skipped(&inputs, "layout_flood");
    println!("{count} layouts: {} told, {lost} counted", layouts.len());
    assert_eq!(layouts.last(), Some(&Some(0)));
    // The first was in force already, or not.
    assert!(u64::from(count).abs_diff(layouts.len() as u64 + lost) <= 1, "{} told, {lost} counted", layouts.len());
}

/// With everything that a recording asks of windows, and to the table.
#[test]
fn a_flood_is_a_gap_and_keys_come_through() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(320, 240);
    let (conn, screen) = x11rb::connect(Some(&display.name)).expect("a display");
    let root = conn.setup().roots[screen].root;
    let windows: Vec<Window> = (0..WINDOWS).map(|n| open(&conn, root, &format!("w{n}"))).collect();
    focus(&conn, windows[0]);
    conn.sync().expect("an answer");
    let recorder = record(&display, dir.path(), &["--fps", "10"]);
    let count = 7000;
    let taps = flood(&conn, count, 3500, |n| {
        focus(&conn, windows[(n as usize + 1) % WINDOWS]);
        // Windows come and go beside it, one for each ten.
        if n % 10 == 0 {
            let window = open(&conn, root, "short");
            conn.destroy_window(window).expect("send");
        }
    });
    pause(800);
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let keys = of_type(&rows, &["key_down"]).count();
    assert_eq!(keys, taps, "keys are lost");
    let focuses: Vec<_> = of_type(&rows, &["focus"]).collect();
    let last = focuses.last().map(|row| row["title"].as_str().unwrap_or("none"));
    assert_eq!(last, Some(format!("w{}", count as usize % WINDOWS).as_str()), "the newest is not told");
    let gaps = of_type(&rows, &["gap"]).filter(|row| row["reason"] == "focus_flood");
    let lost: i64 = gaps.map(|row| number(row, "lost")).sum();
    let told = focuses.len() as i64 - 1;
    println!("{count} changes of the focus in a recording: {told} told, {lost} counted");
    // A window that is gone when it is asked for gives the focus to nobody.
    assert!((told + lost - i64::from(count)).abs() <= 8, "{told} told and {lost} counted");
}
