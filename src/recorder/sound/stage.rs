//! The thread of a track of sound: places samples, keeps pauses out, encodes, and hands packets on with their times.
//!
//! What an encoder makes may be of samples that it was given long before, so the times of samples are kept until their packets are made.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, never};

use super::place::{Piece, Placer};
use crate::base::event::{Gap, Source, Stream};
use crate::base::time::{Clock, MonoNs};
use crate::capture::sound::{SoundDescription, SoundItem};
use crate::encode::error::EncodeError;
use crate::encode::sound::{SoundEncoder, SoundUnit};
use crate::log::setup::SoundMovedFact;
use crate::media::track::{Cost, Packet, TrackId};
use crate::recorder::context::Running;
use crate::recorder::control::Control;
use crate::recorder::error::RecordError;
use crate::recorder::mutes;
use crate::recorder::status::Counters;
use crate::recorder::stop::{Stop, spawn};
use crate::session::sound::MARGIN_NS;

/// How often a device that hands over nothing is looked after.
const TICK: Duration = Duration::from_millis(100);
/// How long after the end was asked for a source may still hand over.
const LAST_NS: i64 = 400_000_000;
/// While times are a guess, sound that may lie in a pause by so much is kept out of it: guesses were up to 138 ms off.
const UNSURE_NS: i64 = 500_000_000;
/// Samples (per channel) of silence that are encoded at once: 100 ms at 48 kHz.
const SILENCE: u64 = 4800;

/// What a track of sound hands to the sequence.
pub(in crate::recorder) enum SoundNews {
    /// A packet.
    Packet(Packet),
    /// Sound is missing.
    Gap(MonoNs, Source, Gap),
    /// The times of a track's first packets, which were handed on before, were a guess.
    Moved(TrackId, SoundMovedFact),
    /// The device is no more, or the encoder failed: no sound follows. A word in `snake_case`.
    Failed(&'static str),
}

/// The times of samples that are on their way through the encoder.
#[derive(Default)]
struct Times {
    /// From this sample on: the time of it, and the time to the next, nanoseconds.
    from: VecDeque<(u64, MonoNs, f64)>,
}

impl Times {
    fn push(&mut self, sample: u64, t: MonoNs, per_sample: f64) {
        self.from.push_back((sample, t, per_sample));
    }

    /// Everything so far is so much later.
    fn shift(&mut self, by_ns: i64) {
        for (_, t, _) in &mut self.from {
            t.0 = t.0.saturating_add(by_ns);
        }
    }

    /// The time of a sample, which may lie before the first one. Those before it are forgotten.
    fn at(&mut self, sample: i64) -> Option<MonoNs> {
        while self.from.get(1).is_some_and(|(from, ..)| *from as i64 <= sample) {
            self.from.pop_front();
        }
        let (from, t, per_sample) = self.from.front()?;
        let since = (sample - *from as i64) as f64 * per_sample;
        Some(MonoNs(t.0.saturating_add(since.round() as i64)))
    }
}

/// The stage, before its thread runs.
pub(in crate::recorder) struct SoundStage {
    track: TrackId,
    source: Source,
    channels: usize,
    placer: Placer,
    encoder: Box<dyn SoundEncoder>,
    queue: Receiver<SoundItem>,
    out: Sender<SoundNews>,
    control: Control,
    clock: Arc<dyn Clock>,
    stop: Stop,
    counters: Arc<Counters>,
    times: Times,
    /// Samples (per channel) that the encoder was given.
    given: u64,
    /// Samples (per channel) of the packets that it made.
    made: u64,
    /// Times are a guess so far; `Some(false)`: and nobody was told of it.
    early: Option<bool>,
    /// Nothing of it is kept any more: consent was taken back, or the encoder failed.
    closed: bool,
    /// Since when an encoder that failed makes nothing.
    failed: Option<MonoNs>,
}

impl SoundStage {
    pub(in crate::recorder) fn new(
        track: TrackId,
        what: &SoundDescription,
        encoder: Box<dyn SoundEncoder>,
        (queue, out): (Receiver<SoundItem>, Sender<SoundNews>),
        running: &Running,
    ) -> Self {
        Self {
            track,
            source: Source::named(what.role.map_or(what.backend.as_str(), |role| role.name())),
            channels: usize::from(what.channels.max(1)),
            placer: Placer::new(what.rate, what.channels),
            encoder,
            queue,
            out,
            control: running.control.clone(),
            clock: Arc::clone(&running.clock),
            stop: running.stop.clone(),
            counters: Arc::clone(&running.counters),
            times: Times::default(),
            given: 0,
            made: 0,
            early: Some(false),
            closed: false,
            failed: None,
        }
    }

    /// Starts the thread, which ends when the source has, and everything is handed on.
    pub(in crate::recorder) fn start(mut self) -> Result<JoinHandle<()>, RecordError> {
        let stop = self.stop.clone();
        spawn("sound", Stream::Audio, &stop, move || self.run())
    }

    fn run(&mut self) {
        let mut asked = None;
        let mut ticked = self.clock.now();
        loop {
            let item = self.queue.recv_timeout(TICK);
            let now = self.clock.now();
            let ends = self.stop.sound_flag().is_set();
            let pieces = match item {
                Ok(SoundItem::Block(block)) => self.placer.take(block, now),
                Ok(SoundItem::Silent { since, reason }) => self.placer.silent(since, reason),
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) if ends => break,
                Err(RecvTimeoutError::Disconnected) => {
                    self.queue = never();
                    self.say(SoundNews::Failed("device_gone"));
                    self.placer.silent(now, "device_gone")
                }
            };
            self.put(pieces);
            if now.since(ticked) >= TICK {
                ticked = now;
                let pieces = self.placer.tick(now);
                self.put(pieces);
            }
            if ends && now.0 - asked.get_or_insert(now).0 >= LAST_NS {
                break;
            }
        }
        let now = self.clock.now();
        let pieces = self.placer.finish(self.control.sound_until().map_or(now, |until| until.min(now)));
        self.put(pieces);
        let mut units = Vec::new();
        if self.failed.is_none() && self.given > 0 {
            let finished = self.encoder.finish(&mut units);
            self.hand_on(units);
            self.look(finished);
        }
        if let Some(since) = self.failed {
            let gap = Gap { stream: Stream::Audio, reason: "encoder_failed".into(), lost: None, until: now };
            self.say(SoundNews::Gap(since, self.source, gap));
        }
    }

