//! The desktop portal's interface for screen casts, and what it has.

use std::time::Duration;

use zbus::blocking::{Connection, Proxy, connection, proxy};

use super::cursor;
use crate::capture::{CaptureError, wayland};

/// The name of the backend, as it is chosen by.
pub(super) const BACKEND: &str = "wayland-portal";
/// The service, and where it is.
pub(super) const SERVICE: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const INTERFACE: &str = "org.freedesktop.portal.ScreenCast";
/// How long the portal may take for an answer: it may be started for it. Dialogs are not waited for in this.
const PATIENCE: Duration = Duration::from_secs(25);
/// What `AvailableSourceTypes` has for monitors.
pub(super) const MONITOR: u32 = 1;

/// A connection to the portal.
pub(super) struct Portal {
    pub(super) bus: Connection,
    pub(super) casts: Proxy<'static>,
    pub(super) version: u32,
    /// Ways to the pointer ([`cursor`]).
    pub(super) cursors: u32,
}

impl Portal {
    /// Connects to the portal of this session; nobody is asked anything.
    ///
    /// # Errors
    /// [`CaptureError::NoPortal`] when there is none, [`CaptureError::Portal`] when it has no monitors.
    pub(super) fn open() -> Result<Self, CaptureError> {
        let none = |detail: String| CaptureError::NoPortal { detail };
        if wayland::session().is_none() {
            return Err(none(
                "neither WAYLAND_DISPLAY nor XDG_SESSION_TYPE says that this is a Wayland session".into(),
            ));
        }
        let bus = connection::Builder::session()
            .and_then(|builder| builder.method_timeout(PATIENCE).build())
            .map_err(|error| none(format!("no session bus: {error}")))?;
        let casts = casts(&bus).map_err(|error| none(error.to_string()))?;
        let version = casts.get_property::<u32>("version").map_err(|error| none(format!("{INTERFACE}: {error}")))?;
        let kinds = casts.get_property::<u32>("AvailableSourceTypes").unwrap_or(MONITOR);
        if kinds & MONITOR == 0 {
            return Err(CaptureError::Portal {
                detail: "it has no monitors to choose from".into(),
                hint: "see why: journalctl -b -t xdg-desktop-portal",
            });
        }
        let cursors = casts.get_property::<u32>("AvailableCursorModes").unwrap_or(0);
        Ok(Self { bus, casts, version, cursors })
    }

    /// Says what there is.
    pub(super) fn told(&self) -> String {
        let Self { version, cursors, .. } = self;
        format!("portal version {version}, pointer {}", cursor::names(*cursors))
    }
}

fn casts(bus: &Connection) -> zbus::Result<Proxy<'static>> {
    proxy::Builder::new(bus)
        .destination(SERVICE)?
        .path(PATH)?
        .interface(INTERFACE)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
}
