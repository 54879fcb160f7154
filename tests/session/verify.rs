//! `verify` finds what is wrong: every flipped bit, every missing, extra or swapped file, every lie of one file about another.

use std::fs;
use std::path::Path;

use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::event_type;
use watchcap::session::table::schema;
use watchcap::session::verify::{Kind, VerifyOptions};
use watchcap::session::{layout, seal};

use super::support::{Packet, TestRow, check, check_with, packets, rows, write_fake_video, write_session};

fn build(dir: &Path, packets: &[Packet], rows: &[TestRow], change: impl FnOnce(&mut Metadata)) {
    write_fake_video(dir, packets);
    fs::create_dir_all(layout::debug_dir(dir)).expect("a directory");
    fs::write(layout::debug_dir(dir).join("frame_0000000003.png"), b"a picture").expect("a file");
    write_session(dir, rows, change);
}

fn good() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    build(dir.path(), &packets(), &rows(&packets()), |_| {});
    dir
}

#[test]
fn a_good_session_is_good_and_reads_back() {
    let dir = good();
    let report = check(dir.path());
    assert!(report.ok(), "{:#?}", report.problems);
    let written = rows(&packets());
    assert_eq!((report.rows, report.frames, report.frames_decoded), (written.len() as u64, 50, 50));
    assert_eq!(report.files_hashed, 4);
    let session = SessionReader::open(dir.path()).expect("a session");
    assert_eq!(session.events().key_value(schema::FORMAT_VERSION_KEY), Some("1.3.0"));
    let read: Vec<_> = session.events().rows().collect::<Result<_, _>>().expect("rows");
    assert_eq!(read.len(), written.len());
    for (read, written) in read.iter().zip(&written) {
        assert_eq!((read.t_ns, read.event_type.as_str()), (written.t_ns, written.event_type));
        assert_eq!((read.frame_ref, read.key_code), (written.frame_ref, written.key_code));
        assert_eq!((read.mouse_x.zip(read.mouse_y), read.delta), (written.position, written.delta));
        assert_eq!(read.mouse_button.as_deref(), written.button);
        assert!(read.metadata == written.metadata, "metadata of {read:?}");
    }
    let from = written[100].t_ns;
    let first = session.events().rows_from(from).next().expect("a row").expect("a row");
    let expected = written.iter().find(|row| row.t_ns >= from).expect("a row");
    assert_eq!((first.t_ns, first.event_type.as_str()), (expected.t_ns, expected.event_type));
    assert!(session.events().rows_from(i64::MAX).next().is_none());
}

#[test]
fn every_flipped_bit_is_found_in_its_file() {
    let dir = good();
    for name in ["debug/frame_0000000003.png", "events.parquet", "frames.mp4", "metadata.json", "integrity.sha256"] {
        let path = dir.path().join(name);
        let clean = fs::read(&path).expect("a file");
        let step = (clean.len() / 40).max(1) | 1;
        for offset in (0..clean.len()).step_by(step).chain([clean.len() - 1]) {
            let mut bytes = clean.clone();
            bytes[offset] ^= 1 << (offset % 8);
            fs::write(&path, &bytes).expect("a file");
            let report = check(dir.path());
            assert!(!report.ok(), "{name}: a bit flipped at {offset} was not found");
            if name != layout::INTEGRITY_FILE {
                let problem = report.problems.iter().find(|problem| problem.kind == Kind::ChangedFile);
                assert_eq!(problem.map(|problem| problem.file.as_str()), Some(name), "offset {offset}");
            }
        }
        fs::write(&path, &clean).expect("a file");
    }
    assert!(check(dir.path()).ok());
}

/// Without the seal, whose hashes would tell at once: the reader meets damaged bytes, answers, and does not panic out.
#[test]
fn the_reader_survives_a_damaged_table() {
    let dir = good();
    let path = layout::events_path(dir.path());
    let clean = fs::read(&path).expect("a file");
    let options = VerifyOptions { hash_files: false, decode_frames: false };
    let mut found = 0;
    let mut tried = 0;
    for offset in (0..clean.len()).step_by(clean.len() / 300 + 1) {
        let mut bytes = clean.clone();
        bytes[offset] ^= 0xff;
        fs::write(&path, &bytes).expect("a file");
        tried += 1;
        found += u32::from(!check_with(dir.path(), options).ok());
        fs::write(&path, &clean[..offset]).expect("a file");
        assert!(!check_with(dir.path(), options).ok(), "cut at {offset}");
    }
    // Bytes that mean nothing (page index, unused statistics, names of encodings) may change unseen by the row hashes.
    assert!(found * 2 > tried, "only {found} of {tried} damaged tables were noticed");
}

