//! `watchcap redact`: what was withheld is gone, and everything else is what it was, to the byte.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use watchcap::media::avc::sei::parse_sei;
use watchcap::media::frames::FrameReader;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;
use watchcap::session::{layout, seal};

use crate::support::{Display, copy_tree, files, python, run, synthetic, watchcap};

fn rows(session: &Path) -> Vec<OwnedRow> {
    let reader = SessionReader::open(session).expect("a session");
    reader.events().rows().collect::<Result<_, _>>().expect("rows")
}

fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

fn video(session: &Path) -> FrameReader {
    FrameReader::open(&layout::frames_path(session)).expect("a video")
}

fn redact(session: &Path, args: &[&str]) -> Value {
    let (code, out, err) = run(watchcap().arg("redact").arg(session).args(["--json"]).args(args));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("JSON")
}

fn verified(session: &Path) {
    let (code, _, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{err}");
}

/// Luma of the pixels inside an area, smallest and largest.
fn luma(video: &mut FrameReader, frame: usize, [x, y, width, height]: [usize; 4]) -> (u8, u8) {
    let picture = video.decode(frame).expect("a picture");
    let stride = picture.width() as usize;
    let (luma, _, _) = picture.planes();
    let area = (y..y + height).flat_map(|row| &luma[row * stride + x..][..width]);
    area.fold((255, 0), |(low, high), value| (low.min(*value), high.max(*value)))
}

#[test]
fn a_span_is_masked_and_its_keys_are_gone_and_all_else_is_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = synthetic(dir.path(), "s", &[]);
    let before = files(&old);
    let told =
        redact(&old, &["--from", "0.7", "--to", "0:01.2", "--mask", "61,41,120,90", "--keys", "--reason", "a_test"]);
    let new = dir.path().join("s_redacted");
    assert_eq!(told["session"], new.to_str().expect("text"));
    assert_eq!(files(&old), before, "the old session was touched");
    verified(&new);
    assert!(!python("acceptance.py", &[&new]).is_empty());

    let (old_rows, new_rows) = (rows(&old), rows(&new));
    let (from, until) = (told["from_ns"].as_i64().expect("ns"), told["until_ns"].as_i64().expect("ns"));
    assert_eq!((from - old_rows[0].t_ns, until - from), (700_000_000, 500_000_000));
    let (notes, rest): (Vec<_>, Vec<_>) = new_rows.iter().partition(|row| row.event_type == "redact");
    let what: Vec<_> = notes.iter().map(|row| row.metadata.get("what").expect("what")).collect();
    assert_eq!(what, ["pixels", "keys", "titles"]);
    for note in &notes {
        let ends =
            if note.metadata.get("what") == Some("pixels") { &told["pixels_until_ns"] } else { &told["until_ns"] };
        let until_ns = note.metadata.get("until_ns").expect("an end");
        assert_eq!((note.t_ns, until_ns, note.metadata.get("reason")), (from, &*ends.to_string(), Some("a_test")));
    }

    // Nothing moved, and what is not redacted has the same values.
    assert_eq!(rest.len(), old_rows.len());
    let frame_times: Vec<i64> = old_rows.iter().filter(|r| r.event_type == "frame").map(|r| r.t_ns).collect();
    let mut old_video = video(&old);
    let mut new_video = video(&new);
    assert_eq!(new_video.len(), old_video.len());
    let first = frame_times.partition_point(|t| *t <= from) - 1;
    let end = frame_times.partition_point(|t| *t <= until);
    let group_start = old_video.keyframe_before(first).expect("a keyframe");
    let group_end = (end..old_video.len()).find(|f| old_video.is_keyframe(*f) == Some(true)).expect("a keyframe");
    // Pictures behind the span are predicted from those of the span.
    assert_eq!(told["frames_masked"], group_end - first);
    let end = group_end;
    let pixels_until = frame_times[end] - 1;
    assert_eq!((&told["pixels_until_ns"], pixels_until > until), (&pixels_until.into(), true));
    assert_eq!(told["frames_encoded"], group_end - group_start);
    assert!(group_start > 0 && group_end < old_video.len(), "there is nothing outside");
    let mut withheld = 0;
    let mut pressed = BTreeSet::new();
    for (was, is) in old_rows.iter().zip(&rest) {
        assert_eq!((was.t_ns, &was.event_type, was.frame_ref), (is.t_ns, &is.event_type, is.frame_ref));
        let frame = was.frame_ref.and_then(|frame| usize::try_from(frame).ok());
        let encoded = was.event_type == "frame" && frame.is_some_and(|f| (group_start..group_end).contains(&f));
        let key = was.event_type.starts_with("key_");
        if key && is.metadata.get("redacted").is_some() {
            withheld += 1;
            assert_eq!((is.key_code, is.metadata.get("code"), is.metadata.get("native")), (None, None, None));
        } else if !encoded {
            // Its place in the table counts the rows that were inserted before it, and the hash holds it.
            let expected = OwnedRow { seq: is.seq, hash: is.hash.clone(), ..was.clone() };
            assert!(expected == **is, "a row at {} changed", was.t_ns);
            assert_eq!(was.hash == is.hash, was.t_ns <= from, "a row at {} has another hash", was.t_ns);
        }
        if key && (from..=until).contains(&was.t_ns) && was.event_type == "key_down" {
            assert!(is.metadata.get("redacted").is_some(), "a press in the span has its code");
            pressed.insert(was.key_code);
        }
    }
    assert!(withheld >= 2 * pressed.len() && !pressed.is_empty(), "{withheld} rows withheld");
    assert_eq!(told["keys_redacted"], withheld);

    // Pictures: the same bytes outside, black inside the area in every frame of the span, and alive beside it.
    assert_eq!(old_video.index().config, new_video.index().config);
    let area = [34, 18, 172, 140];
    for frame in 0..old_video.len() {
        assert_eq!(old_video.pts_us(frame), new_video.pts_us(frame));
        assert_eq!(old_video.is_keyframe(frame), new_video.is_keyframe(frame));
        let was = old_video.access_unit(frame).expect("bytes").to_vec();
        let is = new_video.access_unit(frame).expect("bytes").to_vec();
        assert_eq!(parse_sei(&was), parse_sei(&is), "frame {frame} lost its stamp");
        assert_eq!(was == is, !(group_start..group_end).contains(&frame), "frame {frame}");
        let (low, high) = luma(&mut new_video, frame, area);
        if (first..end).contains(&frame) {
            assert!(low >= 12 && high <= 22, "frame {frame} shows {low} to {high} under the mask");
        } else {
            assert!(high > 60, "frame {frame} is masked and should not be");
        }
    }

    // The bytes of the pictures that were masked are nowhere in the new session.
    let written = files(&new);
    let holds = |needle: &[u8]| written.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|w| w == needle));
    let piece = |video: &mut FrameReader, frame: usize| {
        let unit = video.access_unit(frame).expect("bytes");
        unit[unit.len() / 2..][..24.min(unit.len() / 2)].to_vec()
    };
    assert!(holds(&piece(&mut old_video, 0)), "the search finds nothing at all");
    let masked = (first..end).filter(|f| old_video.index().samples[*f].size > 200).collect::<Vec<_>>();
    assert!(!masked.is_empty());
    for frame in masked {
        assert!(!holds(&piece(&mut old_video, frame)), "the old bytes of frame {frame} are in the new session");
    }

    let (was, is) = (metadata(&old), metadata(&new));
    let step = &is["lineage"][0];
    let sum = seal::hash_file(&layout::integrity_path(&old), &mut |_| {}).expect("a hash").to_string();
    assert_eq!((&step["integrity_sha256"], &step["reason"]), (&sum.into(), &"a_test".into()));
    // Whole macroblocks, and one more on each side.
    assert_eq!(step["masks"], serde_json::json!([{"x": 32, "y": 16, "width": 176, "height": 144}]));
    assert_eq!(step["masks"], told["masks"]);
    assert_eq!(is["privacy"]["redacted_spans"], 3);
    assert_eq!(is["privacy"]["redacted_keys"], withheld);
    assert_eq!((&is["session_id"], &is["clock"], &is["frames"]), (&was["session_id"], &was["clock"], &was["frames"]));
    assert!(was["lineage"].is_null());
}

