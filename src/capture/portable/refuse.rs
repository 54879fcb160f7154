//! Refuses what the portable backends would get wrong without a word: the X server of a Wayland desktop, and rights that macOS has not given.

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

/// Without the right to record, macOS shows a program the desktop without its windows.
///
/// # Errors
/// [`CaptureError::NotAllowed`].
#[cfg(feature = "capture-xcap")]
#[cfg_attr(
    not(all(target_os = "macos", feature = "macos-native")),
    expect(clippy::unnecessary_wraps, reason = "the same call on every system")
)]
pub(super) fn refuse_blind() -> Result<(), CaptureError> {
    #[cfg(all(target_os = "macos", feature = "macos-native"))]
    crate::capture::macos::access::may_record()?;
    Ok(())
}

/// Without the right to listen, macOS tells a program of no keys.
///
/// # Errors
/// [`CaptureError::NotAllowed`].
#[cfg(feature = "capture-poll")]
#[cfg_attr(
    not(all(target_os = "macos", feature = "macos-native")),
    expect(clippy::unnecessary_wraps, reason = "the same call on every system")
)]
pub(super) fn refuse_deaf() -> Result<(), CaptureError> {
    #[cfg(all(target_os = "macos", feature = "macos-native"))]
    crate::capture::macos::access::may_listen()?;
    Ok(())
}
