//! Control of a running recording from outside its process: `watchcap pause`, `resume`, `mark`, `stop`, `status`, `consent withdraw`.
//!
//! A recorder listens on a Unix domain socket in a folder that only its owner can enter (`transport/place`, `transport/sockets`), on Windows on a named pipe that only its
//! owner can open (`transport/pipes`); the rest is the same. One connection carries one request and one reply,
//! each a line of JSON ([`protocol`]). The recorder's side (`server`) runs in a thread of its own and only ever tries: it holds nothing that the
//! recording waits for. Whoever connects is asked for by the kernel, and another user is refused, root included: a recording belongs to the person
//! who agreed to it, and root has signals.
//!
//! Other systems have neither; recordings then run without it and the verbs say so.

mod choose;
mod client;
mod error;
mod orders;
pub mod protocol;
mod server;
pub mod signals;
mod transport;

pub use self::choose::{Wanted, choose};
pub use self::client::{ask, running};
pub use self::error::{ControlError, FOLDER_VARIABLE, Running};
pub use self::orders::Recording;
pub use self::server::Server;
