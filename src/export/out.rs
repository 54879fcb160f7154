//! Where exports go: names, temporary files, publishing.
//!
//! Keeps the invariants that a file appears under its name only when it is whole and on the disk, and the manifest when all of them are;
//! and that all of it is private. What another export left under the same names, and is not made again, is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::io_error;
use super::manifest::{FileInfo, Manifest};
use super::{ExportError, Format};
use crate::files;
use crate::session::layout;
use crate::session::seal;

/// End of a manifest's name.
const MANIFEST_SUFFIX: &str = "export.json";

/// Where what is made of one session goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The folder.
    pub(super) dir: PathBuf,
    /// Name of the session's folder.
    pub(super) name: String,
    /// The one file, when it was named.
    file: Option<String>,
}

impl Place {
    pub(super) fn manifest_path(&self, format: &dyn Format) -> PathBuf {
        self.dir.join(match &self.file {
            Some(file) => format!("{file}.{MANIFEST_SUFFIX}"),
            None => format!("{}.{}.{MANIFEST_SUFFIX}", self.name, format.name()),
        })
    }
}

/// Where each session's export goes, and that no two go to the same place. Creates the folder (0700) when it is not there.
pub(super) fn places(format: &dyn Format, sessions: &[PathBuf], target: &Path) -> Result<Vec<Place>, ExportError> {
    let extension = format.suffix().and_then(|suffix| suffix.rsplit('.').next());
    let is_file = extension.is_some() && target.extension().and_then(|e| e.to_str()) == extension && !target.is_dir();
    let (dir, file) = if is_file {
        if sessions.len() > 1 {
            return Err(ExportError::OneFile { path: target.to_path_buf(), sessions: sessions.len() });
        }
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        (parent.to_path_buf(), target.file_name().map(|name| name.to_string_lossy().into_owned()))
    } else {
        (target.to_path_buf(), None)
    };
    if layout::enclosing(&dir).is_some() {
        return Err(ExportError::Inside { path: dir });
    }
    let mut taken = BTreeSet::new();
    let mut places = Vec::new();
    for session in sessions {
        let found = session.canonicalize().map_err(|_missing| ExportError::NoFolder { path: session.clone() })?;
        let name = found.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !taken.insert(name.clone()) {
            return Err(ExportError::SameName { name });
        }
        places.push(Place { dir: dir.clone(), name, file: file.clone() });
    }
    if !is_file && dir.symlink_metadata().is_err() {
        create_folders(&dir)?;
    }
    Ok(places)
}

/// Creates a folder and those above it that are not there.
fn create_folders(dir: &Path) -> Result<(), ExportError> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        create_folders(above)?;
    }
    files::create_private_dir(dir).map_err(io_error("create", dir))
}

/// The files of one piece while they are made.
pub struct Out {
    place: Place,
    made: Vec<String>,
    samples: BTreeMap<String, u64>,
    scratch: Vec<PathBuf>,
    told: serde_json::Value,
}

impl Out {
    pub(super) fn begin(place: &Place) -> Self {
        Self {
            place: place.clone(),
            made: Vec::new(),
            samples: BTreeMap::new(),
            scratch: Vec::new(),
            told: serde_json::Value::Null,
        }
    }

    /// What was made of a session of this name in a folder.
    pub(super) fn of(dir: &Path, name: &str) -> Self {
        Self::begin(&Place { dir: dir.to_path_buf(), name: name.to_owned(), file: None })
    }

    /// The name of a piece's file: the session's name and this suffix, or the one that was asked for.
    pub fn name(&self, suffix: &str) -> String {
        self.place.file.clone().unwrap_or_else(|| format!("{}.{suffix}", self.place.name))
    }

