//! A recorded window, and what belongs to it: popups are in the picture as their input is in the table; while it is minimised,
//! made anew, or its monitor is off, there is a gap and no input, and the recording goes on.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::privacy::{Shown, Windows, frames, metadata, number, of_type, record, rows, stop};
use crate::support::{Display, Running, run, watchcap};

/// X11 keycodes of the letters A, B and C.
const KEYS: [(u8, &str); 3] = [(38, "KeyA"), (56, "KeyB"), (54, "KeyC")];

/// A display, a client, and its window `main` of red pixels with the focus: 200x150 at 20,20.
fn desk() -> (Display, Windows) {
    let display = Display::start(320, 240);
    let mut windows = Windows::start(&display);
    windows.command("open main 20 20 200 150 ff0000 managed class=App title=main");
    windows.command("focus main");
    (display, windows)
}

fn tap(windows: &mut Windows, (code, _): (u8, &str)) {
    windows.command(&format!("key {code} 1"));
    windows.command(&format!("key {code} 0"));
    windows.command("wait 100");
}

fn click(windows: &mut Windows, x: i32, y: i32) {
    windows.command(&format!("pointer {x} {y}"));
    windows.command("wait 100");
    windows.command("button 1 1");
    windows.command("button 1 0");
    windows.command("wait 300");
}

/// The codes of keys that went down.
fn pressed(rows: &[Value]) -> Vec<&str> {
    of_type(rows, &["key_down"]).map(|row| row["code"].as_str().unwrap_or("none")).collect()
}

/// Where the left button went down, hundredths of the surface.
fn clicks(rows: &[Value]) -> Vec<(i32, i32)> {
    let at = |row: &Value, key: &str| (row[key].as_f64().expect("a position") * 100.0).round() as i32;
    let down = of_type(rows, &["mouse_click"]).filter(|row| row["pressed"] == true);
    down.map(|row| (at(row, "mouse_x"), at(row, "mouse_y"))).collect()
}

/// The gaps of the screen, by reason, with both ends.
fn gaps(rows: &[Value]) -> Vec<(String, i64, i64)> {
    let of_screen = of_type(rows, &["gap"]).filter(|row| row["stream"] == "screen");
    let gap = |row: &Value| {
        let reason = row["reason"].as_str().expect("a reason").to_owned();
        (reason, row["t_ns"].as_i64().expect("a time"), number(row, "until_ns"))
    };
    of_screen.map(gap).filter(|(reason, ..)| !["late", "encoder_busy"].contains(&reason.as_str())).collect()
}

/// The only gap, which has this reason: both ends.
fn only_gap(rows: &[Value], reason: &str) -> (i64, i64) {
    let gaps = gaps(rows);
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| gap.0 == reason), "{gaps:?}");
    (gaps[0].1, gaps[gaps.len() - 1].2)
}

fn is(colour: [u8; 3], red: bool, green: bool, blue: bool) -> bool {
    colour.iter().zip([red, green, blue]).all(|(value, high)| if high { *value > 150 } else { *value < 100 })
}

fn verified(session: &Path) {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
}

fn between(shown: &[Shown], from: i64, until: i64) -> impl Iterator<Item = &Shown> {
    shown.iter().filter(move |frame| (from..until).contains(&frame.t))
}

