//! Parts of a session: a picture, a clip that any player shows, a session of its own. Nothing moves, nothing is encoded anew.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use watchcap::derive::clip::cut::Source;
use watchcap::derive::clip::excerpt;
use watchcap::derive::clip::excerpt::key_value;
use watchcap::derive::clip::run::ClipError;
use watchcap::derive::clip::{session, still};
use watchcap::media::frames::FrameReader;
use watchcap::session::metadata::Metadata;
use watchcap::session::refusal::Refusal;
use watchcap::session::table::read::{EventsReader, SessionReader};
use watchcap::session::table::row::OwnedRow;
use watchcap::session::{layout, review, seal};

use crate::support::{copy_tree, files, python, run, synthetic, watchcap};

fn rows(session: &Path) -> Vec<OwnedRow> {
    let reader = SessionReader::open(session).expect("a session");
    reader.events().rows().collect::<Result<_, _>>().expect("rows")
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.0.0")
}

/// The times of the frames of a session, from its rows.
fn frame_times(rows: &[OwnedRow]) -> Vec<i64> {
    rows.iter().filter(|row| row.event_type == "frame").map(|row| row.t_ns).collect()
}

/// What is held before an instant: names of keys and buttons.
fn held_before(rows: &[OwnedRow], t_ns: i64) -> BTreeSet<String> {
    let mut held = BTreeSet::new();
    for row in rows.iter().take_while(|row| row.t_ns < t_ns) {
        let name = format!("{:?} {:?}", row.key_code, row.mouse_button);
        match (row.event_type.as_str(), row.pressed) {
            ("key_down" | "key_up" | "mouse_click", Some(true)) => _ = held.insert(name),
            ("key_down" | "key_up" | "mouse_click", _) => _ = held.remove(&name),
            _ => {}
        }
    }
    held
}

