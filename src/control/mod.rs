//! Control of a running recording from outside its process: `watchcap pause`, `resume`, `mark`, `stop`, `status`, `consent withdraw`.
//!
//! A recorder listens on a Unix domain socket in a folder that only its owner can enter ([`place`]). One connection carries one
//! request and one reply, each a line of JSON ([`protocol`]). The recorder's side ([`server`]) runs in a thread of its own and only
//! ever tries: it holds nothing that the recording waits for. Whoever connects is asked for by the kernel, and another user is
//! refused, root included: a recording belongs to the person who agreed to it, and root has signals.
//!
//! Outside Unix there is no such socket; recordings then run without it and the verbs say so.

mod choose;
#[cfg_attr(not(unix), path = "unavailable.rs")]
mod client;
mod error;
#[cfg(unix)]
mod place;
pub mod protocol;
#[cfg(unix)]
mod server;
pub mod signals;
#[cfg(unix)]
mod waiting;

pub use self::choose::{Wanted, choose};
#[cfg(not(unix))]
pub use self::client::Server;
pub use self::client::{ask, running};
pub use self::error::{ControlError, FOLDER_VARIABLE, Running};
#[cfg(unix)]
pub use self::server::Server;
