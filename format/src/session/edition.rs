//! Editions of a recording: which one a session is, whether it is whole, and names beside it for others that are made of it.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::layout;
use super::seal::{self, FileHash, SealError};
use super::verify::{VerifyOptions, verify};
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::session::verify::video::open_video;

/// Most names that are tried for the new session.
const MAX_NAMES: u32 = 1000;

/// Which session this is: SHA-256 of its `integrity.sha256`.
///
/// # Errors
/// When that file cannot be read.
pub fn identity(session: &Path) -> Result<FileHash, SealError> {
    let path = layout::integrity_path(session);
    let seal =
        crate::base::files::read_at_most(&path, seal::MAX_INTEGRITY_BYTES).map_err(IoError::at("read", &path))?;
    Ok(FileHash(Sha256::digest(&seal).into()))
}

/// The first fault of a session; `None` when it is whole. Every file is hashed; `decode` asks for every frame, too.
pub fn fault(session: &Path, decode: bool, progress: &mut dyn FnMut(Step)) -> Option<String> {
    let options = VerifyOptions { decode_frames: decode, ..VerifyOptions::default() };
    let report = verify(session, options, &mut |path| open_video(path), progress);
    report.problems.first().map(|problem| format!("{}: {}", problem.file, problem.what))
}

/// `NAME` with `ending` behind it, or with a number behind that when it is taken.
///
/// # Errors
/// When a name cannot be looked for, or a thousand are taken.
pub fn free_name(session: &Path, ending: &str) -> Result<PathBuf, SealError> {
    for n in 1..=MAX_NAMES {
        let path = beside(session, &if n == 1 { ending.to_owned() } else { format!("{ending}_{n}") });
        if crate::base::files::is_free(&path) {
            return Ok(path);
        }
    }
    let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    Err(IoError::at("find a free name beside", session)(source).into())
}

/// The folder beside `session` whose name has `ending` behind it.
pub fn beside(session: &Path, ending: &str) -> PathBuf {
    let mut name = session.file_name().unwrap_or_default().to_os_string();
    name.push(ending);
    session.with_file_name(name)
}
