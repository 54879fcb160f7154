//! The input source: one thread that waits for all devices, and does nothing but read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::active::{Active, ActiveWatch, Turn as ActiveTurn};
use super::decode::{BTN_JOYSTICK, BTN_MISC, BTN_MOUSE};
use super::device::{Device, Read};
use super::gate::Gate;
use super::held::{DeviceId, Held};
use super::hold::{self, Hold};
use super::lent::HELPER;
use super::packet::{Deed, button};
use super::pads::Pad;
use super::supply::Supply;
use crate::base::event::{HidUsage, Source};
use crate::base::hid;
use crate::base::time::{Clock, MonoNs};
use crate::capture::process::names_of;
use crate::capture::{
    CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag,
};
use crate::privacy::exclude::{Exclusions, Reason, WindowFacts};

/// How long is waited at once: the session is looked at this often, and `stop` obeyed.
const WAIT: Duration = Duration::from_millis(20);
/// A stamp that is older than this when it is read is none of our clock.
const OLDEST_NS: i64 = 5_000_000_000;

/// How long the begin and the end wait for the compositor to vouch for what came last.
pub(super) const LAST_WORD: Duration = Duration::from_millis(250);

/// What the kernel's devices report, beside gamepads.
pub(super) const FACETS: FacetSet = FacetSet::of(&[Facet::Keys, Facet::Buttons, Facet::Wheel, Facet::Motion]);

/// The devices of a folder.
pub(super) struct EvdevInput {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) source: Source,
    pub(super) supply: Supply,
    pub(super) devices: BTreeMap<PathBuf, Device>,
    pub(super) held: Held,
    /// The gamepads, by the numbers of their devices.
    pub(super) pads: BTreeMap<DeviceId, Pad>,
    /// Numbers of gamepads that went while nothing was taken, and were told to be there.
    pub(super) gone: BTreeSet<u8>,
    pub(super) gate: Gate,
    /// Everything up to here was read of all devices; and the latest that was told of them.
    pub(super) taken: MonoNs,
    pub(super) told: MonoNs,
    /// `None`: nobody tells which window is active.
    pub(super) desk: Option<Desk>,
    pub(super) description: InputDescription,
    pub(super) initial: InitialState,
}

/// The active window, and what waits for word of it.
pub(super) struct Desk {
    pub(super) watch: ActiveWatch,
    pub(super) rules: Arc<Exclusions>,
    /// The window that was active when it was opened; told first, where none came since.
    pub(super) first: Option<RawInput>,
    /// When recording began: no change is told of an earlier time.
    pub(super) began: MonoNs,
    /// `None`: nothing is excluded, so nothing has to wait.
    pub(super) hold: Option<RefCell<Hold>>,
}

/// What a device did, and when.
struct Done {
    t: MonoNs,
    device: u32,
    deed: Deed,
}

/// Why what is typed into a window must not be known.
pub(super) fn secret(rules: &Exclusions, active: Option<&Active>) -> Option<Reason> {
    let Active { app, instance, title, pid, .. } = active?;
    let programs = pid.map_or_else(Vec::new, names_of);
    let facts = WindowFacts { app, instance, title, programs: &programs, ..WindowFacts::default() };
    rules.verdict(facts).filter(|reason| reason.hides_keys())
}

pub(super) fn usage(code: u16) -> Option<HidUsage> {
    hid::usage_of_evdev(code)
}

/// The time of a stamp: the kernel's where that can be, else the arrival.
fn time(stamp: i64, arrival: MonoNs) -> MonoNs {
    let is_possible = (0..=OLDEST_NS).contains(&arrival.0.saturating_sub(stamp));
    MonoNs(if is_possible { stamp } else { arrival.0 })
}

/// Whether a code is recorded.
fn is_known(code: u16) -> bool {
    code < BTN_MISC || (BTN_MOUSE..BTN_JOYSTICK).contains(&code)
}

impl EvdevInput {
    /// Takes a device in, with what it holds.
    pub(super) fn add(&mut self, path: PathBuf, mut device: Device) {
        if let Some((about, map)) = device.pad.take() {
            self.add_pad(path, device, about, map);
            return;
        }
        let down = device.held().unwrap_or_default();
        for code in down.into_iter().filter(|code| is_known(*code)) {
            self.held.press(device.id, code);
        }
        self.devices.insert(path, device);
    }

    pub(super) fn send(&self, t: MonoNs, sink: &InputSink, input: RawInput) {
        if !self.gate.is_shut() {
            self.pass(t, sink, input);
        }
    }

    /// Hands an input over, or has it wait until it is certain where it went.
    pub(super) fn pass(&self, t: MonoNs, sink: &InputSink, input: RawInput) {
        match self.desk.as_ref().and_then(|desk| desk.hold.as_ref()) {
            Some(hold) => hold.borrow_mut().push(t, input),
            None => sink.send(t, self.source, input),
        }
    }

