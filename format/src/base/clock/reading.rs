//! Reads several clocks as one moment.

use crate::base::time::{Anchor, MonoNs, UtcNs};

/// How often the clocks are read for one anchor; the narrowest stands.
const TRIES: u32 = 3;

/// Reads the other clocks between two readings of the monotonic one, so that being scheduled away in the middle does not look like a jump of
/// the wall clock. `others` returns the wall clock, the clock that goes on in sleep and the one that stands still in it, nanoseconds.
pub(super) fn anchor(mono: impl Fn() -> i64, others: impl Fn() -> (i64, Option<i64>, Option<i64>)) -> Anchor {
    let mut best: Option<(i64, Anchor)> = None;
    for _ in 0..TRIES {
        let before = mono();
        let (utc, boot_ns, awake_ns) = others();
        let width = mono() - before;
        if best.as_ref().is_none_or(|(narrowest, _)| width < *narrowest) {
            let mono = MonoNs(before + width / 2);
            best = Some((width, Anchor { mono, utc: UtcNs(utc), boot_ns, awake_ns }));
        }
    }
    best.map_or(Anchor { mono: MonoNs(0), utc: UtcNs(0), boot_ns: None, awake_ns: None }, |(_, anchor)| anchor)
}
