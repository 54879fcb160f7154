//! The clocks of systems that no backend was made for: counted from the first reading.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use super::reading;
use crate::base::time::{Anchor, Clock, MonoNs, SystemClock};

static ORIGIN: OnceLock<Instant> = OnceLock::new();

#[expect(clippy::disallowed_methods, reason = "this file is where the clocks are read")]
fn elapsed() -> i64 {
    let origin = *ORIGIN.get_or_init(Instant::now);
    i64::try_from(origin.elapsed().as_nanos()).unwrap_or(i64::MAX)
}

impl Clock for SystemClock {
    fn now(&self) -> MonoNs {
        MonoNs(elapsed())
    }

    #[expect(clippy::disallowed_methods, reason = "this file is where the clocks are read")]
    fn anchor(&self) -> Anchor {
        let utc = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
        };
        reading::anchor(elapsed, || (utc(), None, None))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps where no absolute sleep exists")]
    fn sleep_until(&self, until: MonoNs) {
        std::thread::sleep(until.since(self.now()));
    }

    fn name(&self) -> &'static str {
        "monotonic, from the start of the process"
    }
}