#[test]
fn missing_extra_swapped_and_foreign_files_are_named() {
    let first = |dir: &Path, kind: Kind| {
        let report = check(dir);
        let problem = report.problems.into_iter().find(|problem| problem.kind == kind);
        problem.unwrap_or_else(|| panic!("no {kind:?}")).file
    };
    let dir = good();
    fs::write(dir.path().join("extra.bin"), b"x").expect("a file");
    assert_eq!(first(dir.path(), Kind::ExtraFile), "extra.bin");
    let dir = good();
    fs::remove_file(layout::debug_dir(dir.path()).join("frame_0000000003.png")).expect("removed");
    assert_eq!(first(dir.path(), Kind::MissingFile), "debug/frame_0000000003.png");
    let dir = good();
    fs::copy(layout::metadata_path(dir.path()), layout::frames_path(dir.path())).expect("copied");
    assert_eq!(first(dir.path(), Kind::SwappedFile), "frames.mp4");
    let dir = good();
    fs::remove_file(layout::integrity_path(dir.path())).expect("removed");
    assert_eq!(first(dir.path(), Kind::NotSealed), "integrity.sha256");
    #[cfg(unix)]
    {
        let dir = good();
        let path = layout::frames_path(dir.path());
        let elsewhere = tempfile::tempdir().expect("a directory");
        fs::copy(&path, elsewhere.path().join("f")).expect("copied");
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink(elsewhere.path().join("f"), &path).expect("a link");
        assert_eq!(first(dir.path(), Kind::ForeignFile), "frames.mp4");
        assert_eq!(first(dir.path(), Kind::MissingFile), "frames.mp4");
    }
}

/// What people said lies beside the seal: it is no extra file, it is checked, and a verdict on something else is said to be stale.
#[test]
fn the_review_is_known_and_checked() {
    use watchcap::base::time::SystemClock;
    use watchcap::session::review::{Book, Review, Verdict};

    let dir = good();
    let id = super::support::SESSION;
    let mut book = Book::open(dir.path(), id, None, None, Box::new(SystemClock)).expect("a book");
    book.append(None, Some(Verdict::Accept), "").expect("kept");
    let report = check(dir.path());
    assert!(report.ok() && !report.notes.iter().any(|note| note.contains("review")), "{report:#?}");
    assert!(Review::read(dir.path()).expect("a review").is_accepted());
    // Sealing again leaves it out, and sealing something else makes it stale.
    let sealed = fs::read(layout::integrity_path(dir.path())).expect("a seal");
    seal::seal(dir.path(), &[], &mut |_| {}).expect("a seal");
    assert_eq!(fs::read(layout::integrity_path(dir.path())).expect("a seal"), sealed);
    fs::write(layout::debug_dir(dir.path()).join("frame_0000000004.png"), b"another").expect("a file");
    seal::seal(dir.path(), &[], &mut |_| {}).expect("a seal");
    let report = check(dir.path());
    assert!(report.ok(), "{:#?}", report.problems);
    assert!(report.notes.iter().any(|note| note.contains("`accept`") && note.contains("stale")), "{:?}", report.notes);
    let path = layout::review_path(dir.path());
    let text = fs::read_to_string(&path).expect("a review");
    fs::write(&path, text.clone() + &text[..40]).expect("a review");
    let report = check(dir.path());
    assert!(report.ok(), "{:#?}", report.problems);
    assert!(report.notes.iter().any(|note| note.contains("line 2 was cut off")), "{:?}", report.notes);
    fs::write(&path, text.replace(id, "another") + "{}\n").expect("a review");
    let problems = check(dir.path()).problems;
    assert_eq!((problems.len(), problems[0].kind, problems[0].count), (1, Kind::Review, 2), "{problems:#?}");
    assert!(problems[0].what.contains("line 1: it is of another session"), "{}", problems[0].what);
}

