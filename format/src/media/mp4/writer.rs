//! Writes the file of one track: packets one after another, then the index.
//!
//! Every finished MP4 of this program is made here: [`Writer`] for packets that are copied or encoded anew, to a file or to memory, and
//! [`finish_in_place`] for the files of a log, whose packets were appended while recording. The kinds of packets are
//! [`Sample`] (a picture) and [`SoundPacket`]; a codec's part is its [`Track`], which makes the index of them. Invariant: a file
//! has its index last, so an interrupted one is no video.

use std::path::{Path, PathBuf};

use crate::media::mp4::append::{
    BOX_HEADER, BOX_SIZE, BoxLayout, Extent, FTYP, HashCheckpoint, VideoError, VideoWriter,
};
use crate::media::mp4::finish::{self, Finished};
use crate::media::mp4::moov::{self, Colour, MoovError, VideoTrack};
use crate::media::mp4::sound::{self, SoundPacket};
use crate::media::track::{Sample, TrackCodec};

/// Why a file of a track cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// Its bytes cannot be written, or it cannot be finished.
    #[error(transparent)]
    File(#[from] VideoError),
    /// Its index cannot be made.
    #[error("cannot make the index of the {kind}: {source}")]
    Index {
        /// What it is the index of.
        kind: &'static str,
        /// Why.
        source: MoovError,
    },
}

impl WriterError {
    /// Returns what the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Index { .. } => None,
        }
    }
}

/// A packet as the index of a file tells of it.
pub trait Placed: Copy {
    /// Returns it with the place where its bytes are.
    #[must_use]
    fn at(self, place: Extent) -> Self;
}

impl Placed for Sample {
    fn at(self, place: Extent) -> Self {
        Self { offset: place.offset, size: place.len, ..self }
    }
}

impl Placed for SoundPacket {
    fn at(self, place: Extent) -> Self {
        Self { offset: place.offset, size: place.len, ..self }
    }
}

/// A track as a file describes it: makes the index of its packets.
pub trait Track {
    /// A packet.
    type Packet: Placed;
    /// What it is, for messages.
    const KIND: &'static str;

    /// Returns the `moov` box.
    ///
    /// # Errors
    /// When the packets are not what a file of this format may hold.
    fn index(&self, packets: &[Self::Packet]) -> Result<Vec<u8>, MoovError>;
}

impl Track for VideoTrack<'_> {
    type Packet = Sample;
    const KIND: &'static str = "video";

    fn index(&self, packets: &[Sample]) -> Result<Vec<u8>, MoovError> {
        moov::build(packets, self)
    }
}

/// A video whose colours are said by another program, or by nobody.
#[derive(Clone, Debug)]
pub struct ForeignVideo<'a> {
    /// The track.
    pub track: VideoTrack<'a>,
    /// What its samples mean; `None` when nobody says.
    pub colour: Option<Colour>,
}

impl Track for ForeignVideo<'_> {
    type Packet = Sample;
    const KIND: &'static str = "video";

    fn index(&self, packets: &[Sample]) -> Result<Vec<u8>, MoovError> {
        moov::build_with(packets, &self.track, self.colour)
    }
}

/// Sound of this program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoundTrack {
    /// How it is coded.
    pub codec: TrackCodec,
    /// Samples per second and channel.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
}

impl Track for SoundTrack {
    type Packet = SoundPacket;
    const KIND: &'static str = "sound";

    fn index(&self, packets: &[SoundPacket]) -> Result<Vec<u8>, MoovError> {
        sound::build(packets, &self.codec, self.rate, self.channels)
    }
}

/// Returns the index of these packets.
fn index_of<T: Track>(track: &T, packets: &[T::Packet]) -> Result<Vec<u8>, WriterError> {
    track.index(packets).map_err(|source| WriterError::Index { kind: T::KIND, source })
}

/// Finishes a file that has its packets already, up to `data_end`: that of a log. May be run again after any interruption.
///
/// # Errors
/// When the index cannot be made, or the file cannot be finished.
pub fn finish_in_place<T: Track>(
    path: &Path,
    layout: BoxLayout,
    data_end: u64,
    packets: &[T::Packet],
    track: &T,
) -> Result<Finished, WriterError> {
    Ok(finish::finish(path, layout, data_end, &index_of(track, packets)?)?)
}

/// Where a [`Writer`] puts its bytes.
pub trait Store {
    /// What is there in the end.
    type Done;

    /// Appends the bytes of a packet.
    ///
    /// # Errors
    /// When they cannot be taken.
    fn append(&mut self, unit: &[u8]) -> Result<Extent, VideoError>;

    /// Puts the index behind the packets.
    ///
    /// # Errors
    /// When that fails.
    fn finish(self, index: &[u8]) -> Result<Self::Done, VideoError>;
}

/// A file, private to its owner.
#[derive(Debug)]
pub struct InFile {
    path: PathBuf,
    writer: VideoWriter,
}

impl Store for InFile {
    /// SHA-256 of the file.
    type Done = [u8; 32];

    fn append(&mut self, unit: &[u8]) -> Result<Extent, VideoError> {
        self.writer.append(unit)
    }

    fn finish(self, index: &[u8]) -> Result<[u8; 32], VideoError> {
        let finished = finish::finish(&self.path, self.writer.layout(), self.writer.len(), index)?;
        finish::sha256_of_file_from(&self.path, Some(&self.writer.closed_hash()), &finished)
    }
}

/// Memory, in one box.
#[derive(Debug)]
pub struct InMemory(Vec<u8>);

impl Store for InMemory {
    /// The bytes of the file.
    type Done = Vec<u8>;

