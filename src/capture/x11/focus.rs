//! Which window is active, told on the connection that the input comes through, so that the order of both is kept.
//!
//! With a window manager that speaks EWMH the active window is `_NET_ACTIVE_WINDOW` of the root, followed by property
//! events. Without one it is the window that has the keyboard focus: `GetInputFocus` is asked whenever a focus event
//! says that it changed (and now and then, see [`ASK_AGAIN`], since a window that vanished sends no event). Where the
//! focus is `PointerRoot`, which is so on a bare server, keys go to the window under the pointer, and that is the
//! active one; the source passes on what lies under the pointer whenever it asks for the pointer's position.
//!
//! Events are taken in by [`Focus::note`], which asks nothing, and answered by [`Focus::look`], which asks once for however many of them
//! there were: a program can change the focus faster than anybody can ask.
//!
//! Invariant: a window that vanishes between two questions is "no window", never an error. The same state is never
//! told twice in a row. What it does not do: stamp, or read events from the connection itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use x11rb::cookie::Cookie;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, GetPropertyReply, InputFocus, Window,
};
use x11rb::rust_connection::RustConnection;

use super::popups::{PopupKinds, is_like_popup_of, is_same_client};
use super::program::{self, Programs};
use super::windows;
use crate::base::event::Content;
use crate::base::time::MonoNs;
use crate::capture::RawInput;
use crate::privacy::cover::MAX_WINDOWS;
use crate::privacy::exclude::{Exclusions, Reason, WindowFacts};

/// A title or class is kept up to this many bytes of UTF-8, cut at a character.
pub const MAX_TITLE_BYTES: usize = 256;
/// What is read of a title, in the protocol's 4-byte units: [`MAX_TITLE_BYTES`] and a unit to see that there is more.
const TITLE_UNITS: u32 = MAX_TITLE_BYTES as u32 / 4 + 1;
/// How often `GetInputFocus` is asked without an event, when there is no EWMH window manager.
pub const ASK_AGAIN: Duration = Duration::from_millis(250);
/// Windows between a focused one and the root: toolkits nest some ten deep; a loop of a hostile client ends here.
const MAX_DEPTH: usize = 32;
/// Windows below a frame that are searched for the client's own.
const MAX_BELOW: usize = 64;
/// Popups between a popup and its window: menus nest some five deep; a loop of a hostile client ends here.
const MAX_OWNERS: usize = 16;

x11rb::atom_manager! {
    /// The names that are looked up once.
    Atoms: AtomsCookie {
        _NET_ACTIVE_WINDOW,
        _NET_SUPPORTING_WM_CHECK,
        _NET_WM_NAME,
        _NET_WM_PID,
        WM_STATE,
    }
}

/// What must be asked after an event; the greater question answers the smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Ask {
    /// How the active window is called now.
    Title,
    /// Which window is active now.
    Active,
}

/// Follows the active window.
pub(super) struct Focus {
    atoms: Atoms,
    kinds: PopupKinds,
    root: Window,
    /// The window manager's check window; none: ask for the input focus instead.
    manager: Option<Window>,
    /// The active window, 0 when there is none.
    active: Window,
    /// The other window that is listened to: the one with the input focus, which may lie inside the active one.
    focused: Window,
    /// The input focus is `PointerRoot`: the window under the pointer is the active one.
    under_pointer: bool,
    /// The top window under the pointer, when last told.
    child: Window,
    asked: MonoNs,
    /// The window manager may have come or gone.
    manager_stale: bool,
    /// Children of the root whose focus is heard of though no window is followed, and whether a window manager may place them.
    heard: BTreeMap<Window, bool>,
    told: Option<RawInput>,
    rules: Arc<Exclusions>,
    programs: Programs,
    /// The active window is excluded: why.
    secret: Option<Reason>,
}