#[test]
fn popups_of_the_window_are_in_the_picture_and_nothing_else_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk();
    let mut stranger = Windows::start(&display);
    let recorder = record(&display, dir.path(), &["--window-title", "main"]);
    // By its word, by its client, by the word of another popup; and one that must not be seen.
    windows.command("open menu 60 60 60 60 0000ff over=main");
    windows.command("round menu");
    windows.command("open sub 100 80 40 140 00ff00 over=menu");
    windows.command("open tip 180 140 200 10 ffff00");
    windows.command("open note 150 30 40 20 ff00ff type=notification over=main");
    // Those are not: of another program, managed, and of another window of the program.
    stranger.command("open alien 150 100 20 20 ffffff");
    windows.command("open dialog 30 120 40 30 ffffff managed over=main");
    windows.command("open second 230 20 60 60 00ffff managed class=App title=second");
    windows.command("open other 24 24 20 20 ffffff over=second");
    let (_, up) = windows.command("wait 300");
    click(&mut windows, 90, 90);
    let (moving, _) = windows.command("move menu 40 70");
    windows.command("move note 150 60");
    let (_, moved) = windows.command("wait 200");
    windows.command("wait 300");
    let (closing, _) = windows.command("id menu");
    for name in ["menu", "sub", "tip", "note"] {
        windows.command(&format!("close {name}"));
    }
    let (_, closed) = windows.command("wait 700");
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let shown = frames(&session, &rows);
    let (mut first, mut second, mut after) = (0, 0, 0);
    for frame in &shown {
        assert_eq!(frame.secrets(), 0, "the notification is to be seen at {}", frame.t - up);
        let red = |x, y| is(frame.at(x, y), true, false, false);
        assert!(red(140, 92) && red(30, 115) && red(6, 6), "what is not its own is in it at {}", frame.t - up);
    }
    for frame in between(&shown, up, moving) {
        first += 1;
        assert!(is(frame.at(50, 56), false, false, true), "no menu");
        assert!(is(frame.at(43, 43), true, false, false), "its corners are cut");
        assert!(is(frame.at(100, 75), false, true, false) && is(frame.at(100, 146), false, true, false), "no submenu");
        assert!(is(frame.at(180, 125), true, true, false), "no tooltip");
        assert!(frame.at(150, 20).iter().all(|c| *c < 40), "the notification is not masked");
    }
    for frame in between(&shown, moved, closing) {
        second += 1;
        assert!(is(frame.at(30, 80), false, false, true), "the menu did not move");
        assert!(is(frame.at(70, 45), true, false, false), "it is where it was");
        assert!(frame.at(150, 50).iter().all(|c| *c < 40), "the notification is not masked where it went");
    }
    for frame in between(&shown, closed, i64::MAX) {
        after += 1;
        for (x, y) in [(30, 80), (100, 75), (180, 125), (150, 50)] {
            assert!(is(frame.at(x, y), true, false, false), "something is left at {x},{y}");
        }
    }
    assert!(first > 3 && second > 3 && after > 2, "{first} {second} {after}");
    assert_eq!(clicks(&rows), [(35, 47)]);
    let masked: Vec<_> = of_type(&rows, &["redact"]).filter(|row| row["what"] == "pixels").collect();
    assert!(masked.iter().all(|row| row["reason"] == "notification") && masked.len() >= 2, "{masked:?}");
    verified(&session);
}

#[test]
fn a_popup_that_is_painted_again_is_a_changed_picture_and_one_that_has_the_keyboard_is_the_windows_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk();
    let recorder = record(&display, dir.path(), &["--app", "APP"]);
    windows.command("open menu 60 60 60 60 0000ff type=popup_menu class=Menu");
    windows.command("focus menu");
    windows.command("wait 300");
    tap(&mut windows, KEYS[0]);
    // Under the pointer, and with the focus nowhere else: as on a server without a window manager.
    windows.command("focus main");
    tap(&mut windows, KEYS[1]);
    let (_, filled) = windows.command("fill menu 00ff00");
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    assert_eq!(pressed(&rows), ["KeyA", "KeyB"], "what was typed into its menu");
    assert_eq!(of_type(&rows, &["redact"]).count(), 0, "nothing was withheld");
    let shown = frames(&session, &rows);
    let (mut blue, mut green) = (0, 0);
    for frame in &shown {
        blue += usize::from(is(frame.at(60, 60), false, false, true));
        green += usize::from(is(frame.at(60, 60), false, true, false) && frame.t > filled - 50_000_000);
    }
    assert!(blue > 3 && green > 3, "{blue} {green} of {}", shown.len());
}

/// A window of Tk, which says what was chosen in it.
struct Toolkit {
    _program: Running,
    said: BufReader<std::process::ChildStdout>,
}

impl Toolkit {
    fn start(display: &Display) -> Self {
        // Not the interpreter of the readers: that one may have no Tk.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/tk_window.py"));
        command.env("DISPLAY", &display.name).stdout(Stdio::piped());
        let mut program = command.spawn().expect("python3");
        let said = BufReader::new(program.stdout.take().expect("piped"));
        let mut toolkit = Self { _program: Running(program), said };
        toolkit.says("ready");
        toolkit
    }

    fn says(&mut self, word: &str) {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("its output");
        assert!(line.starts_with(word), "{line:?}: python3-tk is missing, or it did not get the click");
    }
}

