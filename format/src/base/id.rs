//! Identifiers that would be mistaken for each other if they were bare integers and strings.
//!
//! Owns no state: a [`Seq`] is counted by the log's writer, a [`FrameRef`] by the encoder's thread.

use std::fmt;

use uuid::Uuid;

/// Identifies one recording, in every file of it. A UUID version 7, so that sessions sort by the time they began.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub Uuid);

impl SessionId {
    /// A new id, made of the wall clock and random bits.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for SessionId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The place of a record in the log, counted from 0 by the one loop that appends. Arrival order *is* this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The key under which a chunk that begins with this record is stored: big-endian, so that byte order is number order.
    pub fn to_key(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

/// The 0-based index of a frame in `frames.mp4`, in presentation order, which is also packet order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FrameRef(pub u64);

impl fmt::Display for FrameRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
