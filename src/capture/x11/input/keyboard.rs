//! The keyboard as a whole: which physical key a keycode is, and how the keys are laid out now.
//!
//! Layouts and the group in force change while people type; both are followed by events, in the order of the keys. A keycode that the
//! layout gives no character, and to which a program gives one (`xdotool type` does, of characters that no key has), is no
//! physical key when that program presses it: it has no usage then. A key of the kernel's devices has its place whatever stands on it.

use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::Event;
use x11rb::protocol::xkb::{
    self, ConnectionExt as _, EventType, MapPart, SelectEventsAux, SelectEventsAuxStateNotify, StatePart,
};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, Mapping, Window};
use x11rb::rust_connection::RustConnection;

use super::meaning::Kind;
use super::skipped::Skipped;
use crate::base::event::{HidUsage, Layout};
use crate::base::hid;
use crate::base::time::MonoNs;

/// `_XKB_RULES_NAMES` is read up to this many 4-byte units; it holds five short words.
const RULES_UNITS: u32 = 256;
/// Keycodes that there can be.
const KEYCODES: usize = 256;
/// Changes of the layout are told once in this time: a program that switches for each character it types does so some ten times
/// a second, and one that does nothing else must not fill the log.
const TELL_EVERY: Duration = Duration::from_millis(20);

/// What is known of the keyboard.
pub(super) struct Keyboard {
    /// Keycodes are evdev's; else only some are known.
    evdev: bool,
    rules: Atom,
    layout: Layout,
    told: Layout,
    told_at: MonoNs,
    /// Keycodes to which the layout gives no character.
    empty: [bool; KEYCODES],
    /// Of these, the ones that a program gave one.
    borrowed: [bool; KEYCODES],
    /// The names of the layout, or the characters of all keys, are others.
    names_stale: bool,
    map_stale: bool,
    /// Groups in force that were not told.
    skipped: Skipped,
}

impl Keyboard {
    /// Asks for all of it, and to be told of changes.
    pub(super) fn open(conn: &RustConnection, root: Window) -> Result<Self, ReplyError> {
        let rules = conn.intern_atom(false, b"_XKB_RULES_NAMES")?.reply()?.atom;
        let evdev = has_evdev_keycodes(conn)?;
        if !evdev {
            tracing::warn!(target: "capture", "the server's keycodes are not evdev's: some keys have no HID usage");
        }
        let mut keyboard = Self {
            evdev,
            rules,
            layout: Layout::default(),
            told: Layout::default(),
            told_at: MonoNs(i64::MIN),
            empty: [false; KEYCODES],
            borrowed: [false; KEYCODES],
            names_stale: false,
            map_stale: false,
            skipped: Skipped::new("layout_flood"),
        };
        keyboard.layout = Layout { group: follow_group(conn)?, names: read_names(conn, root, rules)? };
        keyboard.read_empty(conn)?;
        keyboard.told = keyboard.layout.clone();
        Ok(keyboard)
    }

    /// How it is laid out.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The physical key of a keycode that a device of some kind pressed, where there is no doubt.
    pub(super) fn usage(&self, keycode: u32, kind: Kind) -> Option<HidUsage> {
        let borrowed = self.borrowed.get(keycode as usize).copied().unwrap_or(false);
        if borrowed && kind != Kind::Kernel {
            return None;
        }
        if self.evdev || is_common_keycode(keycode) { hid::usage_of_x11(keycode) } else { None }
    }

    /// Takes in an event that was read at `now`; whether it was one of the keyboard's. [`Self::settle`] asks what must be asked.
    pub(super) fn event(&mut self, conn: &RustConnection, root: Window, event: &Event, now: MonoNs) -> bool {
        match event {
            Event::XkbStateNotify(e) => {
                let group = Some(e.group.into());
                if group != self.layout.group {
                    self.skipped.changed(now, true);
                }
                self.layout.group = group;
            }
            Event::PropertyNotify(e) if e.window == root && e.atom == self.rules => self.names_stale = true,
            // A client that knows XKB is told by its event; without XKB, by the older one.
            Event::XkbMapNotify(e) if e.changed.contains(MapPart::KEY_SYMS) => {
                self.map_changed(conn, (e.first_key_sym, e.n_key_syms));
            }
            Event::MappingNotify(e) if e.request == Mapping::KEYBOARD => {
                self.map_changed(conn, (e.first_keycode, e.count));
            }
            _ => return false,
        }
        true
    }

    /// Asks for what events say is another.
    pub(super) fn settle(&mut self, conn: &RustConnection, root: Window) -> Result<(), ReplyError> {
        if std::mem::take(&mut self.names_stale) {
            self.map_stale = false;
            self.layout.names = read_names(conn, root, self.rules)?;
            self.borrowed = [false; KEYCODES];
            self.read_empty(conn)?;
        }
        if std::mem::take(&mut self.map_stale) {
            // Of another layout, or the same one for another device. It is asked for too late to tell which of its characters were there
            // before a program began to type.
            let before = self.empty;
            self.read_empty(conn)?;
            self.empty.iter_mut().zip(before).for_each(|(empty, before)| *empty |= before);
        }
        Ok(())
    }

    /// The groups that were not told, to be reported.
    pub(super) fn skipped(&mut self) -> &mut Skipped {
        &mut self.skipped
    }

