//! The index of a video: one [`Sample`] per frame, and reading them from a sealed session's `moov`.
//!
//! Reading is bounded: box sizes are checked against the file before anything is allocated, the index against
//! [`MAX_MOOV`] and [`MAX_SAMPLES`], every sample against the file's length. Hostile files get an [`IndexError`]. Only what
//! this format writes is understood: one H.264 track, microseconds, no composition offsets and no edit list.

use std::fs::File;
use std::io;

use crate::encode::ParameterSets;
use crate::file_at::read_exact_at;
use crate::session::sps::{self, SpsInfo};

/// Ticks per second of the video track: the container carries the capture time to half a microsecond.
pub const TIMESCALE: u32 = 1_000_000;

/// Most samples of a video: 32 hours at 60 fps, 8 at 240. 24 bytes each in memory, 161 MiB.
pub const MAX_SAMPLES: usize = 7_000_000;

/// Most bytes of a `moov`: [`MAX_SAMPLES`] x 12 bytes (`stts` 8, `stsz` 4), 80 MiB, and a tenth more for chunks and sync samples. With
/// the samples made of it, 249 MiB are held at most while a file is opened.
pub const MAX_MOOV: u64 = 88 << 20;

/// Most boxes at the top level of a file: 8 TiB of video in boxes of 64 MiB. Also bounds the time a hostile file costs.
const MAX_TOP_LEVEL: usize = 1 << 17;

/// Largest access unit: a picture of [`sps::MAX_MACROBLOCKS`] without any compression (I_PCM, 384 bytes each) has 14.2 MB.
pub const MAX_ACCESS_UNIT: u32 = 16 << 20;

/// Bytes of one [`Sample`], for the arithmetic above.
const _: () = assert!(size_of::<Sample>() == 24);

/// The presentation time of a frame, microseconds: `t_ns` from that of frame 0, rounded half up.
pub fn pts_us(t_ns: i64, t0_ns: i64) -> i64 {
    let nanoseconds = i128::from(t_ns) - i128::from(t0_ns);
    i64::try_from((nanoseconds + 500).div_euclid(1000)).unwrap_or(i64::MAX)
}

/// One frame in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Its first byte, from the start of the file.
    pub offset: u64,
    /// Presentation (and decoding) time in microseconds; the first frame's is 0.
    pub pts_us: i64,
    /// Its bytes.
    pub size: u32,
    /// Decoding can start here (IDR).
    pub keyframe: bool,
}

/// What a video holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VideoIndex {
    /// Frame i is sample i.
    pub samples: Vec<Sample>,
    /// What the decoder needs first.
    pub sets: ParameterSets,
    /// Coded size in pixels, even.
    pub coded: (u32, u32),
    /// The captured surface's size; at most one pixel less than `coded` on each side.
    pub surface: (u32, u32),
}

/// Why a video's index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The system failed.
    #[error("cannot read at {offset}: {source}")]
    Read {
        /// Where.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The boxes do not fit together.
    #[error("the index is damaged: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// There is no `moov` box: the log was not finalized, or the file was cut.
    #[error("there is no index (moov box)")]
    NoIndex,
    /// A number is beyond what a reader takes on.
    #[error("{what} is {found}, the most that is read is {most}")]
    Limit {
        /// Which.
        what: &'static str,
        /// The number found.
        found: u64,
        /// The bound.
        most: u64,
    },
    /// A valid file, but not one of this format.
    #[error("this is not a video of a watchcap session: {what}")]
    Unsupported {
        /// What it has.
        what: &'static str,
    },
}

impl IndexError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoIndex => Some("run `watchcap finalize` on its session".into()),
            Self::Malformed { .. } => Some("run `watchcap verify` on its session to see what was damaged".into()),
            _ => None,
        }
    }
}

