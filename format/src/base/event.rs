//! The domain vocabulary: what can happen in a recording. No serde, no wire shapes, no platform types.
//!
//! Content that a person typed or read (keys, titles, marks) has a `Debug` that does not print it, so that no log line
//! and no error message can leak it.

use std::fmt;

use crate::base::id::FrameRef;
use crate::base::pad::PadChange;
use crate::base::time::MonoNs;

/// A key's USB HID usage id on the keyboard page (0x07): the physical key, the same on every system and layout.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HidUsage(pub u16);

impl fmt::Debug for HidUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HidUsage(..)")
    }
}

/// Text that came from the screen or the person (a title, a mark). Prints its length only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Content(pub String);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// A mouse button, named by what it does and not by a system's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Button {
    /// The primary button.
    Left,
    /// The secondary button.
    Right,
    /// The wheel pressed.
    Middle,
    /// The first extra button ("back").
    X1,
    /// The second extra button ("forward").
    X2,
}

impl Button {
    /// Every button, in the order of their wire numbers.
    pub const ALL: [Self; 5] = [Self::Left, Self::Right, Self::Middle, Self::X1, Self::X2];

    /// The name in `events.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Middle => "middle",
            Self::X1 => "x1",
            Self::X2 => "x2",
        }
    }
}

/// Which way a wheel turned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Axis {
    /// The usual wheel; up is positive.
    Vertical,
    /// A tilting wheel; right is positive.
    Horizontal,
}

/// Longest name of a source, bytes.
pub const MAX_SOURCE_NAME: usize = 22;

/// The name of a source that has no variant of its own: a word of letters, digits, `_`, `-` and `.`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName {
    bytes: [u8; MAX_SOURCE_NAME],
    len: u8,
}

impl SourceName {
    fn new(name: &str) -> Option<Self> {
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let mut bytes = [0; MAX_SOURCE_NAME];
        bytes.get_mut(..name.len()).filter(|part| is_word && !part.is_empty())?.copy_from_slice(name.as_bytes());
        Some(Self { bytes, len: name.len() as u8 })
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an input event was observed: the `source` key of its row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// XInput2 raw events.
    Xi2,
    /// Polling by `device_query`.
    Poll,
    /// Windows raw input.
    RawInput,
    /// The built-in synthetic desktop.
    Synthetic,
    /// Written by the recorder itself, to state what was held at an edge of the recording.
    Recorder,
    /// A backend that is known by its name alone ([`Source::named`]).
    Named(SourceName),
    /// The log does not say it any more.
    Unknown,
}

impl Source {
    /// The sources that every log knows, in the order of their numbers there. It does not grow: see [`Source::named`].
    pub const ALL: [Self; 5] = [Self::Xi2, Self::Poll, Self::RawInput, Self::Synthetic, Self::Recorder];

    /// Returns the source of a name: a new backend needs no variant here, and no new schema of the log. [`Source::Unknown`] when it
    /// is no name: 1 to [`MAX_SOURCE_NAME`] letters, digits, `_`, `-` and `.`.
    pub fn named(name: &str) -> Self {
        let known = Self::ALL.into_iter().find(|known| known.name() == name);
        known.or(SourceName::new(name).map(Self::Named)).unwrap_or(Self::Unknown)
    }

    /// Returns the name in `events.parquet`; empty when it is not known.
    pub fn name(&self) -> &str {
        match self {
            Self::Xi2 => "xi2",
            Self::Poll => "poll",
            Self::RawInput => "rawinput",
            Self::Synthetic => "synthetic",
            Self::Recorder => "recorder",
            Self::Named(name) => name.as_str(),
            Self::Unknown => "",
        }
    }
}

/// A stream of a recording: what consent is given for and what a gap is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stream {
    /// Pictures.
    Screen,
    /// Keys, buttons, wheels, motion, focus.
    Input,
    /// Sound.
    Audio,
    /// The log itself: records that were written and cannot be read back.
    Log,
    /// The clock: time that passed while the machine was suspended.
    Clock,
}

impl Stream {
    /// Every stream, in the order of their wire numbers.
    pub const ALL: [Self; 5] = [Self::Screen, Self::Input, Self::Audio, Self::Log, Self::Clock];

    /// The name in metadata and in rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Input => "input",
            Self::Audio => "audio",
            Self::Log => "log",
            Self::Clock => "clock",
        }
    }
}

/// The area of the desktop that is recorded.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Surface {
    /// Left edge on the desktop, pixels.
    pub x: i32,
    /// Top edge on the desktop, pixels.
    pub y: i32,
    /// Width in pixels, as the system reports it.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Device pixels per logical pixel; none where the system does not tell.
    pub scale: Option<f32>,
}

