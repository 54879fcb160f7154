//! The seam of inputs: [`InputSource`], and what it hands over.

use super::error::CaptureError;
use super::facet::FacetSet;
#[cfg(doc)]
use super::raw::RawInput;
use super::sink::{InputSink, StopFlag};
use crate::base::event::{Button, HidUsage, Layout};
use crate::base::pad::PadChange;
use crate::privacy::exclude::Reason;

/// What an input source says of itself once it is open; goes into the metadata.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InputDescription {
    /// The backend: `xi2`, `poll`, `synthetic`.
    pub backend: String,
    /// Names of the devices it listens to.
    pub devices: Vec<String>,
    /// Keyboard layout as the system names it (`us`, `de(nodeadkeys)`), where it tells.
    pub keyboard_layout: Option<String>,
    /// How moves of the pointer that no device made are seen, for a source that sees them: `record` (each of them),
    /// `poll` (where it is now and then).
    pub warps: Option<&'static str>,
    /// Period of polling in microseconds, for a source that polls.
    pub poll_us: Option<u64>,
    /// What it reports.
    pub facets: FacetSet,
}

/// What was held, and where the pointer was, when the source was opened.
#[derive(Clone, PartialEq, Default)]
pub struct InitialState {
    /// Keys that were down: usage and native code.
    pub keys: Vec<(Option<HidUsage>, u32)>,
    /// Buttons that were down.
    pub buttons: Vec<Button>,
    /// Pointer, desktop pixels.
    pub pointer: Option<(f64, f64)>,
    /// How the keyboard was laid out.
    pub layout: Layout,
    /// The gamepads that were there: that they are, and what of them was not at rest.
    pub pads: Vec<(u8, PadChange)>,
    /// What was typed then must not be known.
    pub secret: Option<Reason>,
}

/// A source of inputs. Opened and run in one thread, so it need not be `Send`.
pub trait InputSource {
    /// What it is; the same from start to end.
    fn describe(&self) -> InputDescription;

    /// What was held when it was opened.
    fn initial(&self) -> InitialState;

    /// Hands over every input until `stop` is set, then returns; within 300 ms of it.
    ///
    /// Order: what is sent is in the order in which it happened. The first thing sent is the active window
    /// ([`RawInput::Focus`]) where the source knows it.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the source is no more (server gone, permission revoked).
    fn run(self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError>;
}

/// Opens an input source in the thread that will run it.
pub type OpenInput = Box<dyn FnOnce() -> Result<Box<dyn InputSource>, CaptureError> + Send>;
