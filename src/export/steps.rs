//! Steps: what one sample of training data is about. A frame that was shown, and the time from then until the next step.
//!
//! Without a rate, step *k* is frame *k*: from its `t_ns` until that of frame *k* + 1. With a rate, steps lie on a grid from the first frame
//! to the end of the recording, and each shows the last frame at or before its time: a screen that stands still stores no frames, and
//! what is done before it is done all the same. Where nobody knows what was shown there is no step. Either way an input belongs to the step in whose time it lies, so a step never knows of anything
//! that happened after its end, nor its picture of anything after its beginning.

use super::error::ExportError;
use super::options::Options;
use super::source::{FrameInfo, Source};
use super::spans::Spans;
use crate::media::mp4::index::MAX_SAMPLES;
use crate::session::span::{Moment, Span};

/// Pictures that are missing for so long are a hole in a grid, like a pause: what its steps would show was not shown. A shorter loss (a
/// frame or some that came late) is like a lower rate. 0.25 s: the time in which a person answers to what is shown.
const HOLE_NS: i64 = 250_000_000;

/// One step: 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The frame that is shown when it begins.
    pub frame: usize,
    /// Its begin, nanoseconds of the session's clock.
    pub start_ns: i64,
    /// Its end, which is not in it; the largest number for the last frame, which nothing follows.
    pub end_ns: i64,
}

/// The steps of a session, in order.
///
/// # Errors
/// When `--from` or `--to` cannot be meant, or no step is left.
pub fn steps(source: &Source, options: &Options) -> Result<Vec<Step>, ExportError> {
    let none = || ExportError::NoFrames { path: source.dir().to_path_buf() };
    let first = source.frames.first().ok_or_else(none)?.t_ns;
    let span = span(source, options)?;
    let all = match options.fps {
        None => by_frame(source),
        Some(fps) => {
            let grid =
                Grid { frames: &source.frames, pauses: &source.pauses, holes: source.screen_gaps.of_at_least(HOLE_NS) };
            let too_long = |fps| ExportError::TooLong { path: source.dir().to_path_buf(), fps, most: MAX_SAMPLES };
            grid.steps(fps, span.from.max(first), span.until).ok_or_else(|| too_long(fps))?
        }
    };
    let steps: Vec<Step> = all
        .into_iter()
        .filter(|step| span.holds(step.start_ns))
        .filter(|step| source.is_accepted(step.start_ns))
        .filter(|step| !(options.exclude_redacted && is_redacted(source, step)))
        .collect();
    if steps.is_empty() { Err(none()) } else { Ok(steps) }
}

/// The part of the session that was asked for.
///
/// # Errors
/// When it cannot be meant.
pub fn span(source: &Source, options: &Options) -> Result<Span, ExportError> {
    if options.from.is_none() && options.to.is_none() {
        return Ok(Span { from: source.span_ns.0, until: source.span_ns.1 });
    }
    let from = options.from.unwrap_or(Moment::SinceStart(0));
    let to = options.to.unwrap_or(Moment::SinceStart(i64::MAX));
    let times: Vec<i64> = source.frames.iter().map(|frame| frame.t_ns).collect();
    Ok(Span::of(from, to, source.span_ns, &times)?)
}

/// Whether something of the step's time, or of what its frame shows until it is replaced, was redacted.
fn is_redacted(source: &Source, step: &Step) -> bool {
    let shown = source.frames[step.frame].t_ns;
    source.redacted.touch(shown.min(step.start_ns), step.end_ns)
}

fn by_frame(source: &Source) -> Vec<Step> {
    let ends = source.frames.iter().skip(1).map(|next| next.t_ns).chain([i64::MAX]);
    let frames = source.frames.iter().enumerate().zip(ends);
    frames.map(|((frame, info), end_ns)| Step { frame, start_ns: info.t_ns, end_ns }).collect()
}

/// What a grid is laid over.
struct Grid<'a> {
    frames: &'a [FrameInfo],
    pauses: &'a Spans,
    /// Where it is not known for long what was shown.
    holes: Spans,
}

impl Grid<'_> {
    /// Step *n* begins `floor(n * 1e9 / fps)` ns after the first. Steps that begin in a pause or in a hole are left out. `None` when there are
    /// more than a video holds.
    fn steps(&self, fps: u32, begin: i64, end: i64) -> Option<Vec<Step>> {
        let fps = i128::from(fps.max(1));
        let time = |n: i64| begin.saturating_add((i128::from(n) * 1_000_000_000 / fps) as i64);
        let count = (i128::from(end) - i128::from(begin)) * fps / 1_000_000_000;
        if count > MAX_SAMPLES as i128 {
            return None;
        }
        let mut frame = self.frames.partition_point(|frame| frame.t_ns <= begin).saturating_sub(1);
        let mut steps = Vec::new();
        for n in 0.. {
            let start_ns = time(n);
            if start_ns > end {
                break;
            }
            while self.frames.get(frame + 1).is_some_and(|next| next.t_ns <= start_ns) {
                frame += 1;
            }
            // The frame with which a hole ends is known.
            let shown = self.frames.get(frame).is_some_and(|shown| shown.t_ns == start_ns);
            if !self.pauses.hold(start_ns) && (shown || !self.holes.hold(start_ns)) {
                steps.push(Step { frame, start_ns, end_ns: time(n + 1) });
            }
        }
        Some(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(times: &[i64]) -> Vec<FrameInfo> {
        times.iter().map(|t_ns| FrameInfo { t_ns: *t_ns, pts_us: t_ns / 1000, keyframe: true, dup: false }).collect()
    }

    fn shown(frames: &[FrameInfo], pauses: &Spans, gaps: &Spans, end: i64) -> Vec<(i64, usize)> {
        let grid = Grid { frames, pauses, holes: gaps.of_at_least(HOLE_NS) };
        let steps = grid.steps(10, frames[0].t_ns, end).expect("few steps");
        assert!(steps.iter().all(|step| step.end_ns - step.start_ns == 100_000_000));
        steps.iter().map(|step| (step.start_ns / 100_000_000, step.frame)).collect()
    }

    #[test]
    fn a_grid_reaches_the_end_of_the_recording() {
        let frames = frames(&[0, 150_000_000]);
        let none = Spans::default();
        assert_eq!(shown(&frames, &none, &none, 650_000_000), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]);
        // It may end paused.
        let pauses = Spans::new(vec![(350_000_000, i64::MAX)]);
        assert_eq!(shown(&frames, &pauses, &none, 650_000_000), [(0, 0), (1, 0), (2, 1), (3, 1)]);
    }

    #[test]
    fn what_nobody_saw_is_no_step() {
        let frames = frames(&[0, 600_000_000]);
        let none = Spans::default();
        let long = Spans::new(vec![(150_000_000, 600_000_000)]);
        assert_eq!(shown(&frames, &none, &long, 700_000_000), [(0, 0), (1, 0), (6, 1), (7, 1)]);
        // A frame that came late is a lower rate.
        let short = Spans::new(vec![(150_000_000, 350_000_000)]);
        assert_eq!(shown(&frames, &none, &short, 700_000_000).len(), 8);
    }

    #[test]
    fn a_grid_is_no_longer_than_a_video() {
        let frames = frames(&[0]);
        let none = Spans::default();
        let grid = Grid { frames: &frames, pauses: &none, holes: Spans::default() };
        assert_eq!(grid.steps(30, 0, i64::MAX), None);
        assert_eq!(grid.steps(240, i64::MIN, i64::MAX), None);
    }
}
