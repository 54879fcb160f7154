//! Puts the samples of a device on the clock of the recording, without a hole: what is missing is silence of its length, and told.
//!
//! Invariant: what is put out is one sound from its first sample to its last, and its time never goes back, so that number and time of a
//! sample stay together. Pure: reads no clock.
//!
//! The first sound of a recording is put out at once, at a guess, so that none of it is lost with a kill before the stamps of the device agree;
//! once they do, [`Piece::Moved`] says by how much all of it has to be moved.

use std::collections::VecDeque;

use super::holes::{Hole, Holes};
use super::line::{Line, STRAY_NS, Seen};
use crate::base::time::MonoNs;
use crate::capture::sound::SoundBlock;

/// Stamps of this long are waited for before the first sample is placed, and again when a device begins anew.
const HOLD_NS: f64 = 250e6;
/// How far the middle half of these stamps may be apart, nanoseconds: a server that has not settled, or a machine that is busy, is waited for.
const AGREE_NS: f64 = 8e6;
/// How many stamps are a middle.
const FEWEST: usize = 3;
/// How long samples are held at the most, in their own time: then what stamps there are have to do.
const HOLD_MOST_NS: f64 = 2.5e9;
/// How fast time is moved towards the line: a sample in 1000, as much as a packet of 1024 can say.
const SLEW: f64 = 1e-3;
/// A device that hands over nothing for so long is away. Devices hand over each 50 ms at the least.
const STALLED_NS: i64 = 1_000_000_000;
/// Silence of a device that is away is put out in pieces of this at the least.
const LEAST_NS: i64 = 5_000_000;
/// While a device is away silence is put out up to so long ago: what it may still hand over is not earlier.
const BEHIND_NS: i64 = 400_000_000;

/// What is put out.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Piece {
    /// Samples.
    Sound {
        /// The time of the first.
        t: MonoNs,
        /// The time from one to the next, nanoseconds.
        per_sample: f64,
        /// The samples, channel by channel in turns.
        samples: Vec<f32>,
    },
    /// Silence.
    Silence {
        /// The time of its first sample.
        t: MonoNs,
        /// The time from one to the next, nanoseconds.
        per_sample: f64,
        /// Samples (per channel).
        count: u64,
    },
    /// Sound is missing.
    Hole(Hole),
    /// Everything that was put out so far was heard so much later than it said, nanoseconds: its time had been a guess.
    Moved(i64),
}

/// The first sound of a recording, whose time is a guess.
struct Early {
    first: u64,
    guess: MonoNs,
    /// Number and time of each block, as far as they were known.
    said: Vec<(u64, MonoNs)>,
    /// Holes whose times are a guess too.
    holes: Vec<Hole>,
}

/// Most of them that are kept: more than blocks of 5 ms while they are waited for.
const MOST_SAID: usize = 1024;

/// Places samples.
pub(super) struct Placer {
    channels: usize,
    line: Line,
    /// The first sample, and how long after it the next one comes, nanoseconds: exact enough for months.
    end: Option<(MonoNs, f64)>,
    /// The device's number that comes next.
    next: u64,
    /// Blocks that wait for the line; `Some` while it is waited for.
    held: Option<VecDeque<SoundBlock>>,
    /// The stamps of these: number and time.
    stamps: VecDeque<(u64, MonoNs)>,
    /// While the first sound is put out at a guess: its first number, its time as it was guessed, and what blocks said since.
    early: Option<Early>,
    /// Since when nothing is heard, and why.
    away: Option<(MonoNs, &'static str)>,
    /// When a block came last.
    heard: Option<MonoNs>,
    /// Samples (per channel) that are to be left out, since their time is past.
    skip: u64,
    holes: Holes,
    out: Vec<Piece>,
}

impl Placer {
    /// Returns a placer for a device.
    pub(super) fn new(rate: u32, channels: u16) -> Self {
        Self {
            channels: usize::from(channels.max(1)),
            line: Line::new(rate),
            end: None,
            next: 0,
            held: Some(VecDeque::new()),
            stamps: VecDeque::new(),
            early: None,
            away: None,
            heard: None,
            skip: 0,
            holes: Holes::default(),
            out: Vec::new(),
        }
    }

