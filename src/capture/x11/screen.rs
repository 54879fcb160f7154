//! Pictures through MIT-SHM.
//!
//! Owns one connection and one picture in memory shared with the server, of the size that the surface had at the start.
//! Invariants:
//! - What a picture shows is never newer than its time: the clock is read after the reply that brought it.
//! - "Unchanged" is only said after a round trip on this connection, so every change that the server knew of at that
//!   moment was heard of; nothing is copied then, not even the pointer.
//! - A part that changed is taken as full-width rows, straight into their place; outside of them the picture is what a
//!   whole grab would have brought.
//! - The pointer is drawn over the picture and lifted off it exactly, so its movement costs no grab. Lifting puts back
//!   pixels as the server gave them: a mask must be painted again after every grab that says `changed`.
//!
//! It does not pace, convert, mask or encode. How a window's picture is got at is in `window`.

mod away;
mod find;
mod follow;
mod pointer;
mod subject;
mod waiting;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use x11rb::connection::Connection;
use x11rb::errors::ReplyError;
use x11rb::protocol::damage;
use x11rb::protocol::randr::{self, NotifyMask};
use x11rb::protocol::xfixes::{self, CursorNotifyMask};
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, Drawable, EventMask, Rectangle, Window};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use self::find::{find, negotiate, watch};
use self::subject::Subject;
use self::waiting::{Sought, Waiting};
use super::cursor::PointerLayer;
use super::failure;
use super::kind;
use super::pixels::Pixels;
use super::popups::Popups;
use super::seeker::Seeker;
use super::server;
use super::shm::Canvas;
use super::targets;
use super::window;
use super::windows::{self, Followed, Windows};
use crate::base::event::{Area, Surface};
use crate::base::time::{Clock, MonoNs};
use crate::capture::letterbox::Letterbox;
use crate::capture::{
    Absence, BgraView, CaptureError, Covered, FacetSet, Look, ScreenDescription, ScreenSource, Target,
};
use crate::privacy::exclude::Exclusions;

/// How often a grab that lost a race against a change of size is tried again before it is an error: each try follows
/// the size anew, so a second loss means that sizes change faster than a round trip.
const SIZE_RACES: u32 = 3;

/// How long a window that was just blanked is given to paint before its first picture, milliseconds: an exposure and a
/// redraw of a usual program, so that a recording does not begin with a black frame.
const FIRST_PAINT_MS: u64 = 50;

/// How often windows that change while they are asked what they are, are asked again in one grab; then they are covered unasked.
const COVERED_ROUNDS: u32 = 4;

/// What to take pictures of, and how.
#[derive(Clone, Debug)]
pub struct ScreenOptions {
    /// What is recorded.
    pub target: Target,
    /// The pointer is drawn in.
    pub cursor: bool,
    /// Windows that must not be seen; where they are is told.
    pub exclusions: Arc<Exclusions>,
    /// How long a window that was closed, or a monitor that was switched off, is waited for.
    pub wait: Duration,
}

/// Opens the screen of `display` (the one in `DISPLAY` when `None`).
///
/// # Errors
/// [`CaptureError::NoDisplay`], [`CaptureError::Wayland`], [`CaptureError::NoTarget`], [`CaptureError::BadSize`] for a region that
/// is odd or not on the desktop, [`CaptureError::Unavailable`] when the server lacks what this backend needs (then xcap can be used).
pub fn open(
    display: Option<&str>,
    options: ScreenOptions,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn ScreenSource>, CaptureError> {
    let _connected = kind::refuse_xwayland(display)?;
    Ok(Box::new(X11Screen::open(display, options, clock)?))
}

/// The picture is of another size than at the start: it is taken here and scaled into the picture handed out.
struct Detour {
    canvas: Canvas,
    letterbox: Letterbox,
}

/// Where the pointer is and where the window is, as of one round trip.
struct Whereabouts {
    /// The pointer, desktop pixels; `None` when it is on another screen of this server.
    pointer: Option<(i32, i32)>,
    /// The child of the root that the pointer is in.
    over: Window,
    /// Upper left corner of the recorded window's content, when a window is recorded.
    origin: Option<(i32, i32)>,
}

/// What became of taking a picture.
struct Taken {
    t: MonoNs,
    capture_us: u32,
    /// The picture that is handed out is another one.
    repainted: bool,
}

/// How many grabs took which way, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct GrabCounts {
    /// All rows were taken.
    whole: u64,
    /// Some rows were taken.
    band: u64,
    /// No pixel was asked for.
    none: u64,
}

