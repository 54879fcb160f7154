//! Slices that no encoder made: the picture that says "as before" in a few bytes, and what makes it fit between the
//! pictures of an encoder that does not know of it.
//!
//! A repeated picture is one P slice in which every macroblock is skipped (P_Skip): no residual, and a motion vector
//! that is predicted to be zero because all its neighbours are skipped too, so it decodes to an exact copy of the last
//! reference picture. It *is* a reference picture itself: streams of this encoder have `pic_order_cnt_type` 2, which
//! forbids two pictures in a row that are none (clause 7.4.2.1.1). With one reference frame it takes the place of the
//! one it copies, so the encoder's next picture predicts from the same samples as the encoder thinks. What has to move
//! is `frame_num`, which counts reference pictures: [`SliceSyntax::push_with_frame_num`] writes the next number into the
//! encoder's slice headers, where it has a fixed length. An IDR begins again at 0.
//!
//! Invariant: `frame_num` of consecutive access units is 0 at an IDR, then one more each, modulo `MaxFrameNum`.

use super::bits::{BitReader, BitWriter, replace_bits};
use crate::media::avc::nal::{LENGTH_BYTES, NAL_IDR, NAL_SLICE, escape, nal_type, push_nal, unescape};
use crate::media::avc::sets::ParameterSets;

/// Bytes of a slice's RBSP in which everything up to `frame_num` lies: `first_mb_in_slice` ≤ 33 bits, `slice_type` ≤ 7,
/// `pic_parameter_set_id` ≤ 17, `frame_num` ≤ 16, together 73 bits.
const HEAD_BYTES: usize = 10;

/// `nal_ref_idc` of the pictures made here: that of the encoder's own (highest priority).
pub const REF_IDC: u8 = 3;

/// `slice_type` of a P slice in a picture that has only P slices.
pub const ALL_P: u32 = 5;

/// `slice_type` of B slices, modulo 5.
const B: u32 = 1;

/// What the first bits of a slice say, whatever the parameter sets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceKind {
    /// `first_mb_in_slice`.
    pub(crate) first_macroblock: u32,
    /// A B slice.
    pub(crate) is_bidirectional: bool,
}

impl SliceKind {
    /// Reads the header of a slice; `None` when there is none.
    pub(crate) fn read(nal: &[u8]) -> Option<Self> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        unescape(&nal.get(1..)?[..HEAD_BYTES.min(nal.len() - 1)], &mut head);
        let mut reader = BitReader::new(&head);
        let first_macroblock = reader.ue()?;
        let is_bidirectional = reader.ue()? % 5 == B;
        Some(Self { first_macroblock, is_bidirectional })
    }
}

/// What slice headers depend on, read from the parameter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceSyntax {
    /// Length of `frame_num` in bits.
    frame_num_bits: u32,
    /// Macroblocks of a picture.
    macroblocks: u32,
    /// `pic_parameter_set_id`.
    pps_id: u32,
    /// `deblocking_filter_control_present_flag`.
    deblocking_control: bool,
    /// `entropy_coding_mode_flag`: CABAC.
    cabac: bool,
}

