//! Numbers that lie: every reader checks them before it makes room, and none takes longer than its bytes do.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use watchcap::base::event::{Event, Gap, Source, Stream};
use watchcap::base::id::{FrameRef, Seq};
use watchcap::base::time::{Anchor, MonoNs, UtcNs};
use watchcap::finalize::report;
use watchcap::log::chunk::{self, ChunkError, Header};
use watchcap::log::codec::ChunkBuilder;
use watchcap::log::reader::LogReader;
use watchcap::log::{Body, LogPaths, Record};
use watchcap::media::avc::sets::ParameterSets;
use watchcap::media::avc::sps;
use watchcap::media::avc::{nal, sei};
use watchcap::media::frames::FrameReader;
use watchcap::media::mp4::index;
use watchcap::media::mp4::index::{IndexError, Sample};
use watchcap::media::mp4::{finish, scan};
use watchcap::media::syntax::UnitSyntax;
use watchcap::session::layout;
use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::EventsReader;
use watchcap::session::table::row::OwnedRow;

use super::golden;
use crate::meter::most_held;
use crate::support::run;
use crate::targets::MAX_BYTES;

/// What a refusal may take before it is one: buffers of a fixed size.
const LITTLE: usize = 8 << 20;

fn refused<T, E: std::fmt::Display>(what: &str, most: usize, call: impl FnOnce() -> Result<T, E>) -> String {
    let began = Instant::now();
    let (answer, held) = most_held(call);
    assert!(held <= most, "{what}: {held} bytes at once");
    assert!(began.elapsed() < Duration::from_secs(10), "{what}: {:?}", began.elapsed());
    match answer {
        Ok(_) => panic!("{what} was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn metadata_of_any_size_and_shape_is_bounded() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("metadata.json");
    fs::File::create(&path).and_then(|file| file.set_len(1 << 30)).expect("a file");
    assert!(refused("a gigabyte", LITTLE, || Metadata::read(&path)).contains("1073741824 bytes, more than"));

    let good = fs::read_to_string(layout::metadata_path(&golden(dir.path()))).expect("metadata");
    let with = |value: &str| format!("{},\"more\":{value}}}", good.trim_end().trim_end_matches('}'));
    // As many small values as are read: they take the most memory for their bytes.
    for (what, unit, marks) in [("objects", "{\"\":0}", 3), ("lists", "[0]", 2), ("numbers", "0", 1)] {
        let count = 260_000 / marks;
        let text = with(&format!("[{}]", vec![unit; count].join(",")));
        let (read, held) = most_held(|| Metadata::parse(Path::new("m"), text.as_bytes()));
        assert!(read.is_ok(), "{what}: {read:?}");
        assert!(held <= MAX_BYTES, "{what}: {held} bytes at once");
        fs::write(&path, &text).expect("metadata");
        let more = with(&format!("[{}]", vec![unit; 2 * count].join(",")));
        assert!(
            refused(what, LITTLE, || Metadata::parse(Path::new("m"), more.as_bytes())).contains("more than 262144")
        );
    }
    assert!(
        refused("depth", LITTLE, || Metadata::parse(Path::new("m"), with(&"[".repeat(100_000)).as_bytes()))
            .contains("syntax")
    );
}

/// The contents of the golden session's `moov`, with the numbers at some places of a box changed.
fn moov_with(moov: &[u8], kind: [u8; 4], at: usize, value: u32) -> Vec<u8> {
    let mut bytes = moov.to_vec();
    let place = bytes.windows(4).position(|found| *found == kind).unwrap_or_else(|| panic!("no {kind:?}"));
    // `at` counts from the contents of the box.
    bytes[place + 4 + at..place + 8 + at].copy_from_slice(&value.to_be_bytes());
    bytes
}

#[test]
fn an_index_that_counts_billions_is_refused_before_room_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let video = fs::read(layout::frames_path(&golden(dir.path()))).expect("a video");
    let place = video.windows(4).rposition(|found| found == b"moov").expect("an index");
    let moov = &video[place + 4..];
    let len = video.len() as u64;
    index::parse_moov(moov, len).expect("a good index");
    for value in [u32::MAX, u32::MAX - 1, 1 << 31, 1 << 24, 0] {
        for (kind, at) in
            [(b"stsz", 8), (b"stts", 4), (b"stss", 4), (b"stsc", 4), (b"stts", 8), (b"stsc", 12), (b"stsd", 4)]
        {
            // A table of keyframes that is empty has no keyframe at its start; every other zero leaves frames over.
            let bytes = moov_with(moov, *kind, at, value);
            refused(&format!("{value} at {at} of {}", String::from_utf8_lossy(kind)), LITTLE, || {
                index::parse_moov(&bytes, len)
            });
        }
        for kind in [b"trak", b"mdia", b"minf", b"stbl", b"stsz"] {
            // The size of the box itself: 0 (to the end), 1 (a large one follows), overflowing.
            for size in [value, 1, 7] {
                let mut bytes = moov.to_vec();
                let place = bytes.windows(4).position(|found| found == kind).expect("a box");
                bytes[place - 4..place].copy_from_slice(&size.to_be_bytes());
                refused(&format!("a {} of {size}", String::from_utf8_lossy(kind)), LITTLE, || {
                    index::parse_moov(&bytes, len)
                });
            }
        }
    }
    // All frames alike, of which a few bytes can tell seven millions: that many are read, in the room that they have.
    let mut bytes = moov_with(moov, *b"stsz", 4, 1);
    let (most, stsz) = (index::MAX_SAMPLES as u32, bytes.windows(4).position(|found| found == b"stsz").expect("it"));
    bytes[stsz + 12..stsz + 16].copy_from_slice(&most.to_be_bytes());
    refused("seven million frames", MAX_BYTES, || index::parse_moov(&bytes, 1 << 40));
    bytes[stsz + 12..stsz + 16].copy_from_slice(&(most + 1).to_be_bytes());
    let error = index::parse_moov(&bytes, 1 << 40).expect_err("a limit");
    assert!(matches!(error, IndexError::Limit { what: "the number of frames", .. }), "{error}");
    // A table beside the durations that says when frames are shown.
    let mut ctts = moov_with(moov, *b"stss", 4, u32::MAX);
    let place = ctts.windows(4).position(|found| found == b"stss").expect("it");
    ctts[place..place + 4].copy_from_slice(b"ctts");
    assert!(refused("ctts", LITTLE, || index::parse_moov(&ctts, len)).contains("composition offsets"));
}

#[test]
fn boxes_of_impossible_sizes_end_the_search() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("v");
    let large = |size: u64| [&[0, 0, 0, 1][..], b"mdat", &size.to_be_bytes()].concat();
    let small = |size: u32, kind: &[u8; 4]| [&size.to_be_bytes()[..], kind].concat();
    for (what, bytes) in [
        ("a box of 0 bytes at the end", small(0, b"mdat")),
        ("a moov of 0 bytes", small(0, b"moov")),
        ("a box of 1 byte without a length", small(1, b"mdat")),
        ("a box smaller than its header", small(7, b"mdat")),
        ("a large box smaller than its header", large(15)),
        ("a box of all bytes there can be", large(u64::MAX)),
        ("a box that comes back to its own start", large(u64::MAX - 7)),
        ("a header that is cut off", vec![0, 0, 0]),
        ("a moov larger than the file", small(u32::MAX, b"moov")),
        ("boxes without number", small(8, b"free").repeat(200_000)),
    ] {
        fs::write(&path, bytes).expect("a file");
        refused(what, LITTLE, || index::read_index(&fs::File::open(&path).expect("it")));
    }
    // A file of terabytes with an index of gigabytes in it.
    let file = fs::File::create(&path).expect("a file");
    file.set_len(1 << 40).expect("a size");
    drop(file);
    let mut bytes = fs::read(layout::frames_path(&golden(dir.path()))).expect("a video");
    bytes.truncate(40);
    bytes[32..].copy_from_slice(&small(3 << 30, b"moov"));
    fs::OpenOptions::new().write(true).open(&path).and_then(|mut file| file.write_all(&bytes)).expect("a file");
    assert!(
        refused("an index of gigabytes", LITTLE, || index::read_index(&fs::File::open(&path).expect("it")))
            .contains("the most that is read")
    );
    // A log's video whose first box is tiny, so that there would be billions of them.
    bytes[32..].copy_from_slice(&small(64, b"mdat"));
    fs::OpenOptions::new().write(true).open(&path).and_then(|mut file| file.write_all(&bytes)).expect("a file");
    refused("billions of boxes", LITTLE, || {
        let layout = finish::detect_layout(&path)?;
        finish::data_len(&path, layout)
    });
}

