//! Random access to the pictures of a video: sealed (`frames.mp4` with its index) or of a log (with an explicit list).
//!
//! Frame i is sample i. A frame is decoded from the nearest keyframe at or before it; the decoder keeps its state, so the
//! next frame costs one; every picture on the way is kept (bounded), so stepping back inside a group of pictures costs
//! none. A damaged access unit is an error for the frames that need it and for no other. Files are untrusted: every error
//! is a value, nothing is allocated by a size that was not checked. Not shared between threads: one reader per thread.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::file_at::read_exact_at;
use crate::base::files::open_regular;
use crate::media::codec::StreamInfo;
use crate::media::decode;
use crate::media::decode::{DecodeError, VideoDecoder};
use crate::media::mp4::index;
use crate::media::mp4::index::{IndexError, MAX_ACCESS_UNIT, MAX_SAMPLES, Sample, VideoIndex};
use crate::media::picture::{FrameStamp, Planar};
use crate::media::rgb;
use crate::media::rgb::Rgb;
use crate::media::track::CodecConfig;

/// Bytes of decoded pictures that are kept: 32 of 1920x1080 (3,110,400 bytes each), which is a group of half a second at
/// 60 fps (30 pictures) and two more; 7 of 3840x2160.
pub const CACHE_BYTES: usize = 96 << 20;

/// Most pictures that are kept, however small: the cache is searched from end to end.
pub const CACHE_PICTURES: usize = 256;

/// Why a picture cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: IndexError,
    },
    /// There is no such frame.
    #[error("there is no frame {frame}: the video has {len}")]
    OutOfRange {
        /// Which was asked for.
        frame: usize,
        /// How many there are.
        len: usize,
    },
    /// The file could not be read.
    #[error("cannot read frame {frame} at {offset} of {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Which frame.
        frame: usize,
        /// Where.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes of a frame are damaged.
    #[error("frame {frame} cannot be decoded: frame {damaged} is damaged ({why})")]
    Damaged {
        /// Which was asked for.
        frame: usize,
        /// Which is damaged: the same, or one before it that it builds on.
        damaged: usize,
        /// What the decoder said.
        why: String,
    },
    /// The decoder could not be made, or failed.
    #[error("the decoder cannot be used: {why}")]
    Decoder {
        /// What it said.
        why: String,
    },
    /// This machine has no decoder for the codec: nothing is known of the frame.
    #[error(transparent)]
    Absent {
        /// Which one, and why.
        source: DecodeError,
    },
}

impl FrameError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Index { source, .. } => source.hint(),
            Self::Damaged { .. } => Some("run `watchcap verify` on its session to see what was damaged".into()),
            Self::Absent { .. } => Some(decode::hint()),
            _ => None,
        }
    }
}

/// Reads and decodes frames.
pub struct FrameReader {
    path: PathBuf,
    file: File,
    index: VideoIndex,
    /// Frames at which decoding can start, ascending; the first is 0.
    keyframes: Vec<u32>,
    decoder: Option<Box<dyn VideoDecoder>>,
    /// The frame that the decoder can take next, apart from any keyframe.
    next: Option<usize>,
    /// The damage found last, so that it is not run into again for each frame behind it.
    damage: Option<Damage>,
    cache: Cache,
    unit: Vec<u8>,
    decoded: u64,
}

/// An access unit that the decoder refused.
struct Damage {
    keyframe: usize,
    frame: usize,
    why: String,
}

impl std::fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameReader").field("path", &self.path).field("frames", &self.len()).finish_non_exhaustive()
    }
}

impl FrameReader {
    /// Opens a sealed session's video.
    ///
    /// # Errors
    /// When it cannot be opened, or its index is missing, damaged or not of this format.
    pub fn open(path: &Path) -> Result<Self, FrameError> {
        let file = open_regular(path).map_err(|source| FrameError::Open { path: path.to_owned(), source })?;
        let index = index::read_index(&file).map_err(|source| FrameError::Index { path: path.to_owned(), source })?;
        Ok(Self::new(path, file, index))
    }