    /// Takes in which window is active, and hands over what is certain by that; up to when changes are known.
    fn look_at_desk(&self, sink: &InputSink) -> Result<Option<MonoNs>, CaptureError> {
        let Some(desk) = &self.desk else { return Ok(None) };
        let news = desk.watch.news();
        for turn in news.turns {
            let at = turn.at.max(desk.began);
            self.turn(desk, &ActiveTurn { at, ..turn }, sink);
        }
        if let Some(gone) = news.gone {
            return Err(gone);
        }
        let known = news.known;
        if let Some(hold) = &desk.hold {
            hold.borrow_mut().certain(known, &mut |t, input| sink.send(t, self.source, input));
        }
        Ok(Some(known))
    }

    pub(super) fn turn(&self, desk: &Desk, turn: &ActiveTurn, sink: &InputSink) {
        let secret = secret(&desk.rules, turn.active.as_ref());
        match &desk.hold {
            Some(hold) => hold.borrow_mut().turn(turn, secret),
            None => sink.send(turn.at, self.source, hold::focus(turn.active.as_ref(), false)),
        }
    }

    /// Hands over what still waits. `is_told`: the compositor can still be heard.
    fn let_go(&self, is_told: bool, sink: &InputSink) {
        let end = self.clock.now();
        let mut known = MonoNs(i64::MIN);
        while is_told && self.clock.now().since(end) < LAST_WORD {
            match self.look_at_desk(sink) {
                Ok(Some(told)) => known = told,
                Ok(None) => break,
                Err(_) => {
                    known = MonoNs(i64::MIN);
                    break;
                }
            }
            if known >= hold::settled(end) {
                break;
            }
            self.clock.sleep_until(self.clock.now().plus(Duration::from_millis(2)));
        }
        if let Some(hold) = self.desk.as_ref().and_then(|desk| desk.hold.as_ref()) {
            hold.borrow_mut().end(known, end, &mut |t, input| sink.send(t, self.source, input));
        }
    }

    /// Reads the devices until the end.
    fn read_all(&mut self, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        while !stop.is_set() {
            self.look_at_session(sink)?;
            self.look_at_desk(sink)?;
            let asked = self.clock.now();
            let ready = self.wait()?;
            self.look_at_session(sink)?;
            let mut deeds = Vec::new();
            let gone: Vec<PathBuf> = ready.into_iter().filter(|path| !self.read(path, &mut deeds)).collect();
            // What several devices did meanwhile, in the order of the kernel's stamps.
            deeds.sort_by_key(|done| done.t);
            for done in &deeds {
                self.did(done, sink);
            }
            if !gone.is_empty() {
                // It may be taken back, which is said before: then it is not unplugged.
                self.look_at_session(sink)?;
            }
            for path in &gone {
                self.remove(path, sink);
            }
            self.taken = asked;
            let now = self.clock.now();
            self.take_arrivals(now, sink);
            self.report_all(now, sink);
        }
        Ok(())
    }

    /// Takes the devices in that have come.
    pub(super) fn take_arrivals(&mut self, now: MonoNs, sink: &InputSink) {
        for (path, device) in self.supply.arrivals(now, &self.devices) {
            // One that was unplugged and is there again by the same name, before that was noticed.
            self.remove(&path, sink);
            tracing::info!(target: "capture", "{}: it came", device.name);
            let id = device.id;
            self.add(path, device);
            if !self.gate.is_shut() {
                self.tell_pad(id, now, sink);
            }
        }
    }

    /// A code goes down or up on a device.
    fn change(&mut self, device: u32, code: u16, down: bool, repeat: bool, t: MonoNs, sink: &InputSink) {
        let is_button = code >= BTN_MISC;
        let changed = if down { self.held.press(device, code) } else { self.held.release(device, code) };
        let repeats = down && !is_button && (repeat || !changed);
        if changed || repeats {
            self.tell(code, down, repeats, t, sink);
        }
    }

    pub(super) fn tell(&self, code: u16, down: bool, repeat: bool, t: MonoNs, sink: &InputSink) {
        let input = if code < BTN_MISC {
            RawInput::Key { usage: usage(code), native: code.into(), down, repeat }
        } else if let Some(button) = button(code) {
            RawInput::Button { button, pressed: down, position: None }
        } else if down {
            RawInput::Lost { reason: "button_without_name", count: Some(1), until: t }
        } else {
            return;
        };
        self.send(t, sink, input);
    }

    /// Reads a device; false when it is gone.
    fn read(&mut self, path: &Path, deeds: &mut Vec<Done>) -> bool {
        let Some(device) = self.devices.get_mut(path) else { return true };
        let id = device.id;
        let Read::Events(events) = device.read() else { return false };
        let arrival = self.clock.now();
        let mut own = Vec::new();
        for event in events {
            device.packets.take(event, &mut own);
        }
        deeds.extend(own.into_iter().map(|(stamp, deed)| Done { t: time(stamp, arrival), device: id, deed }));
        true
    }