/// Bits of an SPS, most significant first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u64, count: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn ue(&mut self, value: u64) {
        let length = (value + 1).ilog2();
        self.put(0, length);
        self.put(value + 1, length + 1);
    }

    /// An SPS of the baseline profile.
    fn sps(width: u64, height: u64, references: u64) -> Vec<u8> {
        let mut bits = Self::default();
        for (value, count) in [(66, 8), (0xc0, 8), (30, 8)] {
            bits.put(value, count);
        }
        for value in [0, 0, 2, references] {
            bits.ue(value);
        }
        bits.put(0, 1);
        bits.ue(width / 16 - 1);
        bits.ue(height / 16 - 1);
        bits.put(0b1_1_0_0_1, 5);
        while bits.0.len() % 8 != 0 {
            bits.0.push(false);
        }
        let raw: Vec<u8> =
            bits.0.chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | u8::from(*bit))).collect();
        let mut nal = vec![0x67];
        nal::escape(&raw, &mut nal);
        nal
    }
}

#[test]
fn a_picture_larger_than_any_decoder_takes_is_refused_before_the_decoder_sees_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("v");
    fs::write(&path, [0; 4096]).expect("a file");
    let sample = Sample { offset: 0, pts_us: 0, size: 100, keyframe: true };
    for (width, height, references, what) in [
        (65_536, 65_536, 1, "macroblocks"),
        (1 << 30, 1 << 30, 1, "read"),
        (16 << 20, 16, 1, "macroblocks"),
        (1920, 1088, 16, "reference frames"),
        (1920, 1088, u64::from(u32::MAX) - 1, "reference frames"),
    ] {
        let sets = ParameterSets { sps: Bits::sps(width, height, references), pps: vec![0x68, 0xce, 0x38, 0x80] };
        if let Some((info, _)) = sps::parse(&sets.sps) {
            assert_eq!((u64::from(info.width), u64::from(info.height)), (width, height));
        }
        let why = refused(&format!("{width}x{height}"), LITTLE, || {
            FrameReader::with_samples(&path, vec![sample], sets, (64, 48))
        });
        assert!(why.contains(what), "{width}x{height}, {references}: {why}");
    }
    let sets = ParameterSets { sps: Bits::sps(64, 48, 1), pps: vec![0x68, 0xce, 0x38, 0x80] };
    FrameReader::with_samples(&path, vec![sample], sets, (64, 48)).expect("a picture like others");
}

