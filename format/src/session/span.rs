//! From what a person says to a span on the session's clock, and from fractions to pixels. Pure.

use crate::session::metadata::MaskInfo;

/// A moment as a person says it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Moment {
    /// Nanoseconds since the first row, as the player shows them.
    SinceStart(i64),
    /// A frame: from when it is shown, and until the next one is.
    Frame(u64),
}

/// An area as a person says it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Mask {
    /// Left, top, width, height in pixels of the video.
    Pixels([u32; 4]),
    /// The same as fractions of the picture.
    Fractions([f64; 4]),
}

/// A span on the session's clock, nanoseconds, both ends in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Its begin.
    pub from: i64,
    /// Its end.
    pub until: i64,
}

/// Why it cannot be meant.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum SpanError {
    /// The text is no moment.
    #[error("'{text}' is no moment")]
    Moment {
        /// The text.
        text: String,
    },
    /// The text is no area.
    #[error("'{text}' is no area")]
    Mask {
        /// The text.
        text: String,
    },
    /// There is no such frame.
    #[error("there is no frame {frame}: the session has {frames}")]
    NoFrame {
        /// Which was named.
        frame: u64,
        /// How many there are.
        frames: usize,
    },
    /// The end is before the begin.
    #[error("the span ends before it begins")]
    Backwards,
    /// Nothing of the session lies in it.
    #[error("the span lies outside of the session, which is {seconds:.3} s long")]
    Outside {
        /// How long it is.
        seconds: f64,
    },
    /// The area is not in the picture.
    #[error("the area {x},{y},{width},{height} is not inside the picture of {}x{} pixels", picture.0, picture.1)]
    OutsidePicture {
        /// Left edge.
        x: u32,
        /// Top edge.
        y: u32,
        /// Width.
        width: u32,
        /// Height.
        height: u32,
        /// The picture's size.
        picture: (u32, u32),
    },
}

impl SpanError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Moment { .. } => Some(
                "seconds from the start (12.5), h:mm:ss.mmm (1:02:03.5) or a frame (f123), as the player shows them"
                    .into(),
            ),
            Self::Mask { .. } => {
                Some("X,Y,WIDTH,HEIGHT in pixels of the video, or as fractions of it (0.5,0,0.5,0.25)".into())
            }
            Self::NoFrame { frames: 0, .. } => Some("name the moment by its seconds from the start".into()),
            Self::NoFrame { frames, .. } => Some(format!("frames are f0 to f{}", frames.saturating_sub(1))),
            Self::Backwards => Some("--from is the earlier moment, --to the later one".into()),
            Self::Outside { .. } => Some("times are seconds from the start, as the player shows them".into()),
            Self::OutsidePicture { picture: (width, height), .. } => Some(format!(
                "X and Y count from the upper left corner: 0 to {} and 0 to {}",
                width.saturating_sub(1),
                height.saturating_sub(1)
            )),
        }
    }
}

impl Moment {
    /// Reads `12.5`, `2:03`, `1:02:03.250`, `f123`.
    ///
    /// # Errors
    /// [`SpanError::Moment`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let bad = || SpanError::Moment { text: text.chars().take(40).collect() };
        if let Some(number) = text.strip_prefix('f') {
            return number.parse().map(Self::Frame).map_err(|_no_number| bad());
        }
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() > 3 {
            return Err(bad());
        }
        let mut seconds = 0.0;
        for (index, part) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            let plain = part.bytes().all(|b| b.is_ascii_digit() || (last && b == b'.'));
            let value: f64 = part.parse().ok().filter(|_| plain).ok_or_else(bad)?;
            if index > 0 && value >= 60.0 {
                return Err(bad());
            }
            seconds = seconds * 60.0 + value;
        }
        // 31 days: no session is longer, and nanoseconds of it are exact enough.
        if seconds > 31.0 * 86_400.0 {
            return Err(bad());
        }
        Ok(Self::SinceStart((seconds * 1e9).round() as i64))
    }
}

impl Mask {
    /// Reads `X,Y,WIDTH,HEIGHT`: pixels, or fractions when one of them has a point.
    ///
    /// # Errors
    /// [`SpanError::Mask`] when it is no such area.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let bad = || SpanError::Mask { text: text.chars().take(60).collect() };
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let parts: [&str; 4] = parts.try_into().map_err(|_other_count| bad())?;
        if text.contains('.') {
            let numbers = parts.map(|part| part.parse::<f64>().unwrap_or(f64::NAN));
            let [x, y, width, height] = numbers;
            let good = numbers.iter().all(|n| (0.0..=1.0).contains(n)) && width > 0.0 && height > 0.0;
            return if good && x < 1.0 && y < 1.0 { Ok(Self::Fractions(numbers)) } else { Err(bad()) };
        }
        let numbers = parts.map(|part| part.parse::<u32>().ok());
        let [Some(x), Some(y), Some(width), Some(height)] = numbers else { return Err(bad()) };
        if width == 0 || height == 0 { Err(bad()) } else { Ok(Self::Pixels([x, y, width, height])) }
    }

    /// The area in pixels of a picture, grown to even edges (colour is stored for two by two pixels) and cut at the picture's.
    ///
    /// # Errors
    /// [`SpanError::OutsidePicture`] when nothing of it is in the picture.
    pub fn place(&self, picture: (u32, u32)) -> Result<MaskInfo, SpanError> {
        let [x, y, width, height] = match *self {
            Self::Pixels(pixels) => pixels,
            Self::Fractions([x, y, width, height]) => {
                let (w, h) = (f64::from(picture.0), f64::from(picture.1));
                let (left, top) = ((x * w).floor(), (y * h).floor());
                let (right, bottom) = (((x + width) * w).ceil(), ((y + height) * h).ceil());
                [left as u32, top as u32, (right - left) as u32, (bottom - top) as u32]
            }
        };
        if x >= picture.0 || y >= picture.1 {
            return Err(SpanError::OutsidePicture { x, y, width, height, picture });
        }
        let edge = |start: u32, length: u32, limit: u32| {
            start.saturating_add(length).min(limit).next_multiple_of(2).min(limit.next_multiple_of(2))
        };
        let (left, top) = (x & !1, y & !1);
        let (right, bottom) = (edge(x, width, picture.0), edge(y, height, picture.1));
        Ok(MaskInfo { x: left, y: top, width: right - left, height: bottom - top })
    }
}

