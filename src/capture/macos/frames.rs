//! What a delivery of ScreenCaptureKit means: a picture, that nothing changed, or that there is nothing to see; and where in its buffer the picture is.
//!
//! Pure. Sizes of the system are points, its buffers are pixels.

use super::points::Points;
use crate::base::event::Area;
use crate::capture::BgraView;
use crate::capture::letterbox::{self, Letterbox};

/// What came of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Delivery {
    /// A new picture.
    Picture,
    /// Nothing has changed.
    Still,
    /// The display is off, or its pictures are suspended.
    Away,
    /// It says nothing of the screen.
    Nothing,
}

/// Reads the status of a delivery (`SCFrameStatus`). A picture without pixels is none.
pub(super) fn delivery(status: Option<i64>, has_pixels: bool) -> Delivery {
    match status {
        // Complete, or the first one after the start.
        Some(0 | 4) if has_pixels => Delivery::Picture,
        Some(1) => Delivery::Still,
        Some(2 | 3) => Delivery::Away,
        _ => Delivery::Nothing,
    }
}

/// Where the content lies in a buffer, as the delivery says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Placed {
    /// In the buffer, points.
    pub(super) content: Points,
    /// Pixels for one point.
    pub(super) scale: f64,
    /// The size of the content in the buffer, of its own size.
    pub(super) shrunk: f64,
}

/// A length in whole pixels; nothing for what is no length.
fn pixels(points: f64, scale: f64) -> u32 {
    let pixels = (points * scale).round();
    if pixels.is_finite() { pixels.clamp(0.0, f64::from(u32::MAX)) as u32 } else { 0 }
}

impl Placed {
    /// The part of a buffer of this size that is the picture; all of it where the delivery says nothing that can be.
    pub(super) fn part(this: Option<Self>, (width, height): (u32, u32)) -> Area {
        let all = Area { x: 0, y: 0, width, height };
        let Some(Self { content, scale, .. }) = this else { return all };
        let (x, y) = (pixels(content.x, scale), pixels(content.y, scale));
        let wanted = Area {
            x: x as i32,
            y: y as i32,
            width: pixels(content.width, scale),
            height: pixels(content.height, scale),
        };
        wanted.and(all).filter(|part| part.width >= 2 && part.height >= 2).unwrap_or(all)
    }

    /// The size that the content has by itself, pixels.
    pub(super) fn own_size(self) -> Option<(u32, u32)> {
        let scale = self.scale / self.shrunk;
        let size = (pixels(self.content.width, scale), pixels(self.content.height, scale));
        (self.shrunk > 0.0 && size.0 >= 2 && size.1 >= 2).then_some(size)
    }
}

/// Brings the part of a buffer that is the picture into the size of the recording. `fitted` is kept from picture to picture, and `None` where they are of
/// that size.
pub(super) fn copy(
    buffer: letterbox::Picture<'_>,
    placed: Option<Placed>,
    size: (u32, u32),
    out: &mut [u8],
    fitted: &mut Option<Letterbox>,
) {
    let part = Placed::part(placed, (buffer.width, buffer.height));
    let start = part.y as usize * buffer.stride + part.x as usize * 4;
    let picture = letterbox::Picture {
        data: &buffer.data[start..],
        stride: buffer.stride,
        width: part.width,
        height: part.height,
    };
    let row = size.0 as usize * 4;
    if (part.width, part.height) == size {
        *fitted = None;
        for (to, from) in out.chunks_exact_mut(row).zip(picture.data.chunks(picture.stride)) {
            to.copy_from_slice(&from[..row]);
        }
        return;
    }
    let own = (part.width, part.height);
    let letterbox = fitted.take().filter(|letterbox| letterbox.source() == own);
    let letterbox = fitted.insert(letterbox.unwrap_or_else(|| Letterbox::fitted(own, size)));
    letterbox.apply(picture, &mut BgraView { data: out, stride: row, width: size.0, height: size.1 });
}

#[cfg(test)]
mod tests {
    use super::Delivery::{Away, Nothing, Picture, Still};
    use super::*;

