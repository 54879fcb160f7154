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

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::damage::{self, ReportLevel};
use x11rb::protocol::randr::{self, NotifyMask};
use x11rb::protocol::xfixes::{self, CursorNotifyMask};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, Drawable, EventMask, ImageOrder, Rectangle, Setup, Visualid, Window,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use super::cursor::{PointerLayer, Sprite};
use super::failure;
use super::guard::{self, Guard};
use super::shm::{self, Canvas};
use super::targets::{self, Atoms, Monitor};
use super::window::{self, WindowTrack};
use crate::capture::letterbox::Letterbox;
use crate::capture::{BgraView, CaptureError, Covered, Grab, ScreenDescription, ScreenSource, Target};
use crate::event::{Area, Surface};
use crate::privacy::exclude::Exclusions;
use crate::time::Clock;

/// How often a grab that lost a race against a change of size is tried again before it is an error: each try follows
/// the size anew, so a second loss means that sizes change faster than a round trip.
const SIZE_RACES: u32 = 3;

/// How long a window that was just blanked is given to paint before its first picture, milliseconds: an exposure and a
/// redraw of a usual program, so that a recording does not begin with a black frame.
const FIRST_PAINT_MS: u64 = 50;

/// How often windows that change while they are asked what they are, are asked again in one grab; then they are covered unasked.
const COVERED_ROUNDS: u32 = 4;

