//! The PNG pictures of a part: those of its frames, under the numbers that these have in it.

use std::ops::Range;

use crate::base::id::FrameRef;
use crate::derive::clip::run::ClipError;
use crate::session::draft::Draft;
use crate::session::metadata::Metadata;
use crate::session::seal;
use crate::session::sealed::SealedSession;
use crate::session::stills::{self, Told};

/// Brings the pictures of frames of a session, and says in the metadata of the part which there are; returns how many.
pub(crate) fn bring(
    draft: &mut Draft,
    from: &SealedSession,
    frames: &Range<usize>,
    metadata: &mut Metadata,
) -> Result<u64, ClipError> {
    let told = match stills::told(from.metadata()) {
        Told::Nothing => return Ok(0),
        Told::Of(told) => told,
        Told::Wrong => return Err(ClipError::Mismatch { what: "the list of PNG pictures" }),
    };
    let mut kept = Vec::new();
    let of_part = |frame: FrameRef| {
        let at = usize::try_from(frame.0).ok().filter(|at| frames.contains(at))?;
        told.binary_search(&frame).ok().map(|_| FrameRef((at - frames.start) as u64))
    };
    for entry in seal::read_integrity(from.dir())? {
        let Some(frame) = stills::frame_of(&entry.name).and_then(of_part) else { continue };
        draft.bring_as(from.dir(), &entry, stills::path_of(frame))?;
        kept.push(frame);
    }
    kept.sort_unstable();
    stills::keep(metadata, &kept);
    Ok(kept.len() as u64)
}
