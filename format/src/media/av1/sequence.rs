//! The sequence header of an AV1 stream, its record in a file (`av1C`), and the name of what it describes (RFC 6381).

use mp4_atom::Av1c;

use super::obu::{SEQUENCE_HEADER, first, obus, push_obu};
use crate::media::avc::bits::BitReader;

/// Longest header that is read: one with 32 operating points has less than 700 bytes.
const MAX_BYTES: usize = 1024;
/// Bytes of a record before the units in it.
const RECORD_BYTES: usize = 4;
/// What a record begins with: a marker, and version 1.
const RECORD_VERSION: u8 = 0x81;
/// `seq_force_screen_content_tools` and `seq_force_integer_mv` where each frame says it.
const EACH_SAYS: u32 = 2;

/// What a decoder needs before the first picture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Av1Config {
    /// The sequence header, as a unit with its size and of no layer.
    pub sequence: Vec<u8>,
}

/// Why a record cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordError {
    /// It is cut off, of another version, or what is in it is no unit.
    Malformed,
    /// There is not exactly one sequence header.
    Count,
}

/// What a sequence header says of its pictures, whether they can be decoded here or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sequence {
    /// `seq_profile`.
    pub profile: u8,
    /// `seq_level_idx` of the first operating point.
    pub level: u8,
    /// `seq_tier` of the first operating point.
    pub tier: bool,
    /// It is for pictures that stand alone: `still_picture`, or `reduced_still_picture_header`.
    pub still: bool,
    /// It is of one layer: one operating point, which names none.
    pub plain: bool,
    /// Bits of a sample.
    pub depth: u8,
    /// It has no colours.
    pub monochrome: bool,
    /// `subsampling_x` and `subsampling_y`.
    pub halved: (bool, bool),
    /// `chroma_sample_position`.
    pub position: u8,
    /// Largest width and height of a picture, which is that of all without [`FrameHeader::resized`](super::frame::FrameHeader).
    pub size: (u32, u32),
    /// What the header of each frame is read by.
    pub(super) frames: FrameFields,
}

/// Which fields stand in the headers of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct FrameFields {
    /// Headers have nothing of what is read here.
    pub(super) reduced: bool,
    /// Bits of the time at which a picture is to be shown.
    pub(super) time_bits: u32,
    /// `seq_force_screen_content_tools`.
    pub(super) screen_content: u32,
    /// `seq_force_integer_mv`.
    pub(super) integer_mv: u32,
    /// Bits of a frame's number.
    pub(super) id_bits: u32,
}

impl Av1Config {
    /// Returns the sequence header in a stream; `None` unless there is one and all are the same.
    pub fn of_stream(stream: &[u8]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for obu in obus(stream).map_while(Result::ok).filter(|obu| obu.kind == SEQUENCE_HEADER) {
            let this = Self::of_payload(obu.payload);
            if found.as_ref().is_some_and(|found| *found != this) {
                return None;
            }
            found = Some(this);
        }
        found
    }

    fn of_payload(payload: &[u8]) -> Self {
        let mut sequence = Vec::new();
        push_obu(SEQUENCE_HEADER, payload, &mut sequence);
        Self { sequence }
    }

    /// Reads the record of a file, `av1C` without its header. Its sequence header counts, and not what the record says of it.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn of_record(record: &[u8]) -> Result<Self, RecordError> {
        let units = record.get(RECORD_BYTES..).filter(|_| record[0] == RECORD_VERSION).ok_or(RecordError::Malformed)?;
        let mut found = None;
        for obu in obus(units) {
            let obu = obu.map_err(|_broken| RecordError::Malformed)?;
            if obu.kind == SEQUENCE_HEADER && found.replace(Self::of_payload(obu.payload)).is_some() {
                return Err(RecordError::Count);
            }
        }
        found.ok_or(RecordError::Count)
    }

    /// Returns the record of a file; `None` when the sequence header cannot be read.
    pub fn to_record(&self) -> Option<Av1c> {
        let Sequence { profile, level, tier, depth, monochrome, halved, position, .. } = self.read()?;
        Some(Av1c {
            seq_profile: profile,
            seq_level_idx_0: level,
            seq_tier_0: tier,
            high_bitdepth: depth > 8,
            twelve_bit: depth > 10,
            monochrome,
            chroma_subsampling_x: halved.0,
            chroma_subsampling_y: halved.1,
            chroma_sample_position: position,
            initial_presentation_delay: None,
            config_obus: self.sequence.clone(),
        })
    }

    /// Returns the RFC 6381 string ("Codecs Parameter String" of the AV1 binding to ISO BMFF), `av01.0.04M.08`; `None` when the sequence header
    /// cannot be read.
    pub fn codec_string(&self) -> Option<String> {
        let Sequence { profile, level, tier, depth, .. } = self.read()?;
        Some(format!("av01.{profile}.{level:02}{}.{depth:02}", if tier { 'H' } else { 'M' }))
    }

    /// Returns what the sequence header says; `None` when it cannot be read.
    pub fn read(&self) -> Option<Sequence> {
        first(&self.sequence)
            .filter(|obu| obu.kind == SEQUENCE_HEADER && !obu.layered)
            .and_then(|obu| read(obu.payload))
    }
}

