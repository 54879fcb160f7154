//! The seams: what a player needs to know of a recording ([`Timeline`]) and what a frame looks like ([`Pictures`]).
//!
//! Owns the vocabulary between the player and whatever it plays. Times are nanoseconds of the recording's own monotonic
//! clock, as stored (`t_ns`), never relative to its start. It does not say where the data is: a row group on disk, a log
//! in a database and a list in a test answer alike.
//!
//! A recording may have tens of millions of rows and must not be loaded for this: every method that may touch rows is
//! given a bound, and may answer with less than was asked for and say so. All of it may be damaged or hostile: the player
//! clamps times, cleans text, and shows an error where the data should have been. It may also grow while it is played.

use std::ops::Range;

use crate::filter::Filter;

/// What an event is about: a lane of the timeline, and the colour and filter of its row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// Keys going down and up.
    Key,
    /// The pointer or the mouse moving.
    Motion,
    /// Mouse buttons.
    Click,
    /// Wheels.
    Wheel,
    /// Buttons of gamepads, and gamepads coming and going.
    Pad,
    /// Sticks and triggers of gamepads moving.
    Stick,
    /// The active window changing.
    Focus,
    /// Stored frames.
    Frame,
    /// Data that is missing.
    Gap,
    /// Marks that the person set.
    Mark,
    /// Everything else: pause, resume, redaction, a moved window, kinds that this version does not know.
    System,
}

impl Lane {
    /// Every lane, in the order of [`Density::counts`].
    pub const ALL: [Self; 11] = [
        Self::Key,
        Self::Motion,
        Self::Click,
        Self::Wheel,
        Self::Pad,
        Self::Stick,
        Self::Focus,
        Self::Frame,
        Self::Gap,
        Self::Mark,
        Self::System,
    ];

    /// Its place in [`Lane::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A set of lanes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Lanes(u16);

impl Lanes {
    /// Every lane.
    pub const ALL: Self = Self((1 << Lane::ALL.len()) - 1);
    /// What a person did or should know: everything but motion, sticks and frames, which come hundreds of times a second.
    pub const NOTABLE: Self =
        Self(Self::ALL.0 & !(1 << Lane::Motion.index()) & !(1 << Lane::Stick.index()) & !(1 << Lane::Frame.index()));

    /// A set of one.
    pub const fn only(lane: Lane) -> Self {
        Self(1 << lane.index())
    }

    /// The same set with one more.
    #[must_use]
    pub const fn and(self, lane: Lane) -> Self {
        Self(self.0 | 1 << lane.index())
    }

    /// Whether a lane is in the set.
    pub const fn contains(self, lane: Lane) -> bool {
        self.0 & (1 << lane.index()) != 0
    }
}

/// What a fact of the side panel is about, in the order of the panel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// What was recorded and how.
    Recording,
    /// What the person agreed to.
    Consent,
    /// What was left out or covered.
    Privacy,
    /// Whether it is whole and as it was sealed.
    Integrity,
}

/// How a fact is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// It is just so.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Something is wrong.
    Bad,
}

/// A line of the side panel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// What it is about.
    pub section: Section,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// How it is meant.
    pub tone: Tone,
}

/// What is known of a recording as a whole. Read when the player starts, and again whenever [`Timeline::refresh`] says that
/// something has changed.
#[derive(Clone, Default)]
pub struct Summary {
    /// Its name, for the head line.
    pub title: String,
    /// Where it is, as the person would write it.
    pub path: String,
    /// Its state in a word or two: `sealed`, `recording`, `crashed`, `sealed, recovered`.
    pub state: String,
    /// It is being recorded right now: its end moves.
    pub live: bool,
    /// The first instant, nanoseconds of the monotonic clock.
    pub start_ns: i64,
    /// The last instant, nanoseconds of the monotonic clock. Not before `start_ns`.
    pub end_ns: i64,
    /// The wall clock at `start_ns`, nanoseconds since 1970-01-01 UTC, where it is known.
    pub start_utc_ns: Option<i64>,
    /// Width of the video, pixels; 0 when there is none.
    pub width: u32,
    /// Height of the video, pixels; 0 when there is none.
    pub height: u32,
    /// How many frames there are: 0-based indices below this are valid.
    pub frames: u64,
    /// Why there are no pictures although there is a video; `None` when nothing is the matter with it.
    pub no_pictures: Option<String>,
    /// Gamepads were recorded: they have a line of their own.
    pub pads: bool,
    /// What is played is not sealed: a verdict on it does not count for the session that is made of it.
    pub provisional: bool,
    /// How far the wall clock ran from the monotonic clock, parts per million; `None` when it was not measured.
    pub drift_ppm: Option<f64>,
    /// The lines of the side panel, in the order to show them within their section.
    pub facts: Vec<Fact>,
}

