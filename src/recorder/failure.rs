//! The end of a recording whose log cannot be written any more: what is lost is counted, the log is given up, and why is
//! written beside it.
//!
//! What was acknowledged stays in the log (G6); what was taken and not acknowledged is counted here to the last item, so that the
//! session says how much is missing.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::lanes::Lanes;
use super::produced::Produced;
use super::queues::{GRACE, Note};
use super::sound::SoundNews;
use super::status::Counters;
use super::stop::Stop;
use crate::base::event::{Event, Stream};
use crate::base::time::{Clock, MonoNs, SystemClock};
use crate::capture::{RawInput, StampedInput};
use crate::log::ending::Ending;
use crate::log::writer::{LogWriter, SealedLog, Uncommitted};
use crate::log::{FirstFailure, LogError};

/// How the sequence ended.
pub(super) struct Ended {
    /// The log, closed or given up.
    pub(super) log: SealedLog,
    /// What kept it from being closed.
    pub(super) failure: Option<LogError>,
}

/// Takes what the producers still send until they have ended, and counts it: they were asked to end. One that hangs is not waited
/// for longer than elsewhere.
pub(super) fn count_rest(lost: &mut Uncommitted, inputs: &mut Lanes, Produced { units, notes, sounds }: &Produced) {
    let until = SystemClock.now().plus(GRACE);
    rest(notes, until, |note| {
        if let Note::Event(_, Event::Gap(gap)) = &note {
            lost.add_gap(gap);
        }
    });
    // The encoder waits when its queue is full, so that what it still has is taken here too.
    rest(units, until, |_| lost.frames += 1);
    rest(sounds, until, |news| lost.packets += u64::from(matches!(news, SoundNews::Packet(_))));
    let mut count = |input: StampedInput| match input.input {
        RawInput::Lost { count, .. } => lost.dropped.1 = lost.dropped.1.saturating_add(count.unwrap_or(0)),
        _ => lost.inputs += 1,
    };
    inputs.take_heads().for_each(&mut count);
    inputs.queues().for_each(|queue| rest(queue, until, &mut count));
}

fn rest<T>(queue: &Receiver<T>, until: MonoNs, mut count: impl FnMut(T)) {
    loop {
        match queue.recv_timeout(until.since(SystemClock.now())) {
            Ok(item) => count(item),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Gives the log up and writes why, and what is lost, beside it.
pub(super) fn give_up(
    log: LogWriter,
    error: LogError,
    t: MonoNs,
    lost: Uncommitted,
    counters: &Counters,
    stop: &Stop,
) -> Ended {
    // Frames count as stored when they are appended; those that are not in the log were not.
    counters.frames.fetch_sub(log.uncommitted().frames.min(counters.frames.load(Ordering::Relaxed)), Ordering::Relaxed);
    let missing = counters.take_missing_frames();
    counters.lost_inputs.fetch_add(lost.inputs, Ordering::Relaxed);
    let sound = lost.packets;
    let mut lost = BTreeMap::from([
        (Stream::Screen.name().to_owned(), missing + lost.dropped.0),
        (Stream::Input.name().to_owned(), lost.inputs + lost.dropped.1),
    ]);
    lost.extend((sound > 0).then(|| (Stream::Audio.name().to_owned(), sound)));
    let ending = Ending { reason: stop.reason(), failure: error.end_reason().to_owned(), t_ns: t.0, lost };
    let log = log.give_up(&ending);
    Ended { log, failure: Some(error) }
}

/// The sequence panicked: its log was dropped on the way, and can be sealed like that of a killed recorder.
pub(super) fn panicked(folder: &std::path::Path, counters: &Counters) -> Ended {
    let log = SealedLog { session_dir: folder.to_path_buf(), records: counters.records.load(Ordering::Relaxed) };
    let first = FirstFailure { text: "the thread that writes it panicked".into(), kind: None };
    Ended { log, failure: Some(LogError::Poisoned { first }) }
}
