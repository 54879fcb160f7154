//! Golden samples of released shapes: the bytes in `tests/golden/` were written by the release that froze the shape, and are
//! never edited. A shape that changes without a new version fails here.
//!
//! `WATCHCAP_GOLDEN=write cargo test golden` writes the sample of a new shape, once, when it is added.

use std::path::{Path, PathBuf};

use watchcap::session::table::hash::encode;
use watchcap::session::table::row::OwnedRow;
use watchcap::session::table::schema::Version;
use watchcap_migrations::log::{self, v1, v1__to__v2, v2};

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
    let written = log::write_v1(&sample_v1()).expect("an archive").to_vec();
    if std::env::var_os("WATCHCAP_GOLDEN").is_some_and(|what| what == "write") {
        assert!(!path.exists(), "a golden sample is never written again");
        std::fs::write(&path, &written).expect("a golden sample");
    }
    let golden = std::fs::read(&path).expect("the golden sample");
    assert_eq!(log::read(v1::SCHEMA, &golden).expect("the golden sample"), v1__to__v2::step(sample_v1()));
    assert_eq!(written, golden, "the bytes of schema 1 have changed");
}

/// The sample of schema 1, and what is new: a source by its name, a packet, what is on the disk of its track, the hash of that.
fn sample_v2() -> v2::Chunk {
    let mut chunk = v1__to__v2::step(sample_v1());
    chunk.kinds.insert(15, v2::kind::DIGEST);
    chunk.kinds.insert(15, v2::kind::PACKET);
    chunk.times.splice(15..15, [15_500_000_111, 15_600_000_111]);
    chunk.sources.splice(15..15, [4, v2::NO_SOURCE]);
    chunk.sources[2] = 5;
    chunk.packets = vec![v2::Packet {
        track: 1,
        offset: 1 << 41,
        size_bytes: 8_205,
        crc32c: 0xfeed_f00d,
        flags: 1,
        first_sample: 1 << 34,
        samples: 2048,
    }];
    chunk.synced = vec![v2::Synced { track: 1, bytes: (1 << 41) + 8_205 }];
    chunk.digests.push(v2::Digest { track: 1, offset: 32 + (64 << 20), state: (100..204).collect() });
    chunk
}

#[test]
fn the_log_of_schema_2_is_read_and_written_as_it_was_released() {
    let path = path("log-schema-2.chunk");
    let written = log::write(&sample_v2()).expect("an archive").to_vec();
    if std::env::var_os("WATCHCAP_GOLDEN").is_some_and(|what| what == "write") {
        assert!(!path.exists(), "a golden sample is never written again");
        std::fs::write(&path, &written).expect("a golden sample");
    }
    let golden = std::fs::read(&path).expect("the golden sample");
    assert_eq!(log::read(v2::SCHEMA, &golden).expect("the golden sample"), sample_v2());
    assert_eq!(written, golden, "the bytes of schema 2 have changed");
    assert!(matches!(log::read(v2::SCHEMA + 1, &golden), Err(log::ShapeError::TooNew { .. })));
}

/// The session that the released code of format 1.0.0 made, and its rows as another reader (pyarrow) saw them.
fn session_1_0() -> PathBuf {
    path("session-1.0.0")
}

