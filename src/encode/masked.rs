//! Pictures before and behind the masks, as types: [`Unmasked`] is what was captured, [`Masked`] is what may be seen.
//!
//! Keeps the invariant that captured pixels reach an encoder, a tap or a preview only through [`Unmasked::mask`], which paints: an
//! [`Unmasked`] cannot be read, and nothing that encodes or shows takes one. Which areas are painted is decided elsewhere
//! (`recorder/masking.rs`, the only caller: `tests/tidy.rs`).

use std::sync::Arc;

use super::convert::{self, Bgrx, ConvertError};
use crate::base::event::Area;
use crate::media::picture::{I420, PixelFormat};

/// A captured picture whose masks are not painted yet. It can be written and masked, and not be read.
///
/// ```compile_fail
/// use watchcap::encode::masked::Unmasked;
/// use watchcap::media::picture::PixelFormat;
/// let captured = Unmasked::new(PixelFormat::I420, 16, 16).unwrap();
/// let seen = captured.0; // the field is private
/// ```
pub struct Unmasked(I420);

impl Unmasked {
    /// Whether pictures of this format can be made of captured pixels.
    pub fn makes(format: PixelFormat) -> bool {
        match format {
            PixelFormat::I420 => true,
            PixelFormat::Bgrx | PixelFormat::Nv12 => false,
        }
    }

    /// A buffer of an even size; `None` when pictures of this format cannot be made ([`makes`](Self::makes)).
    pub fn new(format: PixelFormat, width: u32, height: u32) -> Option<Self> {
        Self::makes(format).then(|| Self(I420::new(width, height)))
    }

    /// Writes captured pixels over the picture, converted to its format.
    ///
    /// # Errors
    /// When the pixels have another size.
    pub fn write(&mut self, pixels: Bgrx<'_>) -> Result<(), ConvertError> {
        convert::to_i420(pixels, &mut self.0)
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
/// use watchcap::media::picture::I420;
/// let masked = Masked(Arc::new(I420::new(16, 16))); // the field is private
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
pub struct Masked(Arc<I420>);

impl Masked {
    /// A picture that was not captured just now: decoded from a session, whose pictures were masked when they were recorded, or drawn
    /// by this program.
    pub fn not_captured(picture: impl Into<Arc<I420>>) -> Self {
        Self(picture.into())
    }

    /// How its samples lie in memory.
    pub fn format(&self) -> PixelFormat {
        PixelFormat::I420
    }

    /// Width and height, even.
    pub fn size(&self) -> (u32, u32) {
        (self.0.width(), self.0.height())
    }

    /// Its samples as 4:2:0 in three planes.
    pub fn i420(&self) -> &I420 {
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

    #[test]
    fn masks_are_painted_and_a_buffer_comes_back_when_nobody_looks() {
        let mut captured = Unmasked::new(PixelFormat::I420, 4, 2).expect("a buffer");
        let white = [255; 4 * 2 * 4];
        captured.write(Bgrx { data: &white, stride: 16, width: 4, height: 2 }).expect("the same size");
        let masked = captured.mask([Area { x: 2, y: 0, width: 2, height: 2 }]);
        assert_eq!(masked.i420().planes().0, [235, 235, 16, 16, 235, 235, 16, 16]);
        let tap = masked.clone();
        assert!(masked.reuse().is_none(), "a tap still looks at it");
        assert!(tap.reuse().is_some());
        assert!(Unmasked::new(PixelFormat::Bgrx, 4, 2).is_none());
    }
}
