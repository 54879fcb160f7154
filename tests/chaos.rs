//! A slice of the fault campaigns (`make chaos`, `scripts/chaos/`) with fixed seeds: each campaign runs, hits, and finds nothing.
//!
//! The campaigns check by themselves and end with 1 when a promise is broken; here it is checked too that they did their work.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{run, venv_python};

/// Runs a campaign on the build under test and answers with what it counted; panics with its output when it fails.
fn campaign(program: &str, args: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a folder");
    let tests = std::env::current_exe().expect("the test's own path");
    let clients: PathBuf = tests.parent().and_then(Path::parent).expect("the folder of the build").join("examples");
    let mut command = venv_python();
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/chaos").join(program));
    command.args(["--binary", env!("CARGO_BIN_EXE_watchcap"), "--clients"]).arg(clients);
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg("--dir").arg(dir.path()).args(args);
    let (code, out, err) = run(&mut command);
    println!("{out}{err}");
    assert_eq!(code, 0, "{program} {args:?}");
    let line = out.lines().rev().find(|line| line.starts_with('{')).expect("a line of JSON");
    serde_json::from_str(line).expect("JSON")
}

fn faults(report: &Value, kind: &str) -> u64 {
    report["faults"][kind].as_u64().unwrap_or(0)
}

#[test]
fn a_killed_recording_is_the_beginning_of_what_happened() {
    let report = campaign("kill.py", &["--runs", "6", "--seed", "7", "--phase", "recording"]);
    assert_eq!(faults(&report, "kill"), 6, "{report}");
    let report = campaign("kill.py", &["--runs", "2", "--seed", "8", "--phase", "sealing"]);
    assert_eq!(faults(&report, "kill while sealing"), 2, "{report}");
    let report = campaign("kill.py", &["--runs", "4", "--seed", "9", "--phase", "starting"]);
    assert_eq!(faults(&report, "kill while starting"), 4, "{report}");
}

#[test]
fn with_sound_and_an_encoder_in_a_process_of_its_own_a_kill_loses_as_little() {
    let media = ["--audio", "--encoder", "ffmpeg:libx264"];
    let report = campaign("kill.py", &[&["--runs", "3", "--seed", "7", "--phase", "recording"][..], &media].concat());
    assert!(faults(&report, "kill") == 3 && report["figures"]["sound loss ms"]["of"] == 3, "{report}");
    let report = campaign("kill.py", &[&["--runs", "2", "--seed", "7", "--phase", "child"][..], &media].concat());
    assert!(faults(&report, "kill of the encoder") >= 2, "{report}");
}

#[test]
fn faults_at_system_calls_lose_nothing_acknowledged() {
    // Without the feature `faults` the program's own calls in open folders are not seen.
    let of_build: &[&str] = if cfg!(feature = "faults") { &[] } else { &["--without-folders"] };
    let report = campaign("syscalls.py", &[&["--step", "23", "--seed", "3"], of_build].concat());
    for kind in ["kill", "tear", "error", "short write", "finalize-kill"] {
        assert!(faults(&report, kind) >= 1, "{kind}: {report}");
    }
}

#[test]
fn after_a_failed_sync_of_the_facts_nothing_is_synced_and_nothing_counted_twice() {
    let report = campaign("syscalls.py", &["--without-folders", "--what", "sync", "--file", "s/log/facts"]);
    assert!(faults(&report, "sync error") >= 3, "{report}");
}

#[test]
fn full_disks_of_every_kind_are_sealed() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: small file systems cannot be mounted here (it takes root)");
        return;
    }
    let report = campaign("enospc.py", &["--only", "5"]);
    assert_eq!(faults(&report, "disk too small to begin"), 1, "{report}");
    for (run, kind) in [("62", "disk filled by the recording"), ("75", "disk filled by another program")] {
        let report = campaign("enospc.py", &["--only", run]);
        assert_eq!(faults(&report, kind), 1, "{report}");
    }
}

#[test]
fn a_recorder_without_time_loses_no_input_and_counts_its_frames() {
    let report = campaign("stalls.py", &["--runs", "3", "--seed", "4"]);
    for kind in ["SIGSTOP", "CPU starvation", "kill of a stopped recorder"] {
        assert!(faults(&report, kind) >= 1, "{kind}: {report}");
    }
}
