//! What the dashboard shows of a recording, and the seam through which it gets it.

use crate::timeline::{Picture, Tone};

/// What a recording does at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Activity {
    /// It takes pictures and inputs.
    #[default]
    Recording,
    /// It takes pictures; inputs, or what keys mean, it does not keep.
    Withheld,
    /// It takes nothing.
    Paused,
    /// It was told to end.
    Ending,
}

/// A value with a name.
#[derive(Clone, PartialEq, Debug)]
pub struct Gauge {
    /// Its name.
    pub name: String,
    /// The value, in words.
    pub value: String,
    /// How full that is, 0 to 1, where it is drawn as a bar.
    pub share: Option<f32>,
    /// How it is meant.
    pub tone: Tone,
}

/// Values that belong together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The values.
    pub gauges: Vec<Gauge>,
}

/// Something that was recorded: what kind of thing and when, and nothing of what it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Happened {
    /// When, nanoseconds since the recording began.
    pub at_ns: u64,
    /// What kind of thing.
    pub kind: &'static str,
    /// How many of them in a row.
    pub count: u64,
}

/// What is shown of a recording.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Readings {
    /// Where it records into.
    pub title: String,
    /// What it does.
    pub activity: Activity,
    /// Why, where that has to be said.
    pub why: String,
    /// Since it began, nanoseconds.
    pub elapsed_ns: u64,
    /// The values.
    pub groups: Vec<Group>,
    /// What is missing, one cause a line.
    pub missing: Vec<Gauge>,
    /// What was recorded last, the latest first.
    pub events: Vec<Happened>,
}

/// What a person asks of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Pause, or go on.
    Pause,
    /// Set a mark.
    Mark,
    /// End.
    Stop,
}

/// Whose the terminal is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// This program's.
    Ours,
    /// Another program's: this one is in the background, where the system would stop it for touching the terminal.
    Others,
    /// Nobody's: it was closed.
    Gone,
}

/// The recording that is watched. Nothing here waits for long, and nothing that records waits for it.
pub trait Monitor: Send + Sync {
    /// Returns what is to be shown.
    fn readings(&self) -> Readings;

    /// Returns the picture that is recorded, in these bounds (pixels), and its number: when there is one with a larger number than `after`.
    fn picture(&self, after: u64, bounds: (u32, u32)) -> Option<(u64, Picture)>;

    /// Does what the person asks for, and says so.
    ///
    /// # Errors
    /// Why it is not done.
    fn order(&self, order: Order) -> Result<String, String>;

    /// Returns whose the terminal is.
    fn hold(&self) -> Hold;

    /// Returns whether there is nothing more to be shown.
    fn is_over(&self) -> bool;
}