#[test]
fn a_session_of_1_0_0_is_whole_and_its_rows_are_lifted() {
    use watchcap::session::table::row::event_type;

    let dir = session_1_0();
    let reader = watchcap::session::table::read::SessionReader::open(&dir).expect("the golden session");
    assert_eq!(reader.metadata().format_version, "1.0.0");
    assert_eq!(reader.events().version(), Version { major: 1, minor: 0 });
    let twin = std::fs::read_to_string(path("session-1.0.0.jsonl")).expect("its rows");
    let rows: Vec<_> = reader.events().rows().checked().collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows.len(), twin.lines().count());
    let (mut moved, mut keyframes, mut pressed) = (0, 0, 0);
    for (index, (row, line)) in rows.iter().zip(twin.lines()).enumerate() {
        let old: serde_json::Value = serde_json::from_str(line).expect("json");
        let old_map = |key: &str| old["metadata"][key].as_str();
        let old_float = |key: &str| old_map(key).map(|text| text.parse::<f32>().expect("a number"));
        assert_eq!(row.intact, Some(true), "row {index}: its hash is not that of 1.0.0");
        assert_eq!((row.seq, row.t_ns), (index as i64, old["t_ns"].as_i64().expect("t_ns")));
        assert_eq!(row.event_type, old["event_type"].as_str().expect("a type"));
        assert_eq!(row.frame_ref, old["frame_ref"].as_i64());
        assert_eq!(row.key_code.map(i64::from), old["key_code"].as_i64());
        assert_eq!(row.mouse_x.map(f64::from), old["mouse_x"].as_f64());
        assert_eq!((row.mouse_dx, row.mouse_dy), (old_float("dx"), old_float("dy")), "row {index}");
        assert_eq!(row.source.as_deref(), old_map("source"));
        assert_eq!(row.pts, old_map("pts").map(|text| text.parse().expect("a number")));
        let is_frame = row.event_type == event_type::FRAME;
        assert_eq!(row.is_keyframe, is_frame.then_some(old_map("keyframe") == Some("1")));
        let expected = match row.event_type.as_str() {
            event_type::KEY_DOWN => Some(true),
            event_type::KEY_UP => Some(false),
            _ => old_map("pressed").map(|text| text == "1"),
        };
        assert_eq!(row.pressed, expected, "row {index}");
        let left: Vec<_> = old["metadata"].as_object().expect("a map").keys().map(String::as_str).collect();
        for key in left {
            let moved_out = ["pressed", "dx", "dy", "pts", "keyframe", "repeat", "source"].contains(&key);
            assert_eq!(row.metadata.get(key), if moved_out { None } else { old_map(key) }, "row {index}: {key}");
        }
        moved += usize::from(row.mouse_dx.is_some());
        keyframes += usize::from(row.is_keyframe == Some(true));
        pressed += usize::from(row.pressed == Some(true));
    }
    assert!(moved > 50 && keyframes >= 3 && pressed >= 2, "{moved} motions, {keyframes} keyframes, {pressed} presses");
}

#[test]
fn a_session_of_1_0_0_passes_verify_and_a_changed_row_does_not() {
    let whole = crate::support::watchcap().arg("verify").arg(session_1_0()).output().expect("watchcap runs");
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let said = String::from_utf8_lossy(&[whole.stdout, whole.stderr].concat()).into_owned();
    assert!(said.contains("228 rows, 30 frames, 30 decoded"), "{said}");
    // Said to be of another version, its rows are hashed by another rule: the check is really one.
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["events.parquet", "frames.mp4", "metadata.json", "integrity.sha256"] {
        std::fs::copy(session_1_0().join(name), dir.path().join(name)).expect("a copy");
    }
    let metadata = dir.path().join("metadata.json");
    let text = std::fs::read_to_string(&metadata).expect("metadata");
    let newer = text.replace("\"format_version\": \"1.0.0\"", "\"format_version\": \"2.0.0\"");
    assert_ne!(text, newer);
    std::fs::write(&metadata, newer).expect("metadata");
    let refused = crate::support::watchcap().arg("info").arg(dir.path()).output().expect("watchcap runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("format 2.0.0") && said.contains("watchcap 0.1.0"), "{said}");
}

/// The rows of a golden session of format 1.`minor`.0, each beside what pyarrow saw. The session verifies with these words, is taken by the
/// acceptance script, and each row has the hash that it had.
fn whole(session: &Path, minor: u64, words: &str) -> Vec<(OwnedRow, serde_json::Value)> {
    let verified = crate::support::watchcap().arg("verify").arg(session).output().expect("watchcap runs");
    let said = String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()).into_owned();
    assert!(verified.status.success() && said.contains(words), "{said}");
    assert!(!crate::support::python("acceptance.py", &[session]).is_empty());
    let reader = watchcap::session::table::read::SessionReader::open(session).expect("the golden session");
    assert_eq!(reader.events().version(), Version { major: 1, minor });
    let twin = std::fs::read_to_string(session.with_extension("0.jsonl")).expect("its rows");
    let rows: Vec<_> = reader.events().rows().checked().collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows.len(), twin.lines().count());
    let beside = |(row, line): (OwnedRow, &str)| {
        let old: serde_json::Value = serde_json::from_str(line).expect("json");
        assert_eq!((row.intact, Some(row.hash.as_str())), (Some(true), old["hash"].as_str()), "row {}", row.seq);
        (row, old)
    };
    rows.into_iter().zip(twin.lines()).map(beside).collect()
}

