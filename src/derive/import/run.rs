//! A recording of another program in the same published layout becomes a sealed session beside it.
//!
//! Keeps the invariants that the recording is only read, that nothing is invented (what is missing is named in the metadata, what
//! was not measured is null), and that nothing is published that does not verify, every frame decoded. The steps:
//!
//! 1. hash the files, so that the session says of which bytes it was made; check them against a seal, when there is one;
//! 2. go through all rows once ([`crate::derive::import::order::survey`]): are they of one session, are the frames numbered as they lie in the video;
//! 3. in a folder beside it: the video with the times of the rows ([`super::video`]), the rows in the order of time, the metadata
//!    ([`super::describe`]), the seal;
//! 4. verify, and publish.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::derive::migrate::holds::Holds;
use crate::session::draft::{Draft, NotWhole, SealedDraft};
use crate::session::edition;
use crate::session::layout;
use crate::session::measured::Measured;
use crate::session::metadata::{Extra, Import, Metadata};
use crate::session::seal::{self, FileHash};
use crate::session::table::read::ReadError;
use crate::session::table::row::{event_type, key};
use crate::session::table::schema;
use crate::session::table::write::{TableSummary, TableWriter};
use crate::session::work::{self, Purpose};

pub use super::error::ImportError;
use super::options::ENDING;

use crate::derive::import::describe::Facts;
use crate::derive::import::options::Options;
use crate::derive::import::order::{FrameCursor, Ordered, Survey};
use crate::derive::import::sound::{Outcome, Plan};
use crate::derive::import::table::ForeignTable;
use crate::derive::import::video::{Made, Source};

/// End of the name under which a session is made.
pub const WORK_SUFFIX: &str = ".importing.tmp";
/// Largest metadata that are read.
const MAX_METADATA_BYTES: u64 = 16 << 20;
/// Most earlier imports of one recording that are looked at.
const MAX_EARLIER: u32 = 16;
/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

/// What became of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
    /// The session.
    pub session: PathBuf,
    /// It was there already, made of the same bytes; or nothing was written, as asked.
    pub made: bool,
    /// Rows.
    pub rows: u64,
    /// Frames.
    pub frames: u64,
    /// Guarantees that the recording does not give; none are told when nothing was written.
    pub missing: Vec<String>,
    /// Files and columns that are not in the session.
    pub left_out: Vec<String>,
    /// Event types that this format does not have, and how many rows are of each: they are in the session, and exports pass over them.
    pub unknown_types: BTreeMap<String, u64>,
}

