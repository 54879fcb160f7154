//! What of the inputs is written, and how: codes that are withheld, input that is not for the recorded window, repeats, and what is
//! held at the edges. Hotkeys are no input ([`super::chords`]).
//!
//! Invariants, whatever happens in between: every press that is written has one release that is written, with its code exactly
//! when the press has it; a code whose press fell into a secret span, or may have since nobody saw it, is in nothing that is written,
//! neither then nor later (its release, its repeats, the edges); times and order are those of the source.

use std::collections::BTreeSet;

use super::chords::{Asked, Chords, KeyName};
use super::pads::Pads;
use super::pointed::Pointed;
use crate::base::event::{Button, Content, Event, Gap, HidUsage, Key, Layout, Position, Source, Stream, Surface};
use crate::base::hotkeys::{Hotkeys, Modifiers};
use crate::base::pad::PadChange;
use crate::base::time::MonoNs;
use crate::capture::{InitialState, RawInput, StampedInput};
use crate::privacy::chat::Chat;
use crate::privacy::exclude::Reason;
use crate::privacy::keys::{KeyPolicy, KeyRules};
use crate::privacy::spans::{Spans, Withheld};
use crate::session::held::Holds;

/// What is known of a key that is down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Press {
    /// Its code must not be written.
    secret: bool,
    /// Its release may be among what was lost: its next press is a press and no repeat.
    doubtful: bool,
}

/// What goes into the log.
pub(crate) type Written = (MonoNs, Source, Event);

/// A window that became active: identifier, title, application, process.
type ActiveWindow = (String, Content, String, Option<u32>);

/// Decides over each input.
pub(crate) struct Inputs {
    surface: Surface,
    rules: KeyRules,
    chords: Chords,
    /// Of each game that may be played.
    chats: Vec<Chat>,
    /// The recorded window, when input is recorded only while it has the focus.
    window: Option<String>,
    /// Inputs are for the recording: the recorded window has the focus, or any will do, and there is something to see.
    attends: bool,
    /// What is recorded is not there at the moment.
    away: bool,
    /// The recorded window has not had the focus yet, and nothing was withheld for that.
    untouched: bool,
    /// The active window, as the source told it last.
    active: Option<ActiveWindow>,
    /// The latest time of an input.
    latest: MonoNs,
    /// The person paused it: nothing is written.
    paused: bool,
    /// When recording went on after the last pause.
    resumed: MonoNs,
    /// Consent was taken back: nothing is written any more.
    closed: bool,
    /// Another window became the active one in a pause.
    focus_in_pause: Option<Event>,
    /// The keyboard was laid out another way in a pause.
    layout_in_pause: Option<Event>,
    /// How the keyboard is laid out, as the source told it last.
    layout: Option<Layout>,
    /// Where the pointer was last written to be.
    pointer: Option<Position>,
    /// Where it is known to have been.
    pointed: Pointed,
    /// The source said that what is typed must not be known.
    secret: Option<Reason>,
    /// Keys that are down; they are told when their press was written.
    keys: Holds<KeyName, Press>,
    /// Buttons that are down, likewise.
    buttons: Holds<Button, ()>,
    /// Gamepads, likewise.
    pads: Pads,
    /// Inputs were lost: a press that nobody saw may have been secret, and that it was may be among what was lost.
    misses_presses: bool,
    spans: Spans,
    /// Since when the present spans are as they are.
    now: MonoNs,
}

impl Inputs {
    /// For a surface; with `window`, only input while that window has the focus.
    pub(crate) fn new(surface: Surface, rules: KeyRules, window: Option<String>, hotkeys: Hotkeys) -> Self {
        let chats = rules.chats.iter().cloned().map(Chat::new).collect();
        Self {
            surface,
            rules,
            chords: Chords::new(hotkeys),
            chats,
            attends: window.is_none(),
            away: false,
            untouched: window.is_some(),
            active: None,
            latest: MonoNs(i64::MIN),
            paused: false,
            resumed: MonoNs(i64::MIN),
            closed: false,
            focus_in_pause: None,
            layout_in_pause: None,
            layout: None,
            pointer: None,
            pointed: Pointed::default(),
            window,
            secret: None,
            keys: Holds::default(),
            buttons: Holds::default(),
            pads: Pads::default(),
            misses_presses: false,
            spans: Spans::default(),
            now: MonoNs(i64::MIN),
        }
    }

