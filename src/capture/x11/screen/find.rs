//! Finds what a target names, and holds the server to the extensions that pictures of it need.

use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::damage::{self, ReportLevel};
use x11rb::protocol::xfixes;
use x11rb::protocol::xproto::{Drawable, Window};
use x11rb::rust_connection::RustConnection;

use super::super::targets::{self, Atoms, Monitor};
use super::super::window::{self, WindowTrack};
use super::super::{failure, shm};
use super::subject::Subject;
use crate::base::event::Surface;
use crate::capture::{CaptureError, Target};

/// Has the server tell when a drawable changes.
pub(super) fn watch(conn: &RustConnection, drawable: Drawable) -> Result<damage::Damage, CaptureError> {
    let failed = failure::failed("watching for changes");
    let damage = conn.generate_id().map_err(&failed)?;
    let watched = damage::create(conn, damage, drawable, ReportLevel::NON_EMPTY);
    watched.map_err(|error| failure::connection(&error))?.check().map_err(failure::failed("watching for changes"))?;
    Ok(damage)
}

/// Asks for the versions of the extensions that every target needs; a server answers their requests only afterwards.
pub(super) fn negotiate(conn: &RustConnection) -> Result<(), CaptureError> {
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
pub(super) fn find(
    conn: &RustConnection,
    root: Window,
    target: &Target,
) -> Result<(Subject, Surface, Option<f64>, String), CaptureError> {
    match target {
        Target::Primary | Target::Monitor(_) => {
            let wanted = if let Target::Monitor(wanted) = target { Some(wanted.as_str()) } else { None };
            let Monitor { name, surface, refresh_hz, stands_in, .. } =
                targets::find_monitor(&targets::monitors(conn, root)?, wanted)?;
            let called = format!("monitor {name}");
            Ok((Subject::Monitor { name, stands_in }, surface, refresh_hz, called))
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
            let called = format!("window {}{}", targets::window_id(id), target.asked());
            Ok((Subject::Window(track), area, None, called))
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
    Ok(Surface { x: corner.0, y: corner.1, width: size.0, height: size.1, scale: None })
}