    fn put(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Sound { t, per_sample, samples } => self.sound(t, per_sample, samples),
                Piece::Silence { t, per_sample, count } => {
                    let mut rest = count;
                    let mut t = t;
                    while rest > 0 && !self.closed {
                        let part = rest.min(SILENCE);
                        self.sound(t, per_sample, vec![0.0; part as usize * self.channels]);
                        t = MonoNs(t.0.saturating_add((part as f64 * per_sample).round() as i64));
                        rest -= part;
                    }
                }
                Piece::Hole(hole) => {
                    self.counters.lost_sound.fetch_add(hole.lost, Ordering::Relaxed);
                    let gap = Gap {
                        stream: Stream::Audio,
                        reason: hole.reason.into(),
                        lost: Some(hole.lost),
                        until: hole.until,
                    };
                    self.say(SoundNews::Gap(hole.since, self.source, gap));
                }
                Piece::Moved(by_ns) => {
                    self.early = None;
                    if by_ns.abs() > UNSURE_NS {
                        tracing::warn!(
                            by_ns,
                            "the first sound was heard at another time than was guessed: what was in a pause may be near its edges"
                        );
                    }
                    self.times.shift(by_ns);
                    let fact = SoundMovedFact { before: Some(self.made), by_ns: Some(by_ns) };
                    self.say(SoundNews::Moved(self.track, fact));
                }
            }
        }
    }

    /// Encodes samples, as far as they may be kept.
    fn sound(&mut self, t: MonoNs, per_sample: f64, mut samples: Vec<f32>) {
        if self.closed {
            return;
        }
        let count = samples.len() / self.channels;
        let until = MonoNs(t.0.saturating_add((count as f64 * per_sample).ceil() as i64));
        let unsure = if self.early.is_some() { UNSURE_NS } else { 0 };
        let closed = self.control.sound_until().map(|closed| MonoNs(closed.0 - MARGIN_NS - unsure));
        if let Some(closed) = closed.filter(|closed| *closed < until) {
            self.closed = true;
            let kept = (closed.0.saturating_sub(t.0).max(0) as f64 / per_sample).floor() as usize;
            samples.truncate(kept.min(count) * self.channels);
        }
        let wide = (MonoNs(t.0.saturating_sub(unsure)), MonoNs(until.0.saturating_add(unsure)));
        let mutes = self.control.mutes(wide.0, wide.1);
        if unsure > 0 && !mutes.is_empty() {
            samples.fill(0.0);
        } else {
            mutes::silence(&mut samples, self.channels, (t, per_sample), &mutes);
        }
        if self.early == Some(false) {
            self.early = Some(true);
            self.say(SoundNews::Moved(self.track, SoundMovedFact::default()));
        }
        self.counters.peaks.hear(self.track, &samples);
        self.times.push(self.given, t, per_sample);
        self.given += (samples.len() / self.channels) as u64;
        let mut units = Vec::new();
        let encoded = self.encoder.encode(&samples, &mut units);
        self.hand_on(units);
        self.look(encoded);
    }

    /// An encoder that failed makes nothing any more; the recording goes on.
    fn look(&mut self, done: Result<(), EncodeError>) {
        if let Err(error) = done {
            tracing::error!(%error, "the sound ends");
            self.closed = true;
            self.failed = Some(self.placer.end().unwrap_or_else(|| self.clock.now()));
            self.say(SoundNews::Failed("encoder_failed"));
        }
    }

    /// Hands packets on, each with the time of its first sample.
    fn hand_on(&mut self, units: Vec<SoundUnit>) {
        let priming = i64::from(self.encoder.config().priming());
        for SoundUnit { bytes, samples } in units {
            let Some(t) = self.times.at(self.made as i64 - priming) else { continue };
            let packet = Packet {
                track: self.track,
                first_sample: self.made,
                samples,
                t,
                bytes,
                keyframe: true,
                repeats: false,
                cost: Cost::default(),
            };
            self.made += u64::from(samples);
            self.say(SoundNews::Packet(packet));
        }
    }

    /// Tells the sequence; when it takes nothing any more, the log is closed.
    fn say(&mut self, news: SoundNews) {
        self.closed |= self.out.send(news).is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_were_a_guess_are_moved_together() {
        let mut times = Times::default();
        times.push(0, MonoNs(1_000_000), 1000.0);
        times.push(100, MonoNs(1_100_000), 1000.0);
        times.shift(-500);
        assert_eq!((times.at(-1), times.at(100)), (Some(MonoNs(998_500)), Some(MonoNs(1_099_500))));
    }

    #[test]
    fn the_time_of_a_packet_is_that_of_its_first_sample_also_before_the_first_one() {
        let mut times = Times::default();
        times.push(0, MonoNs(1_000_000), 1000.0);
        times.push(100, MonoNs(1_100_100), 1001.0);
        assert_eq!(times.at(-20), Some(MonoNs(980_000)));
        assert_eq!(times.at(50), Some(MonoNs(1_050_000)));
        assert_eq!(times.at(110), Some(MonoNs(1_110_110)));
    }
}
