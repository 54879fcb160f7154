//! Generators of worst cases: for each parser and each fold the files that cost it most, of N bytes and of 4 N. Processor time must grow like
//! the bytes do, and memory stays below what is promised for any file.
//!
//! Ratios are of two runs of one process one behind the other, of processor time, with a factor to spare: a busy machine does not matter. What
//! is quadratic is 16 times as slow for 4 times the bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use watchcap::base::event::{Event, Gap, Source, Stream};
use watchcap::base::id::Seq;
use watchcap::base::time::MonoNs;
use watchcap::log::chunk::{self, Header};
use watchcap::log::codec::ChunkBuilder;
use watchcap::log::{Body, Record};
use watchcap::session::layout;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::{OwnedRow, RowMetadata, event_type, key};

use crate::hostile::tables::with_rows;
use crate::meter::most_held;
use crate::support::{python, run, watchcap};
use crate::targets::{MAX_BYTES, TARGETS};

/// How much more four times the bytes may take: half as much again as they are, and twice that for caches.
const GROWTH: u32 = 12;
/// What is not told from noise.
const NOISE: Duration = Duration::from_millis(250);
/// The smaller of the two sizes, bytes; and what a byte may take beside [`NOISE`], in an unoptimised build.
const BYTES: usize = 64 << 10;
const OF_BYTE: Duration = Duration::from_micros(12);

/// Processor time of this thread.
fn spent() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn repeated(part: &[u8], bytes: usize) -> Vec<u8> {
    part.iter().copied().cycle().take(bytes).collect()
}

fn lines(bytes: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = String::new();
    for n in 0.. {
        text.push_str(&line(n));
        text.push('\n');
        if text.len() >= bytes {
            break;
        }
    }
    text.into_bytes()
}

fn json(bytes: usize, open: &str, item: impl Fn(usize) -> String, close: &str) -> Vec<u8> {
    let mut text = open.to_owned();
    for n in 0.. {
        if n > 0 {
            text.push(',');
        }
        text.push_str(&item(n));
        if text.len() >= bytes {
            break;
        }
    }
    text.push_str(close);
    text.into_bytes()
}

/// A box of MP4.
fn mp4_box(kind: [u8; 4], inside: &[u8]) -> Vec<u8> {
    [&(inside.len() as u32 + 8).to_be_bytes()[..], &kind, inside].concat()
}

/// Boxes in boxes, as deep as they go.
fn nested_boxes(bytes: usize) -> Vec<u8> {
    let depth = bytes / 8;
    (0..depth).flat_map(|at| [&((8 * (depth - at)) as u32).to_be_bytes()[..], b"trak"].concat()).collect()
}

/// A table of an index with as many entries of this kind as there are bytes for.
fn table_of(kind: [u8; 4], before: &[u8], entry: &[u8], bytes: usize) -> Vec<u8> {
    let count = bytes / entry.len();
    let inside = [&[0; 4], before, &(count as u32).to_be_bytes()[..], &repeated(entry, count * entry.len())].concat();
    let stbl = mp4_box(*b"stbl", &mp4_box(kind, &inside));
    mp4_box(*b"trak", &mp4_box(*b"mdia", &mp4_box(*b"minf", &stbl)))
}

/// Bytes that end like a table, with this footer.
fn with_footer(footer: &[u8]) -> Vec<u8> {
    [b"PAR1", footer, &(footer.len() as u32).to_le_bytes()[..], b"PAR1"].concat()
}

/// A log's database for the target `log`: it says behind its bytes that all of them are that, with sums made right.
fn database(bytes: &[u8]) -> Vec<u8> {
    [bytes, &(bytes.len() as u32).to_be_bytes()[..], &[1]].concat()
}

fn chunk_of(first: u64, records: &[Record]) -> Vec<u8> {
    let mut builder = ChunkBuilder::default();
    for record in records {
        builder.push(record);
    }
    let (wire, flags, min_t, max_t) = builder.take().expect("records");
    let body = watchcap_migrations::log::write(&wire).expect("an archive");
    let (schema, count) = (watchcap_migrations::log::CURRENT, records.len() as u32);
    chunk::join(&Header { schema, flags, session: 1, first: Seq(first), count, min_t, max_t, video_synced: 0 }, &body)
}

