//! A sample of the pictures: the keyframe of a group and the frame behind it, scaled down, for groups that are evenly spread.
//!
//! Two pictures are compared as 64 by 36 means, so that a pointer that moved shows and what encoding adds does not. What the rows say to be
//! duplicates is not decoded again.

use super::finding::{Found, Limits};
use super::rows::Seen;
use crate::base::progress::Step;
use crate::media::frames::{FrameError, FrameReader};

/// Size of the pictures that are compared.
const SMALL: (u32, u32) = (64, 36);
/// Means that differ by this much, of 255, at the most are the same: what encoding a picture again moves them by.
const SAME: u8 = 2;
/// A mean that differs by more than this has moved.
const MOVED: u8 = 8;
/// A picture in which this share of the means has moved is in motion: 23 of 2304, more than a pointer and a clock.
const MOTION_SHARE: f64 = 0.01;
/// A picture is black when no mean is brighter than this.
const BLACK: u8 = 12;
/// Presses in a span, at the least, for a picture that stands still to be suspicious.
const MIN_PRESSES: u64 = 20;

/// What the pictures said.
#[derive(Default)]
pub(crate) struct Looked {
    pub(crate) decoded: u64,
    /// Why the pictures, or the rest of them, were not looked at: nothing here decodes them, which says nothing of them.
    pub(crate) not_checked: Option<String>,
    pub(crate) damaged: Found,
    pub(crate) longest_black_ns: i64,
    pub(crate) black: Found,
    pub(crate) longest_frozen_ns: i64,
    pub(crate) frozen: Found,
    pub(crate) longest_idle_ns: i64,
    pub(crate) idle: Found,
    /// Of the sampled neighbours that are not flagged as duplicates, the share that are alike.
    pub(crate) identical_share: Option<f64>,
}

/// A picture of the sample.
struct Sampled {
    frame: usize,
    t_ns: i64,
    rgb: Vec<u8>,
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= SAME)
}

fn in_motion(a: &[u8], b: &[u8]) -> bool {
    let moved = a.chunks(3).zip(b.chunks(3)).filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > MOVED));
    moved.count() as f64 > MOTION_SHARE * (a.len() / 3) as f64
}

/// A run of samples with something in common.
#[derive(Default)]
struct Run {
    /// First instant and frame, last instant.
    span: Option<(i64, usize, i64)>,
}

impl Run {
    /// Goes on to `t_ns`, beginning at `from` when it does not last yet.
    fn on(&mut self, from: (i64, usize), t_ns: i64) {
        let (begun, frame) = self.span.map_or(from, |(begun, frame, _)| (begun, frame));
        self.span = Some((begun, frame, t_ns));
    }
}

/// Looks at a sample of the pictures.
pub(crate) fn look(video: &mut FrameReader, seen: &Seen, limits: &Limits, progress: &mut dyn FnMut(Step)) -> Looked {
    let mut looked = Looked::default();
    let frames = video.len().min(seen.frames.len());
    let keyframes: Vec<usize> = (0..frames).filter(|frame| video.is_keyframe(*frame) == Some(true)).collect();
    let count = keyframes.len().min(limits.samples);
    let (mut pairs, mut alike) = (0u64, 0u64);
    let (mut black, mut still) = (Run::default(), Run::default());
    let mut before: Option<Sampled> = None;
    // Spans between two samples in which the picture was in motion.
    let mut motion: Vec<(i64, i64)> = Vec::new();
    for n in 0..count {
        let frame = keyframes[n * keyframes.len() / count];
        let t_ns = seen.frames[frame].t_ns;
        let picture = small(video, frame, seen, before.as_ref(), &mut looked);
        progress(Step { what: "pictures", done: n as u64 + 1, of: count as u64 });
        if looked.not_checked.is_some() {
            break;
        }
        let Some(rgb) = picture else {
            before = None;
            end_black(&mut black, &mut looked, limits);
            end_still(&mut still, &mut looked, seen, limits);
            continue;
        };
        if rgb.iter().all(|value| *value <= BLACK) {
            black.on((t_ns, frame), t_ns);
        } else {
            end_black_at(&mut black, t_ns, &mut looked, limits);
        }
        if let Some(before) = &before {
            if same(&before.rgb, &rgb) && !seen.paused(before.t_ns, t_ns) {
                still.on((before.t_ns, before.frame), t_ns);
            } else {
                end_still(&mut still, &mut looked, seen, limits);
            }
            if in_motion(&before.rgb, &rgb) {
                match motion.last_mut().filter(|last| last.1 == before.t_ns) {
                    Some(last) => last.1 = t_ns,
                    None => motion.push((before.t_ns, t_ns)),
                }
            }
        }
        let next = frame + 1;
        let unflagged = next < frames && !seen.frames[next].duplicate && video.is_keyframe(next) == Some(false);
        if unflagged && let Some(neighbour) = small(video, next, seen, None, &mut looked) {
            pairs += 1;
            alike += u64::from(rgb.iter().zip(&neighbour).all(|(a, b)| a.abs_diff(*b) <= SAME / 2));
        }
        before = Some(Sampled { frame, t_ns, rgb });
    }
    end_black(&mut black, &mut looked, limits);
    end_still(&mut still, &mut looked, seen, limits);
    looked.identical_share = (pairs > 0).then(|| alike as f64 / pairs as f64);
    idle(&mut looked, seen, &motion, limits);
    looked
}

