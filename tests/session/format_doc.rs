//! FORMAT.md says what the code does: its tables are compared with the constants, its vectors with what is computed.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value};
use watchcap::base::pad::{PadControl, StandardPlace};
use watchcap::session::layout;
use watchcap::session::metadata::{
    AnchorInfo, Behind, EncoderInfo, Extra, Import, Lineage, Loss, MaskInfo, Metadata, Percentiles, PiiRegion,
    ProfileInForce, Recovery, ScreenSign, Series, SignAway, StatedAtImport, StreamInfo, StudyText, Timing, Withdrawal,
};
use watchcap::session::table::row::{Row, RowMetadata, event_type, key};
use watchcap::session::table::{hash, schema};

use super::support::{packets, rows, write_fake_video, write_session};

fn document() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/FORMAT.md")).expect("FORMAT.md")
}

/// The cells of the table behind a mark, without its head.
fn table(name: &str) -> Vec<Vec<String>> {
    let document = document();
    let (_, behind) = document.split_once(&format!("<!-- table: {name} -->\n")).expect("the table is marked");
    let rows: Vec<Vec<String>> = behind
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "{name} is empty");
    rows
}

fn first_cells(name: &str) -> Vec<String> {
    table(name).into_iter().map(|row| row[0].clone()).collect()
}

#[test]
fn columns_are_those_of_the_schema() {
    let documented: Vec<_> =
        table("columns").into_iter().map(|row| (row[0].clone(), row[1].clone(), row[2] == "null")).collect();
    let real: Vec<_> = schema::COLUMNS
        .iter()
        .map(|column| (column.name.to_owned(), schema::type_name(column.kind).to_owned(), column.nullable))
        .collect();
    assert_eq!(documented, real);
    let log = watchcap_migrations::log::CURRENT;
    let title = format!("# Formats: the session, version {}, and the log, schema {log}\n", schema::FORMAT_VERSION);
    assert!(document().starts_with(&title));
    assert!(document().contains(schema::FORMAT_VERSION_KEY) && document().contains(schema::SESSION_ID_KEY));
}

#[test]
fn event_types_keys_and_files_are_those_of_the_code() {
    assert_eq!(first_cells("event types"), event_type::ALL);
    assert_eq!(first_cells("metadata keys"), key::ALL);
    let files = [
        layout::FRAMES_FILE,
        layout::EVENTS_FILE,
        layout::AUDIO_FILE,
        layout::MICROPHONE_FILE,
        layout::METADATA_FILE,
        layout::INTEGRITY_FILE,
        layout::SIGNATURE_FILE,
        layout::REVIEW_FILE,
        layout::DEBUG_DIR,
        layout::LOG_DIR,
    ];
    assert_eq!(first_cells("files"), files);
    // What an event type uses is a column or a registered key.
    for row in table("event types") {
        for name in row[2].split(['`', ' ', ';']).filter(|name| !name.is_empty()) {
            let known = key::ALL.contains(&name) || schema::COLUMNS.iter().any(|column| column.name == name);
            assert!(known, "{}: {name}", row[0]);
        }
    }
}

#[test]
fn keys_of_the_review_are_those_of_the_code() {
    use watchcap::session::review;

    assert_eq!(first_cells("review"), review::KEYS);
    assert!(document().contains(&format!("at most {} bytes of UTF-8", review::MAX_NOTE)));
}

#[test]
fn keys_of_annotations_are_those_of_the_code() {
    use watchcap::session::{annotations, labels};

    assert_eq!(first_cells("annotations"), annotations::KEYS);
    assert!(document().contains(&format!("at most {} of them", labels::MAX_SUBTASKS)));
    for (most, of) in
        [(labels::MAX_TASK, "one line of at most"), (labels::MAX_PARTICIPANT, "calls the person, at most")]
    {
        assert!(document().contains(&format!("{of} {most} bytes")));
    }
    assert!(document().contains(&format!("at most {} bytes) of the tag", labels::MAX_TAG_VALUE)));
    assert!(document().contains(&format!("at most {}), at most {} tags", labels::MAX_TAG_KEY, labels::MAX_TAGS)));
}