/// The session that the code of format 1.1.0 made (commit ddff006: an X server whose monitor changes its mode, a mask, a mark), and its rows
/// as pyarrow saw them.
fn session_1_1() -> PathBuf {
    path("session-1.1.0")
}

#[test]
fn a_session_of_1_1_0_is_whole_and_read_as_1_3_0() {
    use watchcap::session::table::row::{event_type, key};

    let mut windows = 0;
    for (row, old) in whole(&session_1_1(), 1, "57 rows, 40 frames, 40 decoded") {
        for (key, value) in old["metadata"].as_object().expect("a map") {
            // Nobody had measured it.
            let is_scale = row.event_type == event_type::WINDOW && key == key::SCALE;
            assert_eq!(row.metadata.get(key), value.as_str().filter(|_| !is_scale), "row {}: {key}", row.seq);
        }
        windows += usize::from(row.event_type == event_type::WINDOW);
    }
    assert_eq!(windows, 2);
}

/// The session that the code of format 1.2.0 made (commit 8dabbb6: the synthetic desktop), and its rows as pyarrow saw them.
fn session_1_2() -> PathBuf {
    path("session-1.2.0")
}

#[test]
fn a_session_of_1_2_0_is_whole_and_its_rows_have_no_gamepad() {
    for (row, _) in whole(&session_1_2(), 2, "277 rows, 16 frames, 16 decoded") {
        assert_eq!(hash_of_1_2(&row), row.hash, "row {}", row.seq);
        assert_eq!((row.pad, &row.control, row.value), (None, &None, None));
    }
}

#[test]
fn metadata_of_earlier_formats_say_the_same_in_1_3_0() {
    use serde_json::{Value, json};
    use watchcap::session::metadata::Metadata;

    let lifted = |dir: PathBuf| Metadata::read(&dir.join("metadata.json")).expect("metadata");
    let shown = |metadata: &Metadata| serde_json::to_value(metadata).expect("json");
    for (dir, version, size, codec, devices) in [
        (session_1_0(), "1.0.0", [320, 180], "avc1.42c00d", "keyboard+mouse"),
        (session_1_1(), "1.1.0", [640, 360], "avc1.42c016", "keyboard+mouse"),
    ] {
        let text = std::fs::read_to_string(dir.join("metadata.json")).expect("metadata");
        let (metadata, old) = (lifted(dir), serde_json::from_str::<Value>(&text).expect("json"));
        let new = shown(&metadata);
        assert_eq!(new["format_version"], version, "it says of what format the file is");
        assert_eq!(new["resolution"], json!(size));
        assert_eq!((&new["codec"], &new["codec_string"]), (&json!("h264"), &json!(codec)));
        assert_eq!((&new["input_device"], &new["surface"]["scale"]), (&json!(devices), &Value::Null));
        for (key, value) in old.as_object().expect("an object") {
            let same =
                !["resolution", "codec", "input_device", "surface", "consent", "privacy"].contains(&key.as_str());
            // What was held has new keys beside the old ones.
            let held = value.as_object().filter(|_| key == "initial_state");
            let as_before = held.is_some_and(|held| held.iter().all(|(part, value)| new[key][part] == *value));
            assert!(!same || as_before || new[key] == *value, "{key}: {} is not {value}", new[key]);
        }
        // What it says does not hang on the number in it.
        for other in ["1.0.0", "1.1.0"] {
            let text = text
                .replace(&format!("\"format_version\": \"{version}\""), &format!("\"format_version\": \"{other}\""));
            let again = Metadata::parse(std::path::Path::new("m"), text.as_bytes()).expect("metadata");
            assert_eq!(Metadata { format_version: version.into(), ..again }, metadata);
        }
        // Lifted once, it is read as it stands.
        let current = Metadata { format_version: "1.3.0".into(), ..metadata };
        let text = current.to_json().expect("json");
        assert_eq!(Metadata::parse(std::path::Path::new("m"), text.as_bytes()).expect("metadata"), current);
    }
}

