//! What a running recording does when it is asked, whichever way the request came: the socket, or the keys of its dashboard.
//!
//! Nothing here waits: what is asked for is only tried.

use std::sync::Arc;

use super::protocol::{Refusal, Request};
use crate::base::time::{Clock, MonoNs};
use crate::recorder::{Control, OrderError, Stop, Way};

/// What requests act on.
#[derive(Clone)]
pub struct Recording {
    /// Pauses, marks and withdrawals.
    pub control: Control,
    /// Its end.
    pub stop: Stop,
    /// Says when a request took effect.
    pub clock: Arc<dyn Clock>,
}

impl Recording {
    /// Does what is asked for; returns when it took effect, `None` when it changed nothing.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing has changed.
    pub fn obey(&self, request: Request) -> Result<Option<MonoNs>, Refusal> {
        let clock = self.clock.as_ref();
        let done = match request {
            Request::Status => Ok(None),
            Request::Pause => self.control.pause(clock).map(Some),
            Request::Resume => self.control.resume(clock),
            Request::Mark { text, png: false } => self.control.mark(text, clock).map(Some),
            Request::Mark { text, png: true } => self.control.mark_with_png(text, clock).map(Some),
            Request::Stop => {
                self.stop.ask("stopped");
                Ok(Some(clock.now()))
            }
            Request::Withdraw { streams } => self.control.withdraw(&streams, Way::Command, clock, &self.stop).map(Some),
        };
        done.map_err(refused)
    }
}

fn refused(error: OrderError) -> Refusal {
    let code = match error {
        OrderError::NotRunning => "not_running",
        OrderError::Busy => "busy",
        OrderError::NotRecorded(_) => "not_recorded",
        OrderError::Paused => "paused",
        OrderError::Split => "split",
    };
    Refusal::new(code, error.to_string())
}
