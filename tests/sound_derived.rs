//! What is made of a session with sound: silence where it was asked for, and everything else as it was heard.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use watchcap::capture::synthetic::CLICK_EVERY_NS;
use watchcap::media::mp4::sound_index::read_index;
use watchcap::session::table::read::SessionReader;
use watchcap::session::{layout, seal};
use watchcap_replay::Level;

use crate::support::{files, python, run, watchcap};

/// Records the synthetic source with its clicks.
pub(crate) fn recorded(dir: &Path, name: &str, more: &[&str]) -> PathBuf {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "160x96", "--fps", "10", "--session", name, "--out"]);
    let (code, out, err) = run(command.arg(dir).args(more).stdin(Stdio::null()));
    assert_eq!(code, 0, "{out}{err}");
    dir.join(name)
}

pub(crate) fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

fn verified(session: &Path) {
    let (code, out, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{out}{err}");
}

fn redact(session: &Path, args: &[&str]) -> (Value, String) {
    let (code, out, err) = run(watchcap().arg("redact").arg(session).arg("--json").args(args));
    assert_eq!(code, 0, "{err}");
    (serde_json::from_str(&out).expect("JSON"), err)
}

/// The packets of a file: their bytes, and their times.
fn packets(path: &Path) -> Vec<(Vec<u8>, u64)> {
    let index = read_index(&std::fs::File::open(path).expect("a file")).expect("an index");
    let bytes = std::fs::read(path).expect("a file");
    let of = |offset: u64, size: u32| bytes[offset as usize..][..size as usize].to_vec();
    index.packets.iter().map(|packet| (of(packet.offset, packet.size), packet.tick)).collect()
}

/// The times of the first row, and of the frames.
fn rows_of(session: &Path) -> (i64, Vec<i64>) {
    let reader = SessionReader::open(session).expect("a session");
    let rows: Vec<_> = reader.events().rows().collect::<Result<_, _>>().expect("rows");
    (rows[0].t_ns, rows.iter().filter(|row| row.event_type == "frame").map(|row| row.t_ns).collect())
}

/// Compares two files as PyAV hears them, silent between two times on the clock of the session.
fn compared(old: &Path, new: &Path, t0_ns: i64, (from, until): (i64, i64), margin_s: f64) -> Value {
    let seconds = |t: i64| ((t - t0_ns) as f64 / 1e9).to_string();
    let args = [seconds(from), seconds(until), margin_s.to_string()];
    let paths: Vec<&Path> = [old, new].into_iter().chain(args.iter().map(Path::new)).collect();
    serde_json::from_str(&python("muted.py", &paths)).expect("JSON")
}

#[test]
fn what_is_muted_is_silent_in_every_file_and_all_else_is_as_it_was_heard() {
    let dir = tempfile::tempdir().expect("a folder");
    for codec in ["aac", "flac"] {
        let old = recorded(dir.path(), codec, &["--audio", "both", "--audio-codec", codec, "-d", "4"]);
        let before = files(&old);
        let (told, _) = redact(&old, &["--from", "1.2", "--to", "2.6", "--mute", "--reason", "a_name_was_said"]);
        assert_eq!(files(&old), before, "the old session was touched");
        let new = dir.path().join(format!("{codec}_redacted"));
        verified(&new);
        let span = (told["from_ns"].as_i64().expect("ns"), told["until_ns"].as_i64().expect("ns"));
        let margin = 20_000_000;
        let wide = (span.0 - margin, span.1 + margin);
        let said = metadata(&old);
        let settings = &said["streams"]["audio"]["settings"];
        let mut silenced = 0;
        for (file, settings) in [("audio.mp4", settings), ("audio_mic.mp4", &settings["microphone"])] {
            let t0_ns = settings["t0_ns"].as_i64().expect("t0_ns");
            // Of AAC, two packets of 21.3 ms; of FLAC, not one sample.
            let around = if codec == "aac" { 2.0 * 1024.0 / 48_000.0 } else { 1.0 / 48_000.0 };
            let heard = compared(&old.join(file), &new.join(file), t0_ns, wide, around);
            assert_eq!((&heard["same_times"], &heard["loudest_now"]), (&json!(true), &json!(0.0)), "{codec} {heard}");
            let number = |key: &str| heard[key].as_f64().expect("a number");
            assert!(number("loudest_was") > 0.3 && number("samples") > 60_000.0, "the test shows nothing: {heard}");
            assert!(number("outside_loudest") > 0.3 && number("outside") > 60_000.0, "{heard}");
            assert_eq!(heard["changed_outside"], 0.0, "{codec} {file}: {heard}");

            // No packet moved, and the bytes of those that were silenced are nowhere.
            let (was, is) = (packets(&old.join(file)), packets(&new.join(file)));
            assert_eq!(was.len(), is.len());
            let bytes = std::fs::read(new.join(file)).expect("a file");
            let loudest = was.iter().map(|(unit, _)| unit.len()).max().expect("packets");
            // The same click may be the same bytes, and silence has the same ones everywhere.
            let kept: Vec<&Vec<u8>> =
                was.iter().zip(&is).filter(|(was, is)| was == is).map(|(was, _)| &was.0).collect();
            let mut loud = 0;
            for ((was, tick), (is, same_tick)) in was.iter().zip(&is) {
                assert_eq!(tick, same_tick);
                let from =
                    t0_ns + (*tick as i64 * 1_000_000_000 / 48_000) - if codec == "aac" { 21_333_333 } else { 0 };
                if was != is {
                    silenced += 1;
                    assert!(from < wide.1 && from + 43_000_000 > wide.0, "{codec}: a packet at {from} is not the same");
                }
                if was.len() < 32 {
                    continue;
                }
                let middle = &was[was.len() / 2 - 8..][..16];
                let has_middle = |bytes: &[u8]| bytes.windows(16).any(|window| window == middle);
                if was.len() * 2 > loudest
                    && from > span.0
                    && from < span.1
                    && !kept.iter().any(|unit| has_middle(unit))
                {
                    loud += 1;
                    assert!(!has_middle(&bytes), "the old bytes are left");
                }
            }
            assert!(loud > 0 || codec == "flac", "nothing was to be heard in the span");
        }
        assert_eq!(told["sound_packets_silenced"], silenced, "{told}");
        let reader = SessionReader::open(&new).expect("a session");
        let rows: Vec<_> = reader.events().rows().collect::<Result<_, _>>().expect("rows");
        let notes: Vec<_> = rows.iter().filter(|row| row.event_type == "redact").collect();
        assert_eq!(notes.len(), 1);
        let get = |key: &str| notes[0].metadata.get(key).map(str::to_owned);
        assert_eq!((get("what").as_deref(), get("reason").as_deref()), (Some("sound"), Some("a_name_was_said")));
        assert_eq!((notes[0].t_ns, get("until_ns")), (span.0, Some(span.1.to_string())));
        let is = metadata(&new);
        assert_eq!(is["lineage"][0]["what"], json!(["sound"]));
        assert_eq!(is["streams"]["audio"], said["streams"]["audio"], "it lasts as long as it did");
        assert_eq!(is["privacy"]["redacted_spans"], 1);
    }
}

#[test]
fn all_of_it_can_be_muted_and_what_is_not_there_cannot() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "s", &["--audio", "synthetic", "-d", "2"]);
    let (told, err) = redact(&session, &["--all", "--keys"]);
    assert!(
        told["sound_kept"] == true && err.contains("keys can be heard: --mute makes that of the span silent"),
        "{err}"
    );
    redact(&session, &["--all", "--mute", "--replace"]);
    verified(&session);
    let t0_ns = metadata(&session)["streams"]["audio"]["settings"]["t0_ns"].as_i64().expect("t0_ns");
    let old = dir.path().join("s_redacted/audio.mp4");
    let heard = compared(&old, &session.join("audio.mp4"), t0_ns, (t0_ns - 1, t0_ns + 9_000_000_000), 0.0);
    assert!(heard["same_times"] == true && heard["loudest_now"] == 0.0, "{heard}");
    assert!(heard["outside"] == 0 && heard["loudest_was"].as_f64() > Some(0.3), "the test shows nothing: {heard}");

    let deaf = recorded(dir.path(), "deaf", &["-d", "1"]);
    let (code, _, err) = run(watchcap().arg("redact").arg(&deaf).args(["--all", "--mute"]));
    assert!(code == 2 && err.contains("has no sound") && err.contains("hint: leave --mute out"), "{code} {err}");
    let (code, _, err) = run(watchcap().arg("redact").arg(&deaf).args(["--from", "0", "--mute"]));
    assert!(code == 2 && err.contains("--to"), "{code} {err}");
}

