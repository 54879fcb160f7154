//! PNG pictures: whole ones in RGB, 8 bits each, without a loss.
//!
//! Reading trusts nothing: a picture is decoded only when it has the size that was expected, and allocates no more than that needs.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::{ColorType, ExtendedColorType, ImageDecoder as _, ImageEncoder as _, Limits};

use crate::media::rgb::Rgb;

/// The longest side of a picture that is encoded or decoded, pixels: that of the backends of the screen.
const MAX_SIDE: u32 = 16_384;
/// What a file may have beyond its samples, bytes: chunks, and rows that do not compress.
const OVERHEAD: u64 = 1 << 20;
/// What the decoder may allocate beside the picture, bytes.
const WORKING: u64 = 4 << 20;

/// Why bytes are no picture that is taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PngError {
    /// They cannot be decoded, or the picture not be encoded.
    #[error("it is no whole PNG: {0}")]
    Damaged(String),
    /// The picture has another size.
    #[error("it has {}x{} pixels instead of {}x{}", found.0, found.1, wanted.0, wanted.1)]
    Size {
        /// Its size.
        found: (u32, u32),
        /// What was expected.
        wanted: (u32, u32),
    },
    /// A side of the picture that was expected is longer than that of any recording.
    #[error("{}x{} pixels are more than any recording has: a side has at most {MAX_SIDE}", wanted.0, wanted.1)]
    TooLarge {
        /// What was expected.
        wanted: (u32, u32),
    },
    /// There is no memory for the picture.
    #[error("there is no memory for {bytes} bytes of a picture")]
    Memory {
        /// What it needs.
        bytes: u64,
    },
    /// The picture is not in RGB with 8 bits.
    #[error("it is not in RGB with 8 bits")]
    Kind,
}

fn damaged(error: impl std::fmt::Display) -> PngError {
    PngError::Damaged(error.to_string())
}

/// The most bytes that the file of a picture of this size may have.
pub fn most_bytes((width, height): (u32, u32)) -> u64 {
    (u64::from(width) * u64::from(height)).saturating_mul(4).saturating_add(OVERHEAD)
}

/// Encodes a picture, fast rather than small.
///
/// # Errors
/// When its data are not of its size.
pub fn encode(picture: &Rgb) -> Result<Vec<u8>, PngError> {
    if picture.data.len() as u64 != u64::from(picture.width) * u64::from(picture.height) * 3 {
        return Err(PngError::Damaged("the picture's data are not of its size".into()));
    }
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    encoder.write_image(&picture.data, picture.width, picture.height, ExtendedColorType::Rgb8).map_err(damaged)?;
    Ok(bytes)
}

/// Decodes a picture of a size that is known.
///
/// # Errors
/// [`PngError`]
pub fn decode(bytes: &[u8], wanted: (u32, u32)) -> Result<Rgb, PngError> {
    if wanted.0 > MAX_SIDE || wanted.1 > MAX_SIDE {
        return Err(PngError::TooLarge { wanted });
    }
    let pixels = u64::from(wanted.0) * u64::from(wanted.1) * 3;
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(wanted.0);
    limits.max_image_height = Some(wanted.1);
    limits.max_alloc = Some(pixels + WORKING);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(damaged)?;
    let found = decoder.dimensions();
    if found != wanted {
        return Err(PngError::Size { found, wanted });
    }
    if decoder.color_type() != ColorType::Rgb8 || decoder.total_bytes() != pixels {
        return Err(PngError::Kind);
    }
    let no_memory = || PngError::Memory { bytes: pixels };
    let len = usize::try_from(pixels).map_err(|_too_many| no_memory())?;
    let mut data = Vec::new();
    data.try_reserve_exact(len).map_err(|_no_room| no_memory())?;
    data.resize(len, 0);
    decoder.read_image(&mut data).map_err(damaged)?;
    Ok(Rgb { width: found.0, height: found.1, data })
}

/// Whether bytes begin and end as a PNG does: what a file that was written to its end has, and one that was cut off has not.
pub fn is_whole(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";
    bytes.starts_with(BEGIN) && bytes.ends_with(END)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Rgb {
        let data = (0..7 * 3 * 3).map(|n| (n * 37 % 256) as u8).collect();
        Rgb { width: 7, height: 3, data }
    }

    #[test]
    fn a_picture_comes_back_to_the_bit_and_another_size_does_not() {
        let bytes = encode(&picture()).expect("a PNG");
        assert!(is_whole(&bytes) && bytes.len() as u64 <= most_bytes((7, 3)));
        assert_eq!(decode(&bytes, (7, 3)), Ok(picture()));
        assert_eq!(decode(&bytes, (8, 3)), Err(PngError::Size { found: (7, 3), wanted: (8, 3) }));
        assert!(decode(&bytes, (6, 3)).is_err());
        assert!(encode(&Rgb { width: 8, ..picture() }).is_err());
    }

    /// A PNG whose head says this size, with a checksum that holds, and that has hardly any data.
    fn that_says((width, height): (u32, u32)) -> Vec<u8> {
        let mut bytes = encode(&picture()).expect("a PNG");
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = bytes[12..29].iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
        });
        bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
        bytes
    }

    #[test]
    fn a_size_that_no_recording_has_is_refused_before_memory_is_taken_for_it() {
        for wanted in
            [(u32::MAX, u32::MAX), (0x7fff_ffff, 0x7fff_ffff), (100_000, 100_000), (MAX_SIDE + 1, 1), (1, 1 << 31)]
        {
            assert_eq!(decode(&that_says(wanted), wanted), Err(PngError::TooLarge { wanted }));
        }
        // The head is believed so far that the next thing is the data, which are cut off.
        assert!(matches!(decode(&that_says((MAX_SIDE, 1)), (MAX_SIDE, 1)), Err(PngError::Damaged(_))));
        assert_eq!(most_bytes((u32::MAX, u32::MAX)), u64::MAX);
    }

    #[test]
    fn what_was_cut_off_or_changed_is_no_picture() {
        let bytes = encode(&picture()).expect("a PNG");
        for end in 0..bytes.len() {
            assert!(!is_whole(&bytes[..end]));
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x10;
            // No panic; what decodes all the same differs, or the flip was in what no decoder looks at.
            drop(decode(&other, (7, 3)));
        }
        let grey = {
            let mut bytes = Vec::new();
            let encoder = PngEncoder::new(&mut bytes);
            encoder.write_image(&[7; 21], 7, 3, ExtendedColorType::L8).expect("a PNG");
            bytes
        };
        assert_eq!(decode(&grey, (7, 3)), Err(PngError::Kind));
    }
}
