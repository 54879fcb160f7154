//! Values of other recorders: taken over in meaning as in type, or refused with an option that says what they are. Never bent.

use serde_json::{Value, json};
use watchcap::derive::import::describe::missing::{KEY_CODES, KEY_LAYOUT, KEY_TABLE};
use watchcap::session::edition;

use super::{is_missing, metadata, recording, rows};
use crate::support::{run, watchcap};

/// Imports, and answers with the session's metadata; the session verifies.
fn imported(folder: &std::path::Path, args: &[&str]) -> (std::path::PathBuf, Value) {
    let told = super::import(folder, args);
    let session = std::path::PathBuf::from(told["result"].as_str().expect("a path"));
    assert_eq!(edition::fault(&session, true, &mut |_| {}), None);
    let is = metadata(&session);
    (session, is)
}

/// What an import is refused with: the message, and the hint.
fn refused(folder: &std::path::Path, args: &[&str]) -> (String, String) {
    let (code, out, err) = run(watchcap().args(["migrate", "--import"]).args(args).arg(folder));
    assert!(code == 1 && out.is_empty(), "{code}: {out}{err}");
    let (message, hint) = err.split_once("hint: ").unwrap_or_else(|| panic!("no hint: {err}"));
    (message.to_owned(), hint.trim().to_owned())
}

/// Runs the command that a hint names behind `mark`, up to the next sentence.
fn run_hint(hint: &str, mark: &str) -> (i32, String) {
    let (_, behind) = hint.split_once(mark).unwrap_or_else(|| panic!("no '{mark}' in: {hint}"));
    let command = behind.split("; ").next().unwrap_or_default().trim();
    let words = command.strip_prefix("watchcap ").unwrap_or_else(|| panic!("no command: {command}"));
    let mut shell = std::process::Command::new("sh");
    let line = format!("'{}' {words}", env!("CARGO_BIN_EXE_watchcap"));
    let (code, _, err) = run(shell.args(["-c", &line]).env("XDG_CONFIG_HOME", "/nonexistent"));
    (code, err)
}

#[test]
fn pixels_are_refused_or_scaled_and_never_taken_for_fractions() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "pixels");
    let (message, hint) = refused(&folder, &[]);
    assert!(message.contains("column mouse_y: 60 is no fraction of the picture"), "{message}");
    assert_eq!(run_hint(&hint, "when positions are pixels:").0, 0, "{hint}");
    let (session, is) = imported(&folder, &["--positions", "pixels"]);
    assert_eq!(session, dir.path().join("pixels_imported"), "the hint had made it");
    assert_eq!(is["import"]["told"], json!({"positions": "pixels"}));
    for row in rows(&session).iter().filter(|row| row.event_type == "mouse_move") {
        let frame = row.frame_ref.expect("a frame") as f32;
        assert_eq!((row.mouse_x, row.mouse_y), (Some(frame * 4.0 / 160.0), Some(0.5)));
    }
    // Told something else, it is another session.
    let (session, is) = imported(&folder, &["--positions", "pixels=320x240+10-20"]);
    assert_eq!(session, dir.path().join("pixels_imported_2"));
    assert_eq!(is["import"]["told"], json!({"positions": "pixels=320x240+10-20"}));
    let last = rows(&session).into_iter().rev().find(|row| row.event_type == "mouse_move").expect("a motion");
    assert_eq!((last.mouse_x, last.mouse_y), (Some((156.0 - 10.0) / 320.0), Some(80.0 / 240.0)));
    assert_eq!(super::import(&folder, &["--positions", "pixels=320x240+10-20"])["state"], "already_imported");
    // Of a pointer in the corner no number is far outside.
    let corner = recording(dir.path(), "few_pixels");
    assert!(refused(&corner, &[]).0.contains("is no fraction of the picture"));
    imported(&corner, &["--positions", "fraction"]);
    // Two sizes, of which the picture's is the smaller: neither is chosen.
    let scaled = recording(dir.path(), "usual");
    let text = std::fs::read_to_string(scaled.join("metadata.json")).expect("metadata");
    let text = text.replacen('{', r#"{"resolution": {"width": 1920, "height": 1080}, "#, 1);
    std::fs::write(scaled.join("metadata.json"), text).expect("metadata");
    let (message, hint) = refused(&scaled, &["--positions", "pixels"]);
    assert!(message.contains("both 1920x1080 and 160x120"), "{message}");
    assert_eq!(run_hint(&hint, "for example:").0, 0, "{hint}");
}