    /// Opens a log's video, which has no index yet: the frame references of the log are one.
    ///
    /// # Errors
    /// When the file cannot be opened, or the list does not fit it.
    pub fn with_samples(
        path: &Path,
        samples: Vec<Sample>,
        config: impl Into<CodecConfig>,
        surface: (u32, u32),
    ) -> Result<Self, FrameError> {
        let file = open_regular(path).map_err(|source| FrameError::Open { path: path.to_owned(), source })?;
        Self::of_file(path, file, samples, config, surface)
    }

    /// The same of a file that is open already, so that it may be moved or deleted; `path` is only its name in errors.
    ///
    /// # Errors
    /// When the list does not fit the file.
    pub fn of_file(
        path: &Path,
        file: File,
        samples: Vec<Sample>,
        config: impl Into<CodecConfig>,
        surface: (u32, u32),
    ) -> Result<Self, FrameError> {
        let refused = |source| FrameError::Index { path: path.to_owned(), source };
        let config = config.into();
        let info = index::checked(&config).map_err(refused)?;
        let coded = (info.width, info.height);
        let fits = |shown: u32, coded: u32| shown > 0 && shown <= coded && coded - shown <= 1;
        if !fits(surface.0, coded.0) || !fits(surface.1, coded.1) {
            return Err(refused(IndexError::Malformed { what: "the surface's size is not the stream's" }));
        }
        let index = VideoIndex { samples: Vec::new(), config, coded, sampling: info.sampling, surface };
        let mut reader = Self::new(path, file, index);
        reader.extend(samples)?;
        Ok(reader)
    }

    fn new(path: &Path, file: File, index: VideoIndex) -> Self {
        let keyframes = keyframe_numbers(&index.samples, 0);
        let bytes = index.sampling.bytes(index.coded);
        Self {
            path: path.to_owned(),
            file,
            keyframes,
            decoder: None,
            next: None,
            damage: None,
            cache: Cache { most: (CACHE_BYTES / bytes.max(1)).clamp(2, CACHE_PICTURES), ..Cache::default() },
            unit: Vec::new(),
            decoded: 0,
            index,
        }
    }

    /// Takes frames that were recorded since: a log that is still open grows.
    ///
    /// # Errors
    /// When they do not fit the file or the frames before them; then none is taken.
    pub fn extend(&mut self, samples: Vec<Sample>) -> Result<(), FrameError> {
        let refused = |source| FrameError::Index { path: self.path.clone(), source };
        let malformed = |what| Err(refused(IndexError::Malformed { what }));
        let total = self.len() + samples.len();
        if total > MAX_SAMPLES {
            let (found, most) = (total as u64, MAX_SAMPLES as u64);
            return Err(refused(IndexError::Limit { what: "the number of frames", found, most }));
        }
        let file_len = self.file.metadata().map_err(|source| refused(IndexError::Read { offset: 0, source }))?.len();
        let mut before = self.index.samples.last().copied();
        for sample in &samples {
            if sample.size == 0 || sample.size > MAX_ACCESS_UNIT {
                return malformed("a frame has an impossible size");
            }
            if sample.offset.checked_add(u64::from(sample.size)).is_none_or(|end| end > file_len) {
                return malformed("a frame lies past the end of the file");
            }
            if before.map_or(!sample.keyframe, |before| sample.pts_us <= before.pts_us) {
                return malformed("the frames do not start with a keyframe or are not in the order of time");
            }
            before = Some(*sample);
        }
        self.keyframes.extend(keyframe_numbers(&samples, self.index.samples.len()));
        self.index.samples.extend(samples);
        Ok(())
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.index.samples.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.index.samples.is_empty()
    }

    /// What the file holds.
    pub fn index(&self) -> &VideoIndex {
        &self.index
    }

