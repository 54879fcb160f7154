//! Where exports go: names, temporary files, publishing.
//!
//! Keeps the invariants that a file appears under its name only when it is whole and on the disk, and the manifest when all of them are;
//! that all of it is private; and that nothing is replaced or removed but what an earlier export of the same session in the same format
//! says it made. While files get their names, a note beside the manifest says which they are, so that after an interruption they still
//! are known as ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::io_error;
use super::manifest::{self, FileInfo, Manifest};
use super::{ExportError, Format};
use crate::files;
use crate::session::layout;
use crate::session::seal;

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
    fn manifest_path(&self, format: &dyn Format) -> PathBuf {
        self.dir.join(match &self.file {
            Some(file) => format!("{file}.{}", manifest::SUFFIX),
            None => format!("{}.{}.{}", self.name, format.name(), manifest::SUFFIX),
        })
    }
}

/// Where each session's export goes, and that no two go to the same place; and which folders were made (0700) since they were not
/// there.
pub(super) fn places(
    format: &dyn Format,
    sessions: &[PathBuf],
    target: &Path,
) -> Result<(Vec<Place>, Vec<PathBuf>), ExportError> {
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
    let mut created = Vec::new();
    if !is_file && dir.symlink_metadata().is_err() {
        create_folders(&dir, &mut created)?;
    }
    Ok((places, created))
}

/// Creates a folder and those above it that are not there, and says which, those above first.
fn create_folders(dir: &Path, created: &mut Vec<PathBuf>) -> Result<(), ExportError> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        create_folders(above, created)?;
    }
    files::create_private_dir(dir).map_err(io_error("create", dir))?;
    created.push(dir.to_path_buf());
    Ok(())
}

/// Removes those of the folders that were made in which nothing is.
pub(super) fn remove_empty(created: &[PathBuf]) {
    for dir in created.iter().rev() {
        if let Err(error) = std::fs::remove_dir(dir) {
            tracing::debug!(%error, path = %dir.display(), "a folder stays");
        }
    }
}

/// Removes a file that may not be there.
fn remove_file(path: &Path) -> Result<(), ExportError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The files of one piece while they are made.
pub struct Out {
    place: Place,
    /// Where the manifest is, or will be.
    path: PathBuf,
    /// What earlier exports of the session in this format say: the manifest, and the note of one that was interrupted.
    earlier: Vec<Manifest>,
    made: Vec<String>,
    created: Vec<PathBuf>,
    samples: BTreeMap<String, u64>,
    scratch: Vec<PathBuf>,
    told: serde_json::Value,
}

impl Out {
    /// Looks at what is there.
    ///
    /// # Errors
    /// When the manifest has a name that something else has.
    pub(super) fn begin(place: &Place, format: &dyn Format) -> Result<Self, ExportError> {
        let path = place.manifest_path(format);
        let there = Manifest::read(&path);
        let is_ours = |found: &Manifest| found.format == format.name() && found.source.name == place.name;
        if path.symlink_metadata().is_ok() && !there.as_ref().is_some_and(is_ours) {
            let named = place.file.as_ref().map_or_else(|| path.clone(), |file| place.dir.join(file));
            return Err(ExportError::Taken { path: named, by: there.as_ref().map(Manifest::what) });
        }
        let begun = Manifest::read(&begun_path(&path)).filter(is_ours);
        Ok(Self {
            place: place.clone(),
            path,
            earlier: there.into_iter().chain(begun).collect(),
            made: Vec::new(),
            created: Vec::new(),
            samples: BTreeMap::new(),
            scratch: Vec::new(),
            told: serde_json::Value::Null,
        })
    }

    /// Refuses the name of the one file of a format when something else has it: before the long work begins.
    pub(super) fn check(&self, format: &dyn Format) -> Result<(), ExportError> {
        format.suffix().map_or(Ok(()), |suffix| self.claim(&self.name(suffix)))
    }

    /// What was made of a session of this name in a folder.
    pub(super) fn of(dir: &Path, name: &str, format: &dyn Format) -> Result<Self, ExportError> {
        Self::begin(&Place { dir: dir.to_path_buf(), name: name.to_owned(), file: None }, format)
    }

    /// Where the manifest is, or will be.
    pub(super) fn manifest_path(&self) -> &Path {
        &self.path
    }

    /// The manifest that is there, when it says what `manifest` does and its files are there.
    pub(super) fn kept(&self, manifest: &Manifest) -> Result<Option<Manifest>, ExportError> {
        let there =
            Manifest::read(&self.path).filter(|there| there.is(manifest) && there.files_are_in(&self.place.dir));
        if there.is_some() {
            // Of an export that was interrupted when all was done.
            remove_file(&begun_path(&self.path))?;
        }
        Ok(there)
    }

