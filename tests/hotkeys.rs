//! Hotkeys: they work while another window has the keyboard, also in a pause, and no byte of the session knows their keys.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchcap::session::table::row::OwnedRow;

use crate::control::{
    Hand, assert_balanced, assert_nothing_lost, controlled, logged, metadata, rows, status, wait_running,
};
use crate::support::{Display, Running, files, run, watchcap};

/// X11 keycodes.
const CTRL: u8 = 37;
const ALT: u8 = 64;
const F9: u8 = 75;
const KEY_A: u8 = 38;
const KEY_B: u8 = 56;
const KEY_P: u8 = 33;
const KEY_Q: u8 = 24;
const KEY_S: u8 = 39;

fn record(dir: &Path, display: &Display, extra: &[&str]) -> Running {
    let mut command = controlled(dir);
    command.args(["record", "--consent", "screen,input", "--session", "s", "--fps", "20", "--keep-log"]).args(extra);
    command.arg("--out").arg(dir).env("DISPLAY", &display.name).stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect("the program"))
}

fn chord(hand: &Hand, key: u8) {
    hand.key(CTRL, true);
    hand.key(ALT, true);
    hand.tap(key);
    hand.key(ALT, false);
    hand.key(CTRL, false);
}

fn wait_paused(dir: &Path, paused: bool) {
    let began = Instant::now();
    while status(dir)[0]["paused"] != paused {
        assert!(began.elapsed() < Duration::from_secs(5), "the hotkey did nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn of<'a>(rows: &'a [OwnedRow], kind: &str) -> Vec<&'a OwnedRow> {
    rows.iter().filter(|row| row.event_type == kind).collect()
}

/// The spans of hotkeys: from, until.
fn spans(rows: &[OwnedRow]) -> Vec<(i64, i64)> {
    of(rows, "redact")
        .into_iter()
        .filter(|row| row.metadata.get("reason") == Some("hotkey"))
        .map(|row| {
            assert_eq!(row.metadata.get("what"), Some("keys"));
            (row.t_ns, row.metadata.get("until_ns").expect("an end").parse().expect("a number"))
        })
        .collect()
}

fn assert_verified(session: &Path) {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn hotkeys_pause_mark_and_stop_and_leave_no_trace_of_their_keys() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let display = Display::start(640, 360);
    let hand = Hand::new(&display);
    let config = dir.join("config.toml");
    let text = "[hotkeys]\npause = \"ctrl+alt+p\"\nmark = \"F9\"\nstop = \"ctrl+alt+s\"\n";
    std::fs::write(&config, text).expect("a file");
    let recorder = record(dir, &display, &["--config", config.to_str().expect("text")]);
    wait_running(dir, 1);
    hand.tap(KEY_A);
    chord(&hand, KEY_P);
    wait_paused(dir, true);
    hand.tap(KEY_Q);
    chord(&hand, KEY_P);
    wait_paused(dir, false);
    hand.tap(KEY_B);
    // Held until the server repeats it.
    hand.key(F9, true);
    std::thread::sleep(Duration::from_millis(900));
    hand.key(F9, false);
    hand.tap(KEY_B);
    chord(&hand, KEY_S);
    let ended = Instant::now();
    let (code, session) = (recorder.wait(), dir.join("s"));
    println!("stopped and sealed {} ms after the hotkey", ended.elapsed().as_millis());
    assert_nothing_lost(code, &session);
    let (rows, metadata) = (rows(&session), metadata(&session));
    assert_eq!(metadata["end_reason"], "hotkey");
    assert_eq!(metadata["privacy"]["hotkeys"], json!(["pause", "mark", "stop"]));
    assert_balanced(&rows);
    let (pauses, resumes, marks) = (of(&rows, "pause"), of(&rows, "resume"), of(&rows, "mark"));
    assert_eq!((pauses.len(), resumes.len(), marks.len()), (1, 1, 1));
    for row in pauses.iter().chain(&resumes).chain(&marks) {
        assert_eq!(row.metadata.get("hotkey"), Some("1"), "{}", row.event_type);
    }
    let spans = spans(&rows);
    assert_eq!(spans.len(), 4, "{spans:?}");
    assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
    // Each order follows its press, the mark at its very time.
    let after = |row: &OwnedRow, span: (i64, i64)| (0..200_000_000).contains(&(row.t_ns - span.0));
    assert!(after(pauses[0], spans[0]) && after(resumes[0], spans[1]), "{spans:?}");
    assert_eq!(marks[0].t_ns, spans[2].0);
    assert!(spans[2].1 - spans[2].0 > 800_000_000, "F9 was held for 0.9 s: {:?}", spans[2]);
    for (key, there) in [(0x04, true), (0x05, true), (0xe0, true), (0xe2, true)]
        .into_iter()
        .chain([0x13, 0x14, 0x16, 0x42].map(|key| (key, false)))
    {
        assert_eq!(rows.iter().any(|row| row.key_code == Some(key)), there, "key {key:#x}");
    }
    let written = files(&session);
    let holds = |needle: &[u8]| written.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|w| w == needle));
    assert!(holds(&logged(0x04, KEY_A.into())), "the search finds nothing at all");
    for (usage, keycode) in [(0x13, KEY_P), (0x14, KEY_Q), (0x16, KEY_S), (0x42, F9)] {
        assert!(!holds(&logged(usage, keycode.into())), "a hotkey's key {usage:#x} is in the bytes");
    }
    assert!(!holds(b"KeyP") && !holds(b"KeyS") && !holds(b"KeyQ"), "a key's name is in the bytes");
    assert_verified(&session);
}