/// Chunks until there are so many bytes; `first` says with which number the Nth begins, and all of them hold `records`.
fn chunks(bytes: usize, records: &[Record], first: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut out = Vec::new();
    for n in 0.. {
        out.extend(chunk_of(first(n), records));
        if out.len() >= bytes {
            break;
        }
    }
    database(&out)
}

fn gap(t: i64, until: i64) -> Record {
    let gap = Gap { stream: Stream::Screen, reason: "x".into(), lost: Some(u64::MAX), until: MonoNs(until) };
    Record { t: MonoNs(t), source: Source::Recorder, body: Body::Event(Event::Gap(gap)) }
}

type Made = Box<dyn Fn(usize) -> Vec<u8>>;

/// What costs most, by target: as many small things as there are bytes for, one that is as large as all of them, things in things, and
/// things that point at one another.
fn generators() -> Vec<(&'static str, &'static str, Made)> {
    let mut all: Vec<(&'static str, &'static str, Made)> = Vec::new();
    let mut add = |target, what, made: Made| all.push((target, what, made));
    for (target, _) in TARGETS {
        add(target, "zeros", Box::new(|n| vec![0; n]));
        add(target, "ones", Box::new(|n| vec![0xff; n]));
        add(target, "open brackets", Box::new(|n| vec![b'['; n]));
        add(target, "quotes", Box::new(|n| vec![b'"'; n]));
    }
    add("bitstream", "empty units", Box::new(|n| repeated(&[0, 0, 0, 1, 9], n)));
    add("bitstream", "start codes", Box::new(|n| repeated(&[0, 0, 1], n)));
    add("bitstream", "escapes", Box::new(|n| repeated(&[0, 0, 3], n)));
    add("bitstream", "an SEI without an end", Box::new(|n| [&[0, 0, 0, 200, 6][..], &vec![0xff; n]].concat()));
    add("config", "keys", Box::new(|n| lines(n, |at| format!("k{at} = {at}"))));
    add("config", "masks", Box::new(|n| json(n, "[privacy]\nmasks = [", |at| format!("\"{at},0,1%,1%\""), "]\n")));
    add("profile", "tables", Box::new(|n| lines(n, |at| format!("[[mask]]\nname = \"m{at}\"\narea = \"0,0,1%,1%\""))));
    add(
        "control",
        "a long request",
        Box::new(|n| json(n, "{\"watchcap\":1,\"do\":\"mark\",\"text\":[", |_| "0".into(), "]}\n")),
    );
    let digest = "0".repeat(64);
    let name = digest.clone();
    add("integrity", "names", Box::new(move |n| lines(n, |at| format!("{name}  f{at:07}"))));
    add("integrity", "one name", Box::new(move |n| lines(n, |_| format!("{digest}  f"))));
    add("metadata", "values", Box::new(|n| json(n, "{\"more\":[", |_| "{\"\":0}".into(), "]}")));
    add("metadata", "keys", Box::new(|n| json(n, "{", |at| format!("\"k{at}\":0"), "}")));
    add("metadata", "one key", Box::new(|n| json(n, "{", |_| "\"k\":0".into(), "}")));
    add("metadata", "a long number", Box::new(|n| [b"{\"fps\":", &vec![b'9'; n][..], b"}"].concat()));
    add("metadata", "escapes", Box::new(|n| [b"{\"task\":\"", &repeated(b"\\u0000", n / 6 * 6)[..], b"\"}"].concat()));
    add(
        "metadata",
        "anchors",
        Box::new(|n| json(n, "{\"clock\":{\"anchors\":[", |at| format!("{{\"mono_ns\":{at}}}"), "]}}")),
    );
    add("moov", "boxes", Box::new(|n| repeated(&mp4_box(*b"free", &[]), n / 8 * 8)));
    add("moov", "boxes in boxes", Box::new(nested_boxes));
    add("moov", "tracks", Box::new(|n| repeated(&mp4_box(*b"trak", &mp4_box(*b"mdia", &[])), n / 16 * 16)));
    add("moov", "durations", Box::new(|n| table_of(*b"stts", &[], &[0, 0, 0, 1, 0, 0, 0, 1], n)));
    add("moov", "sizes", Box::new(|n| table_of(*b"stsz", &[0; 4], &[0, 0, 0, 1], n)));
    add("moov", "groups", Box::new(|n| table_of(*b"stsc", &[], &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], n)));
    add("moov", "offsets", Box::new(|n| table_of(*b"stco", &[], &[0, 0, 0, 8], n)));
    add("parquet", "structs in structs", Box::new(|n| with_footer(&vec![0x1c; n])));
    add("parquet", "lists of lists", Box::new(|n| with_footer(&repeated(&[0x19, 0xf9, 0xff, 0x1f], n))));
    add("parquet", "many fields", Box::new(|n| with_footer(&repeated(&[0x15, 0x02], n))));
    add(
        "parquet",
        "empty row groups",
        Box::new(|n| {
            let count = n.min(4096);
            with_footer(&[&[0x49, 0xfc, (count & 0x7f) as u8 | 0x80, (count >> 7) as u8][..], &vec![0; n]].concat())
        }),
    );
    add("review", "lines", Box::new(|n| lines(n, |at| format!("{{\"kind\":\"note\",\"text\":\"{at}\"}}"))));
    add("review", "empty lines", Box::new(|n| vec![b'\n'; n]));
    add(
        "review",
        "spans over one another",
        Box::new(|n| {
            lines(n, |at| {
                format!(
                    "{{\"v\":1,\"kind\":\"span\",\"from_ns\":{at},\"until_ns\":{},\"verdict\":\"reject\"}}",
                    usize::MAX / 2 - at
                )
            })
        }),
    );
    add("shown", "controls", Box::new(|n| repeated("\u{1b}[2J\u{202e}\u{9b}".as_bytes(), n)));
    add("sps", "no end of zeros", Box::new(|n| [&[0x67, 66, 0xc0, 30][..], &vec![0; n]].concat()));
    add("sps", "a cycle", Box::new(|n| [&[0x67, 66, 0xc0, 30, 0b1101_1000][..], &vec![0xff; n]].concat()));
    add("video", "units", Box::new(|n| repeated(&[0, 0, 0, 1, 0x41], n)));
    add(
        "video",
        "units in units",
        Box::new(|n| (0..n / 5).flat_map(|at| [&((n - 5 * at) as u32).to_be_bytes()[..], &[0x41]].concat()).collect()),
    );
    add("log", "magic words", Box::new(|n| database(&repeated(&chunk::MAGIC, n))));
    add(
        "log",
        "headers over one another",
        Box::new(|n| {
            let one = chunk_of(0, &[gap(1, 2)]);
            database(&repeated(&one[..chunk::HEADER_LEN], n))
        }),
    );
    add("log", "copies", Box::new(|n| chunks(n, &[gap(1, 2)], |_| 0)));
    add("log", "chunks over one another", Box::new(|n| chunks(n, &[gap(1, 2), gap(1, 2)], |at| at)));
    add("log", "holes", Box::new(|n| chunks(n, &[gap(1, 2)], |at| at * 2)));
    add("log", "the last first", Box::new(|n| chunks(n, &[gap(1, 2)], move |at| (n as u64) - at)));
    add("log", "times that go back", Box::new(|n| chunks(n, &[gap(5, 6), gap(-5, i64::MAX)], |at| at * 2)));
    all
}

