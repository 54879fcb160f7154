//! Menus, lists and tooltips of the recorded window: windows of their own, drawn into its picture at their places.
//!
//! While such a window is up, the recorded window keeps the focus, so input to it is recorded; so it must be seen too. The border
//! is the same for both: a child of the root that no window manager places (override-redirect) and that belongs to the recorded
//! window ([`owner`]). Dialogs are managed: they have a focus of their own, input to them is not recorded, and they are not drawn.
//!
//! Each is taken from its own pixmap, as the recorded window is ([`super::window`]): nothing of a third window can be in it. It is
//! drawn over rows that were just taken, from the bottom to the top, cut to the surface. Windows that must not be seen are told
//! apart by [`Windows`], which [`Popups::settle`] lets follow each of them before it is drawn.
//!
//! Invariant: what is drawn is as the server had it after the rows below it were taken, so a picture is never newer than its time.

mod owner;
mod paint;

use std::ops::Range;

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::composite::{self, Redirect};
use x11rb::protocol::damage::{self, ReportLevel};
use x11rb::protocol::shape::{self, SK};
use x11rb::protocol::xproto::{ConnectionExt as _, MapState, Window, WindowClass};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use self::owner::Owner;
pub(super) use self::owner::{PopupKinds, is_like_popup_of, is_same_client};
use super::failure::{self, alive, there};
use super::pixels::Pixels;
use super::shm::Canvas;
use super::window::WindowTrack;
use super::windows::Windows;
use crate::base::event::{Area, Surface};
use crate::capture::{CaptureError, Covered};
use crate::privacy::exclude::Reason;

/// The most popups that are drawn; menus nest some five deep. Those beyond are covered.
const MAX_POPUPS: usize = 16;
/// The most windows that are mapped between two pictures and asked one by one; more, and all children of the root are looked at.
const MAX_NEW: usize = 64;
/// The most rectangles of a shape; rounded corners have tens. A shape of more counts as its whole rectangle.
const MAX_SHAPE: usize = 1024;

/// One that belongs to the recorded window and is mapped.
struct Popup {
    track: WindowTrack,
    damage: damage::Damage,
    /// With its border, on the desktop.
    place: Area,
    /// What of it there is, from its own corner; `None`: all.
    shape: Option<Vec<Area>>,
    /// Its pixels have an alpha channel that a compositor heeds.
    blends: bool,
    /// Its pixels are of a kind that can be taken.
    taken: bool,
    pixels: Pixels,
    /// It lies over the recorded window.
    over: bool,
    /// It has another pixmap, or shape.
    stale: bool,
    /// It has changed since it was taken.
    damaged: bool,
    /// What of it was taken: where, and the pixels.
    part: Option<(Area, Canvas)>,
}

/// The popups of the recorded window.
pub(super) struct Popups {
    root: Window,
    owner: Owner,
    has_shape: bool,
    composited: bool,
    /// From the bottom to the top.
    shown: Vec<Popup>,
    /// Mapped, and not asked yet whose they are.
    new: Vec<Window>,
    /// All children of the root are new.
    all_new: bool,
    order_stale: bool,
    /// Where some were drawn, or are drawn otherwise now.
    lifted: Vec<Area>,
}