    /// The captured surface's size in pixels: that of [`rgb`](Self::rgb).
    pub fn surface(&self) -> (u32, u32) {
        self.index.surface
    }

    /// The time of a frame, microseconds since frame 0.
    pub fn pts_us(&self, frame: usize) -> Option<i64> {
        self.index.samples.get(frame).map(|sample| sample.pts_us)
    }

    /// The last frame at or before a time.
    pub fn frame_at(&self, pts_us: i64) -> Option<usize> {
        self.index.samples.partition_point(|sample| sample.pts_us <= pts_us).checked_sub(1)
    }

    /// Whether decoding can start at a frame.
    pub fn is_keyframe(&self, frame: usize) -> Option<bool> {
        self.index.samples.get(frame).map(|sample| sample.keyframe)
    }

    /// The last keyframe at or before a frame.
    pub fn keyframe_before(&self, frame: usize) -> Option<usize> {
        let position = self.keyframes.partition_point(|keyframe| *keyframe as usize <= frame).checked_sub(1)?;
        (frame < self.len()).then(|| self.keyframes[position] as usize)
    }

    /// How many access units were decoded so far: what the calls before have cost.
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// The bytes of a frame: NAL units behind their lengths.
    ///
    /// # Errors
    /// When there is no such frame, or it cannot be read.
    pub fn access_unit(&mut self, frame: usize) -> Result<&[u8], FrameError> {
        let sample =
            *self.index.samples.get(frame).ok_or(FrameError::OutOfRange { frame, len: self.index.samples.len() })?;
        // At most MAX_ACCESS_UNIT, and within the file: both were checked when the index was made.
        self.unit.resize(sample.size as usize, 0);
        read_exact_at(&self.file, &mut self.unit, sample.offset).map_err(|source| FrameError::Read {
            path: self.path.clone(),
            frame,
            offset: sample.offset,
            source,
        })?;
        Ok(&self.unit)
    }

    /// The stamp in a frame's bytes: its number and time when it was recorded; `None` when it has none.
    ///
    /// # Errors
    /// As [`access_unit`](Self::access_unit).
    pub fn stamp(&mut self, frame: usize) -> Result<Option<FrameStamp>, FrameError> {
        let syntax = self.index.config.syntax();
        Ok(syntax.stamp_of(self.access_unit(frame)?))
    }

    /// The picture of a frame, coded size.
    ///
    /// # Errors
    /// When there is no such frame, or it or one that it builds on cannot be read or is damaged. Other frames can still be
    /// asked for.
    pub fn decode(&mut self, frame: usize) -> Result<Arc<Planar>, FrameError> {
        self.approach(frame, usize::MAX)?;
        self.cache.get(frame).ok_or(FrameError::OutOfRange { frame, len: self.len() })
    }