    const fn placed(x: f64, y: f64, width: f64, height: f64) -> Placed {
        Placed { content: Points { x, y, width, height }, scale: 2.0, shrunk: 1.0 }
    }

    #[test]
    fn only_a_delivery_with_pixels_is_a_picture() {
        let of = |status| delivery(Some(status), true);
        let all: Vec<_> = (0..=6).map(of).collect();
        assert_eq!(all, [Picture, Still, Away, Away, Picture, Nothing, Nothing]);
        assert_eq!((delivery(Some(0), false), delivery(Some(4), false)), (Nothing, Nothing));
        assert_eq!((delivery(None, true), delivery(Some(1), false)), (Nothing, Still));
    }

    #[test]
    fn the_picture_is_the_content_in_pixels() {
        let part = |placed| Placed::part(placed, (1600, 1200));
        let all = Area { x: 0, y: 0, width: 1600, height: 1200 };
        assert_eq!(part(None), all);
        assert_eq!(part(Some(placed(0.0, 0.0, 800.0, 600.0))), all);
        assert_eq!(part(Some(placed(10.0, 20.0, 400.0, 300.0))), Area { x: 20, y: 40, width: 800, height: 600 });
        assert_eq!(part(Some(placed(700.0, 0.0, 400.0, 600.0))), Area { x: 1400, y: 0, width: 200, height: 1200 });
        for odd in [placed(0.0, 0.0, 0.0, 0.0), placed(f64::NAN, 0.0, f64::NAN, 1.0), placed(9999.0, 0.0, 10.0, 10.0)] {
            assert_eq!(part(Some(odd)), all, "{odd:?}");
        }
    }

    #[test]
    fn a_window_that_was_shrunk_into_its_buffer_has_its_own_size() {
        assert_eq!(placed(0.0, 0.0, 400.0, 300.0).own_size(), Some((800, 600)));
        let shrunk = Placed { shrunk: 0.5, ..placed(0.0, 0.0, 400.0, 300.0) };
        assert_eq!(shrunk.own_size(), Some((1600, 1200)));
        assert_eq!(Placed { shrunk: 0.0, ..shrunk }.own_size(), None);
        assert_eq!(placed(0.0, 0.0, 0.5, 300.0).own_size(), None);
    }

    /// A buffer of 4x3 pixels with rows of 20 bytes, each pixel its number.
    fn buffer() -> Vec<u8> {
        let pixel = |x: u8, y: u8| if x < 4 { [x + 4 * y; 4] } else { [0xee; 4] };
        (0..3).flat_map(|y| (0..5).flat_map(move |x| pixel(x, y))).collect()
    }

    fn copied(placed: Option<Placed>, size: (u32, u32), fitted: &mut Option<Letterbox>) -> Vec<u8> {
        let data = buffer();
        let mut out = vec![0x77; (size.0 * size.1 * 4) as usize];
        copy(letterbox::Picture { data: &data, stride: 20, width: 4, height: 3 }, placed, size, &mut out, fitted);
        out.chunks(4).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn a_picture_of_the_recordings_size_is_copied_and_another_one_fitted() {
        let mut fitted = None;
        assert_eq!(copied(None, (4, 3), &mut fitted), (0..12).collect::<Vec<u8>>());
        let part = Some(placed(0.5, 0.5, 1.0, 1.0));
        assert_eq!(copied(part, (2, 2), &mut fitted), [5, 6, 9, 10]);
        assert!(fitted.is_none());
        // Lower than the recording: in the middle, with black around it.
        assert_eq!(copied(part, (2, 4), &mut fitted), [0, 0, 5, 6, 9, 10, 0, 0]);
        assert_eq!(fitted.as_ref().map(Letterbox::source), Some((2, 2)));
        assert_eq!(copied(None, (4, 5), &mut fitted)[4..16], (0..12).collect::<Vec<u8>>());
        assert_eq!(fitted.as_ref().map(Letterbox::source), Some((4, 3)), "made anew for another size");
        copied(part, (2, 2), &mut fitted);
        assert!(fitted.is_none());
    }
}
