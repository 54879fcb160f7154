//! Damaged logs: what comes back is exactly what was not damaged, in order, without duplicates, and what is missing is named.
//!
//! The log is a real one, made by the program from the synthetic desktop. What its chunks hold is read from the whole log first; each
//! damage is then compared with what must be left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use watchcap::base::event::Event;
use watchcap::finalize::{self, report};
use watchcap::log::reader::LogReader;
use watchcap::log::salvage::{self, Place};
use watchcap::log::{Body, LogPaths};
use watchcap::session::loss::MaxDropped;
use watchcap::session::table::read::EventsReader;
use watchcap::session::table::row::{OwnedRow, event_type};

use crate::support::{copy_tree, files, run, synthetic, watchcap};

/// A record that makes a row: its time, and the frame's number when it is a frame.
type Known = (i64, Option<u64>);

/// What a whole log holds.
struct Whole {
    dir: PathBuf,
    places: Vec<Place>,
    /// Rows by the number of their record.
    events: BTreeMap<u64, Known>,
    /// Numbers of the chunks that `log/facts` has too.
    copied: BTreeSet<u64>,
    frames: u64,
    /// Gaps that the recording itself made: the machine was too slow.
    gaps: u64,
}

impl Whole {
    fn read(dir: PathBuf) -> Self {
        let paths = LogPaths::of(&dir);
        let reader = LogReader::open(&paths).expect("a log");
        assert!(reader.holes.is_empty() && reader.damaged == 0 && reader.facts.end.is_some());
        let (mut events, mut gaps) = (BTreeMap::new(), 0);
        for entry in reader.iter() {
            let (seq, record) = entry.expect("a record");
            if let Body::Event(event) = record.body {
                gaps += u64::from(matches!(event, Event::Gap(_)));
                let frame = if let Event::Frame(frame) = event { Some(frame.frame_ref.0) } else { None };
                events.insert(seq, (record.t.0, frame));
            }
        }
        let copied = salvage::scan(&paths.facts).expect("copies").chunks.iter().map(|place| place.first).collect();
        let frames = events.values().filter(|(_, frame)| frame.is_some()).count() as u64;
        Self { places: reader.chunks().to_vec(), events, copied, frames, gaps, dir }
    }

    fn copy(&self, to: &Path) {
        if to.exists() {
            std::fs::remove_dir_all(to).expect("a folder");
        }
        copy_tree(&self.dir, to);
    }

    /// What must come back when only these chunks are left in the database (the copies of the facts are there): rows in order, and how
    /// many rows are lost.
    fn expected(&self, left: &[Place]) -> (Vec<Known>, u64) {
        let firsts: BTreeSet<u64> = left.iter().map(|place| place.first).collect();
        let there = |seq: &u64| {
            let chunk = self.places[self.places.partition_point(|place| place.first <= *seq) - 1].first;
            firsts.contains(&chunk) || self.copied.contains(&chunk)
        };
        let missing =
            self.places.iter().filter(|place| !there(&place.first)).map(|place| u64::from(place.count)).sum::<u64>();
        let mut rows: Vec<Known> = Vec::new();
        let mut found = 0;
        for (seq, (t, frame)) in &self.events {
            // A frame comes back from the video, whatever became of its reference.
            if there(seq) || frame.is_some() {
                rows.push((*t, *frame));
                found += u64::from(!there(seq));
            }
        }
        rows.sort_by_key(|(t, _)| *t);
        (rows, missing - found)
    }
}

/// The rows of a session that records made: time, and the frame's number; and how many records its gaps name.
fn sealed(dir: &Path) -> (Vec<Known>, u64) {
    let table = EventsReader::open(&dir.join("events.parquet")).expect("a table");
    let (mut rows, mut lost) = (Vec::new(), 0);
    let mut row = OwnedRow::default();
    let mut reader = table.rows();
    while reader.next_into(&mut row).expect("a row") {
        let held = row.metadata.get("held").is_some();
        match row.event_type.as_str() {
            event_type::GAP if row.metadata.get("reason") == Some("records_lost") => {
                lost += row.metadata.get("lost").map_or(0, |lost| lost.parse::<u64>().expect("a number"));
            }
            event_type::GAP if row.metadata.get("reason") == Some("frame_torn") => {}
            event_type::FRAME => rows.push((row.t_ns, row.frame_ref.map(|frame| frame as u64))),
            // What is held at the end is released there: no record says so.
            _ if held => {}
            _ => rows.push((row.t_ns, None)),
        }
    }
    (rows, lost)
}

