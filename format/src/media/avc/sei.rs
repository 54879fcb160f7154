//! The SEI message that says which frame an access unit is: a [`FrameStamp`] as `user_data_unregistered`.
//!
//! Invariant: whatever bytes come in, nothing here panics.

use super::nal::{LENGTH_BYTES, NAL_SEI, escape, nal_type, nals, unescape};
use crate::base::id::FrameRef;
use crate::base::time::MonoNs;
use crate::media::picture::FrameStamp;

/// Identifies our SEI payload among all `user_data_unregistered` payloads. A fixed random UUID; part of the format.
pub const STAMP_UUID: [u8; 16] =
    [0x6e, 0x2b, 0x1d, 0xb4, 0x5f, 0x0c, 0x4a, 0x97, 0x9c, 0x83, 0xd1, 0x57, 0x3a, 0xe8, 0x46, 0xf2];

/// Version of the payload behind [`STAMP_UUID`]: version (1 byte), `frame_ref` (u64, big-endian), `t_ns` (i64, big-endian).
pub const STAMP_VERSION: u8 = 1;

/// Bytes of the SEI payload: UUID 16, version 1, `frame_ref` 8, `t_ns` 8.
pub(crate) const STAMP_PAYLOAD: usize = 16 + 1 + 8 + 8;

/// SEI `payloadType` of `user_data_unregistered`.
const USER_DATA_UNREGISTERED: u8 = 5;

/// SEI `payloadType` of `recovery_point`.
const RECOVERY_POINT: u8 = 6;

/// SEI messages looked at in one NAL unit: an encoder writes one or two; hostile bytes get no more of our time.
const MAX_SEI_MESSAGES: usize = 64;

/// Appends the SEI NAL unit of a stamp, behind its length.
pub fn push_sei(stamp: FrameStamp, out: &mut Vec<u8>) {
    push_stamp(&[NAL_SEI], stamp, out);
}

