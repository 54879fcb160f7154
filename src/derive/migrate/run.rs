//! From a sealed session of an older format to one of this format: a new session beside the old, or in its place.
//!
//! Keeps the invariants that the old session is only read, that no value is lost (every row of the new table is compared with the
//! old one as this release reads it), and that nothing has the new session's name before it was read back. The steps:
//!
//! 1. take the old session for this process alone, and remove what an interrupted try left ([`super::leftover`]);
//! 2. verify the old session: a seal must not be put on what was damaged;
//! 3. in a folder beside it, under a name that is no session: the table, row group by row group; the video and the other files
//!    as links ([`crate::session::link`]); metadata with one more step of lineage; seal;
//! 4. verify the new one, and compare its rows with the old ones;
//! 5. give it its name, or exchange the two and delete the old one.
//!
//! Interrupted anywhere before 5, the old session is as it was; in 5, either has the name, and both are whole.

use std::path::{Path, PathBuf};

pub use super::error::MigrateError;
use super::holds::Holds;
use super::leftover::VERB;
pub use super::leftover::WORK_SUFFIX;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::session::draft::{Draft, SealedDraft};
use crate::session::edition;
use crate::session::layout;
use crate::session::link::Link;
use crate::session::metadata::{Lineage, Metadata, printable};
use crate::session::refusal::Refusal;
use crate::session::seal::{self};
use crate::session::sealed;
use crate::session::table::hash;
use crate::session::table::read::EventsReader;
use crate::session::table::row::OwnedRow;
use crate::session::table::schema;
use crate::session::table::schema::{FORMAT_VERSION, Version};
use crate::session::table::write::TableWriter;
use crate::session::work::Purpose;

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
        crate::derive::migrate::leftover::restore(session)?;
    }
    Refusal::unless_folder(session)?;
    if layout::state_of(session) != layout::DirState::Sealed {
        return Err(MigrateError::NotSealed { path: session.to_path_buf(), holds: Holds::of(session) });
    }
    let session = session.canonicalize().map_err(IoError::at("find", session))?;
    let around = crate::base::files::pin(session.parent().unwrap_or(Path::new("")));
    let _around = around.map_err(IoError::at("work beside", &session))?;
    let in_place =
        |dir: &Path| if wanted.in_place { crate::base::files::pin(dir) } else { crate::base::files::pin_to_read(dir) };
    let _session = in_place(&session).map_err(IoError::at("work in", &session))?;
    let held = crate::derive::migrate::leftover::hold(&session)?;
    let metadata = Metadata::read(&layout::metadata_path(&session))?;
    let (from, current) = judge(&session, &metadata, wanted.to)?;
    let work = edition::beside(&session, WORK_SUFFIX);
    let identity = edition::identity(&session)?.to_string();
    let files: Vec<String> = seal::read_integrity(&session)?.into_iter().map(|entry| entry.name).collect();
    let purpose = Purpose { verb: VERB, of: &identity, files: &files, replaces: wanted.in_place };
    let left = crate::derive::migrate::leftover::find(&session, &work, purpose)?;
    if let Some(left) = left.as_ref().filter(|_| !wanted.dry_run) {
        left.remove(&session)?;
    }
    let mut done = Migrated {
        state: State::Current,
        session: session.clone(),
        from,
        rows: metadata.counts.values().sum(),
        frames: metadata.frames,
        video: None,
        left: left.map(|left| left.path).into_iter().collect(),
    };
    if current {
        return Ok(done);
    }
    let ending = ending(wanted.to);
    if !wanted.in_place
        && let Some(beside) = made_before(&session, &ending)?
    {
        return Ok(Migrated { state: State::Beside, session: beside, ..done });
    }
    if wanted.in_place && layout::log_dir(&session).is_dir() {
        return Err(MigrateError::HasLog { path: session });
    }
    if wanted.dry_run {
        let target = if wanted.in_place { session } else { edition::free_name(&session, &ending)? };
        return Ok(Migrated { state: State::Planned, session: target, ..done });
    }
    sealed::verify(&session, progress)?;
    let (draft, video) = make(&session, Draft::begin(&work, purpose)?, metadata, progress)?;
    done.video = video;
    crate::derive::migrate::beside::carry(&session, draft.dir())?;
    let made = draft.check(false, progress)?;
    compare(&session, made.dir(), progress)?;
    if wanted.in_place {
        made.replace(&session)?;
    } else {
        done.session = made.publish_beside(&session, &ending)?;
    }
    drop(held);
    Ok(Migrated { state: State::Migrated, ..done })
}

