//! The windows of a display that must not be seen, and whether one of them has the keyboard.
//!
//! Kept from the events of one connection, in the order of that connection: when the answer to a request is read, every event
//! from before it is here too. So what [`Guard::covered`] tells after a picture was taken, and what [`Guard::secret`] tells between
//! two keys, holds for exactly that moment, and no request is needed while nothing changes.
//!
//! Invariants:
//! - A window that is mapped and has not been asked yet what it is counts as covered.
//! - What happened between two looks counts too: a window that came, was in the picture, and moved on or went before this process had its turn
//!   is covered where it was.
//! - What was covered stays so for [`LINGER`]: programs repaint what was under a window when they come to it, and compositors
//!   fade windows out.
//! - A window is covered only where it can be seen: where an opaque window lies over it, it is not. Windows that are shaped,
//!   have an alpha channel or an opacity never count as opaque.
//!
//! It decides nothing: what a window says of itself goes to [`Exclusions`]. It does not see windows that a compositor draws by
//! itself (GNOME Shell's notifications), since they are none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use x11rb::connection::RequestConnection;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConfigureNotifyEvent, ConnectionExt as _, EventMask, InputFocus, MapState,
    NotifyDetail, Place, Window,
};
use x11rb::rust_connection::RustConnection;

use super::failure;
use crate::capture::{CaptureError, Covered};
use crate::event::Area;
use crate::privacy::exclude::{Exclusions, Reason, WindowFacts};
use crate::time::MonoNs;

/// How long an area stays covered after its window is gone from there: the fade-outs of usual compositors take up to 0.3 s,
/// and a program that was under the window is given as long to repaint.
pub(super) const LINGER: Duration = Duration::from_millis(400);
/// What is asked of the root, beside what others need of it on the same connection (masks replace each other).
pub(super) const ROOT_EVENTS: EventMask = EventMask::SUBSTRUCTURE_NOTIFY;
/// The most top-level windows that are followed; desktops have tens. More, and every further one is covered unasked.
const MAX_WINDOWS: usize = 4096;
/// How deep in a top-level window its client is looked for: frames of window managers nest two or three deep.
const MAX_DEPTH: u32 = 4;
/// How many inner windows of one top-level window are asked.
const MAX_INNER: usize = 64;
/// The most places in which windows were between two looks that are kept apart; more, and everything is covered.
const MAX_PASSED: usize = 1024;
/// Rounds of asking before a window that changes faster than it answers stays covered unasked.
const ROUNDS: u32 = 4;
/// What is read of a name, in units of 4 bytes: 1 KiB.
const NAME_UNITS: u32 = 256;
/// What is read of a list of types.
const TYPE_UNITS: u32 = 32;

x11rb::atom_manager! {
    /// The names that windows describe themselves with.
    #[expect(clippy::struct_field_names, reason = "they are the protocol's names")]
    Atoms: AtomsCookie {
        _NET_WM_NAME,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_NOTIFICATION,
        _NET_WM_WINDOW_OPACITY,
    }
}

/// A child of the root.
struct TopLevel {
    /// On the desktop, with its border.
    area: Area,
    mapped: bool,
    unmanaged: bool,
    /// Nothing below it can be seen through it.
    opaque: bool,
    /// It must be asked (again) what it is.
    stale: bool,
    /// It is listened to.
    heard: bool,
    verdict: Option<Reason>,
}

impl TopLevel {
    fn new(area: Area, unmanaged: bool) -> Self {
        Self { area, mapped: false, unmanaged, opaque: false, stale: true, heard: false, verdict: None }
    }
}

