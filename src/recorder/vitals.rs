//! How a recording goes, beyond its counters: what waits where, what was lost and why, what was written last, what is withheld.
//!
//! For a person who watches a recording. Names no key, no window and no text: of what was written only its kind and its time. The sequence keeps
//! it and publishes it from time to time; whoever reads it never makes the sequence wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use super::queues::{INPUTS, PACKETS, PICTURES, UNITS};
use crate::base::event::{Event, Gap};
use crate::base::time::MonoNs;
use crate::media::track::TrackId;
use crate::session::table::row::event_type;

/// Events that are remembered: more lines than a terminal has room for.
const EVENTS: usize = 24;
/// Different causes of losses that are counted apart; the sources know about thirty, and a recording meets a few.
const LOSSES: usize = 16;
/// How often it is published at the most, nanoseconds.
const PERIOD_NS: i64 = 100_000_000;
/// Tracks of sound.
const SOUNDS: usize = 2;

/// Something that was written, without its content. What comes again at once is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// When the last of them was.
    pub t: MonoNs,
    /// The type of its row.
    pub kind: &'static str,
    /// How many there were without another kind between.
    pub count: u64,
}

/// What is missing for one cause.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// The stream.
    pub stream: &'static str,
    /// Why, a word in `snake_case`.
    pub reason: String,
    /// Gaps with this cause.
    pub gaps: u64,
    /// Items that are missing (frames, inputs, samples); `None` when one of the gaps does not know.
    pub lost: Option<u64>,
}

/// A queue between two threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Queue {
    /// What waits there.
    pub name: &'static str,
    /// How many wait.
    pub waiting: usize,
    /// How many may wait.
    pub room: usize,
}

/// How a recording goes, beyond its counters.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Vitals {
    /// What was written last, the oldest first.
    pub events: Vec<Seen>,
    /// What was lost, in the order in which it was lost first.
    pub losses: Vec<Loss>,
    /// How long a commit takes since the part began, microseconds: in the middle, and longer than 99 of 100.
    pub commit_us: Option<(u64, u64)>,
    /// Why inputs, or the codes of keys, are withheld at the moment: a word in `snake_case`.
    pub withheld: Option<&'static str>,
}

/// What waits in the queues, as those who fill or empty them saw it last.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) pictures: AtomicUsize,
    pub(crate) units: AtomicUsize,
    pub(crate) inputs: AtomicUsize,
    pub(crate) packets: AtomicUsize,
}

impl Waiting {
    /// The queues on the way of pictures, inputs and, where there is any, sound.
    pub(super) fn queues(&self, has_sound: bool) -> Vec<Queue> {
        let all = [
            ("pictures", &self.pictures, PICTURES),
            ("encoded", &self.units, UNITS),
            ("inputs", &self.inputs, INPUTS),
            ("sound", &self.packets, PACKETS),
        ];
        let queue = |(name, waiting, room): (_, &AtomicUsize, _)| Queue {
            name,
            waiting: waiting.load(Ordering::Relaxed),
            room,
        };
        all.into_iter().filter(|(name, ..)| has_sound || *name != "sound").map(queue).collect()
    }
}

/// How loud each track of sound was.
#[derive(Default)]
pub(crate) struct Peaks([AtomicU32; SOUNDS]);

impl Peaks {
    /// Samples of a track, as they are kept.
    pub(crate) fn hear(&self, track: TrackId, samples: &[f32]) {
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        if let Some(of_track) = self.0.get(usize::from(track == TrackId::MICROPHONE)) {
            // Of numbers that are not negative, the bits are in the same order.
            of_track.fetch_max(peak.to_bits(), Ordering::Relaxed);
        }
    }

    /// The largest sample of each track since this was asked for last: 1 is as loud as can be stored.
    pub(super) fn take(&self) -> [f32; SOUNDS] {
        [0, 1].map(|track| f32::from_bits(self.0[track].swap(0, Ordering::Relaxed)))
    }
}

/// Where the vitals are published.
#[derive(Default)]
pub(crate) struct Board(Mutex<Arc<Vitals>>);

impl Board {
    /// What was published last.
    pub(super) fn read(&self) -> Arc<Vitals> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes; false, and nothing done, when it is being read at this moment.
    fn try_publish(&self, vitals: Vitals) -> bool {
        match self.0.try_lock() {
            Ok(mut published) => *published = Arc::new(vitals),
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = Arc::new(vitals),
            Err(TryLockError::WouldBlock) => return false,
        }
        true
    }
}

/// Keeps the vitals in the sequence.
#[derive(Default)]
pub(super) struct Watch {
    events: VecDeque<Seen>,
    losses: Vec<Loss>,
    published: Option<MonoNs>,
}

