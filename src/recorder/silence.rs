//! Whether the input source is silent while the pointer moves, as the screen sees it: a source that stalls looks like a person who rests.
//!
//! A silence is counted from the last input of any kind before a movement, up to the look that saw it. A movement that has an input of about its
//! own time is none. Pure: reads no clock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::base::time::MonoNs;

/// How long after a look inputs of before it may still arrive.
const SETTLE_NS: i64 = 250_000_000;
/// By how much the stamp of an input may lie outside of the two looks between which its movement was seen.
const SLACK_NS: i64 = 20_000_000;
/// Movements that wait to be judged: a second at 240 looks, and they are judged after a quarter of one.
const MAX_MOVES: usize = 256;

/// A movement: the look before it, and the one that saw it.
type Move = (MonoNs, MonoNs);

#[derive(Default)]
struct State {
    /// The latest input of any kind; the begin where there was none since.
    latest: Option<MonoNs>,
    moves: VecDeque<Move>,
}

/// What the threads of a recording tell each other of it.
#[derive(Default)]
pub(crate) struct SilenceFigures {
    state: Mutex<State>,
    /// The longest silence, microseconds and one; 0: the pointer was not seen to move.
    longest: AtomicU64,
}

impl SilenceFigures {
    /// An input has arrived.
    pub(super) fn heard(&self, t: MonoNs) {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A movement of about this time is this input's, and judged by the next one.
        self.judge(state, MonoNs(t.0.saturating_sub(SLACK_NS)));
        state.latest = state.latest.max(Some(t));
    }

    /// Judges movements that were seen at or before this time: their inputs have come.
    fn judge(&self, state: &mut State, until: MonoNs) {
        while let Some((before, moved)) = state.moves.pop_front_if(|(_, moved)| *moved <= until) {
            let latest = state.latest.unwrap_or(before);
            let silent = if before.0 - latest.0 > SLACK_NS { moved.0 - latest.0 } else { 0 };
            self.longest.fetch_max(silent as u64 / 1000 + 1, Ordering::Relaxed);
        }
    }

    /// Another part begins.
    pub(super) fn forget(&self) {
        self.longest.store(0, Ordering::Relaxed);
    }

    /// Returns the longest silence, microseconds; `None` while the pointer was not seen to move.
    pub(super) fn longest_us(&self) -> Option<u64> {
        self.longest.load(Ordering::Relaxed).checked_sub(1)
    }
}

/// Follows the pointer from look to look.
#[derive(Default)]
pub(super) struct Silence {
    last: Option<((i32, i32), MonoNs)>,
}

impl Silence {
    /// Takes where the pointer is; `None` where nobody tells.
    pub(super) fn look(&mut self, at: Option<(i32, i32)>, t: MonoNs, figures: &SilenceFigures) {
        let Some(at) = at else { return self.rest(figures) };
        let state = &mut *figures.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.last.replace((at, t)) {
            None => state.latest = state.latest.max(Some(t)),
            Some((last, before)) if last != at => {
                if state.moves.len() == MAX_MOVES {
                    state.moves.pop_front();
                }
                state.moves.push_back((before, t));
            }
            Some(_) => {}
        }
        figures.judge(state, MonoNs(t.0.saturating_sub(SETTLE_NS)));
    }

    /// In a pause, or while nobody tells where the pointer is, nothing is known.
    pub(super) fn rest(&mut self, figures: &SilenceFigures) {
        if self.last.take().is_some() {
            figures.state.lock().unwrap_or_else(PoisonError::into_inner).moves.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// Looks every 50 ms at a pointer that moves all along, with inputs at these times, which arrive 5 ms later.
    fn longest(until_ms: i64, heard_ms: &[i64]) -> Option<u64> {
        let (mut silence, figures) = (Silence::default(), SilenceFigures::default());
        let mut heard = heard_ms.iter().copied().peekable();
        for t in (0..until_ms).step_by(50) {
            while let Some(at) = heard.next_if(|at| at + 5 <= t) {
                figures.heard(MonoNs(at * MS));
            }
            silence.look(Some((t as i32, 0)), MonoNs(t * MS), &figures);
        }
        figures.longest_us()
    }

    #[test]
    fn a_source_that_stalls_is_noticed_and_one_that_reports_is_not() {
        let each: Vec<i64> = (0..3000).step_by(10).collect();
        assert_eq!(longest(3000, &each), Some(0));
        let stalls: Vec<i64> = each.iter().copied().filter(|t| !(1000..2000).contains(t)).collect();
        assert_eq!(longest(3000, &stalls), Some(960_000), "from 990 ms to the look at 1950");
        assert!(longest(3000, &[]).is_some_and(|us| us > 2_000_000), "it never reported anything");
    }

    #[test]
    fn a_pointer_that_rests_says_nothing_of_the_source() {
        let (mut silence, figures) = (Silence::default(), SilenceFigures::default());
        for n in 0..100 {
            silence.look(Some((7, 7)), MonoNs(n * 50 * MS), &figures);
        }
        assert_eq!(figures.longest_us(), None);
        // It was moved in a pause.
        silence.rest(&figures);
        for n in 100..200 {
            silence.look(Some((9, 9)), MonoNs(n * 50 * MS), &figures);
        }
        silence.look(None, MonoNs(i64::MAX), &figures);
        assert_eq!(figures.longest_us(), None);
    }
}
