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

/// The Windows program, and a folder for what it prints.
struct Windows {
    exe: PathBuf,
    said: PathBuf,
}

impl Windows {
    /// Starts a program of Windows; what it prints goes into two files, since Wine's services would hold a pipe open.
    fn start(&self, program: &str, args: &[&str]) -> Child {
        let file = |name: &str| File::create(self.said.join(name)).expect("a file");
        let mut command = Command::new(root().join("scripts/wine/run.sh"));
        command.arg(program).args(args).stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        command.env_remove("DISPLAY").env_remove("WATCHCAP_CONSENT").env_remove("WATCHCAP_OUT");
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
    let said = dir.path().join("said");
    std::fs::create_dir(&said).expect("a folder");
    let windows = Windows { exe, said };
    let z = on_z(&out);
    let record = ["record", "--source", "synthetic", "--size", "320x240", "--out", &z];

    // Recorded and sealed in one process: nothing of the log may be left, which was open in it.
    windows.ok(&[&record[..], &["--duration", "2s", "--session", "whole"]].concat());
    let whole = out.join("whole");
    assert!(!whole.join("log").exists(), "the log was not deleted: {}", windows.said("err"));
    let metadata = judged(&whole);
    windows.ok(&["verify", &on_z(&whole)]);
    println!("recorded and sealed: {} frames", metadata["frames"]);

    // Sealed later: the same bytes as this system makes of the same log.
    windows.ok(&[&record[..], &["--duration", "2s", "--session", "later", "--no-finalize"]].concat());
    let hint = windows.said("err");
    assert!(hint.contains("watchcap finalize \"Z:\\"), "a command for the shells of Windows: {hint}");
    let (later, here) = (out.join("later"), dir.path().join("later"));
    copy_tree(&later, &here);
    windows.ok(&["finalize", &on_z(&later)]);
    assert_eq!(run(watchcap().arg("finalize").arg(&here)).0, 0);
    judged(&later);
    assert_eq!(names(&files(&later)), names(&files(&here)));
    assert!(files(&later) == files(&here), "one log, two sessions");

    // Killed.
    let mut child = windows.start(
        &windows.exe.display().to_string(),
        &[&record[..], &["--duration", "60s", "--session", "killed", "--json"]].concat(),
    );
    let begun = Instant::now();
    let pid = loop {
        let line = windows.said("out").lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(pid) = line.and_then(|line| line["pid"].as_u64()) {
            break pid.to_string();
        }
        assert!(begun.elapsed() < LIMIT && child.try_wait().expect("its state").is_none(), "{}", windows.said("err"));
        std::thread::sleep(Duration::from_millis(20));
    };
    std::thread::sleep(Duration::from_secs(2));
    let kill = Windows { exe: windows.exe.clone(), said: dir.path().join("kill") };
    std::fs::create_dir(&kill.said).expect("a folder");
    let (code, out_, err) = kill.end(kill.start("taskkill", &["/f", "/pid", &pid]));
    assert_eq!(code, 0, "{out_}{err}");
    child.wait().expect("its end");
    let killed = out.join("killed");
    let (code, said, err) = windows.run(&["finalize", &on_z(&killed)]);
    assert!(code == 0 || code == 3, "{code}: {said}{err}");
    let metadata = judged(&killed);
    assert_eq!((&metadata["end_reason"], &metadata["recovered"]), (&Value::Null, &Value::Bool(true)), "{metadata}");
    assert!(metadata["frames"].as_u64().is_some_and(|frames| frames > 10), "{metadata}");
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
