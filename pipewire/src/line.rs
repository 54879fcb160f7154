//! The socket to watchcap, and what came with it.

use std::fs::File;
use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::wire::{MAGIC, REQUEST, Request, VERSION};

/// How long watchcap may take to read an answer, and to say which connection is used.
const PATIENCE: Duration = Duration::from_secs(20);

/// The socket.
pub(crate) struct Line {
    socket: UnixStream,
    /// What was read of the next request.
    begun: Vec<u8>,
}

/// What a look at the socket brings.
pub(crate) enum Heard {
    Nothing,
    Asked(Request),
    /// Watchcap has closed it, or is gone.
    HungUp,
}

impl Line {
    /// Takes over what the process was started with, and greets: the memory, the socket, and the connection to PipeWire.
    pub(crate) fn inherited() -> Result<(File, Self, OwnedFd), String> {
        let failed = |error: io::Error| error.to_string();
        let memory = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(failed)?);
        let mut socket = UnixStream::from(io::stdout().as_fd().try_clone_to_owned().map_err(failed)?);
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let mut greeting = MAGIC.to_vec();
        greeting.extend(VERSION.to_le_bytes());
        socket.write_all(&greeting).map_err(failed)?;
        let remote = descriptor(&socket)?;
        socket.set_nonblocking(true).map_err(failed)?;
        Ok((memory, Self { socket, begun: Vec::new() }, remote))
    }

    /// Another handle of the socket, to wait for.
    pub(crate) fn handle(&self) -> Result<UnixStream, String> {
        self.socket.try_clone().map_err(|error| error.to_string())
    }

    /// Looks for a request, and does not wait for it.
    pub(crate) fn hear(&mut self) -> Heard {
        let mut bytes = [0; REQUEST];
        while self.begun.len() < REQUEST {
            let room = REQUEST - self.begun.len();
            match self.socket.read(&mut bytes[..room]) {
                Ok(0) => return Heard::HungUp,
                Ok(read) => self.begun.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Heard::HungUp,
            }
        }
        bytes.copy_from_slice(&self.begun);
        self.begun.clear();
        Heard::Asked(Request::of(bytes))
    }

    /// Sends an answer.
    pub(crate) fn answer(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = self
            .socket
            .set_nonblocking(false)
            .and_then(|()| self.socket.write_all(bytes))
            .and_then(|()| self.socket.set_nonblocking(true));
        sent.map_err(|error| format!("watchcap does not listen: {error}"))
    }
}

/// Receives the one descriptor that comes first.
fn descriptor(socket: &UnixStream) -> Result<OwnedFd, String> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut with, RecvFlags::CMSG_CLOEXEC);
    received.map_err(|error| format!("no connection to PipeWire was handed over: {error}"))?;
    let mut fds = with.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    fds.next().and_then(|mut fds| fds.next()).ok_or_else(|| "no connection to PipeWire was handed over".to_owned())
}
