//! Looks at sessions before anything is written: which cannot be exported, and which cannot lie beside each other in a folder.
//!
//! Two editions of a recording (a session and its redacted or migrated copy) have one id. Where names are made of the id the one would
//! be replaced by the other, and what was redacted be exported unredacted under the name of what was asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ExportError;
use super::format::Format;
use super::kind::FormatKind;
use super::manifest::{self, Manifest};
use super::options::Options;
use super::out::{Out, Place};
use super::source::Source;

/// What can be told of a session beforehand.
pub(super) enum Look {
    /// It can be exported, as far as is known.
    Good,
    /// Reviewers accepted nothing of it, and that was asked for.
    PassedOver,
    /// It cannot be exported.
    Bad(ExportError),
}

/// Looks at the folder and at every session.
///
/// # Errors
/// [`ExportError`] that is about all of them.
pub(super) fn check(
    format: &'static dyn Format,
    sessions: &[PathBuf],
    places: &[Place],
    options: &Options,
) -> Result<Vec<Look>, ExportError> {
    let Some(dir) = places.first().map(|place| &place.dir) else { return Ok(Vec::new()) };
    format.check_folder(dir)?;
    let mut together = Together::new(format, dir);
    let mut looks = Vec::with_capacity(sessions.len());
    for (session, place) in sessions.iter().zip(places) {
        looks.push(match look(format, session, place, options) {
            Ok(Some(opened)) => {
                together.add(session, &opened, &place.name)?;
                Look::Good
            }
            Ok(None) => Look::PassedOver,
            Err(error) => Look::Bad(error),
        });
    }
    Ok(looks)
}

/// A session that can be exported.
struct Opened {
    id: String,
    /// The size of its pictures, where that must be one for all.
    size: Option<(u32, u32)>,
    /// Names of the dimensions of its actions, likewise.
    dimensions: Vec<String>,
}

/// Opens a session; `None` when it is passed over.
fn look(
    format: &'static dyn Format,
    session: &Path,
    place: &Place,
    options: &Options,
) -> Result<Option<Opened>, ExportError> {
    let mut source = Source::open(session)?;
    source.check_consent(format, options)?;
    let passed_over = is_passed_over(format, &mut source, options)?;
    let manifest = Manifest::of(format, &source, options, &place.name);
    Out::begin(place, format)?.check_earlier(&manifest, options)?;
    if passed_over {
        return Ok(None);
    }
    let (size, dimensions) = (format.size(&source, options)?, format.dimensions(&source, options));
    Ok(Some(Opened { id: source.reader().metadata().session_id.clone(), size, dimensions }))
}

/// Whether reviewers accepted nothing of a session that could be exported, and that was asked for.
pub(super) fn is_passed_over(
    format: &dyn FormatKind,
    source: &mut Source,
    options: &Options,
) -> Result<bool, ExportError> {
    Ok(options.only_accepted && !(source.read_review()? && (source.is_accepted_whole() || !format.is_whole())))
}

/// What sessions must have in common, and must not, where a format is about all of them or names files by their ids.
struct Together<'a> {
    format: &'static dyn Format,
    dir: &'a Path,
    /// Ids and names of what earlier exports left.
    earlier: Vec<(String, String)>,
    seen: BTreeMap<String, PathBuf>,
    size: Option<(u32, u32)>,
    dimensions: Option<Vec<String>>,
}

impl<'a> Together<'a> {
    fn new(format: &'static dyn Format, dir: &'a Path) -> Self {
        let earlier = manifest::all_in(dir).filter(|made| format.is_by_id() && made.format == format.name());
        let earlier = earlier.map(|made| (made.source.session_id, made.source.name)).collect();
        Self { format, dir, earlier, seen: BTreeMap::new(), size: None, dimensions: None }
    }

    fn add(&mut self, session: &Path, opened: &Opened, name: &str) -> Result<(), ExportError> {
        if !self.format.is_by_id() {
            return Ok(());
        }
        let format = self.format.name();
        let id = opened.id.clone();
        if let Some((_, other)) = self.earlier.iter().find(|(other_id, other)| *other_id == id && other != name) {
            let (path, name, dir) = (session.to_path_buf(), other.clone(), self.dir.to_path_buf());
            return Err(ExportError::Edition { format, path, name, dir });
        }
        if let Some(one) = self.seen.insert(id, session.to_path_buf()) {
            return Err(ExportError::SameId { format, one, other: session.to_path_buf() });
        }
        if *self.dimensions.get_or_insert_with(|| opened.dimensions.clone()) != opened.dimensions {
            return Err(ExportError::Dimensions { name: name.to_owned() });
        }
        if let Some(found) = opened.size {
            let expected = *self.size.get_or_insert(found);
            if found != expected {
                return Err(ExportError::Shapes { name: name.to_owned(), found, expected });
            }
        }
        Ok(())
    }
}
