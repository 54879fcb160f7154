//! When a sample was heard: from what the server says of its buffers, without a clock and without a connection.
//!
//! The server answers with the number of the byte that it will take from the device next, and how long ago what is in it was heard. That
//! is a time for one sample; those around it follow by the sampling rate, until the next answer.

use std::time::Duration;

use crate::base::time::{MonoNs, UtcNs};

/// Times of the first second are not measured: the first answers are up to 138 ms off (docs/MEASUREMENTS.md), until the server has
/// settled its buffers.
const SETTLES: Duration = Duration::from_secs(1);
/// How long before that answers come quickly.
const EVERY_BEFORE: Duration = Duration::from_millis(300);
/// From then on the server is asked as usual.
const YOUNG: Duration = Duration::from_secs(2);
/// An answer that took longer than this tells too little of when it was given.
const SLOWEST: Duration = Duration::from_millis(20);

/// A question and its answer, by both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// When it was sent: the monotonic clock, and the wall clock at that moment.
    pub(super) sent: (MonoNs, UtcNs),
    /// When its answer was read.
    pub(super) answered: MonoNs,
    /// When the server answered, by the wall clock.
    pub(super) server: UtcNs,
}

impl Asked {
    /// Returns when the server answered; `None` when nobody can know to the millisecond.
    pub(super) fn when(&self) -> Option<MonoNs> {
        let took = self.answered.since(self.sent.0);
        // A server of this machine reads the same wall clock. Where that was set meanwhile, the middle is as good as it gets.
        let since_sent = self.server.0.saturating_sub(self.sent.1.0);
        if (0..=i64::try_from(took.as_nanos()).unwrap_or(i64::MAX)).contains(&since_sent) {
            return Some(MonoNs(self.sent.0.0 + since_sent));
        }
        (took <= SLOWEST).then(|| self.sent.0.plus(took / 2))
    }
}

/// What the server says of a stream's buffers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Buffers {
    /// The byte that the device writes next.
    pub(super) write: i64,
    /// The byte that is sent next.
    pub(super) read: i64,
    /// How old what is written next is.
    pub(super) source_us: u64,
    /// How much later what a monitor hears leaves for the speakers.
    pub(super) sink_us: u64,
}

/// The samples of one stream, and when they were heard.
#[derive(Debug)]
pub(super) struct Timeline {
    rate: u32,
    /// Bytes of a sample of all channels.
    frame: u64,
    /// The number of the stream's first sample.
    base: u64,
    /// Bytes that came, and that are known to have been lost before they were sent.
    received: u64,
    lost: u64,
    began: MonoNs,
    /// What the server's count stood at for our first byte.
    origin: Option<i64>,
    /// A sample and its time, and that no block has told of it.
    known: Option<(u64, MonoNs)>,
    is_fresh: bool,
}

/// Where a block of samples belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    /// The number of its first sample.
    pub(super) first: u64,
    /// When that was heard.
    pub(super) t: MonoNs,
    /// The time was measured since the last block.
    pub(super) is_measured: bool,
}

impl Timeline {
    /// Begins a stream whose first sample has the number `base`.
    pub(super) fn new(rate: u32, channels: u16, base: u64, began: MonoNs) -> Self {
        let frame = u64::from(channels.max(1)) * size_of::<f32>() as u64;
        Self { rate, frame, base, received: 0, lost: 0, began, origin: None, known: None, is_fresh: false }
    }

    /// Returns the time of a sample by one that is known.
    fn at(&self, (number, t): (u64, MonoNs), sample: u64) -> MonoNs {
        let ns = (i128::from(sample) - i128::from(number)) * 1_000_000_000 / i128::from(self.rate.max(1));
        MonoNs(t.0.saturating_add(i64::try_from(ns).unwrap_or(i64::MAX)))
    }

    /// Returns the bytes of a sample of all channels.
    pub(super) fn frame(&self) -> u64 {
        self.frame
    }

