//! Reads the server's clock beside ours when the input is opened.

use x11rb::connection::Connection;
use x11rb::errors::{ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::refused::{gone, refused};
use super::stamp::{Reading, ServerClock};
use crate::base::time::Clock;
use crate::capture::CaptureError;

/// Readings of the server's clock at the start. Each is good to the millisecond; eight that agree by chance on the
/// same offset out of 2^32 are not expected in a lifetime.
const CLOCK_READINGS: usize = 8;

/// Reads both clocks: the server stamps a change of a property that we make.
pub(super) fn calibrate(conn: &RustConnection, root: Window, clock: &dyn Clock) -> Result<ServerClock, CaptureError> {
    let readings = read_clocks(conn, root, clock).map_err(|error| match error {
        ReplyOrIdError::IdsExhausted => {
            CaptureError::System { what: "creating a window", detail: "the server has no identifiers left".into() }
        }
        ReplyOrIdError::ConnectionError(error) => gone(error),
        ReplyOrIdError::X11Error(error) => refused(ReplyError::X11Error(error)),
    })?;
    let coarse = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
    Ok(ServerClock::new(&readings, coarse.tv_sec * 1_000_000_000 + coarse.tv_nsec))
}

fn read_clocks(conn: &RustConnection, root: Window, clock: &dyn Clock) -> Result<Vec<Reading>, ReplyOrIdError> {
    let window = conn.generate_id()?;
    let aux = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
    let (depth, visual) = (0, x11rb::COPY_FROM_PARENT);
    conn.create_window(depth, window, root, -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, visual, &aux)?.check()?;
    let name = conn.intern_atom(false, b"WATCHCAP_CLOCK")?.reply()?.atom;
    let mut readings = Vec::with_capacity(CLOCK_READINGS);
    while readings.len() < CLOCK_READINGS {
        let before = clock.now();
        conn.change_property(PropMode::REPLACE, window, name, AtomEnum::CARDINAL, 32, 0, &[])?;
        conn.flush()?;
        let server_ms = loop {
            if let Event::PropertyNotify(event) = conn.wait_for_event()? {
                break event.time;
            }
        };
        readings.push(Reading { before, server_ms, after: clock.now() });
    }
    conn.destroy_window(window)?.check()?;
    Ok(readings)
}
