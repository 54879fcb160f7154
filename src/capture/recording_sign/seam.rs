//! The seam of signs: [`RecordingSign`], and how one is opened.

use std::sync::Arc;
use std::time::Duration;

use super::areas::SignAreas;
use super::place::Corner;
use crate::base::event::Area;
use crate::base::time::Clock;
use crate::capture::error::CaptureError;
use crate::capture::screen::ScreenDescription;

/// What [`CaptureError::Unavailable`] calls it.
pub const SIGN: &str = "a sign on the screen";

/// What it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SignState {
    /// The screen is recorded.
    #[default]
    Recording,
    /// Nothing is taken at the moment.
    Paused,
}

/// What is asked of a sign.
#[derive(Clone)]
pub struct SignPlan {
    /// The corner that the person wants; `None`: the usual one, or another one where that is outside of the picture.
    pub corner: Option<Corner>,
    /// Tells since when it is not seen any more.
    pub clock: Arc<dyn Clock>,
}

/// A sign that is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignDescription {
    /// By what: `x11`, `wayland-layer-shell`.
    pub by: &'static str,
    /// The monitor, as the display names it.
    pub monitor: String,
    /// In which of its corners.
    pub corner: Corner,
    /// Where it is on the desktop, in the display's own units.
    pub area: Area,
}

/// A sign that is shown until it is dropped. Its window goes with its connection, so also when the process is killed.
pub trait RecordingSign: Send {
    /// What it is.
    fn describe(&self) -> SignDescription;

    /// Shows this state, keeps the sign above other windows, and takes in what the display tells, for as long as `limit`.
    ///
    /// # Errors
    /// When it is not shown any more.
    fn tend(&mut self, state: SignState, limit: Duration) -> Result<(), CaptureError>;
}

/// Shows a sign beside a screen source that is open, and returns once it is there. Whatever of it may be in a picture is in the areas before it is
/// shown. May be called again when one was lost.
pub type OpenSign =
    Box<dyn FnMut(&ScreenDescription, &Arc<SignAreas>) -> Result<Box<dyn RecordingSign>, CaptureError> + Send>;

/// The sign of a recording, not yet shown.
pub struct WantedSign {
    /// Shows it.
    pub open: OpenSign,
    /// Without it nothing is recorded.
    pub required: bool,
}
