//! The gamepads of the input source: which number each has, what of them is told, and when.
//!
//! While nothing may be taken ([`super::gate`]) they are followed and not told; behind that it is told which came and went, and what they hold.

use std::path::PathBuf;

use super::device::Device;
use super::gamepad::PadMap;
use super::held::DeviceId;
use super::pads::{LeftOut, Pad};
use super::source::EvdevInput;
use crate::base::pad::{MAX_PADS, PadAbout, PadChange};
use crate::base::time::MonoNs;
use crate::capture::{InputSink, RawInput};

impl EvdevInput {
    /// Takes a gamepad in, with what it holds.
    pub(super) fn add_pad(&mut self, path: PathBuf, device: Device, about: PadAbout, map: PadMap) {
        let free = (0..MAX_PADS).find(|number| self.pads.values().all(|pad| pad.number != *number));
        let Some(number) = free else {
            tracing::warn!(target: "capture", "{}: it is not recorded, there are {MAX_PADS} gamepads", device.name);
            return;
        };
        let mut pad = Pad::new(number, about, map);
        let (down, axes) = (device.held().unwrap_or_default(), device.axes(&pad.axes()));
        drop(pad.compare(self.clock.now(), &down, &axes));
        self.pads.insert(device.id, pad);
        self.devices.insert(path, device);
    }

    /// The gamepads that are there at the start, and what they hold.
    pub(super) fn pads_at_start(&mut self) -> Vec<(u8, PadChange)> {
        let mut said = Vec::new();
        for pad in self.pads.values_mut() {
            let state = std::iter::once(pad.connected()).chain(pad.state());
            said.extend(state.map(|change| (pad.number, change)));
            pad.told = true;
        }
        said
    }

    /// Time passes: tells of all gamepads what was left out and is allowed by now.
    pub(super) fn report_all(&mut self, now: MonoNs, sink: &InputSink) {
        for id in self.pad_ids() {
            self.report(id, now, false, sink);
        }
    }

    /// Nothing is taken any more: lets go of what they hold.
    pub(super) fn release_pads(&mut self, now: MonoNs, sink: &InputSink) {
        self.end_pads(sink);
        for id in self.pad_ids() {
            let changes = self.pads.get_mut(&id).map(Pad::release);
            self.send_pad(id, now, changes.into_iter().flatten(), sink);
        }
    }

    /// It is taken again: tells which came and went, and what they hold.
    pub(super) fn tell_pads(&mut self, now: MonoNs, sink: &InputSink) {
        for pad in std::mem::take(&mut self.gone) {
            self.send(now, sink, RawInput::Pad { pad, change: PadChange::Disconnected });
        }
        for id in self.pad_ids() {
            self.tell_pad(id, now, sink);
        }
    }

    fn pad_ids(&self) -> Vec<DeviceId> {
        self.pads.keys().copied().collect()
    }

    pub(super) fn send_pad(
        &self,
        id: DeviceId,
        t: MonoNs,
        changes: impl IntoIterator<Item = PadChange>,
        sink: &InputSink,
    ) {
        let Some(pad) = self.pads.get(&id).map(|pad| pad.number) else { return };
        for change in changes {
            self.send(t, sink, RawInput::Pad { pad, change });
        }
    }

    /// Tells which axes of a gamepad moved.
    pub(super) fn report(&mut self, id: DeviceId, t: MonoNs, is_report: bool, sink: &InputSink) {
        // Behind a lock it moves as well, and where it is then is told when that is over.
        if self.gate.is_shut() {
            return;
        }
        let Some((left_out, told)) = self.pads.get_mut(&id).map(|pad| pad.report(t, is_report)) else { return };
        self.send_left_out(left_out, sink);
        for (t, change) in told {
            self.send_pad(id, t, [change], sink);
        }
    }

    fn send_left_out(&self, left_out: Option<LeftOut>, sink: &InputSink) {
        if let Some(LeftOut { since, until, count }) = left_out {
            self.send(since, sink, RawInput::PadLost { reason: "gamepad_rate", count: Some(count), until });
        }
    }

    /// Nothing comes after this: tells what was left out and not told of yet.
    pub(super) fn end_pads(&mut self, sink: &InputSink) {
        for id in self.pad_ids() {
            let left_out = self.pads.get_mut(&id).and_then(Pad::take_left_out);
            self.send_left_out(left_out, sink);
        }
    }

    /// Tells that a gamepad is there, where that was not told, and what it holds.
    pub(super) fn tell_pad(&mut self, id: DeviceId, t: MonoNs, sink: &InputSink) {
        let Some(pad) = self.pads.get_mut(&id) else { return };
        let connected = (!std::mem::replace(&mut pad.told, true)).then(|| pad.connected());
        let state: Vec<_> = connected.into_iter().chain(pad.state()).collect();
        self.send_pad(id, t, state, sink);
    }

    /// The queue of a gamepad ran over: says so, and takes over where its controls are now.
    pub(super) fn compare_pad(&mut self, id: DeviceId, t: MonoNs, sink: &InputSink) {
        self.send(t, sink, RawInput::PadLost { reason: "gamepad_overflow", count: None, until: t });
        self.take_over_pad(id, t, sink);
    }

    /// Asks a gamepad where its controls are, and tells what is otherwise by that.
    pub(super) fn take_over_pad(&mut self, id: DeviceId, t: MonoNs, sink: &InputSink) {
        let Some(pad) = self.pads.get_mut(&id) else { return };
        let Some(device) = self.devices.values().find(|device| device.id == id) else { return };
        let Ok(down) = device.held() else { return };
        let changes = pad.compare(t, &down, &device.axes(&pad.axes()));
        self.send_pad(id, t, changes, sink);
        self.report(id, t, true, sink);
    }

    /// A gamepad is gone: lets go of what it held.
    pub(super) fn remove_pad(&mut self, id: DeviceId, t: MonoNs, sink: &InputSink) {
        let Some(mut pad) = self.pads.remove(&id) else { return };
        let number = pad.number;
        if self.gate.is_shut() {
            if pad.told {
                self.gone.insert(number);
            }
            return;
        }
        self.send_left_out(pad.take_left_out(), sink);
        for change in pad.release().into_iter().chain([PadChange::Disconnected]) {
            self.send(t, sink, RawInput::Pad { pad: number, change });
        }
    }
}
