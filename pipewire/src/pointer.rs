//! The pointer that a stream tells of beside its pictures: where it is, how it looks, and how it is drawn into a picture.

use crate::pixels::Area;

/// The longest side of a pointer's image that is asked for: what OBS asks for, which is more than any desktop has.
pub(crate) const MAX_SIDE: u32 = 1024;

/// How a pointer looks: four bytes a pixel with their colours multiplied by their opacity, which is the last byte.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Image {
    size: (u32, u32),
    is_red_first: bool,
    pixels: Vec<u8>,
}

impl Image {
    /// Takes an image; `None` when its rows are not all there, or it is larger than was asked for.
    pub(crate) fn of(size: (u32, u32), stride: i32, is_red_first: bool, data: &[u8]) -> Option<Self> {
        let stride = usize::try_from(stride).ok()?;
        let row = size.0 as usize * 4;
        if size.0 > MAX_SIDE || size.1 > MAX_SIDE || stride < row || data.len() < stride * size.1 as usize {
            return None;
        }
        let pixels = data.chunks(stride.max(1)).take(size.1 as usize).flat_map(|line| &line[..row]).copied().collect();
        Some(Self { size, is_red_first, pixels })
    }
}

/// The pointer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Pointer {
    /// Where its hot spot is, pixels of the stream; `None` while it is elsewhere.
    pub(crate) at: Option<(i32, i32)>,
    /// The hot spot in its image.
    pub(crate) hot: (i32, i32),
    pub(crate) image: Image,
}

impl Pointer {
    /// Draws it into a picture: the area of the stream, without gaps between its rows.
    pub(crate) fn draw(&self, area: Area, is_red_first: bool, picture: &mut [u8]) {
        let Some((x, y)) = self.at else { return };
        let left = i64::from(x) - i64::from(self.hot.0) - i64::from(area.at.0);
        let top = i64::from(y) - i64::from(self.hot.1) - i64::from(area.at.1);
        let row = self.image.size.0 as usize * 4;
        if row == 0 {
            return;
        }
        for (line, to_y) in self.image.pixels.chunks_exact(row).zip(top..) {
            if !(0..i64::from(area.size.1)).contains(&to_y) {
                continue;
            }
            for (pixel, to_x) in line.chunks_exact(4).zip(left..) {
                if !(0..i64::from(area.size.0)).contains(&to_x) || pixel[3] == 0 {
                    continue;
                }
                let at = (to_y as usize * area.size.0 as usize + to_x as usize) * 4;
                let Some(under) = picture.get_mut(at..at + 4) else { return };
                let swap = self.image.is_red_first != is_red_first;
                let over = if swap { [pixel[2], pixel[1], pixel[0]] } else { [pixel[0], pixel[1], pixel[2]] };
                let rest = u32::from(255 - pixel[3]);
                for (under, over) in under.iter_mut().zip(over) {
                    *under = (u32::from(over) + (u32::from(*under) * rest + 127) / 255).min(255) as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_drawn_by_its_hot_spot_and_cut_at_the_edges() {
        // Opaque red, and half of white, red first.
        let data = [255, 0, 0, 255, 128, 128, 128, 128, 9, 9];
        let image = Image::of((2, 1), 10, true, &data).expect("an image");
        let area = Area { at: (10, 10), size: (2, 2) };
        let draw = |at| {
            let mut picture = vec![100; 16];
            Pointer { at, hot: (1, 0), image: image.clone() }.draw(area, false, &mut picture);
            picture
        };
        let (old, red, half) = ([100; 4], [0, 0, 255, 100], [178, 178, 178, 100]);
        assert_eq!(draw(Some((11, 11))), [old, old, red, half].concat());
        assert_eq!(draw(Some((10, 10))), [half, old, old, old].concat());
        for outside in [None, Some((8, 10)), Some((13, 10)), Some((11, 9)), Some((11, 12)), Some((i32::MIN, i32::MAX))]
        {
            assert_eq!(draw(outside), vec![100; 16], "{outside:?}");
        }
    }

    #[test]
    fn an_image_that_is_not_all_there_is_none() {
        assert_eq!(Image::of((2, 2), 8, true, &[0; 15]), None);
        assert_eq!(Image::of((2, 2), 7, true, &[0; 99]), None);
        assert_eq!(Image::of((2, 2), -8, true, &[0; 99]), None);
        assert_eq!(Image::of((MAX_SIDE + 1, 1), 9999, true, &[0; 9999]), None);
        assert_eq!(Image::of((0, 0), 0, true, &[]), Some(Image { is_red_first: true, ..Image::default() }));
    }
}
