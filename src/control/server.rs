//! The recorder's end of the socket: one thread that answers one connection after the other.
//!
//! Invariants: a peer that is another user gets a refusal and is not read from; a request that is slow, too long or no request costs
//! this thread [`PATIENCE`] at the most, and the recording nothing, since what is asked for is only tried
//! ([`Control`], [`Stop`]). The socket's file is gone when the recording has ended.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::protocol::{MAX_LINE, Refusal, Request, Snapshot, read_request, write_reply};
use super::{ControlError, place};
use crate::recorder::{Control, OrderError, Stop, Way};
use crate::time::{Clock, MonoNs, SystemClock};

/// Time that one connection gets, from the first byte to the last of its answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the thread looks whether the recording has ended.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// A socket that answers as long as this lives.
pub struct Server {
    path: PathBuf,
    ended: Arc<AtomicBool>,
}

/// What requests act on.
struct Recording {
    session: String,
    control: Control,
    stop: Stop,
    clock: Arc<dyn Clock>,
}

impl Server {
    /// Listens for requests to the recording into `session`.
    ///
    /// # Errors
    /// [`ControlError`] when there is no private folder for the socket, or it cannot be made.
    pub fn start(session: &Path, control: &Control, stop: &Stop, clock: &Arc<dyn Clock>) -> Result<Self, ControlError> {
        let folder = place::make_folder()?;
        let path = place::socket(&folder, std::process::id());
        let io = |action| {
            let path = path.clone();
            move |source| ControlError::Io { action, path, source }
        };
        // What has our number and is there already was left by a process that is gone.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io("remove the old")(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(io("make the socket"))?;
        let private = std::fs::Permissions::from_mode(crate::files::FILE_MODE);
        std::fs::set_permissions(&path, private).map_err(io("restrict"))?;
        listener.set_nonblocking(true).map_err(io("set up"))?;
        let session = session.canonicalize().unwrap_or_else(|_| session.to_path_buf());
        let recording = Recording {
            session: session.display().to_string(),
            control: control.clone(),
            stop: stop.clone(),
            clock: Arc::clone(clock),
        };
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || listen(&listener, &recording, &flag))
            .map_err(io("start the thread of"))?;
        Ok(Self { path, ended })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket could not be removed");
        }
    }
}

fn listen(listener: &UnixListener, recording: &Recording, ended: &AtomicBool) {
    while !ended.load(Ordering::SeqCst) {
        let mut fds = [PollFd::new(listener, PollFlags::IN)];
        if poll(&mut fds, Some(&LOOK)).is_err() {
            continue;
        }
        // Nobody there, or the peer went away again: the next one.
        let Ok((stream, _)) = listener.accept() else { continue };
        if let Err(error) = serve(stream, recording) {
            tracing::debug!(%error, "a control connection failed");
        }
    }
}

fn serve(mut stream: UnixStream, recording: &Recording) -> std::io::Result<()> {
    let until = SystemClock.now().plus(PATIENCE);
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let reply = if is_ours(&stream) {
        read_line(&mut stream, until).and_then(|line| read_request(&line)).and_then(|request| recording.obey(request))
    } else {
        tracing::warn!("another user tried to control the recording and was refused");
        Err(Refusal::new("not_owner", "only the user who records can control the recording"))
    };
    stream.write_all(write_reply(&reply).as_bytes())
}

/// Whether the peer is this user, as the kernel says. Another user is refused whoever it is, root too.
fn is_ours(stream: &UnixStream) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return rustix::net::sockopt::socket_peercred(stream.as_fd()).is_ok_and(|peer| peer.uid.as_raw() == place::user());
    // Elsewhere the rights of the folder and of the socket are what keeps others out.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = stream.as_fd();
        true
    }
}

/// Reads up to the first newline, or the end.
fn read_line(stream: &mut UnixStream, until: MonoNs) -> Result<Vec<u8>, Refusal> {
    let mut line = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = until.since(SystemClock.now());
        let slow = || Refusal::new("too_slow", "the request did not arrive in time");
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Err(slow());
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(line),
            Ok(read) => line.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(slow()),
        }
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(line);
        }
        if line.len() > MAX_LINE {
            return Err(Refusal::new("too_long", "the request is too long"));
        }
    }
}

impl Recording {
    fn obey(&self, request: Request) -> Result<Snapshot, Refusal> {
        let clock = self.clock.as_ref();
        let refused = |error: OrderError| {
            let code = match error {
                OrderError::NotRunning => "not_running",
                OrderError::Busy => "busy",
                OrderError::NotRecorded(_) => "not_recorded",
            };
            Refusal::new(code, error.to_string())
        };
        let t = match request {
            Request::Status => None,
            Request::Pause => Some(self.control.pause(clock).map_err(refused)?),
            Request::Resume => self.control.resume(clock).map_err(refused)?,
            Request::Mark { text } => Some(self.control.mark(text, clock).map_err(refused)?),
            Request::Stop => {
                self.stop.ask("stopped");
                Some(clock.now())
            }
            Request::Withdraw { streams } => {
                Some(self.control.withdraw(&streams, Way::Command, clock, &self.stop).map_err(refused)?)
            }
        };
        let status = self.control.status();
        Ok(Snapshot {
            pid: std::process::id(),
            session: self.session.clone(),
            paused: status.paused,
            elapsed_ms: status.elapsed.as_millis() as u64,
            frames: status.frames,
            dropped_frames: status.dropped,
            events: status.events,
            video_bytes: status.video_bytes,
            withdrawn: self.control.withdrawn_streams().iter().map(|stream| stream.name().to_owned()).collect(),
            t_ns: t.map(|t| t.0),
        })
    }
}