#[test]
fn parsers_take_what_their_bytes_take() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut worst = (Duration::ZERO, "", "");
    for (target, what, made) in generators() {
        let (_, parse) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
        let cost = |bytes: usize| {
            let (data, folder) = (made(bytes), dir.path().join(format!("{target}-{bytes}")));
            fs::create_dir_all(&folder).expect("a folder");
            let began = spent();
            let ((), held) = most_held(|| parse(&data, &folder));
            let took = spent().saturating_sub(began);
            fs::remove_dir_all(&folder).expect("removed");
            assert!(held <= MAX_BYTES, "{target}, {what}: {held} bytes at once for {}", data.len());
            let most = NOISE + OF_BYTE * data.len() as u32;
            assert!(took <= most, "{target}, {what}: {took:?} for {} bytes", data.len());
            took
        };
        let (few, many) = (cost(BYTES), cost(4 * BYTES));
        assert!(
            many <= few * GROWTH + NOISE,
            "{target}, {what}: {few:?} for {BYTES} bytes, {many:?} for four times as many"
        );
        worst = worst.max((many, target, what));
    }
    println!("slowest: {}, {}: {:?} for {} bytes", worst.1, worst.2, worst.0, 4 * BYTES);
}

/// Every target has a generator of its own beside what is tried on all of them, or none that says more than those.
#[test]
fn every_parser_has_its_worst_case() {
    let made = generators();
    for (target, _) in TARGETS {
        let own = made.iter().filter(|(name, ..)| *name == target).count();
        // A chunk is 4 KiB at the most, a picture is bounded by its level, and import reads tables, which are tried below. What goes between the recorder
        // and the input helper are packets of eight bytes.
        let bounded = ["chunk", "frames", "hello", "import", "lent"];
        assert!(own > 4 || bounded.contains(&target), "{target} has no worst case");
    }
}

