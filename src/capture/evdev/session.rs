//! Whether the person's session is in front and not locked, as logind tells.
//!
//! Asked often, in a thread of its own, so that a bus that hangs holds nobody up; what cannot be known is a session that is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zbus::blocking::{Connection, Proxy};

use super::folder::NAME;
use super::gate::Session;
use crate::base::time::{Clock, SystemClock};
use crate::capture::CaptureError;

/// How often it is asked: a lock is noticed within this and an answer of the bus.
const EVERY: Duration = Duration::from_millis(50);

const SERVICE: &str = "org.freedesktop.login1";
const SESSION: &str = "/org/freedesktop/login1/session/auto";
const INTERFACE: &str = "org.freedesktop.login1.Session";

/// Follows the session until it is dropped.
pub(super) struct SessionWatch {
    open: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl SessionWatch {
    /// Begins to follow the session of this process.
    ///
    /// # Errors
    /// [`CaptureError::Unavailable`] when logind does not tell.
    pub(super) fn open() -> Result<Self, CaptureError> {
        let lacks = |error: &zbus::Error| CaptureError::Unavailable {
            backend: NAME,
            what: "lock".into(),
            detail: format!(
                "logind does not say whether the session is locked, and these devices hear what is typed at a lock screen: {error}"
            ),
        };
        let proxy = proxy().map_err(|error| lacks(&error))?;
        let first = ask(&proxy).map_err(|error| lacks(&error))?;
        let (open, stop) = (Arc::new(AtomicBool::new(first)), Arc::new(AtomicBool::new(false)));
        let (told, asked) = (Arc::clone(&open), Arc::clone(&stop));
        let follow = move || {
            while !asked.load(Ordering::SeqCst) {
                told.store(ask(&proxy).unwrap_or(false), Ordering::SeqCst);
                SystemClock.sleep_until(SystemClock.now().plus(EVERY));
            }
        };
        std::thread::Builder::new()
            .name("logind".into())
            .spawn(follow)
            .map_err(|error| CaptureError::System { what: "starting a thread", detail: error.to_string() })?;
        Ok(Self { open, stop })
    }

    /// Returns what is known now.
    pub(super) fn session(&self) -> Session {
        if self.open.load(Ordering::SeqCst) { Session::Open } else { Session::Closed }
    }
}

impl Drop for SessionWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn proxy() -> zbus::Result<Proxy<'static>> {
    let bus = Connection::system()?;
    // Not from what was told before: a lock must not be learnt late.
    zbus::blocking::proxy::Builder::new(&bus)
        .destination(SERVICE)?
        .path(SESSION)?
        .interface(INTERFACE)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
}

/// Whether the session is in front and not locked.
fn ask(proxy: &Proxy<'_>) -> zbus::Result<bool> {
    Ok(proxy.get_property::<bool>("Active")? && !proxy.get_property::<bool>("LockedHint")?)
}
