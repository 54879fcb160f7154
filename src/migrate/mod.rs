//! From a sealed session of an older format to one of this format: a new session beside the old, or in its place.
//!
//! Keeps the invariants that the old session is only read, that no value is lost (every row of the new table is compared with the
//! old one as this release reads it), and that nothing has the new session's name before it was read back. The steps:
//!
//! 1. take the old session for this process alone, and remove what an interrupted try left ([`leftover`]);
//! 2. verify the old session: a seal must not be put on what was damaged;
//! 3. in a folder beside it, under a name that is no session: the table, row group by row group; the video and the other files
//!    as links ([`link`]); metadata with one more step of lineage; seal;
//! 4. verify the new one, and compare its rows with the old ones;
//! 5. give it its name, or exchange the two and delete the old one.
//!
//! Interrupted anywhere before 5, the old session is as it was; in 5, either has the name, and both are whole.

pub mod import;
mod leftover;
pub mod link;
mod review;

use std::path::{Path, PathBuf};

use crate::finalize::tables::{TableError, TableWriter};
use crate::progress::Step;
use crate::session::metadata::{Lineage, Metadata, MetadataError, printable};
use crate::session::reader::{EventsReader, ReadError};
use crate::session::row::OwnedRow;
use crate::session::schema::{self, FORMAT_VERSION, Version};
use crate::session::seal::{self, IntegrityEntry, SealError};
use crate::session::{derive, layout, row_hash};
use crate::shown::shell;

use self::link::Link;

/// End of the name under which a new session is made.
pub const WORK_SUFFIX: &str = ".migrating.tmp";
/// What the steps of lineage that this module writes begin with.
const BY: &str = "watchcap migrate";
/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The format of the new session.
    pub to: Version,
    /// Put the new session in the place of the old one, and delete that.
    pub in_place: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What became of a session, or would.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It is of the format already.
    Current,
    /// A session that was migrated from it stands beside it.
    Beside,
    /// It would be migrated.
    Planned,
    /// It was migrated.
    Migrated,
}

impl State {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Beside => "already_migrated",
            Self::Planned => "planned",
            Self::Migrated => "migrated",
        }
    }
}

/// What was done with a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Migrated {
    /// What became of it.
    pub state: State,
    /// The session of the format asked for: beside the old one, or in its place.
    pub session: PathBuf,
    /// The format of the old one.
    pub from: Version,
    /// Rows.
    pub rows: u64,
    /// Frames.
    pub frames: u64,
    /// How the video came into the new session; none without a video, and when nothing was done.
    pub video: Option<Link>,
    /// What an interrupted try had left, and was removed, or would be.
    pub left: Vec<PathBuf>,
}

/// What a folder holds, by which is told what to do with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// A sealed session.
    Session,
    /// A log.
    Log,
    /// A table that watchcap wrote, without its seal.
    Unsealed,
    /// A table of another program.
    Foreign,
    /// None of these.
    Nothing,
}

impl Holds {
    /// Looks into a folder.
    fn of(dir: &Path) -> Self {
        let path = layout::events_path(dir);
        match layout::state_of(dir) {
            layout::DirState::Sealed => Self::Session,
            layout::DirState::Log => Self::Log,
            layout::DirState::Nothing if !path.is_file() => Self::Nothing,
            layout::DirState::Nothing => {
                let table = EventsReader::open(&path);
                let is_own = table.is_ok_and(|table| table.key_value(schema::FORMAT_VERSION_KEY).is_some());
                if is_own { Self::Unsealed } else { Self::Foreign }
            }
        }
    }

