//! The tools that people train with read a session, with no code of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchcap::session::layout;

use super::support::{parse_packets, rows, write_session};

/// The interpreter with the packages of `scripts/requirements.txt`.
///
/// # Panics
/// When there is none: a test that is silently skipped proves nothing.
pub(crate) fn interpreter() -> PathBuf {
    let path = std::env::var_os("WATCHCAP_PYTHON")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python"), PathBuf::from);
    assert!(path.exists(), "no python at {}: run scripts/setup.sh, or set WATCHCAP_PYTHON", path.display());
    path
}

/// Runs python and hands back what it printed.
///
/// # Panics
/// With everything that it printed, when it does not exit with 0.
pub(crate) fn run(arguments: &[&str]) -> String {
    let output = Command::new(interpreter()).args(arguments).output().expect("python runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

fn script(name: &str) -> String {
    format!("{}/tests/python/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn session_with_real_video() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let frames = layout::frames_path(dir.path());
    let printed = run(&[&script("make_video.py"), frames.to_str().expect("a path")]);
    let packets = parse_packets(&printed).expect("packets");
    assert!(packets.len() >= 30, "{printed}");
    write_session(dir.path(), &rows(&packets), |_| {});
    dir
}

#[test]
fn every_loader_reads_a_session() {
    let dir = session_with_real_video();
    let printed = run(&[&script("acceptance.py"), dir.path().to_str().expect("a path")]);
    for part in ["sha256sum", "pyarrow", "row hashes", "pandas", "polars", "duckdb", "packets", "decode", "causal"] {
        assert!(printed.contains(&format!("ok: {part}")), "{part} is not in\n{printed}");
    }
}

#[test]
fn the_loaders_refuse_a_session_that_is_wrong() {
    let dir = session_with_real_video();
    let metadata = layout::metadata_path(dir.path());
    let text = fs::read_to_string(&metadata).expect("metadata");
    fs::write(&metadata, text.replace("\"recovered\": false", "\"recovered\": true")).expect("metadata");
    let output = Command::new(interpreter())
        .args([&script("acceptance.py"), dir.path().to_str().expect("a path")])
        .output()
        .expect("python runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("sha256sum"), "{said}");
}

#[test]
fn twenty_lines_of_python_make_the_same_hashes() {
    let dir = session_with_real_video();
    let events = layout::events_path(dir.path());
    let printed = run(&[&script("row_hash.py"), events.to_str().expect("a path")]);
    assert!(printed.starts_with("ok: ") && !printed.starts_with("ok: 0 "), "{printed}");
    let source = fs::read_to_string(script("row_hash.py")).expect("a script");
    let lines = source.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
    assert!(lines <= 20, "{lines} lines");
}
