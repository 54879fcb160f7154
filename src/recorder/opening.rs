//! How sources are opened, each in its own thread, and held to what recordings promise. Nothing is created here.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::context::Running;
use super::error::RecordError;
use super::options::{RecordOptions, SoundOptions};
use super::sound::{self, OpenedSound, StartingSound};
use super::stop::{Stop, source_ended, spawn};
use crate::base::event::Stream;
use crate::base::time::MonoNs;
use crate::capture::{
    CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSink, OpenInput, ScreenDescription,
    StampedInput, registry,
};

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
                let window_alone = registry::offers_window_alone(&description.backend);
                return Err(RecordError::NoMasks { backend: description.backend, window_alone });
            }
            tracing::warn!(
                "notifications and excluded windows are recorded as they are: the screen backend cannot mask them"
            );
        } else if self.keeps_out && !description.names_programs {
            tracing::warn!(
                "a window is not told by its program, only by what it says of itself: the display is of another machine, or does not tell"
            );
        }
        Ok(description)
    }

    /// Waits for the inputs; `None` when there are none, and they may be missing. When the screen shows a window, only input while it has
    /// the focus is for the recording.
    pub(super) fn inputs(
        &self,
        starting: &[StartingInput],
        screen: &ScreenDescription,
        stop: &Stop,
    ) -> Result<Option<OpenedInputs>, RecordError> {
        let mut opened = Vec::new();
        for input in starting {
            opened.push(match wait_opened(&input.opened, Stream::Input, stop)? {
                Ok(opened) => Some(opened),
                Err(error) if self.may_miss("input") => {
                    tracing::warn!(%error, "an input is not recorded");
                    None
                }
                Err(error) => return Err(source_error(Stream::Input)(error)),
            });
        }
        if opened.iter().all(Option::is_none) {
            return Ok(None);
        }
        let inputs = OpenedInputs::of(opened, screen);
        self.check(&inputs, screen.window_id.is_some())?;
        if self.keeps_out && !inputs.facets().has(Facet::Redaction) {
            tracing::warn!(
                "what is typed into excluded windows or fields for passwords may be recorded: the input backend cannot tell"
            );
        }
        Ok(Some(inputs))
    }

    /// Waits for the sources of sound and opens their encoders; those that cannot be opened and may be missing are left out.
    pub(super) fn sounds(
        &self,
        starting: Vec<StartingSound>,
        options: &SoundOptions,
        stop: &Stop,
    ) -> Result<Vec<OpenedSound>, RecordError> {
        let mut opened = Vec::new();
        for starting in starting {
            match wait_opened(&starting.opened, Stream::Audio, stop)? {
                Ok(what) => {
                    let encoder = sound::encoder(options, &what)?;
                    opened.push(OpenedSound { what, encoder, starting });
                }
                Err(error) if self.may_miss(Stream::Audio.name()) => {
                    tracing::warn!(%error, "a source of sound is not recorded");
                }
                Err(error) => return Err(source_error(Stream::Audio)(error)),
            }
        }
        Ok(opened)
    }

    /// Checks that what recordings promise of the inputs is there, or was allowed to be missing.
    fn check(&self, inputs: &OpenedInputs, window: bool) -> Result<(), RecordError> {
        let redaction = FacetSet::of(&[Facet::Redaction]);
        let promised = if self.keeps_out { FacetSet::PROMISED } else { FacetSet::PROMISED.without(redaction) };
        let mut given = inputs.facets();
        if window && !inputs.keys_know_the_focus() {
            // Which keys went to which window is known in the order of one source only.
            given = given.without(FacetSet::of(&[Facet::Focus]));
        }
        let missing: Vec<&str> =
            promised.without(given).iter().map(Facet::name).filter(|what| !self.may_miss(what)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(RecordError::Missing { backend: inputs.backend(), what: missing.join(",") })
    }
}

/// An input source that is open.
pub(super) struct OpenedInput {
    description: InputDescription,
    initial: InitialState,
    /// Before it was opened: no input of it is earlier.
    at: MonoNs,
}

/// The inputs that are open.
pub(super) struct OpenedInputs {
    /// Each source and what is taken of it; `None` for one that could not be opened and may be missing. The last is the screen, where it hands
    /// in what no other reports.
    pub(super) sources: Vec<Option<(InputDescription, FacetSet)>>,
    /// What was held at the start: of each source what is taken of it.
    pub(super) initial: InitialState,
    /// Before the first was opened: no input is earlier.
    pub(super) at: MonoNs,
}

