//! A running recording controlled from outside: paused, marked, stopped, by its owner and by nobody else.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::media::frames::FrameReader;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, Window, WindowClass};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::support::{Display, Running, files, run, watchcap};

/// The program with a folder for sockets of the test's own.
pub(crate) fn controlled(dir: &Path) -> Command {
    let mut command = watchcap();
    command.env("WATCHCAP_CONTROL_DIR", dir.join("control"));
    command
}

/// Runs a verb; panics unless it ends with `code`.
pub(crate) fn verb(dir: &Path, args: &[&str], code: i32) -> (String, String) {
    let (found, out, err) = run(controlled(dir).args(args));
    assert_eq!(found, code, "{args:?}: {out}{err}");
    (out, err)
}

/// Sets a mark with a text on standard input; answers with what was said.
fn mark_with_input(dir: &Path, session: &str, text: &str, code: i32) -> String {
    let mut command = controlled(dir);
    command.args(["mark", "-", session]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("room in the pipe");
    let done = child.wait_with_output().expect("its end");
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(code), "{err}");
    err
}

pub(crate) fn status(dir: &Path) -> Vec<Value> {
    let (out, _) = verb(dir, &["status", "--json"], 0);
    serde_json::from_str(&out).expect("JSON")
}

/// Waits until this many recordings answer and the first has stored some frames.
pub(crate) fn wait_running(dir: &Path, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let all = status(dir);
        if all.len() == count && all.iter().all(|s| s["frames"].as_u64().is_some_and(|frames| frames > 3)) {
            return all;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{count} recordings do not answer: {all:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn synthetic(dir: &Path, name: &str) -> Running {
    let mut command = controlled(dir);
    command.args(["record", "--source", "synthetic", "--size", "160x96", "--session", name, "--out"]).arg(dir);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect("the program"))
}

pub(crate) fn rows(session: &Path) -> Vec<OwnedRow> {
    let reader = SessionReader::open(session).expect("a session");
    reader.events().rows().collect::<Result<_, _>>().expect("rows")
}

pub(crate) fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

pub(crate) fn position(rows: &[OwnedRow], kind: &str) -> usize {
    rows.iter().position(|row| row.event_type == kind).unwrap_or_else(|| panic!("there is no {kind} row"))
}

/// Nothing is lost but pictures that a busy machine was too slow for.
pub(crate) fn assert_nothing_lost(code: i32, session: &Path) {
    let metadata = metadata(session);
    let lost = metadata["lost"].as_array().expect("a list");
    let slow = |loss: &Value| ["late", "encoder_busy"].map(Value::from).contains(&loss["reason"]);
    let more: Vec<_> = lost.iter().filter(|loss| loss["count"] != 0 && !slow(loss)).collect();
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(code, if lost.iter().any(|loss| loss["count"] != 0) { 3 } else { 0 });
}

/// Every press has its release, in order, and nothing is held at the end.
pub(crate) fn assert_balanced(rows: &[OwnedRow]) {
    let mut held = BTreeSet::new();
    for row in rows.iter().filter(|row| row.repeat != Some(true)) {
        match row.event_type.as_str() {
            "key_down" => assert!(held.insert(row.key_code), "a key went down twice at {}", row.t_ns),
            "key_up" => assert!(held.remove(&row.key_code), "a key went up that was not down at {}", row.t_ns),
            _ => {}
        }
    }
    assert!(held.is_empty(), "{} keys are stuck", held.len());
}

/// A hand at the keyboard and at the screen.
pub(crate) struct Hand {
    pub(crate) conn: RustConnection,
    pub(crate) root: Window,
}

impl Hand {
    pub(crate) fn new(display: &Display) -> Self {
        let (conn, screen) = x11rb::connect(Some(&display.name)).expect("a display");
        let root = conn.setup().roots[screen].root;
        Self { conn, root }
    }

    pub(crate) fn key(&self, keycode: u8, down: bool) {
        let kind = if down { 2 } else { 3 };
        self.conn.xtest_fake_input(kind, keycode, 0, self.root, 0, 0, 0).expect("XTEST").check().expect("XTEST");
        std::thread::sleep(Duration::from_millis(30));
    }

    pub(crate) fn tap(&self, keycode: u8) {
        self.key(keycode, true);
        self.key(keycode, false);
    }

    /// Fills the screen with a colour until the window is destroyed.
    pub(crate) fn paint(&self, colour: u32) -> Window {
        let id = self.conn.generate_id().expect("an id");
        let aux = CreateWindowAux::new().override_redirect(1).background_pixel(colour);
        let (class, root) = (WindowClass::INPUT_OUTPUT, self.root);
        self.conn.create_window(0, id, root, 0, 0, 640, 360, 0, class, 0, &aux).expect("a window");
        // One without a name over the whole screen would be taken for a locker until it is certain that it is none.
        let (replace, what, kind) = (PropMode::REPLACE, AtomEnum::WM_CLASS, AtomEnum::STRING);
        self.conn.change_property8(replace, id, what, kind, b"paint\0Paint\0").expect("its class");
        self.conn.map_window(id).expect("a window").check().expect("a window");
        id
    }

    pub(crate) fn unpaint(&self, window: Window) {
        self.conn.destroy_window(window).expect("a window").check().expect("a window");
    }
}

/// A key as the log stores it: usage, native code, flags.
pub(crate) fn logged(usage: u16, keycode: u32) -> Vec<u8> {
    [&usage.to_le_bytes()[..], &keycode.to_le_bytes()].concat()
}

#[test]
fn a_pause_takes_neither_pixels_nor_keys_and_leaves_no_key_stuck() {
    let [key_a, key_b, key_c, shift, secret_key, held_key] = [38, 56, 54, 50, 24, 58];
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(640, 360);
    let hand = Hand::new(&display);
    let mut command = controlled(dir.path());
    command.args(["record", "--consent", "screen,input", "--session", "s", "--fps", "20", "--gop", "30"]);
    command.args(["--keep-log", "--cursor", "off", "--out"]).arg(dir.path()).env("DISPLAY", &display.name);
    let recorder = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program"));
    wait_running(dir.path(), 1);

    hand.tap(key_a);
    hand.key(shift, true);
    let before = hand.paint(0x00ff_0000);
    std::thread::sleep(Duration::from_millis(300));
    hand.unpaint(before);
    std::thread::sleep(Duration::from_millis(300));
    verb(dir.path(), &["pause"], 0);
    assert_eq!(status(dir.path())[0]["paused"], true);
    let secret = hand.paint(0x0000_ff00);
    for _ in 0..5 {
        hand.tap(secret_key);
    }
    // Goes down in the pause and is still down when recording goes on.
    hand.key(held_key, true);
    // What it says may be a quarter of a second old, and frames from before the pause may still be encoded.
    std::thread::sleep(Duration::from_millis(600));
    let frames = status(dir.path())[0]["frames"].clone();
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(status(dir.path())[0]["frames"], frames, "frames are stored in the pause");
    hand.unpaint(secret);
    std::thread::sleep(Duration::from_millis(100));
    verb(dir.path(), &["resume"], 0);
    std::thread::sleep(Duration::from_millis(400));
    hand.tap(key_b);
    hand.key(shift, false);
    hand.key(held_key, false);
    verb(dir.path(), &["pause"], 0);
    verb(dir.path(), &["resume"], 0);
    hand.tap(key_c);
    std::thread::sleep(Duration::from_millis(300));
    verb(dir.path(), &["stop"], 0);
    assert_eq!(recorder.wait(), 0);

    let session = dir.path().join("s");
    let rows = rows(&session);
    let metadata = metadata(&session);
    assert_eq!(metadata["end_reason"], "stopped");
    assert_eq!((&metadata["counts"]["pause"], &metadata["counts"]["resume"]), (&2.into(), &2.into()));
    assert_balanced(&rows);
    let (pause, resume) = (position(&rows, "pause"), position(&rows, "resume"));
    // A span in which something was withheld may begin or end in a pause, and is told.
    let between: Vec<&str> = rows[pause + 1..resume].iter().map(|row| row.event_type.as_str()).collect();
    assert!(between.iter().all(|kind| *kind == "redact"), "these rows lie in the pause: {between:?}");
    let held_at = |t: i64, kind: &str| -> Vec<Option<i32>> {
        let held = |row: &&OwnedRow| row.t_ns == t && row.event_type == kind && row.metadata.get("held") == Some("1");
        rows.iter().filter(held).map(|row| row.key_code).collect()
    };
    assert_eq!(held_at(rows[pause].t_ns, "key_up"), [Some(0xe1)], "shift was held when it paused");
    assert_eq!(held_at(rows[resume].t_ns, "key_down"), [Some(0x10), Some(0xe1)], "what was held when it went on");
    assert!(!rows.iter().any(|row| row.key_code == Some(0x14)), "a key of the pause is in the table");
    for key in [0x04, 0x05, 0x06] {
        assert!(rows.iter().any(|row| row.key_code == Some(key)), "key {key:#x} is not in the table");
    }
    let first = rows[resume..].iter().find(|row| row.event_type == "frame").expect("a frame");
    assert_eq!(first.is_keyframe, Some(true), "decoding cannot begin after the pause");
    let fps = metadata["capture_fps"].as_f64().expect("a rate");
    let frames: Vec<i64> = rows.iter().filter(|row| row.event_type == "frame").map(|row| row.t_ns).collect();
    let edges: i64 = rows
        .iter()
        .map(|row| match row.event_type.as_str() {
            "pause" => -row.t_ns,
            "resume" => row.t_ns,
            _ => 0,
        })
        .sum();
    let running = (frames[frames.len() - 1] - frames[0] - edges) as f64 / 1e9;
    let expected = (frames.len() - 1) as f64 / running;
    assert!((fps / expected - 1.0).abs() < 1e-4, "{fps} frames per second, not {expected}: the pause is counted in");
    let gap = |row: &&OwnedRow| row.event_type == "gap" && row.t_ns <= rows[pause].t_ns;
    let until = |row: &OwnedRow| row.metadata.get("until_ns").and_then(|t| t.parse::<i64>().ok()).unwrap_or(0);
    assert!(!rows.iter().filter(gap).any(|row| until(row) >= rows[resume].t_ns), "the pause is a gap");

    // No byte of the session or of the log knows the key; those of a key that was typed outside the pause are found.
    let written = files(&session);
    let holds = |needle: &[u8]| written.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|w| w == needle));
    assert!(holds(&logged(0x04, key_a.into())), "the search finds nothing at all");
    assert!(!holds(&logged(0x14, secret_key.into())), "a key of the pause is in the bytes");
    assert!(!holds(b"KeyQ"), "a key of the pause is in the bytes");

    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let mut seen = (false, false);
    for frame in 0..video.len() {
        let picture = video.rgb(frame).expect("a picture");
        let [r, g, b] = picture.data[(180 * 640 + 320) * 3..][..3] else { panic!("a pixel") };
        seen = (seen.0 || (r > 150 && g < 80 && b < 80), seen.1 || (g > 150 && r < 80 && b < 80));
    }
    assert!(seen.0, "the picture before the pause is not in the video");
    assert!(!seen.1, "the picture of the pause is in the video");
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn marks_status_and_stop_reach_the_recording_that_is_meant() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let (_, err) = verb(dir, &["pause"], 1);
    assert!(err.contains("no recording is running") && err.contains("hint:"), "{err}");
    assert!(status(dir).is_empty());
    let (one, two) = (synthetic(dir, "one"), synthetic(dir, "two"));
    let all = wait_running(dir, 2);
    let (_, err) = verb(dir, &["stop"], 2);
    assert!(
        err.contains("2 recordings") && err.contains("one") && err.contains("two") && err.contains("--pid"),
        "{err}"
    );
    let session = dir.join("one");
    let session = session.to_str().expect("text");
    let pid =
        all.iter().find(|s| s["session"].as_str().is_some_and(|s| s.ends_with("/one"))).expect("one")["pid"].clone();
    verb(dir, &["mark", "the \u{1b}[31mboss\nappears", session], 0);
    verb(dir, &["mark", "--pid", &pid.to_string()], 0);
    let (_, err) = verb(dir, &["mark", &"x".repeat(769), session], 2);
    assert!(err.contains("768 bytes"), "{err}");
    // What is read from standard input is in no process list.
    mark_with_input(dir, session, "a private\nword\n", 0);
    let err = mark_with_input(dir, session, &"x".repeat(769), 2);
    assert!(err.contains("768 bytes"), "{err}");
    let (out, _) = verb(dir, &["status", session], 0);
    assert!(out.contains(&pid.to_string()) && out.contains("recording") && out.lines().count() == 1, "{out}");
    let (_, err) = verb(dir, &["status", "--pid", "1"], 1);
    assert!(err.contains("process 1"), "{err}");
    verb(dir, &["stop", session], 0);
    assert_eq!(one.wait(), 0);
    assert_eq!(status(dir).len(), 1, "the wrong one was stopped");
    verb(dir, &["stop"], 0);
    assert_eq!(two.wait(), 0);
    let left = std::fs::read_dir(dir.join("control")).expect("a folder").count();
    assert_eq!(left, 0, "a socket was left behind");

    let rows = rows(Path::new(session));
    let marks: Vec<_> = rows.iter().filter(|row| row.event_type == "mark").collect();
    let texts: Vec<_> = marks.iter().map(|row| row.metadata.get("text")).collect();
    assert_eq!(texts, [Some("the \u{1b}[31mboss\nappears"), Some(""), Some("a private\nword")]);
    assert_eq!(metadata(Path::new(session))["end_reason"], "stopped");
    assert_eq!(metadata(&dir.join("two"))["counts"]["mark"], Value::Null);
}

