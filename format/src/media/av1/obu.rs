//! Open bitstream units: their headers, their sizes, and how one stands behind the other (sections 5.3, 4.10.5 and 5.2 of the specification, the
//! "low overhead bitstream format").
//!
//! Invariant: whatever bytes come in, nothing here panics, and nothing is allocated.

use crate::media::avc::nal::BitstreamError;

/// `obu_type` of a sequence header.
pub const SEQUENCE_HEADER: u8 = 1;
/// `obu_type` of what begins a temporal unit.
pub const TEMPORAL_DELIMITER: u8 = 2;
/// `obu_type` of a frame's header alone.
pub const FRAME_HEADER: u8 = 3;
/// `obu_type` of tiles behind a frame's header.
pub const TILE_GROUP: u8 = 4;
/// `obu_type` of metadata.
pub const METADATA: u8 = 5;
/// `obu_type` of a frame's header with its tiles.
pub const FRAME: u8 = 6;
/// `obu_type` of tiles of which a picture is put together from several frames.
pub const TILE_LIST: u8 = 8;

/// A temporal delimiter.
pub const DELIMITER: [u8; 2] = [TEMPORAL_DELIMITER << 3 | HAS_SIZE, 0];

/// Bit of a header that must be 0.
const FORBIDDEN: u8 = 0x80;
/// Bit of a header: a byte that names a layer follows.
const EXTENSION: u8 = 4;
/// Bit of a header: the number of bytes follows.
const HAS_SIZE: u8 = 2;
/// Most bytes of a number.
const MAX_NUMBER: usize = 8;

/// One unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Obu<'a> {
    /// `obu_type`.
    pub kind: u8,
    /// It says of which layer it is.
    pub layered: bool,
    /// What stands behind header and size.
    pub payload: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

/// Returns the first byte of a unit of a kind, as this program writes it: with its size, of no layer.
pub const fn header(kind: u8) -> u8 {
    kind << 3 | HAS_SIZE
}

/// Reads a number of up to 32 bits, seven in each byte, the lowest first; returns it with its bytes.
pub fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(MAX_NUMBER).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(u32::try_from(value).ok()?).ok()?, at + 1));
        }
    }
    None
}

/// Appends a number as [`leb128`] reads it.
pub fn push_leb128(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a unit as this program writes it.
pub fn push_obu(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    debug_assert!(u32::try_from(payload.len()).is_ok(), "a unit of 4 GiB");
    out.push(header(kind));
    push_leb128(payload.len(), out);
    out.extend_from_slice(payload);
}

/// Reads the unit at the start of `bytes`; `None` when there is no whole one. One without a size reaches to the end.
pub fn first(bytes: &[u8]) -> Option<Obu<'_>> {
    let head = *bytes.first()?;
    if head & FORBIDDEN != 0 {
        return None;
    }
    let layered = head & EXTENSION != 0;
    let behind = bytes.get(1 + usize::from(layered)..)?;
    let (payload, len) = if head & HAS_SIZE == 0 {
        (behind, bytes.len())
    } else {
        let (size, digits) = leb128(behind)?;
        let payload = behind.get(digits..digits.checked_add(size)?)?;
        (payload, 1 + usize::from(layered) + digits + size)
    };
    Some(Obu { kind: head >> 3, layered, payload, whole: &bytes[..len] })
}

/// Returns the units of a temporal unit. An error ends the iteration.
pub fn obus(unit: &[u8]) -> Obus<'_> {
    Obus { unit, at: 0 }
}

/// Iterator of [`obus`].
#[derive(Clone, Debug)]
pub struct Obus<'a> {
    unit: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Obus<'a> {
    type Item = Result<Obu<'a>, BitstreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = self.unit.get(at..).filter(|rest| !rest.is_empty())?;
        let found = first(rest);
        self.at = found.map_or(self.unit.len(), |obu| at + obu.whole.len());
        Some(found.ok_or(BitstreamError::Obu { at }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_taken_apart_with_and_without_sizes_and_layers() {
        let stream = [0x12, 0, 0x0a, 0x82, 0x00, 7, 8, 0x36, 0x20, 1, 9, 0x30, 1, 2, 3];
        let found: Vec<_> = obus(&stream).map(|obu| obu.expect("a unit")).collect();
        let told: Vec<_> = found.iter().map(|obu| (obu.kind, obu.layered, obu.payload)).collect();
        let expected: [(u8, bool, &[u8]); 4] = [
            (TEMPORAL_DELIMITER, false, &[]),
            (SEQUENCE_HEADER, false, &[7, 8]),
            (FRAME, true, &[9]),
            (FRAME, false, &[1, 2, 3]),
        ];
        assert_eq!(told, expected);
        assert_eq!(found.iter().map(|obu| obu.whole.len()).sum::<usize>(), stream.len());
        for broken in [&[0x12][..], &[0x0a, 3, 1, 2], &[0x92, 0], &[0x0a, 0x80], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]]
        {
            assert_eq!(obus(broken).next(), Some(Err(BitstreamError::Obu { at: 0 })), "{broken:?}");
        }
        let late = [&DELIMITER[..], &[0x32, 9]].concat();
        assert_eq!(obus(&late).last(), Some(Err(BitstreamError::Obu { at: 2 })));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(units in vec((1_u8..9, vec(any::<u8>(), 0..300)), 0..5)) {
            let mut stream = Vec::new();
            for (kind, payload) in &units {
                push_obu(*kind, payload, &mut stream);
            }
            let found: Vec<_> =
                obus(&stream).map(|obu| obu.map(|obu| (obu.kind, obu.payload.to_vec()))).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(found, units);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in vec(prop_oneof![0_u8..64, any::<u8>()], 0..200)) {
            let taken: usize = obus(&bytes).map_while(Result::ok).map(|obu| obu.whole.len()).sum();
            prop_assert!(taken <= bytes.len());
        }
    }
}
