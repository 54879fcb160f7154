//! The backends of this build, in the order in which `auto` takes them. The one place that knows which platform has which.
//!
//! Flags, `doctor`, `targets` and the table in docs/reference/targets.md are made of, or compared with, this list. A new platform is a folder
//! with a [`Backend`] in it, and a line here.

use std::sync::Arc;

use super::backend::{Backend, Gamepads, Grant, InputPlan, ScreenPlan, Targets, Wanted};
#[cfg(all(any(windows, target_os = "macos"), feature = "sound"))]
use super::cpal_sound;
use super::error::CaptureError;
#[cfg(all(target_os = "linux", feature = "evdev"))]
use super::evdev;
use super::facet::FacetSet;
use super::flash::FlashWindow;
use super::input::OpenInput;
#[cfg(all(target_os = "macos", feature = "macos-native"))]
use super::macos;
#[cfg(any(feature = "capture-xcap", feature = "capture-poll"))]
use super::portable;
#[cfg(all(target_os = "linux", feature = "sound"))]
use super::pulse;
use super::recording_sign::{OpenSign, SIGN, SignPlan};
use super::screen::OpenScreen;
use super::sound::{OpenSound, OutputPlan, SoundDevice, SoundOutput, SoundPlan, SoundWanted};
use super::sources::Sources;
use super::synthetic;
#[cfg(all(target_os = "linux", feature = "wayland"))]
use super::wayland_copy;
#[cfg(all(target_os = "linux", feature = "wayland-portal"))]
use super::wayland_portal;
#[cfg(all(windows, feature = "windows-native"))]
use super::windows;
#[cfg(all(target_os = "linux", feature = "x11"))]
use super::x11;
use crate::base::time::Clock;

/// Native ones first: `auto` takes the first that serves.
pub static BACKENDS: &[&dyn Backend] = &[
    #[cfg(all(target_os = "linux", feature = "x11"))]
    &x11::backend::X11,
    #[cfg(all(target_os = "linux", feature = "x11"))]
    &x11::backend::Xi2,
    // Behind X11: `DISPLAY` is a server of its own where it is not Xwayland, which X11 refuses.
    #[cfg(all(target_os = "linux", feature = "wayland"))]
    &wayland_copy::backend::WaylandCopy,
    // Behind that, which needs no dialog.
    #[cfg(all(target_os = "linux", feature = "wayland-portal"))]
    &wayland_portal::backend::WaylandPortal,
    #[cfg(all(target_os = "linux", feature = "evdev"))]
    &evdev::backend::Evdev,
    // Behind each other: what only newer systems have, what takes monitors alone, and what works everywhere.
    #[cfg(all(windows, feature = "windows-native"))]
    &windows::backend::WGC,
    #[cfg(all(windows, feature = "windows-native"))]
    &windows::backend::DXGI,
    #[cfg(all(windows, feature = "windows-native"))]
    &windows::backend::GDI,
    #[cfg(all(windows, feature = "windows-native"))]
    &windows::backend::RawInputs,
    // Beside it, for gamepads.
    #[cfg(all(windows, feature = "windows-native"))]
    &windows::backend::XInputPads,
    #[cfg(all(target_os = "macos", feature = "macos-native"))]
    &macos::backend::ScreenKit,
    #[cfg(all(target_os = "macos", feature = "macos-native"))]
    &macos::backend::EventTap,
    #[cfg(all(target_os = "linux", feature = "sound"))]
    &pulse::backend::Pulse,
    #[cfg(all(any(windows, target_os = "macos"), feature = "sound"))]
    &cpal_sound::backend::Cpal,
    #[cfg(feature = "capture-xcap")]
    &portable::xcap_backend::Xcap,
    #[cfg(feature = "capture-poll")]
    &portable::poll_backend::Poll,
    &synthetic::backend::Synthetic,
];

/// What [`CaptureError::Unavailable`] calls gamepads.
pub const GAMEPADS: &str = "gamepads";

/// The value of a flag that lets the registry choose.
pub const AUTO: &str = "auto";

/// Which backend serves a stream: the first that does, or one by its name.
#[derive(Clone, Copy, Default)]
pub enum Choice {
    /// The first native one, or a portable one where there is none.
    #[default]
    Auto,
    /// This one.
    Named(&'static dyn Backend),
}

impl Choice {
    /// Returns the backend that was chosen by name.
    pub fn named(self) -> Option<&'static dyn Backend> {
        match self {
            Self::Auto => None,
            Self::Named(backend) => Some(backend),
        }
    }

    /// Returns what `auto` means for these backends, or the one that was chosen.
    fn candidates(self, of: Vec<&'static dyn Backend>) -> Vec<&'static dyn Backend> {
        match self {
            Self::Auto => of,
            Self::Named(backend) => vec![backend],
        }
    }
}

/// Returns the backends that have pictures.
pub fn screens() -> impl Iterator<Item = &'static dyn Backend> {
    BACKENDS.iter().copied().filter(|backend| backend.serves().screen)
}

