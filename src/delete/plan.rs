//! Finds what is of a recording: the folder, its copies and exports, and what is left alone.

use super::remove::{self, Removed};
use crate::export::manifest::{self, Manifest};
use crate::inspect::survey;
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::session::edition;
use crate::session::layout;
use crate::session::metadata;
use crate::session::metadata::Metadata;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How deep folders are looked for below the one that holds the session.
const MAX_DEPTH: usize = 16;

/// The most names that are looked at there; more, and what lies behind them is not found, which is said.
const MAX_NAMES: usize = 200_000;

/// Why nothing can be removed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// It is no session and no log.
    #[error("{} is no session", path.display())]
    NoSession {
        /// Which.
        path: PathBuf,
    },
    /// It is a link.
    #[error("{} is a link", path.display())]
    Link {
        /// Which.
        path: PathBuf,
    },
    /// Somebody works with it.
    #[error("{} is in use by {holder}", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
        /// By whom.
        holder: String,
    },
}

impl DeleteError {
    /// What the person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSession { .. } => layout::FOLDER_HINT.into(),
            Self::Link { .. } => "name the folder that it leads to".into(),
            Self::InUse { .. } => "wait until it has ended, or end it with: watchcap stop".into(),
        }
    }
}

/// A session that would be removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doomed {
    /// Its folder.
    pub path: PathBuf,
    /// What it is to the one that was named.
    pub what: &'static str,
    /// Its size, bytes.
    pub bytes: u64,
}

/// An export that would be removed.
#[derive(Clone, PartialEq, Debug)]
pub struct DoomedExport {
    /// Its manifest.
    pub path: PathBuf,
    /// What that says.
    pub manifest: Manifest,
}

/// What would be removed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// The session that was named, first, and copies of it.
    pub sessions: Vec<Doomed>,
    /// Exports of these.
    pub exports: Vec<DoomedExport>,
    /// What is of the same recording and stays.
    pub stays: Vec<PathBuf>,
    /// There was more to look at than is looked at.
    pub truncated: bool,
    /// The session does not say which recording it is, so nothing else can be found.
    pub nameless: bool,
}

/// What a session says of itself.
struct Known {
    path: PathBuf,
    id: String,
    identity: Option<String>,
    lineage: BTreeSet<String>,
}

impl Known {
    fn read(path: &Path) -> Option<Self> {
        let metadata = Metadata::read(&layout::metadata_path(path)).ok()?;
        Some(Self {
            path: path.to_path_buf(),
            id: metadata.session_id.clone(),
            identity: edition::identity(path).ok().map(|hash| hash.to_string()),
            lineage: metadata.lineage.iter().map(|step: &metadata::Lineage| step.integrity_sha256.clone()).collect(),
        })
    }
}

/// Everything below a folder that could be of a recording.
#[derive(Default)]
struct Found {
    sessions: Vec<PathBuf>,
    manifests: Vec<PathBuf>,
    names: usize,
    truncated: bool,
}

impl Found {
    fn walk(&mut self, dir: &Path, depth: usize) {
        // What cannot be read is not ours to remove.
        let Ok(entries) = std::fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            self.names += 1;
            if self.names > MAX_NAMES || depth > MAX_DEPTH {
                self.truncated = true;
                return;
            }
            let (path, kind) = (entry.path(), entry.file_type());
            if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
                if survey::is_recording(&path) {
                    self.sessions.push(path);
                } else {
                    self.walk(&path, depth + 1);
                }
            } else if kind.is_ok_and(|kind| kind.is_file()) && manifest::is_name(&path) {
                self.manifests.push(path);
            }
        }
    }
}

/// Finds what would be removed with a session: what lies below `below`, or below the folder that it is in; nothing else when `only` it is meant.
///
/// # Errors
/// [`DeleteError`] when it is no session, or in use.
pub fn plan(session: &Path, below: Option<&Path>, only: bool) -> Result<Plan, DeleteError> {
    let path = std::path::absolute(session).unwrap_or_else(|_| session.to_path_buf());
    if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        return Err(DeleteError::Link { path: session.to_path_buf() });
    }
    if !path.is_dir() || !survey::is_recording(&path) {
        return Err(DeleteError::NoSession { path: session.to_path_buf() });
    }
    let mut plan = Plan { sessions: vec![doomed(&path, "the session")], ..Plan::default() };
    let known = Known::read(&path);
    plan.nameless = known.is_none();
    if let (Some(first), false) = (known, only) {
        let mut found = Found::default();
        found.walk(below.or(path.parent()).unwrap_or(Path::new(".")), 0);
        found.sessions.sort();
        found.manifests.sort();
        plan.truncated = found.truncated;
        gather(&mut plan, &first, found);
    }
    for one in &plan.sessions {
        if let Some(holder) = LogLock::holder(&LogPaths::of(&one.path).lock) {
            return Err(DeleteError::InUse { path: one.path.clone(), holder });
        }
    }
    Ok(plan)
}

fn doomed(path: &Path, what: &'static str) -> Doomed {
    Doomed { path: path.to_path_buf(), what, bytes: survey::size_of(path) }
}

/// Finds the copies of the first session, and the exports of all of them.
fn gather(plan: &mut Plan, first: &Known, found: Found) {
    let is_original = first.lineage.is_empty();
    let (mut ids, mut identities) = (BTreeSet::from([first.id.clone()]), BTreeSet::new());
    identities.extend(first.identity.clone());
    let same_place = |path: &Path| path.canonicalize().ok() == first.path.canonicalize().ok();
    let mut others: Vec<Known> =
        found.sessions.iter().filter(|path| !same_place(path)).filter_map(|path| Known::read(path)).collect();
    // A copy of a copy is found in a later round.
    loop {
        let before = others.len();
        others.retain(|other| {
            let copied = other.identity.as_ref().is_some_and(|identity| identities.contains(identity));
            let made_of = other.lineage.iter().any(|step| identities.contains(step));
            // A session that was made of nothing else is the recording itself: what has its id is of it.
            let of_original = is_original && ids.contains(&other.id);
            if !(copied || made_of || of_original) {
                return true;
            }
            identities.extend(other.identity.clone());
            if is_original || made_of {
                ids.insert(other.id.clone());
            }
            plan.sessions.push(doomed(&other.path, if made_of { "made of it" } else { "a copy of it" }));
            false
        });
        if others.len() == before {
            break;
        }
    }
    plan.stays.extend(others.iter().filter(|other| other.id == first.id).map(|other| other.path.clone()));
    for path in found.manifests {
        let Some(manifest) = Manifest::read(&path) else { continue };
        let of_edition = identities.contains(&manifest.source.integrity_sha256)
            || manifest.lineage.iter().any(|step| identities.contains(&step.integrity_sha256));
        if of_edition || (is_original && ids.contains(&manifest.source.session_id)) {
            plan.exports.push(DoomedExport { path, manifest });
        } else if manifest.source.session_id == first.id {
            plan.stays.push(path);
        }
    }
}

/// Removes what a plan holds: exports first and the named session last, so that what an interruption leaves can be named again.
pub fn run(plan: &Plan) -> Removed {
    let mut all = Removed::default();
    let mut add = |one: Removed| {
        all.files += one.files;
        all.bytes += one.bytes;
        all.left.extend(one.left);
    };
    for export in &plan.exports {
        add(remove::export(&export.path, &export.manifest.files));
    }
    for session in plan.sessions.iter().rev() {
        add(remove::session(&session.path));
    }
    all
}
