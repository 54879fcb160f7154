//! Input by polling the state of keys, buttons and pointer through `device_query`, on any system it knows.
//!
//! A poll sees states, not events: a tap shorter than the period is missed, and all that is found in one poll carries
//! that poll's time, at most a period after it happened. So everything from here is labelled `source=poll`, and the
//! period is in the metadata. Invariant: what is handed over is a change of state between two polls, so that no repeat
//! and no second press without a release can appear.
//!
//! What it does not do: wheels, relative motion, which window is active, buttons beyond what the system tells (X11:
//! three), keys outside `device_query`'s table (PrintScreen, ScrollLock, Pause, NumLock, ContextMenu, the 102nd key,
//! media keys). On Windows the keys of the punctuation block go by the layout, not by their place.
//!
//! Two faults of the library are dealt with here. It prints to stderr when there is no display: that is found out before
//! it is asked. And when the X server goes away, libX11 ends the whole process, with the recording in it: the library is
//! used in a thread of its own, and libX11 is told to stop that thread instead. A connection of our own then tells that
//! the server is gone (without the feature `x11` there is none: the thread's silence tells it).

#![cfg_attr(
    all(unix, not(target_os = "macos")),
    expect(unsafe_code, reason = "libX11's handler for a broken connection can only be set through its C interface")
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use device_query::{DeviceQuery, DeviceState, Keycode, MouseState};

use crate::base::event::{Button, HidUsage, Layout, Source};
use crate::base::hid;
use crate::base::time::{Clock, MonoNs};
#[cfg(all(target_os = "linux", feature = "x11"))]
use crate::capture::x11::input::ServerWatch;
use crate::capture::{
    CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag,
};

/// Polls on their way from the polling thread: at the shortest period, what 64 ms bring; each is under 1 KB.
const QUEUE: usize = 64;
/// A server that did not answer for this long is gone, where nothing else tells. Servers stall for seconds when the
/// machine is short of memory, and for as long as a client holds a grab of the server, which is less.
const SILENCE: Duration = Duration::from_secs(10);

/// Shortest period: at 1 kHz a poll costs 5 % of a core; faster ones have not been measured to find more.
pub const MIN_PERIOD: Duration = Duration::from_millis(1);
/// Longest period: half of the 100 ms in which [`InputSource::run`] must obey `stop`.
pub const MAX_PERIOD: Duration = Duration::from_millis(50);

/// Opens the polled input of the desktop, asked every `period` (kept within [`MIN_PERIOD`] and [`MAX_PERIOD`]).
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is no X display (Unix), [`CaptureError::Wayland`] when it is Xwayland, [`CaptureError::Unavailable`] when the system does
/// not let this program read input (macOS: Accessibility).
pub fn open(clock: Arc<dyn Clock>, period: Duration) -> Result<Box<dyn InputSource>, CaptureError> {
    let _connected = super::refuse_wayland()?;
    #[cfg(all(unix, not(target_os = "macos")))]
    if std::env::var_os("DISPLAY").is_none_or(|display| display.is_empty()) {
        return Err(CaptureError::NoDisplay { detail: "the DISPLAY variable is not set".into() });
    }
    #[cfg(all(target_os = "linux", feature = "x11"))]
    let watch = ServerWatch::open(None)?;
    let period = period.clamp(MIN_PERIOD, MAX_PERIOD);
    let stop = StopFlag::new();
    let (sender, polls) = crossbeam_channel::bounded(QUEUE);
    let poller = Poller { clock: Arc::clone(&clock), period, stop: stop.clone(), polls: sender };
    std::thread::Builder::new()
        .name("poll-input".into())
        .spawn(move || poller.run())
        .map_err(|error| CaptureError::System { what: "starting a thread", detail: error.to_string() })?;
    let first = match polls.recv_timeout(SILENCE) {
        Ok((_, first)) => first,
        Err(RecvTimeoutError::Timeout) => {
            stop.set();
            return Err(CaptureError::NoDisplay { detail: "it does not answer".into() });
        }
        Err(RecvTimeoutError::Disconnected) => {
            return Err(CaptureError::Unavailable {
                backend: "poll",
                what: "input".into(),
                detail: "the system does not let this program read keyboard and mouse".into(),
            });
        }
    };
    Ok(Box::new(Poll {
        #[cfg(all(target_os = "linux", feature = "x11"))]
        watch,
        clock,
        period,
        held: first,
        polls,
        stop,
    }))
}

/// What is held and where the pointer is, at one poll.
#[derive(Clone, PartialEq)]
struct Held {
    keys: BTreeSet<&'static str>,
    buttons: BTreeSet<Button>,
    pointer: (i32, i32),
}