    /// What can be done with it.
    fn hint(self, dir: &Path) -> String {
        let dir = dir.display();
        match self {
            Self::Session => format!("migrate it without --import: watchcap migrate {dir}"),
            Self::Log => format!("seal it first with: watchcap finalize {dir}"),
            Self::Unsealed => format!(
                "watchcap wrote it, and its seal is gone: take metadata.json and integrity.sha256 from a copy; without one, put \
                 frames.mp4 and the table without its marks into a folder of their own and import that: \
                 pq.write_table(pq.read_table(\"{dir}/events.parquet\").replace_schema_metadata(None), …)"
            ),
            Self::Foreign => {
                format!("a folder of another recorder is taken in with: watchcap migrate --import {dir}")
            }
            Self::Nothing => "give the folder of a sealed session (session_YYYYMMDD_HHMMSS)".into(),
        }
    }
}

/// Why a session cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It is no folder.
    #[error("{} is no folder", path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// It is no sealed session.
    #[error("{} is no sealed session", path.display())]
    NotSealed {
        /// Which.
        path: PathBuf,
        /// What it holds instead.
        holds: Holds,
    },
    /// Another process is migrating it.
    #[error("{} is being migrated by another process", path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// It is of a later version than the one asked for, and of one that this release knows.
    #[error("{} is of format {found}: sessions are migrated forward only", path.display())]
    Backward {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: Version,
    },
    /// It is of a later version than this release knows.
    #[error("{} is of format {found}, this release writes {FORMAT_VERSION} and would lose what is new in it", path.display())]
    TooNew {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: Version,
        /// The release that recorded it, which reads all of it.
        by: Option<String>,
    },
    /// The old session is not what was sealed.
    #[error("{} is not what was sealed: {what}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// The first fault.
        what: String,
    },
    /// The new session is not whole.
    #[error("the new session does not verify and is not published: {what}")]
    NotWhole {
        /// The first fault.
        what: String,
    },
    /// A row of the new session says something else than that of the old one.
    #[error("row {row} of the new session is not that of the old one; it is not published")]
    NotSame {
        /// Which, from 0.
        row: u64,
    },
    /// The session still has its log, which would go with it.
    #[error("{} still holds its log, which would be deleted with it", path.display())]
    HasLog {
        /// Which.
        path: PathBuf,
    },
    /// Something has the name of the unfinished session and was not made here.
    #[error("{} is in the way, and it is not what an interrupted migration of this session leaves", path.display())]
    InTheWay {
        /// What.
        path: PathBuf,
    },
    /// The session cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The new table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The new session cannot be sealed or published.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file or folder cannot be worked with.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl MigrateError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        const SPACE: &str = "free some disk space or make the folder writable, then run `watchcap migrate` again";
        match self {
            Self::NoFolder { .. } => Some(layout::FOLDER_HINT.into()),
            Self::NotSealed { path, holds } => Some(holds.hint(path)),
            Self::Busy { .. } => Some("wait until it is done".into()),
            Self::Backward { .. } => Some(format!("ask for --to {FORMAT_VERSION}, or keep the session as it is")),
            Self::TooNew { by: Some(by), .. } => Some(format!(
                "watchcap {by}, which recorded it, reads all of it; this release plays and exports what it knows of it"
            )),
            Self::TooNew { by: None, .. } => {
                Some("use the release of watchcap that recorded it, or a later one".into())
            }
            Self::Damaged { path, .. } => Some(format!("see all of it with: watchcap verify {}", shell(path))),
            Self::HasLog { path } => Some(format!(
                "migrate it without --in-place, or remove {} when you do not need it",
                layout::log_dir(path).display()
            )),
            Self::InTheWay { .. } => Some("move it away".into()),
            Self::Read(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Table(TableError::Create { .. } | TableError::Write { .. }) | Self::Seal(SealError::Io { .. }) => {
                Some(SPACE.into())
            }
            Self::Seal(error) => error.hint(),
            Self::Table(_) | Self::NotWhole { .. } | Self::NotSame { .. } | Self::Io { .. } => None,
        }
    }
}

pub(crate) fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> MigrateError + use<'a> {
    move |source| MigrateError::Io { action, path: path.to_path_buf(), source }
}

