//! `watchcap migrate`: the new session says what the old one said and verifies, the old one is not touched, and whatever interrupts it,
//! one of the two is whole and the next run ends the work.

use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use watchcap::base::progress::Step;
use watchcap::derive::migrate::run::{Wanted, migrate};
use watchcap::session::edition;
use watchcap::session::review::Review;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::OwnedRow;
use watchcap::session::table::schema::Version;
use watchcap::session::{layout, seal};

use crate::support::{Running, copy_tree, files, mark, python, run, synthetic, watchcap};

const TO: Version = Version { major: 1, minor: 3 };
const IN_PLACE: Wanted = Wanted { to: TO, in_place: true, dry_run: false };
const BESIDE: Wanted = Wanted { in_place: false, ..IN_PLACE };

/// A copy of the session that the released code of 1.0.0 made.
fn old_session(dir: &Path, name: &str) -> PathBuf {
    let session = dir.join(name);
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.0.0"), &session);
    session
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

fn set_version(session: &Path, version: &str) {
    let path = layout::metadata_path(session);
    let text = std::fs::read_to_string(&path).expect("metadata");
    let changed =
        text.replacen("\"format_version\": \"1.", &format!("\"format_version\": \"{version}\", \"was\": \"1."), 1);
    assert_ne!(text, changed);
    std::fs::write(&path, changed).expect("metadata");
    seal::seal(session, &[], &mut |_| {}).expect("a seal");
}

/// A line of `review.jsonl` about what is in `session` now.
fn remark_on(session: &Path, verdict: &str) -> String {
    let id = &metadata(session)["session_id"];
    let seal = edition::identity(session).expect("a seal");
    format!(
        "{{\"v\":1,\"session_id\":{id},\"integrity_sha256\":\"{seal}\",\"verdict\":\"{verdict}\",\"from_ns\":null,\"until_ns\":null,\
         \"note\":\"good\",\"at\":\"2026-11-25T10:00:00.000000000Z\",\"by\":\"me\"}}\n"
    )
}

fn rows(session: &Path) -> Vec<OwnedRow> {
    SessionReader::open(session).expect("a session").events().rows().collect::<Result<_, _>>().expect("rows")
}

fn whole(session: &Path) {
    assert_eq!(edition::fault(session, true, &mut |_| {}), None, "{}", session.display());
}

/// Runs the command with `--json`; answers with its lines.
fn told(args: &[&str], sessions: &[&Path]) -> Vec<Value> {
    let (code, out, err) = run(watchcap().args(["migrate", "--json"]).args(args).args(sessions));
    assert_eq!(code, 0, "{err}");
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_session_of_1_0_0_becomes_one_of_1_3_0_beside_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = old_session(dir.path(), "s");
    // What later recorders and other people wrote is kept.
    let text = std::fs::read_to_string(layout::metadata_path(&old)).expect("metadata");
    let added = text.replacen('{', "{\n  \"somebody\": {\"else\": [1, null]},", 1);
    std::fs::write(layout::metadata_path(&old), added).expect("metadata");
    std::fs::create_dir(layout::debug_dir(&old)).expect("a folder");
    std::fs::write(layout::debug_dir(&old).join("frame_0000000003.png"), "a picture").expect("a file");
    seal::seal(&old, &[], &mut |_| {}).expect("a seal");
    let remark = remark_on(&old, "accept");
    std::fs::write(layout::review_path(&old), &remark).expect("a review");
    let before = files(&old);

    let planned = &told(&["--dry-run"], &[&old])[0];
    assert_eq!((&planned["state"], &planned["rows"], &planned["frames"]), (&"planned".into(), &228.into(), &30.into()));
    assert_eq!(names(dir.path()), ["s"], "a dry run wrote something");

    let done = &told(&[], &[&old])[0];
    let new = dir.path().join("s_1_3_0");
    assert_eq!((&done["state"], &done["result"]), (&"migrated".into(), &new.to_str().expect("text").into()), "{done}");
    assert_eq!(planned["result"], done["result"]);
    assert_eq!(names(dir.path()), ["s", "s_1_3_0"]);
    assert_eq!(files(&old), before, "the old session was touched");
    whole(&new);
    assert!(!python("acceptance.py", &[&new]).is_empty());

    let (was, is) = (rows(&old), rows(&new));
    assert_eq!(was.len(), is.len());
    for (was, is) in was.iter().zip(&is) {
        assert_ne!(was.hash, is.hash, "a row kept the hash of another version");
        assert!(OwnedRow { hash: is.hash.clone(), ..was.clone() } == *is, "row {} changed", is.seq);
    }
    let reader = SessionReader::open(&new).expect("a session");
    assert_eq!((reader.events().version(), reader.events().column_count()), (TO, 23));

    let (was, is) = (metadata(&old), metadata(&new));
    assert_eq!((&is["format_version"], &is["somebody"]), (&"1.3.0".into(), &was["somebody"]));
    for key in ["session_id", "watchcap", "counts", "clock", "frames", "streams", "captured_at", "end_reason"] {
        assert_eq!(was[key], is[key], "{key}");
    }
    let step = &is["lineage"][0];
    assert_eq!(step["integrity_sha256"], edition::identity(&old).expect("a seal").to_string());
    assert_eq!(
        (&step["format"], &step["reason"], &step["from_ns"]),
        (&"1.0.0".into(), &"migrated".into(), &Value::Null)
    );
    let (old_files, new_files) = (files(&old), files(&new));
    for name in ["frames.mp4", "debug/frame_0000000003.png"] {
        let of = |files: &[(String, Vec<u8>)]| files.iter().find(|(n, _)| n == name).expect("a file").1.clone();
        assert!(of(&old_files) == of(&new_files), "{name}");
    }
    // What was said of the old one holds of the new one, which is the same.
    let review = Review::read(&new).expect("a review");
    assert!(review.is_accepted() && review.remarks.len() == 1 && review.remarks[0].note == "good");
    // The video's bytes are not on the disk twice.
    let inode = |session: &Path| std::fs::metadata(layout::frames_path(session)).expect("a video").ino();
    match done["video"].as_str() {
        Some("linked") => assert_eq!(inode(&old), inode(&new)),
        other => assert_eq!(other, Some("cloned")),
    }

    // Doing it again changes nothing.
    let before = files(dir.path());
    let again = told(&[], &[&old, &new]);
    let states: Vec<_> = again.iter().map(|line| (line["state"].as_str(), line["result"].clone())).collect();
    let result = done["result"].clone();
    assert_eq!(states, [(Some("already_migrated"), result.clone()), (Some("current"), result)]);
    assert_eq!(files(dir.path()), before);
}

#[test]
fn in_place_leaves_one_session_of_that_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = old_session(dir.path(), "s");
    let (was, identity) = (rows(&old), edition::identity(&old).expect("a seal").to_string());
    let done = &told(&["--in-place"], &[&old])[0];
    assert_eq!((&done["state"], &done["result"]), (&"migrated".into(), &old.to_str().expect("text").into()));
    assert_eq!(names(dir.path()), ["s"], "something was left behind");
    whole(&old);
    assert_eq!(rows(&old).len(), was.len());
    assert_eq!(metadata(&old)["lineage"][0]["integrity_sha256"], identity);
    // A session that was migrated can be redacted, and says both.
    let (code, _, err) =
        run(watchcap().arg("redact").arg(&old).args(["--from", "0", "--to", "1", "--keys", "--replace"]));
    assert_eq!(code, 0, "{err}");
    let by: Vec<_> = metadata(&old)["lineage"].as_array().expect("steps").iter().map(|s| s["by"].to_string()).collect();
    assert!(by.len() == 2 && by[0].contains("migrate") && by[1].contains("redact"), "{by:?}");
    whole(&old);
}

