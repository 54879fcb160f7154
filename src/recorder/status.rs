//! How a recording goes: counters that its threads keep, and what the caller sees of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::lag::LagFigures;
use super::silence::SilenceFigures;
use super::vitals::{Board, Peaks, Queue, Vitals, Waiting};

/// How a recording goes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Status {
    /// Time since recording began: the sources were open and the log had its first records.
    pub elapsed: Duration,
    /// Frames stored.
    pub frames: u64,
    /// Frames missed.
    pub dropped: u64,
    /// Frames that were due so far: stored, missed, skipped or still under way.
    pub due: u64,
    /// Frames not stored because nothing changed.
    pub skipped: u64,
    /// Input events appended.
    pub events: u64,
    /// Bytes of the video.
    pub video_bytes: u64,
    /// Records appended to the log of the present part.
    pub records: u64,
    /// Bytes that can still be recorded until the disk ends the recording; `None` while that is not known.
    pub disk_left: Option<u64>,
    /// Bytes a second that the recording takes of the disk, measured.
    pub disk_rate: u64,
    /// Profiles that windows have brought into force so far.
    pub profiles: u64,
    /// Pictures that taps wanted and had no room for.
    pub tap_skips: u64,
    /// PNG pictures that were written.
    pub stills: u64,
    /// PNG pictures that were wanted; those that are not written had no room, or could not be.
    pub stills_wanted: u64,
    /// The part that is recorded, from 1; 0 where the recording is not split.
    pub part: u64,
    /// The queues between its threads.
    pub queues: Vec<Queue>,
    /// The largest sample of each track of sound since the status before: 1 is as loud as can be stored.
    pub sounds: Vec<f32>,
    /// What it wrote last, what it lost and why.
    pub vitals: Arc<Vitals>,
    /// Nothing is taken at the moment.
    pub paused: bool,
    /// Consent to the input was taken back: none is taken any more.
    pub input_withdrawn: bool,
    /// Consent to the sound was taken back: none is taken any more.
    pub sound_withdrawn: bool,
}

/// Longer than this is not told apart.
const LONG: Duration = Duration::from_hours(100);

impl Status {
    /// How long the disk lasts at the measured rate; `None` while that is not known.
    pub fn disk_time(&self) -> Option<Duration> {
        let left = self.disk_left?;
        Some(Duration::from_secs_f64((left as f64 / self.disk_rate.max(1) as f64).min(LONG.as_secs_f64())))
    }
}

/// Counters that the threads keep and anybody may read.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) frames: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) video_bytes: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) lost_inputs: AtomicU64,
    /// Samples of sound (per channel) that are missing.
    pub(crate) lost_sound: AtomicU64,
    /// Deadlines of frames that have come: each is a frame, a drop, or a frame that was skipped as unchanged.
    pub(crate) due: AtomicU64,
    /// Times that the machine slept.
    pub(crate) suspended: AtomicU64,
    /// Profiles that windows have brought into force.
    pub(crate) profiles: AtomicU64,
    /// Pictures that taps wanted and had no room for.
    pub(crate) tap_skips: AtomicU64,
    /// Bytes of the log of the present part.
    pub(crate) part_bytes: AtomicU64,
    /// Frames in the video of the present part.
    pub(crate) part_frames: AtomicU64,
    /// The part that is recorded, from 1 where the recording is split.
    pub(crate) part: AtomicU64,
    /// Whether the input source is silent while the pointer moves.
    pub(crate) silence: SilenceFigures,
    /// By how much repeats are behind.
    pub(crate) lag: LagFigures,
    /// PNG pictures that were written.
    pub(crate) stills: AtomicU64,
    /// PNG pictures that were wanted.
    pub(crate) stills_wanted: AtomicU64,
    /// Tracks of sound.
    pub(crate) sounds: AtomicU64,
    /// What waits in the queues.
    pub(crate) waiting: Waiting,
    /// How loud the sound is.
    pub(crate) peaks: Peaks,
    /// What the sequence tells of itself.
    pub(crate) board: Board,
    /// Bytes that sealing needs.
    pub(crate) to_seal: AtomicU64,
    /// Bytes until the disk ends the recording; 0 also before the first look.
    pub(crate) disk_left: AtomicU64,
    /// Bytes a second, measured; 0 before the first look.
    pub(crate) disk_rate: AtomicU64,
}

impl Counters {
    /// Frames that were due and became neither frames nor drops: they were under way when a part failed. They count as
    /// dropped from now on.
    pub(crate) fn take_missing_frames(&self) -> u64 {
        let known = [&self.frames, &self.dropped, &self.skipped].map(|n| n.load(Ordering::SeqCst)).iter().sum();
        let missing = self.due.load(Ordering::SeqCst).saturating_sub(known);
        self.dropped.fetch_add(missing, Ordering::SeqCst);
        missing
    }

    pub(super) fn status(&self, elapsed: Duration) -> Status {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let disk_rate = read(&self.disk_rate);
        let sounds = read(&self.sounds) as usize;
        Status {
            elapsed,
            frames: read(&self.frames),
            dropped: read(&self.dropped),
            due: read(&self.due),
            skipped: read(&self.skipped),
            events: read(&self.events),
            video_bytes: read(&self.video_bytes),
            records: read(&self.records),
            disk_left: (disk_rate > 0).then(|| read(&self.disk_left)),
            disk_rate,
            profiles: read(&self.profiles),
            tap_skips: read(&self.tap_skips),
            stills: read(&self.stills),
            stills_wanted: read(&self.stills_wanted),
            part: read(&self.part),
            queues: self.waiting.queues(sounds > 0),
            sounds: self.peaks.take().into_iter().take(sounds).collect(),
            vitals: self.board.read(),
            paused: false,
            input_withdrawn: false,
            sound_withdrawn: false,
        }
    }
}
