//! The pointer's picture, drawn into frames.
//!
//! Owns the sprite as the server last described it, and the pixels that it covers. Invariant: [`PointerLayer::lift`]
//! puts back exactly the bytes that [`PointerLayer::draw`] covered, so a picture never keeps a trace of the pointer and
//! moving it needs no new picture. Knows nothing of a connection; a pointer that an application hides through XFixes
//! `HideCursor` (not through an empty shape) cannot be told from a visible one, since the protocol does not say.

use crate::capture::BgraView;

/// The longest side of a pointer's picture, pixels; servers give at most 512 in practice. Larger ones are not drawn.
const MAX_SIDE: u32 = 1024;

/// A pointer's shape: premultiplied ARGB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sprite {
    width: u32,
    height: u32,
    hot: (i32, i32),
    pixels: Vec<u32>,
}

impl Sprite {
    /// A sprite of `width * height` pixels `0xAARRGGBB`, premultiplied, with its hot spot. `None` when nothing of it is
    /// visible (how most games hide the pointer) or it is malformed.
    pub(super) fn new(size: (u16, u16), hot: (u16, u16), pixels: Vec<u32>) -> Option<Self> {
        let (width, height) = (u32::from(size.0), u32::from(size.1));
        let sound = width <= MAX_SIDE && height <= MAX_SIDE && pixels.len() == (width * height) as usize;
        (sound && pixels.iter().any(|pixel| *pixel != 0)).then(|| Self {
            width,
            height,
            hot: (i32::from(hot.0), i32::from(hot.1)),
            pixels,
        })
    }
}

/// The part of a sprite that is inside a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Clip {
    /// Upper left corner in the picture.
    to: (u32, u32),
    /// Upper left corner in the sprite.
    from: (u32, u32),
    width: u32,
    height: u32,
}

/// What of a `sprite` (width, height) with its corner at `corner` is inside a `picture` (width, height).
fn clip(sprite: (u32, u32), corner: (i32, i32), picture: (u32, u32)) -> Option<Clip> {
    let axis = |corner: i32, length: u32, limit: u32| {
        let (start, end) = (i64::from(corner), i64::from(corner) + i64::from(length));
        let (from, to) = (start.max(0), end.min(i64::from(limit)));
        (from < to).then(|| (from as u32, (from - start) as u32, (to - from) as u32))
    };
    let (x, from_x, width) = axis(corner.0, sprite.0, picture.0)?;
    let (y, from_y, height) = axis(corner.1, sprite.1, picture.1)?;
    Some(Clip { to: (x, y), from: (from_x, from_y), width, height })
}

/// Lays one premultiplied pixel `0xAARRGGBB` over one pixel in memory order B, G, R, X; X is left alone.
fn over(below: &mut [u8], above: u32) {
    let keep = 255 - (above >> 24);
    for (channel, byte) in below.iter_mut().take(3).enumerate() {
        let product = u32::from(*byte) * keep + 128;
        // (p + p/256) / 256 is p / 255 rounded, for p up to 255 · 255 + 128.
        let kept = (product + (product >> 8)) >> 8;
        let added = (above >> (8 * channel)) & 0xff;
        // Saturates: a sprite that is not really premultiplied must not wrap round.
        *byte = (kept + added).min(255) as u8;
    }
}

/// Lays the part `clip` of a sprite over the picture.
fn blend(view: &mut BgraView<'_>, sprite: &Sprite, clip: Clip) {
    for row in 0..clip.height {
        let from = ((clip.from.1 + row) * sprite.width + clip.from.0) as usize;
        let above = &sprite.pixels[from..from + clip.width as usize];
        let to = (clip.to.1 + row) as usize * view.stride + clip.to.0 as usize * 4;
        let below = &mut view.data[to..to + clip.width as usize * 4];
        for (pixel, above) in below.chunks_exact_mut(4).zip(above) {
            over(pixel, *above);
        }
    }
}

/// Where the pointer's picture is, and which one it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    clip: Clip,
    shape: u32,
}

/// The pointer over one picture.
#[derive(Default)]
pub(super) struct PointerLayer {
    sprite: Option<Sprite>,
    /// Counts shapes, so that a new shape at the same place is a change.
    shape: u32,
    drawn: Option<Placed>,
    /// The bytes under what is drawn, row after row.
    under: Vec<u8>,
}

impl PointerLayer {
    /// Sets the shape; `None`: nothing to draw.
    pub(super) fn set_sprite(&mut self, sprite: Option<Sprite>) {
        if self.sprite != sprite {
            self.sprite = sprite;
            self.shape = self.shape.wrapping_add(1);
        }
    }

    /// What would be drawn with the hot spot at `at` of a picture (width, height); `None`: nothing.
    pub(super) fn wanted(&self, at: Option<(i32, i32)>, picture: (u32, u32)) -> Option<Placed> {
        let (sprite, at) = (self.sprite.as_ref()?, at?);
        let corner = (at.0.saturating_sub(sprite.hot.0), at.1.saturating_sub(sprite.hot.1));
        let clip = clip((sprite.width, sprite.height), corner, picture)?;
        Some(Placed { clip, shape: self.shape })
    }

    /// What is drawn.
    pub(super) fn drawn(&self) -> Option<Placed> {
        self.drawn
    }

    /// Puts back the pixels under the pointer.
    pub(super) fn lift(&mut self, view: &mut BgraView<'_>) {
        if let Some(Placed { clip, .. }) = self.drawn.take() {
            let bytes = clip.width as usize * 4;
            for (row, saved) in self.under.chunks_exact(bytes).enumerate() {
                let to = (clip.to.1 as usize + row) * view.stride + clip.to.0 as usize * 4;
                view.data[to..to + bytes].copy_from_slice(saved);
            }
        }
    }

