//! A seal that was lost, made anew for files that are whole.
//!
//! Never blesses in silence: every check that needs no seal must pass, decoding included, and the metadata say that it was resealed, when, and
//! what the lost seal hashed to if these are its files. Whoever still has that hash can tell; and with it as `expect` the very seal that
//! was lost is written again, and nothing else is changed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::base::files;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::base::shown::shell;
use crate::base::time::Clock;
use crate::media::track::TRACKS;
use crate::session::edition;
use crate::session::layout::{self, DirState};
use crate::session::refusal::Refusal;
use crate::session::seal::{self, FileHash, SealError};
use crate::session::verify::video::open_video;
use crate::session::verify::{Kind, VerifyOptions, verify};

/// Reason of the step in `lineage`.
pub const REASON: &str = "resealed";
/// Largest metadata that are changed, bytes, as they are read elsewhere.
const MAX_METADATA: u64 = 16 << 20;

/// Why a seal is not made anew.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// There is a seal.
    #[error("{} has its seal", path.display())]
    Sealed {
        /// The session.
        path: PathBuf,
    },
    /// There is a log, of which it can be made.
    #[error("{} still has its log, which is better than what is to be sealed", path.display())]
    Log {
        /// The session.
        path: PathBuf,
    },
    /// A file of which nobody can say whether it was sealed.
    #[error("{} has {name}, and without the seal nobody can say whether that belongs to it", path.display())]
    Stray {
        /// The session.
        path: PathBuf,
        /// The file.
        name: String,
    },
    /// A check failed.
    #[error("{} is not whole and is not sealed: {what}", path.display())]
    Damaged {
        /// The session.
        path: PathBuf,
        /// The first fault.
        what: String,
    },
    /// A check could not be done here.
    #[error("{} is not sealed, since its pictures cannot be checked here: {why}", path.display())]
    NotChecked {
        /// The session.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The files are not those of the seal that was expected.
    #[error("{} is not what was sealed as {expected}: its files would be sealed as {found}", path.display())]
    Other {
        /// The session.
        path: PathBuf,
        /// The hash that was given.
        expected: FileHash,
        /// The hash of the seal that the files have.
        found: FileHash,
    },
    /// The metadata are no object.
    #[error("metadata.json cannot be changed: {why}")]
    Metadata {
        /// Why.
        why: String,
    },
    /// It is no session.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl ResealError {
    /// Returns what the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sealed { path } => Some(format!("check it with: watchcap verify {}", shell(path))),
            Self::Log { path } => Some(format!("seal it of that with: watchcap finalize {}", shell(path))),
            Self::Stray { .. } => Some("move it out of the folder".into()),
            Self::Damaged { path, .. } => Some(format!("see all of it with: watchcap verify {}", shell(path))),
            Self::NotChecked { .. } => Some(crate::media::decode::hint()),
            Self::Other { .. } => {
                Some("take the session from a copy; without --expect it is sealed as it is, and says so".into())
            }
            Self::Metadata { .. } | Self::Io(_) => None,
            Self::Refused(error) => error.hint(),
            Self::Seal(error) => error.hint(),
        }
    }
}

/// A seal that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resealed {
    /// SHA-256 of the seal that the session has now.
    pub seal: FileHash,
    /// SHA-256 of the seal that the files as they were found have: the lost one, when they are its files.
    pub found: FileHash,
    /// Files that it names.
    pub files: u64,
    /// Rows that were checked.
    pub rows: u64,
    /// Frames that were decoded.
    pub frames: u64,
    /// A signature of the lost seal is there.
    pub signed: bool,
}

impl Resealed {
    /// Returns whether it is the seal that was lost, to the byte.
    pub fn is_restored(&self) -> bool {
        self.seal == self.found
    }
}