#[test]
fn a_seal_of_two_files_of_sound_can_be_made_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "s", &["--audio", "both", "-d", "1"]);
    let lost = seal::hash_file(&layout::integrity_path(&session), &mut |_| {}).expect("a hash").to_string();
    std::fs::remove_file(layout::integrity_path(&session)).expect("a seal to lose");
    let (code, out, err) = run(watchcap().arg("reseal").arg(&session).arg("--json"));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(metadata(&session)["lineage"][0]["integrity_sha256"], json!(lost));
    verified(&session);
}

/// Hears what an export has: when the clicks of each track were on the clock of the session.
fn heard(form: &str, session: &Path, file: &Path, more: &[&Path]) -> (Vec<Vec<i64>>, Value) {
    let paths: Vec<&Path> = [Path::new(form), session, file].into_iter().chain(more.iter().copied()).collect();
    let said: Value = serde_json::from_str(&python("sound_exports.py", &paths)).expect("JSON");
    let track = |track: &Value| track.as_array().expect("clicks").iter().map(|t| t.as_i64().expect("a time")).collect();
    (said["tracks"].as_array().expect("tracks").iter().map(track).collect(), said)
}

/// Every click between two times was heard where its time says, and none elsewhere; `shift_ns` is that of the microphone's.
fn hold(what: &str, clicks: &[i64], shift_ns: i64, (from, until): (i64, i64)) {
    let near = |t: i64| (t - shift_ns + CLICK_EVERY_NS / 2).div_euclid(CLICK_EVERY_NS);
    let off: Vec<i64> = clicks.iter().map(|t| t - shift_ns - near(*t) * CLICK_EVERY_NS).collect();
    assert!(off.iter().all(|off| off.abs() <= 10_000_000), "{what}: {off:?} ns off");
    // At each edge up to two packets are missing.
    let edge = 100_000_000;
    let at = |t: i64| (t - shift_ns).div_euclid(CLICK_EVERY_NS);
    let expected: Vec<i64> = (at(from + edge) + 1..=at(until - edge)).collect();
    let found: Vec<i64> = clicks.iter().map(|t| near(*t)).filter(|n| expected.contains(n)).collect();
    assert!(expected.len() >= 2, "{what}: the test shows nothing");
    assert_eq!(found, expected, "{what}");
    let outside = clicks.iter().filter(|t| !(from - 10_000_000..until + 10_000_000).contains(*t)).count();
    assert_eq!(outside, 0, "{what}: sound from outside of the part");
}

