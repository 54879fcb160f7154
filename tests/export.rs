//! Exports: what is made is what docs/EXPORTS.md says, by the readers' own libraries; whole, private, the same again, and with consent.

use std::path::{Path, PathBuf};

use serde_json::Value;
use watchcap::export::mcap::{foxglove, owa};
use watchcap::export::space::Space;
use watchcap::export::{FORMATS, Options, actions, copy, dense};
use watchcap::media::frames::FrameReader;
use watchcap::session::{layout, seal};

use crate::support::{copy_tree, files, python, run, synthetic, watchcap};

fn export(format: &str, sessions: &[&Path], out: &Path, extra: &[&str]) -> (i32, String, String) {
    run(watchcap().args(["export", format]).args(sessions).arg("--out").arg(out).args(extra))
}

#[must_use = "the paths that were printed"]
fn exported(format: &str, sessions: &[&Path], out: &Path, extra: &[&str]) -> Vec<PathBuf> {
    let (code, stdout, err) = export(format, sessions, out, extra);
    assert_eq!(code, 0, "export {format} {extra:?}: {err}");
    stdout.lines().map(PathBuf::from).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("json")
}

/// Writes metadata changed by `change` into a session and seals it again.
fn with_metadata(session: &Path, change: impl FnOnce(&mut Value)) {
    let path = layout::metadata_path(session);
    let mut metadata = json(&path);
    change(&mut metadata);
    std::fs::write(&path, serde_json::to_vec_pretty(&metadata).expect("json")).expect("metadata");
    seal::seal(session, &[], &mut |_| {}).expect("a seal");
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.0.0")
}

#[test]
fn actions_are_what_the_events_say_in_every_version() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("out");
    let paths = exported("actions", &[&session], &out, &[]);
    assert_eq!(paths, [out.join("s.actions.parquet")]);
    let told = python("actions_check.py", &[&session, &paths[0]]);
    let number = |name: &str| -> u64 {
        let value = told.split_whitespace().find_map(|part| part.strip_prefix(name));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {told}"))
    };
    assert!(number("steps=") > 30 && number("events=") > 50 && number("held=") > 5, "{told}");

    // 1.0.0 is lifted: the same table comes out as from the session of today that holds the same rows.
    let file = dir.path().join("old.parquet");
    assert_eq!(exported("actions", &[&golden()], &file, &[]), [&*file]);
    let manifest = json(&dir.path().join("old.parquet.export.json"));
    assert_eq!(manifest["source"]["format_version"], "1.0.0");
    let rows = python("parquet_rows.py", &[&file]);
    assert_eq!(rows.trim(), json(&golden().join("metadata.json"))["frames"].to_string());
}

#[test]
fn frames_json_is_what_the_video_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--gop", "0.3"]);
    let file = dir.path().join("s.frames.json");
    assert_eq!(exported("frames-json", &[&session], dir.path(), &[]), [&*file]);
    let told = python("frames_json_check.py", &[&session, &file]);
    assert!(!told.contains("keyframes=1\n"), "{told}");
    let about = &json(&file)["watchcap"];
    let sum = seal::hash_file(&layout::integrity_path(&session), &mut |_| {}).expect("a hash").to_string();
    assert_eq!(about["source"]["integrity_sha256"], sum);
    assert_eq!(about["consent"]["how"], "synthetic");
    assert!(about["files"].is_null());
}

#[test]
fn a_proxy_has_the_same_frames_at_the_same_times() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--gop", "0.3"]);
    let file = dir.path().join("s.frames.json");
    let small = dir.path().join("s.160x120.mp4");
    let paths = exported("frames-json", &[&session], dir.path(), &["--resize", "160x120"]);
    assert_eq!(paths, [small.clone(), file.clone()]);
    let told = python("proxy_check.py", &[&session, &small, &file]);
    assert!(told.contains("frames="), "{told}");
    for bad in ["161x120", "8x8", "640x480"] {
        let (code, _, err) = export("frames-json", &[&session], &dir.path().join("bad"), &["--resize", bad]);
        assert!(code == 2 && err.contains("cannot be made") && err.contains("hint:"), "{bad}: {err}");
    }
}

