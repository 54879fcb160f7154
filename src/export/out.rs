//! Where exports go: names, temporary files, publishing.
//!
//! Keeps the invariants that a file appears under its name only when it is whole and on the disk, and the manifest when all of them are;
//! that all of it is private; and that nothing is replaced or removed but what an earlier export of the same session in the same format
//! says it made, but where a format names files by a session's place: there one session takes the file of another one, which is made anew,
//! and what was made of that goes first, manifest and all. While files get their names, a note beside the manifest says which they are, so that after an interruption they still
//! are known as ours.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::ExportError;
use super::kind::FormatKind;
use super::manifest::{self, FileInfo, Manifest};
use super::options::Options;
use crate::base::files;
use crate::base::io_error::IoError;
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
    fn manifest_path(&self, format: &dyn FormatKind) -> PathBuf {
        self.dir.join(match &self.file {
            Some(file) => format!("{file}.{}", manifest::SUFFIX),
            None => format!("{}.{}.{}", self.name, format.name(), manifest::SUFFIX),
        })
    }
}

/// Where each session's export goes, and that no two go to the same place; and which folders were made (0700) since they were not
/// there.
pub(super) fn places(
    format: &dyn FormatKind,
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
        // One that is not there is said to be so when it is looked at.
        let found = session.canonicalize().unwrap_or_else(|_missing| session.clone());
        let name = found.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !taken.insert(name.clone()) {
            return Err(ExportError::SameName { name });
        }
        places.push(Place { dir: dir.clone(), name, file: file.clone() });
    }
    let mut created = Vec::new();
    if !is_file && dir.symlink_metadata().is_err() {
        files::create_private_dirs(&dir, &mut created).map_err(IoError::at("create", &dir))?;
    }
    Ok((places, created))
}

/// Whether a name is `stem`, a dot and what a format puts behind it.
pub(super) fn is_beside(file: &str, stem: &str, is_ending: impl FnOnce(&str) -> bool) -> bool {
    file.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_ending)
}

/// Whether it is digits only.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes a file that may not be there.
fn remove_file(path: &Path) -> Result<(), ExportError> {
    Ok(files::remove_file(path).map(drop).map_err(IoError::at("remove", path))?)
}

/// The files of one piece while they are made.
pub struct Out {
    place: Place,
    /// Where the manifest is, or will be.
    path: PathBuf,
    /// What earlier exports of the session in this format made: by the manifest, and by the note of one that was interrupted.
    earlier: Vec<FileInfo>,
    made: Vec<String>,
    created: Vec<PathBuf>,
    samples: BTreeMap<String, u64>,
    format: &'static dyn FormatKind,
    /// Which exports made which files of the folder, as it was when first asked.
    makers: OnceCell<BTreeMap<String, Maker>>,
    scratch: Vec<PathBuf>,
    told: serde_json::Value,
    has_sound: bool,
    has_stills: bool,
    notes: Vec<String>,
}

impl Out {
    /// Looks at what is there.
    ///
    /// # Errors
    /// When the manifest has a name that something else has.
    pub(super) fn begin(place: &Place, format: &'static dyn FormatKind) -> Result<Self, ExportError> {
        let path = place.manifest_path(format);
        let there = Manifest::read(&path);
        let is_ours = |found: &Manifest| found.format == format.name() && found.source.name == place.name;
        if !files::is_free(&path) && !there.as_ref().is_some_and(is_ours) {
            let named = place.file.as_ref().map_or_else(|| path.clone(), |file| place.dir.join(file));
            return Err(ExportError::Taken { path: named, by: there.as_ref().map(Manifest::what) });
        }
        let note = begun_path(&path);
        let begun = Manifest::read(&note).filter(is_ours);
        if begun.is_none() && !files::is_free(&note) {
            return Err(ExportError::Taken { path: note, by: None });
        }
        let stem = place.file.as_ref().unwrap_or(&place.name);
        let made = |manifest: Manifest| {
            let id = manifest.source.session_id;
            let is_made =
                move |file: &FileInfo| place.file.as_ref() == Some(&file.name) || format.makes(&file.name, stem, &id);
            manifest.files.into_iter().filter(is_made)
        };
        let earlier = there.into_iter().chain(begun).flat_map(made).collect();
        Ok(Self {
            place: place.clone(),
            path,
            earlier,
            made: Vec::new(),
            created: Vec::new(),
            samples: BTreeMap::new(),
            format,
            makers: OnceCell::new(),
            scratch: Vec::new(),
            told: serde_json::Value::Null,
            has_sound: false,
            has_stills: false,
            notes: Vec::new(),
        })
    }

    /// Refuses to replace what an earlier export made in another way, or of another session that has the same name, unless that was asked for.
    ///
    /// # Errors
    /// [`ExportError::OtherOptions`] or [`ExportError::OtherSession`].
    pub(super) fn check_earlier(&self, manifest: &Manifest, options: &Options) -> Result<(), ExportError> {
        let Some(there) = Manifest::read(&self.path).filter(|_| !options.replace) else { return Ok(()) };
        let (format, name) = (manifest.format.clone(), manifest.source.name.clone());
        if there.source.session_id != manifest.source.session_id {
            return Err(ExportError::OtherSession { path: self.path.clone(), format, name });
        }
        let other = there.asked_otherwise(manifest);
        if other.is_empty() {
            return Ok(());
        }
        Err(ExportError::OtherOptions { path: self.path.clone(), format, name, other })
    }

    /// Refuses the name of the one file of a format when something else has it: before the long work begins.
    pub(super) fn check(&self) -> Result<(), ExportError> {
        self.format.suffix().map_or(Ok(()), |suffix| self.claim(&self.name(suffix)))
    }

