//! What of the inputs is written, and how: codes that are withheld, input that is not for the recorded window, repeats, and what is
//! held at the edges. Hotkeys are no input ([`super::chords`]).
//!
//! Invariants, whatever happens in between: every press that is written has one release that is written, with its code exactly
//! when the press has it; a code whose press fell into a secret span is in nothing that is written, neither then nor later (its
//! release, its repeats, the edges); times and order are those of the source.

use std::collections::{BTreeMap, BTreeSet};

use super::chords::{Asked, Chords};
use crate::capture::{InitialState, RawInput, StampedInput};
use crate::event::{Button, Content, Event, Gap, HidUsage, Key, Position, Source, Stream, Surface};
use crate::hotkeys::{Hotkeys, Modifiers};
use crate::privacy::chat::Chat;
use crate::privacy::exclude::Reason;
use crate::privacy::keys::{KeyPolicy, KeyRules};
use crate::privacy::spans::{Spans, Withheld};
use crate::time::MonoNs;

/// A key, by usage and native code: some systems have only one of them.
pub(super) type KeyName = (Option<HidUsage>, u32);

/// How a key that is down stands in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Held {
    /// Its press was written.
    written: bool,
    /// Its code must not be.
    secret: bool,
    /// Its release may be among what was lost: its next press is a press and no repeat.
    doubtful: bool,
}

/// What goes into the log.
pub(super) type Written = (MonoNs, Source, Event);

/// Decides over each input.
pub(super) struct Inputs {
    surface: Surface,
    rules: KeyRules,
    chords: Chords,
    chat: Option<Chat>,
    /// The recorded window, when input is recorded only while it has the focus.
    window: Option<String>,
    /// Inputs are for the recording: the recorded window has the focus, or any will do.
    attends: bool,
    /// The person paused it: nothing is written.
    paused: bool,
    /// Consent was taken back: nothing is written any more.
    closed: bool,
    /// Another window became the active one in a pause.
    focus_in_pause: Option<Event>,
    /// The source said that what is typed must not be known.
    secret: Option<Reason>,
    keys: BTreeMap<KeyName, Held>,
    /// Buttons that are down; whether their press was written.
    buttons: BTreeMap<Button, bool>,
    spans: Spans,
    /// Since when the present spans are as they are.
    now: MonoNs,
}

impl Inputs {
    /// For a surface; with `window`, only input while that window has the focus.
    pub(super) fn new(surface: Surface, rules: KeyRules, window: Option<String>, hotkeys: Hotkeys) -> Self {
        let chat = rules.chat.clone().map(Chat::new);
        Self {
            surface,
            rules,
            chords: Chords::new(hotkeys),
            chat,
            attends: window.is_none(),
            paused: false,
            closed: false,
            focus_in_pause: None,
            window,
            secret: None,
            keys: BTreeMap::new(),
            buttons: BTreeMap::new(),
            spans: Spans::default(),
            now: MonoNs(i64::MIN),
        }
    }

    /// The surface is there now.
    pub(super) fn surface_moved(&mut self, surface: Surface) {
        self.surface = surface;
    }

    /// Whether the state at the start may be in the metadata: it belongs to what is recorded, and is no secret.
    pub(super) fn may_tell_initial(&self, initial: &InitialState) -> bool {
        self.window.is_none() && initial.secret.is_none()
    }

    /// Whether the code of a key may be known, by the rules alone.
    pub(super) fn may_tell(&self, usage: Option<HidUsage>) -> bool {
        !self.rules.withholds(usage)
    }

    /// What was held when recording began, as rows, so that a later release has its press.
    pub(super) fn begin(&mut self, t: MonoNs, initial: &InitialState, out: &mut Vec<Written>) {
        self.secret = initial.secret;
        for name in &initial.keys {
            let held = Held { written: false, secret: self.hides(name.0), doubtful: false };
            self.keys.insert(*name, held);
        }
        for button in &initial.buttons {
            self.buttons.insert(*button, false);
        }
        self.tell_spans(t, out);
        if self.attends {
            let position = initial.pointer.map(|at| self.surface.relative(at));
            self.write_held(t, position, out);
        }
    }