/// Opens the screen of `display` (the one in `DISPLAY` when `None`) for `target`, with the pointer drawn in if `cursor`; it tells
/// where the windows are that `exclusions` names.
///
/// # Errors
/// [`CaptureError::NoDisplay`], [`CaptureError::NoTarget`], [`CaptureError::BadSize`] for a region that is odd or not on
/// the desktop, [`CaptureError::Unavailable`] when the server lacks what this backend needs (then xcap can be used).
pub fn open(
    display: Option<&str>,
    target: &Target,
    cursor: bool,
    exclusions: Arc<Exclusions>,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn ScreenSource>, CaptureError> {
    Ok(Box::new(X11Screen::open(display, target, cursor, exclusions, clock)?))
}

/// What is recorded.
enum Subject {
    Monitor { name: String },
    Region,
    Window(WindowTrack),
}

/// The picture is of another size than at the start: it is taken here and scaled into the picture handed out.
struct Detour {
    canvas: Canvas,
    letterbox: Letterbox,
}

/// Where the pointer is and where the window is, as of one round trip.
struct Look {
    /// The pointer, desktop pixels; `None` when it is on another screen of this server.
    pointer: Option<(i32, i32)>,
    /// The child of the root that the pointer is in.
    over: Window,
    /// Upper left corner of the recorded window's content, when a window is recorded.
    origin: Option<(i32, i32)>,
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
    root: Window,
    subject: Subject,
    description: ScreenDescription,
    /// Where the surface is now.
    area: Surface,
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
    /// The pointer's shape changed.
    shape_stale: bool,
    counts: GrabCounts,
    guard: Guard,
}

impl X11Screen {
    fn open(
        display: Option<&str>,
        target: &Target,
        cursor: bool,
        exclusions: Arc<Exclusions>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CaptureError> {
        let (conn, screen) = super::connect(display)?;
        let screen = &conn.setup().roots[screen];
        let (root, root_visual) = (screen.root, screen.root_visual);
        let lost = |error| failure::connection(&error);
        negotiate(&conn)?;
        let has_randr = targets::has_monitors(&conn)?;
        let windows = matches!(target, Target::WindowId(_) | Target::WindowTitle(_) | Target::WindowApp(_));
        let more = if windows || exclusions.is_empty() { EventMask::NO_EVENT } else { guard::ROOT_EVENTS };
        let follow_root = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY | more);
        conn.change_window_attributes(root, &follow_root).map_err(lost)?;
        if has_randr {
            let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
            randr::select_input(&conn, root, mask).map_err(lost)?;
        }
        if cursor {
            xfixes::select_cursor_input(&conn, root, CursorNotifyMask::DISPLAY_CURSOR).map_err(lost)?;
        }

        let (subject, area, refresh_hz, target) = find(&conn, root, target)?;
        let (drawable, visual) = match &subject {
            Subject::Window(track) => {
                let attributes = conn.get_window_attributes(track.id).map_err(lost)?.reply();
                (track.id, window::answer(attributes, track.id, "reading a window's attributes")?.visual)
            }
            Subject::Monitor { .. } | Subject::Region => (root, root_visual),
        };
        check_format(conn.setup(), visual)?;
        let damage = conn.generate_id().map_err(failure::failed("watching for changes"))?;
        let watched = damage::create(&conn, damage, drawable, ReportLevel::NON_EMPTY).map_err(lost)?.check();
        watched.map_err(failure::failed("watching for changes"))?;
        let parts = conn.generate_id().map_err(failure::failed("watching for changes"))?;
        xfixes::create_region(&conn, parts, &[]).map_err(lost)?;
        let out = Canvas::new(&conn, area.width, area.height)?;
        if matches!(subject, Subject::Window(_)) {
            clock.sleep_until(clock.now().plus(Duration::from_millis(FIRST_PAINT_MS)));
        }
        let (window_id, backend) = match &subject {
            Subject::Window(track) => (Some(targets::window_id(track.id)), "x11-shm-composite"),
            Subject::Monitor { .. } | Subject::Region => (None, "x11-shm"),
        };
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
        };
        let only = if let Subject::Window(track) = &subject { Some(track.id) } else { None };
        let guard = Guard::open(&conn, root, exclusions, only)?;
        Ok(Self {
            conn,
            clock,
            root,
            subject,
            description,
            area,
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
            shape_stale: cursor,
            counts: GrabCounts::default(),
            guard,
        })
    }

    /// The round trip of every grab: when it is back, every event from before it is here too.
    fn look(&self) -> Result<Look, CaptureError> {
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
        Ok(Look {
            pointer: pointer.same_screen.then(|| (pointer.root_x.into(), pointer.root_y.into())),
            over: pointer.child,
            origin,
        })
    }

    /// Takes in what the server has told so far.
    fn read_events(&mut self) -> Result<(), CaptureError> {
        while let Some(event) = self.conn.poll_for_event().map_err(|error| failure::connection(&error))? {
            self.guard.event(&self.conn, &event).map_err(|error| failure::connection(&error))?;
            let recorded = match &self.subject {
                Subject::Window(track) => track.id,
                Subject::Monitor { .. } | Subject::Region => x11rb::NONE,
            };
            match event {
                Event::DamageNotify(_) => self.damaged = true,
                Event::XfixesCursorNotify(_) => self.shape_stale = true,
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => self.size_stale = true,
                Event::ConfigureNotify(event) if event.window == recorded => {
                    if let Subject::Window(track) = &self.subject {
                        // Moves are seen by `look`; only another size makes another pixmap.
                        self.size_stale |= track.size != (event.width.into(), event.height.into())
                            || track.border != u32::from(event.border_width);
                    }
                }
                Event::ConfigureNotify(event) if event.window == self.root => self.size_stale = true,
                Event::MapNotify(event) if event.window == recorded => self.remapped = true,
                Event::VisibilityNotify(event) if event.window == recorded => self.remapped = true,
                Event::UnmapNotify(event) if event.window == recorded => {
                    self.remapped = false;
                    if let Subject::Window(track) = &mut self.subject {
                        track.unmapped(&self.conn)?;
                    }
                }
                Event::ReparentNotify(event) if event.window == recorded => self.parent_stale = true,
                Event::DestroyNotify(event) if event.window == recorded => return Err(window::gone(recorded)),
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
            if !self.guard.settle(&self.conn).map_err(|error| failure::connection(&error))? {
                break;
            }
            self.read_events()?;
        }
        self.guard.note(self.clock.now());
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
            self.dirty = Some(match self.dirty.take() {
                None => rows,
                Some(known) => known.start.min(rows.start)..known.end.max(rows.end),
            });
        }
    }

    /// The picture that the server writes into.
    fn source(&self) -> &Canvas {
        self.detour.as_ref().map_or(&self.out, |detour| &detour.canvas)
    }

    /// Follows the surface to where it is now and to the size that it has now.
    fn follow(&mut self, look: &Look) -> Result<(), CaptureError> {
        if self.parent_stale
            && let Subject::Window(track) = &mut self.subject
        {
            self.parent_stale = false;
            track.find_top_level(&self.conn, self.root)?;
        }
        let mut area = self.area;
        if let Some((x, y)) = look.origin {
            (area.x, area.y) = (x, y);
        }
        // The part of the area that there are pixels of.
        let mut visible = self.source().size();
        if self.size_stale || self.remapped {
            let remapped = std::mem::take(&mut self.remapped);
            self.size_stale = false;
            match &mut self.subject {
                Subject::Window(track) => {
                    if remapped {
                        track.mapped_again(&self.conn)?;
                    } else if track.pixmap.is_some() {
                        track.name(&self.conn)?;
                    }
                    if track.pixmap.is_some() {
                        (area.width, area.height) = track.size;
                        visible = track.size;
                        self.all_dirty = true;
                    }
                }
                Subject::Monitor { name } => {
                    let monitors = targets::monitors(&self.conn, self.root)?;
                    let Some(monitor) = monitors.into_iter().find(|monitor| monitor.name == *name) else {
                        return Err(CaptureError::Gone {
                            what: "screen",
                            detail: format!("monitor {name} was disconnected or switched off"),
                        });
                    };
                    area = monitor.surface;
                    visible = (area.width, area.height);
                }
                Subject::Region => {
                    let desktop = targets::desktop(&self.conn, self.root)?;
                    let inside = |start: i32, length: u32, limit: u32| {
                        (i64::from(limit) - i64::from(start)).clamp(0, i64::from(length)) as u32
                    };
                    visible = (inside(area.x, area.width, desktop.width), inside(area.y, area.height, desktop.height));
                    if visible.0 == 0 || visible.1 == 0 {
                        return Err(CaptureError::Gone {
                            what: "screen",
                            detail: "the region is not on the desktop any more".into(),
                        });
                    }
                }
            }
        }
        let window = matches!(self.subject, Subject::Window(_));
        // A window's picture moves with it; on the desktop another place is another picture.
        self.all_dirty |= !window && (area.x, area.y) != (self.area.x, self.area.y);
        if visible != self.source().size() {
            self.resize(visible)?;
        }
        self.area = area;
        Ok(())
    }

    /// Makes the source picture one of this size.
    fn resize(&mut self, size: (u32, u32)) -> Result<(), CaptureError> {
        if let Some(old) = self.detour.take() {
            old.canvas.detach(&self.conn)?;
        }
        let start = self.out.size();
        if size != start {
            let canvas = Canvas::new(&self.conn, size.0, size.1)?;
            let letterbox = match self.subject {
                Subject::Region => Letterbox::in_corner(size),
                Subject::Monitor { .. } | Subject::Window(_) => Letterbox::fitted(size, start),
            };
            self.detour = Some(Detour { canvas, letterbox });
        }
        if let Some(pointer) = &mut self.pointer {
            pointer.forget();
        }
        self.dirty = None;
        self.all_dirty = true;
        Ok(())
    }

    /// What to take the picture of, and where in it the picture's corner is; `None` while there is nothing.
    fn drawable(&self) -> Option<(Drawable, (i32, i32))> {
        match &self.subject {
            Subject::Window(track) => track.pixmap.map(|pixmap| (pixmap, (track.border as i32, track.border as i32))),
            Subject::Monitor { .. } | Subject::Region => Some((self.root, (self.area.x, self.area.y))),
        }
    }

    /// Reads the pointer's shape anew.
    fn read_shape(&mut self) -> Result<(), CaptureError> {
        let Some(pointer) = &mut self.pointer else { return Ok(()) };
        self.shape_stale = false;
        let image = xfixes::get_cursor_image(&self.conn).map_err(|error| failure::connection(&error))?.reply();
        match image {
            Ok(image) => {
                let (size, hot) = ((image.width, image.height), (image.xhot, image.yhot));
                pointer.set_sprite(Sprite::new(size, hot, image.cursor_image));
            }
            // No pointer has been shown on this server yet.
            Err(ReplyError::X11Error(_)) => pointer.set_sprite(None),
            Err(ReplyError::ConnectionError(error)) => return Err(failure::connection(&error)),
        }
        Ok(())
    }

    /// Where the pointer is in the source picture; `None` when it is not over what is recorded.
    fn pointer_at(&self, look: &Look) -> Option<(i32, i32)> {
        let at = look.pointer?;
        let inside = (at.0 - self.area.x, at.1 - self.area.y);
        if let Subject::Window(track) = &self.subject {
            // Over another window that covers this one, the pointer is that window's business.
            let (width, height) = track.size;
            let within = (0..width as i32).contains(&inside.0) && (0..height as i32).contains(&inside.1);
            if !within || look.over != track.top_level {
                return None;
            }
        }
        Some(inside)
    }

    /// Takes these rows from the server. `false`: the size changed under the request, and nothing was taken.
    fn take(&mut self, rows: &Range<u32>) -> Result<bool, CaptureError> {
        let Some((drawable, origin)) = self.drawable() else { return Ok(false) };
        self.forget_damage()?;
        let canvas = self.detour.as_mut().map_or(&mut self.out, |detour| &mut detour.canvas);
        match canvas.request(&self.conn, drawable, origin, rows) {
            Ok(()) => Ok(true),
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

    /// Lifts the pointer off the source picture.
    fn lift(&mut self) {
        let canvas = self.detour.as_mut().map_or(&mut self.out, |detour| &mut detour.canvas);
        if let Some(pointer) = &mut self.pointer {
            pointer.lift(&mut canvas.view());
        }
    }
}

impl ScreenSource for X11Screen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn grab(&mut self, whole: bool) -> Result<Grab, CaptureError> {
        let asked = self.clock.now();
        let before = self.area;
        let mut look = self.look()?;
        let mut t = self.clock.now();
        self.read_covered()?;
        self.follow(&look)?;
        if self.shape_stale {
            self.read_shape()?;
            t = self.clock.now();
        }
        if self.damaged && !whole && !self.all_dirty {
            self.read_damage()?;
        }

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
            look = self.look()?;
            self.read_events()?;
            self.follow(&look)?;
        }
        if !grabbed {
            self.forget_damage()?;
            self.counts.none += 1;
        }

        let at = self.pointer_at(&look);
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
        Ok(Grab {
            t,
            capture_us: u32::try_from(t.since(asked).as_micros()).unwrap_or(u32::MAX),
            changed: repainted,
            surface: (self.area != before).then_some(self.area),
        })
    }

    fn pixels(&mut self) -> BgraView<'_> {
        self.out.view()
    }

    fn covered(&self) -> Vec<Covered> {
        let inside = |mut covered: Covered| {
            covered.area.x -= self.area.x;
            covered.area.y -= self.area.y;
            covered.area = self.place(covered.area.inside((self.area.width, self.area.height))?);
            Some(covered)
        };
        self.guard.covered().into_iter().filter_map(inside).collect()
    }

    fn place(&self, area: Area) -> Area {
        self.detour.as_ref().map_or(area, |detour| detour.letterbox.place(area))
    }
}

