//! The parts of a recording that was split, in their order: what makes them one series, and what does not.
//!
//! Invariant: nothing is guessed. A part that is missing between two others, one that is there twice, and what only looks like a part (a clip
//! of one) are refused by name. Opens nothing but metadata and seals; whether the files are whole is not said.

use std::path::{Path, PathBuf};

use super::metadata::{Metadata, Series};
use super::refusal::Refusal;
use super::seal::FileHash;
use super::sealed::SealedSession;
use crate::base::shown::shell;

/// Most parts of a series: a year of hours.
pub const MAX_PARTS: usize = 8760;
/// Reason of the step in `lineage` of a span of a session.
pub const CLIP: &str = "clip";
/// Reason of the steps in `lineage` that say which parts a session was joined of, one for each.
pub const JOINED: &str = "joined";
/// `end_reason` of a part behind which another one was begun.
pub const SPLIT: &str = "split";

/// A sealed part.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its folder.
    pub dir: PathBuf,
    /// SHA-256 of its `integrity.sha256`.
    pub identity: FileHash,
    /// Its metadata.
    pub metadata: Metadata,
}

/// Why sessions are not one series.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// A session is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was not split.
    #[error("{} is no part of a recording that was split", path.display())]
    NoPart {
        /// The session.
        path: PathBuf,
    },
    /// It is a span of a part.
    #[error("{} is a clip of a part, and not all of it", path.display())]
    Clip {
        /// The session.
        path: PathBuf,
    },
    /// Two are of different recordings.
    #[error("{} and {} are parts of different recordings", one.display(), other.display())]
    Different {
        /// One.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Two are the same part.
    #[error("{} and {} are both part {index}", one.display(), other.display())]
    Twice {
        /// Which part.
        index: u64,
        /// One.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A part between two others is not there.
    #[error("part {index} is missing: {} is part {}", behind.display(), found)]
    Missing {
        /// The first that is missing.
        index: u64,
        /// The part that comes next.
        behind: PathBuf,
        /// Which part that is.
        found: u64,
    },
    /// A part says that another one was before it.
    #[error("{} does not follow {}: it says that another session was the part before it", path.display(), before.display())]
    Previous {
        /// The part.
        path: PathBuf,
        /// What was taken for the part before.
        before: PathBuf,
    },
    /// There are more than anybody records.
    #[error("{found} parts are more than a series may have ({MAX_PARTS})")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// There is none.
    #[error("there is no part of a recording that was split")]
    None,
}

impl SeriesError {
    /// Returns what the person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Refused(error) => return error.hint(),
            Self::NoPart { path } => {
                format!("`watchcap info {}` says what it is; parts are made by: watchcap record --split", shell(path))
            }
            Self::Clip { .. } => "name the part that it was taken out of".into(),
            Self::Different { .. } => {
                "name the parts of one of them; `watchcap info` says of which recording each is".into()
            }
            Self::Twice { .. } => "name all parts, and of these two the one that is meant".into(),
            Self::Missing { index, .. } => {
                format!("find part {index}, or name only the parts before it, or only those behind it")
            }
            Self::Previous { path, .. } => format!("`watchcap info {}` says which part it is", shell(path)),
            Self::TooMany { .. } => "name fewer of them".into(),
            Self::None => "name the folders of the parts, or the one that they are in".into(),
        })
    }
}

/// Returns which part a session is; `None` of a whole recording.
pub fn of(metadata: &Metadata) -> Option<&Series> {
    metadata.series.as_ref()
}

/// Returns whether a session is a span of a part, which says what its part says.
pub fn is_clip(metadata: &Metadata) -> bool {
    metadata.lineage.iter().any(|step| step.reason == CLIP)
}

impl Part {
    /// Reads what a sealed session says of itself.
    ///
    /// # Errors
    /// When it is not sealed or cannot be read, or is no whole part.
    pub fn read(dir: &Path) -> Result<Self, SeriesError> {
        let session = SealedSession::open(dir)?;
        let (identity, metadata) = (session.identity(), session.metadata().clone());
        let path = || dir.to_path_buf();
        if metadata.series.is_none() {
            return Err(SeriesError::NoPart { path: path() });
        }
        if is_clip(&metadata) {
            return Err(SeriesError::Clip { path: path() });
        }
        Ok(Self { dir: path(), identity, metadata })
    }

