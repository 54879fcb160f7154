//! What carries a request to a recording, and its reply back: one file for each kind of system, of which one is compiled.
//!
//! Each has a `Listener` that answers requests in turns, `endpoints` (the files by which recordings of this user are found), `exchange` (asks one), and
//! the `folders` that are looked into.

#[cfg(windows)]
pub(super) mod ffi;
#[cfg(windows)]
mod pipes;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod sockets;
#[cfg(not(any(unix, windows)))]
mod unavailable;
#[cfg(unix)]
mod waiting;

#[cfg(windows)]
pub(super) use self::pipes::{Listener, endpoints, exchange, folders};
#[cfg(unix)]
pub(super) use self::sockets::{Listener, endpoints, exchange, folders};
#[cfg(not(any(unix, windows)))]
pub(super) use self::unavailable::{Listener, endpoints, exchange, folders};
