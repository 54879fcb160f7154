//! What a person may ask of a running recording: pause, go on, set a mark.
//!
//! Invariant: the moment of a request is read from the clock under the same lock that guards the state it changes. So a picture
//! whose time is at or after a pause is never admitted, whatever the threads were doing. Nothing here waits: an order that finds
//! no room is refused, and then nothing has changed.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Status;
use crate::event::Content;
use crate::time::{Clock, MonoNs};

/// Orders that wait for the sequence, which looks at least every 50 ms: more than a person can give in a second.
const ORDERS: usize = 64;

/// What the sequence has to write.
pub(crate) enum Order {
    /// From here on nothing is taken.
    Pause(MonoNs),
    /// From here on everything is taken again.
    Resume(MonoNs),
    /// A mark.
    Mark(MonoNs, Content),
}

/// Why an order is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderError {
    /// The recording has ended, or has not begun.
    #[error("the recording is not running")]
    NotRunning,
    /// Too many orders wait.
    #[error("too many requests wait to be written")]
    Busy,
}

#[derive(Default)]
struct State {
    running: bool,
    paused_since: Option<MonoNs>,
    status: Status,
}

/// The controls of one recording. Cloned freely; all clones are the same recording's.
#[derive(Clone)]
pub struct Control {
    state: Arc<Mutex<State>>,
    orders: Sender<Order>,
    wait_orders: Receiver<Order>,
}

impl Default for Control {
    fn default() -> Self {
        let (orders, wait_orders) = bounded(ORDERS);
        Self { state: Arc::default(), orders, wait_orders }
    }
}

impl Control {
    /// Controls that nobody has touched.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, state: &State, order: Order) -> Result<(), OrderError> {
        if !state.running {
            return Err(OrderError::NotRunning);
        }
        self.orders.try_send(order).map_err(|_full| OrderError::Busy)
    }

    /// Pauses: neither pixels nor inputs are taken from the moment that is returned. When it is paused already, that is the
    /// moment at which it was.
    ///
    /// # Errors
    /// [`OrderError`]; then nothing has changed.
    pub fn pause(&self, clock: &dyn Clock) -> Result<MonoNs, OrderError> {
        let mut state = self.state();
        if let Some(since) = state.paused_since {
            return Ok(since);
        }
        let t = clock.now();
        self.order(&state, Order::Pause(t))?;
        state.paused_since = Some(t);
        state.status.paused = true;
        Ok(t)
    }

    /// Goes on from the moment that is returned; `None` when it was not paused.
    ///
    /// # Errors
    /// [`OrderError`]; then nothing has changed.
    pub fn resume(&self, clock: &dyn Clock) -> Result<Option<MonoNs>, OrderError> {
        let mut state = self.state();
        if state.paused_since.is_none() {
            return Ok(None);
        }
        let t = clock.now();
        self.order(&state, Order::Resume(t))?;
        state.paused_since = None;
        state.status.paused = false;
        Ok(Some(t))
    }

    /// Sets a mark at the moment that is returned, also in a pause.
    ///
    /// # Errors
    /// [`OrderError`]; then there is no mark.
    pub fn mark(&self, text: Content, clock: &dyn Clock) -> Result<MonoNs, OrderError> {
        let state = self.state();
        let t = clock.now();
        self.order(&state, Order::Mark(t, text))?;
        Ok(t)
    }

    /// How the recording goes, as of a quarter of a second ago at most.
    pub fn status(&self) -> Status {
        self.state().status
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.state().paused_since.is_some()
    }

    /// Whether what was taken at `t` may be kept: it was not in a pause that still lasts.
    pub(crate) fn admits(&self, t: MonoNs) -> bool {
        self.state().paused_since.is_none_or(|since| t < since)
    }

    /// Orders are taken from now on, or are no more.
    pub(crate) fn set_running(&self, running: bool) {
        self.state().running = running;
    }

    /// Makes the status known to whoever asks.
    pub(crate) fn publish(&self, status: Status) -> Status {
        let mut state = self.state();
        state.status = Status { paused: state.paused_since.is_some(), ..status };
        state.status
    }

    /// What the sequence has to write.
    pub(crate) fn orders(&self) -> &Receiver<Order> {
        &self.wait_orders
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{ManualClock, UtcNs};

    #[test]
    fn a_pause_admits_what_was_before_it_and_nothing_after() {
        let clock = ManualClock::new(MonoNs(100), UtcNs(0));
        let control = Control::new();
        assert_eq!(control.pause(&clock), Err(OrderError::NotRunning));
        assert!(!control.is_paused(), "a refused order changed something");
        control.set_running(true);
        assert_eq!(control.resume(&clock), Ok(None));
        assert_eq!(control.pause(&clock), Ok(MonoNs(100)));
        clock.advance_to(MonoNs(150));
        assert_eq!(control.pause(&clock), Ok(MonoNs(100)), "paused twice");
        assert!(control.admits(MonoNs(99)) && !control.admits(MonoNs(100)) && !control.admits(MonoNs(151)));
        assert_eq!(control.resume(&clock), Ok(Some(MonoNs(150))));
        assert!(control.admits(MonoNs(151)));
        assert_eq!(control.orders().len(), 2, "one pause and one resume");
    }

    #[test]
    fn an_order_that_finds_no_room_changes_nothing() {
        let clock = ManualClock::new(MonoNs(0), UtcNs(0));
        let control = Control::new();
        control.set_running(true);
        for _ in 0..ORDERS {
            control.mark(Content::default(), &clock).expect("room");
        }
        assert_eq!(control.mark(Content::default(), &clock), Err(OrderError::Busy));
        assert_eq!(control.pause(&clock), Err(OrderError::Busy));
        assert!(!control.is_paused() && control.admits(MonoNs(1)));
    }
}