/// Which version a session is of, and that it can be brought to `to`. True when there is nothing to do.
fn judge(session: &Path, metadata: &Metadata, to: Version) -> Result<(Version, bool), MigrateError> {
    let path = session.to_path_buf();
    // Metadata that were read have a version.
    let found = Version::parse(&metadata.format_version).unwrap_or(to);
    if !found.is_known() {
        let by = Some(printable(&metadata.watchcap)).filter(|by| !by.is_empty());
        return Err(MigrateError::TooNew { path, found, by });
    }
    if found > to {
        return Err(MigrateError::Backward { path, found });
    }
    Ok((found, found == to))
}

/// Migrates the session in `session`.
///
/// # Errors
/// [`MigrateError`]; the old session is then as it was.
pub fn migrate(session: &Path, wanted: Wanted, progress: &mut dyn FnMut(Step)) -> Result<Migrated, MigrateError> {
    if !wanted.dry_run {
        leftover::restore(session)?;
    }
    if !session.is_dir() {
        return Err(MigrateError::NoFolder { path: session.to_path_buf() });
    }
    if layout::state_of(session) != layout::DirState::Sealed {
        return Err(MigrateError::NotSealed { path: session.to_path_buf(), holds: Holds::of(session) });
    }
    let session = session.canonicalize().map_err(io_error("find", session))?;
    let held = leftover::hold(&session)?;
    let metadata = Metadata::read(&layout::metadata_path(&session))?;
    let (from, current) = judge(&session, &metadata, wanted.to)?;
    let work = derive::beside(&session, WORK_SUFFIX);
    let left = leftover::find(&session, &work)?;
    if !wanted.dry_run {
        left.iter().try_for_each(|path| leftover::remove(path))?;
    }
    let mut done = Migrated {
        state: State::Current,
        session: session.clone(),
        from,
        rows: metadata.counts.values().sum(),
        frames: metadata.frames,
        video: None,
        left,
    };
    if current {
        return Ok(done);
    }
    let ending = format!("_{}", wanted.to);
    if !wanted.in_place
        && let Some(beside) = made_before(&session, &ending)?
    {
        return Ok(Migrated { state: State::Beside, session: beside, ..done });
    }
    if wanted.in_place && layout::log_dir(&session).is_dir() {
        return Err(MigrateError::HasLog { path: session });
    }
    if wanted.dry_run {
        let target = if wanted.in_place { session } else { derive::free_name(&session, &ending)? };
        return Ok(Migrated { state: State::Planned, session: target, ..done });
    }
    if let Some(what) = derive::fault(&session, false, &mut step("verify", progress)) {
        return Err(MigrateError::Damaged { path: session, what });
    }
    crate::files::create_private_dir(&work).map_err(io_error("create", &work))?;
    let made =
        make(&session, &work, metadata, progress).and_then(|video| check(&session, &work, progress).map(|()| video));
    match made {
        Ok(video) => done.video = video,
        Err(error) => {
            if let Err(left) = std::fs::remove_dir_all(&work) {
                tracing::warn!(%left, "the unfinished session could not be removed");
            }
            return Err(error);
        }
    }
    if wanted.in_place {
        seal::swap_dirs(&work, &session)?;
        std::fs::remove_dir_all(&work).map_err(io_error("delete the old session, now", &work))?;
    } else {
        done.session = derive::free_name(&session, &ending)?;
        seal::publish_dir(&work, &done.session)?;
    }
    drop(held);
    Ok(Migrated { state: State::Migrated, ..done })
}

fn step<'a>(
    what: &'static str,
    progress: &'a mut dyn FnMut(Step),
) -> impl FnMut(crate::session::verify::Progress) + use<'a> {
    move |at| progress(Step { what, done: at.done, of: at.total })
}

