//! Exports of many sessions: all are looked at first, bad ones are left out and counted, and however they are named they are the same ones.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use watchcap::session::{layout, seal};

use crate::support::{copy_tree, files, run, synthetic, venv_python, watchcap};

fn export(args: &[&Path], out: &Path, extra: &[&str]) -> (i32, String, String) {
    run(watchcap().args(["export", "actions"]).args(args).arg("--out").arg(out).args(extra))
}

fn tables(out: &Path) -> Vec<String> {
    let names = files(out).into_iter().map(|(name, _)| name);
    names.filter(|name| name.ends_with(".actions.parquet")).collect()
}

/// Returns good sessions and some of each kind that is not: a log, one without consent, a damaged one, none at all.
fn some_bad(dir: &Path) -> [PathBuf; 6] {
    let a = synthetic(dir, "a", &[]);
    let log = synthetic(dir, "b", &["--no-finalize"]);
    let [c, no, damaged] = ["c", "no", "damaged"].map(|name| dir.join(name));
    for copy in [&c, &no, &damaged] {
        copy_tree(&a, copy);
    }
    let path = layout::metadata_path(&no);
    let text = std::fs::read_to_string(&path).expect("metadata");
    std::fs::write(&path, text.replace("\"record_input\": true", "\"record_input\": false")).expect("metadata");
    seal::seal(&no, &[], &mut |_| {}).expect("a seal");
    let path = layout::frames_path(&damaged);
    let mut bytes = std::fs::read(&path).expect("bytes");
    bytes[5000] ^= 1;
    std::fs::write(&path, bytes).expect("bytes");
    [a, log, c, no, damaged, dir.join("missing")]
}

#[test]
fn bad_sessions_are_left_out_named_and_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let all = some_bad(dir.path());
    let named: Vec<&Path> = all.iter().map(PathBuf::as_path).collect();
    let out = dir.path().join("out");
    let (code, told, err) = export(&named, &out, &["--json"]);
    assert_eq!(code, 3, "{err}");
    assert_eq!(tables(&out), ["a.actions.parquet", "c.actions.parquet"]);
    assert!(err.contains("exported 2 sessions as actions: 2 files") && err.contains("; 4 failed"), "{err}");
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
    let failed = |name: &str| {
        let path = dir.path().join(name).display().to_string();
        let line = lines.iter().find(|line| line["session"] == path.as_str()).expect("a line for it");
        format!("{} {}", line["error"].as_str().expect("an error"), line["hint"].as_str().expect("a hint"))
    };
    for (name, what) in [
        ("b", "watchcap finalize"),
        ("no", "consent to the input"),
        ("damaged", "was changed"),
        ("missing", "no folder"),
    ] {
        assert!(failed(name).contains(what), "{name}: {}", failed(name));
    }
    // What can be told beforehand is told before anything is made.
    let at = |what: &str| told.find(what).expect("it was said");
    assert!(at("consent to the input") < at("was changed"), "{told}");

    // The good ones are kept the next time, and the same are bad.
    let (code, _, err) = export(&named, &out, &[]);
    assert!(code == 3 && err.contains("2 of them there already; 4 failed"), "{code} {err}");

    // None that is good is a failure, and nothing is left of it.
    let none = dir.path().join("none");
    let (code, told, err) = export(&[&all[1], &all[4]], &none, &[]);
    assert!(code == 1 && told.is_empty() && err.contains("none of 2 sessions"), "{code} {err}");
    assert!(!none.exists());
    let (code, _, err) = run(watchcap()
        .args(["export", "clip", "--from", "0.2", "--to", "0.6"])
        .args(&named)
        .arg("--out")
        .arg(dir.path().join("clips")));
    assert!(code == 3 && err.contains("made 2 clips; 4 failed"), "{code} {err}");
}

#[test]
fn folders_lists_and_catalogs_name_the_same_sessions() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    std::fs::create_dir_all(data.join("deep/er")).expect("folders");
    let one = synthetic(&data, "one", &[]);
    let two = synthetic(&data.join("deep/er"), "two", &[]);
    let both = ["one.actions.parquet", "two.actions.parquet"];
    let out = |name: &str| dir.path().join(name);

    // The folder, and one of them once more by another path.
    let (code, _, err) = export(&[&data, &data.join("deep/../one")], &out("folder"), &[]);
    assert!(code == 0 && err.contains("exported 2 sessions"), "{code} {err}");
    assert_eq!(tables(&out("folder")), both);

    for (name, list) in [
        ("lines", format!("{}\r\n\n{}\n", one.display(), two.display())),
        ("zeros", format!("{}\0{}\0", one.display(), data.display())),
    ] {
        let mut command = watchcap();
        command.args(["export", "actions", "-", "--out"]).arg(out(name));
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it");
        child.stdin.take().expect("its input").write_all(list.as_bytes()).expect("a list");
        assert!(child.wait().expect("its end").success(), "{name}");
        assert_eq!(tables(&out(name)), both, "{name}");
    }

    // A catalog, and rows of it that another tool chose and wrote.
    let (code, _, err) = run(watchcap().arg("catalog").arg(&data));
    assert_eq!(code, 0, "{err}");
    let catalog = data.join("catalog.parquet");
    let from = |catalog: &Path, name: &str| {
        run(watchcap().args(["export", "actions", "--catalog"]).arg(catalog).arg("--out").arg(out(name)))
    };
    let (code, _, err) = from(&catalog, "catalog");
    assert_eq!(code, 0, "{err}");
    assert_eq!(tables(&out("catalog")), both);
    for (tool, code) in [
        (
            "polars",
            "import polars as p; p.read_parquet(a).filter(p.col('path') == 'deep/er/two').select('path').write_parquet(b)",
        ),
        (
            "duckdb",
            "import duckdb; duckdb.sql(f\"copy (select path, frames from '{a}' where path like 'deep%') to '{b}' (format parquet)\")",
        ),
        ("pandas", "import pandas as p; t = p.read_parquet(a); t[t.path == 'deep/er/two'].to_parquet(b)"),
    ] {
        let chosen = data.join(format!("{tool}.parquet"));
        let code = format!("import sys; a, b = sys.argv[1:]; {code}");
        let (status, _, err) = run(venv_python().args(["-c", &code]).args([&catalog, &chosen]));
        assert_eq!(status, 0, "{tool}: {err}");
        let (code, _, err) = from(&chosen, tool);
        assert_eq!(code, 0, "{tool}: {err}");
        assert_eq!(tables(&out(tool)), ["two.actions.parquet"], "{tool}");
    }
    let (code, _, err) = from(&layout::events_path(&one), "none");
    assert!(code == 1 && err.contains("no column path") && err.contains("hint: "), "{code} {err}");

    // A log among them is bad, not passed over in silence.
    let _log = synthetic(&data, "left", &["--no-finalize"]);
    let (code, _, err) = export(&[&data], &out("with-log"), &[]);
    assert!(code == 3 && err.contains("watchcap finalize") && err.contains("1 failed"), "{code} {err}");
}

#[test]
fn copies_that_are_exported_with_their_originals_are_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let (code, _, err) = run(watchcap().arg("redact").arg(&session).args(["--from", "0", "--to", "1", "--keys"]));
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = export(&[dir.path()], &dir.path().join("out"), &[]);
    assert!(code == 0 && err.contains("s_redacted of s") && err.contains("twice"), "{code} {err}");
    let (code, _, err) = export(&[&dir.path().join("s_redacted")], &dir.path().join("other"), &[]);
    assert!(code == 0 && !err.contains("note: "), "{code} {err}");
}
