//! What a person says of a recording that it does not say itself: its units, the table of its key codes, names of its buttons, consent.
//!
//! Keeps the invariant that everything said stands in the session (`import.told`), so that two imports of one recording that were told
//! different things are told apart. Reads no file and no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::keys::KeyTable;
use crate::base::event::Stream;
use crate::base::shown::shell;
use crate::base::time::UtcNs;
use crate::session::table::row::key;
use crate::session::table::schema::column;

/// End of the session's name.
pub const ENDING: &str = "_imported";
/// Columns and keys by which recorders tell the frames of several cameras or screens apart, most telling first.
pub(crate) const FRAME_KEYS: [&str; 4] = [key::STREAM, "track", "camera", column::SOURCE];
/// The names of buttons in a session.
pub const BUTTONS: [&str; 5] = ["left", "right", "middle", "x1", "x2"];

/// Largest side of a picture that positions are pixels of.
const MAX_SIDE: u32 = 1 << 16;

/// An area of pixels that positions are measured in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PixelArea {
    /// Width and height.
    pub size: (u32, u32),
    /// Where its left upper corner is, in the same pixels.
    pub origin: (i32, i32),
}

/// What positions of the pointer are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Positions {
    /// Fractions of the picture, however far outside of it.
    Fraction,
    /// Pixels: of the picture, or of the area that is told.
    Pixels(Option<PixelArea>),
}

impl Positions {
    /// Reads `fraction`, `pixels`, `pixels=1920x1080`, `pixels=800x600+100-20`.
    ///
    /// # Errors
    /// A sentence for the command line when it is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "fraction" => Ok(Self::Fraction),
            None if text == "pixels" => Ok(Self::Pixels(None)),
            Some(("pixels", area)) => {
                let area = PixelArea::parse(area);
                area.map(|area| Self::Pixels(Some(area))).ok_or_else(|| {
                    format!("'{text}' names no size, write it like pixels=1920x1080 or pixels=1920x1080+100+50")
                })
            }
            _ => Err(format!("'{text}' is none of fraction, pixels, pixels=WIDTHxHEIGHT[+X+Y]")),
        }
    }

    fn told(self) -> String {
        match self {
            Self::Fraction => "fraction".to_owned(),
            Self::Pixels(None) => "pixels".to_owned(),
            Self::Pixels(Some(area)) => format!("pixels={}", area.told()),
        }
    }
}

impl PixelArea {
    fn parse(text: &str) -> Option<Self> {
        let behind = text.find(['+', '-']).unwrap_or(text.len());
        let (size, origin) = text.split_at(behind);
        let (width, height) = size.split_once('x')?;
        let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
        let origin = if origin.is_empty() {
            (0, 0)
        } else {
            let second = origin[1..].find(['+', '-'])? + 1;
            (origin[..second].parse().ok()?, origin[second..].parse().ok()?)
        };
        Some(Self { size: (side(width)?, side(height)?), origin })
    }

    fn told(self) -> String {
        let ((width, height), (x, y)) = (self.size, self.origin);
        if self.origin == (0, 0) { format!("{width}x{height}") } else { format!("{width}x{height}{x:+}{y:+}") }
    }

    /// The fractions of the area that a place in pixels is.
    pub fn fractions(self, x: Option<f64>, y: Option<f64>) -> (Option<f64>, Option<f64>) {
        let scale = |at: Option<f64>, origin: i32, side: u32| at.map(|at| (at - f64::from(origin)) / f64::from(side));
        (scale(x, self.origin.0, self.size.0), scale(y, self.origin.1, self.size.1))
    }
}

/// What `t_ns` counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeUnit {
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

impl TimeUnit {
    /// All, finest first.
    pub const ALL: [Self; 4] = [Self::Ns, Self::Us, Self::Ms, Self::S];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "s",
        }
    }

    /// Nanoseconds of one.
    pub fn ns(self) -> i64 {
        match self {
            Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => 1_000_000,
            Self::S => 1_000_000_000,
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// A sentence for the command line when it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let unit = Self::ALL.into_iter().find(|unit| unit.name() == text);
        unit.ok_or_else(|| format!("'{text}' is none of ns, us, ms, s"))
    }
}

/// Reads `1=left`: a name of the recording, and the button that it is.
///
/// # Errors
/// A sentence for the command line when it is no such pair.
pub fn parse_button(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(theirs, ours)| !theirs.is_empty() && BUTTONS.contains(ours));
    let pair = pair.map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()));
    pair.ok_or_else(|| format!("'{text}' names no button, write it like 1=left; buttons are {}", BUTTONS.join(", ")))
}

/// Reads `stream=screen`: a column or key, and its value in the rows of the frames in the video.
///
/// # Errors
/// A sentence for the command line when it is no such pair.
pub fn parse_frames(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| FRAME_KEYS.contains(key));
    let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| {
        format!("'{text}' names no frames, write it like stream=screen; keys are {}", FRAME_KEYS.join(", "))
    })
}