#[test]
fn pixels_outside_of_the_picture_are_of_something_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "pixels_of_a_larger_screen");
    let (message, hint) = refused(&folder, &["--positions", "pixels"]);
    assert!(message.contains("outside of the 160x120 pixels"), "{message}");
    assert_eq!(run_hint(&hint, "for example:").0, 0, "{hint}");
    let (session, _) = imported(&folder, &["--positions", "pixels=320x240"]);
    let last = rows(&session).into_iter().rev().find(|row| row.event_type == "mouse_move").expect("a motion");
    assert_eq!(last.mouse_x, Some(312.0 / 320.0));
}

#[test]
fn key_codes_are_usages_or_stand_aside() {
    let dir = tempfile::tempdir().expect("a folder");
    let codes = |session: &std::path::Path| {
        let rows = rows(session).into_iter().filter(|row| row.event_type == "key_down");
        rows.map(|row| (row.key_code, row.metadata.get("native").map(str::to_owned))).collect::<Vec<_>>()
    };
    // One code cannot be a usage: none is taken for one, and all are kept.
    let folder = recording(dir.path(), "keysyms");
    let (session, is) = imported(&folder, &[]);
    assert!(is_missing(&is, KEY_CODES) && !is_missing(&is, KEY_TABLE));
    let found = codes(&session);
    assert!(found.iter().all(|(code, native)| code.is_none() && native.is_some()), "{found:?}");
    // With the table named they are the keys that they are on a US keyboard; one has no usage.
    let (session, is) = imported(&folder, &["--keys", "keysym"]);
    assert!(is_missing(&is, KEY_CODES) && is_missing(&is, KEY_LAYOUT) && !is_missing(&is, KEY_TABLE));
    let found = codes(&session);
    let native = |code: i32| Some(code.to_string());
    assert_eq!(found[0], (Some(0x50), native(0xff51)));
    assert_eq!(found[12], (Some(0x1a), native(119)));
    assert_eq!(found[19], (None, native(0x1008_ff14)));
    // Every code could be a usage: what the row says of its key shows that they are not.
    let folder = recording(dir.path(), "small_keysyms");
    let (message, hint) = refused(&folder, &[]);
    assert!(message.contains("not that of the key") && hint.contains("--keys evdev"), "{message}{hint}");
    assert!(!message.contains("119"), "a message quotes a key");
    let (session, is) = imported(&folder, &["--keys", "keysym"]);
    assert!(!is_missing(&is, KEY_CODES));
    assert!(codes(&session).iter().all(|(code, _)| *code == Some(0x1a)));
    // And when it says the same, it is known; when it says nothing, it is not.
    let (_, is) = imported(&recording(dir.path(), "named_keys"), &[]);
    assert!(!is_missing(&is, KEY_TABLE));
    let folder = recording(dir.path(), "virtual_keys");
    let (_, is) = imported(&folder, &[]);
    assert!(is_missing(&is, KEY_TABLE));
    let (session, _) = imported(&folder, &["--keys", "vk"]);
    assert!(codes(&session).iter().all(|found| *found == (Some(0x1a), native(0x57))));
    assert!(refused(&recording(dir.path(), "pixels"), &["--keys", "hid"]).0.contains("fraction"));
    let keysyms = dir.path().join("keysyms");
    assert!(refused(&keysyms, &["--keys", "hid"]).0.contains("its code is no HID usage"));
}

#[test]
fn columns_without_values_have_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let (session, is) = imported(&recording(dir.path(), "no_values"), &[]);
    assert_eq!(is["counts"], json!({"frame": 40}));
    assert!(rows(&session).iter().all(|row| row.delta.is_none() && row.key_code.is_none() && row.pressed.is_none()));
}

#[test]
fn what_an_event_does_not_use_is_no_value() {
    let dir = tempfile::tempdir().expect("a folder");
    let (session, _) = imported(&recording(dir.path(), "fillers"), &[]);
    for row in rows(&session) {
        let is_key = row.event_type.starts_with("key_");
        let is_pointer = row.event_type.starts_with("mouse_") || row.event_type == "wheel";
        assert_eq!(row.key_code.is_some(), is_key, "{}", row.event_type);
        assert_eq!(row.mouse_x.is_some(), is_pointer, "{}", row.event_type);
        assert_eq!(row.delta.is_some(), row.event_type == "wheel", "{}", row.event_type);
        assert_eq!(row.mouse_button.as_deref(), (row.event_type == "mouse_click").then_some("left"));
    }
}

