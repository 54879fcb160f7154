//! Frames whose references are gone and whose bytes are not: given back with their number and their time by the SEI that each
//! access unit begins with.
//!
//! Looks only where references are missing: between the last frame before a hole and the first one behind it, and behind the last
//! record of a log that was not closed. What no sync vouches for is decoded before it is believed. A frame that is not believed leaves
//! no trace, since finishing the video may take its bytes away, and finalizing again must find the same. Changes nothing.

use std::ops::Range;

use super::describe::Story;
use super::error::FinalizeError;
use super::video::LogVideo;
use crate::base::event::Frame;
use crate::base::io_error::IoError;
use crate::base::time::MonoNs;
use crate::log::reader::LogReader;
use crate::media::frames::{FrameError, FrameReader};
use crate::media::mp4::append::FIRST_BOX;
use crate::media::mp4::index::Sample;
use crate::media::mp4::scan;
use crate::media::mp4::scan::FoundUnit;
use crate::media::picture::FrameStamp;
use crate::media::syntax::UnitSyntax;
use crate::media::track::CodecConfig;

/// A frame that was found by its SEI.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundFrame {
    /// Its time.
    pub t: MonoNs,
    /// Its reference, as far as the bytes tell it.
    pub frame: Frame,
    /// In which of the log's holes its reference was; `None` behind the last record.
    pub hole: Option<usize>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Frames, in order.
    pub frames: Vec<FoundFrame>,
    /// Where the last one's bytes end; 0 when there is none.
    pub end: u64,
}

/// A part of the video for which there are no references.
struct Place {
    range: Range<u64>,
    /// Numbers that its frames can have.
    numbers: Range<u64>,
    /// The holes it belongs to: none is the part behind the last record alone.
    holes: Range<usize>,
}

fn end_of(frame: &Frame) -> u64 {
    frame.offset.saturating_add(u64::from(frame.size_bytes))
}

/// The last frame in the chunks before `index`.
fn frame_before(reader: &LogReader, index: usize) -> Option<Frame> {
    (0..index).rev().find_map(|index| reader.frames(index).pop())
}

/// The first frame in the chunks from `index` on.
fn frame_after(reader: &LogReader, index: usize) -> Option<Frame> {
    (index..reader.chunks().len()).find_map(|index| reader.frames(index).into_iter().next())
}

/// Where references are missing, in order; holes without a frame between them are one place.
fn places(reader: &LogReader, len: u64) -> Vec<Place> {
    let chunks = reader.chunks();
    let mut out: Vec<Place> = Vec::new();
    let mut add = |index: usize, holes: Range<usize>| {
        let (before, after) = (frame_before(reader, index), frame_after(reader, index));
        let start = before.as_ref().map_or(FIRST_BOX, end_of);
        let end = after.as_ref().map_or(len, |frame| frame.offset.min(len));
        match out.last_mut() {
            Some(last) if last.range.start == start => last.holes.end = last.holes.end.max(holes.end),
            _ if start >= end => {}
            _ => {
                let numbers = before.map_or(0, |frame| frame.frame_ref.0.saturating_add(1))
                    ..after.map_or(u64::MAX, |frame| frame.frame_ref.0);
                out.push(Place { range: start..end, numbers, holes });
            }
        }
    };
    for (number, hole) in reader.holes.iter().enumerate() {
        add(chunks.partition_point(|place| place.first < hole.first), number..number + 1);
    }
    if reader.facts.end.is_none() {
        add(chunks.len(), 0..0);
    }
    out
}

