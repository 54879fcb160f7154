//! `export lerobot` and what its grid, its video and its actions promise, by the rules of LeRobot's loader written down once more
//! (`tests/consumers.rs` asks the package itself).

use std::path::{Path, PathBuf};

use serde_json::Value;
use watchcap::base::id::FrameRef;
use watchcap::base::time::MonoNs;
use watchcap::encode::Masked;
use watchcap::export::video::VideoOut;
use watchcap::media::picture::{FrameStamp, Planar};
use watchcap::session::{layout, seal};

use crate::support::{files, python, run, synthetic, watchcap};

fn export(format: &str, sessions: &[&Path], out: &Path, extra: &[&str]) -> (i32, String, String) {
    run(watchcap().args(["export", format]).args(sessions).arg("--out").arg(out).args(extra))
}

fn exported(format: &str, sessions: &[&Path], out: &Path, extra: &[&str]) -> String {
    let (code, _, err) = export(format, sessions, out, extra);
    assert_eq!(code, 0, "export {format} {extra:?}: {err}");
    err
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("json")
}

#[test]
fn a_gamepad_is_in_action_and_state_when_it_was_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let with = synthetic(dir.path(), "with", &["--gamepads", "on"]);
    let without = synthetic(dir.path(), "without", &[]);
    let (out, plain) = (dir.path().join("out"), dir.path().join("plain"));
    exported("lerobot", &[&with], &out, &["--fps", "20", "--keys", "KeyW,KeyA", "--gamepad"]);
    let told = python("lerobot_check.py", &[&out, &with]);
    assert!(told.contains("episodes=1 "), "{told}");
    // Not asked for: it is said, and the shape is what it was.
    let err = exported("lerobot", &[&with], &plain, &["--fps", "20"]);
    assert!(err.contains("what gamepads did is left out; --gamepad"), "{err}");
    let _printed = python("lerobot_check.py", &[&plain, &with]);
    // Of a session in which nobody listened for gamepads nothing is known of them.
    let (code, _, err) = export("lerobot", &[&without], &dir.path().join("none"), &["--gamepad"]);
    assert!(code != 0 && err.contains("hint"), "{code}: {err}");

    let actions = dir.path().join("actions");
    exported("actions", &[&with], &actions, &["--gamepad", "--fps", "25"]);
    let told = python("gamepads.py", &[&with, &actions.join("with.actions.parquet")]);
    assert!(self::told(&told, "moved=") > 20, "{told}");
    for format in ["vpt", "webdataset", "computer-use"] {
        let err = exported(format, &[&with], &dir.path().join(format), &[]);
        assert!(err.contains("what gamepads did is left out"), "{format}: {err}");
        let err = exported(format, &[&without], &dir.path().join(format).join("b"), &[]);
        assert!(!err.contains("gamepads"), "{format}: {err}");
    }
    let err = exported("frames-json", &[&with], &dir.path().join("frames"), &[]);
    assert!(!err.contains("gamepads"), "{err}");
}

/// Changes a session's metadata and seals it again.
fn with_metadata(session: &Path, change: impl FnOnce(&mut Value)) {
    let path = layout::metadata_path(session);
    let mut metadata = json(&path);
    change(&mut metadata);
    std::fs::write(&path, serde_json::to_vec_pretty(&metadata).expect("json")).expect("metadata");
    seal::seal(session, &[], &mut |_| {}).expect("a seal");
}

/// Takes the motion of a part of a session away, and seals it again.
fn without_motion(session: &Path, from: &str, until: &str) {
    let _printed = python("unknown_motion.py", &[session, Path::new(from), Path::new(until)]);
    seal::seal(session, &[], &mut |_| {}).expect("a seal");
}