fn export(format: &str, session: &Path, out: &Path, more: &[&str]) -> String {
    let mut command = watchcap();
    let (code, _, err) = run(command.args(["export", format]).arg(session).arg("--out").arg(out).args(more));
    assert_eq!(code, 0, "{format}: {err}");
    err
}

#[test]
fn exports_have_the_sound_where_it_was_heard() {
    let dir = tempfile::tempdir().expect("a folder");
    for codec in ["aac", "flac"] {
        let session = recorded(dir.path(), codec, &["--audio", "both", "--audio-codec", codec, "-d", "5"]);
        let out = |name: &str| dir.path().join(format!("{codec}-{name}"));
        let (_, frames) = rows_of(&session);
        let clock = metadata(&session);
        let number = |value: &Value| value.as_i64().expect("a number");
        let all = (frames[0], number(&clock["clock"]["t0_ns"]) + number(&clock["duration_ns"]));
        let both = |what: &str, tracks: &[Vec<i64>], span| {
            assert_eq!(tracks.len(), 2, "{what}");
            hold(&format!("{codec} {what} system"), &tracks[0], 0, span);
            hold(&format!("{codec} {what} mic"), &tracks[1], CLICK_EVERY_NS / 2, span);
        };

        let err = export("video", &session, &out("video"), &["--sound"]);
        assert!(!err.contains("left out"), "{err}");
        let made = |ending: &str| out("video").join(format!("{codec}.{ending}"));
        let (tracks, said) = heard("video", &session, &made("mp4"), &[&made("video.parquet")]);
        assert_eq!(said["codecs"], json!([codec, codec]));
        both("video", &tracks, all);
        let part = out("part");
        export("video", &session, &part, &["--sound", "--from", "1.3", "--to", "3.9"]);
        let made = |ending: &str| part.join(format!("{codec}.{ending}"));
        let (tracks, _) = heard("video", &session, &made("mp4"), &[&made("video.parquet")]);
        let begin = rows_of(&session).0;
        both("part", &tracks, (begin + 1_300_000_000, begin + 3_900_000_000));

        // Where steps are left out, sound is left out with them, and what follows moves with its pictures.
        redact(&session, &["--from", "1.9", "--to", "2.8", "--titles"]);
        let redacted = dir.path().join(format!("{codec}_redacted"));
        let holes = out("holes");
        export("video", &redacted, &holes, &["--sound", "--exclude-redacted"]);
        let made = |ending: &str| holes.join(format!("{codec}_redacted.{ending}"));
        let (tracks, _) = heard("video", &redacted, &made("mp4"), &[&made("video.parquet")]);
        let inside = |t: &i64| (begin + 1_900_000_000..begin + 2_800_000_000).contains(t);
        assert!(tracks.iter().flatten().all(|t| !inside(t)), "{tracks:?}");
        let (before, behind): (Vec<i64>, Vec<i64>) = tracks[0].iter().partition(|t| **t < begin + 1_900_000_000);
        hold("before the hole", &before, 0, (all.0, begin + 1_900_000_000));
        hold("behind the hole", &behind, 0, (begin + 2_800_000_000, all.1));

        export("webdataset", &session, &out("wds"), &["--sound", "--clip-seconds", "30", "--val-percent", "0"]);
        let shard = std::fs::read_dir(out("wds").join("train")).expect("a folder").next().expect("a shard");
        let (tracks, _) = heard("webdataset", &session, &shard.expect("a shard").path(), &[]);
        both("webdataset", &tracks, all);

        export("lerobot", &session, &out("lerobot"), &["--sound"]);
        let video = out("lerobot").join("videos/observation.images.screen/chunk-000/file-000.mp4");
        let (tracks, _) = heard("lerobot", &session, &video, &[]);
        both("lerobot", &tracks, all);

        export("mcap", &session, &out("mcap"), &["--sound", "--mcap-for", "foxglove"]);
        let file = out("mcap").join(format!("{codec}.foxglove.mcap"));
        let (tracks, said) = heard("foxglove", &session, &file, &[]);
        assert_eq!(said["codecs"], json!([if codec == "aac" { "aac" } else { "pcm" }]));
        both("mcap", &tracks, all);
    }
}

