//! Videos for exports: parts that are copied, and smaller pictures that are encoded anew.
//!
//! Keeps the invariants that a copied part begins with a keyframe and has the packets of the session, byte for byte; and that a proxy has
//! the session's frames, each at its time and a keyframe where the session has one, so that whatever names a frame of the one names
//! the same frame of the other. The SEI of every frame says which frame of the recording it was.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::source::Source;
use super::{ExportError, Progress, Step, steps};
use crate::encode::bitstream::parse_sei;
use crate::encode::openh264::{MIN_SIDE, OpenH264};
use crate::encode::{EncodeSettings, FrameStamp, I420, Quality, VideoEncoder as _};
use crate::finalize::moov::{self, VideoTrack};
use crate::id::FrameRef;
use crate::log::video::{BOX_HEADER, BOX_SIZE, FTYP, VideoWriter};
use crate::log::video_finish;
use crate::recorder::default_bitrate_kbps;
use crate::session::frames::FrameReader;
use crate::session::layout;
use crate::session::picture::scale;
use crate::session::sample_index::Sample;
use crate::time::MonoNs;

/// Longest time between two keyframes of a video at a constant rate: as in recordings. A loader decodes from one on for every sample.
const GOP_NS: i64 = 500_000_000;
/// Frames between two reports of progress.
const PROGRESS_FRAMES: usize = 32;

/// The video of a session, with as many frames as its table.
///
/// # Errors
/// When it cannot be read, or has another number of frames.
pub fn open_video(source: &Source) -> Result<FrameReader, ExportError> {
    let path = layout::frames_path(source.dir());
    let video = FrameReader::open(&path)?;
    let (found, expected) = (video.len(), source.frames.len());
    if found == expected { Ok(video) } else { Err(ExportError::Frames { path, found, expected }) }
}

/// A video that is encoded anew.
pub struct VideoOut {
    path: PathBuf,
    writer: VideoWriter,
    encoder: OpenH264,
    samples: Vec<Sample>,
    unit: Vec<u8>,
    size: (u32, u32),
    fps: u32,
}

impl VideoOut {
    /// Begins a video at `path`; `gop_ns` is the longest time between keyframes.
    ///
    /// # Errors
    /// When the settings are not possible, or the file cannot be made.
    pub fn create(path: &Path, size: (u32, u32), fps: u32, gop_ns: i64) -> Result<Self, ExportError> {
        let settings = EncodeSettings {
            width: size.0,
            height: size.1,
            fps,
            bitrate_kbps: default_bitrate_kbps(size.0, size.1, fps),
            gop_ns,
            quality: Quality::Balanced,
        };
        Ok(Self {
            path: path.to_path_buf(),
            encoder: OpenH264::new(&settings)?,
            writer: VideoWriter::create(path, BOX_SIZE)?,
            samples: Vec::new(),
            unit: Vec::new(),
            size,
            fps,
        })
    }

    /// Adds a picture, as a keyframe when `key` says so; `same` when it is the one before once more.
    ///
    /// # Errors
    /// When it cannot be encoded or written.
    pub fn push(
        &mut self,
        picture: &I420,
        (same, key): (bool, bool),
        pts_us: i64,
        stamp: FrameStamp,
    ) -> Result<(), ExportError> {
        if key {
            self.encoder.restart();
        }
        let made = if same {
            self.encoder.repeat(picture, stamp, &mut self.unit)?
        } else {
            self.encoder.encode(picture, stamp, &mut self.unit)?
        };
        let extent = self.writer.append(&self.unit)?;
        self.samples.push(Sample { offset: extent.offset, size: extent.len, pts_us, keyframe: made.keyframe });
        Ok(())
    }

    /// Writes the index.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn finish(self) -> Result<(), ExportError> {
        let track = VideoTrack {
            sets: self.encoder.parameter_sets(),
            coded: self.size,
            surface: self.size,
            nominal_frame_us: 1_000_000 / self.fps.max(1),
        };
        let index = moov::build(&self.samples, &track)?;
        video_finish::finish(&self.path, self.writer.layout(), self.writer.len(), &index)?;
        Ok(())
    }
}

