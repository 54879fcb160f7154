//! The PNG pictures of the new session: those of frames that are painted over are painted with the same areas, all others are brought as they
//! are. A file that the metadata do not tell of is left out with what else cannot be redacted.

use std::io::Read as _;
use std::ops::Range;

use super::error::RedactError;
use crate::base::files;
use crate::base::id::FrameRef;
use crate::base::io_error::IoError;
use crate::media::png::{self, PngError};
use crate::media::rgb::Rgb;
use crate::session::draft::Draft;
use crate::session::layout;
use crate::session::metadata::{MaskInfo, Metadata};
use crate::session::seal;
use crate::session::sealed::SealedSession;
use crate::session::stills::{self, Told};

/// Returns the frames of which a session has pictures, as its metadata tell.
pub(super) fn frames(metadata: &Metadata) -> Vec<FrameRef> {
    match stills::told(metadata) {
        Told::Of(frames) => frames,
        Told::Nothing | Told::Wrong => Vec::new(),
    }
}

/// Brings the pictures of the old session; returns how many of them were painted.
pub(super) fn bring(
    draft: &mut Draft,
    old: &SealedSession,
    masked: &Range<usize>,
    masks: &[MaskInfo],
) -> Result<u64, RedactError> {
    let told = frames(old.metadata());
    let mut painted = 0;
    if told.is_empty() {
        return Ok(painted);
    }
    let dir = layout::debug_dir(draft.dir());
    files::create_private_dir(&dir).map_err(IoError::at("create", &dir))?;
    for entry in seal::read_integrity(old.dir())? {
        let Some(frame) = stills::frame_of(&entry.name).filter(|frame| told.binary_search(frame).is_ok()) else {
            continue;
        };
        let is_masked = usize::try_from(frame.0).is_ok_and(|frame| masked.contains(&frame));
        if !is_masked {
            draft.bring(old.dir(), entry)?;
            continue;
        }
        let from = old.dir().join(&entry.name);
        let refused = |source: PngError| RedactError::Png { path: from.clone(), source };
        let size = stills::size(old.metadata()).ok_or_else(|| refused(PngError::Kind))?;
        let file = files::open_regular(&from).map_err(IoError::at("open", &from))?;
        let mut bytes = Vec::new();
        file.take(png::most_bytes(size)).read_to_end(&mut bytes).map_err(IoError::at("read", &from))?;
        let mut picture = png::decode(&bytes, size).map_err(refused)?;
        for mask in masks {
            blacken(&mut picture, mask);
        }
        let to = draft.dir().join(&entry.name);
        files::write_new(&to, &png::encode(&picture).map_err(refused)?).map_err(IoError::at("write", &to))?;
        painted += 1;
    }
    Ok(painted)
}

/// Paints the part of an area black that is inside of a picture.
fn blacken(picture: &mut Rgb, area: &MaskInfo) {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let span = |from: u32, len: u32, most: usize| (from as usize).min(most)..(from as usize + len as usize).min(most);
    let (columns, rows) = (span(area.x, area.width, width), span(area.y, area.height, height));
    for row in picture.data.chunks_exact_mut((width * 3).max(1)).skip(rows.start).take(rows.len()) {
        row[columns.start * 3..columns.end * 3].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_of_an_area_is_black_and_nothing_else() {
        for (area, black) in [
            (MaskInfo { x: 1, y: 0, width: 1, height: 1 }, vec![1]),
            (MaskInfo { x: 2, y: 1, width: 9, height: 9 }, vec![5]),
            (MaskInfo { x: 3, y: 0, width: 1, height: 1 }, vec![]),
            (MaskInfo { x: 0, y: 0, width: u32::MAX, height: u32::MAX }, (0..6).collect()),
        ] {
            let mut picture = Rgb { width: 3, height: 2, data: vec![9; 18] };
            blacken(&mut picture, &area);
            let found: Vec<_> = (0..6).filter(|at| picture.data[at * 3..at * 3 + 3] == [0; 3]).collect();
            assert_eq!(found, black);
            let untouched = picture.data.chunks_exact(3).filter(|pixel| *pixel == [9; 3]).count();
            assert_eq!(untouched + black.len(), 6);
        }
    }
}