/// The socket of the only recording.
fn socket(dir: &Path) -> PathBuf {
    let mut all = std::fs::read_dir(dir.join("control")).expect("a folder");
    all.next().expect("a socket").expect("an entry").path()
}

#[test]
fn hostile_bytes_get_an_answer_and_do_not_disturb_the_recording() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let recorder = synthetic(dir, "s");
    wait_running(dir, 1);
    let path = socket(dir);
    let mode = |path: &Path| std::fs::symlink_metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode(&dir.join("control")), mode(&path)), (0o700, 0o600));
    let say = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&path).expect("a socket");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        // It may hang up on what is too long before all of it is written.
        drop(stream.write_all(bytes));
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        answer
    };
    assert!(say(b"garbage\n").contains("bad_request"));
    assert!(say(&[b"{\"a\":".repeat(1500), b"\n".to_vec()].concat()).contains("bad_request"));
    assert!(say(b"{\"watchcap\":9,\"do\":\"stop\"}\n").contains("version"));
    assert!(say(b"{\"watchcap\":1,\"do\":\"status\"").contains("too_slow"), "an unfinished request was waited for");
    // Longer than a line may be: an answer or a closed connection, and no more.
    let flood = say(&vec![b'x'; 1 << 20]);
    assert!(flood.is_empty() || flood.contains("too_long"), "{flood}");
    // Many that connect and say nothing.
    let silent: Vec<_> = (0..40).map(|_| UnixStream::connect(&path).expect("a socket")).collect();
    let asked = Instant::now();
    verb(dir, &["pause"], 0);
    verb(dir, &["resume"], 0);
    verb(dir, &["mark", "still here"], 0);
    assert!(asked.elapsed() < Duration::from_secs(2), "those that say nothing keep others waiting");
    drop(silent);
    // More than are waited for, again and again.
    for _ in 0..4 {
        let silent: Vec<_> = (0..100).map(|_| UnixStream::connect(&path).expect("a socket")).collect();
        verb(dir, &["status"], 0);
        drop(silent);
    }
    verb(dir, &["stop"], 0);
    assert_eq!(recorder.wait(), 0, "the recording lost something");
    assert_eq!(metadata(&dir.join("s"))["dropped_frames"], 0);
}