#[test]
fn units_words_and_flags_are_taken_over_or_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    for (kind, args, message, hint) in [
        ("wheel_units", &[][..], "column delta: -120 is too much for steps", "--wheel 120"),
        ("pressed_as_a_word", &[], "column pressed: it is neither yes nor no", "true and false"),
        ("pressed_against_the_event", &[], "column pressed: false contradicts the event_type key_down", "FORMAT.md"),
        ("a_flag_that_is_none", &[], "column metadata.redacted: it is neither yes nor no", "true and false"),
        ("infinite", &[], "row 6 column mouse_x", "pyarrow"),
        ("two_words_for_one_key", &[], "column cpu: its metadata say something else", "rename"),
        ("microseconds", &[], "0.000975 s by the rows and 0.975 s in the video", "--times us"),
        ("float_seconds", &[], "column t_ns: expected nanoseconds as whole numbers, found", "FORMAT.md"),
        ("no_video", &[], "holds no frames.mp4, and its table rows of 40 frames", "ffmpeg"),
        ("no_to_input", &["--consent", "input"], "says that there was no consent to the input", "leave it out"),
    ] {
        let folder = recording(dir.path(), kind);
        let (said, hinted) = refused(&folder, args);
        assert!(said.contains(message), "{kind}: '{message}' is not in: {said}");
        assert!(hinted.contains(hint), "{kind}: '{hint}' is not in: {hinted}");
    }
    let at = |kind: &str| dir.path().join(kind);
    let (session, is) = imported(&at("wheel_units"), &["--wheel", "120"]);
    assert_eq!(is["import"]["told"]["wheel"], "120");
    assert!(rows(&session).iter().all(|row| row.delta.is_none_or(|delta| delta.to_bits() == (-1.0_f32).to_bits())));
    for (kind, unit) in [("microseconds", "us"), ("float_seconds", "s")] {
        let (_, is) = imported(&at(kind), &["--times", unit]);
        let duration = is["duration_ns"].as_i64().expect("a time");
        assert!((duration - 983_000_000).abs() < 2_000, "{kind}: {duration}");
    }
    let (session, is) = imported(&recording(dir.path(), "buttons_as_numbers"), &["--buttons", "1=left,3=right"]);
    assert_eq!(is["import"]["told"]["buttons"], "1=left,3=right");
    assert!(rows(&session).iter().all(|row| row.mouse_button.as_deref().is_none_or(|name| name == "left")));
    let (session, _) = imported(&recording(dir.path(), "pressed_as_text"), &[]);
    let clicks: Vec<_> =
        rows(&session).iter().filter(|row| row.event_type == "mouse_click").map(|row| row.pressed).collect();
    assert_eq!(clicks.len(), 8);
    assert_eq!((clicks[0], clicks[1]), (Some(true), Some(false)));
    // A flag that says no is not there.
    let (session, is) = imported(&recording(dir.path(), "flags_that_say_no"), &[]);
    assert_eq!(is["privacy"]["redacted_keys"], 0);
    assert!(rows(&session).iter().all(|row| row.metadata.get("redacted").is_none()));
}

#[test]
fn frames_of_other_cameras_are_not_frames_of_the_video() {
    let dir = tempfile::tempdir().expect("a folder");
    let (session, is) = imported(&recording(dir.path(), "two_cameras"), &[]);
    assert_eq!((&is["frames"], &is["counts"]["other_frame"]), (&json!(40), &json!(20)));
    assert_eq!(is["import"]["other_frames"], 20);
    let all = rows(&session);
    let others: Vec<_> = all.iter().filter(|row| row.event_type == "other_frame").collect();
    assert_eq!(others[3].metadata.get("frame_ref"), Some("3"));
    assert_eq!(others[3].metadata.get("stream"), Some("webcam"));
    // Two that are as many as the pictures: the person says which.
    let folder = recording(dir.path(), "two_like_cameras");
    let (message, hint) = refused(&folder, &[]);
    assert!(message.contains("by camera: 'front', 'back'"), "{message}");
    let (code, err) = run_hint(&hint, "for example:");
    assert_eq!(code, 0, "{err}");
    let (_, is) = imported(&folder, &["--frames", "camera=front"]);
    assert_eq!(is["import"]["told"], json!({"frames": "camera=front"}));
    assert!(refused(&folder, &["--frames", "camera=left"]).0.contains("they are of 'front', 'back'"));
}