impl Focus {
    /// Listens to the root window, with `more` for what the caller needs from it (masks replace each other). Of a window that
    /// `rules` exclude only the identifier is told.
    pub(super) fn open(
        conn: &RustConnection,
        root: Window,
        more: EventMask,
        rules: Arc<Exclusions>,
    ) -> Result<Self, ReplyError> {
        let atoms = Atoms::new(conn)?.reply()?;
        let guarded = windows::root_events();
        let mask = EventMask::PROPERTY_CHANGE | EventMask::FOCUS_CHANGE | guarded | more;
        conn.change_window_attributes(root, &ChangeWindowAttributesAux::new().event_mask(mask))?.check()?;
        let mut focus = Self {
            atoms,
            kinds: PopupKinds::new(conn)?.reply()?,
            root,
            manager: None,
            active: 0,
            focused: 0,
            under_pointer: false,
            child: 0,
            asked: MonoNs(i64::MIN),
            manager_stale: false,
            heard: BTreeMap::new(),
            told: None,
            rules,
            programs: Programs::open(conn)?,
            secret: None,
        };
        focus.find_manager(conn)?;
        if focus.rules.is_empty() {
            for window in conn.query_tree(root)?.reply()?.children {
                if let Ok(attributes) = conn.get_window_attributes(window)?.reply() {
                    focus.hear(conn, window, !attributes.override_redirect)?;
                }
            }
        }
        Ok(focus)
    }

    /// Hears of it when a child of the root gets the focus. Where windows are followed, [`windows`] does.
    fn hear(&mut self, conn: &RustConnection, window: Window, is_managed: bool) -> Result<(), ConnectionError> {
        if self.heard.len() < MAX_WINDOWS {
            self.heard.insert(window, is_managed);
            if window != self.active && window != self.focused {
                self.listen(conn, window, EventMask::NO_EVENT)?;
            }
        }
        Ok(())
    }

    /// Follows the children of the root, where [`windows`] does not.
    pub(super) fn follow(&mut self, conn: &RustConnection, event: &Event) -> Result<(), ConnectionError> {
        match event {
            Event::CreateNotify(e) if self.rules.is_empty() && e.parent == self.root => {
                self.hear(conn, e.window, !e.override_redirect)?;
            }
            Event::DestroyNotify(e) => drop(self.heard.remove(&e.window)),
            Event::ReparentNotify(e) if e.parent != self.root => drop(self.heard.remove(&e.window)),
            _ => {}
        }
        Ok(())
    }

    /// Whether a child of the root is heard here, and whether a window manager may place it.
    pub(super) fn is_managed_window(&self, window: Window) -> Option<bool> {
        self.heard.get(&window).copied()
    }

    /// The active window, 0 when there is none.
    pub(super) fn active(&self) -> Window {
        self.active
    }

    /// Why what is typed into the active window must not be known.
    pub(super) fn secret(&self) -> Option<Reason> {
        self.secret
    }

    /// A window manager tells which window is active.
    pub(super) fn is_managed(&self) -> bool {
        self.manager.is_some()
    }

    /// The window manager may have come or gone since the last look.
    pub(super) fn is_manager_stale(&self) -> bool {
        self.manager_stale
    }

    /// What an event of the connection may have changed.
    pub(super) fn note(&mut self, event: &Event) -> Option<Ask> {
        match event {
            Event::PropertyNotify(e) if e.window == self.root => {
                let check = e.atom == self.atoms._NET_SUPPORTING_WM_CHECK;
                let active = e.atom == self.atoms._NET_ACTIVE_WINDOW;
                self.manager_stale |= check || (active && self.manager.is_none());
                (check || active).then_some(Ask::Active)
            }
            Event::PropertyNotify(e) => {
                let names = [self.atoms._NET_WM_NAME, AtomEnum::WM_NAME.into(), AtomEnum::WM_CLASS.into()];
                (e.window == self.active && names.contains(&e.atom)).then_some(Ask::Title)
            }
            Event::DestroyNotify(e) => {
                self.manager_stale |= Some(e.window) == self.manager;
                (self.manager_stale || e.window == self.active || e.window == self.focused).then_some(Ask::Active)
            }
            Event::FocusIn(_) | Event::FocusOut(_) if self.manager.is_none() => Some(Ask::Active),
            _ => None,
        }
    }

    /// Asks for what events may have changed; what did, to be told.
    pub(super) fn look(&mut self, conn: &RustConnection, ask: Ask) -> Result<Option<RawInput>, ConnectionError> {
        match ask {
            Ask::Active => {
                if std::mem::take(&mut self.manager_stale) {
                    self.find_manager(conn)?;
                }
                self.refresh(conn)
            }
            Ask::Title => self.tell(conn),
        }
    }

