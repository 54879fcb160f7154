//! `sync-test` on a real X server: it measures what it did itself, keeps the result, and later sessions have it.

use serde_json::Value;

use crate::support::{Display, run, watchcap};

#[test]
fn a_desktop_is_measured_and_later_sessions_have_the_result() {
    let dir = tempfile::tempdir().expect("a folder");
    let display = Display::start(640, 480);
    let mut command = watchcap();
    command.args(["sync-test", "--consent", "screen,input", "--duration", "5s", "--json"]);
    let (code, out, err) = run(command.env("DISPLAY", &display.name).env("XDG_STATE_HOME", dir.path()));
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).expect("nothing but one line of JSON");
    let number = |key: &str| report[key].as_u64().unwrap_or_else(|| panic!("{key}: {report}"));
    assert!(number("flashes") >= 5, "{report}");
    assert_eq!([number("missing_inputs"), number("missing_pictures"), number("too_early")], [0; 3], "{report}");
    assert_eq!((&report["ok"], &report["session"]), (&Value::Bool(true), &Value::Null), "{report}");
    for key in ["input_error_ms", "picture_delay_ms", "input_to_picture_ms", "interval_ms"] {
        let spread = &report[key];
        let at = |name: &str| spread[name].as_f64().unwrap_or_else(|| panic!("{key}: {report}"));
        assert!(at("p50") <= at("p95") && at("p95") <= at("max"), "{key}: {report}");
    }
    // A picture may be as old as the distance of two, which is 33 ms, or more on a machine that is busy.
    assert!(report["picture_delay_ms"]["p50"].as_f64().is_some_and(|delay| (0.0..500.0).contains(&delay)), "{report}");

    let mut command = watchcap();
    command.args([
        "record",
        "--source",
        "synthetic",
        "--size",
        "320x240",
        "--duration",
        "1s",
        "--session",
        "s",
        "--out",
    ]);
    let (code, _, err) = run(command.arg(dir.path()).env("XDG_STATE_HOME", dir.path()));
    assert!(code == 0 || code == 3, "{err}");
    let metadata = std::fs::read(dir.path().join("s/metadata.json")).expect("metadata");
    let metadata: Value = serde_json::from_slice(&metadata).expect("JSON");
    let kept = &metadata["env"]["sync_test"];
    assert_eq!((&kept["ok"], &kept["fps"]), (&Value::Bool(true), &Value::from(30)), "{kept}");
    assert_eq!(kept["result"]["flashes"], report["flashes"]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let state = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args(["sync-test", "--consent", "screen,input"]).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let (code, _, err) = run(command.env("XDG_STATE_HOME", state.path()));
    assert!(code == 1 && err.contains("no display"), "{code}: {err}");
    let (code, _, err) = run(watchcap().args(["sync-test", "--duration", "1s"]));
    assert!(code == 2 && err.contains("hint: use --duration 3s or more"), "{code}: {err}");
    // Nobody is recorded who did not agree, and nobody can be asked here.
    let display = Display::start(640, 480);
    let mut command = watchcap();
    let (code, _, err) = run(command
        .args(["sync-test", "--duration", "3s"])
        .env("DISPLAY", &display.name)
        .env("XDG_STATE_HOME", state.path()));
    assert!(code != 0 && err.contains("consent"), "{code}: {err}");
    assert!(std::fs::read_dir(state.path()).expect("a folder").next().is_none(), "a result was kept");
}