#[test]
fn replacing_leaves_one_session_and_a_second_step_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let first = seal::hash_file(&layout::integrity_path(&session), &mut |_| {}).expect("a hash").to_string();
    redact(&session, &["--from", "f10", "--to", "f12", "--mask", "0,0,0.5,1.0", "--replace"]);
    let second = seal::hash_file(&layout::integrity_path(&session), &mut |_| {}).expect("a hash").to_string();
    assert_ne!(first, second);
    redact(&session, &["--from", "0", "--to", "99", "--keys", "--replace"]);
    verified(&session);
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(names, ["s"], "something was left behind");
    let metadata = metadata(&session);
    let steps: Vec<_> = metadata["lineage"].as_array().expect("steps").iter().map(|s| &s["integrity_sha256"]).collect();
    assert_eq!(steps, [&Value::from(first), &Value::from(second)]);
    let rows = rows(&session);
    assert!(!rows.iter().any(|row| row.key_code.is_some()), "a key of the whole session is left");
    assert!(!rows.iter().any(|row| row.metadata.get("title").is_some()), "a title is left");
    assert!(metadata["initial_state"]["keys"].is_null());
}

#[test]
fn a_video_of_another_encoder_is_encoded_anew_as_a_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    // As if it had been made with settings for which this encoder makes other parameter sets.
    let path = layout::metadata_path(&session);
    let text = std::fs::read_to_string(&path).expect("metadata");
    let changed = text.replace("\"fps\": \"30\"", "\"fps\": \"240\"");
    assert_ne!(text, changed);
    std::fs::write(&path, changed).expect("metadata");
    seal::seal(&session, &[], &mut |_| {}).expect("a seal");
    let told = redact(&session, &["--from", "f10", "--to", "f12", "--mask", "0,0,100,100"]);
    let new = dir.path().join("s_redacted");
    verified(&new);
    let (mut old_video, mut new_video) = (video(&session), video(&new));
    assert_ne!(old_video.index().config, new_video.index().config, "the test shows nothing");
    let end = (13..old_video.len()).find(|frame| old_video.is_keyframe(*frame) == Some(true)).expect("a keyframe");
    assert_eq!(
        (told["frames_masked"].as_u64(), told["frames_encoded"].as_u64()),
        (Some(end as u64 - 10), Some(old_video.len() as u64))
    );
    for frame in 0..old_video.len() {
        let stamp = |video: &mut FrameReader| parse_sei(video.access_unit(frame).expect("bytes"));
        assert_eq!(stamp(&mut old_video), stamp(&mut new_video));
        let (_, high) = luma(&mut new_video, frame, [0, 0, 96, 96]);
        assert_eq!(high <= 22, (10..end).contains(&frame), "frame {frame}");
    }
}