    /// The name of a file beside the one that was asked for, or the session's name, and this suffix.
    pub fn name_beside(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.place.file.as_ref().unwrap_or(&self.place.name))
    }

    /// A path beside what is made, for a file that is not published and removed at the end.
    pub fn scratch(&mut self, suffix: &str) -> PathBuf {
        let path = layout::temp_path(&self.place.dir.join(self.name_beside(suffix)));
        self.scratch.push(path.clone());
        path
    }

    /// Says how many samples a file holds.
    pub fn note_samples(&mut self, name: &str, samples: u64) {
        self.samples.insert(name.to_owned(), samples);
    }

    /// Says something of what was made, which the manifest keeps.
    pub fn tell(&mut self, told: serde_json::Value) {
        self.told = told;
    }

    fn clean(&self) {
        for path in &self.scratch {
            if let Err(error) = std::fs::remove_file(path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, path = %path.display(), "a temporary file could not be removed");
            }
        }
    }

    /// Begins a file, private, under its temporary name; its folders are made when it has some. Answers with the path to write to.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(&mut self, name: &str) -> Result<(File, PathBuf), ExportError> {
        let target = self.place.dir.join(name);
        if let Some(dir) = target.parent() {
            create_folders(dir)?;
        }
        let temp = layout::temp_path(&target);
        let file = files::create_private_file(&temp).map_err(io_error("create", &temp))?;
        self.made.push(name.to_owned());
        Ok((file, temp))
    }

    /// Begins a file that is one of the session's: a second name for it where the file system has such, else a copy.
    ///
    /// # Errors
    /// When it can be neither linked nor copied.
    pub fn bring(&mut self, name: &str, from: &Path) -> Result<(), ExportError> {
        let temp = layout::temp_path(&self.place.dir.join(name));
        if let Err(error) = std::fs::remove_file(&temp)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(io_error("remove", &temp)(error));
        }
        if std::fs::hard_link(from, &temp).is_ok() {
            self.made.push(name.to_owned());
            return Ok(());
        }
        let (mut to, temp) = self.create(name)?;
        let mut source = File::open(from).map_err(io_error("open", from))?;
        std::io::copy(&mut source, &mut to).map_err(io_error("write", &temp))?;
        Ok(())
    }

    /// Removes what was begun.
    pub(super) fn discard(&self) {
        self.clean();
        for name in &self.made {
            let temp = layout::temp_path(&self.place.dir.join(name));
            if let Err(error) = std::fs::remove_file(&temp) {
                tracing::warn!(%error, path = %temp.display(), "an unfinished file could not be removed");
            }
        }
    }

    /// Gives every file its name, and then writes the manifest.
    pub(super) fn publish(self, manifest: Manifest, path: &Path) -> Result<Manifest, ExportError> {
        self.clean();
        let mut manifest = manifest;
        manifest.told = self.told.clone();
        for name in &self.made {
            let temp = layout::temp_path(&self.place.dir.join(name));
            let size_bytes = temp.metadata().map_err(io_error("look at", &temp))?.len();
            let sha256 = seal::hash_file(&temp, &mut |_| {})?.to_string();
            let samples = self.samples.get(name).copied();
            manifest.files.push(FileInfo { name: name.clone(), size_bytes, sha256, samples });
        }
        self.forget(&manifest.files, path)?;
        for name in &self.made {
            let target = self.place.dir.join(name);
            seal::publish(&layout::temp_path(&target), &target)?;
        }
        let mut text = serde_json::to_string_pretty(&manifest)
            .map_err(|source| ExportError::Json { path: path.to_path_buf(), source })?;
        text.push('\n');
        seal::publish_bytes(path, text.as_bytes())?;
        Ok(manifest)
    }

    /// Removes what an earlier export made of the session.
    pub(super) fn remove(&self, path: &Path) -> Result<(), ExportError> {
        self.forget(&[], path)
    }

    /// Removes an older manifest, which is not true any more, and those of its files that are not made again.
    fn forget(&self, made: &[FileInfo], path: &Path) -> Result<(), ExportError> {
        let Some(old) = Manifest::read(path) else { return Ok(()) };
        std::fs::remove_file(path).map_err(io_error("remove", path))?;
        for file in &old.files {
            let inside = file.name.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
            if inside && !made.iter().any(|made| made.name == file.name) {
                let left = self.place.dir.join(&file.name);
                match std::fs::remove_file(&left) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(io_error("remove", &left)(error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
