//! Recordings that answer, and why one cannot be controlled.

use std::path::PathBuf;

use super::protocol::Snapshot;

/// The environment variable that names the folder of the sockets, for recorder and verbs alike.
pub const FOLDER_VARIABLE: &str = "WATCHCAP_CONTROL_DIR";

/// A recording that answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Running {
    /// Its socket; on Windows, the file that names its pipe.
    pub socket: PathBuf,
    /// What it said of itself.
    pub snapshot: Snapshot,
}

/// Why a recording cannot be controlled.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no recording.
    #[error("no recording is running{}", looked(looked_in))]
    None {
        /// The folders that were looked into.
        looked_in: Vec<PathBuf>,
    },
    /// The recording that was named is not among those that run.
    #[error("no recording of {what} is running{}", looked(looked_in))]
    NotThat {
        /// What was named.
        what: String,
        /// The folders that were looked into.
        looked_in: Vec<PathBuf>,
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
        /// The command that closes it to others.
        close: String,
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
    /// There is no way to reach a recording on this system.
    #[error("controlling a recording from another process is not available on this system")]
    Unavailable,
}

impl ControlError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::None { .. } => Some(format!(
                "`watchcap record` starts one; one whose sockets are elsewhere is found with the {FOLDER_VARIABLE} that it has"
            )),
            Self::NotThat { .. } => Some("`watchcap status` lists the recordings that are running".into()),
            Self::Several { .. } => Some("name one by its folder, or with --pid".into()),
            Self::NoFolder { .. } => Some(format!(
                "name a folder of yours with {FOLDER_VARIABLE}, for the recording and for the verbs: it is made if need be"
            )),
            Self::Foreign { .. } => Some("only the user who records can control the recording".into()),
            Self::NotPrivate { close, .. } => {
                Some(format!("close it to others with: {close}, or name another with {FOLDER_VARIABLE}"))
            }
            Self::Unavailable => Some("press Ctrl-C in the recording's window to stop it".into()),
            Self::Io { .. } | Self::Garbled { .. } | Self::Refused { .. } => None,
        }
    }
}

/// Where recordings were looked for, behind what was not found.
fn looked(folders: &[PathBuf]) -> String {
    let list: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    if list.is_empty() { String::new() } else { format!(" (looked in {})", list.join(", ")) }
}

fn list(running: &[Running]) -> String {
    let line = |r: &Running| format!("  {}  --pid {}", r.snapshot.session, r.snapshot.pid);
    running.iter().map(line).collect::<Vec<_>>().join("\n")
}
