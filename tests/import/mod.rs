//! `watchcap migrate --import`: recordings of other programs become sealed sessions that name what is missing, and what cannot be one
//! is refused with a way out.

mod meaning;
mod sound;
mod video;

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::Digest as _;
use watchcap::derive::import::describe::missing;
use watchcap::derive::import::describe::missing::{
    ANCHORS, CLOCK, CONSENT, FRAME_STAMPS, INITIAL_STATE, INTEGRITY, LOSSES, PRIVACY, REPEAT, ROW_HASH, SOURCE,
};
use watchcap::media::frames::FrameReader;
use watchcap::session::edition;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;
use watchcap::session::{layout, seal};

use crate::support::{files, mark, python, run, synthetic, watchcap};

/// A recording of another program, made by `tests/python/foreign.py`.
fn recording(dir: &Path, kind: &str) -> PathBuf {
    let folder = dir.join(kind);
    assert_eq!(python("foreign.py", &[&folder, Path::new(kind)]), "");
    folder
}

fn import(folder: &Path, args: &[&str]) -> Value {
    let (code, out, err) = run(watchcap().args(["migrate", "--import", "--json"]).args(args).arg(folder));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("JSON")
}

fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

fn rows(session: &Path) -> Vec<OwnedRow> {
    SessionReader::open(session).expect("a session").events().rows().collect::<Result<_, _>>().expect("rows")
}

fn is_missing(metadata: &Value, word: &str) -> bool {
    metadata["import"]["missing"].as_array().expect("a list").iter().any(|name| name == word)
}

#[test]
fn the_usual_recording_becomes_a_session_that_says_what_it_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "usual");
    let before = files(&folder);
    let planned = import(&folder, &["--dry-run"]);
    assert_eq!((&planned["state"], &planned["frames"]), (&"planned".into(), &40.into()));
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 1, "a dry run wrote something");
    let told = import(&folder, &[]);
    let session = dir.path().join("usual_imported");
    assert_eq!((&told["state"], &told["result"]), (&"imported".into(), &session.to_str().expect("text").into()));
    assert_eq!(files(&folder), before, "the recording was touched");
    assert_eq!(edition::fault(&session, true, &mut |_| {}), None);
    // The same 40 frames, 120 motions, 40 keys, 8 clicks and 5 wheels.
    let is = metadata(&session);
    assert_eq!(is["counts"]["mouse_move"], 120);
    assert_eq!((&is["frames"], &is["counts"]["key_down"], &is["counts"]["wheel"]), (&40.into(), &20.into(), &5.into()));
    // What it said and only it could know; what was measured; what nobody knows.
    assert_eq!((&is["game"], &is["session_id"]), (&"chess".into(), &"7d9f1c52-8c1b-4a45-9d0e-2a53f3c0b1aa".into()));
    assert_eq!(is["captured_at"], "2024-05-06T05:08:09.000000000Z");
    assert_eq!(is["resolution"], serde_json::json!([160, 120]));
    assert!((is["capture_fps"].as_f64().expect("measured") - 40.0).abs() < 0.01);
    assert_eq!(is["codec"], "h264");
    assert!(is["codec_string"].as_str().expect("a codec").starts_with("avc1."));
    for key in ["clock_drift_ppm", "dropped_frames", "watchcap", "encoder", "refresh_hz", "end_reason"] {
        assert_eq!(is[key], Value::Null, "{key} was invented");
    }
    assert_eq!((&is["clock"]["id"], &is["privacy"]["chat_redacted"]), (&Value::Null, &Value::Null));
    let consent = &is["consent"];
    assert_eq!((&consent["how"], &consent["record_screen"]), (&"not_recorded".into(), &true.into()));
    assert_eq!(consent["record_input"], Value::Null);
    // Its claims are kept as claims.
    let claims = &is["import"]["metadata"];
    assert_eq!((&claims["privacy"]["chat_redacted"], &claims["clock_drift_ppm"]), (&true.into(), &0.0.into()));
    assert_eq!(claims["fps"], 40);
    let said: Vec<_> =
        is["import"]["missing"].as_array().expect("a list").iter().map(|w| w.as_str().expect("a word")).collect();
    let wanted = [
        INTEGRITY,
        ROW_HASH,
        FRAME_STAMPS,
        CONSENT,
        PRIVACY,
        CLOCK,
        ANCHORS,
        LOSSES,
        REPEAT,
        SOURCE,
        INITIAL_STATE,
        missing::KEY_TABLE,
    ];
    let without_colour: Vec<_> = said.iter().copied().filter(|word| *word != missing::COLOUR).collect();
    assert_eq!(without_colour, wanted);
    assert_eq!(is["import"]["absent_columns"], serde_json::json!(["hash"]));
    assert_eq!(is["import"]["files"].as_object().expect("files").len(), 3);
    let hash = seal::hash_file(&layout::events_path(&folder), &mut |_| {}).expect("a hash").to_string();
    assert_eq!(is["import"]["files"]["events.parquet"], hash);

    let rows = rows(&session);
    let frames: Vec<_> = rows.iter().filter(|row| row.event_type == "frame").collect();
    assert_eq!(frames[1].metadata.get("note"), Some("ü"), "a key that nobody knows was lost");
    assert!(frames.iter().filter(|row| row.is_keyframe == Some(true)).count() >= 4);
    let moved = rows.iter().find(|row| row.event_type == "mouse_move").expect("a motion");
    assert_eq!((moved.mouse_dx, moved.mouse_dy, moved.metadata.get("dx")), (Some(-1.0), Some(0.5), None));
    let key = rows.iter().find(|row| row.event_type == "key_down").expect("a key");
    assert_eq!(
        (key.key_code, key.pressed, key.repeat),
        (Some(26), Some(true), None),
        "whether it repeats is not known"
    );
    // The pictures are the same to the bit, as other people's decoder sees them, and carry their time.
    let old = python("pictures.py", &[&layout::frames_path(&folder)]);
    let new = python("pictures.py", &[&layout::frames_path(&session)]);
    let pictures =
        |text: &str| text.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect::<Vec<_>>();
    assert_eq!(pictures(&old), pictures(&new));
    assert_eq!(pictures(&new).len(), 40);
    let mut video = FrameReader::open(&layout::frames_path(&session)).expect("a video");
    for (index, row) in frames.iter().enumerate() {
        let stamp = watchcap::media::avc::sei::parse_sei(video.access_unit(index).expect("bytes")).expect("a stamp");
        assert_eq!((stamp.frame_ref.0, stamp.t.0), (index as u64, row.t_ns));
    }
    let hashes = python("row_hash.py", &[&layout::events_path(&session)]);
    assert!(hashes.starts_with("ok: 213"), "{hashes}");
    // The player opens it, and again is not done again.
    let (code, _, err) = run(watchcap().arg("info").arg(&session));
    assert_eq!(code, 0, "{err}");
    assert_eq!(import(&folder, &[])["state"], "already_imported");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 2);
}

