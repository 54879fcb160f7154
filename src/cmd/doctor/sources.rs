//! Ways to the screen and to inputs, tried; and whether inputs really arrive.

use std::sync::Arc;
use std::time::Duration;

use super::check::Check;
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::{Backend, InputPlan, ScreenPlan};
use crate::capture::registry::{self, Choice};
use crate::capture::{
    CaptureError, Facet, FacetSet, InputSink, Look, Outlets, RawInput, ScreenDescription, StopFlag, Target, wayland,
};

/// How long inputs are listened to.
const LISTENED: Duration = Duration::from_secs(1);
/// Inputs that may wait meanwhile: a second of a mouse of 8000 Hz.
const QUEUE: usize = 8192;

/// The display server, where there is more than one kind; one that does not answer is told by what needs it.
pub(super) fn display() -> Option<Check> {
    let kind = registry::server().ok()??;
    let name = std::env::var("DISPLAY").unwrap_or_default();
    let said = wayland::session();
    if kind == "xwayland" {
        let refused = "Xwayland, the part of a Wayland desktop that X11 programs see";
        return Some(Check::no("display", &format!("{name}: {refused}"), Some(wayland::OTHER_SERVER.into())));
    }
    if kind == "wayland" {
        return Some(Check::ok("display", format!("{}: a Wayland compositor", said.unwrap_or_default())));
    }
    let beside = said.map_or_else(String::new, |said| format!("; {said}: the Wayland desktop is not recorded"));
    Some(Check::ok("display", format!("{name}: an X11 server{beside}")))
}

/// The session and the rights of this process, on systems where they decide what can be recorded.
pub(super) fn session() -> Option<Check> {
    registry::session().map(|told| Check::ok("session", told))
}

/// One way to the screen, tried: it takes a picture; one that would ask the person for it says what it has. With it, what it says of itself.
pub(super) fn screen(backend: &'static dyn Backend, clock: &Arc<dyn Clock>) -> (Check, Option<ScreenDescription>) {
    let name = format!("screen ({})", backend.name());
    match backend.offers() {
        Ok(None) => {}
        Ok(Some(told)) => return (Check::ok(name, format!("{}, {told}", kind(backend))), None),
        Err(error) => return (Check::no(name, &error, error.hint()), None),
    }
    let plan = ScreenPlan {
        target: Target::Primary,
        cursor: true,
        exclusions: Arc::default(),
        wait_target: Duration::ZERO,
        clock: Arc::clone(clock),
    };
    let tried = backend
        .ready()
        .and_then(|()| registry::open_screen(Choice::Named(backend), &plan, false))
        .and_then(|open| open(Outlets::closed()))
        .and_then(|mut source| source.look(true).map(|look| (source.describe(), look)));
    match tried {
        Ok((what, look)) => {
            let surface = what.surface;
            let size = format!("{}x{}", surface.width, surface.height);
            let kind = kind(backend);
            let first = match look {
                Look::New { capture_us, .. } => format!("first picture in {capture_us} us"),
                Look::Same { .. } => "no picture yet: nothing has changed on it".to_owned(),
                Look::Hidden { why, .. } => why.told().to_owned(),
            };
            let detail = format!("{kind}, {}: {size}, {first}", what.backend);
            (Check::ok(name, detail), Some(what))
        }
        Err(error) => (Check::no(name, &error, error.hint()), None),
    }
}

/// All inputs, with nothing kept out.
fn plan(may_miss_lock: bool, clock: &Arc<dyn Clock>) -> InputPlan {
    InputPlan {
        gamepads: true,
        exclusions: Arc::default(),
        may_miss_lock,
        poll_period: Duration::from_millis(2),
        clock: Arc::clone(clock),
    }
}

