//! Opens the parts of a recording as one.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use watchcap_replay::Sound;

use super::pictures::SeriesPictures;
use super::reel::SeriesReel;
use super::voice::SeriesVoice;
use crate::play::opened::{Playback, PlaybackError};
use crate::play::reel::Reel as _;
use crate::play::sealed;
use crate::play::timeline::ReelTimeline;

/// A part of what is played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its folder.
    pub dir: PathBuf,
    /// Its frames among those of all parts.
    pub frames: Range<u64>,
    /// Its first and its last instant.
    pub span_ns: (i64, i64),
}

/// Opens parts, in their order, as one recording; answers with what each of them is of it.
///
/// # Errors
/// [`PlaybackError`] when one of them cannot be read.
pub fn open(dirs: &[impl AsRef<Path>]) -> Result<(Playback, Vec<Part>), PlaybackError> {
    // Videos are opened again when their frames are looked at.
    let reels = dirs.iter().map(|dir| Ok(sealed::open(dir.as_ref())?.0)).collect::<Result<Vec<_>, PlaybackError>>()?;
    let has_sound = reels.iter().any(|reel| reel.levels(0, 0, 0).is_some());
    let reel = SeriesReel::new(reels);
    let parts: Vec<Part> = dirs
        .iter()
        .zip(reel.frames_of_parts().zip(reel.spans_of_parts()))
        .map(|(dir, (frames, span_ns))| Part { dir: dir.as_ref().to_owned(), frames, span_ns })
        .collect();
    let pictures = SeriesPictures::new(parts.iter().map(|part| (part.dir.clone(), part.frames.clone())).collect());
    let begins = || parts.iter().map(|part| (part.dir.clone(), part.span_ns.0)).collect();
    let sound = has_sound.then(|| Box::new(SeriesVoice::new(begins())) as Box<dyn Sound>);
    let playback = Playback {
        timeline: Box::new(ReelTimeline::new(Arc::new(reel))),
        pictures: Box::new(pictures),
        sound,
        is_session: Arc::new(AtomicBool::new(true)),
    };
    Ok((playback, parts))
}