fn metadata(dir: &Path) -> Value {
    let text = std::fs::read_to_string(dir.join("metadata.json")).expect("metadata");
    serde_json::from_str(&text).expect("JSON")
}

/// The numbers in `rows` are those of the recording and the table's are counted anew: equal as long as no frame is missing.
fn assert_rows(found: &[Known], expected: &[Known], what: &str) {
    let sorted = |rows: &[Known]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    assert_eq!(sorted(found), sorted(expected), "{what}");
    assert!(found.is_sorted_by_key(|(t, _)| *t), "{what}: out of order");
}

/// Damages the database of a copy, finalizes it, and compares.
fn check(whole: &Whole, dir: &Path, what: &str, damage: impl FnOnce(&mut Vec<u8>)) {
    let copy = dir.join("damaged");
    whole.copy(&copy);
    let database = copy.join("log/events/db");
    let mut bytes = std::fs::read(&database).expect("a database");
    damage(&mut bytes);
    std::fs::write(&database, &bytes).expect("a database");
    let left = salvage::scan(&database).expect("a scan").chunks;
    // What the scan calls whole is whole: the same bytes as in the whole log.
    for place in &left {
        let same = whole.places.iter().any(|known| known.first == place.first && known.len == place.len);
        assert!(same, "{what}: a chunk that was never written, at {}", place.first);
    }
    let (rows, lost) = whole.expected(&left);
    let report = report::report(&copy, &mut |_| {}).expect("a report");
    let done = finalize::finalize(&copy, false, &mut |_| {}).expect("a session");
    let (found, named) = sealed(&copy);
    assert_rows(&found, &rows, what);
    assert_eq!(named, lost, "{what}: records lost");
    assert_eq!(done.metadata.frames, whole.frames, "{what}: frames");
    assert_eq!(done.metadata.end_reason.as_deref(), Some("duration"), "{what}: the copies know the end");
    let damaged = left.len() < whole.places.len();
    assert_eq!(done.is_lossy(MaxDropped::default()), damaged, "{what}: {:?}", done.metadata.recovery);
    assert_eq!(
        (report.rows, report.frames, report.lossy),
        (found_rows(&copy), whole.frames, done.is_lossy(MaxDropped::default())),
        "{what}"
    );
    assert_eq!(
        (&report.lost, &report.counts),
        (&done.metadata.lost, &done.metadata.counts),
        "{what}: the report differs"
    );
}

fn found_rows(dir: &Path) -> u64 {
    EventsReader::open(&dir.join("events.parquet")).expect("a table").len()
}

/// Where the chunks stand in the database, and its length.
fn spans(whole: &Whole) -> (Vec<std::ops::Range<usize>>, usize) {
    let path = whole.dir.join("log/events/db");
    let spans = whole.places.iter().map(|p| p.offset as usize..p.offset as usize + usize::from(p.len)).collect();
    (spans, std::fs::metadata(path).expect("a database").len() as usize)
}

