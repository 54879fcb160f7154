//! The source's loop: waits, gathers, hands over, and looks after what no event tells.

use std::collections::BTreeSet;
use std::time::Duration;

use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::ConnectionExt as _;

use super::batch::MAX_BATCH;
use super::decode::keys_down;
use super::refused::{gone, refused};
use super::source::Xi2;
use crate::base::event::Source;
use crate::capture::{CaptureError, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag};

/// How long the connection is waited on at once: half of the 100 ms in which [`InputSource::run`] must obey `stop`.
const WAIT: Duration = Duration::from_millis(50);
/// While keys are held and nothing else happens, how often the server is asked whether they still are.
const CHECK_HELD: Duration = Duration::from_secs(1);
/// The wait for more is this much longer, so that the next event of a 1000 Hz mouse ends it and not a timer, which would
/// wake this thread once more. Measured in turns with the same build on two busy cores, per event at about 900 Hz: asking
/// every time 34 to 37 us of processor (three runs), gathering without the slack no different (32 to 51 us against
/// 34 to 39, four runs), with it 25 to 29 (three runs).
pub(super) const GATHER_SLACK: Duration = Duration::from_micros(1_500);
/// How often a server that does not say what its pointer did is asked where it is while nothing happens.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Xi2 {
    /// Once for each wait: what no event tells.
    fn idle(&mut self, sink: &InputSink) -> Result<(), ReplyError> {
        if !self.queue.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        self.tell_layout(now, sink);
        self.tell_unproved(now, sink);
        self.tell_skipped(true, sink);
        self.stale |= self.tap.is_none() && now.since(self.located) >= LOOK_EVERY;
        if self.focus.is_due(now) {
            self.drained = false;
            let told = self.focus.idle(&self.conn, now)?;
            self.tell_secret(now, sink);
            self.tell_focus(told, None, sink);
        }
        if self.held.is_empty() || now.since(self.held_checked) < CHECK_HELD {
            return Ok(());
        }
        self.held_checked = now;
        let down: BTreeSet<u32> = keys_down(&self.conn.query_keymap()?.reply()?.keys).collect();
        // Releases that were sent before the answer are in the queue now, and come from there.
        self.fill(MAX_BATCH)?;
        if self.queue.is_empty() {
            for (native, usage) in self.held.keep(&down) {
                let t = self.stamps.at(now);
                sink.send(t, Source::Xi2, RawInput::Key { usage, native, down: false, repeat: false });
            }
        }
        Ok(())
    }
}

impl InputSource for Xi2 {
    fn describe(&self) -> InputDescription {
        self.description.clone()
    }

    fn initial(&self) -> InitialState {
        self.initial.clone()
    }

    fn run(mut self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let told = self.first_focus.take();
        self.tell_focus(told, None, sink);
        while !stop.is_set() {
            if !self.drained && self.queue.len() < MAX_BATCH {
                self.fill(MAX_BATCH).map_err(gone)?;
            }
            if self.queue.is_empty() && !self.needs_pointer() {
                if self.unasked.is_some() {
                    self.ask(sink).map_err(refused)?;
                    continue;
                }
                self.wait(WAIT, true)?;
                self.idle(sink).map_err(refused)?;
                continue;
            }
            match self.gathering() {
                Some(rest) => self.wait(rest + GATHER_SLACK, false)?,
                None => self.batch(sink).map_err(refused)?,
            }
        }
        if !self.queue.is_empty() || self.needs_pointer() {
            self.batch(sink).map_err(refused)?;
        }
        self.ask(sink).map_err(refused)?;
        self.tell_skipped(true, sink);
        self.unproved.close();
        self.tell_unproved(self.clock.now(), sink);
        Ok(())
    }
}
