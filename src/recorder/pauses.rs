//! Which inputs fall into a pause, and what was held when it ended.
//!
//! Inputs arrive in order of time, up to some milliseconds late. So an order to pause or to go on is heard before the last inputs
//! that are earlier than it: what counts is an input's own time. What was held when recording went on is known once an input
//! that is later has arrived, or when none has for [`SETTLE_NS`].
//!
//! Pure: keeps times, appends nothing.

use std::collections::VecDeque;

use crate::base::time::MonoNs;

/// How long after the end of a pause inputs of before that end may still arrive. Sources hand over within 5 ms; a busy machine
/// may take longer to run them.
pub(super) const SETTLE_NS: i64 = 250_000_000;

/// How much later than others an input may arrive and still be known to fall into a pause.
const LATE_NS: i64 = 10_000_000_000;
/// The most pauses that are kept apart: more in [`LATE_NS`] are no person's.
const MAX_SPANS: usize = 64;

/// The pauses that inputs may still fall into.
#[derive(Default)]
pub(super) struct Pauses {
    /// From, and until, when it is over.
    spans: VecDeque<(MonoNs, Option<MonoNs>)>,
    /// The end of the last pause, while it is not settled what was held then.
    unsettled: Option<MonoNs>,
    /// Time of the latest input.
    latest: MonoNs,
}

impl Pauses {
    /// A pause begins.
    pub(super) fn begin(&mut self, t: MonoNs) {
        self.spans.push_back((t, None));
        if self.spans.len() > MAX_SPANS
            && let Some((from, _)) = self.spans.pop_front()
            && let Some(second) = self.spans.front_mut()
        {
            // Rather too much is kept out than too little.
            second.0 = from;
        }
    }

    /// The pause ends.
    pub(super) fn end(&mut self, t: MonoNs) {
        if let Some((_, until)) = self.spans.back_mut() {
            *until = Some(t);
            self.unsettled = Some(t);
        }
    }

    /// Whether an input of this time was in a pause. Inputs of several sources come nearly in order of time, so pauses are forgotten only
    /// when they are [`LATE_NS`] older than the latest.
    pub(super) fn covers(&mut self, t: MonoNs) -> bool {
        self.latest = self.latest.max(t);
        let is_old = |until: &MonoNs| until.0 + LATE_NS <= self.latest.0;
        while self.spans.front().is_some_and(|(_, until)| until.as_ref().is_some_and(is_old)) {
            self.spans.pop_front();
        }
        self.spans.iter().any(|(from, until)| *from <= t && until.is_none_or(|until| t < until))
    }

    /// Whether recording goes on after the last pause, and what was held when it ended is stated.
    pub(super) fn is_over(&self) -> bool {
        self.unsettled.is_none() && self.spans.back().is_none_or(|(_, until)| until.is_some())
    }

    /// The end of a pause whose held keys can be stated now: an input of `t` has arrived. Once for each pause.
    pub(super) fn settled_by(&mut self, t: MonoNs) -> Option<MonoNs> {
        self.unsettled.take_if(|end| *end <= t)
    }

    /// The same, because nothing has arrived until `now`.
    pub(super) fn settled_at(&mut self, now: MonoNs) -> Option<MonoNs> {
        self.unsettled.take_if(|end| now.0 - end.0 >= SETTLE_NS)
    }

    /// The same, because nothing will arrive any more, or another pause begins.
    pub(super) fn settle(&mut self) -> Option<MonoNs> {
        self.unsettled.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inputs_own_time_decides_and_not_its_arrival() {
        let mut pauses = Pauses::default();
        pauses.begin(MonoNs(100));
        assert!(!pauses.covers(MonoNs(99)), "it was before the pause and arrived in it");
        assert!(pauses.covers(MonoNs(100)));
        pauses.end(MonoNs(200));
        pauses.begin(MonoNs(300));
        assert!(pauses.covers(MonoNs(199)), "it was in the pause and arrived after it");
        assert!(!pauses.covers(MonoNs(200)));
        assert!(!pauses.covers(MonoNs(299)));
        assert!(pauses.covers(MonoNs(300)));
    }

    #[test]
    fn an_input_that_is_late_is_known_to_fall_into_a_pause_that_is_over() {
        let mut pauses = Pauses::default();
        for from in (0..1000).step_by(10) {
            pauses.begin(MonoNs(from));
            pauses.end(MonoNs(from + 5));
        }
        assert!(!pauses.covers(MonoNs(1000)), "another source is on time");
        assert_eq!(pauses.settle(), Some(MonoNs(995)));
        assert!(pauses.is_over() && pauses.covers(MonoNs(994)) && !pauses.covers(MonoNs(987)));
        assert!(pauses.covers(MonoNs(3)), "pauses that are not kept apart");
        assert!(pauses.spans.len() <= MAX_SPANS);
    }

    #[test]
    fn what_was_held_is_settled_once() {
        let mut pauses = Pauses::default();
        pauses.begin(MonoNs(100));
        assert_eq!(pauses.settled_by(MonoNs(150)), None, "the pause lasts");
        pauses.end(MonoNs(200));
        assert_eq!(pauses.settled_by(MonoNs(199)), None);
        assert_eq!(pauses.settled_at(MonoNs(200 + SETTLE_NS - 1)), None);
        assert_eq!(pauses.settled_at(MonoNs(200 + SETTLE_NS)), Some(MonoNs(200)));
        assert_eq!(pauses.settled_by(MonoNs(i64::MAX)), None);
        pauses.begin(MonoNs(300));
        pauses.end(MonoNs(400));
        assert_eq!((pauses.settle(), pauses.settle()), (Some(MonoNs(400)), None));
    }
}