/// Appends the NAL unit of a stamp with this header, behind its length: SEI messages of H.265 are those of H.264 behind another header.
pub fn push_stamp(header: &[u8], stamp: FrameStamp, out: &mut Vec<u8>) {
    let mut raw = [0_u8; 2 + STAMP_PAYLOAD + 1];
    raw[0] = USER_DATA_UNREGISTERED;
    raw[1] = STAMP_PAYLOAD as u8;
    raw[2..35].copy_from_slice(&stamp_payload(stamp));
    raw[35] = 0x80; // rbsp_trailing_bits: the stop bit
    let length_at = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    out.extend_from_slice(header);
    escape(&raw, out);
    let length = (out.len() - length_at - LENGTH_BYTES) as u32;
    out[length_at..length_at + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
}

/// The stamp in a length-prefixed access unit; `None` when it carries none of a version we know. NAL units behind a
/// broken length are not looked at.
pub fn parse_sei(au: &[u8]) -> Option<FrameStamp> {
    nals(au).map_while(Result::ok).filter(|nal| nal_type(nal) == NAL_SEI).find_map(parse_sei_nal)
}

/// The stamp in one SEI NAL unit, header included, still escaped.
pub fn parse_sei_nal(nal: &[u8]) -> Option<FrameStamp> {
    read_stamp(nal.get(1..)?)
}

/// The stamp in the messages of an SEI NAL unit, without its header, still escaped.
pub fn read_stamp(messages: &[u8]) -> Option<FrameStamp> {
    let mut raw = Vec::new();
    unescape(messages, &mut raw);
    let mut rest = raw.as_slice();
    for _ in 0..MAX_SEI_MESSAGES {
        let (kind, behind) = sei_number(rest)?;
        let (size, behind) = sei_number(behind)?;
        let payload = behind.get(..size)?;
        if kind == usize::from(USER_DATA_UNREGISTERED)
            && let Some(stamp) = parse_stamp(payload)
        {
            return Some(stamp);
        }
        rest = &behind[size..];
    }
    None
}

/// Whether one SEI NAL unit holds a recovery point: decoding may begin there, and shows whole pictures only later.
pub fn has_recovery_point(nal: &[u8]) -> bool {
    let mut raw = Vec::new();
    unescape(nal.get(1..).unwrap_or_default(), &mut raw);
    let mut rest = raw.as_slice();
    for _ in 0..MAX_SEI_MESSAGES {
        let message = sei_number(rest).and_then(|(kind, behind)| {
            let (size, behind) = sei_number(behind)?;
            Some((kind, behind.get(size..)?))
        });
        match message {
            Some((kind, _)) if kind == usize::from(RECOVERY_POINT) => return true,
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    false
}

/// A number as SEI messages write it: bytes of 255 and a last one, added up.
fn sei_number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let full = bytes.iter().take_while(|&&byte| byte == 0xff).count();
    let last = *bytes.get(full)?;
    Some((full * 255 + usize::from(last), &bytes[full + 1..]))
}

/// Returns the payload of a stamp: UUID, version, number and time.
pub(crate) fn stamp_payload(stamp: FrameStamp) -> [u8; STAMP_PAYLOAD] {
    let mut payload = [0; STAMP_PAYLOAD];
    payload[..16].copy_from_slice(&STAMP_UUID);
    payload[16] = STAMP_VERSION;
    payload[17..25].copy_from_slice(&stamp.frame_ref.0.to_be_bytes());
    payload[25..].copy_from_slice(&stamp.t.0.to_be_bytes());
    payload
}

/// Returns the stamp that a payload holds; `None` when it is not one of ours, or of a later version.
pub(crate) fn parse_stamp(payload: &[u8]) -> Option<FrameStamp> {
    let (uuid, rest) = payload.split_first_chunk::<16>()?;
    let (version, rest) = rest.split_first()?;
    if *uuid != STAMP_UUID || *version != STAMP_VERSION {
        return None;
    }
    let (frame_ref, rest) = rest.split_first_chunk::<8>()?;
    let (t_ns, _) = rest.split_first_chunk::<8>()?;
    Some(FrameStamp { frame_ref: FrameRef(u64::from_be_bytes(*frame_ref)), t: MonoNs(i64::from_be_bytes(*t_ns)) })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::media::avc::nal::{push_nal, tests::nal};

    fn stamp(frame_ref: u64, t: i64) -> FrameStamp {
        FrameStamp { frame_ref: FrameRef(frame_ref), t: MonoNs(t) }
    }

    #[test]
    fn a_stamp_that_needs_emulation_prevention_comes_back() {
        let mut au = Vec::new();
        push_sei(stamp(1, 2), &mut au);
        assert!(au.windows(3).skip(LENGTH_BYTES).all(|three| !matches!(three, [0, 0, 0..=2])), "{au:02x?}");
        assert_eq!(parse_sei(&au), Some(stamp(1, 2)));
        // Behind another message, and of a later version.
        let mut raw = vec![4, 2, 0xaa, 0xbb];
        unescape(&au[LENGTH_BYTES + 1..], &mut raw);
        let mut nal = vec![NAL_SEI];
        escape(&raw, &mut nal);
        assert_eq!(parse_sei_nal(&nal), Some(stamp(1, 2)));
        raw[4 + 18] = STAMP_VERSION + 1;
        let mut nal = vec![NAL_SEI];
        escape(&raw, &mut nal);
        assert_eq!(parse_sei_nal(&nal), None);
    }

    proptest! {
        #[test]
        fn every_stamp_comes_back(frame_ref in any::<u64>(), t in any::<i64>(), slice in nal()) {
            let mut au = Vec::new();
            push_sei(stamp(frame_ref, t), &mut au);
            push_nal(&slice, &mut au);
            prop_assert_eq!(parse_sei(&au), Some(stamp(frame_ref, t)));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in vec(prop_oneof![0_u8..8, any::<u8>()], 0..200)) {
            let _stamp = parse_sei(&bytes);
            let _stamp = parse_sei_nal(&bytes);
            let _found = has_recovery_point(&bytes);
        }
    }
}
