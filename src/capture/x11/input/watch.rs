//! Notices that a display went away.

use x11rb::connection::Connection;
use x11rb::rust_connection::RustConnection;

use super::refused::gone;
use crate::capture::CaptureError;
use crate::capture::x11::connect::connect;

/// Whether a display is still there, at the price of one `poll`. For backends whose library ends the whole process when
/// the server goes away, as libX11 does.
pub struct ServerWatch {
    conn: RustConnection,
}

impl ServerWatch {
    /// Connects, and stays silent from then on.
    ///
    /// # Errors
    /// [`CaptureError::NoDisplay`] when there is none.
    pub fn open(display: Option<&str>) -> Result<Self, CaptureError> {
        connect(display).map(|(conn, _)| Self { conn })
    }

    /// # Errors
    /// [`CaptureError::Gone`] once the server has closed the connection.
    pub fn check(&self) -> Result<(), CaptureError> {
        // Also reads what the server may send unasked (MappingNotify), so that it does not pile up.
        while self.conn.poll_for_event().map_err(gone)?.is_some() {}
        Ok(())
    }
}