/// A picture scaled down; the one before where nothing can have changed since.
fn small(
    video: &mut FrameReader,
    frame: usize,
    seen: &Seen,
    before: Option<&Sampled>,
    looked: &mut Looked,
) -> Option<Vec<u8>> {
    if let Some(before) = before
        && seen.frames[before.frame + 1..=frame].iter().all(|frame| frame.duplicate)
    {
        return Some(before.rgb.clone());
    }
    match video.rgb_scaled(frame, SMALL) {
        Ok(rgb) => {
            looked.decoded += 1;
            Some(rgb.data)
        }
        Err(error @ (FrameError::Absent { .. } | FrameError::Decoder { .. })) => {
            let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
            looked.not_checked = Some(format!("{error}{hint}"));
            None
        }
        Err(error) => {
            let t_ns = seen.frames[frame].t_ns;
            looked.damaged.add((t_ns, t_ns), Some(frame as u64), || error.to_string());
            None
        }
    }
}

/// The picture is not black any more at `t_ns`: it was until then, as far as the sample tells.
fn end_black_at(run: &mut Run, t_ns: i64, looked: &mut Looked, limits: &Limits) {
    if let Some(span) = &mut run.span {
        span.2 = t_ns;
    }
    end_black(run, looked, limits);
}

fn end_black(run: &mut Run, looked: &mut Looked, limits: &Limits) {
    let Some((from, frame, until)) = run.span.take() else { return };
    looked.longest_black_ns = looked.longest_black_ns.max(until.saturating_sub(from));
    let lasts = until.saturating_sub(from) as f64 / 1e9;
    if lasts > limits.black_s {
        looked.black.add((from, until), Some(frame as u64), || format!("black for {lasts:.1} s"));
    }
}

fn end_still(run: &mut Run, looked: &mut Looked, seen: &Seen, limits: &Limits) {
    let Some((from, frame, until)) = run.span.take() else { return };
    let presses = seen.presses(from, until);
    if presses < MIN_PRESSES {
        return;
    }
    looked.longest_frozen_ns = looked.longest_frozen_ns.max(until.saturating_sub(from));
    let lasts = until.saturating_sub(from) as f64 / 1e9;
    if lasts > limits.frozen_s {
        let what = || format!("the picture stands still for {lasts:.1} s and {presses} presses");
        looked.frozen.add((from, until), Some(frame as u64), what);
    }
}

/// Times without input, as far as the picture was in motion in them: from the first motion to the last.
fn idle(looked: &mut Looked, seen: &Seen, motion: &[(i64, i64)], limits: &Limits) {
    for (from, until) in &seen.quiet {
        let first = motion.partition_point(|(_, end)| end <= from);
        let inside = motion[first..].iter().take_while(|(begin, _)| begin < until);
        let parts = inside.map(|(begin, end)| end.min(until).saturating_sub(*begin.max(from)));
        let (moving, all) = (parts.fold(0, i64::saturating_add), until.saturating_sub(*from));
        let lasts = all as f64 / 1e9;
        // Half of the time at the least: a clock that ticks over once is no motion.
        if moving < all / 2 {
            continue;
        }
        looked.longest_idle_ns = looked.longest_idle_ns.max(until.saturating_sub(*from));
        if lasts > limits.idle_s {
            let frame = seen.frames.partition_point(|frame| frame.t_ns <= *from).checked_sub(1);
            let what = || format!("no input for {lasts:.1} s while the picture moves");
            looked.idle.add((*from, *until), frame.map(|frame| frame as u64), what);
        }
    }
}
