//! Finds the window that takes the place of a recorded one that was closed: programs make their window anew when they go to full
//! screen and back, and people start a program again.
//!
//! Only windows that were made about then count, never one that was there beside the recorded one. Such a window is the one when
//! the rule by which the recorded one was found fits it, or when it is of the same client or process and application. Windows
//! that say they are for another one (dialogs) are not.

use std::collections::VecDeque;
use std::time::Duration;

use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, Window, WindowClass};
use x11rb::rust_connection::RustConnection;

use super::failure::{self, there};
use super::popups::is_same_client;
use super::targets::{self, Atoms};
use crate::base::event::Content;
use crate::base::time::MonoNs;
use crate::capture::{CaptureError, Target};
use crate::privacy::names;

/// The most windows that were made lately and are kept; programs make a handful when they begin.
const MAX_MADE: usize = 256;
/// How long before the recorded window was closed the new one may have been made: some programs make it first.
const BEFORE: Duration = Duration::from_secs(5);

/// What is known of the recorded window, for when it is closed.
pub(super) struct Seeker {
    atoms: Atoms,
    root: Window,
    rule: Target,
    window: Window,
    names: (String, String),
    title: Content,
    pid: Option<u32>,
    unmanaged: bool,
    made: VecDeque<(MonoNs, Window)>,
}

impl Seeker {
    /// For a window that a target named; the caller listens to the children of the root.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn open(
        conn: &RustConnection,
        root: Window,
        rule: Target,
        window: Window,
    ) -> Result<Self, CaptureError> {
        let atoms = Atoms::intern(conn)?;
        let mut seeker = Self {
            atoms,
            root,
            rule,
            window,
            names: (String::new(), String::new()),
            title: Content::default(),
            pid: None,
            unmanaged: false,
            made: VecDeque::new(),
        };
        seeker.follow(conn, window)?;
        Ok(seeker)
    }

    /// This window is the recorded one from now on.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn follow(&mut self, conn: &RustConnection, window: Window) -> Result<(), CaptureError> {
        let attributes = conn.get_window_attributes(window).map_err(|error| failure::connection(&error))?;
        self.window = window;
        self.names = targets::window_app(conn, window)?;
        self.title = targets::window_title(conn, &self.atoms, window)?;
        self.pid = targets::window_pid(conn, &self.atoms, window)?;
        self.unmanaged = there(attributes.reply())?.is_some_and(|attributes| attributes.override_redirect);
        Ok(())
    }

    /// Takes in an event.
    pub(super) fn event(&mut self, event: &Event, now: MonoNs) {
        if let Event::CreateNotify(e) = event
            && e.parent == self.root
        {
            if self.made.len() == MAX_MADE {
                self.made.pop_front();
            }
            self.made.push_back((now, e.window));
        }
    }

    /// Whether no window can take its place any more: it was named by its identifier, and its program has ended.
    pub(super) fn is_hopeless(&self) -> bool {
        matches!(self.rule, Target::WindowId(_)) && self.pid.is_some_and(has_ended)
    }

    /// The window that takes the place of the one that was closed at `gone`.
    ///
    /// # Errors
    /// The display is gone.
    pub(super) fn find(&mut self, conn: &RustConnection, gone: MonoNs) -> Result<Option<Window>, CaptureError> {
        self.made.retain(|(made, _)| *made >= gone || gone.since(*made) <= BEFORE);
        for (_, window) in &self.made {
            if self.fits(conn, *window)? {
                return Ok(Some(*window));
            }
        }
        Ok(None)
    }

    fn fits(&self, conn: &RustConnection, window: Window) -> Result<bool, CaptureError> {
        let lost = |error| failure::connection(&error);
        let attributes = conn.get_window_attributes(window).map_err(lost)?;
        let kind = AtomEnum::WINDOW;
        let transient = conn.get_property(false, window, AtomEnum::WM_TRANSIENT_FOR, kind, 0, 1).map_err(lost)?;
        let (Some(attributes), Some(transient)) = (there(attributes.reply())?, there(transient.reply())?) else {
            return Ok(false);
        };
        let is_main = attributes.map_state == MapState::VIEWABLE
            && attributes.class == WindowClass::INPUT_OUTPUT
            && attributes.override_redirect == self.unmanaged
            && transient.value.is_empty();
        if !is_main {
            return Ok(false);
        }
        let called = targets::window_app(conn, window)?;
        let title = targets::window_title(conn, &self.atoms, window)?;
        let by_rule = match &self.rule {
            Target::WindowApp(app) => names::app_fits(app, &called.0, &called.1),
            Target::WindowTitle(part) => names::title_fits(part, &title.0),
            _ => false,
        };
        if by_rule {
            return Ok(true);
        }
        let pid = targets::window_pid(conn, &self.atoms, window)?;
        let is_of_it = is_same_client(conn, window, self.window) || (pid.is_some() && pid == self.pid);
        // What has no name of its application is known by its title: identifiers of a client that has ended are given to the next.
        let is_called_so = called == self.names && (!called.0.is_empty() || title == self.title);
        Ok(is_of_it && is_called_so)
    }
}

/// Whether a process of this machine is no more, or only waits to be buried.
fn has_ended(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    // The state stands behind the name, which is in parentheses and may hold some.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_has_not_ended() {
        assert!(!has_ended(std::process::id()));
        assert!(has_ended(u32::MAX));
    }
}
