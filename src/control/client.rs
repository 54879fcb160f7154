//! The other end of the socket: finds recordings that run, and asks one of them.
//!
//! Asks only sockets in folders that are this user's alone, and waits a bounded time for an answer of bounded length.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::error::{ControlError, Running};
use super::place;
pub(super) use super::place::folders;
use super::protocol::{MAX_LINE, Request, Snapshot, read_reply, write_request};

/// How long an answer may take: the recorder gives each connection half a second, and others may be before ours.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the recording behind a socket.
///
/// # Errors
/// [`ControlError`] when it cannot be reached, gives no answer, or says no.
pub fn ask(socket: &Path, request: &Request) -> Result<Snapshot, ControlError> {
    let io = |action| move |source| ControlError::Io { action, path: socket.to_path_buf(), source };
    let mut stream = UnixStream::connect(socket).map_err(io("connect to"))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io("set up"))?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(io("set up"))?;
    // Who refuses us does so without listening: its answer counts, and not that it has hung up.
    let written = stream.write_all(write_request(request).as_bytes());
    let mut line = Vec::new();
    let read = stream.take(MAX_LINE as u64).read_to_end(&mut line);
    if line.is_empty() {
        written.map_err(io("write to"))?;
        read.map_err(io("read from"))?;
    }
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
    for socket in place::sockets()? {
        match ask(&socket, &Request::Status) {
            Ok(snapshot) => all.push(Running { socket, snapshot }),
            Err(ControlError::Io { source, .. }) if source.kind() == ErrorKind::ConnectionRefused => {
                if let Err(error) = crate::base::files::remove_file(&socket) {
                    tracing::debug!(%error, "a socket that was left behind could not be removed");
                }
            }
            // It has ended meanwhile.
            Err(ControlError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
