//! What each fuzz target does with its bytes. Shared with the tests, which run the saved inputs through the same functions.
//!
//! A target fails by a panic, by more memory than [`MAX_BYTES`] at once, or by time. Answers are looked at where they can be wrong
//! without any of that: places must lie inside, what was read must be written the same again.

use std::fs;
use std::path::Path;

use watchcap::config::Config;
use watchcap::control::protocol;
use watchcap::derive::import;
use watchcap::finalize::report;
use watchcap::log::ending::Ending;
use watchcap::log::reader::LogReader;
use watchcap::log::sources::SourceNames;
use watchcap::log::{LogPaths, chunk, codec};
use watchcap::privacy::mask::Place;
use watchcap::privacy::profile::Profile;
use watchcap_format::base::shown;
use watchcap_format::media::av1;
use watchcap_format::media::av1::sequence::Av1Config;
use watchcap_format::media::avc::sets::ParameterSets;
use watchcap_format::media::avc::sps;
use watchcap_format::media::avc::{nal, sei};
use watchcap_format::media::frames::FrameReader;
use watchcap_format::media::hevc;
use watchcap_format::media::hevc::sets::HevcSets;
use watchcap_format::media::mp4::foreign;
use watchcap_format::media::mp4::index;
use watchcap_format::media::mp4::index::Sample;
use watchcap_format::media::mp4::scan;
use watchcap_format::media::syntax::UnitSyntax;
use watchcap_format::media::track::CodecConfig;
use watchcap_format::session::annotations::Annotations;
use watchcap_format::session::metadata::Metadata;
use watchcap_format::session::review::Review;
use watchcap_format::session::span;
use watchcap_format::session::table::read::EventsReader;
use watchcap_format::session::table::row::OwnedRow;
use watchcap_format::session::{layout, seal};
use watchcap_input_helper::wire::{self, Heard, PACKET, Word};

/// What a target may hold of the heap at once.
pub(crate) const MAX_BYTES: usize = 256 << 20;

/// A target: its bytes, and a folder of its own for those that read files.
pub(crate) type Target = fn(&[u8], &Path);

/// Every target by its name; `fuzz/corpus` and `fuzz/regressions` have a folder of that name.
pub(crate) const TARGETS: [(&str, Target); 18] = [
    ("bitstream", bitstream),
    ("chunk", chunk),
    ("config", config),
    ("control", control),
    ("frames", frames),
    ("hello", hello),
    ("import", import),
    ("integrity", integrity),
    ("lent", lent),
    ("log", log),
    ("metadata", metadata),
    ("moov", moov),
    ("parquet", parquet),
    ("profile", profile),
    ("review", review),
    ("shown", shown),
    ("sps", sps),
    ("video", video),
];

/// One access unit, in both of its forms, and its SEI.
fn bitstream(data: &[u8], _: &Path) {
    let mut annex_b = Vec::new();
    let whole = nal::to_annex_b(data, None, &mut annex_b).is_ok();
    assert_eq!(whole, nal::nals(data).all(|nal| nal.is_ok()));
    let stamped = sei::parse_sei(data).or(sei::parse_sei_nal(data)).is_some();
    assert!(!stamped || data.len() > 30, "a stamp in {} bytes", data.len());
    assert!(!nal::is_idr(data) || !data.is_empty());
    let mut prefixed = Vec::new();
    nal::to_length_prefixed(data, &mut prefixed);
    assert!(nal::nals(&prefixed).all(|nal| nal.is_ok()), "what we wrote is not read");
    let (mut raw, mut escaped) = (Vec::new(), vec![0x65]);
    nal::unescape(data, &mut raw);
    raw.push(0x80);
    nal::escape(&raw, &mut escaped);
    let mut back = Vec::new();
    nal::unescape(&escaped[1..], &mut back);
    assert_eq!(back, raw, "escaping changed the bytes");
}

/// A chunk as it is, and the bytes as the body of one whose sum is right.
fn chunk(data: &[u8], _: &Path) {
    let names = SourceNames::default();
    if let Ok((header, body)) = chunk::split(data) {
        drop(codec::records(header.schema, body, &names));
        assert_eq!(chunk::join(&header, body), data[..chunk::HEADER_LEN + body.len()]);
    }
    drop(SourceNames::from_json(&String::from_utf8_lossy(data)));
    for schema in 1..=2 {
        assert!(codec::synced(schema, data).len() <= data.len());
        if let Ok(records) = codec::records(schema, data, &names) {
            assert!(records.len() <= data.len(), "more records than bytes");
            let mut builder = codec::ChunkBuilder::default();
            for record in &records {
                builder.push(record);
            }
        }
    }
}

