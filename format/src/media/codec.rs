//! What differs between the codecs of pictures, asked of a [`CodecConfig`]: sizes and bounds of a stream, its name, the stamp in its
//! access units, and which of them are IDRs. Every other file of the project asks here, and knows no codec.

use super::avc;
use super::avc::nal::{BitstreamError, LENGTH_BYTES, nals, push_start_code};
use super::avc::sei;
use super::avc::sps::{MAX_MACROBLOCKS, MAX_REFERENCE_FRAMES};
use super::avc::unit::UnitError;
use super::hevc;
use super::picture::{FrameStamp, Sampling};
use super::track::{BT709, CodecConfig, Colour};

/// What bounds a decoder of a stream, and its pictures' size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamInfo {
    /// Width that a decoder puts out.
    pub width: u32,
    /// Height that a decoder puts out.
    pub height: u32,
    /// What the planes of a picture are.
    pub sampling: Sampling,
}

/// Why a stream is not decoded here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamFault {
    /// Its parameter sets are none.
    Unreadable,
    /// A number is beyond what a reader takes on.
    Limit {
        /// Which.
        what: &'static str,
        /// The number found.
        found: u64,
        /// The bound.
        most: u64,
    },
    /// It has what no recording has.
    Unsupported {
        /// What.
        what: &'static str,
    },
}

impl CodecConfig {
    /// Returns the size of the pictures, when a decoder may be given the stream.
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn stream_info(&self) -> Result<StreamInfo, StreamFault> {
        let (size, sampling, blocks, references) = match self {
            Self::Avc(sets) => {
                let (info, sampling) = avc::sps::parse(&sets.sps).ok_or(StreamFault::Unreadable)?;
                ((info.width, info.height), sampling, info.macroblocks, info.reference_frames)
            }
            Self::Hevc(sets) => {
                let sps = hevc::sps::read(&sets.sps).ok_or(StreamFault::Unreadable)?;
                if sps.chroma != 1 || sps.depth != (8, 8) {
                    return Err(StreamFault::Unsupported { what: "other than 4:2:0 with 8 bits" });
                }
                if sps.reordered != 0 {
                    return Err(StreamFault::Unsupported { what: "pictures out of the order of their times" });
                }
                let blocks = u64::from(sps.coded.0.div_ceil(16)) * u64::from(sps.coded.1.div_ceil(16));
                // The picture that is being decoded counts.
                (sps.size, Sampling::Yuv420, blocks, u64::from(sps.buffered.saturating_sub(1)))
            }
        };
        for (what, found, most) in [
            ("the number of macroblocks", blocks, MAX_MACROBLOCKS),
            ("the number of reference frames", references, MAX_REFERENCE_FRAMES),
        ] {
            if found > most {
                return Err(StreamFault::Limit { what, found, most });
            }
        }
        let (width, height) = size;
        if width == 0 || height == 0 || width % 2 == 1 || height % 2 == 1 {
            return Err(StreamFault::Unsupported { what: "a picture without even sides" });
        }
        Ok(StreamInfo { width, height, sampling })
    }

    /// Returns what the samples mean in a stream of this program.
    pub fn colour(&self) -> Colour {
        self.stream_info().map_or(BT709, |info| info.sampling.colour())
    }

    /// Returns the RFC 6381 string; `None` when the parameter sets cannot be read.
    pub fn codec_string(&self) -> Option<String> {
        match self {
            Self::Avc(sets) => {
                let &[_, profile, constraints, level, ..] = sets.sps.as_slice() else { return None };
                Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
            }
            Self::Hevc(sets) => sets.codec_string(),
        }
    }

    /// Returns how the NAL units of the stream say what they are.
    pub fn syntax(&self) -> NalSyntax {
        match self {
            Self::Avc(_) => NalSyntax::Avc,
            Self::Hevc(_) => NalSyntax::Hevc,
        }
    }

    /// Returns the parameter sets, in the order in which a decoder wants them.
    pub fn parameter_sets(&self) -> Vec<&[u8]> {
        match self {
            Self::Avc(sets) => vec![&sets.sps, &sets.pps],
            Self::Hevc(sets) => vec![&sets.vps, &sets.sps, &sets.pps],
        }
    }

    /// Appends an access unit to `out` with start codes for lengths, behind the parameter sets when `begins`: what a decoder takes that may
    /// begin there.
    ///
    /// # Errors
    /// When the access unit cannot be taken apart; `out` then holds a part of it.
    pub fn to_annex_b(&self, unit: &[u8], begins: bool, out: &mut Vec<u8>) -> Result<(), BitstreamError> {
        if begins {
            for set in self.parameter_sets() {
                push_start_code(set, out);
            }
        }
        for nal in nals(unit) {
            push_start_code(nal?, out);
        }
        Ok(())
    }

