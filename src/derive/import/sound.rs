//! The sound in the video of another recorder as a file of this format.
//!
//! Keeps the invariants that AAC-LC is copied byte for byte, that sound stands where the other program's file has it beside the pictures, and that
//! what is not taken over is named with the reason. What is not AAC-LC is decoded by ffmpeg, where that is there, and stored as FLAC of 16 bits.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use super::error::ImportError;
use super::video::Source;
use crate::base::child::{Helper, Pipes, ffmpeg};
use crate::base::files;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::media::flac;
use crate::media::mp4::foreign_sound::{self, ForeignAac, ForeignSound};
use crate::media::mp4::sound::SoundPacket;
use crate::media::mp4::writer::{SoundTrack, Writer, WriterError};
use crate::media::track::TrackCodec;
use crate::session::layout;
use crate::session::metadata::Extra;

/// Largest packet that is copied: many times what AAC-LC has.
const MAX_PACKET: u32 = 1 << 18;
/// Samples of a frame of FLAC.
const BLOCK: usize = flac::MAX_BLOCK as usize;
/// How much longer than the pictures sound may last: what is behind is left out.
const MAX_BEHIND_NS: i64 = 3_600_000_000_000;
/// How long ffmpeg may take to end.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// What is to become of the sound.
pub(crate) struct Plan {
    sound: ForeignSound,
    how: How,
}

enum How {
    Copy(ForeignAac),
    Decode,
    LeaveOut(String),
}

/// Sound that was taken over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MadeSound {
    pub(crate) codec: &'static str,
    /// How it came to be so.
    pub(crate) encoder: String,
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    pub(crate) t0_ns: i64,
    pub(crate) packets: u64,
    pub(crate) samples: u64,
}

/// What became of the sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It has no sample.
    Nothing,
    Made(MadeSound),
    /// It cannot be used; why.
    LeftOut(String),
}

/// Why no file was made.
enum Fault {
    /// The sound cannot be used.
    Unusable(String),
    /// Nothing can be imported then.
    Import(ImportError),
}

impl<E: Into<ImportError>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Import(error.into())
    }
}

/// What cannot be put into an index is no sound that can be used; what cannot be written is another matter.
fn index(error: WriterError) -> Fault {
    match error {
        WriterError::Index { source, .. } => Fault::Unusable(format!("an index cannot be made of it ({source})")),
        file @ WriterError::File(_) => Fault::Import(file.into()),
    }
}

impl Plan {
    /// Looks at the video in `folder`; `None` when it has no sound.
    pub(crate) fn of(folder: &Path, said: Option<&Extra>) -> Result<Option<Self>, ImportError> {
        let path = layout::frames_path(folder);
        let file = files::open_regular(&path).map_err(IoError::at("open", &path))?;
        let found = foreign_sound::read(&file);
        let Some(sound) = found.map_err(|source| ImportError::Video { path, source: source.into() })? else {
            return Ok(None);
        };
        let how = match &sound.aac {
            _ if is_refused(said) => How::LeaveOut("nobody agreed to it".to_owned()),
            _ if sound.picture_ns.is_none() => {
                How::LeaveOut("when it begins beside the pictures is not understood".to_owned())
            }
            Ok(aac) => How::Copy(aac.clone()),
            Err(_) if has_ffmpeg() => How::Decode,
            Err(why) => How::LeaveOut(format!("{why}, and ffmpeg, which could decode it, cannot be run")),
        };
        Ok(Some(Self { sound, how }))
    }

    /// How the video's list of what it holds names it.
    pub(crate) fn name(&self) -> &str {
        &self.sound.name
    }

    /// Why it is left out; `None` when it is not.
    pub(crate) fn why_not(&self) -> Option<&str> {
        match &self.how {
            How::LeaveOut(why) => Some(why),
            How::Copy(_) | How::Decode => None,
        }
    }

