//! The index of a video: one [`Sample`] per frame, and reading them from a sealed session's `moov`.
//!
//! Reading is bounded: box sizes are checked against the file before anything is allocated, the index against
//! [`MAX_MOOV`] and [`MAX_SAMPLES`], every sample against the file's length. Hostile files get an [`IndexError`]. Only what
//! this format writes is understood: one track of pictures, microseconds, no composition offsets and no edit list.

use std::fs::File;

pub use super::boxes::IndexError;
use super::boxes::{be32, be64, child, malformed, required, table};
use super::description;
use super::trak::{self, Media};
use crate::base::file_at::read_exact_at;
use crate::media::codec::{StreamFault, StreamInfo};
use crate::media::picture::Sampling;
use crate::media::track::CodecConfig;
pub use crate::media::track::Sample;

/// Ticks per second of the video track: the container carries the capture time to half a microsecond.
pub const TIMESCALE: u32 = 1_000_000;

/// Most samples of a video: 32 hours at 60 fps, 8 at 240. 24 bytes each in memory, 161 MiB.
pub const MAX_SAMPLES: usize = 7_000_000;

/// Most bytes of a `moov`: [`MAX_SAMPLES`] x 12 bytes (`stts` 8, `stsz` 4), 80 MiB, and a tenth more for chunks and sync samples. With
/// the samples made of it, 249 MiB are held at most while a file is opened.
pub const MAX_MOOV: u64 = 88 << 20;

/// Most boxes at the top level of a file: 8 TiB of video in boxes of 64 MiB. Also bounds the time a hostile file costs.
const MAX_TOP_LEVEL: usize = 1 << 17;

/// Largest access unit: a picture of [`MAX_MACROBLOCKS`](crate::media::avc::sps::MAX_MACROBLOCKS) in 4:4:4 without any compression (I_PCM, 768 bytes each) has 28.3 MB.
pub const MAX_ACCESS_UNIT: u32 = 32 << 20;

/// Bytes of one [`Sample`], for the arithmetic above.
const _: () = assert!(size_of::<Sample>() == 24);

/// The presentation time of a frame, microseconds: `t_ns` from that of frame 0, rounded half up.
pub fn pts_us(t_ns: i64, t0_ns: i64) -> i64 {
    let nanoseconds = i128::from(t_ns) - i128::from(t0_ns);
    i64::try_from((nanoseconds + 500).div_euclid(1000)).unwrap_or(i64::MAX)
}

/// What a video holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VideoIndex {
    /// Frame i is sample i.
    pub samples: Vec<Sample>,
    /// What the decoder needs first.
    pub config: CodecConfig,
    /// Coded size in pixels, even.
    pub coded: (u32, u32),
    /// What the planes of a picture are.
    pub sampling: Sampling,
    /// The captured surface's size; at most one pixel less than `coded` on each side.
    pub surface: (u32, u32),
}

/// Reads the index of a video file.
///
/// # Errors
/// When the file is not a video of this format, is damaged or cannot be read.
pub fn read_index(file: &File) -> Result<VideoIndex, IndexError> {
    let (moov, len) = find_moov(file)?;
    parse_moov(&moov, len)
}

/// The contents of the file's `moov` box, and the file's length.
pub(crate) fn find_moov(file: &File) -> Result<(Vec<u8>, u64), IndexError> {
    let len = file.metadata().map_err(|source| IndexError::Read { offset: 0, source })?.len();
    let mut at = 0;
    for _ in 0..MAX_TOP_LEVEL {
        if at == len {
            return Err(IndexError::NoIndex);
        }
        let read = |bytes: &mut [u8], offset| {
            if offset + bytes.len() as u64 > len {
                return Err(malformed("a box header is cut off"));
            }
            read_exact_at(file, bytes, offset).map_err(|source| IndexError::Read { offset, source })
        };
        let mut head = [0; 8];
        read(&mut head, at)?;
        let (mut size, mut header) = (u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])), 8);
        if size == 1 {
            let mut large = [0; 8];
            read(&mut large, at + 8)?;
            (size, header) = (u64::from_be_bytes(large), 16);
        } else if size == 0 {
            size = len - at;
        }
        if size < header {
            return Err(malformed("a box is smaller than its header"));
        }
        let end = at
            .checked_add(size)
            .filter(|end| *end <= len)
            .ok_or(malformed("a box reaches past the end of the file"))?;
        if &head[4..] == b"moov" {
            let body = size - header;
            if body > MAX_MOOV {
                return Err(IndexError::Limit { what: "the size of the index", found: body, most: MAX_MOOV });
            }
            let mut moov = vec![0; body as usize];
            read(&mut moov, at + header)?;
            return Ok((moov, len));
        }
        at = end;
    }
    Err(IndexError::Limit { what: "the number of boxes", found: MAX_TOP_LEVEL as u64 + 1, most: MAX_TOP_LEVEL as u64 })
}