#[test]
fn a_clip_is_read_by_every_player_and_holds_the_rows_of_its_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = synthetic(dir.path(), "s", &[]);
    let before = files(&old);
    let old_rows = rows(&old);
    let start = old_rows[0].t_ns;
    let (from, until) = (start + 700_000_000, start + 1_400_000_000);
    let out = dir.path().join("out");
    std::fs::create_dir(&out).expect("a folder");
    let mut source = Source::open(&old).expect("a session");
    let clip = excerpt::excerpt(&mut source, from, until, &out, &mut |_| true).expect("a clip");
    assert_eq!(clip.dir, out.join("s_excerpt_0s700-1s400"));
    assert_eq!(names(&clip.dir), ["events.parquet", "excerpt.mp4", "excerpt.srt"].map(str::to_owned).into());

    // The pictures: those from the keyframe before to the last one at or before the end, to the byte, from time 0.
    let times = frame_times(&old_rows);
    let mut all = FrameReader::open(&layout::frames_path(&old)).expect("a video");
    let mut part = FrameReader::open(&clip.dir.join(excerpt::EXCERPT_VIDEO)).expect("a video");
    let first = all.keyframe_before(times.partition_point(|t| *t <= from) - 1).expect("a keyframe");
    let end = times.partition_point(|t| *t <= until);
    assert!(first > 0 && end < times.len(), "there is nothing outside");
    assert_eq!((clip.cut.frames.start, clip.frames, part.len()), (first, end - first, end - first));
    for (frame, t_ns) in (first..end).zip(&times[first..]) {
        let pts = part.pts_us(frame - first).expect("a time");
        assert!((t_ns - times[first] - pts * 1000).abs() <= 500, "frame {frame} is at {pts} us");
        let bytes = all.access_unit(frame).expect("bytes").to_vec();
        assert!(bytes == part.access_unit(frame - first).expect("bytes"), "frame {frame} has other bytes");
    }
    assert_eq!(part.pts_us(0), Some(0));

    // The rows, with the session's own times and numbers.
    let table = EventsReader::open(&layout::events_path(&clip.dir)).expect("a table");
    let new_rows: Vec<OwnedRow> = table.rows().collect::<Result<_, _>>().expect("rows");
    let expected: Vec<_> = old_rows.iter().filter(|row| (times[first]..=until).contains(&row.t_ns)).collect();
    assert_eq!(new_rows.len(), expected.len());
    for (seq, (new, old)) in new_rows.iter().zip(expected).enumerate() {
        let same = OwnedRow { seq: seq as i64, hash: new.hash.clone(), ..old.clone() };
        assert!(*new == same, "a row at {} changed", old.t_ns);
    }
    assert!(table.rows().checked().all(|row| row.expect("a row").intact == Some(true)));
    for (key, value) in [
        (key_value::FIRST_FRAME, first as i64),
        (key_value::START_NS, times[first]),
        (key_value::FROM_NS, from),
        (key_value::UNTIL_NS, until),
    ] {
        assert_eq!(table.key_value(key), Some(&*value.to_string()), "{key}");
    }

    // PyAV, pyarrow and ffmpeg.
    let said = python("clip.py", &[&old, &clip.dir]);
    assert!(said.contains(&format!("ok: {} frames", end - first)), "{said}");
    assert!(said.contains("ok: columns") && said.contains("ok: subtitles"), "{said}");

    // A press in the clip stands in the subtitles at its time.
    let press = new_rows.iter().find(|row| row.event_type == "key_down").expect("a press in the clip");
    let ms = (press.t_ns - times[first]) / 1_000_000;
    let text = std::fs::read_to_string(clip.dir.join(excerpt::EXCERPT_SUBTITLES)).expect("subtitles");
    let cue =
        text.split("\n\n").find(|cue| cue.contains(&format!("00:00:00,{ms:03} -->"))).expect("a cue at the press");
    assert!(cue.contains(press.metadata.get("code").expect("a code")), "{cue}");

    // Once more: beside it, never over it. And a cancelled one leaves nothing.
    let again = excerpt::excerpt(&mut source, from, until, &out, &mut |_| true).expect("a clip");
    assert_eq!(again.dir, out.join("s_excerpt_0s700-1s400_2"));
    assert!(files(&again.dir) == files(&clip.dir), "the same clip twice is not the same");
    let cancelled = excerpt::excerpt(&mut source, start, until, &out, &mut |_| false);
    assert!(matches!(cancelled, Err(ClipError::Cancelled)), "{cancelled:?}");
    assert!(matches!(source.cut(until, from), Err(ClipError::Backwards)));
    assert!(matches!(source.cut(0, 1), Err(ClipError::Outside)));
    assert_eq!(names(&out).len(), 2);
    assert_eq!(files(&old), before, "the session was touched");

    // A picture is the frame, losslessly.
    let frame = times.len() / 2;
    let path = still::still(&mut source, frame as u64, &out).expect("a picture");
    assert_eq!(path, out.join(format!("s_frame_{frame}.png")));
    let png = image::open(&path).expect("a picture").into_rgb8();
    assert!(png.as_raw() == &all.rgb(frame).expect("a frame").data);
    let second = still::still(&mut source, frame as u64, &out).expect("a picture");
    assert_eq!(second, out.join(format!("s_frame_{frame}_2.png")));
    assert!(still::still(&mut source, 4000, &out).is_err());
    // A file in a session would break its seal.
    for inside in [old.clone(), old.join("debug")] {
        let refused = still::still(&mut source, 0, &inside);
        assert!(matches!(refused, Err(ClipError::Inside { .. })), "{refused:?}");
    }
    assert_eq!(names(&out).len(), 4);
}

