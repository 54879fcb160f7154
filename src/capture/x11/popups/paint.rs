//! Painting a popup over the picture of the recorded window.

use std::ops::Range;

use super::Popup;
use crate::base::event::Area;
use crate::capture::BgraView;

impl Popup {
    /// Paints what was taken over rows of a picture whose corner is at that of `surface`.
    pub(super) fn paint(&self, view: &mut BgraView<'_>, surface: Area, rows: &Range<u32>) {
        let Some((part, canvas)) = &self.part else { return };
        let from = canvas.picture();
        let band = Area {
            x: surface.x,
            y: surface.y + rows.start as i32,
            width: surface.width,
            height: rows.end.saturating_sub(rows.start),
        };
        let whole = Area { x: 0, y: 0, width: self.place.width, height: self.place.height };
        let pieces = self.shape.as_deref().unwrap_or(std::slice::from_ref(&whole));
        for piece in pieces {
            let piece = Area { x: piece.x + self.place.x, y: piece.y + self.place.y, ..*piece };
            let Some(piece) = piece.and(*part).and_then(|piece| piece.and(band)) else { continue };
            let length = piece.width as usize * 4;
            for y in piece.y..piece.y + piece.height as i32 {
                let at = |corner: (i32, i32), stride: usize| {
                    (y - corner.1) as usize * stride + (piece.x - corner.0) as usize * 4
                };
                let (source, target) = (at((part.x, part.y), from.stride), at((surface.x, surface.y), view.stride));
                let source = &from.data[source..source + length];
                let target = &mut view.data[target..target + length];
                if self.blends { blend(source, target) } else { target.copy_from_slice(source) }
            }
        }
    }
}

/// Puts premultiplied pixels over others.
fn blend(source: &[u8], target: &mut [u8]) {
    for (above, below) in source.chunks_exact(4).zip(target.chunks_exact_mut(4)) {
        let kept = 255 - u32::from(above[3]);
        for (above, below) in above.iter().zip(below.iter_mut()).take(3) {
            *below = (u32::from(*above) + (u32::from(*below) * kept + 127) / 255).min(255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_with_alpha_are_put_over_what_is_below() {
        let mut below = [10, 20, 30, 0, 100, 100, 100, 0, 200, 100, 50, 0];
        blend(&[1, 2, 3, 255, 0, 0, 0, 0, 64, 64, 64, 128], &mut below);
        assert_eq!(below, [1, 2, 3, 0, 100, 100, 100, 0, 164, 114, 89, 0]);
    }
}
