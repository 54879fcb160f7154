//! Numbers by the thousand in a page: little-endian, in base64, which a browser takes as a typed array without parsing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes as text of a page.
pub(super) fn text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// 32-bit numbers with a sign.
pub(super) fn i32s(values: &[i32]) -> String {
    text(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

/// 16-bit numbers without a sign.
pub(super) fn u16s(values: &[u16]) -> String {
    text(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

/// 32-bit floats.
pub(super) fn f32s(values: &[f32]) -> String {
    text(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(i32s(&[1, -1]), "AQAAAP////8=");
        assert_eq!(u16s(&[0x0102]), "AgE=");
        assert_eq!(f32s(&[1.0]), "AACAPw==");
    }
}
