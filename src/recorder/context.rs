//! What every thread of a recording needs to know of it.

use std::sync::Arc;

use super::control::Control;
use super::seam::Seam;
use super::sign_board::SignBoard;
use super::status::Counters;
use super::stop::Stop;
use crate::base::time::Clock;

/// The parts of a running recording that its threads share.
#[derive(Clone)]
pub(super) struct Running {
    /// Stamps what the recorder itself does.
    pub(super) clock: Arc<dyn Clock>,
    /// Ends the recording.
    pub(super) stop: Stop,
    /// Pauses, marks and withdrawals.
    pub(super) control: Control,
    /// Where the next part begins, where the recording is split.
    pub(super) seam: Arc<Seam>,
    /// When the sign on the screen was not shown.
    pub(super) sign: Arc<SignBoard>,
    /// How the recording goes.
    pub(super) counters: Arc<Counters>,
}
