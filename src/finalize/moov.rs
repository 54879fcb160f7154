//! The index of the video: from the list of frames to the bytes of a `moov` box.
//!
//! A pure function: the same frames give the same bytes (times of creation are 0, "not known"). Frame times are exact in
//! microseconds, DTS = PTS, no edit list, one sample description. The boxes are the `mp4` crate's, apart from the sample
//! description, which `mp4-atom` writes: `mp4` knows neither `colr` nor the High profile's part of `avcC`. Nothing here
//! touches a file.

use mp4::{MoovBox, Mp4Box, WriteBox};
use mp4_atom::{Avc1, Avcc, AvccExt, Codec, Colr, Encode, Pasp, Stsd, Visual};

use crate::encode::ParameterSets;
pub use crate::session::sample_index::Sample;
use crate::session::sample_index::{MAX_SAMPLES, TIMESCALE};

/// Longest time between the first and the last frame of a chunk, microseconds: a player reads about one chunk ahead.
const CHUNK_US: i64 = 1_000_000;

/// Longest time between two frames, microseconds: 70 minutes. The field would hold 71.6, but ffmpeg takes durations above
/// 2^32 - 480,000 for an error and plays them as one tick (`mov_read_stts`; found with ffprobe 5.1).
pub const MAX_GAP_US: i64 = 4_200_000_000;

/// Profiles whose `avcC` ends with chroma format and bit depths (ISO/IEC 14496-15, 5.3.3.1.2).
const HIGH_PROFILES: [u8; 4] = [100, 110, 122, 144];

/// What the index says of the track as a whole.
#[derive(Clone, Debug)]
pub struct VideoTrack<'a> {
    /// The stream's parameter sets.
    pub sets: &'a ParameterSets,
    /// Coded size in pixels, even.
    pub coded: (u32, u32),
    /// The surface's size: what a player shows. `coded` is this, odd sides grown by one.
    pub surface: (u32, u32),
    /// How long the only frame of a video of one frame lasts, microseconds; otherwise the last lasts as long as the one before.
    pub nominal_frame_us: u32,
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
    #[error("the parameter sets are empty or cut off ({sps} and {pps} bytes)")]
    Sets {
        /// Bytes of the SPS.
        sps: usize,
        /// Bytes of the PPS.
        pps: usize,
    },
    /// A box could not be written.
    #[error("cannot write the index: {why}")]
    Write {
        /// What the library said.
        why: String,
    },
}

/// What the samples of a video mean, by the code points of ITU-T H.273.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour {
    /// Colour primaries.
    pub primaries: u16,
    /// Transfer characteristics.
    pub transfer: u16,
    /// Matrix coefficients.
    pub matrix: u16,
    /// Luma is 0 to 255, and not 16 to 235.
    pub full_range: bool,
}

/// BT.709, limited range: what this program encodes.
pub const BT709: Colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };

