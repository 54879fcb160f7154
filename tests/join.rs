//! The parts of a recording that was split, joined: a session like one of a recording that was not. Nothing is in it twice, nothing is missing,
//! nothing moved; and what is no series is refused.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::base::progress::Step;
use watchcap::derive::join::error::JoinError;
use watchcap::derive::join::run::join;
use watchcap::play::opened::{self, Playback};
use watchcap::play::series::{find, open};
use watchcap_replay::Level;

use crate::control::verb;
use crate::playback::{counted, rows};
use crate::support::{Running, copy_tree, files, python, run, watchcap};

fn parts(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> =
        std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

fn split(dir: &Path, seconds: &str, more: &[&str]) -> Command {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "160x96", "--split", "2s", "--duration", seconds]);
    command.args(["--session", "s", "--out"]).arg(dir).args(more);
    command
}

/// The parts of a recording of some seconds.
fn recorded(dir: &Path, seconds: &str, more: &[&str]) -> Vec<PathBuf> {
    let (code, out, err) = run(&mut split(dir, seconds, more));
    assert!(code == 0 || code == 3, "{code}: {out}{err}");
    parts(dir)
}

fn joined(parts: &[impl AsRef<Path>], out: &Path) -> (i32, String, String) {
    run(watchcap().arg("join").args(parts.iter().map(AsRef::as_ref)).arg("--out").arg(out))
}

fn verified(session: &Path) {
    let (code, out, err) = run(watchcap().arg("verify").arg(session));
    assert_eq!(code, 0, "{out}{err}");
}

fn metadata(session: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(session.join("metadata.json")).expect("metadata")).expect("JSON")
}

#[test]
fn parts_with_sound_are_one_session_in_which_nothing_is_twice_and_nothing_moved() {
    for codec in ["aac", "flac"] {
        let (dir, made) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let sound = ["--audio", "both", "--audio-codec", codec, "--consent", "screen,input,audio"];
        let parts = recorded(dir.path(), "7s", &sound);
        assert_eq!(parts.len(), 4, "{parts:?}");
        let before = files(dir.path());
        let whole = made.path().join("whole");
        let (code, out, err) = joined(&[dir.path()], &whole);
        assert_eq!((code, out.trim()), (0, whole.to_str().expect("a path")), "{err}");
        assert!(err.contains("joined 4 parts to ") && !err.contains("not all of the recording"), "{err}");
        assert!(files(dir.path()) == before, "a part was changed");
        verified(&whole);
        println!("{codec}: {}", python("join_check.py", &[dir.path(), &whole]));
        // In any order, and again: what is made is a function of the parts.
        let again = made.path().join("again");
        let (code, _, err) = joined(&[&parts[2], &parts[0], &parts[3], &parts[1]], &again);
        assert_eq!(code, 0, "{err}");
        assert!(files(&whole) == files(&again));
        let (code, out, err) =
            run(watchcap().args(["export", "actions"]).arg(&whole).arg("--out").arg(made.path().join("t")));
        assert_eq!(code, 0, "{out}{err}");
        // A busy machine drops frames; that is not what is tested.
        let (code, out, err) = run(watchcap().args(["replay", "--check", "--max-dropped", "1"]).arg(&whole));
        assert!(code == 0 || code == 3, "{out}{err}");
        // A piece of it says that it is one.
        let piece = made.path().join("piece");
        let (code, out, err) =
            run(watchcap().args(["join", "--json", "--out"]).arg(&piece).args([&parts[1], &parts[2]]));
        let told: Value = serde_json::from_str(&out).expect("JSON");
        assert!(code == 0 && err.contains("parts 2 to 3 are not all of the recording"), "{err}");
        assert_eq!((&told["whole"], &told["first_part"], &told["last_part"]), (&false.into(), &2.into(), &3.into()));
        verified(&piece);
    }
}

