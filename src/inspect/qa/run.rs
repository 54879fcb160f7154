//! Is a session fit for use? What a reviewer would look for, measured: drops and gaps, keys that stick, presses without release,
//! positions outside of the picture, long times without input while the picture moves, black and frozen pictures, duplicates, sound that is silent, cut off or missing.
//!
//! Another question than `verify` asks: that one finds what is not as it was sealed, this one what is faithfully recorded and of no use.
//! One pass over the rows ([`mod@super::rows`]), and a sample of the pictures ([`super::pictures`]): hours cost minutes. Each check is a figure, a limit
//! that the caller chooses, and the places where it comes from. Never writes. Works on every version of the format that can be read.

use std::path::Path;

use serde::Serialize;

pub use super::error::QaError;
use super::finding::Found;
pub use super::finding::{Check, Finding, Limits, MAX_FINDINGS};
use crate::base::progress::Step;
use crate::log::LogPaths;
use crate::log::lock::LogLock;
use crate::media::frames::FrameReader;
use crate::session::layout::{self, DirState};
use crate::session::sealed::SealedSession;
use crate::session::sound;
use crate::session::table::row::OwnedRow;

/// What was found in a session.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// No figure is above its limit.
    pub ok: bool,
    /// `t_ns` of the first and of the last row.
    pub span_ns: Option<(i64, i64)>,
    /// Rows read.
    pub rows: u64,
    /// Frames in the video.
    pub frames: u64,
    /// Frames that were decoded for the sample.
    pub frames_decoded: u64,
    /// Why pictures were not looked at; null when they were. Nothing is said against them then.
    pub not_checked: Option<String>,
    /// Frames per second, pauses left out; null below two frames.
    pub fps: Option<f64>,
    /// Frames per second that show something new: what the capture really made. From the flags and from the sample.
    pub true_fps: Option<f64>,
    /// Each check.
    pub checks: Vec<Check>,
}

/// Looks at the session in `dir`.
///
/// # Errors
/// When it is not sealed or cannot be read. A frame that cannot be decoded is a finding.
pub fn check(dir: &Path, limits: &Limits, progress: &mut dyn FnMut(Step)) -> Result<Report, QaError> {
    match layout::state_of(dir) {
        DirState::Log => {
            if let Some(holder) = LogLock::holder(&LogPaths::of(dir).lock) {
                return Err(QaError::InUse { path: dir.to_path_buf(), holder });
            }
        }
        DirState::Nothing if dir.is_dir() => return Err(QaError::Nothing { path: dir.to_path_buf() }),
        DirState::Sealed | DirState::Nothing => {}
    }
    check_session(dir, &SealedSession::open(dir)?, limits, &mut |_| {}, progress)
}

