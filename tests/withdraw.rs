//! Consent that is taken back while recording: the stream is closed at one moment, and everything says so.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use watchcap::media::frames::FrameReader;
use watchcap::session::table::row::OwnedRow;
use x11rb::connection::Connection;
use x11rb::protocol::xtest::ConnectionExt as _;

use crate::control::{
    Hand, assert_balanced, assert_nothing_lost, controlled, logged, metadata, rows, status, verb, wait_running,
};
use crate::support::{Display, Running, files, run, watchcap};

const KEY_A: u8 = 38;
const KEY_Q: u8 = 24;
const SHIFT: u8 = 50;

/// A hand that moves the mouse and presses keys all the time, until it is dropped.
struct Load(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Load {
    /// About 500 movements and 50 presses of a key a second; from `secret` on the key is another one.
    fn start(display: &Display, secret: &Arc<AtomicBool>) -> Self {
        let (ended, secret) = (Arc::new(AtomicBool::new(false)), Arc::clone(secret));
        let (hand, flag) = (Hand::new(display), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            let fake = |kind, detail, x| {
                hand.conn.xtest_fake_input(kind, detail, 0, hand.root, x, 0, 0).expect("XTEST");
            };
            for n in 0u32.. {
                if flag.load(Ordering::SeqCst) {
                    break;
                }
                // Relative motion, there and back.
                fake(6, 1, if n.is_multiple_of(2) { 3 } else { -3 });
                if n.is_multiple_of(10) {
                    let key = if secret.load(Ordering::SeqCst) { KEY_Q } else { KEY_A };
                    fake(2, key, 0);
                    fake(3, key, 0);
                }
                hand.conn.flush().expect("a display");
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self(ended, Some(thread))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        self.1.take().map(JoinHandle::join);
    }
}

fn record(dir: &Path, display: &Display, consent: &str) -> Running {
    let mut command = controlled(dir);
    command.args(["record", "--consent", consent, "--session", "s", "--fps", "20", "--keep-log", "--cursor", "off"]);
    command.arg("--out").arg(dir).env("DISPLAY", &display.name).stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect("the program"))
}

fn is_input(row: &OwnedRow) -> bool {
    matches!(row.event_type.as_str(), "key_down" | "key_up" | "mouse_move" | "mouse_click" | "wheel" | "focus")
}

/// At `t` and later stands nothing of the input but the release of what was held.
fn assert_closed(rows: &[OwnedRow], t: i64) {
    let (before, after): (Vec<_>, Vec<_>) = rows.iter().filter(|row| is_input(row)).partition(|row| row.t_ns < t);
    assert!(before.len() > 50, "{} rows of input before: there was no load", before.len());
    for row in after {
        let release = row.event_type == "key_up" && row.metadata.get("held") == Some("1") && row.t_ns == t;
        assert!(release, "a {} row {} us after consent was taken back", row.event_type, (row.t_ns - t) / 1000);
    }
    let last = before.last().expect("a row").t_ns;
    println!("last input row {} us before consent was taken back", (t - last) / 1000);
    assert!(t - last < 200_000_000, "the input ended before consent was taken back");
}

/// The keys of a withdrawal's `gap` row.
fn gap_at<'a>(rows: &'a [OwnedRow], stream: &str) -> &'a OwnedRow {
    let is_it = |row: &&OwnedRow| {
        row.event_type == "gap"
            && row.metadata.get("reason") == Some("consent_withdrawn")
            && row.metadata.get("stream") == Some(stream)
    };
    let all: Vec<_> = rows.iter().filter(is_it).collect();
    assert_eq!(all.len(), 1, "gap rows of the {stream}");
    assert_eq!(all[0].metadata.get("lost"), Some("0"));
    all[0]
}

