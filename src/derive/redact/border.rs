//! How far a mask has to reach beyond what was asked for, so that the coding shows nothing of what stood under it. Pure.
//!
//! A decoded picture shows more of what was coded than the rectangle in which it stood: a macroblock is predicted and quantised as a whole, so its other
//! samples hold some of it; the deblocking filter mixes across its edges; the macroblock beside it is predicted from its edge; and the pictures
//! behind it are predicted from it. So an area grows to whole macroblocks and one more on each side ([`grown`]), and stays black
//! to the end of the group of pictures ([`to_the_end_of_the_group`]).
//!
//! What is left is the choice of quantisers and modes, which depend on everything that the encoder was given, and errors of prediction that it
//! let stand since they are smaller than its quantiser. SECURITY.md says what that means.

use std::ops::Range;

use crate::media::frames::FrameReader;
use crate::session::metadata::MaskInfo;

/// Side of a macroblock, luma samples.
const MACROBLOCK: u32 = 16;

/// Luma samples by which an area grows beyond its macroblocks. The deblocking filter changes 3 and reads 4, interpolation of motion reads 3; a
/// whole macroblock also takes in the one that is predicted from the area's edge.
const MARGIN: u32 = MACROBLOCK;

/// The macroblocks that an area touches and one more on each side, inside of the picture.
pub(crate) fn grown(area: &MaskInfo, coded: (u32, u32)) -> MaskInfo {
    let side = |start: u32, length: u32, limit: u32| {
        let first = (start / MACROBLOCK * MACROBLOCK).saturating_sub(MARGIN);
        let end = start.saturating_add(length).min(limit).next_multiple_of(MACROBLOCK).saturating_add(MARGIN);
        (first, end.min(limit) - first)
    };
    let ((x, width), (y, height)) = (side(area.x, area.width, coded.0), side(area.y, area.height, coded.1));
    MaskInfo { x, y, width, height }
}

/// The frames from the first masked one to the end of the last one's group of pictures.
pub(crate) fn to_the_end_of_the_group(video: &FrameReader, masked: Range<usize>) -> Range<usize> {
    if masked.is_empty() {
        return masked;
    }
    let next = (masked.end..video.len()).find(|frame| video.is_keyframe(*frame) == Some(true));
    masked.start..next.unwrap_or(video.len()).max(masked.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_grows_by_a_macroblock_and_ends_at_the_picture() {
        let grown = |x, y, width, height, coded| {
            let MaskInfo { x, y, width, height } = grown(&MaskInfo { x, y, width, height }, coded);
            (x, y, width, height)
        };
        assert_eq!(grown(100, 50, 34, 22, (640, 480)), (80, 32, 80, 64));
        assert_eq!(grown(96, 48, 16, 16, (640, 480)), (80, 32, 48, 48), "at the borders already");
        assert_eq!(grown(0, 0, 2, 2, (640, 480)), (0, 0, 32, 32));
        assert_eq!(grown(15, 15, 2, 2, (640, 480)), (0, 0, 48, 48));
        assert_eq!(
            grown(1900, 1070, 20, 10, (1920, 1080)),
            (1872, 1040, 48, 40),
            "the last row of macroblocks has 8 rows"
        );
        assert_eq!(grown(0, 0, u32::MAX, u32::MAX, (322, 242)), (0, 0, 322, 242));
    }
}
