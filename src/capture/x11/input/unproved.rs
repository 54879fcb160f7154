//! Motions that were delivered without their motion, counted until they are reported.

use std::time::Duration;

use crate::base::time::MonoNs;

/// Motions without a proof are reported together for so long: they come by the hundred a second.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Motions whose meaning stays open, until they are reported.
#[derive(Default)]
pub(super) struct Unproved {
    /// Times of the first and of the last, and how many.
    open: Option<(MonoNs, MonoNs, u64)>,
    /// No more belong to these.
    closed: bool,
}

impl Unproved {
    pub(super) fn count(&mut self, t: MonoNs) {
        let (from, _, count) = self.open.unwrap_or((t, t, 0));
        self.open = Some((from, t, count + 1));
    }

    /// The motion is known again, or there is no more.
    pub(super) fn close(&mut self) {
        self.closed = self.open.is_some();
    }

    pub(super) fn take(&mut self, now: MonoNs) -> Option<(MonoNs, MonoNs, u64)> {
        let (from, ..) = self.open?;
        if !self.closed && now.since(from) < REPORT_EVERY {
            return None;
        }
        self.closed = false;
        self.open.take()
    }
}
