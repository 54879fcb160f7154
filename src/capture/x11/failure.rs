//! How errors of the X connection become errors of capture.
//!
//! The rule: an error of the connection means that the display is gone; an error that the server sent names the request
//! and its kind, never what was in a window or a property.

use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::ErrorKind;
use x11rb::x11_utils::X11Error;

use crate::capture::{CaptureError, XCAP};

/// The name under which this backend appears in errors.
pub(super) const BACKEND: &str = "x11-shm";

/// Turns an x11rb error of the operation `what` into a capture error, for `map_err`.
pub(super) fn failed<E: Into<ReplyOrIdError>>(what: &'static str) -> impl Fn(E) -> CaptureError {
    move |error| match error.into() {
        ReplyOrIdError::ConnectionError(error) => connection(&error),
        ReplyOrIdError::X11Error(error) => CaptureError::System { what, detail: describe(&error) },
        ReplyOrIdError::IdsExhausted => CaptureError::System { what, detail: "no identifiers left".into() },
    }
}

/// An error of the connection: the display is gone, except where the server never had what was asked for.
pub(super) fn connection(error: &ConnectionError) -> CaptureError {
    match error {
        ConnectionError::UnsupportedExtension => unavailable("the server lacks an extension"),
        ConnectionError::FdPassingFailed => unavailable("the connection cannot pass memory to the server"),
        other => CaptureError::Gone { what: "display", detail: other.to_string() },
    }
}

/// This backend cannot record this display; another one can.
pub(super) fn unavailable(why: &str) -> CaptureError {
    CaptureError::Unavailable {
        backend: BACKEND,
        what: "screen".into(),
        detail: format!("{why}; {XCAP} is the fallback"),
    }
}

/// Kind and request of an error that the server sent.
pub(super) fn describe(error: &X11Error) -> String {
    format!("{:?} from {}", error.error_kind, error.request_name.unwrap_or("an unknown request"))
}

/// Whether the server said that the thing asked about does not exist (any more).
pub(super) fn is_missing(error: &X11Error) -> bool {
    matches!(error.error_kind, ErrorKind::Window | ErrorKind::Drawable | ErrorKind::Pixmap)
}

/// An answer about a window; `None` when the server refused it, since the window is gone.
pub(super) fn answered<T>(answer: Result<T, ReplyError>) -> Result<Option<T>, ConnectionError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(error),
    }
}

/// The same, with an error of capture.
pub(super) fn there<T>(answer: Result<T, ReplyError>) -> Result<Option<T>, CaptureError> {
    answered(answer).map_err(|error| connection(&error))
}

/// What was done with a window; `None` when that is gone. Only a broken connection is an error.
pub(super) fn alive<T>(done: Result<T, CaptureError>) -> Result<Option<T>, CaptureError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error @ CaptureError::Gone { what: "display", .. }) => Err(error),
        Err(_) => Ok(None),
    }
}
