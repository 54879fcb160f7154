//! What the player's timeline is made from: rows in blocks that are read one by one, the times of frames, and what is known of
//! the recording besides. A sealed session is one ([`super::sealed`]), and so is a log ([`crate::play::opened`]), which grows.

use std::sync::{PoisonError, RwLock};

use watchcap_replay::{Levels, Mask, Summary};

use crate::media::mp4::index::Sample;
use crate::session::table::row::OwnedRow;

/// A recording as the timeline reads it. Called from the player's thread and from the one that counts.
///
/// Blocks are numbered from 0; their first instants never decrease. All but the last few of a recording that grows are closed:
/// they stay as they are.
pub trait Reel: Send + Sync {
    /// Another number whenever anything here has changed.
    fn version(&self) -> u64 {
        0
    }

    /// Takes in what was recorded since; false when nothing more can come. Called by the thread that counts, over and over.
    fn advance(&self) -> bool {
        false
    }

    /// How loud it is in equal parts of a span; `None` without sound.
    fn levels(&self, from_ns: i64, until_ns: i64, parts: usize) -> Option<Levels> {
        let _ = (from_ns, until_ns, parts);
        None
    }

    /// How many blocks there are.
    fn blocks(&self) -> usize;

    /// How many of them are closed.
    fn closed(&self) -> usize {
        self.blocks()
    }

    /// Another number whenever an open block has other rows than before.
    fn revision(&self, block: usize) -> u64;

    /// First and last instant of a block, nanoseconds of the monotonic clock; `None` when there is no such block.
    fn span_of(&self, block: usize) -> Option<(i64, i64)>;

    /// The last block that begins at or before an instant; the first when there is none.
    fn block_at(&self, t_ns: i64) -> usize;

    /// Hands over the rows of a block, in order of time, then of arrival.
    ///
    /// # Errors
    /// A sentence for a person: why they cannot be read.
    fn each(&self, block: usize, take: &mut dyn FnMut(&OwnedRow)) -> Result<(), String>;

    /// Hands over the rows of a block whose event type is wanted, in the same order.
    ///
    /// # Errors
    /// As [`Self::each`].
    fn each_of(
        &self,
        block: usize,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&OwnedRow),
    ) -> Result<(), String> {
        self.each(block, &mut |row| {
            if wanted(&row.event_type) {
                take(row);
            }
        })
    }

    /// Hands over time and event type of the rows of a block, when that costs much less than [`Self::each`]; `None` when not.
    fn each_kind(&self, block: usize, take: &mut dyn FnMut(i64, &str)) -> Option<Result<(), String>>;

    /// The first and the last instant of the recording.
    fn span(&self) -> (i64, i64);

    /// What is known of the recording as a whole.
    fn summary(&self) -> Summary;

    /// When frames were captured.
    fn frames(&self) -> &FrameTimes;

    /// Width and height of the pictures, pixels; 0 when there are none.
    fn size(&self) -> (u32, u32);

    /// What was covered from start to end.
    fn masks(&self) -> Vec<Mask>;

    /// Of how many parts it is.
    fn parts(&self) -> usize {
        1
    }

    /// Which of them an instant is in, counted from 0.
    fn part_at(&self, t_ns: i64) -> usize {
        let _ = t_ns;
        0
    }
}

/// When each frame was captured and whether decoding can begin there: 8 bytes a frame, 14 MB for 8 h at 60 frames a second.
#[derive(Default)]
pub struct FrameTimes(RwLock<Times>);

#[derive(Default)]
struct Times {
    /// The first frame of each part, and when that was captured, nanoseconds. One, but for a series.
    begins: Vec<(usize, i64)>,
    /// Microseconds since the first frame of the part, shifted by one bit for the keyframe flag.
    packed: Vec<i64>,
}

/// When a frame was captured whose part begins at `t0_ns`.
fn time_of(t0_ns: i64, packed: i64) -> i64 {
    t0_ns.saturating_add((packed >> 1).saturating_mul(1000))
}

impl FrameTimes {
    /// Frames from the video's index; the first was captured at `t0_ns`.
    pub fn new(t0_ns: i64, samples: &[Sample]) -> Self {
        let times = Self::default();
        times.extend(t0_ns, samples);
        times
    }

    /// Takes more frames; `t0_ns` counts when they are the first.
    pub fn extend(&self, t0_ns: i64, samples: &[Sample]) {
        let mut times = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if times.packed.is_empty() {
            times.begins = vec![(0, t0_ns)];
        }
        times.packed.extend(samples.iter().map(|sample| (sample.pts_us << 1) | i64::from(sample.keyframe)));
    }

    /// Takes the frames of the next part of a series.
    pub fn append(&self, part: &Self) {
        let part = part.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut times = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = times.packed.len();
        times.begins.extend(part.begins.iter().map(|(first, t0_ns)| (before + first, *t0_ns)));
        times.packed.extend_from_slice(&part.packed);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).packed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last frame at or before an instant. The index knows times to half a microsecond, which is allowed for.
    pub fn at(&self, t_ns: i64) -> Option<usize> {
        let times = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let until = t_ns.saturating_add(500);
        let next = times.begins.partition_point(|(_, t0_ns)| *t0_ns <= until);
        let (first, t0_ns) = *times.begins.get(next.checked_sub(1)?)?;
        let end = times.begins.get(next).map_or(times.packed.len(), |(end, _)| *end);
        let part = times.packed.get(first..end)?;
        (first + part.partition_point(|packed| time_of(t0_ns, *packed) <= until)).checked_sub(1)
    }

    /// When a frame was captured, and whether it is a keyframe.
    pub fn get(&self, frame: usize) -> Option<(i64, bool)> {
        let times = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let part = times.begins.partition_point(|(first, _)| *first <= frame).checked_sub(1)?;
        let (_, t0_ns) = times.begins[part];
        times.packed.get(frame).map(|packed| (time_of(t0_ns, *packed), packed & 1 == 1))
    }
}