impl OpenedInputs {
    fn of(opened: Vec<Option<OpenedInput>>, screen: &ScreenDescription) -> Self {
        let (mut taken, mut initial) = (FacetSet::NONE, InitialState::default());
        let at = opened.iter().flatten().map(|input| input.at).min().unwrap_or(MonoNs(0));
        let mut share = |input: OpenedInput| {
            let own = input.description.facets.without(taken).proven();
            taken = taken.with(own);
            if own.has(Facet::Keys) {
                (initial.keys, initial.layout) = (input.initial.keys, input.initial.layout);
            }
            if own.has(Facet::Buttons) {
                initial.buttons = input.initial.buttons;
            }
            if own.has(Facet::Position) {
                initial.pointer = input.initial.pointer;
            }
            if own.has(Facet::Gamepads) {
                initial.pads = input.initial.pads;
            }
            initial.secret = initial.secret.or(input.initial.secret);
            (input.description, own)
        };
        let mut sources: Vec<_> = opened.into_iter().map(|input| input.map(&mut share)).collect();
        let of_screen = screen.hands_in.without(taken);
        if !of_screen.is_empty() {
            let description =
                InputDescription { backend: screen.backend.clone(), facets: of_screen, ..InputDescription::default() };
            sources.push(Some((description, of_screen)));
        }
        Self { sources, initial, at }
    }

    /// Returns the sources that are open, each with what is taken of it.
    pub(super) fn open(&self) -> impl Iterator<Item = &(InputDescription, FacetSet)> {
        self.sources.iter().flatten()
    }

    /// Returns what is taken of all sources together.
    pub(super) fn facets(&self) -> FacetSet {
        self.open().fold(FacetSet::NONE, |all, (_, own)| all.with(*own))
    }

    /// Returns whether each movement of the pointer is an input, also one that a program makes.
    pub(super) fn has_every_move(&self) -> bool {
        let sees =
            |(what, own): &(InputDescription, FacetSet)| what.warps == Some("record") && own.has(Facet::Position);
        self.open().any(sees)
    }

    /// Returns the names of the backends.
    pub(super) fn backend(&self) -> String {
        self.open().map(|(what, _)| what.backend.as_str()).collect::<Vec<_>>().join("+")
    }

    /// Returns whether the source of the keys also tells which window is active.
    fn keys_know_the_focus(&self) -> bool {
        self.open().any(|(_, own)| own.has(Facet::Keys) && own.has(Facet::Focus))
    }
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
    running: &Running,
) -> Result<StartingInput, RecordError> {
    let (opened, wait_opened) = bounded(1);
    let (go, wait_go) = bounded::<()>(1);
    let (clock, stop) = (Arc::clone(&running.clock), running.stop.clone());
    let at = clock.now();
    let thread = spawn("input", Stream::Input, &running.stop, move || {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(facets: FacetSet, secret: bool) -> OpenedInput {
        let description = InputDescription { facets, ..InputDescription::default() };
        let secret = secret.then_some(crate::privacy::exclude::Reason::Excluded);
        let initial = InitialState { pointer: Some((1.0, 1.0)), secret, ..InitialState::default() };
        OpenedInput { description, initial, at: MonoNs(5) }
    }

    fn screen(hands_in: FacetSet) -> ScreenDescription {
        let surface = crate::base::event::Surface { x: 0, y: 0, width: 2, height: 2, scale: None };
        ScreenDescription {
            backend: "screen".into(),
            surface,
            refresh_hz: None,
            cursor: false,
            sees_changes: false,
            target: String::new(),
            window_id: None,
            masks_windows: true,
            display_server: None,
            names_programs: true,
            hands_in,
            settings: Vec::new(),
        }
    }

    #[test]
    fn a_screen_hands_in_what_no_input_reports() {
        let positions = FacetSet::of(&[Facet::Position]);
        let of = |facets| OpenedInputs::of(vec![Some(opened(facets, false))], &screen(positions));
        let inputs = of(FacetSet::ALL.without(positions));
        assert_eq!((inputs.facets(), inputs.sources.len()), (FacetSet::ALL, 2));
        assert_eq!(of(FacetSet::ALL).sources.len(), 1, "the pointer is known better already");
    }

    #[test]
    fn each_facet_is_taken_from_the_first_source_that_reports_it() {
        let keyboard = FacetSet::of(&[Facet::Keys, Facet::Buttons]);
        let opened = vec![Some(opened(keyboard, false)), None, Some(opened(FacetSet::ALL, true))];
        let inputs = OpenedInputs::of(opened, &screen(FacetSet::of(&[Facet::Position])));
        let taken: Vec<_> = inputs.open().map(|(_, own)| own.to_string()).collect();
        assert_eq!(taken, ["keys,buttons", "wheel,motion,position,focus,gamepads"]);
        assert!(inputs.sources[1].is_none(), "numbers of sources stay");
        assert!(!inputs.facets().has(Facet::Redaction), "its order is not that of the keys that are taken");
        assert!(inputs.initial.secret.is_some(), "a secret is one, whoever says so");
        assert!(!inputs.keys_know_the_focus());
    }

    #[test]
    fn one_source_gives_what_it_has() {
        let inputs = OpenedInputs::of(vec![Some(opened(FacetSet::ALL, false))], &screen(FacetSet::NONE));
        assert_eq!(inputs.facets(), FacetSet::ALL);
        assert!(inputs.keys_know_the_focus() && inputs.initial.pointer.is_some());
    }
}