    /// Appends the NAL unit that says which frame an access unit is.
    pub fn push_stamp(&self, stamp: FrameStamp, out: &mut Vec<u8>) {
        match self {
            Self::Avc(_) => sei::push_sei(stamp, out),
            Self::Hevc(_) => sei::push_stamp(&hevc::nal::SEI_HEADER, stamp, out),
        }
    }

    /// Appends the slices of one coded picture, each behind its length, and tells whether they are an IDR.
    ///
    /// # Errors
    /// [`UnitError`] for what a recording cannot hold.
    pub fn push_picture<'a>(
        &self,
        nals: impl Iterator<Item = Result<&'a [u8], BitstreamError>>,
        out: &mut Vec<u8>,
    ) -> Result<bool, UnitError> {
        match self {
            Self::Avc(sets) => avc::unit::push_picture(nals, sets, out),
            Self::Hevc(sets) => hevc::unit::push_picture(nals, sets, out),
        }
    }
}

/// How the NAL units of a codec say what they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NalSyntax {
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
}

impl NalSyntax {
    /// Returns whether a NAL unit whose first byte this is holds SEI messages.
    pub fn is_sei(self, header: u8) -> bool {
        match self {
            Self::Avc => header & 0x9f == avc::nal::NAL_SEI,
            Self::Hevc => header == hevc::nal::SEI_HEADER[0],
        }
    }

    /// Returns whether a NAL unit whose first byte this is holds a slice, and then whether it is one of an IDR.
    pub fn slice(self, header: u8) -> Option<bool> {
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
        }
    }

    /// Returns the stamp in one NAL unit, when it is the SEI that has one.
    pub fn stamp_in(self, nal: &[u8]) -> Option<FrameStamp> {
        if !self.is_sei(*nal.first()?) {
            return None;
        }
        let header = match self {
            Self::Avc => 1,
            Self::Hevc => hevc::nal::HEADER_BYTES,
        };
        sei::read_stamp(nal.get(header..)?)
    }

    /// Returns the stamp in an access unit; `None` when it carries none that is known.
    pub fn stamp_of(self, unit: &[u8]) -> Option<FrameStamp> {
        nals(unit).map_while(Result::ok).find_map(|nal| self.stamp_in(nal))
    }

    /// Returns whether an access unit is an IDR.
    pub fn is_idr(self, unit: &[u8]) -> bool {
        nals(unit).map_while(Result::ok).any(|nal| self.slice(nal[0]) == Some(true))
    }

    /// Appends the slices of an access unit behind start codes, and nothing else: parameter sets inside are not of this format, and in a
    /// hostile file would make a decoder allocate what the checked ones do not. `None` when the lengths do not add up, a start code is inside,
    /// or no slice is there.
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
        let mut rest = unit;
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            let (nal, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            if self.slice(*nal.first()?).is_some() {
                each(nal)?;
            }
            rest = after;
        }
        Some(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::FrameRef;
    use crate::base::time::MonoNs;
    use crate::media::avc::nal::push_nal;
    use crate::media::avc::sets::ParameterSets;
    use crate::media::hevc::sets::tests::x265;

    #[test]
    fn a_stamp_comes_back_in_each_codec_and_in_no_other() {
        let stamp = FrameStamp { frame_ref: FrameRef(7), t: MonoNs(0x0000_0100_0000_0001) };
        let configs = [CodecConfig::Avc(ParameterSets::default()), CodecConfig::Hevc(x265())];
        let slices: [&[u8]; 2] = [&[0x65, 0x88, 0x80], &[0x28, 1, 0x80]];
        let [avc, hevc] = [0, 1].map(|at| {
            let mut unit = Vec::new();
            configs[at].push_stamp(stamp, &mut unit);
            push_nal(slices[at], &mut unit);
            let syntax = configs[at].syntax();
            assert_eq!((syntax.stamp_of(&unit), syntax.is_idr(&unit)), (Some(stamp), true));
            let mut only = Vec::new();
            assert_eq!(syntax.push_slices(&unit, &mut only), Some(()));
            assert_eq!(only, [&[0, 0, 0, 1], slices[at]].concat());
            unit
        });
        assert_eq!((NalSyntax::Avc.stamp_of(&hevc), NalSyntax::Hevc.stamp_of(&avc)), (None, None));
    }

    #[test]
    fn streams_are_judged_before_a_decoder_gets_them() {
        let hevc = CodecConfig::Hevc(x265());
        assert_eq!(hevc.stream_info(), Ok(StreamInfo { width: 642, height: 362, sampling: Sampling::Yuv420 }));
        assert_eq!(hevc.codec_string().as_deref(), Some("hvc1.1.6.L63.90"));
        let broken = CodecConfig::Hevc(crate::media::hevc::sets::HevcSets { sps: vec![0x42, 1, 1], ..x265() });
        assert_eq!((broken.stream_info(), broken.codec_string()), (Err(StreamFault::Unreadable), None));
        let none = CodecConfig::Avc(ParameterSets::default());
        assert_eq!((none.stream_info(), none.codec_string()), (Err(StreamFault::Unreadable), None));
    }
}
