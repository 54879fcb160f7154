//! A mailbox with one slot, for screen sources that push: the system's callback puts, the recorder takes.
//!
//! What is overwritten is not lost: the screen is sampled, and the newer picture shows it too. Invariant: what is taken is the newest by its
//! own time and not by its arrival, so that a delivery that was overtaken never comes after the one that overtook it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::base::time::MonoNs;

/// One slot, shared by the side that puts and the side that takes.
pub struct Latest<F>(Arc<Shared<F>>);

struct Shared<F> {
    slot: Mutex<Slot<F>>,
    changed: Condvar,
}

struct Slot<F> {
    frame: Option<(MonoNs, F)>,
    /// The latest time that was put, whether it was taken or not.
    told: Option<MonoNs>,
    overtaken: u64,
    closed: bool,
}

impl<F> Clone for Latest<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> Default for Latest<F> {
    fn default() -> Self {
        let slot = Slot { frame: None, told: None, overtaken: 0, closed: false };
        Self(Arc::new(Shared { slot: Mutex::new(slot), changed: Condvar::new() }))
    }
}

impl<F> Latest<F> {
    fn slot(&self) -> std::sync::MutexGuard<'_, Slot<F>> {
        self.0.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what was delivered, with the time that it has from its system. Returns what is not wanted any more, to be used again: the frame
    /// that was waiting, or this one when a later one was put before.
    pub fn put(&self, t: MonoNs, frame: F) -> Option<F> {
        let mut slot = self.slot();
        if slot.told.is_some_and(|told| t <= told) {
            slot.overtaken += 1;
            return Some(frame);
        }
        slot.told = Some(t);
        let waiting = slot.frame.replace((t, frame)).map(|(_, waiting)| waiting);
        self.0.changed.notify_all();
        waiting
    }

    /// Takes the newest frame that was not taken.
    pub fn take(&self) -> Option<(MonoNs, F)> {
        self.slot().frame.take()
    }

    /// Returns the latest time that was put: up to then the source has been told.
    pub fn told(&self) -> Option<MonoNs> {
        self.slot().told
    }

    /// Returns how many deliveries came after one with a later or the same time.
    pub fn overtaken(&self) -> u64 {
        self.slot().overtaken
    }

    /// Waits until there is something to take, at most for so long; for the first picture of a source. Returns whether there is.
    pub fn wait(&self, limit: Duration) -> bool {
        let waiting = |slot: &mut Slot<F>| slot.frame.is_none() && !slot.closed;
        let (slot, _) =
            self.0.changed.wait_timeout_while(self.slot(), limit, waiting).unwrap_or_else(PoisonError::into_inner);
        slot.frame.is_some()
    }

    /// Says that nothing will be put any more.
    pub fn close(&self) {
        self.slot().closed = true;
        self.0.changed.notify_all();
    }

    /// Returns whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.slot().closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_by_its_own_time_is_taken_and_what_it_overtook_comes_back() {
        let latest = Latest::default();
        assert_eq!((latest.take(), latest.told()), (None, None));
        assert_eq!(latest.put(MonoNs(10), "a"), None);
        assert_eq!(latest.put(MonoNs(30), "c"), Some("a"), "its buffer is free");
        assert_eq!(latest.put(MonoNs(20), "b"), Some("b"), "late");
        assert_eq!(latest.put(MonoNs(30), "d"), Some("d"), "the same time twice");
        assert_eq!((latest.overtaken(), latest.told()), (2, Some(MonoNs(30))));
        assert_eq!(latest.take(), Some((MonoNs(30), "c")));
        assert_eq!((latest.take(), latest.put(MonoNs(29), "e")), (None, Some("e")), "also when the slot is empty");
    }

    #[test]
    fn waiting_ends_with_a_picture_with_the_end_and_with_the_limit() {
        let latest = Latest::<u8>::default();
        assert!(!latest.wait(Duration::from_millis(1)));
        let puts = latest.clone();
        let thread = std::thread::spawn(move || puts.put(MonoNs(1), 7));
        assert!(latest.wait(Duration::from_mins(1)));
        assert_eq!((thread.join().ok(), latest.take()), (Some(None), Some((MonoNs(1), 7))));
        latest.close();
        assert!(!latest.wait(Duration::from_mins(1)) && latest.is_closed());
    }
}