/// Reads the contents of a `moov` box (without its header) of a file of `file_len` bytes.
///
/// # Errors
/// When they are damaged or not of this format.
pub fn parse_moov(moov: &[u8], file_len: u64) -> Result<VideoIndex, IndexError> {
    let trak = video_track(moov)?;
    if child(trak, *b"edts")?.is_some() {
        return Err(IndexError::Unsupported { what: "an edit list" });
    }
    let tkhd = required(trak, *b"tkhd", "a track has no header")?;
    let Media { timescale, stbl } = Media::of(trak)?;
    if timescale != TIMESCALE {
        return Err(IndexError::Unsupported { what: "a timescale other than microseconds" });
    }
    if child(stbl, *b"ctts")?.is_some() {
        return Err(IndexError::Unsupported { what: "composition offsets" });
    }
    let (config, entry_size) = description::read(required(stbl, *b"stsd", "there is no sample description")?)?;
    let info = checked(&config)?;
    if entry_size != (info.width, info.height) {
        return Err(malformed("the sample description and the stream differ in size"));
    }
    let surface = surface_size(tkhd, (info.width, info.height))?;
    let samples = samples(stbl, file_len)?;
    Ok(VideoIndex { samples, config, coded: (info.width, info.height), sampling: info.sampling, surface })
}

/// The size that the pictures of a stream have, when a decoder may be given it.
pub(crate) fn checked(config: &CodecConfig) -> Result<StreamInfo, IndexError> {
    config.stream_info().map_err(|fault| match fault {
        StreamFault::Unreadable => malformed("the sequence parameter set cannot be read"),
        StreamFault::Limit { what, found, most } => IndexError::Limit { what, found, most },
        StreamFault::Unsupported { what } => IndexError::Unsupported { what },
    })
}

pub(crate) fn video_track(moov: &[u8]) -> Result<&[u8], IndexError> {
    trak::of_handler(moov, *b"vide", "there is no video track")
}

/// The track header's size is the surface's; it may only be what padding to even sides makes of it.
fn surface_size(tkhd: &[u8], coded: (u32, u32)) -> Result<(u32, u32), IndexError> {
    let at = match tkhd.first() {
        Some(0) => 76,
        Some(1) => 88,
        _ => return Err(malformed("the track header has no known version")),
    };
    let surface = (be32(tkhd, at)? >> 16, be32(tkhd, at + 4)? >> 16);
    let fits = |shown: u32, coded: u32| shown > 0 && shown <= coded && coded - shown <= 1;
    if fits(surface.0, coded.0) && fits(surface.1, coded.1) {
        Ok(surface)
    } else {
        Err(malformed("the track header's size is not the stream's"))
    }
}

fn samples(stbl: &[u8], file_len: u64) -> Result<Vec<Sample>, IndexError> {
    let mut samples = sized_samples(stbl)?;
    place_samples(stbl, file_len, &mut samples)?;
    time_samples(stbl, &mut samples)?;
    mark_keyframes(stbl, &mut samples)?;
    Ok(samples)
}

/// As many samples as there are sizes, with nothing but these.
pub(crate) fn sized_samples(stbl: &[u8]) -> Result<Vec<Sample>, IndexError> {
    let stsz = required(stbl, *b"stsz", "there are no sample sizes")?;
    let (same_size, count) = (be32(stsz, 4)?, be32(stsz, 8)? as usize);
    if count > MAX_SAMPLES {
        return Err(IndexError::Limit { what: "the number of frames", found: count as u64, most: MAX_SAMPLES as u64 });
    }
    let sizes = if same_size == 0 { Some(table(stsz, 12, count, 4)?) } else { None };
    let mut samples = Vec::with_capacity(count);
    for index in 0..count {
        let size = match sizes {
            Some(sizes) => be32(sizes, index * 4)?,
            None => same_size,
        };
        if size == 0 || size > MAX_ACCESS_UNIT {
            return Err(malformed("a frame has an impossible size"));
        }
        samples.push(Sample { offset: 0, pts_us: 0, size, keyframe: false });
    }
    Ok(samples)
}

