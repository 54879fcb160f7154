//! Who gets what is typed: whether it must not be known, and whether that is clear at all.

use super::super::reason::Reason;
use super::desk::TopLevel;
use super::keyboard::Grab;
use super::known::Known;
use super::window::{ActiveWindow, WindowId};
use crate::base::time::MonoNs;

impl Known {
    /// Why what is typed now must not be known: an excluded window has the keyboard, or one that takes it without the focus
    /// (a screen locker, a prompt that no window manager places) is up.
    pub(super) fn secret(&self, now: MonoNs) -> Option<Reason> {
        let named = self.desk.iter().find_map(|(window, top)| {
            let reason = self.verdict_of(window, top, now).filter(|reason| reason.hides_keys())?;
            let grabs = reason == Reason::LockScreen || top.unmanaged;
            (self.keyboard.focused().contains(&window) || (top.mapped && grabs)).then_some(reason)
        });
        named.or_else(|| self.secret_without_a_name(now))
    }

    /// Why what is typed must not be known though no name says so: a locker is told from what it does.
    fn secret_without_a_name(&self, now: MonoNs) -> Option<Reason> {
        if !self.rules.lockers() {
            return None;
        }
        let holder = self.keyboard.holder();
        if holder.and_then(|window| self.desk.get(window)).is_some_and(|top| top.secure_keyboard) {
            return Some(Reason::SecureKeyboard);
        }
        let mut suspects = self.covering.windows().chain(self.keyboard.focused().iter().copied()).chain(holder);
        suspects.find_map(|window| self.suspect(window)?.hides_keys(self.keyboard.grab, now))
    }

    /// Whether it is unclear who gets what is typed: the keyboard went to a window that is not known yet, or to another one than
    /// the active one. A window may come, be typed into and go while this process waits for its turn; then only this tells.
    pub(super) fn is_unclear(&self, active: Option<ActiveWindow>) -> bool {
        if self.rules.is_empty() || self.keyboard.is_with_the_desktop() {
            return false;
        }
        // Known windows that have taken the keyboard (menus) were judged by what they are.
        let holder = self.keyboard.holder().and_then(|window| self.desk.get(window));
        if holder.is_some_and(|top| top.heard && !top.stale) {
            return false;
        }
        let focused = self.keyboard.focused();
        let is_elsewhere = |active: ActiveWindow| {
            !focused.iter().all(|window| self.is_popup_of(*window, active))
                && active.window.is_none_or(|window| !focused.contains(&window))
        };
        (focused.is_empty() && !self.any_holder_is_open()) || active.is_some_and(is_elsewhere)
    }

    /// Whether it does not matter which window holds the keyboard. A menu that maps and grabs at once does so before it is listened to, and
    /// no event names it afterwards. A grab is held at a window that is mapped: none of those is a secret, and each was asked.
    fn any_holder_is_open(&self) -> bool {
        let is_open = |top: &TopLevel| {
            let is_known = top.heard && !top.stale && (top.has_program || !top.is_suspect());
            is_known && top.verdict.is_none() && !top.secure_keyboard
        };
        self.keyboard.grab == Grab::Held(None)
            && self.desk.only().is_none()
            && self.desk.iter().all(|(_, top)| !top.mapped || is_open(top))
    }

    /// Whether a window is known to be no secret, and a menu or the like of the active window's program.
    fn is_popup_of(&self, window: WindowId, active: ActiveWindow) -> bool {
        let is_open = |top: &&TopLevel| top.unmanaged && !top.stale && top.verdict.is_none();
        // Of an active window that no window manager places either, that does not tell menus from it.
        let top = self.desk.get(window).filter(is_open);
        active.managed && top.is_some_and(|top| top.client.is_some() && top.client == active.client)
    }
}
