//! A window's own picture, through XComposite: what lies over the window is not in it.
//!
//! Owns the redirection of one window and the name of its pixmap. Invariant: [`WindowTrack::pixmap`] is a pixmap that
//! held only this window since it was redirected, or `None` while the window has none (unmapped). It does not take
//! pictures and does not read events; `screen` tells it what happened.
//!
//! When a window is redirected for the first time the server fills its new pixmap from the desktop, *including what
//! lies over the window*, and leaves it to the application to paint. So that nothing of another window gets into the
//! first frames, the pixmap is blanked before anything else can happen (under a server grab), and the application is
//! asked to paint anew. The same holds after the window was unmapped. What a growing window shows in its new area until
//! the application has painted it is the server's choice, and cannot be blanked without blanking the person's screen.

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::composite::{self, Redirect};
use x11rb::protocol::xproto::{
    self, ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, EventMask, MapState, Pixmap, Rectangle, Window,
};
use x11rb::rust_connection::RustConnection;

use super::failure;
use crate::capture::CaptureError;

/// The most inner windows that are asked to paint anew; toolkits make a handful.
const MAX_INNER_WINDOWS: usize = 1024;

/// One redirected window.
pub(super) struct WindowTrack {
    /// The window.
    pub(super) id: Window,
    /// The child of the root that it is in (its frame, or itself).
    pub(super) top_level: Window,
    /// Width of its border, which the pixmap has around the content.
    pub(super) border: u32,
    /// Width and height of its content.
    pub(super) size: (u32, u32),
    /// Its picture; `None` while it has none.
    pub(super) pixmap: Option<Pixmap>,
}

/// The window that is recorded does not exist any more.
pub(super) fn gone(window: Window) -> CaptureError {
    CaptureError::Gone { what: "window", detail: format!("{window:#x} was closed") }
}

/// Maps an answer about the recorded window: that it is missing means that it is gone.
pub(super) fn answer<T>(answer: Result<T, ReplyError>, window: Window, what: &'static str) -> Result<T, CaptureError> {
    match answer {
        Err(ReplyError::X11Error(error)) if failure::is_missing(&error) => Err(gone(window)),
        other => other.map_err(failure::failed(what)),
    }
}

/// Asks for events of a window.
fn select(conn: &RustConnection, window: Window, events: EventMask) -> Result<(), CaptureError> {
    let select = ChangeWindowAttributesAux::new().event_mask(events);
    let selected = conn.change_window_attributes(window, &select).map_err(|error| failure::connection(&error))?;
    answer(selected.check(), window, "watching a window")
}

impl WindowTrack {
    /// Redirects a window and names its pixmap.
    ///
    /// # Errors
    /// [`CaptureError::Unavailable`] without XComposite, [`CaptureError::Gone`] when the window is closed meanwhile.
    pub(super) fn new(conn: &RustConnection, root: Window, id: Window) -> Result<Self, CaptureError> {
        let lost = |error| failure::connection(&error);
        if conn.extension_information(composite::X11_EXTENSION_NAME).map_err(lost)?.is_none() {
            return Err(failure::unavailable("the server has no XComposite, which windows are recorded through"));
        }
        let version = composite::query_version(conn, 0, 4)
            .map_err(lost)?
            .reply()
            .map_err(failure::failed("asking for the version of XComposite"))?;
        if (version.major_version, version.minor_version) < (0, 2) {
            return Err(failure::unavailable("the server's XComposite is older than 0.2"));
        }
        select(conn, id, EventMask::STRUCTURE_NOTIFY)?;
        let mut track = Self { id, top_level: id, border: 0, size: (1, 1), pixmap: None };
        track.find_top_level(conn, root)?;
        // Under the grab nobody can paint, map or cover anything between the redirection and the blanking.
        conn.grab_server().map_err(lost)?;
        let redirected = track.redirect(conn);
        conn.ungrab_server().map_err(lost)?;
        conn.flush().map_err(lost)?;
        redirected?;
        Ok(track)
    }

    fn redirect(&mut self, conn: &RustConnection) -> Result<(), CaptureError> {
        // A window that a compositor has redirected has a pixmap of its own already, and it is true.
        self.name(conn)?;
        let was_redirected = self.pixmap.is_some();
        let redirected = composite::redirect_window(conn, self.id, Redirect::AUTOMATIC)
            .map_err(|error| failure::connection(&error))?
            .check();
        answer(redirected, self.id, "redirecting a window")?;
        if !was_redirected {
            self.name(conn)?;
            self.blank(conn)?;
        }
        // A frame can be unmapped and mapped around a client that hears of it only through its visibility. Selected
        // after the redirection, which is such a change itself.
        select(conn, self.id, EventMask::STRUCTURE_NOTIFY | EventMask::VISIBILITY_CHANGE)
    }

