//! How requests reach a recording on Unix: a socket in a folder that only its owner can enter.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place;
pub(in crate::control) use super::place::{folders, sockets as endpoints};
use super::waiting::Waiting;
use crate::control::error::ControlError;
use crate::control::protocol::{MAX_LINE, Refusal, Request, Snapshot};

/// How long an answer may take: the recorder gives each connection half a second, and others may be before ours.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the recording behind a socket; what it answers.
///
/// # Errors
/// [`ControlError::Io`]: `NotFound` when the socket is gone, `ConnectionRefused` when its recorder is.
pub(in crate::control) fn exchange(socket: &Path, line: &[u8]) -> Result<Vec<u8>, ControlError> {
    let io = |action| move |source| ControlError::Io { action, path: socket.to_path_buf(), source };
    let mut stream = UnixStream::connect(socket).map_err(io("connect to"))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io("set up"))?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(io("set up"))?;
    // Who refuses us does so without listening: its answer counts, and not that it has hung up.
    let written = stream.write_all(line);
    let mut said = Vec::new();
    let read = stream.take(MAX_LINE as u64).read_to_end(&mut said);
    if said.is_empty() {
        written.map_err(io("write to"))?;
        read.map_err(io("read from"))?;
    }
    Ok(said)
}

/// The socket of a recording.
pub(in crate::control) struct Listener {
    path: PathBuf,
    socket: UnixListener,
    waiting: Waiting,
}

impl Listener {
    /// Makes the socket.
    ///
    /// # Errors
    /// [`ControlError`] when there is no private folder for the socket, or it cannot be made.
    pub(in crate::control) fn open() -> Result<Self, ControlError> {
        let folder = place::make_folder()?;
        let path = place::socket(&folder, std::process::id());
        let io = |action| {
            let path = path.clone();
            move |source| ControlError::Io { action, path, source }
        };
        // What has our number and is there already was left by a process that is gone.
        crate::base::files::remove_file(&path).map_err(io("remove the old"))?;
        // With the rights that the process gives to all it makes: its owner's alone (`files::private_umask`).
        let socket = UnixListener::bind(&path).map_err(io("make the socket"))?;
        crate::base::files::restrict_socket(&path).map_err(io("restrict"))?;
        socket.set_nonblocking(true).map_err(io("set up"))?;
        Ok(Self { path, socket, waiting: Waiting::default() })
    }

    /// Where it is.
    pub(in crate::control) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for something to happen, `longest` at the most, and answers those that have said their request.
    pub(in crate::control) fn turn(&mut self, longest: Duration, obey: &dyn Fn(Request) -> Result<Snapshot, Refusal>) {
        self.waiting.turn(&self.socket, longest, obey);
    }
}
