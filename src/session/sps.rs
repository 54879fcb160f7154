//! The few facts of an H.264 sequence parameter set that bound what a decoder will allocate.
//!
//! A decoder sizes its picture buffers by this NAL unit, so a file that a stranger made is judged by it first. Field names
//! and order: ITU-T H.264 (2021), 7.3.2.1.1. The VUI is not read.

/// Most macroblocks of a picture: level 5.2 of H.264 (table A-1), 4096x2304. One decoded picture is then 14 MB.
pub const MAX_MACROBLOCKS: u64 = 36_864;

/// Most reference frames: the encoder here uses one, others by default up to four. A decoder then holds six pictures of 14 MB beside the
/// 96 MiB of those that are kept ([`CACHE_BYTES`](super::frames::CACHE_BYTES)): below the 256 MiB of every reader.
pub const MAX_REFERENCE_FRAMES: u64 = 4;

/// What bounds a decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpsInfo {
    /// Width that a decoder puts out, after cropping.
    pub width: u32,
    /// Height that a decoder puts out, after cropping.
    pub height: u32,
    /// Macroblocks of a picture.
    pub macroblocks: u64,
    /// `max_num_ref_frames`.
    pub reference_frames: u64,
}

/// Reads an SPS NAL unit; none when it is not one, is cut off or has what this format never writes (interlace, other than 4:2:0).
pub fn parse(nal: &[u8]) -> Option<SpsInfo> {
    if nal.len() > 4096 || nal.first()? & 0x9f != 7 {
        return None;
    }
    let payload = without_emulation_prevention(&nal[1..]);
    let mut bits = Bits { bytes: &payload, at: 0 };
    let profile = bits.read(8)?;
    bits.read(16)?; // constraint flags, level
    bits.unsigned()?; // seq_parameter_set_id
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        let chroma = bits.unsigned()?;
        let (luma_depth, chroma_depth) = (bits.unsigned()?, bits.unsigned()?);
        bits.read(1)?; // qpprime_y_zero_transform_bypass_flag
        if chroma != 1 || luma_depth != 0 || chroma_depth != 0 {
            return None;
        }
        if bits.read(1)? == 1 {
            for list in 0..8 {
                if bits.read(1)? == 1 {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.unsigned()?; // log2_max_frame_num_minus4
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?;
        }
        1 => {
            bits.read(1)?;
            bits.unsigned()?;
            bits.unsigned()?;
            let cycle = bits.unsigned()?;
            for _ in 0..Some(cycle).filter(|cycle| *cycle <= 255)? {
                bits.unsigned()?;
            }
        }
        2 => {}
        _ => return None,
    }
    let reference_frames = bits.unsigned()?;
    bits.read(1)?; // gaps_in_frame_num_value_allowed_flag
    let across = bits.unsigned()? + 1;
    let down = bits.unsigned()? + 1;
    if bits.read(1)? != 1 {
        return None; // interlaced
    }
    bits.read(1)?; // direct_8x8_inference_flag
    let mut crop = [0; 4];
    if bits.read(1)? == 1 {
        for side in &mut crop {
            *side = bits.unsigned()?;
        }
    }
    // In 4:2:0 frames are cropped in steps of two pixels.
    let side = |blocks: u64, before: u64, after: u64| {
        u32::try_from((blocks * 16).checked_sub((before + after) * 2)?).ok().filter(|side| *side > 0)
    };
    Some(SpsInfo {
        width: side(across, crop[0], crop[1])?,
        height: side(down, crop[2], crop[3])?,
        macroblocks: across * down,
        reference_frames,
    })
}

fn skip_scaling_list(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..size {
        if next != 0 {
            let code = bits.unsigned()? as i64;
            let delta = if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 };
            next = (last + delta).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

fn without_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// Up to 32 bits.
    fn read(&mut self, count: u32) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value = value << 1 | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// `ue(v)`: below 2^32.
    fn unsigned(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.read(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_high_profile_set_with_cropping_and_vui() {
        // ffmpeg -f lavfi -i testsrc=s=1920x1080 -c:v libx264 -profile:v high -refs 4 -f h264, its first NAL unit.
        let x264 = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
            0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc6, 0x58,
        ];
        let info = parse(&x264).expect("a valid set");
        assert_eq!((info.width, info.height), (1920, 1080));
        assert_eq!(info.macroblocks, 120 * 68);
        assert_eq!(info.reference_frames, 4);
        for len in 0..11 {
            assert_eq!(parse(&x264[..len]), None, "cut at {len}");
        }
        assert_eq!(parse(&[0x68, 0x64, 0x00, 0x28, 0xac]), None);
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut state = 1_u64;
        let mut read = 0;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = std::iter::once(0x67)
                .chain((0..30).map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                }))
                .collect();
            read += usize::from(parse(&bytes).is_some());
        }
        assert!(read > 100, "only {read} of the random sets were read to the end");
    }
}