/// Processor time of a child that has ended and was not waited for yet, and that has not much address space.
fn child_time(verb: &[&str]) -> (Duration, i32) {
    let program = env!("CARGO_BIN_EXE_watchcap");
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -v 1400000; exec \"$@\"", "bash", program]).args(verb);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env("XDG_CONFIG_HOME", "/nonexistent");
    let mut child: Child = command.spawn().expect("bash");
    let stat = PathBuf::from(format!("/proc/{}/stat", child.id()));
    let ticks = loop {
        let text = fs::read_to_string(&stat).expect("it is not waited for");
        let fields: Vec<&str> = text.rsplit(") ").next().expect("fields").split(' ').collect();
        if fields[0] == "Z" {
            break fields[11].parse::<u64>().expect("user time");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let code = child.wait().expect("its end").code().unwrap_or(-1);
    (Duration::from_millis(ticks * 10), code)
}

type Rows = fn(&OwnedRow, usize) -> OwnedRow;

fn blank(like: &OwnedRow, kind: &str) -> OwnedRow {
    OwnedRow {
        t_ns: like.t_ns,
        event_type: kind.into(),
        window_id: like.window_id.clone(),
        session_id: like.session_id.clone(),
        frame_ref: like.frame_ref,
        ..OwnedRow::default()
    }
}

fn entries(row: &mut OwnedRow, words: &[(&str, String)]) {
    row.metadata = RowMetadata::new();
    for (name, value) in words {
        row.metadata.push_str(name, value);
    }
}

/// What costs folds most: the Nth row behind one that is there.
const FOLDS: [(&str, Rows); 8] = [
    ("gaps over one another", |like, _| {
        let mut row = blank(like, event_type::GAP);
        let until = (key::UNTIL_NS, i64::MAX.to_string());
        entries(
            &mut row,
            &[(key::STREAM, "screen".into()), (key::REASON, "late".into()), (key::LOST, u64::MAX.to_string()), until],
        );
        row
    }),
    ("gaps of many reasons", |like, n| {
        let mut row = blank(like, event_type::GAP);
        let until = (key::UNTIL_NS, (like.t_ns + n as i64).to_string());
        entries(
            &mut row,
            &[(key::STREAM, "input".into()), (key::REASON, format!("r{n}")), (key::LOST, "1".into()), until],
        );
        row
    }),
    ("redactions over one another", |like, n| {
        let mut row = blank(like, event_type::REDACT);
        let until = (key::UNTIL_NS, (i64::MAX - n as i64).to_string());
        let area = [key::X, key::Y, key::WIDTH, key::HEIGHT].map(|name| (name, "8".to_owned()));
        entries(
            &mut row,
            &[&[(key::WHAT, "pixels".into()), (key::REASON, format!("r{n}")), until][..], &area].concat(),
        );
        row
    }),
    ("pauses", |like, n| blank(like, if n % 2 == 0 { event_type::PAUSE } else { event_type::RESUME })),
    ("redacted keys", |like, n| {
        let mut row = blank(like, if n % 4 == 3 { event_type::KEY_UP } else { event_type::KEY_DOWN });
        entries(&mut row, &[(key::REDACTED, "1".into())]);
        (row.pressed, row.repeat) = (Some(n % 4 != 3), Some(false));
        row
    }),
    ("keys that stay down", |like, n| {
        let mut row = blank(like, event_type::KEY_DOWN);
        entries(&mut row, &[(key::NATIVE, n.to_string())]);
        (row.pressed, row.repeat) = (Some(true), Some(false));
        row
    }),
    ("long titles", |like, n| {
        let mut row = blank(like, event_type::FOCUS);
        entries(&mut row, &[(key::APP, "a".into()), (key::TITLE, ["e", "o"][n % 2].repeat(2000))]);
        row
    }),
    ("marks", |like, n| {
        let mut row = blank(like, event_type::MARK);
        entries(&mut row, &[(key::TEXT, format!("mark {n}"))]);
        row
    }),
];

/// The program itself on tables that its folds dislike: looking, checking, cutting and exporting.
#[test]
fn folds_take_what_their_rows_take() {
    const ROWS: usize = 3000;
    let dir = tempfile::tempdir().expect("a folder");
    for (what, row) in FOLDS {
        let make = |rows: usize| {
            let name = format!("{}-{rows}", what.replace(' ', "_"));
            with_rows(dir.path(), &name, &|like, new| new.extend((0..rows).map(|n| row(like, n))))
        };
        let sessions = [make(ROWS), make(4 * ROWS)];
        let verbs: [&[&str]; 6] = [
            &["info"],
            &["verify"],
            &["qa"],
            &["export", "actions"],
            &["export", "clip", "--from", "0.1", "--to", "0.9"],
            &["export", "frames"],
        ];
        for verb in verbs {
            let out = tempfile::tempdir_in(dir.path()).expect("a folder");
            let [few, many] = [0, 1].map(|at| {
                let session = sessions[at].to_str().expect("UTF-8");
                let place = out.path().join(at.to_string());
                let mut line = verb.to_vec();
                if verb[0] == "export" {
                    line.extend([session, "--out", place.to_str().expect("UTF-8")]);
                } else {
                    line.push(session);
                }
                let (took, code) = child_time(&line);
                assert!((0..=4).contains(&code), "{verb:?} of {what} ended with {code}");
                took
            });
            assert!(
                many <= few * GROWTH + NOISE * 2,
                "{verb:?} of {what}: {few:?} for {ROWS} rows, {many:?} for four times as many"
            );
        }
    }
}

/// Rows that share one text: refused when that is much more than the bytes of the file, in the time that looking takes.
#[test]
fn a_text_that_rows_share_does_not_cost_what_they_say() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = with_rows(dir.path(), "shared", &|_, _| {});
    for (rows, bytes, is_refused) in [(300_000, 8000, true), (200_000, 100, true), (200, 200, false)] {
        let path = dir.path().join("shared.parquet");
        let (count, length) = (rows.to_string(), bytes.to_string());
        let told = [&layout::events_path(&session), &path, Path::new(&count), Path::new(&length)];
        assert_eq!(python("shared_text.py", &told), "");
        let began = spent();
        let read = (|| {
            let table = watchcap::session::table::read::EventsReader::open(&path)?;
            let (mut rows, mut row) = (table.rows().checked(), OwnedRow::default());
            while rows.next_into(&mut row)? {}
            Ok::<_, watchcap::session::table::read::ReadError>(())
        })();
        let (took, size) = (spent().saturating_sub(began), fs::metadata(&path).expect("a table").len());
        println!("{rows} rows of {bytes} bytes in {size}: {took:?}, {read:?}");
        match read {
            Err(error) if is_refused => {
                assert!(error.to_string().contains("count for") || error.to_string().contains("decode to"), "{error}");
            }
            Ok(()) if !is_refused => {}
            other => panic!("{rows} rows of {bytes} bytes: {other:?}"),
        }
        assert!(took < Duration::from_secs(3), "{took:?} for {size} bytes");
    }
}

