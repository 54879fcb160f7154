//! Inputs by Raw Input, in a thread with a window that is not shown.
//!
//! Events carry no time of their own, so an input has the time at which it was taken: the thread does nothing else. Keys, buttons, both wheels and
//! motion come from every keyboard and mouse, whatever window is active, and are what the devices sent: motion is before the system's
//! acceleration, and the pointer's place stands beside it. The active window is looked at behind each batch with keys or buttons, when the system
//! says that it is another, and every tenth of a second. What may move the focus within it (Tab, Enter, a click) ends a batch: what is typed behind
//! that goes elsewhere.

use std::sync::Arc;
use std::time::Duration;

use super::asker::Asker;
use super::ffi::{self, Heard, Listener, Programs};
use super::field::{Field, Fields, SETTLES};
use super::front::{Front, Fronts, layout};
use super::held::{Held, UNKNOWN, What};
use super::keys::{self, KeyNews, KeyPacket, Keys};
use super::mouse::{self, MousePacket, Setting};
use super::places::{self, Monitor};
use super::presence::{self, Presence};
use super::unheard::{self, Unheard};
use crate::base::event::{Button, Source};
use crate::base::time::{Clock, MonoNs};
use crate::capture::backend::InputPlan;
use crate::capture::{
    CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag,
};

/// The name of this way.
pub(super) const RAW_INPUT: &str = "rawinput";
/// How long is waited at once.
const WAIT_MS: u32 = 20;
/// The active window is looked at this often when nothing else has it looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The word in `gap` rows for inputs that are kept away, and what is told of it.
const UNHEARD: &str = "input_withheld";
const UNHEARD_TOLD: &str = "the pointer moves and no input comes: Windows keeps those of windows that run as administrator from programs that do not. Run watchcap as administrator to record them";
/// Virtual keys of the buttons of a mouse.
const BUTTONS: [(u16, Button); 5] =
    [(1, Button::Left), (2, Button::Right), (4, Button::Middle), (5, Button::X1), (6, Button::X2)];
/// Virtual keys that stand for either side of a keyboard; each side has one of its own.
const EITHER_SIDE: [u16; 3] = [0x10, 0x11, 0x12];

pub(super) struct RawInputs {
    clock: Arc<dyn Clock>,
    listener: Listener,
    programs: Programs,
    fronts: Fronts,
    /// Who is asked about fields for passwords, where something is withheld and the system has somebody; and what the answers are about.
    asker: Option<Asker>,
    fields: Fields,
    keys: Keys,
    held: Held,
    setting: Setting,
    looked: MonoNs,
    /// Whether inputs go to the person's desktop.
    presence: Presence,
    /// Whether inputs come where the pointer moves, and whether some came since the last look.
    unheard: Unheard,
    heard: bool,
    description: InputDescription,
    initial: InitialState,
}

fn setting(monitors: &[Monitor]) -> Setting {
    let desktop = ffi::desktop();
    let primary = places::monitor(monitors, None).map_or(desktop, |monitor| monitor.area);
    Setting { primary, desktop, swapped: ffi::are_buttons_swapped() }
}

/// Opens the keyboards and mice of the desktop.
///
/// # Errors
/// [`CaptureError::Unavailable`] when the system refuses.
pub(super) fn open(plan: &InputPlan) -> Result<Box<dyn InputSource>, CaptureError> {
    ffi::be_aware_of_pixels();
    let refused = |detail| CaptureError::Unavailable { backend: RAW_INPUT, what: "input".into(), detail };
    let listener = Listener::open().map_err(refused)?;
    let mut programs = Programs::default();
    let front = ffi::front(&mut programs, &ffi::monitors());
    let number = front.as_ref().map_or(0, |front| front.layout);
    let fronts = Fronts::new(Arc::clone(&plan.exclusions), front.as_ref());
    let setting = setting(&ffi::monitors());
    let mut held = Held::default();
    let mut initial = InitialState {
        pointer: ffi::pointer(),
        layout: layout(number),
        secret: fronts.secret(front.as_ref()),
        ..InitialState::default()
    };
    for vkey in (0x08..=0xfe).filter(|vkey| !EITHER_SIDE.contains(vkey) && ffi::is_down(*vkey)) {
        let packet = KeyPacket { device: UNKNOWN, make: 0, flags: 0, vkey };
        if let KeyNews::Key(code, _) = keys::read(&packet, ffi::make_of)
            && held.press(UNKNOWN, What::Key(code))
        {
            initial.keys.push((keys::usage_of(code), code.into()));
        }
    }
    for (_, button) in BUTTONS.into_iter().filter(|(vkey, _)| ffi::is_down(*vkey)) {
        let button = mouse::named(button, setting.swapped);
        held.press(UNKNOWN, What::Button(button));
        initial.buttons.push(button);
    }
    // What the recorder cannot keep, it does not promise.
    let (asker, facets) = match (!plan.exclusions.is_empty()).then(|| Asker::start(Arc::clone(&plan.clock))) {
        None => (None, FacetSet::PROMISED),
        Some(Ok(asker)) => (Some(asker), FacetSet::PROMISED),
        Some(Err(detail)) => {
            tracing::warn!(target: "capture", detail, "there is no UI Automation: of fields for passwords only the system's own are recognised");
            (None, FacetSet::PROMISED.without(FacetSet::of(&[Facet::Redaction])))
        }
    };
    let description = InputDescription {
        backend: RAW_INPUT.into(),
        devices: ffi::devices(),
        keyboard_layout: layout(number).names,
        warps: None,
        poll_us: None,
        facets,
    };
    let (clock, looked) = (Arc::clone(&plan.clock), plan.clock.now());
    Ok(Box::new(RawInputs {
        clock,
        listener,
        programs,
        fronts,
        asker,
        fields: Fields::default(),
        keys: Keys::default(),
        held,
        setting,
        looked,
        presence: Presence::default(),
        unheard: Unheard::default(),
        heard: false,
        description,
        initial,
    }))
}

