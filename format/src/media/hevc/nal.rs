//! NAL units of H.265: what the two bytes of their header say (ITU-T H.265, 7.3.1.2 and table 7-1).
//!
//! Start codes, lengths and emulation prevention are those of H.264: [`crate::media::avc::nal`].

/// `nal_unit_type` of an IDR picture with leading pictures that can be decoded.
pub const IDR_W_RADL: u8 = 19;
/// `nal_unit_type` of an IDR picture without leading pictures.
pub const IDR_N_LP: u8 = 20;
/// `nal_unit_type` of a video parameter set.
pub const NAL_VPS: u8 = 32;
/// `nal_unit_type` of a sequence parameter set.
pub const NAL_SPS: u8 = 33;
/// `nal_unit_type` of a picture parameter set.
pub const NAL_PPS: u8 = 34;
/// `nal_unit_type` of supplemental enhancement information before the slices.
pub const NAL_SEI: u8 = 39;

/// Bytes of the header of each NAL unit.
pub const HEADER_BYTES: usize = 2;

/// The header of an SEI NAL unit before the slices: layer 0, temporal sub-layer 0.
pub const SEI_HEADER: [u8; HEADER_BYTES] = [NAL_SEI << 1, 1];

/// Returns the type in the header of a NAL unit; 63 (unspecified) when it has no bytes.
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(63, |header| header >> 1 & 0x3f)
}

/// Returns whether a type is that of a slice.
pub fn is_slice(kind: u8) -> bool {
    kind < 32
}

/// Returns whether a type is that of a slice of an IDR picture.
pub fn is_idr(kind: u8) -> bool {
    matches!(kind, IDR_W_RADL | IDR_N_LP)
}
