//! From the pixels of a display to B, G, R, X of eight bits each.
//!
//! A visual says which bits of a pixel are red, green and blue. Displays of 24 bits have the order that is wanted already; those of
//! 30 bits have ten bits a colour, and some have red and blue the other way round. Values are scaled, not cut, so that white stays white.

use x11rb::protocol::xproto::{ImageOrder, Setup, VisualClass, Visualid, Visualtype};

use super::failure;
use crate::capture::CaptureError;

/// The most bits of one colour that are taken: a table of 4,096 bytes for each.
const MAX_BITS: u32 = 12;

/// How a colour stands in a pixel, and what its values are in eight bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    shift: u32,
    most: u32,
    eight: Vec<u8>,
}

impl Colour {
    fn of(mask: u32) -> Option<Self> {
        let shift = mask.trailing_zeros();
        let most = mask.checked_shr(shift)?;
        // One run of bits.
        if most == 0 || most & (most + 1) != 0 || most.count_ones() > MAX_BITS {
            return None;
        }
        let eight = (0..=most).map(|value| ((value * 255 + most / 2) / most) as u8).collect();
        Some(Self { shift, most, eight })
    }

    fn in_eight_bits(&self, pixel: u32) -> u8 {
        self.eight[(pixel >> self.shift & self.most) as usize]
    }
}

/// The pixels of a drawable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pixels {
    /// B, G, R, X of eight bits already.
    Ready,
    /// Blue, green and red at other places.
    Other(Box<[Colour; 3]>),
}

impl Pixels {
    /// The pixels of a visual.
    ///
    /// # Errors
    /// [`CaptureError::Unavailable`] when they are not 32 bits wide, little-endian, with colours in them.
    pub(super) fn of(setup: &Setup, visual: Visualid) -> Result<Self, CaptureError> {
        let found = setup
            .roots
            .iter()
            .flat_map(|screen| &screen.allowed_depths)
            .find_map(|depth| depth.visuals.iter().find(|v| v.visual_id == visual).map(|v| (depth.depth, v)));
        let Some((depth, visual)) = found else {
            return Err(failure::unavailable("the window has no pixels of its own"));
        };
        let wide = setup.pixmap_formats.iter().any(|format| format.depth == depth && format.bits_per_pixel == 32);
        let pixels = Self::in_masks(visual).filter(|_| wide && setup.image_byte_order == ImageOrder::LSB_FIRST);
        pixels.ok_or_else(|| failure::unavailable(&format!("pixels of depth {depth} in this layout are not taken")))
    }

    fn in_masks(visual: &Visualtype) -> Option<Self> {
        if !matches!(visual.class, VisualClass::TRUE_COLOR | VisualClass::DIRECT_COLOR) {
            return None;
        }
        let masks = [visual.blue_mask, visual.green_mask, visual.red_mask];
        if masks == [0xff, 0xff00, 0x00ff_0000] {
            return Some(Self::Ready);
        }
        let [blue, green, red] = masks.map(Colour::of);
        Some(Self::Other(Box::new([blue?, green?, red?])))
    }

    /// Turns pixels into B, G, R, X, in place.
    pub(super) fn unpack(&self, bytes: &mut [u8]) {
        let Self::Other(colours) = self else { return };
        for pixel in bytes.as_chunks_mut::<4>().0 {
            let packed = u32::from_le_bytes(*pixel);
            let [blue, green, red] = colours.each_ref().map(|colour| colour.in_eight_bits(packed));
            *pixel = [blue, green, red, 0xff];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visual(blue_mask: u32, green_mask: u32, red_mask: u32) -> Visualtype {
        let class = VisualClass::TRUE_COLOR;
        Visualtype {
            visual_id: 1,
            class,
            bits_per_rgb_value: 8,
            colormap_entries: 256,
            red_mask,
            green_mask,
            blue_mask,
        }
    }

    fn unpacked(visual: &Visualtype, pixel: u32) -> [u8; 4] {
        let mut bytes = pixel.to_le_bytes();
        Pixels::in_masks(visual).expect("a layout that is taken").unpack(&mut bytes);
        bytes
    }

    #[test]
    fn ten_bits_a_colour_are_scaled_to_eight() {
        let deep = visual(0x3ff, 0x3ff << 10, 0x3ff << 20);
        assert_eq!(unpacked(&deep, 0x3fff_ffff), [255, 255, 255, 255]);
        assert_eq!(unpacked(&deep, 0), [0, 0, 0, 255]);
        assert_eq!(unpacked(&deep, 0x3ff << 20), [0, 0, 255, 255]);
        for value in 0..=255_u32 {
            // Eight bits in ten, as programs widen them, come back as they were.
            let wide = value << 2 | value >> 6;
            assert_eq!(unpacked(&deep, wide << 10), [0, value as u8, 0, 255], "{value}");
        }
    }

    #[test]
    fn layouts_are_taken_by_their_masks() {
        assert_eq!(Pixels::in_masks(&visual(0xff, 0xff00, 0xff_0000)), Some(Pixels::Ready));
        assert_eq!(unpacked(&visual(0xff_0000, 0xff00, 0xff), 0x0011_2233), [0x11, 0x22, 0x33, 255]);
        for odd in [visual(0, 0xff00, 0xff), visual(0x101, 0xff00, 0xff_0000), visual(0x3fff, 0xff_0000, 0xff00_0000)] {
            assert_eq!(Pixels::in_masks(&odd), None);
        }
        let palette = Visualtype { class: VisualClass::PSEUDO_COLOR, ..visual(0xff, 0xff00, 0xff_0000) };
        assert_eq!(Pixels::in_masks(&palette), None);
    }
}
