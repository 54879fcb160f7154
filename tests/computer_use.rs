//! `export computer-use` of a desktop on which a known hand clicked, dragged, turned the wheel and typed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use watchcap::export::{ExportError, FORMATS, Options};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::protocol::xtest::ConnectionExt as _;

use crate::control::{Hand, controlled, wait_running};
use crate::support::{Display, Running, files, python, run, synthetic, watchcap};

const SIZE: (u16, u16) = (640, 360);
/// X11 keycodes: evdev and 8.
const SHIFT: u8 = 50;
const CONTROL: u8 = 37;
const ALTGR: u8 = 108;
const ENTER: u8 = 36;

impl Hand {
    fn fake(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        self.conn.xtest_fake_input(kind, detail, 0, self.root, x, y, 0).expect("XTEST").check().expect("XTEST");
    }

    fn go(&self, x: i16, y: i16) {
        self.fake(6, 0, (x, y));
        rest(40);
    }

    fn button(&self, button: u8, is_down: bool) {
        self.fake(if is_down { 4 } else { 5 }, button, (0, 0));
        rest(30);
    }

    fn click(&self, button: u8) {
        self.button(button, true);
        self.button(button, false);
    }
}

fn rest(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a list");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn export(session: &Path, out: &Path, extra: &[&str]) -> (PathBuf, String) {
    let (code, _, err) =
        run(watchcap().args(["export", "computer-use"]).arg(session).arg("--out").arg(out).args(extra));
    assert_eq!(code, 0, "{err}");
    let name = session.file_name().expect("a name").to_string_lossy().into_owned();
    (out.join(format!("{name}.computer-use.jsonl")), err)
}

/// Records what the hand does with a German keyboard.
fn recorded(dir: &Path) -> PathBuf {
    let display = Display::start(u32::from(SIZE.0), u32::from(SIZE.1));
    let map = ["-rules", "evdev", "-model", "pc105", "-layout", "de", "-display", &display.name];
    assert!(Command::new("setxkbmap").args(map).status().expect("setxkbmap").success());
    let hand = Hand::new(&display);
    let _first = hand.paint(0x00_20_60_a0);
    hand.go(320, 180);
    let mut command = controlled(dir);
    command.args(["record", "--consent", "screen,input", "--fps", "30", "--session", "s", "--out"]).arg(dir);
    command.args(["--task", "Write hello"]).env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().expect("the program"));
    let _answers = wait_running(dir, 1);

    rest(600);
    hand.go(100, 50);
    rest(200);
    hand.click(1);
    // What the click did.
    let second = hand.paint(0x00_c0_40_20);
    rest(2200);
    hand.go(300, 200);
    hand.click(1);
    hand.click(1);
    rest(600);
    hand.click(3);
    rest(600);
    hand.button(1, true);
    hand.go(350, 220);
    hand.go(400, 250);
    hand.button(1, false);
    rest(600);
    hand.key(CONTROL, true);
    for _ in 0..3 {
        hand.click(5);
    }
    hand.key(CONTROL, false);
    rest(600);
    // Hz, é by a mark, @ by AltGr: what is printed on a German keyboard.
    hand.key(SHIFT, true);
    hand.tap(43);
    hand.key(SHIFT, false);
    hand.tap(29);
    hand.tap(21);
    hand.tap(26);
    hand.key(ALTGR, true);
    hand.tap(24);
    hand.key(ALTGR, false);
    hand.tap(ENTER);
    hand.key(CONTROL, true);
    hand.tap(29);
    hand.key(CONTROL, false);
    rest(400);
    let (code, _) = running.stop("INT", Duration::from_secs(20));
    assert!(code == 0 || code == 3, "{code}");
    hand.conn.destroy_window(second).expect("send");
    hand.conn.flush().expect("flush");
    dir.join("s")
}