impl Watch {
    /// An event was written.
    pub(super) fn saw(&mut self, t: MonoNs, event: &Event) {
        if let Event::Gap(gap) = event {
            self.lost(gap);
        }
        let kind = event_type::of(event);
        match self.events.back_mut() {
            Some(last) if last.kind == kind => (last.t, last.count) = (last.t.max(t), last.count + 1),
            _ => {
                if self.events.len() == EVENTS {
                    self.events.pop_front();
                }
                self.events.push_back(Seen { t, kind, count: 1 });
            }
        }
    }

    fn lost(&mut self, gap: &Gap) {
        let (stream, lost) = (gap.stream.name(), gap.lost);
        let is_it = |loss: &Loss| loss.stream == stream && loss.reason == gap.reason;
        match self.losses.iter().position(is_it) {
            Some(known) => {
                let loss = &mut self.losses[known];
                let sum = loss.lost.zip(lost).map(|(sum, more)| sum.saturating_add(more));
                (loss.gaps, loss.lost) = (loss.gaps + 1, sum);
            }
            // What does not fit is in the log, and its frames and inputs are in the counters.
            None if self.losses.len() < LOSSES => {
                self.losses.push(Loss { stream, reason: gap.reason.clone(), gaps: 1, lost });
            }
            None => {}
        }
    }

    /// Whether it is time to publish.
    pub(super) fn is_due(&self, now: MonoNs) -> bool {
        self.published.is_none_or(|last| now.0 - last.0 >= PERIOD_NS)
    }

    /// Publishes what is known; later, when it is just being read.
    pub(super) fn publish(
        &mut self,
        now: MonoNs,
        board: &Board,
        commit_us: Option<(u64, u64)>,
        withheld: Option<&'static str>,
    ) {
        let (events, losses) = (self.events.iter().copied().collect(), self.losses.clone());
        if board.try_publish(Vitals { events, losses, commit_us, withheld }) {
            self.published = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::event::{Content, Stream};

    #[test]
    fn what_comes_again_is_counted_and_the_oldest_is_forgotten() {
        let mut watch = Watch::default();
        for t in 0..1000 {
            watch.saw(MonoNs(t), &Event::MouseMove { position: None, motion: None, warped: false });
        }
        watch.saw(MonoNs(5), &Event::Mark { text: Content("secret".into()) });
        let seen = |t, kind, count| Seen { t: MonoNs(t), kind, count };
        assert_eq!(watch.events, [seen(999, "mouse_move", 1000), seen(5, "mark", 1)]);
        for t in 0..EVENTS as i64 {
            watch.saw(MonoNs(t), if t % 2 == 0 { &Event::Pause } else { &Event::Resume });
        }
        assert_eq!((watch.events.len(), watch.events[0].kind), (EVENTS, "pause"));
    }

    #[test]
    fn losses_are_counted_by_cause_and_nobody_waits_for_a_reader() {
        let gap = |reason: &str, lost| {
            Event::Gap(Gap { stream: Stream::Screen, reason: reason.into(), lost, until: MonoNs(0) })
        };
        let (mut watch, board) = (Watch::default(), Board::default());
        watch.saw(MonoNs(1), &gap("late", Some(2)));
        watch.saw(MonoNs(2), &gap("late", Some(3)));
        watch.saw(MonoNs(3), &gap("encoder_busy", None));
        for cause in 0..100 {
            watch.saw(MonoNs(4), &gap(&cause.to_string(), Some(1)));
        }
        let reading = board.0.lock().expect("a reader");
        watch.publish(MonoNs(5), &board, None, None);
        drop(reading);
        assert!(watch.is_due(MonoNs(6)), "it was being read: it is tried again");
        watch.publish(MonoNs(6), &board, Some((1, 2)), Some("chat"));
        assert!(!watch.is_due(MonoNs(7)));
        let vitals = board.read();
        assert_eq!((vitals.losses.len(), vitals.withheld, vitals.commit_us), (LOSSES, Some("chat"), Some((1, 2))));
        assert_eq!(vitals.losses[0], Loss { stream: "screen", reason: "late".into(), gaps: 2, lost: Some(5) });
        assert_eq!(vitals.losses[1].lost, None, "nobody knows how many");
    }

    #[test]
    fn the_loudest_sample_is_told_once() {
        let peaks = Peaks::default();
        peaks.hear(TrackId::SOUND, &[0.1, -0.5]);
        peaks.hear(TrackId::SOUND, &[0.2]);
        peaks.hear(TrackId::MICROPHONE, &[f32::NAN, 0.25]);
        assert_eq!((peaks.take(), peaks.take()), ([0.5, 0.25], [0.0, 0.0]));
    }
}
