//! Blocks against the plain reader: the same rows, whichever way they are read, and hostile indexes.

use std::path::Path;

use super::*;
use crate::session::table::row::{Row, RowMetadata, event_type, key};
use crate::session::table::write::TableWriter;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A table of moves, with a frame every hundredth row and a mark every thousandth.
fn table(path: &Path, rows: i64) {
    let mut writer = TableWriter::create(path, ID, &[]).expect("a table");
    for n in 0..rows {
        let mut metadata = RowMetadata::default();
        let kind = if n % 1000 == 999 {
            metadata.push_str(key::TEXT, &format!("mark {n}"));
            event_type::MARK
        } else if n % 100 == 0 {
            metadata.push_int(key::BYTES, n);
            event_type::FRAME
        } else {
            event_type::MOUSE_MOVE
        };
        let mut row = Row::new(n * 1000, kind, ID, &metadata);
        row.mouse_x = Some((n % 640) as f32 / 640.0);
        row.frame_ref = Some(n / 100);
        writer.push(&row).expect("a row");
    }
    writer.finish().expect("a table");
}

/// A row without the columns that blocks leave out.
fn lean(mut row: OwnedRow) -> OwnedRow {
    row.window_id.clear();
    row.session_id.clear();
    row.hash.clear();
    (row.pts, row.source) = (None, None);
    row
}

fn same_rows(path: &Path) -> Pages {
    let plain: Vec<OwnedRow> =
        EventsReader::open(path).expect("a table").rows().map(|row| lean(row.expect("a row"))).collect();
    let pages = Pages::open(path).expect("a table");
    let mut at = 0;
    for block in 0..pages.len() {
        let (first, last) = pages.span_ns(block).expect("a span");
        let begin = at;
        pages
            .each(block, &mut |row| {
                assert_eq!(lean(row.clone()), plain[at], "row {at}");
                assert!((first..=last).contains(&row.t_ns), "row {at} lies outside of its block");
                at += 1;
            })
            .expect("rows");
        let mut kinds = Vec::new();
        pages.each_kind(block, &mut |t_ns, kind| kinds.push((t_ns, kind.to_owned()))).expect("kinds");
        let expected: Vec<_> = plain[begin..at].iter().map(|row| (row.t_ns, row.event_type.clone())).collect();
        assert_eq!(kinds, expected);
        for chosen in [&[event_type::MARK][..], &[event_type::MARK, event_type::FRAME], &[event_type::MOUSE_MOVE], &[]]
        {
            let mut rows = Vec::new();
            pages
                .each_of(block, &|kind| chosen.contains(&kind), &mut |row| rows.push(lean(row.clone())))
                .expect("rows");
            let wanted = plain[begin..at].iter().filter(|row| chosen.contains(&row.event_type.as_str()));
            assert!(rows.iter().eq(wanted), "{chosen:?} of block {block}");
        }
        assert_eq!(pages.at(first), block);
    }
    assert_eq!(at, plain.len());
    pages
}

#[test]
fn blocks_are_the_rows_of_the_table() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("events.parquet");
    table(&path, 150_000);
    let pages = same_rows(&path);
    assert!(pages.indexed.is_some() && pages.len() >= 8, "{} blocks", pages.len());
    assert!(pages.blocks.iter().all(|block| block.rows.len() <= MAX_BLOCK_ROWS as usize));
    // Read at random, each by itself: nothing depends on what was read before.
    let mut last = Vec::new();
    pages.each(pages.len() - 1, &mut |row| last.push(row.t_ns)).expect("rows");
    assert_eq!(last.last(), Some(&149_999_000));
}

#[test]
fn tables_of_the_first_version_are_lifted_block_by_block() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/session-1.0.0/events.parquet");
    let pages = same_rows(&golden);
    assert!(!pages.is_empty());
}

#[test]
fn an_empty_table_has_no_blocks() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("events.parquet");
    table(&path, 0);
    assert_eq!(same_rows(&path).len(), 0);
}

#[test]
fn an_index_that_lies_gives_errors_and_no_other_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("events.parquet");
    table(&path, 30_000);
    let bytes = std::fs::read(&path).expect("bytes");
    let footer = EventsReader::open(&path).expect("a table");
    let column = footer.footer().metadata().row_group(0).column(0);
    let begin = column.column_index_offset().expect("an index") as usize;
    let end =
        bytes.len() - 8 - u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().expect("four bytes")) as usize;
    assert!(begin < end && end - begin > 400, "{begin}..{end}");
    let (mut refused, mut read) = (0, 0);
    for at in (begin..end).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, &damaged).expect("a file");
        let Ok(pages) = Pages::open(&path) else {
            refused += 1;
            continue;
        };
        let mut rows = Vec::new();
        let result = (0..pages.len()).try_for_each(|block| pages.each(block, &mut |row| rows.push(row.t_ns)));
        // Rows that are handed over are the table's; an index that leaves some out or cuts elsewhere is noticed or harmless.
        assert!(rows.iter().all(|t_ns| t_ns % 1000 == 0 && (0..30_000_000).contains(t_ns)), "byte {at}");
        if result.is_ok() {
            assert!(rows.iter().copied().eq((0..30_000).map(|n| n * 1000)), "byte {at}: {} rows", rows.len());
            read += 1;
        } else {
            refused += 1;
        }
    }
    assert!(refused > 10 && read > 10, "{refused} refused, {read} read");
}