/// Imports the recording in `folder`, of which `told` says what it does not say itself. With `told.dry_run` everything is looked at but the
/// pictures, and nothing is written.
///
/// # Errors
/// [`ImportError`]; nothing is left then.
pub fn import(folder: &Path, told: &Options, progress: &mut dyn FnMut(Step)) -> Result<Imported, ImportError> {
    if !folder.is_dir() {
        return Err(ImportError::NoFolder { path: folder.to_path_buf() });
    }
    if !layout::events_path(folder).is_file() {
        return Err(ImportError::NoTable { path: folder.to_path_buf() });
    }
    let folder = folder.canonicalize().map_err(IoError::at("find", folder))?;
    let around = crate::base::files::pin(folder.parent().unwrap_or(Path::new("")));
    let _around = around.map_err(IoError::at("work beside", &folder))?;
    let _folder = crate::base::files::pin_to_read(&folder).map_err(IoError::at("read", &folder))?;
    let held = crate::base::files::hold_dir(&folder).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => ImportError::Busy { path: folder.clone() },
        _ => IoError::at("open", &folder)(source).into(),
    })?;
    let mut table = ForeignTable::open(&layout::events_path(&folder), told)?;
    if table.says(schema::FORMAT_VERSION_KEY) {
        return Err(ImportError::Own { holds: Holds::of(&folder), path: folder });
    }
    let listing = seal::list_files(&folder)?;
    let (files, has_integrity) = identify(&folder, progress)?;
    let path = edition::beside(&folder, WORK_SUFFIX);
    let of = identity_of(&files);
    let purpose = Purpose { verb: "import", of: &of, files: &[], replaces: false };
    work::is_left(&path, purpose)?;
    if let Some(session) = made_before(&folder, &files, told) {
        let metadata = Metadata::read(&layout::metadata_path(&session)).map_err(ReadError::from)?;
        let rows = metadata.counts.values().sum();
        let (missing, left_out) = metadata.import.map(|import| (import.missing, import.left_out)).unwrap_or_default();
        return Ok(Imported {
            session,
            made: false,
            rows,
            frames: metadata.frames,
            missing,
            left_out,
            unknown_types: BTreeMap::new(),
        });
    }
    let said = read_metadata(&folder)?;
    crate::derive::import::consent::check(&folder, said.as_ref(), told)?;
    let video = open_video(&folder)?;
    table.pixels =
        crate::derive::import::units::pixels(told, &folder, said.as_ref(), video.as_ref().map(Source::size))?;
    let survey =
        crate::derive::import::order::survey(&table, video.as_ref().map(|video| video.len() as u64), progress)?;
    let video = check(&folder, &table, &survey, video)?;
    let (session_id, id_was_made) = session_id(&folder, &survey, said.as_ref(), &files)?;
    let mut absent = table.left_out.clone();
    let known = [layout::FRAMES_FILE, layout::EVENTS_FILE, layout::METADATA_FILE];
    absent.extend(listing.files.into_iter().filter(|name| !known.contains(&name.as_str())));
    let sound = match &video {
        Some(_) => Plan::of(&folder, said.as_ref())?,
        None => None,
    };
    let besides = video.iter().flat_map(Source::besides);
    absent.extend(besides.filter_map(|what| match sound.as_ref().filter(|plan| plan.name() == what) {
        None => Some(format!("{}: {what}", layout::FRAMES_FILE)),
        Some(plan) => plan.why_not().map(|why| left_out(plan, why)),
    }));
    let mut done = Imported {
        session: edition::free_name(&folder, ENDING)?,
        made: false,
        rows: survey.rows,
        frames: survey.frames.len() as u64,
        missing: Vec::new(),
        left_out: absent.clone(),
        unknown_types: survey.unknown_types.clone(),
    };
    if told.dry_run {
        return Ok(done);
    }
    let draft = Draft::begin(&path, purpose)?;
    let import = Import {
        by: format!("watchcap migrate --import {}", env!("CARGO_PKG_VERSION")),
        absent_columns: table.absent.clone(),
        kept_columns: table.kept.iter().map(|(name, _)| name.clone()).collect(),
        left_out: absent,
        files,
        reordered_rows: survey.reordered,
        other_frames: survey.other_frames,
        told: told.told(),
        ..Import::default()
    };
    let source = Recording {
        folder: &folder,
        table: &table,
        survey: &survey,
        video,
        sound,
        said,
        session_id,
        id_was_made,
        has_integrity,
    };
    let (draft, missing, left_out) = make(source, import, draft, progress)?;
    (done.missing, done.left_out) = (missing, left_out);
    let not_whole = |NotWhole { what }| ImportError::NotWhole { path: layout::frames_path(&folder), what };
    draft.check(true, progress).map_err(not_whole)?.publish(&done.session)?;
    drop(held);
    Ok(Imported { made: true, ..done })
}

/// The recording's files by their hashes, and whether it has a seal, which they agree with.
fn identify(folder: &Path, progress: &mut dyn FnMut(Step)) -> Result<(BTreeMap<String, String>, bool), ImportError> {
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |found| found.len());
    let names = [layout::EVENTS_FILE, layout::FRAMES_FILE, layout::METADATA_FILE];
    let of = names.into_iter().map(size).sum();
    let (mut files, mut done) = (BTreeMap::new(), 0);
    for name in names {
        let path = folder.join(name);
        if path.is_file() {
            let hash = seal::hash_file(&path, &mut |bytes| {
                done += bytes;
                progress(Step { what: "hash", done, of });
            })?;
            files.insert(name.to_owned(), hash.to_string());
        }
    }
    let has_integrity = layout::integrity_path(folder).is_file();
    if has_integrity {
        for entry in seal::read_integrity(folder)? {
            let path = folder.join(&entry.name);
            let found = match files.get(&entry.name) {
                Some(found) => found.clone(),
                None => seal::hash_file(&path, &mut |_| {})?.to_string(),
            };
            if found != entry.hash.to_string() {
                return Err(ImportError::Damaged { path });
            }
        }
    }
    Ok((files, has_integrity))
}

