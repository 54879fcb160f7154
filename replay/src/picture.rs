//! Pictures made fit for a terminal: scaled into a bound, with the pointer drawn in where the terminal shows pixels.
//!
//! Pure functions over pixels. Invariant: no picture that a decoder hands over, however wrong its size, makes them panic.
//! How pixels become cells is the business of `view/picture.rs`.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::lens::Part;
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

/// Colour of the ring around a press.
const CLICK_COLOUR: [u8; 3] = [0xf6, 0x9d, 0x50];
/// Colour of the frame around what is covered; the other half of its dashes is black.
const MASK_COLOUR: [u8; 3] = [0xb0, 0x83, 0xf0];
/// Length of these dashes, pixels.
const MASK_DASH: i32 = 6;

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

/// What is drawn into a picture where the terminal shows pixels, so that requests can be compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Drawing {
    /// The pointer.
    pub(crate) pointer: Option<Pointer>,
    /// Covered parts: left, top, right, bottom in thousandths.
    pub(crate) masks: Vec<[i32; 4]>,
    /// Presses: from the left and from the top in thousandths, and how long ago in steps of [`CLICK_STEPS`].
    pub(crate) clicks: Vec<(i32, i32, u8)>,
}

/// In how many steps the ring of a press grows.
pub(crate) const CLICK_STEPS: u8 = 4;

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

/// A part of a picture, each of its pixels as a square of some. What of it is not in the picture is left out.
pub(crate) fn magnified(picture: &Picture, part: Part) -> Picture {
    let side = |from: u32, length: u32, of: u32| length.min(of.saturating_sub(from));
    let times = part.times.max(1) as usize;
    let (columns, rows) =
        (side(part.left, part.width, picture.width) as usize, side(part.top, part.height, picture.height) as usize);
    let mut rgb = Vec::with_capacity(columns * rows * times * times * 3);
    for row in 0..rows {
        let from = ((part.top as usize + row) * picture.width as usize + part.left as usize) * 3;
        let line = picture.rgb.get(from..from + columns * 3).unwrap_or_default();
        let wide: Vec<u8> = line.chunks(3).flat_map(|pixel| pixel.repeat(times)).collect();
        (0..times).for_each(|_| rgb.extend_from_slice(&wide));
    }
    Picture { width: (columns * times) as u32, height: (rows * times) as u32, rgb }
}

/// A place in thousandths of a side in pixels, so far outside at the most that nothing overflows.
fn place(share: i32, side: u32) -> i32 {
    (i64::from(share) * i64::from(side) / 1000).clamp(-4096, 1 << 20) as i32
}

/// Sets a pixel, when it is there.
fn dot(picture: &mut Picture, x: i32, y: i32, colour: [u8; 3]) {
    if x >= 0 && y >= 0 && (x as u32) < picture.width && (y as u32) < picture.height {
        let i = (y as usize * picture.width as usize + x as usize) * 3;
        if let Some(pixel) = picture.rgb.get_mut(i..i + 3) {
            pixel.copy_from_slice(&colour);
        }
    }
}

/// Draws everything that lies over a picture into it. Clipped at the edges.
pub(crate) fn draw(picture: &mut Picture, drawing: &Drawing) {
    for mask in &drawing.masks {
        draw_mask(picture, *mask);
    }
    for (x, y, age) in &drawing.clicks {
        draw_click(picture, (*x, *y), *age);
    }
    if let Some(pointer) = drawing.pointer {
        draw_pointer(picture, pointer);
    }
}

/// A dashed frame around a covered part.
fn draw_mask(picture: &mut Picture, [left, top, right, bottom]: [i32; 4]) {
    let (width, height) = (picture.width as i32, picture.height as i32);
    let (left, right) = (place(left, picture.width).max(0), (place(right, picture.width) - 1).min(width - 1));
    let (top, bottom) = (place(top, picture.height).max(0), (place(bottom, picture.height) - 1).min(height - 1));
    let dashed = |i: i32| if i / MASK_DASH % 2 == 0 { MASK_COLOUR } else { [0, 0, 0] };
    for line in 0..2 {
        for x in left..=right {
            dot(picture, x, top + line, dashed(x));
            dot(picture, x, bottom - line, dashed(x));
        }
        for y in top..=bottom {
            dot(picture, left + line, y, dashed(y));
            dot(picture, right - line, y, dashed(y));
        }
    }
}

/// A ring that grows with the age of a press.
fn draw_click(picture: &mut Picture, (x, y): (i32, i32), age: u8) {
    let scale = (picture.height / ARROW_SCALE).max(1) as i32;
    let (x, y) = (place(x, picture.width), place(y, picture.height));
    let r = (PRESS_RADIUS + 5 * i32::from(age.min(CLICK_STEPS))) * scale;
    let inner = r - 2 * scale;
    for dy in -r..=r {
        for dx in -r..=r {
            if (inner * inner..=r * r).contains(&(dx * dx + dy * dy)) {
                dot(picture, x + dx, y + dy, CLICK_COLOUR);
            }
        }
    }
}

/// The pointer, on a disc while a button is held.
fn draw_pointer(picture: &mut Picture, pointer: Pointer) {
    let scale = (picture.height / ARROW_SCALE).max(1) as i32;
    let (x0, y0) = (place(pointer.x, picture.width), place(pointer.y, picture.height));
    let mut dot = |x: i32, y: i32, colour: [u8; 3]| dot(picture, x, y, colour);
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
    fn a_part_is_cut_out_pixel_by_pixel() {
        let rgb = (0..5 * 4 * 3).collect();
        let picture = Picture { width: 5, height: 4, rgb };
        let part = |left, top, times| magnified(&picture, Part { left, top, width: 2, height: 2, times });
        assert_eq!(part(3, 1, 1).rgb, [24, 25, 26, 27, 28, 29, 39, 40, 41, 42, 43, 44]);
        let twice = part(3, 1, 2);
        assert_eq!(
            (twice.width, twice.height, &twice.rgb[..12]),
            (4, 4, &[24, 25, 26, 24, 25, 26, 27, 28, 29, 27, 28, 29][..])
        );
        assert_eq!(twice.rgb[12..24], twice.rgb[..12]);
        let edge = part(4, 3, 1);
        assert_eq!((edge.width, edge.height, edge.rgb.len()), (1, 1, 3));
        assert_eq!(part(9, 9, 1).rgb.len(), 0);
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
    fn masks_and_presses_are_drawn_and_clipped() {
        let ends = [i32::MIN, -400, 100, 900, 1400, i32::MAX];
        for (from, until) in ends.into_iter().flat_map(|from| ends.map(|until| (from, until))) {
            let mut picture = plain(60, 40);
            let drawing = Drawing { masks: vec![[from, from, until, until]], ..Drawing::default() };
            draw(&mut picture, &drawing);
            assert_eq!(picture.rgb.len(), 60 * 40 * 3);
            let seen = picture.rgb.iter().any(|v| *v != 100);
            assert_eq!(seen, from < until && from <= 900 && until >= 100, "{from}..{until}");
            let drawing = Drawing { clicks: vec![(from, until, u8::MAX)], ..Drawing::default() };
            draw(&mut picture, &drawing);
        }
        let mut picture = plain(100, 100);
        draw(&mut picture, &Drawing { clicks: vec![(500, 500, 0)], ..Drawing::default() });
        assert_eq!(picture.rgb[(50 * 100 + 50 + 10) * 3..][..3], CLICK_COLOUR);
        assert_eq!(picture.rgb[(50 * 100 + 50) * 3], 100, "a ring, not a disc");
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
