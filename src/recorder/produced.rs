//! The ends of the queues that the one loop appends from, beside those of inputs.

use crossbeam_channel::Receiver;

use super::queues::{Note, Unit};
use super::sound::SoundNews;

/// What the loop appends beside inputs.
pub(super) struct Produced {
    pub(super) units: Receiver<Unit>,
    pub(super) notes: Receiver<Note>,
    /// Of every track of sound; at its end from the start where there is none.
    pub(super) sounds: Receiver<SoundNews>,
}
