//! The programs of `examples/` load what was recorded, each with the library that it is about.

use std::path::{Path, PathBuf};
use std::process::Command;

use watchcap::session::table::read::SessionReader;

use crate::support::{run, synthetic};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a Python program of this repository on sessions, offline; panics with what it printed when it fails.
#[must_use = "what it printed holds the figures"]
fn python(environment: &str, program: &str, sessions: &[&Path], extra: &[&str]) -> String {
    let named = std::env::var_os("WATCHCAP_PYTHON").filter(|_| environment == ".venv").map(PathBuf::from);
    let python = named.unwrap_or_else(|| root().join(environment).join("bin/python"));
    assert!(python.is_file(), "{} is missing: run scripts/setup.sh", python.display());
    let caches = sessions[0].parent().expect("a folder");
    let mut command = Command::new(python);
    command.arg(root().join(program)).args(sessions).args(extra);
    command.env("HF_HOME", caches.join("hf")).env("HF_HUB_OFFLINE", "1").env("JAX_PLATFORMS", "cpu");
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{program} failed:\n{out}{err}");
    out
}

/// How many rows a session has, and how many of them pass.
fn count(session: &Path, passes: impl Fn(&watchcap::session::table::row::OwnedRow) -> bool) -> usize {
    let reader = SessionReader::open(session).expect("a session");
    reader.events().rows().filter(|row| passes(row.as_ref().expect("a row"))).count()
}

fn frames(session: &Path) -> usize {
    count(session, |row| row.event_type == "frame")
}

#[test]
fn queries_and_tables_read_what_was_recorded() {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, two) = (synthetic(dir.path(), "one", &[]), synthetic(dir.path(), "two", &["--fps", "20"]));
    let both = [one.as_path(), two.as_path()];
    let presses = |session| count(session, |row| row.event_type == "key_down" && row.repeat != Some(true));
    let all = frames(&one) + frames(&two);
    assert!(presses(&one) > 0, "nothing was pressed");

    let out = python(".venv", "examples/polars_queries.py", &both, &[]);
    assert!(out.contains(&format!("shape: ({all}, 9)")) && out.contains("KeyW"), "{out}");
    let out = python(".venv", "examples/duckdb_queries.py", &both, &[]);
    assert!(out.contains(&format!("{all} rows")) && out.contains("KeyW"), "{out}");
    assert!(out.contains(&format!("│ {:>6} │", frames(&two))), "{out}");
    let out = python(".venv", "examples/huggingface_datasets.py", &[&one], &[]);
    assert!(out.contains(&format!("{} rows, {} presses", count(&one, |_| true), presses(&one))), "{out}");
    assert!(out.contains("{'key': 'title', 'value': 'watchcap synthetic desktop'}"), "the map is not there: {out}");
}

#[test]
fn clips_through_grain_show_the_right_pictures_and_actions() {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, two) = (synthetic(dir.path(), "one", &[]), synthetic(dir.path(), "two", &["--fps", "20"]));
    let out = python(".venv", "tests/python/loaders.py", &[&one], &[]);
    assert!(out.contains("ok: grain: 22 clips"), "{out}");
    // Two worker processes, over both sessions: the clips of each, less what fills no batch of four in each.
    let out = python(".venv", "examples/jax_grain.py", &[&one, &two], &[]);
    let clips = frames(&one) + frames(&two) - 14;
    let told: usize = out.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(told <= clips && clips - told < 8 && out.contains("(4, 8, 240, 320, 3)"), "{out} of {clips} clips");
}

/// In a loop; `make test-consumers` has the same on Ray Data and on PySpark.
#[test]
fn sessions_of_a_catalog_are_exported_and_bad_ones_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_watchcap"));
    let out = python(".venv", "tests/python/many_sessions.py", &[program, dir.path()], &["one_session"]);
    assert!(out.contains("ok: one_session: 4 made, 4 bad ones named"), "{out}");
}

#[test]
#[ignore = "needs torch, several gigabytes: make torch"]
fn torch() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "one", &[]);
    let out = python(".venv-torch", "tests/python/loaders.py", &[&session], &["torch"]);
    assert!(out.contains("ok: torchcodec: 22 clips") && out.contains("ok: pyav: 22 clips"), "{out}");
    print!("{out}");
    let batches = (frames(&session) - 7) / 4;
    for decoder in ["torchcodec", "pyav"] {
        let out = python(".venv-torch", "examples/pytorch_loader.py", &[&session], &["--decoder", decoder]);
        assert!(out.contains(&format!("{} clips of 8 frames by {decoder}, (4, 8, 3, 240, 320)", batches * 4)), "{out}");
        print!("{out}");
    }
}