/// Offsets from chunks (`stsc`, `stco` or `co64`).
pub(crate) fn place_samples(stbl: &[u8], file_len: u64, samples: &mut [Sample]) -> Result<(), IndexError> {
    let (chunks, width) = match (child(stbl, *b"stco")?, child(stbl, *b"co64")?) {
        (Some(stco), None) => (stco, 4),
        (None, Some(co64)) => (co64, 8),
        _ => return Err(malformed("there is not exactly one table of chunk offsets")),
    };
    let chunk_count = be32(chunks, 4)? as usize;
    let offsets = table(chunks, 8, chunk_count, width)?;
    let stsc = required(stbl, *b"stsc", "there are no chunks")?;
    let runs = table(stsc, 8, be32(stsc, 4)? as usize, 12)?;
    let mut rest = samples.iter_mut();
    let mut run = 0;
    for chunk in 0..chunk_count {
        // Runs name their first chunk, counted from 1.
        while (run + 1) * 12 < runs.len() && be32(runs, (run + 1) * 12)? as usize <= chunk + 1 {
            run += 1;
        }
        if run * 12 >= runs.len() || be32(runs, run * 12)? as usize > chunk + 1 {
            return Err(malformed("a chunk belongs to no run"));
        }
        let mut offset = if width == 4 { u64::from(be32(offsets, chunk * 4)?) } else { be64(offsets, chunk * 8)? };
        for _ in 0..be32(runs, run * 12 + 4)? {
            let sample = rest.next().ok_or(malformed("there are fewer frames than the chunks hold"))?;
            sample.offset = offset;
            offset = offset
                .checked_add(u64::from(sample.size))
                .filter(|end| *end <= file_len)
                .ok_or(malformed("a frame lies past the end of the file"))?;
        }
    }
    if rest.next().is_some() {
        return Err(malformed("there are more frames than the chunks hold"));
    }
    Ok(())
}

/// Times from durations (`stts`).
fn time_samples(stbl: &[u8], samples: &mut [Sample]) -> Result<(), IndexError> {
    let stts = required(stbl, *b"stts", "there are no durations")?;
    let runs = table(stts, 8, be32(stts, 4)? as usize, 8)?;
    let mut rest = samples.iter_mut();
    let mut pts_us = 0;
    for run in runs.chunks_exact(8) {
        let (count, delta) = (be32(run, 0)?, be32(run, 4)?);
        for _ in 0..count {
            let sample = rest.next().ok_or(malformed("there are more durations than frames"))?;
            sample.pts_us = pts_us;
            // At most 2^23 frames of 2^32 microseconds: far below 2^63.
            pts_us += i64::from(delta);
        }
        if delta == 0 && count > 0 {
            return Err(malformed("a frame has no duration"));
        }
    }
    if rest.next().is_some() {
        return Err(malformed("there are fewer durations than frames"));
    }
    Ok(())
}

/// Keyframes from `stss`; without that box every frame is one.
pub(crate) fn mark_keyframes(stbl: &[u8], samples: &mut [Sample]) -> Result<(), IndexError> {
    let Some(stss) = child(stbl, *b"stss")? else {
        for sample in samples {
            sample.keyframe = true;
        }
        return Ok(());
    };
    for number in table(stss, 8, be32(stss, 4)? as usize, 4)?.chunks_exact(4) {
        let index = (be32(number, 0)? as usize).checked_sub(1).ok_or(malformed("keyframes are counted from 1"))?;
        samples.get_mut(index).ok_or(malformed("a keyframe is not among the frames"))?.keyframe = true;
    }
    if samples.first().is_some_and(|first| !first.keyframe) {
        return Err(malformed("the first frame is not a keyframe"));
    }
    Ok(())
}
