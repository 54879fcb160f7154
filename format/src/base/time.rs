//! Time: two clocks with two types, and the seam behind which both can be made by hand.
//!
//! [`MonoNs`] orders everything; [`UtcNs`] only anchors a recording to the calendar. Clocks of the
//! system are read in [`super::clock`] alone.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Nanoseconds of the monotonic clock, which is the one that the system's media and input stamp with ([`super::clock`]): orders events, never goes back, is no date.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MonoNs(pub i64);

impl MonoNs {
    /// This time moved by a duration.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// The time that has passed since an earlier one, zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Nanoseconds of the wall clock since 1970-01-01 UTC. May jump; never used to order anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UtcNs(pub i64);

impl UtcNs {
    /// RFC 3339 with nanoseconds, in UTC.
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(stamp) => format!("{stamp:.9}"),
            Err(_) => fmt::format(format_args!("{} ns", self.0)),
        }
    }
}

/// The clocks of the machine read at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// The monotonic clock.
    pub mono: MonoNs,
    /// The wall clock at that moment.
    pub utc: UtcNs,
    /// The clock that goes on while the machine is suspended, where the system has one (`CLOCK_BOOTTIME`).
    pub boot_ns: Option<i64>,
    /// The clock that stands still while the machine is suspended, where the monotonic one goes on. Not kept in logs.
    pub awake_ns: Option<i64>,
}

/// A wall or boot clock that went this much astray of the monotonic one between two readings was set, or the machine slept: a
/// tenth of a second, which no two readings are apart, and a thousandth of the time between them, twice as fast as any
/// clock is slewed (500 ppm).
const ASTRAY_NS: i64 = 100_000_000;

impl Anchor {
    /// How far the wall clock was set between `earlier` and this reading, nanoseconds forward; `None` when it was not. Time
    /// that the machine slept is no jump.
    pub fn wall_jump_ns(&self, earlier: &Self) -> Option<i64> {
        let passed = match (self.boot_ns, earlier.boot_ns) {
            (Some(boot), Some(before)) => boot - before,
            _ => self.mono.0 - earlier.mono.0,
        };
        self.astray(earlier, (self.utc.0 - earlier.utc.0) - passed)
    }

    /// How long the machine slept between `earlier` and this reading, nanoseconds; `None` when it did not.
    pub fn asleep_ns(&self, earlier: &Self) -> Option<i64> {
        let mono = self.mono.0 - earlier.mono.0;
        let asleep = match (self.boot_ns.zip(earlier.boot_ns), self.awake_ns.zip(earlier.awake_ns)) {
            (Some((boot, before)), _) => boot - before - mono,
            (None, Some((awake, before))) => mono - (awake - before),
            (None, None) => return None,
        };
        self.astray(earlier, asleep)
    }

    fn astray(&self, earlier: &Self, by: i64) -> Option<i64> {
        (by.abs() >= ASTRAY_NS + (self.mono.0 - earlier.mono.0).abs() / 1000).then_some(by)
    }
}

/// A source of time. [`SystemClock`] is the machine's; [`ManualClock`] is moved by its user.
pub trait Clock: Send + Sync {
    /// The monotonic clock, now.
    fn now(&self) -> MonoNs;
    /// All clocks of the machine, read as close together as can be.
    fn anchor(&self) -> Anchor;
    /// Waits until the monotonic clock has reached `until`; returns at once when it has.
    fn sleep_until(&self, until: MonoNs);
    /// What the monotonic clock is called, for the metadata.
    fn name(&self) -> &'static str;
}

/// The machine's clocks ([`super::clock`] reads them).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// A clock that stands still until it is moved; sleeping moves it. For tests and for recordings made faster than life.
#[derive(Debug)]
pub struct ManualClock {
    mono: AtomicI64,
    utc_offset: AtomicI64,
    asleep: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `mono`, with the wall clock at `utc` at that moment.
    pub fn new(mono: MonoNs, utc: UtcNs) -> Self {
        Self { mono: AtomicI64::new(mono.0), utc_offset: AtomicI64::new(utc.0 - mono.0), asleep: AtomicI64::new(0) }
    }

