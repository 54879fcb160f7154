//! Where the sequence is in a recording that may be split: what of the part before is still open, and what each part must say anew.
//!
//! Says nothing of when a part begins: [`super::crossing`] does.

use std::collections::VecDeque;

use super::part::{EndedPart, PartQueues};
use crate::base::event::{Event, Gap, Surface};
use crate::base::time::MonoNs;
use crate::log::LogError;
use crate::log::setup::InputFact;
use crate::log::writer::LogWriter;
use crate::media::track::{Packet, TrackId};

/// Packets of sound that are kept of each track, for an encoder whose packets build on those before: 100 ms.
const RECENT: usize = 6;

/// The longest packet of sound, nanoseconds: 1024 samples at 44.1 kHz are 23 ms.
const PACKET_NS: i64 = 25_000_000;

/// The log of the part before, until nothing of it can come any more.
pub(super) struct Before {
    pub(super) log: LogWriter,
    /// The first frame of the present part has come, and with it all of before.
    pub(super) has_all_frames: bool,
    pub(super) failure: Option<LogError>,
}

impl Before {
    /// Appends to it. A failure is kept; what comes after it, the log counts as lost.
    pub(super) fn append(&mut self, append: impl FnOnce(&mut LogWriter) -> Result<(), LogError>) {
        if let Err(error) = append(&mut self.log) {
            self.failure.get_or_insert(error);
        }
    }
}

/// What a track of sound needs at a seam.
struct SoundTrack {
    id: TrackId,
    /// How long the samples are that a decoder leaves out at the begin of a file, nanoseconds.
    priming_ns: i64,
    recent: VecDeque<Packet>,
    /// Number of the first sample of the present part.
    first: Option<u64>,
}

impl SoundTrack {
    /// Of which time the first packet of a part is that begins at `t`: a decoder leaves out what it builds on.
    fn first_of(&self, t: MonoNs) -> MonoNs {
        if self.priming_ns > 0 { MonoNs(t.0 - self.priming_ns - PACKET_NS) } else { t }
    }
}

/// Where the sequence is in a recording that may be split.
pub(super) struct Seams {
    pub(super) queues: Option<PartQueues>,
    /// Seams so far.
    pub(super) part: u64,
    /// When the present part began; nothing of it is earlier.
    pub(super) begin: MonoNs,
    pub(super) before: Option<Before>,
    /// Bytes of the videos of the parts before.
    pub(super) video_bytes: u64,
    /// Frames that were skipped as unchanged in the parts before.
    pub(super) skipped: u64,
    pub(super) sound_failed: Option<&'static str>,
    sounds: Vec<SoundTrack>,
    /// What the first part says of the inputs.
    pub(super) input: Option<InputFact>,
    /// Where the surface was at the start.
    pub(super) surface: Surface,
}

impl Seams {
    /// Of a recording; `queues` when it is split. `sounds` are its tracks of sound, each with what a decoder leaves out, nanoseconds.
    pub(super) fn new(
        queues: Option<PartQueues>,
        input: Option<InputFact>,
        surface: Surface,
        sounds: impl IntoIterator<Item = (TrackId, i64)>,
    ) -> Self {
        let track = |(id, priming_ns)| SoundTrack { id, priming_ns, recent: VecDeque::new(), first: None };
        Self {
            queues,
            part: 0,
            begin: MonoNs(i64::MIN),
            before: None,
            video_bytes: 0,
            skipped: 0,
            sound_failed: None,
            sounds: sounds.into_iter().map(track).collect(),
            input,
            surface,
        }
    }

    /// The planned time of a seam that is not crossed here yet.
    pub(super) fn planned(&self) -> Option<MonoNs> {
        self.queues.as_ref()?.seam.planned().filter(|planned| *planned > self.begin)
    }

    /// The seam that comes next, once its time is fixed.
    pub(super) fn next(&self) -> Option<MonoNs> {
        self.planned()?;
        self.queues.as_ref()?.seam.fixed()
    }

    /// Remembers a packet of sound, for the begin of a part.
    pub(super) fn remember(&mut self, packet: &Packet) {
        if self.queues.is_some()
            && let Some(track) = self.sounds.iter_mut().find(|track| track.id == packet.track)
        {
            if track.recent.len() == RECENT {
                track.recent.pop_front();
            }
            track.recent.push_back(packet.clone());
        }
    }

    /// The packets of sound that a part begins with at `t`.
    pub(super) fn first_packets(&mut self, t: MonoNs) -> Vec<Packet> {
        let mut packets = Vec::new();
        for track in &mut self.sounds {
            track.first = None;
            let from = track.first_of(t);
            packets.extend(track.recent.iter().filter(|packet| packet.t >= from).cloned());
        }
        packets
    }

    /// Whether the present part builds on a packet of before it.
    pub(super) fn builds_on(&self, packet: &Packet) -> bool {
        let track = self.sounds.iter().find(|track| track.id == packet.track);
        track.is_some_and(|track| packet.t >= track.first_of(self.begin))
    }

    /// A packet with its samples counted from the begin of the part.
    pub(super) fn renumbered(&mut self, packet: Packet) -> Packet {
        let track = self.sounds.iter_mut().find(|track| track.id == packet.track);
        let Some(track) = track.filter(|_| self.part > 0) else { return packet };
        let first = *track.first.get_or_insert(packet.first_sample);
        Packet { first_sample: packet.first_sample.saturating_sub(first), ..packet }
    }

    /// The number, in the recording, of a track's first sample of the present part.
    pub(super) fn first_sample(&self, track: TrackId) -> u64 {
        let track = self.sounds.iter().find(|sound| sound.id == track);
        track.filter(|_| self.part > 0).and_then(|track| track.first).unwrap_or(0)
    }

    /// Something of before the seam that comes when the part before is closed: of the seam's time.
    pub(super) fn late(&self, mut event: Event) -> (MonoNs, Event) {
        if let Event::Gap(Gap { until, .. }) | Event::Redact { until, .. } = &mut event {
            *until = (*until).max(self.begin);
        }
        (self.begin, event)
    }

    /// What is handed over of the part before, of which nothing can come any more.
    pub(super) fn hand_over(&self, log: LogWriter, failure: Option<LogError>) {
        let ended = EndedPart { log, t: self.begin, failure };
        if self.queues.as_ref().is_none_or(|queues| queues.ended.send(ended).is_err()) {
            tracing::error!("the part before is not closed; it can be sealed by hand");
        }
    }
}