#[test]
fn vpt_is_read_like_the_contractor_data() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let actions = dir.path().join("grid.parquet");
    assert_eq!(exported("actions", &[&session], &actions, &["--fps", "20"]).len(), 1);
    for (name, extra) in [("full", &[][..]), ("small", &["--resize", "160x120"])] {
        let out = dir.path().join(name);
        let paths = exported("vpt", &[&session], &out, extra);
        assert_eq!(paths, [out.join("s.mp4"), out.join("s.jsonl")]);
        let told = python("vpt_check.py", &[&session, &paths[0], &paths[1], &actions]);
        let busy =
            told.split_whitespace().find_map(|part| part.strip_prefix("acting=")).and_then(|n| n.parse::<u32>().ok());
        assert!(busy.is_some_and(|busy| busy > 10), "{told}");
    }
}

#[test]
fn shards_hold_clips_that_the_webdataset_package_reads() {
    let dir = tempfile::tempdir().expect("a folder");
    // A name with dots: the package takes what is behind the first one for an extension.
    let session = dir.path().join("s.with.dots");
    let (code, _, err) = run(watchcap()
        .args(["record", "--source", "synthetic", "--size", "640x480", "--duration", "3s", "--session", "s.with.dots"])
        .args(["--bitrate-kbps", "20000", "--gop", "0.3", "--out"])
        .arg(dir.path()));
    assert!(code == 0 || code == 3, "{err}");
    let tars = |dir: &Path| files(dir).into_iter().filter(|(name, _)| name.contains(".tar")).collect::<Vec<_>>();
    for (name, extra) in [("one", &[][..]), ("small", &["--resize", "96x64"]), ("val", &["--val-percent", "100"])] {
        let out = dir.path().join(name);
        let paths = exported("webdataset", &[&session], &out, &[&["--clip-seconds", "1"], extra].concat());
        assert!(name != "val" || paths[0].starts_with(out.join("val")), "{paths:?}");
        let told = python("webdataset_check.py", &[&session, &out]);
        assert!(told.contains("clips=3") || told.contains("clips=2"), "{told}");
        assert_eq!(told.contains("copied"), name != "small", "{told}");
        assert!(files(&out).iter().all(|(name, _)| !name.contains("proxy") && !name.contains(".tmp")));
        assert_eq!(tars(&out).len(), 1);
    }
    // A cap that no two clips fit into: a shard each. The next export replaces them.
    let part = dir.path().join("part");
    let many = exported("webdataset", &[&session], &part, &["--clip-seconds", "1", "--shard-mb", "1"]);
    let bytes: usize = tars(&part).iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(tars(&part).len() > 1 && !many.is_empty(), "{bytes} bytes in one shard show nothing");
    assert!(python("webdataset_check.py", &[&session, &part]).contains("copied"));
    assert_eq!(exported("webdataset", &[&session], &part, &["--clip-seconds", "1", "--replace"]).len(), 1);
    assert_eq!(tars(&part).len(), 1, "old shards were left");
}

#[test]
fn clips_leave_out_what_was_redacted_and_pass_over_what_nobody_accepted() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--gop", "0.3"]);
    let args = ["--from", "f20", "--to", "f24", "--mask", "0,0,50,50"];
    let (code, _, err) = run(watchcap().arg("redact").arg(&session).args(args));
    assert_eq!(code, 0, "{err}");
    let redacted = dir.path().join("s_redacted");
    let out = dir.path().join("out");
    let _paths = exported("webdataset", &[&redacted], &out, &["--exclude-redacted"]);
    let told = python("webdataset_check.py", &[&redacted, &out]);
    assert!(told.contains("clips=2"), "{told}");
    let frames: Vec<u64> =
        told.split_whitespace().filter_map(|part| part.strip_prefix("clip:")?.parse().ok()).collect();
    assert_eq!(frames[0], 20, "{told}");
    assert!(frames[1] > 24, "{told}");

    // Verdicts: none, on the whole, and on a part of it.
    let said = |verdict: &str, span: Option<(i64, i64)>| {
        let sum = seal::hash_file(&layout::integrity_path(&session), &mut |_| {}).expect("a hash").to_string();
        let line = serde_json::json!({
            "v": 1, "session_id": json(&layout::metadata_path(&session))["session_id"], "integrity_sha256": sum,
            "verdict": verdict, "from_ns": span.map(|s| s.0), "until_ns": span.map(|s| s.1), "note": "",
            "at": "2026-11-27T00:00:00Z", "by": null,
        });
        let path = layout::review_path(&session);
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, format!("{old}{line}\n")).expect("a review");
    };
    let accepted = dir.path().join("accepted");
    let steps = |format: &str, name: &str| {
        let (code, _, err) = export(format, &[&session], &accepted, &["--only-accepted", "--replace"]);
        assert_eq!(code, 0, "{err}");
        let path = accepted.join(name);
        assert_eq!(path.exists(), !err.contains("passed over"), "{err}");
        path.exists().then_some(path)
    };
    let plain = exported("actions", &[&session], &accepted, &[]);
    let all = python("parquet_rows.py", &[&plain[0]]).trim().parse::<i64>().expect("a number");
    assert_eq!(steps("actions", "s.actions.parquet"), None, "what was made before is still there");
    let rows: Vec<Value> = {
        let file = dir.path().join("all.parquet");
        assert_eq!(exported("actions", &[&session], &file, &[]).len(), 1);
        python("steps.py", &[&file]).lines().map(|line| serde_json::from_str(line).expect("json")).collect()
    };
    let time = |frame: usize| rows[frame]["t_ns"].as_i64().expect("a time");
    said("accept", Some((time(5), time(9))));
    let path = steps("actions", "s.actions.parquet").expect("a table");
    assert_eq!(python("parquet_rows.py", &[&path]).trim(), "5");
    assert_eq!(steps("frames-json", "s.frames.json"), None, "a part does not do");
    said("accept", None);
    let path = steps("actions", "s.actions.parquet").expect("a table");
    assert_eq!(python("parquet_rows.py", &[&path]).trim(), all.to_string());
    assert!(steps("frames-json", "s.frames.json").is_some());
    said("reject", None);
    assert_eq!(steps("frames-json", "s.frames.json"), None);
}

