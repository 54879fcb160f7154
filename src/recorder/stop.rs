//! What ends a recording: a person, a source that is gone, a thread that failed. The first reason stands.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::error::RecordError;
use crate::base::event::Stream;
use crate::capture::{CaptureError, StopFlag};
use crate::session::loss::is_fault;

/// Ends a recording, from wherever: the first reason stands.
#[derive(Clone, Default)]
pub struct Stop {
    flag: StopFlag,
    /// Set with `flag`, or before it when only the input ends.
    input: StopFlag,
    /// Likewise, of the sound.
    sound: StopFlag,
    reason: Arc<Mutex<Option<String>>>,
    failure: Arc<Mutex<Option<(Stream, String)>>>,
}

impl Stop {
    /// Not asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end, with a reason as a word in `snake_case`.
    pub fn ask(&self, reason: &str) {
        let mut first = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| reason.to_owned());
        drop(first);
        self.flag.set();
        self.input.set();
        self.sound.set();
    }

    /// Ends the sound; the screen goes on.
    pub(crate) fn close_sound(&self) {
        self.sound.set();
    }

    /// Ends the input; the screen goes on.
    pub(crate) fn close_input(&self) {
        self.input.set();
    }

    /// Asks for the end because a stream failed: the recording is not whole.
    pub(crate) fn fail(&self, stream: Stream, reason: &str) {
        debug_assert!(is_fault(reason), "'{reason}' is not listed as a fault");
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| (stream, reason.to_owned()));
        drop(first);
        self.ask(reason);
    }

    /// The stream that failed first, and why.
    pub(crate) fn failure(&self) -> Option<(Stream, String)> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.flag.is_set()
    }

    /// The flag that the input source looks at.
    pub(crate) fn input_flag(&self) -> &StopFlag {
        &self.input
    }

    /// The flag that sources of sound look at.
    pub(crate) fn sound_flag(&self) -> &StopFlag {
        &self.sound
    }

    /// Why it ends.
    pub(super) fn reason(&self) -> String {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(|| "sources_ended".into())
    }
}

/// Ends the recording because a source is gone. A window that was closed is a normal end; anything else is a failure.
pub(crate) fn source_ended(stop: &Stop, stream: Stream, error: &CaptureError) {
    match error {
        CaptureError::Gone { what: "window", .. } => stop.ask("window_closed"),
        CaptureError::Gone { what: "display", .. } => stop.fail(stream, "display_gone"),
        CaptureError::Gone { .. } => stop.fail(stream, "source_gone"),
        _ => stop.fail(stream, "capture_failed"),
    }
}

/// Ends the recording when the thread it lives in panics.
struct PanicGuard(Stop, Stream);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(self.1, "panic");
        }
    }
}

/// Starts a thread of the recording, whose panic ends it.
pub(super) fn spawn<T: Send + 'static>(
    name: &str,
    stream: Stream,
    stop: &Stop,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, RecordError> {
    let guard = PanicGuard(stop.clone(), stream);
    let guarded = move || {
        let _guard = guard;
        body()
    };
    Builder::new().name(name.into()).spawn(guarded).map_err(|source| RecordError::Thread { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stands() {
        let stop = Stop::new();
        assert!(!stop.is_asked());
        stop.ask("sigint");
        stop.fail(Stream::Screen, "display_gone");
        assert_eq!(stop.reason(), "sigint");
        assert_eq!(stop.failure(), Some((Stream::Screen, "display_gone".into())));
        assert!(stop.is_asked() && stop.input_flag().is_set());
    }
}
