//! The Windows program under Wine: it records, is killed, seals, verifies and exports, and the program of this system is the judge.
//!
//! `make test-wine` builds the Windows program and runs this. Elsewhere it runs when that program is there and up to date, and else says
//! that it did not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::support::{copy_tree, files, run, watchcap};

/// Longest that one run may take: Wine starts in a second or two, its first start of all takes twenty.
const LIMIT: Duration = Duration::from_mins(3);

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Windows program, when Wine is here and it is not older than its sources. `WATCHCAP_TEST_WINE` makes its absence a failure.
pub(crate) fn program() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let exe = target.join("x86_64-pc-windows-gnu/debug/watchcap.exe");
    let why = if Command::new("wine").arg("--version").stdout(Stdio::null()).status().is_err() {
        "wine is not installed"
    } else if std::fs::metadata(&exe).and_then(|m| m.modified()).is_ok_and(|built| built >= newest_source()) {
        return Some(exe);
    } else {
        "the Windows program is not there, or older than its sources"
    };
    assert!(std::env::var_os("WATCHCAP_TEST_WINE").is_none(), "{why}");
    println!("skipped: NOT TESTED on Windows: {why}; `make test-wine` builds and tests it");
    None
}

fn newest_source() -> SystemTime {
    let mut newest = std::fs::metadata(root().join("Cargo.lock")).and_then(|m| m.modified()).expect("a lock file");
    let mut folders = ["src", "format/src", "replay/src", "migrations/src"].map(|dir| root().join(dir)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                newest = newest.max(entry.metadata().and_then(|m| m.modified()).expect("a time"));
            }
        }
    }
    newest
}

/// A path as a Windows program has it: Wine shows the whole file system as the disk Z.
pub(crate) fn on_z(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', "\\"))
}

/// The Windows program, a folder for what it prints, and the one by which its recordings are found.
struct Windows {
    exe: PathBuf,
    said: PathBuf,
    control: PathBuf,
}

impl Windows {
    /// In new folders in `dir`.
    fn new(exe: PathBuf, dir: &Path) -> Self {
        let said = dir.join("said");
        std::fs::create_dir(&said).expect("a folder");
        Self { exe, said, control: dir.join("control") }
    }

    /// The same, which prints into a folder of its own.
    fn beside(&self, name: &str) -> Self {
        let said = self.said.join(name);
        std::fs::create_dir_all(&said).expect("a folder");
        Self { exe: self.exe.clone(), said, control: self.control.clone() }
    }

