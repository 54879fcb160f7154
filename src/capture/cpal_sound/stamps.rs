//! Numbers and times of the blocks of a device: its clock compared with that of the recording, and what it left out counted.

use std::time::Duration;

use crate::base::time::MonoNs;

/// A device that gives nothing while nothing plays goes on where time is: what is farther from the block before is a hole.
const HOLE: Duration = Duration::from_millis(50);

/// The blocks of one stream.
#[derive(Debug)]
pub(super) struct Stamps {
    rate: u32,
    next: u64,
    /// When the last block ended.
    end: Option<MonoNs>,
}

impl Stamps {
    /// Begins with the sample that has this number.
    pub(super) fn new(rate: u32, next: u64) -> Self {
        Self { rate, next, end: None }
    }

    /// Returns when the last block ended.
    pub(super) fn end(&self) -> Option<MonoNs> {
        self.end
    }

    /// Places a block of so many samples (per channel) that was heard at `t`; returns the number of its first one.
    pub(super) fn place(&mut self, t: MonoNs, samples: u64) -> u64 {
        let rate = u128::from(self.rate.max(1));
        if let Some(hole) = self.end.map(|end| t.since(end)).filter(|hole| *hole > HOLE) {
            self.next += u64::try_from(hole.as_nanos() * rate / 1_000_000_000).unwrap_or(0);
        }
        let first = self.next;
        self.next += samples;
        let length = Duration::from_nanos(u64::try_from(u128::from(samples) * 1_000_000_000 / rate).unwrap_or(0));
        self.end = Some(t.plus(length));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_counted_and_jitter_is_none() {
        const MS: i64 = 1_000_000;
        let mut stamps = Stamps::new(48_000, 7);
        assert_eq!(stamps.place(MonoNs(0), 480), 7);
        assert_eq!(stamps.place(MonoNs(30 * MS), 480), 487, "20 ms late");
        assert_eq!(stamps.end(), Some(MonoNs(40 * MS)));
        assert_eq!(stamps.place(MonoNs(1040 * MS), 480), 967 + 48_000);
    }
}