/// Returns the backends that have inputs.
pub fn inputs() -> impl Iterator<Item = &'static dyn Backend> {
    BACKENDS.iter().copied().filter(|backend| backend.serves().input)
}

/// Returns the backends that have sound.
pub fn sounds() -> impl Iterator<Item = &'static dyn Backend> {
    BACKENDS.iter().copied().filter(|backend| backend.serves().sound)
}

/// Returns the choice that a flag's value names among these backends; `None` for a name that none of them has.
pub fn choice(of: impl Iterator<Item = &'static dyn Backend>, name: &str) -> Option<Choice> {
    if name == AUTO {
        return Some(Choice::Auto);
    }
    of.into_iter().find(|backend| backend.name() == name).map(Choice::Named)
}

/// Opens the window of `sync-test`, on the systems that have one.
///
/// # Errors
/// When there is no display, or none that this build has such a window for.
pub fn flash_window(clock: &Arc<dyn Clock>) -> Result<Box<dyn FlashWindow + Send>, CaptureError> {
    #[cfg(all(target_os = "linux", feature = "x11"))]
    return x11::flash::open(Arc::clone(clock));
    #[cfg(not(all(target_os = "linux", feature = "x11")))]
    {
        let _ = clock;
        Err(CaptureError::Unavailable {
            backend: "sync-test",
            what: "a window".into(),
            detail: "this build has none for this system; X11 has".into(),
        })
    }
}

/// Opens a place where sound is heard, on the systems that have one.
///
/// # Errors
/// When there is no sound server, or none that this build plays through.
pub fn sound_output(plan: &OutputPlan) -> Result<Box<dyn SoundOutput>, CaptureError> {
    #[cfg(all(target_os = "linux", feature = "sound"))]
    return pulse::output::open(plan);
    #[cfg(not(all(target_os = "linux", feature = "sound")))]
    {
        let _ = plan;
        Err(CaptureError::Unavailable {
            backend: "replay",
            what: "audio".into(),
            detail: "this build plays no sound on this system; PulseAudio and PipeWire are played through".into(),
        })
    }
}

/// Prepares the sources of a recording; they open in the threads that use them.
///
/// # Errors
/// [`CaptureError::Unavailable`] when this build has no backend for a stream, and what [`Backend::ask`] says.
pub fn sources(
    (screen, plan): (Choice, &ScreenPlan),
    input: Option<(Choice, &InputPlan)>,
) -> Result<Sources, CaptureError> {
    let opening = open_screen(screen, plan, input.is_some())?;
    let inputs = input.map_or_else(|| Ok(Vec::new()), |(choice, plan)| open_inputs(choice, plan))?;
    Ok(Sources { screen: opening, inputs, sounds: Vec::new(), sign: None })
}