    /// Asks for everything anew; what changed, to be told.
    pub(super) fn refresh(&mut self, conn: &RustConnection) -> Result<Option<RawInput>, ConnectionError> {
        let active = if self.manager.is_some() {
            self.under_pointer = false;
            let reply = get(conn, self.root, self.atoms._NET_ACTIVE_WINDOW, AtomEnum::WINDOW.into(), 1)?;
            number(&value(reply)?).unwrap_or(0)
        } else {
            self.focused_window(conn)?
        };
        self.activate(conn, active)
    }

    /// Something else than before lies under the pointer.
    pub(super) fn is_news(&self, child: Window) -> bool {
        child != self.child
    }

    /// What lies under the pointer now, a child of the root or 0.
    pub(super) fn pointer_over(
        &mut self,
        conn: &RustConnection,
        child: Window,
    ) -> Result<Option<RawInput>, ConnectionError> {
        if child == self.child {
            return Ok(None);
        }
        self.child = child;
        if !self.under_pointer {
            return Ok(None);
        }
        let client = self.client_below(conn, child)?;
        self.activate(conn, client)
    }

    /// It is time to ask again, since no window manager tells.
    pub(super) fn is_due(&self, now: MonoNs) -> bool {
        self.manager.is_none() && now.since(self.asked) >= ASK_AGAIN
    }

    /// Asks again.
    pub(super) fn idle(&mut self, conn: &RustConnection, now: MonoNs) -> Result<Option<RawInput>, ConnectionError> {
        self.asked = now;
        self.refresh(conn)
    }

    /// An EWMH window manager has a check window named by the root and, to prove it lives, by itself.
    fn find_manager(&mut self, conn: &RustConnection) -> Result<(), ConnectionError> {
        let window = AtomEnum::WINDOW.into();
        let check = self.atoms._NET_SUPPORTING_WM_CHECK;
        let named = number(&value(get(conn, self.root, check, window, 1)?)?);
        self.manager = match named {
            Some(named) if number(&value(get(conn, named, check, window, 1)?)?) == Some(named) => {
                self.listen(conn, named, EventMask::STRUCTURE_NOTIFY)?;
                Some(named)
            }
            _ => None,
        };
        Ok(())
    }

    /// What is sent of a window from now on. A mask replaces the one before, so those that must stay are left alone.
    fn listen(&self, conn: &RustConnection, window: Window, mask: EventMask) -> Result<(), ConnectionError> {
        // Windows that are followed, or heard, on this connection stay it.
        let mask = match self.heard.contains_key(&window) {
            true => mask | EventMask::FOCUS_CHANGE,
            false if self.rules.is_empty() => mask,
            false => windows::window_events(),
        };
        if window != 0 && window != self.root && (mask != EventMask::NO_EVENT || Some(window) != self.manager) {
            // The window may be gone; the next question will say so.
            conn.change_window_attributes(window, &ChangeWindowAttributesAux::new().event_mask(mask))?.ignore_error();
        }
        Ok(())
    }

    /// The client that has the input focus.
    fn focused_window(&mut self, conn: &RustConnection) -> Result<Window, ConnectionError> {
        let focus = match conn.get_input_focus()?.reply() {
            Ok(reply) => reply.focus,
            Err(error) => return vanished(error).map(|()| 0),
        };
        self.under_pointer = focus == u32::from(InputFocus::POINTER_ROOT);
        if self.under_pointer {
            self.child = match conn.query_pointer(self.root)?.reply() {
                Ok(reply) => reply.child,
                Err(error) => return vanished(error).map(|()| 0),
            };
            return self.client_below(conn, self.child);
        }
        if focus == u32::from(InputFocus::NONE) {
            return Ok(0);
        }
        if focus != self.focused {
            let before = std::mem::replace(&mut self.focused, focus);
            if before != self.active {
                self.listen(conn, before, EventMask::NO_EVENT)?;
            }
            self.listen(conn, focus, watched())?;
        }
        // The client's own window is the first one, from there up, that has a class.
        let mut window = focus;
        for _ in 0..MAX_DEPTH {
            if window == 0 || window == self.root {
                break;
            }
            if !value(get(conn, window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into(), 1)?)?.is_empty() {
                return Ok(window);
            }
            window = match conn.query_tree(window)?.reply() {
                Ok(tree) => tree.parent,
                Err(error) => return vanished(error).map(|()| 0),
            };
        }
        Ok(if focus == self.root { 0 } else { focus })
    }

