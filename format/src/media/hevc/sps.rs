//! The facts of an H.265 sequence parameter set that bound what a decoder allocates, and that a file says again.
//!
//! Field names and order: ITU-T H.265 (2021), 7.3.2.2.1 and 7.3.3. What stands behind the sizes of the picture buffer is not read.

use super::nal::{HEADER_BYTES, NAL_SPS, nal_type};
use crate::media::avc::bits::BitReader;
use crate::media::avc::nal::unescape;

/// Longest set that is read.
const MAX_BYTES: usize = 4096;

/// Most temporal sub-layers (7.4.3.2.1).
const MAX_SUB_LAYERS: u32 = 7;

/// What a sequence parameter set says of its pictures, whether they can be decoded here or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HevcSps {
    /// The first 12 bytes of `profile_tier_level`: profile space, tier and profile; compatibility (4); constraints (6); level.
    pub profile_tier_level: [u8; 12],
    /// Temporal sub-layers.
    pub sub_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub nested: bool,
    /// `chroma_format_idc`: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma: u8,
    /// Bits of a sample of brightness, and of colour.
    pub depth: (u8, u8),
    /// Coded size, before cropping.
    pub coded: (u32, u32),
    /// Size that a decoder puts out.
    pub size: (u32, u32),
    /// Pictures that a decoder holds at once.
    pub buffered: u32,
    /// Pictures that may come before one that is shown earlier.
    pub reordered: u32,
}

/// Reads an SPS NAL unit of any profile; `None` when it is not one, is cut off, or says what is not possible.
pub fn read(nal: &[u8]) -> Option<HevcSps> {
    if nal.len() > MAX_BYTES || nal_type(nal) != NAL_SPS {
        return None;
    }
    let mut raw = Vec::new();
    unescape(nal.get(HEADER_BYTES..)?, &mut raw);
    let mut bits = BitReader::new(&raw);
    bits.bits(4)?; // sps_video_parameter_set_id
    let above = bits.bits(3)?; // sps_max_sub_layers_minus1
    if above >= MAX_SUB_LAYERS {
        return None;
    }
    let nested = bits.flag()?;
    let mut profile_tier_level = [0; 12];
    for byte in &mut profile_tier_level {
        *byte = bits.bits(8)? as u8;
    }
    skip_sub_layers(&mut bits, above)?;
    bits.ue()?; // sps_seq_parameter_set_id
    let chroma = u8::try_from(bits.ue()?).ok().filter(|chroma| *chroma <= 3)?;
    if chroma == 3 {
        bits.flag()?; // separate_colour_plane_flag
    }
    let coded = (bits.ue()?, bits.ue()?);
    let mut cropped = [0; 4];
    if bits.flag()? {
        for side in &mut cropped {
            *side = bits.ue()?;
        }
    }
    let depth = |deeper: u32| u8::try_from(deeper).ok().filter(|deeper| *deeper <= 8).map(|deeper| deeper + 8);
    let depth = (depth(bits.ue()?)?, depth(bits.ue()?)?);
    bits.ue()?; // log2_max_pic_order_cnt_lsb_minus4
    let each = bits.flag()?; // sps_sub_layer_ordering_info_present_flag
    let (mut buffered, mut reordered) = (0, 0);
    for _ in if each { 0 } else { above }..=above {
        buffered = buffered.max(bits.ue()?.saturating_add(1));
        reordered = reordered.max(bits.ue()?);
        bits.ue()?; // sps_max_latency_increase_plus1
    }
    // Cropped in steps of a sample of colour.
    let step = (if matches!(chroma, 1 | 2) { 2 } else { 1 }, if chroma == 1 { 2 } else { 1 });
    let side = |coded: u32, [before, behind]: [u32; 2], step: u32| {
        let cropped = before.checked_add(behind)?.checked_mul(step)?;
        coded.checked_sub(cropped).filter(|side| *side > 0)
    };
    let [left, right, top, bottom] = cropped;
    let size = (side(coded.0, [left, right], step.0)?, side(coded.1, [top, bottom], step.1)?);
    let sub_layers = above as u8 + 1;
    Some(HevcSps { profile_tier_level, sub_layers, nested, chroma, depth, coded, size, buffered, reordered })
}

/// Passes over what `profile_tier_level` says of the sub-layers below the highest.
fn skip_sub_layers(bits: &mut BitReader<'_>, above: u32) -> Option<()> {
    let mut present = Vec::new();
    for _ in 0..above {
        present.push((bits.flag()?, bits.flag()?));
    }
    if above > 0 {
        for _ in above..8 {
            bits.bits(2)?;
        }
    }
    for (profile, level) in present {
        for _ in 0..if profile { 11 } else { 0 } + u32::from(level) {
            bits.bits(8)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::sets::tests::x265;
    use super::*;

    #[test]
    fn reads_what_an_encoder_wrote() {
        let sps = read(&x265().sps).expect("a set");
        assert_eq!((sps.size, sps.chroma, sps.depth), ((642, 362), 1, (8, 8)));
        assert_eq!((sps.sub_layers, sps.reordered, sps.buffered), (1, 0, 3));
        assert_eq!((sps.profile_tier_level[0], sps.profile_tier_level[11]), (1, 63));
        for len in 0..24 {
            assert_eq!(read(&x265().sps[..len]), None, "cut at {len}");
        }
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut state = 1_u64;
        let mut found = 0;
        for _ in 0..20_000 {
            let random = (0..60).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            });
            let bytes: Vec<u8> = [NAL_SPS << 1, 1, 1].into_iter().chain(random).collect();
            found += usize::from(read(&bytes).is_some());
        }
        assert!(found > 100, "only {found} of the random sets were read to the end");
    }
}