/// Looks at an open session; `also` sees each row as it is read.
pub(crate) fn check_session(
    dir: &Path,
    sealed: &SealedSession,
    limits: &Limits,
    also: &mut dyn FnMut(&OwnedRow),
    progress: &mut dyn FnMut(Step),
) -> Result<Report, QaError> {
    let session = sealed.reader();
    let seen = crate::inspect::qa::rows::read(session, limits, also, progress)?;
    let mut video = match session.metadata().frames {
        0 => None,
        _ => Some(FrameReader::open(&layout::frames_path(dir))?),
    };
    let looked = match &mut video {
        Some(video) => crate::inspect::qa::pictures::look(video, &seen, limits, progress),
        None => crate::inspect::qa::pictures::Looked::default(),
    };
    let heard = super::sound::listen(sealed, limits, progress);
    let has_sound = sound::is_there(session.metadata());
    let frames = seen.frames.len() as u64;
    let flagged = seen.frames.iter().filter(|frame| frame.duplicate).count() as f64;
    // Of those that are not flagged, the sample says how many are duplicates all the same.
    let unflagged = looked.identical_share.unwrap_or(0.0) * (frames as f64 - flagged);
    let is_known = frames > 0 && looked.not_checked.is_none();
    let duplicates = is_known.then(|| (flagged + unflagged) / frames as f64);
    let fps = seen.fps();
    let recorded_input = session.metadata().consent.record_input != Some(false);
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let longest = |ns: i64| Some(ns as f64 / 1e9);
    let of_pictures = |ns: i64| if looked.decoded > 0 { longest(ns) } else { None };
    let mut repeated = Found::default();
    if unflagged > 0.0 {
        let what = || {
            format!(
                "{:.1} % of the sampled pairs of frames are alike and not flagged",
                looked.identical_share.unwrap_or(0.0) * 100.0
            )
        };
        repeated.add(seen.span_ns.unwrap_or_default(), None, what);
    }
    let checks = vec![
        Check::new(
            "dropped_frames",
            "share of the frames that should be there and are not",
            share(seen.dropped, frames + seen.dropped),
            limits.dropped,
            seen.drops.clone(),
        ),
        Check::new(
            "gaps",
            "longest time without data, s",
            longest(seen.longest_gap_ns),
            limits.gap_s,
            seen.gaps.clone(),
        ),
        Check::new(
            "lost_inputs",
            "inputs that were lost",
            recorded_input.then_some(seen.lost_inputs as f64),
            limits.lost_inputs,
            seen.losses.clone(),
        ),
        Check::new(
            "stuck",
            "longest time for which a key or button is down, or a stick stands still away from its middle, s",
            recorded_input.then_some(seen.longest_held_ns as f64 / 1e9),
            limits.held_s,
            seen.stuck.clone(),
        ),
        Check::new(
            "unbalanced",
            "presses without a release and releases without a press",
            recorded_input.then_some(seen.unbalanced.count as f64),
            limits.unbalanced,
            seen.unbalanced.clone(),
        ),
        Check::new(
            "silent_gamepads",
            "share of the gamepads of which nothing was heard",
            share(seen.silent_pads.count, seen.pads),
            limits.silent_pads,
            seen.silent_pads.clone(),
        ),
        Check::new(
            "outside",
            "share of the positions outside of the picture",
            share(seen.outside, seen.positions),
            limits.outside,
            seen.strays.clone(),
        ),
        Check::new(
            "idle",
            "longest time without input while the picture moves, s",
            of_pictures(looked.longest_idle_ns).filter(|_| recorded_input),
            limits.idle_s,
            looked.idle,
        ),
        Check::new(
            "duplicates",
            "share of the frames that show what the one before shows",
            duplicates,
            limits.duplicates,
            repeated,
        ),
        Check::new(
            "black",
            "longest time of black pictures, s",
            of_pictures(looked.longest_black_ns),
            limits.black_s,
            looked.black,
        ),
        Check::new(
            "frozen",
            "longest time of an unchanged picture while keys and buttons are pressed, s",
            of_pictures(looked.longest_frozen_ns).filter(|_| recorded_input),
            limits.frozen_s,
            looked.frozen,
        ),
        Check::new(
            "undecodable",
            "sampled frames that cannot be decoded",
            (looked.decoded + looked.damaged.count > 0).then_some(looked.damaged.count as f64),
            0.0,
            looked.damaged,
        ),
        Check::new(
            "sound_missing",
            "share of the sound that should be there and is silence in its place",
            share(seen.lost_sound, heard.samples).filter(|_| has_sound),
            limits.sound_missing,
            seen.holes.clone(),
        ),
        Check::new(
            "sound_silent",
            "share of a file of sound that is below -60 dB",
            heard.silent,
            limits.sound_silent,
            heard.silences,
        ),
        Check::new(
            "sound_clipped",
            "share of the samples of a file of sound that are cut off at full scale",
            heard.clipped,
            limits.sound_clipped,
            heard.clippings,
        ),
        Check::new(
            "sound_undecodable",
            "files of sound that cannot be decoded",
            heard.undecodable.as_ref().map(|found| found.count as f64),
            0.0,
            heard.undecodable.unwrap_or_default(),
        ),
    ];
    Ok(Report {
        ok: checks.iter().all(|check| check.ok),
        span_ns: seen.span_ns,
        rows: seen.rows,
        frames,
        frames_decoded: looked.decoded,
        not_checked: looked.not_checked,
        fps,
        true_fps: fps.zip(duplicates).map(|(fps, share)| fps * (1.0 - share)),
        checks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::refusal::Refusal;

    #[test]
    fn what_is_no_sealed_session_is_said_for_what_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let said = |path: &Path| check(path, &Limits::default(), &mut |_| {}).expect_err("it is none");
        assert!(matches!(said(&dir.path().join("nonesuch")), QaError::Refused(Refusal::NoFolder { .. })));
        assert!(matches!(said(dir.path()), QaError::Nothing { .. }));
        let paths = LogPaths::of(dir.path());
        std::fs::create_dir(&paths.dir).expect("a folder");
        assert!(matches!(said(dir.path()), QaError::Refused(Refusal::NotSealed { .. })));
        let lock = LogLock::take(&paths.lock, "record").expect("a free lock");
        let error = said(dir.path());
        assert!(error.to_string().contains("watchcap record, process"), "{error}");
        drop(lock);
        assert!(said(dir.path()).hint().is_some_and(|hint| hint.contains("watchcap finalize")));
    }
}