/// The thread that uses the library. It may be stopped for good inside it, so nothing waits for its end.
struct Poller {
    clock: Arc<dyn Clock>,
    period: Duration,
    stop: StopFlag,
    polls: Sender<(MonoNs, Held)>,
}

impl Poller {
    fn run(self) {
        survive_the_server();
        let Some(state) = DeviceState::checked_new() else { return };
        let mut due = self.clock.now();
        while !self.stop.is_set() {
            let held = Held::read(&state);
            // After the reading: never before what it found.
            let now = self.clock.now();
            if self.polls.send((now, held)).is_err() {
                return;
            }
            due = next_due(due, self.period, now);
            self.clock.sleep_until(due);
        }
    }
}

struct Poll {
    #[cfg(all(target_os = "linux", feature = "x11"))]
    watch: ServerWatch,
    clock: Arc<dyn Clock>,
    period: Duration,
    held: Held,
    polls: Receiver<(MonoNs, Held)>,
    /// Ends the polling thread.
    stop: StopFlag,
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.stop.set();
    }
}

impl Held {
    fn read(state: &DeviceState) -> Self {
        let mouse = state.get_mouse();
        Self {
            keys: state.get_keys().into_iter().map(code_of).collect(),
            buttons: buttons(&mouse),
            pointer: mouse.coords,
        }
    }

    fn position(&self) -> (f64, f64) {
        (f64::from(self.pointer.0), f64::from(self.pointer.1))
    }

    /// What changed from this state to the next one. The order inside a poll cannot be known: the pointer goes first,
    /// so that a click is where the pointer is, and releases go before presses.
    fn changes_to(&self, next: &Self) -> Vec<RawInput> {
        let mut changes = Vec::new();
        let position = Some(next.position());
        if next.pointer != self.pointer {
            changes.push(RawInput::Motion { position, motion: None, warped: false });
        }
        let key = |code: &&'static str, down| {
            let (usage, native) = names_of(code);
            RawInput::Key { usage, native, down, repeat: false }
        };
        changes.extend(self.keys.difference(&next.keys).map(|code| key(code, false)));
        changes.extend(next.keys.difference(&self.keys).map(|code| key(code, true)));
        let button = |button: &Button, pressed| RawInput::Button { button: *button, pressed, position };
        changes.extend(self.buttons.difference(&next.buttons).map(|b| button(b, false)));
        changes.extend(next.buttons.difference(&self.buttons).map(|b| button(b, true)));
        changes
    }
}

impl InputSource for Poll {
    fn describe(&self) -> InputDescription {
        InputDescription {
            backend: Source::Poll.name().into(),
            devices: Vec::new(),
            keyboard_layout: None,
            warps: None,
            poll_us: u64::try_from(self.period.as_micros()).ok(),
            facets: FacetSet::of(&[Facet::Keys, Facet::Buttons, Facet::Position]),
        }
    }

    fn initial(&self) -> InitialState {
        InitialState {
            keys: self.held.keys.iter().map(|code| names_of(code)).collect(),
            buttons: self.held.buttons.iter().copied().collect(),
            pointer: Some(self.held.position()),
            secret: None,
            layout: Layout::default(),
            pads: Vec::new(),
        }
    }