/// An action in a few words.
fn told(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let words = |name: &str| {
        line[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("+")
    };
    match text("action").as_str() {
        name @ ("click" | "double_click" | "right_click") => {
            format!("{name} {} {},{} x{}", text("button"), line["x"], line["y"], line["clicks"])
        }
        "drag" => format!("drag {},{} {},{}", line["x"], line["y"], line["to_x"], line["to_y"]),
        "scroll" => format!("scroll {} {} {}", line["dx"], line["dy"], words("modifiers")),
        "type" => format!("type {}", text("text")),
        "hotkey" => format!("hotkey {} {}", words("keys"), words("codes")),
        other => other.to_owned(),
    }
}

#[test]
fn a_known_hand_is_told_action_by_action() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path());
    let out = dir.path().join("out");
    let (list, err) = export(&session, &out, &[]);
    let found = lines(&list);
    let words: Vec<_> = found.iter().map(told).collect();
    assert_eq!(
        words,
        [
            "click left 100,50 x1",
            "wait",
            "double_click left 300,200 x2",
            "right_click right 300,200 x1",
            "drag 300,200 400,250",
            "scroll 0.0 -3.0 Control",
            "type Hzé@",
            "hotkey Enter Enter",
            "hotkey Control+z ControlLeft+KeyY",
        ],
        "{err}"
    );
    assert!(found.iter().all(|line| line["task"] == "Write hello" && line["subtask"].is_null()));
    let seconds = found[1]["seconds"].as_f64().expect("a number");
    assert!((2.0..6.0).contains(&seconds), "{seconds}");
    // Pictures are those of the video, at their times; the click is what changed the colour.
    let said = python("computer_use_check.py", &[&session, &list]);
    assert!(said.contains("before=20,60,a0 after=c0,40,20"), "{said}");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(out.join("s.computer-use.export.json")).expect("a manifest"))
            .expect("JSON");
    assert_eq!(manifest["told"]["actions"], found.len());
    assert_eq!(
        manifest["told"]["unsaid"],
        json!({
            "keys_withheld": 0, "keys_without_code": 0, "keys_without_layout": 0, "not_composed": 0, "buttons_cut": 0,
        })
    );

    // The same again, to the byte; smaller pictures have smaller pixels and the same fractions.
    let again = dir.path().join("again");
    export(&session, &again, &[]);
    assert!(files(&out) == files(&again), "it is made otherwise the second time");
    let (small, _) = export(&session, &dir.path().join("small"), &["--resize", "320x180"]);
    let small_lines = lines(&small);
    assert_eq!((&small_lines[0]["x"], &small_lines[0]["x_fraction"]), (&50.into(), &found[0]["x_fraction"]));
    let _said = python("computer_use_check.py", &[&session, &small]);

    // What is withheld afterwards leaves neither by its text nor by its length.
    let at = |line: &Value, name: &str| line[name].as_i64().expect("a time");
    let start = crate::control::rows(&session)[0].t_ns;
    let typed = found.iter().find(|line| line["action"] == "type").expect("text");
    let from = format!("{:.3}", (at(typed, "t_ns") - start - 100_000_000) as f64 / 1e9);
    let to = format!("{:.3}", (at(typed, "until_ns") - start + 60_000_000) as f64 / 1e9);
    let (code, _, err) = run(watchcap().args(["redact", "--from", &from, "--to", &to, "--keys"]).arg(&session));
    assert_eq!(code, 0, "{err}");
    let redacted = dir.path().join("s_redacted");
    let (list, err) = export(&redacted, &dir.path().join("redacted"), &[]);
    assert!(err.contains("withheld"), "{err}");
    let left = lines(&list);
    assert!(left.iter().all(|line| line["action"] != "type"), "{left:?}");
    let (list, _) = export(&redacted, &dir.path().join("excluded"), &["--exclude-redacted"]);
    let span = (at(typed, "t_ns"), at(typed, "until_ns"));
    for line in lines(&list) {
        assert!(at(&line, "until_ns") < span.0 || at(&line, "t_ns") > span.1, "{line}");
    }
    // A part of the time.
    let half = format!("{:.3}", (at(&found[2], "t_ns") - start - 200_000_000) as f64 / 1e9);
    let (list, _) = export(&session, &dir.path().join("part"), &["--from", &half]);
    assert_eq!(lines(&list).iter().map(told).collect::<Vec<_>>(), words[2..]);
}

#[test]
fn a_keyboard_whose_layout_is_not_known_writes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let (list, err) = export(&session, &dir.path().join("out"), &[]);
    assert!(err.contains("layout"), "{err}");
    let found = lines(&list);
    assert!(found.iter().any(|line| line["action"] == "hotkey" && line["keys"][0] == "KeyW"), "{found:?}");
    assert!(found.iter().all(|line| line["action"] != "type"), "{found:?}");
    let format = FORMATS.iter().find(|format| format.name() == "computer-use").expect("the format");
    let options = Options { fps: Some(5), ..Options::default() };
    assert!(matches!(options.check(format.name(), format.takes()), Err(ExportError::Option { .. })));
}
