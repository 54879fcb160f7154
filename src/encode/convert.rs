//! Pixels of a screen (B, G, R, X) to the planes of a picture: 4:2:0 in BT.709, limited range, whole pictures or bands of rows; planes of full size
//! are in [`full`].
//!
//! Invariant: the planes hold what the SPS and the container promise (matrix BT.709, luma 16–235, chroma 16–240), to
//! within ±2 of the exact transform. Where a side of the surface is odd, the coded picture has one more column or row,
//! a copy of the last. Chroma is the mean of each block of 2×2 pixels. It scales nothing and masks nothing.

mod full;

use std::ops::Range;

use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, bgra_to_yuv420};

use crate::media::picture::{Planar, Sampling};

/// Bytes of a pixel in memory order B, G, R, X; X is not looked at.
const PIXEL_BYTES: usize = 4;

/// Pixels in memory order B, G, R, X.
#[derive(Clone, Copy)]
pub struct Bgrx<'a> {
    /// The bytes; row `y` begins at `y * stride`.
    pub data: &'a [u8],
    /// Bytes from one row to the next, at least `width * 4`.
    pub stride: usize,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Bgrx<'_> {
    /// Checks that there are as many pixels as a picture has, and bytes for them.
    ///
    /// # Errors
    /// When there are not.
    pub(super) fn check_size(&self, (coded_width, coded_height): (u32, u32)) -> Result<(), ConvertError> {
        let Self { data, stride, width, height } = *self;
        if width == 0 || height == 0 || (width, height) != (coded_width, coded_height) {
            return Err(ConvertError::Size { width, height, coded_width, coded_height });
        }
        self.check_bytes().map_err(|()| ConvertError::Bytes { bytes: data.len(), stride, width, height })
    }

    /// Checks that the picture has the size at which the pixels are coded.
    fn check_coded(&self, picture: &Planar) -> Result<(), ConvertError> {
        let Self { width, height, .. } = *self;
        let (coded_width, coded_height) = (picture.width(), picture.height());
        if width == 0 || height == 0 || Planar::coded_size(width, height) != (coded_width, coded_height) {
            return Err(ConvertError::Size { width, height, coded_width, coded_height });
        }
        Ok(())
    }

    /// Whether the bytes that stride and size ask for are there.
    fn check_bytes(&self) -> Result<(), ()> {
        let row_bytes = self.width as usize * PIXEL_BYTES;
        let needed = self.stride.checked_mul(self.height as usize - 1).and_then(|bytes| bytes.checked_add(row_bytes));
        if self.stride < row_bytes || needed.is_none_or(|needed| self.data.len() < needed) { Err(()) } else { Ok(()) }
    }
}

/// Why pixels cannot be converted. Each is a mistake of the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// The picture does not have the coded size of the pixels.
    #[error("pixels of {width}x{height} do not fit a picture of {coded_width}x{coded_height}")]
    Size {
        /// Pixels per row.
        width: u32,
        /// Rows of pixels.
        height: u32,
        /// Width of the picture.
        coded_width: u32,
        /// Height of the picture.
        coded_height: u32,
    },
    /// A band begins in the middle of a row of chroma, ends there before the last row, or lies outside.
    #[error("rows {from} to {to} are no band of a picture of {height} rows: they must begin and end at even rows")]
    Band {
        /// First row.
        from: u32,
        /// Row behind the last.
        to: u32,
        /// Rows of pixels.
        height: u32,
    },
    /// There are fewer bytes than stride and size ask for.
    #[error("{bytes} bytes do not hold {width}x{height} pixels at a stride of {stride} bytes")]
    Bytes {
        /// Bytes there.
        bytes: usize,
        /// Bytes from one row to the next.
        stride: usize,
        /// Pixels per row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The converter refused.
    #[error("the colour converter refused: {why}")]
    Refused {
        /// What it said.
        why: String,
    },
}

