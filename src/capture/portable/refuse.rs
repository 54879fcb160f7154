//! Refuses the X server of a Wayland desktop, for the portable backends.

use crate::capture::CaptureError;

/// Refuses the X server of a Wayland desktop, for backends that go through X on Linux. Answers with a connection that is to be kept
/// until the backend has its own.
///
/// # Errors
/// [`CaptureError::Wayland`], and [`CaptureError::NoDisplay`] when there is no display.
#[cfg(all(target_os = "linux", feature = "x11"))]
pub(super) fn refuse_wayland() -> Result<x11rb::rust_connection::RustConnection, CaptureError> {
    crate::capture::x11::kind::refuse_xwayland(None)
}

/// Without a connection of our own only the environment tells.
///
/// # Errors
/// [`CaptureError::Wayland`].
#[cfg(all(target_os = "linux", not(feature = "x11")))]
pub(super) fn refuse_wayland() -> Result<Option<()>, CaptureError> {
    match crate::capture::wayland::session() {
        Some(detail) => Err(CaptureError::Wayland { detail, hint: crate::capture::wayland::OTHER_SERVER }),
        None => Ok(None),
    }
}

/// Elsewhere no desktop goes through X.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same call on every system")]
pub(super) fn refuse_wayland() -> Result<Option<()>, CaptureError> {
    Ok(None)
}
