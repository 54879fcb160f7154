//! The magnifier: which part of a picture is shown pixel by pixel, so that the text of a desktop can be read in cells.
//!
//! Owns the arithmetic between the picture, the part and the pane. Invariants: the part lies inside the picture, whatever it is told; it
//! moves with the pointer only as far as it must, so that a line of text stands still while it is read. Knows no frames and no clock.

/// How far a key moves the part, as a share of its side.
const STEP: u32 = 4;
/// The pointer may move in the middle of the part without moving it: up to this share of a side from its edges.
const MARGIN: u32 = 4;

/// How many pixels of the screen a pixel of the picture takes, on each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scale {
    /// One.
    One,
    /// Two.
    Two,
}

impl Scale {
    /// As a number.
    pub(crate) const fn times(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// How it is written on the screen.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::One => "1:1",
            Self::Two => "2:1",
        }
    }
}

/// A part of a picture, pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// Its left edge.
    pub(crate) left: u32,
    /// Its upper edge.
    pub(crate) top: u32,
    /// Its width.
    pub(crate) width: u32,
    /// Its height.
    pub(crate) height: u32,
    /// Each of its pixels takes so many on each side.
    pub(crate) times: u32,
}

impl Part {
    /// A place in the picture (0–1 inside) as one in this part of it (0–1 inside).
    pub(crate) fn share(&self, (x, y): (f32, f32), picture: (u32, u32)) -> (f32, f32) {
        let one = |share: f32, of: u32, from: u32, length: u32| {
            ((f64::from(share) * f64::from(of) - f64::from(from)) / f64::from(length.max(1))) as f32
        };
        (one(x, picture.0, self.left, self.width), one(y, picture.1, self.top, self.height))
    }
}

/// The magnifier while it is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lens {
    /// How large.
    pub(crate) scale: Scale,
    /// It goes where the pointer goes.
    pub(crate) follows: bool,
    /// The pointer is to be in its middle, once.
    fresh: bool,
    /// The upper left corner of the part.
    corner: (u32, u32),
}

impl Lens {
    /// One that follows the pointer.
    pub(crate) fn new(scale: Scale) -> Self {
        Self { scale, follows: true, fresh: true, corner: (0, 0) }
    }

    /// The next size; `None` after the largest.
    pub(crate) fn larger(self) -> Option<Self> {
        (self.scale == Scale::One).then_some(Self { scale: Scale::Two, fresh: true, ..self })
    }

    /// From now on it follows the pointer.
    pub(crate) fn follow_again(&mut self) {
        (self.follows, self.fresh) = (true, true);
    }

    /// The part of a picture that a pane of so many pixels shows.
    pub(crate) fn part(&self, picture: (u32, u32), pane: (u32, u32)) -> Part {
        let times = self.scale.times();
        let side = |picture: u32, pane: u32| (pane / times).clamp(1, picture.max(1));
        let (width, height) = (side(picture.0, pane.0), side(picture.1, pane.1));
        let corner = |at: u32, picture: u32, side: u32| at.min(picture.saturating_sub(side));
        Part {
            left: corner(self.corner.0, picture.0, width),
            top: corner(self.corner.1, picture.1, height),
            width,
            height,
            times,
        }
    }

    /// Brings the pointer (0–1 inside the picture) into the middle of the part, as far as it must be moved for that.
    pub(crate) fn follow(&mut self, pointer: Option<(f32, f32)>, picture: (u32, u32), pane: (u32, u32)) {
        let part = self.part(picture, pane);
        self.corner = (part.left, part.top);
        let Some((x, y)) = pointer.filter(|_| self.follows) else { return };
        let fresh = std::mem::take(&mut self.fresh);
        let one = |share: f32, picture: u32, from: u32, side: u32| {
            let at = (f64::from(share.clamp(0.0, 1.0)) * f64::from(picture)) as u32;
            let margin = if fresh { side / 2 } else { side / MARGIN };
            let least = (at + margin + 1).saturating_sub(side);
            let most = at.saturating_sub(margin);
            from.clamp(least.min(most), most).min(picture.saturating_sub(side))
        };
        self.corner = (one(x, picture.0, part.left, part.width), one(y, picture.1, part.top, part.height));
    }

