//! From rows to actions: presses and releases become clicks and drags, turns of a wheel a scroll, keys text or chords.
//!
//! Keeps the invariants that actions come out in the order of their begins; that an action is made of what the rows say and of nothing
//! else; that what nobody knows (a key without a code, a press without a release) ends what is being typed, is counted and becomes no
//! action. Memory does not grow with the session: what waits has a bound. Knows neither pictures nor files.

use std::collections::BTreeMap;

use super::keyboard::{Keyboard, Press};
use super::layouts;
use super::place::{Place, Surface};
use crate::base::event::HidUsage;
use crate::base::hid;
use crate::session::metadata::Metadata;
use crate::session::table::row::{OwnedRow, event_type, key};

/// The next press of a button within this time, and near the last one, makes a double click: what desktops take for one.
pub(super) const DOUBLE_CLICK_NS: i64 = 500_000_000;
/// A pointer that went this far while a button was down dragged something: what GTK takes for it, pixels of the surface.
pub(super) const DRAG_PIXELS: f64 = 8.0;
/// Turns of a wheel that are no further apart are one scroll.
pub(super) const SCROLL_GAP_NS: i64 = 500_000_000;
/// Characters that are no further apart are one text.
pub(super) const TYPE_GAP_NS: i64 = 2_000_000_000;
/// Longest text of one action, characters.
const MAX_TEXT: usize = 4096;
/// Most actions that wait for one that began earlier and lasts.
const MAX_WAITING: usize = 4096;

/// What was done.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    /// A button went down and up; so many times.
    Click { button: String, clicks: u32 },
    /// A button went down in one place and up in another one.
    Drag { button: String, to: Option<Place> },
    /// A wheel turned, steps right and up; `None` where a row does not say by how much.
    Scroll { dx: Option<f64>, dy: Option<f64> },
    /// Text was typed.
    Type { text: String },
    /// A key that writes nothing, or keys that were pressed together.
    Hotkey { keys: Vec<String>, codes: Vec<&'static str>, repeats: u32 },
}

/// An action.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Action {
    pub(super) kind: Kind,
    /// When it began, nanoseconds of the session's clock.
    pub(super) t_ns: i64,
    /// When it ended.
    pub(super) until_ns: i64,
    /// Where the pointer was when it began.
    pub(super) place: Option<Place>,
    /// Modifiers that were held.
    pub(super) modifiers: Vec<&'static str>,
}

/// What became no action, by reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Unsaid {
    /// Presses of keys that were withheld.
    pub(super) withheld: u64,
    /// Presses of keys without a code.
    pub(super) without_code: u64,
    /// Presses of keys of which no layout says what they write; they are chords by their codes.
    pub(super) without_layout: u64,
    /// Marks with a character behind them on which they do not go.
    pub(super) not_composed: u64,
    /// Buttons that were pressed or released behind an edge of the recording, or of which a row does not say which it was.
    pub(super) cut: u64,
}

/// A button that is down.
struct Down {
    t_ns: i64,
    place: Option<Place>,
    modifiers: Vec<&'static str>,
    /// How far the pointer went, pixels.
    away: f64,
    /// It went down behind an edge of the recording.
    is_edge: bool,
}

/// Text that is being typed.
struct Typing {
    action: Action,
    text: String,
    dead: Option<&'static str>,
}

/// A key that is down and writes nothing, or a modifier that nothing was pressed with.
struct Chord {
    action: Action,
    is_modifier: bool,
}

/// Makes actions of rows.
pub(super) struct Gather {
    keyboard: Keyboard,
    surface: Surface,
    size: (u32, u32),
    pointer: Option<Place>,
    buttons: BTreeMap<String, Down>,
    chords: BTreeMap<u16, Chord>,
    typing: Option<Typing>,
    click: Option<Action>,
    scroll: Option<Action>,
    /// What ended, by its begin and the order of ends.
    done: BTreeMap<(i64, u64), Action>,
    ended: u64,
    pub(super) unsaid: Unsaid,
}