/// The steps of a run, each once.
fn steps(wanted: Wanted) -> Vec<(&'static str, u64)> {
    let dir = tempfile::tempdir().expect("a folder");
    let session = old_session(dir.path(), "s");
    let mut steps = Vec::new();
    migrate(&session, wanted, &mut |step: Step| steps.push((step.what, step.done))).expect("a session");
    steps.dedup();
    steps
}

#[test]
fn stopped_at_each_step_the_old_session_is_whole_and_the_next_run_ends_the_work() {
    for wanted in [BESIDE, IN_PLACE] {
        let steps = steps(wanted);
        assert!(steps.len() >= 3, "{steps:?}");
        let reference = tempfile::tempdir().expect("a folder");
        let session = old_session(reference.path(), "s");
        migrate(&session, wanted, &mut |_| {}).expect("a session");
        let expected = files(reference.path());
        for at in steps {
            let dir = tempfile::tempdir().expect("a folder");
            let session = old_session(dir.path(), "s");
            let before = files(&session);
            // Stopped twice at the same step, then run to the end.
            for _ in 0..2 {
                let stop =
                    || migrate(&session, wanted, &mut |step| assert!((step.what, step.done) != at, "stopped here"));
                assert!(catch_unwind(AssertUnwindSafe(stop)).is_err(), "{at:?} was not reached");
                assert_eq!(files(&session), before, "stopped at {at:?}, the old session is another one");
            }
            migrate(&session, wanted, &mut |_| {}).expect("a session");
            assert!(files(dir.path()) == expected, "stopped at {at:?}: {:?}", names(dir.path()));
        }
    }
}

