//! When the sign on the screen was not shown: written by the thread that keeps it there, and read by the sequence, which waits for nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::base::time::MonoNs;
use crate::privacy::fact::SignAwayFact;

/// The most times that are kept, so that they fit into one fact of the log; after that the sign is not shown again.
const MAX_AWAY: usize = 64;

/// When the sign was not shown, for the log.
#[derive(Default)]
pub(super) struct SignBoard {
    away: Mutex<Vec<SignAwayFact>>,
    /// Changes of it so far.
    changes: AtomicU64,
}

impl SignBoard {
    fn change(&self, how: impl FnOnce(&mut Vec<SignAwayFact>)) {
        how(&mut self.away.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// It is not shown from now on.
    pub(super) fn lost(&self, t: MonoNs, reason: &str) {
        self.change(|away| {
            away.push(SignAwayFact { from_ns: Some(t.0), until_ns: None, reason: Some(reason.into()) });
        });
    }

    /// It is shown again.
    pub(super) fn back(&self, t: MonoNs) {
        self.change(|away| {
            if let Some(last) = away.last_mut() {
                last.until_ns = Some(t.0);
            }
        });
    }

    /// Whether it may be lost once more.
    pub(super) fn has_room(&self) -> bool {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).len() < MAX_AWAY
    }

    /// Changes so far.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// What of it is of a part that begins at `begin`.
    pub(super) fn since(&self, begin: MonoNs) -> Vec<SignAwayFact> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |away: &&SignAwayFact| away.until_ns.is_none_or(|until| until > begin.0);
        let clipped = |away: &SignAwayFact| SignAwayFact { from_ns: away.from_ns.max(Some(begin.0)), ..away.clone() };
        away.iter().filter(lasts).map(clipped).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_what_of_it_is_its_own() {
        let board = SignBoard::default();
        assert!(board.since(MonoNs(0)).is_empty() && board.changes() == 0);
        board.lost(MonoNs(10), "gone");
        board.back(MonoNs(20));
        board.lost(MonoNs(30), "refused");
        assert_eq!(board.changes(), 3);
        let told = |begin: i64| -> Vec<_> {
            board.since(MonoNs(begin)).into_iter().map(|away| (away.from_ns, away.until_ns)).collect()
        };
        assert_eq!(told(0), [(Some(10), Some(20)), (Some(30), None)]);
        assert_eq!(told(15), [(Some(15), Some(20)), (Some(30), None)]);
        assert_eq!(told(20), [(Some(30), None)]);
        assert_eq!(told(50), [(Some(50), None)]);
    }
}
