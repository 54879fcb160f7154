//! The files of a log's tracks while they are written.
//!
//! Owns which track has which file, and the numbers that the syncing thread shares with the writer. A file is what
//! [`crate::media::mp4::append`] makes of it; nothing is synced here.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use super::{Body, LogError, LogPaths};
use crate::base::event::{Event, Frame};
use crate::base::id::FrameRef;
use crate::media::mp4::append::{Extent, HashCheckpoint, VideoWriter};
use crate::media::track::{MAX_TRACKS, Packet, PacketRef, TRACKS, TrackId, TrackSpec};

/// How far the file of a track is.
pub(super) struct TrackBytes {
    /// Whose.
    pub(super) id: TrackId,
    /// Bytes written.
    pub(super) written: AtomicU64,
    /// Bytes on the disk for certain.
    pub(super) durable: AtomicU64,
}

/// One file.
struct TrackFile {
    writer: VideoWriter,
    path: PathBuf,
    /// Bytes whose hash is in the log.
    hashed: u64,
}

/// Where a packet went.
pub(super) struct Placed {
    /// The place of its track in the order of the tracks.
    pub(super) at: usize,
    /// The reference to it.
    pub(super) reference: Body,
    /// Bytes of the file.
    pub(super) len: u64,
    /// The hash over the closed boxes, when it is a new one.
    pub(super) closed: Option<HashCheckpoint>,
}

/// The files of all tracks, in the order in which they were given.
pub(super) struct TrackFiles {
    specs: Vec<TrackSpec>,
    files: Vec<TrackFile>,
}

impl TrackFiles {
    /// Makes the files, empty and private.
    pub(super) fn create(paths: &LogPaths, specs: &[TrackSpec]) -> Result<Self, LogError> {
        check(specs)?;
        let file = |spec: &TrackSpec| {
            let path = paths.track(spec.file);
            Ok(TrackFile { writer: VideoWriter::create(&path, spec.box_bytes)?, path, hashed: 0 })
        };
        Ok(Self { files: specs.iter().map(file).collect::<Result<_, LogError>>()?, specs: specs.to_vec() })
    }

    /// What the tracks are.
    pub(super) fn specs(&self) -> &[TrackSpec] {
        &self.specs
    }

    /// Other handles on the files, to sync them.
    pub(super) fn sync_handles(&self) -> Result<Vec<(File, PathBuf)>, LogError> {
        self.files.iter().map(|file| Ok((file.writer.sync_handle()?, file.path.clone()))).collect()
    }

    /// Counters for the files as they are now: empty.
    pub(super) fn bytes(&self) -> Vec<TrackBytes> {
        let bytes = |spec: &TrackSpec| TrackBytes { id: spec.id, written: 0.into(), durable: 0.into() };
        self.specs.iter().map(bytes).collect()
    }

    /// Bytes of a track's file; 0 when there is no such track.
    pub(super) fn len_of(&self, id: TrackId) -> u64 {
        self.specs.iter().position(|spec| spec.id == id).map_or(0, |at| self.files[at].writer.len())
    }

    /// Bytes of all files.
    pub(super) fn len(&self) -> u64 {
        self.files.iter().map(|file| file.writer.len()).sum()
    }

    /// Appends the bytes of a packet to the file of its track.
    pub(super) fn append(&mut self, packet: &Packet) -> Result<Placed, LogError> {
        let at = self.specs.iter().position(|spec| spec.id == packet.track);
        let at = at.ok_or_else(|| LogError::Tracks { detail: format!("there is no track {}", packet.track.0) })?;
        let file = &mut self.files[at];
        let extent = file.writer.append(&packet.bytes)?;
        let closed = Some(file.writer.closed_hash()).filter(|closed| closed.offset > file.hashed);
        file.hashed = closed.as_ref().map_or(file.hashed, |closed| closed.offset);
        Ok(Placed { at, reference: reference(packet, extent), len: file.writer.len(), closed })
    }
}

/// Checks that these are tracks of one recording: each known, once, and with the file that is its own.
fn check(specs: &[TrackSpec]) -> Result<(), LogError> {
    let fault = |detail: String| Err(LogError::Tracks { detail });
    if specs.len() > MAX_TRACKS {
        return fault(format!("{} are more than {MAX_TRACKS}", specs.len()));
    }
    for (at, spec) in specs.iter().enumerate() {
        if specs[..at].iter().any(|other| other.id == spec.id) {
            return fault(format!("track {} is there twice", spec.id.0));
        }
        if !TRACKS.contains(&(spec.id, spec.stream, spec.file)) {
            return fault(format!("track {} has no file {}", spec.id.0, spec.file));
        }
    }
    Ok(())
}

fn reference(packet: &Packet, extent: Extent) -> Body {
    if packet.track == TrackId::PICTURES {
        return Body::Event(Event::Frame(Frame {
            frame_ref: FrameRef(packet.first_sample),
            offset: extent.offset,
            size_bytes: extent.len,
            crc32c: extent.crc32c,
            keyframe: packet.keyframe,
            duplicate: packet.repeats,
            capture_us: packet.cost.capture_us,
            encode_us: packet.cost.encode_us,
        }));
    }
    Body::Packet(PacketRef {
        track: packet.track,
        first_sample: packet.first_sample,
        samples: packet.samples,
        offset: extent.offset,
        size_bytes: extent.len,
        crc32c: extent.crc32c,
        keyframe: packet.keyframe,
    })
}