    /// Returns which part it is, from 1.
    pub fn index(&self) -> u64 {
        self.metadata.series.as_ref().map_or(0, |series| series.index)
    }

    /// Returns the `session_id` of the first part of its series.
    pub fn of(&self) -> &str {
        self.metadata.series.as_ref().map_or("", |series| &series.part_of)
    }

    /// Returns its first and its last instant, on the clock of `t_ns`.
    pub fn span_ns(&self) -> (i64, i64) {
        let begin = self.metadata.clock.t0_ns;
        (begin, begin.saturating_add(self.metadata.duration_ns.max(0)))
    }
}

/// Brings parts into their order.
///
/// # Errors
/// When they are not one after the other of one series. The first of it may be missing, and the last.
pub fn in_order(mut parts: Vec<Part>) -> Result<Vec<Part>, SeriesError> {
    if parts.len() > MAX_PARTS {
        return Err(SeriesError::TooMany { found: parts.len() });
    }
    let first = parts.first().ok_or(SeriesError::None)?;
    if let Some(other) = parts.iter().find(|part| part.of() != first.of()) {
        return Err(SeriesError::Different { one: first.dir.clone(), other: other.dir.clone() });
    }
    parts.sort_by_key(Part::index);
    for pair in parts.windows(2) {
        let (before, part) = (&pair[0], &pair[1]);
        let (index, found) = (before.index().saturating_add(1), part.index());
        if found < index {
            return Err(SeriesError::Twice { index: found, one: before.dir.clone(), other: part.dir.clone() });
        }
        if found > index {
            return Err(SeriesError::Missing { index, behind: part.dir.clone(), found });
        }
        let previous = part.metadata.series.as_ref().and_then(|series| series.previous.as_ref());
        if previous != Some(&before.metadata.session_id) {
            return Err(SeriesError::Previous { path: part.dir.clone(), before: before.dir.clone() });
        }
    }
    Ok(parts)
}

/// Returns whether parts in their order are all of their series: from its first part to one behind which none was begun.
pub fn is_whole(parts: &[Part]) -> bool {
    parts.first().is_some_and(|part| part.index() == 1)
        && parts.last().is_some_and(|part| part.metadata.end_reason.as_deref() != Some(SPLIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::metadata::samples::bare;

    fn part(of: &str, index: u64) -> Part {
        let mut metadata = bare(&format!("id{index}"));
        let previous = (index > 1).then(|| format!("id{}", index - 1));
        metadata.series = Some(Series { part_of: of.into(), index, previous, ..Series::default() });
        metadata.end_reason = Some(if index < 4 { SPLIT } else { "signal" }.into());
        Part { dir: format!("p{index}").into(), identity: FileHash([index as u8; 32]), metadata }
    }

    fn error(parts: Vec<Part>) -> String {
        in_order(parts).expect_err("it is no series").to_string()
    }

    #[test]
    fn parts_come_in_their_order_and_one_between_is_missed() {
        let order = in_order([3, 1, 4, 2].map(|n| part("id1", n)).to_vec()).expect("a series");
        assert_eq!(order.iter().map(Part::index).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(is_whole(&order) && !is_whole(&order[1..]) && !is_whole(&order[..3]) && !is_whole(&[]));
        assert!(in_order(vec![part("id1", 3), part("id1", 2)]).is_ok(), "a piece of it");
        assert_eq!(error(vec![part("id1", 4), part("id1", 1)]), "part 2 is missing: p4 is part 4");
        assert_eq!(error(vec![part("id1", 2), part("id1", 2)]), "p2 and p2 are both part 2");
        assert_eq!(error(vec![part("id1", 1), part("id9", 2)]), "p1 and p2 are parts of different recordings");
        let mut other = part("id1", 2);
        other.metadata.series = Some(Series { previous: Some("id7".into()), ..other.metadata.series.expect("a part") });
        assert!(error(vec![part("id1", 1), other]).starts_with("p2 does not follow p1"));
        assert!(matches!(in_order(Vec::new()), Err(SeriesError::None)));
    }
}