/// What is known of a frame without decoding it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameInfo {
    /// When it was captured, nanoseconds of the monotonic clock.
    pub t_ns: i64,
    /// It can be decoded by itself.
    pub keyframe: bool,
    /// Its picture is the one before it: the screen had not changed.
    pub duplicate: bool,
}

/// One event, as a line of the event table.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// When it happened, nanoseconds of the monotonic clock.
    pub t_ns: i64,
    /// What it is about.
    pub lane: Lane,
    /// Its kind as stored: `key_down`, `mouse_click`.
    pub kind: String,
    /// What happened in a few words: `KeyW`, `left pressed`, a title.
    pub text: String,
    /// The last frame at or before it, when there is one.
    pub frame_ref: Option<u64>,
}

/// Rows around an instant, and the span for which they are all there are.
#[derive(Clone, Default)]
pub struct Rows {
    /// In order of time, then arrival.
    pub rows: Vec<Row>,
    /// Every row of the asked lanes with `from_ns <= t_ns <= until_ns` is in `rows`. The span holds the instant that was
    /// asked for. The start of the session (or anything before it) when nothing is left before.
    pub from_ns: i64,
    /// The last instant for which `rows` is complete; the end of the session (or later) when nothing is left after.
    pub until_ns: i64,
}

/// A key that is down.
#[derive(Clone, PartialEq, Eq)]
pub enum HeldKey {
    /// By its W3C code: `KeyW`, `ShiftLeft`.
    Code(String),
    /// Its code was withheld.
    Redacted,
}

/// A mouse button.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Button {
    /// The primary button.
    Left,
    /// The wheel pressed.
    Middle,
    /// The secondary button.
    Right,
    /// The first extra button.
    X1,
    /// The second extra button.
    X2,
}

/// A gamepad: what is down and where its sticks and triggers are.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct PadState {
    /// Its number, from 0.
    pub number: u8,
    /// Bit *n* is button *n* of the W3C's standard mapping.
    pub buttons: u32,
    /// Where the sticks are, −1 to 1, right and down positive: left, right.
    pub sticks: [(f32, f32); 2],
    /// How far the triggers are pressed, 0 to 1: left, right.
    pub triggers: [f32; 2],
}

/// What is held, where the pointer is and which window is active at an instant.
#[derive(Clone, PartialEq, Default)]
pub struct InputState {
    /// Keys that are down, in the order in which they went down.
    pub keys: Vec<HeldKey>,
    /// Buttons that are down.
    pub buttons: Vec<Button>,
    /// Gamepads that are there, in the order of their numbers.
    pub pads: Vec<PadState>,
    /// Where the pointer is, 0–1 inside the picture, values outside mean outside of it; `None` when unknown.
    pub pointer: Option<(f32, f32)>,
    /// The title of the active window, empty when there is none.
    pub window: String,
    /// Recording is paused at this instant.
    pub paused: bool,
    /// What is the matter at this instant, ready to be read: `gap: screen, encoder_busy`, `paused`. Empty when all is well.
    pub notes: Vec<String>,
}

/// How many events there are per bucket of time and lane.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Density {
    /// One entry per bucket, counts in the order of [`Lane::ALL`]. Missing buckets count as empty.
    pub counts: Vec<[u32; Lane::ALL.len()]>,
    /// How many of the frames of each bucket repeat the one before. Missing buckets count as none.
    pub duplicates: Vec<u32>,
    /// False while counting goes on elsewhere: the player asks again later.
    pub complete: bool,
}

/// What is the matter with a span of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SpanKind {
    /// Recording was paused.
    Paused,
    /// Pictures or keys were covered.
    Redacted,
    /// Inputs or other data are missing.
    Gap,
    /// Pictures are missing.
    Dropped,
}

/// A span of time with which something is the matter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// What.
    pub kind: SpanKind,
    /// Its first instant, nanoseconds of the monotonic clock.
    pub from_ns: i64,
    /// Its last instant, nanoseconds of the monotonic clock.
    pub until_ns: i64,
}

/// The spans of a range.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Spans {
    /// In order of their first instant. They may overlap.
    pub spans: Vec<Span>,
    /// False while reading goes on elsewhere: the player asks again later.
    pub complete: bool,
}

/// How loud a part of a recording is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Level {
    /// There is no sound, or it is not known yet.
    #[default]
    Unknown,
    /// Sound is missing there.
    Missing,
    /// The largest sample, of 32,768.
    Peak(u16),
}

/// How loud the parts of a span are.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Levels {
    /// One for each part.
    pub parts: Vec<Level>,
    /// False while reading goes on elsewhere: the player asks again later.
    pub complete: bool,
}

