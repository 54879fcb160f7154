//! Videos for exports: parts that are copied, and smaller pictures that are encoded anew.
//!
//! Keeps the invariants that a copied part begins with a keyframe and has the packets of the session, byte for byte; and that a proxy has
//! the session's frames, each at its time and a keyframe where the session has one, so that whatever names a frame of the one names
//! the same frame of the other; and that frame *n* of a video at a constant rate is at exactly `n / fps` ([`constant_rate`]), also for readers
//! that compute its place. The SEI of every frame says which frame of the recording it was.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::error::ExportError;
use super::sound::{Beside, Sounds, Stretch, stretches};
use super::source::Source;
use super::steps;
use crate::base::id::FrameRef;
use crate::base::progress::{Progress, Step};
use crate::base::time::MonoNs;
use crate::encode::driver::Driver;
use crate::encode::gop::Gop;
use crate::encode::kind::Codec;
use crate::encode::masked::Masked;
use crate::encode::registry;
use crate::encode::settings::{EncodeSettings, MIN_SIDE, Quality, default_bitrate_kbps};
use crate::media::frames::FrameReader;
use crate::media::mp4::index::Sample;
use crate::media::mp4::mixed::{Mixed, MixedTracks};
use crate::media::mp4::moov::{VideoTrack, constant_pts_us};
use crate::media::mp4::writer::{Store, Writer};
use crate::media::picture::{FrameStamp, Planar, Sampling};
use crate::media::rgb::scale;
use crate::session::layout;

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
pub struct VideoOut<'a> {
    writer: Writer<Mixed>,
    /// What is heard beside the pictures.
    sounds: Vec<Beside<'a>>,
    driver: Driver,
    gop: Gop,
    /// Times of the pictures that the encoder has not answered.
    owed_us: VecDeque<i64>,
    /// Pictures so far.
    pushed: u64,
    size: (u32, u32),
    fps: u32,
    /// The rate is constant, and `fps` it.
    constant: bool,
}

impl<'a> VideoOut<'a> {
    /// Begins a video at `path` whose frames have times of their own, of about `fps`; `gop_ns` is the longest time between keyframes.
    ///
    /// # Errors
    /// When the settings are not possible, or the file cannot be made.
    pub fn create(path: &Path, size: (u32, u32), fps: u32, gop_ns: i64) -> Result<Self, ExportError> {
        Self::begin(path, size, (fps, false), gop_ns)
    }

    /// Begins a video at `path` whose frame *n* is at exactly `n / fps`, with a keyframe every half second.
    ///
    /// # Errors
    /// When the settings are not possible, or the file cannot be made.
    pub fn create_constant(path: &Path, size: (u32, u32), fps: u32) -> Result<Self, ExportError> {
        Self::begin(path, size, (fps, true), GOP_NS)
    }

    fn begin(path: &Path, size: (u32, u32), (fps, constant): (u32, bool), gop_ns: i64) -> Result<Self, ExportError> {
        let settings = EncodeSettings {
            width: size.0,
            height: size.1,
            fps,
            bitrate_kbps: default_bitrate_kbps(size.0, size.1, fps),
            gop_ns,
            quality: Quality::Balanced,
            sampling: Sampling::Yuv420,
        };
        Ok(Self {
            driver: Driver::new(registry::open_built_in(Codec::H264, &settings)?),
            gop: Gop::new(gop_ns, fps),
            writer: Writer::create(path)?,
            sounds: Vec::new(),
            owed_us: VecDeque::new(),
            pushed: 0,
            size,
            fps,
            constant,
        })
    }

    /// Puts sound beside the pictures; before the first of them.
    fn with(self, sounds: Vec<Beside<'a>>) -> Self {
        Self { sounds, ..self }
    }

    /// Adds the next picture of a video at a constant rate; `same` when it is the one before once more.
    ///
    /// # Errors
    /// When it cannot be encoded or written.
    pub fn push_next(&mut self, picture: &Masked, same: bool, stamp: FrameStamp) -> Result<(), ExportError> {
        let pts_us = constant_pts_us(self.pushed, self.fps);
        self.push(picture, (same, false), pts_us, stamp)
    }

    /// Adds a picture, as a keyframe when `key` says so; `same` when it is the one before once more.
    ///
    /// # Errors
    /// When it cannot be encoded or written.
    pub fn push(
        &mut self,
        picture: &Masked,
        (same, key): (bool, bool),
        pts_us: i64,
        stamp: FrameStamp,
    ) -> Result<(), ExportError> {
        if key {
            self.gop.restart();
        }
        let ask = self.gop.ask(stamp);
        self.owed_us.push_back(pts_us);
        self.pushed += 1;
        if same { self.driver.repeat(picture, ask) } else { self.driver.encode(picture, ask) }?;
        self.write_made()
    }

