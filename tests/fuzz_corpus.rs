//! The saved inputs of the fuzz targets (`fuzz/corpus`, made from a real recording, and `fuzz/regressions`, what once failed), run through
//! the same functions as under the fuzzer; and the program that makes the corpus.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use watchcap::base::id::FrameRef;
use watchcap::base::time::MonoNs;
use watchcap::log::LogPaths;
use watchcap::log::reader::LogReader;
use watchcap::media::av1::sequence::Av1Config;
use watchcap::media::avc::nal;
use watchcap::media::frames::FrameReader;
use watchcap::media::mp4::append::{BOX_HEADER, FIRST_BOX};
use watchcap::media::picture::FrameStamp;
use watchcap::media::track::CodecConfig;
use watchcap::session::layout;
use watchcap_input_helper::wire::{self, Why, Word};

use crate::meter::most_held;
use crate::support::{python, run, watchcap};
use crate::targets::{MAX_BYTES, TARGETS};

/// All that is committed of inputs, bytes.
const MAX_CORPUS: u64 = 300_000;

fn inputs(target: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut out = Vec::new();
    for folder in ["corpus", "regressions"] {
        let Ok(entries) = fs::read_dir(root.join(folder).join(target)) else { continue };
        out.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    out.sort();
    out
}

#[test]
fn every_saved_input_is_answered_in_bounded_memory_and_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut total = 0;
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "{name} has no saved input");
        let place = dir.path().join(name);
        fs::create_dir(&place).expect("a folder");
        for input in inputs {
            let bytes = fs::read(&input).expect("an input");
            total += bytes.len() as u64;
            let began = Instant::now();
            let ((), most) = most_held(|| target(&bytes, &place));
            assert!(most <= MAX_BYTES, "{}: {most} bytes at once", input.display());
            assert!(began.elapsed() < Duration::from_secs(10), "{}: {:?}", input.display(), began.elapsed());
        }
    }
    assert!(total <= MAX_CORPUS, "{total} bytes of saved inputs");
}

/// A sequence header of AV1, its record in a file, and two pictures with filler behind them.
fn av1() -> [Vec<u8>; 3] {
    let sequence = vec![0x0a, 0x0d, 0, 0, 0, 2, 0xaf, 0xff, 0x9b, 0x5f, 0x22, 2, 2, 2, 8];
    let config = CodecConfig::Av1(Av1Config { sequence: sequence.clone() });
    let mut contents = Vec::new();
    for (frame, picture) in [[0x32, 3, 0x10, 0, 7], [0x32, 3, 0x30, 0, 7]].into_iter().enumerate() {
        let mut unit = Vec::new();
        config.push_stamp(FrameStamp { frame_ref: FrameRef(frame as u64), t: MonoNs(33_333_333) }, &mut unit);
        unit.extend(picture);
        if frame == 0 {
            config.begin_keyframe(&mut unit);
        }
        contents.extend(unit);
    }
    contents.extend([0; 9]);
    [sequence.clone(), [&[0x81, 0, 0x0c, 0][..], &sequence].concat(), contents]
}

#[test]
fn the_saved_pictures_of_av1_are_those_of_this_release() {
    let [sequence, record, contents] = av1();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, bytes) in [("sps/av1", &sequence[2..]), ("sps/av1-record", &record), ("video/av1", &contents)] {
        assert_eq!(fs::read(corpus.join(name)).expect("saved"), bytes, "{name}");
    }
}

