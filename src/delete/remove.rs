//! Removes what a plan names, and nothing else: of a session's folder the names that a session or its log has, of an export the files
//! that its manifest lists and that are still what it lists.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::base::files::opened::{Named, Opened};
use crate::export::manifest::FileInfo;
use crate::log;
use crate::media::track;
use crate::session::layout;
use crate::session::seal;

/// What became of a removal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Removed {
    /// Files that are gone.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is still there, with the reason.
    pub left: Vec<(PathBuf, String)>,
}

/// Read at once while a file is hashed.
const BLOCK: usize = 1 << 16;
/// How deep the folders of a log's database are.
const MAX_DEPTH: usize = 4;
/// The names in a session's folder, but for what the seal lists; the last ones go last, so that what an interruption leaves is known.
const SESSION_FILES: [&str; 9] = [
    layout::REVIEW_FILE,
    layout::ANNOTATIONS_FILE,
    layout::SIGNATURE_FILE,
    layout::FRAMES_FILE,
    layout::EVENTS_FILE,
    layout::AUDIO_FILE,
    layout::MICROPHONE_FILE,
    layout::INTEGRITY_FILE,
    layout::METADATA_FILE,
];
/// The files of a log.
const LOG_FILES: [&str; 8] = [
    log::FACTS_FILE,
    track::PICTURES_FILE,
    track::SOUND_FILE,
    track::MICROPHONE_FILE,
    log::RESERVE_FILE,
    log::ENDING_FILE,
    log::HOLDER_FILE,
    log::LOCK_FILE,
];

impl Removed {
    fn leave(&mut self, path: PathBuf, why: impl std::fmt::Display) {
        self.left.push((path, why.to_string()));
    }

    /// Removes a file of the current user; one that is not there is none.
    fn file(&mut self, folder: &Opened, name: &OsStr, path: &Path) {
        match folder.kind(name) {
            Ok(Named::File(size)) => match folder.remove_file(name) {
                Ok(()) => {
                    self.files += 1;
                    self.bytes += size;
                }
                Err(error) => self.leave(path.join(name), error),
            },
            Ok(_) => self.leave(path.join(name), "it is no file of yours"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.leave(path.join(name), error),
        }
    }

    /// Removes a folder, in which nothing is left, or says what is.
    fn empty_folder(&mut self, above: &Opened, name: &OsStr, folder: &Opened, path: &Path) {
        let unknown = folder.names().unwrap_or_default();
        for name in &unknown {
            let there = path.join(name);
            if !self.left.iter().any(|(left, _)| left.starts_with(&there)) {
                self.leave(there, "nothing of a recording has this name");
            }
        }
        if unknown.is_empty()
            && let Err(error) = above.remove_folder(name)
        {
            self.leave(path.to_path_buf(), error);
        }
    }

    /// Removes the PNG pictures of a folder, and those that were not written to their end.
    fn pictures(&mut self, folder: &Opened, path: &Path) {
        for name in folder.names().unwrap_or_default() {
            let text = name.to_string_lossy();
            let of = text.strip_suffix(layout::TEMP_SUFFIX).unwrap_or(&text);
            if layout::debug_frame_of(of).is_some() {
                self.file(folder, &name, path);
            }
        }
    }

    /// Removes all files below a folder of a log's database, whose names are the database's own.
    fn tree(&mut self, above: &Opened, name: &OsStr, path: &Path, depth: usize) {
        let folder = match above.inside(name) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.leave(path.to_path_buf(), error),
        };
        for inner in folder.names().unwrap_or_default() {
            match folder.kind(&inner) {
                Ok(Named::Folder) if depth < MAX_DEPTH => self.tree(&folder, &inner, &path.join(&inner), depth + 1),
                _ => self.file(&folder, &inner, path),
            }
        }
        self.empty_folder(above, name, &folder, path);
    }
}

/// A path's folder and its name there.
fn parted(path: &Path) -> Option<(&Path, &OsStr)> {
    let above = path.parent()?;
    Some((if above.as_os_str().is_empty() { Path::new(".") } else { above }, path.file_name()?))
}