impl Popups {
    /// Of a recorded window; the caller listens to the children of the root.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn open(
        conn: &RustConnection,
        (root, screen): (Window, usize),
        track: &WindowTrack,
    ) -> Result<Self, CaptureError> {
        let lost = |error| failure::connection(&error);
        let has_shape = conn.extension_information(shape::X11_EXTENSION_NAME).map_err(lost)?.is_some();
        Ok(Self {
            root,
            owner: Owner::open(conn, root, track.id, track.top_level)?,
            has_shape,
            composited: owner::is_composited(conn, screen)?,
            shown: Vec::new(),
            new: Vec::new(),
            all_new: true,
            order_stale: false,
            lifted: Vec::new(),
        })
    }

    /// The recorded window is in another child of the root now.
    pub(super) fn moved_into(&mut self, top: Window) {
        self.owner.top = top;
        self.order_stale = true;
    }

    /// Takes in an event.
    pub(super) fn event(&mut self, conn: &RustConnection, event: &Event) -> Result<(), CaptureError> {
        match event {
            Event::MapNotify(e) if e.override_redirect && !self.owner.is(e.window) => {
                if self.new.len() >= MAX_NEW {
                    self.all_new = true;
                } else if !self.new.contains(&e.window) && self.position(e.window).is_none() {
                    self.new.push(e.window);
                }
            }
            Event::UnmapNotify(e) => self.remove(conn, e.window)?,
            Event::DestroyNotify(e) => self.remove(conn, e.window)?,
            Event::ReparentNotify(e) if e.parent != self.root => self.remove(conn, e.window)?,
            Event::ConfigureNotify(e) => {
                self.order_stale |= self.owner.is(e.window) && !self.shown.is_empty();
                if let Some(at) = self.position(e.window)
                    && !event.sent_event()
                {
                    let popup = &mut self.shown[at];
                    let around = |length: u16| u32::from(length) + 2 * u32::from(e.border_width);
                    let (width, height) = (around(e.width), around(e.height));
                    let place = Area { x: e.x.into(), y: e.y.into(), width, height };
                    self.order_stale = true;
                    if place != popup.place {
                        popup.stale |= (place.width, place.height) != (popup.place.width, popup.place.height);
                        self.lifted.extend([popup.place, place]);
                        popup.place = place;
                    }
                }
            }
            Event::CirculateNotify(e) => {
                self.order_stale |= self.owner.is(e.window) || self.position(e.window).is_some();
            }
            Event::DamageNotify(e) => {
                if let Some(popup) = self.shown.iter_mut().find(|popup| popup.damage == e.damage) {
                    popup.damaged = true;
                }
            }
            Event::ShapeNotify(e) if e.shape_kind == SK::BOUNDING => {
                if let Some(at) = self.position(e.affected_window) {
                    self.shown[at].stale = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks the new ones whose they are, and brings the known ones up to date; whether any was asked.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn settle(&mut self, conn: &RustConnection, windows: &mut Windows) -> Result<bool, CaptureError> {
        if std::mem::take(&mut self.all_new) {
            self.new = self.children(conn)?.into_iter().filter(|window| self.position(*window).is_none()).collect();
        }
        let new = std::mem::take(&mut self.new);
        let asked = !new.is_empty();
        for window in new {
            if let Some(popup) = self.ask(conn, window)? {
                windows.join(conn, window).map_err(|error| failure::connection(&error))?;
                self.lifted.push(popup.place);
                self.shown.push(popup);
                self.order_stale = true;
            }
        }
        for at in (0..self.shown.len()).rev() {
            if std::mem::take(&mut self.shown[at].stale) {
                self.renew(conn, at)?;
            }
        }
        if std::mem::take(&mut self.order_stale) && !self.shown.is_empty() {
            let order = self.children(conn)?;
            let place = |window: Window| order.iter().position(|child| *child == window);
            let below = place(self.owner.top);
            for popup in &mut self.shown {
                popup.over = place(popup.track.id) > below;
            }
            self.shown.sort_by_key(|popup| place(popup.track.id));
            self.lifted.extend(self.shown.iter().map(|popup| popup.place));
        }
        Ok(asked)
    }

    fn children(&self, conn: &RustConnection) -> Result<Vec<Window>, CaptureError> {
        let tree = conn.query_tree(self.root).map_err(|error| failure::connection(&error))?;
        Ok(tree.reply().map_err(failure::failed("reading the window tree"))?.children)
    }

    fn position(&self, window: Window) -> Option<usize> {
        self.shown.iter().position(|popup| popup.track.id == window)
    }

    /// A window that is drawn, when it is one of the recorded window's.
    fn ask(&mut self, conn: &RustConnection, window: Window) -> Result<Option<Popup>, CaptureError> {
        let lost = |error| failure::connection(&error);
        let (attributes, place) =
            (conn.get_window_attributes(window).map_err(lost)?, conn.get_geometry(window).map_err(lost)?);
        let (Some(attributes), Some(geometry)) = (there(attributes.reply())?, there(place.reply())?) else {
            return Ok(None);
        };
        let is_popup = attributes.override_redirect
            && attributes.map_state == MapState::VIEWABLE
            && attributes.class == WindowClass::INPUT_OUTPUT
            && !self.owner.is(window);
        let siblings: Vec<Window> = self.shown.iter().map(|popup| popup.track.id).collect();
        if !is_popup || !self.owner.has(conn, window, &siblings)? {
            return Ok(None);
        }
        let Some(track) = alive(WindowTrack::new(conn, self.root, window))? else { return Ok(None) };
        let damage = conn.generate_id().map_err(failure::failed("watching for changes"))?;
        let watched = damage::create(conn, damage, window, ReportLevel::NON_EMPTY).map_err(lost)?.check();
        if there(watched)?.is_none() {
            return Ok(None);
        }
        if self.has_shape {
            shape::select_input(conn, window, true).map_err(lost)?.ignore_error();
        }
        let around = |length: u16| u32::from(length) + 2 * u32::from(geometry.border_width);
        let (width, height) = (around(geometry.width), around(geometry.height));
        let pixels = Pixels::of(conn.setup(), attributes.visual);
        let taken = pixels.is_ok() && self.shown.iter().filter(|popup| popup.taken).count() < MAX_POPUPS;
        let shape = self.shape_of(conn, window, geometry.border_width.into())?;
        Ok(Some(Popup {
            track,
            damage,
            place: Area { x: geometry.x.into(), y: geometry.y.into(), width, height },
            shape,
            blends: geometry.depth == 32 && self.composited,
            taken,
            pixels: pixels.unwrap_or(Pixels::Ready),
            over: true,
            stale: false,
            damaged: true,
            part: None,
        }))
    }

    fn shape_of(&self, conn: &RustConnection, window: Window, border: i32) -> Result<Option<Vec<Area>>, CaptureError> {
        if !self.has_shape {
            return Ok(None);
        }
        let lost = |error| failure::connection(&error);
        let extents = shape::query_extents(conn, window).map_err(lost)?;
        let rectangles = shape::get_rectangles(conn, window, SK::BOUNDING).map_err(lost)?;
        let (extents, rectangles) = (there(extents.reply())?, there(rectangles.reply())?);
        let is_shaped = extents.is_some_and(|extents| extents.bounding_shaped);
        Ok(rectangles.filter(|shape| is_shaped && shape.rectangles.len() <= MAX_SHAPE).map(|shape| {
            let from_corner = |r: &x11rb::protocol::xproto::Rectangle| Area {
                x: i32::from(r.x) + border,
                y: i32::from(r.y) + border,
                width: r.width.into(),
                height: r.height.into(),
            };
            shape.rectangles.iter().map(from_corner).collect()
        }))
    }

    /// Takes up the pixmap and the shape that a popup has now.
    fn renew(&mut self, conn: &RustConnection, at: usize) -> Result<(), CaptureError> {
        let window = self.shown[at].track.id;
        if alive(self.shown[at].track.name(conn))?.is_none() {
            return self.remove(conn, window);
        }
        let shape = self.shape_of(conn, window, self.shown[at].track.border as i32)?;
        let popup = &mut self.shown[at];
        (popup.shape, popup.damaged) = (shape, true);
        self.lifted.push(popup.place);
        Ok(())
    }

    fn remove(&mut self, conn: &RustConnection, window: Window) -> Result<(), CaptureError> {
        self.new.retain(|new| *new != window);
        let Some(at) = self.position(window) else { return Ok(()) };
        let popup = self.shown.remove(at);
        self.lifted.push(popup.place);
        let lost = |error| failure::connection(&error);
        // The window may be gone, and these with it.
        damage::destroy(conn, popup.damage).map_err(lost)?.ignore_error();
        composite::unredirect_window(conn, window, Redirect::AUTOMATIC).map_err(lost)?.ignore_error();
        if let Some(pixmap) = popup.track.pixmap {
            conn.free_pixmap(pixmap).map_err(lost)?;
        }
        if let Some((_, canvas)) = popup.part {
            canvas.detach(conn)?;
        }
        Ok(())
    }

    /// Forgets all of them.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn close(mut self, conn: &RustConnection) -> Result<(), CaptureError> {
        while let Some(popup) = self.shown.last() {
            let window = popup.track.id;
            self.remove(conn, window)?;
        }
        Ok(())
    }

    /// Where the picture is not as it was drawn last, on the desktop.
    pub(super) fn changes(&mut self) -> Vec<Area> {
        let damaged = self.shown.iter().filter(|popup| popup.damaged && popup.taken).map(|popup| popup.place);
        let mut changes: Vec<Area> = damaged.collect();
        changes.append(&mut self.lifted);
        changes
    }

    /// Whether a child of the root is one of them.
    pub(super) fn contains(&self, window: Window) -> bool {
        self.position(window).is_some()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Those that belong to the window and cannot be taken: they are covered, on the desktop.
    pub(super) fn covered(&self) -> impl Iterator<Item = Covered> {
        let untaken = self.shown.iter().filter(|popup| popup.over && !popup.taken);
        untaken.map(|popup| Covered { area: popup.place, reason: Reason::Unclassified })
    }

    /// Draws them over rows of the surface's picture that were just taken.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn draw(
        &mut self,
        conn: &RustConnection,
        canvas: &mut Canvas,
        surface: Surface,
        rows: &Range<u32>,
    ) -> Result<(), CaptureError> {
        let (width, height) = canvas.size();
        let surface = Area { x: surface.x, y: surface.y, width, height };
        for popup in self.shown.iter_mut().filter(|popup| popup.over && popup.taken) {
            let Some(part) = popup.place.and(surface) else { continue };
            if popup.take(conn, part)? {
                popup.paint(&mut canvas.view(), surface, rows);
            }
        }
        Ok(())
    }
}

impl Popup {
    /// Has the pixels of a part of it up to date; `false`: it changed under the request, and comes with the next picture.
    fn take(&mut self, conn: &RustConnection, part: Area) -> Result<bool, CaptureError> {
        let Some(pixmap) = self.track.pixmap else { return Ok(false) };
        if self.part.as_ref().is_none_or(|(taken, _)| *taken != part) {
            if let Some((_, old)) = self.part.take() {
                old.detach(conn)?;
            }
            self.part = Some((part, Canvas::new(conn, &self.pixels, part.width, part.height)?));
            self.damaged = true;
        }
        let Some((_, canvas)) = &mut self.part else { return Ok(false) };
        if !self.damaged {
            return Ok(true);
        }
        // Before the picture is asked for: what changes after it is in the next report.
        let lost = |error| failure::connection(&error);
        damage::subtract(conn, self.damage, x11rb::NONE, x11rb::NONE).map_err(lost)?.ignore_error();
        let corner = (part.x - self.place.x, part.y - self.place.y);
        match canvas.request(conn, pixmap, corner, &(0..part.height)) {
            Ok(()) => {
                self.damaged = false;
                Ok(true)
            }
            Err(ReplyError::X11Error(error)) => {
                self.stale |= error.error_kind == ErrorKind::Match;
                Ok(false)
            }
            Err(ReplyError::ConnectionError(error)) => Err(lost(error)),
        }
    }
}