#[test]
fn mcap_is_the_table_and_what_owamcap_says_of_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("out");
    let paths = exported("mcap", &[&session], &out, &[]);
    assert_eq!(paths, [out.join("s.mp4"), out.join("s.mcap"), out.join("s.foxglove.mcap")]);
    let told = python("mcap_check.py", &[&session, &paths[1]]);
    assert!(told.contains("keyboard=") && told.contains("mouse/raw=") && told.contains("window="), "{told}");
    let told = python("foxglove_check.py", &[&session, &paths[2]]);
    assert!(told.contains("keyframes=4"), "{told}");
    assert!(
        std::fs::read(&paths[0]).expect("a video") == std::fs::read(layout::frames_path(&session)).expect("a video")
    );
}

#[test]
fn a_second_export_is_the_same_and_a_third_makes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, two) = (synthetic(dir.path(), "one", &[]), synthetic(dir.path(), "two", &[]));
    for format in FORMATS {
        let (a, b) = (dir.path().join("a").join(format.name()), dir.path().join("b").join(format.name()));
        for out in [&a, &b] {
            let paths = exported(format.name(), &[&one, &two], out, &[]);
            assert!(!paths.is_empty());
        }
        let made = files(&a);
        assert_eq!(made.len(), files(&b).len());
        for ((name, left), (_, right)) in made.iter().zip(&files(&b)) {
            assert!(left == right, "{}: {name} has other bytes", format.name());
            assert!(!name.contains(".tmp"), "{name} was left");
        }
        private(&a);

        // Nothing is made again; what is missing is.
        let stamp = |name: &str| a.join(name).metadata().and_then(|m| m.modified()).expect("a time");
        let before: Vec<_> = made.iter().map(|(name, _)| stamp(name)).collect();
        let (code, _, err) = export(format.name(), &[&one, &two], &a, &[]);
        assert!(code == 0 && err.contains("2 of them there already"), "{err}");
        assert_eq!(made.iter().map(|(name, _)| stamp(name)).collect::<Vec<_>>(), before);
        let manifest = json(&a.join(format!("two.{}.export.json", format.name())));
        let lost = manifest["files"][0]["name"].as_str().expect("a name").to_owned();
        std::fs::remove_file(a.join(&lost)).expect("a file to lose");
        let (code, out, err) = export(format.name(), &[&one, &two], &a, &["--json"]);
        assert!(code == 0 && err.contains("1 of them there already"), "{err}");
        let kept: Vec<_> =
            out.lines().map(|line| serde_json::from_str::<Value>(line).expect("json")["kept"].clone()).collect();
        assert_eq!(kept, [Value::Bool(true), Value::Bool(false)]);
        assert!(files(&a) == made, "{}: made again, it is something else", format.name());
    }
    // Another session under the same name, and other options, replace nothing unless that is asked for.
    let out = dir.path().join("a/actions");
    let before = std::fs::read(out.join("one.actions.parquet")).expect("a table");
    std::fs::remove_dir_all(&one).expect("a session to remove");
    copy_tree(&two, &one);
    for (extra, what) in [(&[][..], "another session that is named one"), (&["--fps", "10"], "another session")] {
        let (code, _, err) = export("actions", &[&one], &out, extra);
        assert!(code == 1 && err.contains(what) && err.contains("--replace"), "{code} {err}");
    }
    assert!(before == std::fs::read(out.join("one.actions.parquet")).expect("a table"));
    let _paths = exported("actions", &[&one], &out, &["--replace"]);
    assert!(before != std::fs::read(out.join("one.actions.parquet")).expect("a table"));
    let (code, _, err) = export("actions", &[&one], &out, &["--fps", "10"]);
    assert!(code == 1 && err.contains("with other options (fps)") && err.contains("--replace"), "{code} {err}");
    let (code, _, err) = export("actions", &[&one], &out, &["--fps", "10", "--replace"]);
    assert!(code == 0 && !err.contains("already"), "{err}");
}

