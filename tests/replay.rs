//! The player in a real terminal: tmux runs it, keys are sent, and what is on the screen is read back.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{python, run, synthetic, watchcap};

/// A tmux server of the test's own. What runs in it may use all colours.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    /// Starts it with a command, at so many columns and rows.
    pub(crate) fn start(name: &str, command: &str, size: (u32, u32)) -> Self {
        let terminal = Self { socket: format!("watchcap-test-{name}-{}", std::process::id()) };
        let (width, height) = (size.0.to_string(), size.1.to_string());
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "-e",
            "COLORTERM=truecolor",
            command,
        ]);
        terminal
    }

    /// Runs a command of tmux; answers with what it prints.
    pub(crate) fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.socket]).args(args).output();
        let output = output.expect("tmux is missing: run scripts/setup.sh test");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Sends keys.
    pub(crate) fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Waits until the screen shows `what`.
    pub(crate) fn shows(&self, what: &str) {
        self.shows_one_of(&[what]);
    }

    /// Waits until the screen does not show `what` any more.
    fn hides(&self, what: &str) {
        let began = Instant::now();
        while self.tmux(&["capture-pane", "-p"]).contains(what) {
            assert!(began.elapsed() < Duration::from_secs(20), "the screen still shows {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the screen shows one of these.
    pub(crate) fn shows_one_of(&self, what: &[&str]) {
        let began = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
            if what.iter().any(|what| words.contains(what)) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "the screen does not show {what:?}:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn plays(dir: &Path, size: (u32, u32), name: &str) {
    let session = dir.join("s");
    let done = dir.join(format!("done-{name}"));
    let program = env!("CARGO_BIN_EXE_watchcap");
    let command = format!("{program} replay {} 2>&1; echo code=$? > {}", session.display(), done.display());
    let terminal = Terminal::start(name, &command, size);
    terminal.shows("frame 0/60");
    for what in ["▀", "sealed", "KeyW"] {
        terminal.shows(what);
    }
    terminal.keys(&["Right"]);
    terminal.shows("frame 1/60");
    terminal.keys(&["S-Right"]);
    // A second further: frames lie where they were captured, a little before or after their deadline.
    terminal.shows_one_of(&["frame 30/60", "frame 31/60"]);
    terminal.keys(&["End"]);
    terminal.shows("frame 59/60");
    terminal.keys(&["Left"]);
    terminal.shows("frame 58/60");
    terminal.keys(&["?"]);
    terminal.shows("frame back, on");
    terminal.keys(&["?"]);
    terminal.keys(&["Home"]);
    terminal.shows("frame 0/60");
    terminal.keys(&["Space"]);
    // It plays: the frames count up by themselves, to the last.
    terminal.shows("frame 59/60");
    terminal.keys(&["q"]);
    let began = Instant::now();
    while !done.exists() {
        assert!(began.elapsed() < Duration::from_secs(10), "the player does not leave");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(std::fs::read_to_string(done).expect("its exit code").trim(), "code=0");
}

#[test]
fn the_player_shows_steps_plays_and_leaves() {
    let dir = tempfile::tempdir().expect("a folder");
    synthetic(dir.path(), "s", &[]);
    plays(dir.path(), (120, 40), "wide");
    plays(dir.path(), (80, 24), "small");
}

#[test]
fn without_a_terminal_it_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let (code, out, err) = run(watchcap().arg("replay").arg(session));
    assert_eq!(code, 1);
    assert!(out.is_empty() && err.contains("terminal") && err.contains("hint:"), "{out}{err}");
}

#[test]
fn signals_give_the_terminal_back_and_a_stopped_player_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    for (name, last) in [("term", "TERM"), ("hup", "HUP"), ("int", "INT")] {
        let pid = dir.path().join(format!("pid-{name}"));
        let program = env!("CARGO_BIN_EXE_watchcap");
        let inner = format!("echo $$ > {}; exec {program} replay {}", pid.display(), session.display());
        let terminal =
            Terminal::start(&format!("signal-{name}"), &format!("sh -c '{inner}'; echo left=$?; sleep 60"), (100, 30));
        terminal.shows("frame 0/60");
        let pid = std::fs::read_to_string(&pid).expect("its process");
        let signal = |name: &str| {
            let status = Command::new("kill").args(["-s", name, pid.trim()]).status().expect("kill");
            assert!(status.success(), "{name}");
        };
        let alternate = || terminal.tmux(&["display-message", "-p", "#{alternate_on}"]).trim() == "1";
        let becomes = |wanted: bool, what: &str| {
            let began = Instant::now();
            while alternate() != wanted {
                assert!(began.elapsed() < Duration::from_secs(20), "{what}: the other screen is on: {}", !wanted);
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        assert!(alternate());
        if last == "TERM" {
            signal("TSTP");
            becomes(false, "stopped");
            signal("CONT");
            becomes(true, "it goes on");
            terminal.keys(&["Right"]);
            terminal.shows("frame 1/60");
        }
        signal(last);
        becomes(false, last);
        terminal.shows("left=0");
    }
}

/// What a reviewer says is kept beside the session, what is exported is where it was asked for, and the next one finds both.
#[test]
fn reviews_are_kept_and_parts_are_exported() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("out");
    std::fs::create_dir(&out).expect("a folder");
    let command = format!(
        "{} replay {} --export-dir {} --reviewer kim",
        env!("CARGO_BIN_EXE_watchcap"),
        session.display(),
        out.display()
    );
    let info = || -> serde_json::Value {
        let (code, text, err) = run(watchcap().args(["info", "--json"]).arg(&session));
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&text).expect("JSON")
    };
    {
        let terminal = Terminal::start("review", &command, (160, 50));
        terminal.shows_one_of(&["frame 0/", "frame  0/"]);
        terminal.keys(&["a", "S-Right", "m"]);
        terminal.keys(&["boss", "Enter"]);
        terminal.shows("kept: mark boss");
        terminal.keys(&["b", "v", "r"]);
        terminal.keys(&["chat", "Enter"]);
        terminal.shows("kept: reject chat");
        terminal.keys(&["o", "p"]);
        terminal.shows("s_frame_");
        terminal.keys(&["o", "e"]);
        terminal.shows("s_excerpt_0s000-1s0");
        terminal.keys(&["q"]);
    }
    let names: Vec<_> =
        std::fs::read_dir(&out).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let made = names.iter().find(|path| path.is_dir()).expect("an excerpt");
    assert!(["excerpt.mp4", "excerpt.srt", "events.parquet"].iter().all(|name| made.join(name).is_file()));
    let review = &info()["review"];
    assert_eq!((&review["accepted"], &review["verdict"]), (&false.into(), &().into()));
    assert_eq!((&review["marks"][0]["note"], &review["marks"][0]["by"]), (&"boss".into(), &"kim".into()));
    assert_eq!((&review["spans"][0]["note"], &review["spans"][0]["verdict"]), (&"chat".into(), &"reject".into()));
    let terminal = Terminal::start("review-again", &command, (160, 50));
    terminal.shows_one_of(&["frame 0/", "frame  0/"]);
    terminal.keys(&["Tab"]);
    terminal.shows("boss");
    terminal.keys(&["v", "a", "Enter"]);
    terminal.shows("kept: accept");
    terminal.keys(&["q"]);
    let review = &info()["review"];
    assert_eq!((&review["accepted"], &review["verdict"]["verdict"]), (&true.into(), &"accept".into()));
    let (code, _, err) = run(watchcap().args(["verify", "--no-decode"]).arg(&session));
    assert_eq!(code, 0, "{err}");

    // A log that is not sealed can be marked too; it cannot be exported from, and says so.
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let command = format!("{} replay {} --export-dir {}", env!("CARGO_BIN_EXE_watchcap"), log.display(), out.display());
    let terminal = Terminal::start("review-log", &command, (160, 50));
    // It begins when recording began, a moment before the first frame.
    terminal.shows("not sealed");
    terminal.keys(&["Right"]);
    terminal.shows_one_of(&["frame 0/", "frame  0/"]);
    terminal.keys(&["m", "here", "Enter"]);
    terminal.shows("kept: mark here");
    // A verdict would be on what is here, and not on the session that is made of it.
    terminal.keys(&["v"]);
    terminal.shows("not sealed yet");
    terminal.keys(&["Escape"]);
    // Read together with it, the next key would be one with Alt.
    terminal.hides("not sealed yet");
    terminal.keys(&["o", "p"]);
    terminal.shows("no sealed session");
    terminal.keys(&["q"]);
    let (code, text, err) = run(watchcap().arg("info").arg(&log));
    assert!(code == 0 && text.contains(": here"), "{text}{err}");
}

/// The queue of a folder: what is known of each recording, verdicts that lead on to the next, and the last one taken back.
#[test]
fn a_folder_is_a_queue_of_what_is_below_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let day = dir.path().join("day");
    std::fs::create_dir(&day).expect("a folder");
    for name in ["a", "b", "c"] {
        synthetic(&day, name, &["--task", &format!("task of {name}")]);
    }
    // Not `log`: a folder with one of that name is a recording itself.
    synthetic(&day, "open", &["--no-finalize"]);
    let program = env!("CARGO_BIN_EXE_watchcap");
    let command = format!("{program} replay {} --reviewer kim; sleep 60", day.display());
    let verdict = |name: &str| -> serde_json::Value {
        let (code, text, err) = run(watchcap().args(["info", "--json"]).arg(day.join(name)));
        assert_eq!(code, 0, "{err}");
        let info: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        info["review"]["verdict"]["verdict"].clone()
    };
    let terminal = Terminal::start("queue", &command, (120, 30));
    terminal.shows("0 accepted, 0 rejected, 4 to judge");
    terminal.shows("task of b");
    terminal.shows("closed");
    // The checks run while nobody does anything: three sessions of two seconds, and a log that has none.
    terminal.shows_one_of(&["✓ ok", "✗ 1 fault", "✗ 2 faults", "✗ 3 faults"]);
    terminal.keys(&["Enter"]);
    terminal.shows("1/4");
    terminal.shows("frame 0/60");
    terminal.keys(&["s"]);
    terminal.shows("2/4");
    terminal.keys(&["S"]);
    terminal.shows("1/4");
    terminal.keys(&["v", "A"]);
    terminal.shows("kept: accept a");
    terminal.shows("2/4");
    terminal.keys(&["v", "R"]);
    terminal.shows("kept: reject b");
    terminal.shows("3/4");
    assert_eq!((verdict("a"), verdict("b")), ("accept".into(), "reject".into()));
    // It is the one before that was judged wrongly.
    terminal.keys(&["u"]);
    terminal.shows("taken back: reject b");
    terminal.shows("2/4");
    assert!(verdict("b").is_null());
    terminal.keys(&["q"]);
    terminal.shows("1 accepted, 0 rejected, 3 to judge");
    terminal.keys(&["u"]);
    terminal.shows("taken back: accept a");
    terminal.shows("0 accepted, 0 rejected, 4 to judge");
    assert!(verdict("a").is_null());
    terminal.keys(&["End", "Enter"]);
    terminal.shows("4/4");
    terminal.shows("not sealed");
    terminal.keys(&["C-c"]);
    let began = Instant::now();
    while terminal.tmux(&["display-message", "-p", "#{alternate_on}"]).trim() == "1" {
        assert!(began.elapsed() < Duration::from_secs(20), "the queue does not leave");
        std::thread::sleep(Duration::from_millis(20));
    }
    for name in ["a", "b", "c"] {
        let (code, _, err) = run(watchcap().args(["verify", "--no-decode"]).arg(day.join(name)));
        assert_eq!(code, 0, "{err}");
    }
}

/// A terminal that says nothing in its environment is asked for its colours; one that knows them gets them, the other is told of.
#[test]
fn a_terminal_is_asked_for_its_colours() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let program = Path::new(env!("CARGO_BIN_EXE_watchcap"));
    for (knows, says) in [("yes", false), ("no", true)] {
        let args: [&Path; 6] = [
            Path::new(knows),
            Path::new("256 colours, dithered"),
            program,
            Path::new("replay"),
            Path::new("--pictures=blocks"),
            &session,
        ];
        let said = python("terminal_answers.py", &args);
        let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let (all, few) = (said["true"].as_u64().unwrap_or(0), said["indexed"].as_u64().unwrap_or(0));
        assert_eq!((all > 100, few > 100, &said["says"]), (!says, says, &says.into()), "{knows}: {said}");
    }
}