/// Writes the pictures that steps show as a video in which picture *n* is at `n / fps`, not larger than `size`; `each` sees every one of them.
///
/// # Errors
/// When one cannot be decoded, encoded or written.
pub fn constant_rate(
    video: &mut FrameReader,
    steps: &[steps::Step],
    path: &Path,
    (size, fps): ((u32, u32), u32),
    each: &mut dyn FnMut(usize, &I420),
) -> Result<(), ExportError> {
    let (coded, surface) = (video.index().coded, video.surface());
    let mut made = VideoOut::create(path, size, fps, GOP_NS)?;
    let mut before = None;
    for (n, step) in steps.iter().enumerate() {
        let decoded = video.decode(step.frame)?;
        let scaled = (size != coded).then(|| scale(&decoded, surface, size));
        let picture = scaled.as_ref().unwrap_or(&decoded);
        let stamp = FrameStamp { frame_ref: FrameRef(step.frame as u64), t: MonoNs(step.start_ns) };
        let pts_us = (n as u64 * 1_000_000 / u64::from(fps)) as i64;
        made.push(picture, (before == Some(step.frame), false), pts_us, stamp)?;
        before = Some(step.frame);
        each(n, picture);
    }
    made.finish()
}

/// Refuses sizes that pictures cannot be scaled down to.
///
/// # Errors
/// When a side is odd, too small, or larger than the picture's.
pub fn check_size(video: &FrameReader, asked: (u32, u32)) -> Result<(), ExportError> {
    let picture = video.index().coded;
    let fits = |asked: u32, side: u32| asked.is_multiple_of(2) && asked >= MIN_SIDE && asked <= side;
    if fits(asked.0, picture.0) && fits(asked.1, picture.1) {
        Ok(())
    } else {
        Err(ExportError::Size { asked, picture })
    }
}

/// Frames per second of a session, for the rate control: its mean, 1 to 240.
pub fn nominal_fps(source: &Source) -> u32 {
    let mean = source.reader().metadata().capture_fps.unwrap_or(30.0);
    if mean.is_finite() { mean.round().clamp(1.0, 240.0) as u32 } else { 30 }
}

/// Writes the session's video with smaller pictures to `path`.
///
/// # Errors
/// When the size is not possible, or something cannot be read or written.
pub fn proxy(
    source: &Source,
    video: &mut FrameReader,
    size: (u32, u32),
    path: &Path,
    progress: Progress<'_>,
) -> Result<(), ExportError> {
    check_size(video, size)?;
    let surface = video.surface();
    let mut made = VideoOut::create(path, size, nominal_fps(source), i64::MAX)?;
    for frame in 0..video.len() {
        let sample = video.index().samples[frame];
        let stamp = parse_sei(video.access_unit(frame)?)
            .unwrap_or(FrameStamp { frame_ref: FrameRef(frame as u64), t: MonoNs(source.frames[frame].t_ns) });
        let picture = scale(&*video.decode(frame)?, surface, size);
        // Unchanged pictures are encoded as well: what repeats them in a recording may add keyframes.
        made.push(&picture, (false, sample.keyframe), sample.pts_us, stamp)?;
        if frame.is_multiple_of(PROGRESS_FRAMES) {
            progress(Step { what: "pictures", done: frame as u64, of: video.len() as u64 });
        }
    }
    made.finish()
}

/// Some frames of a video, the first of which is a keyframe, as a video of their own in memory, with times from 0. Nothing is encoded.
///
/// # Errors
/// When they cannot be read, or are no video.
pub fn copy(video: &mut FrameReader, frames: Range<usize>, nominal_fps: u32) -> Result<Vec<u8>, ExportError> {
    let begin = video.pts_us(frames.start).unwrap_or(0);
    let bytes: usize = video.index().samples[frames.clone()].iter().map(|sample| sample.size as usize).sum();
    let head = FTYP.len() + BOX_HEADER as usize;
    let mut out = Vec::with_capacity(head + bytes + frames.len() * 16 + 1024);
    out.extend_from_slice(&FTYP);
    out.extend_from_slice(&((bytes as u64 + BOX_HEADER) as u32).to_be_bytes());
    out.extend_from_slice(b"mdat");
    let mut samples = Vec::with_capacity(frames.len());
    for frame in frames {
        let sample = video.index().samples[frame];
        samples.push(Sample { offset: out.len() as u64, pts_us: sample.pts_us - begin, ..sample });
        out.extend_from_slice(video.access_unit(frame)?);
    }
    let index = video.index();
    let track = VideoTrack {
        sets: &index.sets,
        coded: index.coded,
        surface: index.surface,
        nominal_frame_us: 1_000_000 / nominal_fps.max(1),
    };
    out.extend_from_slice(&moov::build(&samples, &track)?);
    Ok(out)
}
