//! What every verb that makes a sealed session of another one does: judge the old one, name it, seal the new one, find it a name.
//!
//! Keeps the invariant that nothing of the old session is written. Knows no verb.

use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::layout;
use super::metadata::Metadata;
use super::seal::{self, FileHash, IntegrityEntry, SealError};
use super::verify::{Progress, VerifyOptions, verify};
use super::video_check::open_video;

/// Most names that are tried for the new session.
const MAX_NAMES: u32 = 1000;

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> SealError + use<'a> {
    move |source| SealError::Io { action, path: path.to_path_buf(), source }
}

/// Which session this is: SHA-256 of its `integrity.sha256`.
///
/// # Errors
/// When that file cannot be read.
pub fn identity(session: &Path) -> Result<FileHash, SealError> {
    let path = layout::integrity_path(session);
    let seal = crate::files::read_at_most(&path, seal::MAX_INTEGRITY_BYTES).map_err(io_error("read", &path))?;
    Ok(FileHash(Sha256::digest(&seal).into()))
}

/// The first fault of a session; `None` when it is whole. Every file is hashed; `decode` asks for every frame, too.
pub fn fault(session: &Path, decode: bool, progress: &mut dyn FnMut(Progress)) -> Option<String> {
    let options = VerifyOptions { decode_frames: decode, ..VerifyOptions::default() };
    let report = verify(session, options, &mut |path| open_video(path), progress);
    report.problems.first().map(|problem| format!("{}: {}", problem.file, problem.what))
}

/// Brings what was made in `work` to the disk, writes the metadata and then the seal. `known` are hashes that need no reading.
///
/// # Errors
/// When a file cannot be synced, written or hashed.
pub fn finish(work: &Path, metadata: &Metadata, known: &[IntegrityEntry]) -> Result<(), SealError> {
    for path in [layout::frames_path(work), layout::events_path(work)] {
        if path.is_file() {
            // Under its name already, in a folder that is not published yet: only the bytes have to reach the disk.
            let file = File::options().write(true).open(&path).map_err(io_error("open", &path))?;
            file.sync_all().map_err(io_error("sync", &path))?;
        }
    }
    let path = layout::metadata_path(work);
    let json = metadata.to_json().map_err(|error| io_error("write", &path)(error.into()))?;
    seal::publish_bytes(&path, json.as_bytes())?;
    seal::seal(work, known, &mut |_| {})
}

/// `NAME` with `ending` behind it, or with a number behind that when it is taken.
///
/// # Errors
/// When a name cannot be looked for, or a thousand are taken.
pub fn free_name(session: &Path, ending: &str) -> Result<PathBuf, SealError> {
    for n in 1..=MAX_NAMES {
        let path = beside(session, &if n == 1 { ending.to_owned() } else { format!("{ending}_{n}") });
        if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Ok(path);
        }
    }
    let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    Err(SealError::Io { action: "find a free name beside", path: session.to_path_buf(), source })
}

/// The folder beside `session` whose name has `ending` behind it.
pub fn beside(session: &Path, ending: &str) -> PathBuf {
    let mut name = session.file_name().unwrap_or_default().to_os_string();
    name.push(ending);
    session.with_file_name(name)
}
