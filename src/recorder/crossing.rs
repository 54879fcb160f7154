//! How the sequence goes from one part of a recording to the next: two logs are open for a moment, and each record goes into the one that its
//! own time says.
//!
//! The log of the part before stays open until every frame of it is in, and until inputs and notes of before the seam cannot come any
//! more ([`SETTLE_NS`]). What still comes after that gets the time of the seam. A failure of that log ends the recording, and takes nothing
//! of the present part along.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::pauses::SETTLE_NS;
use super::seam::WAIT_NS;
use super::seams::Before;
use super::sequence::{Sequence, append_fact, initial_state};
use crate::base::event::{Event, Source, Stream};
use crate::base::time::{Anchor, MonoNs, UtcNs};
use crate::log::LogError;
use crate::log::setup::{Fact as _, PROFILES_KEY, SKIPPED_KEY, failed_key};
use crate::log::writer::LogWriter;
use crate::media::track::Packet;

/// How often a seam is looked at while inputs wait for it.
const GLANCE: Duration = Duration::from_micros(200);
/// How often before.
const LOOK: Duration = Duration::from_millis(20);

impl Sequence {
    /// Before when an input must be to be taken: from the planned time of a seam on they wait until that is fixed.
    pub(super) fn inputs_until(&self) -> MonoNs {
        let until = self.seams.planned().filter(|_| self.seams.next().is_none());
        until.unwrap_or(MonoNs(i64::MAX))
    }

    /// How long at the most until the seam must be looked at; `None` when none is planned.
    pub(super) fn seam_in(&self) -> Option<Duration> {
        let planned = self.seams.planned().filter(|_| self.seams.next().is_none())?;
        // The picture that inputs wait for comes without a word.
        Some(planned.since(self.clock.now()).clamp(GLANCE, LOOK))
    }

    /// Fixes a seam that no picture fixed in time, crosses one that nothing else crosses, and hands the part before over.
    pub(super) fn look_at_seam(&mut self, idle: bool) -> Result<(), LogError> {
        let now = self.clock.now();
        if let Some(planned) = self.seams.planned()
            && now.0 - planned.0 >= WAIT_NS
            && let Some(queues) = &self.seams.queues
        {
            queues.seam.fix(planned);
        }
        if let Some(seam) = self.seams.next().filter(|seam| idle && now.0 - seam.0 >= SETTLE_NS) {
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
        self.append_anchor(anchor)?;
        self.state_part(t)?;
        self.counters.part.store(self.seams.part + 1, Ordering::SeqCst);
        Ok(())
    }

    /// What a start would say, as it is at the begin of a part.
    fn state_part(&mut self, t: MonoNs) -> Result<(), LogError> {
        let surface = self.inputs.surface();
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
        if let Some(reason) = self.seams.sound_failed {
            append_fact(&mut self.log, t, &failed_key(Stream::Audio), &json!(reason))?;
        }
        // They are said in each part.
        self.told_withdrawn.clear();
        if self.pauses.covers(t) {
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

    /// Appends a packet of sound to the part that its time says.
    pub(super) fn append_sound_packet(&mut self, packet: Packet) -> Result<(), LogError> {
        self.seams.remember(&packet);
        if let Some(seam) = self.seams.next().filter(|seam| *seam <= packet.t) {
            // It is among those that the part begins with.
            return self.begin_part(seam);
        }
        if packet.t < self.seams.begin
            && let Some(before) = &mut self.seams.before
        {
            before.append(|log| log.append_packet(&packet).map(drop));
            if !self.seams.builds_on(&packet) {
                return Ok(());
            }
        }
        self.append_renumbered(packet)
    }

    fn append_renumbered(&mut self, packet: Packet) -> Result<(), LogError> {
        let packet = self.seams.renumbered(packet);
        self.log.append_packet(&packet).map(drop)
    }
}