/// Finds the frames whose references are missing.
///
/// # Errors
/// When the video cannot be read.
pub fn find(reader: &LogReader, video: &LogVideo, story: &Story) -> Result<Found, FinalizeError> {
    let mut found = Found::default();
    // Where nothing says the codec, it is that of the first releases; no frame is decoded by anybody then.
    let syntax = story.config.as_ref().map_or(UnitSyntax::Avc, CodecConfig::syntax);
    for Place { range, mut numbers, mut holes } in places(reader, video.len) {
        // No more frames than records are missing in a hole.
        let mut room = reader.holes.get(holes.start).map_or(0, |hole| hole.count);
        let mut take = |units: Vec<FoundUnit<FrameStamp>>| {
            for FoundUnit { offset, len, keyframe, stamp } in units {
                let later = found.frames.last().is_none_or(|last| last.t < stamp.t);
                if !numbers.contains(&stamp.frame_ref.0) || !later {
                    continue;
                }
                numbers.start = stamp.frame_ref.0.saturating_add(1);
                while room == 0 && !holes.is_empty() {
                    holes.start += 1;
                    room = if holes.is_empty() { 0 } else { reader.holes[holes.start].count };
                }
                let hole = (!holes.is_empty()).then_some(holes.start);
                room = room.saturating_sub(1);
                let frame = Frame {
                    frame_ref: stamp.frame_ref,
                    offset,
                    size_bytes: len,
                    crc32c: 0,
                    keyframe,
                    duplicate: false,
                    capture_us: 0,
                    encode_us: 0,
                };
                found.frames.push(FoundFrame { t: stamp.t, frame, hole });
            }
        };
        scan::scan(&video.path, video.layout, &range, syntax, &mut |part| syntax.stamp_in(part), &mut take)?;
    }
    let believed = believed(&found.frames, reader, video, story)?;
    found.frames.truncate(believed);
    found.end = found.frames.last().map_or(0, |found| end_of(&found.frame));
    Ok(found)
}

/// How many of the frames can be believed: all that a sync vouches for, and behind it all before the first that cannot be decoded.
fn believed(found: &[FoundFrame], reader: &LogReader, video: &LogVideo, story: &Story) -> Result<usize, FinalizeError> {
    // What cannot be read just now is neither believed nor not.
    let read = |source| Err(IoError::at("read", &video.path)(source).into());
    let first = found.partition_point(|found| end_of(&found.frame) <= video.synced());
    let Some(begin) = found.get(first).map(|found| found.frame.offset) else { return Ok(found.len()) };
    // Without parameter sets no frame is decoded by anybody.
    let Some(config) = &story.config else { return Ok(found.len()) };
    // From the last keyframe before the first of them on.
    let mut all: Vec<Frame> = found.iter().map(|found| found.frame.clone()).collect();
    for index in (0..reader.chunks().len()).rev() {
        let frames = reader.frames(index);
        let enough = frames.iter().any(|frame| frame.keyframe && frame.offset <= begin);
        all.extend(frames);
        if enough {
            break;
        }
    }
    all.retain(|frame| end_of(frame) <= video.len);
    all.sort_by_key(|frame| frame.offset);
    let start = all.iter().rposition(|frame| frame.keyframe && frame.offset <= begin);
    let Some(start) = start.or_else(|| all.iter().position(|frame| frame.keyframe)) else {
        return Ok(found.len());
    };
    let all = &all[start..];
    let samples = (0..).zip(all).map(|(pts_us, frame)| Sample {
        offset: frame.offset,
        size: frame.size_bytes,
        pts_us,
        keyframe: frame.keyframe,
    });
    let mut decoder = match FrameReader::with_samples(&video.path, samples.collect(), config.clone(), story.surface) {
        Ok(decoder) => decoder,
        Err(FrameError::Open { source, .. } | FrameError::Read { source, .. }) => return read(source),
        Err(error) => {
            tracing::warn!(%error, "the frames behind the last record cannot be tried");
            return Ok(first);
        }
    };
    for (index, frame) in all.iter().enumerate() {
        if frame.offset < begin {
            continue;
        }
        match decoder.decode(index) {
            Ok(_) => {}
            Err(FrameError::Read { source, .. }) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
                return read(source);
            }
            Err(_) => return Ok(found.partition_point(|found| found.frame.offset < frame.offset)),
        }
    }
    Ok(found.len())
}
