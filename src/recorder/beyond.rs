//! What belongs behind a seam and came before the sequence has crossed it: it waits, the first of each queue, and the rest behind it in the queue.
//!
//! So a record that is earlier than the seam is appended before the part that it belongs to is left, however long the sequence stood still,
//! and none that is later is appended to that part.

use super::control::Order;
use super::queues::{Note, Unit};
use super::sound::SoundNews;
use crate::base::event::Event;
use crate::base::time::MonoNs;
use crate::log::writer::Uncommitted;

/// The first of each queue that waits for the seam.
#[derive(Default)]
pub(super) struct Beyond {
    pub(super) unit: Option<Unit>,
    pub(super) note: Option<Note>,
    pub(super) order: Option<Order>,
    pub(super) sound: Option<SoundNews>,
}

impl Beyond {
    /// Whether anything waits.
    pub(super) fn is_any(&self) -> bool {
        self.unit.is_some() || self.note.is_some() || self.order.is_some() || self.sound.is_some()
    }

    /// Counts what waits as lost.
    pub(super) fn count(&self, lost: &mut Uncommitted) {
        lost.frames += u64::from(self.unit.is_some());
        lost.packets += u64::from(matches!(self.sound, Some(SoundNews::Packet(_))));
        if let Some(Note::Event(_, Event::Gap(gap))) = &self.note {
            lost.add_gap(gap);
        }
    }
}

/// What is in a queue.
pub(super) trait Queued {
    /// Whether it is of behind a seam: `until` is the time of the seam that is not crossed yet, `part` the number of those that are.
    fn is_beyond(&self, until: MonoNs, part: u64) -> bool;
}

impl Queued for Unit {
    fn is_beyond(&self, _: MonoNs, part: u64) -> bool {
        self.part > part
    }
}

impl Queued for Note {
    fn is_beyond(&self, until: MonoNs, _: u64) -> bool {
        let (Self::Event(t, _) | Self::Away(t) | Self::Back(t, _) | Self::Profile(t, _)) = self;
        *t >= until
    }
}

impl Queued for Order {
    fn is_beyond(&self, until: MonoNs, _: u64) -> bool {
        let (Self::Pause(t, _) | Self::Resume(t, _) | Self::Mark(t, _)) = self;
        *t >= until
    }
}

impl Queued for SoundNews {
    fn is_beyond(&self, until: MonoNs, _: u64) -> bool {
        match self {
            Self::Packet(packet) => packet.t >= until,
            Self::Gap(t, ..) => *t >= until,
            // Of no time: said in the part that is recorded; a failure in each that follows, too.
            Self::Failed(_) | Self::Moved(..) => false,
        }
    }
}