#[test]
fn what_cannot_be_meant_or_trusted_is_refused_and_nothing_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let refused = |args: &[&str], code: i32, what: &str| {
        let (found, out, err) = run(watchcap().arg("redact").arg(&session).args(args));
        assert_eq!(found, code, "{args:?}: {out}{err}");
        assert!(err.contains(what) && err.contains("hint:"), "{args:?}: {err}");
        let count = std::fs::read_dir(dir.path()).expect("a folder").count();
        assert_eq!(count, 1, "{args:?} left something");
    };
    refused(&["--from", "0", "--to", "1"], 2, "nothing is to be redacted");
    refused(&["--from", "soon", "--to", "1", "--keys"], 2, "'soon'");
    refused(&["--from", "1", "--to", "0.5", "--keys"], 2, "hint: --from is the earlier moment");
    refused(&["--from", "0", "--to", "1", "--mask", "9999,0,2,2"], 2, "hint: X and Y count");
    refused(&["--from", "f0", "--to", "f9999", "--keys"], 2, "no frame 9999");
    refused(&["--from", "0", "--to", "1", "--mask", "1,2,3"], 2, "'1,2,3'");
    refused(&["--from", "0", "--to", "1", "--keys", "--reason", "because I say so"], 2, "snake_case");
    for (named, what) in [("missing", "missing is no folder"), (".", "watchcap info")] {
        let args = ["--from", "0", "--to", "1", "--keys"];
        let (code, _, err) = run(watchcap().arg("redact").arg(dir.path().join(named)).args(args));
        assert!(code == 1 && err.contains(what) && err.contains("hint: "), "{code} {err}");
    }
    // A seal is not put on what was damaged.
    let path = layout::frames_path(&session);
    let mut bytes = std::fs::read(&path).expect("bytes");
    bytes[5000] ^= 1;
    std::fs::write(&path, bytes).expect("bytes");
    refused(&["--from", "0", "--to", "1", "--keys"], 1, "not what was sealed");
    // What an interrupted try left is not built upon.
    let other = tempfile::tempdir().expect("a folder");
    let good = synthetic(other.path(), "g", &[]);
    copy_tree(&good, &other.path().join("g.redacting.tmp"));
    let (code, _, err) = run(watchcap().arg("redact").arg(&good).args(["--from", "0", "--to", "1", "--keys"]));
    assert!(code == 1 && err.contains("is in the way") && err.contains("hint: move it away"), "{err}");
}