/// A log that a build of 2026-11-27 left (commit d4d675a; without its reserve, which says nothing), and the rows that this build made
/// of it, as pyarrow saw them. Other releases' logs stand beside it when the schema changes.
#[test]
fn a_log_that_an_older_build_left_is_sealed_as_that_build_would_have() {
    let dir = tempfile::tempdir().expect("a directory");
    let session = dir.path().join("s");
    crate::support::copy_tree(&path("log-schema-1"), &session);
    let sealed = crate::support::watchcap().arg("finalize").arg(&session).output().expect("watchcap runs");
    assert_eq!(sealed.status.code(), Some(0), "{}", String::from_utf8_lossy(&sealed.stderr));
    assert_eq!(watchcap::session::edition::fault(&session, true, &mut |_| {}), None);
    // Byte for byte: finalizing is a function of the log. These sums are those of commit 403f288 for the video. The metadata have `timing` since
    // format 1.2.0, `timing.behind` since 2026-12, and the table three columns since 1.3.0; that its other values are those of then, the old hashes say below.
    let sums = |path: PathBuf| std::fs::read_to_string(path).expect("sums");
    assert_eq!(sums(session.join("integrity.sha256")), sums(path("log-schema-1.sha256")));
    let reader = watchcap::session::table::read::SessionReader::open(&session).expect("a session");
    assert!(!reader.metadata().recovered && reader.metadata().lost.is_empty());
    assert_eq!((reader.metadata().frames, reader.metadata().end_reason.as_deref()), (15, Some("duration")));
    let twin = std::fs::read_to_string(path("log-schema-1.jsonl")).expect("its rows");
    let rows: Vec<_> = reader.events().rows().checked().collect::<Result<_, _>>().expect("rows");
    assert_eq!((rows.len(), twin.lines().count()), (214, 214));
    for (row, line) in rows.iter().zip(twin.lines()) {
        let old: serde_json::Value = serde_json::from_str(line).expect("json");
        assert_eq!((row.seq, row.t_ns), (old["seq"].as_i64().expect("seq"), old["t_ns"].as_i64().expect("t_ns")));
        assert_eq!(
            (row.event_type.as_str(), row.frame_ref),
            (old["event_type"].as_str().expect("a type"), old["frame_ref"].as_i64())
        );
        // The hash stands for every value.
        assert_eq!(
            (hash_of_1_2(row).as_str(), row.intact),
            (old["hash"].as_str().expect("a hash"), Some(true)),
            "row {}",
            row.seq
        );
    }
}

/// The hash that format 1.2.0 gave a row, which has nothing of a gamepad: the bytes of today without the last three columns.
fn hash_of_1_2(row: &OwnedRow) -> String {
    use sha2::{Digest as _, Sha256};

    let mut bytes = Vec::new();
    encode(&row.as_row(), row.seq, &mut bytes);
    assert_eq!(bytes.split_off(bytes.len() - 3), [0, 0, 0], "row {}", row.seq);
    Sha256::digest(&bytes)[..16].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The same of schema 2: a log that the build left which brought that schema, and the sums of the files that it made of it.
#[test]
fn a_log_of_schema_2_is_sealed_to_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a directory");
    let session = dir.path().join("s");
    crate::support::copy_tree(&path("log-schema-2"), &session);
    let sealed = crate::support::watchcap().arg("finalize").arg(&session).output().expect("watchcap runs");
    assert_eq!(sealed.status.code(), Some(0), "{}", String::from_utf8_lossy(&sealed.stderr));
    let sums = |path: PathBuf| std::fs::read_to_string(path).expect("sums");
    assert_eq!(sums(session.join("integrity.sha256")), sums(path("log-schema-2.sha256")));
}
