//! The answer of a screen source that was asked for a picture.

use super::absence::Absence;
use crate::base::event::Surface;
use crate::base::time::MonoNs;

/// By how much the repeats of a source that is told of pictures are behind, so that those on their way can come before them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Behind {
    /// By how much earlier than now the next repeat would be stamped, nanoseconds.
    pub allowed_ns: i64,
    /// A picture came later than was allowed for: by how much its own time lies before one of which it had been said that there was none,
    /// nanoseconds.
    pub late_ns: Option<i64>,
}

/// What a screen source knows when it is asked.
///
/// The times of successive answers that carry a picture strictly increase, as far as the source can help it; the recorder makes sure of it
/// (`recorder/stamps.rs`).
#[derive(Clone, PartialEq, Debug)]
pub enum Look {
    /// There is a new picture, which [`ScreenSource::frame`](super::ScreenSource::frame) hands out.
    New {
        /// The moment at which the pixels were there, so that what they show is never newer: the source's own stamp where it has one.
        t: MonoNs,
        /// By how much the picture can be older than that, microseconds; [`UNKNOWN_US`](crate::base::event::UNKNOWN_US) where nothing tells.
        capture_us: u32,
        /// The surface moved or changed its size since the last answer. The pixels are already letterboxed into the size that the surface
        /// had at the start.
        surface: Option<Surface>,
        /// Another window took the place of the recorded one: its identifier.
        renewed: Option<String>,
    },
    /// The last picture still stands.
    Same {
        /// Up to when that is known. A source that asks knows of now; one that is told knows of no later moment than that before which
        /// everything has been delivered.
        until: MonoNs,
        /// By how much the picture can be older than that, microseconds: up to so long before, it is known to be what the screen showed.
        capture_us: u32,
        /// The surface moved, and its pixels did not change.
        surface: Option<Surface>,
    },
    /// There is nothing to take a picture of. It becomes a gap with its reason, and never a repeat.
    Hidden {
        /// Since when.
        since: MonoNs,
        /// Why.
        why: Absence,
    },
}

impl Look {
    /// Returns a new picture of a surface that is as it was.
    pub fn new(t: MonoNs, capture_us: u32) -> Self {
        Self::New { t, capture_us, surface: None, renewed: None }
    }

    /// Returns that the last picture stands, of a surface that is as it was.
    pub fn same(until: MonoNs, capture_us: u32) -> Self {
        Self::Same { until, capture_us, surface: None }
    }

    /// Returns whether there is a new picture.
    pub fn is_new(&self) -> bool {
        matches!(self, Self::New { .. })
    }

    /// Returns the time that it carries.
    pub fn t(&self) -> MonoNs {
        match self {
            Self::New { t: at, .. } | Self::Same { until: at, .. } | Self::Hidden { since: at, .. } => *at,
        }
    }

    /// Returns the surface, where it is not as it was.
    pub fn surface(&self) -> Option<Surface> {
        match self {
            Self::New { surface, .. } | Self::Same { surface, .. } => *surface,
            Self::Hidden { .. } => None,
        }
    }
}