/// SplitMix64: the same inputs for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, sides: usize) -> usize {
        (self.next() % sides.max(1) as u64) as usize
    }

    /// One of the saved inputs, changed in one to eight places as a fuzzer does: bits, numbers at their ends, parts left out, twice, moved,
    /// or of another input.
    fn mutated(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(64)).min(bytes.len());
            match self.below(9) {
                _ if bytes.is_empty() => bytes.push(self.next() as u8),
                0 | 1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'[', b'.'][self.below(8)],
                3 => {
                    let number =
                        [0, 1, u64::MAX, u64::MAX - 1, 1 << 31, 1 << 63, u64::from(u32::MAX), 65_535][self.below(8)];
                    let width = [2, 4, 8][self.below(3)].min(bytes.len() - at);
                    let number = if self.below(2) == 0 {
                        number.to_le_bytes()
                    } else {
                        (number << (64 - 8 * width)).to_be_bytes()
                    };
                    bytes[at..at + width].copy_from_slice(&number[..width]);
                }
                4 => drop(bytes.drain(at..end)),
                5 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
                6 => bytes.truncate(at),
                7 => {
                    let other = &inputs[self.below(inputs.len())];
                    let from = self.below(other.len());
                    let part = &other[from..(from + 1 + self.below(512)).min(other.len())];
                    drop(bytes.splice(at..end, part.iter().copied()));
                }
                _ => {
                    let more: Vec<u8> = (0..self.below(16)).map(|_| self.next() as u8).collect();
                    drop(bytes.splice(at..at, more));
                }
            }
        }
        bytes
    }
}

/// What is mutated: the corpus alone, so that a seed stays the same input when a regression is added.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let corpus = inputs(name).into_iter().filter(|path| path.iter().any(|part| part == "corpus"));
    corpus.map(|path| fs::read(path).expect("an input")).collect()
}

/// Says which input it was when the test ends in the middle of it.
struct Running<'a>(&'a str, u64);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("target {}, input {} (the seed of its dice)", self.0, self.1);
        }
    }
}

/// Runs mutations of a target's saved inputs until told to stop; answers with how many, the most memory, and the longest time.
fn mutate(name: &str, seed: u64, go_on: &mut dyn FnMut(u64) -> bool) -> (u64, usize, Duration) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let saved = seeds(name);
    let dir = tempfile::tempdir().expect("a folder");
    let (mut count, mut most, mut longest) = (0, 0, Duration::ZERO);
    while go_on(count) {
        let running = Running(name, seed + count);
        let bytes = Dice(seed + count).mutated(&saved);
        let began = Instant::now();
        let ((), held) = most_held(|| target(&bytes, dir.path()));
        let taken = began.elapsed();
        assert!(held <= MAX_BYTES, "{held} bytes at once");
        assert!(taken < Duration::from_secs(10), "{taken:?}");
        (count, most, longest) = (count + 1, most.max(held), longest.max(taken));
        drop(running);
    }
    (count, most, longest)
}

#[test]
fn mutations_of_saved_inputs_are_answered() {
    for (name, _) in TARGETS {
        let (count, ..) = mutate(name, 1, &mut |count| count < 120);
        assert_eq!(count, 120);
    }
}

/// Without coverage to guide it, and with the compiler of the tests: what can be run anywhere. `make fuzz` is the real one.
#[test]
#[ignore = "FUZZ_SECONDS (60) of each target: cargo test --test main -- fuzz_corpus::campaign --ignored --nocapture"]
fn campaign() {
    let (seconds, seed) = (number("FUZZ_SECONDS", 60), number("SEED", 1 << 32));
    let only = std::env::var("FUZZ_TARGET").ok();
    for (name, _) in TARGETS.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
        let (began, cpu) = (Instant::now(), cpu_seconds());
        let (count, most, longest) = mutate(name, seed, &mut |_| began.elapsed().as_secs() < seconds);
        println!(
            "{name:10} {:6.1} s of CPU, {count:9} inputs, seeds from {seed}, most memory {:6.1} MiB, longest {longest:.2?}, 0 failures",
            cpu_seconds() - cpu,
            most as f64 / f64::from(1 << 20)
        );
    }
}

fn number(name: &str, other: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(other)
}

/// Writes the input of a seed to the regressions, where a better name is due to it.
#[test]
#[ignore = "FUZZ_TARGET=… SEED=…: cargo test --test main -- fuzz_corpus::save --ignored"]
fn save() {
    let (name, seed) = (std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET"), number("SEED", 1));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions").join(&name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("seed-{seed}")), Dice(seed).mutated(&seeds(&name))).expect("an input");
}

/// CPU time of this thread.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[test]
fn every_target_has_a_program_for_the_fuzzer() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).expect("a manifest");
    for (name, _) in TARGETS {
        let line = format!("path = \"targets/{name}.rs\"");
        assert!(manifest.contains(&line), "{name} is not in fuzz/Cargo.toml");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/targets/{name}.rs"));
        let text = fs::read_to_string(program).expect("its program");
        assert!(text.contains(&format!("run(\"{name}\", data)")), "{name}");
    }
}

