//! The index of the video: from the list of frames to the bytes of a `moov` box.
//!
//! A pure function: the same frames give the same bytes (times of creation are 0, "not known"). Frame times are exact: in
//! microseconds, or at a constant rate in ticks that the rate divides. DTS = PTS, no edit list, one sample description. The boxes are the `mp4` crate's, apart from the sample
//! description ([`super::description`]). Nothing here touches a file.

use mp4::{MoovBox, Mp4Box, WriteBox};

use super::description;
use crate::media::mp4::index::{MAX_SAMPLES, TIMESCALE};
use crate::media::track::CodecConfig;
pub use crate::media::track::{Colour, Sample};

/// Longest time between the first and the last frame of a chunk, microseconds: a player reads about one chunk ahead.
const CHUNK_US: i64 = 1_000_000;

/// Longest time between two frames, microseconds: 70 minutes. The field would hold 71.6, but ffmpeg takes durations above
/// 2^32 - 480,000 for an error and plays them as one tick (`mov_read_stts`; found with ffprobe 5.1).
pub const MAX_GAP_US: i64 = 4_200_000_000;

/// Ticks of a frame at a constant rate. Any number makes every time exact; this one keeps 240 fps below 2^32 ticks for nine hours.
const FRAME_TICKS: u32 = 512;

/// What the index says of the track as a whole.
#[derive(Clone, Debug)]
pub struct VideoTrack<'a> {
    /// How it is coded.
    pub config: &'a CodecConfig,
    /// Coded size in pixels, even.
    pub coded: (u32, u32),
    /// The surface's size: what a player shows. `coded` is this, odd sides grown by one.
    pub surface: (u32, u32),
    /// How long the only frame of a video of one frame lasts, microseconds; otherwise the last lasts as long as the one before.
    pub nominal_frame_us: u32,
    /// Frames per second when the rate is constant: frame *i* is at exactly `i / rate`, since the timescale is a multiple of it, and the last
    /// frame lasts as long as the others. Readers that compute a frame's time from its number (torchcodec's approximate mode)
    /// find it then; in microseconds every third frame of 30 fps would be the one before. `None`: times are in microseconds.
    pub rate: Option<u32>,
}

/// Why an index cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MoovError {
    /// There are more frames than a reader takes.
    #[error("{found} frames are too many, {MAX_SAMPLES} are possible")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// The first frame is not at time 0 or is not a keyframe.
    #[error("the video starts with a frame at {pts_us} us, keyframe {keyframe}: it must be a keyframe at 0")]
    Start {
        /// Its time.
        pts_us: i64,
        /// Whether it is a keyframe.
        keyframe: bool,
    },
    /// A frame is not later than the one before, or more than [`MAX_GAP_US`] later.
    #[error("frame {frame} lies {gap_us} us after the one before: 1 to {MAX_GAP_US} are possible")]
    Gap {
        /// The later of the two.
        frame: usize,
        /// What lies between them, microseconds.
        gap_us: i64,
    },
    /// A frame is not where the constant rate has it.
    #[error("frame {frame} lies at {pts_us} us, which is not its place at {rate} frames per second")]
    Rate {
        /// Which.
        frame: usize,
        /// Its time.
        pts_us: i64,
        /// Frames per second.
        rate: u32,
    },
    /// A frame has no bytes.
    #[error("frame {frame} is empty")]
    Empty {
        /// Which.
        frame: usize,
    },
    /// The sizes do not fit together or into 16 bits.
    #[error("a picture of {coded:?} for a surface of {surface:?} is not possible")]
    Size {
        /// Coded size.
        coded: (u32, u32),
        /// Surface size.
        surface: (u32, u32),
    },
    /// The parameter sets are no parameter sets.
    #[error("the parameter sets are empty or cut off (bytes: {sizes:?})")]
    Sets {
        /// Bytes of each.
        sizes: Vec<usize>,
    },
    /// Sound of this kind cannot be described.
    #[error("sound of {rate} samples per second in {channels} channels is not possible")]
    Sound {
        /// Samples per second.
        rate: u32,
        /// Channels.
        channels: u16,
    },
    /// There is no more than what is left out at the start.
    #[error("there is no sound behind the {priming} samples at the start that are left out")]
    Priming {
        /// Samples that are left out.
        priming: u32,
    },
    /// A box could not be written.
    #[error("cannot write the index: {why}")]
    Write {
        /// What the library said.
        why: String,
    },
}

/// [`build_with`] for a video that this program encoded.
///
/// # Errors
/// As there.
pub fn build(samples: &[Sample], track: &VideoTrack<'_>) -> Result<Vec<u8>, MoovError> {
    build_with(samples, track, Some(track.config.colour()))
}