impl SliceSyntax {
    /// Reads what is needed; `None` when the sets are broken, or are of a kind for which the pictures made here would be
    /// wrong: more than one reference frame, picture order by anything but `frame_num`, fields, slice groups, weights.
    pub fn read(sets: &ParameterSets) -> Option<Self> {
        let mut rbsp = Vec::new();
        unescape(sets.sps.get(1..)?, &mut rbsp);
        let mut sps = BitReader::new(&rbsp);
        let profile = sps.bits(8)?;
        sps.bits(16)?; // constraint flags, level_idc
        sps.ue()?; // seq_parameter_set_id
        if matches!(profile, 100 | 244) {
            let chroma = sps.ue()?;
            let apart = chroma == 3 && sps.flag()?; // separate_colour_plane_flag
            let eight_bits = sps.ue()? == 0 && sps.ue()? == 0;
            sps.flag()?; // qpprime_y_zero_transform_bypass_flag
            let has_matrices = sps.flag()?;
            if !matches!(chroma, 1 | 3) || apart || !eight_bits || has_matrices {
                return None;
            }
        } else if !matches!(profile, 66 | 77) {
            return None;
        }
        let frame_num_bits = sps.ue()?.checked_add(4).filter(|&bits| bits <= 16)?;
        let order_by_frame_num = sps.ue()? == 2;
        let one_reference = sps.ue()? == 1;
        let gaps = sps.flag()?;
        let columns = sps.ue()?.checked_add(1)?;
        let rows = sps.ue()?.checked_add(1)?;
        let frames_only = sps.flag()?;
        if !order_by_frame_num || !one_reference || gaps || !frames_only {
            return None;
        }

        let mut rbsp = Vec::new();
        unescape(sets.pps.get(1..)?, &mut rbsp);
        let mut pps = BitReader::new(&rbsp);
        let pps_id = pps.ue()?;
        pps.ue()?; // seq_parameter_set_id
        let cabac = pps.flag()?;
        let field_order = pps.flag()?;
        let one_group = pps.ue()? == 0;
        let one_active_reference = pps.ue()? == 0;
        pps.ue()?; // num_ref_idx_l1_default_active_minus1
        let weighted = pps.flag()?;
        pps.bits(2)?; // weighted_bipred_idc
        pps.se()?; // pic_init_qp_minus26
        pps.se()?; // pic_init_qs_minus26
        pps.se()?; // chroma_qp_index_offset
        let deblocking_control = pps.flag()?;
        pps.flag()?; // constrained_intra_pred_flag
        let redundant = pps.flag()?;
        if field_order || !one_group || !one_active_reference || weighted || redundant {
            return None;
        }
        let macroblocks = columns.checked_mul(rows)?;
        Some(Self { frame_num_bits, macroblocks, pps_id, deblocking_control, cabac })
    }

    /// Macroblocks of a picture.
    pub fn macroblocks(&self) -> u32 {
        self.macroblocks
    }

    /// The `frame_num` of the reference picture that follows the one with `frame_num`.
    pub fn next_frame_num(&self, frame_num: u32) -> u32 {
        (frame_num + 1) & ((1 << self.frame_num_bits) - 1)
    }

    /// Whether [`push_skip`](Self::push_skip) can write such a picture: with CABAC it cannot.
    pub fn can_skip(&self) -> bool {
        !self.cabac
    }

