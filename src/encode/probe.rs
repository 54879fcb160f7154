//! Tries an encoder out: encodes pictures that are known, decodes what it made, and compares.

use super::ask::Ask;
use super::driver::Driver;
use super::encoder::VideoEncoder;
use super::error::EncodeError;
use super::masked::Masked;
use super::settings::{EncodeSettings, Quality};
use crate::base::id::FrameRef;
use crate::base::time::MonoNs;
use crate::media::decode;
use crate::media::decode::DecodeError;
use crate::media::picture::{FrameStamp, Planar, Sampling};

/// Pictures that are tried: an IDR, one that moved, and a repeat.
const PICTURES: u64 = 3;
/// Pictures a second that they stand for.
const FPS: u32 = 30;
/// Mean difference of luma that an encoder may make at this rate; a picture of something else is off by dozens.
const MAX_ERROR: u64 = 10;

/// What an encoder did when it was tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// Its name and version.
    pub name: String,
    /// RFC 6381 codec string.
    pub codec_string: String,
}

/// Encodes pictures of a size with what `open` opens, and decodes them.
pub(super) fn try_out(
    (width, height): (u32, u32),
    sampling: Sampling,
    open: impl FnOnce(&EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError>,
) -> Result<Probe, EncodeError> {
    let gop_ns = 500_000_000;
    let settings =
        EncodeSettings { width, height, fps: FPS, bitrate_kbps: 1000, gop_ns, quality: Quality::Fast, sampling };
    let is_lossless = settings.is_lossless();
    let mut driver = Driver::new(open(&settings)?);
    let mut shown = Vec::new();
    for frame in 0..PICTURES {
        let t = MonoNs(frame as i64 * 1_000_000_000 / i64::from(FPS));
        let ask = Ask { stamp: FrameStamp { frame_ref: FrameRef(frame), t }, idr: frame == 0 };
        // The last one is not encoded anew: it is the one before.
        if frame + 1 < PICTURES {
            shown.push(Masked::not_captured(drawn(sampling, (width, height), frame as u32)));
            driver.encode(&shown[shown.len() - 1], ask)?;
        } else {
            driver.repeat(&shown[shown.len() - 1], ask)?;
        }
    }
    driver.finish()?;
    let units: Vec<_> = std::iter::from_fn(|| driver.next_unit()).collect();
    let failed = |frame: u64, why: String| EncodeError::Failed { frame, why };
    let refused = |frame: u64| move |error: DecodeError| failed(frame, error.to_string());
    let info = driver.config().stream_info().ok().filter(|info| info.sampling == sampling);
    let info = info.ok_or_else(|| failed(0, format!("what it made is not in {}", sampling.title())))?;
    let mut decoder = decode::open(driver.config(), info).map_err(refused(0))?;
    let mut picture = Planar::new(sampling, width, height);
    for (unit, frame) in units.iter().zip(0..) {
        let expected = &shown[shown.len().min(frame as usize + 1) - 1];
        decoder.decode(&unit.bytes, unit.keyframe, &mut picture).map_err(refused(frame))?;
        let ((luma, ..), (found, ..)) = (expected.planar().planes(), picture.planes());
        let off: u64 = luma.iter().zip(found).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        if (is_lossless && *expected.planar() != picture) || off > MAX_ERROR * luma.len() as u64 {
            return Err(failed(frame, "what it made decodes to another picture".into()));
        }
    }
    let description = driver.describe();
    Ok(Probe { name: description.name, codec_string: description.codec_string })
}

/// A slope from dark to bright with an edge in it, which moves with `n`.
fn drawn(sampling: Sampling, (width, height): (u32, u32), n: u32) -> Planar {
    let mut picture = Planar::new(sampling, width, height);
    let (luma, ..) = picture.planes_mut();
    for (at, sample) in luma.iter_mut().enumerate() {
        let (column, row) = (at as u32 % width, at as u32 / width);
        let edge = if (column + row + 4 * n) % height < height / 2 { 60 } else { 0 };
        *sample = (30 + column * 120 / width + edge) as u8;
    }
    picture
}
