//! The sound of a session for exports: its packets with their times, and those of a part of them beside a video.
//!
//! Keeps the invariants that nothing is encoded or decoded, and that nothing is told that lies outside of what was asked for: a packet is taken only
//! when all that is coded in it lies inside, so at each edge up to one packet is missing, of AAC up to two.

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::ExportError;
use super::options::Options;
use super::source::Source;
use super::steps::{self, Step};
use crate::base::file_at::read_exact_at;
use crate::base::files;
use crate::base::io_error::IoError;
use crate::media::mp4::mixed::{Mixed, MixedSound};
use crate::media::mp4::sound::{SoundPacket, tick, time};
use crate::media::mp4::sound_index::{CopiedSound, SoundIndex, reach, read_index, samples_in};
use crate::media::mp4::writer::{Store, Writer};
use crate::session::span::Span;
use crate::session::{layout, sound};

/// Largest packet that is read, bytes: as `verify` has it.
const MAX_PACKET: u32 = 1 << 18;
/// What formats that leave the sound out call it in their manifests.
pub(super) const NAME: &str = "sound";

/// A file of sound of a session.
pub(super) struct Track {
    /// `system` or `mic`.
    pub(super) role: &'static str,
    /// How it is coded.
    pub(super) coded: CopiedSound,
    packets: Vec<SoundPacket>,
    file: File,
    path: PathBuf,
    /// The time of the first sample of the first packet, which of AAC nobody hears.
    t0_ns: i64,
}

impl Track {
    /// Opens every file of sound that the session has.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn all(source: &Source) -> Result<Vec<Self>, ExportError> {
        let metadata = source.reader().metadata();
        sound::files(metadata)
            .into_iter()
            .map(|name| Self::open(source.dir(), name, sound::t0_ns(metadata, name)))
            .collect()
    }

    fn open(dir: &Path, name: &'static str, t0_ns: Option<i64>) -> Result<Self, ExportError> {
        let path = dir.join(name);
        let t0_ns = t0_ns.ok_or_else(|| ExportError::SoundTime { path: path.clone() })?;
        let file = files::open_regular(&path).map_err(IoError::at("open", &path))?;
        let SoundIndex { packets, track } =
            read_index(&file).map_err(|source| ExportError::Sound { path: path.clone(), source })?;
        let role = if name == layout::MICROPHONE_FILE { "mic" } else { "system" };
        let t0_ns = t0_ns.saturating_sub(time(u64::from(track.priming), 0, track.rate));
        Ok(Self { role, coded: track, packets, file, path, t0_ns })
    }

    /// The codec's name, as ffmpeg has it.
    pub(super) fn codec_name(&self) -> &'static str {
        if self.coded.codec == *b"mp4a" { "aac" } else { "flac" }
    }

    /// How many packets it has.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// When the first sample of a packet was heard.
    pub(super) fn begin_ns(&self, packet: usize) -> i64 {
        self.packets.get(packet).map_or(i64::MAX, |packet| time(packet.tick, self.t0_ns, self.coded.rate))
    }

    /// Reads a packet: how many samples it has, and until when it has anything in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&self, packet: usize, unit: &mut Vec<u8>) -> Result<(u32, i64), ExportError> {
        let damaged = |why: &str| IoError::at("read", &self.path)(std::io::Error::other(why.to_owned()));
        let packet = self.packets.get(packet).ok_or_else(|| damaged("it has fewer packets"))?;
        if packet.size > MAX_PACKET {
            return Err(damaged("a packet is too large").into());
        }
        unit.resize(packet.size as usize, 0);
        read_exact_at(&self.file, unit, packet.offset).map_err(IoError::at("read", &self.path))?;
        let held = samples_in(self.coded.codec, packet, unit);
        let reaches = held.max(reach(self.coded.codec));
        Ok((held, time(packet.tick + u64::from(reaches), self.t0_ns, self.coded.rate)))
    }
}

/// What of the sound may be told: as of the rows, what was asked for, what reviewers accepted and what was not redacted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    source: &'a Source,
    span: Span,
    exclude_redacted: bool,
}

