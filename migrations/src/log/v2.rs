//! Schema 2 of the log: tracks beside the pictures, and names of sources that the log itself gives. Frozen.
//!
//! Laid out as schema 1: one list per kind of record, and `kinds` says in which order they came. New are the packets of further
//! tracks, what of each further track is on the disk, and the track that a state of the hash belongs to. Numbers in `sources` are
//! places in the list of the fact `source_names`; without that fact they are those of schema 1. Lists that did not change have the
//! shapes of schema 1, which are frozen too.

use rkyv::{Archive, Deserialize, Serialize};

pub use super::v1::{Anchor, Click, Focus, Frame, Gap, Key, Move, Redact, Setup, Wheel, Window};

/// The number of this schema in a chunk's header.
pub const SCHEMA: u16 = 2;

/// Values of [`Chunk::kinds`].
pub mod kind {
    pub use crate::log::v1::kind::*;
    /// [`super::Packet`].
    pub const PACKET: u8 = 16;
}

/// In [`Chunk::sources`]: where the record was observed is not known.
pub const NO_SOURCE: u8 = u8::MAX;

/// The body of a chunk.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    /// The kind of each record, in order.
    pub kinds: Vec<u8>,
    /// Time of each record, monotonic nanoseconds.
    pub times: Vec<i64>,
    /// Where each record was observed: a place in the list of the fact `source_names`, [`NO_SOURCE`] where it is not known.
    pub sources: Vec<u8>,
    /// Facts about the recording.
    pub setups: Vec<Setup>,
    /// Pointer and mouse motion.
    pub moves: Vec<Move>,
    /// Keys.
    pub keys: Vec<Key>,
    /// Buttons.
    pub clicks: Vec<Click>,
    /// Wheels.
    pub wheels: Vec<Wheel>,
    /// Changes of the active window.
    pub focuses: Vec<Focus>,
    /// References to frames: packets of track 0.
    pub frames: Vec<Frame>,
    /// Marks and the reason of the end.
    pub texts: Vec<String>,
    /// Missing data.
    pub gaps: Vec<Gap>,
    /// Changes of the captured surface.
    pub windows: Vec<Window>,
    /// Redacted spans.
    pub redacts: Vec<Redact>,
    /// Readings of the clocks.
    pub anchors: Vec<Anchor>,
    /// States of the hash over the files of tracks.
    pub digests: Vec<Digest>,
    /// References to packets of further tracks.
    pub packets: Vec<Packet>,
    /// Bytes of the file of each further track that were on the disk for certain when the chunk was cut.
    pub synced: Vec<Synced>,
}

/// A packet that is in the file of a track other than track 0.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Packet {
    /// Number of the track.
    pub track: u8,
    /// Offset of the packet in the track's file, bytes.
    pub offset: u64,
    /// Length of the packet, bytes.
    pub size_bytes: u32,
    /// CRC32C of the packet.
    pub crc32c: u32,
    /// 1: decoding can start here.
    pub flags: u8,
    /// Number of its first sample in the track.
    pub first_sample: u64,
    /// How many samples it has.
    pub samples: u32,
}

/// How much of a track's file is on the disk.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Synced {
    /// Number of the track.
    pub track: u8,
    /// Bytes from the start of its file.
    pub bytes: u64,
}

/// The state of the SHA-256 over the first `offset` bytes of a track's file.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Digest {
    /// Number of the track.
    pub track: u8,
    /// Bytes hashed: up to the end of a closed `mdat` box.
    pub offset: u64,
    /// Serialised state of the hash.
    pub state: Vec<u8>,
}