    /// The surface is there now.
    pub(crate) fn surface_moved(&mut self, surface: Surface) {
        self.surface = surface;
        self.pointed.forget();
    }

    /// Whether the state at the start may be in the metadata: it belongs to what is recorded, and is no secret.
    pub(crate) fn may_tell_initial(&self, initial: &InitialState) -> bool {
        self.window.is_none() && initial.secret.is_none()
    }

    /// Whether the code of a key may be known, by the rules alone.
    pub(crate) fn may_tell(&self, usage: Option<HidUsage>) -> bool {
        !self.rules.withholds(usage)
    }

    /// What was held when recording began, as rows, so that a later release has its press.
    pub(crate) fn begin(&mut self, t: MonoNs, initial: &InitialState, out: &mut Vec<Written>) {
        self.secret = initial.secret;
        for name in &initial.keys {
            self.keys.insert(*name, Press { secret: self.hides(name.0), doubtful: false }, false);
        }
        for button in &initial.buttons {
            self.buttons.insert(*button, (), false);
        }
        self.untouched &= self.keys.is_empty()
            && self.buttons.is_empty()
            && initial.pads.iter().all(|(_, change)| matches!(change, PadChange::Connected(_)));
        for (pad, change) in &initial.pads {
            drop(self.pads.take(*pad, change.clone(), false, false));
        }
        self.layout = Some(initial.layout.clone());
        self.tell_spans(t, out);
        if self.attends {
            let position = initial.pointer.map(|at| self.surface.relative(at));
            self.pointer = position;
            self.write_held(t, position, out);
        }
    }

