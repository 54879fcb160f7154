//! How sources are opened, each in its own thread, and held to what recordings promise. Nothing is created here.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::stop::{source_ended, spawn};
use super::{RecordError, RecordOptions, Stop};
use crate::capture::{
    CaptureError, InitialState, InputDescription, InputSink, OpenInput, ScreenDescription, StampedInput,
};
use crate::event::Stream;
use crate::time::{Clock, MonoNs};

/// What recordings promise of their sources.
pub(super) struct Promises<'a> {
    /// Windows must not be seen, nor what is typed into them.
    keeps_out: bool,
    /// What the person allowed to be missing.
    allow_missing: &'a [String],
}

impl<'a> Promises<'a> {
    pub(super) fn of(options: &'a RecordOptions) -> Self {
        Self { keeps_out: options.privacy.masks_windows(), allow_missing: &options.allow_missing }
    }

    fn may_miss(&self, what: &str) -> bool {
        self.allow_missing.iter().any(|allowed| allowed == what)
    }

    /// Waits for the screen.
    pub(super) fn screen(
        &self,
        opened: &Receiver<Result<ScreenDescription, CaptureError>>,
        stop: &Stop,
    ) -> Result<ScreenDescription, RecordError> {
        let description = wait_opened(opened, Stream::Screen, stop)?.map_err(source_error(Stream::Screen))?;
        if self.keeps_out && !description.masks_windows {
            if !self.may_miss("masks") {
                return Err(RecordError::NoMasks { backend: description.backend });
            }
            tracing::warn!(
                "notifications and excluded windows are recorded as they are: the screen backend cannot mask them"
            );
        }
        Ok(description)
    }

    /// Waits for the input; `None` when there is none, and it may be missing.
    pub(super) fn input(&self, starting: &StartingInput, stop: &Stop) -> Result<Option<OpenedInput>, RecordError> {
        let opened = match wait_opened(&starting.opened, Stream::Input, stop)? {
            Ok(opened) => opened,
            Err(error) if self.may_miss("input") => {
                tracing::warn!(%error, "input is not recorded");
                return Ok(None);
            }
            Err(error) => return Err(source_error(Stream::Input)(error)),
        };
        self.check(&opened.description)?;
        if self.keeps_out && !opened.description.tells_secrets {
            tracing::warn!("what is typed into excluded windows is recorded: the input backend cannot tell");
        }
        Ok(Some(opened))
    }

    /// Checks that what recordings promise of the input is there, or was allowed to be missing.
    fn check(&self, input: &InputDescription) -> Result<(), RecordError> {
        let promised = [
            ("keys", input.keys),
            ("buttons", input.buttons),
            ("wheel", input.wheel),
            ("motion", input.relative_motion),
            ("position", input.position),
            ("focus", input.focus),
            ("redaction", input.tells_secrets || !self.keeps_out),
        ];
        let missing: Vec<&str> =
            promised.into_iter().filter(|(what, there)| !there && !self.may_miss(what)).map(|(what, _)| what).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(RecordError::Missing { backend: input.backend.clone(), what: missing.join(",") })
    }
}

/// An input that is open.
pub(super) struct OpenedInput {
    pub(super) description: InputDescription,
    pub(super) initial: InitialState,
    /// Before it was opened: no input of it is earlier.
    pub(super) at: MonoNs,
}

/// The input's thread, which opens its source and then waits for `go`.
pub(super) struct StartingInput {
    opened: Receiver<Result<OpenedInput, CaptureError>>,
    go: Sender<()>,
    thread: JoinHandle<()>,
}

impl StartingInput {
    /// Lets the thread begin.
    pub(super) fn go(self) -> JoinHandle<()> {
        if self.go.send(()).is_err() {
            tracing::debug!("the input's thread has ended already");
        }
        self.thread
    }
}

/// Waits for a source to open, as long as the end is not asked for.
fn wait_opened<T>(
    opened: &Receiver<Result<T, CaptureError>>,
    stream: Stream,
    stop: &Stop,
) -> Result<Result<T, CaptureError>, RecordError> {
    loop {
        match opened.recv_timeout(Duration::from_millis(50)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => return Err(died(stream)),
            Err(RecvTimeoutError::Timeout) if stop.is_asked() => return Err(RecordError::Interrupted),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Opens the input in its own thread; the thread waits for `go` before it runs the source.
pub(super) fn start_input(
    open: OpenInput,
    queue: Sender<StampedInput>,
    clock: Arc<dyn Clock>,
    stop: Stop,
) -> Result<StartingInput, RecordError> {
    let (opened, wait_opened) = bounded(1);
    let (go, wait_go) = bounded::<()>(1);
    let (asked, at) = (stop.clone(), clock.now());
    let thread = spawn("input", Stream::Input, &asked, move || {
        let source = match open() {
            Ok(source) => source,
            Err(error) => {
                drop(opened.send(Err(error)));
                return;
            }
        };
        let told = opened.send(Ok(OpenedInput { description: source.describe(), initial: source.initial(), at }));
        if told.is_err() || wait_go.recv().is_err() {
            return;
        }
        let sink = InputSink::new(queue);
        if let Err(error) = source.run(&sink, stop.input_flag()) {
            tracing::error!(%error, "the input ended");
            source_ended(&stop, Stream::Input, &error);
        }
        sink.report_rest(clock.now());
    })?;
    Ok(StartingInput { opened: wait_opened, go, thread })
}

fn source_error(stream: Stream) -> impl FnOnce(CaptureError) -> RecordError {
    move |source| RecordError::Source { stream, source }
}

fn died(stream: Stream) -> RecordError {
    let source = CaptureError::System { what: "opening the source", detail: "its thread ended".into() };
    RecordError::Source { stream, source }
}
