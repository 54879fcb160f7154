//! The native X11 backend: MIT-SHM pictures, XDamage, XFixes cursor, XComposite windows, XInput2 raw input, focus.
//!
//! Everything that names an X11 type is in this folder. Each source opens a connection of its own, in its own thread.

mod cursor;
mod failure;
pub mod focus;
mod guard;
pub mod input;
pub mod screen;
mod shm;
pub mod targets;
mod window;

use x11rb::rust_connection::RustConnection;

use super::CaptureError;

/// Connects to the display named, or to the one in `DISPLAY`.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none.
pub fn connect(display: Option<&str>) -> Result<(RustConnection, usize), CaptureError> {
    let named = display.map(str::to_owned).or_else(|| std::env::var("DISPLAY").ok()).filter(|name| !name.is_empty());
    if named.is_none() {
        return Err(CaptureError::NoDisplay { detail: "the DISPLAY variable is not set".into() });
    }
    x11rb::connect(display).map_err(|error| CaptureError::NoDisplay {
        detail: match named {
            Some(name) => format!("{name}: {error}"),
            None => "the DISPLAY variable is not set".into(),
        },
    })
}