#[test]
fn what_is_not_damaged_comes_back_and_the_rest_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = Whole::read(synthetic(dir.path(), "whole", &["--no-finalize"]));
    let (spans, len) = spans(&whole);
    assert!(spans.len() > 60 && whole.frames >= 20, "{} chunks, {} frames", spans.len(), whole.frames);
    check(&whole, dir.path(), "nothing", |_| {});

    // Cut at the beginning of a chunk, inside it, behind it, and at the ends of the file.
    let middle = &spans[spans.len() / 2];
    for cut in [0, 1, 100, spans[0].start + 30, middle.start, middle.start + 3, middle.end - 1, middle.end, len - 1] {
        check(&whole, dir.path(), &format!("cut at {cut} of {len}"), |bytes| bytes.truncate(cut));
    }
    // Zeroed from a chunk's middle over some chunks, to the end, and everything.
    for (from, until) in [(spans[2].start + 9, spans[9].start), (middle.start, spans[spans.len() - 4].end), (0, len)] {
        check(&whole, dir.path(), &format!("zeroed {from}..{until}"), |bytes| bytes[from..until].fill(0));
    }
    // Garbage in every third chunk.
    check(&whole, dir.path(), "every third chunk", |bytes| {
        for span in spans.iter().step_by(3) {
            bytes[span.start + 70] ^= 0x5a;
        }
    });
    // Single bits: in the magic, in each field of the header, in the body; in the first, a middle and the last chunk.
    for span in [&spans[0], middle, &spans[spans.len() - 1]] {
        for at in [0, 3, 5, 9, 17, 25, 29, 33, 41, 49, 57, 60, span.len() - 1] {
            check(&whole, dir.path(), &format!("a bit at {}", span.start + at), |bytes| bytes[span.start + at] ^= 0x10);
        }
    }
    // Bits all over the file, also where sled keeps its own.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..12 {
        check(&whole, dir.path(), &format!("round {round}"), |bytes| {
            for _ in 0..20 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 20) as usize % len;
                bytes[at] ^= 1 << (state >> 61);
            }
        });
    }
    // Chunks that stand there twice, and a half-written snapshot.
    check(&whole, dir.path(), "every chunk twice", |bytes| bytes.extend_from_within(..));
    let copy = dir.path().join("snapshot");
    whole.copy(&copy);
    std::fs::write(copy.join("log/events/snap.00000000FFFFFFFF.generating"), b"half").expect("a file");
    let done = finalize::finalize(&copy, false, &mut |_| {}).expect("a session");
    assert!(!done.is_lossy(MaxDropped::default()) && done.metadata.recovery.is_none());
}

/// What happens to the log's folder.
type Damage = fn(&Path);

#[test]
fn without_the_database_the_video_is_a_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = Whole::read(synthetic(dir.path(), "whole", &["--no-finalize"]));
    let (rows, lost) = whole.expected(&[]);
    let damages: [(&str, Damage); 5] = [
        ("missing", |log| std::fs::remove_dir_all(log.join("events")).expect("a folder")),
        ("missing", |log| std::fs::remove_file(log.join("events/db")).expect("a file")),
        ("empty", |log| std::fs::write(log.join("events/db"), []).expect("a file")),
        ("empty", |log| std::fs::write(log.join("events/db"), vec![0; 200_000]).expect("a file")),
        ("empty", |log| std::fs::write(log.join("events/db"), [0x5a, 0x57, 0x43].repeat(60_000)).expect("a file")),
    ];
    for (number, (state, damage)) in damages.into_iter().enumerate() {
        let copy = dir.path().join("copy");
        whole.copy(&copy);
        damage(&copy.join("log"));
        let (code, _, err) = run(watchcap().arg("finalize").arg(&copy));
        assert_eq!(code, 3, "{number}: {err}");
        let (found, named) = sealed(&copy);
        assert_rows(&found, &rows, state);
        assert_eq!(named, lost, "{number}");
        let metadata = metadata(&copy);
        let recovery = &metadata["recovery"];
        assert_eq!((&recovery["database"], &recovery["closed"]), (&state.into(), &true.into()), "{metadata}");
        assert!(recovery["found_frames"].as_u64().is_some_and(|found| found + 2 >= whole.frames), "{recovery}");
        assert_eq!((&metadata["consent"]["how"], &metadata["end_reason"]), (&"synthetic".into(), &"duration".into()));
        let (code, _, err) = run(watchcap().arg("verify").arg(&copy));
        assert_eq!(code, 0, "{number}: {err}");
    }

    // Without the copies of the facts as well, nobody can decode the video: the times of its frames are left, and the log is kept.
    let copy = dir.path().join("bare");
    whole.copy(&copy);
    std::fs::remove_dir_all(copy.join("log/events")).expect("a folder");
    std::fs::remove_file(copy.join("log/facts")).expect("a file");
    let (code, _, err) = run(watchcap().arg("finalize").arg(&copy));
    assert_eq!(code, 3, "{err}");
    let metadata = metadata(&copy);
    assert_eq!(metadata["recovery"]["video"], "undecodable");
    assert_eq!(metadata["recovery"]["torn_frames"], whole.frames);
    assert_eq!(metadata["session_id"], "00000000-0000-0000-0000-000000000000");
    for unknown in [&metadata["captured_at"], &metadata["consent"]["record_screen"], &metadata["clock"]["id"]] {
        assert!(unknown.is_null(), "{metadata}");
    }
    assert!(copy.join("log/frames.mp4").is_file() && !copy.join("frames.mp4").exists());
    assert_eq!(run(watchcap().arg("verify").arg(&copy)).0, 0);
    assert_eq!(run(watchcap().arg("finalize").arg(&copy)).0, 0, "sealed already");
    assert!(copy.join("log/frames.mp4").is_file(), "a second run took the only copy of the pictures");
}

