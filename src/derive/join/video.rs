//! The frames of all parts in one video: the same access units, one after the other. Nothing is encoded, since each part begins with an IDR and
//! all of them have the same parameter sets.

use std::path::Path;

use super::error::JoinError;
use crate::base::progress::Step;
use crate::media::frames::FrameReader;
use crate::media::mp4::index::{Sample, VideoIndex, pts_us};
use crate::media::mp4::moov::VideoTrack;
use crate::media::mp4::writer::Writer;
use crate::session::layout;
use crate::session::measured::Pictures;
use crate::session::series::Part;

/// How long the only frame of a video lasts, microseconds, where nothing says.
const NOMINAL_FRAME_US: u32 = 33_333;

/// What all parts must have alike, as the first with frames has it.
struct Shape<'a> {
    first: &'a Part,
    index: VideoIndex,
}

/// Copies the frames of all parts into a new file that is synced when this returns. `times` are the `t_ns` of the frames of each part.
pub(super) fn copy(
    parts: &[Part],
    times: &[Vec<i64>],
    path: &Path,
    progress: &mut dyn FnMut(Step) -> bool,
) -> Result<Pictures, JoinError> {
    let of = times.iter().map(|times| times.len() as u64).sum();
    let Some(t0_ns) = times.iter().flatten().next().copied() else { return Ok(Pictures::default()) };
    let (mut writer, mut shape, mut done) = (Writer::create(path)?, None::<Shape<'_>>, 0);
    for (part, times) in parts.iter().zip(times).filter(|(_, times)| !times.is_empty()) {
        let mut video = FrameReader::open(&layout::frames_path(&part.dir))?;
        let mismatch = |what| JoinError::Mismatch { path: part.dir.clone(), what };
        if video.len() != times.len() || video.is_keyframe(0) != Some(true) {
            return Err(mismatch("its video has other frames than its table"));
        }
        if let Some(shape) = &shape {
            check(shape, part, video.index())?;
        }
        for (frame, t_ns) in times.iter().enumerate() {
            let keyframe = video.is_keyframe(frame) == Some(true);
            let sample = Sample { offset: 0, size: 0, pts_us: pts_us(*t_ns, t0_ns), keyframe };
            writer.push(video.access_unit(frame)?, sample)?;
            done += 1;
            if !progress(Step { what: "video", done, of }) {
                return Err(JoinError::Cancelled);
            }
        }
        if shape.is_none() {
            let index = VideoIndex { samples: Vec::new(), ..video.index().clone() };
            shape = Some(Shape { first: part, index });
        }
    }
    let Some(Shape { index, .. }) = shape else { return Ok(Pictures::default()) };
    let track = VideoTrack {
        config: &index.config,
        coded: index.coded,
        surface: index.surface,
        nominal_frame_us: NOMINAL_FRAME_US,
        rate: None,
    };
    Ok(Pictures::of(&writer.finish(&track)?.packets))
}

/// A video has one sample description here.
fn check(shape: &Shape<'_>, part: &Part, index: &VideoIndex) -> Result<(), JoinError> {
    let same = &shape.index;
    let what = if same.config.name() != index.config.name() {
        "another codec"
    } else if (same.coded, same.surface) != (index.coded, index.surface) {
        "pictures of another size"
    } else if same.config != index.config {
        "other parameter sets of its video"
    } else {
        return Ok(());
    };
    Err(JoinError::Other { path: part.dir.clone(), first: shape.first.dir.clone(), what })
}
