//! Systems without Unix domain sockets: recordings run without control from outside, and the verbs say so.

use std::path::Path;
use std::sync::Arc;

use super::protocol::{Request, Snapshot};
use super::{ControlError, Running};
use crate::recorder::{Control, Stop};
use crate::time::Clock;

/// Never there.
pub struct Server;

impl Server {
    /// # Errors
    /// Always [`ControlError::Unavailable`].
    pub fn start(_: &Path, _: &Control, _: &Stop, _: &Arc<dyn Clock>) -> Result<Self, ControlError> {
        Err(ControlError::Unavailable)
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
