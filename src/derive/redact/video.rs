//! The new video: groups of pictures with a masked frame are decoded, painted and encoded anew; all others are copied.
//!
//! Keeps the invariants that frame *i* stays frame *i* with its time and its SEI, that a frame is a keyframe exactly where it was one,
//! and that there is one set of parameter sets: they are compared with those that this program's encoder makes for the same
//! settings, and when they differ (another release of the encoder made the video) every group is encoded anew.

use std::ops::Range;
use std::path::Path;

use super::error::RedactError;
use crate::base::id::FrameRef;
use crate::base::progress::Step;
use crate::base::time::MonoNs;
use crate::encode::ask::Ask;
use crate::encode::driver::Driver;
use crate::encode::encoder::EncoderDescription;
use crate::encode::kind::Codec;
use crate::encode::masked::Masked;
use crate::encode::registry;
use crate::encode::settings::{EncodeSettings, Quality, default_bitrate_kbps};
use crate::media::frames::FrameReader;
use crate::media::mp4::index::Sample;
use crate::media::mp4::moov::VideoTrack;
use crate::media::mp4::writer::Writer;
use crate::media::picture::{FrameStamp, Planar, Sampling};
use crate::session::metadata::{MaskInfo, Metadata};

/// The video that was written.
pub(crate) struct Made {
    pub(crate) samples: Vec<Sample>,
    /// Frames that were encoded anew, in order.
    pub(crate) encoded: Vec<Range<usize>>,
    /// The encoder, when it stands for the whole video now.
    pub(crate) encoder: Option<EncoderDescription>,
}

/// The settings that the recording was made with; every IDR is asked for by name.
fn settings(metadata: &Metadata, coded: (u32, u32), sampling: Sampling) -> Result<EncodeSettings, RedactError> {
    let recorded = metadata.encoder.as_ref().map(|encoder| &encoder.settings);
    let text = |key: &str| recorded.and_then(|settings| settings.get(key)).map(String::as_str);
    let number = |key: &'static str| {
        let value = text(key).and_then(|value| value.parse::<u32>().ok());
        value.ok_or(RedactError::Encoder { what: key })
    };
    let fps = number("fps")?;
    // What loses nothing says no bit rate, and takes none.
    let rate = if sampling == Sampling::Rgb {
        Ok(default_bitrate_kbps(coded.0, coded.1, fps))
    } else {
        number("bitrate_kbps")
    };
    Ok(EncodeSettings {
        width: coded.0,
        height: coded.1,
        fps,
        bitrate_kbps: rate?,
        gop_ns: i64::MAX,
        quality: match text("quality") {
            Some("sharp") => Quality::Sharp,
            Some("balanced") => Quality::Balanced,
            _ => Quality::Fast,
        },
        sampling,
    })
}

/// The groups of pictures (by their frames) that hold one of these frames.
fn touched(keyframes: &[usize], frames: usize, masked: &Range<usize>) -> Vec<Range<usize>> {
    let groups = keyframes.iter().enumerate().map(|(n, first)| *first..keyframes.get(n + 1).copied().unwrap_or(frames));
    groups.filter(|group| !masked.is_empty() && group.start < masked.end && masked.start < group.end).collect()
}

/// Writes the new video to `path`; the masks begin and end at even pixels.
pub(crate) fn rewrite(
    old: &mut FrameReader,
    path: &Path,
    metadata: &Metadata,
    masked: Range<usize>,
    masks: &[MaskInfo],
    progress: &mut dyn FnMut(Step),
) -> Result<Made, RedactError> {
    let frames = old.len();
    let keyframes: Vec<usize> = (0..frames).filter(|frame| old.is_keyframe(*frame) == Some(true)).collect();
    let mut config = old.index().config.clone();
    let mut encoded = touched(&keyframes, frames, &masked);
    let mut encoder = None;
    let mut described = None;
    let coded = old.index().coded;
    let made_by = metadata.encoder.as_ref().map(|encoder| encoder.name.as_str());
    let codec = Codec::of(&config);
    let sampling = old.index().sampling;
    let open = || -> Result<Driver, RedactError> {
        Ok(Driver::new(registry::open_like(made_by, codec, &settings(metadata, coded, sampling)?)?))
    };
    if !encoded.is_empty() {
        let made = open()?;
        if *made.config() != config {
            tracing::info!("another encoder made this video: all of it is encoded anew");
            config = made.config().clone();
            encoded = touched(&keyframes, frames, &(0..frames));
            described = Some(made.describe());
        }
        encoder = Some(made);
    }
    let mut writer = Writer::create(path)?;
    let mut groups = encoded.iter();
    let mut group = groups.next();
    for frame in 0..frames {
        while group.is_some_and(|group| group.end <= frame) {
            group = groups.next();
        }
        if let Some(group) = group.filter(|group| group.contains(&frame)) {
            let t = MonoNs(old.index().samples[frame].pts_us.saturating_mul(1000));
            let stamp = old.stamp(frame)?.unwrap_or(FrameStamp { frame_ref: FrameRef(frame as u64), t });
            let mut picture = Planar::clone(&*old.decode(frame)?);
            if masked.contains(&frame) {
                for mask in masks {
                    picture.blacken(mask.x, mask.y, mask.width, mask.height);
                }
            }
            let mut driver = match encoder.take() {
                Some(driver) => driver,
                None => open()?,
            };
            driver.encode(&Masked::not_captured(picture), Ask { stamp, idr: frame == group.start })?;
            // What an encoder still owes must be in the file before the group behind it.
            let owes = frame + 1 == group.end && driver.waiting() > 0;
            if owes {
                driver.finish()?;
            }
            while let Some(unit) = driver.next_unit() {
                let sample = old.index().samples[writer.len()];
                if unit.keyframe != sample.keyframe {
                    return Err(RedactError::Encoder { what: "where its keyframes are" });
                }
                writer.push(&unit.bytes, sample)?;
            }
            encoder = (!owes).then_some(driver);
        } else {
            let sample = old.index().samples[frame];
            writer.push(old.access_unit(frame)?, sample)?;
        }
        progress(Step { what: "video", done: frame as u64 + 1, of: frames as u64 });
    }
    let fps = metadata.encoder.as_ref().and_then(|e| e.settings.get("fps")?.parse::<u32>().ok()).unwrap_or(30);
    let track = VideoTrack {
        config: &config,
        coded,
        surface: old.index().surface,
        nominal_frame_us: 1_000_000 / fps.max(1),
        rate: None,
    };
    let samples = writer.finish(&track)?.packets;
    Ok(Made { samples, encoded, encoder: described })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_touched_when_it_shares_a_frame() {
        let keyframes = [0, 10, 20];
        let found = |masked| touched(&keyframes, 25, &masked).into_iter().map(|g| (g.start, g.end)).collect::<Vec<_>>();
        assert_eq!(found(9..10), [(0, 10)]);
        assert_eq!(found(9..11), [(0, 10), (10, 20)]);
        assert_eq!(found(24..25), [(20, 25)]);
        assert_eq!(found(0..25).len(), 3);
        assert_eq!(found(5..5), []);
    }
}