fn info(dir: &Path) -> Value {
    let (code, out, err) = run(watchcap().args(["info", "--json"]).arg(dir));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("JSON")
}

fn found_frames(dir: &Path) -> u64 {
    metadata(dir)["frames"].as_u64().expect("frames")
}

#[test]
fn a_log_whose_video_is_gone_or_cut_keeps_its_events() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = Whole::read(synthetic(dir.path(), "whole", &["--no-finalize"]));
    let video = std::fs::read(whole.dir.join("log/frames.mp4")).expect("a video");
    let inputs: Vec<Known> = whole.events.values().filter(|(_, frame)| frame.is_none()).copied().collect();
    let cases = [None, Some(0), Some(20), Some(40), Some(41), Some(video.len() / 2), Some(video.len() - 1)];
    for case in cases {
        let copy = dir.path().join("copy");
        whole.copy(&copy);
        let path = copy.join("log/frames.mp4");
        match case {
            None => std::fs::remove_file(&path).expect("a file"),
            Some(len) => std::fs::write(&path, &video[..len]).expect("a file"),
        }
        assert_eq!(info(&copy)["state"], "damaged", "{case:?}");
        let (code, _, err_of_finalize) = run(watchcap().arg("finalize").arg(&copy));
        assert_eq!(code, 3, "{case:?}: {err_of_finalize}");
        let metadata = metadata(&copy);
        let frames = metadata["frames"].as_u64().expect("frames");
        // Each frame is in the video or named as torn, and no input is missing.
        let torn = metadata["recovery"]["torn_frames"].as_u64().expect("torn frames");
        assert_eq!(frames + torn, whole.frames, "{case:?}: {metadata}");
        let (found, lost) = sealed(&copy);
        let torn_rows = metadata["counts"]["gap"].as_u64().expect("gaps") - whole.gaps;
        assert_eq!((lost, torn_rows), (0, torn), "{case:?}");
        let found: Vec<Known> = found.into_iter().filter(|(_, frame)| frame.is_none()).collect();
        assert_rows(&found, &inputs, "inputs");
        assert_eq!(frames > 0, case.is_some_and(|len| len > 100), "{case:?}");
        assert_eq!(copy.join("frames.mp4").exists(), frames > 0, "{case:?}");
        let wanted = if case.is_none() { "missing" } else { "damaged" };
        assert_eq!(metadata["recovery"]["video"], wanted, "{case:?}");
        let (code, _, err) = run(watchcap().arg("verify").arg(&copy));
        assert_eq!(code, 0, "{case:?}: {err}");
        // Somebody may find the video: the log was kept, and makes the whole session of it.
        assert!(err_of_finalize.contains("finalize --again"), "{case:?}: {err_of_finalize}");
        std::fs::write(&path, &video).expect("the video");
        let (code, _, err) = run(watchcap().args(["finalize", "--again"]).arg(&copy));
        assert_eq!((code, &found_frames(&copy)), (0, &whole.frames), "{case:?}: {err}");
        assert_eq!(run(watchcap().arg("finalize").arg(&copy)).0, 0, "{case:?}: the log is needed no more");
        assert!(!copy.join("log").exists() && run(watchcap().arg("verify").arg(&copy)).0 == 0, "{case:?}");
    }
}