    /// Appends a picture that decodes to a copy of the one before it: one NAL unit behind its length.
    pub fn push_skip(&self, frame_num: u32, out: &mut Vec<u8>) {
        debug_assert!(self.can_skip(), "a skip run in a CABAC slice");
        let mut slice = BitWriter::default();
        slice.ue(0); // first_mb_in_slice
        slice.ue(ALL_P);
        slice.ue(self.pps_id);
        slice.bits(frame_num, self.frame_num_bits);
        slice.bits(0, 1); // num_ref_idx_active_override_flag
        slice.bits(0, 1); // ref_pic_list_modification_flag_l0
        slice.bits(0, 1); // adaptive_ref_pic_marking_mode_flag: sliding window
        slice.ue(0); // slice_qp_delta, se(v): 0 is written alike
        if self.deblocking_control {
            slice.ue(1); // disable_deblocking_filter_idc: a filtered copy would be no copy
        }
        slice.ue(self.macroblocks); // mb_skip_run
        let length_at = out.len();
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        out.push(REF_IDC << 5 | NAL_SLICE);
        escape(&slice.finish(), out);
        let length = (out.len() - length_at - LENGTH_BYTES) as u32;
        out[length_at..length_at + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    }

    /// The `frame_num` in the header of a slice, and the bit of the RBSP at which it stands.
    pub fn frame_num(&self, head: &[u8]) -> Option<(u32, usize)> {
        let mut reader = BitReader::new(head);
        reader.ue()?; // first_mb_in_slice
        reader.ue()?; // slice_type
        reader.ue()?; // pic_parameter_set_id
        let at = reader.position();
        Some((reader.bits(self.frame_num_bits)?, at))
    }

    /// Appends a slice of the encoder behind its length, with this `frame_num` in its header. False, and nothing
    /// appended, when it is no slice.
    #[must_use]
    pub fn push_with_frame_num(&self, nal: &[u8], frame_num: u32, out: &mut Vec<u8>) -> bool {
        let Some((header, payload)) = nal.split_first() else { return false };
        let (mut head, tail) = take_head(payload);
        let Some((found, at)) = self.frame_num(&head) else { return false };
        if found == frame_num {
            push_nal(nal, out);
            return true;
        }
        replace_bits(&mut head, at, frame_num, self.frame_num_bits);
        let length_at = out.len();
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        out.push(*header);
        escape(&head, out);
        out.extend_from_slice(tail);
        let length = (out.len() - length_at - LENGTH_BYTES) as u32;
        out[length_at..length_at + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        true
    }

    /// Appends the NAL units of a picture, each behind its length, its slices with this `frame_num`. False when a slice has no header.
    #[must_use]
    pub fn push_numbered<'a>(
        &self,
        nals: impl IntoIterator<Item = &'a [u8]>,
        frame_num: u32,
        out: &mut Vec<u8>,
    ) -> bool {
        nals.into_iter().all(|nal| {
            if matches!(nal_type(nal), NAL_SLICE | NAL_IDR) {
                return self.push_with_frame_num(nal, frame_num, out);
            }
            push_nal(nal, out);
            true
        })
    }
}

/// Splits the payload of a NAL unit: at least [`HEAD_BYTES`] of RBSP, without emulation prevention, up to a byte that is
/// not zero; and the rest as it is. Whatever is changed in the head before that byte, the rest needs the same emulation
/// prevention as before.
pub fn take_head(payload: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut head = Vec::with_capacity(HEAD_BYTES + 6);
    let mut zeros = 0;
    for (at, &byte) in payload.iter().enumerate() {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        head.push(byte);
        if head.len() > HEAD_BYTES && byte != 0 {
            return (head, &payload[at + 1..]);
        }
    }
    (head, &[])
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::media::avc::nal::nals;

    const SYNTAX: SliceSyntax =
        SliceSyntax { frame_num_bits: 15, macroblocks: 8160, pps_id: 0, deblocking_control: true, cabac: false };

    #[test]
    fn a_skipped_picture_is_bit_for_bit_what_the_standard_says() {
        let mut out = Vec::new();
        SYNTAX.push_skip(0x1234, &mut out);
        // 1 | 00110 | 1 | 001001000110100 | 0 0 0 | 1 | 010 | 8160 = 8161 - 1: 12 zeros, 1111111100001 | stop
        let bits = concat!("1", "00110", "1", "001001000110100", "000", "1", "010", "0000000000001111111100001", "1");
        let mut expected = vec![0, 0, 0, 0, 0x61];
        for byte in bits.as_bytes().chunks(8) {
            let text = format!("{:0<8}", std::str::from_utf8(byte).unwrap());
            expected.push(u8::from_str_radix(&text, 2).unwrap());
        }
        expected[3] = (expected.len() - 4) as u8;
        assert_eq!(out, expected);
    }

    #[test]
    fn frame_num_wraps() {
        assert_eq!(SYNTAX.next_frame_num(0), 1);
        assert_eq!(SYNTAX.next_frame_num((1 << 15) - 1), 0);
    }

    proptest! {
        #[test]
        fn only_frame_num_changes(
            first in 0_u32..8160, old in 0_u32..1 << 15, new in 0_u32..1 << 15,
            data in vec(prop_oneof![3 => Just(0_u8), 1 => 0_u8..4, 1 => any::<u8>()], 0..40),
        ) {
            let slice = |frame_num: u32| {
                let mut writer = BitWriter::default();
                writer.ue(first);
                writer.ue(0);
                writer.ue(0);
                writer.bits(frame_num, 15);
                for &byte in &data {
                    writer.bits(u32::from(byte), 8);
                }
                let mut nal = vec![0x61];
                escape(&writer.finish(), &mut nal);
                nal
            };
            let mut out = Vec::new();
            prop_assert!(SYNTAX.push_with_frame_num(&slice(old), new, &mut out));
            let found: Vec<&[u8]> = nals(&out).map(Result::unwrap).collect();
            let expected = slice(new);
            prop_assert_eq!(found, vec![&expected[..]]);
        }

        #[test]
        fn hostile_sets_and_slices_never_panic(bytes in vec(any::<u8>(), 0..40), more in vec(any::<u8>(), 0..20)) {
            let _syntax = SliceSyntax::read(&ParameterSets { sps: bytes.clone(), pps: more });
            let mut out = Vec::new();
            let pushed = SYNTAX.push_with_frame_num(&bytes, 1, &mut out);
            prop_assert_eq!(pushed, !out.is_empty());
            let _kind = SliceKind::read(&bytes);
        }
    }
}