/// A part is played with those beside it, from its own begin; a verdict on all is kept with each of them.
#[test]
fn a_part_is_played_as_one_with_the_parts_beside_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "160x96", "--split", "2s", "--duration", "5s"]);
    let (code, _, err) = run(command.args(["--session", "day", "--out"]).arg(dir.path()));
    assert!(code == 0 || code == 3, "{err}");
    let part = |n: u64| dir.path().join(format!("day-part000{n}"));
    let frames = |n: u64| {
        let text = std::fs::read_to_string(part(n).join("metadata.json")).expect("metadata");
        let metadata: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        metadata["frames"].as_u64().expect("a number")
    };
    let (first, all) = (frames(1), frames(1) + frames(2) + frames(3));
    let program = env!("CARGO_BIN_EXE_watchcap");
    let play = |name: &str, more: &str| {
        let inner = format!("{program} replay --reviewer ada {more} {}; echo left=$?; sleep 60", part(2).display());
        Terminal::start(name, &inner, (120, 40))
    };
    let terminal = play("series", "");
    // It begins where the part does; that time is of the frame before, where the seam is no picture's.
    terminal.shows_one_of(&[&format!("frame {first}/{all}"), &format!("frame {}/{all}", first - 1)]);
    terminal.shows("part 2 of 3");
    terminal.shows("day-part0001 to day-part0003");
    terminal.keys(&["Home"]);
    terminal.shows("part 1 of 3");
    terminal.shows(&format!("frame 0/{all}"));
    // It plays over both seams to the end.
    terminal.keys(&["Space"]);
    terminal.shows("part 3 of 3");
    terminal.shows(&format!("frame {}/{all}", all - 1));
    terminal.keys(&["v"]);
    terminal.keys(&["a"]);
    terminal.keys(&["Enter"]);
    let began = Instant::now();
    while !(1..=3)
        .all(|n| std::fs::read_to_string(part(n).join("review.jsonl")).is_ok_and(|text| text.contains("accept")))
    {
        assert!(began.elapsed() < Duration::from_secs(10), "the verdict is not kept with each part");
        std::thread::sleep(Duration::from_millis(20));
    }
    terminal.keys(&["q"]);
    terminal.shows("left=0");
    let (code, out, err) = run(watchcap().args(["verify", "--no-decode"]).arg(part(3)));
    assert_eq!(code, 0, "{out}{err}");
    let alone = play("alone", "--alone");
    alone.shows(&format!("frame 0/{}", frames(2)));
    alone.keys(&["q"]);
    alone.shows("left=0");
}
