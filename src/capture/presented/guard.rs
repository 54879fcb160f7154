//! Holds the compositor's stamps to what is possible.
//!
//! Invariant: a frame is never stamped before what it shows, nor in the future. A stamp on another clock (some count from the start of a
//! stream) is noticed by its distance, and the arrival taken instead.

use crate::base::time::MonoNs;

/// A stamp that is older than this when it arrives is none of our clock.
const OLDEST_NS: i64 = 1_000_000_000;

/// Returns the time of a frame: the compositor's stamp where that can be, else the arrival; after the frame before.
pub(in crate::capture) fn time_of(stamp: i64, arrival: MonoNs, before: Option<MonoNs>) -> MonoNs {
    let is_possible = stamp <= arrival.0 && arrival.0 - stamp <= OLDEST_NS;
    let t = if is_possible { stamp } else { arrival.0 };
    MonoNs(before.map_or(t, |before| t.max(before.0 + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_that_cannot_be_is_the_arrival() {
        let arrival = MonoNs(50_000_000_000);
        let of = |stamp, before: Option<i64>| time_of(stamp, arrival, before.map(MonoNs)).0;
        assert_eq!(of(49_999_000_000, None), 49_999_000_000);
        assert_eq!(of(50_000_000_001, None), arrival.0, "in the future");
        assert_eq!(of(12_000, None), arrival.0, "from the start of something");
        assert_eq!(of(-1, None), arrival.0);
        assert_eq!(of(49_999_000_000, Some(49_999_500_000)), 49_999_500_001, "times increase");
    }
}
