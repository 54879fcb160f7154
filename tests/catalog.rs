//! `watchcap catalog`: a row for each session and log, read by the tools that people query with; what did not change is not read again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use watchcap::inspect::catalog::columns::COLUMNS;
use watchcap::session::{layout, seal};

use crate::support::{copy_tree, python, run, synthetic, watchcap};

fn golden(dir: &Path, name: &str) -> PathBuf {
    let session = dir.join(name);
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.0.0"), &session);
    session
}

/// Runs the command; answers with its exit code and what it says as JSON.
fn catalog(dir: &Path, args: &[&str]) -> (i32, Value) {
    let (code, out, err) = run(watchcap().args(["catalog", "--json"]).arg(dir).args(args));
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("no summary: {out}{err}")))
}

/// The rows as Python reads them: some columns, by path.
fn rows(dir: &Path, columns: &str) -> Vec<Value> {
    let text = python("catalog_rows.py", &[&dir.join("catalog.parquet"), Path::new(columns)]);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("bytes");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("bytes");
}

#[test]
fn what_is_below_a_folder_is_one_query() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = synthetic(dir.path(), "session_a", &[]);
    fs::create_dir_all(dir.path().join("more/deep")).expect("folders");
    golden(dir.path(), "more/deep/session_b");
    synthetic(dir.path(), "a_log", &["--no-finalize"]);
    let unsealed = golden(dir.path(), "unsealed");
    fs::remove_file(layout::integrity_path(&unsealed)).expect("a file");
    let no_video = golden(dir.path(), "no_video");
    fs::remove_file(layout::frames_path(&no_video)).expect("a file");
    std::os::unix::fs::symlink(&first, dir.path().join("linked")).expect("a link");
    std::os::unix::fs::symlink(dir.path(), dir.path().join("circle")).expect("a link");

    let (code, summary) = catalog(dir.path(), &[]);
    assert_eq!(code, 3, "{summary}");
    let number = |key: &str| summary[key].as_u64();
    assert_eq!(
        [number("sessions"), number("logs"), number("damaged"), number("read"), number("known"), number("removed")],
        [Some(2), Some(1), Some(2), Some(2), Some(0), Some(0)],
        "{summary}"
    );
    let printed = python("catalog.py", &[dir.path(), Path::new("2")]);
    for part in ["pyarrow", "duckdb", "polars", "hashes"] {
        assert!(printed.contains(&format!("ok: {part}")), "{printed}");
    }
    let rows = rows(dir.path(), "path,state,problem,frames,rows,width,format_version,events_path,check,game");
    let states: Vec<_> = rows.iter().map(|row| (row["path"].as_str(), row["state"].as_str())).collect();
    let expected = [
        ("a_log", "closed"),
        ("more/deep/session_b", "sealed"),
        ("no_video", "damaged"),
        ("session_a", "sealed"),
        ("unsealed", "damaged"),
    ];
    assert_eq!(states, expected.map(|(path, state)| (Some(path), Some(state))));
    let old = &rows[1];
    assert_eq!((&old["frames"], &old["rows"], &old["width"]), (&30.into(), &228.into(), &320.into()));
    assert_eq!(
        (&old["format_version"], &old["game"], &old["check"]),
        (&"1.0.0".into(), &"golden".into(), &Value::Null)
    );
    assert_eq!(old["events_path"], "more/deep/session_b/events.parquet");
    assert_eq!(rows[2]["problem"], "frames.mp4 is not there");
    assert!(rows[4]["problem"].as_str().expect("a problem").contains("no seal"));
}

