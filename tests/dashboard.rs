//! The dashboard of a recording in a real terminal: what it shows, what its keys do, and that no terminal holds a recording up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::control::{metadata, rows};
use crate::replay::Terminal;
use crate::support::{run, watchcap};

const SIZE: (u32, u32) = (120, 40);

/// Frames that a machine that is busy with other tests may cost. A recorder that waits for its terminal loses ten times as many.
const BUSY: u64 = 6;

/// A command that records into `DIR/s` with a dashboard, and then writes its exit code to `DIR/done`.
fn command(dir: &Path, extra: &str) -> String {
    let (program, dir) = (env!("CARGO_BIN_EXE_watchcap"), dir.display());
    format!(
        "env XDG_CONFIG_HOME=/nonexistent WATCHCAP_CONTROL_DIR={dir}/control {program} record --source synthetic --size 320x180 --fps 10 \
         --session s --max-dropped 50 --dashboard --out {dir}/out {extra}; echo code=$? > {dir}/done"
    )
}

fn waits(limit: Duration, what: &str, mut until: impl FnMut() -> bool) {
    let began = Instant::now();
    while !until() {
        assert!(began.elapsed() < limit, "{what} took longer than {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the recording has ended; answers with its exit code.
fn ended(dir: &Path) -> String {
    let done = dir.join("done");
    let read = || std::fs::read_to_string(&done).unwrap_or_default();
    waits(Duration::from_secs(30), "the end", || read().ends_with('\n'));
    read().trim().to_owned()
}

fn session(dir: &Path) -> PathBuf {
    dir.join("out/s")
}

/// Whether the terminal shows a screen of a program's own.
fn is_alternate(terminal: &Terminal) -> bool {
    terminal.tmux(&["display-message", "-p", "#{alternate_on}"]).trim() == "1"
}

fn count(dir: &Path, what: &str) -> usize {
    rows(&session(dir)).iter().filter(|row| row.event_type == what).count()
}

fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args([name, pid]).status().expect("kill").success(), "{name} {pid}");
}

/// The process that records into this folder, as its log says.
fn recorder(dir: &Path) -> String {
    let lines = || {
        let mut command = watchcap();
        command.env("WATCHCAP_CONTROL_DIR", dir.join("control")).args(["status", "--json"]);
        serde_json::from_str::<Value>(&run(&mut command).1).unwrap_or_default()
    };
    let mut pid = None;
    waits(Duration::from_secs(20), "the recording", || {
        pid = lines()[0]["pid"].as_u64();
        pid.is_some()
    });
    pid.expect("its process").to_string()
}

#[test]
fn it_shows_the_recording_and_its_keys_pause_mark_and_stop() {
    let dir = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start("dash", &format!("{}; sleep 60", command(dir.path(), "--split 1h")), SIZE);
    let session = dir.path().join("out/s-part0001");
    for what in ["● recording", "▀", "of 10", "dropped", "of 8", "p99", "mouse_move", "key_down", "(part 1)", "q stop"]
    {
        terminal.shows(what);
    }
    terminal.keys(&["p"]);
    for what in ["❚❚ paused", "p go on", "neither pictures nor inputs are taken"] {
        terminal.shows(what);
    }
    terminal.keys(&["m"]);
    terminal.shows("✓ mark set");
    terminal.keys(&["p"]);
    terminal.shows("● recording");
    terminal.keys(&["?"]);
    terminal.shows("set a mark at this moment");
    terminal.keys(&["?"]);
    terminal.tmux(&["resize-window", "-x", "80", "-y", "24"]);
    terminal.shows("room for");
    terminal.keys(&["q"]);
    assert_eq!(ended(dir.path()), "code=0");
    terminal.shows("recorded 0:");
    assert!(!is_alternate(&terminal), "the terminal is not given back");
    let kinds: Vec<String> = rows(&session).iter().map(|row| row.event_type.clone()).collect();
    let of = |what: &str| kinds.iter().filter(|kind| *kind == what).count();
    assert_eq!((of("pause"), of("resume"), of("mark")), (1, 1, 1), "{kinds:?}");
    assert_eq!(
        (&metadata(&session)["end_reason"], &metadata(&session)["dropped_frames"]),
        (&"stopped".into(), &0.into())
    );
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_given_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start("dash-term", &format!("{}; sleep 60", command(dir.path(), "-vv")), SIZE);
    terminal.shows("● recording");
    signal("-TERM", &recorder(dir.path()));
    assert_eq!(ended(dir.path()), "code=0");
    assert!(!is_alternate(&terminal), "the terminal is not given back");
    // What was said meanwhile is there now.
    terminal.shows("recorded 0:");
    assert_eq!(metadata(&session(dir.path()))["end_reason"], "sigterm");
}

#[test]
fn a_terminal_that_reads_nothing_costs_no_frame_and_no_seal() {
    let dir = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start("dash-stuck", &command(dir.path(), "--duration 7s -vv"), SIZE);
    terminal.shows("▀");
    let server = terminal.tmux(&["display-message", "-p", "#{pid}"]).trim().to_owned();
    signal("-STOP", &server);
    // It is recorded to its end and sealed while nobody reads what the dashboard writes.
    let code = std::panic::catch_unwind(|| ended(dir.path()));
    signal("-CONT", &server);
    assert_eq!(code.expect("its end"), "code=0");
    let metadata = metadata(&session(dir.path()));
    assert_eq!(metadata["end_reason"], "duration");
    let number = |key: &str| metadata[key].as_u64().expect("a number");
    assert!(number("dropped_frames") <= BUSY && number("frames") >= 68 - BUSY, "{metadata}");
    let (code, _, err) = run(watchcap().arg("verify").arg(session(dir.path())));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_terminal_that_is_closed_ends_it_in_good_order_or_not_at_all() {
    for (ignored, reason) in [("", "sighup"), ("trap '' HUP; ", "duration")] {
        let dir = tempfile::tempdir().expect("a folder");
        let command = format!("{ignored}{}", command(dir.path(), "--duration 8s"));
        let terminal = Terminal::start(&format!("dash-{reason}"), &command, SIZE);
        terminal.shows("▀");
        let pid = recorder(dir.path());
        terminal.tmux(&["kill-server"]);
        // The shell around it is gone with the terminal: the exit code is nobody's.
        let proc = PathBuf::from(format!("/proc/{pid}"));
        waits(Duration::from_secs(30), "the end", || !proc.exists());
        let metadata = metadata(&session(dir.path()));
        assert_eq!(metadata["end_reason"], reason);
        assert!(metadata["dropped_frames"].as_u64().expect("a number") <= BUSY, "{metadata}");
    }
}

#[test]
fn in_the_background_it_leaves_the_terminal_alone_and_records_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start("dash-bg", "env PS1='$ ' bash --norc -i", SIZE);
    terminal.keys(&[&command(dir.path(), ""), "Enter"]);
    terminal.shows("▀");
    let pid = recorder(dir.path());
    signal("-STOP", &pid);
    terminal.shows("Stopped");
    terminal.keys(&["bg", "Enter"]);
    terminal.keys(&["echo th''ere", "Enter"]);
    terminal.shows("there");
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its state");
    let asleep = Instant::now();
    while asleep.elapsed() < Duration::from_secs(2) {
        assert!(!state().contains(") T "), "it was stopped for touching the terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
    terminal.keys(&["fg", "Enter"]);
    terminal.shows("● recording");
    terminal.keys(&["m"]);
    terminal.shows("✓ mark set");
    terminal.keys(&["q"]);
    terminal.shows("recorded 0:");
    waits(Duration::from_secs(20), "the seal", || session(dir.path()).join("integrity.sha256").exists());
    assert_eq!(count(dir.path(), "mark"), 1);
}

#[test]
fn where_it_cannot_be_shown_it_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let refused = |extra: &[&str], says: &str| {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "--dashboard"]).args(extra).arg("--out").arg(dir.path());
        let (code, _, err) = run(&mut command);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("no dashboard can be shown") && err.contains(says) && err.contains("hint: "), "{err}");
    };
    refused(&[], "standard input is no terminal");
    refused(&["--json"], "--json");
    refused(&["--quiet"], "--quiet");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0, "something was recorded");
}