    /// What was made of a session of this name in a folder.
    pub(super) fn of(dir: &Path, name: &str, format: &'static dyn FormatKind) -> Result<Self, ExportError> {
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
        self.claim_from(name, || self.makers.get_or_init(|| makers(&self.place.dir)))
    }

    fn claim_from<'m>(
        &self,
        name: &str,
        makers: impl FnOnce() -> &'m BTreeMap<String, Maker>,
    ) -> Result<(), ExportError> {
        let path = self.place.dir.join(name);
        let is_ours = self.earlier.iter().any(|file| file.name == name);
        if is_ours || files::is_free(&path) {
            return Ok(());
        }
        let maker = makers().get(name);
        // Where files are named by a session's place, one may have been another session's of the same format.
        if self.format.is_by_place() && maker.is_some_and(|maker| maker.format == self.format.name()) {
            return Ok(());
        }
        Err(ExportError::Taken { path, by: maker.map(|maker| maker.what.clone()) })
    }

    /// Removes what was made of other sessions in this format whose places these files have now: they are made anew, or are in no data set
    /// any more.
    fn evict(&self, makers: &BTreeMap<String, Maker>) -> Result<(), ExportError> {
        if !self.format.is_by_place() {
            return Ok(());
        }
        let others = self.made.iter().filter_map(|name| makers.get(name));
        let others = others.filter(|maker| maker.format == self.format.name() && maker.session != self.place.name);
        for session in others.map(|maker| &maker.session).collect::<BTreeSet<_>>() {
            Self::of(&self.place.dir, session, self.format)?.remove()?;
        }
        Ok(())
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

    /// Says whether sound was written; `None` when there is none that was asked for.
    pub(super) fn tell_sound(&mut self, has_sound: Option<bool>) {
        self.has_sound = has_sound == Some(true);
        if has_sound == Some(false) {
            self.note("there is no sound in it: the session has none where it was asked for");
        }
    }

    /// Returns whether sound was written.
    pub(super) fn has_sound(&self) -> bool {
        self.has_sound
    }

    /// Says whether PNG pictures of the session are in it.
    pub(super) fn tell_stills(&mut self, has_stills: bool) {
        self.has_stills = has_stills;
    }

    /// Returns whether PNG pictures of the session are in it.
    pub(super) fn has_stills(&self) -> bool {
        self.has_stills
    }

    /// Notes a fact that people should know of what is made.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Returns what was noted.
    pub(super) fn notes(self) -> Vec<String> {
        self.notes
    }

    fn clean(&self) {
        for path in &self.scratch {
            if let Err(error) = files::remove_file(path) {
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
            files::create_private_dirs(dir, &mut self.created).map_err(IoError::at("create", dir))?;
        }
        let temp = layout::temp_path(&target);
        let file = files::create_private_file(&temp).map_err(IoError::at("create", &temp))?;
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
        if files::link(from, &temp).is_ok() {
            self.made.push(name.to_owned());
            return Ok(());
        }
        let (mut to, temp) = self.create(name)?;
        let mut source = files::open_regular(from).map_err(IoError::at("open", from))?;
        std::io::copy(&mut source, &mut to).map_err(IoError::at("write", &temp))?;
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
        files::remove_empty_dirs(&self.created);
    }

    /// Gives every file its name, and then writes the manifest.
    pub(super) fn publish(&self, manifest: Manifest) -> Result<Manifest, ExportError> {
        self.clean();
        let mut manifest = manifest;
        manifest.told = self.told.clone();
        // Something may have come while this was made.
        let makers = makers(&self.place.dir);
        let mut hashed = Vec::new();
        for name in &self.made {
            self.claim_from(name, || &makers)?;
            let temp = layout::temp_path(&self.place.dir.join(name));
            let found = files::look(&temp).map_err(IoError::at("look at", &temp))?;
            let size_bytes = found.len;
            hashed.push(found.identity);
            let sha256 = seal::hash_file(&temp, &mut |_| {})?.to_string();
            let samples = self.samples.get(name).copied();
            manifest.files.push(FileInfo { name: name.clone(), size_bytes, sha256, samples });
        }
        let begun = begun_path(&self.path);
        let before = self.earlier.iter().filter(|file| !self.made.contains(&file.name));
        let note = Manifest { files: manifest.files.iter().chain(before).cloned().collect(), ..manifest.clone() };
        self.evict(&makers)?;
        write_manifest(&begun, &note)?;
        self.forget()?;
        for (name, identity) in self.made.iter().zip(hashed) {
            let target = self.place.dir.join(name);
            let temp = layout::temp_path(&target);
            // What is published is what was hashed.
            if files::look(&temp).map_err(IoError::at("look at", &temp))?.identity != identity {
                return Err(IoError::at("publish", &temp)(std::io::Error::other("somebody exchanged it")).into());
            }
            seal::publish(&temp, &target)?;
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
        for file in &self.earlier {
            let inside = file.name.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
            if inside && !self.made.contains(&file.name) {
                remove_file(&self.place.dir.join(&file.name))?;
            }
        }
        remove_file(&self.path)
    }
}

/// An export that made a file.
struct Maker {
    format: String,
    session: String,
    /// For people.
    what: String,
}

/// Which exports made the files in a folder.
fn makers(dir: &Path) -> BTreeMap<String, Maker> {
    let mut makers = BTreeMap::new();
    for made in manifest::all_in(dir) {
        for file in &made.files {
            let maker = Maker { format: made.format.clone(), session: made.source.name.clone(), what: made.what() };
            makers.insert(file.name.clone(), maker);
        }
    }
    makers
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
