//! What is to be asked of windows, keyboard and devices, and whether there is time for it.

use std::time::Duration;

use x11rb::protocol::xproto::Atom;

use crate::base::time::MonoNs;
use crate::capture::x11::focus::Ask;

/// Time in which answers are counted.
const WINDOW: Duration = Duration::from_millis(100);
/// Answers that keys wait for in that time, about a millisecond each; beyond, keys count as secret until there is time.
pub(super) const FOR_KEYS: u32 = 32;
/// Answers that the pointer waits for in that time, so that it stands behind a focus that came before it.
pub(super) const FOR_POINTER: u32 = 16;

/// What is to be asked.
#[derive(Default)]
pub(super) struct Unasked {
    /// When the last event of a window was read.
    pub(super) windows: Option<MonoNs>,
    pub(super) focus: Option<Ask>,
    /// The server's time of the last of these events, where it has one, and when it was read.
    pub(super) time: Option<(u32, MonoNs)>,
    /// The property whose change is to be asked about.
    pub(super) title: Atom,
    /// The first request of the last look, and what it asked for: what happened before it is in the answer, when that was asked for.
    pub(super) looked: (u64, Option<Ask>),
    pub(super) mapping: bool,
    pub(super) devices: bool,
    pub(super) keyboard: bool,
    /// Since when answers are counted, and how many there were.
    pub(super) answers: (MonoNs, u32),
}

impl Unasked {
    /// Something of the windows is not known.
    pub(super) fn of_windows(&self) -> bool {
        self.windows.is_some()
    }

    /// Something is to be asked; devices can wait for the next event.
    pub(super) fn is_some(&self) -> bool {
        self.windows.is_some() || self.mapping || self.keyboard
    }

    /// Whether there is time for an answer.
    pub(super) fn has_room(&mut self, now: MonoNs, most: u32) -> bool {
        if now.since(self.answers.0) >= WINDOW {
            self.answers = (now, 0);
        }
        self.answers.1 < most
    }
}
