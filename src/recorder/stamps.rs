//! The times of frames, whatever a screen source delivers: late, early, twice the same, or nothing.
//!
//! Invariants: times increase by at least [`STEP_NS`], so that the video's microseconds increase, too; what a frame shows is never newer
//! than its time; a repeat has no later time than that up to which the source has said that nothing changed. So a repeat that is
//! stored is never followed by a picture from before it, unless the source broke its word; then the picture gets a later time than its own.
//!
//! Pure: reads no clock.

use crate::base::time::MonoNs;

/// The least distance of two frames, nanoseconds: the video's index counts microseconds.
pub(super) const STEP_NS: i64 = 1_000;

/// What a source said of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// It is new, and of this time.
    New(MonoNs),
    /// It is the last one still, up to this time.
    Same(MonoNs),
}

/// Returns the time of the frame that is made of a picture: after the one that was stored last and not before the recording began. `None`
/// when nothing is known of any time after the last frame, so that none can be made.
pub(super) fn stamp(said: Said, begin: MonoNs, stored: Option<MonoNs>, now: MonoNs) -> Option<MonoNs> {
    let least = stored.map_or(begin, |stored| MonoNs(stored.0.saturating_add(STEP_NS)));
    match said {
        // Not later than now: the picture is here.
        Said::New(t) => Some(t.min(now).max(least)),
        Said::Same(until) => Some(until.min(now)).filter(|until| *until >= least),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deliveries() -> impl Strategy<Value = Vec<(i64, i64, bool)>> {
        // How much later the next look is, how far the delivery's own time is from now, and whether it is a new picture.
        prop::collection::vec((1_000_000_i64..40_000_000, -80_000_000_i64..20_000_000, any::<bool>()), 1..200)
    }

    proptest! {
        #[test]
        fn times_increase_and_nothing_is_vouched_for_by_nobody(looks in deliveries(), equal in 0_usize..5) {
            let begin = MonoNs(1_000_000_000);
            let (mut now, mut stored, mut last_own) = (begin, None::<MonoNs>, begin);
            for (at, (pause, off, is_new)) in looks.into_iter().enumerate() {
                now = MonoNs(now.0 + pause);
                // Now and then the same time as before.
                let own = if equal > 0 && at % (equal + 1) == 0 { last_own } else { MonoNs(now.0 + off) };
                last_own = own;
                let said = if is_new { Said::New(own) } else { Said::Same(own) };
                let Some(t) = stamp(said, begin, stored, now) else {
                    prop_assert!(!is_new, "a picture was lost");
                    continue;
                };
                prop_assert!(t >= begin && t <= now);
                prop_assert!(stored.is_none_or(|stored| t.0 / 1_000 > stored.0 / 1_000), "microseconds do not increase");
                match said {
                    Said::New(own) => prop_assert!(t >= own.min(now), "it shows what is newer than its time"),
                    Said::Same(until) => prop_assert!(t <= until, "nobody vouched for that"),
                }
                stored = Some(t);
            }
        }
    }

    #[test]
    fn a_source_that_is_asked_keeps_its_times() {
        let (begin, now) = (MonoNs(5), MonoNs(50_000));
        assert_eq!(stamp(Said::New(MonoNs(40_000)), begin, Some(MonoNs(10)), now), Some(MonoNs(40_000)));
        assert_eq!(stamp(Said::Same(now), begin, Some(MonoNs(40_000)), now), Some(now));
        assert_eq!(stamp(Said::Same(MonoNs(40_000)), begin, Some(MonoNs(40_000)), now), None);
    }
}