#[test]
fn what_was_taken_back_stays_taken_back() {
    let (dir, made) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut command = split(dir.path(), "7s", &["--consent", "screen,input"]);
    command.env("WATCHCAP_CONTROL_DIR", made.path().join("control"));
    let recorder = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program"));
    let begun = Instant::now();
    while !dir.path().join("s-part0002/log/frames.mp4").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "there is no second part");
        std::thread::sleep(Duration::from_millis(20));
    }
    verb(made.path(), &["consent", "withdraw", "--stream", "input"], 0);
    let code = recorder.wait();
    assert!(code == 0 || code == 3, "{code}");
    let whole = made.path().join("whole");
    let (code, _, err) = joined(&[dir.path()], &whole);
    assert_eq!(code, 0, "{err}");
    verified(&whole);
    let told = metadata(&whole);
    let last = metadata(parts(dir.path()).last().expect("parts"));
    assert_eq!(told["consent"]["withdrawn"], last["consent"]["withdrawn"]);
    assert_eq!(told["streams"]["input"]["status"], "withdrawn");
    let lost = told["lost"].as_array().expect("a list").iter().find(|lost| lost["reason"] == "consent_withdrawn");
    let (from_ns, until_ns) = (&lost.expect("a gap")["from_ns"], &lost.expect("a gap")["until_ns"]);
    assert_eq!(from_ns, &told["consent"]["withdrawn"]["input"]["t_ns"]);
    assert!(until_ns.as_i64() > last["clock"]["t0_ns"].as_i64(), "{lost:?}");
}

