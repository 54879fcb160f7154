//! What came to a disk while something was recorded on it, and what the state of the disk is after a power cut.
//!
//! The model of a disk: what was written before a flush that was answered is there. Of what was written since, any part may be there, in any
//! order, torn between sectors of 512 bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::{Failure, Random};

/// What a disk writes at once, bytes.
const SECTOR: usize = 512;

/// Bytes at a place.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

/// A write that the disk took.
#[derive(Clone)]
pub(crate) struct Written {
    /// When, `CLOCK_MONOTONIC`, ns.
    pub(crate) t: i64,
    pub(crate) piece: Piece,
}

/// A flush: when it came and was answered, and how many of the writes were there when it came.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Flush {
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) covers: usize,
}

/// What happened when, ns.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Moments {
    /// Before the recorder was started.
    pub(crate) start: i64,
    /// The recorder said that it records.
    pub(crate) ready: i64,
    /// The recorder was killed.
    pub(crate) killed: Option<i64>,
    /// The recorder said that its log is closed.
    pub(crate) closed: Option<i64>,
    /// The session was sealed: all programs had ended.
    pub(crate) sealed: i64,
    /// The disk ended remembering.
    pub(crate) stop: i64,
}

/// How a trace was made.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// `seal`, `later`, `killed` or `screen`.
    pub(crate) kind: String,
    pub(crate) fps: u32,
    pub(crate) kbps: u32,
    pub(crate) size: (u32, u32),
    pub(crate) millis: u64,
    /// Options of the file system: ext4's own, or those with which it orders least.
    pub(crate) mount: String,
    /// How long the disk takes to flush, microseconds.
    pub(crate) flush_us: u64,
    pub(crate) seed: u64,
}

/// What came to a disk.
pub(crate) struct Trace {
    pub(crate) recipe: Recipe,
    pub(crate) moments: Moments,
    /// Size of the disk, bytes.
    pub(crate) size: u64,
    /// What was on it before.
    pub(crate) base: Vec<Piece>,
    pub(crate) writes: Vec<Written>,
    pub(crate) flushes: Vec<Flush>,
    /// When a thread with the priority of those that carry blocks to the disk did not get a processor.
    pub(crate) stalls: Vec<(i64, i64)>,
}

/// What of a trace is text; its bytes stand behind it.
#[derive(Serialize, Deserialize)]
struct Head {
    recipe: Recipe,
    moments: Moments,
    size: u64,
    base: Vec<(u64, usize)>,
    writes: Vec<(i64, u64, usize)>,
    flushes: Vec<Flush>,
    stalls: Vec<(i64, i64)>,
}

impl Trace {
    /// Writes it to a file, so that a cut can be tried again.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let head = Head {
            recipe: self.recipe.clone(),
            moments: self.moments,
            size: self.size,
            base: self.base.iter().map(|piece| (piece.offset, piece.bytes.len())).collect(),
            writes: self.writes.iter().map(|w| (w.t, w.piece.offset, w.piece.bytes.len())).collect(),
            flushes: self.flushes.clone(),
            stalls: self.stalls.clone(),
        };
        let mut file = std::io::BufWriter::new(File::create(path)?);
        serde_json::to_writer(&mut file, &head)?;
        file.write_all(b"\n")?;
        for piece in self.base.iter().chain(self.writes.iter().map(|write| &write.piece)) {
            file.write_all(&piece.bytes)?;
        }
        Ok(file.flush()?)
    }

    /// Reads it back.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let mut file = BufReader::new(File::open(path)?);
        let mut line = String::new();
        file.read_line(&mut line)?;
        let head: Head = serde_json::from_str(&line)?;
        let mut piece = |(offset, len): (u64, usize)| -> Result<Piece, Failure> {
            let mut bytes = vec![0; len];
            file.read_exact(&mut bytes)?;
            Ok(Piece { offset, bytes })
        };
        let base = head.base.into_iter().map(&mut piece).collect::<Result<_, _>>()?;
        let writes = head
            .writes
            .into_iter()
            .map(|(t, offset, len)| Ok(Written { t, piece: piece((offset, len))? }))
            .collect::<Result<_, Failure>>()?;
        Ok(Self {
            recipe: head.recipe,
            moments: head.moments,
            size: head.size,
            base,
            writes,
            flushes: head.flushes,
            stalls: head.stalls,
        })
    }

    /// How long the machine stood still between two times, ns.
    pub(crate) fn stalled(&self, from: i64, until: i64) -> i64 {
        self.stalls.iter().map(|(due, woke)| (until.min(*woke) - from.max(*due)).max(0)).sum()
    }

    /// Bytes that were written.
    pub(crate) fn bytes(&self) -> u64 {
        self.writes.iter().map(|write| write.piece.bytes.len() as u64).sum()
    }
}