impl<'a> Told<'a> {
    /// By what was asked for.
    ///
    /// # Errors
    /// When the span cannot be meant.
    pub(super) fn of(source: &'a Source, options: &Options) -> Result<Self, ExportError> {
        Ok(Self { source, span: steps::span(source, options)?, exclude_redacted: options.exclude_redacted })
    }

    /// Whether a packet may be told that has something in it from one time to another.
    pub(super) fn holds(&self, from_ns: i64, until_ns: i64) -> bool {
        let withheld = self.exclude_redacted && self.source.redacted.touch(from_ns, until_ns);
        let is_accepted = |t_ns| self.span.holds(t_ns) && self.source.is_accepted(t_ns);
        is_accepted(from_ns) && is_accepted(until_ns) && !withheld
    }
}

/// The sound that was asked for, and what of it may be told.
pub(super) struct Sounds<'a> {
    /// The files; none when no sound was asked for.
    pub(super) tracks: Vec<Track>,
    told: Told<'a>,
    /// Something of it was put beside a video.
    is_taken: Cell<bool>,
}

impl<'a> Sounds<'a> {
    /// Opens the files when sound was asked for.
    ///
    /// # Errors
    /// When one cannot be read, or the span cannot be meant.
    pub(super) fn of(source: &'a Source, options: &Options) -> Result<Self, ExportError> {
        let tracks = if options.sound { Track::all(source)? } else { Vec::new() };
        Ok(Self { tracks, told: Told::of(source, options)?, is_taken: Cell::new(false) })
    }

    /// Whether something of it was put beside a video; `None` when there is none that was asked for.
    pub(super) fn is_taken(&self) -> Option<bool> {
        (!self.tracks.is_empty()).then_some(self.is_taken.get())
    }
}

/// A stretch of a session that has a place in a video.
#[expect(clippy::struct_field_names, reason = "units stand in names")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stretch {
    /// Its begin on the clock of the session.
    pub(super) from_ns: i64,
    /// Its end, which is not in it.
    pub(super) until_ns: i64,
    /// Where it begins in the video.
    pub(super) to_ns: i64,
}

/// Returns the stretches of steps that follow each other without a hole, where step *n* is at `n / fps` in the video.
pub(super) fn stretches(steps: &[Step], fps: u32) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        match all.last_mut() {
            Some(last) if last.until_ns == step.start_ns => last.until_ns = step.end_ns,
            _ => {
                let to_ns = (n as u64).saturating_mul(1_000_000_000) / u64::from(fps.max(1));
                let to_ns = i64::try_from(to_ns).unwrap_or(i64::MAX);
                all.push(Stretch { from_ns: step.start_ns, until_ns: step.end_ns, to_ns });
            }
        }
    }
    all
}

/// The packets of one file that go beside a video, in order.
pub(super) struct Beside<'a> {
    track: &'a Track,
    /// The number of each packet, its place in the video as ticks since the first one's, how many samples it has.
    packets: Vec<(usize, u64, u32)>,
    /// Where the first one is in the video.
    first_ns: i64,
    next: usize,
}

impl<'a> Beside<'a> {
    /// Takes the packets that lie in these stretches and may be told, from one time to another; `None` when nothing of them would be heard.
    ///
    /// # Errors
    /// When a packet cannot be read.
    fn of(
        track: &'a Track,
        stretches: &[Stretch],
        told: &dyn Fn(i64, i64) -> bool,
    ) -> Result<Option<Self>, ExportError> {
        let (mut packets, mut first_ns, mut unit) = (Vec::new(), 0, Vec::new());
        let (mut at, mut samples) = (0, 0_u64);
        for stretch in stretches {
            at += track.packets[at..]
                .partition_point(|packet| time(packet.tick, track.t0_ns, track.coded.rate) < stretch.from_ns);
            while track.begin_ns(at) < stretch.until_ns {
                let begin_ns = track.begin_ns(at);
                let (held, until_ns) = track.read(at, &mut unit)?;
                if until_ns > stretch.until_ns {
                    break;
                }
                // A step may last longer than what may be told of its time.
                if !told(begin_ns, until_ns) {
                    at += 1;
                    continue;
                }
                let place_ns = stretch.to_ns.saturating_add(begin_ns - stretch.from_ns);
                if packets.is_empty() {
                    first_ns = place_ns;
                }
                packets.push((at, tick(place_ns, first_ns, track.coded.rate).unwrap_or(0), held));
                samples += u64::from(held);
                at += 1;
            }
        }
        let is_heard = samples > u64::from(track.coded.priming);
        Ok(is_heard.then_some(Self { track, packets, first_ns, next: 0 }))
    }

