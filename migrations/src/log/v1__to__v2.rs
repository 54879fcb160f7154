//! From schema 1 to schema 2: every record stays what it was; states of the hash belong to track 0, the only one there was.

use super::{v1, v2};

/// Lifts a chunk.
pub fn step(chunk: v1::Chunk) -> v2::Chunk {
    let digest = |v1::Digest { offset, state }| v2::Digest { track: 0, offset, state };
    v2::Chunk {
        kinds: chunk.kinds,
        times: chunk.times,
        sources: chunk.sources,
        setups: chunk.setups,
        moves: chunk.moves,
        keys: chunk.keys,
        clicks: chunk.clicks,
        wheels: chunk.wheels,
        focuses: chunk.focuses,
        frames: chunk.frames,
        texts: chunk.texts,
        gaps: chunk.gaps,
        windows: chunk.windows,
        redacts: chunk.redacts,
        anchors: chunk.anchors,
        digests: chunk.digests.into_iter().map(digest).collect(),
        packets: Vec::new(),
        synced: Vec::new(),
    }
}