/// Reads the payload of a sequence header; `None` when it is cut off, or says what is not possible.
pub fn read(payload: &[u8]) -> Option<Sequence> {
    if payload.len() > MAX_BYTES {
        return None;
    }
    let mut bits = BitReader::new(payload);
    let profile = bits.bits(3)? as u8;
    let still = bits.flag()?;
    let mut frames = FrameFields { reduced: bits.flag()?, ..FrameFields::default() };
    if profile > 2 || (frames.reduced && !still) {
        return None;
    }
    let (level, tier, plain) = if frames.reduced {
        (bits.bits(5)? as u8, false, true)
    } else {
        let delay_bits = timing(&mut bits, &mut frames)?;
        operating_points(&mut bits, delay_bits)?
    };
    let (width_bits, height_bits) = (bits.bits(4)? + 1, bits.bits(4)? + 1);
    let size = (bits.bits(width_bits)? + 1, bits.bits(height_bits)? + 1);
    if !frames.reduced && bits.flag()? {
        let delta = bits.bits(4)? + 2;
        frames.id_bits = bits.bits(3)? + 1 + delta;
    }
    bits.bits(3)?; // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    if frames.reduced {
        (frames.screen_content, frames.integer_mv) = (EACH_SAYS, EACH_SAYS);
    } else {
        tools(&mut bits, &mut frames)?;
    }
    bits.bits(3)?; // enable_superres, enable_cdef, enable_restoration
    let (depth, monochrome, halved, position) = colours(&mut bits, profile)?;
    bits.flag()?; // film_grain_params_present
    let still = still || frames.reduced;
    Some(Sequence { profile, level, tier, still, plain, depth, monochrome, halved, position, size, frames })
}

/// Reads `timing_info` and `decoder_model_info`; returns the bits of the delays that each operating point then says, 0 where none does.
fn timing(bits: &mut BitReader<'_>, frames: &mut FrameFields) -> Option<u32> {
    if !bits.flag()? {
        return Some(0);
    }
    bits.bits(32)?; // num_units_in_display_tick
    bits.bits(32)?; // time_scale
    let equal = bits.flag()?;
    if equal {
        bits.ue()?; // num_ticks_per_picture_minus_1
    }
    if !bits.flag()? {
        return Some(0);
    }
    let delay_bits = bits.bits(5)? + 1;
    bits.bits(32)?; // num_units_in_decoding_tick
    bits.bits(5)?; // buffer_removal_time_length_minus_1
    let time_bits = bits.bits(5)? + 1;
    frames.time_bits = if equal { 0 } else { time_bits };
    Some(delay_bits)
}

/// Reads the operating points; returns level and tier of the first, and whether it is the only one and names no layer.
fn operating_points(bits: &mut BitReader<'_>, delay_bits: u32) -> Option<(u8, bool, bool)> {
    let delays = bits.flag()?; // initial_display_delay_present_flag
    let more = bits.bits(5)?;
    let mut found = None;
    for _ in 0..=more {
        let layers = bits.bits(12)?;
        let level = bits.bits(5)? as u8;
        let tier = level > 7 && bits.flag()?;
        if delay_bits > 0 && bits.flag()? {
            bits.bits(delay_bits)?; // decoder_buffer_delay
            bits.bits(delay_bits)?; // encoder_buffer_delay
            bits.flag()?; // low_delay_mode_flag
        }
        if delays && bits.flag()? {
            bits.bits(4)?; // initial_display_delay_minus_1
        }
        found.get_or_insert((level, tier, more == 0 && layers == 0));
    }
    found
}

/// Reads which tools pictures are coded with, as far as headers of frames depend on it.
fn tools(bits: &mut BitReader<'_>, frames: &mut FrameFields) -> Option<()> {
    bits.bits(4)?; // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
    let order = bits.flag()?;
    if order {
        bits.bits(2)?; // enable_jnt_comp, enable_ref_frame_mvs
    }
    let choice = |bits: &mut BitReader<'_>| if bits.flag()? { Some(EACH_SAYS) } else { bits.bits(1) };
    frames.screen_content = choice(bits)?;
    frames.integer_mv = if frames.screen_content > 0 { choice(bits)? } else { EACH_SAYS };
    if order {
        bits.bits(3)?; // order_hint_bits_minus_1
    }
    Some(())
}

