//! What differs between the codecs of pictures, asked of a [`CodecConfig`]: sizes and bounds of a stream, its name, the stamp in its
//! access units, and which of them are IDRs. Every other file of the project asks here, and knows no codec.

use super::av1;
use super::avc;
use super::avc::nal::{BitstreamError, annex_b_nals, nals, push_start_code};
use super::avc::sei;
use super::avc::sps::{MAX_MACROBLOCKS, MAX_REFERENCE_FRAMES};
use super::avc::unit::UnitError;
use super::hevc;
use super::picture::{FrameStamp, Sampling};
use super::syntax::UnitSyntax;
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
            Self::Av1(config) => {
                let sequence = config.read().ok_or(StreamFault::Unreadable)?;
                if sequence.depth != 8 || sequence.monochrome || sequence.halved != (true, true) {
                    return Err(StreamFault::Unsupported { what: "other than 4:2:0 with 8 bits" });
                }
                if sequence.still || !sequence.plain {
                    return Err(StreamFault::Unsupported { what: "pictures of several layers, or that stand alone" });
                }
                let (width, height) = sequence.size;
                // Every decoder holds eight, in the process that is the decoder's.
                ((width, height), Sampling::Yuv420, u64::from(width.div_ceil(16)) * u64::from(height.div_ceil(16)), 0)
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
            Self::Av1(config) => config.codec_string(),
        }
    }

    /// Returns how the parts of the stream's pictures say what they are.
    pub fn syntax(&self) -> UnitSyntax {
        match self {
            Self::Avc(_) => UnitSyntax::Avc,
            Self::Hevc(_) => UnitSyntax::Hevc,
            Self::Av1(_) => UnitSyntax::Av1,
        }
    }

    /// Returns the parameter sets, in the order in which a decoder wants them; of AV1 the sequence header.
    pub fn parameter_sets(&self) -> Vec<&[u8]> {
        match self {
            Self::Avc(sets) => vec![&sets.sps, &sets.pps],
            Self::Hevc(sets) => vec![&sets.vps, &sets.sps, &sets.pps],
            Self::Av1(config) => vec![&config.sequence],
        }
    }

    /// Appends an access unit to `out` as a stream of its own has it, where decoding may begin at it when `begins`: with start codes for lengths
    /// behind the parameter sets (Annex B), or as a temporal unit of AV1, whose key frames have the sequence header in them.
    ///
    /// # Errors
    /// When the access unit cannot be taken apart; `out` then holds a part of it.
    pub fn to_stream(&self, unit: &[u8], begins: bool, out: &mut Vec<u8>) -> Result<(), BitstreamError> {
        if let Self::Av1(_) = self {
            out.extend_from_slice(&av1::obu::DELIMITER);
            for obu in av1::obu::obus(unit) {
                out.extend_from_slice(obu?.whole);
            }
            return Ok(());
        }
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

    /// Appends the part that says which frame an access unit is.
    pub fn push_stamp(&self, stamp: FrameStamp, out: &mut Vec<u8>) {
        match self {
            Self::Avc(_) => sei::push_sei(stamp, out),
            Self::Hevc(_) => sei::push_stamp(&hevc::nal::SEI_HEADER, stamp, out),
            Self::Av1(_) => av1::unit::push_stamp(stamp, out),
        }
    }

    /// Puts before an access unit that decoding can begin with what has to stand in it: in AV1 the sequence header (2.4 of its binding to ISO
    /// BMFF), in the other codecs nothing.
    pub fn begin_keyframe(&self, unit: &mut Vec<u8>) {
        if let Self::Av1(config) = self {
            unit.splice(0..0, config.sequence.iter().copied());
        }
    }

    /// Appends one coded picture of a stream as encoders make it (NAL units behind start codes, or a temporal unit of AV1): its slices or its frame,
    /// each with its length. Tells whether it is an IDR, or a key frame.
    ///
    /// # Errors
    /// [`UnitError`] for what a recording cannot hold.
    pub fn push_coded(&self, stream: &[u8], out: &mut Vec<u8>) -> Result<bool, UnitError> {
        match self {
            Self::Avc(sets) => avc::unit::push_picture(annex_b_nals(stream).map(Ok), sets, out),
            Self::Hevc(sets) => hevc::unit::push_picture(annex_b_nals(stream).map(Ok), sets, out),
            Self::Av1(config) => av1::unit::push_picture(stream, config, out),
        }
    }

    /// The same of a picture whose NAL units have lengths.
    ///
    /// # Errors
    /// As [`push_coded`](Self::push_coded).
    pub fn push_lengths(&self, unit: &[u8], out: &mut Vec<u8>) -> Result<bool, UnitError> {
        match self {
            Self::Avc(sets) => avc::unit::push_picture(nals(unit), sets, out),
            Self::Hevc(sets) => hevc::unit::push_picture(nals(unit), sets, out),
            Self::Av1(config) => av1::unit::push_picture(unit, config, out),
        }
    }

    /// Appends what a decoder is given of an access unit: its picture and, of AV1, the sequence header that was checked; nothing else that a
    /// file may hold. Tells whether decoding can begin with it; `None` when it cannot be taken apart, or holds no picture.
    pub(crate) fn push_for_decoder(&self, unit: &[u8], out: &mut Vec<u8>) -> Option<bool> {
        match self {
            Self::Avc(_) | Self::Hevc(_) => {
                let begin = out.len();
                self.syntax().copy_slices(unit, out)?;
                Some(self.syntax().is_idr(&out[begin..]))
            }
            Self::Av1(config) => {
                let mut picture = Vec::with_capacity(unit.len());
                let key = av1::unit::push_picture(unit, config, &mut picture).ok()?;
                if key {
                    out.extend_from_slice(&config.sequence);
                }
                out.extend_from_slice(&picture);
                Some(key)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::FrameRef;
    use crate::base::time::MonoNs;
    use crate::media::av1::sequence::tests::libaom;
    use crate::media::avc::nal::push_nal;
    use crate::media::avc::sets::ParameterSets;
    use crate::media::hevc::sets::tests::x265;

    #[test]
    fn a_stamp_comes_back_in_each_codec_and_in_no_other() {
        let stamp = FrameStamp { frame_ref: FrameRef(7), t: MonoNs(0x0000_0100_0000_0001) };
        let configs = [CodecConfig::Avc(ParameterSets::default()), CodecConfig::Hevc(x265())];
        let slices: [&[u8]; 2] = [&[0x65, 0x88, 0x80], &[0x28, 1, 0x80]];
        let mut av1 = Vec::new();
        let config = CodecConfig::Av1(libaom());
        config.push_stamp(stamp, &mut av1);
        let key = [0x32, 3, 0x10, 0, 7];
        av1.extend(key);
        config.begin_keyframe(&mut av1);
        assert_eq!((UnitSyntax::Av1.stamp_of(&av1), UnitSyntax::Av1.is_idr(&av1)), (Some(stamp), true));
        let mut only = Vec::new();
        assert_eq!(config.push_for_decoder(&av1, &mut only), Some(true));
        assert_eq!(only, [&libaom().sequence[..], &key].concat());
        only.clear();
        config.to_stream(&av1, true, &mut only).expect("a temporal unit");
        assert_eq!(only, [&[0x12, 0][..], &av1].concat());
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
        assert_eq!((UnitSyntax::Avc.stamp_of(&hevc), UnitSyntax::Hevc.stamp_of(&avc)), (None, None));
        assert_eq!((UnitSyntax::Avc.stamp_of(&av1), UnitSyntax::Av1.stamp_of(&avc)), (None, None));
    }

    #[test]
    fn streams_are_judged_before_a_decoder_gets_them() {
        let hevc = CodecConfig::Hevc(x265());
        assert_eq!(hevc.stream_info(), Ok(StreamInfo { width: 642, height: 362, sampling: Sampling::Yuv420 }));
        assert_eq!(hevc.codec_string().as_deref(), Some("hvc1.1.6.L63.90"));
        let av1 = CodecConfig::Av1(libaom());
        assert_eq!(av1.stream_info(), Ok(StreamInfo { width: 322, height: 182, sampling: Sampling::Yuv420 }));
        assert_eq!(av1.codec_string().as_deref(), Some("av01.0.00M.08"));
        let broken = CodecConfig::Hevc(crate::media::hevc::sets::HevcSets { sps: vec![0x42, 1, 1], ..x265() });
        assert_eq!((broken.stream_info(), broken.codec_string()), (Err(StreamFault::Unreadable), None));
        let none = CodecConfig::Avc(ParameterSets::default());
        assert_eq!((none.stream_info(), none.codec_string()), (Err(StreamFault::Unreadable), None));
    }
}