/// What a session says of its import.
fn import_of(session: &Path) -> Option<Import> {
    if layout::state_of(session) != layout::DirState::Sealed {
        return None;
    }
    Metadata::read(&layout::metadata_path(session)).ok()?.import
}

/// One hash for all files of a recording.
fn identity_of(files: &BTreeMap<String, String>) -> String {
    let mut hasher = Sha256::new();
    for (name, hash) in files {
        hasher.update(format!("{hash}  {name}\n"));
    }
    FileHash(hasher.finalize().into()).to_string()
}

/// The session that an earlier run made of the same bytes, told the same of them.
fn made_before(folder: &Path, files: &BTreeMap<String, String>, told: &Options) -> Option<PathBuf> {
    let told = told.told();
    let is_it =
        |session: &PathBuf| import_of(session).is_some_and(|import| import.files == *files && import.told == told);
    let names = (1..=MAX_EARLIER).map(|n| if n == 1 { ENDING.to_owned() } else { format!("{ENDING}_{n}") });
    names.map(|ending| edition::beside(folder, &ending)).take_while(|session| session.is_dir()).find(is_it)
}

/// The recording's own metadata; none when it has none.
fn read_metadata(folder: &Path) -> Result<Option<Extra>, ImportError> {
    let path = layout::metadata_path(folder);
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = crate::base::files::read_at_most(&path, MAX_METADATA_BYTES).map_err(IoError::at("read", &path))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_not_an_object| ImportError::Metadata { path })
}

/// Opens the video; none when there is none, or none with a frame.
fn open_video(folder: &Path) -> Result<Option<Source>, ImportError> {
    let path = layout::frames_path(folder);
    if !path.is_file() {
        return Ok(None);
    }
    Source::open(&path).map(|source| Some(source).filter(|source| source.len() > 0))
}

/// Checks that table and video are of the same frames, in the same time.
fn check(
    folder: &Path,
    table: &ForeignTable,
    survey: &Survey,
    video: Option<Source>,
) -> Result<Option<Source>, ImportError> {
    let frames = survey.frames.len() as u64;
    if let Some((frame, row)) = survey.last_ref
        && frame >= frames as i64
        && frames > 0
    {
        return Err(ImportError::FrameBeyond { row, frame, frames });
    }
    let path = layout::frames_path(folder);
    let Some(source) = video else {
        return match frames {
            0 => Ok(None),
            _ if !path.is_file() => Err(ImportError::NoVideo { path: folder.to_path_buf(), frames }),
            _ => Err(ImportError::FrameCount { path, video: 0, table: frames }),
        };
    };
    let video = source.len() as u64;
    if frames == 0 {
        return Err(ImportError::NoFrameRows { frames: video });
    }
    if video != frames {
        return Err(ImportError::FrameCount { path, video, table: frames });
    }
    let span_ns =
        |times: &[i64]| times.last().zip(times.first()).map_or(0, |(last, first)| last.saturating_sub(*first));
    crate::derive::import::meaning::judge_times(table, span_ns(&survey.frames), source.last_pts_us())?;
    Ok(Some(source))
}

/// Which session it is: what table and metadata say; when they do not, an id made of the files' hashes.
fn session_id(
    folder: &Path,
    survey: &Survey,
    said: Option<&Extra>,
    files: &BTreeMap<String, String>,
) -> Result<(String, bool), ImportError> {
    let in_metadata = said.and_then(|said| said.get("session_id")?.as_str()).filter(|id| !id.is_empty());
    match (survey.session_id.as_deref(), in_metadata) {
        (Some(table), Some(metadata)) if table != metadata => {
            Err(ImportError::OtherSession { path: folder.to_path_buf() })
        }
        (Some(id), _) | (None, Some(id)) => Ok((id.to_owned(), false)),
        (None, None) => {
            let mut hash = Sha256::new();
            for (name, sum) in files {
                hash.update(format!("{sum}  {name}\n"));
            }
            let digest: [u8; 32] = hash.finalize().into();
            let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
            Ok((uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string(), true))
        }
    }
}