#[test]
fn lists_and_menus_of_a_real_toolkit_are_in_the_picture() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(480, 320);
    let mut hand = Windows::start(&display);
    let mut toolkit = Toolkit::start(&display);
    let recorder = record(&display, dir.path(), &["--window-title", "toolkit win*"]);
    let (opened, _) = hand.command("wait 1");
    click(&mut hand, 150, 71);
    let (_, list_up) = hand.command("wait 300");
    click(&mut hand, 150, 110);
    toolkit.says("selected");
    let (menu_up, _) = hand.command("wait 1");
    hand.command("pointer 200 180");
    hand.command("wait 100");
    hand.command("button 3 1");
    hand.command("button 3 0");
    hand.command("wait 400");
    // The submenu opens beside its entry.
    click(&mut hand, 220, 190);
    let (_, sub_up) = hand.command("wait 400");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let shown = frames(&session, &rows);
    let some = |from: i64, until: i64, red, green, blue| {
        let count = |frame: &Shown| frame.count(|colour| is(colour, red, green, blue));
        between(&shown, from, until).map(count).max().unwrap_or(0)
    };
    assert!(some(opened, list_up + 100_000_000, false, false, true) > 2000, "the list is in no picture");
    assert!(some(menu_up, sub_up, false, true, false) > 200, "the menu is in no picture");
    assert!(some(menu_up, sub_up, true, true, false) > 200, "the submenu is in no picture");
    assert!(clicks(&rows).len() >= 3, "{:?}", clicks(&rows));
    assert_eq!(of_type(&rows, &["redact"]).count(), 0, "nothing was withheld");
}

#[test]
fn a_minimised_window_is_a_gap_without_frames_and_input() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk();
    windows.command("unmap main");
    // An application is found among the windows that are shown: this one is named.
    let id = format!("{:#x}", windows.id("main"));
    let mut command = watchcap();
    command.args(["record", "--consent", "screen,input", "--session", "s", "--fps", "20", "--window", &id, "--out"]);
    command.arg(dir.path()).env("DISPLAY", &display.name).stdout(Stdio::null());
    command.stderr(std::fs::File::create(dir.path().join("stderr.txt")).expect("a file"));
    let recorder = Running(command.spawn().expect("the program"));
    windows.command("wait 1500");
    let (_, shown_at) = windows.command("map main");
    windows.command("focus main");
    windows.command("wait 500");
    tap(&mut windows, KEYS[0]);
    let (hidden_at, _) = windows.command("unmap main");
    tap(&mut windows, KEYS[1]);
    let (back_at, _) = windows.command("wait 600");
    windows.command("map main");
    windows.command("focus main");
    windows.command("wait 400");
    tap(&mut windows, KEYS[2]);
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let gaps = gaps(&rows);
    assert!(gaps.len() == 2 && gaps.iter().all(|gap| gap.0 == "window_minimised"), "{gaps:?}");
    assert!(gaps[0].2 >= shown_at - 100_000_000 && gaps[1].1 >= hidden_at && gaps[1].2 >= back_at, "{gaps:?}");
    for frame in of_type(&rows, &["frame"]) {
        let t = frame["t_ns"].as_i64().expect("a time");
        assert!(!gaps.iter().any(|gap| (gap.1..gap.2).contains(&t)), "a frame in a gap");
    }
    assert_eq!(pressed(&rows), ["KeyA", "KeyC"]);
    assert_eq!(metadata(&session)["dropped_frames"], 0);
    let said = std::fs::read_to_string(dir.path().join("stderr.txt")).expect("text");
    assert!(said.contains("WARN the recorded window is minimised"), "{said}");
    verified(&session);
}