/// Follows the windows of a display.
pub(super) struct Guard {
    atoms: Atoms,
    root: Window,
    has_shape: bool,
    rules: std::sync::Arc<Exclusions>,
    windows: BTreeMap<Window, TopLevel>,
    /// From the bottom to the top.
    order: Vec<Window>,
    /// Inner windows that are followed, and the child of the root that each is in.
    inner: BTreeMap<Window, Window>,
    /// Children of the root that have the keyboard, or a window inside them has it; the root when none of them has it. Empty: not known.
    focused: BTreeSet<Window>,
    /// What had the keyboard when the server answered a question: holds for events from this sequence number on.
    answered: Option<(u64, Window)>,
    /// The order is not known for certain.
    order_stale: bool,
    /// Only this window is followed, and all of it is covered when it is excluded.
    only: Option<Window>,
    /// Only who has the keyboard is of interest: places are not kept.
    keyboard_only: bool,
    /// Where windows could be seen since the last look, before something changed; why they must not be, or `None` where they were not asked yet.
    passed: BTreeMap<(Window, Area), Option<Reason>>,
    /// What was covered lately, by when it was last.
    lately: BTreeMap<(Area, Reason), MonoNs>,
}

/// Everything, wherever the desktop lies.
const EVERYWHERE: Area = Area { x: i16::MIN as i32, y: i16::MIN as i32, width: 1 << 17, height: 1 << 17 };

/// The first of all areas in their order.
const LEAST_AREA: Area = Area { x: i32::MIN, y: i32::MIN, width: 0, height: 0 };

/// Whether what can be seen where may be another thing after this event.
fn changes_the_picture(event: &Event) -> bool {
    matches!(
        event,
        Event::ConfigureNotify(_)
            | Event::GravityNotify(_)
            | Event::CirculateNotify(_)
            | Event::MapNotify(_)
            | Event::UnmapNotify(_)
            | Event::DestroyNotify(_)
            | Event::ReparentNotify(_)
            | Event::PropertyNotify(_)
    )
}

fn area(x: i16, y: i16, width: u16, height: u16, border: u16) -> Area {
    let around = |length: u16| u32::from(length) + 2 * u32::from(border);
    Area { x: x.into(), y: y.into(), width: around(width), height: around(height) }
}

/// An answer about a window; `None` when it is gone.
fn there<T>(answer: Result<T, ReplyError>) -> Result<Option<T>, ConnectionError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(error),
    }
}