    /// The client's own window at or below a child of the root (a window manager may have put it into a frame).
    fn client_below(&self, conn: &RustConnection, top: Window) -> Result<Window, ConnectionError> {
        let mut queue = vec![top];
        let mut next = 0;
        while let Some(&window) = queue.get(next) {
            next += 1;
            if window == 0 {
                continue;
            }
            let class = get(conn, window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into(), 1)?;
            let state = get(conn, window, self.atoms.WM_STATE, AtomEnum::ANY.into(), 1)?;
            let tree = conn.query_tree(window)?;
            if !value(class)?.is_empty() || !value(state)?.is_empty() {
                return Ok(window);
            }
            match tree.reply() {
                Ok(tree) => queue.extend(tree.children.iter().take(MAX_BELOW.saturating_sub(queue.len()))),
                Err(error) => vanished(error)?,
            }
        }
        Ok(top)
    }

    /// The window that a popup is for: a menu that takes the keyboard, or that the pointer is in, leaves its window the active one.
    /// Any other window is for itself.
    fn owner_of(&self, conn: &RustConnection, window: Window) -> Result<Window, ConnectionError> {
        let mut owner = window;
        for _ in 0..MAX_OWNERS {
            if owner == 0 || owner == self.root {
                return Ok(window);
            }
            let kind = AtomEnum::WINDOW.into();
            let named = get(conn, owner, AtomEnum::WM_TRANSIENT_FOR.into(), kind, 1)?;
            let is_popup = match conn.get_window_attributes(owner)?.reply() {
                Ok(attributes) => attributes.override_redirect,
                Err(error) => return vanished(error).map(|()| window),
            };
            let named = number(&value(named)?).filter(|named| *named != self.root);
            match named {
                _ if !is_popup => return Ok(owner),
                Some(named) => owner = named,
                None if self.active != 0
                    && is_same_client(conn, owner, self.active)
                    && is_like_popup_of(conn, &self.kinds, owner, self.active)? =>
                {
                    // Where that is placed by no window manager either, it does not tell menus from others.
                    return match conn.get_window_attributes(self.active)?.reply() {
                        Ok(attributes) if !attributes.override_redirect => Ok(self.active),
                        Ok(_) => Ok(window),
                        Err(error) => vanished(error).map(|()| window),
                    };
                }
                None => return Ok(window),
            }
        }
        Ok(window)
    }

    /// Listens to another window, and tells it.
    fn activate(&mut self, conn: &RustConnection, window: Window) -> Result<Option<RawInput>, ConnectionError> {
        let window = if window == self.active { window } else { self.owner_of(conn, window)? };
        if window != self.active {
            let before = std::mem::replace(&mut self.active, window);
            if before != self.focused {
                self.listen(conn, before, EventMask::NO_EVENT)?;
            }
            self.listen(conn, window, watched())?;
        }
        self.tell(conn)
    }

    /// The active window as it is now, when it is not what was told last.
    fn tell(&mut self, conn: &RustConnection) -> Result<Option<RawInput>, ConnectionError> {
        let window = self.active;
        let nameless =
            |window_id| RawInput::Focus { window_id, title: Content::default(), app: String::new(), pid: None };
        self.secret = None;
        let now = if window == 0 {
            nameless(String::new())
        } else {
            // All asked at once, so that it costs one way to the server and back.
            let any = AtomEnum::ANY.into();
            let name = get(conn, window, self.atoms._NET_WM_NAME, any, TITLE_UNITS)?;
            let old_name = get(conn, window, AtomEnum::WM_NAME.into(), any, TITLE_UNITS)?;
            let class = get(conn, window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into(), TITLE_UNITS)?;
            let pid = get(conn, window, self.atoms._NET_WM_PID, AtomEnum::CARDINAL.into(), 1)?;
            let program = self.programs.ask(conn, window)?;
            let (name, old_name) = (value(name)?, value(old_name)?);
            let title = if name.is_empty() { latin1(&old_name) } else { utf8(&name) };
            let (class, pid) = (value(class)?, number(&value(pid)?));
            let (app, instance) = (class_of(&class), instance_of(&class));
            // It counts for the rules only: the row says what the window says of itself.
            let programs = program::names(program)?;
            let facts = WindowFacts {
                app: &app,
                instance: &instance,
                title: &title,
                programs: &programs,
                ..WindowFacts::default()
            };
            self.secret = self.rules.verdict(facts).filter(|reason| reason.hides_keys());
            let window_id = format!("{window:#x}");
            match self.secret {
                Some(_) => nameless(window_id),
                None => RawInput::Focus { window_id, title: Content(title), app, pid },
            }
        };
        if self.told.as_ref() == Some(&now) {
            return Ok(None);
        }
        self.told = Some(now.clone());
        Ok(Some(now))
    }
}

