//! Which inputs fall into a pause, and what was held when it ended.
//!
//! Inputs arrive in order of time, up to some milliseconds late. So an order to pause or to go on is heard before the last inputs
//! that are earlier than it: what counts is an input's own time. What was held when recording went on is known once an input
//! that is later has arrived, or when none has for [`SETTLE_NS`].
//!
//! Pure: keeps times, appends nothing.

use std::collections::VecDeque;

use crate::time::MonoNs;

/// How long after the end of a pause inputs of before that end may still arrive. Sources hand over within 5 ms; a busy machine
/// may take longer to run them.
pub(super) const SETTLE_NS: i64 = 250_000_000;

/// The pauses that inputs may still fall into.
#[derive(Default)]
pub(super) struct Pauses {
    /// From, and until, when it is over.
    spans: VecDeque<(MonoNs, Option<MonoNs>)>,
    /// The end of the last pause, while it is not settled what was held then.
    unsettled: Option<MonoNs>,
}

impl Pauses {
    /// A pause begins.
    pub(super) fn begin(&mut self, t: MonoNs) {
        self.spans.push_back((t, None));
    }

    /// The pause ends.
    pub(super) fn end(&mut self, t: MonoNs) {
        if let Some((_, until)) = self.spans.back_mut() {
            *until = Some(t);
            self.unsettled = Some(t);
        }
    }

    /// Whether an input of this time was in a pause. Inputs come in order of time, so pauses before it are forgotten.
    pub(super) fn covers(&mut self, t: MonoNs) -> bool {
        while self.spans.front().is_some_and(|(_, until)| until.is_some_and(|until| until <= t)) {
            self.spans.pop_front();
        }
        self.spans.front().is_some_and(|(from, _)| *from <= t)
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
