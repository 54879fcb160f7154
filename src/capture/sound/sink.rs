//! The source's end of the queue of sound.

use crossbeam_channel::Sender;

use super::block::SoundBlock;
use crate::base::time::MonoNs;

/// What goes through the queue of sound.
#[derive(Clone, PartialEq, Debug)]
pub enum SoundItem {
    /// Samples.
    Block(SoundBlock),
    /// Nothing is heard from `since` on, until the next block: why, a word in `snake_case`.
    Silent {
        /// When the last sample was heard.
        since: MonoNs,
        /// Why: `device_gone`, `device_suspended`.
        reason: &'static str,
    },
}

/// The source's end of the bounded queue to the recorder. Never blocks: a block that does not fit is dropped, and the next one's
/// [`SoundBlock::first`] tells how much is missing.
pub struct SoundSink {
    queue: Sender<SoundItem>,
}

impl SoundSink {
    /// Returns a sink into a bounded queue.
    pub fn new(queue: Sender<SoundItem>) -> Self {
        Self { queue }
    }

    /// Hands over a block; false when nobody takes sound any more.
    pub fn send(&self, block: SoundBlock) -> bool {
        self.put(SoundItem::Block(block))
    }

    /// Says that nothing is heard from `since` on, and why; false when nobody takes sound any more.
    pub fn silent(&self, since: MonoNs, reason: &'static str) -> bool {
        self.put(SoundItem::Silent { since, reason })
    }

    fn put(&self, item: SoundItem) -> bool {
        !matches!(self.queue.try_send(item), Err(crossbeam_channel::TrySendError::Disconnected(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_dropped_and_the_next_number_tells() {
        let (queue, out) = crossbeam_channel::bounded(1);
        let sink = SoundSink::new(queue);
        let block = |first| SoundBlock { t: MonoNs(0), is_measured: true, first, samples: vec![0.0; 4] };
        assert!(sink.send(block(0)) && sink.send(block(2)));
        assert_eq!(out.try_recv(), Ok(SoundItem::Block(block(0))));
        assert!(sink.send(block(4)));
        assert_eq!(out.try_recv(), Ok(SoundItem::Block(block(4))));
        drop(out);
        assert!(!sink.send(block(6)) && !sink.silent(MonoNs(1), "device_gone"));
    }
}