/// What is listened to on the active and the focused window.
fn watched() -> EventMask {
    EventMask::PROPERTY_CHANGE | EventMask::STRUCTURE_NOTIFY | EventMask::FOCUS_CHANGE
}

type PropertyCookie<'c> = Cookie<'c, RustConnection, GetPropertyReply>;

fn get(
    conn: &RustConnection,
    window: Window,
    name: Atom,
    kind: Atom,
    units: u32,
) -> Result<PropertyCookie<'_>, ConnectionError> {
    conn.get_property(false, window, name, kind, 0, units)
}

/// The bytes of a property; none when it, or its window, is not there.
fn value(cookie: PropertyCookie<'_>) -> Result<Vec<u8>, ConnectionError> {
    match cookie.reply() {
        Ok(reply) => Ok(reply.value),
        Err(error) => vanished(error).map(|()| Vec::new()),
    }
}

/// An error that the server sent means that the window is gone; a broken connection stays an error.
fn vanished(error: ReplyError) -> Result<(), ConnectionError> {
    match error {
        ReplyError::X11Error(_) => Ok(()),
        ReplyError::ConnectionError(error) => Err(error),
    }
}

/// The first 32-bit number of a property that is not zero.
fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes)).filter(|number| *number != 0)
}

/// Text of at most [`MAX_TITLE_BYTES`], cut at a character.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TITLE_BYTES));
    text
}

fn utf8(bytes: &[u8]) -> String {
    // What was read may end inside a character: that is not a bad byte, it is left out.
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && text.len() < MAX_TITLE_BYTES - 3 {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    cut(text)
}

fn latin1(bytes: &[u8]) -> String {
    cut(bytes.iter().map(|&byte| char::from(byte)).collect())
}

/// `WM_CLASS` holds the instance and the class, each ended by a zero byte.
fn class_of(bytes: &[u8]) -> String {
    let mut parts = bytes.split(|&byte| byte == 0);
    let instance = parts.next().unwrap_or_default();
    let class = parts.next().filter(|class| !class.is_empty()).unwrap_or(instance);
    match str::from_utf8(class) {
        Ok(class) => cut(class.to_owned()),
        Err(_) => latin1(class),
    }
}

/// The part of `WM_CLASS` before the class.
fn instance_of(bytes: &[u8]) -> String {
    latin1(bytes.split(|&byte| byte == 0).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_cut_at_a_character() {
        let long = "ä".repeat(200);
        let title = utf8(&long.as_bytes()[..MAX_TITLE_BYTES + 4]);
        assert_eq!(title, "ä".repeat(128));
        let odd = format!("a{long}");
        assert_eq!(utf8(&odd.as_bytes()[..MAX_TITLE_BYTES + 4]), format!("a{}", "ä".repeat(127)));
        assert_eq!(latin1(&[0xe4; 260]).len(), MAX_TITLE_BYTES);
        assert_eq!(utf8(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn the_class_is_the_second_word() {
        assert_eq!(class_of(b"xterm\0XTerm\0"), "XTerm");
        assert_eq!(class_of(b"only\0"), "only");
        assert_eq!(class_of(b""), "");
    }

    #[test]
    fn numbers_need_four_bytes() {
        assert_eq!(number(&7_u32.to_ne_bytes()), Some(7));
        assert_eq!(number(&[0; 4]), None);
        assert_eq!(number(&[1, 2]), None);
    }
}