    fn run(mut self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let mut heard = self.clock.now();
        while !stop.is_set() {
            match self.polls.recv_timeout(MAX_PERIOD) {
                Ok((t, next)) => {
                    heard = t;
                    for change in self.held.changes_to(&next) {
                        sink.send(t, Source::Poll, change);
                    }
                    self.held = next;
                }
                Err(RecvTimeoutError::Timeout) => {
                    #[cfg(all(target_os = "linux", feature = "x11"))]
                    self.watch.check()?;
                    if self.clock.now().since(heard) > SILENCE {
                        let detail = format!("no answer for {} s", SILENCE.as_secs());
                        return Err(CaptureError::Gone { what: "display", detail });
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(CaptureError::Gone { what: "display", detail: "the polling thread ended".into() });
                }
            }
        }
        Ok(())
    }
}

/// Has libX11 stop the thread that finds its connection broken, where its default is to end the process. The handler
/// is the process's: no other part of this program uses libX11.
#[cfg(all(unix, not(target_os = "macos")))]
fn survive_the_server() {
    /// libX11 exits once this returns, so it does not.
    unsafe extern "C" fn stay(_: *mut x11::xlib::Display) -> std::ffi::c_int {
        loop {
            std::thread::park();
        }
    }
    // SAFETY: the function only stores the pointer; `stay` has the type it asks for, lives as long as the process,
    // touches none of its arguments and never unwinds.
    unsafe { x11::xlib::XSetIOErrorHandler(Some(stay)) };
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn survive_the_server() {}

/// The next deadline; polls that were missed are left out, not made up for.
fn next_due(due: MonoNs, period: Duration, now: MonoNs) -> MonoNs {
    let next = due.plus(period);
    if next > now { next } else { now.plus(period) }
}

/// Usage and X11 keycode of a key; elsewhere the library does not tell the system's own code, and it is 0.
fn names_of(code: &str) -> (Option<HidUsage>, u32) {
    let usage = hid::usage_of_code(code);
    let native = if cfg!(target_os = "linux") { usage.and_then(hid::x11_of_usage) } else { None };
    (usage, native.unwrap_or(0))
}

/// The library's button numbers: on X11 those of the server, whose fourth and fifth are the wheel; elsewhere the
/// second is the right one, and the fourth and fifth are the extra ones.
const BUTTONS: [Option<Button>; 6] = if cfg!(target_os = "linux") {
    [None, Some(Button::Left), Some(Button::Middle), Some(Button::Right), None, None]
} else {
    [None, Some(Button::Left), Some(Button::Right), Some(Button::Middle), Some(Button::X1), Some(Button::X2)]
};

fn buttons(mouse: &MouseState) -> BTreeSet<Button> {
    // macOS has a shorter list.
    mouse.button_pressed.iter().zip(BUTTONS).filter_map(|(pressed, button)| button.filter(|_| *pressed)).collect()
}

/// The W3C code of a key of the library.
fn code_of(key: Keycode) -> &'static str {
    match key {
        Keycode::Key0 => "Digit0",
        Keycode::Key1 => "Digit1",
        Keycode::Key2 => "Digit2",
        Keycode::Key3 => "Digit3",
        Keycode::Key4 => "Digit4",
        Keycode::Key5 => "Digit5",
        Keycode::Key6 => "Digit6",
        Keycode::Key7 => "Digit7",
        Keycode::Key8 => "Digit8",
        Keycode::Key9 => "Digit9",
        Keycode::A => "KeyA",
        Keycode::B => "KeyB",
        Keycode::C => "KeyC",
        Keycode::D => "KeyD",
        Keycode::E => "KeyE",
        Keycode::F => "KeyF",
        Keycode::G => "KeyG",
        Keycode::H => "KeyH",
        Keycode::I => "KeyI",
        Keycode::J => "KeyJ",
        Keycode::K => "KeyK",
        Keycode::L => "KeyL",
        Keycode::M => "KeyM",
        Keycode::N => "KeyN",
        Keycode::O => "KeyO",
        Keycode::P => "KeyP",
        Keycode::Q => "KeyQ",
        Keycode::R => "KeyR",
        Keycode::S => "KeyS",
        Keycode::T => "KeyT",
        Keycode::U => "KeyU",
        Keycode::V => "KeyV",
        Keycode::W => "KeyW",
        Keycode::X => "KeyX",
        Keycode::Y => "KeyY",
        Keycode::Z => "KeyZ",
        Keycode::F1 => "F1",
        Keycode::F2 => "F2",
        Keycode::F3 => "F3",
        Keycode::F4 => "F4",
        Keycode::F5 => "F5",
        Keycode::F6 => "F6",
        Keycode::F7 => "F7",
        Keycode::F8 => "F8",
        Keycode::F9 => "F9",
        Keycode::F10 => "F10",
        Keycode::F11 => "F11",
        Keycode::F12 => "F12",
        Keycode::F13 => "F13",
        Keycode::F14 => "F14",
        Keycode::F15 => "F15",
        Keycode::F16 => "F16",
        Keycode::F17 => "F17",
        Keycode::F18 => "F18",
        Keycode::F19 => "F19",
        Keycode::F20 => "F20",
        Keycode::Escape => "Escape",
        Keycode::Space => "Space",
        Keycode::LControl => "ControlLeft",
        Keycode::RControl => "ControlRight",
        Keycode::LShift => "ShiftLeft",
        Keycode::RShift => "ShiftRight",
        Keycode::LAlt | Keycode::LOption => "AltLeft",
        Keycode::RAlt | Keycode::ROption => "AltRight",
        Keycode::Command | Keycode::LMeta => "MetaLeft",
        Keycode::RCommand | Keycode::RMeta => "MetaRight",
        Keycode::Enter => "Enter",
        Keycode::Up => "ArrowUp",
        Keycode::Down => "ArrowDown",
        Keycode::Left => "ArrowLeft",
        Keycode::Right => "ArrowRight",
        Keycode::Backspace => "Backspace",
        Keycode::CapsLock => "CapsLock",
        Keycode::Tab => "Tab",
        Keycode::Home => "Home",
        Keycode::End => "End",
        Keycode::PageUp => "PageUp",
        Keycode::PageDown => "PageDown",
        Keycode::Insert => "Insert",
        Keycode::Delete => "Delete",
        Keycode::Numpad0 => "Numpad0",
        Keycode::Numpad1 => "Numpad1",
        Keycode::Numpad2 => "Numpad2",
        Keycode::Numpad3 => "Numpad3",
        Keycode::Numpad4 => "Numpad4",
        Keycode::Numpad5 => "Numpad5",
        Keycode::Numpad6 => "Numpad6",
        Keycode::Numpad7 => "Numpad7",
        Keycode::Numpad8 => "Numpad8",
        Keycode::Numpad9 => "Numpad9",
        Keycode::NumpadSubtract => "NumpadSubtract",
        Keycode::NumpadAdd => "NumpadAdd",
        Keycode::NumpadDivide => "NumpadDivide",
        Keycode::NumpadMultiply => "NumpadMultiply",
        Keycode::NumpadEquals => "NumpadEqual",
        Keycode::NumpadEnter => "NumpadEnter",
        Keycode::NumpadDecimal => "NumpadDecimal",
        Keycode::Grave => "Backquote",
        Keycode::Minus => "Minus",
        Keycode::Equal => "Equal",
        Keycode::LeftBracket => "BracketLeft",
        Keycode::RightBracket => "BracketRight",
        Keycode::BackSlash => "Backslash",
        Keycode::Semicolon => "Semicolon",
        Keycode::Apostrophe => "Quote",
        Keycode::Comma => "Comma",
        Keycode::Dot => "Period",
        Keycode::Slash => "Slash",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(keys: &[Keycode], buttons: &[Button], pointer: (i32, i32)) -> Held {
        Held { keys: keys.iter().copied().map(code_of).collect(), buttons: buttons.iter().copied().collect(), pointer }
    }

    #[test]
    fn every_key_of_the_library_has_a_usage() {
        // The library's own names, written by its Display, go back through its FromStr: all that can be listed.
        let plain = "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z Escape Space LControl RControl LShift RShift \
            LAlt RAlt Command RCommand LOption ROption LMeta RMeta Enter Up Down Left Right Backspace CapsLock Tab \
            Home End PageUp PageDown Insert Delete NumpadSubtract NumpadAdd NumpadDivide NumpadMultiply NumpadEquals \
            NumpadEnter NumpadDecimal Grave Minus Equal LeftBracket RightBracket BackSlash Semicolon Apostrophe \
            Comma Dot Slash";
        let numbered = (0..10).flat_map(|n| [format!("Key{n}"), format!("Numpad{n}"), format!("F{}", n + 1)]);
        let mut usages = BTreeSet::new();
        for name in plain.split_whitespace().map(str::to_owned).chain(numbered) {
            let key: Keycode = name.parse().expect("a key of the library");
            let (usage, native) = names_of(code_of(key));
            usages.insert(usage.unwrap_or_else(|| panic!("{name} has no usage")));
            assert_eq!(native != 0, cfg!(target_os = "linux"), "{name}");
        }
        // 102 names; Command, RCommand, LOption and ROption are other names of Meta and Alt.
        assert_eq!(usages.len(), 98);
    }

    #[test]
    fn changes_are_the_difference_of_two_polls() {
        let before = held(&[Keycode::A, Keycode::LShift], &[Button::Left], (10, 10));
        let after = held(&[Keycode::LShift, Keycode::B], &[Button::Right], (12, 10));
        let position = Some((12.0, 10.0));
        let key = |code, down| {
            let (usage, native) = names_of(code);
            RawInput::Key { usage, native, down, repeat: false }
        };
        let expected = [
            RawInput::Motion { position, motion: None, warped: false },
            key("KeyA", false),
            key("KeyB", true),
            RawInput::Button { button: Button::Left, pressed: false, position },
            RawInput::Button { button: Button::Right, pressed: true, position },
        ];
        assert!(before.changes_to(&after) == expected, "not these changes in this order");
        assert!(after.changes_to(&after).is_empty(), "a held key was told again");
    }

    #[test]
    fn a_late_poll_is_not_made_up_for() {
        let ms = |n: i64| MonoNs(n * 1_000_000);
        let period = Duration::from_millis(5);
        assert_eq!(next_due(ms(10), period, ms(12)), ms(15));
        assert_eq!(next_due(ms(10), period, ms(40)), ms(45));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_servers_second_button_is_the_middle_one() {
        let mouse = |n: usize| MouseState { coords: (0, 0), button_pressed: (0..6).map(|i| i == n).collect() };
        let found: Vec<_> = (0..6).map(|n| buttons(&mouse(n)).first().copied()).collect();
        assert_eq!(found, [None, Some(Button::Left), Some(Button::Middle), Some(Button::Right), None, None]);
    }
}
