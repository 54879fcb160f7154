//! What a delivery of ScreenCaptureKit means: a picture, that nothing changed, or that there is nothing to see; and where in its buffer the picture is.
//!
//! Pure. Sizes of the system are points, its buffers are pixels.

use super::points::Points;
use crate::base::event::Area;

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
}
