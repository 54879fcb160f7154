//! The parts of a recording that is split: prepares the next one, and has the one before sealed beside the recording.
//!
//! Each part is a session of its own, with a folder, an id and a log of its own. The next one's log is there, with its facts on the disk,
//! before a seam is planned. A part that has ended is closed and sealed by one thread of low priority, in order. While more than
//! [`MAX_WAITING`] parts wait for it, none is begun.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::{Value, json};

use super::context::Running;
use super::disk;
use super::error::RecordError;
use super::folder::{Folder, begin_log, discard, make_folder};
use super::part::{EndedPart, Part, PartBegun, PartQueues, Split, SplitAt};
use super::seam::{AHEAD_NS, Seam};
use super::stop::{Stop, spawn};
use crate::base::event::Stream;
use crate::base::files::Pin;
use crate::base::id::SessionId;
use crate::base::priority;
use crate::base::time::MonoNs;
use crate::log::LogError;
use crate::log::ending::Ending;
use crate::log::setup::{Fact as _, InitialStateFact, SESSION_ID_KEY, SeriesFact, SessionFact};
use crate::log::writer::{LogWriter, Unsealed};
use crate::media::track::TrackSpec;
use crate::session::layout;

/// Why a part ends that another one follows.
const SPLIT: &str = "split";
/// Parts that may wait to be sealed.
const MAX_WAITING: usize = 4;
/// How long after a part could not be begun it is tried again, nanoseconds.
const RETRY_NS: i64 = 10_000_000_000;

/// What is the same of every part.
pub(super) struct Common {
    /// `DIR/NAME`.
    pub(super) base: PathBuf,
    /// Facts of the first part.
    pub(super) facts: Vec<(String, Value)>,
    pub(super) tracks: Vec<TrackSpec>,
    pub(super) bitrate_kbps: u32,
}

/// A part that was begun.
struct Begun {
    folder: PathBuf,
    pin: Pin,
    index: u64,
    id: SessionId,
}

/// Splits a recording; lives in the thread that waits for its end.
pub(super) struct Parts {
    common: Common,
    split: When,
    seam: Arc<Seam>,
    running: Running,
    next: Sender<LogWriter>,
    watches: Sender<disk::Watch>,
    ended: Receiver<EndedPart>,
    to_close: Sender<(Begun, EndedPart)>,
    sealer: JoinHandle<()>,
    /// Id of the first part.
    series: SessionId,
    /// The part that is recorded, and since when.
    now: Begun,
    since: MonoNs,
    /// The next one, before its seam.
    prepared: Option<(Begun, disk::Watch)>,
    /// The one before, until nothing of it can come any more.
    ending: Option<Begun>,
    not_before: MonoNs,
}

/// When it is split, and who hears of it.
struct When {
    at: SplitAt,
    begun: PartBegun,
}

impl Parts {
    /// Splits a recording whose first part begins now; returns the sequence's ends too.
    pub(super) fn new(
        common: Common,
        Split { at, begun, closed }: Split,
        (folder, pin, id): (PathBuf, Pin, SessionId),
        watches: Sender<disk::Watch>,
        running: &Running,
    ) -> Result<(Self, PartQueues), RecordError> {
        let seam = Arc::clone(&running.seam);
        let (next, wait_next) = bounded(1);
        let (ended, wait_ended) = bounded(1);
        let (to_close, wait_close) = bounded(MAX_WAITING);
        let stop = running.stop.clone();
        let sealer = spawn("seal", Stream::Log, &running.stop, move || close_all(&wait_close, closed, &stop))?;
        let now = Begun { folder, pin, index: 1, id };
        let since = running.clock.now();
        let queues = PartQueues { seam: Arc::clone(&seam), next: wait_next, ended };
        let parts = Self {
            common,
            split: When { at, begun },
            seam,
            running: running.clone(),
            next,
            watches,
            ended: wait_ended,
            to_close,
            sealer,
            series: id,
            now,
            since,
            prepared: None,
            ending: None,
            not_before: since,
        };
        Ok((parts, queues))
    }

    /// Looks whether a part began, whether one is closed, and whether the next one is due. Many times a second.
    pub(super) fn turn(&mut self) {
        self.follow();
        let idle = self.prepared.is_none() && self.ending.is_none() && !self.to_close.is_full();
        // In a pause nothing is recorded that could be too long.
        let may = idle && !self.running.stop.is_asked() && !self.running.control.is_paused();
        let now = self.running.clock.now();
        if !may || now < self.not_before || !self.is_long_enough(now) {
            return;
        }
        if let Err(error) = self.prepare(now) {
            tracing::warn!(%error, "the next part cannot be begun; this one goes on, and it is tried again");
            self.not_before = MonoNs(now.0 + RETRY_NS);
        }
    }

    fn is_long_enough(&self, now: MonoNs) -> bool {
        match self.split.at {
            // As much earlier as it takes to get there.
            SplitAt::Time(time) => now.since(self.since) + Duration::from_nanos(AHEAD_NS as u64) >= time,
            SplitAt::Bytes(bytes) => self.running.counters.part_bytes.load(Ordering::Relaxed) >= bytes,
        }
    }

