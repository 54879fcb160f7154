//! Decoders: what makes pictures of access units, chosen by the codec of a stream.
//!
//! H.264 in 4:2:0 is decoded here, by OpenH264; every other stream by ffmpeg as a child process. Where that is not installed nothing is said of
//! the stream: [`DecodeError::Absent`] is no damage.

mod ffmpeg;
mod openh264;
pub mod pcm;
pub mod sound;

use super::codec::StreamInfo;
use super::picture::{Planar, Sampling};
use super::track::CodecConfig;
use crate::base::child::FFMPEG_ENV;

/// `profile_idc` of High 4:4:4 Predictive.
const HIGH_444_PREDICTIVE: u8 = 244;

/// Makes pictures of access units, in their order; may begin anew at every keyframe.
pub trait VideoDecoder: Send {
    /// Decodes one access unit over `into`, which has the coded size and the stream's sampling. The decoder has seen what it builds on.
    ///
    /// # Errors
    /// [`DecodeError`]; the decoder is then not used any more.
    fn decode(&mut self, unit: &[u8], keyframe: bool, into: &mut Planar) -> Result<(), DecodeError>;
}

/// Why there is no picture.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// The access unit is damaged.
    #[error("{0}")]
    Damaged(String),
    /// This machine has no decoder for the codec: whether the stream is damaged is not known.
    #[error("{codec} is decoded by ffmpeg, which cannot be run here: {why}")]
    Absent {
        /// The codec's name.
        codec: &'static str,
        /// What the system said.
        why: String,
    },
    /// The decoder itself failed.
    #[error("{0}")]
    Failed(String),
}

/// Returns what the person can do where there is no decoder.
pub fn hint() -> String {
    format!("install ffmpeg 5.1 or later, or name it in {FFMPEG_ENV}")
}

/// Opens the decoder of a stream, which was judged ([`CodecConfig::stream_info`]).
///
/// # Errors
/// [`DecodeError::Absent`] when there is none, [`DecodeError::Failed`] when it cannot be started.
pub fn open(config: &CodecConfig, info: StreamInfo) -> Result<Box<dyn VideoDecoder>, DecodeError> {
    // OpenH264 has the profiles up to High; this one may code 4:2:0 without a loss.
    let is_predictive = |sps: &[u8]| sps.get(1) == Some(&HIGH_444_PREDICTIVE);
    match (config, info.sampling) {
        (CodecConfig::Avc(sets), Sampling::Yuv420) if !is_predictive(&sets.sps) => {
            Ok(Box::new(openh264::OpenH264Decoder::new(sets.clone())?))
        }
        _ => Ok(Box::new(ffmpeg::FfmpegDecoder::new(config.clone(), info)?)),
    }
}
