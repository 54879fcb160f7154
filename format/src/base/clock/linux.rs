//! The clocks of Linux.

use rustix::thread::Timespec;
use rustix::time::ClockId;

use super::reading;
use crate::base::time::{Anchor, Clock, MonoNs, SystemClock};

fn read(id: ClockId) -> i64 {
    let time = rustix::time::clock_gettime(id);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

impl Clock for SystemClock {
    fn now(&self) -> MonoNs {
        MonoNs(read(ClockId::Monotonic))
    }

    fn anchor(&self) -> Anchor {
        reading::anchor(|| read(ClockId::Monotonic), || (read(ClockId::Realtime), Some(read(ClockId::Boottime)), None))
    }

    fn sleep_until(&self, until: MonoNs) {
        let request =
            Timespec { tv_sec: until.0.div_euclid(1_000_000_000), tv_nsec: until.0.rem_euclid(1_000_000_000) };
        // Interrupted by a signal: sleep on to the same absolute deadline.
        while self.now() < until
            && rustix::thread::clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &request).is_err()
        {}
    }

    fn name(&self) -> &'static str {
        "CLOCK_MONOTONIC"
    }
}