/// Removes a session's or log's folder.
pub(super) fn session(path: &Path) -> Removed {
    let mut removed = Removed::default();
    let Some((above_path, name)) = parted(path) else {
        removed.leave(path.to_path_buf(), "it has no name");
        return removed;
    };
    let opened = Opened::open(above_path).and_then(|above| Ok((above.inside(name)?, above)));
    let (folder, above) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            removed.leave(path.to_path_buf(), error);
            return removed;
        }
    };
    let log_name = OsStr::new(layout::LOG_DIR);
    if let Ok(log) = folder.inside(log_name) {
        let log_path = path.join(layout::LOG_DIR);
        removed.tree(&log, OsStr::new(log::EVENTS_DIR), &log_path.join(log::EVENTS_DIR), 0);
        let pictures = OsStr::new(log::DEBUG_DIR);
        if let Ok(debug) = log.inside(pictures) {
            let debug_path = log_path.join(pictures);
            removed.pictures(&debug, &debug_path);
            removed.empty_folder(&log, pictures, &debug, &debug_path);
        }
        for name in LOG_FILES {
            removed.file(&log, OsStr::new(name), &log_path);
        }
        removed.empty_folder(&folder, log_name, &log, &log_path);
    }
    // What the seal lists beside the usual files: pictures of single frames.
    let sealed = seal::read_integrity(path).unwrap_or_default();
    let pictures = OsStr::new(layout::DEBUG_DIR);
    if let Ok(debug) = folder.inside(pictures) {
        let debug_path = path.join(pictures);
        for entry in &sealed {
            if let Some(name) = entry.name.strip_prefix(layout::DEBUG_DIR).and_then(|rest| rest.strip_prefix('/'))
                && !name.contains('/')
            {
                removed.file(&debug, OsStr::new(name), &debug_path);
            }
        }
        removed.pictures(&debug, &debug_path);
        removed.empty_folder(&folder, pictures, &debug, &debug_path);
    }
    for name in SESSION_FILES {
        let temp: OsString = [OsStr::new(name), OsStr::new(layout::TEMP_SUFFIX)].into_iter().collect();
        removed.file(&folder, &temp, path);
        removed.file(&folder, OsStr::new(name), path);
    }
    removed.empty_folder(&above, name, &folder, path);
    removed
}

/// Whether all that is in the folder of a sealed session is what its removal removes: files of the current user that its seal lists
/// (`listed`), or that lie beside it. False where that cannot be told, and where a log is there.
pub fn removes_all(path: &Path, listed: &BTreeSet<String>) -> bool {
    let Some((above, name)) = parted(path) else { return false };
    let is_file = |folder: &Opened, name: &OsStr| matches!(folder.kind(name), Ok(Named::File(_)));
    let known = || -> io::Result<bool> {
        let folder = Opened::open(above)?.inside(name)?;
        for name in folder.names()? {
            let text = name.to_string_lossy();
            if text == layout::DEBUG_DIR {
                let pictures = folder.inside(&name)?;
                let of = |name: &OsString| format!("{}/{}", layout::DEBUG_DIR, name.to_string_lossy());
                if !pictures.names()?.iter().all(|name| listed.contains(&of(name)) && is_file(&pictures, name)) {
                    return Ok(false);
                }
                continue;
            }
            let ours = listed.contains(&*text) || layout::is_beside(&text);
            if !ours || !SESSION_FILES.contains(&&*text) || !is_file(&folder, &name) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    known().unwrap_or(false)
}

/// Removes the files of an export, and then its manifest.
pub(super) fn export(manifest: &Path, files: &[FileInfo]) -> Removed {
    let mut removed = Removed::default();
    let Some((dir, name)) = parted(manifest) else { return removed };
    let folder = match Opened::open(dir) {
        Ok(folder) => folder,
        Err(error) => {
            removed.leave(dir.to_path_buf(), error);
            return removed;
        }
    };
    for file in files {
        listed(&mut removed, &folder, dir, file);
    }
    if removed.left.is_empty() {
        removed.file(&folder, name, dir);
    } else {
        removed.leave(manifest.to_path_buf(), "files that it lists are still there");
    }
    removed
}

/// Removes one file that a manifest lists, when it is what is listed; and the folders inside the export that are empty then.
fn listed(removed: &mut Removed, folder: &Opened, dir: &Path, file: &FileInfo) {
    let path = dir.join(&file.name);
    let parts: Vec<&str> = file.name.split('/').collect();
    let Some((name, folders)) = parts.split_last() else { return };
    if parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..") {
        return removed.leave(path, "the name leads out of the export");
    }
    let mut chain: Vec<Opened> = Vec::new();
    for part in folders {
        match chain.last().unwrap_or(folder).inside(OsStr::new(part)) {
            Ok(inside) => chain.push(inside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return removed.leave(path, error),
        }
    }
    let own = chain.last().unwrap_or(folder);
    match is_listed(own, OsStr::new(name), file) {
        Ok(None) => return,
        Ok(Some(true)) => removed.file(own, OsStr::new(name), path.parent().unwrap_or(dir)),
        Ok(Some(false)) => return removed.leave(path, "it is not what the manifest lists any more"),
        Err(error) => return removed.leave(path, error),
    }
    for at in (0..folders.len()).rev() {
        let above = if at == 0 { folder } else { &chain[at - 1] };
        // It stays while something is in it.
        if chain[at].names().is_ok_and(|names| names.is_empty())
            && above.remove_folder(OsStr::new(folders[at])).is_err()
        {
            break;
        }
    }
}

/// Whether a file is the one that is listed; `None` when it is not there.
fn is_listed(folder: &Opened, name: &OsStr, file: &FileInfo) -> io::Result<Option<bool>> {
    match folder.kind(name) {
        Ok(Named::File(size)) if size == file.size_bytes => {}
        Ok(_) => return Ok(Some(false)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let (mut open, mut hash, mut block) = (folder.open_file(name)?, Sha256::new(), vec![0; BLOCK]);
    loop {
        let read = open.read(&mut block)?;
        if read == 0 {
            break;
        }
        hash.update(&block[..read]);
    }
    let found = seal::FileHash(hash.finalize().into()).to_string();
    Ok(Some(found == file.sha256))
}