/// A part of the picture that was covered before it was stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Mask {
    /// Left edge, 0–1 of the picture's width.
    pub x: f32,
    /// Upper edge, 0–1 of the picture's height.
    pub y: f32,
    /// Width, 0–1 of the picture's width.
    pub width: f32,
    /// Height, 0–1 of the picture's height.
    pub height: f32,
    /// Since when it is there, nanoseconds of the monotonic clock.
    pub from_ns: i64,
    /// Until when it is there.
    pub until_ns: i64,
    /// Why, in a word or two: `chat`, `password manager`.
    pub reason: String,
}

/// A press of a mouse button.
#[derive(Clone, PartialEq, Debug)]
pub struct Click {
    /// When it went down, nanoseconds of the monotonic clock.
    pub t_ns: i64,
    /// Which.
    pub button: Button,
    /// From the left, 0–1 inside the picture.
    pub x: f32,
    /// From the top, 0–1 inside the picture.
    pub y: f32,
}

/// What is drawn over a picture, beside the pointer.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Overlay {
    /// What is covered at the instant.
    pub masks: Vec<Mask>,
    /// Presses shortly before the instant, oldest first.
    pub clicks: Vec<Click>,
}

/// What a search came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// A row matches at this instant, nanoseconds of the monotonic clock, and none between here and where it began.
    At(i64),
    /// No row matches up to and with this instant, and there is more to look at: ask again from here. Strictly further than
    /// where the search began.
    UpTo(i64),
    /// No row matches.
    Nothing,
}

/// Which way to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To earlier times.
    Back,
    /// To later times.
    Forward,
}

/// A recording as a player sees it.
///
/// Called from the thread that draws, at every move of the cursor (60 times a second while playing): an answer should
/// take milliseconds, so keep the last row group that was read and count densities elsewhere. The frame index is asked
/// without an error because a few bytes per frame are expected to be in memory (8 h at 60 fps: 1.7 million frames).
///
/// Errors are sentences for a person; the player shows them and goes on.
pub trait Timeline {
    /// Takes in what has been recorded since the last call. The answer is another number than before when anything here
    /// has changed, and the player then asks again for what it shows. Called at every tick: it costs next to nothing. A sealed
    /// session answers with the same number for ever.
    fn refresh(&self) -> u64;

    /// What is known of the recording as a whole.
    fn summary(&self) -> Summary;

    /// Which part of a recording that was split an instant is in, from 1, and of how many that are played; `None` of a recording in one piece.
    fn part_at(&self, t_ns: i64) -> Option<(u64, u64)> {
        let _ = t_ns;
        None
    }

    /// The last frame at or before an instant, `None` before the first.
    fn frame_at(&self, t_ns: i64) -> Option<u64>;

    /// When a frame was captured and what kind it is, `None` when there is no such frame.
    fn frame(&self, index: u64) -> Option<FrameInfo>;

    /// About `before` rows at or before an instant and about `after` rows after it that match a filter. May answer with
    /// fewer when finding more would take too long, and narrows the span of the answer then.
    ///
    /// # Errors
    /// The rows cannot be read.
    fn rows(&self, t_ns: i64, before: usize, after: usize, filter: &Filter) -> Result<Rows, String>;

    /// The nearest row strictly before or after an instant that matches a filter. Looks at no more than takes about 20 ms
    /// (a row group), and says how far it came: the player asks again from there, so that it never stands still.
    ///
    /// # Errors
    /// The rows cannot be read.
    fn nearest(&self, t_ns: i64, direction: Direction, filter: &Filter) -> Result<Found, String>;

    /// What is held, and what is the matter, at an instant (all rows at or before it applied).
    ///
    /// # Errors
    /// The rows cannot be read.
    fn state_at(&self, t_ns: i64) -> Result<InputState, String>;

    /// Masks that cover the picture at an instant, and presses in `since_ns < t <= t_ns` (a second or less): the last 16.
    ///
    /// # Errors
    /// The rows cannot be read.
    fn overlay(&self, since_ns: i64, t_ns: i64) -> Result<Overlay, String>;

    /// Event counts between two instants, in `buckets` (never 0, at most a terminal's width) equal parts. The last instant
    /// belongs to the last bucket.
    ///
    /// # Errors
    /// The rows cannot be read.
    fn density(&self, from_ns: i64, until_ns: i64, buckets: usize) -> Result<Density, String>;

    /// Spans that touch a range and with which something is the matter, about `at_most` of each kind: where there are more,
    /// neighbours of one kind are joined, so that none is lost.
    ///
    /// # Errors
    /// The rows cannot be read.
    fn spans(&self, from_ns: i64, until_ns: i64, at_most: usize) -> Result<Spans, String>;

    /// How loud it is between two instants, in `parts` (at most a terminal's width; 0 only asks whether there is any) equal parts. `None` of a
    /// recording without sound.
    fn levels(&self, from_ns: i64, until_ns: i64, parts: usize) -> Option<Levels> {
        let _ = (from_ns, until_ns, parts);
        None
    }
}