    /// Writes the file of the session in the folder `to`, for pictures at these times. Without a sample none is made, and none is left of sound that
    /// cannot be used.
    pub(crate) fn make(
        &self,
        folder: &Path,
        video: &Source,
        frames: &[i64],
        to: &Path,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Outcome, ImportError> {
        let path = layout::frames_path(folder);
        let zero = begin_of_file(video, frames).saturating_sub(self.sound.picture_ns.unwrap_or(0));
        let to = layout::audio_path(to);
        let made = match &self.how {
            How::LeaveOut(_) => return Ok(Outcome::Nothing),
            How::Copy(aac) => copy(aac, &path, zero, &to, progress).map(Some),
            How::Decode => {
                let last = frames.last().copied().unwrap_or(0).saturating_add(MAX_BEHIND_NS);
                decode(&self.sound, &path, (zero, last), &to, progress)
            }
        };
        let outcome = match made {
            Ok(Some(made)) => return Ok(Outcome::Made(made)),
            Ok(None) => Outcome::Nothing,
            Err(Fault::Unusable(why)) => Outcome::LeftOut(why),
            Err(Fault::Import(error)) => return Err(error),
        };
        files::remove_file(&to).map_err(IoError::at("remove", &to))?;
        Ok(outcome)
    }
}

/// Whether the recording says that nobody agreed to its sound, or that somebody took that back.
fn is_refused(said: Option<&Extra>) -> bool {
    let Some(consent) = said.and_then(|said| said.get("consent")) else { return false };
    consent.get("record_audio") == Some(&serde_json::Value::Bool(false))
        || consent.get("withdrawn").is_some_and(|streams| streams.get("audio").is_some())
}

fn has_ffmpeg() -> bool {
    let args = ["-hide_banner", "-version"].map(OsString::from);
    Helper::start(&ffmpeg(), &args).is_ok()
}

/// When the first picture is, on the clock of the rows: the median of what each picture says, since rows may say when one came, and the video
/// when it was due.
fn begin_of_file(video: &Source, frames: &[i64]) -> i64 {
    let mut off: Vec<i64> = frames
        .iter()
        .zip(video.times_us())
        .map(|(t_ns, pts_us)| t_ns.saturating_sub(pts_us.saturating_mul(1000)))
        .collect();
    off.sort_unstable();
    off.get(off.len() / 2).copied().unwrap_or(0)
}

fn copy(
    aac: &ForeignAac,
    path: &Path,
    zero: i64,
    to: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<MadeSound, Fault> {
    let file = files::open_regular(path).map_err(IoError::at("open", path))?;
    let mut writer = Writer::create(to)?;
    let mut unit = Vec::new();
    let of = aac.packets.len() as u64;
    for (at, packet) in aac.packets.iter().enumerate() {
        if packet.size > MAX_PACKET {
            return Err(Fault::Unusable(format!("packet {at} of it is too large for AAC-LC")));
        }
        unit.resize(packet.size as usize, 0);
        crate::base::file_at::read_exact_at(&file, &mut unit, packet.offset).map_err(IoError::at("read", path))?;
        writer.push(&unit, *packet)?;
        if at % 4096 == 4095 {
            progress(Step { what: "sound", done: at as u64 + 1, of });
        }
    }
    let codec = TrackCodec::Aac { specific: aac.specific.clone(), priming: aac.priming };
    let (rate, channels) = (aac.described.rate, aac.described.channels);
    writer.finish(&SoundTrack { codec, rate, channels }).map_err(index)?;
    let samples: u64 = aac.packets.iter().map(|packet| u64::from(packet.samples)).sum();
    Ok(MadeSound {
        codec: "aac",
        encoder: "another program".to_owned(),
        rate,
        channels,
        t0_ns: zero.saturating_add(aac.begin_ns),
        packets: of,
        samples: samples.saturating_sub(u64::from(aac.priming)),
    })
}

/// Has ffmpeg decode it, from time 0 of the file on with silence where there is nothing, so that the number of a sample is its time.
fn decode(
    sound: &ForeignSound,
    path: &Path,
    (zero, last_ns): (i64, i64),
    to: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<Option<MadeSound>, Fault> {
    let (rate, channels) = (sound.rate.clamp(8_000, 48_000), sound.channels.clamp(1, flac::MAX_CHANNELS));
    let mut file = OsString::from("file:");
    file.push(path);
    let text = format!(
        "-map 0:a:0 -vn -sn -dn -af aresample=async=1:first_pts=0 -ar {rate} -ac {channels} -f s16le -protocol_whitelist pipe pipe:1"
    );
    let before = "-hide_banner -nostdin -loglevel error -copyts -protocol_whitelist file -i".split(' ');
    let args: Vec<OsString> =
        before.map(OsString::from).chain([file]).chain(text.split(' ').map(OsString::from)).collect();
    let (mut child, Pipes { stdin, mut stdout }) =
        Helper::start(&ffmpeg(), &args).map_err(IoError::at("run ffmpeg for", path))?;
    drop(stdin);
    let mut writer = Writer::create(to)?;
    let (width, mut bytes) = (usize::from(channels) * 2, Vec::new());
    let most_ns = i128::from(last_ns.saturating_sub(zero).max(0));
    let most = u64::try_from(most_ns * i128::from(rate) / 1_000_000_000).unwrap_or(u64::MAX);
    let (mut first, mut is_cut) = (0_u64, false);
    loop {
        bytes.clear();
        let read = stdout.by_ref().take((BLOCK * width) as u64).read_to_end(&mut bytes);
        read.map_err(IoError::at("read what ffmpeg makes of", path))?;
        let mut samples: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two)).collect();
        samples.truncate(samples.len() / usize::from(channels) * usize::from(channels));
        if samples.is_empty() {
            break;
        }
        is_cut = first >= most;
        if is_cut {
            break;
        }
        let held = (samples.len() / usize::from(channels)).max(usize::from(flac::MIN_BLOCK));
        samples.resize(held * usize::from(channels), 0);
        let unit =
            flac::frame(&samples, channels, first).ok_or_else(|| Fault::Unusable("it is too long".to_owned()))?;
        writer.push(&unit, SoundPacket { offset: 0, size: 0, tick: first, samples: held as u32 })?;
        first += held as u64;
        progress(Step { what: "sound", done: first, of: most });
    }
    let ended = if is_cut { Some(Some(0)) } else { child.finish(LAST_WORDS) };
    let packets = writer.len() as u64;
    if ended != Some(Some(0)) {
        // What it says has addresses and paths of this machine in it, which are of no use in a session.
        tracing::warn!(said = child.end(), "ffmpeg does not decode the sound");
        return Err(Fault::Unusable("ffmpeg cannot decode it".to_owned()));
    }
    if packets == 0 {
        return Ok(None);
    }
    writer.finish(&SoundTrack { codec: TrackCodec::Flac, rate, channels }).map_err(index)?;
    let encoder = format!("flac {} of {}, decoded by ffmpeg", env!("CARGO_PKG_VERSION"), sound.codec);
    Ok(Some(MadeSound { codec: "flac", encoder, rate, channels, t0_ns: zero, packets, samples: first }))
}
