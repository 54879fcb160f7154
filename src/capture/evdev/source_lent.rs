//! What becomes of a recording when the helper ends that lends its devices.

use super::source::EvdevInput;
use crate::capture::{InputSink, RawInput};

impl EvdevInput {
    /// Nobody takes the devices back any more when the session is locked: gives them up, lets go of what they held, and says so.
    pub(super) fn lose_all(&mut self, sink: &InputSink) {
        let now = self.clock.now();
        for code in self.held.codes() {
            self.tell(code, false, false, now, sink);
        }
        self.release_pads(now, sink);
        self.devices.clear();
        self.send(now, sink, RawInput::Lost { reason: "input_helper_gone", count: None, until: now });
    }
}
