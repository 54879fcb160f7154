//! How the sequence goes from one part of a recording to the next: two logs are open for a moment, and each record goes into the one that its
//! own time says.
//!
//! The log of the part before stays open until every frame of it is in, and until inputs and notes of before the seam cannot come any
//! more ([`SETTLE_NS`]). What still comes after that gets the time of the seam. A failure of that log ends the recording, and takes nothing
//! of the present part along.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError};
use serde_json::json;

use super::beyond::{Beyond, Queued};
use super::control::Control;
use super::facts::{append_fact, initial_state};
use super::lanes::Lanes;
use super::pauses::SETTLE_NS;
use super::queues::BURST;
use super::seam::WAIT_NS;
use super::seams::Before;
use super::sequence::Sequence;
use crate::base::event::{Event, Source, Stream};
use crate::base::time::{Anchor, MonoNs, UtcNs};
use crate::log::LogError;
use crate::log::setup::{Fact as _, PROFILES_KEY, SIGN_AWAY_KEY, SKIPPED_KEY, failed_key};
use crate::log::writer::LogWriter;

/// How often a seam is looked at while something waits for it.
const GLANCE: Duration = Duration::from_micros(200);
/// How often before.
const LOOK: Duration = Duration::from_millis(20);

impl Sequence {
    /// Takes what is in a queue, up to the first thing that must wait for a seam; false when its producer has ended.
    pub(super) fn drain<T: Queued>(
        &mut self,
        queue: &Receiver<T>,
        waiting: fn(&mut Beyond) -> &mut Option<T>,
        take: fn(&mut Self, T) -> Result<(), LogError>,
    ) -> Result<bool, LogError> {
        for _ in 0..BURST {
            let item = match waiting(&mut self.beyond).take().map_or_else(|| queue.try_recv(), Ok) {
                Ok(item) => item,
                Err(TryRecvError::Empty) => return Ok(true),
                Err(TryRecvError::Disconnected) => return Ok(false),
            };
            if item.is_beyond(self.until(), self.seams.part) {
                *waiting(&mut self.beyond) = Some(item);
                return Ok(true);
            }
            take(self, item)?;
        }
        Ok(true)
    }

    /// Takes the orders that were given.
    pub(super) fn take_orders(&mut self, control: &Control) -> Result<(), LogError> {
        self.drain(control.orders(), |beyond| &mut beyond.order, Self::obey).map(drop)
    }

    /// The time of the seam that comes next, as far as it is known, else the end of time: nothing of it or later is appended yet.
    pub(super) fn until(&self) -> MonoNs {
        self.seams.planned().map_or(MonoNs(i64::MAX), |planned| self.seams.next().unwrap_or(planned))
    }

    /// How long at most until the seam must be looked at; `None` when none is planned, and when one is that nothing waits for.
    pub(super) fn seam_in(&self, inputs: &Lanes) -> Option<Duration> {
        let planned = self.seams.planned()?;
        match self.seams.next() {
            // The picture that inputs wait for comes without a word.
            None => Some(planned.since(self.clock.now()).clamp(GLANCE, LOOK)),
            Some(seam) => (self.beyond.is_any() || inputs.shows(seam)).then_some(GLANCE),
        }
    }

    /// Fixes a seam that no picture fixed in time; crosses one that something waits for, or that nothing came behind for long, once what is
    /// earlier is appended; and hands the part before over.
    pub(super) fn look_at_seam(&mut self, inputs: &Lanes) -> Result<(), LogError> {
        let now = self.clock.now();
        if let Some(planned) = self.seams.planned()
            && now.0 - planned.0 >= WAIT_NS
            && let Some(queues) = &self.seams.queues
        {
            queues.seam.fix(planned);
        }
        if let Some(seam) = self.seams.next()
            && self.may_cross(seam, now, inputs)
        {
            self.begin_part(seam)?;
        }
        let settled = now.0.saturating_sub(self.seams.begin.0) >= SETTLE_NS;
        if settled && self.seams.before.as_ref().is_some_and(|before| before.has_all_frames) {
            self.close_part_before();
        }
        if let Some(before) = &mut self.seams.before {
            before.append(LogWriter::commit_if_due);
            before.append(LogWriter::check);
        }
        Ok(())
    }

    fn may_cross(&self, seam: MonoNs, now: MonoNs, inputs: &Lanes) -> bool {
        if inputs.may_hold_before(seam) {
            return false;
        }
        let age = now.0 - seam.0;
        let waits = self.beyond.is_any() || inputs.shows(seam);
        // A source hands over some milliseconds late, unless it has shown something later.
        waits && (age >= WAIT_NS || inputs.all_show(seam)) || age >= SETTLE_NS
    }

