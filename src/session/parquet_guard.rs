//! Keeps a hostile `events.parquet` from making the decoder allocate: looks at every page header before the decoder does.
//!
//! Invariant: what passes has only pages of bounded size, compressed and not, and dictionaries of short values, so that
//! decoding a batch of rows needs bounded memory. The footer needs no such care: the decoder checks each list in it
//! against the bytes that are left. What it does not do: check that the pages are right (the decoder's errors do), or
//! bound how often one row of a map points at a dictionary beyond [`MAX_ENTRIES_PER_ROW`] on average.

use std::sync::Arc;

use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;

use super::positioned::PositionedFile;

/// The largest footer: 8 h at 1,000 rows a second are 220 row groups of 21 columns at about 250 bytes, 1.2 MB.
pub(super) const MAX_FOOTER_BYTES: u64 = 4 << 20;

/// The largest row group; the writer makes 131,072 rows.
const MAX_GROUP_ROWS: i64 = 1 << 20;

/// The largest page: the writer's are 1 MiB and at most 1,024 values of a log record's 4 KiB more. A decoder holds one
/// page of each of 21 columns twice, compressed and not: 21 × 2 × 6 MiB = 252 MiB.
const MAX_PAGE_BYTES: i64 = 6 << 20;

/// The longest text in a dictionary: log records have 4 KiB, so no text of theirs is longer.
const MAX_DICTIONARY_VALUE_BYTES: usize = 8 << 10;

/// The most entries of a map per row, on average over a row group: 30 keys are registered, each at most once a row.
const MAX_ENTRIES_PER_ROW: i64 = 64;

/// A page header: about 30 bytes, more with statistics of two values of 64 bytes.
const HEADER_BYTES: usize = 4096;

/// How deep structs lie in a page header: statistics inside a data page header are two.
const MAX_DEPTH: u32 = 8;

/// The largest page index: what is read at once lies between its first and its last byte. 8 h at 1,000 rows a second are 220 row
/// groups of 21 columns with about 7 pages at 12 bytes, 0.4 MB.
const MAX_INDEX_BYTES: u64 = 16 << 20;

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

/// Checks all pages of the first `columns` leaf columns of a row group; with an index, that it names these pages and no others.
pub(super) fn check_row_group(
    file: &PositionedFile,
    group: &RowGroupMetaData,
    columns: usize,
    index: Option<&[&[PageLocation]]>,
) -> Result<(), String> {
    let rows = group.num_rows();
    if !(0..=MAX_GROUP_ROWS).contains(&rows) {
        return Err(format!("{rows} rows in a row group, more than {MAX_GROUP_ROWS}"));
    }
    let size = file.size();
    for (leaf, column) in group.columns().iter().take(columns).enumerate() {
        let pages = index.map(|index| index.get(leaf).copied().unwrap_or_default());
        check_column(file, column, rows, size, pages).map_err(|why| format!("column {leaf}: {why}"))?;
    }
    Ok(())
}

fn check_column(
    file: &PositionedFile,
    column: &ColumnChunkMetaData,
    rows: i64,
    size: u64,
    mut index: Option<&[PageLocation]>,
) -> Result<(), String> {
    let values = column.num_values();
    if values < 0 || values > rows.saturating_mul(MAX_ENTRIES_PER_ROW) {
        return Err(format!("{values} values in {rows} rows"));
    }
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let end =
        start.checked_add(column.compressed_size()).filter(|end| u64::try_from(*end).is_ok_and(|end| end <= size));
    let (Ok(mut position), Some(end)) = (u64::try_from(start), end.and_then(|end| u64::try_from(end).ok())) else {
        return Err("it lies outside of the file".to_owned());
    };
    let mut header = vec![0; HEADER_BYTES];
    let mut dictionary = false;
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
        dictionary |= page.kind == PageHeader::DICTIONARY;
        data_pages += u64::from(page.kind != PageHeader::DICTIONARY);
        let bytes = page.length as u64 + page.compressed as u64;
        if let Some(pages) = &mut index
            && page.kind != PageHeader::DICTIONARY
        {
            let same = |named: &PageLocation| {
                u64::try_from(named.offset) == Ok(position)
                    && u64::try_from(named.compressed_page_size) == Ok(bytes)
                    && (0..rows).contains(&named.first_row_index)
            };
            match pages.split_first().filter(|(named, _)| same(named)) {
                Some((named, rest)) if rest.first().is_none_or(|next| next.first_row_index > named.first_row_index) => {
                    *pages = rest;
                }
                _ => return Err("the page index names other pages than there are".to_owned()),
            }
        }
        position += bytes;
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
    if dictionary { check_dictionary(file, column, rows) } else { Ok(()) }
}