    /// Hands over what a device did.
    fn did(&mut self, done: &Done, sink: &InputSink) {
        let Done { t, device: id, deed } = *done;
        self.told = self.told.max(t);
        match deed {
            Deed::Key { code, down, repeat } => self.change(id, code, down, repeat, t, sink),
            Deed::Button { code, pressed } => self.change(id, code, pressed, false, t, sink),
            Deed::Motion { dx, dy } => {
                self.send(t, sink, RawInput::Motion { position: None, motion: Some((dx, dy)), warped: false });
            }
            Deed::Wheel { axis, delta, hi_res } => {
                self.send(t, sink, RawInput::Wheel { axis, delta, hi_res, position: None });
            }
            Deed::PadButton { code, pressed } => {
                let change = self.pads.get_mut(&id).and_then(|pad| pad.button(code, pressed));
                self.send_pad(id, t, change, sink);
            }
            Deed::PadAxis { code, raw } => {
                let changes = self.pads.get_mut(&id).map(|pad| pad.axis(t, code, raw));
                self.send_pad(id, t, changes.into_iter().flatten(), sink);
            }
            Deed::PadReport => self.report(id, t, true, sink),
            Deed::Dropped if self.pads.contains_key(&id) => self.compare_pad(id, t, sink),
            Deed::Dropped => self.compare(id, t, sink),
        }
    }

    /// The device's queue ran over: says so, and takes over what it holds now.
    fn compare(&mut self, id: u32, t: MonoNs, sink: &InputSink) {
        self.send(t, sink, RawInput::Lost { reason: "device_overflow", count: None, until: t });
        self.take_over(id, t, sink);
    }

    /// Asks a device what it holds, and tells what is otherwise by that.
    pub(super) fn take_over(&mut self, id: u32, t: MonoNs, sink: &InputSink) {
        let device = self.devices.values().find(|device| device.id == id);
        let Some(Ok(down)) = device.map(Device::held) else { return };
        for code in self.held.keep(id, &down) {
            self.tell(code, false, false, t, sink);
        }
        for code in down {
            if is_known(code) && !self.held.is_held_by(id, code) {
                self.change(id, code, true, false, t, sink);
            }
        }
    }

    /// A device is gone: releases what it held.
    fn remove(&mut self, path: &Path, sink: &InputSink) {
        let Some(device) = self.devices.remove(path) else { return };
        let t = self.clock.now();
        if self.pads.contains_key(&device.id) {
            // It was switched off, or its battery is empty: nothing is lost by that.
            tracing::info!(target: "capture", "{}: it is gone", device.name);
            self.remove_pad(device.id, t, sink);
            return;
        }
        tracing::warn!(target: "capture", "{}: it is gone", device.name);
        for code in self.held.keep(device.id, &std::collections::BTreeSet::new()) {
            self.tell(code, false, false, t, sink);
        }
        self.send(t, sink, RawInput::Lost { reason: "device_gone", count: None, until: t });
    }

    /// Waits until a device has something, or one has come, or it is time; the devices that have.
    fn wait(&self) -> Result<Vec<PathBuf>, CaptureError> {
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(WAIT.subsec_nanos()) };
        let mut fds: Vec<_> =
            self.devices.values().map(|device| PollFd::from_borrowed_fd(device.fd(), PollFlags::IN)).collect();
        fds.extend(self.supply.fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(CaptureError::System { what: "poll", detail: error.to_string() }),
        }
        let ready = self.devices.keys().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(path, _)| path.clone()).collect())
    }
}

impl InputSource for EvdevInput {
    fn describe(&self) -> InputDescription {
        self.description.clone()
    }

    fn initial(&self) -> InitialState {
        self.initial.clone()
    }

    fn run(mut self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        let ended = self.begin(sink).and_then(|()| self.read_all(sink, stop));
        self.end_pads(sink);
        self.tell_shut(sink);
        let is_told = matches!(&ended, Ok(()) | Err(CaptureError::Gone { what: HELPER, .. }));
        self.let_go(is_told, sink);
        // The kernel waits at each, some milliseconds or more on a busy machine: the end of the recording does not.
        let Self { devices, supply, .. } = *self;
        let close = move || drop((devices, supply));
        if let Err(error) = std::thread::Builder::new().name("evdev-close".into()).spawn(close) {
            tracing::debug!(target: "capture", %error, "devices are closed at once");
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_of_another_clock_is_none() {
        let arrival = MonoNs(7 * OLDEST_NS);
        for (stamp, is_taken) in [
            (arrival.0, true),
            (arrival.0 - OLDEST_NS, true),
            (arrival.0 - OLDEST_NS - 1, false),
            (arrival.0 + 1, false),
            (i64::MIN, false),
            (i64::MAX, false),
        ] {
            assert_eq!(time(stamp, arrival), if is_taken { MonoNs(stamp) } else { arrival }, "{stamp}");
        }
    }
}
