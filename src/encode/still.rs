//! Single pictures without a loss, before and behind the masks, as types: what [`super::masked`] is for the video, for the pixels as they were
//! captured.
//!
//! Keeps the same invariant: captured pixels are seen only through [`UnmaskedStill::mask`], which paints. Which areas are painted is decided
//! elsewhere (`recorder/masking.rs`, the only caller: `tests/tidy.rs`).

use super::convert::{Bgrx, ConvertError};
use crate::base::event::Area;
use crate::media::rgb::Rgb;

/// A captured picture whose masks are not painted yet. It can be written and masked, and not be read.
///
/// ```compile_fail
/// use watchcap::encode::still::UnmaskedStill;
/// let captured = UnmaskedStill::new(16, 16);
/// let seen = captured.0; // the field is private
/// ```
pub struct UnmaskedStill(Pixels);

/// A picture whose masks are painted, in the pixels of the screen.
pub struct MaskedStill(Pixels);

/// Rows of B, G, R and a byte that is not used, tightly packed.
struct Pixels {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Pixels {
    fn row_bytes(&self) -> usize {
        self.width as usize * 4
    }
}

impl UnmaskedStill {
    /// A buffer.
    pub fn new(width: u32, height: u32) -> Self {
        Self(Pixels { width, height, data: vec![0; width as usize * height as usize * 4] })
    }

    /// Writes captured pixels over the picture.
    ///
    /// # Errors
    /// When the pixels have another size.
    pub fn write(&mut self, pixels: &Bgrx<'_>) -> Result<(), ConvertError> {
        let Self(picture) = self;
        pixels.check_size((picture.width, picture.height))?;
        let row_bytes = picture.row_bytes();
        for (to, from) in picture.data.chunks_exact_mut(row_bytes.max(1)).zip(pixels.data.chunks(pixels.stride.max(1)))
        {
            to.copy_from_slice(&from[..row_bytes]);
        }
        Ok(())
    }

    /// Paints areas black; what of them is outside of the picture is left out.
    pub fn mask(self, areas: impl IntoIterator<Item = Area>) -> MaskedStill {
        let Self(mut picture) = self;
        let row_bytes = picture.row_bytes();
        for area in areas.into_iter().filter_map(|area| area.inside((picture.width, picture.height))) {
            let (left, width) = (area.x as usize * 4, area.width as usize * 4);
            let rows = picture.data.chunks_exact_mut(row_bytes.max(1)).skip(area.y as usize);
            for row in rows.take(area.height as usize) {
                row[left..left + width].fill(0);
            }
        }
        MaskedStill(picture)
    }
}

impl MaskedStill {
    /// Its pixels in RGB.
    pub fn rgb(&self) -> Rgb {
        let Self(Pixels { width, height, data }) = self;
        let mut rgb = vec![0; data.len() / 4 * 3];
        for (to, from) in rgb.chunks_exact_mut(3).zip(data.chunks_exact(4)) {
            to.copy_from_slice(&[from[2], from[1], from[0]]);
        }
        Rgb { width: *width, height: *height, data: rgb }
    }

    /// Its buffer, to be written again.
    pub fn reuse(self) -> UnmaskedStill {
        UnmaskedStill(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back_in_rgb_with_black_areas_and_whatever_the_stride() {
        let (width, height, stride) = (3_u32, 2_u32, 16);
        let data: Vec<u8> = (0..stride * 2).map(|n| n as u8 + 1).collect();
        let mut still = UnmaskedStill::new(width, height);
        let pixels = Bgrx { data: &data, stride, width, height };
        still.write(&pixels).expect("the same size");
        // One column of it is outside.
        let masked = still.mask([Area { x: 2, y: 1, width: 2, height: 1 }]);
        assert_eq!(masked.rgb().data, [3, 2, 1, 7, 6, 5, 11, 10, 9, 19, 18, 17, 23, 22, 21, 0, 0, 0]);
        assert!(UnmaskedStill::new(4, 2).write(&Bgrx { data: &data, stride, width, height }).is_err());
    }
}
