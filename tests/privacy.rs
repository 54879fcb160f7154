//! What is kept out of a recording, tested by what is absent from its bytes: real windows on a real X server, every frame decoded.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use serde_json::Value;
use watchcap::media::frames::FrameReader;

use crate::support::{Display, Running, example, python, run, watchcap};

/// The colour of what must not be seen; nothing else on the display has it.
pub(crate) const SECRET: &str = "ff00ff";
/// The colour of the rest of the display.
const DESK: &str = "30a060";

/// The client that opens windows on command.
pub(crate) struct Windows {
    client: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Windows {
    pub(crate) fn start(display: &Display) -> Self {
        Self::of(example("windows_client"), display)
    }

    /// The client under another name, which its process has then.
    pub(crate) fn start_as(display: &Display, dir: &Path, name: &str) -> Self {
        let program = dir.join(name);
        std::fs::copy(example("windows_client").get_program(), &program).expect("a copy");
        Self::of(std::process::Command::new(program), display)
    }

    fn of(mut command: std::process::Command, display: &Display) -> Self {
        command.args(["--display", &display.name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = command.spawn().expect("the client");
        let (commands, answers) = (client.stdin.take().expect("piped"), client.stdout.take().expect("piped"));
        Self { client, commands, answers: BufReader::new(answers) }
    }

    /// Has it do something; when it was asked for, and when the server had done it, nanoseconds.
    pub(crate) fn command(&mut self, command: &str) -> (i64, i64) {
        writeln!(self.commands, "{command}").expect("the client listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the client failed at {command}"));
        (answer["before"].as_i64().expect("a time"), answer["after"].as_i64().expect("a time"))
    }

    /// The identifier of a window.
    pub(crate) fn id(&mut self, name: &str) -> u64 {
        writeln!(self.commands, "id {name}").expect("the client listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        answer["id"].as_u64().expect("an identifier")
    }

    /// Closes windows, also such as are closed already.
    pub(crate) fn close_all(&mut self, names: &[&str]) {
        for name in names {
            self.command(&format!("close? {name}"));
        }
    }

    /// Presses and releases keys, one after the other.
    pub(crate) fn type_keys(&mut self, codes: &[u8]) {
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
pub(crate) fn desk(size: (u32, u32)) -> (Display, Windows) {
    let display = Display::start(size.0, size.1);
    let mut windows = Windows::start(&display);
    windows.command(&format!("open desk 0 0 {} {} {DESK} class=Desk", size.0, size.1));
    (display, windows)
}

/// Starts a recording named `s` in `dir`, and waits until it has stored some frames.
pub(crate) fn record(display: &Display, dir: &Path, extra: &[&str]) -> Running {
    let mut command = watchcap();
    command
        .args(["record", "--consent", "screen,input", "--session", "s", "--cursor", "off", "--out"])
        .arg(dir)
        .args(extra);
    // At this level every library says all that it can.
    command.env("DISPLAY", &display.name).env("WATCHCAP_LOG", "trace").stdout(Stdio::null());
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

pub(crate) fn stop(recorder: Running, dir: &Path) -> PathBuf {
    let (code, _) = recorder.stop("INT", Duration::from_secs(15));
    assert!(code == 0 || code == 3, "{code}: {}", std::fs::read_to_string(dir.join("stderr.txt")).unwrap_or_default());
    dir.join("s")
}

pub(crate) fn metadata(session: &Path) -> Value {
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

/// The rows of a session, as JSON.
pub(crate) fn rows(session: &Path) -> Vec<Value> {
    let text = python("rows.py", &[session]);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub(crate) fn of_type<'a>(rows: &'a [Value], kinds: &'a [&str]) -> impl Iterator<Item = &'a Value> {
    rows.iter().filter(|row| kinds.contains(&row["event_type"].as_str().unwrap_or_default()))
}

pub(crate) fn number(row: &Value, key: &str) -> i64 {
    row[key].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{key} of {row}"))
}

/// How many pixels look like what must not be seen: red and blue high, green low. The mask, the desk and what a lossy codec makes of
/// the edge between them do not.
pub(crate) fn secret_pixels(rgb: &[u8]) -> usize {
    rgb.chunks_exact(3).filter(|p| p[0] > 130 && p[2] > 130 && p[1] < 110).count()
}

/// A decoded frame with its time.
pub(crate) struct Shown {
    pub(crate) t: i64,
    width: usize,
    data: Vec<u8>,
}

impl Shown {
    pub(crate) fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        [self.data[start], self.data[start + 1], self.data[start + 2]]
    }

    /// How many pixels are of a colour.
    pub(crate) fn count(&self, is: impl Fn([u8; 3]) -> bool) -> usize {
        self.data.chunks_exact(3).filter(|pixel| is([pixel[0], pixel[1], pixel[2]])).count()
    }

    pub(crate) fn secrets(&self) -> usize {
        secret_pixels(&self.data)
    }
}

pub(crate) fn frames(session: &Path, rows: &[Value]) -> Vec<Shown> {
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let times: Vec<i64> = of_type(rows, &["frame"]).map(|row| row["t_ns"].as_i64().expect("a time")).collect();
    assert_eq!(times.len() as u64, video.len() as u64);
    let width = metadata(session)["resolution"][0].as_u64().expect("a width") as usize;
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
            let covers = |row: &Value| {
                row["reason"] == "notification"
                    && (number(row, "x"), number(row, "y")) == (x, y)
                    && (row["t_ns"].as_i64().expect("a time")..number(row, "until_ns")).contains(&frame.t)
            };
            assert!(spans.iter().any(|row| covers(row)), "no row covers the frame at {}", frame.t - up);
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

/// X11 keycodes of the letters of `zqx`, which these tests type into what must stay secret and nowhere else; and of `abc`.
pub(crate) const SECRET_KEYS: [u8; 3] = [52, 24, 53];
pub(crate) const OPEN_KEYS: [u8; 3] = [38, 56, 54];
const SECRET_CODES: [&str; 3] = ["KeyZ", "KeyQ", "KeyX"];
const ENTER: u8 = 36;

/// How a key is written in an open log: HID usage and native code behind each other, little-endian (`migrations/src/log/v1.rs`).
fn log_bytes(keycode: u8) -> Vec<u8> {
    let usage = watchcap::base::hid::usage_of_x11(u32::from(keycode)).expect("a key").0;
    usage.to_le_bytes().into_iter().chain(u32::from(keycode).to_le_bytes()).collect()
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// No file of a recording that was not sealed, nor anything that the program said, holds the keys or texts.
fn assert_absent_from_log(dir: &Path, texts: &[&str]) {
    let files = crate::support::files(dir);
    assert!(files.iter().any(|(name, bytes)| name.ends_with("events/db") && holds(bytes, &log_bytes(OPEN_KEYS[0]))));
    for (name, bytes) in files {
        for key in SECRET_KEYS {
            assert!(!holds(&bytes, &log_bytes(key)), "{name} holds the key {key}");
        }
        for text in SECRET_CODES.iter().chain(texts) {
            let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(!holds(&bytes, text.as_bytes()) && !holds(&bytes, &utf16), "{name} holds '{text}'");
        }
    }
}

/// Seals the log and answers with its rows, after looking for secrets in them and in the metadata.
fn seal(session: &Path, texts: &[&str]) -> Vec<Value> {
    // A busy machine may have dropped frames (3).
    let (code, _, err) = run(watchcap().arg("finalize").arg(session));
    assert!(code == 0 || code == 3, "{err}");
    let rows = rows(session);
    let metadata = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    for text in SECRET_CODES.iter().chain(texts) {
        assert!(!metadata.contains(text), "the metadata holds '{text}'");
        assert!(!rows.iter().any(|row| row.to_string().contains(text)), "a row holds '{text}'");
    }
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
    rows
}

pub(crate) fn codes(rows: &[Value]) -> Vec<String> {
    let name = |row: &Value| {
        let sign = if row["event_type"] == "key_down" { '+' } else { '-' };
        let code = match row["code"].as_str() {
            Some(code) => code,
            None if row["redacted"] == "1" && row["key_code"].is_null() && row["native"].is_null() => "*",
            None => "?",
        };
        format!("{sign}{code}")
    };
    of_type(rows, &["key_down", "key_up"]).map(name).collect()
}

pub(crate) fn both(names: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| [format!("+{name}"), format!("-{name}")]).collect()
}

#[test]
fn what_is_typed_into_a_password_manager_is_in_no_byte_that_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    windows.command("open editor 0 0 100 100 808080 class=Editor title=My_letter");
    windows.command("focus editor");
    let recorder = record(&display, dir.path(), &["--no-finalize"]);
    windows.type_keys(&OPEN_KEYS);
    // A key that is held over both edges is the editor's, before and after.
    windows.command("key 50 1");
    windows.command(&format!("open vault 100 50 150 90 {SECRET} class=KeePassXC title=Passwords_of_Zoe managed"));
    let (focused, _) = windows.command("focus vault");
    windows.type_keys(&SECRET_KEYS);
    windows.command("title vault 3_entries_of_Zoe");
    windows.type_keys(&SECRET_KEYS);
    windows.command("key 50 0");
    // Pressed in the vault, let go in the editor.
    windows.command(&format!("key {} 1", SECRET_KEYS[0]));
    let (_, left) = windows.command("focus editor");
    windows.command(&format!("key {} 0", SECRET_KEYS[0]));
    windows.type_keys(&OPEN_KEYS);
    windows.command("wait 300");
    // Behind the desk it can be seen no more, and is there; in front of it again, it can.
    windows.command("raise desk");
    windows.command("wait 700");
    windows.command("raise vault");
    windows.command("wait 200");
    let session = stop(recorder, dir.path());
    let texts = ["Passwords of", "entries of", "Zoe", "KeePassXC"];
    assert_absent_from_log(dir.path(), &texts);
    let said = std::fs::read_to_string(dir.path().join("stderr.txt")).expect("what it said");
    assert!(said.contains("DEBUG"), "nothing was said");
    // Nor is what is recorded in the open, in words or as the numbers of a list of bytes.
    for key in OPEN_KEYS.into_iter().chain(SECRET_KEYS) {
        let numbers = log_bytes(key).iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        assert!(!said.contains(&numbers), "it says the key {key}");
    }
    for text in ["letter", "Editor", "KeyA", "KeyB", "KeyC"] {
        assert!(!said.contains(text), "it says '{text}'");
    }

    let rows = seal(&session, &texts[..3]);
    let typed = both(&["KeyA", "KeyB", "KeyC"]);
    let hidden = both(&["*"; 6]);
    let mut want = typed.clone();
    want.push("+ShiftLeft".into());
    want.extend(hidden);
    want.extend(["-ShiftLeft".to_owned(), "+*".to_owned(), "-*".to_owned()]);
    want.extend(typed);
    let told: Vec<&Value> = of_type(&rows, &["redact", "focus", "key_down", "key_up", "gap"]).collect();
    assert_eq!(codes(&rows), want, "{told:#?}");
    // Where the recorder had to wait for its turn it may know no more than that somebody else got the keys.
    let spans: Vec<(i64, i64)> = of_type(&rows, &["redact"])
        .filter(|row| row["what"] == "keys" && (row["reason"] == "excluded_app" || row["reason"] == "focus_unclear"))
        .map(|row| (row["t_ns"].as_i64().expect("a time"), number(row, "until_ns")))
        .collect();
    for row in of_type(&rows, &["key_down"]).filter(|row| row["redacted"] == "1") {
        let t = row["t_ns"].as_i64().expect("a time");
        assert!(spans.iter().any(|(from, until)| (*from..*until).contains(&t)), "{row} is outside of {spans:?}");
    }
    let until = spans.iter().map(|(_, until)| *until).max().expect("a span");
    let all: i64 = spans.iter().map(|(from, until)| until - from).sum();
    assert!(all > 0 && all <= left - focused + 50_000_000, "{spans:?}");

    let shown = frames(&session, &rows);
    assert_eq!(shown.iter().map(Shown::secrets).sum::<usize>(), 0);
    let black = |frame: &&Shown| frame.at(150, 100).iter().all(|c| *c < 40);
    let masked = shown.iter().filter(black).count();
    let free = shown.iter().filter(|frame| frame.t > until && !black(frame)).count();
    assert!(masked > 5 && free > 2, "{masked} frames are masked, and {free} are not while the desk lies over it");
    let metadata = metadata(&session);
    assert_eq!(metadata["privacy"]["redacted_keys"].as_u64(), Some(14));
    assert!(metadata["privacy"]["excluded_apps"].to_string().contains("keepass"));
}

#[test]
fn what_is_typed_into_chat_is_withheld_and_its_region_is_black() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((640, 360));
    windows.command("open game 0 0 640 360 204080 class=Game.exe title=Some_game");
    windows.command("focus game");
    let profile = "schema = 1\nname = \"mine\"\ntitle = \"Mine\"\ngame = \"My Game\"\n[match]\napps = [\"game.exe\"]\n[chat]\n\
        open = [\"Enter\"]\nclose = [\"Enter\", \"Escape\"]\n[[mask]]\nreason = \"chat\"\ncorner = \"bottom-left\"\n\
        x = 0.0\ny = 0.1\nwidth = 0.5\nheight = 0.3\n";
    let config = dir.path().join("config");
    std::fs::create_dir_all(config.join("watchcap/profiles")).expect("a folder");
    std::fs::write(config.join("watchcap/profiles/mine.toml"), profile).expect("a file");
    let mut command = watchcap();
    command.args([
        "record",
        "--consent",
        "screen,input",
        "--session",
        "s",
        "--duration",
        "6s",
        "--no-finalize",
        "--out",
    ]);
    command.arg(dir.path()).args(["--profile", "auto"]).env("XDG_CONFIG_HOME", &config).env("DISPLAY", &display.name);
    let recorder = Running(command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("the program"));
    for _ in 0..200 {
        if dir.path().join("s/log/frames.mp4").is_file() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    windows.command("wait 500");
    // The chat box of the game: what others wrote is there before anybody opens it.
    windows.command(&format!("open box 10 230 150 80 {SECRET} class=Game.exe"));
    windows.type_keys(&OPEN_KEYS);
    windows.type_keys(&[ENTER]);
    windows.type_keys(&SECRET_KEYS);
    windows.type_keys(&[ENTER]);
    windows.type_keys(&OPEN_KEYS);
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    assert_absent_from_log(dir.path(), &[]);
    let rows = seal(&session, &[]);
    let want = both(&["KeyA", "KeyB", "KeyC", "Enter", "*", "*", "*", "Enter", "KeyA", "KeyB", "KeyC"]);
    assert_eq!(codes(&rows), want);
    assert_eq!(frames(&session, &rows).iter().map(Shown::secrets).sum::<usize>(), 0);
    let metadata = metadata(&session);
    let privacy = &metadata["privacy"];
    assert_eq!((&privacy["chat_redacted"], &privacy["profile"]), (&true.into(), &"mine".into()));
    assert_eq!(metadata["game"], "My Game");
    assert!(of_type(&rows, &["redact"]).any(|row| row["what"] == "keys" && row["reason"] == "chat"));
}

/// The window of the game, 400x300 at 100,30, and the box of its chat above the lower left corner.
const GAME: &str = "open game 100 30 400 300 204080 class=league_of_legends.exe title=League_of_Legends_(TM)_Client";

/// Opens a box with a title in the chat's place, types into the chat and closes it again.
fn chat_in(windows: &mut Windows, title: &str, corner: (i32, i32)) {
    windows.command("focus game");
    windows.command("wait 300");
    let (x, y) = (corner.0 + 10, corner.1 + 190);
    windows.command(&format!("open box {x} {y} 150 70 {SECRET} class=Box title={title}"));
    windows.type_keys(&OPEN_KEYS);
    windows.type_keys(&[ENTER]);
    windows.type_keys(&SECRET_KEYS);
    windows.type_keys(&[ENTER]);
    windows.command("wait 400");
    windows.command("close box");
}

#[test]
fn the_chat_of_a_game_that_comes_while_a_monitor_is_recorded_is_kept_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((640, 360));
    let recorder = record(&display, dir.path(), &["--no-finalize"]);
    windows.command("wait 300");
    let (before, after) = windows.command(GAME);
    chat_in(&mut windows, "League_of_Legends", (100, 30));
    // It is there for the second time, elsewhere.
    windows.command("move game 200 40");
    chat_in(&mut windows, "League_of_Legends", (200, 40));
    windows.command("close game");
    windows.command("wait 900");
    let session = stop(recorder, dir.path());
    assert_absent_from_log(dir.path(), &[]);
    let rows = seal(&session, &[]);
    let once = ["KeyA", "KeyB", "KeyC", "Enter", "*", "*", "*", "Enter"];
    assert_eq!(codes(&rows), both(&[once, once].concat()));
    let shown = frames(&session, &rows);
    assert_eq!(shown.iter().map(Shown::secrets).sum::<usize>(), 0);
    // The rest of the game is there, and nothing is black before it came and after it went.
    let black = |frame: &Shown, x, y| frame.at(x, y).iter().all(|c| *c < 30);
    assert!(
        shown.iter().filter(|frame| frame.t > after).any(|frame| frame.at(450, 60)[1] < 100),
        "all of it is covered"
    );
    assert!(shown.iter().any(|frame| black(frame, 110, 200)), "its chat is not black");
    assert!(shown.iter().filter(|frame| frame.t < before).all(|frame| !black(frame, 110, 200)), "black before it came");
    let last = shown.last().expect("a frame");
    assert!(!black(last, 110, 200) && !black(last, 210, 210), "it is black after the game went");
    let metadata = metadata(&session);
    let privacy = &metadata["privacy"];
    assert_eq!(
        (&privacy["chat_redacted"], &privacy["profile"], &privacy["profile_choice"]),
        (&false.into(), &Value::Null, &"auto".into())
    );
    let profiles = privacy["profiles"].as_array().expect("profiles");
    assert_eq!((profiles.len(), &profiles[0]["name"]), (1, &"league-of-legends".into()), "{privacy}");
    let from = profiles[0]["from_ns"].as_i64().expect("a time");
    assert!((before..after + 1_000_000_000).contains(&from), "{from} is not soon after {after}");
    assert_eq!(metadata["game"], "League of Legends");
    assert!(of_type(&rows, &["redact"]).any(|row| row["what"] == "pixels" && row["reason"] == "chat"));
}

#[test]
fn a_game_that_is_there_decides_and_without_one_nothing_changes() {
    for (flags, game, redacted) in [
        (&["--no-finalize"][..], true, true),
        (&["--no-finalize", "--window-title", "(TM) Client"], true, true),
        (&["--no-finalize", "--profile", "none"], true, false),
        (&["--no-finalize"], false, false),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let (display, mut windows) = desk((640, 360));
        if game {
            windows.command(GAME);
        } else {
            // A page about it is none.
            windows.command(
                &GAME.replace("class=league_of_legends.exe", "class=Firefox").replace("_(TM)_Client", "_-_Wiki"),
            );
        }
        let recorder = record(&display, dir.path(), flags);
        windows.command("wait 300");
        let recorded_window = flags.contains(&"--window-title");
        if recorded_window {
            windows.command("focus game");
            windows.command("wait 300");
            windows.type_keys(&[ENTER]);
            windows.type_keys(&SECRET_KEYS);
            windows.command("wait 300");
        } else {
            chat_in(&mut windows, if game { "League_of_Legends" } else { "Box" }, (100, 30));
        }
        let session = stop(recorder, dir.path());
        let (code, _, err) = run(watchcap().arg("finalize").arg(&session));
        assert!(code == 0 || code == 3, "{err}");
        let rows = rows(&session);
        let privacy = metadata(&session)["privacy"].clone();
        assert_eq!(privacy["chat_redacted"], redacted, "{flags:?}: {privacy}");
        let name = if redacted { "league-of-legends".into() } else { Value::Null };
        let choice = if flags.contains(&"none") { "none" } else { "auto" };
        assert_eq!((&privacy["profile"], &privacy["profile_choice"]), (&name, &choice.into()), "{flags:?}");
        let secrets = frames(&session, &rows).iter().map(Shown::secrets).sum::<usize>();
        assert_eq!(secrets > 0, !redacted, "{flags:?}: {secrets}");
        assert_eq!(privacy["profiles"].is_null(), !redacted, "{flags:?}");
        assert_eq!(codes(&rows).iter().any(|code| code == "+*"), redacted, "{flags:?}");
    }
}

#[test]
fn of_a_window_only_what_is_typed_into_it_is_recorded() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    windows.command("open mine 20 20 160 120 204080 class=Mine title=Mine");
    windows.command(&format!("open other 100 60 160 120 {SECRET} class=Other title=A_letter_to_Zoe"));
    windows.command("focus other");
    let recorder = record(&display, dir.path(), &["--app", "Mine", "--no-finalize"]);
    windows.type_keys(&SECRET_KEYS);
    windows.command("focus mine");
    windows.command("wait 400");
    windows.type_keys(&OPEN_KEYS);
    windows.command(&format!("key {} 1", OPEN_KEYS[0]));
    windows.command("focus other");
    windows.command("wait 400");
    windows.command(&format!("key {} 0", OPEN_KEYS[0]));
    windows.type_keys(&SECRET_KEYS);
    windows.command("focus mine");
    windows.command("wait 400");
    windows.type_keys(&OPEN_KEYS);
    windows.command("wait 200");
    let session = stop(recorder, dir.path());
    assert_absent_from_log(dir.path(), &["Zoe", "Other"]);
    let rows = seal(&session, &["Zoe", "Other"]);
    assert_eq!(codes(&rows), both(&["KeyA", "KeyB", "KeyC", "KeyA", "KeyA", "KeyB", "KeyC"]));
    let edge: Vec<&Value> = of_type(&rows, &["key_up"]).filter(|row| row["held"] == "1").collect();
    assert_eq!(edge.len(), 1, "what was held is released where the other window came");
    let metadata = metadata(&session);
    assert_eq!(metadata["privacy"]["input_only_with_focus"], true);
    assert_eq!(frames(&session, &rows).iter().map(Shown::secrets).sum::<usize>(), 0);
    assert_eq!(of_type(&rows, &["redact"]).filter(|row| row["what"] == "input").count(), 2);
}

/// What became of one way to give consent.
struct Asked {
    code: i32,
    said: String,
    consent: Option<Value>,
}

/// Records for a moment with flags, environment and configuration, without a terminal.
fn ask(display: &Display, flag: Option<&str>, env: Option<&str>, config: Option<&str>) -> Asked {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, file) = (dir.path().join("out"), dir.path().join("config.toml"));
    std::fs::create_dir(&out).expect("a folder");
    let streams = |names: &str| names.split(',').map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let text = config.map_or_else(String::new, |names| format!("[record]\nconsent = [{}]\n", streams(names)));
    std::fs::write(&file, text).expect("a file");
    let mut command = watchcap();
    command.args(["record", "--duration", "400ms", "--session", "s", "--config"]).arg(&file).arg("--out").arg(&out);
    // Where there is no consent not even the display is asked for: with one that does not exist that would be another error.
    command.env(
        "DISPLAY",
        if config.or(env).or(flag).is_some_and(|c| c.contains("screen")) { &display.name } else { ":9999" },
    );
    command.args(flag.map(|names| format!("--consent={names}"))).envs(env.map(|names| ("WATCHCAP_CONSENT", names)));
    let (code, _, said) = run(&mut command);
    finished(&out, code, said)
}

fn finished(out: &Path, code: i32, said: String) -> Asked {
    let session = out.join("s");
    if code == 2 {
        assert!(std::fs::read_dir(out).expect("a folder").next().is_none(), "something was created: {said}");
        assert!(said.contains("hint: "), "{said}");
        return Asked { code, said, consent: None };
    }
    let metadata = metadata(&session);
    let rows = rows(&session);
    let consent = metadata["consent"].clone();
    let has = |kinds: &[&str]| of_type(&rows, kinds).next().is_some();
    assert!(has(&["frame"]) && consent["record_screen"] == true);
    let (agreed, status) = (&consent["record_input"], &metadata["streams"]["input"]["status"]);
    assert_eq!(agreed == true, status == "recorded", "the input was opened without consent, or not with it");
    assert_eq!(agreed == true, has(&["focus"]));
    assert_eq!((&consent["record_audio"], &metadata["streams"]["audio"]["status"]), (&false.into(), &"off".into()));
    assert!(
        consent["agreed_at"].as_str().is_some_and(|at| at.starts_with("20"))
            && consent["text_version"] == if consent["how"] == "prompt" { 7.into() } else { Value::Null }
    );
    Asked { code, said, consent: Some(consent) }
}

#[test]
fn consent_counts_for_the_streams_that_it_names_whichever_way_it_is_given() {
    let (display, _windows) = desk((320, 240));
    // streams, what is recorded: the screen, the input (none: nothing is)
    let cases = [
        ("screen", Some((true, false))),
        ("screen,input", Some((true, true))),
        ("input", None),
        ("audio", None),
        ("input,audio", None),
    ];
    for way in ["flag", "environment", "configuration"] {
        for (names, recorded) in cases {
            let asked = match way {
                "flag" => ask(&display, Some(names), None, Some("screen,input").filter(|_| recorded.is_some())),
                "environment" => ask(&display, None, Some(names), None),
                _ => ask(&display, None, None, Some(names)),
            };
            let told = asked.consent.as_ref().map(|c| (c["record_screen"] == true, c["record_input"] == true));
            assert_eq!(told, recorded, "{names} by {way}: {}", asked.said);
            assert_eq!(asked.code == 2, recorded.is_none(), "{names} by {way}: {}", asked.said);
            if let Some(consent) = asked.consent {
                let (how, scope) =
                    if way == "configuration" { (way, "every_recording") } else { ("flag", "this_recording") };
                assert_eq!((&consent["how"], &consent["scope"]), (&how.into(), &scope.into()));
            }
        }
        // Sound that is agreed to and not asked for is not recorded: that is said, and it is not in the metadata as agreed to.
        let asked = match way {
            "flag" => ask(&display, Some("screen,audio"), None, None),
            "environment" => ask(&display, None, Some("screen,audio"), None),
            _ => ask(&display, None, None, Some("screen,audio")),
        };
        assert!(asked.said.contains("no sound is recorded: --audio says which"), "{}", asked.said);
        assert_eq!(asked.code, 0, "{}", asked.said);
    }
    let nobody = ask(&display, None, None, None);
    assert_eq!(nobody.code, 2);
    assert!(nobody.said.contains("no consent") && nobody.said.contains("watchcap consent grant"), "{}", nobody.said);
}

#[test]
fn a_terminal_is_asked_for_each_stream_and_only_a_yes_is_one() {
    let (display, _windows) = desk((320, 240));
    for (answers, recorded) in [
        (r#"["y\n", "y\n"]"#, Some((true, true))),
        (r#"["yes\n", "\n"]"#, Some((true, false))),
        (r#"["y\n", "n\n"]"#, Some((true, false))),
        (r#"["n\n"]"#, None),
        (r#"["maybe\n", "y\n", "what\n", "\n"]"#, Some((true, false))),
        (r#"["maybe\n", "no\n"]"#, None),
        (r#"["\n"]"#, None),
        ("[]", None),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut command = watchcap();
        let program = command.get_program().to_owned();
        command.args(["record", "--duration", "400ms", "--session", "s", "--out"]).arg(dir.path());
        let display = if recorded.is_some() { &display.name } else { ":9999" };
        let mut wrapper = crate::support::python_command("prompt.py");
        wrapper.arg(answers).arg(program).args(command.get_args()).env("DISPLAY", display);
        wrapper.env_remove("WATCHCAP_CONSENT").env("XDG_CONFIG_HOME", "/nonexistent");
        let (_, out, err) = run(&mut wrapper);
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        let said = told["said"].as_str().expect("text").to_owned();
        for plain in ["every key", "only you can open", "Ctrl-C", &dir.path().display().to_string(), "Nothing is sent"]
        {
            assert!(said.contains(plain), "the question does not say '{plain}': {said}");
        }
        let code = told["code"].as_i64().expect("a code") as i32;
        if recorded.is_none() {
            // A no is a no: it is neither an error, nor answered with how to agree.
            assert!(code == 0 && said.contains("nothing was recorded"), "{answers}: {code}: {said}");
            assert!(
                !said.contains("error") && !said.contains("hint") && !said.contains("--consent"),
                "{answers}: {said}"
            );
            assert!(std::fs::read_dir(dir.path()).expect("a folder").next().is_none(), "something was made: {said}");
            continue;
        }
        let asked = finished(dir.path(), code, said);
        let agreed = asked.consent.as_ref().map(|c| (c["record_screen"] == true, c["record_input"] == true));
        assert_eq!(agreed, recorded, "{answers}: {}", asked.said);
        if let Some(consent) = asked.consent {
            assert_eq!((&consent["how"], &consent["scope"]), (&"prompt".into(), &"this_recording".into()));
        }
    }
}

#[test]
fn the_standing_consent_is_edited_and_the_rest_of_the_file_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("deep/config.toml");
    let consent = |args: &[&str]| run(watchcap().arg("consent").args(args).arg("--config").arg(&file));
    let standing = || {
        let (code, out, err) = consent(&["show", "--json"]);
        assert_eq!(code, 0, "{err}");
        let shown: Value = serde_json::from_str(&out).expect("JSON");
        ["screen", "input", "audio"].map(|name| shown["standing"][name] == true)
    };
    assert_eq!(standing(), [false; 3], "no file, no consent");
    let (code, _, err) = consent(&["grant", "screen"]);
    assert!(code == 0 && err.contains("only you can open"), "{err}");
    assert_eq!(standing(), [true, false, false]);
    let mine = "# mine\n[record]\nfps = 24 # as in films\nconsent = [\"screen\"] # agreed in May\n\n[privacy]\nkeys = \"no-text\"\n";
    std::fs::write(&file, mine).expect("a file");
    assert_eq!(consent(&["grant", "input"]).0, 0);
    assert_eq!(standing(), [true, true, false]);
    let text = std::fs::read_to_string(&file).expect("the file");
    assert_eq!(text, mine.replace("[\"screen\"]", "[\"screen\", \"input\"]"));
    assert_eq!(consent(&["revoke", "screen,input"]).0, 0);
    assert_eq!(standing(), [false; 3]);
    let text = std::fs::read_to_string(&file).expect("the file");
    assert!(
        text.contains("# mine\n[record]\nfps = 24 # as in films\n") && text.contains("keys = \"no-text\""),
        "{text}"
    );
    assert!(!text.contains("consent"), "{text}");
    let (code, _, err) = consent(&["grant", "thoughts"]);
    assert!(code == 2 && err.contains("unknown stream") && err.contains("hint"), "{err}");
    assert_eq!(standing(), [false; 3]);
    let (code, _, err) = consent(&["grant", "screen,sound"]);
    assert!(code == 0 && err.contains("- the sound") && !err.contains("There is no sound"), "{err}");
    assert_eq!(standing(), [true, false, true]);
    assert_eq!(consent(&["revoke"]).0, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn every_file_is_private_from_its_first_byte_and_a_crash_leaves_no_memory() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::ExitStatusExt;

    let dir = tempfile::tempdir().expect("a folder");
    // The most open-handed umask there is, and core dumps of any size.
    let script = "umask 000; ulimit -c unlimited; exec \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args([
        "-c",
        script,
        "sh",
        env!("CARGO_BIN_EXE_watchcap"),
        "record",
        "--source",
        "synthetic",
        "--size",
        "320x240",
    ]);
    command.args(["--session", "s", "--out"]).arg(dir.path()).current_dir(dir.path());
    command.env("XDG_CONFIG_HOME", "/nonexistent").stderr(Stdio::null()).stdout(Stdio::null());
    let mut recorder = Running(command.spawn().expect("the program"));
    let mut seen = std::collections::BTreeSet::new();
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        let mut folders = vec![dir.path().join("s")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            let mode = std::fs::metadata(&folder).expect("a folder").permissions().mode() & 0o777;
            assert_eq!(mode, 0o700, "{}", folder.display());
            for entry in entries {
                let path = entry.expect("an entry").path();
                let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
                if meta.is_dir() {
                    folders.push(path);
                } else {
                    assert_eq!(meta.permissions().mode() & 0o077, 0, "{} can be read by others", path.display());
                    seen.insert(path.file_name().expect("a name").to_string_lossy().into_owned());
                }
            }
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    assert!(seen.contains("db") && seen.contains("frames.mp4"), "{seen:?}");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", recorder.0.id())).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    let id = recorder.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-ABRT", &id]).status().expect("kill").success());
    let status = recorder.0.wait().expect("its end");
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false), "it left its memory behind");
    let (code, _, err) = run(watchcap().arg("finalize").arg(dir.path().join("s")));
    assert_eq!(code, 3, "{err}");
    for (name, _) in crate::support::files(&dir.path().join("s")) {
        let mode = std::fs::metadata(dir.path().join("s").join(&name)).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn a_window_that_is_excluded_is_black_also_when_it_is_the_one_that_is_recorded() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    windows.command(&format!("open vault 40 40 160 120 {SECRET} class=KeePassXC title=Vault managed"));
    windows.command("focus vault");
    let recorder = record(&display, dir.path(), &["--app", "KeePassXC"]);
    windows.type_keys(&SECRET_KEYS);
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    assert_eq!(codes(&rows), both(&["*", "*", "*"]));
    for frame in frames(&session, &rows) {
        assert!(frame.data.iter().all(|c| *c < 40), "the frame at {} is not black", frame.t);
    }
}

#[test]
fn profiles_are_listed_shown_and_checked_with_the_line_of_what_is_wrong() {
    let dir = tempfile::tempdir().expect("a folder");
    let profile = |args: &[&str]| run(watchcap().arg("profile").args(args).env("XDG_CONFIG_HOME", dir.path()));
    let (code, out, _) = profile(&["list"]);
    assert!(code == 0 && ["desktop", "league-of-legends", "shooter"].iter().all(|name| out.contains(name)), "{out}");
    let (code, out, _) = profile(&["show", "league-of-legends", "--size", "1920x1080", "--hud-scale", "50"]);
    assert_eq!((code, out.trim()), (0, "0,561,702,411  chat"));
    let (code, shown, _) = profile(&["show", "shooter"]);
    assert_eq!(code, 0);
    let mine = dir.path().join("watchcap/profiles/mine.toml");
    std::fs::create_dir_all(mine.parent().expect("a folder")).expect("a folder");
    std::fs::write(&mine, shown.replace("\"shooter\"", "\"mine\"")).expect("a file");
    let path = mine.to_str().expect("text");
    assert_eq!(profile(&["check", path]).0, 0);
    assert!(profile(&["list", "--json"]).1.contains("mine.toml"));
    std::fs::write(
        &mine,
        "schema = 1\nname = \"mine\"\ntitle = \"Mine\"\n[chat]\nopen = [\"Retrun\"]\nclose = [\"Enter\"]\n",
    )
    .expect("a file");
    let (code, _, err) = profile(&["check", path]);
    assert!(code == 2 && err.contains("line 5") && err.contains("Retrun") && err.contains("hint:"), "{err}");
    let (code, _, err) = profile(&["show", "nowhere"]);
    assert!(code == 2 && err.contains("profile list"), "{err}");
}
