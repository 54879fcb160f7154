//! The program that a window belongs to: for windows that say nothing of themselves, or not what they are.
//!
//! The X-Resource extension tells the process of a client that is connected from the server's own machine, and `/proc` its name
//! ([`names_of`]).
//!
//! Invariant: a name is only told where the server's process numbers are this process's own. That is checked once, with this connection:
//! a server on another machine, or in another namespace of processes, would have an unrelated process named.

use x11rb::connection::{Connection, RequestConnection};
use x11rb::cookie::Cookie;
use x11rb::errors::ConnectionError;
use x11rb::protocol::res::{self, ClientIdMask, ClientIdSpec, ConnectionExt as _, QueryClientIdsReply};
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::failure::answered;
use crate::capture::process::names_of;

/// The version of X-Resource that can tell processes.
const VERSION: (u8, u8) = (1, 2);
/// Identifiers have 29 bits; the server may mark its own with the ones above.
const ID_BITS: u32 = 0x1fff_ffff;

/// Tells which program a window belongs to.
#[derive(Clone, Copy)]
pub(super) struct Programs {
    /// The bits of an identifier that its client chooses.
    own_bits: u32,
    usable: bool,
}

/// A question that is on its way to the server.
pub(super) type Asked<'c> = Option<Cookie<'c, RustConnection, QueryClientIdsReply>>;

impl Programs {
    /// Asks what the server can tell.
    pub(super) fn open(conn: &RustConnection) -> Result<Self, ConnectionError> {
        let (base, own_bits) = (conn.setup().resource_id_base, conn.setup().resource_id_mask);
        let mut programs = Self { own_bits, usable: false };
        if conn.extension_information(res::X11_EXTENSION_NAME)?.is_none() {
            return Ok(programs);
        }
        let version = conn.res_query_version(VERSION.0, VERSION.1)?;
        let Some(version) = answered(version.reply())? else { return Ok(programs) };
        if (version.server_major, version.server_minor) >= (VERSION.0.into(), VERSION.1.into()) {
            programs.usable = true;
            programs.usable = process(programs.ask(conn, base)?)? == Some(std::process::id());
        }
        Ok(programs)
    }

    /// Whether programs can be told on this display.
    pub(super) fn are_known(self) -> bool {
        self.usable
    }

    /// The client that an identifier belongs to; 0 is the server itself.
    pub(super) fn client(self, id: Window) -> u32 {
        id & ID_BITS & !self.own_bits
    }

    /// Asks which process a window belongs to.
    pub(super) fn ask(self, conn: &RustConnection, window: Window) -> Result<Asked<'_>, ConnectionError> {
        if !self.usable || self.client(window) == 0 {
            return Ok(None);
        }
        let spec = ClientIdSpec { client: window, mask: ClientIdMask::LOCAL_CLIENT_PID };
        conn.res_query_client_ids(&[spec]).map(Some)
    }
}

/// The names of the program that was asked about, none where they cannot be told.
pub(super) fn names(asked: Asked<'_>) -> Result<Vec<String>, ConnectionError> {
    Ok(process(asked)?.map_or_else(Vec::new, names_of))
}

/// The process that was asked about; `None` where the server does not tell.
fn process(asked: Asked<'_>) -> Result<Option<u32>, ConnectionError> {
    let Some(asked) = asked else { return Ok(None) };
    let ids = answered(asked.reply())?.map_or_else(Vec::new, |reply| reply.ids);
    let is_pid = |id: &&res::ClientIdValue| id.spec.mask == ClientIdMask::LOCAL_CLIENT_PID;
    Ok(ids.iter().find(is_pid).and_then(|id| id.value.first().copied()).filter(|pid| *pid != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_windows_belong_to_no_client() {
        let programs = Programs { own_bits: 0x001f_ffff, usable: true };
        assert_eq!((programs.client(0x0040_0007), programs.client(0x4000_0123)), (0x0040_0000, 0));
    }
}