/// A decoder takes a start code inside of an access unit for the next NAL unit: an SPS of a huge picture could be hidden there.
#[test]
fn a_parameter_set_hidden_behind_a_start_code_does_not_reach_the_decoder() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut good = FrameReader::open(&layout::frames_path(&golden(dir.path()))).expect("a video");
    let (sets, surface) = (good.index().config.avc().expect("H.264").clone(), good.surface());
    let unit = good.access_unit(0).expect("a frame").to_vec();
    let path = dir.path().join("v");
    let huge = Bits::sps(16_384, 16_384, 4);
    let decode = |unit: &[u8], sets: &ParameterSets| {
        fs::write(&path, unit).expect("a file");
        let sample = Sample { offset: 0, pts_us: 0, size: unit.len() as u32, keyframe: true };
        let mut reader = FrameReader::with_samples(&path, vec![sample], sets.clone(), surface).expect("a reader");
        reader.decode(0).map(drop).map_err(|error| error.to_string())
    };
    decode(&unit, &sets).expect("a picture");
    for code in [&[0, 0, 1][..], &[0, 0, 0, 1]] {
        let hidden = [&[0x65, 0x88][..], code, &huge].concat();
        let mut evil = unit.clone();
        evil.extend((hidden.len() as u32).to_be_bytes());
        evil.extend(&hidden);
        assert!(decode(&evil, &sets).expect_err("it was decoded").contains("damaged"));
        let pps = [&sets.pps[..], code, &huge].concat();
        let why = decode(&unit, &ParameterSets { pps, ..sets.clone() }).expect_err("it was decoded");
        assert!(why.contains("start code"), "{why}");
    }
}

