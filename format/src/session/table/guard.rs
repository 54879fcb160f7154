//! Keeps a hostile `events.parquet` from making the decoder allocate: looks at the footer and at every page before the decoder does.
//!
//! Invariant: what passes has a footer of bounded lists, pages of bounded size, compressed and not, texts of bounded length and rows of
//! bounded maps, decodes to a bounded multiple of its own bytes ([`Growth`]), and [`check_row_group`] says how many rows can be decoded at
//! once in bounded memory. What it does not do: check that the pages are right (the decoder's errors do).

use std::ops::Range;

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::positioned::PositionedFile;
use super::thrift::{DATA_PAGE_V2, FOOTER, FOOTER_SCHEMA, PAGE_HEADER, Thrift};
use crate::session::table::inflate;
use crate::session::table::values::{self, MAX_ENTRIES_PER_ROW, SHORT};

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

/// Bytes that a row counts for in [`Growth`], beside its texts: its cells of fixed width and the work on them.
const ROW_BYTES: u64 = 128;

/// How much more than its bytes in the file a row group may decode to: time, and what is written of it, follow the file. A dictionary names
/// one text of 8 KiB in 131,072 rows with a few bytes, and a page of 6 MiB is packed into 300.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Growth {
    times: u64,
    and: u64,
}

impl Growth {
    /// Of tables of this format. Each row has 16 bytes of hash that nothing packs, so a row that counts for 1,536 bytes has them. The
    /// writer's have up to 512 bytes of text each on the average; where there is more it packs nothing (`finalize/columns.rs`, `LIGHT_ROW_BYTES`).
    pub(crate) const OURS: Self = Self { times: 96, and: 256 << 10 };
    /// Of tables of other programs, which have no hash: three bytes for a row that counts for 768.
    pub const FOREIGN: Self = Self { times: 256, and: 1 << 20 };

    /// The most that a row group of so many bytes may decode to.
    fn most(self, packed: u64) -> u64 {
        packed.saturating_mul(self.times).saturating_add(self.and)
    }
}

/// What a batch of decoded rows may take, bytes: 4,096 rows of 16 KiB of text.
const BATCH_BYTES: usize = 64 << 20;

/// A page header: about 30 bytes, more with statistics of two values of 64 bytes.
const HEADER_BYTES: usize = 4096;

/// The largest page index: what is read at once lies between its first and its last byte. 8 h at 1,000 rows a second are 220 row
/// groups of 21 columns with about 7 pages at 12 bytes, 0.4 MB.
const MAX_INDEX_BYTES: u64 = 4 << 20;

