//! The new video: groups of pictures with a masked frame are decoded, painted and encoded anew; all others are copied.
//!
//! Keeps the invariants that frame *i* stays frame *i* with its time and its SEI, that a frame is a keyframe exactly where it was one,
//! and that there is one set of parameter sets: they are compared with those that this program's encoder makes for the same
//! settings, and when they differ (another release of the encoder made the video) every group is encoded anew.

use std::ops::Range;
use std::path::Path;

use super::{RedactError, Step};
use crate::encode::bitstream::parse_sei;
use crate::encode::openh264::OpenH264;
use crate::encode::{EncodeSettings, EncoderDescription, FrameStamp, I420, ParameterSets, Quality, VideoEncoder as _};
use crate::id::FrameRef;
use crate::log::video::{BOX_SIZE, BoxLayout, VideoWriter};
use crate::session::frames::FrameReader;
use crate::session::metadata::{MaskInfo, Metadata};
use crate::session::sample_index::Sample;
use crate::time::MonoNs;

/// The colour of a mask: black, in limited range.
pub(super) const MASK_YUV: (u8, u8, u8) = (16, 128, 128);

/// The video that was written, but for its index.
pub(super) struct Made {
    pub(super) samples: Vec<Sample>,
    /// Frames that were encoded anew, in order.
    pub(super) encoded: Vec<Range<usize>>,
    pub(super) sets: ParameterSets,
    pub(super) layout: BoxLayout,
    pub(super) data_end: u64,
    pub(super) nominal_frame_us: u32,
    /// The encoder, when it stands for the whole video now.
    pub(super) encoder: Option<EncoderDescription>,
}

/// The settings that the recording was made with; every IDR is asked for by name.
fn settings(metadata: &Metadata, coded: (u32, u32)) -> Result<EncodeSettings, RedactError> {
    let recorded = metadata.encoder.as_ref().map(|encoder| &encoder.settings);
    let text = |key: &str| recorded.and_then(|settings| settings.get(key)).map(String::as_str);
    let number = |key: &'static str| {
        let value = text(key).and_then(|value| value.parse::<u32>().ok());
        value.ok_or(RedactError::Encoder { what: key })
    };
    Ok(EncodeSettings {
        width: coded.0,
        height: coded.1,
        fps: number("fps")?,
        bitrate_kbps: number("bitrate_kbps")?,
        gop_ns: i64::MAX,
        quality: match text("quality") {
            Some("sharp") => Quality::Sharp,
            Some("balanced") => Quality::Balanced,
            _ => Quality::Fast,
        },
    })
}

/// The groups of pictures (by their frames) that hold one of these frames.
fn touched(keyframes: &[usize], frames: usize, masked: &Range<usize>) -> Vec<Range<usize>> {
    let groups = keyframes.iter().enumerate().map(|(n, first)| *first..keyframes.get(n + 1).copied().unwrap_or(frames));
    groups.filter(|group| !masked.is_empty() && group.start < masked.end && masked.start < group.end).collect()
}

fn paint(picture: &mut I420, mask: &MaskInfo) {
    let (width, height) = (picture.width(), picture.height());
    let (y, u, v) = picture.planes_mut();
    let fill = |plane: &mut [u8], shift: u32, value: u8| {
        let stride = (width >> shift) as usize;
        let columns = (mask.x >> shift) as usize..(mask.x.saturating_add(mask.width).min(width) >> shift) as usize;
        for row in (mask.y >> shift)..(mask.y.saturating_add(mask.height).min(height) >> shift) {
            let start = row as usize * stride;
            plane[start + columns.start..start + columns.end].fill(value);
        }
    };
    fill(y, 0, MASK_YUV.0);
    fill(u, 1, MASK_YUV.1);
    fill(v, 1, MASK_YUV.2);
}

/// Writes the new video to `path`, all but its index.
pub(super) fn rewrite(
    old: &mut FrameReader,
    path: &Path,
    metadata: &Metadata,
    masked: Range<usize>,
    masks: &[MaskInfo],
    progress: &mut dyn FnMut(Step),
) -> Result<Made, RedactError> {
    let frames = old.len();
    let keyframes: Vec<usize> = (0..frames).filter(|frame| old.is_keyframe(*frame) == Some(true)).collect();
    let mut sets = old.index().sets.clone();
    let mut encoded = touched(&keyframes, frames, &masked);
    let mut encoder = None;
    let mut described = None;
    if !encoded.is_empty() {
        let made = OpenH264::new(&settings(metadata, old.index().coded)?)?;
        if *made.parameter_sets() != sets {
            tracing::info!("another encoder made this video: all of it is encoded anew");
            sets = made.parameter_sets().clone();
            encoded = touched(&keyframes, frames, &(0..frames));
            described = Some(made.describe());
        }
        encoder = Some(made);
    }
    let mut writer = VideoWriter::create(path, BOX_SIZE)?;
    let mut samples = Vec::with_capacity(frames);
    let mut groups = encoded.iter();
    let mut group = groups.next();
    let mut unit = Vec::new();
    for frame in 0..frames {
        let sample = old.index().samples[frame];
        unit.clear();
        unit.extend_from_slice(old.access_unit(frame)?);
        while group.is_some_and(|group| group.end <= frame) {
            group = groups.next();
        }
        if let (Some(encoder), Some(group)) = (&mut encoder, group)
            && group.contains(&frame)
        {
            let t = MonoNs(sample.pts_us.saturating_mul(1000));
            let stamp = parse_sei(&unit).unwrap_or(FrameStamp { frame_ref: FrameRef(frame as u64), t });
            let mut picture = I420::clone(&*old.decode(frame)?);
            if masked.contains(&frame) {
                for mask in masks {
                    paint(&mut picture, mask);
                }
            }
            if frame == group.start {
                encoder.restart();
            }
            let made = encoder.encode(&picture, stamp, &mut unit)?;
            if made.keyframe != sample.keyframe {
                return Err(RedactError::Encoder { what: "where its keyframes are" });
            }
        }
        let extent = writer.append(&unit)?;
        samples.push(Sample { offset: extent.offset, size: extent.len, ..sample });
        progress(Step { what: "video", done: frame as u64 + 1, of: frames as u64 });
    }
    let fps = metadata.encoder.as_ref().and_then(|e| e.settings.get("fps")?.parse::<u32>().ok()).unwrap_or(30);
    Ok(Made {
        samples,
        encoded,
        sets,
        layout: writer.layout(),
        data_end: writer.len(),
        nominal_frame_us: 1_000_000 / fps.max(1),
        encoder: described,
    })
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

    #[test]
    fn paint_covers_the_area_in_all_planes_and_nothing_else() {
        let mut picture = I420::new(16, 8);
        let (y, u, v) = picture.planes_mut();
        y.fill(200);
        u.fill(50);
        v.fill(60);
        paint(&mut picture, &MaskInfo { x: 4, y: 2, width: 6, height: 4 });
        let (y, u, v) = picture.planes();
        for row in 0..8 {
            for column in 0..16 {
                let inside = (4..10).contains(&column) && (2..6).contains(&row);
                assert_eq!(y[row * 16 + column], if inside { 16 } else { 200 }, "{column},{row}");
                let colour = (u[row / 2 * 8 + column / 2], v[row / 2 * 8 + column / 2]);
                assert_eq!(colour, if inside { (128, 128) } else { (50, 60) }, "{column},{row}");
            }
        }
    }
}