/// Fills what is optional or a list, so that every key shows.
fn fill(metadata: &mut Metadata) {
    let text = || Some("x".to_owned());
    for value in [
        &mut metadata.game,
        &mut metadata.patch,
        &mut metadata.task,
        &mut metadata.participant,
        &mut metadata.codec,
        &mut metadata.codec_string,
        &mut metadata.keyboard_layout,
        &mut metadata.window_id,
    ] {
        *value = text();
    }
    metadata.tags = BTreeMap::from([("condition".to_owned(), "a".to_owned())]);
    metadata.recovery = Some(Recovery::default());
    metadata.lost = vec![Loss {
        stream: "screen".into(),
        reason: "late".into(),
        gaps: 1,
        count: Some(1),
        from_ns: Some(1),
        until_ns: Some(2),
        extra: Extra::new(),
    }];
    metadata.clock.anchors = vec![AnchorInfo { monotonic_ns: 1, realtime_ns: 2, boottime_ns: Some(3) }];
    let settings = BTreeMap::from([("period_ms".to_owned(), Value::from(16))]);
    metadata.streams = BTreeMap::from([(
        "input".to_owned(),
        StreamInfo { status: "recorded".into(), source: text(), reason: text(), settings, extra: Extra::new() },
    )]);
    let settings = BTreeMap::from([("qp_max".to_owned(), "40".to_owned())]);
    metadata.encoder = Some(EncoderInfo { name: "x".into(), settings, extra: Extra::new() });
    metadata.initial_state.keys = Some(vec![4]);
    metadata.initial_state.buttons = Some(vec!["left".into()]);
    metadata.initial_state.pointer = Some([0.5, 0.5]);
    metadata.privacy.pii_regions =
        vec![PiiRegion { x: 0, y: 0, width: 1, height: 1, source: "flag".into(), reason: "mask".into() }];
    metadata.privacy.excluded_apps = vec!["x".into()];
    metadata.privacy.profiles = vec![ProfileInForce { name: "x".into(), from_ns: Some(1), extra: Extra::new() }];
    metadata.import = Some(Import {
        by: "x".into(),
        format: text(),
        missing: vec!["integrity".into()],
        absent_columns: vec!["delta".into()],
        kept_columns: vec!["cpu".into()],
        left_out: vec!["audio.mp4".into()],
        files: BTreeMap::from([("events.parquet".to_owned(), "x".to_owned())]),
        reordered_rows: 1,
        changed_frame_refs: 1,
        other_frames: 1,
        told: BTreeMap::from([("positions".to_owned(), "pixels".to_owned())]),
        pts_off_us: Some(1),
        metadata: Extra::from_iter([("fps".to_owned(), Value::from(40))]),
    });
    metadata.series = Some(Series { part_of: "x".into(), index: 2, previous: text(), extra: Extra::new() });
    let some = Some(Percentiles { p50: 1.0, p99: 2.0 });
    metadata.timing = Some(Timing {
        frame_interval_ms: some,
        grab_ms: some,
        encode_ms: some,
        commit_ms: some,
        input_silence_ms: Some(0.0),
        behind: Some(Behind { last_ns: 1, greatest_ns: 2, late_pictures: 3, late_by_ns: 4, extra: Extra::new() }),
        extra: Extra::new(),
    });
    metadata.privacy.hotkeys = vec!["pause".into()];
    let away = SignAway { from_ns: 1, until_ns: Some(2), reason: "gone".into(), extra: Extra::new() };
    metadata.privacy.recording_sign = Some(ScreenSign {
        shown: true,
        by: text(),
        monitor: text(),
        corner: text(),
        in_picture: Some(true),
        away: vec![away],
        extra: Extra::new(),
    });
    let withdrawal = Withdrawal { at: text(), how: text(), t_ns: Some(1), extra: Extra::new() };
    let streams = vec!["input".to_owned()];
    let stated = StatedAtImport { streams, by: text(), at: "x".into(), extra: Extra::new() };
    metadata.consent.stated_at_import = Some(stated);
    metadata.consent.study_text =
        Some(StudyText { version: "1".into(), sha256: "x".into(), contact: text(), extra: Extra::new() });
    metadata.consent.withdrawn = BTreeMap::from([("input".to_owned(), withdrawal)]);
    metadata.lineage = vec![Lineage {
        integrity_sha256: "x".into(),
        by: "x".into(),
        format: Some("1.0.0".into()),
        what: vec!["keys".into()],
        reason: "x".into(),
        from_ns: Some(1),
        until_ns: Some(2),
        masks: vec![MaskInfo { x: 0, y: 0, width: 2, height: 2 }],
        at: text(),
    }];
}

/// Paths of all values, lists as `[]` and objects with free keys as `*`.
fn paths(prefix: &str, value: &Value, out: &mut Vec<String>) {
    const FREE: [&str; 9] = [
        "tags",
        "counts",
        "streams",
        "encoder.settings",
        "streams.*.settings",
        "import.files",
        "import.metadata",
        "import.told",
        "consent.withdrawn",
    ];
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                let name = if FREE.contains(&prefix) { "*" } else { name };
                let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
                paths(&path, value, out);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| paths(&format!("{prefix}[]"), value, out)),
        _ if out.iter().any(|path| path == prefix) => {}
        _ => out.push(prefix.to_owned()),
    }
}

#[test]
fn keys_of_metadata_json_are_those_of_the_struct() {
    let dir = tempfile::tempdir().expect("a directory");
    write_fake_video(dir.path(), &packets());
    write_session(dir.path(), &rows(&packets()), fill);
    let text = fs::read_to_string(layout::metadata_path(dir.path())).expect("metadata");
    let mut found = Vec::new();
    paths("", &serde_json::from_str(&text).expect("json"), &mut found);
    assert_eq!(first_cells("metadata.json"), found);
}

