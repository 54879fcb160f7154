//! The inputs of several sources in one order: by their own times, as far as waiting for the slower ones goes.
//!
//! A source alone is never waited for. Of several, an input is taken when every other source that still runs has shown a later one, or when
//! it is [`HOLD_NS`] old: a source that is silent holds the others up by that and no longer. What arrives later still keeps its own
//! time, and stands behind what was taken before it.
//!
//! Each facet is taken from the first source that reports it, so that nothing is written twice ([`Lane::admit`]).

use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError};

use crate::base::time::MonoNs;
use crate::capture::{Facet, FacetSet, RawInput, StampedInput};
use crate::privacy::exclude::Reason;

/// How long an input waits for sources that have shown nothing later, nanoseconds: sources hand over within 5 ms; of the 10 ms that
/// a crash may cost, this takes the rest where there are several sources.
pub(super) const HOLD_NS: i64 = 5_000_000;

/// What came of asking for the next input.
pub(super) enum Next {
    /// Nothing can be taken yet.
    Wait,
    /// An input was taken of which nothing counts from its source.
    Passed,
    /// An input.
    Input(StampedInput),
}

/// One source's way to the sequence.
pub(super) struct Lane {
    queue: Receiver<StampedInput>,
    /// What is taken from this source: what no source before it reports.
    takes: FacetSet,
    /// The oldest input that was not taken yet.
    head: Option<StampedInput>,
    open: bool,
    /// What this source last said of whether what is typed must be known.
    secret: Option<Reason>,
}

impl Lane {
    /// Returns a lane of which these facets are taken.
    pub(super) fn new(queue: Receiver<StampedInput>, takes: FacetSet) -> Self {
        Self { queue, takes, head: None, open: true, secret: None }
    }

    fn fill(&mut self) {
        if self.head.is_none() && self.open {
            match self.queue.try_recv() {
                Ok(input) => self.head = Some(input),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.open = false,
            }
        }
    }

    /// Returns what of an input is taken from this source. What is lost, left out or secret is always heard of.
    fn admit(&self, input: RawInput) -> Option<RawInput> {
        let takes = |facet| self.takes.has(facet);
        let is_taken = match &input {
            RawInput::Key { .. } | RawInput::Layout(_) => takes(Facet::Keys),
            RawInput::Button { .. } => takes(Facet::Buttons),
            RawInput::Wheel { .. } => takes(Facet::Wheel),
            RawInput::Focus { .. } => takes(Facet::Focus),
            RawInput::Proved { .. } => takes(Facet::Position),
            RawInput::Unproved { .. } => takes(Facet::Motion),
            RawInput::Pad { .. } | RawInput::PadLost { .. } => takes(Facet::Gamepads),
            RawInput::Secret { .. } | RawInput::Lost { .. } | RawInput::Skipped { .. } => true,
            RawInput::Motion { position, motion, warped } => {
                let position = position.filter(|_| takes(Facet::Position));
                let motion = motion.filter(|_| takes(Facet::Motion));
                let is_empty = position.is_none() && motion.is_none();
                let (had_none, warped) =
                    (matches!(input, RawInput::Motion { position: None, motion: None, .. }), *warped);
                return (!is_empty || had_none).then_some(RawInput::Motion { position, motion, warped });
            }
        };
        is_taken.then_some(input)
    }
}

/// The lanes of a recording.
#[derive(Default)]
pub(super) struct Lanes(Vec<Lane>);

impl Lanes {
    pub(super) fn new(lanes: Vec<Lane>) -> Self {
        Self(lanes)
    }