    /// Waits until a recording that was started with `--json` says that it runs; its process, by Windows' number.
    fn pid(&self, child: &mut Child) -> String {
        let begun = Instant::now();
        loop {
            let line = self.said("out").lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(pid) = line.and_then(|line| line["pid"].as_u64()) {
                return pid.to_string();
            }
            assert!(begun.elapsed() < LIMIT && child.try_wait().expect("its state").is_none(), "{}", self.said("err"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts a program of Windows; what it prints goes into two files, since Wine's services would hold a pipe open.
    fn start(&self, program: &str, args: &[&str]) -> Child {
        let file = |name: &str| File::create(self.said.join(name)).expect("a file");
        let mut command = Command::new(root().join("scripts/wine/run.sh"));
        command.arg(program).args(args).stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        command.env_remove("DISPLAY").env_remove("WATCHCAP_CONSENT").env_remove("WATCHCAP_OUT");
        command.env("WATCHCAP_CONTROL_DIR", on_z(&self.control));
        command.spawn().expect("scripts/wine/run.sh")
    }

    fn said(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.said.join(name)).expect("what it printed")).into_owned()
    }

    fn end(&self, mut child: Child) -> (i32, String, String) {
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            if let Some(status) = child.try_wait().expect("its state") {
                return (status.code().unwrap_or(-1), self.said("out"), self.said("err"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().expect("its end");
        panic!("it did not end: {}", self.said("err"));
    }

    /// Runs `watchcap.exe`.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.end(self.start(&self.exe.display().to_string(), args))
    }

    /// As [`Self::ok`], of a recording: a busy machine may be too slow for some pictures (3).
    fn recorded(&self, args: &[&str]) {
        let (code, out, err) = self.run(args);
        assert!(code == 0 || code == 3, "watchcap.exe {}:\n{out}{err}", args.join(" "));
    }

    /// As [`Self::run`]; what fails is shown.
    fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        assert_eq!(code, 0, "watchcap.exe {}:\n{out}{err}", args.join(" "));
        out
    }
}

/// Verifies a session by the program of this system; answers with what it counted.
pub(crate) fn judged(session: &Path) -> Value {
    let (code, out, err) = run(watchcap().args(["verify", "--json"]).arg(session));
    assert_eq!(code, 0, "{}: {out}{err}", session.display());
    serde_json::from_str(&std::fs::read_to_string(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

/// Everything in a folder but for manifests, which name folders.
fn made(dir: &Path) -> Vec<(String, Vec<u8>)> {
    files(dir).into_iter().filter(|(name, _)| !name.contains("manifest")).collect()
}

#[test]
fn what_it_records_is_sealed_read_and_exported() {
    let Some(exe) = program() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    // With a space: what it prints is a command for the shells of Windows.
    let out = dir.path().join("two words");
    std::fs::create_dir_all(&out).expect("a folder");
    let windows = Windows::new(exe, dir.path());
    let z = on_z(&out);
    let record = ["record", "--source", "synthetic", "--size", "320x240", "--out", &z];

    // Recorded and sealed in one process: nothing of the log may be left, which was open in it.
    windows.recorded(&[&record[..], &["--duration", "2s", "--session", "whole"]].concat());
    let whole = out.join("whole");
    assert!(!whole.join("log").exists(), "the log was not deleted: {}", windows.said("err"));
    let metadata = judged(&whole);
    windows.ok(&["verify", &on_z(&whole)]);
    println!("recorded and sealed: {} frames", metadata["frames"]);

    // Sealed later: the same bytes as this system makes of the same log.
    windows.recorded(&[&record[..], &["--duration", "2s", "--session", "later", "--no-finalize"]].concat());
    let hint = windows.said("err");
    assert!(hint.contains("watchcap finalize \"Z:\\"), "a command for the shells of Windows: {hint}");
    let (later, here) = (out.join("later"), dir.path().join("later"));
    copy_tree(&later, &here);
    windows.recorded(&["finalize", &on_z(&later)]);
    let (code, _, err) = run(watchcap().arg("finalize").arg(&here));
    assert!(code == 0 || code == 3, "{code}: {err}");
    judged(&later);
    assert_eq!(names(&files(&later)), names(&files(&here)));
    assert!(files(&later) == files(&here), "one log, two sessions");

    // Killed.
    let mut child = windows.start(
        &windows.exe.display().to_string(),
        &[&record[..], &["--duration", "60s", "--session", "killed", "--json"]].concat(),
    );
    let pid = windows.pid(&mut child);
    std::thread::sleep(Duration::from_secs(2));
    let kill = windows.beside("kill");
    let (code, out_, err) = kill.end(kill.start("taskkill", &["/f", "/pid", &pid]));
    assert_eq!(code, 0, "{out_}{err}");
    child.wait().expect("its end");
    let killed = out.join("killed");
    let (code, said, err) = windows.run(&["finalize", &on_z(&killed)]);
    assert!(code == 0 || code == 3, "{code}: {said}{err}");
    let metadata = judged(&killed);
    assert_eq!((&metadata["end_reason"], &metadata["recovered"]), (&Value::Null, &Value::Bool(true)), "{metadata}");
    assert!(metadata["frames"].as_u64().is_some_and(|frames| frames > 10), "{metadata}");
    // Whoever looks for recordings tidies up behind it.
    assert_eq!(windows.ok(&["status", "--json"]).trim(), "[]");
    assert_eq!(std::fs::read_dir(&windows.control).expect("a folder").count(), 0, "its file was left behind");
    println!("killed: {} frames", metadata["frames"]);

    // Every export: what the program of this system makes of the same session.
    for format in ["actions", "frames-json", "video", "vpt", "webdataset", "lerobot", "mcap"] {
        let (there, here) = (out.join(format), dir.path().join(format));
        windows.ok(&["export", format, &on_z(&whole), "--out", &on_z(&there)]);
        let (code, said, err) = run(watchcap().args(["export", format]).arg(&whole).arg("--out").arg(&here));
        assert_eq!(code, 0, "{format}: {said}{err}");
        assert_eq!(names(&made(&there)), names(&made(&here)), "{format}");
        for ((name, theirs), (_, ours)) in made(&there).iter().zip(&made(&here)) {
            assert!(theirs == ours, "{format}: {name} differs");
        }
        println!("export {format}: {} files as on this system", made(&there).len());
    }
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

/// Rights of others to something, as Wine keeps them: in the mode, where it gives the group what the user has.
fn others(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("metadata").permissions().mode() & 0o007
}

/// What is in a folder, at any depth, and itself.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let (mut all, mut at) = (vec![folder.to_path_buf()], 0);
    while let Some(path) = all.get(at).cloned() {
        if path.is_dir() {
            all.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        }
        at += 1;
    }
    all
}

#[test]
fn a_recording_is_paused_marked_and_stopped_by_its_pipe() {
    let Some(exe) = program() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    std::fs::create_dir(&out).expect("a folder");
    let windows = Windows::new(exe, dir.path());
    let verbs = windows.beside("verbs");
    let z = on_z(&out);
    let record = |name: &str| {
        let recorder = windows.beside(name);
        let flags = ["--duration", "120s", "--json", "--session", name];
        let args = [&["record", "--source", "synthetic", "--size", "320x240", "--out", &z][..], &flags].concat();
        let mut child = recorder.start(&recorder.exe.display().to_string(), &args);
        let pid = recorder.pid(&mut child);
        (recorder, child, pid)
    };
    let status = || serde_json::from_str::<Value>(&verbs.ok(&["status", "--json"])).expect("JSON");

    let (first, child, pid) = record("first");
    // It says so behind the line of JSON.
    let begun = Instant::now();
    let hints = [format!("watchcap pause --pid {pid}"), format!("watchcap stop --pid {pid}")];
    while !hints.iter().all(|hint| first.said("err").contains(hint)) {
        assert!(begun.elapsed() < LIMIT, "{}", first.said("err"));
        std::thread::sleep(Duration::from_millis(20));
    }
    let running = status();
    assert_eq!((running.as_array().map(Vec::len), running[0]["pid"].to_string()), (Some(1), pid.clone()), "{running}");
    verbs.ok(&["pause"]);
    assert_eq!(status()[0]["paused"], true);
    std::thread::sleep(Duration::from_millis(300));
    verbs.ok(&["resume", "--pid", &pid]);
    verbs.ok(&["mark", "zwei \u{e4}pfel", &on_z(&out.join("first"))]);

    // What others must not read, while it is recorded. The database makes its files itself, in a folder that nobody else can enter: on Windows it
    // hands its rights down, under Wine it does not.
    let below = out.join("first/log/events");
    let own = all_below(&out.join("first")).into_iter().filter(|path| path.parent() != Some(&below));
    let open: Vec<_> = own.filter(|path| others(path) != 0 && !path.starts_with(below.join("blobs"))).collect();
    assert!(open.is_empty(), "open to others: {open:?}");
    assert_eq!(others(&windows.control), 0);

    // A second process, and none named.
    let (_, second, second_pid) = record("second");
    let (code, _, err) = verbs.run(&["pause"]);
    assert!(code == 2 && err.contains("2 recordings are running") && err.contains(&second_pid), "{code}: {err}");
    verbs.ok(&["stop", "--pid", &second_pid]);
    // 3: a busy machine was too slow for some pictures.
    let is_sealed = |(code, _, err): (i32, String, String)| assert!(code == 0 || code == 3, "{code}: {err}");
    is_sealed(windows.beside("second").end(second));
    verbs.ok(&["stop"]);
    is_sealed(first.end(child));
    let (code, _, err) = verbs.run(&["stop"]);
    assert!(code == 1 && err.contains("no recording is running"), "{code}: {err}");
    assert_eq!(std::fs::read_dir(&windows.control).expect("a folder").count(), 0, "a file was left behind");

    for name in ["first", "second"] {
        assert_eq!(judged(&out.join(name))["end_reason"], "stopped");
    }
    let open: Vec<_> = all_below(&out.join("first")).into_iter().filter(|path| others(path) != 0).collect();
    assert!(open.is_empty(), "open to others: {open:?}");
    assert!(!windows.ok(&["verify", &on_z(&out.join("first"))]).contains("open to other users"));
    let rows = crate::privacy::rows(&out.join("first"));
    let told: Vec<_> = crate::privacy::of_type(&rows, &["pause", "resume", "mark"])
        .map(|row| (row["event_type"].as_str().unwrap_or_default(), row["text"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(told, [("pause", ""), ("resume", ""), ("mark", "zwei \u{e4}pfel")]);
    println!("control: paused, resumed, marked and stopped by pipe");
}

#[test]
fn sessions_are_redacted_in_place_and_deleted_and_paths_may_be_long() {
    let Some(exe) = program() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    // Longer than the 260 letters that old programs take. Wine cannot resolve such a path, which `redact` does, so nothing more is done there.
    let deep = dir.path().join("x".repeat(120)).join("y".repeat(120));
    for folder in [&out, &deep] {
        std::fs::create_dir_all(folder).expect("folders");
    }
    let windows = Windows::new(exe, dir.path());
    let record = ["record", "--source", "synthetic", "--size", "320x240", "--duration", "1s", "--session"];
    let recorded =
        |into: &Path, more: &[&str]| windows.recorded(&[&record[..], more, &["--out", &on_z(into)]].concat());
    recorded(&deep, &["deep"]);
    judged(&deep.join("deep"));

    recorded(&out, &["sealed"]);
    let sealed = out.join("sealed");
    windows.ok(&["redact", &on_z(&sealed), "--all", "--mask", "0,0,64,64", "--replace"]);
    let metadata = judged(&sealed);
    assert_eq!(metadata["lineage"].as_array().map(Vec::len), Some(1), "{}", metadata["lineage"]);
    let left: Vec<_> = std::fs::read_dir(&out).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left, ["sealed"], "the old session, or what was begun");
    recorded(&out, &["open", "--no-finalize"]);
    for name in ["sealed", "open"] {
        windows.ok(&["delete", &on_z(&out.join(name)), "--yes"]);
        assert!(!out.join(name).exists(), "{name}: {}{}", windows.said("out"), windows.said("err"));
    }
    println!("redacted in place, deleted with a log; a path of {} letters", on_z(&deep).len());
}
