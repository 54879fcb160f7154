//! The parameter sets of an H.265 stream, their record in a file (`hvcC`), and the name of what they describe (RFC 6381).

use std::fmt::Write as _;

use mp4_atom::{HvcCArray, Hvcc};

use super::nal::{NAL_PPS, NAL_SPS, NAL_VPS, nal_type};
use super::sps;
use crate::media::avc::nal::annex_b_nals;

/// Most arrays in a record that are looked at: three of parameter sets, two of SEI, and some that this release does not know.
const MAX_ARRAYS: u8 = 16;

/// Length of NAL unit lengths less one, in the low bits of byte 21 of a record.
const LENGTH_SIZE: u8 = 3;

/// The parameter sets that a decoder needs before the first access unit, without start codes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HevcSets {
    /// Video parameter set NAL unit.
    pub vps: Vec<u8>,
    /// Sequence parameter set NAL unit.
    pub sps: Vec<u8>,
    /// Picture parameter set NAL unit.
    pub pps: Vec<u8>,
}

/// Why a record of parameter sets cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordError {
    /// It is cut off, or its lengths do not fit.
    Cut,
    /// NAL units stand behind lengths of another size.
    Lengths,
    /// There is not exactly one set of each kind.
    Count,
}

impl HevcSets {
    /// Returns the sets in an Annex B stream; `None` unless there is exactly one of each kind.
    pub fn of_annex_b(stream: &[u8]) -> Option<Self> {
        let mut found = Found::default();
        for nal in annex_b_nals(stream) {
            found.take(nal_type(nal), nal);
        }
        found.sets()
    }

    /// Reads the record of a file, `hvcC` without its header.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn of_record(record: &[u8]) -> Result<Self, RecordError> {
        let lengths = *record.get(21).ok_or(RecordError::Cut)?;
        if record.first() != Some(&1) || lengths & LENGTH_SIZE != LENGTH_SIZE {
            return Err(RecordError::Lengths);
        }
        let (count, mut rest) = record.get(22..).and_then(<[u8]>::split_first).ok_or(RecordError::Cut)?;
        let mut found = Found::default();
        for _ in 0..(*count).min(MAX_ARRAYS) {
            let (kind, after) = rest.split_first().ok_or(RecordError::Cut)?;
            let (nals, after) = number(after).ok_or(RecordError::Cut)?;
            rest = after;
            for _ in 0..nals {
                let (length, after) = number(rest).ok_or(RecordError::Cut)?;
                let (nal, after) = after.split_at_checked(length).ok_or(RecordError::Cut)?;
                found.take(kind & 0x3f, nal);
                rest = after;
            }
        }
        found.sets().ok_or(RecordError::Count)
    }

    /// Returns the record of a file for these sets; `None` when the sequence parameter set cannot be read.
    pub fn to_record(&self) -> Option<Hvcc> {
        let sps = sps::read(&self.sps)?;
        let [params, c0, c1, c2, c3, i0, i1, i2, i3, i4, i5, level] = sps.profile_tier_level;
        let array =
            |nal_unit_type, nal: &Vec<u8>| HvcCArray { completeness: true, nal_unit_type, nalus: vec![nal.clone()] };
        Some(Hvcc {
            general_profile_space: params >> 6,
            general_tier_flag: params & 0x20 != 0,
            general_profile_idc: params & 0x1f,
            general_profile_compatibility_flags: [c0, c1, c2, c3],
            general_constraint_indicator_flags: [i0, i1, i2, i3, i4, i5],
            general_level_idc: level,
            chroma_format_idc: sps.chroma,
            bit_depth_luma_minus8: sps.depth.0 - 8,
            bit_depth_chroma_minus8: sps.depth.1 - 8,
            num_temporal_layers: sps.sub_layers,
            temporal_id_nested: sps.nested,
            length_size_minus_one: LENGTH_SIZE,
            arrays: vec![array(NAL_VPS, &self.vps), array(NAL_SPS, &self.sps), array(NAL_PPS, &self.pps)],
            ..Hvcc::new()
        })
    }

    /// Returns the RFC 6381 string (ISO/IEC 14496-15, E.3), `hvc1.1.6.L93.90`; `None` when the sequence parameter set cannot be read.
    pub fn codec_string(&self) -> Option<String> {
        let [params, compatible @ .., level] = sps::read(&self.sps)?.profile_tier_level;
        let (compatible, constraints) = compatible.split_at(4);
        let space = ["", "A", "B", "C"][usize::from(params >> 6)];
        let tier = if params & 0x20 == 0 { 'L' } else { 'H' };
        let compatible = u32::from_be_bytes(compatible.try_into().ok()?).reverse_bits();
        let said = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let mut out = format!("hvc1.{space}{}.{compatible:X}.{tier}{level}", params & 0x1f);
        for byte in &constraints[..said] {
            // Nothing that is written to a text fails.
            write!(out, ".{byte:X}").ok();
        }
        Some(out)
    }
}