impl Gather {
    /// Begins with what a session says of its begin; `size` is that of its pictures.
    pub(super) fn new(metadata: &Metadata, size: (u32, u32)) -> Self {
        let initial = &metadata.initial_state;
        let layout = initial.layout.as_deref().or(metadata.keyboard_layout.as_deref());
        let surface = Surface::first(metadata, size);
        let pointer = initial.pointer.map(|[x, y]| surface.place(x as f32, y as f32));
        Self {
            keyboard: Keyboard::new(layout, initial.group, initial.keys.as_deref().unwrap_or_default()),
            surface,
            size,
            pointer,
            buttons: BTreeMap::new(),
            chords: BTreeMap::new(),
            typing: None,
            click: None,
            scroll: None,
            done: BTreeMap::new(),
            ended: 0,
            unsaid: Unsaid::default(),
        }
    }

    /// Takes the next row; `each` gets the actions that are whole now, in the order of their begins.
    pub(super) fn take<E>(&mut self, row: &OwnedRow, each: &mut impl FnMut(Action) -> Result<(), E>) -> Result<(), E> {
        self.expire(row.t_ns);
        match row.event_type.as_str() {
            event_type::WINDOW => self.surface.change(row),
            event_type::LAYOUT => self.keyboard.change(row),
            event_type::KEY_DOWN => self.key_down(row),
            event_type::KEY_UP => self.key_up(row),
            event_type::MOUSE_CLICK => self.button(row),
            event_type::WHEEL => self.wheel(row),
            event_type::MOUSE_MOVE => self.moved(row),
            // What is behind goes elsewhere, or is not what was before.
            event_type::FOCUS | event_type::PAUSE | event_type::RESUME | event_type::GAP | event_type::REDACT => {
                self.close();
            }
            _ => {}
        }
        if self.done.len() > MAX_WAITING {
            self.give_up();
        }
        self.emit(each)
    }

    /// Ends: what is down still is cut off.
    pub(super) fn end<E>(&mut self, each: &mut impl FnMut(Action) -> Result<(), E>) -> Result<(), E> {
        self.close();
        self.give_up();
        self.emit(each)
    }

    fn emit<E>(&mut self, each: &mut impl FnMut(Action) -> Result<(), E>) -> Result<(), E> {
        let open = [self.typing.as_ref().map(|typing| typing.action.t_ns), self.click.as_ref().map(|click| click.t_ns)];
        let open = open.into_iter().chain([self.scroll.as_ref().map(|scroll| scroll.t_ns)]).flatten();
        let open = open.chain(self.chords.values().map(|chord| chord.action.t_ns));
        let first = open.chain(self.buttons.values().map(|down| down.t_ns)).min().unwrap_or(i64::MAX);
        while let Some(entry) = self.done.first_entry() {
            if entry.key().0 >= first && first != i64::MAX {
                break;
            }
            each(entry.remove())?;
        }
        Ok(())
    }

    fn done(&mut self, action: Action) {
        self.done.insert((action.t_ns, self.ended), action);
        self.ended += 1;
    }

    /// Ends what cannot go on any more at this time.
    fn expire(&mut self, t_ns: i64) {
        let is_past = |action: &Action, gap: i64| t_ns.saturating_sub(action.until_ns) > gap;
        if self.typing.as_ref().is_some_and(|typing| is_past(&typing.action, TYPE_GAP_NS)) {
            self.close_typing();
        }
        // A button that is down may make a double click of it.
        if self.buttons.is_empty() && self.click.as_ref().is_some_and(|click| is_past(click, DOUBLE_CLICK_NS)) {
            self.close_click();
        }
        if self.scroll.as_ref().is_some_and(|scroll| is_past(scroll, SCROLL_GAP_NS)) {
            self.close_scroll();
        }
    }

    fn close_typing(&mut self) {
        let Some(Typing { action, text, dead }) = self.typing.take() else { return };
        self.unsaid.not_composed += u64::from(dead.is_some());
        if !text.is_empty() {
            self.done(Action { kind: Kind::Type { text }, ..action });
        }
    }

    fn close_click(&mut self) {
        if let Some(click) = self.click.take() {
            self.done(click);
        }
    }

    fn close_scroll(&mut self) {
        if let Some(scroll) = self.scroll.take() {
            self.done(scroll);
        }
    }

    /// Ends what could go on with the next row.
    fn close(&mut self) {
        self.close_typing();
        self.close_click();
        self.close_scroll();
    }

