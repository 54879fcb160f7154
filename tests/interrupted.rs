//! Finalizing that is stopped anywhere and run again gives the same session, byte for byte; and whoever comes while somebody else uses a
//! log is told who, and does no damage.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::base::progress::Step;
use watchcap::finalize;
use watchcap::log::LogPaths;
use watchcap::log::reader::LogReader;

use crate::support::{Running, copy_tree, files, run, synthetic, watchcap};

/// A log, and how it was damaged.
fn logs(dir: &Path) -> Vec<(&'static str, PathBuf)> {
    let whole = synthetic(dir, "whole", &["--no-finalize"]);
    let reader = LogReader::open(&LogPaths::of(&whole)).expect("a log");
    let frames: Vec<_> = (0..reader.chunks().len()).flat_map(|index| reader.frames(index)).collect();
    let middle = &frames[frames.len() / 2];
    let last = frames.last().expect("frames");
    let database = std::fs::read(whole.join("log/events/db")).expect("a database");
    let video = std::fs::read(whole.join("log/frames.mp4")).expect("a video");
    let damaged = |name: &'static str, damage: &dyn Fn(&Path)| {
        let copy = dir.join(name);
        copy_tree(&whole, &copy);
        damage(&copy.join("log"));
        (name, copy)
    };
    let write = |path: PathBuf, bytes: &[u8]| std::fs::write(path, bytes).expect("a file");
    // Without the copies of the facts it was not closed, and the end of the database is the end of the log.
    let cut = |log: &Path| {
        std::fs::remove_file(log.join("facts")).expect("a file");
        write(log.join("events/db"), &database[..database.len() * 3 / 5]);
    };
    vec![
        damaged("closed", &|_| {}),
        damaged("no database", &|log| std::fs::remove_dir_all(log.join("events")).expect("a folder")),
        damaged("holes", &|log| {
            let mut bytes = database.clone();
            bytes.chunks_mut(4096).step_by(3).for_each(|page| page.fill(0));
            write(log.join("events/db"), &bytes);
        }),
        damaged("crashed", &cut),
        damaged("crashed, and the last frame is torn", &|log| {
            cut(log);
            write(log.join("frames.mp4"), &video[..(last.offset + u64::from(last.size_bytes) / 2) as usize]);
        }),
        damaged("crashed, and a frame in the middle is not decodable", &|log| {
            cut(log);
            let mut bytes = video.clone();
            let from = middle.offset as usize;
            bytes[from + 60..from + middle.size_bytes as usize].fill(0xff);
            write(log.join("frames.mp4"), &bytes);
        }),
        damaged("no video", &|log| std::fs::remove_file(log.join("frames.mp4")).expect("a file")),
        damaged("half of the video", &|log| write(log.join("frames.mp4"), &video[..video.len() / 2])),
    ]
}

/// Files of a session and of a log that was kept, but for the lock, which says who had it.
fn but_lock(dir: &Path) -> Vec<(String, Vec<u8>)> {
    files(dir).into_iter().filter(|(name, _)| name != "log/lock").collect()
}

/// The steps of a run, but for those of the rows, of which the first and a later one stand for all.
fn steps(log: &Path, dir: &Path) -> Vec<(&'static str, u64)> {
    let copy = dir.join("steps");
    copy_tree(log, &copy);
    let mut steps: Vec<(&'static str, u64)> = Vec::new();
    let mut note = |step: Step| {
        if step.what != "rows" || step.done == 1 || step.done == step.of / 2 {
            steps.push((step.what, step.done));
        }
    };
    finalize::finalize(&copy, false, &mut note).expect("a session");
    std::fs::remove_dir_all(copy).expect("a folder");
    steps
}

#[test]
fn stopped_at_each_step_and_run_again_gives_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut stopped = 0;
    for (name, log) in logs(dir.path()) {
        let once = dir.path().join("once");
        copy_tree(&log, &once);
        finalize::finalize(&once, false, &mut |_| {}).expect("a session");
        let wanted = but_lock(&once);
        let (code, _, err) = run(watchcap().arg("verify").arg(&once));
        assert_eq!(code, 0, "{name}: {err}");
        let steps = steps(&log, dir.path());
        assert!(steps.len() >= 8, "{steps:?}");
        for at in steps {
            let copy = dir.path().join("copy");
            copy_tree(&log, &copy);
            // Stopped twice at the same step, then run to the end.
            for _ in 0..2 {
                let run = || {
                    finalize::finalize(&copy, false, &mut |step| {
                        assert!((step.what, step.done) != at, "stopped here");
                    })
                };
                // Nothing of a test's output is wanted from these panics.
                let result = catch_unwind(AssertUnwindSafe(run));
                stopped += u32::from(result.is_err());
                assert!(copy.join("log").exists() || result.is_ok(), "{name}: the log is gone at {at:?}");
            }
            // Sealed now, or the last time, and the log deleted, or kept since it was damaged.
            finalize::finalize(&copy, false, &mut |_| {}).unwrap_or_else(|error| panic!("{name} at {at:?}: {error}"));
            assert!(but_lock(&copy) == wanted, "{name}: stopped at {at:?}, the session is another one");
            std::fs::remove_dir_all(copy).expect("a folder");
        }
        std::fs::remove_dir_all(once).expect("a folder");
    }
    assert!(stopped > 100, "only {stopped} stops");
}

