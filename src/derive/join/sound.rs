//! The sound of all parts in one file: the same packets, each at its own time. Nothing is encoded.
//!
//! Keeps the invariants that no packet is there twice and that none moves against `t_ns`. Where packets build on each other (AAC), a part
//! begins with the last ones of the part before: they are compared, and left out. Behind them the stream goes on as it was encoded, so one priming
//! at the begin of the file is that of all.

use std::collections::VecDeque;
use std::path::Path;

use super::error::JoinError;
use crate::base::file_at::read_exact_at;
use crate::base::io_error::IoError;
use crate::media::mp4::sound::{self as index, SoundPacket};
use crate::media::mp4::sound_index::{CopiedSound, read_index, samples_in};
use crate::media::mp4::writer::{SoundTrack, Writer};
use crate::media::track::TrackCodec;
use crate::session::series::Part;
use crate::session::sound::{self, Part as Told};

/// Packets that are kept for comparison: a part begins with up to six of the part before.
const RECENT: usize = 16;

/// The sound of all parts.
pub(super) struct Joined {
    pub(super) told: Told,
    /// The first part that has it, by its place among them: the base of what the metadata say.
    pub(super) first: usize,
}

/// What all parts must have alike.
#[derive(PartialEq, Eq)]
struct Coding {
    rate: u32,
    channels: u16,
    priming: u32,
    codec: [u8; 4],
    specific: Option<Vec<u8>>,
}

impl Coding {
    fn of(track: &CopiedSound) -> Self {
        let CopiedSound { rate, channels, priming, codec, .. } = *track;
        Self { rate, channels, priming, codec, specific: track.aac_specific() }
    }

    fn track(&self) -> Option<SoundTrack> {
        let codec = match (&self.codec, &self.specific) {
            (b"fLaC", _) => TrackCodec::Flac,
            (b"mp4a", Some(specific)) => {
                TrackCodec::Aac { specific: specific.clone(), priming: u16::try_from(self.priming).ok()? }
            }
            _ => return None,
        };
        Some(SoundTrack { codec, rate: self.rate, channels: self.channels })
    }
}

/// A packet that was copied.
struct Copied {
    t_ns: i64,
    samples: u32,
    unit: Vec<u8>,
}

/// A file of sound in the making.
struct File<'a> {
    first: usize,
    coding: Coding,
    /// `None` before the first packet.
    made: Option<(Writer<SoundPacket>, i64)>,
    samples: u64,
    recent: VecDeque<Copied>,
    /// Packets that both the part before and this one have are of these.
    before: Option<&'a Part>,
}

/// Copies the sound of this name of all parts to `to`; `None` when no part has any, and no file is made then.
pub(super) fn copy(parts: &[Part], name: &'static str, to: &Path) -> Result<Option<Joined>, JoinError> {
    let mut file = None::<File<'_>>;
    for (at, part) in parts.iter().enumerate() {
        if !sound::files(&part.metadata).contains(&name) {
            if part.dir.join(name).is_file() {
                return Err(JoinError::Mismatch {
                    path: part.dir.clone(),
                    what: "the metadata do not tell of the sound",
                });
            }
            continue;
        }
        append(parts, at, name, to, &mut file)?;
    }
    let Some(File { first, coding, made: Some((writer, first_ns)), samples, .. }) = file else { return Ok(None) };
    let part = &parts[first];
    let not_known = || JoinError::Mismatch { path: part.dir.clone(), what: "its sound has a codec that is not known" };
    let packets = writer.len() as u64;
    writer.finish(&coding.track().ok_or_else(not_known)?)?;
    let primed_ns = index::time(u64::from(coding.priming), 0, coding.rate);
    let told = Told {
        t0_ns: Some(first_ns.saturating_add(primed_ns)),
        packets,
        samples: samples.saturating_sub(u64::from(coding.priming)),
    };
    Ok(Some(Joined { told, first }))
}

/// Appends the packets of a part that the parts before do not have.
fn append<'a>(
    parts: &'a [Part],
    at: usize,
    name: &'static str,
    to: &Path,
    file: &mut Option<File<'a>>,
) -> Result<(), JoinError> {
    let part = &parts[at];
    let path = part.dir.join(name);
    let mismatch = |what| JoinError::Mismatch { path: part.dir.clone(), what };
    let opened = crate::base::files::open_regular(&path).map_err(IoError::at("open", &path))?;
    let found = read_index(&opened).map_err(|source| JoinError::Sound { path: path.clone(), source })?;
    let coding = Coding::of(&found.track);
    let (rate, codec) = (coding.rate, coding.codec);
    let t0_ns = sound::t0_ns(&part.metadata, name).ok_or_else(|| mismatch("it does not say when its sound begins"))?;
    // Time 0 is behind the priming, and packets are counted from before it.
    let t0_ns = t0_ns.saturating_sub(index::time(u64::from(coding.priming), 0, rate));
    let file = match file {
        Some(file) if file.coding != coding => {
            let (path, first) = (part.dir.clone(), parts[file.first].dir.clone());
            return Err(JoinError::Other { path, first, what: "sound that is coded in another way" });
        }
        Some(file) => file,
        None => {
            let (samples, recent) = (0, VecDeque::new());
            file.insert(File { first: at, coding, made: None, samples, recent, before: None })
        }
    };
    let (mut unit, mut begins) = (Vec::new(), true);
    for packet in &found.packets {
        let t_ns = index::time(packet.tick, t0_ns, rate);
        unit.resize(packet.size as usize, 0);
        read_exact_at(&opened, &mut unit, packet.offset).map_err(IoError::at("read", &path))?;
        begins &= file.has(t_ns, rate);
        if begins {
            let same = file.recent.iter().find(|copied| is_same_time(copied, t_ns, rate));
            match (same, file.before) {
                (Some(copied), _) if copied.unit == unit => {}
                (Some(_), Some(before)) => {
                    return Err(JoinError::Muted { before: before.dir.clone(), path: part.dir.clone() });
                }
                _ => return Err(mismatch("its sound begins before that of the part before it ends")),
            }
            continue;
        }
        let samples = samples_in(codec, packet, &unit);
        if file.made.is_none() {
            file.made = Some((Writer::create(to)?, t_ns));
        }
        let Some((writer, first_ns)) = &mut file.made else { continue };
        let tick = index::tick(t_ns, *first_ns, rate).unwrap_or(0);
        writer.push(&unit, SoundPacket { offset: 0, size: 0, tick, samples })?;
        file.samples += u64::from(samples);
        if file.recent.len() == RECENT {
            file.recent.pop_front();
        }
        file.recent.push_back(Copied { t_ns, samples, unit: unit.clone() });
    }
    file.before = Some(part);
    Ok(())
}

/// Whether a packet that begins at `t_ns` is this one: times of two files are each rounded to their own ticks.
fn is_same_time(copied: &Copied, t_ns: i64, rate: u32) -> bool {
    t_ns.abs_diff(copied.t_ns) <= index::time(u64::from(copied.samples / 2), 0, rate).unsigned_abs()
}

impl File<'_> {
    /// Whether a packet of this time, or a later one, is there already.
    fn has(&self, t_ns: i64, rate: u32) -> bool {
        self.recent.back().is_some_and(|last| t_ns < last.t_ns || is_same_time(last, t_ns, rate))
    }
}
