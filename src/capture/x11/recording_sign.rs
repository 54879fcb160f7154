//! The sign on X11: a small window that no window manager places, that nothing can be clicked or typed into, and that is painted by the server itself.
//!
//! Invariants:
//! - Its input shape is empty: the pointer is never in it, and what is under it is clicked.
//! - Wherever it is, or may be drawn around it, is in [`SignAreas`] before it is there.
//! - It has a class and no title: no list of windows has it, and no rule takes it for a notification or a locker.
//! - How often it is raised over what covers it is bounded, however others raise theirs.
//!
//! It is gone with its connection. Where it is put is decided in `recording_sign/place.rs`.

mod paint;
mod raises;

use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::Event;
use x11rb::protocol::randr::{self, NotifyMask};
use x11rb::protocol::shape::{self, SK, SO};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClipOrdering, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux,
    EventMask, MapState, Pixmap, PropMode, StackMode, Visibility, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use self::paint::look;
use self::raises::Raises;
use super::{connect, failure, server, targets};
use crate::base::event::Area;
use crate::base::time::{Clock, MonoNs};
use crate::capture::recording_sign::{
    Corner, Place, Recorded, RecordingSign, Room, SIGN, SignAreas, SignDescription, SignPlan, SignState, Spot, badge,
    spot, with_halo,
};
use crate::capture::{CaptureError, ScreenDescription};

/// The name of the backend in errors and in the metadata.
const BACKEND: &str = "x11";
/// Instance and class of the window.
const CLASS: &[u8] = b"watchcap-recording-sign\0watchcap-recording-sign\0";
/// How far compositors draw shadows around windows: 15 pixels as picom does.
const SHADOW: u32 = 16;
/// How often it is looked whether a compositor came or went, and under one, whether a window lies over the sign.
const LOOK_NS: i64 = 1_000_000_000;

/// The sign.
struct X11Sign {
    conn: RustConnection,
    clock: Arc<dyn Clock>,
    areas: Arc<SignAreas>,
    root: Window,
    window: Window,
    /// What the server paints the window with, by what it says.
    looks: [Pixmap; 2],
    state: SignState,
    wanted: Option<Corner>,
    recorded: Recorded,
    size: (u32, u32),
    spot: Spot,
    monitor: String,
    /// The selection that a compositor owns.
    compositor: Atom,
    is_composited: bool,
    looked: MonoNs,
    /// What is told of it in the areas.
    told: Area,
    /// Another window lies over it, or somebody unmapped it.
    is_hidden: bool,
    is_unmapped: bool,
    /// The monitors may have changed.
    is_stale: bool,
    raises: Raises,
}

/// Shows the sign.
///
/// # Errors
/// [`CaptureError::NoDisplay`], and [`CaptureError::Unavailable`] when the server has no shapes, or no monitor has room.
pub(crate) fn open(
    plan: &SignPlan,
    screen: &ScreenDescription,
    areas: &Arc<SignAreas>,
) -> Result<Box<dyn RecordingSign>, CaptureError> {
    let (conn, number) = connect(None)?;
    let lost = |error| failure::connection(&error);
    if conn.extension_information(shape::X11_EXTENSION_NAME).map_err(lost)?.is_none() {
        return Err(lacks("the server has no shapes, so it would take clicks"));
    }
    let shapes = shape::query_version(&conn).map_err(lost)?.reply().map_err(failure::failed("asking for shapes"))?;
    if (shapes.major_version, shapes.minor_version) < (1, 1) {
        return Err(lacks("the server has no shapes of input, so it would take clicks"));
    }
    let root = conn.setup().roots[number].root;
    if targets::has_monitors(&conn)? {
        let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
        randr::select_input(&conn, root, mask).map_err(lost)?;
    }
    let factor = badge::factor(server::scale(&conn)?.unwrap_or(1.0));
    let size = badge::size(factor);
    let surface = screen.surface;
    let recorded = Recorded {
        area: Area { x: surface.x, y: surface.y, width: surface.width, height: surface.height },
        shows_all: screen.window_id.is_none(),
    };
    let name = format!("_NET_WM_CM_S{number}");
    let compositor = conn.intern_atom(false, name.as_bytes()).map_err(lost)?;
    let compositor = compositor.reply().map_err(failure::failed("asking for atoms"))?.atom;
    let is_composited = has_owner(&conn, compositor)?;
    let (spot, monitor) = find_spot(&conn, root, recorded, plan.corner, size, is_composited)?
        .ok_or_else(|| lacks("no monitor has room for it"))?;
    let looks = [look(&conn, number, SignState::Recording, factor)?, look(&conn, number, SignState::Paused, factor)?];
    let window = conn.generate_id().map_err(failure::failed("opening a window"))?;
    let told = with_halo(spot.area, if is_composited { SHADOW } else { 0 });
    let sign = X11Sign {
        clock: Arc::clone(&plan.clock),
        areas: Arc::clone(areas),
        root,
        window,
        looks,
        state: SignState::Recording,
        wanted: plan.corner,
        recorded,
        size,
        spot,
        monitor,
        compositor,
        is_composited,
        looked: plan.clock.now(),
        told,
        is_hidden: false,
        is_unmapped: false,
        is_stale: false,
        raises: Raises::default(),
        conn,
    };
    areas.up(Place::Desktop(told));
    if let Err(error) = sign.show() {
        drop(sign.conn);
        areas.down(Place::Desktop(told), plan.clock.now());
        return Err(error);
    }
    Ok(Box::new(sign))
}