    /// Returns the number of the sample that comes next.
    pub(super) fn next(&self) -> u64 {
        self.base + (self.received + self.lost) / self.frame
    }

    /// Returns when the sample that comes next is heard, as far as that is known.
    pub(super) fn end(&self, now: MonoNs) -> MonoNs {
        self.known.map_or(now, |known| self.at(known, self.next()))
    }

    /// Returns whether the times of now are those by which the stream is placed.
    pub(super) fn is_young(&self, now: MonoNs) -> bool {
        let since = now.since(self.began);
        // So that the first answer that counts does not come a quarter of a second after that.
        since + EVERY_BEFORE >= SETTLES && since < YOUNG
    }

    /// Takes what the server said. `received` bytes had come before its answer, since both are sent in order.
    pub(super) fn heard(&mut self, asked: &Asked, buffers: &Buffers) {
        let ours = (self.received + self.lost) as i64;
        let origin = *self.origin.get_or_insert(buffers.read.saturating_sub(ours));
        // What the server threw away because it was not sent in time.
        let missing = buffers.read.saturating_sub(origin).saturating_sub(ours);
        if let Ok(missing) = u64::try_from(missing)
            && missing >= self.frame
        {
            self.lost += missing - missing % self.frame;
        }
        let Some(when) = asked.when() else { return };
        let Ok(written) = u64::try_from(buffers.write.saturating_sub(origin)) else { return };
        let ns = |us: u64| i64::try_from(us.saturating_mul(1000)).unwrap_or(i64::MAX);
        let heard = MonoNs(when.0.saturating_sub(ns(buffers.source_us)).saturating_add(ns(buffers.sink_us)));
        self.known = Some((self.base + written / self.frame, heard));
        self.is_fresh = when.since(self.began) >= SETTLES;
    }

    /// Goes on after a while without samples, with a block of so many bytes that has come now: what was missed counts as if it had come.
    pub(super) fn resume(&mut self, bytes: u64, now: MonoNs) {
        let length = u128::from(bytes / self.frame) * 1_000_000_000 / u128::from(self.rate.max(1));
        let passed = now.since(self.end(now)).as_nanos().saturating_sub(length);
        let missed = passed * u128::from(self.rate) / 1_000_000_000;
        self.base += u64::try_from(missed).unwrap_or(0);
        (self.known, self.is_fresh, self.began) = (None, false, now);
    }

