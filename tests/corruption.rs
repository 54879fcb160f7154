//! Flipped bits and cut ends over every file of a session and of a log: found, named, and no more lost than was damaged.
//!
//! The tests run a slice that is the same each time. The campaign, with the figures in docs/MEASUREMENTS.md, is
//! `make chaos-corruption`; ENCODER names an encoder of its recording.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use watchcap::finalize::report::{self, Report};
use watchcap::log::reader::LogReader;
use watchcap::log::{LogPaths, Record, chunk};
use watchcap::session::layout;
use watchcap::session::seal::{self, IntegrityEntry};
use watchcap::session::verify::video::open_video;
use watchcap::session::verify::{VerifyOptions, verify};

use crate::support::{run, watchcap};

/// The files of a sealed session.
const SEALED: [&str; 5] =
    [layout::EVENTS_FILE, layout::FRAMES_FILE, layout::AUDIO_FILE, layout::METADATA_FILE, layout::INTEGRITY_FILE];

/// A short recording, sealed, and its log in a folder of its own.
fn recorded(dir: &Path) -> (PathBuf, PathBuf) {
    let mut command = watchcap();
    command.args([
        "record",
        "--source",
        "synthetic",
        "--size",
        "96x64",
        "--duration",
        "1s",
        "--gop",
        "0.25",
        "--audio",
        "synthetic",
    ]);
    if let Ok(encoder) = std::env::var("ENCODER") {
        command.args(["--encoder", &encoder, "--no-encoder-check"]);
    }
    command.args(["--session", "s", "--no-finalize", "--out"]).arg(dir);
    let (code, _, err) = run(&mut command);
    assert!(code == 0 || code == 3, "{err}");
    let (log, session) = (dir.join("s"), dir.join("sealed"));
    crate::support::copy_tree(&log, &session);
    let (code, _, err) = run(watchcap().arg("finalize").arg(&session));
    assert!(code == 0 || code == 3, "{err}");
    (session, log)
}

/// SplitMix64: the same faults for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % sides as u64) as usize
    }

    /// A bit flipped, or (one in eight) the end cut off. Never what was there.
    fn damage(&mut self, clean: &[u8]) -> (Vec<u8>, String) {
        let mut bytes = clean.to_vec();
        let at = self.roll(clean.len());
        if self.roll(8) == 0 {
            bytes.truncate(at);
            return (bytes, format!("cut at {at}"));
        }
        let bit = self.roll(8);
        bytes[at] ^= 1 << bit;
        (bytes, format!("bit {bit} of byte {at}"))
    }
}

fn read(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(name)).expect("a file")
}

/// What `verify` does with files: reads the seal, and hashes what it names. True when it is as it was sealed.
fn passes(dir: &Path, sealed: &[IntegrityEntry]) -> bool {
    let Ok(entries) = seal::read_integrity(dir) else { return false };
    let hashes = |entry: &IntegrityEntry| {
        seal::hash_file(&dir.join(&entry.name), &mut |_| {}).is_ok_and(|hash| hash == entry.hash)
    };
    // A seal that names something else than what is in the folder is found by the listing.
    entries.len() == sealed.len()
        && entries.iter().zip(sealed).all(|(a, b)| a.name == b.name)
        && entries.iter().all(hashes)
}

/// Every fault in a sealed file is found by the seal.
fn sealed(dir: &Path, faults: usize, seed: u64) {
    let entries = seal::read_integrity(dir).expect("a seal");
    assert!(passes(dir, &entries));
    let mut dice = Dice(seed);
    let clean = SEALED.map(|name| read(dir, name));
    let mut missed = Vec::new();
    for number in 0..faults {
        let (name, clean) = (SEALED[number % SEALED.len()], &clean[number % SEALED.len()]);
        let (bytes, what) = dice.damage(clean);
        fs::write(dir.join(name), &bytes).expect("a file");
        if passes(dir, &entries) {
            missed.push(format!("{name}: {what}"));
        }
        fs::write(dir.join(name), clean).expect("a file");
    }
    println!("sealed session: {faults} faults, seed {seed}, {} not found", missed.len());
    assert!(missed.is_empty(), "{missed:?}");
}

/// The same faults with the seal made anew over them: what is left to find them is what the files say of themselves and each other.
/// Whatever that is, readers answer.
fn resealed(dir: &Path, faults: usize, seed: u64) {
    let mut dice = Dice(seed);
    let mut found: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for number in 0..faults {
        let name = SEALED[number % (SEALED.len() - 1)];
        let clean = read(dir, name);
        let (bytes, _) = dice.damage(&clean);
        fs::write(dir.join(name), &bytes).expect("a file");
        seal::seal(dir, &[], &mut |_| {}).expect("a seal");
        let report = verify(dir, VerifyOptions::default(), &mut |path| open_video(path), &mut |_| {});
        let (all, noticed) = found.entry(name).or_default();
        *all += 1;
        *noticed += u64::from(!report.ok());
        fs::write(dir.join(name), &clean).expect("a file");
    }
    seal::seal(dir, &[], &mut |_| {}).expect("a seal");
    for (name, (all, noticed)) in &found {
        println!("sealed anew over the fault: {name}: {all} faults, {noticed} found by contents, seed {seed}");
        // Pictures and most metadata are what they are: only the seal protects them. Rows have hashes of their own.
        assert!(noticed * 2 > *all || *name != layout::EVENTS_FILE, "{name}: only {noticed} of {all} were noticed");
    }
}

