//! The index of a video that another program made: what importing it needs, and why it cannot be imported.
//!
//! Bounded like [`super::sample_index`], whose boxes it reads. Understands one H.264 track of a plain MP4 file, any timescale, edit
//! lists (which are passed over: times come from elsewhere), composition offsets that do not reorder, and lengths of NAL units of
//! 1 to 4 bytes.

use std::fs::File;

use super::sample_index::{
    Boxes, IndexError, Sample, be16, be32, child, find_moov, malformed, mark_keyframes, place_samples, required,
    sized_samples, table, video_track,
};
use crate::encode::ParameterSets;

/// What the file says that its samples mean, by the code points of ITU-T H.273: primaries, transfer, matrix, full range.
pub type ColourCodes = (u16, u16, u16, bool);

/// What a video holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForeignIndex {
    /// Places, sizes and keyframes; times are microseconds from the first frame, rounded down.
    pub samples: Vec<Sample>,
    /// The parameter sets; none when they stand in the stream.
    pub sets: Option<ParameterSets>,
    /// Bytes before each NAL unit.
    pub length_bytes: usize,
    /// Size in pixels by the sample description.
    pub size: (u32, u32),
    /// Colours, where the file says them.
    pub colour: Option<ColourCodes>,
}

/// Why another program's video cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// It cannot be read, or not be understood.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// It is not H.264.
    #[error("its codec is {found}, not H.264")]
    Codec {
        /// The four letters of its sample description.
        found: String,
    },
    /// It is a fragmented file.
    #[error("its frames are in fragments")]
    Fragmented,
    /// Frames are not shown in the order in which they are decoded.
    #[error("it has B-frames: frame {frame} is shown before the one that is decoded before it")]
    Reordered {
        /// The first such frame, in decoding order.
        frame: usize,
    },
    /// It has more than one set of parameters.
    #[error("its parameter sets change")]
    Sets,
}

/// Reads the index of a video file.
///
/// # Errors
/// When it is damaged, cannot be read, or cannot be imported.
pub fn read_index(file: &File) -> Result<ForeignIndex, ForeignError> {
    let (moov, len) = find_moov(file)?;
    parse_moov(&moov, len)
}

/// Reads the contents of a `moov` box of a file of `file_len` bytes.
///
/// # Errors
/// As [`read_index`].
pub fn parse_moov(moov: &[u8], file_len: u64) -> Result<ForeignIndex, ForeignError> {
    let trak = video_track(moov)?;
    let mdia = required(trak, *b"mdia", "a track has no media")?;
    let mdhd = required(mdia, *b"mdhd", "a track has no media header")?;
    let timescale_at = match mdhd.first() {
        Some(0) => 12,
        Some(1) => 20,
        _ => return Err(malformed("the media header has no known version").into()),
    };
    let timescale = be32(mdhd, timescale_at)?;
    if timescale == 0 {
        return Err(malformed("the timescale is 0").into());
    }
    let minf = required(mdia, *b"minf", "a track has no media information")?;
    let stbl = required(minf, *b"stbl", "a track has no sample table")?;
    let entry = sample_entry(required(stbl, *b"stsd", "there is no sample description")?)?;
    let mut samples = sized_samples(stbl)?;
    if samples.is_empty() && child(moov, *b"mvex")?.is_some() {
        return Err(ForeignError::Fragmented);
    }
    place_samples(stbl, file_len, &mut samples)?;
    mark_keyframes(stbl, &mut samples)?;
    let ticks = times(stbl, samples.len())?;
    if let Some(frame) = ticks.windows(2).position(|pair| pair[1] <= pair[0]) {
        return Err(ForeignError::Reordered { frame: frame + 1 });
    }
    let first = ticks.first().copied().unwrap_or(0);
    for (sample, at) in samples.iter_mut().zip(&ticks) {
        let microseconds = i128::from(at - first) * 1_000_000 / i128::from(timescale);
        sample.pts_us = i64::try_from(microseconds).unwrap_or(i64::MAX);
    }
    Ok(ForeignIndex {
        samples,
        sets: entry.sets,
        length_bytes: entry.length_bytes,
        size: entry.size,
        colour: entry.colour,
    })
}