    /// Places a block of so many bytes that has come now.
    pub(super) fn place(&mut self, bytes: u64, now: MonoNs) -> Placed {
        let first = self.next();
        self.received += bytes;
        let samples = bytes / self.frame;
        // Nobody said anything yet: it was heard just before it came.
        let (number, t) = self.known.unwrap_or((first + samples, now));
        let placed = Placed { first, t: self.at((number, t), first), is_measured: self.is_fresh };
        self.is_fresh = false;
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    /// 10 ms of 48 kHz in two channels.
    const FRAGMENT: u64 = 480 * 8;

    fn asked(sent: i64, server: i64, answered: i64) -> Asked {
        const WALL: i64 = 1_790_000_000_000_000_000;
        Asked { sent: (MonoNs(sent), UtcNs(WALL + sent)), answered: MonoNs(answered), server: UtcNs(WALL + server) }
    }

    #[test]
    fn a_monitor_is_heard_when_it_leaves_and_a_microphone_when_it_was_said() {
        for (sink_us, expected) in [(0, 2000 - 4), (15_000, 2000 - 4 + 15)] {
            let mut line = Timeline::new(48_000, 2, 0, MonoNs(0));
            for _ in 0..10 {
                line.place(FRAGMENT, MonoNs(100));
            }
            // The server has 20 ms more than it sent, and what is written next was heard 4 ms ago.
            let buffers =
                Buffers { write: (12 * FRAGMENT) as i64, read: (10 * FRAGMENT) as i64, source_us: 4000, sink_us };
            line.heard(&asked(1999 * MS, 2000 * MS, 2001 * MS), &buffers);
            let placed = line.place(FRAGMENT, MonoNs(2001 * MS));
            assert_eq!(placed, Placed { first: 4800, t: MonoNs((expected - 20) * MS), is_measured: true });
            let next = line.place(FRAGMENT, MonoNs(2011 * MS));
            assert_eq!(next, Placed { first: 5280, t: MonoNs((expected - 10) * MS), is_measured: false });
            assert_eq!(line.end(MonoNs(0)), MonoNs(expected * MS));
        }
    }

    #[test]
    fn times_of_the_first_second_place_and_are_not_measured() {
        let mut line = Timeline::new(48_000, 2, 100, MonoNs(0));
        let guess = line.place(FRAGMENT, MonoNs(50 * MS));
        assert_eq!(guess, Placed { first: 100, t: MonoNs(40 * MS), is_measured: false });
        let buffers = Buffers { write: FRAGMENT as i64, read: FRAGMENT as i64, source_us: 0, sink_us: 0 };
        line.heard(&asked(900 * MS, 901 * MS, 902 * MS), &buffers);
        let placed = line.place(FRAGMENT, MonoNs(950 * MS));
        assert_eq!(placed, Placed { first: 580, t: MonoNs(901 * MS), is_measured: false });
    }

    #[test]
    fn what_the_server_threw_away_is_counted() {
        let mut line = Timeline::new(48_000, 2, 0, MonoNs(0));
        line.place(FRAGMENT, MonoNs(0));
        let said = |read: u64| Buffers { write: read as i64, read: read as i64, source_us: 0, sink_us: 0 };
        // The server had counted 40 before our stream.
        line.heard(&asked(2000 * MS, 2000 * MS, 2000 * MS), &said(40 + FRAGMENT));
        assert_eq!(line.next(), 480);
        line.place(FRAGMENT, MonoNs(0));
        line.heard(&asked(3000 * MS, 3000 * MS, 3000 * MS), &said(40 + 5 * FRAGMENT));
        assert_eq!(line.next(), 5 * 480, "three fragments never came");
        assert_eq!(line.place(FRAGMENT, MonoNs(0)).t, MonoNs(3000 * MS));
    }

    #[test]
    fn a_device_that_slept_goes_on_where_time_is() {
        let mut line = Timeline::new(48_000, 2, 0, MonoNs(0));
        line.place(FRAGMENT, MonoNs(0));
        let buffers = Buffers { write: FRAGMENT as i64, read: FRAGMENT as i64, source_us: 0, sink_us: 0 };
        line.heard(&asked(2000 * MS, 2000 * MS, 2000 * MS), &buffers);
        line.resume(FRAGMENT, MonoNs(5010 * MS));
        let placed = line.place(FRAGMENT, MonoNs(5010 * MS));
        assert_eq!(placed, Placed { first: 480 + 3 * 48_000, t: MonoNs(5000 * MS), is_measured: false });
        // The server counts only what it had.
        let buffers = Buffers { write: 2 * FRAGMENT as i64, read: 2 * FRAGMENT as i64, ..buffers };
        line.heard(&asked(6500 * MS, 6500 * MS, 6500 * MS), &buffers);
        let next = line.place(FRAGMENT, MonoNs(6510 * MS));
        assert_eq!(next, Placed { first: 2 * 480 + 3 * 48_000, t: MonoNs(6500 * MS), is_measured: true });
    }

    #[test]
    fn a_wall_clock_that_was_set_and_an_answer_that_took_long_are_not_taken() {
        assert_eq!(asked(100, 103, 109).when(), Some(MonoNs(103)));
        assert_eq!(asked(100, -5_000, 108).when(), Some(MonoNs(104)), "the middle");
        assert_eq!(asked(0, -1, 21 * MS).when(), None);
        assert_eq!(asked(0, 20 * MS, 21 * MS).when(), Some(MonoNs(20 * MS)), "by the server's clock");
    }
}
