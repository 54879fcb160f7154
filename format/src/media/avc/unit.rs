//! One coded picture of an encoder: its NAL units checked and reduced to what an access unit of a recording holds.
//!
//! Keeps the slices and leaves everything else out. Refuses what a recording cannot hold: other parameter sets than those of the
//! start, more than one picture, pictures out of the order of their times, and pictures that refresh bit by bit. It does not look
//! into the macroblocks.

use super::nal::{BitstreamError, NAL_IDR, NAL_PPS, NAL_SEI, NAL_SLICE, NAL_SPS, nal_type, push_nal};
use super::sei::has_recovery_point;
use super::sets::ParameterSets;
use super::slice::SliceKind;

/// Why what an encoder made is not one access unit of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// It cannot be taken apart.
    #[error(transparent)]
    Bitstream(#[from] BitstreamError),
    /// There is no slice in it.
    #[error("no slice was made")]
    NoSlice,
    /// The header of a slice cannot be read.
    #[error("a slice without a header")]
    NoHeader,
    /// Parameter sets differ from those of the start.
    #[error("the {set} parameter set changed")]
    Changed {
        /// Which.
        set: &'static str,
    },
    /// It holds more or less than one picture.
    #[error("an access unit holds {pictures} beginnings of pictures instead of one")]
    Pictures {
        /// Slices that begin a picture.
        pictures: usize,
    },
    /// Some of its slices are those of an IDR, others are not.
    #[error("an access unit is an IDR only in part")]
    Mixed,
    /// It predicts from a later picture.
    #[error("a picture that is predicted from a later one: frames must come in the order of their times")]
    Reordered,
    /// Decoding can begin at it, but only some pictures later gives what was encoded: readers return such pictures as if they were whole.
    #[error("a recovery point that is no IDR: what follows cannot be decoded alone")]
    Refresh,
    /// A kind of slice that the profiles of recordings do not have.
    #[error("a NAL unit of type {kind} is not possible in a recording")]
    Kind {
        /// Its `nal_unit_type`.
        kind: u8,
    },
    /// The sequence header of AV1 differs from that of the start.
    #[error("the sequence header changed")]
    Sequence,
    /// A frame of AV1 that is not shown when it is decoded, or one that is shown again.
    #[error("a frame that is not shown when it is decoded: each must be the picture of its own time")]
    Hidden,
    /// A frame of AV1 with a size of its own.
    #[error("a frame of another size than the stream's")]
    Resized,
    /// A frame of AV1 of a layer.
    #[error("a frame of one of several layers")]
    Layer,
    /// A kind of unit of AV1 that recordings do not have.
    #[error("a unit of type {kind} is not possible in a recording")]
    Obu {
        /// Its `obu_type`.
        kind: u8,
    },
}

/// Appends the slices of one picture to `out`, each behind its length, and tells whether they are an IDR. Parameter sets must be those
/// of `sets`.
///
/// # Errors
/// [`UnitError`]; `out` then holds a part of the picture.
pub fn push_picture<'a>(
    nals: impl Iterator<Item = Result<&'a [u8], BitstreamError>>,
    sets: &ParameterSets,
    out: &mut Vec<u8>,
) -> Result<bool, UnitError> {
    let mut idr = None;
    let (mut slices, mut pictures) = (0_usize, 0);
    let mut refresh = false;
    for nal in nals {
        let nal = nal?;
        match nal_type(nal) {
            kind @ (NAL_SLICE | NAL_IDR) => {
                let slice = SliceKind::read(nal).ok_or(UnitError::NoHeader)?;
                if slice.is_bidirectional {
                    return Err(UnitError::Reordered);
                }
                if *idr.get_or_insert(kind == NAL_IDR) != (kind == NAL_IDR) {
                    return Err(UnitError::Mixed);
                }
                // The slices of a picture come in order: its first one is at the first macroblock.
                pictures += usize::from(slice.first_macroblock == 0);
                if pictures != 1 {
                    return Err(UnitError::Pictures { pictures });
                }
                slices += 1;
                push_nal(nal, out);
            }
            NAL_SPS if nal != sets.sps => return Err(UnitError::Changed { set: "sequence" }),
            NAL_PPS if nal != sets.pps => return Err(UnitError::Changed { set: "picture" }),
            NAL_SEI => refresh |= has_recovery_point(nal),
            // Data partitions, and the slices of layers and views.
            kind @ (2..=4 | 20 | 21) => return Err(UnitError::Kind { kind }),
            _ => {}
        }
    }
    match idr {
        Some(false) if refresh => Err(UnitError::Refresh),
        Some(idr) if slices > 0 => Ok(idr),
        _ => Err(UnitError::NoSlice),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::BitWriter;
    use super::super::nal::escape;
    use super::*;

    fn slice(header: u8, first: u32, kind: u32) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.ue(first);
        bits.ue(kind);
        bits.ue(0);
        let mut nal = vec![header];
        escape(&bits.finish(), &mut nal);
        nal
    }

    fn sets() -> ParameterSets {
        ParameterSets { sps: vec![0x67, 66, 0, 30], pps: vec![0x68, 1] }
    }

    fn pushed(nals: &[&[u8]]) -> Result<(bool, Vec<u8>), UnitError> {
        let mut out = Vec::new();
        push_picture(nals.iter().map(|nal| Ok(*nal)), &sets(), &mut out).map(|idr| (idr, out))
    }

    #[test]
    fn slices_stay_and_everything_else_goes() {
        let (first, second) = (slice(0x65, 0, 7), slice(0x65, 40, 7));
        let foreign_sei = [6, 5, 1, 0xaa, 0x80];
        let (idr, unit) =
            pushed(&[&[9, 0x10], &sets().sps, &sets().pps, &foreign_sei, &first, &second, &[12, 0xff, 0x80]])
                .expect("a unit");
        let mut expected = Vec::new();
        push_nal(&first, &mut expected);
        push_nal(&second, &mut expected);
        assert_eq!((idr, unit), (true, expected));
        assert_eq!(pushed(&[&slice(0x41, 0, 5)]).map(|(idr, _)| idr), Ok(false));
    }

    #[test]
    fn what_a_recording_cannot_hold_is_refused() {
        let (idr, predicted) = (slice(0x65, 0, 7), slice(0x41, 0, 5));
        let recovery = [6, 6, 1, 0x84, 0x80];
        let cases: [(&[&[u8]], UnitError); 10] = [
            (&[], UnitError::NoSlice),
            (&[&[9, 0x10]], UnitError::NoSlice),
            (&[&[0x67, 66, 0, 31], &idr], UnitError::Changed { set: "sequence" }),
            (&[&[0x68, 2], &idr], UnitError::Changed { set: "picture" }),
            (&[&idr, &idr], UnitError::Pictures { pictures: 2 }),
            (&[&slice(0x65, 9, 7)], UnitError::Pictures { pictures: 0 }),
            (&[&idr, &slice(0x41, 9, 5)], UnitError::Mixed),
            (&[&slice(0x01, 0, 6)], UnitError::Reordered),
            (&[&recovery, &predicted], UnitError::Refresh),
            (&[&[0x42, 0x80]], UnitError::Kind { kind: 2 }),
        ];
        for (nals, error) in cases {
            assert_eq!(pushed(nals), Err(error), "{nals:02x?}");
        }
        assert!(pushed(&[&recovery, &idr]).is_ok(), "an IDR is whole at once");
        assert_eq!(pushed(&[&[0x65]]), Err(UnitError::NoHeader));
    }
}