#[test]
fn a_flipped_bit_in_the_video_costs_its_group_of_pictures() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = Whole::read(synthetic(dir.path(), "whole", &["--no-finalize"]));
    let reader = LogReader::open(&LogPaths::of(&whole.dir)).expect("a log");
    let frames: Vec<_> = (0..reader.chunks().len()).flat_map(|index| reader.frames(index)).collect();
    let keys: Vec<usize> = (0..frames.len()).filter(|frame| frames[*frame].keyframe).collect();
    assert!(keys.len() >= 3, "{} keyframes", keys.len());
    for hit in [keys[1], keys[1] + 2, frames.len() - 1] {
        let copy = dir.path().join("copy");
        whole.copy(&copy);
        let path = copy.join("log/frames.mp4");
        let mut bytes = std::fs::read(&path).expect("a video");
        bytes[(frames[hit].offset + u64::from(frames[hit].size_bytes) / 2) as usize] ^= 1;
        std::fs::write(&path, bytes).expect("a video");
        let done = finalize::finalize(&copy, false, &mut |_| {}).expect("a session");
        let next = keys.iter().copied().find(|key| *key > hit).unwrap_or(frames.len());
        let torn = done.metadata.recovery.as_ref().map(|recovery| recovery.torn_frames);
        assert_eq!(torn, Some((next - hit) as u64), "frame {hit}");
        assert!(done.is_lossy(MaxDropped::default()) && run(watchcap().arg("verify").arg(&copy)).0 == 0, "frame {hit}");
    }
}

/// Names, bytes and times of change of everything below a folder.
fn snapshot(dir: &Path) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let changed = |name: &str| dir.join(name).metadata().and_then(|meta| meta.modified()).expect("a time");
    let mut out: Vec<_> = files(dir).into_iter().map(|(name, bytes)| (name.clone(), bytes, changed(&name))).collect();
    for folder in ["", "log", "log/events"] {
        out.push((folder.to_owned(), Vec::new(), changed(folder)));
    }
    out
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_finalizing_gives() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    let database = log.join("log/events/db");
    let mut bytes = std::fs::read(&database).expect("a database");
    // sled keeps chunks more than once: half of the file, so that some are gone for certain.
    let quarter = bytes.len() / 4;
    bytes[quarter..3 * quarter].fill(0);
    std::fs::write(&database, bytes).expect("a database");
    let before = snapshot(&log);
    let (code, out, err) = run(watchcap().args(["recover", "--dry-run", "--json"]).arg(&log));
    assert_eq!(code, 3, "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let (code, text, _) = run(watchcap().args(["recover", "--dry-run"]).arg(&log));
    assert!(code == 3 && text.contains("found by their SEI") && text.contains("watchcap finalize"), "{text}");
    assert_eq!(run(watchcap().args(["info", "--json"]).arg(&log)).0, 0);
    assert_eq!(run(watchcap().args(["info", "--json"]).arg(dir.path())).0, 0);
    assert!(before == snapshot(&log), "reading changed the log");
    assert_eq!((&report["state"], &report["holder"]), (&"damaged".into(), &Value::Null));

    assert_eq!(run(watchcap().arg("recover").arg(&log)).0, 3);
    let metadata = metadata(&log);
    assert_eq!(report["counts"], metadata["counts"]);
    assert_eq!((&report["frames"], &report["lost"]), (&metadata["frames"], &metadata["lost"]));
    assert_eq!(report["missing_records"], metadata["recovery"]["missing_records"]);
    assert_eq!(run(watchcap().args(["recover", "--dry-run"]).arg(&log)).0, 0, "sealed already");
}

