//! When a stream that has ended, or was refused, is asked for again, and when that was tried for long enough.
//!
//! Pure. Invariants: there is at most one attempt a second, and fewer the longer they bring nothing; the recording ends over streams that ran and ended again and
//! again, or over a system that has refused for as long as it is waited for, and never within a second. While what is recorded is away nothing counts.

use std::time::Duration;

use crate::base::time::MonoNs;

/// The shortest time between two attempts, and how often it is doubled.
const PAUSE: Duration = Duration::from_secs(1);
const DOUBLED: usize = 3;
/// How many streams may end in [`ENDS_IN`] before the recording does.
const ENDS: usize = 5;
const ENDS_IN: Duration = Duration::from_mins(1);
/// How long refusals are borne at least: a display that wakes up or was plugged in again takes a while.
const LEAST: Duration = Duration::from_secs(10);

/// Too much of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Enough;

/// Attempts to get a stream.
#[derive(Default)]
pub(super) struct Retries {
    /// When the next attempt may be made.
    next: Option<MonoNs>,
    /// When streams that ran have ended.
    ended: Vec<MonoNs>,
    /// Since when attempts bring nothing, and how many.
    refused: Option<(MonoNs, usize)>,
}

fn pause(failures: usize) -> Duration {
    PAUSE * (1 << failures.min(DOUBLED))
}

impl Retries {
    pub(super) fn is_due(&self, now: MonoNs) -> bool {
        self.next.is_none_or(|next| now >= next)
    }

    /// An attempt brought a stream, which has delivered nothing yet.
    pub(super) fn started(&mut self, now: MonoNs) {
        self.next = Some(now.plus(PAUSE));
    }

    /// It has delivered a picture.
    pub(super) fn delivered(&mut self) {
        self.refused = None;
    }

    /// What is recorded is not there, so that nothing of it can be asked for.
    pub(super) fn rest(&mut self) {
        self.refused = None;
    }

    /// An attempt brought nothing.
    ///
    /// # Errors
    /// [`Enough`] when that has been so for as long as it is waited for.
    pub(super) fn refused(&mut self, now: MonoNs, wait: Duration) -> Result<(), Enough> {
        let (since, count) = self.refused.unwrap_or((now, 0));
        self.refused = Some((since, count + 1));
        self.next = Some(now.plus(pause(count)));
        if now.since(since) >= wait.max(LEAST) { Err(Enough) } else { Ok(()) }
    }

    /// A stream that ran has ended. The first one is asked for again at once.
    ///
    /// # Errors
    /// [`Enough`] when too many have.
    pub(super) fn ended(&mut self, now: MonoNs) -> Result<(), Enough> {
        self.ended.retain(|at| now.since(*at) < ENDS_IN);
        if self.ended.len() >= ENDS {
            return Err(Enough);
        }
        if let Some(before) = self.ended.len().checked_sub(1) {
            self.next = self.next.max(Some(now.plus(pause(before))));
        }
        self.ended.push(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(30);

    fn at(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    /// Looks 60 times a second until `end` says that it is enough, or for two minutes: when attempts were made, and when it ended.
    fn tried(mut attempt: impl FnMut(&mut Retries, MonoNs) -> Result<(), Enough>) -> (Vec<i64>, Option<i64>) {
        let (mut retries, mut attempts) = (Retries::default(), Vec::new());
        for ms in (0..120_000).step_by(16) {
            if retries.is_due(at(ms)) {
                attempts.push(ms / 1000);
                if attempt(&mut retries, at(ms)).is_err() {
                    return (attempts, Some(ms / 1000));
                }
            }
        }
        (attempts, None)
    }

    #[test]
    fn refusals_are_borne_for_as_long_as_it_is_waited_and_asked_less_and_less() {
        let (attempts, end) = tried(|retries, now| retries.refused(now, WAIT));
        assert_eq!((attempts, end), (vec![0, 1, 3, 7, 15, 23, 31], Some(31)));
        let (attempts, end) = tried(|retries, now| retries.refused(now, Duration::ZERO));
        assert_eq!((attempts, end), (vec![0, 1, 3, 7, 15], Some(15)), "never within a moment");
    }

    #[test]
    fn streams_that_end_again_and_again_end_the_recording_and_not_in_a_second() {
        let (attempts, end) = tried(|retries, now| {
            retries.started(now);
            retries.delivered();
            retries.ended(now)
        });
        assert_eq!((attempts.len(), end), (6, Some(16)), "{attempts:?}");
        assert!(attempts.windows(2).all(|two| two[0] < two[1]), "{attempts:?}");
    }

    #[test]
    fn a_stream_that_ends_now_and_then_is_asked_for_again_at_once() {
        let mut retries = Retries::default();
        for minute in 0..100 {
            let now = at(minute * 61_000);
            assert_eq!((retries.ended(now), retries.is_due(now)), (Ok(()), true));
            retries.started(now);
            assert!(!retries.is_due(now) && retries.is_due(at(minute * 61_000 + 1000)));
        }
    }

    #[test]
    fn what_is_away_or_delivers_again_begins_anew() {
        let mut retries = Retries::default();
        for (ms, is_over) in [(0, false), (9_000, false), (29_000, false)] {
            assert_eq!(retries.refused(at(ms), WAIT).is_err(), is_over);
        }
        retries.rest();
        assert_eq!(retries.refused(at(31_000), WAIT), Ok(()));
        retries.started(at(40_000));
        assert_eq!(retries.refused(at(45_000), WAIT), Ok(()), "it has delivered nothing");
        assert_eq!(retries.refused(at(61_000), WAIT), Err(Enough));
        retries.delivered();
        assert_eq!(retries.refused(at(62_000), WAIT), Ok(()));
    }
}
