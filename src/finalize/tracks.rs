//! The tracks of a log beside its pictures, finished and described: one file of the session for each.
//!
//! Keeps the invariants of [`super::video`]: an answer is the same whenever finalizing is begun anew, and what no sync vouches for counts
//! only if its bytes have their sum. Of a stream that was not agreed to, or from when its consent was taken back, nothing gets into the
//! session. Packets are no rows.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::drift::Drift;
use super::error::FinalizeError;
use super::source::LogSource;
use crate::base::event::Stream;
use crate::base::file_at::read_exact_at;
use crate::base::io_error::IoError;
use crate::base::time::MonoNs;
use crate::log::LogError;
use crate::log::setup::{SoundMovedFact, TrackFact};
use crate::media::flac;
use crate::media::mp4::append::FIRST_BOX;
use crate::media::mp4::finish;
use crate::media::mp4::sound::{self, SoundPacket};
use crate::media::mp4::writer::{self, SoundTrack};
use crate::media::track::{PacketRef, Shape, TRACKS, TrackCodec, TrackId};
use crate::session::metadata::{Extra, Loss, Metadata, StreamInfo};
use crate::session::seal::{self, FileHash, IntegrityEntry};
use crate::session::sound as session_sound;

/// Largest packet of sound: a frame of FLAC that is stored as it is.
const MAX_PACKET: u32 = flac::MAX_BLOCK as u32 * flac::MAX_CHANNELS as u32 * 4 + 64;

/// Returns whether a track lost what was on the disk for certain: somebody may still mend or find it.
pub(super) fn is_damaged(metadata: &Metadata) -> bool {
    let damaged = |packets: Option<&Value>| packets.and_then(Value::as_u64) > Some(0);
    metadata.streams.values().any(|info| {
        let further = info.settings.get(session_sound::MICROPHONE);
        damaged(info.settings.get(session_sound::DAMAGED_PACKETS))
            || damaged(further.and_then(|further| further.get(session_sound::DAMAGED_PACKETS)))
    })
}

/// A finished track.
pub(super) struct FinishedTrack {
    id: TrackId,
    stream: Stream,
    file: &'static str,
    path: PathBuf,
    hash: FileHash,
    codec: &'static str,
    rate: u32,
    channels: u16,
    t0: MonoNs,
    drift_ppm: Option<f64>,
    packets: u64,
    samples: u64,
    lost_packets: u64,
    damaged_packets: u64,
    is_guessed: bool,
}

/// The packets of a track that are there.
#[derive(Default)]
struct Kept {
    packets: Vec<SoundPacket>,
    t0: Option<MonoNs>,
    drift: Drift,
    samples: u64,
    /// Where the last one's bytes end.
    end: u64,
    lost: u64,
    /// Those of them that a sync vouches for.
    damaged: u64,
}

impl Kept {
    /// Takes a packet whose bytes are there, unless it does not follow the one before.
    fn take(&mut self, t: MonoNs, packet: &PacketRef, rate: u32) {
        let t0 = self.t0.unwrap_or(t);
        let tick = sound::tick(t.0, t0.0, rate);
        let follows = |tick: &u64| {
            self.packets.last().is_none_or(|last| *tick > last.tick && tick - last.tick <= sound::MAX_GAP)
                && packet.offset >= self.end
        };
        let Some(tick) = tick.filter(follows) else {
            self.lost += 1;
            return;
        };
        self.t0 = Some(t0);
        self.drift.take(packet.first_sample, t);
        self.samples += u64::from(packet.samples);
        self.end = packet.offset + u64::from(packet.size_bytes);
        self.packets.push(SoundPacket {
            offset: packet.offset,
            size: packet.size_bytes,
            tick,
            samples: packet.samples,
        });
    }
}

/// Finishes every further track of a log in place; those of which nothing is there are left out.
///
/// # Errors
/// When a file cannot be read or finished.
pub(super) fn finish(session: &Path, source: &LogSource) -> Result<Vec<FinishedTrack>, FinalizeError> {
    let further = source.story.tracks.iter().filter(|track| track.id != TrackId::PICTURES);
    further.filter_map(|track| finish_one(session, source, track).transpose()).collect()
}

fn finish_one(session: &Path, source: &LogSource, track: &TrackFact) -> Result<Option<FinishedTrack>, FinalizeError> {
    let Some((id, stream, file)) = TRACKS.into_iter().find(|(id, ..)| *id == track.id) else { return Ok(None) };
    let (Some(codec @ (TrackCodec::Flac | TrackCodec::Aac { .. })), Some(Shape::Sound { rate, channels })) =
        (&track.config, track.shape)
    else {
        return Ok(None);
    };
    if !source.story.is_agreed(stream) {
        return Ok(None);
    }
    let Some(path) = place(session, source, file)? else { return Ok(None) };
    let kept = kept(source, id, stream, &path, rate)?;
    let Some(first) = kept.t0 else { return Ok(None) };
    // Where nothing is behind what the edit list leaves out, nothing is heard.
    let heard = kept.samples.checked_sub(u64::from(codec.priming())).filter(|heard| *heard > 0);
    let Some(samples) = heard else { return Ok(None) };
    // Time 0 of the file is behind what the edit list leaves out.
    let t0 = MonoNs(first.0 + i64::from(codec.priming()) * 1_000_000_000 / i64::from(rate.max(1)));
    let layout = finish::detect_layout(&path)?;
    let track = SoundTrack { codec: codec.clone(), rate, channels };
    let finished = writer::finish_in_place(&path, layout, kept.end, &kept.packets, &track)?;
    // Bytes that changed since they were hashed are sealed as they are now: they belong to no packet any more.
    let stood = source.reader.facts.digests.get(&id).filter(|_| kept.damaged == 0);
    let hash = FileHash(writer::sha256_from(&path, stood, &finished)?);
    Ok(Some(FinishedTrack {
        id,
        stream,
        file,
        path,
        hash,
        codec: codec.name(),
        rate,
        channels,
        t0,
        drift_ppm: kept.drift.ppm(rate),
        packets: kept.packets.len() as u64,
        samples,
        lost_packets: kept.lost,
        damaged_packets: kept.damaged,
        is_guessed: source.story.sound_moved(id).is_some_and(SoundMovedFact::is_guess),
    }))
}

