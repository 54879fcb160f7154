//! What is known of the windows and of the keyboard together: why a window is kept out now.

use std::sync::Arc;

use super::super::exclude::Exclusions;
use super::super::reason::Reason;
use super::desk::{Desk, TopLevel};
use super::keyboard::{Grab, Keyboard};
use super::locker::{Covering, Nameless, UNDECIDED};
use super::window::{WindowEvent, WindowId};
use crate::base::time::MonoNs;

/// Windows, keyboard, and the rules that they are judged by.
pub(super) struct Known {
    pub(super) rules: Arc<Exclusions>,
    pub(super) desk: Desk,
    pub(super) keyboard: Keyboard,
    pub(super) covering: Covering,
}

impl Known {
    /// Takes in an event that was read at `now`.
    pub(super) fn event(&mut self, event: &WindowEvent, now: MonoNs) {
        self.desk.event(event, now);
        if let WindowEvent::Went { window, .. } = event {
            self.keyboard.forget(*window);
        }
    }

    /// Looks for nameless windows over the screen.
    pub(super) fn find_covering(&mut self) {
        if self.rules.lockers() && self.desk.only().is_none() {
            self.covering.find(&self.desk);
        }
    }

    /// Why a window is kept out by what it says of itself. A locker's counts while it is on the screen; one that only its program tells, when
    /// it is also large, or has the keyboard or may get it: a locker that waits in the background has windows of some pixels, mapped.
    pub(super) fn verdict_of(&self, window: WindowId, top: &TopLevel, now: MonoNs) -> Option<Reason> {
        if top.verdict != Some(Reason::LockScreen) || self.desk.only().is_some() {
            return top.verdict;
        }
        let young = top.since.is_some_and(|since| now.since(since) < UNDECIDED);
        let waits = top.by_program
            && !self.desk.is_large(top.area)
            && self.keyboard.grab == Grab::Free
            && !young
            && !self.keyboard.focused().contains(&window);
        top.verdict.filter(|_| !waits && self.desk.pixels_inside(top.area) > 0)
    }

    /// What is known of a window that could be a locker without a name.
    pub(super) fn suspect(&self, window: WindowId) -> Option<Nameless> {
        let top = self.desk.get(window).filter(|top| top.is_suspect())?;
        let hidden = self.covering.get(window);
        Some(Nameless {
            covers: hidden.is_some(),
            mapped: top.mapped,
            on_top: hidden == Some(false),
            focused: self.keyboard.holder() == Some(window) || self.keyboard.focused().contains(&window),
            has_program: top.has_program,
            since: top.since,
        })
    }

    /// Why nothing of a window may be seen.
    pub(super) fn hides(&self, window: WindowId, top: &TopLevel, now: MonoNs) -> Option<Reason> {
        self.verdict_of(window, top, now).or_else(|| {
            self.covering.get(window)?;
            self.suspect(window)?.hides_picture(self.keyboard.grab, now)
        })
    }
}
