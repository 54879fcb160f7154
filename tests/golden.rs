//! Golden samples of released shapes: the bytes in `tests/golden/` were written by the release that froze the shape, and are
//! never edited. A shape that changes without a new version fails here.
//!
//! `WATCHCAP_GOLDEN=write cargo test golden` writes the sample of a new shape, once, when it is added.

use std::path::PathBuf;

use watchcap_migrations::log::{self, v1};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A chunk with one record of each kind and distinct values in every field.
fn sample_v1() -> v1::Chunk {
    use v1::kind;
    v1::Chunk {
        kinds: vec![
            kind::SETUP,
            kind::MOVE,
            kind::KEY,
            kind::CLICK,
            kind::WHEEL,
            kind::FOCUS,
            kind::FRAME,
            kind::PAUSE,
            kind::RESUME,
            kind::MARK,
            kind::GAP,
            kind::WINDOW,
            kind::REDACT,
            kind::ANCHOR,
            kind::DIGEST,
            kind::END,
        ],
        times: (0..16).map(|n| 1_000_000_007 * n).collect(),
        sources: vec![4, 0, 1, 2, 3, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4],
        setups: vec![v1::Setup { key: "consent".into(), json: "{\"record_screen\":true}".into() }],
        moves: vec![v1::Move { x: 0.25, y: -0.5, dx: 3.0, dy: -4.0 }],
        keys: vec![v1::Key { usage: 4, native: 38, flags: 3 }],
        clicks: vec![v1::Click { button: 2, pressed: 1, x: 0.125, y: 0.75 }],
        wheels: vec![v1::Wheel { delta: -1.5, flags: 3, x: 1.25, y: 1.5 }],
        focuses: vec![v1::Focus {
            window_id: "0x1c00007".into(),
            title: "a title".into(),
            app: "XTerm".into(),
            pid: 4711,
        }],
        frames: vec![v1::Frame {
            frame_ref: 1 << 33,
            offset: 1 << 40,
            size_bytes: 70_001,
            crc32c: 0xdead_beef,
            capture_us: 501,
            encode_us: 9_001,
            flags: 1,
        }],
        texts: vec!["a mark".into(), "duration".into()],
        gaps: vec![v1::Gap { stream: 1, reason: "queue_full".into(), lost: 17, until_ns: -3 }],
        windows: vec![v1::Window { x: -5, y: 6, width: 1920, height: 1080, scale: 1.5 }],
        redacts: vec![v1::Redact { what: "keys".into(), reason: "chat".into(), until_ns: 99 }],
        anchors: vec![v1::Anchor { utc_ns: 1_790_000_000_000_000_000, boot_ns: 12_345 }],
        digests: vec![v1::Digest { offset: 64 << 20, state: (0..104).collect() }],
    }
}

#[test]
fn the_log_of_schema_1_is_read_and_written_as_it_was_released() {
    let path = path("log-schema-1.chunk");
    let written = log::write(&sample_v1()).expect("an archive").to_vec();
    if std::env::var_os("WATCHCAP_GOLDEN").is_some_and(|what| what == "write") {
        assert!(!path.exists(), "a golden sample is never written again");
        std::fs::write(&path, &written).expect("a golden sample");
    }
    let golden = std::fs::read(&path).expect("the golden sample");
    assert_eq!(log::read(v1::SCHEMA, &golden).expect("the golden sample"), sample_v1());
    assert_eq!(written, golden, "the bytes of schema 1 have changed");
    assert!(matches!(log::read(v1::SCHEMA + 1, &golden), Err(log::ShapeError::TooNew { .. })));
}