fn chunk_of(first: u64, records: &[Record], span: Option<(i64, i64)>) -> Vec<u8> {
    let mut builder = ChunkBuilder::default();
    for record in records {
        builder.push(record);
    }
    let (wire, flags, min_t, max_t) = builder.take().expect("records");
    let body = watchcap_migrations::log::write(&wire).expect("an archive");
    let (min_t, max_t) = span.map_or((min_t, max_t), |(min, max)| (MonoNs(min), MonoNs(max)));
    let (schema, count) = (watchcap_migrations::log::CURRENT, records.len() as u32);
    chunk::join(
        &Header { schema, flags, session: 1, first: Seq(first), count, min_t, max_t, video_synced: u64::MAX },
        &body,
    )
}

fn record(t: i64, body: Body) -> Record {
    Record { t: MonoNs(t), source: Source::Recorder, body }
}

fn gap(t: i64, reason: &str) -> Record {
    let gap = Gap { stream: Stream::Screen, reason: reason.into(), lost: Some(u64::MAX - 1), until: MonoNs(i64::MAX) };
    record(t, Body::Event(Event::Gap(gap)))
}

fn frame(t: i64, number: u64) -> Record {
    let frame = watchcap::base::event::Frame {
        frame_ref: FrameRef(number),
        offset: u64::MAX - 2,
        size_bytes: u32::MAX,
        crc32c: 0,
        keyframe: true,
        duplicate: false,
        capture_us: 0,
        encode_us: 0,
    };
    record(t, Body::Event(Event::Frame(frame)))
}

fn log_of(dir: &Path, database: &[u8]) -> LogPaths {
    let paths = LogPaths::of(dir);
    fs::create_dir_all(&paths.events).expect("folders");
    fs::write(paths.events.join("db"), database).expect("a file");
    fs::write(&paths.video, [&b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\x04\0\0\0mdat"[..], &[7; 500]].concat())
        .expect("a file");
    paths
}

/// Chunks whose sums are right and whose numbers are at the ends of what numbers can say.
#[test]
fn a_log_of_extreme_numbers_is_read_and_reported() {
    let dir = tempfile::tempdir().expect("a folder");
    let times = [i64::MIN, -1, 0, i64::MAX];
    let records: Vec<Record> = times.iter().flat_map(|t| [gap(*t, "a"), frame(*t, u64::MAX), frame(*t, 0)]).collect();
    let pauses = [Event::Pause, Event::Resume, Event::Pause].map(Body::Event);
    let mut records = [records, pauses.into_iter().zip(times).map(|(body, t)| record(t, body)).collect()].concat();
    records.push(record(
        i64::MAX,
        Body::Anchor(Anchor { mono: MonoNs(i64::MAX), utc: UtcNs(i64::MIN), boot_ns: Some(i64::MAX), awake_ns: None }),
    ));
    records.push(record(
        i64::MIN,
        Body::Anchor(Anchor { mono: MonoNs(i64::MIN), utc: UtcNs(i64::MAX), boot_ns: Some(0), awake_ns: None }),
    ));
    let end = record(i64::MIN, Body::End { reason: "x\u{1b}[2J".into() });
    let highest = chunk_of(u64::MAX - 1, &[gap(0, "b")], None);
    assert!(chunk::split(&highest).is_ok());
    for (first, count) in [(u64::MAX, 1), (u64::MAX - 1, 2)] {
        let records = vec![gap(0, "c"); count];
        let found = chunk::split(&chunk_of(first, &records, None)).map(drop);
        assert_eq!(found, Err(ChunkError::Range { what: "first_seq", found: first }));
    }
    for closed in [false, true] {
        let mut database =
            [chunk_of(5, &records, None), chunk_of(1 << 63, &records[..7], None), highest.clone()].concat();
        if closed {
            database.extend(chunk_of(100, std::slice::from_ref(&end), None));
        }
        let paths = log_of(dir.path(), &database);
        let reader = LogReader::open(&paths).expect("a log");
        assert!(reader.iter().flatten().count() >= 15);
        let report = report::report(dir.path(), &mut |_| {}).expect("a report");
        assert!(report.rows > 15 && report.lossy, "{report:?}");
    }
    // A header that says other times or another number of records than there are.
    for bad in [chunk_of(0, &records[..3], Some((0, 0))), {
        let mut bytes = chunk_of(0, &records[..3], None);
        bytes[24] = 2;
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..56]), &bytes[60..]);
        bytes[56..60].copy_from_slice(&sum.to_le_bytes());
        bytes
    }] {
        let paths = log_of(dir.path(), &bad);
        let reader = LogReader::open(&paths).expect("a log");
        let error = reader.records(0).expect_err("records").to_string();
        assert!(error.contains("not those of its header"), "{error}");
    }
}