fn told(text: &str, name: &str) -> usize {
    let value = text.split_whitespace().find_map(|part| part.strip_prefix(name));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn lerobot_reads_every_index_of_its_dataset() {
    let dir = tempfile::tempdir().expect("a folder");
    let names = ["one", "two", "three"];
    let sessions = names.map(|name| synthetic(dir.path(), name, &[]));
    let [one, two, three] = sessions.each_ref().map(PathBuf::as_path);
    with_metadata(two, |metadata| metadata["game"] = "tetris".into());
    let out = dir.path().join("out");
    let check = |sessions: &[&Path], count: usize| {
        let told = python("lerobot_check.py", &[&[out.as_path()], sessions].concat());
        assert!(told.contains(&format!("episodes={count} ")), "{told}");
        told
    };
    exported("lerobot", &[two, three], &out, &["--fps", "20"]);
    assert!(check(&[two, three], 2).contains("tasks=2"));

    // Behind those that are there, before them, between them, the other way round, without one: files sort as episodes do.
    exported("lerobot", &[two, three, one], &out, &["--fps", "20"]);
    let _printed = check(&[two, three, one], 3);
    for order in [[one, two, three], [three, two, one], [two, one, three]] {
        exported("lerobot", &order, &out, &["--fps", "20"]);
        let _printed = check(&order, 3);
    }
    let err = exported("lerobot", &[two, one], &out, &["--fps", "20"]);
    assert!(err.contains("2 of them there already"), "what kept its place was made anew: {err}");
    let _printed = check(&[two, one], 2);
    exported("lerobot", &[one], &out, &["--fps", "20"]);
    assert!(check(&[one], 1).contains("tasks=1"));
    let left: Vec<_> = files(&out).into_iter().map(|(name, _)| name).filter(|name| !name.contains("meta/")).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn files_that_are_not_of_the_dataset_are_not_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = synthetic(dir.path(), "one", &[]);
    let out = dir.path().join("out");
    let own = out.join("data/chunk-000/file-000.parquet");
    std::fs::create_dir_all(own.parent().expect("a folder")).expect("a folder");
    std::fs::write(&own, b"mine").expect("a file");
    let (code, _, err) = export("lerobot", &[&one], &out, &[]);
    assert!(
        code == 1 && err.contains("no manifest") && std::fs::read(&own).expect("a file") == b"mine",
        "{code} {err}"
    );
}

#[test]
fn sessions_of_other_sizes_are_refused_before_any_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = synthetic(dir.path(), "one", &[]);
    let small = dir.path().join("small");
    let (code, _, err) = run(watchcap()
        .args([
            "record",
            "--source",
            "synthetic",
            "--size",
            "256x192",
            "--duration",
            "1s",
            "--session",
            "small",
            "--out",
        ])
        .arg(dir.path()));
    assert!(code == 0 || code == 3, "{err}");
    let mixed = dir.path().join("mixed");
    let (code, _, err) = export("lerobot", &[&one, &small], &mixed, &["--fps", "20"]);
    assert!(code == 1 && err.contains("256x192") && err.contains("--resize"), "{code} {err}");
    assert!(!mixed.exists(), "sessions that do not fit together were begun");
    exported("lerobot", &[&one, &small], &mixed, &["--fps", "20", "--resize", "160x120"]);
    assert!(python("lerobot_check.py", &[&mixed, &one, &small]).contains("episodes=2"));
}

#[test]
fn an_action_holds_what_was_chosen() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = synthetic(dir.path(), "one", &[]);
    let names = |out: &Path| json(&out.join("meta/info.json"))["features"]["action"]["names"].clone();
    let out = dir.path().join("keys");
    exported("lerobot", &[&one], &out, &["--keys", "KeyW,KeyA", "--mouse"]);
    let _printed = python("lerobot_check.py", &[&out, &one]);
    assert_eq!(names(&out).as_array().map(Vec::len), Some(2 + 5 + 4));
    assert_eq!(names(&out)[0], "KeyW");
    let out = dir.path().join("pointer");
    exported("lerobot", &[&one], &out, &["--pointer"]);
    let _printed = python("lerobot_check.py", &[&out, &one]);
    assert_eq!(names(&out)[5], "mouse_x");
    let out = dir.path().join("one-key");
    exported("lerobot", &[&one], &out, &["--keys", "KeyW"]);
    let (code, _, err) = export("lerobot", &[&one], &out, &["--keys", "w"]);
    assert!(code == 2 && err.contains("there is KeyW"), "{code} {err}");
}