#[test]
fn killed_at_any_moment_and_run_again_gives_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let once = dir.path().join("once");
    copy_tree(&log, &once);
    let began = Instant::now();
    assert_eq!(run(watchcap().arg("finalize").arg(&once)).0, 0);
    let took = began.elapsed();
    let wanted = files(&once);
    let mut killed = 0;
    for part in 0..24 {
        let copy = dir.path().join("copy");
        copy_tree(&log, &copy);
        let mut child =
            watchcap().arg("finalize").arg(&copy).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it");
        std::thread::sleep(took * part / 20);
        child.kill().expect("a kill");
        killed += u32::from(!child.wait().expect("its end").success());
        if copy.join("log").exists() {
            let (code, _, err) = run(watchcap().arg("finalize").arg(&copy));
            assert_eq!(code, 0, "{part}: {err}");
        }
        assert!(files(&copy) == wanted, "killed after {:?}, the session is another one", took * part / 20);
        std::fs::remove_dir_all(copy).expect("a folder");
    }
    assert!(killed >= 5, "only {killed} were killed before they were done");
}

#[test]
fn what_does_not_read_back_takes_no_log_along() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let table = log.join("events.parquet");
    let spoil = |place: &str| {
        let mut bytes = std::fs::read(&table).expect("a table");
        let at = match place {
            "the rows" => 2000,
            "the length of the footer" => bytes.len() - 6,
            // No reader decodes it: only who compares the bytes with those that were written can find it.
            "who wrote it" => memchr::memmem::find(&bytes, b"watchcap version").expect("its name") + 3,
            "its end" => return std::fs::write(&table, &bytes[..bytes.len() - 1]).expect("a table"),
            part => bytes.len() * part.parse::<usize>().expect("sixteenths") / 16,
        };
        bytes[at] ^= 0x40;
        std::fs::write(&table, bytes).expect("a table");
    };
    for place in ["the rows", "the length of the footer", "who wrote it", "its end", "3", "7", "11", "15"] {
        let result = finalize::finalize(&log, false, &mut |step| {
            if (step.what, step.done) == ("check", 0) {
                spoil(place);
            }
        });
        let error = result.expect_err("a damaged table was believed").to_string();
        assert!(error.contains("does not read back"), "{place}: {error}");
        assert!(log.join("log/events/db").is_file(), "the log is gone");
        assert!(!log.join("integrity.sha256").exists(), "it still is sealed");
    }
    finalize::finalize(&log, false, &mut |_| {}).expect("a session");
    assert_eq!(run(watchcap().arg("verify").arg(&log)).0, 0);
}

/// Waits until `ready` is; panics after ten seconds.
fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let began = Instant::now();
    while !ready() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn info(dir: &Path) -> Value {
    let (code, out, err) = run(watchcap().args(["info", "--json"]).arg(dir));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("JSON")
}

fn signal(child: &Running, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &child.0.id().to_string()]).status();
    assert!(status.expect("kill").success());
}

#[test]
fn while_it_is_recorded_others_are_told_so_and_do_no_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    let record = || {
        let mut command = watchcap();
        command
            .args(["record", "--source", "synthetic", "--size", "160x120", "--session", "s", "--out"])
            .arg(dir.path());
        command
    };
    let recorder = Running(record().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program"));
    let pid = recorder.0.id().to_string();
    wait_for("a frame", || session.join("log/lock").is_file() && info(&session)["frames"].as_u64() > Some(3));

    for verb in [&["finalize"][..], &["recover"]] {
        let (code, _, err) = run(watchcap().args(verb).arg(&session));
        assert_eq!(code, 1, "{err}");
        let told =
            err.contains("watchcap record") && err.contains(&pid) && err.contains("since 20") && err.contains("hint:");
        assert!(told, "{err}");
    }
    let (code, _, err) = run(&mut record());
    assert!(code == 1 && err.contains("hint:"), "{code}: {err}");
    let (code, out, _) = run(watchcap().args(["recover", "--dry-run", "--json"]).arg(&session));
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &report["state"], &report["next"]), (0, &"recording".into(), &"".into()));
    assert!(report["holder"].as_str().is_some_and(|holder| holder.contains(&pid)), "{report}");
    let list = info(dir.path());
    assert_eq!((&list["sessions"][0]["state"], &list["sessions"][1]), (&"recording".into(), &Value::Null));
    let (_, text, _) = run(watchcap().arg("info").arg(dir.path()));
    assert!(text.contains("recording") && text.contains(&pid), "{text}");

    let (code, _) = recorder.stop("INT", Duration::from_secs(10));
    assert!(code == 0 || code == 3, "the recorder ended with {code}");
    let (code, _, err) = run(watchcap().arg("verify").arg(&session));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn while_it_is_finalized_others_are_told_so_and_do_no_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let once = dir.path().join("once");
    copy_tree(&log, &once);
    assert_eq!(run(watchcap().arg("finalize").arg(&once)).0, 0);
    let wanted = files(&once);
    // A stopped process still has its lock. One that was done before it was stopped is tried again with another copy.
    let stopped = (0..20).find_map(|round| {
        let log = dir.path().join(format!("log{round}"));
        copy_tree(&dir.path().join("log"), &log);
        let lock = log.join("log/lock");
        let child = watchcap().arg("finalize").arg(&log).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = Running(child.expect("the program"));
        let pid = child.0.id().to_string();
        wait_for("the lock", || {
            std::fs::read_to_string(&lock).is_ok_and(|text| text.contains(&format!("process {pid},"))) || !lock.exists()
        });
        signal(&child, "STOP");
        (!log.join("integrity.sha256").exists()).then_some((child, pid, log))
    });
    let (first, pid, log) = stopped.expect("a run that was stopped on its way");
    let (code, _, err) = run(watchcap().arg("finalize").arg(&log));
    assert!(code == 1 && err.contains("watchcap finalize") && err.contains(&pid) && err.contains("hint:"), "{err}");
    let state = info(&log);
    assert_eq!(state["state"], "finalizing", "{state}");
    // What the player does with it, it does without damage.
    let _ = run(watchcap().arg("replay").arg(&log));
    signal(&first, "CONT");
    assert_eq!(first.wait(), 0);
    assert!(files(&log) == wanted, "the session is another one");
}

