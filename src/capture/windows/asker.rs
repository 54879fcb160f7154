//! Asks UI Automation about the field that is typed into, in a thread of its own: an answer may take as long as the program that gives it likes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError, bounded};

use super::ffi::Automation;
use super::field::Answer;
use crate::base::time::Clock;

/// How long the system's client is waited for.
const OPENS_IN: Duration = Duration::from_secs(2);

/// The thread's other end.
pub(super) struct Asker {
    wake: Sender<()>,
    answer: Arc<Mutex<Option<Answer>>>,
}

impl Asker {
    /// Begins to ask; `None` where the system has nothing to ask.
    pub(super) fn start(clock: Arc<dyn Clock>) -> Option<Self> {
        let (wake, wait) = bounded::<()>(1);
        let (opened, wait_opened) = bounded(1);
        let answer = Arc::new(Mutex::new(None));
        let told = Arc::clone(&answer);
        let asks = move || {
            let automation = match Automation::open() {
                Ok(automation) => automation,
                Err(detail) => {
                    tracing::info!(target: "capture", detail, "there is no UI Automation: only the system's own fields for passwords are recognised");
                    if opened.send(false).is_err() {
                        tracing::trace!("nobody waited for that");
                    }
                    return;
                }
            };
            if opened.send(true).is_err() {
                return;
            }
            while wait.recv().is_ok() {
                let asked = clock.now();
                let is_password = automation.is_password();
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(Answer { asked, is_password });
            }
        };
        let thread = std::thread::Builder::new().name("password fields".into()).spawn(asks);
        let is_open = thread.is_ok() && wait_opened.recv_timeout(OPENS_IN).unwrap_or(false);
        // The thread ends by itself when nobody can wake it any more.
        is_open.then_some(Self { wake, answer })
    }

    /// Has it asked now.
    pub(super) fn ask(&self) {
        // When one waits to be asked, its answer serves as well.
        if let Err(TrySendError::Disconnected(())) = self.wake.try_send(()) {
            tracing::trace!("nobody asks about fields any more");
        }
    }

    /// The last answer.
    pub(super) fn answer(&self) -> Option<Answer> {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