/// Prepares the screen. Under `auto`, a backend that is for another kind of desktop, or turns out to be unavailable, is followed by the next: a
/// portable one is slower and knows less, and works.
///
/// # Errors
/// As [`sources`].
pub fn open_screen(choice: Choice, plan: &ScreenPlan, input: bool) -> Result<OpenScreen, CaptureError> {
    let mut ways = Vec::new();
    for backend in choice.candidates(screens().collect()) {
        // Only the first is asked beforehand; the others are a way out.
        let wanted = Wanted { screen: true, input: input && backend.serves().input, ..Wanted::default() };
        let grant = if ways.is_empty() { backend.ask(wanted)? } else { Grant::default() };
        ways.extend(backend.screen(plan, &grant).map(|open| (backend, open)));
    }
    if ways.is_empty() {
        return Err(none_of("screen"));
    }
    Ok(Box::new(move |outlets| {
        let mut refused: Option<CaptureError> = None;
        let mut passed: Vec<String> = Vec::new();
        for (backend, open) in ways {
            match open(outlets.clone()) {
                Err(error) if is_elsewhere(&error) => refused = Some(refused.unwrap_or(error)),
                // It says more than that the desktop is of another kind.
                Err(error @ (CaptureError::Unavailable { .. } | CaptureError::Portal { .. })) => {
                    tracing::info!(%error, "another way to the screen is tried");
                    passed.push(error.to_string());
                    refused = Some(error);
                }
                Ok(mut source) => {
                    if !passed.is_empty() {
                        source.passed_over(&passed);
                    }
                    // One native way behind another is as good: they are for different desktops.
                    if let Some(error) = refused.filter(|error| !is_elsewhere(error) && !backend.is_native()) {
                        tracing::warn!(%error, "the screen is taken through {}", backend.name());
                    }
                    return Ok(source);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refused.unwrap_or_else(|| none_of("screen")))
    }))
}

/// Prepares the sign that says that the screen is recorded: that of the backend that has opened the screen.
pub fn sign(plan: &SignPlan) -> OpenSign {
    let mut signs: Vec<(&'static dyn Backend, Option<OpenSign>)> =
        screens().map(|backend| (backend, backend.sign(plan))).collect();
    Box::new(move |screen, areas| {
        // A screen names its backend and its way (`x11-shm`).
        let of_screen = signs.iter_mut().filter(|(backend, _)| screen.backend.starts_with(backend.name()));
        match of_screen.max_by_key(|(backend, _)| backend.name().len()) {
            Some((_, Some(open))) => open(screen, areas),
            found => {
                let backend = found.map_or(THIS_BUILD, |(backend, _)| backend.name());
                let detail = "it takes pictures and shows nothing".into();
                Err(CaptureError::Unavailable { backend, what: SIGN.into(), detail })
            }
        }
    })
}

/// Prepares the inputs of the backend that was chosen; under `auto` of the first that is ready, or of the first, which then says why it
/// is not. Not of a portable one where there is a native one: it would miss inputs without a word.
///
/// # Errors
/// As [`sources`].
pub fn open_inputs(choice: Choice, plan: &InputPlan) -> Result<Vec<OpenInput>, CaptureError> {
    let backend = input_backend(choice)?;
    let grant = backend.ask(Wanted { input: true, ..Wanted::default() })?;
    Ok(backend.inputs(plan, &grant))
}

/// Returns what the inputs that would be chosen are known to lack, where opening them would ask the person; else `None`.
///
/// # Errors
/// As [`open_inputs`].
pub fn inputs_that_ask(choice: Choice) -> Result<Option<FacetSet>, CaptureError> {
    let backend = input_backend(choice)?;
    Ok(backend.offers()?.map(|_| backend.lacks()))
}

/// Prepares the gamepads: the names of those that are there, and the source beside that of the other inputs, where that does not report them itself.
///
/// # Errors
/// [`CaptureError::Unavailable`] of [`GAMEPADS`] when this build has no backend for them, and why those that are there may not be recorded.
pub fn gamepads(choice: Choice, plan: &InputPlan) -> Result<(Vec<String>, Option<OpenInput>), CaptureError> {
    let main = input_backend(choice)?;
    for backend in inputs() {
        if let Some(Gamepads { names, open }) = backend.gamepads(plan)? {
            return Ok((names, (backend.name() != main.name()).then_some(open)));
        }
    }
    Err(none_of(GAMEPADS))
}

/// Returns the backend of the inputs.
fn input_backend(choice: Choice) -> Result<&'static dyn Backend, CaptureError> {
    let mut candidates = choice.candidates(inputs().collect());
    if candidates.iter().any(|backend| backend.is_native()) {
        candidates.retain(|backend| backend.is_native());
    }
    // The first that is ready; else one that is for this kind of desktop, which says what it lacks.
    let tried: Vec<_> =
        candidates.iter().map(|backend| (backend, (candidates.len() > 1).then(|| backend.ready()))).collect();
    let ready = tried.iter().find(|(_, ready)| matches!(ready, Some(Ok(()))));
    let lacking = || tried.iter().find(|(_, ready)| matches!(ready, Some(Err(error)) if !is_elsewhere(error)));
    ready.or_else(lacking).or_else(|| tried.first()).map(|(backend, _)| **backend).ok_or_else(|| none_of("input"))
}

/// Prepares a device of sound: by its name of the backend that lists it, by its role of the first native backend that is ready.
///
/// # Errors
/// [`CaptureError::NoDevice`] for a name that no backend lists, [`CaptureError::Unavailable`] when no backend serves, and what
/// [`Backend::ask`] says.
pub fn open_sound(plan: &SoundPlan) -> Result<OpenSound, CaptureError> {
    let backend = match &plan.wanted {
        SoundWanted::Device(name) => {
            let has = |device: &SoundDevice| device.id == *name;
            let lists = |backend: &&dyn Backend| backend.sounds().is_ok_and(|devices| devices.iter().any(has));
            sounds().find(lists).ok_or_else(|| CaptureError::NoDevice { wanted: name.clone() })?
        }
        SoundWanted::Role(_) => {
            let native = || sounds().filter(|backend| backend.is_native());
            let first = native().next().ok_or_else(|| none_of("audio"))?;
            match native().find(|backend| backend.ready().is_ok()) {
                Some(ready) => ready,
                None => return first.ready().and(Err(none_of("audio"))),
            }
        }
    };
    let grant = backend.ask(Wanted { sound: true, ..Wanted::default() })?;
    backend.sound(plan, &grant).ok_or_else(|| none_of("audio"))
}

/// Lists the devices of sound of every backend that tells, with their backend.
pub fn sound_devices() -> Vec<(&'static dyn Backend, SoundDevice)> {
    let of = |backend: &'static dyn Backend| {
        let devices = backend.sounds().unwrap_or_else(|error| {
            tracing::debug!(backend = backend.name(), %error, "lists no devices of sound");
            Vec::new()
        });
        devices.into_iter().map(move |device| (backend, device))
    };
    sounds().flat_map(of).collect()
}

/// Whether the backend that calls itself so in the metadata can record a window alone, where it cannot mask those on a monitor.
pub fn offers_window_alone(said: &str) -> bool {
    screens().any(|backend| said.starts_with(backend.name()) && backend.offers_window_alone())
}

/// Has the system ask the person for what recording needs, through every backend that can have it asked. Returns what came of it.
pub fn request() -> Vec<(&'static dyn Backend, Result<String, CaptureError>)> {
    BACKENDS.iter().filter_map(|backend| Some((*backend, backend.request().transpose()?))).collect()
}

/// Lists what can be recorded on this machine.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is no display.
pub fn targets() -> Result<Targets, CaptureError> {
    let found = first_of(|backend| if backend.ready().is_ok() { backend.targets() } else { Ok(None) })?;
    // Of one that cannot be recorded the list still says what there is.
    found.map_or_else(|| first_of(super::backend::Backend::targets)?.ok_or_else(|| none_of("targets")), Ok)
}

/// Returns the kind of display server that is recorded: `x11`, or `xwayland`, which is refused. `None` where a system has only one.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is no display.
pub fn server() -> Result<Option<&'static str>, CaptureError> {
    let found = first_of(|backend| if backend.ready().is_ok() { backend.display_kind() } else { Ok(None) })?;
    found.map_or_else(|| first_of(super::backend::Backend::display_kind), |kind| Ok(Some(kind)))
}

