//! The `hash` column: what each row's own bytes say, so that a flipped bit is found in the row where it is.
//!
//! One rule for the bytes (FORMAT.md, "Row hash"): every column but `hash`, in column order, as a tag byte 0x00 (null)
//! or 0x01, and after 0x01 the value. The hash is the first 128 bits of the SHA-256 of these bytes, in lowercase
//! hexadecimal. Pure functions over slices; no file, no allocation once the buffers have grown.

use sha2::block_api::compress256;

use super::row::Row;

/// Characters of a hash: 128 bits, four to a character. 2^-64 of ever meeting a collision by accident in 4 billion rows.
pub const HASH_LEN: usize = 32;

/// A hash, as ASCII.
pub type HashText = [u8; HASH_LEN];

/// Bytes of one block of SHA-256 (FIPS 180-4).
const BLOCK: usize = 64;

/// Where SHA-256 starts (FIPS 180-4, 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

const HEX: &[u8; 16] = b"0123456789abcdef";

const NULL: u8 = 0;
const PRESENT: u8 = 1;

/// Appends the canonical bytes of a row.
pub fn encode(row: &Row<'_>, out: &mut Vec<u8>) {
    fixed(out, row.t_ns.to_le_bytes());
    text(out, row.event_type);
    optional(out, row.key_code.map(i32::to_le_bytes));
    optional(out, row.mouse_x.map(f32_bytes));
    optional(out, row.mouse_y.map(f32_bytes));
    match row.mouse_button {
        Some(button) => text(out, button),
        None => out.push(NULL),
    }
    optional(out, row.delta.map(f32_bytes));
    optional(out, row.frame_ref.map(i64::to_le_bytes));
    text(out, row.window_id);
    text(out, row.session_id);
    fixed(out, (row.metadata.len() as u32).to_le_bytes());
    for (key, value) in row.metadata.iter() {
        length_and_bytes(out, key);
        length_and_bytes(out, value);
    }
}

/// Appends the canonical bytes of a row with the padding of SHA-256 behind them, so that a batch of rows lies in one
/// buffer ready to be hashed by [`hash_padded`]. Returns how many bytes were appended, a multiple of 64.
pub fn encode_padded(row: &Row<'_>, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    encode(row, out);
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
    let (blocks, rest) = padded.as_chunks::<BLOCK>();
    debug_assert!(rest.is_empty(), "padded to whole blocks");
    let mut state = START;
    compress256(&mut state, blocks);
    let mut out = [0; HASH_LEN];
    for (word, hex) in state.iter().zip(out.as_chunks_mut::<8>().0) {
        for (byte, pair) in word.to_be_bytes().iter().zip(hex.as_chunks_mut::<2>().0) {
            *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
        }
    }
    out
}

/// The hash of a row; `scratch` is cleared first and only keeps its memory between calls.
pub fn hash(row: &Row<'_>, scratch: &mut Vec<u8>) -> HashText {
    scratch.clear();
    encode_padded(row, scratch);
    hash_padded(scratch)
}

fn f32_bytes(value: f32) -> [u8; 4] {
    value.to_bits().to_le_bytes()
}

fn fixed<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.push(PRESENT);
    out.extend_from_slice(&bytes);
}

fn optional<const N: usize>(out: &mut Vec<u8>, bytes: Option<[u8; N]>) {
    match bytes {
        Some(bytes) => fixed(out, bytes),
        None => out.push(NULL),
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    out.push(PRESENT);
    length_and_bytes(out, value);
}

fn length_and_bytes(out: &mut Vec<u8>, value: &str) {
    // No text of a row comes near 4 GiB: titles and marks are bounded where they enter the log.
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::session::row::RowMetadata;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    fn empty(metadata: &RowMetadata) -> Row<'_> {
        Row {
            t_ns: 0,
            event_type: "",
            key_code: None,
            mouse_x: None,
            mouse_y: None,
            mouse_button: None,
            delta: None,
            frame_ref: None,
            window_id: "",
            session_id: "",
            metadata,
        }
    }

    #[test]
    fn canonical_bytes_are_as_documented() {
        let mut metadata = RowMetadata::default();
        metadata.push_str("b", "é");
        metadata.push_str("a", "");
        let row = Row {
            t_ns: -2,
            event_type: "ab",
            key_code: Some(4),
            mouse_x: Some(0.5),
            mouse_button: Some("x1"),
            frame_ref: Some(258),
            ..empty(&metadata)
        };
        let mut bytes = Vec::new();
        encode(&row, &mut bytes);
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
            let row = Row { t_ns, key_code, ..empty(&metadata) };
            let mut bytes = Vec::new();
            encode(&row, &mut bytes);
            let whole = hex(&Sha256::digest(&bytes));
            let mut scratch = vec![1, 2, 3];
            let hash = hash(&row, &mut scratch);
            prop_assert_eq!(std::str::from_utf8(&hash).expect("ascii"), &whole[..HASH_LEN]);
        }
    }
}
