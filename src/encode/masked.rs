//! Pictures before and behind the masks, as types: [`Unmasked`] is what was captured, [`Masked`] is what may be seen.
//!
//! Keeps the invariant that captured pixels reach an encoder, a tap or a preview only through [`Unmasked::mask`], which paints: an
//! [`Unmasked`] cannot be read, and nothing that encodes or shows takes one. Which areas are painted is decided elsewhere
//! (`recorder/masking.rs`, the only caller: `tests/tidy.rs`).

use std::sync::Arc;

use super::convert::{self, Bgrx, ConvertError};
use crate::base::event::Area;
use crate::media::picture::{PixelFormat, Planar};

/// A captured picture whose masks are not painted yet. It can be written and masked, and not be read.
///
/// ```compile_fail
/// use watchcap::encode::masked::Unmasked;
/// use watchcap::media::picture::{PixelFormat, Sampling};
/// let captured = Unmasked::new(PixelFormat::Planar(Sampling::Yuv420), 16, 16).unwrap();
/// let seen = captured.0; // the field is private
/// ```
pub struct Unmasked(Planar);

impl Unmasked {
    /// Whether pictures of this format can be made of captured pixels.
    pub fn makes(format: PixelFormat) -> bool {
        matches!(format, PixelFormat::Planar(_))
    }

    /// A buffer of an even size; `None` when pictures of this format cannot be made ([`makes`](Self::makes)).
    pub fn new(format: PixelFormat, width: u32, height: u32) -> Option<Self> {
        match format {
            PixelFormat::Planar(sampling) => Some(Self(Planar::new(sampling, width, height))),
            PixelFormat::Bgrx | PixelFormat::Nv12 => None,
        }
    }

    /// Writes captured pixels over the picture, converted to its format.
    ///
    /// # Errors
    /// When the pixels have another size.
    pub fn write(&mut self, pixels: Bgrx<'_>) -> Result<(), ConvertError> {
        convert::to_planar(pixels, &mut self.0)
    }

    /// Paints areas black, which must begin and end at even pixels.
    pub fn mask(self, areas: impl IntoIterator<Item = Area>) -> Masked {
        let Self(mut picture) = self;
        for area in areas {
            picture.blacken(area.x as u32, area.y as u32, area.width, area.height);
        }
        Masked(Arc::new(picture))
    }
}

/// A picture whose masks are painted: the only kind that encoders and taps take. Cloning it copies no samples.
///
/// It cannot be made of a picture without saying where that comes from:
///
/// ```compile_fail
/// use std::sync::Arc;
/// use watchcap::encode::masked::Masked;
/// use watchcap::media::picture::Planar;
/// let masked = Masked(Arc::new(Planar::yuv420(16, 16))); // the field is private
/// ```
///
/// What was captured has no way into an encoder:
///
/// ```compile_fail
/// use watchcap::encode::driver::Driver;
/// use watchcap::encode::ask::Ask;
/// use watchcap::encode::masked::Unmasked;
/// fn skips_the_masks(driver: &mut Driver, captured: &Unmasked, ask: Ask) {
///     driver.encode(captured, ask).unwrap(); // takes a Masked
/// }
/// ```
///
/// The same with the masks painted compiles:
///
/// ```
/// use watchcap::encode::driver::Driver;
/// use watchcap::encode::ask::Ask;
/// use watchcap::encode::masked::Unmasked;
/// fn paints_the_masks(driver: &mut Driver, captured: Unmasked, ask: Ask) {
///     driver.encode(&captured.mask([]), ask).unwrap();
/// }
/// ```
#[derive(Clone)]
pub struct Masked(Arc<Planar>);

impl Masked {
    /// A picture that was not captured just now: decoded from a session, whose pictures were masked when they were recorded, or drawn
    /// by this program.
    pub fn not_captured(picture: impl Into<Arc<Planar>>) -> Self {
        Self(picture.into())
    }

    /// How its samples lie in memory.
    pub fn format(&self) -> PixelFormat {
        PixelFormat::Planar(self.0.sampling())
    }

    /// Width and height, even.
    pub fn size(&self) -> (u32, u32) {
        (self.0.width(), self.0.height())
    }

    /// Its samples.
    pub fn planar(&self) -> &Planar {
        &self.0
    }

    /// Its buffer, to be written again; `None` while somebody else still looks at it.
    pub fn reuse(self) -> Option<Unmasked> {
        Arc::into_inner(self.0).map(Unmasked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::picture::Sampling;

    fn filled(sampling: Sampling, (width, height): (u32, u32), bgrx: [u8; 4]) -> Unmasked {
        let mut captured = Unmasked::new(PixelFormat::Planar(sampling), width, height).expect("a buffer");
        let data = bgrx.repeat((width * height) as usize);
        captured.write(Bgrx { data: &data, stride: width as usize * 4, width, height }).expect("the same size");
        captured
    }

    #[test]
    fn masks_are_painted_and_a_buffer_comes_back_when_nobody_looks() {
        let captured = filled(Sampling::Yuv420, (4, 2), [255; 4]);
        let masked = captured.mask([Area { x: 2, y: 0, width: 2, height: 2 }]);
        assert_eq!(masked.planar().planes().0, [235, 235, 16, 16, 235, 235, 16, 16]);
        let tap = masked.clone();
        assert!(masked.reuse().is_none(), "a tap still looks at it");
        assert!(tap.reuse().is_some());
        assert!(Unmasked::new(PixelFormat::Bgrx, 4, 2).is_none());
    }

    /// Nothing of what is below a mask is left in any plane, whatever the planes are, and nothing beside it is touched.
    #[test]
    fn a_mask_is_black_in_every_plane_of_every_sampling() {
        for (sampling, seen) in
            [(Sampling::Yuv420, [173, 42, 26]), (Sampling::Yuv444, [173, 42, 26]), (Sampling::Rgb, [255, 0, 0])]
        {
            // Green: every plane of it is far from black's.
            let masked = filled(sampling, (16, 8), [0, 255, 0, 9]).mask([Area { x: 4, y: 2, width: 6, height: 4 }]);
            assert_eq!(masked.format(), PixelFormat::Planar(sampling));
            let black = Planar::new(sampling, 16, 8);
            let (found, black) = (masked.planar().planes(), black.planes());
            let planes =
                [(found.0, black.0, 0), (found.1, black.1, sampling.shift()), (found.2, black.2, sampling.shift())];
            for ((plane, black, shift), seen) in planes.into_iter().zip(seen) {
                for (at, sample) in plane.iter().enumerate() {
                    let (x, y) = ((at % (16 >> shift)) << shift, (at / (16 >> shift)) << shift);
                    if (4..10).contains(&x) && (2..6).contains(&y) {
                        assert_eq!(*sample, black[at], "{sampling:?} at {x},{y}");
                    } else {
                        assert!(sample.abs_diff(seen) <= 2, "{sampling:?} at {x},{y}: {sample}");
                    }
                }
            }
        }
    }
}