    /// Ends what lasts: keys are released for what is known, buttons are cut off.
    fn give_up(&mut self) {
        for (_, chord) in std::mem::take(&mut self.chords) {
            self.done(chord.action);
        }
        self.unsaid.cut += self.buttons.len() as u64;
        self.buttons.clear();
    }

    /// Modifiers that are held belong to something now.
    fn use_modifiers(&mut self) {
        self.chords.retain(|_, chord| !chord.is_modifier);
    }

    fn action(&self, t_ns: i64, kind: Kind) -> Action {
        Action { kind, t_ns, until_ns: t_ns, place: self.pointer, modifiers: self.keyboard.modifiers() }
    }

    fn follow(&mut self, row: &OwnedRow) {
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            self.pointer = Some(self.surface.place(x, y));
        }
    }

    fn moved(&mut self, row: &OwnedRow) {
        self.follow(row);
        let (pointer, size) = (self.pointer, self.size);
        for down in self.buttons.values_mut() {
            if let (Some(from), Some(to)) = (down.place, pointer) {
                down.away = down.away.max(from.away(to, size));
            }
        }
    }

    fn button(&mut self, row: &OwnedRow) {
        self.moved(row);
        let is_edge = row.metadata.get(key::HELD).is_some();
        let (Some(button), Some(is_down)) = (row.mouse_button.clone(), row.pressed) else {
            self.unsaid.cut += 1;
            return self.close();
        };
        if is_down {
            self.close_typing();
            self.close_scroll();
            self.use_modifiers();
            let is_second = self.click.as_ref().is_some_and(|click| self.may_follow(click, &button, row.t_ns));
            if !is_second {
                self.close_click();
            }
            let (place, modifiers) = (self.pointer, self.keyboard.modifiers());
            self.buttons.insert(button, Down { t_ns: row.t_ns, place, modifiers, away: 0.0, is_edge });
            return;
        }
        let Some(down) = self.buttons.remove(&button) else { return };
        if down.is_edge || is_edge {
            self.unsaid.cut += 1;
            return;
        }
        let Down { t_ns, place, modifiers, away, .. } = down;
        let until_ns = row.t_ns;
        if away > DRAG_PIXELS {
            self.close_click();
            let kind = Kind::Drag { button, to: self.pointer };
            return self.done(Action { kind, t_ns, until_ns, place, modifiers });
        }
        if let Some(Action { kind: Kind::Click { clicks, .. }, until_ns: until, .. }) = &mut self.click {
            *clicks = clicks.saturating_add(1);
            *until = until_ns;
            return;
        }
        let again = button == "left";
        let click = Action { kind: Kind::Click { button, clicks: 1 }, t_ns, until_ns, place, modifiers };
        if again {
            self.click = Some(click);
        } else {
            self.done(click);
        }
    }

    /// Whether a press makes a double click of a click.
    fn may_follow(&self, click: &Action, button: &str, t_ns: i64) -> bool {
        let Kind::Click { button: of, .. } = &click.kind else { return false };
        let near = click.place.zip(self.pointer).is_none_or(|(from, to)| from.away(to, self.size) <= DRAG_PIXELS);
        let soon = t_ns.saturating_sub(click.until_ns) <= DOUBLE_CLICK_NS;
        of == button && near && soon && click.modifiers == self.keyboard.modifiers()
    }

    fn wheel(&mut self, row: &OwnedRow) {
        self.moved(row);
        self.close_typing();
        self.close_click();
        self.use_modifiers();
        let modifiers = self.keyboard.modifiers();
        if self.scroll.as_ref().is_some_and(|scroll| scroll.modifiers != modifiers) {
            self.close_scroll();
        }
        let new = self.action(row.t_ns, Kind::Scroll { dx: Some(0.0), dy: Some(0.0) });
        let scroll = self.scroll.get_or_insert(new);
        scroll.until_ns = row.t_ns;
        if let Kind::Scroll { dx, dy } = &mut scroll.kind {
            let sum = if row.metadata.get(key::AXIS) == Some("horizontal") { dx } else { dy };
            *sum = sum.zip(row.delta).map(|(sum, delta)| sum + f64::from(delta));
        }
    }

    fn key_down(&mut self, row: &OwnedRow) {
        let is_repeat = row.repeat == Some(true);
        let is_edge = row.metadata.get(key::HELD).is_some();
        let Some(usage) = row.key_code.and_then(|usage| u16::try_from(usage).ok()) else {
            if !is_repeat && !is_edge {
                let is_withheld = row.metadata.get(key::REDACTED).is_some();
                let count = if is_withheld { &mut self.unsaid.withheld } else { &mut self.unsaid.without_code };
                *count += 1;
            }
            self.use_modifiers();
            return self.close();
        };
        let is_open = self.chords.contains_key(&usage);
        let press = self.keyboard.press(usage, is_repeat);
        if is_edge {
            return;
        }
        if is_repeat && is_open {
            if let Some(Chord { action: Action { kind: Kind::Hotkey { repeats, .. }, .. }, is_modifier: false }) =
                self.chords.get_mut(&usage)
            {
                *repeats = repeats.saturating_add(1);
            }
            return;
        }
        match press {
            Press::Modifier if is_repeat => {}
            Press::Modifier => {
                let keys = self.keyboard.modifiers().into_iter().map(str::to_owned).collect();
                let codes = self.keyboard.modifier_codes().collect();
                let action = self.action(row.t_ns, Kind::Hotkey { keys, codes, repeats: 0 });
                // Two modifiers together are one chord, of the second.
                self.use_modifiers();
                self.chords
                    .insert(usage, Chord { action: Action { modifiers: Vec::new(), ..action }, is_modifier: true });
            }
            Press::Text(c) => self.typed(row.t_ns, c),
            Press::Dead(dead) => self.typed_dead(row.t_ns, dead),
            Press::Command => self.command(row.t_ns, usage),
        }
    }

    fn command(&mut self, t_ns: i64, usage: u16) {
        self.close();
        self.use_modifiers();
        if !self.keyboard.is_known() {
            self.unsaid.without_layout += 1;
        }
        let mut keys: Vec<String> = self.keyboard.modifiers().into_iter().map(str::to_owned).collect();
        let name = self.keyboard.name(usage);
        let mut codes: Vec<_> = self.keyboard.modifier_codes().collect();
        let code = hid::code_of_usage(HidUsage(usage));
        codes.extend(code);
        keys.push(if name.is_empty() { format!("hid.{usage}") } else { name });
        let action = self.action(t_ns, Kind::Hotkey { keys, codes, repeats: 0 });
        self.chords.insert(usage, Chord { action, is_modifier: false });
    }

    /// The text that is being typed; begins one.
    fn text(&mut self, t_ns: i64) -> &mut Typing {
        self.close_click();
        self.close_scroll();
        self.use_modifiers();
        if self.typing.as_ref().is_some_and(|typing| typing.text.chars().count() >= MAX_TEXT) {
            self.close_typing();
        }
        let action = Action { modifiers: Vec::new(), ..self.action(t_ns, Kind::Type { text: String::new() }) };
        let typing = self.typing.get_or_insert(Typing { action, text: String::new(), dead: None });
        typing.action.until_ns = t_ns;
        typing
    }

    fn typed(&mut self, t_ns: i64, c: char) {
        let typing = self.text(t_ns);
        match typing.dead.take() {
            None => typing.text.push(c),
            Some(dead) => match layouts::compose(dead, Some(c)) {
                Some(composed) => typing.text.push(composed),
                None => self.unsaid.not_composed += 1,
            },
        }
    }

    fn typed_dead(&mut self, t_ns: i64, dead: &'static str) {
        let typing = self.text(t_ns);
        match typing.dead.replace(dead) {
            None => {}
            Some(before) if before == dead => {
                typing.dead = None;
                match layouts::compose(dead, None) {
                    Some(alone) => typing.text.push(alone),
                    None => self.unsaid.not_composed += 1,
                }
            }
            Some(_) => self.unsaid.not_composed += 1,
        }
    }

    fn key_up(&mut self, row: &OwnedRow) {
        let Some(usage) = row.key_code.and_then(|usage| u16::try_from(usage).ok()) else { return };
        self.keyboard.release(usage);
        if let Some(Chord { mut action, is_modifier }) = self.chords.remove(&usage) {
            // A modifier that a pause cut off was not pressed for itself.
            if is_modifier && row.metadata.get(key::HELD).is_some() {
                return;
            }
            if is_modifier {
                self.close();
            }
            action.until_ns = row.t_ns;
            self.done(action);
        }
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