#[test]
fn what_a_killed_recorder_left_is_cleared_away() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let recorder = synthetic(dir, "s");
    wait_running(dir, 1);
    let path = socket(dir);
    drop(recorder);
    assert!(path.exists(), "a killed process removed its socket");
    assert!(status(dir).is_empty());
    assert!(!path.exists(), "the socket is still there");
}

/// Another user of this machine.
const NOBODY: &str = "65534";

fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]).arg(program);
    command
}

#[test]
fn another_user_is_refused_and_root_is_another_user() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT TESTED: another user at the control socket, since only root can become another user");
        return;
    }
    // Where another user can go, with a program that it can run.
    let dir = tempfile::tempdir_in("/tmp").expect("a folder");
    let dir = dir.path();
    let open =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    open(dir, 0o755);
    let program = dir.join("watchcap");
    let built = env!("CARGO_BIN_EXE_watchcap");
    if std::fs::hard_link(built, &program).is_err() {
        std::fs::copy(built, &program).expect("a copy of the program");
    }
    let nobody = |args: &[&str]| {
        let mut command = as_nobody(&program);
        run(command.args(args).env("WATCHCAP_CONTROL_DIR", dir.join("control")).env("HOME", "/nonexistent"))
    };

    // Ours, asked by nobody: the folder keeps it out, and behind that the credentials.
    let recorder = synthetic(dir, "ours");
    wait_running(dir, 1);
    let path = socket(dir);
    let (code, _, err) = nobody(&["stop"]);
    assert!(code == 1 && err.contains("another user"), "{code}: {err}");
    let (code, _, err) = nobody(&["consent", "withdraw"]);
    assert!(code == 1 && err.contains("another user"), "{code}: {err}");
    open(&dir.join("control"), 0o777);
    open(&path, 0o777);
    let python = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
                  print(s.recv(9999).decode())";
    let mut command = as_nobody(Path::new("/usr/bin/python3"));
    let (_, out, err) = run(command.args(["-c", python]).arg(&path));
    assert!(out.contains("not_owner"), "the peer was not asked for: {out}{err}");
    open(&dir.join("control"), 0o700);
    wait_running(dir, 1);
    verb(dir, &["stop"], 0);
    assert_eq!(recorder.wait(), 0);

    // Nobody's, asked by root: root passes every folder, and is refused all the same.
    let theirs = dir.join("theirs");
    std::fs::create_dir(&theirs).expect("a folder");
    std::os::unix::fs::chown(&theirs, Some(65534), Some(65534)).expect("an owner");
    let mut command = as_nobody(&program);
    command.args(["record", "--source", "synthetic", "--size", "160x96", "--session", "s", "--out"]).arg(&theirs);
    command.env("WATCHCAP_CONTROL_DIR", theirs.join("control")).env("HOME", "/nonexistent");
    let recorder = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program"));
    let began = Instant::now();
    while !theirs.join("control").is_dir() || std::fs::read_dir(theirs.join("control")).expect("a folder").count() == 0
    {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody's recording does not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
    let path = socket(&theirs);
    let mut stream = UnixStream::connect(&path).expect("a socket");
    drop(stream.write_all(b"{\"watchcap\":1,\"do\":\"stop\"}\n"));
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer));
    assert!(answer.contains("not_owner"), "root was not refused: {answer}");
    let (_, err) = verb(&theirs, &["stop"], 1);
    assert!(err.contains("another user"), "{err}");
    let (code, _) = recorder.stop("INT", Duration::from_secs(10));
    assert_eq!(code, 0);
    assert_eq!(metadata(&theirs.join("s"))["end_reason"], "sigint");
}

#[test]
fn all_recordings_are_stopped_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, err) = verb(dir.path(), &["stop", "--all", "--json"], 0);
    assert!(out.trim() == "[]" && err.contains("no recording is running"), "{out}{err}");
    let running = [synthetic(dir.path(), "a"), synthetic(dir.path(), "b")];
    wait_running(dir.path(), 2);
    let (_, err) = verb(dir.path(), &["stop", "--all", "--pid", "1"], 2);
    assert!(err.contains("cannot be used with"), "{err}");
    let (out, err) = verb(dir.path(), &["stop", "--all", "--json"], 0);
    let stopped: Vec<Value> = serde_json::from_str(&out).expect("JSON");
    assert_eq!((stopped.len(), err.matches("asked the recording into ").count()), (2, 2), "{err}");
    for one in running {
        assert!([0, 3].contains(&one.wait()));
    }
    for name in ["a", "b"] {
        assert_eq!(metadata(&dir.path().join(name))["end_reason"], "stopped");
    }
}
