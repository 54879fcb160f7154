//! Up to when it is proved that the screen shows what was copied last, although nothing is told of a screen that is still.
//!
//! Between a picture and the next frame that is asked for, the screen may have changed: the compositor copies that at the refresh that follows, which it may be
//! late with. So a frame that does not come proves nothing by itself, and least where the compositor gets no time. It is asked questions, which it answers in
//! their order among all else that it does: once it has answered one that was asked [`SETTLES_NS`] after it had the frame to be copied into, no change was
//! pending then; and what it presents later is copied at that refresh, and told before any question that it takes in behind it. So the screen
//! has not changed up to the time at which the latest answered question was asked. Invariant: without such an answer nothing is proved.

use crate::base::event::UNKNOWN_US;
use crate::base::time::MonoNs;
use crate::capture::presented::guard::{self, Stamped};

/// How long after the compositor had the frame it may take until its next refresh, where it does all else in time: more than the slowest that a
/// graphics card makes of it.
const SETTLES_NS: i64 = 250_000_000;

/// What is proved of the frame that is asked for.
#[derive(Default)]
pub(super) struct Proof {
    /// It is copied when something has changed, and the compositor was asked for that.
    is_waiting: bool,
    /// By when the compositor had it.
    taken_in: Option<MonoNs>,
    /// The last question, and when it was asked, until it is answered.
    given: u64,
    open: Option<MonoNs>,
    /// Up to when the screen is known to show what was copied last.
    proven: Option<MonoNs>,
}

impl Proof {
    /// The compositor has been told where to copy the next frame, once something has changed or at once.
    pub(super) fn copying(&mut self, when_changed: bool) {
        // Answers to questions of before count for nothing.
        *self = Self { is_waiting: when_changed, given: self.given, ..Self::default() };
    }

    /// There is a picture, or another frame is asked for: nothing of before counts.
    pub(super) fn ends(&mut self) {
        self.copying(false);
    }

    /// The compositor has answered this question last, which was read by `now`. Returns the number of the next one, where one is to be asked now.
    pub(super) fn look(&mut self, answered: u64, now: MonoNs) -> Option<u64> {
        self.heard(answered, now);
        self.next(now)
    }

    /// By how much a picture can be older than a time at which it is still the last one, microseconds.
    pub(super) fn age_us(&self, picture: Option<Stamped>, at: MonoNs) -> u32 {
        let since = picture.and_then(|picture| picture.since).max(self.proven);
        since.map_or(UNKNOWN_US, |since| guard::age_us(since, at))
    }

    fn heard(&mut self, answered: u64, now: MonoNs) {
        if answered != self.given {
            return;
        }
        let Some(asked) = self.open.take() else { return };
        match self.taken_in {
            None => self.taken_in = Some(now),
            Some(taken_in) if asked.0.saturating_sub(taken_in.0) >= SETTLES_NS => self.proven = Some(asked),
            Some(_) => {}
        }
    }

    fn next(&mut self, now: MonoNs) -> Option<u64> {
        if !self.is_waiting || self.open.is_some() {
            return None;
        }
        self.given += 1;
        self.open = Some(now);
        Some(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// Asks every 20 ms; the compositor answers before the next look, but for a time in which it stands still.
    fn looks(proof: &mut Proof, from: i64, to: i64, stands_still: std::ops::Range<i64>) -> Option<i64> {
        let mut answered = proof.given;
        for at in (from..to).step_by(20) {
            let now = MonoNs(at * MS);
            proof.heard(answered, now);
            let asked = proof.next(now);
            if let Some(number) = asked.or(Some(proof.given)).filter(|_| !stands_still.contains(&at)) {
                answered = number;
            }
        }
        proof.proven.map(|proven| proven.0 / MS)
    }

    #[test]
    fn a_still_screen_is_proved_to_be_so_up_to_the_last_question_that_was_answered() {
        let mut proof = Proof::default();
        assert_eq!(looks(&mut proof, 0, 1000, 0..0), None, "nothing is asked for");
        proof.copying(true);
        assert_eq!(looks(&mut proof, 1000, 1200, 0..0), None, "a refresh may still come");
        // Had at 1020, so the first question that counts is that of 1280, whose answer is read at 1300.
        assert_eq!(looks(&mut proof, 1200, 1320, 0..0), Some(1280));
        assert_eq!(looks(&mut proof, 1320, 2000, 0..0), Some(1960));
        proof.ends();
        assert_eq!(looks(&mut proof, 2000, 3000, 0..0), None);
    }

    #[test]
    fn a_compositor_that_gets_no_time_proves_nothing() {
        let mut proof = Proof::default();
        proof.copying(true);
        assert_eq!(looks(&mut proof, 0, 2000, 0..2000), None);
        proof.copying(true);
        // The question of 400 is answered when it goes on.
        assert_eq!(looks(&mut proof, 0, 1480, 400..1500), Some(380));
        proof.copying(true);
        assert_eq!(looks(&mut proof, 2000, 2240, 0..0), None, "of the frame before nothing counts");
    }

    #[test]
    fn an_answer_to_a_question_of_before_the_frame_was_asked_for_counts_for_nothing() {
        let mut proof = Proof::default();
        proof.copying(true);
        let before = proof.next(MonoNs(0)).expect("a question");
        proof.copying(true);
        proof.heard(before, MonoNs(MS));
        assert_eq!((proof.taken_in, proof.open), (None, None));
        let after = proof.next(MonoNs(2 * MS)).expect("a question");
        proof.heard(before, MonoNs(3 * MS));
        assert_eq!(proof.taken_in, None);
        proof.heard(after, MonoNs(4 * MS));
        assert_eq!(proof.taken_in, Some(MonoNs(4 * MS)));
    }

    #[test]
    fn a_repeat_is_as_old_as_the_picture_or_as_the_last_proof() {
        let mut proof = Proof::default();
        let picture = Some(Stamped { t: MonoNs(50 * MS), since: Some(MonoNs(40 * MS)) });
        assert_eq!(proof.age_us(picture, MonoNs(100 * MS)), 60_000);
        assert_eq!(proof.age_us(None, MonoNs(100 * MS)), UNKNOWN_US);
        proof.proven = Some(MonoNs(90 * MS));
        assert_eq!(proof.age_us(picture, MonoNs(100 * MS)), 10_000);
        assert_eq!(proof.age_us(picture, MonoNs(80 * MS)), 0);
    }
}