fn lacks(detail: &str) -> CaptureError {
    CaptureError::Unavailable { backend: BACKEND, what: SIGN.into(), detail: detail.into() }
}

fn has_owner(conn: &RustConnection, selection: Atom) -> Result<bool, CaptureError> {
    let owner = conn.get_selection_owner(selection).map_err(|error| failure::connection(&error))?.reply();
    Ok(failure::there(owner)?.is_some_and(|reply| reply.owner != x11rb::NONE))
}

/// Where it is to be, and the name of the monitor.
fn find_spot(
    conn: &RustConnection,
    root: Window,
    recorded: Recorded,
    wanted: Option<Corner>,
    size: (u32, u32),
    is_composited: bool,
) -> Result<Option<(Spot, String)>, CaptureError> {
    let monitors = targets::monitors(conn, root)?;
    let room = |monitor: &targets::Monitor| {
        let surface = monitor.surface;
        Room { area: Area { x: surface.x, y: surface.y, width: surface.width, height: surface.height }, size }
    };
    let rooms: Vec<Room> = monitors.iter().map(room).collect();
    let found = spot(&rooms, recorded, wanted, if is_composited { SHADOW } else { 0 });
    Ok(found.map(|spot| (spot, monitors[spot.monitor].name.clone())))
}

impl X11Sign {
    fn show(&self) -> Result<(), CaptureError> {
        let lost = |error| failure::connection(&error);
        let with = CreateWindowAux::new()
            .override_redirect(1)
            .background_pixmap(self.looks[0])
            .event_mask(EventMask::STRUCTURE_NOTIFY | EventMask::VISIBILITY_CHANGE);
        let Area { x, y, width, height } = self.spot.area;
        self.conn
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                self.window,
                self.root,
                x as i16,
                y as i16,
                width as u16,
                height as u16,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &with,
            )
            .map_err(lost)?
            .check()
            .map_err(failure::failed("opening a window"))?;
        shape::rectangles(&self.conn, SO::SET, SK::INPUT, ClipOrdering::UNSORTED, self.window, 0, 0, &[])
            .map_err(lost)?
            .check()
            .map_err(failure::failed("shaping a window"))?;
        self.conn
            .change_property8(PropMode::REPLACE, self.window, AtomEnum::WM_CLASS, AtomEnum::STRING, CLASS)
            .map_err(lost)?;
        // So that compositors draw no shadow, as far as they heed it.
        let atom = |name: &[u8]| -> Result<Atom, CaptureError> {
            let cookie = self.conn.intern_atom(false, name).map_err(|error| failure::connection(&error))?;
            Ok(cookie.reply().map_err(failure::failed("asking for atoms"))?.atom)
        };
        let (kind, dock) = (atom(b"_NET_WM_WINDOW_TYPE")?, atom(b"_NET_WM_WINDOW_TYPE_DOCK")?);
        self.conn.change_property32(PropMode::REPLACE, self.window, kind, AtomEnum::ATOM, &[dock]).map_err(lost)?;
        self.conn.map_window(self.window).map_err(lost)?;
        self.raise()?;
        let attributes = self.conn.get_window_attributes(self.window).map_err(lost)?;
        match attributes.reply().map_err(failure::failed("showing a window"))?.map_state {
            MapState::VIEWABLE => Ok(()),
            _ => Err(lacks("the server does not show its window")),
        }
    }

    fn raise(&self) -> Result<(), CaptureError> {
        let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        self.conn.configure_window(self.window, &above).map_err(|error| failure::connection(&error)).map(drop)
    }

    /// A round trip: what was asked for before it is done.
    fn sync(&self) -> Result<(), CaptureError> {
        let answer = self.conn.get_input_focus().map_err(|error| failure::connection(&error))?;
        answer.reply().map_err(failure::failed("asking for the focus")).map(drop)
    }

    /// Tells where it may be seen from now on; where it was, once nothing is there any more.
    fn tell(&mut self, area: Area) -> Area {
        self.areas.up(Place::Desktop(area));
        std::mem::replace(&mut self.told, area)
    }

    fn forget(&self, before: Area) {
        if before != self.told {
            self.areas.down(Place::Desktop(before), self.clock.now());
        }
    }

    fn halo(&self) -> u32 {
        if self.is_composited { SHADOW } else { 0 }
    }

    fn take_in(&mut self) -> Result<(), CaptureError> {
        while let Some(event) = self.conn.poll_for_event().map_err(|error| failure::connection(&error))? {
            match event {
                Event::VisibilityNotify(event) => self.is_hidden = event.state != Visibility::UNOBSCURED,
                Event::UnmapNotify(event) if event.window == self.window => self.is_unmapped = true,
                Event::MapNotify(event) if event.window == self.window => self.is_unmapped = false,
                Event::DestroyNotify(event) if event.window == self.window => {
                    let detail = "another program destroyed its window".into();
                    return Err(CaptureError::Gone { what: "sign", detail });
                }
                Event::ConfigureNotify(event) if event.window == self.window => {
                    let there = Area {
                        x: event.x.into(),
                        y: event.y.into(),
                        width: event.width.into(),
                        height: event.height.into(),
                    };
                    self.is_at(there)?;
                }
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => self.is_stale = true,
                Event::Error(error) => {
                    tracing::debug!(error = failure::describe(&error), "the X server refused a request of the sign");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The window was configured: where another program has put it, it does not stay.
    fn is_at(&mut self, there: Area) -> Result<(), CaptureError> {
        if there != self.spot.area {
            let seen = Place::Desktop(with_halo(there, self.halo()));
            self.areas.up(seen);
            self.put()?;
            self.areas.down(seen, self.clock.now());
        }
        Ok(())
    }

    /// Puts the window where it is to be, and waits until it is there.
    fn put(&self) -> Result<(), CaptureError> {
        let Area { x, y, width, height } = self.spot.area;
        let there = ConfigureWindowAux::new().x(x).y(y).width(width).height(height);
        self.conn.configure_window(self.window, &there).map_err(|error| failure::connection(&error))?;
        self.sync()
    }

    /// Looks for another place, since monitors have changed.
    fn place_anew(&mut self) -> Result<(), CaptureError> {
        let found = find_spot(&self.conn, self.root, self.recorded, self.wanted, self.size, self.is_composited)?;
        let Some((spot, monitor)) = found.filter(|(spot, _)| *spot != self.spot) else { return Ok(()) };
        (self.spot, self.monitor) = (spot, monitor);
        let before = self.tell(with_halo(spot.area, self.halo()));
        self.put()?;
        self.forget(before);
        Ok(())
    }

    /// Looks now and then what nothing tells of: a compositor, and under one, windows over the sign.
    fn look_around(&mut self, now: MonoNs) -> Result<(), CaptureError> {
        if now.0 - self.looked.0 < LOOK_NS {
            return Ok(());
        }
        self.looked = now;
        let is_composited = has_owner(&self.conn, self.compositor)?;
        if is_composited != self.is_composited {
            self.is_composited = is_composited;
            let before = self.tell(with_halo(self.spot.area, self.halo()));
            self.forget(before);
        }
        if is_composited {
            let tree = self.conn.query_tree(self.root).map_err(|error| failure::connection(&error))?;
            let tree = tree.reply().map_err(failure::failed("reading the window tree"))?;
            // Windows that are redirected count as unobscured.
            self.is_hidden = tree.children.last() != Some(&self.window);
        }
        Ok(())
    }

    fn keep_on_top(&mut self, now: MonoNs) -> Result<(), CaptureError> {
        if (self.is_hidden || self.is_unmapped) && self.raises.may(now) {
            if self.is_unmapped {
                self.conn.map_window(self.window).map_err(|error| failure::connection(&error))?;
            }
            self.raise()?;
            self.is_hidden &= !self.is_composited;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), CaptureError> {
        self.take_in()?;
        let now = self.clock.now();
        self.look_around(now)?;
        if std::mem::take(&mut self.is_stale) {
            self.place_anew()?;
        }
        self.keep_on_top(now)?;
        self.conn.flush().map_err(|error| failure::connection(&error))
    }
}

impl RecordingSign for X11Sign {
    fn describe(&self) -> SignDescription {
        let Spot { corner, area, .. } = self.spot;
        SignDescription { by: BACKEND, monitor: self.monitor.clone(), corner, area }
    }

    fn tend(&mut self, state: SignState, limit: Duration) -> Result<(), CaptureError> {
        let lost = |error| failure::connection(&error);
        if state != self.state {
            self.state = state;
            let look =
                ChangeWindowAttributesAux::new().background_pixmap(self.looks[usize::from(state == SignState::Paused)]);
            self.conn.change_window_attributes(self.window, &look).map_err(lost)?;
            self.conn.clear_area(false, self.window, 0, 0, 0, 0).map_err(lost)?;
        }
        self.turn()?;
        let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        match poll(&mut [PollFd::new(self.conn.stream(), PollFlags::IN)], Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
            Ok(_) => self.turn(),
            Err(error) => Err(CaptureError::System { what: "poll", detail: error.to_string() }),
        }
    }
}
