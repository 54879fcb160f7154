//! Keeps a hostile `events.parquet` from making the decoder allocate: looks at the footer and at every page before the decoder does.
//!
//! Invariant: what passes has a footer of bounded lists, pages of bounded size, compressed and not, texts of bounded length and rows of
//! bounded maps, and [`check_row_group`] says how many rows can be decoded at once in bounded memory. What it does not do: check
//! that the pages are right (the decoder's errors do).

use std::sync::Arc;

use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;

use super::positioned::PositionedFile;
use super::thrift::{FOOTER, FOOTER_SCHEMA, PAGE_HEADER, Thrift};

/// The largest footer: 8 h at 1,000 rows a second are 220 row groups of 21 columns at about 250 bytes, 1.2 MB.
pub(crate) const MAX_FOOTER_BYTES: u64 = 4 << 20;

/// The longest list in a footer: its row groups, 537 million rows. The decoder makes room for a whole list, some 500 bytes for an entry
/// that takes one in the file.
const MAX_LIST: u64 = 4096;

/// The most elements of a schema; ours has 24. The decoder goes through it by recursion.
const MAX_SCHEMA: u64 = 256;

/// The largest row group; the writer makes 131,072 rows.
const MAX_GROUP_ROWS: i64 = 1 << 20;

/// The largest page: the writer's are 1 MiB and at most 1,024 values of a log record's 4 KiB more.
const MAX_PAGE_BYTES: i64 = 6 << 20;

/// The most bytes of pages that the decoder holds at once: of each of 21 columns a dictionary and one page more. The writer's are
/// 21 × 2 × 1 MiB, and the few large texts there are.
const MAX_HELD_BYTES: i64 = 96 << 20;

/// The longest text: log records have 4 KiB, so no text of theirs is longer.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// The most entries of one row's map: 25 keys are registered, each at most once a row.
const MAX_ENTRIES_PER_ROW: u64 = 64;

/// What a batch of decoded rows may take, bytes: 4,096 rows of 16 KiB of text.
const BATCH_BYTES: usize = 64 << 20;

/// A page header: about 30 bytes, more with statistics of two values of 64 bytes.
const HEADER_BYTES: usize = 4096;

/// The largest page index: what is read at once lies between its first and its last byte. 8 h at 1,000 rows a second are 220 row
/// groups of 21 columns with about 7 pages at 12 bytes, 0.4 MB.
const MAX_INDEX_BYTES: u64 = 4 << 20;

/// Whether the page index of a file can be read: it lies inside of the file and is of bounded size.
pub(super) fn index_is_bounded(file: &PositionedFile, groups: &[RowGroupMetaData]) -> bool {
    let columns = || groups.iter().flat_map(RowGroupMetaData::columns);
    let of_columns =
        columns().filter_map(|column| Some((column.column_index_offset()?, column.column_index_length()?)));
    let of_pages = columns().filter_map(|column| Some((column.offset_index_offset()?, column.offset_index_length()?)));
    let (mut first, mut last) = (u64::MAX, 0);
    for (offset, length) in of_columns.chain(of_pages) {
        let (Ok(offset), Ok(length)) = (u64::try_from(offset), u64::try_from(length)) else { return false };
        let Some(end) = offset.checked_add(length).filter(|end| *end <= file.size()) else { return false };
        (first, last) = (first.min(offset), last.max(end));
    }
    last.saturating_sub(first) <= MAX_INDEX_BYTES
}

/// Checks a footer (without its length and the magic): that the decoder makes no room for more than is there.
pub(super) fn check_footer(bytes: &[u8]) -> Result<(), String> {
    let mut thrift = Thrift { rest: bytes, most: MAX_LIST };
    let mut walk = || {
        let mut id = 0;
        loop {
            let (kind, next) = thrift.field(id)?;
            if kind == Thrift::STOP {
                return Some(());
            }
            id = next;
            thrift.most = if id == FOOTER_SCHEMA { MAX_SCHEMA } else { MAX_LIST };
            thrift.known(&FOOTER, id, kind)?;
        }
    };
    walk().ok_or_else(|| "its footer is none, or has longer lists than it can have".to_owned())
}

