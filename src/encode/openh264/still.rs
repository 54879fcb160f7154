//! The bytes of a group of pictures that shows one picture only, kept to be sent again.
//!
//! What is sent again may stand elsewhere in its group than when it was made (there were copies in between), so its slices are given the number of
//! the place where they stand.
//!
//! Invariant: what is kept is all that the encoder made since its last IDR, that IDR first, so that sending it again
//! leaves a decoder with the reference picture that the encoder has. Bounded by [`STILL_BYTES`]; a larger group is let go.

use crate::media::avc::nal::nals;
use crate::media::avc::slice::SliceSyntax;

/// Bytes of a group of pictures that are kept to be sent again: an IDR and 5 pictures that sharpen it at 200 Mbit/s and
/// 30 fps are 6 × 0.83 MB on average. A group that needs more is made again.
const STILL_BYTES: usize = 8 << 20;

/// The access units of a group of pictures that shows one picture only, without SEI, as far as the encoder made them.
#[derive(Default)]
pub(in crate::encode) struct Still {
    bytes: Vec<u8>,
    /// Where each access unit ends; empty when there is nothing to be sent again.
    ends: Vec<usize>,
    /// How many were sent again since the IDR was; `None` when the decoder has them all from the encoder itself.
    sent_again: Option<usize>,
}

impl Still {
    /// Keeps nothing more.
    pub(in crate::encode) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.sent_again = None;
    }

    /// Whether there is no group to add to.
    pub(in crate::encode) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all that is sent again.
    pub(in crate::encode) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds what the encoder has just made. The decoder has it from there, and all before it.
    pub(in crate::encode) fn push(&mut self, unit: &[u8]) {
        debug_assert!(self.behind().is_none(), "the encoder went on while the decoder was behind");
        self.sent_again = None;
        if self.bytes.len() + unit.len() > STILL_BYTES {
            self.clear();
        } else {
            self.bytes.extend_from_slice(unit);
            self.ends.push(self.bytes.len());
        }
    }

    /// Puts the IDR into `out`, and it is sent again. False, and nothing done, when there is none.
    pub(in crate::encode) fn begin_again(&mut self, syntax: SliceSyntax, out: &mut Vec<u8>) -> bool {
        let there = self.put(0, 0, syntax, out);
        if there {
            self.sent_again = Some(1);
        }
        there
    }

    /// Puts what comes next into `out` when the decoder is behind the encoder, as the picture with this `frame_num`. False, and nothing done, when
    /// it is not.
    pub(in crate::encode) fn go_on(&mut self, syntax: SliceSyntax, frame_num: u32, out: &mut Vec<u8>) -> bool {
        let Some(index) = self.behind() else { return false };
        let there = self.put(index, frame_num, syntax, out);
        if there {
            self.sent_again = Some(index + 1);
        }
        there
    }

    fn put(&self, index: usize, frame_num: u32, syntax: SliceSyntax, out: &mut Vec<u8>) -> bool {
        let Some(unit) = self.unit(index) else { return false };
        out.clear();
        // It was written here, unit by unit.
        syntax.push_numbered(nals(unit).flatten(), frame_num, out)
    }

    /// One of the access units; 0 is the IDR.
    fn unit(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..end)
    }

    /// The next access unit that has to be sent again, when the decoder is behind the encoder.
    pub(in crate::encode) fn behind(&self) -> Option<usize> {
        self.sent_again.filter(|&sent| sent < self.ends.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::VideoEncoder as _;
    use crate::encode::openh264::OpenH264;
    use crate::encode::settings::{EncodeSettings, Quality};
    use crate::media::picture::Sampling;

    fn syntax() -> SliceSyntax {
        let settings = EncodeSettings {
            width: 64,
            height: 48,
            fps: 30,
            bitrate_kbps: 500,
            gop_ns: 500_000_000,
            quality: Quality::Fast,
            sampling: Sampling::Yuv420,
        };
        let encoder = OpenH264::new(&settings).expect("it opens");
        encoder.config().avc().and_then(SliceSyntax::read).expect("sets of a kind that is read")
    }

    fn skip(frame_num: u32) -> Vec<u8> {
        let mut unit = Vec::new();
        syntax().push_skip(frame_num, &mut unit);
        unit
    }

    #[test]
    fn a_group_is_sent_again_in_order_and_let_go_when_it_is_too_large() {
        let (mut still, mut out, syntax) = (Still::default(), Vec::new(), syntax());
        assert!(still.is_empty() && !still.begin_again(syntax, &mut out) && !still.go_on(syntax, 1, &mut out));
        // Made as the first, the fifth and the seventh picture of its group: there were copies between them.
        still.push(&skip(0));
        still.push(&skip(4));
        still.push(&skip(6));
        assert!(
            still.behind().is_none() && !still.go_on(syntax, 1, &mut out),
            "what the encoder made, the decoder has"
        );
        assert!(still.begin_again(syntax, &mut out));
        assert_eq!((out.clone(), still.behind()), (skip(0), Some(1)));
        assert!(still.go_on(syntax, 1, &mut out));
        assert_eq!((out.clone(), still.behind()), (skip(1), Some(2)), "numbered by where it stands");
        assert!(still.go_on(syntax, 2, &mut out));
        assert_eq!((out.clone(), still.behind()), (skip(2), None));
        assert!(!still.go_on(syntax, 3, &mut out));
        still.push(&vec![0; STILL_BYTES - 3 * skip(0).len()]);
        assert!(!still.is_empty());
        still.push(&[5, 6]);
        assert!(still.is_empty());
    }
}
