//! The frames of a part, copied into a video of their own: the same access units, times from 0. Nothing is encoded.

use std::ops::Range;
use std::path::Path;

use super::{ClipError, Progress};
use crate::finalize::moov::{self, VideoTrack};
use crate::log::video::{BOX_SIZE, VideoWriter};
use crate::log::video_finish;
use crate::session::frames::FrameReader;
use crate::session::sample_index::{Sample, pts_us};

/// How long the only frame of a video lasts, microseconds, where nothing says.
const NOMINAL_FRAME_US: u32 = 33_333;

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Copied {
    /// Bytes of all access units.
    pub(super) bytes: u64,
    /// Time of the last frame, microseconds from the first.
    pub(super) last_us: i64,
}

/// Copies frames, whose first is a keyframe, into a new file that is synced when this returns. `times_ns` are their exact times.
pub(super) fn copy(
    from: &mut FrameReader,
    frames: Range<usize>,
    times_ns: &[i64],
    path: &Path,
    progress: Progress<'_>,
) -> Result<Copied, ClipError> {
    let t0_ns = *times_ns.first().ok_or(ClipError::Mismatch { what: "a part without frames" })?;
    let mut writer = VideoWriter::create(path, BOX_SIZE)?;
    let mut samples = Vec::with_capacity(times_ns.len());
    let mut bytes = 0;
    for (done, (frame, t_ns)) in frames.zip(times_ns).enumerate() {
        let keyframe = from.is_keyframe(frame) == Some(true);
        let extent = writer.append(from.access_unit(frame)?)?;
        bytes += u64::from(extent.len);
        samples.push(Sample { offset: extent.offset, size: extent.len, pts_us: pts_us(*t_ns, t0_ns), keyframe });
        if !progress(done as u64 + 1, times_ns.len() as u64) {
            return Err(ClipError::Cancelled);
        }
    }
    let index = from.index();
    let track = VideoTrack {
        sets: &index.sets,
        coded: index.coded,
        surface: index.surface,
        nominal_frame_us: NOMINAL_FRAME_US,
    };
    let moov = moov::build(&samples, &track)?;
    video_finish::finish(path, writer.layout(), writer.len(), &moov)?;
    Ok(Copied { bytes, last_us: samples.last().map_or(0, |sample| sample.pts_us) })
}
