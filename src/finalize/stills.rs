//! The PNG pictures of a log, brought into the session under the numbers that their frames have there.
//!
//! Keeps the invariants that finalizing again gives the same, since the log's own pictures stay until the log goes, and that no picture is in
//! the session whose frame is not: what was withdrawn, torn or never stored takes its picture along. A picture that is not whole is left out.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::error::FinalizeError;
use super::rows::RowMaker;
use super::source::LogSource;
use crate::base::event::Stream;
use crate::base::files;
use crate::base::id::FrameRef;
use crate::base::io_error::IoError;
use crate::log::LogError;
use crate::media::png;
use crate::session::layout;
use crate::session::link;
use crate::session::metadata::{Extra, Metadata, StreamInfo};
use crate::session::seal::{FileHash, IntegrityEntry};
use crate::session::stills;

/// The pictures of a session, in order.
#[derive(Default)]
pub(super) struct Stills {
    pictures: Vec<(FrameRef, FileHash)>,
    /// Those that lie in the log.
    logged: u64,
}

/// Brings the pictures of the log into the session's folder.
///
/// # Errors
/// When they cannot be listed, read or brought.
pub(super) fn bring(session: &Path, source: &LogSource, rows: &RowMaker) -> Result<Stills, FinalizeError> {
    clear(session)?;
    let mut found = Stills::default();
    let from = &source.reader.paths().debug;
    if !source.story.is_agreed(Stream::Screen) {
        return Ok(found);
    }
    for logged in frames_in(from)? {
        found.logged += 1;
        let Some(frame) = rows.number_of(logged) else { continue };
        if found.pictures.len() == stills::MAX_PICTURES {
            break;
        }
        let target = session.join(stills::path_of(frame));
        link::bring(&from.join(layout::debug_frame_name(logged)), &target).map_err(LogError::from)?;
        match hash_if_whole(&target, png::most_bytes(source.story.coded)).map_err(LogError::from)? {
            Some(hash) => found.pictures.push((frame, hash)),
            None => drop(files::remove_file(&target).map_err(IoError::at("remove", &target)).map_err(LogError::from)?),
        }
    }
    found.pictures.sort_by_key(|(frame, _)| *frame);
    remove_if_empty(&layout::debug_dir(session))?;
    Ok(found)
}

/// Removes what an interrupted run had brought.
fn clear(session: &Path) -> Result<(), LogError> {
    let dir = layout::debug_dir(session);
    for (name, kind) in list(&dir)? {
        let path = dir.join(&name);
        if kind == files::Kind::File && layout::debug_frame_of(&name.to_string_lossy()).is_some() {
            files::remove_file(&path).map_err(IoError::at("remove", &path))?;
        }
    }
    remove_if_empty(&dir)
}

/// Removes the folder of the session's pictures when there is nothing in it.
fn remove_if_empty(dir: &Path) -> Result<(), LogError> {
    if files::look(dir).is_ok_and(|found| found.is_dir()) && list(dir)?.is_empty() {
        files::remove_empty_dir(dir).map_err(IoError::at("remove", dir))?;
    }
    Ok(())
}

/// The frames of which a folder has pictures, in order.
fn frames_in(dir: &Path) -> Result<Vec<FrameRef>, LogError> {
    let names = list(dir)?.into_iter().filter(|(_, kind)| *kind == files::Kind::File);
    Ok(names.filter_map(|(name, _)| layout::debug_frame_of(&name.to_string_lossy())).collect())
}

fn list(dir: &Path) -> Result<Vec<(std::ffi::OsString, files::Kind)>, LogError> {
    match files::look(dir) {
        Ok(found) if found.is_dir() => Ok(files::list(dir).map_err(IoError::at("list", dir))?),
        Ok(_) => Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(IoError::at("look at", dir)(error).into()),
    }
}

/// The hash of a picture that was written to its end, and is no larger than a picture can be.
fn hash_if_whole(path: &Path, most: u64) -> Result<Option<FileHash>, IoError> {
    let file = match files::open_regular(path) {
        // All but empty: it was never written.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => return Ok(None),
        file => file.map_err(IoError::at("open", path))?,
    };
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(IoError::at("read", path))?;
    let whole = bytes.len() as u64 <= most && png::is_whole(&bytes);
    Ok(whole.then(|| FileHash(Sha256::digest(&bytes).into())))
}

impl Stills {
    /// Their lines of the seal.
    pub(super) fn entries(&self) -> impl Iterator<Item = IntegrityEntry> {
        self.pictures.iter().map(|(frame, hash)| IntegrityEntry { name: stills::path_of(*frame), hash: *hash })
    }

    /// Says in the metadata which there are; nothing where none were asked for.
    pub(super) fn describe(&self, source: &LogSource, metadata: &mut Metadata) {
        let (asked, counts) = source.story.stills();
        if asked.is_none() && counts.is_none() && self.pictures.is_empty() {
            return;
        }
        // The count comes with each reading of the clocks, the last one at the end: of a log that was not closed, it is not known.
        let is_closed = source.reader.facts.end.is_some();
        let wanted = is_closed.then(|| counts.and_then(|counts| counts.wanted).unwrap_or(0));
        let skipped = wanted.map(|wanted| wanted.saturating_sub(self.logged));
        let lost = is_closed.then(|| self.logged - self.pictures.len() as u64);
        let of = asked.cloned().unwrap_or_default();
        let settings = json!({
            stills::EVERY_S: of.every_s, stills::FRAMES: of.frames, stills::ON: of.on,
            stills::PICTURES: self.pictures.iter().map(|(frame, _)| frame.0).collect::<Vec<_>>(),
            stills::SKIPPED: skipped, stills::LOST: lost,
        });
        let none = || StreamInfo {
            status: "recorded".into(),
            source: None,
            reason: None,
            settings: std::collections::BTreeMap::new(),
            extra: Extra::new(),
        };
        let info = metadata.streams.entry(Stream::Screen.name().to_owned()).or_insert_with(none);
        info.settings.insert(stills::PNG.to_owned(), Value::clone(&settings));
    }
}
