//! Screen lockers whose windows say nothing of themselves, told from what they do: they lie over the screen, no window manager places
//! them, and they hold the keyboard. Until it is told that nobody holds it, somebody may.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::reason::Reason;
use super::desk::Desk;
use super::keyboard::Grab;
use super::window::{ClientId, WindowId};
use crate::base::time::MonoNs;

/// How long a window over the screen may be a locker that has not got the keyboard yet: lockers map first and then try for the keyboard,
/// or the other way round, for up to a second (slock, xtrlock).
pub(super) const UNDECIDED: Duration = Duration::from_secs(2);

/// Nameless windows that lie over the screen, with those of the same client.
#[derive(Debug, Default)]
pub(super) struct Covering {
    /// Whether one has another window over it.
    hidden: BTreeMap<WindowId, bool>,
    /// They must be looked for anew.
    pub(super) stale: bool,
}

impl Covering {
    /// Whether a window is one of them, and has another window over it.
    pub(super) fn get(&self, window: WindowId) -> Option<bool> {
        self.hidden.get(&window).copied()
    }

    pub(super) fn windows(&self) -> impl Iterator<Item = WindowId> {
        self.hidden.keys().copied()
    }

    /// Looks for them.
    pub(super) fn find(&mut self, desk: &Desk) {
        self.stale = false;
        self.hidden.clear();
        // A compositor's overlay is such a window, and the server's own: those have no client.
        let mut of_client: BTreeMap<ClientId, u64> = BTreeMap::new();
        for (_, top) in desk.iter().filter(|(_, top)| top.is_suspect()) {
            if let Some(client) = top.client {
                *of_client.entry(client).or_default() += desk.pixels_inside(top.area);
            }
        }
        let screen = desk.pixels();
        of_client.retain(|_, covered| *covered * 2 >= screen);
        if of_client.is_empty() {
            return;
        }
        let mut hidden = false;
        for (_, window, top) in desk.upwards().rev() {
            if top.is_suspect() {
                if top.client.is_some_and(|client| of_client.contains_key(&client)) {
                    self.hidden.insert(window, hidden);
                }
            } else {
                hidden |= top.mapped && desk.pixels_inside(top.area) * 2 >= screen;
            }
        }
    }
}

/// What is known of a window that has no name and that no window manager places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nameless {
    /// It lies over the screen, with others of its client.
    pub(super) covers: bool,
    /// It is on the screen.
    pub(super) mapped: bool,
    /// No window that a window manager placed lies over it.
    pub(super) on_top: bool,
    /// It has the input focus, or the keyboard is grabbed at it.
    pub(super) focused: bool,
    /// Its program is known.
    pub(super) has_program: bool,
    /// When it was made or mapped; none: before it was followed.
    pub(super) since: Option<MonoNs>,
}

impl Nameless {
    /// Why what is typed must not be known while this window is there.
    pub(super) fn hides_keys(&self, grab: Grab, now: MonoNs) -> Option<Reason> {
        let young = self.since.is_some_and(|since| now.since(since) < UNDECIDED);
        match grab {
            // Some grab first and then map.
            Grab::Held(_) if self.covers && (self.mapped || young) => Some(Reason::LockScreen),
            _ if self.covers && self.mapped && self.focused => Some(Reason::LockScreen),
            // It was there before anybody listened, and may have the keyboard since.
            Grab::Unknown if self.covers && self.mapped && self.on_top && self.since.is_none() => {
                Some(Reason::Unclassified)
            }
            _ if self.covers && self.mapped && young => Some(Reason::Unclassified),
            // A window of any size, of which nothing at all is known, takes what is typed.
            _ if self.mapped && self.focused && !self.has_program => Some(Reason::FocusUnclear),
            _ => None,
        }
    }

    /// Why it must not be seen.
    pub(super) fn hides_picture(&self, grab: Grab, now: MonoNs) -> Option<Reason> {
        self.hides_keys(grab, now).filter(|reason| self.mapped && *reason != Reason::FocusUnclear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_over_the_screen_is_a_locker_once_the_keyboard_is_held_and_in_doubt_before() {
        let now = MonoNs(10_000_000_000);
        let lock = Nameless {
            covers: true,
            mapped: true,
            on_top: true,
            focused: false,
            has_program: true,
            since: Some(MonoNs(9_000_000_000)),
        };
        assert_eq!(lock.hides_keys(Grab::Held(None), now), Some(Reason::LockScreen));
        assert_eq!(lock.hides_keys(Grab::Free, now), Some(Reason::Unclassified));
        assert_eq!(lock.hides_keys(Grab::Free, MonoNs(12_000_000_000)), None, "it never took the keyboard");
        let old = Nameless { since: None, ..lock };
        assert_eq!(old.hides_keys(Grab::Unknown, now), Some(Reason::Unclassified));
        assert_eq!(lock.hides_keys(Grab::Unknown, MonoNs(12_000_000_000)), None, "its grab would have been seen");
        assert_eq!(Nameless { on_top: false, ..old }.hides_keys(Grab::Unknown, now), None, "windows lie over it");
        assert_eq!(Nameless { focused: true, ..old }.hides_keys(Grab::Free, now), Some(Reason::LockScreen));
        let unmapped = Nameless { mapped: false, ..lock };
        assert_eq!(unmapped.hides_keys(Grab::Held(None), now), Some(Reason::LockScreen), "it grabs and then maps");
        assert_eq!(unmapped.hides_picture(Grab::Held(None), now), None);
        let small = Nameless { covers: false, focused: true, ..lock };
        assert_eq!(small.hides_keys(Grab::Held(None), now), None, "a menu");
        assert_eq!(
            Nameless { has_program: false, ..small }.hides_keys(Grab::Held(None), now),
            Some(Reason::FocusUnclear)
        );
        assert_eq!(Nameless { has_program: false, ..small }.hides_picture(Grab::Held(None), now), None);
    }
}
