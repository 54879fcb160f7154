//! The encoders of ffmpeg as kinds of encoders: what they say before one is opened.

use super::encoder::FfmpegEncoder;
use super::flavour::Flavour;
use crate::encode::encoder::VideoEncoder;
use crate::encode::error::EncodeError;
use crate::encode::kind::{Codec, EncoderKind};
use crate::encode::settings::EncodeSettings;
use crate::media::picture::Sampling;

impl EncoderKind for Flavour {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn codecs(&self) -> &'static [Codec] {
        match self.codec {
            Codec::H264 => &[Codec::H264],
            Codec::H265 => &[Codec::H265],
            Codec::Av1 => &[Codec::Av1],
        }
    }

    fn samplings(&self) -> &'static [Sampling] {
        if self.lossless.is_some() { &[Sampling::Yuv420, Sampling::Yuv444, Sampling::Rgb] } else { &[Sampling::Yuv420] }
    }

    fn is_built_in(&self) -> bool {
        false
    }

    fn open(&self, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
        Ok(Box::new(FfmpegEncoder::open(*self, settings)?))
    }
}