/// Facts and gaps without number, and records that all wait for one that comes last.
#[test]
fn a_log_made_to_fill_memory_is_bounded() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut database = Vec::new();
    let mut next = 0;
    let mut push = |records: &[Record]| {
        database.extend(chunk_of(next, records, None));
        next += records.len() as u64;
    };
    for number in 0..1500 {
        push(&[record(
            1,
            Body::Setup { key: format!("key {number}"), json: format!("[{}]", "1,".repeat(1500) + "1") },
        )]);
        push(&[gap(1, &format!("reason {number}"))]);
    }
    let anchor = Body::Anchor(Anchor { mono: MonoNs(1), utc: UtcNs(1), boot_ns: None, awake_ns: None });
    for _ in 0..400 {
        push(&vec![record(1, anchor.clone()); 130]);
    }
    for _ in 0..1200 {
        push(&vec![record(2, Body::Event(Event::Pause)); 300]);
    }
    push(&[record(i64::MIN, Body::Event(Event::Resume))]);
    let paths = log_of(dir.path(), &database);
    let began = Instant::now();
    let ((), held) = most_held(|| {
        let reader = LogReader::open(&paths).expect("a log");
        assert_eq!((reader.facts.setup.len(), reader.facts.anchors.len()), (1024, 32_768));
        drop(reader);
        let report = report::report(dir.path(), &mut |_| {}).expect("a report");
        assert!(
            report.rows >= 360_000 && report.lost.len() <= 1025,
            "{} rows, {} losses",
            report.rows,
            report.lost.len()
        );
    });
    assert!(held <= MAX_BYTES, "{held} bytes at once");
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

/// An SEI in each of many slices, from which on the same slices follow to damage at the end: each of them was gone through anew.
#[test]
fn a_scan_of_hostile_video_is_not_quadratic() {
    let mut sei = Vec::new();
    sei::push_sei(watchcap::media::picture::FrameStamp { frame_ref: FrameRef(1), t: MonoNs(2) }, &mut sei);
    let mut slice = vec![0, 0, 0, (sei.len() + 1) as u8, 0x41];
    slice.extend(&sei);
    let mut bytes = sei;
    while bytes.len() < 1 << 20 {
        bytes.extend(&slice);
    }
    bytes.extend([0xff; 8]);
    let began = Instant::now();
    let found = scan::find_access_units(&bytes, 0, UnitSyntax::Avc, &mut sei::parse_sei_nal);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(found.len() <= 32, "{} units in damage", found.len());
}

