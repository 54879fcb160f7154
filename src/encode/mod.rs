//! From pixels to access units: the seam [`VideoEncoder`], and the shapes on both sides of it.
//!
//! An encoder turns 4:2:0 pictures into length-prefixed access units, each with its SEI. It knows no file and no clock.

mod bits;
pub mod bitstream;
pub mod convert;
pub mod openh264;
mod raw;
mod slice;

use crate::id::FrameRef;
use crate::time::MonoNs;

/// A picture in 4:2:0, 8 bit, BT.709 limited range, planes tightly packed. Width and height are even.
#[derive(Clone, PartialEq, Eq)]
pub struct I420 {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl I420 {
    /// A black picture.
    ///
    /// # Panics
    /// When a side is odd or zero: callers round sizes up with [`I420::coded_size`].
    pub fn new(width: u32, height: u32) -> Self {
        assert!(
            width > 0 && height > 0 && width.is_multiple_of(2) && height.is_multiple_of(2),
            "4:2:0 needs even sides"
        );
        let luma = width as usize * height as usize;
        let mut data = vec![128; luma + luma / 2];
        data[..luma].fill(16);
        Self { width, height, data }
    }

    /// The size at which a surface is coded: odd sides grow by one.
    pub fn coded_size(width: u32, height: u32) -> (u32, u32) {
        (width.next_multiple_of(2), height.next_multiple_of(2))
    }

    /// Pixels per row, even.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, even.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Luma (stride = width), then both chroma planes (stride = width / 2).
    pub fn planes(&self) -> (&[u8], &[u8], &[u8]) {
        let luma = self.width as usize * self.height as usize;
        let (y, chroma) = self.data.split_at(luma);
        let (u, v) = chroma.split_at(luma / 4);
        (y, u, v)
    }

    /// Paints a rectangle black; it must begin and end at even pixels. What of it lies outside is left out.
    pub fn blacken(&mut self, x: u32, y: u32, width: u32, height: u32) {
        debug_assert!([x, y, width, height].iter().all(|side| side % 2 == 0), "chroma is shared by blocks of two");
        let (right, bottom) = (x.saturating_add(width).min(self.width), y.saturating_add(height).min(self.height));
        if x >= right || y >= bottom {
            return;
        }
        let stride = self.width as usize;
        let (luma, u, v) = self.planes_mut();
        for (plane, shift, value) in [(luma, 0, 16), (u, 1, 128), (v, 1, 128)] {
            let stride = stride >> shift;
            let (left, right) = (x as usize >> shift, right as usize >> shift);
            for row in (y as usize >> shift)..(bottom as usize >> shift) {
                plane[row * stride + left..row * stride + right].fill(value);
            }
        }
    }

    /// The planes, to be written.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        let luma = self.width as usize * self.height as usize;
        let (y, chroma) = self.data.split_at_mut(luma);
        let (u, v) = chroma.split_at_mut(luma / 4);
        (y, u, v)
    }
}

/// What to encode with.
#[derive(Clone, PartialEq, Debug)]
pub struct EncodeSettings {
    /// Coded width, even.
    pub width: u32,
    /// Coded height, even.
    pub height: u32,
    /// Frames per second that will come.
    pub fps: u32,
    /// Target bit rate, kilobits per second.
    pub bitrate_kbps: u32,
    /// Longest time between two IDRs, nanoseconds of recorded time.
    pub gop_ns: i64,
    /// How to trade time against picture.
    pub quality: Quality,
}

/// How to trade encoding time against the picture at the same bit rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Quality {
    /// Least CPU.
    #[default]
    Fast,
    /// In between.
    Balanced,
    /// Sharpest.
    Sharp,
}

/// Identifies a frame inside its own bytes: what the SEI carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameStamp {
    /// The frame's index.
    pub frame_ref: FrameRef,
    /// Its capture time.
    pub t: MonoNs,
}

/// What became of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// The access unit is an IDR.
    pub keyframe: bool,
}

/// The parameter sets that a decoder needs before the first access unit, without start codes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ParameterSets {
    /// Sequence parameter set NAL unit.
    pub sps: Vec<u8>,
    /// Picture parameter set NAL unit.
    pub pps: Vec<u8>,
}

impl ParameterSets {
    /// Both sets in lowercase hex, SPS first: as the log's facts hold them.
    pub fn to_hex(&self) -> [String; 2] {
        const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        [&self.sps, &self.pps].map(|bytes| {
            bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
        })
    }

    /// The sets of [`Self::to_hex`]; `None` when a text is no hex.
    pub fn from_hex(sps: &str, pps: &str) -> Option<Self> {
        let bytes = |hex: &str| -> Option<Vec<u8>> {
            let pairs = hex.as_bytes().chunks(2);
            pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
        };
        Some(Self { sps: bytes(sps)?, pps: bytes(pps)? })
    }
}

/// What an encoder says of itself; goes into the metadata.
#[derive(Clone, PartialEq, Debug)]
pub struct EncoderDescription {
    /// Its name and version, e.g. `openh264 2.6.0`.
    pub name: String,
    /// RFC 6381 codec string, e.g. `avc1.42c028`.
    pub codec_string: String,
    /// Every setting that shapes the bits, name and value.
    pub settings: Vec<(String, String)>,
}

/// Turns pictures into access units.
pub trait VideoEncoder: Send {
    /// What it is.
    fn describe(&self) -> EncoderDescription;

    /// The parameter sets of the stream; the same from start to end.
    fn parameter_sets(&self) -> &ParameterSets;

    /// Encodes one picture. `out` is cleared and receives the access unit: NAL units each behind its length in four
    /// bytes (big-endian), first an SEI (`user_data_unregistered`) that carries `stamp`, then the slices. Parameter sets
    /// are not in it. An IDR is made at the first picture and whenever `gop_ns` has passed since the last one.
    ///
    /// # Errors
    /// When the encoder fails; it can then not be used any more.
    fn encode(&mut self, picture: &I420, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<Encoded, EncodeError>;

    /// The next picture that is encoded is an IDR, whatever the time: what is before it is of no use to it.
    fn restart(&mut self);

    /// Encodes the picture of the last [`encode`](Self::encode) once more: what was on screen has not changed. Decodes to
    /// a picture at least as good as the last one; costs as little as it can. `picture` is that same picture.
    ///
    /// # Errors
    /// When the encoder fails; it can then not be used any more.
    fn repeat(&mut self, picture: &I420, stamp: FrameStamp, out: &mut Vec<u8>) -> Result<Encoded, EncodeError>;
}

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
    /// The encoder failed.
    #[error("the encoder failed at frame {frame}: {why}")]
    Failed {
        /// At which frame.
        frame: u64,
        /// What it said.
        why: String,
    },
}

impl EncodeError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Settings { .. } => Some(
                "16x16 to 3840x2160 or 5120x1440 pixels, 1 to 240 fps and 100 to 200000 kbit/s can be encoded".into(),
            ),
            Self::Failed { .. } => None,
        }
    }
}
