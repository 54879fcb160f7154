//! The clocks of macOS. Core Media's host time and the stamps of Quartz events are `mach_absolute_time`, which is `CLOCK_UPTIME_RAW` in
//! nanoseconds; `CLOCK_MONOTONIC` is neither, and goes on while the machine sleeps.

use nix::time::{ClockId, clock_gettime};

use super::reading;
use crate::base::time::{Anchor, Clock, MonoNs, SystemClock};

/// `CLOCK_UPTIME_RAW` of `<time.h>`.
const UPTIME_RAW: ClockId = ClockId::from_raw(8);

/// A clock that every macOS of the last ten years has cannot fail to be read.
fn read(id: ClockId) -> i64 {
    clock_gettime(id).map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

impl Clock for SystemClock {
    fn now(&self) -> MonoNs {
        MonoNs(read(UPTIME_RAW))
    }

    fn anchor(&self) -> Anchor {
        reading::anchor(
            || read(UPTIME_RAW),
            || (read(ClockId::CLOCK_REALTIME), Some(read(ClockId::CLOCK_MONOTONIC)), None),
        )
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps where no absolute sleep exists")]
    fn sleep_until(&self, until: MonoNs) {
        std::thread::sleep(until.since(self.now()));
    }

    fn name(&self) -> &'static str {
        "CLOCK_UPTIME_RAW"
    }
}