#[test]
fn metadata_of_another_meaning_stay_what_was_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, is) = imported(&recording(dir.path(), "other_words"), &[]);
    let claims = is["import"]["metadata"].as_object().expect("claims");
    for key in ["refresh_hz", "input_device", "end_reason", "captured_at", "dropped_frames"] {
        assert_eq!(is[key], Value::Null, "{key}");
        assert!(claims.contains_key(key), "{key}");
    }
    for key in ["initial_state", "streams", "consent"] {
        assert!(claims.contains_key(key), "{key}");
    }
    assert_eq!(is["initial_state"]["keys"], Value::Null);
    assert_eq!(is["consent"]["record_input"], Value::Null);
    // The same size in other words is no claim.
    assert!(!claims.contains_key("resolution"), "{claims:?}");
    assert!(is_missing(&is, "captured_at"));
}

#[test]
fn event_types_that_nobody_here_reads_are_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "other_types");
    let told = super::import(&folder, &["--dry-run"]);
    assert_eq!(told["unknown_types"], json!({"keydown": 20}));
    let (code, _, err) = run(watchcap().args(["migrate", "--import"]).arg(&folder));
    assert!(code == 0 && err.contains("20 rows are of the type keydown"), "{err}");
}

#[test]
fn consent_is_stated_and_the_refusal_says_how() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "usual");
    imported(&folder, &[]);
    let out = dir.path().join("out");
    let export = |session: &str| {
        run(watchcap().args(["export", "actions"]).arg(dir.path().join(session)).arg("--out").arg(&out))
    };
    let (code, _, err) = export("usual_imported");
    assert!(code != 0 && err.contains("needs consent to the input"), "{err}");
    let (code, said) = run_hint(err.split_once("hint: ").expect("a hint").1, "state it:");
    assert_eq!(code, 0, "{said}");
    let is = metadata(&dir.path().join("usual_imported_2"));
    let consent = &is["consent"];
    assert_eq!((&consent["record_input"], &consent["how"]), (&json!(true), &json!("stated_at_import")));
    assert_eq!(consent["stated_at_import"]["streams"], json!(["screen", "input"]));
    assert!(consent["stated_at_import"]["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert!(is_missing(&is, "consent"), "the recording itself still says nothing");
    let (code, _, err) = export("usual_imported_2");
    assert_eq!(code, 0, "{err}");
    // Without --import the options are refused; a stream that is none is, too.
    for args in [&["migrate", "--consent", "input"][..], &["migrate", "--import", "--consent", "keys"]] {
        assert_eq!(run(watchcap().args(args).arg(&folder)).0, 2, "{args:?}");
    }
}

/// The map of a real X server with the US layout says the same of every key as the table of keysyms.
#[test]
fn keysyms_are_those_of_a_server_with_the_us_layout() {
    use watchcap::base::hid;
    use watchcap::derive::import::keys::KeyTable;

    let display = crate::support::Display::start(64, 64);
    let mut server = std::process::Command::new("setxkbmap");
    let (code, _, err) = run(server.args(["-display", &display.name, "us"]));
    assert_eq!(code, 0, "{err}");
    let (code, map, err) = run(std::process::Command::new("xmodmap").args(["-display", &display.name, "-pk"]));
    assert_eq!(code, 0, "{err}");
    let mut compared = 0;
    for line in map.lines() {
        let mut words = line.split_whitespace();
        let Some(Ok(keycode)) = words.next().map(str::parse::<u32>) else { continue };
        let Some(usage) = hid::usage_of_x11(keycode) else { continue };
        for keysym in words.filter_map(|word| i64::from_str_radix(word.strip_prefix("0x")?, 16).ok()) {
            // Two places have the keysym of another one on this layout: 102nd key and the keys that only terminals have.
            let Some(found) = KeyTable::Keysym.usage(keysym) else { continue };
            let same = found == i32::from(usage.0);
            let doubled = [
                "IntlBackslash",
                "NumpadComma",
                "NumpadParenLeft",
                "NumpadParenRight",
                "Help",
                "Undo",
                "Again",
                "Find",
                "Cut",
                "Copy",
                "Paste",
            ];
            let is_doubled = hid::code_of_usage(usage).is_some_and(|code| doubled.contains(&code));
            assert!(same || is_doubled, "keycode {keycode}: keysym {keysym:#x} is {found:#x}, not {:#x}", usage.0);
            compared += usize::from(same);
        }
    }
    assert!(compared > 150, "only {compared} keysyms were compared:\n{map}");
}