#[test]
fn little_is_enough_and_what_has_no_place_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "spare");
    std::fs::write(folder.join("audio.mp4"), "sound").expect("a file");
    let told = import(&folder, &[]);
    assert_eq!(told["left_out"], serde_json::json!(["tags", "audio.mp4"]));
    let session = dir.path().join("spare_imported");
    assert_eq!(edition::fault(&session, true, &mut |_| {}), None);
    let is = metadata(&session);
    for word in [missing::METADATA_JSON, missing::SESSION_ID, missing::MOTION] {
        assert_eq!(is_missing(&is, word), word != missing::MOTION, "{word}");
    }
    assert_eq!(is["import"]["kept_columns"], serde_json::json!(["cpu"]));
    let absent = serde_json::json!(["mouse_y", "mouse_button", "delta", "window_id", "session_id", "hash"]);
    assert_eq!(is["import"]["absent_columns"], absent);
    assert!(is["import"]["pts_off_us"].as_i64().expect("measured") > 100_000, "29.97 against 40 frames a second");
    assert_eq!((&is["captured_at"], &is["game"], &is["import"]["format"]), (&Value::Null, &Value::Null, &Value::Null));
    let id = is["session_id"].as_str().expect("an id").to_owned();
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'8'));
    let rows = rows(&session);
    assert_eq!(rows[0].metadata.get("cpu"), Some("0.25"));
    assert_eq!((rows[1].mouse_x, rows[1].mouse_y, rows[1].mouse_dx), (Some(0.0), None, Some(-1.0)));
    // Made again of the same bytes, it has the same id.
    std::fs::remove_dir_all(&session).expect("a folder");
    import(&folder, &[]);
    assert_eq!(metadata(&session)["session_id"], id);
}