    /// Somebody sets the wall clock.
    pub fn set_wall_clock(&self, forward_ns: i64) {
        self.utc_offset.fetch_add(forward_ns, Ordering::SeqCst);
    }

    /// The machine is suspended for a while: the monotonic clock stands, the others go on.
    pub fn suspend(&self, asleep: Duration) {
        let ns = i64::try_from(asleep.as_nanos()).unwrap_or(i64::MAX);
        self.asleep.fetch_add(ns, Ordering::SeqCst);
        self.set_wall_clock(ns);
    }

    /// Moves the clock to `to`, never back.
    pub fn advance_to(&self, to: MonoNs) {
        self.mono.fetch_max(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> MonoNs {
        MonoNs(self.mono.load(Ordering::SeqCst))
    }

    fn anchor(&self) -> Anchor {
        let mono = self.now();
        let utc = UtcNs(mono.0 + self.utc_offset.load(Ordering::SeqCst));
        Anchor { mono, utc, boot_ns: Some(mono.0 + self.asleep.load(Ordering::SeqCst)), awake_ns: None }
    }

    fn sleep_until(&self, until: MonoNs) {
        self.advance_to(until);
    }

    fn name(&self) -> &'static str {
        "manual"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_clock_sleeps_to_the_deadline_and_orders() {
        let clock = SystemClock;
        let start = clock.now();
        let until = start.plus(Duration::from_millis(5));
        clock.sleep_until(until);
        assert!(clock.now() >= until);
        clock.sleep_until(start);
        let anchor = clock.anchor();
        assert!(anchor.mono >= until);
        assert!(anchor.utc.0 > 1_700_000_000_000_000_000, "the wall clock of this machine is before 2023");
    }

    #[test]
    fn manual_clock_never_goes_back() {
        let clock = ManualClock::new(MonoNs(10), UtcNs(1_000));
        clock.sleep_until(MonoNs(50));
        clock.advance_to(MonoNs(20));
        assert_eq!(clock.now(), MonoNs(50));
        assert_eq!(clock.anchor().utc, UtcNs(1_040));
    }

    #[test]
    fn jumps_and_sleep_are_told_apart_and_slewing_is_neither() {
        let clock = ManualClock::new(MonoNs(0), UtcNs(1_000));
        let start = clock.anchor();
        clock.advance_to(MonoNs(10_000_000_000));
        clock.set_wall_clock(5_000_000);
        let slewed = clock.anchor();
        assert_eq!((slewed.wall_jump_ns(&start), slewed.asleep_ns(&start)), (None, None), "500 ppm for 10 s");
        clock.suspend(Duration::from_secs(3));
        let slept = clock.anchor();
        assert_eq!((slept.wall_jump_ns(&slewed), slept.asleep_ns(&slewed)), (None, Some(3_000_000_000)));
        clock.set_wall_clock(-3_600_000_000_000);
        let set = clock.anchor();
        assert_eq!((set.wall_jump_ns(&slept), set.asleep_ns(&slept)), (Some(-3_600_000_000_000), None));
        let blind = |anchor: Anchor| Anchor { boot_ns: None, ..anchor };
        assert_eq!(blind(set).wall_jump_ns(&blind(slept)), Some(-3_600_000_000_000));
        // Where the monotonic clock goes on in sleep and another one stands still.
        let at = |mono: i64, awake| Anchor { mono: MonoNs(mono), utc: UtcNs(mono + 7), boot_ns: None, awake_ns: awake };
        let (before, after) = (at(0, Some(500)), at(5_000_000_000, Some(2_000_000_500)));
        assert_eq!((after.wall_jump_ns(&before), after.asleep_ns(&before)), (None, Some(3_000_000_000)));
        assert_eq!(at(5_000_000_000, None).asleep_ns(&before), None, "it cannot be known");
    }

    #[test]
    fn utc_prints_as_rfc3339() {
        assert_eq!(UtcNs(1_700_000_000_123_456_789).to_rfc3339(), "2023-11-14T22:13:20.123456789Z");
    }
}