    /// Takes one input.
    pub(crate) fn take(&mut self, input: StampedInput, out: &mut Vec<Written>) {
        let StampedInput { t, source, input } = input;
        match &input {
            RawInput::Proved { place } => return self.pointed.proved(t, *place),
            RawInput::Motion { position, .. } => self.pointed.moved(t, position.is_none()),
            _ => {}
        }
        self.latest = self.latest.max(t);
        if self.untouched
            && !matches!(
                input,
                RawInput::Focus { .. }
                    | RawInput::Secret { .. }
                    | RawInput::Skipped { .. }
                    | RawInput::Lost { .. }
                    | RawInput::PadLost { .. }
            )
        {
            self.untouched = false;
            self.tell_spans(t, out);
        }
        let surface = self.surface;
        let at = |position: Option<(f64, f64)>| position.map(|p| surface.relative(p));
        let input = match input {
            RawInput::Button { button, pressed, position: None } => {
                RawInput::Button { button, pressed, position: self.pointed.at(t) }
            }
            RawInput::Wheel { axis, delta, hi_res, position: None } => {
                RawInput::Wheel { axis, delta, hi_res, position: self.pointed.at(t) }
            }
            told => told,
        };
        if let RawInput::Motion { position: Some(position), .. } = &input
            && self.attends
            && !self.paused
        {
            self.pointer = Some(surface.relative(*position));
        }
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
                    self.buttons.insert(button, (), writes);
                    writes
                } else {
                    self.buttons.remove(&button).map_or(writes, |((), told)| told)
                };
                written.then_some(Event::MouseClick { button, pressed, position: at(position) })
            }
            RawInput::Motion { position, motion, warped } => {
                let motion = motion.map(|(dx, dy)| (dx as f32, dy as f32));
                self.attends.then(|| Event::MouseMove { position: at(position), motion, warped })
            }
            RawInput::Wheel { axis, delta, hi_res, position } => {
                self.attends.then(|| Event::Wheel { delta: delta as f32, axis, hi_res, position: at(position) })
            }
            RawInput::Pad { pad, change } => self.pads.take(pad, change, self.attends, self.paused),
            RawInput::PadLost { reason, count, until } => {
                Some(Event::Gap(Gap { stream: Stream::Input, reason: reason.into(), lost: count, until }))
            }
            RawInput::Focus { window_id, title, app, pid } => {
                self.focus(t, source, (window_id, title, app, pid), out);
                return;
            }
            // It is a state, and says nothing of what was typed: written whatever window has the focus.
            RawInput::Layout(layout) => {
                self.layout = Some(layout.clone());
                Some(Event::Layout(layout))
            }
            RawInput::Secret { reason } => {
                self.secret = reason;
                self.tell_spans(t, out);
                return;
            }
            RawInput::Proved { .. } => None,
            RawInput::Unproved { count, until } => self.attends.then(|| {
                let reason = "motion_unproved".into();
                Event::Gap(Gap { stream: Stream::Input, reason, lost: Some(count), until })
            }),
            // Like a focus, whatever window has it. No key is missing.
            RawInput::Skipped { reason, count, until } => {
                Some(Event::Gap(Gap { stream: Stream::Input, reason: reason.into(), lost: Some(count), until }))
            }
            RawInput::Lost { reason, count, until } => {
                self.chords.doubt();
                self.misses_presses = true;
                // A code that is secret stays it, whatever was lost.
                for (_, press) in self.keys.iter_mut() {
                    press.doubtful = !press.secret;
                }
                Some(Event::Gap(Gap { stream: Stream::Input, reason: reason.into(), lost: count, until }))
            }
        };
        out.extend(event.map(|event| (t, source, event)));
    }

    /// Takes an input of a pause. It is not written; what is held, active and secret afterwards is known when recording goes on.
    pub(crate) fn overlook(&mut self, input: StampedInput, out: &mut Vec<Written>) {
        self.paused = true;
        let mut overlooked = Vec::new();
        self.take(input, &mut overlooked);
        for (t, source, event) in overlooked {
            match event {
                Event::Redact { .. } => out.push((t, source, event)),
                Event::Focus { .. } => self.focus_in_pause = Some(event),
                Event::Layout(_) => self.layout_in_pause = Some(event),
                _ => {}
            }
        }
    }

    /// The person paused it, whether or not an input says so: nothing is written until it goes on.
    pub(super) fn rest(&mut self) {
        self.paused = true;
    }

    /// Takes an input of a pause that arrives when recording goes on already, since its source is slower than others. What it releases
    /// was stated to be held when the pause ended, and is released then.
    pub(super) fn overlook_late(&mut self, input: StampedInput, out: &mut Vec<Written>) {
        if let RawInput::Pad { .. } = &input.input {
            // Where it is was stated when the pause ended, as far as it was known: this is what was not.
            let t = input.t.max(self.resumed);
            self.take(StampedInput { t, source: Source::Recorder, ..input }, out);
            return;
        }
        let mut overlooked = Vec::new();
        self.paused = true;
        self.take(input, &mut overlooked);
        self.paused = false;
        for (t, source, event) in overlooked {
            match event {
                Event::Redact { .. } => out.push((t, source, event)),
                Event::Focus { .. }
                | Event::Layout(_)
                | Event::Key(Key { down: false, .. })
                | Event::MouseClick { pressed: false, .. } => out.push((t.max(self.resumed), source, event)),
                _ => {}
            }
        }
    }

    /// Recording goes on after a pause: which window became active in it, and what is held. Where the pointer is is not known: it may
    /// have moved.
    pub(crate) fn go_on(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        if self.closed {
            return;
        }
        (self.paused, self.resumed) = (false, t);
        // Released by the row of the pause, all of it.
        self.keys.hide(|_, _| ());
        self.buttons.hide(|_, ()| ());
        self.pads.hide(drop);
        let changed = [self.focus_in_pause.take(), self.layout_in_pause.take()];
        out.extend(changed.into_iter().flatten().map(|event| (t, Source::Recorder, event)));
        if self.attends {
            self.write_held(t, None, out);
        }
    }

    /// A part of the recording begins at `t`: what holds then is stated as at a start, after what a start says of the sources. What is withheld
    /// was told up to there ([`Self::end`]).
    pub(crate) fn begin_part(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        if self.closed {
            return;
        }
        self.tell_spans(t, out);
        self.pads.forget_told();
        if self.paused {
            // Told when recording goes on.
            self.focus_in_pause = self.focus_in_pause.take().or_else(|| self.focus_row());
            return;
        }
        out.extend(self.focus_row().map(|event| (t, Source::Recorder, event)));
        self.keys.hide(|_, _| ());
        self.buttons.hide(|_, ()| ());
        if self.attends {
            self.write_held(t, self.pointer, out);
        }
    }

    /// What is held and how it is laid out, where a start would say it.
    pub(crate) fn state(&self) -> Option<InitialState> {
        let tells = self.window.is_none() && self.secret.is_none() && !self.paused && !self.closed;
        tells.then(|| InitialState {
            keys: self.keys.iter().filter(|(_, press)| !press.secret).map(|(name, _)| *name).collect(),
            buttons: self.buttons.names().copied().collect(),
            pointer: None,
            layout: self.layout.clone().unwrap_or_default(),
            pads: self.pads.state(),
            secret: None,
        })
    }

    /// Why inputs, or the codes of keys, are withheld at the moment, where that is no rule for all of the recording: a word in `snake_case`.
    pub(crate) fn withheld(&self) -> Option<&'static str> {
        let unattended = (!self.attends).then_some(if self.away { "target_absent" } else { "window_without_focus" });
        let typed = self.secret.map(Reason::name).or(self.types_chat().then_some("chat"));
        unattended.or(typed).filter(|_| !self.closed)
    }

    /// How the keyboard is laid out, as far as the source told.
    pub(crate) fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// Where the pointer was last written to be.
    pub(crate) fn pointer(&self) -> Option<Position> {
        self.pointer
    }

    /// Where the surface is now.
    pub(crate) fn surface(&self) -> Surface {
        self.surface
    }

    /// From `t` on nothing is written. What is held then is released by finalizing, as in a pause.
    pub(crate) fn close(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        self.end(t, out);
        self.closed = true;
    }

    /// What hotkeys asked for since the last time.
    pub(crate) fn take_asked(&mut self) -> Vec<Asked> {
        self.chords.take_asked()
    }

    /// Time passes: long spans are told in pieces.
    pub(crate) fn tick(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        out.extend(self.spans.tick(t).into_iter().map(|(from, event)| (from, Source::Recorder, event)));
    }

    /// The recording ends.
    pub(crate) fn end(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        out.extend(self.spans.end(t).into_iter().map(|(from, event)| (from, Source::Recorder, event)));
    }

    /// The code of a key that is pressed now must not be known.
    fn hides(&self, usage: Option<HidUsage>) -> bool {
        self.secret.is_some() || self.rules.withholds(usage)
    }

    fn key(&mut self, at: (MonoNs, Source), name: KeyName, down: bool, repeat: bool) -> Option<Key> {
        let known = self.keys.get(&name).map(|(press, told)| (*press, told));
        let fresh = down && !repeat && known.is_none_or(|(press, _)| press.doubtful);
        let keys = &self.keys;
        let held = || Modifiers::among(keys.names().filter_map(|(usage, _)| *usage));
        if self.chords.take(at, name, down, fresh, held) {
            // The game sees the key.
            if fresh && self.attends {
                self.press_in_chats(name.0);
            }
            return None;
        }
        let writes = self.attends && !self.paused && self.rules.policy != KeyPolicy::None;
        let is_unseen = self.misses_presses && known.is_none();
        let (secret, written, repeat) = if down {
            let known = known.filter(|(press, _)| !press.doubtful);
            let repeat = repeat || known.is_some();
            // Chat is the game's: while another window has the focus nothing is typed into it.
            let chat = if repeat || !self.attends { self.types_chat() } else { self.press_in_chats(name.0) };
            let secret = self.hides(name.0) || chat;
            // Pressed in the open and repeated where it is secret: the repeat has no code, the release has.
            let secret = secret || (repeat && is_unseen);
            let (press, told) = known.unwrap_or((Press { secret, doubtful: false }, writes));
            self.keys.insert(name, press, told);
            (press.secret || secret, writes, repeat)
        } else {
            self.keys.remove(&name);
            match known {
                Some((press, told)) => (press.secret, told, false),
                None => (is_unseen || self.hides(name.0) || self.types_chat(), writes, false),
            }
        };
        let (usage, native) = if secret { (None, None) } else { (name.0, Some(name.1)) };
        written.then_some(Key { usage, native, down, repeat, redacted: secret })
    }

    fn types_chat(&self) -> bool {
        self.chats.iter().any(Chat::is_typing)
    }

    /// A key was pressed; whether its code is withheld, since it goes into a chat.
    fn press_in_chats(&mut self, usage: Option<HidUsage>) -> bool {
        let mut withheld = false;
        // Every chat hears of it, whether or not one withholds it already.
        for chat in &mut self.chats {
            withheld |= chat.press(usage);
        }
        withheld
    }

    fn focus(&mut self, t: MonoNs, source: Source, (window_id, title, app, pid): ActiveWindow, out: &mut Vec<Written>) {
        self.chats.iter_mut().for_each(|chat| chat.focus(&app, &title.0));
        self.active = Some((window_id, title, app, pid));
        let came = self.attend(t, out);
        out.extend(self.focus_row().map(|event| (t, source, event)));
        self.tell_spans(t, out);
        if came && !self.paused {
            self.write_held(t, None, out);
        }
    }

    /// The row of the active window. Of other windows than the recorded one only which they are: their titles are no part of what
    /// was agreed to.
    fn focus_row(&self) -> Option<Event> {
        let (window_id, title, app, pid) = self.active.clone()?;
        Some(if self.attends {
            Event::Focus { window_id, title, app, pid }
        } else {
            Event::Focus { window_id, title: Content::default(), app: String::new(), pid: None }
        })
    }

    /// Decides anew whether inputs are for the recording, and releases what is held when they are no more; whether they are now and
    /// were not before.
    fn attend(&mut self, t: MonoNs, out: &mut Vec<Written>) -> bool {
        let active = self.active.as_ref().map(|(id, ..)| id);
        let has_focus = self.window.as_ref().is_none_or(|window| Some(window) == active);
        let attends = has_focus && !self.away;
        let before = std::mem::replace(&mut self.attends, attends);
        self.untouched &= !attends;
        if before && !attends {
            self.release_held(t, out);
        }
        attends && !before
    }

    /// What is recorded is not there from `t` on: inputs are written no more, as for a window that lost the focus.
    pub(crate) fn surface_away(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        if self.closed {
            return;
        }
        let t = t.max(self.latest);
        self.pointed.forget();
        self.away = true;
        let mut rows = Vec::new();
        self.attend(t, &mut rows);
        self.tell_spans(t, &mut rows);
        out.extend(rows.into_iter().filter(|(_, _, event)| !self.paused || matches!(event, Event::Redact { .. })));
    }

    /// It is there again; with `window`, another window took the place of the recorded one.
    pub(crate) fn surface_back(&mut self, t: MonoNs, window: Option<String>, out: &mut Vec<Written>) {
        if self.closed {
            return;
        }
        let t = t.max(self.latest);
        self.away = false;
        let renewed = window.is_some() && self.window.is_some();
        if renewed {
            self.window = window;
        }
        let came = self.attend(t, out);
        if came && !self.paused {
            // What became active before it was known to be the recorded window was told without its title.
            out.extend(self.focus_row().filter(|_| renewed).map(|event| (t, Source::Recorder, event)));
        }
        self.tell_spans(t, out);
        if came && !self.paused {
            self.write_held(t, None, out);
        }
    }

    /// The edge at which inputs are written no more: what is held is released.
    fn release_held(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        self.keys.hide(|name, press| {
            out.push((t, Source::Recorder, Event::Key(held_key(*name, press.secret, false))));
        });
        self.buttons.hide(|button, ()| {
            let event = Event::MouseClick { button: *button, pressed: false, position: None };
            out.push((t, Source::Recorder, event));
        });
        self.pads.hide(|event| out.push((t, Source::Recorder, event)));
    }

    /// The edge at which inputs are written again: what is held is pressed.
    fn write_held(&mut self, t: MonoNs, position: Option<Position>, out: &mut Vec<Written>) {
        let secret = self.secret.is_some() || self.types_chat();
        for (name, press) in self.keys.iter_mut() {
            press.secret |= secret || self.rules.withholds(name.0);
        }
        if self.rules.policy != KeyPolicy::None {
            self.keys.show(|name, press| {
                out.push((t, Source::Recorder, Event::Key(held_key(*name, press.secret, true))));
            });
        }
        self.buttons.show(|button, ()| {
            let event = Event::MouseClick { button: *button, pressed: true, position };
            out.push((t, Source::Recorder, event));
        });
        self.pads.show(|event| out.push((t, Source::Recorder, event)));
    }

    /// What is withheld now, as spans.
    fn tell_spans(&mut self, t: MonoNs, out: &mut Vec<Written>) {
        self.now = self.now.max(t);
        let span = |what, reason: &str| Withheld { what, reason: reason.to_owned(), area: None };
        let mut now = BTreeSet::new();
        if !self.attends && !self.untouched {
            now.insert(span("input", if self.away { "target_absent" } else { "window_without_focus" }));
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