/// With `--unchanged skip` a picture stands for as long as nothing changes: a span in which none was taken masks the one that was on the screen.
#[test]
fn a_span_without_a_frame_masks_the_one_that_is_shown_and_exports_leave_its_steps_out() {
    let display = Display::start(320, 240);
    let dir = tempfile::tempdir().expect("a folder");
    let mut record = watchcap();
    record.args(["record", "--consent", "screen,input", "--cursor", "off", "--unchanged", "skip", "--duration", "4s"]);
    record.args(["--session", "s", "--out"]).arg(dir.path()).env("DISPLAY", &display.name);
    let mut recorder = record.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
    // What changes at the end makes a span in the middle one of the session.
    std::thread::sleep(Duration::from_millis(2500));
    let mut paint = Command::new("xsetroot");
    assert!(paint.args(["-solid", "#4060a0"]).env("DISPLAY", &display.name).status().expect("xsetroot").success());
    let code = recorder.wait().expect("its state").code().unwrap_or(-1);
    assert!(code == 0 || code == 3, "ended with {code}");
    let session = dir.path().join("s");
    let frames = video(&session).len();
    assert!(frames < 10, "{frames} frames of a screen that stands still");
    let told = redact(&session, &["--from", "1.1", "--to", "1.2", "--mask", "0,0,1.0,1.0", "--titles"]);
    let new = dir.path().join("s_redacted");
    verified(&new);
    let (from, until) = (told["from_ns"].as_i64().expect("ns"), told["pixels_until_ns"].as_i64().expect("ns"));
    let times: Vec<i64> = rows(&new).iter().filter(|row| row.event_type == "frame").map(|row| row.t_ns).collect();
    let shown = times.partition_point(|t| *t <= from) - 1;
    let end = times.partition_point(|t| *t <= until);
    assert_eq!(told["frames_masked"], end - shown);
    let mut pictures = video(&new);
    for frame in shown..end {
        assert!(luma(&mut pictures, frame, [0, 0, 320, 240]).1 <= 22, "frame {frame} is not masked");
    }
    // What an export makes of the span is left out. Steps before it that show the same picture, which is masked, are not yet.
    let out = dir.path().join("x.parquet");
    let export = |extra: &[&str]| {
        let mut command = watchcap();
        command.args(["export", "actions", "--fps", "10", "--replace"]).args(extra).arg(&new).arg("--out").arg(&out);
        let (code, _, err) = run(&mut command);
        assert!(code == 0 || code == 3, "{err}");
        let told = python("steps.py", &[&out]);
        let step = |line| serde_json::from_str::<Value>(line).expect("JSON")["t_ns"].as_i64().expect("a time");
        told.lines().map(step).collect::<Vec<i64>>()
    };
    let (all, kept) = (export(&[]), export(&["--exclude-redacted"]));
    assert!(all.iter().any(|t| (from..=until).contains(t)), "the span has no step: {all:?}, {from} {until}");
    assert!(
        kept.iter().all(|t| !(from..=until).contains(t)),
        "a step of the span is exported: {kept:?}, {from} {until}"
    );
    assert!(kept.len() < all.len());
}