/// Two row groups of the same bytes: a file could have thousands of them.
#[test]
fn bytes_that_several_row_groups_claim_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = with_rows(dir.path(), "twice", &|_, _| {});
    let path = dir.path().join("twice.parquet");
    assert_eq!(python("row_groups_twice.py", &[&layout::events_path(&session), &path]), "");
    let error = watchcap::session::table::read::EventsReader::open(&path).expect_err("it was taken").to_string();
    assert!(error.contains("its row groups have"), "{error}");
}

/// Files of a terabyte that nobody wrote: beside what is there, and instead of it. No verb reads what is none.
#[test]
fn files_of_a_terabyte_are_looked_at_and_not_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let sealed = with_rows(dir.path(), "sealed", &|_, _| {});
    let log = crate::support::synthetic(dir.path(), "log", &["--no-finalize"]);
    let grow = |path: &Path| {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .and_then(|file| file.set_len(1 << 40))
            .expect("a file");
    };
    let check = |what: &str, verb: &[&str], session: &Path| {
        let out = dir.path().join("out");
        let mut line = verb.to_vec();
        line.push(session.to_str().expect("UTF-8"));
        if verb[0] == "export" {
            line.extend(["--out", out.to_str().expect("UTF-8")]);
        }
        let (took, code) = child_time(&line);
        assert!((0..=4).contains(&code), "{verb:?} of {what}: {code}");
        assert!(took < Duration::from_secs(10), "{verb:?} of {what}: {took:?}");
    };
    for name in
        [layout::METADATA_FILE, layout::EVENTS_FILE, layout::FRAMES_FILE, layout::INTEGRITY_FILE, "review.jsonl"]
    {
        let session = dir.path().join("below").join("s");
        crate::support::copy_tree(&sealed, &session);
        grow(&session.join(name));
        for verb in [
            &["verify"][..],
            &["info"],
            &["qa"],
            &["export", "actions"],
            &["export", "frames"],
            &["replay"],
            &["migrate"],
        ] {
            check(name, verb, &session);
        }
        check(name, &["catalog"], &dir.path().join("below"));
        fs::remove_dir_all(dir.path().join("below")).expect("removed");
    }
    for name in ["events/db", "facts", "frames.mp4", "lock", "ending.json", "reserve"] {
        for verb in [&["info"][..], &["verify"], &["recover", "--dry-run"], &["replay"], &["finalize"]] {
            let copy = dir.path().join("copy");
            crate::support::copy_tree(&log, &copy);
            grow(&copy.join("log").join(name));
            check(name, verb, &copy);
            fs::remove_dir_all(&copy).expect("removed");
        }
    }
}

/// What was made to be read slowly is still a session: a look at the sizes above.
#[test]
fn the_rows_that_folds_dislike_are_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = with_rows(dir.path(), "all", &|like, new| {
        for (_, row) in FOLDS {
            new.extend((0..8).map(|n| row(like, n)));
        }
    });
    let mut said = String::new();
    let (code, out, err) = run(watchcap().arg("verify").arg(&session));
    write!(said, "{out}{err}").expect("text");
    assert_eq!(code, 0, "{said}");
    assert!(SessionReader::open(&session).expect("a session").events().len() > 64);
}