/// When each frame is shown, in ticks: durations (`stts`) added up, and composition offsets (`ctts`).
fn times(stbl: &[u8], count: usize) -> Result<Vec<i64>, IndexError> {
    let stts = required(stbl, *b"stts", "there are no durations")?;
    let mut out = Vec::with_capacity(count);
    let mut at = 0i64;
    for run in table(stts, 8, be32(stts, 4)? as usize, 8)?.chunks_exact(8) {
        let (frames, delta) = (be32(run, 0)? as usize, be32(run, 4)?);
        for _ in 0..frames {
            if out.len() == count {
                return Err(malformed("there are more durations than frames"));
            }
            out.push(at);
            // At most 2^23 frames of 2^32 ticks: far below 2^63.
            at += i64::from(delta);
        }
    }
    if out.len() != count {
        return Err(malformed("there are fewer durations than frames"));
    }
    let Some(ctts) = child(stbl, *b"ctts")? else { return Ok(out) };
    let mut rest = out.iter_mut();
    for run in table(ctts, 8, be32(ctts, 4)? as usize, 8)?.chunks_exact(8) {
        // Version 0 is unsigned, and nobody writes offsets beyond 2^31.
        let (frames, offset) = (be32(run, 0)? as usize, be32(run, 4)?.cast_signed());
        for _ in 0..frames {
            let frame = rest.next().ok_or(malformed("there are more composition offsets than frames"))?;
            *frame += i64::from(offset);
        }
    }
    Ok(out)
}

struct Entry {
    sets: Option<ParameterSets>,
    length_bytes: usize,
    size: (u32, u32),
    colour: Option<ColourCodes>,
}

fn sample_entry(stsd: &[u8]) -> Result<Entry, ForeignError> {
    if be32(stsd, 4)? != 1 {
        return Err(ForeignError::Sets);
    }
    let entry = Boxes(stsd.get(8..).unwrap_or_default()).next().ok_or(malformed("there is no sample description"))?;
    let (kind, body) = entry?;
    if ![*b"avc1", *b"avc3"].contains(&kind) {
        let found = kind.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' }).collect();
        return Err(ForeignError::Codec { found });
    }
    let size = (u32::from(be16(body, 24)?), u32::from(be16(body, 26)?));
    let boxes = body.get(78..).unwrap_or_default();
    let avcc = required(boxes, *b"avcC", "there are no parameter sets")?;
    let length_bytes = usize::from(avcc.get(4).ok_or(malformed("the parameter sets are cut off"))? & 3) + 1;
    let mut at = 5;
    let mut sets = [Vec::new(), Vec::new()];
    for (mask, out) in [0x1f, 0xff].into_iter().zip(&mut sets) {
        let count = *avcc.get(at).ok_or(malformed("the parameter sets are cut off"))? & mask;
        at += 1;
        for _ in 0..count {
            let len = usize::from(be16(avcc, at)?);
            let set = avcc.get(at + 2..at + 2 + len).ok_or(malformed("the parameter sets are cut off"))?;
            at += 2 + len;
            out.push(set.to_vec());
        }
    }
    let [mut sps, mut pps] = sets;
    let sets = match (sps.len(), pps.len()) {
        (1, 1) => sps.pop().zip(pps.pop()).map(|(sps, pps)| ParameterSets { sps, pps }),
        (0, 0) => None,
        _ => return Err(ForeignError::Sets),
    };
    Ok(Entry { sets, length_bytes, size, colour: colour(child(boxes, *b"colr")?) })
}

/// The colours of a `colr` box of the kind `nclx`, or QuickTime's `nclc`, which does not say the range: limited, as in every file
/// that has no other word on it.
fn colour(colr: Option<&[u8]>) -> Option<ColourCodes> {
    let colr = colr?;
    let codes = || Some((be16(colr, 4).ok()?, be16(colr, 6).ok()?, be16(colr, 8).ok()?));
    match colr.first_chunk::<4>()? {
        b"nclx" => codes().and_then(|(p, t, m)| Some((p, t, m, colr.get(10)? & 0x80 != 0))),
        b"nclc" => codes().map(|(p, t, m)| (p, t, m, false)),
        _ => None,
    }
}
