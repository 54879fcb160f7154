//! What ends a recording on Windows: Ctrl-C in a console, the console itself, `taskkill` and the end of the session, as far as Wine has them.
//!
//! Runs where tests/wine.rs does. Ctrl-Break cannot be sent under Wine; it is answered by the same line as Ctrl-C.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::replay::Terminal;
use crate::wine::{judged, on_z, program, root};
use crate::wine_desktop::Desk;

/// Longest that anything may take.
const LIMIT: Duration = Duration::from_mins(2);

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Records into `out` in a console of its own, and waits until it has for a second.
fn recording(name: &str, exe: &Path, out: &Path) -> Terminal {
    let command = format!(
        "WATCHCAP_CONTROL_DIR='{}' {} {} record --source synthetic --size 320x240 --duration 120s --session s --out '{}'",
        on_z(&out.join("control")),
        root().join("scripts/wine/run.sh").display(),
        exe.display(),
        on_z(out)
    );
    let terminal = Terminal::start(name, &command, (120, 30));
    until("it does not record", || out.join("s/log/frames.mp4").is_file());
    std::thread::sleep(Duration::from_secs(1));
    terminal
}

#[test]
fn ctrl_c_in_a_console_ends_and_seals() {
    let Some(exe) = program() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let terminal = recording("wine-ctrl-c", &exe, dir.path());
    terminal.keys(&["C-c"]);
    until("it is not sealed", || dir.path().join("s/integrity.sha256").is_file() && !dir.path().join("s/log").exists());
    let metadata = judged(&dir.path().join("s"));
    assert_eq!(metadata["end_reason"], "sigint");
    println!("Ctrl-C: {} frames", metadata["frames"]);
}

/// Records on a desktop, and has another program of Windows do something with the recording's process there.
fn ended_by(name: &str, args: impl Fn(&str) -> Vec<String>) {
    let Some(exe) = program() else { return };
    let mut desk = Desk::start(name);
    desk.window("plain", (20, 20, 160, 120), 0x20_60_20, &[]);
    desk.record(&exe, 90, &[]);
    std::thread::sleep(Duration::from_secs(1));
    let pid = desk.ready().expect("a line")["pid"].to_string();
    let args = args(&pid);
    let asked = Instant::now();
    desk.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let (_, metadata, _) = desk.sealed();
    assert_eq!(metadata["end_reason"], "sigterm");
    println!("{name}: {} frames, sealed {:.1} s after it was asked", metadata["frames"], asked.elapsed().as_secs_f64());
}

#[test]
fn taskkill_without_force_ends_and_seals() {
    ended_by("taskkill", |pid| ["taskkill", "/pid", pid].map(str::to_owned).to_vec());
}

#[test]
fn the_end_of_the_session_ends_and_seals() {
    ended_by("logoff", |_| ["wineboot", "--end-session"].map(str::to_owned).to_vec());
}