#[test]
fn what_did_not_change_is_not_read_again_and_what_went_leaves() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["a", "b", "c"] {
        let session = golden(dir.path(), name);
        // Each with a seal of its own.
        fs::create_dir(layout::debug_dir(&session)).expect("a folder");
        fs::write(layout::debug_dir(&session).join("frame_0000000000.png"), name).expect("a file");
        seal::seal(&session, &[], &mut |_| {}).expect("a seal");
    }
    let counts = |summary: &Value| ["read", "known", "removed"].map(|key| summary[key].as_u64().expect("a number"));
    assert_eq!(counts(&catalog(dir.path(), &[]).1), [3, 0, 0]);
    let path = dir.path().join("catalog.parquet");
    let before = fs::read(&path).expect("a catalog");
    // Proof that it is not read: the metadata could not be.
    let metadata = layout::metadata_path(&dir.path().join("a"));
    let size = fs::metadata(&metadata).expect("a file").len();
    let kept = fs::read(&metadata).expect("bytes");
    fs::write(&metadata, vec![b' '; usize::try_from(size).expect("a size")]).expect("blanks");
    let (code, summary) = catalog(dir.path(), &[]);
    assert_eq!((code, counts(&summary)), (0, [0, 3, 0]));
    assert!(fs::read(&path).expect("a catalog") == before, "nothing changed, and the catalog did");
    // What a reviewer says is not under the seal, and is looked at each time.
    let seal = seal::hash_file(&layout::integrity_path(&dir.path().join("b")), &mut |_| {}).expect("a hash");
    let remark = |verdict: &str, seal: &str| {
        format!(
            "{{\"v\":1,\"session_id\":\"01a20f03-d5fb-74cd-89c8-0f87d4b80998\",\"integrity_sha256\":\"{seal}\",\"verdict\":\"{verdict}\",\
             \"from_ns\":null,\"until_ns\":null,\"note\":\"\",\"at\":\"2026-11-25T10:00:00.000000000Z\",\"by\":null}}\n"
        )
    };
    fs::write(layout::review_path(&dir.path().join("b")), remark("reject", &seal.to_string())).expect("a review");
    fs::write(layout::review_path(&dir.path().join("c")), remark("accept", &"0".repeat(64))).expect("a stale review");
    assert_eq!(counts(&catalog(dir.path(), &[]).1), [0, 3, 0]);
    let verdicts = rows(dir.path(), "path,verdict,verdict_at");
    let words: Vec<_> = verdicts.iter().map(|row| row["verdict"].as_str()).collect();
    assert_eq!(words, [None, Some("reject"), None]);
    assert_eq!(verdicts[1]["verdict_at"], "2026-11-25 10:00:00+00:00");
    // A check does read it.
    let (code, summary) = catalog(dir.path(), &["--check", "--threads", "2"]);
    assert_eq!((code, summary["checked"].as_u64(), summary["faults"].as_u64()), (3, Some(3), Some(1)), "{summary}");
    let checks = rows(dir.path(), "path,check,check_fault,checked_at");
    let words: Vec<_> = checks.iter().map(|row| row["check"].as_str()).collect();
    assert_eq!(words, [Some("damaged"), Some("whole"), Some("whole")]);
    assert!(checks[0]["check_fault"].as_str().expect("a fault").contains("metadata.json"));
    // The result stays until the next check.
    fs::write(&metadata, kept).expect("the file");
    catalog(dir.path(), &[]);
    assert_eq!(rows(dir.path(), "path,check,check_fault,checked_at"), checks);
    let (code, summary) = catalog(dir.path(), &["--check", "--decode"]);
    assert_eq!((code, summary["faults"].as_u64()), (0, Some(0)), "{summary}");

    // Moved, gone, cut off and new.
    fs::create_dir(dir.path().join("deep")).expect("a folder");
    fs::rename(dir.path().join("b"), dir.path().join("deep/b2")).expect("a name");
    fs::remove_dir_all(dir.path().join("c")).expect("a folder");
    golden(dir.path(), "d");
    let video = layout::frames_path(&dir.path().join("a"));
    let file = fs::File::options().write(true).open(&video).expect("a video");
    file.set_len(fs::metadata(&video).expect("a file").len() / 2).expect("half a video");
    let (code, summary) = catalog(dir.path(), &[]);
    assert_eq!((code, counts(&summary)), (3, [1, 1, 2]), "{summary}");
    let now = rows(dir.path(), "path,state,problem,events_path,check");
    let states: Vec<_> = now.iter().map(|row| (row["path"].as_str(), row["state"].as_str())).collect();
    assert_eq!(states, [("a", "damaged"), ("d", "sealed"), ("deep/b2", "sealed")].map(|(p, s)| (Some(p), Some(s))));
    assert_eq!((&now[2]["events_path"], &now[2]["check"]), (&"deep/b2/events.parquet".into(), &"whole".into()));
    assert!(now[0]["problem"].as_str().expect("a problem").contains("other sizes"));
    // What cannot be read of a catalog is made anew; what is none stays, whatever it is.
    flip(&path, 6);
    let events = layout::events_path(&dir.path().join("d"));
    for foreign in [b"precious".to_vec(), Vec::new(), fs::read(events).expect("another table")] {
        fs::write(&path, &foreign).expect("a file");
        let (code, _, err) = run(watchcap().arg("catalog").arg(dir.path()));
        assert!(
            code == 1 && err.contains("no catalog that you had watchcap write") && err.contains("hint: "),
            "{code} {err}"
        );
        assert!(fs::read(&path).expect("the file") == foreign, "it was replaced");
    }
    fs::remove_file(&path).expect("a file");
    assert_eq!(counts(&catalog(dir.path(), &[]).1)[..2], [2, 0]);
    let names: Vec<_> = fs::read_dir(dir.path()).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{names:?}");
}

#[test]
fn a_folder_that_is_none_and_one_that_is_a_session_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = golden(dir.path(), "s");
    let held = fs::File::open(dir.path()).expect("a folder");
    held.try_lock().expect("a free folder");
    for (path, what) in [
        (dir.path().join("missing"), "is no folder"),
        (session, "is a session"),
        (dir.path().to_path_buf(), "by another process"),
    ] {
        let (code, out, err) = run(watchcap().arg("catalog").arg(&path));
        assert!(code == 1 && out.is_empty(), "{what}: {out}{err}");
        assert!(err.contains(what) && err.contains("hint:"), "'{what}' is not in: {err}");
    }
    assert!(!dir.path().join("catalog.parquet").exists());
}

#[test]
fn the_columns_are_those_of_the_document() {
    let document =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CATALOG.md")).expect("docs/CATALOG.md");
    let (_, behind) = document.split_once("<!-- table: columns -->\n").expect("the table is marked");
    let documented: Vec<_> = behind
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            (cells[0].to_owned(), cells[1].to_owned())
        })
        .collect();
    let real: Vec<_> = COLUMNS.iter().map(|(name, kind)| ((*name).to_owned(), kind.name().to_owned())).collect();
    assert_eq!(documented, real);
    assert!(document.contains(watchcap::inspect::catalog::columns::CATALOG_VERSION));
}