    /// Returns the queues of the sources that still run, to be waited on.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Receiver<StampedInput>> {
        self.0.iter().filter(|lane| lane.open && lane.head.is_none()).map(|lane| &lane.queue)
    }

    /// Returns all queues.
    pub(super) fn queues(&self) -> impl Iterator<Item = &Receiver<StampedInput>> {
        self.0.iter().map(|lane| &lane.queue)
    }

    /// Takes the inputs that were received and not taken, when the rest is only counted.
    pub(super) fn take_heads(&mut self) -> impl Iterator<Item = StampedInput> {
        self.0.iter_mut().filter_map(|lane| lane.head.take())
    }

    /// Returns whether a source still runs, or something of it was not taken yet.
    pub(super) fn is_open(&self) -> bool {
        self.0.iter().any(|lane| lane.open || lane.head.is_some())
    }

    /// Returns whether nothing is waiting to be taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|lane| lane.head.is_none() && lane.queue.is_empty())
    }

    /// Returns the times of the inputs that were received and not taken, one of a lane at the most.
    fn heads(&self) -> impl Iterator<Item = MonoNs> {
        self.0.iter().filter_map(|lane| lane.head.as_ref()).map(|input| input.t)
    }

    /// Returns whether an input of this time or later waits to be taken.
    pub(super) fn shows(&self, t: MonoNs) -> bool {
        self.heads().any(|head| head >= t)
    }

    /// Returns whether every source that still runs has shown an input of this time or later.
    pub(super) fn all_show(&self, t: MonoNs) -> bool {
        self.0.iter().all(|lane| lane.head.as_ref().map_or(!lane.open, |head| head.t >= t))
    }

    /// Returns whether an input of before this time waits to be taken, or one that nobody has looked at.
    pub(super) fn may_hold_before(&self, t: MonoNs) -> bool {
        self.0.iter().any(|lane| lane.head.as_ref().map_or(!lane.queue.is_empty(), |head| head.t < t))
    }

    /// Returns how long at most it takes until an input of before this time that is held can be taken; `None` when none is held.
    pub(super) fn due_in(&self, now: MonoNs, before: MonoNs) -> Option<Duration> {
        let oldest = self.heads().min().filter(|t| *t < before)?;
        let left = if oldest > now { 0 } else { (oldest.0 + HOLD_NS - now.0).max(0) };
        Some(Duration::from_nanos(left as u64))
    }

    /// Takes the next input that is not to be waited with, and is of before this time.
    pub(super) fn next(&mut self, now: MonoNs, before: MonoNs) -> Next {
        self.0.iter_mut().for_each(Lane::fill);
        let Some((at, t)) = (0..self.0.len())
            .filter_map(|at| self.0[at].head.as_ref().map(|input| (at, input.t)))
            .min_by_key(|(at, t)| (*t, *at))
        else {
            return Next::Wait;
        };
        if t >= before {
            return Next::Wait;
        }
        let may_come = self.0.iter().any(|lane| lane.open && lane.head.is_none());
        // With one source nothing else can come before its head, and its head is there. A time that is not yet over is the source's
        // mistake, and no reason to wait.
        if may_come && t <= now && now.0 - t.0 < HOLD_NS {
            return Next::Wait;
        }
        let lane = &mut self.0[at];
        let Some(StampedInput { t, source, input }) = lane.head.take() else { return Next::Wait };
        if let RawInput::Secret { reason } = input {
            lane.secret = reason;
            // It is a secret as long as any source says so.
            let reason = self.0.iter().find_map(|lane| lane.secret);
            return Next::Input(StampedInput { t, source, input: RawInput::Secret { reason } });
        }
        match lane.admit(input) {
            Some(input) => Next::Input(StampedInput { t, source, input }),
            None => Next::Passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::event::{Button, Source};
    use crossbeam_channel::bounded;

    fn press(t: i64) -> StampedInput {
        let input = RawInput::Button { button: Button::Left, pressed: true, position: None };
        StampedInput { t: MonoNs(t), source: Source::Synthetic, input }
    }

    /// Everything that can be taken.
    fn taken(lanes: &mut Lanes, now: i64) -> Vec<StampedInput> {
        let mut taken = Vec::new();
        loop {
            match lanes.next(MonoNs(now), MonoNs(i64::MAX)) {
                Next::Wait => return taken,
                Next::Passed => {}
                Next::Input(input) => taken.push(input),
            }
        }
    }

    fn all(lanes: &mut Lanes, now: i64) -> Vec<i64> {
        taken(lanes, now).iter().map(|input| input.t.0).collect()
    }

    #[test]
    fn a_secret_of_one_source_is_not_ended_by_another() {
        let (first, one) = bounded(4);
        let (second, two) = bounded(4);
        let mut lanes = Lanes::new(vec![Lane::new(one, FacetSet::ALL), Lane::new(two, FacetSet::NONE)]);
        for (queue, t, reason) in [(&first, 1, Some(Reason::Excluded)), (&second, 2, None), (&first, 3, None)] {
            let input = RawInput::Secret { reason };
            queue.send(StampedInput { t: MonoNs(t), source: Source::Synthetic, input }).expect("room");
        }
        let said: Vec<_> = taken(&mut lanes, 9 + HOLD_NS)
            .iter()
            .map(|input| matches!(input.input, RawInput::Secret { reason: Some(_) }))
            .collect();
        assert_eq!(said, [true, true, false]);
    }

    #[test]
    fn one_source_is_never_held_up() {
        let (queue, out) = bounded(4);
        let mut lanes = Lanes::new(vec![Lane::new(out, FacetSet::ALL)]);
        queue.send(press(10)).expect("room");
        assert_eq!(all(&mut lanes, 10), [10]);
        drop(queue);
        assert!(all(&mut lanes, 10).is_empty());
        assert!(!lanes.is_open());
    }

    #[test]
    fn several_are_in_order_of_their_times_and_a_silent_one_holds_up_for_a_bound() {
        let (fast, first) = bounded(8);
        let (slow, second) = bounded(8);
        let mut lanes = Lanes::new(vec![Lane::new(first, FacetSet::ALL), Lane::new(second, FacetSet::ALL)]);
        fast.send(press(10)).expect("room");
        fast.send(press(30)).expect("room");
        assert!(all(&mut lanes, 31).is_empty(), "the other may still say something earlier");
        slow.send(press(20)).expect("room");
        assert_eq!(all(&mut lanes, 32), [10, 20]);
        assert_eq!(all(&mut lanes, 30 + HOLD_NS), [30], "the bound is over");
        slow.send(press(29)).expect("room");
        assert_eq!(all(&mut lanes, 40 + HOLD_NS), [29], "late, with its own time");
        fast.send(press(50)).expect("room");
        drop(slow);
        assert_eq!(all(&mut lanes, 51), [50], "one that has ended is not waited for");
    }

    #[test]
    fn a_facet_is_taken_from_one_source() {
        let (queue, out) = bounded(4);
        let mut lanes = Lanes::new(vec![Lane::new(out, FacetSet::of(&[Facet::Position]))]);
        queue.send(press(1)).expect("room");
        let input = RawInput::Motion { position: Some((1.0, 2.0)), motion: Some((3.0, 4.0)), warped: false };
        queue.send(StampedInput { t: MonoNs(2), source: Source::Synthetic, input }).expect("room");
        assert!(
            matches!(lanes.next(MonoNs(9), MonoNs(i64::MAX)), Next::Passed),
            "a button of a source that gives positions"
        );
        let Next::Input(StampedInput { input, .. }) = lanes.next(MonoNs(9), MonoNs(i64::MAX)) else {
            panic!("no position")
        };
        assert!(matches!(input, RawInput::Motion { position: Some(_), motion: None, .. }));
    }
}
