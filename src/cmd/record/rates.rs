//! Rates of the last second, and the status line that shows them.

use std::time::Duration;

use crate::base::shown;
use crate::cmd::text;
use crate::recorder::Status;

/// Rates of the last second.
#[derive(Default)]
pub(super) struct Rates {
    last: Option<(Duration, u64, u64)>,
    /// Frames per second.
    pub(super) fps: f64,
    /// Inputs per second.
    pub(super) events_per_s: f64,
}

impl Rates {
    /// Takes note of how the recording goes.
    pub(super) fn look(&mut self, status: &Status) {
        let (since, frames, events) = self.last.unwrap_or_default();
        let passed = status.elapsed.saturating_sub(since).as_secs_f64();
        if self.last.is_none() || passed >= 1.0 {
            if self.last.is_some() {
                self.fps = status.frames.saturating_sub(frames) as f64 / passed;
                self.events_per_s = status.events.saturating_sub(events) as f64 / passed;
            }
            self.last = Some((status.elapsed, status.frames, status.events));
        }
    }

    /// The status line.
    pub(super) fn describe(&self, status: &Status) -> String {
        let state = |status: &Status| {
            let said =
                [(status.paused, "paused"), (status.input_withdrawn, "no input"), (status.sound_withdrawn, "no sound")];
            let said: Vec<_> = said.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
            if said.is_empty() { String::new() } else { said.join(", ") + "  " }
        };
        let time_left = status.disk_time().map(shown::clock);
        format!(
            "{}{}  {:.1} fps  {} dropped  {:.0} events/s  {}/min  disk for {}",
            state(status),
            shown::clock(status.elapsed),
            self.fps,
            status.dropped,
            self.events_per_s,
            text::size(status.disk_rate * 60),
            time_left.as_deref().unwrap_or("?")
        )
    }
}
