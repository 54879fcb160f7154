//! How the parts of a coded picture say what they are: NAL units of H.264 and H.265 behind their lengths, open bitstream units of AV1 with their
//! sizes. What finds frames in the bytes of a log asks here.
//!
//! Invariant: whatever bytes come in, nothing here panics.

use super::av1;
use super::av1::obu::{Obus, obus};
use super::avc;
use super::avc::nal::{BitstreamError, LENGTH_BYTES, LengthPrefixed, nals, push_start_code};
use super::avc::sei;
use super::hevc;
use super::picture::FrameStamp;

/// Longest part that is tried as one before the picture: the stamp has some 40 bytes, a sequence header some 15.
const LONGEST: usize = 1024;

/// How the parts of a codec's pictures say what they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnitSyntax {
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
    /// AV1.
    Av1,
}

impl UnitSyntax {
    /// Returns the parts of an access unit: NAL units without their lengths, or open bitstream units. An error ends the iteration.
    pub fn parts(self, unit: &[u8]) -> Parts<'_> {
        match self {
            Self::Avc | Self::Hevc => Parts::Nals(nals(unit)),
            Self::Av1 => Parts::Obus(obus(unit)),
        }
    }

    /// Returns whether a part may hold a stamp, by its first byte.
    pub fn may_hold_stamp(self, part: &[u8]) -> bool {
        part.first().is_some_and(|header| match self {
            Self::Avc => header & 0x9f == avc::nal::NAL_SEI,
            Self::Hevc => *header == hevc::nal::SEI_HEADER[0],
            Self::Av1 => *header == av1::obu::header(av1::obu::METADATA),
        })
    }

    /// Returns whether a part, by its first byte, stands before the stamp of a picture that decoding can begin with.
    fn comes_first(self, part: &[u8]) -> bool {
        self == Self::Av1 && part.first() == Some(&av1::obu::header(av1::obu::SEQUENCE_HEADER))
    }

    /// Returns whether a part is one of the coded picture, and then whether decoding can begin with it: a slice of an IDR, or a key frame that is
    /// shown.
    pub fn picture(self, part: &[u8]) -> Option<bool> {
        let header = *part.first()?;
        match self {
            Self::Avc => match header & 0x1f {
                avc::nal::NAL_SLICE => Some(false),
                avc::nal::NAL_IDR => Some(true),
                _ => None,
            },
            Self::Hevc => {
                let kind = hevc::nal::nal_type(&[header]);
                hevc::nal::is_slice(kind).then(|| hevc::nal::is_idr(kind))
            }
            Self::Av1 => {
                let obu = av1::obu::first(part)?;
                match obu.kind {
                    av1::obu::FRAME | av1::obu::FRAME_HEADER => Some(av1::frame::begins(obu.payload)),
                    av1::obu::TILE_GROUP => Some(false),
                    _ => None,
                }
            }
        }
    }

    /// Returns the stamp in one part, when it has one.
    pub fn stamp_in(self, part: &[u8]) -> Option<FrameStamp> {
        if !self.may_hold_stamp(part) {
            return None;
        }
        match self {
            Self::Avc => sei::read_stamp(part.get(1..)?),
            Self::Hevc => sei::read_stamp(part.get(hevc::nal::HEADER_BYTES..)?),
            Self::Av1 => av1::unit::stamp_in(part),
        }
    }

    /// Returns the stamp in an access unit; `None` when it carries none that is known.
    pub fn stamp_of(self, unit: &[u8]) -> Option<FrameStamp> {
        self.parts(unit).map_while(Result::ok).find_map(|part| self.stamp_in(part))
    }

    /// Returns whether decoding can begin with an access unit: an IDR, or a key frame that is shown.
    pub fn is_idr(self, unit: &[u8]) -> bool {
        self.parts(unit).map_while(Result::ok).any(|part| self.picture(part) == Some(true))
    }

    /// Returns the part that stands at a place, and where it ends; `None` when there cannot be one.
    pub(crate) fn part_at(self, contents: &[u8], at: usize) -> Option<(&[u8], usize)> {
        let rest = contents.get(at..)?;
        match self {
            Self::Avc | Self::Hevc => {
                let length = u32::from_be_bytes(*rest.first_chunk::<LENGTH_BYTES>()?) as usize;
                let nal = rest.get(LENGTH_BYTES..LENGTH_BYTES.checked_add(length)?)?;
                (nal.first()? & 0x80 == 0).then_some((nal, at + LENGTH_BYTES + length))
            }
            Self::Av1 => {
                let obu = av1::obu::first(rest).filter(|obu| rest[0] == av1::obu::header(obu.kind))?;
                Some((obu.whole, at + obu.whole.len()))
            }
        }
    }

    /// Returns the part with the stamp of the access unit that begins at a place, and where that part ends; `None` when none can begin there.
    pub(crate) fn stamp_at(self, contents: &[u8], at: usize) -> Option<(&[u8], usize)> {
        if self == Self::Av1
            && !contents.get(at..).is_some_and(|rest| self.comes_first(rest) || self.may_hold_stamp(rest))
        {
            return None;
        }
        let (mut part, mut end) = self.part_at(contents, at)?;
        if self.comes_first(part) && part.len() <= LONGEST {
            (part, end) = self.part_at(contents, end)?;
        }
        (part.len() <= LONGEST && self.may_hold_stamp(part)).then_some((part, end))
    }

    /// Returns whether `rest` is the beginning of an access unit and nothing more: cut inside of what stands before its picture.
    pub(crate) fn is_cut_begin(self, rest: &[u8]) -> bool {
        match self {
            Self::Avc | Self::Hevc => match rest.split_first_chunk::<LENGTH_BYTES>() {
                None => rest.iter().take(3).all(|byte| *byte <= (LONGEST >> 8) as u8) || rest.is_empty(),
                Some((length, nal)) => {
                    let length = u32::from_be_bytes(*length) as usize;
                    length <= LONGEST && nal.len() < length && (nal.is_empty() || self.may_hold_stamp(nal))
                }
            },
            Self::Av1 => {
                let rest = match self.part_at(rest, 0) {
                    Some((part, end)) if self.comes_first(part) => &rest[end..],
                    _ => rest,
                };
                let cut = || match av1::obu::leb128(&rest[1..]) {
                    Some((size, digits)) => size <= LONGEST && rest.len() < 1 + digits + size,
                    None => rest.len() < 3,
                };
                rest.is_empty() || ((self.comes_first(rest) || self.may_hold_stamp(rest)) && cut())
            }
        }
    }

    /// Appends the slices of an access unit behind start codes, and nothing else: parameter sets inside are not of this format, and in a
    /// hostile file would make a decoder allocate what the checked ones do not. `None` when the lengths do not add up, a start code is inside,
    /// no slice is there, or the codec has no start codes.
    pub fn push_slices(self, unit: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let before = out.len();
        self.slices(unit, |nal| push_clean(nal, out))?;
        (out.len() > before).then_some(())
    }

    /// Appends the slices of an access unit each behind its length; as [`push_slices`](Self::push_slices).
    pub fn copy_slices(self, unit: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let before = out.len();
        self.slices(unit, |nal| is_clean(nal).then(|| avc::nal::push_nal(nal, out)))?;
        (out.len() > before).then_some(())
    }

    fn slices(self, unit: &[u8], mut each: impl FnMut(&[u8]) -> Option<()>) -> Option<()> {
        if self == Self::Av1 {
            return None;
        }
        let mut rest = unit;
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            let (nal, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            if self.picture(nal).is_some() {
                each(nal)?;
            }
            rest = after;
        }
        Some(())
    }
}

/// Iterator of [`UnitSyntax::parts`].
#[derive(Clone, Debug)]
pub enum Parts<'a> {
    /// NAL units.
    Nals(LengthPrefixed<'a>),
    /// Open bitstream units.
    Obus(Obus<'a>),
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<&'a [u8], BitstreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Nals(nals) => nals.next(),
            Self::Obus(obus) => Some(obus.next()?.map(|obu| obu.whole)),
        }
    }
}

/// Whether no start code is in a NAL unit: a decoder would take what stands behind it for another one, such as a parameter set that
/// nobody has looked at. An encoder never writes these three bytes inside (7.4.1.1 of H.264, 7.4.2 of H.265).
fn is_clean(nal: &[u8]) -> bool {
    !memchr::memmem::find_iter(nal, &[0, 0]).any(|at| nal.get(at + 2).is_some_and(|next| *next <= 2))
}

/// Appends a NAL unit behind a start code; `None` when a start code is in it.
pub(crate) fn push_clean(nal: &[u8], out: &mut Vec<u8>) -> Option<()> {
    is_clean(nal).then(|| push_start_code(nal, out))
}