/// Says what of the session and of this process bears on what can be recorded; `None` where nothing does.
pub fn session() -> Option<String> {
    inputs().find_map(Backend::session)
}

/// Asks the backends of screens in turn. One that is for another kind of desktop has no say, unless nobody has.
fn first_of<T>(
    ask: impl Fn(&'static dyn Backend) -> Result<Option<T>, CaptureError>,
) -> Result<Option<T>, CaptureError> {
    let mut elsewhere = None;
    for backend in screens() {
        match ask(backend) {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(error) if is_elsewhere(&error) => elsewhere = Some(elsewhere.unwrap_or(error)),
            Err(error) => return Err(error),
        }
    }
    elsewhere.map_or(Ok(None), Err)
}

/// Whether a backend says that it is for another kind of desktop than this one.
fn is_elsewhere(error: &CaptureError) -> bool {
    use CaptureError::{NoCompositor, NoDisplay, NoPortal, Wayland};
    matches!(error, NoDisplay { .. } | NoCompositor { .. } | NoPortal { .. } | Wayland { .. })
}

const THIS_BUILD: &str = "this build";

fn none_of(what: &str) -> CaptureError {
    let detail = "it was compiled without a backend for that".to_owned();
    CaptureError::Unavailable { backend: THIS_BUILD, what: what.into(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_given_twice_and_native_ones_come_first() {
        for list in [screens().collect::<Vec<_>>(), inputs().collect(), sounds().collect()] {
            let names: std::collections::BTreeSet<_> = list.iter().map(|backend| backend.name()).collect();
            assert_eq!(names.len(), list.len());
            assert!(!names.contains(AUTO) && list.iter().all(|backend| !backend.about().is_empty()));
            assert!(list.is_sorted_by_key(|backend| !backend.is_native()));
        }
        assert!(BACKENDS.iter().all(|backend| backend.serves() != Wanted::default()));
    }

    /// The table that people read says the same: one line for each backend, with its streams and its words.
    #[test]
    fn the_documentation_lists_every_backend() {
        let table = include_str!("../../docs/reference/targets.md");
        let rows: Vec<Vec<&str>> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect())
            .collect();
        let row = |name: &str| rows.iter().find(|row| row[0] == name && row.len() == 4);
        for backend in BACKENDS {
            let row = row(backend.name()).unwrap_or_else(|| panic!("no line for {}", backend.name()));
            let Wanted { screen, input, sound } = backend.serves();
            let streams = [(screen, "screen"), (input, "input"), (sound, "audio")];
            let streams: Vec<_> = streams.into_iter().filter_map(|(has, name)| has.then_some(name)).collect();
            assert_eq!(row[1], streams.join(", "), "{}", backend.name());
            assert_eq!(row[2], if backend.is_native() { "native" } else { "portable" }, "{}", backend.name());
            assert_eq!(row[3].trim_end_matches('|').trim(), backend.about());
        }
    }
}