    fn append(&mut self, unit: &[u8]) -> Result<Extent, VideoError> {
        let (offset, most) = (self.0.len() as u64, u64::from(u32::MAX) - self.0.len() as u64);
        let len = u32::try_from(unit.len()).ok().filter(|len| (1..=most).contains(&u64::from(*len)));
        let len = len.ok_or(VideoError::UnitSize { len: unit.len() as u64, most })?;
        self.0.extend_from_slice(unit);
        Ok(Extent { offset, len, crc32c: crc32c::crc32c(unit) })
    }

    fn finish(mut self, index: &[u8]) -> Result<Vec<u8>, VideoError> {
        // At most 2^32 bytes, by `append`.
        let size = (self.0.len() - FTYP.len()) as u32;
        self.0[FTYP.len()..FTYP.len() + 4].copy_from_slice(&size.to_be_bytes());
        self.0.extend_from_slice(index);
        Ok(self.0)
    }
}

/// Writes the packets of one track, and then its index.
#[derive(Debug)]
pub struct Writer<P, S = InFile> {
    store: S,
    packets: Vec<P>,
    bytes: u64,
}

/// A file that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written<P, D> {
    /// Its packets, where they are.
    pub packets: Vec<P>,
    /// Bytes of all packets.
    pub bytes: u64,
    /// The SHA-256 of the file, or its bytes.
    pub done: D,
}

impl<P: Placed> Writer<P> {
    /// Makes the file; what had its name before is gone.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Self, WriterError> {
        let writer = VideoWriter::create(path, BOX_SIZE)?;
        Ok(Self::new(InFile { path: path.to_path_buf(), writer }))
    }
}

impl<P: Placed> Writer<P, InMemory> {
    /// Begins a file in memory, with room for packets of so many bytes.
    pub fn in_memory(bytes: usize) -> Self {
        let mut file = Vec::with_capacity(FTYP.len() + BOX_HEADER as usize + bytes);
        file.extend_from_slice(&FTYP);
        file.extend_from_slice(b"\0\0\0\0mdat");
        Self::new(InMemory(file))
    }
}

impl<P: Placed, S: Store> Writer<P, S> {
    fn new(store: S) -> Self {
        Self { store, packets: Vec::new(), bytes: 0 }
    }

    /// Appends a packet. Where its bytes are is filled in.
    ///
    /// # Errors
    /// When its bytes cannot be written.
    pub fn push(&mut self, unit: &[u8], packet: P) -> Result<P, WriterError> {
        let packet = packet.at(self.store.append(unit)?);
        self.packets.push(packet);
        self.bytes += unit.len() as u64;
        Ok(packet)
    }

    /// Returns how many packets were appended.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Returns whether no packet was appended.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Writes the index. A file is on the disk when this returns.
    ///
    /// # Errors
    /// When the packets are not what a file may hold, or it cannot be written.
    pub fn finish<T: Track<Packet = P>>(self, track: &T) -> Result<Written<P, S::Done>, WriterError> {
        let done = self.store.finish(&index_of(track, &self.packets)?)?;
        Ok(Written { packets: self.packets, bytes: self.bytes, done })
    }
}

/// Returns the SHA-256 of a file that was finished in place, read from where its hash stood: `(offset, state)`, as the log keeps them.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_from(path: &Path, stood: Option<&(u64, Vec<u8>)>, finished: &Finished) -> Result<[u8; 32], WriterError> {
    let checkpoint = stood
        .and_then(|(offset, state)| Some(HashCheckpoint { offset: *offset, state: state.as_slice().try_into().ok()? }));
    Ok(finish::sha256_of_file_from(path, checkpoint.as_ref(), finished)?)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    const TRACK: SoundTrack = SoundTrack { codec: TrackCodec::Flac, rate: 48_000, channels: 2 };

    fn packet(tick: u64) -> SoundPacket {
        SoundPacket { offset: 0, size: 0, tick, samples: 480 }
    }

    #[test]
    fn a_file_and_memory_hold_the_same() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("audio.mp4");
        let mut file = Writer::create(&path).expect("a file");
        let mut memory = Writer::in_memory(0);
        for (n, unit) in [&b"one"[..], b"three", b"two"].into_iter().enumerate() {
            let at = packet(n as u64 * 480);
            assert_eq!(
                file.push(unit, at).expect("room"),
                memory.push(unit, at).expect("room"),
                "packets lie where they were put"
            );
        }
        assert!(file.push(b"", packet(2000)).is_err() && memory.push(b"", packet(2000)).is_err());
        assert_eq!((file.len(), memory.len()), (3, 3));
        let (file, memory) = (file.finish(&TRACK).expect("a file"), memory.finish(&TRACK).expect("a file"));
        let bytes = std::fs::read(&path).expect("the file");
        assert_eq!(bytes, memory.done);
        assert_eq!(<[u8; 32]>::from(Sha256::digest(&bytes)), file.done, "the hash is that of the file");
        assert_eq!((file.bytes, file.packets.len()), (11, 3));
        let first = file.packets[0];
        assert_eq!(&bytes[first.offset as usize..][..first.size as usize], b"one");
    }

    #[test]
    fn what_has_no_index_says_of_what() {
        let mut sound: Writer<SoundPacket, _> = Writer::in_memory(0);
        sound.push(b"one", packet(480)).expect("room");
        sound.push(b"two", packet(0)).expect("room");
        let error = sound.finish(&TRACK).expect_err("backwards");
        assert!(error.to_string().starts_with("cannot make the index of the sound: "), "{error}");
    }
}