/// Everything that must hold of a session that was made of a span of another one.
fn check_session(old: &Path, from: i64, until: i64, out: &Path) -> Metadata {
    let made = session::session(old, from, until, out, &mut |_| true).expect("a session");
    let (code, _, err) = run(watchcap().arg("verify").arg(out));
    assert_eq!(code, 0, "{err}");
    let (old_rows, new_rows) = (rows(old), rows(out));
    let (cut, metadata) = (made.cut, Metadata::read(&layout::metadata_path(out)).expect("metadata"));
    let before = Metadata::read(&layout::metadata_path(old)).expect("metadata");
    assert!(metadata.session_id != before.session_id && new_rows.iter().all(|r| r.session_id == metadata.session_id));
    let edition = review::edition_of(old).expect("a seal").expect("a seal");
    assert_eq!(metadata.lineage.last().map(|step| step.integrity_sha256.clone()), Some(edition));
    assert_eq!(metadata.lineage.len(), before.lineage.len() + 1);
    assert_eq!((metadata.frames, metadata.clock.t0_ns), (made.frames, cut.start_ns));
    assert_eq!(metadata.duration_ns, cut.until_ns - cut.start_ns);

    // What lasts is stated at both ends; between them stand the old rows, each at its time and of its frame.
    let expected: Vec<_> = old_rows.iter().filter(|r| (cut.start_ns..=cut.until_ns).contains(&r.t_ns)).collect();
    let released = held_before(&old_rows, cut.until_ns + 1);
    let stated: Vec<_> = new_rows[..new_rows.len() - expected.len() - released.len()].iter().collect();
    assert!(stated.iter().all(|row| row.t_ns == cut.start_ns), "{stated:?}");
    let name = |row: &&OwnedRow| format!("{:?} {:?}", row.key_code, row.mouse_button);
    let held = |rows: &[&OwnedRow]| -> BTreeSet<String> {
        rows.iter().filter(|row| row.metadata.get("held").is_some()).map(name).collect()
    };
    assert_eq!(held(&stated), held_before(&old_rows, cut.start_ns));
    let middle = &new_rows[stated.len()..stated.len() + expected.len()];
    let first = cut.frames.start as i64;
    for (new, old) in middle.iter().zip(expected) {
        assert_eq!((new.t_ns, &new.event_type, new.key_code), (old.t_ns, &old.event_type, old.key_code));
        assert_eq!(new.frame_ref, old.frame_ref.map(|frame| frame - first), "a row at {}", old.t_ns);
        assert_eq!((new.mouse_x, new.delta, &new.window_id), (old.mouse_x, old.delta, &old.window_id));
    }
    let ends: Vec<_> = new_rows[stated.len() + middle.len()..].iter().collect();
    assert!(ends.iter().all(|row| row.pressed == Some(false) && row.t_ns == cut.until_ns), "{ends:?}");
    assert_eq!(held(&ends), released);
    assert!(held_before(&new_rows, i64::MAX).is_empty(), "something is held for ever");
    if made.frames > 0 {
        let mut all = FrameReader::open(&layout::frames_path(old)).expect("a video");
        let mut part = FrameReader::open(&layout::frames_path(out)).expect("a video");
        assert_eq!(part.len() as u64, made.frames);
        for frame in 0..part.len() {
            let bytes = all.access_unit(cut.frames.start + frame).expect("bytes").to_vec();
            assert!(bytes == part.access_unit(frame).expect("bytes"), "frame {frame} has other bytes");
        }
    }
    metadata
}

#[test]
fn a_session_of_a_span_verifies_and_states_its_edges() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = synthetic(dir.path(), "s", &[]);
    let before = files(&old);
    let old_rows = rows(&old);
    let times = frame_times(&old_rows);
    let video = FrameReader::open(&layout::frames_path(&old)).expect("a video");
    let keyframes: Vec<_> = (0..times.len()).filter(|frame| video.is_keyframe(*frame) == Some(true)).collect();
    // A begin and an end in which something is held: the script holds the left button when half a second has passed, and a key
    // from 96 to 216 ms of each second.
    let begin = keyframes.iter().find(|frame| !held_before(&old_rows, times[**frame]).is_empty());
    let from = times[*begin.expect("a keyframe while something is held")] + 20_000_000;
    let key = old_rows.iter().rfind(|row| row.event_type == "key_down").expect("a press");
    let until = key.t_ns + 5_000_000;
    let out = dir.path().join("part");
    let metadata = check_session(&old, from, until, &out);
    assert!(metadata.initial_state.buttons.is_some_and(|held| !held.is_empty()));
    assert!(metadata.capture_fps.is_some_and(|fps| (fps - 30.0).abs() < 3.0));
    assert!(!python("acceptance.py", &[&out]).is_empty());

    // Made again it is the same to the byte.
    let twin = dir.path().join("twin");
    session::session(&old, from, until, &twin, &mut |_| true).expect("a session");
    assert!(files(&twin) == files(&out), "the same span twice is not the same");

    // From before the first frame to the end; one instant; a part of a part.
    check_session(&old, old_rows[0].t_ns, i64::MAX, &dir.path().join("all"));
    check_session(&old, from, from, &dir.path().join("instant"));
    let steps = check_session(&out, until - 300_000_000, until, &dir.path().join("again")).lineage;
    assert_eq!((steps.len(), steps[1].reason.as_str()), (2, "clip"));
    assert_eq!(files(&old), before, "the session was touched");

    // What is there is not written over, and what fails leaves nothing.
    let count = names(dir.path()).len();
    // (A session that is there is also one that a new one would lie in.)
    assert!(session::session(&old, from, until, &out, &mut |_| true).is_err());
    let cancelled = session::session(&old, from, until, &dir.path().join("no"), &mut |_| false);
    assert!(matches!(cancelled, Err(ClipError::Cancelled)), "{cancelled:?}");
    let open = synthetic(dir.path(), "log", &["--no-finalize"]);
    let refused = session::session(&open, from, until, &dir.path().join("no"), &mut |_| true);
    assert!(matches!(refused, Err(ClipError::Refused(Refusal::NotSealed { .. }))), "{refused:?}");
    assert_eq!(names(dir.path()).len(), count + 1);
}

