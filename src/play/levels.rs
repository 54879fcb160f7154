//! How loud a sealed session is: the peaks of its sound, read by a thread of its own when the player first asks.
//!
//! Memory is two bytes for 20 ms. Where nothing here decodes the sound there are no levels, and the lane stays empty.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use watchcap_replay::{Level, Levels};

use crate::base::event::Stream;
use crate::media::decode::pcm::{PcmError, PcmReader};
use crate::media::mp4::sound::time;
use crate::session::metadata::Metadata;
use crate::session::sound;
use crate::session::table::read::SessionReader;
use crate::session::table::row::{OwnedRow, event_type, key};

/// Time of a cell.
const CELL_NS: i64 = 20_000_000;
/// Samples (per channel) that are looked at together, less than a millisecond: what AAC begins with is a multiple.
const TOGETHER: usize = 32;
/// Most cells: 31 days. Bounds what a file with strange times costs.
const MAX_CELLS: usize = 31 * 86_400 * 50;

/// What is known so far.
#[derive(Default)]
struct Known {
    /// The peak of each cell, of all files.
    peaks: Vec<u16>,
    /// Where sound is missing.
    gaps: Vec<(i64, i64)>,
}

/// The levels of a session.
pub(super) struct Loudness {
    dir: PathBuf,
    files: Vec<(&'static str, i64)>,
    has_gaps: bool,
    /// The first instant of any sound.
    begin_ns: i64,
    known: Arc<Mutex<Known>>,
    begun: OnceLock<()>,
    over: Arc<AtomicBool>,
    /// Nobody asks any more.
    stop: Arc<AtomicBool>,
}

impl Drop for Loudness {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Loudness {
    /// Returns the levels of a session that has sound; `None` of one without.
    pub(super) fn of(dir: &Path, metadata: &Metadata) -> Option<Self> {
        let files = sound::placed(metadata);
        let begin_ns = files.iter().map(|(_, t0_ns)| *t0_ns).min()?;
        let has_gaps = metadata.lost.iter().any(|loss| loss.stream == Stream::Audio.name());
        Some(Self {
            dir: dir.to_owned(),
            files,
            has_gaps,
            begin_ns,
            known: Arc::default(),
            begun: OnceLock::new(),
            over: Arc::default(),
            stop: Arc::default(),
        })
    }

    /// Returns how loud it is in equal parts of a span.
    pub(super) fn levels(&self, from_ns: i64, until_ns: i64, parts: usize) -> Levels {
        if parts > 0 {
            self.begun.get_or_init(|| self.begin());
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let length = i128::from(until_ns) - i128::from(from_ns) + 1;
        let at = |part: usize| {
            let ns = i128::from(from_ns) + length * part as i128 / parts.max(1) as i128;
            i64::try_from(ns).unwrap_or(i64::MAX)
        };
        let level = |part: usize| {
            let (from, until) = (at(part), at(part + 1));
            if known.gaps.iter().any(|gap| gap.0 < until && from <= gap.1) {
                return Level::Missing;
            }
            let cell = |t_ns: i64| (t_ns.saturating_sub(self.begin_ns)).div_euclid(CELL_NS);
            let (first, behind) = (cell(from).max(0), cell(until.saturating_sub(1)) + 1);
            let range = usize::try_from(first).unwrap_or(0)..usize::try_from(behind.max(first)).unwrap_or(0);
            let range = range.start.min(known.peaks.len())..range.end.min(known.peaks.len());
            known.peaks[range].iter().max().map_or(Level::Unknown, |peak| Level::Peak(*peak))
        };
        Levels { parts: (0..parts).map(level).collect(), complete: self.over.load(Ordering::Acquire) }
    }

    /// Begins to read.
    fn begin(&self) {
        let (dir, files, begin_ns) = (self.dir.clone(), self.files.clone(), self.begin_ns);
        let (known, has_gaps) = (Arc::clone(&self.known), self.has_gaps);
        let (over, stop) = (Arc::clone(&self.over), Arc::clone(&self.stop));
        let read = move || {
            if has_gaps && let Err(why) = gaps(&dir, &known) {
                tracing::debug!(%why, "gaps of the sound cannot be read");
            }
            for (file, t0_ns) in files {
                if let Err(error) = peaks(&dir.join(file), (t0_ns, begin_ns), &known, &stop) {
                    tracing::debug!(%error, "no levels of the sound");
                }
            }
            over.store(true, Ordering::Release);
        };
        if let Err(error) = std::thread::Builder::new().name("levels".into()).spawn(read) {
            tracing::debug!(%error, "no thread for the levels of the sound");
            self.over.store(true, Ordering::Release);
        }
    }
}

/// Gathers where sound is missing.
fn gaps(dir: &Path, known: &Mutex<Known>) -> Result<(), String> {
    let reader = SessionReader::open(dir).map_err(|error| error.to_string())?;
    let mut rows = reader.events().rows();
    let mut row = OwnedRow::default();
    while rows.next_into(&mut row).map_err(|error| error.to_string())? {
        if row.event_type == event_type::GAP && row.metadata.get(key::STREAM) == Some(Stream::Audio.name()) {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.gaps.push((row.t_ns, row.until_ns()));
        }
    }
    Ok(())
}

/// Gathers the peaks of a file.
fn peaks(path: &Path, (t0_ns, begin_ns): (i64, i64), known: &Mutex<Known>, stop: &AtomicBool) -> Result<(), PcmError> {
    let mut reader = PcmReader::open(path)?;
    let (rate, channels) = (reader.rate(), usize::from(reader.channels().max(1)));
    while !stop.load(Ordering::Acquire)
        && let Some(block) = reader.next_block()?
    {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        for (tick, samples) in (block.tick..).step_by(TOGETHER).zip(block.samples.chunks(channels * TOGETHER)) {
            let Ok(tick) = u64::try_from(tick) else { continue };
            let cell = time(tick, t0_ns, rate).saturating_sub(begin_ns) / CELL_NS;
            let cell = usize::try_from(cell).unwrap_or(0);
            if cell >= MAX_CELLS {
                return Ok(());
            }
            if known.peaks.len() <= cell {
                known.peaks.resize(cell + 1, 0);
            }
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
            known.peaks[cell] = known.peaks[cell].max(loudest);
        }
    }
    Ok(())
}