    /// Takes note of what the sequence did.
    fn follow(&mut self) {
        let part = self.running.counters.part.load(Ordering::SeqCst);
        if let Some((next, watch)) = self.prepared.take_if(|(next, _)| part >= next.index) {
            self.since = self.seam.fixed().unwrap_or(self.since);
            (self.split.begun)(&next.folder, next.index);
            self.ending = Some(std::mem::replace(&mut self.now, next));
            if self.watches.send(watch).is_err() {
                tracing::debug!("the disk is not watched any more");
            }
        }
        if let Ok(ended) = self.ended.try_recv()
            && let Some(ending) = self.ending.take()
            && self.to_close.send((ending, ended)).is_err()
        {
            tracing::error!("the thread that closes parts has ended; the part can be sealed by hand");
        }
    }

    /// Makes the next part's folder and log, and has a seam planned.
    fn prepare(&mut self, now: MonoNs) -> Result<(), RecordError> {
        let (index, id) = (self.now.index + 1, SessionId::new());
        let wanted = layout::part_path(&self.common.base, index);
        disk::check_room(&wanted, self.common.bitrate_kbps)?;
        let Folder { path: folder, pin, above } = make_folder(&wanted, false)?;
        let facts = self.facts(index, id);
        let clock = &self.running.clock;
        let (log, watch) = begin_log(&folder, id, &self.common.tracks, self.common.bitrate_kbps, &facts, clock)
            .inspect_err(|_| discard(&folder, &above))?;
        if self.next.send(log).is_err() {
            discard(&folder, &[]);
            return Ok(());
        }
        tracing::debug!(folder = %folder.display(), after = ?now, "the next part is prepared");
        self.prepared = Some((Begun { folder, pin, index, id }, watch));
        self.seam.want();
        Ok(())
    }

    /// The facts of a part: those of the first, but for what is its own.
    fn facts(&self, index: u64, id: SessionId) -> Vec<(String, Value)> {
        let series = SeriesFact {
            part_of: Some(self.series.to_string()),
            index: Some(index),
            previous: Some(self.now.id.to_string()),
            ..SeriesFact::default()
        };
        let begun = self.running.clock.anchor().utc.to_rfc3339();
        let mut facts = self.common.facts.clone();
        // What is held at the seam the sequence says.
        facts.retain(|(key, _)| key != InitialStateFact::KEY);
        for (key, value) in &mut facts {
            match key.as_str() {
                SESSION_ID_KEY => *value = json!(id.to_string()),
                SeriesFact::KEY => *value = json!(series),
                SessionFact::KEY => value["captured_at"] = json!(begun),
                _ => {}
            }
        }
        facts
    }

    /// The folder of the part that is recorded, and what seals it and those before that are not sealed yet.
    pub(super) fn unsealed(&self) -> (PathBuf, PathBuf) {
        (self.now.folder.clone(), to_seal(&self.now.folder, self.now.index))
    }

    /// The sequence has ended: what was prepared is removed, and what is closed is handed on. Returns the part that was the last one, and
    /// the thread that still closes and seals those before it.
    pub(super) fn end(mut self) -> (PathBuf, Pin, Option<JoinHandle<()>>) {
        self.follow();
        if let Some((next, watch)) = self.prepared.take() {
            drop(watch);
            discard(&next.folder, &[]);
        }
        (self.now.folder, self.now.pin, Some(self.sealer))
    }
}

/// What seals a part that is not closed, and those before it, which may wait to be sealed: the folder above finds them all.
fn to_seal(folder: &Path, index: u64) -> PathBuf {
    match folder.parent() {
        Some(above) if index > 1 && above.as_os_str().is_empty() => PathBuf::from("."),
        Some(above) if index > 1 => above.to_path_buf(),
        _ => folder.to_path_buf(),
    }
}

/// Closes parts and tells of them, one after the other.
fn close_all(parts: &Receiver<(Begun, EndedPart)>, mut closed: Box<dyn FnMut(Part) + Send>, stop: &Stop) {
    priority::lower();
    for (Begun { folder, pin, index, .. }, EndedPart { log, t, failure }) in parts {
        let failure = match failure {
            Some(error) => Some(give_up(log, error, t)),
            None => log.seal(t, SPLIT).err().map(|Unsealed { error, writer }| give_up(*writer, error, t)),
        };
        if let Some(error) = &failure {
            tracing::error!(%error, part = index, "a part cannot be closed");
            stop.fail(Stream::Log, error.end_reason());
        }
        closed(Part { folder, pin, index, failure });
    }
}

/// Writes beside the log of a part why it could not be closed.
fn give_up(log: LogWriter, error: LogError, t: MonoNs) -> LogError {
    let lost = log.uncommitted();
    let counts = [(Stream::Screen, lost.frames + lost.dropped.0), (Stream::Input, lost.inputs + lost.dropped.1)];
    let lost = counts.into_iter().map(|(stream, count)| (stream.name().to_owned(), count)).collect();
    log.give_up(&Ending { reason: SPLIT.into(), failure: error.end_reason().to_owned(), t_ns: t.0, lost });
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_sealed_is_the_part_or_all_of_them() {
        let of = |folder: &str, index| to_seal(Path::new(folder), index);
        assert_eq!(of("out/s-part0001", 1), Path::new("out/s-part0001"));
        assert_eq!((of("out/s-part0002", 2), of("s-part0003", 3)), (PathBuf::from("out"), PathBuf::from(".")));
    }
}
