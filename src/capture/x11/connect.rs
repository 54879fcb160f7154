//! Connects to an X server, and says why it cannot be recorded from.

use std::io::ErrorKind;
use std::time::Duration;

use x11rb::errors::{ConnectError, ReplyError};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::base::time::{Clock as _, SystemClock};
use crate::capture::{CaptureError, wayland};

/// How often, and how long apart, a server is tried again that breaks the connection off at once: one that begins anew because its
/// last client left (Xvfb without `-noreset`) does that, for some milliseconds.
const RESET_TRIES: u32 = 10;
const RESET_WAIT: Duration = Duration::from_millis(50);

/// All that a server with the SECURITY extension lets an untrusted connection use.
const UNTRUSTED: [&[u8]; 3] = [b"BIG-REQUESTS", b"XC-MISC", b"XpExtension"];

/// Connects to the display named, or to the one in `DISPLAY`.
///
/// # Errors
/// [`CaptureError::NoDisplay`] when there is none, [`CaptureError::Untrusted`] when the server does not trust this connection.
pub fn connect(display: Option<&str>) -> Result<(RustConnection, usize), CaptureError> {
    let named = display.map(str::to_owned).or_else(|| std::env::var("DISPLAY").ok()).filter(|name| !name.is_empty());
    if named.is_none() {
        if let Some(said) = wayland::session() {
            let detail = format!("{said}, and the DISPLAY variable is not set");
            return Err(CaptureError::Wayland { detail, hint: wayland::OTHER_SERVER });
        }
        return Err(CaptureError::NoDisplay { detail: "the DISPLAY variable is not set".into() });
    }
    let mut connected = x11rb::connect(display);
    for _ in 0..RESET_TRIES {
        let Err(ConnectError::IoError(error)) = &connected else { break };
        if !matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) {
            break;
        }
        SystemClock.sleep_until(SystemClock.now().plus(RESET_WAIT));
        connected = x11rb::connect(display);
    }
    let (conn, screen) = connected.map_err(|error| CaptureError::NoDisplay {
        detail: match &named {
            Some(name) => format!("{name}: {error}"),
            None => "the DISPLAY variable is not set".into(),
        },
    })?;
    let gone = |error: ReplyError| CaptureError::Gone { what: "display", detail: error.to_string() };
    let extensions = conn.list_extensions().map_err(|error| gone(error.into()))?.reply().map_err(gone)?.names;
    if extensions.iter().all(|extension| UNTRUSTED.contains(&extension.name.as_slice())) {
        return Err(CaptureError::Untrusted { display: named.unwrap_or_default() });
    }
    Ok((conn, screen))
}