    /// Moves the part by hand, by quarters of it; it follows no more.
    pub(crate) fn step(&mut self, (x, y): (i8, i8), picture: (u32, u32), pane: (u32, u32)) {
        let part = self.part(picture, pane);
        let one =
            |by: i8, from: u32, side: u32| from.saturating_add_signed(i32::from(by) * (side / STEP).max(1) as i32);
        self.place((one(x, part.left, part.width), one(y, part.top, part.height)), picture, pane);
    }

    /// Puts the upper left corner somewhere by hand; it follows no more.
    pub(crate) fn place(&mut self, corner: (u32, u32), picture: (u32, u32), pane: (u32, u32)) {
        (self.follows, self.corner) = (false, corner);
        let part = self.part(picture, pane);
        self.corner = (part.left, part.top);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PICTURE: (u32, u32) = (1920, 1080);
    const PANE: (u32, u32) = (80, 60);

    #[test]
    fn it_follows_the_pointer_and_stands_still_while_that_is_in_its_middle() {
        let mut lens = Lens::new(Scale::One);
        let mut at = |x: f32, y: f32| {
            lens.follow(Some(((x + 0.5) / 1920.0, (y + 0.5) / 1080.0)), PICTURE, PANE);
            let part = lens.part(PICTURE, PANE);
            (part.left, part.top)
        };
        let (left, top) = at(1000.0, 500.0);
        assert!((940..=980).contains(&left) && (455..=485).contains(&top), "{left} {top}");
        assert_eq!(at(left as f32 + 30.0, top as f32 + 20.0), (left, top), "the middle");
        assert_eq!(at(left as f32 + 70.0, top as f32 + 20.0), (left + 11, top));
        assert_eq!((at(0.0, 0.0), at(1920.0, 1080.0)), ((0, 0), (1840, 1020)));
    }

    #[test]
    fn by_hand_it_goes_elsewhere_and_stays_there() {
        let mut lens = Lens::new(Scale::Two);
        assert_eq!(lens.part(PICTURE, PANE), Part { left: 0, top: 0, width: 40, height: 30, times: 2 });
        lens.step((1, 1), PICTURE, PANE);
        lens.follow(Some((0.5, 0.5)), PICTURE, PANE);
        let part = lens.part(PICTURE, PANE);
        assert_eq!((part.left, part.top), (10, 7));
        lens.step((-5, 100), PICTURE, PANE);
        let part = lens.part(PICTURE, PANE);
        assert_eq!((part.left, part.top), (0, 707));
        // A picture smaller than the pane is shown whole.
        assert_eq!(lens.part((20, 10), PANE), Part { left: 0, top: 0, width: 20, height: 10, times: 2 });
    }

    #[test]
    fn places_are_of_the_part() {
        let part = Part { left: 480, top: 270, width: 960, height: 540, times: 1 };
        assert_eq!((part.share((0.25, 0.25), PICTURE), part.share((0.75, 0.5), PICTURE)), ((0.0, 0.0), (1.0, 0.5)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_part_is_inside_whatever_happens(
            steps in proptest::collection::vec((any::<i8>(), any::<i8>(), -2.0..3.0_f32, any::<u32>(), any::<bool>()), 0..40),
            picture in (0..5000_u32, 0..5000_u32), pane in (0..500_u32, 0..500_u32), two in any::<bool>(),
        ) {
            let mut lens = Lens::new(if two { Scale::Two } else { Scale::One });
            for (x, y, share, corner, hand) in steps {
                lens.follows = !hand;
                match corner % 3 {
                    0 => lens.step((x, y), picture, pane),
                    1 => lens.place((corner, corner / 2), picture, pane),
                    _ => lens.follow(Some((share, 1.0 - share)), picture, pane),
                }
                let part = lens.part(picture, pane);
                prop_assert!(part.width > 0 && part.left + part.width <= picture.0.max(1));
                prop_assert!(part.height > 0 && part.top + part.height <= picture.1.max(1));
            }
        }
    }
}
