//! The video of another recorder as one of this format: the same coded pictures, with the times of the table's frame rows.
//!
//! Keeps the invariant that no picture is encoded anew: slices are copied byte for byte. What is put around them is this format's:
//! lengths of four bytes, an SEI with number and time, an index. Parameter sets, delimiters and filler inside the stream are left
//! out, since one set stands in the index.

use std::fs::File;
use std::path::Path;

use super::error::ImportError;
use crate::base::file_at::read_exact_at;
use crate::base::id::FrameRef;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::base::time::MonoNs;
use crate::media::avc::nal::{NAL_PPS, NAL_SPS};
use crate::media::avc::sets::ParameterSets;
use crate::media::avc::{nal, sei};
use crate::media::mp4::foreign;
use crate::media::mp4::foreign::{ForeignError, ForeignIndex, check_sets};
use crate::media::mp4::index::pts_us;
use crate::media::mp4::moov::{Colour, Sample, VideoTrack};
use crate::media::mp4::writer::{ForeignVideo, Writer};
use crate::media::picture::FrameStamp;
use crate::media::track::CodecConfig;

/// `nal_unit_type` of a delimiter, the ends of a sequence and a stream, and filler.
const LEFT_OUT: [u8; 4] = [9, 10, 11, 12];

/// What was made.
pub(crate) struct Made {
    /// Every frame as it lies in the new file.
    pub(crate) samples: Vec<Sample>,
    /// Size of the pictures.
    pub(crate) size: (u32, u32),
    /// RFC 6381.
    pub(crate) codec: String,
    /// How far its times were from those of the rows, at the most, microseconds.
    pub(crate) pts_off_us: i64,
    /// The file says what its samples mean.
    pub(crate) has_colour: bool,
    /// Every access unit had the stamp of this format already.
    pub(crate) has_stamps: bool,
}

/// A video, open, and its index.
pub(crate) struct Source {
    file: File,
    index: ForeignIndex,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let video = |source| ImportError::Video { path: path.to_owned(), source };
        let file = crate::base::files::open_regular(path).map_err(IoError::at("open", path))?;
        let index = foreign::read_index(&file).map_err(video)?;
        Ok(Self { file, index })
    }

    pub(crate) fn len(&self) -> usize {
        self.index.samples.len()
    }

    /// Size of its pictures by the sample description.
    pub(crate) fn size(&self) -> (u32, u32) {
        self.index.size
    }

    /// When its last frame is shown, microseconds from the first.
    pub(crate) fn last_pts_us(&self) -> i64 {
        self.index.samples.last().map_or(0, |last| last.pts_us)
    }

    /// When its frames are shown, microseconds from the first.
    pub(crate) fn times_us(&self) -> impl Iterator<Item = i64> {
        self.index.samples.iter().map(|sample| sample.pts_us)
    }

    /// What the file holds beside its coded pictures.
    pub(crate) fn besides(&self) -> &[String] {
        &self.index.besides
    }
}