impl Surface {
    /// A desktop position relative to this surface: 0..1 inside, outside values kept.
    pub fn relative(&self, desktop: (f64, f64)) -> Position {
        Position {
            x: ((desktop.0 - f64::from(self.x)) / f64::from(self.width.max(1))) as f32,
            y: ((desktop.1 - f64::from(self.y)) / f64::from(self.height.max(1))) as f32,
        }
    }
}

/// A rectangle of a picture or of the desktop, pixels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Area {
    /// What of this lies inside `width` x `height` pixels from 0,0; `None` when nothing does.
    pub fn inside(self, (width, height): (u32, u32)) -> Option<Self> {
        self.and(Self { x: 0, y: 0, width, height })
    }

    /// What both have in common; `None` when they do not touch.
    pub fn and(self, other: Self) -> Option<Self> {
        let span = |a: i32, a_len: u32, b: i32, b_len: u32| {
            let start = i64::from(a.max(b));
            let end = (i64::from(a) + i64::from(a_len)).min(i64::from(b) + i64::from(b_len));
            (start < end).then(|| (start as i32, (end - start) as u32))
        };
        let (x, width) = span(self.x, self.width, other.x, other.width)?;
        let (y, height) = span(self.y, self.height, other.y, other.height)?;
        Some(Self { x, y, width, height })
    }

    /// What of this lies outside of `other`: up to four rectangles that do not overlap.
    pub fn without(self, other: Self) -> Vec<Self> {
        let Some(cut) = self.and(other) else { return vec![self] };
        let (right, bottom) = (self.x + self.width as i32, self.y + self.height as i32);
        let (cut_right, cut_bottom) = (cut.x + cut.width as i32, cut.y + cut.height as i32);
        [
            Self { height: (cut.y - self.y) as u32, ..self },
            Self { y: cut_bottom, height: (bottom - cut_bottom) as u32, ..self },
            Self { y: cut.y, height: cut.height, width: (cut.x - self.x) as u32, ..self },
            Self { x: cut_right, y: cut.y, width: (right - cut_right) as u32, height: cut.height },
        ]
        .into_iter()
        .filter(|part| part.width > 0 && part.height > 0)
        .collect()
    }
}

/// A pointer position relative to the captured surface: 0..1 inside it, never clamped.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Position {
    /// 0 at the left edge, 1 at the right edge.
    pub x: f32,
    /// 0 at the top edge, 1 at the bottom edge.
    pub y: f32,
}

/// A change of one key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The physical key; `None` when it has no such id or was redacted.
    pub usage: Option<HidUsage>,
    /// The system's own code (X11 keycode, Windows scan code); `None` when redacted or unknown.
    pub native: Option<u32>,
    /// Went down, else up.
    pub down: bool,
    /// The system's auto-repeat of a key that is already down.
    pub repeat: bool,
    /// The code was withheld.
    pub redacted: bool,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key {{ .. }}")
    }
}

/// How the keyboard is laid out: which characters its keys mean.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// The layouts that can be switched between, as the system names them (`us,de(nodeadkeys)`), where it tells.
    pub names: Option<String>,
    /// Which of them is in force, from 0, where the system tells.
    pub group: Option<u8>,
}

/// A time in microseconds that is not known, or is longer than can be said.
pub const UNKNOWN_US: u32 = u32::MAX;

/// A frame that is in the video.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Its index.
    pub frame_ref: FrameRef,
    /// Offset of its access unit in the video file, bytes.
    pub offset: u64,
    /// Length of its access unit, bytes.
    pub size_bytes: u32,
    /// CRC32C of its access unit.
    pub crc32c: u32,
    /// It is an IDR.
    pub keyframe: bool,
    /// The picture did not change since the frame before.
    pub duplicate: bool,
    /// By how much the picture can be older than its time, microseconds; [`UNKNOWN_US`] where nobody can tell.
    pub capture_us: u32,
    /// Time to convert and encode it, microseconds.
    pub encode_us: u32,
}

