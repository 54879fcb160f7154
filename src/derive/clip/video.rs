//! The frames of a part, copied into a video of their own: the same access units, times from 0. Nothing is encoded.

use std::ops::Range;
use std::path::Path;

use crate::base::progress::Step;
use crate::derive::clip::run::{ClipError, Progress};
use crate::media::frames::FrameReader;
use crate::media::mp4::index::{Sample, pts_us};
use crate::media::mp4::moov::VideoTrack;
use crate::media::mp4::writer::Writer;
use crate::session::measured::Pictures;

/// How long the only frame of a video lasts, microseconds, where nothing says.
const NOMINAL_FRAME_US: u32 = 33_333;

/// Copies frames, whose first is a keyframe, into a new file that is synced when this returns. `times_ns` are their exact times.
pub(crate) fn copy(
    from: &mut FrameReader,
    frames: Range<usize>,
    times_ns: &[i64],
    path: &Path,
    progress: Progress<'_>,
) -> Result<Pictures, ClipError> {
    let t0_ns = *times_ns.first().ok_or(ClipError::Mismatch { what: "a part without frames" })?;
    let mut writer = Writer::create(path)?;
    for (done, (frame, t_ns)) in frames.zip(times_ns).enumerate() {
        let keyframe = from.is_keyframe(frame) == Some(true);
        let sample = Sample { offset: 0, size: 0, pts_us: pts_us(*t_ns, t0_ns), keyframe };
        writer.push(from.access_unit(frame)?, sample)?;
        if !progress(Step { what: "video", done: done as u64 + 1, of: times_ns.len() as u64 }) {
            return Err(ClipError::Cancelled);
        }
    }
    let index = from.index();
    let track = VideoTrack {
        config: &index.config,
        coded: index.coded,
        surface: index.surface,
        nominal_frame_us: NOMINAL_FRAME_US,
        rate: None,
    };
    Ok(Pictures::of(&writer.finish(&track)?.packets))
}