    /// Draws the pointer, which must be lifted, and keeps what it covers.
    pub(super) fn draw(&mut self, view: &mut BgraView<'_>, place: Option<Placed>) {
        let (Some(place), Some(sprite)) = (place, &self.sprite) else { return };
        let clip = place.clip;
        self.under.clear();
        for row in 0..clip.height {
            let from = (clip.to.1 + row) as usize * view.stride + clip.to.0 as usize * 4;
            self.under.extend_from_slice(&view.data[from..from + clip.width as usize * 4]);
        }
        blend(view, sprite, clip);
        self.drawn = Some(place);
    }

    /// Forgets what is drawn, because the picture is another one now.
    pub(super) fn forget(&mut self) {
        self.drawn = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (8, 6);

    fn view(data: &mut [u8]) -> BgraView<'_> {
        BgraView { data, stride: SIZE.0 as usize * 4, width: SIZE.0, height: SIZE.1 }
    }

    fn noise() -> Vec<u8> {
        (0..SIZE.0 * SIZE.1 * 4).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[test]
    fn over_is_exact_for_every_alpha() {
        for alpha in 0..=255_u32 {
            for below in 0..=255_u32 {
                for straight in [0_u32, 1, 127, 255] {
                    let above = (straight * alpha + 127) / 255;
                    let mut pixel = [below as u8, 0, 0, 99];
                    over(&mut pixel, alpha << 24 | above);
                    let kept = f64::from(below) * f64::from(255 - alpha) / 255.0;
                    let want = (kept.round() as u32 + above).min(255) as u8;
                    assert_eq!(pixel[0], want, "alpha {alpha}, {above} over {below}");
                    assert_eq!(pixel[3], 99, "the fourth byte is left alone");
                }
            }
        }
        let mut pixel = [1, 2, 3, 4];
        over(&mut pixel, 0xff11_2233);
        assert_eq!(pixel, [0x33, 0x22, 0x11, 4], "opaque replaces, in memory order blue, green, red");
        over(&mut pixel, 0x01ff_ffff);
        assert_eq!(pixel, [255, 255, 255, 4], "a sprite that is not premultiplied saturates");
    }

    #[test]
    fn clips_on_every_side() {
        assert_eq!(clip((4, 4), (2, 1), SIZE), Some(Clip { to: (2, 1), from: (0, 0), width: 4, height: 4 }));
        assert_eq!(clip((4, 4), (-1, -3), SIZE), Some(Clip { to: (0, 0), from: (1, 3), width: 3, height: 1 }));
        assert_eq!(clip((4, 4), (7, 5), SIZE), Some(Clip { to: (7, 5), from: (0, 0), width: 1, height: 1 }));
        assert_eq!(clip((20, 20), (-5, -5), SIZE), Some(Clip { to: (0, 0), from: (5, 5), width: 8, height: 6 }));
        for outside in [(-4, 0), (0, -4), (8, 0), (0, 6), (i32::MIN, i32::MIN), (i32::MAX, 0)] {
            assert_eq!(clip((4, 4), outside, SIZE), None, "{outside:?}");
        }
    }

    #[test]
    fn lifting_restores_every_byte() {
        let clean = noise();
        let mut data = clean.clone();
        let mut layer = PointerLayer::default();
        let pixels = (0..16).map(|i| 0x80_40_20_10 + i).collect();
        layer.set_sprite(Sprite::new((4, 4), (1, 2), pixels));
        for at in [(3, 3), (0, 0), (7, 5), (-2, 1), (100, 100)] {
            let place = layer.wanted(Some(at), SIZE);
            layer.draw(&mut view(&mut data), place);
            assert_eq!(data == clean, place.is_none(), "drawn at {at:?}");
            layer.lift(&mut view(&mut data));
            assert!(data == clean, "lifted from {at:?}");
        }
    }

    #[test]
    fn the_hot_spot_is_at_the_pointer() {
        let mut data = vec![0; noise().len()];
        let mut layer = PointerLayer::default();
        let mut pixels = vec![0; 6];
        pixels[4] = 0xff00_00ff;
        layer.set_sprite(Sprite::new((3, 2), (1, 1), pixels));
        let place = layer.wanted(Some((5, 2)), SIZE);
        layer.draw(&mut view(&mut data), place);
        let lit: Vec<_> = data.chunks(4).enumerate().filter(|(_, pixel)| pixel[0] == 255).map(|(i, _)| i).collect();
        assert_eq!(lit, [2 * 8 + 5]);
    }

    #[test]
    fn a_new_shape_is_a_change_and_an_empty_one_is_none() {
        let mut layer = PointerLayer::default();
        assert_eq!(Sprite::new((2, 2), (0, 0), vec![0; 4]), None, "wholly transparent");
        assert_eq!(Sprite::new((2, 2), (0, 0), vec![1; 3]), None, "too few pixels");
        layer.set_sprite(Sprite::new((1, 1), (0, 0), vec![0xff00_0000]));
        let first = layer.wanted(Some((1, 1)), SIZE);
        layer.set_sprite(Sprite::new((1, 1), (0, 0), vec![0xff00_0000]));
        assert_eq!(layer.wanted(Some((1, 1)), SIZE), first, "the same shape again is no change");
        layer.set_sprite(Sprite::new((1, 1), (0, 0), vec![0xffff_ffff]));
        assert_ne!(layer.wanted(Some((1, 1)), SIZE), first);
        assert_eq!(layer.wanted(None, SIZE), None);
    }
}