    /// Gives a name to the pixmap that the window has now, and reads its size.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the window is.
    pub(super) fn name(&mut self, conn: &RustConnection) -> Result<(), CaptureError> {
        let lost = |error| failure::connection(&error);
        if let Some(old) = self.pixmap.take() {
            conn.free_pixmap(old).map_err(lost)?;
        }
        let geometry = conn.get_geometry(self.id).map_err(lost)?;
        let geometry = answer(geometry.reply(), self.id, "asking for a window's size")?;
        (self.border, self.size) = (geometry.border_width.into(), (geometry.width.into(), geometry.height.into()));
        let pixmap = conn.generate_id().map_err(failure::failed("naming a window's picture"))?;
        match composite::name_window_pixmap(conn, self.id, pixmap).map_err(lost)?.check() {
            Ok(()) => {}
            // Not viewable (or not redirected): there is no picture.
            Err(ReplyError::X11Error(error)) if error.error_kind == x11rb::protocol::ErrorKind::Match => {
                return Ok(());
            }
            error => return answer(error, self.id, "naming a window's picture"),
        }
        // The pixmap is what pictures are taken of, so its size counts: the window may have grown since.
        let picture = conn.get_geometry(pixmap).map_err(lost)?;
        let picture = picture.reply().map_err(failure::failed("asking for the size of a window's picture"))?;
        let inner = |outer: u16| u32::from(outer).saturating_sub(2 * self.border).max(1);
        self.size = (inner(picture.width), inner(picture.height));
        self.pixmap = Some(pixmap);
        Ok(())
    }

    /// Names the pixmap that the server made when the window was mapped, and blanks it: it was filled from the desktop.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the window is.
    pub(super) fn mapped_again(&mut self, conn: &RustConnection) -> Result<(), CaptureError> {
        self.name(conn)?;
        self.blank(conn)
    }

    /// The window has no picture now; the last one taken stays.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn unmapped(&mut self, conn: &RustConnection) -> Result<(), CaptureError> {
        if let Some(old) = self.pixmap.take() {
            conn.free_pixmap(old).map_err(|error| failure::connection(&error))?;
        }
        Ok(())
    }

    /// Asks the server whether there is still a window. One that is closed is first unmapped: its other word may not have been read yet.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when there is none.
    pub(super) fn must_exist(&self, conn: &RustConnection) -> Result<(), CaptureError> {
        let attributes = conn.get_window_attributes(self.id).map_err(|error| failure::connection(&error))?.reply();
        answer(attributes, self.id, "reading the window's attributes").map(drop)
    }

    /// Looks up which child of the root the window is in.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when the window is.
    pub(super) fn find_top_level(&mut self, conn: &RustConnection, root: Window) -> Result<(), CaptureError> {
        let mut window = self.id;
        loop {
            let tree = conn.query_tree(window).map_err(|error| failure::connection(&error))?.reply();
            let parent = answer(tree, self.id, "reading the window tree")?.parent;
            if parent == root || parent == x11rb::NONE {
                self.top_level = window;
                return Ok(());
            }
            window = parent;
        }
    }

    /// Makes the picture black and has the application paint it anew.
    fn blank(&self, conn: &RustConnection) -> Result<(), CaptureError> {
        let Some(pixmap) = self.pixmap else { return Ok(()) };
        let lost = |error| failure::connection(&error);
        let what = "blanking a window's picture";
        let context = conn.generate_id().map_err(failure::failed(what))?;
        // Opaque black in both formats that are recorded.
        conn.create_gc(context, pixmap, &CreateGCAux::new().foreground(0xff00_0000)).map_err(lost)?;
        // The border stays: it is not in the picture, and nobody would paint it again.
        let inside = Rectangle {
            x: self.border as i16,
            y: self.border as i16,
            width: self.size.0 as u16,
            height: self.size.1 as u16,
        };
        conn.poly_fill_rectangle(pixmap, context, &[inside]).map_err(lost)?;
        conn.free_gc(context).map_err(lost)?;
        let mut windows = vec![self.id];
        let mut next = 0;
        while let Some(&window) = windows.get(next) {
            next += 1;
            // Paints the window's background, if it has one, and sends Expose for all of it. Painted from the outside
            // in, so that no background lands on what an inner window has painted.
            conn.clear_area(true, window, 0, 0, 0, 0).map_err(lost)?;
            let tree = conn.query_tree(window).map_err(lost)?.reply();
            let Ok(tree) = tree else { continue };
            for child in tree.children {
                let attributes = conn.get_window_attributes(child).map_err(lost)?.reply();
                let paints = attributes.is_ok_and(|attributes| {
                    attributes.map_state == MapState::VIEWABLE && attributes.class == xproto::WindowClass::INPUT_OUTPUT
                });
                if paints && windows.len() < MAX_INNER_WINDOWS {
                    windows.push(child);
                }
            }
        }
        Ok(())
    }
}