/// Finalizes with an error at a system call that names or reads `path`.
fn finalize_with(fault: &str, call: &str, path: &Path, dir: &Path) -> (i32, String) {
    let mut command = std::process::Command::new("strace");
    // By its path, and by its name in a folder that is open.
    command.args(["-f", "-qq", "-o", "/dev/null", "-P"]).arg(path).arg("-P").arg(path.file_name().expect("a name"));
    command.args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:{fault}")]);
    command.arg(watchcap().get_program()).arg("finalize").arg(dir);
    let (code, _, err) = run(&mut command);
    (code, err)
}

#[test]
fn what_cannot_be_read_just_now_is_not_taken_for_missing() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = Whole::read(synthetic(dir.path(), "whole", &["--no-finalize"]));
    let expected = dir.path().join("expected");
    whole.copy(&expected);
    finalize::finalize(&expected, false, &mut |_| {}).expect("a session");
    let copy = dir.path().join("copy");
    for (file, call, fault) in [
        ("log/events/db", "newfstatat", "error=EIO"),
        ("log/events/db", "statx", "error=EIO"),
        ("log/events/db", "read", "error=EIO"),
        ("log/facts", "newfstatat", "error=EIO"),
        ("log/frames.mp4", "newfstatat", "error=EIO"),
        ("log/frames.mp4", "pread64", "error=EIO:when=3"),
        ("log/frames.mp4", "pread64", "error=EIO:when=3+"),
        ("integrity.sha256", "newfstatat", "error=EIO"),
    ] {
        whole.copy(&copy);
        let before = files(&copy);
        let (code, err) = finalize_with(fault, call, &copy.join(file), &copy);
        assert!(code == 1 && err.contains("os error 5"), "{call} of {file}: {code} {err}");
        let left: Vec<_> = before.iter().filter(|(name, _)| name.ends_with("db") || name.ends_with("mp4")).collect();
        let after = files(&copy);
        assert!(left.iter().all(|entry| after.contains(entry)), "{call} of {file}: the log was changed");
        assert_eq!(run(watchcap().arg("finalize").arg(&copy)).0, 0, "{call} of {file}");
        assert!(files(&copy) == files(&expected), "{call} of {file}: another session");
    }
}

#[test]
fn a_video_that_was_published_and_then_emptied_goes_back_to_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    // Killed when the video had its name in the session.
    std::fs::rename(log.join("log/frames.mp4"), log.join("frames.mp4")).expect("a file");
    std::fs::write(log.join("frames.mp4"), []).expect("a file");
    let (code, _, err) = run(watchcap().arg("finalize").arg(&log));
    assert_eq!(code, 3, "{err}");
    assert!(log.join("log/frames.mp4").is_file() && !log.join("frames.mp4").exists());
    assert_eq!(run(watchcap().arg("verify").arg(&log)).0, 0);
}

#[test]
fn a_session_that_rots_beside_its_log_is_made_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--keep-log"]);
    let sealed = files(&session);
    assert!(info(&session)["log_bytes"].as_u64().is_some_and(|bytes| bytes > 50_000));
    let table = session.join("events.parquet");
    let mut bytes = std::fs::read(&table).expect("a table");
    bytes[2000] ^= 1;
    std::fs::write(&table, bytes).expect("a table");
    for verb in ["verify", "finalize"] {
        let (code, _, err) = run(watchcap().arg(verb).arg(&session));
        assert!(code == 1 && err.contains("finalize --again"), "{verb}: {err}");
        assert!(session.join("integrity.sha256").is_file() && session.join("log/events/db").is_file(), "{verb}");
    }
    let (code, _, err) = run(watchcap().args(["finalize", "--again"]).arg(&session));
    assert_eq!(code, 0, "{err}");
    let again = files(&session);
    assert!(sealed.iter().filter(|(name, _)| !name.starts_with("log")).all(|entry| again.contains(entry)));
    let log = synthetic(dir.path(), "log", &["--no-finalize"]);
    assert_eq!(run(watchcap().args(["finalize", "--again"]).arg(&log)).0, 1, "it is not sealed yet");
}