/// A name of a window: UTF-8 where it is, else Latin-1. Long ones are cut, which the rules do not mind.
fn text(value: &[u8]) -> String {
    match str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(error) if error.valid_up_to() + 4 > value.len() => String::from_utf8_lossy(value).into_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

impl Guard {
    /// Follows the windows of `root`, on which the caller listens to [`ROOT_EVENTS`] already; or only one window.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn open(
        conn: &RustConnection,
        root: Window,
        rules: std::sync::Arc<Exclusions>,
        only: Option<Window>,
    ) -> Result<Self, CaptureError> {
        let lost = |error| failure::connection(&error);
        let atoms = Atoms::new(conn).map_err(lost)?.reply().map_err(failure::failed("asking for atoms"))?;
        let has_shape = conn.extension_information(shape::X11_EXTENSION_NAME).map_err(lost)?.is_some();
        let mut guard = Self {
            atoms,
            root,
            has_shape,
            rules,
            windows: BTreeMap::new(),
            order: Vec::new(),
            inner: BTreeMap::new(),
            focused: BTreeSet::new(),
            answered: None,
            order_stale: false,
            only,
            keyboard_only: false,
            passed: BTreeMap::new(),
            lately: BTreeMap::new(),
        };
        if !guard.rules.is_empty() {
            match only {
                Some(window) => guard.find(conn, window).map_err(lost)?,
                None => guard.find_all(conn).map_err(lost)?,
            }
            guard.settle(conn).map_err(lost)?;
            let known: Vec<Window> = guard.order.iter().copied().chain([root]).collect();
            guard.find_focus(conn, &known).map_err(lost)?;
            guard.reached(u64::MAX);
        }
        Ok(guard)
    }

    fn find_all(&mut self, conn: &RustConnection) -> Result<(), ConnectionError> {
        let Some(tree) = there(conn.query_tree(self.root)?.reply())? else { return Ok(()) };
        for window in tree.children {
            self.find(conn, window)?;
        }
        Ok(())
    }

    /// Takes up a child of the root of which nothing is known.
    fn find(&mut self, conn: &RustConnection, window: Window) -> Result<(), ConnectionError> {
        let (place, attributes) = (conn.get_geometry(window)?, conn.get_window_attributes(window)?);
        let (Some(place), Some(attributes)) = (there(place.reply())?, there(attributes.reply())?) else {
            return Ok(());
        };
        let area = area(place.x, place.y, place.width, place.height, place.border_width);
        let mut top = TopLevel::new(area, attributes.override_redirect);
        // The frame of a recorded window may be unmapped for the moment: it is followed all the same.
        top.mapped = attributes.map_state == MapState::VIEWABLE || self.only == Some(window);
        self.add(window, top);
        Ok(())
    }

    fn add(&mut self, window: Window, top: TopLevel) {
        if self.windows.insert(window, top).is_none() {
            self.order.push(window);
        }
        self.inner.remove(&window);
    }

    fn remove(&mut self, window: Window) {
        self.windows.remove(&window);
        self.focused.remove(&window);
        self.order.retain(|known| *known != window);
        self.inner.retain(|_, top| *top != window);
    }

    /// The child of the root that a window is (in).
    fn top_of(&self, window: Window) -> Option<Window> {
        if window == self.root || self.windows.contains_key(&window) {
            Some(window)
        } else {
            self.inner.get(&window).copied()
        }
    }

    /// From now on only who has the keyboard is asked for.
    pub(super) fn for_the_keyboard(mut self) -> Self {
        self.keyboard_only = true;
        self
    }

    /// Keeps where windows can be seen now, since that is about to change: the picture may be from before.
    fn pass(&mut self) {
        if self.keyboard_only {
            return;
        }
        let seen = self.seen();
        self.passed.extend(seen.into_iter().map(|(window, area, reason)| ((window, area), reason)));
        if self.passed.len() > MAX_PASSED {
            self.passed = [((self.root, EVERYWHERE), Some(Reason::Unclassified))].into();
        }
    }

    /// Takes in an event. Cheap; [`Guard::settle`] asks what must be asked.
    pub(super) fn event(&mut self, conn: &RustConnection, event: &Event) -> Result<(), ConnectionError> {
        // What another client made up (window managers send places in this way) says nothing of the order.
        if self.rules.is_empty() || event.sent_event() {
            return Ok(());
        }
        if changes_the_picture(event) {
            self.pass();
        }
        match event {
            Event::CreateNotify(e) if e.parent == self.root && self.only.is_none() => {
                self.add(
                    e.window,
                    TopLevel::new(area(e.x, e.y, e.width, e.height, e.border_width), e.override_redirect),
                );
            }
            Event::ConfigureNotify(e) => self.configured(e),
            Event::GravityNotify(e) => {
                if let Some(top) = self.windows.get_mut(&e.window) {
                    (top.area.x, top.area.y) = (e.x.into(), e.y.into());
                }
            }
            Event::CirculateNotify(e) if self.windows.contains_key(&e.window) => {
                self.order.retain(|known| *known != e.window);
                let at = if e.place == Place::ON_TOP { self.order.len() } else { 0 };
                self.order.insert(at, e.window);
            }
            Event::MapNotify(e) => {
                if let Some(top) = self.windows.get_mut(&e.window) {
                    (top.mapped, top.stale, top.unmanaged) = (true, true, e.override_redirect);
                } else {
                    self.make_stale(e.event);
                }
            }
            Event::UnmapNotify(e) => {
                if let Some(top) = self.windows.get_mut(&e.window) {
                    top.mapped = self.only.is_some();
                }
            }
            Event::DestroyNotify(e) => {
                self.remove(e.window);
                self.inner.remove(&e.window);
            }
            Event::ReparentNotify(e) => {
                if self.only.is_some() {
                    return Ok(());
                }
                if e.parent == self.root {
                    if !self.windows.contains_key(&e.window) {
                        self.find(conn, e.window)?;
                    }
                } else {
                    self.remove(e.window);
                    self.make_stale(e.parent);
                }
            }
            Event::PropertyNotify(e) => {
                let described = [
                    AtomEnum::WM_NAME.into(),
                    AtomEnum::WM_CLASS.into(),
                    self.atoms._NET_WM_NAME,
                    self.atoms._NET_WM_WINDOW_TYPE,
                    self.atoms._NET_WM_WINDOW_OPACITY,
                ];
                if described.contains(&e.atom) {
                    self.make_stale(e.window);
                }
            }
            // The root is only passed on the way into a window, or has it.
            Event::FocusIn(e) | Event::FocusOut(e)
                if e.event == self.root
                    && [NotifyDetail::VIRTUAL, NotifyDetail::NONLINEAR_VIRTUAL].contains(&e.detail) => {}
            Event::FocusIn(e) if e.detail != NotifyDetail::POINTER => {
                self.focused.extend(self.top_of(e.event));
            }
            Event::FocusOut(e) if e.event == self.root && e.detail != NotifyDetail::POINTER => {
                self.focused.remove(&e.event);
            }
            // Into a window of the same: it is still the same child of the root.
            Event::FocusOut(e) if e.detail != NotifyDetail::POINTER && e.detail != NotifyDetail::INFERIOR => {
                // Only children of the root are in it; an inner window's loss says nothing.
                self.focused.remove(&e.event);
            }
            _ => {}
        }
        Ok(())
    }

    fn make_stale(&mut self, window: Window) {
        if let Some(top) = self.top_of(window).and_then(|top| self.windows.get_mut(&top)) {
            top.stale = true;
        }
    }

    fn configured(&mut self, e: &ConfigureNotifyEvent) {
        let Some(top) = self.windows.get_mut(&e.window) else { return };
        top.area = area(e.x, e.y, e.width, e.height, e.border_width);
        top.unmanaged = e.override_redirect;
        self.order.retain(|known| *known != e.window);
        let above = self.order.iter().position(|known| *known == e.above_sibling);
        self.order_stale |= above.is_none() && e.above_sibling != x11rb::NONE;
        self.order.insert(above.map_or(0, |below| below + 1), e.window);
    }

    /// Asks the windows that are new or changed what they are; whether any was. The answers may bring more events along.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn settle(&mut self, conn: &RustConnection) -> Result<bool, ConnectionError> {
        let mut asked = false;
        if std::mem::take(&mut self.order_stale)
            && let Some(tree) = there(conn.query_tree(self.root)?.reply())?
        {
            self.order = tree.children.into_iter().filter(|window| self.windows.contains_key(window)).collect();
        }
        for _ in 0..ROUNDS {
            let stale: Vec<Window> = self
                .order
                .iter()
                .copied()
                .filter(|window| {
                    let passed =
                        || self.passed.range((*window, LEAST_AREA)..).next().is_some_and(|((of, _), _)| of == window);
                    self.windows.get(window).is_some_and(|top| top.stale && (top.mapped || passed()))
                })
                .collect();
            if stale.is_empty() {
                break;
            }
            asked = true;
            let new: Vec<Window> =
                stale.iter().copied().filter(|window| self.windows.get(window).is_some_and(|top| !top.heard)).collect();
            for window in stale.into_iter().take(MAX_WINDOWS) {
                if let Some(top) = self.windows.get_mut(&window) {
                    top.stale = false;
                }
                self.ask(conn, window)?;
            }
            // A window that was new may have taken the keyboard before it was listened to.
            self.find_focus(conn, &new)?;
        }
        Ok(asked)
    }

    /// Asks one child of the root, and what is inside it, what it is.
    fn ask(&mut self, conn: &RustConnection, top: Window) -> Result<(), ConnectionError> {
        let unmanaged = self.windows.get(&top).is_some_and(|top| top.unmanaged);
        self.inner.retain(|_, of| *of != top);
        let (mut verdict, mut opaque) = (None, true);
        let mut level = vec![top];
        let mut count = 0;
        for depth in 0..=MAX_DEPTH {
            let mut cookies = Vec::with_capacity(level.len());
            for window in level.drain(..) {
                let events = ChangeWindowAttributesAux::new().event_mask(window_events());
                conn.change_window_attributes(window, &events)?.ignore_error();
                let get = |name: u32, units| conn.get_property(false, window, name, AtomEnum::ANY, 0, units);
                cookies.push((
                    [
                        get(AtomEnum::WM_CLASS.into(), NAME_UNITS)?,
                        get(self.atoms._NET_WM_NAME, NAME_UNITS)?,
                        get(AtomEnum::WM_NAME.into(), NAME_UNITS)?,
                        get(self.atoms._NET_WM_WINDOW_TYPE, TYPE_UNITS)?,
                        get(self.atoms._NET_WM_WINDOW_OPACITY, 1)?,
                    ],
                    conn.query_tree(window)?,
                ));
            }
            for (properties, tree) in cookies {
                let mut values = Vec::with_capacity(5);
                for property in properties {
                    values.push(there(property.reply())?);
                }
                // Gone before it was asked: nobody can say what it was.
                if depth == 0 && values.iter().all(Option::is_none) {
                    verdict = Some(Reason::Unclassified);
                }
                let value = |index: usize| {
                    values.get(index).and_then(Option::as_ref).filter(|reply| reply.type_ != x11rb::NONE)
                };
                let bytes = |index: usize| value(index).map_or(&[][..], |reply| reply.value.as_slice());
                let mut class = bytes(0).split(|byte| *byte == 0).map(text);
                let (instance, app) = (class.next().unwrap_or_default(), class.next().unwrap_or_default());
                let (title, old_title) = (text(bytes(1)), text(bytes(2)));
                let notification = self.atoms._NET_WM_WINDOW_TYPE_NOTIFICATION;
                let is_notification = value(3)
                    .and_then(|reply| reply.value32())
                    .is_some_and(|mut types| types.any(|kind| kind == notification));
                for title in [&title, &old_title] {
                    let facts = WindowFacts { app: &app, instance: &instance, title, is_notification, unmanaged };
                    verdict = verdict.or_else(|| self.rules.verdict(facts));
                }
                opaque &= value(4).is_none();
                let Some(tree) = there(tree.reply())? else { continue };
                for child in tree.children {
                    if depth < MAX_DEPTH && count < MAX_INNER {
                        count += 1;
                        level.push(child);
                        if !self.windows.contains_key(&child) {
                            self.inner.insert(child, top);
                        }
                    }
                }
            }
            if level.is_empty() {
                break;
            }
        }
        opaque = opaque && self.is_solid(conn, top)?;
        if let Some(top) = self.windows.get_mut(&top) {
            (top.verdict, top.opaque, top.heard) = (verdict, opaque, true);
        }
        Ok(())
    }

    /// Whether a window fills its rectangle and has no alpha channel.
    fn is_solid(&self, conn: &RustConnection, window: Window) -> Result<bool, ConnectionError> {
        if !self.has_shape {
            return Ok(false);
        }
        let (place, extents) = (conn.get_geometry(window)?, conn.shape_query_extents(window)?);
        let (place, extents) = (there(place.reply())?, there(extents.reply())?);
        Ok(place.is_some_and(|place| place.depth == 24) && extents.is_some_and(|extents| !extents.bounding_shaped))
    }

    /// Which child of the root has the keyboard now. That holds for what happens after the answer; for windows that were listened to
    /// before, events say it in their order, so of `new` ones only.
    fn find_focus(&mut self, conn: &RustConnection, new: &[Window]) -> Result<(), ConnectionError> {
        let cookie = conn.get_input_focus()?;
        let sequence = cookie.sequence_number();
        let Some(reply) = there(cookie.reply())? else { return Ok(()) };
        let mut window = reply.focus;
        if window == u32::from(InputFocus::NONE) || window == u32::from(InputFocus::POINTER_ROOT) {
            window = self.root;
        }
        for _ in 0..MAX_INNER {
            if let Some(top) = self.top_of(window) {
                if new.contains(&top) {
                    self.answered = Some((sequence, top));
                }
                break;
            }
            match there(conn.query_tree(window)?.reply())? {
                Some(tree) if tree.parent != x11rb::NONE => window = tree.parent,
                _ => break,
            }
        }
        Ok(())
    }

    /// The event that is looked at next was sent after this request.
    pub(super) fn reached(&mut self, sequence: u64) {
        if let Some((answered, top)) = self.answered
            && sequence >= answered
        {
            self.answered = None;
            self.focused.insert(top);
        }
    }

    /// Whether it is unclear who gets what is typed: the keyboard went to a window that is not known yet, or to another one than
    /// the active one. A window may come, be typed into and go while this process waits for its turn; then only this tells.
    pub(super) fn is_unclear(&self, active: Window) -> bool {
        if self.rules.is_empty() || self.focused.contains(&self.root) {
            return false;
        }
        self.focused.is_empty()
            || (active != x11rb::NONE && self.top_of(active).is_none_or(|top| !self.focused.contains(&top)))
    }

    /// Why what is typed now must not be known: an excluded window has the keyboard, or one that takes it without the focus
    /// (a screen locker, a prompt that no window manager places) is up.
    pub(super) fn secret(&self) -> Option<Reason> {
        self.windows.iter().find_map(|(window, top)| {
            let reason = top.verdict.filter(|reason| reason.hides_keys())?;
            let grabs = reason == Reason::LockScreen || top.unmanaged;
            (self.focused.contains(window) || (top.mapped && grabs)).then_some(reason)
        })
    }

    /// Notes what is covered now, and what was since the last time.
    pub(super) fn note(&mut self, now: MonoNs) {
        self.lately.retain(|_, seen| now.since(*seen) < LINGER);
        for ((window, area), reason) in std::mem::take(&mut self.passed) {
            let reason = reason.or_else(|| match self.windows.get(&window) {
                Some(top) if !top.stale => top.verdict,
                _ => Some(Reason::Unclassified),
            });
            if let Some(reason) = reason {
                self.lately.insert((area, reason), now);
            }
        }
        for (_, area, reason) in self.seen() {
            self.lately.insert((area, reason.unwrap_or(Reason::Unclassified)), now);
        }
    }

    /// Where windows that must not be seen can be seen now, and why they must not; `None` for those that were not asked yet.
    fn seen(&self) -> Vec<(Window, Area, Option<Reason>)> {
        let mut all = Vec::new();
        for (at, window) in self.order.iter().enumerate() {
            let Some(top) = self.windows.get(window).filter(|top| top.mapped) else { continue };
            if !top.stale && top.verdict.is_none() {
                continue;
            }
            let reason = top.verdict.filter(|_| !top.stale);
            if self.only.is_some() {
                all.push((*window, EVERYWHERE, reason));
                continue;
            }
            let mut seen = vec![top.area];
            for above in self.order[at + 1..].iter().filter_map(|above| self.windows.get(above)) {
                if above.mapped && above.opaque && !above.stale {
                    seen = seen.into_iter().flat_map(|part| part.without(above.area)).collect();
                }
                if seen.len() > MAX_INNER {
                    // Cut to pieces: the whole is simpler, and never too little.
                    seen = vec![top.area];
                    break;
                }
            }
            all.extend(seen.into_iter().map(|part| (*window, part, reason)));
        }
        all
    }

    /// What is or was lately covered, on the desktop.
    pub(super) fn covered(&self) -> Vec<Covered> {
        self.lately.keys().map(|(area, reason)| Covered { area: *area, reason: *reason }).collect()
    }
}

/// What is listened to on every window that is followed, with what others need of it on the same connection, who use the same mask.
pub(super) fn window_events() -> EventMask {
    EventMask::PROPERTY_CHANGE
        | EventMask::STRUCTURE_NOTIFY
        | EventMask::SUBSTRUCTURE_NOTIFY
        | EventMask::FOCUS_CHANGE
        | EventMask::VISIBILITY_CHANGE
}
