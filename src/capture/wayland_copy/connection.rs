//! A connection to the compositor that is waited on for a bounded time.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wayland_client::backend::WaylandError;
use wayland_client::globals::registry_queue_init;
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::{ConnectError, Connection, DispatchError, EventQueue, QueueHandle};

use super::managers::Managers;
use super::output;
use super::state::State;
use crate::base::time::{Clock, MonoNs};
use crate::capture::CaptureError;

/// The name of the backend, as it is chosen by.
pub(super) const BACKEND: &str = "wayland-copy";

/// A connection, and what was told through it.
pub(super) struct Desk {
    conn: Connection,
    queue: EventQueue<State>,
    pub(super) state: State,
    pub(super) managers: Managers,
    pub(super) shm: WlShm,
}

impl Desk {
    /// Connects to the compositor that the environment names, and hears of its monitors, and of its windows where asked.
    ///
    /// # Errors
    /// [`CaptureError::NoCompositor`] when there is none, [`CaptureError::Unavailable`] when it has no copy protocol.
    pub(super) fn open(with_windows: bool) -> Result<Self, CaptureError> {
        let conn = connect()?;
        let (globals, queue) = registry_queue_init::<State>(&conn).map_err(|error| no_compositor(error.to_string()))?;
        let handle = queue.handle();
        let lacks = |detail: String| CaptureError::Unavailable { backend: BACKEND, what: "screen".into(), detail };
        let managers = Managers::bind(&globals, &handle, with_windows);
        if !managers.copies_monitors() {
            let neither = "neither ext-image-copy-capture nor wlr-screencopy, version 3";
            return Err(lacks(format!("{} lets nobody copy its screen ({neither})", compositor())));
        }
        let shm =
            globals.bind(&handle, 1..=1, ()).map_err(|_absent| lacks("the compositor shares no memory".into()))?;
        let mut desk = Self { conn, queue, state: State::default(), managers, shm };
        desk.state.places_of = output::follow_all(&mut desk.state.outputs, &globals, &handle);
        // Once for what was bound, once for what that told.
        for _ in 0..2 {
            desk.queue.roundtrip(&mut desk.state).map_err(|error| gone(&error))?;
        }
        Ok(desk)
    }

    pub(super) fn handle(&self) -> QueueHandle<State> {
        self.queue.handle()
    }

    /// Sends what was asked for.
    pub(super) fn flush(&self) -> Result<(), CaptureError> {
        self.queue.flush().map_err(|error| gone(&error.into()))
    }

    /// Asks the compositor a question, whose answer says that everything that was asked before has been taken in ([`State::answered`]).
    pub(super) fn question(&self, number: u64) -> Result<(), CaptureError> {
        self.conn.display().sync(&self.handle(), number);
        self.flush()
    }

    /// Takes in what the compositor has told by now.
    pub(super) fn read(&mut self) -> Result<(), CaptureError> {
        self.read_within(Duration::ZERO).map(drop)
    }

    /// Waits until this is so, or it is late.
    pub(super) fn wait(
        &mut self,
        clock: &dyn Clock,
        until: MonoNs,
        is_so: impl Fn(&State) -> bool,
    ) -> Result<bool, CaptureError> {
        loop {
            if is_so(&self.state) {
                return Ok(true);
            }
            let left = until.since(clock.now());
            if left.is_zero() {
                return Ok(false);
            }
            self.read_within(left)?;
        }
    }

    /// Takes in what the compositor tells within this time; returns once it has told something.
    pub(super) fn read_within(&mut self, limit: Duration) -> Result<(), CaptureError> {
        read_within(&mut self.queue, &mut self.state, limit)
    }
}

/// Sends what was asked for, and takes in what the compositor tells within this time.
pub(super) fn read_within<S>(queue: &mut EventQueue<S>, state: &mut S, limit: Duration) -> Result<(), CaptureError> {
    let pending = queue.dispatch_pending(state).map_err(|error| gone(&error))?;
    queue.flush().map_err(|error| gone(&error.into()))?;
    if pending > 0 && !limit.is_zero() {
        return Ok(());
    }
    if let Some(guard) = queue.prepare_read() {
        let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let readable = {
            let fd = guard.connection_fd();
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            match poll(&mut fds, Some(&limit)) {
                Ok(count) => count > 0,
                Err(rustix::io::Errno::INTR) => false,
                Err(error) => return Err(CaptureError::System { what: "poll", detail: error.to_string() }),
            }
        };
        if readable {
            match guard.read() {
                Ok(_) => {}
                Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(gone(&error.into())),
            }
        }
    }
    queue.dispatch_pending(state).map(drop).map_err(|error| gone(&error))
}

pub(super) fn gone(error: &DispatchError) -> CaptureError {
    CaptureError::Gone { what: "display", detail: format!("Wayland: {error}") }
}

pub(super) fn no_compositor(detail: String) -> CaptureError {
    CaptureError::NoCompositor { detail }
}

/// Connects to the compositor that the environment names.
///
/// # Errors
/// [`CaptureError::NoCompositor`] when there is none.
pub(super) fn connect() -> Result<Connection, CaptureError> {
    Connection::connect_to_env().map_err(|error| {
        no_compositor(match error {
            ConnectError::NoCompositor => "the WAYLAND_DISPLAY variable is not set, or names none".into(),
            other => other.to_string(),
        })
    })
}

/// Returns how the desktop calls itself.
pub(super) fn compositor() -> String {
    let named = std::env::var("XDG_CURRENT_DESKTOP").ok().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| "the compositor".into())
}
