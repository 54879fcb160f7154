//! What a kind of encoder says before one is opened: its name, its codecs, and whether it works on this machine.

use super::encoder::VideoEncoder;
use super::error::EncodeError;
use super::probe::{self, Probe};
use super::settings::EncodeSettings;
use crate::media::picture::Sampling;
use crate::media::track::CodecConfig;

/// A codec that pictures can be encoded with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// H.264.
    H264,
    /// H.265.
    H265,
    /// AV1.
    Av1,
}

impl Codec {
    /// As documents and messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Av1 => "AV1",
        }
    }

    /// The codec of a stream.
    pub fn of(config: &CodecConfig) -> Self {
        match config {
            CodecConfig::Avc(_) => Self::H264,
            CodecConfig::Hevc(_) => Self::H265,
            CodecConfig::Av1(_) => Self::Av1,
        }
    }
}

/// A kind of encoder: one file, and one line in [`super::registry::ENCODERS`].
pub trait EncoderKind: Sync {
    /// Its name on the command line; the names of what it opens begin with it.
    fn name(&self) -> &'static str;

    /// What to choose it for, in a few words.
    fn about(&self) -> &'static str;

    /// The codecs that it makes, the one for recordings first.
    fn codecs(&self) -> &'static [Codec];

    /// What the planes of the pictures that it encodes may be, the usual one first.
    fn samplings(&self) -> &'static [Sampling] {
        &[Sampling::Yuv420]
    }

    /// Returns whether it is part of this program: it works wherever the program does.
    fn is_built_in(&self) -> bool {
        true
    }

    /// Returns whether how fast it is has to be measured on each machine before a recording relies on it, whatever the size.
    fn is_measured(&self) -> bool {
        !self.is_built_in()
    }

    /// Opens an encoder.
    ///
    /// # Errors
    /// [`EncodeError::Settings`] when the settings are out of range, or it cannot be had on this machine.
    fn open(&self, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError>;

    /// Really encodes pictures of this size and sampling, decodes them and compares.
    ///
    /// # Errors
    /// When it cannot be opened, fails, or makes what decodes to something else.
    fn probe(&self, size: (u32, u32), sampling: Sampling) -> Result<Probe, EncodeError> {
        probe::try_out(size, sampling, |settings| self.open(settings))
    }
}
