//! H.264 byte streams as pure functions over slices: NAL units behind start codes (Annex B) or behind lengths (as in
//! MP4), and emulation prevention.
//!
//! Invariant: whatever bytes come in, nothing here panics, and nothing is allocated beyond the size of the input plus
//! a constant. It knows the layout of an access unit, not the meaning of a slice; that is [`super::slice`].

use super::sets::ParameterSets;

/// `nal_unit_type` of a slice of a picture that is no IDR.
pub const NAL_SLICE: u8 = 1;
/// `nal_unit_type` of a slice of an IDR picture.
pub const NAL_IDR: u8 = 5;
/// `nal_unit_type` of supplemental enhancement information.
pub const NAL_SEI: u8 = 6;
/// `nal_unit_type` of a sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// `nal_unit_type` of a picture parameter set.
pub const NAL_PPS: u8 = 8;

/// Bytes before each NAL unit in the length-prefixed form.
pub const LENGTH_BYTES: usize = 4;

/// The four-byte start code that Annex B asks for before parameter sets and the first NAL unit of an access unit.
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Why an access unit could not be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BitstreamError {
    /// A length says more than there is.
    #[error("the NAL unit at byte {at} says it has {length} bytes, but {left} are left")]
    Length {
        /// Where in the access unit its length stands.
        at: usize,
        /// What it says.
        length: usize,
        /// What is left.
        left: usize,
    },
    /// A NAL unit without bytes.
    #[error("the NAL unit at byte {at} is empty")]
    Empty {
        /// Where in the access unit its length stands.
        at: usize,
    },
    /// Less than a length at the end.
    #[error("{left} stray bytes at byte {at}, behind the last NAL unit")]
    Trailing {
        /// Where they begin.
        at: usize,
        /// How many.
        left: usize,
    },
    /// An open bitstream unit of AV1 that is cut off, or none.
    #[error("the unit at byte {at} is cut off")]
    Obu {
        /// Where in the temporal unit it begins.
        at: usize,
    },
}

/// The type in the header of a NAL unit; 0 (unspecified) when it has no bytes.
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |header| header & 0x1f)
}

/// The NAL units of an Annex B stream, without start codes and without the zeros that may pad them.
pub fn annex_b_nals(stream: &[u8]) -> AnnexB<'_> {
    let start = find_start_code(stream, 0).map_or(stream.len(), |at| at + 3);
    AnnexB { stream, at: start }
}

/// Iterator of [`annex_b_nals`].
#[derive(Clone, Debug)]
pub struct AnnexB<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Iterator for AnnexB<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.at < self.stream.len() {
            let start = self.at;
            let (end, next) = match find_start_code(self.stream, start) {
                Some(code) => (code, code + 3),
                None => (self.stream.len(), self.stream.len()),
            };
            self.at = next;
            let mut nal = self.stream.get(start..end)?;
            // A NAL unit ends in a byte that is not zero: zeros behind it belong to the next start code or are padding.
            while let [head @ .., 0] = nal {
                nal = head;
            }
            if !nal.is_empty() {
                return Some(nal);
            }
        }
        None
    }
}