fn config(data: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(config) = Config::parse(text) {
        drop(watchcap::privacy::consent::parse(&config.record.consent));
        for mask in &config.privacy.masks {
            resolve(mask, (1920, 1080));
        }
    }
}

/// An area as it is written, on a picture of some size.
fn resolve(text: &str, size: (u32, u32)) {
    let area = Place::parse(text).ok().and_then(|place| place.resolve(size));
    assert!(area.is_none_or(|area| area.width > 0 && area.height > 0), "an empty area");
}

/// Requests and replies, and what else is written on a command line.
fn control(data: &[u8], _: &Path) {
    if let Ok(request) = protocol::read_request(data) {
        let line = protocol::write_request(&request);
        assert_eq!(protocol::read_request(line.as_bytes()).as_ref(), Ok(&request));
    }
    if let Ok(reply) = protocol::read_reply(data)
        && let Ok(snapshot) = reply
    {
        let line = protocol::write_reply(&Ok(snapshot.clone()));
        assert_eq!(protocol::read_reply(line.as_bytes()), Ok(Ok(snapshot)));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        resolve(text, (65_535, 65_535));
        resolve(text, (0, 0));
        drop(span::Moment::parse(text));
        if let Ok(mask) = span::Mask::parse(text) {
            drop(mask.place((4096, 2304)));
        }
    }
}

/// Access units for the decoder: two bytes of length before the SPS, two before the PPS, then units with four bytes of length each.
fn frames(data: &[u8], dir: &Path) {
    let mut rest = data;
    let mut set = || -> Option<Vec<u8>> {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (set, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = behind;
        Some(set.to_vec())
    };
    let (Some(sps), Some(pps)) = (set(), set()) else { return };
    let Some((info, _)) = sps::parse(&sps) else { return };
    // Large pictures take their time; what is special about them is looked at in tests.
    if info.macroblocks > 1024 {
        return;
    }
    let start = data.len() - rest.len();
    let (mut samples, mut at) = (Vec::new(), start);
    while let Some(length) = data.get(at..).and_then(|left| left.first_chunk::<4>()) {
        let size = (u32::from_be_bytes(*length) as usize).clamp(1, 1 << 20).min(data.len() - at - 4);
        if size == 0 || samples.len() == 32 {
            break;
        }
        let keyframe = samples.is_empty() || size.is_multiple_of(7);
        samples.push(Sample { offset: (at + 4) as u64, pts_us: samples.len() as i64, size: size as u32, keyframe });
        at += 4 + size;
    }
    let path = dir.join("frames.mp4");
    fs::write(&path, data).expect("a file");
    let surface = (info.width, info.height);
    let Ok(mut reader) = FrameReader::with_samples(&path, samples, ParameterSets { sps, pps }, surface) else { return };
    for frame in 0..reader.len() {
        drop(reader.decode(frame));
    }
    for frame in (0..reader.len()).rev() {
        if let Ok(picture) = reader.rgb_scaled(frame, (40, 30)) {
            assert_eq!(picture.data.len(), picture.width as usize * picture.height as usize * 3);
        }
    }
}

/// What the helper that lends devices hears of a recorder: one packet.
fn hello(data: &[u8], _: &Path) {
    assert_eq!(wire::read_hello(data).is_ok(), data == wire::hello());
}

/// The table and the video of another program, one behind the other, then the length of the first (four bytes): what is looked at before
/// anything is written.
fn import(data: &[u8], dir: &Path) {
    let Some((data, length)) = data.split_last_chunk::<4>() else { return };
    let (table, video) = data.split_at(u32::from_be_bytes(*length) as usize % (data.len() + 1));
    fs::write(layout::events_path(dir), table).expect("a file");
    fs::write(layout::frames_path(dir), video).expect("a file");
    let told = import::options::Options { dry_run: true, ..import::options::Options::default() };
    match import::run::import(dir, &told, &mut |_| {}) {
        Ok(planned) => assert!(!planned.made, "a dry run made something"),
        Err(error) => drop((error.to_string(), error.hint())),
    }
}

fn integrity(data: &[u8], _: &Path) {
    let Ok(entries) = seal::parse_integrity(data) else { return };
    for entry in &entries {
        let path = Path::new(&entry.name);
        assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))), "{}", entry.name);
        assert!(!shown::line(&entry.name).contains('\u{fffd}'));
    }
    let lines: Vec<_> = entries.iter().map(|entry| format!("{}  {}\n", entry.hash, entry.name)).collect();
    assert_eq!(lines.concat().as_bytes(), data, "a seal that is not as it is written");
}

