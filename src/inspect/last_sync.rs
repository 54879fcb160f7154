//! The last result of `sync-test` on this machine: kept for the sessions that are recorded after it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sync::SyncReport;
use crate::base::files;
use crate::session::seal::{self, SealError};

/// Largest file that is read.
const MAX_BYTES: u64 = 64 << 10;

/// The result, with what it was measured on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LastSync {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// The program's version.
    pub watchcap: String,
    /// Nothing was missing, and no picture was too early.
    pub ok: bool,
    /// Frames a second that were asked for.
    pub fps: u32,
    /// The figures.
    pub result: Value,
}

fn path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "watchcap")?;
    Some(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).join("sync-test.json"))
}

/// Keeps a result; `None` where the system has no place for it.
///
/// # Errors
/// When it cannot be written.
pub fn keep(at: String, fps: u32, report: &SyncReport) -> Result<Option<PathBuf>, SealError> {
    let Some(path) = path() else { return Ok(None) };
    let result = serde_json::to_value(report).unwrap_or_default();
    let last = LastSync { at, watchcap: env!("CARGO_PKG_VERSION").into(), ok: report.ok(), fps, result };
    if let Some(dir) = path.parent() {
        let mut created = Vec::new();
        files::create_private_dirs(dir, &mut created).map_err(crate::base::io_error::IoError::at("create", dir))?;
    }
    seal::publish_bytes(&path, &serde_json::to_vec_pretty(&last).unwrap_or_default())?;
    Ok(Some(path))
}

/// The last result that can be read.
pub fn read() -> Option<LastSync> {
    let text = files::read_own_text(&path()?, MAX_BYTES).ok()?;
    serde_json::from_str(&text).ok()
}