#[cfg(unix)]
#[test]
fn an_export_that_was_killed_leaves_nothing_that_looks_whole_and_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, two) = (synthetic(dir.path(), "one", &[]), synthetic(dir.path(), "two", &[]));
    let (out, clean) = (dir.path().join("out"), dir.path().join("clean"));
    let _paths = exported("vpt", &[&one, &two], &clean, &[]);
    let mut command = watchcap();
    command.args(["export", "vpt"]).args([&one, &two]).arg("--out").arg(&out);
    let mut child = command.stderr(std::process::Stdio::null()).spawn().expect("the program");
    // Killed while the second session is being made.
    let begun = std::time::Instant::now();
    while !out.join("two.mp4.tmp").exists() {
        assert!(begun.elapsed() < std::time::Duration::from_mins(2), "the second session was never begun");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().expect("a program to kill");
    assert!(!child.wait().expect("its end").success());
    let left: Vec<_> = files(&out).into_iter().map(|(name, _)| name).filter(|name| name.starts_with("two")).collect();
    assert!(left.iter().all(|name| name.contains(".tmp")) && !left.is_empty(), "{left:?}");
    let (code, _, err) = export("vpt", &[&one, &two], &out, &[]);
    assert!(code == 0 && err.contains("1 of them there already"), "{err}");
    assert!(files(&out) == files(&clean), "it is not what a whole export makes");
}

#[cfg(unix)]
fn private(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| path.metadata().expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(dir), 0o700);
    for (name, _) in files(dir) {
        assert_eq!(mode(&dir.join(&name)), 0o600, "{name}");
    }
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[test]
fn a_grid_and_a_part_are_steps_of_the_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let table = |name: &str, extra: &[&str]| -> Vec<Value> {
        let file = dir.path().join(format!("{name}.parquet"));
        assert_eq!(exported("actions", &[&session], &file, extra).len(), 1);
        let told = python("steps.py", &[&file]);
        told.lines().map(|line| serde_json::from_str(line).expect("json")).collect()
    };
    let all = table("all", &[]);
    let number = |row: &Value, key: &str| row[key].as_i64().unwrap_or_else(|| panic!("{key} of {row}"));
    let times: Vec<i64> = all.iter().map(|row| number(row, "t_ns")).collect();

    let grid = table("grid", &["--fps", "12"]);
    let metadata = json(&layout::metadata_path(&session));
    let (first, began) = (times[0], metadata["clock"]["t0_ns"].as_i64().expect("a time"));
    let last = began + metadata["duration_ns"].as_i64().expect("a time");
    assert_eq!(grid.len() as i64, (last - first) * 12 / 1_000_000_000 + 1);
    for (n, row) in grid.iter().enumerate() {
        let t = number(row, "t_ns");
        assert_eq!(t, first + n as i64 * 1_000_000_000 / 12);
        assert_eq!(number(row, "until_ns"), first + (n as i64 + 1) * 1_000_000_000 / 12);
        let frame = times.iter().rposition(|taken| *taken <= t).expect("a frame");
        assert_eq!((number(row, "frame_ref"), number(row, "frame_t_ns")), (frame as i64, times[frame]));
    }
    // Every input of the grid's time is in exactly one step.
    let events = |rows: &[Value]| rows.iter().map(|row| number(row, "events")).sum::<i64>();
    let fine = table("fine", &["--fps", "240"]);
    assert!(events(&fine) > 0 && events(&grid) >= events(&fine) && events(&all) >= events(&grid));

    let part = table("part", &["--from", "f10", "--to", "f19"]);
    assert_eq!(part.len(), 10);
    for (row, whole) in part.iter().zip(&all[10..20]) {
        let mut whole = whole.clone();
        whole["step"] = row["step"].clone();
        assert_eq!(*row, whole);
    }
}