    /// Decodes at most `decodes` access units on the way to a frame; answers with how many are left. At 0 its picture is there.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn approach(&mut self, frame: usize, decodes: usize) -> Result<usize, FrameError> {
        let Some(keyframe) = self.keyframe_before(frame) else {
            return Err(FrameError::OutOfRange { frame, len: self.len() });
        };
        if self.cache.get(frame).is_some() {
            return Ok(0);
        }
        if let Some(damage) = &self.damage
            && damage.keyframe == keyframe
            && damage.frame <= frame
        {
            return Err(FrameError::Damaged { frame, damaged: damage.frame, why: damage.why.clone() });
        }
        let start = self.next.filter(|next| (keyframe..=frame).contains(next)).unwrap_or(keyframe);
        let end = start.saturating_add(decodes).min(frame + 1);
        for step in start..end {
            self.next = None;
            match self.step(step) {
                Ok(picture) => self.cache.put(step, frame, picture),
                Err(FrameError::Damaged { why, .. }) => {
                    self.damage = Some(Damage { keyframe, frame: step, why: why.clone() });
                    return Err(FrameError::Damaged { frame, damaged: step, why });
                }
                Err(error) => return Err(error),
            }
            self.next = Some(step + 1);
        }
        Ok(frame + 1 - end)
    }

    /// The picture of a frame in RGB, as large as the surface.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn rgb(&mut self, frame: usize) -> Result<Rgb, FrameError> {
        let decoded = self.decode(frame)?;
        rgb::to_rgb(&decoded, self.index.surface).map_err(|why| FrameError::Damaged { frame, damaged: frame, why })
    }

    /// The picture of a frame in RGB, scaled down to `size` (see [`rgb::fit`] for one of the same proportions).
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn rgb_scaled(&mut self, frame: usize, size: (u32, u32)) -> Result<Rgb, FrameError> {
        let decoded = self.decode(frame)?;
        rgb::to_rgb_scaled(&decoded, self.index.surface, size).map_err(|why| FrameError::Damaged {
            frame,
            damaged: frame,
            why,
        })
    }

    /// Makes the cache hold so little that everything is decoded again.
    #[cfg(test)]
    pub(crate) fn cache_for_test(&mut self, pictures: usize) {
        self.cache.most = pictures;
    }

    /// Decodes one access unit; the decoder has seen what it builds on.
    fn step(&mut self, frame: usize) -> Result<Planar, FrameError> {
        self.access_unit(frame)?;
        let keyframe = self.index.samples[frame].keyframe;
        if keyframe && !self.index.config.syntax().is_idr(&self.unit) {
            // Readers seek to it and return another picture without an error.
            let why = "it is marked as one that decoding can begin with, and is no IDR".to_owned();
            return Err(FrameError::Damaged { frame, damaged: frame, why });
        }
        let refused = |error: DecodeError| match error {
            DecodeError::Damaged(why) => FrameError::Damaged { frame, damaged: frame, why },
            DecodeError::Failed(why) => FrameError::Decoder { why },
            DecodeError::Absent { .. } => FrameError::Absent { source: error },
        };
        let (sampling, (width, height)) = (self.index.sampling, self.index.coded);
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => {
                none.insert(decode::open(&self.index.config, StreamInfo { width, height, sampling }).map_err(refused)?)
            }
        };
        self.decoded += 1;
        let spare = self.cache.spare.take();
        let mut picture = spare.unwrap_or_else(|| Planar::new(sampling, width, height));
        let decoded = decoder.decode(&self.unit, keyframe, &mut picture);
        if decoded.is_err() {
            // What it holds now is not known.
            self.decoder = None;
        }
        decoded.map_err(refused)?;
        Ok(picture)
    }
}

fn keyframe_numbers(samples: &[Sample], first: usize) -> Vec<u32> {
    let numbered = (first as u32..).zip(samples);
    numbered.filter(|(_, sample)| sample.keyframe).map(|(number, _)| number).collect()
}

/// Decoded pictures; the one farthest from where decoding is going leaves first.
#[derive(Default)]
struct Cache {
    pictures: Vec<(usize, Arc<Planar>)>,
    most: usize,
    /// A picture that left, to be written over: saves fresh memory for each frame.
    spare: Option<Planar>,
}

impl Cache {
    fn get(&self, frame: usize) -> Option<Arc<Planar>> {
        self.pictures.iter().find(|(held, _)| *held == frame).map(|(_, picture)| Arc::clone(picture))
    }

    fn put(&mut self, frame: usize, target: usize, picture: Planar) {
        self.pictures.retain(|(held, _)| *held != frame);
        self.pictures.push((frame, Arc::new(picture)));
        while self.pictures.len() > self.most {
            let farthest = (0..self.pictures.len()).max_by_key(|at| self.pictures[*at].0.abs_diff(target));
            let Some((_, left)) = farthest.map(|at| self.pictures.swap_remove(at)) else { return };
            self.spare = Arc::into_inner(left).or(self.spare.take());
        }
    }
}
