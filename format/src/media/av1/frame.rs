//! The beginning of a frame's header (`uncompressed_header`, 5.9.2): whether the frame is shown, whether decoding can begin at it, and whether
//! it has a size of its own. What stands behind that is not read.

use super::sequence::{FrameFields, Sequence};
use crate::media::avc::bits::BitReader;

/// Bytes of a header that are looked at: 1 + 2 + 1 + 32 + 4 + 24 + 1 bits at the most.
const MAX_BYTES: usize = 12;
/// `frame_type` of a key frame.
const KEY: u32 = 0;
/// `frame_type` of a switch frame, which always says its size.
const SWITCH: u32 = 3;
/// What [`Sequence`] says where each frame says it.
const EACH_SAYS: u32 = 2;

/// What a frame's header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// It shows a frame that was decoded before, and brings none.
    pub again: bool,
    /// Its picture is shown when it is decoded.
    pub shown: bool,
    /// It builds on no other frame, and none behind it on one before.
    pub key: bool,
    /// It says a size of its own.
    pub resized: bool,
}

/// Returns what a payload of a frame's header, or of a frame, begins with; `None` when it is cut off.
pub fn read(payload: &[u8], sequence: &Sequence) -> Option<FrameHeader> {
    let FrameFields { reduced, time_bits, screen_content, integer_mv, id_bits } = sequence.frames;
    if reduced {
        return Some(FrameHeader { again: false, shown: true, key: true, resized: false });
    }
    let mut bits = BitReader::new(payload.get(..MAX_BYTES).unwrap_or(payload));
    if bits.flag()? {
        return Some(FrameHeader { again: true, shown: true, key: false, resized: false });
    }
    let kind = bits.bits(2)?;
    let shown = bits.flag()?;
    if shown {
        bits.bits(time_bits)?;
    } else {
        bits.flag()?; // showable_frame
    }
    let key = kind == KEY && shown;
    if kind != SWITCH && !key {
        bits.flag()?; // error_resilient_mode
    }
    bits.flag()?; // disable_cdf_update
    let screen_content = if screen_content == EACH_SAYS { bits.bits(1)? } else { screen_content };
    if screen_content == 1 && integer_mv == EACH_SAYS {
        bits.flag()?; // force_integer_mv
    }
    bits.bits(id_bits)?;
    let resized = kind == SWITCH || bits.flag()?;
    Some(FrameHeader { again: false, shown, key, resized })
}

/// Returns whether a payload of a frame's header, or of a frame, is that of a key frame which is shown, of a stream without
/// `reduced_still_picture_header`: the only ones that are recorded or read here.
pub fn begins(payload: &[u8]) -> bool {
    payload.first().is_some_and(|first| first & 0xf0 == 0x10)
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::libaom;
    use super::*;

    #[test]
    fn a_header_says_what_kind_of_frame_it_is() {
        let sequence = libaom().read().expect("a header");
        let told = |first: u8, second: u8| read(&[first, second], &sequence).expect("a header");
        let header = |again, shown, key, resized| FrameHeader { again, shown, key, resized };
        assert_eq!(told(0x10, 0), header(false, true, true, false));
        // A key frame that is not shown, one that is predicted, one that is shown again.
        assert_eq!(told(0x00, 0), header(false, false, false, false));
        assert_eq!(told(0x30, 0), header(false, true, false, false));
        assert_eq!(told(0x80, 0), header(true, true, false, false));
        // With a size of its own: behind the choice of screen content, which brings one of integer vectors.
        assert_eq!(told(0b0001_0010, 0), header(false, true, true, true));
        assert_eq!(told(0b0001_0100, 0), header(false, true, true, false));
        assert_eq!(told(0b0001_0101, 0), header(false, true, true, true));
        assert_eq!(told(0b0011_0001, 0), header(false, true, false, true));
        assert_eq!(told(0b0111_0000, 0), header(false, true, false, true));
        assert!(begins(&[0x1f]) && !begins(&[0x30]) && !begins(&[0x90]) && !begins(&[]));
        assert_eq!(read(&[], &sequence), None);
        let numbered = FrameFields { id_bits: 15, time_bits: 32, ..sequence.frames };
        assert_eq!(read(&[0x10, 0], &Sequence { frames: numbered, ..sequence }), None);
    }
}