#[test]
fn a_session_of_1_1_0_becomes_one_of_1_3_0() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.1.0"), &session);
    let was = metadata(&session);
    assert_eq!(told(&["--in-place"], &[&session])[0]["state"], "migrated");
    whole(&session);
    assert!(!python("acceptance.py", &[&session]).is_empty());
    let is = metadata(&session);
    assert_eq!((&is["format_version"], &is["lineage"][0]["format"]), (&"1.3.0".into(), &"1.1.0".into()));
    assert_eq!(is["resolution"], serde_json::json!([was["resolution"]["width"], was["resolution"]["height"]]));
    assert_eq!((&is["codec"], &is["codec_string"]), (&"h264".into(), &was["codec"]));
    assert_eq!((&is["input_device"], &is["streams"]["input"]), (&"keyboard+mouse".into(), &was["streams"]["input"]));
    assert_eq!(is["surface"]["scale"], Value::Null);
    let scales = rows(&session).iter().filter(|row| row.metadata.get("scale").is_some()).count();
    assert_eq!(scales, 0, "a scale that nobody measured is in the table");
    assert_eq!(told(&[], &[&session])[0]["state"], "current");
}

#[test]
fn a_session_of_1_2_0_becomes_one_of_1_3_0() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/session-1.2.0"), &session);
    let (was, before) = (metadata(&session), rows(&session));
    assert_eq!(told(&["--in-place"], &[&session])[0]["state"], "migrated");
    whole(&session);
    assert!(!python("acceptance.py", &[&session]).is_empty());
    let (is, after) = (metadata(&session), rows(&session));
    for (was, is) in before.iter().zip(&after) {
        assert_ne!(was.hash, is.hash, "a row kept the hash of another version");
        assert!(OwnedRow { hash: is.hash.clone(), ..was.clone() } == *is, "row {} changed", is.seq);
    }
    assert_eq!((&is["format_version"], &is["lineage"][0]["format"]), (&"1.3.0".into(), &"1.2.0".into()));
    let mut was = was;
    // What was not measured then is null.
    was["timing"]["behind"] = serde_json::Value::Null;
    for (key, value) in was.as_object().expect("an object") {
        assert!(["format_version", "lineage"].contains(&key.as_str()) || is[key] == *value, "{key}");
    }
}

#[test]
fn killed_at_any_moment_one_of_the_two_is_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut killed = 0;
    for n in 0..24 {
        let session = old_session(dir.path(), &format!("s{n}"));
        let mut command = watchcap();
        command.arg("migrate").arg("--in-place").arg(&session).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = Running(command.spawn().expect("the program"));
        std::thread::sleep(Duration::from_millis(4 * n));
        killed += u32::from(running.0.try_wait().expect("a state").is_none());
        drop(running);
        assert_eq!(edition::fault(&session, false, &mut |_| {}), None, "killed after {} ms", 4 * n);
        let done = &told(&["--in-place"], &[&session])[0];
        assert!(["migrated", "current"].contains(&done["state"].as_str().expect("a state")), "{done}");
        assert_eq!(metadata(&session)["format_version"], "1.3.0");
    }
    let expected: Vec<_> = (0..24).map(|n| format!("s{n}")).collect();
    let mut expected = expected;
    expected.sort();
    assert_eq!(names(dir.path()), expected, "something was left behind");
    assert!(killed >= 2, "only {killed} were still running when they were killed");
}

