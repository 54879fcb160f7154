//! Systems with neither sockets nor pipes: recordings run without control from outside, and the verbs say so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::control::error::ControlError;
use crate::control::protocol::{Refusal, Request, Snapshot};

/// There are none.
pub(in crate::control) fn folders() -> Vec<PathBuf> {
    Vec::new()
}

/// # Errors
/// Always [`ControlError::Unavailable`].
pub(in crate::control) fn endpoints() -> Result<Vec<PathBuf>, ControlError> {
    Err(ControlError::Unavailable)
}

/// # Errors
/// Always [`ControlError::Unavailable`].
pub(in crate::control) fn exchange(_: &Path, _: &[u8]) -> Result<Vec<u8>, ControlError> {
    Err(ControlError::Unavailable)
}

/// Never there.
pub(in crate::control) enum Listener {}

impl Listener {
    /// # Errors
    /// Always [`ControlError::Unavailable`].
    pub(in crate::control) fn open() -> Result<Self, ControlError> {
        Err(ControlError::Unavailable)
    }

    /// Nowhere.
    pub(in crate::control) fn path(&self) -> &Path {
        match *self {}
    }

    /// Nobody comes.
    pub(in crate::control) fn turn(&mut self, _: Duration, _: &dyn Fn(Request) -> Result<Snapshot, Refusal>) {
        match *self {}
    }
}