    /// Takes one input.
    pub(super) fn take(&mut self, input: StampedInput, out: &mut Vec<Written>) {
        let StampedInput { t, source, input } = input;
        let surface = self.surface;
        let at = |position: Option<(f64, f64)>| position.map(|p| surface.relative(p));
        let event = match input {
            RawInput::Key { usage, native, down, repeat } => {
                let event = self.key((t, source), (usage, native), down, repeat);
                // Chat may have been opened or closed by it.
                if let Some(event) = event {
                    out.push((t, source, Event::Key(event)));
                }
                self.tell_spans(t, out);
                return;
            }
            RawInput::Button { button, pressed, position } => {
                let writes = self.attends && !self.paused;
                let written = if pressed {
                    self.buttons.insert(button, writes);
                    writes
                } else {
                    self.buttons.remove(&button).unwrap_or(writes)
                };
                written.then_some(Event::MouseClick { button, pressed, position: at(position) })
            }
            RawInput::Motion { position, motion } => {
                let motion = motion.map(|(dx, dy)| (dx as f32, dy as f32));
                self.attends.then(|| Event::MouseMove { position: at(position), motion })
            }
            RawInput::Wheel { axis, delta, hi_res, position } => {
                self.attends.then(|| Event::Wheel { delta: delta as f32, axis, hi_res, position: at(position) })
            }
            RawInput::Focus { window_id, title, app, pid } => {
                self.focus(t, source, (window_id, title, app, pid), out);
                return;
            }
            RawInput::Secret { reason } => {
                self.secret = reason;
                self.tell_spans(t, out);
                return;
            }
            RawInput::Lost { reason, count, until } => {
                self.chords.doubt();
                // A code that is secret stays it, whatever was lost.
                for held in self.keys.values_mut() {
                    held.doubtful = !held.secret;
                }
                Some(Event::Gap(Gap { stream: Stream::Input, reason: reason.into(), lost: count, until }))
            }
        };
        out.extend(event.map(|event| (t, source, event)));
    }

    /// Takes an input of a pause. It is not written; what is held, active and secret afterwards is known when recording goes on.
    pub(super) fn overlook(&mut self, input: StampedInput, out: &mut Vec<Written>) {
        self.paused = true;
        let mut overlooked = Vec::new();
        self.take(input, &mut overlooked);
        for (t, source, event) in overlooked {
            match event {
                Event::Redact { .. } => out.push((t, source, event)),
                Event::Focus { .. } => self.focus_in_pause = Some(event),
                _ => {}
            }
        }
    }

    /// Recording goes on after a pause: which window became active in it, and what is held. Where the pointer is is not known: it may
    /// have moved.
    pub(super) fn go_on(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        if self.closed {
            return;
        }
        self.paused = false;
        // Released by the row of the pause, all of it.
        self.keys.values_mut().for_each(|held| held.written = false);
        self.buttons.values_mut().for_each(|written| *written = false);
        out.extend(self.focus_in_pause.take().map(|event| (t, Source::Recorder, event)));
        if self.attends {
            self.write_held(t, None, out);
        }
    }

    /// From `t` on nothing is written. What is held then is released by finalizing, as in a pause.
    pub(super) fn close(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        self.end(t, out);
        self.closed = true;
    }

    /// What hotkeys asked for since the last time.
    pub(super) fn take_asked(&mut self) -> Vec<Asked> {
        self.chords.take_asked()
    }

    /// Time passes: long spans are told in pieces.
    pub(super) fn tick(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        out.extend(self.spans.tick(t).into_iter().map(|(from, event)| (from, Source::Recorder, event)));
    }

    /// The recording ends.
    pub(super) fn end(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        out.extend(self.spans.end(t).into_iter().map(|(from, event)| (from, Source::Recorder, event)));
    }

    /// The code of a key that is pressed now must not be known.
    fn hides(&self, usage: Option<HidUsage>) -> bool {
        self.secret.is_some() || self.rules.withholds(usage)
    }