/// A decoded picture: rows from the top, 3 bytes (red, green, blue) per pixel, no padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// `width × height × 3` bytes.
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}×{})", self.width, self.height)
    }
}

/// What plays the sound of a recording, through the system. Every call returns at once: what it takes happens elsewhere.
pub trait Sound: Send {
    /// The recording stands at this instant now, and goes on in real time: its sound is heard from there on, in step. Told at every tick, so that a jump is heard
    /// as one.
    fn play(&mut self, at_ns: i64);

    /// Nothing is heard.
    fn stop(&mut self);

    /// Why nothing is heard, a sentence for a person; once. It then plays nothing until it is stopped and told to play again.
    fn trouble(&mut self) -> Option<String>;
}

/// What frames look like. Lives in the player's worker thread, which is the only one to call it.
pub trait Pictures: Send {
    /// Decodes a frame. Requests come in any order, mostly forward; frames in between are skipped. The player shows the
    /// picture in `within` (width, height, pixels): it may be handed over scaled down to fit there, or larger, whichever is
    /// less work.
    ///
    /// # Errors
    /// A sentence for a person: why the frame cannot be shown. The player shows it and goes on.
    fn picture(&mut self, frame: u64, within: (u32, u32)) -> Result<Picture, String>;

    /// Decodes at most `decodes` frames on the way to one, so that the player can look in between whether it is still wanted.
    /// Answers with how many are left; 0 when its picture costs no more than scaling, or nothing is known of that.
    ///
    /// # Errors
    /// As [`Self::picture`], which says it again.
    fn approach(&mut self, frame: u64, decodes: u64) -> Result<u64, String> {
        let (_, _) = (frame, decodes);
        Ok(0)
    }

    /// The frames that are decoded together: from the keyframe at or before a frame to the one before the next keyframe.
    /// Holds `frame` and is at least that one; within it, a frame right after the one decoded last costs one decode.
    fn group(&mut self, frame: u64) -> Range<u64>;
}

/// What a person thinks of a recording or of a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Fit for use.
    Accept,
    /// Not to be used.
    Reject,
    /// Somebody else should look.
    Look,
}

impl Verdict {
    /// Its word in files and on the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Look => "look",
        }
    }
}

/// What a reviewer said: a mark at an instant, or a verdict on a span or on everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// The first instant that it is about, nanoseconds of the monotonic clock.
    pub from_ns: i64,
    /// The last instant that it is about; the first again when it is about an instant.
    pub until_ns: i64,
    /// The verdict; `None` for a mark.
    pub verdict: Option<Verdict>,
    /// What else there is to say. May be empty.
    pub note: String,
}

/// Where remarks are kept. Lives in a thread of the player's, which is the only one to call it.
pub trait Review: Send {
    /// Every remark so far, in the order in which they were made.
    ///
    /// # Errors
    /// A sentence for a person: why they cannot be read.
    fn list(&mut self) -> Result<Vec<Remark>, String>;

    /// Keeps one more. It is safe (on the disk) when this returns.
    ///
    /// # Errors
    /// A sentence for a person: why it is not kept.
    fn append(&mut self, remark: &Remark) -> Result<(), String>;

    /// Takes back a verdict that was kept: from then on the one before it counts. It is safe when this returns.
    ///
    /// # Errors
    /// A sentence for a person: why it still counts.
    fn undo(&mut self, remark: &Remark) -> Result<(), String>;
}

/// What can be taken out of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Export {
    /// The picture of a frame as a PNG file.
    Frame(u64),
    /// A span as a video with its events and subtitles.
    Excerpt {
        /// Its first instant, nanoseconds of the monotonic clock.
        from_ns: i64,
        /// Its last instant.
        until_ns: i64,
    },
}

/// What takes things out of a recording. Lives in a thread of the player's, which is the only one to call it.
pub trait Exports: Send {
    /// Does it, telling now and then how far it has come (done, whole; any unit). Stops early, leaving nothing behind, when
    /// it is told `false`. Answers with what was written where, in a sentence for a person.
    ///
    /// # Errors
    /// A sentence for a person: why it could not be done.
    fn export(&mut self, export: Export, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<String, String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_numbered_in_their_order_and_notable_leaves_out_what_floods() {
        for (i, lane) in Lane::ALL.into_iter().enumerate() {
            assert_eq!(lane.index(), i);
            assert!(Lanes::ALL.contains(lane));
            let floods = matches!(lane, Lane::Motion | Lane::Stick | Lane::Frame);
            assert_eq!(Lanes::NOTABLE.contains(lane), !floods, "{lane:?}");
            assert!(Lane::ALL.into_iter().all(|other| Lanes::only(lane).contains(other) == (other == lane)));
        }
    }
}