    /// Returns up to when sound was put out.
    pub(super) fn end(&self) -> Option<MonoNs> {
        let (t0, beyond) = self.end?;
        Some(MonoNs(t0.0.saturating_add(beyond.round() as i64)))
    }

    /// Takes a block, which came `now`; returns what can be put out.
    pub(super) fn take(&mut self, block: SoundBlock, now: MonoNs) -> Vec<Piece> {
        if self.heard.is_some_and(|heard| now.0 - heard.0 > STALLED_NS) && self.away.is_none() {
            self.leave(MonoNs(i64::MIN), "sound_stalled");
        }
        self.heard = Some(now);
        if let Some(held) = &mut self.held {
            self.stamps.extend(block.is_measured.then_some((block.first, block.t)));
            if self.end.is_none() || self.early.is_some() {
                self.put_out_early(block);
            } else {
                held.push_back(block);
            }
            let held = self.held.iter().flatten().next().map(|block| block.first);
            let first = self.early.as_ref().map(|early| early.first).or(held).unwrap_or(0);
            let held_ns = self.next_after_held().saturating_sub(first) as f64 * self.line.per_sample();
            if self.agree() || held_ns >= HOLD_MOST_NS {
                self.release();
            }
            return std::mem::take(&mut self.out);
        }
        let seen = if block.is_measured { self.line.take(block.first, block.t) } else { Seen::Usual };
        if let Seen::Step { from, by_ns } = seen {
            self.step(&block, from, by_ns);
        }
        self.place(block);
        std::mem::take(&mut self.out)
    }

    /// The device says that nothing is heard from `since` on.
    pub(super) fn silent(&mut self, since: MonoNs, reason: &'static str) -> Vec<Piece> {
        self.release();
        if self.away.is_none() {
            self.leave(since, reason);
        }
        std::mem::take(&mut self.out)
    }

    /// Time passes: silence is put out while the device is away.
    pub(super) fn tick(&mut self, now: MonoNs) -> Vec<Piece> {
        let stalled = self.heard.is_some_and(|heard| now.0 - heard.0 > STALLED_NS);
        if stalled && self.away.is_none() {
            self.release();
            self.leave(MonoNs(i64::MIN), "sound_stalled");
        }
        if self.away.is_some() && self.held.as_ref().is_none_or(VecDeque::is_empty) {
            let until = MonoNs(now.0 - BEHIND_NS);
            // A device that hands over again at the last moment has lost nothing.
            if self.end().is_none_or(|end| until.0.saturating_sub(end.0) >= LEAST_NS) {
                self.fill_until(until);
            }
        }
        let over = self.end().and_then(|end| self.holes.over(end));
        self.out.extend(over.map(Piece::Hole));
        std::mem::take(&mut self.out)
    }

    /// Nothing follows. `away_until` is the end of the recording, up to which a device that is away is silent.
    pub(super) fn finish(&mut self, away_until: MonoNs) -> Vec<Piece> {
        self.release();
        if self.away.is_some() {
            self.fill_until(away_until);
        }
        self.out.extend(self.holes.rest().map(Piece::Hole));
        std::mem::take(&mut self.out)
    }

    /// The device is away from `since` on, or from where the sound ends.
    fn leave(&mut self, since: MonoNs, reason: &'static str) {
        if let Some(early) = self.early.take() {
            self.settle(early);
        }
        let since = self.end().map_or(since, |end| since.max(end));
        self.away = Some((since, reason));
        self.line.restart();
        self.held = Some(VecDeque::new());
        self.stamps.clear();
    }

    /// Puts the first sound out where it seems to have been heard.
    fn put_out_early(&mut self, block: SoundBlock) {
        let said = (block.first, block.t);
        match &mut self.early {
            Some(early) if early.said.len() < MOST_SAID => early.said.push(said),
            Some(_) => {}
            None => {
                self.early = Some(Early { first: block.first, guess: block.t, said: vec![said], holes: Vec::new() });
                (self.end, self.next) = (Some((block.t, 0.0)), block.first);
                self.begin_late(block.t);
            }
        }
        self.place(block);
    }

