//! Checks that packets of sound decode: FLAC of this program here, AAC by ffmpeg as a child process, as pictures are ([`super`]).

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use super::DecodeError;
use crate::base::child::{Helper, Pipes, ffmpeg};
use crate::media::aac;
use crate::media::flac;
use crate::media::track::AAC_PACKET;

/// What ffmpeg is told: blocks of AAC go in, samples of 16 bits come out.
const ARGS: &str = "-hide_banner -nostdin -loglevel error -xerror -err_detect explode -protocol_whitelist pipe -f aac -i pipe:0 -map 0:a:0 \
    -vn -sn -dn -f s16le -flush_packets 1 -protocol_whitelist pipe pipe:1";
/// How long a child that was given everything may take for the rest.
const LAST_WORDS: Duration = Duration::from_secs(20);
/// The name of the codec in messages.
const TITLE: &str = "AAC";

/// Checks the packets of one file.
pub enum SoundDecoder {
    /// FLAC of this program.
    Flac {
        /// Channels.
        channels: u16,
    },
    /// AAC.
    Aac(AacCheck),
}

/// A child that decodes AAC, and the thread that counts what it makes.
pub struct AacCheck {
    specific: Vec<u8>,
    channels: u16,
    child: Helper,
    stdin: Option<std::process::ChildStdin>,
    made: std::thread::JoinHandle<u64>,
    given: u64,
}

impl SoundDecoder {
    /// Opens the decoder of a file of sound by the four letters of its codec; `None` for one that this release does not know.
    ///
    /// # Errors
    /// [`DecodeError::Absent`] when there is none here, [`DecodeError::Damaged`] when the stream is not described.
    pub fn open(codec: [u8; 4], specific: Option<&[u8]>, channels: u16) -> Result<Option<Self>, DecodeError> {
        match &codec {
            b"fLaC" => Ok(Some(Self::Flac { channels })),
            b"mp4a" => {
                let specific = specific.filter(|specific| aac::described(specific).is_some());
                let specific = specific.ok_or_else(|| DecodeError::Damaged("it is not described as AAC-LC".into()))?;
                Ok(Some(Self::Aac(AacCheck::start(specific.to_vec(), channels)?)))
            }
            _ => Ok(None),
        }
    }

    /// Takes the next packet, which decodes to so many samples (per channel), or will; `None` where only the end tells.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn take(&mut self, packet: &[u8]) -> Result<Option<u32>, DecodeError> {
        match self {
            Self::Flac { channels } => {
                let samples = flac::decode(packet, *channels);
                let samples = samples.ok_or_else(|| DecodeError::Damaged("it is no frame of FLAC".into()))?;
                Ok(Some((samples.len() / usize::from((*channels).max(1))) as u32))
            }
            Self::Aac(check) => check.take(packet).map(|()| None),
        }
    }

    /// Nothing follows: everything that was taken decoded.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn finish(self) -> Result<(), DecodeError> {
        match self {
            Self::Flac { .. } => Ok(()),
            Self::Aac(check) => check.finish(),
        }
    }
}

impl AacCheck {
    fn start(specific: Vec<u8>, channels: u16) -> Result<Self, DecodeError> {
        let args: Vec<OsString> = ARGS.split_ascii_whitespace().map(OsString::from).collect();
        let absent = |error: std::io::Error| DecodeError::Absent { codec: TITLE, why: error.to_string() };
        let (child, Pipes { stdin, mut stdout }) = Helper::start(&ffmpeg(), &args).map_err(absent)?;
        let count = move || {
            let (mut bytes, mut buffer) = (0, vec![0; 1 << 16]);
            while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                bytes += read as u64;
            }
            bytes
        };
        let made = std::thread::Builder::new().name("decoder writes".into()).spawn(count);
        let made = made.map_err(|error| DecodeError::Failed(error.to_string()))?;
        Ok(Self { specific, channels, child, stdin: Some(stdin), made, given: 0 })
    }

    fn take(&mut self, packet: &[u8]) -> Result<(), DecodeError> {
        let header = aac::adts(&self.specific, packet.len());
        let header = header.ok_or_else(|| DecodeError::Damaged("it is too long".into()))?;
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        self.given += 1;
        if stdin.write_all(&header).and_then(|()| stdin.write_all(packet)).is_err() {
            return Err(DecodeError::Damaged(self.child.end()));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), DecodeError> {
        drop(self.stdin.take());
        match self.child.finish(LAST_WORDS) {
            Some(Some(0)) => {}
            Some(_) => return Err(DecodeError::Damaged(self.child.end())),
            None => return Err(DecodeError::Failed("ffmpeg does not end".into())),
        }
        let bytes = self.made.join().unwrap_or(0);
        let expected = self.given * u64::from(AAC_PACKET) * u64::from(self.channels) * 2;
        if bytes == expected {
            return Ok(());
        }
        Err(DecodeError::Damaged(format!("its packets decode to {bytes} bytes instead of {expected}")))
    }
}