/// Sealed correctly over contents that are wrong: every check of contents finds its own fault, at its place.
#[test]
fn every_lie_is_found_where_it_is() {
    let found = |packets: &[Packet], rows: &[TestRow], change: &dyn Fn(&mut Metadata)| {
        let dir = tempfile::tempdir().expect("a directory");
        build(dir.path(), packets, rows, change);
        let problems = check(dir.path()).problems;
        problems.into_iter().map(|problem| (problem.kind, problem.row, problem.frame)).collect::<Vec<_>>()
    };
    let good_packets = packets();
    let good_rows = rows(&good_packets);
    let is = |kind, row: Option<usize>, frame| vec![(kind, row.map(|row| row as u64), frame)];
    let row_of = |frame: i64| {
        good_rows
            .iter()
            .position(|row| row.event_type == event_type::FRAME && row.frame_ref == Some(frame))
            .expect("it")
    };
    let with_row = |at: usize, change: &dyn Fn(&mut TestRow)| {
        let mut rows = good_rows.clone();
        change(&mut rows[at]);
        rows
    };
    let with_packet = |frame: usize, change: &dyn Fn(&mut Packet)| {
        let mut packets = good_packets.clone();
        change(&mut packets[frame]);
        packets
    };
    let as_is = |_: &mut Metadata| {};

    assert_eq!(found(&good_packets, &good_rows, &as_is), []);
    let late = with_row(row_of(4) + 1, &|row| row.frame_ref = Some(3));
    assert_eq!(found(&good_packets, &late, &as_is), is(Kind::FrameRef, Some(row_of(4) + 1), Some(4)));
    let from_the_future = with_row(0, &|row| row.frame_ref = Some(0));
    assert_eq!(found(&good_packets, &from_the_future, &as_is), is(Kind::FrameRef, Some(0), None));
    let none = with_row(row_of(4) + 1, &|row| row.frame_ref = None);
    assert_eq!(found(&good_packets, &none, &as_is), is(Kind::FrameRef, Some(row_of(4) + 1), Some(4)));
    let skips = with_row(row_of(9), &|row| row.frame_ref = Some(10));
    assert_eq!(found(&good_packets, &skips, &as_is), is(Kind::FrameSequence, Some(row_of(9)), Some(9)));
    let pts = with_row(row_of(9), &|row| row.pts = Some(1));
    assert_eq!(found(&good_packets, &pts, &as_is), is(Kind::FrameTime, Some(row_of(9)), Some(9)));
    let flag = with_row(row_of(9), &|row| row.is_keyframe = Some(true));
    assert_eq!(found(&good_packets, &flag, &as_is), is(Kind::Keyframe, Some(row_of(9)), Some(9)));

    let shifted = with_packet(30, &|packet| packet.pts_us += 1);
    assert_eq!(found(&shifted, &good_rows, &as_is), is(Kind::FrameTime, Some(row_of(30)), Some(30)));
    let bigger = with_packet(30, &|packet| packet.size += 1);
    assert_eq!(found(&bigger, &good_rows, &as_is), is(Kind::FrameBytes, Some(row_of(30)), Some(30)));
    let unmarked = with_packet(30, &|packet| packet.keyframe = false);
    assert_eq!(found(&unmarked, &good_rows, &as_is), is(Kind::Keyframe, Some(row_of(30)), Some(30)));
    assert_eq!(found(&good_packets[..49], &good_rows, &as_is), is(Kind::FrameCount, None, None));
    let empty = with_packet(30, &|packet| packet.size = 0);
    assert!(found(&empty, &good_rows, &as_is).contains(&(Kind::Decode, None, Some(30))));

    let counts = |metadata: &mut Metadata| *metadata.counts.entry(event_type::WHEEL.into()).or_default() += 1;
    assert_eq!(found(&good_packets, &good_rows, &counts), is(Kind::Counts, None, None));
    let frames = |metadata: &mut Metadata| metadata.duplicate_frames += 1;
    assert_eq!(found(&good_packets, &good_rows, &frames), is(Kind::Counts, None, None));
    let size = |metadata: &mut Metadata| {
        if let Some(resolution) = &mut metadata.resolution {
            resolution.width += 2;
        }
    };
    assert_eq!(found(&good_packets, &good_rows, &size), is(Kind::Resolution, None, None));
    let other = |metadata: &mut Metadata| metadata.session_id = "another".into();
    let kinds: Vec<_> = found(&good_packets, &good_rows, &other).into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, [Kind::TableMetadata, Kind::SessionId]);
}