pub(super) fn malformed(what: &'static str) -> IndexError {
    IndexError::Malformed { what }
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
pub(super) fn find_moov(file: &File) -> Result<(Vec<u8>, u64), IndexError> {
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
    let mdia = required(trak, *b"mdia", "a track has no media")?;
    let mdhd = required(mdia, *b"mdhd", "a track has no media header")?;
    let timescale_at = match mdhd.first() {
        Some(0) => 12,
        Some(1) => 20,
        _ => return Err(malformed("the media header has no known version")),
    };
    if be32(mdhd, timescale_at)? != TIMESCALE {
        return Err(IndexError::Unsupported { what: "a timescale other than microseconds" });
    }
    let minf = required(mdia, *b"minf", "a track has no media information")?;
    let stbl = required(minf, *b"stbl", "a track has no sample table")?;
    if child(stbl, *b"ctts")?.is_some() {
        return Err(IndexError::Unsupported { what: "composition offsets" });
    }
    let (sets, entry_size) = sample_entry(required(stbl, *b"stsd", "there is no sample description")?)?;
    let info = checked_sps(&sets)?;
    if entry_size != (info.width, info.height) {
        return Err(malformed("the sample description and the stream differ in size"));
    }
    let surface = surface_size(tkhd, (info.width, info.height))?;
    let samples = samples(stbl, file_len)?;
    Ok(VideoIndex { samples, sets, coded: (info.width, info.height), surface })
}

/// The size that a stream of these parameter sets has, when a decoder may be given them.
pub(crate) fn checked_sps(sets: &ParameterSets) -> Result<SpsInfo, IndexError> {
    let info = sps::parse(&sets.sps).ok_or(malformed("the sequence parameter set cannot be read"))?;
    if info.macroblocks > sps::MAX_MACROBLOCKS {
        let (found, most) = (info.macroblocks, sps::MAX_MACROBLOCKS);
        return Err(IndexError::Limit { what: "the number of macroblocks", found, most });
    }
    if info.reference_frames > sps::MAX_REFERENCE_FRAMES {
        let (found, most) = (info.reference_frames, sps::MAX_REFERENCE_FRAMES);
        return Err(IndexError::Limit { what: "the number of reference frames", found, most });
    }
    if info.width == 0 || info.height == 0 || info.width % 2 == 1 || info.height % 2 == 1 {
        return Err(IndexError::Unsupported { what: "a picture without even sides" });
    }
    Ok(info)
}

pub(super) fn video_track(moov: &[u8]) -> Result<&[u8], IndexError> {
    for item in Boxes(moov) {
        let (kind, body) = item?;
        if &kind == b"trak"
            && let Some(mdia) = child(body, *b"mdia")?
            && let Some(hdlr) = child(mdia, *b"hdlr")?
            && hdlr.get(8..12) == Some(b"vide")
        {
            return Ok(body);
        }
    }
    Err(malformed("there is no video track"))
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

/// The parameter sets and the coded size in the one sample description.
fn sample_entry(stsd: &[u8]) -> Result<(ParameterSets, (u32, u32)), IndexError> {
    if be32(stsd, 4)? != 1 {
        return Err(IndexError::Unsupported { what: "more than one sample description" });
    }
    let entry = Boxes(stsd.get(8..).unwrap_or_default()).next().ok_or(malformed("there is no sample description"))?;
    let (kind, body) = entry?;
    if &kind != b"avc1" {
        return Err(IndexError::Unsupported { what: "a codec other than H.264" });
    }
    let size = (u32::from(be16(body, 24)?), u32::from(be16(body, 26)?));
    // A visual sample entry is 78 bytes, then come boxes.
    let avcc = required(body.get(78..).unwrap_or_default(), *b"avcC", "there are no parameter sets")?;
    if avcc.first() != Some(&1) || avcc.get(4).is_none_or(|flags| flags & 3 != 3) {
        return Err(IndexError::Unsupported { what: "NAL unit lengths that are not of four bytes" });
    }
    let mut at = 5;
    let mut one_set = |mask: u8| {
        let count = *avcc.get(at).ok_or(malformed("the parameter sets are cut off"))? & mask;
        if count != 1 {
            return Err(IndexError::Unsupported { what: "not exactly one parameter set of each kind" });
        }
        let len = usize::from(be16(avcc, at + 1)?);
        let set = avcc.get(at + 3..at + 3 + len).ok_or(malformed("the parameter sets are cut off"))?;
        at += 3 + len;
        Ok(set.to_vec())
    };
    let sets = ParameterSets { sps: one_set(0x1f)?, pps: one_set(0xff)? };
    if sets.sps.len() < 4 || sets.pps.is_empty() {
        return Err(malformed("a parameter set is empty"));
    }
    Ok((sets, size))
}

fn samples(stbl: &[u8], file_len: u64) -> Result<Vec<Sample>, IndexError> {
    let mut samples = sized_samples(stbl)?;
    place_samples(stbl, file_len, &mut samples)?;
    time_samples(stbl, &mut samples)?;
    mark_keyframes(stbl, &mut samples)?;
    Ok(samples)
}

/// As many samples as there are sizes, with nothing but these.
pub(super) fn sized_samples(stbl: &[u8]) -> Result<Vec<Sample>, IndexError> {
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
pub(super) fn place_samples(stbl: &[u8], file_len: u64, samples: &mut [Sample]) -> Result<(), IndexError> {
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
pub(super) fn mark_keyframes(stbl: &[u8], samples: &mut [Sample]) -> Result<(), IndexError> {
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

/// The boxes of a slice, one behind the other: kind and contents. Stops after the first error.
pub(super) struct Boxes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<([u8; 4], &'a [u8]), IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = split_box(self.0);
        self.0 = split.as_ref().map_or(&[], |(_, _, rest)| rest);
        Some(split.map(|(kind, body, _)| (kind, body)))
    }
}

#[expect(clippy::type_complexity, reason = "kind, contents and rest, used in the one place above")]
fn split_box(bytes: &[u8]) -> Result<([u8; 4], &[u8], &[u8]), IndexError> {
    let damaged = || malformed("a box does not fit into the one around it");
    let (mut size, mut header) = (u64::from(be32(bytes, 0)?), 8);
    let kind = *bytes.get(4..).and_then(<[u8]>::first_chunk::<4>).ok_or_else(damaged)?;
    if size == 1 {
        (size, header) = (be64(bytes, 8)?, 16);
    }
    let size = usize::try_from(size).map_err(|_overflow| damaged())?;
    if size < header || size > bytes.len() {
        return Err(damaged());
    }
    Ok((kind, &bytes[header..size], &bytes[size..]))
}

pub(super) fn child(parent: &[u8], kind: [u8; 4]) -> Result<Option<&[u8]>, IndexError> {
    for item in Boxes(parent) {
        let (found, body) = item?;
        if found == kind {
            return Ok(Some(body));
        }
    }
    Ok(None)
}

pub(super) fn required<'a>(parent: &'a [u8], kind: [u8; 4], what: &'static str) -> Result<&'a [u8], IndexError> {
    child(parent, kind)?.ok_or(malformed(what))
}

/// `count` entries of `width` bytes from `at` on.
pub(super) fn table(body: &[u8], at: usize, count: usize, width: usize) -> Result<&[u8], IndexError> {
    count
        .checked_mul(width)
        .and_then(|bytes| body.get(at..at.checked_add(bytes)?))
        .ok_or(malformed("a table is longer than its box"))
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Result<u16, IndexError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(malformed("a field is cut off"))?;
    Ok(u16::from_be_bytes(*field))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Result<u32, IndexError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(malformed("a field is cut off"))?;
    Ok(u32::from_be_bytes(*field))
}

pub(super) fn be64(bytes: &[u8], at: usize) -> Result<u64, IndexError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(malformed("a field is cut off"))?;
    Ok(u64::from_be_bytes(*field))
}
