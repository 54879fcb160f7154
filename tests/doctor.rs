//! `doctor`: what it tries, what it leaves behind (nothing), its verdict and the next command, which works.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Display, run, synthetic, watchcap};

fn doctor(display: Option<&Display>, dir: &Path) -> Command {
    let mut command = watchcap();
    command.env("XDG_CONFIG_DIRS", "/nonexistent").env("WATCHCAP_OUT", dir).env_remove("WAYLAND_DISPLAY");
    match display {
        Some(display) => command.env("DISPLAY", &display.name),
        None => command.env_remove("DISPLAY"),
    };
    command
}

fn checks(command: &mut Command) -> (i32, Vec<Value>, String) {
    let (code, out, err) = run(command);
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")), err)
}

fn found<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    let of = |check: &&Value| check["check"].as_str().is_some_and(|found| found.starts_with(name));
    checks.iter().find(of).unwrap_or_else(|| panic!("{name} was not tried: {checks:#?}"))
}

fn detail<'a>(checks: &'a [Value], name: &str) -> &'a str {
    found(checks, name)["detail"].as_str().expect("a detail")
}

#[test]
fn a_machine_that_can_record_is_told_what_to_run_and_keeps_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(640, 480);
    let began = std::time::Instant::now();
    let (code, all, err) = checks(doctor(Some(&display), dir.path()).args(["doctor", "--json"]));
    let took = began.elapsed();
    assert_eq!(code, 0, "{err}{all:#?}");
    // Of the work, not of what else a busy machine does.
    assert!(took.as_secs() < 40, "it took {took:?}");
    for (name, what) in [
        ("display", "an X11 server"),
        ("screen (x11)", "640x480"),
        ("arriving", "second"),
        ("disk", "a sync takes "),
        ("clocks", "steps of "),
        ("configuration", "no standing consent"),
        ("logs", "none waits"),
        ("terminal", "none"),
        ("encoder (openh264)", "frames a second of 640x480"),
        ("trial", "sealed, verified, deleted"),
        ("verdict", "this machine can record 640x480 by x11 and every kind of input"),
    ] {
        assert!(detail(&all, name).contains(what), "{name}: {what} is not in {all:#?}");
        assert_eq!(found(&all, name)["ok"], true, "{name}");
    }
    assert!(detail(&all, "trial").contains("synthetic desktop"), "without consent nothing of the desktop is recorded");
    assert_eq!(found(&all, "verdict")["hint"], "watchcap record --consent screen,input");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0, "something was left");
    // The last words of the one for people.
    let (code, out, err) = run(doctor(Some(&display), dir.path()).args(["doctor", "--ask"]));
    assert!(code == 0 && out.contains("ok  trial"), "{out}{err}");
    assert!(err.starts_with("this system asks for no rights beforehand"), "{err}");
    assert!(err.trim_end().ends_with("next: watchcap record --consent screen,input"), "{err}");
}

#[test]
fn consent_that_stands_tries_the_desktop_and_a_log_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(640, 480);
    let log = synthetic(dir.path(), "left", &["--no-finalize"]);
    let config = dir.path().join("c.toml");
    std::fs::write(&config, "[record]\nconsent = [\"screen\", \"input\"]\n").expect("a file");
    let command = |config: &Path| {
        let mut command = doctor(Some(&display), dir.path());
        command.arg("--config").arg(config).args(["doctor", "--json"]);
        command
    };
    let (code, all, err) = checks(&mut command(&config));
    assert_eq!(code, 0, "{err}{all:#?}");
    assert!(detail(&all, "trial").contains("your desktop"), "{all:#?}");
    assert!(detail(&all, "logs").contains("1 log not sealed"), "{all:#?}");
    assert_eq!(found(&all, "verdict")["hint"], format!("watchcap finalize {}", log.display()));
    let (code, _, err) = run(watchcap().arg("finalize").arg(&log));
    assert!(code == 0 || code == 3, "{err}");
    // What `record` would refuse is a fault of the configuration.
    std::fs::write(&config, "[record]\nfps = 500\n").expect("a file");
    let (code, all, err) = checks(&mut command(&config));
    assert!(code == 1 && err.contains("configuration"), "{err}");
    assert!(detail(&all, "configuration").contains(":2:7: fps: 500 is not from 1 to 240"), "{all:#?}");
}

#[test]
fn without_a_screen_it_fails_and_says_what_works() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, all, err) = checks(doctor(None, dir.path()).args(["doctor", "--json"]));
    assert_eq!(code, 1, "{err}");
    assert_eq!((&found(&all, "verdict")["ok"], &found(&all, "trial")["ok"]), (&false.into(), &true.into()), "{all:#?}");
    assert!(err.contains("screen fails") && err.contains("watchcap demo"), "{err}");
    // A folder that cannot be written to, for whoever is not root.
    let nowhere = Path::new("/proc/1");
    let (code, all, err) = checks(doctor(None, nowhere).args(["doctor", "--json"]));
    assert!(code == 1 && found(&all, "disk")["ok"] == false, "{err}{all:#?}");
}