impl RawInputs {
    /// Hands over what was read in one go.
    fn hear(&mut self, heard: &[Heard], t: MonoNs, sink: &InputSink) {
        let mut rest = heard;
        loop {
            let at = rest.iter().position(|heard| settles(heard).is_some()).map_or(rest.len(), |at| at + 1);
            let (part, others) = rest.split_at(at);
            // The pointer is where the last motion left it.
            let is_last = others.iter().all(|heard| !matches!(heard, Heard::Mouse(_)));
            self.hear_part(part, is_last, t, sink);
            if let Some(settles) = part.last().and_then(settles) {
                self.fields.moved(t, settles);
                // While the inputs go elsewhere nothing is told, so nothing may count as told.
                let doubt = if self.presence.is_away() { None } else { self.fronts.doubt() };
                if let Some(input) = doubt {
                    send(t, sink, input);
                }
            }
            rest = others;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Hands over a part of it, in which the focus stays where it is.
    fn hear_part(&mut self, heard: &[Heard], is_last_motion: bool, t: MonoNs, sink: &InputSink) {
        let mut has_news = false;
        for heard in heard {
            if let Heard::Key(_) | Heard::Mouse(_) = heard {
                self.presence.heard();
            }
            match heard {
                Heard::Key(_) => (has_news, self.heard) = (true, true),
                Heard::Mouse(packet) => (has_news, self.heard) = (has_news || packet.buttons != 0, true),
                Heard::Session(news) => {
                    self.presence.hear(*news, t);
                    has_news = true;
                }
                Heard::Front => has_news = true,
                Heard::DeviceWent(_) | Heard::Focus => {}
            }
        }
        let is_due = t.since(self.looked) >= LOOK_EVERY || self.asker.is_some() && self.fields.hurries(t);
        let turn = if has_news || is_due { Some(self.look(t, sink)) } else { None };
        if self.presence.is_away() {
            return;
        }
        let (before, behind) = turn.map(|turn| (turn.before, turn.behind)).unwrap_or_default();
        for input in before {
            send(t, sink, input);
        }
        let last = heard.iter().rposition(|heard| matches!(heard, Heard::Mouse(_)));
        let pointer = last.and_then(|_| ffi::pointer());
        for (at, heard) in heard.iter().enumerate() {
            match heard {
                Heard::Key(packet) => self.key(packet, t, sink),
                Heard::Mouse(packet) => {
                    self.mouse(packet, pointer, is_last_motion && Some(at) == last, t, sink);
                }
                Heard::DeviceWent(device) => self.device_went(*device, t, sink),
                Heard::Front | Heard::Focus | Heard::Session(_) => {}
            }
        }
        for input in behind {
            send(t, sink, input);
        }
    }

    fn key(&mut self, packet: &KeyPacket, t: MonoNs, sink: &InputSink) {
        match self.keys.read(packet, ffi::make_of) {
            KeyNews::Key(code, down) => {
                let what = What::Key(code);
                let changed =
                    if down { self.held.press(packet.device, what) } else { self.held.release(packet.device, what) };
                if down || changed {
                    send(t, sink, key(code, down, down && !changed));
                }
            }
            KeyNews::Overrun => {
                send(t, sink, RawInput::Lost { reason: "keyboard_overrun", count: None, until: t });
            }
            KeyNews::Nothing => {}
        }
    }

    fn mouse(&mut self, packet: &MousePacket, pointer: Option<(f64, f64)>, is_last: bool, t: MonoNs, sink: &InputSink) {
        for input in mouse::read(packet, &self.setting, pointer, is_last) {
            if let RawInput::Button { button, pressed, .. } = &input {
                let what = What::Button(*button);
                let changed = if *pressed {
                    self.held.press(packet.device, what)
                } else {
                    self.held.release(packet.device, what)
                };
                if !changed {
                    continue;
                }
            }
            send(t, sink, input);
        }
    }

    fn device_went(&mut self, device: u64, t: MonoNs, sink: &InputSink) {
        let held = self.held.remove(device);
        if !held.is_empty() {
            for what in held {
                let_go(what, t, sink);
            }
            send(t, sink, RawInput::Lost { reason: "device_gone", count: None, until: t });
        }
    }

    /// The active window, with what its program says of the field that is typed into.
    fn asked(&mut self, front: Front, t: MonoNs) -> Front {
        let Some(asker) = &self.asker else { return front };
        let field = self.fields.look(&front.facts, asker.answer(), t);
        if field != Field::NotAsked {
            asker.ask();
        }
        Front { field, ..front }
    }

    /// Releases all that is held.
    fn let_go(&mut self, t: MonoNs, sink: &InputSink) {
        for what in self.held.clear() {
            let_go(what, t, sink);
        }
    }

    /// Tells up to now that inputs were kept away.
    fn told_unheard(&mut self, t: MonoNs, sink: &InputSink) {
        if let Some(since) = self.unheard.end() {
            skipped(UNHEARD, since, t, sink);
        }
    }

    /// Looks at the active window, and whether the desktop is the one of the person's programs.
    fn look(&mut self, t: MonoNs, sink: &InputSink) -> super::front::Turn {
        self.looked = t;
        match self.presence.look(ffi::is_own_desktop(), t) {
            // Their releases will not be heard.
            presence::Turn::Left => {
                self.let_go(t, sink);
                self.told_unheard(t, sink);
            }
            presence::Turn::Back(since, why) => skipped(why.reason(), since, t, sink),
            presence::Turn::Nothing => {}
        }
        if self.presence.is_away() {
            return super::front::Turn::default();
        }
        match self.unheard.look(ffi::pointer(), std::mem::take(&mut self.heard), t) {
            unheard::Turn::Began => {
                tracing::warn!(target: "capture", "{UNHEARD_TOLD}");
                self.let_go(t, sink);
            }
            unheard::Turn::Ended(since) => skipped(UNHEARD, since, t, sink),
            unheard::Turn::Nothing => {}
        }
        let monitors = ffi::monitors();
        self.setting = setting(&monitors);
        let front = ffi::front(&mut self.programs, &monitors).map(|front| self.asked(front, t));
        self.fronts.look(front)
    }
}

/// What may move the focus to another field: how long its program may take for that.
fn settles(heard: &Heard) -> Option<Duration> {
    match heard {
        Heard::Key(packet) => keys::moves_focus(packet).then_some(SETTLES),
        Heard::Mouse(packet) => mouse::is_press(packet).then_some(Duration::ZERO),
        // It has moved.
        Heard::Focus => Some(Duration::ZERO),
        Heard::Front | Heard::Session(_) | Heard::DeviceWent(_) => None,
    }
}

fn key(code: u16, down: bool, repeat: bool) -> RawInput {
    RawInput::Key { usage: keys::usage_of(code), native: code.into(), down, repeat }
}

/// Releases something that nobody will release any more.
fn let_go(what: What, t: MonoNs, sink: &InputSink) {
    let input = match what {
        What::Key(code) => key(code, false, false),
        What::Button(button) => RawInput::Button { button, pressed: false, position: None },
    };
    send(t, sink, input);
}

/// Nothing was heard for a while.
fn skipped(reason: &'static str, since: MonoNs, t: MonoNs, sink: &InputSink) {
    send(since, sink, RawInput::Skipped { reason, count: 0, until: t });
}

fn send(t: MonoNs, sink: &InputSink, input: RawInput) {
    sink.send(t, Source::RawInput, input);
}

impl InputSource for RawInputs {
    fn describe(&self) -> InputDescription {
        self.description.clone()
    }

    fn initial(&self) -> InitialState {
        self.initial.clone()
    }

    fn run(mut self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        Listener::hurry();
        let mut heard = vec![Heard::Front];
        let t = self.clock.now();
        self.hear(&heard, t, sink);
        while !stop.is_set() {
            Listener::wait(WAIT_MS);
            loop {
                heard.clear();
                let more = self
                    .listener
                    .take(&mut heard)
                    .map_err(|detail| CaptureError::System { what: "reading raw input", detail })?;
                let t = self.clock.now();
                self.hear(&heard, t, sink);
                if !more || stop.is_set() {
                    break;
                }
            }
        }
        let t = self.clock.now();
        self.told_unheard(t, sink);
        if let Some((since, why)) = self.presence.end() {
            skipped(why.reason(), since, t, sink);
        }
        Ok(())
    }
}
