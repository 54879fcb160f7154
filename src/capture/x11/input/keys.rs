//! Keys, and whether what is typed is secret; the active window and the layout.

use x11rb::protocol::xinput::{KeyEventFlags, RawKeyPressEvent};

use super::held::Change;
use super::meaning::Kind;
use super::source::Xi2;
use crate::base::event::Source;
use crate::base::time::MonoNs;
use crate::capture::{InputSink, RawInput};
use crate::privacy::exclude::Reason;

impl Xi2 {
    pub(super) fn key(&mut self, event: &RawKeyPressEvent, down: bool, arrival: MonoNs, sink: &InputSink) {
        let (native, by) = (event.detail, (event.sourceid, event.detail));
        let changed = if down {
            let kind = self.devices.get(event.sourceid).map_or(Kind::Kernel, |device| device.kind);
            let repeats = event.flags.contains(KeyEventFlags::KEY_REPEAT);
            self.held.press(by, repeats, self.keyboard.usage(native, kind))
        } else {
            self.held.release(by)
        };
        let Some((change, usage)) = changed else { return };
        // What is not asked yet is not known to be harmless.
        let unasked = self.unasked.of_windows() && self.guard.has_rules();
        let unclear = unasked || self.guard.is_unclear(self.focus.active());
        let unclear = unclear.then_some(Reason::FocusUnclear);
        self.tell(self.who_is_secret(arrival).or(unclear), arrival, sink);
        let t = self.stamps.stamp(event.time, arrival);
        let repeat = change == Change::Repeated;
        let down = change != Change::Released;
        sink.send(t, Source::Xi2, RawInput::Key { usage, native, down, repeat });
    }

    /// Tells whether what is typed from here on is secret, where that has changed.
    pub(super) fn tell_secret(&mut self, arrival: MonoNs, sink: &InputSink) {
        self.tell(self.who_is_secret(arrival), arrival, sink);
    }

    /// Why what is typed is secret, as far as windows tell.
    pub(super) fn who_is_secret(&self, now: MonoNs) -> Option<Reason> {
        self.guard.secret(now).or(self.focus.secret())
    }

    pub(super) fn tell(&mut self, reason: Option<Reason>, arrival: MonoNs, sink: &InputSink) {
        if reason != self.secret {
            self.secret = reason;
            sink.send(self.stamps.at(arrival), Source::Xi2, RawInput::Secret { reason });
        }
    }

    pub(super) fn tell_focus(&mut self, told: Option<RawInput>, time: Option<(u32, MonoNs)>, sink: &InputSink) {
        if let Some(told) = told {
            if let RawInput::Focus { window_id, .. } = &told
                && *window_id != self.told_window
            {
                window_id.clone_into(&mut self.told_window);
                // A window manager's word tells of what was not asked; the server's events tell of every change.
                if !self.focus.is_managed() {
                    self.focuses.told();
                }
            }
            let t = match time {
                Some((time, arrival)) => self.stamps.stamp(time, arrival),
                None => self.stamps.at(self.clock.now()),
            };
            sink.send(t, Source::Xi2, told);
        }
    }

    pub(super) fn tell_layout(&mut self, now: MonoNs, sink: &InputSink) {
        if let Some(layout) = self.keyboard.news(now) {
            sink.send(self.stamps.at(now), Source::Xi2, RawInput::Layout(layout));
        }
    }
}
