//! Pictures made fit for a terminal: scaled into a bound, with the pointer drawn in where the terminal shows pixels.
//!
//! Pure functions over pixels. Invariant: no picture that a decoder hands over, however wrong its size, makes them panic.
//! How pixels become cells is the business of `view/picture.rs`.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::timeline::Picture;

/// Largest picture side that is accepted from a decoder, pixels: 16K video is 15,360 wide.
const MAX_SIDE: u32 = 16_384;

/// The pointer as desktops draw it: `X` outline, `.` fill, a blank shows the picture. The hot spot is the first cell.
const ARROW: [&str; 16] = [
    "X",
    "XX",
    "X.X",
    "X..X",
    "X...X",
    "X....X",
    "X.....X",
    "X......X",
    "X.......X",
    "X........X",
    "X.....XXXXX",
    "X..X..X",
    "X.X X..X",
    "XX  X..X",
    "X    X..X",
    "     XXX",
];
/// Height of a picture for which [`ARROW`] is drawn one to one, pixels.
const ARROW_SCALE: u32 = 400;
/// Radius of the disc under the pointer while a button is held, in pixels of [`ARROW`].
const PRESS_RADIUS: i32 = 11;
/// Colour of that disc.
const PRESS_COLOUR: [u8; 3] = [0xff, 0x5c, 0x57];

/// Where to draw the pointer into a picture, in thousandths of its size so that requests can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pointer {
    /// From the left, 0–1000 inside.
    pub(crate) x: i32,
    /// From the top, 0–1000 inside.
    pub(crate) y: i32,
    /// A button is held.
    pub(crate) pressed: bool,
}

/// The largest size with the proportions of `size` that fits into `bounds`; at least one pixel.
pub(crate) fn fit(size: (u32, u32), bounds: (u32, u32)) -> (u32, u32) {
    let (w, h) = (u64::from(size.0.max(1)), u64::from(size.1.max(1)));
    let (bw, bh) = (u64::from(bounds.0.max(1)), u64::from(bounds.1.max(1)));
    // Rounded, not cut: in half-blocks one pixel is half a row.
    let (fw, fh) = if w * bh >= h * bw { (bw, (h * bw + w / 2) / w) } else { ((w * bh + h / 2) / h, bh) };
    (fw.clamp(1, bw) as u32, fh.clamp(1, bh) as u32)
}

/// Scales a picture to fit into `bounds`, both ways.
///
/// # Errors
/// The picture's bytes and its size do not agree, or it has none.
pub(crate) fn scale(resizer: &mut Resizer, picture: Picture, bounds: (u32, u32)) -> Result<Picture, String> {
    let Picture { width, height, rgb } = picture;
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(format!("the decoder returned a picture of {width}×{height} pixels"));
    }
    let expected = width as usize * height as usize * 3;
    if rgb.len() != expected {
        return Err(format!("the decoder returned {} bytes for {width}×{height} pixels, not {expected}", rgb.len()));
    }
    let (to_w, to_h) = fit((width, height), bounds);
    if (to_w, to_h) == (width, height) {
        return Ok(Picture { width, height, rgb });
    }
    let problem = |error: &dyn std::fmt::Display| format!("the picture cannot be scaled: {error}");
    let from = ImageRef::new(width, height, &rgb, PixelType::U8x3).map_err(|error| problem(&error))?;
    let mut to = Image::new(to_w, to_h, PixelType::U8x3);
    // Hamming: as sharp as bicubic downwards, at the price of bilinear.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Hamming));
    resizer.resize(&from, &mut to, &options).map_err(|error| problem(&error))?;
    Ok(Picture { width: to_w, height: to_h, rgb: to.into_vec() })
}

/// Draws the pointer into a picture, on a disc while a button is held. Clipped at the edges.
pub(crate) fn draw_pointer(picture: &mut Picture, pointer: Pointer) {
    let scale = (picture.height / ARROW_SCALE).max(1) as i32;
    let at = |share: i32, side: u32| (i64::from(share) * i64::from(side) / 1000).clamp(-4096, 1 << 20) as i32;
    let (x0, y0) = (at(pointer.x, picture.width), at(pointer.y, picture.height));
    let mut dot = |x: i32, y: i32, colour: [u8; 3]| {
        let inside = x >= 0 && y >= 0 && (x as u32) < picture.width && (y as u32) < picture.height;
        if inside {
            let i = (y as usize * picture.width as usize + x as usize) * 3;
            if let Some(pixel) = picture.rgb.get_mut(i..i + 3) {
                pixel.copy_from_slice(&colour);
            }
        }
    };
    if pointer.pressed {
        let r = PRESS_RADIUS * scale;
        for y in -r..=r {
            for x in -r..=r {
                if x * x + y * y <= r * r {
                    dot(x0 + x, y0 + y, PRESS_COLOUR);
                }
            }
        }
    }
    for (row, line) in ARROW.iter().enumerate() {
        for (column, c) in line.bytes().enumerate() {
            let colour = match c {
                b'X' => [0, 0, 0],
                b'.' => [0xff, 0xff, 0xff],
                _ => continue,
            };
            for sub in 0..scale * scale {
                dot(x0 + column as i32 * scale + sub % scale, y0 + row as i32 * scale + sub / scale, colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: u32, height: u32) -> Picture {
        Picture { width, height, rgb: vec![100; (width * height * 3) as usize] }
    }

    #[test]
    fn fits_inside_its_bounds_and_keeps_its_proportions() {
        assert_eq!(fit((1920, 1080), (80, 60)), (80, 45));
        assert_eq!(fit((1920, 1080), (200, 45)), (80, 45));
        assert_eq!(fit((10, 10_000), (80, 40)), (1, 40));
        assert_eq!(fit((0, 0), (0, 0)), (1, 1));
        assert_eq!(fit((u32::MAX, 1), (u32::MAX, u32::MAX)), (u32::MAX, 1));
    }

    #[test]
    fn scales_and_keeps_the_colour() {
        let mut resizer = Resizer::new();
        let scaled = scale(&mut resizer, plain(64, 36), (32, 32)).expect("a good picture");
        assert_eq!((scaled.width, scaled.height, scaled.rgb.len()), (32, 18, 32 * 18 * 3));
        assert!(scaled.rgb.iter().all(|v| *v == 100));
    }

    #[test]
    fn a_picture_that_lies_about_its_size_is_an_error() {
        let mut resizer = Resizer::new();
        for (width, height) in [(64, 35), (65, 36), (0, 36), (u32::MAX, u32::MAX)] {
            let result = scale(&mut resizer, Picture { width, height, ..plain(64, 36) }, (32, 32));
            assert!(result.is_err_and(|e| e.contains("the decoder returned")), "{width}×{height}");
        }
    }

    #[test]
    fn the_pointer_is_clipped_at_every_edge() {
        for x in [i32::MIN, -5, 0, 500, 1000, i32::MAX] {
            let mut picture = plain(40, 30);
            draw_pointer(&mut picture, Pointer { x, y: x, pressed: true });
            assert_eq!(picture.rgb.len(), 40 * 30 * 3);
            assert_eq!(picture.rgb.iter().any(|v| *v != 100), (-5..=1000).contains(&x), "at {x}");
        }
    }
}