    /// The characters of `count` keycodes from `first` on are others.
    fn map_changed(&mut self, conn: &RustConnection, (first, count): (u8, u8)) {
        let setup = conn.setup();
        let whole = usize::from(setup.max_keycode.saturating_sub(setup.min_keycode)) + 1;
        if usize::from(count) >= whole {
            self.map_stale = true;
            return;
        }
        // Not asked what was put there: a program that types takes it away again at once.
        let first = usize::from(first);
        for code in first..(first + usize::from(count)).min(KEYCODES) {
            self.borrowed[code] |= self.empty[code];
        }
    }

    /// Another layout than was told last, when it is time to tell it.
    pub(super) fn news(&mut self, now: MonoNs) -> Option<Layout> {
        if self.layout == self.told || now.since(self.told_at) < TELL_EVERY {
            return None;
        }
        self.told_at = now;
        if self.told.group != self.layout.group {
            self.skipped.told();
        }
        self.told = self.layout.clone();
        Some(self.layout.clone())
    }

    fn read_empty(&mut self, conn: &RustConnection) -> Result<(), ReplyError> {
        let setup = conn.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = conn.get_keyboard_mapping(first, last.saturating_sub(first).saturating_add(1))?.reply()?;
        let each = usize::from(map.keysyms_per_keycode).max(1);
        for (code, keysyms) in (usize::from(first)..KEYCODES).zip(map.keysyms.chunks(each)) {
            // What was borrowed is empty still, whatever stands there now.
            self.empty[code] = self.borrowed[code] || keysyms.iter().all(|keysym| *keysym == 0);
        }
        Ok(())
    }
}

/// Asks to be told of the group in force; which one it is now, `None` without XKB.
fn follow_group(conn: &RustConnection) -> Result<Option<u8>, ReplyError> {
    let follow = || -> Result<u8, ReplyError> {
        conn.xkb_use_extension(1, 0)?.reply()?;
        let keyboard = u16::from(xkb::ID::USE_CORE_KBD);
        let group =
            SelectEventsAuxStateNotify { affect_state: StatePart::GROUP_STATE, state_details: StatePart::GROUP_STATE };
        let details = SelectEventsAux { state_notify: Some(group), ..SelectEventsAux::default() };
        // Of changes of the map those of characters, which stand in a field of their own.
        let (none, maps, parts) = (EventType::from(0_u16), EventType::MAP_NOTIFY, MapPart::KEY_SYMS);
        conn.xkb_select_events(keyboard, none, maps, parts, parts, &details)?.check()?;
        Ok(conn.xkb_get_state(keyboard)?.reply()?.group.into())
    };
    match follow() {
        Ok(group) => Ok(Some(group)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The layouts as `us`, `de(nodeadkeys)` or `us,de(nodeadkeys)`, from the root window's `_XKB_RULES_NAMES`.
fn read_names(conn: &RustConnection, root: Window, rules: Atom) -> Result<Option<String>, ReplyError> {
    let names = conn.get_property(false, root, rules, AtomEnum::STRING, 0, RULES_UNITS)?.reply()?.value;
    Ok(layout_of(&String::from_utf8_lossy(&names)))
}

/// Whether the server's keycodes are evdev's plus 8, as those of every X.Org server on Linux are by default. Others (an
/// old VNC server, XQuartz) have keycodes of their own, of which only the block of the first PC keyboards is the same.
fn has_evdev_keycodes(conn: &RustConnection) -> Result<bool, ReplyError> {
    let named = || -> Result<Option<u32>, ReplyError> {
        conn.xkb_use_extension(1, 0)?.reply()?;
        let keyboard = u16::from(xkb::ID::USE_CORE_KBD);
        Ok(conn.xkb_get_names(keyboard, xkb::NameDetail::KEYCODES)?.reply()?.value_list.keycodes_name)
    };
    match named() {
        Ok(Some(name)) => Ok(conn.get_atom_name(name)?.reply()?.name.starts_with(b"evdev")),
        // No XKB, or no name: nothing speaks against it.
        Ok(None) | Err(ReplyError::X11Error(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Keycodes that mean the same key whether they are evdev's or those of the XFree86 servers: Escape to the keypad's
/// point, the 102nd key, F11 and F12.
fn is_common_keycode(keycode: u32) -> bool {
    matches!(keycode, 9..=91 | 94..=96)
}

/// The property holds rules, model, layouts, variants and options, each ended by a zero byte.
fn layout_of(names: &str) -> Option<String> {
    let mut fields = names.split('\0').skip(2);
    let layouts = fields.next().filter(|layouts| !layouts.is_empty())?;
    let mut variants = fields.next().unwrap_or("").split(',');
    let named: Vec<String> = layouts
        .split(',')
        .map(|layout| match variants.next() {
            Some(variant) if !variant.is_empty() => format!("{layout}({variant})"),
            _ => layout.to_owned(),
        })
        .collect();
    Some(named.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_named_with_their_variants() {
        assert_eq!(layout_of("evdev\0pc105\0us\0\0\0").as_deref(), Some("us"));
        assert_eq!(layout_of("evdev\0pc105\0us,de\0,nodeadkeys\0caps:none\0").as_deref(), Some("us,de(nodeadkeys)"));
        assert_eq!(layout_of("evdev\0pc105\0\0\0\0"), None);
        assert_eq!(layout_of(""), None);
    }
}
