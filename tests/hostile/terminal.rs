//! A window whose title is made of escape sequences, through everything that shows it: none reaches the terminal.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::base::shown;

use crate::support::{Display, Running, copy_tree, example, watchcap};

/// Sets the terminal's title, writes its clipboard, clears it, in escape sequences and in C1 controls; an override of direction; a
/// picture's placeholder; and no blank or underscore, which the client takes for its own.
const EVIL: &str = "evil\x1b]2;pwned\x07\x1b]52;c;cHduZWQ=\x1b\\\x1b[2J\x1b[31mred\u{9b}2J\u{9d}2;pwned\u{9c}\u{202e}txt\u{2066}\u{10eeee}end";

/// Checks everything that a command writes, and answers with its exit code and its standard output.
fn checked(command: &mut Command, what: &str) -> (i32, String) {
    let output = command.output().expect("the program");
    for (stream, bytes) in [("output", &output.stdout), ("error", &output.stderr)] {
        let text =
            String::from_utf8(bytes.clone()).unwrap_or_else(|_| panic!("{what}: standard {stream} is not UTF-8"));
        let bad: Vec<char> = text.chars().filter(|c| *c != '\n' && shown::steers(*c)).collect();
        assert!(bad.is_empty(), "{what}: standard {stream} holds {bad:?}:\n{text:?}");
    }
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn verb(args: &[&str], path: &Path) -> Command {
    let mut command = watchcap();
    command.args(args).arg(path);
    command
}

/// A recording of a screen on which a window with the evil title has the focus; not sealed yet.
fn recorded(dir: &Path) -> PathBuf {
    let display = Display::start(320, 240);
    let mut client = example("windows_client")
        .args(["--display", &display.name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client");
    let mut commands = client.stdin.take().expect("its input");
    let mut answers = BufReader::new(client.stdout.take().expect("its output"));
    let mut tell = |line: &str| {
        writeln!(commands, "{line}").expect("a command");
        let mut answer = String::new();
        answers.read_line(&mut answer).expect("an answer");
    };
    tell(&format!("open evil 10 10 200 100 ff0000 class={EVIL} title={EVIL} managed"));
    tell("focus evil");
    let out = dir.join("out");
    fs::create_dir(&out).expect("a folder");
    let mut record = watchcap();
    record
        .args(["record", "--consent", "screen,input", "--no-finalize", "--session", "s", "--json", "--out"])
        .arg(&out);
    record.args(["--duration", "3s", "--allow-missing", "focus", "--game", EVIL]).env("DISPLAY", &display.name);
    let output = record.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the recorder");
    let recorder = Running(output);
    // While it records: another title, another focus.
    std::thread::sleep(Duration::from_millis(1500));
    tell("focus root");
    tell("focus evil");
    let mut targets = watchcap();
    let (_, list) = checked(targets.arg("targets").env("DISPLAY", &display.name), "targets");
    let (_, json) = checked(watchcap().args(["targets", "--json"]).env("DISPLAY", &display.name), "targets --json");
    let parsed: Value = serde_json::from_str(&json).expect("json");
    let titles = parsed.as_array().expect("a list").iter().filter(|target| target["title"] == EVIL).count();
    assert!(list.contains("evil") && titles > 0, "{list}{json}");
    let code = recorder.wait();
    assert!(code == 0 || code == 3, "recording failed with {code}");
    drop((client.kill(), client.wait()));
    out.join("s")
}

#[test]
fn a_title_of_escape_sequences_is_text_everywhere() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path());
    for args in [&["info"][..], &["info", "--json"], &["recover", "--dry-run"], &["recover", "--dry-run", "--json"]] {
        let (code, _) = checked(&mut verb(args, &session), &args.join(" "));
        assert!(code == 0 || code == 3, "{args:?}: {code}");
    }
    let (code, _) = checked(&mut verb(&["finalize"], &session), "finalize");
    assert!(code == 0 || code == 3, "{code}");
    // The title is in the session as it was: data is data.
    let table = watchcap::session::table::read::EventsReader::open(&session.join("events.parquet")).expect("a table");
    let focuses = table.rows().flatten().filter(|row| row.metadata.get("title") == Some(EVIL)).count();
    assert!(focuses > 0, "the evil window's focus is not in the recording");
    let (code, json) = checked(&mut verb(&["info", "--json"], &session), "info --json");
    let parsed: Value = serde_json::from_str(&json).expect("json");
    assert!(code == 0 && parsed["metadata"]["game"] == EVIL, "{json}");
    for args in [&["info"][..], &["verify"], &["verify", "--json"]] {
        let (code, _) = checked(&mut verb(args, &session), &args.join(" "));
        assert_eq!(code, 0, "{args:?}");
    }
    played(dir.path(), &session);

    // Folders and files with such a name, in lists, results and errors.
    let evil = dir.path().join("out").join(std::ffi::OsStr::from_bytes(EVIL.replace('/', "").as_bytes()));
    copy_tree(&session, &evil);
    for args in [
        &["info"][..],
        &["info", "--json"],
        &["verify"],
        &["verify", "--json"],
        &["finalize"],
        &["recover", "--dry-run"],
        &["replay"],
    ] {
        checked(&mut verb(args, &evil), &format!("{args:?} of an evil folder"));
    }
    let (_, list) = checked(&mut verb(&["info", "--json"], &dir.path().join("out")), "a list");
    assert_eq!(
        serde_json::from_str::<Value>(&list).expect("json")["sessions"].as_array().map(Vec::len),
        Some(2),
        "{list}"
    );
    checked(&mut verb(&["info"], &dir.path().join("out")), "a list");
    fs::write(evil.join(format!("x{}", EVIL.replace('/', ""))), "x").expect("a file");
    fs::write(evil.join("metadata.json"), "{\"format_version\": \"1.\\u001b[2J\\u009b2J\\u202e\"}").expect("a file");
    for args in [
        &["info"][..],
        &["verify"],
        &["verify", "--json"],
        &["replay"],
        &["redact", "--keys", "--from", "0", "--to", "1"],
    ] {
        let (code, _) = checked(&mut verb(args, &evil), &format!("{args:?} of a damaged evil folder"));
        assert_eq!(code, 1, "{args:?}");
    }
    for args in [&["profile", "check"][..], &["consent", "show", "--config"]] {
        checked(&mut verb(args, &evil.join("none")), &format!("{args:?} of an evil file"));
    }
    let mut record = watchcap();
    record.args([
        "record",
        "--source",
        "synthetic",
        "--duration",
        "300ms",
        "--size",
        "64x48",
        "--session",
        "e\x1b]2;pwned\x07",
        "--out",
    ]);
    checked(record.arg(evil.parent().expect("a folder")), "record");
}

/// The player in tmux: what it writes to its terminal is kept, and the terminal's title and clipboard stay as they were.
fn played(dir: &Path, session: &Path) {
    let socket = format!("watchcap-test-evil-{}", std::process::id());
    let tmux = |args: &[&str]| {
        let output = Command::new("tmux").args(["-L", &socket]).args(args).output();
        String::from_utf8_lossy(&output.expect("tmux is missing: run scripts/setup.sh test").stdout).into_owned()
    };
    let written = dir.join("written");
    let command =
        format!("{} replay --pictures blocks '{}'; sleep 60", env!("CARGO_BIN_EXE_watchcap"), session.display());
    tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "40", &command]);
    tmux(&["pipe-pane", "-o", &format!("cat > '{}'", written.display())]);
    let began = Instant::now();
    loop {
        let screen = tmux(&["capture-pane", "-p"]);
        if screen.contains("evilred") {
            break;
        }
        tmux(&["send-keys", "S-Right"]);
        assert!(began.elapsed() < Duration::from_secs(30), "the title is not shown:\n{screen}");
        std::thread::sleep(Duration::from_millis(200));
    }
    // Everything that shows rows, facts and titles: the help, the details, the end.
    for key in ["i", "Tab", "?", "?", "End", "Home"] {
        tmux(&["send-keys", key]);
        std::thread::sleep(Duration::from_millis(150));
    }
    let (title, clipboard) = (tmux(&["display-message", "-p", "#{pane_title}"]), tmux(&["show-buffer"]));
    tmux(&["kill-server"]);
    assert!(!title.contains("pwned") && !clipboard.contains("pwned"), "{title}{clipboard}");
    let bytes = fs::read(&written).expect("what it wrote");
    let holds = |what: &str| bytes.windows(what.len()).any(|part| part == what.as_bytes());
    assert!(holds("evil"), "nothing was kept");
    for what in ["pwned", "\x1b]52", "\x1b]2;pwned", "\u{9b}2J", "\u{202e}", "\u{10eeee}"] {
        assert!(!holds(what), "the player wrote {what:?}");
    }
}
