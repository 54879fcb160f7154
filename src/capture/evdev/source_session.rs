//! What becomes of inputs when the session is locked or left, and of the recording when the helper ends that lends its devices.

use super::gate::{Session, Turn};
use super::source::EvdevInput;
use crate::capture::{CaptureError, InputSink, RawInput};

impl EvdevInput {
    /// Looks whether the session is in front and open.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the helper that lends the devices has ended.
    pub(super) fn look_at_session(&mut self, sink: &InputSink) -> Result<(), CaptureError> {
        let session = match self.supply.session() {
            Ok(Some(session)) => session,
            Ok(None) => return Ok(()),
            Err(gone) => {
                self.lose_all(sink);
                return Err(gone);
            }
        };
        let now = self.clock.now();
        let taken = self.taken.min(now);
        // Before it opens, so that what they hold is told when it does.
        if session == Session::Open && self.gate.is_shut() {
            self.take_arrivals(now, sink);
        }
        // Before it shuts, so that what is held is released in what is recorded.
        if session == Session::Closed && !self.gate.is_shut() {
            let at = taken.max(self.told).min(now);
            for code in self.held.codes() {
                self.tell(code, false, false, at, sink);
            }
            self.release_pads(at, sink);
        }
        // What was not read when it shuts is not told: it is dropped, or went with the devices that were taken back.
        if let Turn::Opened(since) = self.gate.look(session, now, taken) {
            // No fault of anybody: it was not to be known.
            self.pass(since, sink, RawInput::Skipped { reason: "session_locked", count: 0, until: now });
            for code in self.held.codes() {
                self.tell(code, true, false, now, sink);
            }
            self.tell_pads(now, sink);
        }
        Ok(())
    }

    /// Nobody takes the devices back any more when the session is locked: gives them up, lets go of what they held, and says so.
    pub(super) fn lose_all(&mut self, sink: &InputSink) {
        let now = self.clock.now();
        self.tell_shut(sink);
        for code in self.held.codes() {
            self.tell(code, false, false, now, sink);
        }
        self.release_pads(now, sink);
        self.devices.clear();
        // Also while nothing is taken.
        self.pass(now, sink, RawInput::Lost { reason: "input_helper_gone", count: None, until: now });
    }

    /// While nothing is taken: tells since when, up to now. Once.
    pub(super) fn tell_shut(&mut self, sink: &InputSink) {
        if let Some(since) = self.gate.end() {
            self.pass(since, sink, RawInput::Skipped { reason: "session_locked", count: 0, until: self.clock.now() });
        }
    }
}
