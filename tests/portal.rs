//! The desktop's portal without a desktop: what is asked of it, what is kept, and what the end of each part of it comes to. With real ones:
//! `tests/desktops.rs`.
#![cfg(all(target_os = "linux", feature = "wayland-portal"))]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;

use crate::support::portal::{Behaviour, Portal};
use crate::support::{Running, run, watchcap};

/// No wait is longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn record(portal: &Portal, out: &Path, more: &[&str]) -> Command {
    named(portal, "s", out, more)
}

fn named(portal: &Portal, session: &str, out: &Path, more: &[&str]) -> Command {
    let mut command = portal.watchcap();
    command.args([
        "record",
        "--consent",
        "screen",
        "--allow-missing",
        "masks",
        "--session",
        session,
        "--fps",
        "25",
        "--out",
    ]);
    command.arg(out).args(more);
    command
}

fn verified(session: &Path) -> Vec<OwnedRow> {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
    let reader = SessionReader::open(session).expect("a session");
    reader.events().rows().collect::<Result<Vec<_>, _>>().expect("rows")
}

fn metadata(session: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(session.join("metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

/// How often something is the reason of a gap.
fn gaps(rows: &[OwnedRow], reason: &str) -> usize {
    rows.iter().filter(|row| row.metadata.get("reason") == Some(reason)).count()
}

fn frames(rows: &[OwnedRow]) -> usize {
    rows.iter().filter(|row| row.event_type == "frame").count()
}

/// Starts a recording without an end, and waits until it has had pictures.
fn running(portal: &Portal, out: &Path) -> Running {
    let mut command = record(portal, out, &["--duration", "60s"]);
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs"));
    let began = Instant::now();
    while !out.join("s/log").is_dir() {
        assert!(began.elapsed() < PATIENCE, "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(800));
    running
}

#[test]
fn the_person_is_asked_once_and_what_was_chosen_is_kept_for_the_next_time() {
    let portal = Portal::start(Behaviour { node: 1, cursors: 3, ..Behaviour::default() });
    let out = tempfile::tempdir().expect("a folder");
    let (code, _, err) = run(&mut record(&portal, out.path(), &["--duration", "1s"]));
    assert!(code == 0 || code == 3, "{code}\n{err}");
    let rows = verified(&out.path().join("s"));
    assert!(frames(&rows) > 15, "{} frames", frames(&rows));
    // Told 3 ms after its own time, and stamped with that.
    let news = rows.iter().filter(|row| row.event_type == "frame" && row.metadata.get("dup").is_none());
    let late: Vec<i64> = news.filter_map(|row| row.metadata.get("capture_us")?.parse().ok()).collect();
    assert!(late.len() > 5 && late.iter().all(|us| *us == 3000), "{late:?}");
    let told = metadata(&out.path().join("s"));
    let text = told.to_string();
    assert!(text.contains("\"wayland-portal\"") && text.contains("Wayland: Test (portal version 4)"), "{text}");
    assert!(text.contains("chosen in the desktop's dialog"), "{text}");
    let behind = &told["timing"]["behind"];
    assert!(behind["last_ns"].as_i64() >= Some(5_000_000) && behind["late_pictures"].as_u64().is_some(), "{text}");
    let token = portal.config().join("watchcap/portal-token");
    let mode = std::fs::metadata(&token).expect("a token").permissions().mode();
    assert_eq!((mode & 0o777, std::fs::read_to_string(&token).expect("text").as_str()), (0o600, "token-1"));
    let (code, _, err) = run(&mut named(&portal, "s2", out.path(), &["--duration", "1s", "--cursor", "off"]));
    assert!(code == 0 || code == 3, "{code}\n{err}");
    assert_eq!(std::fs::read_to_string(&token).expect("text"), "token-2", "each is used once");
    // The pointer drawn in, then left out; until it is revoked; and the second time with what the first one was given.
    let expected = [(Some(2), Some(2), None), (Some(1), Some(2), Some("token-1".to_owned()))];
    assert_eq!(portal.behaviour().selected, expected);
}

#[test]
fn a_dialog_that_is_cancelled_and_what_cannot_be_named_are_refused_with_a_way_out() {
    let portal = Portal::start(Behaviour { node: 1, response: 1, cursors: 7, ..Behaviour::default() });
    let out = tempfile::tempdir().expect("a folder");
    let refused = out.path().join("refused");
    let refuses = |more: &[&str], says: &str, hint: &str| {
        let (code, _, err) = run(&mut record(&portal, &refused, more));
        assert!(code == 1 && err.contains(says) && err.contains(hint), "{more:?}: {code}\n{err}");
        assert!(!refused.exists(), "{more:?} left something");
    };
    refuses(&[], "the desktop's dialog was cancelled", "hint: start again, and choose a monitor");
    portal.does(|behaviour| behaviour.response = 2);
    refuses(&[], "does not say why", "hint: see why: journalctl");
    portal.does(|behaviour| (behaviour.response, behaviour.node) = (0, 4));
    refuses(&[], "the monitor is turned", "hint: start again, and choose another monitor");
    let named = ["--screen-backend", "wayland-portal", "--monitor", "DP-1"];
    refuses(&named, "the desktop asks which monitor is recorded", "hint: leave --monitor");
    // Without the program there is nothing that takes the pictures, and nobody is asked for them.
    let (code, _, err) = run(record(&portal, &refused, &[]).env("WATCHCAP_PIPEWIRE", "/nonexistent"));
    assert!(
        code == 1 && err.contains("watchcap-pipewire, which takes the pictures") && err.contains("hint:"),
        "{code}\n{err}"
    );
    assert!(!refused.exists());
}

#[test]
fn doctor_and_targets_say_what_there_is_and_ask_nobody() {
    let portal = Portal::start(Behaviour { node: 1, cursors: 7, ..Behaviour::default() });
    let (_, report, _) = run(portal.watchcap().arg("doctor").current_dir(portal.folder.path()));
    let line = report.lines().find(|line| line.contains("screen (wayland-portal)")).expect("a line");
    assert!(line.starts_with("ok") && line.contains("portal version 4"), "{report}");
    assert!(line.contains("pointer left out, drawn in, told beside the pictures"), "{report}");
    let (code, _, said) = run(portal.watchcap().arg("targets"));
    assert!(code == 0 && said.contains("the desktop asks what is recorded when recording starts"), "{code}\n{said}");
    let (code, _, _) = run(portal.watchcap().args(["targets", "--json"]));
    assert_eq!(code, 0);
    assert!(portal.behaviour().selected.is_empty(), "somebody was asked");
}

#[test]
fn a_child_that_dies_is_a_gap_and_the_recording_goes_on() {
    let portal = Portal::start(Behaviour { node: 2, cursors: 3, ..Behaviour::default() });
    let out = tempfile::tempdir().expect("a folder");
    let (code, _, err) = run(&mut record(&portal, out.path(), &["--duration", "3s"]));
    assert!(code == 0 || code == 3, "{code}\n{err}");
    assert!(err.contains("what is recorded is back"), "{err}");
    let rows = verified(&out.path().join("s"));
    assert_eq!(gaps(&rows, "cast_interrupted"), 1);
    let last = rows.iter().rfind(|row| row.event_type == "frame").expect("a frame");
    let gap = rows.iter().find(|row| row.metadata.get("reason") == Some("cast_interrupted")).expect("a gap");
    assert!(last.t_ns > gap.t_ns + 1_000_000_000, "nothing came behind the gap");
    assert_eq!(portal.behaviour().selected.len(), 1, "the person was asked again");
}

#[test]
fn what_the_desktop_or_pipewire_ends_is_ended_and_seals() {
    let portal = Portal::start(Behaviour { node: 1, cursors: 3, ..Behaviour::default() });
    let out = tempfile::tempdir().expect("a folder");
    let recording = running(&portal, out.path());
    portal.close();
    assert_eq!(recording.wait(), 3);
    assert_eq!(gaps(&verified(&out.path().join("s")), "source_gone"), 1);
    portal.does(|behaviour| behaviour.node = 3);
    let other = tempfile::tempdir().expect("a folder");
    let (code, _, err) = run(&mut record(&portal, other.path(), &["--duration", "60s"]));
    assert!(code == 3 && err.contains("PipeWire hangs up: a test"), "{code}\n{err}");
    let rows = verified(&other.path().join("s"));
    assert!(frames(&rows) > 5 && gaps(&rows, "source_gone") == 1, "{} frames", frames(&rows));
}

#[test]
fn a_stream_that_becomes_larger_is_fitted_in() {
    let portal = Portal::start(Behaviour { node: 5, cursors: 3, ..Behaviour::default() });
    let out = tempfile::tempdir().expect("a folder");
    let (code, _, err) = run(&mut record(&portal, out.path(), &["--duration", "2s"]));
    assert!(code == 0 || code == 3, "{code}\n{err}");
    let rows = verified(&out.path().join("s"));
    let windows = rows.iter().filter(|row| row.event_type == "window").count();
    assert!(windows >= 1 && frames(&rows) > 20, "{windows} sizes, {} frames", frames(&rows));
}