#[test]
fn sessions_of_1_0_0_and_without_frames_can_be_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    let old_rows = rows(&golden());
    let times = frame_times(&old_rows);
    let middle = times[times.len() / 2];
    let metadata = check_session(&golden(), middle, times[times.len() - 1], &dir.path().join("part"));
    assert_eq!(metadata.format_version, watchcap::session::table::schema::FORMAT_VERSION);

    // A session of input alone: as if no picture had been stored.
    let bare = dir.path().join("bare");
    copy_tree(&golden(), &bare);
    let text = std::fs::read_to_string(layout::metadata_path(&bare)).expect("metadata");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    value["frames"] = 0.into();
    value["duplicate_frames"] = 0.into();
    value["resolution"] = ().into();
    value["format_version"] = watchcap::session::table::schema::FORMAT_VERSION.into();
    let id = value["session_id"].as_str().expect("an id").to_owned();
    let mut table =
        watchcap::session::table::write::TableWriter::create(&layout::events_path(&bare), &id, &[]).expect("a table");
    for row in old_rows.iter().filter(|row| row.event_type != "frame") {
        let row = OwnedRow { frame_ref: None, ..row.clone() };
        table.push(&row.as_row()).expect("a row");
    }
    value["counts"] = serde_json::to_value(table.finish().expect("a table").counts).expect("JSON");
    std::fs::write(layout::metadata_path(&bare), value.to_string()).expect("metadata");
    std::fs::remove_file(layout::frames_path(&bare)).expect("removed");
    seal::seal(&bare, &[], &mut |_| {}).expect("a seal");
    let bare_rows = rows(&bare);
    let gap = bare_rows.windows(2).find(|pair| pair[1].t_ns - pair[0].t_ns > 10).expect("a time without a row");
    let (from, until) = (gap[0].t_ns + 1, gap[1].t_ns - 1);
    let nothing = session::session(&bare, from, until, &dir.path().join("nothing"), &mut |_| true);
    assert!(matches!(nothing, Err(ClipError::Empty)), "{nothing:?}");
    assert!(!names(dir.path()).iter().any(|name| name.starts_with("nothing")), "something was left");
    let metadata = check_session(&bare, middle, i64::MAX, &dir.path().join("bare_part"));
    assert_eq!((metadata.frames, metadata.codec, metadata.codec_string), (0, None, None));
    let mut source = Source::open(&bare).expect("a session");
    let clip = excerpt::excerpt(&mut source, middle, i64::MAX, dir.path(), &mut |_| true).expect("a clip");
    assert_eq!(names(&clip.dir), ["events.parquet", "excerpt.srt"].map(str::to_owned).into());
    assert!(still::still(&mut source, 0, dir.path()).is_err());
}

