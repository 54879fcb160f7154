//! One coded picture of AV1: its units checked and reduced to what a sample of a recording holds, and the unit that says which frame it is.
//!
//! The counterpart of [`crate::media::avc::unit`]: keeps the frame and leaves everything else out, and refuses what a recording cannot hold: a
//! sample brings one frame, which is shown when it is decoded, as large as the sequence header says, and of no layer.
//!
//! The stamp is metadata of ITU-T T.35, since readers pass over any of a country that they do not know, while ffmpeg refuses the types that AV1
//! leaves to everybody. The country code is the one that stands for none (255, 255); what follows is what the SEI of H.264 has.

use super::frame;
use super::obu::{FRAME, FRAME_HEADER, METADATA, SEQUENCE_HEADER, TILE_GROUP, TILE_LIST, first, obus, push_obu};
use super::sequence::Av1Config;
use crate::media::avc::sei::{STAMP_PAYLOAD, parse_stamp, stamp_payload};
use crate::media::avc::unit::UnitError;
use crate::media::picture::FrameStamp;

/// `metadata_type` 4 is `ITUT_T35`; then its country code, the escape, and the extension of that.
const STAMP_HEAD: [u8; 3] = [4, 0xff, 0xff];
/// The bit that ends a unit.
const TRAILING: u8 = 0x80;

/// Appends the frame of one temporal unit to `out`, as units with their sizes, and tells whether decoding can begin at it. Sequence headers
/// must be that of `config`.
///
/// # Errors
/// [`UnitError`]; `out` then holds a part of the picture.
pub fn push_picture(unit: &[u8], config: &Av1Config, out: &mut Vec<u8>) -> Result<bool, UnitError> {
    let sequence = config.read().ok_or(UnitError::NoHeader)?;
    let mut picture = None;
    for obu in obus(unit) {
        let obu = obu?;
        match obu.kind {
            FRAME_HEADER | FRAME | TILE_GROUP if obu.layered => return Err(UnitError::Layer),
            FRAME_HEADER | FRAME => {
                let header = frame::read(obu.payload, &sequence).ok_or(UnitError::NoHeader)?;
                if header.again || !header.shown {
                    return Err(UnitError::Hidden);
                }
                if header.resized {
                    return Err(UnitError::Resized);
                }
                if picture.replace(header.key).is_some() {
                    return Err(UnitError::Pictures { pictures: 2 });
                }
                push_obu(obu.kind, obu.payload, out);
            }
            TILE_GROUP if picture.is_none() => return Err(UnitError::Pictures { pictures: 0 }),
            TILE_GROUP => push_obu(obu.kind, obu.payload, out),
            TILE_LIST => return Err(UnitError::Obu { kind: obu.kind }),
            SEQUENCE_HEADER if first(&config.sequence).is_none_or(|known| known.payload != obu.payload) => {
                return Err(UnitError::Sequence);
            }
            _ => {}
        }
    }
    picture.ok_or(UnitError::NoSlice)
}

/// Appends the unit of a stamp.
pub fn push_stamp(stamp: FrameStamp, out: &mut Vec<u8>) {
    let mut payload = STAMP_HEAD.to_vec();
    payload.extend_from_slice(&stamp_payload(stamp));
    payload.push(TRAILING);
    push_obu(METADATA, &payload, out);
}

/// Returns the stamp in one unit, when it is metadata that has one.
pub fn stamp_in(unit: &[u8]) -> Option<FrameStamp> {
    let obu = first(unit).filter(|obu| obu.kind == METADATA)?;
    parse_stamp(obu.payload.strip_prefix(&STAMP_HEAD)?.get(..STAMP_PAYLOAD)?)
}

#[cfg(test)]
mod tests {
    use super::super::obu::DELIMITER;
    use super::super::sequence::tests::libaom;
    use super::*;
    use crate::base::id::FrameRef;
    use crate::base::time::MonoNs;

    const KEY: [u8; 5] = [0x32, 3, 0x10, 0, 7];
    const PREDICTED: [u8; 5] = [0x32, 3, 0x30, 0, 7];

    fn pushed(units: &[&[u8]]) -> Result<(bool, Vec<u8>), UnitError> {
        let mut out = Vec::new();
        push_picture(&units.concat(), &libaom(), &mut out).map(|key| (key, out))
    }

    #[test]
    fn the_frame_stays_and_everything_else_goes() {
        let config = libaom();
        let mut stamp = Vec::new();
        push_stamp(FrameStamp { frame_ref: FrameRef(3), t: MonoNs(4) }, &mut stamp);
        let padding = [0x7a, 1, 0x80];
        let units: [&[u8]; 5] = [&DELIMITER, &config.sequence, &stamp, &KEY, &padding];
        assert_eq!(pushed(&units), Ok((true, KEY.to_vec())));
        // Its size in more bytes than it needs, or none.
        let wide = [0x32, 0x83, 0, 0x30, 0, 7];
        assert_eq!(pushed(&[&DELIMITER, &wide]), Ok((false, PREDICTED.to_vec())));
        assert_eq!(pushed(&[&[0x30, 0x30, 0, 7]]), Ok((false, PREDICTED.to_vec())));
        let (header, tiles) = ([0x1a, 2, 0x10, 0], [0x22, 1, 9]);
        assert_eq!(pushed(&[&header, &tiles, &tiles]), Ok((true, [&header[..], &tiles, &tiles].concat())));
    }

    #[test]
    fn what_a_recording_cannot_hold_is_refused() {
        let other =
            [&libaom().sequence[..], &[]].concat().iter().map(|byte| byte ^ u8::from(*byte == 6)).collect::<Vec<_>>();
        let cases: [(&[&[u8]], UnitError); 10] = [
            (&[], UnitError::NoSlice),
            (&[&DELIMITER, &libaom().sequence], UnitError::NoSlice),
            (&[&other, &KEY], UnitError::Sequence),
            (&[&KEY, &PREDICTED], UnitError::Pictures { pictures: 2 }),
            (&[&[0x22, 1, 9], &KEY], UnitError::Pictures { pictures: 0 }),
            (&[&[0x32, 2, 0x00, 0]], UnitError::Hidden),
            (&[&[0x1a, 1, 0x80]], UnitError::Hidden),
            (&[&[0x32, 2, 0b0001_0010, 0]], UnitError::Resized),
            (&[&[0x36, 0x08, 2, 0x10, 0]], UnitError::Layer),
            (&[&[0x42, 1, 0]], UnitError::Obu { kind: 8 }),
        ];
        for (units, error) in cases {
            assert_eq!(pushed(units), Err(error), "{units:?}");
        }
        assert!(matches!(pushed(&[&KEY[..4]]), Err(UnitError::Bitstream(_))));
        assert_eq!(push_picture(&KEY, &Av1Config::default(), &mut Vec::new()), Err(UnitError::NoHeader));
    }

    #[test]
    fn a_stamp_comes_back() {
        for stamp in [
            FrameStamp { frame_ref: FrameRef(0), t: MonoNs(0) },
            FrameStamp { frame_ref: FrameRef(u64::MAX), t: MonoNs(-1) },
        ] {
            let mut unit = Vec::new();
            push_stamp(stamp, &mut unit);
            assert_eq!((unit[0], unit.len(), unit[unit.len() - 1]), (0x2a, 39, 0x80));
            assert_eq!(stamp_in(&unit), Some(stamp));
            assert_eq!(stamp_in(&unit[..38]), None);
            unit[4] = 0;
            assert_eq!(stamp_in(&unit), None);
        }
    }
}