/// Asks for the versions of the extensions that every target needs; a server answers their requests only afterwards.
fn negotiate(conn: &RustConnection) -> Result<(), CaptureError> {
    shm::negotiate(conn)?;
    let lost = |error| failure::connection(&error);
    for (name, says) in [
        (xfixes::X11_EXTENSION_NAME, "the server has no XFixes"),
        (damage::X11_EXTENSION_NAME, "the server has no XDamage"),
    ] {
        if conn.extension_information(name).map_err(lost)?.is_none() {
            return Err(failure::unavailable(says));
        }
    }
    let xfixes = xfixes::query_version(conn, 5, 0).map_err(lost)?;
    let damage = damage::query_version(conn, 1, 1).map_err(lost)?;
    let xfixes = xfixes.reply().map_err(failure::failed("asking for the version of XFixes"))?;
    let damage = damage.reply().map_err(failure::failed("asking for the version of XDamage"))?;
    if xfixes.major_version < 2 || (damage.major_version, damage.minor_version) < (1, 1) {
        return Err(failure::unavailable("the server's XFixes or XDamage is too old"));
    }
    Ok(())
}

/// Finds what a target names: the subject, where it is, its refresh rate, and how it is called in the metadata.
fn find(
    conn: &RustConnection,
    root: Window,
    target: &Target,
) -> Result<(Subject, Surface, Option<f64>, String), CaptureError> {
    match target {
        Target::Primary | Target::Monitor(_) => {
            let wanted = if let Target::Monitor(wanted) = target { Some(wanted.as_str()) } else { None };
            let Monitor { name, surface, refresh_hz, .. } =
                targets::find_monitor(&targets::monitors(conn, root)?, wanted)?;
            let called = format!("monitor {name}");
            Ok((Subject::Monitor { name }, surface, refresh_hz, called))
        }
        Target::Region { x, y, width, height } => {
            let area = check_region((*x, *y), (*width, *height), targets::desktop(conn, root)?)?;
            Ok((Subject::Region, area, None, "region".into()))
        }
        Target::WindowId(_) | Target::WindowTitle(_) | Target::WindowApp(_) => {
            let atoms = Atoms::intern(conn)?;
            let id = targets::find_window(conn, root, &atoms, target)?;
            let track = WindowTrack::new(conn, root, id)?;
            let mut area = targets::window_surface(conn, root, id)?.ok_or_else(|| window::gone(id))?;
            (area.width, area.height) = track.size;
            Ok((Subject::Window(track), area, None, format!("window {}", targets::window_id(id))))
        }
    }
}