/// The first 16 bits as a number, and what is behind them.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    Some((usize::from(u16::from_be_bytes(*number)), rest))
}

/// The sets found so far; two of a kind are one too many.
#[derive(Default)]
struct Found {
    sets: HevcSets,
    twice: bool,
}

impl Found {
    fn take(&mut self, kind: u8, nal: &[u8]) {
        let set = match kind {
            NAL_VPS => &mut self.sets.vps,
            NAL_SPS => &mut self.sets.sps,
            NAL_PPS => &mut self.sets.pps,
            _ => return,
        };
        self.twice |= !set.is_empty();
        set.clear();
        set.extend_from_slice(nal);
    }

    fn sets(self) -> Option<HevcSets> {
        let HevcSets { vps, sps, pps } = &self.sets;
        let whole = [vps, sps, pps].iter().all(|set| set.len() > super::nal::HEADER_BYTES);
        (whole && !self.twice).then_some(self.sets)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mp4_atom::Encode;

    use super::*;

    /// ffmpeg -f lavfi -i testsrc2=s=642x362 -pix_fmt yuv420p -c:v libx265 -preset ultrafast -tune zerolatency -x265-params info=0 -f hevc.
    pub(crate) fn x265() -> HevcSets {
        let vps = [
            0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
            0x03, 0x00, 0x3f, 0xba, 0x02, 0x40,
        ];
        let sps = [
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3f,
            0xa0, 0x05, 0x22, 0x01, 0x71, 0xc4, 0x49, 0x96, 0xe9, 0x29, 0x30, 0xbc, 0x05, 0xa0, 0x20, 0x00, 0x00, 0x03,
            0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
        ];
        HevcSets { vps: vps.to_vec(), sps: sps.to_vec(), pps: vec![0x44, 0x01, 0xc0, 0x71, 0x83, 0x12] }
    }

    #[test]
    fn a_record_and_a_stream_say_the_same_sets() {
        let sets = x265();
        let mut bytes = Vec::new();
        sets.to_record().expect("a record").encode(&mut bytes).expect("a box");
        assert_eq!(&bytes[4..8], b"hvcC");
        assert_eq!(HevcSets::of_record(&bytes[8..]), Ok(sets.clone()));
        for len in 8..bytes.len() {
            assert!(HevcSets::of_record(&bytes[8..len]).is_err(), "cut at {len}");
        }
        let stream = [&[0, 0, 0, 1][..], &sets.vps, &[0, 0, 1], &sets.sps, &[0, 0, 1], &sets.pps].concat();
        assert_eq!(HevcSets::of_annex_b(&stream), Some(sets.clone()));
        let twice = [&stream[..], &[0, 0, 1], &sets.pps].concat();
        assert_eq!(HevcSets::of_annex_b(&twice), None);
        assert_eq!(sets.codec_string().as_deref(), Some("hvc1.1.6.L63.90"));
    }
}
