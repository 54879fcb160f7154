//! What is kept out of a recording, tested by what is absent from its bytes: real windows on a real X server, every frame decoded.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use serde_json::Value;
use watchcap::session::frames::FrameReader;

use crate::support::{Display, Running, example, python, run, watchcap};

/// The colour of what must not be seen; nothing else on the display has it.
const SECRET: &str = "ff00ff";
/// The colour of the rest of the display.
const DESK: &str = "30a060";

/// The client that opens windows on command.
struct Windows {
    client: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Windows {
    fn start(display: &Display) -> Self {
        let mut command = example("windows_client");
        command.args(["--display", &display.name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = command.spawn().expect("the client");
        let (commands, answers) = (client.stdin.take().expect("piped"), client.stdout.take().expect("piped"));
        Self { client, commands, answers: BufReader::new(answers) }
    }

    /// Has it do something; when it was asked for, and when the server had done it, nanoseconds.
    fn command(&mut self, command: &str) -> (i64, i64) {
        writeln!(self.commands, "{command}").expect("the client listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the client failed at {command}"));
        (answer["before"].as_i64().expect("a time"), answer["after"].as_i64().expect("a time"))
    }

    /// Presses and releases keys, one after the other.
    fn type_keys(&mut self, codes: &[u8]) {
        for code in codes {
            self.command(&format!("key {code} 1"));
            self.command(&format!("key {code} 0"));
        }
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        drop(self.client.kill());
        drop(self.client.wait());
    }
}

/// A display whose background is [`DESK`], as a window, so that the root has something to be covered by.
fn desk(size: (u32, u32)) -> (Display, Windows) {
    let display = Display::start(size.0, size.1);
    let mut windows = Windows::start(&display);
    windows.command(&format!("open desk 0 0 {} {} {DESK} class=Desk", size.0, size.1));
    (display, windows)
}

/// Starts a recording named `s` in `dir`, and waits until it has stored some frames.
fn record(display: &Display, dir: &Path, extra: &[&str]) -> Running {
    let mut command = watchcap();
    command
        .args(["record", "--consent", "screen,input", "--session", "s", "--cursor", "off", "--out"])
        .arg(dir)
        .args(extra);
    command.env("DISPLAY", &display.name).stdout(Stdio::null());
    command.stderr(std::fs::File::create(dir.join("stderr.txt")).expect("a file"));
    let recorder = Running(command.spawn().expect("the program"));
    for _ in 0..400 {
        let (_, text, _) = run(watchcap().args(["info", "--json"]).arg(dir.join("s")));
        let info: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if info["frames"].as_u64().is_some_and(|frames| frames > 2) {
            return recorder;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("nothing was recorded: {}", std::fs::read_to_string(dir.join("stderr.txt")).unwrap_or_default());
}

fn stop(recorder: Running, dir: &Path) -> PathBuf {
    let (code, _) = recorder.stop("INT", Duration::from_secs(15));
    assert!(code == 0 || code == 3, "{code}: {}", std::fs::read_to_string(dir.join("stderr.txt")).unwrap_or_default());
    dir.join("s")
}

fn metadata(session: &Path) -> Value {
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

/// The rows of a session, as JSON.
fn rows(session: &Path) -> Vec<Value> {
    let text = python("rows.py", &[session]);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of_type<'a>(rows: &'a [Value], kinds: &'a [&str]) -> impl Iterator<Item = &'a Value> {
    rows.iter().filter(|row| kinds.contains(&row["event_type"].as_str().unwrap_or_default()))
}

fn number(row: &Value, key: &str) -> i64 {
    row[key].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{key} of {row}"))
}

/// A decoded frame with its time.
struct Shown {
    t: i64,
    width: usize,
    data: Vec<u8>,
}

impl Shown {
    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        [self.data[start], self.data[start + 1], self.data[start + 2]]
    }

    /// How many pixels look like what must not be seen: red and blue high, green low. The mask, the desk and what a lossy codec
    /// makes of the edge between them do not.
    fn secrets(&self) -> usize {
        self.data.chunks_exact(3).filter(|p| p[0] > 130 && p[2] > 130 && p[1] < 110).count()
    }
}

fn frames(session: &Path, rows: &[Value]) -> Vec<Shown> {
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let times: Vec<i64> = of_type(rows, &["frame"]).map(|row| row["t_ns"].as_i64().expect("a time")).collect();
    assert_eq!(times.len() as u64, video.len() as u64);
    let width = metadata(session)["resolution"]["width"].as_u64().expect("a width") as usize;
    let shown = |(index, t)| {
        let picture = video.rgb(index as _).expect("a picture");
        Shown { t, width, data: picture.data.clone() }
    };
    times.into_iter().enumerate().map(shown).collect()
}

#[test]
fn a_notification_is_black_in_every_frame_in_which_it_was_up_and_followed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    let recorder = record(&display, dir.path(), &["--fps", "30", "--mask", "4,200,40,30"]);
    let (_, up) = windows.command(&format!("open note 200 20 80 40 {SECRET} type=notification class=Anything"));
    windows.command("wait 300");
    let (moving, moved) = windows.command("move note 101 103");
    windows.command("wait 300");
    let (closing, closed) = windows.command("close note");
    windows.command("wait 900");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let shown = frames(&session, &rows);
    assert!(shown.len() > 30);
    let (mut first, mut second, mut after) = (0, 0, 0);
    for frame in &shown {
        assert_eq!(frame.secrets(), 0, "the notification is to be seen at {}", frame.t - up);
        let black = |x: usize, y: usize| frame.at(x, y).iter().all(|c| *c < 40);
        assert!(black(6, 202) && black(40, 226) && !black(60, 215), "the fixed mask at {}", frame.t);
        if (up..moving).contains(&frame.t) {
            first += 1;
            assert!(black(202, 22) && black(277, 57) && black(240, 40), "at {}", frame.t - up);
        } else if (moved..closing).contains(&frame.t) {
            second += 1;
            assert!(black(103, 105) && black(178, 140), "at {}", frame.t - up);
        } else if frame.t > closed + 700_000_000 {
            after += 1;
            assert!(!black(140, 120) && !black(240, 40), "it is still masked at {}", frame.t - closed);
        }
    }
    assert!(first > 3 && second > 3 && after > 2, "{first} {second} {after}");

    // The rows say the same: every frame in which it was up lies in a span with its place.
    let spans: Vec<&Value> = of_type(&rows, &["redact"]).collect();
    assert!(spans.iter().all(|row| row["what"] == "pixels"));
    for (from, until, x, y) in [(up, moving, 200, 20), (moved, closing, 100, 102)] {
        for frame in shown.iter().filter(|frame| (from..until).contains(&frame.t)) {
            let covers = |row: &&Value| {
                row["reason"] == "notification"
                    && (number(row, "x"), number(row, "y")) == (x, y)
                    && (row["t_ns"].as_i64().expect("a time")..number(row, "until_ns")).contains(&frame.t)
            };
            assert!(spans.iter().any(|row| covers(&row)), "no row covers the frame at {}", frame.t - up);
        }
    }
    let metadata = metadata(&session);
    let privacy = &metadata["privacy"];
    assert_eq!((&privacy["notifications_masked"], &privacy["chat_redacted"]), (&true.into(), &false.into()));
    assert_eq!(privacy["pii_regions"][0]["source"], "flag");
    assert_eq!(privacy["redacted_spans"].as_u64(), Some(spans.len() as u64));
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn what_the_person_wants_to_see_is_seen() {
    // The test above can fail: without masks the same windows are in the pictures.
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    let recorder = record(&display, dir.path(), &["--mask-notifications", "off"]);
    windows.command(&format!("open note 200 20 80 40 {SECRET} type=notification class=Anything"));
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let seen = frames(&session, &rows).iter().filter(|frame| frame.secrets() > 2000).count();
    assert!(seen > 3, "it is in {seen} frames");
    assert_eq!(metadata(&session)["privacy"]["notifications_masked"], false);
}