/// Checks all pages of the first `columns` leaf columns of a row group; with an index, that it names these pages and no others. Answers
/// with how many rows, at most `batch_rows`, can be decoded at once.
pub(crate) fn check_row_group(
    file: &PositionedFile,
    group: &RowGroupMetaData,
    columns: usize,
    index: Option<&[&[PageLocation]]>,
    batch_rows: usize,
) -> Result<usize, String> {
    let rows = group.num_rows();
    if !(0..=MAX_GROUP_ROWS).contains(&rows) {
        return Err(format!("{rows} rows in a row group, more than {MAX_GROUP_ROWS}"));
    }
    let (mut held, mut of_row) = (0, 0);
    for (leaf, column) in group.columns().iter().take(columns).enumerate() {
        let in_column = |why: String| format!("column {leaf}: {why}");
        let pages = index.map(|index| index.get(leaf).copied().unwrap_or_default());
        let (bytes, dictionary) = check_column(file, column, rows, pages).map_err(in_column)?;
        held += bytes;
        of_row += check_values(file, column, rows, dictionary).map_err(in_column)?;
    }
    if held > MAX_HELD_BYTES {
        return Err(format!("{held} bytes of pages at once, more than {MAX_HELD_BYTES}"));
    }
    Ok((BATCH_BYTES / of_row.max(1)).clamp(1, batch_rows))
}

/// Checks the sizes of a column's pages, and that the index names them; answers with the bytes of its dictionary and its largest page,
/// and whether it has a dictionary.
fn check_column(
    file: &PositionedFile,
    column: &ColumnChunkMetaData,
    rows: i64,
    mut index: Option<&[PageLocation]>,
) -> Result<(i64, bool), String> {
    let values = column.num_values();
    if values < 0 || values > rows.saturating_mul(MAX_ENTRIES_PER_ROW as i64) {
        return Err(format!("{values} values in {rows} rows"));
    }
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let end = start
        .checked_add(column.compressed_size())
        .filter(|end| u64::try_from(*end).is_ok_and(|end| end <= file.size()));
    let (Ok(mut position), Some(end)) = (u64::try_from(start), end.and_then(|end| u64::try_from(end).ok())) else {
        return Err("it lies outside of the file".to_owned());
    };
    let mut header = vec![0; HEADER_BYTES];
    let (mut dictionary, mut largest, mut has_dictionary) = (0, 0, false);
    let mut data_pages = 0u64;
    while position < end {
        let room = usize::try_from(end - position).unwrap_or(HEADER_BYTES).min(HEADER_BYTES);
        file.read_exact_at(&mut header[..room], position).map_err(|error| error.to_string())?;
        let page = PageHeader::parse(&header[..room]).ok_or("a page header that is none")?;
        for bytes in [page.compressed, page.uncompressed] {
            if !(0..=MAX_PAGE_BYTES).contains(&bytes) {
                return Err(format!("a page of {bytes} bytes, more than {MAX_PAGE_BYTES}"));
            }
        }
        let bytes = page.uncompressed.max(page.compressed);
        if page.kind == PageHeader::DICTIONARY {
            dictionary += bytes;
            has_dictionary = true;
        } else {
            data_pages += 1;
            largest = largest.max(bytes);
        }
        let whole = page.length as u64 + page.compressed as u64;
        if let Some(pages) = &mut index
            && page.kind != PageHeader::DICTIONARY
        {
            let same = |named: &PageLocation| {
                u64::try_from(named.offset) == Ok(position)
                    && u64::try_from(named.compressed_page_size) == Ok(whole)
                    && (0..rows).contains(&named.first_row_index)
            };
            match pages.split_first().filter(|(named, _)| same(named)) {
                Some((named, rest)) if rest.first().is_none_or(|next| next.first_row_index > named.first_row_index) => {
                    *pages = rest;
                }
                _ => return Err("the page index names other pages than there are".to_owned()),
            }
        }
        position += whole;
    }
    if index.is_some_and(|rest| !rest.is_empty()) {
        return Err("the page index names more pages than there are".to_owned());
    }
    if position != end {
        return Err("its last page goes on beyond its end".to_owned());
    }
    if rows > 0 && data_pages == 0 {
        return Err("it has no pages".to_owned());
    }
    Ok((dictionary + largest, has_dictionary))
}

