//! What is refused before anything is written: a folder that is somebody else's, and sessions that cannot lie beside each other in it.
//!
//! Two editions of a recording (a session and its redacted or migrated copy) have one id. Where names are made of the id the one would
//! be replaced by the other, and what was redacted be exported unredacted under the name of what was asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::manifest;
use super::out::Place;
use super::source::Source;
use super::{ExportError, Format, Options, is_passed_over};

/// Looks at the folder and, where a format is about all sessions or names files by their ids, at every session.
pub(super) fn check(
    format: &dyn Format,
    sessions: &[PathBuf],
    places: &[Place],
    options: &Options,
) -> Result<(), ExportError> {
    let Some(dir) = places.first().map(|place| &place.dir) else { return Ok(()) };
    format.check_folder(dir)?;
    if !format.is_by_id() {
        return Ok(());
    }
    let earlier = manifest::all_in(dir).filter(|made| made.format == format.name());
    let earlier: Vec<_> = earlier.map(|made| (made.source.session_id, made.source.name)).collect();
    let mut seen: BTreeMap<String, &Path> = BTreeMap::new();
    let mut size = None;
    for (session, place) in sessions.iter().zip(places) {
        let mut source = Source::open(session)?;
        source.check_consent(format)?;
        if is_passed_over(format, &mut source, options)? {
            continue;
        }
        let id = source.reader().metadata().session_id.clone();
        if let Some((_, name)) = earlier.iter().find(|(other, name)| *other == id && *name != place.name) {
            let (path, name, dir) = (session.clone(), name.clone(), dir.clone());
            return Err(ExportError::Edition { format: format.name(), path, name, dir });
        }
        if let Some(one) = seen.insert(id, session) {
            let (one, other) = (one.to_path_buf(), session.clone());
            return Err(ExportError::SameId { format: format.name(), one, other });
        }
        if let Some(found) = format.size(&source, options)? {
            let expected = *size.get_or_insert(found);
            if found != expected {
                return Err(ExportError::Shapes { name: place.name.clone(), found, expected });
            }
        }
    }
    Ok(())
}