/// A region must be even and wholly on the desktop.
fn check_region(corner: (i32, i32), size: (u32, u32), desktop: Surface) -> Result<Surface, CaptureError> {
    let bad = |why: String, nearest| CaptureError::BadSize { width: size.0, height: size.1, why, nearest };
    // What is left of the desktop right of and below the corner.
    let room = |corner: i32, limit: u32| u32::try_from(i64::from(limit) - i64::from(corner)).unwrap_or(0);
    let room = (room(corner.0, desktop.width), room(corner.1, desktop.height));
    if corner.0 < 0 || corner.1 < 0 || room.0 < 2 || room.1 < 2 {
        return Err(CaptureError::NoTarget {
            wanted: format!(
                "a region at {},{} (the desktop is {}x{} and begins at 0,0)",
                corner.0, corner.1, desktop.width, desktop.height
            ),
        });
    }
    let nearest = ((size.0.min(room.0) & !1).max(2), (size.1.min(room.1) & !1).max(2));
    if size.0 > room.0 || size.1 > room.1 {
        let (width, height) = (desktop.width, desktop.height);
        return Err(bad(format!("the region reaches beyond the desktop of {width}x{height}"), Some(nearest)));
    }
    if nearest != size {
        return Err(bad("a region needs an even width and height".into(), Some(nearest)));
    }
    Ok(Surface { x: corner.0, y: corner.1, width: size.0, height: size.1, scale: 1.0 })
}

/// Only 32-bit pixels in memory order B, G, R, X are taken: depth 24 or 32, little-endian, eight bits a colour.
fn check_format(setup: &Setup, visual: Visualid) -> Result<(), CaptureError> {
    let found = setup
        .roots
        .iter()
        .flat_map(|screen| &screen.allowed_depths)
        .find_map(|depth| depth.visuals.iter().find(|v| v.visual_id == visual).map(|v| (depth.depth, v)));
    let Some((depth, visual)) = found else {
        return Err(failure::unavailable("the window has no pixels of its own"));
    };
    let packed = setup.pixmap_formats.iter().any(|format| format.depth == depth && format.bits_per_pixel == 32);
    let masks = (visual.red_mask, visual.green_mask, visual.blue_mask) == (0x00ff_0000, 0xff00, 0xff);
    if !matches!(depth, 24 | 32) || !packed || !masks || setup.image_byte_order != ImageOrder::LSB_FIRST {
        return Err(failure::unavailable(&format!("pixels of depth {depth} in this layout are not taken")));
    }
    Ok(())
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