/// What the recorder hears of the helper that lends devices: packets, with a byte before each that says how long it is and how many descriptors
/// came with it.
fn lent(data: &[u8], _: &Path) {
    let (mut heard, mut rest) = (Heard::default(), data);
    let (mut greeted, mut is_open) = (false, false);
    while let Some((how, behind)) = rest.split_first() {
        // Most are as long as they should be.
        let length = if how & 8 == 0 { PACKET } else { usize::from(how >> 4) };
        let (packet, behind) = behind.split_at(length.min(behind.len()));
        rest = behind;
        let descriptors = usize::from(how & 3);
        let Ok(word) = heard.take(packet, descriptors) else { continue };
        assert_eq!((packet, descriptors), (&word.bytes()[..], word.descriptors()), "it has one form");
        match word {
            Word::Greeting => assert!(!std::mem::replace(&mut greeted, true), "greeted twice"),
            Word::Device(number) => assert!(greeted && number <= wire::MAX_NUMBER),
            Word::Open => assert!(greeted && !std::mem::replace(&mut is_open, true), "opened twice"),
            Word::Closed(_) => is_open = false,
        }
    }
}

/// The database of a log and its video, one behind the other, then the length of the first (four bytes) and a byte that says what is what.
/// With its lowest bit, the sums of the chunks are made right first, so that what the fuzzer did to them is read.
fn log(data: &[u8], dir: &Path) {
    let Some((data, [length @ .., how])) = data.split_last_chunk::<5>() else { return };
    let length = u32::from_be_bytes(*length) as usize % (data.len() + 1);
    let (database, video) = data.split_at(length);
    let paths = LogPaths::of(dir);
    fs::create_dir_all(&paths.events).expect("folders");
    let mut database = database.to_vec();
    if how & 1 == 1 {
        right_sums(&mut database);
    }
    fs::write(paths.events.join("db"), &database).expect("a file");
    let part = if how & 2 == 0 { &database[..] } else { &[] };
    fs::write(&paths.facts, part).expect("a file");
    fs::write(&paths.video, video).expect("a file");
    fs::write(&paths.ending, &video[..video.len().min(400)]).expect("a file");
    drop(Ending::read(&paths.ending));
    let Ok(reader) = LogReader::open(&paths) else { return };
    let mut before = None;
    for (seq, record) in reader.iter().flatten() {
        assert!(before < Some(seq), "record {seq} does not come after {before:?}");
        drop(record);
        before = Some(seq);
    }
    drop(report::report(dir, &mut |_| {}));
}

fn right_sums(bytes: &mut [u8]) {
    for at in 0..bytes.len().saturating_sub(chunk::HEADER_LEN) {
        if bytes[at..at + 4] != chunk::MAGIC {
            continue;
        }
        let length = u32::from_le_bytes(bytes[at + 28..at + 32].try_into().expect("four bytes")) as usize;
        let body = at + chunk::HEADER_LEN;
        if length <= chunk::MAX_LEN && body + length <= bytes.len() {
            let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[at..at + 56]), &bytes[body..body + length]);
            bytes[at + 56..at + 60].copy_from_slice(&sum.to_le_bytes());
        }
    }
}

fn metadata(data: &[u8], _: &Path) {
    let path = Path::new("metadata.json");
    match Metadata::parse(path, data) {
        Ok(read) => {
            let text = read.to_json().expect("json");
            let again = Metadata::parse(path, text.as_bytes()).expect("what was written");
            assert_eq!(again.to_json().expect("json"), text);
            let drift = watchcap_format::session::metadata::fit_drift_ppm(&read.clock.anchors);
            assert!(drift.is_none_or(f64::is_finite));
        }
        Err(error) => assert!(!error.to_string().chars().any(shown::steers), "{error:?}"),
    }
}

/// The contents of a `moov` in a file of 16 MiB, and a whole file, of this program and of another.
fn moov(data: &[u8], dir: &Path) {
    const LEN: u64 = 16 << 20;
    if let Ok(index) = index::parse_moov(data, LEN) {
        for sample in &index.samples {
            assert!(sample.size > 0 && sample.offset + u64::from(sample.size) <= LEN);
        }
        assert!(index.samples.windows(2).all(|pair| pair[0].pts_us < pair[1].pts_us));
    }
    let path = dir.join("frames.mp4");
    fs::write(&path, data).expect("a file");
    let file = fs::File::open(&path).expect("the file");
    drop(index::read_index(&file));
    if let Ok(index) = foreign::read_index(&file) {
        let end = data.len() as u64;
        assert!(index.samples.iter().all(|sample| sample.offset + u64::from(sample.size) <= end));
    }
}