#[test]
fn what_was_redacted_can_be_left_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let args = ["--from", "f20", "--to", "f24", "--keys", "--mask", "0,0,50,50"];
    let (code, _, err) = run(watchcap().arg("redact").arg(&session).args(args));
    assert_eq!(code, 0, "{err}");
    let redacted = dir.path().join("s_redacted");
    let frames = |extra: &[&str]| -> Vec<i64> {
        let file = dir.path().join("x.parquet");
        assert_eq!(exported("actions", &[&redacted], &file, &[extra, &["--replace"]].concat()).len(), 1);
        let told = python("steps.py", &[&file]);
        told.lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("json")["frame_ref"].as_i64().expect("a number"))
            .collect()
    };
    let all = frames(&[]);
    let kept = frames(&["--exclude-redacted"]);
    let gone: Vec<i64> = all.iter().copied().filter(|frame| !kept.contains(frame)).collect();
    // The area stays black to the end of the group of pictures.
    let video = FrameReader::open(&layout::frames_path(&redacted)).expect("a video");
    let end = (25..video.len()).find(|frame| video.is_keyframe(*frame) == Some(true)).expect("a keyframe");
    assert_eq!(gone, (20..end as i64).collect::<Vec<_>>());
    let manifest = json(&dir.path().join("x.parquet.export.json"));
    assert_eq!(manifest["options"]["exclude_redacted"], true);
    assert_eq!(manifest["lineage"][0]["what"], serde_json::json!(["pixels", "keys", "titles"]));
}

