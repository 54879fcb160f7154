//! Watches the disk while a recording runs: keeps the room that sealing needs, and ends the recording while the rest of it
//! still fits.
//!
//! A thread of its own, so that neither the sequence nor the status waits for a slow answer. It measures what log and video
//! really take of the disk (allocated blocks) and what the table will take, and looks at what is free four times a second.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::error::RecordError;
use super::status::Counters;
use super::stop::{Stop, spawn};
use crate::base::event::Stream;
use crate::base::time::{Clock, SystemClock};
use crate::log::reserve::{self, Reserve};
use crate::log::store::DATABASE_FILE;
use crate::log::{LogError, LogPaths};

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(250);
/// Looks over which the rate is measured: ten seconds.
const LOOKS: usize = 40;
/// What is written between the look that ends a recording and its last byte: one period until the next look, a second in which
/// sources may end, the queues (half a second), and as much again for what grows faster than it was measured.
const HORIZON_S: u64 = 4;
/// Beside that, bytes: blocks that files take before they are full, and the index of the file system.
const FLOOR: u64 = 1 << 20;
/// The reserve is ahead of what sealing needs by an eighth and this, bytes: four seconds of 1000 inputs a second.
const AHEAD: u64 = 256 << 10;
/// The reserve that a recording begins with; it grows with it.
const FIRST_RESERVE: u64 = 768 << 10;

/// What a recording of this bit rate needs to begin: the first reserve, and room for the end.
fn needed_to_begin(bitrate_kbps: u32) -> u64 {
    FIRST_RESERVE + margin(nominal_rate(bitrate_kbps))
}

/// Checks that there is room to begin a recording in a folder that will be made.
pub(super) fn check_room(folder: &Path, bitrate_kbps: u32) -> Result<(), RecordError> {
    let needed_bytes = needed_to_begin(bitrate_kbps);
    // Folders that are not there yet will be made.
    let path = folder.ancestors().skip(1).find(|path| path.is_dir()).unwrap_or(Path::new("."));
    match fs4::available_space(path) {
        Ok(free_bytes) if free_bytes < needed_bytes => {
            Err(RecordError::NoRoom { path: path.to_path_buf(), free_bytes, needed_bytes })
        }
        // What is wrong with the folder is said when the session's is made in it.
        _ => Ok(()),
    }
}

/// Bytes a second that the encoder may produce at any time, whatever it produced so far, and as much of a log as 1000 inputs a
/// second make (measured: 124 bytes each).
fn nominal_rate(bitrate_kbps: u32) -> u64 {
    u64::from(bitrate_kbps) * 125 + 124_000
}

/// A recording ends while this much is free beside the reserve.
fn margin(rate: u64) -> u64 {
    FLOOR + rate * HORIZON_S
}

/// The watch over one recording's disk.
pub(super) struct Watch {
    paths: LogPaths,
    reserve: Reserve,
    nominal: u64,
    /// Nanoseconds and bytes taken at the last looks.
    looks: VecDeque<(i64, u64)>,
}

impl Watch {
    /// Allocates the first reserve in the log of a session's folder.
    pub(super) fn begin(folder: &Path, bitrate_kbps: u32) -> Result<Self, LogError> {
        let paths = LogPaths::of(folder);
        let reserve = Reserve::create(&paths.reserve, FIRST_RESERVE)?;
        Ok(Self { paths, reserve, nominal: nominal_rate(bitrate_kbps), looks: VecDeque::new() })
    }

    /// Watches until the recording ends; from when another part is recorded, its disk.
    pub(super) fn start(
        mut self,
        counters: Arc<Counters>,
        parts: Receiver<Self>,
        stop: &Stop,
    ) -> Result<JoinHandle<()>, RecordError> {
        let asked = stop.clone();
        spawn("disk", Stream::Log, stop, move || {
            while !asked.is_asked() {
                if let Some(next) = parts.try_iter().last() {
                    self = next;
                }
                if let Err(reason) = self.look(&counters) {
                    match reason {
                        "folder_gone" => asked.fail(Stream::Log, reason),
                        _ => asked.ask(reason),
                    }
                    break;
                }
                SystemClock.sleep_until(SystemClock.now().plus(PERIOD));
            }
        })
    }

    /// Looks once; a word when the recording must end.
    fn look(&mut self, counters: &Counters) -> Result<(), &'static str> {
        let dir = &self.paths.dir;
        let Ok(free) = fs4::available_space(dir) else {
            return if dir.is_dir() { Ok(()) } else { Err("folder_gone") };
        };
        let to_seal = counters.to_seal.load(Ordering::Relaxed);
        let rate = self.rate(to_seal);
        let wanted = to_seal + to_seal / 8 + AHEAD;
        let before = self.reserve.bytes();
        if let Err(error) = self.reserve.grow_to(wanted) {
            if error.end_reason() != "io_error" {
                return Err(error.end_reason());
            }
            tracing::warn!(%error, "room for sealing cannot be kept");
        }
        let margin = margin(rate.max(self.nominal));
        let on_disk = free.saturating_sub(self.reserve.bytes() - before).saturating_sub(margin);
        let in_file = self.room_in_file(counters).saturating_sub(margin);
        counters.disk_rate.store(rate, Ordering::Relaxed);
        counters.disk_left.store(on_disk.min(in_file), Ordering::Relaxed);
        match (on_disk, in_file) {
            (0, _) => Err("disk_full"),
            (_, 0) => Err("file_too_large"),
            _ => Ok(()),
        }
    }

    /// Bytes that the larger of the two files may still get (`ulimit -f`); the video gets its index at the end.
    fn room_in_file(&self, counters: &Counters) -> u64 {
        let Some(limit) = crate::base::files::max_file_bytes() else { return u64::MAX };
        let len = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
        let video = len(&self.paths.video) + counters.part_frames.load(Ordering::Relaxed) * reserve::PER_FRAME;
        limit.saturating_sub(video.max(len(&self.paths.events.join(DATABASE_FILE))))
    }

    /// Bytes a second that the recording takes of the disk, what sealing will take included (the reserve itself grows in steps):
    /// measured over the last second or the last ten, whichever is more.
    fn rate(&mut self, to_seal: u64) -> u64 {
        let now = (SystemClock.now().0, taken(&self.paths) + to_seal);
        if self.looks.len() == LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back(now);
        let since = |look: Option<&(i64, u64)>| {
            let (t, bytes) = look.copied().unwrap_or(now);
            let seconds = ((now.0 - t) as f64 / 1e9).max(1.0);
            (now.1.saturating_sub(bytes) as f64 / seconds) as u64
        };
        let second = since(self.looks.iter().rev().nth(4));
        second.max(since(self.looks.front()))
    }
}

/// Bytes of disk under a recording's log.
fn taken(paths: &LogPaths) -> u64 {
    let files = crate::base::files::list(&paths.events)
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _)| paths.events.join(name));
    files.chain([paths.video.clone()]).map(|path| crate::base::files::blocks::on_disk(&path).unwrap_or(0)).sum()
}
