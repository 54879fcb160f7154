//! Rectangles in points, in which the system counts.

/// A rectangle in points.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Points {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Points {
    pub(super) fn has(self, (x, y): (f64, f64)) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }

    /// How far a point is outside, squared.
    pub(super) fn away(self, (x, y): (f64, f64)) -> f64 {
        let along = |at: f64, from: f64, length: f64| (from - at).max(at - (from + length)).max(0.0);
        along(x, self.x, self.width).powi(2) + along(y, self.y, self.height).powi(2)
    }

    /// What is in both; `None` where nothing is.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = (self.x + self.width).min(other.x + other.width) - x;
        let height = (self.y + self.height).min(other.y + other.height) - y;
        (width > 0.0 && height > 0.0).then_some(Self { x, y, width, height })
    }

    pub(super) fn centre(self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}