#[test]
fn controls_of_gamepads_are_those_of_the_code() {
    let places = PadControl::ALL.map(|control| {
        let place = match control.standard() {
            StandardPlace::Button(place) => format!("buttons[{place}]"),
            StandardPlace::Axis(place) => format!("axes[{place}]"),
        };
        (control.name().to_owned(), place)
    });
    let documented: Vec<_> =
        table("gamepad controls").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(documented, places);
}

#[test]
fn vectors_of_the_row_hash_are_what_is_computed() {
    let document = document();
    let (_, behind) = document.split_once("<!-- vectors: row hash -->\n```json\n").expect("the vectors are marked");
    let mut count = 0;
    for line in behind.lines().take_while(|line| *line != "```") {
        let vector: Value = serde_json::from_str(line).expect("json");
        let row: Map<String, Value> = vector["row"].as_object().expect("a row").clone();
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let float = |name: &str| row.get(name).and_then(Value::as_f64).map(|value| value as f32);
        let int = |name: &str| row.get(name).and_then(Value::as_i64);
        let mut metadata = RowMetadata::default();
        for (key, value) in row["metadata"].as_object().expect("a map") {
            metadata.push_str(key, value.as_str().expect("a text"));
        }
        let flag = |name: &str| row.get(name).and_then(Value::as_bool);
        let seq = int("seq").expect("seq");
        let row = Row {
            key_code: int("key_code").map(|code| code as i32),
            mouse_x: float("mouse_x"),
            mouse_y: float("mouse_y"),
            mouse_button: text("mouse_button"),
            delta: float("delta"),
            frame_ref: int("frame_ref"),
            window_id: text("window_id").expect("window_id"),
            pressed: flag("pressed"),
            mouse_dx: float("mouse_dx"),
            mouse_dy: float("mouse_dy"),
            pts: int("pts"),
            is_keyframe: flag("is_keyframe"),
            repeat: flag("repeat"),
            source: text("source"),
            pad: int("pad").map(|pad| pad as i32),
            control: text("control"),
            value: float("value"),
            ..Row::new(
                int("t_ns").expect("t_ns"),
                text("event_type").expect("event_type"),
                text("session_id").expect("session_id"),
                &metadata,
            )
        };
        let mut bytes = Vec::new();
        hash::encode(&row, seq, &mut bytes);
        let hex: String = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let hash = hash::hash(&row, seq, &mut bytes);
        let hash = std::str::from_utf8(&hash).expect("ascii");
        assert_eq!((vector["bytes"].as_str(), vector["hash"].as_str()), (Some(hex.as_str()), Some(hash)), "{line}");
        count += 1;
    }
    assert!(count >= 3, "{count} vectors");
}

#[test]
fn the_video_is_described_as_it_is_written() {
    use watchcap::media::avc::sei::{STAMP_UUID, STAMP_VERSION};
    use watchcap::media::mp4::index::TIMESCALE;

    let table: BTreeMap<String, String> =
        table("video").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let uuid: String = STAMP_UUID.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(table["SEI UUID"], uuid);
    assert_eq!(table["SEI version"], STAMP_VERSION.to_string());
    assert_eq!(table["timescale of movie and track"], format!("{TIMESCALE} per second"));
}

#[test]
fn the_log_is_described_as_it_is_written() {
    use watchcap::log::chunk;
    use watchcap_migrations::log::v2::kind;

    let fields: Vec<(String, usize, usize)> = table("log header")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].parse().expect("an offset"), row[2].parse().expect("a length")))
        .collect();
    let known: Vec<_> = chunk::FIELDS.iter().map(|(name, at, len)| ((*name).to_owned(), *at, *len)).collect();
    assert_eq!(fields, known);
    let kinds: Vec<(u8, String)> =
        table("log kinds").into_iter().map(|row| (row[0].parse().expect("a number"), row[1].clone())).collect();
    let known = [
        (kind::SETUP, "setup"),
        (kind::MOVE, "move"),
        (kind::KEY, "key"),
        (kind::CLICK, "click"),
        (kind::WHEEL, "wheel"),
        (kind::FOCUS, "focus"),
        (kind::FRAME, "frame"),
        (kind::PAUSE, "pause"),
        (kind::RESUME, "resume"),
        (kind::MARK, "mark"),
        (kind::GAP, "gap"),
        (kind::WINDOW, "window"),
        (kind::REDACT, "redact"),
        (kind::ANCHOR, "anchor"),
        (kind::DIGEST, "digest"),
        (kind::END, "end"),
        (kind::PACKET, "packet"),
    ];
    assert_eq!(kinds, known.map(|(number, name)| (number, name.to_owned())));
    let text = document();
    for (what, said) in [
        (format!("at most {} bytes", chunk::MAX_LEN), "the largest chunk"),
        (format!("declared size of {} MiB", watchcap::media::mp4::append::BOX_SIZE >> 20), "the size of a box"),
        (format!("`{}`", String::from_utf8_lossy(&chunk::MAGIC)), "the magic"),
    ] {
        assert!(text.contains(&what), "FORMAT.md does not say {said}: {what}");
    }
}
