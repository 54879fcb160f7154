//! The index of a video that another program made: what importing it needs, and why it cannot be imported.
//!
//! Bounded like [`crate::media::mp4::index`], whose boxes it reads. Understands one H.264 track of a plain MP4 file, any timescale, edit
//! lists (which are passed over: times come from elsewhere), composition offsets that do not reorder, and lengths of NAL units of
//! 1 to 4 bytes.

use std::fs::File;

use super::foreign_tracks;
use crate::base::file_at::read_exact_at;
use crate::media::avc::sets::ParameterSets;
use crate::media::avc::sps;
use crate::media::codec::StreamInfo;
use crate::media::mp4::boxes::{Boxes, IndexError, be16, be32, child, malformed, required, table};
use crate::media::mp4::index::{Sample, checked, find_moov, mark_keyframes, place_samples, sized_samples, video_track};
use crate::media::mp4::trak::Media;
use crate::media::track::CodecConfig;

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
    /// What the file holds beside coded pictures: other tracks, and how the pictures are to be shown.
    pub besides: Vec<String>,
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
        /// The four letters of its sample description, and what they stand for.
        found: String,
    },
    /// It is no MP4 file.
    #[error("it is a {found} file, not MP4")]
    Container {
        /// Its kind.
        found: &'static str,
    },
    /// It is sound H.264 that uses what the decoder here does not have.
    #[error("it is H.264 of the profile {profile} with {what}, which is not read here")]
    Unsupported {
        /// The profile's name.
        profile: &'static str,
        /// What it uses.
        what: String,
        /// Its pictures are larger than any that are read.
        too_large: bool,
        /// A side of its pictures is odd.
        odd: bool,
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
    let mut magic = [0; 4];
    if read_exact_at(file, &mut magic, 0).is_ok() {
        let found = match &magic {
            [0x1a, 0x45, 0xdf, 0xa3] => Some("Matroska or WebM"),
            b"RIFF" => Some("AVI"),
            b"FLV\x01" => Some("Flash video"),
            [0, 0, 0, 1] | [0, 0, 1, 0x67] => Some("bare H.264"),
            [0x47, ..] => Some("MPEG transport stream"),
            _ => None,
        };
        if let Some(found) = found {
            return Err(ForeignError::Container { found });
        }
    }
    let (moov, len) = find_moov(file)?;
    parse_moov(&moov, len)
}

/// What bounds a decoder of a stream with these parameter sets.
///
/// # Errors
/// [`ForeignError::Unsupported`] when the stream is sound and the decoder here cannot read it.
pub fn check_sets(sets: &ParameterSets) -> Result<StreamInfo, ForeignError> {
    let Some(found) = sps::read(&sets.sps) else { return Ok(checked(&CodecConfig::Avc(sets.clone()))?) };
    let info = found.info;
    let mut uses = Vec::new();
    match found.chroma {
        0 => uses.push("grey pictures without colours".to_owned()),
        1 => {}
        2 => uses.push("colours of 4:2:2".to_owned()),
        _ if found.separate_planes => uses.push("colours in pictures of their own".to_owned()),
        _ => {}
    }
    if found.depth != 8 {
        uses.push(format!("{} bits a sample", found.depth));
    }
    if found.interlaced {
        uses.push("interlaced pictures".to_owned());
    }
    if info.reference_frames > sps::MAX_REFERENCE_FRAMES {
        uses.push(format!("{} reference frames (the most are {})", info.reference_frames, sps::MAX_REFERENCE_FRAMES));
    }
    let too_large = info.macroblocks > sps::MAX_MACROBLOCKS;
    if too_large {
        uses.push(format!("pictures of {}x{}", info.width, info.height));
    }
    let odd = info.width % 2 == 1 || info.height % 2 == 1;
    if odd {
        uses.push(format!("an odd side ({}x{})", info.width, info.height));
    }
    if uses.is_empty() {
        return Ok(checked(&CodecConfig::Avc(sets.clone()))?);
    }
    let profile = profile_name(found.profile);
    Err(ForeignError::Unsupported { profile, what: uses.join(", "), too_large, odd })
}

/// The name of a profile, ITU-T H.264 Annex A.
fn profile_name(profile: u8) -> &'static str {
    match profile {
        44 => "CAVLC 4:4:4 Intra",
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4 Predictive",
        _ => "another application",
    }
}

/// Reads the contents of a `moov` box of a file of `file_len` bytes.
///
/// # Errors
/// As [`read_index`].
pub fn parse_moov(moov: &[u8], file_len: u64) -> Result<ForeignIndex, ForeignError> {
    let trak = video_track(moov)?;
    let Media { timescale, stbl } = Media::of(trak)?;
    if timescale == 0 {
        return Err(malformed("the timescale is 0").into());
    }
    let entry = sample_entry(required(stbl, *b"stsd", "there is no sample description")?)?;
    if let Some(sets) = &entry.sets {
        check_sets(sets)?;
    }
    let besides = foreign_tracks::besides(moov, trak)?;
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
        besides,
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
        return Err(ForeignError::Codec { found: foreign_tracks::codec(kind) });
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