impl Span {
    /// The span between two moments, cut to the session's rows. `frames` are the times of its frames.
    ///
    /// # Errors
    /// [`SpanError`] when a frame does not exist, or nothing of the session lies in the span.
    pub fn of(from: Moment, to: Moment, session: (i64, i64), frames: &[i64]) -> Result<Self, SpanError> {
        let time = |frame: u64| {
            let found = usize::try_from(frame).ok().and_then(|frame| frames.get(frame).copied());
            found.ok_or(SpanError::NoFrame { frame, frames: frames.len() })
        };
        let from = match from {
            Moment::SinceStart(ns) => session.0.saturating_add(ns),
            Moment::Frame(frame) => time(frame)?,
        };
        let until = match to {
            Moment::SinceStart(ns) => session.0.saturating_add(ns),
            Moment::Frame(frame) => {
                time(frame)?;
                time(frame + 1).map_or(session.1, |next| next - 1)
            }
        };
        if until < from {
            return Err(SpanError::Backwards);
        }
        if from > session.1 || until < session.0 {
            return Err(SpanError::Outside { seconds: (session.1 - session.0) as f64 / 1e9 });
        }
        Ok(Self { from: from.max(session.0), until: until.min(session.1) })
    }

    /// Whether a time lies in it.
    pub fn holds(&self, t: i64) -> bool {
        (self.from..=self.until).contains(&t)
    }

    /// The frames that are to be seen at any time in it: those taken in it, and the one that is still on the screen when it begins.
    pub fn shown(&self, frames: &[i64]) -> std::ops::Range<usize> {
        let first = frames.partition_point(|t| *t <= self.from).saturating_sub(1);
        let end = frames.partition_point(|t| *t <= self.until);
        first.min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_what_the_player_shows() {
        let ns = |text: &str| match Moment::parse(text) {
            Ok(Moment::SinceStart(ns)) => ns,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!((ns("0"), ns("12.5"), ns("90")), (0, 12_500_000_000, 90_000_000_000));
        assert_eq!((ns("2:03"), ns("1:02:03.250")), (123_000_000_000, 3_723_250_000_000));
        assert_eq!(Moment::parse("f123"), Ok(Moment::Frame(123)));
        for bad in ["", "f", "f-1", "-1", "1:60", "1:2:3:4", "1e3", "nan", "inf", "0:0.5:1", "99999999", "1..2", ":"] {
            assert!(Moment::parse(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn masks_grow_to_even_edges_and_end_at_the_picture() {
        let place = |text: &str, picture| Mask::parse(text).and_then(|mask| mask.place(picture));
        let info = |x, y, width, height| Ok(MaskInfo { x, y, width, height });
        assert_eq!(place("10,20,30,40", (320, 240)), info(10, 20, 30, 40));
        assert_eq!(place("11,21,3,3", (320, 240)), info(10, 20, 4, 4));
        assert_eq!(place("300,200,99999999,4294967295", (320, 240)), info(300, 200, 20, 40));
        assert_eq!(place("0.5,0,0.5,0.25", (320, 240)), info(160, 0, 160, 60));
        assert_eq!(place("0,0,5,5", (5, 5)), info(0, 0, 6, 6));
        assert!(place("320,0,1,1", (320, 240)).is_err());
        for bad in ["", "1,2,3", "1,2,3,4,5", "0,0,0,5", "-1,0,5,5", "1.5,0,0.5,0.5", "a,b,c,d", "0.1,0.1,0,0.1"] {
            assert!(Mask::parse(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn a_span_holds_what_is_to_be_seen_in_it() {
        let frames = [100, 200, 300, 400];
        let span = |from, to| Span::of(from, to, (50, 450), &frames);
        let since = Moment::SinceStart;
        assert_eq!(span(since(0), since(1_000)), Ok(Span { from: 50, until: 450 }));
        assert_eq!(span(Moment::Frame(1), Moment::Frame(2)), Ok(Span { from: 200, until: 399 }));
        assert_eq!(span(Moment::Frame(3), Moment::Frame(3)), Ok(Span { from: 400, until: 450 }));
        assert_eq!(span(since(10), since(5)), Err(SpanError::Backwards));
        assert!(matches!(span(Moment::Frame(4), Moment::Frame(4)), Err(SpanError::NoFrame { frame: 4, frames: 4 })));
        assert!(matches!(span(since(500), since(600)), Err(SpanError::Outside { .. })));
        let shown = |from, until| Span { from, until }.shown(&frames);
        assert_eq!(shown(200, 399), 1..3);
        assert_eq!(shown(250, 260), 1..2, "frame 1 is on the screen");
        assert_eq!(shown(50, 99), 0..0, "there is no picture yet");
        assert_eq!(shown(50, 100), 0..1);
        assert_eq!(shown(50, 450), 0..4);
    }
}
