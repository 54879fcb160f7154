//! The clocks of Windows. Windows.Graphics.Capture, WASAPI and the media foundation stamp with the performance counter, counted from the start
//! of the machine. It goes on while the machine sleeps; the unbiased interrupt time does not.

#![expect(unsafe_code, reason = "the system's clocks are read by calls that write through a pointer")]

use std::sync::OnceLock;
use std::time::SystemTime;

use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTime;

use super::reading;
use crate::base::time::{Anchor, Clock, MonoNs, SystemClock};

/// Nanoseconds of one step of the unbiased interrupt time.
const INTERRUPT_NS: i64 = 100;

static FREQUENCY: OnceLock<i64> = OnceLock::new();

/// Steps of the counter a second: 10 million on every machine of the last years. It is fixed when the machine starts.
fn frequency() -> i64 {
    *FREQUENCY.get_or_init(|| {
        let mut frequency = 0;
        // SAFETY: the call writes one i64 to the place it is given, which is a live local.
        let is_known = unsafe { QueryPerformanceFrequency(&raw mut frequency) };
        if is_known == 0 || frequency <= 0 { 10_000_000 } else { frequency }
    })
}

fn counter() -> i64 {
    let mut steps = 0;
    // SAFETY: the call writes one i64 to the place it is given, which is a live local; since Windows XP it does not fail.
    unsafe { QueryPerformanceCounter(&raw mut steps) };
    nanoseconds(steps, frequency())
}

/// Steps of a counter in nanoseconds, without the product that would overflow after 15 minutes.
fn nanoseconds(steps: i64, frequency: i64) -> i64 {
    let (seconds, rest) = (steps / frequency, steps % frequency);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add((i128::from(rest) * 1_000_000_000 / i128::from(frequency)) as i64)
}

fn awake() -> Option<i64> {
    let mut time = 0;
    // SAFETY: the call writes one u64 to the place it is given, which is a live local.
    let is_known = unsafe { QueryUnbiasedInterruptTime(&raw mut time) };
    (is_known != 0).then(|| i64::try_from(time).unwrap_or(i64::MAX).saturating_mul(INTERRUPT_NS))
}

impl Clock for SystemClock {
    fn now(&self) -> MonoNs {
        MonoNs(counter())
    }

    #[expect(clippy::disallowed_methods, reason = "this file is where the clocks are read")]
    fn anchor(&self) -> Anchor {
        let utc = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
        };
        reading::anchor(counter, || (utc(), None, awake()))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps where no absolute sleep exists")]
    fn sleep_until(&self, until: MonoNs) {
        std::thread::sleep(until.since(self.now()));
    }

    fn name(&self) -> &'static str {
        "QueryPerformanceCounter"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_of_a_year_is_in_nanoseconds_to_the_step() {
        let year = 365 * 86_400;
        assert_eq!(nanoseconds(year * 10_000_000 + 7, 10_000_000), year * 1_000_000_000 + 700);
        assert_eq!(nanoseconds(3_579_545 + 1, 3_579_545), 1_000_000_279);
        assert!(SystemClock.now() > MonoNs(0) && SystemClock.now() <= SystemClock.now());
    }
}
