//! Areas that are black in every picture: what a person or a profile asked for, and where that is on a surface of a given size.
//!
//! Invariant: a mask is never smaller than what was asked for: fractions are rounded outwards, and so is every place on its way
//! into the picture. It paints nothing itself; the recorder does, before the encoder sees the picture.

use std::fmt;

use crate::base::event::Area;

/// Who asked for a mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AskedBy {
    /// `--mask`.
    Flag,
    /// The configuration file.
    Config,
    /// The profile.
    Profile,
}

impl AskedBy {
    /// The name in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Config => "config",
            Self::Profile => "profile",
        }
    }
}

/// Where a mask is on a surface.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Place {
    /// Pixels from the upper left corner of the surface.
    Pixels(Area),
    /// Fractions of the surface's width and height.
    Fractions {
        /// Left edge, of the width.
        x: f64,
        /// Top edge, of the height.
        y: f64,
        /// Width, of the width.
        width: f64,
        /// Height, of the height.
        height: f64,
    },
    /// At a corner, in fractions of the surface's *height*: how user interfaces that scale with it are laid out.
    Anchored {
        /// Which corner.
        corner: Corner,
        /// From the corner's vertical edge.
        x: f64,
        /// From the corner's horizontal edge.
        y: f64,
        /// Width.
        width: f64,
        /// Height.
        height: f64,
    },
}

/// A corner of a surface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Corner {
    /// Upper left.
    TopLeft,
    /// Upper right.
    TopRight,
    /// Lower left.
    BottomLeft,
    /// Lower right.
    BottomRight,
}

/// Why a text is no mask.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is no area")]
pub struct MaskError {
    /// The text.
    pub text: String,
}

impl MaskError {
    /// What the person can do about it.
    pub fn hint(&self) -> String {
        "use X,Y,WIDTH,HEIGHT in pixels (10,20,300,80) or in percent of the picture (0%,90%,25%,10%)".into()
    }
}

/// A mask that a person asked for, and nothing of which is in the picture: what it should cover would be recorded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the mask {area} is not inside the picture of {}x{} pixels", picture.0, picture.1)]
pub struct OutsidePicture {
    /// Where it should be, as it is written.
    pub area: String,
    /// Who asked for it.
    pub asked_by: AskedBy,
    /// Width and height of what is recorded, pixels.
    pub picture: (u32, u32),
}

impl OutsidePicture {
    /// What the person can do about it.
    pub fn hint(&self) -> String {
        let place = match self.asked_by {
            AskedBy::Config => "change it under `masks` in the configuration: ",
            AskedBy::Flag | AskedBy::Profile => "",
        };
        format!(
            "{place}pixels count from the upper left corner of what is recorded, and percent are of it: 0%,90%,25%,10%"
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What came from a percentage is one again.
        let percent = |share: f64| (share * 1e6).round() / 1e4;
        match *self {
            Self::Pixels(Area { x, y, width, height }) => write!(f, "{x},{y},{width},{height}"),
            Self::Fractions { x, y, width, height } => {
                write!(f, "{}%,{}%,{}%,{}%", percent(x), percent(y), percent(width), percent(height))
            }
            Self::Anchored { .. } => f.write_str("at a corner"),
        }
    }
}

impl Place {
    /// Reads `10,20,300,80` (pixels) or `0%,90%,25%,10%` (of width and height).
    ///
    /// # Errors
    /// [`MaskError`] for anything else, for an area without size, and for percentages outside 0 to 100.
    pub fn parse(text: &str) -> Result<Self, MaskError> {
        let wrong = || MaskError { text: text.chars().take(60).collect() };
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let [x, y, width, height] = parts[..] else { return Err(wrong()) };
        if parts.iter().all(|part| part.ends_with('%')) {
            let percent = |part: &str| {
                let value: f64 = part.trim_end_matches('%').parse().ok()?;
                (0.0..=100.0).contains(&value).then_some(value / 100.0)
            };
            let numbers = (percent(x), percent(y), percent(width), percent(height));
            let (Some(x), Some(y), Some(width), Some(height)) = numbers else { return Err(wrong()) };
            return if width > 0.0 && height > 0.0 {
                Ok(Self::Fractions { x, y, width, height })
            } else {
                Err(wrong())
            };
        }
        let corner = |part: &str| part.parse::<i32>().ok().filter(|v| (-65_536..=65_536).contains(v));
        let length = |part: &str| part.parse::<u32>().ok().filter(|v| (1..=65_536).contains(v));
        match (corner(x), corner(y), length(width), length(height)) {
            (Some(x), Some(y), Some(width), Some(height)) => Ok(Self::Pixels(Area { x, y, width, height })),
            _ => Err(wrong()),
        }
    }

