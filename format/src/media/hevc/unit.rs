//! One coded picture of H.265: its NAL units checked and reduced to what an access unit of a recording holds.
//!
//! The counterpart of [`crate::media::avc::unit`]: keeps the slices and leaves everything else out, and refuses what a recording cannot
//! hold. That pictures come in the order of their times is not seen in slices but in the sequence parameter set
//! ([`HevcSps::reordered`](super::sps::HevcSps)), which is judged when the stream begins.

use super::nal::{NAL_PPS, NAL_SPS, NAL_VPS, is_idr, is_slice, nal_type};
use super::sets::HevcSets;
use crate::media::avc::nal::{BitstreamError, push_nal};
use crate::media::avc::unit::UnitError;

/// Types of pictures that come before the IDR they belong to in time, but behind it in the stream: RADL and RASL.
const LEADING: std::ops::RangeInclusive<u8> = 6..=9;
/// Types at which decoding can begin and which are no IDR: BLA and CRA.
const OPEN: [u8; 4] = [16, 17, 18, 21];
/// Types of slices that the standard keeps for later.
const RESERVED: [std::ops::RangeInclusive<u8>; 2] = [10..=15, 22..=31];

/// Appends the slices of one picture to `out`, each behind its length, and tells whether they are an IDR. Parameter sets must be those
/// of `sets`.
///
/// # Errors
/// [`UnitError`]; `out` then holds a part of the picture.
pub fn push_picture<'a>(
    nals: impl Iterator<Item = Result<&'a [u8], BitstreamError>>,
    sets: &HevcSets,
    out: &mut Vec<u8>,
) -> Result<bool, UnitError> {
    let mut idr = None;
    let mut pictures = 0;
    for nal in nals {
        let nal = nal?;
        let kind = nal_type(nal);
        let [first, second, ..] = *nal else { return Err(UnitError::NoHeader) };
        if is_slice(kind) {
            let layer = (first & 1) << 5 | second >> 3;
            if layer != 0 || RESERVED.iter().any(|reserved| reserved.contains(&kind)) {
                return Err(UnitError::Kind { kind });
            }
            if LEADING.contains(&kind) {
                return Err(UnitError::Reordered);
            }
            if OPEN.contains(&kind) {
                return Err(UnitError::Refresh);
            }
            if *idr.get_or_insert(is_idr(kind)) != is_idr(kind) {
                return Err(UnitError::Mixed);
            }
            // first_slice_segment_in_pic_flag.
            pictures += usize::from(nal.get(2).ok_or(UnitError::NoHeader)? & 0x80 != 0);
            if pictures != 1 {
                return Err(UnitError::Pictures { pictures });
            }
            push_nal(nal, out);
            continue;
        }
        match kind {
            NAL_VPS if nal != sets.vps => return Err(UnitError::Changed { set: "video" }),
            NAL_SPS if nal != sets.sps => return Err(UnitError::Changed { set: "sequence" }),
            NAL_PPS if nal != sets.pps => return Err(UnitError::Changed { set: "picture" }),
            _ => {}
        }
    }
    idr.ok_or(UnitError::NoSlice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(kind: u8, first: bool) -> Vec<u8> {
        vec![kind << 1, 1, if first { 0x80 } else { 0x40 }, 0x55, 0x80]
    }

    fn sets() -> HevcSets {
        HevcSets { vps: vec![0x40, 1, 7], sps: vec![0x42, 1, 7], pps: vec![0x44, 1, 7] }
    }

    fn pushed(nals: &[&[u8]]) -> Result<(bool, Vec<u8>), UnitError> {
        let mut out = Vec::new();
        push_picture(nals.iter().map(|nal| Ok(*nal)), &sets(), &mut out).map(|idr| (idr, out))
    }

    #[test]
    fn slices_stay_and_everything_else_goes() {
        let (first, second) = (slice(20, true), slice(20, false));
        let known = sets();
        let nals: [&[u8]; 7] =
            [&[0x46, 1, 0x50], &known.vps, &known.sps, &known.pps, &[0x4e, 1, 5, 0x80], &first, &second];
        let (idr, unit) = pushed(&nals).expect("a unit");
        let mut expected = Vec::new();
        push_nal(&first, &mut expected);
        push_nal(&second, &mut expected);
        assert!(idr && unit == expected);
        assert!(!pushed(&[&slice(1, true)]).expect("a unit").0);
    }

    #[test]
    fn what_a_recording_cannot_hold_is_refused() {
        let (idr, predicted) = (slice(19, true), slice(1, true));
        let layer = [1 << 1 | 1, 1, 0x80];
        let cases: [(&[&[u8]], UnitError); 11] = [
            (&[], UnitError::NoSlice),
            (&[&[0x42, 1, 8], &idr], UnitError::Changed { set: "sequence" }),
            (&[&[0x40, 1, 8], &idr], UnitError::Changed { set: "video" }),
            (&[&[0x44, 1, 8], &idr], UnitError::Changed { set: "picture" }),
            (&[&idr, &idr], UnitError::Pictures { pictures: 2 }),
            (&[&slice(19, false)], UnitError::Pictures { pictures: 0 }),
            (&[&idr, &slice(1, false)], UnitError::Mixed),
            (&[&slice(8, true)], UnitError::Reordered),
            (&[&slice(21, true)], UnitError::Refresh),
            (&[&layer], UnitError::Kind { kind: 1 }),
            (&[&predicted, &[0x02]], UnitError::NoHeader),
        ];
        for (nals, error) in cases {
            assert_eq!(pushed(nals), Err(error));
        }
    }
}
