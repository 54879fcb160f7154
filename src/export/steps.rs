//! Steps: what one sample of training data is about. A frame that was shown, and the time from then until the next step.
//!
//! Without a rate, step *k* is frame *k*: from its `t_ns` until that of frame *k* + 1. With a rate, steps lie on a grid, and each shows the
//! last frame at or before its time. Either way an input belongs to the step in whose time it lies, so a step never knows of anything
//! that happened after its end, nor its picture of anything after its beginning.

use super::source::Source;
use super::{ExportError, Options};
use crate::redact::span::{Moment, Span};

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
    let (first, last) = match (source.frames.first(), source.frames.last()) {
        (Some(first), Some(last)) => (first.t_ns, last.t_ns),
        _ => return Err(none()),
    };
    let span = span(source, options)?;
    let all = match options.fps {
        None => by_frame(source),
        Some(fps) => on_grid(source, fps, span.from.max(first), span.until.min(last)),
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

/// Step *n* begins `floor(n * 1e9 / fps)` ns after the first. Steps that begin in a pause are left out.
fn on_grid(source: &Source, fps: u32, begin: i64, end: i64) -> Vec<Step> {
    let time = |n: i64| begin.saturating_add((i128::from(n) * 1_000_000_000 / i128::from(fps.max(1))) as i64);
    let mut frame = source.frames.partition_point(|frame| frame.t_ns <= begin).saturating_sub(1);
    let mut steps = Vec::new();
    for n in 0.. {
        let start_ns = time(n);
        if start_ns > end {
            break;
        }
        while source.frames.get(frame + 1).is_some_and(|next| next.t_ns <= start_ns) {
            frame += 1;
        }
        if !source.pauses.hold(start_ns) {
            steps.push(Step { frame, start_ns, end_ns: time(n + 1) });
        }
    }
    steps
}
