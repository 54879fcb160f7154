//! Errors of the connection, as those of a source.

use x11rb::errors::{ConnectionError, ReplyError};

use crate::capture::CaptureError;

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn gone(error: ConnectionError) -> CaptureError {
    CaptureError::Gone { what: "display", detail: error.to_string() }
}

pub(super) fn refused(error: ReplyError) -> CaptureError {
    match error {
        ReplyError::ConnectionError(error) => gone(error),
        ReplyError::X11Error(error) => {
            CaptureError::System { what: "an X11 request for input", detail: format!("{:?}", error.error_kind) }
        }
    }
}
