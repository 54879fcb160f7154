//! The samples of a file of sound, packet by packet: FLAC of this program decoded here, AAC by ffmpeg as a child process ([`super::sound`]).
//!
//! Keeps the invariant that each block has the tick of its packet, so that whoever adds the time of tick 0 has the time at which it was heard.
//! Memory is that of one packet and of the index, whatever a file says.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::DecodeError;
use crate::base::child::{Helper, Pipes, ffmpeg};
use crate::base::file_at::read_exact_at;
use crate::base::files;
use crate::media::mp4::boxes::IndexError;
use crate::media::mp4::sound_index::{SoundIndex, read_index};
use crate::media::track::AAC_PACKET;
use crate::media::{aac, flac};

/// Largest packet of sound that is read, bytes: a frame of eight channels that is stored as it is, and more.
pub(crate) const MAX_PACKET: u32 = 1 << 18;
/// What ffmpeg is told: blocks of AAC go in, samples of 16 bits come out.
const ARGS: &str = "-hide_banner -nostdin -loglevel error -protocol_whitelist pipe -f aac -i pipe:0 -map 0:a:0 -vn -sn -dn -f s16le \
    -protocol_whitelist pipe pipe:1";

/// Why there are no samples.
#[derive(Debug, thiserror::Error)]
pub enum PcmError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no file of sound.
    #[error("{}: {source}", path.display())]
    Index {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: IndexError,
    },
    /// It cannot be decoded.
    #[error("{}: {source}", path.display())]
    Decode {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: DecodeError,
    },
}

impl PcmError {
    /// Returns what the person can do about it.
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::Decode { source: DecodeError::Absent { .. }, .. }).then(super::hint)
    }
}

/// The samples of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block<'a> {
    /// When the first one was heard, ticks of the sampling rate. Time 0 of the file is behind the priming.
    pub tick: i64,
    /// Samples, channel by channel in turns.
    pub samples: &'a [i16],
}

/// Reads a file from its begin to its end.
pub struct PcmReader {
    path: std::path::PathBuf,
    index: SoundIndex,
    from: Decoder,
    at: usize,
    samples: Vec<i16>,
    bytes: Vec<u8>,
}

enum Decoder {
    Flac(File),
    Aac { child: Helper, stdout: std::process::ChildStdout, _feeding: std::thread::JoinHandle<()> },
}

impl PcmReader {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or there is no decoder here.
    pub fn open(path: &Path) -> Result<Self, PcmError> {
        Self::open_at(path, i64::MIN)
    }

    /// Opens a file, to be read from a little before a tick on: a packet of AAC builds on the one before it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_at(path: &Path, tick: i64) -> Result<Self, PcmError> {
        let io = |source| PcmError::Io { path: path.to_owned(), source };
        let decode = |source| PcmError::Decode { path: path.to_owned(), source };
        let file = files::open_regular(path).map_err(io)?;
        let index = read_index(&file).map_err(|source| PcmError::Index { path: path.to_owned(), source })?;
        let tick = u64::try_from(tick.saturating_add(i64::from(index.track.priming))).unwrap_or(0);
        let first = index.packets.partition_point(|packet| packet.tick <= tick).saturating_sub(3);
        let from = match &index.track.codec {
            b"fLaC" => Decoder::Flac(file),
            b"mp4a" => {
                let damaged = |why: &str| decode(DecodeError::Damaged(why.into()));
                let specific = index.track.aac_specific();
                let described = specific.as_deref().and_then(aac::described);
                let (Some(specific), Some(described)) = (specific, described) else {
                    return Err(damaged("it is not described as AAC-LC"));
                };
                if described.channels != index.track.channels {
                    return Err(damaged("its track and its codec say other numbers of channels"));
                }
                let args: Vec<OsString> = ARGS.split_ascii_whitespace().map(OsString::from).collect();
                let absent = |error: std::io::Error| DecodeError::Absent { codec: "AAC", why: error.to_string() };
                let (child, Pipes { stdin, stdout }) =
                    Helper::start(&ffmpeg(), &args).map_err(|error| decode(absent(error)))?;
                let packets = index.packets[first..].to_vec();
                let feed = move || feed(&file, &packets, &specific, stdin);
                let feeding = std::thread::Builder::new().name("sound to ffmpeg".into()).spawn(feed).map_err(io)?;
                Decoder::Aac { child, stdout, _feeding: feeding }
            }
            _ => return Err(decode(DecodeError::Failed("this release does not know its codec".into()))),
        };
        Ok(Self { path: path.to_owned(), index, from, at: first, samples: Vec::new(), bytes: Vec::new() })
    }

    /// Samples per second and channel.
    pub fn rate(&self) -> u32 {
        self.index.track.rate
    }

    /// Channels.
    pub fn channels(&self) -> u16 {
        self.index.track.channels
    }

    /// Packets in the file.
    pub fn packets(&self) -> usize {
        self.index.packets.len()
    }

    /// Returns the samples of the next packet; `None` behind the last one. What AAC puts out before its first sample has a tick below 0.
    ///
    /// # Errors
    /// When it cannot be read or decoded.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, PcmError> {
        let Some(packet) = self.index.packets.get(self.at) else { return Ok(None) };
        let (at, channels) = (self.at, self.index.track.channels);
        let decode = |path: &Path, source| PcmError::Decode { path: path.to_owned(), source };
        match &mut self.from {
            Decoder::Flac(file) => {
                let damaged = || DecodeError::Damaged(format!("packet {at} is no frame of FLAC"));
                if packet.size > MAX_PACKET {
                    return Err(decode(&self.path, damaged()));
                }
                self.bytes.resize(packet.size as usize, 0);
                let read = read_exact_at(file, &mut self.bytes, packet.offset);
                read.map_err(|source| PcmError::Io { path: self.path.clone(), source })?;
                self.samples = flac::decode(&self.bytes, channels).ok_or_else(|| decode(&self.path, damaged()))?;
            }
            Decoder::Aac { child, stdout, .. } => {
                self.bytes.resize(AAC_PACKET as usize * usize::from(channels) * 2, 0);
                if stdout.read_exact(&mut self.bytes).is_err() {
                    let why = format!("packet {at} cannot be decoded: {}", child.end());
                    return Err(decode(&self.path, DecodeError::Damaged(why)));
                }
                self.samples.clear();
                self.samples.extend(self.bytes.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two)));
            }
        }
        self.at += 1;
        let tick = i64::try_from(packet.tick).unwrap_or(i64::MAX) - i64::from(self.index.track.priming);
        Ok(Some(Block { tick, samples: &self.samples }))
    }
}

