//! Holds the compositor's stamps to what is possible.
//!
//! Invariant: a frame is never stamped before what it shows, nor in the future. A stamp on another clock (some count from the start of a
//! stream) is noticed by its distance, and the arrival taken instead; but one that lies between the time at which the frame was asked for and its arrival
//! is of this clock, however long nobody looked, as in a pause.

use crate::base::event::UNKNOWN_US;
use crate::base::time::MonoNs;

/// A stamp that is older than this when it arrives is none of our clock.
const OLDEST_NS: i64 = 1_000_000_000;

/// The time of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::capture) struct Stamped {
    pub(in crate::capture) t: MonoNs,
    /// What the screen showed at this time is not newer than what the frame shows; `None` where nothing tells.
    pub(in crate::capture) since: Option<MonoNs>,
}

impl Stamped {
    /// Returns by how much the frame can be older than a time, microseconds.
    pub(in crate::capture) fn age_us(self, at: MonoNs) -> u32 {
        self.since.map_or(UNKNOWN_US, |since| age_us(since, at))
    }
}

/// Returns how long it is from one time to another, microseconds, and not less than that.
pub(in crate::capture) fn age_us(since: MonoNs, at: MonoNs) -> u32 {
    let us = at.0.saturating_sub(since.0).max(0).saturating_add(999) / 1000;
    u32::try_from(us).unwrap_or(UNKNOWN_US)
}

/// Returns the time of a frame: the compositor's stamp where that can be, else the arrival; after the frame before. `asked`: when it was asked
/// for, where frames are.
pub(in crate::capture) fn time_of(
    stamp: i64,
    arrival: MonoNs,
    asked: Option<MonoNs>,
    before: Option<MonoNs>,
) -> Stamped {
    let is_recent = (0..=OLDEST_NS).contains(&arrival.0.saturating_sub(stamp));
    let is_answer = asked.is_some_and(|asked| (asked.0..=arrival.0).contains(&stamp));
    let is_believed = is_recent || is_answer;
    let t = if is_believed { stamp } else { arrival.0 };
    let t = MonoNs(before.map_or(t, |before| t.max(before.0.saturating_add(1))));
    // One that was asked for is not from before that.
    Stamped { t, since: if is_believed { Some(MonoNs(stamp)) } else { asked.filter(|asked| *asked <= arrival) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_that_cannot_be_is_the_arrival() {
        let arrival = MonoNs(50_000_000_000);
        let of = |stamp, before: Option<i64>| time_of(stamp, arrival, None, before.map(MonoNs)).t.0;
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
        let of = |stamp| time_of(stamp, arrival, Some(asked), None).t.0;
        assert_eq!(of(20_000_000_000), 20_000_000_000);
        assert_eq!(of(31_000_000_000), 31_000_000_000, "it waited in a pause");
        assert_eq!(of(19_999_999_999), arrival.0, "before it was asked for, and long ago");
        assert_eq!(of(49_500_000_000), 49_500_000_000);
        assert_eq!(of(50_000_000_001), arrival.0);
        assert_eq!(time_of(49_500_000_000, arrival, Some(MonoNs(i64::MAX)), None).t.0, 49_500_000_000);
    }

    #[test]
    fn how_old_a_frame_can_be_is_known_of_one_with_a_stamp_and_of_one_that_was_asked_for() {
        let arrival = MonoNs(50_000_000_000);
        let of = |stamp, asked: Option<i64>| time_of(stamp, arrival, asked.map(MonoNs), None).age_us(arrival);
        assert_eq!(of(49_999_000_500, None), 1_000, "rounded up");
        assert_eq!(of(12_000, None), UNKNOWN_US);
        assert_eq!(of(i64::MAX, Some(49_000_000_000)), 1_000_000, "no stamp, and not from before it was asked for");
        assert_eq!(of(i64::MAX, Some(i64::MAX)), UNKNOWN_US);
        assert_eq!(age_us(MonoNs(0), MonoNs(i64::MAX)), UNKNOWN_US);
        assert_eq!(age_us(MonoNs(7), MonoNs(3)), 0);
        let later = time_of(49_000_000_000, arrival, None, Some(MonoNs(49_999_999_999)));
        assert_eq!(
            (later.t, later.since),
            (arrival, Some(MonoNs(49_000_000_000))),
            "its time is moved, and not its age"
        );
    }
}