    /// The first sound of all begins, and nothing was heard before.
    fn begin_late(&mut self, begins: MonoNs) {
        if let Some((since, reason)) = self.away.take().filter(|(since, _)| *since < begins) {
            let lost = (begins.0.saturating_sub(since.0) as f64 / self.line.per_sample()).round() as u64;
            // A moment in which no sample was due is no loss.
            if lost > 0 {
                self.tell(Hole { since, until: begins, lost, reason });
            }
        }
    }

    /// Moves what was put out at a guess to where its stamps, or else what blocks said, have it.
    fn settle(&mut self, Early { first, guess, said, holes }: Early) {
        self.held = None;
        for (sample, t) in self.stamps.drain(..) {
            self.line.take(sample, t);
        }
        if self.line.at(first).is_none() {
            for (sample, t) in said {
                self.line.take(sample, t);
            }
        }
        let by_ns = self.line.at(first).unwrap_or(guess).0.saturating_sub(guess.0);
        if let Some((t0, _)) = &mut self.end {
            t0.0 = t0.0.saturating_add(by_ns);
        }
        self.out.push(Piece::Moved(by_ns));
        for mut hole in holes {
            // What began before the first sound has its own time.
            if hole.since >= guess {
                hole.since.0 = hole.since.0.saturating_add(by_ns);
            }
            hole.until = MonoNs(hole.until.0.saturating_add(by_ns)).max(hole.since);
            self.tell(hole);
        }
    }

    /// The device's number behind the last block that is held.
    fn next_after_held(&self) -> u64 {
        let last = self.held.iter().flatten().next_back();
        last.map_or(self.next, |block| block.first.saturating_add((block.samples.len() / self.channels) as u64))
    }

    /// Whether the last quarter of a second of stamps agrees; those before it are forgotten then.
    fn agree(&mut self) -> bool {
        let per_sample = self.line.per_sample();
        let Some((&(first, _), &(last, t))) = self.stamps.front().zip(self.stamps.back()) else { return false };
        let since = |sample: u64| last.saturating_sub(sample) as f64 * per_sample;
        if since(first) < HOLD_NS {
            return false;
        }
        let recent = self.stamps.iter().filter(|(sample, _)| since(*sample) <= HOLD_NS);
        let mut off: Vec<f64> = recent.map(|(sample, at)| at.0.saturating_sub(t.0) as f64 + since(*sample)).collect();
        off.sort_unstable_by(f64::total_cmp);
        let (count, quarter) = (off.len(), off.len() / 4);
        if count < FEWEST || off[count - 1 - quarter] - off[quarter] > AGREE_NS {
            return false;
        }
        self.stamps.drain(..self.stamps.len() - count);
        true
    }

    /// Places what was held, as well as it can be.
    fn release(&mut self) {
        if let Some(early) = self.early.take() {
            self.settle(early);
            return;
        }
        let Some(held) = self.held.take() else { return };
        for (sample, t) in self.stamps.drain(..) {
            self.line.take(sample, t);
        }
        let Some(first) = held.front() else {
            // Nothing came yet, or since the device went away.
            self.held = Some(held);
            return;
        };
        if self.line.at(first.first).is_none() {
            // No stamp was measured: guesses are better than nothing.
            for block in &held {
                self.line.take(block.first, block.t);
            }
        }
        let begins = self.line.at(first.first).unwrap_or(first.t);
        self.next = first.first;
        if let Some((t0, beyond)) = self.end {
            let ahead = begins.0.saturating_sub(t0.0) as f64 - beyond;
            if ahead.abs() <= STRAY_NS {
                // Nothing is missing: what is left is moved towards the line.
            } else if ahead > 0.0 {
                self.fill_until(begins);
            } else {
                self.skip = (-ahead / self.line.per_sample()).round() as u64;
            }
        } else {
            self.end = Some((begins, 0.0));
            self.begin_late(begins);
        }
        self.away = None;
        for block in held {
            self.place(block);
        }
    }

