//! Control of a running recording from outside its process: `watchcap pause`, `resume`, `mark`, `stop`, `status`, `consent withdraw`.
//!
//! A recorder listens on a Unix domain socket in a folder that only its owner can enter ([`place`]). One connection carries one
//! request and one reply, each a line of JSON ([`protocol`]). The recorder's side ([`server`]) runs in a thread of its own and only
//! ever tries: it holds nothing that the recording waits for. Whoever connects is asked for by the kernel, and another user is
//! refused, root included: a recording belongs to the person who agreed to it, and root has signals.
//!
//! Outside Unix there is no such socket; recordings then run without it and the verbs say so.

#[cfg(unix)]
mod client;
#[cfg(unix)]
mod place;
pub mod protocol;
#[cfg(unix)]
mod server;
#[cfg(not(unix))]
mod unavailable;

use std::path::{Path, PathBuf};

use self::protocol::Snapshot;

#[cfg(unix)]
pub use client::{ask, running};
#[cfg(unix)]
pub use server::Server;
#[cfg(not(unix))]
pub use unavailable::{Server, ask, running};

/// The environment variable that names the folder of the sockets, for recorder and verbs alike.
pub const FOLDER_VARIABLE: &str = "WATCHCAP_CONTROL_DIR";

/// A recording that answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Running {
    /// Its socket.
    pub socket: PathBuf,
    /// What it said of itself.
    pub snapshot: Snapshot,
}

/// Which recording is meant.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// The only one.
    Only,
    /// The one of this process.
    Pid(u32),
    /// The one into this session's folder.
    Session(&'a Path),
}

/// Why a recording cannot be controlled.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no recording.
    #[error("no recording is running")]
    None,
    /// The recording that was named is not among those that run.
    #[error("no recording of {what} is running")]
    NotThat {
        /// What was named.
        what: String,
    },
    /// There are several, and none was named.
    #[error("{count} recordings are running:\n{list}", count = running.len(), list = list(running))]
    Several {
        /// They.
        running: Vec<Running>,
    },
    /// The socket cannot be used.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The socket or its folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No folder can hold a socket.
    #[error("there is no private folder for the control socket: {detail}")]
    NoFolder {
        /// What is wrong with each that was tried.
        detail: String,
    },
    /// The other side belongs to somebody else.
    #[error("{path} belongs to another user", path = path.display())]
    Foreign {
        /// The socket or its folder.
        path: PathBuf,
    },
    /// The folder is this user's, but others may enter it.
    #[error("{path} is no folder that only you can enter", path = path.display())]
    NotPrivate {
        /// Which.
        path: PathBuf,
    },
    /// The answer is none.
    #[error("the recording gave no answer that can be understood: {detail}")]
    Garbled {
        /// What is wrong with it.
        detail: String,
    },
    /// The recording said no.
    #[error("{message}")]
    Refused {
        /// Why, a word in `snake_case`.
        code: String,
        /// Why, a sentence.
        message: String,
    },
    /// This system has no such socket.
    #[error("controlling a recording from another process is not available on this system")]
    Unavailable,
}

impl ControlError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::None => Some("`watchcap record` starts one".into()),
            Self::NotThat { .. } => Some("`watchcap status` lists the recordings that are running".into()),
            Self::Several { .. } => Some("name one by its folder, or with --pid".into()),
            Self::NoFolder { .. } => Some(format!("name a folder of yours with {FOLDER_VARIABLE}")),
            Self::Foreign { .. } => Some("only the user who records can control the recording".into()),
            Self::NotPrivate { path } => Some(format!(
                "close it to others with: chmod 700 {}, or name another with {FOLDER_VARIABLE}",
                path.display()
            )),
            Self::Unavailable => Some("press Ctrl-C in the recording's window to stop it".into()),
            Self::Io { .. } | Self::Garbled { .. } | Self::Refused { .. } => None,
        }
    }
}

fn list(running: &[Running]) -> String {
    let line = |r: &Running| format!("  {}  --pid {}", r.snapshot.session, r.snapshot.pid);
    running.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The recording that is meant.
///
/// # Errors
/// [`ControlError`] when there is none, or none was named and there are several.
pub fn choose(wanted: Wanted<'_>) -> Result<Running, ControlError> {
    let mut all = running()?;
    match wanted {
        Wanted::Only if all.len() > 1 => return Err(ControlError::Several { running: all }),
        Wanted::Only => {}
        Wanted::Pid(pid) => all.retain(|r| r.snapshot.pid == pid),
        Wanted::Session(path) => {
            let same = |r: &Running| match (path.canonicalize(), Path::new(&r.snapshot.session).canonicalize()) {
                (Ok(asked), Ok(theirs)) => asked == theirs,
                _ => false,
            };
            all.retain(same);
        }
    }
    all.into_iter().next().ok_or_else(|| match wanted {
        Wanted::Only => ControlError::None,
        Wanted::Pid(pid) => ControlError::NotThat { what: format!("process {pid}") },
        Wanted::Session(path) => ControlError::NotThat { what: path.display().to_string() },
    })
}