#[test]
fn two_at_once_give_one_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let once = dir.path().join("once");
    copy_tree(&log, &once);
    assert_eq!(run(watchcap().arg("finalize").arg(&once)).0, 0);
    let wanted = files(&once);
    for round in 0..6 {
        let copy = dir.path().join(format!("copy{round}"));
        copy_tree(&log, &copy);
        let start = || watchcap().arg("finalize").arg(&copy).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let both = [start(), start(), start()].map(|child| Running(child.expect("the program")));
        // And somebody who asks all the time.
        for _ in 0..4 {
            drop(run(watchcap().arg("info").arg(&copy)));
        }
        let codes = both.map(Running::wait);
        assert!(codes.contains(&0) && codes.iter().all(|code| *code == 0 || *code == 1), "{codes:?}");
        assert!(files(&copy) == wanted, "round {round}: {codes:?}");
    }
}

#[test]
fn recordings_below_a_folder_are_listed_with_what_to_do_next() {
    let dir = tempfile::tempdir().expect("a folder");
    let closed = synthetic(dir.path(), "closed", &["--no-finalize"]);
    let deeper = dir.path().join("deeper/still");
    for name in ["crashed", "gone", "sealed 'one'", "spoiled"] {
        copy_tree(&closed, &deeper.join(name));
    }
    std::fs::remove_file(deeper.join("crashed/log/facts")).expect("a file");
    let database = deeper.join("crashed/log/events/db");
    let bytes = std::fs::read(&database).expect("a database");
    std::fs::write(&database, &bytes[..bytes.len() / 2]).expect("a database");
    std::fs::remove_dir_all(deeper.join("gone/log/events")).expect("a folder");
    for name in ["sealed 'one'", "spoiled"] {
        assert_eq!(run(watchcap().arg("finalize").arg(deeper.join(name))).0, 0);
    }
    std::fs::write(deeper.join("spoiled/events.parquet"), b"PAR1").expect("a file");
    std::fs::create_dir(dir.path().join("something else")).expect("a folder");

    let list = info(dir.path());
    let found: Vec<(String, String, String)> = list["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|found| {
            let text = |key: &str| found[key].as_str().expect("a text").replace(&dir.path().display().to_string(), "D");
            (text("path"), text("state"), text("next"))
        })
        .collect();
    let wanted = [
        ("D/closed", "closed", "watchcap finalize D/closed"),
        ("D/deeper/still/crashed", "crashed", "watchcap finalize D/deeper/still/crashed"),
        ("D/deeper/still/gone", "damaged", "watchcap recover --dry-run D/deeper/still/gone"),
        ("D/deeper/still/sealed 'one'", "sealed", r"watchcap verify 'D/deeper/still/sealed '\''one'\'''"),
        ("D/deeper/still/spoiled", "damaged", "watchcap verify D/deeper/still/spoiled"),
    ]
    .map(|(path, state, next)| (path.to_owned(), state.to_owned(), next.to_owned()));
    assert_eq!(found, wanted);
    for found in list["sessions"].as_array().expect("a list") {
        assert!(found["size_bytes"].as_u64().is_some_and(|size| size > 50_000), "{found}");
        assert!(found["captured_at"].as_str().is_some_and(|at| at.starts_with("20")), "{found}");
    }
    let (code, text, _) = run(watchcap().arg("info").arg(dir.path()));
    assert!(code == 0 && text.lines().count() == 6 && text.contains("deeper/still/crashed"), "{text}");
    let (code, _, err) = run(watchcap().arg("info").arg(dir.path().join("something else")));
    assert!(code == 1 && err.contains("no session"), "{err}");
}
