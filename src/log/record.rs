//! The records of a log.

use crate::base::event::{Event, Source};
use crate::base::time::{Anchor, MonoNs};
use crate::media::track::{PacketRef, TrackId};

/// A record: what is kept, in the order in which it was appended.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// When it happened.
    pub t: MonoNs,
    /// Who saw it.
    pub source: Source,
    /// What it is.
    pub body: Body,
}

/// The kinds of record.
#[derive(Clone, PartialEq, Debug)]
pub enum Body {
    /// A fact about the recording, as JSON; a later one with the same key replaces an earlier one.
    Setup {
        /// Its name.
        key: String,
        /// Its value.
        json: String,
    },
    /// Something that happened.
    Event(Event),
    /// A packet of a track other than the pictures, whose packets are [`Event::Frame`]. It is no row of the table.
    Packet(PacketRef),
    /// A reading of the clocks.
    Anchor(Anchor),
    /// State of the hash over the closed part of a track's file.
    Digest {
        /// Of which track.
        track: TrackId,
        /// Bytes hashed.
        offset: u64,
        /// Serialised state.
        state: Vec<u8>,
    },
    /// The recording ended in good order. The last record.
    End {
        /// Why: `duration`, `signal`, `display_gone`, …
        reason: String,
    },
}