#[test]
fn what_must_not_be_exported_is_refused_and_nothing_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("out");
    let refused = |format: &str, sessions: &[&Path], out: &Path, extra: &[&str], code: i32, what: &str| {
        let (found, stdout, err) = export(format, sessions, out, extra);
        assert_eq!(found, code, "{format} {extra:?}: {stdout}{err}");
        assert!(err.contains(what) && err.contains("hint: "), "{format} {extra:?}: {err}");
        assert!(!err.contains("hint: \n"), "{format} {extra:?}: the hint says nothing");
        assert!(stdout.is_empty(), "{stdout}");
    };
    let nothing = |dir: &Path| assert!(!dir.exists() || files(dir).is_empty(), "{} is not empty", dir.display());

    // Consent: refused, and not said.
    let private = dir.path().join("private");
    copy_tree(&session, &private);
    for said in [Value::Bool(false), Value::Null] {
        with_metadata(&private, |metadata| metadata["consent"]["record_input"] = said);
        refused("actions", &[&private], &out, &[], 2, "consent to the input");
        nothing(&out);
    }
    assert_eq!(exported("frames-json", &[&private], &dir.path().join("p.json"), &[]).len(), 1);
    with_metadata(&private, |metadata| metadata["consent"]["record_screen"] = false.into());
    refused("frames-json", &[&private], &out, &[], 2, "consent to the screen");

    // Damage, unless nobody wants to know.
    let damaged = dir.path().join("damaged");
    copy_tree(&session, &damaged);
    let path = layout::frames_path(&damaged);
    let mut bytes = std::fs::read(&path).expect("bytes");
    bytes[5000] ^= 1;
    std::fs::write(&path, bytes).expect("bytes");
    refused("actions", &[&damaged], &out, &[], 1, "frames.mp4 was changed");
    nothing(&out);
    assert_eq!(exported("actions", &[&damaged], &dir.path().join("d.parquet"), &["--no-verify"]).len(), 1);

    // Logs, folders, names, places, options.
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    refused("actions", &[&log], &out, &[], 1, "watchcap finalize");
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    refused("actions", &[&empty], &out, &[], 1, "no sealed session");
    refused("actions", &[&dir.path().join("missing")], &out, &[], 1, "no folder");
    let other = dir.path().join("deep");
    copy_tree(&session, &other.join("s"));
    refused("actions", &[&session, &other.join("s")], &out, &[], 2, "named s");
    refused("actions", &[&session, &damaged], &dir.path().join("x.parquet"), &[], 2, "one file");
    refused("actions", &[&session], &session.join("out"), &[], 2, "inside a session");
    refused("actions", &[&session], &session, &[], 2, "inside a session");
    refused("frames-json", &[&session], &out, &["--fps", "10"], 2, "does not take --fps");
    refused("actions", &[&session], &out, &["--from", "soon"], 2, "'soon'");
    refused("actions", &[&session], &out, &["--from", "5", "--to", "1"], 2, "before it begins");
    refused("actions", &[&session], &out, &["--from", "9999"], 2, "outside of the session");
    assert!(!out.exists(), "folders were left");
    let (code, _, err) = export("nothing", &[&session], &out, &[]);
    assert!(code == 2 && err.contains("frames-json"), "{err}");
    let (code, _, err) = run(watchcap().args(["verify"]).arg(&session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn two_editions_of_a_recording_never_share_the_names_that_are_made_of_its_id() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let args = ["--from", "0", "--to", "99", "--mask", "0,0,16,16"];
    let (code, _, err) = run(watchcap().arg("redact").arg(&session).args(args));
    assert_eq!(code, 0, "{err}");
    let redacted = dir.path().join("s_redacted");
    for format in ["webdataset", "lerobot"] {
        let out = dir.path().join(format);
        for both in [[&*redacted, &*session], [&*session, &*redacted]] {
            let (code, _, err) = export(format, &both, &out, &[]);
            assert!(code == 2 && err.contains("of the same recording") && err.contains("hint: "), "{code} {err}");
            assert!(!out.exists(), "{format} was begun");
        }
        let _paths = exported(format, &[&redacted], &out, &[]);
        let before = files(&out);
        // Other options, too: the one in `train` and the other in `val` would be no better.
        let other: &[&str] = if format == "webdataset" { &["--val-percent", "100"] } else { &["--fps", "10"] };
        for extra in [&[][..], other] {
            let (code, _, err) = export(format, &[&session], &out, extra);
            assert!(code == 1 && err.contains("s_redacted") && err.contains("hint: "), "{code} {err}");
            assert!(files(&out) == before, "{format} changed what was there");
        }
        // The same one again is made again. So it is when that was interrupted, and then no other is made there either.
        let _paths = exported(format, &[&redacted], &out, &[other, &["--replace"]].concat());
        let manifest = out.join(format!("s_redacted.{format}.export.json"));
        std::fs::rename(&manifest, out.join(format!("s_redacted.{format}.export.json.begun"))).expect("a name");
        let (code, _, err) = export(format, &[&session], &out, &[]);
        assert!(code == 1 && err.contains("s_redacted"), "{code} {err}");
        let _paths = exported(format, &[&redacted], &out, other);
        assert!(manifest.exists() && !files(&out).iter().any(|(name, _)| name.contains(".begun")));
    }
    // Where names are those of the folders, both are there.
    assert_eq!(exported("actions", &[&session, &redacted], &dir.path().join("actions"), &[]).len(), 2);
}

#[test]
fn nothing_is_replaced_but_what_the_same_export_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    let out = dir.path().join("out");
    let refused = |format: &str, session: &Path, out: &Path, there: &Path, what: &str| {
        let before = std::fs::read(there).expect("a file");
        let beside = files(dir.path()).len();
        let (code, _, err) = export(format, &[session], out, &[]);
        assert!(code == 1 && err.contains(what) && err.contains("hint: "), "{format}: {code} {err}");
        assert!(std::fs::read(there).expect("a file") == before, "{format} replaced {}", there.display());
        assert_eq!(files(dir.path()).len(), beside, "{format} left something");
    };
    std::fs::create_dir_all(out.join("meta")).expect("a folder");
    for (format, name) in [
        ("actions", "s.actions.parquet"),
        ("actions", "s.actions.export.json"),
        ("frames-json", "s.frames.json"),
        ("vpt", "s.mp4"),
        ("vpt", "s.jsonl"),
        ("mcap", "s.mcap"),
        ("mcap", "s.mp4"),
        ("lerobot", "meta/info.json"),
        ("lerobot", "meta/stats.json"),
    ] {
        let precious = out.join(name);
        std::fs::write(&precious, "precious").expect("a file");
        refused(format, &session, &out, &precious, "no manifest of an export");
        std::fs::remove_file(&precious).expect("a file");
    }
    let precious = dir.path().join("precious.parquet");
    std::fs::write(&precious, "precious").expect("a file");
    refused("actions", &session, &precious, &precious, "no manifest of an export");
    let other = dir.path().join("t");
    copy_tree(&session, &other);
    let file = dir.path().join("x.parquet");
    assert_eq!(exported("actions", &[&session], &file, &[]).len(), 1);
    refused("actions", &other, &file, &file, "actions of s");
    assert_eq!(exported("actions", &[&session], &file, &["--fps", "10", "--replace"]).len(), 1);

    // Two formats that call a video alike.
    let paths = exported("vpt", &[&session], &out, &[]);
    refused("mcap", &session, &out, &paths[0], "vpt of s");
    let paths = exported("mcap", &[&session], &dir.path().join("mcap"), &[]);
    refused("vpt", &session, &dir.path().join("mcap"), &paths[0], "mcap of s");

    // Interrupted while files got their names: what the note beside the manifest says is ours is made anew.
    let clean = files(&out);
    let manifest = out.join("s.vpt.export.json");
    std::fs::rename(&manifest, out.join("s.vpt.export.json.begun")).expect("a name");
    std::fs::write(out.join("s.mp4"), "half").expect("a file");
    let _paths = exported("vpt", &[&session], &out, &[]);
    assert!(files(&out) == clean, "it is not what a whole export makes");
}

