//! How the sequence appends what comes beside the inputs: pictures, sound, and notes of the screen.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::facts::append_fact;
use super::queues::{Note, ProfileSeen, Unit};
use super::sequence::Sequence;
use super::sound::SoundNews;
use crate::base::event::{Event, Source, Stream};
use crate::base::time::MonoNs;
use crate::log::LogError;
use crate::log::setup::{PROFILES_KEY, SIGN_AWAY_KEY, SoundMovedFact, failed_key, sound_moved_key};
use crate::media::track::{Cost, Packet, TrackId};
use crate::privacy::fact::ProfileFact;

impl Sequence {
    pub(super) fn append_note(&mut self, note: Note) -> Result<(), LogError> {
        let (t, event) = match note {
            Note::Event(t, event) => (t, event),
            Note::Profile(t, seen) => return self.append_profile(t, &seen),
            Note::Away(t) => {
                self.inputs.surface_away(t, &mut self.written);
                return self.append_written();
            }
            Note::Back(t, window) => {
                self.inputs.surface_back(t, window, &mut self.written);
                return self.append_written();
            }
        };
        if let Event::Window(surface) = &event {
            self.inputs.surface_moved(*surface);
        }
        self.append(t, Source::Recorder, event)
    }

    pub(super) fn append_unit(&mut self, unit: Unit) -> Result<(), LogError> {
        let packet = Packet {
            track: TrackId::PICTURES,
            first_sample: unit.frame_ref,
            samples: 1,
            t: unit.t,
            bytes: unit.bytes,
            keyframe: unit.keyframe,
            repeats: unit.duplicate,
            cost: Cost { capture_us: unit.capture_us, encode_us: unit.encode_us },
        };
        // Before it is appended: one that cannot be is among those that are taken off again when the log is given up.
        self.counters.frames.fetch_add(1, Ordering::Relaxed);
        if unit.part < self.seams.part {
            if let Some(before) = &mut self.seams.before {
                before.append(|log| log.append_packet(&packet).map(drop));
            }
            return Ok(());
        }
        if let Some(before) = &mut self.seams.before {
            before.has_all_frames = true;
        }
        self.log.append_packet(&packet)?;
        let bytes = self.seams.video_bytes + self.log.progress().video_bytes;
        self.counters.video_bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn append_sound(&mut self, news: SoundNews) -> Result<(), LogError> {
        match news {
            SoundNews::Packet(packet) => self.append_sound_packet(packet),
            SoundNews::Gap(t, source, gap) => self.append(t, source, Event::Gap(gap)),
            SoundNews::Moved(track, fact) => self.append_moved(track, &fact),
            SoundNews::Failed(reason) => {
                self.seams.sound_failed = Some(reason);
                let t = self.clock.now();
                append_fact(&mut self.log, t, &failed_key(Stream::Audio), &json!(reason))
            }
        }
    }

    /// The times of the first sound are a guess, or no longer. Seams wait for that; one that was planned just before it began is crossed, and then
    /// both parts have such sound, each by its own numbers.
    fn append_moved(&mut self, track: TrackId, fact: &SoundMovedFact) -> Result<(), LogError> {
        let (t, key) = (self.clock.now(), sound_moved_key(track));
        if let Some(queues) = &self.seams.queues {
            queues.seam.guesses(fact.before.is_none());
        }
        if let Some(before) = &mut self.seams.before {
            before.append(|log| append_fact(log, t, &key, &json!(fact)));
        }
        let first = self.seams.first_sample(track);
        let here = SoundMovedFact { before: fact.before.map(|number| number.saturating_sub(first)), ..*fact };
        append_fact(&mut self.log, t, &key, &json!(here))
    }

    /// A window of a game was seen for the first time: the fact about the profiles in force is replaced by a longer one.
    fn append_profile(&mut self, t: MonoNs, seen: &ProfileSeen) -> Result<(), LogError> {
        self.profiles.push(ProfileFact {
            name: Some(seen.name.clone()),
            from_ns: Some(t.0),
            game: seen.game.clone(),
            hides_chat: Some(seen.hides_chat),
            at_start: Some(seen.at_start),
        });
        append_fact(&mut self.log, t, PROFILES_KEY, &json!(self.profiles))
    }

    /// The sign on the screen was lost, or is there again: the fact about when it was not shown is replaced by a longer one.
    pub(super) fn look_at_sign(&mut self) -> Result<(), LogError> {
        let changes = self.sign.changes();
        if changes == self.told_sign {
            return Ok(());
        }
        self.told_sign = changes;
        let away = self.sign.since(self.seams.begin);
        if away.is_empty() {
            return Ok(());
        }
        append_fact(&mut self.log, self.clock.now(), SIGN_AWAY_KEY, &json!(away))
    }

    /// Appends a packet of sound to the part that its time says.
    fn append_sound_packet(&mut self, packet: Packet) -> Result<(), LogError> {
        self.seams.remember(&packet);
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

    pub(super) fn append_renumbered(&mut self, packet: Packet) -> Result<(), LogError> {
        let packet = self.seams.renumbered(packet);
        self.log.append_packet(&packet).map(drop)
    }
}