/// Makes the seal of `session` anew; `expect` is the SHA-256 of the lost one.
///
/// # Errors
/// [`ResealError`]; the folder has no seal then, and its files are as they were, but for a step in `lineage` when the disk fails between
/// metadata and seal.
pub fn reseal(
    session: &Path,
    expect: Option<FileHash>,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(Step),
) -> Result<Resealed, ResealError> {
    let path = || session.to_path_buf();
    Refusal::unless_folder(session)?;
    match layout::state_of(session) {
        DirState::Sealed => return Err(ResealError::Sealed { path: path() }),
        DirState::Log => return Err(ResealError::Log { path: path() }),
        DirState::Nothing if !layout::metadata_path(session).is_file() => {
            return Err(Refusal::NotSealed { path: path(), log: false }.into());
        }
        DirState::Nothing => {}
    }
    let _pin = files::pin(session).map_err(IoError::at("work in", session))?;
    let _held = files::hold_dir(session).map_err(IoError::at("work in", session))?;
    let names = seal::check_names(session)?.files;
    let is_of_a_session = |name: &str| {
        [layout::EVENTS_FILE, layout::METADATA_FILE].contains(&name)
            || TRACKS.iter().any(|(.., file)| *file == name)
            || name.starts_with(&format!("{}/", layout::DEBUG_DIR))
    };
    if expect.is_none()
        && let Some(name) = names.iter().find(|name| !is_of_a_session(name))
    {
        return Err(ResealError::Stray { path: path(), name: name.clone() });
    }
    // Hashed before they are checked, and compared with the new seal at the end: what changes meanwhile is found.
    let size = |name: &String| std::fs::metadata(session.join(name)).map_or(0, |found| found.len());
    let (of, mut done) = (names.iter().map(size).sum(), 0);
    let mut entries = seal::hash_all(session, &names, &mut |bytes| {
        done += bytes;
        progress(Step { what: "hash", done, of });
    })?;
    let found = hash(&seal::text_of(&entries));
    if let Some(expected) = expect.filter(|expected| *expected != found) {
        return Err(ResealError::Other { path: path(), expected, found });
    }
    let report = verify(session, VerifyOptions::default(), &mut |path| open_video(path), progress);
    if let Some(problem) = report.problems.iter().find(|problem| problem.kind != Kind::NotSealed) {
        let what = format!("{}: {}", problem.file, problem.what);
        return Err(ResealError::Damaged { path: path(), what });
    }
    if let Some(why) = report.not_checked {
        return Err(ResealError::NotChecked { path: path(), why });
    }
    if expect.is_none() {
        let changed = with_step(session, found, &clock.anchor().utc.to_rfc3339())?;
        seal::publish_bytes(&layout::metadata_path(session), changed.as_bytes())?;
        for entry in entries.iter_mut().filter(|entry| entry.name == layout::METADATA_FILE) {
            entry.hash = hash(&changed);
        }
    }
    let text = seal::text_of(&entries);
    seal::publish_bytes(&layout::integrity_path(session), text.as_bytes())?;
    if let Some(what) = edition::fault(session, false, progress) {
        let integrity = layout::integrity_path(session);
        files::remove_file(&integrity).map_err(IoError::at("remove", &integrity))?;
        return Err(ResealError::Damaged { path: path(), what });
    }
    Ok(Resealed {
        seal: hash(&text),
        found,
        files: entries.len() as u64,
        rows: report.rows,
        frames: report.frames_decoded,
        signed: layout::signature_path(session).is_file(),
    })
}

fn hash(text: &str) -> FileHash {
    FileHash(Sha256::digest(text).into())
}

/// Returns the metadata with one more step of lineage, and all else as it is, whatever version they are of.
fn with_step(session: &Path, found: FileHash, at: &str) -> Result<String, ResealError> {
    let path = layout::metadata_path(session);
    let text = files::read_text_at_most(&path, MAX_METADATA).map_err(IoError::at("read", &path))?;
    let why = |why: &dyn std::fmt::Display| ResealError::Metadata { why: why.to_string() };
    let mut value: Value = serde_json::from_str(&text).map_err(|error| why(&error))?;
    let format = value.get("format_version").cloned().unwrap_or(Value::Null);
    let step = json!({
        "integrity_sha256": found.to_string(), "by": format!("watchcap reseal {}", env!("CARGO_PKG_VERSION")),
        "format": format, "what": [], "reason": REASON, "from_ns": null, "until_ns": null, "masks": [], "at": at,
    });
    let object = value.as_object_mut().ok_or_else(|| why(&"it is no object"))?;
    let steps = object.entry("lineage").or_insert_with(|| json!([]));
    steps.as_array_mut().ok_or_else(|| why(&"'lineage' in it is no list"))?.push(step);
    let mut text = serde_json::to_string_pretty(&value).map_err(|error| why(&error))?;
    text.push('\n');
    Ok(text)
}
