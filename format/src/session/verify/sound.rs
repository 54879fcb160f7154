//! The sound of a session: its index against the metadata, and every packet decoded.

use std::path::Path;

use super::options::VerifyOptions;
use super::report::{Kind, Report};
use crate::base::file_at::read_exact_at;
use crate::base::files;
use crate::base::progress::Step;
use crate::media::decode::DecodeError;
use crate::media::decode::sound::SoundDecoder;
use crate::media::mp4::sound_index::read_index;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::sound::{self, CHANNELS, PACKETS, RATE_HZ, SAMPLES};

/// Largest packet of sound that is read, bytes: a frame of eight channels that is stored as it is, and more.
const MAX_PACKET: u32 = 1 << 18;

pub(super) fn check_sound(
    dir: &Path,
    metadata: &Metadata,
    options: VerifyOptions,
    report: &mut Report,
    progress: &mut dyn FnMut(Step),
) {
    let told = sound::files(metadata);
    for name in [layout::AUDIO_FILE, layout::MICROPHONE_FILE] {
        let path = dir.join(name);
        let is_plain = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        match (told.contains(&name), is_plain) {
            (true, true) => {
                if let Err(why) = check_file(&path, name, metadata, options, report, progress) {
                    report.add(Kind::Sound, name, None, None, || why);
                }
            }
            (true, false) => {
                report.add(Kind::Sound, name, None, None, || "it is not there as a regular file".to_owned());
            }
            (false, true) => {
                report.add(Kind::Sound, name, None, None, || "the metadata do not tell of it".to_owned());
            }
            (false, false) => {}
        }
    }
}

fn check_file(
    path: &Path,
    name: &str,
    metadata: &Metadata,
    options: VerifyOptions,
    report: &mut Report,
    progress: &mut dyn FnMut(Step),
) -> Result<(), String> {
    let file = files::open_regular(path).map_err(|error| error.to_string())?;
    let index = read_index(&file).map_err(|error| error.to_string())?;
    let packets = index.packets.len() as u64;
    report.sound_packets += packets;
    for (key, found) in
        [(PACKETS, packets), (RATE_HZ, index.track.rate.into()), (CHANNELS, index.track.channels.into())]
    {
        if sound::number(metadata, name, key).is_some_and(|said| said != found) {
            report.add(Kind::Sound, name, None, None, || format!("{key} is {found}, the metadata say something else"));
        }
    }
    if !options.decode_frames {
        return Ok(());
    }
    let specific = index.track.aac_specific();
    let opened = SoundDecoder::open(index.track.codec, specific.as_deref(), index.track.channels);
    let mut decoder = match opened {
        Ok(Some(decoder)) => decoder,
        Ok(None) => {
            report.sound_not_checked = Some(format!("{name} has a codec that this release does not decode"));
            return Ok(());
        }
        Err(error) => return judge(error, report),
    };
    let (mut unit, mut samples) = (Vec::new(), Some(0));
    for (at, packet) in index.packets.iter().enumerate() {
        if packet.size > MAX_PACKET {
            return Err(format!("packet {at} has {} bytes", packet.size));
        }
        unit.resize(packet.size as usize, 0);
        read_exact_at(&file, &mut unit, packet.offset).map_err(|error| error.to_string())?;
        match decoder.take(&unit) {
            Ok(held) => samples = samples.zip(held).map(|(sum, held)| sum + u64::from(held)),
            Err(DecodeError::Damaged(why)) => return Err(format!("packet {at} cannot be decoded: {why}")),
            Err(error) => return judge(error, report),
        }
        if at % 256 == 255 {
            progress(Step { what: "sound", done: at as u64 + 1, of: packets });
        }
    }
    match decoder.finish() {
        Ok(()) => report.sound_decoded += packets,
        Err(error) => return judge(error, report),
    }
    let said = sound::number(metadata, name, SAMPLES);
    if let Some((found, said)) = samples.zip(said).filter(|(found, said)| found != said) {
        return Err(format!("it has {found} samples, the metadata say {said}"));
    }
    Ok(())
}

/// What this machine cannot decode is no fault.
fn judge(error: DecodeError, report: &mut Report) -> Result<(), String> {
    match error {
        DecodeError::Damaged(why) => Err(format!("it cannot be decoded: {why}")),
        error => {
            report.sound_not_checked = Some(error.to_string());
            Ok(())
        }
    }
}