#[test]
fn what_is_left_between_two_renames_is_recognised() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = old_session(dir.path(), "s");
    let at = |name: &str| dir.path().join(name);
    migrate(&session, BESIDE, &mut |_| {}).expect("a session");
    // Behind the exchange, before the old one was deleted.
    std::fs::rename(&session, at("s.migrating.tmp")).expect("a name");
    std::fs::rename(at("s_1_3_0"), &session).expect("a name");
    // Without the mark of a try it may be anything: a copy that somebody keeps.
    let (code, _, err) = run(watchcap().arg("migrate").arg(&session));
    assert!(code == 1 && err.contains("s.migrating.tmp is in the way"), "{err}");
    assert_eq!(names(dir.path()), ["s", "s.migrating.tmp"]);
    let identity = |dir: &Path| watchcap::session::edition::identity(dir).expect("a seal").to_string();
    mark(&session, "migrate", &identity(&at("s.migrating.tmp")));
    let would = &told(&["--in-place", "--dry-run"], &[&session])[0];
    assert_eq!((&would["state"], would["removed"].as_array().expect("a list").len()), (&"current".into(), 1));
    assert_eq!(names(dir.path()), ["s", "s.migrating.tmp"]);
    let done = &told(&["--in-place"], &[&session])[0];
    assert_eq!(done["state"], "current");
    assert_eq!(names(dir.path()), ["s"]);
    whole(&session);
    // Where names cannot be exchanged in one step: the old one aside, its name free.
    let other = old_session(dir.path(), "t");
    std::fs::create_dir(at("t.migrating.tmp")).expect("a folder");
    mark(&at("t.migrating.tmp"), "migrate", &identity(&other));
    std::fs::rename(&other, at("t.old.tmp")).expect("a name");
    assert_eq!(told(&["--in-place"], &[&other])[0]["state"], "migrated");
    assert_eq!(names(dir.path()), ["s", "t"]);
    whole(&other);
    // A session of somebody else is not deleted, whatever its name.
    let third = old_session(dir.path(), "u");
    let foreign = synthetic(dir.path(), "u.migrating.tmp", &[]);
    let before = files(&foreign);
    let (code, _, err) = run(watchcap().arg("migrate").arg(&third));
    assert!(code == 1 && err.contains("u.migrating.tmp is in the way") && err.contains("hint:"), "{err}");
    assert_eq!(files(&foreign), before);
}

#[test]
fn what_cannot_be_migrated_is_refused_and_nothing_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let refused = |args: &[&str], session: &Path, code: i32, what: &str| {
        let before = files(dir.path());
        let (found, out, err) = run(watchcap().arg("migrate").args(args).arg(session));
        assert_eq!(found, code, "{what}: {out}{err}");
        assert!(err.contains(what) && err.contains("hint:"), "'{what}' is not in: {err}");
        assert!(files(dir.path()) == before, "{what}: something was left or changed");
    };
    let new = synthetic(dir.path(), "new", &[]);
    refused(&["--to", "1.0.0"], &new, 1, "forward only");
    refused(&["--to", "9.0.0"], &new, 2, "'9.0.0'");
    refused(&["--to", "soon"], &new, 2, "'soon'");
    set_version(&new, "1.9.0");
    refused(&[], &new, 1, "would lose what is new");
    let (_, _, err) = run(watchcap().arg("migrate").arg(&new));
    assert!(err.contains(&format!("watchcap {}", env!("CARGO_PKG_VERSION"))), "it does not say who reads it: {err}");
    let newest = synthetic(dir.path(), "newest", &[]);
    set_version(&newest, "2.0.0");
    refused(&[], &newest, 1, "format 2.0.0");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    refused(&[], &log, 1, "no sealed session");
    refused(&[], &dir.path().join("missing"), 1, "missing is no folder");
    let bare = dir.path().join("bare");
    std::fs::create_dir(&bare).expect("a folder");
    std::fs::copy(layout::events_path(&newest), layout::events_path(&bare)).expect("a table");
    refused(&[], &bare, 1, "integrity.sha256 from a copy");

    let damaged = old_session(dir.path(), "damaged");
    let mut bytes = std::fs::read(layout::frames_path(&damaged)).expect("bytes");
    bytes[3000] ^= 1;
    std::fs::write(layout::frames_path(&damaged), bytes).expect("bytes");
    refused(&["--in-place"], &damaged, 1, "not what was sealed");

    let kept = old_session(dir.path(), "kept");
    std::fs::create_dir(layout::log_dir(&kept)).expect("a folder");
    std::fs::write(layout::log_dir(&kept).join("x"), "a log").expect("a file");
    refused(&["--in-place"], &kept, 1, "still holds its log");

    let held = old_session(dir.path(), "held");
    let folder = std::fs::File::open(&held).expect("a folder");
    folder.try_lock().expect("a free folder");
    refused(&[], &held, 1, "by another process");
    drop(folder);

    // Of several, the good ones are migrated.
    let good = old_session(dir.path(), "good");
    let (code, out, err) = run(watchcap().arg("migrate").args([&damaged, &good]));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("1 of 2") && err.contains("damaged is not what was sealed"), "{err}");
    assert_eq!(out.trim(), dir.path().join("good_1_3_0").to_str().expect("text"));
    whole(&dir.path().join("good_1_3_0"));
}