/// What the disk's cache had brought to the disk when the power went.
#[derive(Clone, Copy, Debug)]
enum Keep {
    /// Nothing since the last flush.
    Nothing,
    /// All of it.
    All,
    /// Some writes, whole: this many in a hundred.
    Whole(u64),
    /// Some writes, of which some are torn.
    Torn(u64),
    /// Any sectors.
    Sectors(u64),
    /// The first so many in order, in a hundred, and the last one torn.
    First(u64),
    /// The last so many, in a hundred.
    Last(u64),
}

/// A power cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// When.
    pub(crate) t: i64,
    keep: Keep,
    order: u64,
}

impl Cut {
    /// The cut that a seed stands for: half of them at any time, half at any write, since sealing and starting are short.
    pub(crate) fn of(trace: &Trace, seed: u64) -> Self {
        let mut random = Random(seed);
        let from = trace.moments.start;
        let t = if random.below(2) == 0 || trace.writes.is_empty() {
            from + random.below((trace.moments.stop - from).max(1) as u64) as i64
        } else {
            trace.writes[random.below(trace.writes.len() as u64) as usize].t
        };
        let share = [5, 20, 50, 80, 97][random.below(5) as usize];
        let keep = match random.below(10) {
            0 => Keep::Nothing,
            1 => Keep::All,
            2 | 3 => Keep::Whole(share),
            4 | 5 => Keep::Torn(share),
            6 | 7 => Keep::Sectors(share),
            8 => Keep::First(share),
            _ => Keep::Last(share),
        };
        Self { t, keep, order: random.below(u64::MAX) }
    }

    /// Makes the file what the disk is after the cut; answers with how many writes no flush had covered.
    ///
    /// `behind` makes the disk lie: what it answered as flushed so long before the cut may be lost all the same.
    pub(crate) fn image(&self, trace: &Trace, file: &File, behind: i64) -> Result<usize, Failure> {
        file.set_len(0)?;
        file.set_len(trace.size)?;
        let put = |piece: &Piece| file.write_all_at(&piece.bytes, piece.offset);
        trace.base.iter().try_for_each(put)?;
        let flushed = trace.flushes.iter().filter(|flush| flush.end <= self.t - behind).map(|flush| flush.covers).max();
        let flushed = flushed.unwrap_or(0);
        let taken = trace.writes.partition_point(|write| write.t <= self.t).max(flushed);
        trace.writes[..flushed].iter().try_for_each(|write| put(&write.piece))?;

        let mut random = Random(self.order);
        let later = &trace.writes[flushed..taken];
        let mut order: Vec<usize> = (0..later.len()).collect();
        if !matches!(self.keep, Keep::All | Keep::First(_)) {
            for at in (1..order.len()).rev() {
                order.swap(at, random.below(at as u64 + 1) as usize);
            }
        }
        let part = |share: u64| (later.len() * share as usize).div_ceil(100);
        for (place, index) in order.into_iter().enumerate() {
            let mut chance = |share: u64| random.below(100) < share;
            let (kept, torn) = match self.keep {
                Keep::Nothing => (false, None),
                Keep::All => (true, None),
                Keep::Whole(share) => (chance(share), None),
                Keep::Torn(share) => (chance(share), chance(50).then_some(50)),
                Keep::Sectors(share) => (true, Some(share)),
                Keep::First(share) => (place < part(share), (place + 1 == part(share)).then_some(50)),
                Keep::Last(share) => (later.len() - index <= part(share), None),
            };
            if !kept {
                continue;
            }
            let piece = &later[index].piece;
            let Some(share) = torn else {
                put(piece)?;
                continue;
            };
            for (at, sector) in piece.bytes.chunks(SECTOR).enumerate() {
                if random.below(100) < share {
                    file.write_all_at(sector, piece.offset + (at * SECTOR) as u64)?;
                }
            }
        }
        Ok(later.len())
    }
}