    fn key(&mut self, at: (MonoNs, Source), name: KeyName, down: bool, repeat: bool) -> Option<Key> {
        let known = self.keys.get(&name).copied();
        let fresh = down && !repeat && known.is_none_or(|held| held.doubtful);
        let keys = &self.keys;
        let held = || Modifiers::among(keys.keys().filter_map(|(usage, _)| *usage));
        if self.chords.take(at, name, down, fresh, held) {
            // The game sees the key.
            if let Some(chat) = self.chat.as_mut().filter(|_| fresh && self.attends) {
                chat.press(name.0);
            }
            return None;
        }
        let writes = self.attends && !self.paused && self.rules.policy != KeyPolicy::None;
        let (held, repeat) = if down {
            let known = known.filter(|held| !held.doubtful);
            let repeat = repeat || known.is_some();
            // Chat is the game's: while another window has the focus nothing is typed into it.
            let chat = match &mut self.chat {
                Some(chat) if repeat || !self.attends => chat.is_typing(),
                Some(chat) => chat.press(name.0),
                None => false,
            };
            let secret = self.hides(name.0) || chat;
            let held = match known {
                // Pressed in the open and repeated where it is secret: the repeat has no code, the release has.
                Some(held) => held,
                None => Held { written: writes, secret, doubtful: false },
            };
            self.keys.insert(name, held);
            (Held { written: writes, secret: held.secret || secret, doubtful: false }, repeat)
        } else {
            self.keys.remove(&name);
            let secret = self.hides(name.0) || self.types_chat();
            let unknown = Held { written: writes, secret, doubtful: false };
            (known.unwrap_or(unknown), false)
        };
        let (usage, native) = if held.secret { (None, None) } else { (name.0, Some(name.1)) };
        held.written.then_some(Key { usage, native, down, repeat, redacted: held.secret })
    }

    fn types_chat(&self) -> bool {
        self.chat.as_ref().is_some_and(Chat::is_typing)
    }

    fn focus(
        &mut self,
        t: MonoNs,
        source: Source,
        (window_id, title, app, pid): (String, Content, String, Option<u32>),
        out: &mut Vec<Written>,
    ) {
        if let Some(chat) = &mut self.chat {
            chat.focus(&app, &title.0);
        }
        let attends = self.window.as_ref().is_none_or(|window| *window == window_id);
        let left = self.attends && !attends;
        let came = attends && !self.attends;
        if left {
            self.release_held(t, out);
        }
        self.attends = attends;
        // Of other windows than the recorded one only which they are: their titles are no part of what was agreed to.
        let event = if attends {
            Event::Focus { window_id, title, app, pid }
        } else {
            Event::Focus { window_id, title: Content::default(), app: String::new(), pid: None }
        };
        out.push((t, source, event));
        self.tell_spans(t, out);
        if came && !self.paused {
            self.write_held(t, None, out);
        }
    }

    /// The edge at which inputs are written no more: what is held is released.
    fn release_held(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        for (name, held) in &mut self.keys {
            if std::mem::take(&mut held.written) {
                out.push((t, Source::Recorder, Event::Key(held_key(*name, held.secret, false))));
            }
        }
        for (button, written) in &mut self.buttons {
            if std::mem::take(written) {
                let event = Event::MouseClick { button: *button, pressed: false, position: None };
                out.push((t, Source::Recorder, event));
            }
        }
    }

    /// The edge at which inputs are written again: what is held is pressed.
    fn write_held(&mut self, t: MonoNs, position: Option<Position>, out: &mut Vec<Written>) {
        let secret = self.secret.is_some() || self.types_chat();
        for (name, held) in &mut self.keys {
            held.secret |= secret || self.rules.withholds(name.0);
            if self.rules.policy != KeyPolicy::None && !held.written {
                held.written = true;
                out.push((t, Source::Recorder, Event::Key(held_key(*name, held.secret, true))));
            }
        }
        for (button, written) in &mut self.buttons {
            if !std::mem::replace(written, true) {
                let event = Event::MouseClick { button: *button, pressed: true, position };
                out.push((t, Source::Recorder, event));
            }
        }
    }

    /// What is withheld now, as spans.
    fn tell_spans(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        self.now = self.now.max(t);
        let span = |what, reason: &str| Withheld { what, reason: reason.to_owned(), area: None };
        let mut now = BTreeSet::new();
        if !self.attends {
            now.insert(span("input", "window_without_focus"));
        }
        match self.rules.policy {
            KeyPolicy::None => drop(now.insert(span("keys", "keys_none"))),
            KeyPolicy::NoText => drop(now.insert(span("keys", "keys_no_text"))),
            KeyPolicy::All => {}
        }
        if let Some(reason) = self.secret {
            now.insert(span("keys", reason.name()));
        }
        if self.types_chat() {
            now.insert(span("keys", "chat"));
        }
        if self.chords.is_down() {
            now.insert(span("keys", "hotkey"));
        }
        let ended = self.spans.set(self.now, &now);
        out.extend(ended.into_iter().map(|(from, event)| (from, Source::Recorder, event)));
    }
}

fn held_key((usage, native): KeyName, secret: bool, down: bool) -> Key {
    let (usage, native) = if secret { (None, None) } else { (usage, Some(native)) };
    Key { usage, native, down, repeat: false, redacted: secret }
}

#[cfg(test)]
#[path = "inputs_tests.rs"]
mod tests;
