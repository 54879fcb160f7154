//! Where something is in the picture: positions of rows are of the surface, which may lie letterboxed in it.

use crate::session::metadata::Metadata;
use crate::session::table::row::{OwnedRow, key};

/// A place in the picture, fractions of it: 0 at the left and upper edge, 1 at the right and lower one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Place {
    /// Returns how far two places are from each other in a picture of this size, pixels.
    pub(super) fn away(self, other: Self, size: (u32, u32)) -> f64 {
        let (x, y) = ((self.x - other.x) * f64::from(size.0), (self.y - other.y) * f64::from(size.1));
        x.hypot(y)
    }
}

/// How the surface lies in the picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Surface {
    picture: (f64, f64),
    /// A part of the desktop is never scaled; what is smaller than it was lies in the upper left corner.
    is_region: bool,
    /// Left and upper edge, width and height, fractions of the picture.
    area: [f64; 4],
}

impl Surface {
    /// As it was when recording began.
    pub(super) fn first(metadata: &Metadata, picture: (u32, u32)) -> Self {
        let is_region = metadata.target.as_deref().is_some_and(|target| target.starts_with("region"));
        let picture = (f64::from(picture.0.max(1)), f64::from(picture.1.max(1)));
        Self { picture, is_region, area: [0.0, 0.0, 1.0, 1.0] }
    }

    /// Takes in a `window` row.
    pub(super) fn change(&mut self, row: &OwnedRow) {
        let side = |key| row.metadata.get(key).and_then(|text| text.parse::<f64>().ok()).filter(|side| *side >= 1.0);
        let Some((width, height)) = side(key::WIDTH).zip(side(key::HEIGHT)) else { return };
        let (w, h) = self.picture;
        let scale = if self.is_region { 1.0 } else { (w / width).min(h / height) };
        let (width, height) = ((width * scale).min(w).round(), (height * scale).min(h).round());
        let edge = |side: f64, of: f64| if self.is_region { 0.0 } else { ((of - side) / 2.0).floor() / of };
        self.area = [edge(width, w), edge(height, h), width / w, height / h];
    }

    /// Where a position of a row is in the picture.
    pub(super) fn place(&self, x: f32, y: f32) -> Place {
        let [left, top, width, height] = self.area;
        Place { x: left + f64::from(x) * width, y: top + f64::from(y) * height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::metadata::samples::bare;

    fn window(width: &str, height: &str) -> OwnedRow {
        let mut row = OwnedRow::default();
        row.metadata.push_str(key::HEIGHT, height);
        row.metadata.push_str(key::WIDTH, width);
        row
    }

    #[test]
    fn positions_follow_the_letterbox() {
        let mut metadata = bare("x");
        let mut surface = Surface::first(&metadata, (640, 480));
        assert_eq!(surface.place(0.25, -0.5), Place { x: 0.25, y: -0.5 });
        surface.change(&window("640", "240"));
        assert_eq!(surface.place(0.5, 0.0), Place { x: 0.5, y: 0.25 });
        assert_eq!(surface.place(1.0, 1.0), Place { x: 1.0, y: 0.75 });
        surface.change(&window("320", "240"));
        assert_eq!(surface.place(0.5, 0.5), Place { x: 0.5, y: 0.5 });
        surface.change(&window("0", "240"));
        assert_eq!(surface.place(1.0, 1.0), Place { x: 1.0, y: 1.0 });
        metadata.target = Some("region".into());
        let mut region = Surface::first(&metadata, (640, 480));
        region.change(&window("320", "240"));
        assert_eq!(region.place(1.0, 1.0), Place { x: 0.5, y: 0.5 });
        let away = Place { x: 0.0, y: 0.0 }.away(Place { x: 0.5, y: 0.5 }, (600, 800));
        assert!((away - 500.0).abs() < 1e-9);
    }
}
