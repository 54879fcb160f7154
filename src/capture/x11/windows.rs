//! Tells the privacy policy ([`Cover`]) of the windows of a display, and of who has the keyboard.
//!
//! Kept from the events of one connection, in the order of that connection: when the answer to a request is read, every event
//! from before it is here too. So what [`Windows::covered`] tells after a picture was taken, and what [`Windows::secret`] tells between
//! two keys, holds for exactly that moment, and no request is needed while nothing changes.
//!
//! The policy knows children of the root. Events of windows inside them are told as theirs. It does not see windows that a compositor
//! draws by itself (GNOME Shell's notifications), since they are none.

mod ask;
mod grab;
mod keyboard;

use std::collections::BTreeMap;
use std::sync::Arc;

use x11rb::errors::ConnectionError;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ConnectionExt as _, EventMask, MapState, Place, ReparentNotifyEvent, Window};
use x11rb::rust_connection::RustConnection;

use self::ask::Asker;
pub(super) use self::ask::window_events;
use super::failure::{self, answered};
use crate::base::event::Area;
use crate::base::time::MonoNs;
use crate::capture::{CaptureError, Covered};
use crate::privacy::cover::{ClientId, Cover, NewWindow, Scope, Stacking, WindowEvent, WindowId};
use crate::privacy::exclude::Exclusions;

/// Rounds of asking before a window that changes faster than it answers stays covered unasked.
const ROUNDS: u32 = 4;

/// What is asked of the root, beside what others need of it on the same connection (masks replace each other).
pub(super) fn root_events() -> EventMask {
    EventMask::SUBSTRUCTURE_NOTIFY | EventMask::FOCUS_CHANGE
}

/// What is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Followed {
    /// All windows, for the pictures of the desktop.
    Desktop,
    /// One window and those that join it, for its pictures.
    Window(Window),
    /// All windows, for what is typed.
    Keyboard,
}

/// Follows the windows of a display.
pub(super) struct Windows {
    root: Window,
    asker: Asker,
    cover: Cover,
    only: Option<Window>,
    /// Inner windows that are followed, and the child of the root that each is in.
    inner: BTreeMap<Window, Window>,
    /// What had the keyboard when the server answered a question: holds for events from this sequence number on.
    answered: Option<(u64, Window)>,
    /// The window at which the keyboard is grabbed, which may be inside another.
    grabbed_at: Option<Window>,
}

fn id(window: Window) -> WindowId {
    WindowId(window.into())
}

fn around(x: i16, y: i16, (width, height): (u16, u16), border: u16) -> Area {
    let around = |length: u16| u32::from(length) + 2 * u32::from(border);
    Area { x: x.into(), y: y.into(), width: around(width), height: around(height) }
}