#[test]
fn a_window_that_is_made_anew_is_recorded_on_and_no_other_is_taken_for_it() {
    for by in ["--window", "--app", "--window-title"] {
        let dir = tempfile::tempdir().expect("a folder");
        let (display, mut windows) = desk();
        windows.command("open beside 230 20 60 60 ffffff managed class=App title=main_too");
        windows.command("raise main");
        let id = windows.id("main");
        let named = [format!("{id:#x}"), "App".to_owned(), "main".to_owned()];
        let named = &named[["--window", "--app", "--window-title"].iter().position(|way| *way == by).expect("a way")];
        let recorder = record(&display, dir.path(), &[by, named, "--wait-target", "20"]);
        windows.command("focus main");
        windows.command("wait 300");
        tap(&mut windows, KEYS[0]);
        windows.command("move main 20 30");
        let (closing, _) = windows.command("close main");
        tap(&mut windows, KEYS[1]);
        // A dialog is none, also one that is new.
        windows.command("open dialog 30 30 50 50 ffff00 managed class=App title=main over=beside");
        windows.command("wait 600");
        let (making, _) = windows.command("open main 0 0 320 240 0000ff managed class=App title=main");
        windows.command("focus main");
        windows.command("wait 600");
        tap(&mut windows, KEYS[2]);
        let (_, closing_again) = windows.command("wait 200");
        windows.command("close? dialog");
        let session = stop(recorder, dir.path());
        let rows = rows(&session);
        let (from, until) = only_gap(&rows, "window_gone");
        assert!(from >= closing && until >= making && until < closing_again, "{by}");
        assert_eq!(pressed(&rows), ["KeyA", "KeyC"], "{by}");
        let shown = frames(&session, &rows);
        assert!(between(&shown, 0, from).all(|frame| is(frame.at(100, 75), true, false, false)), "{by}");
        assert_eq!(between(&shown, from, until).count(), 0, "{by}: frames in the gap");
        let blue = between(&shown, until, i64::MAX).filter(|frame| is(frame.at(100, 75), false, false, true)).count();
        assert!(blue > 3, "{by}: the new window is in {blue} pictures");
        // Its title is told once it is known to be the recorded one.
        let last = of_type(&rows, &["focus"]).filter(|row| row["app"] == "App").last().expect("a row");
        assert_ne!(last["window_id"], format!("{id:#x}"), "{by}");
        let target = metadata(&session)["target"].as_str().expect("a target").to_owned();
        let asked = match by {
            "--app" => ", app \"App\"",
            "--window-title" => ", title \"main\"",
            _ => "",
        };
        assert_eq!(target, format!("window {id:#x}{asked}"), "{by}");
        verified(&session);
    }
}

/// Waits for a recording to end by itself; how long that took.
fn ends(mut recorder: Running) -> (i32, Duration) {
    let began = Instant::now();
    while recorder.0.try_wait().expect("its state").is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "it did not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    (recorder.wait(), began.elapsed())
}

#[test]
fn a_window_that_does_not_come_back_ends_the_recording_after_the_wait() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[record]\nwait_target = 2\n").expect("a file");
    let config = config.to_str().expect("a path").to_owned();
    for (extra, least, most) in
        [(vec!["--wait-target", "0"], 0, 2), (vec!["--wait-target", "3s"], 3, 12), (vec!["--config", &config], 2, 11)]
    {
        let dir = tempfile::tempdir().expect("a folder");
        let (display, mut windows) = desk();
        windows.command("open beside 230 20 60 60 ffffff managed class=App title=main_too");
        windows.command("raise main");
        let more: Vec<&str> = ["--app", "App"].into_iter().chain(extra).collect();
        let recorder = record(&display, dir.path(), &more);
        windows.command("close main");
        let (code, took) = ends(recorder);
        assert!(took >= Duration::from_secs(least) && took < Duration::from_secs(most), "{more:?}: {took:?}");
        let session = dir.path().join("s");
        assert_eq!(metadata(&session)["end_reason"], "window_closed");
        // A busy machine drops frames (3); the end is no loss.
        assert!(code == 0 || code == 3, "{more:?}: {code}");
        assert!(!gaps(&rows(&session)).iter().any(|gap| gap.0 == "not_stored"), "{more:?}");
        assert_eq!(gaps(&rows(&session)).is_empty(), least == 0);
        verified(&session);
    }
}

fn xrandr(display: &Display, args: &[&str]) {
    // Xvfb refuses a desktop of no size behind switching its only output off, which is off by then.
    let status = Command::new("xrandr").args(args).env("DISPLAY", &display.name).stderr(Stdio::null()).status();
    status.expect("xrandr is missing: run scripts/setup.sh test");
}