    /// Takes those of every file.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn all(sounds: &'a Sounds<'_>, stretches: &[Stretch]) -> Result<Vec<Self>, ExportError> {
        let told = |from_ns, until_ns| sounds.told.holds(from_ns, until_ns);
        let all = sounds.tracks.iter().filter_map(|track| Self::of(track, stretches, &told).transpose());
        let all = all.collect::<Result<Vec<_>, _>>()?;
        sounds.is_taken.set(sounds.is_taken.get() || !all.is_empty());
        Ok(all)
    }

    /// Describes the track for the index of the video.
    pub(super) fn described(&self) -> MixedSound {
        let CopiedSound { rate, priming, .. } = self.track.coded;
        let begin_ns = self.first_ns.saturating_add(time(u64::from(priming), 0, rate));
        MixedSound { track: self.track.coded.clone(), begin_ns: u64::try_from(begin_ns).unwrap_or(0) }
    }

    /// Writes the packets that are in the video before this time; `place` is that of the track in the file.
    ///
    /// # Errors
    /// When one cannot be read or written.
    pub(super) fn write<S: Store>(
        &mut self,
        place: usize,
        until_ns: i64,
        writer: &mut Writer<Mixed, S>,
    ) -> Result<(), ExportError> {
        let mut unit = Vec::new();
        while let Some((packet, tick, samples)) = self.packets.get(self.next).copied()
            && time(tick, self.first_ns, self.track.coded.rate) < until_ns
        {
            self.track.read(packet, &mut unit)?;
            let placed = Mixed::Sound(place, SoundPacket { offset: 0, size: 0, tick, samples });
            writer.push(&unit, placed)?;
            self.next += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::flac;
    use crate::media::mp4::writer::SoundTrack;
    use crate::media::track::TrackCodec;

    #[test]
    fn what_may_not_be_told_is_left_out_however_long_its_step_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut writer: Writer<SoundPacket> = Writer::create(&dir.path().join("audio.mp4")).expect("a file");
        for n in 0..10 {
            let unit = flac::frame(&[0; 480], 1, n * 480).expect("a frame");
            writer.push(&unit, SoundPacket { offset: 0, size: 0, tick: n * 480, samples: 480 }).expect("room");
        }
        writer.finish(&SoundTrack { codec: TrackCodec::Flac, rate: 48_000, channels: 1 }).expect("an index");
        let track = Track::open(dir.path(), layout::AUDIO_FILE, Some(0)).expect("a file of sound");
        let step = [Stretch { from_ns: 0, until_ns: i64::MAX, to_ns: 0 }];
        // Packets of 10 ms: of those that end behind 45 ms none may be told, nor those that begin before 20 ms.
        let told = |from_ns, until_ns| from_ns >= 20_000_000 && until_ns <= 45_000_000;
        let taken = Beside::of(&track, &step, &told).expect("sound").expect("something of it");
        let numbers: Vec<usize> = taken.packets.iter().map(|packet| packet.0).collect();
        assert_eq!((numbers, taken.first_ns), (vec![2, 3], 20_000_000));
        assert!(Beside::of(&track, &step, &|_, _| false).expect("sound").is_none());
        let all = Beside::of(&track, &step, &|_, _| true).expect("sound").expect("all of it");
        assert_eq!(all.packets.len(), 10);
    }

    #[test]
    fn steps_with_a_hole_between_them_are_two_stretches_that_touch_in_the_video() {
        let step = |start_ns| Step { frame: 0, start_ns, end_ns: start_ns + 100 };
        let steps = [step(1000), step(1100), step(1500)];
        let expected = [
            Stretch { from_ns: 1000, until_ns: 1200, to_ns: 0 },
            Stretch { from_ns: 1500, until_ns: 1600, to_ns: 200 },
        ];
        assert_eq!(stretches(&steps, 10_000_000), expected);
        assert_eq!(stretches(&[], 30), []);
    }
}