fn pyarrow(session: &Path, change: &str) {
    let script = format!(
        "import random, sys, pyarrow as pa, pyarrow.parquet as pq\npath = sys.argv[1]\n\
         kept = {{k: v for k, v in pq.read_metadata(path).metadata.items() if k.startswith(b'watchcap')}}\n\
         table, options = pq.read_table(path), dict(compression='zstd')\n{change}\n\
         pq.write_table(table.replace_schema_metadata(kept), path, **options)\n"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("WATCHCAP_PYTHON").map_or_else(|| root.join(".venv/bin/python"), Into::into);
    let mut command = Command::new(python);
    command.args(["-c", &script]).arg(layout::events_path(session));
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{out}{err}");
}

/// Tables of some kilobytes that would decode to gigabytes.
#[test]
fn a_table_made_to_fill_memory_is_refused() {
    let many = "n = 1000\ntable = table.take(pa.array([5] * n))\n";
    let text = |value: &str| {
        format!(
            "{many}table = table.set_column(8, table.schema.field('window_id'), pa.array([{value}] * n))\noptions.update(use_dictionary=['event_type'], write_batch_size=64)"
        )
    };
    let long = "w = random.Random(1).randbytes(10000).hex()\n\
                table = table.set_column(8, table.schema.field('window_id'), pa.array([w] + ['x'] * (n - 1)))";
    let map = |each: &str| {
        format!(
            "{many}kind = table.schema.field('metadata')\ntable = table.set_column(11, kind, pa.array({each}, kind.type))"
        )
    };
    for (what, change, why) in [
        ("a long text in each row", text("'x' * 20000"), "too many for their size in the file"),
        ("a long text in the dictionary", format!("{many}{long}"), "a text of 20000 bytes, more than 8192"),
        (
            "a text that shares its beginning",
            { text("'x' * 8000") + "\noptions['column_encoding'] = {'window_id': 'DELTA_BYTE_ARRAY'}" },
            "DELTA_BYTE_ARRAY",
        ),
        ("all entries in one row", map("[[('k', 'v' * 4000)] * n] + [[]] * (n - 1)"), "a row with"),
        ("a map of 65 entries", map("[[('k', 'v')] * 65, []] * (n // 2)"), "more than 64"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let session = golden(dir.path());
        pyarrow(&session, &change);
        let path = layout::events_path(&session);
        let error = refused(what, MAX_BYTES, || {
            let table = EventsReader::open(&path)?;
            let (mut rows, mut row) = (table.rows(), OwnedRow::default());
            while rows.next_into(&mut row)? {}
            Ok::<_, watchcap::session::table::read::ReadError>(())
        });
        assert!(error.contains(why), "{what}: {error}");
    }
    // What is just allowed: 64 entries of 8 KiB in each row, as many different ones as a dictionary has. Read in small pieces, for as long as
    // anybody wants to.
    let dir = tempfile::tempdir().expect("a folder");
    let session = golden(dir.path());
    // 450 rows of half a megabyte are more than may be held; the reader takes about 60 at once.
    let words = "words = [random.Random(n).randbytes(4000).hex() for n in range(700)]\noptions['dictionary_pagesize_limit'] = 6 << 20\n";
    let rows = map("[[('k', words[(64 * row + at) % 700]) for at in range(64)] for row in range(n)]");
    pyarrow(&session, &format!("{words}{}", rows.replace("1000", "450")));
    let table = EventsReader::open(&layout::events_path(&session)).expect("a table");
    let ((), held) = most_held(|| {
        let (mut rows, mut row) = (table.rows(), OwnedRow::default());
        for _ in 0..300 {
            assert!(rows.next_into(&mut row).expect("a row"));
        }
    });
    assert!(held <= MAX_BYTES, "{held} bytes at once");
}

#[test]
fn a_footer_that_claims_more_than_it_has_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = golden(dir.path());
    let path = layout::events_path(&session);
    let good = fs::read(&path).expect("a table");
    let end = good.len() - 8;
    for length in [u32::MAX, 1 << 31, good.len() as u32, 5 << 20, 0, 1] {
        let mut bytes = good.clone();
        bytes[end..end + 4].copy_from_slice(&length.to_le_bytes());
        fs::write(&path, bytes).expect("a table");
        refused(&format!("a footer of {length} bytes"), LITTLE, || EventsReader::open(&path));
    }
    // Lists of 2^31 and of a million elements; structs within structs; bytes that are nothing.
    let million = [&[0x19, 0xfc, 0xc0, 0x84, 0x3d][..], &vec![0; 1_000_000]].concat();
    for footer in
        [&[0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07][..], &million, &[0x1c; 4000], &[0xff; 100], &[0x29, 0x1c]]
    {
        let mut bytes = [b"PAR1", footer].concat();
        bytes.extend((footer.len() as u32).to_le_bytes());
        bytes.extend(b"PAR1");
        fs::write(&path, bytes).expect("a table");
        refused("a footer", LITTLE, || EventsReader::open(&path));
    }
}

#[test]
fn settings_nested_without_end_are_errors() {
    use watchcap::config::Config;
    use watchcap::privacy::profile::Profile;
    let deep = 200_000;
    let lines = |line: &dyn Fn(u32) -> String| (0..20_000).map(line).collect::<Vec<_>>().join("\n");
    for (what, text) in [
        ("dots", format!("{}a = 1", "a.".repeat(deep))),
        ("a table of dots", format!("[{}a]", "a.".repeat(deep))),
        ("a list of tables", format!("[[{}a]]", "a.".repeat(deep))),
        ("lists", format!("a = {}", "[".repeat(deep))),
        ("tables in a line", format!("a = {}", "{a=".repeat(deep))),
        ("many keys", lines(&|n| format!("k{n} = {n}"))),
        ("many tables", lines(&|n| format!("[t.k{n}]"))),
        ("a long line without an end", format!("a = \"{}", "x".repeat(500_000))),
        ("quotes", "\"".repeat(500_000)),
    ] {
        // A thread's stack is a quarter of the program's: what fits here fits there.
        let parse = move || {
            let config = refused(what, MAX_BYTES, || Config::parse(&text));
            let profile = refused(what, MAX_BYTES, || Profile::parse(&text));
            assert!(!config.is_empty() && !profile.is_empty());
            assert!(text.parse::<toml_edit::DocumentMut>().is_ok() || what != "many keys");
        };
        std::thread::Builder::new().stack_size(2 << 20).spawn(parse).expect("a thread").join().expect(what);
    }
}

/// The real program with 700 MB of address space for everything: its code, its threads' stacks, and what a file makes it take.
#[test]
fn the_program_reads_hostile_files_in_little_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let limited = |session: &Path, verb: &str| {
        let program = env!("CARGO_BIN_EXE_watchcap");
        let line = format!("ulimit -v 700000; exec timeout 60 {program} {verb} '{}'", session.display());
        let mut command = Command::new("bash");
        command.args(["-c", &line]).stdin(std::process::Stdio::null());
        let (code, out, err) = run(&mut command);
        assert!((0..=3).contains(&code) && !err.contains("a fault in"), "{verb}: {code}\n{}\n{err}", out.len());
    };
    let session = golden(dir.path());
    for verb in ["info", "info --json", "verify"] {
        limited(&session, verb);
    }
    let good = fs::read_to_string(layout::metadata_path(&session)).expect("metadata");
    let objects = vec!["{\"\":0}"; 85_000].join(",");
    let text = format!("{},\"more\":[{objects}]}}", good.trim_end().trim_end_matches('}'));
    fs::write(layout::metadata_path(&session), text).expect("metadata");
    let video = fs::read(layout::frames_path(&session)).expect("a video");
    let (head, index) = video.split_at(video.windows(4).rposition(|found| found == b"moov").expect("an index") - 4);
    let mut index = moov_with(&moov_with(index, *b"stsz", 4, 1), *b"stsz", 8, index::MAX_SAMPLES as u32);
    index = moov_with(&index, *b"stts", 8, index::MAX_SAMPLES as u32);
    fs::write(layout::frames_path(&session), [head, &index].concat()).expect("a video");
    for verb in ["info", "info --json", "verify", "replay"] {
        limited(&session, verb);
    }
}
