//! Pixels of a screen (B, G, R, X) to planes of full size: 4:4:4 in BT.709, limited range, or green, blue and red as they are.
//!
//! Keeps the invariants that each pixel is converted alone, so that a mask that is painted later leaves nothing of what was below it; and that
//! [`Sampling::Rgb`] holds the screen's own samples. Where a side of the surface is odd, the coded picture has one more column or row,
//! a copy of the last. It scales nothing and masks nothing.

use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, bgra_to_yuv444};

use super::{Bgrx, ConvertError, PIXEL_BYTES};
use crate::media::picture::{Planar, Sampling};

/// Converts all rows.
///
/// # Errors
/// When the sizes of `pixels` and `picture` do not fit each other.
pub(super) fn write(pixels: Bgrx<'_>, picture: &mut Planar) -> Result<(), ConvertError> {
    let Bgrx { data, stride, width, height } = pixels;
    pixels.check_coded(picture)?;
    pixels.check_bytes().map_err(|()| ConvertError::Bytes { bytes: data.len(), stride, width, height })?;
    if picture.sampling() == Sampling::Rgb {
        split(pixels, picture);
    } else {
        to_444(pixels, picture)?;
    }
    repeat_edges(picture, (width, height));
    Ok(())
}

/// Takes the samples of each pixel apart.
fn split(pixels: Bgrx<'_>, picture: &mut Planar) {
    let (width, coded) = (pixels.width as usize, picture.width() as usize);
    let (green, blue, red) = picture.planes_mut();
    let planes = green.chunks_exact_mut(coded).zip(blue.chunks_exact_mut(coded)).zip(red.chunks_exact_mut(coded));
    for (row, ((green, blue), red)) in planes.enumerate().take(pixels.height as usize) {
        let from = &pixels.data[row * pixels.stride..][..width * PIXEL_BYTES];
        let (green, blue, red) = (&mut green[..width], &mut blue[..width], &mut red[..width]);
        for (column, pixel) in from.chunks_exact(PIXEL_BYTES).enumerate() {
            (blue[column], green[column], red[column]) = (pixel[0], pixel[1], pixel[2]);
        }
    }
}

fn to_444(pixels: Bgrx<'_>, picture: &mut Planar) -> Result<(), ConvertError> {
    let Bgrx { data, stride, width, height } = pixels;
    let coded = picture.width();
    let (y, u, v) = picture.planes_mut();
    let mut target = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: coded,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: coded,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: coded,
        width,
        height,
    };
    let bytes = ConvertError::Bytes { bytes: data.len(), stride, width, height };
    let Ok(byte_stride) = u32::try_from(stride) else { return Err(bytes) };
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt709);
    bgra_to_yuv444(&mut target, data, byte_stride, range, matrix, YuvConversionMode::Balanced)
        .map_err(|error| ConvertError::Refused { why: error.to_string() })
}

/// Fills the column and the row that an odd surface does not have.
fn repeat_edges(picture: &mut Planar, (width, height): (u32, u32)) {
    let (coded, width, height) = (picture.width() as usize, width as usize, height as usize);
    let (first, second, third) = picture.planes_mut();
    for plane in [first, second, third] {
        if width < coded {
            for row in plane.chunks_exact_mut(coded) {
                row[width] = row[width - 1];
            }
        }
        if height * coded < plane.len() {
            plane.copy_within((height - 1) * coded..height * coded, height * coded);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// BT.709, limited range, of one colour, in floating point: the definition in ITU-R BT.709-6, items 3.2 to 3.4.
    fn reference([b, g, r]: [u8; 3]) -> [f64; 3] {
        let [b, g, r] = [b, g, r].map(f64::from);
        let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [
            16.0 + 219.0 * luma / 255.0,
            128.0 + 224.0 * (b - luma) / 1.8556 / 255.0,
            128.0 + 224.0 * (r - luma) / 1.5748 / 255.0,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_pixel_of_any_size_is_converted_alone(
            width in 1_u32..150, height in 1_u32..20, pad in 0_usize..9, seed in any::<u64>(),
        ) {
            let stride = width as usize * PIXEL_BYTES + pad;
            let mut state = seed | 1;
            let data: Vec<u8> = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            }).take(stride * height as usize).collect();
            let pixels = Bgrx { data: &data, stride, width, height };
            let (coded_width, coded_height) = Planar::coded_size(width, height);
            for sampling in [Sampling::Yuv444, Sampling::Rgb] {
                let mut picture = Planar::new(sampling, coded_width, coded_height);
                write(pixels, &mut picture).unwrap();
                let planes = picture.planes();
                for at in 0..planes.0.len() {
                    let (x, y) = (at as u32 % coded_width, at as u32 / coded_width);
                    let from = y.min(height - 1) as usize * stride + x.min(width - 1) as usize * PIXEL_BYTES;
                    let bgr = [data[from], data[from + 1], data[from + 2]];
                    let found = [planes.0[at], planes.1[at], planes.2[at]];
                    if sampling == Sampling::Rgb {
                        prop_assert_eq!(found, [bgr[1], bgr[0], bgr[2]]);
                    } else {
                        let off = found.iter().zip(reference(bgr)).map(|(found, wanted)| (f64::from(*found) - wanted).abs());
                        let off = off.fold(0.0, f64::max);
                        prop_assert!(off <= 2.0, "off by {} at {},{}", off, x, y);
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let data = vec![0; 4 * 16 * 16];
        for sampling in [Sampling::Yuv444, Sampling::Rgb] {
            let refused =
                write(Bgrx { data: &data, stride: 64, width: 16, height: 16 }, &mut Planar::new(sampling, 18, 16));
            assert!(matches!(refused, Err(ConvertError::Size { coded_width: 18, .. })), "{refused:?}");
            let refused =
                write(Bgrx { data: &data, stride: 65, width: 16, height: 16 }, &mut Planar::new(sampling, 16, 16));
            assert!(matches!(refused, Err(ConvertError::Bytes { .. })), "{refused:?}");
        }
    }
}
