//! The recorder's end of the way to it: one thread that answers all connections.
//!
//! Invariants: a peer that is another user gets a refusal or no connection, and is not read from; a request that is slow, too long or no request
//! costs nobody else anything ([`Listener`]), and the recording neither, since what is asked for is only tried ([`Recording`]). The file by
//! which it is found is gone when the recording has ended.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::ControlError;
use super::orders::Recording;
use super::protocol::{Refusal, Request, Snapshot};
use super::transport::Listener;
use crate::base::time::Clock;
use crate::recorder::{Control, Stop};

/// How often the thread looks whether the recording has ended.
const LOOK: Duration = Duration::from_millis(200);

/// A way to a recording that answers as long as this lives.
pub struct Server {
    path: PathBuf,
    session: Arc<Mutex<String>>,
    ended: Arc<AtomicBool>,
}

/// A recording, and what is said of where it records into.
struct Answering {
    session: Arc<Mutex<String>>,
    recording: Recording,
}

impl Server {
    /// Listens for requests to the recording into `session`.
    ///
    /// # Errors
    /// [`ControlError`] when there is no private folder for the file by which it is found, or it cannot be made.
    pub fn start(session: &Path, control: &Control, stop: &Stop, clock: &Arc<dyn Clock>) -> Result<Self, ControlError> {
        let mut listener = Listener::open()?;
        let path = listener.path().to_path_buf();
        let session = Arc::new(Mutex::new(shown(session)));
        let recording = Recording { control: control.clone(), stop: stop.clone(), clock: Arc::clone(clock) };
        let answering = Answering { session: Arc::clone(&session), recording };
        let ended = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ended);
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                while !flag.load(Ordering::SeqCst) {
                    listener.turn(LOOK, &|request| answering.answer(request));
                }
            })
            .map_err(|source| ControlError::Io { action: "start the thread of", path: path.clone(), source })?;
        Ok(Self { path, session, ended })
    }

    /// Another part of the recording is recorded into now.
    pub fn set_session(&self, session: &Path) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = shown(session);
    }

    /// Listens no more. As dropping it does.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Err(error) = crate::base::files::remove_file(&self.path) {
            tracing::debug!(%error, "the file by which the recording is found could not be removed");
        }
    }
}

fn shown(session: &Path) -> String {
    let text = session.canonicalize().unwrap_or_else(|_| session.to_path_buf()).display().to_string();
    // Windows writes such paths with a prefix that people do not.
    let plain = text.strip_prefix(r"\\?\").filter(|rest| !rest.starts_with("UNC"));
    plain.map(str::to_owned).unwrap_or(text)
}

impl Answering {
    fn answer(&self, request: Request) -> Result<Snapshot, Refusal> {
        let t = self.recording.obey(request)?;
        let control = &self.recording.control;
        let status = control.status();
        Ok(Snapshot {
            pid: std::process::id(),
            session: self.session.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            paused: status.paused,
            elapsed_ms: status.elapsed.as_millis() as u64,
            frames: status.frames,
            dropped_frames: status.dropped,
            events: status.events,
            video_bytes: status.video_bytes,
            withdrawn: control.withdrawn_streams().iter().map(|stream| stream.name().to_owned()).collect(),
            t_ns: t.map(|t| t.0),
        })
    }
}
