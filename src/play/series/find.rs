//! The parts of a recording that lie beside one of them and follow each other.
//!
//! Says less rather than something wrong: what is not sealed, not there or there twice ends the row of parts.

use std::path::{Path, PathBuf};

use crate::session::layout::{self, DirState};
use crate::session::metadata::Metadata;
use crate::session::series;

/// Most parts that are played as one: each has its table open.
pub(crate) const MAX_PARTS: usize = 256;
/// Most names beside a part that are looked at.
const MAX_NAMES: usize = 4096;

/// A part beside the one that was named.
struct Found {
    dir: PathBuf,
    index: u64,
    id: String,
    previous: Option<String>,
    size: Option<(u32, u32)>,
}

impl Found {
    /// Returns what a sealed session is a part of, and what it says of itself; `None` of any other.
    fn read(dir: &Path) -> Option<(String, Self)> {
        if layout::state_of(dir) != DirState::Sealed {
            return None;
        }
        let known = Metadata::read(&layout::metadata_path(dir)).ok().filter(|known| !series::is_clip(known))?;
        let size = known.resolution.map(|size| (size.width, size.height));
        let of = known.series?;
        let (index, previous) = (of.index, of.previous);
        Some((of.part_of, Self { dir: dir.to_owned(), index, id: known.session_id, previous, size }))
    }

    /// Whether it goes on where the other ends.
    fn follows(&self, before: &Self) -> bool {
        self.index == before.index.saturating_add(1)
            && self.previous.as_ref() == Some(&before.id)
            && self.size == before.size
    }
}

/// Returns the folders of the parts around one, itself among them, in their order; `None` when it is no part, or none is beside it.
pub fn around(dir: &Path) -> Option<Vec<PathBuf>> {
    let (of, own) = Found::read(dir)?;
    let place = dir.canonicalize().ok()?;
    let (mut found, at) = (vec![own], place.parent()?);
    for entry in std::fs::read_dir(at).ok()?.take(MAX_NAMES).flatten() {
        let path = entry.path();
        if path != place
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Some((_, other)) = Found::read(&path).filter(|(series, _)| *series == of)
        {
            found.push(other);
        }
    }
    let own = found[0].index;
    found.sort_by(|a, b| (a.index, &a.dir).cmp(&(b.index, &b.dir)));
    // The one that was named counts for its number, whatever copies lie beside it; of others that are there twice nobody knows which is meant.
    let is_twice =
        |part: &Found| part.index != own && found.iter().filter(|other| other.index == part.index).count() > 1;
    let twice: Vec<u64> = found.iter().filter(|part| is_twice(part)).map(|part| part.index).collect();
    found.retain(|part| !twice.contains(&part.index) && (part.index != own || part.dir == dir));
    let mut at = found.iter().position(|part| part.index == own)?;
    let mut behind = at + 1;
    while at > 0 && found[at].follows(&found[at - 1]) && behind - at < MAX_PARTS {
        at -= 1;
    }
    while behind < found.len() && found[behind].follows(&found[behind - 1]) && behind - at < MAX_PARTS {
        behind += 1;
    }
    let parts: Vec<PathBuf> = found.drain(at..behind).map(|part| part.dir).collect();
    (parts.len() > 1).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::metadata::Series;
    use crate::session::metadata::samples::bare;

    fn part(dir: &Path, name: &str, index: u64) -> PathBuf {
        let path = dir.join(name);
        let mut metadata = bare(&format!("00000000-0000-4000-8000-00000000000{index}"));
        let previous = (index > 1).then(|| format!("00000000-0000-4000-8000-00000000000{}", index - 1));
        metadata.series = Some(Series { part_of: "the first".into(), index, previous, ..Series::default() });
        std::fs::create_dir(&path).expect("a folder");
        std::fs::write(layout::metadata_path(&path), metadata.to_json().expect("json")).expect("metadata");
        std::fs::write(layout::integrity_path(&path), "").expect("a seal");
        path
    }

    #[test]
    fn parts_that_follow_each_other_are_found_and_nothing_is_guessed() {
        let dir = tempfile::tempdir().expect("a folder");
        let parts: Vec<_> = [1, 2, 3, 5].iter().map(|n| part(dir.path(), &format!("p{n}"), *n)).collect();
        std::fs::create_dir(dir.path().join("else")).expect("a folder");
        for named in &parts[..3] {
            assert_eq!(around(named).as_deref(), Some(&parts[..3]), "part 4 is not there");
        }
        assert_eq!(around(&parts[3]), None);
        assert_eq!(around(&dir.path().join("else")), None);
        // Of part 3 there are two: whichever is named is played, and beside the others neither.
        let copy = part(dir.path(), "copy of p3", 3);
        assert_eq!(around(&parts[0]).as_deref(), Some(&parts[..2]));
        assert_eq!(around(&copy), Some(vec![parts[0].clone(), parts[1].clone(), copy]));
        std::fs::remove_file(layout::integrity_path(&parts[1])).expect("a seal");
        assert_eq!(around(&parts[0]), None);
    }
}