/// [`build_with`] for a video that this program encoded.
///
/// # Errors
/// As there.
pub fn build(samples: &[Sample], track: &VideoTrack<'_>) -> Result<Vec<u8>, MoovError> {
    build_with(samples, track, Some(BT709))
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
    let duration = samples.last().map_or(0, |last| last.pts_us as u64 + u64::from(last_us));
    let version = u8::from(duration > u64::from(u32::MAX));

    let mut moov = MoovBox::default();
    moov.mvhd.version = version;
    moov.mvhd.timescale = TIMESCALE;
    moov.mvhd.duration = duration;
    moov.mvhd.next_track_id = 2;
    moov.traks.push(Default::default());
    let trak = &mut moov.traks[0];
    trak.tkhd.version = version;
    trak.tkhd.flags = 3; // enabled, in the movie
    trak.tkhd.track_id = 1;
    trak.tkhd.duration = duration;
    trak.tkhd.volume = mp4::FixedPointU8::new(0);
    trak.tkhd.width = mp4::FixedPointU16::new(track.surface.0 as u16);
    trak.tkhd.height = mp4::FixedPointU16::new(track.surface.1 as u16);
    let mdia = &mut trak.mdia;
    mdia.mdhd.version = version;
    mdia.mdhd.timescale = TIMESCALE;
    mdia.mdhd.duration = duration;
    mdia.mdhd.language = "und".into();
    mdia.hdlr.handler_type = mp4::FourCC { value: *b"vide" };
    mdia.hdlr.name = "VideoHandler".into();
    mdia.minf.vmhd.insert(Default::default()).flags = 1; // required by ISO/IEC 14496-12, 12.1.2
    let stbl = &mut mdia.minf.stbl;

    // stts: runs of equal durations. Real capture times differ by microseconds, so expect one run per frame.
    for (index, sample) in samples.iter().enumerate() {
        let delta = samples.get(index + 1).map_or(last_us, |next| (next.pts_us - sample.pts_us) as u32);
        match stbl.stts.entries.last_mut() {
            Some(run) if run.sample_delta == delta => run.sample_count += 1,
            _ => {
                stbl.stts.entries.push(Default::default());
                if let Some(run) = stbl.stts.entries.last_mut() {
                    (run.sample_count, run.sample_delta) = (1, delta);
                }
            }
        }
    }
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

    let description = sample_description(track, colour)?;
    let mut bytes = Vec::with_capacity(moov.box_size() as usize + description.len());
    moov.write_box(&mut bytes).map_err(|error| MoovError::Write { why: error.to_string() })?;
    replace_description(&mut bytes, &description)?;
    Ok(bytes)
}

/// Checks the frames; gives how long the last one lasts.
fn check(samples: &[Sample], track: &VideoTrack<'_>) -> Result<u32, MoovError> {
    let (coded, surface) = (track.coded, track.surface);
    let fits =
        |coded: u32, surface: u32| surface > 0 && coded == surface.next_multiple_of(2) && u16::try_from(coded).is_ok();
    if !fits(coded.0, surface.0) || !fits(coded.1, surface.1) {
        return Err(MoovError::Size { coded, surface });
    }
    let (sps, pps) = (track.sets.sps.len(), track.sets.pps.len());
    // Lengths of 16 bits; profile and level are bytes 1 to 3 of the SPS.
    if sps < 4 || pps == 0 || u16::try_from(sps.max(pps)).is_err() {
        return Err(MoovError::Sets { sps, pps });
    }
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

/// The `stsd` box: H.264 in `avc1`, its colours as far as they are known, square pixels.
fn sample_description(track: &VideoTrack<'_>, colour: Option<Colour>) -> Result<Vec<u8>, MoovError> {
    let failed = |error: mp4_atom::Error| MoovError::Write { why: error.to_string() };
    let mut avcc = Avcc::new(&track.sets.sps, &track.sets.pps).map_err(failed)?;
    if HIGH_PROFILES.contains(&avcc.avc_profile_indication) {
        // 4:2:0 and 8 bits: the only pictures that this format has.
        avcc.ext = Some(AvccExt::default());
    }
    let entry = Avc1 {
        visual: Visual {
            data_reference_index: 1,
            width: track.coded.0 as u16,
            height: track.coded.1 as u16,
            ..Visual::default()
        },
        avcc,
        colr: colour.map(|colour| Colr::Nclx {
            colour_primaries: colour.primaries,
            transfer_characteristics: colour.transfer,
            matrix_coefficients: colour.matrix,
            full_range_flag: colour.full_range,
        }),
        // Said, so that a surface with an odd side is not taken for one of slightly narrow pixels.
        pasp: Some(Pasp { h_spacing: 1, v_spacing: 1 }),
        ..Avc1::default()
    };
    let mut bytes = Vec::new();
    Stsd { codecs: vec![Codec::Avc1(entry)] }.encode(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Puts `description` in the place of the `stsd` that the `mp4` crate wrote, and lets the boxes around it grow.
fn replace_description(moov: &mut Vec<u8>, description: &[u8]) -> Result<(), MoovError> {
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