fn assert_verified(session: &Path) {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn the_input_is_closed_under_load_and_the_screen_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let display = Display::start(640, 360);
    let hand = Hand::new(&display);
    let recorder = record(dir, &display, "screen,input");
    wait_running(dir, 1);
    hand.key(SHIFT, true);
    let secret = Arc::new(AtomicBool::new(false));
    let load = Load::start(&display, &secret);
    std::thread::sleep(Duration::from_millis(600));
    let (out, err) = verb(dir, &["consent", "withdraw", "--stream", "input", "--json"], 0);
    let t = serde_json::from_str::<Value>(&out).expect("JSON")["t_ns"].as_i64().expect("a time");
    assert!(err.contains("the input is not recorded any more"), "{err}");
    // What is typed and shown from here on: the keys are nowhere, the picture is.
    secret.store(true, Ordering::SeqCst);
    let green = hand.paint(0x0000_ff00);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(status(dir)[0]["withdrawn"], serde_json::json!(["input"]));
    let (again, _) = verb(dir, &["consent", "withdraw", "--stream", "input", "--json"], 0);
    assert_eq!(serde_json::from_str::<Value>(&again).expect("JSON")["t_ns"], t, "it has one moment");
    // Neither a pause nor its end brings the keys back.
    verb(dir, &["pause"], 0);
    verb(dir, &["resume"], 0);
    std::thread::sleep(Duration::from_millis(500));
    drop(load);
    hand.unpaint(green);
    verb(dir, &["stop"], 0);
    let (code, session) = (recorder.wait(), dir.join("s"));
    assert_nothing_lost(code, &session);
    let (rows, metadata) = (rows(&session), metadata(&session));
    assert_closed(&rows, t);
    assert_balanced(&rows);
    let released = |row: &&OwnedRow| row.t_ns == t && row.event_type == "key_up" && row.key_code == Some(0xe1);
    assert_eq!(rows.iter().filter(released).count(), 1, "shift was held when consent was taken back");
    let gap = gap_at(&rows, "input");
    assert_eq!(gap.t_ns, t);
    let frames: Vec<_> = rows.iter().filter(|row| row.event_type == "frame" && row.t_ns > t).collect();
    assert!(frames.len() > 10, "the screen did not go on: {} frames", frames.len());
    let until: i64 = gap.metadata.get("until_ns").expect("an end").parse().expect("a number");
    assert!(until >= frames[frames.len() - 1].t_ns);
    assert!(frames.iter().all(|row| row.window_id.is_empty()), "which window is active is still told");
    assert_eq!(metadata["end_reason"], "stopped");
    assert_eq!(metadata["streams"]["input"]["status"], "withdrawn");
    assert_eq!(metadata["streams"]["input"]["reason"], "consent_withdrawn");
    assert_eq!(metadata["streams"]["screen"]["status"], "recorded");
    assert_eq!(metadata["consent"]["record_input"], true, "it was agreed to, until then");
    let withdrawn = &metadata["consent"]["withdrawn"];
    assert_eq!((&withdrawn["input"]["how"], &withdrawn["input"]["t_ns"]), (&"command".into(), &t.into()));
    assert!(withdrawn["input"]["at"].as_str().is_some_and(|at| at.starts_with("20")), "{withdrawn}");
    assert_eq!(withdrawn["screen"], Value::Null);

    let written = files(&session);
    let holds = |needle: &[u8]| written.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|w| w == needle));
    assert!(holds(&logged(0x04, KEY_A.into())), "the search finds nothing at all");
    assert!(!holds(&logged(0x14, KEY_Q.into())), "a key from after the withdrawal is in the bytes");
    assert!(!holds(b"KeyQ"), "a key from after the withdrawal is in the bytes");
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let green = |frame| {
        let picture = video.rgb(frame).expect("a picture");
        picture.data[(180 * 640 + 320) * 3 + 1] > 150
    };
    assert!((0..rows.iter().filter(|row| row.event_type == "frame").count()).any(green), "no later picture");
    assert_verified(&session);
}