/// Every fault in a chunk of a log is found by the chunk.
fn chunks(dir: &Path, faults: usize, seed: u64) {
    let paths = LogPaths::of(dir);
    let reader = LogReader::open(&paths).expect("a log");
    let database = fs::read(paths.events.join("db")).expect("a file");
    let mut dice = Dice(seed);
    let mut missed = 0;
    for _ in 0..faults {
        let place = reader.chunks()[dice.roll(reader.chunks().len())];
        let clean = &database[place.offset as usize..place.offset as usize + usize::from(place.len)];
        let (bytes, _) = dice.damage(clean);
        missed += usize::from(chunk::split(&bytes).is_ok());
    }
    println!("chunks: {faults} faults, seed {seed}, {missed} not found");
    assert_eq!(missed, 0);
}

/// The most that one fault cost.
#[derive(Default, Debug)]
struct Worst {
    records: u64,
    frames: u64,
    harmless: u64,
}

fn records_of(dir: &Path) -> Result<(BTreeMap<u64, Record>, Report), String> {
    let reader = LogReader::open(&LogPaths::of(dir)).map_err(|error| error.to_string())?;
    let report = report::report(dir, &mut |_| {}).map_err(|error| error.to_string())?;
    Ok((reader.iter().flatten().collect(), report))
}

/// One bit flipped in a log: what is read is what was written, and what is not there is named.
fn log(dir: &Path, faults: usize, seed: u64) {
    const FILES: [&str; 4] = ["log/events/db", "log/frames.mp4", "log/audio.mp4", "log/facts"];
    let (clean_records, clean_report) = records_of(dir).expect("a log");
    let places = LogReader::open(&LogPaths::of(dir)).expect("a log").chunks().to_vec();
    let mut dice = Dice(seed);
    let mut worst: BTreeMap<&str, Worst> = BTreeMap::new();
    for number in 0..faults {
        let name = FILES[number % FILES.len()];
        let clean = read(dir, name);
        let mut bytes = clean.clone();
        let (mut at, bit) = (dice.roll(clean.len()), dice.roll(8));
        // Most of a small database is room: three of four faults are in what was written.
        if number % FILES.len() == 0 && dice.roll(4) > 0 {
            let place = places[dice.roll(places.len())];
            at = place.offset as usize + dice.roll(usize::from(place.len));
        }
        bytes[at] ^= 1 << bit;
        fs::write(dir.join(name), &bytes).expect("a file");
        let what = format!("bit {bit} of byte {at} of {name}, seed {seed}");
        let (records, report) = records_of(dir).unwrap_or_else(|error| panic!("{what}: {error}"));
        for (seq, record) in &records {
            assert!(clean_records.get(seq) == Some(record), "{what}: record {seq} is another one");
        }
        let records_lost = (clean_records.len() - records.len()) as u64;
        let frames_lost = clean_report.frames.saturating_sub(report.frames);
        // Records that are gone are told as missing, or as cut off at the end of a log that was not closed.
        let named = report.missing_records + report.cut_records;
        assert!(
            records_lost == 0 || named > 0 || report.damaged_chunks > 0,
            "{what}: {records_lost} records are gone, and nothing says so"
        );
        assert!(
            frames_lost == 0 || report.torn_frames >= frames_lost || named > 0,
            "{what}: {frames_lost} frames are gone: {report:?}"
        );
        let entry = worst.entry(name).or_default();
        entry.records = entry.records.max(records_lost);
        entry.frames = entry.frames.max(frames_lost);
        entry.harmless += u64::from(records_lost == 0 && frames_lost == 0);
        fs::write(dir.join(name), &clean).expect("a file");
    }
    for (name, worst) in &worst {
        let of = faults.div_ceil(FILES.len());
        println!(
            "{name}: about {of} faults, seed {seed}: {} cost nothing; worst: {} of {} records, {} of {} frames",
            worst.harmless,
            worst.records,
            clean_records.len(),
            worst.frames,
            clean_report.frames
        );
        // A flipped bit is in one chunk, whose records are at most 4 KiB, and in one group of frames.
        assert!(worst.records <= u64::from(chunk::MAX_RECORDS), "{name}: {worst:?}");
    }
}

#[test]
fn a_slice_of_the_campaign() {
    let dir = tempfile::tempdir().expect("a folder");
    let (session, recording) = recorded(dir.path());
    sealed(&session, 1200, 1);
    resealed(&session, 60, 2);
    chunks(&recording, 1000, 3);
    log(&recording, 90, 4);
}

#[test]
#[ignore = "minutes: make chaos-corruption"]
fn campaign() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1000);
    let dir = tempfile::tempdir().expect("a folder");
    let (session, recording) = recorded(dir.path());
    sealed(&session, 100_000, seed);
    resealed(&session, 3000, seed + 1);
    chunks(&recording, 100_000, seed + 2);
    log(&recording, 6000, seed + 3);
}