#[test]
fn what_is_no_series_is_refused_with_a_reason() {
    let (dir, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let made = tempfile::tempdir().expect("a folder");
    let (parts, others) = (recorded(dir.path(), "5s", &[]), recorded(other.path(), "3s", &["--no-finalize"]));
    let out = made.path().join("whole");
    let refused = |named: &[&Path], code: i32, why: &str, hint: &str| {
        let (found, _, err) = joined(named, &out);
        assert_eq!(found, code, "{err}");
        assert!(err.contains(why) && err.contains("hint: ") && err.contains(hint), "{why}: {err}");
        assert!(files(made.path()).iter().all(|(name, _)| !name.starts_with("whole")), "something is left");
    };
    refused(&[&parts[0], &parts[2]], 2, "part 2 is missing: ", "find part 2");
    refused(&[&others[0], &others[1]], 1, "is no sealed session", "watchcap finalize ");
    refused(&[other.path()], 1, "is no sealed session", "watchcap finalize ");
    let (code, _, err) = run(watchcap().arg("finalize").arg(other.path()));
    assert!(code == 0 || code == 3, "{err}");
    refused(&[&parts[0], &others[1]], 2, "are parts of different recordings", "watchcap info");
    let copy = made.path().join("copy");
    copy_tree(&parts[1], &copy);
    refused(&[&parts[0], &parts[1], &copy], 2, "are both part 2", "the one that is meant");
    let mut table = std::fs::read(copy.join("events.parquet")).expect("a table");
    let at = table.len() / 2;
    table[at] ^= 1;
    std::fs::write(copy.join("events.parquet"), table).expect("a table");
    refused(&[&parts[0], &copy], 1, "is not what was sealed", "watchcap verify ");
    let clips = made.path().join("clips");
    let (code, clip, err) =
        run(watchcap().args(["export", "clip", "--from", "0", "--to", "0.5", "--out"]).arg(&clips).arg(&parts[1]));
    assert_eq!(code, 0, "{err}");
    refused(&[&parts[0], Path::new(clip.trim())], 2, "is a clip of a part", "the part that it was taken out of");
    refused(&[&clips], 2, "there is no part of a recording", "the folders of the parts");
    let (code, _, err) = joined(&parts, &parts[0].join("whole"));
    assert!(code == 2 && err.contains("lies in a session"), "{err}");
    let (code, _, err) = joined(&parts, &parts[1]);
    assert!(code != 0 && files(&parts[1]).len() > 3, "{err}");
    let whole = made.path().join("one");
    assert_eq!(joined(&parts, &whole).0, 0);
    refused(&[&whole, &parts[0]], 2, "is no part of a recording", "watchcap info ");
}

#[test]
fn hours_count_once_whatever_is_there_beside_the_parts() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    let parts = recorded(dir.path(), "5s", &[]);
    let watchcap_in = |args: &[&str]| {
        let (code, _, err) = run(watchcap().args(args).current_dir(dir.path()));
        assert_eq!(code, 0, "{args:?}: {err}");
    };
    let counted = || {
        watchcap_in(&["catalog", "."]);
        python("hours.py", &[&at("catalog.parquet")]).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ["s-part0001", "s-part0002", "s-part0003"];
    assert_eq!(counted(), all);
    // Of a part that was redacted before: neither it nor its original counts beside the whole.
    watchcap_in(&["redact", "s-part0002", "--all", "--titles"]);
    assert_eq!(counted(), all);
    let (code, _, err) = joined(&[&parts[0], &at("s-part0002_redacted"), &parts[2]], &at("whole"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(counted(), ["whole"]);
    watchcap_in(&["redact", "whole", "--all", "--titles"]);
    watchcap_in(&["export", "clip", "whole", "--from", "0", "--to", "1", "--out", "clips"]);
    assert_eq!(counted(), ["whole"]);
    std::fs::rename(at("s-part0002"), at("elsewhere.tmp")).expect("a name");
    assert_eq!(counted(), ["whole"]);
    // A copy of the whole counts in its place; a clip of it is not all of it.
    std::fs::remove_dir_all(at("whole")).expect("a folder");
    let counts = counted();
    assert!(counts.iter().any(|path| path == "whole_redacted"), "{counts:?}");
    assert!(!counts.iter().any(|path| path.starts_with("s-part")), "{counts:?}");
    std::fs::remove_dir_all(at("whole_redacted")).expect("a folder");
    assert!(["s-part0001", "s-part0003"].iter().all(|part| counted().iter().any(|path| path == part)));
}

#[test]
fn what_is_stopped_anywhere_leaves_nothing_and_can_be_done_again() {
    let (dir, made) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let parts = recorded(dir.path(), "5s", &["--audio", "synthetic", "--consent", "screen,input,audio"]);
    let whole = made.path().join("whole");
    // At each kind of step: it says so, and nothing is left.
    let mut kinds: Vec<&str> = Vec::new();
    loop {
        let mut stopped = None;
        let result = join(&parts, &whole, &mut |step: Step| {
            if stopped.is_none() && !kinds.contains(&step.what) {
                stopped = Some(step.what);
            }
            stopped.is_none()
        });
        let Some(stopped) = stopped else {
            result.expect("a session");
            break;
        };
        assert!(matches!(result, Err(JoinError::Cancelled)), "{stopped}: {result:?}");
        assert_eq!(std::fs::read_dir(made.path()).expect("a folder").count(), 0, "{stopped}");
        kinds.push(stopped);
    }
    assert!(kinds.contains(&"verify") && kinds.contains(&"video") && kinds.contains(&"check"), "{kinds:?}");
    let expected = files(&whole);
    // Killed at some moment: all of it is there, or nothing has its name, and the next run makes it.
    let mut killed = 0;
    for n in 0..12_u64 {
        std::fs::remove_dir_all(&whole).expect("a folder");
        let mut command = watchcap();
        command.arg("join").args(&parts).arg("--out").arg(&whole).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = Running(command.spawn().expect("the program"));
        std::thread::sleep(Duration::from_millis(20 + 15 * n));
        run.0.kill().expect("SIGKILL");
        run.0.wait().expect("its end");
        if whole.exists() {
            // The mark of what it was begun for goes last; it is none of the session's.
            let found: Vec<_> = files(&whole).into_iter().filter(|(name, _)| name != "begun.tmp").collect();
            assert!(found == expected, "{n}");
        } else {
            killed += 1;
            let (code, _, err) = joined(&parts, &whole);
            assert_eq!(code, 0, "{err}");
            assert!(files(&whole) == expected, "{n}");
        }
        assert_eq!(std::fs::read_dir(made.path()).expect("a folder").count(), 1, "something is left beside it");
    }
    assert!(killed > 0, "it was never stopped");
}

/// What lies in a folder.
fn names(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).expect("a folder");
    let mut names: Vec<_> =
        names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_export_takes_the_parts_of_a_recording_as_one_episode() {
    let (dir, made) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let parts = recorded(dir.path(), "5s", &["--audio", "synthetic", "--consent", "screen,input,audio"]);
    let whole = made.path().join("s");
    assert_eq!(joined(&parts, &whole).0, 0);
    let at = |name: &str| made.path().join(name);
    let export = |format: &str, session: &Path, out: &Path, more: &[&str]| {
        run(watchcap().args(["export", format]).arg(session).arg("--out").arg(out).args(more))
    };
    for (format, more) in [
        ("lerobot", &["--fps", "10", "--sound"][..]),
        ("actions", &[]),
        ("webdataset", &["--sound", "--clip-seconds", "2"]),
        ("video", &["--sound"]),
    ] {
        let (one, together) = (at(&format!("{format}-one")), at(&format!("{format}-together")));
        let (code, out, err) = export(format, &whole, &one, more);
        assert_eq!(code, 0, "{out}{err}");
        // The folder that the parts are in, which the other does not name: the same to the byte.
        let more = [more, &["--join-parts"]].concat();
        let (code, out, err) = export(format, dir.path(), &together, &more);
        assert_eq!(code, 0, "{out}{err}");
        assert!(files(&one) == files(&together), "{format}: {:?} and {:?}", names(&one), names(&together));
        let (code, _, err) = export(format, dir.path(), &together, &more);
        assert!(code == 0 && err.contains("1 of them there already"), "{err}");
    }
    let told = python("lerobot_check.py", &[&at("lerobot-together"), &whole]);
    assert!(told.contains("episodes=1"), "{told}");
    let told = python("actions_check.py", &[&whole, &at("actions-together/s.actions.parquet")]);
    println!("{told}");
    // A span of all of it, over a seam.
    let (code, _, err) = export("clip", dir.path(), &at("clips"), &["--from", "1.5", "--to", "2.5", "--join-parts"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(names(&at("clips")), ["s_clip_1s500-2s500"]);
    // Without a word each part is an episode.
    let (code, _, err) = export("lerobot", dir.path(), &at("apart"), &["--fps", "10"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        python(
            "lerobot_check.py",
            &[&[at("apart").as_path()], parts.iter().map(PathBuf::as_path).collect::<Vec<_>>().as_slice()].concat()
        )
        .contains("episodes=3")
    );
    let left: Vec<_> = names(made.path()).into_iter().filter(|name| name.contains("tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
    // What cannot be joined is a session that failed; with others it costs none of them.
    let (code, _, err) = export("actions", dir.path(), &at("x"), &["--join-parts", "--only-accepted"]);
    assert!(code == 2 && err.contains("--only-accepted"), "{err}");
    std::fs::rename(&parts[1], at("elsewhere")).expect("a name");
    let (code, _, err) = export("actions", dir.path(), &at("x"), &["--join-parts"]);
    assert!(code == 2 && err.contains("part 2 is missing") && err.contains("hint: "), "{err}");
    let mut command = watchcap();
    command.args(["export", "actions", "--join-parts"]).arg(dir.path()).arg(&whole).arg("--out").arg(at("y"));
    let (code, _, err) = run(&mut command);
    assert!(code == 3 && err.contains("part 2 is missing") && err.contains("exported 1 session"), "{code}: {err}");
    let (code, _, err) =
        run(watchcap().args(["export", "actions", "--join-parts"]).args(&parts[..1]).arg("--out").arg(at("z")));
    assert!(code == 0 && names(&at("z"))[0].starts_with("s-part0001."), "{err}");
}

#[test]
fn what_a_killed_export_had_joined_is_removed_by_the_next() {
    let (dir, made) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    drop(recorded(dir.path(), "5s", &[]));
    let export = || {
        let mut command = watchcap();
        command.args(["export", "actions", "--join-parts"]).arg(dir.path()).arg("--out").arg(made.path().join("out/"));
        command
    };
    let mut left = 0;
    for n in 0..8_u64 {
        let mut run = Running(export().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program"));
        std::thread::sleep(Duration::from_millis(20 + 20 * n));
        run.0.kill().expect("SIGKILL");
        run.0.wait().expect("its end");
        left += usize::from(made.path().join("out.series.tmp").exists());
    }
    assert!(left > 0, "nothing was ever left");
    let (code, _, err) = run(&mut export());
    assert_eq!(code, 0, "{err}");
    assert_eq!(names(made.path()), ["out"]);
}

#[test]
fn the_player_shows_the_parts_as_it_shows_the_whole() {
    let (dir, made) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let parts = recorded(dir.path(), "7s", &["--audio", "synthetic", "--consent", "screen,input,audio"]);
    let whole = made.path().join("whole");
    assert_eq!(joined(&parts, &whole).0, 0);
    let found = find::around(&parts[2]).expect("parts beside it");
    let (mut series, of) = open::open(&found).expect("a recording");
    let mut whole = opened::open(&whole).expect("a recording");
    assert_eq!(found, parts);
    let (one, other) = (series.timeline.summary(), whole.timeline.summary());
    assert_eq!((one.start_ns, one.end_ns, one.frames), (other.start_ns, other.end_ns, other.frames));
    assert_eq!((one.width, one.height, one.start_utc_ns), (other.width, other.height, other.start_utc_ns));
    counted(series.timeline.as_ref());
    counted(whole.timeline.as_ref());
    // Every row once, with its frame.
    let (ours, theirs) = (rows(series.timeline.as_ref()), rows(whole.timeline.as_ref()));
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(
            (ours.t_ns, &ours.kind, &ours.text, ours.frame_ref),
            (theirs.t_ns, &theirs.kind, &theirs.text, theirs.frame_ref)
        );
    }
    for (frame, row) in ours.iter().filter(|row| row.kind == "frame").enumerate() {
        assert_eq!(series.timeline.frame_at(row.t_ns), Some(frame as u64));
        assert_eq!(series.timeline.frame_at(row.t_ns - 1_000), (frame as u64).checked_sub(1));
    }
    // Pictures and what is held, at each side of each seam.
    for (number, part) in of.iter().enumerate() {
        let (first, end) = (part.frames.start, part.frames.end);
        for frame in [first, first + 1, end - 1] {
            let within = (160, 96);
            let picture = series.pictures.picture(frame, within).expect("a picture");
            assert!(picture == whole.pictures.picture(frame, within).expect("a picture"), "frame {frame}");
            assert!(series.pictures.group(frame).contains(&frame) && series.pictures.group(frame).end <= end);
            let at = series.timeline.frame(frame).expect("a frame");
            assert_eq!(at.keyframe, whole.timeline.frame(frame).expect("a frame").keyframe);
            for t_ns in [at.t_ns - 1, at.t_ns, at.t_ns + 1_000_000] {
                let state = |playback: &Playback| playback.timeline.state_at(t_ns).expect("a state");
                let (one, other) = (state(&series), state(&whole));
                assert!(one.keys == other.keys && one.buttons == other.buttons && one.paused == other.paused, "{t_ns}");
            }
            assert_eq!(series.timeline.part_at(at.t_ns), Some((number as u64 + 1, 4)));
        }
    }
    assert_eq!(whole.timeline.part_at(one.start_ns), None);
    // How loud it is, over a seam.
    let (from_ns, until_ns) = (of[1].span_ns.0 - 500_000_000, of[1].span_ns.0 + 500_000_000);
    let loud = |playback: &Playback| {
        let begun = Instant::now();
        loop {
            let levels = playback.timeline.levels(from_ns, until_ns, 20).expect("sound");
            if levels.complete {
                let loud = |level: &Level| matches!(level, Level::Peak(20_000..));
                break levels
                    .parts
                    .iter()
                    .enumerate()
                    .filter(|(_, level)| loud(level))
                    .map(|(cell, _)| cell)
                    .collect::<Vec<_>>();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it is never read");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Cells of 20 ms begin with the sound of each part: a click may lie in the cell beside.
    let (ours, theirs) = (loud(&series), loud(&whole));
    let is_near = |cell: &usize, cells: &[usize]| cells.iter().any(|other| other.abs_diff(*cell) <= 1);
    assert!(!ours.is_empty() && ours.iter().all(|cell| is_near(cell, &theirs)), "{ours:?} {theirs:?}");
    assert!(theirs.iter().all(|cell| is_near(cell, &ours)), "{ours:?} {theirs:?}");
}