#[test]
fn a_signal_takes_everything_back_and_ends_the_recording_within_two_seconds() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let display = Display::start(640, 360);
    let recorder = record(dir, &display, "screen,input");
    wait_running(dir, 1);
    let load = Load::start(&display, &Arc::default());
    std::thread::sleep(Duration::from_millis(600));
    let (code, took) = recorder.stop("USR2", Duration::from_secs(10));
    drop(load);
    println!("closed and sealed {} ms after the signal", took.as_millis());
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    let session = dir.join("s");
    assert_nothing_lost(code, &session);
    let (rows, metadata) = (rows(&session), metadata(&session));
    assert_eq!(metadata["end_reason"], "consent_withdrawn");
    let (screen, input) = (gap_at(&rows, "screen"), gap_at(&rows, "input"));
    assert_eq!(screen.t_ns, input.t_ns);
    assert_closed(&rows, input.t_ns);
    assert!(!rows.iter().any(|row| row.event_type == "frame" && row.t_ns >= screen.t_ns), "a later picture");
    for stream in ["screen", "input"] {
        assert_eq!(metadata["streams"][stream]["status"], "withdrawn");
        assert_eq!(metadata["consent"]["withdrawn"][stream]["how"], "signal");
    }
    let (_, info, _) = run(watchcap().arg("info").arg(&session));
    assert!(info.contains("taken back at 20"), "{info}");
    assert_verified(&session);
}

#[test]
fn in_a_pause_and_without_the_input_there_is_nothing_to_release() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let display = Display::start(640, 360);
    let hand = Hand::new(&display);
    let recorder = record(dir, &display, "screen,input");
    wait_running(dir, 1);
    hand.tap(KEY_A);
    hand.key(SHIFT, true);
    verb(dir, &["pause"], 0);
    hand.tap(KEY_Q);
    verb(dir, &["consent", "withdraw", "--stream", "input"], 0);
    hand.tap(KEY_Q);
    verb(dir, &["resume"], 0);
    hand.tap(KEY_Q);
    hand.key(SHIFT, false);
    std::thread::sleep(Duration::from_millis(400));
    // Now the rest, by name: without the screen there is no recording.
    let (_, err) = verb(dir, &["consent", "withdraw", "--stream", "screen"], 0);
    assert!(err.contains("recording ends"), "{err}");
    let (code, session) = (recorder.wait(), dir.join("s"));
    assert_nothing_lost(code, &session);
    let (rows, metadata) = (rows(&session), metadata(&session));
    assert_balanced(&rows);
    let t = gap_at(&rows, "input").t_ns;
    assert!(!rows.iter().any(|row| is_input(row) && row.t_ns >= t));
    assert!(rows.iter().any(|row| row.key_code == Some(0x04)) && !rows.iter().any(|row| row.key_code == Some(0x14)));
    assert_eq!(metadata["end_reason"], "consent_withdrawn");
    assert!(rows.iter().any(|row| row.event_type == "frame" && row.t_ns > t), "no picture after the pause");
    assert_verified(&session);
}

#[test]
fn consent_to_what_is_not_recorded_cannot_be_taken_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let mut command: Command = controlled(dir);
    command.args(["record", "--source", "synthetic", "--consent", "screen", "--size", "160x96", "--session", "s"]);
    let recorder = Running(command.arg("--out").arg(dir).stderr(Stdio::null()).spawn().expect("the program"));
    wait_running(dir, 1);
    for stream in ["input", "audio", "screen,input"] {
        let (_, err) = verb(dir, &["consent", "withdraw", "--stream", stream], 1);
        assert!(err.contains("is not recorded"), "{err}");
    }
    let (_, err) = verb(dir, &["consent", "withdraw", "--stream", "keys"], 2);
    assert!(err.contains("unknown stream 'keys'") && err.contains("hint:"), "{err}");
    assert_eq!(status(dir)[0]["withdrawn"], serde_json::json!([]), "a refusal took something back");
    verb(dir, &["consent", "withdraw"], 0);
    assert_nothing_lost(recorder.wait(), &dir.join("s"));
    let metadata = metadata(&dir.join("s"));
    assert_eq!(metadata["end_reason"], "consent_withdrawn");
    assert_eq!(metadata["streams"]["input"]["status"], "off");
    assert_eq!(metadata["consent"]["withdrawn"]["input"], Value::Null, "there was none to take back");
}