    /// Puts silence out up to a time, and tells of it as what it is.
    fn fill_until(&mut self, until: MonoNs) {
        let Some((t0, beyond)) = self.end else { return };
        let missing = (until.0.saturating_sub(t0.0) as f64 - beyond) / self.line.per_sample();
        if missing < 1.0 {
            return;
        }
        let since = self.end().unwrap_or(t0);
        let count = missing.round() as u64;
        self.silence(count);
        let (from, reason) = self.away.unwrap_or((since, "sound_lost"));
        let hole = Hole { since: since.max(from), until: self.end().unwrap_or(until), lost: count, reason };
        self.tell(hole);
    }

    /// Time stepped at this block.
    fn step(&mut self, block: &SoundBlock, from: u64, by_ns: f64) {
        let count = (by_ns.abs() / self.line.per_sample()).round() as u64;
        let Some(end) = self.end() else { return };
        // Where it happened: what came since is placed too early, or too late.
        let since_ns = block.first.saturating_sub(from) as f64 * self.line.per_sample();
        let since = MonoNs(end.0.saturating_sub(since_ns as i64));
        if by_ns > 0.0 {
            self.silence(count);
            self.tell(Hole { since, until: self.end().unwrap_or(end), lost: count, reason: "sound_lost" });
        } else {
            self.skip = count;
            self.tell(Hole { since, until: end, lost: count, reason: "sound_repeated" });
        }
    }

    /// Places a block behind what was put out.
    fn place(&mut self, mut block: SoundBlock) {
        if block.first > self.next {
            let missing = block.first - self.next;
            let since = self.end();
            self.silence(missing);
            if let Some((since, until)) = since.zip(self.end()) {
                self.tell(Hole { since, until, lost: missing, reason: "sound_lost" });
            }
        }
        let known = self.next.saturating_sub(block.first);
        let of_block = (block.samples.len() / self.channels) as u64;
        self.next = self.next.max(block.first.saturating_add(of_block));
        let skipped = self.skip.min(of_block.saturating_sub(known));
        self.skip -= skipped;
        let leave_out = known.saturating_add(skipped).min(of_block);
        block.samples.truncate(of_block as usize * self.channels);
        block.samples.drain(..leave_out as usize * self.channels);
        let count = of_block - leave_out;
        let Some((t, per_sample)) = self.advance(count, self.next) else { return };
        self.out.push(Piece::Sound { t, per_sample, samples: block.samples });
    }

    /// Puts silence out.
    fn silence(&mut self, count: u64) {
        let per_sample = self.line.per_sample();
        let Some(t) = self.end() else { return };
        if count == 0 {
            return;
        }
        if let Some((_, beyond)) = &mut self.end {
            *beyond += count as f64 * per_sample;
        }
        self.out.push(Piece::Silence { t, per_sample, count });
    }

    /// Moves the end on by some samples, and towards where the line has the device's sample `next`. Returns the time of the first of
    /// them and the time between two.
    fn advance(&mut self, count: u64, next: u64) -> Option<(MonoNs, f64)> {
        let (t, (t0, beyond)) = (self.end()?, self.end?);
        if count == 0 {
            return None;
        }
        let plain = count as f64 * self.line.per_sample();
        let most = plain * SLEW;
        let aim = self.line.at(next).map_or(plain, |at| at.0.saturating_sub(t0.0) as f64 - beyond);
        let lasts = plain + (aim - plain).clamp(-most, most);
        self.end = Some((t0, beyond + lasts));
        Some((t, lasts / count as f64))
    }

    fn tell(&mut self, hole: Hole) {
        if let Some(early) = &mut self.early {
            if early.holes.len() < MOST_SAID {
                early.holes.push(hole);
            } else if let Some(last) = early.holes.last_mut() {
                last.until = last.until.max(hole.until);
                last.lost = last.lost.saturating_add(hole.lost);
            }
            return;
        }
        self.out.extend(self.holes.add(hole).map(Piece::Hole));
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