/// Looks at the dictionary of a column, and at every page of a column of text: how many entries a row has, and how long its texts are.
/// A page of a few bytes can name a text of its dictionary 131,072 times, or give one row all entries. Answers with the most bytes that
/// one row takes when it is decoded.
fn check_values(
    file: &PositionedFile,
    column: &ColumnChunkMetaData,
    rows: i64,
    dictionary: bool,
) -> Result<usize, String> {
    let is_text = column.column_type() == Type::BYTE_ARRAY;
    if !is_text && !dictionary {
        return Ok(FIXED_BYTES);
    }
    let rows = usize::try_from(rows).unwrap_or(0);
    let mut pages =
        SerializedPageReader::new(Arc::new(file.clone()), column, rows, None).map_err(|error| error.to_string())?;
    let descriptor = column.column_descr();
    let (nested, optional) = (descriptor.max_rep_level() > 0, descriptor.max_def_level() > 0);
    let (mut longest, mut entries, mut run) = (0, 1, 0);
    let mut first = true;
    while let Some(page) = pages.get_next_page().map_err(|error| error.to_string())? {
        let (levels, values, encoding, count) = match &page {
            Page::DictionaryPage { buf, num_values, .. } => {
                if !std::mem::take(&mut first) {
                    return Err("its dictionary is not its first page".to_owned());
                }
                let width = match column.column_type() {
                    Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
                    Type::INT64 | Type::DOUBLE => 8,
                    _ => return Err("a dictionary of values that have none here".to_owned()),
                };
                if *num_values as usize > buf.len() / width {
                    return Err(format!("a dictionary of {num_values} values in {} bytes", buf.len()));
                }
                if !is_text {
                    return Ok(FIXED_BYTES);
                }
                longest = longest.max(longest_text(buf)?);
                continue;
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, .. } => {
                let known = |used: bool, encoding: &Encoding| !used || *encoding == Encoding::RLE;
                if !known(nested, rep_level_encoding) || !known(optional, def_level_encoding) {
                    return Err("levels of another encoding".to_owned());
                }
                let (levels, rest) = if nested { sized(buf)? } else { (&[][..], &buf[..]) };
                let values = if optional { sized(rest)?.1 } else { rest };
                (levels, values, *encoding, *num_values)
            }
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let (levels, rest) = buf.split_at_checked(*rep_levels_byte_len as usize).ok_or(SHORT)?;
                (levels, rest.get(*def_levels_byte_len as usize..).ok_or(SHORT)?, *encoding, *num_values)
            }
        };
        first = false;
        if nested {
            (entries, run) = longest_run(levels, u64::from(count), entries, run)?;
            if entries > MAX_ENTRIES_PER_ROW {
                return Err(format!("a row with {entries} entries or more, which are more than {MAX_ENTRIES_PER_ROW}"));
            }
        }
        match encoding {
            Encoding::PLAIN => longest = longest.max(longest_text(values)?),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {}
            other => return Err(format!("text in the encoding {other}, which is not used here")),
        }
    }
    // A text is decoded into one buffer with an offset of 4 bytes.
    Ok((longest + 4) * entries as usize)
}

/// What a value of a fixed width takes, its place among the nulls included.
const FIXED_BYTES: usize = 9;

const SHORT: &str = "a page that ends inside of its levels";

/// Levels behind their length, and what comes after them.
fn sized(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(|| SHORT.to_owned())
}

/// The length of the longest text behind its length; one that is longer than any can be is an error.
fn longest_text(texts: &[u8]) -> Result<usize, String> {
    let (mut rest, mut longest) = (texts, 0);
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_TEXT_BYTES {
            return Err(format!("a text of {length} bytes, more than {MAX_TEXT_BYTES}"));
        }
        longest = longest.max(length);
        rest = behind.get(length..).ok_or("a text that goes on beyond its page")?;
    }
    Ok(longest)
}

/// Goes through `count` repetition levels of one bit, where a 1 is one more entry of the same row. `longest` and `run` (entries of the
/// longest row, 1s since the last 0) are those of the pages before, and come back.
fn longest_run(levels: &[u8], count: u64, mut longest: u64, mut run: u64) -> Result<(u64, u64), String> {
    let mut take = |bit: bool, times: u64| {
        run = if bit { run.saturating_add(times) } else { 0 };
        longest = longest.max(run + 1);
    };
    let mut thrift = Thrift { rest: levels, most: 0 };
    let mut left = count;
    while left > 0 {
        let header = thrift.varint().ok_or(SHORT)?;
        if header & 1 == 0 {
            let times = (header >> 1).min(left);
            let bit = thrift.byte().ok_or(SHORT)? != 0;
            if times == 0 {
                return Err("levels that do not go on".to_owned());
            }
            take(bit, times);
            left -= times;
        } else {
            // Groups of eight; the last may reach beyond the page's values, and its bytes may be cut off there.
            let groups = (header >> 1).min(left.div_ceil(8));
            if groups == 0 {
                return Err("levels that do not go on".to_owned());
            }
            for _ in 0..groups {
                let byte = thrift.byte().ok_or(SHORT)?;
                for bit in 0..left.min(8) {
                    take(byte >> bit & 1 == 1, 1);
                }
                left -= left.min(8);
            }
        }
    }
    Ok((longest, run))
}

/// What is needed of a page header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct PageHeader {
    /// Bytes of the header itself.
    length: usize,
    kind: i64,
    uncompressed: i64,
    compressed: i64,
}

impl PageHeader {
    const DICTIONARY: i64 = 2;

