//! From a decoded picture to RGB: whole or scaled down.
//!
//! Colours are those of the picture's [`Sampling`], as the video says of itself: what was encoded without a loss comes back to the bit. Scaling averages whole source pixels and happens before the
//! conversion, so a thumbnail costs one pass over the luma. Nothing here decodes.

use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPlanarImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, rgb_to_yuv420,
    yuv420_to_rgb, yuv444_to_rgb,
};

use crate::media::picture::{Planar, Sampling};

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
pub fn to_rgb(picture: &Planar, surface: (u32, u32)) -> Result<Rgb, String> {
    let (width, height) = (surface.0.clamp(1, picture.width()), surface.1.clamp(1, picture.height()));
    let (y, chroma) = picture.strides();
    convert(picture.sampling(), picture.planes(), (y as u32, chroma as u32), (width, height))
}

/// The picture's upper left `surface` pixels scaled down to `size` in RGB; sides larger than the surface's become the surface's.
///
/// # Errors
/// What the conversion said; does not happen for a surface within the picture.
pub fn to_rgb_scaled(picture: &Planar, surface: (u32, u32), size: (u32, u32)) -> Result<Rgb, String> {
    let (from_w, from_h) = (surface.0.clamp(1, picture.width()), surface.1.clamp(1, picture.height()));
    let (width, height) = (size.0.clamp(1, from_w), size.1.clamp(1, from_h));
    if (width, height) == (from_w, from_h) {
        return to_rgb(picture, surface);
    }
    let whole = picture.sampling().shift() == 0;
    let side = |side: u32| if whole { side } else { side.div_ceil(2) };
    let (from, to) = ((side(from_w), side(from_h)), (side(width), side(height)));
    let (luma, u, v) = shrunk(picture, ((from_w, from_h), (width, height)), (from, to));
    convert(picture.sampling(), (&luma, &u, &v), (width, to.0), (width, height))
}

/// The picture's upper left `surface` pixels scaled down to `size`, whose sides are even and no larger than the surface's, in 4:2:0.
///
/// # Panics
/// When a side is odd or zero.
pub fn scale(picture: &Planar, surface: (u32, u32), size: (u32, u32)) -> Planar {
    let mut scaled = Planar::yuv420(size.0, size.1);
    let from = (surface.0.clamp(size.0, picture.width()), surface.1.clamp(size.1, picture.height()));
    let half = (size.0 / 2, size.1 / 2);
    let (y, u, v) = match picture.sampling() {
        Sampling::Yuv420 => shrunk(picture, (from, size), ((from.0.div_ceil(2), from.1.div_ceil(2)), half)),
        Sampling::Yuv444 => shrunk(picture, (from, size), (from, half)),
        Sampling::Rgb => {
            let (green, blue, red) = shrunk(picture, (from, size), (from, size));
            to_420(&interleaved((&green, &blue, &red), size.0 as usize, size), &mut scaled);
            return scaled;
        }
    };
    let (to_y, to_u, to_v) = scaled.planes_mut();
    to_y.copy_from_slice(&y);
    to_u.copy_from_slice(&u);
    to_v.copy_from_slice(&v);
    scaled
}

/// The planes of a picture, the first and the two others each from a size to another.
fn shrunk(picture: &Planar, first: Sizes, others: Sizes) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let ((y, u, v), (stride, chroma)) = (picture.planes(), picture.strides());
    (shrink(y, stride, first.0, first.1), shrink(u, chroma, others.0, others.1), shrink(v, chroma, others.0, others.1))
}

/// A size, and the one that it becomes.
type Sizes = ((u32, u32), (u32, u32));

/// Rows of red, green and blue from the planes of [`Sampling::Rgb`].
fn interleaved((green, blue, red): (&[u8], &[u8], &[u8]), stride: usize, (width, height): (u32, u32)) -> Vec<u8> {
    let width = width as usize;
    let mut data = vec![0; width * height as usize * 3];
    for (row, to) in data.chunks_exact_mut(width * 3).enumerate() {
        let [red, green, blue] = [red, green, blue].map(|plane| &plane[row * stride..row * stride + width]);
        for (column, to) in to.chunks_exact_mut(3).enumerate() {
            to.copy_from_slice(&[red[column], green[column], blue[column]]);
        }
    }
    data
}

/// Writes rows of red, green and blue over a picture in 4:2:0 of the same even size.
fn to_420(rgb: &[u8], picture: &mut Planar) {
    let (width, height) = (picture.width(), picture.height());
    let (y, u, v) = picture.planes_mut();
    let mut target = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: width / 2,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: width / 2,
        width,
        height,
    };
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt709);
    let written = rgb_to_yuv420(&mut target, rgb, width * 3, range, matrix, YuvConversionMode::Balanced);
    debug_assert!(written.is_ok(), "the sizes are those of the picture");
}

fn convert(
    sampling: Sampling,
    planes: (&[u8], &[u8], &[u8]),
    strides: (u32, u32),
    size: (u32, u32),
) -> Result<Rgb, String> {
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
    let to_rgb = match sampling {
        Sampling::Yuv420 => yuv420_to_rgb,
        Sampling::Yuv444 => yuv444_to_rgb,
        Sampling::Rgb => {
            return Ok(Rgb { width, height, data: interleaved(planes, strides.0 as usize, size) });
        }
    };
    let mut data = vec![0; width as usize * height as usize * 3];
    to_rgb(&image, &mut data, width * 3, YuvRange::Limited, YuvStandardMatrix::Bt709)
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

    fn filled(width: u32, height: u32) -> Planar {
        let mut picture = Planar::yuv420(width, height);
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
            let mut picture = Planar::yuv420(40, 40);
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
        let mut picture = Planar::yuv420(40, 40);
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
    fn planes_of_full_size_keep_each_pixel_and_become_420_by_their_means() {
        let colours = [[200, 40, 0], [0, 120, 250], [255, 255, 255], [7, 90, 3]];
        let mut picture = Planar::new(Sampling::Rgb, 8, 6);
        let (green, blue, red) = picture.planes_mut();
        for at in 0..48 {
            let [r, g, b] = colours[(at % 8 / 2 + at / 16) % 4];
            (red[at], green[at], blue[at]) = (r, g, b);
        }
        let rgb = to_rgb(&picture, (7, 5)).expect("a picture");
        for (at, pixel) in rgb.data.chunks(3).enumerate() {
            let (x, y) = (at % 7, at / 7);
            assert_eq!(pixel, colours[(x / 2 + y / 2) % 4], "at {x},{y}");
        }
        // Blocks of two pixels have one colour, so nothing but rounding is lost on the way through 4:2:0.
        let small = scale(&picture, (8, 6), (8, 6));
        assert_eq!(small.sampling(), Sampling::Yuv420);
        let back = to_rgb(&small, (8, 6)).expect("a picture");
        assert!(
            back.data
                .chunks(3)
                .zip(to_rgb(&picture, (8, 6)).expect("a picture").data.chunks(3))
                .all(|(a, b)| { a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 4) })
        );
        let mut full = Planar::new(Sampling::Yuv444, 8, 6);
        let (y, u, v) = full.planes_mut();
        y.fill(RED.0);
        u.fill(RED.1);
        v.fill(RED.2);
        for found in
            [to_rgb(&full, (8, 6)), to_rgb_scaled(&full, (7, 5), (3, 2)), to_rgb(&scale(&full, (8, 6), (4, 2)), (4, 2))]
        {
            assert!(found.expect("a picture").data.chunks(3).all(|pixel| near(pixel, [200, 40, 0])));
        }
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
