//! Systems without Unix domain sockets: recordings run without control from outside, and the verbs say so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{ControlError, Running};
use super::protocol::{Request, Snapshot};
use crate::base::time::Clock;
use crate::recorder::{Control, Stop};

/// There are none.
pub(super) fn folders() -> Vec<PathBuf> {
    Vec::new()
}

/// Never there.
pub enum Server {}

impl Server {
    /// # Errors
    /// Always [`ControlError::Unavailable`].
    pub fn start(_: &Path, _: &Control, _: &Stop, _: &Arc<dyn Clock>) -> Result<Self, ControlError> {
        Err(ControlError::Unavailable)
    }

    /// Nobody to tell.
    pub fn set_session(&self, _: &Path) {
        match *self {}
    }

    /// Nothing to close.
    pub fn close(self) {
        match self {}
    }
}

/// # Errors
/// Always [`ControlError::Unavailable`].
pub fn running() -> Result<Vec<Running>, ControlError> {
    Err(ControlError::Unavailable)
}

/// # Errors
/// Always [`ControlError::Unavailable`].
pub fn ask(_: &Path, _: &Request) -> Result<Snapshot, ControlError> {
    Err(ControlError::Unavailable)
}
