//! Which child of the root has the keyboard, told by focus events and, for windows that are new, by asking.

use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{ConnectionExt as _, FocusInEvent, InputFocus, NotifyDetail, Window};
use x11rb::rust_connection::RustConnection;

use super::super::failure::answered;
use super::{Windows, grab, id};
use crate::base::time::MonoNs;
use crate::privacy::cover::{ActiveWindow, GrabNews, KeyboardEvent, WindowId};
use crate::privacy::reason::Reason;

/// How deep the window that has the keyboard is looked for in a child of the root.
const MAX_DEPTH: u32 = 64;

impl Windows {
    /// Takes in a focus event.
    pub(super) fn focus_changed(&mut self, e: &FocusInEvent, came: bool) {
        // The root is only passed on the way into a window, or has it.
        let passed = [NotifyDetail::VIRTUAL, NotifyDetail::NONLINEAR_VIRTUAL].contains(&e.detail);
        if e.detail == NotifyDetail::POINTER || (e.event == self.root && passed) {
            return;
        }
        if came {
            if let Some(top) = self.top_of(e.event) {
                self.cover.keyboard(KeyboardEvent::Came(self.known(top)));
            }
        } else if e.event == self.root || e.detail != NotifyDetail::INFERIOR {
            // Into a window of the same it is still the same child of the root. An inner window's loss says nothing.
            self.cover.keyboard(KeyboardEvent::Went(self.known(e.event)));
        }
    }

    /// A child of the root as the policy names it; the root itself is none.
    fn known(&self, top: Window) -> Option<WindowId> {
        (top != self.root).then_some(id(top))
    }

    /// Takes in what a focus event tells of a grab.
    pub(super) fn grab_told(&mut self, told: grab::Told) {
        let news = match told {
            // Told below, by the child of the root that it is in.
            grab::Told::At(window) => {
                self.grabbed_at = Some(window);
                return;
            }
            grab::Told::Still => GrabNews::Still,
            grab::Told::Somewhere => GrabNews::Somewhere,
            grab::Told::Free => GrabNews::Free,
        };
        if news != GrabNews::Still {
            self.grabbed_at = None;
        }
        self.cover.keyboard(KeyboardEvent::Grab(news));
    }

    /// Tells which child of the root the keyboard is grabbed in now: windows are put into frames and out of them.
    pub(super) fn tell_holder(&mut self) {
        if let Some(at) = self.grabbed_at {
            let top = self.top_of(at).unwrap_or(at);
            self.cover.keyboard(KeyboardEvent::Grab(GrabNews::At(id(top))));
        }
    }

    /// Which child of the root has the keyboard now. That holds for what happens after the answer; for windows that were listened to
    /// before, events say it in their order, so of `new` ones only.
    pub(super) fn find_focus(&mut self, conn: &RustConnection, new: &[Window]) -> Result<(), ConnectionError> {
        let cookie = conn.get_input_focus()?;
        let sequence = cookie.sequence_number();
        let Some(reply) = answered(cookie.reply())? else { return Ok(()) };
        let mut window = reply.focus;
        if window == u32::from(InputFocus::NONE) || window == u32::from(InputFocus::POINTER_ROOT) {
            window = self.root;
        }
        for _ in 0..MAX_DEPTH {
            if let Some(top) = self.top_of(window) {
                if new.contains(&top) {
                    self.answered = Some((sequence, top));
                }
                break;
            }
            match answered(conn.query_tree(window)?.reply())? {
                Some(tree) if tree.parent != x11rb::NONE => window = tree.parent,
                _ => break,
            }
        }
        Ok(())
    }

    /// The event that is looked at next was sent after this request.
    pub(in super::super) fn reached(&mut self, sequence: u64) {
        if let Some((_, top)) = self.answered.take_if(|(answered, _)| sequence >= *answered) {
            self.cover.keyboard(KeyboardEvent::Came(self.known(top)));
        }
    }

    /// Whether it is unclear who gets what is typed ([`crate::privacy::cover::Cover::is_unclear`]) while this window is the active one (0: none is).
    pub(in super::super) fn is_unclear(&self, active: Window) -> bool {
        let known = |active| ActiveWindow {
            window: self.top_of(active).map(id),
            client: self.client(active),
            // One that is in a frame is.
            managed: !self.cover.is_unmanaged(id(active)),
        };
        self.cover.is_unclear((active != x11rb::NONE).then(|| known(active)))
    }

    /// Why what is typed now must not be known ([`crate::privacy::cover::Cover::secret`]).
    pub(in super::super) fn secret(&self, now: MonoNs) -> Option<Reason> {
        self.cover.secret(now)
    }
}
