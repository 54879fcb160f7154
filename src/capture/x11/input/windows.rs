//! Windows, keyboard and devices: their events are taken in as they come, and what must be asked is asked once for many of them.
//!
//! A client can make thousands of events a second (focus, titles, windows that come and go, devices, layouts), and an answer takes a good part
//! of a millisecond. Invariants: inputs are handed over however many of these there are; once there are no more, the newest state is told;
//! what is typed between an event and its answer counts as secret.

use x11rb::errors::ReplyError;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ConnectionExt as _, FocusInEvent, Mapping, NotifyDetail, NotifyMode};

use super::devices::Devices;
use super::skipped::Skipped;
use super::source::Xi2;
use super::unasked::{FOR_KEYS, FOR_POINTER};
use crate::base::event::Source;
use crate::base::time::MonoNs;
use crate::capture::x11::focus::Ask;
use crate::capture::{InputSink, RawInput};

/// Whether an event says that a child of the root has the focus now, or a window in it.
fn is_focused(event: &FocusInEvent) -> bool {
    let into =
        [NotifyDetail::ANCESTOR, NotifyDetail::VIRTUAL, NotifyDetail::NONLINEAR, NotifyDetail::NONLINEAR_VIRTUAL];
    [NotifyMode::NORMAL, NotifyMode::WHILE_GRABBED].contains(&event.mode) && into.contains(&event.detail)
}

impl Xi2 {
    /// Takes in an event that is no input: it changes what the source knows.
    pub(super) fn other(&mut self, event: &Event, sequence: u64, arrival: MonoNs) -> Result<(), ReplyError> {
        match event {
            Event::XinputHierarchy(_) => self.unasked.devices = true,
            Event::MappingNotify(e) if e.request == Mapping::POINTER => self.unasked.mapping = true,
            Event::ConfigureNotify(e) if e.window == self.root => {
                self.size = (f64::from(e.width), f64::from(e.height));
                // The server takes the pointer back onto a smaller desktop, and says nothing.
                self.stale = true;
            }
            _ if self.keyboard.event(&self.conn, self.root, event, arrival) => self.unasked.keyboard = true,
            _ => {
                self.guard.event(&self.conn, event, arrival)?;
                self.focus.follow(&self.conn, event)?;
                self.unasked.windows = Some(arrival);
                self.count(event, sequence, arrival);
            }
        }
        Ok(())
    }

    /// Notes what is to be asked after an event, and counts the changes that will have no answer of their own.
    fn count(&mut self, event: &Event, sequence: u64, arrival: MonoNs) {
        if let Event::FocusIn(e) = event
            && !self.focus.is_managed()
            && is_focused(e)
            && let Some(is_managed) = self.guard.is_managed(e.event).or_else(|| self.focus.is_managed_window(e.event))
        {
            self.focuses.changed(arrival, is_managed);
        }
        let Some(ask) = self.focus.note(event) else { return };
        // What happened before the last look, and is read after it, has its answer.
        let (looked, asked) = self.unasked.looked;
        let is_late = sequence < looked && asked >= Some(ask) && !self.focus.is_manager_stale();
        if let Event::PropertyNotify(e) = event {
            let waits = if is_late { Some(Ask::Active) } else { self.unasked.focus };
            match ask {
                Ask::Active if waits == Some(Ask::Active) => self.focuses.changed(arrival, false),
                // Programs set two names, one behind the other.
                Ask::Title if waits.is_some() && self.unasked.title == e.atom => self.titles.changed(arrival, false),
                Ask::Title if waits.is_none() => self.unasked.title = e.atom,
                _ => {}
            }
        }
        if is_late {
            return;
        }
        if let Event::PropertyNotify(e) = event {
            self.unasked.time = Some((e.time, arrival));
        } else {
            self.unasked.time = None;
        }
        self.unasked.focus = self.unasked.focus.max(Some(ask));
    }

    /// Asks what is to be asked, where there is time for it.
    pub(super) fn ask_if_room(&mut self, sink: &InputSink) -> Result<(), ReplyError> {
        self.ask_within(FOR_POINTER, sink)
    }

    /// Asks what is to be asked before a key is judged, where there is time for it.
    pub(super) fn ask_before_a_key(&mut self, sink: &InputSink) -> Result<(), ReplyError> {
        self.ask_within(FOR_KEYS, sink)
    }

    fn ask_within(&mut self, most: u32, sink: &InputSink) -> Result<(), ReplyError> {
        if self.unasked.is_some() && self.unasked.has_room(self.clock.now(), most) { self.ask(sink) } else { Ok(()) }
    }

    /// Asks what is to be asked, and tells it.
    pub(super) fn ask(&mut self, sink: &InputSink) -> Result<(), ReplyError> {
        if !self.unasked.is_some() {
            return Ok(());
        }
        self.unasked.answers.1 = self.unasked.answers.1.saturating_add(1);
        // Asking may read events into the connection's buffer.
        self.drained = false;
        if std::mem::take(&mut self.unasked.mapping) {
            self.mapping = self.conn.get_pointer_mapping()?.reply()?.map;
        }
        if std::mem::take(&mut self.unasked.keyboard) {
            self.keyboard.settle(&self.conn, self.root)?;
            self.tell_layout(self.clock.now(), sink);
        }
        let Some(arrival) = self.unasked.windows.take() else { return Ok(()) };
        let (ask, time) = (self.unasked.focus.take(), self.unasked.time.take());
        self.guard.settle(&self.conn)?;
        if ask.is_some() {
            // Its answer is not waited for: only its place among the requests is of interest.
            self.unasked.looked = (self.conn.get_input_focus()?.sequence_number(), ask);
        }
        let told = ask.map(|ask| self.focus.look(&self.conn, ask)).transpose()?.flatten();
        self.tell_secret(arrival, sink);
        self.tell_focus(told, time, sink);
        Ok(())
    }

    /// Asks for the devices, when there are others.
    pub(super) fn ask_for_devices(&mut self) -> Result<(), ReplyError> {
        if std::mem::take(&mut self.unasked.devices) {
            self.drained = false;
            self.devices = Devices::query(&self.conn)?;
            self.proofs.forget();
        }
        Ok(())
    }

    /// Reports states that were never told; with `quiet`, no event is waiting.
    pub(super) fn tell_skipped(&mut self, quiet: bool, sink: &InputSink) {
        let now = self.clock.now();
        let each = |skipped: &mut Skipped| {
            if let Some((first, until, count)) = skipped.take(now, quiet) {
                let reason = skipped.reason;
                sink.send(first, Source::Xi2, RawInput::Skipped { reason, count, until });
            }
        };
        [&mut self.focuses, &mut self.titles, self.keyboard.skipped()].into_iter().for_each(each);
    }
}
