//! The thread that writes PNG pictures into the log: of low priority, behind a bounded queue.
//!
//! A picture has its name only when its bytes are on the disk. What cannot be written is not tried again, and the recording goes on.
//! It takes nothing of the room that sealing needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::buffers::most;
use crate::base::files;
use crate::base::id::FrameRef;
use crate::base::priority;
use crate::base::time::{Clock as _, SystemClock};
use crate::encode::still::{MaskedStill, UnmaskedStill};
use crate::log::LogPaths;
use crate::media::png;
use crate::recorder::error::RecordError;
use crate::recorder::queues::GRACE;
use crate::recorder::status::Counters;
use crate::recorder::stop::Stop;
use crate::session::{layout, stills};

/// How often the writer looks whether the end was asked for, while nothing waits.
const LOOK: Duration = Duration::from_millis(100);

/// A picture on its way to its file.
pub(in crate::recorder) struct Job {
    /// The frame that it is of, as it is counted while recording.
    pub(in crate::recorder) frame: FrameRef,
    pub(in crate::recorder) picture: MaskedStill,
}

/// The writer, before its thread runs.
pub(in crate::recorder) struct Writer {
    dir: PathBuf,
    size: (u32, u32),
    jobs: Receiver<Job>,
    back: Sender<UnmaskedStill>,
    counters: Arc<Counters>,
    stop: Stop,
    made_dir: bool,
    told: bool,
}

impl Writer {
    /// For pictures of a size in the log of a session, with the queue to it. Buffers go back through `back`.
    pub(in crate::recorder) fn new(
        session: &Path,
        size: (u32, u32),
        back: Sender<UnmaskedStill>,
        (counters, stop): (&Arc<Counters>, &Stop),
    ) -> (Self, Sender<Job>) {
        // As many as there are buffers, so that it is never full.
        let (send, jobs) = bounded(most(size));
        let dir = LogPaths::of(session).debug;
        let (counters, stop) = (Arc::clone(counters), stop.clone());
        (Self { dir, size, jobs, back, counters, stop, made_dir: false, told: false }, send)
    }

    /// Starts the thread. It ends when no picture can come any more, and soon after the end of the recording was asked for in any case.
    pub(in crate::recorder) fn start(mut self) -> Result<JoinHandle<()>, RecordError> {
        let run = move || {
            priority::lower();
            self.run();
        };
        // Not one whose panic ends the recording.
        Builder::new().name("png".into()).spawn(run).map_err(|source| RecordError::Thread { source })
    }

    fn run(&mut self) {
        let mut deadline = None;
        loop {
            if self.stop.is_asked() {
                deadline.get_or_insert_with(|| SystemClock.now().plus(GRACE));
            }
            let Job { frame, picture } = match self.jobs.recv_timeout(LOOK) {
                Ok(job) => job,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => continue,
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return,
            };
            let is_late = deadline.is_some_and(|deadline| SystemClock.now() > deadline);
            if !is_late && self.has_room() {
                match self.write(frame, &picture) {
                    Ok(()) => drop(self.counters.stills.fetch_add(1, Ordering::Relaxed)),
                    Err(error) if !std::mem::replace(&mut self.told, true) => {
                        tracing::warn!(%error, "a PNG picture cannot be written");
                    }
                    Err(_) => {}
                }
            }
            drop(self.back.try_send(picture.reuse()));
        }
    }

    /// Whether a picture may be written: not beyond the most of a session, and never from the room that the end of the recording needs.
    fn has_room(&self) -> bool {
        let left = self.counters.disk_left.load(Ordering::Relaxed);
        let known = self.counters.disk_rate.load(Ordering::Relaxed) > 0;
        self.counters.stills.load(Ordering::Relaxed) < stills::MAX_PICTURES as u64
            && (!known || left > 2 * png::most_bytes(self.size))
    }

    fn write(&mut self, frame: FrameRef, picture: &MaskedStill) -> std::io::Result<()> {
        let bytes = png::encode(&picture.rgb()).map_err(std::io::Error::other)?;
        if !self.made_dir {
            files::create_private_dir(&self.dir)?;
            self.made_dir = true;
        }
        let path = self.dir.join(layout::debug_frame_name(frame));
        let temp = layout::temp_path(&path);
        files::write_new(&temp, &bytes)?;
        files::publish(&temp, &path)
    }
}