/// Reads `color_config`: bits of a sample, whether there are no colours, which sides of them are halved, and where they lie.
fn colours(bits: &mut BitReader<'_>, profile: u8) -> Option<(u8, bool, (bool, bool), u8)> {
    let high = bits.flag()?;
    let depth = match (profile, high) {
        (_, false) => 8,
        (2, true) => 10 + 2 * bits.bits(1)? as u8,
        (_, true) => 10,
    };
    let monochrome = profile != 1 && bits.flag()?;
    let described = if bits.flag()? { (bits.bits(8)?, bits.bits(8)?, bits.bits(8)?) } else { (2, 2, 2) };
    if monochrome {
        bits.flag()?; // color_range
        return Some((depth, true, (true, true), 0));
    }
    // BT.709, the transfer of sRGB, identity: green, blue and red.
    let halved = if described == (1, 13, 0) {
        (false, false)
    } else {
        bits.flag()?; // color_range
        match profile {
            0 => (true, true),
            1 => (false, false),
            _ if depth == 12 => {
                let across = bits.flag()?;
                (across, across && bits.flag()?)
            }
            _ => (true, false),
        }
    };
    let position = if halved == (true, true) { bits.bits(2)? as u8 } else { 0 };
    bits.flag()?; // separate_uv_delta_q
    Some((depth, false, halved, position))
}

#[cfg(test)]
pub(crate) mod tests {
    use mp4_atom::Encode;

    use super::*;

    /// ffmpeg -f lavfi -i testsrc2=s=322x182 -pix_fmt yuv420p -c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0.
    pub(crate) fn libaom() -> Av1Config {
        Av1Config { sequence: vec![0x0a, 0x0b, 0, 0, 0, 4, 0x3d, 6, 0xd4, 0xda, 0xf9, 0, 0x40] }
    }

    #[test]
    fn a_header_says_what_the_encoder_was_told() {
        let sequence = libaom().read().expect("a header");
        assert_eq!((sequence.profile, sequence.depth, sequence.size), (0, 8, (322, 182)));
        assert_eq!((sequence.monochrome, sequence.halved), (false, (true, true)));
        assert!(sequence.plain && !sequence.still);
        assert_eq!(sequence.frames, FrameFields { screen_content: 2, integer_mv: 2, ..FrameFields::default() });
        assert_eq!(libaom().codec_string().as_deref(), Some("av01.0.00M.08"));
        for len in 0..8 {
            assert_eq!(read(&libaom().sequence[2..2 + len]), None, "cut at {len}");
        }
    }

    #[test]
    fn a_record_and_a_stream_say_the_same_header() {
        let config = libaom();
        let mut bytes = Vec::new();
        config.to_record().expect("a record").encode(&mut bytes).expect("a box");
        assert_eq!((&bytes[4..8], &bytes[8..12]), (&b"av1C"[..], &[0x81, 0, 0x0c, 0][..]));
        assert_eq!(Av1Config::of_record(&bytes[8..]), Ok(config.clone()));
        for len in 8..bytes.len() {
            assert!(Av1Config::of_record(&bytes[8..len]).is_err(), "cut at {len}");
        }
        let twice = [&bytes[8..], &config.sequence].concat();
        assert_eq!(Av1Config::of_record(&twice), Err(RecordError::Count));
        let stream = [&[0x12, 0][..], &config.sequence, &config.sequence].concat();
        assert_eq!(Av1Config::of_stream(&stream), Some(config.clone()));
        // Its size in more bytes than it needs.
        let wide = [&[0x0a, 0x8b, 0x80, 0][..], &config.sequence[2..]].concat();
        assert_eq!(Av1Config::of_stream(&wide), Some(config.clone()));
        let other = [&config.sequence[..], &[0x0a, 1, 0]].concat();
        assert_eq!(Av1Config::of_stream(&other), None);
        assert_eq!(Av1Config::of_stream(&[0x12, 0]), None);
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut state = 1_u64;
        let mut found = 0;
        for _ in 0..20_000 {
            let random = (0..40).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            });
            let bytes: Vec<u8> = random.collect();
            found += usize::from(read(&bytes).is_some());
        }
        assert!(found > 1000, "only {found} of the random headers were read to the end");
    }
}
