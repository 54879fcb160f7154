//! Asks UI Automation about the field that is typed into, in a thread of its own: an answer may take as long as the program that gives it likes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError, bounded};

use super::ffi::Automation;
use super::field::Answer;
use crate::base::time::Clock;

/// How long the system's client is waited for. One that comes later serves as well.
const OPENS_IN: Duration = Duration::from_secs(2);

/// The thread's other end.
pub(super) struct Asker {
    wake: Sender<()>,
    answer: Arc<Mutex<Option<Answer>>>,
}

impl Asker {
    /// Begins to ask. Until the system's client is there nobody answers, so that what is typed is withheld meanwhile.
    ///
    /// # Errors
    /// Why the system has nothing to ask.
    pub(super) fn start(clock: Arc<dyn Clock>) -> Result<Self, String> {
        let (wake, wait) = bounded::<()>(1);
        let (opened, wait_opened) = bounded(1);
        let answer = Arc::new(Mutex::new(None));
        let told = Arc::clone(&answer);
        let asks = move || {
            let automation = match Automation::open() {
                Ok(automation) => automation,
                Err(detail) => {
                    // It was said that it tells, so nothing is told from here on.
                    if opened.send(Err(detail)).is_err() {
                        tracing::warn!(target: "capture", "there is no UI Automation after all: what is typed is withheld to the end");
                    }
                    return;
                }
            };
            // Nobody waits for it where it was slow.
            if opened.send(Ok(())).is_err() {
                tracing::debug!(target: "capture", "UI Automation answers now");
            }
            while wait.recv().is_ok() {
                let asked = clock.now();
                let is_password = automation.is_password();
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(Answer { asked, is_password });
            }
        };
        let thread = std::thread::Builder::new().name("password fields".into()).spawn(asks);
        thread.map_err(|error| error.to_string())?;
        match wait_opened.recv_timeout(OPENS_IN) {
            Ok(Ok(())) => {}
            Ok(Err(detail)) => return Err(detail),
            Err(_slow) => {
                tracing::warn!(target: "capture", "UI Automation does not answer yet: what is typed is withheld until it does");
            }
        }
        // The thread ends by itself when nobody can wake it any more.
        Ok(Self { wake, answer })
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

/// Whether the system has somebody to ask; `None` when it does not say in time.
pub(super) fn is_there() -> Option<bool> {
    let (opened, wait_opened) = bounded(1);
    let opens = move || {
        if opened.send(Automation::open().is_ok()).is_err() {
            tracing::trace!("nobody waited for that");
        }
    };
    std::thread::Builder::new().name("password fields".into()).spawn(opens).ok()?;
    wait_opened.recv_timeout(OPENS_IN).ok()
}