pub(super) fn input(backend: &'static dyn Backend, clock: &Arc<dyn Clock>) -> Check {
    let name = format!("input ({})", backend.name());
    // One that asks the person is not opened here.
    match backend.offers() {
        Ok(None) => {}
        Ok(Some(told)) => return Check::ok(name, format!("{}, {told}", kind(backend))),
        Err(error) => return Check::no(name, &error, error.hint()),
    }
    let plan = plan(false, clock);
    let opened = backend
        .ready()
        .and_then(|()| registry::open_inputs(Choice::Named(backend), &plan))
        .and_then(|inputs| inputs.into_iter().map(|open| open()).collect::<Result<Vec<_>, _>>());
    match opened {
        Ok(sources) => {
            let told: Vec<_> = sources
                .iter()
                .map(|source| source.describe())
                .map(|what| {
                    let facets = what.facets.iter().map(Facet::name).collect::<Vec<_>>().join(", ");
                    let devices = if what.devices.is_empty() {
                        String::new()
                    } else {
                        format!(" of {}", what.devices.join(", "))
                    };
                    format!("{}: {facets}{devices}", what.backend)
                })
                .collect();
            Check::ok(name, format!("{}, {}", kind(backend), told.join("; ")))
        }
        Err(error) => Check::no(name, &error, error.hint()),
    }
}

/// The gamepads that a recording would have, where there are any.
pub(super) fn gamepads(clock: &Arc<dyn Clock>) -> Check {
    const NAME: &str = "gamepads";
    let plan = plan(false, clock);
    match registry::gamepads(Choice::Auto, &plan) {
        Ok((names, _)) if names.is_empty() => Check::ok(NAME, "none is there that may be read".to_owned()),
        Ok((names, _)) => Check::ok(NAME, names.join(", ")),
        Err(error) => Check::no(NAME, &error, error.hint()),
    }
}

/// Listens for a second by what a recording would choose, and counts what arrives; nothing of it is kept. Returns what the sources report, too.
pub(super) fn arriving(clock: &Arc<dyn Clock>) -> (Check, Option<FacetSet>) {
    const NAME: &str = "arriving";
    if let Ok(Some(lacks)) = registry::inputs_that_ask(Choice::Auto) {
        let facets = FacetSet::PROMISED.without(lacks).without(FacetSet::of(&[Facet::Redaction]));
        let detail = "not listened to: the person would be asked, as when recording starts".to_owned();
        return (Check::ok(NAME, detail), Some(facets));
    }
    let plan = plan(true, clock);
    let opens = match registry::open_inputs(Choice::Auto, &plan) {
        Ok(opens) => opens,
        Err(error) => return (Check::no(NAME, &error, error.hint()), None),
    };
    let (queue, arrived) = crossbeam_channel::bounded(QUEUE);
    let stop = StopFlag::new();
    let mut threads = Vec::new();
    for open in opens {
        let (sink, stop) = (InputSink::new(queue.clone()), stop.clone());
        // A source is opened in the thread that runs it.
        let listen = move || -> Result<FacetSet, CaptureError> {
            let source = open()?;
            let facets = source.describe().facets;
            source.run(&sink, &stop).map(|()| facets)
        };
        match std::thread::Builder::new().name("doctor listens".into()).spawn(listen) {
            Ok(thread) => threads.push(thread),
            Err(error) => return (Check::no(NAME, &error, None), None),
        }
    }
    clock.sleep_until(MonoNs(clock.now().0 + LISTENED.as_nanos() as i64));
    stop.set();
    let mut facets = FacetSet::NONE;
    let mut fault = None;
    for thread in threads {
        match thread.join() {
            Ok(Ok(of_one)) => facets = facets.with(of_one),
            Ok(Err(error)) => fault = Some(Check::no(NAME, &error, error.hint())),
            Err(_panicked) => fault = Some(Check::no(NAME, &"the source failed", None)),
        }
    }
    if let Some(fault) = fault {
        return (fault, None);
    }
    let (mut keys, mut motions, mut buttons, mut wheels) = (0_u64, 0_u64, 0_u64, 0_u64);
    for input in arrived.try_iter() {
        match input.input {
            RawInput::Key { .. } => keys += 1,
            RawInput::Motion { .. } => motions += 1,
            RawInput::Button { .. } => buttons += 1,
            RawInput::Wheel { .. } => wheels += 1,
            _ => {}
        }
    }
    let counts = [(keys, "key"), (motions, "motion"), (buttons, "button"), (wheels, "wheel")];
    let told: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| super::super::text::counted(*n, what)).collect();
    let detail = if told.is_empty() {
        "nothing in a second, since nobody touched keyboard or mouse, or since they do not arrive: move the mouse while this runs".to_owned()
    } else {
        format!("in a second: {}", told.join(", "))
    };
    (Check::ok(NAME, detail), Some(facets))
}

fn kind(backend: &dyn Backend) -> &'static str {
    if backend.is_native() { "native" } else { "portable" }
}
