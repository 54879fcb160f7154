//! Why pictures cannot be encoded.

use super::x264::place::PROGRAM_ENV;
use crate::base::child::FFMPEG_ENV;

/// Why pictures cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The settings are not possible.
    #[error("cannot encode {width}x{height} at {fps} fps and {bitrate_kbps} kbit/s: {why}")]
    Settings {
        /// Coded width.
        width: u32,
        /// Coded height.
        height: u32,
        /// Frames per second.
        fps: u32,
        /// Kilobits per second.
        bitrate_kbps: u32,
        /// What is wrong.
        why: String,
    },
    /// The encoder failed, or made what a recording cannot hold.
    #[error("the encoder failed at frame {frame}: {why}")]
    Failed {
        /// At which frame.
        frame: u64,
        /// What it said, or did.
        why: String,
    },
    /// This build has no such encoder.
    #[error("there is no encoder {asked} in this build")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// The names that there are.
        names: Vec<&'static str>,
    },
    /// An encoder is on the list and not on this machine.
    #[error("{encoder} cannot be used here: {why}")]
    Absent {
        /// Its name.
        encoder: &'static str,
        /// What was said.
        why: String,
    },
    /// An encoder is slower than pictures would come.
    #[error("{encoder} makes {held} of {fps} frames a second of {width}x{height} on this machine")]
    TooSlow {
        /// Its name.
        encoder: String,
        /// Frames a second that it makes.
        held: u32,
        /// Frames a second that were asked for.
        fps: u32,
        /// Coded width.
        width: u32,
        /// Coded height.
        height: u32,
    },
    /// An encoder does not make the codec that was asked for.
    #[error("{encoder} makes {makes}, not {codec}")]
    OtherCodec {
        /// Its name.
        encoder: String,
        /// What it makes.
        makes: &'static str,
        /// What was asked for.
        codec: &'static str,
    },
    /// An encoder takes no format of pictures that can be made.
    #[error("{encoder} takes no kind of pictures that can be made of captured pixels")]
    NoFormat {
        /// Its name.
        encoder: String,
    },
    /// An encoder of sound takes no sound of this kind.
    #[error("{encoder} takes no sound of {rate} samples per second in {channels} channels")]
    Sound {
        /// Its name.
        encoder: &'static str,
        /// Samples per second and channel.
        rate: u32,
        /// Channels.
        channels: u16,
    },
    /// An encoder does not take pictures of the kind that was asked for.
    #[error("{encoder} makes 4:2:0, not {sampling}")]
    OtherSampling {
        /// Its name.
        encoder: String,
        /// What was asked for.
        sampling: &'static str,
    },
    /// No encoder of this build makes a codec.
    #[error("no encoder of this build makes {codec} of {sampling}")]
    NoCodec {
        /// The codec.
        codec: &'static str,
        /// Of which pictures.
        sampling: &'static str,
    },
}

impl EncodeError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Settings { .. } => Some(
                "16x16 to 3840x2160 or 5120x1440 pixels, 1 to 240 fps and 100 to 200000 kbit/s can be encoded".into(),
            ),
            Self::Unknown { names, .. } => Some(format!("use --encoder {}", names.join(", "))),
            Self::Absent { encoder, .. } if !encoder.starts_with("ffmpeg:") => Some(format!(
                "`make x264` builds it; put it beside this program, or name it in {PROGRAM_ENV}; `watchcap doctor` lists what works here"
            )),
            Self::Absent { .. } => Some(format!(
                "install ffmpeg 5.1 or later with that encoder, or name it in {FFMPEG_ENV}; `watchcap doctor` lists what works here"
            )),
            Self::TooSlow { held, .. } => {
                Some(format!("use --fps {}, record a smaller target, or use --encoder auto", (*held).max(1)))
            }
            Self::NoFormat { .. } | Self::OtherCodec { .. } => Some("use --encoder auto".into()),
            Self::Sound { .. } => Some("use another device with --audio, or another --audio-codec".into()),
            Self::OtherSampling { .. } => Some(
                "use --encoder x264 (`make x264` builds it) or ffmpeg:libx264, with --codec h264 and without a fallback that cannot either; \
                 `watchcap doctor` says which works here"
                    .into(),
            ),
            Self::NoCodec { .. } => Some("use --codec h264".into()),
            Self::Failed { .. } => None,
        }
    }
}