/// Where the file of a track is: in the log, or in the session when an earlier run had published it.
fn place(session: &Path, source: &LogSource, file: &str) -> Result<Option<PathBuf>, LogError> {
    for path in [source.reader.paths().track(file), session.join(file)] {
        if crate::base::files::is_there(&path).map_err(IoError::at("look at", &path))? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The packets whose bytes are there. Where no sync vouches for them, the first whose bytes are not there ends the track.
fn kept(source: &LogSource, id: TrackId, stream: Stream, path: &Path, rate: u32) -> Result<Kept, FinalizeError> {
    let layout = finish::detect_layout(path)?;
    let len = finish::data_len(path, layout)?;
    let opened = crate::base::files::open_regular(path).map_err(IoError::at("open", path))?;
    let synced = source.reader.tracks_synced().get(&id).copied().unwrap_or(0);
    let closed = source.story.closed().into_iter().find(|(other, _)| *other == stream).map(|(_, t)| t);
    let mut kept = Kept { end: FIRST_BOX, ..Kept::default() };
    let (mut ended, mut bytes) = (false, Vec::new());
    let moved = source.story.sound_moved(id).unwrap_or_default();
    for (t, packet) in source.reader.packets(id) {
        let t = moved.time_of(packet.first_sample, t);
        if closed.is_some_and(|closed| t >= closed) {
            continue;
        }
        let end = packet.offset.saturating_add(u64::from(packet.size_bytes));
        let fits = (1..=MAX_PACKET).contains(&packet.size_bytes) && packet.samples > 0 && end <= len;
        let whole = !ended && fits && {
            bytes.resize(packet.size_bytes as usize, 0);
            read_exact_at(&opened, &mut bytes, packet.offset).map_err(IoError::at("read", path))?;
            crc32c::crc32c(&bytes) == packet.crc32c
        };
        if whole {
            kept.take(t, &packet, rate);
        } else {
            kept.lost += 1;
            kept.damaged += u64::from(end <= synced);
            ended |= end > synced;
        }
    }
    Ok(kept)
}

/// Says of sound that was recorded and of which nothing is there that it is missing.
pub(super) fn note_missing(metadata: &mut Metadata) {
    if let Some(info) = metadata.streams.get_mut(Stream::Audio.name()).filter(|info| info.status == "recorded") {
        info.status = "missing".into();
    }
}

impl FinishedTrack {
    /// Puts the file in its place in the session.
    pub(super) fn publish(&self, session: &Path) -> Result<(), FinalizeError> {
        let target = session.join(self.file);
        if self.path != target {
            seal::publish(&self.path, &target)?;
        }
        Ok(())
    }

    /// Its line of the seal.
    pub(super) fn entry(&self) -> IntegrityEntry {
        IntegrityEntry { name: self.file.to_owned(), hash: self.hash }
    }

    /// Says in the metadata what is in the file.
    pub(super) fn describe(&self, metadata: &mut Metadata) {
        let none = || StreamInfo {
            status: "recorded".into(),
            source: None,
            reason: None,
            settings: std::collections::BTreeMap::new(),
            extra: Extra::new(),
        };
        // The log has no fact about a source of sound, or it says nothing that is not said here.
        let info = metadata.streams.entry(self.stream.name().to_owned()).or_insert_with(none);
        if info.status == "off" {
            info.status = "recorded".into();
        }
        let said = [
            (session_sound::FILE, self.file.into()),
            (session_sound::CODEC, self.codec.into()),
            (session_sound::RATE_HZ, self.rate.into()),
            (session_sound::CHANNELS, self.channels.into()),
            (session_sound::T0_NS, self.t0.0.into()),
            (session_sound::DRIFT_PPM, self.drift_ppm.into()),
            (session_sound::PACKETS, self.packets.into()),
            (session_sound::SAMPLES, self.samples.into()),
            (session_sound::LOST_PACKETS, self.lost_packets.into()),
            (session_sound::DAMAGED_PACKETS, self.damaged_packets.into()),
        ];
        if self.lost_packets > 0 {
            metadata.lost.push(Loss {
                stream: self.stream.name().to_owned(),
                reason: "packet_torn".to_owned(),
                gaps: self.lost_packets,
                count: Some(self.lost_packets),
                from_ns: None,
                until_ns: None,
                extra: Extra::new(),
            });
            metadata.lost.sort_by(|a, b| (&a.stream, &a.reason).cmp(&(&b.stream, &b.reason)));
        }
        // Killed before the stamps of its device agreed.
        let guessed = self.is_guessed.then_some((session_sound::T0_IS_GUESSED, true.into()));
        let said = said.into_iter().chain(guessed).map(|(key, value): (&str, Value)| (key.to_owned(), value));
        if self.id == TrackId::MICROPHONE {
            let further = info.settings.entry(session_sound::MICROPHONE.to_owned()).or_insert_with(|| json!({}));
            if !further.is_object() {
                *further = json!({});
            }
            further.as_object_mut().into_iter().for_each(|further| further.extend(said.clone()));
        } else {
            info.settings.extend(said);
        }
    }
}