    /// Refuses a name that something has which no earlier export of the session in this format made.
    fn claim(&self, name: &str) -> Result<(), ExportError> {
        let path = self.place.dir.join(name);
        let is_ours = self.earlier.iter().flat_map(|earlier| &earlier.files).any(|file| file.name == name);
        if is_ours || path.symlink_metadata().is_err() {
            return Ok(());
        }
        let maker = manifest::all_in(&self.place.dir).find(|other| other.files.iter().any(|file| file.name == name));
        Err(ExportError::Taken { path, by: maker.map(|maker| maker.what()) })
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
    /// When it cannot be created, or something has its name that was not made here.
    pub fn create(&mut self, name: &str) -> Result<(File, PathBuf), ExportError> {
        self.claim(name)?;
        let target = self.place.dir.join(name);
        if let Some(dir) = target.parent() {
            create_folders(dir, &mut self.created)?;
        }
        let temp = layout::temp_path(&target);
        let file = files::create_private_file(&temp).map_err(io_error("create", &temp))?;
        self.made.push(name.to_owned());
        Ok((file, temp))
    }

    /// Begins a file that is one of the session's: a second name for it where the file system has such, else a copy.
    ///
    /// # Errors
    /// When it can be neither linked nor copied, or something has its name that was not made here.
    pub fn bring(&mut self, name: &str, from: &Path) -> Result<(), ExportError> {
        self.claim(name)?;
        let temp = layout::temp_path(&self.place.dir.join(name));
        remove_file(&temp)?;
        if std::fs::hard_link(from, &temp).is_ok() {
            self.made.push(name.to_owned());
            return Ok(());
        }
        let (mut to, temp) = self.create(name)?;
        let mut source = File::open(from).map_err(io_error("open", from))?;
        std::io::copy(&mut source, &mut to).map_err(io_error("write", &temp))?;
        Ok(())
    }

    /// Removes what was begun, and the folders that were made for it.
    pub(super) fn discard(&self) {
        self.clean();
        for name in &self.made {
            let temp = layout::temp_path(&self.place.dir.join(name));
            if let Err(error) = remove_file(&temp) {
                tracing::warn!(%error, path = %temp.display(), "an unfinished file could not be removed");
            }
        }
        remove_empty(&self.created);
    }

    /// Gives every file its name, and then writes the manifest.
    pub(super) fn publish(&self, manifest: Manifest) -> Result<Manifest, ExportError> {
        self.clean();
        let mut manifest = manifest;
        manifest.told = self.told.clone();
        for name in &self.made {
            // It may have come while this was made.
            self.claim(name)?;
            let temp = layout::temp_path(&self.place.dir.join(name));
            let size_bytes = temp.metadata().map_err(io_error("look at", &temp))?.len();
            let sha256 = seal::hash_file(&temp, &mut |_| {})?.to_string();
            let samples = self.samples.get(name).copied();
            manifest.files.push(FileInfo { name: name.clone(), size_bytes, sha256, samples });
        }
        let begun = begun_path(&self.path);
        let before =
            self.earlier.iter().flat_map(|earlier| &earlier.files).filter(|file| !self.made.contains(&file.name));
        let note = Manifest { files: manifest.files.iter().chain(before).cloned().collect(), ..manifest.clone() };
        write_manifest(&begun, &note)?;
        self.forget()?;
        for name in &self.made {
            let target = self.place.dir.join(name);
            seal::publish(&layout::temp_path(&target), &target)?;
        }
        write_manifest(&self.path, &manifest)?;
        remove_file(&begun)?;
        Ok(manifest)
    }

    /// Removes what earlier exports made of the session.
    pub(super) fn remove(&self) -> Result<(), ExportError> {
        self.forget()?;
        remove_file(&begun_path(&self.path))
    }

    /// Removes those files of earlier exports that are not made again, and then their manifest, which is not true any more.
    fn forget(&self) -> Result<(), ExportError> {
        for file in self.earlier.iter().flat_map(|earlier| &earlier.files) {
            let inside = file.name.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
            if inside && !self.made.contains(&file.name) {
                remove_file(&self.place.dir.join(&file.name))?;
            }
        }
        remove_file(&self.path)
    }
}

fn begun_path(manifest: &Path) -> PathBuf {
    let mut name = manifest.as_os_str().to_owned();
    name.push(manifest::BEGUN_SUFFIX);
    PathBuf::from(name)
}

fn write_manifest(path: &Path, manifest: &Manifest) -> Result<(), ExportError> {
    let mut text = serde_json::to_string_pretty(manifest)
        .map_err(|source| ExportError::Json { path: path.to_path_buf(), source })?;
    text.push('\n');
    Ok(seal::publish_bytes(path, text.as_bytes())?)
}