/// Whether the page index of a file can be read: it lies inside of the file and is of bounded size.
pub(crate) fn index_is_bounded(file: &PositionedFile, groups: &[RowGroupMetaData]) -> bool {
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
pub(crate) fn check_footer(bytes: &[u8]) -> Result<(), String> {
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

/// Checks that no byte of a file is claimed by several columns: else a file of a megabyte has 4,096 row groups of all of it.
pub(super) fn check_shares(groups: &[RowGroupMetaData], size: u64) -> Result<(), String> {
    let columns = groups.iter().flat_map(RowGroupMetaData::columns);
    let claimed = columns.fold(0_u64, |sum, column| sum.saturating_add(packed_bytes(column)));
    if claimed > size {
        return Err(format!("its row groups have {claimed} bytes, the file has {size}"));
    }
    Ok(())
}

/// Checks all pages of some leaf columns of a row group; with an index, that it names these pages and no others. Answers with how many
/// rows, at most `batch_rows`, can be decoded at once.
///
/// # Errors
/// What is wrong with the pages, fit to be printed.
pub fn check_row_group(
    file: &PositionedFile,
    group: &RowGroupMetaData,
    leaves: Range<usize>,
    index: Option<&[&[PageLocation]]>,
    batch_rows: usize,
    growth: Growth,
) -> Result<usize, String> {
    let rows = group.num_rows();
    if !(0..=MAX_GROUP_ROWS).contains(&rows) {
        return Err(format!("{rows} rows in a row group, more than {MAX_GROUP_ROWS}"));
    }
    let first = leaves.start;
    let columns = group.columns().get(leaves).unwrap_or_default();
    let packed = columns.iter().fold(0_u64, |sum, column| sum.saturating_add(packed_bytes(column)));
    let most = growth.most(packed);
    let (mut held, mut of_row, mut decoded) = (0, 0, rows as u64 * ROW_BYTES);
    if decoded > most {
        return Err(format!("{rows} rows in {packed} bytes, which count for {decoded} bytes, more than {most}"));
    }
    for (at, column) in columns.iter().enumerate() {
        let in_column = |why: String| format!("column {}: {why}", first + at);
        let pages = index.map(|index| index.get(at).copied().unwrap_or_default());
        let pages = check_column(file, column, rows, pages, most.saturating_sub(decoded)).map_err(in_column)?;
        held += pages.held;
        let values = values::check(file, column, rows, pages.has_dictionary).map_err(in_column)?;
        of_row += values.of_row;
        decoded = decoded.saturating_add(pages.unpacked).saturating_add(values.text);
        if decoded > most {
            return Err(in_column(format!("{packed} bytes of a row group decode to {decoded}, more than {most}")));
        }
    }
    if held > MAX_HELD_BYTES {
        return Err(format!("{held} bytes of pages at once, more than {MAX_HELD_BYTES}"));
    }
    Ok((BATCH_BYTES / of_row.max(1)).clamp(1, batch_rows))
}

/// Bytes of a column in the file, as the footer says, which [`check_column`] checks.
fn packed_bytes(column: &ColumnChunkMetaData) -> u64 {
    u64::try_from(column.compressed_size()).unwrap_or(u64::MAX)
}

/// What the headers of a column's pages say.
struct Pages {
    /// Bytes of its dictionary and its largest page.
    held: i64,
    /// Bytes of all of them, unpacked.
    unpacked: u64,
    has_dictionary: bool,
}

/// Checks the sizes of a column's pages, that they unpack to at most `most` bytes, and that the index names them.
fn check_column(
    file: &PositionedFile,
    column: &ColumnChunkMetaData,
    rows: i64,
    mut index: Option<&[PageLocation]>,
    most: u64,
) -> Result<Pages, String> {
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
    let codec = column.compression();
    let mut packed = Vec::new();
    let mut header = vec![0; HEADER_BYTES];
    let (mut dictionary, mut largest, mut has_dictionary) = (0, 0, false);
    let (mut data_pages, mut unpacked) = (0u64, 0);
    while position < end {
        let room = usize::try_from(end - position).unwrap_or(HEADER_BYTES).min(HEADER_BYTES);
        file.read_exact_at(&mut header[..room], position).map_err(|error| error.to_string())?;
        let page = PageHeader::parse(&header[..room]).ok_or("a page header that is none")?;
        for bytes in [page.compressed, page.uncompressed] {
            if !(0..=MAX_PAGE_BYTES).contains(&bytes) {
                return Err(format!("a page of {bytes} bytes, more than {MAX_PAGE_BYTES}"));
            }
        }
        unpacked += page.uncompressed as u64;
        if unpacked > most {
            return Err(format!("its pages unpack to more than {most} bytes, too many for their size in the file"));
        }
        if inflate::is_unbounded(codec)
            && let Packed::From(levels) = page.packed
        {
            packed.resize(page.compressed as usize, 0);
            file.read_exact_at(&mut packed, position + page.length as u64).map_err(|error| error.to_string())?;
            let values = packed.get(levels..).ok_or(SHORT)?;
            inflate::check(codec, values, (page.uncompressed as u64).saturating_sub(levels as u64))?;
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
    Ok(Pages { held: dictionary + largest, unpacked, has_dictionary })
}

/// What is needed of a page header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct PageHeader {
    /// Bytes of the header itself.
    length: usize,
    kind: i64,
    uncompressed: i64,
    compressed: i64,
    packed: Packed,
}

/// What of a page is compressed, where its column has a codec.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Packed {
    /// All of it behind so many bytes: the levels of a page of version 2.
    From(usize),
    /// Nothing, as a page of version 2 says.
    Nothing,
}

impl PageHeader {
    const DICTIONARY: i64 = 2;
    /// The number of the field with what only pages of version 2 have.
    const VERSION_2: i64 = 8;

    /// Reads a page header in Thrift's compact protocol, or nothing when the bytes are none.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift { rest: bytes, most: MAX_LIST };
        let mut fields = [None; 4];
        let mut packed = Packed::From(0);
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
                None => {
                    let before = thrift.rest;
                    thrift.known(&PAGE_HEADER, id, kind)?;
                    if id == Self::VERSION_2 {
                        packed = packed_of(before)?;
                    }
                }
            }
        }
        let [_, kind, uncompressed, compressed] = fields;
        let length = bytes.len() - thrift.rest.len();
        Some(Self { length, kind: kind?, uncompressed: uncompressed?, compressed: compressed?, packed })
    }
}

/// Reads what is compressed from the struct of a page of version 2, which has been passed over once: the lengths of its levels and whether its
/// values are.
fn packed_of(fields: &[u8]) -> Option<Packed> {
    const DEFINITION_BYTES: i64 = 5;
    const REPETITION_BYTES: i64 = 6;
    const IS_COMPRESSED: i64 = 7;
    let mut thrift = Thrift { rest: fields, most: MAX_LIST };
    let (mut levels, mut is_compressed, mut id) = (0i64, true, 0);
    loop {
        let (kind, next) = thrift.field(id)?;
        if kind == Thrift::STOP {
            break;
        }
        id = next;
        match id {
            DEFINITION_BYTES | REPETITION_BYTES => levels = levels.checked_add(thrift.zigzag()?)?,
            // The value of a flag is in its type: 1 is true.
            IS_COMPRESSED => is_compressed = kind == 1,
            _ => thrift.known(&DATA_PAGE_V2, id, kind)?,
        }
    }
    if is_compressed { usize::try_from(levels).ok().map(Packed::From) } else { Some(Packed::Nothing) }
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
        assert_eq!(
            header,
            PageHeader { length: 17, kind: 2, uncompressed: 300, compressed: -1, packed: Packed::From(0) }
        );
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
}
