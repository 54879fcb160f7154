//! Inputs as sources see them, on their way to the recorder.

use crate::base::event::{Axis, Button, Content, HidUsage, Layout, Source};
use crate::base::pad::PadChange;
use crate::base::time::MonoNs;
use crate::privacy::exclude::Reason;

/// An input as a source sees it: positions are desktop pixels, not yet relative to the surface.
#[derive(Clone, PartialEq)]
pub enum RawInput {
    /// A key changed.
    Key {
        /// The physical key, when it has a HID usage.
        usage: Option<HidUsage>,
        /// The system's own code.
        native: u32,
        /// Went down, else up.
        down: bool,
        /// The source knows that this is auto-repeat. (The recorder finds repeats by itself as well.)
        repeat: bool,
    },
    /// The mouse moved.
    Motion {
        /// Where the pointer is, desktop pixels; `None` when unknown.
        position: Option<(f64, f64)>,
        /// Relative motion in device counts; `None` when the source has none.
        motion: Option<(f64, f64)>,
        /// No device made it: a program put the pointer there. It has no motion.
        warped: bool,
    },
    /// Where the pointer surely was at this time, by a source that tells places late and without a time; `None`: it is not known from here on.
    /// No input by itself.
    Proved {
        /// Desktop pixels.
        place: Option<(f64, f64)>,
    },
    /// A button changed.
    Button {
        /// Which.
        button: Button,
        /// Went down, else up.
        pressed: bool,
        /// Where the pointer was, desktop pixels.
        position: Option<(f64, f64)>,
    },
    /// A wheel turned.
    Wheel {
        /// Which way it turns.
        axis: Axis,
        /// Steps; up and right are positive.
        delta: f64,
        /// The delta may be a fraction of a step.
        hi_res: bool,
        /// Where the pointer was, desktop pixels.
        position: Option<(f64, f64)>,
    },
    /// A gamepad did something, or came or went.
    Pad {
        /// Which gamepad, from 0.
        pad: u8,
        /// What.
        change: PadChange,
    },
    /// Changes of a gamepad that the source knows it did not deliver. No key is missing for it.
    PadLost {
        /// Why, a word in `snake_case`.
        reason: &'static str,
        /// How many, when it can be known.
        count: Option<u64>,
        /// Until when.
        until: MonoNs,
    },
    /// Another window is the active one.
    Focus {
        /// Its identifier, empty when there is none.
        window_id: String,
        /// Its title.
        title: Content,
        /// Its application.
        app: String,
        /// Its process.
        pid: Option<u32>,
    },
    /// The keyboard is laid out another way.
    Layout(Layout),
    /// From here on, until it says otherwise, what is typed must not be known: why; `None`: it may be.
    Secret {
        /// Why.
        reason: Option<Reason>,
    },
    /// Motions that were delivered without their motion, since nothing proves what the device's numbers meant.
    Unproved {
        /// How many.
        count: u64,
        /// Time of the last of them.
        until: MonoNs,
    },
    /// States that came and went faster than the source could tell them; the one that stayed is told.
    Skipped {
        /// Of what, a word in `snake_case`.
        reason: &'static str,
        /// How many.
        count: u64,
        /// Time of the last of them.
        until: MonoNs,
    },
    /// Events that the source knows it did not deliver.
    Lost {
        /// Why, a word in `snake_case`.
        reason: &'static str,
        /// How many, when it can be known.
        count: Option<u64>,
        /// Until when.
        until: MonoNs,
    },
}

/// An input with its time.
#[derive(Clone, PartialEq)]
pub struct StampedInput {
    /// When it happened.
    pub t: MonoNs,
    /// Who saw it.
    pub source: Source,
    /// What it was.
    pub input: RawInput,
}