#[test]
fn what_nobody_knows_is_left_out_or_named_and_never_zero() {
    let dir = tempfile::tempdir().expect("a folder");
    let one = synthetic(dir.path(), "one", &[]);
    without_motion(&one, "0.4", "0.6");
    let out = dir.path().join("out");
    let err = exported("lerobot", &[&one], &out, &[]);
    assert!(err.contains("steps of one are left out") && err.contains("--keep-unknown"), "{err}");
    let manifest = json(&out.join("one.lerobot.export.json"));
    let left_out = manifest["told"]["left_out"].as_u64().expect("a number");
    assert_eq!(python("unknown_rows.py", &[&out]).trim(), "known=true nan=0");

    let kept = dir.path().join("kept");
    exported("lerobot", &[&one], &kept, &["--keep-unknown"]);
    let printed = python("unknown_rows.py", &[&kept]);
    assert_eq!(printed.trim(), format!("known=false nan={left_out}"));

    // Without motion at all: steps in which nothing moved have a known motion of 0, the others are said.
    for extra in [&[][..], &["--mouse"]] {
        let (code, _, err) = export("lerobot", &[&one], &dir.path().join(format!("none{}", extra.len())), extra);
        assert!(code == 0 || code == 1 && err.contains("hint: ") && err.contains("--pointer"), "{code} {err}");
        assert!(code == 1 || err.contains("are left out"), "{err}");
    }
    exported("lerobot", &[&one], &dir.path().join("pointer"), &["--pointer"]);
    exported("lerobot", &[&one], &dir.path().join("keys"), &["--keys", "KeyW"]);
}

/// A video of still pictures at a rate, as exports write it.
fn still(path: &Path, fps: u32, frames: usize) {
    let picture = Masked::not_captured(Planar::yuv420(64, 48));
    let mut video = VideoOut::create_constant(path, (64, 48), fps).expect("a video");
    for n in 0..frames {
        let stamp = FrameStamp { frame_ref: FrameRef(n as u64), t: MonoNs(n as i64 * 1_000_000_000 / i64::from(fps)) };
        video.push_next(&picture, n > 0, stamp).expect("a picture");
    }
    video.finish().expect("an index");
}

#[test]
fn a_reader_that_computes_its_frames_finds_each_at_every_rate() {
    let dir = tempfile::tempdir().expect("a folder");
    for fps in [1, 7, 15, 20, 24, 25, 30, 50, 60, 90, 120, 144, 240] {
        let path = dir.path().join(format!("{fps}.mp4"));
        still(&path, fps, 400);
        let printed = python("seek.py", &[&path, Path::new(&fps.to_string()), Path::new("400")]);
        assert!(printed.contains("frames=400 wrong=0"), "{fps}: {printed}");
    }
}

#[test]
fn a_grid_reaches_the_end_of_a_recording_that_stands_still() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    // As one whose screen stood still for four seconds more: nothing in the table, and the metadata say when it ended.
    with_metadata(&session, |metadata| {
        let length = metadata["duration_ns"].as_i64().expect("a number");
        metadata["duration_ns"] = (length + 4_000_000_000).into();
    });
    let length = json(&layout::metadata_path(&session))["duration_ns"].as_i64().expect("a number") as f64 / 1e9;
    for (format, file, fps) in
        [("vpt", "s.mp4", 20), ("lerobot", "videos/observation.images.screen/chunk-000/file-000.mp4", 30)]
    {
        let out = dir.path().join(format);
        exported(format, &[&session], &out, &[]);
        let printed = python("seek.py", &[&out.join(file), Path::new(&fps.to_string())]);
        let seconds = told(&printed, "frames=") as f64 / f64::from(fps);
        assert!((length - seconds).abs() < 0.5, "{format}: {seconds} of {length}");
    }
    let grid = dir.path().join("grid.parquet");
    exported("actions", &[&session], &grid, &["--fps", "20"]);
    let rows = python("parquet_rows.py", &[&grid]).trim().parse::<f64>().expect("a number");
    assert!((length - rows / 20.0).abs() < 0.5, "{rows}");
}