/// The session that an earlier run made of this one and put beside it.
fn made_before(session: &Path, ending: &str) -> Result<Option<PathBuf>, MigrateError> {
    let beside = derive::beside(session, ending);
    if layout::state_of(&beside) != layout::DirState::Sealed {
        return Ok(None);
    }
    let made =
        Metadata::read(&layout::metadata_path(&beside)).ok().and_then(|metadata| metadata.lineage.last().cloned());
    let own = derive::identity(session)?.to_string();
    Ok(made.is_some_and(|step| step.integrity_sha256 == own && step.by.starts_with(BY)).then_some(beside))
}

/// Makes the new session in `work`.
fn make(
    session: &Path,
    work: &Path,
    mut metadata: Metadata,
    progress: &mut dyn FnMut(Step),
) -> Result<Option<Link>, MigrateError> {
    let sealed = seal::read_integrity(session)?;
    let mut known: Vec<IntegrityEntry> = Vec::new();
    let mut video = None;
    for entry in sealed {
        if [layout::EVENTS_FILE, layout::METADATA_FILE].contains(&entry.name.as_str()) {
            continue;
        }
        let how = link::bring(&session.join(&entry.name), &work.join(&entry.name))?;
        if entry.name == layout::FRAMES_FILE {
            video = Some(how);
        }
        known.push(entry);
    }
    let old = EventsReader::open(&layout::events_path(session))?;
    let other = |key: &str| ![schema::FORMAT_VERSION_KEY, schema::SESSION_ID_KEY, "ARROW:schema"].contains(&key);
    let key_values: Vec<_> = old.key_values().filter(|(key, _)| other(key)).map(owned).collect();
    let mut table = TableWriter::create(&layout::events_path(work), &metadata.session_id, &key_values)?;
    let (of, mut done) = (old.len(), 0);
    let (mut rows, mut row) = (old.rows(), OwnedRow::default());
    while rows.next_into(&mut row)? {
        table.push(&row.as_row())?;
        done += 1;
        if done % PROGRESS_ROWS == 0 {
            progress(Step { what: "rows", done, of });
        }
    }
    table.finish()?;
    let format = std::mem::replace(&mut metadata.format_version, FORMAT_VERSION.into());
    metadata.lineage.push(Lineage {
        integrity_sha256: derive::identity(session)?.to_string(),
        by: format!("{BY} {}", env!("CARGO_PKG_VERSION")),
        format: Some(format),
        what: Vec::new(),
        reason: "migrated".into(),
        from_ns: None,
        until_ns: None,
        masks: Vec::new(),
    });
    derive::finish(work, &metadata, &known)?;
    review::carry(session, work)?;
    Ok(video)
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Reads the new session back: it is whole, and says what the old one said.
fn check(session: &Path, work: &Path, progress: &mut dyn FnMut(Step)) -> Result<(), MigrateError> {
    if let Some(what) = derive::fault(work, false, &mut step("check", progress)) {
        return Err(MigrateError::NotWhole { what });
    }
    let (old, new) =
        (EventsReader::open(&layout::events_path(session))?, EventsReader::open(&layout::events_path(work))?);
    let (mut old_rows, mut new_rows) = (old.rows(), new.rows());
    let (mut was, mut is) = (OwnedRow::default(), OwnedRow::default());
    let (mut was_bytes, mut is_bytes) = (Vec::new(), Vec::new());
    let mut row = 0;
    loop {
        let (one, other) = (old_rows.next_into(&mut was)?, new_rows.next_into(&mut is)?);
        if !one && !other {
            return Ok(());
        }
        // What a hash is made of: every value to the bit.
        was_bytes.clear();
        is_bytes.clear();
        row_hash::encode(&was.as_row(), was.seq, &mut was_bytes);
        row_hash::encode(&is.as_row(), is.seq, &mut is_bytes);
        if one != other || is_bytes != was_bytes {
            return Err(MigrateError::NotSame { row });
        }
        row += 1;
        if row % PROGRESS_ROWS == 0 {
            progress(Step { what: "compare", done: row, of: old.len() });
        }
    }
}