/// Something that happened, as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A key changed.
    Key(Key),
    /// The pointer or the mouse moved.
    MouseMove {
        /// Where the pointer is now; `None` when the source reports only motion.
        position: Option<Position>,
        /// Raw relative motion, device counts, `None` when the source has none.
        motion: Option<(f32, f32)>,
        /// No device made it: a program put the pointer there. It has no motion.
        warped: bool,
    },
    /// A button changed.
    MouseClick {
        /// Which.
        button: Button,
        /// Went down, else up.
        pressed: bool,
        /// Where the pointer was.
        position: Option<Position>,
    },
    /// A wheel turned.
    Wheel {
        /// Steps; up and right are positive.
        delta: f32,
        /// Which way it turns.
        axis: Axis,
        /// The delta is from a high-resolution wheel and may be a fraction of a step.
        hi_res: bool,
        /// Where the pointer was.
        position: Option<Position>,
    },
    /// A gamepad did something, or came or went.
    Pad {
        /// Which gamepad, from 0.
        pad: u8,
        /// What.
        change: PadChange,
    },
    /// Another window became the active one.
    Focus {
        /// The system's identifier of the window, empty when there is none.
        window_id: String,
        /// Its title.
        title: Content,
        /// The application's class or name.
        app: String,
        /// Its process, where the system tells.
        pid: Option<u32>,
    },
    /// The keyboard means other characters from here on.
    Layout(Layout),
    /// A frame was stored.
    Frame(Frame),
    /// Recording paused.
    Pause,
    /// Recording goes on.
    Resume,
    /// A mark set by the person.
    Mark {
        /// Its text.
        text: Content,
    },
    /// Something that should be here is not.
    Gap(Gap),
    /// The captured surface moved or changed its size.
    Window(Surface),
    /// A span was redacted.
    Redact {
        /// What was withheld: `pixels`, `keys`, `input`.
        what: String,
        /// Why, a word in `snake_case`.
        reason: String,
        /// Which pixels, of the picture; `None` for what is no pixels.
        area: Option<Area>,
        /// End of the span; it begins at the event's own time.
        until: MonoNs,
    },
}

/// Data that is missing, with its cause and its extent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// In which stream.
    pub stream: Stream,
    /// Why, as a word in `snake_case`: `late`, `encoder_busy`, `queue_full`, `suspended`, `source_gone`.
    pub reason: String,
    /// How many items (frames, input events) are missing; `None` when it cannot be known.
    pub lost: Option<u64>,
    /// End of the gap; it begins at the event's own time.
    pub until: MonoNs,
}

/// An event with its time and where it was observed.
#[derive(Clone, PartialEq, Debug)]
pub struct Stamped {
    /// When it happened.
    pub t: MonoNs,
    /// Where it was observed.
    pub source: Source,
    /// What happened.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_content() {
        let key = Key { usage: Some(HidUsage(0x04)), native: Some(38), down: true, repeat: false, redacted: false };
        let focus = Event::Focus {
            window_id: "0x1".into(),
            title: Content("my secret letter".into()),
            app: "xterm".into(),
            pid: None,
        };
        let text = format!("{key:?} {focus:?} {:?}", Event::Mark { text: Content("a secret mark".into()) });
        assert!(!text.contains("secret") && !text.contains("38") && !text.contains('4'), "{text}");
    }

    #[test]
    fn a_source_is_its_name() {
        for source in Source::ALL {
            assert_eq!(Source::named(source.name()), source);
        }
        let longest = "a".repeat(MAX_SOURCE_NAME);
        for name in ["evdev", "cg-event.2", &longest] {
            assert_eq!(Source::named(name).name(), name);
            assert_ne!(Source::named(name), Source::Unknown);
        }
        for none in ["", "two words", "ä", "\"", &format!("{longest}a")] {
            assert_eq!(Source::named(none), Source::Unknown, "{none}");
        }
    }

    #[test]
    fn what_is_left_of_an_area_and_what_is_cut_make_the_area() {
        let area = Area { x: -3, y: 2, width: 20, height: 10 };
        let size = |area: Area| u64::from(area.width) * u64::from(area.height);
        for (x, y, width, height) in [(0, 4, 5, 3), (-9, 0, 40, 40), (-3, 2, 20, 1), (16, 11, 9, 9), (50, 2, 4, 4)] {
            let other = Area { x, y, width, height };
            let rest = area.without(other);
            let cut = area.and(other).map_or(0, size);
            assert_eq!(rest.iter().copied().map(size).sum::<u64>() + cut, size(area), "{other:?}");
            assert!(rest.iter().all(|part| part.and(other).is_none() && part.and(area) == Some(*part)), "{rest:?}");
        }
        assert_eq!(area.inside((10, 5)), Some(Area { x: 0, y: 2, width: 10, height: 3 }));
    }

    #[test]
    fn positions_outside_the_surface_are_kept() {
        let surface = Surface { x: 100, y: 50, width: 200, height: 100, scale: None };
        let outside = surface.relative((50.0, 200.0));
        assert!((outside.x - -0.25).abs() < 1e-6 && (outside.y - 1.5).abs() < 1e-6);
    }
}