impl Windows {
    /// Follows windows of `root`, on which the caller listens to [`root_events`] already.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn open(
        conn: &RustConnection,
        root: Window,
        rules: Arc<Exclusions>,
        followed: Followed,
    ) -> Result<Self, CaptureError> {
        let lost = |error| failure::connection(&error);
        let asker = Asker::open(conn)?;
        let size =
            conn.get_geometry(root).map_err(lost)?.reply().map_err(failure::failed("asking for the desktop's size"))?;
        let (scope, only) = match followed {
            Followed::Desktop => (Scope::Desktop, None),
            Followed::Window(window) => (Scope::Window(id(window)), Some(window)),
            Followed::Keyboard => (Scope::Keyboard, None),
        };
        let cover = Cover::new(rules, scope, (size.width.into(), size.height.into()));
        let mut windows = Self { root, asker, cover, only, inner: BTreeMap::new(), answered: None, grabbed_at: None };
        if !windows.cover.is_idle() {
            windows.find_all(conn).map_err(lost)?;
        }
        Ok(windows)
    }

    /// Takes up the windows that are there, and the one that has the keyboard.
    fn find_all(&mut self, conn: &RustConnection) -> Result<(), ConnectionError> {
        let found = match self.only {
            Some(window) => vec![window],
            None => answered(conn.query_tree(self.root)?.reply())?.map_or_else(Vec::new, |tree| tree.children),
        };
        for window in &found {
            if let Some(new) = self.look_at(conn, *window)? {
                self.cover.found(id(*window), new);
            }
        }
        self.settle(conn)?;
        let known: Vec<Window> = found.into_iter().chain([self.root]).collect();
        self.find_focus(conn, &known)?;
        self.reached(u64::MAX);
        Ok(())
    }

    /// Looks at a window of which nothing is known; `None`: it is gone.
    fn look_at(&self, conn: &RustConnection, window: Window) -> Result<Option<NewWindow>, ConnectionError> {
        let (place, attributes) = (conn.get_geometry(window)?, conn.get_window_attributes(window)?);
        let (Some(place), Some(attributes)) = (answered(place.reply())?, answered(attributes.reply())?) else {
            return Ok(None);
        };
        Ok(Some(NewWindow {
            area: around(place.x, place.y, (place.width, place.height), place.border_width),
            shown: attributes.map_state == MapState::VIEWABLE,
            unmanaged: attributes.override_redirect,
            client: self.client(window),
            is_new: false,
        }))
    }

    /// The client of a window; the server's own have none.
    fn client(&self, window: Window) -> Option<ClientId> {
        let client = self.asker.programs.client(window);
        (client != 0).then_some(ClientId(client.into()))
    }

    /// Follows another window beside the only one: one that is drawn into its picture.
    pub(super) fn join(&mut self, conn: &RustConnection, window: Window) -> Result<(), ConnectionError> {
        if !self.cover.is_idle()
            && !self.cover.knows(id(window))
            && let Some(new) = self.look_at(conn, window)?
        {
            self.cover.found(id(window), new);
        }
        Ok(())
    }

    /// The child of the root that a window is (in).
    fn top_of(&self, window: Window) -> Option<Window> {
        if window == self.root || self.cover.knows(id(window)) {
            Some(window)
        } else {
            self.inner.get(&window).copied()
        }
    }

    /// Whether a child of the root is known, and whether a window manager may place it.
    pub(super) fn is_managed(&self, window: Window) -> Option<bool> {
        self.cover.knows(id(window)).then(|| !self.cover.is_unmanaged(id(window)))
    }

    /// Some window may be one that must not be seen.
    pub(super) fn has_rules(&self) -> bool {
        !self.cover.is_idle()
    }

    /// Takes in an event that was read at `now`. Cheap; [`Windows::settle`] asks what must be asked.
    pub(super) fn event(&mut self, conn: &RustConnection, event: &Event, now: MonoNs) -> Result<(), ConnectionError> {
        // What another client made up (window managers send places in this way) says nothing of the order.
        if self.cover.is_idle() || event.sent_event() {
            return Ok(());
        }
        if let Some(told) = grab::told(event) {
            self.grab_told(told);
        }
        match event {
            Event::FocusIn(e) => self.focus_changed(e, true),
            Event::FocusOut(e) => self.focus_changed(e, false),
            Event::ReparentNotify(e) => self.reparented(conn, e, now)?,
            _ => {
                let told = self.translate(event);
                if let Some(told) = &told {
                    self.cover.event(told, now);
                }
                if let Event::CreateNotify(e) = event {
                    self.inner.remove(&e.window);
                }
                if let Event::DestroyNotify(e) = event {
                    self.forget_inside(e.window);
                    self.inner.remove(&e.window);
                }
            }
        }
        self.tell_holder();
        Ok(())
    }

    /// What an event means to the policy, when one is enough to say it.
    fn translate(&self, event: &Event) -> Option<WindowEvent> {
        Some(match event {
            Event::ConfigureNotify(e) if e.window == self.root => WindowEvent::Desktop(e.width.into(), e.height.into()),
            Event::ConfigureNotify(e) => WindowEvent::Placed {
                window: id(e.window),
                area: around(e.x, e.y, (e.width, e.height), e.border_width),
                unmanaged: e.override_redirect,
                stacking: match e.above_sibling {
                    x11rb::NONE => Stacking::Bottom,
                    below => Stacking::Above(id(below)),
                },
            },
            Event::CreateNotify(e) if e.parent == self.root && self.only.is_none() => {
                let new = NewWindow {
                    area: around(e.x, e.y, (e.width, e.height), e.border_width),
                    shown: false,
                    unmanaged: e.override_redirect,
                    client: self.client(e.window),
                    is_new: true,
                };
                WindowEvent::Appeared(id(e.window), new)
            }
            Event::GravityNotify(e) => WindowEvent::Moved { window: id(e.window), corner: (e.x.into(), e.y.into()) },
            Event::CirculateNotify(e) => {
                let stacking = if e.place == Place::ON_TOP { Stacking::Top } else { Stacking::Bottom };
                WindowEvent::Restacked(id(e.window), stacking)
            }
            Event::MapNotify(e) if self.cover.knows(id(e.window)) => {
                WindowEvent::Shown { window: id(e.window), unmanaged: e.override_redirect }
            }
            Event::MapNotify(e) => WindowEvent::Changed(id(self.top_of(e.event)?)),
            Event::UnmapNotify(e) => WindowEvent::Hidden(id(e.window)),
            Event::DestroyNotify(e) => WindowEvent::Went { window: id(e.window), into: None },
            Event::PropertyNotify(e) if self.asker.describes(e.atom) => {
                WindowEvent::Changed(id(self.top_of(e.window)?))
            }
            _ => return None,
        })
    }

    fn reparented(
        &mut self,
        conn: &RustConnection,
        e: &ReparentNotifyEvent,
        now: MonoNs,
    ) -> Result<(), ConnectionError> {
        if self.only.is_some() {
            return Ok(());
        }
        if e.parent != self.root {
            let into = self.top_of(e.parent).map(id);
            self.cover.event(&WindowEvent::Went { window: id(e.window), into }, now);
            self.forget_inside(e.window);
        } else if !self.cover.knows(id(e.window))
            && let Some(new) = self.look_at(conn, e.window)?
        {
            self.cover.event(&WindowEvent::Appeared(id(e.window), new), now);
            self.inner.remove(&e.window);
        }
        Ok(())
    }

    fn forget_inside(&mut self, top: Window) {
        self.inner.retain(|_, known| *known != top);
    }

    /// Asks the windows that are new or changed what they are; whether any was. The answers may bring more events along.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn settle(&mut self, conn: &RustConnection) -> Result<bool, ConnectionError> {
        let mut asked = false;
        if self.cover.is_order_unknown()
            && let Some(tree) = answered(conn.query_tree(self.root)?.reply())?
        {
            self.cover.set_order(tree.children.into_iter().map(id));
        }
        for _ in 0..ROUNDS {
            let unasked = self.cover.unasked();
            if unasked.is_empty() {
                break;
            }
            asked = true;
            let mut new = Vec::new();
            for window in unasked {
                let top = window.window.0 as Window;
                if window.is_first {
                    new.push(top);
                }
                self.forget_inside(top);
                let Self { asker, cover, inner, .. } = self;
                let told = asker.ask(conn, top, cover.judge(&window), |child| {
                    if !cover.knows(id(child)) {
                        inner.insert(child, top);
                    }
                })?;
                cover.told(window.window, &told);
            }
            // A window that was new may have taken the keyboard before it was listened to.
            self.find_focus(conn, &new)?;
        }
        self.cover.settle();
        self.tell_holder();
        Ok(asked)
    }

    /// Whether windows are told by their program, too.
    pub(super) fn names_programs(&self) -> bool {
        self.asker.programs.are_known()
    }

    /// Notes what is covered now, and what was since the last time, with the place of the only window on the desktop.
    pub(super) fn note(&mut self, place: Area, now: MonoNs) {
        self.cover.set_place(place);
        self.cover.note(now);
    }

    /// The games that had a window so far, a bit each.
    pub(super) fn games(&self) -> u64 {
        self.cover.games()
    }

    /// What is or was lately covered, on the desktop.
    pub(super) fn covered(&self) -> Vec<Covered> {
        self.cover.covered()
    }
}