    /// Writes what the encoder has made so far.
    fn write_made(&mut self) -> Result<(), ExportError> {
        while let Some(unit) = self.driver.next_unit()
            && let Some(pts_us) = self.owed_us.pop_front()
        {
            self.gop.made(&unit);
            write_sounds(&mut self.sounds, pts_us.saturating_mul(1000), &mut self.writer)?;
            let picture = Sample { offset: 0, size: 0, pts_us, keyframe: unit.keyframe };
            self.writer.push(&unit.bytes, Mixed::Picture(picture))?;
        }
        Ok(())
    }

    /// Writes the index.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn finish(mut self) -> Result<(), ExportError> {
        self.driver.finish()?;
        self.write_made()?;
        write_sounds(&mut self.sounds, i64::MAX, &mut self.writer)?;
        let pictures = VideoTrack {
            config: self.driver.config(),
            coded: self.size,
            surface: self.size,
            nominal_frame_us: 1_000_000 / self.fps.max(1),
            rate: self.constant.then_some(self.fps.max(1)),
        };
        let sounds = self.sounds.iter().map(Beside::described).collect();
        self.writer.finish(&MixedTracks { pictures, sounds })?;
        Ok(())
    }
}

/// Writes the sound that is heard before a picture of this time.
fn write_sounds<S: Store>(
    sounds: &mut [Beside<'_>],
    until_ns: i64,
    writer: &mut Writer<Mixed, S>,
) -> Result<(), ExportError> {
    sounds.iter_mut().enumerate().try_for_each(|(place, sound)| sound.write(place, until_ns, writer))
}

/// Writes the pictures that steps show as a video in which picture *n* is at exactly `n / fps`, in this size, with the sound of their time beside
/// them; `each` sees every picture.
///
/// # Errors
/// When one cannot be decoded, encoded or written.
pub(super) fn constant_rate(
    video: &mut FrameReader,
    steps: &[steps::Step],
    sounds: &Sounds<'_>,
    path: &Path,
    (size, fps): ((u32, u32), u32),
    each: &mut dyn FnMut(usize, &Planar),
) -> Result<(), ExportError> {
    let (coded, surface) = (video.index().coded, video.surface());
    let sounds = Beside::all(sounds, &stretches(steps, fps))?;
    let mut made = VideoOut::create_constant(path, size, fps)?.with(sounds);
    let mut before = None;
    for (n, step) in steps.iter().enumerate() {
        let decoded = video.decode(step.frame)?;
        // The encoder of exports takes 4:2:0, which every trainer reads.
        let as_it_is = size == coded && decoded.sampling() == Sampling::Yuv420;
        let picture = if as_it_is { decoded } else { Arc::new(scale(&decoded, surface, size)) };
        let picture = Masked::not_captured(picture);
        let stamp = FrameStamp { frame_ref: FrameRef(step.frame as u64), t: MonoNs(step.start_ns) };
        made.push_next(&picture, before == Some(step.frame), stamp)?;
        before = Some(step.frame);
        each(n, picture.planar());
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
        let stamp = video
            .stamp(frame)?
            .unwrap_or(FrameStamp { frame_ref: FrameRef(frame as u64), t: MonoNs(source.frames[frame].t_ns) });
        let picture = Masked::not_captured(scale(&*video.decode(frame)?, surface, size));
        // Unchanged pictures are encoded as well: what repeats them in a recording may add keyframes.
        made.push(&picture, (false, sample.keyframe), sample.pts_us, stamp)?;
        if frame.is_multiple_of(PROGRESS_FRAMES) {
            progress(Step { what: "pictures", done: frame as u64, of: video.len() as u64 });
        }
    }
    made.finish()
}

/// Some frames of a video, the first of which is a keyframe, as a video of their own in memory, with times from 0, and the sound from `sound.0` on
/// until `sound.1` beside it. Nothing is encoded.
///
/// # Errors
/// When they cannot be read, or are no video.
pub(super) fn copy(
    video: &mut FrameReader,
    frames: Range<usize>,
    nominal_fps: u32,
    sounds: &Sounds<'_>,
    (from_ns, until_ns): (i64, i64),
) -> Result<Vec<u8>, ExportError> {
    let begin = video.pts_us(frames.start).unwrap_or(0);
    let bytes: usize = video.index().samples[frames.clone()].iter().map(|sample| sample.size as usize).sum();
    let mut sounds = Beside::all(sounds, &[Stretch { from_ns, until_ns, to_ns: 0 }])?;
    let mut out = Writer::in_memory(bytes + frames.len() * 16 + 1024);
    for frame in frames {
        let sample = video.index().samples[frame];
        let pts_us = sample.pts_us - begin;
        write_sounds(&mut sounds, pts_us.saturating_mul(1000), &mut out)?;
        out.push(video.access_unit(frame)?, Mixed::Picture(Sample { pts_us, ..sample }))?;
    }
    write_sounds(&mut sounds, i64::MAX, &mut out)?;
    let index = video.index();
    let pictures = VideoTrack {
        config: &index.config,
        coded: index.coded,
        surface: index.surface,
        nominal_frame_us: 1_000_000 / nominal_fps.max(1),
        rate: None,
    };
    let sounds = sounds.iter().map(Beside::described).collect();
    Ok(out.finish(&MixedTracks { pictures, sounds })?.done)
}
