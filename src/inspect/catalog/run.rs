//! `catalog.parquet`: one row for each session and log below a folder, so that ten thousand sessions are one query.
//!
//! Keeps the invariants that nothing but the catalog is written, that it is replaced in one step, and nothing else that has its name, and
//! that a session whose seal is the one that the catalog knows is not read again, unless it is checked: the seal stands for every byte
//! of it. What is not under the seal (the verdict, that the files are there with their sizes) is looked at each time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::bounded;
use parquet::errors::ParquetError;

use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::base::time::{Clock, SystemClock};
use crate::session::edition;
use crate::session::layout;
use crate::session::seal::{self, SealError};
use crate::session::verify::video::open_video;
use crate::session::verify::{VerifyOptions, verify};

use crate::inspect::catalog::columns::{Col, Entry};

/// Name of the catalog in the folder that it is about.
pub const CATALOG_FILE: &str = "catalog.parquet";
/// Most threads: more than the disk can feed.
pub const MAX_THREADS: usize = 64;
/// Finished rows that wait for being taken.
const DONE_QUEUE: usize = 64;

/// What a check found, as it stands in the column `check`.
pub mod check_word {
    /// Nothing is wrong.
    pub const WHOLE: &str = "whole";
    /// Something is; `check_fault` says what.
    pub const DAMAGED: &str = "damaged";
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Verify every session: hash its files, read its rows and its video's index.
    pub check: bool,
    /// Decode every frame as well.
    pub decode: bool,
    /// How many sessions are looked at, at once.
    pub threads: usize,
}

/// What was found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Summary {
    /// The catalog.
    pub catalog: PathBuf,
    /// Sealed sessions.
    pub sessions: u64,
    /// Logs, whatever their state, that are not damaged.
    pub logs: u64,
    /// Sessions and logs that cannot be used.
    pub damaged: u64,
    /// Sealed sessions that were read.
    pub read: u64,
    /// Sealed sessions that the catalog knew.
    pub known: u64,
    /// Rows that left the catalog.
    pub removed: u64,
    /// Hours of the sealed sessions.
    pub hours: f64,
    /// Sessions that were checked now.
    pub checked: u64,
    /// Of these, how many are not what was sealed.
    pub faults: u64,
    /// The first of these, and why.
    pub first_fault: Option<String>,
    /// Folders that could not be looked into.
    pub unreadable: Vec<PathBuf>,
}

/// Why there is no catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is no folder with sessions below it.
    #[error("{} is no folder", path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// The folder is a session itself.
    #[error("{} is a session or a log itself", path.display())]
    IsSession {
        /// Which.
        path: PathBuf,
    },
    /// Something that is no catalog has its name.
    #[error("{} is there, and it is no catalog that you had watchcap write", path.display())]
    Taken {
        /// What.
        path: PathBuf,
    },
    /// The sessions that it names cannot be read from it.
    #[error("cannot take sessions from {}: {why}", path.display())]
    Chosen {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Another process is at it.
    #[error("the catalog of {} is being written by another process", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The catalog cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// It cannot be published.
    #[error(transparent)]
    Publish(#[from] SealError),
}

impl CatalogError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFolder { .. } => Some("give the folder that your sessions are in, at any depth".into()),
            Self::IsSession { path } => {
                // The parent of `s1` is the current folder, that of `.` or `..` the one above.
                let parent = match path.parent().filter(|_| path.file_name().is_some()) {
                    Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
                    Some(parent) => parent.to_path_buf(),
                    None => path.join(".."),
                };
                Some(format!("give the folder around it: watchcap catalog {}", crate::base::shown::shell(&parent)))
            }
            Self::Taken { .. } => Some("move it away: the catalog has that name in the folder that it is about".into()),
            Self::Chosen { .. } => {
                Some("give a catalog that `watchcap catalog DIR` wrote, or rows of it, in the same folder".into())
            }
            Self::Busy { .. } => Some("wait until it is done".into()),
            Self::Io(_) | Self::Write { .. } | Self::Publish(_) => {
                Some("the catalog stands in the folder itself: make it writable, with some room left".into())
            }
        }
    }
}

/// Threads that are used when nobody says how many: as many as the machine has cores, eight at the most.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8)
}

/// Writes or updates the catalog of the sessions below `dir`. `progress` is told how many sessions are done.
///
/// # Errors
/// [`CatalogError`]; a catalog that was there is then as it was.
pub fn update(dir: &Path, wanted: Wanted, progress: &mut dyn FnMut(Step)) -> Result<Summary, CatalogError> {
    if !dir.is_dir() {
        return Err(CatalogError::NoFolder { path: dir.to_path_buf() });
    }
    if layout::state_of(dir) != layout::DirState::Nothing {
        return Err(CatalogError::IsSession { path: dir.to_path_buf() });
    }
    let pin = crate::base::files::pin(dir);
    let _folder = pin.map_err(IoError::at("write to", dir))?;
    let held = crate::base::files::hold_dir(dir).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => CatalogError::Busy { path: dir.to_path_buf() },
        _ => IoError::at("open", dir)(source).into(),
    })?;
    let catalog = dir.join(CATALOG_FILE);
    let is_ours = || {
        crate::base::files::look(&catalog).is_ok_and(|found| found.is_own)
            && crate::inspect::catalog::columns::is_catalog(&catalog)
    };
    if !crate::base::files::is_free(&catalog) && !is_ours() {
        return Err(CatalogError::Taken { path: catalog });
    }
    let before = crate::inspect::catalog::columns::read(&catalog).unwrap_or_default();
    let known: HashMap<&str, &Entry> =
        before.iter().filter_map(|entry| Some((entry.text(Col::IntegritySha256)?, entry))).collect();
    let found = crate::inspect::catalog::find::below(dir);
    let mut summary = Summary { catalog: catalog.clone(), unreadable: found.unreadable, ..Summary::default() };
    let gone = |entry: &&Entry| {
        entry.text(Col::Path).is_none_or(|path| found.paths.binary_search_by(|p| p.as_str().cmp(path)).is_err())
    };
    summary.removed = before.iter().filter(gone).count() as u64;

    let looked = look_at_all(dir, &found.paths, &known, wanted, progress);
    let mut entries = Vec::with_capacity(looked.len());
    for looked in looked {
        summary.count(&looked, wanted);
        entries.push(looked.entry);
    }
    write(&catalog, &entries)?;
    drop(held);
    Ok(summary)
}

