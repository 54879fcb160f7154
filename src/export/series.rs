//! The parts of a recording that was split, exported as one: joined to a session that is there as long as the export takes.
//!
//! Keeps the invariant that a format sees one session per recording and nothing new: steps, actions and episodes go over a seam because the
//! joined session has none. What is made is a function of the parts, since a joined session is. The folder that the sessions are made in lies
//! beside the place of the export and is known by a mark, so that what a kill leaves is removed by the next try.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::ExportError;
use crate::base::files;
use crate::base::io_error::IoError;
use crate::base::progress::Progress;
use crate::derive::join::run::join;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::series;
use crate::session::work::{Purpose, Work};

/// End of the name of the folder beside the export.
const SUFFIX: &str = ".series.tmp";
/// What stands between the name of a recording and the number of a part.
const PART: &str = "-part";
/// The files of a session that is joined.
const FILES: [&str; 7] = [
    layout::FRAMES_FILE,
    layout::EVENTS_FILE,
    layout::AUDIO_FILE,
    layout::MICROPHONE_FILE,
    layout::METADATA_FILE,
    layout::INTEGRITY_FILE,
    layout::MARK_FILE,
];

/// A recording of which parts are exported as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    /// What its session is called.
    pub name: String,
    /// First and last part, from 1.
    pub parts: (u64, u64),
    /// They are all parts of it.
    pub is_whole: bool,
    /// Something was said of the parts after sealing, which the export does not have.
    pub has_words: bool,
}

/// Sessions to export, in which a recording that was split is one. What was joined is gone when this is dropped.
#[derive(Debug, Default)]
pub struct Together {
    /// In the order in which the first of each was named.
    pub sessions: Vec<PathBuf>,
    /// What was joined.
    pub joined: Vec<Joined>,
    /// Recordings whose parts cannot be joined: the first part of each, and why.
    pub failed: Vec<(PathBuf, ExportError)>,
    work: Option<Work>,
}

/// What was named: a session, or parts of one recording.
enum Item {
    Session(PathBuf),
    Parts(Vec<PathBuf>),
}

impl Together {
    /// Joins what is part of one recording among the sessions, in a folder beside `out`; a part that is there alone stays as it is.
    ///
    /// # Errors
    /// When the folder beside `out` cannot be made. A recording whose parts are no series costs no other one.
    pub fn join(sessions: &[PathBuf], out: &Path, progress: Progress<'_>) -> Result<Self, ExportError> {
        let items = items(sessions);
        let series: Vec<&Vec<PathBuf>> = items.iter().filter_map(Item::several).collect();
        let names: Vec<String> = series.iter().map(|parts| name_of(parts)).collect();
        let mut together = Self::default();
        if !names.is_empty() {
            if layout::enclosing(out).is_some() {
                return Err(ExportError::Inside { path: out.to_path_buf() });
            }
            let files: Vec<String> = names.iter().enumerate().flat_map(|(at, name)| known(at, name)).collect();
            let purpose = Purpose { verb: "export", of: "series", files: &files, replaces: false };
            together.work = Some(Work::begin(&beside(out), purpose)?);
        }
        let mut names = names.into_iter().enumerate();
        for item in items {
            let parts = match item {
                Item::Parts(parts) if parts.len() > 1 => parts,
                Item::Parts(parts) => {
                    together.sessions.extend(parts);
                    continue;
                }
                Item::Session(session) => {
                    together.sessions.push(session);
                    continue;
                }
            };
            if let (Some((at, name)), Some(work)) = (names.next(), &together.work) {
                // Two recordings may have one name; the export says so, not this.
                let dir = work.path().join(at.to_string());
                files::create_private_dir(&dir).map_err(IoError::at("create", &dir))?;
                let path = dir.join(&name);
                let made = join(&parts, &path, &mut |step| {
                    progress(step);
                    true
                });
                match made {
                    Ok(done) => {
                        let said = [layout::REVIEW_FILE, layout::ANNOTATIONS_FILE];
                        let has_words = parts.iter().any(|part| said.iter().any(|file| part.join(file).is_file()));
                        together.joined.push(Joined { name, parts: done.parts, is_whole: done.is_whole, has_words });
                        together.sessions.push(path);
                    }
                    Err(error) => {
                        let first = parts.into_iter().next().unwrap_or_default();
                        together.failed.push((first, error.into()));
                    }
                }
            }
        }
        Ok(together)
    }
}

impl Item {
    fn several(&self) -> Option<&Vec<PathBuf>> {
        match self {
            Self::Parts(parts) if parts.len() > 1 => Some(parts),
            _ => None,
        }
    }
}

/// The folder beside the place of an export.
fn beside(out: &Path) -> PathBuf {
    // Without a slash at its end; `.` and `..` have a name of their own.
    let mut path: OsString = match out.file_name() {
        Some(_) => out.components().as_path().as_os_str().to_owned(),
        None => out.canonicalize().unwrap_or_else(|_missing| out.to_path_buf()).into_os_string(),
    };
    path.push(SUFFIX);
    path.into()
}

/// The sessions with those together that are parts of one recording, at the place of the first of them.
fn items(sessions: &[PathBuf]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for session in sessions {
        let known = Metadata::read(&layout::metadata_path(session)).ok();
        let of =
            known.filter(|known| !series::is_clip(known)).and_then(|known| known.series).map(|series| series.part_of);
        let Some(of) = of else {
            items.push(Item::Session(session.clone()));
            continue;
        };
        let place = *places.entry(of).or_insert(items.len());
        match items.get_mut(place) {
            Some(Item::Parts(parts)) => parts.push(session.clone()),
            _ => items.push(Item::Parts(vec![session.clone()])),
        }
    }
    items
}

/// What the session of some parts is called: as they are, without the number of the part.
fn name_of(parts: &[PathBuf]) -> String {
    let first = parts.iter().min_by_key(|part| part.file_name().map(OsString::from)).map(PathBuf::as_path);
    let of = |dir: &Path| Some(dir.canonicalize().ok()?.file_name()?.to_string_lossy().into_owned());
    let name = first.and_then(of).unwrap_or_else(|| "session".to_owned());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once(PART) {
        Some((stem, number)) if !stem.is_empty() && is_number(number) => stem.to_owned(),
        _ => name,
    }
}

/// The files that are made for a recording: of its session, and of that while it is not published.
fn known(at: usize, name: &str) -> impl Iterator<Item = String> {
    let dirs = [format!("{at}/{name}"), format!("{at}/{name}{}", layout::TEMP_SUFFIX)];
    dirs.into_iter().flat_map(|dir| FILES.into_iter().map(move |file| format!("{dir}/{file}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_called_as_its_parts_without_their_number() {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, stem) in
            [("day-part0003", "day"), ("a-part-part0001", "a-part"), ("-part0001", "-part0001"), ("x", "x")]
        {
            let path = dir.path().join(name);
            std::fs::create_dir(&path).expect("a folder");
            assert_eq!(name_of(&[path]), stem);
        }
    }

    #[test]
    fn what_has_no_series_stays_where_it_was_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let paths: Vec<PathBuf> = ["b", "a"].iter().map(|name| dir.path().join(name)).collect();
        let together = Together::join(&paths, &dir.path().join("out"), &mut |_| {}).expect("nothing to do");
        assert_eq!((together.sessions.as_slice(), together.joined.len()), (&paths[..], 0));
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
    }
}