#[test]
fn what_leaves_the_sound_out_says_so_and_without_consent_none_is_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "s", &["--audio", "synthetic", "-d", "2"]);
    for (format, says) in [
        ("video", "the sound is left out; --sound takes it along"),
        ("actions", "the sound is left out: this format has no place for it"),
        ("frames-json", "the sound is left out: this format has no place for it"),
    ] {
        let out = dir.path().join(format);
        let err = export(format, &session, &out, &[]);
        assert!(err.contains(says), "{format}: {err}");
        let manifest = std::fs::read_dir(&out).expect("a folder").map(|entry| entry.expect("an entry").path());
        let manifest = manifest.into_iter().find(|path| path.to_string_lossy().ends_with(".export.json"));
        let text = std::fs::read_to_string(manifest.expect("a manifest")).expect("a manifest");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(manifest["left_out"], json!(["sound"]), "{format}");
    }
    let mut command = watchcap();
    let (code, _, err) = run(command.args(["export", "actions", "--sound", "--out"]).arg(dir.path()).arg(&session));
    assert!(code == 2 && err.contains("--sound"), "{code} {err}");
    let owa = dir.path().join("owa");
    let err = export("mcap", &session, &owa, &["--sound", "--mcap-for", "owa"]);
    assert!(err.contains("OWA has no place for it"), "{err}");
    let left_out = |out: &Path, name: &str| {
        let text = std::fs::read_to_string(out.join(name)).expect("a manifest");
        serde_json::from_str::<Value>(&text).expect("JSON")["left_out"].clone()
    };
    assert_eq!(left_out(&owa, "s.mcap.export.json"), json!(["sound"]));
    let both = dir.path().join("both");
    export("mcap", &session, &both, &["--sound"]);
    assert_eq!(left_out(&both, "s.mcap.export.json"), Value::Null);
    // A part, and one that is too short for a packet of sound.
    let short = dir.path().join("short");
    let err = export("video", &session, &short, &["--sound", "--from", "1", "--to", "1.3", "--fps", "100"]);
    assert!(!err.contains("there is no sound in it"), "{err}");
    assert_eq!(left_out(&short, "s.video.export.json"), Value::Null);
    let shorter = dir.path().join("shorter");
    let err = export("video", &session, &shorter, &["--sound", "--from", "1", "--to", "1.005", "--fps", "100"]);
    assert!(err.contains("there is no sound in it"), "{err}");
    assert_eq!(left_out(&shorter, "s.video.export.json"), json!(["sound"]));

    // As if nobody had agreed to it.
    let path = layout::metadata_path(&session);
    let text = std::fs::read_to_string(&path).expect("metadata");
    let changed = text.replace("\"record_audio\": true", "\"record_audio\": false");
    assert_ne!(text, changed);
    std::fs::write(&path, changed).expect("metadata");
    seal::seal(&session, &[], &mut |_| {}).expect("a seal");
    let out = dir.path().join("refused");
    let mut command = watchcap();
    let (code, _, err) = run(command.args(["export", "video", "--sound", "--out"]).arg(&out).arg(&session));
    assert!(code == 2 && err.contains("consent"), "{code} {err}");
    export("video", &session, &out, &[]);
}

