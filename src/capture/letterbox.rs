//! Brings a picture of another size into the size that the recording has: scaled, aspect kept, black around it.
//!
//! Used only while a surface is not of the size it had at the start, so it is simple (bilinear, scalar); a picture that
//! fits without scaling is copied exactly. Every pixel outside the placed picture is written black, so nothing of an
//! older picture can stay. No picture is allocated here: the caller owns both.

use super::BgraView;
use crate::base::event::Area;

/// Pixels to read from: packed 32-bit, memory order B, G, R, X.
#[derive(Clone, Copy)]
pub(crate) struct Picture<'a> {
    /// The bytes; row `y` begins at `y * stride`.
    pub(crate) data: &'a [u8],
    /// Bytes from one row to the next.
    pub(crate) stride: usize,
    /// Pixels per row.
    pub(crate) width: u32,
    /// Rows.
    pub(crate) height: u32,
}

/// Where a source picture lands in the destination, and from which source columns each of its columns is mixed.
pub(crate) struct Letterbox {
    source: (u32, u32),
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    /// For each placed column: the left source column and the weight (0..=255 of 256) of the one right of it.
    columns: Vec<(u32, u32)>,
}

impl Letterbox {
    /// Scales `source` (width, height; not zero) to the largest size of the same shape inside `target`, centred.
    pub(crate) fn fitted(source: (u32, u32), target: (u32, u32)) -> Self {
        let (sw, sh) = (u64::from(source.0.max(1)), u64::from(source.1.max(1)));
        let (tw, th) = (u64::from(target.0.max(1)), u64::from(target.1.max(1)));
        // As wide as the target when that is not too high, else as high as the target; at least one pixel.
        let (width, height) = if sh * tw <= th * sw {
            (tw, ((sh * tw + sw / 2) / sw).clamp(1, th))
        } else {
            (((sw * th + sh / 2) / sh).clamp(1, tw), th)
        };
        let (width, height) = (width as u32, height as u32);
        Self::placed(source, (target.0.max(1) - width) / 2, (target.1.max(1) - height) / 2, (width, height))
    }

    /// Puts `source`, which is no larger than the target, into the upper left corner, not scaled. Only X11 has regions that move.
    #[cfg(any(test, all(target_os = "linux", feature = "x11")))]
    pub(crate) fn in_corner(source: (u32, u32)) -> Self {
        Self::placed(source, 0, 0, source)
    }

    /// The size of the pictures that it takes.
    #[cfg(any(test, all(windows, feature = "windows-native"), all(target_os = "macos", feature = "macos-native")))]
    pub(crate) fn source(&self) -> (u32, u32) {
        self.source
    }

    /// Where an area of the source is in the destination: never less than what it touches, also through the mixing of pixels.
    pub(crate) fn place(&self, area: Area) -> Area {
        let exact = (self.width, self.height) == self.source;
        let axis = |start: i32, length: u32, source: u32, target: u32, at: u32| {
            let (start, end) = (i64::from(start), i64::from(start) + i64::from(length));
            let (source, target) = (i64::from(source.max(1)), i64::from(target));
            // A pixel of the destination takes from the two source pixels around its centre: one more on each side.
            let spill = if exact { 0 } else { target / source + 1 };
            let from = (start * target).div_euclid(source) - spill;
            let to = (end * target + source - 1).div_euclid(source) + spill;
            (from + i64::from(at), to + i64::from(at))
        };
        let (left, right) = axis(area.x, area.width, self.source.0, self.width, self.x);
        let (top, bottom) = axis(area.y, area.height, self.source.1, self.height, self.y);
        Area { x: left as i32, y: top as i32, width: (right - left) as u32, height: (bottom - top) as u32 }
    }

    fn placed(source: (u32, u32), x: u32, y: u32, size: (u32, u32)) -> Self {
        let columns = (0..size.0).map(|column| sample(column, source.0, size.0)).collect();
        Self { source, x, y, width: size.0, height: size.1, columns }
    }

    /// Writes all of `to`. Does nothing when the pictures are not of the sizes this was made for.
    pub(crate) fn apply(&self, from: Picture<'_>, to: &mut BgraView<'_>) {
        let fits = self.x + self.width <= to.width && self.y + self.height <= to.height;
        if (from.width, from.height) != self.source || !fits {
            return;
        }
        let exact = (self.width, self.height) == self.source;
        let (left, right) = (self.x as usize * 4, (self.x + self.width) as usize * 4);
        let row_bytes = to.width as usize * 4;
        for (y, row) in to.data.chunks_mut(to.stride).take(to.height as usize).enumerate() {
            let row = &mut row[..row_bytes];
            let Some(inside) = (y as u32).checked_sub(self.y).filter(|inside| *inside < self.height) else {
                row.fill(0);
                continue;
            };
            row[..left].fill(0);
            row[right..].fill(0);
            if exact {
                let start = inside as usize * from.stride;
                row[left..right].copy_from_slice(&from.data[start..start + right - left]);
            } else {
                self.mix_row(from, inside, &mut row[left..right]);
            }
        }
    }

    fn mix_row(&self, from: Picture<'_>, y: u32, to: &mut [u8]) {
        let (upper, weight) = sample(y, from.height, self.height);
        let lower = (upper + 1).min(from.height - 1);
        let bytes = from.width as usize * 4;
        let upper = &from.data[upper as usize * from.stride..][..bytes];
        let lower = &from.data[lower as usize * from.stride..][..bytes];
        for (pixel, &(column, across)) in to.chunks_exact_mut(4).zip(&self.columns) {
            let left = column as usize * 4;
            let right = (column + 1).min(from.width - 1) as usize * 4;
            for channel in 0..4 {
                let mix = |row: &[u8]| {
                    u32::from(row[left + channel]) * (256 - across) + u32::from(row[right + channel]) * across
                };
                // Two weights of 8 bits each: a sum of at most 255 · 2^16.
                let sum = mix(upper) * (256 - weight) + mix(lower) * weight;
                pixel[channel] = ((sum + (1 << 15)) >> 16) as u8;
            }
        }
    }
}