    /// Reads a page header in Thrift's compact protocol, or nothing when the bytes are none.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift { rest: bytes, most: MAX_LIST };
        let mut fields = [None; 4];
        let mut id = 0i64;
        loop {
            let (kind, next) = thrift.field(id)?;
            if kind == Thrift::STOP {
                break;
            }
            id = next;
            match usize::try_from(id).ok().and_then(|id| fields.get_mut(id)) {
                Some(field) if kind == Thrift::I32 => *field = Some(thrift.zigzag()?),
                Some(_) => return None,
                None => thrift.known(&PAGE_HEADER, id, kind)?,
            }
        }
        let [_, kind, uncompressed, compressed] = fields;
        let length = bytes.len() - thrift.rest.len();
        Some(Self { length, kind: kind?, uncompressed: uncompressed?, compressed: compressed? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_header_is_read_and_its_end_found() {
        // type = 2, uncompressed = 300, compressed = -1, then field 9: a struct with a list and a text, then data.
        let bytes =
            [0x15, 0x04, 0x15, 0xd8, 0x04, 0x15, 0x01, 0x6c, 0x19, 0x25, 0x02, 0x04, 0x18, 0x01, b'x', 0, 0, 99];
        let header = PageHeader::parse(&bytes).expect("a header");
        assert_eq!(header, PageHeader { length: 17, kind: 2, uncompressed: 300, compressed: -1 });
        for cut in 0..17 {
            assert_eq!(PageHeader::parse(&bytes[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn what_the_decoder_reads_elsewhere_does_not_pass() {
        // After the three numbers: nothing else; a list of three flags, of which the decoder passes over none; the struct of a data page
        // said to be a text, which the decoder reads as a struct; a number in it said to be a text; a map; a list of identifiers.
        let numbers = [0x15, 0x00, 0x15, 0x08, 0x15, 0x08];
        let passes = |rest: &[u8]| PageHeader::parse(&[&numbers[..], rest].concat()).is_some();
        assert!(passes(&[0]) && passes(&[0x2c, 0x15, 0x02, 0x15, 0x00, 0, 0]));
        for rest in [
            &[0x69, 0x31, 1, 1, 1, 0][..],
            &[0x28, 0x01, b'x', 0],
            &[0x2c, 0x18, 0x01, b'x', 0, 0],
            &[0x6b, 0x01, 0x33, 1, 1, 0],
            &[0x69, 0x1d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(!passes(rest), "{rest:x?}");
        }
        // A number of the header said to be a text.
        assert_eq!(PageHeader::parse(&[0x18, 0x01, b'x', 0x15, 0x08, 0x15, 0x08, 0]), None);
        // The row groups of a footer said to be a text; a list of texts where structs should be.
        assert!(check_footer(&[0x48, 0x01, b'x', 0]).is_err() && check_footer(&[0x49, 0x18, 0x01, b'x', 0]).is_err());
        assert!(check_footer(&[0x49, 0x1c, 0, 0]).is_ok());
    }

    #[test]
    fn hostile_headers_end() {
        // A text of 2^63 bytes, a list of 2^35 structs, structs without end, a number without end.
        for bytes in [
            &[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..],
            &[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x7f][..],
            &[0x1c; 64][..],
            &[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
        ] {
            assert_eq!(PageHeader::parse(bytes), None);
            assert!(check_footer(bytes).is_err());
        }
    }

    #[test]
    fn the_lists_of_a_footer_are_bounded() {
        // Field 2, the schema, and field 4, the row groups: lists of empty structs.
        let list = |field: u8, count: usize| {
            let mut bytes = vec![field << 4 | 9, 0xfc, (count & 0x7f) as u8 | 0x80, (count >> 7) as u8];
            bytes.resize(bytes.len() + count, 0);
            bytes.push(0);
            check_footer(&bytes).is_ok()
        };
        assert!(list(2, 256) && !list(2, 257) && list(4, 4096) && !list(4, 4097));
    }

    #[test]
    fn the_longest_row_is_found_in_both_kinds_of_runs() {
        // 0 1 1 0 1 1 1 0 as bits, then 0 once and 1 five times as runs.
        let levels = [3, 0b0111_0110, 2, 0, 10, 1];
        assert_eq!(longest_run(&levels, 14, 1, 0), Ok((6, 5)));
        assert_eq!(longest_run(&levels, 8, 1, 0), Ok((4, 0)));
        // A row goes on in the next page.
        assert_eq!(longest_run(&[8, 1], 4, 6, 5), Ok((10, 9)));
        for bad in [&[][..], &[3][..], &[0, 1][..], &[1][..], &[4][..]] {
            assert!(longest_run(bad, 9, 1, 0).is_err(), "{bad:?}");
        }
        assert_eq!(
            longest_run(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1], u64::MAX / 2, 1, 0),
            Ok((u64::MAX / 2 + 1, u64::MAX / 2))
        );
    }
}