struct X11Screen {
    conn: RustConnection,
    clock: Arc<dyn Clock>,
    /// The root window, and the number of its screen.
    root: Window,
    screen: usize,
    exclusions: Arc<Exclusions>,
    subject: Subject,
    /// Menus and the like, when a window is recorded.
    popups: Option<Popups>,
    /// Finds the window again, when one is recorded.
    seeker: Option<Seeker>,
    wait: Duration,
    /// What is recorded is gone, and waited for.
    waiting: Option<Waiting>,
    /// The window that took the place of the recorded one, not told yet: there was no picture of it.
    renewed: Option<String>,
    description: ScreenDescription,
    /// Where the surface is now, and where it was said to be.
    area: Surface,
    told: Surface,
    /// The picture that is handed out; its size never changes.
    out: Canvas,
    detour: Option<Detour>,
    damage: damage::Damage,
    /// The server's copy of what was damaged, to read it from.
    parts: xfixes::Region,
    /// Damage was reported and not yet taken back.
    damaged: bool,
    /// Rows of the source picture that changed since they were taken.
    dirty: Option<Range<u32>>,
    /// The next grab must take everything.
    all_dirty: bool,
    /// Monitors, desktop or window may have another size.
    size_stale: bool,
    /// The window was mapped: it has a new pixmap.
    remapped: bool,
    /// The window has another parent.
    parent_stale: bool,
    pointer: Option<PointerLayer>,
    /// Where the pointer was at the last look, desktop pixels.
    pointer_was: Option<(i32, i32)>,
    /// The pointer's shape changed.
    shape_stale: bool,
    counts: GrabCounts,
    windows: Windows,
}

impl X11Screen {
    fn open(display: Option<&str>, options: ScreenOptions, clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let ScreenOptions { target: wanted, cursor, exclusions, wait } = options;
        let (conn, screen) = super::connect::connect(display)?;
        let (root, root_visual) = (conn.setup().roots[screen].root, conn.setup().roots[screen].root_visual);
        let lost = |error| failure::connection(&error);
        negotiate(&conn)?;
        let has_randr = targets::has_monitors(&conn)?;
        let follows = wanted.is_window() || !exclusions.is_empty();
        let more = if follows { windows::root_events() } else { EventMask::NO_EVENT };
        let follow_root = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY | more);
        conn.change_window_attributes(root, &follow_root).map_err(lost)?;
        if has_randr {
            let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
            randr::select_input(&conn, root, mask).map_err(lost)?;
        }
        if cursor {
            xfixes::select_cursor_input(&conn, root, CursorNotifyMask::DISPLAY_CURSOR).map_err(lost)?;
        }