/// The source position of the centre of destination pixel `at`: the pixel before it and the weight of the next, of 256.
fn sample(at: u32, source: u32, target: u32) -> (u32, u32) {
    let (at, source, target) = (i64::from(at), i64::from(source), i64::from(target.max(1)));
    // Centres: (at + ½) · source / target − ½, in 1/256 pixels.
    let position = (((2 * at + 1) * source * 128) / target - 128).clamp(0, (source - 1).max(0) * 256);
    ((position / 256) as u32, (position % 256) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(width: u32, height: u32, of: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| of(x, y)).collect()
    }

    fn run(letterbox: &Letterbox, from: &[u8], source: (u32, u32), target: (u32, u32)) -> Vec<u8> {
        let mut out = vec![0x77; (target.0 * target.1 * 4) as usize];
        let picture = Picture { data: from, stride: source.0 as usize * 4, width: source.0, height: source.1 };
        let (width, height) = target;
        letterbox.apply(picture, &mut BgraView { data: &mut out, stride: width as usize * 4, width, height });
        out
    }

    fn at(data: &[u8], width: u32, x: u32, y: u32) -> [u8; 4] {
        let start = ((y * width + x) * 4) as usize;
        [data[start], data[start + 1], data[start + 2], data[start + 3]]
    }

    #[test]
    fn the_shape_is_kept_and_the_rest_is_black() {
        // 40x20 into 20x20: 20x10, five black rows above and below.
        let from = pixels(40, 20, |_, _| [10, 20, 30, 40]);
        let out = run(&Letterbox::fitted((40, 20), (20, 20)), &from, (40, 20), (20, 20));
        for y in 0..20 {
            for x in 0..20 {
                let want = if (5..15).contains(&y) { [10, 20, 30, 40] } else { [0; 4] };
                assert_eq!(at(&out, 20, x, y), want, "at {x},{y}");
            }
        }
    }

    #[test]
    fn a_picture_that_needs_no_scaling_is_exact() {
        let from = pixels(6, 4, |x, y| [x as u8, y as u8, 9, 0]);
        // Same width, lower: copied in the middle.
        let out = run(&Letterbox::fitted((6, 4), (6, 8)), &from, (6, 4), (6, 8));
        assert_eq!(&out[6 * 4 * 2..6 * 4 * 6], &from[..]);
        assert!(out[..6 * 4 * 2].iter().chain(&out[6 * 4 * 6..]).all(|byte| *byte == 0));
        let corner = run(&Letterbox::in_corner((6, 4)), &from, (6, 4), (8, 6));
        assert_eq!(at(&corner, 8, 5, 3), [5, 3, 9, 0]);
        assert_eq!(at(&corner, 8, 6, 3), [0; 4]);
        assert_eq!(at(&corner, 8, 0, 4), [0; 4]);
    }

    #[test]
    fn a_placed_area_holds_every_pixel_that_the_area_reaches() {
        for (source, target) in [((40, 20), (20, 20)), ((13, 7), (30, 40)), ((9, 9), (9, 20)), ((50, 31), (24, 18))] {
            for area in [(0, 0, 3, 2), (4, 3, 2, 1), (5, 5, 4, 2), (1, 0, 8, 7)] {
                let area = Area { x: area.0, y: area.1, width: area.2, height: area.3 };
                let inside = |x: u32, y: u32, a: Area| {
                    let span = |at: u32, start: i32, length: u32| (start..start + length as i32).contains(&(at as i32));
                    span(x, a.x, a.width) && span(y, a.y, a.height)
                };
                let letterbox = Letterbox::fitted(source, target);
                let from = pixels(source.0, source.1, |x, y| if inside(x, y, area) { [255; 4] } else { [0; 4] });
                let out = run(&letterbox, &from, source, target);
                let placed = letterbox.place(area);
                for y in 0..target.1 {
                    for x in 0..target.0 {
                        let lit = at(&out, target.0, x, y)[0] > 0;
                        assert!(!lit || inside(x, y, placed), "{x},{y} of {placed:?} from {area:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn scaling_mixes_neighbours_and_keeps_edges() {
        let from = pixels(2, 1, |x, _| [x as u8 * 200; 4]);
        let out = run(&Letterbox::fitted((2, 1), (4, 2)), &from, (2, 1), (4, 2));
        // Centres of four columns over two: before the first centre, a quarter, three quarters, after the last.
        assert_eq!([0, 1, 2, 3].map(|x| at(&out, 4, x, 1)[0]), [0, 50, 150, 200]);
    }

    #[test]
    fn extreme_shapes_stay_inside() {
        for source in [(1, 1), (1, 5000), (5000, 1), (3, 7), (1921, 1081)] {
            for target in [(2, 2), (640, 480), (1, 9)] {
                let letterbox = Letterbox::fitted(source, target);
                assert!(letterbox.width >= 1 && letterbox.x + letterbox.width <= target.0, "{source:?} in {target:?}");
                assert!(
                    letterbox.height >= 1 && letterbox.y + letterbox.height <= target.1,
                    "{source:?} in {target:?}"
                );
                let from = pixels(source.0, source.1, |_, _| [7; 4]);
                let out = run(&letterbox, &from, source, target);
                assert!(out.iter().all(|byte| matches!(*byte, 0 | 7)), "{source:?} in {target:?}");
            }
        }
    }
}