/// The `moov` box for these frames, header included. Frame i is sample i.
///
/// # Errors
/// When the frames are not what a video of this format may hold: see [`MoovError`].
#[expect(
    clippy::default_trait_access,
    reason = "the mp4 crate exports MoovBox alone, the boxes in it have no name outside"
)]
pub fn build_with(samples: &[Sample], track: &VideoTrack<'_>, colour: Option<Colour>) -> Result<Vec<u8>, MoovError> {
    let last_us = check(samples, track)?;
    let times = Times::of(samples, track, last_us);
    let (timescale, duration) = (times.timescale, times.duration);
    let mut moov = single_track(timescale, duration, 0, &times.runs);
    let trak = &mut moov.traks[0];
    trak.tkhd.width = mp4::FixedPointU16::new(track.surface.0 as u16);
    trak.tkhd.height = mp4::FixedPointU16::new(track.surface.1 as u16);
    let mdia = &mut trak.mdia;
    mdia.hdlr.handler_type = mp4::FourCC { value: *b"vide" };
    mdia.hdlr.name = "VideoHandler".into();
    mdia.minf.vmhd.insert(Default::default()).flags = 1; // required by ISO/IEC 14496-12, 12.1.2
    place(&mut moov, samples);

    let description = description::write(track.config, track.coded, colour).map_err(|why| MoovError::Write { why })?;
    written(&moov, &description)
}

/// Returns an index of one track, without its kind and its samples' places: how long it is, and how long each run of samples lasts.
#[expect(
    clippy::default_trait_access,
    reason = "the mp4 crate exports MoovBox alone, the boxes in it have no name outside"
)]
pub(super) fn single_track(timescale: u32, duration: u64, volume: u8, runs: &[(u32, u32)]) -> MoovBox {
    let version = u8::from(duration > u64::from(u32::MAX));
    let mut moov = MoovBox::default();
    moov.mvhd.version = version;
    moov.mvhd.timescale = timescale;
    moov.mvhd.duration = duration;
    moov.mvhd.next_track_id = 2;
    moov.traks.push(Default::default());
    let trak = &mut moov.traks[0];
    trak.tkhd.version = version;
    trak.tkhd.flags = 3; // enabled, in the movie
    trak.tkhd.track_id = 1;
    trak.tkhd.duration = duration;
    trak.tkhd.volume = mp4::FixedPointU8::new(volume);
    let mdia = &mut trak.mdia;
    mdia.mdhd.version = version;
    mdia.mdhd.timescale = timescale;
    mdia.mdhd.duration = duration;
    mdia.mdhd.language = "und".into();
    let stts = &mut mdia.minf.stbl.stts;
    for (count, delta) in runs {
        stts.entries.push(Default::default());
        if let Some(run) = stts.entries.last_mut() {
            (run.sample_count, run.sample_delta) = (*count, *delta);
        }
    }
    moov
}

/// Returns the bytes of an index, with this sample description in the place of the one that the crate writes.
pub(super) fn written(moov: &MoovBox, description: &[u8]) -> Result<Vec<u8>, MoovError> {
    let mut bytes = Vec::with_capacity(moov.box_size() as usize + description.len());
    moov.write_box(&mut bytes).map_err(|error| MoovError::Write { why: error.to_string() })?;
    replace_description(&mut bytes, description)?;
    Ok(bytes)
}

/// Says where the samples of the only track are: sizes, keyframes, and chunks of samples that touch.
#[expect(
    clippy::default_trait_access,
    reason = "the mp4 crate exports MoovBox alone, the boxes in it have no name outside"
)]
pub(super) fn place(moov: &mut MoovBox, samples: &[Sample]) {
    let Some(trak) = moov.traks.first_mut() else { return };
    let stbl = &mut trak.mdia.minf.stbl;
    stbl.stsz.sample_count = samples.len() as u32;
    stbl.stsz.sample_sizes = samples.iter().map(|sample| sample.size).collect();
    if samples.iter().any(|sample| !sample.keyframe) {
        let numbers = (1..).zip(samples).filter(|(_, sample)| sample.keyframe).map(|(number, _)| number).collect();
        stbl.stss.insert(Default::default()).entries = numbers;
    }

    // Chunks: samples that touch in the file and begin within a second of each other.
    let mut chunk_offsets = Vec::new();
    for chunk in chunks(samples) {
        chunk_offsets.push(chunk[0].offset);
        let held = chunk.len() as u32;
        if stbl.stsc.entries.last().is_none_or(|run| run.samples_per_chunk != held) {
            stbl.stsc.entries.push(Default::default());
            if let Some(run) = stbl.stsc.entries.last_mut() {
                run.first_chunk = chunk_offsets.len() as u32;
                run.samples_per_chunk = held;
                run.sample_description_index = 1;
            }
        }
    }
    if chunk_offsets.last().is_some_and(|last| u32::try_from(*last).is_err()) {
        stbl.co64.insert(Default::default()).entries = chunk_offsets;
    } else {
        stbl.stco.insert(Default::default()).entries = chunk_offsets.iter().map(|offset| *offset as u32).collect();
    }
}

/// Where a rate has a frame, microseconds: rounded down.
pub fn constant_pts_us(frame: u64, rate: u32) -> i64 {
    (u128::from(frame) * 1_000_000 / u128::from(rate.max(1))) as i64
}