/// Makes `fuzz/corpus` anew. Not part of the tests: a recording has its own times, so the bytes are others each time.
#[test]
#[ignore = "writes fuzz/corpus; see CONTRIBUTING.md"]
fn make() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = watchcap();
    command.args([
        "record",
        "--source",
        "synthetic",
        "--size",
        "96x64",
        "--duration",
        "600ms",
        "--session",
        "s",
        "--keep-log",
    ]);
    command.args(["--mask", "0,0,16,16", "--game", "corpus"]).arg("--out").arg(dir.path());
    let (code, _, err) = run(&mut command);
    assert!(code == 0 || code == 3, "{err}");
    let session = dir.path().join("s");
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let folder = root.join("fuzz/corpus").join(target);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), bytes).expect("a seed");
    };
    let read = |path: PathBuf| fs::read(path).expect("a file");
    let golden = root.join("tests/golden/session-1.0.0");

    put("metadata", "recorded", &read(layout::metadata_path(&session)));
    put("metadata", "golden", &read(layout::metadata_path(&golden)));
    put("integrity", "recorded", &read(layout::integrity_path(&session)));
    put("parquet", "recorded", &read(layout::events_path(&session)));
    put("parquet", "golden", &read(layout::events_path(&golden)));
    for profile in ["desktop", "league-of-legends", "shooter"] {
        put("profile", profile, &read(root.join(format!("assets/profiles/{profile}.toml"))));
    }
    let readme = fs::read_to_string(root.join("README.md")).expect("a file");
    let example = readme.split("```toml\n").nth(1).and_then(|text| text.split("```").next()).expect("an example");
    put("config", "readme", example.as_bytes());
    put("config", "dotted", b"record.fps = 30\nrecord.consent = ['screen']\nprivacy = { masks = [\"1,2,3,4\"] }\n");
    for (name, line) in [
        ("mark", r#"{"watchcap":1,"do":"mark","text":"a\u001b[31m"}"#),
        ("status", r#"{"watchcap":1,"do":"status"}"#),
        ("refused", r#"{"watchcap":1,"ok":false,"error":"busy","message":"later"}"#),
        ("mask", "0%,95%,100%,5%"),
        ("moment", "1:02:03.5"),
        ("moment-frame", "frame 12"),
        (
            "reply",
            r#"{"watchcap":1,"ok":true,"pid":7,"session":"/s","paused":false,"elapsed_ms":1,"frames":2,"dropped_frames":0,"events":3,"video_bytes":4,"t_ns":-5}"#,
        ),
    ] {
        put("control", name, line.as_bytes());
    }
    put("hello", "hello", &wire::hello());
    put("hello", "later", b"WINP\x02\0\0\0");
    let said = |words: &[Word]| {
        let packet = |word: &Word| [&[word.descriptors() as u8][..], &word.bytes()].concat();
        words.iter().flat_map(packet).collect::<Vec<u8>>()
    };
    let (device, closed) = (Word::Device(7), Word::Closed(Why::Locked));
    put("lent", "locked", &said(&[Word::Greeting, device, Word::Open, closed, device, Word::Open]));
    put("lent", "left", &said(&[Word::Greeting, Word::Closed(Why::Inactive), Word::Closed(Why::Unknown)]));
    put("lent", "cut", &[&said(&[Word::Greeting])[..], &[0x38, 2, 0, 0], &[0x98], &[2; 9]].concat());
    put("shown", "evil", "a\x1b]52;c;aGk=\x07\x1b[31mb\u{9b}2J\u{202e}d\u{2066}e\u{10eeee}\u{e0041}\x7f".as_bytes());

    let line = r#"{"v":1,"session_id":"s","integrity_sha256":"e","verdict":null,"from_ns":null,"until_ns":null,"note":"","at":"2026-01-01T00:00:00Z","by":null}"#;
    let verdict = line.replace(r#""verdict":null"#, r#""verdict":"accept""#);
    let span = line.replace(r#""from_ns":null,"until_ns":null"#, r#""from_ns":1,"until_ns":2"#);
    let later = line.replace(r#"{"v":1"#, r#"{"v":2"#);
    let said = r#"{"v":1,"session_id":"s","integrity_sha256":"e","task":"a","outcome":"success","note":"b","tags":{"c":"d","e":null},"clear_subtasks":false,"subtasks":[{"from_ns":1,"until_ns":2,"text":"f"}],"at":"2026-01-01T00:00:00Z","by":null}"#;
    put("review", "annotations", [said, &said.replace("true", "false"), &said[..60]].join("\n").as_bytes());
    put("review", "all", [line, &verdict, &span, &later, "", "x", &line[..40]].join("\n").as_bytes());

    let foreign = dir.path().join("tiny");
    assert_eq!(python("foreign.py", &[&foreign, Path::new("tiny")]), "");
    let table = read(layout::events_path(&foreign));
    let foreign_video = read(layout::frames_path(&foreign));
    put("moov", "foreign", &foreign_video);
    put("import", "tiny", &[&table[..], &foreign_video, &(table.len() as u32).to_be_bytes()].concat());

    let video = read(layout::frames_path(&session));
    let moov = video.windows(4).rposition(|kind| kind == b"moov").expect("an index");
    put("moov", "recorded", &video[moov + 4..]);
    let mut file = [&video[..32], b"\0\0\0\x08mdat", &video[moov - 4..]].concat();
    put("moov", "file", &file);
    file[39] = b'x';
    let golden_video = read(layout::frames_path(&golden));
    let moov = golden_video.windows(4).rposition(|kind| kind == b"moov").expect("an index");
    put("moov", "golden", &golden_video[moov + 4..]);
    let mut reader = FrameReader::open(&layout::frames_path(&session)).expect("a video");
    let sets = reader.index().config.avc().expect("H.264").clone();
    put("sps", "recorded", &sets.sps);
    put(
        "sps",
        "high-profile",
        &[
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
            0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc6, 0x58,
        ],
    );
    let mut frames = Vec::new();
    for set in [&sets.sps, &sets.pps] {
        frames.extend((set.len() as u16).to_be_bytes());
        frames.extend(set);
    }
    let mut contents = Vec::new();
    for frame in 0..4 {
        let unit = reader.access_unit(frame).expect("a frame").to_vec();
        frames.extend((unit.len() as u32).to_be_bytes());
        frames.extend(&unit);
        if frame < 3 {
            contents.extend(&unit);
            put("bitstream", &format!("unit-{frame}"), &unit);
        }
    }
    put("frames", "recorded", &frames);
    contents.extend([0; 9]);
    put("video", "recorded", &contents);
    let [sequence, record, contents] = av1();
    put("sps", "av1", &sequence[2..]);
    put("sps", "av1-record", &record);
    put("video", "av1", &contents);
    let mut annex_b = Vec::new();
    nal::to_annex_b(reader.access_unit(1).expect("a frame"), Some(&sets), &mut annex_b).expect("a unit");
    put("bitstream", "annex-b", &annex_b);

    let paths = LogPaths::of(&session);
    let log = LogReader::open(&paths).expect("a log");
    let database = read(paths.events.join("db"));
    let chunks: Vec<&[u8]> = log
        .chunks()
        .iter()
        .map(|place| &database[place.offset as usize..place.offset as usize + usize::from(place.len)])
        .collect();
    for (name, at) in [("first", 0), ("early", 3), ("later", 20), ("last", chunks.len() - 1)] {
        put("chunk", name, chunks[at]);
        put("chunk", &format!("{name}-body"), &chunks[at][watchcap::log::chunk::HEADER_LEN..]);
    }
    // The video has been moved to its final place; of it as much as a few frames need.
    let some = 8192.min(video.len());
    for (name, taken, shown, how) in [("whole", 24, some, 1), ("copies", 6, some, 3), ("no-video", 30, 0, 0)] {
        let mut bytes: Vec<u8> = chunks[..taken].concat();
        bytes.extend(chunks[chunks.len() - 1]);
        let length = bytes.len() as u32;
        bytes.extend(&video[..shown]);
        bytes.extend(length.to_be_bytes());
        bytes.push(how);
        put("log", name, &bytes);
    }
    assert!(video.len() as u64 > FIRST_BOX + BOX_HEADER);
}
