//! Pages for a browser: Chromium opens them from their files, plays and scrubs them, and shows what was recorded.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{python, run, watchcap};

/// Records the synthetic desktop for some seconds.
fn recorded(dir: &Path, name: &str, seconds: &str, extra: &[&str]) -> PathBuf {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "640x360", "--duration", seconds, "--session", name]);
    let (code, _, err) = run(command.arg("--out").arg(dir).args(extra));
    assert!(code == 0 || code == 3, "recording failed with {code}:\n{err}");
    dir.join(name)
}

/// Makes a page; answers with its path.
fn page(session: &Path, args: &[&str]) -> PathBuf {
    let (code, out, err) = run(watchcap().arg("report").arg(session).args(args));
    assert_eq!(code, 0, "{err}");
    PathBuf::from(out.trim())
}

/// What Chromium says of a page, see `tests/python/report_page.py`.
fn looked_at(page: &Path, session: &Path) -> Value {
    serde_json::from_str(&python("report_page.py", &[page, session])).expect("JSON")
}

#[test]
fn a_browser_plays_the_page_in_step_with_its_lanes() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "s", "4s", &[]);
    let page = page(&session, &[]);
    assert_eq!(page, dir.path().join("s.report.html"));
    let said = looked_at(&page, &session);
    assert_eq!(said["errors"], Value::Array(Vec::new()), "{said}");
    // At every place that was sought, the picture is the one of the frame that the page names.
    let (asked, right) = (said["sought"].as_u64(), said["right"].as_u64());
    assert!(asked.is_some_and(|asked| asked >= 20) && asked == right, "{said}");
    assert!(said["played_s"].as_f64().is_some_and(|played| played > 0.5), "{said}");
    assert_eq!(said["stepped"], 1, "one frame on: {said}");
    assert!(said["rows"].as_u64().is_some_and(|rows| rows > 3), "{said}");
    assert!(said["filtered"].as_u64() < said["rows"].as_u64(), "{said}");
    assert!(said["dark"] != said["light"], "{said}");
    assert_eq!(said["requests"], Value::Array(Vec::new()), "nothing is fetched: {said}");
}

#[test]
fn a_page_without_the_video_plays_the_sessions_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "a session #1", "3s", &[]);
    std::fs::create_dir(dir.path().join("pages")).expect("a folder");
    let out = dir.path().join("pages/p.html");
    let page = page(&session, &["--embed", "never", "--out", out.to_str().expect("UTF-8")]);
    let said = looked_at(&page, &session);
    assert_eq!(said["errors"], Value::Array(Vec::new()), "{said}");
    assert!(said["duration"].as_f64().is_some_and(|duration| duration > 1.0), "{said}");
    assert!(said["played_s"].as_f64().is_some_and(|played| played > 0.5), "{said}");
}

#[test]
fn texts_of_a_session_do_nothing_in_its_page() {
    let dir = tempfile::tempdir().expect("a folder");
    let evil = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
    let session = recorded(dir.path(), "s", "2s", &["--game", evil]);
    let page = page(&session, &[]);
    let said = looked_at(&page, &session);
    assert_eq!((said["title"].as_str(), &said["errors"]), (Some("s"), &Value::Array(Vec::new())), "{said}");
    assert!(said["text"].as_str().is_some_and(|text| text.contains(evil)), "it is shown as text: {said}");
}

#[test]
fn what_is_no_page_of_ours_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "s", "1s", &[]);
    let out = dir.path().join("s.report.html");
    std::fs::write(&out, "mine").expect("a file");
    let (code, _, err) = run(watchcap().arg("report").arg(&session));
    assert!(code == 1 && err.contains("no report of watchcap") && err.contains("hint: "), "{err}");
    assert_eq!(std::fs::read_to_string(&out).expect("text"), "mine");
    let inside = session.join("page.html");
    let (code, _, err) = run(watchcap().arg("report").arg(&session).arg("--out").arg(&inside));
    assert!(code == 1 && err.contains("is in a session") && !inside.exists(), "{err}");
    // What is not what was sealed has no page.
    std::fs::remove_file(&out).expect("it was there");
    let table = session.join("events.parquet");
    let mut bytes = std::fs::read(&table).expect("bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&table, bytes).expect("a file");
    let (code, _, err) = run(watchcap().arg("report").arg(&session));
    assert!(code == 1 && err.contains("not what was sealed") && !out.exists(), "{err}");
}

#[test]
fn the_overview_has_every_session_of_a_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["one", "two"] {
        recorded(dir.path(), name, "1s", &[]);
    }
    std::fs::create_dir_all(dir.path().join("three")).expect("a folder");
    std::fs::copy(dir.path().join("one/metadata.json"), dir.path().join("three/metadata.json")).expect("a copy");
    let (code, out, err) = run(watchcap().arg("report").arg(dir.path()).arg("--each"));
    assert_eq!(code, 0, "{err}");
    let page = PathBuf::from(out.trim());
    assert_eq!(page, dir.path().join("report.html"));
    let said = looked_at(&page, &dir.path().join("one"));
    assert_eq!(said["errors"], Value::Array(Vec::new()), "{said}");
    assert_eq!(said["links"], serde_json::json!(["one.report.html", "two.report.html"]), "{said}");
    assert!(said["text"].as_str().is_some_and(|text| text.contains("three") && text.contains("damaged")), "{said}");
}