/// When frames are shown, in ticks.
struct Times {
    /// Ticks per second.
    timescale: u32,
    /// From the first frame to the end of the last.
    duration: u64,
    /// How many frames in a row last how long.
    runs: Vec<(u32, u32)>,
}

impl Times {
    fn of(samples: &[Sample], track: &VideoTrack<'_>, last_us: u32) -> Self {
        if let Some(rate) = track.rate {
            let runs = if samples.is_empty() { Vec::new() } else { vec![(samples.len() as u32, FRAME_TICKS)] };
            let duration = samples.len() as u64 * u64::from(FRAME_TICKS);
            return Self { timescale: rate.max(1).saturating_mul(FRAME_TICKS), duration, runs };
        }
        // Real capture times differ by microseconds, so expect one run per frame.
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (index, sample) in samples.iter().enumerate() {
            let delta = samples.get(index + 1).map_or(last_us, |next| (next.pts_us - sample.pts_us) as u32);
            match runs.last_mut() {
                Some((count, run)) if *run == delta => *count += 1,
                _ => runs.push((1, delta)),
            }
        }
        let duration = samples.last().map_or(0, |last| last.pts_us as u64 + u64::from(last_us));
        Self { timescale: TIMESCALE, duration, runs }
    }
}

/// Checks the frames; gives how long the last one lasts.
fn check(samples: &[Sample], track: &VideoTrack<'_>) -> Result<u32, MoovError> {
    let (coded, surface) = (track.coded, track.surface);
    let fits =
        |coded: u32, surface: u32| surface > 0 && coded == surface.next_multiple_of(2) && u16::try_from(coded).is_ok();
    if !fits(coded.0, surface.0) || !fits(coded.1, surface.1) {
        return Err(MoovError::Size { coded, surface });
    }
    description::check(track.config).map_err(|sizes| MoovError::Sets { sizes })?;
    if samples.len() > MAX_SAMPLES {
        return Err(MoovError::TooMany { found: samples.len() });
    }
    if let Some(first) = samples.first()
        && (first.pts_us != 0 || !first.keyframe)
    {
        return Err(MoovError::Start { pts_us: first.pts_us, keyframe: first.keyframe });
    }
    if let Some(frame) = samples.iter().position(|sample| sample.size == 0) {
        return Err(MoovError::Empty { frame });
    }
    if let Some(rate) = track.rate {
        let mut placed = (0..).zip(samples);
        if let Some((frame, sample)) = placed.find(|(frame, sample)| sample.pts_us != constant_pts_us(*frame, rate)) {
            return Err(MoovError::Rate { frame: frame as usize, pts_us: sample.pts_us, rate });
        }
    }
    let mut last_us = track.nominal_frame_us.max(1);
    for (frame, pair) in (1..).zip(samples.windows(2)) {
        let gap_us = pair[1].pts_us.saturating_sub(pair[0].pts_us);
        if !(1..=MAX_GAP_US).contains(&gap_us) {
            return Err(MoovError::Gap { frame, gap_us });
        }
        last_us = gap_us as u32;
    }
    Ok(last_us)
}

/// The runs of samples that make a chunk each.
fn chunks(samples: &[Sample]) -> impl Iterator<Item = &[Sample]> {
    let mut rest = samples;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let touching = rest
            .windows(2)
            .take_while(|pair| {
                pair[0].offset.checked_add(u64::from(pair[0].size)) == Some(pair[1].offset)
                    && pair[1].pts_us - first.pts_us < CHUNK_US
            })
            .count();
        let (chunk, after) = rest.split_at(touching + 1);
        rest = after;
        Some(chunk)
    })
}

/// Puts `description` in the place of the `stsd` that the `mp4` crate wrote, and lets the boxes around it grow.
pub(super) fn replace_description(moov: &mut Vec<u8>, description: &[u8]) -> Result<(), MoovError> {
    const PATH: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
    let lost = || MoovError::Write { why: "the sample description is not where it was written".into() };
    let size_at =
        |bytes: &[u8], at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|size| u32::from_be_bytes(*size));
    let (mut at, mut around) = (0, Vec::new());
    for (depth, kind) in PATH.into_iter().enumerate() {
        while moov.get(at + 4..at + 8).ok_or_else(lost)? != kind {
            at += size_at(moov, at).filter(|size| *size >= 8).ok_or_else(lost)? as usize;
        }
        if depth + 1 < PATH.len() {
            around.push(at);
            at += 8;
        }
    }
    let old = size_at(moov, at).ok_or_else(lost)? as usize;
    if moov.len() < at + old {
        return Err(lost());
    }
    for start in around {
        let grown = size_at(moov, start).ok_or_else(lost)? as usize - old + description.len();
        let grown = u32::try_from(grown).map_err(|_overflow| lost())?;
        moov[start..start + 4].copy_from_slice(&grown.to_be_bytes());
    }
    moov.splice(at..at + old, description.iter().copied());
    Ok(())
}

#[cfg(test)]
#[path = "moov_tests.rs"]
mod tests;