    /// Where that is on a surface of this size, rounded outwards; `None` when nothing of it is there.
    pub fn resolve(&self, size: (u32, u32)) -> Option<Area> {
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        let area = |left: f64, top: f64, width: f64, height: f64| {
            // What comes from a decimal fraction may lie a hair beside a pixel's edge: that is no pixel more.
            let (down, up) = (|v: f64| (v + 1e-6).floor(), |v: f64| (v - 1e-6).ceil());
            let (x, y) = (down(left), down(top));
            Area {
                x: x as i32,
                y: y as i32,
                width: (up(left + width) - x) as u32,
                height: (up(top + height) - y) as u32,
            }
        };
        match *self {
            Self::Pixels(area) => area,
            Self::Fractions { x, y, width, height } => area(x * w, y * h, width * w, height * h),
            Self::Anchored { corner, x, y, width, height } => {
                let (x, y, width, height) = (x * h, y * h, width * h, height * h);
                let left = match corner {
                    Corner::TopLeft | Corner::BottomLeft => x,
                    Corner::TopRight | Corner::BottomRight => w - x - width,
                };
                let top = match corner {
                    Corner::TopLeft | Corner::TopRight => y,
                    Corner::BottomLeft | Corner::BottomRight => h - y - height,
                };
                area(left, top, width, height)
            }
        }
        .inside(size)
    }
}

/// An area that is black in every picture.
#[derive(Clone, PartialEq, Debug)]
pub struct Mask {
    /// Where.
    pub place: Place,
    /// Who asked for it.
    pub asked_by: AskedBy,
    /// Why, a word in `snake_case` for the `redact` rows: `mask`, `chat`, `pii`.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_rounded_outwards() {
        let pixels = Place::parse("10, 20,300,80").expect("pixels");
        assert_eq!(pixels.resolve((100, 100)), Some(Area { x: 10, y: 20, width: 90, height: 80 }));
        let fractions = Place::parse("0%,90%,25%,10%").expect("fractions");
        assert_eq!(fractions.resolve((1920, 1080)), Some(Area { x: 0, y: 972, width: 480, height: 108 }));
        assert_eq!(fractions.resolve((333, 333)), Some(Area { x: 0, y: 299, width: 84, height: 34 }));
        for bad in
            ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "1,2,3,-4", "1%,2%,3,4", "0%,0%,101%,1%", "0%,0%,0%,1%", "a,b,c,d"]
        {
            assert!(Place::parse(bad).is_err(), "{bad} was accepted");
        }
        assert_eq!(Place::parse("500,0,10,10").expect("pixels").resolve((100, 100)), None);
    }

    #[test]
    fn a_place_is_written_as_it_is_read() {
        for text in ["10,-20,300,80", "0%,90%,25%,10%", "12.5%,33.3%,1%,66.6666%"] {
            assert_eq!(Place::parse(text).expect("a place").to_string(), text);
        }
    }

    #[test]
    fn anchored_places_scale_with_the_height_and_stay_at_their_corner() {
        let place = Place::Anchored { corner: Corner::BottomLeft, x: 0.0, y: 0.1, width: 0.5, height: 0.25 };
        assert_eq!(place.resolve((1920, 1080)), Some(Area { x: 0, y: 702, width: 540, height: 270 }));
        // An ultra-wide screen of the same height: the same pixels.
        assert_eq!(place.resolve((3440, 1080)), place.resolve((1920, 1080)));
        let place = Place::Anchored { corner: Corner::TopRight, x: 0.1, y: 0.0, width: 0.2, height: 0.1 };
        assert_eq!(place.resolve((1000, 500)), Some(Area { x: 850, y: 0, width: 100, height: 50 }));
    }
}