/// Returns the end of a new session's name, `_1_3_0`. Without a dot: loaders take what stands before the first one for the name of a recording.
fn ending(version: Version) -> String {
    format!("_{version}").replace('.', "_")
}

/// The session that an earlier run made of this one and put beside it.
fn made_before(session: &Path, ending: &str) -> Result<Option<PathBuf>, MigrateError> {
    let beside = edition::beside(session, ending);
    if layout::state_of(&beside) != layout::DirState::Sealed {
        return Ok(None);
    }
    let made =
        Metadata::read(&layout::metadata_path(&beside)).ok().and_then(|metadata| metadata.lineage.last().cloned());
    let own = edition::identity(session)?.to_string();
    Ok(made.is_some_and(|step| step.integrity_sha256 == own && step.by.starts_with(BY)).then_some(beside))
}

/// Makes the new session, and says how its video came into it.
fn make(
    session: &Path,
    mut draft: Draft,
    mut metadata: Metadata,
    progress: &mut dyn FnMut(Step),
) -> Result<(SealedDraft, Option<Link>), MigrateError> {
    let mut video = None;
    for entry in seal::read_integrity(session)? {
        if [layout::EVENTS_FILE, layout::METADATA_FILE].contains(&entry.name.as_str()) {
            continue;
        }
        let is_video = entry.name == layout::FRAMES_FILE;
        let how = draft.bring(session, entry)?;
        if is_video {
            video = Some(how);
        }
    }
    let old = EventsReader::open(&layout::events_path(session))?;
    let other = |key: &str| ![schema::FORMAT_VERSION_KEY, schema::SESSION_ID_KEY, "ARROW:schema"].contains(&key);
    let key_values: Vec<_> = old.key_values().filter(|(key, _)| other(key)).map(owned).collect();
    let mut table = TableWriter::create(&layout::events_path(draft.dir()), &metadata.session_id, &key_values)?;
    let (of, mut done) = (old.len(), 0);
    let (mut rows, mut row) = (old.rows(), OwnedRow::default());
    while rows.next_into(&mut row)? {
        table.push(&row.as_row())?;
        done += 1;
        if done % PROGRESS_ROWS == 0 {
            progress(Step { what: "rows", done, of });
        }
    }
    metadata.clicks = table.finish()?.clicks.count();
    let format = std::mem::replace(&mut metadata.format_version, FORMAT_VERSION.into());
    metadata.lineage.push(Lineage {
        integrity_sha256: edition::identity(session)?.to_string(),
        by: format!("{BY} {}", env!("CARGO_PKG_VERSION")),
        format: Some(format),
        what: Vec::new(),
        reason: "migrated".into(),
        from_ns: None,
        until_ns: None,
        masks: Vec::new(),
        at: None,
    });
    Ok((draft.seal(&metadata)?, video))
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Compares every row of the new session with that of the old one.
fn compare(session: &Path, work: &Path, progress: &mut dyn FnMut(Step)) -> Result<(), MigrateError> {
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
        hash::encode(&was.as_row(), was.seq, &mut was_bytes);
        hash::encode(&is.as_row(), is.seq, &mut is_bytes);
        if one != other || is_bytes != was_bytes {
            return Err(MigrateError::NotSame { row });
        }
        row += 1;
        if row % PROGRESS_ROWS == 0 {
            progress(Step { what: "compare", done: row, of: old.len() });
        }
    }
}
