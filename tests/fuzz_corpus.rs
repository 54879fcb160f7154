//! The saved inputs of the fuzz targets (`fuzz/corpus`, made from a real recording, and `fuzz/regressions`, what once failed), run through
//! the same functions as under the fuzzer; and the program that makes the corpus.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use watchcap::encode::bitstream;
use watchcap::log::LogPaths;
use watchcap::log::reader::LogReader;
use watchcap::log::video::{BOX_HEADER, FIRST_BOX};
use watchcap::session::frames::FrameReader;
use watchcap::session::layout;

use crate::meter::most_held;
use crate::support::{run, watchcap};
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
    put("shown", "evil", "a\x1b]52;c;aGk=\x07\x1b[31mb\u{9b}2J\u{202e}d\u{2066}e\u{10eeee}\u{e0041}\x7f".as_bytes());

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
    let sets = reader.index().sets.clone();
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
    let mut annex_b = Vec::new();
    bitstream::to_annex_b(reader.access_unit(1).expect("a frame"), Some(&sets), &mut annex_b).expect("a unit");
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
