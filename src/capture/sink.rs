//! The source's end of the queue of inputs, and what asks sources to end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};

use super::raw::{RawInput, StampedInput};
use crate::base::event::Source;
use crate::base::time::MonoNs;

/// Asks threads to end. Cloned freely; once set it stays set.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the end was asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// How long the end of a source waits to report a loss: within the two seconds in which a recording ends.
const LAST_WORD: Duration = Duration::from_millis(500);

/// The input side's end of the bounded queue to the recorder. Never blocks: what does not fit is counted, and the count
/// follows as a [`RawInput::Lost`] as soon as there is room.
pub struct InputSink {
    queue: Sender<StampedInput>,
    lost: AtomicU64,
    lost_since: AtomicU64,
    /// A [`RawInput::Secret`] that found no room: nothing may pass before it.
    owed: Mutex<Option<StampedInput>>,
}

impl InputSink {
    /// A sink into a bounded queue.
    pub fn new(queue: Sender<StampedInput>) -> Self {
        Self { queue, lost: AtomicU64::new(0), lost_since: AtomicU64::new(0), owed: Mutex::new(None) }
    }

    /// Hands over one input.
    pub fn send(&self, t: MonoNs, source: Source, input: RawInput) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        if let RawInput::Secret { .. } = &input {
            // The newest word counts; an older one that was never heard is without meaning.
            *owed = Some(StampedInput { t, source, input });
            self.pay(&mut owed);
            return;
        }
        if !self.pay(&mut owed) {
            if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                self.lost_since.store(t.0 as u64, Ordering::Relaxed);
            }
            return;
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            let since = MonoNs(self.lost_since.load(Ordering::Relaxed) as i64);
            let report = RawInput::Lost { reason: "queue_full", count: Some(lost), until: t };
            if self.queue.try_send(StampedInput { t: since, source, input: report }).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
            self.lost.store(0, Ordering::Relaxed);
        }
        match self.queue.try_send(StampedInput { t, source, input }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    self.lost_since.store(t.0 as u64, Ordering::Relaxed);
                }
            }
        }
    }

    /// Hands over what is owed; whether nothing is owed any more.
    fn pay(&self, owed: &mut Option<StampedInput>) -> bool {
        if let Some(secret) = owed.take()
            && let Err(TrySendError::Full(secret) | TrySendError::Disconnected(secret)) = self.queue.try_send(secret)
        {
            *owed = Some(secret);
        }
        owed.is_none()
    }

    /// Reports what was lost and not reported yet, at the end of the source; waits for room up to [`LAST_WORD`].
    pub fn report_rest(&self, until: MonoNs) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let t = MonoNs(self.lost_since.load(Ordering::Relaxed) as i64);
            let input = RawInput::Lost { reason: "queue_full", count: Some(lost), until };
            // The source's own name does not matter to a gap; the recorder is who states it.
            let report = StampedInput { t, source: Source::Recorder, input };
            if self.queue.send_timeout(report, LAST_WORD).is_err() {
                tracing::error!(lost, "inputs were lost at the end and could not be reported");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_counted_and_reported_in_order() {
        let (queue, out) = crossbeam_channel::bounded(2);
        let sink = InputSink::new(queue);
        let motion = || RawInput::Motion { position: None, motion: Some((1.0, 0.0)), warped: false };
        for t in 1..=5 {
            sink.send(MonoNs(t), Source::Synthetic, motion());
        }
        assert_eq!(out.try_iter().map(|i| i.t.0).collect::<Vec<_>>(), [1, 2]);
        sink.send(MonoNs(9), Source::Synthetic, motion());
        let got: Vec<_> = out.try_iter().collect();
        assert!(matches!(got[0].input, RawInput::Lost { count: Some(3), until: MonoNs(9), .. }), "no report");
        assert_eq!((got[0].t, got[1].t), (MonoNs(3), MonoNs(9)));
        sink.send(MonoNs(10), Source::Synthetic, motion());
        sink.send(MonoNs(11), Source::Synthetic, motion());
        sink.send(MonoNs(12), Source::Synthetic, motion());
        assert_eq!(out.try_iter().count(), 2);
        sink.report_rest(MonoNs(20));
        let rest: Vec<_> = out.try_iter().collect();
        assert!(matches!(rest[0].input, RawInput::Lost { count: Some(1), until: MonoNs(20), .. }), "no last report");
        assert_eq!(rest[0].t, MonoNs(12));
    }
}