/// The checks of sound: name, figure, whether it is in its limit.
fn checked(session: &Path, args: &[&str]) -> (i32, std::collections::BTreeMap<String, (f64, bool)>) {
    let (code, out, err) = run(watchcap().args(["replay", "--check", "--json"]).arg(session).args(args));
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    let checks = report["checks"].as_array().expect("checks").iter().filter(|check| check["value"].is_number());
    let one = |check: &Value| {
        let name = check["name"].as_str().expect("a name").to_owned();
        (name, (check["value"].as_f64().expect("a figure"), check["ok"] == true))
    };
    (code, checks.map(one).filter(|(name, _)| name.starts_with("sound_")).collect())
}

#[test]
fn sound_that_is_silent_is_found_and_the_catalog_tells_of_sound() {
    let dir = tempfile::tempdir().expect("a folder");
    for codec in ["aac", "flac"] {
        let session = recorded(dir.path(), codec, &["--audio", "both", "--audio-codec", codec, "-d", "3"]);
        let (_, checks) = checked(&session, &[]);
        // A click in every fifth tenth of a second, and none that is cut off.
        let figure = |name: &str| checks.get(name).unwrap_or_else(|| panic!("{name} is not in {checks:?}"));
        assert!((0.5..0.95).contains(&figure("sound_silent").0) && figure("sound_silent").1, "{checks:?}");
        assert_eq!((figure("sound_clipped"), figure("sound_undecodable")), (&(0.0, true), &(0.0, true)));
        assert!(figure("sound_missing").1, "{checks:?}");
        let (code, checks) = checked(&session, &["--max-sound-silent", "0.3"]);
        assert!(code == 1 && !checks["sound_silent"].1, "{checks:?}");
        redact(&session, &["--all", "--mute", "--replace"]);
        let (code, checks) = checked(&session, &[]);
        assert!(code == 1 && checks["sound_silent"] == (1.0, false), "{checks:?}");
    }
    recorded(dir.path(), "deaf", &["-d", "1"]);
    let (code, _, err) = run(watchcap().arg("catalog").arg(dir.path()));
    assert_eq!(code, 0, "{err}");
    let said: Value =
        serde_json::from_str(&python("sound_catalog.py", &[&dir.path().join("catalog.parquet")])).expect("JSON");
    assert_eq!(said["deaf"], json!([null, null, null, null, null, null]));
    for codec in ["aac", "flac"] {
        let row = said[codec].as_array().expect("a row");
        assert_eq!(row[..3], [json!("synthetic"), json!("system+mic"), json!(codec)]);
        let (seconds, bytes) = (row[3].as_f64().expect("seconds"), row[5].as_u64().expect("bytes"));
        assert!((2.5..3.5).contains(&seconds) && row[4] == 0 && bytes > 1000, "{row:?}");
    }
}

#[test]
fn the_player_knows_how_loud_it_is_and_where_sound_is_missing() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = recorded(dir.path(), "s", &["--audio", "synthetic", "-d", "3"]);
    let levels_of = |session: &Path, parts: usize| {
        let playback = watchcap::play::opened::open(session).expect("a session");
        let summary = playback.timeline.summary();
        for _ in 0..300 {
            let levels = playback.timeline.levels(summary.start_ns, summary.end_ns, parts)?;
            if levels.complete {
                return Some((summary.start_ns, summary.end_ns, levels.parts));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the levels do not come");
    };
    let (start, end, parts) = levels_of(&session, 60).expect("sound");
    let loud = |level: &Level| matches!(level, Level::Peak(peak) if *peak > 9000);
    let (first, last) = (start.div_euclid(CLICK_EVERY_NS) + 1, (end - 100_000_000).div_euclid(CLICK_EVERY_NS));
    for click in first..=last {
        let part = (i128::from(click * CLICK_EVERY_NS - start) * 60 / i128::from(end - start)) as usize;
        assert!((part.saturating_sub(1)..=part + 1).any(|at| parts.get(at).is_some_and(loud)), "{click}: {parts:?}");
    }
    let quiet = parts.iter().filter(|level| matches!(level, Level::Peak(peak) if *peak < 33)).count();
    assert!(quiet > 20, "{parts:?}");
    let deaf = recorded(dir.path(), "deaf", &["-d", "1"]);
    assert_eq!(levels_of(&deaf, 60), None);
}
