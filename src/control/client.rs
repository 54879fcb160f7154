//! The other end of the way to a recording: finds those that run, and asks one of them.
//!
//! Asks only in folders that are this user's alone, and waits a bounded time for an answer of bounded length.

use std::io::ErrorKind;
use std::path::Path;

use super::error::{ControlError, Running};
use super::protocol::{Request, Snapshot, read_reply, write_request};
use super::transport;
pub(super) use super::transport::folders;

/// Asks the recording behind a socket, or the pipe that a file names.
///
/// # Errors
/// [`ControlError`] when it cannot be reached, gives no answer, or says no.
pub fn ask(endpoint: &Path, request: &Request) -> Result<Snapshot, ControlError> {
    let line = transport::exchange(endpoint, write_request(request).as_bytes())?;
    match read_reply(&line) {
        Ok(Ok(snapshot)) => Ok(snapshot),
        Ok(Err((code, message))) => Err(ControlError::Refused { code, message }),
        Err(detail) => Err(ControlError::Garbled { detail }),
    }
}

/// Every recording of this user that answers. What a killed recorder left behind is removed.
///
/// # Errors
/// [`ControlError`] when the folder that was named is not this user's alone, or a recording gives no answer.
pub fn running() -> Result<Vec<Running>, ControlError> {
    let mut all = Vec::new();
    for socket in transport::endpoints()? {
        match ask(&socket, &Request::Status) {
            Ok(snapshot) => all.push(Running { socket, snapshot }),
            Err(ControlError::Io { source, .. }) if source.kind() == ErrorKind::ConnectionRefused => {
                if let Err(error) = crate::base::files::remove_file(&socket) {
                    tracing::debug!(%error, "what a recorder left behind could not be removed");
                }
            }
            // It has ended meanwhile.
            Err(ControlError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
