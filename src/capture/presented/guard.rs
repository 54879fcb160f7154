//! Holds the compositor's stamps to what is possible.
//!
//! Invariant: a frame is never stamped before what it shows, nor in the future. A stamp on another clock (some count from the start of a
//! stream) is noticed by its distance, and the arrival taken instead; but one that lies between the time at which the frame was asked for and its arrival
//! is of this clock, however long nobody looked, as in a pause.

use crate::base::time::MonoNs;

/// A stamp that is older than this when it arrives is none of our clock.
const OLDEST_NS: i64 = 1_000_000_000;

/// Returns the time of a frame: the compositor's stamp where that can be, else the arrival; after the frame before. `asked`: when it was asked
/// for, where frames are.
pub(in crate::capture) fn time_of(
    stamp: i64,
    arrival: MonoNs,
    asked: Option<MonoNs>,
    before: Option<MonoNs>,
) -> MonoNs {
    let is_recent = (0..=OLDEST_NS).contains(&arrival.0.saturating_sub(stamp));
    let is_answer = asked.is_some_and(|asked| (asked.0..=arrival.0).contains(&stamp));
    let t = if is_recent || is_answer { stamp } else { arrival.0 };
    MonoNs(before.map_or(t, |before| t.max(before.0.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_that_cannot_be_is_the_arrival() {
        let arrival = MonoNs(50_000_000_000);
        let of = |stamp, before: Option<i64>| time_of(stamp, arrival, None, before.map(MonoNs)).0;
        assert_eq!(of(49_999_000_000, None), 49_999_000_000);
        assert_eq!(of(50_000_000_001, None), arrival.0, "in the future");
        assert_eq!(of(12_000, None), arrival.0, "from the start of something");
        assert_eq!(of(-1, None), arrival.0);
        assert_eq!(of(49_999_000_000, Some(49_999_500_000)), 49_999_500_001, "times increase");
        assert_eq!(of(i64::MIN, None), arrival.0, "no stamp at all");
        assert_eq!(of(i64::MAX, None), arrival.0);
    }

    #[test]
    fn a_stamp_since_the_frame_was_asked_for_stands_however_late_it_is_read() {
        let (asked, arrival) = (MonoNs(20_000_000_000), MonoNs(50_000_000_000));
        let of = |stamp| time_of(stamp, arrival, Some(asked), None).0;
        assert_eq!(of(20_000_000_000), 20_000_000_000);
        assert_eq!(of(31_000_000_000), 31_000_000_000, "it waited in a pause");
        assert_eq!(of(19_999_999_999), arrival.0, "before it was asked for, and long ago");
        assert_eq!(of(49_500_000_000), 49_500_000_000);
        assert_eq!(of(50_000_000_001), arrival.0);
        assert_eq!(time_of(49_500_000_000, arrival, Some(MonoNs(i64::MAX)), None).0, 49_500_000_000);
    }
}