/// Converts all rows to what the planes of the picture are.
///
/// # Errors
/// When the sizes of `pixels` and `picture` do not fit each other.
pub fn to_planar(pixels: Bgrx<'_>, picture: &mut Planar) -> Result<(), ConvertError> {
    match picture.sampling() {
        Sampling::Yuv420 => to_i420(pixels, picture),
        Sampling::Yuv444 | Sampling::Rgb => full::write(pixels, picture),
    }
}

/// Converts all rows to 4:2:0.
///
/// # Errors
/// When the sizes of `pixels` and `picture` do not fit each other.
pub fn to_i420(pixels: Bgrx<'_>, picture: &mut Planar) -> Result<(), ConvertError> {
    to_i420_rows(pixels, 0..pixels.height, picture)
}

/// Converts the rows `rows` and leaves the others as they are. A band begins at an even row and ends at an even row or
/// with the last row; an empty band does nothing.
///
/// # Errors
/// When the sizes do not fit each other, or the rows are no such band.
pub fn to_i420_rows(pixels: Bgrx<'_>, rows: Range<u32>, picture: &mut Planar) -> Result<(), ConvertError> {
    let Bgrx { data, stride, width, height } = pixels;
    pixels.check_coded(picture)?;
    let Range { start: from, end: to } = rows;
    if from % 2 != 0 || (to % 2 != 0 && to != height) || to > height || from > to {
        return Err(ConvertError::Band { from, to, height });
    }
    pixels.check_bytes().map_err(|()| ConvertError::Bytes { bytes: data.len(), stride, width, height })?;
    if from == to {
        return Ok(());
    }

    // The SIMD converter gets the even part: it fails on odd widths (yuv 0.8.20 indexes past a row of chroma there).
    let (even_width, even_to) = (width & !1, to & !1);
    if even_width > 0 && even_to > from {
        convert_even(pixels, from..even_to, even_width, picture)?;
    }
    if width % 2 != 0 {
        for y in (from..to).step_by(2) {
            convert_block(pixels, width - 1, y, picture);
        }
    }
    if to % 2 != 0 {
        for x in (0..even_width).step_by(2) {
            convert_block(pixels, x, to - 1, picture);
        }
    }
    Ok(())
}

/// Converts an even number of rows, an even number of pixels of each, with SIMD. The sizes were checked.
fn convert_even(pixels: Bgrx<'_>, rows: Range<u32>, width: u32, picture: &mut Planar) -> Result<(), ConvertError> {
    let Bgrx { data, stride, .. } = pixels;
    let luma_stride = picture.width() as usize;
    let luma = rows.start as usize * luma_stride..rows.end as usize * luma_stride;
    let chroma = luma.start / 4..luma.end / 4;
    let (y, u, v) = picture.planes_mut();
    let mut target = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(&mut y[luma]),
        y_stride: luma_stride as u32,
        u_plane: BufferStoreMut::Borrowed(&mut u[chroma.clone()]),
        u_stride: luma_stride as u32 / 2,
        v_plane: BufferStoreMut::Borrowed(&mut v[chroma]),
        v_stride: luma_stride as u32 / 2,
        width,
        height: rows.end - rows.start,
    };
    let bytes = ConvertError::Bytes { bytes: data.len(), stride, width: pixels.width, height: pixels.height };
    let Ok(byte_stride) = u32::try_from(stride) else { return Err(bytes) };
    // `Balanced` is the most precise mode without `professional_mode`; the tests below hold it to ±2.
    bgra_to_yuv420(
        &mut target,
        &data[rows.start as usize * stride..],
        byte_stride,
        YuvRange::Limited,
        YuvStandardMatrix::Bt709,
        YuvConversionMode::Balanced,
    )
    .map_err(|error| ConvertError::Refused { why: error.to_string() })
}