#[test]
fn the_program_makes_clips_and_says_what_it_cannot_mean() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("out");
    let export = |more: &[&str]| run(watchcap().args(["export", "clip"]).arg(&old).arg("--out").arg(&out).args(more));
    for (args, what) in [
        (&[][..], "needs a span"),
        (&["--from", "soon"], "'soon'"),
        (&["--from", "1", "--to", "0.5"], "ends before it begins"),
        (&["--from", "90"], "outside of the session"),
        (&["--from", "f9999"], "no frame 9999"),
        (&["--from", "1", "--fps", "10"], "does not take --fps"),
        (&["--from", "1", "--only-accepted"], "does not take --only-accepted"),
        (&["--from", "1", "--resize", "64x64"], "does not take --resize"),
        (&["--from", "1", "--val-percent", "5"], "does not take --val-percent"),
    ] {
        let (code, _, err) = export(args);
        assert!(code == 2 && err.contains(what) && err.contains("hint: "), "{args:?}: {code} {err}");
        assert!(!out.exists(), "{args:?} left a folder");
    }
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    for (session, what) in [(dir.path().join("missing"), "is no folder"), (log, "watchcap finalize")] {
        let (code, _, err) =
            run(watchcap().args(["export", "clip", "--from", "1"]).arg(&session).arg("--out").arg(&out));
        assert!(code == 1 && err.contains(what) && err.contains("hint: ") && !out.exists(), "{code} {err}");
    }
    // A folder that was made for nothing is not left in a session either.
    let (code, _, err) =
        run(watchcap().args(["export", "clip", "--from", "1"]).arg(&old).arg("--out").arg(old.join("x")));
    assert!(code == 2 && err.contains("lies in a session") && !old.join("x").exists(), "{code} {err}");
    let (code, text, err) = export(&["--from", "0.7", "--to", "f30", "--json"]);
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let made = Path::new(told["session"].as_str().expect("a path"));
    assert!(made.file_name().is_some_and(|name| name.to_string_lossy().starts_with("s_clip_0s700-1s")), "{made:?}");
    let metadata = Metadata::read(&layout::metadata_path(made)).expect("metadata");
    assert_eq!(
        (told["frames"].as_u64(), told["session_id"].as_str()),
        (Some(metadata.frames), Some(&*metadata.session_id))
    );
    let (code, _, err) = run(watchcap().arg("verify").arg(made));
    assert_eq!(code, 0, "{err}");
    // What is there and is that very clip is left as it is; anything else under its name is not touched.
    let before = files(&out);
    let (code, text, err) = export(&["--from", "0.7", "--to", "f30"]);
    assert!(code == 0 && err.contains("there already") && text.trim() == made.display().to_string(), "{text}{err}");
    std::fs::write(layout::metadata_path(made), "{}").expect("a file");
    let (code, _, err) = export(&["--from", "0.7", "--to", "f30"]);
    assert!(code != 0 && err.contains("s_clip_0s700"), "{err}");
    assert_eq!(files(&out).len(), before.len());
    let (code, _, err) = run(watchcap().args(["export", "clip", "--from", "1", "--out"]).arg(&old).arg(&old));
    assert!(code == 2 && err.contains("lies in a session"), "{err}");
    // What was damaged is not sealed anew.
    let path = layout::frames_path(&old);
    let mut bytes = std::fs::read(&path).expect("bytes");
    bytes[5000] ^= 1;
    std::fs::write(&path, bytes).expect("bytes");
    let (code, _, err) = export(&["--from", "0.2", "--to", "1.9"]);
    assert!(code == 1 && err.contains("not what was sealed"), "{err}");
}

#[test]
fn what_consent_does_not_cover_is_not_cut_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("out");
    let path = layout::metadata_path(&old);
    let text = std::fs::read_to_string(&path).expect("metadata");
    let mut metadata: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut export = |stream: &str, said: serde_json::Value| {
        for (name, given) in [("record_screen", true), ("record_input", true), ("record_audio", false)] {
            metadata["consent"][name] = if name == stream { said.clone() } else { given.into() };
        }
        std::fs::write(&path, metadata.to_string()).expect("metadata");
        seal::seal(&old, &[], &mut |_| {}).expect("a seal");
        run(watchcap().args(["export", "clip", "--from", "1"]).arg(&old).arg("--out").arg(&out))
    };
    for (stream, said) in [
        ("record_screen", false.into()),
        ("record_screen", ().into()),
        ("record_input", false.into()),
        ("record_input", ().into()),
    ] {
        let (code, _, err) = export(stream, said);
        assert!(code == 2 && err.contains("consent to it") && err.contains("hint: "), "{stream}: {code} {err}");
        assert!(!out.exists(), "something was left");
    }
    assert_eq!(export("record_audio", ().into()).0, 0);
    // A recording of the screen alone holds no input that could lack consent.
    let screen = synthetic(dir.path(), "screen", &["--consent", "screen"]);
    let (code, _, err) = run(watchcap().args(["export", "clip", "--from", "1"]).arg(&screen).arg("--out").arg(&out));
    assert_eq!(code, 0, "{err}");
}

/// ffmpeg puts a clip and its subtitles into one file without a complaint.
#[test]
fn ffmpeg_takes_video_and_subtitles_together() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = synthetic(dir.path(), "s", &[]);
    let mut source = Source::open(&old).expect("a session");
    let clip = excerpt::excerpt(&mut source, i64::MIN, i64::MAX, dir.path(), &mut |_| true).expect("a clip");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args([
        "-v",
        "warning",
        "-i",
        "excerpt.mp4",
        "-i",
        "excerpt.srt",
        "-c:v",
        "copy",
        "-c:s",
        "mov_text",
        "both.mp4",
    ]);
    let (code, _, err) = run(ffmpeg.current_dir(&clip.dir));
    assert!(code == 0 && err.trim().is_empty(), "{err}");
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", "both.mp4"]);
    let (_, out, err) = run(ffprobe.current_dir(&clip.dir));
    assert_eq!(out.lines().collect::<Vec<_>>(), ["h264", "mov_text"], "{err}");
}
