//! Encoders of ffmpeg, as a child process: H.265, AV1 and hardware, without a line of their code in this one.
//!
//! Pictures go to the child through a pipe, and coded pictures come back through another ([`child`], [`nut`]). A crash or a stall of the encoder is the
//! child's: a new one takes over with the pictures that were not answered ([`encoder`]). Which encoders, and how each is told to answer at
//! once and to make IDRs where it is asked for them, is in one table ([`flavour`]).

mod child;
mod command;
mod encoder;
mod flavour;
mod kind;
mod nut;

pub use encoder::FfmpegEncoder;
pub use flavour::{
    AV1_NVENC, AV1_QSV, AV1_VAAPI, Flavour, H264_NVENC, H264_QSV, H264_VAAPI, H264_VIDEOTOOLBOX, HEVC_NVENC, HEVC_QSV,
    HEVC_VAAPI, HEVC_VIDEOTOOLBOX, LIBAOM, LIBX264, LIBX265,
};