/// A row, and how it came about.
struct Looked {
    entry: Entry,
    /// The catalog knew it.
    known: bool,
}

impl Summary {
    fn count(&mut self, looked: &Looked, wanted: Wanted) {
        let entry = &looked.entry;
        let text = |column| entry.text(column).unwrap_or_default();
        match text(Col::State) {
            crate::inspect::catalog::entry::SEALED => {
                self.sessions += 1;
                self.hours += entry.float(Col::Hours).unwrap_or(0.0);
                if looked.known {
                    self.known += 1;
                } else {
                    self.read += 1;
                }
            }
            crate::inspect::catalog::entry::DAMAGED => self.damaged += 1,
            _ => self.logs += 1,
        }
        if wanted.check && !text(Col::Check).is_empty() {
            self.checked += 1;
            if text(Col::Check) == check_word::DAMAGED {
                self.faults += 1;
                let first = || format!("{}: {}", text(Col::Path), text(Col::CheckFault));
                self.first_fault.get_or_insert_with(first);
            }
        }
    }
}

/// Looks at every session, some at once, and hands the rows back in the order of the paths.
fn look_at_all(
    dir: &Path,
    paths: &[String],
    known: &HashMap<&str, &Entry>,
    wanted: Wanted,
    progress: &mut dyn FnMut(Step),
) -> Vec<Looked> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = bounded(DONE_QUEUE);
    let mut out: Vec<Option<Looked>> = paths.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for _ in 0..wanted.threads.clamp(1, MAX_THREADS).min(paths.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(index) else { return };
                    if sender.send((index, look_at(dir, path, known, wanted))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (done, (index, looked)) in (1..).zip(receiver) {
            out[index] = Some(looked);
            let what = if wanted.check { "check" } else { "catalog" };
            progress(Step { what, done, of: paths.len() as u64 });
        }
    });
    out.into_iter().flatten().collect()
}

fn look_at(dir: &Path, path: &str, known: &HashMap<&str, &Entry>, wanted: Wanted) -> Looked {
    let session = dir.join(path);
    if layout::state_of(&session) == layout::DirState::Log {
        return Looked { entry: crate::inspect::catalog::entry::of_log(&session, path), known: false };
    }
    let seal = edition::identity(&session).map(|seal| seal.to_string());
    let before = seal.as_ref().ok().and_then(|seal| known.get(seal.as_str()));
    let checked = before.copied();
    // What could not be read is read again: it may have been put right.
    let before = before.filter(|entry| entry.text(Col::State) == Some(crate::inspect::catalog::entry::SEALED));
    // A check takes nobody's word for anything, that of an earlier catalog neither.
    let before = before.filter(|_| !wanted.check);
    let (mut entry, known) = match (before, seal) {
        (Some(before), _) => (crate::inspect::catalog::entry::again(before, &session, path), true),
        (None, Ok(seal)) => (crate::inspect::catalog::entry::of_session(&session, path, &seal), false),
        (None, Err(_)) => (crate::inspect::catalog::entry::not_sealed(path), false),
    };
    if let Some(checked) = checked.filter(|_| !wanted.check) {
        crate::inspect::catalog::entry::keep_check(&mut entry, checked);
    }
    if wanted.check && entry.text(Col::IntegritySha256).is_some() {
        check(&session, &mut entry, wanted.decode);
    }
    Looked { entry, known }
}

/// Verifies a session and writes down what came of it.
fn check(session: &Path, entry: &mut Entry, decode: bool) {
    let options = VerifyOptions { hash_files: true, decode_frames: decode };
    let report = verify(session, options, &mut |path| open_video(path), &mut |_| {});
    let fault = report.problems.first().map(|problem| format!("{}: {}", problem.file, problem.what));
    entry.set(Col::Check, if fault.is_none() { check_word::WHOLE } else { check_word::DAMAGED });
    entry.set(Col::CheckFault, fault);
    entry.set(Col::CheckedAt, SystemClock.anchor().utc.0 / 1000);
}

fn write(catalog: &Path, entries: &[Entry]) -> Result<(), CatalogError> {
    let temp = layout::temp_path(catalog);
    let file = crate::base::files::create_private_file(&temp).map_err(IoError::at("create", &temp))?;
    crate::inspect::catalog::columns::write(file, entries)
        .map_err(|source| CatalogError::Write { path: temp.clone(), source })?;
    seal::publish(&temp, catalog)?;
    Ok(())
}