/// The first `00 00 01` at or behind `from`.
fn find_start_code(stream: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // Looks at the third byte of each place: unless it is 0 or 1, no start code can begin at any of the three.
    while let Some(&third) = stream.get(at + 2) {
        match third {
            0 => at += 1,
            1 if stream[at] == 0 && stream[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

/// The NAL units of a length-prefixed access unit. An error ends the iteration.
pub fn nals(au: &[u8]) -> LengthPrefixed<'_> {
    LengthPrefixed { au, at: 0 }
}

/// Iterator of [`nals`].
#[derive(Clone, Debug)]
pub struct LengthPrefixed<'a> {
    au: &'a [u8],
    at: usize,
}

impl<'a> Iterator for LengthPrefixed<'a> {
    type Item = Result<&'a [u8], BitstreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = self.au.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return None;
        }
        self.at = self.au.len();
        let Some((length, body)) = rest.split_first_chunk::<LENGTH_BYTES>() else {
            return Some(Err(BitstreamError::Trailing { at, left: rest.len() }));
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 {
            return Some(Err(BitstreamError::Empty { at }));
        }
        let Some(nal) = body.get(..length) else {
            return Some(Err(BitstreamError::Length { at, length, left: body.len() }));
        };
        self.at = at + LENGTH_BYTES + length;
        Some(Ok(nal))
    }
}

/// Appends one NAL unit behind a start code.
pub fn push_start_code(nal: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(nal);
}

/// Appends one NAL unit behind its length.
pub fn push_nal(nal: &[u8], out: &mut Vec<u8>) {
    debug_assert!(u32::try_from(nal.len()).is_ok(), "a NAL unit of 4 GiB");
    out.extend_from_slice(&(nal.len() as u32).to_be_bytes());
    out.extend_from_slice(nal);
}

/// Appends the NAL units of an Annex B stream to `out`, each behind its length.
pub fn to_length_prefixed(stream: &[u8], out: &mut Vec<u8>) {
    for nal in annex_b_nals(stream) {
        push_nal(nal, out);
    }
}

/// Appends a length-prefixed access unit to `out` as Annex B, behind the parameter sets when they are given: what a
/// decoder takes. Give the sets before each IDR that a decoder may start at.
///
/// # Errors
/// When the access unit cannot be taken apart; `out` is then as it was.
pub fn to_annex_b(au: &[u8], sets: Option<&ParameterSets>, out: &mut Vec<u8>) -> Result<(), BitstreamError> {
    let before = out.len();
    if let Some(sets) = sets {
        for set in [&sets.sps, &sets.pps] {
            out.extend_from_slice(&START_CODE);
            out.extend_from_slice(set);
        }
    }
    for nal in nals(au) {
        match nal {
            Ok(nal) => {
                out.extend_from_slice(&START_CODE);
                out.extend_from_slice(nal);
            }
            Err(error) => {
                out.truncate(before);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Whether a length-prefixed access unit is an IDR. Broken ones are not.
pub fn is_idr(au: &[u8]) -> bool {
    nals(au).map_while(Result::ok).any(|nal| nal_type(nal) == NAL_IDR)
}

/// Appends raw bytes (RBSP) with emulation prevention: no `00 00 00` … `00 00 03` is left in what is appended. The bytes
/// before them in the NAL unit must not end in a zero (its header never does), and `raw` must not either: an RBSP ends in
/// its stop bit.
pub fn escape(raw: &[u8], out: &mut Vec<u8>) {
    out.reserve(raw.len() + 8);
    let mut zeros = 0;
    for &byte in raw {
        if zeros == 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
}

/// Appends bytes of a NAL unit without emulation prevention.
pub fn unescape(escaped: &[u8], out: &mut Vec<u8>) {
    out.reserve(escaped.len());
    let mut zeros = 0;
    for &byte in escaped {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A NAL unit as an encoder may make one: a header, then an escaped payload that ends in a stop bit.
    pub(crate) fn nal() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![3 => Just(0_u8), 1 => 0_u8..4, 2 => any::<u8>()];
        (prop_oneof![Just(0x65_u8), Just(0x41), Just(0x06)], vec(byte, 0..60)).prop_map(|(header, mut raw)| {
            raw.push(0x80);
            let mut nal = vec![header];
            escape(&raw, &mut nal);
            nal
        })
    }

    #[test]
    fn start_codes_of_three_and_four_bytes_and_padding_are_taken_apart() {
        let stream = [9, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 1, 0x65, 0, 3, 0, 0];
        let found: Vec<&[u8]> = annex_b_nals(&stream).collect();
        assert_eq!(found, [&[0x67, 1][..], &[0x68, 2], &[0x65, 0, 3]]);
        assert_eq!(annex_b_nals(&[1, 2, 3]).count(), 0);
        assert_eq!(annex_b_nals(&[0, 0, 1]).count(), 0);
    }

    #[test]
    fn broken_lengths_are_told_apart() {
        fn list(au: &[u8]) -> Option<Result<&[u8], BitstreamError>> {
            nals(au).last()
        }
        assert_eq!(list(&[0, 0, 0, 9, 1]), Some(Err(BitstreamError::Length { at: 0, length: 9, left: 1 })));
        assert_eq!(list(&[0, 0, 0, 1, 7, 0, 0, 0, 0]), Some(Err(BitstreamError::Empty { at: 5 })));
        assert_eq!(list(&[0, 0, 0, 1, 7, 0, 0]), Some(Err(BitstreamError::Trailing { at: 5, left: 2 })));
        let mut out = vec![42];
        assert!(to_annex_b(&[0, 0, 0, 1, 7, 0, 0], None, &mut out).is_err());
        assert_eq!(out, [42], "what was there before an error stays as it was");
    }

    #[test]
    fn emulation_prevention_is_as_the_standard_writes_it() {
        let mut out = Vec::new();
        escape(&[0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4], &mut out);
        assert_eq!(out, [0, 0, 3, 0, 0, 3, 0, 1, 0, 0, 3, 2, 0, 0, 3, 3, 0, 0, 4]);
    }

    proptest! {
        #[test]
        fn any_split_decodes_alike(list in vec(nal(), 0..6), long in vec(any::<bool>(), 6), pad in 0_usize..3) {
            let mut stream = Vec::new();
            let mut prefixed = Vec::new();
            for (nal, long) in list.iter().zip(long) {
                stream.extend_from_slice(if long { &[0, 0, 0, 1] } else { &[0, 0, 1] });
                stream.extend_from_slice(nal);
                push_nal(nal, &mut prefixed);
            }
            stream.resize(stream.len() + pad, 0);
            prop_assert_eq!(annex_b_nals(&stream).collect::<Vec<_>>(), list.clone());
            let mut converted = Vec::new();
            to_length_prefixed(&stream, &mut converted);
            prop_assert_eq!(&converted, &prefixed);
            prop_assert_eq!(nals(&prefixed).collect::<Result<Vec<_>, _>>().unwrap(), list.clone());
            let mut back = Vec::new();
            to_annex_b(&prefixed, None, &mut back).unwrap();
            prop_assert_eq!(annex_b_nals(&back).collect::<Vec<_>>(), list);
        }

        #[test]
        fn escaping_comes_back_and_hides_every_start_code(
            mut raw in vec(prop_oneof![3 => Just(0_u8), 2 => 0_u8..4, 1 => any::<u8>()], 0..80),
        ) {
            raw.push(0x80);
            let mut escaped = vec![0x65];
            escape(&raw, &mut escaped);
            prop_assert!(escaped.windows(3).all(|three| !matches!(three, [0, 0, 0..=2])));
            let mut back = Vec::new();
            unescape(&escaped[1..], &mut back);
            prop_assert_eq!(back, raw);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in vec(prop_oneof![0_u8..8, any::<u8>()], 0..200)) {
            let _idr = is_idr(&bytes);
            let mut out = Vec::new();
            to_length_prefixed(&bytes, &mut out);
            prop_assert!(out.len() <= bytes.len() * 2);
            let converted = to_annex_b(&bytes, None, &mut out);
            prop_assert_eq!(converted.is_err(), nals(&bytes).any(|nal| nal.is_err()));
        }
    }
}