#[test]
fn a_monitor_that_is_switched_off_or_made_anew_is_waited_for() {
    let right = ["--setmonitor", "right", "160/50x240/80+160+0", "none"];
    for (name, before, off, on) in [
        ("screen", None, vec!["--output", "screen", "--off"], vec!["--output", "screen", "--auto"]),
        ("right", Some(right.to_vec()), vec!["--delmonitor", "right"], right.to_vec()),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let (display, mut windows) = desk();
        if let Some(before) = before {
            xrandr(&display, &before);
        }
        let recorder = record(&display, dir.path(), &["--monitor", name]);
        windows.command("wait 300");
        tap(&mut windows, KEYS[0]);
        let (switching, _) = windows.command("wait 1");
        xrandr(&display, &off);
        windows.command("wait 500");
        tap(&mut windows, KEYS[1]);
        let (_, back) = windows.command("wait 300");
        xrandr(&display, &on);
        windows.command("wait 700");
        tap(&mut windows, KEYS[2]);
        let session = stop(recorder, dir.path());
        let rows = rows(&session);
        let (from, until) = only_gap(&rows, "monitor_gone");
        assert!(from >= switching && until >= back, "{name}: {from} {until}");
        assert_eq!(pressed(&rows), ["KeyA", "KeyC"], "{name}");
        let withheld: Vec<_> = of_type(&rows, &["redact"]).filter(|row| row["what"] == "input").collect();
        assert!(!withheld.is_empty() && withheld.iter().all(|row| row["reason"] == "target_absent"), "{withheld:?}");
        let shown = frames(&session, &rows);
        assert_eq!(between(&shown, from, until).count(), 0, "{name}: frames in the gap");
        assert!(between(&shown, until, i64::MAX).count() > 3, "{name}: no frames after it");
        assert_eq!(metadata(&session)["end_reason"], "sigint");
        verified(&session);
    }
}

#[test]
fn a_recording_of_a_window_begins_with_a_redact_row_only_when_something_was_withheld() {
    let recorded = |focused: bool, moved: bool| -> (PathBuf, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a folder");
        let (display, mut windows) = desk();
        windows.command("open beside 230 20 60 60 ffffff managed class=Other title=other");
        if !focused {
            windows.command("focus beside");
        }
        let recorder = record(&display, dir.path(), &["--app", "app"]);
        windows.command("wait 200");
        if moved {
            tap(&mut windows, KEYS[0]);
        }
        windows.command("focus main");
        windows.command("wait 200");
        tap(&mut windows, KEYS[1]);
        (stop(recorder, dir.path()), dir)
    };
    for (focused, moved) in [(true, false), (true, true), (false, false), (false, true)] {
        let (session, _dir) = recorded(focused, moved);
        let rows = rows(&session);
        let withheld = of_type(&rows, &["redact"]).filter(|row| row["reason"] == "window_without_focus").count();
        assert_eq!(withheld, usize::from(!focused && moved), "focused {focused}, moved {moved}");
        let keys = if focused && moved { vec!["KeyA", "KeyB"] } else { vec!["KeyB"] };
        assert_eq!(pressed(&rows), keys, "focused {focused}, moved {moved}");
    }
}

#[test]
fn applications_and_titles_are_named_by_one_rule() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, _windows) = desk();
    // The class is App, the instance app, the title main.
    for (flags, fits) in [
        (["--app", "app"], true),
        (["--app", "A*"], true),
        (["--app", "*pp"], true),
        (["--app", "ap"], false),
        (["--app", "mai*"], false),
        (["--window-title", "MAI"], true),
        (["--window-title", "m*n"], true),
        (["--window-title", "mainly"], false),
    ] {
        let mut command = watchcap();
        command
            .args(["record", "--consent", "screen", "--duration", "300ms", "--no-finalize", "--out"])
            .arg(dir.path());
        command.args(flags).env("DISPLAY", &display.name);
        let (code, _, err) = run(&mut command);
        assert_eq!(code == 0 || code == 3, fits, "{flags:?}: {code}\n{err}");
        assert!(fits || err.contains("hint: `watchcap targets`"), "{flags:?}:\n{err}");
    }
    for flag in ["--app", "--window-title", "--exclude-app", "--exclude-title"] {
        let mut command = watchcap();
        command.args(["record", "--consent", "screen", flag, " "]).env("DISPLAY", &display.name);
        let (code, _, err) = run(&mut command);
        assert!(code == 2 && err.contains(flag), "{flag}: {code}\n{err}");
    }
}