/// Writes the video of `source` to `to`; frame *i* has the time `frames[i]`.
pub(crate) fn remux(
    path: &Path,
    source: &Source,
    to: &Path,
    frames: &[i64],
    progress: &mut dyn FnMut(Step),
) -> Result<Made, ImportError> {
    let video = |source| ImportError::Video { path: path.to_owned(), source };
    let stream = |frame, why| ImportError::Stream { path: path.to_owned(), frame, why };
    let index = &source.index;
    let t0_ns = frames.first().copied().unwrap_or(0);
    let mut writer = Writer::create(to)?;
    let mut sets = index.sets.clone();
    let (mut raw, mut unit) = (Vec::new(), Vec::new());
    let (mut pts_off_us, mut has_stamps) = (0, true);
    for (frame, (old, t_ns)) in index.samples.iter().zip(frames).enumerate() {
        raw.resize(old.size as usize, 0);
        read_exact_at(&source.file, &mut raw, old.offset).map_err(IoError::at("read", path))?;
        let nals = split(&raw, index.length_bytes).ok_or_else(|| stream(frame, "its NAL units do not fit into it"))?;
        let stamp = FrameStamp { frame_ref: FrameRef(frame as u64), t: MonoNs(*t_ns) };
        unit.clear();
        sei::push_sei(stamp, &mut unit);
        let (mut in_stream, mut stamped, mut pictures) = ([None, None], false, 0);
        for nal in nals {
            match nal::nal_type(nal) {
                NAL_SPS => in_stream[0] = Some(nal),
                NAL_PPS => in_stream[1] = Some(nal),
                kind if LEFT_OUT.contains(&kind) => {}
                nal::NAL_SEI if sei::parse_sei_nal(nal).is_some() => stamped = true,
                kind => {
                    pictures += usize::from([nal::NAL_SLICE, nal::NAL_IDR].contains(&kind));
                    nal::push_nal(nal, &mut unit);
                }
            }
        }
        if pictures == 0 {
            return Err(stream(frame, "it holds no picture"));
        }
        agree(&mut sets, in_stream).map_err(video)?;
        has_stamps &= stamped;
        let keyframe = nal::is_idr(&unit);
        let pts_us = pts_us(*t_ns, t0_ns);
        pts_off_us = pts_off_us.max((pts_us - old.pts_us).abs());
        writer.push(&unit, Sample { offset: 0, pts_us, size: 0, keyframe })?;
        if frame % 64 == 0 {
            progress(Step { what: "video", done: frame as u64, of: frames.len() as u64 });
        }
    }
    let sets = sets.ok_or_else(|| stream(0, "there are no parameter sets"))?;
    let info = check_sets(&sets).map_err(video)?;
    let size = (info.width, info.height);
    if size != index.size {
        return Err(stream(0, "the sample description and the stream differ in size"));
    }
    let config = CodecConfig::Avc(sets);
    // The only frame lasts as long as it did: the index has no other word on it.
    let track = VideoTrack { config: &config, coded: size, surface: size, nominal_frame_us: 1, rate: None };
    let colour = index.colour.map(|(primaries, transfer, matrix, full_range)| Colour {
        primaries,
        transfer,
        matrix,
        full_range,
    });
    let samples = writer.finish(&ForeignVideo { track, colour })?.packets;
    let codec = config.codec_string().ok_or_else(|| stream(0, "its parameter sets are cut off"))?;
    Ok(Made { samples, size, codec, pts_off_us, has_colour: colour.is_some(), has_stamps })
}

/// Takes the first parameter sets of a stream, and refuses others later.
fn agree(sets: &mut Option<ParameterSets>, found: [Option<&[u8]>; 2]) -> Result<(), ForeignError> {
    match (sets.as_ref(), found) {
        (_, [None, None]) => Ok(()),
        (None, [Some(sps), Some(pps)]) => {
            *sets = Some(ParameterSets { sps: sps.to_vec(), pps: pps.to_vec() });
            Ok(())
        }
        (Some(known), [sps, pps])
            if sps.is_none_or(|sps| sps == known.sps) && pps.is_none_or(|pps| pps == known.pps) =>
        {
            Ok(())
        }
        _ => Err(ForeignError::Sets),
    }
}

/// The NAL units of an access unit, each behind its length of `width` bytes.
fn split(mut rest: &[u8], width: usize) -> Option<Vec<&[u8]>> {
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_at_checked(width)?;
        let length = length.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
        let (nal, behind) = behind.split_at_checked(length)?;
        if !nal.is_empty() {
            out.push(nal);
        }
        rest = behind;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_split_by_lengths_of_any_width() {
        assert_eq!(split(&[0, 1, 7, 0, 2, 8, 9], 2), Some(vec![&[7][..], &[8, 9]]));
        assert_eq!(split(&[1, 7, 0, 1, 8], 1), Some(vec![&[7][..], &[8]]));
        assert_eq!(split(&[0, 0, 0, 2, 7], 4), None);
        assert_eq!(split(&[0, 0], 4), None);
    }

    #[test]
    fn parameter_sets_may_be_repeated_and_not_change() {
        let mut sets = None;
        agree(&mut sets, [Some(&[7, 1]), Some(&[8, 1])]).expect("the first ones");
        agree(&mut sets, [None, None]).expect("none");
        agree(&mut sets, [Some(&[7, 1]), None]).expect("the same");
        assert!(matches!(agree(&mut sets, [Some(&[7, 1]), Some(&[8, 2])]), Err(ForeignError::Sets)));
    }
}
