//! Logs in the player: as the session that becomes of them, while they are recorded, and when parts of them are gone.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use watchcap::play::opened;
use watchcap::play::opened::Playback;
use watchcap_replay::{Filter, Lanes, Row, Timeline};

use crate::support::{Running, copy_tree, files, run, synthetic, watchcap};

pub(crate) fn all() -> Filter {
    Filter::lanes(Lanes::ALL)
}

/// Waits until events are counted.
pub(crate) fn counted(timeline: &dyn Timeline) {
    let began = Instant::now();
    loop {
        let summary = timeline.summary();
        let (density, spans) = (
            timeline.density(summary.start_ns, summary.end_ns, 10).expect("counts"),
            timeline.spans(summary.start_ns, summary.end_ns, 10).expect("spans"),
        );
        if density.complete && spans.complete {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "events are not counted");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every row, as the event table shows it.
pub(crate) fn rows(timeline: &dyn Timeline) -> Vec<Row> {
    let summary = timeline.summary();
    let mut out: Vec<Row> = Vec::new();
    let mut at = summary.start_ns - 1;
    while at < summary.end_ns {
        let part = timeline.rows(at, 0, 200, &all()).expect("rows");
        assert!(part.until_ns > at, "the rows do not go on");
        out.extend(part.rows.into_iter().filter(|row| row.t_ns > at && row.t_ns <= part.until_ns));
        at = part.until_ns;
    }
    out
}

fn same(log: &mut Playback, session: &mut Playback) {
    counted(&*log.timeline);
    counted(&*session.timeline);
    let (of_log, of_session) = (log.timeline.summary(), session.timeline.summary());
    assert_eq!((of_log.frames, of_log.width, of_log.height), (of_session.frames, of_session.width, of_session.height));
    for frame in 0..of_log.frames {
        assert_eq!(log.timeline.frame(frame), session.timeline.frame(frame), "frame {frame}");
    }
    // What is still held at the end is only released when it is sealed: the last instant is left out.
    let end = of_session.end_ns.min(of_log.end_ns) - 1;
    let short = |rows: Vec<Row>| {
        let rows = rows.into_iter().filter(|row| row.t_ns <= end);
        rows.map(|row| (row.t_ns, row.kind, row.text, row.frame_ref)).collect::<Vec<_>>()
    };
    let (of_log, of_session) = (short(rows(&*log.timeline)), short(rows(&*session.timeline)));
    assert!(of_session.len() > 100, "{} rows", of_session.len());
    for (at, (one, other)) in of_log.iter().zip(&of_session).enumerate() {
        assert_eq!(one, other, "row {at}");
    }
    assert_eq!(of_log.len(), of_session.len());
    let start = session.timeline.summary().start_ns;
    for n in 0..60 {
        let t_ns = start + (end - start) / 60 * n;
        let (one, other) =
            (log.timeline.state_at(t_ns).expect("a state"), session.timeline.state_at(t_ns).expect("a state"));
        assert!(one == other, "what is held at {t_ns}");
    }
    let frames = session.timeline.summary().frames;
    for frame in [0, frames - 1, frames / 2, frames / 2 - 1, 1, frames / 3] {
        let one = log.pictures.picture(frame, (160, 120)).expect("a picture");
        let other = session.pictures.picture(frame, (160, 120)).expect("a picture");
        assert!(one == other, "picture {frame}");
        assert_eq!(log.pictures.group(frame), session.pictures.group(frame));
    }
}

/// Records until it is killed.
fn killed(dir: &Path, name: &str, after: Duration) -> std::path::PathBuf {
    let mut child = recording(dir, name, "60s");
    std::thread::sleep(after);
    child.0.kill().expect("a kill");
    child.0.wait().expect("its end");
    dir.join(name)
}

fn recording(dir: &Path, name: &str, duration: &str) -> Running {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--duration", duration, "--session", name]);
    command.arg("--out").arg(dir).stdout(Stdio::null()).stderr(Stdio::null());
    let child = Running(command.spawn().expect("the program"));
    let began = Instant::now();
    while !dir.join(name).join("log/frames.mp4").is_file() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not record");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn sealed_copy(log: &Path, to: &Path) -> Playback {
    copy_tree(log, to);
    let (code, _, err) = run(watchcap().arg("finalize").arg(to));
    assert!(code == 0 || code == 3, "{err}");
    opened::open(to).expect("a session")
}

#[test]
fn a_log_plays_as_the_session_that_becomes_of_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let closed = synthetic(dir.path(), "closed", &["--no-finalize"]);
    let crashed = killed(dir.path(), "crashed", Duration::from_secs(3));
    for (log, state) in [(closed, "closed, not sealed"), (crashed, "crashed, not sealed")] {
        let before = files(&log);
        let mut playing = opened::open(&log).expect("a log");
        assert_eq!(playing.timeline.summary().state, state);
        assert!(!playing.timeline.summary().live);
        let mut session = sealed_copy(&log, &dir.path().join(format!("{state} sealed")));
        same(&mut playing, &mut session);
        drop(playing);
        assert!(files(&log) == before, "playing has changed the log");
    }
}

#[test]
fn a_log_is_followed_while_it_is_recorded_and_played_on_as_its_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let child = recording(dir.path(), "live", "6s");
    let session = dir.path().join("live");
    let mut playing = opened::open(&session).expect("a log");
    let (mut frames, mut version, mut looks, mut latest) = (0, 0, 0, Duration::MAX);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(3500) {
        std::thread::sleep(Duration::from_millis(100));
        let summary = playing.timeline.summary();
        if !summary.live {
            break;
        }
        let now = playing.timeline.refresh();
        if now == version {
            continue;
        }
        version = now;
        assert_eq!(summary.state, "recording");
        assert!(summary.frames >= frames && summary.start_ns <= summary.end_ns);
        frames = summary.frames;
        looks += 1;
        if frames > 0 {
            let picture = playing.pictures.picture(frames - 1, (80, 60)).expect("the latest picture");
            assert_eq!((picture.width, picture.height), (80, 60));
            playing.timeline.state_at(summary.end_ns).expect("a state");
            let part = playing.timeline.rows(summary.end_ns, 50, 0, &all()).expect("rows");
            let young = summary.end_ns - summary.start_ns < 1_000_000_000;
            assert!(young || part.rows.len() >= 20, "{} rows before the end", part.rows.len());
        }
        let age = watchcap::base::time::Clock::now(&watchcap::base::time::SystemClock).0 - summary.end_ns;
        latest = latest.min(Duration::from_nanos(age.max(0) as u64));
    }
    println!("{looks} looks, {frames} frames, at best {latest:?} behind");
    assert!(looks >= 8 && frames >= 30, "{looks} looks, {frames} frames");
    assert!(latest < Duration::from_millis(500), "{latest:?} behind");
    let code = child.wait();
    assert!(code == 0 || code == 3, "{code}");
    let began = Instant::now();
    while playing.timeline.summary().state != "sealed" {
        playing.timeline.refresh();
        assert!(began.elapsed() < Duration::from_secs(20), "{}", playing.timeline.summary().state);
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut session = opened::open(&session).expect("a session");
    same(&mut playing, &mut session);
}

#[test]
fn a_log_that_is_sealed_or_deleted_while_it_is_played_is_played_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let lost = dir.path().join("lost");
    copy_tree(&log, &lost);
    let mut reference = sealed_copy(&log, &dir.path().join("sealed"));
    let mut playing = opened::open(&log).expect("a log");
    let mut orphan = opened::open(&lost).expect("a log");
    let (code, _, err) = run(watchcap().arg("finalize").arg(&log));
    assert!(code == 0 || code == 3, "{err}");
    std::fs::remove_dir_all(lost.join("log")).expect("a deletion");
    for (playing, word) in [(&mut playing, "sealed"), (&mut orphan, "log deleted")] {
        let began = Instant::now();
        while playing.timeline.summary().state != word {
            playing.timeline.refresh();
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{} instead of {word}",
                playing.timeline.summary().state
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        same(playing, &mut reference);
    }
}

#[test]
fn what_is_left_of_a_recording_plays() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    std::fs::remove_file(log.join("log/frames.mp4")).expect("a deletion");
    let events = opened::open(&log).expect("a log without a video");
    let mut session = sealed_copy(&log, &dir.path().join("sealed"));
    assert!(!dir.path().join("sealed/frames.mp4").exists());
    counted(&*events.timeline);
    counted(&*session.timeline);
    for timeline in [&*events.timeline, &*session.timeline] {
        let summary = timeline.summary();
        assert_eq!((summary.frames, summary.width), (0, 0));
        assert_eq!(timeline.frame_at(summary.end_ns), None);
        assert!(rows(timeline).iter().any(|row| row.kind == "key_down"));
    }
    let problem = session.pictures.picture(0, (80, 60)).expect_err("no picture");
    assert!(problem.contains("no video"), "{problem}");

    // A session whose video is damaged says so, and plays.
    let whole = synthetic(dir.path(), "whole", &[]);
    std::fs::write(whole.join("frames.mp4"), b"nothing of the kind").expect("a file");
    let mut damaged = opened::open(&whole).expect("a session with a damaged video");
    let summary = damaged.timeline.summary();
    assert_eq!(summary.state, "sealed, video unreadable");
    assert!(summary.no_pictures.is_some_and(|why| why.contains("frames.mp4")));
    assert_eq!(session.timeline.summary().no_pictures, None);
    assert!(damaged.timeline.summary().facts.iter().any(|fact| fact.name == "video"));
    assert!(damaged.pictures.picture(0, (80, 60)).is_err());

    // Nothing at all.
    let empty = dir.path().join("empty");
    std::fs::create_dir_all(empty.join("log/events")).expect("folders");
    let error = opened::open(&empty).err().expect("nothing to play");
    assert!(error.to_string().contains("nothing") && error.hint().is_some(), "{error}");
}
