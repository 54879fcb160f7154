//! Tables that were made to cost: thousands of reasons, pages that unpack to more than they say, sums that overflow, spans without an end.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use watchcap::derive::clip;
use watchcap::derive::import::options::Options;
use watchcap::derive::import::run::import;
use watchcap::session::draft;
use watchcap::session::edition;
use watchcap::session::layout;
use watchcap::session::metadata::Metadata;
use watchcap::session::table::read::SessionReader;
use watchcap::session::table::row::{OwnedRow, RowMetadata, event_type, key};
use watchcap::session::table::write::TableWriter;

use crate::meter::most_held;
use crate::support::{python, synthetic};
use crate::targets::MAX_BYTES;

fn foreign(dir: &Path, kind: &str) -> PathBuf {
    let folder = dir.join(kind);
    assert_eq!(python("foreign.py", &[&folder, Path::new(kind)]), "");
    folder
}

#[test]
fn thousands_of_reasons_are_told_apart_only_so_far() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = foreign(dir.path(), "reasons");
    let (done, most) = most_held(|| import(&folder, &Options::default(), &mut |_| {}));
    let session = done.expect("a session").session;
    assert!(most <= MAX_BYTES, "{most} bytes at once");
    let metadata = Metadata::read(&layout::metadata_path(&session)).expect("metadata");
    assert!((1000..=1100).contains(&metadata.lost.len()), "{}", metadata.lost.len());
    assert_eq!(metadata.lost.iter().map(|loss| loss.gaps).sum::<u64>(), 20_000, "a gap is not counted");
    assert!(metadata.lost.iter().all(|loss| loss.reason.len() <= 128 && loss.stream.len() <= 128));
    assert!(metadata.lost.iter().any(|loss| loss.count == Some(u64::MAX)), "a sum wraps");
}

#[test]
fn a_page_unpacks_to_no_more_than_it_says() {
    let dir = tempfile::tempdir().expect("a folder");
    for codec in ["gzip", "brotli", "lz4", "zstd", "snappy"] {
        let folder = foreign(dir.path(), &format!("bomb_{codec}"));
        let (done, most) = most_held(|| import(&folder, &Options::default(), &mut |_| {}));
        let error = done.expect_err("it was taken").to_string();
        assert!(most <= MAX_BYTES / 4, "{codec}: {most} bytes at once");
        if ["gzip", "brotli"].contains(&codec) {
            assert!(error.contains("unpacks to more than the 8192 bytes"), "{codec}: {error}");
        }
    }
}

/// A session of a recording whose table has more rows at its middle.
pub(crate) fn with_rows(dir: &Path, name: &str, more: &dyn Fn(&OwnedRow, &mut Vec<OwnedRow>)) -> PathBuf {
    let from = synthetic(dir, &format!("{name}_of"), &[]);
    let to = dir.join(name);
    std::fs::create_dir(&to).expect("a folder");
    std::fs::copy(layout::frames_path(&from), layout::frames_path(&to)).expect("a video");
    let reader = SessionReader::open(&from).expect("a session");
    let mut rows: Vec<OwnedRow> = reader.events().rows().collect::<Result<_, _>>().expect("rows");
    let middle = rows.len() / 2;
    let mut new = Vec::new();
    more(&rows[middle], &mut new);
    rows.splice(middle..middle, new);
    let mut metadata = reader.metadata().clone();
    let mut table = TableWriter::create(&layout::events_path(&to), &metadata.session_id, &[]).expect("a table");
    for row in &rows {
        table.push(&row.as_row()).expect("a row");
    }
    metadata.counts = table.finish().expect("a table").counts;
    draft::seal_folder(&to, &metadata, &[]).expect("a seal");
    assert_eq!(edition::fault(&to, false, &mut |_| {}), None);
    to
}

fn gap(like: &OwnedRow, reason: &str, lost: u64, until_ns: i64) -> OwnedRow {
    let mut row = OwnedRow { event_type: event_type::GAP.into(), metadata: RowMetadata::new(), ..like.clone() };
    (row.key_code, row.mouse_x, row.mouse_y, row.mouse_button, row.delta) = (None, None, None, None, None);
    (row.pressed, row.mouse_dx, row.mouse_dy, row.pts, row.is_keyframe, row.repeat, row.source) =
        (None, None, None, None, None, None, None);
    row.metadata.push_str(key::STREAM, "screen");
    row.metadata.push_str(key::REASON, reason);
    row.metadata.push_str(key::LOST, &lost.to_string());
    row.metadata.push_int(key::UNTIL_NS, until_ns);
    row
}

fn cut(session: &Path, name: &str) -> Result<Metadata, clip::run::ClipError> {
    let span = clip::cut::Source::open(session).expect("a session").span_ns;
    let out = session.with_file_name(name);
    clip::session::session(session, span.0 + 1, span.1, &out, &mut |_| true)?;
    Ok(Metadata::read(&layout::metadata_path(&out)).expect("metadata"))
}

#[test]
fn what_a_clip_adds_up_does_not_wrap() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = with_rows(dir.path(), "sums", &|like, new| {
        for lost in [u64::MAX, 1, 1] {
            new.push(gap(like, "late", lost, like.t_ns));
        }
    });
    let metadata = cut(&session, "sums_clip").expect("a clip");
    assert_eq!(metadata.dropped_frames, Some(u64::MAX));
    assert_eq!(metadata.lost.iter().map(|loss| loss.count).collect::<Vec<_>>(), [Some(u64::MAX)]);
}

#[test]
fn what_a_clip_costs_follows_the_rows_and_not_their_square() {
    let dir = tempfile::tempdir().expect("a folder");
    let time = |rows: usize, lasts: i64| {
        let name = format!("gaps_{rows}_{lasts}");
        let session = with_rows(dir.path(), &name, &|like, new| {
            new.extend((0..rows).map(|n| gap(like, &format!("reason_{n}"), 1, like.t_ns.saturating_add(lasts))));
        });
        let began = Instant::now();
        let (done, most) = most_held(|| cut(&session, &format!("{name}_clip")));
        assert!(most <= MAX_BYTES, "{most} bytes at once");
        assert!(done.expect("a clip").lost.len() <= 1030);
        began.elapsed()
    };
    for lasts in [10, i64::MAX] {
        let (few, many) = (time(2_500, lasts), time(20_000, lasts));
        assert!(many < few * 16 + Duration::from_secs(1), "2,500 gaps: {few:?}, 20,000 gaps: {many:?}");
    }
    // Keys that are never released are not held for ever.
    let session = with_rows(dir.path(), "keys", &|like, new| {
        for code in 0..20_000 {
            let mut row = gap(like, "x", 1, 0);
            row.metadata = RowMetadata::new();
            row.metadata.push_int(key::NATIVE, code);
            (row.event_type, row.pressed, row.repeat) = (event_type::KEY_DOWN.into(), Some(true), Some(false));
            new.push(row);
        }
    });
    let error = cut(&session, "keys_clip").expect_err("20,000 keys are held at once").to_string();
    assert!(error.contains("more keys are held"), "{error}");
}
