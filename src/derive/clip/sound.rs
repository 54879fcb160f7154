//! The sound of a part, copied into a file of its own: the packets that lie wholly in it. Nothing is encoded.
//!
//! Keeps the invariant that nothing is in a part that was said outside of it: at each edge up to one packet is left out, of AAC up to two, since
//! a packet has something of the next one's samples in it.

use std::path::Path;

use super::cut::Cut;
use crate::base::file_at::read_exact_at;
use crate::base::io_error::IoError;
use crate::derive::clip::run::ClipError;
use crate::media::mp4::sound::{self as index, SoundPacket};
use crate::media::mp4::sound_index::{self, read_index, samples_in};
use crate::media::mp4::writer::Writer;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::sound::{self, Part};

/// Copies the sound of a part of the session in `dir` to the folder `to`: each file that it has, with what the part has of it. Without a
/// packet in the part no file is made.
///
/// # Errors
/// When the sound cannot be read or written.
pub(crate) fn copy(
    dir: &Path,
    metadata: &Metadata,
    cut: &Cut,
    to: &Path,
) -> Result<Vec<(&'static str, Part)>, ClipError> {
    let told = sound::files(metadata);
    if [layout::AUDIO_FILE, layout::MICROPHONE_FILE].iter().any(|file| !told.contains(file) && dir.join(file).is_file())
    {
        return Err(ClipError::Mismatch { what: "the metadata do not tell of the sound" });
    }
    told.into_iter().map(|file| Ok((file, copy_file(dir, metadata, cut, file, &to.join(file))?))).collect()
}

fn copy_file(dir: &Path, metadata: &Metadata, cut: &Cut, name: &str, to: &Path) -> Result<Part, ClipError> {
    let path = dir.join(name);
    let t0_ns = sound::t0_ns(metadata, name)
        .ok_or(ClipError::Mismatch { what: "the metadata do not say when the sound begins" })?;
    let file = crate::base::files::open_regular(&path).map_err(IoError::at("open", &path))?;
    let found = read_index(&file).map_err(|source| ClipError::Sound { path: path.clone(), source })?;
    let (rate, codec, priming) = (found.track.rate, found.track.codec, found.track.priming);
    // Time 0 is behind the priming, and packets are counted from before it.
    let primed_ns = index::time(u64::from(priming), 0, rate);
    let t0_ns = t0_ns.saturating_sub(primed_ns);
    let (mut unit, mut samples) = (Vec::new(), 0);
    let mut made: Option<(Writer<SoundPacket>, i64)> = None;
    for packet in &found.packets {
        let begin_ns = index::time(packet.tick, t0_ns, rate);
        if begin_ns < cut.start_ns {
            continue;
        }
        if begin_ns > cut.until_ns {
            break;
        }
        unit.resize(packet.size as usize, 0);
        read_exact_at(&file, &mut unit, packet.offset).map_err(IoError::at("read", &path))?;
        let held = samples_in(codec, packet, &unit);
        let reaches = held.max(sound_index::reach(codec));
        if index::time(packet.tick + u64::from(reaches), t0_ns, rate) > cut.until_ns {
            break;
        }
        if made.is_none() {
            made = Some((Writer::create(to)?, begin_ns));
        }
        let Some((writer, first_ns)) = &mut made else { break };
        let tick = index::tick(begin_ns, *first_ns, rate).unwrap_or(0);
        writer.push(&unit, SoundPacket { offset: 0, size: 0, tick, samples: held })?;
        samples += u64::from(held);
    }
    let none = Part { t0_ns: None, packets: 0, samples: 0 };
    let Some((writer, first_ns)) = made else { return Ok(none) };
    let Some(heard) = samples.checked_sub(u64::from(priming)).filter(|heard| *heard > 0) else {
        drop(writer);
        crate::base::files::remove_file(to).map_err(IoError::at("remove", to))?;
        return Ok(none);
    };
    let packets = writer.len() as u64;
    writer.finish(&found.track)?;
    Ok(Part { t0_ns: Some(first_ns.saturating_add(primed_ns)), packets, samples: heard })
}