/// Checks that no text of a dictionary is long: a page of two bits a row can name each of them 131,072 times.
fn check_dictionary(file: &PositionedFile, column: &ColumnChunkMetaData, rows: i64) -> Result<(), String> {
    let rows = usize::try_from(rows).unwrap_or(0);
    let mut pages =
        SerializedPageReader::new(Arc::new(file.clone()), column, rows, None).map_err(|error| error.to_string())?;
    let page = pages.get_next_page().map_err(|error| error.to_string())?;
    let Some(Page::DictionaryPage { buf, .. }) = page else {
        return Err("its dictionary is not its first page".to_owned());
    };
    if column.column_type() != parquet::basic::Type::BYTE_ARRAY {
        return Ok(());
    }
    let mut rest: &[u8] = &buf;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_DICTIONARY_VALUE_BYTES {
            return Err(format!("a text of {length} bytes in its dictionary, more than {MAX_DICTIONARY_VALUE_BYTES}"));
        }
        rest = behind.get(length..).ok_or("a text goes on beyond its dictionary")?;
    }
    Ok(())
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
        let mut thrift = Thrift { rest: bytes };
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
                _ => thrift.skip(kind, 0)?,
            }
        }
        let [_, kind, uncompressed, compressed] = fields;
        let length = bytes.len() - thrift.rest.len();
        Some(Self { length, kind: kind?, uncompressed: uncompressed?, compressed: compressed? })
    }
}

/// A reader of Thrift's compact protocol that allocates nothing.
struct Thrift<'a> {
    rest: &'a [u8],
}

impl Thrift<'_> {
    const STOP: u8 = 0;
    const I32: u8 = 5;

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn advance(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The type and number of the next field of a struct; the type is [`Thrift::STOP`] at its end.
    fn field(&mut self, before: i64) -> Option<(u8, i64)> {
        let head = self.byte()?;
        if head == Self::STOP {
            return Some((Self::STOP, before));
        }
        let id = match head >> 4 {
            0 => self.zigzag()?,
            delta => before.checked_add(i64::from(delta))?,
        };
        // The type 0 with a number is no Thrift: it must not pass for the end.
        (head & 15 != Self::STOP).then_some((head & 15, id))
    }

    /// Passes over a value. Every element of a list takes at least a byte, so a list cannot be longer than what is left.
    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            // The value of a boolean field is in its type.
            1 | 2 => Some(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.advance(8),
            8 => {
                let length = self.varint()?;
                self.advance(usize::try_from(length).ok()?)
            }
            9 | 10 => {
                let head = self.byte()?;
                let size = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                for _ in 0..size {
                    if matches!(head & 15, 1 | 2) { self.advance(1)? } else { self.skip(head & 15, depth + 1)? }
                }
                Some(())
            }
            12 => {
                let mut id = 0;
                loop {
                    let (kind, next) = self.field(id)?;
                    if kind == Self::STOP {
                        return Some(());
                    }
                    id = next;
                    self.skip(kind, depth + 1)?;
                }
            }
            // Maps (11) do not occur in page headers, and the rest is not Thrift.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_header_is_read_and_its_end_found() {
        // type = 2, uncompressed = 300, compressed = -1, then field 7: a struct with a list and a text, then data.
        let bytes =
            [0x15, 0x04, 0x15, 0xd8, 0x04, 0x15, 0x01, 0x4c, 0x19, 0x25, 0x02, 0x04, 0x18, 0x01, b'x', 0, 0, 99];
        let header = PageHeader::parse(&bytes).expect("a header");
        assert_eq!(header, PageHeader { length: 17, kind: 2, uncompressed: 300, compressed: -1 });
        for cut in 0..17 {
            assert_eq!(PageHeader::parse(&bytes[..cut]), None, "cut at {cut}");
        }
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
        }
    }
}
