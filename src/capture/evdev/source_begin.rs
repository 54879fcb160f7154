//! How recording begins: what devices and the compositor told between opening and the begin is of no recording.
//!
//! The screen is opened behind the inputs, and a desktop may ask a person first, for minutes: meanwhile the kernel keeps some keys of each keyboard
//! and lets the queue of a mouse run over. None of it is told; what is held at the begin is, and which window is active then.

use super::active::Turn as ActiveTurn;
use super::device::Read;
use super::source::{EvdevInput, LAST_WORD};
use crate::capture::{CaptureError, InputSink};

/// Reads of one device at the most: far more than a kernel keeps.
const MAX_READS: usize = 1024;

impl EvdevInput {
    /// Begins: leaves out what came before, and tells what holds now.
    ///
    /// # Errors
    /// When the compositor tells no more which window is active.
    pub(super) fn begin(&mut self, sink: &InputSink) -> Result<(), CaptureError> {
        let last = self.last_turn()?;
        // Nothing is later than what is read from here on, so what a device tells next is not earlier than what it held.
        let now = self.clock.now();
        if let Some(desk) = &mut self.desk {
            desk.began = now;
            let first = desk.first.take();
            match (last, first, &self.desk) {
                (Some(last), _, Some(desk)) => self.turn(desk, &ActiveTurn { at: now, ..last }, sink),
                (None, Some(first), _) => sink.send(now, self.source, first),
                _ => {}
            }
        }
        // Before what is held is told: it may be what is typed at a lock screen by now.
        self.look_at_session(sink)?;
        self.discard();
        (self.taken, self.told) = (now, now);
        let ids: Vec<_> = self.devices.values().map(|device| device.id).collect();
        for id in ids {
            if self.pads.contains_key(&id) {
                self.take_over_pad(id, now, sink);
            } else {
                self.take_over(id, now, sink);
            }
        }
        Ok(())
    }

    /// The window that became active last since the compositor was asked first; of those before it nothing is told.
    fn last_turn(&self) -> Result<Option<ActiveTurn>, CaptureError> {
        let Some(desk) = &self.desk else { return Ok(None) };
        let (asked, mut last) = (self.clock.now(), None);
        // What it told may fill the queue, and is old then.
        loop {
            let news = desk.watch.news();
            last = news.turns.into_iter().last().or(last);
            if let Some(gone) = news.gone {
                return Err(gone);
            }
            if news.known >= asked || self.clock.now().since(asked) >= LAST_WORD {
                return Ok(last);
            }
            self.clock.sleep_until(self.clock.now().plus(std::time::Duration::from_millis(2)));
        }
    }

    /// Reads all devices empty. One that is gone is noticed when it is read next.
    fn discard(&mut self) {
        for device in self.devices.values_mut() {
            for _ in 0..MAX_READS {
                match device.read() {
                    Read::Events(events) if !events.is_empty() => {}
                    _ => break,
                }
            }
            device.packets.reset();
        }
    }
}
