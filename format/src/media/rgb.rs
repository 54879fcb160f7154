//! From a decoded picture to RGB: whole or scaled down.
//!
//! Colours are BT.709, limited range, as the video says of itself. Scaling averages whole source pixels and happens before the
//! conversion, so a thumbnail costs one pass over the luma. Nothing here decodes.

use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv420_to_rgb};

use crate::media::picture::I420;

/// A picture in RGB, 8 bits each, rows tightly packed.
#[derive(Clone, PartialEq, Eq)]
pub struct Rgb {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes: red, green, blue.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rgb").field("width", &self.width).field("height", &self.height).finish_non_exhaustive()
    }
}

/// The largest size of the same proportions that fits into `within`, never larger than `size`, never empty.
pub fn fit(size: (u32, u32), within: (u32, u32)) -> (u32, u32) {
    let (w, h) = (u64::from(size.0.max(1)), u64::from(size.1.max(1)));
    let (most_w, most_h) = (u64::from(within.0.max(1)).min(w), u64::from(within.1.max(1)).min(h));
    let (w, h) =
        if most_w * h <= most_h * w { (most_w, (most_w * h / w).max(1)) } else { ((most_h * w / h).max(1), most_h) };
    (w as u32, h as u32)
}

/// The picture's upper left `surface` pixels in RGB.
///
/// # Errors
/// What the conversion said; does not happen for a surface within the picture.
pub fn to_rgb(picture: &I420, surface: (u32, u32)) -> Result<Rgb, String> {
    let (width, height) = (surface.0.clamp(1, picture.width()), surface.1.clamp(1, picture.height()));
    let (y, u, v) = picture.planes();
    convert((y, u, v), (picture.width(), picture.width() / 2), (width, height))
}

/// The picture's upper left `surface` pixels scaled down to `size` in RGB; sides larger than the surface's become the surface's.
///
/// # Errors
/// What the conversion said; does not happen for a surface within the picture.
pub fn to_rgb_scaled(picture: &I420, surface: (u32, u32), size: (u32, u32)) -> Result<Rgb, String> {
    let (from_w, from_h) = (surface.0.clamp(1, picture.width()), surface.1.clamp(1, picture.height()));
    let (width, height) = (size.0.clamp(1, from_w), size.1.clamp(1, from_h));
    if (width, height) == (from_w, from_h) {
        return to_rgb(picture, surface);
    }
    let (y, u, v) = picture.planes();
    let stride = picture.width() as usize;
    let half = |side: u32| side.div_ceil(2);
    let luma = shrink(y, stride, (from_w, from_h), (width, height));
    let chroma = |plane| shrink(plane, stride / 2, (half(from_w), half(from_h)), (half(width), half(height)));
    convert((&luma, &chroma(u), &chroma(v)), (width, half(width)), (width, height))
}

/// The picture's upper left `surface` pixels scaled down to `size`, whose sides are even and no larger than the surface's.
///
/// # Panics
/// When a side is odd or zero.
pub fn scale(picture: &I420, surface: (u32, u32), size: (u32, u32)) -> I420 {
    let mut scaled = I420::new(size.0, size.1);
    let from = (surface.0.clamp(size.0, picture.width()), surface.1.clamp(size.1, picture.height()));
    let (y, u, v) = picture.planes();
    let stride = picture.width() as usize;
    let (half_from, half) = ((from.0.div_ceil(2), from.1.div_ceil(2)), (size.0 / 2, size.1 / 2));
    let (to_y, to_u, to_v) = scaled.planes_mut();
    to_y.copy_from_slice(&shrink(y, stride, from, size));
    to_u.copy_from_slice(&shrink(u, stride / 2, half_from, half));
    to_v.copy_from_slice(&shrink(v, stride / 2, half_from, half));
    scaled
}

fn convert(planes: (&[u8], &[u8], &[u8]), strides: (u32, u32), size: (u32, u32)) -> Result<Rgb, String> {
    let (width, height) = size;
    let image = YuvPlanarImage {
        y_plane: planes.0,
        y_stride: strides.0,
        u_plane: planes.1,
        u_stride: strides.1,
        v_plane: planes.2,
        v_stride: strides.1,
        width,
        height,
    };
    let mut data = vec![0; width as usize * height as usize * 3];
    yuv420_to_rgb(&image, &mut data, width * 3, YuvRange::Limited, YuvStandardMatrix::Bt709)
        .map_err(|error| error.to_string())?;
    Ok(Rgb { width, height, data })
}

