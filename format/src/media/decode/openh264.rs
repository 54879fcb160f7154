//! H.264 by OpenH264's decoder, in this process.

use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;

use super::{DecodeError, VideoDecoder};
use crate::media::avc::sets::ParameterSets;
use crate::media::picture::Planar;
use crate::media::syntax::{UnitSyntax, push_clean};

/// Decodes H.264.
pub(super) struct OpenH264Decoder {
    decoder: Decoder,
    sets: ParameterSets,
    annex_b: Vec<u8>,
}

impl OpenH264Decoder {
    pub(super) fn new(sets: ParameterSets) -> Result<Self, DecodeError> {
        let decoder = Decoder::new().map_err(|error| DecodeError::Failed(error.to_string()))?;
        Ok(Self { decoder, sets, annex_b: Vec::new() })
    }
}

impl VideoDecoder for OpenH264Decoder {
    fn decode(&mut self, unit: &[u8], keyframe: bool, into: &mut Planar) -> Result<(), DecodeError> {
        let damaged = |why: &str| DecodeError::Damaged(why.to_owned());
        self.annex_b.clear();
        if keyframe {
            for set in [&self.sets.sps, &self.sets.pps] {
                push_clean(set, &mut self.annex_b).ok_or_else(|| damaged("a parameter set holds a start code"))?;
            }
        }
        UnitSyntax::Avc.push_slices(unit, &mut self.annex_b).ok_or_else(|| damaged("its NAL units do not fit it"))?;
        let decoded = self
            .decoder
            .decode(&self.annex_b)
            .map_err(|error| DecodeError::Damaged(refusal(error.native_code())))?
            .ok_or_else(|| damaged("the decoder made no picture of it"))?;
        let width = into.width() as usize;
        if decoded.dimensions() != (width, into.height() as usize) {
            return Err(damaged("its picture has another size"));
        }
        let (y, u, v) = into.planes_mut();
        let (stride_y, stride_u, stride_v) = decoded.strides();
        copy_plane(y, width, decoded.y(), stride_y);
        copy_plane(u, width / 2, decoded.u(), stride_u);
        copy_plane(v, width / 2, decoded.v(), stride_v);
        Ok(())
    }
}

fn copy_plane(to: &mut [u8], width: usize, from: &[u8], stride: usize) {
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks(stride)) {
        to.copy_from_slice(&from[..width]);
    }
}

/// Why the decoder made nothing of an access unit, by its code: a set of the bits of OpenH264's `DECODING_STATE`.
fn refusal(code: i64) -> String {
    let meanings = [
        (0x02, "a picture that it builds on is missing"),
        (0x04, "its bytes are no H.264"),
        (0x08, "a part of it is missing"),
        (0x10, "its parameter sets are missing"),
        (0x20, "the decoder had to guess parts of it"),
        (0x40, "its list of earlier pictures is broken"),
        (0x4000, "the decoder has not enough memory"),
    ];
    let known: Vec<_> = meanings.iter().filter(|(bit, _)| code & bit != 0).map(|(_, meaning)| *meaning).collect();
    if known.is_empty() { format!("the decoder refuses it with code {code}") } else { known.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn what_the_decoder_says_is_said_in_words() {
        assert_eq!(refusal(4), "its bytes are no H.264");
        assert_eq!(refusal(0x12), "a picture that it builds on is missing, its parameter sets are missing");
        assert_eq!(refusal(0), "the decoder refuses it with code 0");
    }
}