        let (subject, mut area, refresh_hz, target) = find(&conn, root, &wanted)?;
        area.scale = server::scale(&conn)?;
        let (drawable, visual) = match &subject {
            Subject::Window(track) => {
                let attributes = conn.get_window_attributes(track.id).map_err(lost)?.reply();
                (track.id, window::answer(attributes, track.id, "reading a window's attributes")?.visual)
            }
            Subject::Monitor { .. } | Subject::Region => (root, root_visual),
        };
        let pixels = Pixels::of(conn.setup(), visual)?;
        let damage = watch(&conn, drawable)?;
        let parts = conn.generate_id().map_err(failure::failed("watching for changes"))?;
        xfixes::create_region(&conn, parts, &[]).map_err(lost)?;
        let out = Canvas::new(&conn, &pixels, area.width, area.height)?;
        if matches!(subject, Subject::Window(_)) {
            clock.sleep_until(clock.now().plus(Duration::from_millis(FIRST_PAINT_MS)));
        }
        let (window_id, backend) = match &subject {
            Subject::Window(track) => (Some(targets::window_id(track.id)), "x11-shm-composite"),
            Subject::Monitor { .. } | Subject::Region => (None, "x11-shm"),
        };
        let followed =
            if let Subject::Window(track) = &subject { Followed::Window(track.id) } else { Followed::Desktop };
        let windows = Windows::open(&conn, root, Arc::clone(&exclusions), followed)?;
        let description = ScreenDescription {
            backend: backend.into(),
            surface: area,
            refresh_hz,
            cursor,
            sees_changes: true,
            target,
            window_id,
            // Of a window its own pixmap is taken: no other window is in it.
            masks_windows: true,
            display_server: Some(server::name(&conn, display)?),
            names_programs: windows.names_programs(),
            hands_in: FacetSet::NONE,
            settings: Vec::new(),
        };
        let (popups, seeker) = match &subject {
            Subject::Window(track) => {
                let seeker = Seeker::open(&conn, root, wanted, track.id)?;
                (Some(Popups::open(&conn, (root, screen), track)?), Some(seeker))
            }
            Subject::Monitor { .. } | Subject::Region => (None, None),
        };
        Ok(Self {
            conn,
            clock,
            root,
            screen,
            exclusions,
            subject,
            popups,
            seeker,
            wait,
            waiting: None,
            renewed: None,
            description,
            area,
            told: area,
            out,
            detour: None,
            damage,
            parts,
            damaged: false,
            dirty: None,
            all_dirty: true,
            // The size may have changed between asking for it and asking to be told.
            size_stale: true,
            remapped: false,
            parent_stale: false,
            pointer: cursor.then(PointerLayer::default),
            pointer_was: None,
            shape_stale: cursor,
            counts: GrabCounts::default(),
            windows,
        })
    }

    /// The round trip of every grab: when it is back, every event from before it is here too.
    fn whereabouts(&self) -> Result<Whereabouts, CaptureError> {
        let lost = |error| failure::connection(&error);
        let of_root = self.conn.query_pointer(self.root).map_err(lost)?;
        let of_window = match &self.subject {
            Subject::Window(track) => Some((track.id, self.conn.query_pointer(track.id).map_err(lost)?)),
            Subject::Monitor { .. } | Subject::Region => None,
        };
        let pointer = of_root.reply().map_err(failure::failed("asking for the pointer"))?;
        let origin = match of_window {
            None => None,
            Some((id, cookie)) => {
                let seen = window::answer(cookie.reply(), id, "asking for the pointer")?;
                let corner =
                    (i32::from(seen.root_x) - i32::from(seen.win_x), i32::from(seen.root_y) - i32::from(seen.win_y));
                seen.same_screen.then_some(corner)
            }
        };
        Ok(Whereabouts {
            pointer: pointer.same_screen.then(|| (pointer.root_x.into(), pointer.root_y.into())),
            over: pointer.child,
            origin,
        })
    }

    /// Takes in what the server has told so far.
    fn read_events(&mut self) -> Result<(), CaptureError> {
        let now = self.clock.now();
        while let Some(event) = self.conn.poll_for_event().map_err(|error| failure::connection(&error))? {
            self.windows.event(&self.conn, &event, now).map_err(|error| failure::connection(&error))?;
            if let Some(popups) = &mut self.popups {
                popups.event(&self.conn, &event)?;
            }
            if let Some(seeker) = &mut self.seeker {
                seeker.event(&event, self.clock.now());
            }
            let (recorded, top) = match &self.subject {
                Subject::Window(track) => (track.id, track.top_level),
                Subject::Monitor { .. } | Subject::Region => (x11rb::NONE, x11rb::NONE),
            };
            // A frame may be unmapped and mapped around its client, which is not told.
            let is_recorded = |window| window == recorded || window == top;
            match event {
                Event::DamageNotify(event) if event.damage == self.damage => self.damaged = true,
                Event::XfixesCursorNotify(_) => self.shape_stale = true,
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => self.size_stale = true,
                Event::ConfigureNotify(event) if event.window == recorded => {
                    if let Subject::Window(track) = &self.subject {
                        // Moves are seen by `whereabouts`; only another size makes another pixmap.
                        self.size_stale |= track.size != (event.width.into(), event.height.into())
                            || track.border != u32::from(event.border_width);
                    }
                }
                Event::ConfigureNotify(event) if event.window == self.root => self.size_stale = true,
                Event::MapNotify(event) if is_recorded(event.window) => self.remapped = true,
                Event::VisibilityNotify(event) if event.window == recorded => self.remapped = true,
                Event::UnmapNotify(event) if is_recorded(event.window) => {
                    self.remapped = false;
                    if let Subject::Window(track) = &mut self.subject {
                        track.unmapped(&self.conn)?;
                    }
                }
                Event::ReparentNotify(event) if event.window == recorded => self.parent_stale = true,
                Event::DestroyNotify(event) if event.window == recorded && self.waiting.is_none() => {
                    return Err(window::gone(recorded));
                }
                Event::Error(error) => {
                    tracing::debug!(error = failure::describe(&error), "the X server refused a request");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes in what has happened up to now, and notes what is covered.
    fn read_covered(&mut self) -> Result<(), CaptureError> {
        self.read_events()?;
        // The answers may have brought more: read until there is nothing new to ask.
        for _ in 0..COVERED_ROUNDS {
            let new = match &mut self.popups {
                Some(popups) => popups.settle(&self.conn, &mut self.windows)?,
                None => false,
            };
            if !self.windows.settle(&self.conn).map_err(|error| failure::connection(&error))? && !new {
                break;
            }
            self.read_events()?;
        }
        let Surface { x, y, width, height, .. } = self.area;
        self.windows.note(Area { x, y, width, height }, self.clock.now());
        Ok(())
    }

    /// Notes that a rectangle of the drawable changed.
    fn mark(&mut self, changed: Rectangle) {
        // A window's damage counts from its content, as the picture does; the root's from the desktop.
        let (left, top) = match &self.subject {
            Subject::Window(_) => (0, 0),
            Subject::Monitor { .. } | Subject::Region => (self.area.x, self.area.y),
        };
        let (width, height) = self.source().size();
        if let Some(rows) = rows_inside(changed, (left, top), (width, height)) {
            self.mark_rows(rows);
        }
    }

    /// Notes where popups are not as they were drawn last.
    fn mark_popups(&mut self) {
        let size = self.source().size();
        for changed in self.popups.as_mut().map(Popups::changes).unwrap_or_default() {
            let inside = Area { x: changed.x - self.area.x, y: changed.y - self.area.y, ..changed }.inside(size);
            if let Some(rows) = inside.map(|inside| inside.y as u32..inside.y as u32 + inside.height) {
                self.mark_rows(rows);
            }
        }
    }

    fn mark_rows(&mut self, rows: Range<u32>) {
        self.dirty = Some(match self.dirty.take() {
            None => rows,
            Some(known) => known.start.min(rows.start)..known.end.max(rows.end),
        });
    }

    /// The picture that the server writes into.
    fn source(&self) -> &Canvas {
        self.detour.as_ref().map_or(&self.out, |detour| &detour.canvas)
    }

    /// What to take the picture of, and where in it the picture's corner is; `None` while there is nothing.
    fn drawable(&self) -> Option<(Drawable, (i32, i32))> {
        match &self.subject {
            Subject::Window(track) => track.pixmap.map(|pixmap| (pixmap, (track.border as i32, track.border as i32))),
            Subject::Monitor { .. } | Subject::Region => Some((self.root, (self.area.x, self.area.y))),
        }
    }

    /// Takes these rows from the server. `false`: the size changed under the request, and nothing was taken.
    fn take(&mut self, rows: &Range<u32>) -> Result<bool, CaptureError> {
        let Some((drawable, origin)) = self.drawable() else { return Ok(false) };
        self.forget_damage()?;
        let canvas = self.detour.as_mut().map_or(&mut self.out, |detour| &mut detour.canvas);
        match canvas.request(&self.conn, drawable, origin, rows) {
            Ok(()) => {
                if let Some(popups) = &mut self.popups {
                    popups.draw(&self.conn, canvas, self.area, rows)?;
                }
                Ok(true)
            }
            Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Match => Ok(false),
            Err(error) => Err(failure::failed("taking a picture")(error)),
        }
    }

    /// Takes back the damage that was reported, so that new damage is reported. Sent *before* the picture is asked for:
    /// what changes after it is in the next report, and perhaps in this picture too, which does no harm.
    fn forget_damage(&mut self) -> Result<(), CaptureError> {
        if std::mem::take(&mut self.damaged) {
            damage::subtract(&self.conn, self.damage, x11rb::NONE, x11rb::NONE)
                .map_err(|error| failure::connection(&error))?;
        }
        Ok(())
    }

    /// Reads which rectangles were damaged, and takes the damage back in the same step. The report itself only says that
    /// there is some: one event a grab, however much an application paints, and no rectangle larger than the truth,
    /// so what changes left and right of a region does not make the region changed.
    fn read_damage(&mut self) -> Result<(), CaptureError> {
        let lost = |error| failure::connection(&error);
        self.damaged = false;
        damage::subtract(&self.conn, self.damage, x11rb::NONE, self.parts).map_err(lost)?;
        let parts = xfixes::fetch_region(&self.conn, self.parts).map_err(lost)?.reply();
        for rectangle in parts.map_err(failure::failed("asking what changed"))?.rectangles {
            self.mark(rectangle);
        }
        Ok(())
    }

    fn take_picture(&mut self, whole: bool) -> Result<Taken, CaptureError> {
        let asked = self.clock.now();
        let mut at = self.whereabouts()?;
        let mut t = self.clock.now();
        self.read_covered()?;
        self.follow(&at)?;
        if self.shape_stale {
            self.read_shape()?;
            t = self.clock.now();
        }
        if self.damaged && !whole && !self.all_dirty {
            self.read_damage()?;
        }
        self.mark_popups();

        let mut races = 0;
        let mut grabbed = false;
        while self.drawable().is_some() && (whole || self.all_dirty || self.dirty.is_some()) {
            let height = self.source().size().1;
            let rows = match &self.dirty {
                Some(rows) if !whole && !self.all_dirty => rows.clone(),
                _ => 0..height,
            };
            self.lift();
            if self.take(&rows)? {
                t = self.clock.now();
                // What was mapped before the picture was taken is known now, and in the picture.
                self.read_covered()?;
                if rows == (0..height) {
                    self.counts.whole += 1;
                } else {
                    self.counts.band += 1;
                }
                (self.dirty, self.all_dirty, grabbed) = (None, false, true);
                break;
            }
            races += 1;
            if races == SIZE_RACES {
                return Err(CaptureError::System {
                    what: "taking a picture",
                    detail: "the size changes faster than it can be followed".into(),
                });
            }
            (self.size_stale, self.all_dirty) = (true, true);
            at = self.whereabouts()?;
            self.read_events()?;
            self.follow(&at)?;
        }
        if !grabbed {
            self.forget_damage()?;
            self.counts.none += 1;
        }

        self.pointer_was = at.pointer;
        let at = self.pointer_at(&at);
        let canvas = self.detour.as_mut().map_or(&mut self.out, |detour| &mut detour.canvas);
        let mut repainted = grabbed;
        if let Some(pointer) = &mut self.pointer {
            let place = pointer.wanted(at, canvas.size());
            if place != pointer.drawn() {
                // Also after a grab, which has lifted it: then nothing is drawn.
                repainted = true;
                pointer.lift(&mut canvas.view());
                pointer.draw(&mut canvas.view(), place);
            }
        }
        if repainted && let Some(Detour { canvas, letterbox }) = &self.detour {
            letterbox.apply(canvas.picture(), &mut self.out.view());
        }
        let capture_us = u32::try_from(t.since(asked).as_micros()).unwrap_or(u32::MAX);
        Ok(Taken { t, capture_us, repainted })
    }
}

impl ScreenSource for X11Screen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn pointer(&self) -> Option<(i32, i32)> {
        self.pointer_was
    }

    fn look(&mut self, whole: bool) -> Result<Look, CaptureError> {
        if self.waiting.is_some() {
            match self.seek()? {
                Sought::Absent(since, why) => return Ok(Look::Hidden { since, why }),
                Sought::There(window) => self.renewed = window.or(self.renewed.take()),
            }
        }
        match self.take_picture(whole || self.renewed.is_some()) {
            Ok(Taken { t, capture_us, repainted }) => {
                self.waiting = None;
                if let Subject::Window(track) = &self.subject
                    && track.pixmap.is_none()
                {
                    return match track.must_exist(&self.conn) {
                        Ok(()) => Ok(Look::Hidden { since: t, why: Absence::WindowMinimised }),
                        Err(error) => self.lose(error),
                    };
                }
                let surface = (self.area != std::mem::replace(&mut self.told, self.area)).then_some(self.area);
                let renewed = self.renewed.take();
                Ok(if repainted || renewed.is_some() {
                    Look::New { t, capture_us, surface, renewed }
                } else {
                    Look::Same { until: t, capture_us, surface }
                })
            }
            Err(error) => self.lose(error),
        }
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        Ok(self.out.view())
    }

    fn covered(&self) -> Vec<Covered> {
        let inside = |mut covered: Covered| {
            covered.area.x -= self.area.x;
            covered.area.y -= self.area.y;
            covered.area = self.place(covered.area.inside((self.area.width, self.area.height))?);
            Some(covered)
        };
        let untaken = self.popups.iter().flat_map(Popups::covered);
        self.windows.covered().into_iter().chain(untaken).filter_map(inside).collect()
    }

    fn games(&self) -> u64 {
        self.windows.games()
    }

    fn place(&self, area: Area) -> Area {
        self.detour.as_ref().map_or(area, |detour| detour.letterbox.place(area))
    }
}

/// The rows of a picture (its corner and size) that a changed rectangle touches; `None` when it lies beside it.
fn rows_inside(changed: Rectangle, corner: (i32, i32), size: (u32, u32)) -> Option<Range<u32>> {
    let clip = |start: i16, length: u16, corner: i32, limit: u32| {
        let start = i64::from(start) - i64::from(corner);
        let end = (start + i64::from(length)).min(i64::from(limit));
        let start = start.max(0);
        (start < end).then_some(start as u32..end as u32)
    };
    clip(changed.x, changed.width, corner.0, size.0)?;
    clip(changed.y, changed.height, corner.1, size.1)
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