    /// Nothing more comes: what waits for a seam is written behind it.
    pub(super) fn cross_at_last(&mut self) -> Result<(), LogError> {
        if self.beyond.is_any()
            && let Some(planned) = self.seams.planned()
            && let Some(queues) = &self.seams.queues
        {
            let seam = queues.seam.fix(planned);
            self.begin_part(seam)?;
        }
        let Beyond { unit, note, order, sound } = std::mem::take(&mut self.beyond);
        note.map_or(Ok(()), |note| self.append_note(note))?;
        order.map_or(Ok(()), |order| self.obey(order))?;
        unit.map_or(Ok(()), |unit| self.append_unit(unit))?;
        sound.map_or(Ok(()), |news| self.append_sound(news))
    }

    /// The part before ends at `t`, and the next one begins: what holds then is stated in it as at a start.
    pub(super) fn begin_part(&mut self, t: MonoNs) -> Result<(), LogError> {
        // Only one part is before this one: it has all its frames, since a frame of a later one is here, or nothing has come for long.
        self.close_part_before();
        let Some(next) = self.seams.queues.as_ref().and_then(|queues| queues.next.try_recv().ok()) else {
            return Ok(());
        };
        if let Some(end) = self.pauses.settle() {
            self.go_on(end)?;
        }
        self.inputs.end(t, &mut self.written);
        self.append_written()?;
        let anchor = self.anchor_at(t);
        self.append_anchor(anchor)?;
        let log = std::mem::replace(&mut self.log, next);
        self.seams.video_bytes += log.progress().video_bytes;
        self.seams.before = Some(Before { log, has_all_frames: false, failure: None });
        self.seams.begin = t;
        self.seams.part += 1;
        self.last_anchor = None;
        self.counters.silence.forget();
        self.counters.lag.forget();
        self.append_anchor(anchor)?;
        self.state_part(t)?;
        self.counters.part.store(self.seams.part + 1, Ordering::SeqCst);
        Ok(())
    }

    /// What a start would say, as it is at the begin of a part.
    fn state_part(&mut self, t: MonoNs) -> Result<(), LogError> {
        let surface = self.inputs.surface();
        let is_paused = self.pauses.covers(t);
        if is_paused {
            self.inputs.rest();
        }
        if let Some(fact) = &mut self.seams.input {
            let layout = self.inputs.layout().cloned().unwrap_or_default();
            fact.keyboard_layout = layout.names.or(fact.keyboard_layout.take());
            fact.keyboard_group = layout.group.map(i64::from).or(fact.keyboard_group);
            let (key, value) = fact.entry();
            append_fact(&mut self.log, t, &key, &value)?;
            if let Some(state) = self.inputs.state() {
                let mut fact = initial_state(&state, surface, &self.inputs);
                let pointer = self.inputs.pointer();
                (fact.mouse_x, fact.mouse_y) = (pointer.map(|at| f64::from(at.x)), pointer.map(|at| f64::from(at.y)));
                let (key, value) = fact.entry();
                append_fact(&mut self.log, t, &key, &value)?;
            }
        }
        if !self.profiles.is_empty() {
            for profile in &mut self.profiles {
                (profile.from_ns, profile.at_start) = (Some(t.0), Some(true));
            }
            append_fact(&mut self.log, t, PROFILES_KEY, &json!(self.profiles))?;
        }
        let away = self.sign.since(t);
        if !away.is_empty() {
            append_fact(&mut self.log, t, SIGN_AWAY_KEY, &json!(away))?;
        }
        if let Some(reason) = self.seams.sound_failed {
            append_fact(&mut self.log, t, &failed_key(Stream::Audio), &json!(reason))?;
        }
        // They are said in each part.
        self.told_withdrawn.clear();
        if is_paused {
            self.append(t, Source::Recorder, Event::Pause)?;
        }
        if surface != self.seams.surface {
            self.append(t, Source::Recorder, Event::Window(surface))?;
        }
        self.inputs.begin_part(t, &mut self.written);
        self.append_written()?;
        let packets = self.seams.first_packets(t);
        packets.into_iter().try_for_each(|packet| self.append_renumbered(packet))
    }

    /// The clocks as they are now, said of a moment that has just passed.
    fn anchor_at(&self, t: MonoNs) -> Anchor {
        let now = self.clock.anchor();
        let since = now.mono.0 - t.0;
        let before = |reading: i64| reading - since;
        Anchor {
            mono: t,
            utc: UtcNs(before(now.utc.0)),
            boot_ns: now.boot_ns.map(before),
            awake_ns: now.awake_ns.map(before),
        }
    }

    /// Hands the log of the part before over, to be closed and sealed.
    pub(super) fn close_part_before(&mut self) {
        let Some(Before { mut log, failure, .. }) = self.seams.before.take() else { return };
        let Some(queues) = &self.seams.queues else { return };
        // The screen's thread has crossed the seam by now.
        let skipped = queues.seam.skipped().saturating_sub(self.seams.skipped);
        self.seams.skipped = queues.seam.skipped();
        let mut failure = failure;
        if skipped > 0
            && let Err(error) = append_fact(&mut log, self.seams.begin, SKIPPED_KEY, &json!(skipped))
        {
            failure.get_or_insert(error);
        }
        self.seams.hand_over(log, failure);
    }
}

#[cfg(test)]
#[path = "crossing_tests.rs"]
mod tests;