fn parquet(data: &[u8], dir: &Path) {
    let path = dir.join("events.parquet");
    fs::write(&path, data).expect("a file");
    let Ok(table) = EventsReader::open(&path) else { return };
    for check in [true, false] {
        let mut rows = if check { table.rows().checked() } else { table.rows_from(1) };
        let (mut row, mut count) = (OwnedRow::default(), 0);
        // A table of nulls says in few bytes that it has many rows.
        while count < 20_000 && rows.next_into(&mut row).unwrap_or(false) {
            count += 1;
        }
    }
}

fn profile(data: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(profile) = Profile::parse(text) {
        for mask in profile.masks(Some(50)).iter().chain(&profile.masks(None)) {
            for size in [(1920, 1080), (2, 2)] {
                let area = mask.place.resolve(size);
                assert!(area.is_none_or(|area| area.width > 0 && area.height > 0));
            }
        }
    }
}

fn review(data: &[u8], _: &Path) {
    for (session, edition) in [(None, None), (Some("s"), Some("e"))] {
        let review = Review::parse(data, session, edition);
        let lines = data.split(|byte| *byte == b'\n').count();
        let told = review.remarks.len() + review.torn.len() + review.faults.len() + review.later as usize;
        assert!(told <= lines, "{told} of {lines} lines");
        assert!(review.remarks.iter().all(|remark| remark.span_ns.is_none_or(|(from, until)| from <= until)));
        assert!(!review.is_accepted() || review.verdict_at(0).is_some());
        assert_eq!(review.to_json()["later"], review.later);
        let annotations = Annotations::parse(data, session, edition);
        let found = &annotations.lines;
        assert!(found.said.len() as u64 + found.unread() <= lines as u64 + 1);
        assert!(annotations.subtasks().iter().all(|subtask| subtask.from_ns <= subtask.until_ns));
    }
}

fn shown(data: &[u8], _: &Path) {
    let text = String::from_utf8_lossy(data);
    assert!(!shown::text(&text).chars().any(|c| c != '\n' && shown::steers(c)));
    assert!(!shown::line(&text).chars().any(shown::steers));
    let json = serde_json::to_string(&text).expect("json");
    let escaped = shown::json(&json);
    assert!(!escaped.chars().any(shown::steers));
    assert_eq!(serde_json::from_str::<String>(&escaped).expect("json"), text);
}

fn sps(data: &[u8], _: &Path) {
    if let Some(sps) = hevc::sps::read(data) {
        assert!(sps.size.0 > 0 && sps.size.0 <= sps.coded.0 && sps.size.1 > 0 && sps.size.1 <= sps.coded.1);
    }
    if let Ok(sets) = HevcSets::of_record(data) {
        drop(CodecConfig::Hevc(sets).codec_string());
    }
    if let Some(sequence) = av1::sequence::read(data) {
        assert!(sequence.size.0 > 0 && sequence.size.1 > 0 && (8..=12).contains(&sequence.depth));
        let _header = av1::frame::read(data, &sequence);
    }
    if let Ok(config) = Av1Config::of_record(data) {
        assert_eq!(Av1Config::of_stream(&config.sequence).as_ref(), Some(&config));
        let config = CodecConfig::Av1(config);
        drop((config.codec_string(), config.stream_info(), config.push_coded(data, &mut Vec::new())));
    }
    if let Some((info, _)) = sps::parse(data) {
        assert!(info.width > 0 && info.height > 0 && info.macroblocks > 0);
    }
}

/// The contents of a box of a log's video.
fn video(data: &[u8], _: &Path) {
    for syntax in [UnitSyntax::Avc, UnitSyntax::Hevc, UnitSyntax::Av1] {
        let mut end = 0;
        for unit in scan::find_access_units(data, 0, syntax, &mut |part| syntax.stamp_in(part)) {
            assert!(unit.offset >= end && unit.offset + u64::from(unit.len) <= data.len() as u64);
            end = unit.offset + u64::from(unit.len);
            let whole = &data[unit.offset as usize..end as usize];
            assert_eq!((syntax.stamp_of(whole), syntax.is_idr(whole)), (Some(unit.stamp), unit.keyframe));
        }
    }
}
