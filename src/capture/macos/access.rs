//! Whether there is a desktop, and in whose name this program asks for rights to it.

use super::ffi::desk::{self, Session};
use super::rights::{self, Right};
use crate::capture::CaptureError;

/// The application in whose name this program acts.
pub(super) fn application() -> String {
    rights::application(|name| std::env::var(name).ok())
}

/// Looks whether there is a desktop.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none.
pub(super) fn has_desktop() -> Result<(), CaptureError> {
    match desk::session() {
        Session::None => Err(CaptureError::NoDisplay { detail: "this process belongs to no desktop session".into() }),
        Session::Own | Session::Away => desk::desktop().display(None).map(drop),
    }
}

/// Looks whether the screen may be recorded, without asking anybody.
///
/// # Errors
/// [`CaptureError::NotAllowed`] when it may not.
pub(crate) fn may_record() -> Result<(), CaptureError> {
    if desk::may_record() { Ok(()) } else { Err(rights::missing(Right::Record, &application())) }
}

/// Looks whether inputs may be listened to, without asking anybody.
///
/// # Errors
/// [`CaptureError::NotAllowed`] when they may not.
pub(crate) fn may_listen() -> Result<(), CaptureError> {
    if desk::may_listen() { Ok(()) } else { Err(rights::missing(Right::Listen, &application())) }
}