/// The cells of the table behind a mark in docs/EXPORTS.md.
fn documented(name: &str) -> Vec<Vec<String>> {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/EXPORTS.md")).expect("docs/EXPORTS.md");
    let (_, behind) = document.split_once(&format!("<!-- table: {name} -->\n")).expect("the table is marked");
    let rows = behind.lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_document_says_what_the_code_does() {
    let formats: Vec<Vec<String>> = FORMATS
        .iter()
        .map(|format| {
            let takes: Vec<_> = format.takes().iter().map(|opt| format!("`{}`", opt.flag())).collect();
            let needs: Vec<_> = format.needs().iter().map(|stream| format!("`{}`", stream.name())).collect();
            vec![format!("`{}`", format.name()), takes.join(", "), needs.join(" ")]
        })
        .collect();
    let told: Vec<Vec<String>> =
        documented("formats").into_iter().map(|row| vec![row[0].clone(), row[2].clone(), row[3].clone()]).collect();
    assert_eq!(told, formats);
    for (table, topics) in [("owa topics", &owa::TOPICS[..]), ("foxglove topics", &foxglove::TOPICS[..])] {
        let told: Vec<_> = documented(table).into_iter().map(|row| row[..2].to_vec()).collect();
        let topics: Vec<_> =
            topics.iter().map(|topic| vec![format!("`{}`", topic.name), format!("`{}`", topic.schema)]).collect();
        assert_eq!(told, topics, "{table}");
    }
    for (table, columns) in [("actions columns", actions::columns()), ("video columns", copy::columns())] {
        let told: Vec<Vec<String>> = documented(table).into_iter().map(|row| row[..3].to_vec()).collect();
        assert_eq!(told, described(&columns), "{table}");
    }
    // Numbers by choice: every column is in the table, alone or in a range.
    let options =
        Options { keys: Some("KeyW".parse().expect("keys")), mouse: true, pointer: true, ..Options::default() };
    let dense = dense::columns(&Space::chosen(&options).expect("a choice"));
    let told: String = documented("dense columns").into_iter().map(|row| row[0].clone() + " ").collect();
    let times = ["frame_ref", "t_ns", "until_ns", "frame_t_ns"];
    for column in described(&dense).into_iter().filter(|column| !times.contains(&column[0].trim_matches('`'))) {
        assert!(told.contains(&column[0]), "{} is not in the document", column[0]);
    }
}

/// Name, type and nullability of columns, as the document writes them.
fn described(columns: &arrow_schema::Schema) -> Vec<Vec<String>> {
    columns
        .fields()
        .iter()
        .map(|field| {
            let kind = match field.data_type().to_string().to_lowercase() {
                kind if kind.starts_with("fixedsizelist") => "uint8[32]".to_owned(),
                kind if kind == "boolean" => "bool".to_owned(),
                kind if kind == "utf8" => "string".to_owned(),
                kind => kind,
            };
            let null = if field.is_nullable() { "null" } else { "not null" };
            vec![format!("`{}`", field.name()), kind, null.to_owned()]
        })
        .collect()
}