/// Reads units of a wheel that make a step.
///
/// # Errors
/// A sentence for the command line when it is no positive number.
pub fn parse_wheel(text: &str) -> Result<f64, String> {
    let units = text.parse().ok().filter(|units: &f64| units.is_finite() && *units > 0.0);
    units.ok_or_else(|| format!("'{text}' is no number of units a step, write it like 120"))
}

/// Consent that a person states when importing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatedConsent {
    /// The streams.
    pub streams: BTreeSet<Stream>,
    /// The person's name on this machine, where it is known.
    pub by: Option<String>,
    /// When it is stated.
    pub at: UtcNs,
}

/// What is told of a recording; nothing by default.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options {
    /// Look at everything but the pictures, and write nothing.
    pub dry_run: bool,
    /// What positions are.
    pub positions: Option<Positions>,
    /// Which table key codes are of.
    pub keys: Option<KeyTable>,
    /// What `t_ns` counts.
    pub times: Option<TimeUnit>,
    /// Units of `delta` that make a step.
    pub wheel: Option<f64>,
    /// Names of buttons in the recording, and what they are here.
    pub buttons: Vec<(String, String)>,
    /// Which frame rows are those of the video: a key and its value.
    pub frames: Option<(String, String)>,
    /// Consent to what was recorded.
    pub consent: Option<StatedConsent>,
}

impl Options {
    /// Everything that was said of the recording, by the names of the options: `import.told`.
    pub fn told(&self) -> BTreeMap<String, String> {
        let buttons: Vec<_> = self.buttons.iter().map(|(theirs, ours)| format!("{theirs}={ours}")).collect();
        let streams = |consent: &StatedConsent| consent.streams.iter().map(|stream| stream.name()).collect::<Vec<_>>();
        [
            ("positions", self.positions.map(Positions::told)),
            ("keys", self.keys.map(|keys| keys.name().to_owned())),
            ("times", self.times.map(|times| times.name().to_owned())),
            ("wheel", self.wheel.map(|units| units.to_string())),
            ("buttons", (!buttons.is_empty()).then(|| buttons.join(","))),
            ("frames", self.frames.as_ref().map(|(key, value)| format!("{key}={value}"))),
            ("consent", self.consent.as_ref().map(|consent| streams(consent).join(","))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    /// The command that imports `folder` with what was told, and `more`, which stands for what was told of the same name.
    pub fn command(&self, folder: &Path, more: &[(&str, &str)]) -> String {
        let mut told = self.told();
        told.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        command_of(&told, &shell(folder))
    }
}

/// The command that imports `folder`, which is quoted, with these options.
pub(crate) fn command_of(told: &BTreeMap<String, String>, folder: &str) -> String {
    let mut words = vec!["watchcap migrate --import".to_owned()];
    words.extend(told.iter().map(|(name, value)| format!("--{name} {}", argument(value))));
    words.push(folder.to_owned());
    words.join(" ")
}

/// The value of an option as a shell takes it.
fn argument(value: &str) -> String {
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "._-+=,".contains(c));
    if is_plain && !value.is_empty() { value.to_owned() } else { shell(Path::new(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_reads_back() {
        let area = |size, origin| Positions::Pixels(Some(PixelArea { size, origin }));
        for (text, positions) in [
            ("fraction", Positions::Fraction),
            ("pixels", Positions::Pixels(None)),
            ("pixels=1920x1080", area((1920, 1080), (0, 0))),
            ("pixels=800x600+100-20", area((800, 600), (100, -20))),
        ] {
            assert_eq!(Positions::parse(text), Ok(positions));
            assert_eq!(positions.told(), text);
        }
        for bad in [
            "",
            "px",
            "pixels=",
            "pixels=0x5",
            "pixels=5",
            "pixels=5x5+1",
            "pixels=5x5+a+b",
            "fraction=1",
            "pixels=99999x1",
        ] {
            assert!(Positions::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(TimeUnit::parse("us").map(TimeUnit::ns), Ok(1000));
        assert!(TimeUnit::parse("µs").is_err() && parse_button("1=x3").is_err() && parse_button("=left").is_err());
        assert!(parse_wheel("0").is_err() && parse_wheel("nan").is_err() && parse_frames("colour=red").is_err());
        let told = Options {
            positions: Some(Positions::Pixels(None)),
            buttons: vec![("1".into(), "left".into()), ("3".into(), "right".into())],
            frames: parse_frames("stream=my screen").ok(),
            ..Options::default()
        };
        assert_eq!(
            told.command(Path::new("/a b"), &[("keys", "vk")]),
            "watchcap migrate --import --buttons 1=left,3=right --frames 'stream=my screen' --keys vk --positions pixels '/a b'"
                .replace('\'', if cfg!(windows) { "\"" } else { "'" })
        );
    }

    #[test]
    fn pixels_become_fractions_of_their_area() {
        let area = PixelArea { size: (800, 600), origin: (100, -20) };
        assert_eq!(area.fractions(Some(500.0), Some(280.0)), (Some(0.5), Some(0.5)));
        assert_eq!(area.fractions(None, Some(-320.0)), (None, Some(-0.5)));
    }
}
