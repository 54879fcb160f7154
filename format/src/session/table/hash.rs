//! The `hash` column: what each row's own bytes say, so that a flipped bit is found in the row where it is.
//!
//! One rule for the bytes (FORMAT.md, "Row hash"): every column but `hash`, in column order, as a tag byte 0x00 (null)
//! or 0x01, and after 0x01 the value. The hash is the first 128 bits of the SHA-256 of these bytes, in lowercase
//! hexadecimal. Pure functions over slices; no file, no allocation once the buffers have grown.

use watchcap_migrations::session::{v1_0, v1_2, v1_2__to__v1_3, v1_3};

use super::row::Row;
use super::sha256_lanes::{self, BLOCK};

/// Characters of a hash: 128 bits, four to a character. 2^-64 of ever meeting a collision by accident in 4 billion rows.
pub const HASH_LEN: usize = 32;

/// A hash, as ASCII.
pub type HashText = [u8; HASH_LEN];

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends the canonical bytes of the row with index `seq`, by the rule of the version that this release writes.
pub fn encode(row: &Row<'_>, seq: i64, out: &mut Vec<u8>) {
    let of_pads = (row.pad, row.control, row.value);
    let row = v1_2__to__v1_3::step(without_pads(row, seq));
    let (pad, control, value) = of_pads;
    v1_3::Row { pad, control, value, ..row }.encode(out);
}

/// Appends the canonical bytes of a row of 1.1.0 or 1.2.0 with their padding, as [`encode_padded`] does of the present version.
pub(super) fn encode_padded_before_pads(row: &Row<'_>, seq: i64, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    without_pads(row, seq).encode(out);
    pad(out, start)
}

/// The row as 1.2.0 has it.
fn without_pads<'a>(
    row: &Row<'a>,
    seq: i64,
) -> v1_2::Row<'a, impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone + use<'a>> {
    let base = v1_0::Row {
        t_ns: row.t_ns,
        event_type: row.event_type,
        key_code: row.key_code,
        mouse_x: row.mouse_x,
        mouse_y: row.mouse_y,
        mouse_button: row.mouse_button,
        delta: row.delta,
        frame_ref: row.frame_ref,
        window_id: row.window_id,
        session_id: row.session_id,
        metadata: row.metadata.iter(),
    };
    v1_2::Row {
        base,
        seq,
        pressed: row.pressed,
        mouse_dx: row.mouse_dx,
        mouse_dy: row.mouse_dy,
        pts: row.pts,
        is_keyframe: row.is_keyframe,
        repeat: row.repeat,
        source: row.source,
    }
}

/// Appends the canonical bytes of a row with the padding of SHA-256 behind them, so that a batch of rows lies in one
/// buffer ready to be hashed by [`hash_padded`]. Returns how many bytes were appended, a multiple of 64.
pub fn encode_padded(row: &Row<'_>, seq: i64, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    encode(row, seq, out);
    pad(out, start)
}

/// Appends the padding of SHA-256 to the bytes from `start` on; how many there are then.
pub fn pad(out: &mut Vec<u8>, start: usize) -> usize {
    let bits = (out.len() - start) as u64 * 8;
    out.push(0x80);
    let used = (out.len() - start + 8) % BLOCK;
    let fill = (BLOCK - used) % BLOCK;
    out.extend_from_slice(&[0; BLOCK][..fill]);
    out.extend_from_slice(&bits.to_be_bytes());
    out.len() - start
}

/// The hash of one row's bytes as [`encode_padded`] left them.
pub fn hash_padded(padded: &[u8]) -> HashText {
    let mut out = [[0; HASH_LEN]];
    hash_all_padded(padded, &[padded.len() as u32], &mut out);
    out[0]
}

/// The hashes of many rows whose bytes, as [`encode_padded`] left them, lie one behind the other; `lengths` says how many bytes each
/// has, and there is room in `out` for each.
pub fn hash_all_padded(padded: &[u8], lengths: &[u32], out: &mut [HashText]) {
    debug_assert_eq!(lengths.len(), out.len(), "room for each hash");
    sha256_lanes::each(padded, lengths, &mut |index, state| {
        let Some(text) = out.get_mut(index) else { return };
        for (word, hex) in state.iter().zip(text.as_chunks_mut::<8>().0) {
            for (byte, pair) in word.to_be_bytes().iter().zip(hex.as_chunks_mut::<2>().0) {
                *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            }
        }
    });
}

/// The hash of a row; `scratch` is cleared first and only keeps its memory between calls.
pub fn hash(row: &Row<'_>, seq: i64, scratch: &mut Vec<u8>) -> HashText {
    scratch.clear();
    encode_padded(row, seq, scratch);
    hash_padded(scratch)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::session::table::row::RowMetadata;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn canonical_bytes_are_as_documented() {
        let mut metadata = RowMetadata::default();
        metadata.push_str("b", "é");
        metadata.push_str("a", "");
        let row = Row {
            key_code: Some(4),
            mouse_x: Some(0.5),
            mouse_button: Some("x1"),
            frame_ref: Some(258),
            pressed: Some(false),
            mouse_dx: Some(-2.0),
            pts: Some(1),
            is_keyframe: Some(true),
            source: Some("xi2"),
            pad: Some(1),
            value: Some(0.5),
            ..Row::new(-2, "ab", "", &metadata)
        };
        let mut bytes = Vec::new();
        encode(&row, 3, &mut bytes);
        let expected = [
            "01feffffffffffffff",         // t_ns
            "01020000006162",             // event_type
            "0104000000",                 // key_code
            "010000003f",                 // mouse_x
            "00",                         // mouse_y
            "01020000007831",             // mouse_button
            "00",                         // delta
            "010201000000000000",         // frame_ref
            "0100000000",                 // window_id
            "0100000000",                 // session_id
            "0102000000",                 // metadata: two entries
            "01000000610000000001000000", // "a" = "", then the length of "b"
            "6202000000c3a9",             // "b" = "é"
            "010300000000000000",         // seq
            "0100",                       // pressed: false
            "01000000c0",                 // mouse_dx
            "00",                         // mouse_dy
            "010100000000000000",         // pts
            "0101",                       // is_keyframe: true
            "00",                         // repeat
            "0103000000786932",           // source
            "0101000000",                 // pad
            "00",                         // control
            "010000003f",                 // value
        ]
        .concat();
        assert_eq!(hex(&bytes), expected);
    }

    proptest! {
        /// Our own padding and block loop is SHA-256 for every length around the block boundaries.
        #[test]
        fn equals_a_plain_sha256(title in "\\PC{0,200}", t_ns: i64, key_code: Option<i32>) {
            let mut metadata = RowMetadata::default();
            metadata.push_str("title", &title);
            let row = Row { key_code, ..Row::new(t_ns, "", "", &metadata) };
            let mut bytes = Vec::new();
            encode(&row, 9, &mut bytes);
            let whole = hex(&Sha256::digest(&bytes));
            let mut scratch = vec![1, 2, 3];
            let hash = hash(&row, 9, &mut scratch);
            prop_assert_eq!(std::str::from_utf8(&hash).expect("ascii"), &whole[..HASH_LEN]);
        }
    }
}
