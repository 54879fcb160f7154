//! The X server of a Wayland desktop: it shows only a part of it, so nothing is recorded through it, by no backend, and every verb says so.
//!
//! The desktop is a real one: sway with Xwayland. The compositor itself is out of reach here, as it is over ssh.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::sway::Sway;
use crate::support::{Display, Running, run, watchcap};

/// Runs the program with the variables of a desktop; without those of the session, as in a shell over ssh.
fn watchcap_on(sway: &Sway, args: &[&str], session: bool) -> (i32, String, String) {
    let mut command = watchcap();
    command.args(args).env("DISPLAY", &sway.x11);
    if session {
        command.env("WAYLAND_DISPLAY", &sway.wayland).env("XDG_SESSION_TYPE", "wayland");
    } else {
        command.env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE");
    }
    run(&mut command)
}

fn record<'a>(out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let out = out.to_str().expect("a path");
    ["record", "--consent", "screen,input", "--duration", "1s", "--out", out].iter().chain(more).copied().collect()
}

#[test]
fn an_xwayland_server_is_refused_by_every_backend_and_every_verb_names_it() {
    let sway = Sway::start((640, 480), true);
    let window = Running(
        Command::new("xterm").env("DISPLAY", &sway.x11).stderr(Stdio::null()).spawn().expect("xterm is installed"),
    );
    let out = tempfile::tempdir().expect("a folder");
    // Also where only the server tells, as in a shell over ssh.
    for session in [true, false] {
        for more in [
            &[][..],
            &["--screen-backend", "x11"],
            &["--screen-backend", "xcap", "--allow-missing", "masks,redaction"],
            &["--input-backend", "poll", "--allow-missing", "redaction"],
            &["--allow-missing", "input"],
            &["--app", "xterm"],
            &["--window", "0x123"],
            &["--region", "0,0,64,64"],
        ] {
            let (code, _, err) = watchcap_on(&sway, &record(out.path(), more), session);
            assert!(code == 1 && err.contains("Xwayland"), "{more:?}: {code}\n{err}");
            assert!(err.contains("hint: log in with an X11 session") && err.contains("Xephyr"), "{more:?}:\n{err}");
            assert_eq!(std::fs::read_dir(out.path()).expect("a folder").count(), 0, "{more:?} left something");
        }
        let (_, report, said) = watchcap_on(&sway, &["doctor"], session);
        // "no  screen (x11)   why": the second word is what was tried.
        let of = |line: &str| {
            line.split_whitespace().nth(1).is_some_and(|what| ["display", "screen", "input"].contains(&what))
        };
        for line in report.lines().filter(|line| of(line)) {
            assert!(line.starts_with("no"), "{report}");
        }
        assert!(report.contains("Xwayland") && said.contains("hint: log in with an X11 session"), "{report}\n{said}");
        let (code, list, said) = watchcap_on(&sway, &["targets"], session);
        assert!(code == 0 && list.contains("monitor") && said.contains("Xwayland"), "{list}\n{said}");
        let (_, list, _) = watchcap_on(&sway, &["targets", "--json"], session);
        assert!(list.contains(r#""server":"xwayland""#) || list.contains(r#""server": "xwayland""#), "{list}");
    }
    drop(window);
}

#[test]
fn the_hint_helps_a_server_inside_of_it_is_recorded() {
    let sway = Sway::start((640, 480), true);
    let mut nested = Command::new("Xephyr");
    nested.args(["-displayfd", "1", "-screen", "320x240"]).env("DISPLAY", &sway.x11).stderr(Stdio::null());
    let nested = Display::spawn(nested, "Xephyr is missing: run scripts/setup.sh test");
    let out = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(record(out.path(), &["--session", "s"])).env("DISPLAY", &nested.name);
    command.env("WAYLAND_DISPLAY", &sway.wayland).env("XDG_SESSION_TYPE", "wayland");
    let (code, _, err) = run(&mut command);
    assert!(code == 0 || code == 3, "{code}\n{err}");
    assert!(err.contains("warning: WAYLAND_DISPLAY="), "no word of the Wayland desktop:\n{err}");
}

#[test]
fn an_x_server_beside_a_wayland_desktop_is_recorded_with_a_warning_and_not_through_xcap() {
    let desktop = Display::start(320, 240);
    let out = tempfile::tempdir().expect("a folder");
    for (variable, value) in [("WAYLAND_DISPLAY", "wayland-0"), ("XDG_SESSION_TYPE", "wayland")] {
        let with = |args: &[&str]| {
            let mut command = watchcap();
            command.args(args).env("DISPLAY", &desktop.name).env_remove("WAYLAND_DISPLAY").env(variable, value);
            run(&mut command)
        };
        let (code, _, err) = with(&record(out.path(), &["--session", variable]));
        assert!(code == 0 || code == 3, "{code}\n{err}");
        assert!(err.contains(&format!("warning: {variable}={value}")), "{err}");
        let (_, report, _) = with(&["doctor"]);
        assert!(report.contains("an X11 server") && report.contains("Wayland desktop is not recorded"), "{report}");
        let xcap = ["--screen-backend", "xcap", "--allow-missing", "masks,redaction", "--session", "x"];
        let (code, _, err) = with(&record(out.path(), &xcap));
        assert!(code == 1 && err.contains("xcap would take pictures of the compositor"), "{code}\n{err}");
        assert!(err.contains("hint: take them with --screen-backend x11"), "{err}");
    }
    // Without any X server the desktop is named, and not only the variable that is missing.
    let mut command = watchcap();
    command.args(record(out.path(), &[])).env_remove("DISPLAY").env("WAYLAND_DISPLAY", "wayland-0");
    let (code, _, err) = run(&mut command);
    assert!(code == 1 && err.contains("a Wayland desktop cannot be recorded"), "{code}\n{err}");
}
