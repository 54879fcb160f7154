//! The folder of a session and its log: made when the sources are open, and removed again when the log cannot be begun.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::error::RecordError;
use super::{disk, facts};
use crate::base::files;
use crate::base::files::Pin;
use crate::base::id::SessionId;
use crate::base::time::Clock;
use crate::log::lock::LogLock;
use crate::log::writer::LogWriter;
use crate::log::{LogError, LogPaths};
use crate::media::track::TrackSpec;
use crate::session::layout;

/// The folder of a new session.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) pin: Pin,
    /// Those above it that were made.
    pub(super) above: Vec<PathBuf>,
}

/// Makes the session's folder, with a numeric suffix when the name is taken and not `exact`, and the folders above it that are not
/// there.
pub(super) fn make_folder(wanted: &Path, exact: bool) -> Result<Folder, RecordError> {
    let mut above = Vec::new();
    let parent = wanted.parent().unwrap_or(Path::new(""));
    let made = files::create_private_dirs(parent, &mut above).map_err(|source| (parent, source));
    match made.and_then(|()| layout::create_session_dir(wanted, exact).map_err(|source| (wanted, source))) {
        Ok((path, pin)) => Ok(Folder { path, pin, above }),
        Err((path, source)) => {
            files::remove_empty_dirs(&above);
            Err(match LogLock::holder(&LogPaths::of(wanted).lock) {
                Some(holder) if exact => RecordError::InUse { path: wanted.to_path_buf(), holder },
                _ => RecordError::Folder { path: path.to_path_buf(), source },
            })
        }
    }
}

/// Begins the log: its facts are in the database when this returns, and the room for sealing it is kept.
pub(super) fn begin_log(
    folder: &Path,
    session: SessionId,
    tracks: &[TrackSpec],
    bitrate_kbps: u32,
    facts: &[(String, Value)],
    clock: &Arc<dyn Clock>,
) -> Result<(LogWriter, disk::Watch), LogError> {
    let mut log = LogWriter::create(folder, session, tracks, Arc::clone(clock))?;
    let watch = disk::Watch::begin(folder, bitrate_kbps)?;
    let now = clock.now();
    for (key, value) in facts {
        facts::append_fact(&mut log, now, key, value)?;
    }
    log.commit_facts()?;
    Ok((log, watch))
}

/// Removes the folder of a session that could not be begun, in which there is nothing, and those that were made for it.
pub(super) fn discard(folder: &Path, above: &[PathBuf]) {
    if let Err(error) = files::remove_tree(folder) {
        tracing::warn!(%error, "the folder of the session that could not be begun is left behind");
    }
    files::remove_empty_dirs(above);
}
