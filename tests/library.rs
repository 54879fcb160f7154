//! `watchcap-format` as other programs use it: its example on sessions whole and damaged, and what comes with it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{self, run};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(session: &Path) -> (i32, String, String) {
    run(support::example("read_session").arg(session))
}

#[test]
fn the_example_verifies_a_session_and_sees_a_picture_with_every_row() {
    let golden = root().join("tests/golden/session-1.1.0");
    let (code, out, err) = example(&golden);
    assert_eq!(code, 0, "{err}");
    let reader = watchcap_format::SessionReader::open(&golden).expect("a session");
    let mut rows = reader.events().rows();
    let mut row = watchcap_format::OwnedRow::default();
    let mut with_picture = 0;
    while rows.next_into(&mut row).expect("a row") {
        with_picture += u64::from(row.event_type != "frame" && row.frame_ref.is_some());
    }
    assert!(with_picture > 0, "the golden session shows nothing");
    assert!(out.contains(&format!("{with_picture} rows with a picture, mean light ")), "{out}");

    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(&golden).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    let video = copy.path().join("frames.mp4");
    let mut bytes = std::fs::read(&video).expect("a video");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&video, bytes).expect("a video");
    let (code, out, err) = example(copy.path());
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("frames.mp4"), "{err}");
}

#[test]
fn the_library_brings_no_recorder_database_display_or_terminal() {
    // The lock names what is used on any system, and needs no network to be read.
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("a lock");
    let lock: toml::Table = lock.parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let mut crates = BTreeSet::new();
    let mut waiting = vec!["watchcap-format"];
    while let Some(name) = waiting.pop() {
        if !crates.insert(name) {
            continue;
        }
        for package in packages.iter().filter(|package| package["name"].as_str() == Some(name)) {
            let used = package.get("dependencies").and_then(toml::Value::as_array);
            waiting.extend(used.into_iter().flatten().filter_map(|used| used.as_str()?.split(' ').next()));
        }
    }
    assert!(crates.contains("parquet"), "{crates:?}");
    let kept_out =
        ["sled", "x11rb", "xcap", "device_query", "ratatui", "clap", "mcap", "toml", "watchcap", "watchcap-replay"];
    for name in kept_out {
        assert!(!crates.contains(name), "watchcap-format brings {name}");
    }
}