/// Converts the block of 2×2 at (x, y), both even, where part of it may lie behind the last column or row: the last
/// pixels stand in for those.
fn convert_block(pixels: Bgrx<'_>, x: u32, y: u32, picture: &mut Planar) {
    let width = picture.width() as usize;
    let (luma, u, v) = picture.planes_mut();
    let mut sum = [0_i32; 3];
    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let (from_x, from_y) = ((x + dx).min(pixels.width - 1), (y + dy).min(pixels.height - 1));
        let at = from_y as usize * pixels.stride + from_x as usize * PIXEL_BYTES;
        let bgr = [0, 1, 2].map(|channel| i32::from(pixels.data[at + channel]));
        luma[(y + dy) as usize * width + (x + dx) as usize] = weigh(LUMA, bgr, 1, 16);
        for (sum, channel) in sum.iter_mut().zip(bgr) {
            *sum += channel;
        }
    }
    let at = (y / 2) as usize * (width / 2) + (x / 2) as usize;
    u[at] = weigh(CHROMA_U, sum, 4, 128);
    v[at] = weigh(CHROMA_V, sum, 4, 128);
}

/// Weights of B, G and R, times 65536. Luma: 219/255 × (0.0722, 0.7152, 0.2126).
const LUMA: [i32; 3] = [4_064, 40_254, 11_966];
/// 224/255 / 1.8556 × (1 − 0.0722, −0.7152, −0.2126).
const CHROMA_U: [i32; 3] = [28_784, -22_189, -6_596];
/// 224/255 / 1.5748 × (−0.0722, −0.7152, 1 − 0.2126).
const CHROMA_V: [i32; 3] = [-2_639, -26_145, 28_784];

