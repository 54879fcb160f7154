//! What the values of a column take when they are decoded, counted before they are: the longest text, the most entries of a row, the bytes
//! of all texts.
//!
//! Invariant: time follows the pages' own bytes, not the values: a run is one step however long it is. Reads the pages through the decoder's
//! own page reader, after the guard of the table has bounded them.

use std::sync::Arc;

use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::positioned::PositionedFile;
use super::thrift::Thrift;

/// The longest text: log records have 4 KiB, so no text of theirs is longer. The writer refuses longer ones.
pub(crate) const MAX_TEXT_BYTES: usize = 8 << 10;

/// The most entries of one row's map: 25 keys are registered, each at most once a row. The writer refuses more.
pub(crate) const MAX_ENTRIES_PER_ROW: u64 = 64;

/// What the values of a column take when they are decoded.
pub(super) struct Values {
    /// The most bytes that one row takes.
    pub(super) of_row: usize,
    /// Bytes of all its texts, each as often as it is named.
    pub(super) text: u64,
}

/// Looks at the dictionary of a column, and at every page of a column of text: how many entries a row has, and how long its texts are.
/// A page of a few bytes can name a text of its dictionary 131,072 times, or give one row all entries.
pub(super) fn check(
    file: &PositionedFile,
    column: &ColumnChunkMetaData,
    rows: i64,
    dictionary: bool,
) -> Result<Values, String> {
    let is_text = column.column_type() == Type::BYTE_ARRAY;
    if !is_text && !dictionary {
        return Ok(FIXED);
    }
    let rows = usize::try_from(rows).unwrap_or(0);
    let mut pages =
        SerializedPageReader::new(Arc::new(file.clone()), column, rows, None).map_err(|error| error.to_string())?;
    let descriptor = column.column_descr();
    let (nested, optional) = (descriptor.max_rep_level() > 0, descriptor.max_def_level() > 0);
    let (mut longest, mut entries, mut run) = (0, 1, 0);
    let (mut lengths, mut text) = (Vec::new(), 0_u64);
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
                    return Ok(FIXED);
                }
                lengths = Vec::with_capacity(*num_values as usize);
                each_length(buf, |length| lengths.push(length as u32))?;
                longest = lengths.iter().fold(longest, |longest, length| longest.max(*length as usize));
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
            Encoding::PLAIN => each_length(values, |length| {
                longest = longest.max(length);
                text = text.saturating_add((length + OFFSET_BYTES) as u64);
            })?,
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                text = text.saturating_add(named_bytes(values, &lengths, count.into())?);
            }
            other => return Err(format!("text in the encoding {other}, which is not used here")),
        }
    }
    Ok(Values { of_row: (longest + OFFSET_BYTES) * entries as usize, text })
}

/// A text is decoded into one buffer, with an offset.
const OFFSET_BYTES: usize = 4;

/// What a value of a fixed width takes, its place among the nulls included; the guard counts it with the row.
const FIXED: Values = Values { of_row: 9, text: 0 };

pub(super) const SHORT: &str = "a page that ends inside of its levels";

/// Levels behind their length, and what comes after them.
fn sized(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(|| SHORT.to_owned())
}

/// Hands over the length of each text that stands behind its length; one that is longer than any can be is an error.
fn each_length(texts: &[u8], mut take: impl FnMut(usize)) -> Result<(), String> {
    let mut rest = texts;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_TEXT_BYTES {
            return Err(format!("a text of {length} bytes, more than {MAX_TEXT_BYTES}"));
        }
        take(length);
        rest = behind.get(length..).ok_or("a text that goes on beyond its page")?;
    }
    Ok(())
}

/// Bytes of the texts that up to `count` places in a dictionary name, as runs of one place or as groups of eight of so many bits.
/// Places that it does not have count for nothing: the decoder refuses them, and a last group may have some that are not meant.
fn named_bytes(places: &[u8], lengths: &[u32], count: u64) -> Result<u64, String> {
    let (width, rest) = places.split_first().ok_or(SHORT)?;
    let width = usize::from(*width);
    if width > 32 {
        return Err(format!("places in a dictionary of {width} bits"));
    }
    let bytes_of = |place: u64| {
        usize::try_from(place)
            .ok()
            .and_then(|place| lengths.get(place))
            .map_or(0, |length| u64::from(*length) + OFFSET_BYTES as u64)
    };
    let (mut total, mut left) = (0_u64, count);
    let mut thrift = Thrift { rest, most: 0 };
    while left > 0 && !thrift.rest.is_empty() {
        let header = thrift.varint().ok_or(SHORT)?;
        let size = if header & 1 == 0 { width.div_ceil(8) as u64 } else { (header >> 1).saturating_mul(width as u64) };
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(thrift.rest.len());
        let (run, behind) = thrift.rest.split_at(size);
        thrift.rest = behind;
        if header & 1 == 0 {
            let times = (header >> 1).min(left);
            let place = run.iter().rev().fold(0, |place, byte| place << 8 | u64::from(*byte));
            total = total.saturating_add(bytes_of(place).saturating_mul(times));
            left -= times;
        } else {
            let values = (header >> 1).saturating_mul(8).min(left);
            left -= values;
            let (mut bits, mut have, mut bytes) = (0_u64, 0, run.iter());
            for _ in 0..values {
                while have < width {
                    let Some(byte) = bytes.next() else { return Ok(total) };
                    bits |= u64::from(*byte) << have;
                    have += 8;
                }
                total = total.saturating_add(bytes_of(bits & ((1 << width) - 1)));
                bits >>= width;
                have -= width;
            }
        }
    }
    Ok(total)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_counted_as_often_as_they_are_named() {
        let lengths = [10, 100, 1000];
        // A run of five times place 1, of two bits; then eight places 0 1 2 0 0 1 2 3 of two bits each, of which the last is none.
        let places = [2, 10, 1, 3, 0b00_10_01_00, 0b11_10_01_00];
        let each = |place: usize| u64::from(lengths[place]) + 4;
        let run = 5 * each(1);
        assert_eq!(named_bytes(&places, &lengths, 13), Ok(run + 3 * each(0) + 2 * each(1) + 2 * each(2)));
        assert_eq!(named_bytes(&places, &lengths, 6), Ok(run + each(0)));
        assert_eq!(named_bytes(&places, &lengths, 3), Ok(3 * each(1)));
        // No bits: place 0, in a run and in a group. Longer than the numbers have room; cut off; a width that is none.
        assert_eq!(named_bytes(&[0, 6, 3], &lengths, 11), Ok(11 * each(0)));
        let many = [8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2];
        assert_eq!(named_bytes(&many, &[0, 0, u32::MAX], u64::MAX), Ok(u64::MAX));
        assert_eq!(named_bytes(&[9, 7, 0, 0], &lengths, 24), Ok(each(0)));
        assert!(named_bytes(&[33, 2, 0], &lengths, 1).is_err() && named_bytes(&[], &lengths, 1).is_err());
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
