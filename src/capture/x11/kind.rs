//! What kind of X server a display is, and which kinds are refused.
//!
//! Xwayland is the X server of a Wayland desktop. Its root window is black, its windows are those of X11 programs only, and its
//! devices speak only while such a program has the focus: keys that are held when the focus comes are pressed anew, motion is
//! places and not steps, and where the pointer is beside X11 windows is not known. A recording of it would be sealed as whole,
//! with black pictures and without the inputs. So it is refused for every target, by pictures and inputs alike. A window inside
//! of it is no exception: its own pixmap would be true, and the inputs would not.

use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::randr;
use x11rb::protocol::xinput;
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::failure::{self, there};
use crate::capture::{CaptureError, wayland};

/// The extension by which Xwayland says that it is one, since 23.1.
const EXTENSION: &str = "XWAYLAND";
/// How Xwayland names outputs of compositors that do not name them themselves.
const OUTPUTS: &str = "XWAYLAND";
/// How Xwayland names its devices (`xwayland-pointer:16`).
const DEVICES: &str = "xwayland-";
/// The most outputs that are asked for their names; graphics cards have up to some ten.
const MAX_OUTPUTS: usize = 64;

/// A kind of X server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerKind {
    /// It has the whole desktop: Xorg, or a virtual or nested server.
    X11,
    /// It has the X11 programs of a Wayland desktop.
    Xwayland,
}

impl ServerKind {
    /// As `watchcap targets` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X11 => "x11",
            Self::Xwayland => "xwayland",
        }
    }
}

fn kind(conn: &RustConnection, root: Window) -> Result<ServerKind, CaptureError> {
    let says_so = conn.extension_information(EXTENSION).map_err(|error| failure::connection(&error))?.is_some();
    let is_xwayland = says_so
        || output_names(conn, root)?.iter().any(|name| is_output_of_xwayland(name))
        || device_names(conn)?.iter().any(|name| name.starts_with(DEVICES));
    Ok(if is_xwayland { ServerKind::Xwayland } else { ServerKind::X11 })
}

fn is_output_of_xwayland(name: &str) -> bool {
    name.starts_with(OUTPUTS)
}

fn output_names(conn: &RustConnection, root: Window) -> Result<Vec<String>, CaptureError> {
    let lost = |error| failure::connection(&error);
    if conn.extension_information(randr::X11_EXTENSION_NAME).map_err(lost)?.is_none() {
        return Ok(Vec::new());
    }
    // Servers answer with outputs only to clients that know RandR 1.2.
    there(randr::query_version(conn, 1, 5).map_err(lost)?.reply())?;
    let resources = there(randr::get_screen_resources_current(conn, root).map_err(lost)?.reply())?;
    let mut names = Vec::new();
    for output in resources.into_iter().flat_map(|resources| resources.outputs).take(MAX_OUTPUTS) {
        let info = randr::get_output_info(conn, output, x11rb::CURRENT_TIME).map_err(lost)?;
        if let Some(info) = there(info.reply())? {
            names.push(String::from_utf8_lossy(&info.name).into_owned());
        }
    }
    Ok(names)
}

fn device_names(conn: &RustConnection) -> Result<Vec<String>, CaptureError> {
    let lost = |error| failure::connection(&error);
    if conn.extension_information(xinput::X11_EXTENSION_NAME).map_err(lost)?.is_none() {
        return Ok(Vec::new());
    }
    there(xinput::xi_query_version(conn, 2, 0).map_err(lost)?.reply())?;
    let devices = there(xinput::xi_query_device(conn, xinput::Device::ALL).map_err(lost)?.reply())?;
    let names = devices.into_iter().flat_map(|devices| devices.infos);
    Ok(names.map(|info| String::from_utf8_lossy(&info.name).into_owned()).collect())
}

/// Refuses a server that has not the whole desktop. Asks on a connection of its own, so that the versions of extensions that a
/// source agrees on with the server are its own; it is to be kept until the source has connected, since a server without
/// clients may begin anew.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none, [`CaptureError::Wayland`] when it is Xwayland.
pub fn refuse_xwayland(display: Option<&str>) -> Result<RustConnection, CaptureError> {
    let (conn, screen) = super::connect::connect(display)?;
    match kind(&conn, conn.setup().roots[screen].root)? {
        ServerKind::X11 => Ok(conn),
        ServerKind::Xwayland => Err(CaptureError::Wayland {
            detail: "this X server is Xwayland, which shows only X11 programs and has inputs only while one of them has the focus"
                .into(),
            hint: wayland::OTHER_SERVER,
        }),
    }
}

/// Tells what kind of server the display in `DISPLAY` is.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none.
pub fn of_display(display: Option<&str>) -> Result<ServerKind, CaptureError> {
    let (conn, screen) = super::connect::connect(display)?;
    kind(&conn, conn.setup().roots[screen].root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_xwayland_are_told_from_others() {
        for name in ["XWAYLAND0", "XWAYLAND12"] {
            assert!(is_output_of_xwayland(name), "{name}");
        }
        for name in ["DP-1", "screen", "default", "VNC-0", "eDP-1"] {
            assert!(!is_output_of_xwayland(name), "{name}");
        }
    }
}