/// What is imported.
struct Recording<'a> {
    folder: &'a Path,
    table: &'a ForeignTable,
    survey: &'a Survey,
    video: Option<Source>,
    sound: Option<Plan>,
    said: Option<Extra>,
    session_id: String,
    id_was_made: bool,
    has_integrity: bool,
}

/// Makes the session; answers with the guarantees that are missing and with what is left out, too.
fn make(
    from: Recording<'_>,
    mut import: Import,
    draft: Draft,
    progress: &mut dyn FnMut(Step),
) -> Result<(SealedDraft, Vec<String>, Vec<String>), ImportError> {
    let work = draft.dir();
    let frames = &from.survey.frames;
    let video = match &from.video {
        Some(source) => {
            let path = layout::frames_path(from.folder);
            Some(crate::derive::import::video::remux(&path, source, &layout::frames_path(work), frames, progress)?)
        }
        None => None,
    };
    let sound = match (&from.sound, &from.video) {
        (Some(plan), Some(source)) => match plan.make(from.folder, source, frames, work, progress)? {
            Outcome::Made(sound) => Some(sound),
            Outcome::Nothing => None,
            Outcome::LeftOut(why) => {
                import.left_out.push(left_out(plan, &why));
                None
            }
        },
        _ => None,
    };
    import.pts_off_us = video.as_ref().map(|video| video.pts_off_us);
    let mut measured = Measured::default();
    let (table, changed) = write_rows(&from, video.as_ref(), work, &mut measured, progress)?;
    import.changed_frame_refs = changed;
    let metadata = crate::derive::import::describe::describe(Facts {
        told: &from.table.told,
        pixels: from.table.pixels,
        survey: from.survey,
        table: &table,
        video: video.as_ref(),
        sound: sound.as_ref(),
        session_id: from.session_id,
        id_was_made: from.id_was_made,
        has_integrity: from.has_integrity,
        said: from.said,
        absent_columns: &from.table.absent,
        measured,
        import,
    });
    let sealed = draft.seal(&metadata)?;
    let (missing, left_out) = metadata.import.map(|import| (import.missing, import.left_out)).unwrap_or_default();
    Ok((sealed, missing, left_out))
}

/// How the sound is named among what is left out.
fn left_out(plan: &Plan, why: &str) -> String {
    format!("{}: {}, since {why}", layout::FRAMES_FILE, plan.name())
}

fn write_rows(
    from: &Recording<'_>,
    video: Option<&Made>,
    work: &Path,
    measured: &mut Measured,
    progress: &mut dyn FnMut(Step),
) -> Result<(TableSummary, u64), ImportError> {
    let mut writer = TableWriter::create(&layout::events_path(work), &from.session_id, &[])?;
    let mut cursor = FrameCursor::new(&from.survey.frames);
    let mut rows = Ordered::new(from.table, from.survey);
    let (mut done, mut frame) = (0, 0);
    while let Some(mut row) = rows.next()? {
        row.session_id.clone_from(&from.session_id);
        if row.event_type == event_type::FRAME {
            row.frame_ref = Some(frame as i64);
            if let Some(sample) = video.and_then(|video| video.samples.get(frame)) {
                row.pts = Some(sample.pts_us);
                row.is_keyframe = Some(sample.keyframe);
                row.metadata.push_int(key::BYTES, i64::from(sample.size));
            }
            frame += 1;
        } else {
            cursor.place(&mut row);
        }
        measured.take(&row.as_row());
        writer.push(&row.as_row())?;
        done += 1;
        if done % PROGRESS_ROWS == 0 {
            progress(Step { what: "rows", done, of: from.survey.rows });
        }
    }
    Ok((writer.finish()?, cursor.changed))
}