/// Each output pixel is the mean of the source pixels that fall to it; each source pixel is read once.
fn shrink(plane: &[u8], stride: usize, from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    let (from_w, from_h) = (from.0 as usize, from.1 as usize);
    let (to_w, to_h) = (to.0 as usize, to.1 as usize);
    let mut out = Vec::with_capacity(to_w * to_h);
    // Columns are summed first: a loop over neighbours that the compiler turns into vector adds. A sum stays below
    // 2^32 for up to 16 million rows.
    let mut sums = vec![0_u32; from_w];
    for row in 0..to_h {
        let (top, bottom) = (row * from_h / to_h, (row + 1) * from_h / to_h);
        sums.fill(0);
        for line in top..bottom {
            let line = &plane[line * stride..line * stride + from_w];
            for (sum, pixel) in sums.iter_mut().zip(line) {
                *sum += u32::from(*pixel);
            }
        }
        for column in 0..to_w {
            let (left, right) = (column * from_w / to_w, (column + 1) * from_w / to_w);
            let sum: u64 = sums[left..right].iter().copied().map(u64::from).sum();
            let count = ((right - left) * (bottom - top)) as u64;
            out.push(((sum + count / 2) / count) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BT.709 limited range of (200, 40, 0), by the matrix of ITU-R BT.709-6, as the first test computes it.
    const RED: (u8, u8, u8) = (77, 94, 200);

    fn filled(width: u32, height: u32) -> I420 {
        let mut picture = I420::new(width, height);
        let (y, u, v) = picture.planes_mut();
        y.fill(RED.0);
        u.fill(RED.1);
        v.fill(RED.2);
        picture
    }

    fn near(found: &[u8], wanted: [u8; 3]) -> bool {
        found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) <= 3)
    }

    #[test]
    fn colours_are_bt709_limited_whole_and_scaled() {
        let kr = 0.2126_f64;
        let kb = 0.0722_f64;
        let (r, g, b) = (200.0 / 255.0, 40.0 / 255.0, 0.0);
        let luma = kr * r + (1.0 - kr - kb) * g + kb * b;
        let expected = (
            (16.0 + 219.0 * luma).round() as u8,
            (128.0 + 224.0 * (b - luma) / (2.0 * (1.0 - kb))).round() as u8,
            (128.0 + 224.0 * (r - luma) / (2.0 * (1.0 - kr))).round() as u8,
        );
        assert_eq!(RED, expected);
        for rgb in [
            to_rgb(&filled(64, 48), (64, 48)).unwrap(),
            to_rgb(&filled(64, 48), (63, 47)).unwrap(),
            to_rgb_scaled(&filled(64, 48), (63, 47), (17, 9)).unwrap(),
            to_rgb_scaled(&filled(64, 48), (64, 48), (1, 1)).unwrap(),
        ] {
            assert_eq!(rgb.data.len(), (rgb.width * rgb.height * 3) as usize);
            assert!(rgb.data.chunks(3).all(|pixel| near(pixel, [200, 40, 0])), "{:?}", &rgb.data[..3]);
        }
    }

    #[test]
    fn shrinking_averages_and_keeps_places() {
        let plane: Vec<u8> = (0..8).flat_map(|row| (0..10).map(move |column| row * 10 + column)).collect();
        assert_eq!(shrink(&plane, 10, (10, 8), (10, 8)), plane);
        // Two columns of five, two rows of four: means of rows 0-3 and 4-7 are 15 and 55, of the columns 2 and 7.
        assert_eq!(shrink(&plane, 10, (10, 8), (2, 2)), [17, 22, 57, 62]);
        let bright_corner = {
            let mut picture = I420::new(40, 40);
            let (y, _, _) = picture.planes_mut();
            for row in 0..20 {
                y[row * 40 + 20..row * 40 + 40].fill(235);
            }
            picture
        };
        let small = to_rgb_scaled(&bright_corner, (40, 40), (4, 4)).unwrap();
        let red: Vec<u8> = small.data.chunks(3).map(|pixel| pixel[0]).collect();
        assert_eq!(red, [0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_picture_scaled_is_the_means_of_its_planes() {
        let mut picture = I420::new(40, 40);
        let (y, u, v) = picture.planes_mut();
        y.fill(100);
        y[..40 * 20].fill(200);
        u.fill(60);
        v.fill(90);
        v[20 * 10..].fill(10);
        let small = scale(&picture, (39, 40), (4, 4));
        let (y, u, v) = small.planes();
        assert_eq!(y, [[200; 8], [100; 8]].concat());
        assert_eq!((u, v), (&[60; 4][..], &[90, 90, 10, 10][..]));
        assert!(scale(&picture, (40, 40), (40, 40)) == picture);
    }

    #[test]
    fn fitting_keeps_proportions_and_never_grows() {
        assert_eq!(fit((1920, 1080), (160, 160)), (160, 90));
        assert_eq!(fit((1080, 1920), (160, 160)), (90, 160));
        assert_eq!(fit((100, 50), (1000, 1000)), (100, 50));
        assert_eq!(fit((4000, 2), (10, 10)), (10, 1));
        assert_eq!(fit((640, 480), (0, 0)), (1, 1));
    }
}