/// Hands the packets to the child until all are there, one cannot be read, or it is gone: what is missing is noticed by whoever reads.
fn feed(
    file: &File,
    packets: &[crate::media::mp4::sound::SoundPacket],
    specific: &[u8],
    mut stdin: std::process::ChildStdin,
) {
    let mut unit = Vec::new();
    for packet in packets.iter().take_while(|packet| packet.size <= MAX_PACKET) {
        unit.resize(packet.size as usize, 0);
        let Some(header) = aac::adts(specific, unit.len()) else { return };
        let fed = read_exact_at(file, &mut unit, packet.offset)
            .and_then(|()| stdin.write_all(&header))
            .and_then(|()| stdin.write_all(&unit));
        if fed.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mp4::sound::SoundPacket;
    use crate::media::mp4::writer::{SoundTrack, Writer};
    use crate::media::track::TrackCodec;

    #[test]
    fn blocks_have_the_samples_and_the_ticks_of_their_packets() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = Writer::create(file.path()).expect("a file");
        let block = |n: i16| (0..64).map(|at| at * n).collect::<Vec<i16>>();
        for (n, tick) in [(1, 0), (2, 32), (3, 900)] {
            let unit = flac::frame(&block(n), 2, tick).expect("a frame");
            writer.push(&unit, SoundPacket { offset: 0, size: 0, tick, samples: 32 }).expect("room");
        }
        writer.finish(&SoundTrack { codec: TrackCodec::Flac, rate: 48_000, channels: 2 }).expect("an index");
        let mut reader = PcmReader::open(file.path()).expect("a file of sound");
        assert_eq!((reader.rate(), reader.channels(), reader.packets()), (48_000, 2, 3));
        for (n, tick) in [(1, 0), (2, 32), (3, 900)] {
            let expected = block(n);
            assert_eq!(reader.next_block().expect("a block"), Some(Block { tick, samples: &expected }));
        }
        assert_eq!(reader.next_block().expect("the end"), None);
        assert!(matches!(PcmReader::open(Path::new("/nowhere")), Err(PcmError::Io { .. })));
    }

    #[test]
    fn a_track_of_other_channels_than_its_codec_is_damaged() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = Writer::create(file.path()).expect("a file");
        let unit = aac::silence(2).expect("a packet");
        writer.push(&unit, SoundPacket { offset: 0, size: 0, tick: 0, samples: 1024 }).expect("room");
        let codec = TrackCodec::Aac { specific: vec![0x11, 0x90], priming: 0 };
        writer.finish(&SoundTrack { codec, rate: 48_000, channels: 2 }).expect("an index");
        let mut bytes = std::fs::read(file.path()).expect("the file");
        let entry = bytes.windows(4).rposition(|kind| kind == b"mp4a").expect("a sample description") + 4;
        bytes[entry + 16..entry + 18].copy_from_slice(&1_u16.to_be_bytes());
        std::fs::write(file.path(), bytes).expect("room");
        let opened = PcmReader::open(file.path());
        assert!(matches!(opened, Err(PcmError::Decode { source: DecodeError::Damaged(_), .. })));
    }

    #[test]
    fn aac_of_silence_by_hand_is_silence_to_ffmpeg_in_every_number_of_channels() {
        // By hand: the index tells of one channel more or less than the packets have, and ffmpeg would say so.
        for (channels, specific) in
            [(1_u16, [0x11, 0x88]), (2, [0x11, 0x90]), (3, [0x11, 0x98]), (6, [0x11, 0xb0]), (8, [0x11, 0xb8])]
        {
            let file = tempfile::NamedTempFile::new().expect("a file");
            let mut writer = Writer::create(file.path()).expect("a file");
            let unit = aac::silence(channels).expect("a packet");
            for n in 0..50 {
                let at = SoundPacket { offset: 0, size: 0, tick: n * 1024, samples: 1024 };
                writer.push(&unit, at).expect("room");
            }
            let codec = TrackCodec::Aac { specific: specific.to_vec(), priming: 1024 };
            writer.finish(&SoundTrack { codec, rate: 48_000, channels }).expect("an index");
            let mut reader = PcmReader::open(file.path()).expect("a file of sound");
            let mut blocks = 0;
            while let Some(block) = reader.next_block().expect("a block") {
                assert_eq!(block.tick, (blocks - 1) * 1024);
                assert!(block.samples.len() == 1024 * usize::from(channels) && block.samples.iter().all(|s| *s == 0));
                blocks += 1;
            }
            assert_eq!(blocks, 50, "{channels} channels");
        }
    }
}
