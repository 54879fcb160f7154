//! Screen lockers and prompts whose windows say nothing of themselves: told from what they do and by their program. The slice of the
//! campaign runs real ones.

use std::path::Path;

use serde_json::Value;

use crate::privacy::{
    OPEN_KEYS, SECRET, SECRET_KEYS, Windows, both, codes, desk, frames, metadata, of_type, record, rows, stop,
};
use crate::support::{Display, run, venv_python};

/// A window over the whole desktop of 320x240 that says nothing of itself.
fn nameless(windows: &mut Windows, more: &str) {
    windows.command(&format!("open lock 0 0 320 240 {SECRET} {more}"));
}

/// Records what `act` does on a desktop; answers with its rows and how many frames showed what must not be seen.
fn recorded(before: impl FnOnce(&mut Windows), act: impl FnOnce(&mut Windows)) -> (Vec<Value>, usize) {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    windows.command("open editor 0 0 100 100 808080 class=Editor title=My_letter");
    windows.command("focus editor");
    before(&mut windows);
    let recorder = record(&display, dir.path(), &["--fps", "20"]);
    act(&mut windows);
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    let rows = rows(&session);
    let seen = frames(&session, &rows).iter().filter(|frame| frame.secrets() > 0).count();
    (rows, seen)
}

fn reasons(rows: &[Value], what: &str) -> std::collections::BTreeSet<String> {
    let told = of_type(rows, &["redact"]).filter(|row| row["what"] == what);
    told.map(|row| row["reason"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_nameless_locker_is_told_by_its_grab_whichever_comes_first() {
    // What is done before the password, and whether the window is mapped by then.
    let ways: [(&str, &[&str]); 4] = [
        ("maps, then grabs at its window", &["open", "grab lock"]),
        ("maps, then grabs at the root", &["open", "grab root"]),
        ("grabs, then maps", &["unmapped", "grab root", "map lock"]),
        ("grabs and maps late", &["unmapped", "grab root"]),
    ];
    for (way, steps) in ways {
        let (rows, seen) = recorded(
            |_| {},
            |windows| {
                windows.type_keys(&OPEN_KEYS);
                for step in steps {
                    match *step {
                        "open" => nameless(windows, ""),
                        "unmapped" => nameless(windows, "unmapped"),
                        step => drop(windows.command(step)),
                    }
                }
                windows.type_keys(&SECRET_KEYS);
                if way == "grabs and maps late" {
                    windows.command("map lock");
                }
                windows.command("wait 300");
                windows.type_keys(&SECRET_KEYS);
                windows.command("ungrab");
                windows.command("close lock");
                windows.command("focus editor");
                windows.command("wait 300");
                windows.type_keys(&OPEN_KEYS);
            },
        );
        let mut want = both(&["KeyA", "KeyB", "KeyC"]);
        want.extend(both(&["*"; 6]));
        want.extend(both(&["KeyA", "KeyB", "KeyC"]));
        assert_eq!(codes(&rows), want, "{way}");
        assert_eq!(seen, 0, "{way}: it is to be seen");
        assert!(reasons(&rows, "keys").contains("lock_screen"), "{way}: {:?}", reasons(&rows, "keys"));
        assert!(reasons(&rows, "pixels").contains("lock_screen"), "{way}: {:?}", reasons(&rows, "pixels"));
    }
}

#[test]
fn what_is_typed_before_it_is_certain_is_withheld() {
    // It is over the screen and has not got the keyboard yet; and it was there, with the keyboard, before recording began.
    let typed = |windows: &mut Windows| {
        windows.type_keys(&SECRET_KEYS);
    };
    let (rows, seen) = recorded(
        |_| {},
        |windows| {
            nameless(windows, "");
            typed(windows);
            windows.command("close lock");
        },
    );
    assert_eq!((codes(&rows), seen), (both(&["*"; 3]), 0), "before the grab");
    let (rows, seen) = recorded(
        |windows| {
            nameless(windows, "");
            windows.command("grab root");
        },
        typed,
    );
    assert_eq!((codes(&rows), seen), (both(&["*"; 3]), 0), "it was there before recording began");
    let (rows, seen) = recorded(
        |windows| {
            nameless(windows, "");
            windows.command("focus lock");
        },
        typed,
    );
    assert_eq!((codes(&rows), seen), (both(&["*"; 3]), 0), "it has the focus");
}

#[test]
fn what_is_no_locker_is_recorded() {
    // A window over the screen that never takes the keyboard; a menu that does; a launcher with a name; a window that a manager places.
    let cases: [(&str, &[&str]); 4] = [
        ("an overlay", &["open over 0 0 320 240 204060", "wait 2300", "focus editor"]),
        ("a menu", &["open menu 40 40 60 90 204060", "grab menu"]),
        ("a launcher", &["open run 0 0 320 240 204060 class=Launcher", "grab run"]),
        ("a key of the window manager", &["open small 0 0 300 60 204060", "grab root"]),
    ];
    for (what, steps) in cases {
        let (rows, _) = recorded(
            |_| {},
            |windows| {
                for step in steps {
                    windows.command(step);
                }
                windows.type_keys(&OPEN_KEYS);
                windows.command("ungrab");
            },
        );
        assert_eq!(codes(&rows), both(&["KeyA", "KeyB", "KeyC"]), "{what}: {:?}", reasons(&rows, "keys"));
    }
}

/// While the recorder waits for a core, a window maps and grabs: no event names it afterwards.
fn typed_into_a_grab_that_was_not_heard(steps: &[&str]) -> (Vec<String>, std::collections::BTreeSet<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    windows.command("open editor 0 0 100 100 808080 class=Editor title=My_letter");
    windows.command("focus editor");
    let recorder = record(&display, dir.path(), &["--fps", "20"]);
    let pid = recorder.0.id().to_string();
    let signal = |name: &str| {
        let status = std::process::Command::new("kill").args([name, &pid]).status();
        assert!(status.expect("kill").success());
    };
    signal("-STOP");
    for step in steps {
        windows.command(step);
    }
    signal("-CONT");
    windows.command("wait 300");
    windows.type_keys(&OPEN_KEYS);
    windows.command("ungrab");
    windows.command("wait 300");
    let rows = rows(&stop(recorder, dir.path()));
    (codes(&rows), reasons(&rows, "keys"))
}

#[test]
fn a_grab_that_was_not_heard_is_judged_by_every_window_that_may_hold_it() {
    let open = both(&["KeyA", "KeyB", "KeyC"]);
    let (codes, why) = typed_into_a_grab_that_was_not_heard(&["open menu 40 40 60 90 204060", "grab menu"]);
    assert_eq!(codes, open, "a menu: {why:?}");
    let manager = "open vault 200 200 40 30 204060 class=KeePassXC";
    let (codes, why) = typed_into_a_grab_that_was_not_heard(&[manager, "open menu 40 40 60 90 204060", "grab menu"]);
    assert_eq!(codes, both(&["*"; 3]), "beside a password manager: {why:?}");
}

#[test]
fn a_locker_that_waits_is_no_lock_screen_and_one_that_grabs_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let (display, mut windows) = desk((320, 240));
    windows.command("open editor 0 0 100 100 808080 class=Editor title=My_letter");
    windows.command("focus editor");
    // As the lockers of desktops have them, all the time: outside of the screen, and some pixels on it.
    let mut locker = Windows::start_as(&display, dir.path(), "mate-screensaver");
    locker.command(&format!("open helper -100 -100 10 10 {SECRET}"));
    locker.command(&format!("open pixel 0 0 1 1 {SECRET}"));
    let recorder = record(&display, dir.path(), &["--fps", "20"]);
    windows.command("focus root");
    windows.command("focus editor");
    windows.type_keys(&OPEN_KEYS);
    locker.command("grab pixel");
    windows.type_keys(&SECRET_KEYS);
    locker.command("ungrab");
    windows.type_keys(&OPEN_KEYS);
    windows.command("wait 300");
    let session = stop(recorder, dir.path());
    let open = both(&["KeyA", "KeyB", "KeyC"]);
    assert_eq!(codes(&rows(&session)), [open.clone(), both(&["*"; 3]), open].concat());
}

#[test]
fn the_metadata_say_by_what_windows_are_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(320, 240);
    let session = stop(record(&display, dir.path(), &[]), dir.path());
    let told = metadata(&session)["privacy"]["excluded_apps"].to_string();
    assert!(told.contains("nameless windows over the screen") && told.contains("whose program"), "{told}");
}

/// The campaign (`make test-lockers`) over some programs, which are real.
fn campaign(programs: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = venv_python();
    command.arg(root.join("scripts/lockers.py")).arg(env!("CARGO_BIN_EXE_watchcap")).args(programs);
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn real_lockers_and_prompts_are_recognised() {
    campaign(&["slock", "i3lock", "pinentry-fltk", "pinentry-gtk-2", "ssh-askpass", "xterm, Secure Keyboard"]);
}

#[test]
#[ignore = "needs every locker, prompt and manager that Debian has: make test-lockers"]
fn every_locker_that_debian_has() {
    campaign(&[]);
}