/// One sample from channels that are sums of `count` pixels.
fn weigh(weights: [i32; 3], bgr: [i32; 3], count: i32, offset: i32) -> u8 {
    let sum: i32 = weights.iter().zip(bgr).map(|(weight, channel)| weight * channel / count).sum();
    (((sum + (1 << 15)) >> 16) + offset).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// BT.709, limited range, of one colour, in floating point: the definition in ITU-R BT.709-6, items 3.2 to 3.4.
    fn reference(b: f64, g: f64, r: f64) -> [f64; 3] {
        let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [
            16.0 + 219.0 * luma / 255.0,
            128.0 + 224.0 * (b - luma) / 1.8556 / 255.0,
            128.0 + 224.0 * (r - luma) / 1.5748 / 255.0,
        ]
    }

    /// Checks each sample of the picture against the reference of the pixels below it.
    fn worst_error(pixels: Bgrx<'_>, picture: &Planar) -> f64 {
        let at = |x: u32, y: u32| {
            let at = y.min(pixels.height - 1) as usize * pixels.stride + x.min(pixels.width - 1) as usize * PIXEL_BYTES;
            [f64::from(pixels.data[at]), f64::from(pixels.data[at + 1]), f64::from(pixels.data[at + 2])]
        };
        let (luma, u, v) = picture.planes();
        let mut worst = 0.0_f64;
        for y in 0..picture.height() {
            for x in 0..picture.width() {
                let pixel = at(x, y);
                let found = f64::from(luma[(y * picture.width() + x) as usize]);
                worst = worst.max((found - reference(pixel[0], pixel[1], pixel[2])[0]).abs());
                if x % 2 == 0 && y % 2 == 0 {
                    let block = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
                    let mean = |channel: usize| block.iter().map(|pixel| pixel[channel]).sum::<f64>() / 4.0;
                    let expected = reference(mean(0), mean(1), mean(2));
                    let chroma = (y / 2 * (picture.width() / 2) + x / 2) as usize;
                    worst = worst.max((f64::from(u[chroma]) - expected[1]).abs());
                    worst = worst.max((f64::from(v[chroma]) - expected[2]).abs());
                }
            }
        }
        worst
    }

    fn noise(bytes: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .take(bytes)
        .collect()
    }

    #[test]
    fn colours_are_bt709_limited() {
        // Expected values by hand from the definition, so that the reference above is checked as well.
        for ([r, g, b], expected) in [
            ([0_u8, 0, 0], [16_u8, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([200, 40, 0], [77, 94, 200]),
            ([0, 255, 0], [173, 42, 26]),
            ([0, 0, 255], [32, 240, 118]),
        ] {
            let data: Vec<u8> = [b, g, r, 0x5a].repeat(64 * 16);
            let pixels = Bgrx { data: &data, stride: 256, width: 64, height: 16 };
            let mut picture = Planar::yuv420(64, 16);
            to_i420(pixels, &mut picture).unwrap();
            let (y, u, v) = picture.planes();
            for (plane, expected) in [(y, expected[0]), (u, expected[1]), (v, expected[2])] {
                for &sample in plane {
                    assert!(sample.abs_diff(expected) <= 2, "rgb({r},{g},{b}) became {sample}, not {expected}");
                }
            }
            assert!(worst_error(pixels, &picture) <= 2.0);
        }
    }

    #[test]
    fn bands_make_the_same_picture_as_the_whole_and_touch_no_other_row() {
        let (width, height, stride) = (61_u32, 37_u32, 61 * 4 + 12);
        let data = noise(stride * height as usize, 7);
        let pixels = Bgrx { data: &data, stride, width, height };
        let mut whole = Planar::yuv420(62, 38);
        to_i420(pixels, &mut whole).unwrap();
        let mut banded = Planar::yuv420(62, 38);
        for rows in [0..2, 2..20, 20..20, 20..37] {
            to_i420_rows(pixels, rows, &mut banded).unwrap();
        }
        assert!(whole == banded, "bands and whole differ");

        let mut middle = Planar::yuv420(62, 38);
        to_i420_rows(pixels, 10..12, &mut middle).unwrap();
        let (y, u, _) = middle.planes();
        assert!(y[..10 * 62].iter().chain(&y[12 * 62..]).all(|&sample| sample == 16));
        assert!(u[..5 * 31].iter().chain(&u[6 * 31..]).all(|&sample| sample == 128));
        assert_eq!(y[10 * 62..12 * 62], whole.planes().0[10 * 62..12 * 62]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let data = vec![0; 4 * 16 * 16];
        let pixels = Bgrx { data: &data, stride: 64, width: 16, height: 16 };
        let mut picture = Planar::yuv420(16, 16);
        for (from, to) in [(1, 4), (0, 3), (0, 17), (4, 2)] {
            assert_eq!(
                to_i420_rows(pixels, from..to, &mut picture),
                Err(ConvertError::Band { from, to, height: 16 }),
                "rows {from}..{to}"
            );
        }
        for (stride, height) in [(63, 16), (64, 17), (65, 16), (usize::MAX, 16)] {
            let mut picture = Planar::yuv420(16, height + height % 2);
            let broken = Bgrx { stride, height, ..pixels };
            let refused = to_i420(broken, &mut picture);
            assert!(matches!(refused, Err(ConvertError::Bytes { .. })), "{stride} {height}: {refused:?}");
        }
        let refused = to_i420(pixels, &mut Planar::yuv420(18, 16));
        assert!(matches!(refused, Err(ConvertError::Size { coded_width: 18, .. })), "{refused:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_size_is_within_two_steps_of_the_definition(
            width in 1_u32..150, height in 1_u32..20, pad in 0_usize..9, seed in any::<u64>(),
        ) {
            let stride = width as usize * PIXEL_BYTES + pad;
            let data = noise(stride * height as usize, seed);
            let pixels = Bgrx { data: &data, stride, width, height };
            let (coded_width, coded_height) = Planar::coded_size(width, height);
            let mut picture = Planar::yuv420(coded_width, coded_height);
            to_i420(pixels, &mut picture).unwrap();
            let worst = worst_error(pixels, &picture);
            prop_assert!(worst <= 2.0, "off by {}", worst);
        }
    }
}