/// Rewrites a session's table with pyarrow (`table` in, `table` out) and seals the session anew.
fn rewrite(dir: &Path, change: &str, more: &[&str]) {
    let script = format!(
        r"
import sys, pyarrow as pa, pyarrow.parquet as pq
path = sys.argv[1]
kept = {{k: v for k, v in pq.read_metadata(path).metadata.items() if k.startswith(b'watchcap')}}
table = pq.read_table(path)
{change}
pq.write_table(table.replace_schema_metadata(kept), path, compression='zstd')
"
    );
    let path = layout::events_path(dir);
    let arguments: Vec<_> =
        ["-c", &script, path.to_str().expect("a path")].into_iter().chain(more.iter().copied()).collect();
    super::python::run(&arguments);
    seal::seal(dir, &[], &mut |_| {}).expect("a seal");
}

/// A value that is changed, with the file's own hash made anew: only the row's hash can tell.
#[test]
fn a_changed_value_is_found_by_its_row_hash() {
    let dir = good();
    let other = tempfile::tempdir().expect("a directory");
    let mut changed = rows(&packets());
    changed[3].key_code = Some(27);
    build(other.path(), &packets(), &changed, |_| {});
    // The hashes of the one table beside the values of the other.
    let hashes = layout::events_path(dir.path());
    let change = "table = table.set_column(10, table.schema.field('hash'), pq.read_table(sys.argv[2])['hash'])";
    rewrite(other.path(), change, &[hashes.to_str().expect("a path")]);
    let problems = check(other.path()).problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!((problems[0].kind, problems[0].row, problems[0].count), (Kind::RowHash, Some(3), 1), "{problems:#?}");
}

#[test]
fn rows_out_of_order_are_found() {
    let dir = good();
    rewrite(
        dir.path(),
        "table = pa.concat_tables([table.slice(0, 20), table.slice(21, 1), table.slice(20, 1), table.slice(22)])",
        &[],
    );
    let problems = check(dir.path()).problems;
    assert!(problems.iter().any(|problem| (problem.kind, problem.row) == (Kind::Order, Some(21))), "{problems:#?}");
}

/// A text of nearly a megabyte that 60,000 rows name: a file of half a megabyte that would decode to gigabytes.
#[test]
fn a_dictionary_made_to_fill_memory_is_refused() {
    let dir = good();
    let change = "
rows = 60000
table = pa.table({name: column.combine_chunks().take(pa.array([5] * rows)) for name, column in zip(table.column_names, table.columns)}, schema=table.schema)
big = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([__import__('random').Random(1).randbytes(450000).hex()]))
table = table.set_column(8, pa.field('window_id', big.type, nullable=False), big)
";
    rewrite(dir.path(), change, &[]);
    assert!(fs::metadata(layout::events_path(dir.path())).expect("a file").len() < 1 << 20);
    let problems = check(dir.path()).problems;
    let problem = problems.iter().find(|problem| problem.kind == Kind::Rows).expect("a fault");
    assert!(problem.what.contains("a text of 900000 bytes"), "{}", problem.what);
}

/// A column of another type, and a column that is not there.
#[test]
fn another_schema_is_named() {
    for (change, expected) in [
        (
            "table = table.set_column(2, 'key_code', table['key_code'].cast(pa.int64()))",
            "column 2: expected key_code Int32",
        ),
        ("table = table.drop_columns(['metadata'])", "column 11: expected metadata"),
    ] {
        let dir = good();
        rewrite(dir.path(), change, &[]);
        let problems = check(dir.path()).problems;
        let problem = problems.iter().find(|problem| problem.kind == Kind::Table).expect("a fault");
        assert!(problem.what.contains(expected), "{}", problem.what);
    }
}