#[test]
fn rows_are_put_in_order_and_frame_references_right_and_it_is_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "in_a_bad_order");
    import(&folder, &[]);
    let session = dir.path().join("in_a_bad_order_imported");
    assert_eq!(edition::fault(&session, true, &mut |_| {}), None);
    let is = metadata(&session);
    assert!(is["import"]["reordered_rows"].as_u64().expect("a count") > 100, "{}", is["import"]);
    assert_eq!(is["import"]["changed_frame_refs"], 4);
    assert_eq!(is["dropped_frames"], 3);
    assert!(!is_missing(&is, missing::LOSSES) && !is_missing(&is, missing::REPEAT));
    let rows = rows(&session);
    assert!(rows.is_sorted_by_key(|row| row.t_ns));
    let repeats: Vec<_> = rows.iter().filter(|r| r.event_type == "key_down").map(|r| (r.frame_ref, r.repeat)).collect();
    assert_eq!(repeats.len(), 20);
    for (frame, repeat) in repeats {
        assert_eq!(repeat, frame.map(|frame| frame % 4 == 0), "{frame:?}");
    }
    // What another program had been doing when it was stopped is cleaned up.
    std::fs::remove_dir_all(&session).expect("a folder");
    let work = dir.path().join("in_a_bad_order.importing.tmp");
    std::fs::create_dir(&work).expect("a folder");
    std::fs::write(work.join("events.parquet"), "half a table").expect("a file");
    let (code, _, err) = run(watchcap().arg("migrate").arg("--import").arg(&folder));
    assert!(code == 1 && err.contains("is in the way") && work.exists(), "what only has the name is deleted: {err}");
    let hash = |name: &str| seal::hash_file(&folder.join(name), &mut |_| {}).expect("a hash");
    let names =
        ["events.parquet", "frames.mp4", "metadata.json"].into_iter().filter(|name| folder.join(name).is_file());
    let of: Vec<String> = names.map(|name| format!("{}  {name}\n", hash(name))).collect();
    mark(&work, "import", &seal::FileHash(sha2::Sha256::digest(of.concat().as_bytes()).into()).to_string());
    import(&folder, &[]);
    assert!(session.is_dir() && !work.exists());
}

#[test]
fn input_without_a_video_is_a_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "input_alone");
    import(&folder, &[]);
    let session = dir.path().join("input_alone_imported");
    assert_eq!(edition::fault(&session, true, &mut |_| {}), None);
    assert!(!layout::frames_path(&session).exists());
    assert!(rows(&session).iter().all(|row| row.frame_ref.is_none()));
}

#[test]
fn what_cannot_be_imported_is_refused_with_a_way_out() {
    let dir = tempfile::tempdir().expect("a folder");
    for (kind, what, hint) in [
        ("no_times", "has no column t_ns", "time of each event"),
        ("a_missing_time", "row 7 has no t_ns", "leave such rows out"),
        ("beyond_the_video", "refers to frame 4000, and there are 40", "frame_ref"),
        ("b_frames", "B-frames", "-bf 0"),
        ("another_codec", "its codec is mp4v (MPEG-4 Part 2), not H.264", "libx264"),
        ("in_fragments", "in fragments", "-c copy"),
        ("too_many_frames", "the video has 42 frames, the table has rows of 40", "-frames:v 40"),
        ("no_frame_rows", "no row of the type frame", "add a row"),
        ("numbered_from_1", "its frame_ref is 1", "from 0"),
        ("two_sessions", "row 20 is of another session", "a folder for each"),
        ("buttons_as_numbers", "row 0 column mouse_button: '1' is none of left, right", "--buttons 1=left"),
        ("frames_at_one_time", "frame 9 lies 0 us after", "a microsecond apart"),
    ] {
        let folder = recording(dir.path(), kind);
        let (code, out, err) = run(watchcap().args(["migrate", "--import"]).arg(&folder));
        assert!(code == 1 && out.is_empty(), "{kind}: {out}{err}");
        assert!(err.contains(what), "{kind}: '{what}' is not in: {err}");
        let hinted = err.split("hint:").nth(1).unwrap_or_default();
        assert!(hinted.contains(hint), "{kind}: '{hint}' is not in: {err}");
        let names: Vec<_> =
            std::fs::read_dir(dir.path()).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
        assert_eq!(names, [kind], "{kind} left something");
        std::fs::remove_dir_all(&folder).expect("a folder");
    }
    let own = synthetic(dir.path(), "own", &[]);
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    let garbage = dir.path().join("garbage");
    std::fs::create_dir(&garbage).expect("a folder");
    std::fs::write(garbage.join("events.parquet"), "PAR1 and nothing else PAR1").expect("a file");
    // Its own without a seal: `migrate` and `--import` do not send to each other for ever.
    let bare = dir.path().join("bare");
    std::fs::create_dir(&bare).expect("a folder");
    std::fs::copy(layout::events_path(&own), layout::events_path(&bare)).expect("a table");
    for (folder, what) in [
        (own, "without --import"),
        (bare, "integrity.sha256 from a copy"),
        (empty, "holds no events.parquet"),
        (garbage, "not a table"),
        (dir.path().join("missing"), "missing is no folder"),
    ] {
        let (code, _, err) = run(watchcap().args(["migrate", "--import"]).arg(&folder));
        assert!(code == 1 && err.contains(what) && err.contains("hint:"), "'{what}' is not in: {err}");
    }
}

#[test]
fn the_document_names_what_may_be_missing() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/FORMAT.md")).expect("FORMAT.md");
    let (_, behind) = document.split_once("<!-- table: missing -->\n").expect("the table is marked");
    let rows = behind.lines().take_while(|line| line.starts_with('|')).skip(2);
    let words: Vec<_> = rows.map(|line| line.split('|').nth(1).expect("a cell").trim().trim_matches('`')).collect();
    assert_eq!(words, missing::ALL);
}