#[test]
fn hotkeys_work_where_no_key_is_recorded_and_flags_stand_over_the_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let display = Display::start(640, 360);
    let hand = Hand::new(&display);
    let config = dir.join("config.toml");
    std::fs::write(&config, "[hotkeys]\npause = \"ctrl+alt+p\"\nmark = \"ctrl+alt+q\"\n").expect("a file");
    let flags = ["--hotkey", "pause=none", "--hotkey", "mark=F9", "--hotkey", "withdraw=ctrl+alt+s", "--keys", "none"];
    let mut args = vec!["--config", config.to_str().expect("text")];
    args.extend(flags);
    let recorder = record(dir, &display, &args);
    wait_running(dir, 1);
    chord(&hand, KEY_P);
    chord(&hand, KEY_Q);
    hand.tap(F9);
    hand.tap(KEY_A);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(status(dir)[0]["paused"], false, "a hotkey that was turned off did something");
    chord(&hand, KEY_S);
    let (code, session) = (recorder.wait(), dir.join("s"));
    assert_nothing_lost(code, &session);
    let (rows, metadata) = (rows(&session), metadata(&session));
    assert_eq!(metadata["end_reason"], "consent_withdrawn");
    assert_eq!(metadata["consent"]["withdrawn"]["input"]["how"], "hotkey");
    assert_eq!(metadata["privacy"]["hotkeys"], json!(["mark", "withdraw"]));
    assert_eq!(of(&rows, "mark").len(), 1);
    assert!(of(&rows, "key_down").is_empty() && of(&rows, "key_up").is_empty() && of(&rows, "pause").is_empty());
    assert_verified(&session);
}

#[test]
fn chords_that_are_pressed_while_typing_are_refused_and_hotkeys_need_the_input() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let record = |extra: &[&str]| {
        let mut command = controlled(dir);
        command.args(["record", "--source", "synthetic", "--size", "160x96", "--duration", "300ms", "--out"]).arg(dir);
        run(command.args(extra))
    };
    for (hotkey, why) in [
        ("pause=p", "is pressed while typing"),
        ("pause=shift+p", "is pressed while typing"),
        ("mark=Enter", "is pressed while typing"),
        ("mark=ctrl+hyper", "'hyper' is no key"),
        ("mark=ctrl+alt", "0 keys"),
        ("dance=F9", "is no hotkey"),
        ("F9", "is no hotkey"),
    ] {
        let (code, _, err) = record(&["--hotkey", hotkey]);
        assert!(code == 2 && err.contains(why) && err.contains("hint:"), "{hotkey}: {code}: {err}");
    }
    let (code, _, err) = record(&["--hotkey", "mark=F9", "--hotkey", "stop=f9"]);
    assert!(code == 2 && err.contains("F9 is the hotkey of both mark and stop"), "{code}: {err}");
    let config = dir.join("config.toml");
    std::fs::write(&config, "[hotkeys]\nstop = \"F10\"\n\nmark = \"m\"\n").expect("a file");
    let config = config.to_str().expect("text");
    let (code, _, err) = record(&["--config", config]);
    assert!(code == 2 && err.contains("line 4") && err.contains("'m' is pressed while typing"), "{code}: {err}");
    let left: Vec<_> = std::fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left, ["config.toml"], "something was made all the same");

    let (code, _, err) = record(&["--hotkey", "mark=F9", "--consent", "screen", "--session", "screen"]);
    assert!(code != 2 && err.contains("no hotkeys") && err.contains("the input is not recorded"), "{code}: {err}");
    assert_eq!(metadata(&dir.join("screen"))["privacy"]["hotkeys"], Value::Null);
    let (code, _, err) = record(&["--hotkey", "mark=F9", "--hotkey", "pause=ctrl+alt+p", "--session", "both"]);
    assert!(code != 2 && err.contains("hotkeys: pause ctrl+alt+KeyP, mark F9"), "{code}: {err}");
}
